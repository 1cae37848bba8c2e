"""Images, CT or MR: a file of any format, or a folder that holds one DICOM series."""

from __future__ import annotations

import os
from pathlib import Path

from corecore.grid import Image
from corecore.io import metaimage, nifti, nrrd
from corecore.io.recognise import kind_of


def read_image(path: Path) -> Image:
    """An image, its format recognised by its content.

    Raises ``InputError`` for a file that is none of the formats read, a folder that does not
    hold one even stack of slices, and values that are not finite.
    """
    if os.path.isdir(path):
        from corecore.io.dicom_series import read_series

        return read_series(path)
    kind = kind_of(path)
    if kind == "nrrd":
        return nrrd.read_image(path)
    if kind == "metaimage":
        return metaimage.read_image(path)
    if kind == "dicom":
        from corecore.io.dicom_series import read_multi_frame

        return read_multi_frame(path)
    return nifti.read_image(path)
