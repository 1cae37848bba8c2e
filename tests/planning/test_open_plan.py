"""A plan opened again: what the user gave stands in its file, and comes back."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path

import msgspec
import numpy as np
from support.plan_factory import Pose, plan_of

from corecore.document.stated import read_stated
from corecore.hip.anatomy.model import Landmarks
from corecore.hip.hip import Hip
from corecore.planning.document import anatomy_part
from corecore.planning.open_plan import _landmarks


def test_every_landmark_that_was_given_survives_its_file(sample_hip: Hip, tmp_path: Path) -> None:
    # The drawn femur shows no ridge of its own.
    anatomy = replace(sample_hip.anatomy, vastus_ridge=sample_hip.anatomy.head_center - [1.0, 2.0, 45.0])
    places, axes = {}, {}
    for name in (
        "head_center",
        "neck_center",
        "shaft_point",
        "lesser_trochanter_tip",
        "greater_trochanter_tip",
        "vastus_ridge",
    ):
        places[name] = sample_hip.to_world(getattr(anatomy, name))
    for name in ("shaft_axis", "x_axis"):
        axes[name] = sample_hip.world_from_local[:3, :3] @ getattr(anatomy, name)
    given = Landmarks(
        **places, **axes, head_radius_mm=anatomy.head_radius_mm, anteversion_deg=13.25,
        acetabular_edge=places["head_center"] + [21.5, 0.25, 17.0], teardrop=places["head_center"] - [30.5, 1.75, 20.0],
    )  # fmt: skip
    said = replace(anatomy, sources=dict.fromkeys((*anatomy.sources, "vastus_ridge"), "given"))
    hip = replace(sample_hip, anatomy=said, case=replace(sample_hip.case, landmarks=given))
    inputs = [{"role": role, "path": f"{role}.nii.gz", "sha256": "0" * 64} for role in ("femur", "lesion")]
    plan = {**plan_of(inputs, Pose()), "anatomy": msgspec.to_builtins(anatomy_part(hip))}
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    again = _landmarks(read_stated(tmp_path / "plan.json"))
    # A landmark added later is given here, and comes back, or this fails.
    for field in fields(Landmarks):
        value = getattr(given, field.name)
        assert value is not None, field.name
        np.testing.assert_allclose(getattr(again, field.name), value, atol=2e-6, err_msg=field.name)
