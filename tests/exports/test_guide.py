"""Drill guides whole: measured by another library, refused where they must be, and real hips."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import export_phantom as phantom
from support.real_hips import NAMES, masks, truth_of
from support.risk_twin import neck_tunnel
from support.shared import shared

from corecore.app.cli import main
from corecore.base.errors import InputError, OutputError
from corecore.base.grid import FloatArray
from corecore.base.mesh import TriangleMesh
from corecore.base.spec import Spec
from corecore.document.stamp import Provenance
from corecore.exports.guide.check import WALL_REACH_MM
from corecore.exports.guide.design import Design
from corecore.exports.guide.make import Guide, make_guide
from corecore.exports.guide.write import guide_plan
from corecore.hip.case import load_case
from corecore.hip.hip import Hip, build_hip
from corecore.planning.manual import path_on_bone
from corecore.tunnels.cylinder import Tunnel

pytest.importorskip("manifold3d")

STAMP = Provenance("case 7", "right", "0123abcd", None, (), None)
#: Where a plan of the sample with a wider drill enters and ends, RAS mm: a thinner one has room to spare.
ENDS = (np.array([146.436, -29.564, -16.652]), np.array([79.904, -9.474, 36.763]))
#: The sample's shaft is a smooth tube: on it the criterion of the seat is let down, to have a guide at hand.
LOOSE = {"stability_min": "0.015"}


@pytest.fixture(scope="module")
def plan_file(sample_hip: Hip, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample with a tunnel of 9 mm along its neck that breaks nothing."""
    folder = tmp_path_factory.mktemp("plan")
    tunnel = path_on_bone(sample_hip, *ENDS, 9.0)
    content = phantom.write_by_hand(sample_hip, [tunnel], folder, spec=Spec(diameter_mm=9.0))
    assert content["violations"] == []
    return folder / "plan.json"


@pytest.fixture(scope="module")
def made(plan_file: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Guide, Path]:
    out = tmp_path_factory.mktemp("guide") / "guide.stl"
    guide, _, paths = guide_plan(plan_file, out, sizes=LOOSE)
    assert [path.name for path in paths] == ["guide.stl", "guide.3mf", "guide.txt"]
    return guide, out


def world_mesh(path: Path) -> Any:
    """An STL as trimesh reads it, in RAS."""
    trimesh = pytest.importorskip("trimesh")
    mesh = trimesh.load(path)
    mesh.vertices = np.asarray(mesh.vertices) * [-1, -1, 1]
    return mesh


def section_circles(mesh: Any, point: FloatArray, normal: FloatArray) -> list[tuple[FloatArray, float]]:
    """Closed curves of a plane's section of a mesh: middle (3,) and mean radius, mm."""
    cut = mesh.section(plane_origin=point, plane_normal=normal)
    result = []
    for curve in cut.discrete:
        way = np.linalg.norm(np.diff(curve, axis=0), axis=1)
        middle = (0.5 * (curve[1:] + curve[:-1]) * way[:, None]).sum(axis=0) / way.sum()
        result.append((middle, float(np.linalg.norm(curve - middle, axis=1).mean())))
    return result


def test_another_library_finds_one_closed_body(made: tuple[Guide, Path]) -> None:
    guide, path = made
    mesh = world_mesh(path)
    assert mesh.is_watertight
    assert mesh.is_winding_consistent
    assert mesh.body_count == 1
    assert mesh.volume / 1000.0 == pytest.approx(guide.volume_ml, rel=1e-4)
    trimesh = pytest.importorskip("trimesh")
    scene = trimesh.load(path.with_suffix(".3mf"))
    (other,) = scene.geometry.values()
    assert other.is_watertight
    assert other.volume == pytest.approx(mesh.volume, rel=1e-4)
    assert scene.units in ("millimeter", "mm")


