"""A plan's figures against their limits, in words and with a mark, so that nothing hangs on a colour."""

from __future__ import annotations

from typing import Any, Literal

from corecore.base.language import later, say
from corecore.base.limits import HOLDS, LIMITS, MARGINS, NECK_SHARE_WARNING, Limit, by_rounding, figure_name
from corecore.base.spec import (
    ASSUMED_LEVEL_RAISE,
)
from corecore.document.fields import Part
from corecore.document.text import percent
from corecore.report.scene import Scene

#: Tones and their marks and words.
Tone = Literal["breaks", "just", "warned", "keeps", "untold"]
KEEPS: Tone = "keeps"
JUST: Tone = "just"
WARNED: Tone = "warned"
BREAKS: Tone = "breaks"
UNTOLD: Tone = "untold"
MARKS: dict[Tone, str] = {KEEPS: "✓", JUST: "≈", WARNED: "▲", BREAKS: "✗", UNTOLD: "–"}
WORDS: dict[Tone, str] = {
    KEEPS: later("within limit"),
    JUST: later("at limit"),
    WARNED: later("above"),
    BREAKS: later("EXCEEDS LIMIT"),
    UNTOLD: later("not available"),
}


class JudgedLimit(Part, frozen=True):
    """A figure against its limit, as it is printed."""

    what: str
    value: str
    limit: str
    verdict: str
    mark: str
    tone: Tone


def limit_row(what: str, value: str, limit: str, tone: Tone) -> JudgedLimit:
    """A row with the verdict and the mark of its tone."""
    return JudgedLimit(what, value, limit, say(WORDS[tone]), MARKS[tone], tone)


#: Rows of one tunnel's own figures, in the order of a report. The shaft angle has two limits and a row of its own.
ROWS = tuple(
    LIMITS[key] for key in (
        *(limit.key for limit in MARGINS), "avoid", "incidence_min_deg", "length_max_mm", "entry_normal_max_deg",
        "entry_ap_max_mm",
    )
)  # fmt: skip
SHAFT_ANGLE = LIMITS["shaft_angle_min_deg"].figure_name
#: Figures that are absent where nothing lies near: that keeps a margin.
NEAR_OR_NOTHING = tuple(limit.figure for limit in MARGINS)
UNITS = {"mm": " mm", "deg": "°", "share": "", "%": " %", "": ""}
#: Left out where the plan does not tell them: only some plans know them.
IF_TOLD = ("avoid_clearance_mm",)
#: The parameter behind a limit of another name.
PARAMETER = {"avoid": "avoid_margin_mm"}


def figure(part: Any, name: str) -> float | None:
    """A finite number of a plan, or ``None``."""
    value = getattr(part, name, None)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 1e12:
        return None
    return float(value)


def limit_rows(scene: Scene) -> list[JudgedLimit]:
    """Every limit of a plan with the figure of the tunnel closest to it or furthest beyond; empty without a tunnel."""
    if not scene.tunnels:
        return []
    spec = scene.plan.spec
    broken = {item.key for item in scene.plan.violations}
    rows = [
        row
        for rule in ROWS
        if (row := _row(scene, rule, figure(spec, PARAMETER.get(rule.key, rule.key)), rule.key in broken)) is not None
    ]
    rows += _shaft_angle(scene, spec, {"shaft_angle_min_deg", "shaft_angle_max_deg"} & broken)
    rows += _hole(scene, figure(spec, "entry_distal_mm"), "entry_distal_mm" in broken)
    rows += _bridge(scene, figure(spec, "bridge_min_mm"))
    rows += _neck(scene, "neck_area_share_max" in broken)
    rows += _asked(scene, broken)
    told = {rule.key for rule in ROWS} | {
        "entry_distal_mm",
        "shaft_angle_min_deg",
        "shaft_angle_max_deg",
        "neck_area_share_max",
        "lateral_wall_share_max",
        "entry_below_ridge_mm",
    }
    for item in scene.plan.violations:
        if item.key not in told:
            key = str(item.key)[:60]
            value, limit = figure(item, "value"), figure(item, "limit")
            rows.append(
                limit_row(
                    say(figure_name(key)),
                    "–" if value is None else f"{value:.4g}",
                    "–" if limit is None else f"{limit:.4g}",
                    BREAKS,
                )
            )
    return rows


def _row(scene: Scene, rule: Limit, limit: float | None, broken: bool) -> JudgedLimit | None:
    values = [figure(tunnel.figures, rule.figure) for tunnel in scene.tunnels]
    if rule.figure in IF_TOLD and all(value is None for value in values):
        return None
    known = [(abs(v) if rule.size_only else v, number) for number, v in enumerate(values, start=1) if v is not None]
    bound = bound_text(None if limit is None else f"{limit:g}{UNITS[rule.unit]}", at_least=rule.at_least)
    if not known:
        nothing = rule.figure in NEAR_OR_NOTHING and limit is not None
        tone = BREAKS if broken else KEEPS if nothing else UNTOLD
        return limit_row(say(rule.figure_name), say("none within range") if nothing else "–", bound, tone)
    value, number = min(known) if rule.at_least else max(known)
    what = say(rule.figure_name) + (_of_tunnel(number) if len(values) > 1 else "")
    tone = tone_of(value, limit, at_least=rule.at_least, just=HOLDS[rule.unit])
    if broken:
        tone = BREAKS
    elif tone == BREAKS and limit is not None and by_rounding(rule.key, value, limit):
        tone = JUST
    return limit_row(what, shown(value, limit, rule.unit, tone == BREAKS), bound, tone)


