"""The commands as their users run them: files, exit codes, one line for every error."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from corecore.app.cli import main
from corecore.app.cli.tables import print_verification
from corecore.base.grid import Grid
from corecore.base.version import __version__
from corecore.hip.hip import Hip
from corecore.io.nifti import write_labels
from corecore.io.stl import read_stl
from corecore.study.phantom.pelvis import PelvisShape, pelvis_on_grid
from corecore.study.phantom.pose import Pose
from corecore.verification.report import Check, Verification

SAMPLE = Path(__file__).resolve().parents[2] / "sample_volumes" / "right_medium.nii.gz"
MASKS = ["--femur", f"{SAMPLE}:1", "--lesion", f"{SAMPLE}:2"]
FILES = {
    "plan.json", "measures.json", "tunnels.mrk.json", "femur.stl", "lesion.stl", "tunnel_1.stl", "preview.png",
    "preview.html", "report.html", "report.pdf", "run.log", "input_labels.nii.gz",
}  # fmt: skip


@pytest.fixture
def planned(written_plan: Path, tmp_path: Path) -> Path:
    """A copy of a plan's folder made by the command."""
    return Path(shutil.copytree(written_plan, tmp_path / "planned"))


def test_a_plan_leaves_every_file_and_tells_no_file_name(planned: Path) -> None:
    assert {p.name for p in planned.iterdir()} == FILES
    for path in planned.iterdir():
        assert path.stat().st_size > 0
        assert b"right_medium" not in path.read_bytes()


def test_the_files_of_a_plan_agree_with_each_other(planned: Path) -> None:
    plan = json.loads((planned / "plan.json").read_text())
    assert plan["status"] == "planned"
    assert plan["violations"] == []
    assert plan["case"]["side"] == "right"
    tunnel = plan["tunnels"][0]
    length = np.linalg.norm(np.subtract(tunnel["tip"], tunnel["entry"]))
    assert length == pytest.approx(tunnel["length_mm"], abs=1e-5)
    line = json.loads((planned / "tunnels.mrk.json").read_text())["markups"][0]
    points = [p["position"] for p in line["controlPoints"]]
    assert np.allclose(points * np.array([-1, -1, 1]), [tunnel["entry"], tunnel["tip"]], atol=1e-4)
    mesh = read_stl(planned / "tunnel_1.stl")
    assert mesh.is_closed
    assert mesh.volume_ml == pytest.approx(np.pi * 25 * length / 1000, rel=0.01)
    femur = read_stl(planned / "femur.stl")
    assert femur.is_closed
    assert json.loads((planned / "measures.json").read_text())["volume_ml"] == plan["necrosis"]["volume_ml"]
    assert plan["totals"]["discretisation_error_fraction"] < 0.005 * plan["totals"]["removed_fraction"]


def test_the_truth_of_the_sample_is_found(planned: Path) -> None:
    truth = json.loads((SAMPLE.parent / "right_medium_truth.json").read_text())
    plan = json.loads((planned / "plan.json").read_text())
    anatomy = plan["anatomy"]
    assert np.linalg.norm(np.subtract(anatomy["head_center"], truth["head_center"])) < 0.5
    assert anatomy["head_radius_mm"] == pytest.approx(truth["head_radius_mm"], abs=0.5)
    assert np.dot(anatomy["shaft_axis"], truth["shaft_axis"]) > np.cos(np.radians(1.0))
    assert np.dot(anatomy["neck_axis"], truth["neck_axis"]) > np.cos(np.radians(2.0))
    assert plan["necrosis"]["volume_ml"] == pytest.approx(truth["lesion"]["volume_ml"], rel=0.01)
    assert plan["necrosis"]["sphere_fraction"] == pytest.approx(truth["lesion"]["sphere_fraction"], abs=0.01)


