"""Blocks for PyVista held against closed forms, the masks' own files and the figures; pictures against blank ones.

The phantom is a left hip that lies turned in an oblique, flipped volume: a frame taken for another shows at once.
"""

from __future__ import annotations

import html
import re
import tomllib
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path

import msgspec
import nibabel as nib
import numpy as np
import pytest
import pyvista as pv
from nibabel.affines import apply_affine
from scipy import ndimage
from support import export_phantom as phantom
from support import real_hips as real

from corecore.base.errors import InputError
from corecore.base.grid import BoolArray, FloatArray, Image, Mask
from corecore.base.mesh import CYLINDER_SIDES
from corecore.base.spec import Spec
from corecore.exports.blocks import hip_blocks, plan_blocks, read_blocks, scene_of
from corecore.exports.notebook import html_of
from corecore.exports.plan_folder import write_plan
from corecore.exports.planes import BONE, LESION, TUNNEL, drr, slice_along
from corecore.exports.plot import VIEWS, _Camera, _camera, _numbers, plot, plotter_of
from corecore.hip.lesion import sampled
from corecore.measures.model import measure
from corecore.planning.manual import path_on_bone
from corecore.planning.planner import ManualPath, Plan, evaluated_plan
from corecore.report import palette
from corecore.report.scene import Scene
from corecore.tunnels.figures import assess
from corecore.tunnels.limits import violations

ROOT = Path(__file__).resolve().parent.parent.parent
#: A section of so many corners holds this share of its circle.
POLYGON = CYLINDER_SIDES / (2.0 * np.pi) * np.sin(2.0 * np.pi / CYLINDER_SIDES)


@dataclass(frozen=True, eq=False)
class Made:
    """A plan of two tunnels with cavities on the phantom, and its blocks."""

    path: Path
    plan: Plan
    scene: Scene
    blocks: pv.MultiBlock


@pytest.fixture(scope="module")
def made() -> Made:
    world = phantom.make_world()
    spec = Spec(tunnels=2, entry_proximal_mm=26.0, cavity_diameter_mm=13.0, cavity_length_mm=16.0)
    first, second = (path_on_bone(world.hip, *ends, d) for ends, d in zip(world.ends, (10.0, 3.2), strict=True))
    tunnels = [replace(one, cavity_diameter_mm=13.0, cavity_length_mm=16.0) for one in (first, second)]
    pairs = [(tunnel, assess(world.hip, tunnel, spec)) for tunnel in tunnels]
    broken = tuple(item.part() for _, figures in pairs for item in violations(figures, spec))
    entry, tip = world.hip.to_world(first.entry), world.hip.to_world(first.tip)
    given = ManualPath(entry, tip, 0.0, broken, None, "set by a test")
    plan = evaluated_plan(
        world.hip, spec, lambda: measure(world.hip, spec), pairs, given=given, warnings=[], timings={}
    )
    scene = scene_of(plan)
    return Made(world.path, plan, scene, plan_blocks(plan, scene))


def text(data: pv.DataObject, name: str) -> str:
    return str(data.field_data[name][0])


def off_the_mask(mesh: pv.PolyData, path: Path, labels: tuple[int, ...]) -> tuple[FloatArray, BoolArray]:
    """How far the middles of the faces between a mask's voxels and the others lie from a mesh, in voxel edges.

    A surface that crosses between the two voxels' centres lies within half an edge of that middle, at whatever slope.
    And whether the outline is flat there: about half of the 5 x 5 x 5 voxels around are the mask's.
    """
    image = nib.load(path)
    inside = np.pad(np.isin(np.asanyarray(image.dataobj), labels), 1)
    share = ndimage.uniform_filter(inside.astype(np.float32), 5)
    edge = float(np.linalg.norm(image.affine[:3, :3], axis=0).max())
    rng, middles, shares = np.random.default_rng(7), [], []
    for axis in range(3):
        step = np.eye(3, dtype=int)[axis]
        first = np.argwhere(np.diff(inside.astype(np.int8), axis=axis) != 0)
        first = first[rng.choice(len(first), min(len(first), 500), replace=False)]
        middles.append(first - 1.0 + 0.5 * step)
        shares.append(0.5 * (share[tuple(first.T)] + share[tuple((first + step).T)]))
    places = apply_affine(image.affine, np.concatenate(middles))
    found = pv.PolyData(places).compute_implicit_distance(mesh.compute_normals(auto_orient_normals=False))
    return np.asarray(found["implicit_distance"]) / edge, np.abs(np.concatenate(shares) - 0.5) < 0.12


