"""Files that a plan lists are drawn again: the plan lists them anew and stays the same plan."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from corecore.base.errors import OutputError
from corecore.document.read import read_plan
from corecore.document.seal import plan_hash, seal_of
from corecore.exports import redraw
from corecore.io.files import sha256_of
from corecore.report.pictures.preview import CHOICE_VARIABLE, PreviewResult
from corecore.report.scene import Scene


@pytest.fixture
def plan_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A plan that lists one picture; drawing writes another in its place."""
    documents = Path(__file__).parents[1] / "document" / "data" / "documents.json"
    plan = json.loads(documents.read_text())["planned"]
    folder = tmp_path / "plan"
    folder.mkdir()
    (folder / "preview.html").write_text("first")
    plan["outputs"] = [{"path": "preview.html", "sha256": sha256_of(folder / "preview.html")}]
    plan["seal"] = seal_of(plan)
    (folder / "plan.json").write_text(json.dumps(plan))

    def draw_all(scene: object, tissue: object, stage: Path) -> PreviewResult:
        (stage / "preview.html").write_text("second")
        return PreviewResult(stage / "preview.png", "software", None)  # type: ignore[arg-type]

    monkeypatch.setattr(redraw, "draw_all", draw_all)
    monkeypatch.setattr(Scene, "load", lambda path: None)
    monkeypatch.setenv(CHOICE_VARIABLE, "plain")
    return folder / "plan.json"


def test_what_is_drawn_again_is_listed_anew_under_the_same_name(plan_file: Path) -> None:
    before = read_plan(plan_file)
    redraw.draw_again(plan_file, plan_file.parent)
    after = read_plan(plan_file)
    assert after.sealed
    assert after.hash == before.hash
    (listed,) = json.loads(plan_file.read_text())["outputs"]
    assert listed["sha256"] == sha256_of(plan_file.parent / "preview.html") != before.content["outputs"][0]["sha256"]  # type: ignore[index]


def test_another_folder_leaves_the_plan_alone(plan_file: Path, tmp_path: Path) -> None:
    text = plan_file.read_bytes()
    redraw.draw_again(plan_file, tmp_path / "pictures")
    assert plan_file.read_bytes() == text


def test_an_edited_plan_is_not_sealed_again(plan_file: Path) -> None:
    content = json.loads(plan_file.read_text())
    plan_file.write_text(json.dumps({**content, "created": "2020-01-01T00:00:00+00:00"}))
    redraw.draw_again(plan_file, plan_file.parent)
    assert read_plan(plan_file).sealed is False


def test_a_signed_plan_is_not_drawn_over(plan_file: Path) -> None:
    content = json.loads(plan_file.read_text())
    plan_file.write_text(json.dumps({**content, "signature": "0" * 64}))
    with pytest.raises(OutputError, match="signed as it is"):
        redraw.draw_again(plan_file, plan_file.parent)
    assert (plan_file.parent / "preview.html").read_text() == "first"
    assert plan_hash(content) == read_plan(plan_file).hash
