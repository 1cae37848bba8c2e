"""Imports point one way: from the errors at the bottom to the command line at the top."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "corecore"

#: Bottom first. A room imports rooms before it, never those after.
ORDER = [
    "errors",
    "messages",
    "html",
    "compiled",
    "threads",
    "fields",
    "grid",
    "values",
    "spec",
    "samples",
    "surface",
    "upsample",
    "lesion",
    "outline",
    "mesh",
    "barrier",
    "io",
    "register",
    "anatomy",
    "moved",
    "case",
    "hip",
    "signs",
    "draft",
    "measures",
    "fixed",
    "tunnel",
    "target",
    "holes",
    "kept",
    "standing",
    "search",
    "risk",
    "robust",
    "explain",
    "alternatives",
    "totals",
    "plan",
    "plan_document",
    "manual",
    "verify",
    "reopen",
    "view",
    "results",
    "stamp",
    "guide",
    "export",
    "api",
    "doctor",
    "review",
    "phantom",
    "batch",
    "cli",
]
#: Rooms that must not even know what stands below them: room -> the only rooms it may import.
CLOSED = {"errors": set[str](), "verify": {"errors", "grid", "io"}}
#: Room -> rooms below it that it must not know (docs/design: "knows nothing of").
BLIND = {
    "measures": {"io"},
    "search": {"io"},
    "plan": {"mesh"},
    "view": {"search"},
    "guide": {"search"},
    "export": {"search"},
}


def imported_rooms(source: str, module: str) -> Iterator[str]:
    """Rooms of corecore that a module (dotted name, packages end in ``.__init__``) imports, lazily or not."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = module.split(".")[: -node.level] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            names = [f"{stem}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            if name == "corecore" or name.startswith("corecore."):
                yield name.partition(".")[2].partition(".")[0] or "corecore"


def fault(importer: str, imported: str) -> str | None:
    """Why a room may not import another, or None."""
    if imported == importer or imported == "__version__":
        return None
    if importer not in ORDER:
        return f"{importer} has no place in the order"
    if imported not in ORDER:
        return f"{importer} imports {imported}, which has no place in the order"
    if ORDER.index(imported) > ORDER.index(importer):
        return f"{importer} imports {imported}, which stands above it"
    if imported not in CLOSED.get(importer, set(ORDER)) or imported in BLIND.get(importer, set()):
        return f"{importer} imports {imported}, which it must know nothing of"
    return None


def modules() -> list[Path]:
    """Every module of the package but the façade, which may import what it exports."""
    return [path for path in sorted(PACKAGE.rglob("*.py")) if path != PACKAGE / "__init__.py"]


def test_every_module_has_a_place() -> None:
    rooms = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in modules()}
    assert rooms
    assert rooms <= set(ORDER), f"say in ORDER where these stand: {sorted(rooms - set(ORDER))}"


def test_no_module_imports_upward() -> None:
    faults = set()
    for path in modules():
        module = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        for imported in imported_rooms(path.read_text(encoding="utf-8"), module):
            faults.add((module, fault(module.split(".")[1], imported)))
    assert not [(module, why) for module, why in sorted(faults, key=str) if why]


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("corecore.surface", "import corecore.search.sweep"),
        ("corecore.surface", "from corecore import search"),
        ("corecore.surface", "def f():\n    from corecore.plan import Plan"),
        ("corecore.anatomy.axes", "from ..tunnel import Tunnel"),
        ("corecore.measures.__init__", "from ..search import sweep"),
        ("corecore.verify", "from corecore.surface import Bone"),
        ("corecore.verify", "import corecore"),
        ("corecore.errors", "from corecore.grid import Grid"),
        ("corecore.view.scene", "from corecore.search import sweep"),
        ("corecore.attic", "from corecore.grid import Grid"),
        ("corecore.cli", "from corecore.attic import Chest"),
    ],
)
def test_the_check_sees_a_wrong_import(module: str, source: str) -> None:
    found = [fault(module.split(".")[1], room) for room in imported_rooms(source, module)]
    assert any(found), found


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("corecore.cli", "from corecore import __version__"),
        ("corecore.cli", "from corecore.plan import Plan"),
        ("corecore.anatomy.axes", "from .model import Anatomy\nfrom ..grid import Grid"),
        ("corecore.anatomy.__init__", "from .model import Anatomy"),
        ("corecore.surface", "import numpy as np\nfrom scipy import ndimage\nimport corecorex"),
    ],
)
def test_the_check_lets_a_right_import_pass(module: str, source: str) -> None:
    assert not any(fault(module.split(".")[1], room) for room in imported_rooms(source, module))
