"""What kind of file lies before us, by its content; its name is never trusted."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Literal

from corecore.base.errors import InputError
from corecore.io.bounded import opened, reading, regular_file, shown, unpacked

Kind = Literal["nifti", "nrrd", "metaimage", "dicom"]

#: What a mask or an image may be, for messages.
ACCEPTED = "NIfTI (.nii, .nii.gz), NRRD (.nrrd, .seg.nrrd), MetaImage (.mha, .mhd) or DICOM"
#: Bytes looked at: a NIfTI-2 header, and more than any other mark needs.
HEAD_BYTES = 544
GZIP = b"\x1f\x8b"
#: Marks of files that are often taken for volumes; only for the message.
STRANGERS = (
    (b"PK\x03\x04", "a ZIP archive: unpack it"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"%PDF", "a PDF document"),
    (b"\x89HDF", "an HDF5 file"),
    (b"CDF", "a NetCDF (MINC) file"),
    (b"solid", "an STL surface"),
    (b"# vtk", "a VTK file"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"{", "a JSON file"),
    (b"<", "an XML or HTML file"),
)


def kind_of(path: Path) -> Kind:
    """The format of a file. Raises ``InputError`` for one that is none of them, saying what it looks like."""
    kind, found = look_at(path)
    if kind is None:
        raise InputError(f"{shown(path)}: {found}; {ACCEPTED} is accepted", code="file-kind")
    return kind


def look_at(path: Path) -> tuple[Kind | None, str]:
    """The format of a file, or ``None`` and what it is instead. Raises ``InputError`` where it cannot be read."""
    if regular_file(path, ACCEPTED) == 0:
        return None, "an empty file"
    with reading(path, ACCEPTED), opened(path, ACCEPTED) as stream:
        head = stream.read(HEAD_BYTES)
        packed = head.startswith(GZIP)
        if packed:
            stream.seek(0)
            try:
                head = unpacked(stream, "gzip").read(HEAD_BYTES)
            except (OSError, EOFError, zlib.error):
                return None, "a gzip file that does not unpack"
    if _is_nifti(head):
        return "nifti", "a NIfTI file"
    if packed:
        return None, "a gzip file that holds no NIfTI volume"
    if head.startswith(b"NRRD000"):
        return "nrrd", "an NRRD file"
    if head[128:132] == b"DICM":
        return "dicom", "a DICOM file"
    if _is_metaimage(head):
        return "metaimage", "a MetaImage"
    for mark, found in STRANGERS:
        if head.startswith(mark):
            return None, found
    if head[:4] in (b"\x5c\x01\x00\x00", b"\x00\x00\x01\x5c"):
        return None, "an Analyze or NIfTI header whose mark is damaged, or an .hdr/.img pair"
    return None, "a text file" if _is_text(head) else "no format that is known"


def _is_nifti(head: bytes) -> bool:
    if head[:4] in (b"\x5c\x01\x00\x00", b"\x00\x00\x01\x5c"):
        return head[344:348] == b"n+1\x00"
    return head[:4] in (b"\x1c\x02\x00\x00", b"\x00\x00\x02\x1c") and head[4:8] == b"n+2\x00"


def _is_metaimage(head: bytes) -> bool:
    key, equals, _ = head.partition(b"=")
    # ITK writes ObjectType first; the others open files of older programs.
    return bool(equals) and key.strip() in (b"ObjectType", b"NDims", b"Comment", b"ObjectSubType")


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return all(c.isprintable() or c in "\r\n\t" for c in text)


def of_disc(place: Path) -> Path:
    """The folder of a disc where its index, a DICOMDIR, is named; any other place as it is.

    The index is not read: files that it leaves out lie on discs as well, and what a file is stands in its own header.
    """
    return place.parent if place.name.upper() == "DICOMDIR" and place.is_file() else place
