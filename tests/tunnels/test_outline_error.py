"""An outline that errs: against closed forms of balls, and against outlines moved by fields made another way."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy import ndimage
from scipy.special import ndtr
from support.head_phantom import ball_hip, with_lesion

from corecore.base.grid import FloatArray
from corecore.hip.hip import Hip
from corecore.planning.planner import Plan
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.outline_error import (
    CORRELATION_MM,
    DEVIATION_OF_MEAN,
    OutlineRisk,
    expected_lesion,
    outline_risk,
)

ERROR = 0.76
SIGMA = DEVIATION_OF_MEAN * ERROR


@pytest.fixture(scope="module")
def head(sample_hip: Hip) -> Hip:
    """A ball of bone, 24 mm in radius, about the head's centre."""
    return ball_hip(sample_hip, 4)


def places(hip: Hip) -> np.ndarray:
    """Position of each voxel from the head's centre, mm."""
    return np.moveaxis(np.indices(hip.bone_mask.voxels.shape, dtype=float), 0, -1) - hip.anatomy.head_center


def balls(hip: Hip, *given: tuple[float, float, float, float]) -> Hip:
    """The hip with a lesion of balls: middle from the head's centre, and radius, mm."""
    where = places(hip)
    voxels = np.zeros(where.shape[:3], dtype=bool)
    for *middle, radius in given:
        voxels |= np.linalg.norm(where - middle, axis=-1) <= radius
    return with_lesion(hip, voxels)


def along_x(hip: Hip, y: float, z: float, *, diameter: float, start: float = -30.0, end: float = 30.0) -> Tunnel:
    middle = hip.anatomy.head_center
    return Tunnel(middle + np.array([start, y, z]), middle + np.array([end, y, z]), diameter)


def test_a_ball_grows_by_the_closed_form(head: Hip) -> None:
    """Mean of 4/3 pi (R + sigma Z)^3 is 4/3 pi (R^3 + 3 R sigma^2)."""
    hip = balls(head, (0.0, 0.0, 0.0, 10.0))
    still = hip.lesion.volume_ml
    radius = (still * 750.0 / np.pi) ** (1.0 / 3.0)
    grown = 3.0 * SIGMA**2 / radius**2
    assert expected_lesion(hip, ERROR).volume_ml / still - 1.0 == pytest.approx(grown, rel=0.15)


def test_a_lesion_at_the_surface_still_reaches_it(head: Hip) -> None:
    """The whole ball of bone is dead: there is no border with living bone that could err."""
    hip = balls(head, (0.0, 0.0, 0.0, 30.0))
    found = outline_risk(hip, [along_x(hip, 0.0, 0.0, diameter=10.0)], ERROR)
    share = float(np.mean(along_x(hip, 0.0, 0.0, diameter=10.0).contains(hip.lesion.points_mm)))
    assert expected_lesion(hip, ERROR).volume_ml == pytest.approx(hip.lesion.volume_ml, rel=0.02)
    assert (found.removed_fraction_p05, found.removed_fraction_p95) == pytest.approx((share, share), abs=1e-9)


def test_what_a_tunnel_that_holds_the_lesion_removes_is_all_of_it(head: Hip) -> None:
    hip = balls(head, (0.0, 0.0, 0.0, 4.0))
    found = outline_risk(hip, [along_x(hip, 0.0, 0.0, diameter=18.0)], ERROR)
    assert found == OutlineRisk(ERROR, 1.0, 1.0, 1.0, (0.0,), 0.0)


@cache
def smoothed_noise() -> list[FloatArray]:
    """Fields (41, 41, 41) of variance 1, 0.75 mm apart."""
    # Smoothing with sd s makes noise alike over s times the root of 2.
    rng, wide = np.random.default_rng(3), CORRELATION_MM / np.sqrt(2.0) / 2.5
    noises = (ndimage.gaussian_filter(rng.standard_normal((37,) * 3), wide)[12:-12, 12:-12, 12:-12] for _ in range(150))
    return [ndimage.zoom(noise * (8.0 * np.pi**1.5 * wide**3) ** 0.5, 41 / 13) for noise in noises]


@pytest.mark.parametrize(("radius", "asides"), [(10.0, (0.0, 7.0, 10.0)), (5.0, (8.0,))])
def test_shares_are_those_of_outlines_moved_by_smoothed_noise(
    head: Hip, radius: float, asides: tuple[float, ...]
) -> None:
    """Another maker of random fields (white noise smoothed on a lattice), and distances by a ball's formula.

    A small ball that is only grazed: its volume varies so much that means of shares and shares of means differ.
    """
    hip = balls(head, (0.0, 0.0, 0.0, radius))
    points = np.stack(np.meshgrid(*3 * [np.arange(-15.0, 15.1, 0.75)], indexing="ij"), axis=-1)
    depth = radius - np.linalg.norm(points, axis=-1)
    drawn = [depth + SIGMA * error > 0.0 for error in smoothed_noise()]
    for aside in asides:
        tunnel = along_x(hip, aside, 0.0, diameter=8.0)
        found = outline_risk(hip, [tunnel], ERROR)
        held = np.hypot(points[..., 1] - aside, points[..., 2]) <= 4.0
        removed = np.array([np.count_nonzero(one & held) for one in drawn])
        sizes = np.array([np.count_nonzero(one) for one in drawn])
        shares, mean = removed / sizes, removed.sum() / sizes.sum()
        still = np.count_nonzero((depth > 0.0) & held) / np.count_nonzero(depth > 0.0)
        planned = float(np.mean(tunnel.contains(hip.lesion.points_mm)))
        sem = np.std(removed - mean * sizes) / sizes.mean() / np.sqrt(len(shares))
        change = found.expected_removed_fraction - planned
        assert change == pytest.approx(mean - still, abs=3.5 * sem + 0.002)
        spread = found.removed_fraction_p95 - found.removed_fraction_p05
        assert spread == pytest.approx(np.subtract(*np.percentile(shares, (95, 5))), rel=0.25, abs=0.004)


def test_a_small_focus_that_is_only_grazed_is_missed_as_often_as_a_normal_error_says(head: Hip) -> None:
    """A tunnel that dips 0.6 mm into a ball meets it where the outline there errs inward by no more."""
    hip = balls(head, (0.0, 0.0, 12.0, 6.0), (0.0, 0.0, -12.0, 4.0))
    tunnels = [along_x(hip, 0.0, 12.0 + 6.0 - 0.6 + 4.0, diameter=8.0), along_x(hip, 0.0, -12.0, diameter=6.0)]
    found = outline_risk(hip, tunnels, ERROR)
    # A point of the sampling must lie in it too, half a millimetre apart; and the outline need but reach the tunnel
    # anywhere along it.
    assert ndtr(-0.9 / SIGMA) < found.foci_missed_probability[0] < ndtr(-0.35 / SIGMA) + 0.06
    assert found.foci_missed_probability[1] == 0.0
    assert found.focus_missed_probability == found.foci_missed_probability[0]
    far = outline_risk(hip, tunnels[1:], ERROR)
    assert far.foci_missed_probability[0] > 0.99
    # Who leaves a focus alone as drawn does not miss it by error.
    assert far.focus_missed_probability == 0.0


def test_no_error_changes_nothing(sample_hip: Hip, sample_plan: Plan) -> None:
    share = sample_plan.totals.removed_fraction
    found = outline_risk(sample_hip, [tunnel for tunnel, _ in sample_plan.tunnels], 1e-6)
    assert (found.expected_removed_fraction, found.removed_fraction_p05) == pytest.approx((share, share), abs=1e-4)
