"""What is drawn and exported of a tunnel is the body that its instrument takes: volumes, shadows, labels, markups."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import msgspec
import numpy as np
import pytest
from support.export_phantom import World, make_world, on_bone
from support.view_phantom import phantom_scene

from corecore.base.grid import FloatArray, Grid, transform
from corecore.base.instrument import Instrument, Step, library
from corecore.base.spec import Spec
from corecore.document.spec import InstrumentPart, StepPart
from corecore.document.stated import StatedTunnel
from corecore.exports.blocks import ZONES, _wall
from corecore.exports.guide.design import Design
from corecore.exports.guide.make import _reach_mm
from corecore.exports.nifti import FIRST_TUNNEL, paint
from corecore.exports.plan_folder import tunnel_mesh
from corecore.exports.slicer import pin_lines
from corecore.hip.hip import Hip
from corecore.io.stl import write_stl
from corecore.report.c_arm import anteroposterior
from corecore.report.fluoroscopy import tunnel_outline
from corecore.report.pictures.bodies import painted_tunnels, solid_of
from corecore.report.scene import DrawnTunnel, Scene
from corecore.report.slices import _outside
from corecore.tunnels.cylinder import Tunnel
from corecore.verification.files_beside import _wall as _stl_wall

STEPPED = Instrument(
    "stepped", "steps, a cone and a pin", diameter_mm=10.0, tip="cone", tip_angle_deg=120.0,
    steps=(Step(20.0, 6.0), Step(35.0, 8.0)), pin_diameter_mm=2.0, pin_overshoot_mm=4.0,
)  # fmt: skip
INSTRUMENTS = {
    **{name: library()[name] for name in ("reamer-10", "trephine-8", "drill-4.5-118", "tantalum-10", "expandable-9")},
    "stepped": STEPPED,
}


@lru_cache(maxsize=1)
def world() -> World:
    return make_world()


def tunnel_of(instrument: Instrument) -> Tunnel:
    plain = on_bone(world().hip, world().ends[0], instrument.diameter_mm)
    return Tunnel.drilled_with(instrument, plain.entry, plain.tip)


def scene_with(instrument: Instrument) -> Scene:
    """The drawn phantom's plan, drilled with an instrument."""
    scene = phantom_scene()
    values = instrument.as_dict()
    told = InstrumentPart(**{**values, "steps": [StepPart(**step) for step in values["steps"]]})
    sizes = {
        "diameter_mm": instrument.diameter_mm,
        "cavity_diameter_mm": instrument.cavity_diameter_mm or None,
        "cavity_length_mm": instrument.cavity_length_mm or None,
    }
    tunnels = [msgspec.structs.replace(one, **sizes) for one in scene.plan.tunnels]
    spec = msgspec.structs.replace(scene.plan.spec, instrument=told)
    plan = msgspec.structs.replace(scene.plan, spec=spec, tunnels=tunnels)
    return Scene(plan, scene.femur, scene.lesion, scene.full_hash)


def surface_points(tunnel: DrawnTunnel) -> FloatArray:
    """Points all over the body, made by the closed form of its radius."""
    rng = np.random.default_rng(7)
    back = rng.uniform(tunnel.body.front_mm, tunnel.length_mm, 6000)
    radius = tunnel.body.radius_at(back, tunnel.length_mm)
    side = np.cross(tunnel.direction, rng.normal(size=(6000, 3)))
    side /= np.linalg.norm(side, axis=1)[:, None]
    return np.asarray(tunnel.tip - back[:, None] * tunnel.direction + radius[:, None] * side)


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_meshes_have_the_bodys_volume(name: str) -> None:
    tunnel = tunnel_of(INSTRUMENTS[name])
    wanted_ml = tunnel.body.volume_mm3(tunnel.length_mm) / 1000.0
    mesh = tunnel_mesh(tunnel, world().hip)
    assert mesh.is_closed
    assert mesh.volume_ml == pytest.approx(wanted_ml, rel=0.005)
    drawn = scene_with(INSTRUMENTS[name]).tunnels[0]
    solid = solid_of(drawn)
    assert solid.is_closed
    assert solid.volume_ml * 1000 == pytest.approx(drawn.body.volume_mm3(drawn.length_mm), rel=0.005)


