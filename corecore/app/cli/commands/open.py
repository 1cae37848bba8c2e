"""``corecore open``: the planning page, from the scan to a signed plan without a terminal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from corecore.app.cli.options import LanguageOption
from corecore.app.cli.serving import Served, check_installed, serve
from corecore.base.errors import CorecoreError
from corecore.base.language import chosen


def open(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="[FOLDER]", help="Folder to choose cases from; default: your Documents and Downloads."),
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0: any free port.")] = 0,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the address only.")] = False,
    desktop_entry: Annotated[
        bool, typer.Option("--desktop-entry", help="Write an entry for the desktop's menu instead, which does this.")
    ] = False,
    language: LanguageOption = None,
) -> int:
    """Open the planning page: choose a scan, check it, plan, review, sign and save. It ends from the page or Ctrl-C."""
    code = chosen(language)
    if desktop_entry:
        from corecore.app.cli.desktop import write_entry

        typer.echo(f"written: {write_entry(folder, code)}")
        return 0
    check_installed()
    from corecore.review.case_controller import CaseController
    from corecore.review.case_folder import home_folder
    from corecore.review.readable import Roots
    from corecore.review.server import case_application

    desk = CaseController(home_folder(), Roots.of(folder), _sample())

    def told(address: str) -> str:
        return f"corecore at {address}\ncases are kept in {desk.home}; end on the page, or with Ctrl-C"

    def ending(end: Callable[[], None]) -> None:
        desk.end_server = end

    page = Served(lambda token, taken: case_application(desk, token, taken, code), told, ending)
    try:
        return serve(page, port, no_browser=no_browser)
    finally:
        desk.close()


def _sample() -> tuple[Path, ...]:
    from corecore.study.samples import DEMO, DEMO_CT, sample

    try:
        return sample(DEMO), sample(DEMO_CT)
    except CorecoreError:
        return ()
