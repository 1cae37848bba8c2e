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

from corecore.app.cli import main
from corecore.document.seal import seal_of
from corecore.exports.plan_folder import OWN_FILES

ROUNDS = int(os.environ.get("CORECORE_WRITERS", "2"))
#: Commands beside ``assess`` in turn, and how much later they begin, s.
OTHERS = ("assess", "measure", "assess --overwrite", "plan")
DELAYS = (0.0, 0.05, 0.4, 1.5, 4.0)
pytestmark = pytest.mark.slow


def begun(words: list[str], start: float, said: Path) -> int:
    """A process of its own that has all of the program loaded and runs one command at ``start``."""
    child = os.fork()
    if child == 0:
        handle = os.open(said, os.O_WRONLY | os.O_CREAT)
        os.dup2(handle, 1)
        os.dup2(handle, 2)
        sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
        time.sleep(max(0.0, start - time.time()))
        code = main(words)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
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
    # Loaded before the processes part, so that both begin at the same instant.
    import corecore.app.cli.work
    import corecore.measures.model
    import corecore.planning.manual  # noqa: F401

    out = tmp_path / "plan"

    def judge(diameter: str, *more: str) -> list[str]:
        return ["assess", *masks, *path_of, "--diameter", diameter, "--no-pictures", "--out", str(out), *more]

    other = {
        "assess": judge("9"),
        "assess --overwrite": judge("9", "--overwrite"),
        "plan": ["plan", *masks, "--no-pictures", "--out", str(out)],
        "measure": ["measure", *masks, "--out", str(out / "measures.json")],
    }[OTHERS[turn % len(OTHERS)]]
    start = time.time() + 0.2
    children = [
        begun(judge("8"), start, tmp_path / "0.txt"),
        begun(other, start + DELAYS[turn % len(DELAYS)], tmp_path / "1.txt"),
    ]
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    told = [(tmp_path / f"{n}.txt").read_text() for n in (0, 1)]
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
