"""The C-arm: a point source, a flat detector, and where it stands for each view."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from corecore.base.grid import FloatArray
from corecore.base.language import say
from corecore.report.scene import Scene

#: From the source to the detector, and to the middle of what is looked at, mm: about those of a common
#: mobile C-arm (engineering choice).
SOURCE_DETECTOR_MM, SOURCE_MIDDLE_MM = 1000.0, 640.0
#: Edge of the square detector, mm: a nine-inch image intensifier, 147 mm of the patient (engineering choice).
DETECTOR_MM = 230.0
#: Frog-leg lateral: the thigh turned outward and flexed so far under an upright beam (engineering choice; texts
#: ask for some 45 to 60 degrees of outward turn).
FROG_TURN_DEG, FROG_FLEXION_DEG = 60.0, 30.0
#: How far the beam may lean out of the plane across the tunnel to stay near the front, degrees: the tunnel
#: keeps 87 % of its length in the picture (engineering choice).
LEAN_MAX_DEG = 30.0


@dataclass(frozen=True, eq=False)
class CArm:
    """A point source and a square detector, world RAS mm.

    The picture is what one sees from the detector looking back at the source: ``right`` and ``up`` (3,)
    are its unit vectors, and ``right`` x ``up`` runs along the beam, which rules out a mirrored picture.
    ``pixels`` on each edge; pixel (row, column) is counted from the upper left one's centre.
    """

    title: str
    source: FloatArray
    detector: FloatArray
    right: FloatArray
    up: FloatArray
    #: How it stands, where words are better than the detector's angles.
    note: str = ""
    #: Whether the femur has moved against the rest of the patient, so that only it is seen.
    femur_alone: bool = False
    pixels: int = 512
    detector_mm: float = DETECTOR_MM

    def __post_init__(self) -> None:
        beam = self.detector - self.source
        if not np.allclose(np.cross(self.right, self.up), beam / np.linalg.norm(beam), atol=1e-6):
            raise ValueError("the detector's axes are not those of an unmirrored picture across the beam")

    @property
    def beam(self) -> FloatArray:
        """Unit vector from the source to the detector's middle."""
        way = self.detector - self.source
        return np.asarray(way / np.linalg.norm(way), dtype=np.float64)

    @property
    def pixel_mm(self) -> float:
        """A pixel's edge on the detector."""
        return self.detector_mm / self.pixels

    @property
    def corner(self) -> FloatArray:
        """Centre of the upper left pixel, (3,) mm."""
        half = 0.5 * (self.detector_mm - self.pixel_mm)
        return np.asarray(self.detector - half * self.right + half * self.up, dtype=np.float64)

    def project(self, points_mm: npt.ArrayLike) -> FloatArray:
        """Column and row, (N, 2), at which world points (N, 3) are seen; points behind the source are no input."""
        offset = np.atleast_2d(np.asarray(points_mm, dtype=np.float64)) - self.source
        scale = np.linalg.norm(self.detector - self.source) / (offset @ self.beam)
        middle = 0.5 * (self.pixels - 1)
        column = middle + (offset @ self.right) * scale / self.pixel_mm
        row = middle - (offset @ self.up) * scale / self.pixel_mm
        return np.stack([column, row], axis=1)

    def pixels_per_mm(self, point_mm: FloatArray) -> float:
        """How many pixels a millimetre across the beam takes at a point's distance."""
        away = float((point_mm - self.source) @ self.beam)
        return float(np.linalg.norm(self.detector - self.source)) / away / self.pixel_mm


def c_arm(
    title: str, middle: FloatArray, beam: FloatArray, up: FloatArray, *, note: str = "", femur_alone: bool = False
) -> CArm:
    """A C-arm with its beam (unit vector, to the detector) through ``middle`` (3,) and ``up`` as upright as it goes."""
    above = up - (up @ beam) * beam
    above = above / np.linalg.norm(above)
    right = np.cross(above, beam)
    source = middle - SOURCE_MIDDLE_MM * beam
    return CArm(title, source, source + SOURCE_DETECTOR_MM * beam, right, above, note, femur_alone)


def middle_of(scene: Scene) -> FloatArray:
    """What the C-arm turns about: half-way from the head's centre to the entry, without one down the neck."""
    if scene.tunnels:
        return np.asarray(0.5 * (scene.head_center + scene.tunnels[0].entry), dtype=np.float64)
    return np.asarray(scene.head_center - 1.3 * scene.head_radius_mm * scene.neck_axis, dtype=np.float64)


def anteroposterior(scene: Scene) -> CArm:
    """From behind, the detector in front, as under an operating table; the femur's own front decides."""
    return c_arm(say("AP"), middle_of(scene), scene.anterior, scene.proximal)


def frog_leg(scene: Scene) -> CArm:
    """The hip flexed and externally rotated under the same vertical beam, drawn with the shaft upright."""
    turn, flexion = np.radians(FROG_TURN_DEG), np.radians(FROG_FLEXION_DEG)
    # Seen from the femur, a thigh turned outward has the patient's front on its inner side; flexed, distal.
    level = np.cos(turn) * scene.anterior - np.sin(turn) * scene.lateral
    beam = np.cos(flexion) * level - np.sin(flexion) * scene.proximal
    note = say(
        "hip flexed {flexion:g}° and externally rotated {turn:g}°, vertical beam; femur alone",
        flexion=FROG_FLEXION_DEG,
        turn=FROG_TURN_DEG,
    )
    return c_arm(say("Frog-leg lateral"), middle_of(scene), beam, scene.proximal, note=note, femur_alone=True)


def in_profile(scene: Scene, direction: FloatArray, gap: FloatArray) -> CArm:
    """Across a gap: the beam at right angles to ``gap`` (unit vector, tunnel to cortex), as near AP as may be.

    ``direction`` is the tunnel's. Both its wall and the bone's surface are then seen edge-on where the gap
    is, and the tunnel keeps most of its length.
    """
    flat = direction - (direction @ gap) * gap
    flat = flat / np.linalg.norm(flat)
    square = np.cross(flat, gap)
    if square @ scene.anterior < 0:
        square = -square
    lean = np.arctan2(flat @ scene.anterior, square @ scene.anterior)
    lean = np.clip(lean, -np.radians(LEAN_MAX_DEG), np.radians(LEAN_MAX_DEG))
    beam = np.cos(lean) * square + np.sin(lean) * flat
    return c_arm(say("Tangential view of the minimum neck clearance"), middle_of(scene), beam, scene.proximal)


def stance(scene: Scene, arm: CArm) -> tuple[float, float]:
    """The detector's position, degrees: turned laterally from the front, and tilted to the head."""
    beam = arm.beam
    turned = np.degrees(np.arctan2(beam @ scene.lateral, beam @ scene.anterior))
    tilted = np.degrees(np.arcsin(np.clip(beam @ scene.proximal, -1.0, 1.0)))
    return float(turned), float(tilted)


def stance_words(scene: Scene, arm: CArm) -> str:
    """The detector's position in words."""
    turned, tilted = (round(angle) for angle in stance(scene, arm))
    words = []
    if turned:
        angle = abs(turned)
        words.append(say("{angle}° laterally", angle=angle) if turned > 0 else say("{angle}° medially", angle=angle))
    if tilted:
        angle, to_head = abs(tilted), tilted > 0
        words.append(
            say("{angle}° towards the head", angle=angle) if to_head else say("{angle}° towards the feet", angle=angle)
        )
    if not words:
        return say("detector in front")
    return say("detector in front, turned {angles}", angles=say(" and ").join(words))
