"""Compiled kernels: cached by the state of all sources, and running also where nothing can be written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numba

from corecore.base.jit_cache import PACKAGE, compiled, source_digest


@compiled()
def _twice(x: float) -> float:
    return 2.0 * x


def test_a_kernel_computes_and_leaves_numba_as_it_was() -> None:
    assert _twice(1.5) == 3.0
    assert os.environ.get("NUMBA_CACHE_DIR", "") == numba.config.CACHE_DIR


def test_a_kernel_is_compiled_once_for_constants_and_variables() -> None:
    # Functions that stand in no file are compiled here and now, not read from an earlier run.
    space: dict[str, Any] = {}
    exec("def inner(x, power, halved):\n    return x**power / (2.0 if halved else 1.0)", space)
    exec("def outer(x, power):\n    return inner(x, 2, True) + inner(x, power, power > 2)", space)
    space["inner"] = inner = compiled()(space["inner"])
    assert compiled()(space["outer"])(3.0, 3) == 4.5 + 13.5
    assert len(inner.signatures) == 1


def test_a_kernel_without_a_place_to_cache_still_runs() -> None:
    # A function that stands in no file has no place, whoever runs the test (root writes anywhere).
    space: dict[str, object] = {}
    exec("def thrice(x):\n    return 3.0 * x", space)
    assert compiled()(space["thrice"])(1.5) == 4.5  # type: ignore[type-var, operator]


def test_a_file_that_kernels_use_changes_the_cache_and_no_other(tmp_path: Path) -> None:
    package = tmp_path / "corecore"
    for folder in ("base", "deep"):
        (package / folder).mkdir(parents=True)
    sources = {
        "base/jit_cache.py": "",
        "kernels.py": "from corecore.base.jit_cache import compiled\nfrom corecore.deep.first import (\n    X,\n)\n",
        "deep/first.py": "from corecore.deep import second\nif True:\n    from corecore.picture import P\n",
        "deep/second.py": "y = 1\n",
        "deep/__init__.py": "",
        "picture.py": "from corecore.kernels import K\n",
    }
    for name, text in sources.items():
        (package / name).write_text(text)
    first = source_digest(package)
    (package / "notes.txt").write_text("not a source")
    assert source_digest(package) == first
    for name, text in sources.items():
        (package / name).write_text(text + "# changed\n")
        assert (source_digest(package) == first) == (name == "picture.py"), name
        (package / name).write_text(text)


def test_every_kernel_declared_is_seen_by_the_cache() -> None:
    """The digest looks for one form of the import; a kernel declared by another would run old code."""
    for path in PACKAGE.rglob("*.py"):
        text = path.read_text()
        assert ("@compiled(" in text) == ("from corecore.base.jit_cache import compiled" in text), path
    assert not [path for path in PACKAGE.rglob("*.py") if "njit(" in path.read_text() and path.name != "jit_cache.py"]


def test_a_kernel_sees_a_change_in_the_file_it_calls(tmp_path: Path) -> None:
    """The trap itself, in a small package with this module in it: old machine code must not run on."""
    package = tmp_path / "corecore"
    (package / "base").mkdir(parents=True)
    for folder in (package, package / "base"):
        (folder / "__init__.py").write_text("")
    (package / "base" / "jit_cache.py").write_bytes((PACKAGE / "base" / "jit_cache.py").read_bytes())
    head = "from corecore.base.jit_cache import compiled\n"
    (package / "outer.py").write_text(
        f"{head}from corecore.inner import inner\n@compiled()\ndef outer(x):\n    return inner(x)\n"
    )
    env = {key: value for key, value in os.environ.items() if key != "NUMBA_CACHE_DIR"} | {"PYTHONPATH": str(tmp_path)}
    answers = []
    # Of another length, so that Python's own bytecode is out of date though both are written in one second.
    for addend in (1, 20):
        (package / "inner.py").write_text(f"{head}@compiled()\ndef inner(x):\n    return x + {addend}\n")
        run = [sys.executable, "-c", "from corecore.outer import outer; print(outer(10))"]
        done = subprocess.run(run, env=env, cwd=tmp_path, stdout=subprocess.PIPE, text=True, check=True, timeout=120)
        answers.append(int(done.stdout))
    assert answers == [11, 30]
    assert list((package / "__pycache__").glob("kernels-*/**/*.nbi")), "nothing was cached: the test shows nothing"
