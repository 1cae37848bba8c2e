"""Core decompression of the femoral head in 3D Slicer: plans drilling paths, and shows what each would take.

The panel is thin: what the person answers goes to ``CoreDecompressionLib``, what comes back is shown. corecore itself
runs in a process beside Slicer. Not a medical device.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import qt
import slicer
from CoreDecompressionLib import CoreDecompressionLogic as _Logic
from CoreDecompressionLib import PersonError, PlanRequest, SegmentRef, parameters
from CoreDecompressionLib.companion import find_command
from CoreDecompressionLib.installation import Installation, environment_for
from CoreDecompressionLib.request import GUIDANCES, MARGINS, OBJECTIVES, SIDES
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

#: Where the settings of the module stand among Slicer's.
COMMAND_SETTING = "CoreDecompression/command"
#: How often answers are looked for, ms.
TICK_MS = 50
#: What the plan can be written as, and whether that is a folder.
FORMS = {"slicer": True, "stl": True, "3mf": False, "nifti": False, "csv": False}
SUFFIXES = {"3mf": ".3mf", "nifti": ".nii.gz", "csv": ".csv"}
NOTICE = "For research and for review by a surgeon. Not a medical device."


class CoreDecompression(ScriptedLoadableModule):
    """What Slicer lists."""

    def __init__(self, parent: Any) -> None:
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("Core Decompression")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Orthopedics")]
        self.parent.dependencies = ["Segmentations", "Markups", "Models", "Tables", "Texts"]
        self.parent.contributors = ["The corecore authors"]
        self.parent.helpText = _(
            "Plans straight drilling paths for core decompression in osteonecrosis of the femoral head: choose the"
            " segments of femur and necrosis, press Plan, drag the path. "
        ) + _(NOTICE)
        self.parent.acknowledgementText = _("corecore, Apache License 2.0.")


class CoreDecompressionLogic(_Logic, ScriptedLoadableModuleLogic):
    """The logic under the name by which Slicer's scripts look for it: ``CoreDecompressionLib.logic`` has it all."""

    def __init__(self, **options: Any) -> None:
        ScriptedLoadableModuleLogic.__init__(self)
        _Logic.__init__(self, **options)


class CoreDecompressionWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The panel."""

    def __init__(self, parent: Any = None) -> None:
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic: CoreDecompressionLogic | None = None
        self.installation: Installation | None = None
        self.timer: Any = None

    # -- Slicer's own calls

    def setup(self) -> None:
        """The panel from its file, and who listens to what."""
        ScriptedLoadableModuleWidget.setup(self)
        panel = slicer.util.loadUI(self.resourcePath("UI/CoreDecompression.ui"))
        self.layout.addWidget(panel)
        self.ui = slicer.util.childWidgetVariables(panel)
        panel.setMRMLScene(slicer.mrmlScene)
        for combo, choices in (
            (self.ui.sideCombo, SIDES), (self.ui.guidanceCombo, GUIDANCES), (self.ui.objectiveCombo, OBJECTIVES),
            (self.ui.exportCombo, tuple(FORMS)),
        ):  # fmt: skip
            for word in choices:
                combo.addItem(word)
        for name, (words, least, most, usual) in MARGINS.items():
            slider = getattr(self.ui, self.margin(name))
            slider.minimum, slider.maximum, slider.value = least, most, usual
            slider.toolTip = _("Least distance to the {part}, mm").format(part=words)
        self.ui.commandEdit.currentPath = slicer.app.userSettings().value(COMMAND_SETTING, "") or ""
        for button, slot in (
            (self.ui.planButton, self.onPlan), (self.ui.cancelButton, self.onCancel),
            (self.ui.optimiseButton, self.onOptimise), (self.ui.keepButton, self.onKeep),
            (self.ui.resliceButton, self.onReslice),
            (self.ui.viewsButton, self.onViews), (self.ui.reportButton, self.onReport),
            (self.ui.evaluateLineButton, self.onEvaluateLine), (self.ui.exportButton, self.onExport),
            (self.ui.guideButton, self.onGuide), (self.ui.installButton, self.onInstall),
        ):  # fmt: skip
            button.connect("clicked(bool)", slot)
        self.ui.lockCheck.connect("toggled(bool)", self.onLock)
        self.ui.commandEdit.connect("currentPathChanged(QString)", self.onCommand)
        self.ui.femurSelector.connect("currentSegmentChanged(QString)", self.onInputs)
        self.ui.lesionSelector.connect("currentSegmentChanged(QString)", self.onInputs)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndImportEvent, self.onSceneEndImport)
        self.timer = qt.QTimer()
        self.timer.setInterval(TICK_MS)
        self.timer.connect("timeout()", self.onTick)
        self.tell(_(NOTICE))
        self.recall()
        self.refresh()

    def cleanup(self) -> None:
        """The module goes: the process beside it goes as well."""
        if self.timer is not None:
            self.timer.stop()
        if self.installation is not None:
            self.installation.stop()
        if self.logic is not None:
            self.logic.close()
        self.removeObservers()

    def enter(self) -> None:
        """The person comes back to the panel."""
        self.refresh()

    def exit(self) -> None:
        """The person leaves the panel; what runs goes on."""

    # -- what the person does

    def onPlan(self, *_given: Any) -> None:
        self.act(lambda logic: logic.plan(self.asked()))

    def onEvaluateLine(self, *_given: Any) -> None:
        self.act(lambda logic: logic.evaluate_line(self.asked(), self.ui.lineSelector.currentNode()))

    def onCancel(self, *_given: Any) -> None:
        if self.installation is not None:
            self.installation.stop()
        if self.logic is not None:
            self.logic.cancel()
        self.refresh()

    def onOptimise(self, *_given: Any) -> None:
        self.act(lambda logic: logic.optimise(self.ui.tunnelSpin.value))

    def onKeep(self, *_given: Any) -> None:
        self.act(lambda logic: logic.keep())

    def onReslice(self, *_given: Any) -> None:
        self.act(lambda logic: logic.reslice(self.ui.tunnelSpin.value))

    def onViews(self, *_given: Any) -> None:
        self.act(lambda logic: logic.views())

    def onReport(self, *_given: Any) -> None:
        self.act(lambda logic: qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(logic.report))))

    def onLock(self, locked: bool) -> None:
        self.act(lambda logic: logic.lock(bool(locked)))

    def onExport(self, *_given: Any) -> None:
        form = str(self.ui.exportCombo.currentText)
        where = self.place(_("Export to"), "plan" + SUFFIXES.get(form, ""), folder=FORMS.get(form, False))
        if where is not None:
            self.act(lambda logic: logic.export(form, where, self.reason()))

    def onGuide(self, *_given: Any) -> None:
        where = self.place(_("Drill guide"), "guide.stl")
        if where is not None:
            self.act(lambda logic: logic.guide(where, self.reason()))

    def onCommand(self, path: str) -> None:
        slicer.app.userSettings().setValue(COMMAND_SETTING, str(path))
        if self.logic is not None:
            self.logic.close()
            self.logic = None
        self.refresh()

    def onInstall(self, *_given: Any) -> None:
        text = _(
            "corecore and its libraries (some 700 MB) are downloaded with pip and installed into\n{folder}\n"
            "apart from Slicer's own libraries. Go on?"
        ).format(folder=self.own())
        if not slicer.util.confirmOkCancelDisplay(text, _("Install corecore")):
            return
        try:
            self.installation = Installation(self.own(), str(self.ui.sourceEdit.text) or "corecore")
            self.installation.begin()
        except PersonError as error:
            self.installation = None
            self.complain(str(error))
            return
        self.step(_("installing corecore"), None)
        self.timer.start()
        self.refresh()

    def onInputs(self, *_given: Any) -> None:
        self.refresh()

    # -- what comes by itself

    def onTick(self) -> None:
        """Answers are handed out here, in the thread of the panel."""
        if self.installation is not None:
            if self.installation.poll(lambda: self.tell(_("corecore is installed.")), self.complain):
                self.installation = None
                self.logic = None
        elif self.logic is not None:
            self.logic.poll()
        self.refresh()

    def onSceneStartClose(self, *_given: Any) -> None:
        if self.logic is not None:
            self.logic.close()
            self.logic = None

    def onSceneEndImport(self, *_given: Any) -> None:
        self.recall()
        self.act(lambda logic: logic.restore(), quietly=True)

    # -- within

    @staticmethod
    def margin(name: str) -> str:
        """The slider of a margin."""
        first, *rest = name.replace("_margin_mm", "").split("_")
        return first + "".join(word.title() for word in rest) + "Slider"

    def own(self) -> Path:
        """Where the module installs corecore: beside Slicer's settings."""
        return Path(str(slicer.app.slicerUserSettingsFilePath)).parent / "corecore-python"

    def made(self) -> CoreDecompressionLogic:
        """The logic, made once corecore has been found. Raises ``PersonError`` where it is not."""
        if self.logic is None:
            command = find_command(str(self.ui.commandEdit.currentPath or ""), self.own())
            outside = dict(slicer.util.startupEnvironment())
            folder = Path(tempfile.mkdtemp(prefix="corecore-", dir=str(slicer.app.temporaryPath)))
            self.logic = CoreDecompressionLogic(
                scene=slicer.mrmlScene, command=command, folder=folder,
                environment=environment_for(self.own(), command, outside),
            )  # fmt: skip
            self.logic.say, self.logic.complain, self.logic.step = self.tell, self.complain, self.step
            self.logic.changed = self.refresh
            self.logic.restore()
            # For lines that are dragged, it goes on while nothing is asked.
            self.timer.start()
        return self.logic

    def act(self, what: Any, *, quietly: bool = False) -> None:
        """Does something with the logic; what it refuses is told, not thrown."""
        try:
            what(self.made())
        except PersonError as error:
            if not quietly:
                self.complain(str(error))
        self.refresh()

    def asked(self) -> PlanRequest:
        """What the panel says, kept in the scene as well."""
        ui = self.ui

        def segment(selector: Any) -> SegmentRef | None:
            node, own = selector.currentNode(), str(selector.currentSegmentID() or "")
            return SegmentRef(node, own) if node is not None and own else None

        request = PlanRequest(
            femur=segment(ui.femurSelector), lesion=segment(ui.lesionSelector), pelvis=segment(ui.pelvisSelector),
            avoid=segment(ui.avoidSelector), volume=ui.volumeSelector.currentNode(),
            landmarks=ui.landmarksSelector.currentNode(), side=str(ui.sideCombo.currentText),
            guidance=str(ui.guidanceCombo.currentText), objective=str(ui.objectiveCombo.currentText),
            instrument=str(ui.instrumentEdit.text), diameter_mm=float(ui.diameterSpin.value),
            tunnels=int(ui.tunnelsSpin.value),
            margins={name: float(getattr(ui, self.margin(name)).value) for name in MARGINS},
            pictures=bool(ui.picturesCheck.checked), case_id=str(ui.caseEdit.text),
        )  # fmt: skip
        parameters.keep(slicer.mrmlScene, request)
        return request

    def recall(self) -> None:
        """The panel as the scene keeps it."""
        request, ui = parameters.kept(slicer.mrmlScene), self.ui
        for name, selector in (
            ("femur", ui.femurSelector), ("lesion", ui.lesionSelector), ("pelvis", ui.pelvisSelector),
            ("avoid", ui.avoidSelector),
        ):  # fmt: skip
            ref = getattr(request, name)
            if ref is not None:
                selector.setCurrentNode(ref.node)
                selector.setCurrentSegmentID(ref.segment)
        for node, selector in ((request.volume, ui.volumeSelector), (request.landmarks, ui.landmarksSelector)):
            if node is not None:
                selector.setCurrentNode(node)
        ui.sideCombo.setCurrentText(request.side)
        ui.guidanceCombo.setCurrentText(request.guidance)
        ui.objectiveCombo.setCurrentText(request.objective)
        ui.instrumentEdit.text, ui.caseEdit.text = request.instrument, request.case_id
        ui.diameterSpin.value, ui.tunnelsSpin.value = request.diameter_mm, request.tunnels
        ui.picturesCheck.checked = request.pictures
        for name, value in request.margins.items():
            if name in MARGINS:
                getattr(ui, self.margin(name)).value = value

    def reason(self) -> list[str]:
        """Why a path that exceeds a limit leaves all the same, as the command line asks for it."""
        text = str(self.ui.reasonEdit.text).strip()
        return [f"--accept-violations={text}"] if text else []

    def place(self, title: str, name: str, *, folder: bool = False) -> Path | None:
        """Where something is written to, as the person chooses."""
        if folder:
            found = qt.QFileDialog.getExistingDirectory(None, title)
            return Path(str(found)) / name if found else None
        found = qt.QFileDialog.getSaveFileName(None, title, name)
        return Path(str(found)) if found else None

    def tell(self, text: str) -> None:
        """Good news."""
        self.ui.messageLabel.text = text
        self.ui.messageLabel.styleSheet = ""

    def complain(self, text: str) -> None:
        """Bad news."""
        self.ui.messageLabel.text = text
        self.ui.messageLabel.styleSheet = "color: #A8001C"

    def step(self, name: str, share: float | None) -> None:
        """What is being done, and how much of it."""
        self.ui.progressBar.setFormat(name)
        self.ui.progressBar.setMaximum(0 if share is None else 100)
        self.ui.progressBar.setValue(0 if share is None else round(100 * share))

    def refresh(self) -> None:
        """What can be pressed, and the figures as they are."""
        ui, logic = self.ui, self.logic
        busy = self.installation is not None or (logic is not None and logic.busy)
        planned = logic is not None and logic.stored is not None
        ui.cancelButton.enabled = busy
        ui.progressBar.visible = busy
        ui.planButton.enabled = not busy and bool(ui.femurSelector.currentSegmentID())
        for button in (
            ui.optimiseButton,
            ui.keepButton,
            ui.resliceButton,
            ui.viewsButton,
            ui.reportButton,
            ui.exportButton,
            ui.guideButton,
        ):
            button.enabled = planned and not busy
        ui.lockCheck.enabled = planned
        ui.evaluateLineButton.enabled = not busy
        if planned:
            table = logic.nodes.found("limits", "vtkMRMLTableNode") if logic is not None else []
            ui.limitsView.setMRMLTableNode(table[0] if table else None)


