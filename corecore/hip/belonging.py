"""Do the inputs belong together: one world, one patient, one side? Asked once, after reading and before cleaning.

What is compared was read with each mask and image (``corecore.base.origin``). Nothing of a patient and no name of a
file enters a warning; an error names files.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from corecore.base.errors import InputError
from corecore.base.grid import FloatArray, Image, Mask, inverse, transform
from corecore.base.origin import Origin
from corecore.hip.anatomy.model import PlanWarning
from corecore.hip.anatomy.side import Side
from corecore.hip.inputs import AskedSide
from corecore.io.bounded import shown

#: Warnings on the files as they were read, which copies of their voxels no longer give rise to.
AT_READING = frozenset({
    "forms_differ", "side_name", "scan_extent_unknown", "label_names_unread", "transform_in_doubt", "straightened",
})  # fmt: skip
#: A qform that puts a corner of the bone's box further than this from the sform's place is told, mm (contract §7).
FORM_TOLERANCE_MM = 0.1


@dataclass(frozen=True, eq=False)
class Part:
    """One input: its role, its file, what was read of it, and the label's name where a name chose the label."""

    role: str
    path: Path
    read: Mask | Image
    chosen_by: str = ""

    @property
    def origin(self) -> Origin:
        """What the file says of frame, patient and names."""
        return self.read.origin


@dataclass(frozen=True)
class NamedSide:
    """A name that says left or right.

    Parameters
    ----------
    role : str
        Whose it is: ``femur``, ``lesion`` or ``knee``.
    level : {"label", "file"}
        Whether it is the label's name or the file's.
    side : {"left", "right"}
        What it says.
    chose : bool
        Whether it chose the label.
    name : str
        The name itself, for an error alone.
    """

    role: str
    level: Literal["label", "file"]
    side: Side
    chose: bool
    name: str

    def __str__(self) -> str:
        return f"the name of the {self.role}'s {self.level}"


def check_together(parts: Sequence[Part], bone: Mask, *, moved: Collection[str] = ()) -> tuple[PlanWarning, ...]:
    """What must be told of inputs that do not quite agree; those of the roles ``moved`` lie in a world of their own.

    Raises ``InputError`` for two patients, for two frames of reference in one world, and for a NIfTI
    file that places itself on either side of a mirror.
    """
    for one, other in itertools.combinations(parts, 2):
        if one.origin.patient.differs(other.origin.patient):
            raise InputError(
                f"{shown(one.path)} and {shown(other.path)} are of two patients, as their headers say; files of one"
                " patient are accepted",
                code="patients-differ",
            )
    for one, other in itertools.combinations(parts, 2):
        frames = {one.origin.frame, other.origin.frame} - {""}
        if len(frames) == 2 and (one.role in moved) == (other.role in moved):
            raise InputError(
                f"{shown(one.path)} ({one.role}) and {shown(other.path)} ({other.role}) have different frames of"
                " reference, and no transform between them is given; files of one FrameOfReferenceUID, or a"
                " lesion with --lesion-transform or --register, are accepted",
                code="frames-differ",
            )
    return (*_forms(parts, bone, moved), *_unread(parts))


def _forms(parts: Sequence[Part], bone: Mask, moved: Collection[str]) -> Iterator[PlanWarning]:
    gaps: dict[Path, tuple[str, float]] = {}
    for part in parts:
        qform, sform = part.origin.qform_world_from_index, part.origin.sform_world_from_index
        if qform is None or sform is None or part.path in gaps:
            continue
        if np.linalg.det(qform[:3, :3]) * np.linalg.det(sform[:3, :3]) < 0.0:
            raise InputError(
                f"{shown(part.path)}: its qform and its sform lie on opposite sides of a mirror, so one says left"
                " where the other says right; a file whose two forms agree is accepted",
                code="forms-contradict",
            )
        box = part.read if part.role in moved and isinstance(part.read, Mask) else bone
        gaps[part.path] = (part.role, form_gap_mm(qform, sform, box))
    told = [f"{role} ({gap:.1f} mm)" for role, gap in gaps.values() if gap > FORM_TOLERANCE_MM]
    if told:
        yield PlanWarning(
            "forms_differ",
            f"two places for the bone, qform and sform, in the header of {' and '.join(told)}: the sform is taken;"
            " check in a viewer which of the two is right",
        )


