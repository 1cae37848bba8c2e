"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

LesionTransform = Annotated[
    Path | None,
    typer.Option(
        help="Transform of the lesion to the femur's world: ITK .tfm, .txt, .mat, .h5; 4 x 4 matrix in RAS; FLIRT."
    ),
]
TransformKind = Annotated[
    str | None,
    typer.Option("--transform-kind", help="What --lesion-transform is: itk, matrix (4 x 4, RAS mm) or flirt (FSL)."),
]
TransformInverse = Annotated[
    bool | None,
    typer.Option(
        "--inverse/--no-inverse", help="Whether to invert --lesion-transform; needed where both directions fit."
    ),
]
LesionImage = Annotated[
    Path | None, typer.Option(help="The MR that the lesion was drawn on; for --register, or a FLIRT matrix.")
]
Register = Annotated[
    bool, typer.Option("--register", help="Register --lesion-image to --image, rigidly, at the femur.")
]
MASK = "FILE, FILE:LABEL by number or name, 'FILE:>0.5' or 'FILE:>=128' of grey values, or a folder."
Femur = Annotated[str, typer.Option(help=f"Femur mask: {MASK}")]
Lesion = Annotated[str, typer.Option(help=f"Necrosis mask: {MASK}")]
SideOption = Annotated[str, typer.Option(help="auto, left or right; checked against the bone's shape.")]
LandmarkFile = Annotated[
    Path | None, typer.Option(help="Landmarks that replace the fitted ones: Slicer .mrk.json, or JSON.")
]
AnteversionOption = Annotated[
    float | None,
    typer.Option("--anteversion", help="Anteversion of the neck, degrees, where no condyles are in view."),
]
KneeMask = Annotated[
    str | None,
    typer.Option(
        "--knee",
        help="Mask of the distal femur: FILE, or FILE:LABEL; its condyles define the lateral axis.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an existing plan.")]
PelvisMask = Annotated[
    str | None, typer.Option(help="Mask of the pelvis: FILE, or FILE:LABEL; for the lesion location (JIC, ARCO).")
]
AvoidMask = Annotated[
    str | None, typer.Option(help="Mask of a region to avoid: FILE, or FILE:LABEL; margin: --set avoid_margin_mm=MM.")
]
EntryOption = Annotated[
    str | None, typer.Option("--entry", help="Fixed entry of every tunnel: x,y,z in RAS mm, on the bone's surface.")
]
DirectionOption = Annotated[
    str | None,
    typer.Option("--direction", help="Fixed direction of every tunnel, entry to tip: x,y,z in RAS, any length."),
]
KeepOption = Annotated[
    list[str] | None,
    typer.Option("--keep", help="Existing tunnel: ENTRY:TIP or ENTRY:TIP:DIAMETER, x,y,z each; may be repeated."),
]
TargetOption = Annotated[
    str | None,
    typer.Option("--target", help="What to maximise: lesion (removed), weight-bearing (weighted), reached, expected."),
]
OutlineError = Annotated[
    float | None,
    typer.Option("--outline-error", help="Mean error of the lesion's outline, mm (0.76); 0: not simulated."),
]
GuidanceOption = Annotated[
    str | None,
    typer.Option(
        "--guidance",
        help="Guidance method: fluoroscopy (default), guide, navigated, robot, or one of --methods.",
    ),
]
ObjectiveOption = Annotated[
    str | None,
    typer.Option(
        "--objective",
        help="safest (default): least perforation of the plans that remove 95 % of the most; or most.",
    ),
]
ImageFile = Annotated[
    Path | None,
    typer.Option(
        help="The CT or MR that the masks were drawn on: a file, or a DICOM folder; FOLDER:NUMBER or FOLDER:UID selects"
        " one of several series."
    ),
]
Straighten = Annotated[
    bool, typer.Option("--straighten", help="Resample a DICOM series of a tilted gantry upright; else it is refused.")
]
ImagingDate = Annotated[str | None, typer.Option("--imaging-date", help="Imaging date, YYYY-MM-DD.")]
SurgeonOption = Annotated[
    str | None, typer.Option("--surgeon", help="Surgeon, for the report's header; else a line to fill in.")
]
OperationDate = Annotated[
    str | None, typer.Option("--operation-date", help="Operation date, YYYY-MM-DD; else a line to fill in.")
]
StageOption = Annotated[
    str | None,
    typer.Option("--stage", help="Stage as the surgeon reads it: II, 'ARCO 3A', 'Steinberg IIC', 'Ficat 2'."),
]
PhysisOption = Annotated[str, typer.Option("--physis", help="Physeal status: open, closed or unknown.")]
PoleOption = Annotated[
    str | None,
    typer.Option("--pole", help="A further load pole: x,y,z of the femoral frame (lateral, anterior, proximal)."),
]
MethodsFile = Annotated[
    Path | None, typer.Option("--methods", help="TOML file of your own error models, a table [methods.NAME] each.")
]
CaseId = Annotated[str | None, typer.Option("--id", help="Name of the case; default: a hash of its masks.")]
KeepNames = Annotated[bool, typer.Option("--keep-names", help="Refer to the input files by name instead of copying.")]
ConfigFile = Annotated[Path | None, typer.Option("--config", help="TOML file of parameters.")]
SettingOption = Annotated[list[str] | None, typer.Option("--set", help="Parameter KEY=VALUE; may be repeated.")]
Tunnels = Annotated[int | None, typer.Option("--tunnels", help="Maximum number of tunnels, 1 to 16.")]
Diameter = Annotated[float | None, typer.Option("--diameter", help="Drill diameter, mm.")]
InstrumentOption = Annotated[
    str | None,
    typer.Option("--instrument", metavar="NAME|FILE.toml[:NAME]", help="Instrument; corecore instruments lists names."),
]
Preset = Annotated[str | None, typer.Option("--preset", help="core-10 (default), core-8, multi-3.2 or acd.")]
PlanFolder = Annotated[Path, typer.Option("--out", help="Folder for the plan.")]
NoPictures = Annotated[bool, typer.Option("--no-pictures", help="Draw no pictures.")]
LanguageOption = Annotated[
    str | None,
    typer.Option("--language", help="Language of report and pages: en or de; default: CORECORE_LANGUAGE, else en."),
]
SignKey = Annotated[Path | None, typer.Option(help="File with a secret key of 16 bytes and more; it signs the plan.")]
PlanFile = Annotated[Path, typer.Argument(metavar="PLAN.json")]
