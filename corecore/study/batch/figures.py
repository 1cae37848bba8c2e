"""What a batch's table says in sum: counts, spreads by group, causes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from corecore.base.errors import InputError
from corecore.study.batch.failure_kinds import failure_kind
from corecore.study.batch.frames import NEEDED, parquet_file

#: Most rows of a table read (engineering choice).
RECORDS_MAX = 5_000_000
#: What else is read where it is there.
WANTED = (
    "preset", "infeasible.binding", "truth.lesion.kind", "necrosis.steinberg", "necrosis.jic.type",
    "necrosis.head_fraction",
    "totals.removed_fraction", "totals.reached_3mm_fraction", "totals.optimality_gap",
    "totals.healthy_bone_removed_ml", "totals.neck_area_share", "timings.case_s", "timings.search_s",
    "versions.corecore", "warnings",
)  # fmt: skip
#: Where a lesion's class is taken from: the first of these that the table has.
CLASSES = ("truth.lesion.kind", "necrosis.steinberg")
NO_CLASS = "not known"
#: Smallest over a plan's tunnels.
CLEARANCES = ("cortical_clearance_mm", "joint_clearance_mm")
#: What can become of a record.
STATUSES = ("planned", "infeasible", "failed")
#: The row of a table that is of every class of lesion together.
EVERY = "all"
#: Figures with a spread: title, column, factor, unit.
SPREADS = (
    ("Lesion removed", "totals.removed_fraction", 100.0, "%"),
    ("Lesion within 3 mm of a tunnel", "totals.reached_3mm_fraction", 100.0, "%"),
    ("Cortical clearance", "cortical_clearance_mm", 1.0, "mm"),
    ("Joint clearance", "joint_clearance_mm", 1.0, "mm"),
    ("Viable bone removed", "totals.healthy_bone_removed_ml", 1.0, "ml"),
    ("Smallest neck cross-section removed", "totals.neck_area_share", 100.0, "%"),
    ("Proven optimality gap", "totals.optimality_gap", 100.0, "%"),
    ("Time per plan", "timings.case_s", 1.0, "s"),
)


@dataclass(frozen=True)
class Records:
    """A batch's table by column; figures that are missing are NaN, texts ``None``."""

    columns: dict[str, npt.NDArray[Any]]

    def __len__(self) -> int:
        return len(self.columns["id"])

    def texts(self, name: str) -> npt.NDArray[np.object_]:
        """A column of texts, (N,)."""
        return np.asarray(self.columns.get(name, np.full(len(self), None)), dtype=object)

    def numbers(self, name: str) -> npt.NDArray[np.float64]:
        """A column of numbers, (N,)."""
        return np.asarray(self.columns.get(name, np.full(len(self), np.nan)), dtype=np.float64)

    @property
    def plans(self) -> list[str]:
        """How each record was planned: its variant, or its preset where there is but one."""
        variants = self.texts("variant")
        return [str(v or p or "") for v, p in zip(variants, self.texts("preset"), strict=True)]

    @property
    def classes(self) -> tuple[str, list[str]]:
        """Where the lesions' classes come from, and each record's."""
        for name in CLASSES:
            found = self.texts(name)
            if any(value is not None for value in found):
                return name, [NO_CLASS if value is None else str(value) for value in found]
        return "", [NO_CLASS] * len(self)


@dataclass(frozen=True, eq=False)
class Spread:
    """Spread of a figure over the records of a group that have it: its values (N,), minimum, quartiles and maximum."""

    plan: str
    group: str
    values: npt.NDArray[np.float64]
    quantiles: tuple[float, float, float, float, float]

    @property
    def count(self) -> int:
        """Records that have the figure."""
        return len(self.values)

    @property
    def mean(self) -> float:
        """Mean of the values."""
        return float(self.values.mean())


def columns_read(names: Iterable[str]) -> list[str]:
    """Of a table's columns those that a summary is made of."""
    given = set(names)
    tunnels = [name for name in given if name.startswith("tunnels.") and name.rpartition(".")[2] in CLEARANCES]
    risks = [name for name in given if name.startswith("totals.risk.") and name.endswith("breach_probability")]
    return sorted({name for name in (*NEEDED, *WANTED, *tunnels, *risks) if name in given})


