"""Plane sections of a bone: area, centroid, outline, and whether the scan shows all of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from corecore.base.distance_field import Bone
from corecore.base.grid import BoolArray, FloatArray

#: Half the side of the square that is sampled, mm: the widest section wanted, through head
#: and greater trochanter, is under 100 mm.
HALF_WIDTH_MM = 56.0
#: Sampling step in the plane, mm, unless the voxels are coarser. Areas are anti-aliased.
STEP_MM = 1.0
#: A section nearer than this to the edge of the array is not complete, voxels.
EDGE_VOXELS = 2.0


@dataclass(frozen=True, eq=False)
class Section:
    """One connected part of a plane's cut through the bone, in local mm.

    ``inside`` (n, n) marks its samples, at ``origin + u * across[i] + v * across[j]``.
    ``area_mm2`` and ``centroid`` are anti-aliased at its edge. ``complete`` is False
    where the part runs into the edge of the array, ``framed`` is False where it leaves the sampled
    square. ``depth_mm`` (n, n) is the distance to the bone surface, positive inside.
    """

    area_mm2: float
    centroid: FloatArray
    complete: bool
    framed: bool
    origin: FloatArray
    u: FloatArray
    v: FloatArray
    across_mm: FloatArray
    inside: BoolArray
    depth_mm: FloatArray

    def points(self) -> FloatArray:
        """Samples of the part, (N, 3) local mm."""
        i, j = np.nonzero(self.inside)
        return np.asarray(
            self.origin + self.across_mm[i, None] * self.u + self.across_mm[j, None] * self.v, dtype=np.float64
        )


def plane_axes(normal: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Two unit vectors that make a right-handed frame with ``normal``, (u, v, normal)."""
    helper = np.eye(3)[int(np.argmin(np.abs(normal)))]
    u = np.cross(helper, normal)
    u = u / np.linalg.norm(u)
    return u, np.asarray(np.cross(normal, u), dtype=np.float64)


def section(
    bone: Bone,
    origin: FloatArray,
    normal: FloatArray,
    *,
    u: FloatArray | None = None,
    half_width_mm: float = HALF_WIDTH_MM,
) -> Section | None:
    """The part of the plane's cut that holds ``origin`` (3,), or the one nearest to it.

    ``normal`` (3,) is a unit vector; ``u``, where given, is a unit vector in the plane and
    the first sampling direction. ``None`` where the plane meets no bone within
    ``half_width_mm`` of the origin.
    """
    if u is None:
        u, v = plane_axes(normal)
    else:
        v = np.asarray(np.cross(normal, u), dtype=np.float64)
    step = max(STEP_MM, float(np.min(bone.spacing_mm)))
    n = int(half_width_mm / step)
    across = np.arange(-n, n + 1, dtype=np.float64) * step
    # One affine map carries the whole plane to array indices, without a list of points.
    base = (origin + across[0] * (u + v)) / bone.spacing_mm
    turn = np.column_stack([u, v]) * step / bone.spacing_mm[:, None]
    index = (
        base[:, None, None]
        + turn[:, 0, None, None] * np.arange(len(across))[None, :, None]
        + turn[:, 1, None, None] * np.arange(len(across))[None, None, :]
    )
    last = np.array(bone.distance_mm.shape)[:, None, None] - 1
    outside = np.any((index < 0) | (index > last), axis=0)
    depth = ndimage.map_coordinates(bone.distance_mm, index, order=1, mode="nearest").astype(np.float64)
    depth[outside] = -step
    inside = depth > 0.0
    labels, count = ndimage.label(inside)
    if count == 0:
        return None
    here = labels[n, n]
    if here == 0:
        i, j = np.nonzero(inside)
        nearest = int(np.argmin((i - n) ** 2 + (j - n) ** 2))
        here = labels[i[nearest], j[nearest]]
    part = labels == here
    # The rim outside the part carries the other half of the anti-aliased edge.
    near = _grown(part) & (part | ~inside)
    coverage = np.where(near, np.clip(depth / step + 0.5, 0.0, 1.0), 0.0)
    total = float(coverage.sum())
    weight_u, weight_v = coverage.sum(axis=1) @ across, coverage.sum(axis=0) @ across
    centroid = origin + (weight_u * u + weight_v * v) / total
    margin = EDGE_VOXELS
    i, j = np.nonzero(part)
    placed = index[:, i, j]
    low = np.any(placed < margin, axis=0) | np.any(placed > last[:, :, 0] - margin, axis=0)
    border = part[0].any() or part[-1].any() or part[:, 0].any() or part[:, -1].any()
    return Section(
        area_mm2=total * step**2,
        centroid=np.asarray(centroid, dtype=np.float64),
        complete=not bool(low.any()),
        framed=not bool(border),
        origin=origin,
        u=u,
        v=v,
        across_mm=across,
        inside=part,
        depth_mm=depth,
    )


def _grown(part: BoolArray) -> BoolArray:
    """A part and its four neighbours; a tenth of the time of a general dilation."""
    result = part.copy()
    result[1:] |= part[:-1]
    result[:-1] |= part[1:]
    result[:, 1:] |= part[:, :-1]
    result[:, :-1] |= part[:, 1:]
    return result
