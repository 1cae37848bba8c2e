"""Two commands into one folder at once: one writes the whole plan, the other is refused in a line.

``CORECORE_WRITERS=50`` does it fifty times.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from support.message_kit import SAMPLE

from corecore.document.seal import seal_of
from corecore.exports.plan_folder import OWN_FILES

ROUNDS = int(os.environ.get("CORECORE_WRITERS", "2"))
#: Commands beside ``assess`` in turn, and how much later they begin, s.
OTHERS = ("assess", "measure", "assess --overwrite", "plan")
DELAYS = (0.0, 0.05, 0.4, 1.5, 4.0)
pytestmark = pytest.mark.slow


#: Loads all of the program, says so, and runs one command at the time that it is told.
CHILD = """
import sys, time
import corecore.app.cli.work, corecore.measures.model, corecore.planning.manual
from corecore.app.cli import main
print("ready", flush=True)
start = float(sys.stdin.readline())
time.sleep(max(0.0, start - time.time()))
sys.exit(main(sys.argv[1:]))
"""


def begun(words: list[str], said: Path) -> subprocess.Popen[str]:
    """A process of its own that waits with one command until it is told when."""
    # Not a fork: threads of this process, which hold locks, would not be in it.
    with said.open("w") as file:
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=file, text=True
        )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n", said.read_text()
    return child


@pytest.fixture(scope="module")
def masks(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The sample at half its resolution: a plan folder of it costs seconds."""
    image = nib.load(SAMPLE)
    path = tmp_path_factory.mktemp("coarse") / "map.nii.gz"
    coarse = nib.Nifti1Image(np.asarray(image.dataobj)[::2, ::2, ::2], image.affine @ np.diag([2.0, 2.0, 2.0, 1.0]))
    coarse.header.set_xyzt_units("mm")
    nib.save(coarse, path)
    return ["--femur", f"{path}:1", "--lesion", f"{path}:2"]


@pytest.fixture(scope="module")
def path_of(masks: list[str], tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A path to judge: that of the best tunnel."""
    out = tmp_path_factory.mktemp("first") / "plan"
    # In a process of its own, for the threads that it starts do not outlive a fork.
    words = ["plan", *masks, "--no-pictures", "--out", str(out)]
    script = "import sys; from corecore.app.cli import main; sys.exit(main())"
    subprocess.run([sys.executable, "-c", script, *words], check=True, capture_output=True)
    tunnel = json.loads((out / "plan.json").read_text())["tunnels"][0]
    return [w for end in ("entry", "tip") for w in (f"--{end}", ",".join(f"{v:.3f}" for v in tunnel[end]))]


@pytest.mark.parametrize("turn", range(ROUNDS))
def test_of_two_commands_at_once_one_writes_a_whole_plan(
    turn: int, masks: list[str], path_of: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "plan"

    def judge(diameter: str, *more: str) -> list[str]:
        return ["assess", *masks, *path_of, "--diameter", diameter, "--no-pictures", "--out", str(out), *more]

    other = {
        "assess": judge("9"),
        "assess --overwrite": judge("9", "--overwrite"),
        "plan": ["plan", *masks, "--no-pictures", "--out", str(out)],
        "measure": ["measure", *masks, "--out", str(out / "measures.json")],
    }[OTHERS[turn % len(OTHERS)]]
    said = [tmp_path / "0.txt", tmp_path / "1.txt"]
    children = [begun(words, path) for words, path in zip((judge("8"), other), said, strict=True)]
    start = time.time() + 0.2
    told = []
    for child, delay in zip(children, (0.0, DELAYS[turn % len(DELAYS)]), strict=True):
        assert child.stdin is not None
        child.stdin.write(f"{start + delay}\n")
        child.stdin.flush()
    for child, path in zip(children, said, strict=True):
        printed, _ = child.communicate(timeout=300)
        told.append(printed + path.read_text())
    codes = [child.returncode for child in children]
    content = json.loads((out / "plan.json").read_text())
    assert content["seal"] == seal_of(content)
    # Each file is of the one plan that stands there.
    assert all(any(item.match(pattern) for pattern in OWN_FILES) for item in out.iterdir())
    assert len(list(out.glob("tunnel_*.stl"))) == len(content["tunnels"])
    assert {item.name for item in tmp_path.iterdir()} == {"plan", "0.txt", "1.txt"}
    refused = [n for n in (0, 1) if codes[n] == 2]
    for n in refused:
        last = told[n].strip().splitlines()[-1]
        assert "Traceback" not in told[n]
        assert last.endswith(("[output-busy]", "[output-exists]", "[output-unwritable]")), told[n]
    if "--overwrite" not in other and other[0] != "measure":
        assert sorted(codes) == [0, 2], told
    assert codes[0] in (0, 2), told
    assert len(refused) < 2, told
