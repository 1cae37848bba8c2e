"""All measures of one hip, as they stand in ``measures.json``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec
import numpy as np
from msgspec import UNSET

from corecore.base.cancellation import check_wanted
from corecore.base.grid import FloatArray
from corecore.base.html import figures_html
from corecore.base.spec import Spec
from corecore.document.content import content_of
from corecore.document.fields import Part, known
from corecore.document.necrosis import (
    CLASSES,
    ArcoTypePart,
    CentroidPart,
    ClassRangePart,
    HeadShare,
    JicPart,
    KerboulPart,
    LateralPillarPart,
    NecrosisPart,
    NecroticIndexPart,
    OctantsPart,
    OsteotomyPart,
    PlaneSharesPart,
    PreservedAnglePart,
    WeightBearingPart,
)
from corecore.hip.anatomy.acetabulum import Acetabulum
from corecore.hip.anatomy.model import PlanWarning
from corecore.hip.hip import Hip
from corecore.measures.classes import CUT, missing_classes, spelled, with_classes
from corecore.measures.figures import Figures, figures_of, ground_of
from corecore.measures.foci import Focus, foci_of, foci_warnings, largest, plane_shares
from corecore.measures.frame_range import FrameRange, measure_frame_range
from corecore.measures.jic import acetabulum_of
from corecore.measures.necrosis import Necrosis, necrosis_of
from corecore.measures.repeatability import Repeatability, measure_repeatability
from corecore.measures.signs.clinician_input import ClinicianInput
from corecore.measures.signs.detect_signs import Signs, detect_signs
from corecore.measures.summary import Summary, summarise
from corecore.measures.volume import CentroidInHead, measure_centroid
from corecore.measures.weight_bearing import Pole


@dataclass(frozen=True, eq=False)
class Measures:
    """All measures of one hip's necrosis; each figure's definition and source: ``docs/measures.md``.

    Parameters
    ----------
    necrosis : Necrosis
        The lesion seen from the head's centre, femoral frame.
    figures : Figures
        The measures of the outline as it was drawn.
    repeatability : Repeatability
        How much each changes with the segmentation uncertainty.
    frame_range : FrameRange
        Where no condyles are in view: how much each changes when the lateral axis turns.
    centroid : ndarray, shape (3,)
        Centre of mass of the lesion, world RAS mm.
    centroid_in_head : CentroidInHead
        The same in the head.
    acetabulum : Acetabulum
        Acetabulum that the location types refer to, local frame.
    signs : Signs
        Signs of collapse, previous tunnels and metal, and what the surgeon said.
    foci : tuple of Focus
        Connected pieces of the lesion, the largest first.
    """

    necrosis: Necrosis
    figures: Figures
    repeatability: Repeatability
    frame_range: FrameRange
    centroid: FloatArray
    centroid_in_head: CentroidInHead
    acetabulum: Acetabulum
    signs: Signs
    foci: tuple[Focus, ...]

    @property
    def warnings(self) -> tuple[PlanWarning, ...]:
        """What a reader must know of the measures; those of the hip are in ``Hip.warnings``."""
        return (
            *self.figures.volumes.warnings,
            *foci_warnings(self.foci),
            *self.repeatability.warnings,
            *self.signs.warnings,
            *self.acetabulum.warnings,
            *self.frame_range.warnings,
        )

    def summary(self, measured: NecrosisPart) -> Summary:
        """Summarise the measures for a reader with ten seconds.

        Parameters
        ----------
        measured : NecrosisPart
            Content of ``part``.

        Returns
        -------
        Summary
            Headline, reported natural history, factors favouring and against decompression.
        """
        return summarise(measured, stage=self.signs.stage, warnings=self.warnings, asks=self.signs.asks)

    def __repr__(self) -> str:
        return f"<Measures: necrosis {self.figures.scalars()['volume_ml']:.2f} ml>"

    def _repr_html_(self) -> str:
        volumes, loaded = self.figures.volumes, self.figures.weight_bearing["gait"]
        rows = [
            ("necrosis", f"{volumes.volume_ml:.2f} ml"),
            ("share of the head", f"{volumes.head.fraction:.1%}, extent {spelled(self.classes['steinberg']) or '–'}"),
            ("share of the weight-bearing area", f"{loaded.surface_fraction:.1%}"),
            ("share of it in the weight-bearing sector", f"{loaded.volume_fraction:.1%}"),
            ("modified Kerboul angle", f"{self.figures.kerboul.combined_deg:.0f}°"),
            ("JIC type", spelled(self.classes["jic.type"]) or "–"),
        ]
        return figures_html("necrosis", rows, [warning.text for warning in self.warnings])

    def half_voxel_range(self, name: str) -> tuple[float, float]:
        """Range of a share with the outline moved half a voxel in and out.

        Parameters
        ----------
        name : str
            ``"head_fraction"``, ``"sphere_fraction"`` or another share of ``Figures.scalars``.

        Returns
        -------
        tuple of float
            Least and greatest share, 0 to 1.
        """
        value = self.figures.scalars()[name]
        inward, outward = self.repeatability.half_voxel[name]
        assert value is not None  # shares exist for every outline
        # Without a change inward nothing of the lesion is left there.
        return 0.0 if inward is None else max(0.0, value + inward), min(1.0, value + (outward or 0.0))

    @cached_property
    def classes(self) -> dict[str, ClassRangePart]:
        """Every class that the lesion may have, by path: ``jic.type``, ``kerboul.grade``, ``steinberg``."""
        return known(self._figures.classes) or {}

    def as_dict(self) -> dict[str, Any]:
        """The content of ``measures.json`` without its header.

        Returns
        -------
        dict
            Figures by name; positions in world RAS mm.
        """
        return content_of(self.part())

    def part(self) -> NecrosisPart:
        """As in ``plan.json`` under ``necrosis``, not yet rounded.

        Returns
        -------
        NecrosisPart
            The typed content of ``as_dict``.
        """
        measured = self._figures
        return msgspec.structs.replace(
            measured,
            missing=self._missing(measured),
            signs=self.signs.part(),
            summary=self.summary(measured).part(),
        )

    def _missing(self, measured: NecrosisPart) -> dict[str, str]:
        found = missing(measured)
        if len(self.foci) > 1:
            found |= {
                path: reason.replace("the lesion", "the largest focus")
                for path, reason in found.items()
                if path.startswith(PLACED)
            }
        found |= missing_classes(measured)
        # Before any other reason: what lies beyond the edge could change every class.
        if self.necrosis.hip.lower_bound:
            found |= dict.fromkeys(CLASSES, CUT)
        return found | self.frame_range.missing() | self.repeatability.missing()

    @cached_property
    def _figures(self) -> NecrosisPart:
        figures, volumes = self.figures, self.figures.volumes
        gait = figures.weight_bearing["gait"]
        measured = NecrosisPart(
            lower_bound=self.necrosis.hip.lower_bound,
            volume_ml=volumes.volume_ml,
            outside_head_ml=volumes.outside_head_ml,
            head_volume_ml=volumes.head.head_ml,
            sphere_volume_ml=volumes.shares["sphere"].head_ml,
            head_fraction=volumes.head.fraction,
            head_fraction_half_voxel=list(self.half_voxel_range("head_fraction")),
            sphere_fraction=volumes.shares["sphere"].fraction,
            head_definitions={
                name: HeadShare(head_ml=share.head_ml, lesion_ml=share.lesion_ml, fraction=share.fraction)
                for name, share in volumes.shares.items()
            },
            weight_bearing=WeightBearingPart(
                **msgspec.structs.asdict(gait.part()),
                poles={name: one.part() for name, one in figures.weight_bearing.items()},
            ),
            kerboul=KerboulPart(**vars(figures.kerboul)),
            necrotic_index=NecroticIndexPart(**vars(figures.necrotic_index)),
            anterior_necrotic_angle_deg=figures.anterior_necrotic_angle_deg,
            preserved_angle=PreservedAnglePart(**vars(figures.preserved_angle), confirmed=False),
            jic=JicPart(**vars(figures.jic)),
            arco_type=ArcoTypePart(**vars(figures.arco)),
            lateral_pillar=LateralPillarPart(**vars(figures.lateral_pillar)),
            octants=OctantsPart(**figures.octants),
            components=[focus.part() for focus in self.foci],
            centroid=[float(c) for c in self.centroid],
            centroid_in_head=CentroidPart(**vars(self.centroid_in_head)),
            osteotomy=OsteotomyPart(rotation=figures.rotation.part(), tilt=figures.tilt.part()),
            resurfacing=figures.resurfacing.part(),
            repeatability=self.repeatability.part(),
            frame_range=self.frame_range.figures or UNSET,
            frame_classes=self.frame_range.classes or UNSET,
            plane_shares=PlaneSharesPart(**plane_shares(self.necrosis)),
        )
        return with_classes(measured)


#: Why a figure can be null: by the end of its path.
REASONS = {
    "steinberg": CUT,
    "steinberg_sphere": CUT,
    "weight_bearing.depth_mm": "no lesion lies in the weight-bearing sector",
    "depth_mm": "no lesion lies in this sector",
    "kerboul.grade": "the lesion reaches the surface in neither mid-plane",
    "anterior_necrotic_angle_deg": "the lesion does not reach the surface in the neck's plane",
    **dict.fromkeys(
        (
            *(f"jic.{key}" for key in ("type", "type_range", "covered_share", "lesion_deg", "seen_at")),
            *(f"arco_type.{key}" for key in ("type", "lesion_deg")),
        ),
        "the lesion does not meet the outer half of the head in the mid-coronal plane",
    ),
    "components.covered_share": "the focus does not meet the outer half of the head in the mid-coronal plane",
    "lateral_pillar.type": "the lesion fills too little of every pillar in the mid-coronal plane",
    "preserved_angle.lateral_deg": "the lesion does not reach the surface in the mid-coronal plane",
    "preserved_angle.anterior_deg": "the lesion does not reach the surface in the neck's plane",
    "preserved_angle.combined_deg": "the lesion does not reach the surface in one of the two planes",
}

#: Paths of what is read from the largest focus alone.
PLACED = ("jic.", "arco_type.", "lateral_pillar.")


def missing(part: Part, path: str = "") -> dict[str, str]:
    """The reason for every null among figures, by path; changes that do not exist are no figures.

    What is null of one item of a list stands under the list's own path.
    """
    found: dict[str, str] = {}
    for key in part.__struct_fields__:
        value, here = getattr(part, key), f"{path}.{key}" if path else key
        named = value if isinstance(value, dict) else {"": value}
        for name, item in named.items():
            inner = f"{here}.{name}" if name else here
            if isinstance(item, Part) and key not in ("repeatability", "signs", "summary"):
                found |= missing(item, inner)
            elif isinstance(item, list):
                for one in item:
                    found |= missing(one, inner) if isinstance(one, Part) else {}
            elif item is None:
                found[inner] = next(text for end, text in REASONS.items() if inner.endswith(end))
    return found


def measure(hip: Hip, spec: Spec, *, pole: Pole | None = None, answers: ClinicianInput | None = None) -> Measures:
    """Measure the necrosis of a hip.

    Parameters
    ----------
    hip : Hip
        The hip; location types take its pelvis, else landmarks, else a population's mean.
    spec : Spec
        Cap angle and subchondral depth are used.
    pole : tuple of float, optional
        One more load pole, femoral frame, any length.
    answers : ClinicianInput, optional
        What the surgeon said.

    Returns
    -------
    Measures
        All measures.

    Raises
    ------
    AnatomyError, InputError
        Where the pelvis or its landmarks contradict the head.
    """
    necrosis = necrosis_of(hip, spec)
    acetabulum = acetabulum_of(hip, hip.case.pelvis)
    ground = ground_of(necrosis, acetabulum, pole)
    focus = largest(necrosis) if necrosis.lesion.focus_count > 1 else None
    figures = figures_of(necrosis, ground, focus)
    check_wanted()
    repeatability = measure_repeatability(necrosis, ground, focus)
    check_wanted()
    frame_range = measure_frame_range(necrosis, ground, figures, focus)
    check_wanted()
    return Measures(
        necrosis=necrosis,
        figures=figures,
        repeatability=repeatability,
        frame_range=frame_range,
        centroid=np.asarray(hip.to_world(hip.lesion.centroid_mm), dtype=np.float64),
        centroid_in_head=measure_centroid(necrosis),
        acetabulum=acetabulum,
        signs=detect_signs(hip, answers or ClinicianInput()),
        foci=foci_of(necrosis, ground),
    )
