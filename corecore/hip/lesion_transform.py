"""A lesion drawn on another scan, carried into the femur's world by a transform given or found."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy import ndimage

from corecore.base.errors import InputError
from corecore.base.grid import FloatArray, Image, Mask, inverse, transform
from corecore.hip.anatomy.model import PlanWarning
from corecore.hip.registration import register
from corecore.io.bounded import shown
from corecore.io.detect import kind_of
from corecore.io.transform import Kind, RigidTransform, read_transform

#: A transform that leaves less of the lesion than this in the femur, and whose inverse would put more than
#: the second share there, was written the other way round (engineering choices).
LOST_SHARE, FOUND_SHARE = 0.5, 0.9
#: A lesion fits the femur when no more of it than this share lies outside, nor farther than this, mm: what the
#: contract lets pass (§1).
OUTSIDE_SHARE, OUTSIDE_MM = 0.05, 3.0
#: A matrix and its inverse that place the lesion nearer than this are one, mm (as forms are, contract §7).
SAME_PLACE_MM = 0.1
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
    kind_assumed : bool, default False
        Whether it was read from sixteen numbers of no stated kind.
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
    #: Whether it was read from sixteen numbers of no stated kind.
    kind_assumed: bool = False

    @property
    def lesion_shift_mm(self) -> float | None:
        """Root mean square shift of the lesion that the execution-error simulation counts, mm; ``None``: unknown.

        The residual, and 0.5 mm at least, which is the largest error on forty phantoms (engineering choice).
        """
        return None if self.residual_mm is None else max(self.residual_mm, PHANTOM_ERROR_MM)

    @property
    def warning(self) -> PlanWarning:
        """What a reader of the plan must know of it."""
        text = f"the lesion was moved {self.moved_mm:.1f} mm and turned {self.turned_deg:.1f}° {METHODS[self.method]}"
        if self.residual_mm is None:
            return PlanWarning(
                "lesion_moved",
                text + "; the accuracy of this registration is unknown and not part of the risk",
            )
        return PlanWarning(
            "lesion_moved",
            f"{text}; repeated on halves of the image samples it differs by up to {self.residual_mm:.2f} mm, without"
            f" errors common to both: on phantoms its centre was up to {PHANTOM_ERROR_MM:g} mm off, on"
            f" patients this was not measured; the risk includes {self.lesion_shift_mm:.2f} mm (root mean"
            " square); overlay the two images",
        )


def in_doubt(move: Move) -> tuple[PlanWarning, ...]:
    """What must be told of a transform whose kind nobody stated."""
    if not move.kind_assumed:
        return ()
    return (
        PlanWarning(
            "transform_in_doubt",
            "the lesion's transform is sixteen numbers of no stated kind, read as a matrix in RAS mm from the lesion's"
            " world to the femur's; one of FLIRT's would lie millimetres off: state it with --transform-kind",
        ),
    )


@dataclass(frozen=True)
class GivenTransform:
    """A file of a transform, its kind where that is stated, and whether it is to be inverted (``None``: not stated)."""

    path: Path
    kind: Kind | None = None
    inverted: bool | None = None


def into_femur(
    lesion: Mask,
    femur: Mask,
    *,
    given: GivenTransform | None = None,
    lesion_image: tuple[Path, Image] | None = None,
    image: tuple[Path, Image] | None = None,
) -> tuple[Mask, Move]:
    """The lesion in the femur's world, by the transform that is ``given`` or by registration of its image.

    ``lesion_image`` is that image and the file it was read from, ``image`` the femur's.

    Raises ``InputError`` for an unusable file, a registration that failed, where ``image`` is
    missing, for a transform that leads the other way, and for a matrix that might.
    """
    assumed = False
    if given is not None:
        if lesion_image is not None and given.kind != "flirt":
            raise InputError("--lesion-transform and --register; one of them is accepted", code="options-conflict")
        found = _read(given, lesion_image, image)
        matrix, residual, information, method, assumed = found.world_from_lesion, None, None, "given", found.assumed
        _check_direction(given, found, lesion, femur)
        files: tuple[tuple[str, Path], ...] = (("lesion_transform", given.path),)
        if found.kind == "flirt" and lesion_image is not None:
            files = (*files, ("lesion_image", lesion_image[0]))
    else:
        if image is None or lesion_image is None:
            raise InputError(
                "--register needs both images: the femur's as --image, the lesion's as --lesion-image",
                code="option-missing",
            )
        fitted = register(image[1], femur, lesion_image[1], lesion)
        matrix, residual, information = fitted.world_from_lesion, fitted.residual_mm, fitted.information
        method = "registered"
        files = (("lesion_image", lesion_image[0]),)
    middle = lesion.positions_mm().mean(axis=0)
    cosine = np.clip(0.5 * (np.trace(matrix[:3, :3]) - 1.0), -1.0, 1.0)
    move = Move(
        method, matrix, float(np.linalg.norm(transform(matrix, middle) - middle)),
        float(np.degrees(np.arccos(cosine))), residual, information, files, assumed,
    )  # fmt: skip
    return Mask(lesion.grid.moved(matrix), lesion.voxels), move


def _read(
    given: GivenTransform, lesion_image: tuple[Path, Image] | None, image: tuple[Path, Image] | None
) -> RigidTransform:
    """The transform as it is to be used; FLIRT's with the NIfTI images whose voxels it counts in."""
    grids = None
    if given.kind == "flirt" and image is not None and lesion_image is not None:
        for path, _ in (image, lesion_image):
            if kind_of(path) != "nifti":
                raise InputError(
                    f"{shown(path)}: FLIRT counts voxels of NIfTI files, whose order another format may not keep;"
                    " the NIfTI image that FLIRT was given is accepted",
                    code="file-kind",
                )
        grids = (image[1].grid, lesion_image[1].grid)
    found = read_transform(given.path, given.kind, grids)
    return replace(found, world_from_lesion=inverse(found.world_from_lesion)) if given.inverted else found


