"""3D Slicer's core without its desktop: a scene with its logics, and pictures of what its views would show.

Runs under a Python with ``slicer-core``, in a process of its own: that brings a VTK of another version.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

import slicer
import vtk

#: Modules that know what they read: their logics register nodes and readers with a scene.
LOGICS = (
    "vtkSlicerVolumesLogic", "vtkSlicerSegmentationsModuleLogic", "vtkSlicerSubjectHierarchyModuleLogic",
    "vtkSlicerMarkupsLogic", "vtkSlicerModelsLogic", "vtkSlicerTablesLogic", "vtkSlicerTextsLogic",
    "vtkSlicerTransformLogic",
)  # fmt: skip
IN_SPACE = (
    "vtkMRMLCameraDisplayableManager", "vtkMRMLViewDisplayableManager", "vtkMRMLModelDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager3D", "vtkMRMLMarkupsDisplayableManager",
    "vtkMRMLOrientationMarkerDisplayableManager",
)  # fmt: skip
IN_SLICES = (
    "vtkMRMLModelSliceDisplayableManager", "vtkMRMLSegmentationsDisplayableManager2D",
    "vtkMRMLMarkupsDisplayableManager",
)  # fmt: skip


class Slicer:
    """A scene with what Slicer's application puts around it."""

    def __init__(self) -> None:
        output = vtk.vtkOutputWindow()
        output.SetDisplayModeToAlwaysStdErr()
        vtk.vtkOutputWindow.SetInstance(output)
        self.scene = slicer.vtkMRMLScene()
        self.application = slicer.vtkSlicerApplicationLogic()
        self.application.SetMRMLScene(self.scene)
        self.application.GetColorLogic().SetMRMLScene(self.scene)
        self.application.GetColorLogic().AddDefaultColorNodes()
        self.application.SetSliceLogics(vtk.vtkCollection())
        self.application.SetViewLogics(vtk.vtkCollection())
        self.logics: list[Any] = []
        for name in LOGICS:
            logic = getattr(slicer, name)()
            logic.SetMRMLScene(self.scene)
            logic.SetMRMLApplicationLogic(self.application)
            # The managers of the views ask for it by its module's name.
            self.application.SetModuleLogic(re.sub("vtkSlicer|Module|Logic", "", name), logic)
            self.logics.append(logic)
        slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(self.scene, True)
        # Bundles are unpacked into the folder of this.
        self._cache = tempfile.TemporaryDirectory()
        remote, manager = slicer.vtkMRMLRemoteIOLogic(), slicer.vtkDataIOManagerLogic()
        for logic in (remote, manager):
            logic.SetMRMLScene(self.scene)
            logic.SetMRMLApplicationLogic(self.application)
            self.logics.append(logic)
        remote.GetCacheManager().SetRemoteCacheDirectory(self._cache.name)
        manager.SetAndObserveDataIOManager(remote.GetDataIOManager())
        remote.AddDataIOToScene()

    def open(self, path: Path) -> bool:
        """Opens a scene or a bundle as Slicer does."""
        if path.suffix == ".mrb":
            return bool(self.scene.ReadFromMRB(str(path), True))
        self.scene.SetURL(str(path))
        return bool(self.scene.Connect())

    def save(self, path: Path) -> bool:
        """Saves all as a bundle."""
        return bool(self.scene.WriteToMRB(str(path)))

    def nodes(self, kind: str) -> list[Any]:
        """The nodes of a class."""
        found = self.scene.GetNodesByClass(kind)
        return [found.GetItemAsObject(number) for number in range(found.GetNumberOfItems())]

    def in_space(self, path: Path, size: tuple[int, int] = (900, 700)) -> None:
        """What the first view in space shows, as PNG."""
        view = self.scene.GetFirstNodeByClass("vtkMRMLViewNode")
        factory = slicer.vtkMRMLThreeDViewDisplayableManagerFactory.GetInstance()
        window, renderer = _window(size)
        renderer.SetUseDepthPeeling(True)
        renderer.SetBackground(0.93, 0.93, 0.95)
        group = self._group(factory, renderer, IN_SPACE, view)
        window.Render()
        renderer.ResetCameraClippingRange()
        window.Render()
        _write(window, path)
        del group

    def in_slice(self, name: str, path: Path, size: tuple[int, int] = (600, 600)) -> None:
        """What a slice view shows, as PNG."""
        node = self.scene.GetNodeByID(f"vtkMRMLSliceNode{name}")
        window, renderer = _window(size)
        renderer.GetActiveCamera().ParallelProjectionOn()
        logic = slicer.vtkMRMLSliceLogic()
        logic.SetMRMLApplicationLogic(self.application)
        self.application.GetSliceLogics().AddItem(logic)
        logic.SetMRMLScene(self.scene)
        logic.SetSliceNode(node)
        width = node.GetFieldOfView()[0]
        node.SetDimensions(size[0], size[1], 1)
        node.SetFieldOfView(width, width * size[1] / size[0], 1)
        logic.UpdatePipeline()
        mapper = vtk.vtkImageMapper()
        mapper.SetColorWindow(255)
        mapper.SetColorLevel(127.5)
        shown = logic.GetImageDataConnection()
        if shown is not None:
            mapper.SetInputConnection(shown)
            actor = vtk.vtkActor2D()
            actor.SetMapper(mapper)
            actor.GetProperty().SetDisplayLocationToBackground()
            renderer.AddViewProp(actor)
        factory = slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance()
        group = self._group(factory, renderer, IN_SLICES, node)
        window.Render()
        _write(window, path)
        del group
        self.application.GetSliceLogics().RemoveItem(logic)

    def _group(self, factory: Any, renderer: Any, managers: tuple[str, ...], node: Any) -> Any:
        factory.SetMRMLApplicationLogic(self.application)
        for name in managers:
            if not factory.IsDisplayableManagerRegistered(name):
                factory.RegisterDisplayableManager(name)
        group = slicer.vtkMRMLDisplayableManagerGroup()
        group.SetRenderer(renderer)
        group.Initialize(factory, renderer)
        group.SetMRMLDisplayableNode(node)
        return group


def _window(size: tuple[int, int]) -> tuple[Any, Any]:
    window, renderer = vtk.vtkRenderWindow(), vtk.vtkRenderer()
    window.SetOffScreenRendering(1)
    window.SetMultiSamples(0)
    window.SetAlphaBitPlanes(1)
    window.SetSize(*size)
    window.AddRenderer(renderer)
    interactor = vtk.vtkRenderWindowInteractor()
    interactor.SetRenderWindow(window)
    interactor.Initialize()
    return window, renderer


def _write(window: Any, path: Path) -> None:
    grab = vtk.vtkWindowToImageFilter()
    grab.SetInput(window)
    grab.ReadFrontBufferOff()
    writer = vtk.vtkPNGWriter()
    writer.SetFileName(str(path))
    writer.SetInputConnection(grab.GetOutputPort())
    writer.Write()
