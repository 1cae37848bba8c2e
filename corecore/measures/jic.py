"""The JIC type: how far lateral the lesion reaches under the acetabulum's weight-bearing surface.

Criteria of the Japanese Investigation Committee (2001, doi:10.1007/s007760200108): on the coronal
slice through the middle of the head the weight-bearing surface runs from its middle P (see
``corecore.hip.anatomy.acetabulum``) to the lateral edge E. A: the lesion ends in its medial third or lies only
medial of P; B: in the second third; C1: in the last; C2: beyond E. Of 212 hips without
collapse 0, 8, 37 and 85 % collapsed within five years (Kuroda et al. 2019,
doi:10.1302/2046-3758.810.BJR-2019-0022.R1).

The acetabulum of a hip, from the best there is: landmarks, a mask of the pelvis, a population.

The ARCO type of 2021: where the lesion's lateral end lies in the mid-coronal plane.

1: at the head's apex or medial of it; 2: between the apex and the acetabulum's lateral edge; 3: at the
edge or beyond. The wording is not confirmed from the classification's own paper and marked so; its
repeatability and results are in doi:10.1186/s12891-023-06587-4. The apex is taken where
the body's vertical, itself an estimate, meets the head.

The lesion in three pillars of the head, after the types of the China-Japan Friendship Hospital.

The head in the mid-coronal plane is divided by lines along the shaft's axis. M: the lesion lies in the medial
pillar; C: in the central one too; L1: in the lateral one, part of which is left; L2: the lateral
one is dead and part of the others; L3: the whole head is. The pillars' widths and what counts as
whole are not confirmed from the original (both are parameters), so the result is told as
"CJFH-like".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from corecore.base.errors import InputError
from corecore.base.grid import Mask, inverse
from corecore.hip.anatomy.acetabulum import Acetabulum, Basis, from_landmarks, from_population
from corecore.hip.anatomy.model import PlanWarning
from corecore.hip.anatomy.pelvis import from_pelvis
from corecore.hip.hip import Hip
from corecore.measures.arcs import Arc
from corecore.measures.necrosis import Necrosis

JicType = Literal["A", "B", "C1", "C2"]
#: Where the lesion's lateral end was read: under the bone surface, or deeper in the same plane.
SeenAt = Literal["surface", "depth"]

#: Upper limits of A, B and C1, shares of the arc from P to E; the limit itself belongs to the next type.
TYPE_LIMITS = (1.0 / 3.0, 2.0 / 3.0, 1.0)
#: Half the thickness of the mid-coronal slice in which a deep lesion is looked for, mm: sample points
#: lie no further apart than twice that.
SLICE_HALF_MM = 0.4
#: A deep lesion's angle counts outside this part of the radius: about the centre it says nothing (engineering choice).
DEEP_FROM_RADII = 0.5
#: Share of the deep points left out at the lateral end, so that one sample decides nothing (engineering choice).
DEEP_TAIL = 0.01


@dataclass(frozen=True)
class LateralEnd:
    """Angle of the lesion's lateral end in the mid-coronal plane, degrees; both ``None`` where it does not meet it."""

    angle_deg: float | None
    seen_at: SeenAt | None


@dataclass(frozen=True)
class Jic:
    """Lesion location by the Japanese Investigation Committee (JIC) [1].

    Angles lie in the mid-coronal plane as those of ``Acetabulum``.

    Parameters
    ----------
    type : {"A", "B", "C1", "C2"} or None
        ``None`` where the lesion does not meet the mid-coronal plane.
    basis : {"pelvis", "landmarks", "population"}
        What the acetabulum rests on.
    covered_share : float or None
        How far the lesion's lateral end lies from P (0) to E (1); below 0 it lies medial of P.
    middle_deg, edge_deg : float
        Angles of P and E, degrees.
    lesion_deg : float or None
        Angle of the lesion's lateral end, degrees.
    seen_at : {"surface", "depth"} or None
        Where that end was read: under the bone surface, or deeper.

    References
    ----------
    1. doi:10.1007/s007760200108; collapse by type: Kuroda 2019, doi:10.1302/2046-3758.810.BJR-2019-0022.R1.
    """

    type: JicType | None
    basis: Basis
    covered_share: float | None
    middle_deg: float
    edge_deg: float
    lesion_deg: float | None
    seen_at: SeenAt | None


def jic_type(covered_share: float) -> JicType:
    """Type of a share of the arc from P to E."""
    types: tuple[JicType, ...] = ("A", "B", "C1", "C2")
    return types[sum(covered_share >= limit for limit in TYPE_LIMITS)]


