"""A plan's figures against its own other figures: sums, shares, classes, choices, error models, warnings due.

These need no hip: what can be derived from figures that stand beside it is derived again here, by definitions of
its own (``docs/measures.md``), and a warning that a figure asks for must be there. Rules are tables, one a kind; a rule
whose figures an older plan has not does not apply.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeGuard, TypeVar

from msgspec import UnsetType

from corecore.document.anatomy import AnatomyPart
from corecore.document.fields import Part, entries, known
from corecore.document.necrosis import ComponentPart, NecrosisPart, RepeatabilityPart
from corecore.document.plan import PlanDocument
from corecore.document.risk import RiskPart
from corecore.document.tunnels import PlannedTunnelPart
from corecore.verification import tolerance
from corecore.verification.report import Check

T = TypeVar("T")
#: Sizes of the head's share where Steinberg's extents meet (15 % is B), and of the arcs where Kerboul's grades do.
STEINBERG, KERBOUL_DEG = (0.15, 0.30), (200.0, 250.0, 300.0)
#: Shares of the arc from the middle to the edge where JIC types meet.
JIC_TYPES, JIC_LIMITS = ("A", "B", "C1", "C2"), (1.0 / 3.0, 2.0 / 3.0, 1.0)
#: A pillar with less of its area dead is spared, one with more wholly dead; widths (``docs/measures.md``).
PILLAR_INVOLVED, PILLAR_WHOLE, PILLAR_WIDTHS = 0.02, 0.90, [0.3, 0.4, 0.3]
#: Reaming that the resurfacing's headline is of, mm; imaging older than this is told, days; neck share that is told.
HEADLINE_MM, IMAGE_DAYS, NECK_SHARE_TOLD = 5.0, 90, 0.2
#: The load's direction in gait, femoral frame (``docs/measures.md``).
GAIT_POLE = [-0.27, 0.10, 0.96]
#: The size of the cavity of ``acd``, which no maker has confirmed, mm.
UNCONFIRMED_CAVITY = (21.0, 20.0)
#: The built-in error models: entry mm, angle deg, depth mm, tail share, tail factor (``docs/design/risk.md``).
METHODS = {
    "guide": [1.0, 0.8, 1.0, 0.0, 1.0], "robot": [1.0, 0.8, 1.0, 0.0, 1.0],
    "navigated": [1.5, 1.5, 1.5, 0.0, 1.0], "freehand": [3.0, 3.0, 2.0, 0.05, 2.0],
}  # fmt: skip
METHOD_KEYS = ("entry_mm", "angle_deg", "depth_mm", "tail_share", "tail_factor")
PRESETS = ("core-10", "core-8", "multi-3.2", "acd")
LETTERS = {
    "A": "anterior", "P": "posterior", "S": "superior", "I": "inferior", "M": "medial", "L": "lateral",
}  # fmt: skip


@dataclass(frozen=True)
class Rule:
    """The figure at ``key`` of a part is ``of`` the figures at ``needs``.

    A need that begins with ``/`` counts from the document; one that ends in ``?`` may be absent.
    """

    key: str
    needs: tuple[str, ...]
    of: Callable[..., object]
    slack: float = tolerance.ROUNDED
    unit: str = ""


def _plus(*terms: float | None) -> float | None:
    return None if any(term is None for term in terms) else math.fsum(term for term in terms if term is not None)


def _less(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a - b


def _over(a: float, b: float) -> float | None:
    return a / b if b else None


def _class(value: float | None, limits: Sequence[float], names: Sequence[T]) -> T | None:
    return None if value is None else names[sum(value >= limit for limit in limits)]


def _grade(combined: float) -> int | None:
    return None if combined <= 0.0 else _class(combined, KERBOUL_DEG, (1, 2, 3, 4))


def _needed(value: T | UnsetType) -> T:
    """A figure that nothing can be derived without. Raises ``LookupError`` where the document has none."""
    if isinstance(value, UnsetType):
        raise LookupError("no such figure")
    return value


def _of(table: Mapping[str, T], name: str) -> T:
    """What a table of the outline moved holds of a figure; plans of earlier versions had no such table."""
    if not table:
        raise _AbsentError
    return table[name]


def _moved(value: float, repeatability: RepeatabilityPart, name: str) -> list[float]:
    """A share with the outline moved half a voxel in and out."""
    inward, outward = _needed(_of(repeatability.figures, name).half_voxel)
    return [0.0 if inward is None else max(0.0, value + inward), min(1.0, value + (outward or 0.0))]


def _extent(value: float, repeatability: RepeatabilityPart, *, name: str) -> str | None:
    """Every extent between those of the outline moved in, as it is, and moved out."""
    at = [
        "A" if share < STEINBERG[0] else "B" if share <= STEINBERG[1] else "C"
        for share in (value, *_moved(value, repeatability, name))
    ]
    return "/".join(letter for letter in "ABC" if min(at) <= letter <= max(at))


def _types(kind: str | None, repeatability: RepeatabilityPart) -> str | None:
    met = (kind, *_needed(_of(repeatability.classes, "jic.type").half_voxel))
    places = [JIC_TYPES.index(one) for one in met if isinstance(one, str) and one in JIC_TYPES]
    return None if kind is None else "/".join(JIC_TYPES[min(places) : max(places) + 1])


def _pillar(medial: float, central: float, lateral: float) -> str | None:
    if lateral >= PILLAR_WHOLE:
        return "L3" if min(medial, central) >= PILLAR_WHOLE else "L2"
    shares = (("L1", lateral), ("C", central), ("M", medial))
    return next((name for name, share in shares if share >= PILLAR_INVOLVED), None)


def _arco(lesion: float | None, apex: float, edge: float) -> int | None:
    return None if lesion is None else 3 if lesion >= edge else 1 if lesion <= apex else 2


def _best(intact: list[float], values: list[float], angles: list[float]) -> float | None:
    """What stands at the best angle, of several the one that turns least."""
    best = [index for index, share in enumerate(intact) if share >= max(intact) - 2.0 * tolerance.ROUNDED]
    return values[min(best, key=lambda index: abs(angles[index]))] if best else None


def _beyond(depth: float | None, limit: float, said: bool) -> bool:
    """Whether a depth is beyond its limit; both are printed to a hundredth, and where they are the same either is."""
    return said if depth == limit else depth is not None and depth > limit


def _holes(drilled: list[PlannedTunnelPart]) -> int:
    """Entries that share no portal with an earlier one."""
    entries = [one.entry for one in drilled]
    return sum(
        all(math.dist(entry, earlier) > tolerance.SHARED_PORTAL_MM for earlier in entries[:index])
        for index, entry in enumerate(entries)
    )


def _living(living: list[float], dead: list[float]) -> list[float]:
    """Living shares of a cap, no more than the dead leave; a cap that is turned off the head has less."""
    return [min(one, 1.0 - other) for one, other in zip(living, dead, strict=True)]


def _days(date: str | None, created: str) -> int | None:
    if date is None:
        return None
    return (datetime.datetime.fromisoformat(created).date() - datetime.date.fromisoformat(date)).days


def _asks(stage: object, physis: str) -> str:
    return ", ".join(["stage"] * (stage is None) + ["physis"] * (physis == "unknown"))


def _weighted(shares: list[float], foci: list[ComponentPart]) -> float | str:
    """What is removed of all foci together."""
    sizes = [one.fraction for one in foci if not isinstance(one.fraction, UnsetType)]
    if len(sizes) < len(foci):
        raise _AbsentError
    if len(shares) != len(foci):
        return f"{len(shares)} shares of {len(foci)} foci"
    return math.fsum(share * size for share, size in zip(shares, sizes, strict=True))


def _given_up(plain: float, drilled: list[PlannedTunnelPart]) -> float:
    return plain - _needed(drilled[0].removed_fraction)


def _femoral(anatomy: AnatomyPart, side: str, centroid: list[float]) -> list[float]:
    """Lateral, anterior and proximal of the head's centre, mm."""
    z, x = anatomy.shaft_axis, anatomy.x_axis
    y = [z[1] * x[2] - z[2] * x[1], z[2] * x[0] - z[0] * x[2], z[0] * x[1] - z[1] * x[0]]
    offset = [a - b for a, b in zip(centroid, anatomy.head_center, strict=True)]
    lateral, anterior, proximal = (math.fsum(a * b for a, b in zip(offset, axis, strict=True)) for axis in (x, y, z))
    return [lateral, anterior if side == "right" else -anterior, proximal]


