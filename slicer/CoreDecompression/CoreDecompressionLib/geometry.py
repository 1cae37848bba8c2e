"""From nodes to files and back: voxels with where they lie in the world, RAS mm, and the transforms above them.

Files are NRRD, written here with what Python has: a header of ten lines and packed voxels. Numbers are written so that
they are read back to the last bit.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray, vtk_to_numpy

from .errors import PersonError

#: Corners round a tunnel's wall.
AROUND = 48
#: The names of voxels' types in NRRD's words.
TYPES = {
    "int8": "signed char", "uint8": "unsigned char", "int16": "short", "uint16": "unsigned short", "int32": "int",
    "uint32": "unsigned int", "float32": "float", "float64": "double",
}  # fmt: skip


def matrix_of(values: Any) -> np.ndarray:
    """A vtkMatrix4x4 as an array."""
    return np.array([[values.GetElement(row, column) for column in range(4)] for row in range(4)])


def vtk_matrix(values: np.ndarray) -> Any:
    """An array (4, 4) as a vtkMatrix4x4."""
    matrix = vtk.vtkMatrix4x4()
    for row in range(4):
        for column in range(4):
            matrix.SetElement(row, column, float(values[row, column]))
    return matrix


def to_world(node: Any) -> np.ndarray:
    """The matrix (4, 4) from a node's own frame to the world: all transforms above it. Raises ``PersonError``."""
    above = node.GetParentTransformNode()
    if above is None:
        return np.eye(4)
    if not above.IsTransformToWorldLinear():
        raise PersonError(
            f"'{node.GetName()}' lies under a transform that bends ('{above.GetName()}'). Harden it, then plan."
        )
    matrix = vtk.vtkMatrix4x4()
    above.GetMatrixTransformToWorld(matrix)
    return matrix_of(matrix)


def segment_voxels(node: Any, segment: str) -> tuple[np.ndarray, np.ndarray]:
    """A segment's voxels (nx, ny, nz), 0 or 1, on the grid of its volume, and the matrix (4, 4) to the world.

    Slicer cuts a segment to where it has voxels; here it has the room that its image had, for where the image ended is
    where the bone was cut. Raises ``PersonError`` for one that is empty.
    """
    segmentation = node.GetSegmentation()
    found = segmentation.GetSegment(segment)
    if found is None:
        raise PersonError(f"'{node.GetName()}' has no such segment any more. Choose one again.")
    name = found.GetName()
    labelmap = slicer.vtkOrientedImageData()
    kind = slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName()
    if not segmentation.ContainsRepresentation(kind) and not segmentation.CreateRepresentation(kind):
        raise PersonError(f"'{node.GetName()}' cannot be turned into voxels. Create its binary labelmap, then plan.")
    if not node.GetBinaryLabelmapRepresentation(segment, labelmap):
        raise PersonError(f"Segment '{name}' has no voxels. Draw it, or choose another one.")
    extent, values = labelmap.GetExtent(), _voxels(labelmap)
    if values is None or not values.any():
        raise PersonError(f"Segment '{name}' is empty. Draw it, or choose another one.")
    matrix = matrix_of(_image_to_world(labelmap))
    low, size = _whole(segmentation, matrix, extent)
    whole = np.zeros(size, dtype=np.uint8)
    start = np.array(extent[::2]) - low
    stop = start + values.shape
    whole[start[0] : stop[0], start[1] : stop[1], start[2] : stop[2]] = values > 0
    shift = np.eye(4)
    shift[:3, 3] = low
    return whole, to_world(node) @ matrix @ shift


def _voxels(image: Any) -> np.ndarray | None:
    """An image's values (nx, ny, nz)."""
    scalars = image.GetPointData().GetScalars()
    if scalars is None or 0 in image.GetDimensions():
        return None
    values: np.ndarray = vtk_to_numpy(scalars).reshape(image.GetDimensions()[::-1]).transpose(2, 1, 0)
    return values


def _image_to_world(image: Any) -> Any:
    matrix = vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    return matrix


