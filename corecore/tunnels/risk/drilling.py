"""Tunnels as a method may drill them: quasi-random entries and tips around the planned ones.

A blind method errs by independent normal errors. One that looks (``Method.looks``) is corrected by what the two
fluoroscopic views show (``docs/design/risk.md``).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.special import ndtr, ndtri

from corecore.base.grid import FloatArray, across_axes
from corecore.hip.hip import Hip
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.risk.lattice import POINTS, VECTOR, shifted_lattice
from corecore.tunnels.risk.methods import Method, drift_factor
from corecore.tunnels.risk.views import Seen, leaves, seen, two_views

#: Independent shifts of the lattice: 10,240 poses in all.
SHIFTS = 10
#: Numbers a drilled tunnel draws: entry (2), angle (2), depth, reading (2), outline (2), tail.
DRAWS = 10
NORMALS = DRAWS - 1
#: Numbers of the lattice's vector that are the lesion's: its shift along three axes.
LESION_DRAWS = 3
#: A drill is never turned further from its plan than this, nor drilled shorter (engineering choices: no
#: built-in method comes near; a user's may).
TURN_MAX_DEG = 60.0
LENGTH_LEAST_MM = 1.0


@lru_cache(maxsize=4)
def draws(count: int, seed: int = 0) -> tuple[FloatArray, FloatArray]:
    """Normal numbers (N, count, 9) and even ones (N, count) for so many tunnels, shift by shift."""
    shifts = [shifted_lattice(DRAWS * count, np.random.default_rng((seed, s))) for s in range(SHIFTS)]
    even = np.concatenate(shifts).reshape(-1, count, DRAWS)
    # A point may be 0 or 1 to the last bit, where the normal is infinite.
    normal = ndtri(np.clip(even[..., :NORMALS], 1e-9, 1.0 - 1e-9))
    tail = np.ascontiguousarray(even[..., NORMALS])
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
    about that point; its depth counts from it. One that looks is aimed, redirected and stopped by the two views
    instead. Tunnels err independently of one another. ``poses``: only the first so many.
    """
    normal, tail = (array[:poses] for array in draws(len(tunnels), seed))
    size = np.where(tail < method.tail_share, method.tail_factor, 1.0)
    entries, tips = np.empty((*tail.shape, 3)), np.empty((*tail.shape, 3))
    for k, tunnel in enumerate(tunnels):
        n = normal[:, k] * size[:, k, None]
        on_surface = np.stack(across_axes(hip.bone.mouth_normal(tunnel.entry)[0]))
        beside = np.stack(across_axes(tunnel.direction))
        entries[:, k] = tunnel.entry + method.entry_mm * n[:, 0:2] @ on_surface
        if method.looks:
            tips[:, k] = _looked(hip, tunnel, method, entries[:, k], normal[:, k], size[:, k])
            continue
        turn = np.radians(method.angle_deg * drift_factor(tunnel.diameter_mm)) * n[:, 2:4]
        angle = np.linalg.norm(turn, axis=1, keepdims=True)
        least = np.minimum(angle, np.radians(TURN_MAX_DEG))
        sideways = np.where(angle > 0.0, np.sin(least) / np.maximum(angle, 1e-12), 0.0) * turn
        direction = np.cos(least) * tunnel.direction + sideways @ beside
        length = np.maximum(tunnel.length_mm + method.depth_mm * n[:, 4:5], LENGTH_LEAST_MM)
        tips[:, k] = entries[:, k] + length * direction
    return entries, tips


def _looked(
    hip: Hip, tunnel: Tunnel, method: Method, entries: FloatArray, normal: FloatArray, size: FloatArray
) -> FloatArray:
    """Tips (N, 3) of pins set down at ``entries`` (N, 3), aimed at the target and corrected by the two views.

    In each view the surgeon takes the target for where it is not (reading), and aims at it with the hand's error of
    angle. A pin that he sees off by more than ``redirect_mm``, or the drill's edge outside the outline, is redirected
    until he does not: the hand's error that is left is cut off there. He stops where the first of the two views has
    the tip as far from the outline ahead as the plan has it. ``normal`` (N, 9), ``size`` (N,): the numbers drawn.
    """
    views = two_views(hip)
    shown = [seen(view, tunnel) for view in views]
    hand = size * np.radians(method.angle_deg * drift_factor(tunnel.diameter_mm)) * tunnel.length_mm
    off = np.empty((len(entries), 2))
    for v, one in enumerate(shown):
        outline = method.outline_mm * size * normal[:, 7 + v]
        low, high = _within_outline(one, (entries - tunnel.entry) @ one.way, outline)
        read = method.reading_mm * size * normal[:, 5 + v]
        off[:, v] = read + _cut_off(normal[:, 2 + v], hand, method.redirect_mm, low - read, high - read)
    # The point across the tunnel that lies so far off in either view; views along one line would tell the same.
    across = np.stack([one.way for one in shown])
    aside = off @ np.linalg.pinv(across @ across.T, rcond=1e-3) @ across
    ways = tunnel.tip + aside - entries
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    length = np.full(len(entries), np.inf)
    for view, one in zip(views, shown, strict=True):
        length = np.minimum(length, leaves(view, entries, ways, 0.5 * tunnel.length_mm) - one.ahead_mm)
    length = np.maximum(length + method.depth_mm * size * normal[:, 4], LENGTH_LEAST_MM)
    return np.asarray(entries + length[:, None] * ways, dtype=np.float64)


def _within_outline(one: Seen, entry_off: FloatArray, outline: FloatArray) -> tuple[FloatArray, FloatArray]:
    """How far off its target (N,) a pin may pass in a view before the drill is seen outside, mm: least and greatest.

    ``entry_off`` (N,): how far off it was set down, mm; ``outline`` (N,): the outline's own reading error, mm.
    """
    from_entry = entry_off[:, None] * (1.0 - one.at)
    low = ((-one.rooms[:, 1] - from_entry - outline[:, None]) / one.at).max(axis=1)
    high = ((one.rooms[:, 0] - from_entry + outline[:, None]) / one.at).min(axis=1)
    # Where it was set down too far off, no way keeps within: the middle is the least wrong.
    middle = 0.5 * (low + high)
    return np.minimum(low, middle), np.maximum(high, middle)


def _cut_off(normal: FloatArray, deviation: FloatArray, most: float, low: FloatArray, high: FloatArray) -> FloatArray:
    """Normal errors (N,) of a standard deviation (N,), cut off at ``most`` either way and at ``low``, ``high`` (N,).

    By the normal's own distribution within the limits, as if one tried until an error lay there. Where the two kinds
    of limit exclude each other, the outline goes before the target.
    """
    a, b = np.maximum(low, -most), np.minimum(high, most)
    scale = np.maximum(deviation, 1e-9)
    below, above = ndtr(a / scale), ndtr(b / scale)
    drawn = scale * ndtri(np.clip(below + ndtr(normal) * (above - below), 1e-12, 1.0 - 1e-12))
    inside = np.clip(drawn, a, np.maximum(a, b))
    return np.asarray(np.where(a <= b, inside, np.clip(0.0, low, high)), dtype=np.float64)
