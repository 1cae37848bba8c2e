"""Every published statement that applies to a real hip is made of it or excused, by rules written down here.

The rules read the bare figures, and what outline, frame and acetabular edge leave open of them, from ``measures.json``;
neither classes as they were told nor the table of statements has a say.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.real_hips import NAMES, QUICK, built
from support.shared import shared

from corecore.base.spec import Spec
from corecore.measures.evidence import evidence_of
from corecore.measures.signs.stage import parse_stage

#: What is made and withheld of each hip: ``pytest -o log_cli=true --log-cli-level=INFO`` lists it.
_log = logging.getLogger(__name__)

#: Limits of the classes, and the acetabular edges of 95 people in 100 about their mean, degrees.
THIRDS, GRADES_DEG, EDGE_DEG = (1.0 / 3.0, 2.0 / 3.0, 1.0), (200.0, 250.0, 300.0), (-15.5, 14.4)
JIC, GRADES = ("A", "B", "C1", "C2"), ("1", "2", "3", "4")
#: The 21 % of PMID 8991993; 240 and 190° of the combined angle; 79° of the anterior one; bone over the lesion, mm.
HEAD_SHARE, WIDE_DEG, NARROW_DEG, ANTERIOR_DEG, BREACH_MM = 0.21, 240.0, 190.0, 79.0, 1.0
#: Course by class: what is told where the class is among those that may be.
OF_JIC = {
    "A": ["jic_course_A"], "B": ["jic_course_B"], "C1": ["jic_course_C1", "jic_course_C1_other"],
    "C2": ["jic_course_C2", "lateral_extent"],
}  # fmt: skip
#: Reassuring statements that a doubt about where the lesion lies withholds.
COMFORT_OF_PLACE = {"jic_course_A", "jic_course_B", "kerboul_course_1", "small_angle", "anterior_small"}


def open_values(figures: dict[str, Any], path: str) -> list[float]:
    """A figure, the same with its outline moved by either amount, and in the frames that may be."""
    value: Any = figures
    for key in path.split("."):
        value = value.get(key) if value is not None else None
    if value is None:
        return []
    change = figures["repeatability"]["figures"].get(path) or {}
    moves = [step for kind in ("half_voxel", "outline") for step in change.get(kind) or () if step is not None]
    return [value, *(value + step for step in moves), *figures.get("frame_range", {}).get(path, [])]


def classes_between(low: float, high: float, names: tuple[str, ...], limits: tuple[float, ...]) -> set[str]:
    first, last = (sum(end >= limit for limit in limits) for end in (low, high))
    return set(names[first : last + 1])


def jic_types(figures: dict[str, Any]) -> set[str]:
    """Types that the lesion's lateral reach may mean."""
    reaches = open_values(figures, "jic.covered_share")
    if not reaches or figures["plane_shares"]["coronal"] < 0.10:
        return set()
    reaches += [one["covered_share"] for one in figures["components"][1:] if one["covered_share"] is not None]
    if figures["jic"]["basis"] == "population":
        middle, edge = figures["jic"]["middle_deg"], figures["jic"]["edge_deg"]
        angles = [middle + reach * (edge - middle) for reach in reaches]
        reaches += [(angle - middle) / (edge + turn - middle) for angle in angles for turn in EDGE_DEG]
    return classes_between(min(reaches), max(reaches), JIC, THIRDS)


def angles_of(figures: dict[str, Any]) -> list[float]:
    """Combined angles that may be, where both planes show the lesion with an arc."""
    shares, kerboul = figures["plane_shares"], figures["kerboul"]
    if min(shares["coronal"], shares["sagittal"]) < 0.10 or not (kerboul["coronal_deg"] and kerboul["sagittal_deg"]):
        return []
    return open_values(figures, "kerboul.combined_deg")


