"""What a plan's tunnels do together: lesion removed and reached, bone taken, and how exact that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from corecore.base.grid import BoolArray, FloatArray
from corecore.base.spec import Spec
from corecore.hip.hip import Hip
from corecore.hip.lesion import Lesion, sample_counts
from corecore.measures.weight_bearing import in_cone
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.figures import neck_area_share as own_share
from corecore.tunnels.objective import objective_fraction
from corecore.tunnels.tunnel_set import inner_points

#: Lattice on which a tunnel's bone volume is counted, mm.
GRAFT_LATTICE_MM = 0.25


@dataclass(frozen=True)
class PlanMetrics:
    """What the tunnels of a plan do together; fractions of the necrosis, 0 to 1, and volumes in ml.

    Parameters
    ----------
    removed_fraction : float
        Necrosis inside the tunnels.
    reachable_fraction : float
        Necrosis deeper than the joint margin.
    removed_weight_bearing_fraction : float or None
        Necrosis removed from the weight-bearing zone, of that in the zone; ``None`` where none lies there.
    reached_3mm_fraction, reached_5mm_fraction : float
        Necrosis inside the tunnels or within 3 and 5 mm of them.
    target_fraction : float
        The objective's value.
    foci_removed_fraction : tuple of float
        Of each focus of the necrosis, the largest first, what lies inside the tunnels.
    necrosis_removed_ml, necrosis_left_ml : float
        Necrosis inside the tunnels, and outside.
    healthy_bone_removed_ml : float
        Viable bone inside the tunnels.
    graft_volume_ml : float
        Graft volume required: bone inside the tunnels, each place counted once.
    neck_area_share : float
        Share of the neck's smallest section that the tunnels take.
    discretisation_error_fraction : float
        Numerical error of ``removed_fraction``: its change with 125 sample points for each.
    """

    removed_fraction: float
    reachable_fraction: float
    removed_weight_bearing_fraction: float | None
    reached_3mm_fraction: float
    reached_5mm_fraction: float
    target_fraction: float
    foci_removed_fraction: tuple[float, ...]
    necrosis_removed_ml: float
    necrosis_left_ml: float
    healthy_bone_removed_ml: float
    graft_volume_ml: float
    neck_area_share: float
    discretisation_error_fraction: float


def totals_of(hip: Hip, spec: Spec, tunnels: list[Tunnel]) -> PlanMetrics:
    """The totals of tunnels in a hip's local frame."""
    lesion, bone = hip.lesion, hip.bone
    removed = np.zeros(len(lesion.points_mm), dtype=bool)
    reached = {3.0: removed.copy(), 5.0: removed.copy()}
    for tunnel in tunnels:
        removed |= tunnel.contains(lesion.points_mm)
        for distance, hit in reached.items():
            hit |= tunnel.contains(lesion.points_mm, grown_mm=distance)
    graft = graft_ml(hip, tunnels)
    loaded = in_cone(hip, spec)
    removed_ml = float(np.count_nonzero(removed)) * lesion.point_ml
    fraction = float(np.mean(removed))
    return PlanMetrics(
        removed_fraction=fraction,
        reachable_fraction=float(np.mean(bone.distance(lesion.points_mm) >= spec.joint_margin_mm)),
        removed_weight_bearing_fraction=float(np.mean(removed[loaded])) if loaded.any() else None,
        reached_3mm_fraction=float(np.mean(reached[3.0])),
        reached_5mm_fraction=float(np.mean(reached[5.0])),
        target_fraction=objective_fraction(hip, tunnels, spec),
        foci_removed_fraction=_by_focus(lesion, removed),
        necrosis_removed_ml=removed_ml,
        necrosis_left_ml=lesion.volume_ml - removed_ml,
        healthy_bone_removed_ml=max(0.0, graft - removed_ml),
        graft_volume_ml=graft,
        neck_area_share=neck_area_share(hip, tunnels),
        discretisation_error_fraction=_discretisation_error(hip, tunnels, fraction),
    )


