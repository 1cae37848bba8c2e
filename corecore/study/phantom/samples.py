"""The sample volumes that ship with corecore: ``python -m corecore.study.phantom.samples sample_volumes``."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from corecore.base.grid import Mask
from corecore.io.files import atomic_write_text
from corecore.study.phantom.files import write_hip
from corecore.study.phantom.hip import HipRecipe, SyntheticHip, make_hip
from corecore.study.phantom.pose import Pose
from corecore.study.phantom.shape import FemurShape

_log = logging.getLogger(__name__)

#: Name to recipe. Lesions of 5, 15, 20 and 35 % of the head's sphere, both sides, one with 3 mm
#: slices, one outlined on an oblique MR grid of its own. ``right_medium`` is the demo's.
SAMPLES: dict[str, HipRecipe] = {
    "right_medium": HipRecipe(
        sphere_fraction=0.15,
        pose=Pose((88.4, -14.6, 23.3), flexion_deg=4.0, adduction_deg=3.0, internal_rotation_deg=-2.0),
        spacing_mm=(1.0, 1.0, 1.0),
        ct=True,
        seed=11,
    ),
    "left_small": HipRecipe(
        shape=FemurShape(
            head_diameter_mm=46.0,
            neck_shaft_angle_deg=124.0,
            anteversion_deg=16.4,
            offset_mm=40.6,
            neck_long_diameter_mm=31.5,
            neck_short_diameter_mm=26.0,
            shaft_diameter_mm=28.0,
            greater_trochanter_above_mm=6.0,
            age_years=38.0,
        ),
        side="left",
        lesion="ball",
        sphere_fraction=0.05,
        direction=(-0.15, 0.30, 0.94),
        pose=Pose((84.2, 8.9, -41.7), flexion_deg=7.0, adduction_deg=4.0, internal_rotation_deg=5.0),
        seed=12,
    ),
    "right_slices": HipRecipe(
        shape=FemurShape(head_diameter_mm=47.0, neck_shaft_angle_deg=129.0, anteversion_deg=12.0, offset_mm=41.0),
        lesion="two_foci",
        sphere_fraction=0.20,
        pose=Pose((91.7, -22.8, 112.5), flexion_deg=2.0, adduction_deg=5.0, internal_rotation_deg=-6.0),
        spacing_mm=(0.8, 0.8, 3.0),
        seed=13,
    ),
    "left_large": HipRecipe(
        shape=FemurShape(
            head_diameter_mm=50.0,
            neck_shaft_angle_deg=123.0,
            anteversion_deg=13.0,
            offset_mm=45.5,
            neck_long_diameter_mm=34.0,
            neck_short_diameter_mm=28.2,
            shaft_diameter_mm=31.0,
        ),
        side="left",
        lesion="lens",
        sphere_fraction=0.35,
        pose=Pose((90.3, 17.2, -8.8), flexion_deg=5.0, adduction_deg=2.0, internal_rotation_deg=9.0),
        mr=True,
        mr_spacing_mm=(0.9, 0.9, 0.9),
        seed=14,
    ),
}

_README = """# Sample volumes

Synthetic hips with known truth, made by corecore's femur phantom: no patient's data. World RAS mm.
Labels: 1 femur, 2 lesion (the whole bone is both). `left_large` has its lesion in a file of its own, on the
oblique grid of its MR-like image. Images look like CT (HU) and T1-weighted MR; they are no physics.

| name | side | lesion | share of the head's sphere | lesion, ml | head Ø, mm | neck-shaft angle | head centre | \
lesser trochanter's tip | voxels, mm |
|---|---|---|---|---|---|---|---|---|---|
{rows}

`NAME_truth.json` has the rest: axes, centroid, trochanters, and the recipe. Volumes and centroids are closed
forms; `voxel_volume_ml` is what the voxels of the file add up to.

Written anew, bit for bit, by

    python -m corecore.study.phantom.samples sample_volumes

(the compressed bytes also depend on the zlib that Python was built with; the volumes within do not).
"""


def write_samples(folder: Path, names: list[str] | None = None) -> list[Path]:
    """Write the sample volumes, their truths and the table; returns the files.

    ``names`` picks some of ``SAMPLES``; the table is then left out.
    """
    written: list[Path] = []
    rows = []
    for name, recipe in SAMPLES.items():
        if names is not None and name not in names:
            continue
        hip = make_hip(recipe)
        written += write_hip(hip, folder, name)
        rows.append(_row(name, hip))
        _log.info("%s written", name)
    if names is None:
        atomic_write_text(folder / "README.md", _README.format(rows="\n".join(rows)))
        written.append(folder / "README.md")
    return written


def _row(name: str, hip: SyntheticHip) -> str:
    truth = hip.truth
    lesion = truth.lesion
    voxels = _voxels(hip.femur)
    if not hip.lesion.grid.same_as(hip.femur.grid):
        voxels += f", lesion {_voxels(hip.lesion)} oblique"
    cells = (
        name,
        truth.side,
        lesion.kind.replace("_", " "),
        f"{100.0 * lesion.sphere_fraction:.1f} %",
        f"{lesion.volume_ml:.3f}",
        f"{2.0 * truth.head_radius_mm:.1f}",
        f"{truth.neck_shaft_angle_deg:.1f}°",
        ", ".join(f"{v:.2f}" for v in truth.head_center),
        ", ".join(f"{v:.2f}" for v in truth.lesser_trochanter_tip),
        voxels,
    )
    return "| " + " | ".join(cells) + " |"


def _voxels(mask: Mask) -> str:
    return " × ".join(f"{v:g}" for v in mask.grid.spacing_mm.round(3))


def main(arguments: list[str] | None = None) -> None:
    """Command line: the folder to write into."""
    parser = argparse.ArgumentParser(prog="python -m corecore.study.phantom.samples", description=__doc__)
    parser.add_argument("folder", type=Path, help="folder to write the sample volumes into")
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    write_samples(parser.parse_args(arguments).folder)


if __name__ == "__main__":
    main()