def lateral_end(necrosis: Necrosis, coronal: Arc) -> LateralEnd:
    """The lesion's lateral end: of its arc under the surface, else of what lies deeper in the mid-coronal plane."""
    if coronal.last_deg is not None:
        # Told on the same turn as the head's own end, so that a lesion across 180° is medial.
        turns = np.ceil((coronal.last_deg - coronal.head_last_deg - 1e-6) / 360.0)
        return LateralEnd(float(coronal.last_deg - 360.0 * turns), "surface")
    inner = DEEP_FROM_RADII * necrosis.hip.anatomy.head_radius_mm
    points = necrosis.points
    at = points[(np.abs(points[:, 1]) <= SLICE_HALF_MM) & (np.hypot(points[:, 0], points[:, 2]) >= inner)]
    if len(at) == 0:
        return LateralEnd(None, None)
    angles = np.degrees(np.arctan2(at[:, 0], at[:, 2]))
    return LateralEnd(float(np.quantile(angles, 1.0 - DEEP_TAIL)), "depth")


def measure_jic(necrosis: Necrosis, coronal: Arc, acetabulum: Acetabulum) -> Jic:
    """The type of a lesion from its arc in the mid-coronal plane."""
    end = lateral_end(necrosis, coronal)
    share = None if end.angle_deg is None else (end.angle_deg - acetabulum.middle_deg) / acetabulum.arc_deg
    return Jic(
        type=None if share is None else jic_type(share),
        basis=acetabulum.basis,
        covered_share=share,
        middle_deg=acetabulum.middle_deg,
        edge_deg=acetabulum.edge_deg,
        lesion_deg=end.angle_deg,
        seen_at=end.seen_at,
    )


def acetabulum_of(hip: Hip, pelvis: Mask | None = None) -> Acetabulum:
    """The acetabulum about a hip's head.

    ``pelvis`` is a mask in world RAS mm on any grid. A landmark given goes before what is found on the mask;
    a population's mean stands in, with a caution, where there is neither, or where the scan
    ends before the edge. Raises ``AnatomyError`` for a mask that shows no acetabulum about
    this head, ``InputError`` for landmarks that cannot be its own.
    """
    given = hip.case.landmarks
    edge = None if given.acetabular_edge is None else hip.to_local(given.acetabular_edge)
    teardrop = None if given.teardrop is None else hip.to_local(given.teardrop)
    if teardrop is not None and edge is None and pelvis is None:
        raise InputError(
            "the landmark teardrop is of use beside acetabular_edge or a pelvis mask", code="landmarks-incomplete"
        )
    found = None
    if pelvis is not None and (edge is None or teardrop is None):
        found = from_pelvis(hip.anatomy, Mask(pelvis.grid.moved(inverse(hip.world_from_local)), pelvis.voxels))
    if edge is not None:
        if teardrop is None and found is not None:
            teardrop = found.teardrop_mm
        return from_landmarks(hip.anatomy, edge, teardrop)
    if found is None:
        if pelvis is None:
            return from_population(hip.anatomy)
        text = "the scan ends before the acetabulum's lateral edge: the pelvis mask says nothing of place"
        return from_population(hip.anatomy, (PlanWarning("acetabulum_not_in_view", text),))
    if teardrop is not None:
        assert found.edge_mm is not None
        return from_landmarks(hip.anatomy, found.edge_mm, teardrop)
    return found


@dataclass(frozen=True)
class Arco:
    """The ARCO type of 2021: where the lesion's lateral end lies; the wording is not confirmed from its own paper [1].

    Parameters
    ----------
    type : {1, 2, 3} or None
        1: at the apex or medial; 2: between apex and acetabular edge; 3: at the edge or beyond; ``None`` where the
        lesion does not meet the mid-coronal plane.
    basis : {"pelvis", "landmarks", "population"}
        What the acetabulum rests on.
    apex_deg, edge_deg : float
        Angles of the head's apex and of the acetabulum's edge, degrees, as those of ``Acetabulum``.
    lesion_deg : float or None
        Angle of the lesion's lateral end, degrees.
    confirmed : bool, default False
        Whether the definition is confirmed from the original.

    References
    ----------
    1. Repeatability and outcome: doi:10.1186/s12891-023-06587-4.
    """

    type: Literal[1, 2, 3] | None
    basis: Basis
    apex_deg: float
    edge_deg: float
    lesion_deg: float | None
    confirmed: bool = False


