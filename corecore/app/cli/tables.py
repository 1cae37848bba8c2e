"""Results as tables that a surgeon can read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import UnsetType
from rich.console import Console
from rich.table import Table
from rich.text import Text

from corecore.base.messages import Severity, severity_of
from corecore.base.notice import NOTICE
from corecore.document.case import CasePart, WarningPart
from corecore.document.fields import known, listed
from corecore.document.headline import MARKS, stated_headline
from corecore.document.measures import MeasuresDocument
from corecore.document.necrosis import NecrosisPart
from corecore.document.plan import AlternativePart, PlanDocument, RobustPart
from corecore.document.risk import OutlineRiskPart, RiskPart
from corecore.document.spec import SpecPart
from corecore.document.text import UNKNOWN, chance, guidance_text, percent, quantity, text_of
from corecore.document.totals import BoneLeftPart, TotalsPart, says_something
from corecore.document.tunnels import ExplanationPart, PlannedTunnelPart

#: Foci that a table lists.
FOCI_SHOWN = 4
#: Widest columns of a verification, and its longest word, characters.
CHECK_COLUMNS, WORD_MAX = (76, 28, 28, 16), 28

if TYPE_CHECKING:
    from corecore.verification.report import Check, Verification


def print_measures(measured: MeasuresDocument, summary: str) -> None:
    """The summary of a hip, and its measures."""
    console = Console(highlight=False)
    console.print(summary, soft_wrap=True, markup=False)
    console.print()
    table = _table(f"{_hip(measured.case)}: necrosis")
    for name, value in _necrosis_rows(measured):
        table.add_row(name, value)
    console.print(table)
    _warnings(console, measured.warnings)
    console.print(NOTICE, style="dim")


def print_plan(plan: PlanDocument, folder: Path) -> None:
    """A plan, and where its files are."""
    console = Console(highlight=False)
    headline = stated_headline(plan)
    style = {"green": "bold green", "amber": "bold yellow", "red": "bold red"}[headline.color]
    console.print(f"{MARKS[headline.color]} {headline.sentence}", style=style, soft_wrap=True, markup=False)
    table = _table(f"{_hip(plan.case)}: {plan.status}")
    for name, value in _necrosis_rows(plan.necrosis):
        table.add_row(name, value)
    for number, tunnel in enumerate(plan.tunnels, start=1):
        table.add_section()
        for name, value in _tunnel_rows(tunnel, number, plan.spec):
            table.add_row(name, value)
    if plan.tunnels:
        table.add_section()
        for name, value in (*_guidance_rows(plan), *_total_rows(plan.totals, len(plan.tunnels), plan.spec)):
            table.add_row(name, value)
    console.print(table)
    # The table has location and figures already.
    print_explanations([told for t in plan.tunnels if (told := known(t.explanation)) is not None], brief=True)
    risks = known(plan.totals.risk)
    if risks:
        console.print(_risk_table(risks))
        if not isinstance(plan.case.lesion_transform, UnsetType):
            shift = known(next(iter(risks.values())).lesion_shift_mm)
            counted = "unknown, not included" if shift is None else f"included as {shift:.2f} mm (root mean square)"
            console.print(f"error of the lesion's registration: {counted}", soft_wrap=True)
    if plan.alternatives:
        console.print(_alternatives_table(plan.alternatives))
    robust, infeasible = known(plan.robust), known(plan.infeasible)
    if robust is not None:
        _print_robust(console, robust)
    if plan.status == "manual":
        _print_judgement(console, plan)
    if infeasible is not None:
        console.print(f"No tunnel: {known(infeasible.text) or UNKNOWN}", style="bold red", soft_wrap=True)
        for way in infeasible.relaxations[:4]:
            if known(way.confirmed):
                needed, limit = quantity(way.needed, "{:g}"), quantity(way.limit, "{:g}")
                console.print(f"  with {text_of(way.key)} at {needed} instead of {limit} there is one")
    _warnings(console, plan.warnings)
    console.print(NOTICE, style="dim")
    names = ("plan.json", "measures.json", "preview.png", "preview.html", "report.html", "report.pdf")
    files = [name for name in names if (folder / name).exists()]
    console.print("written: " + "  ".join(str(folder / name) for name in files), soft_wrap=True)


def print_explanations(told: Sequence[ExplanationPart], *, brief: bool = False) -> None:
    """Why each tunnel is where it is, a paragraph each; ``brief``: without what the plan's table says."""
    console = Console(highlight=False)
    for number, item in enumerate(told, start=1):
        text = known(item.text) or UNKNOWN
        if brief:
            start = text.find("Nearest to ")
            text = text[max(start, 0) :]
        console.print(f"tunnel {number}: {text}", soft_wrap=False, markup=False)