def _latitude(place: list[float]) -> float:
    return math.degrees(math.asin(max(-1.0, min(1.0, place[2] / max(math.hypot(*place), 1e-9)))))


#: Plans of earlier versions have no such flag.
CUT = "lower_bound?"
#: None of these is given where the edge of the scan cuts the head or the lesion.
CLASSES = {
    "necrosis.steinberg", "necrosis.steinberg_sphere", "necrosis.kerboul.grade", "necrosis.jic.type",
    "necrosis.jic.type_range", "necrosis.arco_type.type", "necrosis.lateral_pillar.type",
}  # fmt: skip
#: By the place of the part: ``[]`` is each of a list, ``*`` each of a table.
RULES: dict[str, tuple[Rule, ...]] = {
    "necrosis": (
        Rule("head_fraction", ("head_definitions.cut_0\\.5.fraction",), lambda share: share),
        Rule("sphere_fraction", ("head_definitions.sphere.fraction",), lambda share: share),
        Rule("head_volume_ml", ("head_definitions.cut_0\\.5.head_ml",), lambda volume: volume, unit="ml"),
        Rule(
            "sphere_volume_ml", ("/anatomy.head_radius_mm",), lambda r: 4.0 / 3.0 * math.pi * r**3 / 1000.0, 0.01, "ml"
        ),
        Rule(
            "head_fraction_half_voxel", ("head_fraction", "repeatability"), lambda v, r: _moved(v, r, "head_fraction")
        ),
        Rule("steinberg", ("head_fraction", "repeatability"), lambda v, r: _extent(v, r, name="head_fraction")),
        Rule(
            "steinberg_sphere",
            ("sphere_fraction", "repeatability"),
            lambda v, r: _extent(v, r, name="sphere_fraction"),
        ),
        Rule("kerboul.combined_deg", ("kerboul.coronal_deg", "kerboul.sagittal_deg"), _plus, unit="deg"),
        Rule("kerboul.grade", ("kerboul.combined_deg",), _grade),
        Rule(
            "necrotic_index.original", ("kerboul.coronal_deg", "kerboul.sagittal_deg"), lambda a, b: a * b / 324.0, 1e-4
        ),
        Rule(
            "preserved_angle.combined_deg",
            ("preserved_angle.lateral_deg", "preserved_angle.anterior_deg"),
            _plus,
            unit="deg",
        ),
        Rule(
            "jic.covered_share",
            ("jic.lesion_deg", "jic.middle_deg", "jic.edge_deg"),
            lambda at, low, high: None if at is None else (at - low) / (high - low),
            1e-4,
        ),
        Rule("jic.type", ("jic.covered_share",), lambda share: _class(share, JIC_LIMITS, JIC_TYPES)),
        Rule("jic.type_range", ("jic.type", "repeatability"), _types),
        Rule("arco_type.type", ("arco_type.lesion_deg", "arco_type.apex_deg", "arco_type.edge_deg"), _arco),
        Rule("arco_type.edge_deg", ("jic.edge_deg",), lambda angle: angle, unit="deg"),
        Rule("arco_type.lesion_deg", ("jic.lesion_deg",), lambda angle: angle, unit="deg"),
        Rule("arco_type.basis", ("jic.basis",), lambda basis: basis),
        Rule(
            "lateral_pillar.type",
            tuple(f"lateral_pillar.{name}_share" for name in ("medial", "central", "lateral")),
            _pillar,
        ),
        Rule("lateral_pillar.involved_share", (), lambda: PILLAR_INVOLVED),
        Rule("lateral_pillar.whole_share", (), lambda: PILLAR_WHOLE),
        Rule("lateral_pillar.widths", (), lambda: PILLAR_WIDTHS),
        Rule(
            "resurfacing.headline_supported_fraction",
            ("resurfacing.reaming_mm", "resurfacing.supported_fraction"),
            lambda mm, shares: shares[mm.index(HEADLINE_MM)],
        ),
        Rule("centroid_in_head.position_mm", ("/anatomy", "/case.side", "centroid"), _femoral, 0.01, "mm"),
        Rule("weight_bearing.poles.gait.pole", (), lambda: GAIT_POLE, 1e-3),
        Rule("centroid_in_head.latitude_deg", ("centroid_in_head.position_mm",), _latitude, 1e-3, "deg"),
        Rule(
            "centroid_in_head.longitude_deg",
            ("centroid_in_head.position_mm",),
            lambda at: math.degrees(math.atan2(at[1], at[0])),
            1e-3,
            "deg",
        ),
        Rule(
            "centroid_in_head.from_center_share",
            ("centroid_in_head.position_mm", "/anatomy.head_radius_mm"),
            lambda at, r: math.hypot(*at) / r,
            1e-4,
        ),
        Rule("weight_bearing.cap_half_angle_deg", ("/spec.cap_half_angle_deg",), lambda angle: angle, unit="deg"),
        Rule("weight_bearing.subchondral_depth_mm", ("/spec.subchondral_depth_mm",), lambda depth: depth, unit="mm"),
        *(
            Rule(f"weight_bearing.{key}", (f"weight_bearing.poles.gait.{key}",), lambda value: value)
            for key in ("surface_fraction", "volume_fraction", "depth_mm", "pole")
        ),
        Rule(
            "signs.collapse.found",
            ("signs.collapse.over_lesion_mm", "signs.collapse.limit_mm", "signs.collapse.found"),
            _beyond,
        ),
        Rule("signs.image_age.days", ("signs.image_age.imaging_date", "/created"), _days),
        Rule("signs.image_age.limit_days", (), lambda: IMAGE_DAYS),
        Rule("signs.asks", ("signs.stage", "signs.physis"), _asks),
        Rule("summary.asks", ("signs.stage", "signs.physis"), _asks),
    ),
    "necrosis.head_definitions.*": (Rule("fraction", ("lesion_ml", "head_ml"), _over, 1e-5),),
    "necrosis.components[]": (
        Rule("fraction", ("volume_ml", "/necrosis.volume_ml"), _over, 1e-4),
        Rule("place", ("octant",), lambda octant: "-".join(LETTERS[letter] for letter in octant)),
    ),
    **{
        f"necrosis.osteotomy.{way}": (
            Rule("intact_fraction", ("intact_fraction", "surface_fraction"), _living),
            Rule("best_intact_fraction", ("intact_fraction",), lambda shares: max(shares, default=None)),
            Rule("best_deg", ("intact_fraction", "angles_deg", "angles_deg"), _best, unit="deg"),
            Rule("best_surface_fraction", ("intact_fraction", "surface_fraction", "angles_deg"), _best),
        )
        for way in ("rotation", "tilt")
    },
    "totals": (
        Rule(
            "necrosis_removed_ml",
            ("removed_fraction", "/necrosis.volume_ml"),
            lambda share, ml: share * ml,
            0.001,
            "ml",
        ),
        Rule("necrosis_left_ml", ("/necrosis.volume_ml", "necrosis_removed_ml"), _less, 0.001, "ml"),
        Rule("healthy_bone_removed_ml", ("graft_volume_ml", "necrosis_removed_ml"), _less, 0.001, "ml"),
        Rule("removed_fraction", ("foci_removed_fraction", "/necrosis.components"), _weighted, 1e-4),
        Rule("bone_left.holes", ("/tunnels",), _holes),
    ),
    "alternatives[]": (
        Rule("against_plan.removed_fraction", ("totals.removed_fraction", "/totals.removed_fraction"), _less, 1e-5),
        Rule(
            "against_plan.healthy_bone_removed_ml",
            ("totals.healthy_bone_removed_ml", "/totals.healthy_bone_removed_ml"),
            _less,
            1e-3,
            "ml",
        ),
        Rule(
            "totals.necrosis_removed_ml",
            ("totals.removed_fraction", "/necrosis.volume_ml"),
            lambda share, ml: share * ml,
            0.001,
            "ml",
        ),
        Rule(
            "totals.healthy_bone_removed_ml",
            ("totals.graft_volume_ml", "totals.necrosis_removed_ml"),
            _less,
            0.001,
            "ml",
        ),
    ),
    "robust": (
        Rule("cost_removed_fraction", ("plain.removed_fraction", "/tunnels"), _given_up, 1e-5),
        Rule("cost_expected_fraction", ("plain.risk.removed_fraction_mean", "risk.removed_fraction_mean"), _less, 1e-3),
        Rule("breach_probability_max", ("/spec.breach_probability_max",), lambda limit: limit),
    ),
    "infeasible.relaxations[]": (Rule("amount", ("needed", "limit"), lambda a, b: abs(a - b), 1e-5),),
    "infeasible.together[]": (Rule("amount", ("needed", "limit"), lambda a, b: abs(a - b), 1e-5),),
    **{
        f"risk_methods.{name}": tuple(
            Rule(key, (), lambda value=value: value) for key, value in zip(METHOD_KEYS, values, strict=True)
        )
        for name, values in METHODS.items()
    },
}


