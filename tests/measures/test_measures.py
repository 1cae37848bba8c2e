"""The measures of size and load against closed forms, in a ball for a head at three orientations."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest
from msgspec import UNSET
from support.head_phantom import NECK, RADIUS, ball_hip, cap_overlap, cone, femoral, figures, with_lesion

from corecore.base.spec import Spec
from corecore.document.necrosis import CLASSES, NecrosisPart
from corecore.hip.anatomy.model import PlanWarning
from corecore.hip.head_surface import surface_along
from corecore.hip.hip import Hip
from corecore.hip.scan import LOWER_BOUND
from corecore.measures.model import measure
from corecore.measures.necrosis import head_map, spread_directions
from corecore.measures.weight_bearing import POLES


def slow(value: float) -> Any:
    """A value for the slow tests."""
    return pytest.param(value, marks=pytest.mark.slow)


SPHERE_ML = 4 / 3 * np.pi * RADIUS**3 / 1000
GAIT = np.array(POLES["gait"])


@pytest.fixture(
    scope="module", params=[4, pytest.param(5, marks=pytest.mark.slow), pytest.param(6, marks=pytest.mark.long)]
)
def head(request: pytest.FixtureRequest, sample_hip: Hip) -> Hip:
    """The ball at one of three orientations."""
    return ball_hip(sample_hip, request.param)


def plain_types(kind: msgspec.inspect.Type) -> list[msgspec.inspect.Type]:
    if isinstance(kind, msgspec.inspect.Metadata):
        return plain_types(kind.type)
    if isinstance(kind, msgspec.inspect.UnionType):
        return [plain for one in kind.types for plain in plain_types(one)]
    return [kind]


def classes_in(part: type[msgspec.Struct], path: str = "") -> set[str]:
    """Paths of a document's fields that can hold a class: a letter, a number of few, or a range of them, or null."""
    found = set()
    for field in msgspec.inspect.type_info(part).fields:  # type: ignore[attr-defined]
        here = f"{path}{field.name}"
        kinds = plain_types(field.type)
        for kind in kinds:
            if isinstance(kind, msgspec.inspect.StructType) and field.name not in ("signs", "summary"):
                found |= classes_in(kind.cls, f"{here}.")
        texts = (msgspec.inspect.LiteralType, msgspec.inspect.StrType, msgspec.inspect.IntType)
        empty = any(isinstance(kind, msgspec.inspect.NoneType) for kind in kinds) or any(
            isinstance(kind, msgspec.inspect.LiteralType) and None in kind.values for kind in kinds
        )
        if empty and any(isinstance(kind, texts) for kind in kinds):
            found.add(here)
    return found


def test_every_class_of_the_document_is_in_the_rule_for_cut_scans() -> None:
    # Where the lateral end was seen is no class.
    assert classes_in(NecrosisPart) - {"jic.seen_at"} == set(CLASSES)


def at(part: object, path: str) -> Any:
    for name in path.split("."):
        part = getattr(part, name)
    return part


@pytest.mark.parametrize("code", LOWER_BOUND)
def test_what_the_scans_edge_cuts_has_no_class(head: Hip, code: str) -> None:
    whole = cone(head, GAIT, 40.0)
    cut = replace(whole, warnings=(*whole.warnings, PlanWarning(code, "…")))
    sound, measured = measure(whole, Spec()).part(), measure(cut, Spec())
    part = measured.part()
    assert (sound.lower_bound, part.lower_bound) == (False, True)
    assert all(at(sound, path) is not None for path in CLASSES)
    assert {path: at(part, path) for path in CLASSES} == dict.fromkeys(CLASSES)
    assert all("cuts" in part.missing[path] for path in CLASSES)
    # Nor has it one with its outline moved or the lateral axis turned.
    assert set(measured.figures.classes().values()) == {None}
    classes: Any = part.repeatability.classes
    changed = [value for one in classes.values() for value in (*one.half_voxel, *one.one_mm)]
    assert set(changed) == {None}
    assert part.frame_classes is UNSET
    # The figures stay, as lower bounds; of what became of such hips nothing is said.
    assert part.volume_ml == sound.volume_ml
    assert part.kerboul.combined_deg == sound.kerboul.combined_deg
    headline, before = str(part.summary.headline), str(sound.summary.headline)
    assert "not classifiable: the edge of the scan cuts" in headline
    assert "combined necrotic angle at least" in headline
    assert all(word in before and word not in headline for word in ("JIC", "Steinberg"))
    assert sound.summary.expected
    assert not part.summary.expected
    assert {item.code for item in part.summary.speaks_against} <= {"natural_course"}
    assert not part.summary.speaks_for


