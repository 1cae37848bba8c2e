"""What the errors of drilling do to a plan: breach probability, clearance and removed share.

Quasi-Monte-Carlo: a randomly shifted lattice carried through the error model of a method, in
independent shifts whose spread is the standard error that stands beside a figure.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from corecore.base.body import FLAT_END
from corecore.base.grid import FloatArray
from corecore.base.parallel import in_parts
from corecore.base.spec import Spec
from corecore.document.risk import RiskPart
from corecore.hip.hip import Hip
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.risk.drilling import SHIFTS, lesion_shifts, perturbed
from corecore.tunnels.risk.kernel import (
    ANTERIOR,
    CLEARANCE,
    CORTEX,
    HEAD,
    INFERIOR,
    JOINT,
    LATERAL,
    PIN,
    POSTERIOR,
    SUPERIOR,
    WHERE,
    BoneArrays,
    Bricks,
    DrillArrays,
    evaluate_poses,
    evaluate_walls,
    sort_into_bricks,
)
from corecore.tunnels.risk.methods import METHODS, Method

PLACES = {
    HEAD: "joint", SUPERIOR: "neck_superior", ANTERIOR: "neck_anterior", INFERIOR: "neck_inferior",
    POSTERIOR: "neck_posterior", LATERAL: "lateral", PIN: "pin",
}  # fmt: skip


@dataclass(frozen=True)
class Estimate:
    """A figure of the execution-error simulation with its standard error.

    Parameters
    ----------
    value : float
        The figure.
    standard_error : float
        Its standard error, from the spread of ten independent shifts of the sampling lattice.
    """

    value: float
    standard_error: float


@dataclass(frozen=True)
class Risk:
    """Execution-error simulation of a tunnel, or of a set, by one guidance method.

    A perforation is a wall, beyond the mouth of the entry hole, or an end outside the bone: of the joint where it
    lies proximal of the plane that bounds the head, else of the cortex. A guide pin that runs ahead counts like the
    rest.

    Parameters
    ----------
    method : str
        Name of the guidance method.
    poses : int
        Number of simulated drillings.
    cortex_breach : Estimate
        Probability of cortical perforation.
    joint_breach : Estimate
        Probability of joint penetration.
    perforation : Estimate
        Probability of either.
    clearance_p05_mm, clearance_p50_mm : Estimate
        5th percentile and median of the least clearance, mm, negative where it perforates.
    removed_fraction_mean, removed_fraction_p05, removed_fraction_p50 : Estimate
        Mean, 5th percentile and median of the necrosis removed, 0 to 1.
    breach_places : dict of str to float
        Shares of the perforations by where the wall lies farthest outside, or ``pin`` where that is the guide pin that
        runs ahead; empty where there is none.
    lesion_shift_mm : float or None, default 0
        Root mean square shift of a registered lesion that was simulated, mm; ``None``: unknown, not counted.
    """

    method: str
    poses: int
    cortex_breach: Estimate
    joint_breach: Estimate
    perforation: Estimate
    clearance_p05_mm: Estimate
    clearance_p50_mm: Estimate
    removed_fraction_mean: Estimate
    removed_fraction_p05: Estimate
    removed_fraction_p50: Estimate
    breach_places: dict[str, float]
    lesion_shift_mm: float | None = 0.0

    def part(self) -> RiskPart:
        """As in ``plan.json``: four digits, for 10,240 poses know no more; of standard errors five."""
        figures = {
            "cortex_breach_probability": self.cortex_breach,
            "joint_breach_probability": self.joint_breach,
            "perforation_probability": self.perforation,
            "clearance_p05_mm": self.clearance_p05_mm,
            "clearance_p50_mm": self.clearance_p50_mm,
            "removed_fraction_mean": self.removed_fraction_mean,
            "removed_fraction_p05": self.removed_fraction_p05,
            "removed_fraction_p50": self.removed_fraction_p50,
        }
        return RiskPart(
            **{name: round(figure.value, 4) for name, figure in figures.items()},
            standard_errors={name: round(figure.standard_error, 5) for name, figure in figures.items()},
            breach_places={name: round(share, 4) for name, share in self.breach_places.items()},
            poses=self.poses,
            lesion_shift_mm=None if self.lesion_shift_mm is None else round(self.lesion_shift_mm, 4),
        )


def by_method(
    hip: Hip, tunnels: list[Tunnel], spec: Spec, methods: dict[str, Method] = METHODS
) -> tuple[list[dict[str, RiskPart]], dict[str, RiskPart]]:
    """Risk of each tunnel and of all together by each method, as in ``plan.json``."""
    each: list[dict[str, RiskPart]] = [{} for _ in tunnels]
    together: dict[str, RiskPart] = {}
    if tunnels:
        # Methods that err alike are judged once.
        judged: dict[Method, tuple[list[Risk], Risk]] = {}
        for name, method in methods.items():
            alike = replace(method, name="")
            if alike not in judged:
                judged[alike] = execution_risk(hip, tunnels, spec, method)
            risks, whole = judged[alike]
            together[name] = whole.part()
            for table, risk in zip(each, risks, strict=True):
                table[name] = risk.part()
    return each, together


def execution_risk(
    hip: Hip, tunnels: list[Tunnel], spec: Spec, method: Method, *, seed: int = 0
) -> tuple[list[Risk], Risk]:
    """Risk of each tunnel and of all together; the same on any number of threads.

    A lesion from another scan lies elsewhere in every drilling, by what ``Move.lesion_shift_mm`` says, for all
    tunnels alike. ``seed`` chooses the shifts. Raises ``ValueError`` without a tunnel.
    """
    if not tunnels:
        raise ValueError("no tunnel; at least one is needed")
    entries, tips = perturbed(hip, tunnels, method, seed=seed)
    aside = lesion_shift_mm(hip)
    found, share = risk_of_poses(hip, tunnels, spec, entries, tips, shifts=lesion_shifts(aside or 0.0, seed=seed))
    each = [_risk(method, found[:, k : k + 1], share[:, k], aside) for k in range(len(tunnels))]
    return each, _risk(method, found, share[:, -1], aside)


def lesion_shift_mm(hip: Hip) -> float | None:
    """Root mean square length by which the lesion may lie elsewhere, mm; ``None`` where nobody knows."""
    return 0.0 if hip.case.move is None else hip.case.move.lesion_shift_mm


def risk_of_poses(
    hip: Hip,
    tunnels: list[Tunnel],
    spec: Spec,
    entries: FloatArray,
    tips: FloatArray,
    *,
    bricks: Bricks | None = None,
    shifts: FloatArray | None = None,
) -> tuple[FloatArray, FloatArray]:
    """What the kernel finds of drilled tunnels (N, K, 4), and the lesion's removed shares (N, K + 1).

    ``bricks`` are the lesion's own, where the caller has them already; ``shifts`` (N, 3) mm carry it along.
    """
    bricks = sort_into_bricks(hip.lesion.points_mm) if bricks is None else bricks
    sets, count = entries.shape[:2]
    found, removed = np.zeros((sets, count, 4)), np.zeros((sets, count + 1), dtype=np.int64)
    shifts = np.zeros((sets, 3)) if shifts is None else shifts
    arrays, drill = _bone_arrays(hip, spec), _drill_arrays(hip, tunnels, spec)
    in_parts(
        sets,
        lambda p: evaluate_poses(arrays, bricks, entries[p], tips[p], drill, shifts[p], found[p], removed[p]),
    )
    return found, removed / bricks.points.shape[1]


def clearances_of_poses(
    hip: Hip, tunnels: list[Tunnel], spec: Spec, entries: FloatArray, tips: FloatArray, *, farthest_mm: float
) -> FloatArray:
    """The clearances of drilled tunnels (N, K), mm, below 0 where they perforate; ``farthest_mm`` at most.

    As ``risk_of_poses`` finds them, to where rings stand on the wall: what is farther is passed over, for less time.
    """
    clearances = np.zeros(entries.shape[:2])
    arrays, drill = _bone_arrays(hip, spec), _drill_arrays(hip, tunnels, spec)
    in_parts(len(entries), lambda p: evaluate_walls(arrays, entries[p], tips[p], drill, farthest_mm, clearances[p]))
    return clearances


def least_clearances(hip: Hip, tunnels: list[Tunnel], spec: Spec, method: Method) -> FloatArray:
    """The least clearance of any of the tunnels in each of the drillings that a plan's figures come from (N,), mm."""
    entries, tips = perturbed(hip, tunnels, method)
    found = clearances_of_poses(hip, tunnels, spec, entries, tips, farthest_mm=math.inf)
    return np.asarray(found.min(axis=1))


