"""Stand-ins for what only Slicer's desktop has: its Qt classes, its module base classes, its application.

A widget is what its ``.ui`` file says: a class and a name. Nothing is drawn; slots are called through the signals that
the module connects.
"""

from __future__ import annotations

import sys
import types
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Widget:
    """Any widget: properties are attributes, signals are called by name."""

    def __init__(self, kind: str = "QWidget", name: str = "") -> None:
        self.kind, self.name = kind, name
        self.slots: dict[str, Callable[..., Any]] = {}
        self.items: list[str] = []
        self.text = self.currentPath = self.currentText = self.styleSheet = self.toolTip = self.format = ""
        self.enabled = self.checked = self.visible = True
        self.value: float = 1
        self.node: Any = None
        self.segment = ""
        self.scene: Any = None

    def connect(self, signal: str, slot: Callable[..., Any]) -> None:
        self.slots[signal] = slot

    def press(self, *given: Any) -> None:
        """What a click, a tick or a change does."""
        for slot in self.slots.values():
            slot(*given)

    # As Slicer's widgets call them.
    def addItem(self, text: str) -> None:
        self.items.append(text)
        self.currentText = self.currentText or text

    def addWidget(self, widget: Widget) -> None:
        self.node = widget

    def currentNode(self) -> Any:
        return self.node

    def setCurrentNode(self, node: Any) -> None:
        self.node = node

    def currentSegmentID(self) -> str:
        return self.segment

    def setCurrentSegmentID(self, segment: str) -> None:
        self.segment = segment

    def setCurrentText(self, text: str) -> None:
        assert text in self.items
        self.currentText = text

    def setMRMLScene(self, scene: Any) -> None:
        self.scene = scene

    def setMRMLTableNode(self, node: Any) -> None:
        self.node = node

    def setFormat(self, text: str) -> None:
        self.format = text

    def setMaximum(self, value: int) -> None:
        self.maximum = value

    def setValue(self, value: int) -> None:
        self.value = value

    def setInterval(self, milliseconds: int) -> None:
        self.value = milliseconds

    def start(self) -> None:
        self.checked = True

    def stop(self) -> None:
        self.checked = False


class Panel(Widget):
    """A ``.ui`` file as its named widgets."""

    def __init__(self, path: str) -> None:
        super().__init__("qMRMLWidget")
        root = ElementTree.parse(path).getroot()
        self.parts = {
            str(one.get("name")): Widget(str(one.get("class")), str(one.get("name"))) for one in root.iter("widget")
        }


class Settings:
    """Slicer's settings."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}

    def value(self, name: str, usual: Any = None) -> Any:
        return self.kept.get(name, usual)

    def setValue(self, name: str, value: Any) -> None:
        self.kept[name] = value


class Answers:
    """What the person answers to the dialogs, and what was opened for them."""

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)
        self.consents = False
        self.asked: list[str] = []
        self.opened: list[str] = []


class _Observing:
    def __init__(self) -> None:
        self.observed: list[Any] = []

    def addObserver(self, node: Any, event: Any, slot: Any) -> None:
        self.observed.append((node, event, slot))

    def removeObservers(self) -> None:
        self.observed = []


class _Module:
    def __init__(self, parent: Any) -> None:
        self.parent = parent


class _ModuleWidget:
    def __init__(self, parent: Any = None) -> None:
        self.parent = parent
        self.layout = Widget()

    def setup(self) -> None:
        """Nothing before the panel."""

    def resourcePath(self, name: str) -> str:
        return str(Path(sys.modules[type(self).__module__].__file__ or "").parent / "Resources" / name)


class _ModuleLogic:
    def __init__(self, parent: Any = None) -> None:
        """Slicer's own keeps a parent."""


class _ModuleTest:
    def delayDisplay(self, text: str) -> None:
        """Nothing is shown."""


@contextmanager
def desktop(scene: Any, folder: Path, core: dict[str, Any] | None = None) -> Iterator[Answers]:
    """Inside, ``import slicer`` and ``import qt`` find stand-ins; ``core``: what ``slicer`` has besides."""
    answers = Answers(folder)
    settings = Settings()
    app = types.SimpleNamespace(
        userSettings=lambda: settings, slicerUserSettingsFilePath=str(folder / "Slicer.ini"), temporaryPath=str(folder)
    )

    def agreed(text: str, title: str = "") -> bool:
        answers.asked.append(text)
        return answers.consents

    util = types.ModuleType("slicer.util")
    vars(util).update(
        loadUI=Panel, childWidgetVariables=lambda panel: types.SimpleNamespace(**panel.parts),
        confirmOkCancelDisplay=agreed, startupEnvironment=dict, VTKObservationMixin=_Observing,
    )  # fmt: skip
    bases = types.ModuleType("slicer.ScriptedLoadableModule")
    vars(bases).update(
        ScriptedLoadableModule=_Module, ScriptedLoadableModuleWidget=_ModuleWidget,
        ScriptedLoadableModuleLogic=_ModuleLogic, ScriptedLoadableModuleTest=_ModuleTest,
    )  # fmt: skip
    words = types.ModuleType("slicer.i18n")
    vars(words).update(tr=str, translate=lambda context, text: text)
    slicer = types.ModuleType("slicer")
    vars(slicer).update(core or {})
    vars(slicer).update(mrmlScene=scene, app=app, util=util, i18n=words, ScriptedLoadableModule=bases)
    qt = types.ModuleType("qt")
    vars(qt).update(
        QTimer=lambda: Widget("QTimer"),
        QUrl=types.SimpleNamespace(fromLocalFile=str),
        QDesktopServices=types.SimpleNamespace(openUrl=answers.opened.append),
        QFileDialog=types.SimpleNamespace(
            getExistingDirectory=lambda parent, title: answers.folder,
            getSaveFileName=lambda parent, title, name: str(Path(answers.folder) / name),
        ),
    )
    stand_ins = {
        "slicer": slicer, "slicer.util": util, "slicer.i18n": words, "slicer.ScriptedLoadableModule": bases, "qt": qt,
    }  # fmt: skip
    before = {name: sys.modules.get(name) for name in stand_ins}
    sys.modules.update(stand_ins)
    try:
        yield answers
    finally:
        for name, module in before.items():
            if module is None:
                sys.modules.pop(name, None)
            else:
                sys.modules[name] = module
