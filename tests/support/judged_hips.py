"""Hips for the oracle: masks as they came, landmarks and tunnels as a plan states them, all in world RAS mm."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path as File
from typing import Any, cast

import nibabel as nib
import numpy as np
from scipy import ndimage

from corecore.base.grid import Mask
from corecore.base.spec import Spec
from corecore.hip.case import case_from_masks, load_case
from corecore.hip.hip import Hip
from corecore.study.phantom.hip import HipRecipe, make_hip
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.figures import TunnelFigures
from support import oracle
from support.oracle import Array, Bools
from support.shared import shared


@dataclass(frozen=True, eq=False)
class JudgedHip:
    """A hip as the package built it, beside its masks as they came; ``solid`` is what the oracle sees."""

    name: str
    hip: Hip
    bone: Bools
    lesion: Bools
    affine: Array

    @property
    def marks(self) -> oracle.Marks:
        hip, anatomy = self.hip, self.hip.anatomy
        turn = hip.world_from_local[:3, :3]
        return oracle.Marks(
            hip.to_world(anatomy.head_center), anatomy.head_radius_mm, turn @ anatomy.neck_axis, turn @ anatomy.x_axis,
            turn @ anatomy.y_axis, turn @ anatomy.shaft_axis, hip.to_world(anatomy.shaft_point),
            anatomy.lesser_trochanter_height_mm, anatomy.sources["lesser_trochanter"] == "assumed",
        )  # fmt: skip

    def solid(self) -> oracle.Solid:
        """The bone within the joint surface."""
        return oracle.Solid(oracle.within_joint(self.bone, self.affine, self.marks), self.affine)

    def path(self, tunnel: Tunnel) -> oracle.Path:
        return oracle.Path(
            self.hip.to_world(tunnel.entry), self.hip.to_world(tunnel.tip), tunnel.diameter_mm,
            tunnel.cavity_diameter_mm, tunnel.cavity_length_mm,
        )  # fmt: skip

    def tunnel(self, path: oracle.Path) -> Tunnel:
        return Tunnel(
            self.hip.to_local(path.entry), self.hip.to_local(path.tip), path.diameter, path.cavity_diameter,
            path.cavity_length,
        )  # fmt: skip

    def broken(
        self,
        solid: oracle.Solid,
        tunnels: tuple[tuple[Tunnel, TunnelFigures], ...],
        spec: Spec,
        **regions: oracle.Solid,
    ) -> list[oracle.Broken]:
        """What the oracle finds wrong with a plan, its removed share included."""
        paths = [self.path(tunnel) for tunnel, _ in tunnels]
        limits, told = asdict(spec), [asdict(figures) for _, figures in tunnels]
        found = oracle.rules_broken(solid, self.marks, paths, told, limits, regions)
        for path, one in zip(paths, told, strict=True):
            share = oracle.removed_share(self.lesion, self.affine, [path])
            if abs(share - one["removed_fraction"]) > oracle.SHARE:
                found.append(
                    oracle.Broken("states removed_fraction", abs(share - one["removed_fraction"]), oracle.SHARE)
                )
        return found


def in_file(file: File, name: str) -> JudgedHip:
    """A hip that lies in one label map: femur 1, lesion 2: of several bones the one with the lesion, holes filled."""
    image: Any = nib.load(file)
    labels = np.asarray(image.dataobj)
    hip = shared.build_hip(load_case(f"{file}:1", f"{file}:2"))
    lesion = labels == 2
    pieces, _ = ndimage.label(labels > 0, np.ones((3, 3, 3)))
    bone = pieces == np.bincount(pieces[lesion])[1:].argmax() + 1
    return JudgedHip(name, hip, ndimage.binary_fill_holes(bone), lesion, image.affine)


def in_two_files(femur: File, lesion: File, name: str) -> JudgedHip:
    """A hip in a mask each, on grids of their own: the lesion is read where the femur's voxels lie."""
    image, other = (cast(Any, nib.load(file)) for file in (femur, lesion))
    bone, affine = np.asarray(image.dataobj) > 0, image.affine
    there = np.asarray(other.dataobj, dtype=np.float32)
    index = np.indices(bone.shape).reshape(3, -1)
    way = np.linalg.inv(other.affine) @ affine
    at = way[:3, :3] @ index + way[:3, 3:]
    inside = ndimage.map_coordinates(there, at, order=1, cval=0.0).reshape(bone.shape) >= 0.5
    whole = ndimage.binary_fill_holes(bone | inside)
    return JudgedHip(name, shared.build_hip(load_case(f"{femur}", f"{lesion}")), whole, inside, affine)


def drawn(seed: int) -> JudgedHip:
    """A synthetic hip drawn by chance, femur and lesion on one grid."""
    made = make_hip(replace(HipRecipe.drawn(seed), ct=False, mr=False))
    grid, bone, lesion = made.femur.grid, made.femur.voxels, made.lesion.voxels & made.femur.voxels
    case = case_from_masks(Mask(grid, bone & ~lesion), Mask(grid, lesion), label_map=True, case_id=f"drawn {seed}")
    return JudgedHip(f"drawn {seed}", shared.build_hip(case), bone, lesion, grid.world_from_index)


def hand_placed(one: JudgedHip, solid: oracle.Solid, rng: np.random.Generator, count: int) -> Iterator[oracle.Path]:
    """Tunnels of 3 to 16 mm set by hand, every third with a cavity; tips anywhere in the head: many leave it."""
    marks = one.marks
    u = oracle.unit(np.cross(marks.neck, marks.proximal))
    v = np.cross(marks.neck, u)
    made = 0
    while made < count:
        out = rng.standard_normal(3)
        tip = marks.center + marks.radius * rng.uniform(0.2, 0.97) * out / np.linalg.norm(out)
        lean = 0.45 * rng.uniform(-1.0, 1.0, 2)
        way = oracle.unit(marks.neck + lean[0] * u + lean[1] * v)
        if solid.depth(tip[None])[0] < 1.0:
            continue
        back = np.arange(0.0, 140.0, 0.1)
        outside = np.flatnonzero(~solid.inside(tip - back[:, None] * way))
        # One that leaves the head behind, or the neck, at once is no tunnel.
        if len(outside) == 0 or back[outside[0]] < 45.0:
            continue
        tunnel = Tunnel(one.hip.to_local(tip - back[outside[0]] * way), one.hip.to_local(tip), rng.uniform(3.0, 16.0))
        path = replace(one.path(tunnel), entry=tip - back[outside[0]] * way)
        if made % 3 == 0:
            wide = rng.uniform(path.diameter + 1.0, 26.0)
            path = replace(path, cavity_diameter=wide, cavity_length=rng.uniform(6.0, 25.0))
        made += 1
        yield path