def _print_robust(console: Console, found: RobustPart) -> None:
    """What planning for a method's errors brought, and what it costs."""
    plain = known(found.plain)
    plain_risk = None if plain is None else known(plain.risk)
    for name, risk in (("this plan", known(found.risk)), ("plan without --robust", plain_risk)):
        if risk is not None:
            console.print(
                f"guidance {text_of(found.method)}, {name}: removes {quantity(risk.removed_fraction_mean, '{:.1%}')}"
                f" on average, perforates the cortex in {_chance(risk.cortex_breach_probability, risk)},"
                f" penetrates the joint in {_chance(risk.joint_breach_probability, risk)}",
                soft_wrap=True,
            )
    cost = quantity(found.cost_removed_fraction, "{:.1%}")
    console.print(f"as planned it removes {cost} of the necrosis less than the plan without --robust", soft_wrap=True)


def _print_judgement(console: Console, plan: PlanDocument) -> None:
    """The limits that a given path exceeds, and the best tunnel near it."""
    for item in plan.violations:
        value = "not measurable" if item.value is None else quantity(item.value, "{:.4g}")
        limit = quantity(item.limit, "{:g}")
        console.print(f"EXCEEDS LIMIT {text_of(item.key)}: {value} (limit {limit})", style="bold red", markup=False)
    if not plan.violations:
        console.print("within every limit", style="green")
    near = known(plan.nearest)
    if near is None:
        console.print(f"no tunnel within limits near it: {known(plan.nearest_reason)}", soft_wrap=True, markup=False)
        return
    console.print(
        f"best tunnel near it within every limit: removes {quantity(near.removed_fraction, '{:.1%}')} of the necrosis;"
        f" entry moved by {quantity(near.entry_moved_mm)} mm, tip by {quantity(near.tip_moved_mm)} mm,"
        f" turned {quantity(near.turned_deg)}°",
        soft_wrap=True,
    )
    console.print(f"  entry {_point(near.entry)}   tip {_point(near.tip)}   (RAS mm)", soft_wrap=True)


