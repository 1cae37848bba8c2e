"""What ``import corecore as cc`` hands out says, in numpydoc form, what a caller needs; its examples run."""

from __future__ import annotations

import dataclasses
import doctest
import inspect
import re
import sys
import typing
from collections.abc import Iterator
from functools import cached_property
from types import SimpleNamespace
from typing import Any, Literal

import pytest
from numpydoc.docscrape import NumpyDocString

import corecore as cc
from corecore.base import grid, spec
from corecore.base.spec import Spec, accepted_range
from corecore.hip import hip
from corecore.measures import model
from corecore.planning import planner
from corecore.study.batch.run import Execution, Outcome

#: Methods that write a part of a JSON file: its keys are the schema's.
WRITERS = {"as_dict", "part"}
#: Where fields say in the schema what they hold.
DOCUMENT = "corecore.document"
#: What annotations name that is loaded only where it is used; of what draws, the docstrings are looked at elsewhere.
LATE: dict[str, Any] = {
    "pv": SimpleNamespace(MultiBlock=object), "TunnelSlice": object, "Radiograph": object, "Tunnel": cc.Tunnel,
    "GuideFigures": object, "Execution": Execution, "Outcome": Outcome,
    **dict.fromkeys(("Scan", "Images", "Sex", "Side"), str),
}  # fmt: skip
#: What the façade's objects hold: of these the docstrings are asked as well.
HELD = [hip.Hip, model.Measures, planner.Plan]
#: The façade's functions, and those beside the classes that a reader of its page meets.
FACADE = [getattr(cc, name) for name in cc.__all__ if inspect.isfunction(getattr(cc, name))]
FUNCTIONS = [*FACADE, grid.transform, grid.turned, grid.inverse, spec.accepted_range, spec.preset, spec.read_config]


def hints_of(item: Any) -> dict[str, Any]:
    """Annotations of a class or a function."""
    return typing.get_type_hints(item, localns=LATE)


def classes_in(hint: Any) -> Iterator[type]:
    """Classes of the package that an annotation names."""
    if inspect.isclass(hint) and hint.__module__.startswith("corecore"):
        yield hint
    for part in typing.get_args(hint):
        yield from classes_in(part)


def members(owner: type) -> dict[str, Any]:
    """Public methods and properties that a class defines itself, as functions."""
    found = {}
    for name, member in vars(owner).items():
        if isinstance(member, property):
            member = member.fget
        elif isinstance(member, cached_property):
            member = member.func
        if inspect.isfunction(member) and not name.startswith("_"):
            found[name] = member
    return found


def handed_out() -> list[type]:
    """Classes of the façade, and all that their fields, properties and methods give in turn."""
    names = [getattr(cc, name) for name in cc.__all__ if name != "__version__"]
    queue = [*(one for one in names if inspect.isclass(one)), *HELD]
    found: list[type] = []
    while queue:
        owner = queue.pop(0)
        if owner in found or owner.__module__.startswith(DOCUMENT):
            continue
        found.append(owner)
        hints = list(hints_of(owner).values()) if dataclasses.is_dataclass(owner) else []
        hints += [hints_of(member).get("return") for member in members(owner).values()]
        queue += [one for hint in hints for one in classes_in(hint)]
    return found


CLASSES = handed_out()
METHODS = [(owner, name) for owner in CLASSES for name in members(owner)]


def summary_faults(text: NumpyDocString) -> list[str]:
    """A summary is one sentence on the first line."""
    lines = text["Summary"]
    if len(lines) != 1 or not lines[0].strip():
        return ["the summary is not one line"]
    return [] if lines[0].endswith(".") else ["the summary ends without a period"]


def parameter_faults(text: NumpyDocString, names: list[str], *sections: str) -> list[str]:
    """Parameters are those of the signature, in its order, each with its type and a description."""
    entries = [entry for section in sections for entry in text[section]]
    documented = [name.lstrip("*") for entry in entries for name in entry.name.split(", ")]
    faults = [] if documented == names else [f"documents {documented}, takes {names}"]
    for entry in entries:
        if not entry.name.startswith("*") and not entry.type:
            faults.append(f"{entry.name} has no type")
        if not "".join(entry.desc).strip():
            faults.append(f"{entry.name} has no description")
    return faults


