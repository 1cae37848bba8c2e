"""Bones, places, parameters and options that are refused: a recipe for each message."""

from __future__ import annotations

import json

import nibabel as nib
import numpy as np
import pytest

from corecore.base.cancellation import cancellable
from corecore.base.errors import CorecoreError
from corecore.base.grid import transform
from corecore.base.parallel import in_parts
from corecore.study.phantom.hip import HipRecipe
from corecore.study.samples import sample as shipped
from support.message_kit import MASKS, SAMPLE, Kit, ball, beyond, command, cube, sample


def _plan(kit: Kit, *more: str) -> list[str]:
    return ["plan", *MASKS, "--no-pictures", "--out", str(kit.folder / "made"), *more]


@command("femur-too-small")
def _(kit: Kit) -> list[str]:
    path = kit.nifti("cube.nii.gz", cube(), np.diag([2.0, 2.0, 2.0, 1.0]))
    return kit.measure(f"{path}:1", f"{path}:2")


@command("lesion-outside-femur")
def _(kit: Kit) -> list[str]:
    values, affine = sample()
    away = affine.copy()
    away[2, 3] += 300.0
    return kit.measure(f"{SAMPLE}:1", kit.nifti("lesion.nii.gz", (values == 2).astype(np.uint8), away))


@command("lesion-away-from-head")
def _(kit: Kit) -> list[str]:
    values, affine = sample()
    values = values.copy()
    i, j = np.argwhere(values[:, :, 20] == 1).mean(axis=0).astype(int)
    values[i : i + 8, j : j + 8, 20:28] = 2
    path = kit.nifti("two.nii.gz", values, affine)
    return kit.measure(f"{path}:1", f"{path}:2")


@command("mask-too-fine", slow=True)
def _(kit: Kit) -> list[str]:
    kit.patch.setattr("corecore.hip.keep_out.FIELD_MAX", 10.0)
    return _plan(kit, "--avoid", f"{SAMPLE}:2")


@command("side-needed")
def _(kit: Kit) -> list[str]:
    values = np.zeros((120, 40, 60), dtype=np.uint8)
    for center in ((25, 20, 30), (95, 20, 30)):
        values[ball(values, center, 12.0)] = 1
        values[ball(values, center, 4.0)] = 2
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    affine[0, 3] = -119.0
    path = kit.nifti("both.nii.gz", values, affine)
    return kit.measure(f"{path}:1", f"{path}:2")


@command("side-unclear")
def _(kit: Kit) -> list[str]:
    values, affine = sample()
    neck = kit.hip.to_world(kit.hip.anatomy.head_center) - kit.hip.to_world(kit.hip.anatomy.neck_center)
    turn = 0.5 * np.pi - np.arctan2(neck[1], neck[0])
    around = np.eye(4)
    around[:2, :2] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    path = kit.nifti("ahead.nii.gz", values, around @ affine)
    return kit.measure(f"{path}:1", f"{path}:2")


@command("side-contradicts")
def _(kit: Kit) -> list[str]:
    values, affine = sample()
    femur = kit.nifti("femur_left.nii.gz", (values == 1).astype(np.uint8), affine)
    return kit.measure(femur, kit.nifti("lesion_right.nii.gz", (values == 2).astype(np.uint8), affine))


def _two_segs(kit: Kit, **told: str) -> list[str]:
    """A femur and a lesion as DICOM SEGs on two series of one patient and frame, but for what is told of the second."""
    files = pytest.importorskip("support.format_files")
    paths = []
    for name in ("femur", "lesion"):
        series = files.dicom_series(kit.folder / name, cube().astype(np.int16), np.eye(4))
        for dataset in series:
            dataset.FrameOfReferenceUID = "1.2.3"
            for key, value in told.items() if name == "lesion" else ():
                setattr(dataset, key, value)
        paths.append(files.dicom_seg(kit.folder / f"{name}.dcm", cube(), series))
    return kit.measure(f"{paths[0]}:1", f"{paths[1]}:2")


@command("frames-differ")
def _(kit: Kit) -> list[str]:
    return _two_segs(kit, FrameOfReferenceUID="1.2.4")


@command("patients-differ")
def _(kit: Kit) -> list[str]:
    return _two_segs(kit, PatientID="P2")


@command("forms-contradict")
def _(kit: Kit) -> list[str]:
    values, affine = sample()
    image = nib.Nifti1Image(values, affine)
    image.set_sform(affine, code=1)
    image.set_qform(np.diag([-1.0, 1.0, 1.0, 1.0]) @ affine, code=1)
    nib.save(image, kit.folder / "mirrored.nii.gz")
    return kit.measure(f"{kit.folder / 'mirrored.nii.gz'}:1", f"{kit.folder / 'mirrored.nii.gz'}:2")