@pytest.mark.parametrize("name", ["reamer-10", "stepped"])
def test_labels_on_a_fine_grid_have_the_bodys_volume(name: str) -> None:
    hip, tunnel = world().hip, tunnel_of(INSTRUMENTS[name])
    ends = np.stack([hip.to_world(tunnel.entry), hip.to_world(tunnel.tip)])
    low = ends.min(axis=0) - 14.0
    size = np.ceil((ends.max(axis=0) + 14.0 - low) / 0.5).astype(int)
    affine = np.diag([0.5, 0.5, 0.5, 1.0])
    affine[:3, 3] = low
    grid = Grid((int(size[0]), int(size[1]), int(size[2])), affine)
    labels = paint(hip, [tunnel], grid)
    held = np.count_nonzero(labels == FIRST_TUNNEL) * 0.5**3
    assert held == pytest.approx(tunnel.body.volume_mm3(tunnel.length_mm), rel=0.01)
    # What the pin drills ahead is labelled too.
    pin_end = hip.to_world(tunnel.tip + (-tunnel.body.front_mm - 0.3) * tunnel.direction)
    index = tuple(np.rint(transform(grid.index_from_world, pin_end[None])[0]).astype(int))
    assert labels[index] == FIRST_TUNNEL


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_a_films_outline_holds_the_shadow_and_no_more(name: str) -> None:
    scene = scene_with(INSTRUMENTS[name])
    tunnel, arm = scene.tunnels[0], anteroposterior(scene)
    outline = tunnel_outline(arm, tunnel)
    shadow = arm.project(surface_points(tunnel))
    for turn in np.linspace(0, 2 * np.pi, 16):
        way = np.array([np.cos(turn), np.sin(turn)])
        assert (shadow @ way).max() <= (outline @ way).max() + 1e-6
        assert (shadow @ way).max() == pytest.approx((outline @ way).max(), abs=3.0)
    # Where a body is narrow its outline is: half-way along its foremost 3 mm, across the axis as it is seen.
    way = np.diff(arm.project(np.stack([tunnel.entry, tunnel.tip])), axis=0)[0]
    way, across = way / np.linalg.norm(way), np.array([-way[1], way[0]]) / np.linalg.norm(way)
    back = np.array([tunnel.body.front_mm + 1.5])
    middle = arm.project(tunnel.tip - back[:, None] * tunnel.direction)[0]
    near = outline[np.abs((outline - middle) @ way) < 1.0 * arm.pixels_per_mm(tunnel.tip)]
    if len(near):
        wide = float(tunnel.body.radius_at(back + 1.0, tunnel.length_mm)[0]) * arm.pixels_per_mm(tunnel.tip)
        assert np.abs((near - middle) @ across).max() <= 1.1 * wide + 2.0


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_a_slice_shows_what_the_body_contains(name: str) -> None:
    tunnel = scene_with(INSTRUMENTS[name]).tunnels[0]
    rng = np.random.default_rng(3)
    points = (
        tunnel.entry + rng.uniform(-0.1, 1.2, (8000, 1)) * (tunnel.tip - tunnel.entry) + rng.normal(0, 5, (8000, 3))
    )
    offset = points - tunnel.entry
    along = offset @ tunnel.direction
    across = np.linalg.norm(offset - along[:, None] * tunnel.direction, axis=1)
    inside = tunnel.body.contains(tunnel.length_mm - along, across, tunnel.length_mm)
    assert 500 < np.count_nonzero(inside) < 7500
    assert np.array_equal(_outside(tunnel, points) <= 0.0, inside)


def test_painted_stretches_of_a_shaped_tunnel_are_all_of_it() -> None:
    scene = scene_with(STEPPED)
    painted = painted_tunnels(scene)
    whole = solid_of(scene.tunnels[0])
    assert sum(mesh.area_mm2 for _, mesh in painted) == pytest.approx(whole.area_mm2, rel=1e-4)


