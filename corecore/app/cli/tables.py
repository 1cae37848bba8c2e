"""Results as tables that a surgeon can read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from corecore.base.notice import NOTICE

#: Foci that a table lists.
FOCI_SHOWN = 4

if TYPE_CHECKING:
    from corecore.verification.report import Verification


def print_measures(content: dict[str, Any], summary: str) -> None:
    """The summary of a hip, and its measures as in ``measures.json``."""
    console = Console(highlight=False)
    console.print(summary, soft_wrap=True, markup=False)
    console.print()
    case = content["case"]
    table = _table(f"{case['id']}, {case['side'].upper()} hip: necrosis")
    for name, value in _necrosis_rows(content):
        table.add_row(name, value)
    console.print(table)
    _warnings(console, content["warnings"])
    console.print(NOTICE, style="dim")


def print_plan(content: dict[str, Any], folder: Path) -> None:
    """A plan, as in ``plan.json``, and where its files are."""
    console = Console(highlight=False)
    case, spec = content["case"], content["spec"]
    table = _table(f"{case['id']}, {case['side'].upper()} hip: {content['status']}")
    for name, value in _necrosis_rows(content["necrosis"]):
        table.add_row(name, value)
    for number, tunnel in enumerate(content["tunnels"], start=1):
        table.add_section()
        for name, value in _tunnel_rows(tunnel, number, spec):
            table.add_row(name, value)
    if content["tunnels"]:
        table.add_section()
        for name, value in _total_rows(content["totals"], len(content["tunnels"]), spec):
            table.add_row(name, value)
    console.print(table)
    told = [tunnel["explanation"] for tunnel in content["tunnels"] if tunnel.get("explanation")]
    # The table has place and figures already.
    print_explanations(told, brief=True)
    if content["totals"].get("risk"):
        console.print(_risk_table(content["totals"]["risk"]))
        if "lesion_transform" in content["case"]:
            shift = next(iter(content["totals"]["risk"].values()))["lesion_shift_mm"]
            counted = "unknown and not counted" if shift is None else f"counted as {shift:.2f} mm (root mean square)"
            console.print(f"how far the lesion may lie elsewhere is {counted}", soft_wrap=True)
    if content["alternatives"]:
        console.print(_alternatives_table(content["alternatives"]))
    if content.get("robust"):
        _print_robust(console, content["robust"])
    if content["status"] == "manual":
        _print_judgement(console, content)
    if content["status"] == "infeasible":
        console.print(f"No tunnel: {content['infeasible']['text']}", style="bold red", soft_wrap=True)
        for way in content["infeasible"]["relaxations"][:4]:
            if way["confirmed"]:
                console.print(f"  with {way['key']} at {way['needed']:g} instead of {way['limit']:g} there is one")
    _warnings(console, content["warnings"])
    console.print(NOTICE, style="dim")
    names = ("plan.json", "measures.json", "preview.png", "preview.html", "report.html", "report.pdf")
    files = [name for name in names if (folder / name).exists()]
    console.print("written: " + "  ".join(str(folder / name) for name in files), soft_wrap=True)


def print_explanations(told: list[dict[str, Any]], *, brief: bool = False) -> None:
    """Why each tunnel lies where it lies, a paragraph each; ``brief``: without what the plan's table says."""
    console = Console(highlight=False)
    for number, item in enumerate(told, start=1):
        text = item["text"]
        if brief:
            start = text.find("Nearest to ")
            text = text[max(start, 0) :]
        console.print(f"tunnel {number}: {text}", soft_wrap=False, markup=False)


def _print_robust(console: Console, found: dict[str, Any]) -> None:
    """What planning for a method's errors brought, and what it costs."""
    risk, plain = found["risk"], found["plain"]["risk"]
    least = 1.0 / risk["poses"]
    for name, one in (("this plan", risk), ("the plain one", plain)):
        console.print(
            f"drilled by {found['method']}, {name}: removes {one['removed_fraction_mean']:.1%} on average, breaches"
            f" the cortex in {_chance(one['cortex_breach_probability'], least)},"
            f" the joint in {_chance(one['joint_breach_probability'], least)}",
            soft_wrap=True,
        )
    cost = found["cost_removed_fraction"]
    console.print(f"as planned it removes {cost:.1%} of the necrosis less than the plain plan", soft_wrap=True)


