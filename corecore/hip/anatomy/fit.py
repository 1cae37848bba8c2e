"""The fit of a femur's anatomy: head, neck, shaft, trochanters and the femoral frame, in that order."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Literal

import numpy as np
from pykdtree.kdtree import KDTree

from corecore.base.distance_field import Bone
from corecore.base.errors import AnatomyError
from corecore.base.grid import FloatArray
from corecore.hip.anatomy.assumed import assumed_range_deg, assumed_shaft
from corecore.hip.anatomy.condyles import Piece, condylar_axis, knee_axis
from corecore.hip.anatomy.frame import LateralWall, lateral_wall, neck_axis_turned, vastus_ridge
from corecore.hip.anatomy.head import Head, fit_head
from corecore.hip.anatomy.model import Anatomy, Landmarks, PlanWarning
from corecore.hip.anatomy.neck import Neck, fit_neck, neck_in_part
from corecore.hip.anatomy.shaft import (
    BEGIN_BELOW_LT_MM,
    END_BELOW_LT_MM,
    Shaft,
    fit_shaft,
    fitted_range_deg,
    height,
    lowest_complete,
    on_line,
    provisional_shaft,
    rim_mm,
)
from corecore.hip.anatomy.side import checked_shape, shape_of
from corecore.hip.anatomy.trochanters import (
    Bump,
    greater_trochanter,
    lesser_trochanter,
)

_log = logging.getLogger(__name__)

#: Lesser trochanter not in view: this many head diameters distal of the head's centre
#: (1.01 ± 0.12, PMID 20069639, 200 femora).
ASSUMED_LT_DIAMETERS = 1.0
#: A vastus ridge that is given lies this near to the bone's surface, mm (engineering choice).
RIDGE_OFF_MM = 5.0
#: Shaft and lesser trochanter depend on each other: rounds at most, and when they have settled, mm.
MAX_ROUNDS = 6
SETTLED_MM = 0.05


def fit_anatomy(
    bone: Bone,
    near_mm: FloatArray,
    *,
    side: Literal["left", "right"],
    superior: FloatArray,
    given: Landmarks | None = None,
    head: Head | None = None,
    knee: Sequence[Piece] | None = None,
) -> Anatomy:
    """The anatomy of a femur in its mirrored local frame (every hip looks like a right one).

    ``near_mm`` (3,) is the lesion's centroid; ``superior`` (3,) the world's z axis in local
    coordinates, which only tells which way is up where no shaft is in view; ``given``
    landmarks override the fits; ``head``, where it has been fitted to this bone already, is
    not fitted again; ``knee``, where given, is what a block of slices shows of the distal femur: its
    condyles say where lateral is. Raises ``AnatomyError`` where there is no head, or where landmarks
    given contradict the bone; ``InputError`` for a knee that shows no condyles of this femur.
    """
    given = given or Landmarks()
    up = _unit(superior, "superior")
    head = head or fit_head(bone, near_mm, given=given)
    warnings: list[PlanWarning] = []
    sources: dict[str, str] = {"head_center": head.source}

    neck = _neck(bone, head, given, sources, warnings)
    shaft, bump, lowest = _shaft_and_lesser(bone, head, neck, up, given, sources, warnings)
    warnings.extend(checked_shape(shape_of(bone, head, neck, shaft, fitted=sources["shaft_axis"] == "fitted"), side))

    tip = given.lesser_trochanter_tip
    tip = None if tip is None else np.asarray(tip, dtype=np.float64)
    if tip is not None:
        sources["lesser_trochanter"] = "given"
    elif bump is not None:
        sources["lesser_trochanter"] = "fitted"
        tip = bump.tip
    else:
        sources["lesser_trochanter"] = "assumed"
        warnings.append(
            PlanWarning(
                "lesser_trochanter_assumed",
                "the lesser trochanter is not in view: its level is assumed"
                f" {ASSUMED_LT_DIAMETERS:.1f} head diameter ({2 * head.radius_mm:.0f} mm) distal of the head's centre",
            )
        )
    lesser_height = (
        -ASSUMED_LT_DIAMETERS * 2.0 * head.radius_mm if tip is None else height(tip, head.center, shaft.axis)
    )

    if given.greater_trochanter_tip is not None:
        greater: FloatArray | None = np.asarray(given.greater_trochanter_tip, dtype=np.float64)
        sources["greater_trochanter"] = "given"
    else:
        greater = greater_trochanter(bone, head, neck, shaft)
        sources["greater_trochanter"] = "assumed" if greater is None else "fitted"
        if greater is None:
            warnings.append(
                PlanWarning("greater_trochanter_missing", "the tip of the greater trochanter is not in view")
            )

    shaft_range = 0.0
    if sources["shaft_axis"] == "assumed":
        shaft_range = assumed_range_deg(head, lowest)
    elif sources["shaft_axis"] == "fitted":
        shaft_range = fitted_range_deg(lesser_height - BEGIN_BELOW_LT_MM - (lowest - rim_mm(bone)))
    if knee is None:
        x_axis = _x_axis(bone, neck, shaft, given, sources)
    else:
        sources["x_axis"] = "condyles"
        x_axis = knee_axis(knee, shaft, neck_axis_turned(neck.axis, shaft.axis), shaft_range)
    wall = lateral_wall(bone, head.center, shaft, x_axis, lesser_height, lowest)
    if not wall.complete:
        warnings.append(
            PlanWarning(
                "lateral_cortex_missing",
                "the lateral cortex at the level of the entries is not in view, or only in part",
            )
        )
    if given.vastus_ridge is None:
        ridge = _ridge(wall, shaft, head, x_axis, lesser_height, sources)
    else:
        ridge = _ridge_given(bone, given.vastus_ridge, shaft, head, x_axis)
        sources["vastus_ridge"] = "given"
    return Anatomy(
        side=side,
        head_center=head.center,
        head_radius_mm=head.radius_mm,
        neck_center=neck.center,
        neck_axis=neck.axis,
        neck_min_area_mm2=neck.area_mm2,
        shaft_point=shaft.point,
        shaft_axis=shaft.axis,
        x_axis=x_axis,
        lesser_trochanter_tip=tip,
        lesser_trochanter_height_mm=lesser_height,
        greater_trochanter_tip=greater,
        midline_heights_mm=wall.heights,
        midline_y_mm=wall.middle,
        sources=sources,
        wall_width_mm=wall.width,
        wall_lateral_mm=wall.lateral,
        vastus_ridge=ridge,
        shaft_range_deg=shaft_range,
        warnings=tuple(warnings),
    )


def _ridge(
    wall: LateralWall, shaft: Shaft, head: Head, x_axis: FloatArray, lesser_height: float, sources: dict[str, str]
) -> FloatArray | None:
    """The most lateral point at the vastus ridge, (3,) local mm; ``None`` where its profile's foot is assumed."""
    height = None if sources["lesser_trochanter"] == "assumed" else vastus_ridge(wall, lesser_height)
    if height is None:
        return None
    lateral = float(np.interp(height, wall.heights, wall.lateral))
    base = on_line(shaft, head.center, height)
    return np.asarray(base + (lateral - float((base - head.center) @ x_axis)) * x_axis, dtype=np.float64)


