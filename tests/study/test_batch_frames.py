"""A batch's tables come back as they were written, with their units, and what is none is refused."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from corecore.base.errors import InputError, MissingExtraError
from corecore.study.batch.entry import Entry
from corecore.study.batch.frames import read_results
from corecore.study.batch.journal import opened
from corecore.study.batch.settings import Settings, header_of
from corecore.study.batch.table import LONG, LONG_PARQUET, PARQUET, write_tables

parquet = pytest.importorskip("pyarrow.parquet")

RECORDS: list[dict[str, Any]] = [
    {"id": "a", "preset": "core-10", "status": "planned", "totals.removed_fraction": 0.25, "tunnels.1.tip.x": -3.5,
     "tunnels.1.kept": True, "totals.bone_left.holes": 2},
    {"id": "b", "preset": "core-10", "status": "failed", "cause": "no head"},
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with opened(tmp_path / "journal.jsonl", header_of(Settings()), {"0": 0, "1": 1}) as journal:
        for row, record in enumerate(RECORDS):
            journal.append(Entry(row, {}, [record]))
        write_tables(journal, tmp_path)
    return tmp_path


def test_a_mapping_has_numbers_as_arrays_and_texts_as_lists(folder: Path) -> None:
    results = read_results(folder, frame="mapping")
    wide, long = results.wide, results.long
    assert wide["id"] == ["a", "b"]
    assert wide["cause"] == [None, "no head"]
    assert wide["tunnels.1.kept"] == [True, None]
    np.testing.assert_array_equal(wide["tunnels.1.tip.x"], [-3.5, np.nan])
    np.testing.assert_array_equal(wide["totals.bone_left.holes"], [2, np.nan])
    assert tuple(long) == LONG
    assert long["name"][1:5] == [
        "totals.removed_fraction", "totals.bone_left.holes", "tunnels.tip.x", "tunnels.kept"
    ]  # fmt: skip
    np.testing.assert_array_equal(long["value"], [np.nan, 0.25, 2.0, -3.5, 1.0, np.nan, np.nan])
    assert long["unit"] == ["", "1", "", "mm", "", "", ""]


def test_units_are_known_of_every_column(folder: Path) -> None:
    results = read_results(str(folder / PARQUET), frame="arrow")
    assert list(results.units) == results.wide.column_names
    assert (results.units["tunnels.1.tip.x"], results.units["totals.removed_fraction"]) == ("mm", "1")
    assert results.wide.schema.field("tunnels.1.tip.x").metadata[b"unit"] == b"mm"
    assert results.long.num_rows == 7


def test_frames_are_those_of_the_library_asked_for(folder: Path) -> None:
    installed = [name for name in ("pandas", "polars") if importlib.util.find_spec(name)]
    for name in installed:
        results = read_results(folder, frame=name)  # type: ignore[arg-type]
        assert type(results.wide).__module__.startswith(name)
        assert results.wide.shape == (2, len(results.units))
        assert results.long.shape == (7, len(LONG))
    if "pandas" in installed:
        assert read_results(folder).wide.attrs["units"]["tunnels.1.tip.x"] == "mm"
    else:
        assert read_results(folder).frame == "mapping"


def test_what_is_no_result_is_refused_in_one_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "empty").mkdir()
    for path in (folder / "gone", folder / "empty", folder / "results.csv", folder / "gone" / PARQUET):
        with pytest.raises(InputError) as caught:
            read_results(path)
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="mapping"):
        read_results(folder, frame="table")  # type: ignore[arg-type]
    (folder / LONG_PARQUET).write_bytes((folder / PARQUET).read_bytes())
    with pytest.raises(InputError, match="no column 'group'"):
        _ = read_results(folder).long
    (folder / LONG_PARQUET).unlink()
    with pytest.raises(InputError, match="no such file"):
        _ = read_results(folder).long
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match="pip install polars"):
        read_results(folder, frame="polars")
