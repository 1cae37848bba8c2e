"""The record of reviews: it only grows, is whole whenever a save is cut short, and nobody writes over another.

``CORECORE_INTERLEAVINGS`` and ``CORECORE_KILLS`` set how many random orders and kills are tried.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support.review_case import drawn, sample_content, sample_table

from corecore.base.errors import CorecoreError, InputError, OutputError
from corecore.document.seal import digest, seal_of, signature_of
from corecore.document.stated import read_stated
from corecore.exports.plan_folder import write_plan
from corecore.io.files import STAGE, Hold, atomic_write_text
from corecore.planning.open_plan import open_plan
from corecore.review import outcome
from corecore.review import record as record_module
from corecore.review.controller import ReviewController
from corecore.review.model import ReviewModel
from corecore.review.protocol import (
    AcceptStep,
    Look,
    NoteStep,
    ResizeStep,
    Save,
    Shown,
    SignStep,
    UndoStep,
    Watch,
)
from corecore.review.record import Entry, Record, entry, resumed, step_entries
from corecore.review.session import Accept, Resize, Session, SignOff, apply
from corecore.verification.record import record_checks

INTERLEAVINGS = int(os.environ.get("CORECORE_INTERLEAVINGS", "3"))
KILLS = int(os.environ.get("CORECORE_KILLS", "3"))
#: Steps of one random order.
STEPS = 25
#: Drills that the tunnel of the sample hip takes; few, so that each is measured once.
DRILLS = (6.0, 8.0, 9.0, 10.0)


def shown(table: ReviewController) -> Shown:
    return Shown(**drawn(table))


def history(folder: Path) -> list[dict[str, Any]]:
    path = folder / record_module.NAME
    return json.loads(path.read_text())["history"] if path.exists() else []


def resize(table: ReviewController, diameter: float, page: str = "") -> None:
    table._do(ResizeStep(rev=table.session.rev, tunnel=0, diameter=diameter, page=page))


def sign(table: ReviewController, name: str = "A. Surgeon", page: str = "") -> None:
    table._do(SignStep(rev=table.session.rev, name=name, side="right", shown=shown(table), page=page))


def test_every_event_is_kept_with_time_step_and_plan_and_none_is_taken_away(table: ReviewController) -> None:
    resize(table, 8.0)
    table._do(NoteStep(rev=1, text="slowly"))
    sign(table)
    kept = history(table.folder)
    table._do(UndoStep(rev=3))
    grown = history(table.folder)
    assert grown[: len(kept)] == kept
    assert [(one["event"], one["revision"]) for one in grown] == [
        ("move", 1), ("note", 2), ("signature", 3), ("lapse", 4), ("move", 4),
    ]  # fmt: skip
    assert "A. Surgeon" in grown[3]["words"]
    assert {one["plan"] for one in grown} == {table.access.plan_hash}
    assert [one["time"] for one in grown] == sorted(one["time"] for one in grown)
    assert [one["previous"] for one in grown] == ["", *(one["hash"] for one in grown[:-1])]


@pytest.mark.parametrize("fault", ["changed", "removed", "exchanged", "invented"])
def test_a_record_changed_after_it_was_written_is_told(table: ReviewController, fault: str) -> None:
    resize(table, 8.0)
    sign(table)
    table._do(NoteStep(rev=2, text="x"))
    path = table.folder / record_module.NAME
    content = json.loads(path.read_text())
    past = content["history"]
    if fault == "changed":
        past[1]["signed"]["name"] = "B. Other"
    elif fault == "removed":
        del past[1]
    elif fault == "exchanged":
        past[0], past[1] = past[1], past[0]
    else:
        past.insert(1, {**past[0], "event": "signature"})
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match="is not as it was written"):
        Record.read(table.folder)


def told_otherwise(table: ReviewController, change: Callable[[list[dict[str, Any]]], object]) -> None:
    """A record of four entries changed, and every hash made anew, as only a program would."""
    resize(table, 8.0)
    sign(table)
    table._do(AcceptStep(rev=2, reason="agreed"))
    table._do(NoteStep(rev=3, text="x"))
    path = table.folder / record_module.NAME
    content = json.loads(path.read_text())
    change(content["history"])
    before = ""
    for one in content["history"]:
        one["previous"] = before
        one["hash"] = before = digest(one, record_module.NOT_HASHED)
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda past: past.reverse(), "cannot have happened"),
        (lambda past: past[0].update(revision=-1), "not readable"),
        (lambda past: past[-1].update(revision=2**60), "not readable"),
        (lambda past: past[-1].update(revision=10**30), "not readable"),
        (lambda past: past[-1].update(signed=past[1]["signed"]), "a signature that nobody gave for these tunnels"),
        (lambda past: past[1].update(event="move"), "a signature that nobody gave"),
        (lambda past: past[1]["signed"].update(rev=1), "a signature of another step"),
        (lambda past: past[1]["signed"].update(name=""), "not readable"),
        (lambda past: past[1]["signed"].update(day="<b>today</b>"), "not readable"),
        (lambda past: past[1].update(signed=None), "a signature of another step"),
        (lambda past: past[2].update(accepted="agreed", event="move"), "an acceptance that nobody gave"),
        (lambda past: past[3]["tunnels"][0].update(diameter_mm=6.0), "an acceptance that nobody gave"),
        (lambda past: past[3].update(side="left"), "the hip's side is another one"),
        (lambda past: past[3].update(time="yesterday"), "its time is none"),
        (lambda past: past[3].update(plan="a"), "not readable"),
        (lambda past: past[4].update(event="earlier"), "a version without history came after"),
    ],
)  # fmt: skip
def test_a_history_that_cannot_have_happened_is_not_gone_on_from(
    table: ReviewController, desk: ReviewModel, change: Callable[[list[dict[str, Any]]], object], words: str
) -> None:
    told_otherwise(table, change)
    table.access.release()
    with pytest.raises(InputError) as caught:
        sample_table(desk, table.folder)
    assert caught.value.code == "review-unreadable"
    assert words in str(caught.value)
    assert str(table.folder / record_module.NAME) in str(caught.value)
    assert "--afresh" in str(caught.value)
    again = sample_table(desk, table.folder, afresh=True)
    assert again.access.hold is not None, "the one that was refused holds nothing any more"
    again.access.release()


@pytest.mark.parametrize("text", ['{"schema": "\\ud800"}', '{"\\ud800": 1}', "", "{", "[" * 1000, '{"history": [1]}'])
def test_what_no_record_can_hold_is_set_aside_when_asked(table: ReviewController, desk: ReviewModel, text: str) -> None:
    table.access.release()
    (table.folder / record_module.NAME).write_text(text)
    with pytest.raises(InputError, match="--afresh sets it aside") as caught:
        sample_table(desk, table.folder)
    assert caught.value.code == "review-unreadable"
    sample_table(desk, table.folder, afresh=True).access.release()
    assert (table.folder / "review-unreadable-1.json").read_text() == text


def test_histories_that_happened_are_read_with_their_hashes_made_anew(table: ReviewController) -> None:
    told_otherwise(table, lambda past: None)
    assert len(Record.read(table.folder).entries) == 5


@pytest.mark.parametrize(
    "change",
    [
        lambda past: past[-1]["tunnels"][0].update(tip=[1e6, 0.0, 0.0]),
        lambda past: past[-1]["tunnels"][0].update(diameter_mm=-1.0),
        lambda past: past[-1].update(notes="x" * 3000),
    ],
)  # fmt: skip
def test_an_entry_that_cannot_stand_names_the_record_and_lets_go_of_it(
    table: ReviewController, desk: ReviewModel, change: Callable[[list[dict[str, Any]]], object]
) -> None:
    told_otherwise(table, lambda past: (past[-1].update(accepted=None), change(past)))
    table.access.release()
    with pytest.raises(InputError, match="its last entry cannot stand") as caught:
        sample_table(desk, table.folder)
    assert str(table.folder / record_module.NAME) in str(caught.value)
    again = sample_table(desk, table.folder, afresh=True)
    assert again.access.hold is not None
    again.access.release()


@pytest.mark.parametrize("instead", ["nothing", "a folder", "another's"])
def test_a_lock_that_was_taken_away_lets_no_two_write(table: ReviewController, desk: ReviewModel, instead: str) -> None:
    resize(table, 8.0)
    lock = table.folder / f".{record_module.NAME}.lock"
    lock.unlink()
    second = None
    if instead == "a folder":
        lock.mkdir()
    elif instead == "another's":
        second = sample_table(desk, table.folder)
        assert second.access.hold is not None
    told = asyncio.run(table.watch(Watch(page=""))).permission
    assert told.state == {"nothing": "writes", "a folder": "ended", "another's": "other_server"}[instead]
    if instead == "nothing":
        assert lock.exists(), "held anew"
        resize(table, 9.0)
    else:
        with pytest.raises(InputError, match="read-only"):
            resize(table, 9.0)
    table.access.release()
    if second is not None:
        assert lock.exists(), "the other's lock is not taken away with one's own"
        resize(second, 9.0)
        second.access.release()


@pytest.mark.parametrize("full", ["the record", "the folder"])
def test_a_save_is_in_the_record_and_on_the_disk_or_in_neither(
    table: ReviewController, monkeypatch: pytest.MonkeyPatch, full: str
) -> None:
    monkeypatch.setattr(outcome, "write_plan", partial(write_plan, pictures=False))
    resize(table, 8.0)
    before = sorted(item.name for item in table.folder.iterdir())

    def no_room(*_: object, **__: object) -> None:
        raise OutputError("no room", code="output-unwritable")

    with monkeypatch.context() as patch:
        if full == "the record":
            patch.setattr(record_module, "atomic_write_bytes", no_room)
        else:
            patch.setattr("corecore.exports.plan_folder.write_stl", no_room)
        with pytest.raises(OutputError, match="no room"):
            table._write(Save(rev=1, broken=True))
    assert [one["event"] for one in history(table.folder)] == ["move"]
    assert sorted(item.name for item in table.folder.iterdir()) == before
    saved = table._write(Save(rev=1, broken=True)).written
    assert saved == "reviewed/plan.json", "nothing stood in its way"
    assert [one["event"] for one in history(table.folder)] == ["move", "save"]
    checks = record_checks(read_stated(table.folder / saved)).checks
    assert {check.name for check in checks if check.name.startswith("review.") and check.ok} >= {
        "review.record", "review.revision", "review.plan", "review.notes", "review.accepted",
    }  # fmt: skip
    assert all(check.ok for check in checks)


def test_what_a_killed_save_left_is_cleared_and_nothing_else(table: ReviewController, tmp_path: Path) -> None:
    left = tmp_path / f".{record_module.FOLDER}-2.a1b2_c3d"
    (left / STAGE).mkdir(parents=True)
    (left / STAGE / "plan.json").write_text("{}")
    kept = [tmp_path / name for name in (".reviewed.notours!", ".reviewed.lock", "reviewed.abcdefgh")]
    for one in kept:
        one.mkdir()
    link = tmp_path / ".reviewed.abcdefgh"
    link.symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (tmp_path / "elsewhere" / STAGE).mkdir(parents=True)
    table.record.clear_remains()
    assert not left.exists()
    assert all(one.exists() for one in kept)
    assert (tmp_path / "elsewhere" / STAGE).exists()


def test_a_record_without_history_is_still_opened_and_nothing_of_it_is_lost(desk: ReviewModel, tmp_path: Path) -> None:
    line = {"entry": [146.4364, -29.5637, -16.6521], "tip": [79.9043, -9.4742, 36.7627], "diameter_mm": 8.0}
    old = {
        "schema": "corecore.review/1", "coordinate_system": "RAS", "units": "mm", "plan": desk.scene.hash, "rev": 7,
        "side": "right", "tunnels": [{**line, "cavity_diameter_mm": 0.0, "cavity_length_mm": 0.0}], "notes": "slowly",
        "accepted": None, "signed": {"name": "A. Surgeon", "day": "2026-11-01", "rev": 7},
    }  # fmt: skip
    (tmp_path / record_module.NAME).write_text(json.dumps(old))
    table = sample_table(desk, tmp_path)
    assert table.session.lines[0].diameter_mm == 8.0
    assert (table.session.rev, table.session.notes) == (7, "slowly")
    assert table.session.signed is None, "given under figures of another version"
    resize(table, 9.0)
    kept = history(tmp_path)
    assert [one["event"] for one in kept] == ["earlier", "lapse", "move"]
    assert kept[0]["signed"]["name"] == "A. Surgeon"
    table.access.release()


def test_a_review_of_another_plan_in_the_same_folder_goes_on_in_the_same_record(desk: ReviewModel) -> None:
    other = Record(Path("review.json"), [entry(replace(desk.session(), rev=4), "0" * 64, "move", "Nudge")], None)
    fresh = resumed(desk.session(), other, desk.scene.full_hash)
    assert fresh == replace(desk.session(), rev=4), "steps are counted on, tunnels are the plan's own"


def test_afresh_begins_with_the_plan_and_keeps_what_was(table: ReviewController, desk: ReviewModel) -> None:
    resize(table, 8.0)
    sign(table)
    kept = history(table.folder)
    table.access.release()
    again = sample_table(desk, table.folder, afresh=True)
    assert (again.session.lines, again.session.rev) == (desk.session().lines, 2)
    resize(again, 9.0)
    assert history(table.folder)[:2] == kept
    assert [one["event"] for one in history(table.folder)[2:]] == ["lapse", "move"]
    again.access.release()


def test_a_second_server_looks_on_says_who_writes_and_goes_on_when_that_ends(
    table: ReviewController, desk: ReviewModel
) -> None:
    second = sample_table(desk, table.folder)
    told = asyncio.run(second.watch(Watch(page="b"))).permission
    assert (told.state, told.may_take) == ("other_server", False)
    assert f"process {os.getpid()}" in told.words
    with pytest.raises(InputError, match="read-only: This review is open elsewhere"):
        resize(second, 8.0)
    resize(table, 8.0)
    sign(table)
    assert asyncio.run(second.watch(Watch(page="b"))).rev == 2
    assert second.session.signed == table.session.signed
    table.access.release()
    assert asyncio.run(second.watch(Watch(page="b"))).permission.state == "writes"
    second._do(NoteStep(rev=2, text="x", page="b"))
    assert [one["event"] for one in history(table.folder)] == ["move", "signature", "lapse", "note"]
    lapsed = second.record.lapsed(second.access.plan_hash)
    assert lapsed is not None
    assert (lapsed.name, lapsed.side) == (history(table.folder)[1]["signed"]["name"], "right")
    assert second.record.lapsed("0" * 64) is None
    second.access.release()


def test_a_second_page_looks_on_until_it_is_told_to_write(table: ReviewController) -> None:
    assert asyncio.run(table.look(Look(page="a"))).permission.state == "writes"
    other = asyncio.run(table.look(Look(page="b"))).permission
    assert (other.state, other.may_take) == ("other_page", True)
    for refused in (
        lambda: resize(table, 8.0, "b"), lambda: sign(table, page="b"), lambda: table._write(Save(rev=0, page="b")),
    ):  # fmt: skip
        with pytest.raises(InputError, match="another window"):
            refused()
    assert asyncio.run(table.look(Look(page="b", take=True))).permission.state == "writes"
    with pytest.raises(InputError, match="another window"):
        resize(table, 8.0, "a")
    asyncio.run(table.watch(Watch(page="b", leave=True)))
    assert asyncio.run(table.watch(Watch(page="a"))).permission.state == "writes"


def test_a_plan_replaced_on_disk_stops_the_review_and_frees_the_record(
    table: ReviewController, desk: ReviewModel
) -> None:
    path = table.access.plan_file
    before = path.read_text()
    resize(table, 8.0)
    content = sample_content(desk.hip)
    atomic_write_text(path, json.dumps({**content, "warnings": []}))
    for refused in (lambda: resize(table, 9.0), lambda: sign(table), lambda: table._write(Save(rev=1, broken=True))):
        with pytest.raises(InputError, match="The plan on disk was replaced"):
            refused()
    told = asyncio.run(table.watch(Watch(page=""))).permission
    assert told.state == "replaced"
    assert table.access.plan_hash[:8] in told.words
    Hold.take(table.folder / record_module.NAME, "the review of the other plan").release()
    path.unlink()
    assert "gone" in asyncio.run(table.watch(Watch(page=""))).permission.words
    # The same plan again, as from a backup.
    path.write_text(before)
    resize(table, 9.0)


def test_nobody_signs_while_a_picture_is_of_other_tunnels(table: ReviewController) -> None:
    current = shown(table)
    sign(table)
    resize(table, 8.0)
    for name in ("figures", "slices", "films", "space"):
        now = shown(table)
        for rev in (0, 1, 99, None):
            if name == "space" and rev is None:
                continue
            stale = Shown(**{**{key: getattr(now, key) for key in now.__struct_fields__}, name: rev})
            with pytest.raises(InputError, match="on the page"):
                table._do(SignStep(rev=2, name="A", side="right", shown=stale))
    with pytest.raises(InputError, match="of step 0, not of the current plan"):
        table._do(SignStep(rev=2, name="A", side="right", shown=current))
    # A note moves nothing, and back again the pictures of then are those of now.
    table._do(UndoStep(rev=2))
    table._do(SignStep(rev=3, name="A", side="right", shown=Shown(figures=3, slices=0, films=0, space=None)))
    assert table.session.signed is not None


def test_slices_under_the_hand_are_of_no_step(table: ReviewController, monkeypatch: pytest.MonkeyPatch) -> None:
    from corecore.review import payload
    from corecore.review.protocol import Cuts

    monkeypatch.setattr(payload, "cuts", lambda *_, **__: [])
    line = table.session.lines[0]
    held = Cuts(rev=0, tunnel=0, entry=list(line.entry), tip=[c - 1.0 for c in line.tip], draft=True)
    assert asyncio.run(table.cuts(held)).rev is None
    assert not [key for key in table.made if key[0] == "slices"]
    assert asyncio.run(table.cuts(Cuts())).rev == 0
    assert table.made["slices", 0] == table.session.lines


def test_a_record_written_by_another_program_is_not_written_over(table: ReviewController, desk: ReviewModel) -> None:
    resize(table, 8.0)
    foreign = Record.read(table.folder)
    moved = apply(table.session, Resize(0, 6.0), rev=1)
    foreign.add(step_entries(foreign.entries[-1], moved, table.access.plan_hash, "Resize"))
    with pytest.raises(OutputError, match="another program"):
        table.record.add([entry(table.session, table.access.plan_hash, "note", "x")])
    with pytest.raises(InputError, match="was changed by another program"):
        resize(table, 9.0)
    assert table.session.lines[0].diameter_mm == 6.0, "what is on the disk is what is shown"
    resize(table, 9.0)
    assert [one["tunnels"][0]["diameter_mm"] for one in history(table.folder)] == [8.0, 6.0, 9.0]


def test_a_folder_that_cannot_be_written_is_looked_at(desk: ReviewModel, tmp_path: Path) -> None:
    table = sample_table(desk, tmp_path)
    table.access.release()
    # A folder where the lock's file is to be: nobody, not even root, can lock that.
    (tmp_path / f".{record_module.NAME}.lock").mkdir()
    closed = sample_table(desk, tmp_path)
    told = asyncio.run(closed.look(Look(page="a"))).permission
    assert told.state == "ended"
    assert "nothing can be saved" in told.words.lower()


@pytest.mark.slow
def test_a_plan_opened_again_keeps_its_id(written_plan: Path, tmp_path: Path) -> None:
    folder = tmp_path / "plan"
    shutil.copytree(written_plan, folder)
    path = folder / "plan.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "case": {**content["case"], "id": "hip 7"}}))
    assert open_plan(path).hip.case.id == "hip 7"


class World:
    """Two servers with two pages each on one folder, and all that was ever acknowledged."""

    def __init__(self, desk: ReviewModel, folder: Path, dice: random.Random) -> None:
        self.desk, self.folder, self.dice = desk, folder, dice
        self.servers = [sample_table(desk, folder) for _ in range(2)]
        self.signed: list[tuple[int, str, float]] = []
        self.before: list[dict[str, Any]] = []
        self.done = self.refused = 0

    def act(self) -> None:
        which = self.dice.randrange(2)
        table, page = self.servers[which], self.dice.choice("ab")
        # Pages are late: what they ask is at times of a step that has gone.
        rev = table.session.rev - (self.dice.random() < 0.15)
        name = f"surgeon {len(self.before)}"
        kind = self.dice.choices(
            ["resize", "note", "sign", "undo", "accept", "look", "take", "leave", "restart", "kill"],
            [6, 2, 7, 2, 1, 3, 4, 1, 1, 1],
        )[0]
        try:
            if kind == "resize":
                table._do(ResizeStep(rev=rev, tunnel=0, diameter=self.dice.choice(DRILLS), page=page))
            elif kind == "note":
                table._do(NoteStep(rev=rev, text=name, page=page))
            elif kind == "sign":
                told = table._do(SignStep(rev=rev, name=name, side="right", shown=shown(table), page=page))
                self.signed.append((told.rev, name, told.lines[0].diameter_mm))
            elif kind == "undo":
                table._do(UndoStep(rev=rev, page=page))
            elif kind == "accept":
                table._do(AcceptStep(rev=rev, reason=name, page=page))
            elif kind in ("look", "take"):
                asyncio.run(table.look(Look(page=page, take=kind == "take")))
            elif kind == "leave":
                asyncio.run(table.watch(Watch(page=page, leave=True)))
            else:
                if kind == "kill" and table.access.hold is not None:
                    # The system lets go of a lock whose program is gone; its file stays.
                    os.close(table.access.hold.handle)
                else:
                    table.access.release()
                self.servers[which] = sample_table(self.desk, self.folder)
            self.done += 1
        except CorecoreError as error:
            if error.code not in ("review-refused", "review-read-only", "sign-off-refused"):
                raise
            self.refused += 1

    def check(self) -> None:
        now = history(self.folder)
        assert now[: len(self.before)] == self.before, "the record only grows"
        self.before = now
        kept = [
            (one["revision"], one["signed"]["name"], one["tunnels"][0]["diameter_mm"])
            for one in now if one["event"] == "signature"
        ]  # fmt: skip
        assert kept == self.signed, "what was acknowledged as signed is there, and nothing else"
        steps = [one["revision"] for one in now if one["event"] != "lapse"]
        assert steps == sorted(set(steps)), "no step is counted twice"
        assert sum(table.access.hold is not None for table in self.servers) <= 1
        whole = Record.read(self.folder)
        last: Entry | None = whole.entries[-1] if whole.entries else None
        for table in self.servers:
            if table.access.hold is not None and last is not None:
                assert table.session.rev == last.revision
                assert (table.session.signed is None) == (last.signed is None)

    def end(self) -> None:
        for table in self.servers:
            table.access.release()


@pytest.mark.parametrize("seed", range(INTERLEAVINGS))
def test_nothing_signed_is_lost_between_two_servers_with_two_pages_each(
    desk: ReviewModel, tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)
    world = World(desk, tmp_path, random.Random(seed))
    for _ in range(STEPS):
        world.act()
        world.check()
    world.end()
    assert world.done > 3
    assert world.refused > 3, "nobody stood in another's way"


#: Writes signatures into a record, each told once it is on the disk.
WRITER = """
import sys
from pathlib import Path
from corecore.review.record import Record, entry
from corecore.review.session import Line, Room, Session, Signature
room = Room((-150.0,) * 3, (150.0,) * 3, "left", (0.0, 0.0, 1.0), (0.0, 1.0, 0.0))
lines = (Line((60.0, 0.0, -40.0), (0.0, 5.0, 5.0), 10.0),) * 16
kept = Record.read(Path(sys.argv[1]))
for step in range(kept.revision + 1, kept.revision + 10_000):
    signed = Signature(f"surgeon {step}", "2026-11-29", step)
    kept.add([entry(Session(room, lines, rev=step, signed=signed), "0" * 64, "signature", "SignOff")])
    print(step, flush=True)
