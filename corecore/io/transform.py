"""Rigid transforms between two images: ITK's files (3D Slicer, ANTs, elastix, SimpleITK) and plain 4 x 4 text.

ITK's files are in LPS and lead the way in which an image is resampled: from the fixed image's
world to the moving image's. A plain matrix is in RAS and leads the other way, as one would write it
down: from the lesion's world to the femur's. Sixteen numbers are also what FSL's FLIRT writes, and mean another
thing there: from the moving image's voxels times their size to the fixed image's, the first axis mirrored where the
image is stored from left to right. All come out as the matrix does.

LPS, the patient frame of DICOM, ITK and STL files; inside corecore everything is RAS.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

import numpy as np

from corecore.base.errors import InputError, MissingExtraError
from corecore.base.grid import FloatArray, Grid, inverse
from corecore.base.input_file import bytes_of
from corecore.io.bounded import reading, regular_file, short, shown

#: What turns a position of one frame into the other: the first two coordinates change sign.
RAS_SIGNS = np.array([-1.0, -1.0, 1.0])
#: The same as a matrix, either way. Two signs, so handedness stays.
LPS_FROM_RAS = np.diag([*RAS_SIGNS, 1.0])

#: What a file of a transform may say: ``matrix`` and ``flirt`` are both sixteen numbers.
Kind = Literal["itk", "matrix", "flirt"]
WHAT = "an ITK transform (.tfm, .txt, .mat, .h5) or sixteen numbers of a 4 x 4 matrix"
#: Larger files hold no rigid transform, bytes (engineering choice).
SIZE_LIMIT_BYTES = 16 * 1024 * 1024
#: So is text, bytes: sixteen numbers, or a composite of a few transforms (engineering choice).
TEXT_LIMIT_BYTES = 64 * 1024
#: A length may change by this share and an angle's cosine by as much, for the transform to be rigid:
#: 0.1 mm over a femoral head and neck of 100 mm (engineering choice).
RIGID_TOLERANCE = 1e-3
#: How long the reader of HDF5 may take, s: a start of Python and its libraries, under load.
PATIENCE_S = 60
ITK_TEXT = b"#Insight Transform File"
HDF5 = b"\x89HDF"
#: Kinds of ITK transforms that a matrix and an offset say in full: parameters, fixed parameters.
MATRICES = ("AffineTransform", "MatrixOffsetTransformBase", "Rigid3DTransform")


@dataclass(frozen=True, eq=False)
class RigidTransform:
    """``world_from_lesion`` (4, 4), RAS mm, from the lesion's world to the femur's; of what kind, stated or assumed."""

    kind: Kind
    assumed: bool
    world_from_lesion: FloatArray


def parse_kind(text: str | None) -> Kind | None:
    """A kind of transform as it is written. Raises ``InputError`` for another word."""
    if text is not None and text not in get_args(Kind):
        raise InputError(f"--transform-kind {short(text)!r}; itk, matrix or flirt is accepted", code="option-value")
    return cast("Kind | None", text)


def read_rigid(path: Path) -> FloatArray:
    """``world_from_lesion`` of a transform whose file tells its kind, or of a plain matrix; see ``read_transform``."""
    return read_transform(path).world_from_lesion


def read_transform(path: Path, kind: Kind | None = None, grids: tuple[Grid, Grid] | None = None) -> RigidTransform:
    """A rigid transform from a file, of a stated kind or of the one that its content tells.

    ``grids`` are those of the femur's and of the lesion's image, which FLIRT's matrix needs.

    Raises ``InputError`` for what is no transform, or none that keeps lengths and angles; for
    another kind than is stated; for sixteen numbers in a ``.mat`` file, which FLIRT writes, of no stated kind.
    """
    size = regular_file(path, WHAT, SIZE_LIMIT_BYTES)
    with reading(path, WHAT):
        data = bytes_of(path, WHAT, SIZE_LIMIT_BYTES)
        if data.startswith(HDF5):
            matrix = _from_itk(_hdf5(path))
        elif size > TEXT_LIMIT_BYTES:
            raise InputError(f"{shown(path)}: {size:,} bytes; {WHAT} is accepted", code="transform-unreadable")
        elif data.startswith(ITK_TEXT):
            matrix = _from_itk(_text_itk(path, data.decode("utf-8", errors="replace")))
        elif data[:4] == b"\0\0\0\0":
            matrix = _from_itk(_matlab(path, data))
        else:
            return _of_numbers(path, _plain(path, data), kind, grids)
        if kind not in (None, "itk"):
            raise InputError(
                f"{shown(path)}: is an ITK transform, and --transform-kind {kind} was given; itk is accepted",
                code="transform-kind",
            )
        return RigidTransform("itk", False, _rigid(path, matrix))


def _of_numbers(path: Path, matrix: FloatArray, kind: Kind | None, grids: tuple[Grid, Grid] | None) -> RigidTransform:
    if kind == "itk":
        raise InputError(
            f"{shown(path)}: is sixteen numbers, no ITK transform; --transform-kind matrix or flirt is accepted",
            code="transform-kind",
        )
    if kind is None and path.suffix.lower() == ".mat":
        raise InputError(
            f"{shown(path)}: sixteen numbers in a .mat file may be FSL FLIRT's, or a matrix in RAS mm, which lie"
            " millimetres apart; --transform-kind flirt (with --image and --lesion-image) or matrix is accepted",
            code="transform-kind",
        )
    if kind != "flirt":
        return RigidTransform("matrix", kind is None, _rigid(path, matrix))
    if grids is None:
        raise InputError(
            f"{shown(path)}: a matrix of FLIRT's counts in voxels of both images: the femur's as --image and the"
            " lesion's as --lesion-image, the NIfTI files that FLIRT was given, are needed",
            code="option-missing",
        )
    femur, lesion = (_flirt_from_world(grid) for grid in grids)
    return RigidTransform("flirt", False, _rigid(path, inverse(femur) @ matrix @ lesion))


def _flirt_from_world(grid: Grid) -> FloatArray:
    """World RAS mm to FLIRT's millimetres: voxels times their size, the first axis turned round where the array runs
    from left to right (the affine's determinant is positive)."""
    result = np.diag([*grid.spacing_mm, 1.0]) @ grid.index_from_world
    if np.linalg.det(grid.world_from_index[:3, :3]) > 0.0:
        turned = np.diag([-1.0, 1.0, 1.0, 1.0])
        turned[0, 3] = (grid.shape[0] - 1) * grid.spacing_mm[0]
        result = turned @ result
    return np.asarray(result, dtype=np.float64)


def _from_itk(moving_from_fixed_lps: FloatArray) -> FloatArray:
    return inverse(LPS_FROM_RAS @ moving_from_fixed_lps @ LPS_FROM_RAS)


def _rigid(path: Path, matrix: FloatArray) -> FloatArray:
    """The nearest rigid matrix, where that is within the tolerance."""
    if not np.all(np.isfinite(matrix)) or not np.array_equal(matrix[3], [0.0, 0.0, 0.0, 1.0]):
        raise InputError(
            f"{shown(path)}: no finite matrix with a last row of 0 0 0 1; {WHAT} is accepted",
            code="transform-unreadable",
        )
    linear = matrix[:3, :3]
    off = float(np.max(np.abs(linear.T @ linear - np.eye(3))))
    if off > 2.0 * RIGID_TOLERANCE or np.linalg.det(linear) <= 0:
        kind = "mirrors" if np.linalg.det(linear) < 0 else f"changes lengths or angles by {100.0 * off / 2.0:.2g} %"
        raise InputError(
            f"{shown(path)}: the transform {kind}; a rigid one (rotation and shift) is accepted",
            code="transform-not-rigid",
        )
    left, _, right = np.linalg.svd(linear)
    result = np.eye(4)
    result[:3, :3] = left @ right
    result[:3, 3] = matrix[:3, 3]
    return result


def _plain(path: Path, data: bytes) -> FloatArray:
    words = re.split(r"[\s,;\[\]]+", data.decode("utf-8", errors="replace").strip())
    try:
        numbers = [float(word) for word in words if word]
    except ValueError:
        numbers = []
    if len(numbers) != 16:
        raise InputError(
            f"{shown(path)}: not sixteen numbers and no ITK transform; {WHAT} is accepted", code="transform-unreadable"
        )
    return np.array(numbers).reshape(4, 4)


def _text_itk(path: Path, text: str) -> FloatArray:
    """ITK's text form; the transforms of a composite are applied last first."""
    total = np.eye(4)
    found = re.findall(
        r"^Transform:[ \t]*(\S+)[ \t]*\r?\n(?:Parameters:([^\n]*)\r?\n)?(?:FixedParameters:([^\n]*))?",
        text,
        re.MULTILINE,
    )
    if not found:
        raise InputError(
            f"{shown(path)}: an ITK transform file without a transform; {WHAT} is accepted", code="transform-unreadable"
        )
    composite = found[0][0].startswith("CompositeTransform")
    if len(found) > 1 and not composite:
        raise InputError(
            f"{shown(path)}: {len(found)} transforms and no composite; one is accepted", code="transform-unreadable"
        )
    for name, parameters, fixed in found:
        if name.startswith("CompositeTransform"):
            continue
        total = total @ _matrix(path, name, _numbers(path, parameters), _numbers(path, fixed))
    return total


def _numbers(path: Path, text: str) -> FloatArray:
    try:
        return np.array([float(word) for word in text.split()])
    except ValueError as error:
        raise InputError(
            f"{shown(path)}: {short(text.strip())!r} among its parameters; numbers are accepted",
            code="transform-unreadable",
        ) from error


def _matrix(path: Path, name: str, parameters: FloatArray, fixed: FloatArray) -> FloatArray:
    """One transform of ITK's as a matrix (4, 4), by its class's own meaning of its parameters."""
    kind = name.partition("_")[0]
    result = np.eye(4)
    expected = {"TranslationTransform": 3, "Euler3DTransform": 6, "VersorRigid3DTransform": 6, "IdentityTransform": 0}
    count = 12 if kind in MATRICES else expected.get(kind)
    if count is None or not name.endswith("_3_3"):
        raise InputError(
            f"{shown(path)}: a {short(name)}; a rigid transform in three dimensions is accepted",
            code="transform-not-rigid",
        )
    if len(parameters) != count or len(fixed) not in (0, 3, 4):
        raise InputError(
            f"{shown(path)}: a {short(kind)} of {len(parameters)} parameters; {count} are accepted",
            code="transform-unreadable",
        )
    if kind == "IdentityTransform":
        return result
    if kind == "TranslationTransform":
        result[:3, 3] = parameters
        return result
    center = fixed[:3] if len(fixed) else np.zeros(3)
    if kind == "Euler3DTransform":
        result[:3, :3] = _euler(parameters[:3], zyx=len(fixed) == 4 and bool(fixed[3]))
    elif kind == "VersorRigid3DTransform":
        result[:3, :3] = _versor(path, parameters[:3])
    else:
        result[:3, :3] = parameters[:9].reshape(3, 3)
    result[:3, 3] = parameters[-3:] + center - result[:3, :3] @ center
    return result


def _euler(angles: FloatArray, *, zyx: bool) -> FloatArray:
    (cx, cy, cz), (sx, sy, sz) = np.cos(angles), np.sin(angles)
    x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return np.asarray(z @ y @ x if zyx else z @ x @ y, dtype=np.float64)


def _versor(path: Path, axis: FloatArray) -> FloatArray:
    square = float(axis @ axis)
    if square > 1.0:
        raise InputError(
            f"{shown(path)}: a versor of length {np.sqrt(square):.3g}; up to 1 is accepted", code="transform-unreadable"
        )
    w = np.sqrt(1.0 - square)
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray(np.eye(3) + 2.0 * w * cross + 2.0 * cross @ cross, dtype=np.float64)


def _matlab(path: Path, data: bytes) -> FloatArray:
    """ITK's MATLAB form (level 4): the class's name with its parameters, then ``fixed``."""
    arrays: list[tuple[str, FloatArray]] = []
    at = 0
    while at < len(data) and len(arrays) < 3:
        kind, rows, columns, imaginary, length = (int(n) for n in np.frombuffer(data, "<i4", 5, at))
        count = rows * columns
        if kind != 0 or imaginary or not 0 < length < 256 or not 0 <= count < 64:
            raise InputError(
                f"{shown(path)}: a MATLAB file that holds something else; {WHAT} is accepted",
                code="transform-unreadable",
            )
        at += 20
        name = data[at : at + length].rstrip(b"\0").decode("ascii", errors="replace")
        at += length
        arrays.append((name, np.frombuffer(data, "<f8", count, at).copy()))
        at += 8 * count
    if len(arrays) != 2 or arrays[1][0] != "fixed":
        raise InputError(
            f"{shown(path)}: a MATLAB file that holds something else; {WHAT} is accepted", code="transform-unreadable"
        )
    return _matrix(path, arrays[0][0], arrays[0][1], arrays[1][1])


def _hdf5(path: Path) -> FloatArray:
    """ITK's HDF5 form, read by SimpleITK in a process of its own: a broken file may take that process along."""
    child = Path(__file__).with_name("itk_process.py")
    command = [sys.executable, str(child), str(path.resolve())]
    try:
        done = subprocess.run(command, capture_output=True, timeout=PATIENCE_S, check=False, text=True)
    except subprocess.TimeoutExpired as error:
        raise InputError(
            f"{shown(path)}: could not be read within {PATIENCE_S} s; {WHAT} is accepted", code="transform-unreadable"
        ) from error
    if done.returncode == 3:
        raise MissingExtraError(
            f"{shown(path)}: an .h5 transform needs SimpleITK: pip install 'corecore[itk]', or save it as .tfm",
            code="extra-missing",
        )
    answer = json.loads(done.stdout) if done.returncode == 0 else {"error": "the reader broke off"}
    if "error" in answer:
        raise InputError(
            f"{shown(path)}: {short(answer['error'], 120)}; {WHAT} is accepted", code="transform-unreadable"
        )
    return np.array(answer["matrix"], dtype=np.float64)
