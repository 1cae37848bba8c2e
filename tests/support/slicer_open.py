"""Opens a scene with 3D Slicer's own core, tells what is in it, and draws what its views show.

``python slicer_open.py SCENE OUT``: prints one line of JSON; pictures go into the folder.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from support.in_slicer import Slicer

KINDS = ("Model", "MarkupsLine", "MarkupsPlane", "Segmentation", "ScalarVolume", "Table", "Text")


def told(node: Any) -> dict[str, Any]:
    """A node's name, colour and what it holds."""
    found: dict[str, Any] = {
        "name": node.GetName(),
        "role": node.GetAttribute("corecore.role"),
        "plan": node.GetAttribute("corecore.plan"),
    }
    display = node.GetDisplayNode() if hasattr(node, "GetDisplayNode") else None
    if display is not None:
        found |= {
            "color": list(display.GetColor()),
            "opacity": display.GetOpacity(),
            "visible": bool(display.GetVisibility()),
        }
    if node.IsA("vtkMRMLModelNode"):
        places = vtk_to_numpy(node.GetPolyData().GetPoints().GetData())
        found |= {"low": places.min(axis=0).tolist(), "high": places.max(axis=0).tolist()}
    if node.IsA("vtkMRMLMarkupsNode"):
        found |= {
            "points": [list(node.GetNthControlPointPositionWorld(n)) for n in range(node.GetNumberOfControlPoints())],
            "locked": bool(node.GetLocked()),
        }
    if node.IsA("vtkMRMLSegmentationNode"):
        segments = node.GetSegmentation()
        found["segments"] = {}
        for number in range(segments.GetNumberOfSegments()):
            image = slicer.vtkOrientedImageData()
            node.GetBinaryLabelmapRepresentation(segments.GetNthSegmentID(number), image)
            matrix = vtk.vtkMatrix4x4()
            image.GetImageToWorldMatrix(matrix)
            found["segments"][segments.GetNthSegment(number).GetName()] = {
                "voxels": int((vtk_to_numpy(image.GetPointData().GetScalars()) > 0).sum()),
                "matrix": [[matrix.GetElement(i, j) for j in range(4)] for i in range(4)],
                "color": list(segments.GetNthSegment(number).GetColor()),
            }
    if node.IsA("vtkMRMLTableNode"):
        found["rows"] = [
            [node.GetCellText(i, j) for j in range(node.GetNumberOfColumns())] for i in range(node.GetNumberOfRows())
        ]
    if node.IsA("vtkMRMLTextNode"):
        found["text"] = node.GetText()
    return found


def tree(scene: Any) -> dict[str, list[str]]:
    """The folders of the data tree, and what is in each."""
    own = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    found: dict[str, list[str]] = {}

    def walk(item: int, folder: str) -> None:
        below = vtk.vtkIdList()
        own.GetItemChildren(item, below)
        for number in range(below.GetNumberOfIds()):
            child = below.GetId(number)
            found.setdefault(folder, []).append(own.GetItemName(child))
            walk(child, own.GetItemName(child))

    walk(own.GetSceneItemID(), "")
    return found


def main() -> None:
    scene, out = Path(sys.argv[1]), Path(sys.argv[2])
    app = Slicer()
    result: dict[str, Any] = {"opened": app.open(scene)}
    result["nodes"] = {kind: [told(node) for node in app.nodes(f"vtkMRML{kind}Node")] for kind in KINDS}
    result["tree"] = tree(app.scene)
    result["slices"] = {}
    for name in ("Red", "Green", "Yellow"):
        node = app.scene.GetNodeByID(f"vtkMRMLSliceNode{name}")
        matrix = node.GetSliceToRAS()
        behind = app.scene.GetNodeByID(f"vtkMRMLSliceCompositeNode{name}").GetBackgroundVolumeID()
        result["slices"][name] = {
            "matrix": [[matrix.GetElement(i, j) for j in range(4)] for i in range(4)],
            "behind": behind,
        }
    result["layout"] = app.nodes("vtkMRMLLayoutNode")[0].GetViewArrangement()
    (camera,) = app.nodes("vtkMRMLCameraNode")
    result["camera"] = {"place": list(camera.GetPosition()), "focus": list(camera.GetFocalPoint())}
    app.in_space(out / "space.png")
    app.in_slice("Green", out / "along.png")
    app.in_slice("Red", out / "across.png")
    print(json.dumps(result))


main()
