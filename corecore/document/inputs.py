"""The files that a plan was made from: whether they still lie there, unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from corecore.base.errors import CorecoreError, InputError
from corecore.document.stated import InputFile, StatedPlan
from corecore.io.files import sha256_of
from corecore.io.references import image_sha256

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
        found = _found(item)
        message = None
        if item.sha256.lower() != found:
            others = (one for one in plan.inputs if one.path != item.path)
            other = next((one.role for one in others if one.sha256.lower() == found), None)
            what = "is not the file this plan was made from" if other is None else f"is the {other}'s file"
            message = f"input {'changed' if other is None else 'exchanged'}: {item.path} ({item.role}) {what}"
        yield Fingerprint(index, item, found, message)


def _found(item: InputFile) -> str:
    """The fingerprint of an input as it lies there; of an image, that of the series that was chosen."""
    if item.role != "image" or item.label is None:
        return sha256_of(item.path)
    try:
        return image_sha256(item.path, str(item.label))
    except CorecoreError:
        # The series has gone, or its reader is not installed: not what the plan was made from, as far as is known.
        return sha256_of(item.path)
