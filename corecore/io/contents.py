"""What a folder holds, to choose from: image series, masks and plans, each with a guess of the role that it plays.

Nothing is decided here: a page lists what is found, and a person corrects the roles. Nothing of a patient is told:
descriptions of series come without the patient's name, files by the names that they have.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from corecore.base.errors import CorecoreError, InputError, MissingExtraError
from corecore.base.grid import Grid
from corecore.io.bounded import shown
from corecore.io.detect import kind_of
from corecore.io.dicom.files import SEGMENTATION, STRUCTURE_SET
from corecore.io.dicom.listing import ListedSeries, list_series
from corecore.io.folder_search import (
    FEMUR_TIMES_LESION,
    MAX_LABELS,
    MAX_OPENED,
    Candidate,
    holding,
    known_files,
    naming,
    object_of,
    side_of,
    stem,
)
from corecore.io.references import MaskReference, read_mask, read_segmentation
from corecore.io.segmentation import Segmentation, spelled

#: What an input may be to a plan. ``lesion_image``: the image, often an MR, that the lesion was drawn on in a world of
#: its own; that is never guessed, for the image is then registered to the femur's.
Part = Literal["femur", "lesion", "image", "lesion_image", "pelvis"]
Kind = Literal["image", "mask", "plan"]
#: Names of the hip bone's mask, as TotalSegmentator and others write it.
PELVIS = re.compile(r"\b(pelvis|hip left|hip right|hip bone|hemipelvis|acetabulum|innominate)\b")
#: The plan that a folder of corecore holds; beside it nothing is an input.
PLAN_FILE = "plan.json"


@dataclass(frozen=True)
class Item:
    """One thing of a folder that may be chosen.

    Parameters
    ----------
    kind : {"image", "mask", "plan"}
        What it is.
    reference : str
        What reads it: ``FILE``, ``FILE:LABEL`` or ``FOLDER:NUMBER`` of a series.
    name : str
        What it is called: its label, its file or its series.
    modality : str
        ``CT``, ``MR`` or nothing where the file does not say it.
    size : tuple of int, optional
        Columns, rows, slices.
    spacing_mm : tuple of float, optional
        Along the same, mm.
    date : str
        Day of imaging; nothing where it is not known.
    problem : str
        Why it cannot be read as what it is; nothing where it can.
    role : str, optional
        What it may be to a plan, by its name and content.
    side : {"left", "right"}, optional
        The side that its name says.
    """

    kind: Kind
    reference: str
    name: str
    modality: str = ""
    size: tuple[int, int, int] | None = None
    spacing_mm: tuple[float, float, float] | None = None
    date: str = ""
    problem: str = ""
    role: Part | None = None
    side: str | None = None


@dataclass(frozen=True)
class Contents:
    """The items of a folder, and how many files are none: unknown formats, and masks that no plan needs."""

    items: tuple[Item, ...]
    others: int

    def roles(self, side: str | None = None) -> dict[Part, int]:
        """Which item plays which role, by index, as far as it can be guessed; ``side`` chooses between two hips."""
        chosen: dict[Part, int] = {}
        side = side if side in ("left", "right") else None
        roles: tuple[Part, ...] = ("lesion", "femur", "image", "pelvis")
        for role in roles:
            fit = [k for k, item in enumerate(self.items) if item.role == role and not item.problem]
            if len(fit) > 1 and side is not None:
                fit = [k for k in fit if self.items[k].side in (side, None)]
            if role == "femur" and len(fit) == 2 and "lesion" in chosen:
                fit = [k for k in fit if k in self._beside(fit, chosen["lesion"])]
            if len(fit) == 1:
                chosen[role] = fit[0]
                side = side or (self.items[fit[0]].side if role in ("lesion", "femur") else None)
        return chosen

    def _beside(self, femora: Sequence[int], lesion: int) -> list[int]:
        """Of a left and a right femur the one that the lesion lies in; both where that cannot be told."""
        named = [Candidate(MaskReference.parse(self.items[k].reference), self.items[k].name) for k in femora]
        try:
            found = holding(named, read_mask(self.items[lesion].reference))
        except InputError:
            return list(femora)
        return [k for k, one in zip(femora, named, strict=True) if one is found]


def contents(folder: Path) -> Contents:
    """What a folder, or a file, holds. Raises ``InputError`` for a folder that cannot be read or is too large.

    Of many files those are opened whose names fit a role; the others are counted.
    """
    found: list[Item] = []
    others = 0
    if not folder.is_dir():
        return Contents(tuple(_with_one_image(list(_volume(folder, dicom=kind_of(folder) == "dicom")))), 0)
    volumes: list[tuple[Path, str]] = []
    series = False
    for path, kind in known_files(folder):
        if kind != "dicom":
            volumes.append((path, kind))
        elif object_of(path) in (*SEGMENTATION, STRUCTURE_SET):
            volumes.append((path, "dicom"))
        else:
            series = True
    if series:
        found += list(_series(folder))
    if len(volumes) > MAX_OPENED:
        needed = [one for one in volumes if _role_of(stem(one[0])) is not None or naming("image")(stem(one[0]))]
        others += len(volumes) - len(needed[:MAX_OPENED])
        volumes = needed[:MAX_OPENED]
    for path, kind in volumes:
        found += list(_volume(path, dicom=kind == "dicom"))
    plans = [path for depth in ("", "*/", "*/*/") for path in sorted(folder.glob(f"{depth}{PLAN_FILE}"))]
    found += [Item("plan", str(path), path.parent.name) for path in plans[:MAX_OPENED] if path.is_file()]
    return Contents(tuple(_with_one_image(found)), others)


def _with_one_image(items: list[Item]) -> Iterator[Item]:
    """The images' roles: of a CT and an MR the CT."""
    images = [item for item in items if item.kind == "image" and not item.problem]
    several = any(item.modality != "MR" for item in images)
    for item in items:
        if item.kind != "image" or item.problem:
            yield item
        else:
            yield replace(item, role=None if item.modality == "MR" and several else "image")


