"""How much bone is dead: volumes and the share of the head, by each definition in use."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from corecore.anatomy import Anatomy
from corecore.grid import FloatArray, Mask
from corecore.measures.necrosis import Necrosis
from corecore.surface import Bone

#: The head's volume is counted on a lattice of this spacing, mm (0.1 % of a head).
HEAD_LATTICE_MM = 0.5
#: Where the plane across the neck's axis cuts the head, in radii distal of its centre. The default
#: lies between the two, and no cut has been published.
DEFAULT_CUT, OTHER_CUTS = 0.5, (0.4, 0.6)


@dataclass(frozen=True)
class HeadShare:
    """A definition of the head: its volume, the lesion within it, and the one over the other."""

    head_ml: float
    lesion_ml: float

    @property
    def fraction(self) -> float:
        """Lesion over head, 0 to 1."""
        return min(1.0, self.lesion_ml / self.head_ml)


@dataclass(frozen=True)
class Volumes:
    """Volumes in ml.

    ``shares`` by definition: ``cut_0.4``, ``cut_0.5`` (the default), ``cut_0.6``: bone in the
    fitted sphere proximal of a plane that many radii from its centre; ``sphere``: the whole
    fitted sphere (Steinberg's circle on each slice comes to the same); ``enclosing_sphere``:
    the smallest sphere about the fitted centre that holds the articular surface (Bassounas 2001).
    """

    volume_ml: float
    shares: dict[str, HeadShare]

    @property
    def head(self) -> HeadShare:
        """The default definition."""
        return self.shares[f"cut_{DEFAULT_CUT}"]

    @property
    def outside_head_ml(self) -> float:
        """Lesion that does not lie in the head as defined by default."""
        return self.volume_ml - self.head.lesion_ml


@dataclass(frozen=True)
class HeadVolumes:
    """Volume in ml and, per definition of the head, the cut (radii; ``None``: none) and the sphere's radius in mm."""

    definitions: dict[str, tuple[float, float | None, float]]


def head_volumes(bone: Bone, anatomy: Anatomy, surface_mm: FloatArray) -> HeadVolumes:
    """The head's volume by every definition; ``surface_mm`` (N,) are the distances of its surface from its centre."""
    radius = anatomy.head_radius_mm
    reach = np.arange(-radius, radius + HEAD_LATTICE_MM, HEAD_LATTICE_MM)
    x, y, z = np.meshgrid(reach, reach, reach, indexing="ij")
    offset = np.stack([x, y, z], axis=-1).reshape(-1, 3)
    along = offset @ anatomy.neck_axis
    near = (np.einsum("ij,ij->i", offset, offset) <= radius**2) & (along >= -max(OTHER_CUTS) * radius)
    along = along[near][bone.inside(offset[near] + anatomy.head_center)]
    cuts: dict[str, tuple[float, float | None, float]] = {}
    for cut in sorted((DEFAULT_CUT, *OTHER_CUTS)):
        volume = float(np.count_nonzero(along >= -cut * radius)) * HEAD_LATTICE_MM**3 / 1000.0
        cuts[f"cut_{cut}"] = (volume, cut, radius)
    cuts["sphere"] = (_ball_ml(radius), None, radius)
    # A thousandth of the surface is left out: a spur of one voxel is no head.
    around = max(radius, float(np.quantile(surface_mm, 0.999)))
    cuts["enclosing_sphere"] = (_ball_ml(around), None, around)
    return HeadVolumes(cuts)


def measure_volumes(necrosis: Necrosis, heads: HeadVolumes) -> Volumes:
    """Measure the lesion against the head."""
    lesion = necrosis.lesion
    along = necrosis.points @ (necrosis.hip.anatomy.femoral_from_local[:3, :3] @ necrosis.hip.anatomy.neck_axis)
    shares = {}
    for name, (volume, cut, radius) in heads.definitions.items():
        within = necrosis.distance_mm <= radius
        if cut is not None:
            within &= along >= -cut * radius
        shares[name] = HeadShare(volume, float(np.count_nonzero(within)) * lesion.point_ml)
    return Volumes(lesion.volume_ml, shares)


def components_ml(mask: Mask) -> tuple[float, ...]:
    """Volumes of the connected parts of a lesion's mask, largest first, ml."""
    labels, count = ndimage.label(mask.voxels, structure=np.ones((3, 3, 3)))
    parts = np.bincount(labels.ravel(), minlength=count + 1)[1:] * mask.grid.voxel_ml
    return tuple(float(v) for v in np.sort(parts)[::-1])


def _ball_ml(radius_mm: float) -> float:
    return float(4.0 / 3.0 * np.pi * radius_mm**3 / 1000.0)