def assert_on_the_mask(blocks: pv.MultiBlock, path: Path) -> None:
    """Within half a voxel wherever the outline is flat; sharp rims round off by a voxel, which few faces see."""
    for name, labels in (("femur", (1, 2)), ("lesion", (2,))):
        off, flat = off_the_mask(blocks[name], path, labels)
        assert flat.mean() > 0.75, name
        assert np.abs(off[flat]).max() <= 0.5, name
        assert abs(off[flat].mean()) < 0.1, name
        assert np.mean(np.abs(off) <= 1.0) > 0.99, name


def test_every_block_says_what_it_is_of(made: Made) -> None:
    assert made.blocks.keys() == [
        "femur", "lesion", "head", "weight-bearing zone", "neck axis", "shaft axis", "landmarks",
        "tunnel 1", "cavity 1", "tunnel 1 axis", "tunnel 2", "cavity 2", "tunnel 2 axis",
    ]  # fmt: skip
    for name, mesh in zip(made.blocks.keys(), made.blocks, strict=True):
        said = [text(mesh, key) for key in ("units", "coordinate_system", "case_id", "side", "plan_hash")]
        assert said == ["mm", "RAS", "ph 1", "left", made.scene.full_hash], name
        assert re.fullmatch("#[0-9A-F]{6}", text(mesh, "color")), name
    assert text(made.blocks, "status") == "manual"
    assert "not a medical device" in text(made.blocks, "notice")
    totals = made.scene.plan.totals
    assert made.blocks.field_data["necrosis_removed_ml"][0] == totals.necrosis_removed_ml
    figures = made.blocks["tunnel 1"].field_data
    told = made.scene.plan.tunnels[0]
    assert figures["joint_clearance_mm"][0] == told.joint_clearance_mm
    assert figures["entry"].tolist() == told.entry


def test_no_file_and_no_folder_is_named(made: Made) -> None:
    said = [str(data.field_data[key]) for data in (made.blocks, *made.blocks) for key in [*data.field_data.keys()]]
    assert not any(str(made.path.parent) in words or made.path.name in words for words in said)


def test_surfaces_lie_on_the_mask_of_a_left_hip_in_an_oblique_volume(made: Made) -> None:
    assert_on_the_mask(made.blocks, made.path)


def test_tunnels_are_closed_cylinders_from_entry_to_tip(made: Made) -> None:
    for name, diameter, length in (
        ("tunnel 1", 10.0, made.plan.tunnels[0][0].length_mm),
        ("cavity 1", 13.0, 16.0),
        ("tunnel 2", 3.2, made.plan.tunnels[1][0].length_mm),
    ):
        mesh = made.blocks[name]
        assert mesh.is_manifold
        assert mesh.n_open_edges == 0
        assert mesh.volume == pytest.approx(POLYGON * np.pi * diameter**2 / 4.0 * length, rel=1e-6)
        # Outward: a normal that points in would make the volume by the divergence theorem negative.
        faces = mesh.points[mesh.regular_faces] - mesh.points.mean(axis=0)
        assert np.einsum("ij,ij->", faces[:, 0], np.cross(faces[:, 1], faces[:, 2])) > 0
    for number, told in enumerate(made.scene.plan.tunnels, start=1):
        assert np.allclose(made.blocks[f"tunnel {number} axis"].points, [told.entry, told.tip], atol=1e-3)
        middles = made.blocks[f"tunnel {number}"].points[-2:]
        assert np.allclose(middles, [told.entry, told.tip], atol=1e-3)