def cap_ml(height: float) -> float:
    return float(np.pi * height**2 * (RADIUS - height / 3) / 1000)


def test_the_head_by_every_definition(head: Hip) -> None:
    """The ball less the cap beyond the plane, and the ball."""
    place = femoral(head)
    lesion = with_lesion(head, (place @ NECK <= 0.0) & (place @ NECK >= -10.0))
    found = figures(lesion, Spec()).volumes.shares
    for cut in (0.4, 0.5, 0.6):
        assert found[f"cut_{cut}"].head_ml == pytest.approx(SPHERE_ML - cap_ml((1 - cut) * RADIUS), rel=0.01)
        # The slab reaches 10 mm below the centre: the cut at 0.4 R leaves 0.4 mm of it out.
        slab = SPHERE_ML / 2 - cap_ml(RADIUS - min(10.0, cut * RADIUS))
        # Voxels' corners that stick out of the sphere are cut off.
        assert found[f"cut_{cut}"].lesion_ml == pytest.approx(slab, rel=0.015)
        assert found[f"cut_{cut}"].fraction == pytest.approx(slab / (SPHERE_ML - cap_ml((1 - cut) * RADIUS)), abs=0.01)
    assert found["sphere"].head_ml == pytest.approx(SPHERE_ML)
    assert found["enclosing_sphere"].head_ml == pytest.approx(SPHERE_ML, rel=0.05)
    assert found["enclosing_sphere"].head_ml >= SPHERE_ML


@pytest.mark.parametrize("half_angle", [slow(25.0), 40.0, slow(60.0)])
def test_a_cone_about_the_pole(head: Hip, half_angle: float) -> None:
    """Volume (1 - cos a) / 2 of the sphere; of the cap of 55°, (1 - cos a) / (1 - cos 55°) is met."""
    found = figures(cone(head, GAIT, half_angle), Spec())
    share = 1 - np.cos(np.radians(half_angle))
    cap = 1 - np.cos(np.radians(55.0))
    assert found.volumes.volume_ml == pytest.approx(SPHERE_ML * share / 2, rel=0.01)
    assert found.volumes.shares["sphere"].fraction == pytest.approx(share / 2, abs=0.01)
    loaded = found.weight_bearing["gait"]
    assert loaded.surface_fraction == pytest.approx(min(1.0, share / cap), abs=0.01)
    assert loaded.volume_fraction == pytest.approx(min(1.0, cap / share), abs=0.01)
    assert loaded.depth_mm is not None
    assert loaded.depth_mm < 0.5
    for name in ("stance", "rising"):
        overlap = cap_overlap(np.array(POLES[name]), 55.0, GAIT, half_angle)
        assert found.weight_bearing[name].surface_fraction == pytest.approx(overlap, abs=0.01)


def test_a_pole_of_the_users(head: Hip) -> None:
    pole = (0.5, 0.5, 0.7)
    found = measure(cone(head, np.array(pole), 30.0), Spec(), pole=pole)
    share = (1 - np.cos(np.radians(30.0))) / (1 - np.cos(np.radians(55.0)))
    assert found.figures.weight_bearing["given"].surface_fraction == pytest.approx(share, abs=0.01)
    assert found.as_dict()["weight_bearing"]["poles"]["given"]["pole"] == list(pole)
    assert found.figures.weight_bearing["gait"].surface_fraction == pytest.approx(
        cap_overlap(GAIT, 55.0, np.array(pole), 30.0), abs=0.01
    )


def test_a_ball_at_the_centre_bears_nothing_and_a_shell_all(head: Hip) -> None:
    distance = np.linalg.norm(femoral(head), axis=-1)
    ball = figures(with_lesion(head, distance <= 5.0), Spec())
    assert ball.weight_bearing["gait"].surface_fraction == 0.0
    assert ball.weight_bearing["gait"].depth_mm == pytest.approx(RADIUS - 5.0, abs=0.6)
    assert ball.volumes.volume_ml == pytest.approx(4 / 3 * np.pi * 0.125, rel=0.03)
    shell = figures(with_lesion(head, distance >= RADIUS - 4.0), Spec())
    assert shell.weight_bearing["gait"].surface_fraction == 1.0