class CoreDecompressionTest(ScriptedLoadableModuleTest):
    """Slicer's self-test: what needs no corecore always, a whole plan where corecore is found."""

    def setUp(self) -> None:
        """An empty scene."""
        slicer.mrmlScene.Clear()

    def runTest(self) -> None:
        """All of it."""
        self.setUp()
        self.test_refusals()
        self.setUp()
        self.test_plan()

    def test_refusals(self) -> None:
        """What no plan can be made of is said before anything is started."""
        self.delayDisplay("Refusals")
        logic = CoreDecompressionLogic(scene=slicer.mrmlScene, command=["no-such-command"])
        refused = ""
        try:
            logic.plan(PlanRequest())
        except PersonError as error:
            refused = str(error)
        assert "femur" in refused
        assert logic.stored is None
        logic.close()

    def test_plan(self) -> None:
        """A synthetic hip from corecore itself: planned, moved, evaluated anew."""
        import subprocess

        own = Path(str(slicer.app.slicerUserSettingsFilePath)).parent / "corecore-python"
        try:
            command = find_command(str(slicer.app.userSettings().value(COMMAND_SETTING, "") or ""), own)
        except PersonError as error:
            self.delayDisplay(f"Without corecore: {error}")
            return
        environment = environment_for(own, command, dict(slicer.util.startupEnvironment()))
        folder = Path(tempfile.mkdtemp(prefix="corecore-test-", dir=str(slicer.app.temporaryPath)))
        self.delayDisplay("A synthetic hip")
        subprocess.run(
            [*command, "synth", "--n", "1", "--seed", "7", "--out", str(folder)], env=environment, check=True
        )
        source = next(path for path in sorted(folder.rglob("*.nii.gz")) if "ct" not in path.name)
        node = slicer.util.loadSegmentation(str(source))
        segments = node.GetSegmentation()
        ids = [segments.GetNthSegmentID(number) for number in range(segments.GetNumberOfSegments())]
        logic = CoreDecompressionLogic(scene=slicer.mrmlScene, command=command, folder=folder, environment=environment)
        complaints: list[str] = []
        logic.complain = complaints.append
        request = PlanRequest(SegmentRef(node, ids[0]), SegmentRef(node, ids[1]), objective="most", pictures=False)
        self.delayDisplay("Planning")
        logic.wait(logic.plan(request))
        assert not complaints, complaints
        assert logic.stored is not None
        line = logic.nodes.found("path", "vtkMRMLMarkupsLineNode")[0]
        logic.lock(False)
        place = [0.0, 0.0, 0.0]
        line.GetNthControlPointPositionWorld(1, place)
        line.SetNthControlPointPositionWorld(1, place[0], place[1], place[2] - 3.0)
        before = logic.figures["removed_fraction"]
        logic.poll()
        while logic.busy:
            logic.poll()
        assert logic.figures["removed_fraction"] != before
        logic.close()
        self.delayDisplay("Passed")
