"""What every test may use: hips made once a run, real hips where they are at hand, the property tests' profiles."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from corecore.hip.hip import Hip
    from corecore.planning.planner import Plan
    from corecore.review.controller import ReviewController
    from corecore.review.model import ReviewModel

ROOT = Path(__file__).resolve().parent.parent

# Example counts are engineering choices: "fast" draws the same examples every time, so that a red
# run can be repeated; "thorough" looks for new ones: pytest --hypothesis-profile=thorough.
_quiet = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
settings.register_profile("fast", max_examples=25, derandomize=True, deadline=None, suppress_health_check=_quiet)
settings.register_profile("thorough", max_examples=500, deadline=None, print_blob=True, suppress_health_check=_quiet)
settings.load_profile("fast")

#: Names the folder of what a run shares (tests/support/shared.py, which is imported after it is set).
SHARED = "CORECORE_TESTS_SHARED"
#: Rooms whose tests argue about the room itself, and take the hips, measures and searches below it as made once.
ABOVE = {"app", "document", "end_to_end", "exports", "report", "review", "slicer_module", "study"}
#: Rooms whose tests run whole commands too, and argue there about their own part of them.
PART = {"io", "planning"}
#: Fixtures that stand for seconds of work: a test that asks for one is no unit test.
WORK = {"sample_hip", "sample_plan", "real_hips", "written_plan"}
#: Rooms, modules and tests that plan, verify, draw, fit, or run commands, seconds each: no unit tests.
WHOLE = {
    "end_to_end", "app/test_api", "app/test_cli", "app/test_volumes", "exports/test_export",
    "exports/test_export_dicom",
    "exports/test_export_docs", "exports/test_guide", "exports/test_guide_parts", "hip/test_anatomy_fit",
    "hip/test_anatomy_real", "hip/test_draft", "hip/test_hip", "hip/test_registration", "measures/test_collapse",
    "measures/test_metal", "measures/test_previous_tunnel", "measures/test_signs_real", "planning/test_avoid",
    "planning/test_manual", "report/test_five_scenes", "report/test_fluoroscopy", "report/test_picture",
    "report/test_report", "report/test_renderers", "study/test_batch_run", "tunnels/test_risk",
    "verification/test_verify_faults", "verification/test_verify_plan",
    "base/test_distance_field::test_distance_has_no_half_voxel_bias",
    "base/test_distance_field::test_thin_voxels_are_measured_in_millimetres",
    "base/test_jit_cache::test_a_kernel_sees_a_change_in_the_file_it_calls",
    "study/test_batch_intervals::test_a_means_interval_holds_the_truth_in_some_95_of_100_samples",
    "verification/test_verify_document::test_no_edit_ends_in_anything_but_a_plan_or_an_input_error",
    "app/test_diagnose::test_what_works_is_said_to_work",
    "hip/test_anatomy_head::test_a_collapsed_dome_does_not_move_it",
    "hip/test_anatomy_head::test_a_crater_where_the_lesion_is_missing_does_not_move_it",
    "hip/test_anatomy_head::test_the_sphere_is_found_at_any_offset_and_turn",
    "hip/test_keep_out::test_nothing_thin_is_lost",
    "io/test_dicom::test_a_stack_that_is_not_even_is_refused",
    "review/test_review_record::test_a_save_that_is_killed_leaves_the_record_whole",
    "planning/test_sets_bound::test_prices_reach_the_bound_of_the_linear_programme",
    "study/test_batch_summary::test_the_command_prints_the_tables_and_writes_the_page",
    "study/test_batch_summary::test_the_page_stands_alone_and_no_value_is_more_than_text",
    "study/test_phantom_femur::test_lesser_trochanter_tip_is_the_most_prominent_point_of_its_bump",
    "study/test_phantom_femur::test_neck_axis_by_definition_is_the_design_s",
    "study/test_phantom_hip::test_ct_has_the_published_numbers",
    "study/test_phantom_hip::test_left_is_the_mirror_image_of_right",
    "study/test_phantom_hip::test_mean_lesion_volume_is_the_closed_form",
    "study/test_phantom_hip::test_one_image_does_not_change_another",
    "study/test_phantom_hip::test_same_recipe_same_bytes_and_another_seed_other_bytes",
    "study/test_phantom_hip::test_truth_fits_the_masks_of_drawn_hips",
    "study/test_phantom_lesion::test_volume_and_centroid_agree_with_counting",
    "study/test_phantom_population::test_blocks_skipped_whole_hide_no_relief",
    "study/test_phantom_population::test_noise_and_blur_do_what_they_say",
    "verification/test_verify_hip::test_lesion_in_an_open_hole_is_bone_only_in_the_sphere_and_the_closed_femur",
    "verification/test_verify_mesh::test_distances_to_balls_and_oblique_rods_are_within_the_contract",
}  # fmt: skip
#: What argues that two ways give one result must make both.
ALONE = {"app/test_planner"}
#: What a unit test is not.
HEAVIER = {"slow", "browser", "long"}


def pytest_configure(config: pytest.Config) -> None:
    """The first process makes the folder of what the run shares, unless it is given; its workers inherit the name."""
    if not hasattr(config, "workerinput"):
        if SHARED not in os.environ:
            os.environ[SHARED] = tempfile.mkdtemp(prefix="corecore-tests-")
            config.add_cleanup(lambda: shutil.rmtree(os.environ.pop(SHARED), ignore_errors=True))
        # Where inputs lay is remembered in the user's folder: not in this user's.
        os.environ["XDG_STATE_HOME"] = os.environ[SHARED]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the unit tests: quick, without a planned hip, without real data. Files with slow tests come first."""
    for item in items:
        room, module = item.path.parent.name, f"{item.path.parent.name}/{item.path.stem}"
        test = f"{module}::{getattr(item, 'originalname', item.name)}"
        needs = set(getattr(item, "fixturenames", ()))
        if not (WHOLE & {room, module, test} or WORK & needs or HEAVIER & {mark.name for mark in item.iter_markers()}):
            item.add_marker("unit")
    # Else one worker may be left with a test of a minute when the other has no more to steal.
    heavy = {item.path for item in items if any(item.iter_markers("slow")) or any(item.iter_markers("browser"))}
    items.sort(key=lambda item: item.path not in heavy)