"""


def test_a_save_that_is_killed_leaves_the_record_whole(tmp_path: Path) -> None:
    dice, told = random.Random(20), 0
    for _ in range(KILLS):
        command = [sys.executable, "-c", WRITER, str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            first = writer.stdout.readline()
            assert first, "it did not get as far as a first save"
            timer = threading.Timer(dice.uniform(0.0, 0.05), writer.send_signal, [signal.SIGKILL])
            timer.start()
            lines = [first, *writer.stdout]
            timer.join()
        told = int(lines[-1].strip() or told)
        kept = Record.read(tmp_path)
        assert [one.revision for one in kept.entries] == list(range(1, len(kept.entries) + 1))
        # The last may be on the disk and not yet told.
        assert told <= kept.revision <= told + 1
        kept.clear_remains()
        assert sorted(item.name for item in tmp_path.iterdir()) == [record_module.NAME]


def test_an_acceptance_lapses_in_the_record_too(desk: ReviewModel) -> None:
    session = apply(desk.session(), Accept("agreed"), rev=0)
    session = apply(session, SignOff("A", "right", "2026-11-22", broken=True), rev=1)
    last = entry(session, "0" * 64, "signature", "SignOff")
    found = step_entries(last, apply(session, Resize(0, 8.0), rev=2), "0" * 64, "Resize")
    assert [(one.event, one.words) for one in found] == [
        ("lapse", "signature of A, 2026-11-22, step 2"), ("lapse", "acceptance: agreed"), ("move", "Resize"),
    ]  # fmt: skip
    assert isinstance(session, Session)


KEY = b"sixteen bytes and more"


@pytest.fixture
def signed_plan(desk: ReviewModel, tmp_path: Path) -> Path:
    """The sample's plan, signed with a key."""
    content = sample_content(desk.hip) | {"outputs": []}
    seal = seal_of(content)
    path = tmp_path / "plan.json"
    path.write_text(json.dumps({**content, "seal": seal, "signature": signature_of(seal, KEY)}))
    return path


