"""The scene: what a picture needs of a plan, its hash, its directions and its words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.view_phantom import (
    HEAD,
    LESION_OFFSET,
    infeasible_scene,
    manual_scene,
    phantom_plan,
    phantom_scene,
    scene_of,
)

from corecore.base.errors import InputError
from corecore.base.limits import LIMITS, UNITS
from corecore.document.headline import headline_of
from corecore.document.seal import plan_hash
from corecore.document.text import UNKNOWN
from corecore.io.stl import write_stl
from corecore.report import captions
from corecore.report.pictures.bodies import solid_of
from corecore.report.pictures.camera import Camera, cameras, edge_letters
from corecore.report.pictures.caption import CaptionStrip
from corecore.report.scene import Scene


def test_the_hash_names_the_plan_and_not_the_run() -> None:
    plan = phantom_plan()
    # By hand: sorted keys, no spaces, UTF-8.
    assert plan_hash({"b": 1, "a": "é"}) == "aa58fba8483623bed37c1b02edfccbdd9a53123837c20bfa4cb4049993a2872e"
    assert plan_hash({**plan, "created": "later", "timings": {}}) == plan_hash(plan)
    assert plan_hash(dict(reversed(plan.items()))) == plan_hash(plan)
    moved = json.loads(json.dumps(plan))
    moved["tunnels"][0]["tip"][0] += 0.01
    assert plan_hash(moved) != plan_hash(plan)
    assert phantom_scene().hash == plan_hash(plan)[:8]
    with pytest.raises(InputError, match="not plain JSON"):
        plan_hash({"a": float("nan")})


def test_a_plan_is_read_with_the_surfaces_beside_it(tmp_path: Path) -> None:
    scene = phantom_scene()
    (tmp_path / "plan.json").write_text(json.dumps(phantom_plan()), encoding="utf-8")
    write_stl(scene.femur, tmp_path / "femur.stl")
    with pytest.raises(InputError, match=r"lesion\.stl"):
        Scene.load(tmp_path / "plan.json")
    write_stl(scene.lesion, tmp_path / "lesion.stl")
    loaded = Scene.load(tmp_path / "plan.json")
    assert loaded.hash == scene.hash
    assert loaded.lesion.volume_ml == pytest.approx(scene.lesion.volume_ml, rel=1e-4)
    # In RAS again, although the file is in LPS.
    assert np.allclose(loaded.lesion.points_mm.mean(axis=0), HEAD + LESION_OFFSET, atol=0.5)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "[" * 100_000, '{"status": "planned"}'], ids=["empty", "{", "[]", "deep", "bare"]
)
def test_a_broken_plan_file_is_one_line(tmp_path: Path, text: str) -> None:
    scene = phantom_scene()
    write_stl(scene.femur, tmp_path / "femur.stl")
    write_stl(scene.lesion, tmp_path / "lesion.stl")
    path = tmp_path / "plan.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"plan\.json") as error:
        Scene.load(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("part", "name", "value", "found"),
    [
        (None, "status", "done", "status is 'done'"),
        (None, "anatomy", None, "anatomy is None"),
        (None, "tunnels", [1], r"tunnels\[0\] is 1; an object"),
        ("case", "side", "both", "side is 'both'"),
        ("anatomy", "head_center", [1, 2], "a list of 3 numbers"),
        ("anatomy", "head_center", [1, 2, float("inf")], "finite numbers"),
        ("anatomy", "shaft_axis", [0, 0, 2], "length 2"),
        ("anatomy", "x_axis", [0, 0, 1], "runs along"),
        ("tunnel", "diameter_mm", -1, "positive number"),
        ("tunnel", "diameter_mm", True, "a finite number"),
        ("tunnel", "tip", None, r"tunnels\[0\]\.tip is None"),
    ],
)
def test_a_plan_that_cannot_be_drawn_says_why(part: str | None, name: str, value: Any, found: str) -> None:
    plan = json.loads(json.dumps(phantom_plan()))
    target = plan if part is None else plan["tunnels"][0] if part == "tunnel" else plan[part]
    target[name] = value
    scene = phantom_scene()
    with pytest.raises(InputError, match=found):
        scene_of(plan, scene.femur, scene.lesion)


@pytest.mark.parametrize("side", ["right", "left"])
def test_directions_are_the_patients(side: str) -> None:
    scene = phantom_scene(side)
    assert np.allclose(scene.patient_right, [1, 0, 0])
    assert np.allclose(scene.anterior, [0, 1, 0])
    assert np.allclose(scene.proximal, [0, 0, 1])


@pytest.mark.parametrize(("side", "front_of_lateral"), [("right", "right"), ("left", "left")])
def test_letters_stand_where_a_radiologist_expects_them(side: str, front_of_lateral: str) -> None:
    scene = phantom_scene(side)
    first, second, third = cameras(scene, 0.85)
    # From the front the patient's right is on the picture's left, for either hip.
    assert edge_letters(scene, first) == {"left": "R", "right": "L", "top": "S", "bottom": "I"}
    # From the outer side of a right hip the front is on the right, of a left hip on the left.
    letters = edge_letters(scene, second)
    assert letters[front_of_lateral] == "A"
    assert (letters["top"], letters["bottom"]) == ("S", "I")
    # Along the tunnel, up and outwards: the upper edge is superior and lateral.
    assert set(edge_letters(scene, third)["top"]) == {"S", "R" if side == "right" else "L"}
    assert np.allclose(third.into, scene.tunnels[0].direction)


def test_the_cameras_stand_outside_the_patient_and_see_what_matters() -> None:
    scene = phantom_scene()
    first, second, third = cameras(scene, 0.85)
    assert np.allclose(first.into, [0, -1, 0])
    assert np.allclose(second.into, [-1, 0, 0])
    tunnel = scene.tunnels[0]
    for camera in (first, second):
        place = camera.project(np.array([tunnel.entry, tunnel.tip, scene.head_center]))
        assert np.all(np.abs(place[:, :2]) < np.array([camera.width_mm, camera.height_mm]) / 2)
    assert first.height_mm == second.height_mm
    place = third.project(np.array([tunnel.entry, tunnel.tip]))
    assert np.allclose(place[0, :2], place[1, :2])
    assert place[1, 2] > place[0, 2]


def test_a_camera_that_would_mirror_the_patient_is_refused() -> None:
    x, y, z = np.eye(3)
    Camera("front", np.zeros(3), -x, z, -y, 10, 10)
    with pytest.raises(ValueError, match="unmirrored"):
        Camera("mirror", np.zeros(3), x, z, -y, 10, 10)


def test_a_patient_who_turns_takes_the_pictures_along() -> None:
    scene = phantom_scene()
    turn = np.eye(4)
    c, s = np.cos(0.7), np.sin(0.7)
    turn[:3, :3] = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    turn[:3, 3] = [10, -20, 30]
    plan = json.loads(json.dumps(phantom_plan()))
    for part, names in ((plan["anatomy"], ["head_center"]), (plan["tunnels"][0], ["entry", "tip"])):
        for name in names:
            part[name] = (turn[:3, :3] @ part[name] + turn[:3, 3]).tolist()
    for name in ("shaft_axis", "neck_axis", "x_axis"):
        plan["anatomy"][name] = (turn[:3, :3] @ plan["anatomy"][name]).tolist()
    turned = scene_of(plan, scene.femur.transformed(turn), scene.lesion.transformed(turn))
    for before, after in zip(cameras(scene, 0.85), cameras(turned, 0.85), strict=True):
        there = after.project(turned.lesion.points_mm)
        assert np.allclose(before.project(scene.lesion.points_mm), there, atol=1e-6)


def test_the_shaft_axis_is_found_in_the_bone() -> None:
    point, axis = phantom_scene("left").shaft_line
    assert np.allclose(axis, [0, 0, 1])
    assert np.allclose(point[:2], HEAD[:2] - np.array([46, 0]), atol=1.0)
    plan = phantom_plan()
    plan["anatomy"]["shaft_point"] = [1.0, 2.0, 3.0]
    scene = phantom_scene()
    assert np.allclose(scene_of(plan, scene.femur, scene.lesion).shaft_line[0], [1, 2, 3])


def test_a_cavity_is_drawn_at_the_tips_end() -> None:
    plan = json.loads(json.dumps(phantom_plan()))
    plan["tunnels"][0].update(cavity_diameter_mm=20.0, cavity_length_mm=15.0)
    scene = phantom_scene()
    tunnel = scene_of(plan, scene.femur, scene.lesion).tunnels[0]
    solid, length = solid_of(tunnel), float(np.linalg.norm(tunnel.tip - tunnel.entry))
    assert solid.is_closed
    # Shaft and cavity are one body: 10 mm wide up to the cavity, 20 mm from there to the tip.
    assert solid.volume_ml / solid_of(scene.tunnels[0]).volume_ml == pytest.approx(
        1 + 15.0 / length * (4 - 1), rel=1e-9
    )
    offset = solid.points_mm - tunnel.entry
    along = offset @ tunnel.direction
    across = np.linalg.norm(offset - along[:, None] * tunnel.direction, axis=1)
    assert along.max() == pytest.approx(length, abs=1e-9)
    assert along[across > 5.0 + 1e-6].min() == pytest.approx(length - 15.0, abs=1e-9)


def test_a_long_warning_is_printed_to_its_end() -> None:
    text = "The axis of the shaft is assumed, since the scan ends above it. " * 6 + "No drill guide."
    strip = CaptionStrip(phantom_scene(warnings=[{"code": "x", "text": text}]))
    printed = " ".join(cells[0].strip() for cells, _ in strip.blocks if len(cells) == 1)
    assert printed == f"Warning: {text}"
    assert strip.height_in > CaptionStrip(phantom_scene()).height_in + 0.5


def test_words_tell_what_is_known_and_nothing_else() -> None:
    scene = phantom_scene()
    row = captions.tunnel_row(1, scene.tunnels[0])
    assert len(row) == len(captions.tunnel_columns())
    assert "34.5 %" in row
    assert row[-1] == UNKNOWN
    assert captions.hip_name(scene) == "RIGHT HIP"
    assert ("plan", scene.hash) in captions.identity(scene)
    assert captions.headline(scene) == "PLANNED"
    assert captions.headline(manual_scene()) == "SURGEON-MODIFIED, EXCEEDS 1 LIMIT"
    assert captions.violations(manual_scene()) == ["Tip and wall to the joint: 3.94 mm, the limit is 5 mm"]
    assert "give way by 1.2 mm" in captions.reason(infeasible_scene())
    assert captions.totals(infeasible_scene()) == []
    odd = phantom_scene(case={"id": "a\nb" + "x" * 99, "side": "right", "imaging_date": "2026-01-02"})
    identity = dict(captions.identity(odd))
    assert identity["id"].startswith("a bxxx")
    assert len(identity["id"]) == 40
    assert identity["imaged"] == "2026-01-02"


@pytest.mark.parametrize("key", sorted(LIMITS))
def test_a_broken_limit_is_called_by_its_name_with_its_unit(key: str) -> None:
    """No parameter's key where a surgeon reads: not in the list of limits exceeded, nor in the headline."""
    broken = [{"key": key, "limit": 5.0, "value": 3.9376, "tunnel": 1}]
    scene = phantom_scene(status="manual", violations=broken)
    [line] = captions.violations(scene)
    row = next(row for row in headline_of(scene.plan).rows if row.key.startswith("violation_"))
    assert LIMITS[key].figure_name in line
    assert UNITS[LIMITS[key].unit] in line
    assert row.value == LIMITS[key].figure_name
    assert "_" not in line + row.value
