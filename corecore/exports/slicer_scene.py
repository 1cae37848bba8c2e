"""The whole plan as one scene of 3D Slicer: opens with everything named, coloured, in order, and the views set."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from corecore.base.grid import FloatArray, across_axes
from corecore.base.mesh import TriangleMesh
from corecore.document.content import json_text
from corecore.document.stated import read_stated
from corecore.exports.export_context import ExportContext
from corecore.exports.plan_folder import IMAGE_ROOM_MM
from corecore.io.files import atomic_write_text
from corecore.io.line_file import LockedLine, write_line
from corecore.io.markups import LINE_COLOR, MarkupLine, MarkupPlane, write_planes
from corecore.io.mrml import MrmlScene, attributes_text, numbers, references, write_bundle
from corecore.io.nifti import write_image
from corecore.io.references import read_image
from corecore.io.segments import NamedMask, write_segmentation
from corecore.io.stl import NOTE_LENGTH, write_stl
from corecore.report import captions
from corecore.report.palette import BONE, LESION, NECK, rgb
from corecore.report.report_content import judged_content
from corecore.report.scene import Scene

#: The bundle's name in the folder of an export.
NAME = "scene.mrb"
#: The frame of an STL file in Slicer's own words.
SPACE = "SPACE=LPS"
#: One sees the lesion and the tunnels through the bone (engineering choice).
BONE_OPACITY = 0.3
#: Edge of what a slice shows, in head radii, and how far the camera stands, mm: head, neck and entry are in view.
VIEW_RADII, CAMERA_MM = 6.0, 330.0
#: Window and level of a CT for bone, HU.
WINDOW, LEVEL = 1400.0, 400.0
#: An image with values below this is a CT; an MR has none (engineering choice: fat has -100 HU).
AIR_HU = -150.0
#: The entry zone's colour: no other body has it.
ZONE = NECK
#: Slicer's four-up layout: three slices and the space.
FOUR_UP = 3
#: Colours of Slicer's own three slices, and what each shows here.
SLICES = ("Red", "Green", "Yellow")


@dataclass(eq=False)
class _Filling:
    """A scene that is filled: where its files go, and what every file of a plan says."""

    parcel: ExportContext
    folder: Path
    scene: MrmlScene = field(default_factory=MrmlScene)

    def file(self, name: str) -> Path:
        (self.folder / "Data").mkdir(exist_ok=True)
        return self.folder / "Data" / name

    def stored(self, tag: str, path: Path, more: dict[str, str] | None = None) -> str:
        name = path.relative_to(self.folder).as_posix()
        return self.scene.add(tag, tag, {"fileName": name, **(more or {})})

    def own(self, **values: str) -> str:
        """The attributes by which the module knows what came from a plan."""
        told = {"corecore.plan": self.parcel.stamp.plan_hash}
        return attributes_text({**told, **{f"corecore.{name}": value for name, value in values.items()}})

    def model(self, name: str, mesh: TriangleMesh, color: str, *, opacity: float = 1.0, visible: bool = True) -> None:
        """A closed surface, named and coloured."""
        path = self.file(f"{name.replace(' ', '_')}.stl")
        # Where the file itself names its frame, no reader has to guess.
        write_stl(mesh, path, note=f"{SPACE} {self.parcel.stamp.header(NOTE_LENGTH - len(SPACE) - 1)}")
        told = {
            "color": numbers(rgb(color)), "opacity": f"{opacity:g}", "visibility": str(visible).lower(),
            "visibility2D": "true", "sliceIntersectionThickness": "2",
        }  # fmt: skip
        display = self.scene.add("ModelDisplay", "ModelDisplay", told)
        storage = self.stored("ModelStorage", path, {"coordinateSystem": "LPS"})
        shown = {"references": references(display=display, storage=storage), "attributes": self.own(role=name)}
        self.scene.shown("models", self.scene.add("Model", name, shown), "Models")

    def line(self, line: LockedLine, role: str) -> None:
        """A line in a file of its own, so that it comes back alone: ``corecore assess --line``."""
        path = self.file(f"{line.name.replace(' ', '_')}.mrk.json")
        write_line(line, path)
        color = numbers(line.color)
        display = self.scene.add("MarkupsDisplay", "MarkupsDisplay", {"color": color, "selectedColor": color})
        storage = self.stored("MarkupsJsonStorage", path, {"coordinateSystem": "LPS"})
        shown = {
            "references": references(display=display, storage=storage), "attributes": self.own(role=role),
            "locked": "true",
        }  # fmt: skip
        self.scene.shown("paths", self.scene.add("MarkupsLine", line.name, shown), "Markups")

    def plane(self, plane: MarkupPlane) -> None:
        """A plane across a tunnel, hidden until it is asked for."""
        path = self.file(f"{plane.name.replace(' ', '_')}.mrk.json")
        write_planes([plane], path)
        display = self.scene.add("MarkupsPlaneDisplay", "MarkupsPlaneDisplay", {"visibility": "false"})
        storage = self.stored("MarkupsPlaneJsonStorage", path, {"coordinateSystem": "LPS"})
        shown = {"references": references(display=display, storage=storage), "attributes": self.own(role="plane")}
        self.scene.shown("planes across", self.scene.add("MarkupsPlane", plane.name, shown), "Markups")

    def masks(self, image: str | None) -> None:
        """Femur and lesion as they were drawn, on their own voxels."""
        for name, masks in _by_grid(self.parcel):
            path = self.file(f"{name.replace(' ', '_')}.seg.nrrd")
            write_segmentation(masks, path)
            # The models show the same: the segments are there to be worked on.
            display = self.scene.add("SegmentationDisplay", "SegmentationDisplay", {"visibility3D": "false"})
            storage = self.stored("SegmentationStorage", path)
            refers = {"display": display, "storage": storage}
            if image is not None:
                refers["referenceImageGeometryRef"] = image
            shown = {"references": references(**refers), "attributes": self.own(role="masks")}
            self.scene.shown("masks", self.scene.add("Segmentation", name, shown), "Segmentations")

    def image(self) -> str | None:
        """The image about the hip, where the plan has one that is still there; its node."""
        seen = read_stated(self.parcel.path).input("image")
        femur = self.parcel.hip.case.original_femur
        if seen is None or femur is None or not seen.path.is_file():
            return None
        path = self.file("image.nii.gz")
        image = read_image(seen.path).around(femur, IMAGE_ROOM_MM)
        write_image(path, image)
        told = {"colorNodeID": "vtkMRMLColorTableNodeGrey", "visibility": "true"}
        if float(image.values.min()) < AIR_HU:
            told |= {"window": f"{WINDOW:g}", "level": f"{LEVEL:g}", "autoWindowLevel": "0"}
        display = self.scene.add("VolumeDisplay", "VolumeDisplay", told)
        storage = self.stored("VolumeArchetypeStorage", path, {"UseOrientationFromFile": "1", "centerImage": "0"})
        shown = {"references": references(display=display, storage=storage), "attributes": self.own(role="image")}
        node = self.scene.add("Volume", "image", shown)
        self.scene.shown("image", node, "Volumes")
        return node

    def records(self, scene: Scene) -> None:
        """The figures against their limits as a table, and the plan itself."""
        rows = [(row.what, row.value, row.limit, row.verdict) for row in judged_content(scene).limits]
        path = self.file("limits.tsv")
        lines = ["\t".join(" ".join(cell.split()) for cell in row) for row in [COLUMNS, *rows]]
        atomic_write_text(path, "\n".join(lines) + "\n")
        table = {
            "references": references(storage=self.stored("TableStorage", path)),
            "attributes": self.own(role="limits"),
        }
        self.scene.shown("figures", self.scene.add("Table", "limits", table), "Tables")
        kept = self.file("plan.txt")
        atomic_write_text(kept, json_text(self.parcel.plan.file.plan))
        text = {"references": references(storage=self.stored("TextStorage", kept)), "attributes": self.own(role="plan")}
        self.scene.shown("figures", self.scene.add("Text", "plan", text), "Texts")

    def views(self, image: str | None) -> None:
        """Slices across and along the first tunnel, and the camera before the hip."""
        entry, tip = self.parcel.ends(self.parcel.tunnels[0])
        middle, along = 0.5 * (entry + tip), (tip - entry) / np.linalg.norm(tip - entry)
        hip = self.parcel.hip
        up = hip.direction_to_world(hip.anatomy.shaft_axis)
        edge = VIEW_RADII * hip.anatomy.head_radius_mm
        for name, matrix in zip(SLICES, slices_along(entry, tip, up), strict=True):
            told = {
                "layoutName": name,
                "sliceToRAS": numbers(matrix.ravel()), "fieldOfView": numbers([edge, edge, 1.0]),
                "dimensions": "256 256 1", "sliceVisibility": "false",
            }  # fmt: skip
            self.scene.add("Slice", name, told, single=name)
            refers = {} if image is None else {"references": references(backgroundVolume=image)}
            self.scene.add("SliceComposite", f"SliceComposite {name}", {"layoutName": name, **refers}, single=name)
        about = {
            "layoutName": "1", "layoutLabel": "1", "boxVisible": "false", "axisLabelsVisible": "false",
            "orientationMarkerType": "axes", "useDepthPeeling": "1",
        }  # fmt: skip
        self.scene.add("View", "View1", about, single="1")
        # From the front and a little from the side of the entry: the tunnel runs across the picture.
        forward = np.cross(along, up)
        forward = forward * (1.0 if forward[1] > 0 else -1.0) / np.linalg.norm(forward)
        seen = {
            "position": numbers(middle + CAMERA_MM * forward), "focalPoint": numbers(middle), "viewUp": numbers(up),
            "activetag": "vtkMRMLViewNode1", "viewAngle": "30",
        }  # fmt: skip
        self.scene.add("Camera", "camera", seen, single="1")
        self.scene.add("Layout", "Layout", {"currentViewArrangement": str(FOUR_UP)}, single="vtkMRMLLayoutNode")


#: Columns of the table of limits.
COLUMNS = ("figure", "value", "limit", "verdict")


@dataclass(frozen=True, eq=False)
class Drawn:
    """What an export has made already: the tunnels' lines, those of guide pins, planes, and the entry zone, RAS mm."""

    lines: list[MarkupLine]
    pins: list[MarkupLine]
    planes: list[MarkupPlane]
    zone: TriangleMesh


