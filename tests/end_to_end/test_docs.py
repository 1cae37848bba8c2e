"""Every command and block on the pages does what the page says: run in order, page by page, in an empty folder."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.shared import STARTED

from corecore.hip.hip import Hip
from corecore.io.nifti import write_mask
from corecore.study.phantom.pelvis import PelvisShape, pelvis_on_grid
from corecore.study.phantom.pose import Pose

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*(ROOT / "docs").glob("*.md"), ROOT / "README.md"])
BLOCK = re.compile(r"^( *)```([\w{}-]*)\n(.*?)^\1```", re.DOTALL | re.MULTILINE)
#: What a block may be: run here, or not to be run (text of other places, Sphinx's own).
RUN, NOT_RUN = {"bash", "python"}, {"text", "{toctree}", "{eval-rst}", "json", "toml"}

#: Before a block of Python: what an earlier page planned is not planned again.
SHARED = f"""import sys; sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "tests")!r}]
from support.shared import shared; shared.join()
"""


def blocks(page: Path) -> list[tuple[str, str]]:
    """Language and text of each block of a page."""
    found = []
    for indent, language, text in BLOCK.findall(page.read_text(encoding="utf-8")):
        found.append((language, "\n".join(line.removeprefix(indent) for line in text.splitlines())))
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_block_says_what_it_is(page: Path) -> None:
    assert {language for language, _ in blocks(page)} <= RUN | NOT_RUN


def test_the_blocks_of_a_page_are_found() -> None:
    assert sum(language == "bash" for language, _ in blocks(ROOT / "docs" / "first-plan.md")) >= 6


@pytest.fixture(scope="module")
def sample_folder(sample_hip: Hip, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the volumes that the pages name, and the command on the path."""
    folder = tmp_path_factory.mktemp("docs")
    samples = ROOT / "sample_volumes"
    shutil.copy(samples / "right_medium.nii.gz", folder / "seg.nii.gz")
    shutil.copy(samples / "right_medium_ct.nii.gz", folder / "ct.nii.gz")
    shape = PelvisShape(head_radius_mm=sample_hip.anatomy.head_radius_mm)
    x, y, z = (float(v) for v in sample_hip.to_world(sample_hip.anatomy.head_center))
    write_mask(folder / "pelvis.nii.gz", pelvis_on_grid(shape, Pose(head_center_mm=(x, y, z)), "right").mask)
    command = folder / "bin" / "corecore"
    command.parent.mkdir()
    command.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path[:0] = [{str(ROOT)!r}, {str(ROOT / 'tests')!r}]\n"
        # Workers begin by reading the program that began them.
        "from corecore.app.cli import main\nif __name__ == '__main__':\n"
        # What an earlier page planned is not planned again.
        "    if {'demo', 'measure', 'plan', 'assess', 'explain', 'guide', 'verify'} & set(sys.argv[1:2]):\n"
        "        from support.shared import shared\n"
        "        with shared.in_package():\n            sys.exit(main())\n"
        "    sys.exit(main())\n"
    )
    command.chmod(0o755)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", [one for one in PAGES if RUN & {kind for kind, _ in blocks(one)}], ids=lambda one: one.stem
)
def test_every_block_of_a_page_runs(page: Path, sample_folder: Path, tmp_path: Path) -> None:
    for volume in sample_folder.glob("*.nii.gz"):
        shutil.copy(volume, tmp_path)
    environment = {
        **os.environ,
        "PATH": f"{sample_folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": STARTED,
    }
    for language, text in blocks(page):
        if language not in RUN:
            continue
        shell = ["bash", "-euo", "pipefail", "-c", text]
        command = shell if language == "bash" else [sys.executable, "-c", SHARED + text]
        run = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600, check=False
        )
        assert run.returncode == 0, f"{page.name}: {text}\n{run.stderr[-2000:]}"
