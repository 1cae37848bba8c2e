"""Metal is told from cortex, noise and contrast between scanners; what is no CT is not judged."""

from __future__ import annotations

import numpy as np
import pytest
from support.signs_phantom import bore, painted, sound_hip, synthetic

from corecore.base.grid import Image
from corecore.hip.hip import Hip
from corecore.hip.hounsfield import METAL_HU, why_not_hounsfield
from corecore.measures.signs.metal import find_metal
from corecore.study.phantom.hip import HipRecipe, make_hip


def ct() -> tuple[Hip, Image]:
    image = synthetic("right", 1.2, True).ct
    assert image is not None
    return sound_hip("right", 1.2, True), image


@pytest.mark.parametrize("clip", [None, 3071.0, 2300.0])
def test_a_pin_is_found_with_its_volume_and_distance(clip: float | None) -> None:
    hip, image = ct()
    pin = bore(image.grid, "right", 4.0, reach=(-10.0, 40.0))
    nailed = painted(image, pin, 8000.0)
    if clip:
        nailed = Image(nailed.grid, np.minimum(nailed.values, clip))
    found = find_metal(hip, nailed)
    assert found is not None
    assert found.volume_ml == pytest.approx(np.count_nonzero(pin) * image.grid.voxel_ml, rel=0.01)
    # The pin's end lies 15 mm down the neck.
    assert found.distance_mm == pytest.approx(15.0, abs=1.5)
    assert found.share_in_femur > 0.9
    assert found.warning.code == "metal"


@pytest.mark.parametrize("value", [1500.0, 1900.0, 2000.0])
def test_dense_cortex_is_no_metal(value: float) -> None:
    hip, image = ct()
    cortex = Image(image.grid, np.where(image.values > 900.0, value, image.values))
    assert np.count_nonzero(cortex.values == value) > 1000
    assert find_metal(hip, cortex) is None


def test_cortex_clipped_at_its_own_height_is_no_metal() -> None:
    hip, image = ct()
    assert find_metal(hip, Image(image.grid, np.minimum(image.values, 1100.0))) is None


def test_single_hot_voxels_are_no_metal() -> None:
    hip, image = ct()
    hot = np.zeros(image.grid.shape, dtype=bool)
    hot[::12, ::12, ::12] = True
    assert find_metal(hip, painted(image, hot, 3071.0)) is None


def test_metal_far_away_is_not_near() -> None:
    hip, image = ct()
    far = np.zeros(image.grid.shape, dtype=bool)
    far[5:9, 5:9, 5:9] = True
    # The image is moved 200 mm to the side, as the other hip would lie.
    matrix = image.grid.world_from_index.copy()
    matrix[0, 3] -= 200.0
    moved = Image(type(image.grid)(image.grid.shape, matrix), painted(image, far, METAL_HU + 1).values)
    assert find_metal(hip, moved) is None


def test_only_a_ct_in_hounsfield_units_is_read() -> None:
    hip, image = ct()
    assert why_not_hounsfield(hip, image) is None
    assert "not a CT" in str(why_not_hounsfield(hip, Image(image.grid, image.values + 1024.0)))
    assert why_not_hounsfield(hip, Image(image.grid, -image.values)) is not None
    assert why_not_hounsfield(hip, Image(image.grid, np.full_like(image.values, -50.0))) is not None
    assert "not Hounsfield" in str(why_not_hounsfield(hip, Image(image.grid, image.values * 4.0)))
    matrix = image.grid.world_from_index.copy()
    matrix[:3, 3] += 500.0
    assert "too little" in str(why_not_hounsfield(hip, Image(type(image.grid)(image.grid.shape, matrix), image.values)))


def test_an_mr_image_is_not_read_as_ct() -> None:
    made = make_hip(HipRecipe(mr=True, spacing_mm=(1.5, 1.5, 1.5), mr_spacing_mm=(1.5, 1.5, 1.5), shaft_below_mm=45.0))
    assert made.mr is not None
    assert why_not_hounsfield(sound_hip(), made.mr) is not None
