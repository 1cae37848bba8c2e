"""Images, CT or MR: a file of any format, or a folder that holds one DICOM series.

Masks by reference: a file, or one label of it as ``path:label``, whatever its format.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path

from corecore.base.errors import InputError
from corecore.base.grid import Grid, Image, Mask
from corecore.base.input_file import json_of
from corecore.io import metaimage, nifti, nrrd
from corecore.io.bounded import reading, shown
from corecore.io.detect import kind_of, of_disc
from corecore.io.dicom import seg
from corecore.io.dicom.files import STRUCTURE_SET, sop_class
from corecore.io.dicom.series import read_series
from corecore.io.fingerprint import volume_sha256
from corecore.io.segmentation import Segmentation, label_map
from corecore.io.volume import Volume


def read_image(place: Path | str | Volume, *, straighten: bool = False) -> Image:
    """An image, its format recognised by its content; of several DICOM series the one chosen as ``FOLDER:NUMBER``.

    Raises ``InputError`` for a file that is none of the formats read, a folder that does not
    hold one even stack of slices, a choice where there is none, values that are not finite, and, without
    ``straighten``, slices of a tilted gantry.
    """
    if isinstance(place, Volume):
        return place.image()
    path, choice = image_place(place)
    kind = "dicom" if os.path.isdir(path) else kind_of(path)
    if kind == "dicom":
        return read_series(path, choice, straighten=straighten)
    if choice is not None:
        raise InputError(
            f"{shown(path)}: holds one image; {shown(choice)} chooses a series of a DICOM folder", code="label-unknown"
        )
    if kind == "nrrd":
        return nrrd.read_image(path)
    if kind == "metaimage":
        return metaimage.read_image(path)
    return nifti.read_image(path)


def image_place(place: Path | str | Volume) -> tuple[Path, str | None]:
    """File or folder of an image, and the series chosen in it: ``FOLDER``, ``FOLDER:3``, ``FOLDER:UID``.

    A disc's ``DICOMDIR`` stands for its folder; of a volume in memory it is the name.
    """
    if isinstance(place, Volume):
        return place.path, None
    path, colon, choice = _split(str(place))
    return (of_disc(Path(path)), choice.strip() or None) if colon and _there(path) else (of_disc(Path(place)), None)


#: nnU-Net's file that names the labels of the maps beside or below it; larger ones are not looked at, bytes.
DATASET_FILE, DATASET_BYTES = "dataset.json", 8 * 1024 * 1024


@dataclass(frozen=True)
class MaskReference:
    """Which voxels are meant: the only label of ``path``, or the one of that number, name or code."""

    path: Path
    label: int | str | None = None
    #: The volume itself, where it lies in memory; ``path`` is then its name alone.
    volume: Volume | None = None

    @classmethod
    def of_volume(cls, volume: Volume, label: int | str | None = None) -> MaskReference:
        """The only label of a volume in memory, or the one named."""
        return cls(volume.path, label, volume)

    @classmethod
    def parse(cls, text: str) -> MaskReference:
        """Read ``path`` or ``path:label``; a colon that belongs to the file's name stays there.

        The longest beginning that is there is the path, so labels may hold colons (``SCT:71341001``).
        """
        path, colon, label = _split(text)
        if not colon:
            return cls(Path(text))
        if re.fullmatch(r"[+-]?\d+", label) and len(label) < 19:
            if int(label) < 1:
                raise InputError(
                    f"{shown(text)}: label {label}; 1 and above are accepted (0 is background)", code="label-unknown"
                )
            return cls(Path(path), int(label))
        if not label.strip():
            raise InputError(
                f"{shown(text)}: nothing after the colon; a label's number or name is accepted", code="label-unknown"
            )
        return cls(Path(path), label.strip())

    def in_file(self) -> MaskReference:
        """The same, where ``path`` is a folder and the label one of its files or of their segments, with that file."""
        if self.volume is not None or not os.path.isdir(self.path):
            return self
        from corecore.io.folder_search import labelled

        return labelled(self)

    def segmentation(self, on: Grid | None = None) -> Segmentation:
        """All labels of the file or volume; contours whose series is not beside them are filled on ``on``."""
        return read_segmentation(self.path, on) if self.volume is None else self.volume.segmentation()

    def sha256(self) -> str:
        """Fingerprint of the file, or of the volume's voxels and affine."""
        return volume_sha256(self.path) if self.volume is None else self.volume.sha256

    def same_map(self, other: MaskReference) -> bool:
        """Whether both are of one file, or of volumes with the same voxels at the same place."""
        if self.volume is None or other.volume is None:
            return self.volume is other.volume and os.path.realpath(self.path) == os.path.realpath(other.path)
        return self.volume.same_as(other.volume)

    def note(self) -> str:
        """The note in its header, where it is a NIfTI volume; nothing of any other."""
        if self.volume is not None:
            return self.volume.note
        return nifti.note_of(self.path) if kind_of(self.path) == "nifti" else ""

    def __str__(self) -> str:
        return str(self.path) if self.label is None else f"{self.path}:{self.label}"


