"""How fast drilled poses are judged, beside plain numpy: ``python benchmarks/risk.py [SAMPLE]``.

One tunnel along the neck's axis, drilled by each built-in method 10,240 times: the best of
three runs on all threads, drawing included. The numpy version judges the first hundred of
the same poses by the same rules, with rings as far apart, as many points a ring and the same
of the lesion's points. Prints poses a second of both, in one run.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

from corecore.base.parallel import thread_count
from corecore.base.spec import Spec
from corecore.hip.case import load_case
from corecore.hip.hip import build_hip
from corecore.tunnels.risk.drilling import perturbed
from corecore.tunnels.risk.execution import execution_risk
from corecore.tunnels.risk.kernel import RING, STEP_MM, sort_into_bricks
from corecore.tunnels.risk.methods import METHODS

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
#: Poses that numpy judges.
PLAIN = 100


def main(name: str = "right_medium") -> None:
    """Judge and print."""
    from support.risk_twin import neck_tunnel, plainly_judged

    volume = ROOT / "sample_volumes" / f"{name}.nii.gz"
    hip = build_hip(load_case(f"{volume}:1", f"{volume}:2"))
    tunnel, spec = neck_tunnel(hip), Spec()
    normal = hip.bone.mouth_normal(tunnel.entry)[0]
    sine = min(float(abs(normal @ tunnel.direction)), float(np.sin(np.radians(spec.incidence_min_deg))))
    points = sort_into_bricks(hip.lesion.points_mm).points.T.astype(np.float64)
    execution_risk(hip, [tunnel], spec, METHODS["guide"])

    sys.stdout.write(f"{name}, {thread_count()} threads, numpy {np.__version__}\n\n")
    sys.stdout.write("| method | compiled, ms | poses/s | numpy, poses/s | ratio |\n|---|---|---|---|---|\n")
    for method in METHODS.values():
        seconds = []
        for _ in range(3):
            started = time.perf_counter()
            risk = execution_risk(hip, [tunnel], spec, method)[0][0]
            seconds.append(time.perf_counter() - started)
        entries, tips = perturbed(hip, [tunnel], method)
        started = time.perf_counter()
        for entry, tip in zip(entries[:PLAIN, 0], tips[:PLAIN, 0], strict=True):
            plainly_judged(hip, spec, entry, tip, tunnel.radius_mm, sine, points, step_mm=STEP_MM, ring=RING)
        plain = PLAIN / (time.perf_counter() - started)
        fast = risk.poses / min(seconds)
        sys.stdout.write(
            f"| {method.name} | {1000 * min(seconds):.0f} | {fast:,.0f} | {plain:,.0f} | {fast / plain:.0f} |\n"
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
