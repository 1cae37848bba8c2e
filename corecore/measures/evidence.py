"""Published evidence on lesions like this one: statements as data, each printed only where it applies.

``evidence.toml`` holds the statements: claim, cohort, number of hips, effect, source, and the hips that it applies to.
Intervals are computed here. A favourable statement is made only where nothing measured says that it may not hold;
where it is not made, ``withheld`` says why. Statements that contradict each other stand side by side and are named.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, cast

from msgspec import UNSET

from corecore.base.language import say
from corecore.document.fields import known
from corecore.document.necrosis import ClassRangePart, NecrosisPart
from corecore.document.signs import ArgumentPart, EffectPart, WithheldPart
from corecore.measures.classes import SHOWN_WELL, classes_of, not_shown, off_plane
from corecore.measures.signs.stage import Stage

Direction = Literal["favourable", "unfavourable", "neutral"]
Group = Literal["course", "against", "for"]
#: Confidence of every interval.
CONFIDENCE = 0.95
#: Classes, and the order in which the report reads them.
CLASS_PATHS = {"jic": "jic.type", "kerboul": "kerboul.grade"}
#: What the classes are called in a sentence.
CLASS_WORDS = {"jic": "JIC type", "kerboul": "modified Kerboul grade"}


@dataclass(frozen=True)
class Effect:
    """What a paper found.

    Parameters
    ----------
    kind : {"counts", "at_most", "share", "ratio"}
        Of counted hips; of a number known from above only; of an unknown number; a ratio.
    value : float
        Share, 0 to 1, or ratio.
    low, high : float or None
        Ends of the 95 % interval: exact for counts [1], the narrowest possible for ``at_most``, as published for a
        ratio; ``None`` where no number of hips is known.
    events, n : int or None
        Hips that had it, and hips at risk.

    References
    ----------
    1. Clopper and Pearson 1934, Biometrika 26:404.
    """

    kind: Literal["counts", "at_most", "share", "ratio"]
    value: float
    low: float | None
    high: float | None
    events: int | None = None
    n: int | None = None

    @property
    def text(self) -> str:
        """In words, as ``0 of 4 (0 %, 95 % interval 0 to 60 %)``."""
        if self.kind == "ratio":
            return f"{self.value:g} times (95 % interval {self.low:g} to {self.high:g})"
        if self.kind == "share":
            return f"{100.0 * self.value:g} %"
        ends = f"{_percent(self.low)} to {_percent(self.high)} %"
        if self.kind == "at_most":
            return f"{100.0 * self.value:g} % (95 % interval no narrower than {ends})"
        return f"{self.events} of {self.n} ({_percent(self.value)} %, 95 % interval {ends})"

    def part(self) -> EffectPart:
        """As in ``measures.json``."""
        return EffectPart(
            kind=self.kind,
            value=self.value,
            low=self.low,
            high=self.high,
            events=UNSET if self.events is None else self.events,
            n=UNSET if self.n is None else self.n,
        )


@dataclass(frozen=True)
class Statement:
    """One statement of a paper as data.

    Parameters
    ----------
    code : str
        Stable code.
    group : {"course", "against", "for"}
        Natural history, or what it is to core decompression.
    topic : {"collapse", "result", "surface"}
        What is told: only statements of one topic can contradict each other.
    direction : {"favourable", "unfavourable", "neutral"}
        What it says of a hip that it applies to.
    text : str
        The claim, with places for effect and measured figures.
    cohort : str
        Which patients or hips.
    source : str
        The paper, with DOI or PMID where it has one.
    applies : dict
        Classes, ranges, stages.
    effect : Effect or None
        What was found; ``None`` of what is measured here or agreed upon.
    disagrees_with : str or None
        Code of another statement of the same hips that says something else.
    """

    code: str
    group: Group
    topic: str
    direction: Direction
    text: str
    cohort: str
    source: str
    applies: Mapping[str, Any]
    effect: Effect | None = None
    disagrees_with: str | None = None

    @property
    def paper(self) -> str:
        """The source without its number."""
        return self.source.split(", doi:")[0].split(", PMID")[0]


@dataclass(frozen=True)
class Item:
    """A statement made of one hip.

    Parameters
    ----------
    statement : Statement
        What is stated.
    text : str
        The sentence, with this hip's figures.
    certain : bool
        Whether the whole range of the hip's classes is the statement's.
    """

    statement: Statement
    text: str
    certain: bool

    @property
    def code(self) -> str:
        """Stable code of the statement."""
        return self.statement.code

    @property
    def source(self) -> str:
        """The paper, with DOI or PMID."""
        return self.statement.source

    @property
    def cohort(self) -> str:
        """Which patients or hips."""
        return self.statement.cohort

    @property
    def direction(self) -> Direction:
        """What it says of such a hip."""
        return self.statement.direction

    def part(self) -> ArgumentPart:
        """As in ``measures.json``."""
        effect = self.statement.effect
        return ArgumentPart(
            code=self.code,
            text=self.text,
            source=self.source,
            cohort=self.cohort,
            direction=self.direction,
            certain=self.certain,
            effect=UNSET if effect is None else effect.part(),
        )


@dataclass(frozen=True)
class Evidence:
    """What is stated of one hip.

    Parameters
    ----------
    items : tuple of Item
        Statements, the unfavourable first within each group.
    disagreements : tuple of str
        Statements among them that contradict each other.
    withheld : tuple of WithheldPart
        Favourable statements that are not made, and why.
    """

    items: tuple[Item, ...]
    disagreements: tuple[str, ...]
    withheld: tuple[WithheldPart, ...]

    def of(self, group: Group) -> tuple[Item, ...]:
        """The statements of one group."""
        return tuple(item for item in self.items if item.statement.group == group)


def exact_interval(events: float, n: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Exact interval of a share (Clopper-Pearson).

    Parameters
    ----------
    events, n : float
        Hips that had it, and hips at risk; whole numbers where they are counts.
    confidence : float
        0 to 1.

    Returns
    -------
    tuple of float
        Lower and upper end, 0 to 1.

    Raises
    ------
    ValueError
        Unless ``0 <= events <= n`` and ``n > 0``.

    Examples
    --------
    >>> [round(end, 3) for end in exact_interval(0, 4)]
    [0.0, 0.602]
    """
    from scipy.special import betaincinv

    if not 0.0 <= events <= n or n <= 0.0:
        raise ValueError(f"{events!r} of {n!r}")
    tail = 0.5 * (1.0 - confidence)
    low = 0.0 if events == 0.0 else float(betaincinv(events, n - events + 1.0, tail))
    high = 1.0 if events == n else float(betaincinv(events + 1.0, n - events, 1.0 - tail))
    return low, high


