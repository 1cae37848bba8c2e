"""The bone along a tunnel's axis: CT density in stretches, and the cortex at the entry.

Density is read where the image is a CT in Hounsfield units, on the axis itself; the cortex along the surface's normal
at the entry, from the CT or else from a femur mask that leaves its marrow out.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from corecore.base.errors import InputError
from corecore.base.grid import BoolArray, FloatArray, Image, across_axes
from corecore.document.numbers import finite
from corecore.document.tunnels import CortexSource, DensityPart, DensityStretchPart, PathBonePart
from corecore.hip.hip import Hip
from corecore.hip.hounsfield import sampled_at, why_not_hounsfield
from corecore.tunnels.cylinder import Tunnel

#: Values are read so often along the axis, and told for stretches so long, mm.
STEP_MM, STRETCH_MM = 0.1, 5.0
#: The image around the femur that is looked at, mm.
ROOM_MM = 30.0
#: Rays beside each other that the cortex is read on: rings of so many about the entry, radii in mm. Their middle value
#: is told, where at least half of them show a cortex (engineering choices).
RINGS_MM, RAYS_PER_RING = (0.0, 1.0, 2.0), 8
#: A ray begins so far outside the mask's surface and ends so far inside, mm: lateral cortices measure up to some 8 mm
#: (engineering choice).
OUTSIDE_MM, INSIDE_MM, RAY_STEP_MM = 4.0, 15.0, 0.1
#: The densest place is looked for no deeper than this, mm: deeper lies another wall, or necrosis (engineering choice).
PEAK_WITHIN_MM = 8.0
#: The cortex stands out of the marrow by at least this, HU (engineering choice).
STANDS_OUT_HU = 150.0
#: A cortex thinner than so many voxels is smeared: what is read is no less than it has (engineering choice).
SMEARED_VOXELS = 1.5


@dataclass(frozen=True)
class Stretch:
    """CT density on a part of a tunnel's axis.

    Parameters
    ----------
    from_mm, to_mm : float
        Where it begins and ends, mm from the entry.
    mean_hu, least_hu, greatest_hu : float
        Density there, HU.
    """

    from_mm: float
    to_mm: float
    mean_hu: float
    least_hu: float
    greatest_hu: float


@dataclass(frozen=True)
class PathBone:
    """The bone along one tunnel's axis.

    Parameters
    ----------
    whole : Stretch or None
        Density from entry to tip; ``None`` without a CT that shows all of it.
    stretches : tuple of Stretch
        The same by 5 mm from the entry on; the last one is shorter.
    entry_cortex_mm : float or None
        Thickness of the cortex at the entry, along the surface's normal, mm.
    entry_cortex_from : {"ct", "ct_at_most", "mask", "none"}
        Where that is read: at half the density between cortex and what lies on either side of it; the same where it is
        thinner than 1.5 voxels, so that it is no more than that; in a femur mask that leaves the marrow out; or
        nowhere, as in a solid mask without a CT.
    """

    whole: Stretch | None
    stretches: tuple[Stretch, ...]
    entry_cortex_mm: float | None
    entry_cortex_from: CortexSource

    def part(self) -> PathBonePart:
        """As in ``plan.json``."""
        density = None
        if self.whole is not None:
            density = DensityPart(
                mean_hu=_hu(self.whole.mean_hu),
                least_hu=_hu(self.whole.least_hu),
                greatest_hu=_hu(self.whole.greatest_hu),
                stretches=[
                    DensityStretchPart(
                        finite(one.from_mm),
                        finite(one.to_mm),
                        _hu(one.mean_hu),
                        _hu(one.least_hu),
                        _hu(one.greatest_hu),
                    )
                    for one in self.stretches
                ],
            )
        thickness = None if self.entry_cortex_mm is None else round(self.entry_cortex_mm, 2)
        return PathBonePart(density=density, entry_cortex_mm=thickness, entry_cortex_from=self.entry_cortex_from)


def ct_of(hip: Hip) -> Image | None:
    """The hip's image around the femur where it is a CT in Hounsfield units, else ``None``; world RAS mm."""
    image = hip.case.image
    if image is None:
        return None
    try:
        image = image.around(hip.case.femur, ROOM_MM)
    except InputError:
        return None
    return None if why_not_hounsfield(hip, image) else image


def path_bone(hip: Hip, tunnel: Tunnel, ct: Image | None) -> PathBone:
    """Read the bone along a tunnel's axis.

    Parameters
    ----------
    hip : Hip
        The hip.
    tunnel : Tunnel
        The tunnel, local mm.
    ct : Image or None
        As of ``ct_of``.

    Returns
    -------
    PathBone
        Density and cortex; of what cannot be read ``None``.
    """
    whole, stretches = (None, ()) if ct is None else _density(hip, tunnel, ct)
    thickness, source = _entry_cortex(hip, tunnel, ct)
    return PathBone(whole, stretches, thickness, source)


