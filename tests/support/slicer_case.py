"""Both hips of a turned patient on a coarse, uneven grid, for 3D Slicer's core and for the command line alike.

The files are written by nibabel; what goes into Slicer's scene is the same voxels and the same matrix.
"""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULE = ROOT / "slicer" / "CoreDecompression"
#: Names a Python with slicer-core; CI makes one of this name.
VARIABLE, OWN = "CORECORE_SLICER_PYTHON", ROOT / ".venv-slicer" / "bin" / "python"
#: Every second voxel along the first two axes.
STEPS = (2, 2, 1)
#: The patient lies turned in the scanner, radians.
TURN = (0.19, -0.08)


@dataclass(frozen=True)
class SlicerCase:
    """Where the files are. ``scene.npz`` has labels: 1 right femur, 2 its lesion, 3 left femur, 4 its lesion."""

    folder: Path

    def file(self, name: str) -> Path:
        """``femur`` and ``lesion`` of the right hip, or ``image``."""
        return self.folder / f"{name}.nii.gz"

    @property
    def landmarks(self) -> dict[str, list[float]]:
        told: dict[str, list[float]] = json.loads((self.folder / "landmarks.json").read_text(encoding="utf-8"))
        return told


def turn() -> Any:
    """The turn of the patient, 4 x 4."""
    a, b = TURN
    about_z = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1.0]])
    about_x = np.array([[1.0, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    matrix = np.eye(4)
    matrix[:3, :3] = about_z @ about_x
    return matrix


def write_case(folder: Path, steps: tuple[int, int, int] = STEPS) -> None:
    """The sample's hip and its mirror image, with an image, a landmark, and the same as plain arrays."""
    samples = ROOT / "sample_volumes"
    source, seen = nib.load(samples / "right_medium.nii.gz"), nib.load(samples / "right_medium_ct.nii.gz")
    right, grey = (np.asanyarray(one.dataobj)[:: steps[0], :: steps[1], :: steps[2]] for one in (source, seen))
    matrix = source.affine @ np.diag([*steps, 1.0])
    # The left hip is the right one's mirror image in x = 0, on the same lattice.
    first = matrix[0, 3]
    gap = round(first / steps[0])
    wide = 2 * gap + 2 * right.shape[0] - 1
    labels = np.zeros((wide, *right.shape[1:]), dtype=np.uint8)
    image = np.full(labels.shape, -50, dtype=np.int16)
    labels[-right.shape[0] :], image[-right.shape[0] :] = right, grey
    mirrored = right[::-1]
    labels[: right.shape[0]] = np.where(mirrored > 0, mirrored + 2, 0)
    image[: right.shape[0]] = grey[::-1]
    matrix[0, 3] = first - steps[0] * (wide - right.shape[0])
    matrix = turn() @ matrix
    # As a NIfTI header keeps it.
    matrix = matrix.astype(np.float32).astype(np.float64)
    # The whole bone is both: so it lies in Slicer's segment too.
    femur, lesion = np.isin(labels, (1, 2)).astype(np.uint8), (labels == 2).astype(np.uint8)
    for name, values in (("femur", femur), ("lesion", lesion), ("image", image)):
        written = nib.Nifti1Image(values, matrix)
        written.header.set_xyzt_units("mm")
        written.set_sform(matrix, 1)
        written.set_qform(None, 0)
        nib.save(written, folder / f"{name}.nii.gz")
    truth = json.loads((samples / "right_medium_truth.json").read_text(encoding="utf-8"))
    place = (turn() @ [*truth["lesser_trochanter_tip"], 1.0])[:3].tolist()
    (folder / "landmarks.json").write_text(json.dumps({"lesser_trochanter_tip": place}), encoding="utf-8")
    np.savez(folder / "scene.npz", labels=labels, image=image, matrix=matrix, landmark=place)


def slicer_python() -> Path:
    """A Python with slicer-core; skips where there is none."""
    named = os.environ.get(VARIABLE)
    path = Path(named) if named else OWN
    if not path.is_file():
        if named:
            pytest.fail(f"{VARIABLE} names {named!r}, which is no file")
        pytest.skip(f"no Python with slicer-core; `make slicer-env` makes one, or {VARIABLE} names it")
    return path


def run_in_slicer(script: str, *arguments: str | Path, timeout_s: float = 900.0) -> dict[str, Any]:
    """What a script of ``tests/support`` prints last, as JSON: run with slicer-core, corecore beside it."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST"))}
    run = subprocess.run(
        [slicer_python(), Path(__file__).with_name(script), *map(str, arguments)],
        capture_output=True, text=True, timeout=timeout_s, check=False, cwd=MODULE,
        env={**clean, "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    assert run.returncode == 0, (run.stdout + run.stderr)[-6000:]
    told: dict[str, Any] = json.loads(run.stdout.strip().splitlines()[-1])
    return told
