"""Landmarks given instead of fitted: from JSON and from Slicer, in RAS and in LPS."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from corecore.base.errors import InputError
from corecore.hip.anatomy.landmarks import read_landmarks
from corecore.hip.case import load_case
from corecore.hip.hip import Hip, build_hip

SAMPLE = Path(__file__).resolve().parents[2] / "sample_volumes" / "right_medium.nii.gz"


def write(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content))
    return path


def test_json_in_ras_and_in_lps(tmp_path: Path) -> None:
    ras = read_landmarks(write(tmp_path / "a.json", {"head_center": [1, 2, 3], "head_radius_mm": 24}))
    lps = read_landmarks(write(tmp_path / "b.json", {"head_center": [-1, -2, 3], "coordinate_system": "LPS"}))
    assert ras.head_center is not None
    assert lps.head_center is not None
    assert np.array_equal(ras.head_center, [1, 2, 3])
    assert np.array_equal(lps.head_center, [1, 2, 3])
    assert ras.head_radius_mm == 24
    assert ras.shaft_axis is None


def test_two_points_make_an_axis(tmp_path: Path) -> None:
    given = read_landmarks(
        write(
            tmp_path / "a.json",
            {
                "shaft_proximal": [0, 0, 50], "shaft_distal": [0, 30, 10],
                "condyle_medial": [0, 0, 0], "condyle_lateral": [70, 0, 0],
            },
        )
    )  # fmt: skip
    assert given.shaft_axis is not None
    assert given.x_axis is not None
    assert np.allclose(given.shaft_axis, [0, -0.6, 0.8])
    assert np.allclose(given.x_axis, [1, 0, 0])


def test_a_slicer_file_is_read_in_its_own_frame(tmp_path: Path) -> None:
    points = [{"label": "lesser_trochanter_tip", "position": [-10.0, 20.0, 30.0], "positionStatus": "defined"}]
    markup = {"type": "Fiducial", "coordinateSystem": "LPS", "controlPoints": points}
    given = read_landmarks(write(tmp_path / "x.mrk.json", {"markups": [markup]}))
    assert given.lesser_trochanter_tip is not None
    assert np.allclose(given.lesser_trochanter_tip, [10.0, -20.0, 30.0])


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ({"nose": [1, 2, 3]}, "nose"),
        ({"head_center": [1, 2]}, "head_center"),
        ({"head_center": [1, 2, "x"]}, "head_center"),
        ({"head_center": [1, 2, 1e9]}, "head_center"),
        ({"head_radius_mm": 90}, "15 to 35"),
        ({"head_radius_mm": "24"}, "15 to 35"),
        ({"shaft_proximal": [1, 2, 3]}, "shaft_distal"),
        ({"shaft_axis": [0, 0, 1]}, "shaft_proximal"),
        ({"shaft_axis": [0, 0, 0], "shaft_proximal": [1, 1, 1]}, "no length"),
        ({"condyle_medial": [1, 2, 3]}, "condyle_lateral"),
        ({"coordinate_system": "RAI"}, "RAI"),
        ([1, 2], "list"),
    ],
)
def test_bad_landmarks_are_named(tmp_path: Path, content: Any, word: str) -> None:
    with pytest.raises(InputError, match=word) as caught:
        read_landmarks(write(tmp_path / "bad.json", content))
    assert "bad.json" in str(caught.value)


def test_what_is_given_replaces_what_is_fitted(sample_hip: Hip, tmp_path: Path) -> None:
    anatomy = sample_hip.anatomy
    tip = anatomy.lesser_trochanter_tip
    assert tip is not None
    moved = sample_hip.to_world(tip + 4.0 * anatomy.shaft_axis)
    center = sample_hip.to_world(anatomy.head_center) + np.array([0.5, 0.0, 0.0])
    path = write(tmp_path / "l.json", {"lesser_trochanter_tip": list(moved), "head_center": list(center),
                                       "head_radius_mm": 24.5})  # fmt: skip
    case = load_case(f"{SAMPLE}:1", f"{SAMPLE}:2", landmarks=read_landmarks(path))
    hip = build_hip(case)
    assert np.allclose(hip.to_world(hip.anatomy.head_center), center)
    assert hip.anatomy.head_radius_mm == 24.5
    assert hip.anatomy.sources["head_center"] == "given"
    assert hip.anatomy.sources["lesser_trochanter"] == "given"
    assert hip.anatomy.sources["shaft_axis"] == "fitted"
    assert hip.anatomy.lesser_trochanter_height_mm == pytest.approx(anatomy.lesser_trochanter_height_mm + 4.0, abs=1.0)
