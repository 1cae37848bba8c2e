"""Where head and neck begin and end, in head radii from the head's centre along the neck's axis (contract §1).

The compiled kernels and the independent recalculation keep numbers of their own; tests hold both to these.
"""

from __future__ import annotations

#: The head lies proximal of this plane across the neck's axis, on the neck's side of the centre.
HEAD_PLANE_RADII = 0.5
#: The neck begins at the head's plane and ends here.
NECK_END_RADII = 2.0
#: Between these the neck's smallest section is looked for.
NECK_SECTION_RADII = (0.8, 1.8)
#: Half-width of the postero-superior quarter about its middle, degrees.
QUARTER_HALF_DEG = 45.0
