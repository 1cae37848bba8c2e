"""What a program beside this one asks for, line by line: whole commands, and the figures of a line under the hand.

A request is one line of JSON on standard input: ``{"id": 1, "do": "run", "arguments": ["plan", ...]}``. Each answer is
one line on standard output with the request's ``id``: any number of ``{"id", "step", "share"}``, then one
``{"id", "done"}`` or one ``{"id", "error", "code"}``. Requests are answered in their order; the end of standard input
ends the process. What runs is cancelled by ending the process: what was being written is dropped whole.

A request names files and figures only. Nothing in it is executed, and a plan is checked as anywhere.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import msgspec

from corecore.app.cli.progress import told
from corecore.base.errors import CorecoreError, InputError
from corecore.base.version import __version__
from corecore.review.session import Line

if TYPE_CHECKING:
    from corecore.review.model import ReviewModel

#: Commands that may be asked for; none of them waits for a person.
COMMANDS = ("plan", "assess", "measure", "verify", "export", "guide", "preview")
#: Longest request, characters (engineering choice: the arguments of a plan take some hundred).
REQUEST_MAX = 1 << 20
#: Most lines of one request: as many tunnels as a plan may have.
LINES_MAX = 16
#: No drill and no cavity is larger, mm (engineering choice: a femoral head).
SIZE_MAX_MM = 100.0
#: The form of requests and answers; it rises where a program that knows an older one would misread.
PROTOCOL = 1


@dataclass(eq=False)
class Desk:
    """What stands open: one plan, warm. ``tell(name, share)`` is told the steps of what runs."""

    tell: Callable[..., None]
    model: ReviewModel | None = None
    acts: dict[str, Callable[[dict[str, Any]], object]] = field(init=False)

    def __post_init__(self) -> None:
        self.acts = {
            "hello": self.hello,
            "run": self.run,
            "open": self.open,
            "evaluate": self.evaluate,
            "optimise": self.optimise,
            "views": self.views,
            "keep": self.keep,
        }

    def answer(self, request: dict[str, Any]) -> object:
        """What a request asks for. Raises ``InputError`` for one that is none."""
        act = self.acts.get(str(request.get("do")))
        if act is None:
            raise _refused(f"do is {request.get('do')!r}; {', '.join(self.acts)} are accepted")
        return act(request)

    def hello(self, _request: dict[str, Any]) -> dict[str, object]:
        """Who answers."""
        return {"version": __version__, "protocol": PROTOCOL, "python": ".".join(map(str, sys.version_info[:3]))}

    def run(self, request: dict[str, Any]) -> dict[str, object]:
        """A command with the arguments it has on the command line: its exit code, and what it printed."""
        from corecore.app.cli import main

        arguments = request.get("arguments")
        if not isinstance(arguments, list) or not all(isinstance(one, str) for one in arguments):
            raise _refused("arguments is no list of texts; a command and its options are accepted")
        if not arguments or arguments[0] not in COMMANDS:
            raise _refused(f"{arguments[:1]!r}; the commands {', '.join(COMMANDS)} are accepted")
        said, complained = io.StringIO(), io.StringIO()
        with told(self.tell), contextlib.redirect_stdout(said), contextlib.redirect_stderr(complained):
            code = main(arguments)
        return {"exit": code, "said": said.getvalue(), "error": complained.getvalue().strip()}

    def open(self, request: dict[str, Any]) -> dict[str, object]:
        """Lays a plan out, so that lines are measured in it. Raises ``InputError`` as ``ReviewModel.open``."""
        from corecore.report.report_lesion import necrosis_rows
        from corecore.review.model import ReviewModel

        plan = request.get("plan")
        if not isinstance(plan, str):
            raise _refused(f"plan is {plan!r}; the path of a plan.json is accepted")
        self.tell("opening the plan")
        self.model = None
        self.model = ReviewModel.open(Path(plan))
        rows = [(row.what, row.value) for row in necrosis_rows(self.model.scene.plan)]
        return {**self._told(self.model.own), "plan": self.model.scene.hash, "measures": rows}

    def evaluate(self, request: dict[str, Any]) -> dict[str, object]:
        """Lines as tunnels of the open plan: where they lie in the bone, every figure against its limit."""
        return self._told(_lines(request))

    def optimise(self, request: dict[str, Any]) -> dict[str, object]:
        """The best tunnel near one of the lines, the others standing; all of them measured."""
        from dataclasses import replace

        from corecore.review.optimise import best_move

        model, lines, number = self._open(), _lines(request), request.get("number")
        if not isinstance(number, int) or isinstance(number, bool):
            raise _refused(f"number is {number!r}; the place of a line, from 0, is accepted")
        self.tell("searching near the tunnel")
        session = replace(model.session(), lines=tuple(lines), selected=0)
        move = best_move(model, session, number)
        moved = replace(lines[number], entry=move.entry, tip=move.tip)
        return self._told([*lines[:number], moved, *lines[number + 1 :]])

    def views(self, request: dict[str, Any]) -> dict[str, object]:
        """The simulated fluoroscopic views of lines as images in space, in a folder; their names and files."""
        from corecore.exports.views import write_views

        model, out = self._open(), request.get("out")
        if not isinstance(out, str):
            raise _refused(f"out is {out!r}; the path of a folder is accepted")
        self.tell("fluoroscopic views")
        lines = _lines(request) if "lines" in request else list(model.own)
        return {"views": write_views(model.shown(lines), model.tissue, Path(out))}

    def keep(self, request: dict[str, Any]) -> dict[str, object]:
        """The lines as a plan of their own, a folder like any other below the one named; its ``plan.json``."""
        from dataclasses import replace

        from corecore.review.outcome import measured, write_outcome

        model, out = self._open(), request.get("out")
        if not isinstance(out, str):
            raise _refused(f"out is {out!r}; the path of a folder is accepted")
        session = replace(model.session(), lines=tuple(_lines(request)), selected=0, rev=1)
        self.tell("measuring")
        measures = measured(model)
        self.tell("writing and drawing")
        return {"plan": str(write_outcome(model, session, measures, Path(out), None))}

    def _open(self) -> ReviewModel:
        if self.model is None:
            raise _refused("no plan is open; a request to open one is accepted first")
        return self.model

    def _told(self, lines: Sequence[Line]) -> dict[str, object]:
        from corecore.report import captions
        from corecore.report.palette import rgb
        from corecore.report.report_content import judged_content

        model = self._open()
        scene = model.shown(lines)
        judged, broken = judged_content(scene), captions.broken_tunnels(scene)
        return {
            "tunnels": [
                {
                    "entry": told.entry, "tip": told.tip, "diameter_mm": told.diameter_mm,
                    "cavity_diameter_mm": drawn.cavity_diameter_mm, "cavity_length_mm": drawn.cavity_length_mm,
                    # Place from the tip backward and radius, mm: turned round the axis it is the body.
                    "outline": drawn.outline(math.inf)[:, :2].tolist(),
                    "removed_fraction": told.removed_fraction, "length_mm": told.length_mm,
                    "color": rgb(captions.color_of(scene, number)), "exceeds": number in broken,
                }
                for number, (told, drawn) in enumerate(zip(scene.plan.tunnels, scene.tunnels, strict=True))
            ],
            "removed_fraction": scene.plan.totals.removed_fraction,
            "exceeds": judged.violations,
            "exceeded": sorted({str(item.key) for item in scene.plan.violations}),
            "limits": [
                {"what": row.what, "value": row.value, "limit": row.limit, "verdict": row.verdict, "tone": row.tone}
                for row in judged.limits
            ],
            "headline": judged.status.sentence,
        }  # fmt: skip


def serve(given: TextIO | None = None, answers: TextIO | None = None) -> int:
    """Answers the requests of a stream until it ends; without one, those of standard input."""
    with contextlib.ExitStack() as closing:
        if given is None or answers is None:
            given, answers = closing.enter_context(_own_streams())
        out = answers

        def send(number: object, **content: object) -> None:
            out.write(json.dumps({"id": number, **content}, ensure_ascii=False, allow_nan=False) + "\n")
            out.flush()

        number: object = None

        def tell(name: str, share: float | None = None) -> None:
            send(number, step=name, share=share)

        desk = Desk(tell)
        while line := given.readline(REQUEST_MAX):
            number = None
            try:
                request = _request(line)
                number = request.get("id")
                send(number, done=msgspec.to_builtins(desk.answer(request)))
            except CorecoreError as error:
                send(number, error=str(error), code=error.code)
            except BrokenPipeError:
                return 0
            except MemoryError:
                send(number, error="out of memory; crop the volume to one hip", code="out-of-memory")
            except Exception as error:
                from corecore.app.cli.unexpected import net

                failed = net(error, ["pipe"])
                send(number, error=str(failed), code=failed.code)
    return 0


@contextlib.contextmanager
def _own_streams() -> Iterator[tuple[TextIO, TextIO]]:
    """Standard input, and what was standard output: what libraries print goes to standard error from here on."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    with os.fdopen(kept, "w", encoding="utf-8") as answers:
        if isinstance(sys.stdin, io.TextIOWrapper):
            sys.stdin.reconfigure(encoding="utf-8", errors="replace")
        yield sys.stdin, answers


