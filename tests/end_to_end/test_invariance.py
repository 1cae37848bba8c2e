"""The same hip stored another way, mirrored, or moved: the plan is the same, mirrored, or moves along."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from support.shared import shared

from corecore.base.grid import FloatArray, Grid, Mask, transform
from corecore.base.spec import Spec
from corecore.hip.case import load_case
from corecore.hip.hip import Hip, build_hip
from corecore.io.nifti import write_labels
from corecore.planning.search.single import SearchResult, best_tunnel
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.figures import assess

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "sample_volumes" / "right_medium.nii.gz"


def planned(path: Path) -> tuple[Hip, SearchResult]:
    hip = shared.build_hip(load_case(f"{path}:1", f"{path}:2"))
    return hip, shared.best_tunnel(hip, Spec())


def ends(hip: Hip, found: SearchResult) -> FloatArray:
    """Entry and tip in world mm, (2, 3)."""
    assert found.tunnel is not None, found.infeasible
    return np.stack([hip.to_world(found.tunnel.entry), hip.to_world(found.tunnel.tip)])


@pytest.fixture(scope="module")
def reference() -> tuple[Hip, SearchResult]:
    return planned(SAMPLE)


def stored(path: Path, order: tuple[int, int, int], step: tuple[int, int, int], world: FloatArray) -> Path:
    """The sample with its array axes reordered and its world moved by ``world`` (4, 4)."""
    image = nib.load(SAMPLE)
    assert isinstance(image, nib.Nifti1Image)
    values = np.asarray(image.dataobj)
    grid = Grid(values.shape, image.affine).reordered(order, step)
    array = np.transpose(values, order)[:: step[0], :: step[1], :: step[2]]
    write_labels(path, grid.moved(world), np.ascontiguousarray(array))
    return path


def turned(degrees: tuple[float, float, float]) -> FloatArray:
    """A rotation about a point near the hip, and a shift, as (4, 4)."""
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix()
    matrix[:3, 3] = (14.0, -22.0, 8.5)
    return matrix


MIRROR = np.diag([-1.0, 1.0, 1.0, 1.0])
slow, further = pytest.mark.slow, pytest.mark.long


@pytest.mark.parametrize(
    ("order", "step", "world"),
    [
        pytest.param((2, 0, 1), (-1, 1, -1), np.eye(4), marks=slow),
        pytest.param((1, 2, 0), (1, -1, 1), np.eye(4), marks=further),
        pytest.param((0, 2, 1), (-1, -1, -1), np.eye(4), marks=further),
        pytest.param((0, 1, 2), (1, 1, 1), MIRROR, marks=slow),
        # Mirrored and stored in another order: both at once, at every change.
        ((1, 0, 2), (-1, 1, 1), MIRROR),
        # Each turn alone, and below all of them at once.
        pytest.param((0, 1, 2), (1, 1, 1), turned((30.0, 0.0, 0.0)), marks=further),
        pytest.param((0, 1, 2), (1, 1, 1), turned((0.0, -30.0, 0.0)), marks=further),
        pytest.param((0, 1, 2), (1, 1, 1), turned((0.0, 0.0, 30.0)), marks=further),
        pytest.param((0, 1, 2), (1, 1, 1), turned((-20.0, 25.0, -30.0)), marks=slow),
    ],
)
def test_the_plan_goes_with_the_patient_and_not_with_the_storage(
    reference: tuple[Hip, SearchResult],
    tmp_path: Path,
    order: tuple[int, int, int],
    step: tuple[int, int, int],
    world: FloatArray,
) -> None:
    hip, found = planned(stored(tmp_path / "again.nii.gz", order, step, world))
    assert hip.side == ("left" if world[0, 0] < 0 else "right")
    expected = transform(world, ends(*reference))
    assert np.abs(ends(hip, found) - expected).max() < 0.01
    assert found.figures is not None
    assert reference[1].figures is not None
    assert found.figures.removed_fraction == pytest.approx(reference[1].figures.removed_fraction, abs=1e-6)


def resampled(path: Path, source: Callable[[FloatArray], Any], grid: Grid) -> Path:
    """Labels of a continuous hip (a function of world points) on another grid."""
    index = np.argwhere(np.ones(grid.shape, dtype=bool))
    labels = source(transform(grid.world_from_index, index)).reshape(grid.shape)
    write_labels(path, grid, labels.astype(np.uint8))
    return path


def phantom_labels() -> tuple[Callable[[FloatArray], Any], FloatArray]:
    """The sample's femur and lesion as functions of world points, and its head centre."""
    from corecore.study.phantom.hip import make_hip
    from corecore.study.phantom.samples import SAMPLES

    hip = make_hip(replace(SAMPLES["right_medium"], spacing_mm=(0.5, 0.5, 0.5), ct=False))

    def labels(points: FloatArray) -> Any:
        femur, lesion = hip.femur.contains(points), hip.lesion.contains(points)
        return np.where(lesion, 2, np.where(femur, 1, 0))

    return labels, np.asarray(hip.truth.head_center, dtype=np.float64)


