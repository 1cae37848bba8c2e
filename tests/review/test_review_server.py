"""The review page: guarded, one step at a time, kept on disk, and its figures those of the planner."""

from __future__ import annotations

import hashlib
import json
import re
import socket
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from support.page_client import PORT, PageClient
from support.review_case import TOKEN, drawn, sample_content, sample_table

from corecore.app.cli import main
from corecore.base.errors import InputError
from corecore.base.limits import LIMITS
from corecore.document.read import read_plan
from corecore.review import record
from corecore.review.controller import ReviewController
from corecore.review.model import ReviewModel
from corecore.review.outcome import write_outcome
from corecore.review.payload import cuts, figures
from corecore.review.protocol import OF_A_REVIEW, SCHEMA_FILE, schema
from corecore.review.record import Record, resumed
from corecore.review.server import BODY_MAX, STATIC, application
from corecore.review.session import Line, Nudge, Resize, Session, SignOff, Undo, apply
from corecore.tunnels.figures import assess
from corecore.tunnels.limits import violations
from corecore.verification.recalculation import verify_plan

pytest.importorskip("starlette")

ASKED = [
    f"/api/{name}"
    for name in ("look", "do", "preview", "slices", "films", "ranked", "scene", "write", "watch", "hand-over")
]
SHOWN = {"figures": 0, "slices": 0, "films": 0, "space": 0}


class Client(PageClient):
    """One page's requests to the review of a plan."""

    def __init__(self, table: ReviewController) -> None:
        super().__init__(application(table, TOKEN, PORT))


@pytest.fixture
def client(table: ReviewController) -> Client:
    return Client(table)


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"authorization": None}, 403),
        ({"authorization": "Bearer "}, 403),
        ({"authorization": "Bearer a-tokem"}, 403),
        ({"authorization": "Basic a-token"}, 403),
        ({"origin": None}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://127.0.0.1:43211"}, 403),
        ({"origin": "https://127.0.0.1:43210"}, 403),
        ({"origin": "http://evil.example"}, 403),
        ({"host": "evil.example:43210"}, 421),
        ({"host": "127.0.0.1"}, 421),
        ({"host": None}, 421),
    ],
)
@pytest.mark.parametrize("path", ASKED)
def test_nobody_else_is_answered(client: Client, headers: dict[str, str | None], code: int, path: str) -> None:
    status, content, _ = client(path, {"do": "undo", "rev": 0}, headers=headers)
    assert status == code
    assert set(content) == {"error"}


def test_the_page_needs_no_token_and_holds_nothing_of_the_patient(client: Client) -> None:
    for path in STATIC:
        status, text, headers = client(path, method="GET", headers={"authorization": None, "origin": None})
        assert status == 200
        assert "case-17" not in text
        assert TOKEN not in text
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert client(path, method="GET", headers={"host": "evil.example"})[0] == 421
    for path in ("/../plan.json", "/plan.json", "/api", "/static/review.js", "/review.js.sha256", "/%2e%2e/x"):
        assert client(path, method="GET")[0] == 404
    assert client("/api/look", method="GET")[0] == 405


def test_the_script_is_the_one_whose_hash_stands_beside_it_and_all_that_the_page_runs() -> None:
    static = files("corecore.review") / "static"
    code = (static / "review.js").read_bytes()
    recorded = (static / "review.js.sha256").read_text(encoding="utf-8").split()[0]
    assert hashlib.sha256(code).hexdigest() == recorded
    assert not re.search(r"\beval\(|new Function\b|importScripts|innerHTML|outerHTML", code.decode("ascii"))
    page = (static / "review.html.j2").read_text(encoding="utf-8")
    assert re.findall(r"<script\b[^>]*>[^<]*", page) == [
        '<script type="application/json" id="texts">{{ texts|safe }}',
        '<script src="/review.js" defer>',
    ]


