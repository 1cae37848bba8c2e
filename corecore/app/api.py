"""What other programs and notebooks call of one hip: load, measure, plan or evaluate, save, verify, hand on.

``import corecore as cc`` offers these names; what they return shows itself in a notebook. Each calls what the command
of its name calls, and raises ``corecore.CorecoreError`` with one line that says what was found and what is accepted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy.typing as npt

from corecore.app.given import GivenVolumes, Label, PathLike, VolumeLike, answers_of, theatre_of
from corecore.app.hip import Hip
from corecore.app.measures import Measures
from corecore.app.plan import Picture, Plan, Tunnel, world_tunnel
from corecore.base.errors import InputError
from corecore.base.instrument import Instrument
from corecore.base.spec import Spec
from corecore.document.seal import read_key
from corecore.exports.workflow import open_hip, plan_of
from corecore.hip.case import read_case
from corecore.hip.inputs import HipInputs
from corecore.hip.lesion_transform import Move
from corecore.io.volume import ACCEPTED
from corecore.measures.model import measure as measure_hip
from corecore.measures.signs.clinician_input import Physis
from corecore.planning.open_plan import open_plan as open_file
from corecore.planning.request import Parameters, Search, check_robust_objective
from corecore.verification.recalculation import verify_plan
from corecore.verification.report import Verification

if TYPE_CHECKING:
    from corecore.exports.guide.make import GuideFigures


@dataclass(frozen=True)
class LesionTransform:
    """What carries a lesion that was drawn on another scan into the femur's world.

    Attributes
    ----------
    file : str or os.PathLike
        The transform: ITK's ``.tfm``, ``.txt``, ``.mat`` or ``.h5``, a 4 x 4 matrix in RAS mm, or FSL FLIRT's.
    kind : {"itk", "matrix", "flirt"}, optional
        What it is. Default: ITK's by its suffix; sixteen numbers in a ``.mat`` need it.
    inverse : bool, optional
        Use its inverse, or it as it is. Default: as it is, unless the inverse fits as well, which is refused.
    image : str or os.PathLike, optional
        The image on which the lesion was drawn; FLIRT's matrix needs it, and the femur's.
    """

    file: PathLike
    kind: Literal["itk", "matrix", "flirt"] | None = None
    inverse: bool | None = None
    image: PathLike | None = None


# Eighteen parameters: each is a volume or a fact that a caller has or has not.
def load(
    femur: VolumeLike,
    lesion: VolumeLike | None = None,
    *,
    affine: npt.ArrayLike | Mapping[str, npt.ArrayLike] | None = None,
    labels: Mapping[str, Label] | None = None,
    side: Literal["auto", "left", "right"] = "auto",
    image: VolumeLike | None = None,
    pelvis: VolumeLike | None = None,
    avoid: VolumeLike | None = None,
    landmarks: PathLike | None = None,
    anteversion_deg: float | None = None,
    knee: VolumeLike | None = None,
    case_id: str | None = None,
    straighten: bool = False,
    lesion_transform: PathLike | LesionTransform | None = None,
    lesion_image: VolumeLike | None = None,
    surgeon: str | None = None,
    operation_date: str | date | None = None,
) -> Hip:
    """Read the masks of one hip, build its bone surface and fit its anatomy.

    Every mask and image is a path, a nibabel image, a SimpleITK image, or an array with ``affine``; all are read by
    the same rules, and give the same plan.

    Parameters
    ----------
    femur, lesion : str, os.PathLike, nibabel image, SimpleITK image or array, shape (I, J, K)
        Masks of the femur and of the necrosis. A path is NIfTI, NRRD, MetaImage or DICOM; ``"map.nii.gz:1"`` takes
        one label, by number or name, of a label map, ``"soft.nii.gz:>0.5"`` the voxels of a grey mask above half of
        its largest value, ``"soft.nii.gz:>=128"`` those of 128 and more. Without ``lesion`` it is a label of
        ``femur``.
    affine : array_like, shape (4, 4), or mapping of str to such, optional
        Where the voxels of arrays lie: from index to voxel centre, RAS mm, as nibabel has it; one for all arrays, or
        one a role (``{"femur": ..., "image": ...}``). Held in single precision, as a NIfTI file holds it.
    labels : mapping of str to int or str, optional
        Labels by role, as after a path's colon: ``{"femur": 1, "lesion": 2}``, ``{"lesion": ">0.5"}``.
    side : {"auto", "left", "right"}, default "auto"
        Side of the hip. Default: told from where the neck points; a side that contradicts the bone's shape is refused.
    image : str, os.PathLike, nibabel image, SimpleITK image or array, optional
        CT or MR on which the masks were drawn. A path may be a DICOM folder; ``"FOLDER:3"`` takes the series of that
        number, ``"FOLDER:UID"`` the one of that SeriesInstanceUID.
    pelvis : str, os.PathLike, nibabel image, SimpleITK image or array, optional
        Mask of the pelvis, for the types of location (JIC, ARCO).
    avoid : str, os.PathLike, nibabel image, SimpleITK image or array, optional
        Mask of what every tunnel keeps out of.
    landmarks : str or os.PathLike, optional
        Landmarks that replace the fitted ones: a Slicer ``.mrk.json``, or JSON; mm.
    anteversion_deg : float, optional
        Anteversion of the neck, degrees, where no condyles are in view. Default: 14, and a range with the figures.
    knee : str, os.PathLike, nibabel image, SimpleITK image or array, optional
        Mask of the distal femur, a block of slices through the condyles in the frame of reference of ``femur``: the
        posterior condylar line is taken from it.
    case_id : str, optional
        Name of the case. Default: a hash of the masks' voxels, so that no file name enters a plan.
    straighten : bool, default False
        Resample an image taken with a tilted gantry upright; without it, such a series is refused.
    lesion_transform : str, os.PathLike or LesionTransform, optional
        For a lesion drawn on another scan: its transform into the femur's world, world RAS mm. A file's name alone
        stands for ``LesionTransform(file)``.
    lesion_image : str, os.PathLike, nibabel image, SimpleITK image or array, optional
        The image on which such a lesion was drawn; without a transform it is registered to ``image``.
    surgeon : str, optional
        Who operates, for the report's header. Default: a line to fill in.
    operation_date : str or datetime.date, optional
        Day of the operation, for the report's header; text as YYYY-MM-DD. Default: a line to fill in.

    Returns
    -------
    Hip
        Masks, anatomy and warnings, world RAS mm.

    Raises
    ------
    InputError
        For a file that cannot be read, an array without an affine, an empty mask, a lesion outside the femur, a side
        that contradicts the bone, a transform whose kind or direction is in doubt, a knee without condyles of this
        femur.
    AnatomyError
        Where no femoral head is found.

    Examples
    --------
    >>> import corecore as cc
    >>> import nibabel as nib
    >>> from corecore.study.samples import sample
    >>> cc.load(f"{sample()}:1", f"{sample()}:2", case_id="sample")
    <Hip sample: right, necrosis 8.71 ml>
    >>> cc.load(nib.load(sample()), labels={"femur": 1, "lesion": 2}, case_id="sample")
    <Hip sample: right, necrosis 8.71 ml>
    """
    given = GivenVolumes(affine, labels)
    if lesion is None:
        if not {"femur", "lesion"} <= set(given.labels):
            raise InputError(
                "lesion: not given; a mask, or labels={'femur': LABEL, 'lesion': LABEL} of one map, is accepted",
                code="option-missing",
            )
        lesion = femur
    bone, dead = given.mask("femur", femur), given.mask("lesion", lesion)
    if bone is None or dead is None:
        raise InputError(f"femur: not given; {ACCEPTED} is accepted", code="option-missing")
    moved = lesion_transform
    if moved is not None and not isinstance(moved, LesionTransform):
        moved = LesionTransform(moved)
    told = LesionTransform("") if moved is None else moved
    if told.image is not None and lesion_image is not None:
        raise InputError(
            "lesion_image: the transform names one too; one of the two is accepted", code="options-conflict"
        )
    drawn = given.image("lesion_image", told.image if lesion_image is None else lesion_image)
    return Hip._of(
        open_hip(
            HipInputs(
                bone, dead, side, case_id, None if landmarks is None else Path(landmarks),
                image=given.image("image", image), pelvis=given.mask("pelvis", pelvis),
                avoid=given.mask("avoid", avoid), straighten=straighten, anteversion_deg=anteversion_deg,
                knee=given.mask("knee", knee), lesion_transform=None if moved is None else Path(moved.file),
                lesion_image=Path(drawn) if isinstance(drawn, str) else drawn, transform_kind=told.kind,
                transform_inverted=told.inverse, theatre=theatre_of(surgeon, operation_date),
            )
        )
    )  # fmt: skip


def register(
    femur: VolumeLike,
    lesion: VolumeLike,
    *,
    image: VolumeLike,
    lesion_image: VolumeLike,
    affine: npt.ArrayLike | Mapping[str, npt.ArrayLike] | None = None,
    labels: Mapping[str, Label] | None = None,
) -> Move:
    """Register the image on which a lesion was drawn to that of the femur, as ``load`` does with ``lesion_image``.

    Parameters
    ----------
    femur, lesion : str, os.PathLike, nibabel image, SimpleITK image or array
        Masks, as for ``load``; each in the world of its image.
    image, lesion_image : str, os.PathLike, nibabel image, SimpleITK image or array
        The images on which femur and lesion were drawn.
    affine : array_like, shape (4, 4), or mapping of str to such, optional
        Where the voxels of arrays lie, as for ``load``.
    labels : mapping of str to int or str, optional
        Labels by role, as for ``load``.

    Returns
    -------
    Move
        ``world_from_lesion`` (4, 4), RAS mm, how far it moves and turns the lesion, and how sure it is.

    Raises
    ------
    InputError
        For what cannot be read, and for images that do not register unambiguously.
    """
    given = GivenVolumes(affine, labels)
    bone, dead = given.mask("femur", femur), given.mask("lesion", lesion)
    shown, drawn = given.image("image", image), given.image("lesion_image", lesion_image)
    if bone is None or dead is None or shown is None or drawn is None:
        raise InputError("register: femur, lesion, image and lesion_image are needed", code="option-missing")
    move = read_case(
        HipInputs(bone, dead, image=shown, lesion_image=Path(drawn) if isinstance(drawn, str) else drawn)
    ).move
    assert move is not None
    return move


def measure(
    hip: Hip, *, stage: str | None = None, physis: Physis = "unknown", imaging_date: str | date | None = None
) -> Measures:
    """Measure how much bone is necrotic, and how much of it bears weight.

    Parameters
    ----------
    hip : Hip
        A hip from ``load``.
    stage : str, optional
        Stage as the surgeon reads it: ``"II"``, ``"ARCO 3A"``, ``"Steinberg IIC"``, ``"Ficat 2"``, ``"JIC 3A"``.
    physis : {"open", "closed", "unknown"}, default "unknown"
        Growth plate.
    imaging_date : str or datetime.date, optional
        Day of the imaging; text as YYYY-MM-DD.

    Returns
    -------
    Measures
        Volume (ml), shares of head and weight-bearing area (0 to 1), Kerboul angles (degrees), necrotic index, JIC
        type and signs of a late stage: ``figures`` has them by name.

    Raises
    ------
    AnatomyError, InputError
        Where the pelvis, or landmarks of it, contradict the head; for an unknown stage, a word that is no state of the
        growth plate, and imaging dated after today.

    References
    ----------
    Each measure's source stands with its function in ``corecore.measures``, and in ``docs/design/contract.md``.

    Examples
    --------
    >>> import corecore as cc
    >>> from corecore.study.samples import sample
    >>> measures = cc.measure(cc.load(f"{sample()}:1", f"{sample()}:2"))
    >>> print(f"{measures.figures.volume_ml:.2f} ml")
    8.71 ml
    """
    return Measures._of(measure_hip(hip._inner, Spec(), answers=answers_of(stage, physis, imaging_date)))


def plan(
    hip: Hip,
    preset: str = "core-10",
    *,
    instrument: str | Instrument | None = None,
    guidance: str | None = None,
    objective: Literal["safest", "most"] | None = None,
    gap: float | None = None,
    seconds: float | None = None,
    robust: str | None = None,
    alternatives: int = 0,
    stage: str | None = None,
    physis: Physis = "unknown",
    imaging_date: str | date | None = None,
    config: PathLike | None = None,
    **values: Any,
) -> Plan:
    """Search the best tunnels of a preset: ``plan(hip, "core-8", tunnels=3, pattern="fan")``.

    Parameters
    ----------
    hip : Hip
        A hip from ``load``.
    preset : {"core-10", "core-8", "multi-3.2", "acd"}, default "core-10"
        The preset: instrument, number of tunnels and limits.
    instrument : str or Instrument, optional
        What is drilled with: a name of the library (``corecore instruments``), ``FILE.toml`` or ``FILE.toml:NAME``.
        Default: the preset's.
    guidance : {"fluoroscopy", "guide", "navigated", "robot"}, optional
        How it will be drilled. Default: fluoroscopy.
    objective : {"safest", "most"}, optional
        Least perforation by that guidance of the plans that remove at least ``near_best_share`` (0.95) of the most, or
        what removes most. Default: safest.
    gap : float, optional
        Share, 0 to 1: prove that no tunnel removes more of the necrosis by this much (0.01 takes minutes).
    seconds : float, optional
        Prove a bound for so long, s.
    robust : {"fluoroscopy", "guide", "guide_best", "navigated", "robot"}, optional
        Plan for the errors of this guidance method; one tunnel only.
    alternatives : int, default 0
        How many other, Pareto-optimal tunnels to look for; one tunnel only.
    stage : str, optional
        Stage as the surgeon reads it: ``"II"``, ``"ARCO 3A"``, ``"Steinberg IIC"``, ``"Ficat 2"``, ``"JIC 3A"``.
    physis : {"open", "closed", "unknown"}, default "unknown"
        Growth plate.
    imaging_date : str or datetime.date, optional
        Day of the imaging; text as YYYY-MM-DD.
    config : str or os.PathLike, optional
        TOML file of parameters; ``values`` go before it.
    **values
        Parameters of ``corecore.Spec`` in place of the preset's: mm, degrees and shares, as their names say.

    Returns
    -------
    Plan
        Tunnels with their figures, world RAS mm; ``infeasible`` says why where there is none.

    Raises
    ------
    InputError
        For an unknown preset, parameter, method or stage, for a value out of range, and for options that exclude each
        other.

    References
    ----------
    Search and proof: ``docs/design/search.md``; the safest of the nearly best: ``docs/design/guidance.md``; the source
    of every limit: ``docs/design/constraints.md``; models of execution errors: ``docs/design/risk.md``.
    """
    asked = {"instrument": instrument, "guidance": guidance, "objective": objective}
    values |= {name: value for name, value in asked.items() if value is not None}
    spec = Parameters(preset, None if config is None else Path(config), values).spec()
    check_robust_objective(robust, values)
    search = Search(gap=gap, seconds=seconds, robust=robust, alternatives=alternatives)
    search.check(spec)
    answers = answers_of(stage, physis, imaging_date)
    return Plan._of(plan_of(hip._inner, spec, measure_hip(hip._inner, spec, answers=answers), search))


def candidates(
    hip: Hip, preset: str = "core-10", *, most: int = 200, config: PathLike | None = None, **values: Any
) -> tuple[Tunnel, ...]:
    """Hand out tunnels to choose from by an objective of your own, all within the limits.

    Rank or filter them by any function of tunnel and figures; ``assess(hip, one.entry, one.tip, one.diameter_mm)``
    with the same preset and values makes a plan of the one that you choose.

    Parameters
    ----------
    hip : Hip
        A hip from ``load``.
    preset : {"core-10", "core-8", "multi-3.2"}, default "core-10"
        Drill diameter and limits; candidates are single tunnels.
    most : int, default 200
        How many at most (0.05 s each). Of more, those are taken that lie farthest apart.
    config : str or os.PathLike, optional
        TOML file of parameters; ``values`` go before it.
    **values
        Parameters of ``corecore.Spec`` in place of the preset's: mm, degrees and shares, as their names say.

    Returns
    -------
    tuple of Tunnel
        World RAS mm, what does most for ``Spec.target`` first, each as deep as that asks for. Lines lie 1.5 mm and
        1.9 degrees apart, so the first removes a little less than ``plan`` does. Empty where no line carries a tunnel;
        ``plan`` says why.

    Raises
    ------
    InputError
        For an unknown preset or parameter, a value out of range, tunnels kept, a cavity or a least share removed.

    References
    ----------
    The sweep: ``docs/design/search.md``.

    Examples
    --------
    >>> import corecore as cc
    >>> from corecore.study.samples import sample
    >>> found = cc.candidates(cc.load(f"{sample()}:1", f"{sample()}:2"), most=20)
    >>> roomiest = max(found, key=lambda one: one.figures.cortical_clearance_mm)
    >>> roomiest.figures.cortical_clearance_mm > found[0].figures.cortical_clearance_mm
    True
    """
    from corecore.planning.candidate_tunnels import candidate_tunnels

    spec = Parameters(preset, None if config is None else Path(config), {"tunnels": 1, **values}).spec()
    found = candidate_tunnels(hip._inner, spec, most)
    return tuple(world_tunnel(hip._inner, tunnel, figures) for tunnel, figures in found)


def assess(
    hip: Hip,
    entry: npt.ArrayLike,
    tip: npt.ArrayLike,
    diameter_mm: float | None = None,
    preset: str = "core-10",
    *,
    instrument: str | Instrument | None = None,
    stage: str | None = None,
    physis: Physis = "unknown",
    imaging_date: str | date | None = None,
    **values: Any,
) -> Plan:
    """Evaluate a path of your own by all figures, and look for the best tunnel near it.

    Parameters
    ----------
    hip : Hip
        A hip from ``load``.
    entry, tip : array_like of float, shape (3,)
        Where the drill enters, and the deepest point of its axis; world RAS mm. The entry is moved along the line
        onto the bone's surface.
    diameter_mm : float, optional
        Diameter of the drill, mm. Default: the instrument's.
    preset : str, default "core-10"
        Limits of this preset.
    instrument : str or Instrument, optional
        What is drilled with: a name of the library, ``FILE.toml`` or ``FILE.toml:NAME``. Default: a flat-ended cylinder
        of ``diameter_mm``.
    stage : str, optional
        Stage as the surgeon reads it: ``"II"``, ``"ARCO 3A"``, ``"Steinberg IIC"``, ``"Ficat 2"``, ``"JIC 3A"``.
    physis : {"open", "closed", "unknown"}, default "unknown"
        Growth plate.
    imaging_date : str or datetime.date, optional
        Day of the imaging; text as YYYY-MM-DD.
    **values
        Parameters of ``corecore.Spec`` in place of the preset's: the limits that the path is held against.

    Returns
    -------
    Plan
        Status ``"manual"``; ``violations`` are the limits exceeded, ``document.nearest`` is the best tunnel within
        10 mm of the path.

    Raises
    ------
    InputError
        For points that make no path through the bone, and for an unknown parameter or stage, or a value out of range.
    """
    if diameter_mm is None and instrument is None:
        raise InputError("no diameter: diameter_mm or an instrument is accepted", code="option-missing")
    drill = {"diameter_mm": diameter_mm, "instrument": instrument}
    values |= {name: value for name, value in drill.items() if value is not None}
    spec = Parameters(preset, values={"tunnels": 1, **values}).spec()
    answers = answers_of(stage, physis, imaging_date)
    return Plan._of(plan_of(hip._inner, spec, measure_hip(hip._inner, spec, answers=answers), path=(entry, tip)))


def save(
    plan: Plan, folder: PathLike, *, pictures: bool = True, overwrite: bool = False, language: str | None = None
) -> Path:
    """Write the plan's folder, whole or not at all: ``plan.save(folder)``.

    Parameters
    ----------
    plan : Plan
        A plan from ``plan`` or ``assess``.
    folder : str or os.PathLike
        Where to; made if it is not there.
    pictures : bool, default True
        Draw ``preview.png``, ``preview.html`` and the report too (seconds).
    overwrite : bool, default False
        Replace a plan that the folder holds.
    language : str, optional
        Language of pictures, page and report: ``"en"`` or ``"de"``. Default: that of ``CORECORE_LANGUAGE``, else
        English.

    Returns
    -------
    pathlib.Path
        The folder's ``plan.json``.

    Raises
    ------
    OutputError
        Where the folder holds a plan already, is a file, cannot be written, or another run is writing there.
    """
    return plan.save(folder, pictures=pictures, overwrite=overwrite, language=language)


def open_plan(plan_file: PathLike, *, image: bool = False) -> Plan:
    """Open a saved plan: its hip is built again from the masks that it names.

    Parameters
    ----------
    plan_file : str or os.PathLike
        A ``plan.json``.
    image : bool, default False
        Read the image too, where the plan has one.

    Returns
    -------
    Plan
        Tunnels and figures, world RAS mm, and the file's ``document``.

    Raises
    ------
    InputError
        For a file that is no plan or was edited, and for masks that are not there or have changed.
    """
    return Plan._of(open_file(Path(plan_file), image=image))


def verify(plan_file: PathLike, *, key: PathLike | None = None, own_copies: bool = False) -> Verification:
    """Recalculate the figures of a saved plan independently, by code that shares no geometry with the planner.

    Parameters
    ----------
    plan_file : str or os.PathLike
        A ``plan.json``; the masks that it names lie where it says.
    key : str or os.PathLike, optional
        File with the key that the plan must be signed by.
    own_copies : bool, default False
        Accept the masks in the plan's folder, whatever became of the originals. Those of a plan that was made from
        arrays are the copies, always.

    Returns
    -------
    Verification
        ``agrees``; ``checks``, each with both figures and the tolerance; ``messages`` on inputs that have changed.

    Raises
    ------
    InputError
        For a file that is no plan, or one of another version, and for inputs in memory of which no copy was saved.

    References
    ----------
    What is computed how, and to what tolerance: ``docs/design/contract.md``.
    """
    return verify_plan(Path(plan_file), key=None if key is None else read_key(Path(key)), own_copies=own_copies)


@dataclass(frozen=True)
class GuideFiles:
    """A drill guide that was written.

    Parameters
    ----------
    files : tuple of pathlib.Path
        The guide as STL and 3MF, and its text.
    figures : GuideFigures
        What was measured back from its mesh: mm, degrees, ml.
    """

    files: tuple[Path, ...]
    figures: GuideFigures


def guide(
    plan_file: PathLike,
    out: PathLike,
    *,
    accept_violations: str | None = None,
    tunnels: list[int] | None = None,
    overwrite: bool = False,
    **sizes: float | str,
) -> GuideFiles:
    """Make a patient-specific drill guide of a saved plan, measured back from its mesh. Not validated clinically.

    Parameters
    ----------
    plan_file : str or os.PathLike
        A ``plan.json``.
    out : str or os.PathLike
        The guide's STL; a 3MF and a text are written beside it.
    accept_violations : str, optional
        Why a path that exceeds limits may leave; printed on what is made.
    tunnels : list of int, optional
        Tunnels that get a sleeve, 1 and up. Default: all.
    overwrite : bool, default False
        Replace a guide that is there.
    **sizes
        Sizes of the guide, mm, as ``pin_mm``: ``docs/guide.md``.

    Returns
    -------
    GuideFiles
        The files, and the guide's figures.

    Raises
    ------
    InputError
        For a plan that no guide can be made of, an unknown size, a tunnel that the plan has not.
    OutputError
        For what is there already.
    """
    from corecore.exports.guide.write import guide_plan

    made, _, files = guide_plan(
        Path(plan_file), Path(out), accept_violations=accept_violations, tunnels=tunnels, sizes=sizes,
        overwrite=overwrite,
    )  # fmt: skip
    return GuideFiles(tuple(files), made.figures())


def export(
    plan_file: PathLike,
    to: Literal["slicer", "dicom", "stl", "3mf", "nifti", "csv"],
    out: PathLike,
    *,
    accept_violations: str | None = None,
    series: PathLike | None = None,
    identity: Literal["keep", "none"] | None = None,
    guide: PathLike | None = None,
    overwrite: bool = False,
) -> list[Path]:
    """Write a saved plan in another program's format; the files appear whole or not at all.

    Parameters
    ----------
    plan_file : str or os.PathLike
        A ``plan.json``.
    to : {"slicer", "dicom", "stl", "3mf", "nifti", "csv"}
        The format.
    out : str or os.PathLike
        The file; for slicer, dicom and stl a folder.
    accept_violations : str, optional
        Why a path that exceeds limits may leave; printed on what is made.
    series : str or os.PathLike, optional
        dicom: folder of the CT or MR series the plan lies in, or ``FOLDER:NUMBER``.
    identity : {"keep", "none"}, optional
        dicom: patient and study of the series, or none.
    guide : str or os.PathLike, optional
        dicom: a drill guide's STL to be packed along.
    overwrite : bool, default False
        Replace what is there.

    Returns
    -------
    list of pathlib.Path
        The files.

    Raises
    ------
    InputError
        For an unknown format, options that belong to another, a plan that was edited or exceeds limits.
    OutputError
        For what is there already.
    """
    from corecore.exports.formats import export_plan

    return export_plan(
        Path(plan_file), to, Path(out), accept_violations=accept_violations,
        series=None if series is None else Path(series), identity=identity,
        guide=None if guide is None else Path(guide), overwrite=overwrite,
    )  # fmt: skip


def make_plan(hip: Hip, name: str = "core-10", **options: Any) -> Plan:
    """``plan``; the name of an earlier version."""
    return plan(hip, name, **options)


def draw(plan: Plan) -> Picture:
    """``plan.picture()``; the name of an earlier version."""
    return plan.picture()
