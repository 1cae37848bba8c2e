"""The second road from input files to a plan's figures."""

from __future__ import annotations

import math
from pathlib import Path

from corecore.base.version import __version__
from corecore.document.content import content_of
from corecore.document.fields import listed
from corecore.document.stated import StatedPlan, read_stated
from corecore.verification import tolerance
from corecore.verification.bone_stock import standing_checks, wall_share
from corecore.verification.coverage import figures_of
from corecore.verification.cylinder import bore_of
from corecore.verification.drilled_volume import measure
from corecore.verification.files_beside import file_checks
from corecore.verification.foci import foci_checks
from corecore.verification.frame import frame_of
from corecore.verification.frame_range import necrosis_range_checks, tunnel_range_checks
from corecore.verification.hip import Hip, check_inputs, load_hip
from corecore.verification.landmarks import landmark_checks
from corecore.verification.outline import outline_checks
from corecore.verification.own_figures import own_checks
from corecore.verification.path_bone import path_bone_checks
from corecore.verification.quantities import neck_share, necrosis_checks, total_checks
from corecore.verification.rays import ray_checks
from corecore.verification.record import record_checks
from corecore.verification.report import Check, Verification, at_least, at_most, standing
from corecore.verification.risk import risk_checks
from corecore.verification.sets import set_checks
from corecore.verification.tradeoff import curve_checks, tradeoff_checks
from corecore.verification.tunnel_checks import constraint_checks, figure_checks, spec_checks
from corecore.verification.vastus_ridge import ridge_checks, ridge_in_force_mm


def verify_plan(path: Path, *, key: bytes | None = None, own_copies: bool = False) -> Verification:
    """Judge a plan.json by a road of its own, from the input files it names.

    Shares with the planner the contract, the file readers and nothing else. Where an input
    file is not the one the plan was made from, only that is reported. Raises ``InputError``
    for a plan that cannot be read or is not complete, and for input files that are missing.
    With ``key`` the plan must be signed by it. ``own_copies``: files that were changed since, where they lay when
    the plan was made from them, are told and no disagreement.
    """
    plan = read_stated(Path(path))
    checks, messages = check_inputs(plan)
    if messages:
        return Verification(tuple(checks), tuple(messages))
    notes = [
        f"input moved: {item.path.name} ({item.role}) lies beside the plan, not at {item.moved_from}"
        for item in plan.inputs
        if item.moved_from is not None
    ]
    record = record_checks(plan, key=key, own_copies=own_copies)
    judged = judge(plan, load_hip(plan))
    if not judged.agrees and plan.version != __version__:
        notes.append(f"other version: corecore {plan.version} wrote this plan, this is {__version__}")
    derived = [*own_checks(plan.file.plan), *curve_checks(plan), *file_checks(plan)]
    found = (*checks, *record.checks, *judged.checks, *derived)
    figures = figures_of(content_of(plan.file.plan), found, (one.path for one in listed(plan.file.plan.outputs)))
    return Verification(found, (*record.messages, *notes, *judged.messages), figures)


def judge(plan: StatedPlan, hip: Hip) -> Verification:
    """Every check of a plan but those of its input files."""
    checks: list[Check] = []
    messages: list[str] = []
    frame = frame_of(plan.anatomy, plan.side)
    checks += landmark_checks(plan, hip, frame)
    checks += ridge_checks(plan, hip, frame)
    checks += necrosis_checks(plan, hip, frame)
    checks += ray_checks(plan, hip, frame)
    checks += necrosis_range_checks(plan, hip, frame)
    if plan.status == "infeasible":
        checks += foci_checks(plan, hip, frame)
        checks.append(at_most("tunnels (number)", 0.0, float(len(plan.tunnels)), 0.0, ""))
        return Verification(tuple(checks), tuple(messages))

    spacing = hip.bone.grid.spacing_mm
    bores = [bore_of(tunnel) for tunnel in plan.tunnels]
    figures = [measure(bore, hip, frame, plan.spec) for bore in bores]
    constraints: dict[str, list[Check]] = {}
    for index, (tunnel, found) in enumerate(zip(plan.tunnels, figures, strict=True)):
        name = f"tunnels[{index}]"
        checks += figure_checks(name, tunnel, found, plan, frame, spacing)
        checks += tunnel_range_checks(name, tunnel, bores[index], plan, hip, frame)
        for key, verdicts in constraint_checks(name, tunnel, found, plan, spacing).items():
            constraints.setdefault(key, []).extend(verdicts)
    constraints.update(
        set_checks(bores, [found.portal_length_mm for found in figures], hip.mesh, plan.spec["bridge_min_mm"])
    )
    share_max, share = plan.spec.get("neck_area_share_max"), neck_share(plan, frame, bores)
    if share_max is not None and share is not None:
        limit = at_most("tunnels neck_area_share_max", share_max, share, tolerance.NECK_SHARE, "")
        constraints["neck_area_share_max"] = [limit]
    wall_max, below = plan.spec.get("lateral_wall_share_max"), plan.spec.get("entry_below_ridge_mm")
    if wall_max is not None:
        wall = wall_share(hip, frame, bores)
        # Where the wall is not in view nothing says that it is kept.
        name, slack = "tunnels lateral_wall_share_max", tolerance.wall_share(spacing)
        constraints["lateral_wall_share_max"] = [at_most(name, wall_max, 1.0 if wall is None else wall, slack, "")]
    if below is not None:
        ridge = ridge_in_force_mm(plan, hip, frame)
        constraints["entry_below_ridge_mm"] = [
            at_least(
                f"tunnels[{index}] entry_below_ridge_mm", below,
                -math.inf if ridge is None else ridge - one.entry_height_mm - one.hole_half_height_mm,
                tolerance.RIDGE_MM, "mm",
            )
            for index, one in enumerate(figures)
        ]  # fmt: skip
    checks += spec_checks(plan)
    checks += total_checks(plan, hip, frame, bores)
    checks += outline_checks(plan, hip, bores)
    checks += standing_checks(plan, hip, frame, bores, figures)
    checks += path_bone_checks(plan, hip, bores)
    checks += risk_checks(plan, hip, frame)
    checks += tradeoff_checks(plan, hip, frame)
    if plan.nearest is not None:
        found = measure(bore_of(plan.nearest), hip, frame, plan.spec)
        checks += figure_checks("nearest", plan.nearest, found, plan, frame, spacing)
        for verdicts in constraint_checks("nearest", plan.nearest, found, plan, spacing).values():
            checks += verdicts
    if plan.status == "manual":
        listed, unjudged = violation_checks(plan, constraints)
        checks += listed
        messages += unjudged
    else:
        checks += [check for judged in constraints.values() for check in judged]
        checks.append(at_most("violations (number)", 0.0, float(len(plan.violations)), 0.0, ""))
    return Verification(tuple(checks), tuple(messages))


def violation_checks(plan: StatedPlan, constraints: dict[str, list[Check]]) -> tuple[list[Check], list[str]]:
    """A manual plan lists what it breaks and nothing it clearly keeps; at a limit either is right."""
    checks = []
    for key, judged in constraints.items():
        states = {standing(check) for check in judged}
        state = "broken" if "broken" in states else "at the limit" if "at the limit" in states else "kept"
        listed = key in plan.violations
        ok = state == "at the limit" or listed == (state == "broken")
        checks.append(Check(f"violations {key}", "listed" if listed else "not listed", state, 0.0, "", ok))
    unjudged = [f"violation {key!r} is not evaluated here" for key in plan.violations if key not in constraints]
    return checks, unjudged
