"""What an export is made of: the plan opened again, its surfaces, and what every file must say."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from corecore.base.errors import OutputError
from corecore.base.grid import FloatArray
from corecore.base.mesh import TriangleMesh
from corecore.document.stamp import Provenance
from corecore.exports.opened import open_for_export
from corecore.exports.plan_folder import meshes, tunnel_mesh
from corecore.hip.hip import Hip
from corecore.io.files import staged_folder
from corecore.planning.open_plan import OpenedPlan
from corecore.tunnels.cylinder import Tunnel

#: Files of an earlier export that a new one in the same folder replaces or removes: a tunnel of another plan
#: must not lie among those of this one.
OWN_FILES = (
    "femur.stl", "lesion.stl", "tunnel_*.stl", "cavity_*.stl", "entry_zone.stl", "tunnels.mrk.json",
    "planes.mrk.json", "pins.mrk.json", "scene.mrb", "segmentation.dcm", "report.dcm", "guide.dcm", "README.md",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class ExportContext:
    """A plan on its way out. ``path`` is its ``plan.json``."""

    path: Path
    plan: OpenedPlan
    stamp: Provenance

    @classmethod
    def of(cls, path: Path, accept_violations: str | None = None) -> ExportContext:
        """Open a plan. Raises ``InputError`` as ``corecore.exports.opened.open_for_export``."""
        plan, stamp = open_for_export(path, accept_violations)
        return cls(Path(path), plan, stamp)

    @property
    def hip(self) -> Hip:
        """The hip, in its local frame."""
        return self.plan.hip

    @property
    def tunnels(self) -> tuple[Tunnel, ...]:
        """The tunnels, local mm, in the plan's order."""
        return tuple(tunnel for tunnel, _ in self.plan.tunnels)

    @cached_property
    def surfaces(self) -> tuple[TriangleMesh, TriangleMesh]:
        """Bone and lesion, closed, in world RAS mm."""
        return meshes(self.hip)

    @cached_property
    def tunnel_bodies(self) -> tuple[tuple[str, TriangleMesh], ...]:
        """Every tunnel as closed bodies in world RAS mm, its cavity apart: (name, mesh)."""
        result = []
        for number, tunnel in enumerate(self.tunnels, start=1):
            for kind, solid in zip(("tunnel", "cavity"), tunnel.parts, strict=False):
                result.append((f"{kind}_{number}", tunnel_mesh(solid, self.hip)))
        return tuple(result)

    def ends(self, tunnel: Tunnel) -> tuple[FloatArray, FloatArray]:
        """Entry and tip (3,) in world RAS mm."""
        return self.hip.to_world(tunnel.entry), self.hip.to_world(tunnel.tip)

    def about(self) -> str:
        """A short page for the folder: what the files are of."""
        lines = [f"{name}: {value}" for name, value in self.stamp.rows()]
        return "\n".join(["# corecore export", "", *lines, "", "Frame of STL and Slicer files: LPS, mm.", ""])


@contextlib.contextmanager
def folder_for(out: Path) -> Iterator[Path]:
    """A staged folder whose files replace those of an earlier export in ``out``, all or none.

    Raises ``OutputError`` for a folder that holds a plan: its own files have these names.
    """
    if (out / "plan.json").exists():
        raise OutputError(f"{out}: holds a plan; another folder is accepted for an export", code="output-exists")
    with staged_folder(out) as stage:
        yield stage
        for pattern in OWN_FILES:
            for old in out.glob(pattern):
                if not (stage / old.name).exists():
                    old.unlink()
