"""Kernels compiled by numba, kept on disk between runs.

Numba alone has two faults here: it refuses to *define* a cached kernel where nothing can be
written, and it renews a kernel only when the kernel's own file changes, so that one which
calls another file's goes on running the old code. Every kernel of corecore is therefore
declared by ``compiled``.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numba

Kernel = TypeVar("Kernel", bound=Callable[..., Any])

PACKAGE = Path(__file__).resolve().parent.parent


def compiled(**options: Any) -> Callable[[Kernel], Kernel]:
    """Decorator: ``numba.njit(**options)``, cached on disk where a folder can be written, else not.

    ``NUMBA_CACHE_DIR`` is honoured; otherwise machine code lies in the package's
    ``__pycache__``, or in the user's cache where the package is read-only.
    """

    def declare(function: Kernel) -> Kernel:
        before = numba.config.CACHE_DIR
        numba.config.CACHE_DIR = before or cache_folder() or ""
        try:
            kernel: Kernel = numba.njit(cache=True, **options)(function)
        except RuntimeError:
            # Numba's word for "no place to write".
            kernel = numba.njit(**options)(function)
        finally:
            # Read when a kernel is declared, and not ours to change for other libraries.
            numba.config.CACHE_DIR = before
        whole: Kernel = _whatever_the_constant(kernel)
        return whole

    return declare


def _whatever_the_constant(kernel: Any) -> Any:
    """The kernel, compiled once for integers or truths: numba compiles anew for each constant that a caller writes."""
    compiled_for = kernel.get_call_template

    def get_call_template(args: tuple[Any, ...], kws: dict[str, Any]) -> Any:
        plain = {name: numba.types.unliteral(given) for name, given in kws.items()}
        return compiled_for(tuple(numba.types.unliteral(given) for given in args), plain)

    # Asked by the compiler when another kernel calls this one.
    kernel.get_call_template = get_call_template
    return kernel


@cache
def cache_folder() -> str | None:
    """A folder for the kernels of exactly these sources; None where nothing can be written."""
    user = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()) / "corecore"
    for base in (PACKAGE / "__pycache__", user):
        folder = base / f"kernels-{source_digest(PACKAGE)}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return str(folder)
    return None


def source_digest(folder: Path) -> str:
    """Sixteen hexadecimal digits that change with any file a kernel under ``folder`` may depend on.

    Those are the files that declare kernels and all they import from here, at first or second hand:
    a kernel takes other files' constants and functions into its machine code. What only uses
    kernels (pictures, files, commands) may change without compiling anew.
    """
    sources = {path: path.read_bytes() for path in sorted(folder.rglob("*.py"))}
    waiting = [path for path, text in sources.items() if b"jit_cache import compiled" in text]
    reached = {folder / "base" / "jit_cache.py"} & sources.keys()
    while waiting:
        path = waiting.pop()
        if path not in reached:
            reached.add(path)
            waiting.extend(_imported(sources[path].decode(), folder) & sources.keys())
    digest = hashlib.sha256()
    for path in sorted(reached):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + sources[path] + b"\0")
    return digest.hexdigest()[:16]


_IMPORT = re.compile(rf"^(?:from|import)[ \t]+{PACKAGE.name}\b([.\w]*)(?:[ \t]+import[ \t]+(\([^)]*\)|[^\n]*))?", re.M)


def _imported(text: str, folder: Path) -> set[Path]:
    """The files that a source's own import statements may name: modules, and packages on the way to them.

    An indented statement (for the types alone, or within a function) brings nothing into a kernel.
    """
    files = set()
    for dotted, names in _IMPORT.findall(text):
        parts = [part for part in dotted.split(".") if part]
        for name in ["", *re.findall(r"\w+", names)]:
            module = folder.joinpath(*parts, name)
            files |= {module.with_suffix(".py"), module / "__init__.py"}
        files |= {folder.joinpath(*parts[:depth], "__init__.py") for depth in range(len(parts))}
    return files
