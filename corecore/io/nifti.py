"""NIfTI volumes in and out, through nibabel."""

from __future__ import annotations

import gzip
import logging
import zlib
from collections.abc import Mapping
from pathlib import Path

import nibabel as nib
import numpy as np
import numpy.typing as npt
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError

from corecore.errors import InputError
from corecore.grid import FloatArray, Grid, Image, Mask
from corecore.io.files import atomic_write_bytes

_log = logging.getLogger(__name__)

#: Most voxels read from one file. A whole-body CT of 512 x 512 x 1500 passes; a header that
#: claims more is refused before any memory is taken (engineering choice).
MAX_VOXELS = 400_000_000
#: A qform that places a corner of the volume further than this from the sform's place is reported, mm.
FORM_TOLERANCE_MM = 1e-3


def read_volume(path: Path) -> tuple[npt.NDArray[np.generic], Grid]:
    """The values, as stored, and the grid of a NIfTI file.

    Raises ``InputError`` for what is not a three-dimensional NIfTI volume with a usable affine.
    """
    try:
        image = nib.load(path)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except (ImageFileError, HeaderDataError, OSError, EOFError, ValueError, zlib.error) as error:
        raise InputError(f"{path}: not a readable NIfTI volume ({_first_line(error)})") from error
    if not isinstance(image, nib.Nifti1Image):
        raise InputError(f"{path}: a {type(image).__name__}, NIfTI (.nii, .nii.gz) is accepted")
    shape = tuple(int(n) for n in image.shape)
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) != 3 or min(shape) < 1:
        raise InputError(f"{path}: a volume of shape {image.shape}; three dimensions are accepted")
    if np.prod([float(n) for n in shape]) > MAX_VOXELS:
        raise InputError(f"{path}: the header claims {shape} voxels; at most {MAX_VOXELS:,} are accepted")
    unit = image.header.get_xyzt_units()[0]
    if unit not in ("mm", "unknown"):
        raise InputError(f"{path}: the header's unit of length is {unit!r}; mm is accepted")
    try:
        grid = Grid((shape[0], shape[1], shape[2]), np.asarray(image.affine, dtype=np.float64))
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    _compare_forms(path, image, grid)
    try:
        values = np.asanyarray(image.dataobj).reshape(shape)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise InputError(f"{path}: the voxels cannot be read ({_first_line(error)})") from error
    return values, grid


def read_image(path: Path) -> Image:
    """A CT or MR image. Raises ``InputError`` as ``read_volume``, and for values that are not finite."""
    values, grid = read_volume(path)
    result = values.astype(np.float32)
    if not np.all(np.isfinite(result)):
        raise InputError(f"{path}: the image holds values that are not finite")
    return Image(grid, result)


def write_mask(path: Path, mask: Mask) -> None:
    """A mask as uint8 NIfTI (0 and 1)."""
    write_labels(path, mask.grid, mask.voxels.astype(np.uint8))


def write_labels(
    path: Path, grid: Grid, labels: npt.NDArray[np.uint8], *, note: str = "", names: Mapping[int, str] | None = None
) -> None:
    """A label map as uint8 NIfTI; a note, and a table of what each label is, go into the header's extensions.

    The table has the form that Connectome Workbench and TotalSegmentator read. The first 79 characters
    of the note stand in ``descrip`` too.
    """
    _write(path, grid, np.asarray(labels, dtype=np.uint8), note, names)


def write_image(path: Path, image: Image) -> None:
    """An image as int16 NIfTI, values rounded (Hounsfield units or MR arbitrary units)."""
    low, high = float(image.values.min()), float(image.values.max())
    if low < -32768 or high > 32767:
        raise InputError(f"image values from {low:g} to {high:g} do not fit 16 bits")
    _write(path, image.grid, np.rint(image.values).astype(np.int16))


def _write(
    path: Path,
    grid: Grid,
    values: npt.NDArray[np.generic],
    note: str = "",
    names: Mapping[int, str] | None = None,
) -> None:
    image = nib.Nifti1Image(values, grid.world_from_index)
    image.header["descrip"] = note.encode("ascii", "replace")[:79]
    if note:
        image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", note.encode("utf-8")))
    if names:
        image.header.extensions.append(nib.nifti1.Nifti1Extension(0, _label_table(names).encode("utf-8")))
    image.header.set_xyzt_units("mm")
    image.set_sform(grid.world_from_index, code=1)
    image.set_qform(grid.world_from_index, code=1)
    image.header["scl_slope"], image.header["scl_inter"] = 1.0, 0.0
    data = image.to_bytes()
    if path.name.endswith(".gz"):
        # No time and no name in the gzip header: the same volume gives the same bytes.
        data = gzip.compress(data, compresslevel=9, mtime=0)
    atomic_write_bytes(path, data)


def _label_table(names: Mapping[int, str]) -> str:
    """The names of labels as the XML that stands in a NIfTI header; colours are left to the reader."""
    rows = "".join(
        f'<Label Key="{label}" Red="0" Green="0" Blue="0" Alpha="1"><![CDATA[{name}]]></Label>\n'
        for label, name in names.items()
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<CaretExtension><VolumeInformation Index="0"><LabelTable>\n'
        f"{rows}</LabelTable><VolumeType><![CDATA[Label]]></VolumeType></VolumeInformation></CaretExtension>"
    )


def _compare_forms(path: Path, image: nib.Nifti1Image, grid: Grid) -> None:
    sform, sform_code = image.header.get_sform(coded=True)
    try:
        qform, qform_code = image.header.get_qform(coded=True)
    except (HeaderDataError, ValueError):
        return
    if sform is None or qform is None or not sform_code or not qform_code or not np.all(np.isfinite(qform)):
        return
    corner: FloatArray = np.array([*grid.shape, 1.0])
    gap = float(np.max(np.abs((sform - qform) @ corner)))
    if gap > FORM_TOLERANCE_MM:
        _log.warning("%s: sform and qform differ by %.3g mm; the sform is used", path, gap)


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
