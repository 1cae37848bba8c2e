"""The foci of a lesion: its connected pieces by number, the largest first, with place, size and load.

Voxels of the mask that touch, by corners too, are one focus. A class of location is read from the
largest alone: a small focus medial and low must not lend its class to a large one in front.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from corecore.base.grid import FloatArray
from corecore.document.necrosis import ComponentPart, Octant
from corecore.hip.anatomy.model import PlanWarning
from corecore.measures.arcs import involved_arc
from corecore.measures.figures import Ground
from corecore.measures.jic import measure_jic
from corecore.measures.necrosis import Necrosis
from corecore.measures.volume import NAMES, octant_numbers
from corecore.measures.weight_bearing import GAIT_POLE

#: Half the thickness of the slab in which a section is counted, mm (engineering choice: thin against a lesion, thick
#: against the spacing of its points).
SECTION_HALF_MM = 1.0
#: Foci that the warning lists; all are in the measures.
LISTED = 4
WORDS = {"A": "anterior", "P": "posterior", "S": "superior", "I": "inferior", "M": "medial", "L": "lateral"}
#: Rays this far beside a focus's own directions may still meet its outline, degrees (a voxel at a third of the radius).
BESIDE_DEG = 15.0


@dataclass(frozen=True, eq=False)
class Focus:
    """One connected piece of the lesion.

    Parameters
    ----------
    number : int
        1 for the largest.
    volume_ml : float
        Its volume in the bone, ml.
    fraction : float
        Its share of the lesion, 0 to 1.
    octant : str
        Octant of the head in which its centre of mass lies (``ASM`` to ``PIL``).
    surface_fraction : float
        Share of the weight-bearing area (gait) under which it lies, 0 to 1.
    centroid : ndarray, shape (3,)
        Its centre of mass, world RAS mm.
    covered_share : float or None
        How far its lateral end lies from the middle P of the acetabulum (0) to its edge E (1); ``None`` where the
        mid-coronal plane does not meet it.
    """

    number: int
    volume_ml: float
    fraction: float
    octant: Octant
    surface_fraction: float
    centroid: FloatArray
    covered_share: float | None

    @property
    def place(self) -> str:
        """The octant in words, as ``anterior-superior-medial``."""
        return "-".join(WORDS[letter] for letter in self.octant)

    def part(self) -> ComponentPart:
        """As in ``measures.json``."""
        return ComponentPart(
            number=self.number,
            volume_ml=self.volume_ml,
            fraction=self.fraction,
            octant=self.octant,
            place=self.place,
            surface_fraction=self.surface_fraction,
            centroid=[float(c) for c in self.centroid],
            covered_share=self.covered_share,
        )


def foci_of(necrosis: Necrosis, ground: Ground) -> tuple[Focus, ...]:
    """The foci of a lesion, the largest first."""
    lesion = necrosis.lesion
    octants = octant_numbers(_centroids(necrosis))
    return tuple(
        Focus(
            number=number,
            volume_ml=float(np.count_nonzero(lesion.focus_numbers == number)) * lesion.point_ml,
            fraction=float(np.mean(lesion.focus_numbers == number)),
            octant=NAMES[octants[number - 1]],
            surface_fraction=_surface_fraction(necrosis, number),
            centroid=necrosis.hip.to_world(lesion.points_mm[lesion.focus_numbers == number].mean(axis=0)),
            covered_share=_covered_share(necrosis, number, ground),
        )
        for number in range(1, lesion.focus_count + 1)
    )


def largest(necrosis: Necrosis) -> Necrosis:
    """The same hip with the largest focus alone; the lesion itself where it has but one."""
    return necrosis if necrosis.lesion.focus_count < 2 else necrosis.of(necrosis.lesion.focus(1))


def plane_shares(necrosis: Necrosis) -> dict[str, float]:
    """How much of the largest focus the mid-planes show.

    Returns
    -------
    dict of str to float
        ``coronal``, ``sagittal``: its section within ``SECTION_HALF_MM`` of the plane over the largest parallel one;
        0 without a lesion.
    """
    points = largest(necrosis).points
    return {name: _section_share(points[:, axis]) for name, axis in (("coronal", 1), ("sagittal", 0))}


def _section_share(places: FloatArray) -> float:
    """Points within a slab about 0 over those in the fullest slab of the same thickness."""
    if len(places) == 0:
        return 0.0
    ordered = np.sort(places)
    starts = np.append(ordered, -SECTION_HALF_MM)
    held = np.searchsorted(ordered, starts + 2.0 * SECTION_HALF_MM, side="right") - np.searchsorted(ordered, starts)
    return float(held[-1] / held.max())


def foci_warnings(foci: tuple[Focus, ...]) -> tuple[PlanWarning, ...]:
    """That a lesion has several foci, and which classes are of the largest alone."""
    if len(foci) < 2:
        return ()
    listed = [f"{one.number} {one.place} {one.volume_ml:.2f} ml" for one in foci[:LISTED]]
    more = [f"{len(foci) - LISTED} more"] if len(foci) > LISTED else []
    text = (
        f"the lesion has {len(foci)} foci: {', '.join(listed + more)}; its location types (JIC, ARCO, pillars) are"
        " those of focus 1 alone, all other figures those of all foci together"
    )
    return (PlanWarning("several_foci", text),)


def _centroids(necrosis: Necrosis) -> FloatArray:
    """Centres of mass of the foci, (foci, 3) femoral mm."""
    numbers = necrosis.lesion.focus_numbers
    return np.array([necrosis.points[numbers == n].mean(axis=0) for n in range(1, necrosis.lesion.focus_count + 1)])


def _covered_share(necrosis: Necrosis, number: int, ground: Ground) -> float | None:
    alone = necrosis if necrosis.lesion.focus_count < 2 else necrosis.of(necrosis.lesion.focus(number))
    return measure_jic(alone, involved_arc(alone, ground.planes.coronal), ground.acetabulum).covered_share


def _surface_fraction(necrosis: Necrosis, number: int) -> float:
    head, alone = necrosis.head, necrosis.of(necrosis.lesion.focus(number))
    pole = np.asarray(GAIT_POLE) / np.linalg.norm(GAIT_POLE)
    cap = np.cos(np.radians(necrosis.spec.cap_half_angle_deg))
    # Only rays near the focus can meet it: there may be hundreds of foci.
    toward = alone.points / np.maximum(alone.distance_mm, 1e-9)[:, None]
    middle = toward.mean(axis=0)
    size = float(np.linalg.norm(middle))
    near = head.directions @ pole >= cap
    if size > 1e-6:
        widest = float(np.degrees(np.arccos(np.clip((toward @ middle).min() / size, -1.0, 1.0)))) + BESIDE_DEG
        near &= head.directions @ (middle / size) >= np.cos(np.radians(min(widest, 180.0)))
    met = alone.meets(necrosis.hip.anatomy.head_center, head.rays[near], head.surface_mm[near])
    return float(np.count_nonzero(met)) / head.rays_in_cap(pole, cap)
