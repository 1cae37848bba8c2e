"""The joint space in a CT: from the head's centre outward, where bone ends, direction by direction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pykdtree.kdtree import KDTree
from scipy import ndimage

from corecore.base.errors import AnatomyError, InputError
from corecore.base.grid import BoolArray, FloatArray
from corecore.hip.anatomy.head import directions
from corecore.hip.draft.field import Field
from corecore.hip.draft.sphere import Sphere

#: Directions that are looked along, and the step on each, mm.
COUNT, STEP_MM = 4000, 0.25
#: Neighbours whose edges are looked at together, and whose radii each one's follows: 2 and 4 mm of surface.
PATCH, AROUND = 9, 25
#: The surface lies this far inside the sphere at most (a flattened head) and outside it (cartilage worn away
#: elsewhere, a head that is no ball), mm.
INWARD_MM, OUTWARD_MM = 6.0, 3.0
#: What a millimetre away from the sphere, and from what the neighbours say, costs in HU/mm.
AWAY_COST, APART_COST = 6.0, 20.0
ROUNDS = 6
#: Smoothing along a way, mm: more of it moves the steepest fall of a thin bright plate outward.
EDGE_MM = 0.3
#: The steepest fall of a thin plate lies outside its outer face by about this, mm: the scanner's blur less half
#: of the plate. Phantoms: 0.3 to 0.6 mm.
PLATE_MM = 0.4
#: An edge is clear where values fall by this share of the bone's contrast a millimetre, at least.
CLEAR_SHARE = 0.15
#: So much of the articular surface must show a clear edge.
CLEAR_MIN = 0.8
#: From the neck's way, the angle beyond which the surface is articular, degrees.
NECK_CONE_DEG = 55.0
#: The acetabulum begins within this of the head, mm.
FACING_MM = 9.0
#: The sphere must lie this far inside the image, mm.
ROOM_MM = 3.0


@dataclass(frozen=True, eq=False)
class Joint:
    """The head's surface, seen from its centre: radii (N,) mm along unit ways (N, 3).

    ``articular`` (N,): where it is the joint's; elsewhere the neck begins. ``clear_share``: how much
    of that shows a clear edge. ``gap_hu``: the middle value just outside, the joint space's.
    """

    sphere: Sphere
    ways: FloatArray
    radii_mm: FloatArray
    articular: BoolArray
    clear_share: float
    gap_hu: float
    tree: KDTree

    def radius_along(self, offsets_mm: FloatArray) -> FloatArray:
        """The surface's radius in the ways of offsets (N, 3) from the centre, between its own directions."""
        size = np.maximum(np.linalg.norm(offsets_mm, axis=1, keepdims=True), 1e-9)
        gap, index = self.tree.query(offsets_mm / size, k=4)
        weight = 1.0 / np.maximum(gap, 1e-4)
        return np.asarray(np.sum(weight * self.radii_mm[index], axis=1) / weight.sum(axis=1))

    def off_neck(self, offsets_mm: FloatArray) -> BoolArray:
        """Whether offsets (N, 3) from the centre lie beyond the cone about the neck."""
        size = np.linalg.norm(offsets_mm, axis=1)
        return np.asarray(offsets_mm @ self.sphere.neck < np.cos(np.radians(NECK_CONE_DEG)) * size)


