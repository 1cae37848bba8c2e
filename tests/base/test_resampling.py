"""Thick slices: volume and outline of the interpolated solid against the closed form."""

from __future__ import annotations

import numpy as np
import pytest

from corecore.base.grid import transform
from corecore.base.resampling import near_isotropic
from corecore.study.phantom.solids import ball, cylinder


@pytest.mark.parametrize("thick", [(0.8, 0.8, 3.2), (3.0, 0.75, 0.75), (1.0, 2.0, 1.0)])
def test_volume_and_outline_of_a_ball_survive(thick: tuple[float, float, float]) -> None:
    shares = []
    for seed in range(8):
        solid = ball(22.0, thick, np.random.default_rng(seed))
        fine = near_isotropic(solid.mask)
        spacing = fine.grid.spacing_mm
        assert spacing.max() <= 1.5 * spacing.min()
        assert solid.volume_ml is not None
        shares.append(fine.volume_ml / solid.volume_ml)
        edge = np.argwhere(fine.voxels ^ np.roll(fine.voxels, 1, axis=int(np.argmax(thick))))
        off = solid.level_mm(transform(fine.grid.world_from_index, edge))
        # Stairs of repeated slices would reach half a slice.
        assert np.percentile(np.abs(off), 95) < 0.5 * min(thick) + 0.2 * max(thick)
    assert abs(np.mean(shares) - 1.0) < 0.02


def test_nearly_isotropic_masks_are_left_alone() -> None:
    solid = cylinder(8.0, 20.0, (0.8, 0.8, 1.0), np.random.default_rng(1))
    assert near_isotropic(solid.mask) is solid.mask


def test_every_fine_slice_through_a_coarse_one_keeps_its_place() -> None:
    solid = ball(20.0, (1.0, 1.0, 3.0), np.random.default_rng(2))
    fine = near_isotropic(solid.mask)
    # The middle of three fine slices lies at the coarse slice's place, with its outline.
    z = solid.mask.grid.shape[2] // 2
    assert np.array_equal(fine.voxels[:, :, 3 * z + 1], solid.mask.voxels[:, :, z])
    here = transform(fine.grid.world_from_index, [3.0, 4.0, 3.0 * z + 1])
    assert np.allclose(here, transform(solid.mask.grid.world_from_index, [3.0, 4.0, z]))
