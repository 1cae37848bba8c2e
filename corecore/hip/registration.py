"""Rigid registration of the image a lesion was drawn on to the image of the femur, by mutual information.

Only the femur counts: between two scans it moves against the pelvis and the soft parts, so
samples are taken in and around its mask. The measure is normalised mutual information, which a
changing overlap does not favour (Studholme, Hill, Hawkes 1999, doi:10.1016/S0031-3203(98)00091-0).
A result is judged before it is used: by repeating it on halves of the samples, by what other
places come near it, and by where it puts the lesion.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from corecore.base.errors import InputError
from corecore.base.grid import FloatArray, Image, Mask, inverse, transform

#: How far a femur may have moved between the scans, mm and degrees: what starting places reach.
REACH_MM, REACH_DEG = 24.0, 20.0
#: Distance of starting places, mm, and their turns about each axis, degrees.
START_STEP_MM, START_TURN_DEG = 8.0, 10.0
#: Samples are taken in the femur's mask and this far around it, mm: its surface is what two scans share.
AROUND_MM = 5.0
#: Smoothing (sd, mm) and samples of each level, coarse to fine.
LEVELS = ((3.5, 2_000), (1.5, 6_000), (0.7, 16_000))
#: How many starting places are followed through each level.
FOLLOWED = (10, 4, 1)
#: Most poses judged in one climb.
MOST_STEPS = 1000
BINS = 28
#: Halves of the samples are blocks of this edge by turns, mm: what misleads one place must not mislead both.
BLOCK_MM = 20.0
#: Where the images show less than this share of the most samples that any start shows, a pose is not judged.
OVERLAP_MIN = 0.6
#: Halves of the samples must place the lesion within this of the whole, mm (engineering choice: half the
#: error of navigated drilling would be lost to more).
RESIDUAL_MAX_MM = 1.0
#: Another pose, which puts the lesion further away than this, mm, …
OTHER_PLACE_MM = 4.0
#: … must reach less than this share of the best pose's information over chance.
OTHER_SHARE_MAX = 0.9
#: Information that the images must share over that of a pose at random, in multiples of the latter. Phantoms
#: reach 1.5 to 5, pictures of noise none; real pairs were not at hand (engineering choice).
GAIN_MIN = 0.5
#: A shift this far, mm, must lose this share of what the images share, as a mean over six directions. Phantoms
#: of one hip lose 0.40 to 0.54, those of two hips 0.06 to 0.22 (engineering choice).
BLUNT_MM, SHARP_MIN = 3.0, 0.33
#: Least share of the lesion that must come to lie in the femur or this near to it, mm.
LESION_INSIDE_MIN, NEAR_MM = 0.9, 3.0
SEED = 20260301


@dataclass(frozen=True, eq=False)
class Registration:
    """``world_from_lesion`` (4, 4) RAS mm; how far it moves the lesion's middle and turns it, and how sure it is.

    ``residual_mm``: the farthest that a point of the lesion lies elsewhere when the registration is
    repeated on either half of the samples. ``information`` is what the images share, over chance.
    """

    world_from_lesion: FloatArray
    moved_mm: float
    turned_deg: float
    residual_mm: float
    information: float
    other_share: float
    #: Share of the information that a small shift loses: two different bones share what hardly depends on place.
    sharpness: float


@dataclass(frozen=True, eq=False)
class _Level:
    """The images of one level: places (3, N) and bins (N,) of the fixed one's samples, the moving one's values in bins.

    ``pivot`` (3,) is the middle of the lesion; fewer samples shown than ``least`` are not judged.
    """

    points: FloatArray
    fixed_bin: npt.NDArray[np.int64]
    moving: npt.NDArray[np.float32]
    index_from_world: FloatArray
    pivot: FloatArray
    sigma_mm: float
    least: float = 0.0

    def half(self, which: int) -> _Level:
        mine = np.floor(self.points / BLOCK_MM).sum(axis=0) % 2 == which
        points, bins = np.ascontiguousarray(self.points[:, mine]), self.fixed_bin[mine]
        return replace(self, points=points, fixed_bin=bins, least=self.least / 2.0)


def register(fixed: Image, femur: Mask, moving: Image, lesion: Mask) -> Registration:
    """Find how the femur moved from ``moving`` (with ``lesion`` drawn on it) to ``fixed`` (with ``femur``).

    Raises ``InputError`` where the images share too little to tell, where another place fits as
    well, where halves of the samples disagree, and where the lesion comes to lie outside the femur.
    """
    points = lesion.positions_mm()
    pivot = points.mean(axis=0)
    levels = [_level(fixed, femur, moving, pivot, sigma, count) for sigma, count in LEVELS]
    starts = _starts()
    seen = max(int(np.count_nonzero(_seen(levels[0], start) >= 0.0)) for start in starts)
    if seen < 100:
        raise InputError(
            "the images do not overlap at the femur; images of the same hip within 24 mm are accepted",
            code="registration-failed",
        )
    share_shown = OVERLAP_MIN * seen / len(levels[0].fixed_bin)
    levels = [replace(level, least=share_shown * len(level.fixed_bin)) for level in levels]
    scored = sorted(((information(levels[0], start), i) for i, start in enumerate(starts)), reverse=True)
    # Poses that show too little score nothing and say nothing of chance.
    chance = float(np.median([score for score, _ in scored if score > 0.0] or [0.0]))
    poses = _spread([starts[i] for _, i in scored], FOLLOWED[0])
    for level, kept in zip(levels[:-1], FOLLOWED[1:], strict=True):
        ended = sorted(((information(level, pose), pose) for pose in (_climbed(level, p) for p in poses)), key=_score)
        poses = _spread([pose for _, pose in ended], kept)
    # Rivals are weighed where they were followed to their own summits.
    top, best = ended[0]
    gain = (top - chance) / max(chance, 1e-12)
    others = [score for score, pose in ended if _apart(pose, best, points) > OTHER_PLACE_MM]
    share = max(((score - chance) / (top - chance) for score in others), default=0.0) if top > chance else 1.0
    pose = _climbed(levels[-1], poses[0])
    halves = [_climbed(levels[-1].half(which), pose) for which in (0, 1)]
    residual = max(_apart(half, pose, points) for half in halves)
    world_from_lesion = inverse(matrix_of(pose, pivot))
    found = Registration(
        world_from_lesion,
        float(np.linalg.norm(transform(world_from_lesion, pivot) - pivot)),
        float(np.degrees(np.linalg.norm(pose[:3]))),
        residual,
        gain,
        share,
        _sharpness(levels[-1], pose),
    )
    _judge(found, femur, points)
    return found


def _judge(found: Registration, femur: Mask, points: FloatArray) -> None:
    """Raise ``InputError`` for a registration that must not be used."""
    what = "name the transform as --lesion-transform, or give images that show the femur alike"
    if found.information < GAIN_MIN:
        raise InputError(
            f"registration failed: the images share {found.information:.2f} times what chance gives beyond it,"
            f" {GAIN_MIN:g} or more is accepted; {what}",
            code="registration-failed",
        )
    if found.sharpness < SHARP_MIN:
        raise InputError(
            f"registration failed: a shift of {BLUNT_MM:g} mm loses {100 * found.sharpness:.0f} % of what the images"
            f" share, {100 * SHARP_MIN:g} % or more is accepted (are they of one bone?); {what}",
            code="registration-failed",
        )
    if found.other_share > OTHER_SHARE_MAX:
        raise InputError(
            f"registration failed: another place fits {100 * found.other_share:.0f} % as well, up to"
            f" {100 * OTHER_SHARE_MAX:g} % is accepted; {what}",
            code="registration-failed",
        )
    if found.residual_mm > RESIDUAL_MAX_MM:
        raise InputError(
            f"registration failed: halves of the samples place the lesion {found.residual_mm:.1f} mm apart from the"
            f" whole, up to {RESIDUAL_MAX_MM:g} mm is accepted; {what}",
            code="registration-failed",
        )
    if found.moved_mm > REACH_MM or found.turned_deg > REACH_DEG:
        raise InputError(
            f"registration failed: it would move the lesion by {found.moved_mm:.0f} mm and {found.turned_deg:.0f}°,"
            f" up to {REACH_MM:g} mm and {REACH_DEG:g}° is accepted; {what}",
            code="registration-failed",
        )
    inside = _share_near(femur, transform(found.world_from_lesion, points))
    if inside < LESION_INSIDE_MIN:
        raise InputError(
            f"registration failed: it puts {100 * inside:.0f} % of the lesion into the femur,"
            f" {100 * LESION_INSIDE_MIN:g} % or more is accepted; {what}",
            code="registration-failed",
        )


def _sharpness(level: _Level, pose: FloatArray) -> float:
    shifts = np.concatenate([np.eye(6)[3:], -np.eye(6)[3:]]) * BLUNT_MM
    aside = float(np.mean([information(level, pose + shift) for shift in shifts]))
    return 1.0 - aside / max(information(level, pose), 1e-12)


def _share_near(femur: Mask, points: FloatArray) -> float:
    """The share of points (N, 3) in the femur or near it."""
    index = np.rint(transform(femur.grid.index_from_world, points)).astype(np.int64)
    pad = np.ceil(NEAR_MM / femur.grid.spacing_mm).astype(np.int64) + 1
    shape = np.array(femur.grid.shape)
    start, stop = np.clip(index.min(axis=0) - pad, 0, shape), np.clip(index.max(axis=0) + pad + 1, 0, shape)
    box = femur.voxels[tuple(slice(a, b) for a, b in zip(start, stop, strict=True))]
    # Without any bone the distance transform would give a finite number that means nothing.
    if not box.any():
        return 0.0
    gap = ndimage.distance_transform_edt(~box, sampling=femur.grid.spacing_mm)
    held = index[np.all((index >= start) & (index < stop), axis=1)] - start
    return float(np.count_nonzero(gap[tuple(held.T)] <= NEAR_MM)) / len(points)


def matrix_of(pose: FloatArray, pivot: FloatArray) -> FloatArray:
    """``moving_from_fixed`` (4, 4) of a pose: a rotation vector (radians) about the pivot, then a shift (mm)."""
    angle = float(np.linalg.norm(pose[:3]))
    result = np.eye(4)
    if angle > 1e-12:
        x, y, z = pose[:3] / angle
        cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
        result[:3, :3] += np.sin(angle) * cross + (1.0 - np.cos(angle)) * cross @ cross
    result[:3, 3] = pivot + pose[3:] - result[:3, :3] @ pivot
    return result


def information(level: _Level, pose: FloatArray) -> float:
    """Normalised mutual information less 1 of the samples that the moving image shows; 0 where it shows too few."""
    value = _seen(level, pose)
    shown = value >= 0.0
    count = int(np.count_nonzero(shown))
    if count < max(level.least, 50):
        return 0.0
    value, fixed_bin = value[shown], level.fixed_bin[shown]
    low = np.minimum(value.astype(np.int64), BINS - 2)
    rest = value - low
    place = fixed_bin * BINS + low
    counted = np.bincount(place, 1.0 - rest, BINS * BINS) + np.bincount(place + 1, rest, BINS * BINS)
    joint: FloatArray = np.asarray(counted, dtype=np.float64).reshape(BINS, BINS) / count
    return (_entropy(joint.sum(axis=0)) + _entropy(joint.sum(axis=1))) / max(_entropy(joint.ravel()), 1e-12) - 1.0


def _seen(level: _Level, pose: FloatArray) -> FloatArray:
    """The moving image's value at each sample, (N,) in bins; -1 where it does not reach."""
    matrix = level.index_from_world @ matrix_of(pose, level.pivot)
    # Samples as columns: one product of 3 x 3 with 3 x N.
    index = matrix[:3, :3] @ level.points + matrix[:3, 3:]
    return np.asarray(
        ndimage.map_coordinates(level.moving, index, order=1, mode="constant", cval=-1.0, prefilter=False)
    )


