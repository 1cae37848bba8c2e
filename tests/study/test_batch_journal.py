"""Wherever a run is cut off, its journal gives back every row that was done, and nothing else."""

from __future__ import annotations

import contextlib
import resource
import signal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from corecore.base.errors import InputError, OutputError
from corecore.study.batch.columns import printable
from corecore.study.batch.entry import Entry, Seen
from corecore.study.batch.journal import opened
from corecore.study.batch.settings import JOURNAL_FORM, Header, Settings, Variant

HEADER = Header(JOURNAL_FORM, "1", Settings())
ROWS = {f"inputs of {row}": row for row in range(6)}


def _entry(row: int) -> Entry:
    cause = "line\nbreak, ünicode \U0001f9b4\u2028\x00"
    return Entry(row, {"femur": Seen(3, 4, "abc")}, [{"id": f"hip{row}", "cause": cause}], f"inputs of {row}")


def _written(path: Path, rows: list[int]) -> bytes:
    with opened(path, HEADER, ROWS) as journal:
        for row in rows:
            journal.append(_entry(row))
    return path.read_bytes()


def test_what_was_written_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    _written(path, [4, 0, 2])
    with opened(path, HEADER, ROWS) as journal:
        assert set(journal.finished) == {0, 2, 4}
        assert [journal.entry(row) for row in (0, 2, 4)] == [_entry(row) for row in (0, 2, 4)]
        journal.append(_entry(1))
        assert journal.entry(4) == _entry(4)
        assert journal.entry(1) == _entry(1)


def test_half_a_character_comes_back_as_it_is_told(tmp_path: Path) -> None:
    """A name's byte that is no text: the run that wrote it goes on with its own journal."""
    header = replace(HEADER, settings=Settings((Variant(values=(("instrument", "a\udcff.toml"),)),)))
    entry = replace(_entry(0), records=[{"id": "hip0", "cause": "\ud800a\udcff"}])
    for rows in (1, 2):
        with opened(tmp_path / "journal.jsonl", header, ROWS) as journal:
            assert len(journal.finished) == rows - 1
            journal.append(replace(entry, row=rows))
            assert journal.entry(rows).records == [{"id": "hip0", "cause": printable("\ud800a\udcff")}]
    with pytest.raises(InputError, match="the settings"), opened(tmp_path / "journal.jsonl", HEADER, ROWS):
        pass


