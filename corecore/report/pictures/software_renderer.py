"""Painting triangles without a graphics card: a z-buffer in numpy.

It runs wherever numpy does: a machine without Mesa still shows its plan. Of each body only the
nearest surface is drawn, so that one looks through a wall of bone and not through four.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from corecore.base.grid import FloatArray
from corecore.base.mesh import IntArray

#: Pixels tested at once; bounds the memory of one step to some 200 MB.
CHUNK_PIXELS = 2_000_000


@dataclass(frozen=True, eq=False)
class Layer:
    """One body to paint: ``points`` (N, 3) as pixels right, pixels down, depth in mm; ``triangles`` (M, 3).

    ``shade`` (N,) in 0..1 says how far each point's colour has gone from the first to the second
    of ``ends`` (2, 4): red, green, blue, opacity in 0..1. Only triangles clockwise on the screen
    (y down), that is those facing the viewer, are painted.
    """

    points: FloatArray
    triangles: IntArray
    shade: FloatArray
    ends: FloatArray

    def colors(self, shade: npt.NDArray[np.floating]) -> FloatArray:
        """Colours (n, 4) of shades (n,)."""
        return np.asarray(self.ends[0] + np.asarray(shade)[:, None] * (self.ends[1] - self.ends[0]))


@dataclass(frozen=True, eq=False)
class Surface:
    """What one sees of a body: pixels (n,), row * width + column, their depth (n,) mm and colour (n, 4)."""

    pixel: IntArray
    depth: FloatArray
    color: FloatArray


def mixed(surfaces: list[Surface], width: int, height: int) -> npt.NDArray[np.float32]:
    """Surfaces over white, the farthest first, (height, width, 3) in 0..1."""
    picture = np.ones((height * width, 3), dtype=np.float32)
    count = np.zeros(height * width, dtype=np.int64)
    for seen in surfaces:
        count[seen.pixel] += 1
    # Most pixels show one surface: only the others need their order.
    crowded = np.flatnonzero(count > 1)
    place = np.full(height * width, -1, dtype=np.int64)
    place[crowded] = np.arange(len(crowded))
    depth = np.full((len(surfaces), len(crowded)), np.inf)
    color = np.zeros((len(surfaces), len(crowded), 4), dtype=np.float32)
    for layer, seen in enumerate(surfaces):
        alone = count[seen.pixel] == 1
        picture[seen.pixel[alone]] = _over(picture[seen.pixel[alone]], seen.color[alone].astype(np.float32))
        among = place[seen.pixel[~alone]]
        depth[layer, among] = seen.depth[~alone]
        color[layer, among] = seen.color[~alone]
    order = np.argsort(-depth, axis=0, kind="stable")
    mixture = picture[crowded]
    for turn in range(len(surfaces)):
        mixture = _over(mixture, color[order[turn], np.arange(len(crowded))])
    picture[crowded] = mixture
    return picture.reshape(height, width, 3)


def _over(below: npt.NDArray[np.float32], color: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Colours (n, 4), the last their opacity, laid over colours (n, 3)."""
    opacity = color[:, 3:]
    return np.asarray(below * (1.0 - opacity) + color[:, :3] * opacity, dtype=np.float32)


def nearest_surface(layer: Layer, width: int, height: int) -> Surface:
    """A body's front on a picture of ``width`` x ``height`` pixels."""
    canvas = _Canvas(width, height)
    corners = layer.points[layer.triangles]
    flat = corners[:, :, :2]
    area = _cross(flat[:, 1] - flat[:, 0], flat[:, 2] - flat[:, 0])
    # Pixel i is sampled at i + 0.5.
    low = np.maximum(np.ceil(flat.min(axis=1) - 0.5).astype(np.int64), 0)
    high = np.minimum(np.floor(flat.max(axis=1) - 0.5).astype(np.int64), [width - 1, height - 1])
    size = (high - low + 1).max(axis=1)
    facing = np.flatnonzero((area < 0) & np.all(high >= low, axis=1))
    # Triangles of like size together, so that one square of pixels fits all of a group.
    side = np.exp2(np.ceil(np.log2(np.maximum(size, 1)))).astype(np.int64)
    for group in np.unique(side[facing]):
        members = facing[side[facing] == group]
        step = max(1, CHUNK_PIXELS // int(group) ** 2)
        for first in range(0, len(members), step):
            part = members[first : first + step]
            canvas.test(part, corners[part], area[part], low[part], int(group))
    pixel = np.flatnonzero(canvas.triangle >= 0)
    weights = canvas.weights[pixel]
    weights = np.concatenate([weights, 1.0 - weights.sum(axis=1, keepdims=True)], axis=1)
    shade = np.einsum("nk,nk->n", weights, layer.shade[layer.triangles[canvas.triangle[pixel]]])
    return Surface(pixel, canvas.depth[pixel], layer.colors(shade))


class _Canvas:
    """What is nearest at each pixel so far: depth, triangle (-1: none), and its first two corners' weights."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.depth = np.full(width * height, np.inf)
        self.triangle = np.full(width * height, -1, dtype=np.int64)
        self.weights = np.zeros((width * height, 2))

    def test(self, part: IntArray, corners: FloatArray, area: FloatArray, low: IntArray, side: int) -> None:
        """Tests side x side pixels from ``low`` for each triangle and keeps what lies in front."""
        offset = np.arange(side * side)
        x = low[:, 0, None] + offset % side
        y = low[:, 1, None] + offset // side
        # Relative to the third corner, weights are linear in the pixel.
        dx = x + 0.5 - corners[:, 2, 0, None]
        dy = y + 0.5 - corners[:, 2, 1, None]
        to_a = (corners[:, 0, :2] - corners[:, 2, :2]) / area[:, None]
        to_b = (corners[:, 1, :2] - corners[:, 2, :2]) / area[:, None]
        first = dx * to_b[:, 1, None] - dy * to_b[:, 0, None]
        second = dy * to_a[:, 0, None] - dx * to_a[:, 1, None]
        # A hair of tolerance closes the seams between neighbours.
        inside = (first >= -1e-9) & (second >= -1e-9) & (first + second <= 1 + 1e-9)
        inside &= (x < self.width) & (y < self.height)
        row, col = np.nonzero(inside)
        a, b = first[row, col], second[row, col]
        z = a * corners[row, 0, 2] + b * corners[row, 1, 2] + (1.0 - a - b) * corners[row, 2, 2]
        pixel = y[row, col] * self.width + x[row, col]
        np.minimum.at(self.depth, pixel, z)
        front = z <= self.depth[pixel]
        won = pixel[front]
        self.triangle[won] = part[row[front]]
        self.weights[won, 0] = a[front]
        self.weights[won, 1] = b[front]


def _cross(p: FloatArray, q: FloatArray) -> FloatArray:
    return np.asarray(p[..., 0] * q[..., 1] - p[..., 1] * q[..., 0], dtype=np.float64)
