"""Every figure of a plan as one table: a row a tunnel, and one for all together."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path

from corecore.document.content import content_of
from corecore.exports.export_context import ExportContext
from corecore.io.files import atomic_write_text
from corecore.io.spreadsheet import text_cell

#: Parts of a plan that are prose, or that the identity columns say already.
LEFT_OUT = ("explanation",)
#: The three coordinates of a point, RAS.
AXES = ("r", "a", "s")
#: Lists of three coordinates; the numbers of any other list are counted from 1.
PLACES = ("entry", "tip", "direction")
#: Endings of names that say a unit.
UNITS = ("_mm", "_deg", "_ml", "_mm2")
#: Parts that may be null: without one, its figures have no column.
MAY_BE_NULL = ("bone_left", "density")


def export_csv(parcel: ExportContext, out: Path) -> list[Path]:
    """A CSV file (UTF-8, comma, point, one header line): rows ``tunnel 1`` …, then ``together``.

    Units stand in the column names (``_mm``, ``_deg``, ``_ml``, ``_mm2``); fractions and probabilities run from
    0 to 1; densities are HU (``_hu``); points are RAS mm. A figure that does not exist is an empty cell. Numbers are
    those of ``plan.json`` to the last digit.
    """
    plan = parcel.plan.file.plan
    rows: list[dict[str, str]] = []
    identity = {name: _safe(value) for name, value in parcel.stamp.rows()}
    for number, tunnel in enumerate(plan.tunnels, start=1):
        rows.append({"row": f"tunnel {number}", **identity, **dict(_flat(content_of(tunnel)))})
    rows.append({"row": "together", **identity, **dict(_flat(content_of(plan.totals)))})
    columns = list(dict.fromkeys(name for row in rows for name in row))
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, columns, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    atomic_write_text(out, stream.getvalue())
    return [out]


def _flat(part: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in part.items():
        if key in LEFT_OUT or (value is None and key in MAY_BE_NULL):
            continue
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{name}_")
        elif isinstance(value, list) and key in PLACES:
            unit = "" if key == "direction" else "_mm"
            yield from ((f"{name}_{axis}{unit}", repr(float(v))) for axis, v in zip(AXES, value, strict=True))
        elif isinstance(value, list) and value and all(isinstance(item, Mapping) for item in value):
            for number, item in enumerate(value, start=1):
                yield from _flat(item, f"{name}_{number}_")
        elif isinstance(value, list) and all(isinstance(item, float) for item in value):
            # The unit stays last: ..._entry_anterior_1_mm.
            stem, unit = (name[: -len(u)], u) if (u := next((u for u in UNITS if name.endswith(u)), "")) else (name, "")
            yield from ((f"{stem}_{number}{unit}", repr(item)) for number, item in enumerate(value, start=1))
        elif isinstance(value, bool):
            yield name, "yes" if value else "no"
        elif isinstance(value, float):
            yield name, repr(value)
        else:
            yield name, "" if value is None else _safe(str(value))


def _safe(text: str) -> str:
    """A text that no spreadsheet runs as a formula."""
    return text if _is_number(text) else text_cell(text)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