def _whole(segmentation: Any, matrix: np.ndarray, extent: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """First index and size of the grid that a segment's voxels belong to: its image's, where that has the lattice."""
    low, high = np.array(extent[::2]), np.array(extent[1::2])
    words = segmentation.GetConversionParameter("Reference image geometry")
    reference = slicer.vtkOrientedImageData()
    if words and slicer.vtkSegmentationConverter.DeserializeImageGeometry(words, reference, False):
        other = matrix_of(_image_to_world(reference))
        offset = np.linalg.solve(matrix, other[:, 3])[:3]
        if np.allclose(other[:3, :3], matrix[:3, :3], atol=1e-6) and np.allclose(offset, np.rint(offset), atol=1e-3):
            ends = np.array(reference.GetExtent())
            first = np.rint(offset).astype(int) + ends[::2]
            last = np.rint(offset).astype(int) + ends[1::2]
            return np.minimum(low, first), np.maximum(high, last) - np.minimum(low, first) + 1
    return low, high - low + 1


def write_segment(node: Any, segment: str, path: Path) -> None:
    """A segment as a mask in the world, NRRD. Raises ``PersonError`` as ``segment_voxels``."""
    write_nrrd(path, *segment_voxels(node, segment))


def write_volume(node: Any, path: Path) -> None:
    """A volume in the world, NRRD. Raises ``PersonError`` for one without voxels, or of several values a voxel."""
    image = node.GetImageData()
    values = None if image is None or image.GetNumberOfScalarComponents() != 1 else _voxels(image)
    if values is None:
        raise PersonError(f"Volume '{node.GetName()}' has no grey values. Choose the CT or MR, or none.")
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    write_nrrd(path, values, to_world(node) @ matrix_of(matrix))


def write_nrrd(path: Path, values: np.ndarray, matrix: np.ndarray) -> None:
    """Voxels (nx, ny, nz) with their place in the world (4, 4), RAS mm."""
    kind = TYPES.get(values.dtype.name)
    if kind is None:
        values, kind = values.astype(np.float64), "double"
    vectors = " ".join(_vector(matrix[:3, axis]) for axis in range(3))
    header = [
        "NRRD0004", f"type: {kind}", "dimension: 3", "space: right-anterior-superior",
        "sizes: " + " ".join(str(count) for count in values.shape), f"space directions: {vectors}",
        "kinds: domain domain domain", "endian: little", "encoding: gzip", f"space origin: {_vector(matrix[:3, 3])}",
    ]  # fmt: skip
    little = values.astype(values.dtype.newbyteorder("<"), copy=False)
    packed = gzip.compress(little.tobytes(order="F"), compresslevel=1, mtime=0)
    path.write_bytes("\n".join([*header, "", ""]).encode() + packed)


def _vector(values: np.ndarray) -> str:
    return "(" + ",".join(repr(float(value)) for value in values) + ")"


def points_of(node: Any) -> list[tuple[str, tuple[float, float, float]]]:
    """The placed points of a markup: label and place in the world, RAS mm."""
    found = []
    for number in range(node.GetNumberOfControlPoints()):
        if node.GetNthControlPointPositionStatus(number) != slicer.vtkMRMLMarkupsNode.PositionDefined:
            continue
        place = [0.0, 0.0, 0.0]
        node.GetNthControlPointPositionWorld(number, place)
        found.append((str(node.GetNthControlPointLabel(number)), (place[0], place[1], place[2])))
    return found


def line_ends(node: Any) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Entry and tip of a line in the world, RAS mm. Raises ``PersonError`` for a line that is not placed."""
    places = [] if node is None else [place for _, place in points_of(node)]
    if len(places) != 2:
        raise PersonError("Draw a line first: its entry on the lateral femur, then its tip in the head.")
    return places[0], places[1]


def write_points(node: Any, path: Path) -> None:
    """Landmarks as Slicer's own markups file, in RAS mm of the world."""
    points = [
        {"id": str(number), "label": label, "position": list(place), "positionStatus": "defined"}
        for number, (label, place) in enumerate(points_of(node), start=1)
    ]
    markup = {"type": "Fiducial", "coordinateSystem": "RAS", "coordinateUnits": "mm", "controlPoints": points}
    path.write_text(json.dumps({"markups": [markup]}), encoding="utf-8")


def read_stl(path: Path) -> Any:
    """A surface that corecore wrote, LPS mm, as polygons in RAS mm."""
    reader = vtk.vtkSTLReader()
    reader.SetFileName(str(path))
    reader.Update()
    surface = reader.GetOutput()
    points = vtk_to_numpy(surface.GetPoints().GetData())
    points[:, :2] *= -1.0
    return surface


def tunnel_surface(entry: Any, tip: Any, outline: Any) -> Any:
    """The body of a tunnel: its outline turned round the axis. ``outline`` (N, 2): place from the tip, radius, mm."""
    entry, tip, rings = np.asarray(entry, float), np.asarray(tip, float), np.asarray(outline, float)
    # Closed at the entry too.
    rings = np.concatenate([rings, [[rings[-1, 0], 0.0]]])
    along = (tip - entry) / np.linalg.norm(tip - entry)
    other = np.eye(3)[int(np.argmin(np.abs(along)))]
    first = np.cross(along, other)
    first = first / np.linalg.norm(first)
    second = np.cross(along, first)
    turn = 2.0 * np.pi * np.arange(AROUND) / AROUND
    circle = np.cos(turn)[:, None] * first + np.sin(turn)[:, None] * second
    points = (tip - rings[:, :1] * along)[:, None, :] + rings[:, 1, None, None] * circle
    corners = np.ascontiguousarray(points.reshape(-1, 3))
    cells = []
    for ring in range(len(rings) - 1):
        for k in range(AROUND):
            a, b = ring * AROUND + k, ring * AROUND + (k + 1) % AROUND
            cells.append((4, a, b, b + AROUND, a + AROUND))
    surface = vtk.vtkPolyData()
    places = vtk.vtkPoints()
    places.SetData(numpy_to_vtk(corners, deep=True))
    surface.SetPoints(places)
    polygons = vtk.vtkCellArray()
    polygons.ImportLegacyFormat(numpy_to_vtkIdTypeArray(np.array(cells, dtype=np.int64).ravel(), deep=True))
    surface.SetPolys(polygons)
    return surface


def slices_along(entry: Any, tip: Any) -> list[np.ndarray]:
    """Slices in RAS mm (4, 4): across a tunnel half-way, along it with the head upward, and along it square to that."""
    entry, tip = np.asarray(entry, float), np.asarray(tip, float)
    along = (tip - entry) / np.linalg.norm(tip - entry)
    up = np.array([0.0, 0.0, 1.0]) if abs(along[2]) < 0.95 else np.array([0.0, 1.0, 0.0])
    above = up - (up @ along) * along
    above = above / np.linalg.norm(above)
    beside = np.cross(along, above)
    found = []
    for right, top in ((np.cross(above, along), above), (along, above), (along, beside)):
        matrix = np.eye(4)
        matrix[:3, 0], matrix[:3, 1], matrix[:3, 2] = right, top, np.cross(right, top)
        matrix[:3, 3] = 0.5 * (entry + tip)
        found.append(matrix)
    return found