@cache
def statements() -> tuple[Statement, ...]:
    """Every statement, in the order of the file."""
    table = tomllib.loads(files("corecore.measures").joinpath("evidence.toml").read_text(encoding="utf-8"))
    sources = {key: _cited(**told) for key, told in table["sources"].items()}
    return tuple(_statement(told, sources) for told in table["statement"])


def _cited(cite: str, doi: str | None = None, pmid: str | None = None) -> str:
    return cite + (f", doi:{doi}" if doi else f", PMID {pmid}" if pmid else "")


def _statement(told: dict[str, Any], sources: Mapping[str, str]) -> Statement:
    found = told.get("effect")
    return Statement(**{**told, "source": sources[told["source"]], "effect": None if found is None else _effect(found)})


def _effect(told: Mapping[str, float]) -> Effect:
    if "ratio" in told:
        return Effect("ratio", told["ratio"], told["low"], told["high"])
    if "events" in told:
        events, n = int(told["events"]), int(told["n"])
        return Effect("counts", events / n, *exact_interval(events, n), events, n)
    share = told["percent"] / 100.0
    if "n_max" not in told:
        return Effect("share", share, None, None)
    most = int(told["n_max"])
    return Effect("at_most", share, *exact_interval(share * most, most), None, most)


@dataclass(frozen=True)
class _Hip:
    """What statements ask of a hip."""

    measures: NecrosisPart
    classes: Mapping[str, ClassRangePart]
    stage: Stage | None
    collapse_seen: bool

    @property
    def cut(self) -> bool:
        return known(self.measures.lower_bound) is True

    @property
    def stage_name(self) -> str | None:
        """Stage in the words of Ficat; ``None`` where it is not given or none of I to III."""
        if self.stage is None:
            return None
        number = self.stage.number
        # Steinberg's III and IV are both Ficat's III: a crescent, and a flattened head with its joint kept.
        if self.stage.system == "steinberg" and number == 4:
            number = 3
        return {1: "I", 2: "II", 3: "III"}.get(number)

    @property
    def may_be_before_collapse(self) -> bool:
        return not self.collapse_seen and not (self.stage is not None and self.stage.collapsed)

    def span(self, name: str) -> tuple[float, float] | None:
        """Least and greatest value of a figure; ``None`` where it is not known, or no bound of it is."""
        if self.cut:
            return None
        if name == "combined_deg":
            return _ends(self.classes["kerboul.grade"])
        if name == "head_share":
            return _ends(self.classes["steinberg"])
        if name == "depth_mm":
            value = known(self.measures.weight_bearing.depth_mm)
            return None if value is None else (value, value)
        value = known(self.measures.anterior_necrotic_angle_deg)
        if value is None:
            return None
        change = self.measures.repeatability.figures.get("anterior_necrotic_angle_deg")
        moved = [] if change is None else [*(known(change.half_voxel) or ()), *(known(change.outline) or ())]
        values = [value, *(value + step for step in moved if step is not None)]
        values += (known(self.measures.frame_range) or {}).get("anterior_necrotic_angle_deg", [])
        return min(values), max(values)