@dataclass(frozen=True)
class Due:
    """A warning that is due where ``when`` holds of the figures at ``needs``; of several codes any one will do."""

    codes: tuple[str, ...]
    needs: tuple[str, ...]
    when: Callable[..., bool]


def _is(word: object) -> Callable[[object], bool]:
    return lambda value: bool(value == word)


N = "necrosis"
WARNINGS: tuple[Due, ...] = (
    Due(
        ("collapse",),
        (f"{N}.signs.collapse.over_lesion_mm", f"{N}.signs.collapse.limit_mm"),
        lambda depth, limit: depth is not None and depth > limit,
    ),
    Due(("flattening",), (f"{N}.signs.collapse.flattening_mm",), lambda depth: depth is not None),
    Due(("late_stage",), (f"{N}.signs.stage.collapsed",), bool),
    Due(("open_physis",), (f"{N}.signs.physis",), _is("open")),
    Due(("image_age",), (f"{N}.signs.image_age.days",), lambda days: days is not None and days > IMAGE_DAYS),
    Due(("metal",), (f"{N}.signs.metal",), lambda found: found is not None),
    Due(("previous_tunnel",), (f"{N}.signs.previous_tunnels",), bool),
    Due(("several_foci",), (f"{N}.components",), lambda foci: len(foci) > 1 and bool(known(foci[0].number))),
    Due(
        ("focus_missed",),
        ("totals.foci_removed_fraction", "tunnels"),
        lambda shares, drilled: len(shares) > 1 and bool(drilled) and shares[0] == 0.0,
    ),
    Due(
        ("lesion_thin",), (f"{N}.missing",), lambda reasons: any(path.startswith("repeatability.") for path in reasons)
    ),
    Due(("head_cut_by_scan", "lesion_cut_by_scan"), (f"{N}.{CUT}",), bool),
    Due(("frame_uncertain",), (f"{N}.frame_range",), bool),
    Due(("shaft_assumed",), ("anatomy.sources.shaft_axis",), _is("assumed")),
    Due(("lesser_trochanter_assumed",), ("anatomy.sources.lesser_trochanter",), _is("assumed")),
    Due(("greater_trochanter_missing",), ("anatomy.sources.greater_trochanter",), _is("assumed")),
    Due(("neck_in_part",), ("anatomy.sources.neck_axis",), _is("assumed")),
    Due(("acetabulum_population",), (f"{N}.jic.basis",), _is("population")),
    Due(("neck_area_share",), ("totals.neck_area_share",), lambda share: share > NECK_SHARE_TOLD + tolerance.ROUNDED),
    Due(
        ("fewer_tunnels",),
        ("status", "tunnels", "spec.tunnels", "spec.remove_fraction_min"),
        lambda status, drilled, asked, share: status == "planned" and share == 0.0 and 0 < len(drilled) < asked,
    ),
    Due(("breach_limit_not_met",), ("robust.limit_met",), _is(False)),
    Due(
        ("risk_without_cavity",),
        ("status", "spec.cavity_diameter_mm"),
        lambda status, size: status != "manual" and size > 0.0,
    ),
    Due(
        ("cavity_unconfirmed",),
        ("status", "spec.cavity_diameter_mm", "spec.cavity_length_mm"),
        lambda status, *size: status != "manual" and size == UNCONFIRMED_CAVITY,
    ),
    Due(("lesion_moved",), ("case.lesion_transform",), lambda move: move is not None),
)
#: What a landmark given by the user must come from: by its source, an input or a figure that says it.
GIVEN = {
    "head_center": (),
    "neck_axis": (),
    "shaft_axis": (),
    "lesser_trochanter": (),
    "greater_trochanter": (),
    "x_axis": ("anatomy.anteversion_deg",),
}


