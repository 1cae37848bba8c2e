"""The lesion's shares in the eight octants of the head.

The femoral frame's planes through the head's centre divide it: A anterior or P posterior, S
superior or I inferior, M medial or L lateral (after doi:10.1186/s13018-024-05058-3,
150 hips).
"""

from __future__ import annotations

import numpy as np

from corecore.measures.necrosis import Necrosis

NAMES = ("ASM", "ASL", "PSM", "PSL", "AIM", "AIL", "PIM", "PIL")


def octant_shares(necrosis: Necrosis) -> dict[str, float]:
    """Share of the lesion in each octant, 0 to 1; they add up to 1 (or all are 0 without lesion)."""
    lateral, anterior, proximal = (necrosis.points[:, axis] >= 0.0 for axis in range(3))
    # The order of NAMES: inferior, then posterior, then lateral.
    number = 4 * ~proximal + 2 * ~anterior + 1 * lateral
    counts = np.bincount(number, minlength=8)
    return {name: float(counts[i]) / max(1, len(necrosis.points)) for i, name in enumerate(NAMES)}
