"""The bone along a tunnel's axis, read again from the CT and the femur's mask that the plan names.

Values between voxels are worked out here, from the eight around a place; the cortex is read on rays of its own about
the normal of its own mesh.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from corecore.base.grid import BoolArray, FloatArray, Grid, Image, Mask, transform
from corecore.document.fields import known
from corecore.document.stated import StatedPlan
from corecore.document.tunnels import DensityPart, PathBonePart
from corecore.io.references import read_image, read_mask
from corecore.verification import tolerance
from corecore.verification.cylinder import DrilledCylinder
from corecore.verification.hip import Hip
from corecore.verification.report import Check, equal, same_text

#: As the figures are defined: values every so many mm, stretches so long.
EVERY_MM, STRETCH_MM = 0.1, 5.0
#: Rays about the entry, within this of it, mm; from so far outside the surface to so far inside; points on a ray.
RAYS, WITHIN_MM, RAY_FROM_MM, RAY_TO_MM, RAY_POINTS = 25, 2.0, -4.0, 15.0, 381
#: The densest place lies no deeper; it stands out by so much on either side, HU.
PEAK_TO_MM, STANDS_OUT_HU = 8.0, 150.0
#: Thinner than so many voxels the cortex is smeared.
SMEARED_VOXELS = 1.5


class _Inputs:
    """The plan's image and the femur as it was drawn, read once, where they are asked for."""

    def __init__(self, plan: StatedPlan) -> None:
        self._plan = plan

    @cached_property
    def image(self) -> Image | None:
        item = self._plan.input("image")
        if item is None or not item.path.is_file():
            return None
        return read_image(str(item.path))

    @cached_property
    def femur(self) -> Mask:
        item = self._plan.input("femur")
        assert item is not None
        return read_mask(str(item.path) if item.label is None else f"{item.path}:{item.label}")


def path_bone_checks(plan: StatedPlan, hip: Hip, bores: list[DrilledCylinder]) -> list[Check]:
    """``path_bone`` of every tunnel that states it."""
    inputs, checks = _Inputs(plan), []
    for index, (part, bore) in enumerate(zip(plan.file.plan.tunnels, bores, strict=True)):
        stated = known(part.path_bone)
        if stated is None:
            continue
        name = f"tunnels[{index}].path_bone"
        density = known(stated.density)
        if density is not None:
            checks += _density_checks(f"{name}.density", density, bore, inputs.image)
        checks += _cortex_checks(name, stated, bore, hip, inputs)
    return checks


def _density_checks(name: str, stated: DensityPart, bore: DrilledCylinder, image: Image | None) -> list[Check]:
    tunnel = bore.tunnel
    length = tunnel.length_mm
    count = int(np.floor(length / EVERY_MM - 1e-9)) + 1
    at = np.array([*(EVERY_MM * k for k in range(count)), length])
    values = None if image is None else between_voxels(image, tunnel.start + at[:, None] * tunnel.axis)

    def of(start: float, stop: float) -> tuple[float, float, float] | None:
        if values is None:
            return None
        within = (at > start - 1e-6) & (at < stop + 1e-6)
        x, y = at[within], values[within]
        steps = np.diff(x)
        mean = float(np.sum(0.5 * (y[:-1] + y[1:]) * steps) / np.sum(steps)) if len(x) > 1 else float(y[0])
        return mean, float(np.min(y)), float(np.max(y))

    def compared(where: str, part: object, start: float, stop: float) -> list[Check]:
        found = of(start, stop)
        keys = ("mean_hu", "least_hu", "greatest_hu")
        return [
            equal(f"{where}.{key}", known(getattr(part, key)), None if found is None else found[k], tolerance.HU, "HU")
            for k, key in enumerate(keys)
        ]

    checks = compared(name, stated, 0.0, length)
    parts = max(1, int(np.ceil(length / STRETCH_MM - 1e-9)))
    checks.append(equal(f"{name}.stretches (number)", float(len(stated.stretches)), float(parts), 0.0, ""))
    for index, part in enumerate(stated.stretches[:parts]):
        where, start, stop = f"{name}.stretches[{index}]", STRETCH_MM * index, min(STRETCH_MM * (index + 1), length)
        checks.append(equal(f"{where}.from_mm", known(part.from_mm), start, tolerance.SEGMENT_MM, "mm"))
        checks.append(equal(f"{where}.to_mm", known(part.to_mm), stop, tolerance.SEGMENT_MM, "mm"))
        checks += compared(where, part, start, stop)
    return checks


