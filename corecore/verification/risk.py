"""The risk of execution again: drillings drawn by another generator, judged on the mesh's own level.

The plan's figures come from ten thousand quasi-random drillings judged on a distance field;
these from some thousand pseudo-random ones, each breach a point of wall or end that is not
in bone. The error model is the plan's own (``risk_methods``): what it says, not whether it is right. Where a
surgeon looks, outlines are drawn from the mesh, and a pin that shows off is drawn again until it does not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from corecore.base.grid import BoolArray, FloatArray
from corecore.document.fields import known, listed
from corecore.document.stated import JUDGED, Errors, StatedPlan, StatedRisk
from corecore.verification import tolerance
from corecore.verification.drilled_volume import PORTAL_EXTRA_MM
from corecore.verification.frame import Frame, across, unit
from corecore.verification.hip import Hip
from corecore.verification.report import Check, equal
from corecore.verification.turned import Turned, holds, outline_of

#: Drillings of one tunnel and method; of several tunnels fewer each, but not below the second figure.
POSES, POSES_LEAST = 1000, 300
#: Lesion points that stand for all where drillings are judged.
LESION_POINTS = 6000
#: Rings along a wall stand this far apart, mm, each of so many points, on wide tunnels of more, no further apart, mm.
RING_STEP_MM, RING_POINTS, RING_GAP_MM = 1.5, 16, 2.0
#: Rings over an end that is not flat stand this far apart, mm; a flat one has its rim, half of it and its middle.
END_STEP_MM, FLAT_END = 0.7, np.array([[0.0, 1.0], [0.0, 0.5], [0.0, 0.0]])
#: Drillings evaluated at once: their points stay within some megabytes, and few products of lesion points within what
#: one thread multiplies (others would spin for nothing).
TOGETHER, PRODUCTS = 32, 1 << 16
#: The drilled line meets the bone within this of where it was set down, mm, looked for in steps of the second.
MEETS_WITHIN_MM, MEET_STEP_MM = 20.0, 0.25
#: Normals of the surface are taken at points this far apart around the entry, mm.
NORMAL_SPACING_MM = 2.0
#: A drill is turned no further than this, degrees, and drills this much at least, mm (``docs/design/risk.md``).
TURN_MAX_DEG, LENGTH_LEAST_MM = 60.0, 1.0
#: Growth of the angular error of thin drills, by diameter in mm (``docs/design/risk.md``).
DRIFT = ((2.5, 2.91), (2.8, 2.56), (3.2, 1.78), (5.0, 1.0))
#: A pixel of an outline, mm; gaps up to about twice the second, in pixels, are closed.
PIXEL_MM, CLOSED = 0.5, 3
#: Where along a tunnel a drill is held against the outline, and how far the outline is looked for beside it and ahead.
WATCHED, BESIDE_MM, AHEAD_MM = np.linspace(0.25, 1.0, 16), 40.0, 60.0
#: So often a pin is redirected; then what the outline allows is taken.
REDIRECTED_MOST = 200
SEED = 7


@dataclass(frozen=True, eq=False)
class Outline:
    """What a view shows of a bone: a mask of pixels, its axes (2, 3), corner (2,) mm, and the beam's direction (3,)."""

    mask: BoolArray
    axes: FloatArray
    corner: FloatArray
    beam: FloatArray

    def shows(self, points: FloatArray) -> BoolArray:
        """Whether world points (..., 3) lie within the outline."""
        index = np.floor((points @ self.axes.T - self.corner) / PIXEL_MM).astype(np.int64)
        there = np.all((index >= 0) & (index < self.mask.shape), axis=-1)
        index = np.where(there[..., None], index, 0)
        return np.asarray(there & self.mask[index[..., 0], index[..., 1]])


def outlines(hip: Hip, frame: Frame) -> tuple[Outline, Outline]:
    """Antero-posterior view, and the lateral one across the neck, in the coronal plane."""
    side = np.cross(frame.y, frame.neck)
    return _outline(hip, frame.y), _outline(hip, frame.x if np.linalg.norm(side) < 1e-6 else unit(side))


def _outline(hip: Hip, beam: FloatArray) -> Outline:
    axes = across(beam)
    corners = hip.mesh.vertices_mm[hip.mesh.triangles]
    flat = np.concatenate([hip.mesh.vertices_mm, corners.mean(axis=1)]) @ axes.T
    corner = flat.min(axis=0) - 2 * CLOSED * PIXEL_MM
    index = np.floor((flat - corner) / PIXEL_MM).astype(np.int64)
    mask = np.zeros(tuple(index.max(axis=0) + 2 * CLOSED), dtype=bool)
    mask[index[:, 0], index[:, 1]] = True
    mask = ndimage.binary_fill_holes(ndimage.binary_closing(mask, iterations=CLOSED))
    return Outline(mask, axes, corner, beam)