def test_the_bores_sections_lie_on_the_tunnels_axis(made: tuple[Guide, Path], plan_file: Path) -> None:
    """By plane sections of the STL: no road is shared with the guide's own measurement."""
    guide, path = made
    mesh, tunnel = world_mesh(path), json.loads(plan_file.read_text())["tunnels"][0]
    entry, tip = np.array(tunnel["entry"]), np.array(tunnel["tip"])
    outward = (entry - tip) / np.linalg.norm(entry - tip)
    sleeve = guide.sleeves[0]
    middles = []
    for along in (sleeve.sleeve_mm - 1.0, sleeve.sleeve_mm - 4.0):
        circles = sorted(section_circles(mesh, entry + along * outward, outward), key=lambda c: c[1])
        middle, radius = circles[0]
        assert radius == pytest.approx((9.0 + Design().play_mm) / 2, abs=0.02)
        assert np.linalg.norm(np.cross(middle - entry, outward)) < 0.1
        assert circles[1][1] == pytest.approx(radius + Design().sleeve_wall_mm, abs=0.03)
        middles.append(middle)
    axis = (middles[0] - middles[1]) / np.linalg.norm(middles[0] - middles[1])
    assert np.degrees(np.arcsin(np.linalg.norm(np.cross(axis, outward)))) < 0.1
    # Beyond the sleeve's top there is nothing, and the stop is as engraved.
    top = ((np.asarray(mesh.vertices) - entry) @ outward).max()
    assert top == pytest.approx(sleeve.sleeve_mm, abs=0.01)
    assert top + np.linalg.norm(entry - tip) == pytest.approx(sleeve.stop_mm, abs=0.01)
    assert sleeve.stop_mm % 5.0 == pytest.approx(0.0, abs=0.01)
    assert f"DRILL 9 STOP {sleeve.stop_mm:.0f}" in guide.lettering.front


def test_the_way_through_the_sleeve_is_free(made: tuple[Guide, Path], plan_file: Path) -> None:
    mesh, tunnel = world_mesh(made[1]), json.loads(plan_file.read_text())["tunnels"][0]
    entry, tip = np.array(tunnel["entry"]), np.array(tunnel["tip"])
    outward = (entry - tip) / np.linalg.norm(entry - tip)
    points = np.asarray(mesh.vertices)
    beside = np.linalg.norm(np.cross(points - entry, outward), axis=1)
    assert beside.min() > 4.5


def test_the_guide_stays_off_the_bone_and_near_it(made: tuple[Guide, Path], sample_hip: Hip) -> None:
    pytest.importorskip("trimesh")
    mesh = world_mesh(made[1])
    points = np.concatenate([mesh.vertices, mesh.triangles_center, mesh.sample(20_000, seed=1)])
    depth = sample_hip.bone.distance(sample_hip.to_local(points))
    assert depth.max() < 0.2
    # Much of it lies at the clearance: it is a seat, and not a block held over the bone.
    near = np.abs(depth + Design().clearance_mm) < 0.1
    assert near.mean() > 0.1
    assert depth.max() == pytest.approx(made[0].bone_mm, abs=0.05)


@pytest.mark.slow
def test_no_wall_is_thin_by_plain_rays(sample_hip: Hip) -> None:
    """Straight through every triangle, by numpy, from some hundred places; the lettering left out."""
    guide = make_guide(sample_hip, [neck_tunnel(sample_hip, diameter_mm=9.0)], STAMP, Design().with_values(LOOSE))
    found = plain_walls(guide.plain, 400)
    assert len(found) > 100
    assert found.min() >= 2.0
    assert found.min() >= guide.wall_mm - 0.05


def plain_walls(mesh: TriangleMesh, count: int) -> FloatArray:
    """Thickness under ``count`` places of a mesh where a face looks back, mm."""
    corners, normals = mesh.corners_mm, mesh.normals
    area = 0.5 * np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    chosen = np.random.default_rng(3).choice(len(area), size=count, p=area / area.sum())
    a, e1, e2 = corners[:, 0], corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    result = []
    for k in chosen:
        start, way = corners[k].mean(axis=0), -normals[k]
        cross = np.cross(way, e2)
        det = np.einsum("ij,ij->i", e1, cross)
        met = np.abs(det) > 1e-12
        det = np.where(met, det, 1.0)
        gap = start - a
        u = np.einsum("ij,ij->i", gap, cross) / det
        q = np.cross(gap, e1)
        v = q @ way / det
        t = np.einsum("ij,ij->i", e2, q) / det
        hit = met & (u >= 0) & (v >= 0) & (u + v <= 1) & (t > 1e-3) & (t < WALL_REACH_MM)
        if not hit.any():
            continue
        first = int(np.flatnonzero(hit)[np.argmin(t[hit])])
        if normals[first] @ normals[k] < -np.cos(np.radians(45.0)):
            result.append(float(t[first]))
    return np.array(result)


