"""Inputs rebuilt from public bug reports, through the command line: each ends right, or in a word about what is wrong.

The cases, their true figures and what counts as right come with them (``cases.json``); here stand only the codes
that say each kind of reason.
"""

from __future__ import annotations

import json
import math
import os
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from corecore.app.cli import main
from corecore.document.necrosis import CLASSES

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("CORECORE_CASES") or ROOT.parent / "shared" / "cases")
CASES: dict[str, dict[str, Any]] = (
    {case["id"]: case for case in json.loads((FOLDER / "cases.json").read_text())["cases"]}
    if (FOLDER / "cases.json").is_file()
    else {}
)
#: By the kind of reason that a case asks for: the codes of errors (with hyphens) and warnings that say it.
SAYS = {
    "contours-cross": {"contours-cross", "contours_cross"},
    "contours-doubled": {"contours-doubled"},
    "forms-differ": {"forms_differ"},
    "forms-mirrored": {"forms-contradict"},
    "frames-differ": {"frames-differ"},
    "head-cut": {"head_cut_by_scan"},
    "head-surface-doubtful": {"head_surface", "head-labelled-pelvis", "head-not-found"},
    "lesion-at-edge": {"lesion_cut_by_scan"},
    "lesion-thin": {"lesion_thin"},
    "lesion-too-small": {"lesion-too-small"},
    "mask-not-binary": {"mask-not-binary"},
    "patient-position": {"patient-position", "bone-mirrored", "mirrored_bone"},
    "patients-differ": {"patients-differ"},
    "several-foci": {"several_foci"},
    "side-contradicted": {"side-contradicts", "side_name"},
    "slices-missing": {"slices-missing", "slices_missing"},
    "slices-thick": {"thick_slices"},
    "spacing-contradicted": {"spacing-contradicted"},
    "transform-in-doubt": {"transform_in_doubt"},
    "transform-of-another-tool": {"transform-kind", "transform-in-doubt"},
}
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CASES, reason="no cases at hand; set CORECORE_CASES to their folder"),
]


def test_codes_of_every_kind_of_reason_are_named() -> None:
    wanted = {reason for case in CASES.values() for one in case["expect"] for reason in _reasons(one)}
    assert wanted <= set(SAYS)


@pytest.mark.parametrize("name", CASES)
def test_a_case_ends_as_it_should(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = CASES[name]
    out = tmp_path / ("out" if case["command"] == "plan" else "measures.json")
    given = [_beside(word) for word in case["arguments"]]
    # What removes most comes nearest to the joint, in less time than the safest.
    most = ["--objective", "most"] if case["command"] == "plan" else []
    code = main([case["command"], *given, *most, "--out", str(out)])
    said = capsys.readouterr().err
    assert code in {0, 2}, said
    if code == 2:
        assert not out.exists()
        assert "Traceback" not in said
        last = said.strip().splitlines()[-1]
        assert any(last.endswith(f"[{c}]") for one in case["expect"] if "refuse" in one for c in SAYS[one["refuse"]]), (
            said
        )
        return
    document = json.loads((out / "measures.json" if out.is_dir() else out).read_text())
    told = {warning["code"] for warning in document["warnings"]}
    # What the scan's edge cuts has no class, whatever the case asks for.
    assert not document["lower_bound"] or all(_value(document, path) is None for path in CLASSES)
    if out.is_dir():
        told |= {warning["code"] for warning in json.loads((out / "plan.json").read_text())["warnings"]}
    missed = [_missed(one, document, told, lambda: _true_joint(out)) for one in case["expect"] if "refuse" not in one]
    assert any(not one for one in missed), (missed, sorted(told))


def _reasons(one: dict[str, Any]) -> list[str]:
    return [one[key] for key in ("refuse", "warn") if key in one]


def _beside(word: str) -> str:
    """An argument of a case; a path stands relative to the folder of the cases."""
    if word.startswith("--"):
        return word
    path, _, label = word.partition(":")
    return str(FOLDER / path) + (f":{label}" if label else "") if (FOLDER / path).exists() else word


def _missed(
    one: dict[str, Any], document: dict[str, Any], told: set[str], true_joint: Callable[[], float]
) -> dict[str, Any]:
    """Of one way to be right: what was found instead, nothing where it is met."""
    if "warn" in one:
        return {} if SAYS[one["warn"]] & told else {one["warn"]: "not said"}
    missed = {}
    for path, wanted in one["value"].items():
        found: Any = true_joint() if path == "true_joint_mm" else _value(document, path)
        if not _met(found, wanted):
            missed[path] = (found, wanted)
    return missed


def _value(document: dict[str, Any], path: str) -> object:
    value: Any = document
    for key in ("case", "side") if path == "side" else path.split("."):
        value = value[key] if isinstance(value, dict) and key in value else None
    return value


def _met(found: Any, wanted: dict[str, Any]) -> bool:
    if "at_least" in wanted:
        return bool(found is not None and found >= wanted["at_least"])
    if "not" in wanted:
        barred = wanted["not"] if isinstance(wanted["not"], list) else [wanted["not"]]
        return bool(found not in barred)
    if isinstance(wanted["is"], str):
        return bool(found == wanted["is"])
    if found is None:
        return False
    return bool(math.dist(_list(found), _list(wanted["is"])) <= wanted["within"])


def _list(value: Any) -> list[float]:
    return value if isinstance(value, list) else [value]


def _true_joint(folder: Path) -> float:
    """What the planned tunnels keep from the true bone's surface in the head; none planned keep all of it."""
    plan = json.loads((folder / "plan.json").read_text())
    measured = runpy.run_path(str(FOLDER / "make_cases.py"))["true_joint"]
    return min((measured(t["entry"], t["tip"], t["diameter_mm"]) for t in plan["tunnels"]), default=math.inf)
