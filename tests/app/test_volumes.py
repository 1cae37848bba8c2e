"""Volumes in memory are read by the rules for files: the same hip, the same plan, the same refusals."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import numpy.typing as npt
import pytest
import SimpleITK as sitk  # noqa: N813  (its own custom)
from support.message_kit import CT, SAMPLE
from support.shared import shared

import corecore as cc
from corecore.document.content import content_of
from corecore.io.volume import Volume

LABELS = {"femur": 1, "lesion": 2}
Array = npt.NDArray[Any]


def sample() -> tuple[Array, Array]:
    image = nib.load(SAMPLE)
    return np.asarray(image.dataobj), image.affine.copy()


def nifti(values: Array, affine: Array) -> Any:
    return nib.Nifti1Image(values, affine)


def itk(values: Array, affine: Array) -> sitk.Image:
    """The volume as ITK has it: LPS, x first."""
    image = sitk.GetImageFromArray(np.ascontiguousarray(values.T))
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((lps[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin(lps[:3, 3].tolist())
    return image


def same_hip(one: cc.Hip, other: cc.Hip) -> bool:
    """Whether two hips are the same to the last bit: masks, their places, and all that was fitted to them."""
    masks = ((one.femur, other.femur), (one.lesion, other.lesion))
    return one.id == other.id and one.to_dict()["anatomy"] == other.to_dict()["anatomy"] and all(
        np.array_equal(a.voxels, b.voxels) and np.array_equal(a.grid.world_from_index, b.grid.world_from_index)
        for a, b in masks
    )  # fmt: skip


def oblique() -> Array:
    """The sample's affine turned about two axes; its numbers are none of single precision."""
    affine = sample()[1]
    about_z, about_x = np.radians(17.0), np.radians(-11.0)
    turn_z = np.array([[np.cos(about_z), -np.sin(about_z), 0], [np.sin(about_z), np.cos(about_z), 0], [0, 0, 1]])
    turn_x = np.array([[1, 0, 0], [0, np.cos(about_x), -np.sin(about_x)], [0, np.sin(about_x), np.cos(about_x)]])
    turn = np.eye(4)
    turn[:3, :3] = turn_z @ turn_x
    return np.asarray(turn @ affine)


@pytest.fixture(autouse=True)
def _made_once() -> Any:
    with shared.in_package():
        yield


def test_the_same_hip_by_path_by_image_and_by_array() -> None:
    values, affine = sample()
    by_path = cc.load(f"{SAMPLE}:1", f"{SAMPLE}:2", image=CT, case_id="sample")
    ways = [
        cc.load(SAMPLE, labels=LABELS, image=CT, case_id="sample"),
        cc.load(nib.load(SAMPLE), labels=LABELS, image=nib.load(CT), case_id="sample"),
        cc.load(values, labels=LABELS, affine=affine, image=nib.load(CT), case_id="sample"),
        cc.load(
            np.ascontiguousarray(values), values.astype(np.int64), labels={"femur": "1", "lesion": 2},
            affine={"femur": affine, "lesion": affine.tolist()}, image=CT, case_id="sample",
        ),
        cc.load(sitk.ReadImage(str(SAMPLE)), labels=LABELS, image=sitk.ReadImage(str(CT)), case_id="sample"),
    ]  # fmt: skip
    seen = by_path._inner.case.image
    assert seen is not None
    for hip in ways:
        image = hip._inner.case.image
        assert image is not None
        assert np.array_equal(image.values, seen.values)
        assert np.array_equal(image.grid.world_from_index, seen.grid.world_from_index)
    # A map given twice is one map, of whatever type: the bone is its labels' union.
    assert all(hip._inner.case.label_map for hip in ways)
    assert all(same_hip(by_path, hip) for hip in ways)


@pytest.mark.slow
def test_an_oblique_affine_is_held_as_a_file_holds_it(tmp_path: Path) -> None:
    values, affine = sample()[0], oblique()
    nib.save(nifti(values, affine), tmp_path / "seg.nii")
    by_path = cc.load(tmp_path / "seg.nii", labels=LABELS)
    assert not np.array_equal(by_path.femur.grid.world_from_index[:3, :3], affine[:3, :3])
    for given in (values, nifti(values, affine), itk(values, affine)):
        # Only arrays take it; an image has its own.
        assert same_hip(by_path, cc.load(given, labels=LABELS, affine=affine)), type(given)
    # Its anatomy is the sample's, turned along: what is handed out is the patient's world.
    upright = cc.load(SAMPLE, labels=LABELS).anatomy
    turn = affine @ np.linalg.inv(sample()[1])
    assert np.allclose(by_path.anatomy.head_center, (turn @ [*upright.head_center, 1.0])[:3], atol=0.05)
    assert np.allclose(by_path.anatomy.shaft_axis, turn[:3, :3] @ upright.shaft_axis, atol=2e-3)


