"""The module's logic with 3D Slicer's own core: one sitting, and what came of it held against the command line."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.shared import shared
from support.slicer_case import ROOT, SlicerCase, run_in_slicer, slicer_python, write_case

from corecore.app.cli import main

pytestmark = pytest.mark.slow

#: What differs between two runs on the same voxels: when, how long, under which names and in which file format.
OF_THE_RUN = ("created", "timings", "outputs", "seal", "signature")


@pytest.fixture(scope="module")
def case() -> SlicerCase:
    """Both hips of a turned patient."""
    slicer_python()
    return SlicerCase(shared.written("case for slicer", write_case))


@pytest.fixture(scope="module")
def sitting(case: SlicerCase, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What came of one sitting at Slicer; ``out`` is its folder."""
    out = tmp_path_factory.mktemp("slicer")
    told = run_in_slicer("slicer_session.py", case.folder, out, sys.executable, ROOT)
    return {**told, "out": out}


@pytest.fixture(scope="module")
def masks(case: SlicerCase, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The right hip's files as options of the command line, written by other hands than the module's."""
    points = [{"label": name, "position": place} for name, place in case.landmarks.items()]
    markup = {"type": "Fiducial", "coordinateSystem": "RAS", "controlPoints": points}
    path = tmp_path_factory.mktemp("given") / "landmarks.mrk.json"
    path.write_text(json.dumps({"markups": [markup]}), encoding="utf-8")
    files = [f"--{role}={case.file(role)}" for role in ("femur", "lesion", "image")]
    return [*files, f"--landmarks={path}", "--side=right", "--id=both hips"]


@pytest.fixture(scope="module")
def commanded(masks: list[str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The same plan by the command line."""
    out = tmp_path_factory.mktemp("plan") / "plan"
    asked = ["--objective=most", "--guidance=fluoroscopy", "--diameter=10", "--tunnels=1", "--set=outline_error_mm=0"]
    assert main(["plan", *masks, *asked, "--no-pictures", f"--out={out}"]) == 0
    told: dict[str, Any] = json.loads((out / "plan.json").read_text(encoding="utf-8"))
    return told


def content(plan: dict[str, Any]) -> dict[str, Any]:
    """What a plan says, without what belongs to its run."""
    kept = {name: value for name, value in plan.items() if name not in OF_THE_RUN}
    kept["case"] = {name: value for name, value in plan["case"].items() if name != "inputs"}
    return kept


def test_the_plan_is_the_command_line_s_to_the_last_bit(sitting: dict[str, Any], commanded: dict[str, Any]) -> None:
    assert content(sitting["plan"]) == content(commanded)
    assert sitting["plan"]["status"] == "planned"
    roles = {item["role"] for item in sitting["plan"]["case"]["inputs"]}
    assert roles == {"femur", "lesion", "image", "landmarks"}
    assert any(name == "searching" and share is not None for name, share in sitting["steps"])


def test_nodes_lie_where_the_plan_has_them(sitting: dict[str, Any]) -> None:
    (tunnel,) = sitting["plan"]["tunnels"]
    assert np.allclose(sitting["line"], [tunnel["entry"], tunnel["tip"]], atol=0.01)
    assert sitting["locked"]
    entry, tip = np.array(tunnel["entry"]), np.array(tunnel["tip"])
    axis = (tip - entry) / np.linalg.norm(tip - entry)
    offset = np.array(sitting["tunnel points"]) - tip
    away = np.linalg.norm(offset - (offset @ axis)[:, None] * axis, axis=1)
    assert np.isclose(away.max(), tunnel["diameter_mm"] / 2, atol=0.01)
    along = offset @ axis
    assert np.allclose([along.min(), along.max()], [-tunnel["length_mm"], 0.0], atol=0.01)


def test_bodies_lie_where_the_masks_are(sitting: dict[str, Any], case: SlicerCase) -> None:
    told = np.load(case.folder / "scene.npz")
    matrix = told["matrix"]
    for name, labels in (("femur", (1, 2)), ("lesion", (2,))):
        index = np.argwhere(np.isin(told["labels"], labels))
        world = index @ matrix[:3, :3].T + matrix[:3, 3]
        low, high = np.array(sitting["bounds"][name])
        # A surface runs between the voxels' centres and their corners.
        assert np.all(np.abs(low - world.min(axis=0)) < 2.0)
        assert np.all(np.abs(high - world.max(axis=0)) < 2.0)
    assert sitting["colors"]["femur"] != sitting["colors"]["lesion"] != sitting["colors"]["tunnel 1"]


def test_tables_and_tree_have_it_all(sitting: dict[str, Any]) -> None:
    assert {"femur", "lesion", "tunnel 1", "tunnel 1 path", "limits", "measures", "plan"} == set(sitting["tree"])
    assert len(sitting["limits"]) >= 8
    assert all(len(row) == 4 and all(row) for row in sitting["limits"])
    assert "Volume" in [row[0] for row in sitting["measures"]]


def test_a_transform_above_the_segmentation_is_respected(sitting: dict[str, Any], case: SlicerCase) -> None:
    above = np.array([[0, -1, 0, 12.5], [1, 0, 0, -40.0], [0, 0, 1, 7.25], [0, 0, 0, 1.0]])
    assert np.allclose(sitting["turned"], above @ np.load(case.folder / "scene.npz")["matrix"], atol=1e-9)
    assert "Harden" in sitting["bent"]


@pytest.mark.parametrize(
    ("act", "words"),
    [
        ("nothing", "Choose the segment of the femur"),
        ("same", "the same segment, 'femur right'"),
        ("empty", "Segment 'empty' is empty"),
        ("other side", "[lesion-outside-femur]"),
        ("wrong side", "[side-contradicts]"),
        ("both", "[lesion-outside-femur]"),
        ("no plan", "Press Plan"),
    ],
)
def test_a_person_is_told_what_is_wrong(sitting: dict[str, Any], act: str, words: str) -> None:
    assert words in sitting[act], sitting[act]
    assert "Traceback" not in sitting[act]
    assert sitting["plan"]["case"]["side"] == "right"


def test_slices_run_along_the_tunnel(sitting: dict[str, Any]) -> None:
    (tunnel,) = sitting["plan"]["tunnels"]
    axis, middle = np.array(tunnel["direction"]), 0.5 * (np.array(tunnel["entry"]) + np.array(tunnel["tip"]))
    across, along, beside = (np.array(sitting["slices"][name]) for name in ("Red", "Green", "Yellow"))
    for matrix in (across, along, beside):
        assert np.allclose(matrix[:3, :3].T @ matrix[:3, :3], np.eye(3), atol=1e-6)
        assert np.isclose(np.linalg.det(matrix[:3, :3]), 1.0)
        assert np.allclose(matrix[:3, 3], middle, atol=0.01)
    assert np.isclose(abs(across[:3, 2] @ axis), 1.0, atol=1e-5)
    assert np.allclose([along[:3, 2] @ axis, beside[:3, 2] @ axis], 0.0, atol=1e-5)
    assert along[2, 1] > 0.5
    assert sitting["behind"]


def test_a_moved_line_is_evaluated_anew(sitting: dict[str, Any], masks: list[str], tmp_path: Path) -> None:
    moved = sitting["moved"]
    # However often a drag moves the point.
    assert moved["questions"] == 1
    assert moved["figures"]["exceeds"]
    red = [0.659, 0.0, 0.11]
    assert np.allclose(moved["color"], red, atol=1e-3)
    assert np.allclose(moved["line color"], red, atol=1e-3)
    # And the file that Slicer saves of it comes back through the command line.
    out, line = tmp_path / "own", sitting["out"] / "moved.mrk.json"
    asked = ["--diameter=10", "--guidance=fluoroscopy", "--set=outline_error_mm=0", f"--line={line}"]
    assert main(["assess", *masks, *asked, "--no-pictures", f"--out={out}"]) == 0
    plan = json.loads((out / "plan.json").read_text(encoding="utf-8"))
    (tunnel,) = plan["tunnels"]
    (shown,) = moved["figures"]["tunnels"]
    assert np.allclose(tunnel["tip"], shown["tip"], atol=1e-3)
    assert np.isclose(tunnel["removed_fraction"], shown["removed_fraction"], atol=1e-5)
    assert sorted({item["key"] for item in plan["violations"]}) == moved["figures"]["exceeded"]


def test_a_scene_keeps_its_plan(sitting: dict[str, Any]) -> None:
    assert sitting["saved"]
    assert sitting["opened"]
    assert sitting["restored"]
    assert sitting["kept plan"] == sitting["plan"]
    assert sitting["kept complaints"] == []
    assert sitting["kept figures"]["tunnels"] == sitting["moved"]["figures"]["tunnels"]


def test_the_best_near_a_line_is_within_every_limit(sitting: dict[str, Any]) -> None:
    found = sitting["optimised"]
    assert found["figures"]["exceeds"] == []
    (shown,) = found["figures"]["tunnels"]
    assert np.allclose(found["line"], [shown["entry"], shown["tip"]], atol=1e-4)


def test_views_stand_where_the_detector_is(sitting: dict[str, Any]) -> None:
    assert sitting["views"][:2] == ["DRR AP", "DRR Frog-leg lateral"]
    matrix = np.array(sitting["view"]["place"])
    assert sitting["view"]["size"] == [512, 512, 1]
    pixel = np.linalg.norm(matrix[:3, 0])
    assert np.isclose(pixel, 230.0 / 512, atol=1e-5)
    # Upright: rows run downward, and the hip projects inside the picture.
    assert matrix[2, 1] < -0.9 * pixel
    assert np.isclose(np.linalg.norm(matrix[:3, 1]), pixel, atol=1e-5)


def test_for_other_programs(sitting: dict[str, Any]) -> None:
    assert sitting["was moved"]
    assert "Keep moved paths" in sitting["stale"]
    # Of the path as it was then: a plan of it was made first.
    kept = sitting["kept"]
    assert not kept["moved"]
    assert kept["plan"]["status"] == "manual"
    (tunnel,) = kept["plan"]["tunnels"]
    assert np.allclose(kept["line"], [tunnel["entry"], tunnel["tip"]], atol=1e-3)
    assert np.allclose(kept["line"], sitting["optimised"]["line"], atol=1e-3)
    assert str(tunnel["removed_fraction"]) in (sitting["out"] / "plan.csv").read_text(encoding="utf-8")
    assert "[option-value]" in sitting["export"]
    assert sitting["report"].endswith("report.html")


def test_what_is_gone_is_started_again_or_told(sitting: dict[str, Any]) -> None:
    assert np.isclose(sitting["after its end"], sitting["kept"]["plan"]["tunnels"][0]["removed_fraction"], atol=1e-5)
    assert "is not there any more" in sitting["gone folder"]
    assert sitting["answers"]


def test_a_line_of_one_s_own_is_evaluated(sitting: dict[str, Any]) -> None:
    own = sitting["own"]
    assert own["plan"]["status"] == "manual"
    (tunnel,) = own["plan"]["tunnels"]
    assert np.allclose(tunnel["tip"], own["tip"], atol=0.01)


def test_what_is_cancelled_leaves_nothing_behind(sitting: dict[str, Any]) -> None:
    found = sitting["cancelled"]
    assert found["ended"]
    assert found["gone"]
    assert found["word"] == "Cancelled."
    assert found["plan"] == "manual"
    assert found["folders"] == ["plan_1", "plan_2", "plan_3"]
