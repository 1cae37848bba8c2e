"""Writes docs/columns.md, the data dictionary of a batch's table: python docs/list_columns.py"""

from __future__ import annotations

import itertools
from pathlib import Path

from corecore.study.batch.dictionary import RECORD, Column, columns

PAGE = Path(__file__).resolve().parent / "columns.md"
HEAD = """# Columns of a batch's table

Written by `docs/list_columns.py` from the types of `plan.json`. A column's name is the path of its figure; `*` is a name or a number counted from 1, as in `totals.risk.guide.cortex_breach_probability`. In the wide table the figures of a tunnel carry its number, `tunnels.1.length_mm`; in the long table the name is `tunnels.length_mm` and the number stands in `tunnel`. `.x`, `.y` and `.z` are the components of a vector, of a position RAS mm.

Unit 1 is a share, a probability or a ratio. A column without a unit is a count, a class, a text, a flag or a component of a unit vector. `--columns` takes the groups below, a column, or the beginning of one (`necrosis.kerboul`).
"""  # noqa: E501
GROUP_WORDS = {
    RECORD: "in every table",
    "totals": "the tunnels of a plan together",
    "tunnels": "each tunnel",
    "necrosis": "the lesion; defined in [measures](measures.md)",
    "anatomy": "landmarks and axes",
    "infeasible": "why there is no tunnel",
    "robust": "a plan for the errors of a guidance method",
    "spec": "parameters in force; their sources are in [constraints](design/constraints.md)",
    "truth": "a synthetic hip's truth",
    "inputs": "fingerprints of what was read",
    "timings": "time and work",
    "versions": "software",
}


def page() -> str:
    """The page, a table per group."""
    parts = [HEAD]
    for group, members in itertools.groupby(columns(), key=lambda one: one.group):
        parts.append(f"\n## {group}: {GROUP_WORDS[group]}\n\n| column | unit | meaning |\n|---|---|---|\n")
        parts += [_row(list(same)) for _, same in itertools.groupby(members, key=_stem)]
    return "".join(parts)


def _stem(column: Column) -> str:
    stem, _, last = column.name.rpartition(".")
    return stem if last in ("x", "y", "z") else column.name


def _row(same: list[Column]) -> str:
    first = same[0]
    name = f"`{first.name}`" + "".join(f", `.{one.name.rpartition('.')[2]}`" for one in same[1:])
    return f"| {name} | {first.unit} | {first.meaning.replace('|', 'a bar')} |\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