def _check_direction(given: GivenTransform, found: RigidTransform, lesion: Mask, femur: Mask) -> None:
    """Raise ``InputError`` for a transform that leads the other way, and for numbers that might and are not settled."""
    matrix, points = found.world_from_lesion, lesion.positions_mm()
    forward, backward = transform(matrix, points), transform(inverse(matrix), points)
    near = _beside(femur, np.concatenate([forward, backward]))
    outside = [_outside_mm(near, places) for places in (forward, backward)]
    inside = [float(np.mean(away == 0.0)) for away in outside]
    if inside[0] < LOST_SHARE and inside[1] > FOUND_SHARE:
        raise InputError(
            f"{shown(given.path)}: puts {100 * inside[0]:.0f} % of the lesion into the femur, its inverse"
            f" {100 * inside[1]:.0f} %; an ITK transform from the femur's image to the lesion's, a 4 x 4 matrix from"
            " the lesion's world to the femur's, or --inverse, is accepted",
            code="transform-direction",
        )
    apart = float(np.max(np.linalg.norm(forward - backward, axis=1)))
    # What an ITK file means is settled by its format.
    if found.kind == "itk" or given.inverted is not None or apart <= SAME_PLACE_MM:
        return
    # Two outlines within half a voxel count as one (corecore.hip.hip); a centre lies another half inside its voxel.
    slack = max(float(femur.grid.spacing_mm.max()), float(lesion.grid.spacing_mm.max()))
    if all(np.mean(away > slack) <= OUTSIDE_SHARE and away.max() <= OUTSIDE_MM + slack for away in outside):
        raise InputError(
            f"{shown(given.path)}: its inverse fits as well: both put the lesion into the femur, up to {apart:.1f} mm"
            " apart; --no-inverse, where it leads from the lesion's world to the femur's, or --inverse is accepted",
            code="transform-in-doubt",
        )


def _beside(femur: Mask, points_mm: FloatArray) -> Mask:
    """The part of a femur about some places, its enclosed holes filled: a lesion fills the hole left for it."""
    filled = Mask(femur.grid, ndimage.binary_fill_holes(femur.voxels))
    index = transform(femur.grid.index_from_world, points_mm)
    room = np.ceil(4.0 * OUTSIDE_MM / femur.grid.spacing_mm)
    low = np.clip(np.floor(index.min(axis=0) - room), 0, np.array(femur.grid.shape) - 1).astype(np.int64)
    high = np.clip(np.ceil(index.max(axis=0) + room) + 1, low + 1, femur.grid.shape).astype(np.int64)
    return filled.cropped(low, high)


def _outside_mm(femur: Mask, points_mm: FloatArray) -> FloatArray:
    """How far places (N, 3) lie outside a femur, mm, to its voxels' centres; nought inside."""
    if not femur.voxels.any():
        return np.full(len(points_mm), np.inf)
    away = ndimage.distance_transform_edt(~femur.voxels, sampling=femur.grid.spacing_mm)
    index = np.rint(transform(femur.grid.index_from_world, points_mm))
    clipped = np.clip(index, 0, np.array(femur.grid.shape) - 1)
    beyond = np.linalg.norm((index - clipped) * femur.grid.spacing_mm, axis=1)
    return np.asarray(away[tuple(clipped.astype(np.int64).T)] + beyond, dtype=np.float64)
