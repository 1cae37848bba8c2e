"""A case: the femur and the lesion of one hip, cleaned, in one world."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from corecore.base.errors import InputError
from corecore.base.grid import BoolArray, FloatArray, Image, Mask, transform
from corecore.hip.anatomy.landmarks import read_landmarks, with_anteversion
from corecore.hip.anatomy.model import Landmarks, PlanWarning
from corecore.hip.anatomy.side import Side
from corecore.hip.belonging import NamedSide, Part, check_together, side_to_pick, sides_named
from corecore.hip.inputs import AskedSide, HipInputs, Theatre, parse_side
from corecore.hip.lesion_transform import GivenTransform, Move, in_doubt, into_femur
from corecore.hip.missing_slices import check_slices
from corecore.io.files import sha256_of
from corecore.io.fingerprint import volume_sha256
from corecore.io.references import MaskReference, image_place, read_image
from corecore.io.segmentation import SPECK_ML, Segmentation
from corecore.io.transform import parse_kind
from corecore.io.volume import Given, Volume

#: Holes in a label map's bone smaller than this are filled, ml (contract §1).
PINHOLE_ML = 1.0
#: A bone component smaller than this is no proximal femur, ml. A child's head and neck
#: measure more; real proximal femora 100 to 400 (engineering choice).
FEMUR_MIN_ML = 20.0
#: A piece as large belongs to a femur, left to right no further than this beyond it, mm; the other femur's middle lies
#: 80 mm and more beyond it (heads some 170 mm apart; engineering choice).
IN_LINE_MM = 20.0
#: A lesion further than this from every femur belongs to none, mm (contract §1).
LESION_REACH_MM = 3.0
#: A part of the lesion larger than this away from the bone or the head is an error, ml (contract §1).
STRAY_LESION_ML = 0.2
#: So is lesion outside the bone beyond this share of it (contract §1).
OUTSIDE_SHARE_MAX = 0.05
#: What a femur mask drafted from a CT says of itself in its header; saved anew by an editor it says so no more.
DRAFT_NOTE = "corecore draft of a femur from CT: not checked"
#: What lies in a world of its own where the lesion was drawn on another scan.
MOVED = ("lesion", "lesion_image")
#: Roles that messages call by another name.
CALLED = {"avoid": "region to avoid"}
#: Masks that may come along.
OTHERS = ("pelvis", "avoid", "knee")
#: Background kept around the bone when cropping, mm: the distance field needs a few voxels.
CROP_PAD_MM = 8.0


@dataclass(frozen=True)
class Source:
    """A file that was read, or a volume that was given in memory.

    Parameters
    ----------
    role : str
        What it is: ``femur``, ``lesion``, ``image``, ``pelvis``, ``avoid``, ``knee``, ``landmarks``.
    path : pathlib.Path or None
        Where it lies; ``None``: in memory.
    sha256 : str
        Fingerprint of its content, hexadecimal; in memory that of voxels and affine.
    label : int, str or None
        Label that was taken of a label map.
    original_sha256 : str, optional
        Of a copy in a plan's folder: fingerprint of the file or volume it was made from.
    given : {"array", "nibabel", "SimpleITK"}, optional
        What it, or the original of a copy, was given as in memory; ``None``: a file.
    """

    role: str
    path: Path | None
    sha256: str
    label: int | str | None
    #: Of a copy in a plan's folder: the fingerprint of what it was made from.
    original_sha256: str | None = None
    given: Given | None = None

    @classmethod
    def of_mask(cls, role: str, mask: MaskReference) -> Source:
        """A mask as it was read."""
        if mask.volume is None:
            return cls(role, mask.path, mask.sha256(), mask.label)
        return cls(role, None, mask.sha256(), mask.label, given=mask.volume.given)


@dataclass(frozen=True, eq=False)
class Case:
    """Cleaned masks of one hip, in world RAS mm.

    Masks are cropped and in an array order near R, A, S; they may lie on different grids.

    Parameters
    ----------
    id : str
        Name of the case, or a hash of its voxels.
    femur : Mask
        Bone, world RAS mm; of a label map with the lesion in it.
    lesion : Mask
        Necrosis, world RAS mm.
    open_faces : ndarray of bool, shape (3, 2)
        Which faces of the femur's array are the edge of the field of view.
    label_map : bool
        Whether both masks came from one label map, so that the bone is their union.
    side : {"left", "right"}, optional
        Side as the user states it, or the name of a label that was chosen by name; ``None`` where neither does.
    side_origin : str
        Who says it.
    landmarks : Landmarks
        Landmarks given by the user, world RAS mm.
    sources : tuple of Source
        Files that were read.
    warnings : tuple of PlanWarning
        What a reader must know.
    original_femur, original_lesion : Mask, optional
        The masks as they were given, before cleaning and cropping.
    pelvis : Mask, optional
        The pelvis on its own grid, world RAS mm.
    image : Image, optional
        CT or MR on its own grid, world RAS mm.
    avoid : Mask, optional
        Region to keep out of, on its own grid, world RAS mm.
    knee : Mask, optional
        Slices through the condyles, on their own grid, world RAS mm.
    move : Move, optional
        How the lesion came into the femur's world, where it was drawn on another scan.
    drafted : bool, default False
        Whether the femur's mask still says that it is an unchecked draft.
    named : tuple of NamedSide
        What names of labels and files say of the side; in memory only.
    theatre : Theatre
        Who operates, and when, as far as it is given.
    """

    id: str
    femur: Mask
    lesion: Mask
    open_faces: BoolArray
    label_map: bool
    side: Side | None
    side_origin: str
    landmarks: Landmarks
    sources: tuple[Source, ...]
    warnings: tuple[PlanWarning, ...]
    #: The masks as they were given, before cleaning and cropping.
    original_femur: Mask | None = None
    original_lesion: Mask | None = None
    #: What else was given of this hip, on its own grid in world RAS mm.
    pelvis: Mask | None = None
    image: Image | None = None
    avoid: Mask | None = None
    knee: Mask | None = None
    #: How the lesion came into the femur's world, where it was drawn on another scan.
    move: Move | None = None
    #: Whether the femur's mask still says that it is an unchecked draft.
    drafted: bool = False
    #: What names say of the side; held against the bone's own.
    named: tuple[NamedSide, ...] = ()
    #: Who operates, and when.
    theatre: Theatre = field(default_factory=Theatre)


def load_case(
    femur: MaskReference | str,
    lesion: MaskReference | str,
    *,
    side: AskedSide = "auto",
    landmarks: Landmarks | None = None,
    case_id: str | None = None,
    pelvis: MaskReference | str | None = None,
    image: Path | str | None = None,
    avoid: MaskReference | str | None = None,
) -> Case:
    """``read_case`` for a lesion that lies in the femur's world."""
    return read_case(HipInputs(femur, lesion, side, case_id, landmarks, image, pelvis, avoid))


