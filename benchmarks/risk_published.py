"""Published counts and errors of drilling beside the models': ``python benchmarks/risk_published.py [SAMPLE]``.

Prints the table of ``docs/design/risk.md``. SAMPLE: a label volume, femur 1 and lesion 2.
"""

from __future__ import annotations

import sys
from pathlib import Path

from corecore.hip.case import load_case
from corecore.hip.hip import build_hip

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from support.published_risk import joint_counts, published_errors  # noqa: E402


def main(path: str) -> None:
    """Print a row for each figure."""
    hip = build_hip(load_case(f"{path}:1", f"{path}:2", case_id="published"))
    told = ["| figure | published | model | 95 % of such series | source |\n|---|---|---|---|---|"]
    for one in (*joint_counts(hip), *published_errors(hip)):
        outside = "" if one.covered else " (outside)"
        told.append(
            f"| {one.what} | {one.published:g} | {one.predicted:.2f} | {one.low:.2f} to {one.high:.2f}{outside} |"
            f" {one.source} |"
        )
    sys.stdout.write("\n".join(told) + "\n")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else str(ROOT / "sample_volumes" / "right_medium.nii.gz"))
