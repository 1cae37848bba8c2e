"""Where a guide sits: the lateral femur about the entries, seen along the way the guide is put on.

The seat is a height field: over each point of a plane across the way it is put on, the height at which
the bone, grown by the clearance, is first met from outside. A solid above a height field has no
undercut, so the guide goes on and comes off, and lies outside the bone whatever the bone's shape.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from corecore.base.errors import InputError
from corecore.base.grid import FloatArray, inverse, transform
from corecore.exports.guide.design import Design
from corecore.exports.guide.hold import Hold, hold_of
from corecore.hip.hip import Hip
from corecore.tunnels.cylinder import Tunnel

#: Distance between points of the height field, mm: over a bone of 5 mm radius a chord is 0.006 mm off.
STEP_MM = 0.5
#: Heights looked at over the entries, mm: above a greater trochanter's bulge, below any skirt.
FROM_MM, TO_MM = 60.0, -25.0
#: Footprints tried, smallest first, mm: half the width, and how far it reaches distally and proximally
#: (engineering choice: what a lateral approach to the vastus ridge lays bare).
FOOTPRINTS = ((16.0, 28.0, 20.0), (18.0, 30.0, 23.0), (20.0, 33.0, 26.0), (22.0, 36.0, 30.0))
#: Along its rim the footprint has a band without contact, mm: there the seat goes on level, so that the rim
#: is square and no edge is thin.
BAND_MM = 3.0
#: Radius of the footprint's corners, mm.
CORNER_MM = 5.0
#: The height field goes on beyond the footprint, for sleeves that lean out over its rim, mm.
BEYOND_MM = 40.0
#: A groove this much wider than the least wall is filled, mm.
FIN_SPARE_MM = 1.0
#: Bone further from the seat than this, besides the clearance, is not touched, mm.
TOUCHING_MM = 0.1
#: Bone steeper than this against the way the guide is put on carries nothing, degrees (engineering choice).
STEEPEST_DEG = 70.0


@dataclass(frozen=True, eq=False)
class Seat:
    """A footprint and the bone under it.

    ``world_from_seat`` (4, 4): origin at the middle of the entries, z outward, along which the guide is put on, y
    proximal. ``heights`` (nx, ny) mm over the points ``x`` (nx,) by ``y`` (ny,): the seat, level in the rim's band and
    nowhere under ``floor_mm``. ``contact_mm2``: bone it touches. ``front``: +1 or −1, the end of x that is
    anterior.
    """

    world_from_seat: FloatArray
    half_width_mm: float
    distal_mm: float
    proximal_mm: float
    x: FloatArray
    y: FloatArray
    heights: FloatArray
    floor_mm: float
    contact_mm2: float
    hold: Hold
    front: float

    @property
    def top_of_bone_mm(self) -> float:
        """Highest seat under the footprint."""
        a, b = np.meshgrid(self.x, self.y, indexing="ij")
        inside = (np.abs(a) <= self.half_width_mm) & (b <= self.proximal_mm) & (b >= -self.distal_mm)
        return float(self.heights[inside].max())

    def rim_mm(self, side: float, low_mm: float, high_mm: float) -> float:
        """Highest seat along the wall at that end of x, between two places along y."""
        i = int(np.argmin(np.abs(self.x - side * self.half_width_mm)))
        return float(self.heights[i, (self.y >= low_mm) & (self.y <= high_mm)].max())


def frame_at(hip: Hip, tunnels: tuple[Tunnel, ...], design: Design) -> FloatArray:
    """``world_from_seat`` (4, 4): z along the mean normal of the bone a small guide would touch, y proximal.

    The bone's normal at the entry alone would tilt the guide where a ridge begins.
    """
    entry = np.mean([tunnel.entry for tunnel in tunnels], axis=0)
    outward = hip.direction_to_world(hip.bone.mouth_normal(entry)[0])
    first = _frame(hip, entry, outward)
    bare, _, normals, area = _contact(hip, first, FOOTPRINTS[0], design)
    if len(bare) == 0:
        return first
    mean = first[:3, :3] @ (area @ normals)
    return _frame(hip, entry, mean)


def find_seat(hip: Hip, frame: FloatArray, design: Design, room_mm: float, letters: Callable[[Seat], float]) -> Seat:
    """The smallest footprint that holds the guide to within ``design.slip_mm``; if none does, the one that holds best.

    ``spare_clearance_mm``: how far about the origin the footprint must reach, for the sleeves; ``letters`` says how far
    proximally, for the lettering. Raises ``InputError`` where none has enough contact, or none holds
    (``hold_of``).
    """
    best: Seat | None = None
    held: list[Seat] = []
    for width, distal, proximal in FOOTPRINTS:
        size = (max(width, room_mm), max(distal, room_mm), max(proximal, room_mm))
        seat = _seat(hip, frame, size, design)
        # A longer plate may find higher bone and become thicker, and its letters begin further off.
        for _ in range(3):
            wanted = letters(seat)
            if wanted <= seat.proximal_mm:
                break
            seat = _seat(hip, frame, (size[0], size[1], wanted), design)
        best = seat if best is None or seat.hold.stability > best.hold.stability else best
        if seat.contact_mm2 < design.contact_min_mm2 or seat.hold.stability < design.stability_min:
            continue
        held.append(seat)
        if design.clearance_mm <= design.slip_mm * seat.hold.closing:
            return seat
    if held:
        return max(held, key=lambda seat: seat.hold.closing)
    assert best is not None
    if best.contact_mm2 < design.contact_min_mm2:
        raise InputError(
            f"no stable seat: the guide touches {best.contact_mm2:.0f} mm² of bone;"
            f" {design.contact_min_mm2:g} mm² (contact_min_mm2) and more are accepted",
            code="guide-no-seat",
        )
    raise InputError(
        f"no stable seat: the bone is too flat, or too round about one axis: {best.hold.weakest} of 1 mm opens it by"
        f" {best.hold.stability:.3f} mm; {design.stability_min:g} (stability_min) and more are accepted",
        code="guide-no-seat",
    )


def _frame(hip: Hip, entry: FloatArray, outward: FloatArray) -> FloatArray:
    outward = outward / np.linalg.norm(outward)
    shaft = hip.direction_to_world(hip.anatomy.shaft_axis)
    proximal = shaft - (shaft @ outward) * outward
    proximal /= np.linalg.norm(proximal)
    result = np.eye(4)
    result[:3, :3] = np.stack([np.cross(proximal, outward), proximal, outward], axis=1)
    result[:3, 3] = hip.to_world(entry)
    return result


def _seat(hip: Hip, frame: FloatArray, size: tuple[float, float, float], design: Design) -> Seat:
    width, distal, proximal = size
    x, y = _lines_about(size, BEYOND_MM)
    bone = as_seat(height_field(hip, frame, x, y, design.clearance_mm), design)
    heights = np.maximum(np.maximum(bone, _at_rim(bone, x, y, size)), -design.skirt_mm)
    points, flat, normals, area = _contact(hip, frame, size, design)
    return Seat(
        frame, width, distal, proximal, x, y, heights, -design.skirt_mm, float(flat.sum()),
        hold_of(points, normals, area),
        # Proximal by outward is anterior on a right hip, posterior on a left one.
        1.0 if hip.side == "right" else -1.0,
    )  # fmt: skip


def _lines_about(size: tuple[float, float, float], beyond_mm: float) -> tuple[FloatArray, FloatArray]:
    """Places across and along a footprint and beyond it, on one lattice whatever the size."""
    width, distal, proximal = size
    across = np.arange(-np.ceil((width + beyond_mm) / STEP_MM), np.ceil((width + beyond_mm) / STEP_MM) + 1)
    along = np.arange(-np.ceil((distal + beyond_mm) / STEP_MM), np.ceil((proximal + beyond_mm) / STEP_MM) + 1)
    return STEP_MM * across, STEP_MM * along


def _contact(
    hip: Hip, frame: FloatArray, size: tuple[float, float, float], design: Design
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Bone that a footprint touches: points (N, 3), their areas mm² (N,), normals (N, 3), shares of the area (N,)."""
    x, y = _lines_about(size, 0.0)
    bone = height_field(hip, frame, x, y, design.clearance_mm)
    a, b = np.meshgrid(x, y, indexing="ij")
    near = as_seat(bone, design) - bone < TOUCHING_MM
    away = np.linalg.norm(_from_core(a, b, size)[1], axis=-1)
    touching = near & (bone > -design.skirt_mm) & (away < CORNER_MM - BAND_MM)
    points = np.stack([a[touching], b[touching], bone[touching]], axis=1)
    normals = _normals(hip, frame, points)
    flat = normals[:, 2] >= np.cos(np.radians(STEEPEST_DEG))
    area = STEP_MM**2 / normals[flat, 2]
    return points[flat], area, normals[flat], area / max(float(area.sum()), 1e-9)


