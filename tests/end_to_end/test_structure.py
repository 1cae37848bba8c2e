"""The shape of the code: few parameters a function, and a command line whose table says what its modules say."""

from __future__ import annotations

import ast
import re
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
    "app/study.py batch": "what its command takes, by the same names",
    "app/api.py load": "what is read of a hip, each by the name that a reader of Python looks for",
    "app/api.py plan": "what its command asks of search and surgeon, by the same names",
    "app/api.py assess": "a path, and what the surgeon says, by the command's names",
    "verification/risk.py _drillings": "plain arrays of one tunnel, one method and one draw: no two travel on together",
    "verification/risk.py _looked": "the same arrays of one tunnel and one draw, for what two views correct of them",
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


def unbounded(tree: ast.AST) -> set[str]:
    """Functions whose results are kept for good, however many they are given; what they are given stays alive too."""
    found = set()
    for node in (one for one in ast.walk(tree) if isinstance(one, Function)):
        for one in node.decorator_list:
            name, _, given = ast.unparse(one).removeprefix("functools.").partition("(")
            whole = name == "cache" or (name == "lru_cache" and "None" in given)
            arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            told = {"" if arg.annotation is None else ast.unparse(arg.annotation) for arg in arguments}
            # Names, numbers and classes are few.
            if whole and not told <= {"int", "str", "type[Part]"}:
                found.add(node.name)
    return found


def test_no_cache_keeps_hips() -> None:
    assert not {name for path in ROOT.rglob("*.py") for name in unbounded(ast.parse(path.read_text(encoding="utf-8")))}
    kept = "@cache\ndef f(hip: Hip): ...\n@lru_cache(maxsize=None)\ndef g(x): ...\n"
    fine = "@lru_cache(maxsize=4)\ndef h(hip: Hip): ...\n@functools.cache\ndef i(n: int): ...\n"
    assert unbounded(ast.parse(kept + fine)) == {"f", "g"}


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


#: What opens a file or makes something of its text, by the last words of the call.
OPENING = {
    "open", "fdopen", "read_text", "read_bytes", "json.load", "json.loads", "tomllib.load", "tomllib.loads", "np.load",
    "np.fromfile", "np.loadtxt", "np.genfromtxt", "np.memmap", "nib.load", "dcmread", "ParquetFile", "read_table",
    "ReadImage", "ReadTransform",
}  # fmt: skip
#: Places that do so themselves, with the reason; all other files go through the one door.
DOORS = {
    "base/input_file.py open": "the door itself",
    "base/input_file.py fdopen": "the door itself",
    "base/input_file.py json.loads": "the door itself",
    "base/input_file.py tomllib.loads": "the door itself",
    "base/open_file.py open": "a folder, to wait for the disk",
    "base/instrument.py read_text": "the package's own library",
    "base/instrument.py tomllib.loads": "the package's own library",
    "base/language.py open": "the package's own catalogues, or a translator's",
    "base/recorded.py read_text": "the package's own texts",
    "base/recorded.py json.loads": "the package's own texts",
    "base/messages.py read_text": "the package's own text",
    "base/messages.py tomllib.loads": "the package's own text",
    "measures/evidence.py read_text": "the package's own data",
    "measures/evidence.py tomllib.loads": "the package's own data",
    "base/jit_cache.py read_bytes": "the package's own sources",
    "app/plan.py read_bytes": "a picture that this process has just drawn",
    "app/cli/__init__.py open": "nowhere, to write to",
    "app/cli/pipe.py open": "a plan, through the door",
    "app/cli/pipe.py fdopen": "the process's own output",
    "app/cli/pipe.py json.loads": "what the process that started it asks",
    "app/cli/commands/preview.py open": "a browser",
    "app/cli/commands/review.py open": "a plan through the door",
    "app/cli/serving.py open": "a browser",
    "app/cli/commands/schema.py read_text": "the package's own schemas",
    "app/cli/unexpected.py fdopen": "a new file, to write to",
    "io/named_plan.py open": "a member of an archive from the door",
    "io/dicom/files.py dcmread": "after the door's check: pydicom opens by name",
    "io/dicom/gdcm_process.py dcmread": "in a process of its own, after the door's check",
    "io/dicom/gdcm_process.py json.loads": "what the process that started it asks",
    "io/dicom/unpack.py json.loads": "the answer of that process",
    "io/files.py fdopen": "a new file, to write to",
    "io/files.py open": "a lock",
    "io/itk_process.py ReadTransform": "in a process of its own, after the door's check",
    "io/transform.py json.loads": "the answer of that process",
    "review/case_controller.py open": "a plan through the door",
    "review/case_folder.py fdopen": "a new file, to write to",
    "report/pictures/drawing_process.py fdopen": "the process's own output",
    "report/page.py read_text": "the package's own scripts",
    "report/report.py read_text": "the package's own pages",
    "review/server.py read_text": "the package's own pages",
    "review/server.py json.loads": "the package's own texts",
    "study/batch/frames.py ParquetFile": "a stream from the door",
    "study/batch/journal.py open": "to append to, after the door's check",
    "study/batch/journal.py fdopen": "to append to, after the door's check",
    "study/batch/limits.py read_text": "what the system tells of a process",
    "study/batch/table.py open": "a new file, to write to",
}


def openings(source: str) -> set[str]:
    """Calls of a module that open a file, by the name in ``OPENING``."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            words = ast.unparse(node.func).split(".")
            named = {".".join(words[-n:]) for n in (1, 2)} & OPENING
            # A function of that name reads a stream that is open already.
            found |= named if len(words) > 1 else named - {"read_bytes", "read_text"}
    return found


def test_files_are_opened_through_one_door() -> None:
    """Pipes, devices and bombs are refused there; a second door would let them in."""
    found = {
        f"{path.relative_to(ROOT).as_posix()} {name}"
        for path in sorted(ROOT.rglob("*.py"))
        for name in openings(path.read_text(encoding="utf-8"))
    }
    assert found == set(DOORS)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("with open(path) as f: 0", "open"), ("path.open('rb')", "open"), ("gzip.open(path)", "open"),
        ("json.load(f)", "json.load"), ("Path(row.truth).read_text()", "read_text"), ("np.load(p)", "np.load"),
        ("library.dcmread(path)", "dcmread"), ("os.open(p, 0)", "open"), ("opened(path, WHAT)", None),
        ("read_bytes(stream, 4)", None), ("read_array(stream)", None),
    ],
)  # fmt: skip
def test_a_second_door_is_seen(source: str, name: str | None) -> None:
    assert openings(source) == ({name} if name else set())


def test_a_search_reads_nothing_that_only_chooses_among_what_it_found() -> None:
    """The tests' store takes searches for the same that differ in these alone (``support/shared.py``)."""
    read = re.compile(r"\bspec\.(objective|guidance|near_best_share|preset)\b")
    assert read.search((ROOT / "planning" / "planner.py").read_text(encoding="utf-8"))
    for room in ("planning/search", "planning/sets", "planning/proof", "tunnels"):
        for path in sorted((ROOT / room).rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            assert not read.search(text), path
            # One tunnel alone keeps no pattern.
            assert room not in ("planning/search", "planning/proof") or "spec.pattern" not in text, path
    assert not read.search((ROOT / "planning" / "tradeoff.py").read_text(encoding="utf-8"))
