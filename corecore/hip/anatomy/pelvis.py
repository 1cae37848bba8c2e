"""The acetabular edge and the teardrop found on a mask of the pelvis.

The mask is read on rays from the head's middle in parallel coronal planes about its centre. The roof is
what the rays meet close above the head; its lateral end is the edge. The teardrop is the lower
end of the medial wall that hangs from the roof. Planes through the front or back horn of the
acetabulum show no such end and are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from corecore.base.errors import AnatomyError
from corecore.base.grid import BoolArray, FloatArray, Mask, transform
from corecore.hip.anatomy.acetabulum import VERTICAL_DEG, Acetabulum, from_points
from corecore.hip.anatomy.model import Anatomy, PlanWarning

# All engineering choices, set for adult hips and tried on phantoms.
#: Planes before and behind the head's centre: how far, and how many mm apart.
SLAB_MM, SLAB_STEP_MM = 6.0, 1.0
#: Rays: first and last angle and step, degrees; radii from, in head radii, to, mm beyond the head, and step.
RAYS_DEG = (-180.0, 90.0, 0.5)
RADIAL_FROM, RADIAL_BEYOND_MM, RADIAL_STEP_MM = 0.85, 25.0, 0.5
#: Smoothing of the mask (sd), voxels: takes the stairs off and leaves a wall of one voxel.
SMOOTHING_VOXELS = 0.7
#: The roof is looked for between these angles from the body's vertical; a roof covers half of them at least.
ROOF_DEG = (-45.0, 10.0)
ROOF_SHARE_MIN = 0.5
#: Largest distance of the roof from the fitted head, mm: a joint space of 4, and what a coarse mask of the femur
#: lacks (8 on a scan of 3 mm); farther, the head is dislocated or the bone is none of this joint.
ROOF_GAP_MAX_MM = 12.0
#: Nearer than this, mm, the joint space is gone or the masks overlap.
GAP_MIN_MM = 1.0
#: Gaps in the roof up to this width are bridged, degrees: the stairs of a mask, a nutrient vessel.
BRIDGE_DEG = 2.0
#: The edge is where no bone is met this far beyond the roof's circle: beyond it the ilium's outer face rises.
EDGE_DEPTH_MM = 3.0
#: Beside an edge or below a teardrop the scan must go on this far, mm, or they are where the scan ends.
VIEW_MM = 3.0
#: The teardrop is looked for between these angles, and never at the far end of the rays (mm).
TEARDROP_DEG = (-165.0, -85.0)
RIM_MM = 1.5
#: Planes that must agree on an end, and the spread (median deviation) up to which they do.
PLANES_MIN = 4
EDGE_SPREAD_DEG, TEARDROP_SPREAD_MM = 4.0, 4.0


@dataclass(frozen=True, eq=False)
class _Slab:
    """The mask on rays: smoothed level and field of view (planes, angles, radii), and where that is."""

    level: npt.NDArray[np.float32]
    in_view: BoolArray
    beside_mm: FloatArray
    angles_deg: FloatArray
    radii_mm: FloatArray


def from_pelvis(anatomy: Anatomy, pelvis: Mask) -> Acetabulum | None:
    """Edge, teardrop and middle from a mask of the hip bone (one side or both; more bones do no harm).

    ``pelvis`` lies on a grid of its own whose affine leads to the local frame. ``None`` where the
    scan ends before the acetabulum's edge. Raises ``AnatomyError`` where the mask is in view about
    the head and shows no acetabulum; that it fills no part of the head was asked when the hip was built.
    """
    slab = _read(anatomy, pelvis)
    if not np.any(slab.level >= 0.5):
        raise AnatomyError(
            f"the pelvis mask has no bone within {RADIAL_BEYOND_MM:g} mm of the femoral head in its mid-coronal plane"
            " (is it the same side, in the same frame?)",
            code="pelvis-unusable",
        )
    radius = anatomy.head_radius_mm
    roof = _roof(anatomy, slab)
    if roof is None:
        return None
    circle, first, last = roof
    edges = np.array([_edge(slab, plane, circle, last) for plane in range(len(slab.beside_mm))])
    if np.all(np.isinf(edges)):
        return None
    usable = np.isfinite(edges)
    if np.count_nonzero(usable) < PLANES_MIN:
        if np.count_nonzero(np.isinf(edges)) >= PLANES_MIN:
            return None
        raise AnatomyError(
            "the pelvis mask shows a roof above the head and no lateral edge of it", code="pelvis-unusable"
        )
    edge_deg, spread = _at_middle(slab.beside_mm[usable], edges[usable])
    if spread > EDGE_SPREAD_DEG:
        raise AnatomyError(
            f"the lateral edge of the acetabulum is ragged: it differs by {spread:.0f}° between planes"
            f" {SLAB_STEP_MM:g} mm apart; {EDGE_SPREAD_DEG:g}° is accepted",
            code="pelvis-unusable",
        )
    warnings: tuple[PlanWarning, ...] = ()
    if circle - radius < GAP_MIN_MM:
        text = (
            f"the roof on the pelvis mask lies {circle - radius:.1f} mm from the head's sphere: the joint space is"
            " gone, or the masks of pelvis and femur overlap, and then edge and place are wrong"
        )
        warnings = (PlanWarning("pelvis_touches_head", text),)
    turn = np.radians(edge_deg)
    edge = anatomy.head_center + circle * (np.sin(turn) * anatomy.x_axis + np.cos(turn) * anatomy.shaft_axis)
    return from_points(anatomy, edge, _teardrop(anatomy, slab, circle, first), circle, "pelvis", warnings)


def _read(anatomy: Anatomy, pelvis: Mask) -> _Slab:
    beside = np.arange(-SLAB_MM, SLAB_MM + 0.5 * SLAB_STEP_MM, SLAB_STEP_MM)
    angles = np.arange(RAYS_DEG[0], RAYS_DEG[1], RAYS_DEG[2]) + 0.5 * RAYS_DEG[2]
    radii = np.arange(RADIAL_FROM * anatomy.head_radius_mm, anatomy.head_radius_mm + RADIAL_BEYOND_MM, RADIAL_STEP_MM)
    turn = np.radians(angles)[:, None]
    # In voxels of the mask from the start: a plane's centre, and a ray's step for a mm of radius.
    to_index = pelvis.grid.index_from_world
    rays = (np.sin(turn) * anatomy.x_axis + np.cos(turn) * anatomy.shaft_axis) @ to_index[:3, :3].T
    centers = transform(to_index, anatomy.head_center + beside[:, None] * anatomy.y_axis)
    shape = (len(beside), len(angles), len(radii))
    index = np.empty((3, *shape))
    in_view = np.ones(shape, dtype=bool)
    for axis, size in enumerate(pelvis.grid.shape):
        index[axis] = centers[:, axis, None, None] + rays[:, axis, None] * radii
        in_view &= (index[axis] >= -0.5) & (index[axis] <= size - 0.5)
    level = np.zeros(shape, dtype=np.float32)
    # Only the part of the mask that the rays cross is smoothed.
    low, high = index.min(axis=(1, 2, 3)), index.max(axis=(1, 2, 3))
    start = np.clip(np.floor(low).astype(int) - 4, 0, None)
    stop = np.minimum(np.ceil(high).astype(int) + 5, pelvis.grid.shape)
    if np.all(stop > start):
        spacing = pelvis.grid.spacing_mm
        part = pelvis.voxels[tuple(slice(a, b) for a, b in zip(start, stop, strict=True))].astype(np.float32)
        width = SMOOTHING_VOXELS * float(spacing.min()) / spacing
        smooth = ndimage.gaussian_filter(part, sigma=width, mode="nearest", truncate=3.0)
        index -= start[:, None, None, None]
        ndimage.map_coordinates(smooth, index, order=1, mode="nearest", output=level)
        level[~in_view] = 0.0
    return _Slab(level, in_view, beside, angles, radii)


def _roof(anatomy: Anatomy, slab: _Slab) -> tuple[float, float, float] | None:
    """Radius of the roof's circle, and the first and last angle of the roof's arc; ``None`` where it is out of view."""
    near = slab.radii_mm <= anatomy.head_radius_mm + ROOF_GAP_MAX_MM
    bone = slab.level >= 0.5
    met: BoolArray = np.asarray(bone[:, :, near].any(axis=2))
    above = (slab.angles_deg >= VERTICAL_DEG + ROOF_DEG[0]) & (slab.angles_deg <= VERTICAL_DEG + ROOF_DEG[1])
    share = float(np.mean(met[:, above]))
    if share < ROOF_SHARE_MIN:
        if float(np.mean(slab.in_view[:, above][:, :, near])) < 0.9:
            return None
        raise AnatomyError(
            f"the pelvis mask has bone within {ROOF_GAP_MAX_MM:g} mm above {100.0 * share:.0f} % of the head's dome;"
            f" {100.0 * ROOF_SHARE_MIN:g} % and more is an acetabulum's roof (is it the same side, in the same frame?)",
            code="pelvis-unusable",
        )
    first_bone = np.where(met, slab.radii_mm[np.argmax(bone, axis=2)], np.nan)
    # Off the middle the plane cuts the sphere in a smaller circle.
    sphere = np.sqrt(first_bone**2 + slab.beside_mm[:, None] ** 2)
    circle = float(np.nanmedian(sphere[:, above])) - 0.5 * RADIAL_STEP_MM
    mostly = np.count_nonzero(met, axis=0) >= 0.5 * len(met)
    bridge = np.ones(int(BRIDGE_DEG / RAYS_DEG[2]) + 1, dtype=bool)
    most: BoolArray = np.asarray(ndimage.binary_closing(mostly, bridge), dtype=bool)
    labels, _ = ndimage.label(most)
    run = int(np.bincount(labels[above & most]).argmax()) if (above & most).any() else 0
    arc = slab.angles_deg[labels == run]
    return circle, float(arc[0]), float(arc[-1])


def _edge(slab: _Slab, plane: int, circle: float, last_deg: float) -> float:
    """Angle of the roof's lateral end in a plane; infinite where the scan ends before it, NaN where there is none."""
    beside = float(slab.beside_mm[plane])
    shallow = slab.radii_mm <= np.sqrt(max(circle**2 - beside**2, 1.0)) + EDGE_DEPTH_MM
    most = slab.level[plane][:, shallow].max(axis=1)
    # From the roof's inside outward, over the gaps that are bridged.
    roof = (slab.angles_deg > min(last_deg, VERTICAL_DEG + ROOF_DEG[1]) - 30.0) & (most >= 0.5)
    bridge = int(BRIDGE_DEG / RAYS_DEG[2]) + 1
    at = np.flatnonzero(roof)
    if len(at) == 0:
        return float("nan")
    breaks = np.flatnonzero(np.diff(at) > bridge)
    end = int(at[breaks[0]] if len(breaks) else at[-1])
    if end + 1 >= len(most):
        return float("nan")
    reach = int(np.ceil(np.degrees(VIEW_MM / circle) / RAYS_DEG[2]))
    if not slab.in_view[plane, end : end + reach + 1][:, shallow].all():
        return float("inf")
    share = (most[end] - 0.5) / max(most[end] - most[end + 1], 1e-9)
    return float(slab.angles_deg[end] + min(share, 1.0) * RAYS_DEG[2])