def test_clearances_on_the_wall_are_those_of_the_figures(made: Made) -> None:
    """The wall's points are fewer than the planner's: their least is no less, and close."""
    _, figures = made.plan.tunnels[0]
    bodies = [made.blocks[name].point_data for name in ("tunnel 1", "cavity 1")]
    clearance, zone, spare = (
        np.concatenate([body[name] for body in bodies]) for name in ("clearance_mm", "zone", "spare_clearance_mm")
    )
    for zones, told in (((1, 2), figures.cortical_clearance_mm), ((3,), figures.joint_clearance_mm)):
        least = clearance[np.isin(zone, zones)].min()
        assert told is not None
        assert told - 1e-3 <= least <= told + 0.2
    assert np.isnan(spare[zone == 0]).all()
    assert np.isfinite(spare[zone > 0]).all()
    spec = made.plan.spec
    assert np.allclose((clearance - spare)[zone == 3], spec.joint_margin_mm)
    assert np.allclose((clearance - spare)[zone == 1], spec.cortical_margin_mm)
    assert made.blocks["tunnel 1"].field_data["zones"][3] == "joint"


def test_colours_are_the_reports(made: Made) -> None:
    def colors(plan: Plan, scene: Scene) -> set[tuple[int, ...]]:
        rgb = plan_blocks(plan, scene)["tunnel 2"].point_data["rgb"]
        return {tuple(int(part) for part in row) for row in rgb}

    def as_bytes(*names: str) -> set[tuple[int, ...]]:
        return {tuple(round(255 * part) for part in palette.rgb(name)) for name in names}

    whole = replace(made.scene, plan=msgspec.structs.replace(made.scene.plan, violations=[]))
    assert colors(made.plan, whole) <= as_bytes(palette.TUNNEL, palette.TUNNEL_NEAR, palette.TUNNEL_PORTAL)
    assert as_bytes(palette.TUNNEL, palette.TUNNEL_PORTAL) <= colors(made.plan, whole)
    if made.scene.plan.violations:
        assert colors(made.plan, made.scene) == as_bytes(palette.VIOLATION)


def test_the_frame_is_the_patients(made: Made) -> None:
    data, hip = made.blocks.field_data, made.plan.hip
    right = -data["lateral"]
    assert np.allclose(np.cross(right, data["anterior"]), data["proximal"], atol=1e-6)
    # A left hip's lateral is to the patient's left, whatever way the volume lies.
    assert (phantom.TURN.T @ data["lateral"])[0] < -0.5
    marks = made.blocks["landmarks"]
    names = [str(name) for name in marks.point_data["name"]]
    assert np.allclose(marks.points[names.index("head centre")], hip.to_world(hip.anatomy.head_center))
    zone = made.blocks["weight-bearing zone"].points - data["head_center"]
    assert np.allclose(np.linalg.norm(zone, axis=1), data["head_radius_mm"], atol=1e-3)


def test_foci_are_blocks_of_their_own(made: Made) -> None:
    hip = made.plan.hip
    voxels = hip.lesion.mask.voxels.copy()
    middle = [round(c) for c in ndimage.center_of_mass(voxels)]
    voxels[middle[0] - 1 : middle[0] + 2] = False
    two = replace(hip, lesion=sampled(Mask(hip.lesion.mask.grid, voxels)))
    blocks = hip_blocks(two)
    parts = [blocks[name] for name in ("focus 1", "focus 2")]
    volumes = [float(part.field_data["volume_ml"][0]) for part in parts]
    assert volumes[0] >= volumes[1] > 0
    assert sum(volumes) == pytest.approx(two.lesion.volume_ml)
    assert [part.volume / 1000.0 for part in parts] == pytest.approx(volumes, rel=0.12)
    assert "plan_hash" not in set(blocks.field_data.keys())