class _AbsentError(Exception):
    """A key that the document has not."""


#: What a limit holds back, by its parameter: the tunnel's own figure.
HELD = {
    "cortical_margin_mm": "cortical_clearance_mm", "posterosuperior_margin_mm": "posterosuperior_clearance_mm",
    "joint_margin_mm": "joint_clearance_mm", "incidence_min_deg": "incidence_deg",
    "shaft_angle_min_deg": "shaft_angle_deg", "shaft_angle_max_deg": "shaft_angle_deg", "length_max_mm": "length_mm",
    "entry_normal_max_deg": "entry_normal_deg",
}  # fmt: skip


def own_checks(plan: PlanDocument) -> list[Check]:
    """Every rule that applies to a plan."""
    checks = [
        check
        for place, rules in RULES.items()
        for prefix, part in _places(plan, place)
        for rule in rules
        for check in _judged(rule, prefix, part, plan)
    ]
    checks += [*_choices(plan), *_limits(plan), *_alone(plan)]
    return [*checks, *_sums(plan), *_due(plan), *_bounds(plan)]


def _judged(rule: Rule, prefix: str, part: object, plan: PlanDocument) -> Iterator[Check]:
    name = f"{prefix}.{rule.key}"
    try:
        stated = _at(part, rule.key)
        cut = name in CLASSES and _at(plan, f"necrosis.{CUT}")
        found = (
            None
            if cut
            else rule.of(*(_at(plan, key[1:]) if key.startswith("/") else _at(part, key) for key in rule.needs))
        )
    except _AbsentError:
        return
    except (ArithmeticError, LookupError, TypeError, ValueError):
        # Figures out of which nothing can be made: none that a planner writes.
        found = "cannot be derived"
    yield _compared(name, stated, found, rule.slack, rule.unit)


