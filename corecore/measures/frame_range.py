"""Figures that hang on a femoral frame which is not known for sure: the same in the other frames it may be."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from corecore.base.parallel import thread_count
from corecore.hip.anatomy.acetabulum import seen_in
from corecore.hip.anatomy.frame import lateral_range_deg, possible_frames
from corecore.hip.anatomy.model import Anatomy, PlanWarning
from corecore.measures.arcs import mid_planes
from corecore.measures.figures import Figures, Ground, figures_of
from corecore.measures.necrosis import Necrosis
from corecore.measures.volume import measure_centroid

#: Figures that hang on head and lesion alone: no frame changes them.
OF_NO_FRAME = ("volume_ml", "head_fraction", "sphere_fraction", "resurfacing.headline_supported_fraction")

Class = str | int | None


@dataclass(frozen=True)
class FrameRange:
    """Least and greatest value of each figure, and the classes met, in the frames that the femur may have.

    Both are empty where condyles or the user and a whole shaft say what the frame is.

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
    frames = possible_frames(anatomy)
    if not frames:
        return FrameRange()

    def taken(frame: Anatomy) -> tuple[dict[str, float | None], dict[str, Class]]:
        there = in_frame(necrosis, frame)
        around = replace(ground, planes=mid_planes(there), acetabulum=seen_in(frame, ground.acetabulum))
        found = figures_of(there, around, None if focus is None else in_frame(focus, frame), figures)
        return named(there, found), found.classes()

    # Most of the work is sampling, which releases the interpreter's lock.
    with ThreadPoolExecutor(thread_count()) as pool:
        others = list(pool.map(taken, frames))
    values: dict[str, list[float]] = {}
    classes: dict[str, list[Class]] = {}
    for found, kinds in ((named(necrosis, figures), figures.classes()), *others):
        for name, value in found.items():
            if value is not None:
                values.setdefault(name, []).append(value)
        for name, kind in kinds.items():
            classes.setdefault(name, []).append(kind)
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


def named(necrosis: Necrosis, figures: Figures) -> dict[str, float | None]:
    """The figures that hang on the frame, by their paths in ``measures.json``."""
    gait, middle = figures.weight_bearing["gait"], measure_centroid(necrosis)
    return {
        **{name: value for name, value in figures.scalars().items() if name not in OF_NO_FRAME},
        "weight_bearing.surface_fraction": gait.surface_fraction,
        "weight_bearing.volume_fraction": gait.volume_fraction,
        "weight_bearing.depth_mm": gait.depth_mm,
        "lateral_pillar.medial_share": figures.lateral_pillar.medial_share,
        "lateral_pillar.central_share": figures.lateral_pillar.central_share,
        "lateral_pillar.lateral_share": figures.lateral_pillar.lateral_share,
        "centroid_in_head.latitude_deg": middle.latitude_deg,
        "centroid_in_head.longitude_deg": middle.longitude_deg,
        **{f"octants.{name}": share for name, share in figures.octants.items()},
    }