def _bone_arrays(hip: Hip, spec: Spec) -> BoneArrays:
    bone = hip.bone
    return BoneArrays(bone.distance_mm, bone.mouth_field, bone.spacing_mm, _frame(hip), float(spec.cortical_margin_mm))


def _drill_arrays(hip: Hip, tunnels: list[Tunnel], spec: Spec) -> DrillArrays:
    """What the tunnels are drilled with; those with an end of their own share an instrument.

    Raises ``ValueError`` for two instruments whose ends are not flat.
    """
    ends = {tunnel.instrument: tunnel.body.end for tunnel in tunnels if tunnel.shaped}
    if len(ends) > 1:
        raise ValueError(f"{len(ends)} instruments whose ends are not flat; one is accepted")
    # The plan's own portal may come from a flatter incidence than is asked for, where a hand has set it.
    normals = hip.bone.mouth_normal(np.stack([tunnel.entry for tunnel in tunnels]))
    planned = np.abs(np.einsum("ij,ij->i", normals, np.stack([tunnel.direction for tunnel in tunnels])))
    sines = np.maximum(np.minimum(planned, np.sin(np.radians(spec.incidence_min_deg))), 1e-6)
    return DrillArrays(
        np.array([tunnel.radius_mm for tunnel in tunnels]),
        sines,
        np.array([tunnel.shaped for tunnel in tunnels]),
        next(iter(ends.values()), FLAT_END),
    )


