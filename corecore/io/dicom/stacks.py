"""The image series under a folder, as on a patient's disc: each with its stacks of parallel slices.

Slices of one SeriesInstanceUID belong together; those of another direction, and those that would lie where another
lies (echoes, phases, several multi-frame files), make a stack of their own. Names of patients are read to keep them
out of what is told, and kept in memory alone, to tell one patient's slices from another's.
"""

from __future__ import annotations

import filecmp
import itertools
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from corecore.base.errors import InputError
from corecore.base.grid import FloatArray
from corecore.base.origin import NOBODY, Patient
from corecore.io.bounded import reading, shown
from corecore.io.detect import look_at
from corecore.io.dicom.files import (
    MAX_FILES,
    MULTI_FRAME,
    SINGLE_FRAME,
    first_item,
    has_mark,
    lengths,
    numbers,
    origin_of,
    read_dataset,
    whole,
)
from corecore.io.dicom.planes import SAME_PLACE_MM, Plane, plane_from

WHAT = "a series of CT or MR slices"
#: How deep folders are looked into: discs nest patient, study, series (engineering choice).
MAX_DEPTH = 10
#: Slices whose directions differ by more, in any number, make stacks of their own: about a degree (engineering choice).
SAME_STACK = 0.02
#: Most directions of slices in one series; radial ones have some tens (engineering choice).
MAX_DIRECTIONS = 200
#: What may tell apart slices at one place, in this order; a stack is split by the first that does.
TRAITS = (
    "file", "StackID", "ImageType", "FrameType", "EchoTime", "EffectiveEchoTime", "TemporalPositionIdentifier",
    "TemporalPositionIndex", "AcquisitionNumber", "DiffusionBValue", "TriggerTime",
)  # fmt: skip
#: Views by the patient's axis that the slices' normal runs along: left, posterior, superior.
VIEWS = ("sagittal", "coronal", "axial")
#: Longest description of a series told, characters.
MAX_TOLD = 64


@dataclass(frozen=True, eq=False)
class Slice:
    """One slice: its plane, its file, and its frame there (``None``: the file is the slice)."""

    plane: Plane
    path: Path
    frame: int | None
    frame_of_reference: str
    traits: tuple[str, ...]
    patient: Patient = NOBODY


@dataclass(frozen=True, eq=False)
class Stack:
    """One stack of a series, and what may be told of it.

    ``number`` chooses it among the others: the series' number, ``3.2`` where several share it. ``part`` of ``parts``
    counts the stacks of one series. ``fault`` is why its slices have no place, where they have none.
    """

    uid: str
    series_number: int | None
    description: str
    modality: str
    date: str
    slices: tuple[Slice, ...]
    files: tuple[Path, ...]
    localizer: bool = False
    fault: InputError | None = None
    part: int = 1
    parts: int = 1
    number: str = ""

    def __str__(self) -> str:
        view = view_of(self)
        words = (self.modality, view[0] if view else "", self.description)
        return f"{self.number}: {' '.join(filter(None, words))}, {len(self.slices) or len(self.files)} slice(s)"


@dataclass(frozen=True, eq=False)
class Survey:
    """What lies in a folder: the stacks of its CT and MR series, and how many files are something else.

    ``other`` counts files without DICOM's mark that are not named as those beside them that carry it, ``objects`` DICOM
    objects that are no CT or MR image, ``copies`` files that hold the same bytes as another, ``broken`` the errors of
    DICOM files that cannot be read, and of files named as DICOM files beside them that do not carry the mark: cut off,
    or damaged.
    """

    place: Path
    stacks: tuple[Stack, ...]
    other: int = 0
    objects: int = 0
    copies: int = 0
    broken: tuple[InputError, ...] = ()


def survey(place: Path, *, deep: bool = True) -> Survey:
    """Look at a multi-frame file, or at every file of a folder and, where ``deep``, of those in it.

    Raises ``InputError`` for more files than are looked at, and where pydicom is not installed.
    """
    with reading(place, "a folder of DICOM files"):
        files = tuple((path, *_stamp(path)) for path in _files(place, deep=deep))
    return _surveyed(place, files)