def _compared(name: str, stated: object, found: object, slack: float, unit: str = "") -> Check:
    """Numbers within the slack, lists of them in their greatest difference, words as they are."""
    if isinstance(stated, list) and isinstance(found, list) and len(stated) == len(found):
        pairs = [(a, b) for a, b in zip(stated, found, strict=True) if _is_number(a) and _is_number(b)]
        if len(pairs) == len(stated):
            gap = max((abs(a - b) for a, b in pairs), default=0.0)
            return Check(name, 0.0, gap, slack, unit, gap <= slack, cross=True)
    if _is_number(stated) and _is_number(found):
        return Check(name, stated, found, slack, unit, abs(stated - found) <= slack, cross=True)
    a, b = (", ".join(map(str, value)) if isinstance(value, list) else _word(value) for value in (stated, found))
    return Check(name, a, b, 0.0, unit, a == b, cross=True)


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _word(value: object) -> str | None:
    return None if value is None else str(value)


def _choices(plan: PlanDocument) -> Iterator[Check]:
    """What is chosen out of a list: the preset, landmarks that are given, what the acetabulum rests on."""
    roles = {known(one.role) for one in plan.case.inputs}
    preset = known(plan.spec.preset)
    if preset is not None:
        yield _compared("spec.preset", preset, preset if preset in PRESETS else "none of that name", 0.0)
    if isinstance(plan.outputs, UnsetType):
        # Plans of earlier versions named no file of landmarks.
        return
    sources = entries(plan.anatomy.sources)
    for key, instead in GIVEN.items():
        if sources.get(key) == "given":
            told = "landmarks" in roles or any(_has(plan, path) for path in instead)
            yield _compared(f"anatomy.sources.{key}", "given", "given" if told else "no input gives it", 0.0)
    basis = known(plan.necrosis.jic.basis)
    if basis in ("pelvis", "landmarks"):
        yield _compared("necrosis.jic.basis", basis, basis if basis in roles else "no input gives it", 0.0)
    keep = known(plan.spec.keep)
    for index, tunnel in enumerate(plan.tunnels):
        kept = known(tunnel.kept)
        if keep is not None and kept is not None:
            yield _compared(f"tunnels[{index}].kept", kept, index < len(keep), 0.0)


