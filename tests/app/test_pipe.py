"""Another program asks, line by line: answers in order, refusals in words, nothing executed."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from corecore.app.cli.pipe import LINES_MAX, REQUEST_MAX, serve
from corecore.io.nifti import read_image

STARTER = "import sys; from corecore.app.cli import main; sys.exit(main(sys.argv[1:]))"


def asked(*requests: dict[str, Any] | str) -> list[dict[str, Any]]:
    """The answers to some requests, steps among them."""
    lines = [one if isinstance(one, str) else json.dumps(one) for one in requests]
    answers = io.StringIO()
    assert serve(io.StringIO("\n".join(lines) + "\n"), answers) == 0
    return [json.loads(line) for line in answers.getvalue().splitlines()]


def ended(answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that end a request."""
    return [one for one in answers if "step" not in one]


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ("{", "no JSON"),
        ("[1]", "no object"),
        ("[" * 5000, "no JSON"),
        ({"id": 1}, "do is None"),
        ({"id": 1, "do": "__init__"}, "are accepted"),
        ({"id": 1, "do": "run"}, "no list of texts"),
        ({"id": 1, "do": "run", "arguments": ["review", "p"]}, "the commands plan"),
        ({"id": 1, "do": "run", "arguments": ["pipe"]}, "the commands plan"),
        ({"id": 1, "do": "run", "arguments": ["plan", 3]}, "no list of texts"),
        ({"id": 1, "do": "open"}, "the path of a plan.json"),
        ({"id": 1, "do": "open", "plan": "/nowhere/plan.json"}, "no such file"),
        ({"id": 1, "do": "evaluate", "lines": [{"entry": [0, 0, 0], "tip": [1, 1, 1], "diameter_mm": 10}]}, "no plan"),
        ({"id": 1, "do": "evaluate", "lines": []}, "1 to 16"),
        ({"id": 1, "do": "evaluate", "lines": [{"entry": [0, 0]}]}, "lines: "),
        ({"id": 1, "do": "evaluate", "lines": [{"entry": [0, 0, 0], "tip": [1, 1, 1], "diameter_mm": 1e9}]}, "sizes"),
        ({"id": 1, "do": "optimise", "number": True}, "no plan is open"),
        ({"id": 1, "do": "views"}, "no plan is open"),
        ({"id": 1, "do": "keep"}, "no plan is open"),
    ],
)  # fmt: skip
def test_what_is_no_request_is_refused_in_words(request_: dict[str, Any] | str, words: str) -> None:
    (answer,) = ended(asked(request_))
    assert words in answer["error"]
    assert answer["code"] in ("request-refused", "file-missing")
    # And the next one is answered.
    assert "version" in ended(asked(request_, {"id": 2, "do": "hello"}))[-1]["done"]


def test_a_line_without_end_is_not_read_on() -> None:
    answers = ended(asked('{"id": 1, "do": "' + "x" * REQUEST_MAX + '"}', {"id": 2, "do": "hello"}))
    assert "shorter ones" in answers[0]["error"]
    assert answers[-1]["id"] == 2


def test_a_command_s_error_is_its_answer() -> None:
    (answer,) = ended(
        asked({"id": 7, "do": "run", "arguments": ["export", "/no/plan.json", "--to=csv", "--out=/x.csv"]})
    )
    assert answer["id"] == 7
    assert answer["done"]["exit"] == 2
    assert answer["done"]["error"].endswith("[file-missing]")


def test_a_plan_stays_at_hand(written_plan: Path, tmp_path: Path) -> None:
    plan = json.loads((written_plan / "plan.json").read_text(encoding="utf-8"))
    (own,) = plan["tunnels"]
    line = {"entry": own["entry"], "tip": own["tip"], "diameter_mm": own["diameter_mm"]}
    deeper = {**line, "tip": [*own["tip"][:2], own["tip"][2] + 4.0]}
    answers = ended(
        asked(
            {"id": 1, "do": "open", "plan": str(written_plan / "plan.json")},
            {"id": 2, "do": "evaluate", "lines": [line]},
            {"id": 3, "do": "evaluate", "lines": [deeper]},
            {"id": 4, "do": "optimise", "lines": [deeper], "number": 0},
            {"id": 5, "do": "views", "out": str(tmp_path / "views")},
            {"id": 6, "do": "evaluate", "lines": [line] * (LINES_MAX + 1)},
            {"id": 7, "do": "evaluate", "lines": [{**line, "tip": [0.0, 0.0, 0.0]}]},
        )
    )
    opened, same, moved, best, views, many, outside = answers
    told = opened["done"]
    assert told["plan"] in (written_plan / "tunnels.mrk.json").read_text(encoding="utf-8")
    assert np.isclose(told["removed_fraction"], plan["totals"]["removed_fraction"], atol=1e-5)
    assert np.allclose(same["done"]["tunnels"][0]["entry"], own["entry"], atol=1e-4)
    assert not same["done"]["exceeds"]
    assert moved["done"]["exceeds"]
    assert moved["done"]["tunnels"][0]["exceeds"]
    assert not best["done"]["exceeds"]
    (outline,) = (tunnel["outline"] for tunnel in same["done"]["tunnels"])
    assert np.isclose(np.max(outline, axis=0)[1], own["diameter_mm"] / 2)
    assert [view["name"] for view in views["done"]["views"]][:2] == ["DRR AP", "DRR Frog-leg lateral"]
    image = read_image(Path(views["done"]["views"][0]["file"]))
    assert image.grid.shape == (512, 512, 1)
    assert image.values.max() == 255
    assert "1 to 16" in many["error"]
    assert outside["code"] == "path-off-bone"


def test_in_a_process_of_its_own_only_answers_are_printed() -> None:
    run = subprocess.run(
        [sys.executable, "-c", STARTER, "pipe"], input='{"id": "a", "do": "hello"}\nnonsense\n',
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0
    first, second = (json.loads(line) for line in run.stdout.splitlines())
    assert (first["id"], second["id"]) == ("a", None)
    assert first["done"]["protocol"] == 1
