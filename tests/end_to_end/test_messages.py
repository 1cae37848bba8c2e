"""Every error and warning stands in the catalogue with its cause and mend, and is met on its road, one by one."""

from __future__ import annotations

import ast
import json
import re
import runpy
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import export_phantom, messages_of_files, messages_of_hips, messages_of_work
from support import messages_of_warnings as scenes
from support.message_kit import BEYOND, COMMANDS, SLOW, Kit
from support.shared import shared

from corecore.app.cli import main
from corecore.base.errors import CorecoreError
from corecore.base.messages import catalogue
from corecore.base.spec import Spec
from corecore.hip.hip import Hip
from corecore.planning.manual import path_on_bone

ROOT = Path(__file__).resolve().parents[2]
FAMILY = {"CorecoreError", *(kind.__name__ for kind in CorecoreError.__subclasses__()), "AnatomyError"}
ERRORS = {code: message for code, message in catalogue().items() if message.kind == "error"}
WARNINGS = {code: message for code, message in catalogue().items() if message.kind == "warning"}
#: Where the tunnel of the plan enters and ends, RAS mm: within every limit for a drill of 9 mm.
ENDS = (np.array([146.436, -29.564, -16.652]), np.array([79.904, -9.474, 36.763]))
#: Batches that fail once begun; their journal stays, so that --resume goes on.
JOURNAL_STAYS = {"worker-failed", "scheduler-unreachable"}

assert messages_of_files.__doc__
assert messages_of_hips.__doc__
assert messages_of_work.__doc__


def calls(source: str, names: set[str]) -> Iterator[ast.Call]:
    """Calls in a module of functions or classes by name."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            yield node


def code_of(call: ast.Call) -> str | None:
    """The literal code of a raised error; an empty one where it hands on another error's; none where it has none."""
    found = [word.value for word in call.keywords if word.arg == "code"]
    if len(found) != 1:
        return None
    if isinstance(found[0], ast.Constant) and isinstance(found[0].value, str):
        return found[0].value or None
    handed_on = isinstance(found[0], ast.Attribute) and found[0].attr == "code"
    return "" if handed_on else None


def sources() -> Iterator[tuple[str, str]]:
    """Every module of the package."""
    for path in sorted((ROOT / "corecore").rglob("*.py")):
        yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")


def test_every_error_is_raised_with_a_code_of_the_catalogue_and_every_code_is_raised() -> None:
    # The command line itself ends with these, of no error of ours.
    used = {"usage", "out-of-memory"}
    for name, source in sources():
        for call in calls(source, FAMILY):
            code = code_of(call)
            assert code is not None, f"{name}:{call.lineno} has no code"
            assert not code or code in ERRORS, f"{name}:{call.lineno}: {code}"
            used.add(code)
    assert used - {""} == set(ERRORS)


def test_every_warning_stands_in_the_catalogue_and_every_one_there_is_given() -> None:
    used = set()
    for name, source in sources():
        for call in calls(source, {"PlanWarning", "Remark"}):
            if isinstance(call.args[0], ast.Attribute) and call.args[0].attr == "code":
                # Handed on from a reader's remark.
                continue
            assert isinstance(call.args[0], ast.Constant), f"{name}:{call.lineno}: no literal code"
            used.add(call.args[0].value)
    assert used == set(WARNINGS)


@pytest.mark.parametrize(
    ("call", "found"),
    [
        ("InputError('x')", None), ("InputError('x', code='')", None), ("InputError('x', code=f'a{b}')", None),
        ("InputError('x', code='mask-empty')", "mask-empty"), ("InputError('x', code=error.code)", ""),
    ],
)  # fmt: skip
def test_a_missing_code_is_seen(call: str, found: str | None) -> None:
    (node,) = calls(call, FAMILY)
    assert code_of(node) == found


def test_no_code_stands_twice_and_each_has_one_sentence_of_cause_and_of_mend() -> None:
    text = (ROOT / "corecore" / "base" / "messages.toml").read_text(encoding="utf-8")
    heads = re.findall(r"^\[(?:errors|warnings)\.([\w-]+)\]", text, flags=re.MULTILINE)
    assert len(heads) == len(set(heads)) == len(catalogue())
    for message in catalogue().values():
        words = r"[a-z]+(-[a-z]+)*" if message.kind == "error" else r"[a-z]+(_[a-z]+)*"
        assert re.fullmatch(words, message.code)
        for sentence in (message.cause, message.mend):
            assert re.fullmatch(r"[A-Z-][^\n]*\.", sentence), message.code