@pytest.fixture(scope="module", autouse=True)
def made_once(request: pytest.FixtureRequest) -> Iterator[None]:
    """Commands take from the run's store what another test had made already, but for what is argued about."""
    room = request.path.parent.name
    if room not in ABOVE | PART or f"{room}/{request.path.stem}" in ALONE:
        yield
        return
    from support.shared import shared

    with shared.in_package(room if room in PART else ""):
        yield


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
    """The demo's hip, built once a run."""
    from support.shared import shared

    from corecore.hip.case import load_case

    path = ROOT / "sample_volumes" / "right_medium.nii.gz"
    return shared.build_hip(load_case(f"{path}:1", f"{path}:2", case_id="sample"))


@pytest.fixture(scope="session")
def sample_plan(sample_hip: Hip) -> Plan:
    """The sample planned with the usual parameters, once a run."""
    from support.shared import shared

    from corecore.base.spec import Spec
    from corecore.planning.planner import plan_hip

    with shared.in_package():
        return shared.of_hip(
            "plan", sample_hip, lambda: plan_hip(sample_hip, Spec(), shared.measure(sample_hip, Spec()))
        )


@pytest.fixture(scope="session")
def written_plan() -> Path:
    """The sample's folder as ``corecore plan`` leaves it, pictures and all: to be read; who edits it copies it."""
    from support.shared import shared

    from corecore.app.cli import main

    path = ROOT / "sample_volumes" / "right_medium.nii.gz"

    def write(folder: Path) -> None:
        masks = ["--femur", f"{path}:1", "--lesion", f"{path}:2"]
        assert main(["plan", *masks, "--objective", "safest", "--out", str(folder / "plan")]) == 0

    with shared.in_package():
        return shared.written("plan of the sample", write) / "plan"


@pytest.fixture(scope="module")
def desk(sample_hip: Hip) -> ReviewModel:
    """The sample hip laid out for review."""
    from support.review_case import sample_desk

    return sample_desk(sample_hip)


@pytest.fixture
def table(desk: ReviewModel, tmp_path: Path) -> Iterator[ReviewController]:
    """Its review in a folder of its own."""
    from support.review_case import sample_table

    found = sample_table(desk, tmp_path)
    yield found
    found.access.release()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium as playwright drives it, for the tests of pages that are served; else a skip."""
    from support.chromium import find_chromium

    program = find_chromium()
    if program is None:
        pytest.skip("no Chromium here")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as tools:
        started = tools.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--enable-unsafe-swiftshader", "--disable-gpu-sandbox"]
        )
        yield started
        started.close()


@pytest.fixture
def artefacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go: the folder that CORECORE_ARTEFACTS names, else the test's own."""
    named = os.environ.get("CORECORE_ARTEFACTS")
    folder = Path(named) if named else tmp_path_factory.mktemp("artefacts")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
