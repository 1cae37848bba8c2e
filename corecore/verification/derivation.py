"""What follows from a plan's figures for others of it, by definitions of its own (``docs/measures.md``).

Rules are tables, one a kind.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from msgspec import UnsetType

from corecore.document.anatomy import AnatomyPart
from corecore.document.fields import known
from corecore.document.necrosis import ClassRangePart, ComponentPart, PlaneSharesPart, RepeatabilityPart
from corecore.document.risk import RiskPart
from corecore.document.tunnels import PlannedTunnelPart
from corecore.verification import tolerance
from corecore.verification.evidence import SHOWN
from corecore.verification.figure_path import AbsentError

T = TypeVar("T")
#: Sizes of the head's share where Steinberg's extents meet (15 % is B), and of the arcs where Kerboul's grades do.
STEINBERG, KERBOUL_DEG = (0.15, 0.30), (200.0, 250.0, 300.0)
#: Shares of the arc from the middle to the edge where JIC types meet.
JIC_TYPES, JIC_LIMITS = ("A", "B", "C1", "C2"), (1.0 / 3.0, 2.0 / 3.0, 1.0)
#: A pillar with less of its area dead is spared, one with more wholly dead; widths (``docs/measures.md``).
PILLAR_INVOLVED, PILLAR_WHOLE, PILLAR_WIDTHS = 0.02, 0.90, [0.3, 0.4, 0.3]
#: Reaming that the resurfacing's headline is of, mm; imaging older than this is told, days.
HEADLINE_MM, IMAGE_DAYS = 5.0, 90
#: The load's direction in gait, femoral frame (``docs/measures.md``).
GAIT_POLE = [-0.274, 0.163, 0.948]
#: The built-in error models by the version from which they hold, the latest first, figures in the order of
#: ``METHOD_KEYS`` (``docs/design/risk.md``). Those of earlier versions have the first five alone.
METHODS: dict[tuple[int, ...], dict[str, list[float]]] = {
    (0, 3): {
        "fluoroscopy": [1.5, 3.0, 1.0, 0.05, 2.0, 3.0, 2.0, 1.0], "guide": [2.5, 1.3, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0],
        "guide_best": [0.5, 0.65, 0.5, 0.0, 1.0, 0.0, 0.0, 0.0],
        "navigated": [0.5, 1.25, 1.5, 0.0, 1.0, 0.0, 0.0, 0.0], "robot": [1.2, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0],
    },
    (0,): {
        "guide": [1.0, 0.8, 1.0, 0.0, 1.0], "robot": [1.0, 0.8, 1.0, 0.0, 1.0],
        "navigated": [1.5, 1.5, 1.5, 0.0, 1.0], "freehand": [3.0, 3.0, 2.0, 0.05, 2.0],
    },
}  # fmt: skip
METHOD_KEYS = (
    "entry_mm", "angle_deg", "depth_mm", "tail_share", "tail_factor", "redirect_mm", "reading_mm", "outline_mm",
)  # fmt: skip
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


def _grade(combined: float, classes: Mapping[str, ClassRangePart] | None) -> int | None:
    if classes is not None and not classes["kerboul.grade"].range:
        return None
    return None if combined <= 0.0 else _class(combined, KERBOUL_DEG, (1, 2, 3, 4))


def _needed(value: T | UnsetType) -> T:
    """A figure that nothing can be derived without. Raises ``LookupError`` where the document has none."""
    if isinstance(value, UnsetType):
        raise LookupError("no such figure")
    return value


def _perforates(method: str, risks: Mapping[str, RiskPart]) -> float:
    """How often a plan perforates by a method; plans of earlier versions did not say."""
    found = risks[method].perforation_probability
    if isinstance(found, UnsetType):
        raise AbsentError
    return found


def _of(table: Mapping[str, T], name: str) -> T:
    """What a table of the outline moved holds of a figure; plans of earlier versions had no such table."""
    if not table:
        raise AbsentError
    return table[name]


def _moved(value: float, repeatability: RepeatabilityPart, name: str) -> list[float]:
    """A share with the outline moved half a voxel in and out."""
    inward, outward = _needed(_of(repeatability.figures, name).half_voxel)
    return [0.0 if inward is None else max(0.0, value + inward), min(1.0, value + (outward or 0.0))]


def _spelled(classes: Mapping[str, ClassRangePart], path: str) -> str | None:
    """A range of classes as text, the best first."""
    return "/".join(reversed(classes[path].range)) or None


def _extent(
    value: float, repeatability: RepeatabilityPart, classes: Mapping[str, ClassRangePart] | None, *, name: str
) -> str | None:
    """Every extent that the range of classes has; of earlier plans, those of the outline half a voxel in and out."""
    if classes is not None:
        return _spelled(classes, {"head_fraction": "steinberg", "sphere_fraction": "steinberg_sphere"}[name])
    at = [
        "A" if share < STEINBERG[0] else "B" if share <= STEINBERG[1] else "C"
        for share in (value, *_moved(value, repeatability, name))
    ]
    return "/".join(letter for letter in "ABC" if min(at) <= letter <= max(at))


def _shown(kind: T | None, shares: PlaneSharesPart | None) -> T | None:
    """A class of the mid-coronal plane where that plane shows the largest focus."""
    share = None if shares is None else known(shares.coronal)
    return None if share is not None and share < SHOWN else kind


def _types(
    kind: str | None, repeatability: RepeatabilityPart, classes: Mapping[str, ClassRangePart] | None
) -> str | None:
    if classes is not None:
        return _spelled(classes, "jic.type")
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
        raise AbsentError
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
        Rule("steinberg", ("head_fraction", "repeatability", "classes?"), partial(_extent, name="head_fraction")),
        Rule(
            "steinberg_sphere",
            ("sphere_fraction", "repeatability", "classes?"),
            partial(_extent, name="sphere_fraction"),
        ),
        Rule("kerboul.combined_deg", ("kerboul.coronal_deg", "kerboul.sagittal_deg"), _plus, unit="deg"),
        Rule("kerboul.grade", ("kerboul.combined_deg", "classes?"), _grade),
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
        Rule(
            "jic.type",
            ("jic.covered_share", "plane_shares?"),
            lambda share, shown: _shown(_class(share, JIC_LIMITS, JIC_TYPES), shown),
        ),
        Rule("jic.type_range", ("jic.type", "repeatability", "classes?"), _types),
        Rule(
            "arco_type.type",
            ("arco_type.lesion_deg", "arco_type.apex_deg", "arco_type.edge_deg", "plane_shares?"),
            lambda lesion, apex, edge, shown: _shown(_arco(lesion, apex, edge), shown),
        ),
        Rule("arco_type.edge_deg", ("jic.edge_deg",), lambda angle: angle, unit="deg"),
        Rule("arco_type.lesion_deg", ("jic.lesion_deg",), lambda angle: angle, unit="deg"),
        Rule("arco_type.basis", ("jic.basis",), lambda basis: basis),
        Rule(
            "lateral_pillar.type",
            (*(f"lateral_pillar.{name}_share" for name in ("medial", "central", "lateral")), "plane_shares?"),
            lambda medial, central, lateral, shown: _shown(_pillar(medial, central, lateral), shown),
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
        Rule("breach_method", ("/spec.guidance",), lambda guidance: guidance),
        Rule("breach_probability", ("/spec.guidance", "totals.risk"), _perforates, 1e-4),
        Rule(
            "against_plan.breach_probability",
            ("breach_probability", "/spec.guidance", "/totals.risk"),
            lambda other, guidance, risks: other - _perforates(guidance, risks),
            2e-4,
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
}