def _ends(kinds: ClassRangePart) -> tuple[float, float] | None:
    low, high = known(kinds.low), known(kinds.high)
    return None if low is None or high is None else (low, high)


#: Whether a condition holds of the whole range, of a part of it, or not at all.
Fit = Literal["whole", "part", "none"]


def evidence_of(measures: NecrosisPart, stage: Stage | None, *, collapse_seen: bool) -> Evidence:
    """Statements that apply to a hip.

    Parameters
    ----------
    measures : NecrosisPart
        Figures of the lesion.
    stage : Stage or None
        As the surgeon gave it.
    collapse_seen : bool
        Whether the head's surface lies below its sphere, over the lesion or beside it.

    Returns
    -------
    Evidence
        Statements, contradictions among them, and favourable ones that are not made.
    """
    classes = known(measures.classes)
    hip = _Hip(measures, classes_of(measures) if classes is None else classes, stage, collapse_seen)
    if known(measures.head_fraction) is None and not _classified(hip) and stage is None and not collapse_seen:
        return Evidence((), (), ())
    items, withheld = list[Item](), list[WithheldPart]()
    for statement in statements():
        fit = _fit(hip, statement)
        if fit == "none":
            continue
        reason = _doubt(hip, statement, fit)
        if reason is not None:
            withheld.append(WithheldPart(statement.code, reason))
            continue
        items.append(Item(statement, _sentence(hip, statement), fit == "whole"))
    order = {"unfavourable": 0, "neutral": 1, "favourable": 2}
    # The worst first; of one direction the order of the file turned round, which goes from the best class to the worst.
    ranked = sorted(enumerate(items), key=lambda pair: (order[pair[1].direction], _rank(pair[0], pair[1])))
    told = tuple(item for _, item in ranked)
    return Evidence(told, tuple(_disagreements(told)), tuple(withheld))


def _classified(hip: _Hip) -> bool:
    return any(kinds.range for kinds in hip.classes.values())


def _rank(place: int, item: Item) -> int:
    return -place if item.statement.group == "course" else place


def _fit(hip: _Hip, statement: Statement) -> Fit:
    """How far a statement's conditions hold; the least of them counts."""
    fits: list[Fit] = []
    for key, wanted in statement.applies.items():
        if key in CLASS_PATHS:
            kinds = hip.classes[CLASS_PATHS[key]].range
            met = [kind in wanted for kind in kinds]
            fits.append("none" if not any(met) else "whole" if all(met) else "part")
        elif key == "before_collapse":
            fits.append("whole" if hip.may_be_before_collapse else "none")
        elif key == "collapse_seen":
            fits.append("whole" if hip.collapse_seen else "none")
        elif key == "stage":
            fits.append("whole" if hip.stage_name in wanted else "none")
        else:
            fits.append(_within(hip.span(key), wanted))
    return "none" if "none" in fits else "part" if "part" in fits else "whole"


def _within(span: tuple[float, float] | None, wanted: Sequence[float]) -> Fit:
    if span is None:
        return "none"
    begin, end = wanted[0], wanted[1] if len(wanted) > 1 else float("inf")
    low, high = span
    if high < begin or low >= end:
        return "none"
    return "whole" if low >= begin and high < end else "part"