def _by_focus(lesion: Lesion, removed: BoolArray) -> tuple[float, ...]:
    numbers = lesion.focus_numbers
    whole = np.bincount(numbers, minlength=2)[1:]
    taken = np.bincount(numbers[removed], minlength=len(whole) + 1)[1:]
    return tuple(float(share) for share in taken / np.maximum(whole, 1))


def neck_area_share(hip: Hip, tunnels: Sequence[Tunnel]) -> float:
    """Share of the neck's smallest section that tunnels take, each cut as it leans."""
    return float(sum(own_share(hip.anatomy, tunnel) for tunnel in tunnels))


def healthy_bone_ml(hip: Hip, tunnel: Tunnel) -> float:
    """Bone without lesion that a tunnel and its cavity take, ml."""
    removed = float(np.count_nonzero(tunnel.contains(hip.lesion.points_mm))) * hip.lesion.point_ml
    return max(0.0, graft_ml(hip, [tunnel]) - removed)


def graft_ml(hip: Hip, tunnels: Sequence[Tunnel]) -> float:
    """Bone inside tunnels and their cavities, each place counted once, ml."""
    graft, earlier = 0.0, list[Tunnel]()
    for tunnel in tunnels:
        for solid in tunnel.parts:
            graft += bone_volume_ml(hip, solid, earlier)
            earlier.append(solid)
    return graft


def bone_volume_ml(hip: Hip, tunnel: Tunnel, earlier: list[Tunnel]) -> float:
    """Bone inside a tunnel that no earlier one has taken, ml."""
    points = inner_points(tunnel, GRAFT_LATTICE_MM)
    taken = hip.bone.inside(points)
    for other in earlier:
        taken &= ~other.contains(points)
    # The lattice's share of bone times the exact volume of the body.
    if tunnel.shaped:
        return float(np.mean(taken)) * tunnel.volume_ml
    return float(np.mean(taken)) * np.pi * tunnel.radius_mm**2 * tunnel.length_mm / 1000.0


def _discretisation_error(hip: Hip, tunnels: list[Tunnel], fraction: float) -> float:
    """By how much the removed fraction moves when each sample point is divided into 125: its numerical error."""
    if not tunnels:
        return 0.0
    grid, points = hip.lesion.mask.grid, hip.lesion.points_mm
    edges = grid.world_from_index[:3, :3] / sample_counts(grid)
    reach = 0.5 * float(np.linalg.norm(edges, axis=0).sum())
    # Only points whose little box a wall may cut can change.
    wide = np.any([tunnel.contains(points, grown_mm=reach) for tunnel in tunnels], axis=0)
    sure = np.any([_deep_inside(tunnel, points, reach) for tunnel in tunnels], axis=0)
    cut = points[wide & ~sure]
    fifth = (np.arange(5) - 2.0) / 5.0
    total = 0
    for offset in np.stack(np.meshgrid(fifth, fifth, fifth), axis=-1).reshape(-1, 3):
        moved = cut + edges @ offset
        total += int(np.count_nonzero(np.any([tunnel.contains(moved) for tunnel in tunnels], axis=0)))
    fine = (np.count_nonzero(wide & sure) + total / 125.0) / len(points)
    return abs(float(fine) - fraction)


def _deep_inside(tunnel: Tunnel, points: FloatArray, depth_mm: float) -> BoolArray:
    inner = [
        Tunnel(
            solid.entry + depth_mm * solid.direction,
            solid.tip - depth_mm * solid.direction,
            solid.diameter_mm - 2.0 * depth_mm,
        )
        for solid in ((tunnel.shaft,) if tunnel.shaped else tunnel.solids)
        if solid.length_mm > 2.0 * depth_mm
    ]
    if not inner:
        return np.zeros(len(points), dtype=bool)
    return np.asarray(np.any([solid.contains(points) for solid in inner], axis=0))
