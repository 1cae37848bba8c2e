"""What the doctor finds, here and where something is lacking."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

import corecore
from corecore.app import diagnose
from corecore.app.cli import main
from corecore.app.diagnose import Finding, examine
from corecore.report.pictures import preview


def by_name() -> dict[str, Finding]:
    return {finding.name: finding for finding in examine()}


def test_what_works_is_said_to_work(capsys: pytest.CaptureFixture[str]) -> None:
    found = by_name()
    assert found["Python"].ok
    assert found["threads"].found[0].isdigit()
    assert main(["doctor", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["versions"][0].startswith("corecore ")
    assert {one["name"] for one in content["findings"]} == set(found)


def test_what_lacks_comes_with_its_mend(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(diagnose, "find_spec", lambda name: None)
    monkeypatch.setattr(preview.DRAWING, "renderer", lambda: None)
    monkeypatch.delenv(preview.CHOICE_VARIABLE, raising=False)
    monkeypatch.setattr("corecore.base.jit_cache.cache_folder", lambda: None)
    found = by_name()
    assert not found["pictures"].ok
    assert "apt-get install" in found["pictures"].mend
    assert found["extra dicom"].mend == "pip install 'corecore[dicom]'"
    assert "NUMBA_CACHE_DIR" in found["compiled kernels"].mend
    # None of it stops the main job.
    assert main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sum("-> " in line for line in lines) == sum(not finding.ok for finding in found.values())


def test_plain_pictures_that_were_asked_for_are_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(preview.CHOICE_VARIABLE, "plain")
    assert by_name()["pictures"].ok


def test_a_machine_that_cannot_do_the_main_job_ends_with_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.version_info", (3, 9))
    assert main(["doctor"]) == 2


@pytest.mark.parametrize("name", ["plan", "measures"])
def test_the_schemas_are_printed_as_they_ship(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", name]) == 0
    text = capsys.readouterr().out
    jsonschema.Draft202012Validator.check_schema(json.loads(text))
    shipped = Path(corecore.__file__).parent / "document" / "schemas" / f"{name}.schema.json"
    assert text == shipped.read_text(encoding="utf-8")


def test_an_unknown_schema_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "plans"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
