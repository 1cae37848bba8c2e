"""The review on this machine: a page on loopback, behind a token, that asks the desk and draws what it says.

The page itself holds nothing of a patient and needs no token; every answer that does, asks for it in
the ``Authorization`` header. Not a cookie: cookies ignore ports, and another local server would get it.
"""

from __future__ import annotations

import asyncio
import datetime
import hmac
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corecore.errors import CorecoreError, InputError, MissingExtraError
from corecore.review import record
from corecore.review.desk import Desk
from corecore.review.session import (
    Accept,
    Add,
    Command,
    End,
    Line,
    Move,
    Nudge,
    Redo,
    Remove,
    Resize,
    Select,
    Session,
    SignOff,
    Take,
    Undo,
    apply,
)
from corecore.view.page import scene_data

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

    from corecore.measures import Measures

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
#: What the page may ask for by name: file and kind.
STATIC = {
    "/": ("corecore.review", "review.html", "text/html"),
    "/review.js": ("corecore.review", "review.js", "text/javascript"),
    "/review.css": ("corecore.review", "review.css", "text/css"),
    "/scene.js": ("corecore.view", "scene.js", "text/javascript"),
}


@dataclass
class Table:
    """The desk and the one session on it; one command at a time."""

    desk: Desk
    session: Session
    folder: Path
    plan_hash: str
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    #: The lesion's measures, taken once when first needed.
    measures: Measures | None = None

    async def do(self, body: dict[str, Any]) -> dict[str, Any]:
        """One command: measured before it counts, and on disk before it is shown."""
        async with self.lock:
            return await asyncio.to_thread(self._do, body)

    async def look(self) -> dict[str, Any]:
        """What stands."""
        async with self.lock:
            return await asyncio.to_thread(self.desk.look, self.session)

    async def films(self) -> dict[str, Any]:
        """The films of what stands."""
        async with self.lock:
            films = await asyncio.to_thread(self.desk.films, self.session)
            return {"rev": self.session.rev, "films": films}

    async def write(self) -> dict[str, Any]:
        """The tunnels as they stand as a plan's folder beside the plan."""
        # The measures and the writing bring the rest of the planner along.
        from corecore.review.outcome import measured, write_outcome

        async with self.lock:
            if self.measures is None:
                self.measures = await asyncio.to_thread(measured, self.desk)
            path = await asyncio.to_thread(write_outcome, self.desk, self.session, self.measures, self.folder)
            return {"rev": self.session.rev, "written": f"{path.parent.name}/{path.name}"}

    async def space(self) -> dict[str, Any]:
        """The three-dimensional scene of what stands."""
        async with self.lock:
            scene = await asyncio.to_thread(self.desk.shown, self.session.lines)
            return {"rev": self.session.rev, "scene": await asyncio.to_thread(scene_data, scene)}

    def _do(self, body: dict[str, Any]) -> dict[str, Any]:
        rev = body.get("rev")
        if isinstance(rev, bool) or not isinstance(rev, int):
            raise InputError(f"rev is {rev!r}; the step that was seen is accepted", code="review-command")
        if body.get("do") == "sign":
            drilled = self.desk.drilled(self.session.lines)
            today = datetime.date.today().isoformat()
            broken = bool(self.desk.broken(drilled))
            command: Command = SignOff(_text(body, "name"), _text(body, "side"), today, broken)
        elif body.get("do") == "take":
            sets, which = self.desk.sets(), body.get("which")
            if isinstance(which, bool) or not isinstance(which, int) or not 0 <= which < len(sets):
                raise InputError(
                    f"which is {str(which)[:40]!r}; 0 to {len(sets) - 1} is accepted", code="review-command"
                )
            command = Take(sets[which][1])
        else:
            command = parsed(body)
        after = apply(self.session, command, rev=rev)
        # Measured first: a line that is no tunnel in this bone is refused here, and nothing has changed.
        shown = self.desk.look(after)
        if after.rev != self.session.rev:
            record.save(after, self.plan_hash, self.folder)
        self.session = after
        return shown