def write_scene(parcel: ExportContext, drawn: Drawn, path: Path) -> None:
    """The plan as one ``.mrb``: models, paths, planes, masks, image, figures, views. Raises as the files' writers."""
    with tempfile.TemporaryDirectory() as place:
        filling = _Filling(parcel, Path(place))
        scene = Scene.of(parcel.plan.file.plan, *parcel.surfaces)
        femur, lesion = parcel.surfaces
        filling.model("femur", femur, BONE, opacity=BONE_OPACITY)
        filling.model("lesion", lesion, LESION, opacity=0.6)
        colors = [captions.color_of(scene, number) for number in range(len(parcel.tunnels))]
        for name, mesh in parcel.tunnel_bodies:
            kind, _, place = name.partition("_")
            filling.model(f"{kind} {place}", mesh, colors[int(place) - 1])
        if len(drawn.zone.triangles):
            filling.model("entry zone", drawn.zone, ZONE, opacity=0.5, visible=False)
        for number, line in enumerate(drawn.lines, start=1):
            # A body of the line's own name is there already.
            filling.line(_locked(line, f"tunnel {number} path", rgb(colors[number - 1])), f"path {number}")
        for line in drawn.pins:
            filling.line(_locked(line, line.name), "pin")
        for plane in drawn.planes:
            filling.plane(plane)
        image = filling.image()
        filling.masks(image)
        filling.records(scene)
        filling.views(image)
        title = f"core decompression {parcel.stamp.who}"
        atomic_write_text(filling.folder / "scene.mrml", filling.scene.text(title))
        write_bundle(filling.folder, path)


