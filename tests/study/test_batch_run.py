"""A batch ends in the same table whoever does the work, in whatever order, and however often it was killed."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import batch_work, format_files

from corecore.app.cli.commands import batch as batch_command
from corecore.base.errors import CorecoreError, InputError, OutputError
from corecore.study.batch.case import changed_file, fingerprints, run_case
from corecore.study.batch.failure_kinds import failure_kind
from corecore.study.batch.limits import CaseLimits, memory_mib
from corecore.study.batch.local import run_local
from corecore.study.batch.manifest import Row, read_rows
from corecore.study.batch.run import JOURNAL, Execution, Outcome, Work, run_batch
from corecore.study.batch.settings import Settings, Variant
from corecore.study.batch.table import CSV, LONG_CSV, LONG_PARQUET, PARQUET

pytest.importorskip("pyarrow")


def _run(source: Path, out: Path, work: Work, settings: Settings | None = None, **options: Any) -> Outcome:
    progress = options.pop("progress", lambda done, total, failed: None)
    columns = options.pop("columns", ())
    return run_batch(
        read_rows(source), settings or Settings(), out, base=source.parent, execution=Execution(**options),
        columns=columns, progress=progress, work=work,
    )  # fmt: skip


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work is done in this process: nothing is told of workers, and none is started."""
    monkeypatch.setattr("corecore.study.batch.run.run_local", _one_by_one)


def _one_by_one(cases: Any, work: Any, lost: Any, workers: int, **limits: Any) -> Any:
    return map(work, cases)


def _table(out: Path) -> list[bytes]:
    return [(out / name).read_bytes() for name in (CSV, PARQUET, LONG_CSV, LONG_PARQUET)]


def test_neither_the_number_of_workers_nor_their_order_shows(tmp_path: Path) -> None:
    source = batch_work.manifest(tmp_path / "in", 9)
    outcome = _run(source, tmp_path / "one", batch_work.told, workers=1)
    _run(source, tmp_path / "two", batch_work.unevenly, workers=2)
    assert _table(tmp_path / "one") == _table(tmp_path / "two")
    orders = [
        [json.loads(line)["row"] for line in (tmp_path / name / JOURNAL).read_text().splitlines()[1:]]
        for name in ("one", "two")
    ]
    assert orders[0] == list(range(9)) != orders[1]  # the order did differ
    assert (outcome.rows, outcome.statuses) == (9, {"planned": 8, "failed": 1})
    assert outcome.failures == {"no head in …": (1, ["hip4"])}


def test_workers_have_one_thread_and_are_renewed(tmp_path: Path) -> None:
    rows = read_rows(batch_work.manifest(tmp_path / "in", 5))
    found = list(run_local(rows, batch_work.who, batch_work.lost, 1, recycle=2))
    records = [entry.records[0] for entry in found]
    pids = [record["pid"] for record in records]
    assert {record["threads"] for record in records} == {"1"}
    assert pids[0] == pids[1] != pids[2] == pids[3] != pids[4]
    assert os.getpid() not in pids
    for pid in set(pids):
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


@pytest.mark.slow
def test_a_worker_that_is_killed_costs_nothing_and_a_deadly_case_one_row(tmp_path: Path) -> None:
    source = batch_work.manifest(tmp_path / "in", 6)
    _run(source, tmp_path / "sound", batch_work.told)
    _run(source, tmp_path / "once", batch_work.dying_once, workers=2)
    assert (tmp_path / "in" / "died").exists()
    assert _table(tmp_path / "once") == _table(tmp_path / "sound")
    outcome = _run(source, tmp_path / "deadly", batch_work.dying, workers=2)
    assert outcome.failures["the worker died … times on this case (signal …)"] == (1, ["hip3"])
    assert (outcome.rows, outcome.statuses) == (6, {"planned": 4, "failed": 2})


def test_a_worker_that_can_do_no_case_ends_the_run_and_the_rest_is_kept(tmp_path: Path) -> None:
    source = batch_work.manifest(tmp_path / "in", 3)
    with pytest.raises(RuntimeError, match="no planner"):
        _run(source, tmp_path / "out", batch_work.broken)
    assert not (tmp_path / "out" / PARQUET).exists()
    _run(source, tmp_path / "out", batch_work.told, resume=True)
    _run(source, tmp_path / "sound", batch_work.told)
    assert _table(tmp_path / "out") == _table(tmp_path / "sound")


