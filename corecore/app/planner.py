"""A hip held ready for one question after another, as Python users have it: a slider's planner."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy.typing as npt

from corecore.app.given import GivenVolumes, Label, PathLike, VolumeLike, answers_of
from corecore.app.hip import Hip
from corecore.app.plan import Plan, Tunnel, world_tunnel
from corecore.base.cancellation import Stop
from corecore.base.errors import InputError
from corecore.base.spec import Spec
from corecore.document.plan import Status, ViolationPart
from corecore.hip import hip as inner_hip
from corecore.hip.avoided import avoiding
from corecore.measures.signs.clinician_input import Physis
from corecore.planning import evaluation
from corecore.planning.request import Parameters, Search, check_robust_objective
from corecore.planning.warm_planner import WarmPlanner


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Tunnels with what decides between them, and no more; every position is world RAS mm.

    Parameters
    ----------
    status : {"planned", "infeasible", "manual"}
        Whether they were searched, there is none, or they were named.
    tunnels : tuple of Tunnel
        The tunnels with their figures: lengths, clearances and angles, mm and degrees.
    removed_fraction : float
        Necrosis inside the tunnels together, 0 to 1.
    perforation_probability : float or None
        Probability that drilling by the guidance method perforates cortex or joint, 0 to 1, of 10,240 simulated
        drillings; ``None`` without a tunnel, and with a cavity.
    violations : tuple of ViolationPart
        Limits that named tunnels exceed: key, limit and value.
    reason : str or None
        Why there is no tunnel.
    spec : Spec
        Parameters in force.
    """

    status: Status
    tunnels: tuple[Tunnel, ...]
    removed_fraction: float
    perforation_probability: float | None
    violations: tuple[ViolationPart, ...]
    reason: str | None
    spec: Spec

    def __repr__(self) -> str:
        return f"<Evaluation: {self.status}, {len(self.tunnels)} tunnels, {self.removed_fraction:.1%} removed>"