def read_case(inputs: HipInputs) -> Case:
    """Read, check and clean one hip's masks; masks of the pelvis, the knee and what to avoid, and an image, come along.

    Raises ``InputError`` for unreadable files, empty masks, a lesion outside the femur, or
    lesions in both hips without a ``side``.
    """
    side, image, lesion_image, landmarks = parse_side(inputs.side), inputs.image, inputs.lesion_image, inputs.landmarks
    kind = parse_kind(inputs.transform_kind)
    marked = landmarks if isinstance(landmarks, Path) else None
    if isinstance(landmarks, Path):
        landmarks = read_landmarks(landmarks)
    if inputs.anteversion_deg is not None:
        landmarks = with_anteversion(landmarks or Landmarks(), inputs.anteversion_deg, "--anteversion")
    if inputs.knee and landmarks is not None and not (landmarks.x_axis is None and landmarks.anteversion_deg is None):
        raise InputError(
            "--knee, but --anteversion or the landmarks say already where lateral is; one of them is accepted",
            code="options-conflict",
        )
    for role, given_image in (("image", image), ("lesion_image", lesion_image)) if kind == "flirt" else ():
        if isinstance(given_image, Volume):
            raise InputError(
                f"{role}: lies in memory, and FLIRT counts voxels in the order of a NIfTI file; the path of the NIfTI"
                " image that FLIRT was given is accepted",
                code="option-value",
            )
    femur_ref, lesion_ref = _reference(inputs.femur), _reference(inputs.lesion)
    same_file = femur_ref.same_map(lesion_ref)
    if same_file and femur_ref.label == lesion_ref.label:
        raise InputError(
            f"{femur_ref}: femur and lesion are the same mask; name two labels as"
            f" {'path:label' if femur_ref.volume is None else 'labels={ROLE: LABEL}'}",
            code="same-mask",
        )
    if same_file and inputs.from_another_scan:
        raise InputError(
            f"{femur_ref.path}: femur and lesion lie in one file, so in one world; two are accepted",
            code="options-conflict",
        )
    seen = None if image is None else read_image(image, straighten=inputs.straighten)
    # Contours are filled on the image's grid where their own series is not at hand.
    on = None if seen is None else seen.grid
    drawn = None
    if lesion_image is not None:
        drawn = (image_place(lesion_image)[0], read_image(lesion_image, straighten=inputs.straighten))
    parts = femur_ref.segmentation(on)
    bone, said = picked(parts, femur_ref, "femur")
    dead_on = on if drawn is None else drawn[1].grid
    dead_parts = parts if same_file else lesion_ref.segmentation(dead_on)
    dead, more = picked(dead_parts, lesion_ref, "lesion")
    remarks = [*said, *more]
    del parts, dead_parts
    others = {role: _reference(given) for role in OTHERS if (given := getattr(inputs, role))}
    masks = {}
    for role, reference in others.items():
        masks[role], said = picked(reference.segmentation(on), reference, CALLED.get(role, role))
        remarks += said
    given = [
        Part("femur", femur_ref.path, bone, _chosen_by(inputs.femur)),
        Part("lesion", lesion_ref.path, dead, _chosen_by(inputs.lesion)),
        *(Part(role, others[role].path, mask, _chosen_by(getattr(inputs, role))) for role, mask in masks.items()),
    ]
    if image is not None and seen is not None:
        place, chosen = image_place(image)
        given.append(Part("image", place, seen))
    if drawn is not None:
        given.append(Part("lesion_image", *drawn))
    doubts = check_together(given, bone, moved=MOVED if inputs.from_another_scan else ())
    named = sides_named(given)
    move: Move | None = None
    if inputs.from_another_scan:
        given_transform = None
        if inputs.lesion_transform is not None:
            given_transform = GivenTransform(inputs.lesion_transform, kind, inputs.transform_inverted)
        shown_on = None if seen is None else (place, seen)
        dead, move = into_femur(dead, bone, given=given_transform, lesion_image=drawn, image=shown_on)
        doubts = (*doubts, *in_doubt(move), move.warning)
    gaps = (check_slices(mask, CALLED.get(role, role)) for role, mask in masks.items())
    doubts = (*doubts, *remarks, *(gap for gap in gaps if gap is not None))
    # Labels that exclude each other are a label map; segments that overlap are masks of their own.
    label_map = same_file and not bool(np.any(bone.voxels & dead.voxels))
    sources = [
        Source.of_mask("femur", femur_ref),
        Source.of_mask("lesion", lesion_ref),
    ]
    if move is not None:
        drawn_on = lesion_image if isinstance(lesion_image, Volume) else None
        sources += [
            Source(role, path, volume_sha256(path), None)
            if drawn_on is None or role != "lesion_image"
            else _in_memory(role, drawn_on)
            for role, path in move.files
        ]
    sources += [Source.of_mask(role, one) for role, one in others.items()]
    if isinstance(image, Volume):
        sources.append(_in_memory("image", image))
    elif seen is not None:
        sources.append(Source("image", place, volume_sha256(place, chosen), chosen))
    if marked is not None:
        sources.append(Source("landmarks", marked, sha256_of(marked), None))
    tilts = [shown.straightened_deg for shown in (seen, None if drawn is None else drawn[1]) if shown is not None]
    if any(tilts):
        doubts = (*doubts, straightened(max(tilts)))
    looked_for, stated, origin = side_to_pick(named, side)
    case = case_from_masks(
        bone, dead, label_map=label_map, side=looked_for, side_origin=origin, landmarks=landmarks,
        case_id=inputs.case_id, sources=tuple(sources),
    )  # fmt: skip
    drafted = DRAFT_NOTE in femur_ref.note()
    if drafted:
        text = (
            "the femur mask is an unchecked draft from a CT: every margin of this plan depends on it; check every"
            " slice, correct it in an editor, and plan again"
        )
        doubts = (PlanWarning("draft_femur", text), *doubts)
    return replace(
        case, side=stated, named=named, move=move, drafted=drafted, warnings=(*doubts, *case.warnings), image=seen,
        pelvis=masks.get("pelvis"), avoid=masks.get("avoid"), knee=masks.get("knee"), theatre=inputs.theatre,
    )  # fmt: skip