def _limits(plan: PlanDocument) -> Iterator[Check]:
    """Limits that are named with a tunnel, or as broken, are those in force, and figures beside them the tunnel's."""
    spec = entries(plan.spec)
    for index, tunnel in enumerate(plan.tunnels):
        explanation, figures = known(tunnel.explanation), entries(tunnel)
        for number, held in enumerate([] if explanation is None else explanation.limits):
            name, key = f"tunnels[{index}].explanation.limits[{number}]", known(held.key) or ""
            in_force, own = spec.get(key), figures.get(HELD.get(key, ""))
            limit, value = known(held.limit), known(held.value)
            if in_force is not None and limit is not None:
                yield _compared(f"{name}.limit", limit, in_force, tolerance.ROUNDED)
            if own is not None and value is not None:
                yield _compared(f"{name}.value", value, own, tolerance.ROUNDED)
    for index, broken in enumerate(plan.violations):
        in_force, limit = spec.get(known(broken.key) or ""), known(broken.limit)
        if isinstance(in_force, int | float) and limit is not None:
            yield _compared(f"violations[{index}].limit", limit, in_force, tolerance.ROUNDED)


def _alone(plan: PlanDocument) -> Iterator[Check]:
    """What all tunnels do together is what the only one does."""
    if len(plan.tunnels) != 1:
        return
    share, own_share = known(plan.totals.removed_fraction), known(plan.tunnels[0].removed_fraction)
    if share is not None and own_share is not None:
        yield _compared("totals.removed_fraction (of the only tunnel)", share, own_share, 1e-5)
    own_risks = known(plan.tunnels[0].risk) or {}
    for method, risk in (known(plan.totals.risk) or {}).items():
        own = entries(own_risks.get(method))
        for key, value in entries(risk).items():
            if key in own and not isinstance(value, Mapping):
                yield _compared(f"totals.risk.{method}.{key}", value, own[key], 1e-3)


