"""The errors of drilling and what a plan says they do, as ``plan.json`` states them."""

from __future__ import annotations

from dataclasses import dataclass, field

from corecore.document.json_reader import JsonValue

#: A lesion that was registered lies elsewhere by this at least, mm (root mean square; ``docs/design/risk.md``).
SHIFT_LEAST_MM = 0.5
#: Figures of risk that are computed again.
JUDGED = (
    "cortex_breach_probability",
    "joint_breach_probability",
    "removed_fraction_mean",
    "removed_fraction_p05",
    "removed_fraction_p50",
)


@dataclass(frozen=True)
class Errors:
    """Standard deviations of a method: entry (each of two directions), angle (about each of two axes), depth."""

    entry_mm: float
    angle_deg: float
    depth_mm: float
    tail_share: float
    tail_factor: float


@dataclass(frozen=True)
class StatedRisk:
    """Figures of ``JUDGED`` by name, and their standard errors, for one tunnel or for all together."""

    figures: dict[str, float]
    standard_errors: dict[str, float]
    #: How far the lesion lay elsewhere, mm (root mean square); ``None`` where the plan says unknown.
    lesion_shift_mm: float | None = 0.0
    #: Whether the plan says anything of it: those of earlier versions do not.
    shift_told: bool = False


@dataclass(frozen=True)
class PlanRisk:
    """Methods by name; risk by method of each tunnel and of all together. Empty in plans that state none.

    ``lesion_shift_mm`` follows from how the lesion came into the femur's world: not at all (0), by a registration
    with its residual, or by a transform whose fit nobody knows (``None``).
    """

    methods: dict[str, Errors] = field(default_factory=dict)
    tunnels: tuple[dict[str, StatedRisk], ...] = ()
    totals: dict[str, StatedRisk] = field(default_factory=dict)
    lesion_shift_mm: float | None = 0.0


def read_risk(root: JsonValue) -> PlanRisk:
    """The risk of a plan. Raises ``InputError`` where it names a method that it does not describe."""
    described = root.optional("risk_methods")
    if described is None:
        return PlanRisk()
    if not isinstance(described.value, dict):
        described.fail("an object of methods")
    methods = {name: _errors(described.child(name)) for name in described.value}
    tunnels = tuple(_by_method(tunnel, methods) for tunnel in root.child("tunnels").items())
    return PlanRisk(methods, tunnels, _by_method(root.child("totals"), methods), _lesion_shift(root.child("case")))


def _lesion_shift(case: JsonValue) -> float | None:
    moved = case.optional("lesion_transform")
    if moved is None:
        return 0.0
    residual = moved.optional("residual_mm")
    return None if residual is None else max(residual.number(0.0, 50.0), SHIFT_LEAST_MM)


def _errors(node: JsonValue) -> Errors:
    return Errors(
        entry_mm=node.child("entry_mm").number(0.0, 20.0),
        angle_deg=node.child("angle_deg").number(0.0, 20.0),
        depth_mm=node.child("depth_mm").number(0.0, 20.0),
        tail_share=node.child("tail_share").number(0.0, 1.0),
        tail_factor=node.child("tail_factor").number(1.0, 10.0),
    )


def _by_method(node: JsonValue, methods: dict[str, Errors]) -> dict[str, StatedRisk]:
    risk = node.optional("risk")
    if risk is None:
        return {}
    if not isinstance(risk.value, dict) or not set(risk.value) <= set(methods):
        risk.fail("an object of the methods in risk_methods")
    return {name: _stated(risk.child(name)) for name in risk.value}


def _stated(node: JsonValue) -> StatedRisk:
    errors, shift = node.child("standard_errors"), node.optional("lesion_shift_mm")
    told = "lesion_shift_mm" in node.value
    return StatedRisk(
        {key: node.child(key).number(0.0, 1.0) for key in JUDGED},
        {key: errors.child(key).number(0.0, 1.0) for key in JUDGED},
        None if told and shift is None else 0.0 if shift is None else shift.number(0.0, 50.0),
        told,
    )