def _request(line: str) -> dict[str, Any]:
    if len(line) >= REQUEST_MAX:
        raise _refused(f"a request of {REQUEST_MAX} characters and more; shorter ones are accepted")
    try:
        request = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _refused("no JSON; one object a line is accepted") from error
    if not isinstance(request, dict):
        raise _refused("no object; one JSON object a line is accepted")
    return request


def _lines(request: dict[str, Any]) -> list[Line]:
    """The lines of a request. Raises ``InputError`` for what is none."""
    try:
        lines = msgspec.convert(request.get("lines"), list[Line])
    except msgspec.ValidationError as error:
        raise _refused(
            f"lines: {error}; each with entry, tip (x, y, z in RAS mm) and diameter_mm is accepted"
        ) from error
    if not 1 <= len(lines) <= LINES_MAX:
        raise _refused(f"{len(lines)} lines; 1 to {LINES_MAX} are accepted")
    for line in lines:
        sizes = (line.diameter_mm, line.cavity_diameter_mm, line.cavity_length_mm)
        if not all(math.isfinite(size) and 0.0 <= size <= SIZE_MAX_MM for size in sizes) or line.diameter_mm <= 0.0:
            raise _refused(f"lines: sizes {sizes}; from 0 to {SIZE_MAX_MM:g} mm are accepted")
    return lines


def _refused(text: str) -> InputError:
    return InputError(f"request: {text}", code="request-refused")
