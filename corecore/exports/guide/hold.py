"""How well a seat holds a guide: which small motion it would let pass, and how far."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from corecore.base.grid import FloatArray

#: Small motions in the order of the constraint matrix.
MOTIONS = (
    "a slip forward or back", "a slip along the shaft", "lifting off", "tipping up or down", "rocking about the shaft",
    "turning on the spot",
)  # fmt: skip


@dataclass(frozen=True)
class Hold:
    """How a seat holds a guide. ``stability``: by how much the slip least felt opens the seat, root mean square over
    the contact, mm per mm of slip; ``closing``: by how much that slip closes it where it closes most, mm per mm;
    ``weakest`` names it. A turn of 1 mm is one of 1/``turn_radius_mm`` radians; infinite for what is no turn."""

    stability: float
    closing: float
    weakest: str
    turn_radius_mm: float


def hold_of(points: FloatArray, normals: FloatArray, area: FloatArray) -> Hold:
    """How well a contact (points (N, 3), unit normals (N, 3), areas (N,), seat's frame) holds.

    A slip is any small motion, turns counted by what they move at the contact's radius. A plane, a ball and
    a cylinder slide on themselves: their stability is 0. It is the root of the least eigenvalue of the
    contact's constraint matrix (Gelfand et al. 2003, doi:10.1109/IM.2003.1240258).
    """
    nothing = Hold(0.0, 0.0, MOTIONS[0], np.inf)
    if len(points) < 6:
        return nothing
    weight = area / area.sum()
    arm = points - weight @ points
    radius = float(np.sqrt(weight @ np.einsum("ij,ij->i", arm, arm)))
    if radius < 1e-9:
        return nothing
    rows = np.concatenate([normals, np.cross(arm, normals) / radius], axis=1)
    values, vectors = np.linalg.eigh((rows * weight[:, None]).T @ rows)
    change = rows @ vectors[:, 0]
    # Either way round; the freer one counts. The last hundredth is left out: a single voxel holds nothing.
    closing = min(float(np.quantile(change, 0.99)), float(np.quantile(-change, 0.99)))
    motion = int(np.argmax(np.abs(vectors[:, 0])))
    reach = radius if motion >= 3 else np.inf
    return Hold(float(np.sqrt(max(0.0, float(values[0])))), max(closing, 0.0), MOTIONS[motion], reach)
