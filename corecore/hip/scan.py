"""What the scan shows of the hip: where its edge cuts the head or the lesion, and how coarse its voxels are."""

from __future__ import annotations

import numpy as np
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from corecore.base.distance_field import PIT_ALLOWANCE_VOXELS, Bone
from corecore.base.grid import FloatArray, Mask, transform
from corecore.hip.anatomy.head import directions
from corecore.hip.anatomy.model import Anatomy, PlanWarning
from corecore.hip.head_surface import surface_along
from corecore.hip.lesion import Lesion

#: Slices up to this are held to the figures' accuracy, mm (contract §5).
SLICE_MM_MAX = 3.5
#: Slices that a mask repeats are not interpolated, as thick ones are: their steps stay in the surface, and are told
#: from this height on, mm (engineering choice: a step of 2 mm moves a surface by a millimetre).
STEP_MM_TOLD = 2.0
#: Fewest slices on which that is judged.
STEP_SLICES = 6
#: A head's surface is rough from this on, mm, over a quarter of it. Clean masks of real hips, of voxels of 0.8 to 1 mm,
#: have 0.05 to 0.06; one of 0.8 mm with steps of 2 mm has 0.13 to 0.16, of 3 mm 0.26 to 0.29, along an axis and at two
#: oblique angles; voxels of 1 mm, smoothed more, reach 0.12 with steps of 3 mm (engineering choice).
ROUGH_MM = 0.105
#: It is looked at along so many rays, each with so many about it (some 4 mm), where it lies this near the sphere, mm.
ROUGH_RAYS, ROUGH_NEIGHBOURS, ROUGH_OFF_MM = 3000, 20, 2.5
#: Pits of the mask are told where a smooth surface would overstate clearances by this, mm: more than two
#: reconstructions of one surface differ by (engineering choice).
PIT_MM_TOLD = 0.4
#: … and where tunnels may run: no further distal of the lesser trochanter's level, mm.
PIT_DISTAL_MM = 20.0
#: Points of pits this near to each other are one place, mm.
PIT_PLACE_MM = 3.0
#: On voxels over this, mm, as on the coarsest CT that is drafted from, a mask's leak into the joint can pass for bone.
VOXEL_MM_MAX = 2.0
#: … when it is as thick as this many voxels: 3 mm over 60° moved the sphere of real heads by 2.5 to 3.5 mm at 2.4 mm,
#: 5 mm over 60° by 3.4 to 4.1 mm at 3.2 mm (docs/validation.md; engineering choice).
LEAK_VOXELS = 2.0
#: A cut smaller than this is not told, mm²: that of a disc of some 2 mm radius (engineering choice).
CUT_MM2 = 12.0
#: A file that ends with its lesion on both sides was cropped to it; there a face counts as a cut when it holds at least
#: this share of the lesion's largest slice and the lesion at least so many slices (engineering choices).
FLAT_SHARE, FLAT_SLICES = 0.6, 5
#: … and in any file when bone goes on beyond this share of the face.
BONE_SHARE = 0.5

#: Codes of the warnings after which the measures are lower bounds.
LOWER_BOUND = ("head_cut_by_scan", "lesion_cut_by_scan")


def cut_by_scan(bone: Bone, lesion: Lesion, anatomy: Anatomy, drawn: Mask) -> list[PlanWarning]:
    """Warnings where the edge of the scan cuts the head or the lesion.

    ``drawn`` is the lesion as its file has it, on a grid that leads to the local frame: its own file may be the one
    whose edge cuts. A shaft cut by the last slice is how a scan of a hip ends.
    """
    found = []
    cut = _in_head(bone.cut_points_mm, anatomy)
    area = cut * _face_mm2(bone)
    if area >= CUT_MM2:
        text = (
            f"the edge of the scan cuts the head ({area:.0f} mm²): the measures are lower bounds, no class of size or"
            " location is given, and the rest is unknown; use a scan that shows the whole head"
        )
        found.append(PlanWarning("head_cut_by_scan", text))
    # Sample points within a voxel of where the edge cuts the bone stand for a layer of that thickness.
    layer = float(bone.spacing_mm.max())
    near = bone.distance_to_cut(lesion.points_mm) <= layer
    area = max(float(np.count_nonzero(near)) * lesion.point_ml * 1000.0 / layer, _own_file_mm2(bone, drawn))
    if area >= CUT_MM2:
        text = (
            f"the edge of the scan, or of the lesion's own file, cuts the lesion ({area:.0f} mm²): the measures are"
            " lower bounds and no class of size or location is given; use masks that hold the whole lesion"
        )
        found.append(PlanWarning("lesion_cut_by_scan", text))
    return found


