"""Layers for napari held against the masks' own files and the plan's JSON, on a left hip in an oblique, flipped volume.

napari itself is not asked: a layer is an array, a matrix and names.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import pyvista as pv
from nibabel.affines import apply_affine
from support import export_phantom as phantom

from corecore.base.spec import Spec
from corecore.exports.layers import Layer, napari_reader, read_layers
from corecore.report import palette


@pytest.fixture(scope="module")
def plan_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tunnels, the first with a cavity, and a margin that both break."""
    folder = tmp_path_factory.mktemp("layers")
    world = phantom.make_world()
    tunnels = [phantom.on_bone(world.hip, ends, d) for ends, d in zip(world.ends, (10.0, 3.2), strict=True)]
    phantom.write_by_hand(world.hip, tunnels, folder, spec=Spec(tunnels=2, joint_margin_mm=8.0))
    return folder / "plan.json"


@pytest.fixture(scope="module")
def layers(plan_file: Path) -> dict[str, Layer]:
    return {str(layer[1]["name"]): layer for layer in read_layers(str(plan_file))}


def ras(points: Any) -> Any:
    """Points of a layer (S, A, R) as RAS."""
    return np.asarray(points)[..., ::-1]


def test_layers_are_masks_and_tunnels(layers: dict[str, Layer]) -> None:
    kinds = {name: kind for name, (_, _, kind) in layers.items()}
    assert kinds == {
        "femur": "labels", "lesion": "labels", "tunnels": "surface", "tunnel axes": "shapes",
        "entries and tips": "points",
    }  # fmt: skip


@pytest.mark.parametrize(("name", "label", "drawn"), [("femur", 1, (1,)), ("lesion", 2, (2,))])
def test_every_labelled_voxel_lies_where_the_file_has_it(
    layers: dict[str, Layer], name: str, label: int, drawn: tuple[int, ...]
) -> None:
    data, keywords, _ = layers[name]
    voxels, affine = np.asarray(data), np.asarray(keywords["affine"])
    assert set(np.unique(voxels)) == {0, label}
    here = ras(apply_affine(affine, np.argwhere(voxels)))
    image = nib.load(phantom.make_world().path)
    there = apply_affine(image.affine, np.argwhere(np.isin(np.asanyarray(image.dataobj), drawn)))
    assert len(here) == len(there)
    # The same points in another order.
    back = np.rint(apply_affine(np.linalg.inv(image.affine), here)).astype(int)
    assert np.abs(apply_affine(image.affine, back) - here).max() < 1e-4
    assert len(np.unique(back, axis=0)) == len(there)
    assert np.isin(np.asanyarray(image.dataobj)[tuple(back.T)], drawn).all()


def test_an_axis_of_the_array_is_the_axis_of_the_world_that_it_is_nearest_to(layers: dict[str, Layer]) -> None:
    """napari cuts slices along the array's axis of the same number."""
    affine = np.asarray(layers["femur"][1]["affine"])
    assert np.abs(affine[:3, :3]).argmax(axis=0).tolist() == [0, 1, 2]
    # The file's own order is R, S, A.
    assert np.abs(nib.load(phantom.make_world().path).affine[:3, :3]).argmax(axis=0).tolist() == [0, 2, 1]


def test_tunnels_lie_where_the_plan_says(plan_file: Path, layers: dict[str, Layer]) -> None:
    told = json.loads(plan_file.read_text())["tunnels"]
    ends = np.array([[one["entry"], one["tip"]] for one in told])
    lines, line, _ = layers["tunnel axes"]
    assert np.abs(ras(lines) - ends).max() < 1e-3
    assert np.abs(ras(layers["entries and tips"][0]).reshape(2, 2, 3) - ends).max() < 1e-3
    names = layers["entries and tips"][1]["features"]
    assert names == {"name": ["tunnel 1 entry", "tunnel 1 tip", "tunnel 2 entry", "tunnel 2 tip"]}
    features: Any = line["features"]
    assert features["diameter_mm"] == [10.0, 3.2]
    assert np.allclose(features["removed_fraction"], [one["removed_fraction"] for one in told], atol=1e-4)


def test_surfaces_of_tunnels_are_closed_and_look_outwards(plan_file: Path, layers: dict[str, Layer]) -> None:
    surface: Any = layers["tunnels"][0]
    points, faces, _ = surface
    # In the layer's own axes: an outward surface has a positive volume.
    a, b, c = (np.asarray(points)[np.asarray(faces)[:, corner]] for corner in range(3))
    volume = np.einsum("ij,ij->i", np.cross(a, b), c).sum() / 6.0
    told = json.loads(plan_file.read_text())["tunnels"]
    exact = sum(
        np.pi / 4.0 * one["diameter_mm"] ** 2 * np.linalg.norm(np.subtract(one["tip"], one["entry"])) for one in told
    )
    assert volume == pytest.approx(exact, rel=0.02)
    assert pv.PolyData.from_regular_faces(np.asarray(points), np.asarray(faces)).n_open_edges == 0


def test_every_layer_says_what_it_is_of_and_that_limits_are_exceeded(layers: dict[str, Layer]) -> None:
    for name, (_, keywords, _) in layers.items():
        metadata: Any = keywords["metadata"]
        said = metadata["corecore"]
        assert (said["case_id"], said["side"]) == ("ph 1", "LEFT"), name
        assert "not a medical device" in said["notice"]
        assert str(phantom.make_world().path.parent) not in str(keywords), name
    assert layers["tunnel axes"][1]["edge_color"] == palette.VIOLATION


def test_the_reader_takes_plans_alone(plan_file: Path, tmp_path: Path) -> None:
    assert napari_reader(str(plan_file)) is napari_reader(plan_file) is read_layers
    older = tmp_path / "older_plan.json"
    older.write_text('{"schema": "corecore.plan/99"}')
    # It is read so that the reader can say what is amiss.
    assert napari_reader(str(older)) is read_layers
    for text in ('{"schema": "corecore.measures/1"}', '{"schema": 1}', "[]", "no json", ""):
        other = tmp_path / "other_plan.json"
        other.write_text(text)
        assert napari_reader(str(other)) is None, text
    assert napari_reader([str(plan_file)]) is None
    assert napari_reader(str(tmp_path / "missing.json")) is None
