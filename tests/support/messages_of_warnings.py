"""Hips, answers and paths that a plan or measures go on with, and warn: scenes, each with the warnings it shows."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from corecore.base.grid import BoolArray, FloatArray, Grid, Image, Mask, transform
from corecore.hip.case import DRAFT_NOTE
from corecore.io.nifti import write_image, write_labels, write_mask
from corecore.review.model import ReviewModel
from corecore.review.outcome import measured, write_outcome
from corecore.review.session import Accept, Note, Nudge, SignOff, apply
from corecore.study.phantom.lesion import ANTEROSUPERIOR
from corecore.study.phantom.pelvis import PelvisShape, pelvis_on_grid
from corecore.study.phantom.pose import Pose
from support.draft_phantom import Whole, whole_hip
from support.head_phantom import OBLIQUE, stepped
from support.message_kit import MASKS, Kit, ball, sample
from support.signs_phantom import bore, flattened, painted, sound_hip, synthetic, with_room

#: By name: what is run, the warnings it must show, and whether it takes more than some seconds.
SCENES: dict[str, tuple[Callable[[Kit], list[str]], set[str], bool]] = {}
#: Scenes whose warnings are read from a file that they write themselves.
WRITTEN: dict[str, tuple[Callable[[Kit], Path], set[str]]] = {}


def scene(*codes: str, slow: bool = True) -> Callable[[Callable[[Kit], list[str]]], Callable[[Kit], list[str]]]:
    """Marks what shows these warnings: the arguments of a command that prints JSON."""

    def kept(run: Callable[[Kit], list[str]]) -> Callable[[Kit], list[str]]:
        SCENES[run.__name__] = (run, set(codes), slow)
        return run

    return kept


def _map(kit: Kit, values: np.ndarray[Any, Any], *more: object) -> list[str]:
    path = kit.nifti("map.nii.gz", values, sample()[1])
    return kit.measure(f"{path}:1", f"{path}:2", "--json", *more)


@scene(
    "bone_specks", "loose_bone", "holes_filled", "hollow_bone", "lesion_specks", "lesion_away", "late_stage",
    "open_physis", "image_age", "acetabulum_population", "frame_uncertain", slow=False,
)  # fmt: skip
def an_untidy_map(kit: Kit) -> list[str]:
    values, affine = sample()
    values = values.copy()
    mm = abs(affine[0, 0])
    corner = (np.array(values.shape) - 12).tolist()
    shaft = np.argwhere(values[:, :, 30] == 1).mean(axis=0).astype(int)
    far = ball(values, (corner[0], corner[1], 12), 6.0 / mm) & (values == 0)
    values[far] = 1
    values[2, 2, 2] = 1
    values[shaft[0], shaft[1], 30] = 0
    values[ball(values, (shaft[0], shaft[1], 60), 7.5 / mm)] = 0
    values[shaft[0] + 4, shaft[1], 30] = 2
    values[shaft[0] - 4 : shaft[0], shaft[1] : shaft[1] + 5, 20:25] = 2
    return _map(kit, values, "--stage", "ARCO 3A", "--physis", "open", "--imaging-date", "2020-01-01")


@scene("several_foci", "lesion_thin", "focus_missed")
def a_path_past_one_slice_in_two_pieces(kit: Kit) -> list[str]:
    values, affine = sample()
    values = values.copy()
    dead = np.argwhere(values == 2)
    middle, side = dead[:, 2].mean().astype(int), dead[:, 0].mean().astype(int)
    values[values == 2] = 1
    # Further apart than any gap between slices.
    apart = np.abs(dead[:, 0] - side) * np.linalg.norm(affine[:3, 0]) > 8.0
    values[tuple(dead[(dead[:, 2] == middle) & apart].T)] = 2
    path = kit.nifti("map.nii.gz", values, affine)
    tunnel = json.loads((kit.kept_plan / "plan.json").read_text())["tunnels"][0]
    entry, tip = np.array(tunnel["entry"]), np.array(tunnel["tip"])
    ends = [",".join(f"{v:.3f}" for v in point) for point in (entry, 0.5 * (entry + tip))]
    masks = ["--femur", f"{path}:1", "--lesion", f"{path}:2"]
    line = ["--entry", ends[0], "--tip", ends[1], "--diameter", "10"]
    return ["assess", *masks, *line, "--no-pictures", "--json", "--out", str(kit.folder / "assessed")]


@scene("focus_may_be_missed")
def a_path_that_grazes_a_small_lesion(kit: Kit) -> list[str]:
    values, affine = sample()
    tunnel = json.loads((kit.kept_plan / "plan.json").read_text())["tunnels"][0]
    entry, tip = np.array(tunnel["entry"]), np.array(tunnel["tip"])
    way = (tip - entry) / np.linalg.norm(tip - entry)
    across = np.cross(way, [0.0, 1.0, 0.0]) / np.linalg.norm(np.cross(way, [0.0, 1.0, 0.0]))
    # A ball 4 mm in radius, of which the wall of 5 mm takes half a millimetre.
    middle = tip - 12.0 * way + (5.0 + 4.0 - 0.5) * across
    places = np.moveaxis(np.indices(values.shape, dtype=float), 0, -1) @ affine[:3, :3].T + affine[:3, 3]
    values = np.where(values == 2, 1, values)
    values[(np.linalg.norm(places - middle, axis=-1) <= 4.0) & (values == 1)] = 2
    path = kit.nifti("map.nii.gz", values, affine)
    ends = [",".join(f"{v:.3f}" for v in point) for point in (entry, tip)]
    masks = ["--femur", f"{path}:1", "--lesion", f"{path}:2"]
    line = ["--entry", ends[0], "--tip", ends[1], "--diameter", "10"]
    return ["assess", *masks, *line, "--no-pictures", "--json", "--out", str(kit.folder / "assessed")]


@scene("lesion_beyond_head", slow=False)
def a_lesion_down_the_neck(kit: Kit) -> list[str]:
    values, _ = sample()
    values = values.copy()
    low = np.argwhere(values == 2)[:, 2].min()
    marrow = ndimage.binary_erosion(values > 0, iterations=3)
    values[:, :, low - 40 : low][marrow[:, :, low - 40 : low]] = 2
    return _map(kit, values, "--json")


@scene("lesion_outside", "lesion_cut")
def a_lesion_over_the_edge(kit: Kit) -> list[str]:
    values, affine = sample()
    dead = values == 2
    middle = int(np.argwhere(dead)[:, 0].mean())
    ridge = dead.copy()
    ridge[middle : middle + 6, :, 2:] |= dead[middle : middle + 6, :, :-2]
    ridge[2:7, 2:7, 2:7] = True
    femur = kit.nifti("femur.nii.gz", (values > 0).astype(np.uint8), affine)
    return kit.measure(femur, kit.nifti("lesion.nii.gz", ridge.astype(np.uint8), affine), "--json")


@scene("forms_differ", "side_name", "label_names_unread", slow=False)
def a_file_at_odds_with_itself(kit: Kit) -> list[str]:
    values, affine = sample()
    image = nib.Nifti1Image(values, affine)
    other = affine.copy()
    other[1, 3] += 5.0
    image.set_sform(affine, code=1)
    image.set_qform(other, code=1)
    path = kit.folder / "hip_left.nii.gz"
    nib.save(image, path)
    kit.text("dataset.json", "{")
    return kit.measure(f"{path}:1", f"{path}:2", "--json")


@scene("scan_extent_unknown")
def a_segmentation_without_its_series(kit: Kit) -> list[str]:
    files = pytest.importorskip("support.format_files")
    values, affine = sample()
    values = np.pad(values, ((0, 0), (0, 0), (2, 2)))
    moved = _shifted(affine, -2)
    series = files.dicom_series(kit.folder / "ct", values.astype(np.int16), moved)
    path = files.dicom_seg(kit.folder / "seg.dcm", values, series)
    return kit.measure(f"{path}:1", f"{path}:2", "--json", "--side", "right")


@scene("slices_missing")
def a_forgotten_slice(kit: Kit) -> list[str]:
    values, affine = sample()
    dead = values == 2
    last = int(np.flatnonzero(dead.any(axis=(0, 1)))[-1])
    dead[:, :, last - 3] = False
    femur = kit.nifti("femur.nii.gz", (values > 0).astype(np.uint8), affine)
    return kit.measure(femur, kit.nifti("lesion.nii.gz", dead.astype(np.uint8), affine), "--json")


@scene("mask_thresholded")
def probabilities_of_necrosis(kit: Kit) -> list[str]:
    values, affine = sample()
    soft = ndimage.gaussian_filter((values == 2).astype(np.float32), 1.0)
    femur = kit.nifti("femur.nii.gz", (values > 0).astype(np.uint8), affine)
    return kit.measure(femur, f"{kit.nifti('soft.nii.gz', soft, affine)}:>0.5", "--json")


@scene("contours_dropped", "contours_cross")
def contours_drawn_in_haste(kit: Kit) -> list[str]:
    files = pytest.importorskip("support.format_files")
    values, affine = sample()
    series = files.dicom_series(kit.folder / "ct", values.astype(np.int16), affine)
    dead = values == 2
    lines = {k: [files.transform(files.LPS @ affine, np.column_stack([line, np.full(len(line), k)]))
                 for line in files.loops(dead[:, :, k])] for k in range(dead.shape[2])}  # fmt: skip
    drawn = [line for k in lines for line in lines[k]]
    k = int(np.argmax(dead.sum(axis=(0, 1))))
    line = max(lines[k], key=len)
    # Once more, as two points, and a small one over its edge.
    far = line[np.argmax(line[:, 0])]
    step = affine[0, 0] * np.array([[1.7, 0.6, 0.0], [-1.7, 0.6, 0.0], [-1.7, -0.6, 0.0], [1.7, -0.6, 0.0]])
    path = kit.folder / "ct" / "rt.dcm"
    files.rtstruct_of(path, {"lesion": [*drawn, line, line[:2], far + step]}, series)
    femur = kit.nifti("femur.nii.gz", (values > 0).astype(np.uint8), affine)
    return kit.measure(femur, f"{path}:lesion", "--json")


def _shifted(affine: FloatArray, planes: int) -> FloatArray:
    moved = affine.copy()
    moved[:3, 3] += planes * affine[:3, 2]
    return moved


@scene("neck_in_part", "shaft_assumed", "lesser_trochanter_assumed", "lateral_cortex_missing")
def a_scan_through_the_neck(kit: Kit) -> list[str]:
    values, affine = sample()
    head = np.linalg.inv(affine) @ [*kit.hip.to_world(kit.hip.anatomy.head_center), 1.0]
    planes = int(head[2] - 16.0 / affine[2, 2])
    path = kit.nifti("short.nii.gz", values[:, :, planes:], _shifted(affine, planes))
    return kit.measure(f"{path}:1", f"{path}:2", "--json", "--side", "right")


@scene("greater_trochanter_missing")
def a_scan_without_the_trochanter(kit: Kit) -> list[str]:
    values, affine = sample()
    peak = kit.hip.anatomy.greater_trochanter_tip
    assert peak is not None
    last = int((np.linalg.inv(affine) @ [*kit.hip.to_world(peak), 1.0])[0]) + 1
    path = kit.nifti("narrow.nii.gz", values[:last], affine)
    return kit.measure(f"{path}:1", f"{path}:2", "--json", "--side", "right")


@scene("mirrored_bone")
def a_mirrored_file_that_ends_above_the_lesser_trochanter(kit: Kit) -> list[str]:
    values, affine = sample()
    tip = kit.hip.anatomy.lesser_trochanter_tip
    assert tip is not None
    last = int((np.linalg.inv(affine) @ [*kit.hip.to_world(tip), 1.0])[2]) + 4
    # Front and back exchanged: the neck still points inward.
    path = kit.nifti("mirrored.nii.gz", values[:, ::-1, last:], affine)
    return kit.measure(f"{path}:1", f"{path}:2", "--json", "--side", "right")


@scene("side_place")
def a_patient_told_the_wrong_way_round(kit: Kit) -> list[str]:
    values, affine = sample()
    path = kit.nifti("prone.nii.gz", values, np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine)
    return kit.measure(f"{path}:1", f"{path}:2", "--json", "--side", "right")


def _pelvis(kit: Kit, gap_mm: float = 4.0) -> Mask:
    x, y, z = (float(c) for c in kit.hip.to_world(kit.hip.anatomy.head_center))
    shape = PelvisShape(head_radius_mm=kit.hip.anatomy.head_radius_mm, gap_mm=gap_mm)
    return pelvis_on_grid(shape, Pose(head_center_mm=(x, y, z)), "right").mask


def _with_pelvis(kit: Kit, pelvis: Mask) -> list[str]:
    write_mask(kit.folder / "pelvis.nii.gz", pelvis)
    return kit.of_sample("--json", "--pelvis", kit.folder / "pelvis.nii.gz")


@scene("pelvis_touches_head")
def a_pelvis_in_the_head(kit: Kit) -> list[str]:
    return _with_pelvis(kit, _pelvis(kit, gap_mm=-1.5))


def _from(kit: Kit, pelvis: Mask, offset: tuple[float, float, float]) -> FloatArray:
    place = kit.hip.to_world(kit.hip.anatomy.head_center) + np.array(offset)
    return np.clip(np.rint(transform(pelvis.grid.index_from_world, place)), 0, None).astype(int)


@scene("acetabulum_not_in_view")
def a_pelvis_cut_at_the_side(kit: Kit) -> list[str]:
    pelvis = _pelvis(kit)
    stop = [int(_from(kit, pelvis, (10.0, 0.0, 0.0))[0]), *pelvis.grid.shape[1:]]
    return _with_pelvis(kit, pelvis.cropped((0, 0, 0), stop))


@scene("teardrop_population")
def a_pelvis_cut_below(kit: Kit) -> list[str]:
    pelvis = _pelvis(kit)
    start = _from(kit, pelvis, (-1e4, -1e4, -12.0))
    return _with_pelvis(kit, pelvis.cropped(start, np.array(pelvis.grid.shape)))


@scene("metal", "previous_tunnel")
def a_nailed_hip(kit: Kit) -> list[str]:
    made = synthetic("right", 1.2, True)
    assert made.ct is not None
    pin = bore(made.ct.grid, "right", 5.0, reach=(-5.0, 60.0))
    write_image(kit.folder / "ct.nii.gz", painted(made.ct, pin, 8000.0))
    write_mask(kit.folder / "femur.nii.gz", made.femur)
    write_mask(kit.folder / "lesion.nii.gz", made.lesion)
    image = ["--image", kit.folder / "ct.nii.gz"]
    return kit.measure(kit.folder / "femur.nii.gz", kit.folder / "lesion.nii.gz", "--json", *image)


@scene("joint_space")
def a_head_drawn_too_wide(kit: Kit) -> list[str]:
    made, hip = synthetic("right", 1.2, True), sound_hip("right", 1.2, True)
    assert made.ct is not None
    grid = made.femur.grid
    head = transform(grid.index_from_world, hip.to_world(hip.anatomy.head_center))
    wide = ball(made.femur.voxels, tuple(head), (hip.anatomy.head_radius_mm + 2.5) / 1.2)
    write_mask(kit.folder / "femur.nii.gz", Mask(grid, made.femur.voxels | wide))
    write_mask(kit.folder / "lesion.nii.gz", made.lesion)
    write_image(kit.folder / "ct.nii.gz", with_room(made.ct))
    image = ["--image", kit.folder / "ct.nii.gz"]
    return kit.measure(kit.folder / "femur.nii.gz", kit.folder / "lesion.nii.gz", "--json", *image)


@scene("collapse")
def a_head_flattened_over_its_lesion(kit: Kit) -> list[str]:
    return _flattened(kit, ANTEROSUPERIOR)


@scene("flattening")
def a_head_flattened_elsewhere(kit: Kit) -> list[str]:
    return _flattened(kit, (-0.35, -0.55, 0.76))


def _flattened(kit: Kit, direction: tuple[float, float, float]) -> list[str]:
    case = flattened(4.0, direction=direction).case
    assert case.original_femur is not None
    assert case.original_lesion is not None
    write_mask(kit.folder / "femur.nii.gz", case.original_femur)
    write_mask(kit.folder / "lesion.nii.gz", case.original_lesion)
    return kit.measure(kit.folder / "femur.nii.gz", kit.folder / "lesion.nii.gz", "--json")


@scene("head_surface", slow=False)
def a_mask_that_leaks(kit: Kit) -> list[str]:
    values, affine = sample()
    head = transform(np.linalg.inv(affine), kit.hip.to_world(kit.hip.anatomy.head_center))
    mm = abs(affine[0, 0])
    near = ball(values, tuple(head + np.array([0.0, 8.0, 14.0]) / mm), 14.0 / mm)
    leak = near & ball(values, tuple(head), (kit.hip.anatomy.head_radius_mm + 4.0) / mm) & (values == 0)
    return _map(kit, np.where(leak, 1, values).astype(values.dtype))


@scene("straightened")
def a_ct_with_a_tilted_gantry(kit: Kit) -> list[str]:
    files = pytest.importorskip("support.format_files")
    values, affine = sample()
    # A coarse image over the sample, each slice shifted along its columns: 14 degrees.
    coarse = affine @ np.diag([4.0, 4.0, 4.0, 1.0])
    coarse[:3, 2] += np.tan(np.radians(14.0)) * coarse[:3, 1]
    grey = np.full([n // 4 + 1 for n in values.shape], 40, dtype=np.int16)
    files.dicom_series(kit.folder / "ct", grey, coarse)
    return [*kit.of_sample("--json"), "--image", str(kit.folder / "ct"), "--straighten"]


@scene("head_cut_by_scan", "lesion_cut_by_scan", "thick_slices")
def a_scan_of_thick_slices_that_ends_in_the_head(kit: Kit) -> list[str]:
    values, affine = sample()
    head = transform(np.linalg.inv(affine), kit.hip.to_world(kit.hip.anatomy.head_center))
    top = int(head[2] + 15.0 / affine[2, 2])
    step = int(np.ceil(3.6 / affine[2, 2]))
    thick = _shifted(affine, top % step) @ np.diag([1.0, 1.0, step, 1.0])
    path = kit.nifti("thick.nii.gz", values[:, :, top % step : top + 1 : step], thick)
    return kit.measure(f"{path}:1", f"{path}:2", "--json", "--side", "right")


@scene("rough_surface")
def a_mask_of_oblique_steps(kit: Kit) -> list[str]:
    values, affine = sample()
    path = kit.nifti("steps.nii.gz", stepped(values, np.linalg.norm(affine[:3, :3], axis=0), 3.0, OBLIQUE), affine)
    return kit.measure(f"{path}:1", f"{path}:2", "--json", "--side", "right")


@scene("surface_pits")
def a_mask_with_a_pit(kit: Kit) -> list[str]:
    values, affine = sample()
    across = transform(np.linalg.inv(affine), kit.hip.to_world(kit.hip.anatomy.head_center)[None])[0]
    _, j, k = (int(value) for value in np.rint(across))
    values = values.copy()
    values[np.flatnonzero(values[:, j, k])[0] :, j, k][:3] = 0
    path = kit.nifti("pit.nii.gz", values, affine)
    return kit.measure(f"{path}:1", f"{path}:2", "--json", "--side", "right")


@scene("coarse_voxels")
def a_mask_of_coarse_voxels(kit: Kit) -> list[str]:
    values, affine = sample()
    step = int(np.floor(2.0 / abs(affine[0, 0]))) + 1
    path = kit.nifti("coarse.nii.gz", values[::step, ::step, ::step], affine @ np.diag([step, step, step, 1.0]))
    return kit.measure(f"{path}:1", f"{path}:2", "--json", "--side", "right")


@scene("lesion_moved", "transform_in_doubt")
def a_lesion_of_another_scan(kit: Kit) -> list[str]:
    values, affine = sample()
    higher = affine.copy()
    higher[2, 3] += 60.0
    femur = kit.nifti("femur.nii.gz", (values > 0).astype(np.uint8), affine)
    lesion = kit.nifti("lesion.nii.gz", (values == 2).astype(np.uint8), higher)
    matrix = kit.text("t.txt", "1 0 0 0\n0 1 0 0\n0 0 1 -60\n0 0 0 1\n")
    return kit.measure(femur, lesion, "--json", "--lesion-transform", matrix)


@scene("ends_exchanged", "entry_moved", "neck_area_share")
def a_path_from_the_wrong_end(kit: Kit) -> list[str]:
    tunnel = json.loads((kit.kept_plan / "plan.json").read_text())["tunnels"][0]
    entry, tip = np.array(tunnel["entry"]), np.array(tunnel["tip"])
    given = [",".join(f"{v:.3f}" for v in point) for point in (tip, entry + 0.1 * (tip - entry))]
    path = ["--entry", given[0], "--tip", given[1], "--diameter", "18"]
    return ["assess", *MASKS, *path, "--no-pictures", "--json", "--out", str(kit.folder / "assessed")]


@scene("no_bound", "risk_without_cavity", "cavity_unconfirmed", "objective_most", "avoid_far")
def a_plan_with_a_cavity(kit: Kit) -> list[str]:
    values, affine = sample()
    away = affine.copy()
    away[:3, 3] += 400.0
    avoid = kit.nifti("far.nii.gz", (values == 2).astype(np.uint8), away)
    more = ["--preset", "acd", "--objective", "safest", "--seconds", "1", "--avoid", str(avoid)]
    return ["plan", *MASKS, *more, "--no-pictures", "--json", "--out", str(kit.folder / "planned")]


@scene("fewer_tunnels")
def a_plan_of_more_than_fit(kit: Kit) -> list[str]:
    values, affine = sample()
    values = values.copy()
    dead = np.argwhere(values == 2)
    core = ball(values, tuple(dead.mean(axis=0)), 3.0 / abs(affine[0, 0]))
    values[(values == 2) & ~core] = 1
    path = kit.nifti("small.nii.gz", values, affine)
    masks = ["--femur", f"{path}:1", "--lesion", f"{path}:2"]
    return ["plan", *masks, "--tunnels", "2", "--no-pictures", "--json", "--out", str(kit.folder / "planned")]


@scene("breach_limit_not_met")
def a_plan_for_a_rough_hand(kit: Kit) -> list[str]:
    method = "[methods.rough]\nentry_mm = 3.0\nangle_deg = 4.0\ndepth_mm = 3.0\n"
    more = ["--methods", str(kit.text("m.toml", method)), "--robust", "rough", "--no-pictures", "--json"]
    return ["plan", *MASKS, *more, "--out", str(kit.folder / "planned")]


def reviewed(kit: Kit) -> Path:
    """A plan as the review page writes it: moved, a broken limit accepted, signed."""
    desk = ReviewModel.open(kit.plan())
    session = desk.session()
    for step in (
        Nudge(0, "tip", inward_mm=2.0), Note("mind the old screw"), Accept("two surgeons agreed"),
        SignOff("A. Surgeon", "right", "2026-01-01", broken=True),
    ):  # fmt: skip
        session = apply(session, step, rev=session.rev)
    return write_outcome(desk, session, measured(desk), kit.folder, None)


WRITTEN["reviewed"] = (reviewed, {"reviewed", "notes", "accepted", "signed"})


@scene("draft_femur", slow=False)
def a_femur_nobody_has_looked_at(kit: Kit) -> list[str]:
    values, affine = sample()
    femur = kit.folder / "femur.nii.gz"
    write_labels(femur, Grid(values.shape, affine), (values > 0).astype(np.uint8), note=DRAFT_NOTE)
    lesion = kit.nifti("lesion.nii.gz", (values == 2).astype(np.uint8), affine)
    return kit.measure(femur, lesion, "--json")


def _drafted(kit: Kit, whole: Whole, bone: BoolArray | None = None) -> list[str]:
    """The command that drafts the femur of a drawn hip; ``bone`` (N,) says which of its voxels are bone besides."""
    values = whole.ct.values.copy()
    if bone is not None:
        values[bone.reshape(values.shape)] = 600.0
    ct, lesion = kit.folder / "ct.nii.gz", kit.folder / "lesion.nii.gz"
    write_image(ct, Image(whole.ct.grid, values))
    write_mask(lesion, whole.lesion)
    return ["draft", "--image", str(ct), "--lesion", str(lesion), "--out", str(kit.folder / "draft.nii.gz"), "--json"]


def _from_the_center(whole: Whole) -> FloatArray:
    """Where every voxel of a drawn hip lies from the head's centre (N, 3), mm."""
    grid = whole.ct.grid
    return transform(grid.world_from_index, np.indices(grid.shape).reshape(3, -1).T) - whole.center


