"""Figures of one tunnel, found from the mesh and the contract alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from corecore.base.grid import FloatArray
from corecore.verification.cylinder import WALL_STEP_MM, DrilledCylinder
from corecore.verification.frame import Frame, angle_deg
from corecore.verification.hip import Hip
from corecore.verification.keep_out import POINT_SPACING_MM
from corecore.verification.tolerance import region_mm

#: Extra length of portal and mouth beyond where geometry puts them, mm (contract §1).
PORTAL_EXTRA_MM = 2.0
#: How far a tunnel is prolonged outward, mm (contract §1).
OUTWARD_MM = 80.0
#: Step along the axis when looking for its exit, mm; a gap in the bone thinner than this is none.
EXIT_STEP_MM = 0.1
#: Raster of the section that gives the lateral mid-line, mm, and its half-width.
SECTION_STEP_MM = 0.4
SECTION_REACH_MM = 60.0


@dataclass(frozen=True, eq=False)
class DrilledFigures:
    """One tunnel as measured here: mm, degrees, fractions; ``None`` where there is nothing to measure.

    ``exit_mm``: distance from the tip outward to where the axis first leaves the bone.
    ``wall_depth_mm``: least depth of the wall from the mouth's rim on. ``outward_depth_mm``: how deep
    the prolonged tunnel enters bone at most (negative: how far it stays clear). ``cut_distance_mm``:
    entry to where the scan's edge cuts the bone. ``pelvis_clearance_mm``, ``avoid_clearance_mm``: from the
    bore, prolonged outward, to those regions; ``None`` without one; ``region_slack_mm``: what either is known to.
    """

    exit_mm: float | None
    incidence_deg: float
    entry_normal_deg: float
    shaft_angle_deg: float
    portal_length_mm: float
    cortical_clearance_mm: float | None
    posterosuperior_clearance_mm: float | None
    joint_clearance_mm: float | None
    wall_depth_mm: float | None
    outward_depth_mm: float
    entry_height_mm: float
    hole_half_height_mm: float
    entry_anterior_mm: float | None
    cut_distance_mm: float | None
    removed_fraction: float
    pelvis_clearance_mm: float | None
    avoid_clearance_mm: float | None
    region_slack_mm: float
    end_to_joint_mm: float | None = None
    pin_to_joint_mm: float | None = None
    pin_clearance_mm: float | None = None
    #: Sine of the angle at which the axis, followed from the tip, meets the bone's surface; 1 where it does not.
    exit_sine: float = 1.0


def portal_length(incidence_deg: float, radius_mm: float, margin_mm: float) -> float:
    """Length of the portal by the contract's formula, mm."""
    theta = np.radians(incidence_deg)
    return float((margin_mm + radius_mm * np.cos(theta)) / np.sin(theta) + PORTAL_EXTRA_MM)