def _shaft_angle(scene: Scene, spec: Any, broken: set[Any]) -> list[JudgedLimit]:
    """The angle to the shaft between its two limits; of several tunnels the one nearest to either."""
    low, high = figure(spec, "shaft_angle_min_deg"), figure(spec, "shaft_angle_max_deg")
    known = [(v, n) for n, t in enumerate(scene.tunnels, 1) if (v := figure(t.figures, "shaft_angle_deg")) is not None]
    if not known or low is None or high is None:
        return [limit_row(say(SHAFT_ANGLE), "–", "–", BREAKS if broken else UNTOLD)]
    value, number = min(known, key=lambda pair: min(pair[0] - low, high - pair[0]))
    nearer = low if value - low < high - value else high
    tone = BREAKS if broken else tone_of(value, nearer, at_least=nearer == low, just=HOLDS["deg"])
    what = say(SHAFT_ANGLE) + (_of_tunnel(number) if len(scene.tunnels) > 1 else "")
    return [
        limit_row(
            what, shown(value, nearer, "deg", tone == BREAKS), say("{low:g} to {high:g}°", low=low, high=high), tone
        )
    ]


def bound_text(limit: str | None, *, at_least: bool) -> str:
    """A limit with its unit, and which way it holds."""
    if limit is None:
        return "–"
    return say("at least {limit}", limit=limit) if at_least else say("at most {limit}", limit=limit)


def _of_tunnel(number: int) -> str:
    return say(" (tunnel {number})", number=number)


def tone_of(value: float, limit: float | None, *, at_least: bool, just: float) -> Tone:
    """The tone of a figure against its limit."""
    if limit is None:
        return UNTOLD
    room = value - limit if at_least else limit - value
    return BREAKS if room < 0 else JUST if room <= just else KEEPS


def shown(value: float, limit: float | None, unit: str, broken: bool) -> str:
    """A figure with its unit; a broken one with as many digits as it takes to differ from its limit."""
    for digits in range(0 if unit in ("deg", "%") else 1, 5):
        text = f"{value:.{digits}f}"
        if not broken or limit is None or float(text) != limit:
            break
    return text + UNITS[unit]


def _hole(scene: Scene, limit: float | None, broken: bool) -> list[JudgedLimit]:
    """The inferior margin of the lowest entry hole above the lesser trochanter's level."""
    value = figure(scene.plan.totals.bone_left, "hole_above_lesser_trochanter_mm")
    if value is None and not broken:
        return []
    assumed = scene.plan.anatomy.sources.lesser_trochanter == "assumed"
    if limit is not None and assumed:
        limit += ASSUMED_LEVEL_RAISE * 2 * scene.head_radius_mm
    tone = BREAKS if broken or value is None else tone_of(value, limit, at_least=True, just=HOLDS["mm"])
    bound = bound_text(None if limit is None else f"{limit:.3g} mm", at_least=True)
    bound += say(" (level assumed)") if assumed and limit is not None else ""
    text = "–" if value is None else shown(value, limit, "mm", tone == BREAKS)
    return [limit_row(say(LIMITS["entry_distal_mm"].figure_name), text, bound, tone)]


def _bridge(scene: Scene, limit: float | None) -> list[JudgedLimit]:
    value = figure(scene.plan.totals.bone_left, "bridge_mm")
    if value is None:
        return []
    tone = tone_of(value, limit, at_least=True, just=HOLDS["mm"])
    bound = bound_text(None if limit is None else f"{limit:g} mm", at_least=True)
    return [limit_row(say(LIMITS["bridge_min_mm"].figure_name), shown(value, limit, "mm", tone == BREAKS), bound, tone)]


def _asked(scene: Scene, broken: set[Any]) -> list[JudgedLimit]:
    """Limits of the lateral wall that only some plans ask for."""
    ridge = [figure(tunnel.figures, "entry_edge_below_ridge_mm") for tunnel in scene.tunnels]
    seen = [value for value in ridge if value is not None]
    figures = (
        ("lateral_wall_share_max", figure(scene.plan.totals.bone_left, "lateral_wall_share"), 100.0, "%"),
        ("entry_below_ridge_mm", min(seen, default=None), 1.0, "mm"),
    )
    rows = []
    for key, value, times, unit in figures:
        row, limit = LIMITS[key], figure(scene.plan.spec, key)
        if limit is None or value is None:
            continue
        tone = tone_of(value, limit, at_least=row.at_least, just=HOLDS[row.unit])
        if key in broken:
            tone = BREAKS
        elif tone == BREAKS and by_rounding(key, value, limit):
            tone = JUST
        bound = bound_text(f"{times * limit:.3g} {unit}", at_least=row.at_least)
        rows.append(
            limit_row(say(row.figure_name), shown(times * value, times * limit, unit, tone == BREAKS), bound, tone)
        )
    return rows


def _neck(scene: Scene, broken: bool) -> list[JudgedLimit]:
    """The share of the neck's cross-section that all tunnels remove: a warning, or a limit where one is asked for."""
    value, row = figure(scene.plan.totals, "neck_area_share"), LIMITS["neck_area_share_max"]
    if value is None:
        return []
    limit = figure(scene.plan.spec, row.key)
    if limit is not None:
        tone = tone_of(value, limit, at_least=False, just=HOLDS[row.unit])
        if broken:
            tone = BREAKS
        elif tone == BREAKS and by_rounding(row.key, value, limit):
            tone = JUST
        text = shown(100 * value, 100 * limit, "%", tone == BREAKS)
        return [limit_row(say(row.figure_name), text, bound_text(f"{100 * limit:.3g} %", at_least=False), tone)]
    tone = KEEPS if value <= NECK_SHARE_WARNING else WARNED
    warned = say("warned above {share:.0f} %", share=100 * NECK_SHARE_WARNING)
    return [limit_row(say(row.figure_name), percent(value), warned, tone)]