def height_field(hip: Hip, frame: FloatArray, x: FloatArray, y: FloatArray, clearance_mm: float) -> FloatArray:
    """Height (nx, ny), mm, at which a point coming down over (x, y) is ``clearance_mm`` from the bone.

    ``TO_MM`` where it meets none. It goes down by what the distance to the bone allows, so no ridge is stepped over.
    """
    a, b = np.meshgrid(x, y, indexing="ij")
    local_from_seat = inverse(hip.world_from_local) @ frame
    start = np.stack([a.ravel(), b.ravel(), np.full(a.size, FROM_MM)], axis=1)
    place = transform(local_from_seat, start)
    down = -local_from_seat[:3, 2]
    height = np.full(a.size, FROM_MM)
    active = np.arange(a.size)
    for _ in range(400):
        gap = -distance_about(hip, place[active] + (FROM_MM - height[active])[:, None] * down) - clearance_mm
        going = gap > 1e-3
        # Far from the bone its field is that of every second voxel: not to be trusted to the last.
        step = np.where(gap > 3.0, gap - 2.0, 0.8 * gap)
        height[active] -= np.where(going, np.maximum(step, 2e-3), 0.0)
        active = active[going & (height[active] > TO_MM)]
        if len(active) == 0:
            break
    return np.asarray(np.maximum(height, TO_MM).reshape(a.shape), dtype=np.float64)


