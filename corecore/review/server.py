"""The review on this machine: a page on loopback, behind a token, that asks the desk and draws what it says.

The page itself holds nothing of a patient and needs no token; every answer that does, asks for it in
the ``Authorization`` header. Not a cookie: cookies ignore ports, and another local server would get it.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import jinja2
import msgspec

from corecore.base.errors import CorecoreError, InputError
from corecore.base.language import ENGLISH, language, say, spoken
from corecore.base.notice import notice_caption
from corecore.document.fields import Part
from corecore.document.text import error_text
from corecore.review.case_controller import CaseController
from corecore.review.controller import ReviewController
from corecore.review.protocol import OF_CASES, SEND, VOLUME, question

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

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
#: What the pages may ask for by name: file and kind. The scripts are bundled from web/src.
REVIEW_STATIC = {
    "/review.js": ("review.js", "text/javascript"),
    "/review.css": ("review.css", "text/css"),
}
STATIC = {"/": ("review.html.j2", "text/html"), **REVIEW_STATIC}
CASE_STATIC = {
    "/": ("open.html.j2", "text/html"),
    "/review": ("review.html.j2", "text/html"),
    "/open.js": ("open.js", "text/javascript"),
    "/open.css": ("open.css", "text/css"),
    **REVIEW_STATIC,
}
#: Which plan a review's page is of, where several are open; which case a file is sent to, and its name, both quoted.
PLAN_HEADER, CASE_HEADER, NAME_HEADER = "x-corecore-plan", "x-corecore-case", "x-corecore-name"
#: Questions of a review, by the last part of their path: what answers them.
OF_A_REVIEW: dict[str, Callable[[ReviewController], Callable[[Any], Awaitable[Part]]]] = {
    "look": lambda table: table.look,
    "do": lambda table: table.do,
    "preview": lambda table: table.preview,
    "slices": lambda table: table.cuts,
    "films": lambda table: table.films,
    "ranked": lambda table: table.ranked,
    "scene": lambda table: table.space,
    "write": lambda table: table.write,
    "watch": lambda table: table.watch,
    "hand-over": lambda table: table.hand_over,
}


@dataclass(frozen=True)
class Guard:
    """Who is answered: pages of this very port, with its token; and in which language."""

    token: str
    port: int
    speaks: str = ENGLISH

    @property
    def hosts(self) -> set[str]:
        """What the server may be called."""
        return {f"127.0.0.1:{self.port}", f"localhost:{self.port}"}

    def page(self, path: str, named: tuple[str, str]) -> Route:
        """A file of a page, which holds nothing of a patient and needs no token."""
        from starlette.responses import Response
        from starlette.routing import Route

        async def endpoint(request: Request) -> Response:
            if request.headers.get("host") not in self.hosts:
                return _refused(421, "another host")
            name, kind = named
            with spoken(self.speaks):
                text = _static(name)
            return Response(text, media_type=kind, headers=HEADERS)

        return Route(path, endpoint, methods=["GET"])

    def answers(self, path: str, answer: Callable[[Request], Awaitable[Part | bytes]]) -> Route:
        """What is told to our own page with the token alone: a message, or bytes as they are."""
        from starlette.responses import Response
        from starlette.routing import Route

        async def endpoint(request: Request) -> Response:
            if request.headers.get("host") not in self.hosts:
                return _refused(421, "another host")
            # A page of any other origin, another port of this machine among them, is refused; so is none.
            if request.headers.get("origin") not in {f"http://{host}" for host in self.hosts}:
                return _refused(403, "another origin")
            given = request.headers.get("authorization", "").encode("utf-8", "surrogateescape")
            if not hmac.compare_digest(given, f"Bearer {self.token}".encode()):
                return _refused(403, "no token, or another one: open the address that corecore printed")
            try:
                # Threads that the answer starts go on in its language.
                with spoken(self.speaks):
                    told = await answer(request)
                if isinstance(told, bytes):
                    return Response(told, media_type="application/octet-stream", headers=HEADERS)
                return Response(msgspec.json.encode(told), media_type="application/json", headers=HEADERS)
            except CorecoreError as error:
                with spoken(self.speaks):
                    return _refused(422, error_text(error))

        return Route(path, endpoint, methods=["POST"])

    def asked(self, path: str, answer: Callable[[Request], Callable[[Any], Awaitable[Part | bytes]]]) -> Route:
        """The answer to a question of the type that its path has."""

        async def told(request: Request) -> Part | bytes:
            return await answer(request)(question(path, await _body(request)))

        return self.answers(path, told)


def application(table: ReviewController, token: str, port: int, speaks: str = ENGLISH) -> Starlette:
    """The server of one plan's review, in a language. Raises ``MissingExtraError`` where Starlette is not installed."""
    guard = Guard(token, port, speaks)
    return _served(
        guard, STATIC, [guard.asked(f"/api/{name}", _answering(table, method)) for name, method in OF_A_REVIEW.items()]
    )


def case_application(desk: CaseController, token: str, port: int, speaks: str = ENGLISH) -> Starlette:
    """The server of a user's cases and of the reviews of their plans. Raises as ``application``."""
    guard = Guard(token, port, speaks)

    def reviewing(
        method: Callable[[ReviewController], Callable[[Any], Awaitable[Part]]],
    ) -> Callable[[Request], Callable[[Any], Awaitable[Part]]]:
        return lambda request: method(desk.review(request.headers.get(PLAN_HEADER)))

    async def send(request: Request) -> Part:
        case, name = (unquote(request.headers.get(key, "")) for key in (CASE_HEADER, NAME_HEADER))
        size = request.headers.get("content-length", "")
        return await desk.receive(case, name, int(size) if size.isdecimal() else None, request.stream())

    of_cases = {path: getattr(desk, path.removeprefix("/api/").replace("-", "_")) for path in OF_CASES}
    return _served(
        guard,
        CASE_STATIC,
        [
            *(guard.asked(f"/api/{name}", reviewing(method)) for name, method in OF_A_REVIEW.items()),
            *(guard.asked(path, _same(answer)) for path, answer in of_cases.items()),
            guard.asked(VOLUME, lambda request: desk.volume),
            guard.answers(SEND, send),
        ],
    )


def _same(answer: Callable[[Any], Awaitable[Part]]) -> Callable[[Request], Callable[[Any], Awaitable[Part]]]:
    return lambda request: answer


def _answering(
    table: ReviewController, method: Callable[[ReviewController], Callable[[Any], Awaitable[Part]]]
) -> Callable[[Request], Callable[[Any], Awaitable[Part]]]:
    return lambda request: method(table)


def _served(guard: Guard, pages: dict[str, tuple[str, str]], routes: list[Route]) -> Starlette:
    from starlette.applications import Starlette

    return Starlette(routes=[*(guard.page(path, named) for path, named in pages.items()), *routes])


def _refused(code: int, words: str) -> Response:
    from starlette.responses import JSONResponse

    return JSONResponse({"error": words}, code, headers=HEADERS)


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
