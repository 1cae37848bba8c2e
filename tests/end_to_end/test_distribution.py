"""What travels: the wheel and the source archive hold all that runs needs, and nothing that was left lying about."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from corecore.base.version import __version__

ROOT = Path(__file__).resolve().parents[2]
#: Left by tests, builds and editors.
LITTER = re.compile(
    r"__pycache__|\.py[co]$|\.nb[ic]$|\.(pytest|mypy|ruff)_cache|\.hypothesis|node_modules|_build/|\.venv|\.egg-info|~$"
)
#: What pip says where the build's backend cannot be fetched.
OFFLINE = re.compile(r"No matching distribution|Could not find a version|Temporary failure|Max retries|ConnectionError")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[set[str], set[str]]:
    """Names in the wheel and in the source archive, built from it as an index would."""
    out = tmp_path_factory.mktemp("dist")
    # Bytecode beside the sources, as every run leaves it.
    assert list((ROOT / "corecore").rglob("__pycache__"))
    command = [sys.executable, "-m", "build", "--outdir", str(out), str(ROOT)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if run.returncode and OFFLINE.search(run.stdout + run.stderr):
        pytest.skip("the build's backend cannot be fetched here")
    assert run.returncode == 0, (run.stdout + run.stderr)[-2000:]
    (wheel,), (archive,) = out.glob("*.whl"), out.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as opened, tarfile.open(archive) as packed:
        return set(opened.namelist()), {name.partition("/")[2] for name in packed.getnames()}


def package_files() -> set[str]:
    """Every file of the package, but what running it left."""
    files = {str(path.relative_to(ROOT)) for path in (ROOT / "corecore").rglob("*") if path.is_file()}
    return {name for name in files if not LITTER.search(name)}


def test_the_citation_names_this_version() -> None:
    said = re.search(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)
    assert said is not None
    assert said[1] == __version__


@pytest.mark.slow
def test_wheel_and_archive_hold_the_whole_package(made: tuple[set[str], set[str]]) -> None:
    wheel, archive = made
    needed = package_files()
    assert {
        "corecore/base/messages.toml", "corecore/py.typed", "corecore/document/schemas/plan.schema.json",
        "corecore/report/static/report.html.j2", "corecore/report/static/report.typ", "corecore/report/static/scene.js",
        "corecore/report/static/LICENSE-three.txt", "corecore/review/static/review.html.j2",
        "corecore/review/static/texts.json", "corecore/base/languages/de.mo", "corecore/base/languages/records.json",
        "corecore/review/static/review.js", "corecore/review/static/review.css",
        "corecore/review/static/open.html.j2", "corecore/review/static/open.js", "corecore/review/static/open.css",
    } <= needed  # fmt: skip
    assert needed <= wheel
    assert needed <= archive


@pytest.mark.slow
def test_wheel_and_archive_say_who_made_it_and_under_which_licence(made: tuple[set[str], set[str]]) -> None:
    wheel, archive = made
    assert any(re.fullmatch(r"corecore-[\d.]+\.dist-info/licenses/LICENSE", name) for name in wheel)
    assert {"corecore/_sample/right_medium.nii.gz", "corecore/_sample/right_medium_ct.nii.gz"} <= wheel
    assert {"LICENSE", "CITATION.cff", "README.md", "CHANGELOG.md", "pyproject.toml", "Makefile"} <= archive
    assert {"docs/index.md", "tests/end_to_end/test_distribution.py", "notebooks"} <= archive | {
        name.partition("/")[0] for name in archive
    }


@pytest.mark.slow
def test_nothing_that_was_left_lying_about_travels(made: tuple[set[str], set[str]]) -> None:
    for names in made:
        assert [name for name in names if LITTER.search(name)] == []
    wheel, _ = made
    roots = {name.partition("/")[0] for name in wheel}
    assert {re.sub(r"-\d+(\.\d+)*", "", name) for name in roots} == {"corecore", "corecore.dist-info"}


@pytest.mark.parametrize("name", ["corecore/__pycache__/a.pyc", "tests/.hypothesis/x", "a.nbi", "web/node_modules/y"])
def test_litter_is_seen(name: str) -> None:
    assert LITTER.search(name)
    assert not LITTER.search("corecore/report/static/report.html.j2")
