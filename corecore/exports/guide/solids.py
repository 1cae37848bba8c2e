"""Solids by manifold3d: closed by construction, whatever is joined or cut."""

from __future__ import annotations

from typing import Any

import numpy as np

from corecore.base.errors import MissingExtraError
from corecore.base.grid import FloatArray, across_axes
from corecore.base.mesh import TriangleMesh

#: Sides of a round thing: on a 10 mm bore the flat between two corners is 0.003 mm.
SIDES = 96


def library() -> Any:
    """manifold3d. Raises ``MissingExtraError`` where it is not installed."""
    try:
        import manifold3d
    except ImportError as error:
        raise MissingExtraError(
            "a drill guide needs manifold3d: pip install 'corecore[guide]'", code="extra-missing"
        ) from error
    return manifold3d


def cylinder(start: FloatArray, end: FloatArray, radius_mm: float) -> Any:
    """A solid cylinder between two points (3,)."""
    way = end - start
    length = float(np.linalg.norm(way))
    axis = way / length
    a, b = across_axes(axis)
    place = np.column_stack([a, b, axis, start])
    return library().Manifold.cylinder(length, radius_mm, radius_mm, SIDES).transform(place)


def ball(center: FloatArray, radius_mm: float) -> Any:
    """A solid ball about a point (3,)."""
    return library().Manifold.sphere(radius_mm, SIDES).translate(tuple(float(v) for v in center))


def slab(half_width: float, low: float, high: float, bottom: float, top: float, corner: float) -> Any:
    """An upright block with rounded corners: |x| up to ``half_width``, y from ``low`` to ``high``."""
    manifold = library()
    inner = manifold.CrossSection.square((2.0 * (half_width - corner), high - low - 2.0 * corner))
    outline = inner.translate((corner - half_width, low + corner)).offset(corner, manifold.JoinType.Round, 2.0, SIDES)
    return outline.extrude(top - bottom).translate((0.0, 0.0, bottom))


def under(x: FloatArray, y: FloatArray, heights: FloatArray, bottom: float) -> Any:
    """The solid between a height field (nx, ny) over ``x`` by ``y`` and a level below it."""
    n, m = heights.shape
    a, b = np.meshgrid(x, y, indexing="ij")
    top = np.stack([a.ravel(), b.ravel(), heights.ravel()], axis=1)
    low = np.stack([a.ravel(), b.ravel(), np.full(a.size, bottom)], axis=1)
    index = np.arange(n * m).reshape(n, m)
    p, q, r, s = (part.ravel() for part in (index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]))
    upper = np.concatenate([np.stack([p, q, r], axis=1), np.stack([p, r, s], axis=1)])
    rim = np.concatenate([index[:, 0], index[-1, 1:], index[-2::-1, -1], index[0, -2:0:-1]])
    after = np.roll(rim, -1)
    below = n * m
    walls = np.concatenate(
        [np.stack([rim, rim + below, after + below], axis=1), np.stack([rim, after + below, after], axis=1)]
    )
    return from_mesh(TriangleMesh(np.concatenate([top, low]), np.concatenate([upper, upper[:, ::-1] + below, walls])))


def from_mesh(mesh: TriangleMesh) -> Any:
    """A closed mesh as a solid. Raises ``ValueError`` for one that is none."""
    manifold = library()
    # Copies: the library takes no array that is read-only.
    solid = manifold.Manifold(
        manifold.Mesh64(np.array(mesh.points_mm, order="C"), np.array(mesh.triangles, dtype=np.uint64, order="C"))
    )
    if solid.status() != manifold.Error.NoError or solid.is_empty():
        raise ValueError(f"not a solid: {solid.status()}")
    return solid


def to_mesh(solid: Any) -> TriangleMesh:
    """A solid as a mesh in its own frame."""
    mesh = solid.to_mesh64()
    return TriangleMesh(np.asarray(mesh.vert_properties)[:, :3], np.asarray(mesh.tri_verts).astype(np.int64))
