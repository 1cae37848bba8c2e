"""The cases of a user: begun, sent files, checked, planned and opened; nothing outside them is read or written."""

from __future__ import annotations

import json
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jsonschema
import numpy as np
import pytest
from support.page_client import PORT, PageClient
from support.review_case import TOKEN

from corecore.app.cli import main
from corecore.app.cli.desktop import entry
from corecore.base.errors import CancelledError, InputError
from corecore.base.grid import Grid, Mask
from corecore.base.limits import LIMITS
from corecore.base.spec import Spec, accepted_range, preset
from corecore.document.plan import InfeasiblePart, RelaxationPart
from corecore.exports.workflow import Finished
from corecore.hip.hip import Hip
from corecore.io.contents import contents
from corecore.io.nifti import write_mask
from corecore.measures.signs.clinician_input import ClinicianInput
from corecore.planning.document import document
from corecore.planning.planner import Plan
from corecore.planning.request import PlanRequest
from corecore.review import case_folder
from corecore.review.case_controller import CaseController
from corecore.review.case_folder import CaseFile, CaseFolder, clean_parts
from corecore.review.plan_job import Planner, ways_of
from corecore.review.protocol import OF_CASES, SCHEMA_FILE, VOLUME
from corecore.review.readable import Roots
from corecore.review.server import CASE_STATIC, case_application
from corecore.review.settings import settings, spec_values
from corecore.study.samples import DEMO, DEMO_CT, sample

pytest.importorskip("starlette")

MARKUP = '<img src=x onerror="alert(1)"><script>alert(2)</script>'