def _ridge_given(bone: Bone, point: FloatArray, shaft: Shaft, head: Head, x_axis: FloatArray) -> FloatArray:
    """The ridge as it was given, (3,) local mm. Raises ``AnatomyError`` where it is not on the bone's lateral side."""
    ridge = np.asarray(point, dtype=np.float64)
    off = float(KDTree(bone.surface_points_mm).query(ridge[None])[0][0])
    level = height(ridge, head.center, shaft.axis)
    lateral = float((ridge - on_line(shaft, head.center, level)) @ x_axis)
    if off > RIDGE_OFF_MM or lateral <= 0.0:
        where = f"{off:.1f} mm off the bone's surface" if off > RIDGE_OFF_MM else "medial of the shaft's axis"
        raise AnatomyError(
            f"vastus_ridge lies {where}; a point on the lateral side, up to {RIDGE_OFF_MM:g} mm off the surface, is"
            " accepted",
            code="landmark-implausible",
        )
    return ridge


def _unit(vector: FloatArray, name: str) -> FloatArray:
    result = np.asarray(vector, dtype=np.float64)
    length = float(np.linalg.norm(result))
    if result.shape != (3,) or not np.isfinite(length) or length < 1e-9:
        raise AnatomyError(
            f"{name} is {np.asarray(vector).tolist()}; a vector of three numbers, not zero, is accepted",
            code="geometry-invalid",
        )
    return np.asarray(result / length, dtype=np.float64)


