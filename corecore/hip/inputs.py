"""The files of one hip by the part they play; reading them is ``corecore.hip.case``."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast, get_args

from corecore.base.errors import InputError

if TYPE_CHECKING:
    from corecore.hip.anatomy.model import Landmarks
    from corecore.io.references import MaskReference
    from corecore.io.volume import Volume

AskedSide = Literal["auto", "left", "right"]


def parse_side(text: str) -> AskedSide:
    """``auto``, ``left`` or ``right``. Raises ``InputError`` for another word."""
    if text not in get_args(AskedSide):
        raise InputError(f"--side {text!r}; auto, left or right is accepted", code="option-value")
    return cast(AskedSide, text)


#: Longest name of a surgeon, characters (DICOM's person name holds 64).
SURGEON_MAX = 64


@dataclass(frozen=True)
class Theatre:
    """Who operates, and when. What is not given the report has a line to fill in for.

    Attributes
    ----------
    surgeon : str, optional
        The surgeon's name, one line of at most 64 printable characters. Default: not given.
    operation_date : datetime.date, optional
        The day of the operation. Default: not given.

    Raises
    ------
    InputError
        For a name that is no such line.
    """

    surgeon: str = ""
    operation_date: date | None = None

    def __post_init__(self) -> None:
        if len(self.surgeon) > SURGEON_MAX or not self.surgeon.isprintable():
            raise InputError(
                f"surgeon: a name of {SURGEON_MAX} printable characters at most is accepted", code="option-value"
            )


@dataclass(frozen=True)
class HipInputs:
    """What is read of one hip: masks as ``FILE``, ``FILE:LABEL`` or in memory, and what comes along with them.

    ``landmarks`` replace the fitted ones. A lesion drawn on another scan is carried over by
    ``lesion_transform``, or by registration of ``lesion_image``, its own, to ``image``, the femur's.
    ``anteversion_deg`` states where lateral is, as a landmark would; ``knee``, a mask of slices through the condyles,
    shows it.
    """

    femur: MaskReference | str
    lesion: MaskReference | str
    side: str = "auto"
    case_id: str | None = None
    landmarks: Landmarks | Path | None = None
    image: Path | str | Volume | None = None
    pelvis: MaskReference | str | None = None
    avoid: MaskReference | str | None = None
    lesion_transform: Path | None = None
    lesion_image: Path | Volume | None = None
    #: ``itk``, ``matrix`` or ``flirt``, and whether the transform is to be inverted; ``None`` where it is not stated.
    transform_kind: str | None = None
    transform_inverted: bool | None = None
    #: Whether slices of a tilted gantry are resampled upright.
    straighten: bool = False
    #: Anteversion that is stated, degrees.
    anteversion_deg: float | None = None
    knee: MaskReference | str | None = None
    theatre: Theatre = field(default_factory=Theatre)

    @property
    def from_another_scan(self) -> bool:
        """Whether the lesion is carried over from another scan."""
        return self.lesion_transform is not None or self.lesion_image is not None
