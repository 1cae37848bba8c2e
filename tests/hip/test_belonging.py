"""Inputs that do not belong together are refused or told; those that only look so pass."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from corecore.base.errors import InputError
from corecore.base.grid import Grid, Mask, transform
from corecore.base.origin import Origin, Patient
from corecore.hip.belonging import (
    NamedSide,
    Part,
    check_side,
    check_together,
    form_gap_mm,
    side_to_pick,
    sides_named,
)
from corecore.io.nifti import origin_of
from corecore.io.references import read_image, read_mask

SHAPE = (6, 8, 10)
#: The middle of the mask, world mm.
MIDDLE = np.array([80.0, 120.0, -800.0])


def mask(origin: Origin, *, oblique: bool = True) -> Mask:
    """A whole block of voxels of 2 x 1.5 x 1 mm, turned by 30 degrees about z where it is oblique."""
    matrix = np.diag([2.0, 1.5, 1.0, 1.0])
    if oblique:
        matrix[:3, :3] = turn(30.0)[:3, :3] @ matrix[:3, :3]
    matrix[:3, 3] = MIDDLE - matrix[:3, :3] @ (np.array(SHAPE) - 1) / 2.0
    return Mask(Grid(SHAPE, matrix), np.ones(SHAPE, dtype=bool), origin)


def turn(degrees: float) -> np.ndarray:
    angle = np.radians(degrees)
    matrix = np.eye(4)
    matrix[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return matrix


def part(role: str, name: str = "", chosen_by: str = "", **told: object) -> Part:
    return Part(role, Path(name or f"{role}.nii.gz"), mask(Origin(**told)), chosen_by)  # type: ignore[arg-type]


def code_of(*parts: Part, moved: tuple[str, ...] = ()) -> str | None:
    try:
        check_together(parts, parts[0].read, moved=moved)  # type: ignore[arg-type]
    except InputError as error:
        return error.code
    return None


@pytest.mark.parametrize(
    ("one", "other", "two"),
    [
        (Patient("P1"), Patient("P2"), True),
        (Patient("P1", "Doe^Jane"), Patient("P1", "DOE^JANE^^"), False),
        (Patient("P1", "Doe^Jane"), Patient("P1", "Doe-Roe^Jane"), False),
        (Patient("P1", "Doe^Jane"), Patient("", "Roe^Jane"), True),
        (Patient("P1", "Doe^Jane"), Patient("", "doe jane"), False),
        (Patient("ANON", born="19700101"), Patient("ANON", born="19700102"), True),
        (Patient("P1"), Patient(), False),
        (Patient(), Patient(), False),
    ],
)
def test_two_patients_are_refused_and_one_passes(one: Patient, other: Patient, two: bool) -> None:
    for first, second in ((one, other), (other, one)):
        found = code_of(part("femur", patient=first), part("lesion", patient=second))
        assert found == ("patients-differ" if two else None)
        assert code_of(part("femur"), part("lesion", patient=first), part("image", patient=second)) == found


def test_an_error_and_a_warning_tell_no_patient_and_no_frame() -> None:
    parts = [part(r, patient=Patient(f"SECRET-{r}"), frame=f"9.9.{n}") for n, r in enumerate(("femur", "lesion"))]
    with pytest.raises(InputError, match="two patients") as caught:
        check_together(parts, parts[0].read)  # type: ignore[arg-type]
    assert "SECRET" not in str(caught.value)
    assert "9.9." not in str(caught.value)
    assert "SECRET" not in repr(parts)


def test_two_frames_need_a_transform() -> None:
    femur, image = part("femur", frame="1.2"), part("image", frame="1.2")
    lesion, drawn = part("lesion", frame="1.3"), part("lesion_image", frame="1.3")
    moved = ("lesion", "lesion_image")
    assert code_of(femur, image) is None
    assert code_of(femur, lesion) == "frames-differ"
    assert code_of(femur, lesion, moved=moved) is None
    assert code_of(femur, image, lesion, drawn, moved=moved) is None
    # A transform of the lesion brings no other mask along, and does not say where its own image lies.
    assert code_of(femur, part("pelvis", frame="1.3"), lesion, moved=moved) == "frames-differ"
    assert code_of(femur, lesion, part("lesion_image", frame="1.4"), moved=moved) == "frames-differ"
    # Files without a frame say nothing; those that name one still do.
    assert code_of(part("femur"), lesion) is None
    assert code_of(part("femur"), lesion, image) == "frames-differ"


def test_the_gap_of_two_forms_is_that_of_the_farthest_corner() -> None:
    block = mask(Origin())
    sform = block.grid.world_from_index
    shift = np.eye(4)
    shift[:3, 3] = [3.0, 0.0, -4.0]
    assert form_gap_mm(shift @ sform, sform, block) == pytest.approx(5.0)
    # A turn about the vertical axis through the middle moves a corner by the chord of its circle.
    about = np.eye(4)
    about[:3, 3] = MIDDLE
    turned = about @ turn(2.0) @ np.linalg.inv(about)
    radius = 0.5 * np.hypot(SHAPE[0] * 2.0, SHAPE[1] * 1.5)
    assert form_gap_mm(turned @ sform, sform, block) == pytest.approx(2.0 * radius * np.sin(np.radians(1.0)))
    # By brute force: nothing in the block lies farther apart.
    inside = transform(sform, np.random.default_rng(3).uniform(-0.5, np.array(SHAPE) - 0.5, (2000, 3)))
    apart = np.linalg.norm(transform(turned, inside) - inside, axis=1)
    assert apart.max() <= form_gap_mm(turned @ sform, sform, block)


def test_forms_are_told_from_a_tenth_of_a_millimetre_on_and_refused_across_a_mirror() -> None:
    block = mask(Origin())
    sform = block.grid.world_from_index
    for gap, told in ((0.03, False), (0.099, False), (0.101, True), (5.0, True)):
        moved = sform.copy()
        moved[2, 3] += gap
        found = check_together([part("femur", qform_world_from_index=moved, sform_world_from_index=sform)], block)
        assert [one.code for one in found] == ["forms_differ"] * told
        assert all(f"femur ({gap:.1f} mm)" in one.text for one in found)
    for axis in range(3):
        flip = np.eye(4)
        flip[axis, axis] = -1.0
        lying = part("lesion", qform_world_from_index=flip @ sform, sform_world_from_index=sform)
        assert code_of(part("femur"), lying) == "forms-contradict"


def test_a_lesion_from_another_scan_is_measured_over_itself() -> None:
    """A turn about the femur's middle moves what lies far from it; the lesion's own place counts."""
    away = np.eye(4)
    away[0, 3] = 500.0
    lesion = mask(Origin())
    far = Mask(lesion.grid.moved(away), lesion.voxels)
    about = np.eye(4)
    about[:3, 3] = MIDDLE
    qform = about @ turn(0.2) @ np.linalg.inv(about) @ far.grid.world_from_index
    told = Origin(qform_world_from_index=qform, sform_world_from_index=far.grid.world_from_index)
    one = Part("lesion", Path("l.nii.gz"), replace(far, origin=told))
    near, moved = (check_together([one], mask(Origin()), moved=roles) for roles in ((), ("lesion",)))
    assert not near
    assert "1.8 mm" in moved[0].text


@pytest.mark.parametrize("coded", ["both", "sform", "qform"])
def test_a_nifti_header_tells_both_its_places(tmp_path: Path, coded: str) -> None:
    sform = mask(Origin(), oblique=False).grid.world_from_index
    qform = sform.copy()
    qform[0, 3] += 5.0
    image = nib.Nifti1Image(np.ones(SHAPE, dtype=np.uint8), sform)
    image.set_sform(sform, code=1 if coded != "qform" else 0)
    image.set_qform(qform, code=1 if coded != "sform" else 0)
    nib.save(image, tmp_path / "a.nii.gz")
    found = origin_of(tmp_path / "a.nii.gz")
    if coded != "both":
        assert found.qform_world_from_index is None
        return
    assert found.qform_world_from_index is not None
    assert np.allclose(found.qform_world_from_index, qform, atol=1e-4)
    assert read_mask(str(tmp_path / "a.nii.gz")).origin.sform_world_from_index is not None


def named(*parts: Part) -> list[tuple[str, str, str, bool]]:
    return [(one.role, one.level, one.side, one.chose) for one in sides_named(parts)]


def test_names_tell_the_side_in_words_of_their_own() -> None:
    assert named(part("femur", "FEMUR-left.nii.gz"), part("lesion")) == [("femur", "file", "left", False)]
    assert named(
        part("femur", words=("femur_right", "Femur")), part("lesion", words=("", "Left necrosis", "right"))
    ) == [("femur", "label", "right", False)]
    assert named(part("femur", "s.nrrd", "femurLeft", words=("femurLeft",))) == [("femur", "label", "left", True)]
    # A folder's label that is one of its files.
    assert named(part("femur", "femur_left.nii.gz", "femur_left")) == [("femur", "label", "left", True),
                                                                      ("femur", "file", "left", False)]  # fmt: skip
    assert not named(part("femur", "bright_leftover.nii.gz"), part("lesion", "left_and_right.nii.gz"))
    assert not named(part("pelvis", "hip_left.nii.gz"), part("image", "left.nii.gz"))


def test_two_names_that_contradict_each_other_are_refused() -> None:
    for first, second in (
        (part("femur", "femur_left.nii.gz"), part("lesion", "lesion_right.nii.gz")),
        (part("femur", words=("femur_left",)), part("lesion", words=("lesion_right",))),
    ):
        with pytest.raises(InputError, match=r"says left and .* says right"):
            sides_named([first, second])
    # A file of both hips may be named after one of them.
    assert len(sides_named([part("femur", "left.nii.gz", words=("femur_right",)), part("lesion")])) == 2


def test_a_name_that_chose_the_label_states_the_side_and_another_only_helps() -> None:
    chose = NamedSide("femur", "label", "left", True, "femur_left")
    seen = replace(chose, chose=False)
    assert side_to_pick([chose], "auto") == ("left", "left", "femur_left")
    assert side_to_pick([seen], "auto") == ("left", None, "")
    assert side_to_pick([], "auto") == (None, None, "")
    assert side_to_pick([seen], "right") == ("right", "right", "--side")
    with pytest.raises(InputError, match="says left, but --side right"):
        side_to_pick([chose], "right")
    assert check_side([chose, seen], "left") == ()
    (told,) = check_side([seen], "right")
    assert told.code == "side_name"
    assert "femur_left" not in told.text
    with pytest.raises(InputError, match="check left and right"):
        check_side([chose], "right")


def test_every_kind_of_dicom_tells_frame_and_patient(tmp_path: Path) -> None:
    """A series, a segmentation on it, and contours, each region of which has its own frame."""
    files = pytest.importorskip("support.format_files")
    pydicom = pytest.importorskip("pydicom")
    values = np.zeros((12, 12, 8), dtype=np.uint8)
    values[2:9, 2:9, 2:6], values[4:6, 4:6, 3:5] = 1, 2
    series = files.dicom_series(tmp_path / "ct", values.astype(np.int16), np.eye(4))
    frame = series[0].FrameOfReferenceUID
    seg = files.dicom_seg(tmp_path / "ct" / "seg.dcm", values, series)
    contours = files.rtstruct(tmp_path / "ct" / "rt.dcm", {"bone": values == 1, "dead": values == 2}, np.eye(4), series)
    dataset = pydicom.dcmread(contours)
    dataset.StructureSetROISequence[1].ReferencedFrameOfReferenceUID = "1.2.3"
    dataset.PatientID = "P9"
    # Beside their series such contours are refused; elsewhere they are filled on the grid of an image.
    contours = tmp_path / "rt.dcm"
    dataset.save_as(contours, enforce_file_format=True)
    seen = read_image(tmp_path / "ct")
    image = seen.origin
    assert (image.frame, image.patient.number) == (frame, "P1")
    found = [
        read_mask(f"{path}:{label}", seen.grid).origin
        for path, label in ((seg, 1), (contours, "bone"), (contours, "dead"))
    ]
    assert [one.frame for one in found] == [frame, frame, "1.2.3"]
    assert [one.patient.number for one in found] == ["P1", "P9", "P9"]
    assert found[2].words[0] == "dead"