def test_what_is_told_is_of_the_type_that_the_page_s_own_is_made_of(client: Client) -> None:
    kept = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    assert kept == schema(), "python -m corecore.review.protocol writes it anew"
    asked = {"/api/look": {"against": 1}, "/api/do": {"do": "select", "tunnel": 0, "rev": 0}, "/api/slices": {}}
    for path in ("/api/look", "/api/do", "/api/slices", "/api/ranked", "/api/scene"):
        told = client(path, asked.get(path))[1]
        jsonschema.validate(told, {**kept["properties"][path]["properties"]["answer"], "$defs": kept["$defs"]})
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({}, {**kept["properties"][path]["properties"]["answer"], "$defs": kept["$defs"]})
    assert set(ASKED) == set(OF_A_REVIEW)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"do": "fly", "rev": 0}, "accepted: move"),
        ({"do": None, "rev": 0}, "accepted: move"),
        ({"do": "undo"}, "rev is missing"),
        ({"do": "undo", "rev": True}, "rev is True"),
        ({"do": "undo", "rev": 0}, "nothing to undo"),
        ({"do": "undo", "rev": 7}, "step 7"),
        ({"do": "move", "rev": 0, "tunnel": 0, "entry": [1, 2], "tip": [1, 2, 3]}, "entry is"),
        ({"do": "move", "rev": 0, "tunnel": 0, "entry": [1, 2, "x"], "tip": [1, 2, 3]}, "entry[2] is 'x'"),
        ({"do": "move", "rev": 0, "tunnel": 0, "entry": [0, 0, 0], "tip": [0, 0, 60]}, "tunnel 1: the"),
        ({"do": "nudge", "rev": 0, "tunnel": "0", "end": "tip"}, "tunnel is '0'; a whole number"),
        ({"do": "nudge", "rev": 0, "tunnel": 0, "end": "tip", "up": 1e300}, "up is"),
        ({"do": "nudge", "rev": 0, "tunnel": 0, "end": "tip", "inward": 40}, "tip lies outside the femur"),
        ({"do": "resize", "rev": 0, "tunnel": 0, "diameter": 99}, "diameter_mm"),
        ({"do": "sign", "rev": 0, "name": "A", "side": "left", "shown": SHOWN}, "RIGHT hip"),
        ({"do": "sign", "rev": 0, "name": 3, "side": "right", "shown": SHOWN}, "name is 3"),
        ({"do": "take", "rev": 0, "which": 5}, "0 to 1"),
        ({"do": "take", "rev": 0, "which": True}, "which is"),
        ([], "no object"),
    ],
)
def test_what_cannot_be_is_said_and_changes_nothing(
    client: Client, table: ReviewController, body: object, words: str
) -> None:
    before = table.session
    drawn(table)
    status, content, _ = client("/api/do", body)
    assert status == 422
    assert words in content["error"]
    assert table.session is before
    assert not (table.folder / record.NAME).exists()


def test_bodies_too_long_or_no_json_are_refused(client: Client) -> None:
    assert "over" in client("/api/do", raw=b"[" * (BODY_MAX + 1))[1]["error"]
    assert "no JSON" in client("/api/do", raw=b"{" * 2000)[1]["error"]
    assert "no JSON" in client("/api/do", raw=b"\xff\xfe")[1]["error"]


def test_two_tabs_do_not_overwrite_each_other(client: Client, table: ReviewController) -> None:
    body = {"do": "resize", "tunnel": 0, "diameter": 8.0, "rev": 0}
    status, content, _ = client("/api/do", body)
    assert (status, content["rev"]) == (200, 1)
    assert client("/api/do", {**body, "diameter": 9.0})[0] == 422
    assert table.session.lines[0].diameter_mm == 8.0


def test_figures_are_the_planners_own(desk: ReviewModel, client: Client) -> None:
    _, content, _ = client("/api/do", {"do": "nudge", "tunnel": 0, "end": "tip", "inward": 2.0, "up": 1.0, "rev": 0})
    ((tunnel, figures),) = desk.drilled([line_of(content)])
    again = assess(desk.hip, tunnel, desk.spec)
    assert again == figures
    shown = dict(zip(content["transcription"]["columns"], content["transcription"]["rows"][0], strict=True))
    assert shown["Entry to tip (depth stop)"] == f"{again.length_mm:.1f} mm"
    assert shown["Angle to the shaft, AP view"] == f"{again.ap_angle_deg:.0f}°"
    assert shown["Drill–cortex angle"] == f"{again.incidence_deg:.0f}°"
    assert f"{100 * again.removed_fraction:.1f} % of the necrosis" in content["status"]["lines"][0]
    broken = {item.key for item in violations(again, desk.spec)}
    assert broken
    assert len(content["violations"]) == len(broken)
    assert all(any(line.startswith(LIMITS[key].figure_name) for line in content["violations"]) for key in broken)
    assert content["status"]["tone"] == "breaks"
    # Back again all is kept.
    assert client("/api/do", {"do": "undo", "rev": 1})[1]["violations"] == []


