"""One sitting at 3D Slicer, without its desktop: the module's logic on a scene, corecore in a process beside it.

``python slicer_session.py CASE OUT PYTHON ROOT``: the case's files, a folder for what is written, the Python that has
corecore, and where its sources lie. Prints what came of each act as one line of JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

CASE, OUT, PYTHON, ROOT = (Path(word) for word in sys.argv[1:5])
sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(ROOT / "slicer" / "CoreDecompression")]

import numpy as np
import slicer
import vtk
from CoreDecompressionLib import (
    CoreDecompressionLogic,
    PersonError,
    PlanRequest,
    SegmentRef,
    geometry,
    parameters,
)
from CoreDecompressionLib import companion as beside
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from support.in_slicer import Slicer

__all__ = ["OUT", "Sitting", "Slicer", "fill", "geometry", "request_of"]

NAMES = {1: "femur right", 2: "necrosis right", 3: "femur left", 4: "necrosis left"}
COLORS = {1: (0.87, 0.83, 0.74), 2: (0.9, 0.62, 0.0), 3: (0.7, 0.7, 0.6), 4: (0.8, 0.4, 0.0)}


def image_of(values: Any, kind: Any) -> Any:
    """Voxels (nx, ny, nz) as one of VTK's images."""
    image = kind()
    image.SetDimensions(*values.shape)
    scalars = numpy_to_vtk(np.asfortranarray(values).ravel(order="F"), deep=True)
    image.GetPointData().SetScalars(scalars)
    return image


def fill(scene: Any, place: Any = None) -> dict[str, Any]:
    """Volume, segmentation and landmarks of the case; ``place`` (4, 4): where the scene has them, else the case's."""
    told = np.load(CASE / "scene.npz")
    matrix = told["matrix"] if place is None else place
    volume = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
    volume.SetAndObserveImageData(image_of(told["image"], vtk.vtkImageData))
    volume.SetIJKToRASMatrix(geometry.vtk_matrix(matrix))
    volume.CreateDefaultDisplayNodes()
    volume.GetDisplayNode().SetAutoWindowLevel(False)
    volume.GetDisplayNode().SetWindowLevel(1400, 400)
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "hips")
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    masks = {label: told["labels"] == label for label in NAMES}
    # The whole bone is both.
    masks[1], masks[3] = masks[1] | masks[2], masks[3] | masks[4]
    segments = {}
    for label, mask in masks.items():
        # Cut to its voxels, as Slicer keeps a segment.
        filled = np.argwhere(mask)
        low, high = filled.min(axis=0), filled.max(axis=0)
        cut = image_of(
            mask[tuple(slice(a, b + 1) for a, b in zip(low, high, strict=True))].astype(np.uint8),
            slicer.vtkOrientedImageData,
        )
        extent = [int(v) for pair in zip(low, high, strict=True) for v in pair]
        cut.SetExtent(extent)
        cut.SetImageToWorldMatrix(geometry.vtk_matrix(matrix))
        segments[NAMES[label]] = node.AddSegmentFromBinaryLabelmapRepresentation(cut, NAMES[label], COLORS[label])
    segments["empty"] = node.GetSegmentation().AddEmptySegment("empty", "empty")
    # Both lesions in one, as whoever forgot which side would draw them.
    both = image_of((masks[2] | masks[4]).astype(np.uint8), slicer.vtkOrientedImageData)
    both.SetImageToWorldMatrix(geometry.vtk_matrix(matrix))
    segments["both"] = node.AddSegmentFromBinaryLabelmapRepresentation(both, "necrosis of both sides", [0.5, 0.5, 0.5])
    points = scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "landmarks")
    points.AddControlPoint(vtk.vtkVector3d(*told["landmark"]), "lesser_trochanter_tip")
    return {"volume": volume, "node": node, "segments": segments, "points": points}


def request_of(found: dict[str, Any], **other: Any) -> PlanRequest:
    """The right hip's plan."""
    refs = {name: SegmentRef(found["node"], segment) for name, segment in found["segments"].items()}
    asked = PlanRequest(
        femur=refs["femur right"], lesion=refs["necrosis right"], volume=found["volume"], landmarks=found["points"],
        side="right", objective="most", pictures=False, more={"outline_error_mm": "0"}, case_id="both hips",
    )  # fmt: skip
    for name, value in other.items():
        setattr(asked, name, refs[value] if isinstance(value, str) and value in refs else value)
    return asked


class Sitting:
    """The logic with somebody who listens."""

    def __init__(self, scene: Any, folder: Path) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self.logic = CoreDecompressionLogic(scene, [str(PYTHON), "-c", beside.STARTER], folder, environment)
        self.said: list[str] = []
        self.complaints: list[str] = []
        self.steps: list[Any] = []
        self.logic.say = self.said.append
        self.logic.complain = self.complaints.append
        self.logic.step = lambda name, share: self.steps.append((name, share))

    def refused(self, request: PlanRequest) -> str:
        """What is said to a request that no plan can be made of."""
        before = len(self.complaints)
        try:
            self.logic.wait(self.logic.plan(request))
        except PersonError as error:
            return str(error)
        return " ".join(self.complaints[before:])


