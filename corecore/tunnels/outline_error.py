"""What the lesion's outline, drawn wrongly, does to a plan: what it removes of the lesion as it truly is.

The true outline lies off the drawn one by a smooth random distance: normal, as many millimetres on average as the
outline errs, alike over ``CORRELATION_MM``. Only the border between lesion and living bone errs: where the lesion
reaches the surface of the bone it goes on reaching it. Bone and tunnels stay where they are
(``docs/design/outline.md``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
from pykdtree.kdtree import KDTree
from scipy import ndimage
from scipy.special import ndtr

from corecore.base.cancellation import check_wanted
from corecore.base.grid import BoolArray, FloatArray, Mask, transform
from corecore.document.risk import OutlineRiskPart
from corecore.hip.hip import Hip
from corecore.hip.lesion import Lesion, Outline, half_voxel_mm, outline_of
from corecore.tunnels.cylinder import Tunnel

#: Outlines that are drawn, in pairs that err to opposite sides.
OUTLINES = 256
#: Plane waves that make up an error; along how many millimetres it is alike: both engineering choices.
WAVES, CORRELATION_MM = 96, 10.0
#: An error of so many standard deviations is the largest that counts.
DEVIATIONS = 3.0
#: The lesion is carried on so much further beyond the bone's surface than its border is moved, mm.
BEYOND_MM = 2.0
#: About so many points stand for lesion and surroundings.
POINTS = 60_000
#: Standard deviation of a normal error whose mean size is 1.
DEVIATION_OF_MEAN = float(np.sqrt(np.pi / 2.0))
SEED = 11
#: Expected lesions of the hips at hand by error, mm: a search asks for them again and again.
_EXPECTED: WeakKeyDictionary[Hip, dict[float, Lesion]] = WeakKeyDictionary()


@dataclass(frozen=True)
class OutlineRisk:
    """What a plan removes of the lesion, where its outline errs; fractions of the true lesion, 0 to 1.

    Parameters
    ----------
    error_mm : float
        Mean distance between the drawn outline and the true one, mm.
    expected_removed_fraction : float
        What is removed on average, of the true lesion's volume on average: what ``--robust outline`` makes most of.
    removed_fraction_p05, removed_fraction_p95 : float
        What 5 % and 95 % of outlines stay under.
    foci_missed_probability : tuple of float
        Of each focus, the largest first, the share of outlines with which no tunnel meets it.
    focus_missed_probability : float
        Share of outlines with which the tunnels miss a focus that they meet as drawn.
    """

    error_mm: float
    expected_removed_fraction: float
    removed_fraction_p05: float
    removed_fraction_p95: float
    foci_missed_probability: tuple[float, ...]
    focus_missed_probability: float

    def part(self) -> OutlineRiskPart:
        """As in ``plan.json``: four digits, for 256 outlines know no more."""
        return OutlineRiskPart(
            error_mm=self.error_mm,
            correlation_mm=CORRELATION_MM,
            expected_removed_fraction=round(self.expected_removed_fraction, 4),
            removed_fraction_p05=round(self.removed_fraction_p05, 4),
            removed_fraction_p95=round(self.removed_fraction_p95, 4),
            foci_missed_probability=[round(share, 4) for share in self.foci_missed_probability],
            focus_missed_probability=round(self.focus_missed_probability, 4),
            outlines=OUTLINES,
        )


@dataclass(frozen=True, eq=False)
class DrawnOutlines:
    """Outlines of one lesion, each with an error of its own; they know nothing of tunnels.

    Parameters
    ----------
    hip : Hip
        The hip.
    error_mm : float
        Mean distance between the drawn outline and the true one, mm.
    points : ndarray, shape (N, 3)
        Points in and about the lesion, local mm.
    drawn : ndarray, shape (N,)
        Which of them lie in the lesion as it is drawn.
    inside : ndarray, shape (N, 256)
        Which of them lie in the true lesion, by outline.
    chance : ndarray, shape (N,)
        The probability that they do.
    """

    hip: Hip
    error_mm: float
    points: FloatArray
    drawn: BoolArray
    inside: BoolArray
    chance: FloatArray

    @classmethod
    def of(cls, hip: Hip, error_mm: float) -> DrawnOutlines:
        """The outlines of a hip's lesion, in pairs that err to opposite sides; the same every time."""
        outline = _border(hip, DEVIATIONS * DEVIATION_OF_MEAN * error_mm)
        step = max(1, len(outline.points_mm) // POINTS)
        points, depth = outline.points_mm[::step], outline.depth_mm[::step]
        deviation = DEVIATION_OF_MEAN * error_mm
        check_wanted()
        return cls(
            hip, error_mm, points, depth >= 0.0, _inside(points, depth, deviation),
            np.asarray(ndtr(depth / deviation), dtype=np.float64),
        )  # fmt: skip

    def risk(self, tunnels: Sequence[Tunnel]) -> OutlineRisk:
        """What tunnels, local mm, remove of the lesion where its outline is one of these."""
        lesion, points, inside, chance = self.hip.lesion, self.points, self.inside, self.chance
        drilled, removed = _held(tunnels, points), _held(tunnels, lesion.points_mm)
        sizes = inside.sum(axis=0)
        share = inside[drilled].sum(axis=0) / np.maximum(sizes, 1)
        still = float(np.count_nonzero(self.drawn & drilled)) / max(1, int(np.count_nonzero(self.drawn)))
        planned = float(np.mean(removed))
        numbers = _nearest_focus(lesion, points[drilled])
        met = np.stack([inside[drilled][numbers == n + 1].any(axis=0) for n in range(lesion.focus_count)])
        as_drawn = np.zeros(lesion.focus_count, dtype=bool)
        as_drawn[lesion.focus_numbers[removed] - 1] = True
        lost = ~met[as_drawn].all(axis=0) if as_drawn.any() else np.zeros(OUTLINES, dtype=bool)

        def told(value: float) -> float:
            return float(np.clip(planned + value - still, 0.0, 1.0))

        low, high = np.percentile(share, (5, 95))
        return OutlineRisk(
            error_mm=self.error_mm,
            expected_removed_fraction=told(float(chance[drilled].sum() / max(chance.sum(), 1e-12))),
            removed_fraction_p05=told(float(low)),
            removed_fraction_p95=told(float(high)),
            foci_missed_probability=tuple(float(1.0 - one.mean()) for one in met),
            focus_missed_probability=float(lost.mean()),
        )


def outline_risk(hip: Hip, tunnels: Sequence[Tunnel], error_mm: float) -> OutlineRisk:
    """Simulate the errors of the outline.

    What is told is the drawn outline's own share and the change from it, so that the smoothing of the outline
    between voxels does not count as an error.

    Parameters
    ----------
    hip : Hip
        The hip.
    tunnels : sequence of Tunnel
        Tunnels, local mm.
    error_mm : float
        Mean distance between the drawn outline and the true one, mm; above 0.

    Returns
    -------
    OutlineRisk
        The same for the same hip, on any number of threads.
    """
    return DrawnOutlines.of(hip, error_mm).risk(tunnels)


def expected_lesion(hip: Hip, error_mm: float) -> Lesion:
    """The lesion as its outline's error leaves it on average: as many points at each place as it is likely lesion.

    Parameters
    ----------
    hip : Hip
        The hip.
    error_mm : float
        Mean distance between the drawn outline and the true one, mm; above 0.

    Returns
    -------
    Lesion
        Its points, local mm, reach as far beyond the outline as three standard deviations. A tunnel that holds
        most of them removes most on average.
    """
    made = _EXPECTED.setdefault(hip, {})
    if error_mm in made:
        return made[error_mm]
    deviation = DEVIATION_OF_MEAN * error_mm
    outline = _border(hip, DEVIATIONS * deviation)
    # Where the sum of the chances passes a whole number, a point stands: no draw of luck, and none twice.
    total = np.floor(np.cumsum(ndtr(outline.depth_mm / deviation)) + 0.5)
    stands = np.diff(total, prepend=0.0) > 0.0
    made[error_mm] = Lesion(hip.lesion.mask, outline.points_mm[stands], outline.point_ml)
    return made[error_mm]


def _border(hip: Hip, reach_mm: float) -> Outline:
    """The lesion's border with living bone: the lesion is carried on beyond the bone's surface before it is moved."""
    lesion, grid = hip.lesion, hip.lesion.mask.grid
    pad = int(np.ceil((reach_mm + BEYOND_MM) / float(grid.spacing_mm.min())))
    wide = grid.cropped((-pad,) * 3, np.array(grid.shape) + pad)
    voxels = np.pad(lesion.mask.voxels, pad)
    places = np.moveaxis(np.indices(wide.shape, dtype=np.float64), 0, -1).reshape(-1, 3)
    outside = ~hip.bone.inside(transform(wide.world_from_index, places)).reshape(wide.shape) & ~voxels
    if not outside.all():
        nearest = ndimage.distance_transform_edt(
            outside, sampling=wide.spacing_mm, return_distances=False, return_indices=True
        )
        voxels = voxels[tuple(nearest)]
    carried_on = Lesion(Mask(wide, voxels), lesion.points_mm, lesion.point_ml)
    outline = outline_of(carried_on, hip.bone, reach_mm=reach_mm)
    # The outline between voxels rounds a small lesion off: unmoved it is to hold what the lesion holds.
    count = round(lesion.volume_ml / outline.point_ml)
    order = np.sort(outline.depth_mm)[::-1]
    half = half_voxel_mm(grid)
    rounded_off = float(np.clip(order[min(count, len(order) - 1)], -half, half))
    return replace(outline, depth_mm=outline.depth_mm - rounded_off)


def _held(tunnels: Sequence[Tunnel], points: FloatArray) -> BoolArray:
    """Which of points (N, 3) any of the tunnels holds."""
    held = np.zeros(len(points), dtype=bool)
    for tunnel in tunnels:
        held |= tunnel.contains(points)
    return held


def _inside(points: FloatArray, depth: FloatArray, deviation: float) -> BoolArray:
    """Whether points (N, 3) lie in the true lesion, (N, OUTLINES): their depth (N,) below a wandering outline."""
    rng = np.random.Generator(np.random.Philox(SEED))
    waves = rng.standard_normal((3, WAVES)) / CORRELATION_MM
    sizes = rng.standard_normal((2 * WAVES, OUTLINES // 2)).astype(np.float32) / np.float32(np.sqrt(WAVES))
    inside = np.repeat((depth > 0.0)[:, None], OUTLINES, axis=1)
    near = np.flatnonzero(np.abs(depth) < DEVIATIONS * deviation)
    phase = (points[near] - points.mean(axis=0)) @ waves
    error = np.concatenate([np.cos(phase), np.sin(phase)], axis=1).astype(np.float32) @ sizes
    below = (depth[near] / deviation).astype(np.float32)[:, None]
    # Each error, and its opposite.
    inside[near] = np.concatenate([below + error > 0.0, below - error > 0.0], axis=1)
    return inside


def _nearest_focus(lesion: Lesion, points: FloatArray) -> npt.NDArray[np.int64]:
    """Number of the focus nearest to each of points (N, 3)."""
    if lesion.focus_count < 2 or len(points) == 0:
        return np.ones(len(points), dtype=np.int64)
    nearest = KDTree(lesion.points_mm).query(points)[1]
    return np.asarray(lesion.focus_numbers[nearest.astype(np.int64)])
