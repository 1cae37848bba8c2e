"""How much bone is dead: volumes and the share of the head, by each definition in use.

Where the lesion's centre of mass lies in the head.

Latitude and longitude after J Orthop Res 2002;20:130 (65 hips: small lesions with an anterosuperior
centroid collapsed more often).

The lesion's shares in the eight octants of the head.

The femoral frame's planes through the head's centre divide it: A anterior or P posterior, S
superior or I inferior, M medial or L lateral (after doi:10.1186/s13018-024-05058-3,
150 hips).

Steinberg's extent: how much of the head is dead, in three classes.

A below 15 %, B 15 to 30 %, C above 30 % (Steinberg, Hayken, Steinberg 1995, J Bone Joint Surg
Br 77:34, PMID 7822393). It is an extent and not a stage: the stage needs the image and the surgeon.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from corecore.base.distance_field import Bone
from corecore.base.grid import FloatArray, turned
from corecore.document.necrosis import Octant
from corecore.hip.anatomy.model import Anatomy, PlanWarning
from corecore.measures.necrosis import Necrosis

#: The head's volume is counted on a lattice of this spacing, mm (0.1 % of a head).
HEAD_LATTICE_MM = 0.5
#: Where the plane across the neck's axis cuts the head, in radii distal of its centre. The default
#: lies between the two, and no cut has been published.
DEFAULT_CUT, OTHER_CUTS = 0.5, (0.4, 0.6)
#: A lesion with more than this share below the head is told (engineering choice).
BEYOND_HEAD_SHARE = 0.5


@dataclass(frozen=True)
class HeadShare:
    """The lesion's share of the head, by one definition of the head.

    Parameters
    ----------
    head_ml : float
        Volume of the head, ml.
    lesion_ml : float
        Lesion within it, ml.

    Examples
    --------
    >>> HeadShare(50.0, 7.5).fraction
    0.15
    """

    head_ml: float
    lesion_ml: float

    @property
    def fraction(self) -> float:
        """Lesion over head, 0 to 1."""
        return min(1.0, self.lesion_ml / self.head_ml)


@dataclass(frozen=True)
class Volumes:
    """Volume of the lesion, and its share of the head by every definition.

    Parameters
    ----------
    volume_ml : float
        Volume of the lesion, ml.
    shares : dict of str to HeadShare
        ``cut_0.4``, ``cut_0.5`` (the default) and ``cut_0.6``: bone in the fitted sphere, proximal of a plane across
        the neck that many radii from its centre; ``sphere``: the whole fitted sphere; ``enclosing_sphere``: the
        smallest
        sphere about the fitted centre that holds the articular surface [1].

    References
    ----------
    1. Bassounas, Fotiadis, Malizos 2001 (106 hips).
    """

    volume_ml: float
    shares: dict[str, HeadShare]

    @property
    def head(self) -> HeadShare:
        """Share of the head by the default definition."""
        return self.shares[f"cut_{DEFAULT_CUT}"]

    @property
    def outside_head_ml(self) -> float:
        """Lesion outside the head by the default definition, ml."""
        return self.volume_ml - self.head.lesion_ml

    @property
    def warnings(self) -> tuple[PlanWarning, ...]:
        """That most of the lesion is not in the head: necrosis of the head begins under the joint surface."""
        if self.outside_head_ml <= BEYOND_HEAD_SHARE * self.volume_ml:
            return ()
        text = f"{self.outside_head_ml:.1f} of {self.volume_ml:.1f} ml of the lesion lie below the femoral head"
        return (PlanWarning("lesion_beyond_head", f"{text}: is this the mask of the necrosis?"),)


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


def _ball_ml(radius_mm: float) -> float:
    return float(4.0 / 3.0 * np.pi * radius_mm**3 / 1000.0)


@dataclass(frozen=True)
class CentroidInHead:
    """Centre of mass of the lesion in the head [1].

    Parameters
    ----------
    position_mm : tuple of float
        From the head's centre: lateral, anterior, proximal; femoral mm.
    latitude_deg : float
        Height above the plane across the shaft's axis, degrees (90: straight above the centre).
    longitude_deg : float
        Direction in that plane, degrees: 0 lateral, 90 anterior, 180 medial, -90 posterior.
    depth_mm : float
        Depth below the bone surface, mm.
    from_center_share : float
        Distance from the centre, head radii.

    References
    ----------
    1. J Orthop Res 2002;20:130 (65 hips).
    """

    position_mm: tuple[float, float, float]
    latitude_deg: float
    longitude_deg: float
    depth_mm: float
    from_center_share: float


def measure_centroid(necrosis: Necrosis) -> CentroidInHead:
    """Measure the centroid; the lesion must have points."""
    local, anatomy = necrosis.lesion.centroid_mm, necrosis.hip.anatomy
    place = turned(anatomy.femoral_from_local[:3, :3], local - anatomy.head_center)
    size = float(np.linalg.norm(place))
    return CentroidInHead(
        position_mm=(float(place[0]), float(place[1]), float(place[2])),
        latitude_deg=float(np.degrees(np.arcsin(np.clip(place[2] / max(size, 1e-9), -1.0, 1.0)))),
        longitude_deg=float(np.degrees(np.arctan2(place[1], place[0]))),
        depth_mm=float(necrosis.hip.bone.distance(local[None])[0]),
        from_center_share=size / anatomy.head_radius_mm,
    )


NAMES: tuple[Octant, ...] = ("ASM", "ASL", "PSM", "PSL", "AIM", "AIL", "PIM", "PIL")


def octant_numbers(points: FloatArray) -> npt.NDArray[np.int64]:
    """The octant of femoral positions (N, 3) from the head's centre, (N,): its place in ``NAMES``."""
    lateral, anterior, proximal = (points[:, axis] >= 0.0 for axis in range(3))
    # The order of NAMES: inferior, then posterior, then lateral.
    return np.asarray(4 * ~proximal + 2 * ~anterior + 1 * lateral, dtype=np.int64)


def octant_shares(necrosis: Necrosis) -> dict[str, float]:
    """Share of the lesion in each octant, 0 to 1; they add up to 1 (or all are 0 without lesion)."""
    counts = np.bincount(octant_numbers(necrosis.points), minlength=8)
    return {name: float(counts[i]) / max(1, len(necrosis.points)) for i, name in enumerate(NAMES)}
