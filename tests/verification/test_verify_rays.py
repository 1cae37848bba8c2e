"""Figures by rays from the head's centre, in a ball with a lesion under a cap of known width."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from corecore.base.grid import Grid, Mask
from corecore.document.stated import StatedNecrosis
from corecore.verification.frame import Frame
from corecore.verification.mesh import mesh_of
from corecore.verification.rays import ray_checks

RADIUS_MM, CAP_DEG, DEPTH_MM = 24.0, 55.0, 5.0


def judged(
    lesion_deg: float,
    *,
    over_mm: float = 0.0,
    front: bool = False,
    tight: bool = False,
    behind_mm: float = 0.3,
    stated: dict[str, float],
) -> dict[str, Any]:
    """Checks by name for a lesion within an angle of the pole, its top so far below the surface.

    The coronal plane runs ``behind_mm`` behind a layer of voxels;
    ``front``: of it the half in front of the coronal plane alone; ``tight``: its array ends with it.
    """
    size = 60
    center = np.full(3, size / 2 - 0.3)
    center[1] = size / 2 - behind_mm
    index = np.stack(np.meshgrid(*[np.arange(size)] * 3, indexing="ij"), axis=-1) - center
    away = np.linalg.norm(index, axis=-1)
    grid = Grid((size, size, size), np.eye(4))
    bone = Mask(grid, away <= RADIUS_MM)
    cosine = index[..., 2] / np.maximum(away, 1e-9)
    dead = bone.voxels & (cosine >= np.cos(np.radians(lesion_deg))) & (away <= RADIUS_MM - over_mm) & (away > 12.0)
    dead &= (index[..., 1] > 0.0) | (not front)
    lesion = Mask(grid, dead)
    lesion = lesion.cropped(*lesion.bounds()) if tight else lesion
    # Down the neck, where no figure looks.
    x, y, z = np.eye(3)
    neck = np.array([-0.6, 0.0, 0.8])
    frame = Frame(center, RADIUS_MM, x, y, z, neck, center - 80.0 * z)
    points = np.argwhere(dead).astype(np.float64)
    hip: Any = SimpleNamespace(bone=bone, mesh=mesh_of(bone), lesion=lesion, lesion_points_mm=points)
    necrosis = StatedNecrosis(
        volume_ml=1.0, figures={}, centroid=None, pole=z, cap_half_angle_deg=CAP_DEG, cone_fraction=None, octants={},
        extents={}, rays=dict(stated), subchondral_depth_mm=DEPTH_MM,
    )  # fmt: skip
    plan: Any = SimpleNamespace(necrosis=necrosis)
    return {check.name.removeprefix("necrosis."): check for check in ray_checks(plan, hip, frame)}


@pytest.mark.parametrize("lesion_deg", [20.0, 30.0, 42.0])
def test_arcs_and_the_share_of_the_cap_are_those_of_the_ball(lesion_deg: float) -> None:
    share = (1.0 - np.cos(np.radians(lesion_deg))) / (1.0 - np.cos(np.radians(CAP_DEG)))
    stated = {
        "kerboul.coronal_deg": 2.0 * lesion_deg, "kerboul.sagittal_deg": 2.0 * lesion_deg,
        "weight_bearing.surface_fraction": float(share),
    }  # fmt: skip
    for name, check in judged(lesion_deg, stated=stated).items():
        assert check.ok, check
        # Well inside the tolerance, so that a wrong figure falls.
        assert abs(check.found - check.stated) < 0.6 * check.tolerance, name


@pytest.mark.parametrize("front", [False, True])
def test_where_the_lesion_s_array_ends_makes_no_difference(front: bool) -> None:
    """The coronal plane passes 0.3 mm behind the last layer of the front half, within the layer's own voxels."""
    stated = {"kerboul.coronal_deg": 60.0, "kerboul.sagittal_deg": 30.0 if front else 60.0}
    wide, tight = (judged(30.0, front=front, tight=cropped, stated=stated) for cropped in (False, True))
    assert {name: check.found for name, check in wide.items()} == {name: check.found for name, check in tight.items()}
    assert all(check.ok for check in tight.values()), tight


def test_where_a_plane_runs_along_the_lesion_s_edge_the_arc_may_be_that_half_a_voxel_aside() -> None:
    """The front half's last layer lies 0.15 mm in front of the coronal plane, a smoothed outline rounds its corners."""
    stated = {"kerboul.coronal_deg": 45.0, "kerboul.sagittal_deg": 30.0}
    along = judged(30.0, front=True, behind_mm=0.15, stated=stated)
    assert all(check.ok for check in along.values()), along
    # No wider where the plane runs through the middle.
    through = judged(30.0, stated={"kerboul.coronal_deg": 45.0})["kerboul.coronal_deg"]
    assert not through.ok
    assert through.tolerance < 7.0
    # And the other plane's is no wider for it.
    assert along["kerboul.sagittal_deg"].tolerance < 7.0


def test_a_figure_beyond_its_tolerance_falls() -> None:
    stated = {"kerboul.coronal_deg": 69.0, "kerboul.sagittal_deg": 60.0, "weight_bearing.surface_fraction": 0.40}
    found = judged(30.0, stated=stated)
    assert {name: check.ok for name, check in found.items()} == {
        "kerboul.coronal_deg": False, "kerboul.sagittal_deg": True, "weight_bearing.surface_fraction": False,
    }  # fmt: skip


def test_deep_lesion_involves_no_surface_and_lies_as_deep_as_it_does() -> None:
    stated = {
        "kerboul.coronal_deg": 0.0, "kerboul.sagittal_deg": 0.0, "weight_bearing.surface_fraction": 0.0,
        "weight_bearing.depth_mm": 7.0,
    }  # fmt: skip
    for check in judged(30.0, over_mm=7.0, stated=stated).values():
        assert check.ok, check
    assert not judged(30.0, over_mm=7.0, stated={"weight_bearing.depth_mm": 4.0})["weight_bearing.depth_mm"].ok
