"""The record of a plan: seal, signature, the files beside it, the files it was made from. No hip is built."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin
from support.plan_factory import Pose, plan_of

from corecore.base.errors import InputError
from corecore.base.mesh import TriangleMesh
from corecore.base.version import __version__
from corecore.document.origins import remember
from corecore.document.seal import plan_hash, read_key, seal_of, seals, signature_of
from corecore.document.stated import read_stated
from corecore.io.files import sha256_of
from corecore.io.named_plan import named_plan
from corecore.io.stl import write_stl
from corecore.verification.record import FILES_MAX, record_checks
from corecore.verification.report import Verification

Plan = dict[str, Any]
KEY = b"sixteen bytes and more"
OTHER = "0123abcd" * 8
CORNERS = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
BODY = TriangleMesh(CORNERS, np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]]))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A plan's folder as it is written: two files that name the plan, and the plan that lists them, sealed."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    original = tmp_path / "patient" / "femur.nii.gz"
    original.parent.mkdir()
    original.write_bytes(b"the mask")
    folder = tmp_path / "plan"
    folder.mkdir()
    copy = {"path": "input.nii.gz", "sha256": "0" * 64, "original_sha256": sha256_of(original)}
    inputs: list[Plan] = [
        {**copy, "role": role, "label": label}
        for role, label in (("femur", 1), ("lesion", 2))
    ]  # fmt: skip
    plan = {**plan_of(inputs, Pose()), "corecore_version": __version__}
    name = plan_hash(plan)
    write_stl(BODY, folder / "femur.stl", note=f"x RIGHT plan {name[:8]}")
    (folder / "report.html").write_text(f"<title>right hip: core decompression report {name[:8]}</title>")
    plan["outputs"] = [{"path": one, "sha256": sha256_of(folder / one)} for one in ("femur.stl", "report.html")]
    written(folder, {**plan, "seal": seal_of(plan)})
    remember(name, {sha256_of(original): original})
    return folder


def written(folder: Path, plan: Plan) -> None:
    (folder / "plan.json").write_text(json.dumps(plan))


def edited(folder: Path, change: Callable[[Plan], object], *, seal: bool = True) -> None:
    plan = json.loads((folder / "plan.json").read_text())
    change(plan)
    written(folder, {**plan, "seal": seal_of(plan)} if seal else plan)


def judged(folder: Path, **options: Any) -> Verification:
    return record_checks(read_stated(folder / "plan.json"), **options)


def test_a_folder_as_it_was_written_agrees(folder: Path) -> None:
    result = judged(folder)
    assert result.agrees, result.disagreements
    assert not result.messages
    assert [check.name for check in result.checks if "where it lay" in check.name] == [
        "case.inputs[0] where it lay (femur)", "case.inputs[1] where it lay (lesion)",
    ]  # fmt: skip


def change_file(folder: Path) -> None:
    with (folder / "report.html").open("a") as stream:
        stream.write("<p>removes 90 %</p>")


def lose_file(folder: Path) -> None:
    (folder / "report.html").unlink()


def link_file(folder: Path) -> None:
    text = (folder / "report.html").read_text()
    (folder / "report.html").unlink()
    (folder.parent / "elsewhere.html").write_text(text)
    (folder / "report.html").symlink_to(folder.parent / "elsewhere.html")


def list_other_place(folder: Path) -> None:
    secret = folder.parent / "patient" / "femur.nii.gz"
    listed = [{"path": path, "sha256": sha256_of(secret)} for path in (str(secret), "../patient/femur.nii.gz")]
    edited(folder, lambda plan: plan["outputs"].extend(listed))


def add_strays_of_another(folder: Path) -> None:
    write_stl(BODY, folder / "guide.stl", note=f"x RIGHT plan {OTHER[:8]}")


def add_strays_of_another_below(folder: Path) -> None:
    (folder / "prints" / "old").mkdir(parents=True)
    write_stl(BODY, folder / "prints" / "old" / "guide.stl", note=f"x RIGHT plan {OTHER[:8]}")


def add_body_of_no_plan_below(folder: Path) -> None:
    (folder / "prints").mkdir()
    write_stl(BODY, folder / "prints" / "another.stl")


def add_own_name(folder: Path) -> None:
    name = plan_hash(json.loads((folder / "plan.json").read_text()))
    write_stl(BODY, folder / "tunnel_2.stl", note=f"x RIGHT plan {name[:8]}")


def add_body_of_no_plan(folder: Path) -> None:
    write_stl(BODY, folder / "another.stl")


def link_a_guide(folder: Path) -> None:
    write_stl(BODY, folder.parent / "of_another.stl", note=f"x RIGHT plan {OTHER[:8]}")
    (folder / "guide.stl").symlink_to(folder.parent / "of_another.stl")


def link_a_tunnel(folder: Path) -> None:
    (folder / "tunnel_2.stl").symlink_to(folder / "femur.stl")


def hide_behind_many(folder: Path) -> None:
    for number in range(FILES_MAX + 1):
        (folder / f"a{number}.txt").touch()
    write_stl(BODY, folder / "tunnel_2.stl")


def drop_seal(folder: Path) -> None:
    edited(folder, lambda plan: plan.pop("seal"), seal=False)


def drop_list(folder: Path) -> None:
    edited(folder, lambda plan: plan.pop("outputs"))


def back_date(folder: Path) -> None:
    edited(folder, lambda plan: plan.update(created="2020-01-01T00:00:00+00:00"), seal=False)


def exchange_input(folder: Path) -> None:
    (folder.parent / "patient" / "femur.nii.gz").write_bytes(b"another mask")


FAULTS: dict[Callable[[Path], None], str] = {
    change_file: "file changed: report.html",
    lose_file: "file missing: report.html",
    link_file: "file no plain file: report.html",
    list_other_place: "file a place outside the folder",
    add_strays_of_another: f"another plan's file: guide.stl is of plan {OTHER[:8]}",
    add_strays_of_another_below: f"another plan's file: prints/old/guide.stl is of plan {OTHER[:8]}",
    add_body_of_no_plan_below: "stray file: prints/another.stl names no plan",
    add_own_name: "stray file: tunnel_2.stl",
    add_body_of_no_plan: "stray file: another.stl names no plan",
    link_a_guide: "stray file: guide.stl names no plan",
    link_a_tunnel: "stray file: tunnel_2.stl",
    hide_behind_many: "stray file: tunnel_2.stl",
    drop_seal: "plan unsealed",
    drop_list: "plan lists no files",
    back_date: "plan edited",
    exchange_input: "input changed since",
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_what_happened_to_a_folder_is_said(fault: Callable[[Path], None], folder: Path) -> None:
    fault(folder)
    result = judged(folder)
    assert not result.agrees
    assert any(message.startswith(FAULTS[fault]) for message in result.messages), result.messages


def test_what_is_not_looked_at_is_said(folder: Path) -> None:
    for number in range(FILES_MAX + 2):
        (folder / f"{number}.txt").touch()
    result = judged(folder)
    assert result.agrees
    assert f"2 of {FILES_MAX + 2} files beside the plan are not looked at" in result.messages


def test_a_key_that_stands_twice_is_refused(folder: Path) -> None:
    """Readers differ on which of the two counts, and the seal is of one alone."""
    text = (folder / "plan.json").read_text()
    (folder / "plan.json").write_text(text.replace("{", '{"status": "infeasible", ', 1))
    with pytest.raises(InputError, match="'status' occurs twice"):
        read_stated(folder / "plan.json")


def test_a_changed_input_comes_first_and_own_copies_let_it_pass(folder: Path) -> None:
    exchange_input(folder)
    change_file(folder)
    messages = judged(folder).messages
    assert [message.partition(":")[0] for message in messages] == ["input changed since"] * 2 + ["file changed"]
    lenient = judged(folder, own_copies=True)
    assert [check.name for check in lenient.disagreements] == ["outputs[1].sha256 (report.html)"]
    assert lenient.messages == messages


def test_inputs_that_are_gone_are_told_and_a_device_is_not_opened(folder: Path) -> None:
    place = folder.parent / "patient" / "femur.nii.gz"
    place.unlink()
    result = judged(folder)
    assert result.agrees
    assert result.messages[0].startswith("inputs gone from where they lay: femur")
    place.symlink_to("/dev/zero")
    assert judged(folder).messages == result.messages


def test_another_machine_knows_no_places(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    exchange_input(folder)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "nothing"))
    assert judged(folder).agrees
    # Nowhere to write is no fault of the plan's.
    monkeypatch.setenv("XDG_STATE_HOME", "/dev/null")
    remember("0" * 64, {"1" * 64: folder})


def test_places_are_kept_for_this_user_alone(folder: Path, tmp_path: Path) -> None:
    (record,) = (tmp_path / "state" / "corecore" / "origins").iterdir()
    assert record.stat().st_mode & 0o077 == 0
    assert "patient" in record.read_text()
    assert not any("patient" in item.read_text("latin-1") for item in folder.iterdir())


def test_files_written_later_from_the_plan_belong_to_it(folder: Path) -> None:
    name = plan_hash(json.loads((folder / "plan.json").read_text()))
    write_stl(BODY, folder / "guide.stl", note=f"x RIGHT plan {name[:8]}")
    (folder / "review.json").write_text(json.dumps({"schema": "corecore.review/1", "plan": name}))
    (folder / "consent.txt").write_text("signed by hand")
    result = judged(folder)
    assert result.agrees, result.disagreements
    assert result.messages == (
        "written later from this plan, by its hash: guide.stl, review.json",
        "beside the plan and of no plan by name: consent.txt",
    )


def test_folders_below_are_looked_at_and_another_plan_s_is_not_this_one_s(folder: Path) -> None:
    name = plan_hash(json.loads((folder / "plan.json").read_text()))
    for below in ("export", "reviewed", ".cache"):
        (folder / below).mkdir()
    # An export bears the names of a plan's own files, and this plan's hash.
    write_stl(BODY, folder / "export" / "tunnel_1.stl", note=f"x RIGHT plan {name[:8]}")
    (folder / "reviewed" / "plan.json").write_text("{}")
    write_stl(BODY, folder / "reviewed" / "tunnel_1.stl", note=f"x RIGHT plan {OTHER[:8]}")
    write_stl(BODY, folder / ".cache" / "another.stl")
    # No link is followed.
    (folder / "elsewhere").symlink_to(folder.parent / "patient")
    (folder / "loop").symlink_to(folder)
    result = judged(folder)
    assert result.agrees, result.disagreements
    assert result.messages == (
        "written later from this plan, by its hash: export/tunnel_1.stl",
        "beside the plan and of no plan by name: elsewhere, loop",
    )


def test_an_image_s_own_files_are_no_strays(folder: Path) -> None:
    (folder / "scan").mkdir()
    for name in ("scan/slice.dcm", "mask.mhd", "mask.raw"):
        (folder / name).write_bytes(b"ObjectType = Image\nNDims = 3\nElementDataFile = mask.raw\n")
    image = [
        {"role": role, "path": path, "sha256": "0" * 64} for role, path in (("image", "scan"), ("avoid", "mask.mhd"))
    ]
    edited(folder, lambda plan: plan["case"]["inputs"].extend(image))
    assert not any("scan" in message or "mask" in message for message in judged(folder).messages)


def test_a_plan_of_a_version_without_a_list_is_judged_by_what_it_has(folder: Path) -> None:
    edited(folder, lambda plan: (plan.pop("outputs"), plan.update(corecore_version="0.1.0")))
    sealed = judged(folder)
    assert sealed.agrees, sealed.disagreements
    assert sealed.messages == (
        "no list of files: corecore 0.1.0 listed none, so the files beside the plan are not checked",
    )
    edited(folder, lambda plan: plan.pop("seal"), seal=False)
    bare = judged(folder)
    assert not bare.disagreements
    assert bare.messages[0] == "no seal: corecore 0.1.0 did not seal every plan, so nothing shows an edit by hand"
    assert bare.messages[1:] == sealed.messages
    # What it has is judged: a seal that does not fit, a file that it lists and that has changed.
    edited(folder, lambda plan: plan.update(seal="0" * 64), seal=False)
    assert [check.name for check in judged(folder).disagreements] == ["plan.json (seal)"]
    edited(folder, lambda plan: plan.update(outputs=[{"path": "report.html", "sha256": "0" * 64}]))
    assert [check.name for check in judged(folder).disagreements] == [
        "outputs[0].sha256 (report.html)", "beside the plan: femur.stl",
    ]  # fmt: skip


def test_from_which_version_on_a_plan_must_have_seal_and_list() -> None:
    assert [seals(version) for version in ("0", "0.1.0", "0.1.9", "0.2.0.dev1", "0.2", "1", "unknown", "x")] == [
        False, False, False, True, True, True, True, True,
    ]  # fmt: skip
    assert seals(__version__)


def test_only_the_key_can_seal_a_signed_plan_again(folder: Path, tmp_path: Path) -> None:
    assert "signed by nobody" in judged(folder, key=KEY).messages[0]
    assert not judged(folder, key=KEY).agrees
    edited(folder, lambda plan: plan.update(signature=signature_of(plan["seal"], KEY)), seal=False)
    assert judged(folder, key=KEY).agrees
    assert judged(folder).agrees
    assert judged(folder).messages == ("plan signed: only --key FILE tells by which key",)
    assert not judged(folder, key=b"another key of sixteen").agrees
    # Edited and sealed again by one who has not the key.
    edited(folder, lambda plan: plan["spec"].update(posterosuperior_margin_mm=4.0))
    assert not judged(folder, key=KEY).agrees
    path = tmp_path / "key"
    path.write_bytes(b"too short")
    with pytest.raises(InputError, match="16 to 4096") as caught:
        read_key(path)
    assert "too short" not in str(caught.value)
    path.write_bytes(KEY + b"\n")
    assert read_key(path) == KEY


def test_the_hash_names_the_plan_whatever_lies_beside_it(folder: Path) -> None:
    plan = json.loads((folder / "plan.json").read_text())
    bare = {key: value for key, value in plan.items() if key not in ("outputs", "seal")}
    assert plan_hash(plan) == plan_hash(bare) == plan_hash({**plan, "created": "later", "signature": "x"})
    # What is sealed is all but the seal itself and the signature over it.
    assert seal_of(plan) == seal_of({**plan, "seal": "x", "signature": "x"})
    for key in set(plan) - {"seal"}:
        assert seal_of({**plan, key: "another"}) != seal_of(plan), key


@pytest.mark.parametrize(
    "data", [b"", b"PK\x03\x04", b"\x1f\x8b\x08\x00", b"plan\n\n", b"explan 0123abcd0", b"\xff" * 400]
)
def test_what_names_no_plan_is_none(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "file.stl"
    path.write_bytes(data)
    assert named_plan(path) is None
    assert named_plan(tmp_path / "nothing") is None


def test_a_picture_names_its_plan_whatever_its_checksum_begins_with(tmp_path: Path) -> None:
    """A PNG's text ends at four bytes of any value: a letter after the name must not hide it."""
    first = set()
    for number in range(64):
        name = f"{number:08x}"
        note = PngImagePlugin.PngInfo()
        note.add_text("Title", f"right hip: core decompression plan {name}")
        Image.new("L", (2, 2)).save(tmp_path / "p.png", pnginfo=note)
        data = (tmp_path / "p.png").read_bytes()
        first.add(chr(data[data.index(name.encode()) + 8]).isalnum())
        assert named_plan(tmp_path / "p.png") == name
    assert first == {True, False}
