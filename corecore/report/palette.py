"""Colours of the parts, the same on the picture and on the page.

Okabe and Ito's palette, which the colour-blind can tell apart (Wong 2011, Nature Methods 8:441,
doi:10.1038/nmeth.1618), chosen so that neighbours differ in lightness too and survive a grey print.
"""

from __future__ import annotations

BONE = "#DDD3BD"
#: Where the bone's wall is seen edge-on: the outline.
BONE_EDGE = "#57524A"
LESION = "#E69F00"
TUNNEL = "#0072B2"
#: A stretch of tunnel near a margin: the darkest body, so that grey tells it apart too.
TUNNEL_NEAR = "#0B2545"
#: The tunnel's first stretch, where its wall may lie in the cortex.
TUNNEL_PORTAL = "#98A4AB"
#: Darker than Okabe and Ito's vermilion, which in grey could not be told from the lesion's orange.
VIOLATION = "#A8001C"
NECK = "#006B4E"
SHAFT = "#5B2A86"
HEAD = "#000000"
#: The only solid line, so that grey tells it apart from the dashed ones.
CAP = "#C04000"
INK = "#111111"
FAINT_INK = "#4A4A4A"


def rgb(color: str) -> tuple[float, float, float]:
    """Red, green, blue in 0..1 of ``#RRGGBB``."""
    return (int(color[1:3], 16) / 255.0, int(color[3:5], 16) / 255.0, int(color[5:7], 16) / 255.0)
