"""From a hip to a plan: search, figures, totals, and what the reader must know."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from corecore.base.cancellation import check_wanted
from corecore.base.errors import InputError
from corecore.base.grid import FloatArray
from corecore.base.html import figures_html
from corecore.base.language import language
from corecore.base.limits import NECK_SHARE_WARNING
from corecore.base.spec import Spec, preset
from corecore.document.plan import ReviewPart, Status, ViolationPart
from corecore.document.totals import says_something
from corecore.document.tunnels import ExplanationPart
from corecore.hip.anatomy.model import PlanWarning
from corecore.hip.hip import Hip
from corecore.measures.model import Measures
from corecore.planning.alternatives import Alternative, alternatives
from corecore.planning.explain import explanation
from corecore.planning.proof.branch_and_bound import Proof
from corecore.planning.request import Search
from corecore.planning.results import Results
from corecore.planning.robust import RobustPlan, robust_tunnel
from corecore.planning.search.infeasible import Infeasible
from corecore.planning.search.local_search import NearbyTunnel
from corecore.planning.search.single import best_tunnel, provable
from corecore.planning.sets.search import best_set
from corecore.planning.tradeoff import Tradeoff, tradeoff_of
from corecore.tunnels.bone_stock import BoneStock, bone_left
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.figures import TunnelFigures
from corecore.tunnels.objective import objective_fraction
from corecore.tunnels.outline_error import DrawnOutlines, OutlineRisk
from corecore.tunnels.plan_metrics import PlanMetrics, healthy_bone_ml, totals_of
from corecore.tunnels.risk.methods import METHODS, OUTLINE, Method
from corecore.tunnels.user_constraints import fixed_direction, fixed_entry

#: A fixed entry moved further than this onto the surface is spoken of, mm.
ENTRY_MOVED_MM = 0.1
#: A focus missed by more of the outlines than this is spoken of (engineering choice).
FOCUS_MISSED_TOLD = 0.05
#: The search for what does most takes so much of a safest plan's time, as a bar shows it (engineering choice).
MOST_SHARE = 0.65


@dataclass(frozen=True, eq=False)
class ManualPath:
    """A surgeon-modified path: the points that were given, and how it was evaluated.

    Parameters
    ----------
    entry_mm, tip_mm : ndarray, shape (3,)
        The points as they were given, world RAS mm.
    entry_moved_mm : float
        From the given entry to where the axis leaves the bone, mm.
    violations : tuple of ViolationPart
        Limits exceeded: key, limit and value.
    nearest : NearbyTunnel or None
        The best tunnel within 10 mm of the path, local mm.
    nearest_reason : str or None
        Why there is none.
    """

    entry_mm: FloatArray
    tip_mm: FloatArray
    entry_moved_mm: float
    violations: tuple[ViolationPart, ...]
    nearest: NearbyTunnel | None
    nearest_reason: str | None


@dataclass(frozen=True, eq=False)
class Plan:
    """A planned hip: its tunnels with their figures, or why there are none.

    Tunnels are in the local frame of the hip: ``plan.hip.to_world(tunnel.entry)`` is RAS mm, as in ``plan.json``.

    Parameters
    ----------
    hip : Hip
        The hip.
    spec : Spec
        Parameters in force.
    measures : Measures
        Measures of its necrosis.
    tunnels : tuple of (Tunnel, TunnelFigures)
        The tunnels, local mm, and their figures; empty where there is none.
    infeasible : Infeasible or None
        Why there is none, or no set that removes what was asked for.
    totals : PlanMetrics
        What the tunnels do together.
    warnings : tuple of PlanWarning
        What a reader must know.
    timings : dict of str to float
        Seconds taken by each step.
    poses_judged : int
        Lines that the search evaluated.
    proof : Proof, optional
        The proven bound, where one was asked for.
    given : ManualPath, optional
        The path, where the plan evaluates one instead of searching.
    explanations : tuple of dict
        Per tunnel: text, nearest walls and limiting constraints.
    standing : BoneStock, optional
        Residual bone stock.
    methods : mapping of str to Method
        Guidance methods whose errors are simulated.
    robust : RobustPlan, optional
        The robust plan, where one was asked for.
    own : Alternative, optional
        The plan's own tunnel, scored as its alternatives are.
    others : tuple of Alternative
        Alternatives, where some were asked for.
    outline : OutlineRisk, optional
        What an error of the lesion's outline does; ``None`` where none is simulated, or there is no tunnel.
    tradeoff : Tradeoff, optional
        Share removed against perforation, where the safest of the nearly best was asked for.
    review : ReviewPart, optional
        The review that its tunnels come from.
    """

    hip: Hip
    spec: Spec
    measures: Measures
    tunnels: tuple[tuple[Tunnel, TunnelFigures], ...]
    infeasible: Infeasible | None
    totals: PlanMetrics
    warnings: tuple[PlanWarning, ...]
    timings: dict[str, float]
    poses_judged: int
    proof: Proof | None = None
    given: ManualPath | None = None
    explanations: tuple[ExplanationPart, ...] = ()
    standing: BoneStock | None = None
    #: Error models of which the risk is told.
    methods: Mapping[str, Method] = field(default_factory=lambda: dict(METHODS))
    robust: RobustPlan | None = None
    #: The plan's own tunnel as its alternatives are judged, and those.
    own: Alternative | None = None
    others: tuple[Alternative, ...] = ()
    outline: OutlineRisk | None = None
    tradeoff: Tradeoff | None = None
    review: ReviewPart | None = None

    @property
    def most_fraction(self) -> float | None:
        """The most that was found by the target, 0 to 1; ``None`` where nothing was searched."""
        if self.given is not None or not self.tunnels:
            return None
        if self.tradeoff is not None:
            return self.tradeoff.most.removed_fraction
        return self.totals.target_fraction if self.robust is None else self.robust.plain_figures.removed_fraction

    @property
    def status(self) -> Status:
        """``planned``, ``infeasible``, or ``manual`` for a surgeon-modified path."""
        if self.given is not None:
            return "manual"
        return "planned" if self.tunnels else "infeasible"

    def __repr__(self) -> str:
        removed = f"{self.totals.removed_fraction:.1%}"
        return f"<Plan of hip {self.hip.case.id}: {self.status}, {len(self.tunnels)} tunnels, {removed} removed>"

    def _repr_html_(self) -> str:
        rows = [("status", self.status), ("removed", f"{self.totals.removed_fraction:.1%} of the necrosis")]
        if self.tradeoff is not None:
            at, most = self.tradeoff.points[self.tradeoff.chosen], self.tradeoff.most
            rows.append(("of the most that was found", f"{at.removed_fraction / most.removed_fraction:.1%}"))
            rows.append(
                (f"perforated by {self.spec.guidance}", f"{at.perforation_probability:.2%} of simulated drillings")
            )
        if self.proof is not None and says_something(self.proof.upper_bound_fraction):
            rows.append(("no plan removes more than", f"{self.proof.upper_bound_fraction:.1%}"))
        if self.infeasible is not None:
            rows.append(("why there is no tunnel", self.infeasible.text))
        for place, (tunnel, figures) in enumerate(self.tunnels, start=1):
            margins = f"cortex {figures.cortical_clearance_mm:.1f}, joint {figures.joint_clearance_mm:.1f} mm"
            rows.append((f"tunnel {place}", f"{tunnel.diameter_mm:g} mm, {figures.length_mm:.1f} mm long; {margins}"))
        broken = [f"exceeds limit: {one.key}" for one in self.given.violations] if self.given is not None else []
        return figures_html(f"plan of hip {self.hip.case.id}", rows, [*broken, *(one.text for one in self.warnings)])


@dataclass(frozen=True, eq=False)
class Choice:
    """The tunnels that a search chose, before anything else is found of them.

    Parameters
    ----------
    hip : Hip
        The hip.
    spec : Spec
        Parameters in force.
    search : Search
        How far the search went.
    tunnels : tuple of (Tunnel, TunnelFigures)
        The tunnels, local mm, and their figures; empty where there is none.
    infeasible : Infeasible or None
        Why there is none, or no set that removes what was asked for.
    fewer : str or None
        Why there are fewer tunnels than asked for.
    warnings : tuple of PlanWarning
        What must be told of what was asked for.
    passing : ndarray, shape (N, 4)
        Lines of the sweep that carry a tunnel, most removed first.
    most_removed : float
        What the single tunnel that removes most removes, 0 to 1; 0 for several tunnels.
    poses_judged : int
        Lines that the search evaluated.
    timings : dict of str to float
        Seconds taken by each step.
    proof : Proof or None
        The proven bound, where one was asked for.
    tradeoff : Tradeoff or None
        Share removed against perforation, where the safest of the nearly best was asked for.
    """

    hip: Hip
    spec: Spec
    search: Search
    tunnels: tuple[tuple[Tunnel, TunnelFigures], ...]
    infeasible: Infeasible | None
    fewer: str | None
    warnings: tuple[PlanWarning, ...]
    passing: FloatArray
    most_removed: float
    poses_judged: int
    timings: dict[str, float]
    proof: Proof | None
    tradeoff: Tradeoff | None


def chosen_tunnels(
    hip: Hip,
    spec: Spec,
    search: Search | None = None,
    *,
    results: Results | None = None,
    whole: bool = True,
    progress: Callable[[float], None] | None = None,
) -> Choice:
    """Search the tunnels of a plan, and nothing else of it. Raises as ``plan_hip``.

    ``results``: what earlier searches on this hip found, taken where it would come out again. Without ``whole`` the
    trade-off's curve is drawn no further than the choice needs; the tunnels are the same.
    """
    search, results = search or Search(), results or Results()
    spec, search = _robust_outline(spec, search)
    gap, seconds, confirm = search.gap, search.seconds, search.confirm
    search.check(spec)
    # Neither knows of a cavity, and both compare by what is removed.
    for name, asked in (("--robust", search.robust is not None), ("--alternatives", search.alternatives > 0)):
        if asked and not provable(spec):
            raise InputError(
                f"{name}: accepted for removing lesion with one tunnel, not kept, without a cavity",
                code="options-conflict",
            )
    if search.robust is not None and search.alternatives:
        raise InputError("--alternatives with --robust: each by itself is accepted", code="options-conflict")
    spec, placed = resolve_entry(hip, spec)
    spec, instead = resolve_objective(spec, search.robust)
    started = time.perf_counter()
    tunnels: tuple[tuple[Tunnel, TunnelFigures], ...] = ()
    fewer: str | None = None
    safest = spec.objective == "safest"
    first = _part_of(progress, 0.0, MOST_SHARE) if safest else progress
    # What stops by the clock is another each time.
    key = object() if seconds is not None else (of_search(spec), gap, confirm, language())
    if spec.tunnels == 1 and not spec.keep and not spec.remove_fraction_min:
        one = results.once(
            "tunnel", key,
            lambda: best_tunnel(hip, spec, progress=first, gap=gap, seconds=seconds, confirm=confirm),
        )  # fmt: skip
        infeasible, judged, compile_s, proof, passing = (
            one.infeasible, one.lines_judged, one.compile_s, one.proof, one.passing,
        )  # fmt: skip
        if one.tunnel is not None and one.figures is not None:
            tunnels = ((one.tunnel, one.figures),)
    else:
        several = results.once(
            "set", key, lambda: best_set(hip, spec, progress=first, gap=gap, seconds=seconds, confirm=confirm)
        )
        infeasible, judged, compile_s = several.infeasible, several.lines_judged, several.compile_s
        tunnels, fewer, proof, passing = several.tunnels, several.fewer, several.proof, several.passing
    timings = {**hip.timings, "search_s": time.perf_counter() - started - compile_s, "compile_s": compile_s}
    most_removed = tunnels[0][1].removed_fraction if len(tunnels) == 1 else 0.0
    tradeoff: Tradeoff | None = None
    if safest and tunnels:
        started, most = time.perf_counter(), tunnels
        assert spec.guidance is not None
        curve = key, spec.near_best_share, search.methods[spec.guidance]
        tradeoff = results.once(
            "curve" if whole or results.known("curve", curve) else "choice", curve,
            lambda: _tradeoff(hip, spec, search, most, passing, _part_of(progress, MOST_SHARE, 1.0), whole=whole),
        )  # fmt: skip
        point = tradeoff.points[tradeoff.chosen]
        tunnels = tuple(zip(point.tunnels, point.figures, strict=True))
        timings["tradeoff_s"] = time.perf_counter() - started
    return Choice(
        hip, spec, search, tunnels, infeasible, fewer, (*placed, *(instead if tunnels else ())), passing, most_removed,
        judged, timings, proof, tradeoff,
    )  # fmt: skip


def of_search(spec: Spec) -> Spec:
    """The parameters without those that only choose among what a search found; of one tunnel without a pattern."""
    plain = Spec()
    return replace(
        spec, preset=plain.preset, objective=plain.objective, guidance=plain.guidance,
        near_best_share=plain.near_best_share, pattern=plain.pattern if spec.tunnels == 1 else spec.pattern,
    )  # fmt: skip


def plan_hip(
    hip: Hip,
    spec: Spec,
    measures: Measures | Callable[[], Measures],
    search: Search | None = None,
    *,
    results: Results | None = None,
    progress: Callable[[float], None] | None = None,
) -> Plan:
    """Search the safest of the nearly best tunnels of a hip, or those that do most, as ``spec.objective`` asks.

    What does most, one tunnel or the best set of at most ``spec.tunnels``, is found in either case, and a proof bounds
    it. ``measures`` may be a function that gives them, called when the search is done, so that they can be
    taken beside it. ``results``: what earlier answers on this hip found. Raises ``InputError`` for a gap, a time or a
    number that is none, for an unknown method, and where a robust plan or alternatives for several are asked for.
    """
    results = results or Results()
    choice = chosen_tunnels(hip, spec, search, results=results, progress=progress)
    spec, search, tunnels, timings = choice.spec, choice.search, choice.tunnels, choice.timings
    own: Alternative | None = None
    found: tuple[Alternative, ...] = ()
    if search.alternatives and tunnels:
        started = time.perf_counter()
        assert spec.guidance is not None
        own, found = alternatives(
            hip, spec, tunnels[0], choice.passing, lambda tunnel: healthy_bone_ml(hip, tunnel), search.alternatives,
            method=search.methods[spec.guidance], ceiling=choice.most_removed,
        )  # fmt: skip
        timings["search_s"] += time.perf_counter() - started
    hardy: RobustPlan | None = None
    if search.robust is not None and tunnels:
        started = time.perf_counter()
        hardy = robust_tunnel(hip, spec, search.methods[search.robust], tunnels[0], progress=progress)
        tunnels = ((hardy.tunnel, hardy.figures),)
        timings["robust_s"] = time.perf_counter() - started
    check_wanted()
    totals = totals_of(hip, spec, [tunnel for tunnel, _ in tunnels])
    if not isinstance(measures, Measures):
        measures = measures()
    # First, as page one shows but the first few.
    warnings = [*_focus_caution(totals, measures, len(tunnels)), *hip.warnings, *measures.warnings, *choice.warnings]
    if (search.gap is not None or search.seconds is not None) and not provable(spec):
        text = "no bound is proven: that needs target lesion, no cavity and no existing tunnels"
        warnings.append(PlanWarning("no_bound", text))
    if spec.cavity_diameter_mm > 0.0:
        warnings += _cavity_cautions(spec)
    warnings += _neck_caution(totals, len(tunnels))
    check_wanted()
    outline = _outline(hip, spec, tunnels, timings, results)
    warnings += _outline_caution(outline)
    if choice.fewer is not None:
        text = f"{len(tunnels)} of {spec.tunnels} tunnels planned: {choice.fewer}"
        warnings.append(PlanWarning("fewer_tunnels", text))
    if hardy is not None and not hardy.met:
        warnings.append(_not_met(hardy))
    return Plan(
        hip, spec, measures, tunnels, choice.infeasible, totals, tuple(warnings), timings, choice.poses_judged,
        choice.proof, explanations=_explained(hip, spec, tunnels, timings, gains=search.explain),
        standing=bone_left(hip, spec, tunnels) if tunnels else None, methods=dict(search.methods), robust=hardy,
        own=own, others=found, outline=outline, tradeoff=choice.tradeoff,
    )  # fmt: skip


def _robust_outline(spec: Spec, search: Search) -> tuple[Spec, Search]:
    """A plan that is robust against the outline's error has a target of its own: what is removed on average."""
    if search.robust != OUTLINE:
        return spec, search
    if spec.target not in ("lesion", "expected"):
        raise InputError(
            f"--robust {OUTLINE}: with target {spec.target!r}; with target 'lesion' it is accepted",
            code="options-conflict",
        )
    return replace(spec, target="expected"), replace(search, robust=None)


