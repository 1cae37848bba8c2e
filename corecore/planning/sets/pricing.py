"""Prices on the lesion's points, and the lines that prices are made from (``docs/design/sets.md``)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from corecore.base.grid import FloatArray
from corecore.base.spec import Spec
from corecore.hip.hip import Hip
from corecore.planning.search.batched import evaluate_many
from corecore.planning.search.line_geometry import fine_ring
from corecore.planning.search.problem import Problem
from corecore.planning.search.single import FINAL_STEP_MM
from corecore.planning.sets.candidates import Index, shapes_on

Prices = npt.NDArray[np.float32]

#: Prices are whole parts of a point, this many: a priced point then stands so often among the points of the proof.
PARTS = 2
#: By what share a step of the prices means to better the bound.
AIM = 0.005
#: Tunnels this near to the dearest, as a share of its worth, pull at the prices together.
SHARPNESS = 0.003


def reduced_prices(prices: Prices, covers: Prices, count: int, steps: int) -> tuple[Prices, float]:
    """Prices from which the bound over lines (M, N) is least, by projected subgradient steps, and that bound (S3).

    ``covers`` (M, N): 1 where a line removes a point; ``count``: tunnels of a set. Polyak's step,
    with a bound a little below the present one as its aim. The lines near the dearest share the
    pull, or one after the other would.
    """
    best, least = prices, np.inf
    for _ in range(steps):
        worth = covers @ prices
        most = float(worth.max(initial=0.0))
        bound = float((1.0 - prices).sum()) + count * most
        if bound < least:
            best, least = prices, bound
        pull = np.exp((worth - most) / max(SHARPNESS * most, 1e-6))
        slope = count * ((pull / pull.sum()) @ covers) - 1.0
        slope[((prices <= 0.0) & (slope > 0.0)) | ((prices >= 1.0) & (slope < 0.0))] = 0.0
        step = AIM * bound / max(float(slope @ slope), 1e-9)
        prices = np.clip(prices - np.float32(step) * slope, 0.0, 1.0, dtype=np.float32)
    return best, least


def covers_of(hip: Hip, spec: Spec, problem: Problem, lines: FloatArray) -> tuple[FloatArray, Prices]:
    """Lines (M, 4) that a tunnel can be drilled along, and which points each removes, as 0 or 1 (M, N)."""
    points = hip.lesion.points_mm
    # At full depth: a point without a price is removed as well.
    _, ends, counts = evaluate_many(problem, lines, fine_ring(problem), FINAL_STEP_MM)
    good = counts > 0
    shapes = shapes_on(hip, spec, problem, lines[good], ends[good])
    covers = np.zeros((len(shapes), len(points)), dtype=np.float32)
    for i in range(len(shapes)):
        covers[i] = shapes.tunnel(i).contains(points)
    return lines[good], covers


def whole_parts(prices: Prices, points_mm: FloatArray, *, parts: int = PARTS) -> Index:
    """Prices (N,) of points (N, 3) in whole parts of 1 / ``parts``.

    What rounding takes from one point it gives to the next, so that no region gains or loses.
    """
    cell = np.floor(points_mm / 2.0).astype(np.int64)
    order = np.lexsort((cell[:, 2], cell[:, 1], cell[:, 0]))
    upto = np.floor(np.cumsum(prices[order].astype(np.float64) * parts) + 0.5).astype(np.int64)
    result = np.empty(len(order), dtype=np.int64)
    result[order] = np.diff(upto, prepend=0)
    return np.clip(result, 0, parts)


def priced_hip(hip: Hip, parts: Index) -> Hip:
    """The hip with each lesion point standing as often as its price has parts (N,) (S2)."""
    points = np.repeat(hip.lesion.points_mm, parts, axis=0)
    return replace(hip, lesion=replace(hip.lesion, points_mm=points))
