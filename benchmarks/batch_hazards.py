"""A batch with the planner, and four rows that hang, eat or lie: ``python benchmarks/batch_hazards.py FOLDER``.

Draws ``--n`` hips into FOLDER/hips (what is there already stays) and adds four rows: ``forever`` (sixteen separate
tunnels of 4 mm at small margins), ``hungry`` (a CT of ``--edge`` cubed voxels of air, a megabyte or two on the disk),
``pipe`` (a fifo) and ``zero`` (/dev/zero). Runs ``corecore batch`` on them as a command, prints time, statuses and
causes, and exits with 1 unless every hip is done and the four have failed, each by its own cause. On a machine with
other work hips may need more ``--case-seconds``.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import os
import subprocess
import sys
import time
from pathlib import Path

import nibabel as nib
import numpy as np

COMMAND = [sys.executable, "-c", "import sys; from corecore.app.cli import main; sys.exit(main())"]
#: The code of the failure that each hazard must end in.
HAZARDS = {"forever": "case-seconds", "hungry": "case-memory", "pipe": "file-unreadable", "zero": "file-unreadable"}
#: Sixteen tunnels wherever there is room, at margins that leave much: minutes of a core, whatever the hip.
FOREVER = (
    "diameter_mm=4;tunnels=16;pattern=separate;cortical_margin_mm=1;posterosuperior_margin_mm=1;joint_margin_mm=3;"
    "bridge_min_mm=0.5;entry_ap_max_mm=20;entry_proximal_mm=40"
)
#: Statuses of a hip that is done: planned, or told why it has no plan.
DONE = ("planned", "infeasible")


def empty_ct(path: Path, edge: int, like: Path) -> None:
    """A CT of zeros about a hip's volume, written slab by slab."""
    hip = nib.load(like)
    affine = np.diag([0.3, 0.3, 0.3, 1.0])
    centre = hip.affine @ np.append((np.array(hip.shape) - 1) / 2, 1.0)
    affine[:3, 3] = centre[:3] - 0.3 * (edge - 1) / 2
    header = nib.Nifti1Header()
    header.set_data_dtype(np.int16)
    header.set_data_shape((edge, edge, edge))
    header.set_sform(affine, 1)
    header.set_qform(affine, 1)
    header.set_xyzt_units("mm")
    header["vox_offset"] = 352
    header["magic"] = b"n+1"
    slab = bytes(2 * edge * edge)
    with gzip.open(path, "wb", compresslevel=6) as stream:
        stream.write(header.binaryblock + bytes(4))
        for _ in range(edge):
            stream.write(slab)


def manifest(folder: Path, number: int, seed: int, edge: int) -> Path:
    """Draw what is missing and write the table of rows."""
    hips = folder / "hips"
    names = [f"hip_{seed + place:06d}" for place in range(number)]
    if not all((hips / f"{name}_truth.json").exists() for name in names):
        options = ["--n", str(number), "--seed", str(seed), "--out", str(hips)]
        subprocess.run([*COMMAND, "synth", *options], check=True, stdout=subprocess.DEVNULL)
    image, pipe = folder / "air.nii.gz", folder / "pipe.nii.gz"
    if not image.exists():
        empty_ct(image, edge, hips / f"{names[0]}.nii.gz")
    if not pipe.exists():
        os.mkfifo(pipe)
    rows = [(name, f"hips/{name}.nii.gz", "", "") for name in names]
    rows.insert(1, ("forever", f"hips/{names[0]}.nii.gz", "", FOREVER))
    rows.insert(3, ("hungry", f"hips/{names[0]}.nii.gz", image.name, ""))
    rows += [("pipe", pipe.name, "", ""), ("zero", "/dev/zero", "", "")]
    table = folder / "m.csv"
    with table.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "femur", "lesion", "image", "overrides"])
        writer.writerows([name, f"{path}:1", f"{path}:2", ct, given] for name, path, ct, given in rows)
    return table


def main() -> int:
    """Draw, run, read the table back, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--n", type=int, default=26)
    parser.add_argument("--seed", type=int, default=5000)
    parser.add_argument("--edge", type=int, default=712, help="voxels along each edge of the empty CT")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--case-seconds", type=float, default=200.0)
    parser.add_argument("--case-memory", type=int, default=1500)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    table = manifest(given.folder, given.n, given.seed, given.edge)
    out = given.folder / f"run-{time.strftime('%Y%m%d-%H%M%S')}"
    options = ["--out", str(out), "--workers", str(given.workers), "--case-seconds", f"{given.case_seconds:g}"]
    started = time.perf_counter()
    run = subprocess.run([*COMMAND, "batch", str(table), *options, "--case-memory", str(given.case_memory)])
    seconds = time.perf_counter() - started
    with (out / "results.csv").open(encoding="utf-8", newline="") as stream:
        rows = {row["id"]: row for row in csv.DictReader(stream)}
    say = sys.stdout.write
    done = [name for name, row in rows.items() if row["status"] in DONE]
    say(f"{len(rows)} rows, {given.workers} workers: {seconds:.0f} s, exit code {run.returncode}, {len(done)} done\n")
    for name, row in rows.items():
        if row["status"] not in DONE:
            say(f"{name}: {row['status']}, {row['code']}: {row['cause']}\n")
    told = {name: rows[name]["code"] for name in HAZARDS if name in rows}
    right = run.returncode == 0 and len(rows) == given.n + len(HAZARDS) and len(done) == given.n and told == HAZARDS
    say("as it should be\n" if right else "NOT as it should be\n")
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
