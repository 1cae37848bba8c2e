"""What works on this machine, and the remedy for what does not."""

from __future__ import annotations

import os
import platform
import sys
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec

from corecore.base.version import __version__

#: What each extra brings that is imported (pyproject.toml), and what it is for.
EXTRAS: dict[str, tuple[tuple[str, ...], str]] = {
    "dicom": (("pydicom", "highdicom", "gdcm"), "DICOM in and out"),
    "guide": (("manifold3d",), "drill guides"),
    "review": (("starlette", "uvicorn"), "the review page"),
    "itk": (("SimpleITK",), "transforms as .h5"),
    "batch": (("pyarrow",), "the table of a batch"),
    "cluster": (("distributed",), "a batch on a cluster"),
}
#: Libraries that a report of a fault names.
LIBRARIES = ("numpy", "scipy", "numba", "nibabel", "vtk", "pyvista", "matplotlib")
#: Memory that a plan of a whole femur at 0.8 mm takes, and some to spare, GiB (0.8 measured).
MEMORY_GIB = 2.0


@dataclass(frozen=True)
class Finding:
    """One thing looked at: whether it works, what was found, and the remedy where it does not.

    ``needed``: without it the main job fails; else only what its name says is lacking.
    """

    name: str
    ok: bool
    found: str
    mend: str = ""
    needed: bool = False


def examine() -> list[Finding]:
    """Look at everything; takes seconds, since pictures are tried and a kernel is loaded."""
    looks: list[Callable[[], list[Finding]]] = [
        _python, _threads, _memory, _kernels, _pictures, _browser, _extras,
    ]  # fmt: skip
    return [finding for look in looks for finding in look()]


def versions() -> list[str]:
    """Lines that a report of a fault needs: corecore, Python, system, libraries."""
    lines = [f"corecore {__version__}", f"Python {platform.python_version()}", platform.platform()]
    for name in LIBRARIES:
        try:
            lines.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            lines.append(f"{name} not installed")
    return lines


def _python() -> list[Finding]:
    ok = sys.version_info >= (3, 11)
    return [Finding("Python", ok, platform.python_version(), "install Python 3.11 or newer", needed=True)]


def _threads() -> list[Finding]:
    from corecore.base.parallel import thread_count

    return [Finding("threads", True, f"{thread_count()} (CORECORE_THREADS sets another number)")]


def _memory() -> list[Finding]:
    try:
        gib = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    except (AttributeError, ValueError, OSError):
        return [Finding("memory", True, "unknown here")]
    mend = "crop the volume to one hip before planning"
    return [Finding("memory", gib >= MEMORY_GIB, f"{gib:.1f} GiB", mend)]


def _kernels() -> list[Finding]:
    from corecore.base.jit_cache import cache_folder

    folder = cache_folder()
    if folder is None:
        mend = "set NUMBA_CACHE_DIR to a folder that can be written"
        return [Finding("compiled kernels", False, "recompiled by every run: no folder can be written", mend)]
    kept = sum(name.endswith(".nbc") for _, _, names in os.walk(folder) for name in names)
    found = f"{kept} kept" if kept else "not yet compiled: the first plan takes half a minute longer"
    return [Finding("compiled kernels", True, found)]


def _pictures() -> list[Finding]:
    from corecore.report.pictures.preview import CHOICE_VARIABLE, DRAWING, plain_wanted

    if plain_wanted():
        return [Finding("pictures", True, f"plain, as {CHOICE_VARIABLE} asks")]
    renderer = DRAWING.renderer()
    mend = "on Debian or Ubuntu: apt-get install libegl1 libgl1-mesa-dri"
    return [Finding("pictures", renderer is not None, renderer or "plain: no OpenGL", mend)]


def _browser() -> list[Finding]:
    try:
        name = webbrowser.get().name
    except webbrowser.Error:
        return [Finding("browser", False, "none found", "open preview.html and report.html in a browser elsewhere")]
    return [Finding("browser", True, str(name))]


def _extras() -> list[Finding]:
    findings = []
    for extra, (modules, purpose) in EXTRAS.items():
        lacking = [name for name in modules if find_spec(name) is None]
        found = f"{purpose}: {'lacks ' + ', '.join(lacking) if lacking else 'installed'}"
        findings.append(Finding(f"extra {extra}", not lacking, found, f"pip install 'corecore[{extra}]'"))
    return findings
