"""Figures that hang on a femoral frame or a load's direction not known for sure: the same in the others it may be."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from corecore.base.parallel import thread_count
from corecore.hip.anatomy.acetabulum import seen_in
from corecore.hip.anatomy.frame import lateral_range_deg, possible_frames
from corecore.hip.anatomy.model import Anatomy, PlanWarning
from corecore.measures.arcs import mid_planes
from corecore.measures.figures import Figures, Ground, figures_of, loads_named, osteotomies_named
from corecore.measures.necrosis import Necrosis
from corecore.measures.osteotomy import rotation_about_neck, tilt
from corecore.measures.volume import measure_centroid
from corecore.measures.weight_bearing import LONG_AXIS_RANGE_DEG, Pole, WeightBearing, measure_weight_bearing

#: Figures that hang on head and lesion alone: no frame changes them.
OF_NO_FRAME = ("volume_ml", "head_fraction", "sphere_fraction", "resurfacing.headline_supported_fraction")
#: The load pole of the user: a direction in the femoral frame, whatever the femur's long axis.
OF_USER = "given"

Class = str | int | None


@dataclass(frozen=True)
class FrameRange:
    """Least and greatest value of each figure, and the classes met, in the frames that the femur may have.

    Where condyles or the user and a whole shaft say what the frame is there are no classes, and ranges of what hangs on
    the load's direction alone: it was measured about the femur's long axis, which no proximal femur shows.

    Parameters
    ----------
    figures : dict of str to list of float
        Least and greatest, by path in ``measures.json``.
    classes : dict of str to list
        Classes met, each once, that of the frame as it is first.
    lateral_deg, shaft_deg : float
        How far lateral may be turned about the shaft, and the shaft's axis tilted, degrees.
    """

    figures: dict[str, list[float]] = field(default_factory=dict)
    classes: dict[str, list[Class]] = field(default_factory=dict)
    lateral_deg: float = 0.0
    shaft_deg: float = 0.0

    @property
    def warnings(self) -> tuple[PlanWarning, ...]:
        """That the frame is uncertain, where it is."""
        why = []
        if self.lateral_deg:
            why.append(
                "no condyles in view: the lateral axis is assumed from the neck and uncertain by"
                f" {self.lateral_deg:.0f}°"
            )
        if self.shaft_deg:
            why.append(f"only part of the shaft is in view: its axis is uncertain by {self.shaft_deg:.1f}°")
        if not why:
            return ()
        return (PlanWarning("frame_uncertain", "; ".join((*why, "dependent figures have a range"))),)

    def missing(self) -> dict[str, str]:
        """Why a class met is null, by its path in ``measures.json``.

        Returns
        -------
        dict of str to str
            Reasons by path.
        """
        reason = "in some of the frames that the femur may have the lesion has no class"
        return {f"frame_classes.{name}": reason for name, met in self.classes.items() if None in met}


def measure_frame_range(
    necrosis: Necrosis, ground: Ground, figures: Figures, focus: Necrosis | None = None
) -> FrameRange:
    """Take the figures that hang on the frame again in every other one; ``focus`` as in ``figures_of``."""
    anatomy = necrosis.hip.anatomy
    frames, loaded = possible_frames(anatomy), possible_frames(anatomy, LONG_AXIS_RANGE_DEG)
    measured = {name: pole for name, pole in ground.poles.items() if name != OF_USER}
    users = {name: pole for name, pole in ground.poles.items() if name == OF_USER}

    def taken(frame: Anatomy) -> tuple[dict[str, float | None], dict[str, Class]]:
        there = in_frame(necrosis, frame)
        around = replace(ground, planes=mid_planes(there), acetabulum=seen_in(frame, ground.acetabulum), poles=users)
        found = figures_of(there, around, None if focus is None else in_frame(focus, frame), figures)
        return named(there, found), found.classes()

    # Most of the work is sampling, which releases the interpreter's lock.
    with ThreadPoolExecutor(thread_count()) as pool:
        others = list(pool.map(taken, frames))
        under_load = list(pool.map(lambda frame: of_load(in_frame(necrosis, frame), measured), loaded))
    at_hand = named(necrosis, figures)
    of_frame = {name: value for name, value in at_hand.items() if name not in under_load[0]} if frames else {}
    values: dict[str, list[float]] = {}
    for names, there in (
        (of_frame, [of_frame, *(found for found, _ in others)]),
        (under_load[0], [at_hand, *under_load]),
    ):
        for name in names:
            met = [value for found in there if (value := found[name]) is not None]
            if met:
                values[name] = met
    classes: dict[str, list[Class]] = {}
    for kinds in (figures.classes(), *(kinds for _, kinds in others)) if frames else ():
        for name, kind in kinds.items():
            classes.setdefault(name, []).append(kind)
    if frames:
        # Longitudes go round: they count on the turn of the frame as it is.
        turns = values["centroid_in_head.longitude_deg"]
        turns[:] = [turns[0] + (turn - turns[0] + 180.0) % 360.0 - 180.0 for turn in turns]
        if not anatomy.shaft_range_deg:
            # A turn about the shaft leaves heights as they are.
            del values["centroid_in_head.latitude_deg"]
    ranges = {name: [min(met), max(met)] for name, met in values.items()}
    # A class that is met in no frame is missing altogether, and its reason stands with the class itself.
    kinds_met = {
        name: list(dict.fromkeys(met)) for name, met in classes.items() if any(kind is not None for kind in met)
    }
    return FrameRange(ranges, kinds_met, lateral_range_deg(anatomy), anatomy.shaft_range_deg)


def in_frame(necrosis: Necrosis, anatomy: Anatomy) -> Necrosis:
    """The lesion and the head's rays as they are, in another femoral frame about the same head."""
    head = replace(necrosis.head, directions=necrosis.head.rays @ anatomy.femoral_from_local[:3, :3].T)
    result = replace(necrosis, hip=replace(necrosis.hip, anatomy=anatomy), head=head)
    # What lies where does not change with the frame.
    for name in ("under_surface", "depth_mm", "distance_mm"):
        result.__dict__[name] = getattr(necrosis, name)
    return result


