"""A plan as nodes of the scene: models, lines, tables, the plan's own text, all in one folder of the data tree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import slicer
import vtk

from . import geometry

#: How the module knows its nodes again, in this scene and in one that was saved: the plan, what it is, which tunnel.
PLAN, ROLE, NUMBER, FOLDER, SIZES = (
    "corecore.plan", "corecore.role", "corecore.number", "corecore.folder", "corecore.sizes",
)  # fmt: skip
#: Colours of the parts, as on corecore's own pictures.
BONE, LESION, EXCEEDS = (0.867, 0.827, 0.741), (0.902, 0.624, 0.0), (0.659, 0.0, 0.11)
BONE_OPACITY, LESION_OPACITY = 0.3, 0.6


class PlanNodes:
    """The nodes of one plan in a scene; those of an earlier one are replaced."""

    def __init__(self, scene: Any) -> None:
        self.scene = scene

    def found(self, role: str, kind: str, number: int | None = None) -> list[Any]:
        """The nodes of a class with a role, by their numbers."""
        nodes = self.scene.GetNodesByClass(kind)
        every = [nodes.GetItemAsObject(place) for place in range(nodes.GetNumberOfItems())]
        own = [node for node in every if node.GetAttribute(ROLE) == role]
        if number is not None:
            own = [node for node in own if node.GetAttribute(NUMBER) == str(number)]
        return sorted(own, key=lambda node: int(node.GetAttribute(NUMBER) or 0))

    def clear(self) -> None:
        """Removes the nodes of an earlier plan, and the folder that held them."""
        nodes = self.scene.GetNodes()
        every = [nodes.GetItemAsObject(place) for place in range(nodes.GetNumberOfItems())]
        for node in every:
            if node.GetAttribute(ROLE) is not None:
                self.scene.RemoveNode(node)
        tree = self._tree()
        item = tree.GetItemByName(FOLDER_NAME)
        if item:
            tree.RemoveItem(item, False, True)

    def model(self, role: str, name: str, surface: Any, color: Sequence[float], opacity: float = 1.0) -> Any:
        """A closed surface, RAS mm."""
        node = self._node("vtkMRMLModelNode", role, name)
        node.SetAndObservePolyData(surface)
        display = _display(node)
        display.SetColor(*color)
        display.SetOpacity(opacity)
        display.SetVisibility2D(True)
        display.SetSliceIntersectionThickness(2)
        return node

    def tunnel(self, number: int, told: Mapping[str, Any]) -> tuple[Any, Any]:
        """A tunnel's model and its locked line, entry first; ``number`` from 1."""
        line = self._node("vtkMRMLMarkupsLineNode", "path", f"tunnel {number} path", number)
        _display(line)
        line.RemoveAllControlPoints()
        for label, place in (("entry", told["entry"]), ("tip", told["tip"])):
            line.AddControlPoint(vtk.vtkVector3d(*place), f"tunnel {number} {label}")
        line.SetLocked(True)
        line.SetAttribute(
            SIZES,
            " ".join(repr(float(told[name])) for name in ("diameter_mm", "cavity_diameter_mm", "cavity_length_mm")),
        )
        return self.shown(number, told), line

    def shown(self, number: int, told: Mapping[str, Any]) -> Any:
        """A tunnel as it lies in the bone, in its colour: red where a limit is exceeded. The line stays as it is."""
        surface = geometry.tunnel_surface(told["entry"], told["tip"], told["outline"])
        color = EXCEEDS if told["exceeds"] else told["color"]
        node = self.model("tunnel", f"tunnel {number}", surface, color)
        node.SetAttribute(NUMBER, str(number))
        for line in self.found("path", "vtkMRMLMarkupsLineNode", number):
            display = _display(line)
            display.SetColor(*color)
            display.SetSelectedColor(*color)
        return node

    def table(self, role: str, name: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Any:
        """A table of texts."""
        node = self._node("vtkMRMLTableNode", role, name)
        node.RemoveAllColumns()
        for place, title in enumerate(columns):
            column = vtk.vtkStringArray()
            column.SetName(title)
            for row in rows:
                column.InsertNextValue(str(row[place]))
            node.AddColumn(column)
        node.SetUseColumnTitleAsColumnHeader(True)
        return node

    def text(self, content: str, folder: Path, plan: str) -> Any:
        """The plan itself, kept in the scene: whoever opens it has the plan, and where it lies on the disk."""
        node = self._node("vtkMRMLTextNode", "plan", "plan")
        node.SetText(content)
        # A text of this length stands in a file of the scene.
        node.SetForceCreateStorageNode(True)
        node.SetAttribute(FOLDER, str(folder))
        node.SetAttribute(PLAN, plan)
        return node

    def volume(self, number: int, name: str, path: Path) -> Any:
        """A fluoroscopic view as a volume where its detector stands."""
        node = self._node("vtkMRMLScalarVolumeNode", "view", name, number)
        storage = slicer.vtkMRMLVolumeArchetypeStorageNode()
        storage.SetFileName(str(path))
        storage.SetCenterImage(0)
        # The views beside it are no slices of this one.
        storage.SetSingleFile(True)
        storage.ReadData(node)
        display = _display(node)
        display.SetDefaultColorMap()
        display.SetAutoWindowLevel(False)
        display.SetWindowLevelMinMax(0, 255)
        return node

    def reslice(self, entry: Any, tip: Any, volume: Any = None) -> list[Any]:
        """Turns the three slices to a tunnel: across it half-way, and along it twice. The slices that there are."""
        turned = []
        for name, matrix in zip(("Red", "Green", "Yellow"), geometry.slices_along(entry, tip)):
            node = self.scene.GetNodeByID(f"vtkMRMLSliceNode{name}")
            if node is None:
                continue
            node.GetSliceToRAS().DeepCopy(geometry.vtk_matrix(matrix))
            node.UpdateMatrices()
            turned.append(node)
            if volume is not None:
                self._behind(name, volume)
        return turned

    def face(self, volume: Any) -> None:
        """Shows a fluoroscopic view in the red slice, upright."""
        node = self.scene.GetNodeByID("vtkMRMLSliceNodeRed")
        if node is None:
            return
        matrix = vtk.vtkMatrix4x4()
        volume.GetIJKToRASDirectionMatrix(matrix)
        turn = geometry.matrix_of(matrix)
        # Rows run downward; the slice's second axis runs upward.
        turn[:3, 1] *= -1.0
        turn[:3, 2] *= -1.0
        bounds = [0.0] * 6
        volume.GetRASBounds(bounds)
        turn[:3, 3] = [0.5 * (bounds[2 * axis] + bounds[2 * axis + 1]) for axis in range(3)]
        node.GetSliceToRAS().DeepCopy(geometry.vtk_matrix(turn))
        node.UpdateMatrices()
        self._behind("Red", volume)

    def _behind(self, name: str, volume: Any) -> None:
        composite = self.scene.GetNodeByID(f"vtkMRMLSliceCompositeNode{name}")
        if composite is not None:
            composite.SetBackgroundVolumeID(volume.GetID())

    def _node(self, kind: str, role: str, name: str, number: int | None = None) -> Any:
        """The node of a role: the one that is there, else a new one, listed in the plan's folder."""
        for node in self.found(role, kind, number):
            if node.GetName() == name:
                return node
        node = self.scene.AddNewNodeByClass(kind, name)
        node.SetAttribute(ROLE, role)
        if number is not None:
            node.SetAttribute(NUMBER, str(number))
        tree = self._tree()
        folder = tree.GetItemByName(FOLDER_NAME) or tree.CreateFolderItem(tree.GetSceneItemID(), FOLDER_NAME)
        item = tree.GetItemByDataNode(node)
        if item:
            tree.SetItemParent(item, folder)
        else:
            tree.CreateItem(folder, node)
        return node

    def _tree(self) -> Any:
        return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(self.scene)


#: The plan's folder in the data tree.
FOLDER_NAME = "Core decompression"


def _display(node: Any) -> Any:
    if node.GetDisplayNode() is None:
        node.CreateDefaultDisplayNodes()
    return node.GetDisplayNode()