def _unread(parts: Sequence[Part]) -> Iterator[PlanWarning]:
    """What could not be read beside the voxels, and what hangs on it."""
    if any(part.role == "femur" and not part.origin.extent_known for part in parts):
        yield PlanWarning(
            "scan_extent_unknown",
            "the femur's DICOM SEG leaves empty slices out, and its series is not beside it: how far the scan reaches"
            " is not known, so a bone that ends in the file may end there or be cut",
        )
    roles = [part.role for part in parts if not part.origin.label_names_read]
    if roles:
        yield PlanWarning(
            "label_names_unread",
            f"dataset.json beside the file of the {' and the '.join(roles)} cannot be read: its labels are known by"
            " number alone, and no name could be held against them",
        )


def form_gap_mm(qform: FloatArray, sform: FloatArray, mask: Mask) -> float:
    """How far apart two affines place the farthest corner of a mask's box, mm; nothing in the box lies farther."""
    start, stop = mask.bounds()
    ends = np.array(list(itertools.product(*zip(start - 0.5, stop - 0.5, strict=True))))
    corners = transform(mask.grid.world_from_index, ends)
    return float(np.max(np.linalg.norm(transform(qform @ inverse(sform), corners) - corners, axis=1)))


def sides_named(parts: Sequence[Part]) -> tuple[NamedSide, ...]:
    """What the names of the femur's, the lesion's and the knee's labels and files say of the side.

    Raises ``InputError`` where two labels, or two files, contradict each other.
    """
    named: list[NamedSide] = []
    for part in parts:
        if part.role not in ("femur", "lesion", "knee"):
            continue
        label = _side_in(" ".join((part.chosen_by, *part.read.origin.words)))
        if label is not None:
            name = part.chosen_by or next(word for word in part.origin.words if _side_in(word))
            named.append(NamedSide(part.role, "label", label, bool(_side_in(part.chosen_by)), name))
        file = _side_in(part.path.name)
        if file is not None:
            # A folder's label may be one of its files.
            chose = label is None and bool(_side_in(part.chosen_by))
            named.append(NamedSide(part.role, "file", file, chose, part.path.name))
    for one, other in itertools.combinations(named, 2):
        if one.level == other.level and one.side != other.side:
            raise InputError(
                f"{shown(one.name)} says {one.side} and {shown(other.name)} says {other.side}; one side is accepted",
                code="side-contradicts",
            )
    return tuple(named)


def _side_in(text: str) -> Side | None:
    """The side that a text says in a word of its own; nothing where it says both."""
    apart = re.sub(r"([a-z])([A-Z])", r"\1 \2", text)
    found = set(re.split(r"[^a-z]+", apart.lower())) & {"left", "right"}
    return None if len(found) != 1 else ("left" if "left" in found else "right")


def side_to_pick(named: Sequence[NamedSide], asked: AskedSide) -> tuple[Side | None, Side | None, str]:
    """The side to look for, the side that is stated (asked for, or in a name that chose a label), and who states it.

    Raises ``InputError`` where a name that chose a label contradicts the side asked for.
    """
    chose = next((one for one in named if one.chose), None)
    if asked != "auto":
        if chose is not None and chose.side != asked:
            raise InputError(
                f"{shown(chose.name)}: the name says {chose.side}, but --side {asked} was given",
                code="side-contradicts",
            )
        return asked, asked, "--side"
    if chose is not None:
        return chose.side, chose.side, chose.name
    ranked = sorted(named, key=lambda one: one.level == "file")
    return (ranked[0].side if ranked else None), None, ""


def check_side(named: Sequence[NamedSide], side: Side) -> tuple[PlanWarning, ...]:
    """What names say against the side of the hip. Raises ``InputError`` where such a name chose the label."""
    against = [one for one in named if one.side != side]
    for one in against:
        if one.chose:
            raise InputError(
                f"{shown(one.name)} says {one.side}, but the femur is a {side} one; check left and right in the file",
                code="side-contradicts",
            )
    if not against:
        return ()
    return (
        PlanWarning(
            "side_name",
            f"{' and '.join(str(one) for one in against)} say{'s' if len(against) == 1 else ''} {against[0].side},"
            f" the bone is that of a {side} hip: check left and right in the images",
        ),
    )