def _split(text: str) -> tuple[str, str, str]:
    if _there(text):
        return text, "", ""
    for match in reversed(list(re.finditer(":", text))):
        if _there(text[: match.start()]):
            return text[: match.start()], ":", text[match.end() :]
    return text.rpartition(":") if ":" in text else (text, "", "")


def _there(text: str) -> bool:
    # Unlike pathlib's, this takes a name too long for the file system for the name of nothing.
    return os.path.exists(text)


def read_mask(reference: MaskReference | str, on: Grid | None = None) -> Mask:
    """The mask that a reference names, as stored; contours whose series is not beside them are filled on ``on``.

    Raises ``InputError`` for a label that is not there, an empty mask, or a label map of
    which no label was named.
    """
    if isinstance(reference, str):
        reference = MaskReference.parse(reference)
    reference = reference.in_file()
    return reference.segmentation(on).pick(reference.label)


def read_segmentation(path: Path, on: Grid | None = None) -> Segmentation:
    """All labels of a file, its format recognised by its content.

    Raises ``InputError`` for a file that is none of the formats read.
    """
    kind = kind_of(path)
    if kind == "nrrd":
        return nrrd.read_segmentation(path)
    if kind == "metaimage":
        return metaimage.read_segmentation(path)
    if kind == "dicom":
        # Outlines are filled with scipy.spatial, which takes a fifth of a second to load.
        from corecore.io.dicom import rtstruct

        if sop_class(path) == STRUCTURE_SET:
            return rtstruct.read_segmentation(path, on)
        return seg.read_segmentation(path)
    values, grid, names, scaling = nifti.read_named_volume(path)
    told: dict[str, tuple[int, ...]] = {name: (number,) for number, name in names.items() if name}
    origin = nifti.origin_of(path)
    if not told:
        try:
            told = dataset_names(path)
        except InputError:
            # Numbers still name the labels: a stranger's file must not stand in their way.
            origin = replace(origin, label_names_read=False)
    return replace(label_map(path, values, grid, told, scaling), origin=origin)


def dataset_names(path: Path) -> dict[str, tuple[int, ...]]:
    """Names of labels from nnU-Net's ``dataset.json`` beside a label map or one folder above; none without it.

    Both ways of writing are read, ``{"femur": 1}`` and the older ``{"1": "femur"}``; a list of
    numbers is a region. Raises ``InputError`` where such a file cannot be read.
    """
    for folder in (path.parent, path.parent.parent):
        beside = folder / DATASET_FILE
        if not beside.is_file() or beside.stat().st_size > DATASET_BYTES:
            continue
        with reading(beside, "nnU-Net's dataset.json"):
            content = json_of(beside, "nnU-Net's dataset.json", DATASET_BYTES)
        labels = content.get("labels") if isinstance(content, dict) else None
        if isinstance(labels, dict):
            return _region_names(labels)
    return {}


def _region_names(labels: dict[str, object]) -> dict[str, tuple[int, ...]]:
    names: dict[str, tuple[int, ...]] = {}
    for key, value in labels.items():
        if isinstance(value, str) and key.strip().isdigit():
            names[value] = (int(key),)
        elif isinstance(value, int) and not isinstance(value, bool):
            names[key] = (value,)
        elif isinstance(value, list) and value and all(isinstance(v, int) for v in value):
            names[key] = tuple(value)
    return {name: region for name, region in names.items() if region != (0,)}
