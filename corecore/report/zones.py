"""Which margin counts where: the head, the neck's postero-superior quarter, and the rest (contract §1)."""

from __future__ import annotations

import numpy as np

from corecore.base.grid import BoolArray, FloatArray
from corecore.base.limits import MARGINS
from corecore.document.fields import known
from corecore.hip.anatomy.zones import HEAD_PLANE_RADII, NECK_END_RADII, QUARTER_HALF_DEG
from corecore.report.scene import Scene


def margins(scene: Scene) -> tuple[float | None, float | None, float | None]:
    """The margins in head, quarter and elsewhere, mm; ``None`` where the plan does not tell one."""
    told = (known(getattr(scene.plan.spec, limit.key)) for limit in MARGINS)
    elsewhere, quarter, head = (value if value is not None and 0 <= value < 1000 else None for value in told)
    return head, quarter, elsewhere


def zones(scene: Scene, points_mm: FloatArray) -> tuple[BoolArray, BoolArray]:
    """Whether points (..., 3) lie proximal of the head's plane, and in the neck's postero-superior quarter."""
    offset = points_mm - scene.head_center
    axis, r = scene.neck_axis, scene.head_radius_mm
    along = offset @ axis
    head = along >= -HEAD_PLANE_RADII * r
    up = scene.proximal - (scene.proximal @ axis) * axis
    up = up / np.linalg.norm(up)
    back = -scene.anterior + (scene.anterior @ axis) * axis
    back = back - (back @ up) * up
    middle = up + back / np.linalg.norm(back)
    middle = middle / np.linalg.norm(middle)
    across = offset - along[..., None] * axis
    size = np.linalg.norm(across, axis=-1)
    quarter = (along < -HEAD_PLANE_RADII * r) & (along >= -NECK_END_RADII * r)
    quarter &= across @ middle >= np.cos(np.radians(QUARTER_HALF_DEG)) * size
    return np.asarray(head), np.asarray(quarter)
