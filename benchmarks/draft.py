"""How good a draft from a CT is: ``python benchmarks/draft.py SEED ...``, one row a phantom.

Each seed draws a femur and sets it into a hip bone: joint spaces of 2, 3 and 4 mm, bone of the usual
contrast, of three quarters and of half of it, noise once to three times the usual, every other scan
in voxels of 0.7 x 0.7 x 1.5 mm turned against the world. The draft is held against the true mask, and the
tunnel planned on it is judged in the true bone. Prints a Markdown table.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
from scipy import ndimage

from corecore.base.errors import InputError
from corecore.base.grid import BoolArray, FloatArray, Mask, transform
from corecore.base.spec import Spec
from corecore.hip.case import case_from_masks
from corecore.hip.draft.make import draft_femur
from corecore.hip.hip import build_hip
from corecore.planning.search.single import best_tunnel
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.figures import assess

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))


def distances(draft: Mask, true: Mask) -> tuple[float, FloatArray]:
    """Dice, and how far the two surfaces' voxels lie from each other, both ways, mm, on the draft's grid."""
    places = transform(draft.grid.world_from_index, np.indices(draft.grid.shape).reshape(3, -1).T)
    there: BoolArray = true.contains(places).reshape(draft.grid.shape)
    edges = [mask & ~ndimage.binary_erosion(mask, border_value=1) for mask in (draft.voxels, there)]
    away = [ndimage.distance_transform_edt(~edge, sampling=draft.grid.spacing_mm) for edge in edges]
    both = np.count_nonzero(there & draft.voxels) * draft.grid.voxel_ml
    dice = 2.0 * both / (draft.volume_ml + true.volume_ml)
    return float(dice), np.concatenate([away[1][edges[0]], away[0][edges[1]]])


def row(seed: int) -> str:
    """Draft, compare, plan on both."""
    from support.draft_phantom import whole_hip

    from corecore.study.phantom.sampling import euler_rotation

    gap, density, noise = (2.0, 3.0, 4.0)[seed % 3], (1.0, 0.75, 0.5)[seed // 3 % 3], 1.0 + seed % 4 * 2.0 / 3.0
    coarse = seed % 2 == 1
    whole = whole_hip(
        seed, gap_mm=gap, density=density, noise=noise, spacing=(0.7, 0.7, 1.5) if coarse else (1.0, 1.0, 1.0),
        turn=euler_rotation((7.0, -5.0, 11.0)) if coarse else None,
    )  # fmt: skip
    told = f"| {seed} | {gap:g} | {density:g} | {noise:.1f} | {'oblique' if coarse else '1 mm'} |"
    started = time.process_time()
    try:
        draft = draft_femur(whole.ct, lesion=whole.lesion)
    except InputError as error:
        return f"{told} refused: {error} |"
    seconds = time.process_time() - started
    dice, apart = distances(draft.femur, whole.femur)
    anatomy = draft.hip.anatomy
    center = float(np.linalg.norm(draft.hip.to_world(anatomy.head_center) - whole.center))
    told += (
        f" {dice:.3f} | {apart.mean():.2f} | {np.percentile(apart, 99):.1f} | {apart.max():.1f} | {center:.2f} |"
        f" {anatomy.head_radius_mm - whole.radius_mm:+.2f} |"
    )
    true = build_hip(case_from_masks(whole.femur, whole.lesion, label_map=False))
    spec = Spec()
    best = best_tunnel(true, spec)
    drafted = best_tunnel(draft.hip, spec)
    tunnel = drafted.tunnel
    if best.figures is None or drafted.figures is None or tunnel is None:
        found = ["none" if one.figures is None else f"{one.figures.removed_fraction:.3f}" for one in (best, drafted)]
        return f"{told} {found[0]} | {found[1]} | – | – | – | {seconds:.0f} |"
    entry, tip = (true.to_local(draft.hip.to_world(point)) for point in (tunnel.entry, tunnel.tip))
    there = assess(true, Tunnel(entry, tip, tunnel.diameter_mm), spec)
    return (
        f"{told} {best.figures.removed_fraction:.3f} | {drafted.figures.removed_fraction:.3f} |"
        f" {there.removed_fraction:.3f} | {there.cortical_clearance_mm:.1f} | {there.joint_clearance_mm:.1f} |"
        f" {seconds:.0f} |"
    )


def main(seeds: list[int]) -> None:
    """The table of some seeds."""
    names = (
        "seed", "joint mm", "contrast", "noise", "voxels", "Dice", "apart mm", "99 %", "worst", "centre mm",
        "radius mm", "removed, true mask", "draft", "draft's tunnel in the true bone", "its cortex mm", "its joint mm",
        "CPU s",
    )  # fmt: skip
    sys.stdout.write("| " + " | ".join(names) + " |\n" + "|---" * len(names) + "|\n")
    for seed in seeds:
        sys.stdout.write(row(seed) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main([int(seed) for seed in sys.argv[1:]] or list(range(12)))