def _entropy(share: FloatArray) -> float:
    held = share[share > 0]
    return float(-np.sum(held * np.log(held)))


def _level(fixed: Image, femur: Mask, moving: Image, pivot: FloatArray, sigma: float, count: int) -> _Level:
    """Samples at random places, so that no lattice of theirs meets the voxels'."""
    rng = np.random.default_rng(SEED)
    reach = int(np.ceil(AROUND_MM / float(femur.grid.spacing_mm.min())))
    start, stop = femur.bounds(pad=reach)
    near = femur.cropped(start, stop)
    distance = ndimage.distance_transform_edt(~near.voxels, sampling=near.grid.spacing_mm)
    at = np.argwhere(distance <= AROUND_MM)
    here = transform(near.grid.world_from_index, at)
    # What the moving image cannot show from any start is no sample.
    size = np.array(moving.grid.shape) - 1
    index = transform(moving.grid.index_from_world, here)
    room = REACH_MM / moving.grid.spacing_mm
    at = at[np.all((index > -room) & (index < size + room), axis=1)]
    seen = transform(fixed.grid.index_from_world @ near.grid.world_from_index, at)
    at = at[np.all((seen >= 1) & (seen <= np.array(fixed.grid.shape) - 2), axis=1)]
    if len(at) < 500:
        raise InputError(
            "the images do not show the femur both; images of the same hip within 24 mm are accepted",
            code="registration-failed",
        )
    chosen = at[rng.choice(len(at), count, replace=len(at) < count)] + rng.uniform(-0.5, 0.5, (count, 3))
    points = transform(near.grid.world_from_index, chosen)
    values = _smoothed(fixed, sigma, points)
    sample = ndimage.map_coordinates(values[0], transform(values[1], points).T, order=1, mode="nearest")
    low, high = np.percentile(sample, [1.0, 99.0])
    bins = np.clip((sample - low) / max(high - low, 1e-6) * BINS, 0, BINS - 1e-6).astype(np.int64)
    around = transform(np.eye(4), np.concatenate([points - 2 * REACH_MM, points + 2 * REACH_MM]))
    smooth, index_from_world = _smoothed(moving, sigma, around)
    low, high = np.percentile(smooth[::2, ::2, ::2], [1.0, 99.0])
    scaled = np.clip((smooth - low) / max(high - low, 1e-6), 0.0, 1.0) * (BINS - 1)
    return _Level(np.ascontiguousarray(points.T), bins, scaled.astype(np.float32), index_from_world, pivot, sigma)