def _doubt(hip: _Hip, statement: Statement, fit: Fit) -> str | None:
    """Why a favourable statement is not made of this hip."""
    if statement.direction != "favourable":
        return None
    by_place = {"jic", "kerboul", "combined_deg", "anterior_deg"} & set(statement.applies)
    hidden = off_plane(hip.measures)
    if by_place and hidden:
        which = "focus " + ", ".join(map(str, hidden)) if len(hip.measures.components) > 1 else "the lesion"
        return f"{which} lies under the weight-bearing area but not in the mid-coronal plane"
    if by_place:
        planes = ("coronal", "sagittal") if by_place & {"kerboul", "combined_deg"} else ("coronal",)
        barely = not_shown(hip.measures, *planes, least=SHOWN_WELL)
        if barely is not None:
            return barely
    # Natural history is told of the whole range, the worst first; what speaks for drilling must be sure.
    if fit == "part" and statement.group == "for":
        return "the figure's range reaches beyond the statement's limit"
    return None


def _sentence(hip: _Hip, statement: Statement) -> str:
    measures = hip.measures
    share, angle = known(measures.head_fraction), known(measures.kerboul.combined_deg)
    anterior, depth = known(measures.anterior_necrotic_angle_deg), known(measures.weight_bearing.depth_mm)
    values: dict[str, str] = {
        "effect": "" if statement.effect is None else statement.effect.text,
        "stage": "" if hip.stage is None else hip.stage.label,
        "head_share": _measured(share, hip.span("head_share"), lambda v: f"{100.0 * v:.0f}", " %"),
        "combined_deg": _measured(angle, hip.span("combined_deg"), lambda v: f"{v:.0f}", "°"),
        "anterior_deg": _measured(anterior, hip.span("anterior_deg"), lambda v: f"{v:.0f}", "°"),
        "depth_mm": "" if depth is None else f"{depth:.1f} mm",
    }
    said = statement.text.format_map(values)
    for key, path in CLASS_PATHS.items():
        kinds = hip.classes[path].range
        if key in statement.applies and len(kinds) > 1:
            said += f" ({CLASS_WORDS[key]} may be {' to '.join((kinds[-1], kinds[0]))})"
    return said


def _measured(value: float | None, span: tuple[float, float] | None, form: Callable[[float], str], unit: str) -> str:
    """A figure with the range that its outline and frame leave."""
    if value is None:
        return ""
    if span is None or form(span[0]) == form(span[1]):
        return form(value) + unit
    return f"{form(value)}{unit} ({form(span[0])} to {form(span[1])}{unit})"


def _disagreements(items: Sequence[Item]) -> list[str]:
    """Statements known to differ, and, a sentence a topic, papers that say opposite things of this hip."""
    found = []
    told = {item.code: item for item in items}
    for item in items:
        other = told.get(item.statement.disagrees_with or "")
        if other is not None:
            found.append(
                say(
                    "{one} and {other} disagree: {first} and {second}",
                    one=_named(other),
                    other=_named(item),
                    first=_value(other),
                    second=_value(item),
                )
            )
    for topic in dict.fromkeys(item.statement.topic for item in items):
        bad, good = (
            [item for item in items if item.statement.topic == topic and item.direction == way]
            for way in ("unfavourable", "favourable")
        )
        pairs = [
            (worse, better)
            for worse in bad
            for better in good
            if worse.statement.paper != better.statement.paper and not _alternatives(worse.statement, better.statement)
        ]
        if pairs:
            sides = [", ".join(dict.fromkeys(_named(pair[side]) for pair in pairs)) for side in (0, 1)]
            several = ", " in sides[0]
            found.append(
                say("{papers} disagree with {others}", papers=sides[0], others=sides[1])
                if several
                else say("{paper} disagrees with {others}", paper=sides[0], others=sides[1])
            )
    return found


def _alternatives(first: Statement, second: Statement) -> bool:
    """Whether two statements are of different classes of one figure: a range then holds both, no contradiction."""
    return any(
        key in first.applies and key in second.applies and not set(first.applies[key]) & set(second.applies[key])
        for key in CLASS_PATHS
    )


def _named(item: Item) -> str:
    return f"{item.statement.paper} ({item.text.split(':')[0]})"


def _value(item: Item) -> str:
    effect = item.statement.effect
    return "" if effect is None else f"{100.0 * effect.value:g} %"


def _percent(share: float | None) -> str:
    """A share as whole per cent; with more digits where that would say none or all."""
    value = 100.0 * cast(float, share)
    if value in (0.0, 100.0) or 1.0 <= value <= 99.0:
        return f"{value:.0f}"
    return f"{value:.1g}" if value < 1.0 else f"{value:.1f}"
