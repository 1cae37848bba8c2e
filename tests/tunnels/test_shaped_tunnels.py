"""Figures of tunnels drilled with instruments: planner, independent recalculation, and an oracle of masks and points.

``CORECORE_BODY_HIPS`` (names of real hips, with commas) asks for others than two of them.
"""

from __future__ import annotations

import os
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from support import judged_hips, oracle
from support.judged_hips import JudgedHip
from support.real_hips import masks

from corecore.base.grid import FloatArray, Grid, Mask
from corecore.base.instrument import Instrument, Step, library
from corecore.base.mesh import revolved
from corecore.base.spec import Spec
from corecore.document.stated import StatedTunnel
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.figures import assess, first_exit
from corecore.tunnels.plan_metrics import bone_volume_ml
from corecore.verification import drilled_volume, files_beside, mesh
from corecore.verification.cylinder import drilled_with
from corecore.verification.frame import Frame
from corecore.verification.hip import Hip as SecondHip
from corecore.verification.quantities import graft_ml

SPEC = Spec()
#: A flat end over a pin, a short and a long point, a ball, steps, and a point over a pin.
INSTRUMENTS = (
    library()["trephine-10"], library()["drill-4.5-118"], library()["pin-3.6"], library()["tantalum-10"],
    Instrument("stepped", "a", 9.0, "round", steps=(Step(12.0, 5.0), Step(20.0, 7.0))), library()["reamer-8"],
)  # fmt: skip
HIPS = [name for name in os.environ.get("CORECORE_BODY_HIPS", "").split(",") if name]


@cache
def hip_of(name: str) -> tuple[JudgedHip, oracle.Solid]:
    folder = Path(os.environ.get("CORECORE_REAL_HIPS", ""))
    path = Path(__file__).parents[2] / "sample_volumes" / "right_medium.nii.gz"
    if name == "h14":
        femur, lesion = (Path(file) for file in masks(folder, name))
        one = judged_hips.in_two_files(femur, lesion, name)
    else:
        one = judged_hips.in_file(path if name == "sample" else folder / f"{name}.nii.gz", name)
    return one, one.solid()


@cache
def second_road(name: str) -> tuple[SecondHip, Frame]:
    one, _ = hip_of(name)
    grid = Grid(one.bone.shape, np.asarray(one.affine, dtype=np.float64))
    mask, lesion = Mask(grid, oracle.within_joint(one.bone, one.affine, one.marks)), Mask(grid, one.lesion)
    m = one.marks
    points = one.hip.to_world(one.hip.lesion.points_mm)
    hip = SecondHip(mask, mesh.mesh_of(mask), points, 1.0, lesion)
    return hip, Frame(m.center, m.radius, m.lateral, m.anterior, m.proximal, m.neck, m.shaft_point)


def placed(one: JudgedHip, instrument: Instrument, lean: float, depth_mm: float) -> Tunnel:
    """A tunnel that ends ``depth_mm`` below the joint on a line through the head's centre, leaning from the neck's."""
    hip, anatomy = one.hip, one.hip.anatomy
    way = anatomy.neck_axis + lean * anatomy.shaft_axis
    way = way / np.linalg.norm(way)
    joint = first_exit(hip, anatomy.head_center, way)
    assert joint is not None
    tip = joint - depth_mm * way
    entry = first_exit(hip, tip, -way)
    assert entry is not None
    return Tunnel.drilled_with(instrument, entry, tip)


def as_oracle_sees(one: JudgedHip, tunnel: Tunnel) -> oracle.Path:
    tool = tunnel.instrument
    assert tool is not None
    steps = tuple((step.to_mm, step.diameter_mm) for step in tool.steps)
    shape = oracle.Shape(
        tool.diameter_mm, tool.tip, tool.tip_angle_deg, steps, tool.pin_diameter_mm, tool.pin_overshoot_mm
    )
    return replace(one.path(tunnel), shape=shape)


def near(mine: float, truth: float, slack: float) -> bool:
    return mine == truth if not np.isfinite(truth) else abs(mine - truth) <= slack