def test_a_plan_is_read_as_pyvista_reads_files(made: Made, tmp_path: Path) -> None:
    entry = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    module, name = entry["pyvista.readers"][".json"].split(":")
    assert getattr(import_module(module), name) is read_blocks
    assert import_module(entry["pyvista.accessors"]["corecore"]).__name__ == plot.__module__
    write_plan(made.plan, tmp_path / "plan", pictures=False)
    file = tmp_path / "plan" / "plan.json"
    if hasattr(pv, "register_reader"):
        pv.register_reader(".json", read_blocks, **({"override": True} if _has_override() else {}))
        blocks = pv.read(file)
        assert "lateral" in blocks.corecore.plotter.__doc__ or callable(blocks.corecore.plot)
    else:
        blocks = read_blocks(str(file))
    assert blocks.keys() == made.blocks.keys()
    for name in [*blocks.keys()]:
        assert np.allclose(blocks[name].points, made.blocks[name].points, atol=2e-3), name
    with pytest.raises(InputError):
        read_blocks(str(ROOT / "web" / "package.json"))


def _has_override() -> bool:
    return "override" in pv.register_reader.__code__.co_varnames


def test_a_picture_off_screen_shows_bone_lesion_and_tunnel(made: Made, tmp_path: Path) -> None:
    """Each colour covers some of the picture: under depth peeling the translucent bodies would be gone."""
    whole = made.blocks.copy(deep=False)
    picture = tmp_path / "scene.png"
    shown = plot(whole, off_screen=True, screenshot=str(picture), window_size=(400, 320), return_img=True)
    assert picture.stat().st_size > 5_000
    rgb = np.asarray(shown, dtype=int)
    left = rgb[:, : int(0.7 * rgb.shape[1])]
    red, green, blue = np.moveaxis(left, -1, 0)
    shades = {
        "bone": (np.ptp(left, axis=-1) < 25) & (red > 150) & (red < 250),
        "lesion": (red - blue > 50) & (green - blue > 20),
        "tunnel": (blue - red > 30) | ((red - green > 60) & (red - blue > 40)),
    }
    for name, seen in shades.items():
        assert np.mean(seen) > 0.003, name
    with pytest.raises(InputError):
        plot(whole, view="above", off_screen=True)  # type: ignore[arg-type]
    with pytest.raises(InputError):
        plot(pv.MultiBlock(), off_screen=True)


def test_cameras_look_as_they_say(made: Made) -> None:
    data = made.blocks.field_data
    axis = np.diff(made.blocks["tunnel 1 axis"].points, axis=0)[0]
    ways = {"ap": -data["anterior"], "lateral": -data["lateral"], "tunnel": axis / np.linalg.norm(axis)}
    for view in VIEWS:
        camera = _camera(made.blocks, view, 1.0)
        assert np.allclose(camera.into, ways[view], atol=1e-9)
        # From the front the patient's right is on the left.
        assert view != "ap" or np.allclose(camera.right, data["lateral"], atol=1e-9)
    plotter = plotter_of(made.blocks, view="lateral", off_screen=True, window_size=(200, 150))
    assert np.allclose(plotter.camera.direction, ways["lateral"], atol=1e-5)
    assert plotter.camera.parallel_projection
    plotter.close()


def test_a_notebook_holds_the_page_and_asks_no_network(made: Made) -> None:
    frame = html_of(made.scene)
    assert len(frame.encode()) < 1_300_000
    found = re.fullmatch(r"""<iframe title="[^"]*" sandbox="allow-scripts" [^>]*srcdoc='([^']*)'></iframe>""", frame)
    assert found is not None
    page = html.unescape(found[1])
    assert page.startswith("<!DOCTYPE html>")
    assert made.scene.hash in page
    assert "default-src 'none'" in page
    assert "LEFT HIP" in page