def parsed(item: Any) -> NumpyDocString:
    """The sections of a docstring of its own, not one inherited."""
    assert item.__doc__, f"{item.__qualname__} has no docstring"
    return NumpyDocString(inspect.cleandoc(item.__doc__))


def class_faults(owner: type) -> list[str]:
    """What is wrong with a class's docstring; fields of a dataclass are its parameters, and its attributes."""
    text = parsed(owner)
    return summary_faults(text) + parameter_faults(
        text, list(inspect.signature(owner).parameters), "Parameters", "Attributes"
    )


def function_faults(function: Any, *, method: bool = False) -> list[str]:
    """What is wrong with a function's docstring."""
    text = parsed(function)
    names = list(inspect.signature(function).parameters)[method:]
    faults = summary_faults(text) + parameter_faults(text, names, "Parameters")
    returns = hints_of(function).get("return") not in (None, type(None))
    if returns and not text["Returns"]:
        faults.append("says not what it returns")
    return faults


@pytest.mark.parametrize("owner", CLASSES, ids=lambda one: one.__qualname__)
def test_a_class_says_what_its_fields_are(owner: type) -> None:
    assert not class_faults(owner)


@pytest.mark.parametrize(("owner", "name"), METHODS, ids=[f"{owner.__qualname__}.{name}" for owner, name in METHODS])
def test_a_method_says_what_it_takes_and_returns(owner: type, name: str) -> None:
    if isinstance(vars(owner)[name], property | cached_property) or name in WRITERS:
        assert not summary_faults(parsed(members(owner)[name]))
    else:
        assert not function_faults(members(owner)[name], method=True)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda one: one.__name__)
def test_a_function_says_what_it_takes_and_returns(function: Any) -> None:
    assert not function_faults(function)


def test_the_ranges_of_the_parameters_are_those_accepted() -> None:
    entries = parsed(Spec)["Parameters"]
    said = {name: " ".join(entry.desc) for entry in entries for name in entry.name.split(", ")}
    for field in dataclasses.fields(Spec):
        if isinstance(field.default, int | float):
            low, high = accepted_range(field.name)
            assert f"{low:g} to {high:g}" in said[field.name], field.name


#: The façade's own examples read and measure a hip.
EXAMPLES = [*CLASSES, *(pytest.param(one, marks=[pytest.mark.slow] if one in FACADE else []) for one in FUNCTIONS)]


@pytest.mark.parametrize("item", EXAMPLES, ids=lambda one: one.__qualname__)
def test_examples_do_as_they_say(item: Any) -> None:
    names = dict(vars(sys.modules[item.__module__]))
    runner = doctest.DocTestRunner(optionflags=doctest.IGNORE_EXCEPTION_DETAIL)
    said: list[str] = []
    for example in doctest.DocTestFinder(exclude_empty=True).find(item, item.__name__, globs=names):
        runner.run(example, out=said.append)
    assert not runner.failures, "".join(said)


def test_a_wrong_docstring_is_seen() -> None:
    def lacking(width_mm: float, height_mm: float) -> float:
        """Area of a plate

        Parameters
        ----------
        height_mm
            Its height, mm.
        depth_mm : float
        """
        return width_mm * height_mm

    class Plate:
        """A plate. It is
        flat.
        """

        def __init__(self, side: Literal["left", "right"]) -> None: ...

    assert function_faults(lacking) == [
        "the summary ends without a period",
        "documents ['height_mm', 'depth_mm'], takes ['width_mm', 'height_mm']",
        "height_mm has no type",
        "depth_mm has no description",
        "says not what it returns",
    ]
    assert class_faults(Plate) == ["the summary is not one line", "documents [], takes ['side']"]


def test_the_façade_hands_out_more_than_itself() -> None:
    names = {owner.__name__ for owner in CLASSES}
    assert {"Spec", "Hip", "Anatomy", "Lesion", "Bone", "Grid", "Tunnel", "TunnelFigures", "Proof", "Check"} <= names


def test_a_wrong_example_is_seen() -> None:
    example = doctest.DocTestParser().get_doctest(">>> 1 + 1\n3\n", {}, "sum", None, None)
    runner = doctest.DocTestRunner()
    runner.run(example, out=re.escape)
    assert runner.failures == 1
