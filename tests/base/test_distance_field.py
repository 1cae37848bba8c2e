"""The bone surface against closed forms: bias, RMS and worst error at random offsets and orientations."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import ndimage
from support.head_phantom import stepped

from corecore.base.distance_field import Bone, bone_from_voxels
from corecore.study.phantom.solids import SolidOnGrid, ball, cylinder, half_space

#: What the distance must reach, in voxels (contract §5).
BIAS, RMS, WORST = 0.1, 0.25, 0.75
TRIES = 10
SHAPES: dict[str, Callable[[np.random.Generator], SolidOnGrid]] = {
    "half space": lambda rng: half_space(30.0, 1.0, rng),
    "ball": lambda rng: ball(22.0, 1.0, rng),
    "cylinder": lambda rng: cylinder(12.0, 36.0, 1.0, rng),
}


def errors(solid: SolidOnGrid, distance: np.ndarray) -> np.ndarray:
    """Error of a distance field 1 to 8 voxels deep, in voxels, away from the grid's edge and from sharp rims."""
    index = np.indices(solid.mask.grid.shape).reshape(3, -1).T
    spacing = solid.mask.grid.spacing_mm
    points = index @ solid.mask.grid.world_from_index[:3, :3].T + solid.mask.grid.world_from_index[:3, 3]
    truth = solid.level_mm(points)
    from_edge = np.minimum(index, np.array(solid.mask.grid.shape) - 1 - index).min(axis=1)
    along = np.abs((points - solid.center_mm) @ solid.axis)
    # A flat end's rim is sharper than a bone ever is; the wall beside it is what counts.
    rim = (along > 18.0 - 4.0) if solid.volume_ml is not None and abs(solid.volume_ml - 16.286) < 0.01 else along < 0
    deep = (truth >= 1.0) & (truth <= 8.0) & (from_edge * spacing.min() > truth + 2.0) & ~rim
    return np.asarray((distance.ravel()[deep] - truth[deep]) / spacing.min())


@pytest.mark.parametrize("name", SHAPES)
def test_distance_has_no_half_voxel_bias(name: str) -> None:
    worst_bias = worst_rms = worst = 0.0
    for seed in range(TRIES):
        solid = SHAPES[name](np.random.default_rng(seed))
        bone = bone_from_voxels(solid.mask.voxels, solid.mask.grid.spacing_mm, open_faces=np.zeros((3, 2), dtype=bool))
        error = errors(solid, bone.distance_mm)
        assert len(error) > 1000
        worst_bias = max(worst_bias, abs(float(error.mean())))
        worst_rms = max(worst_rms, float(np.sqrt(np.mean(error**2))))
        worst = max(worst, float(np.abs(error).max()))
    assert worst_bias <= BIAS
    assert worst_rms <= RMS
    assert worst <= WORST


