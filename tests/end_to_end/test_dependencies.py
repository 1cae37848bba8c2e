"""Declared, used and explained are the same set of libraries."""

from __future__ import annotations

import ast
import re
import runpy
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

#: Import name to the name it is installed by, where they differ.
INSTALLED_AS = {"vtkmodules": "vtk", "SimpleITK": "simpleitk", "gdcm": "python-gdcm"}
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
    source = (
        "import os\nfrom . import x\nfrom corecore.base.grid import Grid\ndef f():\n    from vtkmodules.util import y\n"
    )
    assert third_party(source) == {"vtk"}


LICENCES = runpy.run_path(str(ROOT / "docs" / "list_licences.py"))


def listed() -> dict[str, str]:
    """Licences by name, as the page has them."""
    page = (ROOT / "docs" / "design" / "licences.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^\| ([\w-]+) \| ([^|]+) \|", page.split("|---|---|---|")[1], flags=re.MULTILINE))


def test_all_that_an_installation_brings_along_is_listed_with_its_licence() -> None:
    """What this Python asks for; another one or another system may need a row less."""
    asked = LICENCES["asked_for"]()
    installed = [extra for extra, needs in asked.items() if not _missing(needs)]
    assert "" in installed
    found = set().union(*(LICENCES["reached"](asked[extra]) for extra in installed))
    assert found <= set(listed()), "python docs/list_licences.py"


def _missing(needs: list[str]) -> bool:
    try:
        LICENCES["reached"](needs)
    except metadata.PackageNotFoundError:
        return True
    return False


def is_gpl_alone(licence: str) -> bool:
    """Whether a licence leaves nothing but the GPL (the LGPL is another)."""
    choices = re.split(r"\bOR\b", licence)
    return all(re.search(r"(?<!L)GPL|(?<!Lesser )General Public License", choice) for choice in choices)


def test_no_licence_is_missing_or_the_gpl_alone() -> None:
    assert len(listed()) > 40
    for name, licence in listed().items():
        assert licence not in ("", "not stated", "UNKNOWN", "BSD"), name
        assert not is_gpl_alone(licence), name


@pytest.mark.parametrize(
    ("licence", "alone"),
    [
        ("GPL-3.0-or-later", True), ("AGPL-3.0", True), ("GNU General Public License v2 (GPLv2)", True),
        ("LGPL-3.0-or-later", False), ("MIT OR GPL-2.0-only", False), ("MPL-2.0", False),
    ],
)  # fmt: skip
def test_the_gpl_is_told_from_its_lesser_sister(licence: str, alone: bool) -> None:
    assert is_gpl_alone(licence) is alone


def test_requirements_are_followed_to_their_end() -> None:
    assert {"matplotlib", "pillow", "numpy"} <= LICENCES["reached"](["Matplotlib"])
    assert "pillow" not in LICENCES["reached"](["numpy"])
