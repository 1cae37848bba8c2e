"""The search beside what one would write first, in one process: ``python benchmarks/search.py [NAME ...] [--quick]``.

Poses are entries on the lateral femur times targets in the lesion. A pose counts where it keeps
every constraint and its removed volume is known. Ours finds how deep each may go; the others get
that tip (the lesion's middle where there is none), a millimetre drawn back, and judge the tunnel
as it stands, its volume from the voxels' centres (ours from eight points each and more): loops
over a distance map, trilinear samples of scipy, nearest voxels of numpy on as many threads as
ours, and Embree's first hits of sixteen rays along the wall. Then the time to 95 % and 99 % of
what is finally removed, and how time grows. Real hips (``CORECORE_REAL_HIPS``) by name.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import nibabel as nib
import numpy as np
from plain_judges import RING, Plain, Poses, embree, looped, nearest_depth, trilinear_depth

from corecore.base.grid import FloatArray, Grid
from corecore.base.parallel import thread_count
from corecore.base.spec import Spec
from corecore.hip.case import load_case
from corecore.hip.hip import Hip, build_hip
from corecore.io.nifti import write_labels
from corecore.planning.proof.branch_and_bound import prove
from corecore.planning.search.batched import evaluate_many
from corecore.planning.search.line_geometry import ring_points
from corecore.planning.search.problem import Problem, build_problem
from corecore.planning.search.single import SWEEP_RING, SWEEP_STEP_MM, SearchResult, best_tunnel, lattice
from corecore.planning.sets.candidates import line_points, lines_through
from corecore.planning.sets.search import best_set
from corecore.study.phantom.hip import HipRecipe, make_hip

ROOT = Path(__file__).resolve().parent.parent
REAL = Path(os.environ.get("CORECORE_REAL_HIPS") or ROOT.parent / "shared" / "real_hips")
#: Entries and targets of the poses, and poses judged together by the vectorised judges.
ENTRIES, TARGETS, TOGETHER = 150, 200, 64
#: Poses that loops and scipy judge, and seconds that the numpy search is given.
LOOPED, SMOOTH, NUMPY_SECONDS = 6, 1024, 15.0
#: Boxes of a proof at most.
PROOF_BOXES = 100_000
#: Ours goes as deep as the margin lets it, where a nearest voxel may say either: the others stop this much before.
DRAWN_BACK_MM = 1.0


def out(text: str) -> None:
    """A line, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def entries_and_targets(hip: Hip, spec: Spec, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Points of the surface within the entry zone, and lesion points (each (N, 3)), drawn evenly."""
    anatomy, bone = hip.anatomy, hip.bone
    points = np.argwhere(np.abs(bone.distance_mm) < 0.5 * float(bone.spacing_mm.max())) * bone.spacing_mm
    away = points - anatomy.head_center
    height = away @ anatomy.shaft_axis
    above = height - anatomy.lesser_trochanter_height_mm
    lateral = away @ anatomy.x_axis > 0.0
    front = np.abs(away @ anatomy.y_axis - anatomy.midline_y(height)) <= spec.entry_ap_max_mm
    points = points[lateral & front & (above >= spec.entry_distal_mm) & (above <= spec.entry_proximal_mm)]
    normal = bone.mouth_normal(points)
    points = points[normal @ anatomy.x_axis >= np.cos(np.radians(spec.entry_normal_max_deg))]
    lesion = hip.lesion.points_mm
    return (
        points[rng.choice(len(points), min(ENTRIES, len(points)), replace=False)],
        lesion[rng.choice(len(lesion), min(TARGETS, len(lesion)), replace=False)],
    )


def peak_mb(work: Callable[[], object]) -> float:
    """Most memory that a piece of work holds beyond what is there, MB."""
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def batches(count: int) -> Iterator[slice]:
    """Slices of ``TOGETHER``."""
    return (slice(i, min(i + TOGETHER, count)) for i in range(0, count, TOGETHER))


def judged(name: str, hip: Hip, spec: Spec) -> None:
    """The table of poses a second."""
    problem, rng = build_problem(hip, spec), np.random.default_rng(0)
    entries, targets = entries_and_targets(hip, spec, rng)
    heading = (targets[None] - entries[:, None]).reshape(-1, 3) @ problem.neck_frame.T
    start = np.repeat(entries, len(targets), axis=0)
    lines = np.concatenate(
        [lines_through(problem, at, h[None, 1:] / h[0]) for at, h in zip(start, heading, strict=True)]
    )
    lines = lines[rng.permutation(len(lines))]
    ring = ring_points(SWEEP_RING)
    evaluate_many(problem, lines[:10], ring, SWEEP_STEP_MM)
    started = time.perf_counter()
    _, ends, counts = evaluate_many(problem, lines, ring, SWEEP_STEP_MM)
    ours = len(lines) / (time.perf_counter() - started)
    point, u = line_points(problem, lines)
    middle = np.einsum("ij,ij->i", hip.lesion.centroid_mm - point, u)
    tip = np.where(counts > 0, ends[:, 1], middle)
    poses = Poses(point + ends[:, :1] * u, u, np.maximum(tip - ends[:, 0] - DRAWN_BACK_MM, 20.0))
    share = float(np.mean(counts > 0))
    mixed = poses.part(np.arange(min(len(lines), 40 * TOGETHER)))
    depth, near = nearest_depth(hip)
    plain = Plain(hip, spec, problem, near)
    parts = list(batches(len(mixed.length)))

    def threaded(judge: Callable[[Poses], FloatArray], parts: list[slice]) -> FloatArray:
        with ThreadPoolExecutor(thread_count()) as pool:
            return np.concatenate(list(pool.map(lambda part: judge(mixed.part(part)), parts)))

    rows = [("corecore", ours, share, peak_mb(lambda: evaluate_many(problem, lines, ring, SWEEP_STEP_MM)))]
    few = [part for part in parts if part.start < SMOOTH]
    vectorised = (("all rules at once", plain.removed_at_once, few), ("cheap rules first", plain.removed, parts))
    for label, judge, own in vectorised:
        started = time.perf_counter()
        found = threaded(judge, own)
        rate = len(found) / (time.perf_counter() - started)
        memory = peak_mb(partial(threaded, judge, own[: 2 * thread_count()]))
        rows.append((f"numpy, nearest voxel, {label}", rate, float(np.mean(found > 0)), memory))
    smooth = Plain(hip, spec, problem, trilinear_depth(hip))
    started = time.perf_counter()
    found = np.concatenate([smooth.removed(mixed.part(part)) for part in few])
    rate = len(found) / (time.perf_counter() - started)
    agree = float(np.mean((found > 0) == (counts[: len(found)] > 0)))
    rows.append((
        f"scipy, trilinear (agrees on {agree:.1%})", rate, float(np.mean(found > 0)),
        peak_mb(lambda: smooth.removed(mixed.part(few[0]))),
    ))  # fmt: skip
    one = mixed.part(slice(0, LOOPED))
    started = time.perf_counter()
    some = looped(hip, spec, depth, one)
    rate = LOOPED / (time.perf_counter() - started)
    rows.append(("loops over a distance map", rate, float(np.mean(np.array(some) > 0)), 0.0))
    free = embree(hip, spec)
    if free is not None:
        free(one)
        started = time.perf_counter()
        found = np.concatenate([plain.removed(mixed.part(part), rays=free) for part in parts])
        rate = len(found) / (time.perf_counter() - started)
        rows.append((f"Embree, {RING} rays; the rest by numpy", rate, float(np.mean(found > 0)), 0.0))
        started = time.perf_counter()
        free(mixed)
        rate = len(mixed.length) / (time.perf_counter() - started)
        rows.append(("Embree's first hits and nothing else", rate, 0.0, 0.0))
    out(f"\n{name}: {len(lines):,} poses, {len(entries)} entries, {len(targets)} targets, {thread_count()} threads")
    out("| judge | poses/s | ours is faster | feasible | of them/s | peak MB |\n|---|---|---|---|---|---|")
    for label, rate, feasible, memory in rows:
        held = f"{memory:.0f}" if memory else "–"
        known = f"{feasible:.1%} | {rate * feasible:,.1f}" if feasible else "– | –"
        out(f"| {label} | {rate:,.1f} | {ours / rate:,.1f} | {known} | {held} |")
    if free is None:
        out("Embree: not installed (pip install '.[bench]')")
    out("Given up by a bound on the removed volume: none in the sweep; in the climbs they are counted as judged.")


def reached(name: str, hip: Hip, spec: Spec, *, numpy_too: bool) -> None:
    """Time to 95 and 99 per cent of what is finally removed."""
    started = time.perf_counter()
    final = best_tunnel(hip, spec)
    total_s = time.perf_counter() - started
    if final.figures is None:
        out(f"{name}: no tunnel, told in {total_s:.1f} s")
        return
    most, problem = final.figures.removed_fraction, build_problem(hip, spec)
    when: dict[float, str] = {}
    started, best = time.perf_counter(), 0.0
    lines, ring, size = lattice(problem), ring_points(SWEEP_RING), 4096
    # In an order that knows nothing, as the others.
    lines = lines[np.random.default_rng(0).permutation(len(lines))]
    for first in range(0, len(lines), size):
        _, _, counts = evaluate_many(problem, lines[first : first + size], ring, SWEEP_STEP_MM)
        best = max(best, float(counts.max()) / problem.points.shape[1])
        for mark in (0.95, 0.99):
            if best >= mark * most:
                when.setdefault(mark, f"{time.perf_counter() - started:.2f} s")
    swept = time.perf_counter() - started
    told = ", ".join(f"{mark:.0%}: {when.get(mark, f'in the climb, under {total_s:.1f} s')}" for mark in (0.95, 0.99))
    out(
        f"{name}: removes {most:.4f} in {total_s:.1f} s (sweep {swept:.1f} s, {final.lines_judged:,} judged)."
        f" To {told} of it."
    )
    if not numpy_too:
        return
    plain = Plain(hip, spec, problem, nearest_depth(hip)[1])
    entries, targets = entries_and_targets(hip, spec, np.random.default_rng(1))
    rng, best, judged_poses, told = np.random.default_rng(2), 0.0, 0, ""
    started = time.perf_counter()

    def batch(seed: int) -> float:
        draw = np.random.default_rng(seed)
        entry = entries[draw.integers(len(entries), size=TOGETHER)]
        tip = targets[draw.integers(len(targets), size=TOGETHER)]
        length = np.linalg.norm(tip - entry, axis=1)
        return float(plain.removed(Poses(entry, (tip - entry) / length[:, None], length)).max())

    with ThreadPoolExecutor(thread_count()) as pool:
        while time.perf_counter() - started < NUMPY_SECONDS and best < 0.99 * most:
            best = max(best, *pool.map(batch, rng.integers(2**31, size=2 * thread_count()).tolist()))
            judged_poses += 2 * thread_count() * TOGETHER
            if best >= 0.95 * most and not told:
                told = f"; 95 % after {time.perf_counter() - started:.1f} s"
    out(
        f"{name}, numpy over entries and targets: {best / most:.1%} of it after"
        f" {time.perf_counter() - started:.1f} s and {judged_poses:,} poses{told}"
    )


def phantom(recipe: HipRecipe, *, cube: int | None = None, doubled: bool = False) -> Hip:
    """A synthetic hip, its array made a cube of so many voxels, or twice as wide on every side that it may be."""
    made = make_hip(recipe)
    labels, grid = made.labels(), made.femur.grid
    if cube:
        # From below only cut: bone that ended within the array would be a bone's end.
        labels = labels[:, :, max(0, labels.shape[2] - cube) :]
        grid = grid.cropped((0, 0, grid.shape[2] - labels.shape[2]), grid.shape)
    wanted = np.array([cube] * 3 if cube else [2 * n for n in labels.shape] if doubled else labels.shape)
    wanted = np.maximum(wanted, labels.shape)
    before = (wanted - labels.shape) // 2 * (1, 1, 0)
    after = wanted - labels.shape - before
    labels = np.pad(labels, list(zip(before, after, strict=True)))
    grid = grid.cropped(-before, np.array(grid.shape) + after)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "labels.nii.gz"
        write_labels(path, Grid(grid.shape, grid.world_from_index), labels)
        return build_hip(load_case(f"{path}:1", f"{path}:2"))


def growth() -> None:
    """How the time of search and proof grows with voxels, lesion, field of view and number of tunnels."""
    base = HipRecipe(spacing_mm=(1.0, 1.0, 1.0), seed=11)
    heads = ("phantom", "voxels", "lesion points", "search s", "judged", "to a 5 % gap, s", "of processor", "boxes")
    out(f"\n| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    cases: list[tuple[str, HipRecipe, bool]] = [
        *((f"voxel {s:g} mm", replace(base, spacing_mm=(s, s, s)), False) for s in (0.75, 1.0, 1.5)),
        *((f"lesion {f:.0%} of the sphere", replace(base, sphere_fraction=f), False) for f in (0.05, 0.1, 0.2, 0.35)),
        ("field of view doubled", base, True),
    ]
    for label, recipe, doubled in cases:
        hip = phantom(recipe, doubled=doubled)
        started = time.perf_counter()
        found = best_tunnel(hip, Spec())
        seconds = time.perf_counter() - started
        voxels, points = hip.bone_mask.voxels.size, len(hip.lesion.points_mm)
        problem = build_problem(hip, Spec())
        told = proof_told(problem, found, 0.05)
        out(f"| {label} | {voxels:,} | {points:,} | {seconds:.1f} | {found.lines_judged:,} |{told}")
    hip = phantom(base)
    for count in (1, 2, 3):
        started = time.perf_counter()
        several = best_set(hip, Spec(diameter_mm=6.0, tunnels=count))
        seconds = time.perf_counter() - started
        out(
            f"| {count} of 6 mm | {hip.bone_mask.voxels.size:,} | {len(hip.lesion.points_mm):,}"
            f" | {seconds:.1f} | {several.lines_judged:,} | – | – | – |"
        )


def proof_told(problem: Problem, found: SearchResult, gap: float) -> str:
    """Seconds, seconds of processor and boxes to a gap, as cells of a table."""
    best = round((found.figures.removed_fraction if found.figures else 0.0) * problem.points.shape[1])
    prove(problem, best, effort=1)
    started, busy = time.perf_counter(), time.process_time()
    proof = prove(problem, best, gap=gap, effort=PROOF_BOXES)
    told = "" if proof.stopped_by == "gap" else " (not reached)"
    seconds, busy = time.perf_counter() - started, time.process_time() - busy
    return f" {seconds:.1f}{told} | {busy:.1f} | {proof.boxes_bounded:,} |"


def widened(name: str) -> Hip:
    """A real hip in an array twice as wide, of background, on the sides where its bone does not end at the edge."""
    image = nib.nifti1.load(REAL / f"{name}.nii.gz")
    labels = np.asanyarray(image.dataobj).astype(np.uint8)
    ends = [(bool(labels.take(0, axis).any()), bool(labels.take(-1, axis).any())) for axis in range(3)]
    pads = [(0 if low else n // 2, 0 if high else n // 2) for n, (low, high) in zip(labels.shape, ends, strict=True)]
    affine = image.affine.copy()
    affine[:3, 3] -= affine[:3, :3] @ [low for low, _ in pads]
    with tempfile.TemporaryDirectory() as out_folder:
        path = Path(out_folder) / "labels.nii.gz"
        nib.nifti1.Nifti1Image(np.pad(labels, pads), affine).to_filename(path)
        return build_hip(load_case(f"{path}:1", f"{path}:2"))


def fields_of_view(names: list[str]) -> None:
    """The proof to one per cent on real hips, and in arrays twice as wide."""
    out("\n| hip | file's voxels | lesion points | to a 1 % gap, s | of processor | boxes |\n|---|---|---|---|---|---|")
    for name, hip in real(names):
        for label, each in ((name, hip), (f"{name}, field of view doubled", widened(name))):
            told = proof_told(build_problem(each, Spec()), best_tunnel(each, Spec()), 0.01)
            out(f"| {label} | {each.bone_mask.voxels.size:,} | {len(each.lesion.points_mm):,} |{told}")


def real(names: list[str]) -> Iterator[tuple[str, Hip]]:
    """Real hips by name, where their folder is at hand."""
    for name in names:
        path = REAL / f"{name}.nii.gz"
        if path.is_file():
            yield name, build_hip(load_case(f"{path}:1", f"{path}:2"))
        else:
            out(f"{name}: skipped, {REAL} does not hold it")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=["h01_right_wedge15", "h03_left_small05"])
    parser.add_argument("--quick", action="store_true", help="leave out how time grows")
    options = parser.parse_args()
    spec = Spec()
    cube = phantom(HipRecipe(spacing_mm=(1.0, 1.0, 1.0), seed=11), cube=160)
    best_tunnel(cube, spec)
    for name, hip in [("phantom 160³ at 1 mm", cube), *real(options.names)]:
        judged(name, hip, spec)
        reached(name, hip, spec, numpy_too=True)
    if not options.quick:
        growth()
        fields_of_view(options.names)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    out(f"\npeak memory of the process {peak:.2f} GiB")


if __name__ == "__main__":
    main()
