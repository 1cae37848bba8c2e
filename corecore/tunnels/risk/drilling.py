"""Tunnels as a method may drill them: quasi-random entries and tips around the planned ones."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.special import ndtri

from corecore.base.grid import FloatArray, across_axes
from corecore.hip.hip import Hip
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.risk.lattice import POINTS, VECTOR, shifted_lattice
from corecore.tunnels.risk.methods import Method, drift_factor

#: Independent shifts of the lattice: 10,240 poses in all.
SHIFTS = 10
#: Numbers a drilled tunnel draws: entry (2), angle (2), depth, tail.
DRAWS = 6
#: Numbers of the lattice's vector that are the lesion's: its shift along three axes.
LESION_DRAWS = 3
#: A drill is never turned further from its plan than this, nor drilled shorter (engineering choices: no
#: built-in method comes near; a user's may).
TURN_MAX_DEG = 60.0
LENGTH_LEAST_MM = 1.0


@lru_cache(maxsize=4)
def draws(count: int, seed: int = 0) -> tuple[FloatArray, FloatArray]:
    """Normal numbers (N, count, 5) and even ones (N, count) for so many tunnels, shift by shift."""
    shifts = [shifted_lattice(DRAWS * count, np.random.default_rng((seed, s))) for s in range(SHIFTS)]
    even = np.concatenate(shifts).reshape(-1, count, DRAWS)
    # A point may be 0 or 1 to the last bit, where the normal is infinite.
    normal = ndtri(np.clip(even[..., :5], 1e-9, 1.0 - 1e-9))
    tail = np.ascontiguousarray(even[..., 5])
    for array in (normal, tail):
        array.flags.writeable = False
    return normal, tail


@lru_cache(maxsize=4)
def lesion_draws(seed: int = 0) -> FloatArray:
    """Normal numbers (N, 3) for the lesion's place, shift by shift, independent of those of any tunnel."""
    own = [np.random.default_rng((seed, s, 1)) for s in range(SHIFTS)]
    even = np.concatenate([shifted_lattice(LESION_DRAWS, rng, len(VECTOR) - LESION_DRAWS) for rng in own])
    normal: FloatArray = np.asarray(ndtri(np.clip(even, 1e-9, 1.0 - 1e-9)), dtype=np.float64)
    normal.flags.writeable = False
    return normal


def lesion_shifts(shift_mm: float, *, seed: int = 0, poses: int = SHIFTS * POINTS) -> FloatArray:
    """How far the lesion lies from where the plan has it, (N, 3) mm: ``shift_mm`` is the root mean square length."""
    if shift_mm == 0.0:
        return np.zeros((poses, 3))
    return np.asarray(shift_mm / np.sqrt(3.0) * lesion_draws(seed)[:poses], dtype=np.float64)


def perturbed(
    hip: Hip, tunnels: list[Tunnel], method: Method, *, seed: int = 0, poses: int = SHIFTS * POINTS
) -> tuple[FloatArray, FloatArray]:
    """Entries and tips (N, K, 3) of the tunnels as a method may drill them, local mm.

    The drill is set down beside the planned entry, in the plane of the surface there, and turned
    about that point; its depth counts from it. Tunnels err independently of one another.
    ``poses``: only the first so many.
    """
    normal, tail = (array[:poses] for array in draws(len(tunnels), seed))
    size = np.where(tail < method.tail_share, method.tail_factor, 1.0)
    entries, tips = np.empty((*tail.shape, 3)), np.empty((*tail.shape, 3))
    for k, tunnel in enumerate(tunnels):
        n = normal[:, k] * size[:, k, None]
        on_surface = np.stack(across_axes(hip.bone.mouth_normal(tunnel.entry)[0]))
        beside = np.stack(across_axes(tunnel.direction))
        entries[:, k] = tunnel.entry + method.entry_mm * n[:, 0:2] @ on_surface
        turn = np.radians(method.angle_deg * drift_factor(tunnel.diameter_mm)) * n[:, 2:4]
        angle = np.linalg.norm(turn, axis=1, keepdims=True)
        least = np.minimum(angle, np.radians(TURN_MAX_DEG))
        sideways = np.where(angle > 0.0, np.sin(least) / np.maximum(angle, 1e-12), 0.0) * turn
        direction = np.cos(least) * tunnel.direction + sideways @ beside
        length = np.maximum(tunnel.length_mm + method.depth_mm * n[:, 4:5], LENGTH_LEAST_MM)
        tips[:, k] = entries[:, k] + length * direction
    return entries, tips
