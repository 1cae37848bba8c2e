"""The shape of the code: few parameters a function, and a command line whose table says what its modules say."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from corecore.app.cli.group import COMMANDS, command_function

ROOT = Path(__file__).resolve().parents[2] / "corecore"
#: Most parameters of a function, without ``self``.
PARAMETERS_MAX = 8
#: Functions that take more, with the reason. Besides them: commands, since typer takes one parameter an option, and
#: kernels (decorated with ``compiled``), since numba takes no structs cheaply.
MORE = {
    "verification/risk.py _drillings": "plain arrays of one tunnel, one method and one draw: no two travel on together",
    "study/batch/run.py run_batch": "rows, settings and two folders, and options of one run that have no kin",
}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(tree: ast.AST, *, in_class: bool = False) -> Iterator[tuple[Function, int]]:
    """Every function of a module and the number of its parameters, keyword-only and starred ones too."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, Function):
            args = node.args
            names = [one.arg for one in (*args.posonlyargs, *args.args, *args.kwonlyargs)]
            count = len(names) + (args.vararg is not None) + (args.kwarg is not None)
            yield node, count - (in_class and names[:1] in (["self"], ["cls"]))
        yield from functions(node, in_class=isinstance(node, ast.ClassDef))


def is_kernel(node: Function) -> bool:
    return any(ast.unparse(one).partition("(")[0] == "compiled" for one in node.decorator_list)


def is_command(path: Path, node: Function) -> bool:
    return path.parent == ROOT / "app" / "cli" / "commands" and path.stem == node.name and node.name in COMMANDS


def crowded() -> set[str]:
    """Functions of more parameters than are allowed, as ``file name``; commands and kernels left out."""
    return {
        f"{path.relative_to(ROOT).as_posix()} {node.name}"
        for path in sorted(ROOT.rglob("*.py"))
        for node, count in functions(ast.parse(path.read_text(encoding="utf-8")))
        if count > PARAMETERS_MAX and not is_kernel(node) and not is_command(path, node)
    }


def test_no_function_takes_more_parameters_than_a_reader_holds() -> None:
    assert crowded() == set(MORE)


def test_parameters_are_counted() -> None:
    tree = ast.parse(
        "class A:\n def f(self, a, /, b, *c, d, **e):\n  def g(x): pass\n@compiled(nogil=True)\ndef k(): 0"
    )
    found = [(node.name, count, is_kernel(node)) for node, count in functions(tree)]
    assert found == [("f", 5, False), ("g", 1, False), ("k", 0, True)]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_of_commands_says_what_the_commands_say(name: str) -> None:
    assert command_function(name).__doc__ == COMMANDS[name]


def test_every_module_of_a_command_is_in_the_table() -> None:
    modules = {path.stem for path in (ROOT / "app" / "cli" / "commands").glob("*.py")} - {"__init__"}
    assert modules == set(COMMANDS)