class Planner:
    """A hip held ready: a new margin, diameter, objective or region to avoid is answered without starting over.

    ``plan`` gives the plan that ``corecore.plan`` gives, with all its figures. ``tunnels`` gives the tunnels of that
    plan and what decides between them, without measures, risk by other methods, trade-off curve and document.
    ``assess`` evaluates tunnels that you name. Every change is told against the parameters that the planner was made
    with; none of them stays. It may be asked from any thread, and answers one question at a time: who asks meanwhile
    waits.

    Parameters
    ----------
    hip : Hip
        A hip from ``load``.
    preset : {"core-10", "core-8", "multi-3.2", "acd"}, default "core-10"
        The preset: instrument, number of tunnels and limits.
    stage : str, optional
        Stage as the surgeon reads it: ``"II"``, ``"ARCO 3A"``, ``"Steinberg IIC"``, ``"Ficat 2"``, ``"JIC 3A"``.
    physis : {"open", "closed", "unknown"}, default "unknown"
        Growth plate.
    imaging_date : str or datetime.date, optional
        Day of the imaging; text as YYYY-MM-DD.
    config : str or os.PathLike, optional
        TOML file of parameters; ``values`` go before it.
    **values
        ``instrument``, ``guidance``, ``objective`` and parameters of ``corecore.Spec``, as for ``plan``.

    Raises
    ------
    InputError
        For an unknown preset, parameter or stage, and for a value out of range.

    Examples
    --------
    >>> import corecore as cc
    >>> from corecore.study.samples import sample
    >>> planner = cc.Planner(cc.load(f"{sample()}:1", f"{sample()}:2"), objective="most")
    >>> wide, narrow = planner.tunnels(), planner.tunnels(joint_margin_mm=8.0)
    >>> narrow.removed_fraction < wide.removed_fraction
    True
    """

    def __init__(
        self,
        hip: Hip,
        preset: str = "core-10",
        *,
        stage: str | None = None,
        physis: Physis = "unknown",
        imaging_date: str | date | None = None,
        config: PathLike | None = None,
        **values: Any,
    ) -> None:
        self._hip, self._preset, self._config = hip, preset, None if config is None else Path(config)
        self._values = _told(values)
        self._warm = WarmPlanner(hip._inner, answers_of(stage, physis, imaging_date))
        #: The last region to avoid that was asked for, and the hip with it.
        self._avoiding: tuple[tuple[str, str], inner_hip.Hip] | None = None
        self._warm.make_ready(self._spec({}))

    @property
    def hip(self) -> Hip:
        """The hip."""
        return self._hip

    @property
    def spec(self) -> Spec:
        """The parameters that changes are told against."""
        return self._spec({})

    def plan(
        self,
        *,
        avoid: VolumeLike | None = None,
        stop: Stop | None = None,
        progress: Callable[[float], None] | None = None,
        gap: float | None = None,
        seconds: float | None = None,
        robust: str | None = None,
        alternatives: int = 0,
        **changes: Any,
    ) -> Plan:
        """Plan with some parameters changed: the plan that ``corecore.plan`` gives, but for times.

        Parameters
        ----------
        avoid : str, os.PathLike, nibabel image, SimpleITK image or Region, optional
            Mask of what every tunnel keeps out of, in place of the hip's own; an array stands in a ``Region``.
        stop : threading.Event or callable, optional
            Ends the work with ``CancelledError`` once it is set, or returns something true; asked twenty times a
            second.
        progress : callable, optional
            Told the share of the search done, 0 to 1.
        gap : float, optional
            Share, 0 to 1: prove that no tunnel removes more of the necrosis by this much.
        seconds : float, optional
            Prove a bound for so long, s.
        robust : {"fluoroscopy", "guide", "guide_best", "navigated", "robot"}, optional
            Plan for the errors of this guidance method; one tunnel only.
        alternatives : int, default 0
            How many other, Pareto-optimal tunnels to look for; one tunnel only.
        **changes
            ``instrument``, ``guidance``, ``objective`` and parameters of ``corecore.Spec``.

        Returns
        -------
        Plan
            Tunnels with their figures, world RAS mm; ``infeasible`` says why where there is none.

        Raises
        ------
        InputError
            As ``corecore.plan``, and for a mask that cannot be read.
        CancelledError
            Where ``stop`` says so; the planner answers on.
        """
        spec, values = self._spec(changes), {**self._values, **_told(changes)}
        check_robust_objective(robust, values)
        search = Search(gap=gap, seconds=seconds, robust=robust, alternatives=alternatives)
        search.check(spec)
        hip = self._with(avoid)
        return Plan._of(self._warm.plan(spec, search, hip=hip, stop=stop, progress=progress))

    def tunnels(
        self,
        *,
        avoid: VolumeLike | None = None,
        stop: Stop | None = None,
        progress: Callable[[float], None] | None = None,
        **changes: Any,
    ) -> Evaluation:
        """Search the tunnels that ``plan`` gives for the same parameters, and nothing else of the plan.

        Parameters
        ----------
        avoid : str, os.PathLike, nibabel image, SimpleITK image or Region, optional
            Mask of what every tunnel keeps out of, in place of the hip's own; an array stands in a ``Region``.
        stop : threading.Event or callable, optional
            Ends the work with ``CancelledError``, as for ``plan``.
        progress : callable, optional
            Told the share of the search done, 0 to 1.
        **changes
            ``instrument``, ``guidance``, ``objective`` and parameters of ``corecore.Spec``.

        Returns
        -------
        Evaluation
            The tunnels, share removed and perforation.

        Raises
        ------
        InputError
            As ``plan``.
        CancelledError
            Where ``stop`` says so; the planner answers on.
        """
        spec, hip = self._spec(changes), self._with(avoid)
        Search().check(spec)
        return _shown(self._warm.tunnels(spec, hip=hip, stop=stop, progress=progress))

    def assess(
        self,
        tunnels: Sequence[Tunnel | Sequence[npt.ArrayLike]],
        *,
        avoid: VolumeLike | None = None,
        stop: Stop | None = None,
        **changes: Any,
    ) -> Evaluation:
        """Evaluate tunnels of your own, each by itself and together; nothing is searched.

        Parameters
        ----------
        tunnels : sequence of Tunnel, or of (entry, tip) or (entry, tip, diameter_mm)
            Entries and tips, shape (3,), world RAS mm; entries are moved along the line onto the bone's surface.
            Diameter, mm; default: that of the parameters.
        avoid : str, os.PathLike, nibabel image, SimpleITK image or Region, optional
            Mask of what every tunnel keeps out of, in place of the hip's own; an array stands in a ``Region``.
        stop : threading.Event or callable, optional
            Ends the work with ``CancelledError``, as for ``plan``.
        **changes
            Parameters of ``corecore.Spec``: the limits that the tunnels are held against.

        Returns
        -------
        Evaluation
            Their figures, what they remove together, and every limit that they exceed.

        Raises
        ------
        InputError
            For points that make no tunnel in this bone, an unknown parameter, and a value out of range.
        CancelledError
            Where ``stop`` says so; the planner answers on.
        """
        spec, hip = self._spec(changes), self._with(avoid)
        return _shown(self._warm.evaluate(spec, [_path(one) for one in tunnels], hip=hip, stop=stop))

    def _spec(self, changes: Mapping[str, Any]) -> Spec:
        values = {**self._values, **_told(changes)}
        preset = str(values.pop("preset", self._preset))
        return Parameters(preset, self._config, values).spec()

    def _with(self, avoid: VolumeLike | None) -> inner_hip.Hip | None:
        """The hip with another region to avoid; the last one stays as it is."""
        if avoid is None:
            return None
        region = avoid if isinstance(avoid, Region) else Region(avoid)
        labels = None if region.label is None else {"avoid": region.label}
        mask = GivenVolumes(region.affine, labels).mask("avoid", region.mask)
        assert mask is not None
        # By its content: a file may have been drawn anew, and an array changed.
        kept, content = self._avoiding, (str(mask), mask.sha256())
        if kept is None or kept[0] != content:
            kept = self._avoiding = (content, avoiding(self._hip._inner, mask))
        return kept[1]

    def __repr__(self) -> str:
        return f"<Planner of hip {self._hip.id}: {self._preset}>"