def _smoothed(image: Image, sigma: float, points: FloatArray) -> tuple[npt.NDArray[np.float32], FloatArray]:
    """The part of an image around points, smoothed, and its ``index_from_world``."""
    index = transform(image.grid.index_from_world, points)
    pad = np.ceil(3.0 * sigma / image.grid.spacing_mm)
    start = np.clip(np.floor(index.min(axis=0)) - pad, 0, np.array(image.grid.shape) - 2).astype(int)
    stop = np.clip(np.ceil(index.max(axis=0)) + pad + 1, start + 2, image.grid.shape).astype(int)
    part = image.values[tuple(slice(a, b) for a, b in zip(start, stop, strict=True))]
    # Voxels thicker than the smoothing are as smooth as they get.
    width = np.sqrt(np.maximum(sigma**2 - (image.grid.spacing_mm / 2.355) ** 2, 0.0)) / image.grid.spacing_mm
    return ndimage.gaussian_filter(part, width), image.grid.cropped(start, stop).index_from_world


def _starts() -> list[FloatArray]:
    """Shifts on a lattice within reach, each unturned and turned about every axis either way."""
    line = np.arange(-REACH_MM, REACH_MM + 1e-9, START_STEP_MM)
    shifts = np.stack(np.meshgrid(line, line, line, indexing="ij"), axis=-1).reshape(-1, 3)
    shifts = shifts[np.linalg.norm(shifts, axis=1) <= REACH_MM + 1e-9]
    turns = np.concatenate([np.zeros((1, 3)), np.eye(3), -np.eye(3)]) * np.radians(START_TURN_DEG)
    return [np.concatenate([turn, shift]) for shift in shifts for turn in turns]


