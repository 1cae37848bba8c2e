"""The content of ``measures.json``, and how figures and places are written in every JSON file."""

from __future__ import annotations

import datetime

import msgspec
from msgspec import UNSET

from corecore.base.grid import FloatArray
from corecore.base.notice import NOTICE
from corecore.base.version import __version__
from corecore.document.anatomy import SourcesPart
from corecore.document.case import CasePart, InputPart, LesionTransformPart, WarningPart
from corecore.document.measures import MEASURES_SCHEMA, MeasuresDocument
from corecore.document.numbers import finite, rounded
from corecore.hip.anatomy.model import PlanWarning
from corecore.hip.hip import Hip
from corecore.hip.lesion_transform import Move
from corecore.measures.model import Measures


def measures_document(hip: Hip, measures: Measures) -> MeasuresDocument:
    """The content of ``measures.json`` (contract §4)."""
    return MeasuresDocument(
        **msgspec.structs.asdict(rounded(measures.part())),
        schema=MEASURES_SCHEMA,
        created=now(),
        corecore_version=__version__,
        coordinate_system="RAS",
        units="mm",
        case=case_part(hip),
        head_center=place(hip, hip.anatomy.head_center),
        head_radius_mm=finite(hip.anatomy.head_radius_mm),
        sources=sources_part(hip),
        warnings=warning_parts((*hip.warnings, *measures.warnings)),
        notice=NOTICE,
    )


def now() -> str:
    """This moment, as it is written."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def warning_parts(warnings: tuple[PlanWarning, ...]) -> list[WarningPart]:
    """Warnings as they are written."""
    return [WarningPart(code=one.code, text=one.text) for one in warnings]


def case_part(hip: Hip) -> CasePart:
    """Which hip, from which files; and how its lesion came there, where it was drawn on another scan."""
    move, theatre = hip.case.move, hip.case.theatre
    return CasePart(
        id=hip.case.id,
        side=hip.side,
        inputs=[
            InputPart(
                role=source.role,
                path=None if source.path is None else str(source.path),
                sha256=source.sha256,
                label=source.label,
                original_sha256=UNSET if source.original_sha256 is None else source.original_sha256,
                given=UNSET if source.given is None else source.given,
            )
            for source in hip.case.sources
        ],
        lesion_transform=UNSET if move is None else rounded(move_part(move)),
        surgeon=theatre.surgeon or UNSET,
        operation_date=UNSET if theatre.operation_date is None else theatre.operation_date.isoformat(),
    )


def move_part(move: Move) -> LesionTransformPart:
    """How a lesion of another scan came into the femur's world, not yet rounded."""
    return LesionTransformPart(
        method=move.method,
        world_from_lesion=move.world_from_lesion.tolist(),
        moved_mm=move.moved_mm,
        turned_deg=move.turned_deg,
        residual_mm=move.residual_mm,
        information=move.information,
    )


def sources_part(hip: Hip) -> SourcesPart:
    """Where each landmark comes from."""
    return msgspec.convert(hip.anatomy.sources, SourcesPart)


def place(hip: Hip, point: FloatArray) -> list[float]:
    """A local position in world RAS mm."""
    return [round(float(c), 6) for c in hip.to_world(point)]


def position(hip: Hip, point: FloatArray | None) -> list[float] | None:
    """The same, where there is one."""
    return None if point is None else place(hip, point)


def direction(hip: Hip, vector: FloatArray) -> list[float]:
    """A local direction in world axes."""
    # Nine digits: a direction is multiplied by lengths of a hundred millimetres.
    return [round(float(c), 9) for c in hip.direction_to_world(vector)]
