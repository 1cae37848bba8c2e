"""What a caller of Python gives of one hip: volumes by role, and what the surgeon says."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import date
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from nibabel.spatialimages import SpatialImage

from corecore.base.errors import InputError
from corecore.hip.inputs import Theatre
from corecore.io.references import MaskReference
from corecore.io.volume import Volume
from corecore.measures.signs.clinician_input import ClinicianInput, parse_clinician_input, parse_theatre

PathLike: TypeAlias = str | os.PathLike[str]
#: A mask or an image: a path, an array with ``affine=``, nibabel's image, or one of SimpleITK's.
VolumeLike: TypeAlias = PathLike | npt.NDArray[Any] | SpatialImage | Any
Label: TypeAlias = int | str
#: Roles of masks, and of images; each may lie in memory.
MASKS, IMAGES = ("femur", "lesion", "pelvis", "avoid", "knee"), ("image", "lesion_image")


class GivenVolumes:
    """What a caller gave of one hip, by role: masks as references, images as places; each volume is taken once."""

    def __init__(
        self, affine: npt.ArrayLike | Mapping[str, npt.ArrayLike] | None, labels: Mapping[str, Label] | None
    ) -> None:
        self.affine, self.labels = affine, dict(labels or {})
        self.volumes: list[tuple[object, str | None, Volume]] = []
        for name, told, roles in (("labels", self.labels, MASKS), ("affine", affine, (*MASKS, *IMAGES))):
            strange = sorted(set(told) - set(roles), key=str) if isinstance(told, Mapping) else []
            if strange:
                raise InputError(f"{name}: {strange[0]!r}; one of {', '.join(roles)} is accepted", code="option-value")

    def mask(self, role: str, given: VolumeLike | None) -> MaskReference | None:
        """The mask of a role; ``None`` where none was given."""
        label = self.labels.get(role)
        if given is None:
            if label is not None:
                raise InputError(f"labels: {role}, but no {role} was given", code="option-value")
            return None
        number = re.fullmatch(r"[0-9]{1,18}", str(label)) if isinstance(label, str | int | np.integer) else None
        if label is not None and (
            isinstance(label, bool) or (not isinstance(label, str) and number is None) or not str(label).strip()
            or (number is not None and int(str(label)) < 1)
        ):  # fmt: skip
            raise InputError(
                f"labels: {role} {label!r}; a whole number of 1 and above, a name, or a threshold as '>0.5', is"
                " accepted",
                code="label-unknown",
            )
        chosen = None if label is None else int(str(label)) if number is not None else str(label).strip()
        if not isinstance(given, str | os.PathLike):
            return MaskReference.of_volume(self._volume(role, given), chosen)
        named = MaskReference.parse(os.fspath(given))
        if chosen is not None and named.label is not None:
            raise InputError(
                f"{named}: names a label, and labels= another way to name it; one of the two is accepted",
                code="options-conflict",
            )
        return named if chosen is None else MaskReference(named.path, chosen)

    def image(self, role: str, given: VolumeLike | None) -> str | Volume | None:
        """The image of a role; ``None`` where none was given."""
        if given is None or isinstance(given, str | os.PathLike):
            return None if given is None else os.fspath(given)
        return self._volume(role, given)

    def _volume(self, role: str, given: object) -> Volume:
        affine = self.affine.get(role) if isinstance(self.affine, Mapping) else self.affine
        # Femur and necrosis may be labels of one map: by the object itself, where both have one affine.
        own = role if isinstance(self.affine, Mapping) else None
        for one, of, volume in self.volumes:
            if one is given and (of == own or _same(self.affine, of, own)):
                return volume
        made = Volume.of(role, given, affine)
        self.volumes.append((given, own, made))
        return made


def _same(affine: npt.ArrayLike | Mapping[str, npt.ArrayLike] | None, one: str | None, other: str | None) -> bool:
    if not isinstance(affine, Mapping) or one is None or other is None:
        return False
    first, second = affine.get(one), affine.get(other)
    return first is second or (first is not None and second is not None and np.array_equal(first, second))


def answers_of(stage: str | None, physis: str, imaging_date: str | date | None) -> ClinicianInput:
    """What the surgeon says; a day may be a date, or a time of that day."""
    day = _day(imaging_date)
    _check_texts(stage=stage, physis=physis, imaging_date=day)
    if physis is None:
        raise InputError("physis None; a text is accepted", code="option-value")
    return parse_clinician_input(stage, physis, day)


def theatre_of(surgeon: str | None, operation_date: str | date | None) -> Theatre:
    """Who operates and when; a day may be a date, or a time of that day."""
    day = _day(operation_date)
    _check_texts(surgeon=surgeon, operation_date=day)
    return parse_theatre(surgeon, day)


def _check_texts(**given: object) -> None:
    for name, told in given.items():
        if not isinstance(told, str | None):
            raise InputError(f"{name} {told!r}; a text is accepted", code="option-value")


def _day(given: str | date | None) -> str | None:
    return given.isoformat()[:10] if isinstance(given, date) else given