def agree(name: str, instrument: Instrument, lean: float, depth_mm: float) -> None:
    one, solid = hip_of(name)
    doubt = max(oracle.SURFACE_MM, oracle.SURFACE_VOXELS * solid.voxel)
    tunnel = placed(one, instrument, lean, depth_mm)
    path = as_oracle_sees(one, tunnel)
    mine = assess(one.hip, tunnel, SPEC)
    truth = oracle.judge(solid, one.marks, path, SPEC.cortical_margin_mm, incidence_deg=mine.incidence_deg)
    hip, frame = second_road(name)
    entry, tip = one.hip.to_world(tunnel.entry), one.hip.to_world(tunnel.tip)
    bore = drilled_with(instrument, entry, tip)
    again = drilled_volume.measure(bore, hip, frame, {"cortical_margin_mm": SPEC.cortical_margin_mm})
    told = f"{name} {instrument.name}"
    assert mine.end_to_joint_mm == pytest.approx(depth_mm, abs=0.01)
    for what, first, second, third in (
        ("joint", mine.joint_clearance_mm, truth.joint_mm, again.joint_clearance_mm),
        ("end", mine.end_to_joint_mm, truth.end_mm, again.end_to_joint_mm),
        ("pin", mine.pin_clearance_mm, truth.pin_mm, again.pin_clearance_mm),
        ("cortex", mine.cortical_clearance_mm, truth.cortex_mm, again.cortical_clearance_mm),
    ):
        assert near(np.inf if first is None else first, second, doubt), (told, what, first, second)
        # Where the cortex' margin begins hangs on the incidence, which the recalculation measures for itself.
        if what != "cortex":
            assert near(np.inf if third is None else third, second, 2.0 * doubt), (told, what, third, second)
    share = oracle.removed_share(one.lesion, one.affine, [path])
    assert mine.removed_fraction == pytest.approx(share, abs=oracle.SHARE), told
    assert again.removed_fraction == pytest.approx(mine.removed_fraction, abs=oracle.SHARE), told
    # Graft: of the planner's lattice, of the recalculation's points, and voxel by voxel.
    mine_ml, again_ml = bone_volume_ml(one.hip, tunnel, []), graft_ml(hip, [bore])
    # The surface at the entry is doubtful by ``doubt``, over the hole's section.
    assert mine_ml == pytest.approx(again_ml, rel=0.01, abs=0.02 + doubt * np.pi * tunnel.radius_mm**2 / 1000.0), told
    assert mine_ml <= tunnel.volume_ml * 1.0001


def test_a_point_ends_nearer_to_the_joint_than_its_rim() -> None:
    """On one line to one depth: rim and axis of a cylinder, a cone and a ball differ as their shapes do."""
    one, _ = hip_of("sample")
    found = {
        tip: assess(one.hip, placed(one, Instrument("a", "a", 10.0, tip, angle), 0.0, 6.0), SPEC)
        for tip, angle in (("flat", 0.0), ("cone", 118.0), ("round", 0.0))
    }
    assert {round(figures.end_to_joint_mm or 0.0, 2) for figures in found.values()} == {6.0}
    assert found["flat"].joint_clearance_mm < found["cone"].joint_clearance_mm - 0.2
    assert found["flat"].joint_clearance_mm < found["round"].joint_clearance_mm - 0.2
    assert all(figures.joint_clearance_mm <= 6.0 + 0.01 for figures in found.values())
    removed = [found[tip].removed_fraction for tip in ("flat", "round", "cone")]
    assert removed[0] > removed[1] > removed[2]


