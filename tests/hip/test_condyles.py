"""The posterior condylar line of a block of slices through the knee, and what is no knee of this femur."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from support.anatomy_bones import Posed, Stick, degrees_between, posed

import corecore as cc
from corecore.base.errors import InputError
from corecore.base.grid import BoolArray, FloatArray, Grid, Mask
from corecore.base.origin import Origin, Patient
from corecore.exports.workflow import open_hip
from corecore.hip.anatomy.condyles import Piece, condylar_axis, knee_axis, knee_pieces
from corecore.hip.anatomy.frame import possible_frames
from corecore.hip.anatomy.model import Landmarks
from corecore.hip.anatomy.shaft import Shaft
from corecore.hip.belonging import Part, check_together, sides_named
from corecore.hip.case import read_case
from corecore.hip.hip import Hip
from corecore.hip.inputs import HipInputs
from corecore.planning.open_plan import open_plan
from corecore.study.samples import sample
from corecore.verification.condyles import condylar_check
from corecore.verification.frame import Frame
from corecore.verification.report import Check

#: A ball of 20 mm radius on either side, 25 mm from the shaft's axis; their centres this far below the head's, mm.
BOTTOM_MM = -350.0
#: The line's turn in front of the stick's lateral, degrees.
TURN_DEG = -11.0


@cache
def whole() -> Posed:
    stick = Stick(bottom=BOTTOM_MM, condyles_deg=TURN_DEG)
    return posed(stick, Rotation.from_euler("xyz", [4.0, -8.0, 10.0], True), np.random.default_rng(3), spacing=2.5)


@cache
def places() -> FloatArray:
    """Voxels' centres in the femoral frame, (…, 3) mm."""
    truth = whole()
    index = np.indices(truth.voxels.shape).reshape(3, -1).T * truth.spacing
    return np.asarray((index - truth.local_from_femoral[:3, 3]) @ truth.local_from_femoral[:3, :3])


def shaft() -> Shaft:
    return Shaft(whole().at(np.array([*Stick().joint[:2], -120.0])), whole().along(np.array([0.0, 0.0, 1.0])), 100.0)


def guess() -> FloatArray:
    return whole().along(np.array([1.0, 0.0, 0.0]))


def line() -> FloatArray:
    turn = np.radians(TURN_DEG)
    return whole().along(np.array([np.cos(turn), np.sin(turn), 0.0]))


def levels() -> FloatArray:
    """Height of every slice above the condyles' centres, as the axial slices run, mm."""
    middle = whole().at(np.array([*Stick().joint[:2], BOTTOM_MM]))[2]
    result = np.arange(whole().voxels.shape[2]) * whole().spacing - middle
    return np.asarray(np.broadcast_to(result, whole().voxels.shape).ravel())


def block(low: float, high: float, kept: BoolArray | None = None) -> tuple[Piece, ...]:
    """The pieces that slices between two levels about the condyles' centres show."""
    inside = whole().voxels.ravel() & (levels() > low) & (levels() < high)
    if kept is not None:
        inside &= kept
    return pieces(inside)


def pieces(inside: BoolArray) -> tuple[Piece, ...]:
    grid = Grid(whole().voxels.shape, np.diag([whole().spacing] * 3 + [1.0]))
    return knee_pieces(Mask(grid, inside.reshape(grid.shape)), np.eye(4))


def found(knee: tuple[Piece, ...], range_deg: float = 0.0) -> FloatArray:
    return knee_axis(knee, shaft(), guess(), range_deg)


@pytest.mark.parametrize(("low", "high"), [(-30.0, 0.0), (-30.0, 15.0), (-12.0, 12.0), (-30.0, 400.0)])
def test_a_block_through_the_condyles_gives_the_line_of_the_whole_bone(low: float, high: float) -> None:
    axis = condylar_axis(whole().bone.surface_points_mm, shaft(), guess())
    assert axis is not None
    # A voxel of 2.5 mm at one end of 50 mm is 3°.
    assert degrees_between(found(block(low, high)), line()) < 1.0
    assert degrees_between(found(block(low, high)), axis) < 0.1


def beside_fossa() -> BoolArray:
    """What lies more than 8 mm to either side of the shaft's axis."""
    along = np.array([np.cos(np.radians(TURN_DEG)), np.sin(np.radians(TURN_DEG))])
    return np.asarray(np.abs((places()[:, :2] - Stick().joint[:2]) @ along) > 8.0)


