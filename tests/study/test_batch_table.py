"""The table holds what the journal holds, cell for cell, in Parquet and in CSV."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.view_phantom import phantom_plan

from corecore.base.errors import MissingExtraError, OutputError
from corecore.document.plan import PlanDocument
from corecore.document.read import parsed
from corecore.io.spreadsheet import FORMULA
from corecore.study.batch import table
from corecore.study.batch.columns import flattened, order, plan_record
from corecore.study.batch.entry import Entry
from corecore.study.batch.journal import opened
from corecore.study.batch.settings import Settings, header_of
from corecore.study.batch.table import write_tables

parquet = pytest.importorskip("pyarrow.parquet")

CELLS = st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\r\x00"), max_size=12)
RECORDS = st.lists(st.dictionaries(st.sampled_from("abcdef"), CELLS | TEXTS, max_size=6), min_size=1, max_size=9)


def _tables(folder: Path, records: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    (folder / "journal.jsonl").unlink(missing_ok=True)
    with opened(folder / "journal.jsonl", header_of(Settings()), {str(i): i for i in range(len(records))}) as journal:
        # The last case is done first: the table has the manifest's order all the same.
        for row in reversed(range(len(records))):
            journal.append(Entry(row, {}, [records[row]]))
        assert write_tables(journal, folder / "t.parquet", folder / "t.csv") == len(records)
    with (folder / "t.csv").open(encoding="utf-8", newline="") as stream:
        return parquet.read_table(folder / "t.parquet").to_pylist(), list(csv.DictReader(stream))


@given(records=RECORDS, group=st.integers(1, 4))
def test_every_cell_comes_back(
    tmp_path_factory: pytest.TempPathFactory, records: list[dict[str, Any]], group: int
) -> None:
    records = [{"id": f"hip{i}", **record} for i, record in enumerate(records)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table, "PART", group)
        patch.setattr(table, "GROUP", 2 * group)
        found, written = _tables(tmp_path_factory.mktemp("table"), records)
    for record, cells, texts in zip(records, found, written, strict=True):
        assert list(cells) == list(texts)
        assert set(record) <= set(cells)
        for name, cell in cells.items():
            value = record.get(name)
            if value is None:
                assert cell is None
                assert texts[name] == ""
            elif isinstance(cell, str) and not isinstance(value, str):
                # A column of mixed kinds is text.
                assert cell == texts[name] == (str(value).lower() if isinstance(value, bool) else str(value))
            else:
                assert cell == value
                assert type(cell) is type(value) or (type(value) is int and type(cell) is float)
                text = texts[name]
                if isinstance(cell, str) and cell.startswith(FORMULA):
                    assert text.startswith("'")
                    text = text[1:]
                assert type(cell)(text == "true" if isinstance(cell, bool) else text) == value


def test_no_text_is_a_formula_and_every_number_stays_one(tmp_path: Path) -> None:
    texts = ["=1+1", "@SUM(A1)", "+1", "-1", "-1+1", "\t=1", "\r=1", "＝1+1", "a=1", "'=1"]
    found, written = _tables(tmp_path, [{"id": text, "x": -float(i), "y": -i} for i, text in enumerate(texts)])
    assert [row["id"] for row in found] == texts  # no spreadsheet opens Parquet
    assert [row["id"] for row in written] == [*(f"'{text}" for text in texts[:6]), "' =1", "'＝1+1", "a=1", "'=1"]
    assert [row["x"] for row in written] == [repr(-float(i)) for i in range(10)]
    assert [row["y"] for row in written] == [str(-i) for i in range(10)]


def test_what_cannot_be_printed_is_not_kept(tmp_path: Path) -> None:
    record = dict(flattened({"kind\x1b": "a\x1b[2Jb\udcff\n", "sound": "ü °"}, "truth"))
    assert record == {"truth.kind?": "a?[2Jb??", "truth.sound": "ü °"}
    found, _ = _tables(tmp_path, [record])
    assert found[0]["truth.kind?"] == "a?[2Jb??"


def test_a_table_without_failures_has_a_place_for_them(tmp_path: Path) -> None:
    found, _ = _tables(tmp_path, [{"id": "a", "status": "planned"}])
    assert {"cause", "error", "variant", "seed"} <= set(found[0])
    schema = parquet.read_schema(tmp_path / "t.parquet")
    assert (str(schema.field("cause").type), str(schema.field("seed").type)) == ("string", "int64")


def test_row_groups_are_of_bounded_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "PART", 3)
    for size, groups in ((1, [3, 3, 2]), (6, [6, 2]), (8, [8]), (100, [8])):
        monkeypatch.setattr(table, "GROUP", size)
        found, _ = _tables(tmp_path, [{"id": f"{i}", "x": float(i)} for i in range(8)])
        meta = parquet.ParquetFile(tmp_path / "t.parquet").metadata
        assert [meta.row_group(i).num_rows for i in range(meta.num_row_groups)] == groups
        assert [row["x"] for row in found] == [float(i) for i in range(8)]


def test_a_table_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _tables(tmp_path, [{"id": "old"}])
    before = (tmp_path / "t.parquet").read_bytes()

    def full(*arguments: object) -> None:
        arguments[1].write_bytes(b"PAR1")  # type: ignore[attr-defined]
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(table, "_write_parquet", full)
    with pytest.raises(OutputError, match="No space left"):
        _tables(tmp_path, [{"id": "new"}])
    assert (tmp_path / "t.parquet").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["journal.jsonl", "t.csv", "t.parquet"]


def test_without_pyarrow_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"corecore\[batch\]"):
        table.arrow()


def test_a_name_is_the_path_of_its_figure() -> None:
    value = {
        "entry": [1.0, 2.0, 3.0], "widths": [0.3, 0.4, 0.3], "limits": [{"key": "a"}, {"key": "b"}], "none": None,
        "inner": {"x": True}, "texts": ["u", "v"], "empty": [], "nan": float("nan"),
    }  # fmt: skip
    assert dict(flattened(value, "t")) == {
        "t.entry.x": 1.0, "t.entry.y": 2.0, "t.entry.z": 3.0, "t.widths.1": 0.3, "t.widths.2": 0.4, "t.widths.3": 0.3,
        "t.limits": "a;b", "t.none": None, "t.inner.x": True, "t.texts": "u;v", "t.nan": None,
    }  # fmt: skip


def test_columns_keep_their_places() -> None:
    names = ["zebra", "timings.a", "tunnels.10.x", "tunnels.2.x", "totals.b", "totals.a", "status", "id"]
    assert order(names) == [
        "id", "status", "totals.b", "totals.a", "tunnels.2.x", "tunnels.10.x", "timings.a", "zebra",
    ]  # fmt: skip


def test_a_copied_input_counts_as_the_file_it_was_made_from() -> None:
    inputs = [{"role": "femur", "path": "x", "sha256": "copy", "label": 1, "original_sha256": "given"}]
    content = {
        **phantom_plan(), "case": {"side": "left", "inputs": inputs}, "spec": {"preset": "core-8"},
        "warnings": [{"code": "a", "text": "one"}, {"code": "b", "text": "two"}],
    }  # fmt: skip
    record = plan_record(parsed(json.loads(json.dumps(content)), PlanDocument, "plan.json"))
    assert record["inputs.femur.sha256"] == "given"
    assert (record["warnings"], record["warnings_text"]) == ("a;b", "one | two")
