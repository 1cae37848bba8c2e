"""Warnings that a plan's figures ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from corecore.document.fields import known
from corecore.document.plan import PlanDocument
from corecore.verification import tolerance
from corecore.verification.derivation import CUT, IMAGE_DAYS
from corecore.verification.figure_path import AbsentError, at
from corecore.verification.report import Check, compared

#: A neck share above this is told.
NECK_SHARE_TOLD = 0.2
#: A focus missed by more of the outlines than this is told.
FOCUS_MISSED_TOLD = 0.05
#: The size of the cavity of ``acd``, which no maker has confirmed, mm.
UNCONFIRMED_CAVITY = (21.0, 20.0)


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
        ("focus_may_be_missed",),
        ("totals.outline.focus_missed_probability",),
        lambda share: share > FOCUS_MISSED_TOLD + tolerance.ROUNDED,
    ),
    Due(
        ("lesion_beyond_head",),
        (f"{N}.outside_head_ml", f"{N}.volume_ml"),
        lambda outside, whole: outside > 0.5 * whole + tolerance.ROUNDED,
    ),
    Due(
        ("lesion_thin",), (f"{N}.missing",), lambda reasons: any(path.startswith("repeatability.") for path in reasons)
    ),
    Due(("head_cut_by_scan", "lesion_cut_by_scan"), (f"{N}.{CUT}",), bool),
    # Loads have a range in every frame.
    Due(("frame_uncertain",), (f"{N}.frame_range",), lambda ranges: any(key.startswith("octants.") for key in ranges)),
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


def due_checks(plan: PlanDocument) -> Iterator[Check]:
    """Warnings that the figures ask for."""
    told = {known(one.code) for one in plan.warnings}
    for due in WARNINGS:
        try:
            asked = due.when(*(at(plan, key) for key in due.needs))
        except (AbsentError, LookupError, TypeError):
            continue
        if asked:
            found = "told" if told & set(due.codes) else "missing"
            yield compared(f"warnings ({' or '.join(due.codes)})", "told", found, 0.0)