def test_a_slice_of_a_linear_image_is_that_function(made: Made) -> None:
    hip, (tunnel, _) = made.plan.hip, made.plan.tunnels[0]
    grid, slope = hip.case.femur.grid, np.array([1.0, 2.0, -3.0])
    places = apply_affine(grid.world_from_index, np.moveaxis(np.indices(grid.shape), 0, -1))
    with_image = replace(hip, case=replace(hip.case, image=Image(grid, places @ slope)))
    for view in ("upright", "level"):
        cut = slice_along(with_image, tunnel, view, pixel_mm=1.5)
        rows, columns = np.indices(cut.array.shape)
        index = np.stack([rows, columns, np.zeros_like(rows)], axis=-1)
        points = apply_affine(cut.affine, index)
        known = np.isfinite(cut.array)
        assert cut.ground == "image"
        assert known.mean() > 0.3
        assert np.allclose(cut.array[known], (points @ slope)[known], atol=0.02)
        # Both ends of the axis lie in the plane, and just within them is the tunnel.
        back = np.linalg.inv(cut.affine)
        ends = apply_affine(back, [hip.to_world(tunnel.entry), hip.to_world(tunnel.tip)])
        assert np.allclose(ends[:, 2], 0.0, atol=1e-6)
        middle = np.rint(ends.mean(axis=0)).astype(int)
        assert cut.labels[middle[0], middle[1]] == TUNNEL
        assert {0, BONE, LESION} <= set(cut.labels.ravel().tolist())
        image = cut.to_pyvista()
        assert np.allclose(image.points[image.point_data["labels"] == TUNNEL].mean(axis=0),
                           points[cut.labels == TUNNEL].mean(axis=0), atol=1e-3)  # fmt: skip
    bare = slice_along(hip, tunnel, pixel_mm=1.5)
    assert bare.ground == "labels"
    assert np.array_equal(bare.array, bare.labels)
    with pytest.raises(InputError):
        slice_along(hip, tunnel, "oblique")  # type: ignore[arg-type]


def test_a_radiograph_shows_the_bone_where_its_geometry_says(made: Made) -> None:
    for view in ("ap", "frog-leg"):
        film = drr(made.plan.hip, made.scene, view)
        assert film.ground == "mask"
        assert film.array.shape == (film.arm.pixels, film.arm.pixels)
        place = film.arm.project(made.scene.femur.points_mm)
        low, high = np.maximum(place.min(axis=0), 0), np.minimum(place.max(axis=0), film.arm.pixels - 1)
        rows, columns = np.nonzero(film.array > 0)
        seen = np.array([[columns.min(), rows.min()], [columns.max(), rows.max()]])
        # A voxel of 1 mm is magnified to 3.5 pixels.
        assert np.abs(seen - [low, high]).max() <= 6.0
    with pytest.raises(InputError):
        drr(made.plan.hip, made.scene, "oblique")  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["h01_right_wedge15", "h08_h01_oblique"])
def test_surfaces_of_real_hips_lie_on_their_masks(name: str, real_hips: Path) -> None:
    assert_on_the_mask(hip_blocks(real.built(real_hips, name)), real_hips / f"{name}.nii.gz")


def test_numbers_that_would_hide_one_another_share_a_label() -> None:
    camera = _Camera(np.zeros(3), np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0]), 60.0)
    entry = np.zeros(3)
    # Seen from the front 1 and 2 end 2 mm apart, in depth 90 mm; 3 ends 20 mm beside them.
    axes = [np.stack([entry, np.array(tip)]) for tip in ([60.0, -45.0, 60.0], [62.0, 45.0, 60.0], [80.0, 0.0, 60.0])]
    told = [text for _, text in _numbers(axes, camera, 5.0)]
    assert told == ["1 2", "3"]
    assert [text for _, text in _numbers(axes, camera, 0.5)] == ["1", "2", "3"]
    assert [text for _, text in _numbers(axes, camera, 30.0)] == ["1 2 3"]
