"""The foci, counted anew: connected pieces of the mask, their volumes, places and what bores remove of them."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from corecore.base.grid import BoolArray, FloatArray, transform
from corecore.document.stated import StatedPlan
from corecore.verification import tolerance
from corecore.verification.frame import Frame
from corecore.verification.hip import Hip
from corecore.verification.report import Check, at_most, equal

#: A piece further than this outside the head's sphere is none of the head, mm (contract §1).
AWAY_MM = 3.0
#: Half the thickness of the slab in which a section is counted, and the step from slab to slab, mm.
SLAB_HALF_MM, SLAB_STEP_MM = 1.0, 0.25


def foci_checks(plan: StatedPlan, hip: Hip, frame: Frame, removed: BoolArray | None = None) -> list[Check]:
    """Every stated focus against the piece whose centre of mass lies nearest, and how many there are.

    ``removed`` (N,): which of the lesion's points lie in a bore.
    """
    stated = plan.necrosis.foci
    if not stated:
        return []
    points, slack = hip.lesion_points_mm, tolerance.fraction(hip.bone.grid.spacing_mm)
    pieces = [piece for piece in _pieces(hip) if _near_head(points[piece], frame)]
    checks = [equal("necrosis.components (number)", float(len(stated)), float(len(pieces)), 0.0, "")]
    if not pieces:
        return checks
    centers = np.array([points[piece].mean(axis=0) for piece in pieces])
    checks += _plane_checks(plan, frame, points[max(pieces, key=np.count_nonzero)])
    for index, focus in enumerate(stated):
        name = f"necrosis.components[{index}]"
        gaps = np.linalg.norm(centers - focus.centroid, axis=1)
        piece = pieces[int(np.argmin(gaps))]
        volume = float(np.count_nonzero(piece)) * hip.point_ml
        checks += [
            equal(f"{name}.centroid", 0.0, float(gaps.min()), tolerance.CENTROID_MM, "mm"),
            equal(f"{name}.volume_ml", focus.volume_ml, volume, tolerance.volume_ml(volume), "ml"),
            equal(f"{name}.octant", 0.0, _beyond(focus.octant, frame, centers[int(np.argmin(gaps))]), 0.0, "mm"),
        ]
        if index:
            before = stated[index - 1].volume_ml
            checks.append(at_most(f"{name}.volume_ml (not above the one before)", before, focus.volume_ml, 1e-6, "ml"))
        if removed is not None and index < len(plan.foci_removed):
            share = float(np.mean(removed[piece]))
            # A small focus has few points: as much of its volume as two roads differ by in the whole.
            limit = max(slack, min(1.0, slack * hip.lesion_ml / max(volume, 1e-9)))
            checks.append(equal(f"totals.foci_removed_fraction[{index}]", plan.foci_removed[index], share, limit, ""))
    return checks


def _plane_checks(plan: StatedPlan, frame: Frame, points: FloatArray) -> list[Check]:
    """Each mid-plane's section of the largest focus over its largest parallel one, by slabs of twice ``SLAB_HALF_MM``.

    Points stand in rows: sections differ by what a row more or less holds.
    """
    checks = []
    for name, axis in (("coronal", 1), ("sagittal", 0)):
        stated = plan.necrosis.plane_shares.get(name)
        if stated is None:
            continue
        places = frame.femoral(points)[:, axis]
        middles = np.append(np.arange(places.min(), places.max() + SLAB_STEP_MM, SLAB_STEP_MM), 0.0)
        held = [int(np.count_nonzero(np.abs(places - middle) <= SLAB_HALF_MM)) for middle in middles]
        checks.append(equal(f"necrosis.plane_shares.{name}", stated, held[-1] / max(held), tolerance.PLANE_SHARE, ""))
    return checks


def _pieces(hip: Hip) -> list[BoolArray]:
    """Which of the lesion's points lie in each connected piece."""
    labels, count = ndimage.label(hip.lesion.voxels, structure=np.ones((3, 3, 3), dtype=bool))
    index = np.rint(transform(hip.lesion.grid.index_from_world, hip.lesion_points_mm)).astype(int)
    of = labels[tuple(np.clip(index, 0, np.array(hip.lesion.grid.shape) - 1).T)]
    found = [np.asarray(of == number) for number in range(1, count + 1)]
    return [piece for piece in found if piece.any()]


def _near_head(points: FloatArray, frame: Frame) -> bool:
    return bool(np.linalg.norm(points - frame.center, axis=1).min() <= frame.radius_mm + AWAY_MM)


def _beyond(octant: str, frame: Frame, place: FloatArray) -> float:
    """How far a place (3,) lies outside an octant by name, mm; 0 within what a centre of mass is known to."""
    lateral, anterior, proximal = frame.femoral(place[None])[0]
    signs = (
        anterior if octant[0] == "A" else -anterior,
        proximal if octant[1] == "S" else -proximal,
        lateral if octant[2] == "L" else -lateral,
    )
    outside = max(0.0, -float(min(signs)))
    return 0.0 if outside <= tolerance.CENTROID_MM else outside
