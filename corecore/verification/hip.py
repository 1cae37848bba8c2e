"""The hip rebuilt from the plan's input files: bone, its surface, and the lesion as points.

Follows the contract's definition of bone: in one label map the union of femur and lesion;
as separate masks the femur with its enclosed holes filled, and lesion in open holes only
within the head sphere and the femur closed by 3 mm.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.spatial import cKDTree

from corecore.base.errors import InputError
from corecore.base.grid import BoolArray, FloatArray, Mask, transform
from corecore.document.inputs import input_fingerprints
from corecore.document.stated import InputFile, StatedAnatomy, StatedPlan
from corecore.io.references import read_mask
from corecore.verification.frame import HEAD_PLANE_RADII
from corecore.verification.keep_out import Region, region_of
from corecore.verification.mesh import BoneMesh, mesh_of
from corecore.verification.report import Check, same_text

#: Components smaller than this are dropped, ml (contract §1).
SPECK_ML = 0.05
#: Enclosed holes of a label map smaller than this are filled, ml (contract §1).
PINHOLE_ML = 1.0
#: Lesion in open holes counts within the femur closed by this much, mm (contract §1).
CLOSING_MM = 3.0
#: Spacing of the lesion's sample points at most, mm: 40 points in a cubic millimetre.
POINT_SPACING_MM = 0.3
#: Spacing of points for the head's volume, mm: half a million points, 0.1 % of a head.
HEAD_POINT_SPACING_MM = 0.6

#: Where the mask stands further out of the head's sphere than this, the sphere is the joint surface, mm (contract §1).
STANDS_OUT_MM = 1.5
#: … and no further than this, head radii: beyond lies the greater trochanter of a short neck.
OUT_TO_RADII = 1.3
#: Seed of the shifts that keep sample points off the planes of the frame.
SHIFT_SEED = 20

_TOUCHING = np.ones((3, 3, 3), dtype=bool)


@dataclass(frozen=True, eq=False)
class Hip:
    """Bone and lesion in world RAS mm.

    ``lesion_points_mm`` (N, 3) fill the lesion evenly, each standing for ``point_ml``.
    """

    bone: Mask
    mesh: BoneMesh
    lesion_points_mm: FloatArray
    point_ml: float
    #: The lesion's voxels that the points fill.
    lesion: Mask
    pelvis: Region | None = None
    avoid: Region | None = None
    #: Slices through the condyles, where the plan took lateral from them.
    knee: Mask | None = None

    @property
    def lesion_ml(self) -> float:
        """Lesion volume, ml."""
        return len(self.lesion_points_mm) * self.point_ml


def check_inputs(plan: StatedPlan) -> tuple[list[Check], list[str]]:
    """Fingerprints of the input files against those in the plan, and a message for each that changed."""
    checks, messages = [], []
    for one in input_fingerprints(plan):
        name = f"case.inputs[{one.index}].sha256 ({one.item.role})"
        checks.append(same_text(name, one.item.sha256.lower(), one.found))
        if one.message is not None:
            messages.append(one.message)
    return checks, messages


def load_hip(plan: StatedPlan) -> Hip:
    """Read the masks named by the plan and rebuild the hip. Raises ``InputError`` for unusable masks."""
    femur_file, lesion_file = plan.input("femur"), plan.input("lesion")
    assert femur_file is not None
    assert lesion_file is not None
    femur, lesion = _read(femur_file), _read(lesion_file)
    # Two labels of one file that exclude each other: there the lesion replaces the femur.
    one_map = femur_file.path == lesion_file.path and not bool(np.any(femur.voxels & lesion.voxels))
    if one_map:
        bone = Mask(femur.grid, femur.voxels | lesion.voxels)
        bone = _femur_of(bone, plan.anatomy)
        bone = Mask(bone.grid, _filled(bone, PINHOLE_ML))
    else:
        femur = Mask(femur.grid, _filled(_femur_of(femur, plan.anatomy), np.inf))
        bone = Mask(femur.grid, femur.voxels | _lesion_in_open_holes(femur, lesion, plan.anatomy))
    mesh = mesh_of(bone)
    kept = _without_specks(lesion, bone if one_map else None)
    # The lesion stays as it was drawn, though what of it lies beyond the joint surface is not reached.
    points, point_ml = _lesion_points(kept, bone, None if one_map else mesh)
    beyond = beyond_joint(bone, mesh, plan.anatomy)
    if beyond.any():
        bone = Mask(bone.grid, bone.voxels & ~beyond)
        mesh = mesh_of(bone)
    pelvis, avoid, knee = (plan.input(role) for role in ("pelvis", "avoid", "knee"))
    return Hip(
        bone=bone,
        mesh=mesh,
        lesion_points_mm=points,
        point_ml=point_ml,
        lesion=kept,
        pelvis=None if pelvis is None else region_of(_read(pelvis)),
        avoid=None if avoid is None else region_of(_read(avoid)),
        knee=None if knee is None else _read(knee),
    )


def beyond_joint(bone: Mask, mesh: BoneMesh, anatomy: StatedAnatomy) -> BoolArray:
    """The bone voxels beyond the joint surface: outside the sphere where the mesh stands out of it (contract §1).

    The sphere is divided into narrow cones about the directions of the vertices that stand out; a voxel is taken off
    when it lies in one of them, proximal of the head's plane and outside the sphere.
    """
    result = np.zeros(bone.grid.shape, dtype=bool)
    radius = anatomy.head_radius_mm

    def proximal(offset: FloatArray) -> BoolArray:
        return np.asarray(offset @ anatomy.neck_axis >= -HEAD_PLANE_RADII * radius)

    vertices = mesh.vertices_mm - anatomy.head_center
    size = np.linalg.norm(vertices, axis=1)
    out = (size > radius + STANDS_OUT_MM) & (size < OUT_TO_RADII * radius) & proximal(vertices)
    if not out.any():
        return result
    at = np.argwhere(bone.voxels)
    offset = transform(bone.grid.world_from_index, at) - anatomy.head_center
    far = np.linalg.norm(offset, axis=1)
    chosen = (far > radius) & proximal(offset)
    at, unit = at[chosen], offset[chosen] / far[chosen, None]
    # Neighbouring vertices lie a voxel of the mesh apart at most; seen from the centre, less.
    width = float(np.abs(np.linalg.det(mesh.index_from_world[:3, :3]))) ** (-1.0 / 3.0) / radius
    gap = cKDTree(vertices[out] / size[out, None]).query(unit, distance_upper_bound=width)[0]
    result[tuple(at[gap < width].T)] = True
    return result


def voxel_points(mask: Mask, spacing_mm: float) -> tuple[FloatArray, float]:
    """Points (N, 3) world mm that fill the voxels of a mask evenly, and the ml that each stands for.

    Each voxel holds one regular lattice, shifted (and wrapped) at random, so that no layer of
    points lies along the planes and axes that cut the mask.
    """
    index = np.argwhere(mask.voxels).astype(np.float64)
    count = np.maximum(1, np.ceil(mask.grid.spacing_mm / spacing_mm - 1e-9)).astype(np.int64)
    steps = [(np.arange(n) + 0.5) / n for n in count]
    offsets = np.stack(np.meshgrid(*steps, indexing="ij"), axis=-1).reshape(-1, 3)
    within = (offsets[None, :, :] + _shifts(len(index))[:, None, :]) % 1.0 - 0.5
    fine = (index[:, None, :] + within).reshape(-1, 3)
    return transform(mask.grid.world_from_index, fine), mask.grid.voxel_ml / len(offsets)


def points_in_box(center_mm: FloatArray, reach_mm: float) -> tuple[FloatArray, float]:
    """Points (N, 3) that fill a cube about a centre evenly, and the ml that each stands for."""
    count = int(np.ceil(2.0 * reach_mm / HEAD_POINT_SPACING_MM))
    step = 2.0 * reach_mm / count
    corners = np.stack(np.meshgrid(*[np.arange(count)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    return center_mm - reach_mm + (corners + _shifts(len(corners))) * step, step**3 / 1000.0


def _shifts(count: int) -> FloatArray:
    """Numbers (count, 3) in [0, 1), the same each time. A sequence of fixed steps would beat with the lattice."""
    return np.random.default_rng(SHIFT_SEED).random((count, 3))


def _read(item: InputFile) -> Mask:
    return read_mask(str(item.path) if item.label is None else f"{item.path}:{item.label}")


def _box_around(mask: Mask, center_mm: FloatArray, reach_mm: float) -> tuple[slice, slice, slice]:
    index = transform(mask.grid.index_from_world, center_mm)
    width = reach_mm / mask.grid.spacing_mm
    low = np.clip(np.floor(index - width), 0, mask.grid.shape).astype(int)
    high = np.clip(np.ceil(index + width) + 1, 0, mask.grid.shape).astype(int)
    return slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2])


def _femur_of(bone: Mask, anatomy: StatedAnatomy) -> Mask:
    """The connected part of a bone mask that fills most of the head sphere."""
    if not bone.voxels.any():
        raise InputError("the femur mask is empty", code="mask-empty")
    start, stop = bone.bounds()
    window = tuple(slice(int(a), int(b)) for a, b in zip(start, stop, strict=True))
    labels, count = ndimage.label(bone.voxels[window], structure=_TOUCHING)
    chosen = 1
    if count > 1:
        whole = np.zeros(bone.grid.shape, dtype=np.int32)
        whole[window] = labels
        in_sphere = whole[_box_around(bone, anatomy.head_center, anatomy.head_radius_mm / np.sqrt(3.0))]
        shares = np.bincount(in_sphere.ravel(), minlength=count + 1)
        sizes = np.bincount(labels.ravel(), minlength=count + 1)
        shares[0] = sizes[0] = 0
        chosen = int(np.argmax(shares if shares.any() else sizes))
    voxels = np.zeros(bone.grid.shape, dtype=bool)
    voxels[window] = labels == chosen
    return Mask(bone.grid, voxels)


def _filled(bone: Mask, limit_ml: float) -> BoolArray:
    """The mask with its enclosed holes under ``limit_ml`` filled. What touches the scan's edge is not enclosed."""
    start, stop = bone.bounds(1)
    window = tuple(slice(int(a), int(b)) for a, b in zip(start, stop, strict=True))
    part = bone.voxels[window]
    labels, count = ndimage.label(~part)
    sizes = np.bincount(labels.ravel(), minlength=count + 1) * bone.grid.voxel_ml
    fill = sizes < limit_ml
    fill[0] = False
    for axis in range(3):
        for end in (0, -1):
            fill[np.unique(np.take(labels, end, axis=axis))] = False
    voxels = bone.voxels.copy()
    voxels[window] |= fill[labels]
    return voxels


