"""An oracle that knows only the contract, beside planner, risk and verification, on tunnels that nobody planned.

And on plans of the search: none breaks a rule, and the search keeps its promises.
``CORECORE_ORACLE_PATHS`` (tunnels a hip, 5) and ``CORECORE_ORACLE_HIPS`` (names of real hips and seeds of drawn ones,
with commas) ask for more.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage
from support import judged_hips, oracle
from support.judged_hips import JudgedHip
from support.keep_out import ball
from support.shared import shared

from corecore.base.grid import FloatArray, Grid, Mask
from corecore.base.spec import Spec
from corecore.hip.case import case_from_masks
from corecore.hip.keep_out import KeepOutRegion
from corecore.planning.robust import robust_tunnel
from corecore.planning.search.single import TIE_SHARE, best_tunnel
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.figures import TunnelFigures, assess
from corecore.tunnels.objective import objective_fraction
from corecore.tunnels.risk.execution import risk_of_poses
from corecore.tunnels.risk.kernel import CORTEX, JOINT
from corecore.tunnels.risk.methods import METHODS
from corecore.verification import drilled_volume, mesh
from corecore.verification.cylinder import Cylinder, DrilledCylinder
from corecore.verification.frame import Frame
from corecore.verification.hip import Hip as SecondHip

SPEC = Spec()
PATHS = int(os.environ.get("CORECORE_ORACLE_PATHS", "5"))
HIPS = [name for name in os.environ.get("CORECORE_ORACLE_HIPS", "sample").split(",") if name]
#: A clearance this near to zero has no sign that two surfaces of one mask agree on, mm.
UNDECIDED_MM = 0.15
#: Further outside the bone than this, mm, distances are coarse: by so much of themselves.
OUTSIDE_MM, OUTSIDE_SHARE = 2.0, 0.25
#: What a larger margin may seem to gain by where the climbs end (engineering choice).
CLIMB_SHARE = 0.005


@cache
def hip_of(name: str) -> tuple[JudgedHip, oracle.Solid]:
    if name == "sample":
        one = judged_hips.in_file(Path(__file__).parents[2] / "sample_volumes" / "right_medium.nii.gz", name)
    elif name.isdigit():
        one = judged_hips.drawn(int(name))
    else:
        one = judged_hips.in_file(Path(os.environ["CORECORE_REAL_HIPS"]) / f"{name}.nii.gz", name)
    return one, one.solid()


class PlannersField:
    """The planner's own field in the place of the oracle's solid: then only the sampling of the tunnel can differ."""

    def __init__(self, one: JudgedHip) -> None:
        self.hip, self.voxel = one.hip, float(one.hip.bone.spacing_mm.max())

    def depth(self, points: FloatArray) -> FloatArray:
        return self.hip.bone.distance(self.hip.to_local(points))

    def inside(self, points: FloatArray) -> oracle.Bools:
        return np.asarray(self.depth(points) > 0.0)

    def mouth_normal(self, point: FloatArray) -> FloatArray:
        local = self.hip.bone.mouth_normal(self.hip.to_local(point))[0]
        return np.asarray(self.hip.world_from_local[:3, :3] @ local)


def near(mine: float, truth: float, slack: float) -> bool:
    """Whether two clearances agree; infinite ones and those far outside the bone count for what they are."""
    if not np.isfinite(truth):
        return mine == truth
    return abs(mine - truth) <= slack + OUTSIDE_SHARE * max(0.0, -truth - OUTSIDE_MM)


def same_sign(mine: float, truth: float) -> bool:
    return (mine < 0.0) == (truth < 0.0) or abs(truth) <= UNDECIDED_MM


@pytest.mark.slow
@pytest.mark.parametrize("name", HIPS)
def test_tunnels_set_by_hand_are_judged_by_one_rule_everywhere(name: str) -> None:
    """3 to 16 mm, every third with a cavity, many of which leave the head sideways."""
    one, solid = hip_of(name)
    marks, doubt = one.marks, max(oracle.SURFACE_MM, oracle.SURFACE_VOXELS * solid.voxel)
    second, frame = second_road(one)
    leave = 0
    for path in judged_hips.hand_placed(one, solid, np.random.default_rng(11), PATHS):
        tunnel = one.tunnel(path)
        mine = assess(one.hip, tunnel, SPEC)
        margin, told = SPEC.cortical_margin_mm, mine.incidence_deg
        truth = oracle.judge(solid, marks, path, margin, incidence_deg=told)
        exact = oracle.judge(PlannersField(one), marks, path, margin, incidence_deg=told)  # type: ignore[arg-type]
        # On one surface the two samplings agree to a few hundredths of a millimetre.
        for measured, twin in (
            (mine.joint_clearance_mm, exact.joint_mm), (mine.cortical_clearance_mm, exact.cortex_mm),
            (mine.wall_depth_min_mm, min(exact.joint_mm, exact.cortex_wall_mm)),
        ):  # fmt: skip
            assert near(measured, twin, 0.05), (path, measured, twin)
        assert near(mine.joint_clearance_mm, truth.joint_mm, doubt), path
        assert near(mine.cortical_clearance_mm, truth.cortex_mm, doubt), path
        assert same_sign(mine.joint_clearance_mm, truth.joint_mm), path
        assert same_sign(mine.wall_depth_min_mm, min(truth.joint_mm, truth.cortex_wall_mm)), path
        again = drilled_volume.measure(bore(path), second, frame, {"cortical_margin_mm": margin}).joint_clearance_mm
        again = np.inf if again is None else again
        assert near(again, truth.joint_mm, doubt + 0.1), path
        assert same_sign(again, truth.joint_mm), path
        if not path.cavity_diameter:
            found = risk_of_poses(one.hip, [tunnel], SPEC, tunnel.entry[None, None], tunnel.tip[None, None])[0][0, 0]
            assert bool(found[JOINT]) == (truth.joint_mm < 0.0) or abs(truth.joint_mm) <= UNDECIDED_MM
            # Where the way in is not free the drill meets bone sooner, and what lies before the entry counts.
            seen = abs(truth.cortex_wall_mm) > UNDECIDED_MM and truth.outward_mm <= 0.0
            assert bool(found[CORTEX]) == (truth.cortex_wall_mm < 0.0) or not seen
        leave += truth.joint_mm < 0.0
    assert leave >= PATHS // 20


def second_road(one: JudgedHip) -> tuple[SecondHip, Frame]:
    mask = Mask(
        Grid(one.bone.shape, np.asarray(one.affine, dtype=np.float64)),
        oracle.within_joint(one.bone, one.affine, one.marks),
    )
    m = one.marks
    hip = SecondHip(mask, mesh.mesh_of(mask), m.center[None], 1.0, mask)
    return hip, Frame(m.center, m.radius, m.lateral, m.anterior, m.proximal, m.neck, m.shaft_point)


def bore(path: oracle.Path) -> DrilledCylinder:
    solids = [Cylinder(start, path.way, length, radius) for start, length, radius in path.cylinders()]
    return DrilledCylinder(solids[0], solids[1] if len(solids) > 1 else None)


def test_the_oracle_sees_a_breach_a_margin_and_a_wrong_figure() -> None:
    """The negative twin: a ball on a rod, whose clearances have a closed form."""
    grid = np.moveaxis(np.indices((70, 70, 90), dtype=float), 0, -1)
    center, neck = np.array([35.3, 34.8, 60.2]), np.array([0.0, 0.0, 1.0])
    bone = (np.linalg.norm(grid - center, axis=-1) <= 22.0) | (
        (np.hypot(grid[..., 0] - 35.3, grid[..., 1] - 34.8) <= 14.0) & (grid[..., 2] < 60.0) & (grid[..., 2] > 5.0)
    )
    solid = oracle.Solid(bone, np.eye(4))
    x, y = np.eye(3)[0], np.eye(3)[1]
    marks = oracle.Marks(center, 22.0, neck, x, y, oracle.unit(neck + 0.7 * x), center, -40.0)
    entry = np.array([35.3, 34.8, 5.5])
    for radius, off, height in ((5.0, 5.0, 10.0), (8.0, 6.0, 8.0), (8.0, 12.0, 4.0), (3.0, 17.5, 2.0)):
        path = oracle.Path(entry + off * x, center + off * x + height * neck, 2.0 * radius)
        found = oracle.judge(solid, marks, path, 3.0)
        # Proximal of the plane, 11 mm below the centre, the wall is nearest at its far rim, at the tip or on the plane.
        farthest = max(np.hypot(off + radius, height), np.hypot(off + radius, -11.0))
        assert found.joint_mm == pytest.approx(22.0 - farthest, abs=oracle.SURFACE_MM)
        # Distal of it the rod is nearest, 14 mm wide; what lies outside both is further away than that.
        slack = oracle.SURFACE_MM if off + radius < 14.0 else 2.0
        assert found.cortex_mm == pytest.approx(14.0 - off - radius, abs=slack)
        assert found.incidence_deg == pytest.approx(90.0, abs=3.0) or off > 6.0
    share = oracle.removed_share(bone, np.eye(4), [oracle.Path(entry, center, 10.0)])
    assert share == pytest.approx(np.pi * 25.0 * 54.5 / bone.sum(), rel=0.02)


Found = tuple[tuple[Tunnel, TunnelFigures], ...]


def planned(one: JudgedHip, spec: Spec, **regions: KeepOutRegion) -> Found:
    """The plan of a hip, if there is one; searches are made once a run."""
    hip = replace(one.hip, **regions) if regions else one.hip  # type: ignore[arg-type]
    if spec.tunnels > 1:
        return shared.best_set(hip, spec, confirm=False).tunnels
    found = shared.best_tunnel(hip, spec, confirm=False)
    return ((found.tunnel, found.figures),) if found.tunnel is not None and found.figures is not None else ()


def worth(one: JudgedHip, found: Found, spec: Spec) -> float:
    return objective_fraction(one.hip, [tunnel for tunnel, _ in found], spec)


def region(one: JudgedHip, role: str, middle: FloatArray, radius: float) -> tuple[KeepOutRegion, oracle.Solid]:
    mask = ball(middle, radius)
    matrix = np.linalg.inv(one.hip.world_from_local)
    return KeepOutRegion(role, mask, matrix), oracle.Solid(mask.voxels, mask.grid.world_from_index)  # type: ignore[arg-type]


def promises(name: str) -> Iterator[tuple[str, Callable[[], list[str]]]]:
    """What the search promises on a hip, each with what of it is broken, in words."""
    one, solid = hip_of(name)
    base = planned(one, SPEC)
    most = worth(one, base, SPEC)

    def judged(found: Found, spec: Spec, **seen: oracle.Solid) -> list[str]:
        return [str(fault) for fault in one.broken(solid, found, spec, **seen)]

    def no_more(spec: Spec, than: float, slack: float = CLIMB_SHARE) -> list[str]:
        found = planned(one, spec)
        over = worth(one, found, replace(spec, target=SPEC.target)) / max(than, 1e-9) - 1.0
        return judged(found, spec) + ([f"removes {over:.2%} more"] if over > slack else [])

    def no_less(spec: Spec, than: float, slack: float = TIE_SHARE) -> list[str]:
        found = planned(one, spec)
        under = 1.0 - worth(one, found, spec) / max(than, 1e-9)
        return judged(found, spec) + ([f"does {under:.2%} less"] if under > slack else [])

    def keeps_out(role: str, middle: FloatArray, radius: float) -> list[str]:
        wall, seen = region(one, role, middle, radius)
        spec = replace(SPEC, avoid_margin_mm=1.5)
        found = planned(one, spec, **{role: wall})
        over = worth(one, found, SPEC) / max(most, 1e-9) - 1.0
        return judged(found, spec, **{role: seen}) + ([f"removes {over:.2%} more"] if over > CLIMB_SHARE else [])

    def on_threads(count: int) -> list[str]:
        before = os.environ.get("CORECORE_THREADS")
        os.environ["CORECORE_THREADS"] = str(count)
        try:
            # Anew, not from the run's store.
            found = best_tunnel(one.hip, SPEC, confirm=False)
        finally:
            os.environ.pop("CORECORE_THREADS")
            if before is not None:
                os.environ["CORECORE_THREADS"] = before
        same = (found.tunnel is None) == (not base)
        if found.tunnel is not None and base:
            same = bool(np.all(found.tunnel.entry == base[0][0].entry) and np.all(found.tunnel.tip == base[0][0].tip))
        return [] if same else ["another plan"]

    def hardy() -> list[str]:
        found = robust_tunnel(one.hip, SPEC, METHODS["guide"], base[0])
        return judged(((found.tunnel, found.figures),), SPEC)

    yield "default", lambda: judged(base, SPEC)
    for diameter, margins in ((2.0, {}), (16.0, {"joint_margin_mm": 3.0, "cortical_margin_mm": 1.5})):
        yield (
            f"{diameter:g} mm",
            lambda d=diameter, m=margins: judged(  # type: ignore[misc]
                planned(one, replace(SPEC, diameter_mm=d, **m)), replace(SPEC, diameter_mm=d, **m)
            ),
        )
    tight = replace(SPEC, cortical_margin_mm=0.1, posterosuperior_margin_mm=0.1, joint_margin_mm=3.0)
    yield "margins 0.1 mm", lambda: no_less(tight, most, CLIMB_SHARE)
    for key, value in (("joint_margin_mm", 7.0), ("cortical_margin_mm", 4.5), ("joint_margin_mm", 12.0)):
        yield f"{key} {value:g}", lambda k=key, v=value: no_more(replace(SPEC, **{k: v}), most)  # type: ignore[misc]
    for count in (2, 3):
        yield f"{count} threads", lambda c=count: on_threads(c)  # type: ignore[misc]
    if not base:
        return
    tunnel = base[0][0]
    turn = one.hip.world_from_local[:3, :3]
    way = tuple(float(round(value, 6)) for value in turn @ tunnel.direction)
    entry = tuple(float(round(value, 4)) for value in one.hip.to_world(tunnel.entry))
    yield "fixed direction", lambda: no_less(replace(SPEC, direction_fixed=way), most)  # type: ignore[arg-type]
    yield "fixed entry", lambda: no_less(replace(SPEC, entry_fixed=entry), most)  # type: ignore[arg-type]
    yield "both fixed", lambda: no_less(replace(SPEC, direction_fixed=way, entry_fixed=entry), most)  # type: ignore[arg-type]
    inside = one.hip.to_world(tunnel.entry + 12.0 * tunnel.direction)
    yield "avoid", lambda: keeps_out("avoid", inside, 3.0)
    outside = one.hip.to_world(tunnel.entry - 40.0 * tunnel.direction)
    yield "pelvis", lambda: keeps_out("pelvis", outside, 12.0)
    for target in ("weight-bearing", "reached"):
        spec = replace(SPEC, target=target)
        yield target, lambda s=spec: no_less(s, worth(one, base, s), CLIMB_SHARE)  # type: ignore[misc]
    yield "robust", hardy
    narrow = replace(SPEC, diameter_mm=4.0)
    last = worth(one, planned(one, narrow), narrow)
    for count in (2, 3):
        yield (
            f"{count} tunnels",
            lambda c=count: no_less(  # type: ignore[misc]
                replace(narrow, tunnels=c), worth(one, planned(one, replace(narrow, tunnels=c - 1)), narrow)
            ),
        )
    for pattern in ("parallel", "separate"):
        yield (
            pattern,
            lambda p=pattern: (
                no_less(  # type: ignore[misc]
                    replace(narrow, tunnels=2, pattern=p), last
                )
                + no_more(
                    replace(narrow, tunnels=2, pattern=p), worth(one, planned(one, replace(narrow, tunnels=2)), narrow)
                )
            ),
        )


@pytest.mark.slow
@pytest.mark.parametrize("wide", [1, 2])
def test_a_plan_on_a_pitted_mask_keeps_its_margins_to_the_pits(wide: int) -> None:
    """Pits one and two voxels wide where the plan of the clean mask passes nearest to cortex and joint."""
    one, _ = hip_of("sample")
    ((tunnel, figures),) = planned(one, SPEC)
    wall = one.path(tunnel)
    affine, back = one.affine, np.linalg.inv(one.affine)
    along = np.linspace(0.35 * wall.length, wall.length, 60)
    side = oracle.unit(np.cross(wall.way, np.eye(3)[0]))
    turn = np.linspace(0.0, 2.0 * np.pi, 12, endpoint=False)
    ring = np.cos(turn)[:, None] * side + np.sin(turn)[:, None] * np.cross(wall.way, side)
    bone, solid = one.bone.copy(), one.solid()
    rough = one.bone.copy()
    starts = (wall.entry + along[::6, None, None] * wall.way + 5.0 * ring).reshape(-1, 3)
    near = starts[solid.depth(starts) < 8.0]
    for start in near:
        # The nearest bone voxel that has no bone beside it, and what lies behind it toward the tunnel.
        surface = solid.points[solid.tree.query(start)[1]]
        inward = oracle.unit(start - surface)
        for deep in np.arange(0.0, 2.4, 0.4):
            index = np.rint(back[:3, :3] @ (surface + deep * inward) + back[:3, 3]).astype(int)
            rough[tuple(slice(i, i + wide) for i in index)] = False
    rough = ndimage.binary_fill_holes(rough)
    lesion = one.lesion & rough
    assert np.count_nonzero(bone & ~rough) > 20
    grid = Grid(rough.shape, affine)
    case = case_from_masks(Mask(grid, rough & ~lesion), Mask(grid, lesion), label_map=True, case_id="pits")
    pitted = JudgedHip("pits", shared.build_hip(case), rough, lesion, affine)
    assert "surface_pits" in {told.code for told in pitted.hip.warnings}
    solid = pitted.solid()
    # The clean mask's plan breaks a margin here; this mask's own does not.
    assert pitted.broken(solid, ((tunnel, assess(pitted.hip, tunnel, SPEC)),), SPEC) != []
    found = planned(pitted, SPEC)
    assert found
    assert pitted.broken(solid, found, SPEC) == []
    assert found[0][1].removed_fraction < figures.removed_fraction + CLIMB_SHARE


#: Looked at with the slow tests; all with ``CORECORE_ORACLE_HIPS``.
FEW = {"default", "fixed direction", "avoid"}


@pytest.mark.slow
@pytest.mark.parametrize("name", HIPS)
def test_the_search_keeps_its_promises(name: str) -> None:
    every = "CORECORE_ORACLE_HIPS" in os.environ
    broken = {what: faults for what, ask in promises(name) if every or what in FEW for faults in [ask()] if faults}
    assert not broken, broken