def find_joint(field: Field, sphere: Sphere) -> Joint:
    """The head's articular surface. Raises ``InputError`` where the image cuts the head or shows no joint space."""
    ways = directions(COUNT)
    tree = KDTree(ways)
    size = np.arange(sphere.radius_mm - INWARD_MM - 2.0, sphere.radius_mm + OUTWARD_MM + 4.0, STEP_MM)
    values = field.sampled(sphere.center + ways[:, None, :] * size[:, None])
    articular: BoolArray = np.asarray(ways @ sphere.neck < np.cos(np.radians(NECK_CONE_DEG)))
    if not np.all(np.isfinite(values[articular][:, size <= sphere.radius_mm + ROOM_MM])):
        raise InputError(
            "the image's edge cuts the femoral head; the whole head with 3 mm around it is accepted",
            code="draft-image",
        )
    near = tree.query(ways, k=AROUND)[1]
    filled = np.where(np.isfinite(values), np.clip(values, -100.0, 1200.0), field.muscle_hu)
    patch = filled[near[:, :PATCH]].mean(axis=1)
    fall = -ndimage.gaussian_filter1d(patch, EDGE_MM / STEP_MM, axis=1, order=1, mode="nearest") / STEP_MM
    allowed = (size >= sphere.radius_mm - INWARD_MM) & (size <= sphere.radius_mm + OUTWARD_MM)
    radii = _followed(fall, size, allowed, near, sphere.radius_mm, articular)
    column = np.clip(np.rint((radii - size[0]) / STEP_MM).astype(np.int64), 0, len(size) - 1)
    contrast = max(field.bone_hu - field.muscle_hu, 1.0)
    clear = fall[np.arange(COUNT), column] > CLEAR_SHARE * contrast
    clear_share = float(np.mean(clear[articular]))
    if clear_share < CLEAR_MIN:
        raise AnatomyError(
            f"the joint space shows on {clear_share:.0%} of the head's surface; {CLEAR_MIN:.0%} or more is drafted"
            " from",
            code="draft-failed",
        )
    outside = patch[np.arange(COUNT), np.minimum(column + round(1.2 / STEP_MM), len(size) - 1)]
    gap_hu = float(np.median(outside[articular]))
    return Joint(sphere, ways, radii, articular, clear_share, gap_hu, tree)


def _followed(
    fall: FloatArray, size: FloatArray, allowed: BoolArray, near: npt.NDArray[np.int64], radius: float,
    articular: BoolArray,
) -> FloatArray:  # fmt: skip
    """The radius of the steepest fall along each way, near the sphere and near what its neighbours have."""
    score = np.where(allowed, np.minimum(fall, 250.0) - AWAY_COST * np.abs(size - radius), -np.inf)
    radii: FloatArray = np.asarray(size[np.argmax(score, axis=1)], dtype=np.float64)
    for _ in range(ROUNDS):
        # Towards the neck there is no edge to follow, and none to lead astray.
        known = np.where(articular[near], radii[near], np.nan)
        with np.errstate(all="ignore"):
            middle = np.where(np.isfinite(known).any(axis=1), _median(known), radius)
        score_here = score - APART_COST * np.abs(size - middle[:, None])
        radii = np.asarray(size[np.argmax(score_here, axis=1)], dtype=np.float64)
    rows = np.arange(len(radii))
    column = np.clip(np.argmin(np.abs(size - radii[:, None]), axis=1), 1, len(size) - 2)
    # The top of the parabola through three steps.
    a, b, c = (fall[rows, column + k] for k in (-1, 0, 1))
    bend = a - 2.0 * b + c
    shift = np.where(bend < -1e-9, 0.5 * (a - c) / np.minimum(bend, -1e-9), 0.0)
    radii = size[column] + STEP_MM * np.clip(shift, -1.0, 1.0)
    smooth = np.where(articular[near[:, :PATCH]], radii[near[:, :PATCH]], np.nan)
    return np.where(articular, _mean(smooth), radii) - PLATE_MM


def _median(values: FloatArray) -> FloatArray:
    return np.asarray(np.nanmedian(np.where(np.isfinite(values).any(axis=1, keepdims=True), values, 0.0), axis=1))


def _mean(values: FloatArray) -> FloatArray:
    held = np.isfinite(values)
    return np.asarray(np.where(held, values, 0.0).sum(axis=1) / np.maximum(held.sum(axis=1), 1))


def facing_share(field: Field, joint: Joint) -> float:
    """The share of the articular surface before which, across a darker gap, bone begins again: the acetabulum."""
    ways, radii = joint.ways[joint.articular], joint.radii_mm[joint.articular]
    size = radii[:, None] + np.arange(0.5, FACING_MM + 0.1, 0.5)
    values = field.sampled(joint.sphere.center + ways[:, None, :] * size[..., None])
    shown = np.where(np.isfinite(values), values, field.muscle_hu)
    darkest = np.minimum.accumulate(shown, axis=1)
    rise = (shown - darkest).max(axis=1)
    return float(np.mean((rise > field.bone_hu - field.muscle_hu) & (shown.max(axis=1) > field.bone_hu)))
