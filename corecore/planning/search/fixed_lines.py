"""Lines where entry or direction is fixed, and the best of them: two numbers of a line are free.

The best tunnel stands on several limits at once, so of the lines along its own direction only those within a hundredth
of a millimetre may keep them all. No mesh meets such a speck by chance: meshes get finer about lines that keep all
limits when these are eased by what may change within a mesh, and narrow down on what keeps them uneased.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from corecore.base.grid import FloatArray
from corecore.planning.search.batched import evaluate_many
from corecore.planning.search.line_geometry import fine_ring, ring_points
from corecore.planning.search.problem import Problem
from corecore.tunnels.figures import RING_STEP_MM

#: Mesh of the lines left: two numbers are free, so it can be fine.
OFFSET_STEP_MM, SLOPE_STEP, SLOPE_MAX = 0.25, 0.006, 1.2
#: Where both are fixed, the width across the line within which it is looked for, mm: an entry and a direction that
#: are rounded in a file lie off the tunnel's by some ten-thousandths.
BOTH_WIDTH_MM = 0.02
#: Each mesh is a third as wide as the one before, down to where a line moves by less than this, mm; so many of its
#: lines go on, the most promising ones (engineering choices; three times as many found nothing better on three drawn
#: hips).
FINEST_MM, GO_ON = 0.002, 100
#: So many of the best are handed out.
HANDED_OUT = 6
#: Ring points and ring spacing of the first mesh.
FIRST_RING, FIRST_STEP_MM = 16, 1.0
#: By how much an entry moves over the surface where its line moves by 1 mm (incidence of 30 degrees), and how far the
#: surface turns there, degrees (engineering choice: a surface of 6 mm radius).
ENTRY_SHARE, TURN_DEG = 2.0, 20.0


def is_fixed(problem: Problem) -> bool:
    """Whether entry or direction is fixed, which leaves two numbers of a line free."""
    return problem.entry_kept >= 0.0 or problem.direction_kept >= 0.0


def fixed_lines(problem: Problem) -> FloatArray:
    """Every line (N, 4) of a fine mesh through the fixed entry, or along the fixed direction, or both."""
    n, size = problem.neck_frame, 1.5 * problem.head_radius
    slopes = _square(SLOPE_MAX, SLOPE_STEP)
    if problem.direction_kept >= 0.0:
        heading = n @ problem.direction_fixed
        slopes = heading[None, 1:] / heading[0]
    if problem.entry_kept >= 0.0:
        at = n @ (problem.entry_fixed - problem.neck_center)
        offsets = at[1:] - at[0] * slopes
    else:
        offsets = _square(size, OFFSET_STEP_MM)
    count = max(len(slopes), len(offsets))
    lines = np.concatenate([np.broadcast_to(offsets, (count, 2)), np.broadcast_to(slopes, (count, 2))], axis=1)
    return np.ascontiguousarray(lines[np.all(np.abs(lines[:, :2]) <= size, axis=1)])


def _square(size: float, step: float) -> FloatArray:
    ticks = np.arange(-np.ceil(size / step), np.ceil(size / step) + 1) * step
    a, b = np.meshgrid(ticks, ticks, indexing="ij")
    return np.stack([a.ravel(), b.ravel()], axis=1)


def best_fixed(few: Problem, problem: Problem) -> tuple[FloatArray, FloatArray, npt.NDArray[np.int64], int]:
    """The best few lines (N, 4) within all limits, entries and tips (N, 2), counts (N,), and how many were judged.

    ``few``: the problem with as many of the lesion's points as rank lines that keep no more than eased limits.
    """
    width, free, reach = _mesh(problem)
    # Lines along a fixed direction turn no further.
    turning = 0.0 if problem.direction_kept >= 0.0 else 1.0
    thirds = np.array([(i, j) for i in (-1.0, 0.0, 1.0) for j in (-1.0, 0.0, 1.0)]) @ free
    lines, ring, step = fixed_lines(problem), ring_points(FIRST_RING), FIRST_STEP_MM
    best, judged = (np.zeros((0, 4)), np.zeros((0, 2)), np.zeros(0, dtype=np.int64)), 0
    while True:
        # As far off as a mesh's corner is from its line.
        corner = float(np.sqrt(0.5)) * width
        _, _, counts = evaluate_many(_eased(few, corner * reach, corner * turning), lines, ring, step)
        judged += len(lines)
        lines = lines[np.argsort(-counts, kind="stable")[: min(GO_ON, np.count_nonzero(counts))]]
        ring, step = fine_ring(problem), RING_STEP_MM
        _, ends, counts = evaluate_many(problem, lines, ring, step)
        judged += len(lines)
        # The best of this mesh and of all before.
        all_lines, all_ends, all_counts = (
            np.concatenate(pair) for pair in zip(best, (lines, ends, counts), strict=True)
        )
        order = np.argsort(-all_counts, kind="stable")[: min(HANDED_OUT, np.count_nonzero(all_counts))]
        best = all_lines[order], all_ends[order], all_counts[order]
        if len(lines) == 0 or width * reach < FINEST_MM:
            return *best, judged
        width /= 3.0
        lines = (lines[:, None] + width * thirds).reshape(-1, 4)


def _mesh(problem: Problem) -> tuple[float, FloatArray, float]:
    """The first mesh's width, the lines' two free steps (2, 4), and how far one step moves a line at most, mm."""
    free = np.eye(4)
    if problem.direction_kept >= 0.0:
        return BOTH_WIDTH_MM if problem.entry_kept >= 0.0 else OFFSET_STEP_MM, free[:2], 1.0
    # A line that turns about the entry moves where it passes the neck's plane.
    free[2:, :2] = -float(problem.neck_frame[0] @ (problem.entry_fixed - problem.neck_center)) * np.eye(2)
    return SLOPE_STEP, free[2:], float(np.linalg.norm(problem.head_center - problem.entry_fixed) + problem.head_radius)


def _eased(problem: Problem, mm: float, radians: float) -> Problem:
    """The problem with every limit eased by what a line that moves so far, mm, and turns so far may change."""
    entry, turn = ENTRY_SHARE * mm, radians + np.radians(TURN_DEG) * mm
    incidence, normal = np.arcsin(problem.incidence_min_sine) - turn, np.arccos(problem.entry_normal_min_cosine) + turn
    return problem._replace(
        fuzz=problem.fuzz - mm,
        cortical_margin=problem.cortical_margin - mm,
        posterosuperior_margin=problem.posterosuperior_margin - mm,
        joint_margin=problem.joint_margin - mm,
        pin_margin=problem.pin_margin - mm,
        incidence_min_sine=float(np.sin(max(incidence, 0.0))),
        entry_normal_min_cosine=float(np.cos(min(normal, np.pi))),
        shaft_angle_min=problem.shaft_angle_min - radians,
        shaft_angle_max=problem.shaft_angle_max + radians,
        length_max=problem.length_max + entry,
        entry_ap_max=problem.entry_ap_max + entry,
        entry_distal=problem.entry_distal - entry,
        entry_proximal=problem.entry_proximal + entry,
        # Below 0 there would be no region.
        avoid_margin=max(problem.avoid_margin - mm, 0.0) if problem.avoid_margin >= 0.0 else -1.0,
        pelvis_margin=max(problem.pelvis_margin - mm, 0.0) if problem.pelvis_margin >= 0.0 else -1.0,
        ridge_height=problem.ridge_height + entry,
        # The width changes by no more than a tenth with the height over so short a way, the hole's by its turn.
        wall_share_max=problem.wall_share_max * (1.1 + 2.0 * turn) if problem.wall_share_max >= 0.0 else -1.0,
        neck_share_max=problem.neck_share_max * (1.0 + 2.0 * radians) if problem.neck_share_max >= 0.0 else -1.0,
    )
