"""Tunnels that are part of a plan already: from the surgeon's world points to tunnels that keep every rule."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from corecore.base.errors import InputError
from corecore.base.spec import Kept, Spec
from corecore.hip.hip import Hip
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.figures import TunnelFigures, assess, first_exit
from corecore.tunnels.limits import Violation, violations
from corecore.tunnels.tunnel_set import set_violations
from corecore.tunnels.user_constraints import ENTRY_OFF_MM

Pairs = tuple[tuple[Tunnel, TunnelFigures], ...]


def kept_tunnels(hip: Hip, spec: Spec) -> Pairs:
    """The kept tunnels of ``spec`` with their figures, entries put where their axes leave the bone.

    What else is fixed (entry, direction, cavity) is not asked of them. Raises ``InputError``
    for one whose entry lies off the surface, or that breaks a constraint, naming it.
    """
    free = replace(spec, keep=(), entry_fixed=None, direction_fixed=None)
    pairs = []
    for number, kept in enumerate(spec.keep, start=1):
        tunnel = _on_surface(hip, kept, number)
        figures = assess(hip, tunnel, free)
        # Only the drill's own size enters the rules; a cavity may not be narrower than it.
        own = replace(free, instrument=None).with_sizes(kept.diameter_mm)
        broken = violations(figures, own)
        if figures.removed_fraction <= 0.0:
            broken.append(Violation("misses_lesion", 0.0, 0.0))
        if broken:
            raise InputError(
                f"existing tunnel {number} exceeds {_words(broken)}; one within every limit is accepted",
                code="kept-breaks-limit",
            )
        pairs.append((tunnel, figures))
    broken = set_violations(hip, [tunnel for tunnel, _ in pairs], free)
    if broken:
        raise InputError(f"the existing tunnels together exceed {_words(broken)}", code="kept-breaks-limit")
    return tuple(pairs)


def _on_surface(hip: Hip, kept: Kept, number: int) -> Tunnel:
    entry, tip = hip.to_local(np.array(kept.entry)), hip.to_local(np.array(kept.tip))
    outward = (entry - tip) / np.linalg.norm(entry - tip)
    if not hip.bone.inside(tip[None])[0]:
        raise InputError(
            f"existing tunnel {number}: its tip lies outside the femur; entry:tip in RAS mm is accepted",
            code="place-off-bone",
        )
    found = first_exit(hip, tip, outward)
    off = np.inf if found is None else float(np.linalg.norm(found - entry))
    if found is None or not off <= ENTRY_OFF_MM:
        raise InputError(
            f"existing tunnel {number}: its axis leaves the femur {off:.1f} mm from the entry given;"
            f" up to {ENTRY_OFF_MM:g} mm are accepted",
            code="place-off-bone",
        )
    return Tunnel(found, tip, kept.diameter_mm)


def _words(broken: list[Violation]) -> str:
    return ", ".join(f"{item.key} (limit {item.limit:.4g}, found {item.value:.4g})" for item in broken)