@pytest.mark.slow
def test_the_same_plan_and_a_record_that_can_be_verified(tmp_path: Path) -> None:
    values, affine = sample()
    plans = [
        cc.plan(hip)
        for hip in (
            cc.load(f"{SAMPLE}:1", f"{SAMPLE}:2"),
            cc.load(values, labels=LABELS, affine=affine),
            cc.load(nib.load(SAMPLE), labels=LABELS),
            cc.load(sitk.ReadImage(str(SAMPLE)), labels=LABELS),
        )
    ]
    for plan in plans[1:]:
        for one, other in zip(plan.tunnels, plans[0].tunnels, strict=True):
            assert np.array_equal(one.entry, other.entry)
            assert np.array_equal(one.tip, other.tip)
            assert one.figures == other.figures
        assert plan.totals == plans[0].totals
        assert plan.warnings == plans[0].warnings
    by_path, by_array = (content_of(plan.document) for plan in plans[:2])
    for told in (by_path, by_array):
        del told["created"], told["timings"]
    given = by_array["case"].pop("inputs")
    del by_path["case"]["inputs"]
    assert by_array == by_path
    assert {(one["role"], one["path"], one["given"]) for one in given} == {
        ("femur", None, "array"),
        ("lesion", None, "array"),
    }
    saved = plans[1].save(tmp_path / "plan", pictures=False)
    inputs = json.loads(saved.read_text())["case"]["inputs"]
    assert [one["original_sha256"] for one in inputs] == [Volume.of("femur", values, affine).sha256] * 2
    assert all((saved.parent / one["path"]).is_file() for one in inputs)
    result = cc.verify(saved)
    assert result.agrees
    assert any("given in memory" in text and "femur (array)" in text for text in result.messages)
    opened = cc.open_plan(saved)
    assert same_hip(opened.hip, plans[1].hip)
    assert np.allclose(opened.tunnels[0].entry, plans[1].tunnels[0].entry, atol=1e-5)
    # A plan's content alone names nothing that could be read again.
    alone = tmp_path / "plan.json"
    alone.write_text(json.dumps(plans[1].to_dict()))
    with pytest.raises(cc.InputError, match="femur was given in memory"):
        cc.verify(alone)


def soft(values: Array) -> Array:
    """A slope from 0 to 1 across the bone's box."""
    return (values > 0) * np.linspace(0.1, 1.0, values.shape[0])[:, None, None]


def holed(values: Array) -> Array:
    """Every other slice of the shaft left out."""
    spoilt = values.copy()
    spoilt[:, :, 4:60:2] = 0
    return spoilt


#: What is wrong with a map or its place, in every way that a file can say it.
SPOILT: dict[str, Callable[[Array, Array], tuple[Array, Array]]] = {
    "empty": lambda v, a: (v * 0, a),
    "grey": lambda v, a: (soft(v), a),
    "not finite": lambda v, a: (np.where(v > 0, np.nan, 0.0).astype(np.float32), a),
    "negative": lambda v, a: (v - 0.5, a),
    "two dimensions": lambda v, a: (v[:, :, 40], a),
    "sheared": lambda v, a: (v, a + 0.2 * np.eye(4)[[1, 0, 2, 3]] * (np.arange(4) < 1)),
    "metres": lambda v, a: (v, a @ np.diag([1e-3, 1e-3, 1e-3, 1.0])),
    "far away": lambda v, a: (v, a + 1e6 * np.eye(4)[3][None] * np.array([[1, 0, 0, 0]]).T),
    "no such label": lambda v, a: ((v > 0).astype(np.uint8), a),
    "slices missing": lambda v, a: (holed(v), a),
    "a speck": lambda v, a: (np.where(np.cumsum(v.ravel() == 2).reshape(v.shape) > 3, np.minimum(v, 1), v), a),
}  # fmt: skip


@pytest.mark.parametrize("name", SPOILT)
def test_what_is_refused_in_a_file_is_refused_in_memory(name: str, tmp_path: Path) -> None:
    values, affine = SPOILT[name](*sample())
    nib.save(nifti(values, affine), tmp_path / "seg.nii")
    with pytest.raises(cc.CorecoreError) as by_path:
        cc.load(tmp_path / "seg.nii", labels=LABELS)
    assert by_path.value.code
    for given in (nib.load(tmp_path / "seg.nii"), values):
        with pytest.raises(cc.CorecoreError) as in_memory:
            cc.load(given, labels=LABELS, affine=affine)
        assert in_memory.value.code == by_path.value.code
        assert "\n" not in str(in_memory.value)
        assert str(tmp_path) not in str(in_memory.value)


