"""The preview page: one HTML file with the scene to turn and the figures beside it.

It opens from a disk without a network: script, style and geometry are in the file, and its
content security policy lets nothing else in, by the hashes of exactly that script and style.
"""

from __future__ import annotations

import base64
import hashlib
import json
from html import escape
from importlib.resources import files
from pathlib import Path

import numpy as np
from msgspec import to_builtins

from corecore.base.grid import FloatArray
from corecore.base.language import language, later, say
from corecore.base.mesh import TriangleMesh
from corecore.base.notice import notice_caption
from corecore.document.fields import Pair, Part, Vector
from corecore.document.headline import MARKS, shown_headline
from corecore.io.files import atomic_write_text
from corecore.report import captions, palette
from corecore.report.pictures.bodies import (
    BONE_OPACITY,
    LESION_OPACITY,
    TUNNEL_OPACITY,
    darker,
    painted_tunnels,
)
from corecore.report.pictures.camera import Camera, cameras
from corecore.report.pictures.cap import cap_outline
from corecore.report.pictures.clearance_colors import NEAR_MM
from corecore.report.scene import DrawnTunnel, Scene

#: Most triangles of the bone on the page: 0.5 MB, and smooth on a laptop without a graphics card.
BONE_TRIANGLES = 30_000
#: The same for the lesion, whose outline is a few centimetres.
LESION_TRIANGLES = 10_000
#: Length of the axes beyond the head's centre, mm.
AXIS_MM = 70.0
#: Largest radius of an entry's marker, and how far beyond a tip its number stands, mm.
MARKER_MM = 1.8
NUMBER_MM = 2.0
#: Dashes as on the picture, mm drawn and left out.
HEAD_DASH = (2.0, 2.0)
NECK_DASH = (5.0, 2.0)
SHAFT_DASH = (8.0, 3.0)
CAP_DASH = (1.0, 0.0)


class BodyAxes(Part, frozen=True):
    """The patient's own right, front and up."""

    right: Vector
    anterior: Vector
    superior: Vector


class Body(Part, frozen=True):
    """Triangles of one body, painted from ``face`` where seen square on to ``edge`` at its rim.

    Points are little-endian float32, corners little-endian uint32, counter-clockwise from outside; both in base64.
    """

    part: str
    face: str
    edge: str
    opacity: Pair
    points: str
    triangles: str


class Polyline(Part, frozen=True):
    """A line; ``dash``: lengths in mm drawn and left out."""

    part: str
    color: str
    dash: Pair
    points: list[Vector]


class Marker(Part, frozen=True):
    """A ball."""

    part: str
    radius: float
    at: Vector


class Label(Part, frozen=True):
    """Words at a point."""

    part: str
    at: Vector
    text: str


class View(Part, frozen=True):
    """A parallel camera looking along ``into``; ``width`` x ``height`` mm is in view."""

    key: str
    center: Vector
    into: Vector
    width: float
    height: float


class SceneData(Part, frozen=True):
    """What the script draws (``web/src/scene/data.ts``): mm from the head's centre, along RAS."""

    axes: BodyAxes
    bodies: list[Body]
    lines: list[Polyline]
    markers: list[Marker]
    labels: list[Label]
    views: list[View]


def write_scene_html(scene: Scene, path: Path) -> None:
    """Writes the page; it appears whole or not at all. Raises ``OutputError`` where it cannot be written."""
    atomic_write_text(Path(path), scene_html(scene))


