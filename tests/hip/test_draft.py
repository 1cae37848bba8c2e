"""A femur drafted from a CT: closed forms of its parts, whole phantoms against their truth, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy import ndimage
from support.draft_phantom import Whole, whole_hip

from corecore.app.cli import main
from corecore.base.errors import AnatomyError, InputError, OutputError
from corecore.base.grid import BoolArray, FloatArray, Grid, Image, Mask, transform
from corecore.hip.case import DRAFT_NOTE, load_case
from corecore.hip.draft import bone as bone_of_draft
from corecore.hip.draft import field as field_of_draft
from corecore.hip.draft.field import Field, check_metal, field_around
from corecore.hip.draft.joint import facing_share, find_joint
from corecore.hip.draft.make import NOTICE, Draft, DraftAccount, draft_femur
from corecore.hip.draft.sphere import Sphere, head_sphere
from corecore.hip.draft.write import draft_files
from corecore.io.nifti import note_of, write_image, write_labels, write_mask
from corecore.planning.open_plan import open_plan
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.figures import assess

EDGE_MM = 1.0
CENTER, RADIUS_MM, GAP_MM = np.array([3.3, -1.8, 0.6]), 23.0, 3.0
NECK = np.array([0.7, -0.1, -0.7]) / np.linalg.norm([0.7, -0.1, -0.7])
MUSCLE, BONE, PLATE, SOCKET, FAT = 50.0, 250.0, 600.0, 700.0, -90.0


def ball_in_socket(*, socket: bool = True, neck: bool = True, half: int = 55, noise: float = 15.0) -> Image:
    """A ball on a neck in half a shell, in muscle with a layer of fat; the joint opens towards the neck."""
    shape = (2 * half + 1,) * 3
    matrix = np.diag([EDGE_MM, EDGE_MM, EDGE_MM, 1.0])
    matrix[:3, 3] = -half * EDGE_MM
    at = transform(matrix, np.indices(shape).reshape(3, -1).T).reshape(*shape, 3) - CENTER
    size = np.linalg.norm(at, axis=-1)
    along = at @ NECK
    aside = np.linalg.norm(at - along[..., None] * NECK, axis=-1)
    bone = size <= RADIUS_MM
    if neck:
        bone |= (along > 0.0) & (aside <= 15.0)
    values = np.full(shape, MUSCLE)
    values[:, :, -6:] = FAT
    values[bone] = BONE
    values[bone & (size > RADIUS_MM - 1.0) & (size <= RADIUS_MM) & (along < 0.6 * size)] = PLATE
    if socket:
        values[(size > RADIUS_MM + GAP_MM) & (size <= RADIUS_MM + GAP_MM + 6.0) & (along < 0.0)] = SOCKET
    values = ndimage.gaussian_filter(values, 0.6) + np.random.default_rng(1).normal(0.0, noise, shape)
    return Image(Grid(shape, matrix), values.astype(np.float32))


@pytest.fixture(scope="module")
def ball() -> tuple[Field, Sphere]:
    field = field_around(ball_in_socket(), CENTER + np.array([2.0, 4.0, 6.0]))
    return field, head_sphere(field, CENTER + np.array([2.0, 4.0, 6.0]))


def test_levels_are_read_off_the_image(ball: tuple[Field, Sphere]) -> None:
    field, _ = ball
    assert field.muscle_hu == pytest.approx(MUSCLE, abs=3.0)
    assert MUSCLE + 70.0 < field.bone_hu < BONE


def test_the_sphere_of_the_head_and_the_way_of_its_neck_are_found(ball: tuple[Field, Sphere]) -> None:
    _, sphere = ball
    np.testing.assert_allclose(sphere.center, CENTER, atol=0.4)
    assert sphere.radius_mm == pytest.approx(RADIUS_MM, abs=0.5)
    assert np.degrees(np.arccos(sphere.neck @ NECK)) < 12.0
    assert sphere.side == "right"


def test_a_mirrored_hip_is_a_left_one() -> None:
    image = ball_in_socket(noise=5.0)
    matrix = np.diag([-1.0, 1.0, 1.0, 1.0]) @ image.grid.world_from_index
    mirrored = Image(Grid(image.grid.shape, matrix), image.values)
    point = CENTER * np.array([-1.0, 1.0, 1.0])
    sphere = head_sphere(field_around(mirrored, point), point)
    np.testing.assert_allclose(sphere.center, point, atol=0.4)
    assert sphere.side == "left"


def test_the_joint_is_followed_where_the_ball_ends(ball: tuple[Field, Sphere]) -> None:
    field, sphere = ball
    joint = find_joint(field, sphere)
    surface = sphere.center + joint.radii_mm[:, None] * joint.ways
    error = np.linalg.norm(surface - CENTER, axis=1)[joint.articular] - RADIUS_MM
    assert abs(error.mean()) < 0.3
    assert error.std() < 0.35
    assert joint.clear_share > 0.98
    # Half a shell: what of it lies beyond the neck's cone.
    behind = np.mean(joint.ways[joint.articular] @ NECK < 0.0)
    assert facing_share(field, joint) == pytest.approx(behind, abs=0.08)


def test_a_femur_comes_free_of_its_socket(ball: tuple[Field, Sphere]) -> None:
    field, sphere = ball
    found = bone_of_draft.find_femur(field, find_joint(field, sphere))
    offset = found.mask.positions_mm() - CENTER
    size, along = np.linalg.norm(offset, axis=1), offset @ NECK
    assert not np.any((size > RADIUS_MM + 1.5) & (along < 0.0))
    assert np.any(along > 1.6 * RADIUS_MM)
    head = np.count_nonzero((size <= RADIUS_MM) & (along < 0.0)) / 1000.0
    assert head == pytest.approx(2.0 / 3.0 * np.pi * RADIUS_MM**3 / 1000.0, rel=0.05)


def test_without_a_socket_it_says_that_it_saw_none() -> None:
    field = field_around(ball_in_socket(socket=False, half=45), CENTER)
    joint = find_joint(field, head_sphere(field, CENTER))
    assert facing_share(field, joint) < 0.02


def refused(image: Image, point: FloatArray) -> str:
    with pytest.raises(InputError) as caught:
        draft_femur(image, point_mm=point)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def changed(values: Any, grid: Grid | None = None) -> Image:
    image = ball_in_socket(half=40, noise=2.0)
    return Image(grid or image.grid, np.asarray(values(image.values.copy()), dtype=np.float32))


def test_what_is_no_ct_of_a_hip_is_refused_with_its_reason() -> None:
    assert "no fat and no air" in refused(changed(lambda v: np.abs(v) + 100.0), CENTER)
    assert "no muscle" in refused(changed(lambda v: np.where(v > 0.0, v + 3000.0, v)), CENTER)
    assert "no bone" in refused(changed(lambda v: np.minimum(v, 150.0)), CENTER)
    assert "outside the CT" in refused(changed(lambda v: v), np.array([500.0, 0.0, 0.0]))
    image = ball_in_socket(half=40)
    thick = np.diag([1.0, 1.0, 3.0, 1.0]) @ image.grid.world_from_index
    assert "voxels of 3 mm" in refused(changed(lambda v: v, Grid(image.grid.shape, thick)), CENTER)
    noise = np.random.default_rng(2)
    drawn = noise.normal(100.0, 300.0, image.values.shape)
    assert "head" in refused(changed(lambda v: drawn), CENTER)


def test_a_ball_without_a_neck_and_a_head_that_the_image_cuts_are_refused() -> None:
    field = field_around(ball_in_socket(neck=False, half=45), CENTER)
    with pytest.raises(AnatomyError, match="without a neck"):
        head_sphere(field, CENTER)
    image = ball_in_socket(half=45)
    top = int(np.rint(CENTER[2] + RADIUS_MM + 1.0 + 45))
    cut = Image(image.grid.cropped([0, 0, 0], [91, 91, top]), image.values[:, :, :top])
    values = cut.values.copy()
    values[:5] = FAT
    field = field_around(Image(cut.grid, values), CENTER)
    with pytest.raises(InputError, match="edge cuts the femoral head"):
        find_joint(field, head_sphere(field, CENTER))


def test_metal_near_the_head_is_refused_and_a_clip_far_away_is_not() -> None:
    field = field_around(ball_in_socket(half=45), CENTER)
    values = field.values.copy()
    values[40:46, 40:46, 40:46] = 3000.0
    with pytest.raises(InputError, match="metal"):
        check_metal(replace(field, values=values), CENTER, 70.0)
    check_metal(replace(field, values=values), CENTER + 200.0, 70.0)


def test_a_joint_that_does_not_show_is_refused(ball: tuple[Field, Sphere]) -> None:
    field, sphere = ball
    away = np.linalg.norm(
        transform(field.grid.world_from_index, np.indices(field.grid.shape).reshape(3, -1).T) - CENTER, axis=1
    ).reshape(field.grid.shape)
    fused = np.where((away > RADIUS_MM - 8.0) & (away < RADIUS_MM + 9.0), BONE, field.values).astype(np.float32)
    with pytest.raises(AnatomyError, match="the joint space shows on"):
        find_joint(replace(field, values=fused), sphere)


def test_holes_are_those_of_planes() -> None:
    tube: BoolArray = np.zeros((30, 30, 20), dtype=np.bool_)
    x, y = np.indices((30, 30)) - 14.5
    tube[(np.hypot(x, y) <= 11.0) & (np.hypot(x, y) >= 8.0)] = True
    inner = (np.hypot(x, y) < 8.0)[:, :, None] & np.ones(20, dtype=np.bool_)
    assert np.array_equal(bone_of_draft._slice_holes(tube, 2), inner)
    assert not bone_of_draft._slice_holes(tube, 0).any()
    # A slit of 2 mm along the tube, as a thin cortex leaves one, does not let the inside out; a wide one does.
    for width, held in ((2, True), (9, False)):
        slit = tube.copy()
        slit[15 - width // 2 : 15 - width // 2 + width, 15:, :] = False
        filled = bone_of_draft._filled(slit, np.ones(3))
        assert filled[14, 14, 10] == held


def test_a_finer_grid_lies_where_the_image_does() -> None:
    index = np.indices((20, 18, 12)).reshape(3, -1).T
    matrix = np.diag([0.7, 0.7, 1.6, 1.0])
    matrix[:3, 3] = 5.0, -3.0, 11.0
    slope = np.array([2.0, -3.0, 1.5])
    values = (transform(matrix, index) @ slope).reshape(20, 18, 12).astype(np.float32)
    grid, fine = field_of_draft._isotropic(Grid((20, 18, 12), matrix), values)
    np.testing.assert_allclose(grid.spacing_mm, 0.8, atol=1e-6)
    there = transform(grid.world_from_index, np.indices(fine.shape).reshape(3, -1).T) @ slope
    np.testing.assert_allclose(fine.ravel(), there, atol=1e-3)


def test_a_draft_is_known_by_its_mark_until_it_was_looked_at(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sample = Path(__file__).resolve().parents[2] / "sample_volumes"
    case = load_case(str(sample / "left_large_femur.nii.gz"), str(sample / "left_large_lesion.nii.gz"))
    assert not case.drafted
    assert case.original_femur is not None
    path, checked = tmp_path / "draft.nii.gz", tmp_path / "checked.nii.gz"
    write_labels(path, case.original_femur.grid, case.original_femur.voxels.astype(np.uint8), note=DRAFT_NOTE)
    assert DRAFT_NOTE in note_of(path)
    draft = load_case(str(path), str(sample / "left_large_lesion.nii.gz"))
    assert draft.drafted
    assert draft.warnings[0].code == "draft_femur"
    assert main(["draft", "--checked", str(path), "--out", str(checked)]) == 0
    again = load_case(str(checked), str(sample / "left_large_lesion.nii.gz"))
    assert not again.drafted
    assert np.array_equal(again.femur.voxels, case.femur.voxels)
    capsys.readouterr()
    for arguments, told in (
        (["--checked", str(checked), "--out", str(tmp_path / "c.nii")], "is not marked as a draft"),
        (["--checked", str(path), "--out", str(checked)], "is there already"),
        (["--checked", str(path), "--out", str(tmp_path / "a.nrrd")], ".nii.gz or .nii"),
        (["--checked", str(path), "--out", str(tmp_path / "no" / "a.nii")], "is not there"),
        (["--checked", str(path), "--point", "1,2,3", "--out", str(tmp_path / "a.nii")], "alone it is accepted"),
        (["--out", str(tmp_path / "a.nii")], "--image is missing"),
        (["--image", str(path), "--out", str(tmp_path / "a.nii")], "--lesion and --point"),
        (["--image", str(path), "--point", "1,2", "--out", str(tmp_path / "a.nii")], "--point"),
        (["--image", str(path), "--side", "up", "--out", str(tmp_path / "a.nii")], "--side"),
    ):
        assert main(["draft", *arguments]) == 2
        line = capsys.readouterr().err
        assert line.startswith("error: ")
        assert told in line
        assert line.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checked.nii.gz", "draft.nii.gz"]


def test_a_draft_is_written_with_its_picture_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: Any = DraftAccount
    figures: Any = ["corecore.draft/1", "left", 90.0, [0.0] * 3, *[0.0] * 9]
    draft: Any = SimpleNamespace(
        account=lambda: made(*figures, [], NOTICE),
        femur=Mask(Grid((3, 3, 3), np.eye(4)), np.ones((3, 3, 3), dtype=np.bool_)),
    )
    monkeypatch.setattr("corecore.hip.draft.write.draw", lambda draft: b"picture")
    draft_files(draft, tmp_path / "femur.nii.gz")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["femur.json", "femur.nii.gz", "femur.png"]
    assert DRAFT_NOTE in note_of(tmp_path / "femur.nii.gz")

    def full(*_: Any, **__: Any) -> None:
        raise OutputError("femur.nii.gz: cannot be written (No space left on device)")

    (tmp_path / "other").mkdir()
    monkeypatch.setattr("corecore.hip.draft.write.write_labels", full)
    with pytest.raises(OutputError, match="No space left"):
        draft_files(draft, tmp_path / "other" / "femur.nii.gz")
    assert not list((tmp_path / "other").iterdir())


def test_a_plan_without_a_femur_names_what_drafts_one(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    arguments = ["plan", "--lesion", "l.nii.gz", "--out", str(tmp_path / "plan")]
    assert main(arguments) == 2
    assert "a mask of the femur is needed" in capsys.readouterr().err
    assert main([*arguments, "--image", "ct.nii.gz"]) == 2
    assert "corecore draft --image ct.nii.gz --lesion l.nii.gz" in capsys.readouterr().err
    assert not (tmp_path / "plan").exists()


def apart(draft: Draft, true: Mask) -> tuple[float, FloatArray]:
    """Dice, and how far the surfaces' voxels lie from each other, both ways, mm."""
    grid = draft.femur.grid
    there = true.contains(transform(grid.world_from_index, np.indices(grid.shape).reshape(3, -1).T))
    masks = draft.femur.voxels, there.reshape(grid.shape)
    edges = [mask & ~ndimage.binary_erosion(mask, border_value=1) for mask in masks]
    away = [ndimage.distance_transform_edt(~edge, sampling=grid.spacing_mm) for edge in edges]
    both = np.count_nonzero(masks[0] & masks[1]) * grid.voxel_ml
    dice = 2.0 * both / (draft.femur.volume_ml + true.volume_ml)
    return float(dice), np.concatenate([away[1][edges[0]], away[0][edges[1]]])


