"""The panel's answers kept in the scene: nodes by reference, figures as texts."""

from __future__ import annotations

import json
from typing import Any

from .request import PlanRequest, SegmentRef

#: The node that keeps them, as every scripted module has one.
NAME, TAG = "CoreDecompression", "CoreDecompression"
SEGMENTS = ("femur", "lesion", "pelvis", "avoid")
NODES = ("volume", "landmarks")
PLAIN = (
    "side",
    "guidance",
    "objective",
    "instrument",
    "diameter_mm",
    "tunnels",
    "margins",
    "more",
    "pictures",
    "case_id",
)


def keep(scene: Any, request: PlanRequest) -> None:
    """Writes the answers into the scene."""
    node = _node(scene, make=True)
    for name in SEGMENTS:
        ref = getattr(request, name)
        node.SetNodeReferenceID(name, ref.node.GetID() if ref is not None else None)
        node.SetParameter(f"{name} segment", ref.segment if ref is not None else "")
    for name in NODES:
        found = getattr(request, name)
        node.SetNodeReferenceID(name, found.GetID() if found is not None else None)
    node.SetParameter("answers", json.dumps({name: _plain(getattr(request, name)) for name in PLAIN}))


def kept(scene: Any) -> PlanRequest:
    """The answers that a scene keeps; the usual ones where it keeps none, or of what is not there any more."""
    request, node = PlanRequest(), _node(scene, make=False)
    if node is None:
        return request
    for name in SEGMENTS:
        found, segment = node.GetNodeReference(name), node.GetParameter(f"{name} segment")
        if found is not None and segment:
            setattr(request, name, SegmentRef(found, segment))
    for name in NODES:
        setattr(request, name, node.GetNodeReference(name))
    try:
        answers = json.loads(node.GetParameter("answers") or "{}")
    except ValueError:
        return request
    for name in PLAIN:
        # A scene may come from anybody: what is of another kind is not taken.
        if isinstance(answers, dict) and isinstance(answers.get(name), type(getattr(request, name))):
            setattr(request, name, answers[name])
    return request


def _plain(value: Any) -> Any:
    return dict(value) if hasattr(value, "items") else value


def _node(scene: Any, *, make: bool) -> Any:
    node = scene.GetSingletonNode(TAG, "vtkMRMLScriptedModuleNode")
    if node is None and make:
        node = scene.CreateNodeByClass("vtkMRMLScriptedModuleNode")
        node.SetName(NAME)
        node.SetModuleName(NAME)
        node.SetSingletonTag(TAG)
        scene.AddNode(node)
        node.UnRegister(None)
        node = scene.GetSingletonNode(TAG, "vtkMRMLScriptedModuleNode")
    return node
