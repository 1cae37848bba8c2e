"""A population of synthetic hips: people, bones, necroses and scans, each drawn from a seed of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from corecore.base.errors import InputError
from corecore.study.phantom.files import write_hip
from corecore.study.phantom.hip import HipRecipe, make_hip
from corecore.study.phantom.pose import Side
from corecore.study.phantom.relief import SD_MAX_MM, Relief
from corecore.study.phantom.shape import Sex

Scan = Literal["fine", "drawn"]
Images = Literal["none", "ct", "mr", "both"]

#: Thickness of slices, mm (engineering choice: from thin CT to thick MR), log-uniform.
SLICE_MM = (0.5, 4.0)
#: Voxels within a slice, mm (engineering choice; coronal MR 0.44 by 0.63, 3-D MR 0.83 are in use), log-uniform.
PIXEL_MM = (0.45, 1.0)
#: How stacks lie: the axis across the slices; axial ones are taken most often (engineering choices).
STACKS: dict[int, float] = {2: 0.6, 1: 0.3, 0: 0.1}
#: How many stacks are oblique, and by how much about each axis, degrees (engineering choices).
OBLIQUE_SHARE = 0.5
OBLIQUE_SD_DEG = 12.0
#: Shaft in view below the lesser trochanter, mm: from scans of the hip to those of the thigh (engineering choice).
SHAFT_MM = (30.0, 124.0)
#: Noise and blur of images, times the usual (engineering choice), log-uniform.
TIMES = (0.5, 2.0)


@dataclass(frozen=True)
class Population:
    """What kind of hips are drawn.

    ``relief_mm``: standard deviation of each bone's own relief, 0 for none. ``scan``: ``fine`` has voxels of
    0.8 mm along the world's axes; ``drawn`` has slices of 0.5 to 4 mm, half of the stacks oblique, and
    scans that end sooner or later. ``images``: which images come along. ``sex`` and ``side`` fix what is tossed.
    """

    relief_mm: float = 0.5
    scan: Scan = "fine"
    images: Images = "none"
    sex: Sex | None = None
    side: Side | None = None

    def __post_init__(self) -> None:
        for name, kind in (("scan", Scan), ("images", Images), ("sex", Sex), ("side", Side)):
            value = getattr(self, name)
            if value not in get_args(kind) and not (value is None and name in ("sex", "side")):
                raise InputError(
                    f"{name} {value!r}; one of {', '.join(get_args(kind))} is accepted", code="recipe-value"
                )
        if not 0.0 <= self.relief_mm <= SD_MAX_MM:
            raise InputError(f"relief of {self.relief_mm!r} mm; 0 to {SD_MAX_MM} is accepted", code="recipe-value")

    def recipe(self, seed: int) -> HipRecipe:
        """The hip of a seed; nothing else decides it."""
        recipe = HipRecipe.drawn(seed, sex=self.sex, side=self.side)
        if self.relief_mm > 0.0:
            recipe = replace(recipe, relief=Relief(sd_mm=self.relief_mm, seed=seed))
        # Streams of their own: a bone is the same however it is scanned.
        if self.scan == "drawn":
            recipe = _scanned(recipe, np.random.default_rng([seed, 5]))
        if self.images != "none":
            rng = np.random.default_rng([seed, 6])
            noise, blur = (_log_uniform(rng, TIMES) for _ in range(2))
            recipe = replace(
                recipe, ct=self.images in ("ct", "both"), mr=self.images in ("mr", "both"), noise=noise, blur=blur
            )
        return recipe


def write_drawn(population: Population, folder: Path, seed: int) -> list[str]:
    """Write the hip of a seed as ``hip_<seed>`` (``write_hip``); returns its files. Needs no other hip."""
    files = write_hip(make_hip(population.recipe(seed)), folder, f"hip_{seed:06d}")
    return [str(path) for path in files]


def _scanned(recipe: HipRecipe, rng: np.random.Generator) -> HipRecipe:
    spacing, turn = _stack(rng)
    mr_spacing, mr_turn = _stack(rng)
    shaft = float(rng.uniform(*SHAFT_MM))
    return replace(
        recipe, spacing_mm=spacing, grid_turn_deg=turn, mr_spacing_mm=mr_spacing, mr_turn_deg=mr_turn,
        shaft_below_mm=shaft,
    )  # fmt: skip


def _stack(rng: np.random.Generator) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Voxel edges and turns of a stack of slices."""
    across = int(rng.choice(list(STACKS), p=list(STACKS.values())))
    thick, pixel = _log_uniform(rng, SLICE_MM), _log_uniform(rng, PIXEL_MM)
    oblique = float(rng.random() < OBLIQUE_SHARE)
    x, y, z = (float(angle) for angle in oblique * rng.normal(0.0, OBLIQUE_SD_DEG, 3))
    edges = [thick if axis == across else pixel for axis in range(3)]
    return (edges[0], edges[1], edges[2]), (x, y, z)


def _log_uniform(rng: np.random.Generator, bounds: tuple[float, float]) -> float:
    low, high = np.log(bounds)
    return float(np.exp(rng.uniform(low, high)))
