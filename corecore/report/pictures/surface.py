"""What is seen of each body, and the bodies laid over each other.

Of each body only the nearest surface is drawn, so that one looks through a wall of bone and not through
four. The bodies are mixed here, pixel by pixel: depth peeling would do so on a graphics card, but on Mesa it
leaves translucent bodies blank.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from corecore.report.pictures.bodies import Body
from corecore.report.pictures.camera import Camera

Picture = npt.NDArray[np.uint8]
FloatImage = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Surface:
    """The nearest surface of a body, as images (height, width).

    ``cover``: the pixel's share that the body covers, 0..1; ``shade``: as ``Body.shade``; ``depth``: mm
    behind the camera's centre, infinite where the body is not.
    """

    cover: FloatImage
    shade: FloatImage
    depth: FloatImage


class Renderer(Protocol):
    """What finds the nearest surface of bodies before a camera, on pictures of ``size`` (width, height)."""

    name: str

    def surfaces(self, bodies: Sequence[Body], camera: Camera, size: tuple[int, int]) -> list[Surface]: ...


def painted(bodies: Sequence[Body], surfaces: Sequence[Surface]) -> Picture:
    """Bodies over white, the farthest first, (height, width, 3)."""
    cover = np.stack([s.cover for s in surfaces])
    seen = np.any(cover > 0, axis=0)
    both = list(zip(bodies, surfaces, strict=True))
    depth = np.stack([s.depth[seen] - np.float32(b.nearer_mm) for b, s in both])
    color = np.stack([b.colors(s.shade[seen]) for b, s in both])
    color[..., 3] *= cover[:, seen]
    mixture = np.ones((depth.shape[1], 3), dtype=np.float32)
    pixel = np.arange(len(mixture))
    for farthest in np.argsort(-depth, axis=0, kind="stable"):
        over = color[farthest, pixel]
        mixture += over[:, 3:] * (over[:, :3] - mixture)
    picture = np.full((*seen.shape, 3), 255, dtype=np.uint8)
    picture[seen] = np.rint(np.clip(mixture, 0.0, 1.0) * 255)
    return picture
