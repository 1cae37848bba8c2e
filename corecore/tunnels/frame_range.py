"""A tunnel's figures that hang on the lateral axis, where no condyles are in view: the same with the axis turned."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from corecore.hip.anatomy.frame import ANTEVERSION_RANGE_DEG, frame_uncertain, turned_frame
from corecore.hip.anatomy.model import Anatomy
from corecore.hip.hip import Hip
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.figures import frame_figures


def tunnel_frame_range(hip: Hip, tunnel: Tunnel) -> dict[str, list[float]]:
    """Least and greatest of each figure by its key; empty where condyles or the user say where lateral is."""
    if not frame_uncertain(hip.anatomy):
        return {}
    normal = hip.bone.mouth_normal(tunnel.entry)[0]
    met = [frame_figures(normal, frame, tunnel) for frame in (hip.anatomy, *_turned(hip))]
    return {
        name: [min(values), max(values)] for name in met[0] if np.all(np.isfinite(values := [one[name] for one in met]))
    }


@lru_cache(maxsize=2)
def _turned(hip: Hip) -> tuple[Anatomy, ...]:
    """The anatomy with the lateral axis turned to both ends of its range; once a hip."""
    turns = (-ANTEVERSION_RANGE_DEG, ANTEVERSION_RANGE_DEG)
    return tuple(turned_frame(hip.bone, hip.anatomy, turn) for turn in turns)