@dataclass(frozen=True, eq=False)
class Drillings:
    """What N drillings of one tunnel did: cortex and joint breached (N,), lesion points removed (N, P)."""

    cortex: BoolArray
    joint: BoolArray
    removed: BoolArray


def risk_checks(plan: StatedPlan, hip: Hip, frame: Frame) -> list[Check]:
    """Breach probabilities and removed fractions by method, of each tunnel and of all together."""
    checks: list[Check] = []
    points = hip.lesion_points_mm[:: max(1, len(hip.lesion_points_mm) // LESION_POINTS)]
    poses = max(POSES_LEAST, POSES // max(len(plan.tunnels), 1))
    views = outlines(hip, frame) if any(one.redirect_mm > 0.0 for one in plan.risk.methods.values()) else None
    around = [_normals_about(hip, tunnel.entry) for tunnel in plan.tunnels] if plan.risk.methods else []
    for number, (method, errors) in enumerate(plan.risk.methods.items()):
        # Every tunnel errs by itself, and none as in another method.
        rng = np.random.Generator(np.random.Philox((SEED, number)))
        told = plan.risk.totals.get(method)
        counted = plan.risk.lesion_shift_mm if told is None or told.shift_told else 0.0
        # The bone stays; the lesion lies elsewhere in each drilling, for all tunnels alike.
        aside = np.random.Generator(np.random.Philox((SEED, number, 1))).standard_normal((poses, 3))
        shifts = (counted or 0.0) / np.sqrt(3.0) * aside
        found = [
            _drillings(plan, k, errors, hip, frame, around[k], points, poses, rng, shifts, views)
            for k in range(len(plan.tunnels))
        ]
        for k, one in enumerate(found):
            stated = plan.risk.tunnels[k].get(method)
            if stated is not None:
                checks += _compared(f"tunnels[{k}].risk.{method}", stated, one, hip)
                checks += _shift_check(f"tunnels[{k}].risk.{method}", stated, plan)
        stated = plan.risk.totals.get(method)
        if stated is not None and found:
            together = Drillings(
                np.any([one.cortex for one in found], axis=0),
                np.any([one.joint for one in found], axis=0),
                np.any([one.removed for one in found], axis=0),
            )
            checks += _compared(f"totals.risk.{method}", stated, together, hip)
            if method == known(plan.file.plan.spec.guidance):
                checks += _of_the_curve(plan, stated, together, hip)
            checks += _shift_check(f"totals.risk.{method}", stated, plan)
    return checks


def _of_the_curve(plan: StatedPlan, stated: StatedRisk, found: Drillings, hip: Hip) -> list[Check]:
    """How often the plan's own point of the curve perforates; drilled as often as its risk, it is known as well."""
    perforated = float((found.cortex | found.joint).mean())
    error = max(stated.standard_errors[key] for key in JUDGED if key.endswith("probability"))
    slack = _slack_of_probability(perforated, len(found.cortex), error, hip)
    return [
        equal(f"tradeoff[{index}].perforation_probability", point.perforation_probability, perforated, slack, "")
        for index, point in enumerate(listed(plan.file.plan.tradeoff))
        if point.chosen
    ]


def _slack_of_probability(likely: float, count: int, error: float, hip: Hip) -> float:
    """What two counts of one probability may differ by: either surface, and chance."""
    likely = min(max(likely, 1.0 / count), 1.0 - 1.0 / count)
    sampling = float(np.sqrt(likely * (1.0 - likely) / count + error**2))
    room = tolerance.BREACH * max(1.0, float(hip.bone.grid.spacing_mm.max()))
    return room + tolerance.RISK_DEVIATIONS * sampling


def _shift_check(name: str, stated: StatedRisk, plan: StatedPlan) -> list[Check]:
    """What the plan counted against what follows from how its lesion came there."""
    if not stated.shift_told:
        return []
    here = plan.risk.lesion_shift_mm
    return [equal(f"{name}.lesion_shift_mm", stated.lesion_shift_mm, here, tolerance.LESION_SHIFT_MM, "mm")]


def _compared(name: str, stated: StatedRisk, found: Drillings, hip: Hip) -> list[Check]:
    share = found.removed.mean(axis=1)
    count = len(share)
    figures = dict(
        zip(
            JUDGED,
            (
                found.cortex.mean(),
                found.joint.mean(),
                (found.cortex | found.joint).mean(),
                share.mean(),
                *np.quantile(share, (0.05, 0.5)),
            ),
            strict=True,
        )
    )
    checks = []
    for key in stated.figures:
        said, here = stated.figures[key], float(figures[key])
        if key.endswith("probability"):
            likely = min(max(said, here, 1.0 / count), 1.0 - 1.0 / count)
            spread, room = likely * (1.0 - likely), tolerance.BREACH
        else:
            # A quantile errs more than a mean: 2.1 times for the twentieth part of a normal spread.
            spread, room = float(share.var()) * (1.0 if key.endswith("mean") else 2.1**2), tolerance.RISK_REMOVED
        room *= max(1.0, float(hip.bone.grid.spacing_mm.max()))
        sampling = float(np.sqrt(spread / count + stated.standard_errors[key] ** 2))
        checks.append(equal(f"{name}.{key}", said, here, room + tolerance.RISK_DEVIATIONS * sampling, ""))
    return checks


# Eleven parameters: plain arrays of one tunnel, one method and one draw; no two travel on together.
def _drillings(
    plan: StatedPlan, index: int, errors: Errors, hip: Hip, frame: Frame, around: tuple[FloatArray, FloatArray],
    lesion: FloatArray, poses: int, rng: np.random.Generator, shifts: FloatArray,
    views: tuple[Outline, Outline] | None = None,
) -> Drillings:  # fmt: skip
    """``shifts`` (N, 3): how far the lesion lies elsewhere in each drilling, mm."""
    tunnel = plan.tunnels[index]
    radius = tunnel.diameter_mm / 2.0
    entries, headings, lengths = _drawn(tunnel.entry, tunnel.tip, tunnel.diameter_mm, errors, hip, poses, rng, views)
    near, normals = around
    sine_least = float(np.sin(np.radians(plan.spec["incidence_min_deg"])))
    cortex, joint = np.zeros(poses, dtype=bool), np.zeros(poses, dtype=bool)
    around_ring = max(RING_POINTS, int(np.ceil(2.0 * np.pi * radius / RING_GAP_MM)))
    turn = 2.0 * np.pi * np.arange(around_ring) / around_ring
    turn = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    drill = tunnel.instrument
    outline, behind = (np.zeros((0, 2)), 0.0) if drill is None else outline_of(drill)
    # Rings of the end: how far ahead of the tip, and how wide in radii.
    rings = Turned(tunnel.tip, unit(tunnel.tip - tunnel.entry), outline).rings(END_STEP_MM) if drill else FLAT_END
    ahead, wide = rings[:, 0], rings[:, 1] / (radius if drill else 1.0)
    # The shaft ends behind an end that is not flat.
    shafts = np.maximum(lengths - behind, 0.0)
    removed = _removed(lesion, entries - shifts, headings, lengths, shafts, radius, outline)
    walk = np.arange(-MEETS_WITHIN_MM, MEETS_WITHIN_MM, MEET_STEP_MM)
    for first in range(0, poses, TOGETHER):
        these = slice(first, min(first + TOGETHER, poses))
        entry, heading, shaft = entries[these], headings[these], shafts[these]
        inside = hip.mesh.inside(_on_axes(entry, heading, walk).reshape(-1, 3)).reshape(len(entry), len(walk))
        meets = inside.any(axis=1)
        cortex[these] = ~meets
        met = walk[np.argmax(inside, axis=1)]
        places = entry + met[:, None] * heading
        apart = places[:, None, :] - near
        normal = normals[np.argmin(np.einsum("nkj,nkj->nk", apart, apart), axis=1)]
        sine = np.maximum(np.abs(np.einsum("nj,nj->n", normal, heading)), sine_least)
        mouth = met + radius * np.sqrt(np.maximum(0.0, 1.0 - sine**2)) / sine + PORTAL_EXTRA_MM
        circle = radius * (turn @ _across(heading))
        # Rings along the wall, of all drillings that meet the bone.
        start = np.minimum(mouth, shaft)
        count = np.where(meets, np.ceil((shaft - start) / RING_STEP_MM), 0.0).astype(np.int64)
        of_wall = np.repeat(np.arange(len(entry)), count)
        step = np.arange(len(of_wall)) - np.repeat(np.cumsum(count) - count, count)
        at = start[of_wall] + step * RING_STEP_MM
        wall = (entry[of_wall] + at[:, None] * heading[of_wall])[:, None, :] + circle[of_wall]
        tip = entry + lengths[these, None] * heading
        ends = _on_axes(tip, heading, ahead)[:, :, None, :] + wide[:, None, None] * circle[:, None]
        ends = ends[meets].reshape(-1, around_ring, 3)
        surface = np.concatenate([wall, ends]).reshape(-1, 3)
        of = np.concatenate([of_wall, np.repeat(np.flatnonzero(meets), len(ahead))]).repeat(around_ring)
        out = np.flatnonzero(~hip.mesh.inside(surface))
        proximal, of = frame.proximal(surface[out]), first + of[out]
        joint[of[proximal]] = True
        cortex[of[~proximal]] = True
    return Drillings(cortex, joint, removed)


def _removed(
    lesion: FloatArray, entries: FloatArray, headings: FloatArray, lengths: FloatArray, shafts: FloatArray,
    radius: float, outline: FloatArray,
) -> BoolArray:  # fmt: skip
    """Which lesion points (P, 3) each of N drillings removes (N, P), by its shaft and by an end that is not flat."""
    removed = np.empty((len(entries), len(lesion)), dtype=bool)
    middle = lesion.mean(axis=0)
    # About the lesion's middle, so that squares keep their digits.
    points, entries = (lesion - middle).T, entries - middle
    squares = np.einsum("ji,ji->i", points, points)
    together = max(1, PRODUCTS // max(1, len(lesion)))
    for first in range(0, len(entries), together):
        these = slice(first, first + together)
        entry, heading = entries[these], headings[these]
        along = heading @ points - np.einsum("nj,nj->n", entry, heading)[:, None]
        square = squares - 2.0 * (entry @ points) + np.einsum("nj,nj->n", entry, entry)[:, None] - along**2
        within = square <= radius**2
        removed[these] = within & (along >= 0.0) & (along <= shafts[these, None])
        if len(outline):
            beside = within & (along >= shafts[these, None])
            height = (along - lengths[these, None])[beside]
            removed[these][beside] |= holds(outline, height, np.sqrt(np.maximum(square[beside], 0.0)))
    return removed


def _on_axes(origins: FloatArray, headings: FloatArray, at: FloatArray) -> FloatArray:
    """Points (N, K, 3) on lines from N origins along N headings, at K places on each, mm."""
    return np.asarray(origins[:, None, :] + at[:, None] * headings[:, None, :], dtype=np.float64)


def _across(axes: FloatArray) -> FloatArray:
    """Two unit vectors (N, 2, 3) at right angles to each of the axes (N, 3) and to each other."""
    first = np.cross(axes, np.eye(3)[np.argmin(np.abs(axes), axis=1)])
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    return np.stack([first, np.cross(axes, first)], axis=1)


def _drawn(
    entry: FloatArray, tip: FloatArray, diameter_mm: float, errors: Errors, hip: Hip, poses: int,
    rng: np.random.Generator, views: tuple[Outline, Outline] | None = None,
) -> tuple[FloatArray, FloatArray, npt.NDArray[np.float64]]:  # fmt: skip
    """Entries and unit directions (N, 3) and lengths (N,) of a tunnel as it may be drilled."""
    heading = unit(tip - entry)
    size = np.where(rng.random(poses) < errors.tail_share, errors.tail_factor, 1.0)
    normal = rng.standard_normal((poses, 5)) * size[:, None]
    entries = entry + errors.entry_mm * normal[:, :2] @ across(hip.mesh.mouth_normal(entry))
    drift = float(np.interp(diameter_mm, *np.transpose(DRIFT)))
    if errors.redirect_mm > 0.0 and views is not None:
        hand = np.radians(errors.angle_deg * drift) * float(np.linalg.norm(tip - entry))
        headings, lengths = _looked(entry, tip, diameter_mm / 2.0, entries, hand, size, errors, rng, views)
        lengths = lengths + errors.depth_mm * normal[:, 4]
        return entries, headings, np.maximum(lengths, LENGTH_LEAST_MM)
    turn = errors.angle_deg * drift * normal[:, 2:4]
    angle = np.radians(np.minimum(np.linalg.norm(turn, axis=1), TURN_MAX_DEG))[:, None]
    toward = turn @ across(heading)
    toward /= np.maximum(np.linalg.norm(toward, axis=1, keepdims=True), 1e-12)
    headings = np.cos(angle) * heading + np.sin(angle) * toward
    lengths = np.maximum(np.linalg.norm(tip - entry) + errors.depth_mm * normal[:, 4], LENGTH_LEAST_MM)
    return entries, headings / np.linalg.norm(headings, axis=1, keepdims=True), lengths


# Nine parameters: arrays of one tunnel and one draw.
def _looked(
    entry: FloatArray, tip: FloatArray, radius: float, entries: FloatArray, hand_mm: float, size: FloatArray,
    errors: Errors, rng: np.random.Generator, views: tuple[Outline, Outline],
) -> tuple[FloatArray, FloatArray]:  # fmt: skip
    """Unit directions (N, 3) and lengths (N,) of pins aimed, redirected and stopped by two views."""
    planned, heading = float(np.linalg.norm(tip - entry)), unit(tip - entry)
    ways, off = [], []
    for view in views:
        turned = np.cross(view.beam, heading)
        way = across(heading)[0] if np.linalg.norm(turned) < 1e-3 else unit(turned)
        # From the drill's edge to the outline on either side, at every station.
        steps = np.arange(0.0, BESIDE_MM, PIXEL_MM / 2.0)
        stations = entry + WATCHED[:, None] * (tip - entry)
        beside = [view.shows(stations[:, None] + sign * steps[:, None] * way) for sign in (1.0, -1.0)]
        room = [np.maximum(_run(shown) * PIXEL_MM / 2.0 - radius, 0.0) for shown in beside]
        read, edge = size * errors.reading_mm * rng.standard_normal(len(size)), size * errors.outline_mm
        edge = edge * rng.standard_normal(len(size))
        start = ((entries - entry) @ way)[:, None] * (1.0 - WATCHED)
        miss = np.full(len(size), np.nan)
        for _ in range(REDIRECTED_MOST):
            open_ = np.flatnonzero(np.isnan(miss))
            if len(open_) == 0:
                break
            tried = hand_mm * size[open_] * rng.standard_normal(len(open_))
            at = start[open_] + (read[open_] + tried)[:, None] * WATCHED
            good = np.abs(tried) <= errors.redirect_mm
            good &= np.all((at <= room[0] + edge[open_, None]) & (at >= -room[1] - edge[open_, None]), axis=1)
            miss[open_[good]] = read[open_[good]] + tried[good]
        for n in np.flatnonzero(np.isnan(miss)):
            # The outline before the target; where no way keeps within, the one that leaves it least.
            trial = np.arange(-BESIDE_MM, BESIDE_MM, 0.05)
            at = start[n] + trial[:, None] * WATCHED
            beyond = np.maximum(at - room[0] - edge[n], -at - room[1] - edge[n]).max(axis=1)
            within = trial[beyond <= 0.0]
            if len(within) == 0:
                miss[n] = trial[int(np.argmin(beyond))]
            else:
                miss[n] = within[int(np.argmin(np.abs(within - read[n])))]
        ways.append(way)
        off.append(miss)
    # The smallest vector across the tunnel that is so far off in either view.
    aside = np.linalg.lstsq(np.stack(ways), np.stack(off), rcond=0.03)[0].T
    headings = tip + aside - entries
    headings = headings / np.linalg.norm(headings, axis=1, keepdims=True)
    along = np.arange(0.5 * planned, planned + AHEAD_MM, PIXEL_MM / 2.0)
    lengths = np.full(len(entries), np.inf)
    for view in views:
        own = _run(view.shows(entry + along[:, None] * heading)[None])[0]
        drilled = _run(view.shows(entries[:, None] + along[:, None] * headings[:, None]))
        lengths = np.minimum(lengths, planned + (drilled - own) * PIXEL_MM / 2.0)
    return headings, lengths


def _run(shown: BoolArray) -> FloatArray:
    """How many of each row (M, S) stand before the first that is not shown."""
    ended = ~shown
    return np.asarray(np.where(ended.any(axis=1), np.argmax(ended, axis=1), shown.shape[1]), dtype=np.float64)


def _normals_about(hip: Hip, entry: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Points (N, 3) of the surface around an entry, and the normals (N, 3) of a drill's mouth there."""
    vertices = hip.mesh.vertices_mm
    near = vertices[np.linalg.norm(vertices - entry, axis=1) <= MEETS_WITHIN_MM]
    if len(near) == 0:
        near = entry[None]
    cells = np.floor(near / NORMAL_SPACING_MM).astype(np.int64)
    near = near[np.sort(np.unique(cells, axis=0, return_index=True)[1])]
    return near, np.stack([hip.mesh.mouth_normal(point) for point in near])
