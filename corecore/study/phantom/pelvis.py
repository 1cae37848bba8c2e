"""A hip bone about a synthetic head, with its acetabular edge and teardrop in closed form.

The frame is the hip bone's own: origin at the head's centre, x lateral, y anterior, z up the body, mm; a
right hip, the left one being its mirror image. The acetabulum is half a spherical shell about the
head's centre, cut by a plane through that centre, so its rim lies in every plane through the centre at
a known angle. A rounded plate hangs from it as medial wall; its lower end is the teardrop. Stubs of ilium and
ischium continue the bone, and there is a notch between the acetabulum's horns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from corecore.base.grid import FloatArray, Grid, Mask
from corecore.study.phantom.pose import Pose, Side
from corecore.study.phantom.primitives import round_cone
from corecore.study.phantom.sampling import grid_around, voxels_inside

# Proportions are engineering choices, set so that the coronal section is a hip bone's.
SHELL_MM = 5.0
#: Thickness of the medial wall, twice its rounding, and half its length from front to back.
WALL_MM = 6.0
WALL_HALF_LENGTH_MM = 22.0
#: Half the width of the notch between the horns; it opens below the head's centre by a third of the radius.
NOTCH_HALF_MM = 13.0
NOTCH_BELOW_RADII = 0.3


@dataclass(frozen=True)
class PelvisShape:
    """A hip bone about a head of ``head_radius_mm``.

    ``center_edge_deg`` is the rim's angle from vertical in the coronal plane through the head's centre,
    ``version_deg`` how far the acetabulum opens forward. ``teardrop_mm`` is the lowest point of the
    medial wall (lateral, up).
    """

    head_radius_mm: float = 24.0
    gap_mm: float = 3.5
    center_edge_deg: float = 36.0
    version_deg: float = 15.0
    teardrop_mm: tuple[float, float] = (-35.0, -19.0)

    @property
    def radius_mm(self) -> float:
        """Radius of the acetabulum, mm."""
        return self.head_radius_mm + self.gap_mm

    @property
    def opening(self) -> FloatArray:
        """Unit vector (3,) out of the acetabulum, across its rim."""
        edge = np.radians(self.center_edge_deg)
        front = np.radians(self.version_deg)
        # Turned forward about the rim's own spoke in the coronal plane, so that this spoke stays on the rim.
        flat = np.array([np.cos(edge), 0.0, -np.sin(edge)])
        return np.asarray(np.cos(front) * flat + np.array([0.0, np.sin(front), 0.0]))

    def edge_mm(self, normal: npt.ArrayLike = (0.0, 1.0, 0.0)) -> FloatArray:
        """Upper rim point (3,) in the plane through the head's centre across ``normal`` (3,)."""
        spoke = np.cross(np.asarray(normal, dtype=np.float64), self.opening)
        spoke *= np.sign(spoke[2]) / np.linalg.norm(spoke)
        return np.asarray(self.radius_mm * spoke)

    def teardrop_point_mm(self, normal: npt.ArrayLike = (0.0, 1.0, 0.0)) -> FloatArray:
        """Lowest point (3,) of the medial wall in the plane through the head's centre across ``normal`` (3,).

        The plate runs along y; its end is cut a little askew where ``normal`` leaves y, which is left
        out (under 0.1 mm up to 15°).
        """
        across = np.asarray(normal, dtype=np.float64)
        end = np.array([self.teardrop_mm[0], 0.0, self.teardrop_mm[1]])
        end[1] = -(end @ across) / across[1]
        return end

    def level_mm(self, points: FloatArray) -> FloatArray:
        """Signed level at points (N, 3), positive in bone, (N,) mm."""
        radius = self.radius_mm
        size = np.linalg.norm(points, axis=1)
        shell = np.minimum(np.minimum(radius + SHELL_MM - size, size - radius), -(points @ self.opening))
        notch = np.minimum(NOTCH_HALF_MM - np.abs(points[:, 1]), -NOTCH_BELOW_RADII * radius - points[:, 2])
        shell = np.minimum(shell, -notch)
        half = 0.5 * WALL_MM
        # The plate is its coronal section drawn along y: points slide to its middle before they are judged.
        flat = points.copy()
        flat[:, 1] -= np.clip(flat[:, 1], -WALL_HALF_LENGTH_MM, WALL_HALF_LENGTH_MM)
        top = (-radius - half, 0.0, 0.3 * radius)
        end = (self.teardrop_mm[0], 0.0, self.teardrop_mm[1] + half)
        parts = [
            shell,
            round_cone(flat, top, half, end, 0.999 * half),
            round_cone(points, (-8.0, -4.0, radius + 10.0), 9.0, (4.0, -16.0, radius + 62.0), 7.0),
            round_cone(points, (-18.0, -20.0, -14.0), 8.0, (-8.0, -30.0, -58.0), 11.0),
        ]
        return np.asarray(np.minimum(np.max(parts, axis=0), size - radius))


@dataclass(frozen=True, eq=False)
class PelvisOnGrid:
    """The mask of a hip bone in world RAS mm, and ``world_from_pelvis`` (4, 4), which mirrors on the left."""

    shape: PelvisShape
    mask: Mask
    world_from_pelvis: FloatArray


def pelvis_on_grid(
    shape: PelvisShape,
    pose: Pose,
    side: Side,
    *,
    spacing_mm: npt.ArrayLike = (1.0, 1.0, 1.0),
    rotation: npt.ArrayLike | None = None,
    shift: npt.ArrayLike = (0.0, 0.0, 0.0),
) -> PelvisOnGrid:
    """The hip bone at ``pose`` (its turns are the pelvis's) on a grid of its own.

    The columns of ``rotation`` (3, 3) are the voxel axes in the world; ``shift`` (3,) moves the grid by parts of a
    voxel.
    """
    spacing = np.broadcast_to(np.asarray(spacing_mm, dtype=np.float64), (3,))
    world_from_pelvis = pose.world_from_femoral(side)
    reach = shape.radius_mm + SHELL_MM
    low, high = np.array([-reach - WALL_MM - 8.0, -45.0, -72.0]), np.array([reach, reach, reach + 68.0])
    corners = np.array(np.meshgrid(*zip(low, high, strict=True))).reshape(3, -1).T
    world = corners @ world_from_pelvis[:3, :3].T + world_from_pelvis[:3, 3]
    loose = grid_around(world, spacing, rotation=rotation, pad_mm=4.0)
    matrix = loose.world_from_index.copy()
    matrix[:3, 3] += matrix[:3, :3] @ np.asarray(shift, dtype=np.float64)
    grid = Grid(loose.shape, matrix)
    pelvis_from_index = np.linalg.inv(world_from_pelvis) @ matrix
    mask = Mask(grid, voxels_inside(shape.level_mm, pelvis_from_index, grid.shape))
    return PelvisOnGrid(shape, mask, world_from_pelvis)
