"""The notebooks run from start to end, and each is the same as its paired text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.shared import STARTED

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "notebooks"
#: Run before the first cell: what another test planned is not planned again.
SHARED = f"""import sys; sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "tests")!r}]
from support.shared import shared; shared.join()
"""
NAMES = ["01_first_plan", "02_measures", "03_compare_presets", "04_batch_study", "05_your_own_objective"]


def cells(notebook: Any) -> list[tuple[str, str]]:
    return [(cell.cell_type, cell.source) for cell in notebook.cells]


def test_every_notebook_is_here() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.ipynb")) == NAMES
    assert sorted(path.stem for path in FOLDER.glob("*.py")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_and_its_text_say_the_same(name: str) -> None:
    import jupytext
    import nbformat

    kept = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    assert cells(kept) == cells(jupytext.read(FOLDER / f"{name}.py"))
    # Nothing shown names a place of the machine that it was made on.
    texts = [str(output) for cell in kept.cells for output in cell.get("outputs", [])]
    assert not [text[:80] for text in texts if "/tmp" in text or "/home" in text or "/root" in text]
    # A scene that turns is a megabyte which no viewer shows before the page has run: kept is a picture of it.
    assert not [text[:80] for text in texts if "srcdoc" in text]
    assert any("image/png" in output.get("data", {}) for cell in kept.cells for output in cell.get("outputs", []))
    assert (FOLDER / f"{name}.ipynb").stat().st_size < 500_000


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
# The kernel's own libraries warn of what does not concern these pages.
@pytest.mark.filterwarnings("default")
def test_a_notebook_runs(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import jupytext
    import nbformat
    from nbclient import NotebookClient

    # Two hips planned twice are a study too; the page as it is kept has four.
    monkeypatch.setenv("CORECORE_STUDY_HIPS", "2")
    monkeypatch.setenv("PYTHONPATH", STARTED)
    notebook = jupytext.read(FOLDER / f"{name}.py")
    notebook.cells.insert(0, nbformat.v4.new_code_cell(SHARED))
    where = {"metadata": {"path": str(FOLDER)}}
    NotebookClient(notebook, timeout=600, kernel_name="python3", resources=where).execute()
    shown = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert shown
    # Once a scene that turns, and no more: each is a megabyte.
    assert sum("srcdoc=" in output.get("data", {}).get("text/html", "") for output in shown) == 1
