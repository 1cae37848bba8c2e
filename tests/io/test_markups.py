"""Slicer markups: the file's own numbers, and every way a file can be broken."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from corecore.base.errors import InputError
from corecore.io.markups import MarkupLine, read_line, read_points, write_lines


def write(path: Path, markup: Any) -> Path:
    path.write_text(json.dumps({"markups": [markup]}), encoding="utf-8")
    return path


def point(label: str, position: Any, **more: Any) -> dict[str, Any]:
    return {"label": label, "position": position, **more}


def test_tunnels_are_written_as_slicer_reads_them(tmp_path: Path) -> None:
    path = tmp_path / "tunnels.mrk.json"
    write_lines(
        [MarkupLine("tunnel_1", [10, 20, 30], (40, 50, -60)), MarkupLine("tunnel_2", [0, 0, 0], [1, 1, 1])], path
    )
    document = json.loads(path.read_text(encoding="utf-8"))
    assert document["@schema"].endswith("markups-schema-v1.0.3.json#")
    first, second = document["markups"]
    assert (first["type"], first["name"], second["name"]) == ("Line", "tunnel_1", "tunnel_2")
    assert (first["coordinateSystem"], first["coordinateUnits"]) == ("LPS", "mm")
    entry, tip = first["controlPoints"]
    assert entry["position"] == [-10, -20, 30]
    assert tip["position"] == [-40, -50, -60]
    assert (entry["label"], tip["label"]) == ("tunnel_1 entry", "tunnel_1 tip")
    assert {p["positionStatus"] for m in document["markups"] for p in m["controlPoints"]} == {"defined"}
    assert "-0.0" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        ({}, [-1, -2, 3]),
        ({"coordinateSystem": "LPS"}, [-1, -2, 3]),
        ({"coordinateSystem": "RAS"}, [1, 2, 3]),
        ({"coordinateSystem": 0}, [1, 2, 3]),
        ({"coordinateUnits": ["mm", "UCUM", "millimeter"]}, [-1, -2, 3]),
    ],
)
def test_points_come_back_in_ras(tmp_path: Path, frame: dict[str, Any], expected: list[float]) -> None:
    markup = {"type": "Fiducial", "controlPoints": [point("head_center", [1, 2, 3])], **frame}
    found = read_points(write(tmp_path / "f.mrk.json", markup))
    assert list(found) == ["head_center"]
    assert np.array_equal(found["head_center"], expected)


def test_a_point_not_placed_is_not_a_point(tmp_path: Path) -> None:
    points = [point("a", [1, 2, 3]), point("b", [0, 0, 0], positionStatus="undefined"), point("", [4, 5, 6])]
    found = read_points(write(tmp_path / "f.mrk.json", {"type": "Fiducial", "name": "F", "controlPoints": points}))
    assert list(found) == ["a", "F-3"]


def test_a_written_line_is_read_entry_first(tmp_path: Path) -> None:
    path = tmp_path / "line.mrk.json"
    write_lines([MarkupLine("t", [10.25, 20, 30], [40, 50, -60])], path)
    entry, tip = read_line(path)
    assert np.array_equal(entry, [10.25, 20, 30])
    assert np.array_equal(tip, [40, 50, -60])
    write_lines([MarkupLine("t", [1, 2, 3], [4, 5, 6])] * 2, path)
    with pytest.raises(InputError, match="2 Line markups"):
        read_line(path)


def test_a_line_half_placed_is_refused(tmp_path: Path) -> None:
    markup = {"type": "Line", "controlPoints": [point("a", [1, 2, 3])]}
    with pytest.raises(InputError, match="1 placed points"):
        read_line(write(tmp_path / "l.mrk.json", markup))


@pytest.mark.parametrize(
    ("markup", "found"),
    [
        ({"type": "Fiducial", "coordinateSystem": "XYZ"}, "coordinateSystem is 'XYZ'"),
        ({"coordinateUnits": "cm"}, "coordinateUnits is 'cm'"),
        ({"coordinateUnits": []}, "coordinateUnits is"),
        ({"controlPoints": {"a": 1}}, "a list is accepted"),
        ({"controlPoints": [7]}, "point 1 of 'markup' is 7"),
        ({"controlPoints": [point("a", [1, 2])]}, "three numbers"),
        ({"controlPoints": [point("a", [1, 2, "3"])]}, "three numbers"),
        ({"controlPoints": [point("a", [1, 2, True])]}, "three numbers"),
        ({"controlPoints": [point("a", None)]}, "three numbers"),
        ({"controlPoints": [point("a", [1, 2, 1e9])]}, "within 100000 mm"),
        ({"controlPoints": [point("a", [1, 2, 10**39])]}, "within 100000 mm"),
        ({"controlPoints": [point("a", [1, 2, 10**400])]}, "a whole number of 401 digits"),
        ({"controlPoints": [point("a", [1, 2, float("nan")])]}, "holds NaN"),
        ({"controlPoints": [point("a", [1, 2, 3]), point("a", [1, 2, 4])]}, "two control points are labelled 'a'"),
        ("not a markup", "no list of markups"),
    ],
)
def test_a_broken_markup_is_refused_in_one_line(tmp_path: Path, markup: Any, found: str) -> None:
    path = write(tmp_path / "broken.mrk.json", markup)
    with pytest.raises(InputError, match=found) as error:
        read_points(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"\xff\xfe\x00", b"[]", b'{"markups": []}', b"[" * 200_000, b"NRRD0004"],
    ids=lambda d: repr(d[:9]),
)
def test_what_is_no_markups_file_is_refused_in_one_line(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "junk.mrk.json"
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"markups|\.mrk\.json") as error:
        read_points(path)
    assert "\n" not in str(error.value)


def test_a_line_without_a_place_is_not_written(tmp_path: Path) -> None:
    for bad in ([1, 2], [np.nan, 0, 0], [np.inf, 0, 0]):
        with pytest.raises(InputError, match="three finite numbers"):
            write_lines([MarkupLine("t", bad, [0, 0, 0])], tmp_path / "t.mrk.json")
    assert list(tmp_path.iterdir()) == []
