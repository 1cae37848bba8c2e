"""What the two fluoroscopic views show of a bone: its outline in each, and a pin against it.

The image of a view holds, at every pixel, how deep the deepest point of its ray lies in the bone: it is zero on the
outline, exactly, and negative beside it. Rays are parallel.
"""

from __future__ import annotations

import weakref
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from corecore.base.distance_field import Bone
from corecore.base.grid import FloatArray, across_axes
from corecore.base.interpolation import OUTSIDE
from corecore.base.jit_cache import compiled
from corecore.hip.hip import Hip
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.risk.kernel import grid_depth

#: Edge of a pixel, and the step along a ray, mm.
PIXEL_MM = 1.0
#: A pin in the lateral quarter of its tunnel is not held against the outline: there it enters (engineering choice).
WATCHED_FROM = 0.25
#: Stations along a tunnel where its room to the outline is taken.
STATIONS = 16
#: Room is looked for this far, mm, in steps of the second; so is where a pin would leave the outline.
ROOM_MAX_MM, ROOM_STEP_MM = 40.0, 0.25
AHEAD_MAX_MM = 60.0


class View(NamedTuple):
    """A view: ``image`` (nu, nv) mm, its ``axes`` (2, 3) and ``corner`` (2,) mm; ``beam`` (3,), a unit vector."""

    image: FloatArray
    axes: FloatArray
    corner: FloatArray
    beam: FloatArray


#: Views of bones that are in use: they depend on nothing but the bone and the beams.
_views: weakref.WeakKeyDictionary[Bone, dict[bytes, tuple[View, View]]] = weakref.WeakKeyDictionary()


def two_views(hip: Hip) -> tuple[View, View]:
    """Antero-posterior view, and the lateral one: across the neck's axis, in the coronal plane (cross-table)."""
    front, neck = hip.anatomy.y_axis, hip.anatomy.neck_axis
    side = np.cross(front, neck)
    side = hip.anatomy.x_axis if np.linalg.norm(side) < 1e-6 else side / np.linalg.norm(side)
    key = np.concatenate([front, side]).tobytes()
    kept = _views.setdefault(hip.bone, {})
    if key not in kept:
        kept[key] = _view(hip.bone, front), _view(hip.bone, side)
    return kept[key]


def _view(bone: Bone, beam: FloatArray) -> View:
    axes = np.stack(across_axes(beam))
    sides = (np.array(bone.distance_mm.shape) - 1) * bone.spacing_mm
    corners = np.stack(np.meshgrid(*([0.0, side] for side in sides), indexing="ij"), axis=-1).reshape(-1, 3)
    flat, along = corners @ axes.T, corners @ beam
    corner = flat.min(axis=0)
    count = np.ceil((flat.max(axis=0) - corner) / PIXEL_MM).astype(int) + 1
    image = np.full(tuple(count), OUTSIDE, dtype=np.float64)
    _fill_image(
        bone.distance_mm, bone.spacing_mm, axes, corner, beam, float(along.min()), float(along.max()), PIXEL_MM, image
    )
    return View(image, axes, corner, beam)


@compiled(nogil=True)
def _fill_image(
    distance: npt.NDArray[np.float32], spacing: FloatArray, axes: FloatArray, corner: FloatArray, beam: FloatArray,
    first: float, last: float, step: float, image: FloatArray,
) -> None:  # fmt: skip
    """The greatest depth along each pixel's ray."""
    for a in range(image.shape[0]):
        for b in range(image.shape[1]):
            u, v = corner[0] + a * step, corner[1] + b * step
            x = (u * axes[0, 0] + v * axes[1, 0] + first * beam[0]) / spacing[0]
            y = (u * axes[0, 1] + v * axes[1, 1] + first * beam[1]) / spacing[1]
            z = (u * axes[0, 2] + v * axes[1, 2] + first * beam[2]) / spacing[2]
            t, most = 0.0, OUTSIDE
            while t <= last - first:
                along = t
                depth = float(
                    grid_depth(
                        distance, x + along * beam[0] / spacing[0], y + along * beam[1] / spacing[1],
                        z + along * beam[2] / spacing[2],
                    )
                )  # fmt: skip
                most = max(most, depth)
                # Far outside the depth is coarse; half of it is a safe step.
                t += step if depth <= OUTSIDE else max(step, -0.5 * depth)
            image[a, b] = most


