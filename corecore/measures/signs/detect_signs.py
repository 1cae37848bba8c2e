"""All signs of one hip, looked for once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from corecore.document.signs import SignsPart
from corecore.hip.anatomy.model import PlanWarning
from corecore.hip.hip import Hip
from corecore.hip.hounsfield import why_not_hounsfield
from corecore.measures.signs.clinician_input import ClinicianInput, Physis, late_stage, open_physis, questions
from corecore.measures.signs.collapse import Collapse, measure_collapse
from corecore.measures.signs.image_age import ImageAge, image_age
from corecore.measures.signs.joint_space import beyond_joint_space
from corecore.measures.signs.metal import Metal, find_metal
from corecore.measures.signs.previous_tunnel import Channel, find_channel_in_image, find_channel_in_mask
from corecore.measures.signs.stage import Stage


@dataclass(frozen=True, eq=False)
class Signs:
    """Signs that outline and image show besides the lesion, and what the surgeon said.

    Parameters
    ----------
    hip : Hip
        The hip.
    collapse : Collapse
        Collapse of the head.
    channels : tuple of Channel
        Previous tunnels, local frame.
    metal : Metal or None
        Metal near the hip, where a CT was given and shows any.
    image_age : ImageAge
        Age of the imaging.
    stage : Stage or None
        Stage as the surgeon gave it.
    physis : {"open", "closed", "unknown"}
        Physeal status as the surgeon gave it.
    joint_space : PlanWarning or None
        A femur mask that reaches into the joint space, where a CT was given and shows it.
    notes : tuple of str
        What could not be evaluated, one sentence each.
    """

    hip: Hip
    collapse: Collapse
    channels: tuple[Channel, ...]
    metal: Metal | None
    image_age: ImageAge
    stage: Stage | None
    physis: Physis
    joint_space: PlanWarning | None
    notes: tuple[str, ...]

    @property
    def asks(self) -> tuple[str, ...]:
        """Keys of what the surgeon has not answered yet: ``stage``, ``physis``."""
        return questions(self.stage, self.physis)

    @property
    def warnings(self) -> tuple[PlanWarning, ...]:
        """The warnings, gravest first."""
        found = [
            self.joint_space,
            late_stage(self.stage),
            self.collapse.warning,
            self.collapse.flattening,
            open_physis(self.physis),
            *(channel.warning for channel in self.channels),
            self.metal.warning if self.metal else None,
            self.image_age.warning,
        ]
        return tuple(warning for warning in found if warning is not None)

    def part(self) -> SignsPart:
        """The part ``signs`` of ``measures.json``; positions in world RAS mm."""
        return SignsPart(
            collapse=self.collapse.part(),
            fovea=self.collapse.fovea_part(),
            previous_tunnels=[channel.part(self.hip) for channel in self.channels],
            metal=self.metal.part() if self.metal else None,
            image_age=self.image_age.part(),
            stage=self.stage.part() if self.stage else None,
            physis=self.physis,
            asks=list(self.asks),
            notes=list(self.notes),
        )


def detect_signs(hip: Hip, answers: ClinicianInput) -> Signs:
    """Look for every sign: in the outline always, in the case's image where it is a CT in Hounsfield units.

    Raises ``InputError`` for imaging dated after the day of the answers (without one: this day).
    """
    image = hip.case.image
    age = image_age(answers.imaging_date, answers.today or date.today())
    notes = [] if age.imaging_date else ["imaging date unknown: its age is not evaluated"]
    collapse = measure_collapse(hip)
    if collapse.over_lesion_mm is None:
        notes.append("collapse not evaluated: no lesion under the upper part of the head in the scan")
    if not collapse.fovea.found:
        notes.append("fovea not visible on the head's surface: assumed at its usual position")
    channels = [find_channel_in_mask(hip)]
    metal = joint_space = None
    reason = "no image given" if image is None else why_not_hounsfield(hip, image)
    if image is not None and reason is None:
        metal = find_metal(hip, image)
        joint_space = beyond_joint_space(hip, image)
        channels.append(find_channel_in_image(hip, image))
    else:
        notes.append(f"metal and tunnels not looked for in the image: {reason}")
    found = tuple(channel for channel in channels if channel is not None)
    return Signs(hip, collapse, found, metal, age, answers.stage, answers.physis, joint_space, tuple(notes))