def test_a_lesion_deeper_than_the_subchondral_depth_is_not_under_the_surface(head: Hip) -> None:
    hip = with_lesion(head, np.linalg.norm(femoral(head), axis=-1) <= RADIUS - 6.5)
    assert figures(hip, Spec()).weight_bearing["gait"].surface_fraction == 0.0
    deep = replace(Spec(), subchondral_depth_mm=9.0)
    assert figures(hip, deep).weight_bearing["gait"].surface_fraction == 1.0


def test_octants_and_centroid_of_sectors(head: Hip) -> None:
    """One octant of the ball: its share is 1, its centre of mass at 3/8 R along each axis."""
    place = femoral(head)
    for name, sign in {"ASM": (-1, 1, 1), "PIL": (1, -1, -1), "ASL": (1, 1, 1)}.items():
        found = measure(with_lesion(head, np.all(place * sign >= 0.0, axis=-1)), Spec())
        # The sample points of voxels on the three walls lie on both sides of them.
        assert found.figures.octants[name] == pytest.approx(1.0, abs=0.03)
        assert sum(found.figures.octants.values()) == pytest.approx(1.0)
        center = found.centroid_in_head
        assert center.position_mm == pytest.approx(tuple(3 / 8 * RADIUS * np.array(sign)), abs=0.15)
        assert center.latitude_deg == pytest.approx(sign[2] * np.degrees(np.arcsin(1 / np.sqrt(3))), abs=1.0)
        assert center.longitude_deg == pytest.approx(np.degrees(np.arctan2(sign[1], sign[0])), abs=1.0)
        assert center.depth_mm == pytest.approx(RADIUS * (1 - 3 / 8 * np.sqrt(3)), abs=0.3)
        assert center.from_center_share == pytest.approx(3 / 8 * np.sqrt(3), abs=0.01)
    offset = np.array([-4.0, 5.0, 8.0])
    ball = figures(with_lesion(head, np.linalg.norm(place - offset, axis=-1) <= 12.0), Spec()).octants
    lattice = np.stack(np.meshgrid(*[np.linspace(-11.9, 11.9, 120)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    exact = lattice[np.linalg.norm(lattice, axis=1) <= 12.0] + offset
    assert ball["ASM"] == pytest.approx(np.mean(np.all(exact * (-1, 1, 1) > 0, axis=1)), abs=0.01)
    assert ball["PSL"] == pytest.approx(np.mean(np.all(exact * (1, -1, 1) > 0, axis=1)), abs=0.01)
    upper = figures(with_lesion(head, place[..., 2] >= 0.0), Spec()).octants
    assert [upper[name] for name in ("ASM", "ASL", "PSM", "PSL")] == pytest.approx([0.25] * 4, abs=0.01)


def test_rays_meet_the_ball_at_its_radius(head: Hip) -> None:
    rays = spread_directions(np.array([0.0, 0.0, 1.0]), 180.0, 2000)
    reach = surface_along(head.bone, head.anatomy.head_center, rays, RADIUS)
    assert reach.mean() == pytest.approx(RADIUS, abs=0.1)
    assert np.abs(reach - RADIUS).max() < 0.6


def test_the_head_map_ends_at_the_heads_plane(head: Hip) -> None:
    """The sphere proximal of the plane 0.5 R below its centre is three quarters of its area."""
    found = head_map(head)
    assert len(found.rays) / len(found.all_directions) == pytest.approx(0.75, abs=0.01)
    assert (found.directions @ NECK).min() == pytest.approx(-0.5, abs=0.02)


def test_cap_directions_are_even() -> None:
    """Equal area: the mean height over a cap of half-angle a is (1 + cos a) / 2."""
    rays = spread_directions(np.array([0.0, 0.6, 0.8]), 55.0, 4000)
    height = rays @ [0.0, 0.6, 0.8]
    assert np.allclose(np.linalg.norm(rays, axis=1), 1.0)
    assert height.min() >= np.cos(np.radians(55.0))
    assert height.mean() == pytest.approx((1 + np.cos(np.radians(55.0))) / 2, abs=1e-3)
