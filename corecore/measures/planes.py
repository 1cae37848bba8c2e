"""The planes of the head in which arcs are measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from corecore.grid import FloatArray
from corecore.measures.arcs import ArcPlane, arc_plane
from corecore.measures.necrosis import Necrosis

LATERAL, ANTERIOR, PROXIMAL = np.eye(3)


@dataclass(frozen=True, eq=False)
class MidPlanes:
    """Planes through the head's centre; angles run from proximal (or the neck's axis) to lateral or anterior.

    ``coronal`` holds the shaft's axis and lateral, ``sagittal`` the shaft's axis and anterior,
    ``neck`` the neck's axis and anterior: the plane of a mid-oblique slice and of a frog-leg
    lateral film.
    """

    coronal: ArcPlane
    sagittal: ArcPlane
    neck: ArcPlane


def mid_planes(necrosis: Necrosis) -> MidPlanes:
    """The three planes of a hip."""
    neck = neck_axis(necrosis)
    front = ANTERIOR - (ANTERIOR @ neck) * neck
    return MidPlanes(
        coronal=arc_plane(necrosis, PROXIMAL, LATERAL),
        sagittal=arc_plane(necrosis, PROXIMAL, ANTERIOR),
        neck=arc_plane(necrosis, neck, front / np.linalg.norm(front)),
    )


def neck_axis(necrosis: Necrosis) -> FloatArray:
    """The neck's axis towards the head, (3,) femoral."""
    anatomy = necrosis.hip.anatomy
    return np.asarray(anatomy.femoral_from_local[:3, :3] @ anatomy.neck_axis, dtype=np.float64)
