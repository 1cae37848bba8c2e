"""Lettering as solids: outlines of the font that comes with matplotlib, made to fit a rectangle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from corecore.base.errors import InputError
from corecore.base.grid import FloatArray
from corecore.exports.guide.solids import library

FONT = "DejaVu Sans"
#: Height of a capital, mm: the most and the least that is engraved (engineering choice: what a printer of
#: 0.1 mm layers shows).
CAPITAL_MM = (4.0, 1.7)
#: Height of a line against that of a capital.
PITCH = 1.5
#: A capital's height against the font's size.
CAPITAL_SHARE = 0.729


def lettering(lines: Sequence[str], width_mm: float, height_mm: float) -> tuple[Any, float]:
    """A flat section of lines set one under the other, middle at the origin, and the capitals' height, mm.

    Characters beyond ASCII that are no arrow become question marks. Raises ``InputError`` where the
    rectangle is too small to be read.
    """
    manifold = library()
    outlines = [_outlines(line) for line in lines]
    widest = max(float(np.ptp(np.concatenate(line)[:, 0])) for line in outlines if line)
    capital = min(CAPITAL_MM[0], CAPITAL_SHARE * width_mm / widest, height_mm / (PITCH * (len(lines) - 1) + 1.0))
    if capital < CAPITAL_MM[1]:
        raise InputError(
            f"the lettering does not fit: capitals of {capital:.1f} mm would fit, {CAPITAL_MM[1]:g} mm and more"
            " are accepted (a shorter --id, or fewer sleeves)",
            code="guide-lettering",
        )
    scale = capital / CAPITAL_SHARE
    section = manifold.CrossSection()
    for number, line in enumerate(outlines):
        if not line:
            continue
        every = np.concatenate(line)
        middle = 0.5 * (every[:, 0].min() + every[:, 0].max())
        base = capital * (PITCH * (0.5 * (len(lines) - 1) - number) - 0.5)
        contours = [np.ascontiguousarray((part - [middle, 0.0]) * scale + [0.0, base]) for part in line]
        section = section + manifold.CrossSection(contours, manifold.FillRule.EvenOdd)
    return section, capital


def _outlines(text: str) -> list[FloatArray]:
    """Closed outlines of a line at font size 1, the base line at height 0."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    plain = "".join(c if " " <= c <= "~" or c == "↑" else "?" for c in text)
    # A dollar sign would begin a formula.
    path = TextPath((0.0, 0.0), plain.replace("$", r"\$"), size=100.0, prop=FontProperties(family=FONT, weight="bold"))
    parts = [np.asarray(part, dtype=np.float64) for part in path.to_polygons()]
    return [part[:-1] / 100.0 for part in parts if len(part) > 3]