def test_verify_agrees_and_sees_a_plan_edited_by_hand(
    planned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", str(planned / "plan.json")]) == 0
    assert "agrees" in capsys.readouterr().out
    edited = tmp_path / "edited"
    shutil.copytree(planned, edited)
    plan = json.loads((edited / "plan.json").read_text())
    plan["tunnels"][0]["cortical_clearance_mm"] += 1.0
    (edited / "plan.json").write_text(json.dumps(plan))
    assert main(["verify", str(edited / "plan.json")]) == 1
    assert "cortical_clearance_mm" in capsys.readouterr().out


def test_an_existing_plan_is_kept_unless_told_otherwise(planned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (planned / "plan.json").read_bytes()
    assert main(["plan", *MASKS, "--out", str(planned)]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert (planned / "plan.json").read_bytes() == before


@pytest.mark.slow
def test_infeasible_is_an_answer(planned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "plan"
    shutil.copytree(planned, out)
    options = ["--set", "length_max_mm=60", "--no-pictures", "--overwrite"]
    assert main(["plan", *MASKS, "--out", str(out), *options]) == 3
    plan = json.loads((out / "plan.json").read_text())
    assert plan["status"] == "infeasible"
    assert plan["tunnels"] == []
    assert plan["infeasible"]["binding"] == "length_max_mm"
    schema = resources.files("corecore.document") / "schemas" / "plan.schema.json"
    jsonschema.validate(plan, json.loads(schema.read_text()))
    assert "length_max_mm" in capsys.readouterr().out
    # Nothing of the earlier plan stays.
    assert not list(out.glob("tunnel_*.stl"))
    assert not (out / "preview.png").exists()
    assert not (out / "report.pdf").exists()
    assert main(["verify", str(out / "plan.json")]) == 0


def test_measure_prints_and_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "measures.json"
    assert main(["measure", *MASKS, "--out", str(out), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads(out.read_text())
    assert printed["schema"] == "corecore.measures/1"
    assert printed["steinberg"] in ("A", "B", "C", "A/B", "B/C")
    assert "right_medium" not in out.read_text()


@pytest.mark.slow
def test_a_proof_is_given_on_request_and_judged_before_any_work(
    planned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = json.loads((planned / "plan.json").read_text())
    assert plain["totals"]["upper_bound_fraction"] is None
    assert main(["plan", *MASKS, "--seconds", "0.5", "--no-pictures", "--out", str(tmp_path / "p"), "--json"]) == 0
    totals = json.loads(capsys.readouterr().out)["totals"]
    assert totals["stopped_by"] == "time"
    assert totals["removed_fraction"] <= totals["upper_bound_fraction"] <= 1.0
    # The bound is on the most, and so is its gap.
    gap = totals["upper_bound_fraction"] * totals["removed_share_of_best"] / totals["removed_fraction"] - 1
    assert totals["optimality_gap"] == pytest.approx(gap, abs=1e-4)
    for option, value in (("--gap", "1.5"), ("--gap", "nan"), ("--seconds", "-1")):
        assert main(["plan", *MASKS, option, value, "--out", str(tmp_path / "q")]) == 2
        assert capsys.readouterr().err.startswith(f"error: {option}")
    assert not (tmp_path / "q").exists()


@pytest.fixture(scope="module")
def pelvis(tmp_path_factory: pytest.TempPathFactory, sample_hip: Hip) -> Path:
    """A hip bone about the sample's head, as a mask file."""
    shape = PelvisShape(head_radius_mm=sample_hip.anatomy.head_radius_mm)
    x, y, z = (float(c) for c in sample_hip.to_world(sample_hip.anatomy.head_center))
    made = pelvis_on_grid(shape, Pose(head_center_mm=(x, y, z)), "right")
    path = tmp_path_factory.mktemp("pelvis") / "someones_pelvis.nii.gz"
    write_labels(path, made.mask.grid, made.mask.voxels.astype(np.uint8))
    return path


def test_measure_takes_pelvis_image_and_what_the_surgeon_says(
    pelvis: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "measures.json"
    said = ["--stage", "ARCO 3A", "--physis", "closed", "--imaging-date", "2020-01-31", "--pole", "0,0,1"]
    given = ["--pelvis", str(pelvis), "--image", str(SAMPLE.with_name("right_medium_ct.nii.gz"))]
    assert main(["measure", *MASKS, *given, *said, "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    content = json.loads(out.read_text())
    assert printed.startswith(content["summary"]["headline"])
    assert content["jic"]["basis"] == content["arco_type"]["basis"] == "pelvis"
    assert {"late_stage", "image_age"} <= {warning["code"] for warning in content["warnings"]}
    assert content["signs"]["image_age"]["days"] > 365
    assert content["signs"]["asks"] == []
    assert content["signs"]["fovea"]["source"] == "assumed"
    assert content["signs"]["notes"] == ["fovea not visible on the head's surface: assumed at its usual position"]
    assert content["weight_bearing"]["poles"]["given"]["pole"] == [0.0, 0.0, 1.0]
    assert {item["role"] for item in content["case"]["inputs"]} == {"femur", "lesion", "pelvis", "image"}
    assert "someones" not in out.read_text()


@pytest.mark.slow
def test_a_plan_keeps_pelvis_and_image_and_verifies(
    pelvis: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "plan"
    given = ["--pelvis", str(pelvis), "--image", str(SAMPLE.with_name("right_medium_ct.nii.gz"))]
    options = ["--objective", "most", "--no-pictures", "--out", str(out)]
    assert main(["plan", *MASKS, *given, *options]) == 0
    assert {"input_pelvis.nii.gz", "input_image.nii.gz"} <= {path.name for path in out.iterdir()}
    assert "someones" not in (out / "plan.json").read_text()
    assert main(["verify", str(out / "plan.json")]) == 0
    capsys.readouterr()


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--stage", "seven", "stage"),
        ("--physis", "ajar", "open, closed or unknown"),
        ("--imaging-date", "31.01.2020", "2020"),
        ("--imaging-date", "2999-01-01", "2999"),
        ("--pole", "1,2", "three finite numbers"),
        ("--pelvis", f"{SAMPLE}:9", "label 9"),
        ("--image", "nothing.nii.gz", "no such file"),
    ],
)
def test_what_measure_cannot_take_ends_in_one_line(
    option: str, value: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["measure", *MASKS, option, value]) == 2
    streams = capsys.readouterr()
    assert streams.err.startswith("error: ")
    assert streams.err.count("\n") == 1
    assert words in streams.err


def test_preview_opens_the_scene_on_request(
    planned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[str] = []

    def no_browser(address: str) -> bool:
        opened.append(address)
        return False

    monkeypatch.setattr("webbrowser.open", no_browser)
    assert main(["preview", str(planned / "plan.json"), "--out", str(tmp_path), "--show"]) == 0
    assert opened == [(tmp_path / "preview.html").resolve().as_uri()]
    assert "open preview.html yourself" in capsys.readouterr().err


def test_a_reader_that_leaves_early_gets_no_traceback() -> None:
    """As in ``corecore measure … | head -1``."""
    command = [sys.executable, "-c", "import sys; from corecore.app.cli import main; sys.exit(main(sys.argv[1:]))"]
    with subprocess.Popen(
        [*command, "measure", *MASKS], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        run.stdout.close()
        said = run.stderr.read()
    assert "Traceback" not in said
    # 1 would say that a verification disagrees.
    assert run.returncode == 2


def empty_lesion(folder: Path) -> list[str]:
    labels = np.ones((20, 20, 20), dtype=np.uint8)
    write_labels(folder / "labels.nii.gz", Grid((20, 20, 20), np.eye(4)), labels)
    return ["--femur", f"{folder}/labels.nii.gz:1", "--lesion", f"{folder}/labels.nii.gz:2"]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["plan", *MASKS], "--out"),
        (["plan", *MASKS, "--out", "OUT", "--tunnels", "17"], "1 to 16"),
        (["plan", *MASKS, "--out", "OUT", "--side", "up"], "up"),
        (["plan", *MASKS, "--out", "OUT", "--side", "left"], "left"),
        (["plan", "--femur", "no.nii.gz", "--lesion", "no.nii.gz", "--out", "OUT"], "no.nii.gz"),
        (["measure", "EMPTY"], "label 2"),
        (["verify", "no/plan.json"], "no/plan.json"),
        (["preview", "no/plan.json"], "no/plan.json"),
        (["bake"], "bake"),
        (["plan", "--bake"], "--bake"),
    ],
)
def test_bad_usage_ends_in_one_line_and_code_2(
    arguments: list[str], word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    filled: list[str] = []
    for argument in arguments:
        filled += empty_lesion(tmp_path) if argument == "EMPTY" else [argument.replace("OUT", str(tmp_path / "out"))]
    assert main(filled) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
    assert word in captured.err
    assert not (tmp_path / "out").exists()


def test_synth_writes_a_hip_that_can_be_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["synth", "--n", "1", "--seed", "3", "--out", str(tmp_path), "--json"]) == 0
    written = [Path(p) for p in json.loads(capsys.readouterr().out)["written"]]
    assert all(p.is_file() for p in written)
    truth = json.loads(next(p for p in written if p.name.endswith("truth.json")).read_text())
    labels = next(p for p in written if p.name == "hip_000003.nii.gz")
    assert main(["measure", "--femur", f"{labels}:1", "--lesion", f"{labels}:2", "--json"]) == 0
    measured = json.loads(capsys.readouterr().out)
    assert measured["case"]["side"] == truth["side"]
    assert measured["volume_ml"] == pytest.approx(truth["lesion"]["volume_ml"], rel=0.02)


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("corecore ")
    assert main(["--help"]) == 0
    assert "plan" in capsys.readouterr().out


def test_preview_draws_a_plan_whose_masks_are_gone(
    planned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("plan.json", "femur.stl", "lesion.stl"):
        shutil.copy(planned / name, tmp_path)
    assert main(["preview", str(tmp_path / "plan.json")]) == 0
    assert "report without fluoroscopy and slices: " in capsys.readouterr().err
    alone, whole = (folder / "report.html" for folder in (tmp_path, planned))
    assert "masks are not available" in alone.read_text(encoding="utf-8")
    assert "masks are not available" not in whole.read_text(encoding="utf-8")
    assert str(tmp_path) not in alone.read_text(encoding="utf-8")
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF-")


def test_the_shell_completes_commands_and_options(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    # The shell by name: under make there is only sh, for which nothing is completed.
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    assert main(["--install-completion", "bash"]) == 0
    script = next((tmp_path / ".bash_completions").iterdir()).read_text()
    assert "_CORECORE_COMPLETE=complete_bash" in script
    capsys.readouterr()
    monkeypatch.setenv("_CORECORE_COMPLETE", "complete_bash")
    for words, place, found in (("corecore ex", 1, "explain\nexport"), ("corecore plan --landm", 2, "--landmarks")):
        monkeypatch.setenv("COMP_WORDS", words)
        monkeypatch.setenv("COMP_CWORD", str(place))
        assert main([]) == 0
        assert capsys.readouterr().out.strip() == found


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_what_a_terminal_cannot_print_is_printed_as_its_code(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A console on Windows knows 256 characters; a file's name may have others."""
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, encoding=encoding)
    with pytest.raises(UnicodeEncodeError):
        stream.write("骨.nii.gz")
    monkeypatch.setattr(sys, "stdout", stream)
    main(["schema", "--help"])
    stream.write("骨.nii.gz")
    stream.flush()
    assert written.getvalue().endswith(b"\\u9aa8.nii.gz")


def test_a_verification_is_a_line_a_figure_and_says_which_disagree(capsys: pytest.CaptureFixture[str]) -> None:
    checks = (
        Check("necrosis.volume_ml", 8.25, 8.2512, 0.1, "ml", True),
        Check("case.inputs[0].sha256 [femur]", "a" * 64, "b" * 64, 0.0, "", False),
        Check("tradeoff[1] limits", "kept", "cortical_margin_mm, joint_margin_mm, length_max_mm", 0.0, "", False),
        Check("tunnels[0].joint_clearance_mm", None, 5.0, 0.5, "mm", False),
    )
    print_verification(Verification(checks, ()))
    told = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["necrosis.volume_ml", "8.25", "8.251", "0.1", "ml", "agrees"] in told
    assert ["tunnels[0].joint_clearance_mm", "none", "5", "0.5", "mm", "DISAGREES"] in told
    # A digest by its beginning, a text as it is.
    assert ["case.inputs[0].sha256", "[femur]", "a" * 27 + "…", "b" * 27 + "…", "0", "DISAGREES"] in told
    assert any(line[3:6] == ["cortical_margin_mm,", "joint_margin_mm,", "length_max_mm"] for line in told)
    print_verification(Verification(checks, ()), brief=True)
    assert "necrosis.volume_ml" not in capsys.readouterr().out


def test_a_command_leaves_linear_algebra_on_one_thread_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "9")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS")
    monkeypatch.setenv("MKL_NUM_THREADS", "3")
    assert main(["messages"]) == 0
    assert (os.environ["OPENBLAS_NUM_THREADS"], os.environ["MKL_NUM_THREADS"]) == ("1", "3")


#: A key file that is none, by how it is made, and what the line says of it.
KEYS: dict[str, tuple[Callable[[Path], object], str]] = {
    "not there": (lambda path: None, "no such file"),
    "a folder": (lambda path: path.mkdir(), "folder"),
    "empty": (lambda path: path.touch(), "0 bytes"),
    "white space": (lambda path: path.write_text(" \n" * 40), "a key of 0 bytes"),
    "short": (lambda path: path.write_text("hunter2"), "a key of 7 bytes"),
    "a volume": (lambda path: path.write_bytes(SAMPLE.read_bytes()), "bytes"),
}


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize("command", ["plan", "verify"])
def test_a_key_file_that_is_none_is_one_line_and_writes_nothing(
    command: str, kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make, told = KEYS[kind]
    key, out = tmp_path / "secret.key", tmp_path / "out"
    make(key)
    before = sorted(tmp_path.iterdir())
    given = (
        ["plan", "--femur", f"{SAMPLE}:1", "--lesion", f"{SAMPLE}:2", "--out", str(out), "--sign-key", str(key)]
        if command == "plan"
        else ["verify", str(tmp_path / "plan.json"), "--key", str(key)]
    )
    assert main(given) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {key}: ")
    assert told in line
    assert "hunter2" not in line
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser reads every file")
@pytest.mark.parametrize("words", [["plan", "--sign-key"], ["verify", "--key"]], ids=["plan", "verify"])
def test_a_key_file_that_may_not_be_read_is_one_line(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key, out = tmp_path / "secret.key", tmp_path / "out"
    key.write_text("0123456789abcdef0123456789abcdef")
    key.chmod(0)
    given = (
        ["--femur", f"{SAMPLE}:1", "--lesion", f"{SAMPLE}:2", "--out", str(out)]
        if words[0] == "plan"
        else [str(tmp_path / "plan.json")]
    )
    assert main([words[0], *given, words[1], str(key)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {key}: ")
    assert not out.exists()


def test_the_module_is_the_command() -> None:
    """``python -m corecore``, for where an environment's scripts are not on the path."""
    said = subprocess.run([sys.executable, "-m", "corecore", "--version"], capture_output=True, text=True, check=True)
    assert __version__ in said.stdout
    wrong = subprocess.run([sys.executable, "-m", "corecore", "no-such"], capture_output=True, text=True, check=False)
    assert wrong.returncode == 2
