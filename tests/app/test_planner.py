"""A hip held ready answers as from cold, may be called off, and is asked from any thread."""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

import corecore as cc
from corecore.base.cancellation import cancellable, check_wanted
from corecore.base.parallel import in_parts
from corecore.base.spec import Spec
from corecore.document.content import content_of
from corecore.document.fields import known
from corecore.hip.hip import Hip
from corecore.planning.planner import Plan as InnerPlan
from corecore.planning.results import Results
from corecore.planning.warm_planner import WarmPlanner

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "sample_volumes" / "right_medium.nii.gz"
#: What is drawn from: a change of one parameter, or of two that belong together.
CHANGES: list[dict[str, Any]] = [
    {"cortical_margin_mm": 4.5}, {"joint_margin_mm": 7.0}, {"posterosuperior_margin_mm": 6.0},
    {"diameter_mm": 7.0, "instrument": None}, {"diameter_mm": 9.0}, {"instrument": "core-8"}, {"objective": "most"},
    {"guidance": "navigated"}, {"guidance": "guide", "near_best_share": 0.9}, {"tunnels": 2, "diameter_mm": 6.0},
    {"entry_distal_mm": 4.0}, {"entry_proximal_mm": 30.0}, {"entry_ap_max_mm": 6.0}, {"shaft_angle_max_deg": 55.0},
    {"length_max_mm": 90.0}, {"target": "weight-bearing"}, {"outline_error_mm": 0.5}, {"cap_half_angle_deg": 50.0},
]  # fmt: skip


def without_times(plan: cc.Plan) -> dict[str, Any]:
    content = content_of(plan.document)
    for name in ("created", "timings"):
        content.pop(name)
    return content


@pytest.fixture(scope="module")
def held() -> cc.Planner:
    return cc.Planner(loaded(SAMPLE), objective="most")


def loaded(path: Path, **more: Any) -> cc.Hip:
    return cc.load(f"{path}:1", f"{path}:2", case_id="case", **more)


def drawn(seed: int, count: int) -> Iterator[dict[str, Any]]:
    yield from random.Random(seed).sample(CHANGES, count)


def check_same(path: Path, changes: Iterator[dict[str, Any]]) -> None:
    planner = cc.Planner(loaded(path))
    for change in changes:
        quick, warm, cold = planner.tunnels(**change), planner.plan(**change), cc.plan(loaded(path), **change)
        assert without_times(warm) == without_times(cold), change
        assert len(quick.tunnels) == len(cold.tunnels)
        for one, other in zip(quick.tunnels, cold.tunnels, strict=True):
            assert np.array_equal(one.entry, other.entry), change
            assert np.array_equal(one.tip, other.tip), change
            assert one.figures == other.figures, change
        assert quick.removed_fraction == pytest.approx(cold.totals.removed_fraction, abs=1e-6)
        if quick.perforation_probability is not None:
            told = known(cold.totals.risk)[str(cold.spec.guidance)].perforation_probability  # type: ignore[index]
            assert quick.perforation_probability == pytest.approx(told, abs=5e-5)


@pytest.mark.slow
def test_a_change_gives_the_plan_from_cold(real_hips: Path) -> None:
    check_same(SAMPLE, drawn(24, 2))
    check_same(real_hips / "h03_left_small05.nii.gz", drawn(25, 1))


@pytest.mark.long
def test_every_change_gives_the_plan_from_cold(real_hips: Path) -> None:
    check_same(SAMPLE, iter(CHANGES))
    check_same(real_hips / "h01_right_wedge15.nii.gz", iter(CHANGES))


@pytest.mark.slow
def test_a_region_to_avoid_gives_the_plan_of_a_hip_read_with_it(held: cc.Planner, tmp_path: Path) -> None:
    image = nib.load(SAMPLE)
    values = np.asarray(image.dataobj)
    i, j, k = np.argwhere(values == 2).mean(axis=0).astype(int)
    mask = np.zeros(values.shape, dtype=np.uint8)
    mask[i - 2 : i + 3, j - 2 : j + 3, k - 2 : k + 3] = 1
    region = cc.Region(mask, affine=image.affine)
    planner = held
    free = planner.tunnels()
    warm, cold = planner.plan(avoid=region), cc.plan(loaded(SAMPLE, avoid=mask, affine=image.affine), objective="most")
    assert without_times(warm) == without_times(cold)
    removed = pytest.approx(cold.totals.removed_fraction, abs=1e-6)
    assert planner.tunnels(avoid=region).removed_fraction == removed
    assert known(cold.totals.removed_fraction) < free.removed_fraction  # type: ignore[operator]
    # As a file, of the same voxels; and the planner's own hip has none.
    nib.save(nib.Nifti1Image(mask, image.affine), tmp_path / "avoid.nii.gz")
    assert planner.tunnels(avoid=tmp_path / "avoid.nii.gz").removed_fraction == removed
    assert planner.tunnels().removed_fraction == free.removed_fraction


