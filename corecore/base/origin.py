"""What a file says of where its voxels come from: frame of reference, patient, names. It stays in memory."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Patient:
    """Whom a file names; empty where it names nobody. Nothing of it is ever written, printed or logged.

    Parameters
    ----------
    number : str
        PatientID.
    name : str
        PatientName.
    born : str
        PatientBirthDate.
    """

    number: str = field(default="", repr=False)
    name: str = field(default="", repr=False)
    born: str = field(default="", repr=False)

    def differs(self, other: Patient) -> bool:
        """Whether two files name two people: by number; by name where either has no number; by day of birth.

        Parameters
        ----------
        other : Patient
            Patient of the other file.

        Returns
        -------
        bool
            ``False`` also where a file names nobody.
        """
        if self.born and other.born and self.born != other.born:
            return True
        if self.number and other.number:
            return self.number != other.number
        names = [_plain(patient.name) for patient in (self, other)]
        return bool(names[0] and names[1] and names[0] != names[1])


def _plain(name: str) -> str:
    """A name without case and marks: ``DOE^JANE^^`` and ``Doe^Jane`` are one."""
    return " ".join(re.split(r"[\W_]+", name.casefold())).strip()


NOBODY = Patient()


@dataclass(frozen=True, eq=False)
class Origin:
    """What a file says of its voxels beside their grid; for comparing inputs only, it reaches no output.

    Parameters
    ----------
    frame : str
        FrameOfReferenceUID; empty where the format has none.
    patient : Patient
        Whom it shows.
    words : tuple of str
        Names known of the label that was taken: its name, terminology.
    qform_world_from_index : ndarray, shape (4, 4), optional
        Where a NIfTI file's qform places the voxels, where it has both a qform and an sform.
    sform_world_from_index : ndarray, shape (4, 4), optional
        Where its sform places them.
    extent_known : bool, default True
        Whether the file tells how far the scan reaches; one that leaves empty slices out does not.
    label_names_read : bool, default True
        Whether the file that names the labels could be read, where there is one.
    """

    frame: str = ""
    patient: Patient = NOBODY
    words: tuple[str, ...] = ()
    qform_world_from_index: npt.NDArray[np.float64] | None = None
    sform_world_from_index: npt.NDArray[np.float64] | None = None
    extent_known: bool = True
    label_names_read: bool = True


UNKNOWN = Origin()
