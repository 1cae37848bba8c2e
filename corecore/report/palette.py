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
#: Of several tunnels each has its own, the first that of a single one; the number tells apart what comes round again.
#: After Tol's muted scheme, without the colours of lesion, cap, neck and broken limits.
TUNNELS = ("#0072B2", "#AA4499", "#5B8C00", "#8B5A2B", "#332288", "#2A9D8F", "#882255", "#555555")
#: The same over dark films and slices.
TUNNELS_ON_DARK = ("#7CC4F0", "#F09BE0", "#B8F060", "#D9B48F", "#B3A8FF", "#4FE3D0", "#F7A8B8", "#FFFFFF")
#: A stretch of tunnel near a margin: the darkest body, so that grey tells it apart too.
TUNNEL_NEAR = "#0B2545"
#: The tunnel's first stretch, where its wall may lie in the cortex.
TUNNEL_PORTAL = "#98A4AB"
#: Darker than Okabe and Ito's vermilion, which in grey could not be told from the lesion's orange.
VIOLATION = "#A8001C"
#: The same over films and slices.
VIOLATION_ON_DARK = "#FF6B6B"
NECK = "#006B4E"
SHAFT = "#5B2A86"
HEAD = "#000000"
#: The only solid line, so that grey tells it apart from the dashed ones.
CAP = "#C04000"
INK = "#111111"
FAINT_INK = "#4A4A4A"


def tunnel_color(index: int, *, dark: bool = False) -> str:
    """Colour of a tunnel, counted from 0; ``dark``: over a film."""
    colors = TUNNELS_ON_DARK if dark else TUNNELS
    return colors[index % len(colors)]


def rgb(color: str) -> tuple[float, float, float]:
    """Red, green, blue in 0..1 of ``#RRGGBB``."""
    return (int(color[1:3], 16) / 255.0, int(color[3:5], 16) / 255.0, int(color[5:7], 16) / 255.0)
