"""Every command on the pages about exports and guides runs as it stands there, but for the places of the files."""

from __future__ import annotations

import re
import shlex
from dataclasses import fields
from pathlib import Path

import pytest
from support import export_phantom as phantom
from support.ct_series import make_series
from support.risk_twin import neck_tunnel
from support.shared import shared

from corecore.app.cli import main
from corecore.base.spec import Spec
from corecore.exports.guide.design import Design
from corecore.hip.case import load_case

#: So lax that a tunnel along the neck keeps it on any hip.
LAX = Spec(
    diameter_mm=8.0, cortical_margin_mm=0.0, posterosuperior_margin_mm=0.0, joint_margin_mm=3.0, entry_distal_mm=-30.0,
    entry_proximal_mm=80.0, entry_ap_max_mm=30.0, shaft_angle_min_deg=90.0, shaft_angle_max_deg=180.0,
)  # fmt: skip
DOCS = Path(__file__).resolve().parents[2] / "docs"


def commands(page: str) -> list[str]:
    lines = (DOCS / page).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.startswith("corecore ")]


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the pages name: plans/case01, plans/mine (breaks a limit), a series."""
    pytest.importorskip("highdicom")
    folder = tmp_path_factory.mktemp("docs")
    world = phantom.make_world()
    tunnel = phantom.on_bone(world.hip, world.ends[0], 10.0)
    (folder / "plans").mkdir()
    phantom.write_by_hand(world.hip, [tunnel], folder / "plans" / "case01")
    phantom.write_by_hand(world.hip, [tunnel], folder / "plans" / "mine", spec=Spec(joint_margin_mm=8.0))
    make_series(folder / "ct", world.hip)
    return folder


def test_the_page_names_commands() -> None:
    assert len(commands("export.md")) == 7


@pytest.mark.slow
@pytest.mark.parametrize("command", commands("export.md"))
def test_a_command_of_the_page_runs(command: str, plans: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(plans)
    words = shlex.split(command)[1:]
    assert main(words) == 0
    assert Path(words[words.index("--out") + 1]).exists()


@pytest.fixture(scope="module")
def real_plan(real_hips: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with plans/case01 of a real hip: the pages' guides want a bone that holds them."""
    pytest.importorskip("manifold3d")
    folder = tmp_path_factory.mktemp("guides")
    path = real_hips / "h05_right_short_scan.nii.gz"
    hip = shared.build_hip(load_case(f"{path}:1", f"{path}:2"))
    (folder / "plans").mkdir()
    phantom.write_by_hand(hip, [neck_tunnel(hip, diameter_mm=8.0)], folder / "plans" / "case01", spec=LAX)
    return folder


def test_the_page_of_guides_names_commands() -> None:
    assert len(commands("guide.md")) == 3


@pytest.mark.slow
@pytest.mark.parametrize("command", commands("guide.md"))
def test_a_command_of_the_page_of_guides_runs(command: str, real_plan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(real_plan)
    words = shlex.split(command)[1:]
    assert main(words) == 0
    out = Path(words[words.index("--out") + 1])
    assert all(out.with_suffix(suffix).exists() for suffix in (".stl", ".3mf", ".txt"))


def test_the_page_of_guides_states_the_sizes_in_force() -> None:
    page = (DOCS / "guide.md").read_text(encoding="utf-8")
    for field in fields(Design):
        stated = re.search(rf"^\| `{field.name}`[^|]*\| ([^ |]+) \|", page, flags=re.MULTILINE)
        assert stated is not None, field.name
        assert stated[1] == ("–" if field.default is None else f"{field.default:g}")
