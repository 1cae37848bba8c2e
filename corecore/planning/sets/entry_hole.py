"""The portal of a fan moved over the surface, its tunnels chosen anew at every place.

Which tunnels are best depends on where they begin: moved with its tunnels, as the climb moves
it, a fan ends at the nearest place where none of them can be bettered alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from corecore.base.grid import FloatArray
from corecore.planning.search.batched import evaluate_many
from corecore.planning.search.line_geometry import ring_points
from corecore.planning.search.single import SWEEP_RING, SWEEP_STEP_MM
from corecore.planning.sets.candidates import Index, Pool, line_points
from corecore.planning.sets.exchange import Members, exchanged, seeds, value

#: So many fans begin, those that remove most.
PORTALS = 12
#: How far a portal is moved across the neck axis, mm, one after the other.
STEPS_MM = (1.5, 0.75, 0.4)
SEEDS = 8
ACROSS = np.array([(1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)])


@dataclass(frozen=True, eq=False)
class _EntryHole:
    """An entry (3,), the lines (N, 4) through it and how many points the best ``count`` of them remove."""

    entry: FloatArray
    lines: FloatArray
    worth: int


def better_entry_holes(pool: Pool, fans: Sequence[Index], count: int) -> list[FloatArray]:
    """Entries (3,) to which the best of the fans lead, each where a fan of ``count`` removes most round about."""
    begun = []
    for fan in fans:
        entry = pool.shapes.entry[fan[-1]]
        begun.append(_EntryHole(entry, pool.lines[fan], _worth(pool, fan, count)))
    entries: list[FloatArray] = []
    for portal in sorted(begun, key=lambda portal: -portal.worth)[:PORTALS]:
        best = portal
        for step in STEPS_MM:
            while (moved := _moved(pool, best, step, count)).worth > best.worth:
                best = moved
        if best is not portal and not any(np.array_equal(best.entry, entry) for entry in entries):
            entries.append(best.entry)
    return entries


def _moved(pool: Pool, portal: _EntryHole, step: float, count: int) -> _EntryHole:
    """The best of the portals a step away; the same where there is none."""
    best = portal
    for across in ACROSS:
        lines = portal.lines.copy()
        lines[:, :2] += step * across
        _, ends, counts = evaluate_many(pool.problem, lines, ring_points(SWEEP_RING), SWEEP_STEP_MM)
        if not counts.any():
            continue
        first = int(np.argmax(counts))
        point, direction = line_points(pool.problem, lines[first : first + 1])
        entry = (point + ends[first, :1] * direction)[0]
        apart = pool.emptied()
        apart.add_fan(entry)
        pool.judged += len(lines) + apart.judged
        if len(apart.lines) >= count:
            worth = _worth(apart, apart.fans[0], count)
            if worth > best.worth:
                best = _EntryHole(entry, apart.lines, worth)
    return best


def _worth(pool: Pool, fan: Index, count: int) -> int:
    members = Members(pool, fan)
    starts: list[list[int]] = [[], *([seed] for seed in seeds(members, SEEDS))]
    sets = [exchanged(members, start, count) for start in starts]
    return max((value(pool, chosen) for chosen in sets if len(chosen) == count), default=0)