def _frame(hip: Hip) -> FloatArray:
    """Head centre, neck axis, superior, anterior and the head's radius, as the kernel takes them."""
    anatomy = hip.anatomy
    axis = anatomy.neck_axis
    up = anatomy.shaft_axis - (anatomy.shaft_axis @ axis) * axis
    up /= np.linalg.norm(up)
    front = np.cross(axis, up)
    front = front if front @ anatomy.y_axis >= 0.0 else -front
    return np.stack([anatomy.head_center, axis, up, front, np.full(3, anatomy.head_radius_mm)])


def _risk(method: Method, found: FloatArray, share: FloatArray, shift_mm: float | None) -> Risk:
    # Of a set, the tunnel that comes nearest speaks for it.
    nearest = np.argmin(found[:, :, CLEARANCE], axis=1)
    rows = np.arange(len(found))
    clearance = found[rows, nearest, CLEARANCE]
    where = found[rows, nearest, WHERE][clearance < 0.0]
    places = {name: float(np.mean(where == place)) for place, name in PLACES.items()} if len(where) else {}
    if not places.get(PLACES[PIN]):
        places.pop(PLACES[PIN], None)
    return Risk(
        method=method.name,
        poses=len(found),
        cortex_breach=_probability(found[:, :, CORTEX].max(axis=1)),
        joint_breach=_probability(found[:, :, JOINT].max(axis=1)),
        perforation=_probability(found[:, :, [CORTEX, JOINT]].max(axis=(1, 2))),
        clearance_p05_mm=_percentile(clearance, 5),
        clearance_p50_mm=_percentile(clearance, 50),
        removed_fraction_mean=_estimate(float(share.mean()), share.reshape(SHIFTS, -1).mean(axis=1)),
        removed_fraction_p05=_percentile(share, 5),
        removed_fraction_p50=_percentile(share, 50),
        breach_places=places,
        lesion_shift_mm=shift_mm,
    )


def _probability(happened: FloatArray) -> Estimate:
    found = _estimate(float(happened.mean()), happened.reshape(SHIFTS, -1).mean(axis=1))
    # None of 10,240 does not mean never: the rule of three gives 3 / n at 95 %, a standard error of 1.5 / n.
    return Estimate(found.value, max(found.standard_error, 1.5 / len(happened)))


def _percentile(values: FloatArray, percent: float) -> Estimate:
    parts = np.percentile(values.reshape(SHIFTS, -1), percent, axis=1)
    return _estimate(float(np.percentile(values, percent)), parts)


def _estimate(value: float, parts: FloatArray) -> Estimate:
    """A figure of all poses; its standard error from the spread of the shifts' own figures."""
    return Estimate(value, float(parts.std(ddof=1) / np.sqrt(len(parts))))
