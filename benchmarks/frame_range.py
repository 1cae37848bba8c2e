"""Whether the ranges of figures that hang on the frame hold the truth: whole femora cut short.

``python benchmarks/frame_range.py [--femora 24] [--versions 12] [--real] [--cuts 65,85]``: femora drawn from their
population (shape, trochanter, bow, lie), with ``--real`` the whole femur among the tests' real hips and the two long
ones, each cut at several lengths, with a necrosis and a tunnel of chance. Anteversion says nothing of the proximal
bone: each cut is held to its truth with the condyles turned to versions drawn from the population, one from each
part of it that is as large (the whole run's parts dealt out by chance), so that no table hangs on how many lie outside;
the whole real femur is held to its own condyles too. The table gives the share of ranges that hold the truth, all
lengths together and by what is in view.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri

from corecore.base.grid import FloatArray

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
if TYPE_CHECKING:
    from support.frame_truth import Held
    from support.short_femora import Whole

CUTS_MM = (65, 85, 105, 130, 170)
REAL = ("h06_left_full_femur", "h01_right_wedge15", "h03_left_small05")
#: Kinds of cut: what is known of the shaft.
KINDS = ("all", "assumed", "in part", "whole")


def kind_of(found: Held) -> str:
    """What a cut shows of the shaft."""
    if found.source == "assumed":
        return "assumed"
    return "in part" if found.shaft_range_deg > 0.0 else "whole"


def bones(count: int, real: bool) -> Iterator[Whole]:
    """The femora."""
    from support.frame_truth import drawn_femur
    from support.short_femora import real as real_femur

    if real:
        folder = Path(os.environ.get("CORECORE_REAL_HIPS", ROOT.parent / "shared" / "real_hips"))
        for name in REAL:
            yield real_femur(folder, name)
    for seed in range(count):
        yield drawn_femur(seed)


def drawn_versions(rng: np.random.Generator, shape: tuple[int, int, int]) -> FloatArray:
    """Anteversions of people, degrees: one from each of as many equal parts of the population, in any order."""
    from support.frame_truth import VERSION_DEG

    parts = int(np.prod(shape))
    share = (rng.permutation(parts) + rng.random(parts)) / parts
    median, spread = VERSION_DEG
    return np.asarray(median + spread * ndtri(share)).reshape(shape)


def main() -> None:
    """Print the table."""
    from support.frame_truth import held

    from corecore.hip.case import load_case
    from corecore.hip.hip import build_hip

    parser = argparse.ArgumentParser()
    parser.add_argument("--femora", type=int, default=24)
    parser.add_argument("--versions", type=int, default=12)
    parser.add_argument("--real", action="store_true")
    parser.add_argument("--cuts", default=",".join(map(str, CUTS_MM)), help="mm below the head")
    asked = parser.parse_args()
    path = ROOT / "sample_volumes" / "right_medium.nii.gz"
    pattern = build_hip(load_case(f"{path}:1", f"{path}:2", case_id="pattern"))
    told: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    shafts: dict[str, list[bool]] = defaultdict(list)
    cuts = [int(cut) for cut in asked.cuts.split(",")]
    femora = asked.femora + len(REAL) * asked.real
    versions = drawn_versions(np.random.default_rng([femora, 7]), (femora, len(cuts), asked.versions))
    for number, whole in enumerate(bones(asked.femora, asked.real)):
        for place, cut in enumerate(cuts):
            if cut > float(whole.below_head[whole.voxels].max()):
                continue
            found = held(whole, float(cut), versions[number, place], pattern, number)
            for kind in ("all", kind_of(found)):
                shafts[kind].append(found.shaft_off_deg <= max(found.shaft_range_deg, 0.5))
                for name, kept in found.figures.items():
                    told[name][kind].extend(kept)
            sys.stderr.write(
                f"{whole.name} {cut}: {found.source}, {found.in_view_mm:.0f} mm, axis {found.shaft_off_deg:.1f}° off"
                f" of {found.shaft_range_deg:.1f}°\n"
            )
    sys.stdout.write(f"{'figure':50s}" + "".join(f"{kind:>10s}" for kind in KINDS) + f"{'cases':>8s}\n")
    told["shaft axis (0.5° and more)"].update(shafts)
    for name, by_kind in sorted(told.items(), key=lambda item: float(np.mean(item[1]["all"]))):
        shares = "".join(f"{100.0 * np.mean(by_kind[k]):9.1f}%" if by_kind[k] else f"{'–':>10s}" for k in KINDS)
        sys.stdout.write(f"{name:50s}{shares}{len(by_kind['all']):8d}\n")


if __name__ == "__main__":
    main()
