"""What the tests of the messages share: a folder to spoil files in, and who shows which message."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from corecore.base.grid import BoolArray, FloatArray
from corecore.document.seal import seal_of
from corecore.hip.hip import Hip

SAMPLE = Path(__file__).resolve().parents[2] / "sample_volumes" / "right_medium.nii.gz"
CT = SAMPLE.with_name("right_medium_ct.nii.gz")
MASKS = ["--femur", f"{SAMPLE}:1", "--lesion", f"{SAMPLE}:2"]


@dataclass
class Kit:
    """A test's own folder, what may be patched, and a plan of the sample to be copied and spoilt."""

    folder: Path
    patch: pytest.MonkeyPatch
    hip: Hip
    kept_plan: Path
    #: What is held open until the test has ended.
    held: ExitStack

    def text(self, name: str, text: str) -> Path:
        """A file of that text."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def nifti(self, name: str, values: np.ndarray[Any, Any], affine: FloatArray | None = None) -> Path:
        """A volume in mm."""
        image = nib.Nifti1Image(values, np.eye(4) if affine is None else affine)
        image.header.set_xyzt_units("mm")
        path = self.folder / name
        nib.save(image, path)
        return path

    def measure(self, femur: object, lesion: object = "", *more: object) -> list[str]:
        """The arguments of ``measure``; the sample's lesion where none is named."""
        masks = ["--femur", str(femur), "--lesion", str(lesion or f"{SAMPLE}:2")]
        return ["measure", *masks, "--out", str(self.folder / "measures.json"), *map(str, more)]

    def of_sample(self, *more: object, command: str = "measure") -> list[str]:
        """The arguments of a command on the sample."""
        return [command, *MASKS, "--out", str(self.folder / "out.json"), *map(str, more)]

    def assess(self, *more: object) -> list[str]:
        """The arguments of ``assess`` on the sample, with the path of the plan."""
        tunnel = json.loads((self.kept_plan / "plan.json").read_text())["tunnels"][0]
        ends = [word for end in ("entry", "tip") for word in (f"--{end}", ",".join(f"{v:.3f}" for v in tunnel[end]))]
        given = ["--diameter", "9", "--no-pictures", "--json", "--out", str(self.folder / "assessed"), *map(str, more)]
        return ["assess", *MASKS, *ends, *given]

    def plan(self, change: Callable[[dict[str, Any]], object] = lambda content: None, *, seal: bool = True) -> Path:
        """A plan of the sample, changed, and sealed as if corecore had written it so."""
        folder = self.folder / "plan"
        shutil.copytree(self.kept_plan, folder)
        path = folder / "plan.json"
        content = json.loads(path.read_text())
        change(content)
        if seal:
            content["seal"] = seal_of(content)
        path.write_text(json.dumps(content))
        return path


#: By code: what provokes it. An error of a command returns its arguments; any other the code it met.
COMMANDS: dict[str, Callable[[Kit], list[str]]] = {}
BEYOND: dict[str, Callable[[Kit], str]] = {}
#: Codes whose road takes more than some seconds.
SLOW: set[str] = set()


def command(code: str, *, slow: bool = False) -> Callable[[Callable[[Kit], list[str]]], Callable[[Kit], list[str]]]:
    """Marks the recipe of an error that a command ends with."""

    def kept(recipe: Callable[[Kit], list[str]]) -> Callable[[Kit], list[str]]:
        assert code not in COMMANDS
        COMMANDS[code] = recipe
        if slow:
            SLOW.add(code)
        return recipe

    return kept


def beyond(code: str) -> Callable[[Callable[[Kit], str]], Callable[[Kit], str]]:
    """Marks the recipe of an error that no command ends with."""

    def kept(recipe: Callable[[Kit], str]) -> Callable[[Kit], str]:
        assert code not in BEYOND
        BEYOND[code] = recipe
        return recipe

    return kept


@cache
def sample() -> tuple[np.ndarray[Any, Any], FloatArray]:
    """The sample's label map and affine."""
    image = nib.load(SAMPLE)
    return np.asarray(image.dataobj).astype(np.uint8), np.asarray(image.affine)


def cube(size: int = 12) -> np.ndarray[Any, Any]:
    """A label map with 1 and 2, far too small for a femur."""
    values = np.zeros((size, size, size), dtype=np.uint8)
    values[2:-2, 2:-2, 2:-2] = 1
    values[4:6, 4:6, 4:6] = 2
    return values


def ball(values: np.ndarray[Any, Any], center: tuple[float, float, float], radius: float) -> BoolArray:
    """Voxels within a radius of a place, both in voxels."""
    index = np.moveaxis(np.indices(values.shape), 0, -1)
    return np.asarray(np.linalg.norm(index - np.array(center), axis=-1) <= radius)
