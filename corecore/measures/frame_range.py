"""Figures that hang on the lateral axis, where no condyles are in view: the same with the axis turned."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from corecore.base.parallel import thread_count
from corecore.hip.anatomy.frame import ANTEVERSION_RANGE_DEG, frame_uncertain
from corecore.hip.anatomy.model import PlanWarning
from corecore.measures.arcs import Kerboul, involved_arc, measure_kerboul, mid_planes
from corecore.measures.figures import Figures, Ground
from corecore.measures.jic import Jic, LateralPillar, measure_jic, measure_lateral_pillar
from corecore.measures.necrosis import Necrosis
from corecore.measures.volume import octant_shares
from corecore.measures.weight_bearing import GAIT_POLE, WeightBearing, measure_weight_bearing

#: Turns at which the figures are taken again, shares of the range: between its ends a figure may reach further.
TURNS = (-1.0, -0.5, 0.5, 1.0)

Class = str | int | None


@dataclass(frozen=True)
class FrameRange:
    """Least and greatest value of each figure, and the classes met, with the lateral axis turned either way.

    Both are empty where condyles or the user say where lateral is.

    Parameters
    ----------
    figures : dict of str to list of float
        Least and greatest, by path in ``measures.json``.
    classes : dict of str to list
        Classes met, each once, that of the axis as it is first.
    """

    figures: dict[str, list[float]] = field(default_factory=dict)
    classes: dict[str, list[Class]] = field(default_factory=dict)

    @property
    def warnings(self) -> tuple[PlanWarning, ...]:
        """That the lateral axis is uncertain, where it is."""
        if not self.figures:
            return ()
        text = (
            "no condyles in view: the lateral axis is assumed from the neck and uncertain by"
            f" {ANTEVERSION_RANGE_DEG:.0f}°; figures that hang on it have a range"
        )
        return (PlanWarning("frame_uncertain", text),)

    def missing(self) -> dict[str, str]:
        """Why a class met is null, by its path in ``measures.json``.

        Returns
        -------
        dict of str to str
            Reasons by path.
        """
        reason = "at some turns of the lateral axis the lesion has no class"
        return {f"frame_classes.{name}": reason for name, met in self.classes.items() if None in met}


def measure_frame_range(
    necrosis: Necrosis, ground: Ground, figures: Figures, focus: Necrosis | None = None
) -> FrameRange:
    """Take the figures that hang on the lateral axis again with it turned; ``focus`` as in ``figures_of``."""
    if not frame_uncertain(necrosis.hip.anatomy):
        return FrameRange()
    values: dict[str, list[float]] = {}
    classes: dict[str, list[Class]] = {}
    turns = [share * ANTEVERSION_RANGE_DEG for share in TURNS]
    first = _named(
        figures.weight_bearing["gait"], figures.kerboul, figures.jic, figures.lateral_pillar, figures.octants
    )
    # Most of the work is sampling, which releases the interpreter's lock.
    with ThreadPoolExecutor(thread_count()) as pool:
        others = list(pool.map(lambda turn: _taken(necrosis, focus, turn, ground), turns))
    for found, kinds in (first, *others):
        for name, value in found.items():
            if value is not None:
                values.setdefault(name, []).append(value)
        for name, kind in kinds.items():
            classes.setdefault(name, []).append(kind)
    ranges = {name: [min(met), max(met)] for name, met in values.items()}
    # A class that is met at no turn is missing altogether, and its reason stands with the class itself.
    kinds_met = {
        name: list(dict.fromkeys(met)) for name, met in classes.items() if any(kind is not None for kind in met)
    }
    return FrameRange(ranges, kinds_met)


def turned_by(necrosis: Necrosis, degrees: float) -> Necrosis:
    """The lesion and the head's rays as they are, in a femoral frame turned about the shaft."""
    anatomy = necrosis.hip.anatomy.turned_about_shaft(degrees)
    head = replace(necrosis.head, directions=necrosis.head.rays @ anatomy.femoral_from_local[:3, :3].T)
    result = replace(necrosis, hip=replace(necrosis.hip, anatomy=anatomy), head=head)
    # What lies where does not change with the frame.
    for name in ("under_surface", "depth_mm"):
        result.__dict__[name] = getattr(necrosis, name)
    return result


def _taken(
    straight: Necrosis, focus: Necrosis | None, degrees: float, ground: Ground
) -> tuple[dict[str, float | None], dict[str, Class]]:
    necrosis = turned_by(straight, degrees)
    planes = mid_planes(necrosis)
    coronal, sagittal = involved_arc(necrosis, planes.coronal), involved_arc(necrosis, planes.sagittal)
    place, end = necrosis, coronal
    if focus is not None:
        place = turned_by(focus, degrees)
        end = involved_arc(place, planes.coronal)
    return _named(
        measure_weight_bearing(necrosis, GAIT_POLE),
        measure_kerboul(coronal, sagittal),
        measure_jic(place, end, ground.acetabulum),
        measure_lateral_pillar(place),
        octant_shares(necrosis),
    )


def _named(
    loaded: WeightBearing, kerboul: Kerboul, jic: Jic, pillar: LateralPillar, octants: dict[str, float]
) -> tuple[dict[str, float | None], dict[str, Class]]:
    """Figures and classes by their paths in ``measures.json``."""
    figures: dict[str, float | None] = {
        "weight_bearing.surface_fraction": loaded.surface_fraction,
        "weight_bearing.volume_fraction": loaded.volume_fraction,
        "weight_bearing.depth_mm": loaded.depth_mm,
        "kerboul.coronal_deg": kerboul.coronal_deg,
        "kerboul.sagittal_deg": kerboul.sagittal_deg,
        "kerboul.combined_deg": kerboul.combined_deg,
        "jic.covered_share": jic.covered_share,
        **{f"octants.{name}": share for name, share in octants.items()},
    }
    classes: dict[str, Class] = {
        "kerboul.grade": kerboul.grade,
        "jic.type": jic.type,
        "lateral_pillar.type": pillar.type,
    }
    return figures, classes
