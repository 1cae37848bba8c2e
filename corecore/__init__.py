"""corecore: plans drilling paths for core decompression in osteonecrosis of the femoral head.

For research and for review by a surgeon; not a medical device::

    import corecore as cc
    hip = cc.load("femur.nii.gz", "necrosis.nii.gz")  # or nibabel images, or arrays with affine=
    plan = cc.plan(hip, "core-10", gap=0.01)
    plan.save("plan")
    assert cc.verify("plan/plan.json").agrees
"""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import TYPE_CHECKING, Any

from corecore.base.version import __version__

if TYPE_CHECKING:
    from corecore.app.api import (
        GuideFiles,
        LesionTransform,
        assess,
        candidates,
        export,
        guide,
        load,
        measure,
        open_plan,
        plan,
        register,
        save,
        verify,
    )
    from corecore.app.hip import Anatomy, Hip
    from corecore.app.measures import Measures
    from corecore.app.plan import Picture, Plan, Tunnel
    from corecore.app.planner import Evaluation, Planner, Region
    from corecore.app.study import batch, summary, synth
    from corecore.base.errors import (
        AnatomyError,
        CancelledError,
        CorecoreError,
        InputError,
        MissingExtraError,
        OutputError,
    )
    from corecore.base.spec import Spec
    from corecore.study.batch.frames import BatchResults, read_results
    from corecore.study.batch.run import Execution
    from corecore.verification.report import Verification

__all__ = [
    "Anatomy",
    "AnatomyError",
    "BatchResults",
    "CancelledError",
    "CorecoreError",
    "Evaluation",
    "Execution",
    "GuideFiles",
    "Hip",
    "InputError",
    "LesionTransform",
    "Measures",
    "MissingExtraError",
    "OutputError",
    "Picture",
    "Plan",
    "Planner",
    "Region",
    "Spec",
    "Tunnel",
    "Verification",
    "__version__",
    "assess",
    "batch",
    "candidates",
    "export",
    "guide",
    "load",
    "measure",
    "open_plan",
    "plan",
    "read_results",
    "register",
    "save",
    "summary",
    "synth",
    "verify",
]

#: Where each name stands. Loaded when it is first asked for: the compiler and VTK take seconds.
_HOMES = {
    **dict.fromkeys(
        ("AnatomyError", "CancelledError", "CorecoreError", "InputError", "MissingExtraError", "OutputError"),
        "base.errors",
    ),
    **dict.fromkeys(("Anatomy", "Hip"), "app.hip"), "Measures": "app.measures",
    **dict.fromkeys(("Picture", "Plan", "Tunnel"), "app.plan"),
    **dict.fromkeys(("Evaluation", "Planner", "Region"), "app.planner"), "Spec": "base.spec",
    "Execution": "study.batch.run", "Verification": "verification.report",
    **dict.fromkeys(("BatchResults", "read_results"), "study.batch.frames"),
    **dict.fromkeys(
        (
            "GuideFiles", "LesionTransform", "assess", "candidates", "export", "guide", "load", "measure", "open_plan",
            "plan", "register", "save", "verify",
        ),
        "app.api",
    ),
    **dict.fromkeys(("batch", "summary", "synth"), "app.study"),
}  # fmt: skip
#: Names of an earlier version, which go with the next: what each is called now, and the function that stands for it.
_EARLIER = {
    "make_plan": ("plan", "make_plan"), "judge_path": ("assess", "assess"), "check": ("verify", "verify"),
    "draw": ("Plan.picture", "draw"),
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _EARLIER:
        now, function = _EARLIER[name]
        warnings.warn(f"corecore.{name}: corecore.{now} is its name now", DeprecationWarning, stacklevel=2)
        return getattr(import_module("corecore.app.api"), function)
    if name not in _HOMES:
        raise AttributeError(f"module 'corecore' has no attribute {name!r}")
    return getattr(import_module(f"corecore.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