def test_the_files_say_whose_they_are_and_how_deep_to_drill(made: tuple[Guide, Path]) -> None:
    guide, path = made
    header = path.read_bytes()[:80]
    assert header.startswith(b"LPS mm, corecore sample RIGHT plan ")
    assert b"not a medical device" in header
    text = path.with_suffix(".txt").read_text()
    sleeve = guide.sleeves[0]
    assert f"stop at {sleeve.stop_mm:.1f} mm of drill" in text
    assert f"sleeve {sleeve.sleeve_mm:.1f} mm + tunnel {sleeve.tunnel_mm:.1f} mm" in text
    assert "Not validated clinically" in text
    assert "Check the seat and the drill's way by fluoroscopy" in text
    model = zipfile.ZipFile(path.with_suffix(".3mf")).read("3D/3dmodel.model").decode()
    assert 'unit="millimeter"' in model
    assert "case sample; RIGHT" in model
    assert guide.lettering.front[:2] == ("sample", f"RIGHT {guide.lettering.top[1]}")
    assert guide.lettering.capital_mm >= 1.7


def test_a_pin_gets_its_own_bore(sample_hip: Hip) -> None:
    design = Design().with_values({**LOOSE, "pin_mm": 3.2})
    guide = make_guide(sample_hip, [neck_tunnel(sample_hip, diameter_mm=9.0)], STAMP, design)
    assert guide.sleeves[0].drill_mm == 3.2
    assert guide.sleeves[0].bore_mm == pytest.approx(3.5, abs=0.01)
    with pytest.raises(InputError, match="wider than tunnel 1"):
        make_guide(sample_hip, [neck_tunnel(sample_hip, diameter_mm=3.0)], STAMP, design)


@pytest.mark.slow
def test_pins_too_near_to_each_other_are_refused_and_pins_apart_are_not(sample_hip: Hip) -> None:
    design = Design().with_values(LOOSE)
    near = [neck_tunnel(sample_hip, diameter_mm=3.2, side_mm=side) for side in (-2.2, 2.2)]
    with pytest.raises(InputError, match=r"thinnest wall is .*--tunnel N"):
        make_guide(sample_hip, near, STAMP, design)
    apart = [neck_tunnel(sample_hip, diameter_mm=3.2, side_mm=side) for side in (-4.0, 4.0)]
    guide = make_guide(sample_hip, apart, STAMP, design)
    assert len(guide.sleeves) == 2
    assert guide.sleeves[0].stop_mm == pytest.approx(guide.sleeves[1].stop_mm, abs=1e-3)
    assert max(sleeve.axis_off_mm for sleeve in guide.sleeves) < 0.1


def test_a_tube_is_no_seat(sample_hip: Hip, tmp_path_factory: pytest.TempPathFactory) -> None:
    world = phantom.make_world()
    tunnel = phantom.on_bone(world.hip, world.ends[0], 10.0)
    with pytest.raises(InputError, match=r"no stable seat: the bone is too flat.* opens it by 0\.0[01]"):
        make_guide(world.hip, [tunnel], STAMP, Design())
    with pytest.raises(InputError, match=r"no stable seat: the guide touches \d+ mm² of bone"):
        make_guide(world.hip, [tunnel], STAMP, Design(contact_min_mm2=2000.0, skirt_mm=4.0))


@pytest.mark.slow
def test_no_guide_where_the_lesser_trochanter_is_assumed(tmp_path: Path) -> None:
    world = phantom.make_world()
    hip = shared.build_hip(load_case(f"{world.path}:1", f"{world.path}:2"))
    assert hip.anatomy.sources["lesser_trochanter"] == "assumed"
    tunnel = phantom.on_bone(hip, world.ends[0], 10.0)
    with pytest.raises(InputError, match="lesser trochanter is not in view"):
        make_guide(hip, [tunnel], STAMP, Design())


@pytest.mark.slow
def test_a_path_that_breaks_limits_needs_a_reason_and_wears_it(sample_hip: Hip, tmp_path: Path) -> None:
    tunnel = path_on_bone(sample_hip, *ENDS, 9.0)
    phantom.write_by_hand(sample_hip, [tunnel], tmp_path / "p", spec=Spec(diameter_mm=9.0, joint_margin_mm=24.0))
    plan, out = tmp_path / "p" / "plan.json", tmp_path / "g.stl"
    with pytest.raises(InputError, match="--accept-violations REASON"):
        guide_plan(plan, out, sizes=LOOSE)
    assert not out.exists()
    guide, _, _ = guide_plan(plan, out, sizes=LOOSE, accept_violations="agreed on the ward")
    assert "LIMITS EXCEEDED, ACCEPTED" in guide.lettering.front
    assert b"LIMITS EXCEEDED" in out.read_bytes()[:80]
    assert "agreed on the ward" in out.with_suffix(".txt").read_text()