def parsed(body: dict[str, Any]) -> Command:
    """A command from the page's JSON. Raises ``InputError`` for anything else."""
    kinds: dict[str, Callable[[], Command]] = {
        "move": lambda: Move(_count(body), _triple(body, "entry"), _triple(body, "tip")),
        "nudge": lambda: Nudge(_count(body), _end(body), *(_number(body, key) for key in ("inward", "up", "front"))),
        "add": lambda: Add(Line(_triple(body, "entry"), _triple(body, "tip"), _number(body, "diameter"))),
        "resize": lambda: Resize(_count(body), _number(body, "diameter")),
        "remove": lambda: Remove(_count(body)),
        "select": lambda: Select(_count(body)),
        "undo": Undo,
        "redo": Redo,
        "accept": lambda: Accept(_text(body, "reason")),
    }
    kind = body.get("do")
    if not isinstance(kind, str) or kind not in kinds:
        raise InputError(
            f"do is {str(kind)[:40]!r}; accepted: {', '.join([*kinds, 'take', 'sign'])}", code="review-command"
        )
    return kinds[kind]()


def application(table: Table, token: str, port: int) -> Starlette:
    """The server's application. Raises ``MissingExtraError`` where Starlette is not installed."""
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
        room, name, kind = STATIC[request.url.path]
        text = (files(room) / "static" / name).read_text(encoding="utf-8")
        return Response(text, media_type=kind, headers=HEADERS)

    def guarded(answer: Callable[[Request], Awaitable[dict[str, Any]]]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            if request.headers.get("host") not in hosts:
                return refused(421, "another host")
            # A page of any other origin, another port of this machine among them, is refused; so is none.
            if request.headers.get("origin") not in origins:
                return refused(403, "another origin")
            given = request.headers.get("authorization", "").encode("utf-8", "surrogateescape")
            if not hmac.compare_digest(given, f"Bearer {token}".encode()):
                return refused(401, "no token, or another one: open the address that corecore printed")
            try:
                return JSONResponse(await answer(request), headers=HEADERS)
            except CorecoreError as error:
                return refused(422, str(error))

        return endpoint

    async def look(_: Request) -> dict[str, Any]:
        return await table.look()

    async def films(_: Request) -> dict[str, Any]:
        return await table.films()

    async def write(_: Request) -> dict[str, Any]:
        return await table.write()

    async def space(_: Request) -> dict[str, Any]:
        return await table.space()

    async def do(request: Request) -> dict[str, Any]:
        return await table.do(await _body(request))

    routes = [Route(path, page, methods=["GET"]) for path in STATIC]
    routes += [
        Route("/api/look", guarded(look), methods=["POST"]),
        Route("/api/films", guarded(films), methods=["POST"]),
        Route("/api/scene", guarded(space), methods=["POST"]),
        Route("/api/write", guarded(write), methods=["POST"]),
        Route("/api/do", guarded(do), methods=["POST"]),
    ]
    return Starlette(routes=routes)


async def _body(request: Request) -> dict[str, Any]:
    """The body as an object. Raises ``InputError`` for one that is too long or no JSON object."""
    data = b""
    async for chunk in request.stream():
        data += chunk
        if len(data) > BODY_MAX:
            raise InputError(f"a command of over {BODY_MAX} bytes; a shorter one is accepted", code="review-command")
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InputError("a command that is no JSON; an object is accepted", code="review-command") from error
    if not isinstance(content, dict):
        raise InputError("a command that is no object; an object is accepted", code="review-command")
    return content


def _number(body: dict[str, Any], key: str) -> float:
    value = body.get(key, 0.0)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 1e6:
        raise InputError(f"{key} is {str(value)[:40]!r}; a finite number is accepted", code="review-command")
    return float(value)


def _count(body: dict[str, Any]) -> int:
    value = body.get("tunnel")
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError(f"tunnel is {str(value)[:40]!r}; a number from 0 is accepted", code="review-command")
    return value


def _triple(body: dict[str, Any], key: str) -> tuple[float, float, float]:
    value = body.get(key)
    if not isinstance(value, list) or len(value) != 3:
        raise InputError(f"{key} is {str(value)[:40]!r}; three finite numbers are accepted", code="review-command")
    x, y, z = (_number({key: c}, key) for c in value)
    return x, y, z


def _end(body: dict[str, Any]) -> End:
    ends: dict[Any, End] = {"entry": "entry", "tip": "tip", "both": "both"}
    value = body.get("end")
    if not isinstance(value, str) or value not in ends:
        raise InputError(f"end is {str(value)[:40]!r}; entry, tip or both is accepted", code="review-command")
    return ends[value]


def _text(body: dict[str, Any], key: str) -> str:
    value = body.get(key)
    if not isinstance(value, str):
        raise InputError(f"{key} is {repr(value)[:40]}; text is accepted", code="review-command")
    return value
