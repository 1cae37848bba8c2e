"""The files that a plan was made from: whether they still lie there, unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from corecore.base.errors import CorecoreError, InputError
from corecore.document.seal import seals
from corecore.document.stated import InputFile, StatedPlan
from corecore.io.files import sha256_of
from corecore.io.fingerprint import volume_sha256

#: Inputs without which a plan cannot be rebuilt; others are only compared where they are at hand.
MASK_ROLES = ("femur", "lesion", "pelvis", "avoid", "knee")


@dataclass(frozen=True)
class Fingerprint:
    """An input's place in ``case.inputs``, its SHA-256 as found, and what is wrong with it (``None``: nothing)."""

    index: int
    item: InputFile
    found: str
    message: str | None


def input_fingerprints(plan: StatedPlan) -> Iterator[Fingerprint]:
    """Each input file that is at hand against the fingerprint in the plan.

    Raises ``InputError`` for a mask that is not there.
    """
    for index, item in enumerate(plan.inputs):
        if not item.path.exists():
            if item.role not in MASK_ROLES:
                # An image or a list of landmarks takes no part in what is rebuilt.
                continue
            if item.given is not None:
                raise InputError(
                    f"{plan.path}: the {item.role} was given in memory ({item.given}), and no copy of it lies beside"
                    " the plan, so it cannot be read again; a plan that was saved with its copies is accepted",
                    code="input-lost",
                )
            raise InputError(
                f"{plan.path}: input moved or lost: {item.path} ({item.role}) is not there;"
                " the file where the plan says, or beside the plan, is accepted",
                code="input-lost",
            )
        found = _found(item, plan.version)
        message = None
        if item.sha256.lower() != found:
            others = (one for one in plan.inputs if one.path != item.path)
            other = next((one.role for one in others if one.sha256.lower() == found), None)
            what = "is not the file this plan was made from" if other is None else f"is the {other}'s file"
            message = f"input {'changed' if other is None else 'exchanged'}: {item.path} ({item.role}) {what}"
        yield Fingerprint(index, item, found, message)


def fingerprint_now(place: Path, choice: str | None, given: str, version: str) -> str:
    """The fingerprint of an input as it lies there, against the one ``given`` by a plan of a version.

    Of a header with its data in a file beside it, earlier versions took the header's alone. Raises ``InputError``
    where it cannot be read.
    """
    found = volume_sha256(place, choice)
    if found != given and not seals(version) and sha256_of(place) == given:
        return given
    return found


def _found(item: InputFile, version: str) -> str:
    """The fingerprint of an input as it lies there; of an image, that of the series that was chosen."""
    choice = str(item.label) if item.role == "image" and item.label is not None else None
    try:
        return fingerprint_now(item.path, choice, item.sha256.lower(), version)
    except CorecoreError:
        # The series has gone, or its reader is not installed: not what the plan was made from, as far as is known.
        return sha256_of(item.path)
