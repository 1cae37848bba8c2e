"""corecore: plans drilling paths for core decompression in osteonecrosis of the femoral head.

For research and for review by a surgeon; not a medical device::

    import corecore as cc
    hip = cc.load("femur.nii.gz", "necrosis.nii.gz")
    plan = cc.make_plan(hip, "core-10", gap=0.01)
    cc.save(plan, "plan")
    assert cc.check("plan/plan.json").agrees
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from corecore.base.version import __version__

if TYPE_CHECKING:
    from corecore.app.api import LesionTransform, Picture, check, draw, judge_path, load, make_plan, measure, save
    from corecore.base.errors import CorecoreError, InputError
    from corecore.base.spec import Spec
    from corecore.hip.hip import Hip
    from corecore.measures.model import Measures
    from corecore.planning.planner import Plan
    from corecore.verification.report import Verification

__all__ = [
    "CorecoreError",
    "Hip",
    "InputError",
    "LesionTransform",
    "Measures",
    "Picture",
    "Plan",
    "Spec",
    "Verification",
    "__version__",
    "check",
    "draw",
    "judge_path",
    "load",
    "make_plan",
    "measure",
    "save",
]

#: Where each name stands. Loaded when it is first asked for: the compiler and VTK take seconds.
_HOMES = {
    "CorecoreError": "base.errors", "InputError": "base.errors", "Hip": "hip.hip", "Measures": "measures.model",
    "Plan": "planning.planner", "Spec": "base.spec", "Verification": "verification.report",
    **dict.fromkeys(
        ("LesionTransform", "Picture", "check", "draw", "judge_path", "load", "make_plan", "measure", "save"), "app.api"
    ),
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'corecore' has no attribute {name!r}")
    return getattr(import_module(f"corecore.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