def _cortex_checks(name: str, stated: PathBonePart, bore: DrilledCylinder, hip: Hip, inputs: _Inputs) -> list[Check]:
    """Thickness of the cortex at the entry, by the means that the plan names, and whether there was a better one."""
    source = known(stated.entry_cortex_from) or "none"
    inward = -hip.mesh.mouth_normal(bore.tunnel.start)
    # Evenly over a disc: each ray a golden angle further round.
    turn = np.pi * (3.0 - np.sqrt(5.0)) * np.arange(RAYS)
    size = WITHIN_MM * np.sqrt(np.arange(RAYS) / (RAYS - 1))
    helper = np.eye(3)[int(np.argmin(np.abs(inward)))]
    u = np.cross(inward, helper)
    u = u / np.linalg.norm(u)
    v = np.cross(inward, u)
    starts = bore.tunnel.start + size[:, None] * (np.cos(turn)[:, None] * u + np.sin(turn)[:, None] * v)
    at = np.linspace(RAY_FROM_MM, RAY_TO_MM, RAY_POINTS)
    points = (starts[:, None] + at[None, :, None] * inward).reshape(-1, 3)
    if source in ("ct", "ct_at_most"):
        spacing = 0.0 if inputs.image is None else float(np.max(inputs.image.grid.spacing_mm))
        found = None
        if inputs.image is not None:
            rays = between_voxels(inputs.image, points).reshape(RAYS, -1)
            found = _middle([_width(at, ray) for ray in rays])
        slack = tolerance.cortex_mm(spacing)
        checks = [equal(f"{name}.entry_cortex_mm", known(stated.entry_cortex_mm), found, slack, "mm")]
        # Near the limit either word is right.
        if found is not None and abs(found - SMEARED_VOXELS * spacing) > slack:
            word = "ct_at_most" if found < SMEARED_VOXELS * spacing else "ct"
            checks.append(same_text(f"{name}.entry_cortex_from", source, word))
        return checks
    slack = tolerance.cortex_mm(float(np.max(inputs.femur.grid.spacing_mm)))
    inside = inputs.femur.contains(points).reshape(RAYS, -1)
    shells = [_shell(at, ray) for ray in inside]
    seen = [one for one in shells if one is not None]
    if source == "mask":
        depth = float(np.mean(seen)) if 2 * len(seen) >= RAYS else None
        return [
            equal(f"{name}.entry_cortex_mm", known(stated.entry_cortex_mm), depth, slack, "mm"),
            same_text(f"{name}.entry_cortex_from", source, "none" if depth is None else "mask"),
        ]
    # Where few rays more or less decide, either is right.
    clear = len(seen) >= 0.7 * RAYS
    return [
        same_text(f"{name}.entry_cortex_from", source, "mask" if clear else "none"),
        equal(f"{name}.entry_cortex_mm", known(stated.entry_cortex_mm), None, 0.0, "mm"),
    ]


def between_voxels(image: Image, points_mm: FloatArray) -> FloatArray:
    """Values at world points (N, 3), linear between the eight voxels around each; NaN beyond the image."""
    grid: Grid = image.grid
    index = transform(grid.index_from_world, points_mm)
    last = np.array(grid.shape) - 1
    outside = np.any((index < -1e-9) | (index > last + 1e-9), axis=1)
    index = np.clip(index, 0, last)
    low = np.minimum(np.floor(index).astype(np.int64), np.maximum(last - 1, 0))
    share = index - low
    total = np.zeros(len(index))
    for corner in np.ndindex(2, 2, 2):
        step = np.array(corner)
        weight = np.prod(np.where(step == 1, share, 1.0 - share), axis=1)
        total += weight * image.values[tuple(np.minimum(low + step, last).T)]
    total[outside] = np.nan
    return total


def _middle(widths: list[float | None]) -> float | None:
    found = [one for one in widths if one is not None]
    return float(np.median(found)) if 2 * len(found) >= len(widths) else None


def _width(at: FloatArray, ray: FloatArray) -> float | None:
    """From half the way up on the outer side to half the way down on the inner, mm; ``None`` without a clear peak."""
    if not np.isfinite(ray).all():
        return None
    early = np.flatnonzero(at <= PEAK_TO_MM)
    top = early[int(np.argmax(ray[early]))]
    places = []
    for step, end in ((-1, -1), (1, len(ray))):
        side = np.arange(top, end, step)
        base = float(ray[side].min())
        if len(side) < 2 or ray[top] - base < STANDS_OUT_HU:
            return None
        half = 0.5 * (float(ray[top]) + base)
        beyond = side[int(np.flatnonzero(ray[side] <= half)[0])]
        before = beyond - step
        places.append(float(np.interp(half, [ray[beyond], ray[before]], [at[beyond], at[before]])))
    return places[1] - places[0]


def _shell(at: FloatArray, inside: BoolArray) -> float | None:
    """How much of a ray lies in the mask before it leaves it for a millimetre, mm; ``None`` where it does not."""
    if not inside.any():
        return None
    first = int(np.flatnonzero(inside)[0])
    out = np.flatnonzero(~inside[first:])
    if len(out) == 0:
        return None
    leaves = first + int(out[0])
    again = (at > at[leaves]) & (at < at[leaves] + 1.0)
    return None if inside[again].any() else float(at[leaves] - at[first])