@pytest.mark.slow
def test_an_answer_is_called_off_at_once_and_the_planner_answers_on(held: cc.Planner) -> None:
    planner = held
    for delay in (0.0, 0.3, 1.0):
        stop, told = threading.Event(), list[float]()

        def set_it(stop: threading.Event = stop, told: list[float] = told) -> None:
            told.append(time.perf_counter())
            stop.set()

        timer = threading.Timer(delay, set_it)
        timer.start()
        with pytest.raises(cc.CancelledError) as caught:
            planner.tunnels(joint_margin_mm=6.5 + delay, stop=stop)
        assert caught.value.code == "cancelled"
        timer.join()
        assert told
    with pytest.raises(cc.CancelledError):
        planner.plan(stop=lambda: True)
    assert planner.tunnels().status == "planned"


@pytest.mark.slow
def test_answers_from_two_threads_come_one_after_the_other(held: cc.Planner) -> None:
    planner = held
    found: dict[float, cc.Evaluation] = {}

    def ask(margin: float) -> None:
        found[margin] = planner.tunnels(joint_margin_mm=margin)

    threads = [threading.Thread(target=ask, args=(margin,)) for margin in (5.0, 7.0)]
    for one in threads:
        one.start()
    # Who waits for its turn may be called off as well.
    with pytest.raises(cc.CancelledError):
        planner.tunnels(joint_margin_mm=9.0, stop=lambda: True)
    for one in threads:
        one.join()
    assert found[5.0].removed_fraction > found[7.0].removed_fraction
    assert found[7.0].tunnels[0].entry.tolist() == planner.tunnels(joint_margin_mm=7.0).tunnels[0].entry.tolist()


def test_tunnels_of_a_plan_are_evaluated_to_their_own_figures(sample_hip: Hip, sample_plan: InnerPlan) -> None:
    hip = cc.Hip._of(sample_hip)
    planner = object.__new__(cc.Planner)
    planner.__dict__.update(_hip=hip, _preset="core-10", _config=None, _values={}, _avoiding=None)
    planner.__dict__["_warm"] = WarmPlanner(sample_hip)
    plan = cc.Plan._of(sample_plan)
    own = planner.assess(plan.tunnels)
    assert own.status == "manual"
    assert own.violations == ()
    assert own.removed_fraction == pytest.approx(sample_plan.totals.removed_fraction, abs=1e-5)
    assert own.tunnels[0].figures.joint_clearance_mm == pytest.approx(
        plan.tunnels[0].figures.joint_clearance_mm, abs=1e-3
    )
    (one,) = plan.tunnels
    wide = planner.assess([(one.entry, one.tip, 14.0), (one.entry, one.tip)], joint_margin_mm=9.0)
    assert {"joint_margin_mm", "overlap"} <= {item.key for item in wide.violations}
    assert wide.removed_fraction >= own.removed_fraction
    for wrong in ([(one.entry,)], [(one.entry, one.entry)], [(one.entry, one.tip, "x")], [(one.tip, one.tip + 500.0)]):
        with pytest.raises(cc.InputError):
            planner.assess(wrong)
    for unknown in ({"no_such_key": 1}, {"joint_margin_mm": 1.0}, {"guidance": "by eye"}):
        with pytest.raises(cc.InputError):
            planner.tunnels(**unknown)


def test_what_waits_is_dropped_where_work_is_called_off() -> None:
    began: list[int] = []

    def work(part: slice) -> None:
        began.append(part.start)
        time.sleep(0.01)

    with pytest.raises(cc.CancelledError), cancellable(lambda: bool(began)):
        in_parts(10_000, work)
    assert len(began) < 16 * 2
    # Outside, and after it, nothing is called off.
    check_wanted()
    done: list[slice] = []
    with cancellable(threading.Event()):
        in_parts(5, done.append)
    assert sorted(one.start for one in done)[0] == 0
    assert sum(one.stop - one.start for one in done) == 5


def test_an_error_in_a_part_comes_through_while_work_may_be_called_off() -> None:
    def work(part: slice) -> None:
        raise ValueError("x")

    with cancellable(lambda: False), pytest.raises(ValueError, match="x"):
        in_parts(5, work)


def test_results_are_found_once_and_the_oldest_go() -> None:
    results, made = Results(stay=2), list[str]()

    def make(name: str) -> str:
        made.append(name)
        return name

    for name in ("a", "b", "a", "c", "a", "b"):
        assert results.once("kind", name, lambda name=name: make(name)) == name  # type: ignore[misc]
    assert made == ["a", "b", "c", "b"]
    assert results.known("kind", "a")
    assert not results.known("other", "a")
    with pytest.raises(ZeroDivisionError):
        results.once("kind", "d", lambda: 1 / 0)
    assert not results.known("kind", "d")
    assert Results(results).common() is results
    assert results.common() is results


def test_measures_read_no_parameter_but_those_they_are_kept_by() -> None:
    named = {"cap_half_angle_deg", "subchondral_depth_mm", "outline_error_mm"}
    room = ROOT / "corecore" / "measures"
    texts = [path.read_text(encoding="utf-8") for path in sorted(room.rglob("*.py"))]
    read = {name for text in texts for name in re.findall(r"(?<![.\w])(?:[a-z_]+\.)?spec\.([a-z_]+)", text)}
    assert read & {field.name for field in fields(Spec)} == named
    kept = (ROOT / "corecore" / "planning" / "warm_planner.py").read_text(encoding="utf-8")
    assert all(f"spec.{name}" in kept for name in named)