def _lesion_in_open_holes(femur: Mask, lesion: Mask, anatomy: StatedAnatomy) -> BoolArray:
    """Lesion outside the femur mask that counts as bone: within the head sphere and the closed femur."""
    extra = np.zeros(femur.grid.shape, dtype=bool)
    box = _box_around(femur, anatomy.head_center, anatomy.head_radius_mm)
    # The closing needs a surrounding as wide as itself, twice.
    wide = _box_around(femur, anatomy.head_center, anatomy.head_radius_mm + 3.0 * CLOSING_MM)
    part = femur.voxels[wide]
    if not part.any():
        return extra
    spacing = femur.grid.spacing_mm
    grown = ndimage.distance_transform_edt(~part, sampling=spacing) <= CLOSING_MM
    closed = np.ones_like(grown)
    if not grown.all():
        closed = ndimage.distance_transform_edt(grown, sampling=spacing) > CLOSING_MM
    extra[wide] = closed & ~part
    outside = np.ones_like(extra)
    outside[box] = False
    extra &= ~outside
    candidates = np.argwhere(extra)
    positions = transform(femur.grid.world_from_index, candidates)
    keep = lesion.contains(positions)
    keep &= np.linalg.norm(positions - anatomy.head_center, axis=1) <= anatomy.head_radius_mm
    extra[:] = False
    extra[tuple(candidates[keep].T)] = True
    return extra


