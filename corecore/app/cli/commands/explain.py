"""``corecore explain``: why the tunnels of a plan lie where they lie."""

from __future__ import annotations

import json

import typer

from corecore.app.cli import DONE
from corecore.app.cli.options import AsJson, PlanFile
from corecore.app.cli.progress import steps
from corecore.app.cli.tables import print_explanations
from corecore.document.content import content_of
from corecore.document.fields import known
from corecore.document.text import UNKNOWN


def explain(plan_file: PlanFile, as_json: AsJson = False) -> int:
    """Explain the position of each tunnel: its limiting constraints, and what each of them costs."""
    with steps(quiet=as_json) as step:
        step("reading")
        from corecore.planning.explain import explanation
        from corecore.planning.open_plan import open_plan

        plan = open_plan(plan_file)
        told = []
        for index in range(len(plan.tunnels)):
            step(f"tunnel {index + 1} of {len(plan.tunnels)}", index / len(plan.tunnels))
            told.append(explanation(plan.hip, plan.spec, plan.tunnels, index, gains=True))
    if as_json:
        content = {"tunnels": [content_of(one) for one in told]}
        typer.echo(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False))
    elif told:
        print_explanations(told)
    else:
        infeasible = known(plan.file.plan.infeasible)
        typer.echo((infeasible and known(infeasible.text)) or UNKNOWN)
    return DONE