def resolve_objective(spec: Spec, robust: str | None = None) -> tuple[Spec, list[PlanWarning]]:
    """The objective that a plan can have, and a word where it is not the one asked for.

    A robust plan has an objective of its own, for its own method.
    """
    if robust is not None:
        return replace(spec, objective="most", guidance=robust), []
    why = ""
    if spec.cavity_diameter_mm > 0.0:
        why = "execution errors are not simulated with a cavity"
    elif spec.target == "expected":
        why = "the share removed on average over outlines has no trade-off curve"
    elif len(spec.keep) == spec.tunnels:
        why = "every tunnel is an existing one"
    if spec.objective == "most" or not why:
        return spec, []
    text = f"planned for most necrosis removed, not for least perforation: {why}"
    return replace(spec, objective="most"), [PlanWarning("objective_most", text)]


def _tradeoff(
    hip: Hip,
    spec: Spec,
    search: Search,
    most: Sequence[tuple[Tunnel, TunnelFigures]],
    passing: FloatArray,
    progress: Callable[[float], None] | None,
    *,
    whole: bool,
) -> Tradeoff:
    """The curve below what does most; where a share to remove is asked for, no plan on it that is taken has less."""
    tunnels = [tunnel for tunnel, _ in most]
    share = spec.near_best_share
    if spec.remove_fraction_min:
        share = max(share, spec.remove_fraction_min / objective_fraction(hip, tunnels, spec))
    assert spec.guidance is not None
    method = search.methods[spec.guidance]
    return tradeoff_of(
        hip, spec, method, tunnels, passing, near_best_share=min(share, 1.0), whole=whole, progress=progress
    )