def scene_html(scene: Scene) -> str:
    """The page as text."""
    static = files("corecore.report") / "static"
    script = (static / "scene.js").read_text(encoding="utf-8")
    style = (static / "page.css").read_text(encoding="utf-8")
    # In JSON a "<" may stand as an escape: nothing in a plan can close the block.
    data = json.dumps(to_builtins(scene_data(scene)), separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    policy = (
        f"default-src 'none'; script-src '{_fingerprint(script)}'; style-src '{_fingerprint(style)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    title = say(
        "{hip}, {id}: core decompression plan {plan}",
        hip=captions.hip_in_title(scene),
        id=scene.case_id,
        plan=scene.hash,
    )
    no_scene = say(
        "This browser cannot show the scene (no WebGL). The figures are beside it, the pictures in preview.png."
    )
    broken = ' class="broken"' if scene.status == "infeasible" or captions.violations(scene) else ""
    return f"""<!DOCTYPE html>
<html lang="{language()}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{style}</style>
</head>
<body{broken}>
<main id="stage"><p id="no-scene" hidden>{escape(no_scene)}</p></main>
<aside>
{_figures(scene)}
</aside>
<script type="application/json" id="scene-data">{data}</script>
<script>{script}</script>
</body>
</html>
"""


def scene_data(scene: Scene, *, tunnels: bool = True) -> SceneData:
    """What the script draws: positions in mm from the head's centre, along RAS.

    Without ``tunnels``, what stays while they are moved; the views are still those that show them.
    """
    origin = scene.head_center
    bodies = [
        _body("bone", scene.femur.decimated(BONE_TRIANGLES), origin, palette.BONE, palette.BONE_EDGE, BONE_OPACITY),
        _body(
            "lesion",
            scene.lesion.decimated(LESION_TRIANGLES),
            origin,
            palette.LESION,
            darker(palette.LESION, 0.55),
            LESION_OPACITY,
        ),
    ]
    for color, mesh in painted_tunnels(scene) if scene.tunnels and tunnels else []:
        bodies.append(_body("tunnels", mesh, origin, color, darker(color, 0.6), TUNNEL_OPACITY))
    return SceneData(
        axes=BodyAxes(_numbers(scene.patient_right, 6), _numbers(scene.anterior, 6), _numbers(scene.proximal, 6)),
        bodies=bodies,
        lines=_lines(scene),
        markers=[
            Marker("entries", _marker_mm(tunnel), _numbers(tunnel.entry - origin))
            for tunnel in (scene.tunnels if tunnels else ())
        ],
        labels=_labels(scene) if tunnels else [],
        views=_views(scene),
    )


def _marker_mm(tunnel: DrawnTunnel) -> float:
    return min(MARKER_MM, 0.35 * float(tunnel.diameter_mm))


def _labels(scene: Scene) -> list[Label]:
    """A single tunnel's entry by name; of several their numbers beyond the tips, where a fan has spread."""
    if len(scene.tunnels) == 1:
        return [Label("entries", _numbers(scene.tunnels[0].entry - scene.head_center), say("entry"))]
    return [
        Label("tunnels", _numbers(tunnel.tip + NUMBER_MM * tunnel.direction - scene.head_center), str(number))
        for number, tunnel in enumerate(scene.tunnels, start=1)
    ]


def _body(
    part: str, mesh: TriangleMesh, origin: FloatArray, face: str, edge: str, opacity: tuple[float, float]
) -> Body:
    return Body(
        part=part,
        face=face,
        edge=edge,
        opacity=list(opacity),
        points=base64.b64encode((mesh.points_mm - origin).astype("<f4").tobytes()).decode("ascii"),
        triangles=base64.b64encode(mesh.triangles.astype("<u4").tobytes()).decode("ascii"),
    )


def _lines(scene: Scene) -> list[Polyline]:
    """Three great circles of the head's sphere, and the axes."""
    turn = np.linspace(0, 2 * np.pi, 97)
    r = scene.head_radius_mm
    circles = []
    for u, v in (
        (scene.patient_right, scene.proximal),
        (scene.anterior, scene.proximal),
        (scene.patient_right, scene.anterior),
    ):
        circles.append(r * (np.cos(turn)[:, None] * u + np.sin(turn)[:, None] * v))
    lines = [_line("head", palette.HEAD, HEAD_DASH, circle) for circle in circles]
    neck = np.stack([-1.6 * AXIS_MM * scene.neck_axis, 0.6 * AXIS_MM * scene.neck_axis])
    lines.append(_line("axes", palette.NECK, NECK_DASH, neck))
    point, axis = scene.shaft_line
    foot = point - scene.head_center
    foot = foot - np.dot(foot, axis) * axis
    shaft = np.stack([foot - 2 * AXIS_MM * axis, foot + 0.5 * AXIS_MM * axis])
    lines.append(_line("axes", palette.SHAFT, SHAFT_DASH, shaft))
    cap = cap_outline(scene)
    if cap is not None:
        # A dash without a gap: solid.
        lines.append(_line("cap", palette.CAP, CAP_DASH, cap - scene.head_center))
    return lines


def _line(part: str, color: str, dash: tuple[float, float], points: FloatArray) -> Polyline:
    return Polyline(part, color, list(dash), [_numbers(p) for p in points])


def _views(scene: Scene) -> list[View]:
    front, outer, along = cameras(scene, 1.0)
    # A hair from straight down, leaning so that the front is up: there the way up has no direction of its own.
    down = -scene.proximal + 1e-3 * scene.anterior
    width = float(3.0 * scene.head_radius_mm + 2 * abs(np.dot(front.center - scene.head_center, scene.lateral)))
    views = [
        _view("front", front, front.into, scene),
        _view("side", outer, outer.into, scene),
        _view("along", along, along.into, scene),
    ]
    top = View("top", views[0].center, _numbers(down / np.linalg.norm(down), 6), width, width)
    return [*views[:2], top, views[2]]


def _view(key: str, camera: Camera, into: FloatArray, scene: Scene) -> View:
    center = _numbers(camera.center - scene.head_center)
    width, height = round(float(camera.width_mm), 3), round(float(camera.height_mm), 3)
    return View(key, center, _numbers(into, 6), width, height)


def _figures(scene: Scene) -> str:
    """The column beside the scene."""
    headline = shown_headline(scene.plan)
    parts = [
        f"<h1>{escape(captions.hip_name(scene))}</h1>",
        f'<p class="status {headline.color}">{MARKS[headline.color]} {escape(captions.headline(scene))}</p>',
        f'<p class="sentence {headline.color}">{escape(headline.sentence)}</p>',
        _table(captions.identity(scene)),
        f'<p class="notice">{escape(notice_caption())}</p>',
    ]
    if scene.status == "infeasible":
        none = say("No tunnel is within every limit: {reason}", reason=captions.reason(scene))
        parts.append(f'<p class="alarm">{escape(none)}</p>')
    parts.append(_list(say("Limits exceeded"), captions.violations(scene), ' class="alarm"'))
    parts.append(_list(say("Warnings"), captions.warnings(scene), ""))
    if scene.tunnels:
        along = say("along tunnel") if len(scene.tunnels) == 1 else say("along tunnel 1")
    else:
        along = say("along neck")
    names = (("front", say("AP")), ("side", say("lateral")), ("top", say("from above")), ("along", along))
    buttons = "".join(f'<button type="button" data-view="{key}">{escape(name)}</button>' for key, name in names)
    parts.append(f'<h2>{escape(say("View"))}</h2><div class="buttons">{buttons}</div>')
    parts.append(f'<h2>{escape(say("Show"))}</h2><div class="switches">{"".join(_switches(scene))}</div>')
    totals = captions.totals(scene)
    if totals:
        parts.append(f"<h2>{escape(say('Together') if len(scene.tunnels) > 1 else say('Plan'))}</h2>{_table(totals)}")
    for number, tunnel in enumerate(scene.tunnels, start=1):
        heading = escape(say("Tunnel"))
        if len(scene.tunnels) > 1:
            own = _swatch(captions.color_of(scene, number - 1))
            heading = f"{escape(say('Tunnel {number}', number=number))} {own}"
        rows = list(zip(captions.tunnel_columns(), captions.tunnel_row(number, tunnel), strict=True))[1:]
        parts.append(f"<h2>{heading}</h2>{_table(rows)}")
    painted = ""
    if scene.tunnels and not captions.violations(scene):
        near = (
            later("Darker on a tunnel: its wall within {distance:g} mm of a margin; grey: its cortical entry hole.")
            if len(scene.tunnels) > 1
            else later("Dark on a tunnel: its wall within {distance:g} mm of a margin; grey: its cortical entry hole.")
        )
        painted = say(near, distance=NEAR_MM) + " "
    help_text = say(
        "Rotate with the left button, pan with the right, zoom with the wheel. R L A P S I are the patient's own sides,"
        " in the femur's frame. Parallel projection."
    )
    parts.append(f"<footer><p>{escape(painted + help_text, quote=False)}</p></footer>")
    return "\n".join(part for part in parts if part)


def _switches(scene: Scene) -> list[str]:
    rows = [("bone", say("bone"), [palette.BONE]), ("lesion", say("necrosis"), [palette.LESION])]
    if scene.tunnels:
        several = len(scene.tunnels) > 1
        own = list(dict.fromkeys(captions.color_of(scene, number) for number in range(len(scene.tunnels))))
        near = [] if captions.violations(scene) else [palette.TUNNEL_PORTAL]
        near = [palette.TUNNEL_NEAR, *near] if near and not several else near
        rows += [
            ("tunnels", say("tunnels") if several else say("tunnel"), [*own, *near]),
            ("entries", say("entry"), [palette.INK if several else own[0]]),
        ]
    rows += [
        ("head", say("head, fitted sphere"), [palette.HEAD]),
        ("axes", say("neck and shaft axes"), [palette.NECK, palette.SHAFT]),
    ]
    if cap_outline(scene) is not None:
        rows.append(("cap", say("weight-bearing zone"), [palette.CAP]))
    result = []
    for part, name, colors in rows:
        swatches = "".join(_swatch(color) for color in colors)
        result.append(f'<label><input type="checkbox" data-part="{part}" checked>{swatches}{escape(name)}</label>')
    return result


def _swatch(color: str) -> str:
    """A colour as an attribute of a drawing: the policy lets no style attribute pass."""
    return f'<svg width="14" height="14" aria-hidden="true"><rect width="14" height="14" fill="{color}"/></svg>'


def _table(rows: list[tuple[str, str]]) -> str:
    cells = "".join(f'<tr><th scope="row">{escape(label)}</th><td>{escape(value)}</td></tr>' for label, value in rows)
    return f"<table>{cells}</table>"


def _list(heading: str, lines: list[str], attribute: str) -> str:
    if not lines:
        return ""
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f"<h2>{escape(heading)}</h2><ul{attribute}>{items}</ul>"


def _numbers(vector: FloatArray, digits: int = 3) -> list[float]:
    return [round(float(v), digits) + 0.0 for v in vector]


def _fingerprint(text: str) -> str:
    """A content security policy's hash of an element's text."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
