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
from corecore.study.batch.columns import LEAD, Record, flattened, order, plan_record
from corecore.study.batch.entry import Entry
from corecore.study.batch.journal import opened
from corecore.study.batch.settings import Settings, header_of
from corecore.study.batch.table import LONG, write_tables

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
        assert write_tables(journal, folder) == len(records)
    return _written(folder, "results")


def _written(folder: Path, name: str) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        return parquet.read_table(folder / f"{name}.parquet").to_pylist(), list(csv.DictReader(stream))


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
    schema = parquet.read_schema(tmp_path / "results.parquet")
    assert (str(schema.field("cause").type), str(schema.field("seed").type)) == ("string", "int64")


def test_row_groups_are_of_bounded_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "PART", 3)
    for size, groups in ((1, [3, 3, 2]), (6, [6, 2]), (8, [8]), (100, [8])):
        monkeypatch.setattr(table, "GROUP", size)
        found, _ = _tables(tmp_path, [{"id": f"{i}", "x": float(i)} for i in range(8)])
        meta = parquet.ParquetFile(tmp_path / "results.parquet").metadata
        assert [meta.row_group(i).num_rows for i in range(meta.num_row_groups)] == groups
        assert [row["x"] for row in found] == [float(i) for i in range(8)]


@pytest.mark.parametrize("file", ["results.csv", "results_long.parquet", "results_long.csv", "results.parquet"])
def test_the_tables_are_written_whole_and_together_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    _tables(tmp_path, [{"id": "old", "totals.x": 1.0}])
    before = {path.name: path.read_bytes() for path in tmp_path.glob("results*")}
    assert len(before) == 4
    owner = table._CsvFile if file.endswith("csv") else table._ParquetFile
    whole = owner.finish

    def full(sheet: Any) -> None:
        if sheet._path.name == file:
            with table._told(sheet._path):
                raise OSError(28, "No space left on device")
        whole(sheet)

    monkeypatch.setattr(owner, "finish", full)
    with pytest.raises(OutputError, match=f"{file}: .*No space left"):
        _tables(tmp_path, [{"id": "new", "totals.x": 2.0}])
    assert {path.name: path.read_bytes() for path in tmp_path.glob("results*")} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["journal.jsonl", *sorted(before)]


@given(records=RECORDS, part=st.integers(1, 4))
def test_the_long_table_is_the_wide_one_turned(
    tmp_path_factory: pytest.TempPathFactory, records: list[dict[str, Any]], part: int
) -> None:
    records = [{"id": f"hip{i}", "preset": "p", **record} for i, record in enumerate(records)]
    folder = tmp_path_factory.mktemp("table")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table, "PART", part)
        patch.setattr(table, "LONG_PART", 5 - part)
        patch.setattr(table, "LONG_GROUP", 2 * part)
        wide, _ = _tables(folder, records)
    long, texts = _written(folder, "results_long")
    found: dict[tuple[str, str], Any] = {}
    for row, cells in zip(long, texts, strict=True):
        assert tuple(row) == tuple(cells) == LONG
        value = row["text"] if row["kind"] == "text" else row["value"]
        assert (row["value"] is None) == (row["kind"] == "text")
        if row["kind"] != "text":
            assert float(cells["value"]) == value
        found[row["id"], row["name"]] = bool(value) if row["kind"] == "flag" else value
    named = {name: value for name, value in wide[0].items() if name not in ("id", "variant", "preset")}
    assert found == {
        (record["id"], name): record[name] for record in wide for name in named if record[name] is not None
    }


def test_a_row_of_the_long_table_says_group_unit_kind_and_tunnel(tmp_path: Path) -> None:
    record = {
        "id": "=1", "variant": "", "preset": "core-10", "status": "planned", "tunnels.2.length_mm": 81, "seed": 3,
        "tunnels.10.entry.x": -4.5, "totals.removed_fraction": 0.25, "necrosis.lower_bound": True,
        "truth.+x\x1b": "-1", "timings.search_s": 1.5,
    }  # fmt: skip
    _tables(tmp_path, [record, {"id": "b", "preset": "core-10", "status": "failed", "tunnels.2.length_mm": 0.5}])
    long, texts = _written(tmp_path, "results_long")
    rows = [tuple(row.values())[3:] for row in long if row["id"] == "=1"]
    assert rows == [
        ("record", "status", None, None, "planned", "", "text"),
        ("record", "seed", None, 3.0, None, "", "number"),
        ("totals", "totals.removed_fraction", None, 0.25, None, "1", "number"),
        ("tunnels", "tunnels.length_mm", 2, 81.0, None, "mm", "number"),
        ("tunnels", "tunnels.entry.x", 10, -4.5, None, "mm", "number"),
        ("necrosis", "necrosis.lower_bound", None, 1.0, None, "", "flag"),
        ("truth", "truth.+x\x1b", None, None, "-1", "", "text"),
        ("timings", "timings.search_s", None, 1.5, None, "s", "number"),
    ]
    assert [row["id"] for row in texts] == ["'=1"] * 8 + ["b"] * 2
    assert {row["text"] for row in texts} == {"planned", "failed", "", "'-1"}
    assert [row["value"] for row in texts if row["name"] == "tunnels.length_mm"] == ["81.0", "0.5"]


def test_only_chosen_columns_are_in_every_table_and_the_leading_ones_always(tmp_path: Path) -> None:
    records: list[Record] = [
        {"id": "a", "totals.x": 1.0, "tunnels.1.tip.x": 2.0, "tunnels.2.tip.x": 3.0, "necrosis.volume_ml": 4.0}
    ]
    for paths, names in (
        (["totals", "tunnels.tip"], ["totals.x", "tunnels.1.tip.x", "tunnels.2.tip.x"]),
        (["tunnels.2"], ["tunnels.2.tip.x"]),
        (["necrosis.volume_ml", "necrosis.volume"], ["necrosis.volume_ml"]),
        (["record"], []),
        ([], ["totals.x", "tunnels.1.tip.x", "tunnels.2.tip.x", "necrosis.volume_ml"]),
    ):
        (tmp_path / "journal.jsonl").unlink(missing_ok=True)
        with opened(tmp_path / "journal.jsonl", header_of(Settings()), {"0": 0}) as journal:
            journal.append(Entry(0, {}, records))
            write_tables(journal, tmp_path, paths)
        wide, _ = _written(tmp_path, "results")
        assert list(wide[0]) == [*LEAD, *names]
        long, _ = _written(tmp_path, "results_long")
        assert [row["value"] for row in long] == [wide[0][name] for name in names]


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