def _part_of(progress: Callable[[float], None] | None, low: float, high: float) -> Callable[[float], None] | None:
    """A part of the work tells its own share; of all of it that runs from ``low`` to ``high``."""
    return None if progress is None else lambda share: progress(low + (high - low) * share)


def _not_met(found: RobustPlan) -> PlanWarning:
    text = (
        f"limit not met: no tunnel found that {found.method.name} perforates in under {found.limit:.2%};"
        f" the one of least risk perforates the cortex in {found.risk.cortex_breach.value:.2%}"
        f" and penetrates the joint in {found.risk.joint_breach.value:.2%} of drillings"
    )
    return PlanWarning("breach_limit_not_met", text)


def evaluated_plan(
    hip: Hip,
    spec: Spec,
    measures: Measures | Callable[[], Measures],
    tunnels: list[tuple[Tunnel, TunnelFigures]],
    *,
    given: ManualPath,
    warnings: list[PlanWarning],
    timings: dict[str, float],
    methods: Mapping[str, Method] = METHODS,
) -> Plan:
    """The plan of tunnels that nobody searched, with all a searched plan's figures."""
    totals = totals_of(hip, spec, [tunnel for tunnel, _ in tunnels])
    if not isinstance(measures, Measures):
        measures = measures()
    missed, neck = _focus_caution(totals, measures, len(tunnels)), _neck_caution(totals, len(tunnels))
    timings = {**hip.timings, **timings}
    outline = _outline(hip, spec, tunnels, timings)
    notes = (*missed, *hip.warnings, *measures.warnings, *neck, *_outline_caution(outline), *warnings)
    return Plan(
        hip, spec, measures, tuple(tunnels), None, totals, notes, timings, 0, given=given,
        explanations=_explained(hip, spec, tunnels, timings), standing=bone_left(hip, spec, tunnels),
        methods=dict(methods), outline=outline,
    )  # fmt: skip


