"""Tunnels with what decides between them: share removed, clearances, limits and perforation, and no more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from msgspec import UNSET

from corecore.base.limits import by_rounding
from corecore.base.spec import Spec
from corecore.document.plan import Status, ViolationPart
from corecore.hip.hip import Hip
from corecore.planning.manual import path_on_bone
from corecore.planning.planner import Choice
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.figures import TunnelFigures, assess
from corecore.tunnels.limits import violations
from corecore.tunnels.risk.execution import least_clearances
from corecore.tunnels.risk.methods import METHODS, Method
from corecore.tunnels.tunnel_set import set_violations


@dataclass(frozen=True)
class Path:
    """A tunnel as a caller names it.

    Parameters
    ----------
    entry_mm, tip_mm : array_like, shape (3,)
        Where the drill enters, and the deepest point of its axis, world RAS mm.
    diameter_mm, cavity_diameter_mm, cavity_length_mm : float or None
        Sizes, mm; ``None``: those of the parameters.
    """

    entry_mm: npt.ArrayLike
    tip_mm: npt.ArrayLike
    diameter_mm: float | None = None
    cavity_diameter_mm: float | None = None
    cavity_length_mm: float | None = None


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Tunnels that were chosen or named, and what they do together.

    Parameters
    ----------
    hip : Hip
        The hip.
    spec : Spec
        Parameters in force.
    status : {"planned", "infeasible", "manual"}
        Whether they were searched, there is none, or they were named.
    tunnels : tuple of (Tunnel, TunnelFigures)
        The tunnels, local mm, and their figures.
    removed_fraction : float
        Necrosis inside the tunnels, 0 to 1.
    perforation_probability : float or None
        Probability that drilling by the guidance method perforates cortex or joint; ``None`` with a cavity, which the
        errors' model has not, and without a tunnel.
    violations : tuple of ViolationPart
        Limits exceeded, each tunnel's own and those between tunnels.
    reason : str or None
        Why there is no tunnel.
    """

    hip: Hip
    spec: Spec
    status: Status
    tunnels: tuple[tuple[Tunnel, TunnelFigures], ...]
    removed_fraction: float
    perforation_probability: float | None
    violations: tuple[ViolationPart, ...] = ()
    reason: str | None = None


def of_choice(choice: Choice) -> Evaluation:
    """The tunnels that a search chose."""
    found, curve = choice.infeasible, choice.tradeoff
    risk = None if curve is None else curve.points[curve.chosen].perforation_probability
    hip, spec, drilled = choice.hip, choice.spec, [tunnel for tunnel, _ in choice.tunnels]
    # Of a tunnel with a cavity the curve simulates the shaft alone.
    if risk is None or spec.cavity_diameter_mm > 0.0:
        risk = perforation(hip, spec, drilled, choice.search.methods)
    return Evaluation(
        hip, spec, "planned" if drilled else "infeasible", choice.tunnels, removed_fraction(hip, choice.tunnels), risk,
        reason=None if found is None else found.text,
    )  # fmt: skip


def evaluated(hip: Hip, spec: Spec, paths: Sequence[Path]) -> Evaluation:
    """Tunnels named by hand, put on the bone. Raises ``InputError`` where one is no tunnel in this bone."""
    drilled = tuple(_drilled(hip, spec, path) for path in paths)
    return Evaluation(
        hip, spec, "manual", drilled, removed_fraction(hip, drilled),
        perforation(hip, spec, [tunnel for tunnel, _ in drilled]), tuple(broken_limits(hip, spec, drilled)),
    )  # fmt: skip


def _drilled(hip: Hip, spec: Spec, path: Path) -> tuple[Tunnel, TunnelFigures]:
    sizes = [
        own if given is None else given
        for given, own in (
            (path.diameter_mm, spec.diameter_mm), (path.cavity_diameter_mm, spec.cavity_diameter_mm),
            (path.cavity_length_mm, spec.cavity_length_mm),
        )
    ]  # fmt: skip
    on_bone = path_on_bone(hip, path.entry_mm, path.tip_mm, sizes[0])
    tunnel = Tunnel.planned_with(spec.with_sizes(*sizes), on_bone.entry, on_bone.tip)
    return tunnel, assess(hip, tunnel, spec)


def removed_fraction(hip: Hip, drilled: Sequence[tuple[Tunnel, TunnelFigures]]) -> float:
    """Necrosis inside the tunnels together, 0 to 1."""
    if len(drilled) == 1:
        return drilled[0][1].removed_fraction
    taken = np.zeros(len(hip.lesion.points_mm), dtype=bool)
    for tunnel, _ in drilled:
        taken |= tunnel.contains(hip.lesion.points_mm)
    return float(np.mean(taken))


def perforation(hip: Hip, spec: Spec, tunnels: list[Tunnel], methods: Mapping[str, Method] = METHODS) -> float | None:
    """Probability that any of the tunnels perforates when drilled by the guidance method; ``None``: not simulated."""
    if not tunnels or spec.guidance is None or any(tunnel.cavity for tunnel in tunnels):
        return None
    method = methods[spec.guidance]
    return float(np.mean(least_clearances(hip, tunnels, spec, method) < 0.0))


def broken_limits(hip: Hip, spec: Spec, drilled: Sequence[tuple[Tunnel, TunnelFigures]]) -> list[ViolationPart]:
    """Every limit that tunnels exceed, each by itself and together; numbered from 1 where there are several."""
    found: list[ViolationPart] = []
    for index, (_, figures) in enumerate(drilled, start=1):
        which = index if len(drilled) > 1 else UNSET
        # By rounding alone no limit is broken, as where a plan leaves for other programs.
        own = [item for item in violations(figures, spec) if not by_rounding(item.key, item.value, item.limit)]
        found += [item.part(which) for item in own]
        if figures.removed_fraction <= 0.0:
            found.append(ViolationPart("misses_lesion", 0.0, 0.0, which))
    together = set_violations(hip, [tunnel for tunnel, _ in drilled], spec)
    return found + [item.part() for item in together]
