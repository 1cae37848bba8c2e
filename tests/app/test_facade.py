"""The façade: what a package says it exports is there, and asking for it costs no heavy import."""

from __future__ import annotations

import ast
import importlib
import json
import pkgutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import corecore

#: Libraries that take a second or more to load: only the call that needs one may load it.
HEAVY = ("numba", "vtk", "vtkmodules", "pyvista", "matplotlib")


def packages() -> list[str]:
    """Dotted names of corecore and of every package below it."""
    found = pkgutil.walk_packages(corecore.__path__, "corecore.")
    return ["corecore", *(module.name for module in found if module.ispkg)]


def offered_names(source: str) -> set[str]:
    """Public names that a package's ``__init__`` imports from corecore and does not use itself: they are for others."""
    tree = ast.parse(source)
    imported = {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and (node.level or (node.module or "").startswith("corecore"))
        for alias in node.names
    }
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return {name for name in imported - used if not name.startswith("_")}


def export_faults(module: ModuleType, source: str) -> list[str]:
    """Names exported and not there, there and not exported, or exported twice."""
    exported: list[str] = list(getattr(module, "__all__", []))
    return [
        *(f"{name} is in __all__ and not in the package" for name in exported if not hasattr(module, name)),
        *(f"{name} is imported and not in __all__" for name in sorted(offered_names(source) - set(exported))),
        *(f"{name} is in __all__ twice" for name in sorted(set(exported)) if exported.count(name) > 1),
    ]


@pytest.mark.parametrize("name", packages())
def test_a_package_exports_what_it_says(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__file__ is not None
    assert not export_faults(module, Path(module.__file__).read_text(encoding="utf-8"))


def test_wrong_exports_are_seen() -> None:
    module = ModuleType("attic")
    module.__dict__.update(chest=1, trunk=2, __all__=["chest", "chest", "rug"])
    source = "from __future__ import annotations\nfrom corecore.attic import chest, trunk, lamp, _key\nlamp()\n"
    assert export_faults(module, source) == [
        "rug is in __all__ and not in the package",
        "trunk is imported and not in __all__",
        "chest is in __all__ twice",
    ]


def loaded_by(statement: str) -> set[str]:
    """Top-level names of the modules that a bare interpreter holds after a statement."""
    code = f"{statement}\nimport json, sys\nprint(json.dumps(sorted({{m.partition('.')[0] for m in sys.modules}})))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return set(json.loads(run.stdout.splitlines()[-1]))


#: What ``corecore --help`` runs.
HELP = "from corecore.app.cli import main; assert main(['--help']) == 0"


@pytest.mark.parametrize(
    "statement",
    [
        "import corecore",
        "import corecore.app.cli",
        HELP,
        "import corecore.base.messages",
        "import corecore.verification",
    ],
)
def test_importing_loads_nothing_heavy(statement: str) -> None:
    assert loaded_by(statement).isdisjoint(HEAVY)


def test_a_heavy_import_is_seen() -> None:
    assert not loaded_by("import numba").isdisjoint(HEAVY)
