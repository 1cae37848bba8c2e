"""The hips of a BIDS derivatives dataset: masks and discrete segmentations, by subject and session.

After the Brain Imaging Data Structure's specification of derivatives, "Imaging data types": masks are
``..._label-<label>_mask.nii.gz``, segmentations ``..._dseg.nii.gz`` with their labels in a TSV file of the same name,
or in one further up whose entities theirs include; without any the specification's common labels hold.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from corecore.base.errors import InputError
from corecore.base.input_file import bytes_of, first_line, json_of

#: What marks the folder as a dataset.
DESCRIPTION = "dataset_description.json"
#: Names of the two masks, in lower case, without side and without what is neither letter nor digit.
FEMUR = ("femur", "proximalfemur", "bone")
LESION = ("lesion", "necrosis", "osteonecrosis")
#: The specification's common labels: what they are in a segmentation without a table, and their abbreviations.
COMMON = {4: "bone", 7: "lesion"}
ABBREVIATIONS = {"B": "bone", "L": "lesion"}
SIDE_NAME = re.compile(r"(?P<before>left|right)?(?P<name>.+?)(?P<after>left|right)?")
HEMISPHERES = {"L": "left", "R": "right"}
#: Entities that tell masks of one hip, or of one image, apart.
OF_MASK = ("label", "hemi")
#: Suffixes of images that a mask may have been drawn on.
IMAGES = ("ct", "CT", "T1w", "T2w", "PDw")
#: Largest table of labels read, bytes.
TABLE_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True)
class BidsHip:
    """One hip of a dataset: ``femur`` and ``lesion`` as ``path`` or ``path:label``; ``fault``: why it is none."""

    id: str
    femur: str = ""
    lesion: str = ""
    image: str | None = None
    side: str = "auto"
    fault: str | None = None


@dataclass(frozen=True)
class _File:
    path: Path
    entities: dict[str, str]
    suffix: str

    @property
    def stem(self) -> str:
        """Its entities but those of a single mask, as they stand in its name."""
        return "_".join(f"{key}-{value}" for key, value in self.entities.items() if key not in OF_MASK)


@dataclass
class _Group:
    """The masks and segmentations of one image: references by side."""

    femora: dict[str, list[str]] = field(default_factory=dict)
    lesions: dict[str, list[str]] = field(default_factory=dict)

    def add(self, region: str, side: str, reference: str) -> None:
        """Take in a mask, where it is a femur's or a lesion's."""
        held = self.femora if region in FEMUR else self.lesions if region in LESION else {}
        held.setdefault(side, []).append(reference)


def is_dataset(folder: Path) -> bool:
    """Whether a folder is a BIDS dataset."""
    return (folder / DESCRIPTION).is_file()


def hips_of(folder: Path) -> list[BidsHip]:
    """Every hip of a dataset that has a lesion, in the order of the names.

    Raises ``InputError`` where the dataset's description or a table of labels cannot be read.
    """
    _check_description(folder / DESCRIPTION)
    files = [one for path in sorted(folder.absolute().glob("sub-*/**/*.nii*")) if (one := _parsed(path)) is not None]
    groups: dict[str, _Group] = {}
    for one in files:
        group = groups.setdefault(one.stem, _Group())
        for region, side, reference in _regions(one, folder.absolute()):
            group.add(region, side, reference)
    images = [one for one in files if one.suffix in IMAGES]
    return [hip for stem, group in groups.items() for hip in _hips(stem, group, _image(stem, images))]


def _check_description(path: Path) -> None:
    try:
        content = json_of(path, "the description of a BIDS dataset")
    except ValueError as error:
        raise InputError(f"{path}: not readable as JSON ({first_line(error)})", code="manifest-invalid") from error
    if not isinstance(content, dict) or "BIDSVersion" not in content:
        raise InputError(f"{path}: no BIDSVersion; a BIDS dataset's is accepted", code="manifest-invalid")


def _parsed(path: Path) -> _File | None:
    name = next((path.name.removesuffix(end) for end in (".nii.gz", ".nii") if path.name.endswith(end)), None)
    if name is None:
        return None
    *parts, suffix = name.split("_")
    pairs = [part.partition("-") for part in parts]
    if not pairs or pairs[0][0] != "sub" or not all(dash and value for _, dash, value in pairs):
        return None
    return _File(path, {key: value for key, _, value in pairs}, suffix)


def _regions(file: _File, root: Path) -> Iterator[tuple[str, str, str]]:
    """What a file holds: name of a region, its side (``auto``: not told), and the reference to it."""
    hemisphere = HEMISPHERES.get(file.entities.get("hemi", ""), "auto")
    if file.suffix == "mask" and "label" in file.entities:
        name, side = _named(file.entities["label"])
        yield name, side if hemisphere == "auto" else hemisphere, str(file.path)
    elif file.suffix == "dseg":
        for index, label in _labels(file, root).items():
            name, side = _named(label)
            yield name, side if hemisphere == "auto" else hemisphere, f"{file.path}:{index}"


def _named(label: str) -> tuple[str, str]:
    """A region's name without its side, and the side."""
    plain = re.sub(r"[^a-z0-9]", "", ABBREVIATIONS.get(label, label).lower())
    found = SIDE_NAME.fullmatch(plain)
    if found is None:
        return plain, "auto"
    return found["name"], found["before"] or found["after"] or "auto"


def _labels(file: _File, root: Path) -> dict[int, str]:
    """Labels of a segmentation by their number: from the nearest table that applies to it."""
    for folder in (file.path.parent, *file.path.parent.parents):
        for path in sorted(folder.glob("*dseg.tsv"), key=lambda one: -len(one.name)):
            entities = [part.partition("-") for part in path.name.split("_")[:-1]]
            if all(file.entities.get(key) == value for key, _, value in entities):
                return _table(path)
        if folder == root:
            break
    return COMMON


def _table(path: Path) -> dict[int, str]:
    try:
        text = bytes_of(path, "a table of labels (TSV)", TABLE_BYTES).decode("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(text, newline=""), delimiter="\t"))
        return {int(row["index"]): row["name"].strip() for row in rows}
    except (csv.Error, UnicodeDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"{path}: no table of labels; TSV with the columns index and name is accepted", code="manifest-invalid"
        ) from error


def _image(stem: str, images: list[_File]) -> str | None:
    """The one image that masks of this stem may have been drawn on; ``None`` where there are several, or none."""
    keys = set(stem.split("_"))
    found = [one.path for one in images if set(one.stem.split("_")) <= keys]
    return str(found[0]) if len(found) == 1 else None


def _hips(stem: str, group: _Group, image: str | None) -> Iterator[BidsHip]:
    for side, lesions in sorted(group.lesions.items()):
        name = stem if side == "auto" else f"{stem}_hemi-{side[0].upper()}"
        beside = [one for one in (side, "auto") if one in group.femora]
        if side == "auto" and not beside and len(group.femora) == 1:
            beside = list(group.femora)
        femora = group.femora[beside[0]] if beside else []
        fault = None
        if len(lesions) > 1 or len(femora) > 1:
            fault = f"{len(lesions)} masks of the lesion and {len(femora)} of the femur; one of each is accepted"
        elif not femora:
            sides = "" if not group.femora else f" ({', '.join(sorted(group.femora))} beside it)"
            fault = f"no femur for the lesion{sides}; label-femur of the same entities and side is accepted"
        if fault is not None:
            yield BidsHip(name, fault=fault)
            continue
        told = beside[0] if side == "auto" else side
        yield BidsHip(name, femora[0], lesions[0], image, told)
