"""What the errors of drilling do to a plan: breach probability, clearance and removed share.

Quasi-Monte-Carlo: scrambled Sobol points carried through the error model of a method, in
independent scramblings whose spread is the standard error that stands beside each figure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtri
from scipy.stats import qmc

from corecore.grid import FloatArray
from corecore.hip import Hip
from corecore.risk.kernel import ANTERIOR, INFERIOR, LATERAL, POSTERIOR, SUPERIOR, judge_poses
from corecore.risk.methods import Method, drift_factor
from corecore.spec import Spec
from corecore.threads import in_parts
from corecore.tunnel import Tunnel, across_axes, portal_lengths

#: Independent scramblings, and poses in each: 10,240 in all.
SCRAMBLES, POSES = 10, 1024
#: Numbers a drilled tunnel draws: entry (2), angle (2), depth, tail.
DRAWS = 6
#: About so many of the lesion's points stand for it: its share in a tunnel then errs by 0.3 %.
FEW_POINTS = 8000
REGIONS = {
    SUPERIOR: "neck, superior", ANTERIOR: "neck, anterior", INFERIOR: "neck, inferior",
    POSTERIOR: "neck, posterior", LATERAL: "lateral",
}  # fmt: skip


@dataclass(frozen=True)
class Estimate:
    """A figure and its standard error."""

    value: float
    standard_error: float


@dataclass(frozen=True)
class Risk:
    """Risk of a tunnel, or of a set of them, drilled by one method.

    A breach is wall or end outside the bone beyond the portal; through the head's surface it
    counts as a breach of the joint. Clearances in mm (5th and 50th percentile, over wall and
    end), removed fractions of the lesion. ``breaks_first`` shares the breaches out by place.
    """

    method: str
    poses: int
    cortex_breach: Estimate
    joint_breach: Estimate
    clearance_p05_mm: float
    clearance_p50_mm: float
    removed_fraction_mean: float
    removed_fraction_p05: float
    removed_fraction_p50: float
    breaks_first: dict[str, float]

    def as_dict(self) -> dict[str, Any]:
        """As in ``plan.json``."""
        return {
            "poses": self.poses,
            "cortex_breach_probability": self.cortex_breach.value,
            "cortex_breach_standard_error": self.cortex_breach.standard_error,
            "joint_breach_probability": self.joint_breach.value,
            "joint_breach_standard_error": self.joint_breach.standard_error,
            "clearance_p05_mm": self.clearance_p05_mm,
            "clearance_p50_mm": self.clearance_p50_mm,
            "removed_fraction_mean": self.removed_fraction_mean,
            "removed_fraction_p05": self.removed_fraction_p05,
            "removed_fraction_p50": self.removed_fraction_p50,
            "breaks_first": self.breaks_first,
        }


def execution_risk(hip: Hip, tunnels: list[Tunnel], spec: Spec, method: Method) -> tuple[list[Risk], Risk]:
    """The risk of each tunnel and of all together. The same plan gives the same figures on any machine."""
    entries, tips = drilled(hip, tunnels, method)
    sets, count = entries.shape[:2]
    points = hip.lesion.points_mm
    few = np.ascontiguousarray(points[:: max(1, len(points) // FEW_POINTS)].T.astype(np.float32))
    least, where = np.zeros((sets, count, 2)), np.zeros((sets, count), dtype=np.int64)
    removed = np.zeros((sets, count + 1), dtype=np.int64)
    frame, radii = _frame(hip), np.array([t.radius_mm for t in tunnels])
    portals = np.array([portal_lengths(hip, tunnel, spec)[0] for tunnel in tunnels])
    in_parts(
        sets,
        lambda p: judge_poses(
            hip.bone.distance_mm, hip.bone.spacing_mm, frame, entries[p], tips[p], radii, portals, few,
            least[p], where[p], removed[p],
        ),
    )  # fmt: skip
    share = removed / few.shape[1]
    each = [
        _risk(method, least[:, k : k + 1], where[:, k : k + 1], share[:, k]) for k in range(count)
    ]
    return each, _risk(method, least, where, share[:, count])


def drilled(hip: Hip, tunnels: list[Tunnel], method: Method) -> tuple[FloatArray, FloatArray]:
    """Entries and tips (N, K, 3) of the tunnels as a method may drill them, scrambling by scrambling."""
    count = len(tunnels)
    draws = np.concatenate(
        [qmc.Sobol(DRAWS * count, scramble=True, rng=np.random.default_rng(s)).random(POSES) for s in range(SCRAMBLES)]
    ).reshape(-1, count, DRAWS)
    # A point of the sequence may be 0 or 1 to the last bit, where the normal is infinite.
    normal = ndtri(np.clip(draws[..., :5], 1e-9, 1.0 - 1e-9))
    size = np.where(draws[..., 5] < method.tail_share, method.tail_factor, 1.0)
    entries, tips = np.empty((len(draws), count, 3)), np.empty((len(draws), count, 3))
    for k, tunnel in enumerate(tunnels):
        n, s = normal[:, k], size[:, k, None]
        on_surface = across_axes(hip.bone.mouth_normal(tunnel.entry)[0])
        beside = across_axes(tunnel.direction)
        angle = np.radians(method.angle_deg * drift_factor(tunnel.diameter_mm)) * s
        entries[:, k] = tunnel.entry + method.entry_mm * s * (n[:, 0:1] * on_surface[0] + n[:, 1:2] * on_surface[1])
        direction = tunnel.direction + np.tan(angle * n[:, 2:3]) * beside[0] + np.tan(angle * n[:, 3:4]) * beside[1]
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        length = np.maximum(tunnel.length_mm + method.depth_mm * s * n[:, 4:5], 1.0)
        tips[:, k] = entries[:, k] + length * direction
    return entries, tips


def _frame(hip: Hip) -> FloatArray:
    """Head centre, neck axis, superior, anterior and the head's radius, as the kernel takes them."""
    anatomy = hip.anatomy
    axis = anatomy.neck_axis
    up = anatomy.shaft_axis - (anatomy.shaft_axis @ axis) * axis
    up /= np.linalg.norm(up)
    front = np.cross(axis, up)
    front = front if front @ anatomy.y_axis >= 0.0 else -front
    return np.stack([anatomy.head_center, axis, up, front, np.full(3, anatomy.head_radius_mm)])


