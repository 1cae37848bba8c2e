"""What may be asked of a plan on the page: choices and numbers, with the ranges and defaults of the parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from corecore.base.errors import InputError
from corecore.base.instrument import library
from corecore.base.language import later, say
from corecore.base.limits import MARGINS, SETTABLE, Limit
from corecore.base.spec import Spec, accepted_range, preset
from corecore.document.text import guidance_text, one_line
from corecore.planning.request import PRESET
from corecore.review.case_messages import Choice, Number, Option, Settings
from corecore.tunnels.risk.methods import METHODS

OBJECTIVES = {
    "safest": later("least perforation, of plans that remove nearly the most"),
    "most": later("most necrosis removed"),
}
TARGETS = {
    "lesion": later("all necrosis"),
    "weight-bearing": later("necrosis in the weight-bearing zone first"),
    "reached": later("necrosis within reach of a tunnel"),
}
PATTERNS = {
    "any": later("any"),
    "fan": later("fan through one entry hole"),
    "separate": later("separate entry holes"),
    "parallel": later("parallel"),
}
#: What the surgeon says beside the parameters, and what holds where nothing is said.
ANSWERS = {"stage": "", "physis": "unknown"}
#: Stages of ARCO 2019, as ``parse_stage`` reads them.
STAGES = ("ARCO I", "ARCO II", "ARCO IIIA", "ARCO IIIB", "ARCO IV")
PHYSES = {"unknown": later("not specified"), "closed": later("closed"), "open": later("open")}
#: Steps of the sliders by unit (engineering choice).
STEPS = {"mm": 0.5, "deg": 1.0}
UNITS = {"mm": "mm", "deg": "°"}
#: Told in per cent on the page, and a share to the planner.
PERCENT = "near_best_share"


def settings(kept: Mapping[str, float | str] | None = None) -> Settings:
    """Choices and numbers, in the language spoken; ``kept``: what was chosen before, in place of the defaults."""
    spec, chosen = preset(PRESET), dict(kept or {})

    def choice(key: str, label: str, options: Mapping[str, str]) -> Choice:
        standing = ANSWERS.get(key) or str(getattr(spec, key, ""))
        if key == "instrument" and spec.instrument is not None:
            standing = spec.instrument.name
        value = str(chosen.get(key, standing))
        value = value if value in options else standing
        group: Literal["surgeon", "main"] = "surgeon" if key in ANSWERS else "main"
        return Choice(key, label, group, value, standing, [Option(*one) for one in options.items()])

    stages = {"": say("not given"), **{stage: stage for stage in STAGES}}
    choices = [
        choice("stage", say("Stage"), stages),
        choice("physis", say("Growth plate"), _said(PHYSES)),
        choice("guidance", say("Guidance method"), {key: guidance_text(key) for key in METHODS}),
        choice("objective", say("Objective"), _said(OBJECTIVES)),
        choice("instrument", say("Instrument"), {one.name: _instrument(one.title) for one in library().values()}),
        choice("target", say("Target"), _said(TARGETS)),
        choice("pattern", say("Pattern of several tunnels"), _said(PATTERNS)),
    ]
    share = accepted_range(PERCENT)
    numbers = [
        _plain("tunnels", say("Tunnels, at most"), "", accepted_range("tunnels"), float(spec.tunnels)),
        _plain(
            PERCENT, say("Least share of the most removed"), "%", (100 * share[0], 100 * share[1]),
            100 * spec.near_best_share,
        ),
        *(_number(limit, spec) for limit in SETTABLE if limit.default is not None),
    ]  # fmt: skip
    return Settings(choices, [_chosen(number, chosen) for number in numbers])


def spec_values(values: Mapping[str, float | str]) -> tuple[dict[str, str], dict[str, object]]:
    """What the page sends, as the surgeon's answers and the planner's parameters.

    Raises ``InputError`` for a key that is none of the page's, and for a value that is none of its list.
    """
    told = settings()
    choices = {one.key: {option.value for option in one.options} for one in told.choices}
    numbers = {one.key for one in told.numbers}
    answers: dict[str, str] = {}
    found: dict[str, object] = {}
    for key, value in values.items():
        if isinstance(value, str) and key in choices:
            if value not in choices[key]:
                raise InputError(f"{key}: {one_line(value, 40)!r}; one of the list is accepted", code="option-value")
            if key in ANSWERS:
                answers[key] = value
            else:
                found[key] = value
        elif not isinstance(value, str) and key in numbers:
            whole = int(value) if key == "tunnels" and float(value).is_integer() else value
            found[key] = value / 100 if key == PERCENT else whole
        else:
            raise InputError(f"{one_line(key, 40)}: no setting of the page; one of it is accepted", code="option-value")
    return answers, found


def _said(options: Mapping[str, str]) -> dict[str, str]:
    return {key: say(label) for key, label in options.items()}


def _instrument(title: str) -> str:
    return one_line(title, 60)


def _plain(key: str, label: str, unit: str, span: tuple[float, float], value: float) -> Number:
    return Number(key, label, unit, "main", *span, 1.0, value, value)


def _number(limit: Limit, spec: Spec) -> Number:
    # Both limits of the shaft angle have one figure.
    bound = say("at least") if limit.at_least else say("at most")
    value = limit.value(spec)
    assert value is not None
    return Number(
        limit.key, f"{say(limit.figure_name)}, {bound}", UNITS[limit.unit], "margin" if limit in MARGINS else "more",
        limit.low, limit.high, STEPS[limit.unit], value, value,
    )  # fmt: skip


def _chosen(number: Number, chosen: Mapping[str, float | str]) -> Number:
    value = chosen.get(number.key)
    if not isinstance(value, float | int) or not number.low <= value <= number.high:
        return number
    return msgspec.structs.replace(number, value=float(value))