def test_of_several_lines_of_a_row_the_last_counts(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    _written(path, [2, 0])
    again = replace(_entry(2), records=[{"id": "hip2", "cause": None}])
    with opened(path, HEADER, ROWS) as journal:
        journal.append(again)
        assert journal.entry(2) == again
    with opened(path, HEADER, ROWS) as journal:
        assert (set(journal.finished), journal.entry(2)) == ({0, 2}, again)


def test_rows_are_known_by_their_inputs_not_by_their_place(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    _written(path, [0, 1, 2])
    with opened(path, HEADER, {"new": 0, "inputs of 2": 1, "inputs of 0": 2}) as journal:
        assert set(journal.finished) == {1, 2}
        assert journal.entry(1) == replace(_entry(2), row=1)
        assert journal.others == {"hip1"}


@given(cut=st.integers(0, 2000))
def test_cut_at_any_byte_it_goes_on_to_the_same_end(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    path = tmp_path_factory.mktemp("cut") / "journal.jsonl"
    whole = _written(path, [0, 1, 2, 3])
    cut %= len(whole) + 1
    path.write_bytes(whole[:cut])
    kept = max(0, whole[:cut].count(b"\n") - 1)
    with opened(path, HEADER, ROWS) as journal:
        assert list(journal.finished) == list(range(kept))
        for row in range(kept, 4):
            journal.append(_entry(row))
    assert path.read_bytes() == whole


def test_a_torn_line_is_no_sign_of_a_hand(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    whole = _written(path, [0, 1])
    hole = b"\0" * 40 + whole.splitlines(keepends=True)[-1][40:]
    for tail in (b'{"row":2', b"\x00" * 50, b"\xff\xfe", b'{"row":2}', hole):
        path.write_bytes(whole + tail)
        with opened(path, HEADER, ROWS) as journal:
            assert set(journal.finished) == {0, 1}
        assert path.read_bytes() == whole


def _refused(path: Path, content: bytes, line: int) -> None:
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"line {line} is not as") as caught, opened(path, HEADER, ROWS):
        pass
    assert caught.value.code == "journal-damaged"
    assert path.read_bytes() == content


def test_lines_altered_lost_moved_or_put_in_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    lines = _written(path, [0, 1, 2]).splitlines(keepends=True)
    forged = lines[2].replace(b"hip1", b"hip9")
    for line in (b"\x00" * 20 + b"\n", b'{"row":9,"records":[]}\n', forged, lines[1]):
        _refused(path, b"".join([*lines[:2], line, *lines[3:]]), 3)
    _refused(path, b"".join([*lines[:2], *lines[3:]]), 3)
    _refused(path, b"".join([lines[0], lines[2], lines[1], lines[3]]), 2)
    # The last line too, where it is whole.
    for tail in (b"[1]\n", b"nonsense\n", forged):
        _refused(path, b"".join([*lines, tail]), 5)


@given(place=st.integers(0, 10_000), flip=st.integers(1, 255))
def test_no_flipped_byte_is_believed(tmp_path_factory: pytest.TempPathFactory, place: int, flip: int) -> None:
    path = tmp_path_factory.mktemp("flip") / "journal.jsonl"
    whole = _written(path, [0, 1, 2])
    place %= len(whole)
    spoilt = bytearray(whole)
    spoilt[place] ^= flip
    path.write_bytes(spoilt)
    # Told from a torn line by nothing: then that row is done again.
    torn = place >= whole.rstrip(b"\n").rindex(b"\n") and (spoilt[-1:] != b"\n" or 0 in spoilt)
    with (
        contextlib.nullcontext() if torn else pytest.raises(InputError) as caught,
        opened(path, HEADER, ROWS) as journal,
    ):
        assert [journal.entry(row) for row in journal.finished] == [_entry(0), _entry(1)]
    if caught is not None:
        assert caught.value.code in ("journal-damaged", "batch-differs")
        assert path.read_bytes() == spoilt


def test_a_journal_of_the_form_before_is_told_apart_from_a_spoilt_one(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_text('{"journal":"corecore.batch/1","version":"1","rows":6,"inputs":"","settings":{}}\n{"row":1}\n')
    with pytest.raises(InputError, match="the journal's form"), opened(path, HEADER, ROWS):
        pass


def test_a_full_disk_leaves_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    whole = _written(path, [0, 1])
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        with opened(path, HEADER, ROWS) as journal:
            resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + 30, limits[1]))
            with pytest.raises(OutputError, match="finished rows are kept") as caught:
                journal.append(_entry(2))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert caught.value.code == "output-unwritable"
    assert path.read_bytes() == whole


@pytest.mark.parametrize(
    ("key", "value", "word"),
    [
        ("version", "2", "corecore's version"),
        ("settings", Settings(gap=0.01), "the settings"),
    ],
)
def test_another_run_does_not_go_on_with_it(tmp_path: Path, key: str, value: Any, word: str) -> None:
    path = tmp_path / "journal.jsonl"
    before = _written(path, [0])
    with pytest.raises(InputError, match=word), opened(path, replace(HEADER, **{key: value}), ROWS):
        pass
    assert path.read_bytes() == before


def test_two_runs_at_once_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with opened(path, HEADER, ROWS), pytest.raises(InputError, match="another run"), opened(path, HEADER, ROWS):
        pass
    with opened(path, HEADER, ROWS) as journal:
        assert not journal.finished
