"""A plan as napari's layers, and the reader that napari calls for a ``plan.json`` (``corecore/napari.yaml``).

napari names an image's axes z, y, x: points and affines of these layers are RAS mm in that order, (S, A, R). Nothing
here imports napari.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from nibabel.orientations import io_orientation

from corecore.base.errors import CorecoreError
from corecore.base.grid import FloatArray, Grid
from corecore.base.input_file import json_of
from corecore.base.notice import NOTICE_IN_LINE
from corecore.document.plan import PLAN_SCHEMA
from corecore.document.read import SIZE_MAX_BYTES
from corecore.document.stamp import Provenance
from corecore.exports.nifti import FEMUR, LESION
from corecore.exports.plan_folder import tunnel_mesh
from corecore.planning.open_plan import OpenedPlan, open_plan
from corecore.report import palette

#: Data, keywords of the layer, kind of the layer.
Layer: TypeAlias = tuple[object, dict[str, object], str]
#: RAS's axes in napari's order.
AXES = (2, 1, 0)
#: Width of an axis and size of an end, mm.
LINE_MM, POINT_MM = 1.0, 3.0


def napari_reader(path: object) -> Callable[[object], list[Layer]] | None:
    """What napari asks for a file: a function that reads it as layers, or ``None`` where it is no plan.

    Parameters
    ----------
    path : str, path-like, or list of them
        One ``plan.json``; a list is not taken.

    Returns
    -------
    callable or None
        ``read_layers``.
    """
    if not isinstance(path, (str, Path)):
        return None
    try:
        content = json_of(Path(path), "a plan.json", SIZE_MAX_BYTES)
    except (CorecoreError, ValueError):
        return None
    named = content.get("schema") if isinstance(content, dict) else None
    # A plan of another form is taken too: reading it says what is amiss.
    ours = isinstance(named, str) and named.partition("/")[0] == PLAN_SCHEMA.partition("/")[0]
    return read_layers if ours else None


def read_layers(path: object) -> list[Layer]:
    """Read a ``plan.json``, and the masks and the image it names, as layers.

    Parameters
    ----------
    path : str or path-like
        A plan's file.

    Returns
    -------
    list of (data, keywords, kind)
        As ``plan_layers``.

    Raises
    ------
    InputError
        For a plan that cannot be read, and for one whose masks are missing or changed.
    """
    return plan_layers(open_plan(Path(str(path)), image=True))


def plan_layers(plan: OpenedPlan) -> list[Layer]:
    """A plan as layers.

    Parameters
    ----------
    plan : OpenedPlan
        A plan opened from its folder.

    Returns
    -------
    list of (data, keywords, kind)
        ``image`` where the plan has one; the labels ``femur`` (1) and ``lesion`` (2), voxels as drawn, axes
        reordered to S, A, R; and where there are tunnels: ``tunnels``, their surfaces with cavities,
        ``tunnel axes``, a line each from entry to tip with the tunnel's figures as features, and ``entries and tips``.
        ``metadata`` names case, side, plan and frame. Tunnels that exceed limits have the report's colour for that.
    """
    case = plan.hip.case
    assert case.original_femur is not None
    assert case.original_lesion is not None
    about = {**dict(Provenance.of(plan.file.plan, plan.file.hash).rows()), "notice": NOTICE_IN_LINE}
    common: dict[str, object] = {"metadata": {"corecore": {**about, "frame": "RAS mm, axes in the order S, A, R"}}}
    layers: list[Layer] = []
    if case.image is not None:
        values, affine = _reordered(case.image.values, case.image.grid)
        layers.append((values, {"name": "image", "affine": affine, "colormap": "gray", **common}, "image"))
    for name, mask, label, opacity in (
        ("femur", case.original_femur, FEMUR, 0.3),
        ("lesion", case.original_lesion, LESION, 0.7),
    ):
        voxels, affine = _reordered(mask.voxels, mask.grid)
        keywords = {"name": name, "affine": affine, "opacity": opacity, **common}
        layers.append((voxels.astype(np.uint8) * np.uint8(label), keywords, "labels"))
    return [*layers, *_of_tunnels(plan, common)] if plan.tunnels else layers


def _of_tunnels(plan: OpenedPlan, common: Mapping[str, object]) -> list[Layer]:
    hip = plan.hip
    color = palette.VIOLATION if plan.file.plan.violations else palette.TUNNEL
    bodies = [tunnel_mesh(tunnel, hip) for tunnel, _ in plan.tunnels]
    first = np.cumsum([0, *(len(body.points_mm) for body in bodies[:-1])])
    points = np.concatenate([body.points_mm for body in bodies])[:, AXES]
    # The order of the axes mirrors space: turned round, the triangles look outwards again.
    faces = np.concatenate([body.triangles + start for body, start in zip(bodies, first, strict=True)])[:, ::-1]
    ends = [np.stack([hip.to_world(tunnel.entry), hip.to_world(tunnel.tip)])[:, AXES] for tunnel, _ in plan.tunnels]
    numbers = range(1, len(ends) + 1)
    figures = {
        "tunnel": [*numbers],
        "diameter_mm": [tunnel.diameter_mm for tunnel, _ in plan.tunnels],
        "length_mm": [tunnel.length_mm for tunnel, _ in plan.tunnels],
        "removed_fraction": [found.removed_fraction for _, found in plan.tunnels],
    }
    names = {"name": [f"tunnel {number} {end}" for number in numbers for end in ("entry", "tip")]}
    solid = {"name": "tunnels", "colormap": _plain(color), "opacity": 0.6, "shading": "smooth", **common}
    line = {
        "name": "tunnel axes", "shape_type": "line", "edge_width": LINE_MM, "edge_color": color, "features": figures,
        **common,
    }  # fmt: skip
    marks = {"name": "entries and tips", "size": POINT_MM, "face_color": color, "features": names, **common}
    return [
        ((points, faces, np.ones(len(points))), solid, "surface"),
        (ends, line, "shapes"),
        (np.concatenate(ends), marks, "points"),
    ]


def _plain(color: str) -> FloatArray:
    """A colormap of one colour, (2, 4)."""
    return np.array([[*palette.rgb(color), 1.0]] * 2)


def _reordered(values: npt.NDArray[np.generic], grid: Grid) -> tuple[npt.NDArray[np.generic], FloatArray]:
    """Voxels with their axes in napari's order, and the affine (4, 4) from their indices to (S, A, R) mm.

    Only axes change places, for napari cuts slices along the array's axes that are named as the world's.
    """
    world_axis = io_orientation(grid.world_from_index)[:, 0].astype(int)
    axes = [int(np.flatnonzero(world_axis == axis)[0]) for axis in AXES]
    affine = grid.world_from_index[[*AXES, 3]][:, [*axes, 3]]
    return values.transpose(axes), affine