def _sums(plan: PlanDocument) -> Iterator[Check]:
    """Shares that make up a whole."""
    necrosis = plan.necrosis
    shares = [share for share in entries(necrosis.octants).values() if _is_number(share)]
    if len(shares) == 8:
        yield _compared("necrosis.octants (sum)", 1.0, math.fsum(shares), 1e-4)
    volume = known(necrosis.volume_ml)
    volumes = [one.volume_ml for one in necrosis.components if not isinstance(one.volume_ml, UnsetType)]
    if volumes and volume is not None:
        yield _compared("necrosis.components (sum)", volume, math.fsum(volumes), 1e-3, "ml")
    for index, focus in enumerate(necrosis.components):
        if not isinstance(focus.number, UnsetType):
            yield _compared(f"necrosis.components[{index}].number", focus.number, index + 1, 0.0)
    whole = known(necrosis.weight_bearing.surface_fraction)
    over = [one.surface_fraction for one in necrosis.components]
    areas = [area for area in over if not isinstance(area, UnsetType)]
    if areas and whole is not None:
        # Foci may lie one above the other, never beyond the whole.
        for index, area in enumerate(areas):
            name = f"necrosis.components[{index}].surface_fraction"
            yield Check(name, whole, area, tolerance.FOCUS_AREA, "", area <= whole + tolerance.FOCUS_AREA, "<=", True)
        total = math.fsum(areas)
        name = "necrosis.components (surface_fraction, sum)"
        yield Check(name, whole, total, tolerance.FOCUS_AREA, "", total >= whole - tolerance.FOCUS_AREA, ">=", True)
    parts: list[tuple[str, NecrosisPart | PlannedTunnelPart]] = [("necrosis", necrosis)]
    parts += [(f"tunnels[{index}]", tunnel) for index, tunnel in enumerate(plan.tunnels)]
    for where, part in parts:
        for key, (low, high) in (known(part.frame_range) or {}).items():
            value = _at(part, key) if _has(part, key) else None
            if _is_number(value):
                found = min(max(value, low), high)
                yield _compared(f"{where}.frame_range.{key}", value, found, tolerance.ROUNDED)
    for where, risks in _risks(plan):
        for method, risk in risks.items():
            placed = list(risk.breach_places.values())
            if any(placed):
                yield _compared(f"{where}.{method}.breach_places (sum)", 1.0, math.fsum(placed), 1e-3)