def of_load(necrosis: Necrosis, poles: Mapping[str, Pole]) -> dict[str, float | None]:
    """The figures that hang on the load's direction, by their paths in ``measures.json``."""
    loads = {name: measure_weight_bearing(necrosis, pole) for name, pole in poles.items()}
    return {
        **loads_named(loads),
        **_of_gait(loads["gait"]),
        **osteotomies_named(rotation_about_neck(necrosis), tilt(necrosis)),
    }


def _of_gait(gait: WeightBearing) -> dict[str, float | None]:
    return {
        "weight_bearing.surface_fraction": gait.surface_fraction,
        "weight_bearing.volume_fraction": gait.volume_fraction,
        "weight_bearing.depth_mm": gait.depth_mm,
    }


def named(necrosis: Necrosis, figures: Figures) -> dict[str, float | None]:
    """The figures that hang on the frame, by their paths in ``measures.json``."""
    middle = measure_centroid(necrosis)
    return {
        **{name: value for name, value in figures.scalars().items() if name not in OF_NO_FRAME},
        **(_of_gait(figures.weight_bearing["gait"]) if "gait" in figures.weight_bearing else {}),
        "lateral_pillar.medial_share": figures.lateral_pillar.medial_share,
        "lateral_pillar.central_share": figures.lateral_pillar.central_share,
        "lateral_pillar.lateral_share": figures.lateral_pillar.lateral_share,
        "centroid_in_head.latitude_deg": middle.latitude_deg,
        "centroid_in_head.longitude_deg": middle.longitude_deg,
        **{f"octants.{name}": share for name, share in figures.octants.items()},
    }
