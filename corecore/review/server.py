"""The review on this machine: a page on loopback, behind a token, that asks the desk and draws what it says.

The page itself holds nothing of a patient and needs no token; every answer that does, asks for it in
the ``Authorization`` header. Not a cookie: cookies ignore ports, and another local server would get it.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import jinja2
import msgspec

from corecore.base.errors import CorecoreError, InputError, MissingExtraError
from corecore.base.language import ENGLISH, language, say, spoken
from corecore.base.notice import notice_caption
from corecore.document.fields import Part
from corecore.document.text import error_text
from corecore.review.controller import ReviewController
from corecore.review.protocol import question

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

#: Longest body of a command, bytes.
BODY_MAX = 16_384
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
}
#: What the page may ask for by name: file and kind. The script is bundled from web/src.
STATIC = {
    "/": ("review.html.j2", "text/html"),
    "/review.js": ("review.js", "text/javascript"),
    "/review.css": ("review.css", "text/css"),
}


def application(table: ReviewController, token: str, port: int, speaks: str = ENGLISH) -> Starlette:
    """The server's application, in a language. Raises ``MissingExtraError`` where Starlette is not installed."""
    try:
        from starlette.applications import Starlette
        from starlette.responses import JSONResponse, Response
        from starlette.routing import Route
    except ImportError as error:
        raise MissingExtraError(
            f"{error.name} is not installed; pip install 'corecore[review]'", code="extra-missing"
        ) from error
    hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
    origins = {f"http://{host}" for host in hosts}

    def refused(code: int, words: str) -> Response:
        return JSONResponse({"error": words}, code, headers=HEADERS)

    async def page(request: Request) -> Response:
        if request.headers.get("host") not in hosts:
            return refused(421, "another host")
        name, kind = STATIC[request.url.path]
        with spoken(speaks):
            text = _static(name)
        return Response(text, media_type=kind, headers=HEADERS)

    def guarded(name: str, answer: Callable[[Any], Awaitable[Part]]) -> Route:
        path = f"/api/{name}"

        async def endpoint(request: Request) -> Response:
            if request.headers.get("host") not in hosts:
                return refused(421, "another host")
            # A page of any other origin, another port of this machine among them, is refused; so is none.
            if request.headers.get("origin") not in origins:
                return refused(403, "another origin")
            given = request.headers.get("authorization", "").encode("utf-8", "surrogateescape")
            if not hmac.compare_digest(given, f"Bearer {token}".encode()):
                return refused(403, "no token, or another one: open the address that corecore printed")
            try:
                asked = question(path, await _body(request))
                # Threads that the answer starts go on in its language.
                with spoken(speaks):
                    told = await answer(asked)
                return Response(msgspec.json.encode(told), media_type="application/json", headers=HEADERS)
            except CorecoreError as error:
                with spoken(speaks):
                    return refused(422, error_text(error))

        return Route(path, endpoint, methods=["POST"])

    routes = [Route(path, page, methods=["GET"]) for path in STATIC]
    routes += [
        guarded("look", table.look),
        guarded("do", table.do),
        guarded("preview", table.preview),
        guarded("slices", table.cuts),
        guarded("films", table.films),
        guarded("ranked", table.ranked),
        guarded("scene", table.space),
        guarded("write", table.write),
        guarded("watch", table.watch),
    ]
    return Starlette(routes=routes)


def _static(name: str) -> str:
    """A file of the page; the page itself in the language spoken, with the texts of its script."""
    text = (files("corecore.review") / "static" / name).read_text(encoding="utf-8")
    if not name.endswith(".j2"):
        return text
    own = json.loads((files("corecore.review") / "static" / "texts.json").read_text(encoding="utf-8"))
    # In JSON a "<" may stand as an escape: nothing in a catalogue can close the block.
    texts = json.dumps({text: say(text) for text in own}, ensure_ascii=False).replace("<", "\\u003c")
    page = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(text)
    return page.render(say=say, language=language(), notice=notice_caption(), texts=texts)


async def _body(request: Request) -> bytes:
    """The body. Raises ``InputError`` for one that is too long."""
    data = b""
    async for chunk in request.stream():
        data += chunk
        if len(data) > BODY_MAX:
            raise InputError(f"a command of over {BODY_MAX} bytes; a shorter one is accepted", code="review-command")
    return data