def test_a_pin_ahead_has_figures_of_its_own_and_leaves_the_rest_alone() -> None:
    one, _ = hip_of("sample")
    plain = Instrument("a", "a", 10.0)
    ahead = replace(plain, pin_diameter_mm=3.2, pin_overshoot_mm=4.0)
    bare, over = (assess(one.hip, placed(one, tool, 0.0, 12.0), SPEC) for tool in (plain, ahead))
    assert (bare.pin_to_joint_mm, bare.pin_clearance_mm) == (None, None)
    assert over.pin_to_joint_mm == pytest.approx(8.0, abs=0.01)
    assert over.pin_clearance_mm is not None
    assert over.pin_clearance_mm <= 8.0
    assert over.joint_clearance_mm == pytest.approx(bare.joint_clearance_mm, abs=0.02)
    assert over.cortical_clearance_mm == pytest.approx(bare.cortical_clearance_mm, abs=0.02)
    assert over.removed_fraction > bare.removed_fraction
    # Beyond the joint both of its figures say so.
    out = assess(one.hip, placed(one, ahead, 0.0, 2.0), SPEC)
    assert out.pin_to_joint_mm == pytest.approx(-2.0, abs=0.01)
    assert out.pin_clearance_mm is not None
    assert out.pin_clearance_mm < 0.0


@pytest.mark.parametrize("name", ["trephine-10", "reamer-8"])
def test_the_face_about_a_pin_is_the_instruments_and_not_the_pins(name: str) -> None:
    tool = library()[name]
    head = drilled_with(tool, np.zeros(3), np.array([0.0, 0.0, 80.0])).head
    assert head is not None
    points, of_pin = head.surface((np.zeros(3), np.array([0.0, 0.0, 1.0])))
    away = np.hypot(points[:, 0], points[:, 1])
    assert away[of_pin].max() == pytest.approx(tool.pin_diameter_mm / 2.0)
    assert points[of_pin, 2].max() == pytest.approx(80.0 + tool.pin_overshoot_mm)
    # What is wider is the instrument's, its flat face too.
    assert away[~of_pin].max() == pytest.approx(tool.diameter_mm / 2.0)
    assert points[~of_pin, 2].max() <= 80.0 + 1e-5


@pytest.mark.parametrize("tool", INSTRUMENTS, ids=lambda one: one.name)
def test_a_plans_body_in_a_file_is_held_against_the_instruments_outline(tool: Instrument) -> None:
    entry, tip = np.array([10.0, -3.0, 5.0]), np.array([60.0, 20.0, 70.0])
    stated = StatedTunnel(entry, tip, tip - entry, tool.diameter_mm, None, None, {}, instrument=tool)
    tunnel = Tunnel.drilled_with(tool, entry, tip)
    outline = tunnel.body.meridian(tunnel.length_mm, step_mm=np.inf)
    points = revolved(tip, tunnel.direction, outline).points_mm
    assert files_beside._off(stated, points) < files_beside.BODY_MM
    # Another place, another width, and an end that lacks its foremost part.
    assert files_beside._off(stated, points + np.array([0.1, 0.0, 0.0])) > files_beside.BODY_MM
    height = (points - tip) @ tunnel.direction
    blunt = points - np.maximum(height + 0.5, 0.0)[:, None] * tunnel.direction
    assert files_beside._off(stated, blunt) > files_beside.BODY_MM


def test_an_instrument_with_a_flat_end_changes_no_figure() -> None:
    one, _ = hip_of("sample")
    for name in ("core-10", "acd"):
        tunnel = placed(one, library()[name], 0.1, 7.0)
        bare = replace(tunnel, instrument=None)
        assert assess(one.hip, tunnel, SPEC) == assess(one.hip, bare, SPEC)
        points: FloatArray = one.hip.lesion.points_mm
        assert np.array_equal(tunnel.contains(points, grown_mm=3.0), bare.contains(points, grown_mm=3.0))


def test_a_tunnel_has_the_sizes_of_its_instrument() -> None:
    with pytest.raises(ValueError, match="other sizes"):
        Tunnel(np.zeros(3), np.ones(3), 8.0, instrument=library()["trephine-10"])


@pytest.mark.slow
@pytest.mark.parametrize("name", HIPS or ["h01_right_wedge15", "h13_right_ct_3mm"])
def test_planner_recalculation_and_oracle_agree_on_real_hips(name: str) -> None:
    if not os.environ.get("CORECORE_REAL_HIPS"):
        pytest.skip("CORECORE_REAL_HIPS is not set")
    for count, instrument in enumerate(INSTRUMENTS):
        agree(name, instrument, 0.12 - 0.04 * count, 7.0 + count)
