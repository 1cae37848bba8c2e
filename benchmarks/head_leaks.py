"""How far the head's sphere follows a mask that leaks into the joint: on a drawn bone, and on a real hip with its CT.

python benchmarks/head_leaks.py                       # a drawn bone, voxels of 1.6 mm
python benchmarks/head_leaks.py FOLDER                # five real heads of 1.6 to 2.4 mm voxels, against truth.json
python benchmarks/head_leaks.py MAP.nii.gz CT.nii.gz  # labels 1 femur, 2 lesion, and what joint_space says of it
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
from scipy.spatial.transform import Rotation

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from support.anatomy_bones import CLOSED, Stick, in_local_frame, posed, read_bone

from corecore.base.distance_field import bone_from_voxels
from corecore.base.errors import CorecoreError
from corecore.base.grid import BoolArray, FloatArray, transform
from corecore.hip.anatomy.head import fit_head
from corecore.hip.case import read_case
from corecore.hip.draft.field import field_around
from corecore.hip.draft.joint import find_joint
from corecore.hip.draft.sphere import Sphere
from corecore.hip.hip import Hip, build_hip
from corecore.hip.inputs import HipInputs
from corecore.measures.signs.joint_space import beyond_joint_space

#: Thickness, mm, and half-angle of the cone, degrees.
LEAKS = [(thick, cone) for thick in (2.0, 3.0, 5.0) for cone in (35.0, 50.0, 60.0)]
#: Superior, medial, posterior, and anterior superior medial; femoral frame.
WAYS = ((0.0, 0.0, 1.0), (-0.96, 0.0, 0.3), (0.0, -0.9, 0.45), (-0.2, 0.4, 0.9))

#: Real masks, every how many voxels, and in how many of those ways they leak.
HEADS = (
    ("h07_left_170mm", 2, 4), ("h03_left_small05", 2, 2), ("h06_left_full_femur", 2, 2),
    ("h05_right_short_scan", 2, 2), ("h01_right_wedge15", 3, 2),
)  # fmt: skip


def leak(place: FloatArray, way: tuple[float, ...], radius: float, thick: float, cone: float) -> BoolArray:
    """A shell of that thickness on the head, inside a cone about ``way``; ``place`` (..., 3) from its centre."""
    size, axis = np.linalg.norm(place, axis=-1), np.array(way) / np.linalg.norm(way)
    within = (size > radius - 3.0) & (size < radius + thick)
    return np.asarray(within & (place @ axis > np.cos(np.radians(cone)) * size))


def drawn() -> None:
    made = posed(
        Stick(bottom=-75.0), Rotation.from_euler("xyz", [12.0, -20.0, 25.0], True), np.random.default_rng(3),
        spacing=1.6,
    )  # fmt: skip
    place = made.positions().reshape(*made.voxels.shape, 3)
    local = made.local_from_femoral
    for thick, cone in LEAKS:
        off = []
        for way in WAYS:
            voxels = made.voxels | leak(place, way, 23.0, thick, cone)
            bone = bone_from_voxels(voxels, np.full(3, 1.6), open_faces=CLOSED)
            head = fit_head(bone, transform(local, np.array([-3.0, 5.0, 12.0])))
            off.append(float(np.linalg.norm(head.center - local[:3, 3])))
        sys.stdout.write(f"{thick:g} mm over {cone:g}°: centre off by {', '.join(f'{one:.2f}' for one in off)} mm\n")


def heads(folder: Path) -> None:
    for name, coarse, ways in HEADS:
        mask, truth = read_bone(folder, name, coarse=coarse)
        hip = in_local_frame(mask, truth, truth["side"])
        spacing = hip.bone.spacing_mm
        place = np.moveaxis(np.indices(hip.mask.voxels.shape), 0, -1) * spacing - hip.head_center
        off = np.linalg.norm(fit_head(hip.bone, hip.near).center - hip.head_center)
        sys.stdout.write(f"{name}, voxels of {spacing.max():.1f} mm: clean {off:.2f} mm\n")
        for thick, cone in LEAKS:
            found = []
            for way in WAYS[:ways]:
                # Medial and lateral are exchanged on a left hip's scan, which the local frame mirrors back.
                world = np.array(way) * [-1.0 if hip.side == "left" else 1.0, 1.0, 1.0]
                more = leak(place, tuple(hip.local_from_world[:3, :3] @ world), hip.head_radius, thick, cone)
                bone = bone_from_voxels(hip.mask.voxels | more, spacing, open_faces=CLOSED)
                found.append(float(np.linalg.norm(fit_head(bone, hip.near).center - hip.head_center)))
            sys.stdout.write(f"  {thick:g} mm over {cone:g}°: {', '.join(f'{one:.1f}' for one in found)} mm\n")


def real(labels: Path, ct: Path) -> None:
    stored = nib.load(labels)
    values, affine = np.asarray(stored.dataobj).astype(np.uint8), stored.affine
    with tempfile.TemporaryDirectory() as folder:

        def built(changed: np.ndarray) -> Hip:
            path = Path(folder) / "map.nii.gz"
            nib.save(nib.Nifti1Image(changed, affine, stored.header), path)
            return build_hip(read_case(HipInputs(f"{path}:1", f"{path}:2", image=ct)))

        clean = built(values)
        sys.stdout.write(f"clean: {said(clean)}\n")
        turn = clean.anatomy.femoral_from_local
        at = np.argwhere(values == 0)
        place = transform(turn, clean.to_local(transform(affine, at)))
        for thick, cone in LEAKS:
            changed = values.copy()
            changed[tuple(at[leak(place, WAYS[3], clean.anatomy.head_radius_mm, thick, cone)].T)] = 1
            hip = built(changed)
            off = hip.to_world(hip.anatomy.head_center) - clean.to_world(clean.anatomy.head_center)
            sys.stdout.write(f"{thick:g} mm over {cone:g}°: centre off by {np.linalg.norm(off):.2f} mm; {said(hip)}\n")


def said(hip: Hip) -> str:
    """Whether the surface and the joint space tell of a leak, and why the joint space is not found."""
    surface = "head_surface" if any(one.code == "head_surface" for one in hip.warnings) else "nothing"
    assert hip.case.image is not None
    center = np.asarray(hip.to_world(hip.anatomy.head_center))
    neck = -hip.direction_to_world(hip.anatomy.neck_axis)
    try:
        find_joint(field_around(hip.case.image, center), Sphere(center, hip.anatomy.head_radius_mm, neck, hip.side))
    except CorecoreError as error:
        return f"mask: {surface}; joint space not found ({error})"
    told = beyond_joint_space(hip, hip.case.image)
    return f"mask: {surface}; CT: {'joint_space' if told else 'nothing'}"


def main(arguments: list[str]) -> None:
    jobs: dict[int, Callable[..., None]] = {0: drawn, 1: heads, 2: real}
    jobs[len(arguments)](*map(Path, arguments))


if __name__ == "__main__":
    main(sys.argv[1:])