def line_of(content: dict[str, Any]) -> Line:
    line = content["lines"][0]
    return Line(tuple(line["entry"]), tuple(line["tip"]), line["diameter_mm"])


def test_every_step_is_on_disk_and_found_again(client: Client, table: ReviewController, desk: ReviewModel) -> None:
    client("/api/do", {"do": "resize", "tunnel": 0, "diameter": 8.0, "rev": 0})
    client("/api/do", {"do": "sign", "name": "A. Surgeon", "side": "right", "rev": 1, "shown": drawn(table)})
    kept = json.loads((table.folder / record.NAME).read_text())["history"]
    assert [(one["event"], one["revision"], one["plan"]) for one in kept] == [
        ("move", 1, desk.scene.full_hash), ("signature", 2, desk.scene.full_hash),
    ]  # fmt: skip
    assert (kept[1]["signed"]["name"], kept[1]["side"], kept[1]["previous"]) == ("A. Surgeon", "right", kept[0]["hash"])
    table.access.release()
    again = sample_table(desk, table.folder)
    assert again.session.lines == table.session.lines
    assert again.session.signed == table.session.signed, "what was signed is what stands again"
    assert apply(again.session, Undo(), rev=again.session.rev).lines == desk.session().lines
    assert resumed(desk.session(), again.record, "another") == replace(desk.session(), rev=2)
    again.access.release()


@pytest.mark.parametrize("text", ["{", "[]", '{"schema": "corecore.review/1", "plan": "p", "tunnels": [{}]}', "1" * 5])
def test_a_record_that_cannot_be_read_is_one_error_and_is_not_lost(
    desk: ReviewModel, tmp_path: Path, text: str
) -> None:
    (tmp_path / record.NAME).write_text(text)
    with pytest.raises(InputError, match=r"not readable .*--afresh"):
        sample_table(desk, tmp_path)
    table = sample_table(desk, tmp_path, afresh=True)
    assert (tmp_path / record.ASIDE.format(1)).read_text() == text
    table.access.release()


def test_a_set_is_judged_together_too(desk: ReviewModel) -> None:
    line = desk.session().lines[0]
    moved = apply(desk.session(), Nudge(0, "both", front_mm=2.0), rev=0).lines[0]
    broken = {item.key for item in desk.broken(desk.drilled([line, moved]))}
    assert "overlap" in broken or "bridge_min_mm" in broken


def test_a_sign_off_is_of_the_plan_as_it_is_measured(client: Client, table: ReviewController) -> None:
    client("/api/do", {"do": "nudge", "tunnel": 0, "end": "tip", "inward": 2.0, "rev": 0})
    sign = {"do": "sign", "name": "A", "side": "right", "rev": 1, "shown": drawn(table)}
    assert "a limit is exceeded" in client("/api/do", sign)[1]["error"]
    assert client("/api/do", {"do": "accept", "reason": "agreed", "rev": 1})[1]["accepted"] == "agreed"
    # An acceptance moves nothing: pictures of the step before are of what stands.
    content = client("/api/do", {**sign, "rev": 2})[1]
    assert content["signed"]["name"] == "A"
    assert client("/api/do", {"do": "undo", "rev": 3})[1]["signed"] is None


def test_an_alternative_is_taken_and_the_plan_again(client: Client, desk: ReviewModel) -> None:
    assert client("/api/look")[1]["case"]["sets"] == ["the plan", "other 1"], (
        "an alternative that is none is not offered"
    )
    content = client("/api/do", {"do": "take", "which": 1, "rev": 0})[1]
    assert content["lines"][0]["diameter_mm"] == 8.0
    content = client("/api/do", {"do": "take", "which": 0, "rev": 1})[1]
    assert content["lines"][0]["diameter_mm"] == 10.0
    assert client("/api/do", {"do": "undo", "rev": 2})[1]["lines"][0]["diameter_mm"] == 8.0


