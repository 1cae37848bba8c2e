"""Plans a core decompression on what is in the scene: asks corecore, and puts its answers into the scene.

Works on nodes alone and knows no widget. Nothing here waits: an answer is handed out by ``poll``, which a timer calls;
``wait`` is for scripts.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Optional

import slicer

from . import geometry
from .companion import Companion, Job
from .errors import PersonError
from .nodes import BONE, BONE_OPACITY, FOLDER, LESION, LESION_OPACITY, SIZES, PlanNodes
from .request import PlanRequest

Told = Callable[[str], None]
Step = Callable[[str, Optional[float]], None]

LIMIT_COLUMNS = ("figure", "value", "limit", "verdict")
#: A path moved by less than this is where it was, mm.
SAME_MM = 1e-3
#: Exit codes of the command line: done, and no feasible tunnel.
DONE, INFEASIBLE = 0, 3


class CoreDecompressionLogic:
    """The module's work. ``say`` is told what came about, ``complain`` what went wrong, ``step`` what is being done.

    ``command`` starts corecore (``companion.find_command``); plans lie under ``folder``.
    """

    def __init__(
        self,
        scene: Any = None,
        command: Sequence[str] = ("corecore",),
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.scene = slicer.mrmlScene if scene is None else scene
        self.nodes = PlanNodes(self.scene)
        self.companion = Companion(command, environment)
        self.folder = Path(folder) if folder is not None else Path(tempfile.mkdtemp(prefix="corecore-slicer-"))
        self.say: Told = lambda text: None
        self.complain: Told = lambda text: None
        self.step: Step = lambda name, share: None
        #: Called whenever figures have changed.
        self.changed: Callable[[], None] = lambda: None
        #: The last answer about the tunnels.
        self.figures: dict[str, Any] = {}
        #: The plan that the process has open.
        self._open: Path | None = None
        self._job: Job | None = None
        self._moved = False
        self._observed: list[tuple[Any, int]] = []
        self._volume: Any = None

    # -- what one asks for

    def plan(self, request: PlanRequest) -> Job:
        """Plans; the scene then holds the result. Raises ``PersonError`` for what no plan can be made of."""
        return self._planned(request, lambda folder, out: request.plan_arguments(folder, out))

    def evaluate_line(self, request: PlanRequest, line: Any) -> Job:
        """Evaluates a line of the person's as a tunnel: a plan of its own. Raises ``PersonError``."""
        return self._planned(request, lambda folder, out: request.assess_arguments(line, folder, out))

    def optimise(self, number: int) -> Job:
        """Moves a tunnel, from 1, to the best one near it, the others standing. Raises ``PersonError``."""
        lines = self._lines()
        if not 1 <= number <= len(lines):
            raise PersonError(f"Tunnel {number}: there are {len(lines)}.")

        def moved(told: dict[str, Any]) -> None:
            self._show(told, move_lines=True)
            self.say(f"Tunnel {number} moved to the best near it: {_percent(told)} removed.")

        return self._ask({"do": "optimise", "lines": lines, "number": number - 1}, moved)

    def evaluate(self) -> Job:
        """Evaluates the lines where they are now. Raises ``PersonError`` where there is no plan."""
        return self._ask({"do": "evaluate", "lines": self._lines()}, self._show)

    def views(self) -> Job:
        """The simulated fluoroscopic views as volumes."""
        out = self.plan_folder / "views"

        def shown(told: dict[str, Any]) -> None:
            for number, view in enumerate(told["views"], start=1):
                self.nodes.volume(number, view["name"], Path(view["file"]))
            self.say(f"{len(told['views'])} fluoroscopic views made.")

        return self._ask({"do": "views", "lines": self._lines(), "out": str(out)}, shown)

    def keep(self, then: Callable[[], None] = lambda: None) -> Job:
        """Makes a plan of the paths as they are now: a folder of its own on the disk, and the plan of the scene."""
        out = self._free()

        def kept(told: dict[str, Any]) -> None:
            self._job = self._open_plan(Path(told["plan"]).parent, then)

        return self._ask({"do": "keep", "lines": self._lines(), "out": str(out)}, kept)

    def export(self, form: str, out: Path, more: Sequence[str] = ()) -> Job:
        """Writes the paths as they are for another program: ``form`` as ``corecore export --to`` names it."""
        return self._handed_over(
            lambda plan: ["export", plan, f"--to={form}", f"--out={out}", "--overwrite", *more],
            lambda: self.say(f"Written: {out}"),
        )

    def guide(self, out: Path, more: Sequence[str] = ()) -> Job:
        """Makes a drill guide for the paths as they are, an STL file, and shows it."""

        def shown() -> None:
            self.nodes.model("guide", "drill guide", geometry.read_stl(Path(out)), (0.35, 0.7, 0.9))
            self.say(f"Written: {out}")

        return self._handed_over(lambda plan: ["guide", plan, f"--out={out}", "--overwrite", *more], shown)

    def reslice(self, number: int) -> None:
        """Turns the slices to a tunnel, from 1. Raises ``PersonError`` where it is not there."""
        lines = self._lines()
        if not 1 <= number <= len(lines):
            raise PersonError(f"Tunnel {number}: there are {len(lines)}.")
        line = lines[number - 1]
        self.nodes.reslice(line["entry"], line["tip"], self._volume)

    @property
    def moved(self) -> bool:
        """Whether a path is not where its plan has it any more. Raises ``PersonError`` where there is none."""
        plan = (self.stored or {}).get("tunnels") or []
        lines = self._lines()
        ends = [[*tunnel["entry"], *tunnel["tip"]] for tunnel in plan]
        now = [[*line["entry"], *line["tip"]] for line in lines]
        return len(ends) != len(now) or any(
            abs(a - b) > SAME_MM for one, other in zip(ends, now) for a, b in zip(one, other)
        )

    @property
    def report(self) -> Path:
        """The plan's report. Raises ``PersonError`` where none was drawn, or it is of other paths by now."""
        if self.moved:
            raise PersonError("The paths were moved after this report. Press 'Keep moved paths', then Report.")
        path = self.plan_folder / "report.html"
        if not path.is_file():
            raise PersonError("This plan has no report: it was made without pictures.")
        return path

    # -- the plan in the scene

    @property
    def plan_folder(self) -> Path:
        """Where the plan lies on the disk. Raises ``PersonError`` where there is none."""
        node = self._text()
        if node is None:
            raise PersonError("There is no plan yet. Press Plan.")
        folder = Path(node.GetAttribute(FOLDER) or "")
        if not (folder / "plan.json").is_file():
            raise PersonError(
                f"The plan's folder {folder} is not there any more; the scene keeps its figures. Plan again to move it."
            )
        return folder

    @property
    def plan_file(self) -> Path:
        """The plan's own file."""
        return self.plan_folder / "plan.json"

    @property
    def stored(self) -> dict[str, Any] | None:
        """The plan as the scene keeps it; ``None`` without one."""
        node = self._text()
        return None if node is None else json.loads(node.GetText())

    def restore(self) -> bool:
        """Takes up the plan of a scene that was opened; whether there is one."""
        self._open = None
        if self._text() is None:
            return False
        self._observe()
        return True

    def lock(self, locked: bool) -> None:
        """Locks the lines, or lets their ends be dragged."""
        for line in self.nodes.found("path", "vtkMRMLMarkupsLineNode"):
            line.SetLocked(locked)

    # -- the process

    def poll(self) -> None:
        """Hands out answers, and asks about lines that were moved meanwhile; to be called again and again."""
        self.companion.poll()
        if self._moved and not self.companion.busy:
            self._moved = False
            try:
                self.evaluate()
            except PersonError as error:
                self.complain(str(error))

    def wait(self, job: Job | None, timeout_s: float = 1800.0) -> None:
        """Polls until a job, and what it led to, has ended: for scripts."""
        if job is not None:
            self.companion.wait(job, timeout_s)
        while self.companion.busy and self._job is not None and not self._job.ended:
            self.companion.wait(self._job, timeout_s)

    @property
    def busy(self) -> bool:
        """Whether an answer is awaited."""
        return self.companion.busy

    def cancel(self) -> None:
        """Ends what runs; an earlier plan stays."""
        self._open = None
        self._moved = False
        self.companion.cancel()

    def close(self) -> None:
        """Lets the process go, and the lines alone."""
        self._forget()
        self.companion.close()

    # -- within

    def _planned(self, request: PlanRequest, arguments: Callable[[Path, Path], list[str]]) -> Job:
        request.check()
        self.folder.mkdir(parents=True, exist_ok=True)
        inputs = Path(tempfile.mkdtemp(prefix="inputs-", dir=self.folder))
        out = self._free()
        asked = arguments(inputs, out)
        self._volume = request.volume

        def done(answer: dict[str, Any]) -> None:
            code, said = answer.get("exit"), str(answer.get("error", ""))
            if code == INFEASIBLE:
                self.complain(_infeasible(out))
            elif code != DONE:
                self.complain(_message(said))
            else:
                self.step("opening the plan", None)
                self._job = self._open_plan(out)

        self._open = None
        self._job = self.companion.ask({"do": "run", "arguments": asked}, done, self.complain, self._told)
        return self._job

    def _free(self) -> Path:
        number = 1
        while (self.folder / f"plan_{number}").exists():
            number += 1
        return self.folder / f"plan_{number}"

    def _open_plan(self, folder: Path, then: Callable[[], None] = lambda: None) -> Job:
        def done(told: dict[str, Any]) -> None:
            self._open = folder
            self._fill(folder, told)
            then()

        return self.companion.ask({"do": "open", "plan": str(folder / "plan.json")}, done, self.complain, self._told)

    def _fill(self, folder: Path, told: dict[str, Any]) -> None:
        """The scene with the nodes of a plan, and none of an earlier one."""
        self._forget()
        self.nodes.clear()
        for name, color, opacity in (("femur", BONE, BONE_OPACITY), ("lesion", LESION, LESION_OPACITY)):
            self.nodes.model(name, name, geometry.read_stl(folder / f"{name}.stl"), color, opacity)
        for number, tunnel in enumerate(told["tunnels"], start=1):
            self.nodes.tunnel(number, tunnel)
        self.nodes.table("measures", "measures", ("figure", "value"), told["measures"])
        content = (folder / "plan.json").read_text(encoding="utf-8")
        self.nodes.text(content, folder, str(told["plan"]))
        self._show(told)
        self._observe()
        if told["tunnels"]:
            self.reslice(1)
        self.say(str(told["headline"]))

    def _show(self, told: dict[str, Any], *, move_lines: bool = False) -> None:
        """Figures and tunnels as they are now."""
        self.figures = told
        rows = [[row[name] for name in ("what", "value", "limit", "verdict")] for row in told["limits"]]
        self.nodes.table("limits", "limits", LIMIT_COLUMNS, rows)
        for number, tunnel in enumerate(told["tunnels"], start=1):
            if move_lines:
                self._forget()
                for line in self.nodes.found("path", "vtkMRMLMarkupsLineNode", number):
                    for place, end in enumerate((tunnel["entry"], tunnel["tip"])):
                        line.SetNthControlPointPositionWorld(place, *end)
            self.nodes.shown(number, tunnel)
        if move_lines:
            self._observe()
        self.changed()

    def _handed_over(self, arguments: Callable[[str], list[str]], then: Callable[[], None]) -> Job:
        """Runs a command on the plan; on one of the paths as they are, where they were moved."""
        if not self.moved:
            return self._run(arguments(str(self.plan_file)), then)

        def kept() -> None:
            self._job = self._run(arguments(str(self.plan_file)), then)

        return self.keep(kept)

    def _run(self, arguments: list[str], then: Callable[[], None]) -> Job:
        def done(answer: dict[str, Any]) -> None:
            if answer.get("exit") == DONE:
                then()
            else:
                self.complain(_message(str(answer.get("error", ""))))

        return self.companion.ask({"do": "run", "arguments": arguments}, done, self.complain, self._told)

    def _ask(self, request: dict[str, Any], done: Callable[[dict[str, Any]], None]) -> Job:
        """Asks about the open plan; opens it first where a new process has not."""
        folder = self.plan_folder
        if self._open == folder and self.companion.running:
            self._job = self.companion.ask(request, done, self.complain, self._told)
            return self._job

        def opened(_told: dict[str, Any]) -> None:
            self._open = folder
            self._job = self.companion.ask(request, done, self.complain, self._told)

        plan = str(folder / "plan.json")
        self._job = self.companion.ask({"do": "open", "plan": plan}, opened, self.complain, self._told)
        return self._job

    def _told(self, name: str, share: float | None) -> None:
        # What is put in its place later is still seen by a process that runs.
        self.step(name, share)

    def _text(self) -> Any:
        found = self.nodes.found("plan", "vtkMRMLTextNode")
        return found[0] if found else None

    def _lines(self) -> list[dict[str, Any]]:
        """The lines as corecore takes them, RAS mm of the world."""
        found = []
        for node in self.nodes.found("path", "vtkMRMLMarkupsLineNode"):
            entry, tip = geometry.line_ends(node)
            sizes = [float(word) for word in (node.GetAttribute(SIZES) or "10 0 0").split()]
            found.append(
                {
                    "entry": entry, "tip": tip, "diameter_mm": sizes[0], "cavity_diameter_mm": sizes[1],
                    "cavity_length_mm": sizes[2],
                }
            )  # fmt: skip
        if not found:
            raise PersonError("There is no tunnel to ask about. Press Plan.")
        return found

    def _observe(self) -> None:
        self._forget()
        moved = slicer.vtkMRMLMarkupsNode.PointModifiedEvent
        for line in self.nodes.found("path", "vtkMRMLMarkupsLineNode"):
            self._observed.append((line, line.AddObserver(moved, self._on_moved)))

    def _forget(self) -> None:
        for line, tag in self._observed:
            line.RemoveObserver(tag)
        self._observed = []

    def _on_moved(self, _caller: Any = None, _event: Any = None) -> None:
        # A drag moves a point many times: what is asked for next is where it is then.
        self._moved = True


def _percent(told: Mapping[str, Any]) -> str:
    share = told.get("removed_fraction")
    return "an unknown share" if share is None else f"{100.0 * share:.1f} %"


def _message(said: str) -> str:
    """What the command line complained of, as it is told here: its last line, without the word before it."""
    lines = [line for line in said.splitlines() if line.startswith("error: ")] or said.splitlines()
    return lines[-1].removeprefix("error: ") if lines else "corecore ended without a plan and without a word."


def _infeasible(folder: Path) -> str:
    """Why there is no tunnel, and which single limit would have to be relaxed."""
    plan = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
    told = plan.get("infeasible") or {}
    ways = [f"{way['key']} {way['limit']:g} to {way['needed']:g}" for way in (told.get("relaxations") or [])[:3]]
    why = str(told.get("text") or "no tunnel is within every limit").rstrip(".")
    return f"No tunnel: {why}." + (f" One of these relaxed would give one: {'; '.join(ways)}." if ways else "")
