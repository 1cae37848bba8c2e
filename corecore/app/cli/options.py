"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

LesionTransform = Annotated[
    Path | None,
    typer.Option(
        help="Carries the lesion into the femur's world: ITK .tfm, .txt, .mat, .h5, a 4 x 4 matrix in RAS, or FLIRT's."
    ),
]
TransformKind = Annotated[
    str | None,
    typer.Option("--transform-kind", help="What --lesion-transform is: itk, matrix (4 x 4, RAS mm) or flirt (FSL)."),
]
TransformInverse = Annotated[
    bool | None,
    typer.Option("--inverse/--no-inverse", help="Use the inverse of --lesion-transform, or as it is: where both fit."),
]
LesionImage = Annotated[
    Path | None, typer.Option(help="The MR the lesion was drawn on; with --register, or FLIRT's matrix.")
]
Register = Annotated[
    bool, typer.Option("--register", help="Find the transform: --lesion-image onto --image, rigid, at the femur.")
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
        help="Mask of the distal femur: FILE, or FILE:LABEL; its condyles say where lateral is.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a plan that is there.")]
PelvisMask = Annotated[
    str | None, typer.Option(help="Mask of the pelvis: FILE, or FILE:LABEL; for the types of place (JIC, ARCO).")
]
AvoidMask = Annotated[
    str | None, typer.Option(help="Mask of what to keep out of: FILE, or FILE:LABEL; --set avoid_margin_mm=MM.")
]
EntryOption = Annotated[
    str | None, typer.Option("--entry", help="Where every tunnel must enter: x,y,z in RAS mm, on the bone's surface.")
]
DirectionOption = Annotated[
    str | None, typer.Option("--direction", help="How every tunnel must run, entry to tip: x,y,z in RAS, any length.")
]
KeepOption = Annotated[
    list[str] | None,
    typer.Option("--keep", help="A tunnel of the plan already: ENTRY:TIP or ENTRY:TIP:DIAMETER, x,y,z each; repeated."),
]
TargetOption = Annotated[
    str | None,
    typer.Option("--target", help="Do most of: lesion (removed), weight-bearing (weighted), reached, expected."),
]
OutlineError = Annotated[
    float | None,
    typer.Option(
        "--outline-error", help="How far the lesion's outline lies off on average, mm (0.76); 0: not simulated."
    ),
]
GuidanceOption = Annotated[
    str | None,
    typer.Option(
        "--guidance",
        help="How it will be drilled: fluoroscopy (default), guide, navigated, robot, or a method of --methods.",
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
        help="The CT or MR the masks were drawn on: a file, or a DICOM folder; FOLDER:NUMBER or FOLDER:UID takes one"
        " of several series."
    ),
]
Straighten = Annotated[
    bool, typer.Option("--straighten", help="Resample a DICOM series of a tilted gantry upright; else it is refused.")
]
ImagingDate = Annotated[str | None, typer.Option("--imaging-date", help="Day of the imaging, YYYY-MM-DD.")]
StageOption = Annotated[
    str | None,
    typer.Option("--stage", help="Stage as the surgeon reads it: II, 'ARCO 3A', 'Steinberg IIC', 'Ficat 2'."),
]
PhysisOption = Annotated[str, typer.Option("--physis", help="Growth plate: open, closed or unknown.")]
PoleOption = Annotated[
    str | None,
    typer.Option("--pole", help="One more load pole: x,y,z of the femoral frame (lateral, anterior, proximal)."),
]
MethodsFile = Annotated[
    Path | None, typer.Option("--methods", help="TOML file with error models of your own, a table [methods.NAME] each.")
]
CaseId = Annotated[str | None, typer.Option("--id", help="Name of the case; default: a hash of its masks.")]
KeepNames = Annotated[bool, typer.Option("--keep-names", help="Refer to the input files by name instead of copying.")]
ConfigFile = Annotated[Path | None, typer.Option("--config", help="TOML file of parameters.")]
SettingOption = Annotated[list[str] | None, typer.Option("--set", help="KEY=VALUE, may be repeated.")]
Tunnels = Annotated[int | None, typer.Option("--tunnels", help="Most tunnels, 1 to 16.")]
Diameter = Annotated[float | None, typer.Option("--diameter", help="Drill diameter, mm.")]
InstrumentOption = Annotated[
    str | None,
    typer.Option(
        "--instrument", metavar="NAME|FILE.toml[:NAME]", help="What is drilled with; corecore instruments lists names."
    ),
]
Preset = Annotated[str | None, typer.Option("--preset", help="core-10 (default), core-8, multi-3.2 or acd.")]
PlanFolder = Annotated[Path, typer.Option("--out", help="Folder for the plan.")]
NoPictures = Annotated[bool, typer.Option("--no-pictures", help="Leave the pictures out.")]
SignKey = Annotated[
    Path | None, typer.Option(help="File with a secret key of 16 bytes and more; the plan is signed with it.")
]
PlanFile = Annotated[Path, typer.Argument(metavar="PLAN.json")]
