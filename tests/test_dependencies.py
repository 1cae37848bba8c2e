"""Declared, used and explained are the same set of libraries."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

#: Import name to the name it is installed by, where they differ.
INSTALLED_AS = {"vtkmodules": "vtk", "SimpleITK": "simpleitk"}
#: Extras for those who work on it.
OWN = ("dev", "bench", "docs")


def declared() -> set[str]:
    """Names of the libraries that pyproject.toml asks for at run time, extras for users included."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [need for name, needs in project["optional-dependencies"].items() if name not in OWN for need in needs]
    return {re.split(r"[^A-Za-z0-9_-]", need)[0].lower() for need in [*project["dependencies"], *extras]}


def third_party(source: str) -> set[str]:
    """Libraries, by the name they are installed by, that a module imports, lazily or not."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return {INSTALLED_AS.get(name, name) for name in found - sys.stdlib_module_names - {"corecore"}}


def used() -> set[str]:
    """Libraries that the package imports."""
    modules = (ROOT / "corecore").rglob("*.py")
    return set[str]().union(*(third_party(path.read_text(encoding="utf-8")) for path in modules))


def test_what_is_imported_is_declared_and_what_is_declared_is_imported() -> None:
    assert used() == declared()


def test_every_library_says_why_it_is_here() -> None:
    page = (ROOT / "docs" / "design" / "dependencies.md").read_text(encoding="utf-8")
    rows = " ".join(re.findall(r"^\| ([^|]+) \|", page, flags=re.MULTILINE)).lower()
    assert not {name for name in declared() if name not in rows.replace(",", " ").split()}


def test_a_hidden_import_is_seen() -> None:
    source = "import os\nfrom . import x\nfrom corecore.grid import Grid\ndef f():\n    from vtkmodules.util import y\n"
    assert third_party(source) == {"vtk"}