def print_verification(result: Verification, *, brief: bool = False) -> None:
    """Each figure beside its independent recalculation; with ``brief`` only the verdict and what disagrees."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=140)
    shown = [c for c in result.checks if not (brief and c.ok)]
    if shown:
        _print_checks(console, shown)
    for message in result.messages:
        # A file that was moved is no fault.
        console.print(message, style="yellow" if result.agrees else "bold red", markup=False)
    good = sum(c.ok for c in result.checks)
    if result.figures:
        told = ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in result.totals.items())
        console.print(f"figures of the plan and its files: {told} (--json lists each with its reason)")
    if result.agrees:
        console.print(f"verify: the independent recalculation agrees on all {good} figures", style="green")
    else:
        console.print(f"verify: DISAGREES on {len(result.checks) - good} of {len(result.checks)} figures", style="red")


def _print_checks(console: Console, checks: Sequence[Check]) -> None:
    """A line for each figure, in columns; hundreds of them are laid out at once, which a table of rich takes long for.

    A cell wider than its column moves the rest of its line.
    """
    rows = [("figure", "plan", "recalculated", "tolerance"), *(
        (check.name, _cell(check.stated), _cell(check.found), f"{check.tolerance:g} {check.unit}") for check in checks
    )]  # fmt: skip
    widths = [
        min(max(map(len, cells)), most) for cells, most in zip(zip(*rows, strict=True), CHECK_COLUMNS, strict=True)
    ]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    text = Text("independent recalculation\n").append(f"{lines[0]}\n", style="bold")
    for line, check in zip(lines[1:], checks, strict=True):
        text.append(f"{line}  ")
        text.append("agrees\n" if check.ok else "DISAGREES\n", style="green" if check.ok else "bold red")
    console.print(text, soft_wrap=True, end="")


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", show_header=bool(columns))
    for column in columns or ("", ""):
        table.add_column(column)
    return table


def _hip(case: CasePart) -> str:
    return f"{known(case.id) or UNKNOWN}, {case.side.upper()} hip"


def _necrosis_rows(necrosis: NecrosisPart) -> list[tuple[str, str]]:
    loaded, kerboul, index, jic = necrosis.weight_bearing, necrosis.kerboul, necrosis.necrotic_index, necrosis.jic
    # What the scan's edge cuts has lower bounds and no class.
    cut = known(necrosis.lower_bound) is True
    least, of_head = ("at least ", " in the scan") if cut else ("", "")
    no_class = "none: the edge of the scan cuts"
    extent = f"{text_of(necrosis.steinberg)} (by the sphere {text_of(necrosis.steinberg_sphere)})"
    grade = ", grade " + _class(necrosis, "kerboul.grade", text_of(kerboul.grade))
    estimated = " (estimated: acetabulum not segmented)" if jic.basis == "population" else ""
    location = _class(necrosis, "jic.type", text_of(jic.type_range) + estimated)
    foci = necrosis.components
    several = (
        [
            (f"focus {text_of(one.number)}", f"{quantity(one.volume_ml, '{:.2f} ml')}, {text_of(one.place)}")
            for one in foci[:FOCI_SHOWN]
        ]
        if len(foci) > 1
        else []
    )
    shares = quantity(necrosis.head_fraction, "{:.1%}"), quantity(necrosis.sphere_fraction, "{:.1%}")
    cap = quantity(loaded.cap_half_angle_deg, "cap of {:g}°")
    return [
        ("necrosis", least + quantity(necrosis.volume_ml, "{:.2f} ml")),
        *several,
        (f"of the head{of_head}", f"{shares[0]} (of its sphere {shares[1]})"),
        ("lesion size (Steinberg)", no_class if cut else extent),
        ("of the weight-bearing area", f"{least}{quantity(loaded.surface_fraction, '{:.0%}')} ({cap})"),
        (
            "modified Kerboul angle",
            f"{least}{quantity(kerboul.combined_deg, '{:.0f}°')} (coronal {quantity(kerboul.coronal_deg, '{:.0f}°')},"
            f" sagittal {quantity(kerboul.sagittal_deg, '{:.0f}°')}){grade}",
        ),
        ("necrotic index", f"{quantity(index.original, '{:.0f}')}, modified {quantity(index.modified, '{:.0f}')}"),
        ("JIC type", no_class if cut else location),
        ("in the weight-bearing sector", f"{quantity(loaded.volume_fraction, '{:.0%}')} of the necrosis"),
        (
            "bone above it there",
            "none of it there" if loaded.depth_mm is None else quantity(loaded.depth_mm, "{:.1f} mm at the thinnest"),
        ),
    ]


def _class(necrosis: NecrosisPart, path: str, point: str) -> str:
    """A class with all that it may be, or why there is none; ``point`` in plans that state no ranges."""
    kinds = (known(necrosis.classes) or {}).get(path)
    if kinds is None:
        return point
    if not kinds.range:
        reason = known(kinds.not_classifiable)
        return "not classifiable" + ("" if reason is None else f": {reason}")
    return point if path == "jic.type" else "/".join(reversed(kinds.range))


def _tunnel_rows(tunnel: PlannedTunnelPart, number: int, spec: SpecPart) -> list[tuple[str, str]]:
    below, front = known(tunnel.entry_below_greater_trochanter_mm), known(tunnel.entry_anterior_mm)
    place = [quantity(tunnel.entry_above_lesser_trochanter_mm, "{:.1f} mm above the lesser trochanter")]
    if below is not None:
        place.append(f"{below:.1f} mm below the greater trochanter's tip")
    if front is not None:
        place.append(f"{abs(front):.1f} mm {'anterior' if front >= 0 else 'posterior'} to the mid-lateral line")
    direction = [quantity(tunnel.ap_angle_deg, "{:.0f}° to the shaft in the AP view")]
    tilt = known(tunnel.lateral_tilt_deg)
    if tilt is not None:
        direction.append(f"{abs(tilt):.0f}° {'anterior' if tilt >= 0 else 'posterior'} in the lateral view")
    kept = " (existing)" if known(tunnel.kept) else ""
    drill = f"{tunnel.diameter_mm:g} mm drill, {quantity(tunnel.length_mm)} mm to the tip{kept}"
    if known(tunnel.cavity_diameter_mm) is not None:
        size = f"{quantity(tunnel.cavity_diameter_mm, '{:g}')} x {quantity(tunnel.cavity_length_mm, '{:g}')}"
        drill += f",\ncavity of {size} mm there"
    avoid = known(tunnel.avoid_clearance_mm)
    incidence = quantity(tunnel.incidence_deg, "{:.0f}°")
    return [
        (f"tunnel {number}", drill),
        ("removes", quantity(tunnel.removed_fraction, "{:.1%} of the necrosis")),
        ("entry", ",\n".join(place)),
        ("direction", ", ".join(direction)),
        ("to the cortex", _limit(tunnel.cortical_clearance_mm, spec.cortical_margin_mm)),
        ("to the joint", _limit(tunnel.joint_clearance_mm, spec.joint_margin_mm)),
        *([] if avoid is None else [("to the region to avoid", _limit(avoid, spec.avoid_margin_mm))]),
        ("drill–cortex angle", f"{incidence} (at least {quantity(spec.incidence_min_deg, '{:g}°')})"),
        ("entry, RAS mm", _point(tunnel.entry)),
        ("tip, RAS mm", _point(tunnel.tip)),
    ]


def _guidance_rows(plan: PlanDocument) -> list[tuple[str, str]]:
    """How it will be drilled, how often that perforates, and how much of the most it removes."""
    guidance, points = known(plan.spec.guidance), listed(plan.tradeoff)
    if guidance is None:
        return []
    rows = [("guidance", guidance_text(guidance))]
    at = next((point for point in points if point.chosen), None)
    if at is not None:
        poses = next((known(risk.poses) for risk in (known(plan.totals.risk) or {}).values()), None)
        often = chance(at.perforation_probability, poses)
        most = chance(points[-1].perforation_probability, poses)
        rows += [
            ("perforation", f"cortex or joint in {often} of simulated drillings\n({most} for the most removed)"),
            ("of the most found", f"{percent(plan.totals.removed_share_of_best)} removed; the safest found with"
             f" {quantity(plan.spec.near_best_share, '{:g} %', 100.0)}\nand more"),
        ]  # fmt: skip
    return rows


def _total_rows(totals: TotalsPart, tunnels: int, spec: SpecPart) -> list[tuple[str, str]]:
    bearing, target = known(totals.removed_weight_bearing_fraction), known(spec.target) or "lesion"
    reached = quantity(totals.reached_3mm_fraction, "{:.0%}"), quantity(totals.reached_5mm_fraction, "{:.0%}")
    return [
        *([] if target == "lesion" else [(f"target: {target}", quantity(totals.target_fraction, "{:.1%}"))]),
        (
            "necrosis removed",
            f"{percent(totals.removed_fraction)} ({quantity(totals.necrosis_removed_ml, '{:.2f} ml')};"
            f" {quantity(totals.necrosis_left_ml, '{:.2f} ml')} residual)",
        ),
        *_outline_rows(known(totals.outline)),
        (
            "reachable",
            f"{percent(totals.reachable_fraction)} of the necrosis lies deeper than the joint margin",
        ),
        ("upper bound", _bound(totals, tunnels, spec)),
        ("in the weight-bearing zone", "none there" if bearing is None else f"{bearing:.1%} removed"),
        ("near a tunnel", f"{reached[0]} within 3 mm, {reached[1]} within 5 mm"),
        (
            "graft required",
            f"{quantity(totals.graft_volume_ml, '{:.1f} ml')}"
            f" ({quantity(totals.healthy_bone_removed_ml, '{:.1f} ml')} of it viable bone)",
        ),
        *_standing_rows(totals, known(totals.bone_left)),
    ]


def _outline_rows(outline: OutlineRiskPart | None) -> list[tuple[str, str]]:
    """What is removed of the lesion where its outline errs."""
    if outline is None:
        return []
    low, high = quantity(outline.removed_fraction_p05, "{:.1%}"), quantity(outline.removed_fraction_p95, "{:.1%}")
    expected = quantity(outline.expected_removed_fraction, "{:.1%}")
    return [
        (
            f"outline error {quantity(outline.error_mm, '{:g} mm')}",
            f"{expected} removed on average, {low} to {high} in 90 %",
        )
    ]


def _standing_rows(totals: TotalsPart, left: BoneLeftPart | None) -> list[tuple[str, str]]:
    """Neck and lateral wall after drilling: proxies, no prediction of a fracture."""
    if left is None:
        return []
    lines = []
    if known(totals.neck_area_share) is not None:
        lines.append(f"neck cross-section loss {percent(totals.neck_area_share)}")
    if known(left.lateral_wall_share) is not None:
        lines.append(f"lateral-wall defect {percent(left.lateral_wall_share)} of its width")
    lines.append(quantity(left.hole_above_lesser_trochanter_mm, "lowest hole {:.1f} mm above the lesser trochanter"))
    if known(left.bridge_mm) is not None:
        lines.append(quantity(left.bridge_mm, "{:.1f} mm of bone between the holes"))
    if left.pattern != "single":
        lines.append(f"{text_of(left.pattern)}, {text_of(left.holes)} hole{'' if left.holes == 1 else 's'}")
    return [("residual bone stock", ",\n".join(lines))]


def _bound(totals: TotalsPart, tunnels: int, spec: SpecPart) -> str:
    """What was proven, in words."""
    bound, gap = known(totals.upper_bound_fraction), known(totals.optimality_gap)
    if bound is None or gap is None:
        drill = known(spec.instrument)
        flat = drill is None or (drill.tip == "flat" and not drill.steps and drill.pin_overshoot_mm == 0.0)
        plain = spec.target == "lesion" and spec.cavity_diameter_mm == 0.0 and not known(spec.keep) and flat
        asked = f" (--gap {'0.01' if tunnels == 1 else '0.1'} proves it, in minutes)"
        return "optimality not proven" + asked * plain
    if not says_something(bound):
        return "optimality not proven: the proof ended before it excluded removal of all of the necrosis"
    what = "no tunnel removes" if tunnels == 1 else f"no set of {tunnels} removes"
    return f"{what} more than {bound:.1%}, {gap:.1%} above this one (proven)"


def _risk_table(risks: dict[str, RiskPart]) -> Table:
    names = ("guidance", "cortical perforation", "joint penetration", "clearance *", "removes (and *)")
    table = _table("execution-error simulation: a model, not patients; * 5th percentile", *names)
    for method, risk in risks.items():
        near = known(risk.clearance_p05_mm)
        removed = quantity(risk.removed_fraction_mean, "{:.1%}"), quantity(risk.removed_fraction_p05, "{:.1%}")
        table.add_row(
            method,
            _chance(risk.cortex_breach_probability, risk),
            _chance(risk.joint_breach_probability, risk),
            # Clearances are cut off there: how far outside a lost drill ends is no figure.
            "20 mm outside"
            if near is not None and near <= -19.95
            else quantity(near if near is None else round(near, 1) + 0.0, "{:.1f} mm"),
            f"{removed[0]} ({removed[1]})",
        )
    return table


def _alternatives_table(others: list[AlternativePart]) -> Table:
    method = text_of(others[0].breach_method)
    names = ("", "removes", "spare clearance", "viable bone", f"perforation ({method})")
    table = _table("Pareto-optimal alternatives; in brackets: difference from the plan", *names)
    for number, other in enumerate(others, start=1):
        totals, against = other.totals, other.against_plan
        room = f"{quantity(other.room_mm, '{:.1f} mm')} ({quantity(against.room_mm, '{:+.1f}')})"
        table.add_row(
            f"{number}",
            f"{quantity(totals.removed_fraction, '{:.1%}')} ({quantity(against.removed_fraction, '{:+.1f}', 100)})",
            "none within range" if other.room_mm is None else room,
            f"{quantity(totals.healthy_bone_removed_ml, '{:.1f} ml')}"
            f" ({quantity(against.healthy_bone_removed_ml, '{:+.1f}')})",
            f"{quantity(other.breach_probability, '{:.1%}')} ({quantity(against.breach_probability, '{:+.1f}', 100)})",
        )
    return table


def _chance(probability: float | UnsetType, risk: RiskPart) -> str:
    told, poses = known(probability), known(risk.poses)
    # None in so many drillings is not never.
    if told is not None and poses is not None and told < 0.5 / poses:
        return f"under {3.0 / poses:.2%}"
    return quantity(told, "{:.2%}")


def _warnings(console: Console, warnings: list[WarningPart]) -> None:
    """All of them, those that stop a reader first."""
    styles: dict[Severity, str] = {"stop": "bold red", "caution": "yellow", "note": ""}
    for weight, style in styles.items():
        for warning in warnings:
            if severity_of(known(warning.code) or "") == weight:
                text = f"{weight} ({text_of(warning.code)}): {known(warning.text) or UNKNOWN}"
                console.print(text, style=style, soft_wrap=True, markup=False)


def _limit(value: float | UnsetType | None, limit: float | UnsetType) -> str:
    return "none within range" if value is None else f"{quantity(value)} mm (at least {quantity(limit, '{:g}')})"


def _point(point: list[float]) -> str:
    return "  ".join(f"{c:.1f}" for c in point)


def _cell(value: float | str | None) -> str:
    """A figure or a text; of a long word, which a digest is, the beginning."""
    text = "none" if value is None else value if isinstance(value, str) else f"{value:.4g}"
    return text if len(text) <= WORD_MAX or " " in text else f"{text[: WORD_MAX - 1]}…"
