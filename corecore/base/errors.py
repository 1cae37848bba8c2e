"""The error family.

    CorecoreError            root: everything corecore raises on purpose
    ├── InputError           a file, mask or figure given cannot be used (exit code 2)
    │   └── AnatomyError     the mask is readable, but it is not a femur we can measure
    ├── OutputError          a result cannot be written (exit code 2)
    ├── MissingExtraError    an optional library is needed and not installed (exit code 2)
    └── CancelledError       the caller called the work off

A message is one line: what was found, where, and what is accepted. Beside it goes a code of ``corecore.base.messages``,
which stays the same while the words may change; the cause and the remedy of each are listed there.
"""

from __future__ import annotations


class CorecoreError(Exception):
    """Root of every error that corecore raises on purpose.

    Parameters
    ----------
    *words : object
        The message: one line that says what was found, where, and what is accepted.
    code : str, optional
        One of ``corecore.base.messages.ERRORS``. It stays the same while the words may change, so other programs
        tell errors apart by it.

    Examples
    --------
    >>> import corecore as cc
    >>> try:
    ...     cc.Spec(joint_margin_mm=2.0)
    ... except cc.CorecoreError as error:
    ...     print(error.code, "|", error)
    parameter-value | joint_margin_mm: 2; 3 to 25 is accepted
    """

    def __init__(self, *words: object, code: str = "") -> None:
        super().__init__(*words)
        # Kept with the instance, so that it goes along where an error is pickled from a worker.
        self.code = code


class InputError(CorecoreError):
    """A file, mask or figure that was given cannot be used; the message says what is accepted instead.

    Parameters
    ----------
    *words : object
        The message, one line.
    code : str, optional
        Stable code of the error; see ``CorecoreError``.
    """


class AnatomyError(InputError):
    """The mask is readable, but does not show the part of a femur that is needed.

    Parameters
    ----------
    *words : object
        The message, one line.
    code : str, optional
        Stable code of the error; see ``CorecoreError``.
    """


class OutputError(CorecoreError):
    """A result cannot be written where it was asked for.

    Parameters
    ----------
    *words : object
        The message, one line.
    code : str, optional
        Stable code of the error; see ``CorecoreError``.
    """


class MissingExtraError(CorecoreError):
    """An optional library is not installed; the message names the extra.

    Parameters
    ----------
    *words : object
        The message, one line.
    code : str, optional
        Stable code of the error; see ``CorecoreError``.
    """


class CancelledError(CorecoreError):
    """The work was called off by its caller, and nothing of it is kept half done.

    Parameters
    ----------
    *words : object
        The message, one line.
    code : str, optional
        Stable code of the error; see ``CorecoreError``.
    """
