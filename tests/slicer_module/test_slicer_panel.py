"""The module's panel without Slicer: it loads, every button does what it says, and what is refused is told."""

from __future__ import annotations

import ast
import importlib
import json
import re
import subprocess
import sys
import types
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.slicer_case import MODULE
from support.slicer_stub import Answers, Widget, desktop

ROOT = MODULE.parent
PANEL = MODULE / "Resources" / "UI" / "CoreDecompression.ui"


class FakeNode:
    """A node that keeps parameters and references."""

    def __init__(self, name: str = "node") -> None:
        self.name = name
        self.told: dict[str, str] = {}
        self.references: dict[str, Any] = {}

    def GetID(self) -> str:
        return self.name

    def GetName(self) -> str:
        return self.name

    def SetParameter(self, name: str, value: str) -> None:
        self.told[name] = value

    def GetParameter(self, name: str) -> str:
        return self.told.get(name, "")

    def SetNodeReferenceID(self, name: str, value: str | None) -> None:
        self.references[name] = value

    def GetNodeReference(self, name: str) -> Any:
        found = self.references.get(name)
        return FakeNode(found) if found else None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("Set") or name == "UnRegister":
            return lambda *given: None
        raise AttributeError(name)


class FakeScene:
    """A scene that has the module's own node alone."""

    StartCloseEvent, EndImportEvent = "close", "import"

    def __init__(self) -> None:
        self.own: FakeNode | None = None

    def GetSingletonNode(self, tag: str, kind: str) -> FakeNode | None:
        return self.own

    def CreateNodeByClass(self, kind: str) -> FakeNode:
        return FakeNode("own")

    def AddNode(self, node: FakeNode) -> None:
        self.own = node

    def GetNodesByClass(self, kind: str) -> Any:
        return types.SimpleNamespace(GetNumberOfItems=int)


class FakeLogic:
    """Who is asked, and how."""

    def __init__(self, refusal: type[Exception]) -> None:
        self.calls: list[Any] = []
        self.refusal = refusal
        self.busy, self.stored, self.refuses = False, {"status": "planned"}, False
        self.report = Path("report.html")
        self.nodes = types.SimpleNamespace(found=lambda role, kind: ["table"])

    def __getattr__(self, name: str) -> Any:
        def call(*given: Any) -> None:
            self.calls.append((name, given))
            if self.refuses:
                raise self.refusal("Choose the segment of the femur.")

        return call


@pytest.fixture
def answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Answers]:
    """Slicer's desktop, as far as the module needs it."""
    monkeypatch.syspath_prepend(str(MODULE))
    for name in [name for name in sys.modules if name.startswith("CoreDecompression")]:
        monkeypatch.delitem(sys.modules, name)
    with desktop(FakeScene(), tmp_path) as found:
        yield found
    for name in [name for name in sys.modules if name.startswith("CoreDecompression")]:
        del sys.modules[name]


@pytest.fixture
def panel(answers: Answers) -> Any:
    """The panel, set up, with both segments chosen."""
    module = importlib.import_module("CoreDecompression")
    module.CoreDecompression(types.SimpleNamespace())
    widget = module.CoreDecompressionWidget()
    widget.setup()
    for selector, segment in ((widget.ui.femurSelector, "femur"), (widget.ui.lesionSelector, "lesion")):
        selector.node, selector.segment = FakeNode("hips"), segment
    return widget


@pytest.fixture
def logic(panel: Any) -> FakeLogic:
    """A logic that notes what it is asked for."""
    module = sys.modules["CoreDecompression"]
    panel.logic = FakeLogic(module.PersonError)
    return panel.logic  # type: ignore[no-any-return]


def slots() -> set[str]:
    """The panel's slots, by their names in the source."""
    tree = ast.parse((MODULE / "CoreDecompression.py").read_text(encoding="utf-8"))
    (widget,) = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name.endswith("Widget"))
    return {node.name for node in widget.body if isinstance(node, ast.FunctionDef) and re.match("on[A-Z]", node.name)}


def test_every_widget_that_the_panel_names_is_in_its_file(panel: Any) -> None:
    source = (MODULE / "CoreDecompression.py").read_text(encoding="utf-8")
    named = set(re.findall(r"\bui\.(\w+)", source)) | {
        panel.margin(name) for name in sys.modules["CoreDecompression"].MARGINS
    }
    there = {str(one.get("name")) for one in ElementTree.parse(PANEL).getroot().iter("widget")}
    assert named <= there
    unused = {name for name in there - named if not name.endswith("Label") and not name.startswith("section")}
    assert unused == {"CoreDecompression"}


