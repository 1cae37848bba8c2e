"""By how much each measure changes when the lesion's outline moves: outlines are drawn by hand.

The outline is moved in and out by half a voxel, which no segmentation can know better, by the mean error of
outlines (``outline_error_mm``), and by 1 mm (an engineering choice: a pixel or two of the usual MR). The change is
taken against the same smooth outline unmoved, so that what is told is the outline's part alone.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from corecore.base.parallel import thread_count
from corecore.document.necrosis import ChangePart, ClassesPart, RepeatabilityPart
from corecore.hip.anatomy.model import PlanWarning
from corecore.hip.lesion import REACH_MM, half_voxel_mm, outline_of
from corecore.measures.figures import Figures, Ground, figures_of
from corecore.measures.necrosis import Necrosis

ONE_MM = 1.0
Change = tuple[float | None, float | None]


@dataclass(frozen=True, eq=False)
class Repeatability:
    """How much each measure changes with the segmentation uncertainty.

    A change is a pair: with the outline moved inward, and outward; ``None`` where the figure does not exist for one
    of the two. For classes the pair holds the classes themselves.

    Parameters
    ----------
    half_voxel_mm : float
        Half a voxel, mm: what no segmentation can know better.
    half_voxel : dict of str to tuple
        Changes by half a voxel, by path in ``measures.json``.
    one_mm : dict of str to tuple
        Changes by 1 mm (engineering choice: a pixel or two of the usual MR).
    half_voxel_classes, one_mm_classes : dict of str to tuple
        Classes with the outline moved.
    outline_error_mm : float
        How far outlines lie off on average, mm.
    outline : dict of str to tuple
        Changes by that much, by path in ``measures.json``.
    thickness_mm : float
        Diameter of the largest ball that the lesion holds, mm.
    vanished_mm : tuple of float
        Moves inward, mm, that leave nothing of the lesion: changes by them are ``None``.
    """

    half_voxel_mm: float
    half_voxel: dict[str, Change]
    one_mm: dict[str, Change]
    half_voxel_classes: dict[str, tuple[str | int | None, str | int | None]]
    one_mm_classes: dict[str, tuple[str | int | None, str | int | None]]
    outline_error_mm: float
    outline: dict[str, Change]
    thickness_mm: float
    vanished_mm: tuple[float, ...]

    @property
    def warnings(self) -> tuple[PlanWarning, ...]:
        """That the lesion is too thin for its outline to be moved inward, where it is."""
        if not self.vanished_mm:
            return ()
        moves = " or ".join(f"{move:.2g} mm" for move in self.vanished_mm)
        text = (
            f"the lesion is at most {self.thickness_mm:.1f} mm thick: with its outline {moves} further in nothing is"
            " left of it, so the inward half of the segmentation uncertainty is missing from every figure; its share of"
            " the head may be near 0"
        )
        return (PlanWarning("lesion_thin", text),)

    def missing(self) -> dict[str, str]:
        """Say why changes are null.

        Returns
        -------
        dict of str to str
            Reason by ``repeatability.half_voxel.inward`` or ``repeatability.one_mm.inward``, which all of them share.
        """
        return {
            f"repeatability.{name}.inward": f"the outline {move:.2g} mm further in leaves nothing of the lesion"
            for name, move in (
                ("half_voxel", self.half_voxel_mm),
                ("one_mm", ONE_MM),
                ("outline", self.outline_error_mm),
            )
            if move in self.vanished_mm
        }

    def part(self) -> RepeatabilityPart:
        """As in ``measures.json``."""
        return RepeatabilityPart(
            half_voxel_mm=self.half_voxel_mm,
            outline_error_mm=self.outline_error_mm,
            figures={
                name: ChangePart(
                    half_voxel=list(self.half_voxel[name]),
                    one_mm=list(self.one_mm[name]),
                    outline=list(self.outline[name]),
                )
                for name in self.half_voxel
            },
            classes={
                name: ClassesPart(
                    half_voxel=list(self.half_voxel_classes[name]), one_mm=list(self.one_mm_classes[name])
                )
                for name in self.half_voxel_classes
            },
        )


def measure_repeatability(necrosis: Necrosis, ground: Ground, focus: Necrosis | None = None) -> Repeatability:
    """Measure again with the outline moved; ``focus`` as of ``figures_of``."""
    outline = outline_of(necrosis.lesion, necrosis.hip.bone)
    alone = None if focus is None else outline_of(focus.lesion, necrosis.hip.bone)
    half = min(half_voxel_mm(necrosis.lesion.mask.grid), REACH_MM)
    error = necrosis.spec.outline_error_mm

    def moved(outward_mm: float) -> Figures:
        part = None if alone is None else necrosis.of(alone.moved(outward_mm))
        return figures_of(necrosis.of(outline.moved(outward_mm)), ground, part)

    places = list(dict.fromkeys((0.0, -half, half, -ONE_MM, ONE_MM, -error, error)))
    # Most of the work is sampling, which releases the interpreter's lock.
    with ThreadPoolExecutor(thread_count()) as pool:
        outlines = dict(zip(places, pool.map(moved, places), strict=True))
    still = outlines[0.0].scalars()
    steps = {step: figures.scalars() for step, figures in outlines.items()}
    classes = {step: figures.classes() for step, figures in outlines.items()}

    vanished = {step for step, figures in outlines.items() if step < 0.0 and figures.volumes.volume_ml == 0.0}

    def change(step: float, name: str) -> float | None:
        before, after = still[name], None if step in vanished else steps[step][name]
        return None if before is None or after is None else after - before

    return Repeatability(
        half,
        {name: (change(-half, name), change(half, name)) for name in still},
        {name: (change(-ONE_MM, name), change(ONE_MM, name)) for name in still},
        {name: (classes[-half][name], classes[half][name]) for name in classes[half]},
        {name: (classes[-ONE_MM][name], classes[ONE_MM][name]) for name in classes[ONE_MM]},
        error,
        {name: (change(-error, name), change(error, name)) for name in still},
        outline.thickness_mm,
        tuple(sorted(-step for step in vanished)),
    )
