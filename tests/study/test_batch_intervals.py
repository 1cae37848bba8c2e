"""Intervals hold what they promise, hips without a tunnel count, and plans are compared hip by hip."""

from __future__ import annotations

import numpy as np
import pytest

from corecore.study.batch.figures import Records
from corecore.study.batch.intervals import differences, groups, mean_interval, share_interval


def _results(rows: list[tuple[str, str, str, float, float]], method: str = "fluoroscopy") -> Records:
    """Records of id, plan, status, share removed, cortical perforation by a method."""
    ids, plans, states, removed, breach = zip(*rows, strict=True)
    return Records(
        {
            "id": np.array(ids, dtype=object), "variant": np.array(plans, dtype=object),
            "status": np.array(states, dtype=object), "cause": np.full(len(rows), None),
            "totals.removed_fraction": np.array(removed),
            f"totals.risk.{method}.cortex_breach_probability": np.array(breach),
        }
    )  # fmt: skip


def test_a_means_interval_holds_the_truth_in_some_95_of_100_samples() -> None:
    rng = np.random.default_rng(5)
    # Skewed, as shares removed are: the mean of this one is 0.2.
    hits = sum(one.low <= 0.2 <= one.high for one in (mean_interval(rng.exponential(0.2, size=60)) for _ in range(200)))
    assert 176 <= hits <= 198
    # As wide as the normal one where there are many.
    many = rng.normal(0.3, 0.1, size=4000)
    one = mean_interval(many)
    assert one.value == pytest.approx(many.mean())
    assert one.high - one.low == pytest.approx(2 * 1.96 * many.std() / np.sqrt(4000), rel=0.08)
    assert one == mean_interval(many)


def test_few_values_have_no_interval() -> None:
    assert np.isnan(mean_interval([]).value)
    assert (mean_interval([0.4]).value, mean_interval([0.4]).count) == (0.4, 1)
    assert np.isnan(mean_interval([0.4]).low)
    assert np.isnan(share_interval(0, 0).value)


def test_a_shares_interval_is_wilsons() -> None:
    z, n, k = 1.959964, 500, 61
    p = k / n
    middle, half = (
        (p + z * z / (2 * n)) / (1 + z * z / n),
        z / (1 + z * z / n) * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)),
    )
    found = share_interval(k, n)
    assert [found.low, found.high] == pytest.approx([middle - half, middle + half], abs=1e-6)
    assert share_interval(0, 20).low == 0.0 < share_interval(0, 20).high


def test_a_hip_without_a_tunnel_counts_with_nothing_and_a_failed_one_nowhere() -> None:
    rows = [
        ("a", "x", "planned", 0.3, 0.1), ("b", "x", "infeasible", np.nan, np.nan), ("c", "x", "failed", np.nan, np.nan),
        ("d", "x", "planned", 0.1, 0.3),
    ]  # fmt: skip
    (one,) = groups(_results(rows), ["all"] * 4)
    assert [one.removed.count, one.removed.value] == pytest.approx([3, 0.4 / 3])
    assert [one.without.count, one.without.value] == pytest.approx([3, 1 / 3])
    assert one.breach is not None
    assert [one.breach.count, one.breach.value] == pytest.approx([2, 0.2])
    # A table of an earlier version calls the same method freehand; another method's figures are not taken for it.
    assert groups(_results(rows, "freehand"), ["all"] * 4) == [one]
    assert groups(_results(rows, "guide"), ["all"] * 4)[0].breach is None


def test_plans_are_compared_on_the_hips_that_both_judged() -> None:
    rng = np.random.default_rng(1)
    own = rng.uniform(0.0, 0.5, size=40)
    rows = [(f"h{i}", "x", "planned", share, 0.0) for i, share in enumerate(own)]
    # The same hips in another order, each 0.02 worse, two of them failed and one without a tunnel.
    rows += [(f"h{i}", "y", "planned", own[i] - 0.02, 0.0) for i in reversed(range(3, 40))]
    rows += [(f"h{i}", "y", "failed", np.nan, np.nan) for i in (0, 1)]
    rows += [("h2", "y", "infeasible", np.nan, np.nan)]
    (found,) = differences(_results(rows), ["all"] * len(rows))
    assert (found.plan, found.other, found.more.count) == ("x", "y", 38)
    assert found.more.value == pytest.approx((37 * 0.02 + own[2]) / 38)
    # Between hips the shares spread by 0.15, between plans on one hip hardly: the pairs tell.
    assert found.more.high - found.more.low < 0.05
    kinds = ["odd" if int(row[0][1:]) % 2 else "even" for row in rows]
    assert [(one.group, one.more.count) for one in differences(_results(rows), kinds)] == [("even", 19), ("odd", 19)]
