"""The main job for other programs and notebooks: load, measure, plan or judge, save, check.

``import corecore as cc`` offers these names; what they return shows itself in a notebook.
Each raises ``corecore.CorecoreError`` with one line that says what was found and what is accepted.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from corecore.base.spec import Spec, preset
from corecore.exports.plan_folder import check_target, meshes, write_plan
from corecore.exports.workflow import open_hip, plan_of
from corecore.hip.hip import Hip
from corecore.hip.inputs import HipInputs
from corecore.io.files import claimed
from corecore.measures.model import Measures
from corecore.measures.model import measure as measure_hip
from corecore.planning.document import document
from corecore.planning.planner import Plan
from corecore.planning.request import Search
from corecore.report.pictures.preview import draw_preview
from corecore.report.scene import Scene
from corecore.verification.recalculation import verify_plan
from corecore.verification.report import Verification

PathLike = str | os.PathLike[str]


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


# Twelve parameters: each is a file or a fact that a caller has or has not, and no two travel together.
def load(
    femur: PathLike,
    lesion: PathLike,
    *,
    side: Literal["auto", "left", "right"] = "auto",
    image: PathLike | None = None,
    pelvis: PathLike | None = None,
    avoid: PathLike | None = None,
    landmarks: PathLike | None = None,
    anteversion_deg: float | None = None,
    knee: PathLike | None = None,
    case_id: str | None = None,
    straighten: bool = False,
    lesion_transform: PathLike | LesionTransform | None = None,
) -> Hip:
    """Read the masks of one hip, build its bone surface and fit its anatomy.

    Parameters
    ----------
    femur, lesion : str or os.PathLike
        Masks of the femur and of the necrosis: NIfTI, NRRD, MetaImage or DICOM. ``"map.nii.gz:1"`` takes one
        label, by number or name, of a label map; ``"soft.nii.gz:>0.5"`` the voxels of a grey mask above half of its
        largest value, ``"soft.nii.gz:>=128"`` those of 128 and more.
    side : {"auto", "left", "right"}, default "auto"
        Side of the hip. Default: told from where the neck points; a side that contradicts the bone's shape is refused.
    image : str or os.PathLike, optional
        CT or MR on which the masks were drawn: a file, or a DICOM folder; ``"FOLDER:3"`` takes the series of that
        number, ``"FOLDER:UID"`` the one of that SeriesInstanceUID.
    pelvis : str or os.PathLike, optional
        Mask of the pelvis, for the types of place (JIC, ARCO).
    avoid : str or os.PathLike, optional
        Mask of what every tunnel keeps out of.
    landmarks : str or os.PathLike, optional
        Landmarks that replace the fitted ones: a Slicer ``.mrk.json``, or JSON; mm.
    anteversion_deg : float, optional
        Anteversion of the neck, degrees, where no condyles are in view. Default: 14, and a range with the figures.
    knee : str or os.PathLike, optional
        Mask of the distal femur, a block of slices through the condyles in the frame of reference of ``femur``: the
        posterior condylar line is taken from it.
    case_id : str, optional
        Name of the case. Default: a hash of the masks' voxels, so that no file name enters a plan.
    straighten : bool, default False
        Resample an image taken with a tilted gantry upright; without it, such a series is refused.
    lesion_transform : str, os.PathLike or LesionTransform, optional
        For a lesion drawn on another scan: its transform into the femur's world, world RAS mm. A file's name alone
        stands for ``LesionTransform(file)``.

    Returns
    -------
    Hip
        Bone, lesion and anatomy in the local frame, mm; ``world_from_local`` (4, 4) leads to world RAS mm.

    Raises
    ------
    InputError
        For a file that cannot be read, an empty mask, a lesion outside the femur, a side that contradicts the bone, a
        transform whose kind or direction is in doubt, a knee without condyles of this femur.
    AnatomyError
        Where no femoral head is found.

    Examples
    --------
    >>> import corecore as cc
    >>> from corecore.study.samples import sample
    >>> cc.load(f"{sample()}:1", f"{sample()}:2", case_id="sample")
    <Hip sample: right, necrosis 8.71 ml>
    """

    def text(path: PathLike | None) -> str | None:
        return None if path is None else os.fspath(path)

    given = lesion_transform
    if given is not None and not isinstance(given, LesionTransform):
        given = LesionTransform(given)
    moved = LesionTransform("") if given is None else given
    return open_hip(
        HipInputs(
            os.fspath(femur), os.fspath(lesion), side, case_id, None if landmarks is None else Path(landmarks),
            image=text(image), pelvis=text(pelvis), avoid=text(avoid), straighten=straighten,
            anteversion_deg=anteversion_deg, knee=text(knee),
            lesion_transform=None if given is None else Path(given.file),
            lesion_image=None if moved.image is None else Path(moved.image), transform_kind=moved.kind,
            transform_inverted=moved.inverse,
        )
    )  # fmt: skip


def measure(hip: Hip) -> Measures:
    """Measure how much bone is dead, and how much of it carries weight.

    Parameters
    ----------
    hip : Hip
        A hip from ``load``.

    Returns
    -------
    Measures
        Volume (ml), shares of head and loaded surface (0 to 1), Kerboul angles (degrees), necrotic index, JIC type
        and signs of a late stage; ``as_dict()`` has them by name.

    Raises
    ------
    AnatomyError, InputError
        Where the pelvis, or landmarks of it, contradict the head.

    References
    ----------
    Each measure's source stands with its function in ``corecore.measures``, and in ``docs/design/contract.md``.

    Examples
    --------
    >>> import corecore as cc
    >>> from corecore.study.samples import sample
    >>> measures = cc.measure(cc.load(f"{sample()}:1", f"{sample()}:2"))
    >>> print(f"{measures.as_dict()['volume_ml']:.2f} ml")
    8.71 ml
    """
    return measure_hip(hip, Spec())


def make_plan(
    hip: Hip,
    name: str = "core-10",
    *,
    gap: float | None = None,
    robust: str | None = None,
    alternatives: int = 0,
    **values: Any,
) -> Plan:
    """Search the best tunnels of a preset: ``make_plan(hip, "core-8", tunnels=3, pattern="fan")``.

    Parameters
    ----------
    hip : Hip
        A hip from ``load``.
    name : {"core-10", "core-8", "multi-3.2", "acd"}, default "core-10"
        The preset: drill diameter, number of tunnels and limits.
    gap : float, optional
        Share, 0 to 1: prove that no tunnel removes more of the necrosis by this much (0.01 takes minutes).
    robust : {"guide", "robot", "navigated", "freehand"}, optional
        Plan for the errors of this method of drilling; one tunnel only.
    alternatives : int, default 0
        How many other tunnels to look for, that nothing beats in all that speaks for one; one tunnel only.
    **values
        Parameters of ``corecore.Spec`` in place of the preset's: mm, degrees and shares, as their names say.

    Returns
    -------
    Plan
        Tunnels with their figures in the hip's local frame, mm; ``infeasible`` says why where there is none.

    Raises
    ------
    InputError
        For an unknown preset, parameter or method, for a value out of range, and for options that exclude each other.

    References
    ----------
    Search and proof: ``docs/design/search.md``; the source of every limit: ``docs/design/constraints.md``; models of
    the errors of drilling: ``docs/design/risk.md``.
    """
    spec = preset(name).with_values(values, origin="")
    return plan_of(hip, spec, measure_hip(hip, spec), Search(gap=gap, robust=robust, alternatives=alternatives))


def judge_path(hip: Hip, entry: Sequence[float], tip: Sequence[float], diameter_mm: float, **values: Any) -> Plan:
    """Judge a path of your own by all figures, and look for the best tunnel near it.

    Parameters
    ----------
    hip : Hip
        A hip from ``load``.
    entry, tip : sequence of float, shape (3,)
        Where the drill enters, and the deepest point of its axis; world RAS mm. The entry is moved along the line
        onto the bone's surface.
    diameter_mm : float
        Diameter of the drill, mm.
    **values
        Parameters of ``corecore.Spec``: the limits that the path is held against.

    Returns
    -------
    Plan
        Status ``"manual"``; ``given`` has the limits broken and the best tunnel within 10 mm of the path.

    Raises
    ------
    InputError
        For points that make no path through the bone, and for an unknown parameter or a value out of range.
    """
    spec = Spec().with_values({**values, "diameter_mm": diameter_mm}, origin="")
    return plan_of(hip, spec, measure_hip(hip, spec), path=(entry, tip))


def save(plan: Plan, folder: PathLike, *, pictures: bool = True, overwrite: bool = False) -> Path:
    """Write the plan's folder, whole or not at all.

    Parameters
    ----------
    plan : Plan
        A plan from ``make_plan`` or ``judge_path``.
    folder : str or os.PathLike
        Where to; made if it is not there.
    pictures : bool, default True
        Draw ``preview.png``, ``preview.html`` and the report too (seconds).
    overwrite : bool, default False
        Replace a plan that the folder holds.

    Returns
    -------
    pathlib.Path
        The folder's ``plan.json``.

    Raises
    ------
    OutputError
        Where the folder holds a plan already, is a file, cannot be written, or another run is writing there.
    """
    with claimed(Path(folder)):
        check_target(Path(folder), overwrite=overwrite)
        write_plan(plan, Path(folder), pictures=pictures)
    return Path(folder) / "plan.json"


def check(plan_file: PathLike) -> Verification:
    """Compute the figures of a saved plan again by a second road, which shares no geometry with the planner.

    Parameters
    ----------
    plan_file : str or os.PathLike
        A ``plan.json``; the masks that it names lie where it says.

    Returns
    -------
    Verification
        ``agrees``; ``checks``, each with both figures and the tolerance; ``messages`` on inputs that have changed.

    Raises
    ------
    InputError
        For a file that is no plan, or one of another version.

    References
    ----------
    What is computed how, and to what tolerance: ``docs/design/contract.md``.
    """
    return verify_plan(Path(plan_file))


@dataclass(frozen=True)
class Picture:
    """A PNG that a notebook shows by itself.

    Attributes
    ----------
    png : bytes
        The file's content: ``Path("plan.png").write_bytes(picture.png)``.
    """

    png: bytes = field(repr=False)

    def _repr_png_(self) -> bytes:
        return self.png


def draw(plan: Plan) -> Picture:
    """Draw three views of a plan: from the front, from outside, and along the first tunnel.

    Parameters
    ----------
    plan : Plan
        A plan from ``make_plan`` or ``judge_path``.

    Returns
    -------
    Picture
        A PNG; a notebook shows it by itself. Where no OpenGL is found, a plain drawing.
    """
    with tempfile.TemporaryDirectory(prefix="corecore-") as folder:
        path = Path(folder) / "preview.png"
        draw_preview(Scene.of(document(plan), *meshes(plan.hip)), path)
        return Picture(path.read_bytes())