def _print_judgement(console: Console, content: dict[str, Any]) -> None:
    """What a path set by hand breaks, and the best tunnel near it."""
    for item in content["violations"]:
        value = "not to be measured" if item["value"] is None else f"{item['value']:.4g}"
        console.print(f"BREAKS {item['key']}: {value} (limit {item['limit']:g})", style="bold red", markup=False)
    if not content["violations"]:
        console.print("keeps every limit", style="green")
    near = content["nearest"]
    if near is None:
        console.print(f"no tunnel near it: {content['nearest_reason']}", soft_wrap=True, markup=False)
        return
    console.print(
        f"best tunnel near it within every limit: removes {near['removed_fraction']:.1%} of the necrosis; entry moved"
        f" by {near['entry_moved_mm']:.1f} mm, tip by {near['tip_moved_mm']:.1f} mm, turned {near['turned_deg']:.1f}°",
        soft_wrap=True,
    )
    console.print(f"  entry {_point(near['entry'])}   tip {_point(near['tip'])}   (RAS mm)", soft_wrap=True)


def print_verification(result: Verification, *, brief: bool = False) -> None:
    """Each figure judged by the second road; with ``brief`` only the verdict and what disagrees."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=140)
    shown = [c for c in result.checks if not (brief and c.ok)]
    if shown:
        table = _table("verification by a second road", "figure", "plan", "found", "tolerance", "")
        for check in shown:
            mark = "[green]agrees[/]" if check.ok else "[bold red]DISAGREES[/]"
            table.add_row(
                check.name, _plain(check.stated), _plain(check.found), f"{check.tolerance:g} {check.unit}", mark
            )
        console.print(table)
    for message in result.messages:
        # A file that was moved is no fault.
        console.print(message, style="yellow" if result.agrees else "bold red", markup=False)
    good = sum(c.ok for c in result.checks)
    if result.figures:
        told = ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in result.totals.items())
        console.print(f"figures of the plan and its files: {told} (--json lists each with its reason)")
    if result.agrees:
        console.print(f"verify: the second road agrees on all {good} figures", style="green")
    else:
        console.print(f"verify: DISAGREES on {len(result.checks) - good} of {len(result.checks)} figures", style="red")


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", show_header=bool(columns))
    for column in columns or ("", ""):
        table.add_column(column)
    return table


def _necrosis_rows(necrosis: dict[str, Any]) -> list[tuple[str, str]]:
    loaded, kerboul, index = necrosis["weight_bearing"], necrosis["kerboul"], necrosis["necrotic_index"]
    depth = loaded["depth_mm"]
    # Nothing is said of the size of what the scan's edge cuts.
    least = "at least " if necrosis.get("lower_bound") else ""
    extent = f"{necrosis['steinberg']} (by the sphere {necrosis['steinberg_sphere']}); not a stage"
    grade = "" if kerboul["grade"] is None else f", grade {kerboul['grade']}"
    jic = necrosis["jic"]
    estimated = " (estimated: no acetabulum at hand)" if jic["basis"] == "population" else ""
    foci = necrosis["components"]
    several = (
        [(f"focus {one['number']}", f"{one['volume_ml']:.2f} ml, {one['place']}") for one in foci[:FOCI_SHOWN]]
        if len(foci) > 1
        else []
    )
    return [
        ("necrosis", f"{least}{necrosis['volume_ml']:.2f} ml"),
        *several,
        ("of the head", f"{necrosis['head_fraction']:.1%} (of its sphere {necrosis['sphere_fraction']:.1%})"),
        ("Steinberg extent", "none: the edge of the scan cuts" if necrosis["steinberg"] is None else extent),
        ("of the loaded surface", f"{loaded['surface_fraction']:.0%} (cap of {loaded['cap_half_angle_deg']:g}°)"),
        (
            "modified Kerboul angle",
            f"{kerboul['combined_deg']:.0f}° (coronal {kerboul['coronal_deg']:.0f}°,"
            f" sagittal {kerboul['sagittal_deg']:.0f}°){grade}",
        ),
        ("necrotic index", f"{index['original']:.0f}, modified {index['modified']:.0f}"),
        ("JIC type", "not in the mid-coronal plane" if jic["type"] is None else f"{jic['type_range']}{estimated}"),
        ("in the loaded cone", f"{loaded['volume_fraction']:.0%} of the necrosis"),
        ("bone over it there", "none of it there" if depth is None else f"{depth:.1f} mm at the thinnest"),
    ]


def _tunnel_rows(tunnel: dict[str, Any], number: int, spec: dict[str, Any]) -> list[tuple[str, str]]:
    below = tunnel["entry_below_greater_trochanter_mm"]
    front = tunnel["entry_anterior_mm"]
    place = [f"{tunnel['entry_above_lesser_trochanter_mm']:.1f} mm above the lesser trochanter"]
    if below is not None:
        place.append(f"{below:.1f} mm below the greater trochanter's tip")
    if front is not None:
        place.append(f"{abs(front):.1f} mm {'in front of' if front >= 0 else 'behind'} the mid-line")
    tilt = tunnel["lateral_tilt_deg"]
    kept = " (kept)" if tunnel["kept"] else ""
    drill = f"{tunnel['diameter_mm']:g} mm drill, {tunnel['length_mm']:.1f} mm to the tip{kept}"
    if tunnel["cavity_diameter_mm"] is not None:
        drill += f",\ncavity of {tunnel['cavity_diameter_mm']:g} x {tunnel['cavity_length_mm']:g} mm there"
    avoid = tunnel["avoid_clearance_mm"]
    return [
        (f"tunnel {number}", drill),
        ("removes", f"{tunnel['removed_fraction']:.1%} of the necrosis"),
        ("entry", ",\n".join(place)),
        (
            "direction",
            f"{tunnel['ap_angle_deg']:.0f}° to the shaft seen from the front,"
            f" {abs(tilt):.0f}° {'forward' if tilt >= 0 else 'backward'} seen from the side",
        ),
        ("to the cortex", _limit(tunnel["cortical_clearance_mm"], spec["cortical_margin_mm"])),
        ("to the joint", _limit(tunnel["joint_clearance_mm"], spec["joint_margin_mm"])),
        *([] if avoid is None else [("to what it avoids", _limit(avoid, spec["avoid_margin_mm"]))]),
        ("incidence", f"{tunnel['incidence_deg']:.0f}° (at least {spec['incidence_min_deg']:g}°)"),
        ("entry, RAS mm", _point(tunnel["entry"])),
        ("tip, RAS mm", _point(tunnel["tip"])),
    ]


def _total_rows(totals: dict[str, Any], tunnels: int, spec: dict[str, Any]) -> list[tuple[str, str]]:
    bearing = totals["removed_weight_bearing_fraction"]
    target = [] if spec["target"] == "lesion" else [(f"target: {spec['target']}", f"{totals['target_fraction']:.1%}")]
    return [
        *target,
        ("necrosis removed", f"{totals['necrosis_removed_ml']:.2f} ml, {totals['necrosis_left_ml']:.2f} ml stay"),
        ("can be reached", f"{totals['reachable_fraction']:.0%} of the necrosis lies deeper than the joint margin"),
        ("at best", _bound(totals, tunnels, spec)),
        ("of the loaded part", "none there" if bearing is None else f"{bearing:.1%} removed"),
        (
            "near a tunnel",
            f"{totals['reached_3mm_fraction']:.0%} within 3 mm, {totals['reached_5mm_fraction']:.0%} within 5 mm",
        ),
        (
            "graft needed",
            f"{totals['graft_volume_ml']:.1f} ml ({totals['healthy_bone_removed_ml']:.1f} ml of it healthy bone)",
        ),
        *_standing_rows(totals.get("bone_left")),
    ]


def _standing_rows(left: dict[str, Any] | None) -> list[tuple[str, str]]:
    """What the drill takes of neck and lateral wall: proxies, no prediction of a fracture."""
    if left is None:
        return []
    lines = []
    if left["neck_share_max"] is not None:
        lines.append(f"{left['neck_share_max']:.0%} of the neck's section taken where it is most")
    if left["lateral_wall_share"] is not None:
        lines.append(f"{left['lateral_wall_share']:.0%} of the lateral wall's width")
    lines.append(f"lowest hole {left['hole_above_lesser_trochanter_mm']:.1f} mm above the lesser trochanter")
    if left["bridge_mm"] is not None:
        lines.append(f"{left['bridge_mm']:.1f} mm of bone between the holes")
    if left["pattern"] != "single":
        lines.append(f"{left['pattern']}, {left['holes']} hole{'s' if left['holes'] > 1 else ''}")
    return [("bone left standing", ",\n".join(lines))]


def _bound(totals: dict[str, Any], tunnels: int, spec: dict[str, Any]) -> str:
    """What was proven, in words."""
    bound, gap = totals["upper_bound_fraction"], totals["optimality_gap"]
    if bound is None or gap is None:
        plain = spec["target"] == "lesion" and spec["cavity_diameter_mm"] == 0.0 and not spec["keep"]
        asked = f" (--gap {'0.01' if tunnels == 1 else '0.1'} proves it, in minutes)"
        return "not proven" + asked * plain
    what = "no tunnel removes" if tunnels == 1 else f"no set of {tunnels} removes"
    return f"{what} more than {bound:.1%}, {gap:.1%} above this one (proven)"


def _risk_table(risks: dict[str, Any]) -> Table:
    names = ("drilled by", "breach of cortex", "of the joint", "clearance *", "removes (and *)")
    table = _table("what errors of drilling would do: a model, not patients; * 5th percentile", *names)
    for method, risk in risks.items():
        least = 1.0 / risk["poses"]
        table.add_row(
            method,
            _chance(risk["cortex_breach_probability"], least),
            _chance(risk["joint_breach_probability"], least),
            # Clearances are cut off there: how far outside a lost drill ends is no figure.
            "20 mm outside" if risk["clearance_p05_mm"] <= -19.95 else f"{risk['clearance_p05_mm']:.1f} mm",
            f"{risk['removed_fraction_mean']:.1%} ({risk['removed_fraction_p05']:.1%})",
        )
    return table


def _alternatives_table(others: list[dict[str, Any]]) -> Table:
    method = others[0]["breach_method"]
    names = ("", "removes", "room over the margins", "healthy bone", f"breach ({method})")
    table = _table("other tunnels that nothing beats in all four; in brackets: against the plan", *names)
    for number, other in enumerate(others, start=1):
        totals, against = other["totals"], other["against_plan"]
        table.add_row(
            f"{number}",
            f"{totals['removed_fraction']:.1%} ({against['removed_fraction'] * 100:+.1f})",
            "nothing near" if other["room_mm"] is None else f"{other['room_mm']:.1f} mm ({against['room_mm']:+.1f})",
            f"{totals['healthy_bone_removed_ml']:.1f} ml ({against['healthy_bone_removed_ml']:+.1f})",
            f"{other['breach_probability']:.1%} ({against['breach_probability'] * 100:+.1f})",
        )
    return table


def _chance(probability: float, least: float) -> str:
    # None in so many drillings is not never.
    return f"under {3.0 * least:.2%}" if probability < 0.5 * least else f"{probability:.2%}"


def _warnings(console: Console, warnings: list[dict[str, str]]) -> None:
    for warning in warnings:
        console.print(f"note ({warning['code']}): {warning['text']}", style="yellow", soft_wrap=True, markup=False)


def _limit(value: float | None, limit: float) -> str:
    return "nothing near" if value is None else f"{value:.1f} mm (at least {limit:g})"


def _point(point: list[float]) -> str:
    return "  ".join(f"{c:.1f}" for c in point)


def _plain(value: float | str | None) -> str:
    return "none" if value is None else value if isinstance(value, str) else f"{value:.4g}"
