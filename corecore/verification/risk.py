"""The risk of execution again: drillings drawn by another generator, judged on the mesh's own level.

The plan's figures come from ten thousand quasi-random drillings judged on a distance field;
these from some thousand pseudo-random ones, each breach a point of wall or end that is not
in bone. The error model is the plan's own (``risk_methods``): what it says, not whether it is right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from corecore.base.grid import BoolArray, FloatArray
from corecore.document.stated import JUDGED, Errors, StatedPlan, StatedRisk
from corecore.verification import tolerance
from corecore.verification.drilled_volume import PORTAL_EXTRA_MM
from corecore.verification.frame import Frame, across, unit
from corecore.verification.hip import Hip
from corecore.verification.report import Check, equal

#: Drillings of one tunnel and method; of several tunnels fewer each, but not below the second figure.
POSES, POSES_LEAST = 1000, 300
#: Lesion points that stand for all where drillings are judged.
LESION_POINTS = 6000
#: Rings along a wall stand this far apart, mm, each of so many points, on wide tunnels of more, no further apart, mm.
RING_STEP_MM, RING_POINTS, RING_GAP_MM = 1.5, 16, 2.0
#: The drilled line meets the bone within this of where it was set down, mm, looked for in steps of the second.
MEETS_WITHIN_MM, MEET_STEP_MM = 20.0, 0.25
#: Normals of the surface are taken at points this far apart around the entry, mm.
NORMAL_SPACING_MM = 2.0
#: A drill is turned no further than this, degrees, and drills this much at least, mm (``docs/design/risk.md``).
TURN_MAX_DEG, LENGTH_LEAST_MM = 60.0, 1.0
#: Growth of the angular error of thin drills, by diameter in mm (``docs/design/risk.md``).
DRIFT = ((2.5, 2.91), (2.8, 2.56), (3.2, 1.78), (5.0, 1.0))
SEED = 7


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
            _drillings(plan, k, errors, hip, frame, around[k], points, poses, rng, shifts)
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
            checks += _shift_check(f"totals.risk.{method}", stated, plan)
    return checks


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
            (found.cortex.mean(), found.joint.mean(), share.mean(), *np.quantile(share, (0.05, 0.5))),
            strict=True,
        )
    )
    checks = []
    for key in JUDGED:
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


# Ten parameters: plain arrays of one tunnel, one method and one draw; no two travel on together.
def _drillings(
    plan: StatedPlan, index: int, errors: Errors, hip: Hip, frame: Frame, around: tuple[FloatArray, FloatArray],
    lesion: FloatArray, poses: int, rng: np.random.Generator, shifts: FloatArray,
) -> Drillings:  # fmt: skip
    """``shifts`` (N, 3): how far the lesion lies elsewhere in each drilling, mm."""
    tunnel = plan.tunnels[index]
    radius = tunnel.diameter_mm / 2.0
    entries, headings, lengths = _drawn(tunnel.entry, tunnel.tip, tunnel.diameter_mm, errors, hip, poses, rng)
    near, normals = around
    sine_least = float(np.sin(np.radians(plan.spec["incidence_min_deg"])))
    cortex, joint = np.zeros(poses, dtype=bool), np.zeros(poses, dtype=bool)
    removed = np.zeros((poses, len(lesion)), dtype=bool)
    around_ring = max(RING_POINTS, int(np.ceil(2.0 * np.pi * radius / RING_GAP_MM)))
    turn = 2.0 * np.pi * np.arange(around_ring) / around_ring
    walk = np.arange(-MEETS_WITHIN_MM, MEETS_WITHIN_MM, MEET_STEP_MM)
    for n in range(poses):
        entry, heading, length = entries[n], headings[n], lengths[n]
        offset = lesion + shifts[n] - entry
        along = offset @ heading
        square = np.einsum("ij,ij->i", offset, offset) - along**2
        removed[n] = (along >= 0.0) & (along <= length) & (square <= radius**2)
        inside = hip.mesh.inside(entry + walk[:, None] * heading)
        if not inside.any():
            cortex[n] = True
            continue
        met = float(walk[int(np.argmax(inside))])
        normal = normals[int(np.argmin(np.sum((near - (entry + met * heading)) ** 2, axis=1)))]
        sine = max(abs(float(normal @ heading)), sine_least)
        mouth = met + radius * float(np.sqrt(max(0.0, 1.0 - sine**2))) / sine + PORTAL_EXTRA_MM
        circle = radius * np.stack([np.cos(turn), np.sin(turn)], axis=1) @ across(heading)
        at = np.arange(min(mouth, length), length, RING_STEP_MM)
        wall = ((entry + at[:, None] * heading)[:, None, :] + circle).reshape(-1, 3)
        tip = entry + length * heading
        surface = np.concatenate([wall, tip + circle, tip + 0.5 * circle, tip[None]])
        out = surface[~hip.mesh.inside(surface)]
        proximal = frame.proximal(out)
        joint[n], cortex[n] = bool(proximal.any()), bool((~proximal).any())
    return Drillings(cortex, joint, removed)


def _drawn(
    entry: FloatArray, tip: FloatArray, diameter_mm: float, errors: Errors, hip: Hip, poses: int,
    rng: np.random.Generator,
) -> tuple[FloatArray, FloatArray, npt.NDArray[np.float64]]:  # fmt: skip
    """Entries and unit directions (N, 3) and lengths (N,) of a tunnel as it may be drilled."""
    heading = unit(tip - entry)
    size = np.where(rng.random(poses) < errors.tail_share, errors.tail_factor, 1.0)
    normal = rng.standard_normal((poses, 5)) * size[:, None]
    entries = entry + errors.entry_mm * normal[:, :2] @ across(hip.mesh.mouth_normal(entry))
    drift = float(np.interp(diameter_mm, *np.transpose(DRIFT)))
    turn = errors.angle_deg * drift * normal[:, 2:4]
    angle = np.radians(np.minimum(np.linalg.norm(turn, axis=1), TURN_MAX_DEG))[:, None]
    toward = turn @ across(heading)
    toward /= np.maximum(np.linalg.norm(toward, axis=1, keepdims=True), 1e-12)
    headings = np.cos(angle) * heading + np.sin(angle) * toward
    lengths = np.maximum(np.linalg.norm(tip - entry) + errors.depth_mm * normal[:, 4], LENGTH_LEAST_MM)
    return entries, headings / np.linalg.norm(headings, axis=1, keepdims=True), lengths


def _normals_about(hip: Hip, entry: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Points (N, 3) of the surface around an entry, and the normals (N, 3) of a drill's mouth there."""
    vertices = hip.mesh.vertices_mm
    near = vertices[np.linalg.norm(vertices - entry, axis=1) <= MEETS_WITHIN_MM]
    if len(near) == 0:
        near = entry[None]
    cells = np.floor(near / NORMAL_SPACING_MM).astype(np.int64)
    near = near[np.sort(np.unique(cells, axis=0, return_index=True)[1])]
    return near, np.stack([hip.mesh.mouth_normal(point) for point in near])
