"""Every measure of one lesion in one hip, taken together so that it can be taken again with the outline moved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from corecore.hip.anatomy.acetabulum import Acetabulum
from corecore.measures.arcs import (
    Kerboul,
    MidPlanes,
    NecroticIndex,
    PreservedAngle,
    anterior_necrotic_angle,
    involved_arc,
    measure_kerboul,
    measure_necrotic_index,
    measure_preserved_angle,
    mid_planes,
    neck_axis,
)
from corecore.measures.jic import Arco, Jic, LateralPillar, measure_arco, measure_jic, measure_lateral_pillar
from corecore.measures.necrosis import Necrosis
from corecore.measures.osteotomy import HEADLINE_MM, Resurfacing, Turned, measure_resurfacing, rotation_about_neck, tilt
from corecore.measures.volume import HeadVolumes, Volumes, head_volumes, measure_volumes, octant_shares
from corecore.measures.weight_bearing import POLES, Pole, WeightBearing, measure_weight_bearing


@dataclass(frozen=True, eq=False)
class Ground:
    """What does not change with the lesion: the head's volumes, its mid-planes, the acetabulum, the poles by name."""

    heads: HeadVolumes
    planes: MidPlanes
    acetabulum: Acetabulum
    poles: dict[str, Pole]


@dataclass(frozen=True, eq=False)
class Figures:
    """Every measure of one outline of the lesion.

    Parameters
    ----------
    volumes : Volumes
        Volume, and shares of the head by definition.
    weight_bearing : dict of str to WeightBearing
        By load pole: ``gait``, ``stance``, ``rising``, and ``given`` for the user's.
    kerboul : Kerboul
        Modified Kerboul angle.
    necrotic_index : NecroticIndex
        Index of necrotic extent.
    anterior_necrotic_angle_deg : float or None
        From the neck's axis to the lesion's anterior edge, degrees; ``None`` where it does not reach the surface [1].
    preserved_angle : PreservedAngle
        Viable surface lateral and anterior of the lesion.
    jic : Jic
        JIC type.
    arco : Arco
        ARCO type.
    lateral_pillar : LateralPillar
        CJFH-like type.
    octants : dict of str to float
        Share of the lesion in each octant of the head (``ASM`` … ``PIL``: anterior/posterior, superior/inferior,
        medial/lateral) [2].
    rotation, tilt : Turned
        The weight-bearing cap after a rotation about the neck, and after a tilt in the coronal plane.
    resurfacing : Resurfacing
        Viable bone under a resurfacing.

    References
    ----------
    1. Kubo 2018, Int Orthop (113 hips).
    2. After doi:10.1186/s13018-024-05058-3 (150 hips).
    """

    volumes: Volumes
    weight_bearing: dict[str, WeightBearing]
    kerboul: Kerboul
    necrotic_index: NecroticIndex
    anterior_necrotic_angle_deg: float | None
    preserved_angle: PreservedAngle
    jic: Jic
    arco: Arco
    lateral_pillar: LateralPillar
    octants: dict[str, float]
    rotation: Turned
    tilt: Turned
    resurfacing: Resurfacing

    def scalars(self) -> dict[str, float | None]:
        """The single figures whose repeatability is given.

        Returns
        -------
        dict of str to float or None
            By their path in ``measures.json``.
        """
        result: dict[str, float | None] = {
            "volume_ml": self.volumes.volume_ml,
            "head_fraction": self.volumes.head.fraction,
            "sphere_fraction": self.volumes.shares["sphere"].fraction,
        }
        result |= loads_named(self.weight_bearing) | {
            "kerboul.coronal_deg": self.kerboul.coronal_deg,
            "kerboul.sagittal_deg": self.kerboul.sagittal_deg,
            "kerboul.combined_deg": self.kerboul.combined_deg,
            "necrotic_index.original": self.necrotic_index.original,
            "necrotic_index.modified": self.necrotic_index.modified,
            "anterior_necrotic_angle_deg": self.anterior_necrotic_angle_deg,
            "preserved_angle.combined_deg": self.preserved_angle.combined_deg,
            "jic.covered_share": self.jic.covered_share,
            **osteotomies_named(self.rotation, self.tilt),
            "resurfacing.headline_supported_fraction": self.resurfacing.supported_fraction[
                self.resurfacing.reaming_mm.index(HEADLINE_MM)
            ],
        }
        return result

    def classes(self) -> dict[str, str | int | None]:
        """The classes whose repeatability is given.

        Returns
        -------
        dict of str to str, int or None
            By their path in ``measures.json``.
        """
        return {
            "kerboul.grade": self.kerboul.grade,
            "jic.type": self.jic.type,
            "arco_type.type": self.arco.type,
            "lateral_pillar.type": self.lateral_pillar.type,
        }

    def without_classes(self) -> Figures:
        """Take the figures alone, as of a head or lesion that the edge of the scan cuts.

        Returns
        -------
        Figures
            The same with every class ``None``.
        """
        return replace(
            self,
            kerboul=replace(self.kerboul, grade=None),
            jic=replace(self.jic, type=None),
            arco=replace(self.arco, type=None),
            lateral_pillar=replace(self.lateral_pillar, type=None),
        )


