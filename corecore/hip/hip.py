"""A hip: bone surface, lesion and anatomy in the local frame, ready to be measured and planned.

The local frame is millimetres along the femur array's axes, origin at its first voxel,
right-handed. Left hips are mirrored before anything is fitted, so everything inside sees a
right hip, and a mirrored volume gives the mirrored plan to the last digit.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, fields, replace

import numpy as np
from scipy import ndimage

from corecore.base.distance_field import Bone, bone_from_voxels
from corecore.base.errors import AnatomyError, InputError
from corecore.base.grid import BoolArray, FloatArray, Grid, Mask, inverse, transform
from corecore.base.html import figures_html
from corecore.base.resampling import near_isotropic
from corecore.hip.anatomy.condyles import knee_pieces
from corecore.hip.anatomy.fit import fit_anatomy
from corecore.hip.anatomy.head import fit_head
from corecore.hip.anatomy.model import Anatomy, Landmarks, PlanWarning
from corecore.hip.anatomy.side import Side, guess_side, shape_unmirrored
from corecore.hip.belonging import check_side
from corecore.hip.case import LESION_REACH_MM, OUTSIDE_SHARE_MAX, STRAY_LESION_ML, Case
from corecore.hip.head_surface import beyond_joint, examine_head, refuse_pelvis_in_head
from corecore.hip.keep_out import KeepOutRegion, barrier_of
from corecore.hip.lesion import Lesion, sampled
from corecore.hip.position import check_position
from corecore.hip.scan import LOWER_BOUND, coarse_voxels, cut_by_scan, pitted_surface, rough_surface, thick_slices

_log = logging.getLogger(__name__)

#: Voxel edge for telling the side, mm: coarse is enough, and quick.
SIDE_SPACING_MM = 2.0
#: Where a side comes from that was stated by hand.
STATED = "--side"
#: The head's neighbourhood for that rule, mm beyond the fitted sphere.
HEAD_NEAR_MM = 3.0
#: Said where nothing of the region to avoid lies within reach.
AVOID_FAR = "the region to avoid is out of reach of every tunnel"
#: How far the femur is closed to let a lesion fill the hole left for it, mm (contract §1).
CLOSING_MM = 3.0


@dataclass(frozen=True, eq=False)
class Hip:
    """One hip: bone surface, lesion and anatomy, ready to be measured and planned.

    Geometry is in the *local* frame: millimetres along the femur array's axes, nearest to R, A, S, with the origin
    at its first voxel; a left hip is mirrored first, so that everything inside is a right hip. ``to_world`` and
    ``to_local`` convert. What was read from files (``case``) stays in world RAS mm.

    Parameters
    ----------
    case : Case
        The cleaned masks as they were read, world RAS mm.
    side : {"left", "right"}
        Side of the hip.
    world_from_local : ndarray, shape (4, 4)
        From local mm to world RAS mm; it contains the mirror of a left hip.
    bone : Bone
        Bone surface as a distance field, local.
    bone_mask : Mask
        Bone voxels with the lesion's, near-isotropic, local.
    lesion : Lesion
        The necrosis, local.
    anatomy : Anatomy
        Head, neck, shaft and trochanters, local.
    warnings : tuple of PlanWarning
        What a reader must know.
    timings : dict of str to float
        Seconds taken by each step.
    avoid : KeepOutRegion, optional
        Region to keep out of, where given and within reach of a tunnel.
    pelvis : KeepOutRegion, optional
        The pelvis as a region to keep out of, likewise.
    """

    case: Case
    side: Side
    world_from_local: FloatArray
    bone: Bone
    bone_mask: Mask
    lesion: Lesion
    anatomy: Anatomy
    warnings: tuple[PlanWarning, ...]
    timings: dict[str, float]
    #: What tunnels keep out of: the region to avoid and the pelvis, where given and within reach.
    avoid: KeepOutRegion | None = None
    pelvis: KeepOutRegion | None = None

    def __repr__(self) -> str:
        return f"<Hip {self.case.id}: {self.side}, necrosis {self.lesion.volume_ml:.2f} ml>"

    def _repr_html_(self) -> str:
        anatomy = self.anatomy
        rows = [
            ("side", self.side),
            ("head", f"radius {anatomy.head_radius_mm:.1f} mm"),
            ("neck-shaft angle", f"{anatomy.neck_shaft_angle_deg:.0f}°"),
            ("necrosis", f"{self.lesion.volume_ml:.2f} ml"),
        ]
        return figures_html(f"hip {self.case.id}", rows, [warning.text for warning in self.warnings])

    @property
    def lower_bound(self) -> bool:
        """Whether the edge of a scan cuts the head or the lesion, so that the measures are lower bounds."""
        return any(warning.code in LOWER_BOUND for warning in self.warnings)

    def to_world(self, points_mm: FloatArray) -> FloatArray:
        """Carry positions from the local frame to world RAS.

        Parameters
        ----------
        points_mm : ndarray, shape (N, 3) or (3,)
            Local positions, mm.

        Returns
        -------
        ndarray, same shape
            World RAS positions, mm.
        """
        return transform(self.world_from_local, points_mm)

    def direction_to_world(self, direction: FloatArray) -> FloatArray:
        """Turn a direction from the local frame to world RAS.

        Parameters
        ----------
        direction : ndarray, shape (3,)
            A local direction.

        Returns
        -------
        ndarray, shape (3,)
            The same direction in world RAS; its length is kept.
        """
        return np.asarray(self.world_from_local[:3, :3] @ direction, dtype=np.float64)

    def to_local(self, points_mm: FloatArray) -> FloatArray:
        """Carry positions from world RAS to the local frame.

        Parameters
        ----------
        points_mm : ndarray, shape (N, 3) or (3,)
            World RAS positions, mm.

        Returns
        -------
        ndarray, same shape
            Local positions, mm.
        """
        return transform(inverse(self.world_from_local), points_mm)


def build_hip(case: Case) -> Hip:
    """Find the side, build the bone surface and fit the anatomy of a case.

    Parameters
    ----------
    case : Case
        Cleaned masks in world RAS mm.

    Returns
    -------
    Hip
        The hip in its local frame.

    Raises
    ------
    AnatomyError
        Where no femoral head is found.
    InputError
        Where the side contradicts what was asked for, a part of the lesion lies away from the head, the femur
        stands upside down, part of its head is labelled pelvis, or a knee shows no condyles of this femur.
    """
    started = time.perf_counter()
    warnings: list[PlanWarning] = []
    side = _side(case, warnings)
    doubts = check_side(case.named, side)
    sided = time.perf_counter()

    femur, lesion, faces = case.femur, case.lesion, case.open_faces
    if side == "left":
        femur, lesion, faces = _mirrored(femur), _mirrored(lesion), _mirrored_faces(femur, faces)
    fine = near_isotropic(femur)
    spacing = fine.grid.spacing_mm
    mirror = np.diag([-1.0 if side == "left" else 1.0, 1.0, 1.0, 1.0])
    world_from_local = mirror @ fine.grid.world_from_index @ np.diag([*(1.0 / spacing), 1.0])
    local_from_side = inverse(fine.grid.world_from_index @ np.diag([*(1.0 / spacing), 1.0]))
    dead = sampled(Mask(lesion.grid.moved(local_from_side), lesion.voxels))
    given = _to_local(case.landmarks, inverse(world_from_local))
    bone = bone_from_voxels(fine.voxels, spacing, open_faces=faces, pits=True)
    head = fit_head(bone, dead.centroid_mm, given=given)
    fitted_to = (bone, len(dead.points_mm))
    voxels = fine.voxels
    if not case.label_map:
        added = _lesion_in_craters(fine.voxels, spacing, dead, head.center, head.radius_mm)
        if added.any():
            voxels = fine.voxels | added
            bone = bone_from_voxels(voxels, spacing, open_faces=faces, pits=True)
        dead, more = _cut_to_bone(dead, bone, lesion.grid.spacing_mm)
        warnings.extend(more)
    surfaced = time.perf_counter()
    dead, more = _only_near_head(dead, head.center, head.radius_mm)
    warnings.extend(more)
    superior = inverse(world_from_local)[:3, :3] @ np.array([0.0, 0.0, 1.0])
    knee = None if case.knee is None else knee_pieces(case.knee, inverse(world_from_local))
    anatomy = fit_anatomy(
        bone, dead.centroid_mm, side=side, superior=superior, given=given,
        head=head if fitted_to == (bone, len(dead.points_mm)) else None, knee=knee,
    )  # fmt: skip
    done = time.perf_counter()
    timings = {"side_s": sided - started, "surface_s": surfaced - sided, "anatomy_s": done - surfaced}
    _log.info("hip %s: %s, head radius %.2f mm", case.id, side, anatomy.head_radius_mm)
    check_position(anatomy, superior)
    # What makes figures or margins doubtful comes first, for page one has room for few warnings.
    grave: list[PlanWarning] = []
    drawn = case.lesion if case.original_lesion is None else case.original_lesion
    on_file = Mask(drawn.grid.moved(inverse(world_from_local)), drawn.voxels)
    grave.extend(cut_by_scan(bone, dead, anatomy, on_file))
    grave.extend(examine_head(bone, dead, anatomy, float(np.cbrt(np.prod(case.femur.grid.spacing_mm)))))
    grave.extend(coarse_voxels(case.femur))
    thick = thick_slices(case.femur, case.lesion)
    grave.extend(thick or rough_surface(bone, anatomy, case.femur))
    grave.extend(pitted_surface(bone, anatomy))
    local_grid = Grid(fine.grid.shape, np.diag([*spacing, 1.0]))
    outside = beyond_joint(bone, voxels, anatomy)
    if outside.any():
        # What stands out of the head's sphere lends no room: from here on the bone ends at the joint surface.
        # The lesion stays as it was drawn: what of it lies beyond is not reached.
        voxels = voxels & ~outside
        bone = bone_from_voxels(voxels, spacing, open_faces=faces, pits=True)
    local_from_world, size = inverse(world_from_local), spacing * fine.grid.shape
    if case.pelvis is not None:
        refuse_pelvis_in_head(case.pelvis, anatomy, local_from_world)
    avoid = None if case.avoid is None else barrier_of("avoid", case.avoid, local_from_world, size)
    pelvis = None if case.pelvis is None else barrier_of("pelvis", case.pelvis, local_from_world, size)
    if case.avoid is not None and avoid is None:
        warnings.append(PlanWarning("avoid_far", AVOID_FAR))
    # … after the one that says that the femur is an unchecked draft.
    first = int(case.drafted)
    return Hip(
        case, side, world_from_local, bone, Mask(local_grid, voxels), dead, anatomy,
        (*case.warnings[:first], *doubts, *grave, *case.warnings[first:], *warnings, *anatomy.warnings), timings,
        avoid, pelvis,
    )  # fmt: skip


def _side(case: Case, warnings: list[PlanWarning]) -> Side:
    """The side: as stated, else told from where the bone lies; held against each other.

    A stated side that the place contradicts stands, with a warning, where the bone's own shape speaks for it.
    """
    step = np.maximum(1, np.floor(SIDE_SPACING_MM / case.femur.grid.spacing_mm + 0.5)).astype(int)
    coarse = Mask(
        Grid(
            tuple(int(n) for n in (-(-np.array(case.femur.grid.shape) // step))),  # type: ignore[arg-type]
            case.femur.grid.world_from_index @ np.diag([*step.astype(float), 1.0]),
        ),
        case.femur.voxels[:: step[0], :: step[1], :: step[2]],
    )
    coarse = near_isotropic(coarse)
    spacing = coarse.grid.spacing_mm
    world_from_local = coarse.grid.world_from_index @ np.diag([*(1.0 / spacing), 1.0])
    local_from_world = inverse(world_from_local)
    bone = bone_from_voxels(coarse.voxels, spacing, open_faces=case.open_faces)
    given = _to_local(case.landmarks, local_from_world)
    near = transform(local_from_world, case.lesion.positions_mm().mean(axis=0))
    head, stated = fit_head(bone, near, given=given), case.side
    try:
        side = guess_side(bone, head, local_from_world)
    except AnatomyError:
        # A neck that points straight ahead tells no side; what is stated does.
        if stated is None:
            raise
        return stated
    if stated is None or stated == side:
        return side
    shape = shape_unmirrored(bone, head) if case.side_origin == STATED else None
    if shape is not None and shape.contradicts(side):
        text = (
            f"the bone lies where a {side} hip would, but its shape is that of the {stated} one stated with {STATED}:"
            " the patient's position in the file may be wrong"
        )
        warnings.append(PlanWarning("side_place", text))
        return stated
    raise InputError(
        f"{case.side_origin} says {stated}, but the femur's shape and position show a {side} hip;"
        " check left and right in the file",
        code="side-contradicts",
    )


def _mirrored(mask: Mask) -> Mask:
    grid = Grid(mask.grid.shape, np.diag([-1.0, 1.0, 1.0, 1.0]) @ mask.grid.world_from_index)
    return Mask(grid, mask.voxels).canonical()


def _mirrored_faces(mask: Mask, faces: BoolArray) -> BoolArray:
    grid = Grid(mask.grid.shape, np.diag([-1.0, 1.0, 1.0, 1.0]) @ mask.grid.world_from_index)
    order, step = grid.canonical_order()
    return np.array([faces[old][:: step[new]] for new, old in enumerate(order)])


def _to_local(landmarks: Landmarks, local_from_world: FloatArray) -> Landmarks:
    moved: dict[str, FloatArray] = {}
    for item in fields(landmarks):
        value = getattr(landmarks, item.name)
        if value is None or item.name in ("head_radius_mm", "anteversion_deg"):
            continue
        direction = item.name in ("shaft_axis", "x_axis")
        moved[item.name] = local_from_world[:3, :3] @ value if direction else transform(local_from_world, value)
    return replace(landmarks, **moved)  # type: ignore[arg-type]


def _lesion_in_craters(
    voxels: BoolArray, spacing: FloatArray, lesion: Lesion, center: FloatArray, radius_mm: float
) -> BoolArray:
    """Lesion voxels that the femur mask left open: inside the head sphere and the femur closed by 3 mm."""
    result = np.zeros_like(voxels)
    pad = CLOSING_MM + 2.0
    low = np.clip(np.floor((center - radius_mm - pad) / spacing), 0, None).astype(int)
    high = np.minimum(np.ceil((center + radius_mm + pad) / spacing).astype(int) + 1, voxels.shape)
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    femur = voxels[box]
    # Closing by distances: grow by 3 mm, then shrink by 3 mm.
    grown = ndimage.distance_transform_edt(~femur, sampling=spacing) <= CLOSING_MM
    closed = ndimage.distance_transform_edt(grown, sampling=spacing) > CLOSING_MM if not grown.all() else grown
    at = np.argwhere(~femur & closed)
    points = (at + low) * spacing
    inside = np.linalg.norm(points - center, axis=1) <= radius_mm
    at = at[inside]
    dead = lesion.mask.contains(points[inside])
    result[tuple((at[dead] + low).T)] = True
    return result


def _cut_to_bone(lesion: Lesion, bone: Bone, lesion_spacing: FloatArray) -> tuple[Lesion, list[PlanWarning]]:
    """Drop lesion outside the bone. Within half a voxel of either grid the outlines count as one."""
    # A voxel stays or goes as a whole, by its centre: corners that round off are no outside.
    centers = lesion.mask.positions_mm()
    depth = np.repeat(bone.distance(centers), len(lesion.points_mm) // len(centers))
    slack = 0.5 * max(float(lesion_spacing.max()), float(bone.spacing_mm.max()))
    outside = depth < -slack
    if not outside.any():
        return lesion, []
    cut_ml = float(np.count_nonzero(outside)) * lesion.point_ml
    farthest = float(-depth[outside].min())
    if cut_ml > OUTSIDE_SHARE_MAX * lesion.volume_ml or farthest > LESION_REACH_MM + slack:
        raise InputError(
            f"{cut_ml:.2f} of {lesion.volume_ml:.2f} ml of lesion lie outside the femur, up to {farthest:.1f} mm;"
            f" up to 5 % and {LESION_REACH_MM:g} mm are accepted (do the two masks belong together?)",
            code="lesion-outside-femur",
        )
    text = f"{cut_ml:.3f} ml of lesion up to {farthest:.1f} mm outside the femur were cut off"
    return lesion.kept(~outside), [PlanWarning("lesion_cut", text)]


def _only_near_head(lesion: Lesion, center: FloatArray, radius_mm: float) -> tuple[Lesion, list[PlanWarning]]:
    """Refuse a lesion part away from the head; drop a small one with a caution."""
    labels, count = ndimage.label(lesion.mask.voxels, structure=np.ones((3, 3, 3)))
    far: list[int] = []
    far_ml = 0.0
    for component in range(1, count + 1):
        part = transform(lesion.mask.grid.world_from_index, np.argwhere(labels == component))
        gap = float(np.linalg.norm(part - center, axis=1).min()) - radius_mm
        if gap <= HEAD_NEAR_MM:
            continue
        volume = len(part) * lesion.mask.grid.voxel_ml
        if volume > STRAY_LESION_ML:
            raise InputError(
                f"{volume:.2f} ml of lesion lie {gap:.0f} mm away from the femoral head;"
                f" up to {STRAY_LESION_ML:g} ml is accepted there",
                code="lesion-away-from-head",
            )
        far.append(component)
        far_ml += volume
    if not far:
        return lesion, []
    if len(far) == count:
        raise InputError(
            f"all of the lesion, {far_ml:.2f} ml in {count} part(s), lies more than {HEAD_NEAR_MM:g} mm away from the"
            " femoral head; a lesion of the head is accepted",
            code="lesion-away-from-head",
        )
    stray = Mask(lesion.mask.grid, np.isin(labels, far))
    kept = lesion.kept(~stray.contains(lesion.points_mm))
    kept = Lesion(Mask(lesion.mask.grid, lesion.mask.voxels & ~stray.voxels), kept.points_mm, kept.point_ml)
    text = f"{len(far)} lesion part(s) away from the head, {far_ml:.3f} ml, were dropped"
    return kept, [PlanWarning("lesion_away", text)]