def _risk(method: Method, least: FloatArray, where: FloatArray, share: FloatArray) -> Risk:
    joint = np.any(least[:, :, 0] < 0.0, axis=1)
    cortex = np.any(least[:, :, 1] < 0.0, axis=1)
    clearance = least.min(axis=(1, 2))
    # Of a set, the tunnel that comes nearest breaks first.
    nearest = np.argmin(least.min(axis=2), axis=1)
    rows = np.arange(len(least))
    through_joint = least[rows, nearest, 0] < least[rows, nearest, 1]
    breached = clearance < 0.0
    places: dict[str, float] = {}
    if breached.any():
        total = float(np.count_nonzero(breached))
        places["joint"] = float(np.count_nonzero(breached & through_joint)) / total
        for region, name in REGIONS.items():
            here = breached & ~through_joint & (where[rows, nearest] == region)
            places[name] = float(np.count_nonzero(here)) / total
    low, middle = np.percentile(clearance, [5, 50])
    removed_low, removed_middle = np.percentile(share, [5, 50])
    return Risk(
        method=method.name,
        poses=len(least),
        cortex_breach=_estimate(cortex),
        joint_breach=_estimate(joint),
        clearance_p05_mm=float(low),
        clearance_p50_mm=float(middle),
        removed_fraction_mean=float(share.mean()),
        removed_fraction_p05=float(removed_low),
        removed_fraction_p50=float(removed_middle),
        breaks_first=places,
    )


def _estimate(happened: FloatArray) -> Estimate:
    """A probability from all poses; its standard error from the scramblings' spread, at least that of one pose."""
    means = happened.reshape(SCRAMBLES, POSES).mean(axis=1)
    spread = float(means.std(ddof=1) / np.sqrt(SCRAMBLES))
    # None of 10,240 does not mean never: the rule of three gives 3 / n at 95 %, a standard error of 1.5 / n.
    return Estimate(float(means.mean()), max(spread, 1.5 / len(happened)))