def test_every_button_asks_for_what_it_says(panel: Any, logic: FakeLogic, answers: Answers) -> None:
    pressed = {
        "planButton": "plan", "evaluateLineButton": "evaluate_line", "cancelButton": "cancel",
        "optimiseButton": "optimise", "keepButton": "keep",
        "resliceButton": "reslice", "viewsButton": "views", "exportButton": "export",
        "guideButton": "guide",
    }  # fmt: skip
    for button, act in pressed.items():
        logic.calls.clear()
        getattr(panel.ui, button).press(False)
        assert [name for name, _ in logic.calls] == [act], button
    panel.ui.reportButton.press(False)
    assert answers.opened == ["report.html"]
    panel.ui.lockCheck.press(False)
    assert list(logic.calls[-1]) == ["lock", (False,)]
    panel.onTick()
    assert logic.calls[-1][0] == "poll"
    panel.ui.femurSelector.press("femur")
    panel.onSceneEndImport()
    assert logic.calls[-1][0] == "restore"
    panel.onSceneStartClose()
    assert logic.calls[-1][0] == "close"
    assert panel.logic is None
    # The rest has tests of its own below.
    tested = {*pressed, "reportButton", "lockCheck", "femurSelector"}
    connected = {name for name, one in vars(panel.ui).items() if one.slots}
    assert connected - tested == {"installButton", "commandEdit", "lesionSelector"}
    assert len(slots()) == 17
    panel.cleanup()


def test_what_is_asked_is_what_the_panel_says_and_the_scene_keeps_it(panel: Any, logic: FakeLogic) -> None:
    ui = panel.ui
    ui.objectiveCombo.setCurrentText("most")
    ui.sideCombo.setCurrentText("right")
    ui.diameterSpin.value, ui.tunnelsSpin.value, ui.jointSlider.value = 8.0, 2, 6.5
    ui.planButton.press(False)
    (_, (request,)) = logic.calls[-1]
    assert (request.side, request.objective, request.diameter_mm, request.tunnels) == ("right", "most", 8.0, 2)
    assert request.margins["joint_margin_mm"] == 6.5
    assert request.margins["cortical_margin_mm"] == 3.0
    kept = sys.modules["CoreDecompression"].parameters.kept(sys.modules["slicer"].mrmlScene)
    assert (kept.diameter_mm, kept.tunnels, kept.femur.segment) == (8.0, 2, "femur")
    ui.diameterSpin.value = 3.0
    panel.recall()
    assert ui.diameterSpin.value == 8.0


def test_a_scene_of_somebody_else_breaks_nothing(panel: Any) -> None:
    module, scene = sys.modules["CoreDecompression"], sys.modules["slicer"].mrmlScene
    scene.own = FakeNode("own")
    for answers in ("{", "[1]", json.dumps({"tunnels": "many", "margins": 7, "side": None, "diameter_mm": [1]})):
        scene.own.told["answers"] = answers
        assert module.parameters.kept(scene) == module.PlanRequest()
    panel.recall()


def test_a_refusal_is_told_in_red(panel: Any, logic: FakeLogic) -> None:
    logic.refuses = True
    panel.ui.planButton.press(False)
    assert panel.ui.messageLabel.text == "Choose the segment of the femur."
    assert "#A8001C" in panel.ui.messageLabel.styleSheet
    panel.tell("Done.")
    assert panel.ui.messageLabel.styleSheet == ""


def test_while_it_works_only_cancel_can_be_pressed(panel: Any, logic: FakeLogic) -> None:
    panel.refresh()
    assert panel.ui.planButton.enabled
    assert panel.ui.exportButton.enabled
    assert not panel.ui.cancelButton.enabled
    logic.busy = True
    panel.step("searching", 0.25)
    panel.refresh()
    assert (panel.ui.progressBar.format, panel.ui.progressBar.value) == ("searching", 25)
    assert panel.ui.cancelButton.enabled
    assert not panel.ui.planButton.enabled
    assert not panel.ui.exportButton.enabled
    logic.busy, logic.stored = False, None  # type: ignore[assignment]
    panel.refresh()
    assert not panel.ui.optimiseButton.enabled


