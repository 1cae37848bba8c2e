"""Classes at their limits: the one class, or every class that outline, acetabulum, frame and foci leave open."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from corecore.document.necrosis import NecrosisPart
from corecore.measures.classes import SHOWN_SHARE, classes_of, missing_classes, spelled, with_classes

POPULATION = {"basis": "population", "middle_deg": -44.8, "edge_deg": 30.3}
KNOWN = {**POPULATION, "basis": "pelvis"}


def measured(**figures: Any) -> NecrosisPart:
    return msgspec.convert(figures, NecrosisPart)


def moved(path: str, half: float, outline: float) -> dict[str, Any]:
    """An outline that moves a figure by ± ``half`` and ± ``outline``."""
    return {"figures": {path: {"half_voxel": [-half, half], "outline": [-outline, outline]}}}


@pytest.mark.parametrize(
    ("share", "extent"),
    [(0.0, "A"), (0.1499, "A"), (0.15, "B"), (0.30, "B"), (0.3001, "C"), (0.9, "C")],
)
def test_steinberg_limits(share: float, extent: str) -> None:
    assert spelled(classes_of(measured(head_fraction=share))["steinberg"]) == extent


@pytest.mark.parametrize(("angle", "grade"), [(1.0, "1"), (199.9, "1"), (200.0, "2"), (250.0, "3"), (300.0, "4")])
def test_kerboul_limits(angle: float, grade: str) -> None:
    both = {"coronal_deg": angle / 2, "sagittal_deg": angle / 2, "combined_deg": angle}
    assert classes_of(measured(kerboul=both))["kerboul.grade"].range == [grade]


@pytest.mark.parametrize(("share", "kind"), [(-0.4, "A"), (0.333, "A"), (0.334, "B"), (0.667, "C1"), (1.0, "C2")])
def test_jic_limits_where_the_acetabulum_is_known(share: float, kind: str) -> None:
    assert classes_of(measured(jic={**KNOWN, "covered_share": share}))["jic.type"].range == [kind]


def test_the_larger_of_the_outline_s_errors_decides() -> None:
    """1 % short of a limit: half a voxel does not reach it, the outline's usual error does."""
    near = measured(head_fraction=0.14, repeatability=moved("head_fraction", 0.005, 0.02))
    found = classes_of(near)["steinberg"]
    assert found.range == ["B", "A"]
    assert [found.low, found.high] == pytest.approx([0.12, 0.16])
    far = measured(head_fraction=0.12, repeatability=moved("head_fraction", 0.005, 0.02))
    assert classes_of(far)["steinberg"].range == ["A"]
    assert classes_of(far)["steinberg"].because == []


def test_a_lesion_that_vanishes_inward_may_be_nothing() -> None:
    thin = measured(
        head_fraction=0.16,
        repeatability={"figures": {"head_fraction": {"half_voxel": [None, 0.01], "outline": [None, 0.02]}}},
    )
    assert classes_of(thin)["steinberg"].range == ["B", "A"]


@pytest.mark.parametrize(
    ("share", "kinds"),
    [
        # The edge 15.5° further in: the share grows by 75.1 / 59.6; 14.4° further out: it falls by 75.1 / 89.5.
        (0.80, ["C2", "C1"]), (0.79, ["C1", "B"]), (0.20, ["A"]), (0.50, ["B"]), (0.30, ["B", "A"]), (1.30, ["C2"]),
    ],
)  # fmt: skip
def test_the_population_s_edge_makes_ranges(share: float, kinds: list[str]) -> None:
    assert classes_of(measured(jic={**POPULATION, "covered_share": share}))["jic.type"].range == kinds
    assert classes_of(measured(jic={**KNOWN, "covered_share": share}))["jic.type"].range in ([kinds[0]], [kinds[-1]])


def test_another_focus_that_reaches_further_is_in_the_range() -> None:
    two = measured(jic={**KNOWN, "covered_share": 0.2}, components=[{"covered_share": 0.2}, {"covered_share": 1.1}])
    assert classes_of(two)["jic.type"].range == ["C2", "C1", "B", "A"]
    medial = measured(jic={**KNOWN, "covered_share": 0.8}, components=[{"covered_share": 0.8}, {"covered_share": 0.1}])
    assert classes_of(medial)["jic.type"].range == ["C1"]


def test_an_uncertain_frame_is_in_the_range() -> None:
    turned = measured(jic={**KNOWN, "covered_share": 0.6}, frame_range={"jic.covered_share": [0.55, 0.7]})
    assert classes_of(turned)["jic.type"].range == ["C1", "B"]
    assert classes_of(turned)["jic.type"].because == ["uncertain frame"]


@pytest.mark.parametrize("plane", ["coronal", "sagittal"])
def test_a_plane_that_does_not_show_the_largest_focus_gives_no_class(plane: str) -> None:
    kerboul = {"coronal_deg": 80.0, "sagittal_deg": 80.0, "combined_deg": 160.0, "grade": 1}
    for share in (0.0, SHOWN_SHARE - 0.01, SHOWN_SHARE + 0.01):
        shares = {"coronal": 1.0, "sagittal": 1.0, plane: share}
        jic = {**KNOWN, "covered_share": 0.2, "type": "A"}
        hip = with_classes(measured(plane_shares=shares, kerboul=kerboul, jic=jic))
        shown = share >= SHOWN_SHARE
        assert (hip.kerboul.grade == 1) is shown
        assert (hip.jic.type == "A") is (shown or plane == "sagittal")
        assert (f"mid-{plane} plane" in missing_classes(hip).get("kerboul.grade", "")) is not shown


@pytest.mark.parametrize(
    ("coronal", "sagittal", "said"),
    [
        (0.0, 120.0, "the lesion does not reach the surface in the mid-coronal plane"),
        (120.0, 0.0, "the lesion does not reach the surface in the mid-sagittal plane"),
        (0.0, 0.0, "the lesion reaches the surface in neither mid-plane"),
    ],
)
def test_without_an_arc_in_both_planes_there_is_no_grade(coronal: float, sagittal: float, said: str) -> None:
    kerboul = {"coronal_deg": coronal, "sagittal_deg": sagittal, "combined_deg": coronal + sagittal, "grade": 1}
    found = classes_of(measured(kerboul=kerboul))["kerboul.grade"]
    assert found.range == []
    assert found.not_classifiable == said


def test_a_cut_scan_has_no_class() -> None:
    cut = measured(lower_bound=True, head_fraction=0.1, jic={**KNOWN, "covered_share": 0.2})
    assert {kinds.not_classifiable for kinds in classes_of(cut).values()} == {
        "the edge of the scan cuts the head or the lesion"
    }
    assert not any(kinds.range for kinds in classes_of(cut).values())
