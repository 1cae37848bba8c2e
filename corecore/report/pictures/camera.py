"""Parallel cameras: from which side a femur is seen, and which letters stand at the picture's edges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from corecore.base.grid import FloatArray
from corecore.base.language import say
from corecore.report.scene import Scene

#: Room around what must be seen, mm.
MARGIN_MM = 12.0
#: How far below the head's centre a panel reaches at least, mm: to the lesser trochanter of a large man.
BELOW_HEAD_MM = 75.0
#: Half the width of the view along the tunnel, in head radii.
ALONG_HALF_WIDTH_RADII = 1.75
#: Cosine above which an edge takes a second letter: 25 degrees off the main direction, so that
#: "S" alone never stands where half of the direction is lateral (engineering choice).
SECOND_LETTER_COSINE = 0.42


@dataclass(frozen=True, eq=False)
class Camera:
    """A parallel projection. ``right``, ``up`` and ``into`` are unit vectors of the picture, RAS.

    ``center`` (3,) is shown in the middle; ``width_mm`` x ``height_mm`` is in view. Raises
    ``ValueError`` where the three vectors would mirror the patient.
    """

    title: str
    center: FloatArray
    right: FloatArray
    up: FloatArray
    into: FloatArray
    width_mm: float
    height_mm: float

    def __post_init__(self) -> None:
        if not np.allclose(np.cross(self.right, self.up), -self.into, atol=1e-6):
            raise ValueError("the camera's axes are not those of an unmirrored picture")

    def project(self, points_mm: npt.ArrayLike) -> FloatArray:
        """Points (N, 3) as mm to the right of the middle, mm above it, and mm behind it, (N, 3)."""
        axes = np.stack([self.right, self.up, self.into])
        return np.asarray((np.asarray(points_mm, dtype=np.float64) - self.center) @ axes.T, dtype=np.float64)


def cameras(scene: Scene, aspect: float) -> tuple[Camera, Camera, Camera]:
    """From the front, from the hip's own outer side, and along the first tunnel (without one: along the neck).

    ``aspect`` is a panel's width over its height. The femur's own frame decides, so a patient
    who lies turned is seen from the front all the same.
    """
    up, front = scene.proximal, scene.anterior
    c, r = scene.head_center, scene.head_radius_mm
    corners = [c + sign * r * axis for sign in (-1, 1) for axis in (scene.patient_right, front, up)]
    corners.append(c - BELOW_HEAD_MM * up)
    for tunnel in scene.tunnels:
        corners += [tunnel.entry, tunnel.tip, tunnel.entry - 10.0 * up]
    # The outer wall belongs in view also where no tunnel leads to it.
    outer = (scene.femur.points_mm - c)[np.abs((scene.femur.points_mm - c) @ up) < BELOW_HEAD_MM]
    if len(outer):
        corners.append(c + scene.lateral * float(np.max(outer @ scene.lateral)))
    seen = np.array(corners)
    first = _fitted(say("AP view"), seen, -scene.patient_right, up, -front, aspect)
    lateral_right = np.cross(-scene.lateral, up)
    second = _fitted(
        say("Lateral view (left)") if scene.side == "left" else say("Lateral view (right)"),
        seen,
        lateral_right,
        up,
        -scene.lateral,
        aspect,
    )
    # One scale for both, so that lengths can be compared by eye.
    height = max(first.height_mm, second.height_mm)
    first, second = (Camera(p.title, p.center, p.right, p.up, p.into, height * aspect, height) for p in (first, second))

    into = scene.tunnels[0].direction if scene.tunnels else scene.neck_axis
    title = say("Along the tunnel, entry to tip") if scene.tunnels else say("Along the neck, to the head")
    if len(scene.tunnels) > 1:
        title = say("Along tunnel 1, entry to tip")
    above = up - np.dot(up, into) * into
    if np.linalg.norm(above) < 0.05:
        above = front - np.dot(front, into) * into
    above = above / np.linalg.norm(above)
    half = ALONG_HALF_WIDTH_RADII * r
    width = 2 * half * max(1.0, aspect)
    third = Camera(title, c, np.cross(into, above), above, into, width, width / aspect)
    return first, second, third


def _fitted(title: str, seen: FloatArray, right: FloatArray, up: FloatArray, into: FloatArray, aspect: float) -> Camera:
    flat = np.stack([seen @ right, seen @ up, seen @ into], axis=1)
    low, high = flat.min(axis=0), flat.max(axis=0)
    middle = 0.5 * (low + high)
    width, height = high[:2] - low[:2] + 2 * MARGIN_MM
    height = max(height, width / aspect)
    center = middle[0] * right + middle[1] * up + middle[2] * into
    return Camera(title, center, right, up, into, height * aspect, height)


def direction_letters(scene: Scene, direction: FloatArray) -> str:
    """One or two of R L A P S I: the patient's side that a unit vector (3,) points to, in the femur's frame."""
    axes = (("R", "L", scene.patient_right), ("A", "P", scene.anterior), ("S", "I", scene.proximal))
    shares = sorted(
        ((abs(float(direction @ axis)), plus, minus, axis) for plus, minus, axis in axes), key=lambda s: -s[0]
    )
    named = [s for k, s in enumerate(shares) if k == 0 or (k == 1 and s[0] > SECOND_LETTER_COSINE)]
    return "".join(plus if direction @ axis > 0 else minus for _, plus, minus, axis in named)


def edge_letters(scene: Scene, camera: Camera) -> dict[str, str]:
    """Letters at the picture's ``left``, ``right``, ``top`` and ``bottom``: one or two of R L A P S I."""
    return {
        "left": direction_letters(scene, -camera.right),
        "right": direction_letters(scene, camera.right),
        "top": direction_letters(scene, camera.up),
        "bottom": direction_letters(scene, -camera.up),
    }