def _chosen_by(given: MaskReference | str) -> str:
    """The name that chose a label or, of a folder, a file; nothing where a number or nothing did."""
    reference = MaskReference.parse(given) if isinstance(given, str) else given
    return reference.label if isinstance(reference.label, str) else ""


def straightened(tilt_deg: float) -> PlanWarning:
    """The warning of an image whose slices were resampled upright."""
    return PlanWarning(
        "straightened",
        f"the image was taken with the gantry tilted by {tilt_deg:.1f}° and resampled upright: each slice was shifted"
        " in its own plane with linear interpolation; pixels outside the original slices have the least value;"
        " masks must be drawn on the patient as DICOM places them",
    )


def picked(parts: Segmentation, reference: MaskReference, name: str) -> tuple[Mask, list[PlanWarning]]:
    """The mask that a reference names, and what is to be said of how it was read."""
    before = len(parts.remarks)
    mask = parts.pick(reference.label)
    return mask, [PlanWarning(remark.code, f"the {name}: {remark.text}") for remark in parts.remarks[before:]]


def _reference(given: MaskReference | str) -> MaskReference:
    return (MaskReference.parse(given) if isinstance(given, str) else given).in_file()


def _in_memory(role: str, image: Volume) -> Source:
    return Source(role, None, image.sha256, None, given=image.given)


