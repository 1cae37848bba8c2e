"""Where lateral rests on the condyles: their posterior line found again, from the voxels' centres."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from corecore.base.grid import FloatArray, Mask, transform
from corecore.verification import tolerance
from corecore.verification.frame import Frame
from corecore.verification.hip import Hip
from corecore.verification.report import Check, equal

#: The condyles are the lowest so many mm of the femur, and lie so far distal of the stated point of the shaft, mm.
HEIGHT_MM, BEYOND_MM = 35.0, 180.0
#: Pieces whose middles lie this near to each other across the leg are of one knee, mm: half of what parts two.
ONE_KNEE_MM = 60.0
#: The two points lie this far apart at least, mm.
APART_MM = 30.0
#: The line has been found when it turns by less than this, degrees; rounds at most.
SETTLED_DEG, MAX_ROUNDS = 1e-6, 20


def condylar_check(hip: Hip, frame: Frame) -> Check:
    """The turn between the stated lateral axis and the condyles' line, of the knee where one was given."""
    mask = hip.bone if hip.knee is None else hip.knee
    turn, apart = _turn_deg(_condyles(mask, frame))
    slack = np.degrees(np.arctan(float(np.min(mask.grid.spacing_mm)) / max(apart, APART_MM)))
    return equal("anatomy.x_axis (condyles)", 0.0, turn, tolerance.CONDYLES_DEG + float(slack), "deg")


def _condyles(mask: Mask, frame: Frame) -> FloatArray:
    """Voxels' centres of the knee next to the shaft's line: across and forward in the stated frame (N, 2), mm."""
    labels, count = ndimage.label(mask.voxels, structure=np.ones((3, 3, 3)))
    pieces: list[tuple[float, FloatArray]] = []
    for number, box in enumerate(ndimage.find_objects(labels, max_label=count), start=1):
        index = np.argwhere(labels[box] == number) + [one.start for one in box]
        place = transform(mask.grid.world_from_index, index) - frame.shaft_point
        femoral = place @ np.stack([frame.x, frame.y, frame.z]).T
        low = float(femoral[:, 2].min())
        if low < -BEYOND_MM:
            end = femoral[femoral[:, 2] < low + HEIGHT_MM, 0]
            pieces.append((0.5 * float(end.min() + end.max()), femoral))
    if not pieces:
        return np.zeros((0, 2))
    nearest = min((across for across, _ in pieces), key=abs)
    knee = np.concatenate([place for across, place in pieces if abs(across - nearest) < ONE_KNEE_MM])
    return np.asarray(knee[knee[:, 2] < knee[:, 2].min() + HEIGHT_MM, :2], dtype=np.float64)


def _turn_deg(flat: FloatArray) -> tuple[float | None, float]:
    """Turn of the line through the hindmost point of either half, degrees, and how far apart the two are, mm."""
    turn, apart = 0.0, 0.0
    for _ in range(MAX_ROUNDS):
        if len(flat) < 2:
            return None, 0.0
        cos, sin = np.cos(turn), np.sin(turn)
        across, forward = flat @ [cos, sin], flat @ [-sin, cos]
        halves = across < 0.5 * (across.min() + across.max())
        if halves.all() or not halves.any():
            return None, 0.0
        medial, lateral = (flat[half][int(np.argmin(forward[half]))] for half in (halves, ~halves))
        step, apart = lateral - medial, float(np.linalg.norm(lateral - medial))
        if apart < APART_MM:
            return None, apart
        last, turn = turn, float(np.arctan2(step[1], step[0]))
        if abs(np.degrees(turn - last)) < SETTLED_DEG:
            break
    return float(np.degrees(turn)), apart