def _explained(
    hip: Hip,
    spec: Spec,
    tunnels: Sequence[tuple[Tunnel, TunnelFigures]],
    timings: dict[str, float],
    *,
    gains: bool = False,
) -> tuple[ExplanationPart, ...]:
    """Every tunnel explained; the time it took is noted."""
    started = time.perf_counter()
    texts = tuple(explanation(hip, spec, tunnels, index, gains=gains) for index in range(len(tunnels)))
    timings["explain_s"] = time.perf_counter() - started
    return texts


def _outline(
    hip: Hip,
    spec: Spec,
    tunnels: Sequence[tuple[Tunnel, TunnelFigures]],
    timings: dict[str, float],
    results: Results | None = None,
) -> OutlineRisk | None:
    """What an error of the outline does to the tunnels; the time it took is noted."""
    if not tunnels or spec.outline_error_mm == 0.0:
        return None
    started = time.perf_counter()
    error_mm = spec.outline_error_mm
    drawn = (results or Results()).common().once("outlines", error_mm, lambda: DrawnOutlines.of(hip, error_mm))
    found = drawn.risk([tunnel for tunnel, _ in tunnels])
    timings["outline_s"] = time.perf_counter() - started
    return found


def _outline_caution(outline: OutlineRisk | None) -> list[PlanWarning]:
    if outline is None or outline.focus_missed_probability <= FOCUS_MISSED_TOLD:
        return []
    text = (
        f"with the outline {outline.error_mm:g} mm off on average, {outline.focus_missed_probability:.0%} of outlines"
        " leave a focus untouched that the plan meets as drawn"
    )
    return [PlanWarning("focus_may_be_missed", text)]