def plain(model: Any) -> Any:
    return vtk_to_numpy(model.GetPolyData().GetPoints().GetData()).astype(float)


def ends(line: Any) -> Any:
    return geometry.line_ends(line)


def main() -> None:
    told: dict[str, Any] = {}
    app = Slicer()
    found = fill(app.scene)
    first = Sitting(app.scene, OUT / "plans")
    logic = first.logic

    # What a person gets wrong.
    told["nothing"] = first.refused(PlanRequest())
    told["same"] = first.refused(request_of(found, lesion="femur right"))
    told["empty"] = first.refused(request_of(found, lesion="empty"))
    told["other side"] = first.refused(request_of(found, lesion="necrosis left", volume=None))
    told["wrong side"] = first.refused(request_of(found, side="left", volume=None))
    told["both"] = first.refused(request_of(found, lesion="both", volume=None))
    try:
        logic.evaluate()
    except PersonError as error:
        told["no plan"] = str(error)

    # A transform above the segmentation: the masks lie where the person sees them.
    turned = geometry.vtk_matrix(np.array([[0, -1, 0, 12.5], [1, 0, 0, -40.0], [0, 0, 1, 7.25], [0, 0, 0, 1.0]]))
    above = app.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "turned")
    above.SetMatrixTransformToParent(turned)
    found["node"].SetAndObserveTransformNodeID(above.GetID())
    _, there = geometry.segment_voxels(found["node"], found["segments"]["femur right"])
    told["turned"] = there.tolist()
    found["node"].SetAndObserveTransformNodeID(None)
    grid = app.scene.AddNewNodeByClass("vtkMRMLBSplineTransformNode", "bent")
    bent = slicer.vtkOrientedBSplineTransform()
    coefficients = vtk.vtkImageData()
    coefficients.SetDimensions(4, 4, 4)
    coefficients.AllocateScalars(vtk.VTK_DOUBLE, 3)
    coefficients.GetPointData().GetScalars().Fill(1.0)
    bent.SetCoefficientData(coefficients)
    grid.SetAndObserveTransformToParent(bent)
    found["node"].SetAndObserveTransformNodeID(grid.GetID())
    told["bent"] = first.refused(request_of(found))
    found["node"].SetAndObserveTransformNodeID(None)
    # It cannot be saved.
    app.scene.RemoveNode(grid)

    # The plan.
    logic.wait(logic.plan(request_of(found)))
    told["complaints"], told["said"], told["steps"] = first.complaints[-1:], first.said, first.steps
    told["plan"] = logic.stored
    told["folder"] = str(logic.plan_folder)
    nodes = logic.nodes
    (line,) = nodes.found("path", "vtkMRMLMarkupsLineNode")
    told["line"], told["locked"] = ends(line), bool(line.GetLocked())
    models = {node.GetName(): node for node in nodes.found("tunnel", "vtkMRMLModelNode")}
    models |= {role: nodes.found(role, "vtkMRMLModelNode")[0] for role in ("femur", "lesion")}
    told["bounds"] = {
        name: [plain(one).min(axis=0).tolist(), plain(one).max(axis=0).tolist()] for name, one in models.items()
    }
    told["tunnel points"] = plain(models["tunnel 1"]).tolist()
    told["colors"] = {name: list(one.GetDisplayNode().GetColor()) for name, one in models.items()}
    for role in ("limits", "measures"):
        (table,) = nodes.found(role, "vtkMRMLTableNode")
        told[role] = [
            [table.GetCellText(row, column) for column in range(table.GetNumberOfColumns())]
            for row in range(table.GetNumberOfRows())
        ]
    tree = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(app.scene)
    listed = vtk.vtkIdList()
    tree.GetItemChildren(tree.GetItemByName("Core decompression"), listed)
    told["tree"] = [tree.GetItemDataNode(listed.GetId(n)).GetName() for n in range(listed.GetNumberOfIds())]

    # Slices along the tunnel.
    for name in ("Red", "Green", "Yellow"):
        for kind, made in (
            ("Slice", slicer.vtkMRMLSliceNode()),
            ("SliceComposite", slicer.vtkMRMLSliceCompositeNode()),
        ):
            made.SetLayoutName(name)
            made.SetName(name if kind == "Slice" else f"{name} composite")
            made.SetSingletonTag(name)
            app.scene.AddNode(made)
    logic.reslice(1)
    told["slices"] = {
        name: geometry.matrix_of(app.scene.GetNodeByID(f"vtkMRMLSliceNode{name}").GetSliceToRAS()).tolist()
        for name in ("Red", "Green", "Yellow")
    }
    told["behind"] = (
        app.scene.GetNodeByID("vtkMRMLSliceCompositeNodeRed").GetBackgroundVolumeID() == found["volume"].GetID()
    )

    # A line that is dragged: many moves, one question, red where a limit is exceeded.
    logic.lock(False)
    tip = ends(line)[1]
    for step in range(1, 9):
        line.SetNthControlPointPositionWorld(1, tip[0], tip[1], tip[2] + 0.5 * step)
    before = logic.companion._number
    started = time.monotonic()
    logic.poll()
    logic.wait(logic._job)
    told["moved"] = {
        "seconds": time.monotonic() - started, "questions": logic.companion._number - before, "figures": logic.figures,
        "line": ends(line), "color": list(models["tunnel 1"].GetDisplayNode().GetColor()),
        "line color": list(line.GetDisplayNode().GetSelectedColor()),
    }  # fmt: skip
    line.AddDefaultStorageNode()
    saved = OUT / "moved.mrk.json"
    line.GetStorageNode().SetFileName(str(saved))
    line.GetStorageNode().WriteData(line)

    # The scene kept, and taken up again elsewhere.
    told["saved"] = app.save(OUT / "kept.mrb")
    again = Slicer()
    told["opened"] = again.open(OUT / "kept.mrb")
    second = Sitting(again.scene, OUT / "elsewhere")
    told["restored"] = second.logic.restore()
    told["kept plan"] = second.logic.stored
    second.logic.wait(second.logic.evaluate())
    told["kept figures"], told["kept complaints"] = second.logic.figures, second.complaints
    second.logic.close()

    # Back to the best near it, looked at by X-rays.
    logic.wait(logic.optimise(1))
    told["optimised"] = {"line": ends(line), "figures": logic.figures}
    logic.wait(logic.views())
    views = nodes.found("view", "vtkMRMLScalarVolumeNode")
    matrix = vtk.vtkMatrix4x4()
    views[0].GetIJKToRASMatrix(matrix)
    told["views"] = [one.GetName() for one in views]
    told["view"] = {"place": geometry.matrix_of(matrix).tolist(), "size": list(views[0].GetImageData().GetDimensions())}
    nodes.face(views[0])
    logic.reslice(1)

    # For other programs: the path as it is now, not as it was planned.
    told["was moved"] = logic.moved
    try:
        told["stale"] = str(logic.report)
    except PersonError as error:
        told["stale"] = str(error)
    logic.wait(logic.export("csv", OUT / "plan.csv"))
    told["kept"] = {
        "plan": logic.stored,
        "moved": logic.moved,
        "line": ends(nodes.found("path", "vtkMRMLMarkupsLineNode")[0]),
    }
    logic.wait(logic.export("nonsense", OUT / "plan.x"))
    told["export"] = first.complaints[-1]
    try:
        told["report"] = str(logic.report)
    except PersonError as error:
        told["report"] = str(error)

    # A process that somebody ends is started again, and a folder that is gone is told.
    running = logic.companion._process
    assert running is not None
    running.kill()
    running.wait()
    while logic.companion._process is not None:
        logic.poll()
    logic.wait(logic.evaluate())
    told["after its end"] = logic.figures["removed_fraction"]
    folder = logic.plan_folder
    folder.rename(folder.with_name("elsewhere"))
    try:
        logic.evaluate()
    except PersonError as error:
        told["gone folder"] = str(error)
    folder.with_name("elsewhere").rename(folder)

    # The panel's answers, kept in the scene.
    asked = request_of(found, diameter_mm=8.0, tunnels=2, margins={"joint_margin_mm": 6.0})
    parameters.keep(app.scene, asked)
    parameters.keep(app.scene, asked)
    told["answers"] = parameters.kept(app.scene) == asked

    # A line of the person's own, elsewhere in the neck.
    own = app.scene.AddNewNodeByClass("vtkMRMLMarkupsLineNode", "mine")
    entry = told["line"][0]
    own.AddControlPoint(vtk.vtkVector3d(*entry), "entry")
    own.AddControlPoint(vtk.vtkVector3d(tip[0], tip[1], tip[2] - 6.0), "tip")
    logic.wait(logic.evaluate_line(request_of(found, volume=None), own))
    told["own"] = {"plan": logic.stored, "entry": entry, "tip": [tip[0], tip[1], tip[2] - 6.0]}

    # Cancelled while it runs: nothing is left of it, and the earlier plan stays.
    job = logic.plan(request_of(found))
    process = logic.companion._process
    begun = len(first.steps)
    while not job.ended and "bone surface and anatomy" not in [name for name, _ in first.steps[begun:]]:
        logic.poll()
        time.sleep(0.01)
    logic.cancel()
    told["cancelled"] = {
        "ended": job.ended, "gone": process is None or process.poll() is not None, "word": first.complaints[-1],
        "plan": (logic.stored or {}).get("status"),
        "folders": sorted(one.name for one in (OUT / "plans").glob("plan_*")),
    }  # fmt: skip
    logic.close()
    print(json.dumps(told))


if __name__ == "__main__":
    main()
