"""A manifest's good rows are read, its bad ones told apart, and a folder is read as it was written."""

from __future__ import annotations

from pathlib import Path

import pytest

from corecore.base.errors import InputError
from corecore.study.batch.manifest import read_rows


def _manifest(folder: Path, text: str) -> Path:
    path = folder / "manifest.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_paths_are_seen_from_the_manifest_and_empty_cells_are_nothing(tmp_path: Path) -> None:
    text = "\ufeffid,Femur,lesion,image,side,overrides\na,seg.nii.gz:1,seg.nii.gz:2,,LEFT,tunnels=2; diameter_mm=8\n"
    (row,) = read_rows(_manifest(tmp_path, text))
    assert (row.number, row.id, row.side, row.image, row.fault) == (0, "a", "left", None, None)
    assert row.femur == f"{tmp_path}/seg.nii.gz:1"
    assert row.overrides == (("tunnels", "2"), ("diameter_mm", "8"))
    assert row.paths() == {"femur": tmp_path / "seg.nii.gz", "lesion": tmp_path / "seg.nii.gz"}


def test_an_absolute_path_stays(tmp_path: Path) -> None:
    (row,) = read_rows(_manifest(tmp_path, "id,femur,lesion\na,/data/f.nii.gz,/data/l.nii.gz\n"))
    assert row.paths() == {"femur": Path("/data/f.nii.gz"), "lesion": Path("/data/l.nii.gz")}


@pytest.mark.parametrize(
    ("line", "word"),
    [
        (",f,l,,", "no id"),
        ("b,,l,,", "no femur"),
        ("b,f,,,", "no lesion"),
        ("b,f", "no lesion"),
        ("a,f,l,,", "row 1's already"),
        ("A,f,l,,", "row 1's already"),
        ("../b,f,l,,", "letters, digits"),
        ("=b,f,l,,", "letters, digits"),
        ("b,f,l,both,", "side 'both'"),
        ("b,f,l,,tunnels", "KEY=VALUE"),
        ("b,f,l,,,more", "more cells"),
    ],
)
def test_a_bad_row_says_what_is_wrong_and_the_others_stay_good(tmp_path: Path, line: str, word: str) -> None:
    rows = read_rows(_manifest(tmp_path, f"id,femur,lesion,side,overrides\na,f,l,,\n{line}\nc,f,l,,\n"))
    assert [row.number for row in rows] == [0, 1, 2]
    assert word in str(rows[1].fault)
    assert (rows[0].fault, rows[2].fault) == (None, None)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "no column id, femur, lesion"),
        (b"id,femur\na,b\n", "no column lesion"),
        (b"id,femur,lesion,name\n", "'name'"),
        (b"id,femur,lesion,id\n", "'id'"),
        (b"id,femur,lesion\n", "holds no hip"),
        (b"id;femur;lesion\na;b;c\n", "columns are separated by semicolons (;); a comma is accepted"),
        (b'"ID"\t"Femur"\t"lesion"\t"image"\na\tb\tc\t\n', "columns are separated by tabs; a comma"),
        (b"a;femur;lesion\n", "no column id, femur, lesion"),
        (b"id,femur,lesion\na,\xff\xfe,c\n", "not readable as CSV at line 2, column 2 (femur)"),
        (b"id,femur,lesion\na,b,c\nd,e,\xe9\n", "not readable as CSV at line 3, column 3 (lesion)"),
        (b'id,femur,lesion\n"a\n1",b,c\nd,\xff,c\n', "not readable as CSV at line 4, column 2 (femur)"),
        (b"id,fem\xfcr,lesion\n", "not readable as CSV at line 1, column 2"),
        (b'id,femur,lesion\na,"b,c\n', "not readable as CSV at line 2, column 2 (femur)"),
        (b"id,femur,lesion\na," + b"x" * 200_000 + b",c\n", "not readable as CSV at line 2, column 2 (femur)"),
    ],
)
def test_what_is_no_manifest_is_refused_in_one_line(tmp_path: Path, content: bytes, word: str) -> None:
    path = tmp_path / "manifest.csv"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_rows(path)
    assert word in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_is_read_as_synth_writes_it(tmp_path: Path) -> None:
    names = (
        "b.nii.gz", "b_ct.nii.gz", "b_mr.nii.gz", "b_truth.json", "a_femur.nii.gz", "a_lesion.nii.gz", "a_mr.nii.gz",
        "c.nii", "c_CT.nii.gz", "d_ct.nii.gz", "e_lesion.nii.gz", "README.md", ".hidden.nii.gz",
    )  # fmt: skip
    for name in names:
        (tmp_path / name).touch()
    rows = {row.id: row for row in read_rows(tmp_path)}
    assert list(rows) == ["a", "b", "c", "d_ct", "e_lesion"]
    assert [row.number for row in rows.values()] == [0, 1, 2, 3, 4]
    assert (rows["a"].femur, rows["a"].lesion) == (f"{tmp_path}/a_femur.nii.gz", f"{tmp_path}/a_lesion.nii.gz")
    assert rows["a"].image == f"{tmp_path}/a_mr.nii.gz"
    assert (rows["b"].femur, rows["b"].lesion) == (f"{tmp_path}/b.nii.gz:1", f"{tmp_path}/b.nii.gz:2")
    assert (rows["b"].image, rows["b"].truth) == (f"{tmp_path}/b_ct.nii.gz", f"{tmp_path}/b_truth.json")
    assert (rows["c"].femur, rows["c"].image) == (f"{tmp_path}/c.nii:1", f"{tmp_path}/c_CT.nii.gz")
    # A lone label map may be called anything.
    for name in ("d_ct", "e_lesion"):
        assert (rows[name].femur, rows[name].lesion) == tuple(f"{tmp_path}/{name}.nii.gz:{i}" for i in (1, 2))
    assert not any(row.fault for row in rows.values())


@pytest.mark.parametrize("name", ["CON", "nul", "Com1.hip", "lpt9", "aux.tar.gz", "hip.", "a.."])
def test_an_id_that_names_no_folder_on_windows_is_a_bad_row(tmp_path: Path, name: str) -> None:
    path = tmp_path / "manifest.csv"
    path.write_text(f"id,femur,lesion\n{name},b,c\n")
    (row,) = read_rows(path)
    assert row.fault is not None
    assert repr(name) in row.fault
    assert "Windows" in row.fault


@pytest.mark.parametrize("name", ["CONE", "hip.con", "com10", "nul_1", "a.b", "_"])
def test_an_id_that_only_looks_like_a_device_is_none(tmp_path: Path, name: str) -> None:
    path = tmp_path / "manifest.csv"
    path.write_text(f"id,femur,lesion\n{name},b,c\n")
    assert read_rows(path)[0].fault is None


def test_nothing_to_plan_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no hip"):
        read_rows(tmp_path)
    with pytest.raises(InputError, match="no such file"):
        read_rows(tmp_path / "gone")


def test_real_hips_are_read_as_they_lie_there(real_hips: Path) -> None:
    rows = {row.id: row for row in read_rows(real_hips)}
    volumes = {path.name.removesuffix(".nii.gz") for path in real_hips.glob("*.nii.gz")}
    assert set(rows) == {name for name in volumes if not name.endswith("_CT")}
    assert str(rows["h13_right_ct_3mm"].image).endswith("h13_right_ct_3mm_CT.nii.gz")
    assert not any(row.fault for row in rows.values())
