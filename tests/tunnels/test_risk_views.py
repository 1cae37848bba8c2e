"""Work under fluoroscopy: what two views show, what they correct, and published series beside the model's."""

from __future__ import annotations

from dataclasses import fields, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from support.published_risk import joint_counts, published_errors
from support.risk_twin import neck_tunnel

from corecore.base.grid import Grid, Mask
from corecore.base.spec import Spec
from corecore.document.stated import Errors
from corecore.hip.hip import Hip
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.risk.drilling import _cut_off, perturbed
from corecore.tunnels.risk.execution import execution_risk
from corecore.tunnels.risk.methods import METHODS
from corecore.tunnels.risk.views import seen, two_views
from corecore.verification.frame import Frame
from corecore.verification.mesh import mesh_of
from corecore.verification.risk import _drawn, outlines

LOOKS = METHODS["fluoroscopy"]


def test_the_heads_outline_is_the_spheres_in_either_view(sample_hip: Hip) -> None:
    anatomy = sample_hip.anatomy
    for view in two_views(sample_hip):
        # Along the neck's axis to the head's pole, and across it through the head's centre.
        tunnel = Tunnel(anatomy.neck_center, anatomy.head_center, 2.0)
        shown = seen(view, tunnel)
        assert abs(shown.way @ view.beam) < 1e-9
        assert shown.ahead_mm == pytest.approx(anatomy.head_radius_mm, abs=1.5)
        assert shown.rooms[-1].mean() == pytest.approx(anatomy.head_radius_mm - 1.0, abs=1.5)


def test_an_error_is_cut_off_as_if_tried_until_it_lay_within() -> None:
    rng = np.random.default_rng(2)
    normal, deviation = rng.standard_normal(40_000), np.full(40_000, 3.0)
    tried = 3.0 * rng.standard_normal(400_000)
    tried = tried[(tried > -2.0) & (tried < 1.0)]
    found = _cut_off(normal, deviation, 2.0, np.full(40_000, -5.0), np.full(40_000, 1.0))
    assert found.min() >= -2.0
    assert found.max() <= 1.0
    np.testing.assert_allclose(np.quantile(found, (0.1, 0.5, 0.9)), np.quantile(tried, (0.1, 0.5, 0.9)), atol=0.03)
    # The outline goes before the target.
    assert _cut_off(normal[:1], deviation[:1], 2.0, np.array([4.0]), np.array([6.0])) == pytest.approx([4.0])


def test_a_surgeon_who_reads_well_and_redirects_meets_the_target(sample_hip: Hip) -> None:
    tunnel = neck_tunnel(sample_hip)
    exact = replace(LOOKS, entry_mm=0.0, depth_mm=0.0, reading_mm=0.0, outline_mm=0.0, redirect_mm=0.01, tail_share=0.0)
    _, tips = perturbed(sample_hip, [tunnel], exact, poses=512)
    assert np.linalg.norm(tips[:, 0] - tunnel.tip, axis=1).max() < 0.1


def test_looking_spares_the_bone_and_few_poses_are_the_first_of_many(sample_hip: Hip) -> None:
    tunnel, spec = neck_tunnel(sample_hip, diameter_mm=10.0, tip_beyond_mm=14.0), Spec()
    blind = replace(LOOKS, redirect_mm=0.0, entry_mm=3.0, depth_mm=2.0)
    looked, unseen = (execution_risk(sample_hip, [tunnel], spec, method)[0][0] for method in (LOOKS, blind))
    assert looked.perforation.value < 0.3 * unseen.perforation.value
    assert looked.perforation.value <= looked.cortex_breach.value + looked.joint_breach.value
    assert looked.perforation.value >= max(looked.cortex_breach.value, looked.joint_breach.value)
    few, many = (perturbed(sample_hip, [tunnel], LOOKS, poses=count) for count in (256, 1024))
    np.testing.assert_array_equal(few[1], many[1][:256])


def test_the_independent_recalculation_draws_the_same_drillings(sample_hip: Hip) -> None:
    """Outlines from the mesh, pins drawn until they show in place: the same spread of tips, by other code."""
    tunnel, anatomy = neck_tunnel(sample_hip, diameter_mm=10.0, tip_beyond_mm=14.0, side_mm=3.0), sample_hip.anatomy
    bone = sample_hip.bone
    grid = Grid(bone.distance_mm.shape, np.diag([*bone.spacing_mm, 1.0]))
    hip: Any = SimpleNamespace(mesh=mesh_of(Mask(grid, bone.distance_mm > 0.0)))
    frame = Frame(
        anatomy.head_center, anatomy.head_radius_mm, anatomy.x_axis, anatomy.y_axis, anatomy.shaft_axis,
        anatomy.neck_axis, anatomy.head_center,
    )  # fmt: skip
    errors = Errors(**{field.name: getattr(LOOKS, field.name) for field in fields(Errors)})
    count, rng = 4000, np.random.default_rng(1)
    entries, ways, lengths = _drawn(
        tunnel.entry, tunnel.tip, tunnel.diameter_mm, errors, hip, count, rng, outlines(hip, frame)
    )
    theirs = entries + lengths[:, None] * ways - tunnel.tip
    ours = perturbed(sample_hip, [tunnel], LOOKS)[1][:, 0] - tunnel.tip
    basis = np.stack([*tunnel.ring_basis(), tunnel.direction])
    for there, here in zip((theirs @ basis.T).T, (ours @ basis.T).T, strict=True):
        # Half a pixel of the recalculation's outlines, at the planned tip and at the drilled one.
        assert there.mean() == pytest.approx(here.mean(), abs=4.0 * here.std() / np.sqrt(count) + 0.25)
        assert there.std() == pytest.approx(here.std(), rel=0.06)


def test_counts_of_published_series_lie_in_the_predicted_intervals(sample_hip: Hip) -> None:
    for one in joint_counts(sample_hip):
        assert one.covered, one


def test_published_errors_lie_in_the_predicted_intervals(sample_hip: Hip) -> None:
    for one in published_errors(sample_hip):
        assert one.covered, one