@pytest.mark.parametrize(
    ("key", "words"),
    [(KEY, None), (None, "a plan saved here will not be"), (b"another key of sixteen", "with another key")],
    ids=["the key", "no key", "another key"],
)
def test_a_signed_plan_reviewed_without_its_key_says_so(
    key: bytes | None, words: str | None, desk: ReviewModel, signed_plan: Path
) -> None:
    table = ReviewController.open(desk, signed_plan, sign_key=key)
    try:
        told = asyncio.run(table.look(Look(page="a"))).case.warnings.lines
    finally:
        table.access.release()
    assert KEY.decode() not in repr(table)
    if words is None:
        assert table.signature_lost is None
        assert not any("signed" in line for line in told)
    else:
        assert words in told[0]


def test_a_plan_without_signature_says_nothing_of_keys(table: ReviewController) -> None:
    assert table.signature_lost is None


@pytest.mark.slow
def test_what_is_saved_with_a_key_is_signed_with_it(
    desk: ReviewModel, signed_plan: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outcome, "write_plan", partial(write_plan, pictures=False))
    table = ReviewController.open(desk, signed_plan, sign_key=KEY)
    try:
        saved = table._write(Save(rev=0, broken=True)).written
    finally:
        table.access.release()
    assert saved is not None
    plan = read_stated(signed_plan.parent / saved)
    assert record_checks(plan, key=KEY).agrees
    assert not record_checks(plan, key=b"another key of sixteen").agrees
