"""What may be told of the series under a folder: enough to choose one, nothing of whose they are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from corecore.base.errors import InputError
from corecore.io.bounded import shown
from corecore.io.detect import of_disc
from corecore.io.dicom.files import read_dataset
from corecore.io.dicom.planes import SAME_PLACE_MM
from corecore.io.dicom.series import ordered_series
from corecore.io.dicom.stacks import Stack, Survey, along_normal, survey, view_of


@dataclass(frozen=True)
class ListedSeries:
    """One stack of a series, as ``corecore series`` tells it; ``problem`` is why it cannot be read as a volume.

    ``size`` and ``spacing_mm`` run over columns, rows, slices; ``oblique_deg`` is the angle between the slices' normal
    and the patient's axis of the view.
    """

    number: str
    series_number: int | None
    uid: str
    stack: int
    stacks: int
    modality: str
    description: str
    size: tuple[int, int, int] | None
    spacing_mm: tuple[float, float, float | None] | None
    orientation: str | None
    oblique_deg: float | None
    date: str | None
    files: int
    localizer: bool
    problem: str | None


@dataclass(frozen=True)
class Listing:
    """The series under a folder, and how many files there are none of theirs."""

    series: tuple[ListedSeries, ...]
    other_files: int
    other_objects: int
    copies: int
    unreadable: int


def list_series(place: Path) -> Listing:
    """The series under a folder, or in one file. Raises ``InputError`` where it is not there, or too large."""
    place = of_disc(place)
    if not place.is_dir():
        # Whatever is wrong with a single file is an error of its own.
        read_dataset(place, pixels=False)
    found = survey(place)
    rows = tuple(_row(stack, found) for stack in found.stacks)
    return Listing(rows, found.other, found.objects, found.copies, len(found.broken))


def _row(stack: Stack, found: Survey) -> ListedSeries:
    size = spacing = None
    if stack.slices:
        first = stack.slices[0].plane
        size = (*first.shape, len(stack.slices))
        column, row = (round(float(v), 4) for v in first.spacing_mm)
        steps = np.diff(np.sort(along_normal(stack.slices)))
        steps = steps[steps >= SAME_PLACE_MM]
        spacing = (column, row, round(float(np.median(steps)), 4) if len(steps) else None)
    view = view_of(stack)
    return ListedSeries(
        stack.number, stack.series_number, stack.uid, stack.part, stack.parts, stack.modality, stack.description, size,
        spacing, view[0] if view else None, view[1] if view else None, stack.date or None, len(stack.files),
        stack.localizer, _problem(stack, found.place),
    )  # fmt: skip


def _problem(stack: Stack, place: Path) -> str | None:
    """Why a stack is no volume, without the names of files and folders, which may be a patient's."""
    try:
        ordered_series(stack, place)
    except InputError as error:
        text = str(error)
        for path in (*stack.files, place):
            text = text.replace(f"{shown(path)}: ", "")
        return text
    return None
