"""What every test may use: real hips, where they are at hand, and the profiles of the property tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from corecore.hip.case import load_case
from corecore.hip.hip import Hip, build_hip

ROOT = Path(__file__).resolve().parent.parent

# Example counts are engineering choices: "fast" draws the same examples every time, so that a red
# run can be repeated; "thorough" looks for new ones: pytest --hypothesis-profile=thorough.
_quiet = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
settings.register_profile("fast", max_examples=25, derandomize=True, deadline=None, suppress_health_check=_quiet)
settings.register_profile("thorough", max_examples=500, deadline=None, print_blob=True, suppress_health_check=_quiet)
settings.load_profile("fast")


@pytest.fixture(scope="session")
def real_hips() -> Path:
    """The folder of real hips: CORECORE_REAL_HIPS, or ../shared/real_hips beside the repository; else a skip."""
    named = os.environ.get("CORECORE_REAL_HIPS")
    folder = Path(named) if named else ROOT.parent / "shared" / "real_hips"
    if not (folder / "truth.json").is_file():
        if named:
            pytest.fail(f"CORECORE_REAL_HIPS names {named!r}, which has no truth.json")
        pytest.skip("no real hips at hand; set CORECORE_REAL_HIPS to their folder")
    return folder


@pytest.fixture(scope="session")
def sample_hip() -> Hip:
    """The demo's hip, built once."""
    path = ROOT / "sample_volumes" / "right_medium.nii.gz"
    return build_hip(load_case(f"{path}:1", f"{path}:2", case_id="sample"))
