"""A tunnel drilled many times, and what the same drillings would do to tunnels beside it.

A search compares tunnels by the same errors. Perforations are few: of all drillings of a tunnel those that come nearest
to the surface tell what a small step does, and they alone are drilled again along a neighbour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from corecore.base.grid import FloatArray
from corecore.base.spec import Spec
from corecore.hip.hip import Hip
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.risk.drilling import perturbed
from corecore.tunnels.risk.execution import clearances_of_poses
from corecore.tunnels.risk.methods import Method

#: A clearance counts as perforation in part where it is about so small, mm: the search's measure is smooth over it.
SOFT_MM = 0.2
#: Clearances beyond this are all one to the search, mm.
FARTHEST_MM = 2.0
#: So many of a tunnel's drillings, those that come nearest, are carried to its neighbours.
NEAREST = 128
#: Draws of the search, other than those the plan's figures come from.
SEARCH_SEED = 1


@dataclass(frozen=True, eq=False)
class Drilled:
    """A tunnel as it was drilled.

    Parameters
    ----------
    tunnel : Tunnel
        As planned, local mm.
    entries, tips : ndarray, shape (N, 3)
        As drilled, local mm.
    clearances : ndarray, shape (N,)
        Least clearance of each drilling, mm, ``FARTHEST_MM`` at most.
    """

    tunnel: Tunnel
    entries: FloatArray
    tips: FloatArray
    clearances: FloatArray

    @property
    def measure(self) -> float:
        """What a search makes small: see ``softened``."""
        return float(softened(self.clearances[:, None])[0])

    def nearest(self) -> tuple[Drilled, float]:
        """The drillings that come nearest alone, and what all others add to the measure."""
        if len(self.clearances) <= NEAREST:
            return self, 0.0
        rows = np.argpartition(self.clearances, NEAREST)[:NEAREST]
        near = Drilled(self.tunnel, self.entries[rows], self.tips[rows], self.clearances[rows])
        return near, self.measure - near.measure * NEAREST / len(self.clearances)

    def carried_to(self, tunnels: Sequence[Tunnel]) -> tuple[FloatArray, FloatArray]:
        """Entries and tips (N, K, 3) of K tunnels beside it, drilled with the same errors.

        Each drilling turns and moves along with its plan, and is as much deeper.
        """
        own = self.tunnel
        entries, tips = np.empty((len(self.entries), len(tunnels), 3)), np.empty((len(self.entries), len(tunnels), 3))
        drilled = self.tips - self.entries
        way = drilled / np.linalg.norm(drilled, axis=1, keepdims=True)
        for k, tunnel in enumerate(tunnels):
            turn = _turn(own.direction, tunnel.direction)
            entries[:, k] = tunnel.entry + (self.entries - own.entry) @ turn.T
            tips[:, k] = entries[:, k] + (drilled + (tunnel.length_mm - own.length_mm) * way) @ turn.T
        return entries, tips


class Drill:
    """Drills tunnels of a hip by a guidance method, each time with the same errors; counts what it has drilled.

    Where a method errs more in a few of its drillings than in the others, those few alone are drilled: nearly all
    perforations are theirs, so that a thousand tell as much as twenty thousand. Compare what is found, and nothing
    else: it is no probability.
    """

    def __init__(self, hip: Hip, spec: Spec, method: Method, *, seed: int = SEARCH_SEED) -> None:
        self.hip, self.spec, self.seed = hip, spec, seed
        self.method = replace(method, tail_share=1.0) if method.tail_share > 0.0 else method
        self.trials = 0

    def drilled(self, tunnel: Tunnel, poses: int) -> Drilled:
        """A tunnel drilled so many times."""
        entries, tips = perturbed(self.hip, [tunnel], self.method, seed=self.seed, poses=poses)
        return Drilled(tunnel, entries[:, 0], tips[:, 0], self._clearances([tunnel], entries, tips)[:, 0])

    def carried(self, near: Drilled, tunnels: list[Tunnel]) -> FloatArray:
        """Clearances (N, K) of tunnels drilled with the errors of one beside them, mm."""
        if not tunnels:
            return np.zeros((len(near.clearances), 0))
        return self._clearances(tunnels, *near.carried_to(tunnels))

    def _clearances(self, tunnels: list[Tunnel], entries: FloatArray, tips: FloatArray) -> FloatArray:
        self.trials += len(tunnels)
        return clearances_of_poses(self.hip, tunnels, self.spec, entries, tips, farthest_mm=FARTHEST_MM)


def softened(clearances: FloatArray) -> FloatArray:
    """Means (K,) over drillings of clearances (N, K), mm, each counted as a perforation in part: 0 far inside the bone.

    A logistic step: with perforations it counts them, without any it weighs the least clearances.
    """
    return np.asarray(np.mean(1.0 / (1.0 + np.exp(np.clip(clearances / SOFT_MM, -50.0, 50.0))), axis=0))


def _turn(one: FloatArray, other: FloatArray) -> FloatArray:
    """The smallest rotation (3, 3) from one unit vector to another that is not its opposite."""
    x, y, z = np.asarray([
        one[1] * other[2] - one[2] * other[1], one[2] * other[0] - one[0] * other[2],
        one[0] * other[1] - one[1] * other[0],
    ])  # fmt: skip
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.asarray(np.eye(3) + cross + cross @ cross / (1.0 + float(one @ other)))
