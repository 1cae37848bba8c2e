"""The commands by name; a command's module is loaded when that command is run, or its own help asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from corecore.base.notice import NOT_A_DEVICE

if TYPE_CHECKING:
    from collections.abc import Callable

#: Each command is the function of its name in the module of its name under ``commands``; here its docstring.
COMMANDS = {
    "demo": "Run everything on a shipped sample volume: measure, plan, verify, pictures.",
    "measure": "Measure the necrosis: volume, weight-bearing share, angles, size grade and location.",
    "plan": "Measure, search for the best tunnels, and write the plan's folder. Exit code 3: no feasible tunnel.",
    "assess": "Evaluate a path of your own: every figure, the limits it exceeds, and the best tunnel near it.",
    "explain": "Explain the position of each tunnel: its limiting constraints, and what each of them costs.",
    "verify": "Recalculate a plan's figures independently. Exit code 1: they disagree.",
    "prepare": "Make a case folder from a scanner's study: image, femora, hip bones, and a list of what is missing.",
    "open": (
        "Open the planning page: choose a scan, check it, plan, review, sign and save. It ends from the page or Ctrl-C."
    ),
    "preview": "Draw preview.png, the self-contained scene preview.html, and the report of a plan.",
    "batch": "Plan many hips and write one table, Parquet and CSV, wide and long: a row per hip, failed ones included.",
    "doctor": (
        "Check this machine, and show the remedy for each fault. Exit code 2: planning cannot run."
    ),
    "schema": "Print the JSON Schema of plan.json or measures.json.",
    "draft": "Draft a femur mask from a CT. Check and correct it before you plan on it.",
    "export": "Write a plan as 3D Slicer, DICOM, STL, 3MF, NIfTI or CSV files.",
    "guide": "Make a patient-specific drill guide, measured back from its mesh. Not validated clinically.",
    "instruments": "List the supplied instruments, or those of a TOML file, with their sizes and sources.",
    "messages": "Show cause and remedy of an error or a warning, by its code.",
    "pipe": "Answer requests, one line of JSON each, on standard input: for 3D Slicer and other programs.",
    "review": "View a plan, move its tunnels, and sign it off, on a local web page. Ctrl-C ends it.",
    "series": "List the CT and MR series under a folder. FOLDER:NUMBER then selects one wherever an image is accepted.",
    "summary": "Show tables and plots of a batch: necrosis removed, clearances, failures and their causes.",
    "synth": "Write synthetic hips with known truth, each from its own seed.",
}  # fmt: skip


class LazyGroup(TyperGroup):
    """Lists the commands from the table, and loads the one that is run or completed."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        for name, text in COMMANDS.items():
            self.add_command(TyperCommand(name, help=text, rich_markup_mode=None))

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The command named first, from its module."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command if name is None else load_command(name), rest


def command_function(name: str) -> Callable[..., int]:
    """The function behind a command."""
    function: Callable[..., int] = getattr(import_module(f"corecore.app.cli.commands.{name}"), name)
    return function


def load_command(name: str) -> Any:
    """A command with its options, from its module."""
    alone = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    alone.command(name)(command_function(name))
    return typer.main.get_command(alone)


app = typer.Typer(
    name="corecore",
    help=f"Plans drilling paths for core decompression in osteonecrosis of the femoral head. {NOT_A_DEVICE}.",
    cls=LazyGroup,
    no_args_is_help=True,
    add_completion=True,
    # No frames, no markup, no traceback of typer's own.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        from corecore.app.diagnose import versions

        typer.echo("\n".join(versions()))
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass
