"""Classes, their ranges and the evidence that a plan states, derived again from its figures.

Definitions of its own (``docs/measures.md``): which classes a figure may mean, which statements must stand and which
must not, and the exact intervals of their counts, from the sums of the binomial distribution.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from msgspec import UnsetType

from corecore.document.fields import known, listed
from corecore.document.necrosis import ChangePart, NecrosisPart
from corecore.document.plan import PlanDocument
from corecore.document.signs import ArgumentPart
from corecore.verification import tolerance
from corecore.verification.report import Check, compared

#: Where classes meet: JIC types, Kerboul's grades, Steinberg's extents (30 % is B).
JIC, JIC_AT = ("A", "B", "C1", "C2"), (1.0 / 3.0, 2.0 / 3.0, 1.0)
GRADES, GRADES_AT = ("1", "2", "3", "4"), (200.0, 250.0, 300.0)
EXTENTS, EXTENTS_AT = ("A", "B", "C"), (0.15, 0.30)
#: How far the acetabular edge of 95 in 100 people lies from the mean, degrees.
EDGE_DEG = (-15.5, 14.4)
#: A plane shows the largest focus with this share of its largest section, and shows it well with this one.
SHOWN, SHOWN_WELL = 0.10, 0.50
#: Figures nearer to a limit than this may be rounded to either side.
NEAR = 1e-5


@dataclass(frozen=True)
class Facts:
    """What statements hang on."""

    jic: frozenset[str]
    kerboul: frozenset[str]
    head: tuple[float, float] | None
    combined: tuple[float, float] | None
    anterior: tuple[float, float] | None
    depth: float | None
    stage: str | None
    late: bool
    collapse: bool
    hidden: bool
    well: tuple[bool, bool]

    @property
    def early(self) -> bool:
        """Before collapse, as far as is told and seen."""
        return not self.late and not self.collapse


def evidence_checks(plan: PlanDocument) -> Iterator[Check]:
    """Checks of a plan that states its classes' ranges; older ones state none."""
    necrosis = plan.necrosis
    stated = known(necrosis.classes)
    if stated is None:
        return
    found = {
        "jic.type": _jic(necrosis), "kerboul.grade": _grade(necrosis),
        "steinberg": _extent(necrosis, "head_fraction"), "steinberg_sphere": _extent(necrosis, "sphere_fraction"),
    }  # fmt: skip
    yield compared("necrosis.classes (paths)", sorted(stated), sorted(found), 0.0)
    for path, kinds in stated.items():
        name, own = f"necrosis.classes.{path}", found.get(path)
        told = " ".join(kinds.range) or "none"
        yield compared(f"{name}.range", told, _agreeing(kinds.range, own), 0.0)
        for key, value in (("low", known(kinds.low)), ("high", known(kinds.high))):
            if value is not None:
                ends = None if own is None else (own.values[0] if key == "low" else own.values[-1])
                yield compared(f"{name}.{key}", value, ends, tolerance.ROUNDED * 100.0)
        excused = known(kinds.not_classifiable) is not None
        yield compared(f"{name}.not_classifiable", excused, own is None or (not excused and not kinds.range), 0.0)
    jic, reach = (
        known(necrosis.jic.covered_share),
        necrosis.components[0].covered_share if necrosis.components else None,
    )
    if not isinstance(reach, UnsetType) and necrosis.components:
        yield compared("necrosis.components[0].covered_share", reach, jic, tolerance.ROUNDED)
    yield from _statements(plan)


@dataclass(frozen=True)
class Met:
    """Values that a figure may have, in order, and the classes between the outermost."""

    values: tuple[float, ...]
    names: tuple[str, ...]
    limits: tuple[float, ...]
    last_above: bool = False

    def kinds(self, nudge: float = 0.0) -> list[str]:
        """Classes from the worst to the best, the ends moved apart by ``nudge``."""

        def at(value: float) -> int:
            place = sum(value >= limit for limit in self.limits)
            return place - (self.last_above and value == self.limits[-1])

        return list(reversed(self.names[at(self.values[0] - nudge) : at(self.values[-1] + nudge) + 1]))


def _agreeing(stated: Sequence[str], own: Met | None) -> str:
    """The range as it should be; as stated where only rounding decides."""
    if own is None:
        return "none"
    wide, narrow = own.kinds(NEAR), own.kinds(-NEAR)
    kinds = list(stated) if set(narrow) <= set(stated) <= set(wide) and stated else own.kinds()
    return " ".join(kinds)


def _hidden_in(necrosis: NecrosisPart, *planes: str, least: float = SHOWN) -> bool:
    shares = known(necrosis.plane_shares)
    told = [] if shares is None else [known(getattr(shares, plane)) for plane in planes]
    return any(share is not None and share < least for share in told)


def _moves(necrosis: NecrosisPart, path: str, value: float) -> list[float]:
    """A figure as it is, with its outline moved by either amount, and in other frames."""
    change = necrosis.repeatability.figures.get(path, ChangePart())
    steps = [step for pair in (known(change.half_voxel), known(change.outline)) for step in pair or ()]
    gone = path.endswith("_fraction")
    moved = [value if step is None and not gone else 0.0 if step is None else value + step for step in steps]
    return [value, *moved, *(known(necrosis.frame_range) or {}).get(path, [])]


def _jic(necrosis: NecrosisPart) -> Met | None:
    share = known(necrosis.jic.covered_share)
    if share is None or known(necrosis.lower_bound) or _hidden_in(necrosis, "coronal"):
        return None
    reaches = _moves(necrosis, "jic.covered_share", share)
    reaches += [
        reach for one in necrosis.components[1:] if (reach := known(one.covered_share)) is not None and reach > share
    ]
    edge, middle = known(necrosis.jic.edge_deg), known(necrosis.jic.middle_deg)
    if necrosis.jic.basis == "population" and edge is not None and middle is not None:
        angles = [middle + reach * (edge - middle) for reach in reaches]
        reaches += [(angle - middle) / (edge + turn - middle) for angle in angles for turn in EDGE_DEG]
    return Met(tuple(sorted(reaches)), JIC, JIC_AT)


def _grade(necrosis: NecrosisPart) -> Met | None:
    kerboul, combined = necrosis.kerboul, known(necrosis.kerboul.combined_deg)
    arcs = (known(kerboul.coronal_deg), known(kerboul.sagittal_deg))
    if combined is None or known(necrosis.lower_bound) or _hidden_in(necrosis, "coronal", "sagittal") or 0.0 in arcs:
        return None
    return Met(tuple(sorted(_moves(necrosis, "kerboul.combined_deg", combined))), GRADES, GRADES_AT)


def _extent(necrosis: NecrosisPart, path: str) -> Met | None:
    share = known(getattr(necrosis, path))
    if share is None or known(necrosis.lower_bound):
        return None
    shares = sorted(min(1.0, max(0.0, value)) for value in _moves(necrosis, path, share))
    return Met(tuple(shares), EXTENTS, EXTENTS_AT, last_above=True)


def _facts(plan: PlanDocument) -> Facts:
    necrosis, signs = plan.necrosis, plan.necrosis.signs
    stage, classes = known(signs.stage), known(necrosis.classes) or {}
    number = None if stage is None else known(stage.number)
    if stage is not None and stage.system == "Steinberg" and number == 4:
        number = 3
    jic, grade, head = (classes[path] for path in ("jic.type", "kerboul.grade", "steinberg"))
    cut, anterior = known(necrosis.lower_bound) is True, known(necrosis.anterior_necrotic_angle_deg)
    spread = None if anterior is None or cut else _moves(necrosis, "anterior_necrotic_angle_deg", anterior)
    combined = _grade(necrosis)
    extent = _extent(necrosis, "head_fraction")
    return Facts(
        jic=frozenset(jic.range),
        kerboul=frozenset(grade.range),
        head=None if extent is None or not head.range else (extent.values[0], extent.values[-1]),
        combined=None if combined is None or not grade.range else (combined.values[0], combined.values[-1]),
        anterior=None if spread is None else (min(spread), max(spread)),
        depth=None if cut else known(necrosis.weight_bearing.depth_mm),
        stage={1: "I", 2: "II", 3: "III"}.get(number or 0),
        late=stage is not None and known(stage.collapsed) is True,
        collapse=any(known(one.code) in ("collapse", "flattening") for one in plan.warnings),
        hidden=any(
            one.covered_share is None and (known(one.surface_fraction) or 0.0) > 0.0 for one in necrosis.components
        ),
        well=(
            not _hidden_in(necrosis, "coronal", least=SHOWN_WELL),
            not _hidden_in(necrosis, "coronal", "sagittal", least=SHOWN_WELL),
        ),
    )