@pytest.fixture(scope="module")
def whole() -> Whole:
    """A joint space of 2 mm in bone of 60 % of the usual contrast."""
    return whole_hip(4, gap_mm=2.0, density=0.6)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seed", "how"),
    [(5, {"gap_mm": 4.0, "noise": 3.0}), (6, {"gap_mm": 2.0, "density": 0.75, "blur": 1.4})],
)
def test_a_draft_is_the_femur(seed: int, how: dict[str, float]) -> None:
    made = whole_hip(seed, **how)
    check(made, draft_femur(made.ct, lesion=made.lesion))


def check(made: Whole, draft: Draft) -> None:
    dice, away = apart(draft, made.femur)
    assert dice > 0.98
    assert away.mean() < 0.3
    assert np.percentile(away, 99) < 2.0
    anatomy = draft.hip.anatomy
    assert np.linalg.norm(draft.hip.to_world(anatomy.head_center) - made.center) < 1.0
    assert anatomy.head_radius_mm == pytest.approx(made.radius_mm, abs=0.7)


@pytest.mark.slow
def test_from_the_command_line_to_a_plan_that_keeps_its_warning(whole: Whole, tmp_path: Path) -> None:
    """The tunnel planned on the draft keeps its margins in the true bone to half a millimetre."""
    from corecore.base.spec import Spec
    from corecore.hip.case import case_from_masks
    from corecore.hip.hip import build_hip

    ct, lesion, out = tmp_path / "ct.nii.gz", tmp_path / "lesion.nii.gz", tmp_path / "femur.nii.gz"
    write_image(ct, whole.ct)
    write_mask(lesion, whole.lesion)
    assert main(["draft", "--image", str(ct), "--lesion", str(lesion), "--out", str(out)]) == 0
    account = json.loads((tmp_path / "femur.json").read_text())
    assert account["schema"] == "corecore.draft/1"
    assert account["joint_clear_share"] > 0.9
    assert account["acetabulum_share"] > 0.4
    assert (tmp_path / "femur.png").read_bytes().startswith(b"\x89PNG")
    plan = tmp_path / "plan"
    told = ["plan", "--femur", str(out), "--lesion", str(lesion), "--no-pictures", "--out", str(plan)]
    assert main(told) == 0
    content = json.loads((plan / "plan.json").read_text())
    assert content["warnings"][0]["code"] == "draft_femur"
    opened = open_plan(plan / "plan.json")
    assert opened.hip.case.drafted
    true = build_hip(case_from_masks(whole.femur, whole.lesion, label_map=False))
    one = content["tunnels"][0]
    tunnel = Tunnel(true.to_local(np.array(one["entry"])), true.to_local(np.array(one["tip"])), one["diameter_mm"])
    figures = assess(true, tunnel, Spec())
    assert figures.cortical_clearance_mm > 3.0 - 0.5
    assert figures.joint_clearance_mm > 5.0 - 0.5
    assert figures.removed_fraction == pytest.approx(one["removed_fraction"], abs=0.01)


@pytest.mark.slow
def test_a_real_ct_of_3_mm_is_refused(real_hips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = ["draft", "--image", str(real_hips / "h13_right_ct_3mm_CT.nii.gz"), "--lesion"]
    assert main([*told, f"{real_hips / 'h13_right_ct_3mm.nii.gz'}:2", "--out", str(tmp_path / "f.nii.gz")]) == 2
    assert "voxels of 3 mm" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