def _without_specks(lesion: Mask, bone: Mask | None) -> Mask:
    """The lesion (within the bone's voxels, where given on its grid) without components under a speck's volume."""
    start, stop = lesion.bounds()
    part = lesion.cropped(start, stop)
    voxels = part.voxels if bone is None else part.voxels & bone.cropped(start, stop).voxels
    labels, count = ndimage.label(voxels, structure=_TOUCHING)
    sizes = np.bincount(labels.ravel(), minlength=count + 1) * lesion.grid.voxel_ml
    keep: npt.NDArray[np.bool_] = sizes >= SPECK_ML
    keep[0] = False
    return Mask(part.grid, keep[labels])


def _lesion_points(lesion: Mask, bone: Mask, mesh: BoneMesh | None) -> tuple[FloatArray, float]:
    """The lesion within the bone as points, and the ml that each stands for.

    Between two masks (``mesh`` given) the outlines count as one within half of the larger voxel,
    since neither is known better.
    """
    points, point_ml = voxel_points(lesion, POINT_SPACING_MM)
    if mesh is not None:
        inside = mesh.inside(points)
        slack = 0.5 * max(float(lesion.grid.spacing_mm.max()), float(bone.grid.spacing_mm.max()))
        inside[~inside] = mesh.surface_gap(points[~inside], slack) <= slack
        points = points[inside]
    if len(points) == 0:
        raise InputError("no lesion lies in the bone that holds the head", code="lesion-outside-femur")
    return points, point_ml
