"""A folder as input: which of its files is the femur, which the lesion, which the image, by name and by content."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from scipy.spatial import cKDTree

from corecore.base.errors import InputError, MissingExtraError
from corecore.base.grid import FloatArray, Mask
from corecore.io.bounded import reading, short, shown
from corecore.io.detect import look_at
from corecore.io.dicom.files import MAX_FILES, SEGMENTATION, STRUCTURE_SET, sop_class
from corecore.io.dicom.stacks import choose, survey
from corecore.io.references import MaskReference, read_mask, read_segmentation
from corecore.io.segmentation import SPECK_ML, Segment, Segmentation, matching, spelled

Role = Literal["femur", "lesion", "image"]

#: How deep folders in a folder are looked into; symbolic links to folders are not followed.
MAX_DEPTH = 3
#: Files whose content is looked at where no name decides; reading one takes up to seconds.
MAX_OPENED = 64
#: A volume with more values than this is an image, not a label map (TotalSegmentator has 117 classes).
MAX_LABELS = 200
#: Most voxels of a mask that are looked at to tell which femur holds the lesion: the two lie far apart.
MAX_POINTS = 50_000
#: The larger of two unnamed labels is the femur when it is that many times the other (engineering choice).
FEMUR_TIMES_LESION = 2.0
ENDINGS = (".seg.nrrd", ".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd", ".dcm")
#: Words that name a role in a file or a segment, and words that tell another thing of the same bone.
#: SNOMED CT: 71341001 femur, 6574001 necrosis.
WORDS: dict[Role, re.Pattern[str]] = {
    "femur": re.compile(r"\b(femur|femora|femoral|71341001)\b"),
    "lesion": re.compile(r"\b(lesion|necrosis|osteonecrosis|necrotic|onfh|anfh|avn|6574001)\b"),
    "image": re.compile(r"\b(ct|mr|mri|image|img|scan|t1|t2|stir|pd|0000)\b"),
}
OTHER = re.compile(r"\b(head|neck|cartilage|marrow|artery|vein|canal|implant|condyle|shaft)\b")


@dataclass(frozen=True)
class Candidate:
    """What may play a role: a reference that reads it, and the words that speak for it."""

    reference: MaskReference
    name: str

    def __str__(self) -> str:
        return shown(str(self.reference))


def labelled(reference: MaskReference) -> MaskReference:
    """The file meant by ``folder:label``: the one of that name, as TotalSegmentator writes, or that has such a segment.

    Raises ``InputError`` where there is none, where there are several, and without a label.
    """
    folder, label = reference.path, reference.label
    if label is None:
        raise InputError(
            f"{shown(folder)}: is a folder; a file, or a class in it as {shown(folder.name)}:NAME, is accepted",
            code="folder-unclear",
        )
    files = volumes(folder)
    found = [MaskReference(path) for path in files if spelled(stem(path)) == spelled(str(label))]
    if not found:
        found = [
            MaskReference(path, label)
            for path, parts in _opened(folder, files)
            if matching(tuple(s for s in parts.segments if s.name), label)
        ]
    if len(found) == 1:
        return found[0]
    told = "; ".join(shown(str(one.path)) for one in found[:8]) or f"files: {_listed(files)}"
    raise InputError(
        f"{shown(folder)}: {len(found) or 'no'} file(s) or segments named {short(label)!r} ({told}); one is accepted",
        code="folder-unclear",
    )


def find(folder: Path, role: Role, side: str | None = None, lesion: Callable[[], Mask] | None = None) -> MaskReference:
    """The file, and its segment, that plays a role in a folder.

    Names decide first (``femur_left.nii.gz``, a segment called necrosis, a SNOMED CT code), then
    content: a volume of many values is an image, the larger of two unnamed labels the femur.
    ``side`` chooses between left and right; without it, of a left and a right femur, the one that holds the
    ``lesion`` is taken, which is read only then. Raises ``InputError``, with a list of candidates, where none or
    several fit, and for lesions in both.
    """
    found = _images(folder) if role == "image" else _masks(folder, role)
    if side in ("left", "right") and len(found) > 1:
        other = "left" if side == "right" else "right"
        found = [one for one in found if other not in spelled(one.name).split()]
    if role == "femur" and lesion is not None and sorted(_side_words(one.name) for one in found) == ["left", "right"]:
        found = [holding(found, lesion())]
    if len(found) == 1:
        return found[0].reference
    if not found:
        files = [path for path, _ in known_files(folder)]
        raise InputError(
            f"{shown(folder)}: nothing in it is known for the {role} (it holds {_listed(files)}); name the file",
            code="folder-unclear",
        )
    raise InputError(
        f"{shown(folder)}: {len(found)} candidates for the {role} ({'; '.join(str(one) for one in found[:8])});"
        " name one of them" + (", or the side" if role == "femur" and side not in ("left", "right") else ""),
        code="folder-unclear",
    )


def side_of(reference: MaskReference) -> str | None:
    """The side that a reference's file or label names."""
    return _side_words(f"{stem(reference.path)} {reference.label or ''}") or None