def test_the_page_is_that_of_the_catalogue() -> None:
    page = runpy.run_path(str(ROOT / "docs" / "list_messages.py"))["page"]()
    assert (ROOT / "docs" / "messages.md").read_text(encoding="utf-8") == page, "python docs/list_messages.py"
    assert all(f"| `{code}` |" in page for code in catalogue())


def test_every_error_has_its_recipe() -> None:
    assert set(COMMANDS) == {code for code, message in ERRORS.items() if message.reachable_by == "command"}
    assert set(BEYOND) == {code for code, message in ERRORS.items() if message.reachable_by != "command"}


@pytest.fixture(scope="module")
def kept_plan(sample_hip: Hip) -> Path:
    """A plan of the sample with a tunnel that breaks nothing, and its files."""

    def write(folder: Path) -> None:
        tunnel = path_on_bone(sample_hip, *ENDS, 9.0)
        content = export_phantom.write_by_hand(sample_hip, [tunnel], folder, spec=Spec(diameter_mm=9.0))
        assert content["violations"] == []

    return shared.written("plan by hand", write)


@pytest.fixture
def kit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sample_hip: Hip, kept_plan: Path) -> Iterator[Kit]:
    with ExitStack() as held:
        yield Kit(tmp_path, monkeypatch, sample_hip, kept_plan, held)


def state(folder: Path) -> dict[str, bytes | None]:
    """What lies in a folder, byte by byte."""
    files = {path for path in folder.rglob("*") if not path.is_fifo()}
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in files}


@pytest.mark.parametrize(
    "code", [pytest.param(code, marks=[pytest.mark.slow] if code in SLOW else []) for code in sorted(COMMANDS)]
)
def test_a_command_ends_with_its_error_in_one_line(code: str, kit: Kit, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = COMMANDS[code](kit)
    before = state(kit.folder)
    capsys.readouterr()
    assert main(arguments) == 2
    told = capsys.readouterr()
    assert re.fullmatch(rf"error: [^\n]+ \[{code}\]\n", told.err), told.err
    left = {"run", "run/journal.jsonl"} if code in JOURNAL_STAYS else set()
    after = state(kit.folder)
    assert {name: content for name, content in after.items() if name not in left} == before


@pytest.mark.parametrize("code", sorted(BEYOND))
def test_an_error_that_no_command_ends_with_has_its_code(code: str, kit: Kit) -> None:
    assert BEYOND[code](kit) == code


def test_the_command_tells_cause_and_mend(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["messages", "mask-empty"]) == 0
    told = capsys.readouterr().out
    assert ERRORS["mask-empty"].cause in told
    assert ERRORS["mask-empty"].mend in told
    assert main(["messages", "--json"]) == 0
    assert [one["code"] for one in json.loads(capsys.readouterr().out)] == list(catalogue())
    assert main(["messages", "no-such-code"]) == 2
    assert capsys.readouterr().err.endswith("[option-value]\n")


def test_every_warning_has_its_scene() -> None:
    shown = [codes for _, codes, _ in scenes.SCENES.values()] + [codes for _, codes in scenes.WRITTEN.values()]
    assert set().union(*shown) == set(WARNINGS)


def warned(content: dict[str, Any]) -> set[str]:
    """The codes of the warnings of a plan or of measures, each with its text."""
    assert all(item["text"] for item in content["warnings"])
    return {item["code"] for item in content["warnings"]}


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] if slow else []) for name, (_, _, slow) in scenes.SCENES.items()],
)
def test_a_command_goes_on_and_warns(name: str, kit: Kit, capsys: pytest.CaptureFixture[str]) -> None:
    run, codes, _ = scenes.SCENES[name]
    arguments = run(kit)
    capsys.readouterr()
    assert main(arguments) == 0, capsys.readouterr().err
    assert warned(json.loads(capsys.readouterr().out)) >= codes


@pytest.mark.slow
@pytest.mark.parametrize("name", list(scenes.WRITTEN))
def test_what_the_review_writes_warns(name: str, kit: Kit) -> None:
    write, codes = scenes.WRITTEN[name]
    assert warned(json.loads(write(kit).read_text())) >= codes


@pytest.mark.slow
def test_a_sound_hip_warns_only_of_the_acetabulum_it_does_not_show(
    kit: Kit, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(kit.of_sample("--json")) == 0
    assert warned(json.loads(capsys.readouterr().out)) == {"acetabulum_population", "frame_uncertain"}
