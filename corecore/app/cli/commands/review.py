"""``corecore review``: a page on this machine to look at a plan, move its tunnels and sign it off."""

from __future__ import annotations

import contextlib
import secrets
import socket
import webbrowser
from typing import TYPE_CHECKING, Annotated

import typer

from corecore.app.cli.answers import key_of
from corecore.app.cli.options import LanguageOption, PlanFile, SignKey
from corecore.app.cli.progress import steps
from corecore.base.errors import InputError, MissingExtraError
from corecore.base.language import chosen, spoken

if TYPE_CHECKING:
    from corecore.review.controller import ReviewController


def review(
    plan_file: PlanFile,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0: any free port.")] = 0,
    afresh: Annotated[bool, typer.Option("--afresh", help="Ignore an earlier review of this plan.")] = False,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the address only.")] = False,
    language: LanguageOption = None,
    sign_key: SignKey = None,
) -> int:
    """View a plan, move its tunnels, and sign it off, on a local web page. Ctrl-C ends it."""
    try:
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(
            f"{error.name} is not installed; pip install 'corecore[review]'", code="extra-missing"
        ) from error
    from corecore.review.controller import ReviewController
    from corecore.review.model import ReviewModel

    key, code = key_of(sign_key), chosen(language)
    with spoken(code), steps(quiet=False) as step:
        step("opening the plan")
        table = ReviewController.open(ReviewModel.open(plan_file), plan_file, afresh=afresh, sign_key=key)
    try:
        return _serve(table, port, no_browser=no_browser, language=code)
    finally:
        table.access.release()


def _serve(table: ReviewController, port: int, *, no_browser: bool, language: str) -> int:
    import uvicorn

    from corecore.review import record
    from corecore.review.server import application

    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        # Bound here, so that the address printed is the one that answers.
        listening.bind(("127.0.0.1", port))
    except OSError as error:
        listening.close()
        raise InputError(
            f"--port {port}: cannot be used ({error.strerror}); another, or 0, is accepted", code="port-unusable"
        ) from error
    taken = int(listening.getsockname()[1])
    token = secrets.token_urlsafe(24)
    served = application(table, token, taken, language)
    address = f"http://127.0.0.1:{taken}/#{token}"
    told = f"every step is recorded in {table.folder / record.NAME}"
    if table.access.hold is None:
        told = f"read-only: {table.access.held_by or table.access.ended}"
    if table.signature_lost is not None:
        typer.echo(f"note: {table.signature_lost}", err=True)
    typer.echo(f"review at {address}\n{told}; end with Ctrl-C")
    if not no_browser:
        webbrowser.open(address)
    config = uvicorn.Config(served, log_level="warning", access_log=False, server_header=False, date_header=False)
    # Ctrl-C is how a review ends.
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listening])
    return 0
