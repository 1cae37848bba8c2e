"""``corecore verify``: the figures of a plan again."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from corecore.app.cli import DISAGREES, DONE
from corecore.app.cli.options import AsJson, PlanFile
from corecore.app.cli.progress import steps
from corecore.app.cli.tables import print_verification


def verify(
    plan_file: PlanFile,
    key: Annotated[
        Path | None, typer.Option(help="File with the secret key that the plan must be signed with (plan --sign-key).")
    ] = None,
    own_copies: Annotated[
        bool,
        typer.Option("--own-copies", help="Use the masks in the plan's folder, even if the originals have changed."),
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Recalculate a plan's figures independently. Exit code 1: they disagree."""
    return verify_and_report(plan_file, key=key, own_copies=own_copies, as_json=as_json)


def verify_and_report(
    plan_file: Path, *, as_json: bool, key: Path | None = None, own_copies: bool = False, brief: bool = False
) -> int:
    """Check a plan by independent recalculation and print the result; the exit code."""
    from corecore.document.seal import read_key
    from corecore.verification.recalculation import verify_plan

    secret = None if key is None else read_key(key)
    with steps(quiet=as_json) as step:
        step("recalculating independently")
        result = verify_plan(plan_file, key=secret, own_copies=own_copies)
    if as_json:
        content = {
            "agrees": result.agrees,
            "messages": list(result.messages),
            "checks": [asdict(check) for check in result.checks],
            "figures": [{**asdict(figure), "checked": figure.checked} for figure in result.figures],
            "totals": result.totals,
        }
        typer.echo(json.dumps(content, indent=1, ensure_ascii=False))
    else:
        print_verification(result, brief=brief)
    return DONE if result.agrees else DISAGREES
