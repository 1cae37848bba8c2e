"""The headline's colours again, from the plan's figures and a table of its own (``docs/headline.md``)."""

from __future__ import annotations

from collections.abc import Iterator

from corecore.document.fields import known, listed
from corecore.document.plan import PlanDocument
from corecore.verification.report import Check, compared

#: The worse of two colours is the later.
COLORS = ("green", "amber", "red")
#: Warnings that are red, and those that weigh nothing; every other is amber.
STOP = frozenset({
    "side_name", "collapse", "flattening", "draft_femur", "draft_joint_unclear", "breach_limit_not_met", "accepted",
    "focus_missed",
})  # fmt: skip
NOTE = frozenset({
    "bone_specks", "lesion_specks", "label_names_unread", "holes_filled", "mask_thresholded", "loose_bone",
    "straightened", "avoid_far", "entry_moved", "ends_exchanged", "no_bound", "fewer_tunnels", "reviewed", "notes",
    "signed", "acetabulum_population", "teardrop_population", "acetabulum_not_in_view", "greater_trochanter_missing",
    "objective_most",
})  # fmt: skip
#: Those that a row of their own tells.
ROWED = frozenset({"late_stage", "open_physis", "neck_area_share"})


def headline_checks(plan: PlanDocument) -> Iterator[Check]:
    """The colour of every row and of the whole; older plans state none."""
    stated = known(plan.headline)
    if stated is None:
        return
    own = dict(_rows(plan))
    told = {row.key: row for row in stated.rows}
    yield compared("headline.rows (keys)", sorted(told), sorted(own), 0.0)
    for index, row in enumerate(stated.rows):
        yield compared(f"headline.rows[{index}].color", row.color, own.get(row.key, "no such row"), 0.0)
    worst = max(own.values(), key=COLORS.index, default="amber")
    yield compared("headline.color", stated.color, worst, 0.0)
    named = {"green": "No measured", "amber": "Weigh before drilling", "red": "Factors against this plan"}[worst]
    begin = named if plan.tunnels else "No tunnel"
    yield compared("headline.sentence", stated.sentence[: len(begin)], begin, 0.0)


def _over(value: float | None, amber: float, red: float) -> str:
    return "amber" if value is None else "red" if value > red else "amber" if value > amber else "green"


def _rows(plan: PlanDocument) -> Iterator[tuple[str, str]]:
    totals, necrosis, signs = plan.totals, plan.necrosis, plan.necrosis.signs
    share = known(totals.removed_fraction) if plan.tunnels else 0.0
    yield "removed", "red" if share == 0.0 else "green" if share is not None and share >= 0.08 else "amber"
    if plan.tunnels:
        if known(necrosis.weight_bearing.volume_fraction) != 0.0:
            yield "removed_weight_bearing", "green" if known(totals.removed_weight_bearing_fraction) else "amber"
        if len(necrosis.components) > 1:
            foci = listed(totals.foci_removed_fraction)
            missed = 0.0 in foci or not foci
            yield "removed_per_focus", "red" if foci and foci[0] == 0.0 else "amber" if missed else "green"
        risk = (known(totals.risk) or {}).get(known(plan.spec.guidance) or "")
        often = None if risk is None else known(risk.perforation_probability)
        yield "perforation", _over(often, 1.0 / 128.0, 0.0428)
        yield "neck", _over(known(totals.neck_area_share), 0.2, 2.0)
        left = known(totals.bone_left)
        yield "lateral_wall", _over(None if left is None else known(left.lateral_wall_share), 1.0 / 3.0, 0.5)
    for number, broken in enumerate(plan.violations):
        yield f"violation_{number}_{known(broken.key)}", "red"
    stage, physis = known(signs.stage), known(signs.physis)
    yield "stage", "amber" if stage is None else "red" if known(stage.collapsed) else "green"
    yield "physis", {"open": "red", "closed": "green"}.get(str(physis), "amber")
    classes = known(necrosis.classes) or {}
    size, jic, angle = (classes.get(path) for path in ("steinberg", "jic.type", "kerboul.grade"))
    low, high = (None, None) if size is None else (known(size.low), known(size.high))
    if known(necrosis.lower_bound):
        yield "size", "red"
    elif low is None or high is None:
        yield "size", "amber"
    else:
        yield "size", "red" if low > 0.3 else "amber" if high >= 0.21 else "green"
    area = known(necrosis.weight_bearing.surface_fraction)
    turned = (known(necrosis.frame_range) or {}).get("weight_bearing.surface_fraction", [0.0])
    small = area is not None and area < 0.25 and turned[-1] < 0.25
    yield "weight_bearing_area", "green" if small else "amber"
    kinds = [] if jic is None else jic.range
    unseen = any(one.covered_share is None and known(one.surface_fraction) for one in necrosis.components)
    good = bool(kinds) and {*kinds} <= {"A", "B"} and not unseen
    yield "location", "red" if kinds == ["C2"] else "green" if good else "amber"
    low, high = (None, None) if angle is None else (known(angle.low), known(angle.high))
    if low is None or high is None:
        yield "angle", "amber"
    else:
        yield "angle", "red" if low >= 240.0 else "amber" if high > 190.0 or unseen else "green"
    for warning in plan.warnings:
        code = known(warning.code) or "?"
        if code not in NOTE | ROWED:
            yield code, "red" if code in STOP else "amber"