def _neck(bone: Bone, head: Head, given: Landmarks, sources: dict[str, str], warnings: list[PlanWarning]) -> Neck:
    neck = fit_neck(bone, head)
    sources["neck_axis"] = "fitted"
    if neck is None:
        neck = neck_in_part(bone, head)
        sources["neck_axis"] = "assumed"
        warnings.append(
            PlanWarning(
                "neck_in_part",
                "no section of the femoral neck is in view as a whole: its axis is assumed from the part that is,"
                " and the area of its smallest section is that of the part",
            )
        )
    if given.neck_center is not None:
        center = np.asarray(given.neck_center, dtype=np.float64)
        axis = _unit(head.center - center, "neck axis (head centre − neck centre)")
        sources["neck_axis"] = "given"
        neck = Neck(center, axis, neck.area_mm2)
    return neck


def _shaft_and_lesser(
    bone: Bone,
    head: Head,
    neck: Neck,
    up: FloatArray,
    given: Landmarks,
    sources: dict[str, str],
    warnings: list[PlanWarning],
) -> tuple[Shaft, Bump | None, float]:
    """The shaft's line, the lesser trochanter's bump, and the lowest height in view."""
    if given.shaft_axis is not None:
        axis = _unit(given.shaft_axis, "shaft axis")
        first = provisional_shaft(bone, head) or assumed_shaft(bone, head, neck, up)
        point = first.point if given.shaft_point is None else np.asarray(given.shaft_point, dtype=np.float64)
        line = Shaft(point, axis, 0.0)
        sources["shaft_axis"] = "given"
        lowest = lowest_complete(bone, line, head.center)
        return line, lesser_trochanter(bone, head, neck, line, lowest), lowest

    assumed: Shaft | None = None
    start = provisional_shaft(bone, head)
    fitted = None if start is None else _settled(bone, head, neck, start, given)
    if fitted is None:
        # Too little bone far from the head to start from: the template leads to what is there.
        assumed = assumed_shaft(bone, head, neck, up)
        fitted = _settled(bone, head, neck, assumed, given)
    if fitted is not None:
        sources["shaft_axis"] = "fitted"
        return *fitted, lowest_complete(bone, fitted[0], head.center)

    shaft = assumed_shaft(bone, head, neck, up) if assumed is None else assumed
    sources["shaft_axis"] = "assumed"
    lowest = lowest_complete(bone, shaft, head.center)
    warnings.append(
        PlanWarning(
            "shaft_assumed",
            "less than 20 mm of shaft below the lesser trochanter is in view: the direction of its axis is assumed,"
            f" and within {assumed_range_deg(head, lowest):.0f}° in 19 femora of 20",
        )
    )
    return shaft, lesser_trochanter(bone, head, neck, shaft, lowest), lowest


def _settled(bone: Bone, head: Head, neck: Neck, shaft: Shaft, given: Landmarks) -> tuple[Shaft, Bump | None] | None:
    """Shaft and lesser trochanter fitted in turn until both stay; ``None`` where too little shaft is in view."""
    last = np.inf
    bump: Bump | None = None
    for _ in range(MAX_ROUNDS):
        if given.lesser_trochanter_tip is not None:
            level = height(np.asarray(given.lesser_trochanter_tip), head.center, shaft.axis)
        else:
            lowest = lowest_complete(bone, shaft, head.center)
            bump = lesser_trochanter(bone, head, neck, shaft, lowest)
            level = -2.0 * ASSUMED_LT_DIAMETERS * head.radius_mm
            if bump is not None:
                level = height(bump.tip, head.center, shaft.axis)
        if abs(level - last) < SETTLED_MM:
            break
        last = level
        better = fit_shaft(bone, shaft, head.center, level - BEGIN_BELOW_LT_MM, level - END_BELOW_LT_MM, neck.axis)
        if better is None:
            return None
        shaft = better
    return shaft, bump


def _x_axis(
    bone: Bone,
    neck: Neck,
    shaft: Shaft,
    given: Landmarks,
    sources: dict[str, str],
) -> FloatArray:
    """Lateral unit vector square on the shaft's axis."""
    if given.x_axis is not None:
        raw = np.asarray(given.x_axis, dtype=np.float64)
        sources["x_axis"] = "given"
        return _unit(raw - (raw @ shaft.axis) * shaft.axis, "x axis across the shaft")
    if given.anteversion_deg is not None:
        sources["x_axis"] = "given"
        return neck_axis_turned(neck.axis, shaft.axis, given.anteversion_deg)
    turned = neck_axis_turned(neck.axis, shaft.axis)
    condyles = condylar_axis(bone.surface_points_mm, shaft, turned)
    sources["x_axis"] = "neck" if condyles is None else "condyles"
    return turned if condyles is None else condyles