def _density(hip: Hip, tunnel: Tunnel, ct: Image) -> tuple[Stretch | None, tuple[Stretch, ...]]:
    length = tunnel.length_mm
    at = np.append(STEP_MM * np.arange(int(np.floor(length / STEP_MM - 1e-9)) + 1), length)
    values = sampled_at(ct, hip, tunnel.entry + at[:, None] * tunnel.direction, outside=np.nan)
    if not np.all(np.isfinite(values)):
        return None, ()
    edges = np.append(STRETCH_MM * np.arange(int(np.ceil(length / STRETCH_MM - 1e-9))), length)
    parts = tuple(_stretch(at, values, float(a), float(b)) for a, b in pairwise(edges))
    return _stretch(at, values, 0.0, length), parts


def _stretch(at: FloatArray, values: FloatArray, start: float, stop: float) -> Stretch:
    within = (at >= start - 1e-6) & (at <= stop + 1e-6)
    x, y = at[within], values[within]
    mean = float(np.trapezoid(y, x) / (x[-1] - x[0])) if len(x) > 1 else float(y[0])
    return Stretch(start, stop, mean, float(y.min()), float(y.max()))


def _entry_cortex(hip: Hip, tunnel: Tunnel, ct: Image | None) -> tuple[float | None, CortexSource]:
    """Thickness of the cortex at the entry, mm, and where it is read."""
    inward = -hip.bone.mouth_normal(tunnel.entry)[0]
    u, v = across_axes(inward)
    turn = 2.0 * np.pi * np.arange(RAYS_PER_RING) / RAYS_PER_RING
    ring = np.cos(turn)[:, None] * u + np.sin(turn)[:, None] * v
    starts = np.concatenate([tunnel.entry + radius * (ring if radius else ring[:1] * 0.0) for radius in RINGS_MM])
    at = np.arange(-OUTSIDE_MM, INSIDE_MM + 1e-9, RAY_STEP_MM)
    points = starts[:, None] + at[:, None] * inward
    if ct is not None:
        values = sampled_at(ct, hip, points.reshape(-1, 3), outside=np.nan).reshape(points.shape[:2])
        found = [width for ray in values if (width := _half_width(at, ray)) is not None]
        if 2 * len(found) >= len(starts):
            thickness = float(np.median(found))
            voxel = float(np.max(ct.grid.spacing_mm))
            return thickness, "ct_at_most" if thickness < SMEARED_VOXELS * voxel else "ct"
    drawn = hip.case.original_femur
    if drawn is not None:
        inside = drawn.contains(hip.to_world(points.reshape(-1, 3))).reshape(points.shape[:2])
        depths = [depth for ray in inside if (depth := _shell(ray)) is not None]
        if 2 * len(depths) >= len(starts):
            # Each ends at a voxel's face: their mean lies between.
            return float(np.mean(depths)), "mask"
    return None, "none"


def _half_width(at: FloatArray, ray: FloatArray) -> float | None:
    """Width of the cortex on a ray from outside in, at half the way to either side; ``None`` where none stands out."""
    if not np.all(np.isfinite(ray)):
        return None
    peak = int(np.argmax(np.where(at <= PEAK_WITHIN_MM, ray, -np.inf)))
    before, behind = ray[: peak + 1], ray[peak:]
    if len(before) < 2 or len(behind) < 2:
        return None
    levels = []
    for side in (before[::-1], behind):
        base = float(side.min())
        half = 0.5 * (float(ray[peak]) + base)
        if ray[peak] - base < STANDS_OUT_HU:
            return None
        first = int(np.argmax(side <= half))
        levels.append(first - 1 + (side[first - 1] - half) / (side[first - 1] - side[first]))
    return float(RAY_STEP_MM * sum(levels))


def _shell(inside: BoolArray) -> float | None:
    """How much of a ray lies in the mask before it leaves it on the inner side, mm; ``None`` where it does not."""
    begins = int(np.argmax(inside))
    if not inside[begins]:
        return None
    leaves = int(np.argmax(~inside[begins:]))
    # It leaves, and stays out for a millimetre: a pit of one voxel is no marrow.
    rest = inside[begins + leaves :][: round(1.0 / RAY_STEP_MM)]
    return None if leaves == 0 or rest.any() else RAY_STEP_MM * leaves


def _hu(value: float) -> float:
    return round(finite(value), 1)
