"""What the scan shows: cuts through head and lesion of known area, files cropped to their lesion, thick slices."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.head_phantom import OBLIQUE, stepped

from corecore.base.distance_field import Bone, bone_from_voxels
from corecore.base.grid import BoolArray, FloatArray, Grid, Mask
from corecore.hip.anatomy.model import Anatomy
from corecore.hip.lesion import sampled
from corecore.hip.scan import ROUGH_MM, coarse_voxels, cut_by_scan, rough_surface, roughness_mm, thick_slices

R, SIZE = 20.0, 60
CENTER = np.array([30.2, 29.7, 30.4])
NECK = np.array([-0.6, 0.0, 0.8])
ANATOMY = Anatomy(
    "right", CENTER, R, CENTER - 28.0 * NECK, NECK, 500.0, CENTER, np.array([0.0, 0.0, 1.0]), np.array([1.0, 0.0, 0.0]),
    None, -44.0, None, np.array([-60.0, -30.0]), np.array([0.0, 3.0]), {},
)  # fmt: skip
PLACE = np.moveaxis(np.indices((SIZE,) * 3, dtype=float), 0, -1) - CENTER
FAR = np.linalg.norm(PLACE, axis=-1)
#: A head on a shaft that the last slice cuts, and a lesion under its top.
BONE: BoolArray = (FAR <= R) | ((np.hypot(PLACE[..., 0] - 8.0, PLACE[..., 1]) < 9.0) & (PLACE[..., 2] < 0.0))
LESION: BoolArray = np.linalg.norm(PLACE - np.array([0.0, 0.0, 10.0]), axis=-1) < 7.0


def codes(bone: BoolArray, lesion: BoolArray, drawn: Mask | None = None) -> dict[str, float]:
    """The warnings, each with its area, mm²."""
    grid = Grid(bone.shape, np.eye(4))
    surface: Bone = bone_from_voxels(bone, np.ones(3))
    found = cut_by_scan(surface, sampled(Mask(grid, lesion)), ANATOMY, drawn or Mask(grid, lesion))
    return {warning.code: float(warning.text.split(" mm²")[0].split("(")[1]) for warning in found}


def test_a_shaft_cut_by_the_last_slice_is_no_warning() -> None:
    assert codes(BONE, LESION) == {}


@pytest.mark.parametrize("above_mm", [12.0, 18.5])
def test_a_cut_through_the_head_is_told_with_its_area(above_mm: float) -> None:
    top = int(CENTER[2] + above_mm)
    half = top + 0.5 - CENTER[2]
    found = codes(BONE[:, :, : top + 1], LESION[:, :, : top + 1])
    assert found["head_cut_by_scan"] == pytest.approx(np.pi * (R**2 - half**2), rel=0.1)
    wanted = np.pi * (49.0 - (half - 10.0) ** 2)
    if wanted > 0.0:
        assert found["lesion_cut_by_scan"] == pytest.approx(wanted, rel=0.15)
    else:
        assert "lesion_cut_by_scan" not in found


def _box(low: FloatArray, high: FloatArray) -> Mask:
    grid = Grid((SIZE,) * 3, np.eye(4))
    return Mask(grid, LESION).cropped(low.astype(int), high.astype(int))


def test_the_lesions_own_file_may_cut_it() -> None:
    at = np.argwhere(LESION)
    low, high = at.min(axis=0), at.max(axis=0) + 1
    cut = _box(low - 3, np.array([high[0] + 3, high[1] + 3, high[2] - 5]))
    seen = LESION.copy()
    seen[:, :, high[2] - 5 :] = False
    assert set(codes(BONE, seen, cut)) == {"lesion_cut_by_scan"}
    # A file that holds just the lesion cuts nothing: of its slices the first and the last are small.
    assert codes(BONE, LESION, _box(low, high)) == {}
    # … unless one of them is wide: nothing ends so.
    assert set(codes(BONE, seen, _box(low, np.array([*high[:2], high[2] - 5])))) == {"lesion_cut_by_scan"}


def test_thick_slices_are_told() -> None:
    def stored(mm: float) -> Mask:
        return Mask(Grid((3, 3, 3), np.diag([1.0, 1.0, mm, 1.0])), np.ones((3, 3, 3), dtype=bool))

    assert thick_slices(stored(3.5), stored(3.0)) == []
    found = thick_slices(stored(1.0), stored(5.0))
    assert [warning.code for warning in found] == ["thick_slices"]
    assert "lesion's are 5.0 mm" in found[0].text
    assert "femur" not in found[0].text


@pytest.mark.parametrize(
    ("times", "mm", "told"), [(1, 1.0, False), (2, 0.9, False), (2, 1.0, True), (3, 1.0, True), (2, 1.5, True)]
)
def test_steps_of_slices_repeated_on_a_finer_grid_are_told(times: int, mm: float, told: bool) -> None:
    """Every third slice repeated thrice, as a nearest-neighbour resampling leaves it; each its own: nothing is said."""
    grid = Grid(BONE.shape, np.diag([1.0, 1.0, mm, 1.0]))

    def repeated(voxels: BoolArray) -> Mask:
        return Mask(grid, voxels[:, :, times * (np.arange(SIZE) // times)])

    found = thick_slices(repeated(BONE), repeated(LESION))
    assert bool(found) == told
    if told:
        assert f"steps of {times * mm:.1f} mm" in found[0].text
        assert "femur" in found[0].text
        assert "lesion" in found[0].text
    # On the other two axes as well, and of one mask alone.
    turned = [Mask(grid, np.moveaxis(repeated(voxels).voxels, 2, 0)) for voxels in (BONE, LESION)]
    assert not thick_slices(Mask(grid, BONE), Mask(grid, LESION))
    assert bool(thick_slices(*turned)) == (times >= 2)


def ball(mm: float, step_mm: float, across: FloatArray) -> tuple[Bone, Anatomy, Mask]:
    """A head of 22 mm on voxels of ``mm``, as resampled from slices of ``step_mm`` (0: drawn on the voxels)."""
    size = int(50.0 / mm)
    center = np.array([25.2, 24.7, 25.4])
    away = np.linalg.norm(np.moveaxis(np.indices((size,) * 3, dtype=float), 0, -1) * mm - center, axis=-1)
    voxels = away <= 22.0
    if step_mm:
        voxels = stepped(voxels, np.full(3, mm), step_mm, across)
    anatomy = replace(ANATOMY, head_center=center, head_radius_mm=22.0)
    return (
        bone_from_voxels(voxels, np.full(3, mm)),
        anatomy,
        Mask(Grid(voxels.shape, np.diag([mm, mm, mm, 1.0])), voxels),
    )


@pytest.mark.parametrize("across", [np.ones(3), OBLIQUE], ids=["diagonal", "oblique"])
def test_steps_at_an_angle_to_the_voxels_are_told_by_the_surface(across: FloatArray) -> None:
    """No two slices of such a mask are alike; the taller its steps, the rougher its head."""
    found = [roughness_mm(*ball(0.75, step, across)[:2]) for step in (0.0, 2.0, 3.0)]
    clean, low, high = (value or np.nan for value in found)
    assert clean < 0.6 * ROUGH_MM < ROUGH_MM < low < 0.6 * high
    assert [one.code for one in rough_surface(*ball(1.0, 3.0, across))] == ["rough_surface"]
    assert rough_surface(*ball(1.0, 0.0, across)) == []


def test_a_head_that_is_hardly_in_view_is_called_neither_rough_nor_smooth() -> None:
    assert roughness_mm(bone_from_voxels(FAR <= 0.5 * R, np.ones(3)), ANATOMY) is None


def test_voxels_too_coarse_to_show_a_leak_are_told() -> None:
    def stored(*mm: float) -> Mask:
        return Mask(Grid((3, 3, 3), np.diag([*mm, 1.0])), np.ones((3, 3, 3), dtype=bool))

    # Thick slices of small pixels hold as much as a cube of 1.3 mm.
    assert coarse_voxels(stored(2.0, 2.0, 2.0)) == coarse_voxels(stored(0.8, 0.8, 3.5)) == []
    (found,) = coarse_voxels(stored(2.5, 2.5, 4.0))
    assert found.code == "coarse_voxels"
    assert "voxels of 2.9 mm" in found.text
    assert "up to 6 mm" in found.text
