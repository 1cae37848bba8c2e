"""The pictures of ``docs/slicer.md``, drawn by 3D Slicer's own core from the scene at each step.

``python slicer_pictures.py CASE OUT PYTHON ROOT``, as ``slicer_session.py``; prints the pictures' names.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import slicer

from support.slicer_session import OUT, Sitting, Slicer, fill, geometry, request_of

#: Sizes of the pictures, pixels.
SPACE, SLICE = (760, 620), (520, 460)


def views(app: Slicer, volume: Any, segments: Any) -> None:
    """The three slices, upright through the right head, and a view in space, as a fresh Slicer has them."""
    for name in ("Red", "Green", "Yellow"):
        for kind, made in (
            ("", slicer.vtkMRMLSliceNode()), (" composite", slicer.vtkMRMLSliceCompositeNode()),
        ):  # fmt: skip
            made.SetLayoutName(name)
            made.SetName(name + kind)
            made.SetSingletonTag(name)
            node = app.scene.AddNode(made)
            if kind:
                node.SetBackgroundVolumeID(volume.GetID())
    view = slicer.vtkMRMLViewNode()
    view.SetLayoutName("1")
    view.SetSingletonTag("1")
    view.SetBoxVisible(False)
    view.SetAxisLabelsVisible(False)
    view.SetOrientationMarkerType(view.OrientationMarkerTypeAxes)
    app.scene.AddNode(view)
    center = segments.GetSegmentCenterRAS(segments.GetSegmentation().GetNthSegmentID(1))
    green = app.scene.GetNodeByID("vtkMRMLSliceNodeGreen")
    # Coronal, the patient's right on the left.
    coronal = ((-1, 0, 0, center[0] + 18.0), (0, 0, 1, center[1] - 6.0), (0, 1, 0, center[2] - 22.0), (0, 0, 0, 1))
    for row, values in enumerate(coronal):
        for column, value in enumerate(values):
            green.GetSliceToRAS().SetElement(row, column, value)
    green.UpdateMatrices()
    for name in ("Red", "Green", "Yellow"):
        app.scene.GetNodeByID(f"vtkMRMLSliceNode{name}").SetFieldOfView(130, 130, 1)


def look(app: Slicer, line: Any) -> None:
    """The camera before the hip, the path across the picture."""
    entry, tip = geometry.line_ends(line)
    middle = [0.5 * (a + b) for a, b in zip(entry, tip, strict=True)]
    camera = app.scene.AddNewNodeByClass("vtkMRMLCameraNode", "camera")
    camera.SetLayoutName("1")
    camera.SetFocalPoint(*middle)
    camera.SetPosition(middle[0] + 90.0, middle[1] + 330.0, middle[2] + 40.0)
    camera.SetViewUp(0, 0, 1)


def main() -> None:
    app = Slicer()
    found = fill(app.scene)
    segmentation = found["node"]
    for name in ("femur left", "necrosis left", "both", "empty"):
        segmentation.GetDisplayNode().SetSegmentVisibility(found["segments"][name], False)
    views(app, found["volume"], segmentation)
    segmentation.SetDisplayVisibility(False)
    app.in_slice("Green", OUT / "ct.png", SLICE)
    segmentation.SetDisplayVisibility(True)
    segmentation.GetDisplayNode().SetVisibility3D(False)
    app.in_slice("Green", OUT / "segments.png", SLICE)

    sitting = Sitting(app.scene, OUT / "plans")
    logic = sitting.logic
    logic.wait(logic.plan(request_of(found, case_id="sample")))
    assert not sitting.complaints, sitting.complaints
    (line,) = logic.nodes.found("path", "vtkMRMLMarkupsLineNode")
    look(app, line)
    found["points"].SetDisplayVisibility(False)
    app.in_space(OUT / "space.png", SPACE)
    for name in ("Red", "Green", "Yellow"):
        app.scene.GetNodeByID(f"vtkMRMLSliceNode{name}").SetFieldOfView(130, 130, 1)
    app.in_slice("Green", OUT / "along.png", SLICE)
    app.in_slice("Red", OUT / "across.png", SLICE)

    _, tip = geometry.line_ends(line)
    line.SetNthControlPointPositionWorld(1, tip[0] - 2.0, tip[1], tip[2] + 6.0)
    logic.poll()
    logic.wait(logic._job)
    assert logic.figures["exceeds"]
    app.in_space(OUT / "moved.png", SPACE)
    line.SetNthControlPointPositionWorld(1, *tip)
    logic.poll()
    logic.wait(logic._job)
    logic.wait(logic.views())
    view = logic.nodes.found("view", "vtkMRMLScalarVolumeNode")[0]
    logic.nodes.face(view)
    segmentation.SetDisplayVisibility(False)
    for model in logic.nodes.found("femur", "vtkMRMLModelNode"):
        model.GetDisplayNode().SetVisibility2D(False)
    app.scene.GetNodeByID("vtkMRMLSliceNodeRed").SetFieldOfView(230, 230, 1)
    app.in_slice("Red", OUT / "view.png", (460, 460))
    logic.close()
    print(json.dumps(sorted(path.name for path in OUT.glob("*.png"))))


main()