def case_from_masks(
    femur: Mask,
    lesion: Mask,
    *,
    label_map: bool,
    side: Side | None = None,
    side_origin: str = "",
    landmarks: Landmarks | None = None,
    case_id: str | None = None,
    sources: tuple[Source, ...] = (),
) -> Case:
    """Clean masks that are already in memory; see ``load_case``."""
    warnings: list[PlanWarning] = []
    bone, dead = femur.canonical(), lesion.canonical()
    if label_map:
        bone = Mask(bone.grid, bone.voxels | dead.voxels)
    for mask, name in ((bone, "femur"), (dead, "lesion")):
        # Before cleaning, which would take what gaps cut off for specks.
        caution = check_slices(mask, name, in_one_piece=name == "femur")
        if caution is not None:
            warnings.append(caution)
    start, stop = bone.bounds(pad=int(np.ceil(CROP_PAD_MM / bone.grid.spacing_mm.min())))
    open_faces = np.stack([start == 0, stop == np.array(bone.grid.shape)], axis=1)
    bone = bone.cropped(start, stop)
    dead = dead.cropped(*dead.bounds(pad=1))
    dead = _without_specks(dead, "lesion", warnings)
    bone, dead = _pick_femur(bone, dead, side, warnings)
    bone = _filled(bone, limit_ml=PINHOLE_ML if label_map else np.inf, warnings=warnings)

    start, stop = bone.bounds(pad=int(np.ceil(CROP_PAD_MM / bone.grid.spacing_mm.min())))
    open_faces = np.stack(
        [open_faces[:, 0] & (start == 0), open_faces[:, 1] & (stop == np.array(bone.grid.shape))], axis=1
    )
    bone = bone.cropped(start, stop)
    dead = dead.cropped(*dead.bounds(pad=1))
    if case_id is None:
        case_id = fingerprint(bone, dead)
    return Case(
        case_id, bone, dead, open_faces, label_map, side, side_origin, landmarks or Landmarks(), sources,
        tuple(warnings), femur, lesion,
    )  # fmt: skip


