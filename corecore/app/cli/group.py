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
    "demo": "The whole job on a shipped sample volume: measure, plan, verify, pictures.",
    "measure": "How much bone is dead, and how much of it carries weight.",
    "plan": "Measure, search the best tunnels, and write the plan's folder. Exit code 3: no feasible tunnel.",
    "assess": "Judge a path set by hand by the planner's figures: what it breaks, and the best tunnel near it.",
    "explain": "Why a plan's tunnels lie where they lie, and what each limit that holds them costs.",
    "verify": "Compute a plan's figures again by a second road. Exit code 1: they disagree.",
    "prepare": "From a scanner's study to a case folder: image, femora, hip bones, and what is still missing.",
    "preview": "Draw preview.png, the self-contained scene preview.html, and the report of a plan.",
    "batch": "Plan many hips and write one table: Parquet and CSV, wide and long, a row a hip, whatever becomes of it.",
    "doctor": (
        "What works on this machine, and how to mend what does not. Exit code 2 where the main job cannot run."
    ),
    "schema": "Print the JSON Schema of plan.json or measures.json.",
    "draft": "A first mask of the femur from a CT: to be looked at and corrected, never planned on unseen.",
    "export": "Write a plan as 3D Slicer, DICOM, STL, 3MF, NIfTI or CSV files.",
    "guide": "A patient-specific drill guide, measured back from its mesh. Not validated clinically.",
    "instruments": "List the instruments that ship along, or those of a TOML file, with their sizes and sources.",
    "messages": "What an error or a warning means, by its code, and what mends it.",
    "review": "See a plan, move its tunnels, and sign it off, on a page of this machine only. Ends with Ctrl-C.",
    "series": "List the CT and MR series under a folder; FOLDER:NUMBER then takes one wherever an image is taken.",
    "summary": "Tables and plots of a batch: what was removed, with what clearance, what failed and why.",
    "synth": "Synthetic hips with known truth, each from its own seed.",
}  # fmt: skip


class LazyGroup(TyperGroup):
    """Lists the commands from the table, and loads the one that is run or completed."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        for name, text in COMMANDS.items():
            self.add_command(TyperCommand(name, help=text, rich_markup_mode=None))

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The command named first, as it stands in its module."""
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
