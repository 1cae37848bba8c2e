"""The portal of a fan moved over the surface: never worse where it began, and no better one beside it."""

from __future__ import annotations

import multiprocessing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.shared import shared

from corecore.base.parallel import in_parts
from corecore.base.spec import Spec, preset
from corecore.hip.case import load_case
from corecore.hip.hip import Hip
from corecore.planning.search.problem import thinned
from corecore.planning.search.single import best_tunnel
from corecore.planning.sets.candidates import Pool, build_pool
from corecore.planning.sets.entry_hole import SEEDS, STEPS_MM, better_entry_holes
from corecore.planning.sets.exchange import Members, exchanged, seeds, value
from corecore.planning.sets.search import best_set

FAN = replace(preset("core-8"), tunnels=3, pattern="fan")


@pytest.fixture(scope="module")
def pool(sample_hip: Hip) -> Pool:
    hip = thinned(sample_hip, 2000)
    best = best_tunnel(hip, Spec(diameter_mm=8.0), confirm=False)
    assert best.tunnel is not None
    return build_pool(hip, FAN, [best.tunnel], "fan")


def most(pool: Pool, count: int) -> int:
    """What the best set of the pool's last fan removes, of its thinned points."""
    members = Members(pool, pool.fans[-1])
    sets = [exchanged(members, start, count) for start in ([], *([seed] for seed in seeds(members, SEEDS)))]
    return max((value(pool, chosen) for chosen in sets if len(chosen) == count), default=0)


@pytest.mark.slow
def test_a_moved_portal_is_better_than_every_one_it_could_begin_from_or_move_to(pool: Pool) -> None:
    for count in (2, 3):
        begun = []
        for fan in pool.fans:
            alone = pool.emptied()
            alone.add_fan(pool.shapes.entry[fan[-1]])
            begun.append(most(alone, count))
        entries = better_entry_holes(pool, pool.fans, count)
        assert len(pool.lines) == max(int(fan.max()) for fan in pool.fans) + 1, "the pool itself is not touched"
        reached = []
        for entry in entries:
            moved = pool.emptied()
            moved.add_fan(entry)
            reached.append(most(moved, count))
        assert entries
        assert max(reached) >= max(begun)
        # A portal a step away, on any line of the fan: none of them may do clearly more than the best.
        best = pool.emptied()
        best.add_fan(entries[int(np.argmax(reached))])
        for shift in ((STEPS_MM[0], 0.0), (-STEPS_MM[0], 0.0), (0.0, STEPS_MM[0]), (0.0, -STEPS_MM[0])):
            beside = pool.emptied()
            normal = pool.problem.neck_frame
            beside.add_fan(entries[int(np.argmax(reached))] + shift[0] * normal[1] + shift[1] * normal[2])
            if beside.fans and len(beside.lines) >= count:
                assert most(beside, count) <= 1.02 * max(reached)


@pytest.mark.long
def test_a_fan_on_a_real_hip_does_not_stay_where_it_first_did(real_hips: Path) -> None:
    """Moved with its tunnels alone, the portal stayed at 23.7 % of this lesion."""
    path = real_hips / "h04_left_posterior15.nii.gz"
    found = best_set(shared.build_hip(load_case(f"{path}:1", f"{path}:2")), FAN)
    assert len(found.tunnels) == 3
    assert found.removed_fraction > 0.240


def _filled(answer: multiprocessing.Queue[float]) -> None:
    answer.put(_sum())


def _sum() -> float:
    squares = np.zeros(1000)

    def work(part: slice) -> None:
        squares[part] = np.arange(part.start, part.stop) ** 2.0

    in_parts(1000, work)
    return float(squares.sum())


def test_threads_that_stay_serve_a_forked_process_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORECORE_THREADS", "2")
    expected = sum(n * n for n in range(1000))
    assert _sum() == expected
    context = multiprocessing.get_context("fork")
    answer = context.Queue()
    child = context.Process(target=_filled, args=(answer,))
    child.start()
    try:
        assert answer.get(timeout=30.0) == expected
    finally:
        child.kill()
        child.join()
