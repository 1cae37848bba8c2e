"""STL: the bytes themselves, and what is refused."""

import struct
from pathlib import Path

import numpy as np
import pytest

from corecore.base.errors import InputError, OutputError
from corecore.base.mesh import TriangleMesh
from corecore.io.stl import read_stl, write_stl

#: One triangle by hand, RAS: 10 mm right, 20 mm anterior, 30 mm superior of the origin.
TRIANGLE = TriangleMesh(np.array([[10.0, 20, 30], [11, 20, 30], [10, 21, 30]]), np.array([[0, 1, 2]]))


def test_the_bytes_are_lps_millimetres(tmp_path: Path) -> None:
    """Not by round trip, which would forgive any frame: by the numbers a reader of STL finds."""
    path = tmp_path / "one.stl"
    write_stl(TRIANGLE, path)
    data = path.read_bytes()
    assert len(data) == 84 + 50
    assert data[:80].rstrip() == b"LPS mm, corecore"
    assert not data[:80].lower().startswith(b"solid")
    assert struct.unpack("<I", data[80:84]) == (1,)
    numbers = struct.unpack("<12fH", data[84:])
    # Seen from above the triangle is counter-clockwise, and stays so: two signs change, none is a mirror.
    assert numbers[:3] == (0, 0, 1)
    assert numbers[3:12] == (-10, -20, 30, -11, -20, 30, -10, -21, 30)
    assert numbers[12] == 0


def test_a_file_made_by_hand_is_read_as_ras(tmp_path: Path) -> None:
    path = tmp_path / "hand.stl"
    body = struct.pack("<I12fH", 1, 0, 0, 1, -10, -20, 30, -11, -20, 30, -10, -21, 30, 0)
    path.write_bytes(b"any tool".ljust(80) + body)
    assert np.allclose(read_stl(path).corners_mm, TRIANGLE.corners_mm)
    path.write_bytes(b"3D Slicer output. SPACE=RAS".ljust(80) + body)
    assert np.allclose(read_stl(path).corners_mm[0, 0], [-10, -20, 30])


def test_a_closed_mesh_stays_closed(tmp_path: Path) -> None:
    points = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], dtype=float) * 30 + 500
    mesh = TriangleMesh(points, np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]]))
    write_stl(mesh, tmp_path / "solid.stl")
    back = read_stl(tmp_path / "solid.stl")
    assert back.is_closed
    assert back.volume_ml == pytest.approx(mesh.volume_ml, rel=1e-6)


def test_vtk_reads_the_same_corners(tmp_path: Path) -> None:
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkIOGeometry import vtkSTLReader

    write_stl(TRIANGLE, tmp_path / "one.stl")
    reader = vtkSTLReader()
    reader.SetFileName(str(tmp_path / "one.stl"))
    reader.Update()
    points = vtk_to_numpy(reader.GetOutput().GetPoints().GetData())
    assert np.allclose(points * [-1, -1, 1], TRIANGLE.points_mm)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "0 bytes"),
        (b"solid bone\nfacet normal 0 0 1\nendsolid bone\n".ljust(200), "text STL"),
        (b"".ljust(80) + struct.pack("<I", 4_000_000_000), "84 bytes for 4000000000 triangles"),
        (b"".ljust(80) + struct.pack("<I12fH", 1, *[0.0] * 3, float("nan"), *[0.0] * 8, 0), "not finite"),
    ],
)
def test_broken_files_are_refused_in_one_line(tmp_path: Path, data: bytes, found: str) -> None:
    path = tmp_path / "broken.stl"
    path.write_bytes(data)
    with pytest.raises(InputError, match=found) as error:
        read_stl(path)
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)


def test_nothing_is_left_of_a_write_that_fails(tmp_path: Path) -> None:
    empty = TriangleMesh(np.zeros((0, 3)), np.zeros((0, 3), dtype=int))
    path = tmp_path / "kept.stl"
    write_stl(TRIANGLE, path)
    before = path.read_bytes()
    with pytest.raises(InputError, match="without triangles"):
        write_stl(empty, path)
    assert path.read_bytes() == before
    with pytest.raises(OutputError, match="cannot be written"):
        write_stl(TRIANGLE, tmp_path / "no such folder" / "one.stl")
    assert [p.name for p in tmp_path.iterdir()] == ["kept.stl"]
    with pytest.raises(InputError, match="no such file"):
        read_stl(tmp_path / "absent.stl")