@command("head-labelled-pelvis")
def _(kit: Kit) -> list[str]:
    values, affine = sample()
    head = transform(np.linalg.inv(affine), kit.hip.to_world(kit.hip.anatomy.head_center))
    mm = abs(affine[0, 0])
    cap = (values == 1) & ball(values, tuple(head + np.array([-18.0, 0.0, 10.0]) / mm), 12.0 / mm)
    path = kit.nifti("cap.nii.gz", np.where(cap, 3, values).astype(np.uint8), affine)
    return kit.measure(f"{path}:1", f"{path}:2", "--pelvis", f"{path}:3")


@command("patient-position")
def _(kit: Kit) -> list[str]:
    values, affine = sample()
    # Turned about the left-right axis: head below the shaft, front behind.
    path = kit.nifti("turned.nii.gz", values, np.diag([1.0, -1.0, -1.0, 1.0]) @ affine)
    return kit.measure(f"{path}:1", f"{path}:2")


@command("bone-mirrored")
def _(kit: Kit) -> list[str]:
    values, affine = sample()
    # Front and back exchanged: the neck still points inward.
    path = kit.nifti("mirrored.nii.gz", values[:, ::-1], affine)
    return kit.measure(f"{path}:1", f"{path}:2", "--side", "right")


@command("head-not-found")
def _(kit: Kit) -> list[str]:
    values = np.zeros((70, 70, 70), dtype=np.uint8)
    values[5:-5, 5:-5, 5:-5] = 1
    values[30:40, 30:40, 30:40] = 2
    path = kit.nifti("box.nii.gz", values, np.diag([1.5, 1.5, 1.5, 1.0]))
    return kit.measure(f"{path}:1", f"{path}:2", "--side", "right")


@command("neck-not-found")
def _(kit: Kit) -> list[str]:
    values, affine = sample()
    values = values.copy()
    anatomy = kit.hip.anatomy
    center, neck = kit.hip.to_world(anatomy.head_center), kit.hip.to_world(anatomy.neck_center)
    axis = (neck - center) / np.linalg.norm(neck - center)
    away = transform(affine, np.moveaxis(np.indices(values.shape), 0, -1).reshape(-1, 3)) - neck
    along = away @ axis
    beside = np.linalg.norm(away - along[:, None] * axis, axis=1)
    # Broken at the neck, away from the head, but for a rod of 6 mm radius.
    values[((np.abs(along - 8.0) < 3.0) & (beside > 6.0)).reshape(values.shape)] = 0
    path = kit.nifti("broken.nii.gz", values, affine)
    return kit.measure(f"{path}:1", f"{path}:2", "--side", "right")


@command("pelvis-unusable")
def _(kit: Kit) -> list[str]:
    values, affine = sample()
    # A block in the volume's corner, far from the head.
    block = np.zeros_like(values)
    block[:12, :12, :12] = 1
    return kit.of_sample("--pelvis", kit.nifti("pelvis.nii.gz", block, affine))


@command("knee-unusable")
def _(kit: Kit) -> list[str]:
    # The proximal femur is no knee.
    return kit.of_sample("--knee", f"{SAMPLE}:1")


@command("landmarks-invalid")
def _(kit: Kit) -> list[str]:
    return kit.of_sample("--landmarks", kit.text("l.json", '{"kneecap": [1, 2, 3]}'))


@command("landmarks-incomplete")
def _(kit: Kit) -> list[str]:
    return kit.of_sample("--landmarks", kit.text("l.json", '{"condyle_medial": [1, 2, 3]}'))


@command("ridge-not-found", slow=True)
def _(kit: Kit) -> list[str]:
    # The drawn femur's flank is straight: it has no such ridge.
    return _plan(kit, "--set", "entry_below_ridge_mm=2")


@command("landmark-implausible")
def _(kit: Kit) -> list[str]:
    return kit.of_sample("--landmarks", kit.text("l.json", '{"acetabular_edge": [0, 0, 500]}'))


@command("usage")
def _(kit: Kit) -> list[str]:
    return ["plan", "--femur", "x.nii.gz"]


@command("option-missing")
def _(kit: Kit) -> list[str]:
    return ["assess", *MASKS, "--diameter", "10", "--out", str(kit.folder / "made")]


@command("option-value")
def _(kit: Kit) -> list[str]:
    return kit.of_sample("--side", "up")


@command("options-conflict")
def _(kit: Kit) -> list[str]:
    return kit.of_sample("--lesion-image", SAMPLE)


@command("preset-unknown")
def _(kit: Kit) -> list[str]:
    return _plan(kit, "--preset", "core-11")


@command("instrument-unknown")
def _(kit: Kit) -> list[str]:
    return ["instruments", "drill-99"]


@command("instrument-invalid")
def _(kit: Kit) -> list[str]:
    return ["instruments", str(kit.text("i.toml", "[mine]\ndiameter_mm = 300\n"))]


@command("parameter-unknown")
def _(kit: Kit) -> list[str]:
    return _plan(kit, "--set", "joint_margin=5")


