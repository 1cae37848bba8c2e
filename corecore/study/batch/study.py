"""A study: every combination of the parameters named in a TOML file, over one population."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from pathlib import Path

from corecore.base.errors import InputError
from corecore.base.spec import PRESETS, read_config
from corecore.study.batch.settings import Settings, Value, Variant
from corecore.tunnels.risk.methods import METHODS, OUTLINE

#: Most combinations of one study (engineering choice: a hip would take an hour).
VARIANTS_MAX = 1000
#: What a study may say besides its sweep.
KEYS = ("population", "gap", "sweep")
#: Names of the sweep that are no parameter of a plan.
PRESET, METHOD = "preset", "method"
#: Where no method is planned for.
NO_METHOD = "none"
#: Texts among a sweep's values: they become names of folders.
WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,39}")


@dataclass(frozen=True)
class Study:
    """A study's variants. ``left_out``: combinations that no plan can have, each with the reason."""

    population: Path | None
    gap: float | None
    variants: tuple[Variant, ...]
    left_out: tuple[tuple[str, str], ...]


def read_study(path: Path) -> Study:
    """Read a study: ``population`` (a folder or a manifest, seen from the file), ``gap``, and a table ``sweep``.

    In ``sweep`` every name has a value or a list of values: ``preset``, ``method`` (an error model to plan
    robustly for, or ``none``) and parameters of a plan. Raises ``InputError`` for a file that is no study, and
    where not one combination can be planned.
    """
    table = read_config(path)
    strange = [key for key in table if key not in KEYS]
    if strange:
        raise InputError(f"{path}: {strange[0]!r} unknown; accepted: {', '.join(KEYS)}", code="study-invalid")
    sweep = table.get("sweep")
    if not isinstance(sweep, dict) or not sweep:
        raise InputError(
            f"{path}: no table [sweep]; NAME = VALUE or NAME = [VALUES] in it are accepted", code="study-invalid"
        )
    gap = table.get("gap")
    if gap is not None and (isinstance(gap, bool) or not isinstance(gap, int | float)):
        raise InputError(f"{path}: gap {gap!r}; a number from 0 to 1 is accepted", code="study-invalid")
    population = table.get("population")
    if population is not None and not isinstance(population, str):
        raise InputError(f"{path}: population {population!r}; a folder or a manifest is accepted", code="study-invalid")
    lists = {name: _values(path, name, given) for name, given in sweep.items()}
    number = 1
    for values in lists.values():
        number *= len(values)
    if number > VARIANTS_MAX:
        raise InputError(f"{path}: {number} combinations; up to {VARIANTS_MAX} are accepted", code="study-invalid")
    kept: list[Variant] = []
    left_out: list[tuple[str, str]] = []
    for chosen in itertools.product(*lists.values()):
        variant = _variant(dict(zip(lists, chosen, strict=True)), lists)
        try:
            Settings((variant,), gap).check()
        except InputError as error:
            left_out.append((variant.name, str(error)))
        else:
            kept.append(variant)
    if not kept:
        raise InputError(f"{path}: no combination can be planned; the first: {left_out[0][1]}", code="study-invalid")
    return Study(population and (path.parent / population), gap, tuple(kept), tuple(left_out))  # type: ignore[arg-type]


def _values(path: Path, name: str, given: object) -> list[Value]:
    """The values of one name of the sweep, checked as far as they stand alone."""
    values: list[Value] = given if isinstance(given, list) else [given]  # type: ignore[list-item]
    if not values:
        raise InputError(f"{path}: sweep {name}: an empty list; one value or more are accepted", code="study-invalid")
    for value in values:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number and not (isinstance(value, str) and WORD.fullmatch(value)):
            raise InputError(
                f"{path}: sweep {name}: {value!r}; numbers and single words are accepted", code="study-invalid"
            )
    accepted = {PRESET: tuple(PRESETS), METHOD: (NO_METHOD, *METHODS, OUTLINE)}.get(name)
    for value in values:
        if accepted is not None and value not in accepted:
            raise InputError(f"{path}: sweep {name}: {value!r}; accepted: {', '.join(accepted)}", code="study-invalid")
        if accepted is None:
            try:
                PRESETS["core-10"].with_values({name: value}, origin=f"{path}: sweep")
            except InputError as error:
                # What is wrong only beside the preset's other values is for the combination to say.
                if "unknown parameter" in str(error) or f"{name}:" in str(error):
                    raise InputError(f"{path}: sweep {name}: {error}", code="study-invalid") from error
    if len(set(values)) < len(values):
        raise InputError(f"{path}: sweep {name}: a value twice; each once is accepted", code="study-invalid")
    return values


def _variant(chosen: dict[str, Value], lists: dict[str, list[Value]]) -> Variant:
    told = ",".join(f"{name}={value}" for name, value in chosen.items() if len(lists[name]) > 1)
    values = tuple((name, value) for name, value in chosen.items() if name not in (PRESET, METHOD))
    method = chosen.get(METHOD, NO_METHOD)
    robust = None if method == NO_METHOD else str(method)
    return Variant(told, str(chosen.get(PRESET, "core-10")), values, robust)