def thick_slices(femur: Mask, lesion: Mask) -> list[PlanWarning]:
    """A warning where a mask's slices are thicker than those that the figures' accuracy was shown for.

    Or where it was drawn on thick slices and each was repeated on thin ones.
    """
    thickest = {
        "femur": float(femur.grid.spacing_mm.max()),
        "lesion": float(lesion.grid.spacing_mm.max()),
    }
    told = [f"the {name}'s are {mm:.1f} mm" for name, mm in thickest.items() if mm > SLICE_MM_MAX]
    steps = {"femur": _step_mm(femur, lesion), "lesion": _step_mm(lesion, lesion)}
    stairs = [
        f"the {name}'s surface has steps of {mm:.1f} mm" for name, mm in steps.items() if mm >= STEP_MM_TOLD - 1e-6
    ]
    if stairs:
        text = (
            f"slices repeated on a finer grid: {' and '.join(stairs)}, which are no anatomy; margins and volumes are"
            " not held to the accuracy stated; use the mask on the slices it was drawn on"
        )
        return [PlanWarning("thick_slices", text)]
    if not told:
        return []
    text = (
        f"slices over {SLICE_MM_MAX:g} mm: {' and '.join(told)}; surface and lesion between them are interpolated, and"
        f" margins and volumes are not held to the accuracy stated for slices up to {SLICE_MM_MAX:g} mm"
    )
    return [PlanWarning("thick_slices", text)]


def _step_mm(mask: Mask, lesion: Mask) -> float:
    """Height of the steps of a mask that repeats its slices, where the lesion lies, mm; 0 where each slice is its own.

    Of a shaft two slices may well be alike, of a head hardly.
    """
    inside = transform(mask.grid.index_from_world, lesion.positions_mm())
    low = np.clip(np.floor(inside.min(axis=0)), 0, np.array(mask.grid.shape) - 1).astype(int)
    high = np.clip(np.ceil(inside.max(axis=0)), 0, np.array(mask.grid.shape) - 1).astype(int)
    highest = 0.0
    for axis in range(3):
        part = np.moveaxis(np.take(mask.voxels, np.arange(low[axis], high[axis] + 1), axis=axis), axis, 0)
        if len(part) < STEP_SLICES:
            continue
        changes = np.flatnonzero(np.any(part[1:] != part[:-1], axis=(1, 2)))
        # The first and the last step may be cut short.
        height = float(np.median(np.diff(changes))) if len(changes) >= 3 else 0.0
        if height >= 2.0:
            highest = max(highest, height * float(mask.grid.spacing_mm[axis]))
    return highest


def rough_surface(bone: Bone, anatomy: Anatomy, femur: Mask) -> list[PlanWarning]:
    """A warning where a quarter of the head's surface and more is rough, as of a mask resampled from thicker slices.

    Steps that lie along no axis of the file are in no two slices alike, and show in the surface alone.
    """
    if float(femur.grid.spacing_mm.max()) >= STEP_MM_TOLD:
        # As coarse as such steps itself; ``thick_slices`` and ``coarse_voxels`` tell that.
        return []
    rough_mm = roughness_mm(bone, anatomy)
    if rough_mm is None or rough_mm < ROUGH_MM:
        return []
    text = (
        f"the head's surface is rough by {rough_mm:.2f} mm and more over a quarter of it, as of a mask resampled from"
        " slices of some 2 mm and more, whose steps are no anatomy; margins are not held to the accuracy stated, and"
        " the search may miss narrow ways between them; use the mask on the slices it was drawn on"
    )
    return [PlanWarning("rough_surface", text)]


def pitted_surface(bone: Bone, anatomy: Anatomy) -> list[PlanWarning]:
    """A warning where the mask has pits, where tunnels may run, that a smooth surface would close.

    Clearances are measured to them (``Bone.pits_mm``); whether they are bone's or the mask's, only the image tells.
    """
    above = (bone.pits_mm - anatomy.head_center) @ anatomy.shaft_axis - anatomy.lesser_trochanter_height_mm
    near = above >= -PIT_DISTAL_MM
    pits, depths = bone.pits_mm[near], bone.pit_depths_mm[near]
    if len(pits) == 0 or depths.max() < PIT_MM_TOLD:
        return []
    places = connected_components(cKDTree(pits).sparse_distance_matrix(cKDTree(pits), PIT_PLACE_MM), directed=False)[0]
    left = PIT_ALLOWANCE_VOXELS * float(bone.spacing_mm.max())
    text = (
        f"the femur mask has pits up to {depths.max():.1f} mm deep in {places} place(s), narrower than its surface can"
        f" show; clearances are measured to them, to within {left:.2f} mm, and margins kept; look at the mask on the"
        " images, and fill what is no pit of the bone"
    )
    return [PlanWarning("surface_pits", text)]