def _stamp(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


# One command asks for the same folder several times: to find the image in it, to read it, for contours, to name it.
@lru_cache(maxsize=2)
def _surveyed(place: Path, files: tuple[tuple[Path, int, int], ...]) -> Survey:
    found: dict[str, list[_Found]] = {}
    first: dict[tuple[str, int], Path] = {}
    objects, copies, broken = 0, 0, []
    marks = {}
    for path, _, _ in files:
        with reading(path, "a DICOM file"):
            marks[path] = has_mark(path)
    alike = {(path.parent, _kind_of_name(path)) for path, marked in marks.items() if marked}
    strangers = [path for path, marked in marks.items() if not marked]
    cut = [path for path in strangers if (path.parent, _kind_of_name(path)) in alike and not _companion(path)]
    broken += [
        InputError(
            f"{shown(path)}: {path.stat().st_size:,} bytes without DICOM's mark among DICOM files of that kind of name;"
            " a whole file is accepted, or a folder without it",
            code="volume-truncated",
        )
        for path in cut
    ]
    for path in (path for path, marked in marks.items() if marked):
        try:
            with reading(path, WHAT):
                dataset = read_dataset(path, pixels=False)
                if dataset.SOPClassUID not in (*SINGLE_FRAME, *MULTI_FRAME):
                    objects += 1
                    continue
                # A disc may hold its images twice.
                twin = first.setdefault((str(dataset.get("SOPInstanceUID", "")), path.stat().st_size), path)
                if twin != path and filecmp.cmp(twin, path, shallow=False):
                    copies += 1
                    continue
                one = _look(dataset, path)
                found.setdefault(one.uid, []).append(one)
        except InputError as error:
            broken.append(error)
    stacks = [stack for series in found.values() for stack in _stacks(series)]
    return Survey(place, _numbered(stacks), len(strangers) - len(cut), objects, copies, tuple(broken))


def _kind_of_name(path: Path) -> str:
    """A file's suffix; a number behind a dot, as scanners count their slices, is none."""
    return "" if path.suffix[1:].isdigit() else path.suffix.lower()


def _companion(path: Path) -> bool:
    """Whether a file without a suffix is a text that lies beside a series, as README or VERSION."""
    return not _kind_of_name(path) and path.stat().st_size > 0 and look_at(path)[1] == "a text file"


def choose(found: Survey, choice: str | None) -> Stack:
    """The stack of that number, or of that SeriesInstanceUID (``UID``, ``UID:2``), or the only one.

    Raises ``InputError`` where there is none or several, with their list. Localizers are chosen by name only, unless
    there is nothing else.
    """
    stacks, place = found.stacks, found.place
    if not stacks:
        raise InputError(f"{shown(place)}: holds no CT or MR image; {WHAT} is accepted", code="series-not-single")
    if choice is None:
        fit = [stack for stack in stacks if not stack.localizer] or list(stacks)
    else:
        fit = [s for s in stacks if choice in (s.number, s.uid, f"{s.uid}:{s.part}")]
        fit = fit or [s for s in stacks if choice == str(s.series_number)]
    if len(fit) == 1:
        return fit[0]
    many = fit or list(stacks)
    told = "; ".join(str(stack) for stack in many[:12])
    more = f"; and {len(many) - 12} more (corecore series lists them)" if len(many) > 12 else ""
    head = f"{len(fit)} series" if fit else f"no series {shown(str(choice))[:MAX_TOLD]}"
    example = f"{shown(place)}:{many[0].number}"
    raise InputError(
        f"{shown(place)}: {head} ({told}{more}); one is accepted: choose it by its number, as {example}",
        code="series-not-single",
    )


def _files(place: Path, *, deep: bool) -> Iterator[Path]:
    if not os.path.isdir(place):
        yield place
        return
    count = 0
    with reading(place, "a folder of DICOM files"):
        for path in _walk(place, deep=deep):
            count += 1
            if count > MAX_FILES:
                raise InputError(
                    f"{shown(place)}: more than {MAX_FILES:,} files; up to {MAX_FILES:,} are accepted",
                    code="folder-too-large",
                )
            yield path


def _walk(place: Path, *, deep: bool) -> Iterator[Path]:
    top = len(place.parts)
    for folder, below, names in os.walk(place, followlinks=False):
        below.sort()
        if not deep or len(Path(folder).parts) - top >= MAX_DEPTH:
            below.clear()
        for name in sorted(names):
            path = Path(folder) / name
            # An index of files is no image; a pipe or a broken link is no file.
            if name.upper() != "DICOMDIR" and path.is_file():
                yield path


@dataclass(frozen=True, eq=False)
class _Found:
    """What is kept of one file's header."""

    uid: str
    series_number: int | None
    description: str
    modality: str
    date: str
    localizer: bool
    path: Path
    slices: tuple[Slice, ...]
    fault: InputError | None


def _look(dataset: Any, path: Path) -> _Found:
    slices: tuple[Slice, ...] = ()
    fault = None
    try:
        slices = tuple(_slices(dataset, path))
    except InputError as error:
        fault = error
    kinds = str(dataset.get("ImageType") or "").upper()
    return _Found(
        str(dataset.get("SeriesInstanceUID", "")), _series_number(dataset),
        _nameless(str(dataset.get("SeriesDescription") or ""), dataset), str(dataset.get("Modality") or "")[:16],
        _date(dataset), "LOCALIZER" in kinds, path, slices, fault,
    )  # fmt: skip


def _slices(dataset: Any, path: Path) -> Iterator[Slice]:
    world, whose = str(dataset.get("FrameOfReferenceUID", "")), origin_of(dataset, path).patient
    if dataset.SOPClassUID not in MULTI_FRAME:
        plane = plane_from(
            numbers(dataset, "ImagePositionPatient", 3, path),
            numbers(dataset, "ImageOrientationPatient", 6, path),
            lengths(dataset, "PixelSpacing", 2, path),
            (whole(dataset, "Columns", path), whole(dataset, "Rows", path)),
        )
        yield Slice(plane, path, None, world, ("", *(str(dataset.get(name, "")) for name in TRAITS[1:])), whose)
        return
    for number, (plane, frame) in enumerate(
        zip(frame_planes(dataset, path), dataset.PerFrameFunctionalGroupsSequence, strict=True)
    ):
        items = [
            frame_group(dataset, frame, name)
            for name in ("FrameContentSequence", "MRImageFrameTypeSequence", "CTImageFrameTypeSequence",
                         "MREchoSequence", "MRDiffusionSequence", "CardiacSynchronizationSequence")
        ]  # fmt: skip
        told = [next((str(i.get(name)) for i in items if i is not None and name in i), "") for name in TRAITS[1:]]
        yield Slice(plane, path, number, world, (str(path), *told), whose)


def frame_planes(dataset: Any, path: Path) -> list[Plane]:
    """The planes of a multi-frame file, in the frames' order."""
    frames = dataset.get("PerFrameFunctionalGroupsSequence") or []
    count = whole(dataset, "NumberOfFrames", path, 1)
    if len(frames) != count:
        raise InputError(
            f"{shown(path)}: places of {len(frames)} frames for {count} frames; one each is accepted",
            code="dicom-invalid",
        )
    shape = (whole(dataset, "Columns", path), whole(dataset, "Rows", path))
    planes = []
    for frame in frames:
        place = frame_group(dataset, frame, "PlanePositionSequence")
        turn = frame_group(dataset, frame, "PlaneOrientationSequence")
        sizes = frame_group(dataset, frame, "PixelMeasuresSequence")
        for name, item in (("PlanePosition", place), ("PlaneOrientation", turn), ("PixelMeasures", sizes)):
            if item is None:
                raise InputError(
                    f"{shown(path)}: a frame without {name}Sequence; frames with a place are accepted",
                    code="dicom-invalid",
                )
        planes.append(
            plane_from(
                numbers(place, "ImagePositionPatient", 3, path),
                numbers(turn, "ImageOrientationPatient", 6, path),
                lengths(sizes, "PixelSpacing", 2, path),
                shape,
            )
        )
    return planes


def frame_group(dataset: Any, frame: Any, name: str) -> Any:
    """A functional group of one frame, or the one that all share."""
    own = first_item(frame, name)
    return own if own is not None else first_item(first_item(dataset, "SharedFunctionalGroupsSequence"), name)


def _series_number(dataset: Any) -> int | None:
    try:
        return int(dataset.get("SeriesNumber"))
    except (TypeError, ValueError):
        return None


def _date(dataset: Any) -> str:
    """The day of imaging as YYYY-MM-DD; nothing where the file does not say it."""
    for name in ("AcquisitionDate", "SeriesDate", "StudyDate"):
        text = str(dataset.get(name) or "")
        if re.fullmatch(r"\d{8}", text):
            return f"{text[:4]}-{text[4:6]}-{text[6:]}"
    return ""


def _nameless(text: str, dataset: Any) -> str:
    """A description without the words of the patient's name and number, which some scanners' users type there."""
    words = [w for name in ("PatientName", "PatientID", "OtherPatientIDs") for w in re.split(
        r"[\W_]+", str(dataset.get(name) or ""))]  # fmt: skip
    for word in sorted({w for w in words if len(w) > 2 or not w.isascii()}, key=len, reverse=True):
        text = re.sub(re.escape(word), "…", text, flags=re.IGNORECASE)
    return "".join(c if c.isprintable() else "?" for c in text).strip()[:MAX_TOLD]


def _stacks(series: list[_Found]) -> Iterator[Stack]:
    """The stacks of one series, in the order in which their files were met."""
    head, files = series[0], tuple(one.path for one in series)
    fault = next((one.fault for one in series if one.fault is not None), None)
    base = Stack(
        head.uid, head.series_number, head.description, head.modality, head.date, (), files,
        all(one.localizer for one in series), fault,
    )  # fmt: skip
    if fault is not None:
        yield base
        return
    numbers_of = {one.path: one.series_number for one in series}
    groups: list[list[Slice]] = []
    for one in itertools.chain.from_iterable(found.slices for found in series):
        for group in groups:
            if np.max(np.abs(one.plane.directions - group[0].plane.directions)) <= SAME_STACK:
                group.append(one)
                break
        else:
            if len(groups) == MAX_DIRECTIONS:
                yield replace(base, fault=InputError(
                    f"{shown(files[0])}: a series of slices in more than {MAX_DIRECTIONS} directions; stacks of"
                    " parallel slices are accepted",
                    code="slices-uneven",
                ))  # fmt: skip
                return
            groups.append([one])
    parts = [part for group in groups for part in _apart(group)]
    for number, (told, part) in enumerate(parts, start=1):
        yield replace(
            base, slices=tuple(part), files=tuple(dict.fromkeys(one.path for one in part)), part=number,
            parts=len(parts), series_number=numbers_of[part[0].path],
            description=f"{base.description} ({told})".strip() if told else base.description,
        )  # fmt: skip


def _apart(group: list[Slice]) -> list[tuple[str, list[Slice]]]:
    """Parallel slices in stacks that hold each place once, where something tells them apart; each with what does."""
    if not _doubled(group):
        return [("", group)]
    for number, name in enumerate(TRAITS):
        parts: dict[str, list[Slice]] = {}
        for one in group:
            parts.setdefault(one.traits[number], []).append(one)
        if len(parts) > 1 and all(len(part) > 1 and not _doubled(part) for part in parts.values()):
            # A file's name may be a patient's.
            return [("" if name == "file" else f"{name} {value}"[:40], part) for value, part in parts.items()]
    together: dict[tuple[str, ...], list[Slice]] = {}
    for one in group:
        together.setdefault(one.traits, []).append(one)
    if len(together) > 1 and all(len(part) > 1 and not _doubled(part) for part in together.values()):
        return [("", part) for part in together.values()]
    return [("", group)]


def _doubled(group: list[Slice]) -> bool:
    along = np.sort(along_normal(group))
    return bool(np.any(np.diff(along) < SAME_PLACE_MM))


def along_normal(slices: list[Slice] | tuple[Slice, ...]) -> FloatArray:
    """Where slices lie along the normal of the first, mm."""
    # No unit vector where a file says nonsense: that is found where its place in the stack is proven.
    normal = np.cross(*slices[0].plane.directions)
    return np.asarray(np.array([one.plane.position for one in slices]) @ normal, dtype=np.float64)


def view_of(stack: Stack) -> tuple[str, float] | None:
    """The view of a stack's slices, and their normal's angle to the patient's axis of that view, degrees."""
    if not stack.slices:
        return None
    normal = np.cross(*stack.slices[0].plane.directions)
    length = float(np.linalg.norm(normal))
    if not length > 0.1:
        return None
    share = np.abs(normal) / length
    axis = int(np.argmax(share))
    return VIEWS[axis], round(float(np.degrees(np.arccos(min(1.0, float(share[axis]))))), 1)


def _numbered(stacks: list[Stack]) -> tuple[Stack, ...]:
    """The stacks in the order of their series' numbers, each with the number that chooses it."""
    last = 1 << 62
    ordered = sorted(stacks, key=lambda s: (last if s.series_number is None else s.series_number, s.uid, s.part))
    result = []
    for number, same in itertools.groupby(ordered, key=lambda s: s.series_number):
        alike = list(same)
        name = str(number or 0)
        result += [
            replace(stack, number=name if len(alike) == 1 else f"{name}.{k}") for k, stack in enumerate(alike, start=1)
        ]
    return tuple(result)
