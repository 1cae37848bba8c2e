"""The one reader of ``plan.json`` and ``measures.json``: plain, finite JSON of the right type, or one line of why not.

Keys that readers can do without may be absent, as in plans of other versions; unknown keys are let pass.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import msgspec

from corecore.base.errors import InputError
from corecore.base.input_file import first_line, json_of
from corecore.document.measures import MEASURES_SCHEMA, MeasuresDocument
from corecore.document.misfit import first_misfit
from corecore.document.plan import PLAN_SCHEMA, PlanDocument
from corecore.document.seal import plan_hash, seal_of

#: Largest document read, bytes. A plan with sixteen tunnels and its alternatives is about 0.2 MB.
SIZE_MAX_BYTES = 10_000_000
SCHEMA_FORM = re.compile(r"(corecore\.[a-z]+)/(\d{1,6})")
#: Longest value shown in a message, characters.
FOUND_LONGEST = 60
#: Up to here every whole number is a float of its own.
WHOLE_MAX = 2.0**53

Document = TypeVar("Document", PlanDocument, MeasuresDocument)


@dataclass(frozen=True, eq=False)
class PlanFile:
    """A plan as it was read: where, its document, and the digests of every key, known or not.

    ``hash`` names the plan; ``sealed`` says whether the content is as it was written, ``None`` without a seal.
    """

    path: Path
    plan: PlanDocument
    hash: str
    sealed: bool | None
    #: Every key of the file as it stands.
    content: Mapping[str, object]


def read_plan(path: Path) -> PlanFile:
    """Read a ``plan.json``. Raises ``InputError``, one line with the JSON path, for anything amiss."""
    content = _read(path)
    plan = parsed(content, PlanDocument, path)
    sealed = None if isinstance(plan.seal, msgspec.UnsetType) else plan.seal == seal_of(content)
    return PlanFile(path, plan, plan_hash(content), sealed, content)


def read_measures(path: Path) -> MeasuresDocument:
    """Read a ``measures.json``. Raises ``InputError`` as ``read_plan``."""
    return parsed(_read(path), MeasuresDocument, path)


def parsed(content: Mapping[str, object], kind: type[Document], file: Path | str) -> Document:
    """The document of a JSON object. Raises ``InputError`` that names ``file`` and the JSON path."""
    accepted = PLAN_SCHEMA if kind is PlanDocument else MEASURES_SCHEMA
    named = content.get("schema", accepted)
    form = SCHEMA_FORM.fullmatch(named) if isinstance(named, str) else None
    if form is None or form[1] != accepted.partition("/")[0]:
        malformed(file, "schema", named, repr(accepted))
    if named != accepted:
        version = content.get("corecore_version")
        by = f", written by corecore {version[:20]}" if isinstance(version, str) else ""
        raise InputError(
            f"{file}: schema is {named!r}, another version{by}; {accepted!r} is accepted here", code="plan-version"
        )
    try:
        return msgspec.convert(content, kind)
    except msgspec.ValidationError:
        # Some programs write a whole number as 1.0, which JSON Schema takes for one.
        content = _whole(content)
    try:
        return msgspec.convert(content, kind)
    except msgspec.ValidationError as error:
        found = first_misfit(content, "plan" if kind is PlanDocument else "measures")
        if found is None:
            raise InputError(f"{file}: {str(error).splitlines()[0]}", code="plan-malformed") from error
        if found.accepted is None:
            missing(file, found.path)
        malformed(file, found.path, found.value, found.accepted)


def _whole(value: Any) -> Any:
    """The same with every 1.0 as 1."""
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < WHOLE_MAX else value


def malformed(file: Path | str, path: str, found: object, accepted: str) -> NoReturn:
    """Raise ``InputError``: what was found at a path of the document, and what is accepted."""
    shown = repr(found)
    shown = shown if len(shown) <= FOUND_LONGEST else shown[: FOUND_LONGEST - 3] + "..."
    raise InputError(f"{file}: {path or 'the document'} is {shown}; {accepted} is accepted", code="plan-malformed")


def missing(file: Path | str, path: str) -> NoReturn:
    """Raise ``InputError`` for a key that must be there."""
    raise InputError(f"{file}: {path} is missing", code="plan-malformed")


def _read(path: Path) -> dict[str, object]:
    """The root object of a JSON file. Raises ``InputError`` for a file that is not plain, finite JSON."""
    try:
        content = json_of(path, "a plan.json or measures.json", SIZE_MAX_BYTES)
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text; a plan.json is accepted", code="plan-malformed") from error
    except ValueError as error:
        raise InputError(f"{path}: not JSON ({first_line(error)})", code="plan-malformed") from error
    if not isinstance(content, dict):
        malformed(path, "", content, "an object")
    return content
