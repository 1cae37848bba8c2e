"""Run the notebooks and write them with what they show: ``python docs/make_notebooks.py [NAME ...]``.

A scene that turns is a page of a megabyte, which a viewer of repositories shows nobody (no script of an output runs
until a reader has run or trusted the notebook): the file as kept has a picture of it instead.
"""

from __future__ import annotations

import io
import re
import sys
from base64 import b64decode, b64encode
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from PIL import Image

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
#: A scene in the HTML of an output; nothing in its attributes ends it but its end.
SCENE = re.compile(r"<iframe [^>]*?srcdoc='[^']*'></iframe>")
NOTE = "<p>The scene that turns is here once the notebook has run.</p>"
#: Width of the kept picture, pixels, and its colours.
WIDTH, COLORS = 1100, 64
#: Run in the kernel after a cell that shows a scene: what it showed, as a picture.
STILL = "_.picture()"


def main(names: list[str]) -> None:
    """Write ``NAME.ipynb`` beside each ``NAME.py``."""
    for path in sorted(FOLDER.glob("*.py")):
        if names and path.stem not in names:
            continue
        notebook = jupytext.read(path)
        client = NotebookClient(notebook, timeout=900, kernel_name="python3", record_timing=False,
                                resources={"metadata": {"path": str(FOLDER)}})  # fmt: skip
        with client.setup_kernel():
            for number, cell in enumerate(notebook.cells):
                client.execute_cell(cell, number)
                # Ids by place, so that a notebook run again differs in nothing but its figures.
                cell["id"] = f"cell-{number}"
                if cell.cell_type == "code":
                    # Progress of a command belongs to a terminal.
                    cell["outputs"] = [one for one in cell["outputs"] if one.get("name") != "stderr"]
                    _still(client, cell, number)
        notebook.metadata.pop("language_info", None)
        for place, cell in enumerate(one for one in notebook.cells if one.cell_type == "code"):
            _counted(cell, place + 1)
        nbformat.write(notebook, path.with_suffix(".ipynb"))
        print(f"{path.stem}: {path.with_suffix('.ipynb').stat().st_size / 1e6:.2f} MB")


def _still(client: NotebookClient, cell: nbformat.NotebookNode, number: int) -> None:
    """Put a picture in the place of a cell's scene."""
    for output in cell["outputs"]:
        data = output.get("data", {})
        plain, scenes = SCENE.subn(NOTE, data.get("text/html", ""))
        if scenes:
            data["text/html"] = plain
            asked = nbformat.v4.new_code_cell(STILL)
            client.execute_cell(asked, number, store_history=False)
            # Whatever is executed takes the place of the cell of that number.
            client.nb.cells[number] = cell
            [shown] = [one["data"]["image/png"] for one in asked["outputs"] if "image/png" in one.get("data", {})]
            png = b64encode(_smaller(b64decode(shown))).decode()
            still = nbformat.v4.new_output("display_data", {"image/png": png, "text/plain": "<Picture>"})
            cell["outputs"] = [*cell["outputs"], still]
            return


def _smaller(png: bytes) -> bytes:
    """A picture for a page: narrower, with few colours."""
    with Image.open(io.BytesIO(png)) as picture:
        height = round(picture.height * WIDTH / picture.width)
        small = picture.convert("RGB").resize((WIDTH, height), Image.Resampling.LANCZOS)
    written = io.BytesIO()
    small.quantize(COLORS).save(written, "PNG", optimize=True)
    return written.getvalue()


def _counted(cell: nbformat.NotebookNode, count: int) -> None:
    cell["execution_count"] = count
    for output in cell["outputs"]:
        if output.output_type == "execute_result":
            output["execution_count"] = count


if __name__ == "__main__":
    main(sys.argv[1:])