def _locked(line: MarkupLine, name: str, color: tuple[float, float, float] = LINE_COLOR) -> LockedLine:
    return LockedLine(name, np.asarray(line.entry), np.asarray(line.tip), line.note, color)


def slices_along(entry: FloatArray, tip: FloatArray, up: FloatArray) -> Iterator[FloatArray]:
    """Slices in RAS mm, 4 x 4: across a tunnel half-way, along it with ``up`` in it, and along it square to that.

    The columns are right, up and normal of what is seen, and the middle.
    """
    middle, along = 0.5 * (entry + tip), (tip - entry) / np.linalg.norm(tip - entry)
    above = up - (up @ along) * along
    above = above / np.linalg.norm(above) if np.linalg.norm(above) > 1e-6 else across_axes(along)[0]
    beside = np.cross(along, above)
    for right, top in ((np.cross(above, along), above), (along, above), (along, beside)):
        matrix = np.eye(4)
        matrix[:3, 0], matrix[:3, 1], matrix[:3, 2], matrix[:3, 3] = right, top, np.cross(right, top), middle
        yield matrix


def _by_grid(parcel: ExportContext) -> list[tuple[str, list[NamedMask]]]:
    """The masks in one segmentation where they share their voxels, else each in its own."""
    case = parcel.hip.case
    femur, lesion = case.original_femur, case.original_lesion
    assert femur is not None
    assert lesion is not None
    own = [NamedMask("femur", rgb(BONE), femur), NamedMask("lesion", rgb(LESION), lesion)]
    same = femur.grid.shape == lesion.grid.shape
    if same and np.array_equal(femur.grid.world_from_index, lesion.grid.world_from_index):
        return [("masks", own)]
    return [(f"mask {one.name}", [one]) for one in own]
