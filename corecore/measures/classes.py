"""What class a lesion may have: every class that the outline, the acetabulum, the frame and other foci leave open.

A class counts only where its planes show the largest focus; elsewhere the reason stands in its place. A figure that
lies within its repeatability, or within the population's spread of the acetabular edge, of the next class is a range.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from msgspec import UNSET
from msgspec.structs import replace

from corecore.base.language import later, say
from corecore.document.fields import known
from corecore.document.necrosis import ClassRangePart, NecrosisPart

#: Classes by the path of their figure, from the best to the worst, and the figure's value where each but the first
#: begins.
JIC_TYPES, JIC_FROM = ("A", "B", "C1", "C2"), (1.0 / 3.0, 2.0 / 3.0, 1.0)
KERBOUL_GRADES, KERBOUL_FROM = ("1", "2", "3", "4"), (200.0, 250.0, 300.0)
STEINBERG_EXTENTS, STEINBERG_FROM = ("A", "B", "C"), (0.15, 0.30)
#: Lateral edge of the acetabulum from a population's mean, degrees: the central 95 % of 2,452 hips, 18.1 to 48.0° with
#: a mean of 33.6° (Werner 2012, doi:10.1007/s00256-012-1420-7).
EDGE_SPREAD_DEG = (18.1 - 33.6, 48.0 - 33.6)
#: A plane shows a focus where its section there is at least this share of the largest parallel one; for a favourable
#: statement it must show it well (engineering choices: a focus met by less is cut at its rim, and its arc there is
#: shorter than it is elsewhere, never longer).
SHOWN_SHARE, SHOWN_WELL = 0.10, 0.50
CUT = later("the edge of the scan cuts the head or the lesion")


@dataclass(frozen=True)
class Spread:
    """Values that a figure may have, and what makes it uncertain."""

    values: tuple[float, ...]
    because: tuple[str, ...]


def classes_of(measures: NecrosisPart) -> dict[str, ClassRangePart]:
    """Every class that a lesion's figures may mean.

    Parameters
    ----------
    measures : NecrosisPart
        Figures of the lesion; those that are absent give no class.

    Returns
    -------
    dict of str to ClassRangePart
        By the path of the class: ``jic.type``, ``kerboul.grade``, ``steinberg``, ``steinberg_sphere``.
    """
    return {
        "jic.type": _jic(measures),
        "kerboul.grade": _kerboul(measures),
        "steinberg": _steinberg(measures, "head_fraction"),
        "steinberg_sphere": _steinberg(measures, "sphere_fraction"),
    }


def off_plane(measures: NecrosisPart) -> list[int]:
    """Numbers of the foci under the weight-bearing area that the mid-coronal plane does not meet."""
    return [
        number
        for number, focus in enumerate(measures.components, start=1)
        if focus.covered_share is None and (known(focus.surface_fraction) or 0.0) > 0.0
    ]


def spelled(kinds: ClassRangePart) -> str | None:
    """A range as text, the best class first, as ``A/B``; ``None`` where there is no class."""
    return "/".join(reversed(kinds.range)) or None


def with_classes(measures: NecrosisPart) -> NecrosisPart:
    """The same measures with what their classes may be; classes of planes that do not show the largest focus go."""
    classes = classes_of(measures)
    hidden = not_shown(measures, "coronal") is not None
    jic, arco, pillar, kerboul = measures.jic, measures.arco_type, measures.lateral_pillar, measures.kerboul
    return replace(
        measures,
        classes=classes,
        steinberg=spelled(classes["steinberg"]),
        steinberg_sphere=spelled(classes["steinberg_sphere"]),
        jic=replace(jic, type=None if hidden else jic.type, type_range=spelled(classes["jic.type"])),
        kerboul=replace(kerboul, grade=kerboul.grade if classes["kerboul.grade"].range else None),
        arco_type=replace(arco, type=None if hidden else arco.type),
        lateral_pillar=replace(pillar, type=None if hidden else pillar.type),
    )


def missing_classes(measures: NecrosisPart) -> dict[str, str]:
    """Why classes are missing, by their paths, where a plane is the reason or the scan's edge."""
    classes = known(measures.classes) or {}
    reasons = {path: known(kinds.not_classifiable) for path, kinds in classes.items()}
    hidden = not_shown(measures, "coronal")
    reasons |= {"jic.type_range": reasons.get("jic.type")}
    if hidden is not None:
        reasons |= {"arco_type.type": hidden, "lateral_pillar.type": hidden}
    return {path: reason for path, reason in reasons.items() if reason is not None}


