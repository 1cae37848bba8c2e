"""Sets from candidates: greedy, then exchange of one tunnel at a time until none helps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from corecore.base.grid import BoolArray
from corecore.base.limits import WIDE_HOLE_MM, WIDE_HOLES_MAX
from corecore.planning.sets.candidates import Bits, Index, Pool

#: A set takes this much of the neck's share that is allowed, so that it keeps it when its points are rounded in a file
#: (to 1e-6 mm, which turns a tunnel by 1e-7 at most).
SAFE_NECK_SHARE = 1.0 - 1e-5


class Members:
    """Some of a pool's candidates that may stand together, with the rules between them remembered."""

    def __init__(self, pool: Pool, members: Index, *, sharing: bool = True) -> None:
        self.pool, self.members, self.sharing = pool, members, sharing
        self.wide = pool.spec.diameter_mm > WIDE_HOLE_MM
        self._bits = pool.bits[members]
        self._blocked: dict[int, BoolArray] = {}
        self._shared: dict[int, BoolArray] = {}

    def allowed(self, chosen: Sequence[int]) -> BoolArray:
        """Which members may join the chosen candidates; (M,)."""
        result = ~self.pool.banned[self.members]
        for i in chosen:
            if i not in self._blocked:
                self._blocked[i] = self.pool.conflicts(i, self.members, sharing=self.sharing)
            result &= ~self._blocked[i]
        most = self.pool.spec.neck_area_share_max
        if most is not None:
            shares = self.pool.shapes.neck_shares(self.pool.hip.anatomy)
            result &= shares[self.members] + shares[list(chosen)].sum() <= most * SAFE_NECK_SHARE
        wall = self.pool.spec.lateral_wall_share_max
        if wall is not None and chosen:
            open_ = np.flatnonzero(result)
            shapes, beside = self.pool.shapes.take(self.members[open_]), self.pool.shapes.take(list(chosen))
            result[open_] = shapes.wall_shares(self.pool.hip.anatomy, beside) <= wall * SAFE_NECK_SHARE
        if self.wide:
            shapes = self.pool.shapes
            shared = [self._shares(i) for i in chosen]
            portals: list[int] = []
            for n, i in enumerate(chosen):
                at = shapes.entry[i]
                if 2.0 * shapes.radius_mm[i] <= WIDE_HOLE_MM:
                    continue
                if all(np.linalg.norm(shapes.entry[j] - at) > 0.5 for j in portals):
                    portals.append(chosen[n])
            if len(portals) >= WIDE_HOLES_MAX:
                wide = [s for s, i in zip(shared, chosen, strict=True) if 2.0 * shapes.radius_mm[i] > WIDE_HOLE_MM]
                result &= np.any(wide, axis=0)
        return result

    def _shares(self, i: int) -> BoolArray:
        if i not in self._shared:
            self._shared[i] = self.pool.shares(i, self.members)
        return self._shared[i]

    def best_to_join(self, chosen: Sequence[int]) -> tuple[int, int]:
        """The candidate that adds most to the chosen, and how many points; -1 where none may join."""
        allowed = self.allowed(chosen)
        if not allowed.any():
            return -1, 0
        gains = np.bitwise_count(self._bits & ~covered(self.pool, chosen)).sum(axis=1, dtype=np.int64)
        gains[~allowed] = -1
        best = int(np.argmax(gains))
        return int(self.members[best]), int(gains[best])


def covered(pool: Pool, chosen: Sequence[int]) -> Bits:
    """The points (W,) that the chosen remove together."""
    return np.asarray(np.bitwise_or.reduce(pool.bits[list(chosen)], axis=0) if chosen else np.zeros_like(pool.bits[0]))


def value(pool: Pool, chosen: Sequence[int]) -> int:
    """How many points the chosen remove together."""
    return int(np.bitwise_count(covered(pool, chosen)).sum())


def greedy(members: Members, count: int, start: Sequence[int] = ()) -> list[int]:
    """The start, and at each turn the candidate that adds most, up to ``count``."""
    chosen = list(start)
    while len(chosen) < count:
        best, gain = members.best_to_join(chosen)
        if gain <= 0:
            break
        chosen.append(best)
    return chosen


def exchanged(members: Members, chosen: Sequence[int], count: int, kept: Sequence[int] = ()) -> list[int]:
    """Swap one for one, and fill up to ``count``, as long as more is removed; ``kept`` stay.

    A tunnel may also go to make room for two, where the rules kept the second out.
    """
    pool = members.pool
    best = greedy(members, count, chosen)
    best_value = value(pool, best)
    improved = True
    while improved:
        improved = False
        for k in range(len(best)):
            if best[k] in kept:
                continue
            trial = greedy(members, count, best[:k] + best[k + 1 :])
            trial_value = value(pool, trial)
            if trial_value > best_value:
                best, best_value, improved = trial, trial_value, True
                break
    return best


def seeds(members: Members, count: int) -> list[int]:
    """Good candidates that differ: each removes mostly what the earlier ones leave."""
    bits = members.pool.bits[members.members]
    size = np.bitwise_count(bits).sum(axis=1, dtype=np.int64)
    open_ = ~members.pool.banned[members.members]
    result: list[int] = []
    while len(result) < count and open_.any():
        best = int(np.argmax(np.where(open_, size, -1)))
        result.append(int(members.members[best]))
        common = np.bitwise_count(bits & bits[best]).sum(axis=1, dtype=np.int64)
        open_ &= common < 0.5 * np.maximum(size, 1)
        open_[best] = False
    return result
