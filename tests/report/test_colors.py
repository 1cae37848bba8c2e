"""Colours of neighbours stay apart for the colour-blind and in grey; bands and cap lie where they belong."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from support.view_phantom import HEAD, RADIUS_MM, manual_scene, parallel_to_neck, phantom_scene

from corecore.base.grid import FloatArray
from corecore.base.mesh import cylinder
from corecore.document.content import content_of
from corecore.report import palette
from corecore.report.pictures.bodies import BAND_COLORS, painted_tunnels
from corecore.report.pictures.cap import cap_outline
from corecore.report.pictures.clearance_colors import CLEAR, NEAR, NEAR_MM, PORTAL, stretches
from corecore.report.scene import DrawnTunnel, Scene

#: What dichromats see, on linear red, green, blue (Machado, Oliveira, Fernandes 2009, IEEE Trans Vis Comput Graph
#: 15:1291, doi:10.1109/TVCG.2009.113; severity 1).
BLINDNESS = {
    "none": np.eye(3),
    "protan": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deutan": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritan": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
#: Bodies that touch each other in a picture.
NEIGHBOURS = [
    ("BONE", "LESION"), ("BONE", "TUNNEL"), ("BONE", "TUNNEL_NEAR"), ("BONE", "TUNNEL_PORTAL"), ("BONE", "VIOLATION"),
    ("LESION", "TUNNEL"), ("LESION", "TUNNEL_NEAR"), ("LESION", "VIOLATION"), ("TUNNEL", "TUNNEL_NEAR"),
    ("TUNNEL", "TUNNEL_PORTAL"), ("TUNNEL_NEAR", "TUNNEL_PORTAL"), ("LESION", "CAP"), ("BONE", "CAP"),
]  # fmt: skip


def linear(color: str) -> FloatArray:
    c = np.array(palette.rgb(color))
    return np.asarray(np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4))


def lab(rgb: FloatArray) -> FloatArray:
    """CIE 1976 lightness and two colour axes, white point D65."""
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ np.clip(rgb, 0, 1)
    t = xyz / np.array([0.9505, 1.0, 1.089])
    f = np.where(t > 216 / 24389, np.cbrt(t), (24389 / 27 * t + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("kind", BLINDNESS)
def test_neighbours_stay_apart_for_everyone(kind: str) -> None:
    for one, other in NEIGHBOURS:
        a, b = (lab(BLINDNESS[kind] @ linear(getattr(palette, name))) for name in (one, other))
        assert np.linalg.norm(a - b) > 20, (one, other)


def test_neighbours_stay_apart_in_grey() -> None:
    for one, other in NEIGHBOURS:
        a, b = (lab(linear(getattr(palette, name)))[0] for name in (one, other))
        assert abs(a - b) > 12, (one, other)


def test_the_check_sees_colours_that_are_alike() -> None:
    red, green = "#C05030", "#808000"
    apart = [np.linalg.norm(lab(m @ linear(red)) - lab(m @ linear(green))) for m in BLINDNESS.values()]
    assert apart[0] > 40
    assert min(apart) < 20


def bands(scene: Scene, tunnel: DrawnTunnel) -> list[tuple[float, float, str]]:
    """Stretches (from, to, kind), mm from the entry, neighbours of one kind as one."""
    outline = tunnel.outline(1.0)
    along = tunnel.length_mm - outline[::-1][outline[::-1, 1] > 0.0][:, 0]
    found: list[tuple[float, float, str]] = []
    for (a, b), kind in zip(pairwise(along.tolist()), stretches(scene, tunnel, outline), strict=True):
        # The flat end's rings have no length.
        if found and found[-1][2] == kind:
            found[-1] = (found[-1][0], b, kind)
        elif b > a:
            found.append((a, b, kind))
    return found


SPEC = {"cortical_margin_mm": 3.0, "posterosuperior_margin_mm": 5.0, "joint_margin_mm": 5.0}


@pytest.mark.parametrize("above_mm", [0.0, 6.0])
def test_a_tunnel_is_dark_where_its_wall_comes_near_a_margin(above_mm: float) -> None:
    """In the bare neck the bone beside the wall is 15 - 5 - above mm thick, all along."""
    plain = parallel_to_neck("right", above_mm)
    scene = phantom_scene(tunnels=content_of(plain.plan)["tunnels"], spec=SPEC)
    tunnel = scene.tunnels[0]
    found = bands(scene, tunnel)
    assert found[0][0] == 0.0
    assert found[-1][1] == pytest.approx(67.0)
    assert all(a[1] == b[0] and a[2] != b[2] for a, b in pairwise(found))
    assert found[0][2] == PORTAL
    assert found[0][1] == pytest.approx(8.0, abs=1.0)

    def kind_at(mm: float) -> str:
        return next(kind for a, b, kind in found if a <= mm < b)

    # 30 mm from the entry: 32 mm from the head's centre, in the neck.
    clearance = 10.0 - above_mm
    assert kind_at(30.0) == (NEAR if clearance < 5.0 + NEAR_MM else CLEAR)
    assert {kind for *_, kind in bands(plain, tunnel)} == {PORTAL, CLEAR}, "no margins, nothing near"


def test_painted_stretches_are_the_whole_tunnel() -> None:
    scene = phantom_scene(tunnels=content_of(parallel_to_neck("right", 6.0).plan)["tunnels"], spec=SPEC)
    painted = dict(painted_tunnels(scene))
    assert {BAND_COLORS[PORTAL], BAND_COLORS[NEAR]} <= set(painted) <= set(BAND_COLORS.values())
    tunnel = scene.tunnels[0]
    whole = cylinder([tunnel.entry, tunnel.tip], 5.0)
    assert sum(area(mesh.corners_mm) for mesh in painted.values()) == pytest.approx(area(whole.corners_mm), rel=1e-6)
    assert [color for color, _ in painted_tunnels(manual_scene())] == [palette.VIOLATION]


def area(corners: FloatArray) -> float:
    a, b, c = np.moveaxis(corners, 1, 0)
    return float(0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1).sum())


def capped(side: str, **told: object) -> Scene:
    return phantom_scene(
        side, necrosis={"weight_bearing": {"pole": [-0.27, 0.1, 0.96], "cap_half_angle_deg": 55.0, **told}}
    )


@pytest.mark.parametrize("side", ["right", "left"])
def test_the_caps_edge_is_a_circle_about_the_pole(side: str) -> None:
    edge = cap_outline(capped(side))
    assert edge is not None
    offset = edge - HEAD
    assert np.linalg.norm(offset, axis=1) == pytest.approx(RADIUS_MM)
    # The load leans to the middle of the body: to the patient's left in a right hip.
    inward = -1.0 if side == "right" else 1.0
    pole = np.array([0.27 * inward, 0.1, 0.96])
    angle = np.degrees(np.arccos(offset @ pole / np.linalg.norm(pole) / RADIUS_MM))
    assert angle == pytest.approx(55.0)
    assert offset[0] == pytest.approx(offset[-1])


@pytest.mark.parametrize("told", [{"pole": [0, 0, 0]}, {"pole": [9, 9, 9]}, {"cap_half_angle_deg": 400}])
def test_without_a_pole_there_is_no_cap(told: dict[str, object]) -> None:
    assert cap_outline(capped("right", **told)) is None