def test_corecore_is_found_or_it_is_said_how(
    panel: Any, answers: Answers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CORECORE", raising=False)
    panel.ui.planButton.press(False)
    assert "corecore was not found" in panel.ui.messageLabel.text
    panel.ui.commandEdit.currentPath = str(tmp_path / "nowhere")
    panel.ui.commandEdit.press(str(tmp_path / "nowhere"))
    panel.ui.planButton.press(False)
    assert "no such file" in panel.ui.messageLabel.text
    assert sys.modules["slicer"].app.userSettings().value("CoreDecompression/command") == str(tmp_path / "nowhere")
    command = tmp_path / "corecore"
    command.touch()
    panel.ui.commandEdit.currentPath = str(command)
    assert panel.made().companion.command == [str(command), "pipe"]
    panel.cleanup()


def finished(panel: Any) -> None:
    """Waits for pip's stand-in."""
    panel.installation._process.wait()


def test_nothing_is_installed_without_consent(panel: Any, answers: Answers, monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules["CoreDecompressionLib.installation"]
    # pip itself is not run: a Python that prints stands in its place.
    monkeypatch.setattr(module, "install_command", lambda target, source: [sys.executable, "-c", "print('no network')"])
    panel.ui.installButton.press(False)
    assert len(answers.asked) == 1
    assert "apart from Slicer's own libraries" in answers.asked[0]
    assert not panel.installation
    answers.consents = True
    panel.ui.installButton.press(False)
    assert panel.ui.cancelButton.enabled
    finished(panel)
    panel.onTick()
    assert panel.installation is None
    assert panel.ui.messageLabel.text == "corecore is installed."
    failing = [sys.executable, "-c", "import sys; print('no network'); sys.exit(1)"]
    monkeypatch.setattr(module, "install_command", lambda target, source: failing)
    panel.ui.installButton.press(False)
    finished(panel)
    panel.onTick()
    assert "could not be installed: no network" in panel.ui.messageLabel.text
    panel.ui.installButton.press(False)
    panel.ui.cancelButton.press(False)
    panel.cleanup()


def test_the_installation_lies_apart_from_slicer_s_own_libraries(panel: Any, tmp_path: Path) -> None:
    lib = importlib.import_module("CoreDecompressionLib.companion")
    command = lib.install_command(tmp_path / "own", "corecore")
    assert command[1:4] == ["-m", "pip", "install"]
    assert command[-3:] == ["--target", str(tmp_path / "own"), "corecore"]
    (tmp_path / "own" / "corecore").mkdir(parents=True)
    (tmp_path / "own" / "corecore" / "__init__.py").touch()
    found = lib.find_command("", tmp_path / "own")
    assert found[1] == "-c"
    environment = importlib.import_module("CoreDecompressionLib.installation").environment_for(tmp_path / "own", found)
    assert environment["PYTHONPATH"] == str(tmp_path / "own")
    # Another Python does not see what Slicer's launcher sets for its own.
    outside = lib.outer_environment()
    assert not set(lib.OF_SLICER) & set(outside)


def test_the_extension_has_what_slicer_s_index_asks_for() -> None:
    catalogue = json.loads((ROOT / "CoreDecompression.json").read_text(encoding="utf-8"))
    required, optional = {"$schema", "category", "scm_url"}, {
        "build_dependencies", "build_subdirectory", "enabled", "scm_revision", "scm_type", "tier",
    }  # fmt: skip
    assert required <= set(catalogue) <= required | optional
    lists = (MODULE / "CMakeLists.txt").read_text(encoding="utf-8")
    scripts = {path.relative_to(MODULE).as_posix() for path in MODULE.rglob("*.py")}
    listed = {name.replace("${MODULE_NAME}", "CoreDecompression") for name in re.findall(r"^  (\S+\.py)$", lists, re.M)}
    assert listed == scripts
    icon = (MODULE / "Resources" / "Icons" / "CoreDecompression.png").read_bytes()
    assert icon[:8] == b"\x89PNG\r\n\x1a\n"
    assert [int.from_bytes(icon[place : place + 4], "big") for place in (16, 20)] == [128, 128]
    for name in re.findall(r"\]\(([^)#:]+)\)", (ROOT / "README.md").read_text(encoding="utf-8")):
        assert (ROOT / name).exists(), name


def test_the_module_is_written_for_slicer_s_older_python(tmp_path: Path) -> None:
    for path in MODULE.rglob("*.py"):
        ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 9))
        run = subprocess.run(
            [sys.executable, "-m", "py_compile", path], env={"PYTHONPYCACHEPREFIX": str(tmp_path)}, check=False
        )
        assert run.returncode == 0


def test_stand_ins_are_taken_away(answers: Answers) -> None:
    assert isinstance(sys.modules["qt"].QTimer(), Widget)