class Client(PageClient):
    """One page's requests to a user's cases."""

    def __init__(self, desk: CaseController) -> None:
        super().__init__(case_application(desk, TOKEN, PORT))

    def ask(self, name: str, body: object = None, **headers: str) -> Any:
        """The answer, which must be one."""
        status, content, _ = self(f"/api/{name}", body or {}, headers=headers)
        assert status == 200, content
        return content

    def refused(self, name: str, body: object = None, **headers: str) -> str:
        """The words of a refusal, which must be one."""
        status, content, _ = self(f"/api/{name}", body or {}, headers=headers)
        assert status == 422, content
        return str(content["error"])

    def send(self, case: str, name: str, data: bytes, **headers: str) -> tuple[int, Any]:
        """A file that is sent."""
        told = {"x-corecore-case": quote(case), "x-corecore-name": quote(name, safe=""), **headers}
        status, content, _ = self("/api/send", raw=data, headers=told)
        return status, content


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a folder to read, and one beside it that may not be read."""
    (tmp_path / "read" / "study").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    return tmp_path


@pytest.fixture
def desk(place: Path) -> Iterator[CaseController]:
    found = CaseController(place / "home", Roots.of(place / "read"), (sample(DEMO), sample(DEMO_CT)))
    yield found
    found.close()


@pytest.fixture
def client(desk: CaseController) -> Client:
    return Client(desk)


def begun(client: Client, **asked: object) -> str:
    return str(client.ask("begin", {"source": "files", **asked})["case"])


# ---- who is answered ----
@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"authorization": None}, 403), ({"authorization": "Bearer a-tokem"}, 403), ({"origin": None}, 403),
        ({"origin": "http://127.0.0.1:43211"}, 403), ({"origin": "http://evil.example"}, 403),
        ({"host": "evil.example:43210"}, 421), ({"host": None}, 421),
    ],
)  # fmt: skip
def test_nobody_else_is_answered_and_nothing_is_kept(
    client: Client, place: Path, headers: dict[str, str | None], code: int
) -> None:
    case = begun(client)
    before = sorted(place.rglob("*"))
    for path in (*OF_CASES, VOLUME, "/api/send", "/api/look", "/api/hand-over"):
        body = {"case": case, "source": "files"}
        status, content, _ = client(
            path, body, headers={"x-corecore-case": case, "x-corecore-name": "a.nii", **headers}
        )
        assert status == code, path
        assert set(content) == {"error"}
    assert sorted(place.rglob("*")) == before


def test_the_pages_hold_nothing_of_a_case_and_files_are_named_one_by_one(client: Client) -> None:
    client.ask("begin", {"source": "files", "label": "case-17"})
    for path in CASE_STATIC:
        status, text, headers = client(path, method="GET", headers={"authorization": None, "origin": None})
        assert status == 200
        assert "case-17" not in text
        assert TOKEN not in text
        assert "default-src 'none'" in headers["content-security-policy"]
    for path in ("/../case.json", "/case.json", "/open.html.j2", "/open.js.sha256", "/%2e%2e/x", "/home"):
        assert client(path, method="GET")[0] == 404


def test_what_is_told_is_of_the_type_that_the_page_s_own_is_made_of(client: Client) -> None:
    kept = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    case = str(client.ask("begin", {"source": "sample"})["case"])
    asked: dict[str, object] = {
        "welcome": {}, "browse": {"root": 0}, "contents": {"case": case}, "picture": {"case": case, "item": 1},
        "settings": {"case": case}, "job": {"case": case}, "rename": {"case": case, "label": "b"},
        "check": {"case": case, "roles": {}},
    }  # fmt: skip
    for name, body in asked.items():
        answer = {**kept["properties"][f"/api/{name}"]["properties"]["answer"], "$defs": kept["$defs"]}
        jsonschema.validate(client.ask(name, body), answer)


# ---- what may be read ----
@pytest.mark.parametrize("path", ["..", "../other", "/etc", "study/../../other", "study\0", "none", "link"])
def test_no_folder_outside_the_roots_is_read(client: Client, place: Path, path: str) -> None:
    (place / "read" / "link").symlink_to(place / "other")
    for name, body in (("browse", {}), ("begin", {"source": "folder"})):
        assert "one of the list" in client.refused(name, {"root": 0, "path": path, **body})
    assert "one of the list" in client.refused("browse", {"root": 1})
    assert [one["name"] for one in client.ask("browse", {"root": 0})["folders"]] == ["study"], "a link is no folder"
    assert client.ask("browse", {"root": 0, "path": "study"})["way"][0]["path"] == ""
    assert not (place / "home").exists()


@pytest.mark.parametrize("case", ["", "..", "../home", "2026-01-01-1", "2026-01-01-1/../..", "case.json"])
def test_a_case_is_one_of_the_list(client: Client, case: str) -> None:
    begun(client)
    for name in ("contents", "settings", "job"):
        assert "no case" in client.refused(name, {"case": case})
    assert client.send(case, "a.nii", b"x")[0] == 422


@pytest.mark.parametrize("plan", ["", ".", "..", "plan-1", "plan-1/../..", "/etc", "plan-1/reviewed/..", "inputs"])
def test_a_plan_is_one_of_the_case_s(client: Client, plan: str) -> None:
    assert "no plan" in client.refused("open-plan", {"case": begun(client), "plan": plan})


# ---- what is sent ----
def test_a_file_is_kept_under_a_clean_name(client: Client, desk: CaseController) -> None:
    case = begun(client)
    data = sample(DEMO).read_bytes()
    status, told = client.send(case, f"study 1/{MARKUP}.nii.gz".replace("</", "<"), data)
    assert status == 200, told
    assert re.fullmatch(r"study 1/[\w .+()=-]+\.nii\.gz", told["name"])
    kept = desk.home / case / "inputs" / told["name"]
    assert kept.read_bytes() == data
    assert [one.name for one in kept.parent.iterdir()] == [kept.name], "no remains"
    found = client.ask("contents", {"case": case})
    assert [item["role"] for item in found["items"]] == ["femur", "lesion"]


@pytest.mark.parametrize(
    "name",
    [
        "",
        "../a.nii",
        "a/../../b.nii",
        "/etc/passwd",
        "..\\a.nii",
        "C:\\a\\..\\b",
        "a//b",
        ".",
        "a\0b.nii",
        "a/" * 8 + "b",
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(client: Client, place: Path, name: str) -> None:
    case = begun(client)
    before = sorted(place.rglob("*"))
    status, told = client.send(case, name, b"data")
    assert status == 422
    assert "name" in told["error"]
    assert sorted(place.rglob("*")) == before


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"PK\x03\x04rest", "a ZIP archive"), (b"BZh9", "a bzip2 archive"), (b"\xfd7zXZ\0", "an xz archive"),
        (b"<html>", "HTML"), (b"%PDF-1.7", "a PDF"), (b"", "is empty"),
    ],
)  # fmt: skip
def test_what_is_no_input_is_refused_and_nothing_of_it_stays(
    client: Client, desk: CaseController, data: bytes, words: str
) -> None:
    case = begun(client)
    status, told = client.send(case, "a.nii", data)
    assert (status, words in told["error"]) == (422, True), told
    assert not [one for one in (desk.home / case / "inputs").rglob("*") if one.is_file()]


def test_too_much_is_refused_before_and_while_it_is_sent(
    client: Client, desk: CaseController, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = begun(client)
    announced = {"content-length": str(2**31)}
    assert "larger than" in client.send(case, "a.nii", b"x", **announced)[1]["error"]
    monkeypatch.setattr(case_folder, "SEND_MAX_BYTES", 100)
    assert client.send(case, "a.nii", b"x" * 60)[0] == 200
    for headers in ({}, {"content-length": "1"}, {"content-length": "many"}):
        assert "larger than the 40 bytes" in client.send(case, "b.nii", b"x" * 60, **headers)[1]["error"]
    assert [one.name for one in (desk.home / case / "inputs").iterdir()] == ["a.nii"]
    monkeypatch.setattr(case_folder, "SEND_MAX_FILES", 1)
    assert client.send(case, "c.nii", b"x")[0] == 422


def test_nothing_is_sent_to_a_case_that_is_read_in_place(client: Client, place: Path) -> None:
    case = str(client.ask("begin", {"source": "folder", "path": "study"})["case"])
    assert "read from a folder" in client.send(case, "a.nii", b"x")[1]["error"]
    assert not list((place / "read" / "study").iterdir())


@pytest.mark.parametrize("name", ["a.nii", "scan 1/b.nii.gz", "ä<b>.nrrd", "x" * 300 + ".nii.gz"])
def test_a_clean_name_stays_below_its_folder(name: str) -> None:
    parts = clean_parts(name)
    assert all(re.fullmatch(r"[\w .+()=-]{1,100}", part, re.ASCII) and part[0] != "." for part in parts)
    assert parts[-1].endswith(name[-4:])


# ---- what a case remembers ----
def test_words_of_a_person_are_kept_as_text(client: Client, desk: CaseController) -> None:
    case = begun(client, label=MARKUP[:60])
    assert client.ask("contents", {"case": case})["label"] == MARKUP[:60]
    assert client.ask("welcome")["cases"][0]["label"] == MARKUP[:60]
    client.ask("rename", {"case": case, "label": "two\nlines"})
    assert CaseFolder.find(desk.home, case).kept().label == "two lines"
    assert "label" in client.refused("rename", {"case": case, "label": "x" * 61})


@pytest.mark.parametrize("text", ["{", "[]", '{"side": "up"}', '{"roles": {"head": "a"}}', "1" * 5000, ""])
def test_a_case_whose_file_is_broken_is_told_and_the_others_go_on(
    client: Client, desk: CaseController, text: str
) -> None:
    case, other = begun(client), begun(client, label="other")
    (desk.home / case / "case.json").write_text(text)
    rows = {one["case"]: one for one in client.ask("welcome")["cases"]}
    assert (rows[case]["words"], rows[other]["label"]) == ("cannot be read", "other")
    assert "case.json" in client.refused("contents", {"case": case})
    assert case not in client.refused("contents", {"case": "9999-01-01-1"})


def test_cases_begin_apart_and_the_last_used_stands_first(client: Client, desk: CaseController) -> None:
    first, second = begun(client), begun(client)
    assert first != second
    assert CaseFolder.find(desk.home, first).kept() == CaseFile()
    time.sleep(0.01)
    client.ask("rename", {"case": first, "label": "again"})
    assert [one["case"] for one in client.ask("welcome")["cases"]] == [first, second]


# ---- what a folder holds ----
def written_mask(path: Path, low: int, high: int) -> None:
    voxels = np.zeros((20, 20, 20), dtype=bool)
    voxels[low:high, 5:15, 5:15] = True
    path.parent.mkdir(parents=True, exist_ok=True)
    write_mask(path, Mask(Grid((20, 20, 20), np.diag([2.0, 2.0, 2.0, 1.0])), voxels))


def test_a_folder_of_totalsegmentator_is_known_by_its_names(tmp_path: Path) -> None:
    for name, low, high in (("femur_left", 1, 6), ("femur_right", 12, 18), ("hip_left", 1, 8), ("hip_right", 11, 19),
                            ("aorta", 9, 10), ("necrosis", 13, 15)):  # fmt: skip
        written_mask(tmp_path / "seg" / f"{name}.nii.gz", low, high)
    shutil.copy(sample(DEMO_CT), tmp_path / "image.nii.gz")
    found = contents(tmp_path)
    told = {item.name: (item.kind, item.role, item.side) for item in found.items}
    assert told["femur_left"] == ("mask", "femur", "left")
    assert told["hip_right"] == ("mask", "pelvis", "right")
    assert told["aorta"] == ("mask", None, None)
    assert told["image"] == ("image", "image", None)
    chosen = {role: found.items[number].name for role, number in found.roles().items()}
    assert chosen == {"femur": "femur_right", "lesion": "necrosis", "image": "image", "pelvis": "hip_right"}, (
        "the femur that the lesion lies in, and its hip bone"
    )
    assert found.items[found.roles("left")["pelvis"]].name == "hip_left"


def test_what_cannot_be_read_says_why_and_chooses_nothing(client: Client, place: Path) -> None:
    data = sample(DEMO).read_bytes()
    (place / "read" / "study" / "femur.nii.gz").write_bytes(data[: len(data) // 2])
    case = str(client.ask("begin", {"source": "folder", "path": "study"})["case"])
    found = client.ask("contents", {"case": case})
    (item,) = found["items"]
    assert item["problem"]
    assert not found["roles"]
    assert any("femur" in words for words in found["remarks"])
    assert client.ask("picture", {"case": case, "item": 0})["png"] is None
    assert "item 1" in client.refused("picture", {"case": case, "item": 1})


# ---- the settings ----
def test_the_settings_are_the_parameters_own() -> None:
    told = settings()
    assert all(one.default == one.value for one in told.choices)
    assert all(one.default == one.value for one in told.numbers)
    for one in told.numbers:
        scale = 100.0 if one.unit == "%" else 1.0
        assert (one.low / scale, one.high / scale) == accepted_range(one.key)
        assert one.value / scale == getattr(Spec(), one.key)
    assert {key for key, limit in LIMITS.items() if limit.settable and limit.default is not None} <= {
        one.key for one in told.numbers
    }
    kept = settings({"joint_margin_mm": 7.5, "guidance": "robot", "tunnels": 99.0, "objective": "none"})
    chosen, values = ({one.key: one.value for one in kept.choices}, {one.key: one.value for one in kept.numbers})
    assert (values["joint_margin_mm"], values["tunnels"]) == (7.5, 1.0)
    assert (chosen["guidance"], chosen["objective"]) == ("robot", "safest")


def test_what_the_page_sends_becomes_parameters() -> None:
    sent: dict[str, float | str] = {"near_best_share": 90, "tunnels": 2.0, "guidance": "guide", "stage": "ARCO IIIA"}
    answers, values = spec_values(sent)
    assert answers == {"stage": "ARCO IIIA"}
    assert values == {"near_best_share": 0.9, "tunnels": 2, "guidance": "guide"}
    wrong: list[dict[str, float | str]] = [
        {"keep": "x"}, {"guidance": "magic"}, {"guidance": 1.0}, {"joint_margin_mm": "5"}, {"reach_mm": 3.0},
    ]  # fmt: skip
    for one in wrong:
        with pytest.raises(InputError):
            spec_values(one)


def test_ways_out_name_the_setting_that_does_it(sample_plan: Plan) -> None:
    part = InfeasiblePart(
        text="none", relaxations=[
            RelaxationPart(key="joint_margin_mm", limit=9.0, needed=7.4, confirmed=True),
            RelaxationPart(key="portal", limit=0.0, needed=-1.0, confirmed=False),
        ],
    )  # fmt: skip
    plan = document(sample_plan)
    rows = ways_of(type(plan)(**{**{key: getattr(plan, key) for key in plan.__struct_fields__}, "infeasible": part}))
    assert (rows[0].key, rows[0].value, rows[1].key) == ("joint_margin_mm", 7.4, None)
    assert "7.4 mm instead of" in rows[0].words


# ---- from the check to the review ----
@pytest.mark.slow
def test_a_case_is_checked_planned_kept_and_opened(client: Client, desk: CaseController, sample_plan: Plan) -> None:
    asked: list[PlanRequest] = []
    answers: list[ClinicianInput] = []

    def planner(request: PlanRequest, stop: threading.Event, progress: Callable[[float], None]) -> Finished:
        asked.append(request)
        progress(0.4)
        # The first goes on until it is cancelled.
        if len(asked) == 1:
            assert stop.wait(20)
            raise CancelledError("called off", code="cancelled")
        return Finished(sample_plan, document(sample_plan))

    def planner_of(hip: Hip, said: ClinicianInput) -> Planner:
        answers.append(said)
        return planner

    desk.planner_of = planner_of
    case = str(client.ask("begin", {"source": "sample"})["case"])
    found = client.ask("contents", {"case": case})
    assert found["roles"] == {"femur": 0, "lesion": 1, "image": 2}
    assert "not checked" in client.refused("plan", {"case": case, "values": {}})
    assert "not checked" in client.refused("volume", {"case": case})
    swapped = client.ask("check", {"case": case, "roles": {"femur": 1, "lesion": 0}})
    assert swapped["problem"]
    assert "Choose" in client.ask("check", {"case": case, "roles": {"femur": 0}})["problem"]
    other = client.ask("check", {"case": case, "roles": found["roles"], "side": "left"})
    told = client.ask("check", {"case": case, "roles": found["roles"]})
    assert (told["problem"], told["hip"], len(told["pictures"])) == (None, "RIGHT HIP", 3)
    assert other["problem"] or other["warnings"] != told["warnings"], "a side that is not the bone's is told"

    assert "7" in client.refused("plan", {"case": case, "values": {"joint_margin_mm": 77}})
    begun_first = client.ask("plan", {"case": case, "values": {"joint_margin_mm": 6.0}})
    assert begun_first["state"] == "running"
    assert client.ask("cancel", {"case": case, "number": 1})["state"] == "cancelled"
    assert "not under way" in client.refused("cancel", {"case": case, "number": 9})
    first = desk.cases[case].job
    assert first is not None
    first.wait(20)
    assert client.ask("job", {"case": case})["state"] == "cancelled"
    assert "no tunnel" in client.refused("keep", {"case": case, "number": 1})

    client.ask("plan", {"case": case, "values": {"stage": "ARCO II", "physis": "closed"}})
    second = desk.cases[case].job
    assert second is not None
    second.wait(120)
    done = client.ask("job", {"case": case})
    assert (done["number"], done["state"]) == (2, "done")
    assert len(done["result"]["tunnels"]) == len(sample_plan.tunnels)
    assert not done["result"]["ways"]
    assert sum(point["chosen"] for point in done["result"]["curve"]) <= 1
    assert asked[0].checked().joint_margin_mm == 6.0
    assert asked[1].checked() == preset("core-10")
    assert [one.physis for one in answers] == ["unknown", "closed"], "other answers, another planner"
    assert asked[1].clinician.stage is not None
    assert client.ask("contents", {"case": case})["checked"]

    key = client.ask("keep", {"case": case, "number": 2})["key"]
    look = client.ask("look", {"page": "a"}, **{"x-corecore-plan": key})
    assert look["permission"]["state"] == "writes"
    assert "not open" in client.refused("look", {"page": "a"}, **{"x-corecore-plan": "another"})
    assert "not open" in client.refused("look", {"page": "a"})
    rows = client.ask("contents", {"case": case})["plans"]
    assert [row["plan"] for row in rows] == ["plan-1"]
    assert client.ask("open-plan", {"case": case, "plan": "plan-1"})["key"] == key, "it is open already"
    for written in ("plan.json", "../plan-1/plan.json", "reviewed/../plan.json", "reviewed/plan.json"):
        said = client.refused("hand-over", {"written": written, "to": "report"}, **{"x-corecore-plan": key})
        assert "save the plan first" in said


def test_a_planner_that_fails_is_told(client: Client, desk: CaseController, sample_hip: Hip) -> None:
    def failing(error: Exception) -> Callable[[Hip, ClinicianInput], Planner]:
        def planner(request: PlanRequest, stop: threading.Event, progress: Callable[[float], None]) -> Finished:
            raise error

        return lambda hip, said: planner

    case = begun(client)
    client.ask("settings", {"case": case})
    held = desk.cases[case]
    held.hip = sample_hip
    held.inputs = PlanRequest.__new__(PlanRequest)  # type: ignore[assignment]
    for error, words in ((InputError("that cannot be", code="option-value"), "cannot be"), (KeyError("x"), "KeyError")):
        desk.planner_of, held.planner = failing(error), None
        client.ask("plan", {"case": case, "values": {}})
        assert held.job is not None
        held.job.wait(20)
        told = client.ask("job", {"case": case})
        assert (told["state"], words in told["words"]) == ("failed", True), told


def test_the_server_ends_from_the_page(client: Client, desk: CaseController) -> None:
    ended = []
    desk.end_server = lambda: ended.append(True)
    assert client.ask("end") == {"ended": True}
    assert ended == [True]


# ---- the command ----
def test_the_command_refuses_what_is_no_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("x")
    for name in ("file", "none"):
        assert main(["open", str(tmp_path / name), "--no-browser"]) == 2
        assert "a folder is accepted" in capsys.readouterr().err


def test_the_desktop_entry_starts_this_very_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr("sys.platform", "linux")
    assert main(["open", str(tmp_path), "--desktop-entry", "--language", "de"]) == 0
    (written,) = (tmp_path / "applications").iterdir()
    assert str(written) in capsys.readouterr().out
    text = written.read_text()
    assert f'"open" "{tmp_path}" "--language" "de"' in text
    assert text.startswith("[Desktop Entry]\nType=Application\n")


def test_words_of_an_entry_are_quoted() -> None:
    words = ["/a b/corecore", "open", '/x"; rm -rf ~ $HOME `id` 100%\nExec=evil']
    linux = entry(words, "linux")[1]
    assert linux.count("Exec=") == 2, "the second within the quotes of the first's line"
    assert len([line for line in linux.splitlines() if line.startswith("Exec=")]) == 1
    assert "\\\\$HOME" in linux
    assert "100%%" in linux
    assert entry(words, "darwin")[1].startswith("#!/bin/sh\nexec '/a b/corecore' open '")
    assert "100%%" in entry(words, "win32")[1]