def _teardrop(anatomy: Anatomy, slab: _Slab, circle: float, first_deg: float) -> FloatArray | None:
    """Lower end of the medial wall, (3,) local mm; ``None`` where the planes show none."""
    turn = np.radians(slab.angles_deg)[:, None]
    lateral, proximal = slab.radii_mm * np.sin(turn), slab.radii_mm * np.cos(turn)
    view = int(np.ceil(np.degrees(VIEW_MM / circle) / RAYS_DEG[2]))
    ends = []
    start = int(np.argmin(np.abs(slab.angles_deg - (VERTICAL_DEG + 0.5 * ROOF_DEG[0]))))
    for plane in range(len(slab.beside_mm)):
        labels, _ = ndimage.label(slab.level[plane] >= 0.5)
        above = labels[start][labels[start] > 0]
        if len(above) == 0:
            continue
        wall = (labels == above[0]) & (lateral < 0.0) & (slab.angles_deg[:, None] < first_deg + 60.0)
        lowest = np.where(wall, proximal, np.inf)
        ray, step = np.unravel_index(int(np.argmin(lowest)), lowest.shape)
        ends_here = TEARDROP_DEG[0] <= slab.angles_deg[ray] <= TEARDROP_DEG[1]
        within = slab.radii_mm[step] <= slab.radii_mm[-1] - RIM_MM
        seen = slab.in_view[plane, max(0, int(ray) - view) : int(ray) + 1].all()
        if wall.any() and ends_here and within and seen:
            ends.append([lateral[ray, step], slab.beside_mm[plane], proximal[ray, step]])
    if len(ends) < PLANES_MIN:
        return None
    found = np.array(ends)
    middle = np.median(found, axis=0)
    if float(np.median(np.linalg.norm((found - middle)[:, [0, 2]], axis=1))) > TEARDROP_SPREAD_MM:
        return None
    axes = np.stack([anatomy.x_axis, anatomy.y_axis, anatomy.shaft_axis])
    return np.asarray(anatomy.head_center + middle @ axes, dtype=np.float64)


def _at_middle(beside: FloatArray, angles: FloatArray) -> tuple[float, float]:
    """Robust straight line through angles over the planes: its value at the head's centre, and the spread about it."""
    keep = np.ones(len(angles), dtype=bool)
    for _ in range(3):
        slope, value = np.polyfit(beside[keep], angles[keep], 1)
        off = np.abs(angles - slope * beside - value)
        spread = float(np.median(off))
        keep = off <= max(3.0 * 1.4826 * spread, 1.0)
    return float(value), spread
