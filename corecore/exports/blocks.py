"""A hip or a plan as PyVista blocks: named meshes in world RAS mm, with colours, units and figures.

Every block says in its field data what it is of, so that a mesh saved alone still names its hip and its frame.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt
import pyvista as pv

from corecore.base.grid import FloatArray, across_axes
from corecore.base.mesh import CYLINDER_SIDES, TriangleMesh, poly_data, revolved
from corecore.base.notice import NOTICE_IN_LINE
from corecore.base.spec import Spec
from corecore.document.content import content_of
from corecore.document.fields import Part, known
from corecore.document.plan import PlanDocument
from corecore.document.seal import plan_hash
from corecore.document.stamp import Provenance
from corecore.exports.plan_folder import lesion_mesh, meshes
from corecore.hip.hip import Hip
from corecore.measures.weight_bearing import GAIT_POLE, Pole
from corecore.planning.document import document
from corecore.planning.open_plan import OpenedPlan, open_plan
from corecore.planning.planner import Plan
from corecore.report import captions, palette
from corecore.report.pictures.clearance_colors import NEAR_MM
from corecore.report.scene import Scene
from corecore.tunnels.cylinder import Tunnel

AnyPlan: TypeAlias = Plan | OpenedPlan
Value: TypeAlias = str | float | FloatArray

#: Distance of a tunnel's rings along its outline, mm: clearances stand at their points.
RING_STEP_MM = 1.0
#: Edges of the weight-bearing zone's outline.
CAP_EDGES = 144
#: Length of the neck's and the shaft's axis from the head's centre, mm.
AXIS_MM = 70.0
#: Zones of a tunnel's wall (``zone`` of its points), in the order of their numbers.
ZONES = ("portal", "cortex", "posterosuperior neck", "joint", "guide pin")
FOCUS_COLORS = (palette.LESION, "#F0E442", "#CC79A7", "#56B4E9")


def hip_blocks(hip: Hip, spec: Spec | None = None) -> pv.MultiBlock:
    """The hip as named meshes.

    Parameters
    ----------
    hip : Hip
        A hip in its local frame.
    spec : Spec, optional
        Its weight-bearing zone is drawn. Default: the usual one, 55° about the load of walking.

    Returns
    -------
    pyvista.MultiBlock
        ``femur``, ``lesion``, ``focus 1`` and so on where the lesion has several foci, ``head``, ``weight-bearing
        zone``, ``neck axis``, ``shaft axis`` and ``landmarks``; world RAS mm. Field data of the whole: ``units``,
        ``coordinate_system``, ``case_id``, ``side``, ``notice``, and the femur's frame (``head_center``,
        ``head_radius_mm``, ``lateral``, ``anterior``, ``proximal``). Field data of each block: the same names of units,
        frame, case and side, ``color``, and its figures.
    """
    half_angle = (spec or Spec()).cap_half_angle_deg
    return _finished(_of_hip(hip, meshes(hip), GAIT_POLE, half_angle), hip, _identity(hip))


def plan_blocks(plan: AnyPlan, scene: Scene | None = None) -> pv.MultiBlock:
    """A plan as named meshes: the hip's, and the tunnels'.

    Parameters
    ----------
    plan : Plan or OpenedPlan
        A plan that was just made, or opened from its folder.
    scene : Scene, optional
        The plan's scene, where it is available (``scene_of``). Default: made here.

    Returns
    -------
    pyvista.MultiBlock
        As ``hip_blocks``, and for every tunnel N: ``tunnel N``, the closed body of its instrument; ``cavity N`` where
        it has one; and ``tunnel N axis``, the line from entry to tip. Points of tunnels and cavities carry
        ``clearance_mm`` (bone to the cortex, in the head to the joint's surface; negative outside the bone),
        ``spare_clearance_mm`` (that beyond the margin of the point's zone; NaN in the entry hole and at the guide pin,
        where none of these holds), ``zone`` (0 entry hole, 1 cortex, 2 postero-superior neck, 3 joint, 4 guide pin) and
        ``rgb``, the report's colour. Field data of the whole: ``plan_hash``, ``status`` and the totals too. Field data
        of a tunnel: its figures, by the names of ``plan.json``.
    """
    scene = scene or scene_of(plan)
    hip, content = plan.hip, scene.plan
    loaded = content.necrosis.weight_bearing
    pole, half = known(loaded.pole), known(loaded.cap_half_angle_deg)
    around = GAIT_POLE if pole is None else (pole[0], pole[1], pole[2])
    parts = _of_hip(
        hip, (scene.femur, scene.lesion), around, plan.spec.cap_half_angle_deg if half is None else float(half)
    )
    broken = captions.broken_tunnels(scene)
    for number, ((tunnel, figures), drawn) in enumerate(zip(plan.tunnels, scene.tunnels, strict=True), start=1):
        told = _numbers(drawn.figures)
        for kind, solid in zip(("tunnel", "cavity"), tunnel.parts, strict=False):
            portal = figures.portal_length_mm if kind == "tunnel" else 0.0
            body = _wall(hip, solid, plan.spec, portal, broken=number - 1 in broken)
            parts[f"{kind} {number}"] = _said(body, captions.color_of(scene, number - 1), told)
        line = pv.lines_from_points(np.stack([drawn.entry, drawn.tip]))
        parts[f"tunnel {number} axis"] = _said(line, palette.INK, {"length_mm": tunnel.length_mm})
    return _finished(parts, hip, {**_identity_of_plan(scene), **_numbers(content.totals)})


def scene_of(plan: AnyPlan, content: PlanDocument | None = None) -> Scene:
    """A plan's document with its surfaces, world RAS mm; of a plan that was opened, its file's own.

    Without its ``content``, that of a plan just made takes some seconds, since it includes the execution-error
    simulation: keep the scene if you need it twice.
    """
    if isinstance(plan, OpenedPlan):
        return Scene(plan.file.plan, *meshes(plan.hip), plan.file.hash)
    content = content or document(plan)
    return Scene(content, *meshes(plan.hip), plan_hash(content_of(content)))


def read_blocks(path: str, **options: object) -> pv.MultiBlock:
    """Read a ``plan.json`` and the masks beside it as blocks: what ``pyvista.read("plan.json")`` calls.

    Parameters
    ----------
    path : str
        A plan's file.
    **options
        None is taken.

    Returns
    -------
    pyvista.MultiBlock
        As ``plan_blocks``; ``plan_hash`` is that of the file.

    Raises
    ------
    InputError
        For a JSON file that is no plan, and for a plan whose masks are missing or changed.
    """
    if options:
        raise TypeError(f"corecore's reader takes no option {next(iter(options))!r}")
    return plan_blocks(open_plan(Path(path)))


def _of_hip(
    hip: Hip, surfaces: tuple[TriangleMesh, TriangleMesh], pole: Pole, half_angle_deg: float
) -> dict[str, pv.PolyData]:
    femur, lesion = surfaces
    volume = {"volume_ml": hip.lesion.volume_ml}
    parts = {
        "femur": _said(poly_data(femur), palette.BONE, {"volume_ml": femur.volume_ml}),
        "lesion": _said(poly_data(lesion), palette.LESION, volume),
    }
    count = hip.lesion.focus_count
    for number in range(1, count + 1) if count > 1 else ():
        focus = hip.lesion.focus(number)
        color = FOCUS_COLORS[(number - 1) % len(FOCUS_COLORS)]
        mesh = poly_data(lesion_mesh(focus, hip))
        parts[f"focus {number}"] = _said(mesh, color, {"volume_ml": focus.volume_ml})
    return {**parts, **_of_anatomy(hip, pole, half_angle_deg)}


def _of_anatomy(hip: Hip, pole: Pole, half_angle_deg: float) -> dict[str, pv.PolyData]:
    anatomy = hip.anatomy
    center, radius = anatomy.head_center, anatomy.head_radius_mm
    neck, shaft = anatomy.neck_axis, anatomy.shaft_axis
    foot = anatomy.shaft_point + ((center - anatomy.shaft_point) @ shaft) * shaft
    ends = {
        "neck axis": (np.stack([center - 1.6 * AXIS_MM * neck, center + 0.45 * AXIS_MM * neck]), palette.NECK),
        "shaft axis": (np.stack([foot - 2.0 * AXIS_MM * shaft, foot + 0.5 * AXIS_MM * shaft]), palette.SHAFT),
    }
    lines = {
        name: _said(pv.lines_from_points(hip.to_world(points)), color, {}) for name, (points, color) in ends.items()
    }
    way = np.asarray(pole, dtype=np.float64) @ anatomy.femoral_from_local[:3, :3]
    way = way / np.linalg.norm(way)
    u, v = across_axes(way)
    turn = 2.0 * np.pi * np.arange(CAP_EDGES) / CAP_EDGES
    half = np.radians(half_angle_deg)
    ring = center + radius * (
        np.cos(half) * way + np.sin(half) * (np.cos(turn)[:, None] * u + np.sin(turn)[:, None] * v)
    )
    edge = pv.lines_from_points(hip.to_world(ring), close=True)
    # A sphere of its own resolution: fine enough to lie within 0.1 mm of the true one.
    head = pv.Sphere(radius=radius, center=hip.to_world(center), theta_resolution=96, phi_resolution=48)
    places = {
        "head centre": center,
        "neck centre": anatomy.neck_center,
        "shaft point": anatomy.shaft_point,
        "lesser trochanter": anatomy.lesser_trochanter_tip,
        "greater trochanter": anatomy.greater_trochanter_tip,
    }
    found = {name: place for name, place in places.items() if place is not None}
    marks = pv.PolyData(hip.to_world(np.stack([*found.values()])))
    marks.point_data["name"] = np.array([*found])
    return {
        "head": _said(head, palette.HEAD, {"radius_mm": radius}),
        "weight-bearing zone": _said(edge, palette.CAP, {"half_angle_deg": half_angle_deg}),
        **lines,
        "landmarks": _said(marks, palette.INK, {}),
    }


def _wall(hip: Hip, solid: Tunnel, spec: Spec, portal_mm: float, *, broken: bool) -> pv.PolyData:
    """A tunnel's or cavity's body with the clearance at each of its points."""
    length, outline = solid.length_mm, solid.body.meridian(solid.length_mm, RING_STEP_MM)
    if 0.0 < portal_mm < length:
        # Where the portal ends its wall is often nearest to the cortex: a ring stands there.
        mark = length - portal_mm
        row = [mark, float(solid.body.radius_at(np.array(mark), length)), 0.0]
        if not np.any(np.abs(outline[:, 0] - mark) < 1e-9):
            outline = np.insert(outline, int(np.searchsorted(outline[:, 0], mark)), row, axis=0)
    local = revolved(solid.tip, solid.direction, outline)
    points, anatomy = local.points_mm, hip.anatomy
    clearance = hip.bone.distance(points)
    zone = np.ones(len(points), dtype=np.uint8)
    zone[anatomy.in_posterosuperior_quarter(points)] = 2
    head = anatomy.proximal_of_head_plane(points)
    zone[head] = 3
    # A wall reaches its portal's end at different depths all round; neither the head nor an instrument's tip has one.
    along = (points - solid.entry) @ solid.direction
    in_portal = along < min(portal_mm, length - solid.body.head_length_mm + 1e-6) - 1e-6
    zone[in_portal & ~head] = 0
    # What the guide pin drills ahead: rows of the outline, from the back as the rings are, and the foremost middle.
    pin = outline[::-1][outline[::-1, 1] > 0.0][:, 2] > 0.0
    zone[np.append(np.repeat(pin, CYLINDER_SIDES), [False, bool(pin[-1])])] = 4
    margins = np.array(
        [np.nan, spec.cortical_margin_mm, spec.posterosuperior_margin_mm, spec.joint_margin_mm, np.nan],
        dtype=np.float64,
    )
    body = poly_data(local.transformed(hip.world_from_local))
    spare = clearance - margins[zone]
    body.point_data["clearance_mm"] = clearance
    body.point_data["spare_clearance_mm"] = spare
    body.point_data["zone"] = zone
    body.point_data["rgb"] = _colors(zone, spare, broken=broken)
    body.set_active_scalars("clearance_mm")
    body.field_data["zones"] = np.array(ZONES)
    return body


def _colors(zone: npt.NDArray[np.uint8], spare_mm: FloatArray, *, broken: bool) -> npt.NDArray[np.uint8]:
    """The report's colours: portal grey, near a margin dark, elsewhere blue; all red where the plan exceeds limits."""
    portal, near, clear, alarm = (
        np.rint(255 * np.array(palette.rgb(color))).astype(np.uint8)
        for color in (palette.TUNNEL_PORTAL, palette.TUNNEL_NEAR, palette.TUNNEL, palette.VIOLATION)
    )
    if broken:
        return np.tile(alarm, (len(zone), 1))
    kinds = np.where(zone == 0, 0, np.where(spare_mm < NEAR_MM, 1, 2))
    return np.asarray(np.stack([portal, near, clear])[kinds], dtype=np.uint8)


def _identity(hip: Hip) -> dict[str, Value]:
    return {"case_id": hip.case.id, "side": hip.side, "notice": NOTICE_IN_LINE}


def _identity_of_plan(scene: Scene) -> dict[str, Value]:
    """What every file made of a plan says of itself; ``plan_hash`` in full."""
    rows = dict(Provenance.of(scene.plan, scene.full_hash).rows())
    return {**rows, "side": scene.side, "plan_hash": scene.full_hash, "status": scene.status}


def _frame(hip: Hip) -> dict[str, Value]:
    anatomy = hip.anatomy
    return {
        "head_center": hip.to_world(anatomy.head_center),
        "head_radius_mm": anatomy.head_radius_mm,
        "lateral": hip.direction_to_world(anatomy.x_axis),
        "anterior": hip.direction_to_world(anatomy.y_axis),
        "proximal": hip.direction_to_world(anatomy.shaft_axis),
    }


def _finished(parts: Mapping[str, pv.PolyData], hip: Hip, identity: Mapping[str, Value]) -> pv.MultiBlock:
    """The blocks, each with its frame and identity."""
    frame: dict[str, Value] = {"units": "mm", "coordinate_system": "RAS"}
    blocks = pv.MultiBlock()
    for name, mesh in parts.items():
        _say(mesh, frame | {key: identity[key] for key in ("case_id", "side", "plan_hash") if key in identity})
        blocks.append(mesh, name)
    _say(blocks, {**frame, **identity, **_frame(hip)})
    return blocks


def _said(mesh: pv.PolyData, color: str, figures: Mapping[str, Value]) -> pv.PolyData:
    _say(mesh, {"color": color, **figures})
    return mesh


def _say(mesh: pv.DataObject, values: Mapping[str, Value]) -> None:
    for name, value in values.items():
        mesh.field_data[name] = np.array([value]) if isinstance(value, (str, float)) else np.asarray(value)


def _numbers(part: Part) -> dict[str, Value]:
    """The numbers of a part of a document, by name; what is not known is left out."""
    return dict(_numbered(msgspec.structs.asdict(part)))


def _numbered(values: Mapping[str, object]) -> Iterator[tuple[str, Value]]:
    for name, value in values.items():
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            yield name, float(value)
        elif isinstance(value, list) and len(value) == 3 and all(isinstance(number, (int, float)) for number in value):
            yield name, np.array(value, dtype=np.float64)
