"""Run the notebooks and write them with what they show: ``python docs/make_notebooks.py [NAME ...]``."""

from __future__ import annotations

import sys
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"


def main(names: list[str]) -> None:
    """Write ``NAME.ipynb`` beside each ``NAME.py``."""
    for path in sorted(FOLDER.glob("*.py")):
        if names and path.stem not in names:
            continue
        notebook = jupytext.read(path)
        client = NotebookClient(notebook, timeout=900, kernel_name="python3", record_timing=False,
                                resources={"metadata": {"path": str(FOLDER)}})  # fmt: skip
        client.execute()
        notebook.metadata.pop("language_info", None)
        for number, cell in enumerate(notebook.cells):
            # Ids by place, so that a notebook run again differs in nothing but its figures.
            cell["id"] = f"cell-{number}"
            # Progress of a command belongs to a terminal.
            if cell.cell_type == "code":
                cell["outputs"] = [one for one in cell["outputs"] if one.get("name") != "stderr"]
        nbformat.write(notebook, path.with_suffix(".ipynb"))
        print(path.stem)


if __name__ == "__main__":
    main(sys.argv[1:])