def test_two_pieces_that_do_not_touch_are_one_knee() -> None:
    knee = block(-20.0, 15.0, beside_fossa())
    assert len(knee) == 2
    assert degrees_between(found(knee), line()) < 1.0
    # Either of them alone is one condyle.
    for one in knee:
        with pytest.raises(InputError, match="of this femur"):
            found((one,))


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (30.0, 70.0, "touches a table at two points"),
        (8.0, 40.0, "no fossa"),
        (-30.0, -2.0, "runs on behind"),
        (-2.0, 2.0, "mm only behind"),
        (150.0, 190.0, "mm distal of the proximal shaft's middle"),
    ],
)
def test_slices_that_do_not_show_the_backs_of_both_condyles_are_refused(low: float, high: float, said: str) -> None:
    with pytest.raises(InputError, match=said) as refused:
        found(block(low, high))
    assert refused.value.code == "knee-unusable"
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(("low", "high"), [(6.0, 20.0), (-30.0, -6.0)])
def test_condyles_cut_above_or_below_their_hindmost_points_are_refused(low: float, high: float) -> None:
    with pytest.raises(InputError, match="is cut where its back runs on behind"):
        found(block(low, high, beside_fossa()))


def test_a_whole_bone_cut_above_the_hindmost_points_has_no_condyles_in_view() -> None:
    (piece,) = block(8.0, 600.0)
    assert condylar_axis(piece.points, shaft(), guess()) is None


def test_a_knee_whose_condyles_no_fossa_parts_is_refused() -> None:
    # A slab as wide as two condyles, flat behind: the ends of a tibia or a shaft.
    middle = (whole().at(np.array([*Stick().joint[:2], BOTTOM_MM])) / whole().spacing).astype(int)
    slab = np.zeros(whole().voxels.shape, dtype=bool)
    slab[tuple(slice(at - half, at + half) for at, half in zip(middle, (14, 9, 6), strict=True))] = True
    with pytest.raises(InputError, match="no fossa"):
        found(pieces(slab))


def test_the_other_legs_knee_is_refused_and_left_out_of_a_mask_of_both() -> None:
    own = block(-30.0, 15.0)
    other = tuple(replace(one, points=one.points - 130.0 * line()) for one in own)
    with pytest.raises(InputError, match="as the other leg's knee does"):
        found(other)
    assert np.array_equal(found((*other, *own)), found(own))
    # However little of the shaft is in view.
    with pytest.raises(InputError, match="up to 90 mm"):
        found(other, range_deg=14.0)
    near = tuple(replace(one, points=one.points - 75.0 * line()) for one in own)
    assert np.allclose(found(near, range_deg=14.0), found(own))
    with pytest.raises(InputError, match="up to 60 mm"):
        found(near)


def test_a_mask_of_crumbs_or_of_another_place_is_refused() -> None:
    with pytest.raises(InputError, match="no piece of"):
        found(())
    far = tuple(replace(one, points=one.points - 400.0 * shaft().axis) for one in block(-30.0, 15.0))
    with pytest.raises(InputError, match="520 mm is accepted"):
        found(far)


@pytest.mark.parametrize("given", [{"anteversion_deg": 12.0}, {"landmarks": Landmarks(x_axis=np.array([1.0, 0, 0]))}])
def test_lateral_is_said_once(given: dict[str, Any]) -> None:
    masks = f"{sample()}:1", f"{sample()}:2"
    with pytest.raises(InputError, match="--knee") as refused:
        read_case(HipInputs(*masks, knee=masks[0], **given))
    assert refused.value.code == "options-conflict"


def test_a_knee_of_another_patient_frame_or_side_is_refused() -> None:
    grid = Grid((2, 2, 2), np.eye(4))
    bone = Mask(grid, np.ones(grid.shape, dtype=bool), Origin(frame="1.2", patient=Patient(number="P1")))
    femur = Part("femur", Path("femur_left.nii.gz"), bone)
    for origin, code in (
        (Origin(frame="1.3"), "frames-differ"),
        (Origin(frame="1.2", patient=Patient(number="P2")), "patients-differ"),
    ):
        with pytest.raises(InputError, match="accepted") as refused:
            check_together([femur, Part("knee", Path("knee.nii.gz"), Mask(grid, bone.voxels, origin))], bone)
        assert refused.value.code == code
    with pytest.raises(InputError, match=r"says left and .* says right"):
        sides_named([femur, Part("knee", Path("knee_right.nii.gz"), bone)])


@pytest.mark.parametrize("side", ["right", "left"])
def test_verification_finds_the_line_by_its_own_code(side: str) -> None:
    mirror = np.diag([-1.0 if side == "left" else 1.0, 1.0, 1.0])
    z = shaft().axis
    both = whole().voxels.ravel() & (levels() < 20.0)
    matrix = np.eye(4)
    matrix[:3, :3] = mirror * whole().spacing
    mask = Mask(Grid(whole().voxels.shape, matrix), both.reshape(whole().voxels.shape))

    def checked(turned_deg: float, knee: Mask = mask) -> Check:
        x = Rotation.from_rotvec(np.radians(turned_deg) * z).apply(line())
        point, y = mirror @ shaft().point, mirror @ np.cross(z, x)
        stated = Frame(point, 23.0, mirror @ x, y, mirror @ z, mirror @ whole().along(Stick().neck_axis), point)
        return condylar_check(SimpleNamespace(bone=None, knee=knee), stated)  # type: ignore[arg-type]

    assert checked(0.0).ok
    found = checked(8.0)
    assert not found.ok
    assert found.found == pytest.approx(-8.0, abs=1.5)
    # Where no condyles are, nothing agrees.
    proximal = (whole().voxels.ravel() & (levels() > 200.0)).reshape(whole().voxels.shape)
    assert not checked(0.0, Mask(mask.grid, proximal)).ok


