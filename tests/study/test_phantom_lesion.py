"""Necroses: volumes and centroids in closed form against counting, and what does not fit is refused."""

from __future__ import annotations

import numpy as np
import pytest

from corecore.base.errors import InputError
from corecore.study.phantom.lesion import ANTEROSUPERIOR, FOCI_GAP_MM, KINDS, Kind, TwoFoci, Wedge, lesion_of

RADIUS = 24.0
SPHERE_ML = 4.0 / 3.0 * np.pi * RADIUS**3 / 1000.0


def _counted(kind: Kind, fraction: float) -> tuple[float, np.ndarray[tuple[int], np.dtype[np.float64]], bool]:
    """Volume and centroid by counting a 0.5 mm lattice, and whether the lesion stays in the sphere."""
    lesion = lesion_of(kind, fraction, RADIUS, (0.3, 0.5, 0.8))
    side = np.arange(-RADIUS - 1.0, RADIUS + 1.0, 0.5) + 0.13
    points = np.stack(np.meshgrid(side, side, side, indexing="ij"), axis=-1).reshape(-1, 3)
    inside = points[lesion.level_mm(points) > 0.0]
    return len(inside) * 0.125 / 1000.0, inside.mean(axis=0), bool(np.all(np.linalg.norm(inside, axis=1) <= RADIUS))


@pytest.mark.parametrize(
    ("kind", "fraction"),
    [(kind, fraction) for kind in KINDS for fraction in (0.05, 0.15, 0.35) if (kind, fraction) != ("two_foci", 0.35)],
)
def test_volume_and_centroid_agree_with_counting(kind: Kind, fraction: float) -> None:
    lesion = lesion_of(kind, fraction, RADIUS, (0.3, 0.5, 0.8))
    volume, centroid, within = _counted(kind, fraction)
    assert lesion.volume_ml == pytest.approx(fraction * SPHERE_ML, rel=1e-9)
    assert volume == pytest.approx(lesion.volume_ml, rel=0.01)
    assert np.linalg.norm(centroid - lesion.centroid_mm) < 0.1
    assert within


def test_cone_from_the_centre_has_the_textbook_volume() -> None:
    # (1 - cos a) / 2 of the sphere; a combined Kerboul angle of 200 degrees is a = 50: 18 %.
    cone = Wedge(np.array([0.0, 0.0, 1.0]), np.radians(50.0), 0.0, RADIUS)
    assert cone.volume_ml / SPHERE_ML == pytest.approx((1.0 - np.cos(np.radians(50.0))) / 2.0)
    assert cone.volume_ml / SPHERE_ML == pytest.approx(0.179, abs=0.001)


def test_two_foci_are_two() -> None:
    lesion = lesion_of("two_foci", 0.2, RADIUS)
    assert isinstance(lesion, TwoFoci)
    # Straight from one to the other the way leads through healthy bone.
    way = np.linspace(lesion.first.centroid_mm, lesion.second.centroid_mm, 400)
    outside = lesion.level_mm(way) < 0.0
    length = float(np.linalg.norm(way[-1] - way[0])) * outside.mean()
    assert length >= FOCI_GAP_MM


def test_lesion_points_where_it_is_told() -> None:
    for kind in ("wedge", "cap", "lens", "ball"):
        centroid = lesion_of(kind, 0.1, RADIUS).centroid_mm
        axis = np.asarray(ANTEROSUPERIOR) / np.linalg.norm(ANTEROSUPERIOR)
        assert centroid / np.linalg.norm(centroid) == pytest.approx(axis)


@pytest.mark.parametrize(
    ("kind", "fraction", "said"),
    [
        ("wedge", 0.0, "0.001 to 0.6"),
        ("wedge", 0.7, "0.001 to 0.6"),
        ("wedge", 0.55, "wider than a hemisphere"),
        ("two_foci", 0.4, "meet"),
        ("star", 0.1, "wedge, cap, lens, ball, two_foci"),
    ],
)
def test_what_does_not_fit_is_refused(kind: Kind, fraction: float, said: str) -> None:
    with pytest.raises(InputError, match=said):
        lesion_of(kind, fraction, RADIUS)


def test_a_direction_of_no_length_is_refused() -> None:
    with pytest.raises(InputError, match="direction"):
        lesion_of("wedge", 0.1, RADIUS, (0.0, 0.0, 0.0))
