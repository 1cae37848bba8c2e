"""Every command on the pages about exports runs as it stands there, but for the places of the files."""

from __future__ import annotations

import shlex
from pathlib import Path

import export_phantom as phantom
import pytest
from test_export_dicom import make_series

from corecore.cli import main
from corecore.spec import Spec

DOCS = Path(__file__).resolve().parent.parent / "docs"


def commands(page: str) -> list[str]:
    lines = (DOCS / page).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.startswith("corecore ")]


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the pages name: plans/case01, plans/mine (breaks a limit), a series."""
    pytest.importorskip("highdicom")
    folder = tmp_path_factory.mktemp("docs")
    world = phantom.make_world(folder)
    tunnel = phantom.on_bone(world.hip, world.ends[0], 10.0)
    (folder / "plans").mkdir()
    phantom.write_by_hand(world.hip, [tunnel], folder / "plans" / "case01")
    phantom.write_by_hand(world.hip, [tunnel], folder / "plans" / "mine", spec=Spec(joint_margin_mm=8.0))
    make_series(folder / "ct", world.hip)
    return folder


def test_the_page_names_commands() -> None:
    assert len(commands("export.md")) == 7


@pytest.mark.parametrize("command", commands("export.md"))
def test_a_command_of_the_page_runs(command: str, plans: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(plans)
    words = shlex.split(command)[1:]
    assert main(words) == 0
    assert Path(words[words.index("--out") + 1]).exists()