def not_shown(measures: NecrosisPart, *planes: str, least: float = SHOWN_SHARE) -> str | None:
    """Why no class is read in some planes: the largest focus is not shown there; ``None`` where it is."""
    shares = known(measures.plane_shares)
    if shares is None:
        return None
    for plane in planes:
        share = known(getattr(shares, plane))
        if share is not None and share < least:
            alone = len(measures.components) < 2
            if share == 0.0:
                return (
                    say("the lesion does not meet the mid-{plane} plane", plane=plane)
                    if alone
                    else say("the largest focus does not meet the mid-{plane} plane", plane=plane)
                )
            part = f"{100.0 * share:.0f} %"
            return (
                say("the lesion has {share} of its largest section in the mid-{plane} plane", share=part, plane=plane)
                if alone
                else say(
                    "the largest focus has {share} of its largest section in the mid-{plane} plane",
                    share=part,
                    plane=plane,
                )
            )
    return None


def _jic(measures: NecrosisPart) -> ClassRangePart:
    share = known(measures.jic.covered_share)
    reason = _cut(measures) or not_shown(measures, "coronal")
    if share is None and reason is None:
        reason = say("the lesion does not meet the outer half of the head in the mid-coronal plane")
    if reason is not None or share is None:
        return ClassRangePart(not_classifiable=reason or UNSET)
    spread = _spread(measures, "jic.covered_share", share)
    values, because = list(spread.values), list(spread.because)
    others = [reach for focus in measures.components[1:] if (reach := known(focus.covered_share)) is not None]
    if max(others, default=share) > share:
        values.append(max(others))
        because.append(say("another focus reaches further laterally"))
    if measures.jic.basis == "population":
        edge, middle = known(measures.jic.edge_deg), known(measures.jic.middle_deg)
        if edge is not None and middle is not None:
            arc = edge - middle
            values += [value * arc / (arc + turn) for value in list(values) for turn in EDGE_SPREAD_DEG]
            because.append(say("acetabular edge of a population"))
    return _range(values, because, JIC_TYPES, JIC_FROM)


def _kerboul(measures: NecrosisPart) -> ClassRangePart:
    kerboul = measures.kerboul
    combined = known(kerboul.combined_deg)
    reason = _cut(measures) or not_shown(measures, "coronal", "sagittal")
    if reason is None:
        unmet = [plane for plane in ("coronal", "sagittal") if known(getattr(kerboul, f"{plane}_deg")) == 0.0]
        if len(unmet) == 1:
            reason = say("the lesion does not reach the surface in the mid-{plane} plane", plane=unmet[0])
        elif unmet:
            reason = say("the lesion reaches the surface in neither mid-plane")
    if reason is not None or combined is None:
        return ClassRangePart(not_classifiable=reason or UNSET)
    spread = _spread(measures, "kerboul.combined_deg", combined)
    return _range(spread.values, spread.because, KERBOUL_GRADES, KERBOUL_FROM)


def _steinberg(measures: NecrosisPart, path: Literal["head_fraction", "sphere_fraction"]) -> ClassRangePart:
    share = known(getattr(measures, path))
    reason = _cut(measures)
    if reason is not None or share is None:
        return ClassRangePart(not_classifiable=reason or UNSET)
    spread = _spread(measures, path, share)
    values = tuple(min(1.0, max(0.0, value)) for value in spread.values)
    return _range(values, spread.because, STEINBERG_EXTENTS, STEINBERG_FROM, last_included=True)


def _cut(measures: NecrosisPart) -> str | None:
    return say(CUT) if known(measures.lower_bound) is True else None


def _spread(measures: NecrosisPart, path: str, value: float) -> Spread:
    """A figure with its outline moved, and in the other frames that the femur may have."""
    values, because = [value], []
    change = measures.repeatability.figures.get(path)
    if change is not None:
        for moved, word in ((known(change.half_voxel), _half(measures)), (known(change.outline), _outline(measures))):
            steps = [0.0 - value if step is None and path.endswith("_fraction") else step for step in moved or ()]
            values += [value + step for step in steps if step is not None]
            if any(steps):
                because.append(word)
    ends = (known(measures.frame_range) or {}).get(path)
    if ends is not None:
        values += ends
        because.append(say("uncertain frame"))
    return Spread(tuple(values), tuple(because))


def _half(measures: NecrosisPart) -> str:
    size = known(measures.repeatability.half_voxel_mm) or 0.0
    return say("outline ± half a voxel ({size:.2g} mm)", size=size)


def _outline(measures: NecrosisPart) -> str:
    return say("outline ± {size:.2g} mm", size=known(measures.repeatability.outline_error_mm) or 0.0)


def _range(
    values: Iterable[float],
    because: Iterable[str],
    names: Sequence[str],
    begin: Sequence[float],
    *,
    last_included: bool = False,
) -> ClassRangePart:
    """Classes between the least and the greatest value; of ``last_included`` the last begins above its limit."""
    met = list(values)
    low, high = min(met), max(met)

    def place(value: float) -> int:
        above = sum(value >= limit for limit in begin)
        return above - 1 if last_included and value == begin[-1] else above

    kinds = list(names[place(low) : place(high) + 1])[::-1]
    # A figure within one class needs no excuse.
    return ClassRangePart(range=kinds, low=low, high=high, because=list(because) if len(kinds) > 1 else [])