def applying(figures: dict[str, Any], stage: str | None) -> set[str]:
    """Codes of the statements that apply to a hip without collapse."""
    found = {"natural_course"}
    if stage is not None:
        found.add(f"survival_{stage}")
    if figures["weight_bearing"]["depth_mm"] is not None and figures["weight_bearing"]["depth_mm"] < BREACH_MM:
        found.add("subchondral_breach")
    share = open_values(figures, "head_fraction")
    found |= {"large_lesion"} if max(share) >= HEAD_SHARE else {"small_lesion"}
    types, angles = jic_types(figures), angles_of(figures)
    found |= {code for kind in types for code in OF_JIC[kind]}
    if angles:
        found |= {f"kerboul_course_{g}" for g in classes_between(min(angles), max(angles), GRADES, GRADES_DEG)}
        found |= {"necrotic_angle"} if max(angles) >= WIDE_DEG else set()
        found |= {"small_angle"} if max(angles) < NARROW_DEG else set()
    anterior = open_values(figures, "anterior_necrotic_angle_deg")
    if anterior and "B" in types and max(anterior) >= ANTERIOR_DEG:
        found.add("anterior_extent")
    if anterior and types == {"B"} and max(anterior) < ANTERIOR_DEG:
        found.add("anterior_small")
    return found


def in_part(figures: dict[str, Any]) -> set[str]:
    """Comforts that hold of a part of what a figure may be: what speaks for drilling must hold of all of it."""
    share, angles = open_values(figures, "head_fraction"), angles_of(figures)
    anterior, types = open_values(figures, "anterior_necrotic_angle_deg"), jic_types(figures)
    found = {"small_lesion"} if min(share) < HEAD_SHARE <= max(share) else set()
    found |= {"small_angle"} if angles and min(angles) < NARROW_DEG <= max(angles) else set()
    if anterior and "B" in types and min(anterior) < ANTERIOR_DEG and (types != {"B"} or max(anterior) >= ANTERIOR_DEG):
        found.add("anterior_small")
    return found


def doubted(figures: dict[str, Any]) -> set[str]:
    """Comforts that where the lesion lies withholds.

    All of them where a focus under the load is in no coronal plane or that plane shows less than half of the lesion;
    those of the combined angle where the sagittal plane does.
    """
    hidden = any(one["covered_share"] is None and one["surface_fraction"] > 0.0 for one in figures["components"])
    shares = figures["plane_shares"]
    if hidden or shares["coronal"] < 0.50:
        return COMFORT_OF_PLACE
    return {"kerboul_course_1", "small_angle"} if shares["sagittal"] < 0.50 else set()


def told(figures: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for group in ("expected", "speaks_against", "speaks_for"):
        yield from figures["summary"][group]


@pytest.mark.parametrize("name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in NAMES])
def test_no_statement_that_applies_to_a_real_hip_is_lost(real_hips: Path, name: str) -> None:
    necrosis = shared.measure(built(real_hips, name), Spec()).part()
    figures = msgspec.json.decode(msgspec.json.encode(necrosis))
    made = {one["code"] for one in told(figures)}
    withheld = {one["code"]: one["reason"] for one in figures["summary"]["withheld"]}
    _log.info("%s: made %s; withheld %s", name, ", ".join(sorted(made)), withheld or "none")
    if figures.get("lower_bound"):
        # No class, no bound: what is told of every hip, and nothing that reassures.
        assert made <= {"natural_course", "subchondral_breach"}
        assert withheld == {}
        return
    check(figures, None, made, withheld)
    staged = evidence_of(necrosis, parse_stage("ARCO II"), collapse_seen=False)
    check(figures, "II", {one.code for one in staged.items}, {one.code: one.reason for one in staged.withheld})


def check(figures: dict[str, Any], stage: str | None, made: set[str], withheld: dict[str, str]) -> None:
    """Hold what is told of a hip to what applies to it."""
    due = applying(figures, stage)
    of_place = due & doubted(figures)
    assert made == due - of_place
    assert set(withheld) == of_place | in_part(figures)
    assert all(len(reason) > 20 for reason in withheld.values())
