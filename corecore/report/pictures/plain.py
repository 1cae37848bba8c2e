"""The plain renderer, for machines without OpenGL: every triangle is sampled more finely than the pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from corecore.base.grid import FloatArray
from corecore.report.pictures.bodies import Body
from corecore.report.pictures.camera import Camera
from corecore.report.pictures.surface import Surface

#: A pixel is parted into this many by this many, so that edges are smooth.
PARTS = 2
#: Samples taken at once; bounds the memory of one step to some 200 MB.
CHUNK_SAMPLES = 2_000_000


class PlainRenderer:
    """It runs wherever numpy does."""

    name = "plain"

    def surfaces(self, bodies: Sequence[Body], camera: Camera, size: tuple[int, int]) -> list[Surface]:
        """The nearest surface of each body, as ``surface.Renderer`` says."""
        return [_surface(body, camera, *size) for body in bodies]


def _surface(body: Body, camera: Camera, width: int, height: int) -> Surface:
    wide, high = width * PARTS, height * PARTS
    scale = wide / camera.width_mm
    right, up, depth = camera.project(body.mesh.points_mm).T
    points = np.stack([wide / 2 + right * scale, high / 2 - up * scale, depth, body.shade(camera.into)], axis=1)
    corners = points[body.mesh.triangles]
    (ax, ay), (bx, by) = (corners[:, k, :2].T - corners[:, 0, :2].T for k in (1, 2))
    # y runs down: what faces the camera is wound clockwise.
    corners = corners[ax * by - ay * bx < 0]
    nearest = np.full(wide * high, np.inf, dtype=np.float32)
    shade = np.zeros(wide * high, dtype=np.float32)
    longest = np.abs(corners[:, :, :2] - np.roll(corners[:, :, :2], 1, axis=1)).max(axis=(1, 2), initial=0.0)
    # Triangles of like size together, so that one pattern of samples fits all of a group.
    steps = np.exp2(np.ceil(np.log2(np.maximum(longest, 1.0)))).astype(np.int64) + 1
    for count in np.unique(steps):
        weights = _weights(int(count))
        members = np.flatnonzero(steps == count)
        for part in np.array_split(members, max(1, len(members) * len(weights) // CHUNK_SAMPLES)):
            sample = (weights @ corners[part]).reshape(-1, 4)
            pixel = np.floor(sample[:, :2]).astype(np.int64)
            inside = np.all((pixel >= 0) & (pixel < [wide, high]), axis=1)
            place, found = pixel[inside, 1] * wide + pixel[inside, 0], sample[inside, 2:].astype(np.float32)
            np.minimum.at(nearest, place, found[:, 0])
            won = found[:, 0] <= nearest[place]
            shade[place[won]] = found[won, 1]
    # A pixel is the mean over its parts, and as near as the nearest of them.
    blocks = (height, PARTS, width, PARTS)
    covered = np.isfinite(nearest).reshape(blocks).sum(axis=(1, 3), dtype=np.float32)
    total = np.where(np.isfinite(nearest), shade, np.float32(0)).reshape(blocks).sum(axis=(1, 3))
    return Surface(covered / PARTS**2, total / np.maximum(covered, 1), nearest.reshape(blocks).min(axis=(1, 3)))


def _weights(count: int) -> FloatArray:
    """Weights of a triangle's corners at points ``count`` to an edge, (K, 3)."""
    i, j = np.divmod(np.arange(count * count), count)
    i, j = i[i + j < count], j[i + j < count]
    first, second = i / max(count - 1, 1), j / max(count - 1, 1)
    return np.stack([first, second, 1.0 - first - second], axis=1)
