"""A BIDS derivatives dataset is read by its names and tables of labels, a row per hip with a lesion."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from corecore.base.errors import InputError
from corecore.study.batch.layout import check_names, describe, plan_folder, stem_of
from corecore.study.batch.manifest import Row, read_rows


def _dataset(folder: Path, names: dict[str, str], description: object = None) -> Path:
    given = {"Name": "masks", "BIDSVersion": "1.10.0", "DatasetType": "derivative"}
    (folder / "dataset_description.json").write_text(json.dumps(given if description is None else description))
    for name, text in names.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def _rows(folder: Path) -> dict[str, Row]:
    return {row.id: row for row in read_rows(folder)}


def test_masks_are_paired_by_their_entities_and_sides(tmp_path: Path) -> None:
    names = (
        "sub-01/anat/sub-01_label-femur_mask.nii.gz", "sub-01/anat/sub-01_label-lesion_mask.nii.gz",
        "sub-01/anat/sub-01_label-lesion_mask.json", "sub-01/anat/sub-01_T1w.nii.gz",
        "sub-02/ses-1/anat/sub-02_ses-1_hemi-L_label-femur_mask.nii.gz",
        "sub-02/ses-1/anat/sub-02_ses-1_hemi-L_label-necrosis_mask.nii.gz",
        "sub-02/ses-1/anat/sub-02_ses-1_hemi-R_label-femur_mask.nii.gz",
        "sub-02/ses-1/anat/sub-02_ses-1_hemi-R_label-necrosis_mask.nii.gz",
        "sub-02/ses-2/anat/sub-02_ses-2_label-femurLeft_mask.nii.gz",
        "sub-02/ses-2/anat/sub-02_ses-2_label-femurRight_mask.nii.gz",
        "sub-02/ses-2/anat/sub-02_ses-2_label-lesionRight_mask.nii.gz",
        "sub-03/anat/sub-03_label-brain_mask.nii.gz", "notes.nii.gz", "sub-03/anat/strange.nii.gz",
    )  # fmt: skip
    rows = _rows(_dataset(tmp_path, dict.fromkeys(names, "")))
    assert list(rows) == ["sub-01", "sub-02_ses-1_hemi-L", "sub-02_ses-1_hemi-R", "sub-02_ses-2_hemi-R"]
    assert not any(row.fault for row in rows.values())
    first = rows["sub-01"]
    assert (first.femur, first.lesion, first.image) == tuple(str(tmp_path / names[i]) for i in (0, 1, 3))
    assert first.side == "auto"
    pairs = {name: (row.femur, row.lesion, row.side, row.image) for name, row in rows.items() if name != "sub-01"}
    for name, (femur, lesion), side in (
        ("sub-02_ses-1_hemi-L", (4, 5), "left"), ("sub-02_ses-1_hemi-R", (6, 7), "right"),
        ("sub-02_ses-2_hemi-R", (9, 10), "right"),
    ):  # fmt: skip
        assert pairs[name] == (str(tmp_path / names[femur]), str(tmp_path / names[lesion]), side, None)


def test_labels_come_from_the_nearest_table_that_applies(tmp_path: Path) -> None:
    head = "index\tname\tabbreviation\n"
    rows = _rows(
        _dataset(
            tmp_path,
            {
                "dseg.tsv": head + "1\tFemur\tF\n2\tOsteonecrosis\tON\n",
                "sub-01/anat/sub-01_dseg.nii.gz": "",
                "sub-02/anat/sub-02_dseg.nii.gz": "",
                "sub-02/anat/sub-02_dseg.tsv": head + "75\tfemur_left\tFL\n76\tfemur_right\tFR\n90\tleft lesion\tL\n",
                "sub-03/anat/sub-03_seg-hip_dseg.nii.gz": "",
                "seg-hip_dseg.tsv": head + "5\tright femur\tF\n6\tlesion\tL\n",
            },
        )
    )
    found = {
        name: (row.femur.rpartition("/")[2], row.lesion.rpartition(":")[2], row.side) for name, row in rows.items()
    }
    assert found == {
        "sub-01": ("sub-01_dseg.nii.gz:1", "2", "auto"),
        "sub-02_hemi-L": ("sub-02_dseg.nii.gz:75", "90", "left"),
        "sub-03_seg-hip": ("sub-03_seg-hip_dseg.nii.gz:5", "6", "right"),
    }
    (tmp_path / "dseg.tsv").unlink()
    (row,) = [row for row in read_rows(tmp_path) if row.id == "sub-01"]
    # The specification's common labels.
    assert (row.femur.rpartition(":")[2], row.lesion.rpartition(":")[2]) == ("4", "7")


def test_a_lesion_that_no_femur_or_two_belong_to_is_a_row_that_says_so(tmp_path: Path) -> None:
    names = (
        "sub-01/anat/sub-01_label-lesion_mask.nii.gz", "sub-02/anat/sub-02_label-femurLeft_mask.nii.gz",
        "sub-02/anat/sub-02_label-femurRight_mask.nii.gz", "sub-02/anat/sub-02_label-lesion_mask.nii.gz",
        "sub-03/anat/sub-03_label-femur_mask.nii.gz", "sub-03/anat/sub-03_label-lesion_mask.nii.gz",
        "sub-03/anat/sub-03_label-necrosis_mask.nii.gz", "sub-04/anat/sub-04_label-B_mask.nii.gz",
        "sub-04/anat/sub-04_label-L_mask.nii.gz",
    )  # fmt: skip
    rows = _rows(_dataset(tmp_path, dict.fromkeys(names, "")))
    for name, word in (
        ("sub-01", "no femur"), ("sub-02", "(left, right beside it)"), ("sub-03", "2 masks of the lesion"),
    ):  # fmt: skip
        assert word in str(rows[name].fault)
    assert (rows["sub-04"].fault, rows["sub-04"].femur) == (None, str(tmp_path / names[7]))


def test_what_is_no_dataset_or_no_table_is_refused_in_one_line(tmp_path: Path) -> None:
    for description, tables, word in (
        ([], {}, "no BIDSVersion"),
        ({"Name": "x"}, {}, "no BIDSVersion"),
        (None, {}, "holds no hip; sub-"),
        (None, {"sub-1/anat/sub-1_dseg.nii.gz": "", "sub-1/anat/sub-1_dseg.tsv": "a,b\n1,2\n"}, "index and name"),
    ):
        with pytest.raises(InputError) as caught:
            read_rows(_dataset(tmp_path, tables, description))
        assert word in str(caught.value)
        assert "\n" not in str(caught.value)
    (tmp_path / "dataset_description.json").write_text("{")
    with pytest.raises(InputError, match="not readable as JSON"):
        read_rows(tmp_path)


@pytest.mark.parametrize(
    ("ident", "place"),
    [
        ("sub-02_ses-1_hemi-L", "sub-02/ses-1/anat/sub-02_ses-1_hemi-L_desc-corecoreA2_plan"),
        ("sub-02", "sub-02/anat/sub-02_desc-corecoreA2_plan"),
        # No name of BIDS's: a subject of its letters and digits.
        ("sub-02_left", "sub-sub02left/anat/sub-sub02left_desc-corecoreA2_plan"),
        ("hip_1.nii", "sub-hip1nii/anat/sub-hip1nii_desc-corecoreA2_plan"),
        ("sub-1_sub-2", "sub-sub1sub2/anat/sub-sub1sub2_desc-corecoreA2_plan"),
    ],
)
def test_a_plan_lies_where_its_hips_entities_say(ident: str, place: str, tmp_path: Path) -> None:
    assert plan_folder(tmp_path, ident, "A=2", "bids") == tmp_path / place
    assert plan_folder(tmp_path, ident, "x", "folders") == tmp_path / ident / "x"


def test_two_hips_of_one_name_are_refused_before_any_is_planned() -> None:
    check_names(["a-b", "ab"], ["x=1"], "folders")
    check_names(["sub-1_hemi-L", "sub-1_hemi-R"], ["x=1", "x=2"], "bids")
    for idents, variants in ((["a-b", "AB"], [""]), (["__"], [""]), (["a"], ["x=1.5", "x=15"])):
        with pytest.raises(InputError, match="letters and digits alone"):
            check_names(idents, variants, "bids")


def test_what_was_written_is_a_dataset_and_holds_nothing_to_plan_on(tmp_path: Path) -> None:
    describe(tmp_path)
    told = json.loads((tmp_path / "dataset_description.json").read_text())
    assert told["DatasetType"] == "derivative"
    assert told["GeneratedBy"][0]["Name"] == "corecore"
    # A necrosis of which a part is drilled away is none to be planned again.
    place = tmp_path / f"sub-1/anat/{stem_of('sub-1')}_desc-corecore_dseg.nii.gz"
    place.parent.mkdir(parents=True)
    place.touch()
    place.with_name("sub-1_desc-corecore_dseg.tsv").write_text(
        "index\tname\n1\tbone outside tunnels\n2\tnecrosis outside tunnels\n3\ttunnel 1\n"
    )
    with pytest.raises(InputError, match="holds no hip"):
        read_rows(tmp_path)