def _series(folder: Path) -> Iterator[Item]:
    try:
        listed = list_series(folder)
    except MissingExtraError:
        return
    for one in listed.series:
        yield _of_series(folder, one)


def _of_series(folder: Path, one: ListedSeries) -> Item:
    spacing = None
    if one.spacing_mm is not None and one.spacing_mm[2] is not None:
        spacing = (one.spacing_mm[0], one.spacing_mm[1], one.spacing_mm[2])
    problem = one.problem or ""
    if one.localizer and not problem:
        problem = "a localizer"
    return Item(
        "image", f"{folder}:{one.number}", one.description or one.number, one.modality, one.size, spacing,
        one.date or "", problem,
    )  # fmt: skip


def _volume(path: Path, *, dicom: bool) -> Iterator[Item]:
    """The labels of a file that is a segmentation; the file itself where it is an image."""
    name = stem(path)
    try:
        parts = read_segmentation(path)
    except CorecoreError as error:
        yield Item("mask", str(path), name, problem=str(error).removeprefix(f"{shown(path)}: "), role=None)
        return
    size, spacing = _measures_of(parts.grid)
    many = len(parts.segments) > MAX_LABELS or any(min(s.values, default=1) < 0 for s in parts.segments)
    if not dicom and (parts.grey is not None or many):
        yield Item("image", str(path), name, _modality(name), size, spacing)
        return
    if len(parts.segments) == 1:
        only = parts.segments[0]
        words = " ".join((name, only.name, *only.words))
        yield Item(
            "mask", str(path), only.name or name, "", size, spacing, role=_role_of(words),
            side=side_of(MaskReference(path, only.name)),
        )  # fmt: skip
        return
    sized = _roles_by_size(parts)
    for segment in parts.segments:
        label: int | str = segment.name or segment.number
        role = _role_of(" ".join((segment.name, *segment.words))) if segment.name else sized.get(segment.number)
        told = segment.name or f"{name}: {segment.number}"
        # Beside the classes that a plan needs, a label map of the whole body has a hundred others.
        if role is None and len(parts.segments) > 12:
            continue
        side = side_of(MaskReference(path, label))
        yield Item("mask", f"{path}:{label}", told, "", size, spacing, role=role, side=side)


def _roles_by_size(parts: Segmentation) -> dict[int, Part]:
    """Of two unnamed labels, one much larger, which is the femur and which the lesion."""
    if len(parts.segments) != 2 or any(s.name for s in parts.segments):
        return {}
    small, large = sorted(parts.segments, key=lambda s: int(np.count_nonzero(parts.voxels_of(s))))
    counts = [int(np.count_nonzero(parts.voxels_of(s))) for s in (small, large)]
    return {large.number: "femur", small.number: "lesion"} if counts[1] >= FEMUR_TIMES_LESION * counts[0] else {}


def _role_of(name: str) -> Part | None:
    if naming("lesion")(name):
        return "lesion"
    if naming("femur")(name):
        return "femur"
    return "pelvis" if PELVIS.search(spelled(re.sub(r"[^\w]+", " ", name))) else None


def _modality(name: str) -> str:
    """What a file's name says of its modality; a NIfTI header does not say it."""
    words = set(spelled(re.sub(r"[^\w]+", " ", name)).split())
    if words & {"mr", "mri", "t1", "t2", "stir", "pd"}:
        return "MR"
    return "CT" if "ct" in words else ""


def _measures_of(grid: Grid) -> tuple[tuple[int, int, int], tuple[float, float, float]]:
    i, j, k = grid.shape
    x, y, z = (round(float(v), 3) for v in grid.spacing_mm)
    return (i, j, k), (x, y, z)