@pytest.mark.slow
def test_what_stands_is_written_as_a_plan_that_verifies(
    client: Client, table: ReviewController, desk: ReviewModel
) -> None:
    client("/api/do", {"do": "nudge", "tunnel": 0, "end": "tip", "inward": 1.0, "rev": 0})
    client(
        "/api/do", {"do": "add", "entry": [146.4, -29.0, -8.0], "tip": [82.0, -9.0, 34.0], "diameter": 3.2, "rev": 1}
    )
    client("/api/do", {"do": "accept", "reason": "two surgeons agreed", "rev": 2})
    client("/api/do", {"do": "sign", "name": "A. Surgeon", "side": "right", "rev": 3, "shown": drawn(table)})
    status, content, _ = client("/api/write", {"rev": 4})
    assert (status, content["written"]) == (200, None), "one that breaks limits is asked about first"
    assert any("Tip and wall to the joint: " in words for words in content["breaks"])
    assert any(words.startswith("Bone between the holes: ") for words in content["breaks"])
    assert not (table.folder / "reviewed").exists()
    assert client("/api/write", {"rev": 3, "broken": True})[0] == 422, "what was asked about is what is saved"
    status, content, _ = client("/api/write", {"rev": 4, "broken": True})
    assert (status, content["written"]) == (200, "reviewed/plan.json")
    path = table.folder / "reviewed" / "plan.json"
    plan = json.loads(path.read_text())
    assert plan["status"] == "manual"
    assert len(plan["tunnels"]) == 2
    assert {item["key"] for item in plan["violations"]} >= {"joint_margin_mm", "bridge_min_mm"}
    texts = {item["code"]: item["text"] for item in plan["warnings"]}
    assert texts["accepted"] == "exceeded limits accepted: two surgeons agreed"
    assert texts["signed"].startswith("signed off by A. Surgeon on ")
    assert plan["necrosis"]["signs"]["stage"]["label"] == "ARCO 2019 II"
    assert plan["case"]["id"] == desk.hip.case.id
    assert table.session.signed is not None
    signed = {"name": "A. Surgeon", "day": table.session.signed.day, "side": "right"}
    assert (plan["review"]["revision"], plan["review"]["plan"]) == (4, desk.scene.full_hash)
    assert (plan["review"]["signed"], plan["review"]["accepted"]) == (signed, "two surgeons agreed")
    kept = Record.read(table.folder).entries
    assert (kept[-1].event, plan["review"]["record"]) == ("save", kept[-2].hash)
    assert read_plan(path).hash in kept[-1].words
    assert (path.parent / "report.pdf").is_file()
    assert verify_plan(path).agrees


def test_nothing_is_not_written(desk: ReviewModel, tmp_path: Path) -> None:
    empty = replace(desk.session(), lines=())
    with pytest.raises(InputError, match="no tunnel to write"):
        write_outcome(desk, empty, None, tmp_path, None)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_films_are_of_what_stands(client: Client) -> None:
    films = client("/api/films")[1]["films"]
    assert [film["title"] for film in films][:2] == ["AP", "Frog-leg lateral"]
    assert all(film["svg"].startswith("<svg") for film in films)


def test_the_command_listens_on_this_machine_only(
    desk: ReviewModel, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    uvicorn = pytest.importorskip("uvicorn")
    heard: list[Any] = []

    def run(_: Any, sockets: list[socket.socket]) -> None:
        for one in sockets:
            heard.append(one.getsockname())
            one.close()

    monkeypatch.setattr(ReviewModel, "open", classmethod(lambda _, path: desk))
    (tmp_path / "plan.json").write_text(json.dumps(sample_content(desk.hip)))
    monkeypatch.setattr(uvicorn.Server, "run", run)
    assert main(["review", str(tmp_path / "plan.json"), "--no-browser"]) == 0
    ((host, port),) = heard
    assert host == "127.0.0.1"
    found = re.search(r"http://127\.0\.0\.1:(\d+)/#([\w-]{32})(?![\w-])", capsys.readouterr().out)
    assert found is not None, "the token is long, and in the fragment"
    assert int(found[1]) == port


def test_an_empty_session_shows_no_tunnel(desk: ReviewModel) -> None:
    empty = Session(desk.session().room, ())
    content = figures(desk, empty, against=0)
    assert content.limits == []
    assert content.against is None
    assert cuts(desk, empty) == []
    with pytest.raises(InputError, match="no tunnel"):
        apply(empty, SignOff("A", "right", "2026-11-22", broken=False), rev=0)
    with pytest.raises(InputError):
        apply(empty, Resize(0, 8.0), rev=0)