@pytest.mark.parametrize("name", SHAPES)
def test_a_distance_transform_less_half_a_voxel_fails(name: str) -> None:
    bias = []
    for seed in range(TRIES // 5):
        solid = SHAPES[name](np.random.default_rng(seed))
        error = errors(solid, ndimage.distance_transform_edt(solid.mask.voxels) - 0.5)
        bias.append(abs(float(error.mean())))
    assert max(bias) > BIAS


def test_thin_voxels_are_measured_in_millimetres() -> None:
    for seed in range(5):
        solid = ball(20.0, (0.7, 0.7, 1.0), np.random.default_rng(seed))
        bone = bone_from_voxels(solid.mask.voxels, solid.mask.grid.spacing_mm, open_faces=np.zeros((3, 2), dtype=bool))
        error = errors(solid, bone.distance_mm)
        assert abs(float(error.mean())) <= BIAS
        assert float(np.sqrt(np.mean(error**2))) <= RMS


def rod(*, open_ends: bool) -> Bone:
    """A rod of radius 10 mm along z that runs through the whole array, 60 mm long."""
    x, y = np.meshgrid(np.arange(31) - 15.0, np.arange(31) - 15.0, indexing="ij")
    voxels = np.repeat((np.hypot(x, y) <= 10.0)[:, :, None], 60, axis=2)
    faces = np.zeros((3, 2), dtype=bool)
    faces[2] = open_ends
    return bone_from_voxels(voxels, np.ones(3), open_faces=faces)


def test_the_edge_of_the_scan_is_a_wall_for_clearances_and_nothing_for_normals() -> None:
    bone = rod(open_ends=True)
    # Half a voxel beyond the last centre the field of view ends.
    assert np.allclose(bone.distance([[15.0, 15.0, 2.0], [15.0, 15.0, 57.0]]), 2.5, atol=1e-3)
    assert np.abs(bone.surface_normals[:, 2]).max() < 0.05
    assert set(np.unique(bone.cut_points_mm[:, 2])) == {-0.5, 59.5}
    assert bone.distance_to_cut([[15.0, 15.0, 9.5]])[0] == pytest.approx(10.0)


def test_an_edge_that_is_not_the_scans_is_no_wall() -> None:
    bone = rod(open_ends=False)
    assert bone.distance([[15.0, 15.0, 2.0]])[0] > 9.0
    assert len(bone.cut_points_mm) == 0
    assert np.isinf(bone.distance_to_cut([[0.0, 0.0, 0.0]])[0])


def test_mouth_normals_of_a_ball_point_outward() -> None:
    solid = ball(24.0, 0.8, np.random.default_rng(3))
    bone = bone_from_voxels(solid.mask.voxels, solid.mask.grid.spacing_mm, open_faces=np.zeros((3, 2), dtype=bool))
    radial = np.random.default_rng(4).standard_normal((200, 3))
    radial /= np.linalg.norm(radial, axis=1, keepdims=True)
    center = solid.center_mm - solid.mask.grid.world_from_index[:3, 3]
    normal = bone.mouth_normal(center + 24.0 * radial)
    angle = np.degrees(np.arccos(np.clip(np.einsum("ij,ij->i", normal, radial), -1, 1)))
    assert angle.max() < 2.0
    assert np.sqrt(np.mean(angle**2)) < 0.7


@pytest.mark.parametrize("fill", [False, True])
def test_no_surface_without_bone_and_background(fill: bool) -> None:
    with pytest.raises(ValueError, match="both bone and background"):
        bone_from_voxels(np.full((5, 5, 5), fill), np.ones(3))


def test_the_distance_is_as_smooth_as_a_distance_is() -> None:
    """1-Lipschitz between neighbours, up to the error allowed to the surface."""
    solid = cylinder(12.0, 36.0, 1.0, np.random.default_rng(8))
    d = bone_from_voxels(solid.mask.voxels, np.ones(3), open_faces=np.zeros((3, 2), dtype=bool)).distance_mm
    for axis in range(3):
        inside = (np.take(d, range(d.shape[axis] - 1), axis) > 0) & (np.take(d, range(1, d.shape[axis]), axis) > 0)
        assert np.abs(np.diff(d, axis=axis))[inside].max() < 1.3


def with_pits(voxels: np.ndarray, rng: np.random.Generator, count: int = 60) -> np.ndarray:
    """A mask with pits one or two voxels wide and one to three deep, from its surface inward along an axis."""
    result = voxels.copy()
    shell = np.argwhere(voxels & ~ndimage.binary_erosion(voxels))
    for at in shell[rng.choice(len(shell), count, replace=False)]:
        axis = int(rng.integers(3))
        step = np.eye(3, dtype=int)[axis]
        inward = step if voxels[tuple(np.clip(at + 4 * step, 0, np.array(voxels.shape) - 1))] else -step
        wide = rng.integers(1, 3, 3)
        wide[axis] = 1
        for deep in range(int(rng.integers(1, 4))):
            low = np.clip(at + deep * inward, 0, None)
            result[tuple(slice(a, a + b) for a, b in zip(low, wide, strict=True))] = False
    return np.asarray(ndimage.binary_fill_holes(result))


def beyond_the_mask(voxels: np.ndarray, distance: np.ndarray) -> float:
    """By how many voxels a distance exceeds that to the nearest centre of a voxel that is no bone, at the most."""
    to_centre = ndimage.distance_transform_edt(voxels)
    deep = (distance > 0.5) & (to_centre <= 12.0)
    return float((distance - to_centre)[deep].max())


@pytest.mark.parametrize("seed", range(4))
def test_no_depth_exceeds_what_a_pit_one_voxel_wide_allows(seed: int) -> None:
    """The smooth surface closes such pits, and a margin kept to it ends in one."""
    rng = np.random.default_rng(seed)
    solid = ball(22.0, 1.0, rng) if seed % 2 else cylinder(12.0, 36.0, 1.0, rng)
    rough, closed = with_pits(solid.mask.voxels, rng), np.zeros((3, 2), dtype=bool)
    smooth = bone_from_voxels(rough, np.ones(3), open_faces=closed)
    bone = bone_from_voxels(rough, np.ones(3), open_faces=closed, pits=True)
    assert beyond_the_mask(rough, smooth.distance_mm) > 0.8
    assert beyond_the_mask(rough, bone.distance_mm) < 0.45
    assert np.all(bone.distance_mm <= smooth.distance_mm)
    assert len(bone.pits_mm) > 0
    # One and the same number everywhere: as steady as a distance is, a voxel on changes it by a voxel at the most.
    inner = bone.distance_mm[bone.distance_mm.shape[0] // 2]
    assert np.abs(np.diff(inner, axis=0)[(inner[:-1] > 0.5) & (inner[:-1] < 12.0)]).max() < 1.2


@pytest.mark.parametrize("name", SHAPES)
def test_a_clean_mask_has_no_pits_and_the_same_field(name: str) -> None:
    for seed in range(3):
        solid = SHAPES[name](np.random.default_rng(seed))
        closed, voxels = np.zeros((3, 2), dtype=bool), solid.mask.voxels
        bone = bone_from_voxels(voxels, np.ones(3), open_faces=closed, pits=True)
        smooth = bone_from_voxels(voxels, np.ones(3), open_faces=closed)
        error = errors(solid, bone.distance_mm)
        assert np.abs(error).max() <= WORST
        assert abs(float(error.mean())) <= BIAS
        away = errors(solid, smooth.distance_mm) - error
        assert float(np.percentile(away, 99.0)) == 0.0


@pytest.mark.parametrize("step_mm", [3.0, 4.0])
def test_thick_stairs_lend_no_depth(step_mm: float) -> None:
    solid, closed = ball(22.0, 1.0, np.random.default_rng(5)), np.zeros((3, 2), dtype=bool)
    for across in (np.array([0.0, 0.0, 1.0]), np.array([1.0, 2.0, 3.0])):
        stairs = stepped(solid.mask.voxels, np.ones(3), step_mm, across)
        bone = bone_from_voxels(stairs, np.ones(3), open_faces=closed, pits=True)
        assert beyond_the_mask(stairs, bone.distance_mm) < 0.45
