"""A left hip of closed form that lies turned in an oblique, flipped volume, and plans made of it by hand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from corecore.base.spec import Spec
from corecore.document.content import content_of
from corecore.exports.plan_folder import write_plan
from corecore.hip.anatomy.model import Landmarks
from corecore.hip.case import load_case
from corecore.hip.hip import Hip
from corecore.measures.model import measure
from corecore.planning.manual import path_on_bone
from corecore.planning.planner import ManualPath, evaluated_plan
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.figures import assess
from corecore.tunnels.limits import violations
from support import plan_factory as factory
from support.shared import shared

#: The whole world is turned by this, so that no axis of the volume is one of the patient's.
_a, _b = np.radians(17.0), np.radians(-11.0)
TURN = np.array([[np.cos(_a), -np.sin(_a), 0], [np.sin(_a), np.cos(_a), 0], [0, 0, 1.0]]) @ np.array(
    [[1.0, 0, 0], [0, np.cos(_b), -np.sin(_b)], [0, np.sin(_b), np.cos(_b)]]
)
POSE = factory.Pose(side="left", spacing=(1.0, 1.0, 1.0))


@dataclass(frozen=True, eq=False)
class World:
    """The phantom: its file, its hip, and the tunnels' ends in world RAS mm by closed form."""

    path: Path
    hip: Hip
    ends: tuple[tuple[Any, Any], ...]


def make_world() -> World:
    """The phantom, its file made once a run: to be read."""
    path = shared.written("oblique phantom", _write_world) / "oblique.nii.gz"
    ends = []
    second = factory.Shot(height=-27.0, through=(-2.0, 9.0, 2.0), round_deg=-2.0, diameter=3.2)
    for shot in (factory.Shot(height=-38.5), second):
        tunnel, _ = factory.aim(shot)
        ends.append((POSE.world(tunnel.entry) @ TURN.T, POSE.world(tunnel.tip) @ TURN.T))
    # A ball, a neck and a shaft have no trochanter to find.
    given = Landmarks(lesser_trochanter_tip=POSE.world([30.0, -25.0, factory.TROCHANTER_HEIGHT]) @ TURN.T)
    hip = shared.build_hip(load_case(f"{path}:1", f"{path}:2", case_id="ph 1", landmarks=given))
    return World(path, hip, tuple(ends))


def _write_world(folder: Path) -> None:
    factory.write_masks(folder, POSE)
    (source,) = folder.glob("*.nii.gz")
    image = nib.load(source)
    labels = np.asanyarray(image.dataobj)
    # Axes reversed and exchanged: the array runs towards L, S, P.
    flip = np.eye(4)
    flip[0, 0], flip[0, 3] = -1.0, labels.shape[0] - 1
    affine = image.affine @ flip
    turned = np.eye(4)
    turned[:3, :3] = TURN
    order = [0, 2, 1]
    labels = np.transpose(labels[::-1], order)
    affine = turned @ affine[:, [*order, 3]]
    path = folder / "oblique.nii.gz"
    out = nib.Nifti1Image(np.ascontiguousarray(labels).astype(np.uint8), affine)
    out.set_sform(affine, 1)
    out.set_qform(affine, 1)
    out.header.set_xyzt_units("mm")
    nib.save(out, path)


def write_by_hand(hip: Hip, tunnels: list[Tunnel], folder: Path, *, spec: Spec | None = None) -> dict[str, Any]:
    """A plan of given tunnels (local mm), status ``manual``, with the limits it breaks."""
    spec = spec or Spec()
    pairs = [(tunnel, assess(hip, tunnel, spec)) for tunnel in tunnels]
    found = [item.part() for _, figures in pairs for item in violations(figures, spec)]
    entry, tip = hip.to_world(tunnels[0].entry), hip.to_world(tunnels[0].tip)
    given = ManualPath(entry, tip, 0.0, tuple(found), None, "set by a test")
    plan = evaluated_plan(hip, spec, lambda: measure(hip, spec), pairs, given=given, warnings=[], timings={})
    return content_of(write_plan(plan, folder, pictures=False))


def on_bone(hip: Hip, ends: tuple[Any, Any], diameter_mm: float) -> Tunnel:
    """The tunnel on the line through two world points, its entry on the surface."""
    return path_on_bone(hip, *ends, diameter_mm)
