"""Drawn femora follow their sources, and what does not fit together is refused."""

from __future__ import annotations

import numpy as np
import pytest

from corecore.base.errors import InputError
from corecore.base.grid import FloatArray
from corecore.study.phantom.shape import ACCEPTED, CORRELATION, DRAWN, MORPHOMETRICS, FemurShape, Sex

DRAWS = 1500


def _table(sex: Sex, seed: int = 1) -> FloatArray:
    rng = np.random.default_rng(seed)
    shapes = [FemurShape.drawn(rng, sex) for _ in range(DRAWS)]
    return np.array([[getattr(shape, name) for name in DRAWN] for shape in shapes])


TABLES = {sex: _table(sex) for sex in MORPHOMETRICS}


@pytest.mark.parametrize("sex", ["male", "female"])
def test_means_and_spreads_are_the_sources(sex: Sex) -> None:
    # Redrawing what does not fit together trims the tails: up to a tenth of the spread.
    mean, sd = (np.array(values) for values in MORPHOMETRICS[sex])
    off = (TABLES[sex].mean(axis=0) - mean) / sd
    assert dict(zip(DRAWN, np.abs(off) < 0.12, strict=True)) == dict.fromkeys(DRAWN, True)
    ratio = TABLES[sex].std(axis=0) / sd
    assert dict(zip(DRAWN, (ratio > 0.87) & (ratio < 1.06), strict=True)) == dict.fromkeys(DRAWN, True)


def test_published_figures_come_back() -> None:
    # Typed here a second time, from the papers, so that a slip in the table is seen.
    def column(sex: Sex, name: str) -> float:
        return float(TABLES[sex][:, DRAWN.index(name)].mean())

    assert column("male", "head_diameter_mm") == pytest.approx(49.0, abs=0.5)
    assert column("female", "head_diameter_mm") == pytest.approx(44.0, abs=0.5)
    assert column("male", "anteversion_deg") == pytest.approx(12.1, abs=1.0)
    assert column("female", "anteversion_deg") == pytest.approx(16.4, abs=1.0)
    offsets = np.concatenate([TABLES[sex][:, DRAWN.index("offset_mm")] for sex in MORPHOMETRICS])
    assert offsets.mean() == pytest.approx(42.9, abs=0.6)
    assert offsets.std() == pytest.approx(6.8, rel=0.12)
    angles = np.concatenate([TABLES[sex][:, DRAWN.index("neck_shaft_angle_deg")] for sex in MORPHOMETRICS])
    assert angles.mean() == pytest.approx(124.7, abs=0.6)


def test_large_people_are_large_in_everything() -> None:
    found = np.asarray(np.corrcoef(TABLES["male"].T))
    assert np.max(np.abs(found - CORRELATION)) < 0.15
    i, j = DRAWN.index("head_diameter_mm"), DRAWN.index("neck_long_diameter_mm")
    assert found[i, j] > 0.5


def test_the_same_generator_draws_the_same_femur() -> None:
    first, same, other = (FemurShape.drawn(np.random.default_rng(seed), "male") for seed in (5, 5, 6))
    assert first == same
    assert first != other


def test_every_parameter_has_an_accepted_range_that_holds() -> None:
    for name, (low, high) in ACCEPTED.items():
        assert low < getattr(FemurShape(), name) < high
        for value in (low - 0.01, high + 0.01, float("nan")):
            with pytest.raises(InputError, match=name):
                FemurShape(**{name: value})


def test_parts_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match="exceeds neck_long_diameter_mm"):
        FemurShape(neck_long_diameter_mm=24.0, neck_short_diameter_mm=26.0)
    with pytest.raises(InputError, match="of the head's diameter"):
        FemurShape(head_diameter_mm=36.0, neck_long_diameter_mm=34.0)
    with pytest.raises(InputError, match="lesser trochanter"):
        FemurShape(neck_shaft_angle_deg=144.0, offset_mm=60.0)
    with pytest.raises(InputError, match="greater trochanter"):
        FemurShape(greater_trochanter_above_mm=-9.0, lesser_trochanter_ratio=0.9)
