"""Plans, guides, batches, reviews and places for results that are refused: a recipe for each message."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import socket
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from corecore.app.cli import main, pipe
from corecore.base.errors import CorecoreError
from corecore.base.open_file import lock
from corecore.exports.guide.write import guide_plan
from corecore.report.report import Views, report_data, report_pdf
from corecore.review.access import Access
from corecore.review.record import Record
from corecore.review.session import Line, Redo, Room, Select, Session, SignOff, apply
from corecore.study.batch.manifest import read_rows
from corecore.study.batch.run import run_batch
from corecore.study.batch.settings import Settings
from support.batch_work import dying, manifest, stillborn
from support.message_kit import CT, MASKS, SAMPLE, Kit, beyond, command, sample
from support.report_plan import full_scene

#: The sample's shaft is a smooth tube: on it the criterion of the seat is let down, to have a guide at hand.
LOOSE = ["--set", "stability_min=0.015"]


@command("output-exists")
def _(kit: Kit) -> list[str]:
    return ["plan", *MASKS, "--out", str(kit.plan().parent)]


@command("output-busy")
def _(kit: Kit) -> list[str]:
    # As another run of the program holds it.
    other = kit.held.enter_context((kit.folder / ".made.lock").open("wb"))
    lock(other.fileno())
    return ["plan", *MASKS, "--out", str(kit.folder / "made")]


@command("output-kind")
def _(kit: Kit) -> list[str]:
    return ["plan", *MASKS, "--out", str(kit.text("file", "x"))]


@command("output-name")
def _(kit: Kit) -> list[str]:
    return ["guide", str(kit.plan()), "--out", str(kit.folder / "guide.pdf")]


@command("output-unwritable")
def _(kit: Kit) -> list[str]:
    return ["batch", str(_manifest(kit)), "--out", str(kit.text("file", "x") / "run")]


@beyond("report-failed")
def _(kit: Kit) -> str:
    import typst

    def broken(*given: object, **named: object) -> None:
        return None

    kit.patch.setattr(typst, "compile", broken)
    with pytest.raises(CorecoreError) as caught:
        report_pdf(report_data(full_scene(), Views([], None, "")))
    return caught.value.code


@command("plan-malformed")
def _(kit: Kit) -> list[str]:
    return ["verify", str(kit.text("plan.json", "{"))]


@command("plan-version")
def _(kit: Kit) -> list[str]:
    return ["verify", str(kit.plan(lambda content: content.update(schema="corecore.plan/9")))]


@command("plan-edited")
def _(kit: Kit) -> list[str]:
    path = kit.plan(lambda content: content["tunnels"][0].update(removed_fraction=0.9), seal=False)
    return ["export", str(path), "--to", "csv", "--out", str(kit.folder / "t.csv")]


@command("plan-signed")
def _(kit: Kit) -> list[str]:
    return ["preview", str(kit.plan(lambda content: content.update(signature="0" * 64)))]


@command("key-invalid")
def _(kit: Kit) -> list[str]:
    return ["verify", str(kit.plan()), "--key", str(kit.text("key", "short"))]


@command("plan-without-tunnel")
def _(kit: Kit) -> list[str]:
    def none(content: dict[str, Any]) -> None:
        content.update(status="infeasible", tunnels=[], violations=[])

    return ["export", str(kit.plan(none)), "--to", "csv", "--out", str(kit.folder / "t.csv")]


@command("plan-breaks-limits")
def _(kit: Kit) -> list[str]:
    def broken(content: dict[str, Any]) -> None:
        content["violations"] = [{"key": "joint_margin_mm", "limit": 5.0, "value": 2.0}]

    return ["export", str(kit.plan(broken)), "--to", "csv", "--out", str(kit.folder / "t.csv")]


@command("input-lost")
def _(kit: Kit) -> list[str]:
    path = kit.plan()
    (path.parent / "input_labels.nii.gz").unlink()
    return ["explain", str(path)]


@command("input-changed")
def _(kit: Kit) -> list[str]:
    path = kit.plan()
    (path.parent / "input_labels.nii.gz").write_bytes(CT.read_bytes())
    return ["explain", str(path)]


def _guide(kit: Kit, *more: str, plan: Path | None = None) -> list[str]:
    return ["guide", str(plan or kit.plan()), "--out", str(kit.folder / "guide.stl"), *more]


@command("tunnel-unknown")
def _(kit: Kit) -> list[str]:
    return _guide(kit, "--tunnel", "9")


@command("guide-size")
def _(kit: Kit) -> list[str]:
    return _guide(kit, "--set", "play_mm=99")


@command("guide-no-seat", slow=True)
def _(kit: Kit) -> list[str]:
    return _guide(kit)


@command("guide-lettering", slow=True)
def _(kit: Kit) -> list[str]:
    # As for more sleeves than the sample has room for: no capital is large enough.
    kit.patch.setattr("corecore.exports.guide.letters.CAPITAL_MM", (40.0, 40.0))
    return _guide(kit, *LOOSE)


@command("guide-unbuildable", slow=True)
def _(kit: Kit) -> list[str]:
    return _guide(kit, *LOOSE, "--set", "sleeve_wall_mm=3", "--set", "wall_min_mm=3")


@command("guide-needs-landmark", slow=True)
def _(kit: Kit) -> list[str]:
    values, affine = sample()
    values = values.copy()
    # The scan ends above the lesser trochanter.
    head = np.linalg.inv(affine) @ [*kit.hip.to_world(kit.hip.anatomy.head_center), 1.0]
    values[:, :, : int(head[2] - 45.0 / affine[2, 2])] = 0
    path = kit.nifti("short.nii.gz", values, affine)
    # Of an option given twice the last counts.
    assert main([*kit.assess(), "--femur", f"{path}:1", "--lesion", f"{path}:2"]) == 0
    return _guide(kit, "--accept-violations", "a test", plan=kit.folder / "assessed" / "plan.json")


@command("guide-of-another-plan", slow=True)
def _(kit: Kit) -> list[str]:
    files = pytest.importorskip("support.format_files")
    values, affine = sample()
    files.dicom_series(kit.folder / "ct", values.astype(np.int16), affine)
    guide_plan(kit.plan(), kit.folder / "guide.stl", sizes={"stability_min": "0.015"})
    other = kit.folder / "other"
    (kit.folder / "plan").rename(other)
    path = kit.plan(lambda content: content["case"].update(id="somebody-else"))
    more = ["--series", str(kit.folder / "ct"), "--identity", "none", "--guide", str(kit.folder / "guide.stl")]
    return ["export", str(path), "--to", "dicom", "--out", str(kit.folder / "dicom"), *more]


def _manifest(kit: Kit, text: str = "") -> Path:
    rows = text or f"id,femur,lesion\na,{SAMPLE}:1,{SAMPLE}:2\n"
    return kit.text("manifest.csv", rows)


def _batch(kit: Kit, *more: str, text: str = "") -> list[str]:
    return ["batch", str(_manifest(kit, text)), "--out", str(kit.folder / "run"), "--workers", "1", *more]


@command("manifest-invalid")
def _(kit: Kit) -> list[str]:
    return _batch(kit, text="id,thigh,lesion\na,b,c\n")


@command("batch-empty")
def _(kit: Kit) -> list[str]:
    return _batch(kit, text="id,femur,lesion\n")


def _begun(kit: Kit, *lines: str) -> Path:
    """The journal of a batch that was begun with another manifest."""
    (kit.folder / "run").mkdir()
    return kit.text("run/journal.jsonl", "".join(line + "\n" for line in lines))


@command("batch-busy")
def _(kit: Kit) -> list[str]:
    lock(kit.held.enter_context(_begun(kit).open("r+b")).fileno())
    return _batch(kit, "--resume")


@command("batch-differs")
def _(kit: Kit) -> list[str]:
    _begun(kit, '{"rows": 77}')
    return _batch(kit, "--resume")


@command("journal-damaged")
def _(kit: Kit) -> list[str]:
    _begun(kit, "{ torn", '{"rows": 1}')
    return _batch(kit, "--resume")


@command("study-invalid")
def _(kit: Kit) -> list[str]:
    return ["batch", "--study", str(kit.text("s.toml", "[sweep]\ntunnels = []\n")), "--out", str(kit.folder / "run")]


@command("results-unusable")
def _(kit: Kit) -> list[str]:
    return ["summary", str(kit.text("results.parquet", "no table"))]


@command("scheduler-unreachable")
def _(kit: Kit) -> list[str]:
    pytest.importorskip("distributed")
    kit.patch.setattr("corecore.study.batch.cluster.TIMEOUT_S", 0.5)
    return ["batch", str(_manifest(kit)), "--out", str(kit.folder / "run"), "--scheduler", "tcp://127.0.0.1:9"]


@command("worker-failed")
def _(kit: Kit) -> list[str]:
    kit.patch.setattr("corecore.study.batch.local._serve", stillborn)
    return _batch(kit)


def _row(kit: Kit, *more: str, text: str = "") -> str:
    """The code in the table of a batch of one row."""
    assert main([*_batch(kit, *more, text=text), "--json"]) == 0
    with (kit.folder / "run" / "results.csv").open(newline="", encoding="utf-8") as stream:
        (row,) = csv.DictReader(stream)
    assert row["status"] == "failed"
    return row["code"]


@beyond("unexpected")
def _(kit: Kit) -> str:
    kit.patch.setattr("tempfile.tempdir", str(kit.folder))
    kit.patch.setattr("corecore.app.cli.commands.messages.catalogue", lambda: 1 / 0)
    told = io.StringIO()
    with contextlib.redirect_stderr(told):
        assert main(["messages"]) == 70
    return told.getvalue().strip().rpartition("[")[2].strip("]")


@beyond("case-seconds")
def _(kit: Kit) -> str:
    return _row(kit, "--case-seconds", "0.001")


@beyond("case-memory")
def _(kit: Kit) -> str:
    return _row(kit, "--case-memory", "1")


@beyond("case-lost")
def _(kit: Kit) -> str:
    source = manifest(kit.folder / "in", 4)
    outcome = run_batch(read_rows(source)[3:], Settings(), kit.folder / "run", base=source.parent, work=dying)
    assert outcome.statuses == {"failed": 1}
    with (kit.folder / "run" / "results.csv").open(newline="", encoding="utf-8") as stream:
        return next(csv.DictReader(stream))["code"]


@beyond("manifest-row")
def _(kit: Kit) -> str:
    return _row(kit, text="id,femur,lesion,side\na,x.nii.gz,y.nii.gz,up\n")


@beyond("truth-unreadable")
def _(kit: Kit) -> str:
    kit.text("truth.json", "[]")
    return _row(kit, text=f"id,femur,lesion,truth\na,{SAMPLE}:1,{SAMPLE}:2,truth.json\n")


@command("port-unusable")
def _(kit: Kit) -> list[str]:
    pytest.importorskip("uvicorn")
    held = kit.held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
    held.bind(("127.0.0.1", 0))
    return ["review", str(kit.plan()), "--no-browser", "--port", str(held.getsockname()[1])]


@command("review-unreadable")
def _(kit: Kit) -> list[str]:
    path = kit.plan()
    (path.parent / "review.json").write_text("{")
    return ["review", str(path), "--no-browser"]


LINE = Line((60.0, 0.0, -40.0), (0.0, 5.0, 5.0), 10.0)


def _refused(kit: Kit, step: object) -> str:
    room = Room((-100.0, -100.0, -100.0), (100.0, 100.0, 100.0), "left", (0.0, 0.0, 1.0), (0.0, 1.0, 0.0))
    with pytest.raises(CorecoreError) as caught:
        apply(Session(room, (LINE,)), step, rev=0)  # type: ignore[arg-type]
    return caught.value.code


@beyond("review-command")
def _(kit: Kit) -> str:
    return _refused(kit, Select(9))


@beyond("review-read-only")
def _(kit: Kit) -> str:
    access = Access(kit.plan(), "0" * 64)
    with pytest.raises(CorecoreError) as caught:
        access.check("a page")
    return caught.value.code


@beyond("review-record-changed")
def _(kit: Kit) -> str:
    kept = Record.read(kit.plan().parent)
    kept.path.write_text("{}")
    with pytest.raises(CorecoreError) as caught:
        kept.add([])
    return caught.value.code


@beyond("request-refused")
def _(kit: Kit) -> str:
    answers = io.StringIO()
    pipe.serve(io.StringIO('{"do": "nothing"}\n'), answers)
    return str(json.loads(answers.getvalue())["code"])


@beyond("review-refused")
def _(kit: Kit) -> str:
    return _refused(kit, Redo())


@beyond("sign-off-refused")
def _(kit: Kit) -> str:
    return _refused(kit, SignOff("A. Surgeon", "right", "2026-01-01", broken=False))


@command("extra-missing")
def _(kit: Kit) -> list[str]:
    kit.patch.setitem(sys.modules, "pyarrow", None)
    return ["summary", str(kit.text("results.parquet", "x"))]