def _pick_femur(bone: Mask, dead: Mask, side: Side | None, warnings: list[PlanWarning]) -> tuple[Mask, Mask]:
    """The femur that holds the lesion (of the side asked for), and the lesion's part in it."""
    labels, count = ndimage.label(bone.voxels, structure=np.ones((3, 3, 3)))
    volumes = np.bincount(labels.ravel(), minlength=count + 1) * bone.grid.voxel_ml
    volumes[0] = 0.0
    femora = [i for i in range(1, count + 1) if volumes[i] >= FEMUR_MIN_ML]
    if not femora:
        lesion_ml = np.count_nonzero(dead.voxels) * dead.grid.voxel_ml
        asked = f" (the lesion mask holds {lesion_ml:.1f} ml: are the two exchanged?)"
        hint = asked if lesion_ml >= FEMUR_MIN_ML else ""
        raise InputError(
            f"the femur mask holds {volumes.sum():.1f} ml in its {count} component(s);"
            f" a proximal femur of {FEMUR_MIN_ML:g} ml or more in one piece is accepted{hint}",
            code="femur-too-small",
        )
    specks = [i for i in range(1, count + 1) if volumes[i] < SPECK_ML]
    if specks:
        warnings.append(
            PlanWarning(
                "bone_specks",
                f"{len(specks)} bone specks under {SPECK_ML} ml were dropped ({volumes[specks].sum():.3f} ml in all)",
            )
        )
    loose = [i for i in range(1, count + 1) if SPECK_ML <= volumes[i] < FEMUR_MIN_ML]
    at = np.argwhere(dead.voxels)
    owner, distance = _nearest_femur(bone, labels, femora, transform(dead.grid.world_from_index, at))
    # A part of the lesion belongs where it touches: its middle may lie deep in a hole that the femur mask left.
    parts, part_count = ndimage.label(dead.voxels, structure=np.ones((3, 3, 3)))
    part = parts[tuple(at.T)]
    for number in range(1, part_count + 1):
        mine = np.flatnonzero(part == number)
        first = mine[int(np.argmin(distance[mine]))]
        if owner[first]:
            owner[mine] = np.where(owner[mine] > 0, owner[mine], owner[first])
            distance[mine] = 0.0
    voxel_ml = dead.grid.voxel_ml
    stray_ml = float(np.count_nonzero(owner == 0)) * voxel_ml
    owned = {f: float(np.count_nonzero(owner == f)) * voxel_ml for f in femora}
    if stray_ml > max(STRAY_LESION_ML, OUTSIDE_SHARE_MAX * dead.volume_ml) or not owner.any():
        raise InputError(
            f"the lesion lies outside the femur: {stray_ml:.2f} of {dead.volume_ml:.2f} ml,"
            f" {float(distance.max()):.0f} mm away or more; up to 5 % and {LESION_REACH_MM:g} mm are accepted",
            code="lesion-outside-femur",
        )
    if stray_ml > 0:
        warnings.append(
            PlanWarning(
                "lesion_outside",
                f"{stray_ml:.3f} ml of lesion up to {float(distance.max()):.1f} mm outside the femur were dropped",
            )
        )
    holders = [f for f in femora if owned[f] > SPECK_ML]
    if not holders:
        holders = [max(femora, key=lambda f: owned[f])]
    if len(holders) > 1:
        if side is None:
            raise InputError(
                "lesions in both hips ("
                + ", ".join(f"{owned[f]:.1f} ml" for f in holders)
                + "); name the one to plan with --side left or --side right",
                code="side-needed",
            )
        # World x grows to the patient's right.
        x = {f: _mean_x(bone, labels == f) for f in holders}
        holders = [(max if side == "right" else min)(holders, key=lambda f: x[f])]
    chosen = holders[0]
    loose += [f for f in femora if f != chosen and _in_line(bone, labels == chosen, labels == f)]
    if loose:
        warnings.append(
            PlanWarning(
                "loose_bone", f"{len(loose)} loose bone component(s), {volumes[loose].sum():.2f} ml, were left out"
            )
        )
    kept = np.zeros_like(dead.voxels)
    kept[tuple(at[owner == chosen].T)] = True
    return Mask(bone.grid, labels == chosen), Mask(dead.grid, kept)