def _score(scored: tuple[float, FloatArray]) -> float:
    return -scored[0]


def _spread(poses: list[FloatArray], count: int) -> list[FloatArray]:
    """The first poses that differ from each other by 2 mm or 4° and more."""
    kept: list[FloatArray] = []
    for pose in poses:
        if all(
            np.linalg.norm(p[3:] - pose[3:]) > 2.0 or np.linalg.norm(p[:3] - pose[:3]) > np.radians(4.0) for p in kept
        ):
            kept.append(pose)
        if len(kept) == count:
            break
    return kept


def _climbed(level: _Level, pose: FloatArray) -> FloatArray:
    """The best pose near one, by Powell's method in units of 1 mm and of 2° (1 mm at 29 mm)."""
    # Loaded where it is needed: few runs register.
    from scipy import optimize

    unit = np.array([np.radians(2.0)] * 3 + [1.0] * 3)
    cost: Callable[[FloatArray], float] = lambda x: -information(level, x * unit)  # noqa: E731
    step = np.eye(6) * level.sigma_mm
    # A climb on smooth images need not end finer than they show.
    options = {"xtol": level.sigma_mm / 40.0, "ftol": 1e-4 * level.sigma_mm, "direc": step, "maxfev": MOST_STEPS}
    result = optimize.minimize(cost, pose / unit, method="Powell", options=options)
    return np.asarray(result.x * unit, dtype=np.float64)


def _apart(pose: FloatArray, other: FloatArray, points: FloatArray) -> float:
    """The farthest that two poses carry a point of the lesion apart, mm."""
    pivot = points.mean(axis=0)
    ends = points[np.concatenate([points.argmin(axis=0), points.argmax(axis=0)])]
    gap = transform(inverse(matrix_of(pose, pivot)), ends) - transform(inverse(matrix_of(other, pivot)), ends)
    return float(np.max(np.linalg.norm(gap, axis=1)))