@pytest.mark.slow
def test_a_real_hip_and_its_knee_give_the_frame_of_the_whole_femur(real_hips: Path, tmp_path: Path) -> None:
    image = nib.load(real_hips / "h06_left_full_femur.nii.gz")
    # Every other voxel: quick, and the frame is held to a degree.
    labels, affine = np.asarray(image.dataobj)[::2, ::2, ::2], image.affine @ np.diag([2.0, 2.0, 2.0, 1.0])
    height = np.arange(labels.shape[2]) * 2.0
    height -= height[np.flatnonzero(labels.any(axis=(0, 1)))[0]]

    def kept(name: str, slices: BoolArray) -> str:
        nib.save(nib.Nifti1Image(labels * slices, affine), tmp_path / f"{name}.nii.gz")
        return str(tmp_path / f"{name}.nii.gz")

    def opened(map_file: str, knee: str | None = None) -> Hip:
        return open_hip(HipInputs(f"{map_file}:1", f"{map_file}:2", knee=knee and f"{knee}:1"))

    full, hip = kept("full", height >= 0.0), kept("hip", height > 200.0)
    both = kept("both", (height > 200.0) | (height < 40.0))
    truth = opened(full)
    lateral = truth.direction_to_world(truth.anatomy.x_axis)
    for knee in (
        kept("knee25", height < 25.0),
        kept("knee40", height < 40.0),
        kept("mid", (height > 12) & (height < 27)),
    ):
        found = opened(hip, knee)
        assert found.anatomy.sources["x_axis"] == "condyles"
        assert degrees_between(found.direction_to_world(found.anatomy.x_axis), lateral) < 1.0
        assert possible_frames(found.anatomy) == ()
    # Both blocks in one mask: the femur is the piece with the head, the knee the one that lies distal.
    found = opened(both, both)
    assert degrees_between(found.direction_to_world(found.anatomy.x_axis), lateral) < 1.0
    assert opened(both).anatomy.sources["x_axis"] == "neck"
    # A whole femur that ends above the condyles' hindmost points has none in view: its flared end is no table's edge.
    high = kept("high", height > 40.0)
    assert opened(high).anatomy.sources["x_axis"] == "neck"
    for knee in (kept("above", (height > 36.0) & (height < 70.0)), kept("shaft", (height > 100.0) & (height < 150.0))):
        with pytest.raises(InputError, match="no posterior condylar line"):
            opened(hip, knee)


@pytest.mark.slow
def test_a_plan_keeps_its_knee_and_is_verified_and_opened_with_it(real_hips: Path, tmp_path: Path) -> None:
    image = nib.load(real_hips / "h06_left_full_femur.nii.gz")
    labels = np.asarray(image.dataobj)
    first = int(np.flatnonzero(labels.any(axis=(0, 1)))[0])
    for name, slices in (("hip", slice(first + 200, None)), ("knee", slice(first, first + 30))):
        part = np.zeros_like(labels)
        part[:, :, slices] = labels[:, :, slices]
        nib.save(nib.Nifti1Image(part, image.affine), tmp_path / f"{name}.nii.gz")
    masks = f"{tmp_path / 'hip.nii.gz'}:1", f"{tmp_path / 'hip.nii.gz'}:2"
    hip = open_hip(HipInputs(*masks, knee=f"{tmp_path / 'knee.nii.gz'}:1", case_id="knee"))
    assert not any(one.code == "frame_uncertain" for one in hip.warnings)
    anatomy = hip.anatomy
    tip = anatomy.head_center + 0.3 * anatomy.head_radius_mm * anatomy.neck_axis
    entry = anatomy.shaft_point + 20.0 * anatomy.x_axis
    entry = entry + (tip - 60.0 * anatomy.shaft_axis - entry) @ anatomy.shaft_axis * anatomy.shaft_axis
    plan = cc.assess(cc.Hip._of(hip), hip.to_world(entry), hip.to_world(tip), 8.0)
    file = plan.save(tmp_path / "plan", pictures=False)
    told = json.loads(file.read_text())
    assert [one["role"] for one in told["case"]["inputs"]] == ["femur", "lesion", "knee"]
    assert told["anatomy"]["sources"]["x_axis"] == "condyles"
    assert "frame_uncertain" not in {one["code"] for one in told["warnings"]}
    found = cc.verify(file)
    assert found.agrees, [one for one in found.checks if not one.ok]
    assert "anatomy.x_axis (condyles)" in {one.name for one in found.checks}
    opened = open_plan(file).hip
    assert np.allclose(opened.anatomy.x_axis, anatomy.x_axis, atol=1e-6)
    (tmp_path / "plan" / "input_knee.nii.gz").unlink()
    with pytest.raises(InputError, match="knee"):
        cc.verify(file)