def read_records(path: Path) -> Records:
    """The table of a batch. Raises ``InputError`` for a file that is none."""
    with parquet_file(path, NEEDED) as stored:
        if stored.metadata.num_rows > RECORDS_MAX:
            raise InputError(
                f"{path}: {stored.metadata.num_rows:,} rows; up to {RECORDS_MAX:,} are accepted",
                code="results-unusable",
            )
        table = stored.read(columns=columns_read(stored.schema_arrow.names))
        cells = {name: table[name].to_pylist() for name in table.column_names}
    texts = {*NEEDED, *CLASSES, "necrosis.jic.type", "preset", "infeasible.binding", "versions.corecore", "warnings"}
    columns: dict[str, npt.NDArray[Any]] = {}
    for name, values in cells.items():
        if name in texts:
            columns[name] = np.array([None if v is None else str(v) for v in values], dtype=object)
            continue
        if any(not isinstance(v, float | int | None) for v in values):
            raise InputError(
                f"{path}: column {name!r} does not hold numbers; results.parquet as written is accepted",
                code="results-unusable",
            )
        columns[name] = np.array([np.nan if v is None else float(v) for v in values], dtype=np.float64)
    if table.num_rows == 0:
        raise InputError(f"{path}: holds no row", code="results-unusable")
    for clearance in CLEARANCES:
        every = [values for name, values in columns.items() if name.startswith("tunnels.") and name.endswith(clearance)]
        columns[clearance] = np.fmin.reduce(every) if every else np.full(table.num_rows, np.nan)
    return Records(columns)


def spreads(results: Records, name: str, factor: float = 1.0, *, by_class: bool = True) -> list[Spread]:
    """Spread of a figure by plan and, with ``by_class``, by the lesion's class; a group without the figure has none."""
    values = factor * results.numbers(name)
    planned = results.texts("status") == "planned"
    groups: dict[tuple[str, str], list[float]] = {}
    for plan, kind, value, good in zip(results.plans, results.classes[1], values, planned, strict=True):
        if good and np.isfinite(value):
            groups.setdefault((plan, kind if by_class else ""), []).append(float(value))
    found = []
    for (plan, kind), group in sorted(groups.items()):
        low, first, middle, third, high = (float(q) for q in np.quantile(group, (0.0, 0.25, 0.5, 0.75, 1.0)))
        found.append(Spread(plan, kind, np.array(group), (low, first, middle, third, high)))
    return found


def statuses(results: Records, classes: Sequence[str]) -> dict[tuple[str, str], Counter[str]]:
    """Records by plan and class of lesion, counted by status; ``classes``: each record's."""
    found: dict[tuple[str, str], Counter[str]] = {}
    for plan, kind, status in zip(results.plans, classes, results.texts("status"), strict=True):
        found.setdefault((plan, kind), Counter())[str(status)] += 1
    return dict(sorted(found.items()))


def reason(results: Records, place: int) -> str:
    """Why a record has no plan: the binding limit, or the kind of the error."""
    binding = results.texts("infeasible.binding")[place]
    if results.texts("status")[place] == "infeasible" and binding is not None:
        return str(binding)
    return failure_kind(str(results.texts("cause")[place]))


def causes(results: Records) -> list[tuple[str, str, int, list[str]]]:
    """Why there is no plan: status, kind of cause, how often, and up to ten ids; most frequent first."""
    counts: Counter[tuple[str, str]] = Counter()
    ids: dict[tuple[str, str], list[str]] = {}
    for i, status in enumerate(results.texts("status")):
        if status == "planned":
            continue
        key = (str(status), reason(results, i))
        counts[key] += 1
        named = ids.setdefault(key, [])
        if len(named) < 10:
            named.append(str(results.columns["id"][i]))
    return [(status, text, count, ids[status, text]) for (status, text), count in sorted(
        counts.items(), key=lambda item: (-item[1], item[0])
    )]  # fmt: skip


def breaches(results: Records) -> list[tuple[str, str, float, float]]:
    """Mean probability, over planned records, of breaching cortex and joint: plan, method, the two."""
    methods = sorted({name.split(".")[2] for name in results.columns if name.startswith("totals.risk.")})
    plans = np.array(results.plans, dtype=object)
    found = []
    for plan in sorted(set(results.plans)):
        for method in methods:
            pair = []
            for place in ("cortex", "joint"):
                values = results.numbers(f"totals.risk.{method}.{place}_breach_probability")[plans == plan]
                values = values[np.isfinite(values)]
                pair.append(float(values.mean()) if len(values) else np.nan)
            if np.isfinite(pair).all():
                found.append((plan, method, pair[0], pair[1]))
    return found
