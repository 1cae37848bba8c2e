"""Fingerprints of volumes: of a file, of a header with its data beside it, of the series chosen in a folder."""

from __future__ import annotations

import os
from pathlib import Path

from corecore.base.errors import InputError
from corecore.io import metaimage, nrrd
from corecore.io.detect import look_at
from corecore.io.dicom.stacks import choose, survey
from corecore.io.files import sha256_of, sha256_of_all


def volume_files(path: Path) -> tuple[Path, ...]:
    """The files that a volume is read from: ``path``, and the data file that it names where it is a header alone.

    What is no such header, or cannot be read, stands for itself.
    """
    try:
        kind = None if os.path.isdir(path) else look_at(path)[0]
        beside = nrrd.data_file(path) if kind == "nrrd" else metaimage.data_file(path) if kind == "metaimage" else None
    except InputError:
        beside = None
    return (path,) if beside is None else (path, beside)


def volume_sha256(place: Path, choice: str | None = None) -> str:
    """Fingerprint of a volume's file, of its header and data file together, of a folder or of the series chosen in it.

    Raises ``InputError`` where one of them cannot be read, or the series is not there.
    """
    if choice is not None and os.path.isdir(place):
        return sha256_of_all(choose(survey(place), choice).files)
    files = volume_files(place)
    return sha256_of(place) if len(files) == 1 else sha256_of_all(files)
