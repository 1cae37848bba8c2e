"""Bone along a tunnel's axis: ramps and shells of closed form, and both roads on a written plan."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from support.export_phantom import World, make_world, on_bone, write_by_hand
from support.shared import shared

from corecore.base.grid import FloatArray, Grid, Image, Mask
from corecore.document.stated import read_stated
from corecore.hip.case import load_case
from corecore.hip.hip import Hip
from corecore.io.nifti import write_image
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.path_bone import ct_of, path_bone
from corecore.verification.cylinder import bore_of
from corecore.verification.hip import load_hip
from corecore.verification.path_bone import path_bone_checks

#: Of the painted bones, HU.
AROUND_HU, CORTEX_HU, MARROW_HU = -80.0, 1100.0, 60.0


@lru_cache(maxsize=1)
def world() -> World:
    return make_world()


def tunnel_of(hip: Hip) -> Tunnel:
    return on_bone(hip, world().ends[0], 10.0)


def grid_about(hip: Hip, spacing_mm: float) -> Grid:
    """A grid in world RAS mm, oblique to the bone's own, that holds the femur."""
    points = hip.to_world(hip.bone.surface_points_mm)
    low, high = points.min(axis=0) - 12.0, points.max(axis=0) + 12.0
    size = np.ceil((high - low) / spacing_mm).astype(int) + 1
    affine = np.diag([spacing_mm, spacing_mm, spacing_mm, 1.0])
    affine[:3, 3] = low
    return Grid((int(size[0]), int(size[1]), int(size[2])), affine)


def image_of(hip: Hip, spacing_mm: float, cortex_mm: float) -> Image:
    """A bone whose cortex is so thick everywhere, each voxel as much of it as its middle's depth says."""
    grid = grid_about(hip, spacing_mm)
    index = np.indices(grid.shape).reshape(3, -1).T
    depth = hip.bone.distance(hip.to_local(index @ grid.world_from_index[:3, :3].T + grid.world_from_index[:3, 3]))
    outer = np.clip(depth / spacing_mm + 0.5, 0.0, 1.0)
    inner = np.clip((depth - cortex_mm) / spacing_mm + 0.5, 0.0, 1.0)
    values = AROUND_HU + (CORTEX_HU - AROUND_HU) * outer - (CORTEX_HU - MARROW_HU) * inner
    return Image(grid, values.reshape(grid.shape).astype(np.float32))


def ramp(hip: Hip, slope: FloatArray, at_zero: float) -> Image:
    grid = grid_about(hip, 2.0)
    index = np.indices(grid.shape).reshape(3, -1).T
    places = index @ grid.world_from_index[:3, :3].T + grid.world_from_index[:3, 3]
    return Image(grid, (at_zero + places @ slope).reshape(grid.shape).astype(np.float32))


def test_on_a_linear_ramp_each_stretch_has_its_ends_and_their_mean() -> None:
    hip = world().hip
    tunnel = tunnel_of(hip)
    slope = np.array([3.0, -7.0, 11.0])
    found = path_bone(hip, tunnel, ramp(hip, slope, 40.0))
    entry, tip = hip.to_world(tunnel.entry), hip.to_world(tunnel.tip)
    length = tunnel.length_mm

    def at(mm: float) -> float:
        return float(40.0 + (entry + mm / length * (tip - entry)) @ slope)

    assert found.whole is not None
    assert len(found.stretches) == int(np.ceil(length / 5.0))
    for one in (found.whole, *found.stretches):
        ends = sorted((at(one.from_mm), at(one.to_mm)))
        # Linear between voxels is linear on a ramp; what differs is single precision.
        assert (one.least_hu, one.greatest_hu) == pytest.approx(ends, abs=0.01)
        assert one.mean_hu == pytest.approx(0.5 * sum(ends), abs=0.01)
    assert [one.from_mm for one in found.stretches] == pytest.approx([5.0 * k for k in range(len(found.stretches))])
    assert found.stretches[-1].to_mm == pytest.approx(length)