@command("parameter-value")
def _(kit: Kit) -> list[str]:
    return _plan(kit, "--set", "joint_margin_mm=2")


@command("parameters-conflict")
def _(kit: Kit) -> list[str]:
    return _plan(kit, "--set", "shaft_angle_min_deg=140", "--set", "shaft_angle_max_deg=120")


@command("config-unreadable")
def _(kit: Kit) -> list[str]:
    return _plan(kit, "--config", str(kit.text("c.toml", "diameter_mm 8")))


@command("methods-invalid")
def _(kit: Kit) -> list[str]:
    return _plan(kit, "--methods", str(kit.text("m.toml", "[methods.mine]\n")))


@command("stage-unknown")
def _(kit: Kit) -> list[str]:
    return kit.of_sample("--stage", "ARCO 9")


@command("date-invalid")
def _(kit: Kit) -> list[str]:
    return kit.of_sample("--imaging-date", "last spring")


@command("place-off-bone", slow=True)
def _(kit: Kit) -> list[str]:
    return _plan(kit, "--entry", "0,0,500")


@command("direction-refused", slow=True)
def _(kit: Kit) -> list[str]:
    return _plan(kit, "--direction", "0,0,-1")


@command("kept-breaks-limit", slow=True)
def _(kit: Kit) -> list[str]:
    tunnel = json.loads((kit.kept_plan / "plan.json").read_text())["tunnels"][0]
    entry, tip = (",".join(f"{value:.3f}" for value in tunnel[end]) for end in ("entry", "tip"))
    return _plan(kit, "--tunnels", "2", "--keep", f"{entry}:{tip}:14")


@command("path-off-bone", slow=True)
def _(kit: Kit) -> list[str]:
    path = ["--entry", "0,0,500", "--tip", "10,0,500", "--diameter", "8"]
    return ["assess", *MASKS, *path, "--out", str(kit.folder / "made")]


@command("line-not-single")
def _(kit: Kit) -> list[str]:
    text = '{"markups": [{"type": "Fiducial", "coordinateSystem": "LPS", "controlPoints": []}]}'
    path = ["--line", str(kit.text("l.mrk.json", text)), "--diameter", "8"]
    return ["assess", *MASKS, *path, "--out", str(kit.folder / "made")]


@command("markups-invalid")
def _(kit: Kit) -> list[str]:
    path = ["--line", str(kit.text("l.mrk.json", '{"markups": 3}')), "--diameter", "8"]
    return ["assess", *MASKS, *path, "--out", str(kit.folder / "made")]


@command("out-of-memory")
def _(kit: Kit) -> list[str]:
    def greedy(*given: object, **named: object) -> None:
        raise MemoryError

    kit.patch.setattr("corecore.exports.workflow.read_case", greedy)
    return kit.of_sample()


@command("interrupted")
def _(kit: Kit) -> list[str]:
    def stopped(*given: object, **named: object) -> None:
        raise KeyboardInterrupt

    kit.patch.setattr("corecore.exports.workflow.read_case", stopped)
    return kit.of_sample()


@command("recipe-value")
def _(kit: Kit) -> list[str]:
    with pytest.raises(CorecoreError) as caught:
        HipRecipe(side="up")  # type: ignore[arg-type]
    assert caught.value.code == "recipe-value"
    return ["synth", "--side", "up", "--out", str(kit.folder / "hips")]


@beyond("cancelled")
def _(kit: Kit) -> str:
    with pytest.raises(CorecoreError) as caught, cancellable(lambda: True):
        in_parts(1, lambda part: None)
    return caught.value.code


@beyond("sample-missing")
def _(kit: Kit) -> str:
    with pytest.raises(CorecoreError) as caught:
        shipped("no_such_hip.nii.gz")
    return caught.value.code


@command("draft-image")
def _(kit: Kit) -> list[str]:
    values = np.random.default_rng(0).integers(0, 400, (80, 80, 80)).astype(np.int16)
    path = kit.nifti("mr.nii.gz", values, np.eye(4))
    return ["draft", "--image", str(path), "--point", "40,40,40", "--out", str(kit.folder / "draft.nii.gz")]


@command("draft-failed")
def _(kit: Kit) -> list[str]:
    # Muscle in fat, and a board of bone: nothing in it is round.
    values = np.full((100, 100, 100), -100, dtype=np.int16)
    values[10:90, 10:90, 10:90] = 50
    values[48:52, 10:90, 10:90] = 700
    path = kit.nifti("board.nii.gz", values, np.eye(4))
    return ["draft", "--image", str(path), "--point", "50,50,50", "--out", str(kit.folder / "draft.nii.gz")]


@command("draft-unmarked")
def _(kit: Kit) -> list[str]:
    return ["draft", "--checked", str(SAMPLE), "--out", str(kit.folder / "checked.nii.gz")]