def _side_words(name: str) -> str:
    words = set(spelled(name).split()) & {"left", "right"}
    return words.pop() if len(words) == 1 else ""


def holding(femora: list[Candidate], lesion: Mask) -> Candidate:
    """The femur that most of a lesion lies nearest to. Raises ``InputError`` where each has a part of it.

    The lesion may lie in a hole of its femur; the other one is a pelvis away.
    """
    points = _some(lesion.positions_mm(), MAX_POINTS)
    trees = [cKDTree(_some(read_mask(one.reference).positions_mm(), MAX_POINTS)) for one in femora]
    nearest = np.argmin([tree.query(points)[0] for tree in trees], axis=0)
    parts = [float(np.mean(nearest == number)) * lesion.volume_ml for number in range(len(femora))]
    if min(parts) > SPECK_ML:
        told = ", ".join(f"{one} {part:.1f} ml" for one, part in zip(femora, parts, strict=True))
        raise InputError(
            f"lesions in both hips ({told}); name the one to plan with --side left or --side right",
            code="side-needed",
        )
    return femora[int(np.argmax(parts))]


def _some(points: FloatArray, count: int) -> FloatArray:
    """Every n-th point, so many at most."""
    return points[:: max(1, -(-len(points) // count))]


def stem(path: Path) -> str:
    """A file's name without the endings that tell a format."""
    name = path.name
    return next((name[: -len(end)] for end in ENDINGS if name.lower().endswith(end)), name)


def volumes(folder: Path) -> list[Path]:
    """Files of a folder that may hold masks, by content: volumes, SEG and RTSTRUCT, no image slices."""
    found = []
    for path, kind in known_files(folder):
        if kind != "dicom" or object_of(path) in (*SEGMENTATION, STRUCTURE_SET):
            found.append(path)
    return found


def known_files(folder: Path) -> Iterator[tuple[Path, str]]:
    """Readable files of a folder and of those below it, by name, with their formats."""
    with reading(folder, "a folder"):
        walk = list(itertools.islice(_walk(folder), MAX_FILES + 1))
    if len(walk) > MAX_FILES:
        raise InputError(
            f"{shown(folder)}: more than {MAX_FILES:,} files; a folder of one hip is accepted", code="folder-too-large"
        )
    for path in walk:
        kind = _kind(path)
        if kind is not None:
            yield path, kind


def _walk(folder: Path) -> Iterator[Path]:
    top = len(folder.parts)
    for place, folders, names in os.walk(folder, followlinks=False):
        folders.sort()
        if len(Path(place).parts) - top >= MAX_DEPTH:
            folders.clear()
        yield from (Path(place) / name for name in sorted(names) if not name.startswith(".") and name != "DICOMDIR")


def _kind(path: Path) -> str | None:
    try:
        return look_at(path)[0]
    except InputError:
        # A broken link, a pipe, a file that may not be read: no candidate.
        return None


def object_of(path: Path) -> str:
    """What a DICOM file says it is; nothing for one that is broken, as for ``_kind``."""
    try:
        return sop_class(path)
    except InputError:
        return ""


def _opened(folder: Path, files: list[Path]) -> Iterator[tuple[Path, Segmentation]]:
    """Those files that read as a segmentation of few labels."""
    if len(files) > MAX_OPENED:
        raise InputError(
            f"{shown(folder)}: {len(files)} files and no name that decides; name the file, or leave {MAX_OPENED}",
            code="folder-unclear",
        )
    for path in files:
        parts = _segmentation(path)
        if parts is not None:
            yield path, parts


def _segmentation(path: Path) -> Segmentation | None:
    try:
        parts = read_segmentation(path)
    except InputError:
        # An image, or a file that is broken: the error comes when it is named.
        return None
    few = 0 < len(parts.segments) <= MAX_LABELS and all(s.number != 0 for s in parts.segments)
    return parts if few and all(min(s.values, default=1) > 0 for s in parts.segments) else None


def _masks(folder: Path, role: Role) -> list[Candidate]:
    files = volumes(folder)
    fits = naming(role)
    for chosen in ([path for path in files if fits(stem(path))], files):
        found = []
        for path, parts in _opened(folder, chosen) if chosen else ():
            found += _candidates(path, parts, fits, single=chosen is not files)
        if found:
            return found
    return [
        Candidate(MaskReference(path, _by_size(parts, role).number), stem(path))
        for path, parts in _opened(folder, files)
        if _unnamed_pair(parts) and _sized(parts)
    ]


def _candidates(path: Path, parts: Segmentation, fits: Callable[[str], bool], *, single: bool) -> list[Candidate]:
    """Segments of one file that play a role by their names; the only one of a file that does (``single``)."""
    if single and len(parts.segments) == 1:
        return [Candidate(MaskReference(path), stem(path))]
    named = [s for s in parts.segments if s.name]
    chosen = [s for s in named if fits(s.name)] or [s for s in named if any(fits(word) for word in s.words)]
    return [Candidate(MaskReference(path, s.name), f"{stem(path)} {s.name} {' '.join(s.words)}") for s in chosen]


def naming(role: Role) -> Callable[[str], bool]:
    """Whether a name is one that a role has."""

    def fits(name: str) -> bool:
        words = spelled(re.sub(r"[^\w]+", " ", name))
        if role != "lesion" and WORDS["lesion"].search(words):
            return False
        return bool(WORDS[role].search(words)) and not (role == "femur" and OTHER.search(words))

    return fits


def _unnamed_pair(parts: Segmentation) -> bool:
    return len(parts.segments) == 2 and not any(s.name for s in parts.segments)


def _sized(parts: Segmentation) -> bool:
    small, large = sorted(np.count_nonzero(parts.voxels_of(s)) for s in parts.segments)
    return bool(large >= FEMUR_TIMES_LESION * small)


def _by_size(parts: Segmentation, role: Role) -> Segment:
    ordered = sorted(parts.segments, key=lambda s: np.count_nonzero(parts.voxels_of(s)))
    return ordered[-1] if role == "femur" else ordered[0]


def _images(folder: Path) -> list[Candidate]:
    """Series of slices, multi-frame files, and volumes that are no label maps."""
    found, files, dicom = [], [], False
    for path, kind in known_files(folder):
        if kind == "dicom":
            dicom = True
        else:
            files.append(path)
    if dicom or not files:
        found = _series(folder)
    masks = naming("femur"), naming("lesion")
    open_to_doubt = [path for path in files if not any(fits(stem(path)) for fits in masks)]
    named = [path for path in open_to_doubt if naming("image")(stem(path))]
    if not found and len(named) != 1:
        if len(open_to_doubt) > MAX_OPENED:
            raise InputError(
                f"{shown(folder)}: {len(open_to_doubt)} files and no name that decides; name the image",
                code="folder-unclear",
            )
        named = [path for path in open_to_doubt if _segmentation(path) is None]
    return found + [Candidate(MaskReference(path), stem(path)) for path in named]


def _series(folder: Path) -> list[Candidate]:
    """The DICOM series under a folder; the only one as its file or folder, where that holds nothing else."""
    try:
        seen = survey(folder)
    except MissingExtraError:
        return []
    if not seen.stacks:
        return []
    stack = choose(seen, None)
    homes = {path.parent for path in stack.files}
    if len(seen.stacks) > 1 or len(homes) > 1:
        return [Candidate(MaskReference(folder, stack.number), stack.description)]
    if len(stack.files) == 1:
        return [Candidate(MaskReference(stack.files[0]), stem(stack.files[0]))]
    home = homes.pop()
    return [Candidate(MaskReference(home), home.name)]


def _listed(files: list[Path]) -> str:
    return ", ".join(shown(path.name) for path in files[:8]) + (" …" if len(files) > 8 else "") or "no volume"
