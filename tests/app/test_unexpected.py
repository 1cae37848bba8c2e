"""An error that nobody foresaw ends in one line and exit code 70; its report tells where, and nothing of a patient."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from support.message_kit import SAMPLE

from corecore.app.cli import UNEXPECTED, main
from corecore.app.cli.unexpected import STEPS_MAX, report

#: What must stay where it is: a name, a date, an id, a folder.
SECRETS = ("Mustermann", "19540312", "PAT-0815", "ward7")


def deep(level: int) -> int:
    """Recursion without an end."""
    patient = SECRETS[0]
    return deep(level + 1) + len(patient)


def chained() -> None:
    """An error from an error, a patient in both."""
    try:
        dict[str, int]()["Mustermann^Erika"]
    except KeyError as error:
        raise ValueError("birth date 19540312 of PAT-0815 in /data/ward7/ct.dcm") from error


def silent() -> None:
    """An error that cannot tell its text."""

    class BrokenError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("Mustermann")

    raise BrokenError


ERRORS: dict[str, Callable[[], object]] = {
    "recursion": lambda: deep(0),
    "chained": chained,
    "silent": silent,
    "lookup": lambda: [][3],
    "division": lambda: 1 / 0,
}


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], list[str]]:
    """Makes ``measure`` fail in a way; the arguments of the command."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = tmp_path / "ward7"
    folder.mkdir()

    def made(name: str) -> list[str]:
        monkeypatch.setattr("corecore.exports.workflow.read_case", lambda inputs: ERRORS[name]())
        masks = ["--femur", f"{SAMPLE}:1", "--lesion", f"{SAMPLE}:2"]
        return ["measure", *masks, "--out", str(folder / "Mustermann.json"), "--stage", "II"]

    return made


@pytest.mark.parametrize("name", ERRORS)
def test_one_line_a_report_and_exit_code_70(
    name: str, broken: Callable[[str], list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(broken(name)) == UNEXPECTED == 70
    told = capsys.readouterr()
    found = re.fullmatch(
        r"error: unexpected \w+ in (corecore/\S+:\d+) \S+; report, without names and values: (\S+);"
        r" CORECORE_DEBUG=1 shows all of it \[unexpected\]\n", told.err
    )  # fmt: skip
    assert found, told.err
    assert told.out == ""
    text = Path(found[2]).read_text(encoding="utf-8")
    assert Path(found[2]).stat().st_mode & 0o077 == 0  # its user's alone
    assert found[1] in text
    assert "command: measure --femur --lesion --out --stage\n" in text
    for secret in (*SECRETS, "right_medium", str(tmp_path), str(Path.home()), "test_unexpected.py"):
        assert secret not in text.replace(str(found[2]), "")
        assert secret not in told.err.replace(found[2], "")
    assert len(text.splitlines()) < 2 * STEPS_MAX + 20
    assert not (tmp_path / "ward7" / "Mustermann.json").exists()


def test_what_a_chain_came_from_is_told(broken: Callable[[str], list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(broken("chained")) == UNEXPECTED
    text = Path(capsys.readouterr().err.split("values: ")[1].split(";")[0]).read_text(encoding="utf-8")
    assert re.search(r"builtins.ValueError \(a text of 53 characters, omitted\)(\n .*)+\n\nbuiltins.KeyError \(", text)


def test_a_debugger_sees_it_all(
    broken: Callable[[str], list[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CORECORE_DEBUG", "1")
    assert main(broken("chained")) == UNEXPECTED
    told = capsys.readouterr().err
    assert "Traceback (most recent call last)" in told
    assert "19540312" in told
    assert told.splitlines()[-1].endswith("[unexpected]")
    # Of an error that is foreseen too.
    assert main(["messages", "no-such-code"]) == 2
    assert "Traceback" in capsys.readouterr().err


def test_without_a_place_for_the_report_the_line_stays(
    broken: Callable[[str], list[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = broken("division")
    monkeypatch.setattr(tempfile, "tempdir", "/proc/no-such-folder")
    assert main(arguments) == UNEXPECTED
    assert re.fullmatch(
        r"error: unexpected ZeroDivisionError in corecore/\S+ \S+; no report could be written \([^\n]+\); [^\n]+\n",
        capsys.readouterr().err,
    )


def test_no_argument_of_the_user_is_in_a_report() -> None:
    for arguments in ([], ["Mustermann"], ["measure", "--Mustermann", "ward7", "--femur=Mustermann", "-x"]):
        text = report(ZeroDivisionError("Mustermann"), arguments)
        assert not any(secret in text for secret in SECRETS)


def test_the_process_ends_with_that_code(tmp_path: Path) -> None:
    script = (
        "import sys, tempfile; tempfile.tempdir = sys.argv[1]\n"
        "import corecore.app.cli.commands.messages as module\n"
        "module.catalogue = lambda: 1 / 0\n"
        "from corecore.app.cli import main\n"
        "sys.exit(main(['messages']))\n"
    )
    ended = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False)
    assert ended.returncode == 70
    assert ended.stderr.count("\n") == 1
    assert "Traceback" not in ended.stderr
