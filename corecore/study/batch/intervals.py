"""How sure a mean or a share over many hips is: 95 % intervals, and differences on the same hips.

A hip without a feasible tunnel counts with nothing removed: leaving it out would flatter the plan that fails
most. A record that failed counts nowhere, for nothing is known of it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from corecore.base.grid import FloatArray
from corecore.study.batch.figures import Records
from corecore.tunnels.risk.methods import RENAMED

#: Samples of a bootstrap: the ends of its interval are steady to a hundredth of its width or so.
RESAMPLES = 2000
LEVEL = 0.95
#: Values drawn at once.
DRAWN_AT_ONCE = 200_000
REMOVED = "totals.removed_fraction"


@dataclass(frozen=True)
class Interval:
    """A figure of ``count`` hips with its 95 % interval; NaN where one hip or none tells no spread."""

    count: int
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Group:
    """What one plan does to the lesions of one class, over every hip that was judged."""

    plan: str
    group: str
    removed: Interval
    without: Interval
    breach: Interval | None


@dataclass(frozen=True)
class Difference:
    """By how much more ``plan`` removes than ``other`` on the same hips, share of the lesion."""

    plan: str
    other: str
    group: str
    more: Interval


def mean_interval(values: Sequence[float] | FloatArray) -> Interval:
    """Mean of values (N,) with its bootstrap interval (percentiles of 2,000 resampled means, always the same)."""
    given = np.asarray(values, dtype=np.float64)
    if len(given) < 2:
        return Interval(len(given), float(given[0]) if len(given) else np.nan, np.nan, np.nan)
    rng = np.random.default_rng(0)
    # Many samples at once, but never more than fit into a small memory.
    at_once = max(1, DRAWN_AT_ONCE // len(given))
    picked = np.concatenate(
        [
            given[rng.integers(len(given), size=(min(at_once, RESAMPLES - done), len(given)))].mean(axis=1)
            for done in range(0, RESAMPLES, at_once)
        ]
    )
    low, high = np.quantile(picked, ((1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0))
    return Interval(len(given), float(given.mean()), float(low), float(high))


def share_interval(hits: int, count: int) -> Interval:
    """Share of ``hits`` among ``count`` with Wilson's interval (Wilson 1927, doi:10.1080/01621459.1927.10502953)."""
    if count == 0:
        return Interval(0, np.nan, np.nan, np.nan)
    found = stats.binomtest(hits, count).proportion_ci(LEVEL, method="wilson")
    return Interval(count, hits / count, float(found.low), float(found.high))


def groups(results: Records, classes: Sequence[str], *, method: str = "fluoroscopy") -> list[Group]:
    """Every plan on every class of lesion; ``classes``: each record's. ``breach``: mean, over its tunnels, of
    the probability that a drilling by ``method`` leaves the bone, where it was worked out."""
    judged, removed = _removed(results)
    plans, kinds = np.array(results.plans, dtype=object), np.array(classes, dtype=object)
    planned = results.texts("status") == "planned"
    column = "totals.risk.{}.cortex_breach_probability".format
    # A table of an earlier version has the method under its earlier name.
    names = [method, *(before for before, now in RENAMED.items() if now == method)]
    breach = results.numbers(next((column(name) for name in names if column(name) in results.columns), column(method)))
    found = []
    for plan in sorted(set(plans)):
        for kind in sorted(set(kinds[judged])):
            here = judged & (plans == plan) & (kinds == kind)
            risks = breach[here & planned & np.isfinite(breach)]
            found.append(
                Group(
                    plan, kind, mean_interval(removed[here]),
                    share_interval(int((here & ~planned).sum()), int(here.sum())),
                    mean_interval(risks) if len(risks) else None,
                )
            )  # fmt: skip
    return found


def differences(results: Records, classes: Sequence[str]) -> list[Difference]:
    """Every two plans compared hip by hip, by class of lesion; hips that one of the two failed on are left out."""
    judged, removed = _removed(results)
    by_plan: dict[str, dict[str, tuple[str, float]]] = {}
    for ident, plan, kind, share, good in zip(
        results.texts("id"), results.plans, classes, removed, judged, strict=True
    ):
        if good:
            by_plan.setdefault(plan, {})[str(ident)] = (kind, float(share))
    found = []
    for plan, other in itertools.combinations(sorted(by_plan), 2):
        both = sorted(set(by_plan[plan]) & set(by_plan[other]))
        for kind in sorted({by_plan[plan][ident][0] for ident in both}):
            more = [
                by_plan[plan][ident][1] - by_plan[other][ident][1] for ident in both if by_plan[plan][ident][0] == kind
            ]
            found.append(Difference(plan, other, kind, mean_interval(more)))
    return found


def _removed(results: Records) -> tuple[np.ndarray, FloatArray]:
    """Which records were judged (N,), and the share each removes (N,): 0 without a feasible tunnel."""
    status = results.texts("status")
    share = np.where(status == "infeasible", 0.0, results.numbers(REMOVED))
    judged = np.isin(status, ["planned", "infeasible"]) & np.isfinite(share)
    return judged, share
