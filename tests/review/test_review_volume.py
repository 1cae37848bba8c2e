"""The volume that the browser cuts: its voxels are the image's and the masks', at their places."""

from __future__ import annotations

import struct
from dataclasses import replace

import msgspec
import numpy as np
import numpy.typing as npt
import pytest
from scipy import ndimage

from corecore.base.grid import Grid, Image, transform
from corecore.hip.hip import Hip
from corecore.io.references import read_image
from corecore.review import volume
from corecore.review.case_messages import VolumeHeader
from corecore.review.volume import BONE, volume_of
from corecore.study.samples import DEMO_CT, sample


def parsed(data: bytes) -> tuple[VolumeHeader, npt.NDArray[np.float64], npt.NDArray[np.uint8]]:
    """Header, image and bits, as the page takes them apart."""
    (length,) = struct.unpack("<I", data[:4])
    header = msgspec.json.decode(data[4 : 4 + length], type=VolumeHeader)
    count = int(np.prod(header.shape))
    assert len(data) == 4 + length + 3 * count
    image = np.frombuffer(data, "<f2", count, 4 + length).reshape(header.shape, order="F").astype(np.float64)
    return header, image, np.frombuffer(data, np.uint8, count, 4 + length + 2 * count).reshape(header.shape, order="F")


@pytest.fixture(scope="module")
def with_ct(sample_hip: Hip) -> Hip:
    return replace(sample_hip, case=replace(sample_hip.case, image=read_image(sample(DEMO_CT))))


def looked_up(header: VolumeHeader, points: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Voxels about world points (N, 3), by the header alone."""
    return np.rint(transform(np.reshape(header.index_from_world, (4, 4)), points)).astype(int)


def _held(header: VolumeHeader, index: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Which voxels the volume has."""
    return np.asarray(np.all((index >= 0) & (index < header.shape), axis=1))


@pytest.mark.parametrize("turn_deg", [0.0, 17.0])
def test_image_and_masks_lie_where_they_were(with_ct: Hip, turn_deg: float) -> None:
    case = with_ct.case
    image = case.image
    assert image is not None
    if turn_deg:
        # An oblique grid over the same patient: values looked up at its own voxels.
        turn, angle = np.eye(4), np.radians(turn_deg)
        turn[:3, :3] = [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
        middle = np.eye(4)
        middle[:3, 3] = case.femur.positions_mm().mean(axis=0)
        oblique = middle @ turn @ np.linalg.inv(middle) @ image.grid.world_from_index
        back = image.grid.index_from_world @ oblique
        values = ndimage.affine_transform(
            image.values, back[:3, :3], back[:3, 3], output_shape=image.grid.shape, order=1
        )
        image = Image(Grid(image.grid.shape, oblique), values)
    hip = replace(with_ct, case=replace(case, image=image))
    header, values, bits = parsed(volume_of(hip))
    inside, bone = case.lesion.positions_mm(), case.femur.positions_mm()
    inside, bone = (points[_held(header, looked_up(header, points))] for points in (inside, bone))
    assert len(inside) > 0.8 * len(case.lesion.positions_mm())
    index = looked_up(header, inside)
    # On an oblique grid a voxel's middle may lie just outside.
    assert np.mean(bits[tuple(index.T)] & 2 > 0) > (0.85 if turn_deg else 0.99)
    assert np.mean(bits[tuple(looked_up(header, bone).T)] & 1 > 0) > (0.85 if turn_deg else 0.99)
    given = image.values[tuple(np.rint(transform(image.grid.index_from_world, inside)).astype(int).T)]
    assert np.allclose(values[tuple(index.T)], given, rtol=1e-3, atol=0.6)
    assert np.allclose(header.start, case.lesion.positions_mm().mean(axis=0), atol=0.01)
    assert np.all(np.array(header.low) < inside.min(axis=0))
    assert np.all(np.array(header.high) > inside.max(axis=0))


def test_a_ct_has_windows_of_bone_and_soft_tissue_and_other_images_their_own(with_ct: Hip, sample_hip: Hip) -> None:
    header = parsed(volume_of(with_ct))[0]
    assert [one.name for one in header.presets] == ["bone", "soft tissue", "whole range"]
    assert (header.presets[0].low, header.presets[0].high) == BONE
    assert [one.name for one in header.masks] == ["femur", "necrosis"]
    case = with_ct.case
    assert case.image is not None
    brighter = replace(with_ct, case=replace(case, image=Image(case.image.grid, case.image.values + 2000.0)))
    told = parsed(volume_of(brighter))[0].presets
    assert [one.name for one in told] == ["MR, brighter", "whole range"]
    assert all(one.low < one.high for one in told)
    bare = replace(sample_hip, case=replace(sample_hip.case, image=None))
    header, values, bits = parsed(volume_of(bare))
    assert [one.name for one in header.presets] == ["mask"]
    assert np.array_equal(values > 50.0, bits & 1 > 0)


def test_long_axes_are_thinned_out_and_stay_in_place(with_ct: Hip, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(volume, "MOST", 60)
    header, _, bits = parsed(volume_of(with_ct))
    assert max(header.shape) <= 60
    inside = with_ct.case.lesion.positions_mm()
    assert np.mean(bits[tuple(looked_up(header, inside).T)] & 2 > 0) > 0.75
