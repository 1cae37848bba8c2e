"""``corecore doctor``: what works here."""

from __future__ import annotations

import json
from dataclasses import asdict

import typer

from corecore.app.cli import BAD_INPUT, DONE
from corecore.app.cli.options import AsJson
from corecore.app.diagnose import examine, versions


def doctor(as_json: AsJson = False) -> int:
    """Check this machine, and show the remedy for each fault. Exit code 2: planning cannot run."""

    findings = examine()
    if as_json:
        content = {"versions": versions(), "findings": [asdict(finding) for finding in findings]}
        typer.echo(json.dumps(content, indent=1, ensure_ascii=False))
    else:
        width = max(len(finding.name) for finding in findings)
        for finding in findings:
            typer.echo(f"{'works' if finding.ok else 'LACKS':6} {finding.name:{width}}  {finding.found}")
            if not finding.ok:
                typer.echo(f"{'':7}{'':{width}}  -> {finding.mend}")
    return DONE if all(finding.ok for finding in findings if finding.needed) else BAD_INPUT