def _neck_caution(totals: PlanMetrics, tunnels: int) -> list[PlanWarning]:
    if totals.neck_area_share <= NECK_SHARE_WARNING:
        return []
    taken = f"{'the tunnel takes' if tunnels == 1 else 'the tunnels take'} {totals.neck_area_share:.0%}"
    text = f"{taken} of the neck's smallest section; above {NECK_SHARE_WARNING:.0%} the neck may be weakened"
    return [PlanWarning("neck_area_share", text)]


def _focus_caution(totals: PlanMetrics, measures: Measures, tunnels: int) -> list[PlanWarning]:
    """That the tunnels leave the largest of several foci untouched, however much they remove of the others."""
    if not tunnels or len(measures.foci) < 2 or totals.foci_removed_fraction[0] > 0.0:
        return []
    focus = measures.foci[0]
    text = (
        f"{'the tunnel removes' if tunnels == 1 else 'the tunnels remove'} nothing of focus 1, the largest"
        f" ({focus.place}, {focus.volume_ml:.2f} of {measures.figures.volumes.volume_ml:.2f} ml)"
    )
    return [PlanWarning("focus_missed", text)]


def resolve_entry(hip: Hip, spec: Spec) -> tuple[Spec, list[PlanWarning]]:
    """The parameters with a fixed entry put on the bone's surface, and a word where that moved it.

    Raises ``InputError`` for an entry or a direction that cannot be kept.
    """
    fixed_direction(hip, spec)
    entry = fixed_entry(hip, spec)
    if entry is None or spec.entry_fixed is None:
        return spec, []
    x, y, z = (round(float(value), 4) for value in hip.to_world(entry))
    moved = float(np.linalg.norm(hip.to_world(entry) - np.array(spec.entry_fixed)))
    text = f"the entry given was moved by {moved:.1f} mm onto the bone's surface"
    return replace(spec, entry_fixed=(x, y, z)), [PlanWarning("entry_moved", text)] if moved > ENTRY_MOVED_MM else []


def _cavity_cautions(spec: Spec) -> list[PlanWarning]:
    size = f"{spec.cavity_diameter_mm:g} x {spec.cavity_length_mm:g} mm"
    given = preset("acd")
    warnings = [PlanWarning("risk_without_cavity", "the risk of execution is not given: its model has no cavity")]
    if (spec.cavity_diameter_mm, spec.cavity_length_mm) == (given.cavity_diameter_mm, given.cavity_length_mm):
        text = f"the cavity of {size} is no instrument's confirmed size: set cavity_diameter_mm and cavity_length_mm"
        warnings.append(PlanWarning("cavity_unconfirmed", text))
    return warnings
