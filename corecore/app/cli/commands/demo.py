"""``corecore demo``: the whole job on the sample that is shipped."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from corecore.app.cli import DONE
from corecore.app.cli.commands.verify import verify_and_report
from corecore.app.cli.options import AsJson, LanguageOption, Overwrite
from corecore.base.language import chosen
from corecore.hip.inputs import HipInputs
from corecore.planning.request import Output, PlanRequest
from corecore.study.samples import DEMO_CT, sample


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("demo_out"),
    overwrite: Overwrite = False,
    language: LanguageOption = None,
    as_json: AsJson = False,
) -> int:
    """Run everything on a shipped sample volume: measure, plan, verify, pictures."""
    from corecore.app.cli.work import plan_and_report

    path = sample()
    inputs = HipInputs(f"{path}:1", f"{path}:2", case_id="demo", image=sample(DEMO_CT))
    output = Output(out, overwrite=overwrite, language=chosen(language))
    code = plan_and_report(PlanRequest(inputs, output=output), as_json=as_json)
    if code == DONE and not as_json:
        return verify_and_report(out / "plan.json", as_json=False, brief=True)
    return code
