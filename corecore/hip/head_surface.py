"""The head's surface against its fitted sphere: where the mask stands out of it, and where it is missing.

A femur mask that leaks into the acetabulum lends a tunnel room that is not there. So the joint surface is the
bone surface, or the sphere where the mask stands more than 1.5 mm outside it (contract §1): bone out there is
taken off before clearances, measures and pictures are made, and the reader is told how far it stood out, over
what area and where. What is missing (labelled pelvis, not drawn) makes margins larger and the head smaller.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pykdtree.kdtree import KDTree
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from corecore.base.distance_field import Bone
from corecore.base.errors import InputError
from corecore.base.grid import BoolArray, FloatArray, Mask, transform
from corecore.hip.anatomy.head import directions
from corecore.hip.anatomy.model import Anatomy, PlanWarning
from corecore.hip.anatomy.zones import HEAD_PLANE_RADII
from corecore.hip.lesion import Lesion

#: Where the mask stands further out of the sphere than this, the sphere is the joint surface, mm (contract §1).
#: Clean heads stand out by 1.04 mm at most proximal of the head's plane (13 real masks of 0.7 to 3 mm voxels).
STANDS_OUT_MM = 1.5
#: Pelvis deeper in the sphere than a missing surface is refused above this, ml (engineering choice).
PELVIS_ML_MAX = 0.5
#: Below the sphere by more than this the surface is missing, mm: clean heads lie up to 1.5 mm below it proximal of
#: the equator across the neck axis, and up to 3.3 mm at the fovea (engineering choices).
MISSING_MM = 2.5
MISSING_AT_FOVEA_MM = 4.5
#: … proximal of this, in radii along the neck axis: below it the head falls away to the neck (engineering choice).
MISSING_FROM_RADII = 0.3
#: The fovea's usual place in the femoral frame, and the cone around it that counts as fovea where none is seen
#: (engineering choice; docs/design/signs.md). On four real heads it lies within 19° of that direction.
FOVEA = (-0.99, 0.06, 0.08)
FOVEA_HALF_ANGLE_DEG = 35.0
#: A dent is the fovea where its middle lies within the first of that direction, degrees; where, averaged over discs of
#: 3 mm, it is this deep at its edge, at least and at most at its bottom, mm; and where it has at least and at most so
#: much area, mm²: an oval of 17.7 (SD 4.0) by 13.0 (3.2) mm, up to two SD more (125 femora; PMID 28097394), of which
#: the shallow rim is not seen. On four real heads 1.5 to 2.8 mm, 93 to 276 mm² (depths: engineering choices).
FOVEA_NEAR_DEG, FOVEA_EDGE_MM, FOVEA_DEPTH_MM, FOVEA_MM2 = 25.0, 0.75, (1.0, 4.5), (30.0, 390.0)
#: … and no further from its deepest part, mm; beyond its edge so much of the head belongs to it, degrees (engineering
#: choices).
FOVEA_REACH_MM, FOVEA_RIM_DEG = 17.0, 6.0
#: Depths are averaged over a disc of this radius, mm, so that one voxel's step is none.
DISC_MM = 3.0
#: Rays over the whole sphere at which that is measured; each stands for some 2.4 mm² of a head of 24 mm radius.
RAYS = 3000
#: A smaller patch is not told, mm²: that of a disc of 3 mm radius (engineering choice).
PATCH_MM2 = 30.0
#: Patches that reach this near the head's plane, in radii along the neck axis, begin at the head-neck junction.
JUNCTION_RADII = -0.2
#: … and do not reach higher than this.
RIM_RADII = 0.5
#: A ray runs over the lesion where it meets it within this depth, mm (``subchondral_depth_mm``): what is missing
#: there is a collapse, which is a sign of its own.
SUBCHONDRAL_MM = 5.0
#: The surface is looked for up to this distance from the centre, in head radii: down the neck there is none.
SURFACE_TO = 1.3
#: Step along a ray, mm.
RADIAL_STEP_MM = 0.25
#: Calls that look up fewer places than this cost more than the places.
POINTS_AT_ONCE = 8000
#: A patch's place is told by the axes along which its middle points at least this much.
POINTS_ALONG = 0.4


@dataclass(frozen=True)
class Patch:
    """A connected part of the head's surface that lies off the sphere.

    ``extent_mm`` is the largest distance from the sphere, ``area_mm2`` the sphere's area under it, ``place`` where
    (femoral frame, in words), ``rim`` whether it keeps to the head-neck junction.
    """

    extent_mm: float
    area_mm2: float
    place: str
    rim: bool


@dataclass(frozen=True)
class Fovea:
    """The pit of the ligament on the head: where it was found, or is assumed.

    Parameters
    ----------
    direction : tuple of float
        Its middle seen from the head's centre: unit vector, femoral frame.
    half_angle_deg : float
        The cone about it that counts as fovea.
    depth_mm : float or None
        How deep it lies below the head's sphere, mean over a disc of 3 mm radius; ``None`` where it is assumed.

    References
    ----------
    Ceynowa et al. 2018, doi:10.1007/s00276-018-2097-y (107 hips: place); PMID 28097394 (125 femora: size).
    """

    direction: tuple[float, float, float]
    half_angle_deg: float
    depth_mm: float | None

    @property
    def found(self) -> bool:
        """Whether it was seen on the surface."""
        return self.depth_mm is not None

    def covers(self, femoral: FloatArray) -> BoolArray:
        """Tell which directions lead to it.

        Parameters
        ----------
        femoral : ndarray, shape (N, 3)
            Unit vectors of the femoral frame.

        Returns
        -------
        ndarray of bool, shape (N,)
            True within its half-angle.
        """
        return np.asarray(femoral @ np.asarray(self.direction) > np.cos(np.radians(self.half_angle_deg)))


def find_fovea(femoral: FloatArray, depth_mm: FloatArray, seen: BoolArray, radius_mm: float) -> Fovea:
    """The dent of the fovea's place and size in the head's surface, the deepest where there are two; else assumed.

    ``femoral`` are unit vectors (N, 3) of an even lattice over the sphere, ``depth_mm`` (N,) how far below the sphere
    the surface lies along them, averaged (:func:`disc_means`), and ``seen`` (N,) which of them the scan shows.
    """
    usual = np.asarray(FOVEA) / np.linalg.norm(FOVEA)
    found: list[Fovea] = []
    ray_mm2 = 4.0 * np.pi * radius_mm**2 / len(femoral)
    for at in connected(femoral, seen & (depth_mm > FOVEA_EDGE_MM)):
        middle = depth_mm[at] @ femoral[at]
        middle /= np.linalg.norm(middle)
        reach = float(np.degrees(np.arccos(np.clip(femoral[at] @ middle, -1.0, 1.0).min())))
        deepest = float(depth_mm[at].max())
        if (
            middle @ usual > np.cos(np.radians(FOVEA_NEAR_DEG))
            and FOVEA_DEPTH_MM[0] <= deepest <= FOVEA_DEPTH_MM[1]
            and FOVEA_MM2[0] <= len(at) * ray_mm2 <= FOVEA_MM2[1]
            and np.radians(reach) * radius_mm <= FOVEA_REACH_MM
        ):
            cone = min(reach + FOVEA_RIM_DEG, FOVEA_HALF_ANGLE_DEG)
            found.append(Fovea((float(middle[0]), float(middle[1]), float(middle[2])), cone, deepest))
    assumed = Fovea((float(usual[0]), float(usual[1]), float(usual[2])), FOVEA_HALF_ANGLE_DEG, None)
    return max(found, key=lambda fovea: fovea.depth_mm or 0.0, default=assumed)


def disc_means(rays: FloatArray, values: FloatArray, radius_mm: float, lattice: int) -> FloatArray:
    """Means (N,) of values over discs of 3 mm about rays (N, 3), part of an even lattice of so many over the sphere."""
    reach = DISC_MM / radius_mm
    most = min(len(rays), int(np.ceil(0.25 * reach**2 * lattice * 1.5)) + 4)
    apart, near = KDTree(rays).query(rays, k=most)
    weight = (apart.reshape(len(rays), most) <= reach).astype(np.float64)
    return np.asarray((values[near.reshape(len(rays), most)] * weight).sum(axis=1) / weight.sum(axis=1))


def surface_along(bone: Bone, center: FloatArray, rays: FloatArray, radius_mm: float) -> FloatArray:
    """Distance from ``center`` (3,) to the bone surface along unit vectors (N, 3), mm.

    The last point in bone up to 1.3 radii: a pit of the fovea or a cyst on the way does not end
    the ray. A ray that never leaves bone there gives 1.3 radii, one that never meets bone 0.
    """
    steps = np.arange(0.0, SURFACE_TO * radius_mm + RADIAL_STEP_MM, RADIAL_STEP_MM)[::-1]
    # The outermost step in bone; -1 for a ray that never meets it.
    meets = np.full(len(rays), -1)
    left = np.arange(len(rays))
    # From outside inward, each ray only until it meets bone; of few rays several steps at once.
    taken = 0
    while taken < len(steps) and len(left):
        block = steps[taken : taken + max(1, POINTS_AT_ONCE // len(left))]
        points = center + block[:, None, None] * rays[left]
        met = bone.inside(points.reshape(-1, 3)).reshape(len(block), len(left))
        found = met.any(axis=0)
        meets[left[found]] = taken + np.argmax(met[:, found], axis=0)
        left = left[~found]
        taken += len(block)
    result = np.where(meets == 0, steps[0], 0.0)
    # What is bone at the outermost step ends nowhere before it.
    ends = np.flatnonzero(meets > 0)
    inner, beyond = (bone.distance(center + steps[meets[ends] - before, None] * rays[ends]) for before in (0, 1))
    result[ends] = steps[meets[ends]] + inner / np.maximum(inner - beyond, 1e-9) * RADIAL_STEP_MM
    return result


def beyond_joint(bone: Bone, voxels: BoolArray, anatomy: Anatomy) -> BoolArray:
    """The bone voxels that lie outside the joint surface, same shape as ``voxels``.

    Those proximal of the head's plane and outside the sphere, along whose ray from the head's centre the bone
    surface stands more than 1.5 mm outside the sphere.
    """
    result = np.zeros_like(voxels)
    center, radius = anatomy.head_center, anatomy.head_radius_mm
    limit = radius + STANDS_OUT_MM
    surface = bone.surface_points_mm - center
    far = np.einsum("ij,ij->i", surface, surface) > limit**2
    if not np.any(surface[far] @ anatomy.neck_axis >= -HEAD_PLANE_RADII * radius):
        return result
    at = np.argwhere(voxels)
    offset = at * bone.spacing_mm - center
    size = np.linalg.norm(offset, axis=1)
    outside = (size > radius) & (offset @ anatomy.neck_axis >= -HEAD_PLANE_RADII * radius)
    at, offset, size = at[outside], offset[outside], size[outside]
    leaks = surface_along(bone, center, offset / size[:, None], radius) > limit
    result[tuple(at[leaks].T)] = True
    return result


def examine_head(bone: Bone, lesion: Lesion, anatomy: Anatomy, voxel_mm: float) -> list[PlanWarning]:
    """A warning where the head's surface stands out of its sphere or is missing.

    ``bone`` is that of the mask as it came; ``voxel_mm`` the edge of a cube as large as one of its voxels: within a
    voxel no outline is known.
    """
    center, radius = anatomy.head_center, anatomy.head_radius_mm
    rays = directions(RAYS)
    surface = surface_along(bone, center, rays, radius)
    up = rays @ anatomy.neck_axis
    # Where the scan cuts the bone, it ends because the picture does.
    shown = bone.distance_to_cut(center + np.maximum(surface, radius)[:, None] * rays) > 2.0 * float(
        bone.spacing_mm.max()
    )
    shown &= bone.distance(center + radius * rays) > -900.0
    off = surface - radius
    out = shown & (surface * up >= -HEAD_PLANE_RADII * radius) & (off > max(STANDS_OUT_MM, voxel_mm))
    femoral = rays @ anatomy.femoral_from_local[:3, :3].T
    seen = shown & (up >= MISSING_FROM_RADII)
    fovea = find_fovea(femoral, disc_means(rays, -off, radius, RAYS), seen, radius)
    lowest = np.where(fovea.covers(femoral), MISSING_AT_FOVEA_MM, MISSING_MM)
    gone = seen & (off < -np.maximum(lowest, voxel_mm)) & ~_over_lesion(lesion, center, rays, surface)
    parts = []
    if found := _patches(rays, femoral, out, off, up, radius):
        what = (
            "osteophytes at the head-neck junction do, or a mask drawn too wide"
            if all(patch.rim for patch in found)
            else "a mask that leaks into the acetabulum does"
        )
        parts.append(f"lies outside it by {_told(found)}, as {what}; there the sphere counts as the joint surface")
    if found := _patches(rays, femoral, gone, off, up, radius):
        loaded = any("superior" in patch.place for patch in found)
        parts.append(
            f"is missing inside it by {_told(found)}, as where {'the head has flattened, or ' * loaded}bone is labelled"
            " pelvis or not drawn; the head's volume is too small and shares of it too large"
        )
    if not parts:
        return []
    text = f"the head's surface is not where its sphere of {radius:.1f} mm is: it " + ", and ".join(parts)
    return [PlanWarning("head_surface", text + "; check the femur mask there")]


def refuse_pelvis_in_head(pelvis: Mask, anatomy: Anatomy, local_from_world: FloatArray) -> None:
    """Raise ``InputError`` where the pelvis (world RAS mm) fills part of the head's sphere, which is the femur's."""
    center, radius = anatomy.head_center, anatomy.head_radius_mm
    deep = radius - np.linalg.norm(transform(local_from_world, pelvis.positions_mm()) - center, axis=1)
    volume = float(np.count_nonzero(deep > MISSING_MM)) * pelvis.grid.voxel_ml
    if volume > PELVIS_ML_MAX:
        raise InputError(
            f"{volume:.1f} ml of the head's sphere of {radius:.1f} mm are labelled pelvis, up to {deep.max():.0f} mm"
            f" deep; up to {PELVIS_ML_MAX:g} ml deeper than {MISSING_MM:g} mm are accepted: label that part femur"
            " (or does the pelvis mask hold the femur, or lie in another frame?)",
            code="head-labelled-pelvis",
        )


def _over_lesion(lesion: Lesion, center: FloatArray, rays: FloatArray, surface: FloatArray) -> BoolArray:
    met = np.zeros(len(rays), dtype=bool)
    for below in np.arange(0.5, SUBCHONDRAL_MM, 0.5):
        met |= lesion.covers(center + (surface - below)[:, None] * rays)
    return met


def _patches(
    rays: FloatArray, femoral: FloatArray, chosen: BoolArray, off: FloatArray, up: FloatArray, radius: float
) -> list[Patch]:
    """Connected patches of the chosen rays, largest first."""
    ray_mm2 = 4.0 * np.pi * radius**2 / RAYS
    found = []
    for mine in connected(rays, chosen):
        if len(mine) * ray_mm2 < PATCH_MM2:
            continue
        rim = bool(up[mine].min() < JUNCTION_RADII and up[mine].max() < RIM_RADII)
        found.append(
            Patch(float(np.abs(off[mine]).max()), len(mine) * ray_mm2, place_on_head(femoral[mine].mean(axis=0)), rim)
        )
    return sorted(found, key=lambda patch: -patch.area_mm2)


def connected(rays: FloatArray, chosen: BoolArray) -> list[npt.NDArray[np.intp]]:
    """The indices of each connected part of the chosen rays (N, 3) of an even lattice over the whole sphere."""
    at = np.flatnonzero(chosen)
    if len(at) == 0:
        return []
    # Neighbours on the lattice lie within 1.5 of its mean spacing.
    pairs = cKDTree(rays[at]).query_pairs(1.5 * np.sqrt(4.0 * np.pi / len(rays)), output_type="ndarray")
    links = coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(at), len(at)))
    count, label = connected_components(links, directed=False)
    return [at[label == number] for number in range(count)]


def place_on_head(direction: FloatArray) -> str:
    """A direction of the femoral frame (3,) in words, as ``anterior superior medial``."""
    unit = direction / max(float(np.linalg.norm(direction)), 1e-12)
    words = [
        more if unit[axis] > 0.0 else less
        for axis, more, less in ((1, "anterior", "posterior"), (2, "superior", "inferior"), (0, "lateral", "medial"))
        if abs(unit[axis]) >= POINTS_ALONG
    ]
    return " ".join(words)


def _told(found: list[Patch]) -> str:
    return " and ".join(f"{patch.extent_mm:.1f} mm over {patch.area_mm2:.0f} mm² ({patch.place})" for patch in found)
