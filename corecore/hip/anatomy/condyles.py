"""The posterior condylar line: of a whole femur, or of a block of slices through its knee."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress

import numpy as np
from scipy import ndimage

from corecore.base.distance_field import surface_points
from corecore.base.errors import InputError
from corecore.base.grid import FloatArray, Mask, transform
from corecore.base.resampling import near_isotropic
from corecore.hip.anatomy.frame import ANTEVERSION_DEG
from corecore.hip.anatomy.shaft import Shaft

#: Condyles are looked for further than this from the shaft's point, mm: femora are 370 to 510 mm long.
CONDYLES_BEYOND_MM = 180.0
#: … and a knee not further than this: nothing of a femur lies there (engineering choice).
KNEE_WITHIN_MM = 520.0
#: … in the bone's lowest part, mm high.
CONDYLES_HEIGHT_MM = 35.0
#: A pair of condyles touches a table behind at two points this far apart, mm (engineering choice).
CONDYLES_APART_MM = (30.0, 75.0)
#: … and is this wide, mm: a shaft is under 40, and two knees are wider.
CONDYLES_WIDTH_MM = (55.0, 115.0)
#: Between the two the bone lies in front of the line by more than this, mm: the fossa, 5 to 14 at every level of one
#: real femur's condyles (engineering choice).
FOSSA_MM = 3.0
#: Most that anteversion turns the neck from the condyles' line, degrees: −24 to 49 (PMC4775021).
VERSION_RANGE_DEG = (-30.0, 60.0)
#: Where a condyle is cut, its back must not run on behind by more than this, mm per mm: of a condyle of 20 mm radius
#: the cut then takes off under 1 mm, and the line turns by about 1° (engineering choice).
RUNS_ON_MAX = 0.3
#: … seen over so much of its height at the cut, mm, and over two slices at least: a knee shows this.
RUN_MM = 5.0
#: … within so much beside the point of contact, and in front of it, mm (engineering choices).
BESIDE_MM, BEFORE_MM = 8.0, 10.0
#: A knee's pieces lie this near to the shaft's line, to the side, mm; 3 on one real femur, and two knees are over
#: 120 apart (engineering choice).
KNEE_BESIDE_MM = 60.0
#: … and never further than this, however uncertain the line is, mm (engineering choice).
KNEE_BESIDE_MAX_MM = 90.0
#: A piece of a knee's mask smaller than this is none, ml.
PIECE_MIN_ML = 0.2
#: Voxels by which a block's end slices are carried on, so that smoothing does not round them off.
CARRIED_ON = 4


@dataclass(frozen=True, eq=False)
class Piece:
    """Surface of a connected piece of bone: ``points`` (N, 3) local mm, ``levels`` (N,) mm square on its slices.

    ``slice_mm`` is how thick the slices are on which it was drawn.
    """

    points: FloatArray
    levels: FloatArray
    slice_mm: float = 0.0


def knee_pieces(mask: Mask, local_from_world: FloatArray) -> tuple[Piece, ...]:
    """The pieces of a mask of the distal femur (world RAS mm), in the local frame of its hip.

    A slice at the end of the block is no end of the bone: it has no surface.
    """
    drawn = mask.canonical()
    mask = near_isotropic(drawn.cropped(*drawn.bounds()))
    labels, _ = ndimage.label(mask.voxels, structure=np.ones((3, 3, 3)))
    spacing = mask.grid.spacing_mm
    pieces = []
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        voxels = labels[box] == number
        if np.count_nonzero(voxels) * mask.grid.voxel_ml < PIECE_MIN_ML:
            continue
        room = ((CARRIED_ON, CARRIED_ON), (CARRIED_ON, CARRIED_ON), (0, 0))
        carried = np.pad(np.pad(voxels, room), ((0, 0), (0, 0), (CARRIED_ON, CARRIED_ON)), mode="edge")
        index = surface_points(carried, spacing) / spacing - CARRIED_ON
        index = index[(index[:, 2] >= -0.5) & (index[:, 2] <= voxels.shape[2] - 0.5)]
        index = index + [one.start for one in box]
        points = transform(local_from_world @ mask.grid.world_from_index, index)
        pieces.append(Piece(points, index[:, 2] * spacing[2], float(drawn.grid.spacing_mm[2])))
    return tuple(pieces)


def condylar_axis(points: FloatArray, shaft: Shaft, lateral: FloatArray) -> FloatArray | None:
    """Lateral unit vector along the posterior condylar line; ``None`` where no condyles are in view.

    ``points`` (N, 3) lie on the bone's surface, ``lateral`` is a first guess.
    """
    if float(((points - shaft.point) @ shaft.axis).min()) > -CONDYLES_BEYOND_MM:
        return None
    found = _line(Piece(points, points[:, 2]), shaft, lateral)
    return None if isinstance(found, str) else found


def knee_axis(knee: Sequence[Piece], shaft: Shaft, lateral: FloatArray, range_deg: float) -> FloatArray:
    """Lateral unit vector along the posterior condylar line of a block of slices through the knee.

    ``range_deg`` says how far off the shaft's axis may be. Raises ``InputError`` where the block is not distal of this
    femur, lies beside its shaft's line, or does not show the backs of both condyles.
    """
    depths = [-float(((piece.points - shaft.point) @ shaft.axis).min()) for piece in knee]
    within = [CONDYLES_BEYOND_MM < depth < KNEE_WITHIN_MM for depth in depths]
    distal = list(compress(knee, within))
    if not distal:
        if not knee:
            raise _refused(f"it has no piece of {PIECE_MIN_ML:g} ml or more")
        raise _refused(
            f"it ends {max(depths):.0f} mm distal of the proximal shaft's middle; {CONDYLES_BEYOND_MM:g} to"
            f" {KNEE_WITHIN_MM:g} mm is accepted"
        )
    beside = [_beside(piece, shaft, lateral) for piece in distal]
    drop = float(np.mean(list(compress(depths, within))))
    limit = min(KNEE_BESIDE_MM + np.tan(np.radians(range_deg)) * drop, KNEE_BESIDE_MAX_MM)
    near = [piece for piece, off in zip(distal, beside, strict=True) if off <= limit]
    if not near:
        raise _refused(
            f"it lies {min(beside):.0f} mm beside the line of this femur's shaft, as the other leg's knee does;"
            f" up to {limit:.0f} mm is accepted"
        )
    points, levels = (np.concatenate([getattr(one, name) for one in near]) for name in ("points", "levels"))
    whole = Piece(points, levels, near[0].slice_mm)
    found = _line(whole, shaft, lateral)
    if isinstance(found, str):
        raise _refused(f"{found}; slices through the backs of both condyles, {RUN_MM:g} mm and more, are accepted")
    return found


def _refused(what: str) -> InputError:
    return InputError(f"the knee's mask shows no posterior condylar line of this femur: {what}", code="knee-unusable")


def _lowest(piece: Piece, shaft: Shaft) -> Piece:
    along = (piece.points - shaft.point) @ shaft.axis
    kept = along < along.min() + CONDYLES_HEIGHT_MM
    return Piece(piece.points[kept], piece.levels[kept], piece.slice_mm)


def _beside(piece: Piece, shaft: Shaft, lateral: FloatArray) -> float:
    """How far the middle of a piece's distal end lies beside the shaft's line, to either side, mm."""
    across = (_lowest(piece, shaft).points - shaft.point) @ lateral
    return abs(0.5 * float(across.min() + across.max()))


def _line(piece: Piece, shaft: Shaft, lateral: FloatArray) -> FloatArray | str:
    """The line's lateral unit vector, or why there is none.

    The line is the long edge at the back of the convex outline of the bone's distal end, seen along the shaft.
    """
    anterior = np.cross(shaft.axis, lateral)
    distal = _lowest(piece, shaft)
    flat = np.column_stack([(distal.points - shaft.point) @ lateral, (distal.points - shaft.point) @ anterior])
    from scipy.spatial import ConvexHull, QhullError  # a third of a second to load, and few scans show condyles

    try:
        outline = flat[ConvexHull(flat).vertices]
    except (QhullError, ValueError):
        return "its outline has no area"
    edges = np.roll(outline, -1, axis=0) - outline
    length = np.linalg.norm(edges, axis=1)
    # The outline runs anticlockwise: at the back it goes from medial to lateral.
    direction = np.degrees(np.arctan2(edges[:, 1], edges[:, 0]))
    behind = (length > CONDYLES_APART_MM[0]) & (length < CONDYLES_APART_MM[1])
    behind &= (direction > VERSION_RANGE_DEG[0] - ANTEVERSION_DEG) & (
        direction < VERSION_RANGE_DEG[1] - ANTEVERSION_DEG
    )
    if not behind.any():
        return "nothing behind touches a table at two points, as a pair of condyles does"
    longest = int(np.flatnonzero(behind)[np.argmax(length[behind])])
    edge, apart = edges[longest] / length[longest], float(length[longest])
    # From the medial point of contact: along the line, and in front of it.
    along, before = (flat - outline[longest]) @ edge, (flat - outline[longest]) @ [-edge[1], edge[0]]
    width = float(np.ptp(along))
    if not CONDYLES_WIDTH_MM[0] <= width <= CONDYLES_WIDTH_MM[1]:
        return f"it is {width:.0f} mm wide, and two condyles are {CONDYLES_WIDTH_MM[0]:g} to {CONDYLES_WIDTH_MM[1]:g}"
    between = before[(along > apart / 3.0) & (along < 2.0 * apart / 3.0)]
    if len(between) and float(between.min()) < FOSSA_MM:
        return "no fossa parts two condyles behind"
    for name, at in (("medial", 0.0), ("lateral", apart)):
        condyle = (np.abs(along - at) < BESIDE_MM) & (before < BEFORE_MM)
        said = _cut_off(distal.levels[condyle], before[condyle], max(RUN_MM, 2.0 * piece.slice_mm))
        if said:
            return f"the {name} condyle {said}"
    return np.asarray(edge[0] * lateral + edge[1] * anterior, dtype=np.float64)


def _cut_off(levels: FloatArray, before: FloatArray, run_mm: float) -> str:
    """What is amiss with the back of a condyle that is in view in part; nothing where its hindmost point is in view.

    How its back runs on is seen over ``run_mm`` at either end.
    """
    low, high = float(levels.min()), float(levels.max())
    if high - low < run_mm - 1.0:
        return f"shows over {high - low:.0f} mm only behind"
    hindmost = float(levels[np.argmin(before)])
    for end, outward in ((low, -1.0), (high, 1.0)):
        inward = (end - levels) * outward
        if (end - hindmost) * outward > run_mm:
            continue
        rows = np.floor(inward).astype(int)
        backs = [
            (inward[rows == row].mean(), before[rows == row].min()) for row in range(int(run_mm)) if (rows == row).any()
        ]
        at, back = np.transpose(backs)
        if len(backs) > 1 and float(np.polyfit(at, back, 1)[0]) > RUNS_ON_MAX:
            return "is cut where its back runs on behind, so that its hindmost point is not in view"
    return ""
