"""The anatomy of real femora, held against measured truth; turned, coarse, cut short, mirrored and headless.

Every second voxel of the fine volumes is taken (1.6 to 2 mm), for speed; the short scans run in full.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial.transform import Rotation
from support.anatomy_bones import CLOSED, RealHip, degrees_between, in_local_frame, read_bone
from support.shared import shared

from corecore.base.distance_field import bone_from_voxels
from corecore.base.errors import AnatomyError
from corecore.base.grid import FloatArray, Grid, Mask, transform
from corecore.hip.anatomy.fit import fit_anatomy
from corecore.hip.anatomy.frame import entry_zone
from corecore.hip.anatomy.head import fit_head
from corecore.hip.anatomy.model import Anatomy
from corecore.hip.anatomy.side import guess_side

#: Name and every how many voxels.
HIPS = [
    ("h01_right_wedge15", 2),
    ("h03_left_small05", 2),
    ("h05_right_short_scan", 1),
    ("h06_left_full_femur", 2),
    ("h07_left_170mm", 2),
    ("h08_h01_oblique", 2),
    ("h09_h01_aniso_3mm", 2),
    ("h11_h01_mirrored", 2),
    ("h13_right_ct_3mm", 1),
]


@cache
def hip(folder: Path, name: str, coarse: int, side: str | None = None) -> RealHip:
    if name == "h09_h01_aniso_3mm":
        mask, truth = read_bone(folder, name)
        # Coarse in the plane, all slices: 1.4 x 1.4 x 3 mm.
        mask = Mask(
            Grid(mask.voxels[::2, ::2].shape, mask.grid.world_from_index @ np.diag([2, 2, 1, 1])), mask.voxels[::2, ::2]
        )
    else:
        mask, truth = read_bone(folder, name, coarse=coarse)
    return in_local_frame(mask, truth, side or truth["side"])


@cache
def fitted(folder: Path, name: str, coarse: int) -> Anatomy:
    found = hip(folder, name, coarse)

    def fit() -> Anatomy:
        return fit_anatomy(found.bone, found.near, side=found.side, superior=found.superior)  # type: ignore[arg-type]

    return shared.once(f"anatomy {name} {coarse}", fit)


@pytest.mark.parametrize(("name", "coarse"), HIPS)
def test_the_landmarks_of_real_hips(real_hips: Path, name: str, coarse: int) -> None:
    truth, found = hip(real_hips, name, coarse), fitted(real_hips, name, coarse)
    assert np.linalg.norm(found.head_center - truth.head_center) < 1.0
    assert found.head_radius_mm == pytest.approx(truth.head_radius, abs=0.7)
    if truth.shaft_axis is not None:
        assert found.sources["shaft_axis"] == "fitted"
        assert degrees_between(found.shaft_axis, truth.shaft_axis) < 2.5
    if truth.lesser_tip is not None:
        assert found.sources["lesser_trochanter"] == "fitted"
        assert found.lesser_trochanter_tip is not None
        height = (truth.lesser_tip - truth.head_center) @ found.shaft_axis
        assert found.lesser_trochanter_height_mm == pytest.approx(height, abs=4.0)
        assert np.linalg.norm(found.lesser_trochanter_tip - truth.lesser_tip) < 6.0
    assert 110.0 < found.neck_shaft_angle_deg < 140.0
    assert "mirrored_bone" not in {c.code for c in found.warnings}
    assert found.sources["x_axis"] == ("condyles" if "h06" in name else "neck")


def test_a_scan_that_ends_at_the_trochanter_assumes_its_shaft(real_hips: Path) -> None:
    found = fitted(real_hips, "h05_right_short_scan", 1)
    assert found.sources["shaft_axis"] == "assumed"
    assert {c.code for c in found.warnings} == {"shaft_assumed"}


def test_a_scan_that_ends_above_the_trochanter_offers_no_entry(real_hips: Path) -> None:
    truth, found = hip(real_hips, "h13_right_ct_3mm", 1), fitted(real_hips, "h13_right_ct_3mm", 1)
    assert {"neck_in_part", "shaft_assumed", "lesser_trochanter_assumed", "lateral_cortex_missing"} == {
        c.code for c in found.warnings
    }
    assert found.lesser_trochanter_tip is None
    assert found.lesser_trochanter_height_mm == pytest.approx(-2.0 * found.head_radius_mm)
    zone = entry_zone(truth.bone, found, lower_mm=5.0, upper_mm=25.0, normal_max_deg=60.0, ap_max_mm=8.0)
    assert not zone.any()


def test_the_entry_zone_of_a_real_hip_is_a_patch_of_the_lateral_cortex(real_hips: Path) -> None:
    truth, found = hip(real_hips, "h01_right_wedge15", 2), fitted(real_hips, "h01_right_wedge15", 2)
    zone = entry_zone(truth.bone, found, lower_mm=5.0, upper_mm=25.0, normal_max_deg=60.0, ap_max_mm=8.0)
    place = (truth.bone.surface_points_mm[zone] - found.shaft_point) @ found.x_axis
    assert place.min() > 10.0
    assert place.max() < 35.0
    # 20 mm high and 16 mm wide across, wider along the curved bone.
    face = float(np.prod(truth.bone.spacing_mm)) ** (2 / 3)
    area = face * float((1.0 / np.abs(truth.bone.surface_normals[zone]).sum(axis=1)).sum())
    assert 320.0 < area < 520.0


@pytest.mark.parametrize("name", ["h01_right_wedge15", "h07_left_170mm", "h05_right_short_scan", "h13_right_ct_3mm"])
def test_the_side_is_told_from_the_unmirrored_bone(real_hips: Path, name: str) -> None:
    mask, truth = read_bone(real_hips, name, coarse=1 if "h13" in name else 2)
    plain = in_local_frame(mask, truth, "right")
    head = fit_head(plain.bone, plain.near)
    for turn in ((0, 0, 0), (30, 0, 0), (-30, 0, 0), (0, 30, 0), (0, -30, 0), (0, 0, 30), (0, 0, -30)):
        world = np.eye(4)
        world[:3, :3] = Rotation.from_euler("xyz", turn, True).as_matrix()
        assert guess_side(plain.bone, head, plain.local_from_world @ world) == truth["side"]


@pytest.mark.parametrize("name", ["h01_right_wedge15", "h03_left_small05", "h07_left_170mm"])
def test_a_bone_taken_for_the_other_side_is_refused(real_hips: Path, name: str) -> None:
    other = "left" if "right" in name else "right"
    wrong = hip(real_hips, name, 2, other)
    with pytest.raises(AnatomyError, match=f"shape of a {truth_side(name)} femur"):
        fit_anatomy(wrong.bone, wrong.near, side=wrong.side, superior=wrong.superior)  # type: ignore[arg-type]


def truth_side(name: str) -> str:
    return "right" if "right" in name else "left"


def turned(mask: Mask, rotation: FloatArray) -> Mask:
    """The mask sampled on a grid whose axes are turned, filled with zeros outside."""
    spacing = float(mask.grid.spacing_mm.min())
    places = mask.positions_mm()
    middle = places.mean(axis=0)
    seen = (places - middle) @ rotation
    low = seen.min(axis=0) - 4.0 * spacing
    shape = np.ceil((seen.max(axis=0) + 4.0 * spacing - low) / spacing).astype(int)
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = rotation * spacing, middle + rotation @ low
    index = mask.grid.index_from_world @ matrix
    level = ndimage.affine_transform(
        mask.voxels.astype(np.float32), index[:3, :3], index[:3, 3], output_shape=tuple(shape), order=1
    )
    return Mask(Grid((int(shape[0]), int(shape[1]), int(shape[2])), matrix), level > 0.5)


@pytest.mark.parametrize("angles", [(30, 0, 0), (0, -30, 0), (0, 0, 30), (20, 20, -20)])
def test_oblique_sampling_and_a_turned_patient_give_the_same_anatomy(
    real_hips: Path, angles: tuple[float, float, float]
) -> None:
    """Stored obliquely *and* with the affine's turn taken away, so that nothing is canonical any more."""
    mask, truth = read_bone(real_hips, "h01_right_wedge15", coarse=2)
    rotation = Rotation.from_euler("xyz", angles, True).as_matrix()
    moved = np.eye(4)
    moved[:3, :3] = rotation.T
    oblique = turned(mask, rotation)
    seen = in_local_frame(
        Mask(oblique.grid.moved(moved), oblique.voxels),
        {"lesion_centroid": transform(moved, truth["lesion_centroid"]), "head_center": [0, 0, 0], "head_radius_mm": 0},
        "right",
    )
    found = fit_anatomy(seen.bone, seen.near, side="right", superior=seen.superior)
    back = np.linalg.inv(seen.local_from_world @ moved)
    plain_hip, plain = hip(real_hips, "h01_right_wedge15", 2), fitted(real_hips, "h01_right_wedge15", 2)
    home = np.linalg.inv(plain_hip.local_from_world)
    gap = transform(back, found.head_center) - transform(home, plain.head_center)
    assert np.linalg.norm(gap) < 0.5
    for name in ("neck_axis", "shaft_axis", "x_axis"):
        assert degrees_between(back[:3, :3] @ getattr(found, name), home[:3, :3] @ getattr(plain, name)) < 1.0, name
    assert found.lesser_trochanter_height_mm == pytest.approx(plain.lesser_trochanter_height_mm, abs=2.0)


