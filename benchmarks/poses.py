"""Poses judged a second beside a plain numpy judge, and the time to a proven gap.

``python benchmarks/poses.py MAP.nii.gz [MAP ...] [--poses 20000] [--seconds 60] [--fan]``: label 1
femur, label 2 lesion, or FEMUR,LESION. The numpy judge is what one would write first: distances from the
nearest voxel of a distance transform, wall samples and removed voxels of many poses at once,
over as many threads as the kernels use, in the same process, and without any rule of the entry.
Beside each proof stands how long it would need for three million poses, by its rate. ``--fan``
plans three 8 mm tunnels through one portal too and proves them to 5 %.
"""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
from scipy import ndimage

from corecore.base.grid import FloatArray
from corecore.base.parallel import thread_count
from corecore.base.spec import Spec, preset
from corecore.hip.case import load_case
from corecore.hip.hip import Hip, build_hip
from corecore.planning.proof.branch_and_bound import prove
from corecore.planning.search.batched import evaluate_many
from corecore.planning.search.line_geometry import ring_points
from corecore.planning.search.problem import Problem, build_problem
from corecore.planning.search.single import OFFSET_STEP_MM, SLOPE_STEP, best_tunnel, lattice
from corecore.planning.sets.search import best_set

#: Poses judged together by the numpy judge, and its samples of a wall: 16 on a ring, a ring a millimetre.
TOGETHER = 64
RING, STEP_MM = 16, 1.0
#: Gaps proven for one tunnel of 10 mm and for a fan of three of 8 mm, and the poses of the numpy judge beside them.
GAP, FAN_GAP, NUMPY_POSES = 0.01, 0.05, 3_000_000


def numpy_judge(hip: Hip, problem: Problem, depth: FloatArray, voxels: FloatArray, lines: FloatArray) -> FloatArray:
    """Lesion voxels removed by each of lines (N, 4), 0 where a wall sample between neck and tip lies too shallow."""
    frame, radius = problem.neck_frame, problem.radius
    u = frame[0] + lines[:, 2:3] * frame[1] + lines[:, 3:4] * frame[2]
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    start = problem.neck_center + lines[:, 0:1] * frame[1] + lines[:, 1:2] * frame[2]
    e = np.cross(u, np.eye(3)[np.argmin(np.abs(u), axis=1)])
    e /= np.linalg.norm(e, axis=1, keepdims=True)
    f = np.cross(u, e)
    along = np.arange(-20.0, 2.5 * problem.head_radius, STEP_MM)
    ring = ring_points(RING)
    wall = radius * (ring[:, 0, None] * e[:, None] + ring[:, 1, None] * f[:, None])
    points = start[:, None, None] + along[None, :, None, None] * u[:, None, None] + wall[:, None]
    index = np.clip(np.rint(points / problem.spacing).astype(np.int64), 0, np.array(depth.shape) - 1)
    near = depth[index[..., 0], index[..., 1], index[..., 2]].min(axis=2)
    kept = near >= np.where(along > problem.head_radius, problem.joint_margin, problem.cortical_margin)
    # Far enough out every line has left the bone, so there is a first wall too shallow.
    tip = along[np.argmin(kept, axis=1)]
    offset = voxels[None] - start[:, None]
    t = np.einsum("nij,nj->ni", offset, u)
    hit = (np.einsum("nij,nij->ni", offset, offset) - t * t <= radius * radius) & (t <= tip[:, None])
    return np.asarray(hit.sum(axis=1), dtype=np.float64)


def rates(hip: Hip, spec: Spec, poses: int) -> tuple[float, float]:
    """Poses judged a second by the kernel and by numpy, the same lines of the sweep moved at random."""
    problem = build_problem(hip, spec)
    rng = np.random.default_rng(0)
    lines = lattice(problem)
    lines = lines[rng.choice(len(lines), min(poses, len(lines)), replace=False)]
    lines = lines + rng.uniform(-0.5, 0.5, lines.shape) * (OFFSET_STEP_MM, OFFSET_STEP_MM, SLOPE_STEP, SLOPE_STEP)
    evaluate_many(problem, lines[:10], ring_points(RING), STEP_MM)
    started = time.perf_counter()
    evaluate_many(problem, lines, ring_points(RING), STEP_MM)
    ours = len(lines) / (time.perf_counter() - started)
    inside = hip.bone_mask.voxels
    depth = ndimage.distance_transform_edt(inside, sampling=problem.spacing) - 0.5 * float(problem.spacing.min())
    voxels = hip.lesion.mask.positions_mm()
    few = lines[: max(TOGETHER, len(lines) // 20)]
    parts = [few[i : i + TOGETHER] for i in range(0, len(few), TOGETHER)]
    started = time.perf_counter()
    with ThreadPoolExecutor(thread_count()) as pool:
        list(pool.map(lambda part: numpy_judge(hip, problem, depth, voxels, part), parts))
    return ours, len(few) / (time.perf_counter() - started)


def fan(hip: Hip, seconds: float) -> str:
    """Three 8 mm tunnels through one portal: what they remove, how near, seconds for the set and with its proof."""
    spec = replace(preset("core-8"), tunnels=3, pattern="fan")
    started = time.perf_counter()
    best_set(hip, spec)
    plain = time.perf_counter() - started
    started = time.perf_counter()
    found = best_set(hip, spec, gap=FAN_GAP, seconds=seconds)
    whole = time.perf_counter() - started
    if found.proof is None or not found.tunnels:
        return "none feasible | | | |"
    gap = found.proof.upper_bound_fraction / found.removed_fraction - 1.0
    count = len(found.tunnels)
    told = f"{found.removed_fraction:.4f} ({count})" if count < spec.tunnels else f"{found.removed_fraction:.4f}"
    return f"{told} | {gap:.4f} | {plain:.0f}, {whole:.0f} | {found.proof.boxes_bounded:,} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("maps", nargs="+")
    parser.add_argument("--poses", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--fan", action="store_true")
    options = parser.parse_args()
    spec = Spec()
    sys.stdout.write(f"threads: {thread_count()}\n")
    head = "| volume | lesion ml | poses/s | numpy | ratio | 3 M poses by numpy, s | removed | gap | s | boxes |"
    head += " fan removes | gap | s without, with proof | boxes |" if options.fan else ""
    sys.stdout.write(f"{head}\n|{'---|' * (head.count('|') - 1)}\n")
    for path in options.maps:
        femur, _, lesion = path.partition(",")
        hip = build_hip(load_case(femur, lesion) if lesion else load_case(f"{path}:1", f"{path}:2"))
        ours, plain = rates(hip, spec, options.poses)
        found = best_tunnel(hip, spec)
        share = found.figures.removed_fraction if found.figures else 0.0
        name = path.rsplit("/", 1)[-1].split(".")[0]
        row = f"| {name} | {hip.lesion.volume_ml:.1f} | {ours:,.0f} | {plain:,.0f} | {ours / plain:.0f} |"
        row += f" {NUMPY_POSES / plain:,.0f} | {share:.4f} |"
        problem = build_problem(hip, spec)
        best = round(share * problem.points.shape[1])
        prove(problem, best, effort=1)
        started = time.perf_counter()
        proof = prove(problem, best, gap=GAP, effort=None, until=started + options.seconds)
        reached = f"{proof.upper_bound_fraction / share - 1.0:.4f}" if share > 0.0 else "none feasible"
        row += f" {reached} | {time.perf_counter() - started:.1f} | {proof.boxes_bounded:,} |"
        if options.fan:
            row += f" {fan(hip, options.seconds)}"
        sys.stdout.write(row + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
