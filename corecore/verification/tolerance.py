"""How far a plan's figure may lie from the one found here, and why.

Every number is an engineering choice: it is the sum of what the two roads may differ by
(sampling, surface reconstruction, rounding in the file), never a clinical limit.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

#: Tip, entry, direction and length describe one segment; they differ by rounding only, mm.
SEGMENT_MM = 0.05
#: Figures derived from others of the same file, in their unit: each is printed to 1e-6.
ROUNDED = 3e-6
#: A quotient of two figures of a thousandth and more, each printed to 1e-6.
SHARE_OF_BEST = 2e-3
#: The weight-bearing area over one focus, share of the cap: foci are told apart after the area is taken.
FOCUS_AREA = 0.01
#: Unit vectors and right angles in the file: 1e-3 is 0.06 degrees, what four decimals leave.
UNIT_VECTOR = 1e-3
#: The entry lies on the surface; two half levels of one mask differ by less, voxels (measured across the surface).
ENTRY_VOXELS = 0.75
#: Removed, reached and cone fractions of the lesion: 0.005 is five voxels in a thousand, above the noise
#: of either sampling (0.3 mm points: 0.0005) and below what a tip moved by half a voxel removes.
FRACTION = 0.005
#: The same on thick slices, of which the planner interpolates the lesion and this road does not.
FRACTION_PER_MM = 0.005
#: Share of the lesion deeper than the joint margin. It hangs on the surface: 0.1 mm of depth is 0.01 of a
#: lesion 10 mm thick.
REACHABLE_FRACTION = 0.015
REACHABLE_FRACTION_PER_MM = 0.015
#: Clearances: two reconstructions of one surface and two samplings of one wall, mm.
CLEARANCE_MM = 0.3
#: The same on coarse grids, in the largest voxel edge: the surface is known no better.
CLEARANCE_VOXELS = 0.5
#: Angles between directions that both stand in the file, degrees: rounding only.
DIRECTION_DEG = 0.1
#: Angles against the bone surface, degrees: two averages over a drill's mouth differ by up to 1.0 on real
#: bones of 0.8 to 1 mm voxels (typically 0.2), and in proportion on thicker slices.
ANGLE_DEG = 1.0
ANGLE_DEG_PER_MM = 1.0
#: Angle of the surface's normal against the frame, degrees. A shaft that stands along the voxels has flats
#: 6 mm wide, whose turn does not average out: 1.1 at 0.8 mm, 1.7 at 1 mm voxels.
NORMAL_DEG = 2.0
#: Portal length by its formula, from the plan's own incidence, mm: rounding only.
PORTAL_MM = 0.05
#: Heights along the shaft axis between points that stand in the file, mm.
HEIGHT_MM = 0.1
#: Distance from the lateral mid-line, mm: the mid-line is half of two extremes of a section.
MIDLINE_MM = 0.5
#: Lesion volume, relative: voxel counting on both sides, cleaned by the same rules.
LESION_VOLUME = 0.01
#: Removed and graft volumes, ml: 0.05 ml is 0.6 mm of a 10 mm tunnel, about the slack of the entry.
VOLUME_ML = 0.05
#: The same, relative, for large volumes.
VOLUME = 0.02
#: Head volume and fractions of it, relative: the outline of the head's plane cuts voxels.
HEAD_VOLUME = 0.02
#: Head centre against the sphere fitted here to the articular half, mm. Two sound fits on one
#: real head differ by 0.4 here; a centre moved by 3 must fall.
HEAD_CENTER_MM = 1.0
#: Head radius, likewise.
HEAD_RADIUS_MM = 0.7
#: Median distance of the articular half from the stated sphere, mm. Real heads: 0.2 to 0.4.
HEAD_RESIDUAL_MM = 0.8
#: Shaft axis against the line through the centroids of the sections found here, degrees.
SHAFT_AXIS_DEG = 2.0
#: How far off the shaft's axis may be, degrees: 10 mm of shaft more or less in view, by two ways of finding its end.
SHAFT_RANGE_DEG = 0.35
#: Nearer to a level that parts two rules than this, mm, either is right.
SHAFT_END_MM = 10.0
#: Neck axis against the smallest section found here, degrees: the section is flat near its minimum,
#: and its centroid 25 mm from the head's centre moves by 2 mm along it.
NECK_AXIS_DEG = 3.0
#: The neck's smallest section, relative: two rasters, and axes that differ by a few degrees.
NECK_AREA = 0.05
#: Share of that section that tunnels take, by the plan's own area: rounding only.
NECK_SHARE = 1e-3
#: Greatest share of a section across the neck, absolute: two rasters of half a thousand points across a tunnel, and
#: sections up to half a step apart.
NECK_SHARE_MAX = 0.015
#: Share of the lateral wall's width: one raster point at each of four edges, of a bone 30 mm wide; thick slices more.
WALL_SHARE = 0.05
#: A lesser trochanter's tip lies on the surface, mm, as far as the surface is known.
TIP_MM = 1.5
#: Anteversion by which x is turned back from the neck where the condyles are not in view, and its tolerance.
ANTEVERSION_DEG = 1.0
#: Lateral against the posterior condylar line found from voxels' centres, degrees; a voxel more for coarse ones.
CONDYLES_DEG = 1.0
#: Lesion centroid, mm.
CENTROID_MM = 0.3
#: Gap between upper bound and plan as printed, against the two figures it is made of.
GAP = 1e-3
#: A bound below the plan's own removed fraction by more than the file's rounding is no bound.
BOUND_FRACTION = 1e-6
#: Entries nearer than this share a portal (contract: a fan), mm.
SHARED_PORTAL_MM = 0.5
#: Bridges between holes, mm: two entries, each on a surface known to a fraction of a voxel.
BRIDGE_MM = 0.3
#: A direction that is fixed, against the one in the file, degrees: rounding of both ends, 100 mm apart.
FIXED_DEG = 0.01
#: Clearance to a region of the user's mask, mm and in voxels: thin parts of it are split on either road.
REGION_MM = 0.5
REGION_VOXELS = 0.75
#: Arcs of the lesion's outline, degrees: voxels against a smoothed outline, half a millimetre at either end of an
#: arc about a head of 23 mm is 2.5 degrees. Per millimetre of voxel.
ARC_DEG = 4.0
#: Section of a focus in a mid-plane over its largest: slabs of 2 mm through points that stand in rows of up to 0.8 mm.
PLANE_SHARE = 0.08
#: Share of the loaded cap under which lesion lies, likewise: half a millimetre round a lesion of 15 mm radius.
CAP_SHARE = 0.03
#: Breach probabilities of two judges of the same errors, besides the sampling of both: 0.1 mm between two surfaces
#: is a hundredth where a fifth of the drillings break out. Per millimetre of voxel.
BREACH = 0.02
#: Removed fractions of drillings, likewise.
RISK_REMOVED = 0.01
#: Share removed on average where the outline errs; and how far the two outlines lie apart that round edges otherwise,
#: mm, at voxels of 1 mm.
OUTLINE, OUTLINE_MM = 0.005, 0.15
#: How far the lesion lies elsewhere in the drillings, mm: rounding only.
LESION_SHIFT_MM = 1e-3
#: Standard errors of the sampling on both sides that are borne: of some forty figures none errs by chance.
RISK_DEVIATIONS = 4.5
#: Volume that two tunnels share beyond their portals, over the smaller.
OVERLAP_FRACTION = 0.02

#: Bone between two walls in the neck, mm: points a tenth apart on either axis, and where the neck begins.
NECK_BRIDGE_MM = 0.15
#: Height of the vastus ridge, mm: the flare's end is round, and the chord's furthest place moves along it.
RIDGE_MM = 3.0
#: CT density on an axis, HU: a file rounds its ends to 1e-6 mm and its densities to a tenth.
HU = 0.5
#: Thickness of the cortex: rays that lie elsewhere about the entry see another piece of it (mm, and per voxel).
CORTEX_MM, CORTEX_VOXELS = 0.3, 0.25


def clearance_mm(spacing_mm: npt.ArrayLike) -> float:
    """Tolerance of a distance to the bone surface on voxels of this size, mm."""
    return max(CLEARANCE_MM, CLEARANCE_VOXELS * float(np.max(spacing_mm)))


def cortex_mm(spacing_mm: float) -> float:
    """Tolerance of the cortex's thickness at an entry on voxels of this size, mm."""
    return CORTEX_MM + CORTEX_VOXELS * spacing_mm