@pytest.mark.slow
def test_what_is_there_is_kept_unless_told_otherwise(
    plan_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "g.3mf").write_text("mine")
    with pytest.raises(OutputError, match="--overwrite"):
        guide_plan(plan_file, tmp_path / "g.stl", sizes=LOOSE)
    assert [path.name for path in tmp_path.iterdir()] == ["g.3mf"]
    options = ["--set", "stability_min=0.015", "--overwrite", "--json"]
    assert main(["guide", str(plan_file), "--out", str(tmp_path / "g.stl"), *options]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["least_wall_mm"] >= 2.0
    assert told["deepest_in_bone_mm"] <= 0.2
    assert told["side"] == "RIGHT"
    assert zipfile.is_zipfile(tmp_path / "g.3mf")


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--out", "g.obj"], "ending in .stl"),
        (["--out", "g.stl", "--set", "lid_mm=3"], "unknown size 'lid_mm'"),
        (["--out", "g.stl", "--pin", "0.2"], "pin_mm = 0.2; 1 to 20"),
        (["--out", "g.stl", "--tunnel", "2"], "--tunnel 2: the plan has 1"),
        (["--out", "g.stl"], "no stable seat"),
    ],
)
def test_wrong_wishes_end_in_one_line(
    plan_file: Path,
    options: list[str],
    word: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["guide", str(plan_file), *options]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert word in error
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_guide_moves_with_the_patient_to_the_other_side(sample_hip: Hip) -> None:
    """The mirrored hip's guide is the mirrored guide but for its lettering, which must not be mirrored."""
    design = Design().with_values(LOOSE)
    first = make_guide(sample_hip, [neck_tunnel(sample_hip, diameter_mm=9.0)], STAMP, design)
    mirrored = _mirrored(sample_hip)
    assert mirrored.side == "left"
    second = make_guide(mirrored, [neck_tunnel(mirrored, diameter_mm=9.0)], STAMP, design)
    assert second.plain.volume_ml == pytest.approx(first.plain.volume_ml, rel=2e-3)
    assert second.contact_mm2 == pytest.approx(first.contact_mm2, rel=5e-3)
    low, high = first.plain.points_mm.min(axis=0), first.plain.points_mm.max(axis=0)
    other = second.plain.points_mm * [-1, 1, 1]
    assert np.abs(other.min(axis=0) - low).max() < 0.1
    assert np.abs(other.max(axis=0) - high).max() < 0.1


def _mirrored(hip: Hip) -> Hip:
    import nibabel as nib

    from corecore.base.grid import Grid, Mask
    from corecore.hip.case import case_from_masks

    femur, lesion = hip.case.original_femur, hip.case.original_lesion
    assert femur is not None
    assert lesion is not None
    flip = np.diag([-1.0, 1.0, 1.0, 1.0])
    assert nib.aff2axcodes(femur.grid.world_from_index)

    def over(mask: Mask) -> Mask:
        return Mask(Grid(mask.grid.shape, flip @ mask.grid.world_from_index), mask.voxels)

    return build_hip(case_from_masks(over(femur), over(lesion), label_map=hip.case.label_map, case_id="mirrored"))


SEEN = [name for name in NAMES if name != "h13_right_ct_3mm"]


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.slow) for name in SEEN])
def test_real_hips_get_a_guide_that_keeps_its_word(real_hips: Path, name: str, tmp_path: Path) -> None:
    hip = shared.build_hip(load_case(*masks(real_hips, name)))
    assert truth_of(real_hips, name)["side"] == hip.side
    if hip.anatomy.sources["lesser_trochanter"] == "assumed":
        pytest.skip("its lesser trochanter is not in view")
    tunnel = Tunnel(*_local_ends(hip), 10.0)
    guide = make_guide(hip, [tunnel], STAMP, Design())
    assert guide.mesh.is_closed
    assert guide.wall_mm >= 2.0
    assert guide.bone_mm <= 0.2
    assert guide.hold.stability >= Design().stability_min
    sleeve = guide.sleeves[0]
    assert sleeve.axis_off_mm < 0.1
    assert sleeve.axis_off_deg < 0.1


def _local_ends(hip: Hip) -> tuple[FloatArray, FloatArray]:
    tunnel = neck_tunnel(hip, diameter_mm=10.0)
    return tunnel.entry, tunnel.tip
