"""The errors of drilling and what a plan says they do, as ``plan.json`` states them."""

from __future__ import annotations

from dataclasses import dataclass, field

from corecore.verify.node import Node

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


@dataclass(frozen=True)
class PlanRisk:
    """Methods by name; risk by method of each tunnel and of all together. Empty in plans that state none."""

    methods: dict[str, Errors] = field(default_factory=dict)
    tunnels: tuple[dict[str, StatedRisk], ...] = ()
    totals: dict[str, StatedRisk] = field(default_factory=dict)


def read_risk(root: Node) -> PlanRisk:
    """The risk of a plan. Raises ``InputError`` where it names a method that it does not describe."""
    described = root.optional("risk_methods")
    if described is None:
        return PlanRisk()
    if not isinstance(described.value, dict):
        described.fail("an object of methods")
    methods = {name: _errors(described.child(name)) for name in described.value}
    tunnels = tuple(_by_method(tunnel, methods) for tunnel in root.child("tunnels").items())
    return PlanRisk(methods, tunnels, _by_method(root.child("totals"), methods))


def _errors(node: Node) -> Errors:
    return Errors(
        entry_mm=node.child("entry_mm").number(0.0, 20.0),
        angle_deg=node.child("angle_deg").number(0.0, 20.0),
        depth_mm=node.child("depth_mm").number(0.0, 20.0),
        tail_share=node.child("tail_share").number(0.0, 1.0),
        tail_factor=node.child("tail_factor").number(1.0, 10.0),
    )


def _by_method(node: Node, methods: dict[str, Errors]) -> dict[str, StatedRisk]:
    risk = node.optional("risk")
    if risk is None:
        return {}
    if not isinstance(risk.value, dict) or not set(risk.value) <= set(methods):
        risk.fail("an object of the methods in risk_methods")
    return {name: _stated(risk.child(name)) for name in risk.value}


def _stated(node: Node) -> StatedRisk:
    errors = node.child("standard_errors")
    return StatedRisk(
        {key: node.child(key).number(0.0, 1.0) for key in JUDGED},
        {key: errors.child(key).number(0.0, 1.0) for key in JUDGED},
    )
