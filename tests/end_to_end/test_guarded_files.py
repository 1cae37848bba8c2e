"""Every option that takes a file, given a pipe, a device, a file without end, or a text that bursts its reader.

One line, exit code 2, before anything is hashed or computed.
"""

from __future__ import annotations

import inspect
import json
import os
import re
import resource
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import Any, get_type_hints

import numpy as np
import pytest
from support.message_kit import CT, SAMPLE

from corecore.app.cli import main
from corecore.app.cli.group import COMMANDS, command_function
from corecore.base.errors import InputError
from corecore.base.input_file import MAX_DEPTH, MAX_DIGITS, parsed_json, toml_of
from corecore.document.inputs import input_fingerprints
from corecore.document.stated import InputFile
from corecore.io.files import sha256_of
from corecore.io.references import read_mask
from corecore.review.record import Record
from corecore.study.batch.case import _known
from corecore.study.batch.manifest import Row

FEMUR, LESION = (SAMPLE.with_name(f"left_large_{name}.nii.gz") for name in ("femur", "lesion"))
MASKS = ["--femur", str(FEMUR), "--lesion", str(LESION)]
#: What no input may take beyond: processor time, and waiting on a loaded machine, s; memory beyond today's, bytes.
PATIENCE_S, WAITING_S, ROOM_BYTES = 5.0, 30, 2 * 1024**3
#: Parameters that are text and name a file; and those that name where something is written to.
MASK_OPTIONS = {"femur", "lesion", "pelvis", "avoid", "knee"}
WRITTEN = {"out"}
#: By command: arguments that are sound, without its options that take a file.
SOUND: dict[str, list[str]] = {
    "assess": [*MASKS, "--entry", "146,-29,-16", "--tip", "79,-9,36", "--diameter", "9", "--out", "OUT"],
    "batch": [str(SAMPLE.parent), "--out", "OUT"],
    "draft": ["--image", str(CT), "--lesion", f"{SAMPLE}:2", "--out", "OUT.nii.gz"],
    "explain": [],
    "export": ["--to", "csv", "--out", "OUT"],
    "guide": ["--out", "OUT.stl"],
    "measure": [*MASKS, "--out", "OUT"],
    "plan": [*MASKS, "--no-pictures", "--out", "OUT"],
    "open": ["--no-browser"],
    "preview": [],
    "review": ["--no-browser"],
    "series": [],
    "summary": [],
    "verify": [],
}
#: Options that are asked for together with another, or instead of it; of a command alone by both names.
WITH = {
    "review sign_key": ["plan.json"],
    "lesion_image": ["--register", "--image", str(CT)],
    "study": [],
    # A key is read before the plan is looked for.
    "key": ["plan.json"],
}
INSTEAD = {"line": ("--entry", "--tip"), "checked": ("--image", "--lesion"), "study": ("source",)}
#: Options that are read once a plan has been opened again; their readers are those of other options.
AFTER_A_PLAN = {("export", "series"), ("export", "guide")}
#: Options that take a folder and no file.
FOLDERS = {("open", "folder")}
DIGITS, DEEP = "9" * 5000, 100_000


def file_options() -> set[tuple[str, str]]:
    """Every command's parameters that name a file to be read."""
    found = set()
    for command in COMMANDS:
        function = command_function(command)
        hints = get_type_hints(function)
        for name in inspect.signature(function).parameters:
            if name not in WRITTEN and (name in MASK_OPTIONS or hints[name] in (Path, Path | None)):
                found.add((command, name))
    return found


def arguments(command: str, option: str, file: Path, folder: Path) -> list[str]:
    """A command that is sound but for one file."""
    left_out = {f"--{option.replace('_', '-')}", *INSTEAD.get(option, ())}
    sound = [str(folder / word) if word.startswith("OUT") else word for word in SOUND[command]]
    kept = []
    while sound:
        word = sound.pop(0)
        if word in left_out:
            sound.pop(0)
        elif not (word == str(SAMPLE.parent) and left_out & {"source", "--source"}):
            kept.append(word)
    named = option in ("plan_file", "results", "source", "folder")
    return [
        command,
        *kept,
        *WITH.get(option, WITH.get(f"{command} {option}", [])),
        *([] if named else [f"--{option.replace('_', '-')}"]),
        str(file),
    ]


