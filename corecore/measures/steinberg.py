"""Steinberg's extent: how much of the head is dead, in three classes.

A below 15 %, B 15 to 30 %, C above 30 % (Steinberg, Hayken, Steinberg 1995, J Bone Joint Surg
Br 77:34, PMID 7822393). It is an extent and not a stage: the stage needs the image and the surgeon.
"""

from __future__ import annotations

#: Limits between A and B, and between B and C; 15 % and 30 % themselves belong to B.
A_BELOW, C_ABOVE = 0.15, 0.30


def steinberg_class(fraction: float) -> str:
    """``A``, ``B`` or ``C`` of a share of the head (0 to 1)."""
    if fraction < A_BELOW:
        return "A"
    return "C" if fraction > C_ABOVE else "B"


def steinberg_range(fraction: float, low: float, high: float) -> str:
    """The class, or all classes between those of ``low`` and ``high``, as ``A/B``, when the outline leaves it open."""
    letters = "ABC"
    first, last = letters.index(steinberg_class(low)), letters.index(steinberg_class(high))
    middle = letters.index(steinberg_class(fraction))
    return "/".join(letters[min(first, middle) : max(last, middle) + 1])