@dataclass(frozen=True, eq=False)
class Region:
    """A mask to avoid that needs more than its name to be read.

    Attributes
    ----------
    mask : str, os.PathLike, nibabel image, SimpleITK image or array, shape (I, J, K)
        The mask.
    affine : array_like, shape (4, 4), optional
        Where the voxels of an array lie: from index to voxel centre, RAS mm.
    label : int or str, optional
        The label that is taken of a label map.
    """

    mask: VolumeLike
    affine: npt.ArrayLike | None = None
    label: Label | None = None


def _told(values: Mapping[str, Any]) -> dict[str, Any]:
    """What is ``None`` is not told: so it is with ``plan``."""
    left = ("instrument", "guidance", "objective")
    return {name: value for name, value in values.items() if value is not None or name not in left}


def _path(given: Tunnel | Sequence[npt.ArrayLike]) -> evaluation.Path:
    if isinstance(given, Tunnel):
        return evaluation.Path(
            given.entry, given.tip, given.diameter_mm, given.cavity_diameter_mm, given.cavity_length_mm
        )
    if not 2 <= len(given) <= 3:
        raise InputError(f"a tunnel of {len(given)} parts; entry, tip and diameter are accepted", code="option-value")
    size = given[2] if len(given) == 3 else None
    if size is not None and (isinstance(size, bool) or not isinstance(size, int | float)):
        raise InputError(f"a diameter of {size!r}; a number of mm is accepted", code="option-value")
    return evaluation.Path(given[0], given[1], None if size is None else float(size))


def _shown(found: evaluation.Evaluation) -> Evaluation:
    existing = len(found.spec.keep) if found.status == "planned" else 0
    return Evaluation(
        found.status,
        tuple(
            world_tunnel(found.hip, tunnel, figures, existing=place < existing)
            for place, (tunnel, figures) in enumerate(found.tunnels)
        ),
        found.removed_fraction, found.perforation_probability, found.violations, found.reason, found.spec,
    )  # fmt: skip
