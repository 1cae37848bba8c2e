"""The command line: ``corecore COMMAND``."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
from importlib import import_module

from corecore.base.errors import CorecoreError

#: Exit codes (contract §3).
DONE, DISAGREES, BAD_INPUT, INFEASIBLE = 0, 1, 2, 3
#: An error of the program's own (sysexits.h: EX_SOFTWARE).
UNEXPECTED = 70

#: Longest line of an error, characters: a file may hold a name of megabytes (engineering choice).
LINE_MAX = 2000
#: What typer makes of Ctrl-C.
INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code; errors end in one line on stderr.

    As a console script the returned code becomes the process's exit code.
    """
    # Before numpy is loaded. Points are many rows of three numbers: threads of the linear algebra library spin on them
    # for a fifth of a plan's processor time and save none. What is worth it is shared out by the work itself.
    for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")

    import typer

    from corecore.app.cli.group import app

    # Click's errors, wherever typer keeps them: newer releases carry their own copy of click.
    usage = import_module(typer.BadParameter.__module__)

    logging.getLogger("corecore").addHandler(logging.NullHandler())
    _print_anything(sys.stdout)
    try:
        result = app(args=arguments, prog_name="corecore", standalone_mode=False)
    except CorecoreError as error:
        _debug(error)
        return _fail(str(error), error.code)
    except usage.NoArgsIsHelpError as error:
        sys.stdout.write(error.format_message() + "\n")
        return BAD_INPUT
    except usage.ClickException as error:
        return _fail(error.format_message(), "usage")
    except (typer.Abort, KeyboardInterrupt):
        return _fail("interrupted", "interrupted")
    except MemoryError as error:
        _debug(error)
        return _fail("out of memory; crop the volume to one hip, or use larger voxels", "out-of-memory")
    except (BrokenPipeError, SystemExit) as left:
        if isinstance(left, SystemExit) and not left.code:
            # Shell completion ends so.
            return DONE
        # Whoever read the output has left; rich makes an exit with code 1 of it.
        _discard_output()
        return BAD_INPUT
    except Exception as error:
        return _unexpected(error, sys.argv[1:] if arguments is None else arguments)
    if result == INTERRUPTED:
        return _fail("interrupted", "interrupted")
    return int(result) if isinstance(result, int) else DONE


def _print_anything(stream: object) -> None:
    """Print what a narrow encoding lacks (a file's name on Windows, say) as its code, and do not fail on it."""
    if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
        stream.reconfigure(errors="backslashreplace")


def _discard_output() -> None:
    """Send what is still to be written nowhere, so that the interpreter's end does not stumble over a closed pipe."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _debug(error: BaseException) -> None:
    from corecore.app.cli.unexpected import debugging, show

    if debugging():
        show(error)


def _unexpected(error: Exception, arguments: list[str]) -> int:
    from corecore.app.cli.unexpected import net

    _debug(error)
    told = net(error, arguments)
    _fail(str(told), told.code)
    return UNEXPECTED


def _fail(text: str, code: str) -> int:
    # One line, whatever a file's name or a library's message holds.
    line = " ".join(text.split())
    printable = "".join(c if c.isprintable() else "?" for c in line)
    if len(printable) > LINE_MAX:
        printable = f"{printable[: LINE_MAX // 2]} ... {printable[-LINE_MAX // 2 :]}"
    sys.stderr.write(f"error: {printable}{f' [{code}]' if code else ''}\n")
    return BAD_INPUT


__all__ = ["main"]
