"""One picture of a draft: its outline on slices through head, neck and trochanters, large enough to check it."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from corecore.base.grid import FloatArray, transform
from corecore.hip.draft.make import NOTICE, Draft

#: Window of the greys, HU, and the outline's colour.
WINDOW_HU, OUTLINE = (-150.0, 750.0), "#ff5a36"
#: Half the width of a slice through the head, in radii, and beside the mask elsewhere, mm.
HEAD_RADII, BESIDE_MM = 1.7, 12.0
#: Slices further down: so many radii along the neck's way from the head's centre.
NECK_AT, TROCHANTER_AT = 1.3, 2.2
SIZE_INCHES, DPI = (18.0, 12.4), 110
#: Planes by the array axis across them, with the letters left, right, above and below. The patient's right is
#: on the left, his front on the left of the side view.
LETTERS = {"coronal": (1, "RLSI"), "sagittal": (0, "APSI"), "axial": (2, "RLAP")}


def draw(draft: Draft) -> bytes:
    """The picture as PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    sphere = draft.joint.sphere
    figure = Figure(figsize=SIZE_INCHES, dpi=DPI, facecolor="black", layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, 3)
    reach = HEAD_RADII * sphere.radius_mm
    for axis, plane in zip(axes[0], LETTERS, strict=True):
        _slice(axis, draft, plane, sphere.center, reach, f"{plane}, middle of the head")
    low = sphere.center + NECK_AT * sphere.radius_mm * sphere.neck
    lower = sphere.center + TROCHANTER_AT * sphere.radius_mm * sphere.neck
    _slice(axes[1, 0], draft, "coronal", sphere.center, None, "coronal, middle of the head, all that is in the mask")
    _slice(axes[1, 1], draft, "axial", low, None, "axial, neck")
    _slice(axes[1, 2], draft, "sagittal", lower, None, "sagittal, trochanters")
    figure.suptitle(f"DRAFT OF THE {draft.hip.side.upper()} FEMUR. {NOTICE}", color=OUTLINE, fontsize=15)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", facecolor="black", metadata={"Software": None})
    return stream.getvalue()


def _slice(axis: Any, draft: Draft, plane: str, at_mm: FloatArray, reach_mm: float | None, title: str) -> None:
    """One plane of the image with the mask's outline, within ``reach_mm`` of the point or around the mask."""
    across, letters = LETTERS[plane]
    grid, mask = draft.field.grid, draft.femur
    number = int(np.clip(np.rint(transform(grid.index_from_world, at_mm))[across], 0, grid.shape[across] - 1))
    values = np.take(draft.field.values, number, axis=across)
    # The mask lies on a part of the same lattice.
    start = np.rint(transform(grid.index_from_world, mask.grid.world_from_index[:3, 3])).astype(np.int64)
    wide = np.zeros(grid.shape, dtype=np.bool_)
    wide[tuple(slice(a, a + n) for a, n in zip(start, mask.grid.shape, strict=True))] = mask.voxels
    inside = np.take(wide, number, axis=across)
    u, v = (k for k in range(3) if k != across)
    edge = grid.spacing_mm[[u, v]]
    x, y = np.arange(values.shape[0]) * edge[0], np.arange(values.shape[1]) * edge[1]
    axis.imshow(
        values.T, cmap="gray", vmin=WINDOW_HU[0], vmax=WINDOW_HU[1], origin="lower", interpolation="bilinear",
        extent=(-0.5 * edge[0], x[-1] + 0.5 * edge[0], -0.5 * edge[1], y[-1] + 0.5 * edge[1]),
    )  # fmt: skip
    if inside.any():
        axis.contour(x, y, inside.T.astype(np.float64), [0.5], colors=[OUTLINE], linewidths=1.1)
    if reach_mm is None:
        bounds = [np.flatnonzero(wide.any(axis=tuple(k for k in range(3) if k != one))) for one in (u, v)]
        low = np.array([line[0] for line in bounds]) * edge - BESIDE_MM
        high = np.array([line[-1] for line in bounds]) * edge + BESIDE_MM
    else:
        middle = transform(grid.index_from_world, at_mm)[[u, v]] * edge
        low, high = middle - reach_mm, middle + reach_mm
    # Array axes run to the right, the front and up: reversed, right and front come to lie on the left.
    axis.set_xlim(high[0], low[0])
    axis.set_ylim(low[1], high[1])
    axis.set_title(title, color="white", fontsize=12)
    for letter, place in zip(letters, ((0.02, 0.5), (0.96, 0.5), (0.49, 0.96), (0.49, 0.02)), strict=True):
        axis.text(*place, letter, color="white", fontsize=13, transform=axis.transAxes)
    left, bottom = high[0] - 4.0, low[1] + 4.0
    axis.plot([left, left - 20.0], [bottom, bottom], color="white", linewidth=3)
    axis.text(left, bottom + 2.0, "20 mm", color="white", fontsize=11)
    axis.set_axis_off()
