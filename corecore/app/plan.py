"""A plan and its tunnels as Python users have them: world RAS mm, named attributes."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from corecore.app.facade import Drawn, Frame, fixed, frame
from corecore.app.hip import Hip
from corecore.app.measures import Measures
from corecore.base.errors import InputError
from corecore.base.grid import FloatArray
from corecore.base.html import figures_html
from corecore.base.language import chosen, spoken
from corecore.base.spec import Spec
from corecore.document.content import content_of
from corecore.document.fields import known, listed
from corecore.document.plan import InfeasiblePart, PlanDocument, Status, ViolationPart
from corecore.document.totals import TotalsPart
from corecore.document.tunnels import PathBonePart
from corecore.exports.plan_folder import check_target, meshes, write_plan
from corecore.hip import hip as inner_hip
from corecore.hip.anatomy.model import PlanWarning
from corecore.io.files import claimed
from corecore.measures.model import measure
from corecore.measures.signs.clinician_input import answers_in
from corecore.planning import planner
from corecore.planning.document import document
from corecore.planning.open_plan import OpenedPlan
from corecore.report.pictures import preview
from corecore.report.scene import Scene
from corecore.study.batch.columns import Record, flattened
from corecore.tunnels import cylinder
from corecore.tunnels.figures import TunnelFigures
from corecore.tunnels.path_bone import ct_of, path_bone

if TYPE_CHECKING:
    import pyvista as pv

    from corecore.exports.planes import Radiograph


@dataclass(frozen=True)
class Picture:
    """A PNG that a notebook shows by itself.

    Attributes
    ----------
    png : bytes
        The file's content: ``Path("plan.png").write_bytes(picture.png)``.
    """

    png: bytes = field(repr=False)

    def _repr_png_(self) -> bytes:
        return self.png


@dataclass(frozen=True, eq=False)
class Tunnel:
    """A straight, flat-ended tunnel, with a wider coaxial cavity at its tip where there is one; world RAS mm.

    Parameters
    ----------
    entry : ndarray, shape (3,)
        Where its axis enters the bone, RAS mm.
    tip : ndarray, shape (3,)
        Middle of its flat end, RAS mm.
    direction : ndarray, shape (3,)
        Unit vector from entry to tip.
    diameter_mm : float
        Diameter, mm.
    cavity_diameter_mm, cavity_length_mm : float
        Diameter and length of the cavity, mm; 0: none.
    existing : bool
        Whether it was there before the plan.
    figures : TunnelFigures
        What is measured of it: lengths mm, angles degrees.
    bone : PathBonePart, optional
        Of a plan's tunnel: CT density along its axis by 5 mm, HU (``density``; ``None`` without a CT), and the cortex's
        thickness at its entry, mm.
    """

    entry: FloatArray
    tip: FloatArray
    direction: FloatArray
    diameter_mm: float
    cavity_diameter_mm: float
    cavity_length_mm: float
    existing: bool
    figures: TunnelFigures
    bone: PathBonePart | None = None

    @property
    def length_mm(self) -> float:
        """From entry to tip, mm."""
        return self.figures.length_mm

    def __repr__(self) -> str:
        ends = (", ".join(f"{c:.1f}" for c in point) for point in (self.entry, self.tip))
        return f"<Tunnel {self.diameter_mm:g} mm, ({') to ('.join(ends)}) RAS mm>"


class Plan(Drawn[planner.Plan | OpenedPlan]):
    """A planned hip: its tunnels with their figures, or why there are none; every position is world RAS mm.

    ``plan``, ``assess`` and ``open_plan`` make it. It does not change, and can be pickled.
    """

    @cached_property
    def hip(self) -> Hip:
        """The hip."""
        return Hip._of(self._inner.hip)

    @property
    def spec(self) -> Spec:
        """Parameters in force."""
        return self._inner.spec

    @cached_property
    def measures(self) -> Measures:
        """Measures of its necrosis; of a plan that was opened they are taken again."""
        plan = self._inner
        if not isinstance(plan, OpenedPlan):
            return Measures._of(plan.measures)
        return Measures._of(measure(plan.hip, plan.spec, answers=answers_in(plan.file.plan)))

    @property
    def status(self) -> Status:
        """``planned``, ``infeasible``, or ``manual`` for a surgeon-modified path."""
        return self._inner.file.plan.status if isinstance(self._inner, OpenedPlan) else self._inner.status

    @cached_property
    def tunnels(self) -> tuple[Tunnel, ...]:
        """The tunnels, existing ones first; none where there is none to be had."""
        inner = self._inner
        hip, existing = inner.hip, len(inner.spec.keep)
        bones: list[PathBonePart | None]
        if isinstance(inner, OpenedPlan):
            bones = [known(one.path_bone) for one in inner.file.plan.tunnels]
        else:
            ct = ct_of(hip) if inner.tunnels else None
            bones = [path_bone(hip, tunnel, ct).part() for tunnel, _ in inner.tunnels]
        return tuple(
            world_tunnel(hip, tunnel, figures, existing=place < existing, bone=bone)
            for place, ((tunnel, figures), bone) in enumerate(zip(inner.tunnels, bones, strict=True))
        )

    @property
    def totals(self) -> TotalsPart:
        """What the tunnels do together, as ``plan.json`` has it, with its ``risk``: errors are simulated for it."""
        return self.document.totals

    @cached_property
    def warnings(self) -> tuple[PlanWarning, ...]:
        """What a reader must know."""
        if not isinstance(self._inner, OpenedPlan):
            return self._inner.warnings
        told = self._inner.file.plan.warnings
        return tuple(PlanWarning.told(known(one.code) or "", known(one.text) or "") for one in told)

    @property
    def violations(self) -> tuple[ViolationPart, ...]:
        """Limits that a surgeon-modified path exceeds: key, limit and value."""
        if isinstance(self._inner, OpenedPlan):
            return tuple(listed(self._inner.file.plan.violations))
        return () if self._inner.given is None else self._inner.given.violations

    @cached_property
    def infeasible(self) -> InfeasiblePart | None:
        """Why there is no tunnel, and what would give one."""
        if isinstance(self._inner, OpenedPlan):
            return known(self._inner.file.plan.infeasible)
        return None if self._inner.infeasible is None else self._inner.infeasible.part()

    @cached_property
    def document(self) -> PlanDocument:
        """The content of ``plan.json``, typed: risk, alternatives and explanations too; errors are simulated for it."""
        return self._inner.file.plan if isinstance(self._inner, OpenedPlan) else document(self._inner)

    def to_dict(self) -> dict[str, Any]:
        """The content of ``plan.json``.

        Returns
        -------
        dict
            Plain values; positions in RAS mm. Inputs that were given in memory have no path.
        """
        return content_of(self.document)

    def to_frame(self) -> Frame:
        """The tunnels as a table, a row each, with their risk.

        Returns
        -------
        dict of str to list
            Columns by the path in ``plan.json`` below ``tunnels`` (``entry.x``, ``length_mm``), which
            ``pandas.DataFrame`` and ``polars.DataFrame`` take.
        """
        head = {"id": self.hip.id, "side": self.hip.side, "preset": self.spec.preset, "status": self.status}
        rows: list[Record] = []
        for number, tunnel in enumerate(self.document.tunnels, start=1):
            row = {name.removeprefix("tunnels."): value for name, value in flattened(tunnel, "tunnels")}
            rows.append({**head, "tunnel": number, **row})
        return frame(rows)

    def save(
        self,
        folder: str | os.PathLike[str],
        *,
        pictures: bool = True,
        overwrite: bool = False,
        language: str | None = None,
    ) -> Path:
        """Write the plan's folder, whole or not at all, with copies of the masks, so that it can be verified.

        Parameters
        ----------
        folder : str or os.PathLike
            Where to; made if it is not there.
        pictures : bool, default True
            Draw ``preview.png``, ``preview.html`` and the report too (seconds).
        overwrite : bool, default False
            Replace a plan that the folder holds.
        language : str, optional
            Language of pictures, page and report: ``"en"`` or ``"de"``. Default: that of ``CORECORE_LANGUAGE``, else
            English.

        Returns
        -------
        pathlib.Path
            The folder's ``plan.json``.

        Raises
        ------
        OutputError
            Where the folder holds a plan already, is a file, cannot be written, or another run is writing there.
        InputError
            For a plan that was opened, which has its folder, and for a language that there is not.
        """
        inner = self._inner
        if isinstance(inner, OpenedPlan):
            raise InputError(
                f"{inner.file.path}: was opened from its folder, which holds all of it; a plan that was made here is"
                " accepted",
                code="option-value",
            )
        code = chosen(language)
        with claimed(Path(folder)):
            check_target(Path(folder), overwrite=overwrite)
            with spoken(code):
                write_plan(inner, Path(folder), pictures=pictures)
        return Path(folder) / "plan.json"

    def picture(self) -> Picture:
        """Draw three views: from the front, lateral, and along the first tunnel.

        Returns
        -------
        Picture
            A PNG; a notebook shows it by itself. Where no OpenGL is found, a plain drawing.
        """
        preview.prepare()
        with tempfile.TemporaryDirectory(prefix="corecore-") as folder:
            path = Path(folder) / "preview.png"
            preview.draw_preview(self._scene, path)
            return Picture(path.read_bytes())

    def to_pyvista(self) -> pv.MultiBlock:
        """The hip's named meshes, and the tunnels with clearances at their points.

        Returns
        -------
        pyvista.MultiBlock
            Blocks by name, RAS mm, with colours, units and figures in their field data: ``docs/pyvista.md``.
        """
        from corecore.exports.blocks import plan_blocks

        return plan_blocks(self._inner, self._scene)

    def drr(self, view: Literal["ap", "lateral", "frog-leg", "profile"] = "ap") -> Radiograph:
        """Compute a digitally reconstructed radiograph, through the CT, else through the mask with nominal HU.

        Parameters
        ----------
        view : {"ap", "lateral", "frog-leg", "profile"}, default "ap"
            From the front, from the side, in frog-leg position, or tangential to the smallest clearance in the neck.

        Returns
        -------
        Radiograph
            ``array`` (512, 512), and ``arm``, which projects RAS mm onto it.

        Raises
        ------
        InputError
            For an unknown view, and for ``profile`` where no tunnel passes the neck.
        """
        from corecore.exports.planes import drr

        return drr(self._inner.hip, self._scene, view)

    @cached_property
    def _scene(self) -> Scene:
        inner = self._inner
        surfaces = meshes(inner.hip)
        if isinstance(inner, OpenedPlan):
            return Scene(inner.file.plan, *surfaces, inner.file.hash)
        return Scene.of(self.document, *surfaces)

    def __repr__(self) -> str:
        # By the planner's own figure: no errors are simulated to name a plan.
        inner = self._inner
        totals = inner.file.plan.totals if isinstance(inner, OpenedPlan) else inner.totals
        removed = f"{totals.removed_fraction:.1%}"
        return f"<Plan of hip {self.hip.id}: {self.status}, {len(self.tunnels)} tunnels, {removed} removed>"

    def _repr_html_(self) -> str:
        # The drawing of a page is loaded only where one is shown.
        from corecore.exports.notebook import html_of

        return f"{self._figures_html()}{html_of(self._scene)}"

    def _figures_html(self) -> str:
        if isinstance(self._inner, planner.Plan):
            return self._inner._repr_html_()
        rows = [("status", self.status), ("removed", f"{self.totals.removed_fraction:.1%} of the necrosis")]
        rows += [(f"tunnel {place}", repr(tunnel)[8:-1]) for place, tunnel in enumerate(self.tunnels, start=1)]
        return figures_html(f"plan of hip {self.hip.id}", rows, [warning.text for warning in self.warnings])


def world_tunnel(
    hip: inner_hip.Hip,
    tunnel: cylinder.Tunnel,
    figures: TunnelFigures,
    *,
    existing: bool = False,
    bone: PathBonePart | None = None,
) -> Tunnel:
    """A tunnel of the hip's local frame as it is handed out."""
    return Tunnel(
        entry=fixed(hip.to_world(tunnel.entry)),
        tip=fixed(hip.to_world(tunnel.tip)),
        direction=fixed(hip.direction_to_world(tunnel.direction)),
        diameter_mm=float(tunnel.diameter_mm),
        cavity_diameter_mm=float(tunnel.cavity_diameter_mm),
        cavity_length_mm=float(tunnel.cavity_length_mm),
        existing=existing,
        figures=figures,
        bone=bone,
    )