def _reaches(ends: tuple[float, float] | None, limit: float) -> bool:
    return ends is not None and ends[1] >= limit


def _stays(ends: tuple[float, float] | None, limit: float) -> bool:
    return ends is not None and ends[1] < limit


#: When a statement must stand; it must not stand where this does not hold.
MUST: dict[str, Callable[[Facts], bool]] = {
    "jic_course_A": lambda f: "A" in f.jic and f.early and not f.hidden and f.well[0],
    "jic_course_B": lambda f: "B" in f.jic and f.early and not f.hidden and f.well[0],
    "jic_course_C1": lambda f: "C1" in f.jic and f.early,
    "jic_course_C1_other": lambda f: "C1" in f.jic and f.early,
    "jic_course_C2": lambda f: "C2" in f.jic and f.early,
    "kerboul_course_1": lambda f: "1" in f.kerboul and f.early and not f.hidden and f.well[1],
    "kerboul_course_2": lambda f: "2" in f.kerboul and f.early,
    "kerboul_course_3": lambda f: "3" in f.kerboul and f.early,
    "kerboul_course_4": lambda f: "4" in f.kerboul and f.early,
    "large_lesion": lambda f: _reaches(f.head, 0.21) and f.early,
    "lateral_extent": lambda f: "C2" in f.jic and f.early,
    "necrotic_angle": lambda f: _reaches(f.combined, 240.0) and f.early,
    "anterior_extent": lambda f: "B" in f.jic and _reaches(f.anterior, 79.0) and f.early,
    "late_stage": lambda f: f.stage == "III",
    "late_stage_small": lambda f: f.stage == "III" and f.combined is not None and f.combined[0] < 250.0,
    "late_stage_large": lambda f: f.stage == "III" and _reaches(f.combined, 250.0),
    "survival_III": lambda f: f.stage == "III",
    "collapse": lambda f: f.collapse,
    "subchondral_breach": lambda f: f.depth is not None and f.depth < 1.0,
    "natural_course": lambda f: f.early,
    "small_lesion": lambda f: _stays(f.head, 0.21) and f.early,
    "small_angle": lambda f: _stays(f.combined, 190.0) and f.early and not f.hidden and f.well[1],
    "anterior_small": lambda f: f.jic == {"B"} and _stays(f.anterior, 79.0) and f.early and not f.hidden and f.well[0],
    "survival_I": lambda f: f.stage == "I" and f.early,
    "survival_II": lambda f: f.stage == "II" and f.early,
}
#: Counts and shares of the papers: events and hips; share and the most hips it can be of; share; ratio and its ends.
EFFECTS: dict[str, tuple[float, ...]] = {
    "kerboul_course_1": (0, 5), "kerboul_course_2": (6, 9), "kerboul_course_3": (16, 16), "kerboul_course_4": (7, 7),
    "large_lesion": (1, 17), "small_lesion": (14, 14), "small_angle": (0, 4), "necrotic_angle": (25, 25),
    "anterior_extent": (5, 5), "anterior_small": (1, 27), "late_stage": (20, 68), "late_stage_small": (13, 23),
    "late_stage_large": (7, 45),
}  # fmt: skip
SHARES: dict[str, tuple[float, int | None]] = {
    "jic_course_A": (0.0, 21), "jic_course_B": (0.079, 34), "jic_course_C1": (0.366, 173),
    "jic_course_C2": (0.848, 212), "jic_course_C1_other": (0.681, None), "survival_I": (1.0, 128),
    "survival_II": (0.85, 128), "survival_III": (0.58, 128),
}  # fmt: skip
RATIOS = {"lateral_extent": (6.35, 1.18, 34.11)}
GROUPS = ("expected", "speaks_against", "speaks_for")