def test_workers_that_cannot_start_are_nobodys_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = batch_work.manifest(tmp_path / "in", 3)
    monkeypatch.setattr("corecore.study.batch.local._serve", batch_work.stillborn)
    with pytest.raises(CorecoreError, match=r"workers cannot be started \(exit code 3\)"):
        _run(source, tmp_path / "out", batch_work.told)
    assert (tmp_path / "out" / JOURNAL).read_bytes().count(b"\n") == 1
    monkeypatch.undo()
    assert _run(source, tmp_path / "out", batch_work.told, resume=True).statuses == {"planned": 3}


def test_ctrl_c_leaves_what_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = batch_work.manifest(tmp_path / "in", 4)

    def stop(done: int, total: int, failed: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _run(source, tmp_path / "out", batch_work.told, progress=stop)
    assert (tmp_path / "out" / JOURNAL).read_bytes().count(b"\n") == 3
    assert _run(source, tmp_path / "out", batch_work.told, resume=True).rows == 4


def test_the_bar_tells_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    shown = Terminal()
    monkeypatch.setattr(sys, "stderr", shown)
    with batch_command._bar(quiet=False) as tell:
        tell(3, 7, 0)
    assert shown.getvalue() == ""  # over before it is worth a bar
    monkeypatch.setattr(batch_command, "BAR_AFTER_S", 0.0)
    with batch_command._bar(quiet=False) as tell:
        tell(3, 7, 2)
    assert "3/7" in shown.getvalue()
    assert "2 failed" in shown.getvalue()


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_table(tmp_path: Path) -> None:
    source = batch_work.manifest(tmp_path / "in", 60)
    _run(source, tmp_path / "sound", batch_work.told)
    journal = tmp_path / "out" / JOURNAL
    kills = 0
    rng = random.Random(int(os.environ.get("CORECORE_SEED", "1")))
    number = int(os.environ.get("CORECORE_KILLS", "2"))
    for least in sorted(rng.sample(range(3, 58), number)):
        wait_s = rng.uniform(0.0, 0.02)
        driver = _driver(source, tmp_path / "out", "slowly")
        while not journal.exists() or journal.read_bytes().count(b"\n") < least:
            assert driver.poll() is None
            time.sleep(0.001)
        time.sleep(wait_s)
        workers = _children(driver.pid)
        driver.send_signal(signal.SIGKILL)
        driver.wait()
        kills += 1
        _wait_for_the_end_of(workers)
        assert least <= journal.read_bytes().count(b"\n")
    _run(source, tmp_path / "out", batch_work.told, resume=True)
    assert kills == number
    assert _table(tmp_path / "out") == _table(tmp_path / "sound")
    rows = [json.loads(line)["row"] for line in journal.read_text().splitlines()[1:]]
    assert sorted(rows) == list(range(60))  # each once


@pytest.mark.slow
@pytest.mark.parametrize("way", [signal.SIGKILL, signal.SIGTERM])
def test_nobody_works_on_for_a_driver_that_is_gone(tmp_path: Path, way: signal.Signals) -> None:
    source = batch_work.manifest(tmp_path / "in", 4)
    driver = _driver(source, tmp_path / "out", "forever")
    while not all((tmp_path / "in" / f"begun{row}").exists() for row in (2, 3)):
        assert driver.poll() is None
        time.sleep(0.02)
    workers = _children(driver.pid)
    assert len(workers) >= 2
    driver.send_signal(way)
    driver.wait()
    _wait_for_the_end_of(workers)


@pytest.mark.usefixtures("at_once")
def test_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    source = batch_work.manifest(tmp_path / "in", 4)
    _run(source, tmp_path / "out", batch_work.told)
    before = _table(tmp_path / "out")
    (tmp_path / "out" / PARQUET).unlink()
    told: list[int] = []
    outcome = _run(
        source, tmp_path / "out", batch_work.broken, resume=True, progress=lambda done, total, failed: told.append(done)
    )
    assert (told, outcome.rows) == ([], 4)
    assert _table(tmp_path / "out") == before


@pytest.mark.usefixtures("at_once")
def test_another_run_does_not_go_on_with_a_journal(tmp_path: Path) -> None:
    source = batch_work.manifest(tmp_path / "in", 3)
    out = tmp_path / "out"
    _run(source, out, batch_work.told)
    with pytest.raises(OutputError, match="--resume"):
        _run(source, out, batch_work.told)
    with pytest.raises(InputError, match="the settings"):
        _run(source, out, batch_work.told, Settings((Variant(preset="core-8"),)), resume=True)
    text = source.read_text()
    source.write_text(text.replace("hip", "knee"))
    with pytest.raises(InputError, match="the rows"):
        _run(source, out, batch_work.told, resume=True)
    source.write_text(text)
    _run(source, out, batch_work.told, resume=True)


def _planned_again(source: Path, out: Path, **options: Any) -> list[str]:
    """The ids of the rows that a resumed run plans again; its table is that of a run from nothing."""
    options = options or {"resume": True}
    before = (out / JOURNAL).read_bytes()
    _run(source, out, batch_work.told, **options)
    after = (out / JOURNAL).read_bytes()
    assert after.startswith(before)
    fresh = out.with_name(f"fresh{len(list(out.parent.iterdir()))}")
    _run(source, fresh, batch_work.told)
    assert _table(out) == _table(fresh)
    return [json.loads(line)["records"][0]["id"] for line in after[len(before) :].splitlines()]


@pytest.mark.usefixtures("at_once")
def test_a_row_whose_file_has_changed_is_planned_again_and_no_other(tmp_path: Path) -> None:
    source, out = batch_work.manifest(tmp_path / "in", 3), tmp_path / "out"
    _run(source, out, batch_work.told)
    volume = tmp_path / "in" / "1.nii.gz"
    os.utime(volume)
    assert _planned_again(source, out) == []
    # As long, and by the time that a copy keeps, as old.
    volume.write_text("7")
    os.utime(volume, (1.0, 1.0))
    assert _planned_again(source, out) == ["hip1"]
    volume.unlink()
    assert _planned_again(source, out) == ["hip1"]
    assert _planned_again(source, out) == []
    volume.write_text("7")
    assert _planned_again(source, out) == ["hip1"]
    assert _planned_again(source, out) == []


@pytest.mark.usefixtures("at_once")
def test_a_row_whose_voxels_changed_beside_their_header_has_changed(tmp_path: Path) -> None:
    masks = format_files.metaimage(
        tmp_path / "m.mhd", np.ones((3, 4, 5), dtype=np.uint8), np.eye(4), compressed=False
    )  # fmt: skip
    row = Row(0, "a", femur=f"{masks}:1", lesion=f"{masks}:2")
    files = fingerprints(row)
    assert changed_file(row, files) is None
    voxels = (tmp_path / "m.raw").read_bytes()
    (tmp_path / "m.raw").write_bytes(b"\x02" + voxels[1:])
    assert changed_file(row, files) == masks
    (tmp_path / "m.raw").unlink()
    assert changed_file(row, files) == masks


def test_a_row_whose_line_has_changed_is_planned_again_and_no_other(tmp_path: Path) -> None:
    source, out = batch_work.manifest(tmp_path / "in", 4), tmp_path / "out"
    _run(source, out, batch_work.told)
    text = source.read_text().replace("id,femur,lesion", "id,femur,lesion,image").replace(":2", ":2,")
    source.write_text(text)
    assert _planned_again(source, out) == []
    (tmp_path / "in" / "ct.nii.gz").write_text("ct")
    source.write_text(text.replace("2.nii.gz:2,", "2.nii.gz:2,ct.nii.gz"))
    assert _planned_again(source, out) == ["hip2"]
    (tmp_path / "in" / "ct.nii.gz").write_text("another")
    assert _planned_again(source, out) == ["hip2"]
    # A hip more, and one less, change no other.
    lines = source.read_text().splitlines()
    source.write_text("\n".join([lines[0], "new,0.nii.gz:1,0.nii.gz:2,", lines[3], lines[4]]) + "\n")
    before = (out / JOURNAL).read_bytes()
    assert _run(source, out, batch_work.told, resume=True).rows == 3
    (again,) = (out / JOURNAL).read_bytes()[len(before) :].splitlines()
    assert json.loads(again)["records"][0]["id"] == "new"
    with (out / CSV).open(encoding="utf-8", newline="") as stream:
        assert [row["id"] for row in csv.DictReader(stream)] == ["new", "hip2", "hip3"]


@pytest.mark.usefixtures("at_once")
def test_rows_that_failed_are_planned_again_where_that_is_asked_for(tmp_path: Path) -> None:
    source, out = batch_work.manifest(tmp_path / "in", 6), tmp_path / "out"
    assert _run(source, out, batch_work.told).statuses == {"planned": 5, "failed": 1}
    assert _planned_again(source, out) == []
    assert _planned_again(source, out, retry_failed=True) == ["hip4"]
    assert _run(source, out, batch_work.mended, retry_failed=True).statuses == {"planned": 6}
    assert _run(source, out, batch_work.broken, retry_failed=True).statuses == {"planned": 6}


@pytest.mark.usefixtures("at_once")
def test_columns_are_chosen_anew_without_planning_anything(tmp_path: Path) -> None:
    source, out = batch_work.manifest(tmp_path / "in", 6), tmp_path / "out"
    with pytest.raises(InputError, match="--columns 'total'"):
        _run(source, out, batch_work.told, columns=("totals", "total"))
    assert not out.exists()
    _run(source, tmp_path / "whole", batch_work.told)
    _run(source, out, batch_work.told, columns=("tunnels",))
    with (out / CSV).open(encoding="utf-8", newline="") as stream:
        assert list(next(csv.DictReader(stream)))[-2:] == ["seed", "tunnels.2.length_mm"]
    assert _table(out) != _table(tmp_path / "whole")
    _run(source, out, batch_work.broken, resume=True)
    assert _table(out) == _table(tmp_path / "whole")


@pytest.mark.usefixtures("at_once")
def test_what_is_altered_in_a_journal_is_not_believed(tmp_path: Path) -> None:
    source, out = batch_work.manifest(tmp_path / "in", 3), tmp_path / "out"
    _run(source, out, batch_work.told)
    journal = out / JOURNAL
    whole, table = journal.read_bytes(), _table(out)
    journal.write_bytes(whole.replace(b'"failed"', b'"planned"').replace(b"0.3333333333333333", b"0.9333333333333333"))
    assert journal.read_bytes() != whole
    with pytest.raises(InputError, match="line 3 is not as corecore wrote it") as caught:
        _run(source, out, batch_work.told, resume=True)
    assert caught.value.code == "journal-damaged"
    assert _table(out) == table
    journal.write_bytes(whole)
    assert _run(source, out, batch_work.broken, resume=True).rows == 3


def test_a_pipe_and_a_device_are_rows_that_fail(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.nii.gz")
    for number, path in enumerate((tmp_path / "pipe.nii.gz", Path("/dev/zero"))):
        entry = run_case(Row(number, "a", f"{path}:1", f"{path}:2"), Settings())
        assert [(one["status"], one["code"]) for one in entry.records] == [("failed", "file-unreadable")]
        assert "is a pipe or a device" in str(entry.records[0]["cause"])
        assert all(seen.sha256 is None for seen in entry.files.values())


@pytest.mark.slow
def test_cases_that_take_too_much_are_ended_with_all_they_started_and_cost_one_row_each(tmp_path: Path) -> None:
    hips = int(os.environ.get("CORECORE_BATCH_HIPS", "6"))
    source = batch_work.manifest(tmp_path / "in", hips)
    with source.open("a") as stream:
        for name, file in (
            ("forever", "0.nii.gz"),
            ("hungry", "0.nii.gz"),
            ("pipe", "fifo.nii.gz"),
            ("zero", "/dev/zero"),
        ):
            stream.write(f"{name},{file}:1,{file}:2\n")
    os.mkfifo(tmp_path / "in" / "fifo.nii.gz")
    limits = CaseLimits(seconds=5.0, memory_mib=600)
    outcome = _run(source, tmp_path / "out", batch_work.named, workers=2, limits=limits)
    assert outcome.statuses == {"planned": hips, "failed": 4}
    failed = {name: cause for cause, (_, ids) in outcome.failures.items() for name in ids}
    assert "femur: is a pipe or a device" in failed["pipe"] == failed["zero"]
    assert failed["forever"] == "not done after … s; ended (--case-seconds)"
    assert failed["hungry"] == "took … MiB of memory, over …; ended (--case-memory)"
    with (tmp_path / "out" / CSV).open(encoding="utf-8", newline="") as stream:
        rows = {row["id"]: row["code"] for row in csv.DictReader(stream)}
    codes = {"forever": "case-seconds", "hungry": "case-memory", "pipe": "file-unreadable", "zero": "file-unreadable"}
    assert rows == {**{f"hip{number}": "" for number in range(hips)}, **codes}
    # What the endless case had started has ended with it.
    _wait_for_the_end_of([int((tmp_path / "in" / "started").read_text())])


@pytest.mark.parametrize(("limits", "word"), [(CaseLimits(0.0), "seconds"), (CaseLimits(memory_mib=0), "memory")])
def test_limits_that_no_case_keeps_are_refused(tmp_path: Path, limits: CaseLimits, word: str) -> None:
    source = batch_work.manifest(tmp_path / "in", 1)
    with pytest.raises(InputError, match=f"--case-{word} 0"):
        _run(source, tmp_path / "out", batch_work.told, limits=limits)


def test_the_memory_of_a_process_counts_what_it_started(tmp_path: Path) -> None:
    text = "import sys; held = bytearray(b'x') * (64 << 20); print(); sys.stdin.read()"
    before = memory_mib(os.getpid())
    with subprocess.Popen([sys.executable, "-c", text], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert 64.0 < memory_mib(child.pid) < 200.0
        assert memory_mib(os.getpid()) > before + 60.0
        child.communicate(b"")
    assert math.isnan(memory_mib(child.pid))


def test_settings_that_no_hip_could_be_planned_with_are_refused_before_any_work(tmp_path: Path) -> None:
    source = batch_work.manifest(tmp_path / "in", 1)
    for settings, word in (
        (Settings((Variant(values=(("diameter_mm", 50.0),)),)), "diameter_mm"),
        (Settings((Variant(preset="core-9"),)), "core-9"),
        (Settings((Variant(robust="eye"),)), "eye"),
        (Settings(gap=2.0), "--gap"),
        (Settings(pictures=True), "--plans"),
    ):
        with pytest.raises(InputError, match=word):
            _run(source, tmp_path / "out", batch_work.told, settings)
    with pytest.raises(InputError, match="--workers 0"):
        _run(source, tmp_path / "out", batch_work.told, workers=0)
    assert not (tmp_path / "out").exists()


def test_the_same_sentence_with_other_names_is_one_cause() -> None:
    texts = [
        "femur: label 7 is not in the file (labels 1, 2)",
        "femur: label 3 is not in the file (labels 1, 2, 5)",
        "id 'a'; accepted",
        "/data/x 1.nii.gz: no such file",
    ]
    kinds = [failure_kind(text) for text in texts]
    assert kinds[0] == kinds[1] != kinds[2]
    assert failure_kind("id 'b c'; accepted") == kinds[2]
    assert failure_kind("head of 12.3 mm at −4.0, 5e-3") == failure_kind("head of 9 mm at 1, 2")


def _driver(source: Path, out: Path, work: str) -> subprocess.Popen[bytes]:
    root = str(Path(__file__).resolve().parents[2])
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])}
    return subprocess.Popen([sys.executable, batch_work.__file__, source, out, "2", work], env=env)