def _risks(plan: PlanDocument) -> Iterator[tuple[str, Mapping[str, RiskPart]]]:
    yield "totals.risk", known(plan.totals.risk) or {}
    for index, tunnel in enumerate(plan.tunnels):
        yield f"tunnels[{index}].risk", known(tunnel.risk) or {}


def _due(plan: PlanDocument) -> Iterator[Check]:
    """Warnings that the figures ask for."""
    told = {known(one.code) for one in plan.warnings}
    for due in WARNINGS:
        try:
            asked = due.when(*(_at(plan, key) for key in due.needs))
        except (_AbsentError, LookupError, TypeError):
            continue
        if asked:
            found = "told" if told & set(due.codes) else "missing"
            yield _compared(f"warnings ({' or '.join(due.codes)})", "told", found, 0.0)


def _bounds(plan: PlanDocument) -> Iterator[Check]:
    """A proven bound lies above every plan that stands beside it; without one no node was bounded."""
    totals, boxes = plan.totals, plan.timings.get("boxes_bounded")
    if boxes is not None and totals.upper_bound_fraction is None:
        yield _compared("totals.upper_bound_fraction (nodes)", 0, boxes, 0.0)
    error = known(totals.discretisation_error_fraction)
    if error is not None:
        name = "totals.discretisation_error_fraction"
        yield Check(name, 0.0, error, tolerance.FRACTION, "", 0.0 <= error <= tolerance.FRACTION, cross=True)
    bound, stopped = known(totals.upper_bound_fraction), known(totals.stopped_by)
    if bound is None:
        if stopped is not None:
            yield _compared("totals.stopped_by", stopped, "effort", 0.0)
        return
    others = [known(one.totals.removed_fraction) for one in plan.alternatives]
    robust = known(plan.robust)
    plain = None if robust is None else known(robust.plain)
    others.append(None if plain is None else known(plain.removed_fraction))
    most = max((value for value in others if value is not None), default=None)
    if most is not None and known(plan.spec.target) in (None, "lesion"):
        name = "totals.upper_bound_fraction (above every other plan)"
        yield Check(
            name, most, bound, tolerance.BOUND_FRACTION, "", bound >= most - tolerance.BOUND_FRACTION, ">=", True
        )


def _places(node: object, place: str, prefix: str = "") -> Iterator[tuple[str, object]]:
    """The parts and tables of a document at a place, with their paths."""
    head, _, rest = place.partition(".")
    key, held = head.removesuffix("[]"), entries(node)
    for name in list(held) if key == "*" else [key] if key in held else []:
        value, path = held[name], f"{prefix}.{name}".lstrip(".")
        items: list[tuple[str, object]] = [(path, value)]
        if head.endswith("[]") and isinstance(value, list):
            items = [(f"{path}[{index}]", one) for index, one in enumerate(value)]
        for where, one in items:
            if rest:
                yield from _places(one, rest, where)
            elif isinstance(one, Part | Mapping):
                yield where, one


def _at(node: object, path: str) -> object:
    """The value at a path; a dot in a name stands as ``\\.``. Raises ``_AbsentError`` but where it ends in ``?``."""
    if path.endswith("?"):
        return _at(node, path[:-1]) if _has(node, path[:-1]) else None
    for name in path.replace("\\.", "\0").split("."):
        held = entries(node)
        try:
            node = held[name.replace("\0", ".")]
        except KeyError:
            raise _AbsentError from None
    return node


def _has(node: object, path: str) -> bool:
    try:
        return _at(node, path) is not None
    except _AbsentError:
        return False