@compiled()
def _shown(image: FloatArray, u: float, v: float) -> float:
    """Value at a place of the image, in pixels, bilinear; ``OUTSIDE`` beyond it."""
    nu, nv = image.shape
    if not (u >= 0.0 and v >= 0.0 and u <= nu - 1 and v <= nv - 1):
        return OUTSIDE
    i, j = min(int(u), nu - 2), min(int(v), nv - 2)
    p, q = u - i, v - j
    low = image[i, j] + (image[i, j + 1] - image[i, j]) * q
    high = image[i + 1, j] + (image[i + 1, j + 1] - image[i + 1, j]) * q
    return float(low + (high - low) * p)


@compiled()
def _to_outline(image: FloatArray, u: float, v: float, du: float, dv: float, most: float, step: float) -> float:
    """How far along a direction of the image, (du, dv) pixels a mm, the outline is crossed, mm; at most ``most``."""
    before, t = _shown(image, u, v), 0.0
    if before < 0.0:
        return 0.0
    while t < most:
        here = _shown(image, u + (t + step) * du, v + (t + step) * dv)
        if here < 0.0:
            # Beyond the image's edge there is no slope to go by.
            return t + step * (before / (before - here) if here > OUTSIDE else 0.5)
        before, t = here, t + step
    return most


@compiled(nogil=True)
def _rooms(
    image: FloatArray, axes: FloatArray, corner: FloatArray, pixel: float, points: FloatArray, way: FloatArray,
    rooms: FloatArray,
) -> None:  # fmt: skip
    """Fill ``rooms`` (J, 2): from points (J, 3) to the outline along ``way`` (3,) and against it, mm."""
    for j in range(points.shape[0]):
        u = (points[j] @ axes[0] - corner[0]) / pixel
        v = (points[j] @ axes[1] - corner[1]) / pixel
        du, dv = (way @ axes[0]) / pixel, (way @ axes[1]) / pixel
        rooms[j, 0] = _to_outline(image, u, v, du, dv, ROOM_MAX_MM, ROOM_STEP_MM)
        rooms[j, 1] = _to_outline(image, u, v, -du, -dv, ROOM_MAX_MM, ROOM_STEP_MM)


@compiled(nogil=True)
def _leaves(
    image: FloatArray, axes: FloatArray, corner: FloatArray, pixel: float, entries: FloatArray, ways: FloatArray,
    first: float, ends: FloatArray,
) -> None:  # fmt: skip
    """Fill ``ends`` (N,): how far from its entry each line leaves the outline, looked for from ``first`` mm on."""
    for n in range(entries.shape[0]):
        e, d = entries[n], ways[n]
        u = ((e + first * d) @ axes[0] - corner[0]) / pixel
        v = ((e + first * d) @ axes[1] - corner[1]) / pixel
        most = first + AHEAD_MAX_MM
        ends[n] = first + _to_outline(image, u, v, (d @ axes[0]) / pixel, (d @ axes[1]) / pixel, most, 1.0)


class Seen(NamedTuple):
    """A planned tunnel in one view.

    ``way`` (3,): across it in the view's plane, a unit vector. ``at`` (J,): stations as shares of its length, and
    ``rooms`` (J, 2), from the drill's edge there to the outline along ``way`` and against it, mm, at least 0.
    ``ahead_mm``: from the tip along the tunnel to the outline.
    """

    way: FloatArray
    at: FloatArray
    rooms: FloatArray
    ahead_mm: float


def seen(view: View, tunnel: Tunnel) -> Seen:
    """What a view shows of a planned tunnel."""
    way = np.cross(view.beam, tunnel.direction)
    size = float(np.linalg.norm(way))
    # A tunnel along the beam is a point in that view: any way across it is as good.
    way = np.asarray(across_axes(tunnel.direction)[0]) if size < 1e-3 else way / size
    at = np.linspace(WATCHED_FROM, 1.0, STATIONS)
    points = tunnel.entry + (at * tunnel.length_mm)[:, None] * tunnel.direction
    rooms = np.zeros((STATIONS, 2))
    _rooms(view.image, view.axes, view.corner, PIXEL_MM, points, way, rooms)
    end = leaves(view, tunnel.entry[None], tunnel.direction[None], 0.5 * tunnel.length_mm)
    return Seen(way, at, np.maximum(rooms - tunnel.radius_mm, 0.0), float(end[0]) - tunnel.length_mm)


def leaves(view: View, entries: FloatArray, ways: FloatArray, first_mm: float) -> FloatArray:
    """How far from their entries (N, 3) lines along ``ways`` (N, 3) leave the outline, (N,) mm."""
    ends = np.empty(len(entries))
    _leaves(
        view.image, view.axes, view.corner, PIXEL_MM, np.ascontiguousarray(entries), np.ascontiguousarray(ways),
        first_mm, ends,
    )  # fmt: skip
    return ends
