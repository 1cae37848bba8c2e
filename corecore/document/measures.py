"""``measures.json`` as a type: the lesion's measures with a header and the sphere they rest on."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import UNSET, Meta, UnsetType, field

from corecore.document.anatomy import SourcesPart
from corecore.document.case import CasePart, WarningPart
from corecore.document.fields import Vector
from corecore.document.necrosis import NecrosisPart

MEASURES_SCHEMA: Final = "corecore.measures/1"
#: Keys that are written before the measures.
HEADER = ("schema", "created", "corecore_version", "coordinate_system", "units", "case")


class MeasuresDocument(NecrosisPart, kw_only=True, frozen=True):
    """Measures of the necrosis; positions in world RAS mm. Not a medical device."""

    schema: Annotated[Literal["corecore.measures/1"] | UnsetType, Meta(description="Kind and major version")] = UNSET
    created: Annotated[str | UnsetType, Meta(description="When it was made, ISO 8601")] = UNSET
    corecore_version: Annotated[str | UnsetType, Meta(description="Version that made it")] = UNSET
    coordinate_system: Annotated[Literal["RAS"] | UnsetType, Meta(description="Frame of every position")] = UNSET
    units: Annotated[Literal["mm"] | UnsetType, Meta(description="Unit of every position")] = UNSET
    case: Annotated[CasePart, Meta(description="Which hip, from which files")]
    head_center: Annotated[Vector | UnsetType, Meta(description="Centre of the head's sphere, RAS mm")] = UNSET
    head_radius_mm: Annotated[float | UnsetType, Meta(description="Radius of the head's sphere, mm")] = UNSET
    sources: Annotated[SourcesPart, Meta(description="Where each landmark comes from")] = field(
        default_factory=SourcesPart
    )
    warnings: Annotated[list[WarningPart], Meta(description="What the reader is warned of")] = field(
        default_factory=list
    )
    notice: Annotated[str | UnsetType, Meta(description="What it is not")] = UNSET