def arco_type(lesion_deg: float, apex_deg: float, edge_deg: float) -> Literal[1, 2, 3]:
    """Type of a lateral end between apex and edge, degrees in one plane."""
    if lesion_deg >= edge_deg:
        return 3
    return 1 if lesion_deg <= apex_deg else 2


def measure_arco(necrosis: Necrosis, coronal: Arc, acetabulum: Acetabulum) -> Arco:
    """The type of a lesion from its arc in the mid-coronal plane."""
    end = lateral_end(necrosis, coronal).angle_deg
    apex, edge = acetabulum.vertical_deg, acetabulum.edge_deg
    return Arco(None if end is None else arco_type(end, apex, edge), acetabulum.basis, apex, edge, end)


PillarType = Literal["M", "C", "L1", "L2", "L3"]

#: Widths of the medial, central and lateral pillar, shares of the head's diameter (unconfirmed).
WIDTHS = (0.30, 0.40, 0.30)
#: A pillar with less of its area dead is spared, one with more is wholly dead (engineering choices).
INVOLVED_SHARE, WHOLE_SHARE = 0.02, 0.90
#: Spacing of the lattice in the plane, mm: some 6,000 points, 0.1 % of a pillar each.
LATTICE_MM = 0.5


@dataclass(frozen=True)
class LateralPillar:
    """Three pillars of the head after the China-Japan Friendship Hospital (CJFH-like: widths are not confirmed).

    Parameters
    ----------
    type : {"M", "C", "L1", "L2", "L3"} or None
        ``None`` where the lesion does not meet the mid-coronal plane.
    medial_share, central_share, lateral_share : float
        Necrotic share of each pillar's area in that plane, 0 to 1.
    widths : tuple of float
        Widths of the medial, central and lateral pillar, shares of the head's diameter.
    involved_share : float
        A pillar with less necrosis is spared (engineering choice).
    whole_share : float
        A pillar with more necrosis is wholly necrotic (engineering choice).
    confirmed : bool, default False
        Whether the definition is confirmed from the original.
    """

    type: PillarType | None
    medial_share: float
    central_share: float
    lateral_share: float
    widths: tuple[float, float, float]
    involved_share: float = INVOLVED_SHARE
    whole_share: float = WHOLE_SHARE
    confirmed: bool = False


def pillar_type(medial: float, central: float, lateral: float) -> PillarType | None:
    """Type of three pillars' dead shares."""
    if lateral >= WHOLE_SHARE:
        return "L3" if min(medial, central) >= WHOLE_SHARE else "L2"
    if lateral >= INVOLVED_SHARE:
        return "L1"
    if central >= INVOLVED_SHARE:
        return "C"
    return "M" if medial >= INVOLVED_SHARE else None


def measure_lateral_pillar(necrosis: Necrosis, *, widths: tuple[float, float, float] = WIDTHS) -> LateralPillar:
    """The pillars of a lesion, counted on a lattice in the head's mid-coronal section.

    Raises ``InputError`` for widths that are not positive or do not add up to 1.
    """
    if not (min(widths) > 0.0 and abs(sum(widths) - 1.0) < 1e-6):
        raise InputError(
            f"pillar widths {widths!r}; three positive shares that add up to 1 are accepted", code="parameter-value"
        )
    hip, anatomy = necrosis.hip, necrosis.hip.anatomy
    radius = anatomy.head_radius_mm
    count = int(np.ceil(2.0 * radius / LATTICE_MM))
    line = (np.arange(count) + 0.5) * (2.0 * radius / count) - radius
    lateral, proximal = (grid.ravel() for grid in np.meshgrid(line, line, indexing="ij"))
    points = anatomy.head_center + lateral[:, None] * anatomy.x_axis + proximal[:, None] * anatomy.shaft_axis
    head = anatomy.in_head(points)
    head[head] = hip.bone.inside(points[head])
    dead = np.zeros(len(points), dtype=bool)
    if len(necrosis.lesion.points_mm):
        dead[head] = necrosis.lesion.covers(points[head])
    place = (lateral + radius) / (2.0 * radius)
    pillar = (place >= widths[0]).astype(int) + (place >= widths[0] + widths[1])
    area = np.bincount(pillar[head], minlength=3)
    medial, central, outer = (
        float(n) / max(1, int(whole)) for n, whole in zip(np.bincount(pillar[dead], minlength=3), area, strict=True)
    )
    return LateralPillar(pillar_type(medial, central, outer), medial, central, outer, widths)