def test_an_existing_tunnel_and_one_of_another_size_are_drawn_flat() -> None:
    scene = scene_with(STEPPED)
    for change in ({"kept": True}, {"diameter_mm": 9.0}):
        plan = msgspec.structs.replace(
            scene.plan, tunnels=[msgspec.structs.replace(one, **change) for one in scene.plan.tunnels]
        )
        flat = Scene(plan, scene.femur, scene.lesion, scene.full_hash).tunnels[0]
        assert flat.body.plain


def test_blocks_name_the_pin_and_hold_no_margin_there() -> None:
    hip: Hip = world().hip
    tunnel = tunnel_of(STEPPED)
    body = _wall(hip, tunnel, Spec(), 8.0, broken=False)
    zone, points = body.point_data["zone"], np.asarray(body.points)
    back = -(hip.to_local(points) - tunnel.tip) @ tunnel.direction
    assert ZONES[4] == "guide pin"
    assert set(np.unique(zone[back < -1e-6])) == {4}
    assert 4 not in set(np.unique(zone[back > 3.0]))
    assert np.isnan(body.point_data["spare_clearance_mm"][zone == 4]).all()
    assert body.volume == pytest.approx(tunnel.body.volume_mm3(tunnel.length_mm), rel=0.005)


def test_a_guides_stop_ends_where_what_it_guides_ends() -> None:
    tunnel = tunnel_of(STEPPED)
    # By the shaft: to the tip. By the instrument's own pin: to the pin's end. By another pin: to the tip.
    for pin_mm, ahead in ((None, 0.0), (2.0, 4.0), (3.0, 0.0)):
        assert _reach_mm(tunnel, Design(pin_mm=pin_mm)) == pytest.approx(tunnel.length_mm + ahead)


class _Parcel:
    """As much of an export's context as the pins' lines ask for."""

    def __init__(self, tunnels: list[Tunnel]) -> None:
        self.tunnels = tunnels

    def ends(self, tunnel: Tunnel) -> tuple[FloatArray, FloatArray]:
        return world().hip.to_world(tunnel.entry), world().hip.to_world(tunnel.tip)


def test_slicer_has_a_line_for_what_the_pin_drills_ahead() -> None:
    with_pin, without = tunnel_of(STEPPED), tunnel_of(INSTRUMENTS["tantalum-10"])
    (line,) = pin_lines(_Parcel([without, with_pin]), "note")  # type: ignore[arg-type]
    assert line.name == "guide pin 2"
    assert np.linalg.norm(np.asarray(line.tip) - np.asarray(line.entry)) == pytest.approx(4.0)
    assert np.allclose(line.entry, world().hip.to_world(with_pin.tip))


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_verify_holds_the_body_beside_a_plan_against_its_own_outline(name: str, tmp_path: Path) -> None:
    hip, instrument = world().hip, INSTRUMENTS[name]
    tunnel = tunnel_of(instrument)
    write_stl(tunnel_mesh(tunnel, hip), tmp_path / "tunnel_1.stl", note="")
    stated = StatedTunnel(
        hip.to_world(tunnel.entry), hip.to_world(tunnel.tip), hip.direction_to_world(tunnel.direction),
        instrument.diameter_mm, instrument.cavity_diameter_mm or None, instrument.cavity_length_mm or None, {},
        instrument=None if instrument.plain else instrument,
    )  # fmt: skip
    (check,) = _stl_wall("tunnel_1.stl", stated, tmp_path / "tunnel_1.stl")
    assert check.ok, check.found
    # The body of another instrument is told.
    other = tunnel_of(INSTRUMENTS["drill-4.5-118" if name != "drill-4.5-118" else "tantalum-10"])
    write_stl(tunnel_mesh(other, hip), tmp_path / "tunnel_1.stl", note="")
    (check,) = _stl_wall("tunnel_1.stl", stated, tmp_path / "tunnel_1.stl")
    assert not check.ok