def as_seat(heights: FloatArray, design: Design) -> FloatArray:
    """A height field raised where a guide cannot follow it: beside cliffs, and over grooves too narrow for a wall.

    A cliff's edge lies anywhere between two points of the field; raised a step beside it, the surface
    between them cannot cut the edge off.
    """
    raised = heights.copy()
    padded = np.pad(heights, 1, mode="edge")
    n, m = heights.shape
    for i, j in ((a, b) for a in (-1, 0, 1) for b in (-1, 0, 1) if (a, b) != (0, 0)):
        drop = STEP_MM * float(np.hypot(i, j)) * np.tan(np.radians(STEEPEST_DEG))
        np.maximum(raised, padded[1 + i : 1 + i + n, 1 + j : 1 + j + m] - drop, out=raised)
    return without_fins(raised, design)


def without_fins(heights: FloatArray, design: Design) -> FloatArray:
    """A height field raised over grooves too narrow for a wall: no fin of the guide stands in them."""
    reach = int(np.ceil((design.wall_min_mm + FIN_SPARE_MM) / 2.0 / STEP_MM))
    offset = np.arange(-reach, reach + 1)
    disc = offset[:, None] ** 2 + offset[None, :] ** 2 <= (reach + 0.25) ** 2
    # Beyond the map the field is taken to go on level.
    return np.asarray(ndimage.grey_closing(heights, footprint=disc, mode="nearest"), dtype=np.float64)


def distance_about(hip: Hip, points_mm: FloatArray) -> FloatArray:
    """Distance to the bone's surface at local points (N, 3), mm, positive inside, beyond the array too.

    Outside the array it is that of the nearest place in it less the way there, and so never too near to zero
    from outside: the array holds the bone with room about it.
    """
    # Rounding must not put a point of the last voxel outside the array, which counts as endlessly far.
    high = (np.array(hip.bone.distance_mm.shape) - 1) * hip.bone.spacing_mm - 1e-6
    held = np.clip(points_mm, 0.0, high)
    away = np.linalg.norm(points_mm - held, axis=1)
    found = hip.bone.distance(held)
    return np.asarray(np.where(away > 0.0, np.minimum(found, -0.01) - 0.5 * away, found))


def _at_rim(bone: FloatArray, x: FloatArray, y: FloatArray, size: tuple[float, float, float]) -> FloatArray:
    """The height at the nearest point of the footprint less its band: what the seat goes on with beyond it."""
    a, b = np.meshgrid(x, y, indexing="ij")
    core, away = _from_core(a, b, size)
    far = np.maximum(np.linalg.norm(away, axis=-1, keepdims=True), 1e-9)
    held = core + away * np.minimum(1.0, (CORNER_MM - BAND_MM) / far)
    index = [(held[..., 0] - x[0]) / STEP_MM, (held[..., 1] - y[0]) / STEP_MM]
    return np.asarray(ndimage.map_coordinates(bone, index, order=1, mode="nearest"), dtype=np.float64)


def _from_core(a: FloatArray, b: FloatArray, size: tuple[float, float, float]) -> tuple[FloatArray, FloatArray]:
    """The nearest points of the rectangle about whose corners the footprint is rounded, and the way from there."""
    width, distal, proximal = size
    core = np.stack(
        [np.clip(a, CORNER_MM - width, width - CORNER_MM), np.clip(b, CORNER_MM - distal, proximal - CORNER_MM)],
        axis=-1,
    )
    return core, np.stack([a, b], axis=-1) - core


def _normals(hip: Hip, frame: FloatArray, points: FloatArray) -> FloatArray:
    """Outward unit normals (N, 3) of the bone at points of the seat's frame, in that frame.

    They are averaged over a drill's mouth: the stairs of the voxels would make a smooth tube look as if it held.
    """
    local_from_seat = inverse(hip.world_from_local) @ frame
    normals = hip.bone.mouth_normal(transform(local_from_seat, points))
    return np.asarray(normals @ local_from_seat[:3, :3], dtype=np.float64)
