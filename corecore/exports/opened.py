"""What every file made of a plan says of itself, and the plans that no file is made of.

A guide or an export leaves the folder where the plan explains itself. Each therefore names the
case, the side and the plan, and says that it is no medical device; a plan that exceeds a limit
leaves only with a reason, and the reason goes along.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from corecore.base.errors import InputError
from corecore.base.limits import by_rounding
from corecore.document.stamp import Provenance, told_violations
from corecore.document.stated import read_stated
from corecore.planning.open_plan import OpenedPlan, open_plan
from corecore.tunnels.limits import violations
from corecore.tunnels.tunnel_set import set_violations

#: Longest reason printed, characters: a sentence or two (engineering choice).
REASON_LONGEST = 300


def open_for_export(path: Path, accept_violations: str | None = None) -> tuple[OpenedPlan, Provenance]:
    """A plan opened again for a file that leaves its folder, and what that file must say.

    Raises ``InputError`` as ``reopen``; for a plan without tunnels, one edited after it was written,
    one that hides a broken limit, and one that breaks limits where no reason is given.
    """
    path = Path(path)
    # What the file alone tells comes first: building the hip takes seconds.
    stated = read_stated(path)
    written = stated.file.plan
    if stated.status == "infeasible":
        raise InputError(
            f"{path}: the plan is infeasible, it has no tunnel; a plan with tunnels is accepted",
            code="plan-without-tunnel",
        )
    if stated.sealed is False:
        raise InputError(
            f"{path}: was edited after it was written; a plan as corecore wrote it is accepted", code="plan-edited"
        )
    told = tuple(told_violations(written.violations))
    reason = " ".join((accept_violations or "").split())
    if told and not reason:
        raise InputError(
            f"{path}: exceeds limits: {', '.join(told)}; --accept-violations REASON is needed",
            code="plan-breaks-limits",
        )
    if len(reason) > REASON_LONGEST or not reason.isprintable():
        raise InputError(
            f"--accept-violations: {REASON_LONGEST} printable characters at most are accepted", code="option-value"
        )
    plan = open_plan(path)
    named = set(stated.violations)
    hidden = sorted(set(_broken(plan)) - named)
    if hidden:
        raise InputError(
            f"{path}: exceeds a limit that it does not list: {hidden[0]}; corecore verify shows the fault",
            code="plan-edited",
        )
    return plan, Provenance.of(written, stated.file.hash, reason)


def _broken(plan: OpenedPlan) -> Iterable[str]:
    """Keys of the limits that the plan's tunnels break beyond rounding."""
    free = replace(plan.spec, keep=())
    for index, (tunnel, figures) in enumerate(plan.tunnels):
        sizes = tunnel.diameter_mm, tunnel.cavity_diameter_mm, tunnel.cavity_length_mm
        own = replace(free, instrument=None).with_sizes(*sizes)
        own = replace(own, instrument=tunnel.instrument)
        if index < len(plan.spec.keep):
            # What else is fixed is not asked of a kept tunnel (corecore.tunnels.existing_tunnels).
            own = replace(own, entry_fixed=None, direction_fixed=None)
            figures = replace(figures, entry_from_fixed_mm=None, direction_from_fixed_deg=None)
        for item in violations(figures, own):
            if not by_rounding(item.key, item.value, item.limit):
                yield item.key
    for item in set_violations(plan.hip, [tunnel for tunnel, _ in plan.tunnels], plan.spec):
        if not by_rounding(item.key, item.value, item.limit):
            yield item.key