def region_mm(spacing_mm: npt.ArrayLike) -> float:
    """Tolerance of a distance to a region to keep out of, mm."""
    return max(REGION_MM, REGION_VOXELS * float(np.max(spacing_mm)))


def fraction(spacing_mm: npt.ArrayLike) -> float:
    """Tolerance of a fraction of the lesion on voxels of this size."""
    return max(FRACTION, FRACTION_PER_MM * float(np.max(spacing_mm)))


def reachable_fraction(spacing_mm: npt.ArrayLike) -> float:
    """Tolerance of the share deeper than a margin on voxels of this size."""
    return max(REACHABLE_FRACTION, REACHABLE_FRACTION_PER_MM * float(np.max(spacing_mm)))


def surface_angle_deg(spacing_mm: npt.ArrayLike) -> float:
    """Tolerance of an angle against the bone surface on voxels of this size, degrees."""
    return max(ANGLE_DEG, ANGLE_DEG_PER_MM * float(np.max(spacing_mm)))


def entry_mm(spacing_mm: npt.ArrayLike) -> float:
    """Tolerance of the entry, measured across the surface, mm."""
    return ENTRY_VOXELS * float(np.max(spacing_mm))


def wall_share(spacing_mm: npt.ArrayLike) -> float:
    """Tolerance of a share of the lateral wall's width on voxels of this size."""
    return WALL_SHARE * max(1.0, float(np.max(spacing_mm)))


def volume_ml(stated: float) -> float:
    """Tolerance of a removed volume, ml."""
    return max(VOLUME_ML, VOLUME * abs(stated))