def _wait_for_the_end_of(pids: list[int]) -> None:
    deadline = time.monotonic() + 10.0
    while any(Path(f"/proc/{pid}/cmdline").exists() for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _children(pid: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == pid:
                found.append(int(entry.name))
    return found


def test_rows_drilled_with_an_edited_instrument_file_are_planned_again(tmp_path: Path) -> None:
    source, out = batch_work.manifest(tmp_path / "in", 3), tmp_path / "out"
    own, common = tmp_path / "own.toml", tmp_path / "common.toml"
    for path in (own, common):
        path.write_text("[mine]\ndiameter_mm = 8\n")
    lines = source.read_text().splitlines()
    source.write_text(
        "\n".join([f"{lines[0]},overrides", f"{lines[1]},instrument={own}", f"{lines[2]},", f"{lines[3]},"])
    )
    settings = Settings((Variant(values=(("instrument", f"{common}:mine"),)),))

    def again() -> list[str]:
        before = (out / JOURNAL).read_bytes()
        _run(source, out, batch_work.told, settings, resume=True)
        added = (out / JOURNAL).read_bytes()[len(before) :].splitlines()
        return [json.loads(line)["records"][0]["id"] for line in added]

    _run(source, out, batch_work.told, settings)
    assert again() == []
    own.write_text("[mine]\ndiameter_mm = 7\n")
    assert again() == ["hip0"]
    common.write_text("[mine]\ndiameter_mm = 7\n")
    assert again() == ["hip0", "hip1", "hip2"]
    assert again() == []
