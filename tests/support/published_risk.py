"""Published counts and errors of drilling, and what the built-in methods predict for series of that size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from corecore.base.grid import FloatArray
from corecore.base.spec import Spec
from corecore.hip.hip import Hip
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.risk.drilling import perturbed
from corecore.tunnels.risk.execution import execution_risk
from corecore.tunnels.risk.methods import METHODS
from support.risk_twin import neck_tunnel


@dataclass(frozen=True)
class Compared:
    """A published figure beside the model's, and the interval in which 95 % of series of that size would lie."""

    what: str
    published: float
    predicted: float
    low: float
    high: float
    source: str

    @property
    def covered(self) -> bool:
        return self.low <= self.published <= self.high


def middle_tunnels(hip: Hip, count: int, diameter_mm: float) -> list[Tunnel]:
    """Parallel tunnels about the neck's axis, side by side over 8 mm, each ending 5 mm below the head's surface."""
    beyond = hip.anatomy.head_radius_mm - 5.0 - 2.0
    sides = np.linspace(-4.0, 4.0, count) if count > 1 else [0.0]
    return [neck_tunnel(hip, diameter_mm=diameter_mm, tip_beyond_mm=beyond, side_mm=float(side)) for side in sides]


def _mean(what: str, published: float, values: FloatArray, count: int, source: str) -> Compared:
    half = 1.96 * float(values.std()) / np.sqrt(count)
    return Compared(
        what, published, float(values.mean()), float(values.mean()) - half, float(values.mean()) + half, source
    )


def _errors(hip: Hip, tunnel: Tunnel, method: str) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Entry's error (mm), angle (degrees), tip's error (mm), and the tip's across the tunnel along two axes (N, 2)."""
    entries, tips = perturbed(hip, [tunnel], METHODS[method])
    entry, tip = entries[:, 0], tips[:, 0]
    ways = (tip - entry) / np.linalg.norm(tip - entry, axis=1, keepdims=True)
    angle = np.degrees(np.arccos(np.clip(ways @ tunnel.direction, -1.0, 1.0)))
    basis = np.stack(tunnel.ring_basis())
    off = tip - tunnel.tip
    return np.linalg.norm(entry - tunnel.entry, axis=1), angle, np.linalg.norm(off, axis=1), off @ basis.T


def joint_counts(hip: Hip) -> list[Compared]:
    """Hips with a perforated head, of series drilled under fluoroscopy."""
    found = []
    for hits, hips, count, diameter, source in (
        (1, 128, 1, 10.0, "Fairbank 1995, PMID 7822394; one core"),
        (0, 45, 3, 3.0, "Mont 2004, PMID 15577477; pins of 3 mm, here three"),
        (0, 33, 8, 3.6, "koreamed 1113475; 4 to 13 holes of 3.6 mm, here eight"),
    ):
        chance = execution_risk(hip, middle_tunnels(hip, count, diameter), Spec(), METHODS["fluoroscopy"])[1]
        share = chance.joint_breach.value
        low, high = stats.binom.ppf((0.025, 0.975), hips, share)
        found.append(Compared(f"head perforated, hips of {hips}", hits, hips * share, float(low), float(high), source))
    return found


def published_errors(hip: Hip) -> list[Compared]:
    """Errors of length and angle, in mm and degrees, means of series."""
    core = middle_tunnels(hip, 1, 8.0)[0]
    pin, bell, wire = (middle_tunnels(hip, 1, size)[0] for size in (3.2, 4.19, 2.8))
    found = []
    for tunnel, published, count, what in ((pin, 3.58, 10, "pins"), (core, 3.91, 12, "trephine")):
        across = np.linalg.norm(_errors(hip, tunnel, "fluoroscopy")[3], axis=1)
        found.append(
            _mean(
                f"fluoroscopy, {what}: off the target, mm",
                published,
                across,
                count,
                "Woerner 2023, 10.1007/s00402-022-04753-2",
            )
        )
    _, angle, tip, _ = _errors(hip, bell, "guide_best")
    found.append(_mean("guide_best: tip, mm", 1.44, tip, 3, "Bell 2024, 10.1186/s41205-024-00208-z"))
    found.append(_mean("guide_best: angle, deg", 1.093, angle, 3, "Bell 2024"))
    entry, angle, _, _ = _errors(hip, wire, "guide")
    found.append(_mean("guide: entry, mm", 3.19, entry, 15, "Roytman 2022, 10.1186/s41205-022-00146-8"))
    found.append(_mean("guide: angle, deg", 4.10, angle, 15, "Roytman 2022"))
    for diameter, published in ((5.0, 3.20), (3.2, 5.68), (2.8, 8.19), (2.5, 9.27)):
        off = _errors(hip, middle_tunnels(hip, 1, diameter)[0], "navigated")[3]
        summed = np.abs(off).sum(axis=1)
        found.append(
            _mean(f"navigated, {diameter:g} mm: two views' errors, mm", published, summed, 24, "JBJS-B 92 Supp II 353")
        )
    entry, _, _, _ = _errors(hip, core, "robot")
    found.append(_mean("robot: entry, mm", 1.5, entry, 115, "Han 2019, 10.3171/2018.10.SPINE18487"))
    return found
