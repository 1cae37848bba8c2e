"""CT-like and MR-like images of a femur phantom.

They look like the real thing to a reader and to a viewer's window; they are no physics. A figure
without a published source is marked as an engineering choice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from corecore.base.grid import BoolArray, FloatArray, Grid, Image, transform
from corecore.study.phantom.femur import Femur
from corecore.study.phantom.lesion import Lesion
from corecore.study.phantom.sampling import level_on_grid

# CT numbers, HU.
#: Cancellous bone of the neck, normal density (JKSR 2021;82:173, 42 patients).
HU_NECK = 132.0
#: Head's cancellous bone, cortex, band about an older necrosis: engineering choices (textbook ranges
#: 250 to 350, 1000 to 1500 and 500 to 900, not confirmed in a source).
HU_HEAD = 290.0
HU_CORTEX = 1250.0
HU_RIM = 560.0
#: Trochanter, marrow cavity, muscle: engineering choices.
HU_TROCHANTER = 70.0
HU_MARROW = -40.0
HU_MUSCLE = 55.0
#: Main compressive bundle from the calcar to the top of the head: gain and width (engineering choice).
HU_BUNDLE = 130.0
BUNDLE_WIDTH_MM = 7.0
#: Grain of the trabeculae (sd HU, grain mm), scanner noise and blur: engineering choices, a hip
#: protocol with a bone kernel.
HU_GRAIN = 35.0
GRAIN_MM = 1.1
HU_NOISE = 14.0
CT_BLUR_MM = 0.55

# MR signal of a T1- or proton-density-weighted sequence without fat suppression, arbitrary units:
# the necrotic core is isointense with fat, its border dark (Mitchell 1987); the levels are
# engineering choices.
MR_FAT_MARROW = 820.0
MR_RED_MARROW = 600.0
MR_CORTEX = 60.0
MR_MUSCLE = 280.0
MR_CORE = 800.0
MR_RIM = 110.0
MR_NOISE = 22.0
MR_BLUR_MM = 0.5
#: Marrow signal lost around the lesion by oedema at its border, and how far it reaches (engineering choice).
MR_OEDEMA_LOSS = 170.0
MR_OEDEMA_MM = 6.0
#: Width of the band about a necrosis, inside its outer edge, which is the lesion's boundary
#: (Takashima 2018); the width is an engineering choice (1 to 3 mm).
RIM_MM = 1.8

# Cortex, mm.
#: Neck, postero-superior and antero-inferior, at 25 years and its loss per year (Poole 2010, 100 women).
CORTEX_POSTEROSUPERIOR_MM = (1.63, 0.0217)
CORTEX_ANTEROINFERIOR_MM = (3.9, 0.010)
CORTEX_AGE_YEARS = 25.0
#: Shaft, trochanter, head: engineering choices (textbook ranges 4 to 6, 0.8 to 1.5 and 0.6 to 1.2 mm).
CORTEX_SHAFT_MM = 5.5
CORTEX_TROCHANTER_MM = 1.2
CORTEX_HEAD_MM = 0.9
#: Depth over which cortex passes into cancellous bone (engineering choice).
CORTEX_EDGE_MM = 0.8
#: A voxel edge beyond this is averaged from slices no thicker, mm: a scanner's slice is a mean, not a section.
SLICE_MM = 1.5
#: Levels nearer to the surface than this are exact on the grid; thicker than any cortex.
BAND_MM = 9.0


@dataclass(frozen=True)
class Times:
    """How many times the usual noise and blur an image has."""

    noise: float = 1.0
    blur: float = 1.0


def ct_image(
    femur: Femur,
    lesion: Lesion,
    grid: Grid,
    femoral_from_world: npt.ArrayLike,
    rng: np.random.Generator,
    times: Times | None = None,
) -> Image:
    """A CT-like image in whole HU."""
    times = times or Times()
    values = _averaged(lambda fine: _ct_values(femur, lesion, fine, femoral_from_world, rng, times.blur), grid)
    values += times.noise * HU_NOISE * rng.standard_normal(grid.shape, dtype=np.float32)
    return Image(grid, np.rint(values).astype(np.float32))


def _ct_values(
    femur: Femur, lesion: Lesion, grid: Grid, femoral_from_world: npt.ArrayLike, rng: np.random.Generator, blur: float
) -> FloatArray:
    inside, points, depth, necrosis = _fields(femur, lesion, grid, femoral_from_world)
    head, neck, shaft = _regions(femur, points)
    hu = HU_TROCHANTER + (HU_NECK - HU_TROCHANTER) * neck
    hu += (HU_HEAD - hu) * head
    hu += HU_BUNDLE * np.exp(-0.5 * (_bundle_distance(femur, points) / BUNDLE_WIDTH_MM) ** 2)
    hu += (HU_MARROW - hu) * shaft
    grain = ndimage.gaussian_filter(rng.standard_normal(grid.shape, dtype=np.float32), GRAIN_MM / grid.spacing_mm)
    hu += HU_GRAIN * (1.0 - shaft) * grain[inside] / float(grain.std())
    # The necrotic core keeps the head's density until it collapses (J Orthop Res 2020;38:2434);
    # only the band about it is seen.
    hu += (HU_RIM - hu) * _band(necrosis)
    hu += (HU_CORTEX - hu) * _cortex(femur, points, depth, head, neck, shaft)
    values = np.full(grid.shape, HU_MUSCLE)
    values[inside] = hu
    return np.asarray(ndimage.gaussian_filter(values, blur * CT_BLUR_MM / grid.spacing_mm))


def mr_image(
    femur: Femur,
    lesion: Lesion,
    grid: Grid,
    femoral_from_world: npt.ArrayLike,
    rng: np.random.Generator,
    times: Times | None = None,
) -> Image:
    """An MR-like image in whole arbitrary units: bright marrow and core, dark band and cortex."""
    times = times or Times()
    values = _averaged(lambda fine: _mr_values(femur, lesion, fine, femoral_from_world, times.blur), grid)
    # Magnitude images carry Rician noise: two channels, one with the signal.
    first, second = times.noise * rng.standard_normal((2, *grid.shape), dtype=np.float32)
    values = np.hypot(values + MR_NOISE * first, MR_NOISE * second)
    return Image(grid, np.rint(values).astype(np.float32))


def _mr_values(femur: Femur, lesion: Lesion, grid: Grid, femoral_from_world: npt.ArrayLike, blur: float) -> FloatArray:
    inside, points, depth, necrosis = _fields(femur, lesion, grid, femoral_from_world)
    head, neck, shaft = _regions(femur, points)
    # Fatty marrow in head and trochanters, blood-forming marrow in the neck and below it.
    signal = MR_FAT_MARROW + (MR_RED_MARROW - MR_FAT_MARROW) * np.maximum(neck * (1.0 - head), 0.6 * shaft)
    outside = np.maximum(-necrosis, 0.0)
    signal -= MR_OEDEMA_LOSS * np.exp(-outside / MR_OEDEMA_MM)
    signal = np.where(necrosis > 0.0, MR_CORE, signal)
    signal += (MR_RIM - signal) * _band(necrosis)
    signal += (MR_CORTEX - signal) * _cortex(femur, points, depth, head, neck, shaft)
    values = np.full(grid.shape, MR_MUSCLE)
    values[inside] = signal
    return np.asarray(ndimage.gaussian_filter(values, blur * MR_BLUR_MM / grid.spacing_mm))


def _averaged(values_on: Callable[[Grid], FloatArray], grid: Grid) -> FloatArray:
    """Values of thin slices averaged to the slices of a grid; a grid of thin voxels has its own."""
    n = np.maximum(1, np.ceil(grid.spacing_mm / SLICE_MM)).astype(np.int64)
    if np.all(n == 1):
        return values_on(grid)
    matrix = grid.world_from_index @ np.diag([*(1.0 / n), 1.0])
    # The first thin slice lies where the middle of all n is the thick one's.
    matrix[:3, 3] -= matrix[:3, :3] @ (0.5 * (n - 1))
    x, y, z = (int(count) for count in n * grid.shape)
    fine = values_on(Grid((x, y, z), matrix))
    (a, b, c), (i, j, k) = grid.shape, n
    return np.asarray(fine.reshape(a, i, b, j, c, k).mean(axis=(1, 3, 5)))


def cortex_thickness_mm(femur: Femur, points: FloatArray) -> FloatArray:
    """Thickness of the cortex nearest to points (N, 3) of the femoral frame, (N,) mm."""
    return _thickness(femur, points, *_regions(femur, points))


def _fields(
    femur: Femur, lesion: Lesion, grid: Grid, femoral_from_world: npt.ArrayLike
) -> tuple[BoolArray, FloatArray, FloatArray, FloatArray]:
    """Which voxels are bone, and of these N the femoral positions (N, 3), depth in bone and in the lesion (N,)."""
    matrix = np.asarray(femoral_from_world, dtype=np.float64) @ grid.world_from_index
    depth = level_on_grid(femur.level_mm, matrix, grid.shape, band_mm=BAND_MM)
    necrosis = level_on_grid(lesion.level_mm, matrix, grid.shape, band_mm=BAND_MM)
    inside: BoolArray = np.asarray(depth > 0.0)
    points = transform(matrix, np.argwhere(inside))
    return inside, points, depth[inside].astype(np.float64), necrosis[inside].astype(np.float64)


def _regions(femur: Femur, points: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """How much each point belongs to the head, the neck and the shaft, 0 to 1."""
    radius = femur.head_radius_mm
    t, _, _ = femur.along_neck(points)
    head = _step((radius * 1.02 - np.linalg.norm(points, axis=1)) / (0.12 * radius)) * _step((0.75 * radius - t) / 4.0)
    height = points[:, 2] - femur.shape.lesser_trochanter_height_mm
    shaft = _step((4.0 - height) / 28.0)
    neck = _step((2.1 * radius - t) / 10.0) * (1.0 - shaft)
    return head, neck, shaft


def _thickness(femur: Femur, points: FloatArray, head: FloatArray, neck: FloatArray, shaft: FloatArray) -> FloatArray:
    years = max(0.0, femur.shape.age_years - CORTEX_AGE_YEARS)
    thin = CORTEX_POSTEROSUPERIOR_MM[0] - CORTEX_POSTEROSUPERIOR_MM[1] * years
    thick = CORTEX_ANTEROINFERIOR_MM[0] - CORTEX_ANTEROINFERIOR_MM[1] * years
    _, up, front = femur.along_neck(points)
    size = np.maximum(np.hypot(up, front), 1e-6)
    behind_above = (up - front) / (np.sqrt(2.0) * size)
    around = thin + (thick - thin) * 0.5 * (1.0 - behind_above)
    thickness = CORTEX_TROCHANTER_MM + (around - CORTEX_TROCHANTER_MM) * neck
    thickness += (CORTEX_HEAD_MM - thickness) * head
    thickness += (CORTEX_SHAFT_MM - thickness) * shaft
    return np.asarray(thickness)


def _cortex(
    femur: Femur, points: FloatArray, depth: FloatArray, head: FloatArray, neck: FloatArray, shaft: FloatArray
) -> FloatArray:
    """Share of cortex at each voxel, 0 to 1."""
    return _step((_thickness(femur, points, head, neck, shaft) - depth) / CORTEX_EDGE_MM + 0.5)


def _bundle_distance(femur: Femur, points: FloatArray) -> FloatArray:
    """Distance to the line from the calcar to the top of the head, where the densest trabeculae run."""
    radius = femur.head_radius_mm
    top = np.array([0.05 * radius, 0.0, 0.8 * radius])
    calcar = femur.neck_center - 0.5 * femur.shape.neck_long_diameter_mm * 0.7 * femur.neck_frame[1]
    axis = calcar - top
    share = np.clip((points - top) @ axis / float(axis @ axis), 0.0, 1.0)
    return np.asarray(np.linalg.norm(points - top - share[:, None] * axis, axis=1))


def _band(necrosis: FloatArray) -> FloatArray:
    """Share of the border band at each voxel: from the lesion's boundary inward."""
    return np.where(necrosis > 0.0, _step((RIM_MM - necrosis) / 0.6 + 0.5), 0.0)


def _step(value: FloatArray) -> FloatArray:
    """Smooth step from 0 at 0 to 1 at 1."""
    x = np.clip(value, 0.0, 1.0)
    return np.asarray(x * x * (3.0 - 2.0 * x))