def _statements(plan: PlanDocument) -> Iterator[Check]:
    """Which statements stand, that favourable ones that do not are excused, and every interval."""
    summary, facts = plan.necrosis.summary, _facts(plan)
    told: list[ArgumentPart] = [one for group in GROUPS for one in getattr(summary, group)]
    codes = {known(one.code) for one in told}
    for code, must in MUST.items():
        yield compared(f"necrosis.summary ({code})", code in codes, must(facts), 0.0)
    strange = sorted(str(code) for code in codes - set(MUST))
    yield compared("necrosis.summary (unknown statements)", strange, [], 0.0)
    withheld = {one.code for one in listed(summary.withheld)}
    yield compared("necrosis.summary (withheld and made)", sorted(str(code) for code in withheld & codes), [], 0.0)
    for group in GROUPS:
        for index, one in enumerate(getattr(summary, group)):
            effect = known(one.effect)
            name = f"necrosis.summary.{group}[{index}].effect"
            own = _own_effect(str(known(one.code)))
            if effect is None or own is None:
                yield compared(name, effect is None, own is None, 0.0)
                continue
            for key, value in zip(("value", "low", "high"), own, strict=True):
                yield compared(f"{name}.{key}", known(getattr(effect, key)), value, 1e-5)


def _own_effect(code: str) -> tuple[float, float | None, float | None] | None:
    if code in EFFECTS:
        events, n = EFFECTS[code]
        return events / n, *exact_interval(events, n)
    if code in SHARES:
        share, most = SHARES[code]
        return (share, None, None) if most is None else (share, *exact_interval(share * most, most))
    return RATIOS.get(code)


def exact_interval(events: float, n: float) -> tuple[float, float]:
    """Exact 95 % interval of a share: where either tail of the distribution holds 2.5 %, by halving.

    ``events`` need not be whole: the tail is then the beta distribution's.
    """
    low = 0.0 if events == 0.0 else _halved(lambda p: _beta_below(events, n - events + 1.0, p) - 0.025)
    high = 1.0 if events == n else _halved(lambda p: _beta_below(events + 1.0, n - events, p) - 0.975)
    return low, high


def _halved(of: Callable[[float], float]) -> float:
    """Where a rising function of a share is nought."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if of(middle) < 0.0 else (low, middle)
    return 0.5 * (low + high)


def _beta_below(a: float, b: float, p: float) -> float:
    """Share of the beta distribution below ``p``: binomial sum for whole numbers, else Lentz's continued fraction."""
    if p <= 0.0 or p >= 1.0:
        return min(1.0, max(0.0, p))
    if a == int(a) and b == int(b):
        n = int(a + b) - 1
        return math.fsum(math.comb(n, k) * p**k * (1.0 - p) ** (n - k) for k in range(int(a), n + 1))
    if p > (a + 1.0) / (a + b + 2.0):
        return 1.0 - _beta_below(b, a, 1.0 - p)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(p) + b * math.log1p(-p))
    tiny, c, d = 1e-300, 1.0, 1.0 / (1.0 - (a + b) * p / (a + 1.0))
    total = d
    for m in range(1, 500):
        even = m * (b - m) * p / ((a + 2 * m - 1.0) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * p / ((a + 2 * m) * (a + 2 * m + 1.0))
        for step in (even, odd):
            d = 1.0 / (1.0 + step * d or tiny)
            c = 1.0 + step / c or tiny
            total *= c * d
        if abs(c * d - 1.0) < 1e-14:
            break
    return front * total / a