@scene("draft_no_acetabulum")
def a_head_far_from_its_socket(kit: Kit) -> list[str]:
    return _drafted(kit, whole_hip(3, gap_mm=18.0, spacing=(1.2, 1.2, 1.2), below_mm=60.0))


@scene("draft_joint_unclear")
def a_joint_filled_above(kit: Kit) -> list[str]:
    whole = whole_hip(3, spacing=(1.2, 1.2, 1.2), below_mm=60.0)
    away = _from_the_center(whole)
    size = np.linalg.norm(away, axis=1)
    shell = (size > whole.radius_mm - 1.0) & (size < whole.radius_mm + 6.0)
    return _drafted(kit, whole, shell & (away[:, 2] > np.cos(np.radians(50.0)) * size))


@scene("draft_bridges_cut")
def a_wire_of_bone_to_the_pelvis(kit: Kit) -> list[str]:
    whole = whole_hip(3, spacing=(1.2, 1.2, 1.2), below_mm=60.0)
    away, radius = _from_the_center(whole), whole.radius_mm
    lateral = float(np.sign((whole.femur.positions_mm() - whole.center)[:, 0].mean()))
    corners = [(1.5 * lateral, 0.0, -2.5), (-1.6 * lateral, 0.0, -2.5), (-1.6 * lateral, 0.0, 0.3)]
    wire = np.zeros(len(away), dtype=bool)
    for start, end in pairwise(radius * np.array(corners)):
        along = (away - start) @ (end - start) / np.linalg.norm(end - start) ** 2
        aside = np.linalg.norm(away - start - along[:, None] * (end - start), axis=1)
        wire |= (aside < 1.8) & (along > 0.0) & (along < 1.0)
    return _drafted(kit, whole, wire)
