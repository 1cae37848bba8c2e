"""The last net: an error that nobody foresaw, as one line and a report that holds no patient's data.

The report has where the error went through, in whose code, and what ran: classes, functions and lines. It has no value
of a variable and no option's value. The error's own text is left out too: it may hold a file's name, a name or
a date from a header, or a piece of a table.
"""

from __future__ import annotations

import os
import platform
import sys
import sysconfig
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from corecore.base.errors import CorecoreError
from corecore.base.version import __version__

#: Where it is set, the command line prints the traceback of every error, texts and file names included.
DEBUG = "CORECORE_DEBUG"
#: Steps shown at either end of a long way; a recursion's is a thousand long (engineering choice).
STEPS_MAX = 30
#: Most errors of one chain shown.
CHAIN_MAX = 8
LIBRARIES = ("numpy", "scipy", "numba", "msgspec", "nibabel", "pydicom", "SimpleITK", "pyvista", "vtk", "pyarrow")


def net(error: BaseException, arguments: Sequence[str]) -> CorecoreError:
    """What the command line says of an unexpected error; the report is written into the folder of temporary files."""
    kind = type(error).__name__
    where = next(iter(reversed([step for step in _steps(error) if step.startswith("corecore/")])), "")
    at = f" in {where}" if where else ""
    try:
        handle, path = tempfile.mkstemp(prefix="corecore-report-", suffix=".txt")
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(report(error, arguments))
    except OSError as fault:
        told = f"no report could be written ({fault.strerror or fault})"
    else:
        told = f"report, without names and values: {path}"
    return CorecoreError(f"unexpected {kind}{at}; {told}; {DEBUG}=1 shows all of it", code="unexpected")


def report(error: BaseException, arguments: Sequence[str]) -> str:
    """The text of a report."""
    lines = [
        f"corecore {__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}",
        ", ".join(_versions()),
        f"command: {' '.join(_command(arguments)) or 'not known'}",
        "",
    ]
    for one in _chain(error):
        steps = list(_steps(one))
        if len(steps) > 2 * STEPS_MAX:
            between = f"... {len(steps) - 2 * STEPS_MAX} steps more ..."
            steps = [*steps[:STEPS_MAX], between, *steps[-STEPS_MAX:]]
        text = f"a text of {len(str_of(one))} characters, omitted"
        lines += [f"{type(one).__module__}.{type(one).__qualname__} ({text})", *(f"  {step}" for step in steps), ""]
    return "\n".join(lines)


def str_of(error: BaseException) -> str:
    """An error's text; an error may fail to tell it."""
    try:
        return str(error)
    except Exception:
        return ""


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, and those it came from."""
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen and len(seen) < CHAIN_MAX:
        seen.add(id(one))
        yield one
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)


def _steps(error: BaseException) -> Iterator[str]:
    """Where an error went through, outermost first: file, line and function."""
    for frame, line in traceback.walk_tb(error.__traceback__):
        yield f"{_module(frame.f_code.co_filename)}:{line} {frame.f_code.co_qualname}"


def _module(name: str) -> str:
    """A file of this program, of a library or of Python as seen from its own folder; of any other nothing."""
    package = Path(__file__).resolve().parents[2]
    roots = [package.parent] if package in Path(name).parents else []
    roots += [Path(sysconfig.get_path(key)) for key in ("purelib", "platlib", "stdlib")]
    for root in roots:
        if root in Path(name).parents:
            return Path(name).relative_to(root).as_posix()
    return "(a file of another place)"


def _command(arguments: Sequence[str]) -> Iterator[str]:
    """The command and the names of its options, as far as they are the program's own words."""
    from corecore.app.cli.group import COMMANDS, load_command

    if not arguments or arguments[0] not in COMMANDS:
        return
    yield arguments[0]
    known = {word for option in load_command(arguments[0]).params for word in option.opts}
    given = {word.partition("=")[0] for word in arguments[1:]}
    yield from sorted(word for word in known & given if word.startswith("-"))


def _versions() -> Iterator[str]:
    for name in LIBRARIES:
        try:
            yield f"{name} {version(name)}"
        except PackageNotFoundError:
            continue


def debugging() -> bool:
    """Whether tracebacks are asked for."""
    return os.environ.get(DEBUG, "") not in ("", "0")


def show(error: BaseException) -> None:
    """Print an error's traceback to standard error, with all it tells."""
    sys.stderr.write("".join(traceback.format_exception(error)))