def roughness_mm(bone: Bone, anatomy: Anatomy) -> float | None:
    """By how much the head's surface departs from a smooth one: three quarters of it by less, mm.

    About each of many rays a quadratic is fitted to where the nearest rays meet the surface; the departure is their
    root mean square from it. ``None`` where too little of the surface lies near the sphere.
    """
    radius, rays = anatomy.head_radius_mm, directions(ROUGH_RAYS)
    away = surface_along(bone, anatomy.head_center, rays, radius)
    near = np.abs(away - radius) < ROUGH_OFF_MM
    rays, away = rays[near], away[near]
    if len(rays) < ROUGH_RAYS // 8:
        return None
    chord, nearest = cKDTree(rays).query(rays, k=ROUGH_NEIGHBOURS)
    # At the edge of what is near the sphere, neighbours lie to one side and far.
    whole = chord[:, -1] < 1.25 * np.median(chord[:, -1])
    normal, nearest = rays[whole], nearest[whole]
    beside = np.where(np.abs(normal[:, [0]]) < 0.8, [[1.0, 0.0, 0.0]], [[0.0, 1.0, 0.0]])
    first = np.cross(normal, beside)
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    offset = rays[nearest] - normal[:, None]
    u, v = np.einsum("nkj,nj->nk", offset, first), np.einsum("nkj,nj->nk", offset, np.cross(normal, first))
    terms = np.stack([np.ones_like(u), u, v, u * u, u * v, v * v], axis=-1)
    met = away[nearest]
    fitted = np.einsum("nki,ni->nk", terms, np.einsum("nij,nj->ni", np.linalg.pinv(terms), met))
    free = ROUGH_NEIGHBOURS - terms.shape[-1]
    return float(np.percentile(np.sqrt(np.sum((met - fitted) ** 2, axis=1) / free), 75.0))


def coarse_voxels(femur: Mask) -> list[PlanWarning]:
    """A warning where the femur's voxels (as cubes of their volume) are too coarse for a leak to be told from bone."""
    voxel_mm = float(np.cbrt(np.prod(femur.grid.spacing_mm)))
    if voxel_mm <= VOXEL_MM_MAX:
        return []
    text = (
        f"the femur mask has voxels of {voxel_mm:.1f} mm: where it leaks into the joint by up to"
        f" {LEAK_VOXELS * voxel_mm:.0f} mm, the leak may count as part of the head, and tunnels then lie that much"
        " nearer to the joint than stated; overlay the mask on the images, or use a finer scan (up to"
        f" {VOXEL_MM_MAX:g} mm)"
    )
    return [PlanWarning("coarse_voxels", text)]


def _in_head(points: FloatArray, anatomy: Anatomy) -> int:
    return int(np.count_nonzero(anatomy.in_head(points))) if len(points) else 0


def _face_mm2(bone: Bone) -> float:
    """Area that a cut point stands for, mm²; voxels are near-isotropic here."""
    return float(np.cbrt(np.prod(bone.spacing_mm))) ** 2


def _own_file_mm2(bone: Bone, drawn: Mask) -> float:
    """Largest area of lesion on a face of its own file beyond which there is bone, mm²."""
    spacing, voxels = drawn.grid.spacing_mm, drawn.voxels
    largest = 0.0
    for axis in range(3):
        others = tuple(a for a in range(3) if a != axis)
        per_slice = np.count_nonzero(voxels, axis=others)
        pixel = float(np.prod(spacing) / spacing[axis])
        both = bool(per_slice[0] and per_slice[-1])
        for end, step in ((0, -1.0), (voxels.shape[axis] - 1, 1.0)):
            area = float(per_slice[end]) * pixel
            if area <= largest:
                continue
            flat = per_slice[end] >= FLAT_SHARE * per_slice.max() and np.count_nonzero(per_slice) >= FLAT_SLICES
            if both and not flat:
                continue
            at = np.argwhere(np.take(voxels, [end], axis=axis)).astype(np.float64)
            at[:, axis] = end + step
            if np.mean(bone.inside(transform(drawn.grid.world_from_index, at))) >= BONE_SHARE:
                largest = area
    return largest
