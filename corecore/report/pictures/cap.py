"""The loaded cap of the head, as its outline on the fitted sphere."""

from __future__ import annotations

import numpy as np

from corecore.base.grid import FloatArray, across_axes
from corecore.document.fields import known
from corecore.report.scene import Scene


def cap_outline(scene: Scene) -> FloatArray | None:
    """The cap's edge as a closed line (N, 3), RAS mm; ``None`` where the plan tells no pole and angle.

    The pole is of the femoral frame (lateral, anterior, proximal): ``necrosis.weight_bearing``.
    """
    told = scene.plan.necrosis.weight_bearing
    given, half = known(told.pole), known(told.cap_half_angle_deg)
    if given is None or half is None:
        return None
    pole = np.asarray(given, dtype=np.float64)
    if not 0.1 < np.linalg.norm(pole) < 10 or not 0 < half <= 90:
        return None
    way = pole @ np.stack([scene.lateral, scene.anterior, scene.proximal])
    way = way / np.linalg.norm(way)
    u, v = across_axes(way)
    turn = np.linspace(0, 2 * np.pi, 145)
    ring = np.cos(turn)[:, None] * u + np.sin(turn)[:, None] * v
    edge = np.cos(np.radians(half)) * way + np.sin(np.radians(half)) * ring
    return np.asarray(scene.head_center + scene.head_radius_mm * edge, dtype=np.float64)
