"""Lesions of any shape in a coarse femur: figures that are finite, or null with a reason, or one line of why not."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from functools import cache
from typing import Any

import jsonschema
import msgspec
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from corecore.base.errors import InputError
from corecore.base.grid import Mask
from corecore.base.spec import Spec
from corecore.document.content import content_of
from corecore.document.measures import MeasuresDocument
from corecore.document.schema import json_schema
from corecore.hip.case import case_from_masks
from corecore.hip.hip import Hip, build_hip
from corecore.measures.document import measures_document
from corecore.measures.model import measure
from corecore.study.phantom.hip import HipRecipe, make_hip

Voxels = npt.NDArray[np.bool_]
SPACING_MM = 2.5


@cache
def femur() -> tuple[Mask, Mask]:
    """The bone, and its voxels in the head or next to it."""
    made = make_hip(HipRecipe(spacing_mm=(SPACING_MM,) * 3, shaft_below_mm=60.0))
    bone = made.femur
    places = np.moveaxis(np.indices(bone.grid.shape, dtype=float), 0, -1)
    center = (np.linalg.inv(bone.grid.world_from_index) @ [*made.truth.head_center, 1.0])[:3]
    away = np.linalg.norm((places - center) * SPACING_MM, axis=-1)
    return bone, Mask(bone.grid, bone.voxels & (away <= made.truth.head_radius_mm + 2.0))


def built(lesion: Voxels) -> Hip:
    bone, _ = femur()
    return build_hip(case_from_masks(Mask(bone.grid, bone.voxels & ~lesion), Mask(bone.grid, lesion), label_map=True))


KINDS = ("voxels", "ball", "shell", "line", "slice", "rim", "layer", "all", "low", "half", "dust")


def piece(kind: str, at: npt.NDArray[np.int64], size: int, axis: int) -> Voxels:
    """Voxels of the grid: one kind of what a mask may hold about a voxel ``at``."""
    bone, head = femur()
    where = np.moveaxis(np.indices(bone.grid.shape), 0, -1)
    depth = ndimage.distance_transform_cdt(bone.voxels, "chessboard")
    offset = np.abs(where - at)
    far = np.linalg.norm(where - at, axis=-1)
    found: Voxels
    match kind:
        case "voxels":
            found = far <= size**0.5
        case "ball":
            found = far <= size
        case "shell":
            found = np.abs(far - size) <= 0.5
        case "line":
            found = np.delete(offset, axis, axis=-1).max(axis=-1) == 0
        case "slice":
            found = offset[..., axis] == 0
        case "rim":
            found = (offset[..., axis] == 0) & (depth == 1)
        case "layer":
            found = (depth == 1 + size % 3) & (far <= 3 * size)
        case "all":
            found = np.ones_like(bone.voxels)
        case "low":
            found = where[..., 2] < np.argwhere(head.voxels)[:, 2].min() + 1 + size
        case "half":
            found = where[..., axis] > at[axis]
        case _:
            found = np.random.default_rng(int(at[0])).random(bone.grid.shape) < 0.2
    return found & head.voxels


@st.composite
def lesions(draw: st.DrawFn) -> Voxels:
    """Unions of up to three pieces in the head."""
    _, head = femur()
    inside = np.argwhere(head.voxels)
    result = np.zeros_like(head.voxels)
    for kind in draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=3)):
        at = inside[draw(st.integers(0, len(inside) - 1))]
        result |= piece(kind, at, draw(st.integers(1, 5)), draw(st.integers(0, 2)))
    return result


def numbers(value: Any, path: str = "") -> Iterator[tuple[str, float]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from numbers(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from numbers(item, f"{path}[{index}]")
    elif isinstance(value, float | int) and not isinstance(value, bool):
        yield path, value


def nulls(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from nulls(item, f"{path}.{key}" if path else key)
    elif value is None:
        yield path


def holds(written: dict[str, Any]) -> None:
    """What is true of the measures of every lesion."""
    jsonschema.validate(written, json_schema("measures"))
    json.dumps(written, allow_nan=False)
    figures = {path: value for path, value in numbers(written) if not path.startswith(("created", "signs"))}
    assert all(math.isfinite(value) for value in figures.values())
    for path, value in figures.items():
        # Changes of a share may be negative.
        if path.endswith(("fraction", "_share")) and not path.startswith(("repeatability", "jic", "components[")):
            assert 0.0 <= value <= 1.0, path
    assert written["volume_ml"] > 0.0
    assert sum(written["octants"].values()) == pytest.approx(1.0, abs=1e-5)
    foci = written["components"]
    assert sum(focus["volume_ml"] for focus in foci) == pytest.approx(written["volume_ml"], abs=1e-5 * len(foci))
    assert sum(focus["fraction"] for focus in foci) == pytest.approx(1.0, abs=1e-5 * len(foci))
    assert [focus["number"] for focus in foci] == list(range(1, len(foci) + 1))
    volumes = [focus["volume_ml"] for focus in foci]
    assert volumes == sorted(volumes, reverse=True)
    told = {warning["code"] for warning in written["warnings"]}
    assert (len(foci) > 1) == ("several_foci" in told)
    # Every figure that is null says why.
    plain = {key: value for key, value in written.items() if key not in ("repeatability", "signs", "summary", "case")}
    assert set(nulls(plain)) <= set(written["missing"])
    vanished = [path for path in written["missing"] if path.startswith("repeatability")]
    assert bool(vanished) == ("lesion_thin" in told)
    for name in ("half_voxel", "one_mm"):
        gone = written["repeatability"]["figures"]["volume_ml"][name][0] is None
        assert gone == (f"repeatability.{name}.inward" in vanished)
    low, high = written["head_fraction_half_voxel"]
    assert low <= written["head_fraction"] <= high


def measured(lesion: Voxels) -> dict[str, Any]:
    hip = built(lesion)
    document = measures_document(hip, measure(hip, Spec()))
    written: dict[str, Any] = json.loads(json.dumps(content_of(document)))
    msgspec.convert(written, MeasuresDocument)
    return written


@pytest.mark.slow
@settings(max_examples=settings().max_examples // 5)
@given(lesion=lesions())
def test_measures_of_any_lesion_are_figures_or_a_line_of_why_not(lesion: Voxels) -> None:
    refused = None
    try:
        written = measured(lesion)
    except InputError as error:
        refused = error.code
    if refused is None:
        holds(written)
    # Nothing else may be wrong with it, as all of it lies in the head; what is drawn by chance may look like a gap.
    assert refused in {None, "lesion-too-small", "mask-empty", "slices-missing"}


@pytest.mark.slow
def test_the_whole_head_is_a_lesion_too() -> None:
    written = measured(femur()[1].voxels)
    holds(written)
    assert written["weight_bearing"]["surface_fraction"] > 0.97
    assert written["head_fraction"] > 0.9


def test_a_small_lesion_beside_the_head_is_refused_in_a_line() -> None:
    """A part that would be left out as a stray one, if it were not all there is: 8 voxels of 0.016 ml."""
    bone, head = femur()
    gap = ndimage.distance_transform_edt(~head.voxels, sampling=SPACING_MM)
    start = next(
        at for at in np.argwhere(bone.voxels & (gap > 6.0)) if bone.voxels[tuple(slice(i, i + 2) for i in at)].all()
    )
    lesion = np.zeros_like(bone.voxels)
    lesion[tuple(slice(i, i + 2) for i in start)] = True
    with pytest.raises(InputError) as refused:
        built(lesion)
    assert refused.value.code == "lesion-away-from-head"
