"""Whole femora cut short, measured in the frame that was found and in their own: which ranges hold the truth.

Anteversion says nothing of the proximal bone: the same bone is held to its figures with the condyles turned to one
drawn version after another.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from scipy import ndimage

from corecore.base.distance_field import Bone
from corecore.base.grid import FloatArray, Grid, Mask
from corecore.base.spec import Spec
from corecore.hip.anatomy.fit import fit_anatomy
from corecore.hip.anatomy.frame import with_midline_at
from corecore.hip.anatomy.model import Anatomy, Landmarks
from corecore.hip.hip import Hip
from corecore.hip.lesion import sampled
from corecore.measures.figures import figures_of, ground_of
from corecore.measures.frame_range import in_frame, measure_frame_range, named
from corecore.measures.jic import acetabulum_of
from corecore.measures.necrosis import necrosis_of
from corecore.study.phantom.pose import Pose
from corecore.study.phantom.shape import FemurShape
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.figures import assess, first_exit
from corecore.tunnels.frame_range import tunnel_frame_range
from support.anatomy_bones import degrees_between, unit
from support.short_femora import Drawn, Whole, drawn

#: Anteversion of people: median and spread of both sexes pooled, by the quartiles 7.4 and 20.4 of 1070 femora, degrees
#: (PMC4775021; 328 others: 9.7, Koerner 2013).
VERSION_DEG = (14.2, 9.6)
#: A truth counts as held up to half the last digit that reports print: degrees, mm, shares.
SLACK = {"_deg": 0.5, "_mm": 0.05}
SLACK_SHARE = 0.005
#: How far a drawn femur's shaft bows, 1/m, and its lesser trochanter stands out, mm: mean and spread.
BOW_PER_M, LESSER_MM = (0.8, 0.16), (14.0, 2.5)


def _slack(name: str) -> float:
    if name.startswith("necrotic_index"):
        return 0.5
    return next((slack for end, slack in SLACK.items() if name.endswith(end)), SLACK_SHARE)


def drawn_femur(seed: int) -> Whole:
    """A femur of chance: its shape, trochanter, bow, and how the patient lies."""
    rng = np.random.default_rng([seed, 19])
    shape = FemurShape.drawn(rng, "male" if seed % 2 else "female")
    lesser = float(np.clip(rng.normal(*LESSER_MM), 9.0, 19.0)) * shape.head_diameter_mm / 48.0
    turns = rng.normal(0.0, 1.0, 3) * (8.0, 5.0, 12.0)
    pose = Pose((0.0, 0.0, 0.0), float(turns[0]), float(turns[1]), float(turns[2]))
    return drawn(Drawn(f"drawn {seed}", shape, lesser, float(rng.normal(*BOW_PER_M)), pose))


@dataclass(frozen=True, eq=False)
class Held:
    """Which ranges held the truth, by figure; and how far the frame found was off."""

    figures: dict[str, list[bool]]
    source: str
    shaft_off_deg: float
    shaft_range_deg: float
    in_view_mm: float


def held(whole: Whole, cut_mm: float, versions: FloatArray, pattern: Hip, seed: int = 0) -> Held:
    """The bone cut so far below the head: whether each range holds the truth at every version (N,), degrees."""
    rng = np.random.default_rng([seed, int(cut_mm)])
    bone, found = whole.cut(cut_mm), whole.fitted(cut_mm)
    whole_bone, truth = _truth(whole)
    hip = replace(
        pattern, bone=bone, anatomy=found, world_from_local=np.eye(4), avoid=None, pelvis=None,
        bone_mask=Mask(Grid(whole.voxels.shape, np.diag([*whole.spacing, 1.0])), whole.voxels),
        case=replace(pattern.case, landmarks=Landmarks()),
    )  # fmt: skip
    hip = _with_lesion(hip, truth, rng)
    tunnel = _tunnel(hip, rng)
    spec = Spec()
    necrosis = necrosis_of(hip, spec)
    ground = ground_of(necrosis, acetabulum_of(hip, None))
    figures = figures_of(necrosis, ground)
    ranges = measure_frame_range(necrosis, ground, figures)
    drilled = tunnel_frame_range(hip, tunnel, assess(hip, tunnel, spec))
    told: dict[str, list[bool]] = defaultdict(list)
    if truth.sources["x_axis"] == "condyles":
        versions = np.append(versions, truth.anteversion_deg)
    for version in versions:
        # The condyles lie so far behind the neck.
        own = truth.turned_about_shaft(float(version) - truth.anteversion_deg)
        own = replace(own, head_center=found.head_center, head_radius_mm=found.head_radius_mm)
        there = in_frame(necrosis, own)
        true = figures_of(there, ground_of(there, acetabulum_of(there.hip, None)), straight=figures)
        for name, value in named(there, true).items():
            if value is None or name not in ranges.figures:
                continue
            low, high = ranges.figures[name]
            if name.endswith("longitude_deg"):
                value = low + (value - low + 180.0) % 360.0 - 180.0 if value < low or value > high else value
            told[name].append(bool(low - _slack(name) <= value <= high + _slack(name)))
        for name, kind in true.classes().items():
            if name in ranges.classes:
                told[name].append(kind in ranges.classes[name])
        height = float((tunnel.entry - own.head_center) @ own.shaft_axis)
        seen = replace(hip, bone=whole_bone, anatomy=with_midline_at(whole_bone, own, height))
        own_figures = assess(seen, tunnel, spec)
        for name, (low, high) in drilled.items():
            value = getattr(own_figures, name)
            if value is not None and np.isfinite(value):
                told[name].append(bool(low - _slack(name) <= value <= high + _slack(name)))
    return Held(
        dict(told), found.sources["shaft_axis"], degrees_between(found.shaft_axis, truth.shaft_axis),
        found.shaft_range_deg, whole.in_view_mm(cut_mm),
    )  # fmt: skip


@cache
def _truth(whole: Whole) -> tuple[Bone, Anatomy]:
    """The whole bone, and its anatomy about its own axes."""
    bone = whole.cut(1000.0)
    given = Landmarks(shaft_axis=whole.shaft_axis, lesser_trochanter_tip=whole.lesser_tip, x_axis=whole.x_axis)
    return bone, fit_anatomy(bone, whole.near, side="right", superior=whole.superior, given=given)


def _with_lesion(hip: Hip, truth: Anatomy, rng: np.random.Generator) -> Hip:
    """A cone of necrosis from the head's centre, about the direction in which necroses lie."""
    x, y, z = truth.x_axis, truth.y_axis, truth.shaft_axis
    axis = unit(np.array([-0.25, 0.40, 0.88]) + rng.normal(0.0, 0.2, 3))
    half = rng.uniform(25.0, 50.0)
    inner = rng.uniform(0.1, 0.5) * truth.head_radius_mm
    place = np.moveaxis(np.indices(hip.bone_mask.grid.shape, dtype=float), 0, -1) * hip.bone_mask.grid.spacing_mm
    offset = place - hip.anatomy.head_center
    size = np.linalg.norm(offset, axis=-1)
    lean = offset @ (axis[0] * x + axis[1] * y + axis[2] * z)
    inside = (lean >= np.cos(np.radians(half)) * size) & (size > inner) & (size < 1.1 * truth.head_radius_mm)
    voxels = inside & hip.bone_mask.voxels
    box = ndimage.find_objects(voxels.astype(np.uint8))[0]
    low = np.maximum(np.array([s.start for s in box]) - 2, 0)
    high = np.array([s.stop for s in box]) + 2
    return replace(hip, lesion=sampled(Mask(hip.bone_mask.grid, voxels).cropped(low, high)))


def _tunnel(hip: Hip, rng: np.random.Generator) -> Tunnel:
    """A drill's path from the lateral cortex along the neck and up into the head, a few degrees off."""
    anatomy = hip.anatomy
    tip = anatomy.head_center + 0.35 * anatomy.head_radius_mm * unit(anatomy.neck_axis + rng.normal(0.0, 0.3, 3))
    way = unit(anatomy.neck_axis + rng.normal(0.0, 0.06, 3) - 0.05 * anatomy.shaft_axis)
    entry = first_exit(hip, tip, -way)
    assert entry is not None
    return Tunnel(entry, tip, 10.0)