def loads_named(loads: Mapping[str, WeightBearing]) -> dict[str, float | None]:
    """The figures under each load, by their paths in ``measures.json``."""
    return {
        f"weight_bearing.poles.{name}.{key}": value
        for name, loaded in loads.items()
        for key, value in (
            ("surface_fraction", loaded.surface_fraction),
            ("volume_fraction", loaded.volume_fraction),
            ("depth_mm", loaded.depth_mm),
        )
    }


def osteotomies_named(rotation: Turned, tilt: Turned) -> dict[str, float | None]:
    """The most that either osteotomy would bring under the load, by their paths in ``measures.json``."""
    return {
        f"osteotomy.{name}.best_intact_fraction": float(turned.intact[turned.best])
        for name, turned in (("rotation", rotation), ("tilt", tilt))
    }


def ground_of(necrosis: Necrosis, acetabulum: Acetabulum, pole: Pole | None = None) -> Ground:
    """What the measures of a hip share; ``pole`` is one more load pole, given by the user."""
    anatomy, head = necrosis.hip.anatomy, necrosis.head
    upper = head.directions @ neck_axis(necrosis) >= 0.0
    poles = dict(POLES) if pole is None else {**POLES, "given": pole}
    heads = head_volumes(necrosis.hip.bone, anatomy, head.surface_mm[upper])
    return Ground(heads, mid_planes(necrosis), acetabulum, poles)


def figures_of(
    necrosis: Necrosis, ground: Ground, focus: Necrosis | None = None, straight: Figures | None = None
) -> Figures:
    """Take every measure of a lesion; without points: zeros, and ``None`` where there is nothing to measure.

    ``focus``: the largest focus, from which the location types are read, where the lesion has several. ``straight``:
    the measures of the same outline in another frame; those that hang on no frame are taken over. Where the edge of
    the scan cuts the head or the lesion there is no class.
    """
    coronal, sagittal, neck = (
        involved_arc(necrosis, plane) for plane in (ground.planes.coronal, ground.planes.sagittal, ground.planes.neck)
    )
    place, end = (necrosis, coronal) if focus is None else (focus, involved_arc(focus, ground.planes.coronal))
    figures = Figures(
        volumes=measure_volumes(necrosis, ground.heads) if straight is None else straight.volumes,
        weight_bearing={name: measure_weight_bearing(necrosis, pole) for name, pole in ground.poles.items()},
        kerboul=measure_kerboul(coronal, sagittal),
        necrotic_index=measure_necrotic_index(necrosis, coronal, sagittal),
        anterior_necrotic_angle_deg=anterior_necrotic_angle(neck),
        preserved_angle=measure_preserved_angle(coronal, neck),
        jic=measure_jic(place, end, ground.acetabulum),
        arco=measure_arco(place, end, ground.acetabulum),
        lateral_pillar=measure_lateral_pillar(place),
        octants=octant_shares(necrosis),
        rotation=rotation_about_neck(necrosis),
        tilt=tilt(necrosis),
        resurfacing=measure_resurfacing(necrosis) if straight is None else straight.resurfacing,
    )
    # What lies beyond the edge could change any of them.
    return figures.without_classes() if necrosis.hip.lower_bound else figures
