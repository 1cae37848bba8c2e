"""Wherever a run is cut off, its journal gives back every row that was done, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from corecore.base.errors import InputError
from corecore.study.batch.entry import Entry
from corecore.study.batch.journal import opened
from corecore.study.batch.settings import Header, Settings

HEADER = Header("corecore.batch/1", "1", 6, "abc", Settings())


def _entry(row: int) -> Entry:
    return Entry(row, {}, [{"id": f"hip{row}", "cause": "line\nbreak, ünicode \udcff"}])


def _written(path: Path, rows: list[int]) -> bytes:
    with opened(path, HEADER) as journal:
        for row in rows:
            journal.append(_entry(row))
    return path.read_bytes()


def test_what_was_written_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    _written(path, [4, 0, 2])
    with opened(path, HEADER) as journal:
        assert set(journal.finished) == {0, 2, 4}
        assert [journal.entry(row) for row in (0, 2, 4)] == [_entry(row) for row in (0, 2, 4)]
        journal.append(_entry(1))
        assert journal.entry(4) == _entry(4)
        assert journal.entry(1) == _entry(1)
        with pytest.raises(ValueError, match="done already"):
            journal.append(_entry(4))


@given(cut=st.integers(0, 2000))
def test_cut_at_any_byte_it_goes_on_to_the_same_end(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    path = tmp_path_factory.mktemp("cut") / "journal.jsonl"
    whole = _written(path, [0, 1, 2, 3])
    cut %= len(whole) + 1
    path.write_bytes(whole[:cut])
    kept = max(0, whole[:cut].count(b"\n") - 1)
    with opened(path, HEADER) as journal:
        assert list(journal.finished) == list(range(kept))
        for row in range(kept, 4):
            journal.append(_entry(row))
    assert path.read_bytes() == whole


def test_a_torn_line_may_end_in_anything(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    whole = _written(path, [0, 1])
    for tail in (b'{"row":2', b"\x00" * 50, b"\xff\xfe", b'{"row":2}', b"[1]\n", b"nonsense\n"):
        path.write_bytes(whole + tail)
        with opened(path, HEADER) as journal:
            assert set(journal.finished) == {0, 1}
        assert path.read_bytes() == whole


def test_damage_within_is_no_torn_end(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    lines = _written(path, [0, 1, 2]).splitlines(keepends=True)
    for line in (b"\x00" * 20 + b"\n", b'{"row":9,"records":[]}\n', b'{"row":"1"}\n', lines[1]):
        path.write_bytes(b"".join([*lines[:2], line, *lines[3:]]))
        with pytest.raises(InputError, match="line 3"), opened(path, HEADER):
            pass


@pytest.mark.parametrize(
    ("key", "value", "word"),
    [
        ("version", "2", "corecore's version"),
        ("rows", 7, "the number of rows"),
        ("inputs", "abd", "the rows"),
        ("settings", Settings(gap=0.01), "the settings"),
    ],
)
def test_another_run_does_not_go_on_with_it(tmp_path: Path, key: str, value: Any, word: str) -> None:
    path = tmp_path / "journal.jsonl"
    before = _written(path, [0])
    with pytest.raises(InputError, match=word), opened(path, replace(HEADER, **{key: value})):
        pass
    assert path.read_bytes() == before


def test_two_runs_at_once_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with opened(path, HEADER), pytest.raises(InputError, match="another run"), opened(path, HEADER):
        pass
    with opened(path, HEADER) as journal:
        assert not journal.finished
