"""The sample hip laid out for review with one tunnel and one alternative, and the page served on a real port."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from corecore.base.spec import Spec
from corecore.exports.plan_folder import meshes
from corecore.hip.hip import Hip
from corecore.measures.document import direction, position
from corecore.report.tissue import Tissue
from corecore.review.controller import ReviewController
from corecore.review.model import ReviewModel
from corecore.review.server import application
from support.report_plan import full_plan
from support.view_phantom import scene_of

TOKEN = "a-token"
#: A tunnel of the sample hip that keeps every limit, RAS mm.
ENTRY, TIP = (146.4364, -29.5637, -16.6521), (79.9043, -9.4742, 36.7627)


def sample_desk(sample_hip: Hip) -> ReviewModel:
    """The sample hip laid out with one tunnel."""
    content = sample_content(sample_hip)
    # As a plan that is opened again has it.
    hip = replace(sample_hip, case=replace(sample_hip.case, id=content["case"]["id"]))
    return ReviewModel(hip, Spec(), scene_of(content, *meshes(hip)), Tissue.of(hip))


def sample_table(desk: ReviewModel, folder: Path, *, afresh: bool = False) -> ReviewController:
    """The desk's review in a folder with its plan's file."""
    plan_file = folder / "plan.json"
    if not plan_file.exists():
        plan_file.write_text(json.dumps(sample_content(desk.hip)), encoding="utf-8")
    return ReviewController.open(desk, plan_file, afresh=afresh)


def drawn(table: ReviewController) -> dict[str, int | None]:
    """What a page shows once all is drawn: the same is noted as drawn."""
    for name in ("figures", "slices", "films"):
        table._note_made(name, table.session)
    rev = table.session.rev
    return {"figures": rev, "slices": rev, "films": rev, "space": rev}


def sample_content(sample_hip: Hip) -> dict[str, Any]:
    """The sample hip's plan."""
    anatomy = sample_hip.anatomy
    told: dict[str, Any] = {
        "head_center": position(sample_hip, anatomy.head_center),
        "head_radius_mm": anatomy.head_radius_mm,
        "shaft_axis": direction(sample_hip, anatomy.shaft_axis),
        "shaft_point": position(sample_hip, anatomy.shaft_point),
        "neck_axis": direction(sample_hip, anatomy.neck_axis),
        "x_axis": direction(sample_hip, anatomy.x_axis),
        "lesser_trochanter_tip": position(sample_hip, anatomy.lesser_trochanter_tip),
        "sources": {},
    }
    tunnel = {"entry": list(ENTRY), "tip": list(TIP), "diameter_mm": 10.0}
    other = {**full_plan()["alternatives"][0], "tunnels": [{**tunnel, "diameter_mm": 8.0}]}
    return full_plan(anatomy=told, tunnels=1) | {
        "tunnels": [tunnel], "spec": Spec().as_dict(), "alternatives": [other],
    }  # fmt: skip


@contextlib.contextmanager
def served(table: ReviewController, language: str = "en") -> Iterator[str]:
    """The page's address while it is served, in a language."""
    uvicorn = pytest.importorskip("uvicorn")
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    server = uvicorn.Server(
        uvicorn.Config(application(table, TOKEN, port, language), log_level="error", access_log=False)
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.should_exit = True
        thread.join(timeout=20)
