"""``corecore summary``: a batch's table in sum."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from corecore.app.cli import DONE
from corecore.app.cli.options import AsJson
from corecore.io.files import atomic_write_text


def summary(
    results: Annotated[Path, typer.Argument(metavar="RESULTS.parquet")],
    out: Annotated[Path | None, typer.Option(help="Write a self-contained page here, with plots.")] = None,
    as_json: AsJson = False,
) -> int:
    """Show tables and plots of a batch: necrosis removed, clearances, failures and their causes."""
    from corecore.study.batch.figures import read_records
    from corecore.study.batch.summary import summary_html, summary_text, tables

    found = read_records(results)
    if out is not None:
        atomic_write_text(out, summary_html(found, results, out))
    if as_json:
        told = [{"title": title, "heads": heads, "rows": rows} for title, heads, rows in tables(found)]
        typer.echo(json.dumps({"tables": told, "written": None if out is None else str(out)}, indent=1))
    else:
        typer.echo(summary_text(found))
        if out is not None:
            typer.echo(f"written: {out}")
    return DONE
