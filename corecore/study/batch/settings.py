"""What a batch does with every hip: one set of parameters, or many side by side."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TypeAlias

import msgspec

from corecore.base.errors import InputError
from corecore.base.input_file import bytes_of
from corecore.base.instrument import file_named
from corecore.base.spec import Spec, check_effort
from corecore.base.version import __version__
from corecore.planning.request import Parameters, Search
from corecore.study.batch.layout import Layout
from corecore.study.batch.manifest import Row

#: The form of a journal.
JOURNAL_FORM = "corecore.batch/2"
#: A parameter's value, as a file or the command line gives it.
Value: TypeAlias = bool | int | float | str


@dataclass(frozen=True)
class Variant:
    """One set of parameters: a preset, what is changed in it, and a method to plan robustly for."""

    name: str = ""
    preset: str = "core-10"
    values: tuple[tuple[str, Value], ...] = ()
    robust: str | None = None

    def spec(self, row: Row | None = None) -> Spec:
        """The parameters in force, with a row's own on top (``preset`` among them).

        Raises ``InputError`` for a parameter that is none, and where a robust plan is not possible.
        """
        spec = self.parameters(row).spec()
        Search(robust=self.robust).check(spec)
        return spec

    def parameters(self, row: Row | None = None) -> Parameters:
        """Where the parameters come from; a row's preset goes before the variant's."""
        own = dict(row.overrides) if row is not None else {}
        return Parameters(settings=dict(self.values), overrides={"preset": self.preset, **own})


@dataclass(frozen=True)
class Settings:
    """Everything besides the rows that decides the table.

    ``plans`` is a folder for the plans' own folders, in the layout ``bids`` the dataset; none are written without it.
    ``confirm``: plan with what would give a tunnel where there is none, which takes as long as five to ten hips.
    """

    variants: tuple[Variant, ...] = (Variant(),)
    gap: float | None = None
    plans: str | None = None
    pictures: bool = False
    keep_names: bool = False
    confirm: bool = False
    layout: Layout = "folders"

    def check(self) -> None:
        """Raise ``InputError`` for parameters that no hip could be planned with."""
        for variant in self.variants:
            check_effort(self.gap, None, 0, variant.spec().tunnels)
        if self.pictures and self.plans is None:
            raise InputError("--pictures without --plans; pictures lie in the plans' folders", code="options-conflict")


class Header(msgspec.Struct, frozen=True):
    """A journal's first line: what it must agree on with the run that goes on with it."""

    journal: str
    version: str
    settings: Settings


def header_of(settings: Settings) -> Header:
    """The header of a run's journal."""
    # Where plans are put is no part of what they say.
    told = replace(settings, plans=None if settings.plans is None else "plans")
    return Header(JOURNAL_FORM, __version__, told)


def inputs_of(rows: Sequence[Row], base: Path, variants: Sequence[Variant] = ()) -> dict[str, int]:
    """Each row's number by the fingerprint of what the manifest says of it, its place apart.

    What a file of instruments holds is part of it, whether the row or a variant names it. Paths count as they are seen
    from ``base``, the manifest's folder, so that a study may be moved as a whole.
    """
    found: dict[str, int] = {}
    for row in rows:
        cells = asdict(row)
        del cells["number"]
        named = [dict(one).get("instrument") for one in (row.overrides, *(variant.values for variant in variants))]
        drills = [_instruments_sha256(one) for one in named if isinstance(one, str)]
        if any(drills):
            cells["instruments"] = drills
        for role in ("femur", "lesion", "image", "pelvis", "truth"):
            cells[role] = cells[role] and os.path.relpath(cells[role], base)
        digest = hashlib.sha256(json.dumps(cells, sort_keys=True).encode()).hexdigest()
        while digest in found:
            # Rows that say the same, none of which can be planned.
            digest = hashlib.sha256(digest.encode()).hexdigest()
        found[digest] = row.number
    return found


def _instruments_sha256(name_or_file: str) -> str | None:
    """Fingerprint of a file of instruments; ``None`` of the library's, and of one that cannot be read."""
    path, _ = file_named(name_or_file)
    try:
        return None if path is None else hashlib.sha256(bytes_of(path, "a TOML file of instruments")).hexdigest()
    except InputError:
        # The case that is drilled with it says what is wrong.
        return None
