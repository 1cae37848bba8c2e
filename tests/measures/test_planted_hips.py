"""Planted hips whose figures have closed forms: none is falsely reassured, and none loses what does apply.

A focus is a cone about the head's centre. Where it lies, how far laterally it reaches in any plane, its arcs in the
mid-planes and its share of the head follow from its axis and half-angle; some are cut out of voxels too. For each hip
the test states what may not be printed, from the cones themselves and not from what was measured of them.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pytest

from corecore.base.grid import Mask
from corecore.base.spec import Spec
from corecore.document.headline import headline_of
from corecore.document.necrosis import NecrosisPart
from corecore.document.plan import PlanDocument
from corecore.hip.case import case_from_masks
from corecore.hip.hip import build_hip
from corecore.measures.classes import with_classes
from corecore.measures.evidence import Evidence, evidence_of, statements
from corecore.measures.model import measure
from corecore.measures.signs.stage import parse_stage
from corecore.study.phantom.hip import HipRecipe, make_hip
from corecore.verification.evidence import MUST, _facts
from corecore.verification.headline import headline_checks

#: Lateral, anterior, proximal.
SECTORS = {
    "medial": (-0.55, 0.0, 1.0), "central": (0.05, 0.0, 1.0), "lateral": (0.75, 0.0, 1.0),
    "anterior": (0.0, 1.0, 0.9), "anterolateral": (0.75, 0.95, 0.9), "posterior": (0.0, -1.0, 0.9),
    "inferior": (-0.8, 0.0, -1.0),
}  # fmt: skip
MIDDLE_DEG, EDGE_DEG = -44.8, 30.3
LOAD = np.array([-0.274, 0.163, 0.948]) / np.linalg.norm([-0.274, 0.163, 0.948])
CAP_DEG = 55.0
FAVOURABLE = {one.code for one in statements() if one.direction == "favourable"}
BY_PLACE = {one.code for one in statements() if {"jic", "kerboul", "combined_deg", "anterior_deg"} & set(one.applies)}
COMFORT_OF_PLACE = FAVOURABLE & BY_PLACE


@dataclass(frozen=True)
class Cone:
    """A focus: unit axis, half-angle in degrees."""

    axis: tuple[float, float, float]
    half_deg: float

    @property
    def unit(self) -> Any:
        return np.asarray(self.axis) / np.linalg.norm(self.axis)

    @property
    def share(self) -> float:
        """Of the head, which is nine tenths of its sphere."""
        return float((1.0 - np.cos(np.radians(self.half_deg))) / 2.0 / 0.9)

    def arc(self, across: int) -> tuple[float, float] | None:
        """Ends of its arc in the mid-plane whose normal is axis ``across``, degrees from proximal; ``None``: no arc."""
        along = 0 if across == 1 else 1
        out = float(np.degrees(np.arcsin(self.unit[across])))
        if abs(out) >= self.half_deg:
            return None
        half = float(np.degrees(np.arccos(np.cos(np.radians(self.half_deg)) / np.cos(np.radians(out)))))
        middle = float(np.degrees(np.arctan2(self.unit[along], self.unit[2])))
        return middle - half, middle + half

    def shown(self, across: int) -> float:
        arc = self.arc(across)
        return 0.0 if arc is None else (arc[1] - arc[0]) / (2.0 * self.half_deg)

    @property
    def loaded(self) -> bool:
        """Whether it lies under the weight-bearing area."""
        return float(np.degrees(np.arccos(self.unit @ LOAD))) < CAP_DEG + self.half_deg

    @property
    def furthest_deg(self) -> float:
        """How far laterally it reaches in any plane: the truth that a mid-plane may not show."""
        turns = np.radians(np.arange(0.0, 360.0, 5.0))
        helper = np.cross(self.unit, [0.0, 0.0, 1.0] if abs(self.unit[2]) < 0.9 else [0.0, 1.0, 0.0])
        first = helper / np.linalg.norm(helper)
        second = np.cross(self.unit, first)
        rim = np.cos(np.radians(self.half_deg)) * self.unit + np.sin(np.radians(self.half_deg)) * (
            np.cos(turns)[:, None] * first + np.sin(turns)[:, None] * second
        )
        # Only what lies above the equator is under the acetabulum.
        rim = np.vstack([rim, self.unit])[np.append(rim[:, 2], self.unit[2]) > 0.0]
        return float(np.degrees(np.arctan2(rim[:, 0], rim[:, 2])).max()) if len(rim) else -180.0


def covered(arc: tuple[float, float] | None) -> float | None:
    return None if arc is None else (arc[1] - MIDDLE_DEG) / (EDGE_DEG - MIDDLE_DEG)


def hip(*cones: Cone, basis: str = "pelvis", **changes: Any) -> NecrosisPart:
    """The figures of a hip with these foci, the largest first; outlines move an arc by 2.5° at either end."""
    foci = sorted(cones, key=lambda one: -one.half_deg)
    share = sum(one.share for one in foci)
    spans = [[one.arc(across) for one in foci if one.arc(across) is not None] for across in (1, 0)]
    arcs = [max(e[1] for e in met) - min(e[0] for e in met) if met else 0.0 for met in spans]  # type: ignore[index]
    reach = covered(foci[0].arc(1))
    step = 2.5 / (EDGE_DEG - MIDDLE_DEG)

    def moves(size: float) -> dict[str, list[float]]:
        return {"half_voxel": [-size / 2.0, size / 2.0], "outline": [-size, size]}

    figures: dict[str, Any] = {
        "head_fraction": share, "weight_bearing": {"surface_fraction": 0.15},
        "components": [
            {"number": n, "covered_share": covered(one.arc(1)), "surface_fraction": 0.2 if one.loaded else 0.0}
            for n, one in enumerate(foci, start=1)
        ],
        "plane_shares": {"coronal": min(1.0, foci[0].shown(1)), "sagittal": min(1.0, foci[0].shown(0))},
        "kerboul": {"coronal_deg": arcs[0], "sagittal_deg": arcs[1], "combined_deg": arcs[0] + arcs[1]},
        "jic": {"basis": basis, "middle_deg": MIDDLE_DEG, "edge_deg": EDGE_DEG, "covered_share": reach},
        "repeatability": {
            "half_voxel_mm": 0.5, "outline_error_mm": 0.76,
            "figures": {
                "head_fraction": moves(0.12 * share), "kerboul.combined_deg": moves(10.0),
                "jic.covered_share": moves(step),
            },
        },
        **changes,
    }  # fmt: skip
    return with_classes(msgspec.convert(figures, NecrosisPart))


def plan(measures: NecrosisPart, stage: str | None, codes: list[str]) -> PlanDocument:
    """A plan that nothing but its lesion could make amber or red."""
    told = None if stage is None else parse_stage(stage).part()
    part = msgspec.structs.replace(measures, signs=msgspec.structs.replace(measures.signs, stage=told, physis="closed"))
    content = {
        "status": "planned", "case": {"id": "x", "side": "right"},
        "anatomy": {"head_center": [0.0, 0, 0], "head_radius_mm": 24.0, "neck_axis": [0.0, 0, 1],
                    "shaft_axis": [0.0, 0, 1], "x_axis": [1.0, 0, 0]},
        "tunnels": [{"entry": [0.0, 0, 0], "tip": [0.0, 0, 90], "diameter_mm": 10.0}], "spec": {"guidance": "robot"},
        "totals": {"removed_fraction": 0.2, "removed_weight_bearing_fraction": 0.2, "neck_area_share": 0.1,
                   "foci_removed_fraction": [0.2] * len(measures.components),
                   "bone_left": {"lateral_wall_share": 0.3}, "risk": {"robot": {"perforation_probability": 0.001}}},
        "warnings": [{"code": code, "text": code} for code in codes],
    }  # fmt: skip
    return msgspec.structs.replace(msgspec.convert(content, PlanDocument), necrosis=part)


@dataclass(frozen=True)
class Planted:
    """A hip, and what may not be printed of it."""

    measures: NecrosisPart
    never: frozenset[str]
    must: frozenset[str] = frozenset()
    stage: str | None = None
    collapse: bool = False
    #: Whether a green plan of it would be wrong.
    bad: bool = True


def two_foci(first: str, second: str) -> Planted:
    """A larger focus in one sector, a smaller in another; the truth is the furthest of any plane."""
    cones = (Cone(SECTORS[first], 26.0), Cone(SECTORS[second], 18.0))
    furthest = max((one.furthest_deg for one in cones if one.loaded), default=-180.0)
    share = (furthest - MIDDLE_DEG) / (EDGE_DEG - MIDDLE_DEG)
    never = set[str]()
    reached = [covered(one.arc(1)) for one in cones]
    if share >= 2.0 / 3.0 and max((value for value in reached if value is not None), default=0.0) < 2.0 / 3.0:
        # One of them reaches under the lateral third, and the mid-plane does not show it: no comfort by location.
        never |= COMFORT_OF_PLACE
    return Planted(hip(*cones), frozenset(never), bad=share >= 2.0 / 3.0)


def at_limit(name: str, share: float, *, basis: str = "pelvis") -> Planted:
    """A cone whose lateral end lies 1° from a limit of the JIC types: both types must be told."""
    end = MIDDLE_DEG + share * (EDGE_DEG - MIDDLE_DEG)
    axis = (np.sin(np.radians(end - 20.0)), 0.0, np.cos(np.radians(end - 20.0)))
    worse = {"A/B": "jic_course_B", "B/C1": "jic_course_C1", "C1/C2": "jic_course_C2"}[name]
    return Planted(hip(Cone(axis, 20.0), basis=basis), frozenset(), frozenset({worse}), bad=name != "A/B")


ONE_DEG = 1.0 / (EDGE_DEG - MIDDLE_DEG)
LATE, SMALL = "ARCO IIIA", Cone(SECTORS["central"], 20.0)
HIPS: dict[str, Planted] = {
    **{
        f"two foci, {first} and {second}": two_foci(first, second)
        for first, second in itertools.permutations(
            ("medial", "lateral", "anterior", "anterolateral", "posterior"), 2
        )
    },
    **{
        f"{name}, 1° {side}": at_limit(name, limit + sign * ONE_DEG)
        for name, limit in (("A/B", 1 / 3), ("B/C1", 2 / 3), ("C1/C2", 1.0))
        for side, sign in (("short of it", -1), ("beyond it", 1))
    },
    "C1 by a population's edge, 10° short": at_limit("C1/C2", 1.0 - 10 * ONE_DEG, basis="population"),
    "B by a population's edge": at_limit("B/C1", 2 / 3 - 5 * ONE_DEG, basis="population"),
    **{
        f"off the planes: {name}": Planted(
            hip(Cone(SECTORS[name], 24.0)), frozenset(COMFORT_OF_PLACE), frozenset({"natural_course"})
        )
        for name in ("anterior", "anterolateral", "posterior")
    },
    "cut scan, small": Planted(
        hip(SMALL, lower_bound=True), frozenset(FAVOURABLE | BY_PLACE | {"large_lesion"}), frozenset({"natural_course"})
    ),
    "cut scan, lateral": Planted(
        hip(Cone(SECTORS["lateral"], 24.0), lower_bound=True), frozenset(FAVOURABLE | BY_PLACE)
    ),
    "collapse seen, small": Planted(hip(SMALL), frozenset(FAVOURABLE), frozenset({"collapse"}), collapse=True),
    "stage III, small": Planted(hip(SMALL), frozenset(FAVOURABLE), frozenset({"late_stage", "survival_III"}), LATE),
    "stage IV, small": Planted(hip(SMALL), frozenset(FAVOURABLE | {"late_stage"}), stage="ARCO IV"),
    "tiny": Planted(hip(Cone(SECTORS["central"], 8.0)), frozenset({"large_lesion"}), frozenset({"small_lesion"})),
    "tiny, in no plane": Planted(
        hip(Cone(SECTORS["anterolateral"], 8.0)), frozenset(COMFORT_OF_PLACE), frozenset({"small_lesion"})
    ),
    "whole head": Planted(
        hip(Cone((0.0, 0.0, 1.0), 110.0)), frozenset(FAVOURABLE),
        frozenset({"large_lesion", "jic_course_C2", "kerboul_course_4", "necrotic_angle"}),
    ),
    "share just under 21 %": Planted(
        hip(Cone((0.0, 0.0, 1.0), 51.0)), frozenset({"small_lesion"}), frozenset({"large_lesion"})
    ),
    "angle just under 200°": Planted(
        hip(Cone((0.0, 0.0, 1.0), 49.0)), frozenset({"small_angle"}),
        frozenset({"kerboul_course_2", "kerboul_course_1"}),
    ),
    "small, in the middle third, and truly good": Planted(
        hip(Cone((-0.25, 0.0, 1.0), 16.5)), frozenset({"large_lesion", "lateral_extent"}),
        frozenset({"small_lesion", "small_angle", "jic_course_B", "survival_II", "natural_course"}), "ARCO II",
        bad=False,
    ),
}  # fmt: skip


def told(one: Planted) -> Evidence:
    stage = None if one.stage is None else parse_stage(one.stage)
    return evidence_of(one.measures, stage, collapse_seen=one.collapse)


def test_there_are_forty_and_all_sectors_meet() -> None:
    assert len(HIPS) >= 40


@pytest.mark.parametrize("name", HIPS)
def test_no_planted_hip_is_falsely_reassured(name: str) -> None:
    one = HIPS[name]
    found = told(one)
    codes = {item.code for item in found.items}
    assert codes & one.never == set()
    assert codes >= one.must
    # What is favourable and not made is excused, unless it does not apply at all.
    assert {item.code for item in found.withheld} & codes == set()


@pytest.mark.parametrize("name", HIPS)
def test_verification_s_own_rules_name_the_same_statements(name: str) -> None:
    one = HIPS[name]
    facts = _facts(plan(one.measures, one.stage, ["collapse"] if one.collapse else []))
    assert {item.code for item in told(one).items} == {code for code, must in MUST.items() if must(facts)}


@pytest.mark.parametrize("name", HIPS)
def test_no_bad_hip_is_green(name: str) -> None:
    """Although all that is not of its lesion is as good as can be, and its stage II unless it says otherwise."""
    one = HIPS[name]
    whole = plan(one.measures, one.stage or "ARCO II", ["collapse"] if one.collapse else [])
    found = headline_of(whole)
    assert [check for check in headline_checks(msgspec.structs.replace(whole, headline=found)) if not check.ok] == []
    assert not (one.bad and found.color == "green")
    if one.collapse or (one.stage or "").startswith(("ARCO III", "ARCO IV")) or one.measures.lower_bound is True:
        assert found.color == "red"


def test_a_hip_that_is_truly_good_may_be_green() -> None:
    one = HIPS["small, in the middle third, and truly good"]
    assert headline_of(plan(one.measures, one.stage, [])).color == "green"


@cache
def femur_of_voxels() -> tuple[Any, npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """A phantom's bone in coarse voxels, the way from the head's centre to each, and femoral axes from its truth."""
    made = make_hip(HipRecipe(spacing_mm=(1.5, 1.5, 1.5), shaft_below_mm=60.0))
    bone, truth = made.femur, made.truth
    index = np.moveaxis(np.indices(bone.grid.shape, dtype=float), 0, -1)
    center = np.asarray(truth.head_center)
    away = index @ bone.grid.world_from_index[:3, :3].T + bone.grid.world_from_index[:3, 3] - center
    up = np.asarray(truth.shaft_axis) / np.linalg.norm(truth.shaft_axis)
    outward = np.asarray(truth.greater_trochanter_tip) - center
    lateral = np.asarray(truth.x_axis) * np.sign(outward @ truth.x_axis)
    lateral = lateral - (lateral @ up) * up
    lateral /= np.linalg.norm(lateral)
    # A right hip's lateral is to the right, so that forward is proximal x lateral.
    return made, away, np.array([lateral, np.cross(up, lateral), up])


@cache
def planted(*cones: Cone) -> NecrosisPart:
    """Measures of cones as wide as stated, cut out of the voxels of the head."""
    made, away, axes = femur_of_voxels()
    bone, radius = made.femur, made.truth.head_radius_mm
    distance = np.linalg.norm(away, axis=-1)
    lesion = np.zeros(bone.grid.shape, dtype=bool)
    for one in cones:
        along = away @ (one.unit @ axes)
        lesion |= along >= np.cos(np.radians(one.half_deg)) * np.maximum(distance, 1e-9)
    # Cones meet at the centre, foci do not.
    lesion &= bone.voxels & (distance <= radius + 2.0) & ((distance >= 0.5 * radius) | (len(cones) == 1))
    hip = build_hip(case_from_masks(Mask(bone.grid, bone.voxels & ~lesion), Mask(bone.grid, lesion), label_map=True))
    return measure(hip, Spec()).part()


VOLUMES = {
    "medial and anterolateral": (Cone(SECTORS["medial"], 26.0), Cone(SECTORS["anterolateral"], 18.0)),
    "anterior alone": (Cone(SECTORS["anterior"], 24.0),),
    "posterior and lateral": (Cone(SECTORS["posterior"], 26.0), Cone(SECTORS["lateral"], 18.0)),
    "central": (Cone(SECTORS["central"], 22.0),),
    "whole cap": (Cone((0.0, 0.0, 1.0), 66.0),),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", VOLUMES)
def test_voxels_of_a_planted_hip_are_told_as_its_cones(name: str) -> None:
    """The chain as a user has it, from voxels to statements: figures of closed form, and no comfort that is false."""
    cones = VOLUMES[name]
    found = planted(*cones)
    spans = [[one.arc(across) for one in cones] for across in (1, 0)]
    for told_deg, arcs in zip((found.kerboul.coronal_deg, found.kerboul.sagittal_deg), spans, strict=True):
        met = [arc for arc in arcs if arc is not None]
        true_deg = max(arc[1] for arc in met) - min(arc[0] for arc in met) if met else 0.0
        # A voxel at the head's surface is 3.5° wide, and the fitted axes turn by up to 2°.
        assert (told_deg or 0.0) == pytest.approx(true_deg, abs=8.0)
    codes = {item.code for item in evidence_of(found, None, collapse_seen=False).items}
    reach = max((one.furthest_deg for one in cones if one.loaded), default=-180.0)
    if any(one.loaded and one.arc(1) is None for one in cones):
        assert not codes & COMFORT_OF_PLACE
    if (reach - MIDDLE_DEG) / (EDGE_DEG - MIDDLE_DEG) >= 2.0 / 3.0:
        assert not codes & {"jic_course_A"}
        assert headline_of(plan(found, "ARCO II", [])).color != "green"
    if sum(one.share for one in cones) > 0.3:
        assert "large_lesion" in codes
        assert not codes & FAVOURABLE
