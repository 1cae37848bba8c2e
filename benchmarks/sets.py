"""Sets of tunnels on drawn hips: ``python benchmarks/sets.py [SEED ...]`` (0 to 9 unless told), one row a hip.

One, two, three and four 8 mm tunnels, what greedy over the same candidates reaches with three, and three
with every margin a millimetre larger. More tunnels should never remove less, larger margins never more, and
three should beat greedy. Prints a Markdown table, the median gain, and each row that breaks one of these.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace

import numpy as np

from corecore.base.spec import preset
from corecore.hip.case import case_from_masks
from corecore.hip.hip import build_hip
from corecore.planning.sets.search import best_set
from corecore.study.phantom.hip import make_hip

#: Tunnels tried, and by how much every margin grows, mm.
COUNTS, GROWN_MM = (1, 2, 3, 4), 1.0


def row(seed: int) -> tuple[str, float, list[str]]:
    """The table's row, the gain of three tunnels over greedy (nan where there are none), and what is broken."""
    made = make_hip(seed)
    hip = build_hip(case_from_masks(made.femur, made.lesion, label_map=False))
    spec = replace(preset("core-8"), tunnels=3)
    started = time.perf_counter()
    sets = [best_set(hip, replace(spec, tunnels=count), confirm=False) for count in COUNTS]
    roomy = replace(
        spec, cortical_margin_mm=spec.cortical_margin_mm + GROWN_MM, joint_margin_mm=spec.joint_margin_mm + GROWN_MM,
        posterosuperior_margin_mm=spec.posterosuperior_margin_mm + GROWN_MM,
    )  # fmt: skip
    grown = best_set(hip, roomy, confirm=False)
    removed = [found.removed_fraction for found in sets]
    three = sets[COUNTS.index(3)]
    gain = three.removed_fraction / three.greedy_fraction - 1.0 if three.greedy_fraction > 0.0 else np.nan
    broken = [
        f"{COUNTS[i]} tunnels remove more than {COUNTS[i + 1]}"
        for i in range(len(COUNTS) - 1)
        if removed[i] > removed[i + 1]
    ]
    broken += ["larger margins remove more"] if grown.removed_fraction > three.removed_fraction else []
    broken += ["greedy is better"] if gain < 0.0 else []
    shares = " | ".join(f"{share:.4f} ({len(found.tunnels)})" for share, found in zip(removed, sets, strict=True))
    told = f"| {seed} | {hip.lesion.volume_ml:.1f} | {shares} | {three.greedy_fraction:.4f} | {gain:+.1%} |"
    return f"{told} {grown.removed_fraction:.4f} | {time.perf_counter() - started:.0f} |", gain, broken


def main() -> None:
    """Print the table."""
    seeds = [int(text) for text in sys.argv[1:]] or list(range(10))
    heads = " | ".join(f"{count} (planned)" for count in COUNTS)
    head = f"| hip | lesion ml | {heads} | greedy, 3 | gain | 3, margins + {GROWN_MM:g} mm | s |"
    sys.stdout.write(f"{head}\n|{'---|' * (head.count('|') - 1)}\n")
    gains = []
    for seed in seeds:
        line, gain, broken = row(seed)
        gains.append(gain)
        sys.stdout.write("\n".join([line, *(f"BROKEN: {what}" for what in broken)]) + "\n")
        sys.stdout.flush()
    known = [gain for gain in gains if np.isfinite(gain)]
    sys.stdout.write(f"median gain over greedy on {len(known)} hips: {np.median(known):+.1%}\n")


if __name__ == "__main__":
    main()
