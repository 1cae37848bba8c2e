"""What makes one bone unlike the next of the same measurements: a smooth random relief of its surface."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from corecore.base.errors import InputError
from corecore.base.grid import FloatArray

#: Waves that make up the relief; with so many it is normally distributed to a few per cent.
WAVES = 32
#: Shortest wave, in units of ``grain_mm`` over 2 pi: a surface without wrinkles.
SHARPEST = 2.0
#: Most relief accepted, mm: more is another bone (engineering choice).
SD_MAX_MM = 1.5
#: Accepted length over which the relief changes, mm.
GRAIN_MM = (8.0, 60.0)


@dataclass(frozen=True)
class Relief:
    """A stationary random field over the femoral frame.

    ``sd_mm``: standard deviation of the surface's place, outward positive; ``grain_mm``: length over which
    it changes (its covariance is nearly ``exp(-d^2 / 2 grain^2)``); both engineering choices, no source
    gives the spread that is left once the measurements are known. ``seed`` decides the field.
    """

    sd_mm: float = 0.5
    grain_mm: float = 16.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0.0 < self.sd_mm <= SD_MAX_MM:
            raise InputError(f"relief of {self.sd_mm!r} mm; above 0 to {SD_MAX_MM} is accepted", code="recipe-value")
        low, high = GRAIN_MM
        if not low <= self.grain_mm <= high:
            raise InputError(
                f"relief's grain of {self.grain_mm!r} mm; {low} to {high} is accepted", code="recipe-value"
            )

    @cached_property
    def _waves(self) -> tuple[FloatArray, FloatArray]:
        rng = np.random.default_rng([self.seed, 4])
        turns: FloatArray = rng.standard_normal((WAVES, 3))
        size = np.linalg.norm(turns, axis=1, keepdims=True)
        turns *= np.minimum(1.0, SHARPEST / size) / self.grain_mm
        return turns, rng.uniform(0.0, 2.0 * np.pi, WAVES)

    def level_mm(self, points: FloatArray) -> FloatArray:
        """How far the surface stands out at points (N, 3), (N,) mm."""
        turns, phases = self._waves
        total = np.zeros(len(points))
        # One wave at a time: all at once would hold 32 numbers for every voxel.
        for turn, phase in zip(turns, phases, strict=True):
            total += np.cos(points @ turn + phase)
        return np.asarray(self.sd_mm * np.sqrt(2.0 / WAVES) * total)


def away_from(points: FloatArray, center: npt.ArrayLike, radius: float, width: float) -> FloatArray:
    """0 within ``radius`` of a point, 1 beyond ``radius + width``, smooth between, (N,)."""
    away = np.linalg.norm(points - np.asarray(center, dtype=np.float64), axis=1)
    x = np.clip((away - radius) / width, 0.0, 1.0)
    return np.asarray(x * x * (3.0 - 2.0 * x))
