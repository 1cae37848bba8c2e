"""One writer a folder: of two at once one writes all, the other ends in a line; nobody finds a half."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from corecore.base.errors import OutputError
from corecore.base.open_file import lock
from corecore.io.files import atomic_write_text, check_unclaimed, claimed, staged_folder

ROUNDS = int(os.environ.get("CORECORE_WRITERS", "8"))
NAMES = [f"tunnel_{number}.stl" for number in range(12)] + ["plan.json"]
#: A run in small: it claims a folder, works for a moment, and writes files that bear its number.
WRITER = """
import sys, time
from pathlib import Path
from corecore.base.errors import CorecoreError
from corecore.io.files import atomic_write_text, claimed, staged_folder
out, number, (start, work, overwrite), names = Path(sys.argv[1]), sys.argv[2], map(float, sys.argv[3:6]), sys.argv[6:]
time.sleep(max(0.0, start - time.time()))
try:
    with claimed(out):
        print("holds", flush=True)
        if (out / "plan.json").exists() and not overwrite:
            raise CorecoreError("holds a plan already")
        time.sleep(work)
        with staged_folder(out) as stage:
            for name in names:
                atomic_write_text(stage / name, number)
except CorecoreError as error:
    print(error, file=sys.stderr)
    sys.exit(2)
"""


def started(out: Path, number: int, start: float, work: float, *, overwrite: bool) -> subprocess.Popen[str]:
    words = [str(out), str(number), repr(start), repr(work), str(float(overwrite)), *NAMES]
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def refusal(out: Path) -> str:
    """Why this process may not write there, up to the semicolon."""
    try:
        with claimed(out):
            return ""
    except OutputError as error:
        return str(error).partition(": ")[2].partition(" there;")[0]


def content(folder: Path) -> set[str]:
    assert sorted(item.name for item in folder.iterdir()) == sorted(NAMES)
    return {item.read_text() for item in folder.iterdir()}


@pytest.mark.slow
def test_of_two_writers_at_once_one_writes_all_and_the_other_is_refused(tmp_path: Path) -> None:
    start = time.time() + 2.0
    pairs = []
    for turn in range(ROUNDS):
        # Together, one after the other, and in between; with and without leave to overwrite.
        out, overwrite = tmp_path / f"{turn}" / "plan", turn % 2 == 1
        pairs.append((out, [started(out, n, start + 0.004 * n * turn, 0.4, overwrite=overwrite) for n in (0, 1)]))
        if turn % 4 == 3:
            start = time.time() + 2.0
    for out, pair in pairs:
        told = [one.communicate(timeout=120)[1] for one in pair]
        codes = [one.returncode for one in pair]
        assert sorted(codes) in ([0, 2], [0, 0]), told
        assert len(content(out)) == 1
        if codes == [0, 0]:
            # One began when the other had ended, and was asked to overwrite.
            assert "1" not in told
            continue
        (line,) = told[codes.index(2)].splitlines()
        assert "another run is writing" in line or "holds a plan already" in line
        assert content(out) == {str(codes.index(0))}
        assert [item.name for item in out.parent.iterdir()] == ["plan"]


def test_a_killed_writer_holds_nothing_and_leaves_no_half(tmp_path: Path) -> None:
    out = tmp_path / "plan"
    with started(out, 1, 0.0, 60.0, overwrite=False) as killed:
        assert killed.stdout is not None
        assert killed.stdout.readline() == "holds\n"
        assert refusal(out) == "another run is writing"
        killed.send_signal(signal.SIGKILL)
    lock = tmp_path / ".plan.lock"
    assert lock.exists()
    with claimed(out), staged_folder(out) as stage:
        for name in NAMES:
            (stage / name).write_text("2")
    assert content(out) == {"2"}
    assert [item.name for item in tmp_path.iterdir()] == ["plan"]


def test_what_is_held_is_not_waited_for_and_nothing_is_left(tmp_path: Path) -> None:
    out = tmp_path / "new" / "deep" / "plan"

    def fail() -> None:
        with claimed(out), claimed(out), staged_folder(out):
            assert out.parent.is_dir()
            raise OutputError("stop")

    with pytest.raises(OutputError, match="stop"):
        fail()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["plan", "x" * 250])
def test_a_claim_is_a_lock_of_the_systems_beside_the_folder(tmp_path: Path, name: str) -> None:
    with claimed(tmp_path / name):
        (held,) = tmp_path.iterdir()
        with held.open("rb") as other, pytest.raises(BlockingIOError):
            lock(other.fileno())
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_added_to_a_folder_only_while_no_other_run_writes_there(tmp_path: Path) -> None:
    (tmp_path / "plan").mkdir()
    check_unclaimed(tmp_path / "plan")
    with claimed(tmp_path / "plan"):
        # This run holds it itself.
        check_unclaimed(tmp_path / "plan")
    # Left by a run that was killed.
    left = tmp_path / ".plan.lock"
    left.touch()
    check_unclaimed(tmp_path / "plan")
    with left.open("rb") as other:
        lock(other.fileno())
        with pytest.raises(OutputError, match="another run is writing"):
            check_unclaimed(tmp_path / "plan")
    check_unclaimed(tmp_path / "plan")


def test_a_folder_reached_by_a_link_is_the_same(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    with (tmp_path / ".real.lock").open("wb") as other:
        lock(other.fileno())
        assert refusal(tmp_path / "link") == refusal(tmp_path / "real") == "another run is writing"


def test_without_locks_the_second_rename_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> None:
        raise OSError(95, "no locks")

    monkeypatch.setattr("corecore.io.files.lock_file", none)
    out = tmp_path / "plan"
    exists = os.path.lexists

    def late() -> None:
        with staged_folder(out) as stage:
            (stage / "plan.json").write_text("late")
            out.mkdir()
            (out / "plan.json").write_text("first")
            # It was not there when this run looked.
            monkeypatch.setattr("os.path.lexists", lambda path: exists(path) and path != out)

    with pytest.raises(OutputError, match="another run has just written"):
        late()
    assert (out / "plan.json").read_text() == "first"


def test_files_beside_a_plan_stay_and_the_plan_comes_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "plan"
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    moved = []
    replace = os.replace

    def seen(source: Path, target: Path) -> None:
        moved.append(Path(target).name)
        replace(source, target)

    monkeypatch.setattr("os.replace", seen)
    with staged_folder(out) as stage:
        for name in ("plan.json", "zone.txt", "a.txt"):
            (stage / name).write_text(json.dumps(name))
    assert moved == ["a.txt", "zone.txt", "plan.json"]
    assert (out / "notes.txt").read_text() == "mine"


def test_what_cannot_be_written_is_named_as_it_was_to_be_called(tmp_path: Path) -> None:
    with pytest.raises(OutputError) as caught, staged_folder(tmp_path / "plan") as stage:
        atomic_write_text(stage / "none" / "femur.stl", "")
    assert str(caught.value).startswith(f"{tmp_path / 'plan' / 'none' / 'femur.stl'}: cannot be written")
    assert list(tmp_path.iterdir()) == []
