"""The scene that ``corecore export --to slicer`` writes, opened by 3D Slicer's own core, and looked at."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.image import imread
from support.slicer_case import run_in_slicer, slicer_python

from corecore.exports.export_context import ExportContext
from corecore.exports.slicer import export_slicer
from corecore.io.markups import read_line
from corecore.io.nrrd import read_segmentation
from corecore.io.references import read_mask
from corecore.report.palette import BONE, LESION, TUNNEL, rgb

SAMPLE = Path(__file__).resolve().parents[2] / "sample_volumes" / "right_medium.nii.gz"


@pytest.fixture(scope="module")
def plan(written_plan: Path) -> dict[str, Any]:
    """The sample's plan."""
    told: dict[str, Any] = json.loads((written_plan / "plan.json").read_text(encoding="utf-8"))
    return told


@pytest.fixture(scope="module")
def folder(written_plan: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the export wrote."""
    out = tmp_path_factory.mktemp("exported") / "slicer"
    export_slicer(ExportContext.of(written_plan / "plan.json"), out)
    return out


@pytest.fixture(scope="module")
def opened(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The bundle as Slicer's core reads it; ``out`` has its pictures."""
    slicer_python()
    out = tmp_path_factory.mktemp("looked")
    return {**run_in_slicer("slicer_open.py", folder / "scene.mrb", out), "out": out}


def test_a_bundle_is_the_same_each_time_and_whole(folder: Path, written_plan: Path, tmp_path: Path) -> None:
    export_slicer(ExportContext.of(written_plan / "plan.json"), tmp_path / "again")
    assert (tmp_path / "again" / "scene.mrb").read_bytes() == (folder / "scene.mrb").read_bytes()
    with zipfile.ZipFile(folder / "scene.mrb") as archive:
        names = set(archive.namelist())
        text = archive.read("scene/scene.mrml").decode()
        archive.extractall(tmp_path / "bundle")
    files = {part.split('"')[0] for part in text.split('fileName="')[1:]}
    assert files == {name.removeprefix("scene/") for name in names} - {"scene.mrml"}


def test_masks_and_lines_come_back_through_our_own_readers(folder: Path, plan: dict[str, Any], tmp_path: Path) -> None:
    with zipfile.ZipFile(folder / "scene.mrb") as archive:
        archive.extractall(tmp_path)
    data = tmp_path / "scene" / "Data"
    segments = read_segmentation(data / "masks.seg.nrrd")
    assert [one.name for one in segments.segments] == ["femur", "lesion"]
    for name, label in (("femur", 1), ("lesion", 2)):
        back, source = read_mask(f"{data / 'masks.seg.nrrd'}:{name}"), read_mask(f"{SAMPLE}:{label}")
        assert np.array_equal(back.voxels, source.voxels)
        assert np.allclose(back.grid.world_from_index, source.grid.world_from_index, atol=1e-9)
    entry, tip = read_line(data / "tunnel_1_path.mrk.json")
    (tunnel,) = plan["tunnels"]
    assert np.allclose([entry, tip], [tunnel["entry"], tunnel["tip"]], atol=1e-3)


def test_slicer_finds_everything_named_and_coloured(opened: dict[str, Any], plan: dict[str, Any]) -> None:
    assert opened["opened"]
    models = {one["name"]: one for one in opened["nodes"]["Model"]}
    assert set(models) == {"femur", "lesion", "tunnel 1", "entry zone"}
    for name, color in (("femur", BONE), ("lesion", LESION), ("tunnel 1", TUNNEL)):
        assert np.allclose(models[name]["color"], rgb(color), atol=1e-6)
        assert models[name]["visible"]
    assert models["femur"]["opacity"] < 0.5
    assert not models["entry zone"]["visible"]
    (line,) = opened["nodes"]["MarkupsLine"]
    assert line["locked"]
    assert len(opened["nodes"]["MarkupsPlane"]) == 3
    assert not any(one["visible"] for one in opened["nodes"]["MarkupsPlane"])
    (masks,) = opened["nodes"]["Segmentation"]
    assert set(masks["segments"]) == {"femur", "lesion"}
    (text,) = opened["nodes"]["Text"]
    assert json.loads(text["text"])["tunnels"] == plan["tunnels"]
    (table,) = opened["nodes"]["Table"]
    assert len(table["rows"]) >= 8
    own = {one["plan"] for kind in opened["nodes"].values() for one in kind}
    assert len(own) == 1


def test_slicer_finds_everything_in_its_place(opened: dict[str, Any], plan: dict[str, Any]) -> None:
    (tunnel,) = plan["tunnels"]
    entry, tip = np.array(tunnel["entry"]), np.array(tunnel["tip"])
    (line,) = opened["nodes"]["MarkupsLine"]
    assert np.allclose(line["points"], [entry, tip], atol=0.01)
    models = {one["name"]: one for one in opened["nodes"]["Model"]}
    axis, radius = (tip - entry) / np.linalg.norm(tip - entry), tunnel["diameter_mm"] / 2
    # A cylinder reaches this far along an axis of the world.
    reach = radius * np.sqrt(1.0 - axis**2)
    assert np.allclose(models["tunnel 1"]["low"], np.minimum(entry, tip) - reach, atol=0.05)
    assert np.allclose(models["tunnel 1"]["high"], np.maximum(entry, tip) + reach, atol=0.05)
    (masks,) = opened["nodes"]["Segmentation"]
    for name, label in (("femur", 1), ("lesion", 2)):
        source = read_mask(f"{SAMPLE}:{label}")
        assert masks["segments"][name]["voxels"] == source.voxels.sum()
        assert np.allclose(masks["segments"][name]["matrix"], source.grid.world_from_index, atol=1e-6)


def test_the_tree_and_the_views_are_set(opened: dict[str, Any], plan: dict[str, Any]) -> None:
    (title,) = opened["tree"][""]
    assert title.startswith("core decompression ")
    assert opened["tree"][title] == ["models", "paths", "planes across", "masks", "figures"]
    assert opened["tree"]["paths"] == ["tunnel 1 path"]
    assert opened["layout"] == 3
    (tunnel,) = plan["tunnels"]
    middle = 0.5 * (np.array(tunnel["entry"]) + np.array(tunnel["tip"]))
    for name in ("Red", "Green", "Yellow"):
        matrix = np.array(opened["slices"][name]["matrix"])
        assert np.allclose(matrix[:3, 3], middle, atol=0.01)
        assert np.isclose(np.linalg.det(matrix[:3, :3]), 1.0)
    assert np.isclose(abs(np.array(opened["slices"]["Red"]["matrix"])[:3, 2] @ tunnel["direction"]), 1.0, atol=1e-5)
    assert np.allclose(opened["camera"]["focus"], middle, atol=0.01)
    assert opened["camera"]["place"][1] > middle[1] + 100.0


def test_what_the_views_show_has_bone_lesion_and_tunnel_in_it(opened: dict[str, Any]) -> None:
    picture = imread(opened["out"] / "space.png")[..., :3]
    red, green, blue = (picture[..., channel] for channel in range(3))
    # The tunnel's blue, the lesion's orange, the bone's grey before a violet ground.
    assert np.mean((blue > red + 0.2) & (blue > 0.4) & (red < 0.4)) > 0.005
    assert np.mean((red > blue + 0.2) & (green > blue)) > 0.005
    assert np.mean(np.abs(red - blue) < 0.08) > 0.05
    along = imread(opened["out"] / "along.png")[..., :3]
    assert np.mean(along[..., 2] > along[..., 0] + 0.3) > 0.002
    assert np.mean(along[..., 0] > along[..., 2] + 0.2) > 0.002
