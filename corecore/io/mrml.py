"""3D Slicer scenes: nodes by class, what refers to what, the hierarchy that the data tree shows; packed as ``.mrb``.

A scene file names the files of its data; a bundle is a zip archive of a folder with both. Positions in a scene's own
text are RAS mm; those in its files are as each file says.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

from corecore.base.grid import FloatArray

#: The version of Slicer whose form the text has. Of a scene without the number of a revision, Slicer takes the storage
#: nodes for its oldest ones, whose models lay in RAS whatever they say.
VERSION = "Slicer 5.8.0 33216"
#: Time of every file in a bundle: the same scene gives the same bytes.
EPOCH_S = 315_619_200
#: The scene itself, as the first item of the hierarchy.
ROOT = 1


@dataclass(frozen=True)
class Node:
    """A node of a scene: the element's tag, its id, and its attributes in the file's own words."""

    tag: str
    id: str
    attributes: Mapping[str, str]

    def text(self) -> str:
        """The element."""
        told = " ".join(f"{name}={quoteattr(value)}" for name, value in self.attributes.items())
        return f' <{self.tag} id="{self.id}" {told}></{self.tag}>'


@dataclass(eq=False)
class MrmlScene:
    """A scene as it grows. ``add`` gives a node's id, by which others refer to it."""

    nodes: list[Node] = field(default_factory=list)
    #: Folders by name, each with the ids of its nodes and the plugin of Slicer that shows them.
    folders: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)

    def add(self, tag: str, name: str, attributes: Mapping[str, str] | None = None, *, single: str = "") -> str:
        """A node of the class ``vtkMRML<tag>Node``; ``single``: the tag of one that a scene has once."""
        number = self._counts[tag] = self._counts.get(tag, 0) + 1
        own = f"vtkMRML{KINDS.get(tag, tag)}Node{single or number}"
        once = {"singletonTag": single} if single else {}
        self.nodes.append(Node(tag, own, {"name": name, **once, **(attributes or {})}))
        return own

    def shown(self, folder: str, node: str, plugin: str) -> None:
        """Lists a node in a folder of the data tree; ``plugin``: whose it is there (Models, Markups, ...)."""
        self.folders.setdefault(folder, []).append((node, plugin))

    def text(self, title: str) -> str:
        """The scene's file; ``title`` is the folder that holds all others."""
        lines = ['<?xml version="1.0" encoding="UTF-8"?>', f'<MRML version="{VERSION}" userTags="">']
        lines += self._hierarchy(title)
        lines += [node.text() for node in self.nodes]
        return "\n".join([*lines, "</MRML>", ""])

    def _hierarchy(self, title: str) -> list[str]:
        number = ROOT + 1
        found = [
            ' <SubjectHierarchy id="vtkMRMLSubjectHierarchyNode1" name="SubjectHierarchy"'
            ' attributes="SubjectHierarchyVersion:2">',
            f'  <SubjectHierarchyItem id="{ROOT}" name="Scene" parent="0" type="" expanded="true"'
            ' attributes="Level^Scene|">',
            _item(number, ROOT, "Folder", name=title),
        ]
        top = number
        for folder, nodes in self.folders.items():
            number += 1
            own = number
            found.append(_item(own, top, "Folder", name=folder))
            for node, plugin in nodes:
                number += 1
                found.append(_item(number, own, plugin, node=node) + "</SubjectHierarchyItem>")
            found.append("</SubjectHierarchyItem>")
        return [*found, "</SubjectHierarchyItem></SubjectHierarchyItem></SubjectHierarchy>"]


#: Classes whose elements have a shorter tag.
KINDS = {"Volume": "ScalarVolume", "VolumeDisplay": "ScalarVolumeDisplay"}


def _item(number: int, parent: int, plugin: str, *, name: str = "", node: str = "") -> str:
    whose = f"name={quoteattr(name)}" if name else f'dataNode="{node}"'
    level = ' attributes="Level^Folder|"' if name else ""
    return f'<SubjectHierarchyItem id="{number}" {whose} parent="{parent}" type="{plugin}" expanded="true"{level}>'


def attributes_text(values: Mapping[str, str]) -> str:
    """A node's own attributes as one text; signs that part them are written as their code."""
    return ";".join(f"{quote(name, safe='. ')}:{quote(value, safe=' ./')}" for name, value in values.items())


def references(**nodes: str) -> str:
    """What a node refers to: role and id."""
    return "".join(f"{role}:{node};" for role, node in nodes.items())


def numbers(values: Sequence[float] | FloatArray) -> str:
    """Numbers of one attribute, to the nanometre."""
    return " ".join(f"{float(value) + 0.0:.9g}" for value in values)


def write_bundle(folder: Path, path: Path) -> None:
    """Packs a folder as ``.mrb``: its files, with the scene among them, under one folder of the bundle's name."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for item in sorted(folder.rglob("*")):
            if item.is_file():
                os.utime(item, (EPOCH_S, EPOCH_S))
                archive.write(item, f"{path.stem}/{item.relative_to(folder).as_posix()}")
