"""Lesions too thin for a smooth outline: layers of one voxel, one slice, lines, against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from support.head_phantom import RADIUS, SIZE, ball_hip, femoral, figures, with_lesion

from corecore.base.grid import Grid, Mask
from corecore.base.mesh import surface_mesh
from corecore.base.spec import Spec
from corecore.hip.hip import Hip
from corecore.hip.lesion import Lesion, outline_of, sampled
from corecore.measures.model import measure
from corecore.measures.weight_bearing import POLES

GAIT = np.array(POLES["gait"]) / np.linalg.norm(POLES["gait"])


@pytest.fixture(scope="module")
def head(sample_hip: Hip) -> Hip:
    return ball_hip(sample_hip, 4)


def layer(hip: Hip, deepest: int, half_angle_deg: float = 30.0) -> np.ndarray:
    """Voxels of a cone about the pole that lie ``deepest`` voxels' steps below the bone's surface."""
    depth = ndimage.distance_transform_cdt(hip.bone_mask.voxels, "chessboard")
    place = femoral(hip)
    cosine = place @ GAIT / np.maximum(np.linalg.norm(place, axis=-1), 1e-9)
    return np.asarray((depth == deepest) & (cosine >= np.cos(np.radians(half_angle_deg))))


@pytest.mark.parametrize("deepest", [1, 2])
def test_a_crescent_of_one_voxel_lies_under_the_whole_of_its_cap(head: Hip, deepest: int) -> None:
    found = figures(with_lesion(head, layer(head, deepest)), Spec()).weight_bearing["gait"]
    share = (1 - np.cos(np.radians(30.0))) / (1 - np.cos(np.radians(55.0)))
    assert found.surface_fraction == pytest.approx(share, abs=0.02)
    assert found.volume_fraction == pytest.approx(1.0, abs=0.01)
    assert found.depth_mm == pytest.approx(deepest - 1, abs=0.7)


def test_below_the_subchondral_depth_a_thin_layer_is_under_no_surface(head: Hip) -> None:
    found = figures(with_lesion(head, layer(head, 9)), Spec()).weight_bearing["gait"]
    assert found.surface_fraction == 0.0


def test_a_layer_is_as_thick_as_its_voxels_and_vanishes_inward(head: Hip) -> None:
    """One slice of voxels: half a voxel inward leaves nothing; outward it grows as a box does."""
    place = np.moveaxis(np.indices((SIZE,) * 3, dtype=float), 0, -1) - head.anatomy.head_center
    slice_ = (np.rint(place[..., 2]) == 5) & (np.abs(place[..., 0]) <= 10.0) & (np.abs(place[..., 1]) <= 10.0)
    hip = with_lesion(head, slice_)
    outline = outline_of(hip.lesion, hip.bone)
    assert outline.thickness_mm == pytest.approx(1.0, abs=0.03)
    assert len(outline.moved(-0.5).points_mm) == 0
    still = outline.moved(0.0).volume_ml
    assert still == pytest.approx(hip.lesion.volume_ml, rel=0.05)
    a, b = (np.ptp(np.argwhere(slice_)[:, axis]) + 1.0 for axis in (0, 1))
    # Steiner's formula for a box grown by 1 mm; distances from voxel to voxel are up to 0.2 mm too long at its edges.
    grown = a * b + 2 * (a * b + a + b) + np.pi * (a + b + 1) + 4 / 3 * np.pi
    assert outline.moved(1.0).volume_ml == pytest.approx(grown / 1000, rel=0.08)
    found = measure(hip, Spec())
    written = found.as_dict()
    assert written["repeatability"]["figures"]["volume_ml"]["half_voxel"][0] is None
    assert written["repeatability"]["figures"]["volume_ml"]["half_voxel"][1] > 0.0
    assert written["head_fraction_half_voxel"][0] == 0.0
    assert {"repeatability.half_voxel.inward", "repeatability.one_mm.inward"} <= set(written["missing"])
    told = {warning.code: warning.text for warning in found.warnings}
    assert "at most 1.0 mm thick" in told["lesion_thin"]


def test_a_thick_lesion_is_no_thin_one(head: Hip) -> None:
    found = measure(with_lesion(head, np.linalg.norm(femoral(head), axis=-1) <= 6.0), Spec())
    assert "lesion_thin" not in {warning.code for warning in found.warnings}
    assert not [path for path in found.as_dict()["missing"] if path.startswith("repeatability")]
    assert found.repeatability.thickness_mm == pytest.approx(12.0, abs=2.0)


def test_a_thick_body_keeps_its_smooth_outline(head: Hip) -> None:
    """Of a ball and of a cube no voxel counts as too thin, though their corners lie outside the half level."""
    ball = with_lesion(head, np.linalg.norm(femoral(head), axis=-1) <= 6.0).lesion
    assert not ball.thin.voxels.any()
    cube = np.zeros((12, 12, 12), dtype=bool)
    cube[3:9, 3:9, 3:9] = True
    lesion = sampled(Mask(Grid((12, 12, 12), np.eye(4)), cube))
    assert not lesion.thin.voxels.any()
    assert not lesion.covers(np.array([[3.0, 3.0, 3.0]]) - 0.4)[0]


def _one(voxels: np.ndarray) -> Lesion:
    return sampled(Mask(Grid((voxels.shape[0], voxels.shape[1], voxels.shape[2]), np.eye(4)), voxels))


def test_a_thin_part_of_a_thick_lesion_counts_too() -> None:
    """A ball with a line of voxels: the line is covered, the background beside it is not."""
    index = np.moveaxis(np.indices((30, 15, 15)), 0, -1)
    voxels = np.linalg.norm(index - [7, 7, 7], axis=-1) <= 5.0
    voxels[7:27, 7, 7] = True
    lesion = _one(voxels)
    line = np.stack([np.arange(15.0, 27.0), np.full(12, 7.0), np.full(12, 7.0)], axis=1)
    assert lesion.covers(line).all()
    assert not lesion.covers(line + np.array([0.0, 0.6, 0.0])).any()


@pytest.mark.parametrize("shape", [(1, 1, 1), (9, 1, 1), (9, 9, 1), (9, 9, 2)])
def test_a_thin_lesion_has_a_surface_to_draw(shape: tuple[int, int, int]) -> None:
    """Its volume within a third, as edges are rounded by a third of a voxel."""
    voxels = np.zeros(tuple(n + 6 for n in shape), dtype=bool)
    voxels[3 : 3 + shape[0], 3 : 3 + shape[1], 3 : 3 + shape[2]] = True
    drawn = _one(voxels).drawn
    mesh = surface_mesh(drawn.voxels, drawn.grid.spacing_mm)
    placed = mesh.points_mm + drawn.grid.world_from_index[:3, 3]
    middle = 3 + (np.array(shape) - 1) / 2
    assert 0.5 * (placed.min(axis=0) + placed.max(axis=0)) == pytest.approx(middle, abs=0.02)
    assert np.ptp(placed, axis=0) == pytest.approx(np.array(shape, dtype=float), abs=0.35)


def test_rays_of_the_head_reach_its_radius(head: Hip) -> None:
    """The layer on the surface itself is the outermost that the bone has."""
    assert layer(head, 1).sum() > 0
    outermost = np.linalg.norm(femoral(head)[layer(head, 1)], axis=-1)
    assert outermost.min() > RADIUS - 2.5