def measure(bore: DrilledCylinder, hip: Hip, frame: Frame, spec: dict[str, float]) -> DrilledFigures:
    """Measure a bore in a hip; constraints' sizes (cortical margin) come from ``spec``."""
    tunnel, mesh = bore.tunnel, hip.mesh
    radius, length = tunnel.radius_mm, tunnel.length_mm
    normal = mesh.mouth_normal(tunnel.start)
    # Against the outward normal, so that an axis that leaves where it should enter is no 90 degrees.
    incidence = max(90.0 - angle_deg(-normal, tunnel.axis), 0.5)
    theta = np.radians(incidence)
    mouth = float(radius / np.tan(theta)) + PORTAL_EXTRA_MM
    portal = portal_length(incidence, radius, spec["cortical_margin_mm"])

    beyond = bore.surface_beyond(portal, frame.head_plane)
    proximal = frame.proximal(beyond)
    cortex = beyond[~proximal]
    before = tunnel.wall(mouth, min(portal, length))
    joint = np.concatenate([beyond[proximal], before[frame.proximal(before)]])
    rim = np.concatenate([tunnel.wall(mouth, length), *bore.cavity_surface])
    pin, whole = np.zeros((0, 3)), None
    if bore.head is not None:
        points, of_pin = bore.head.surface(frame.head_plane)
        rim, pin = np.concatenate([rim, points]), points[of_pin]
        whole = np.concatenate([points, bore.head.inner_points(POINT_SPACING_MM)[0]])

    outward = tunnel.prolonged(OUTWARD_MM)
    along = np.arange(0.0, max(OUTWARD_MM - mouth, 0.0), WALL_STEP_MM)
    path = np.concatenate([outward.wall(0.0, OUTWARD_MM - mouth), outward.start + along[:, None] * outward.axis])

    shaft_angle = angle_deg(tunnel.axis, -frame.z)
    height = frame.height(tunnel.start)
    cuts = mesh.cut_points_mm
    to_joint, ahead = _exit(bore.tip, tunnel.axis, 0.0, hip), bore.ahead_mm
    exit_sine = 1.0
    if to_joint is not None:
        exit_sine = abs(float(mesh.mouth_normal(bore.tip + to_joint * tunnel.axis) @ tunnel.axis))
    return DrilledFigures(
        exit_mm=_exit(bore.tip, -tunnel.axis, bore.length_mm, hip),
        incidence_deg=incidence,
        entry_normal_deg=angle_deg(normal, frame.x),
        shaft_angle_deg=shaft_angle,
        portal_length_mm=portal,
        cortical_clearance_mm=mesh.least_distance(cortex),
        posterosuperior_clearance_mm=mesh.least_distance(cortex[frame.in_posterosuperior_neck(cortex)]),
        joint_clearance_mm=mesh.least_distance(joint),
        wall_depth_mm=mesh.least_distance(rim),
        outward_depth_mm=_greatest_depth(path, hip),
        entry_height_mm=height,
        hole_half_height_mm=radius / max(float(np.sin(np.radians(shaft_angle))), 1e-6),
        entry_anterior_mm=anterior_of_midline(tunnel.start, height, hip, frame),
        cut_distance_mm=float(np.linalg.norm(cuts - tunnel.start, axis=1).min()) if len(cuts) else None,
        removed_fraction=float(np.mean(bore.contains(hip.lesion_points_mm))),
        pelvis_clearance_mm=None if hip.pelvis is None else hip.pelvis.clearance_mm((outward, *bore.solids), whole),
        avoid_clearance_mm=None if hip.avoid is None else hip.avoid.clearance_mm((outward, *bore.solids), whole),
        region_slack_mm=max(region_mm(item.spacing_mm) for item in (hip.mesh.grid, hip.pelvis, hip.avoid) if item),
        end_to_joint_mm=to_joint,
        pin_to_joint_mm=None if to_joint is None or ahead == 0.0 else to_joint - ahead,
        pin_clearance_mm=mesh.least_distance(pin),
        exit_sine=exit_sine,
    )


def _exit(tip: FloatArray, outward: FloatArray, length_mm: float, hip: Hip) -> float | None:
    """Distance from the tip to the first surface met outward; ``None`` for a tip out of bone or an exit out of view."""
    along = np.arange(0.0, length_mm + OUTWARD_MM, EXIT_STEP_MM)
    points = tip + along[:, None] * outward
    level = hip.mesh.level_at(points)
    out = np.flatnonzero(level < 0.5)
    if len(out) == 0 or out[0] == 0 or not hip.mesh.in_view(points[out[0]])[0]:
        return None
    last = int(out[0])
    share = (level[last - 1] - 0.5) / (level[last - 1] - level[last])
    return float(along[last - 1] + share * EXIT_STEP_MM)


def _greatest_depth(points: FloatArray, hip: Hip) -> float:
    """The greatest signed distance of points to not-bone, mm; positive where one lies in bone."""
    if len(points) == 0:
        return -np.inf
    inside = points[hip.mesh.inside(points)]
    if len(inside):
        return float(hip.mesh.distance(inside).max())
    return -float(hip.mesh.least_gap(points))


def anterior_of_midline(entry: FloatArray, height_mm: float, hip: Hip, frame: Frame) -> float | None:
    """How far the entry lies before the lateral mid-line at its height, mm; ``None`` without a section there."""
    middle = frame.shaft_at(height_mm)
    ticks = np.arange(-SECTION_REACH_MM, SECTION_REACH_MM + 1e-9, SECTION_STEP_MM)
    lateral = ticks[ticks >= 0.0]
    points = middle + lateral[:, None, None] * frame.x + ticks[None, :, None] * frame.y
    level = hip.mesh.level_at(points.reshape(-1, 3)).reshape(len(lateral), len(ticks))
    labels, count = ndimage.label(level >= 0.5)
    if count == 0:
        return None
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    section = labels == int(np.argmax(sizes))
    columns = np.flatnonzero(section.any(axis=0))
    # The outline lies between the last raster point inside and the first outside.
    highest = level.max(axis=0)
    first = _edge(ticks, highest, columns[0], -1)
    last = _edge(ticks, highest, columns[-1], 1)
    return float(np.dot(entry - middle, frame.y) - 0.5 * (first + last))


def _edge(ticks: FloatArray, level: FloatArray, inside: int, step: int) -> float:
    outside = inside + step
    if not 0 <= outside < len(ticks) or level[outside] >= 0.5:
        return float(ticks[inside])
    share = (level[inside] - 0.5) / (level[inside] - level[outside])
    return float(ticks[inside] + share * (ticks[outside] - ticks[inside]))