@contextmanager
def bounded() -> Iterator[None]:
    """Within the time and the memory that an input may take."""

    def late(_number: int, _frame: FrameType | None) -> None:
        raise AssertionError(f"still at it after {WAITING_S} s")

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    heard = signal.signal(signal.SIGALRM, late)
    signal.alarm(WAITING_S)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + ROOM_BYTES, hard))
    started = time.process_time()
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        signal.alarm(0)
        signal.signal(signal.SIGALRM, heard)
    assert time.process_time() - started < PATIENCE_S


def pipe(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def endless(path: Path) -> None:
    """Four terabytes that take no room on the disk."""
    path.touch()
    os.truncate(path, 4 * 1024**4)


HOSTILE: dict[str, Callable[[Path], None]] = {"pipe": pipe, "device": device, "endless": endless}
#: By option: the ending its files have, and a text that bursts its reader by a number, and one by its depth.
TEXTS: dict[str, tuple[str, str, str]] = {
    "config": (".toml", f"tunnels = {DIGITS}", "a = " + "[" * DEEP),
    "methods": (".toml", f"[methods.x]\nentry_mm = {DIGITS}", "a" + ".a" * 16_000 + " = 1"),
    "study": (".toml", f"gap = {DIGITS}", "a = " + "{a=" * DEEP),
    "landmarks": (".json", f'{{"head_radius_mm": {DIGITS}}}', "[" * DEEP),
    "line": (".mrk.json", f'{{"markups": [{{"type": "Line", "coordinateUnits": {DIGITS}}}]}}', '{"a":' * DEEP),
    "plan_file": (".json", f'{{"schema": "corecore.plan/1", "seal": {DIGITS}}}', '{"a":' * DEEP),
    "source": (".csv", f"femur,lesion,tunnels\na,b,{DIGITS}{DIGITS * 40}", "femur,lesion\n" + '"' * DEEP),
    "lesion_transform": (".txt", " ".join([DIGITS] * 13), "[" * DEEP),
    "results": (".parquet", DIGITS, "[" * DEEP),
}


def test_every_option_that_takes_a_file_is_tried() -> None:
    found = file_options()
    assert {command for command, _ in found} == set(SOUND)
    assert {("plan", "femur"), ("plan", "config"), ("assess", "line"), ("summary", "results")} <= found
    assert set(TEXTS) <= {option for _, option in found}


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize(("command", "option"), sorted(file_options() - AFTER_A_PLAN))
def test_no_option_opens_what_is_no_file(
    command: str, option: str, kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / f"hostile{TEXTS.get(option, ('.nii.gz',))[0]}"
    HOSTILE[kind](file)
    with bounded():
        code = main(arguments(command, option, file, tmp_path))
    told = capsys.readouterr().err
    assert code == 2, told
    # A folder alone is accepted there: no file is looked at, however large.
    endless_is = "unreadable" if (command, option) in FOLDERS else "too-large"
    kinds = {"pipe": "unreadable", "device": "unreadable", "endless": endless_is}
    assert re.fullmatch(rf"error: [^\n]*hostile[^\n]* \[file-{kinds[kind]}\]\n", told), told
    assert [item.name for item in tmp_path.iterdir()] == [file.name]


@pytest.mark.parametrize("which", [1, 2], ids=["digits", "deep"])
@pytest.mark.parametrize("option", TEXTS)
def test_no_text_bursts_its_reader(option: str, which: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / f"hostile{TEXTS[option][0]}"
    file.write_text(TEXTS[option][which])
    command = min(command for command, name in file_options() if name == option)
    with bounded():
        code = main(arguments(command, option, file, tmp_path))
    told = capsys.readouterr().err
    assert code == 2, told
    assert re.fullmatch(r"error: [^\n]{1,2100} \[[a-z-]+\]\n", told), told[:3000]
    assert [item.name for item in tmp_path.iterdir()] == [file.name]


@pytest.mark.parametrize("kind", [*HOSTILE, "digits", "deep"])
def test_files_that_no_option_names_are_guarded_too(kind: str, tmp_path: Path) -> None:
    """A truth beside a hip, an earlier review, and whatever is to be hashed."""
    for name in ("truth.json", "review.json"):
        if kind in HOSTILE:
            HOSTILE[kind](tmp_path / name)
        else:
            (tmp_path / name).write_text(f'{{"schema": {DIGITS}}}' if kind == "digits" else "[" * DEEP)
    with bounded(), pytest.raises(InputError) as caught:
        _known(Row(0, "a", "f", "l", truth=str(tmp_path / "truth.json")))
    assert "\n" not in str(caught.value)
    if kind in HOSTILE:
        with bounded(), pytest.raises(InputError):
            sha256_of(tmp_path / "truth.json")
    with bounded(), pytest.raises(InputError):
        Record.read(tmp_path)


def test_a_reader_takes_what_a_file_may_hold() -> None:
    """The bounds stand where they are said to, and sound texts are read."""
    number = "8" * MAX_DIGITS
    assert parsed_json(f"[{number}, 1.5e3, -2]") == [int(number), 1500.0, -2]
    nested: Any = 1
    for _ in range(MAX_DEPTH - 1):
        nested = [nested]
    assert parsed_json(json.dumps(nested)) == nested
    assert parsed_json('["\\ud83e\\uddb4", "ü"]') == ["\U0001f9b4", "ü"]
    for text, word in (
        (f"[{number}8]", "41 digits"), (json.dumps([nested]), "nested"), ("[NaN]", "NaN"), ("[1e999]", "1e999"),
        ("[-Infinity]", "Infinity"), ("{", "Expecting"),
        ('["\\ud800"]', "half a character"), ('{"a\\udfff": 1}', "half a character"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=word):
            parsed_json(text)


@pytest.mark.parametrize("text", ["a = 0x" + "f" * 4000, "a" * 3 + ".b" * 300 + " = 1", f"a = {'9' * 4000}"])
def test_toml_that_python_reads_is_bounded_too(text: str, tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text(text)
    with bounded(), pytest.raises(ValueError, match=r"digits|nested"):
        toml_of(path, "TOML")
    path.write_text("keep = [" + '"1.5,2.5,3.5:4.5,5.5,6.5:3.2",' * 16 + "]\nwide = 0xff\n")
    assert toml_of(path, "TOML")["wide"] == 255


def _header(folder: Path, kind: str, data: str) -> Path:
    text = {
        "mhd": "ObjectType = Image\nNDims = 3\nBinaryData = True\nTransformMatrix = 1 0 0 0 1 0 0 0 1\nOffset = 0 0 0\n"
        f"ElementSpacing = 1 1 1\nDimSize = 4 4 4\nElementType = MET_UCHAR\nElementDataFile = {data}\n",
        "nhdr": "NRRD0004\ntype: uchar\ndimension: 3\nspace: left-posterior-superior\nsizes: 4 4 4\n"
        f"space directions: (1,0,0) (0,1,0) (0,0,1)\nspace origin: (0,0,0)\nencoding: raw\ndata file: {data}\n\n",
    }[kind]
    path = folder / f"a.{kind}"
    path.write_text(text)
    return path


@pytest.mark.parametrize("kind", ["mhd", "nhdr"])
def test_a_headers_data_is_no_link_out_of_its_folder(kind: str, tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    (outside / "secret.raw").write_bytes(np.ones(64, dtype=np.uint8).tobytes())
    path = _header(inside, kind, "a.raw")
    (inside / "a.raw").symlink_to(outside / "secret.raw")
    with pytest.raises(InputError, match="a link out of the folder"):
        read_mask(str(path))
    # Links within the folder, and both files as links into one other folder, are sound.
    (inside / "a.raw").unlink()
    (inside / "b.raw").write_bytes((outside / "secret.raw").read_bytes())
    (inside / "a.raw").symlink_to("b.raw")
    assert read_mask(str(path)).volume_ml == pytest.approx(0.064)
    linked = tmp_path / "linked"
    linked.mkdir()
    for item in (path, inside / "b.raw"):
        (linked / item.name.replace("b.raw", "a.raw")).symlink_to(item)
    assert read_mask(str(linked / path.name)).volume_ml == pytest.approx(0.064)
    # A pipe or a device as data.
    (inside / "a.raw").unlink()
    for spoil in (pipe, device):
        spoil(inside / "a.raw")
        with bounded(), pytest.raises(InputError):
            read_mask(str(path))
        (inside / "a.raw").unlink()


@pytest.mark.parametrize("kind", HOSTILE)
def test_an_input_that_a_plan_names_is_guarded_before_it_is_hashed(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "femur.nii.gz"
    HOSTILE[kind](file)
    plan: Any = SimpleNamespace(
        path=tmp_path / "plan.json", version="0.2.0", inputs=(InputFile("femur", file, "0" * 64, None),)
    )
    with bounded(), pytest.raises(InputError, match=r"pipe or a device|bytes is accepted"):
        list(input_fingerprints(plan))
