"""A lesion drawn on another scan, carried into the femur's world by a transform given or found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from corecore.base.errors import InputError
from corecore.base.grid import FloatArray, Image, Mask, inverse, transform
from corecore.hip.anatomy.model import PlanWarning
from corecore.hip.registration import register
from corecore.io.bounded import shown
from corecore.io.transform import read_rigid

#: A transform that leaves less of the lesion than this in the femur, and whose inverse would put more than
#: the second share there, was written the other way round (engineering choices).
LOST_SHARE, FOUND_SHARE = 0.5, 0.9
#: The most that registration missed the lesion's middle by on forty phantoms, mm (docs/validation.md). The risk
#: counts no less: residuals there were up to eight times too small (engineering choice).
PHANTOM_ERROR_MM = 0.5
METHODS = {"given": "by the transform given", "registered": "by registration of the two images"}


@dataclass(frozen=True, eq=False)
class Move:
    """How a lesion drawn on another scan came into the femur's world.

    Parameters
    ----------
    method : {"given", "registered"}
        By a transform that was given, or by registration of the two images.
    world_from_lesion : ndarray, shape (4, 4)
        From the lesion's world to the femur's, both RAS mm; rigid.
    moved_mm : float
        How far the lesion's middle moved, mm.
    turned_deg : float
        Angle of the rotation, degrees.
    residual_mm : float or None
        Of a registration: how far apart its two halves place the lesion, mm; ``None`` for a given transform.
    information : float or None
        Of a registration: mutual information of the images over that of chance.
    files : tuple of (str, pathlib.Path)
        Files read for it, by role.
    """

    method: str
    world_from_lesion: FloatArray
    moved_mm: float
    turned_deg: float
    #: Of a registration: how far its halves place the lesion apart, mm; ``None`` where the transform was given.
    residual_mm: float | None
    #: Of a registration: what the images share, over chance.
    information: float | None
    files: tuple[tuple[str, Path], ...]

    @property
    def lesion_shift_mm(self) -> float | None:
        """Root mean square shift of the lesion that the execution-error simulation counts, mm; ``None``: unknown.

        The residual, and 0.5 mm at least, which is the largest error on forty phantoms (engineering choice).
        """
        return None if self.residual_mm is None else max(self.residual_mm, PHANTOM_ERROR_MM)

    def as_dict(self) -> dict[str, Any]:
        """For ``plan.json``."""
        return {
            "method": self.method,
            "world_from_lesion": self.world_from_lesion.tolist(),
            "moved_mm": self.moved_mm,
            "turned_deg": self.turned_deg,
            "residual_mm": self.residual_mm,
            "information": self.information,
        }

    @property
    def warning(self) -> PlanWarning:
        """What a reader of the plan must know of it."""
        text = f"the lesion was moved {self.moved_mm:.1f} mm and turned {self.turned_deg:.1f}° {METHODS[self.method]}"
        if self.residual_mm is None:
            return PlanWarning(
                "lesion_moved",
                text + "; how well that fits was not judged, and the risk of drilling leaves it out",
            )
        return PlanWarning(
            "lesion_moved",
            f"{text}; repeated on halves of the image samples it lies up to {self.residual_mm:.2f} mm elsewhere, which"
            f" does not count what misleads both: on phantoms its middle was up to {PHANTOM_ERROR_MM:g} mm off, on"
            f" patients nobody has measured it; the risk of drilling counts {self.lesion_shift_mm:.2f} mm (root mean"
            " square); look at the two images one on the other",
        )


def move_told(told: Mapping[str, Any]) -> Move:
    """The move that a plan tells of, without its files. Raises ``InputError`` for what is none."""
    try:
        matrix = np.array(told["world_from_lesion"], dtype=np.float64).reshape(4, 4)
        figures = [None if told[key] is None else float(told[key]) for key in ("residual_mm", "information")]
        moved, turned = float(told["moved_mm"]), float(told["turned_deg"])
        known = np.array([*matrix.ravel(), moved, turned, *(figure for figure in figures if figure is not None)])
        if told["method"] in METHODS and np.all(np.isfinite(known)):
            return Move(str(told["method"]), matrix, moved, turned, figures[0], figures[1], ())
    except (KeyError, TypeError, ValueError):
        pass
    raise InputError(
        "case.lesion_transform is none that a plan of this version writes; an unedited plan is accepted",
        code="plan-malformed",
    )


def into_femur(
    lesion: Mask,
    femur: Mask,
    *,
    given: Path | None = None,
    lesion_image: tuple[Path, Image] | None = None,
    image: Image | None = None,
) -> tuple[Mask, Move]:
    """The lesion in the femur's world, by the transform in the file ``given`` or by registration of its image.

    ``lesion_image`` is that image and the file it was read from, ``image`` the femur's.

    Raises ``InputError`` for an unusable file, a registration that failed, where ``image`` is
    missing, and for a transform that leads the other way.
    """
    if given is not None:
        if lesion_image is not None:
            raise InputError("--lesion-transform and --register; one of them is accepted", code="options-conflict")
        matrix, residual, information, method = read_rigid(given), None, None, "given"
        _check_direction(given, matrix, lesion, femur)
        files: tuple[tuple[str, Path], ...] = (("lesion_transform", given),)
    else:
        if image is None or lesion_image is None:
            raise InputError(
                "--register needs both images: the femur's as --image, the lesion's as --lesion-image",
                code="option-missing",
            )
        found = register(image, femur, lesion_image[1], lesion)
        matrix, residual, information = found.world_from_lesion, found.residual_mm, found.information
        method = "registered"
        files = (("lesion_image", lesion_image[0]),)
    middle = lesion.positions_mm().mean(axis=0)
    cosine = np.clip(0.5 * (np.trace(matrix[:3, :3]) - 1.0), -1.0, 1.0)
    move = Move(
        method, matrix, float(np.linalg.norm(transform(matrix, middle) - middle)),
        float(np.degrees(np.arccos(cosine))), residual, information, files,
    )  # fmt: skip
    return Mask(lesion.grid.moved(matrix), lesion.voxels), move


def _check_direction(path: Path, matrix: FloatArray, lesion: Mask, femur: Mask) -> None:
    points = lesion.positions_mm()
    inside = float(np.mean(femur.contains(transform(matrix, points))))
    if inside >= LOST_SHARE:
        return
    backward = float(np.mean(femur.contains(transform(inverse(matrix), points))))
    if backward > FOUND_SHARE:
        raise InputError(
            f"{shown(path)}: puts {100 * inside:.0f} % of the lesion into the femur, its inverse"
            f" {100 * backward:.0f} %;"
            " an ITK transform from the femur's image to the lesion's, or a 4 x 4 matrix from the lesion's world to"
            " the femur's, is accepted",
            code="transform-direction",
        )
