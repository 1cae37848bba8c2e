"""A batch on a Dask cluster ends in the same table, also when a worker is killed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import batch_work

from corecore.base.errors import CorecoreError, InputError, MissingExtraError
from corecore.study.batch.manifest import read_rows
from corecore.study.batch.run import Execution, Outcome, run_batch
from corecore.study.batch.settings import Settings
from corecore.study.batch.table import CSV, PARQUET

pytest.importorskip("pyarrow")

# Dask's own warnings, of sockets closed late and the like, are no fault of the batch.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    # Loaded here: it takes a second, and only these tests want it.
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    ) as cluster:
        yield str(cluster.scheduler_address)


def _run(source: Path, out: Path, work: Any, **options: Any) -> Outcome:
    return run_batch(read_rows(source), Settings(), out, base=source.parent, execution=Execution(**options), work=work)


def test_a_cluster_gives_the_table_of_one_machine(tmp_path: Path, address: str) -> None:
    source = batch_work.manifest(tmp_path / "in", 30)
    _run(source, tmp_path / "local", batch_work.told)
    _run(source, tmp_path / "cluster", batch_work.unevenly, scheduler=address)
    for name in (CSV, PARQUET):
        assert (tmp_path / "cluster" / name).read_bytes() == (tmp_path / "local" / name).read_bytes()


def test_a_killed_worker_costs_nothing_and_a_deadly_case_one_row(tmp_path: Path, address: str) -> None:
    source = batch_work.manifest(tmp_path / "in", 6)
    _run(source, tmp_path / "local", batch_work.told)
    _run(source, tmp_path / "once", batch_work.dying_once, scheduler=address)
    assert (tmp_path / "in" / "died").exists()
    assert (tmp_path / "once" / CSV).read_bytes() == (tmp_path / "local" / CSV).read_bytes()
    outcome = _run(source, tmp_path / "deadly", batch_work.dying, scheduler=address)
    assert outcome.rows == 6
    assert any("worker died" in cause and "hip3" in ids for cause, (_, ids) in outcome.failures.items())


def test_a_cluster_that_cannot_run_a_case_ends_the_run(tmp_path: Path, address: str) -> None:
    source = batch_work.manifest(tmp_path / "in", 2)
    with pytest.raises(CorecoreError, match="no planner"):
        _run(source, tmp_path / "out", batch_work.broken, scheduler=address)
    assert not (tmp_path / "out" / PARQUET).exists()


def test_no_scheduler_and_no_dask_are_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = batch_work.manifest(tmp_path / "in", 1)
    monkeypatch.setattr("corecore.study.batch.cluster.TIMEOUT_S", 1)
    for wrong in ("tcp://127.0.0.1:9", "nonsense://x", "tcp://"):
        with pytest.raises(InputError, match="no scheduler"):
            _run(source, tmp_path / "out", batch_work.told, scheduler=wrong, resume=True)
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtraError, match=r"corecore\[cluster\]"):
        _run(source, tmp_path / "out", batch_work.told, scheduler="tcp://127.0.0.1:9", resume=True)