def test_an_axis_that_the_image_does_not_show_has_no_density() -> None:
    hip = world().hip
    whole = ramp(hip, np.array([1.0, 0, 0]), 0.0)
    part = Image(
        replace(whole.grid, shape=(whole.grid.shape[0] // 2, *whole.grid.shape[1:])),
        whole.values[: whole.grid.shape[0] // 2],
    )
    assert path_bone(hip, tunnel_of(hip), part).whole is None
    assert path_bone(hip, tunnel_of(hip), None).whole is None


@pytest.mark.parametrize("cortex_mm", [2.5, 4.0, 6.5])
def test_a_shell_painted_on_a_ct_has_its_thickness(cortex_mm: float) -> None:
    hip = world().hip
    found = path_bone(hip, tunnel_of(hip), image_of(hip, 0.8, cortex_mm))
    assert found.entry_cortex_from == "ct"
    assert found.entry_cortex_mm == pytest.approx(cortex_mm, abs=0.2)


def test_a_shell_thinner_than_its_voxels_is_told_as_no_thicker() -> None:
    hip = world().hip
    found = path_bone(hip, tunnel_of(hip), image_of(hip, 2.0, 1.0))
    assert found.entry_cortex_from == "ct_at_most"
    assert found.entry_cortex_mm is not None
    assert 1.0 <= found.entry_cortex_mm < 3.0


@pytest.mark.parametrize("shell_mm", [3.0, 5.0])
def test_a_mask_that_leaves_the_marrow_out_has_its_shell(shell_mm: float) -> None:
    hip = world().hip
    grid = grid_about(hip, 0.8)
    index = np.indices(grid.shape).reshape(3, -1).T
    depth = hip.bone.distance(hip.to_local(index @ grid.world_from_index[:3, :3].T + grid.world_from_index[:3, 3]))
    shell = Mask(grid, ((depth > 0.0) & (depth < shell_mm)).reshape(grid.shape))
    hollow = replace(hip, case=replace(hip.case, original_femur=shell))
    found = path_bone(hollow, tunnel_of(hip), None)
    assert found.entry_cortex_from == "mask"
    assert found.entry_cortex_mm == pytest.approx(shell_mm, abs=0.3)


def test_a_solid_mask_without_a_ct_tells_no_cortex() -> None:
    found = path_bone(world().hip, tunnel_of(world().hip), None)
    assert (found.entry_cortex_mm, found.entry_cortex_from) == (None, "none")
    # Nor does an image in which nothing stands out.
    flat = path_bone(world().hip, tunnel_of(world().hip), ramp(world().hip, np.zeros(3), 100.0))
    assert (flat.entry_cortex_mm, flat.entry_cortex_from) == (None, "none")


def test_a_written_plan_has_it_and_verify_reads_it_again(tmp_path: Path) -> None:
    made = world()
    write_image(tmp_path / "ct.nii.gz", image_of(made.hip, 1.0, 4.0))
    given = made.hip.case.landmarks
    case = load_case(f"{made.path}:1", f"{made.path}:2", case_id="ph 1", landmarks=given, image=tmp_path / "ct.nii.gz")
    hip = shared.build_hip(case)
    assert ct_of(hip) is not None
    content = write_by_hand(hip, [on_bone(hip, made.ends[0], 10.0)], tmp_path / "plan")
    told = content["tunnels"][0]["path_bone"]
    assert told["entry_cortex_from"] == "ct"
    assert told["entry_cortex_mm"] == pytest.approx(4.0, abs=0.3)
    assert told["density"]["greatest_hu"] <= CORTEX_HU
    plan = read_stated(tmp_path / "plan" / "plan.json")
    second, bores = load_hip(plan), [bore_of(tunnel) for tunnel in plan.tunnels]

    def refused(change: object, *keys: str | int) -> list[str]:
        edited = json.loads(json.dumps(content))
        part = edited["tunnels"][0]["path_bone"]
        for key in keys[:-1]:
            part = part[key]
        part[keys[-1]] = change
        (tmp_path / "plan" / "plan.json").write_text(json.dumps(edited))
        stated = read_stated(tmp_path / "plan" / "plan.json")
        return [check.name for check in path_bone_checks(stated, second, bores) if not check.ok]

    checks = path_bone_checks(plan, second, bores)
    # Three figures of the whole, the number of stretches, five figures of each, the cortex and where it is read.
    assert len(checks) == 3 + 1 + 5 * len(told["density"]["stretches"]) + 2
    assert not [check for check in checks if not check.ok]
    where = "tunnels[0].path_bone"
    assert refused(told["density"]["mean_hu"] + 5.0, "density", "mean_hu") == [f"{where}.density.mean_hu"]
    assert refused(900.0, "density", "stretches", 2, "greatest_hu") == [f"{where}.density.stretches[2].greatest_hu"]
    assert refused(told["entry_cortex_mm"] + 1.5, "entry_cortex_mm") == [f"{where}.entry_cortex_mm"]
    assert refused("ct_at_most", "entry_cortex_from") == [f"{where}.entry_cortex_from"]
