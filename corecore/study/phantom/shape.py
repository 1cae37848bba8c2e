"""The shape of a proximal femur in a dozen numbers, and their spread over people."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

import numpy as np

from corecore.base.errors import InputError

Sex = Literal["male", "female"]


@dataclass(frozen=True)
class FemurShape:
    """Parameters of the femur phantom; the defaults are a middling adult.

    Sizes that no source gives (blend radii, the trochanters' girth) scale with the head and
    stand in ``femur.py`` as engineering choices. Raises ``InputError`` where a number lies
    outside ``ACCEPTED`` or the numbers do not fit one another.
    """

    #: Diameter of the head's sphere, mm. German femora, men 49 ± 3, women 44 ± 3
    #: ("Determination of sex from femora", 170 femora).
    head_diameter_mm: float = 48.0
    #: Angle between the neck axis and the distal shaft, degrees. 124.7 ± 6.2 (Carmona, 628 patients).
    neck_shaft_angle_deg: float = 125.0
    #: Turn of the neck axis in front of the lateral axis, degrees. Median 14.2 (PMC4775021, 1070 femora).
    anteversion_deg: float = 14.2
    #: Head centre to shaft axis in the plane that holds the neck and the vertical, mm. 42.9 ± 6.8 (Carmona).
    offset_mm: float = 42.9
    #: Largest diameter of the neck's smallest section, mm. Men 33.9 ± 2.3, women 29.4 ± 1.9 (JOSR 2023 04205, 80 hips).
    neck_long_diameter_mm: float = 32.9
    #: Smallest diameter of that section, mm. Head over neck seen from the side 1.77 in men, 1.83 in women
    #: (Saengnipanthkul 2012, 102 femora): 27.7 and 24.0 under the heads above. (Deng 2023, 139 hips, has
    #: 25.3 ± 2.1 and 21.9 ± 1.9 for the corridor seen along the axis, which is narrower than any one section.)
    neck_short_diameter_mm: float = 27.1
    #: Turn of the section's long axis, its upper end forward, at the isthmus; 30.6 ± 8.9 (JOSR 2020 01712).
    neck_turn_isthmus_deg: float = 30.6
    #: The same at the neck's base, degrees; 23.8 ± 4.0 (JOSR 2020 01712, 200 patients).
    neck_turn_base_deg: float = 23.8
    #: How far the neck axis passes in front of the shaft axis, mm; 5 to 8 (clinical reference, section 6.1).
    neck_anterior_offset_mm: float = 6.0
    #: Head centre down to the lesser trochanter's tip along the shaft, head diameters; 1.01 ± 0.12
    #: (200 femora, PMID 20069639).
    lesser_trochanter_ratio: float = 1.01
    #: Tip of the greater trochanter above the head centre along the shaft, mm; 7.3 ± 5.1 (519 CT femora).
    greater_trochanter_above_mm: float = 7.3
    #: Side-to-side diameter of the shaft, mm. Largest midshaft diameter, men 31 ± 2, women 28 ± 2
    #: ("Determination of sex from femora").
    shaft_diameter_mm: float = 30.0
    #: Years; thins the neck's cortex (Poole 2010, women 20 to 90).
    age_years: float = 45.0

    def __post_init__(self) -> None:
        for item in fields(self):
            value = float(getattr(self, item.name))
            low, high = ACCEPTED[item.name]
            if not low <= value <= high:
                raise InputError(f"{item.name} is {value!r}; {low} to {high} is accepted", code="recipe-value")
        if self.neck_short_diameter_mm > self.neck_long_diameter_mm:
            raise InputError(
                f"neck_short_diameter_mm {self.neck_short_diameter_mm!r} exceeds neck_long_diameter_mm"
                f" {self.neck_long_diameter_mm!r}",
                code="recipe-value",
            )
        if self.neck_long_diameter_mm > NECK_TO_HEAD_MAX * self.head_diameter_mm:
            raise InputError(
                f"neck of {self.neck_long_diameter_mm!r} mm under a head of {self.head_diameter_mm!r} mm;"
                f" at most {NECK_TO_HEAD_MAX} of the head's diameter is accepted",
                code="recipe-value",
            )
        low, high = CROSSING_ABOVE_LT
        if not low <= self._crossing_above_lt <= high:
            raise InputError(
                f"the neck axis meets the shaft {self._crossing_above_lt:.2f} head diameters above the lesser"
                f" trochanter; {low} to {high} is accepted (neck-shaft angle, offset and trochanter do not fit)",
                code="recipe-value",
            )
        if self.trochanter_height_mm < TROCHANTER_HEIGHT_MIN * self.head_diameter_mm:
            raise InputError(
                f"the greater trochanter's tip lies {self.trochanter_height_mm:.1f} mm above the lesser's;"
                f" at least {TROCHANTER_HEIGHT_MIN} head diameters is accepted",
                code="recipe-value",
            )

    @property
    def head_radius_mm(self) -> float:
        """Radius of the head's sphere, mm."""
        return 0.5 * self.head_diameter_mm

    @property
    def lesser_trochanter_height_mm(self) -> float:
        """Height of the lesser trochanter's tip along the shaft from the head centre, mm (negative)."""
        return -self.lesser_trochanter_ratio * self.head_diameter_mm

    @property
    def trochanter_height_mm(self) -> float:
        """Height of the greater trochanter's tip above the lesser's, mm."""
        return self.greater_trochanter_above_mm - self.lesser_trochanter_height_mm

    @property
    def crossing_height_mm(self) -> float:
        """Height where the neck axis passes the shaft axis, from the head centre, mm (negative)."""
        return float(-self.offset_mm / np.tan(np.radians(180.0 - self.neck_shaft_angle_deg)))

    @property
    def _crossing_above_lt(self) -> float:
        return (self.crossing_height_mm - self.lesser_trochanter_height_mm) / self.head_diameter_mm

    @staticmethod
    def drawn(rng: np.random.Generator, sex: Sex) -> FemurShape:
        """A femur drawn from the published means and spreads of ``sex``.

        The draw is multivariate normal with the correlations of ``CORRELATION``, redrawn where a
        number lies beyond ``DRAW_LIMIT_SD`` or the femur does not fit together.
        """
        mean, sd = MORPHOMETRICS[sex]
        for _ in range(DRAWS_MAX):
            z = rng.multivariate_normal(np.zeros(len(DRAWN)), CORRELATION, method="cholesky")
            age = float(rng.uniform(*DRAWN_AGE_YEARS))
            if np.max(np.abs(z)) > DRAW_LIMIT_SD:
                continue
            values = {name: float(m + s * v) for name, m, s, v in zip(DRAWN, mean, sd, z, strict=True)}
            try:
                return FemurShape(age_years=age, **values)
            except InputError:
                continue
        raise InputError(
            f"no femur of sex {sex!r} fitted together in {DRAWS_MAX} draws", code="recipe-value"
        )  # pragma: no cover


#: Accepted range of each parameter: the published extremes where there are any, else three to
#: four standard deviations (engineering choice).
ACCEPTED: dict[str, tuple[float, float]] = {
    "head_diameter_mm": (34.0, 62.0),
    "neck_shaft_angle_deg": (105.0, 145.0),
    "anteversion_deg": (-24.0, 49.0),
    "offset_mm": (22.0, 64.0),
    "neck_long_diameter_mm": (22.0, 44.0),
    "neck_short_diameter_mm": (15.0, 36.0),
    "neck_turn_isthmus_deg": (0.0, 60.0),
    "neck_turn_base_deg": (0.0, 45.0),
    "neck_anterior_offset_mm": (0.0, 12.0),
    "lesser_trochanter_ratio": (0.7, 1.4),
    "greater_trochanter_above_mm": (-9.8, 27.1),
    "shaft_diameter_mm": (20.0, 40.0),
    "age_years": (18.0, 95.0),
}
#: Thickest neck that still leaves a head to be seen, share of the head's diameter (engineering choice).
NECK_TO_HEAD_MAX = 0.8
#: Where the neck axis may pass the shaft axis, head diameters above the lesser trochanter (engineering
#: choice: below, the lesser trochanter would sit on the neck; above, the neck would leave the trochanter).
CROSSING_ABOVE_LT = (0.08, 0.75)
#: Least height of the greater trochanter's tip over the lesser's, head diameters (engineering choice).
TROCHANTER_HEIGHT_MIN = 0.95

#: The parameters that vary between people, in the order of ``MORPHOMETRICS`` and ``CORRELATION``.
DRAWN = (
    "head_diameter_mm",
    "neck_long_diameter_mm",
    "neck_short_diameter_mm",
    "shaft_diameter_mm",
    "offset_mm",
    "neck_shaft_angle_deg",
    "anteversion_deg",
    "lesser_trochanter_ratio",
    "greater_trochanter_above_mm",
    "neck_turn_isthmus_deg",
    "neck_turn_base_deg",
)
#: Mean and standard deviation by sex, sources beside the fields above. The offset's source pools the
#: sexes (42.9 ± 6.8): its mean is split in proportion to the heads and the spread within a sex is what
#: is then left of 6.8. The neck's short diameter takes its spread from the corridor's (Deng 2023).
#: Anteversion: means by sex PMC4775021, spread 8.1 Carmona. The lesser trochanter's ratio, the neck's
#: turns, the neck-shaft angle and the greater trochanter are pooled in their sources.
MORPHOMETRICS: dict[Sex, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "male": (
        (49.0, 33.9, 27.7, 31.0, 45.2, 124.7, 12.1, 1.01, 7.3, 30.6, 23.8),
        (3.0, 2.3, 2.1, 2.0, 6.4, 6.2, 8.1, 0.12, 5.1, 8.9, 4.0),
    ),
    "female": (
        (44.0, 29.4, 24.0, 28.0, 40.6, 124.7, 16.4, 1.01, 7.3, 30.6, 23.8),
        (3.0, 1.9, 1.9, 2.0, 6.4, 6.2, 8.1, 0.12, 5.1, 8.9, 4.0),
    ),
}
#: Draws beyond this many standard deviations are drawn again (engineering choice).
DRAW_LIMIT_SD = 3.0
#: Adults who get osteonecrosis, years (engineering choice).
DRAWN_AGE_YEARS = (25.0, 65.0)
#: Far more draws than ever needed (about one in two is kept); it bounds the loop.
DRAWS_MAX = 1000


def _correlation() -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Correlations of the draw (engineering choices; the sources give none).

    Large people are large in everything. A steep neck lifts the head: at a given offset the
    trochanters then lie lower below the head centre, which is geometry, not statistics.
    """
    pairs = {
        ("head_diameter_mm", "neck_long_diameter_mm"): 0.7,
        ("head_diameter_mm", "neck_short_diameter_mm"): 0.7,
        ("neck_long_diameter_mm", "neck_short_diameter_mm"): 0.7,
        ("head_diameter_mm", "shaft_diameter_mm"): 0.5,
        ("neck_long_diameter_mm", "shaft_diameter_mm"): 0.4,
        ("neck_short_diameter_mm", "shaft_diameter_mm"): 0.4,
        ("head_diameter_mm", "offset_mm"): 0.3,
        ("neck_long_diameter_mm", "offset_mm"): 0.2,
        ("neck_short_diameter_mm", "offset_mm"): 0.2,
        ("shaft_diameter_mm", "offset_mm"): 0.2,
        ("neck_shaft_angle_deg", "lesser_trochanter_ratio"): 0.6,
        ("neck_shaft_angle_deg", "greater_trochanter_above_mm"): -0.6,
        ("offset_mm", "lesser_trochanter_ratio"): 0.4,
        ("offset_mm", "greater_trochanter_above_mm"): -0.2,
        ("lesser_trochanter_ratio", "greater_trochanter_above_mm"): -0.4,
        ("neck_turn_isthmus_deg", "neck_turn_base_deg"): 0.5,
    }
    matrix = np.eye(len(DRAWN))
    for (first, second), value in pairs.items():
        i, j = DRAWN.index(first), DRAWN.index(second)
        matrix[i, j] = matrix[j, i] = value
    return matrix


CORRELATION = _correlation()