def test_what_a_header_in_memory_says_is_asked_too() -> None:
    values, affine = sample()
    mirrored = nifti(values, affine)
    mirrored.set_qform(np.diag([-1.0, 1.0, 1.0, 1.0]) @ affine, code=1)
    nowhere = nifti(values, affine)
    nowhere.header["sform_code"] = nowhere.header["qform_code"] = 0
    metres = nifti(values, affine)
    metres.header.set_xyzt_units("meter")
    for image, code in ((mirrored, "forms-contradict"), (nowhere, "affine-invalid"), (metres, "unit-not-mm")):
        with pytest.raises(cc.InputError) as caught:
            cc.load(image, labels=LABELS)
        assert caught.value.code == code
    with pytest.raises(cc.InputError, match="does not say where its voxels lie"):
        cc.load(nib.AnalyzeImage(values.astype(np.int16), affine), labels=LABELS)
    named = nifti(values, affine)
    table = b'<LabelTable><Label Key="1">femur_right</Label><Label Key="2">dead</Label></LabelTable>'
    named.header.extensions.append(nib.nifti1.Nifti1Extension(0, table))
    assert Volume.of("femur", named).segmentation().find("femur_right").number == 1


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({}, "lesion: not given"),
        ({"labels": {"femur": 1}}, "lesion: not given"),
        ({"labels": LABELS}, "affine=, 4 x 4"),
        ({"labels": LABELS, "affine": np.eye(3)}, "finite 4 x 4"),
        ({"labels": LABELS, "affine": "here"}, "finite 4 x 4"),
        ({"labels": {**LABELS, "ilium": 3}}, "'ilium'; one of femur"),
        ({"labels": LABELS, "affine": {"bone": np.eye(4)}}, "'bone'; one of femur"),
        ({"labels": {"femur": 0, "lesion": 2}}, "femur 0; a whole number"),
        ({"labels": {"femur": True, "lesion": 2}}, "femur True; a whole number"),
        ({"labels": {"femur": 1.0, "lesion": 2}}, "femur 1.0; a whole number"),
        ({"labels": {**LABELS, "knee": 1}, "affine": np.eye(4)}, "no knee was given"),
        ({"labels": {"femur": 1, "lesion": 1}, "affine": np.eye(4)}, "the same mask; name two labels as labels="),
        ({"lesion": 7, "labels": LABELS, "affine": np.eye(4)}, "a volume of shape"),
        ({"lesion": {}, "labels": LABELS, "affine": np.eye(4)}, "lesion: a dict; a path, a nibabel image"),
        ({"lesion": f"{SAMPLE}:2", "labels": LABELS, "affine": np.eye(4)}, "one of the two is accepted"),
    ],
)
def test_what_cannot_be_named_is_told_in_one_line(options: dict[str, Any], match: str) -> None:
    with pytest.raises(cc.InputError, match=match) as caught:
        cc.load(sample()[0], **options)
    assert "\n" not in str(caught.value)


def test_a_label_left_out_and_a_grey_mask_are_told_in_words_of_python() -> None:
    values, affine = sample()
    with pytest.raises(cc.InputError, match=r"labels 1, 2\); name one as labels=\{ROLE: LABEL\}"):
        cc.load(values, values == 2, affine=affine)
    with pytest.raises(cc.InputError, match=r"or a threshold: labels=\{ROLE: '>0.5'\}"):
        cc.load(soft(values), values == 2, affine=affine)
    grey = Volume.of("lesion", 0.9 * (values == 2) + 0.1, affine).segmentation()
    assert np.array_equal(grey.pick(">0.5").voxels, values == 2)
    assert [remark.code for remark in grey.remarks] == ["mask_thresholded"]


def test_the_callers_array_may_change_and_a_header_may_scale() -> None:
    values, affine = sample()
    image = np.asarray(nib.load(CT).dataobj, dtype=np.float32)
    hip = cc.load(values, labels=LABELS, affine={"femur": affine, "lesion": affine, "image": affine}, image=image)
    before = hip.femur.voxels.copy(), hip._inner.case.image
    assert before[1] is not None
    kept = before[1].values.copy()
    values[:], affine[:], image[:] = 0, 0.0, 0.0
    assert np.array_equal(hip.femur.voxels, before[0])
    assert np.array_equal(before[1].values, kept)
    # 4-D with one volume is a volume; scaling is the header's own.
    told = nifti((sample()[0][..., None] * 3).astype(np.int16), sample()[1])
    told.header.set_slope_inter(1.0 / 3.0, 0.0)
    stored = nib.Nifti1Image.from_bytes(told.to_bytes())
    volume = Volume.of("femur", stored)
    assert volume.grid.shape == sample()[0].shape
    assert [segment.number for segment in volume.segmentation().segments] == [1, 2]


def test_a_fingerprint_is_of_voxels_type_and_place() -> None:
    values, affine = sample()
    own = Volume.of("femur", values, affine).sha256
    assert Volume.of("lesion", np.ascontiguousarray(values), affine.tolist()).sha256 == own
    assert Volume.of("femur", nib.load(SAMPLE)).sha256 == own
    moved, touched = affine.copy(), values.copy()
    moved[0, 3] += 0.01
    touched[0, 0, 0] = 1
    others = [Volume.of("femur", values, moved), Volume.of("femur", touched, affine)]
    others.append(Volume.of("femur", values.astype(np.int16), affine))
    assert own not in {one.sha256 for one in others}
