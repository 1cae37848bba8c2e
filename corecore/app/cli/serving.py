"""A page of corecore served on this machine: the port, the address with its token, and the end with Ctrl-C."""

from __future__ import annotations

import contextlib
import secrets
import socket
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from corecore.base.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from starlette.applications import Starlette


@dataclass(frozen=True)
class Served:
    """What a page is served with: its application, of a token and a port, and what the terminal says of it."""

    application: Callable[[str, int], Starlette]
    told: Callable[[str], str]
    #: Given the function that ends the server.
    ending: Callable[[Callable[[], None]], None] = lambda end: None


def check_installed() -> None:
    """Raise ``MissingExtraError`` where what serves pages is not installed."""
    try:
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(
            f"{error.name} is not installed; pip install 'corecore[review]'", code="extra-missing"
        ) from error


def serve(page: Served, port: int, *, no_browser: bool) -> int:
    """Serve on loopback until Ctrl-C, or until the page ends it; the exit code.

    Raises ``InputError`` for a port that cannot be used.
    """
    import uvicorn

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
    served = page.application(token, taken)
    address = f"http://127.0.0.1:{taken}/#{token}"
    typer.echo(page.told(address))
    if not no_browser:
        webbrowser.open(address)
    config = uvicorn.Config(served, log_level="warning", access_log=False, server_header=False, date_header=False)
    server = uvicorn.Server(config)

    def end() -> None:
        server.should_exit = True

    page.ending(end)
    # Ctrl-C is how it ends without a page.
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[listening])
    return 0
