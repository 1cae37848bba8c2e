"""Grey values where a mask is expected: which are recognised, which are labels, and what a threshold takes."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from corecore.base.errors import InputError
from corecore.io.grey import Threshold, is_grey
from corecore.io.references import MaskReference, read_mask, read_segmentation

SHAPE = (36, 32, 30)


def ball(radius: float = 9.0) -> np.ndarray:
    index = np.indices(SHAPE).transpose(1, 2, 3, 0)
    return np.asarray(np.linalg.norm(index - [17.3, 15.1, 14.6], axis=-1) < radius)


def soft(sigma: float = 1.0) -> np.ndarray:
    return np.asarray(ndimage.gaussian_filter(ball().astype(float), sigma))


def organs(count: int, seed: int = 0) -> np.ndarray:
    """A map of that many labels: each voxel that of the nearest of as many points."""
    rng = np.random.default_rng(seed)
    points = np.zeros(SHAPE, dtype=np.uint16)
    points[tuple(rng.integers(0, SHAPE, (count, 3)).T)] = np.arange(1, count + 1)
    nearest = ndimage.distance_transform_edt(points == 0, return_distances=False, return_indices=True)
    return np.asarray(points[tuple(nearest)])


def grey(values: np.ndarray) -> bool:
    return is_grey(values, np.unique(values[values != 0]))


def saved(folder: Path, values: np.ndarray, slope: float | None = None) -> Path:
    image = nib.Nifti1Image(values, np.eye(4))
    image.header.set_xyzt_units("mm")
    data = bytearray(image.to_bytes())
    if slope is not None:
        data[112:116] = np.float32(slope).tobytes()
        data[116:120] = np.float32(0).tobytes()
    path = folder / "mask.nii"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("largest", [100, 255, 1000, 65535])
@pytest.mark.parametrize("sigma", [0.5, 1.0, 2.0])
def test_probabilities_as_whole_numbers_are_grey(largest: int, sigma: float) -> None:
    values = np.rint(soft(sigma) * largest).astype(np.uint16)
    assert grey(values)
    # So they are with a plateau at either end, and stored the other way round in memory.
    values[values > 0.9 * largest] = largest
    assert grey(np.asfortranarray(values))


def test_a_mask_sampled_anew_is_grey() -> None:
    box = np.zeros((12, 12, 12))
    box[3:9, 2:10, 4:9] = 1.0
    assert grey(np.rint(ndimage.zoom(box, 3, order=1) * 255).astype(np.uint8))
    assert grey(np.rint(ndimage.uniform_filter(box, 3) * 255).astype(np.uint8))


def test_a_small_soft_mask_in_a_large_volume_is_grey() -> None:
    large = np.zeros((300, 300, 200), dtype=np.uint8, order="F")
    large[150:186, 20:52, 100:130] = np.rint(soft() * 255)
    assert grey(large)


@pytest.mark.parametrize("count", [3, 20, 60, 117, 300])
def test_a_map_of_many_labels_is_none(count: int) -> None:
    values = organs(count)
    assert not grey(values)
    # Nor is one of thin parts, of parts with background between, or of sparse and large numbers.
    thin = values.copy()
    thin[::3] = 0
    assert not grey(thin)
    apart = np.where(ndimage.maximum_filter(values, 3) == ndimage.minimum_filter(values, 3), values, 0)
    if np.count_nonzero(apart):
        assert not grey(apart)
    assert not grey(values.astype(np.int32) * 37 + 1000)


def test_small_numbers_one_level_and_a_few_voxels_are_labels() -> None:
    assert not grey(np.rint(soft() * 10).astype(np.uint8))
    assert not grey(ball().astype(np.uint8) * 255)
    assert not grey(np.where(ball(5.0), 255, np.where(ball(8.0), 128, 0)).astype(np.uint8))
    few = np.zeros(SHAPE, dtype=np.uint8)
    few[4, 4, 4:9] = [40, 90, 150, 200, 255]
    assert not grey(few)


@pytest.mark.parametrize("label", ["", ":255", ":128"])
def test_grey_bytes_are_refused_whatever_label_is_named(tmp_path: Path, label: str) -> None:
    path = saved(tmp_path, np.rint(soft() * 255).astype(np.uint8))
    with pytest.raises(InputError, match=r'up to 255\).*"mask.nii:>0.5" .* or "mask.nii:>=128"') as caught:
        read_mask(f"{path}{label}")
    assert caught.value.code == "mask-not-binary"


def test_the_refusal_names_values_and_scaling(tmp_path: Path) -> None:
    path = saved(tmp_path, np.rint(soft() * 100).astype(np.uint8), slope=0.01)
    with pytest.raises(
        InputError, match=r"\(0, 0\.01, .* and \d+ more, up to 1; stored as uint8, scl_slope 0\.01, scl"
    ):
        read_mask(f"{path}:1")


def test_a_slope_that_rounds_is_no_grey_value(tmp_path: Path) -> None:
    path = saved(tmp_path, ball().astype(np.uint8) * 255, slope=1.0 / 255.0)
    assert np.array_equal(read_mask(f"{path}:1").voxels, ball())


def test_an_image_is_no_soft_mask(tmp_path: Path) -> None:
    path = saved(tmp_path, (soft() * 300.5 - 100.2).astype(np.float32))
    with pytest.raises(InputError, match="partly negative") as caught:
        read_mask(f"{path}:1")
    assert caught.value.code == "values-not-whole"


@pytest.mark.parametrize(
    ("label", "taken"),
    [
        (">0.5", lambda v: v > 127.5), ("> .25", lambda v: v > 63.75), (">0", lambda v: v > 0),
        (">=128", lambda v: v >= 128), (">=200.5", lambda v: v >= 200.5), (">=255", lambda v: v >= 255),
    ],
)  # fmt: skip
def test_a_threshold_takes_what_it_says(tmp_path: Path, label: str, taken: object) -> None:
    values = np.rint(soft() * 255).astype(np.uint8)
    values[17, 15, 14] = 255
    reference = MaskReference.parse(f"{saved(tmp_path, values)}:{label}")
    parts = read_segmentation(reference.path)
    mask = parts.pick(reference.label)
    assert np.array_equal(mask.voxels, taken(values))  # type: ignore[operator]
    (remark,) = parts.remarks
    assert remark.code == "mask_thresholded"
    assert f"{mask.volume_ml:.2f} ml" in remark.text
    assert label in remark.text


def test_the_remark_says_how_much_hangs_on_the_threshold(tmp_path: Path) -> None:
    values = np.rint(soft() * 1000).astype(np.float32) / 999.5
    parts = read_segmentation(saved(tmp_path, values))
    parts.pick(">0.5")
    largest = float(values.max())
    lower, higher = ((values > share * largest).sum() / 1000 for share in (0.4, 0.6))
    assert f"10 % of the largest value lower {lower:.2f} ml, higher {higher:.2f} ml" in parts.remarks[0].text


@pytest.mark.parametrize("label", [">1", ">1.0", ">=0", ">0.5.5", ">x", "<0.5"])
def test_a_threshold_that_makes_no_sense_is_refused(tmp_path: Path, label: str) -> None:
    path = saved(tmp_path, ball().astype(np.uint8))
    with pytest.raises(InputError) as caught:
        read_mask(f"{path}:{label}")
    assert caught.value.code == "label-unknown"


def test_labels_of_a_map_are_not_thresholded(tmp_path: Path) -> None:
    path = saved(tmp_path, ball().astype(np.uint8) + ball(4.0))
    with pytest.raises(InputError, match=r"label >0\.5 is not in the file"):
        read_mask(f"{path}:>0.5")
    assert Threshold.parse("femur") is None
    assert Threshold.parse(1) is None


def test_a_threshold_that_nothing_reaches_is_an_empty_mask(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no voxel passes >=300; the largest value is 255") as caught:
        read_mask(f"{saved(tmp_path, ball().astype(np.uint8) * 255)}:>=300")
    assert caught.value.code == "mask-empty"
