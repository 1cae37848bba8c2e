"""Volumes in memory: arrays with an affine, nibabel's and SimpleITK's images; they are read by the rules for files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from nibabel.analyze import AnalyzeHeader
from nibabel.nifti1 import Nifti1Header
from nibabel.spatialimages import SpatialImage

from corecore.base.errors import InputError
from corecore.base.grid import Grid, Image
from corecore.base.origin import UNKNOWN, Origin
from corecore.io import nifti
from corecore.io.bounded import finite_values, reading
from corecore.io.segmentation import Segmentation, label_map

Given: TypeAlias = Literal["array", "nibabel", "SimpleITK"]
#: What a mask or an image in memory may be, for messages.
ACCEPTED = "a path, a nibabel image, a SimpleITK image, or an array with affine="
#: From LPS, which ITK has, to RAS.
RAS_FROM_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True, eq=False)
class Volume:
    """Voxels in memory and where they lie, with what their header says, where they have one.

    The affine is held in single precision, as a NIfTI file holds it: a plan made from an array is that made from the
    file it is written to.

    Parameters
    ----------
    name : str
        What messages call it.
    given : {"array", "nibabel", "SimpleITK"}
        What it was given as.
    values : ndarray, shape ``grid.shape``
        Labels or intensities, scaled as the header says.
    grid : Grid
        Where the voxels lie, world RAS mm.
    names : mapping of str to tuple of int
        Names of labels.
    origin : Origin
        What the header says of the voxels beside their grid.
    note : str
        The header's note and the text of its extensions.
    """

    name: str
    given: Given
    values: npt.NDArray[np.generic]
    grid: Grid
    names: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    origin: Origin = UNKNOWN
    note: str = ""

    @classmethod
    def of(cls, role: str, given: object, affine: npt.ArrayLike | None = None) -> Volume:
        """The volume that a caller gave for a role; an array needs its ``affine``, 4 x 4, voxel to RAS mm.

        Raises ``InputError`` for what is no volume of three dimensions, for values that are no numbers, and for an
        array without an affine, or a header that does not say where its voxels lie.
        """
        if isinstance(given, SpatialImage):
            return _of_nibabel(f"{role} (nibabel image)", given)
        if type(given).__module__.partition(".")[0] == "SimpleITK" and hasattr(given, "GetDirection"):
            return _of_simpleitk(f"{role} (SimpleITK image)", given)
        name = f"{role} (array)"
        try:
            values = np.asarray(given)
        except (TypeError, ValueError):
            values = np.asarray(None)
        if values.dtype.kind not in "iufb":
            what = f"values of type {values.dtype}" if isinstance(given, np.ndarray) else f"a {type(given).__name__}"
            raise InputError(f"{role}: {what}; {ACCEPTED} is accepted", code="option-value")
        if affine is None:
            raise InputError(
                f"{name}: does not say where its voxels lie; affine=, 4 x 4, voxel to RAS mm, is needed",
                code="affine-invalid",
            )
        return cls(name, "array", *_placed(name, values, affine))

    @property
    def path(self) -> Path:
        """Its name where messages have a file's."""
        return Path(self.name)

    def same_as(self, other: Volume) -> bool:
        """Whether both hold the same values, of whatever type, at the same place."""
        if self is other:
            return True
        placed = np.array_equal(self.grid.world_from_index, other.grid.world_from_index)
        return placed and np.array_equal(self.values, other.values)

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of type and shape, of the voxels in C order, and of the affine's 16 numbers, little-endian."""
        digest = hashlib.sha256(f"{self.values.dtype.name} {self.grid.shape}".encode())
        digest.update(np.ascontiguousarray(self.values, self.values.dtype.newbyteorder("<")).data)
        digest.update(self.grid.world_from_index.astype("<f8").tobytes())
        return digest.hexdigest()

    def segmentation(self) -> Segmentation:
        """Its labels. Raises ``InputError`` as for a file's values."""
        parts = label_map(self.path, self.values, self.grid, dict(self.names), chosen=chosen)
        return replace(parts, origin=self.origin)

    def image(self) -> Image:
        """Its intensities. Raises ``InputError`` for values that are not finite."""
        return Image(self.grid, finite_values(self.path, self.values), self.origin, nifti.straightened_deg(self.note))


def chosen(label: str) -> str:
    """How a label of a volume in memory is named in Python."""
    return f"labels={{ROLE: {label if label == 'LABEL' else repr(label)}}}"


def _placed(name: str, values: npt.NDArray[np.generic], affine: npt.ArrayLike) -> tuple[npt.NDArray[np.generic], Grid]:
    """A copy of the values in a file's order, which the caller cannot change any more, and their grid."""
    if values.dtype.kind not in "iufb":
        raise InputError(
            f"{name}: values of type {values.dtype}; whole or real numbers are accepted", code="header-invalid"
        )
    shape = values.shape
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) != 3 or min(shape) < 1:
        raise InputError(f"{name}: a volume of shape {shape}; three dimensions are accepted", code="volume-shape")
    try:
        matrix = np.asarray(affine, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name}: the affine is not a finite 4 x 4 matrix", code="affine-invalid") from error
    try:
        with np.errstate(over="ignore"):
            grid = Grid((shape[0], shape[1], shape[2]), matrix.astype(np.float32).astype(np.float64))
    except InputError as error:
        raise InputError(f"{name}: {error}", code=error.code) from error
    kind = np.dtype(np.uint8) if values.dtype.kind == "b" else values.dtype.newbyteorder("=")
    return np.array(values.reshape(shape), dtype=kind, order="F"), grid


def _of_nibabel(name: str, image: SpatialImage) -> Volume:
    header = image.header
    if image.affine is None or (isinstance(header, AnalyzeHeader) and not isinstance(header, Nifti1Header)):
        raise InputError(
            f"{name}: a {type(image).__name__} does not say where its voxels lie; a NIfTI image, or its array with"
            " affine=, is accepted",
            code="affine-invalid",
        )
    labels: dict[str, tuple[int, ...]] = {}
    origin, note = UNKNOWN, ""
    if isinstance(header, Nifti1Header):
        nifti.check_place(Path(name), header)
        nifti.check_unit(Path(name), header)
        extensions = nifti.extension_bytes(header)
        labels = {told: (number,) for number, told in nifti.label_names(extensions).items() if told}
        origin, note = nifti.origin_in(header), nifti.note_in(header, extensions)
    with reading(Path(name), "a volume that nibabel reads"):
        values = np.asanyarray(image.dataobj)
    return Volume(name, "nibabel", *_placed(name, values, image.affine), labels, origin, note)


def _of_simpleitk(name: str, image: object) -> Volume:
    import SimpleITK as sitk  # noqa: N813  (its own custom)

    assert isinstance(image, sitk.Image)
    if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 1:
        raise InputError(
            f"{name}: {image.GetDimension()} dimensions, {image.GetNumberOfComponentsPerPixel()} values a voxel; three"
            " dimensions and one value are accepted",
            code="volume-shape",
        )
    lps_from_index = np.eye(4)
    lps_from_index[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * np.array(image.GetSpacing())
    lps_from_index[:3, 3] = image.GetOrigin()
    # ITK counts x first, its arrays z.
    values = sitk.GetArrayViewFromImage(image).transpose()
    return Volume(name, "SimpleITK", *_placed(name, values, RAS_FROM_LPS @ lps_from_index))
