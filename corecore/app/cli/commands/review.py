"""``corecore review``: a page on this machine to look at a plan, move its tunnels and sign it off."""

from __future__ import annotations

from typing import Annotated

import typer

from corecore.app.cli.answers import key_of
from corecore.app.cli.options import LanguageOption, PlanFile, SignKey
from corecore.app.cli.progress import steps
from corecore.app.cli.serving import Served, check_installed, serve
from corecore.base.language import chosen, spoken


def review(
    plan_file: PlanFile,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0: any free port.")] = 0,
    afresh: Annotated[bool, typer.Option("--afresh", help="Ignore an earlier review of this plan.")] = False,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the address only.")] = False,
    language: LanguageOption = None,
    sign_key: SignKey = None,
) -> int:
    """View a plan, move its tunnels, and sign it off, on a local web page. Ctrl-C ends it."""
    check_installed()
    from corecore.review import record
    from corecore.review.controller import ReviewController
    from corecore.review.model import ReviewModel
    from corecore.review.server import application

    key, code = key_of(sign_key), chosen(language)
    with spoken(code), steps(quiet=False) as step:
        step("opening the plan")
        table = ReviewController.open(ReviewModel.open(plan_file), plan_file, afresh=afresh, sign_key=key)

    def told(address: str) -> str:
        if table.signature_lost is not None:
            typer.echo(f"note: {table.signature_lost}", err=True)
        words = f"every step is recorded in {table.folder / record.NAME}"
        if table.access.hold is None:
            words = f"read-only: {table.access.held_by or table.access.ended}"
        return f"review at {address}\n{words}; end with Ctrl-C"

    page = Served(lambda token, taken: application(table, token, taken, code), told)
    try:
        return serve(page, port, no_browser=no_browser)
    finally:
        table.access.release()
