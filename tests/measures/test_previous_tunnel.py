"""A drilled channel is found in mask and CT whatever its width and direction; what is none is left alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.signs_phantom import HU_SCAR, bore, built, carved, painted, sound_hip, synthetic

from corecore.base.grid import Image, Mask
from corecore.hip.hip import Hip
from corecore.measures.signs.previous_tunnel import find_channel_in_image, find_channel_in_mask
from corecore.study.phantom.femur import Femur
from corecore.study.phantom.hip import HipRecipe

WAYS: list[dict[str, Any]] = [
    {},
    {"rise_deg": 8.0, "turn_deg": -6.0},
    {"rise_deg": -6.0, "turn_deg": 5.0, "offset": (3.0, -2.0)},
    {"reach": (-8.0, 30.0)},
]


def ct() -> tuple[Hip, Image]:
    image = synthetic("right", 1.0, True).ct
    assert image is not None
    return sound_hip("right", 1.0, True), image


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("diameter", [3.2, 8.0, 14.0])
@pytest.mark.parametrize("side", ["right", pytest.param("left", marks=pytest.mark.slow)])
def test_a_bore_in_the_mask_is_found_as_wide_as_it_is(side: Any, diameter: float, way: dict[str, Any]) -> None:
    made = synthetic(side)
    found = find_channel_in_mask(carved(bore(made.femur.grid, side, diameter, **way), side))
    assert found is not None
    assert found.width_mm == pytest.approx(diameter, abs=0.6)
    assert found.length_mm > 30.0
    assert found.warning.code == "previous_tunnel"
    # Its line: the bore's axis, in the femoral frame that the phantom was made in.
    neck = Femur(HipRecipe().shape).neck_axis
    direction = sound_hip(side).anatomy.femoral_from_local[:3, :3] @ found.direction
    lean = np.degrees(np.arccos(np.clip(direction @ neck, -1.0, 1.0)))
    assert lean == pytest.approx(np.hypot(way.get("rise_deg", 0.0), way.get("turn_deg", 0.0)), abs=3.0)


@pytest.mark.parametrize(
    ("what", "diameter", "way"),
    [
        ("a short hole", 8.0, {"reach": (0.0, 14.0)}),
        ("a pit from the surface", 8.0, {"reach": (45.0, 200.0)}),
        ("across the neck", 6.0, {"rise_deg": 80.0, "reach": (-30.0, 30.0)}),
        ("a cavity", 22.0, {"reach": (-15.0, 20.0)}),
        ("in the head alone", 6.0, {"reach": (-22.0, -8.0)}),
    ],
)
def test_other_holes_in_the_mask_are_no_tunnel(what: str, diameter: float, way: dict[str, Any]) -> None:
    made = synthetic()
    assert find_channel_in_mask(carved(bore(made.femur.grid, "right", diameter, **way))) is None, what


def test_a_sound_mask_has_no_tunnel_and_a_lesion_left_open_is_none() -> None:
    for side in ("right", "left"):
        assert find_channel_in_mask(sound_hip(side)) is None
    made = synthetic()
    assert find_channel_in_mask(carved(made.lesion.voxels)) is None


def test_a_drilled_hip_is_built_and_its_tunnel_found() -> None:
    """The whole way: cleaning fills the small hole of a pin, but the mask as given still shows it."""
    made = synthetic()
    hole = bore(made.femur.grid, "right", 3.2, reach=(-8.0, 32.0))
    hip = built(Mask(made.femur.grid, made.femur.voxels & ~hole), made.lesion)
    assert any(warning.code == "holes_filled" for warning in hip.warnings)
    found = find_channel_in_mask(hip)
    assert found is not None
    assert found.width_mm == pytest.approx(3.2, abs=0.6)


@pytest.mark.parametrize(
    "way",
    [
        WAYS[0],
        pytest.param(WAYS[1], marks=pytest.mark.slow),
        *(pytest.param(way, marks=pytest.mark.long) for way in WAYS[2:]),
    ],
)
@pytest.mark.parametrize(
    ("diameter", "value"),
    [(3.2, HU_SCAR), *(pytest.param(*one, marks=pytest.mark.slow) for one in ((8.0, HU_SCAR), (10.0, 700.0)))],
)
def test_a_cylinder_in_the_ct_is_found(diameter: float, value: float, way: dict[str, Any]) -> None:
    hip, image = ct()
    hole = bore(image.grid, "right", diameter, **way) & synthetic("right", 1.0, True).femur.voxels
    found = find_channel_in_image(hip, painted(image, hole, value))
    assert found is not None
    assert found.width_mm == pytest.approx(diameter, abs=1.6)
    assert found.contrast_hu is not None
    assert (found.contrast_hu > 0) == (value > 300.0)


@pytest.mark.parametrize(
    ("what", "diameter", "way"),
    [
        ("nothing", 0.0, {}),
        pytest.param("a cyst", 12.0, {"reach": (-6.0, 6.0)}, marks=pytest.mark.slow),
        ("a bent vessel", 3.2, {"bend_mm": 16.0}),
        pytest.param("a thin vessel", 1.2, {}, marks=pytest.mark.slow),
        pytest.param("across the neck", 6.0, {"rise_deg": 75.0, "reach": (-30.0, 30.0)}, marks=pytest.mark.slow),
        pytest.param("a cavity", 24.0, {"reach": (-15.0, 20.0)}, marks=pytest.mark.slow),
    ],
)
def test_other_places_of_low_density_are_no_tunnel(what: str, diameter: float, way: dict[str, Any]) -> None:
    hip, image = ct()
    hole = bore(image.grid, "right", diameter, **way) & synthetic("right", 1.0, True).femur.voxels
    assert find_channel_in_image(hip, painted(image, hole, HU_SCAR)) is None, what


def test_wards_triangle_has_no_wall() -> None:
    """A region along the neck that is 85 HU darker in its middle and fades into its surroundings over 8 mm."""
    hip, image = ct()
    dark = image.values.astype(np.float64)
    for diameter in np.arange(4.0, 21.0, 1.0):
        inside = bore(image.grid, "right", diameter, offset=(-3.0, 0.0), reach=(-6.0, 34.0))
        dark -= 5.0 * (inside & synthetic("right", 1.0, True).femur.voxels)
    assert find_channel_in_image(hip, Image(image.grid, dark.astype(np.float32))) is None