#: Cut this far below the lesser trochanter's tip (negative: above it), mm -> most the assumed
#: axis may be off, degrees (docs/design/anatomy.md).
CUTS = [(30.0, 6.0), (0.0, 6.0), (-12.0, 9.0)]


@pytest.mark.parametrize(
    "name",
    ["h01_right_wedge15", *(pytest.param(n, marks=pytest.mark.slow) for n in ("h03_left_small05", "h07_left_170mm"))],
)
def test_whole_bones_cut_short_keep_their_axis_near_enough(real_hips: Path, name: str) -> None:
    whole = hip(real_hips, name, 2)
    assert whole.shaft_axis is not None
    assert whole.lesser_tip is not None
    spacing = whole.mask.grid.spacing_mm
    height = (np.indices(whole.mask.voxels.shape).reshape(3, -1).T * spacing - whole.lesser_tip) @ whole.superior
    for below, most_deg in CUTS:
        kept = whole.mask.voxels & (height > -below).reshape(whole.mask.voxels.shape)
        bone = bone_from_voxels(kept, spacing, open_faces=CLOSED)
        found = fit_anatomy(bone, whole.near, side="right", superior=whole.superior)
        assert found.sources["shaft_axis"] == "assumed"
        assert degrees_between(found.shaft_axis, whole.shaft_axis) < most_deg, below
        # A trochanter cut through its tip must not pass for one seen whole.
        assert found.sources["lesser_trochanter"] == ("fitted" if below >= 10.0 else "assumed"), below
        height_of_tip = (whole.lesser_tip - whole.head_center) @ found.shaft_axis
        assert found.lesser_trochanter_height_mm == pytest.approx(height_of_tip, abs=6.0)


def test_a_shaft_alone_is_refused_in_one_line(real_hips: Path) -> None:
    mask, truth = read_bone(real_hips, "bad3_shaft_only", coarse=2)
    shaft = in_local_frame(mask, truth, "left")
    with pytest.raises(AnatomyError, match="no femoral head") as caught:
        fit_anatomy(shaft.bone, shaft.near, side="left", superior=shaft.superior)
    assert "\n" not in str(caught.value)