def grid_about(center: FloatArray, spacing: tuple[float, float, float], degrees: tuple[float, float, float]) -> Grid:
    """A grid round the proximal femur, turned."""
    turn = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix()
    shape = np.ceil(np.array([150.0, 130.0, 250.0]) / spacing).astype(int)
    matrix = np.eye(4)
    matrix[:3, :3] = turn @ np.diag(spacing)
    middle = center + np.array([25.0, 0.0, -65.0])
    matrix[:3, 3] = middle - matrix[:3, :3] @ (shape / 2)
    return Grid((int(shape[0]), int(shape[1]), int(shape[2])), matrix)


@slow
def test_oblique_sampling_and_thick_slices_change_little(tmp_path: Path) -> None:
    """Oblique at the same voxel size: within 2 %. Slices of 3.5 mm: within 8 %, margins kept to half a slice."""
    labels, center = phantom_labels()
    spec = Spec()
    hip, straight = planned(resampled(tmp_path / "a.nii.gz", labels, grid_about(center, (0.8, 0.8, 0.8), (0, 0, 0))))
    assert straight.figures is not None
    share = straight.figures.removed_fraction
    for degrees in ((17.0, -11.0, 23.0), (-25.0, 8.0, 14.0)):
        path = resampled(tmp_path / "b.nii.gz", labels, grid_about(center, (0.8, 0.8, 0.8), degrees))
        _, oblique = planned(path)
        assert oblique.figures is not None
        assert oblique.figures.removed_fraction == pytest.approx(share, rel=0.02)
    thick, coarse = planned(resampled(tmp_path / "c.nii.gz", labels, grid_about(center, (0.8, 0.8, 3.5), (0, 0, 0))))
    assert coarse.figures is not None
    assert coarse.figures.removed_fraction == pytest.approx(share, rel=0.08)
    entry, tip = hip.to_local(ends(thick, coarse))
    judged = assess(hip, Tunnel(entry, tip, 10.0), spec)
    assert judged.cortical_clearance_mm >= spec.cortical_margin_mm - 1.75
    assert judged.joint_clearance_mm >= spec.joint_margin_mm - 1.75
    assert judged.removed_fraction == pytest.approx(share, rel=0.08)


@slow
@pytest.mark.parametrize(("name", "tolerance"), [("h08_h01_oblique", 0.02), ("h09_h01_aniso_3mm", 0.08)])
def test_a_real_hip_sampled_another_way(real_hips: Path, name: str, tolerance: float) -> None:
    base, first = planned(real_hips / "h01_right_wedge15.nii.gz")
    other, second = planned(real_hips / f"{name}.nii.gz")
    assert first.figures is not None
    assert second.figures is not None
    assert second.figures.removed_fraction == pytest.approx(first.figures.removed_fraction, rel=tolerance)
    # Judged on the fine grid the other grid's plan keeps every margin within half a slice.
    entry, tip = base.to_local(ends(other, second))
    judged = assess(base, Tunnel(entry, tip, 10.0), Spec())
    half = 0.5 * float(load_case(*[f"{real_hips / name}.nii.gz:{k}" for k in (1, 2)]).femur.grid.spacing_mm.max())
    assert judged.cortical_clearance_mm >= 3.0 - half
    assert judged.posterosuperior_clearance_mm >= 5.0 - half
    assert judged.joint_clearance_mm >= 5.0 - half


@slow
def test_a_mirrored_real_hip(real_hips: Path) -> None:
    """h01's voxels in a mirrored world: the mirrored plan to 0.01 mm. (h11 is sampled anew, hence near, not equal.)"""
    image = nib.load(real_hips / "h01_right_wedge15.nii.gz")
    assert isinstance(image, nib.Nifti1Image)
    values, grid = np.asarray(image.dataobj), Grid(image.shape, MIRROR @ image.affine)
    from corecore.hip.case import case_from_masks

    case = case_from_masks(Mask(grid, values == 1), Mask(grid, values == 2), label_map=True)
    hip = build_hip(case)
    assert hip.side == "left"
    found = best_tunnel(hip, Spec())
    expected = ends(*planned(real_hips / "h01_right_wedge15.nii.gz")) * [-1.0, 1.0, 1.0]
    assert np.abs(ends(hip, found) - expected).max() < 0.01