def _nearest_femur(
    bone: Mask, labels: npt.NDArray[np.int32], femora: list[int], points_mm: FloatArray
) -> tuple[npt.NDArray[np.int32], FloatArray]:
    """For each world point (N, 3): the label of the femur it lies in or beside (0 beyond reach), and how far (mm)."""
    index = np.rint(transform(bone.grid.index_from_world, points_mm)).astype(int)
    # Only the lesion's surroundings matter; a volume of both hips is large.
    pad = int(np.ceil(4 * LESION_REACH_MM / bone.grid.spacing_mm.min()))
    top = np.array(bone.grid.shape)
    start = np.clip(index.min(axis=0) - pad, 0, top - 1)
    stop = np.clip(index.max(axis=0) + pad + 1, start + 1, top)
    near = labels[tuple(slice(a, b) for a, b in zip(start, stop, strict=True))]
    is_femur = np.isin(near, femora)
    owner = np.zeros(len(points_mm), dtype=np.int32)
    if not is_femur.any():
        return owner, np.full(len(points_mm), float(pad * bone.grid.spacing_mm.min()))
    gap, nearest = ndimage.distance_transform_edt(~is_femur, sampling=bone.grid.spacing_mm, return_indices=True)
    clipped = np.clip(index, start, stop - 1)
    beyond = np.linalg.norm((index - clipped) * bone.grid.spacing_mm, axis=1)
    i, j, k = (clipped - start).T
    distance = gap[i, j, k] + beyond
    owner[:] = near[tuple(nearest[:, i, j, k])]
    owner[distance > LESION_REACH_MM] = 0
    return owner, distance


def _in_line(bone: Mask, femur: BoolArray, piece: BoolArray) -> bool:
    """Whether a large piece of bone is a part of a femur, such as its distal shaft: the other femur lies beside it."""
    right = transform(bone.grid.world_from_index, np.argwhere(femur))[:, 0]
    return bool(right.min() - IN_LINE_MM <= _mean_x(bone, piece) <= right.max() + IN_LINE_MM)


def _mean_x(bone: Mask, voxels: BoolArray) -> float:
    return float(transform(bone.grid.world_from_index, np.argwhere(voxels).mean(axis=0))[0])


def _without_specks(mask: Mask, name: str, warnings: list[PlanWarning]) -> Mask:
    labels, count = ndimage.label(mask.voxels, structure=np.ones((3, 3, 3)))
    volumes = np.bincount(labels.ravel(), minlength=count + 1) * mask.grid.voxel_ml
    small = np.flatnonzero(volumes[1:] < SPECK_ML) + 1
    if len(small) == count:
        raise InputError(
            f"the {name} is too small: {count} connected part(s) of {volumes[1:].max(initial=0.0):.3f} ml at most;"
            f" a part of {SPECK_ML} ml or more is accepted",
            code="lesion-too-small",
        )
    if len(small) == 0:
        return mask
    warnings.append(
        PlanWarning(
            "lesion_specks",
            f"{len(small)} {name} specks under {SPECK_ML} ml were dropped ({volumes[small].sum():.3f} ml in all)",
        )
    )
    return Mask(mask.grid, mask.voxels & ~np.isin(labels, small))


def _filled(bone: Mask, *, limit_ml: float, warnings: list[PlanWarning]) -> Mask:
    padded = np.pad(bone.voxels, 1)
    holes = ndimage.binary_fill_holes(padded)[1:-1, 1:-1, 1:-1] & ~bone.voxels
    if not holes.any():
        return bone
    labels, count = ndimage.label(holes)
    volumes = np.bincount(labels.ravel(), minlength=count + 1) * bone.grid.voxel_ml
    volumes[0] = np.inf
    small = np.flatnonzero(volumes < limit_ml)
    if len(small):
        warnings.append(
            PlanWarning(
                "holes_filled",
                f"{len(small)} enclosed holes in the bone were filled ({volumes[small].sum():.2f} ml in all)",
            )
        )
    large = [v for v in volumes[1:] if v >= limit_ml]
    if large:
        warnings.append(
            PlanWarning(
                "hollow_bone",
                f"the bone has {len(large)} enclosed hole(s) of {limit_ml:g} ml or more"
                f" ({sum(large):.1f} ml): their walls count as cortex",
            )
        )
    return Mask(bone.grid, bone.voxels | np.isin(labels, small))


def fingerprint(bone: Mask, dead: Mask) -> str:
    """A short name for the case made from its voxels, so that no file name and no patient name enters a plan."""
    digest = hashlib.sha256()
    for mask in (bone, dead):
        data: npt.NDArray[np.uint8] = np.packbits(mask.voxels)
        digest.update(np.array(mask.grid.shape).tobytes() + data.tobytes())
    return "hip-" + digest.hexdigest()[:10]
