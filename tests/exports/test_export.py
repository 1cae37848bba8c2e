"""Exports held against the readers of the programs they are for, on an oblique, flipped volume of a left hip."""

from __future__ import annotations

import csv
import json
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args, get_type_hints

import nibabel as nib
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import export_phantom as phantom

from corecore.app.cli import main
from corecore.base.errors import InputError, OutputError
from corecore.base.grid import FloatArray, Grid
from corecore.base.spec import Spec
from corecore.document.content import content_of
from corecore.document.fields import Part
from corecore.document.seal import seal_of
from corecore.document.stamp import Provenance
from corecore.document.totals import TotalsPart
from corecore.document.tunnels import DensityPart, DensityStretchPart, PathBonePart, PlannedTunnelPart
from corecore.exports.csv import LEFT_OUT, MAY_BE_NULL, _flat, _safe
from corecore.exports.export_context import ExportContext
from corecore.exports.formats import WRITERS, export_plan
from corecore.exports.slicer import export_slicer
from corecore.io.markups import MarkupPlane, write_planes
from corecore.io.nifti import write_labels
from corecore.io.stl import read_stl
from corecore.tunnels.cylinder import Tunnel

#: Files are held to this, mm (what was asked of them).
PLACE_MM = 0.01


@pytest.fixture(scope="module")
def world() -> phantom.World:
    return phantom.make_world()


@pytest.fixture(scope="module")
def plan_file(world: phantom.World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plan of two tunnels, 10 and 3.2 mm, that breaks nothing."""
    folder = tmp_path_factory.mktemp("plan")
    tunnels = [phantom.on_bone(world.hip, ends, d) for ends, d in zip(world.ends, (10.0, 3.2), strict=True)]
    content = phantom.write_by_hand(world.hip, tunnels, folder, spec=Spec(tunnels=2, entry_proximal_mm=26.0))
    assert content["violations"] == []
    return folder / "plan.json"


@pytest.fixture(scope="module")
def breaking(world: phantom.World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plan whose tunnel comes nearer to the joint than its limit."""
    folder = tmp_path_factory.mktemp("breaking")
    tunnel = phantom.on_bone(world.hip, world.ends[0], 10.0)
    content = phantom.write_by_hand(world.hip, [tunnel], folder, spec=Spec(joint_margin_mm=8.0))
    assert [item["key"] for item in content["violations"]] == ["joint_margin_mm"]
    return folder / "plan.json"


@pytest.fixture(scope="module")
def parcel(plan_file: Path) -> ExportContext:
    return ExportContext.of(plan_file)


@pytest.fixture(scope="module")
def accepted(breaking: Path) -> ExportContext:
    return ExportContext.of(breaking, "thin cartilage,\n agreed")


def tunnels_of(plan_file: Path) -> list[tuple[FloatArray, FloatArray, float]]:
    """Entry, tip (world RAS mm) and diameter as plan.json says."""
    plan = json.loads(plan_file.read_text())
    return [(np.array(t["entry"]), np.array(t["tip"]), t["diameter_mm"]) for t in plan["tunnels"]]


def depth_in_cylinder(points: FloatArray, entry: FloatArray, tip: FloatArray, diameter: float) -> FloatArray:
    """How deep points (N, 3) lie in a flat-ended cylinder, mm; negative outside."""
    axis = (tip - entry) / np.linalg.norm(tip - entry)
    along = (points - entry) @ axis
    across = np.linalg.norm(points - entry - along[:, None] * axis, axis=1)
    ends = np.minimum(along, np.linalg.norm(tip - entry) - along)
    return np.asarray(np.minimum(diameter / 2 - across, ends))


def ras_of(markup: dict[str, Any]) -> list[FloatArray]:
    """Control points as Slicer's scene has them: the file's frame is turned into RAS."""
    assert markup["coordinateSystem"] == "LPS"
    assert all(p["positionStatus"] == "defined" for p in markup["controlPoints"])
    return [np.array(p["position"]) * [-1, -1, 1] for p in markup["controlPoints"]]


def test_slicer_has_lines_where_the_tunnels_are(plan_file: Path, parcel: ExportContext, tmp_path: Path) -> None:
    paths = export_slicer(parcel, tmp_path / "s")
    assert {p.name for p in paths} == {p.name for p in (tmp_path / "s").iterdir()}
    lines = json.loads((tmp_path / "s" / "tunnels.mrk.json").read_text())["markups"]
    for line, (entry, tip, _) in zip(lines, tunnels_of(plan_file), strict=True):
        a, b = ras_of(line)
        assert np.abs(a - entry).max() < PLACE_MM
        assert np.abs(b - tip).max() < PLACE_MM
        assert "not a medical device" in line["controlPoints"][0]["description"]
        assert "LEFT" in line["controlPoints"][0]["description"]


def test_slicer_has_planes_square_across_the_tunnels(plan_file: Path, parcel: ExportContext, tmp_path: Path) -> None:
    WRITERS["slicer"](parcel, tmp_path / "s")
    planes = json.loads((tmp_path / "s" / "planes.mrk.json").read_text())["markups"]
    assert len(planes) == 6
    for number, plane in enumerate(planes):
        entry, tip, _ = tunnels_of(plan_file)[number // 3]
        matrix = np.array(plane["baseToNode"]).reshape(4, 4)
        # What Slicer does on reading an LPS file (vtkMRMLMarkupsPlaneJsonStorageNode): two rows change sign.
        turn = (np.diag([-1.0, -1.0, 1.0, 1.0]) @ matrix)[:3, :3]
        assert np.allclose(turn.T @ turn, np.eye(3), atol=1e-9)
        assert np.linalg.det(turn) == pytest.approx(1.0)
        axis = (tip - entry) / np.linalg.norm(tip - entry)
        assert turn[:, 2] @ axis == pytest.approx(1.0, abs=1e-9)
        (center,) = ras_of(plane)
        assert np.abs(center - (entry + (number % 3) / 2 * (tip - entry))).max() < PLACE_MM
        assert plane["planeType"] == "pointNormal"


def test_a_mirrored_plane_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="right-handed"):
        write_planes([MarkupPlane("p", np.zeros(3), np.diag([1.0, 1.0, -1.0]), 10.0)], tmp_path / "p.mrk.json")
    assert not list(tmp_path.iterdir())


def test_markups_lie_on_the_planted_corners_of_a_volume(
    world: phantom.World, parcel: ExportContext, tmp_path: Path
) -> None:
    """Another library says where the corners are, in the frame the markups are written in; no round trip."""
    sitk = pytest.importorskip("SimpleITK")
    source = nib.load(world.path)
    shape = source.shape
    labels = np.zeros(shape, dtype=np.uint8)
    corners = [(i, j, k) for i in (0, shape[0] - 1) for j in (0, shape[1] - 1) for k in (0, shape[2] - 1)]
    for number, corner in enumerate(corners, start=1):
        labels[corner] = number
    write_labels(tmp_path / "corners.nii", Grid(shape, source.affine), labels)
    local = world.hip.to_local(np.array([source.affine[:3] @ [*corner, 1.0] for corner in corners]))
    figures = parcel.plan.tunnels[0][1]
    pairs = tuple((Tunnel(local[i], local[i + 1], 4.0), figures) for i in (0, 2, 4, 6))
    export_slicer(replace(parcel, plan=replace(parcel.plan, tunnels=pairs)), tmp_path / "s")
    image = sitk.ReadImage(str(tmp_path / "corners.nii"))
    found = []
    for line in json.loads((tmp_path / "s" / "tunnels.mrk.json").read_text())["markups"]:
        for point in line["controlPoints"]:
            index = image.TransformPhysicalPointToIndex(point["position"])
            place = image.TransformIndexToPhysicalPoint(index)
            assert np.abs(np.subtract(place, point["position"])).max() < PLACE_MM
            found.append(image[index])
    assert found == [1, 2, 3, 4, 5, 6, 7, 8]


def test_the_entry_zone_holds_the_entry_and_keeps_to_the_bounds(parcel: ExportContext, tmp_path: Path) -> None:
    export_slicer(parcel, tmp_path / "s")
    zone = read_stl(tmp_path / "s" / "entry_zone.stl")
    hip, spec = parcel.hip, parcel.plan.spec
    middles = hip.to_local(zone.corners_mm.mean(axis=1))
    assert np.abs(hip.bone.distance(middles)).max() < 0.6
    entry = parcel.tunnels[0].entry
    assert np.linalg.norm(middles - entry, axis=1).min() < 1.0
    above = (middles - hip.anatomy.head_center) @ hip.anatomy.shaft_axis - hip.anatomy.lesser_trochanter_height_mm
    assert spec.entry_distal_mm < above.min()
    assert above.max() < spec.entry_proximal_mm
    # On the shaft's cylinder, turned by 8 mm either way at most.
    across = (middles - hip.anatomy.shaft_point) @ hip.anatomy.y_axis
    assert np.abs(across).max() < spec.entry_ap_max_mm + 1.0


def axis_of(vertices: FloatArray, entry: FloatArray, tip: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Middles of a prism's two rims, read off the mesh's own vertices."""
    near = np.linalg.norm(vertices - entry, axis=1) < np.linalg.norm(vertices - tip, axis=1)
    result = []
    for part in (vertices[near], vertices[~near]):
        low, high = part.min(axis=0), part.max(axis=0)
        result.append(0.5 * (low + high))
    return result[0], result[1]


def test_stl_and_3mf_place_the_bodies_where_the_plan_says(
    plan_file: Path, parcel: ExportContext, tmp_path: Path
) -> None:
    trimesh = pytest.importorskip("trimesh")
    WRITERS["stl"](parcel, tmp_path / "s")
    WRITERS["3mf"](parcel, tmp_path / "p.3mf")
    header = (tmp_path / "s" / "tunnel_1.stl").read_bytes()[:80]
    assert header.startswith(b"LPS mm, corecore ph 1 LEFT plan ")
    assert b"not a medical device" in header
    scene = trimesh.load(tmp_path / "p.3mf")
    assert scene.units in ("millimeter", "mm")
    assert set(scene.geometry) == {"femur", "lesion", "tunnel_1", "tunnel_2"}
    for name in scene.geometry:
        solid = trimesh.load(tmp_path / "s" / f"{name}.stl")
        other = scene.geometry[name]
        assert solid.is_watertight
        assert other.is_watertight
        assert solid.volume == pytest.approx(other.volume, rel=1e-4)
        assert np.abs(solid.bounds - other.bounds).max() < PLACE_MM
    for number, (entry, tip, diameter) in enumerate(tunnels_of(plan_file), start=1):
        mesh = trimesh.load(tmp_path / "s" / f"tunnel_{number}.stl")
        for vertices in (mesh.vertices, scene.geometry[f"tunnel_{number}"].vertices):
            a, b = axis_of(np.asarray(vertices) * [-1, -1, 1], entry, tip)
            assert np.abs(a - entry).max() < PLACE_MM
            assert np.abs(b - tip).max() < PLACE_MM
        length = np.linalg.norm(tip - entry)
        assert mesh.volume == pytest.approx(np.pi * diameter**2 / 4 * length, rel=0.003)


def test_the_femur_holds_the_head_on_the_left_side(parcel: ExportContext, tmp_path: Path) -> None:
    """A frame turned about the long axis would keep every length and every volume: the head says where it is."""
    trimesh = pytest.importorskip("trimesh")
    WRITERS["stl"](parcel, tmp_path / "s")
    vertices = np.asarray(trimesh.load(tmp_path / "s" / "femur.stl").vertices) * [-1, -1, 1]
    center = np.asarray(phantom.POSE.world(np.zeros(3))) @ phantom.TURN.T
    medial = phantom.TURN @ phantom.POSE.direction([-1.0, 0.0, 0.0])
    away = (vertices - center) @ medial
    head = vertices[away > 5.0]
    assert np.abs(np.linalg.norm(head - center, axis=1) - 24.0).max() < 1.0


def test_nifti_paints_the_voxels_whose_middles_lie_inside(
    plan_file: Path, parcel: ExportContext, tmp_path: Path
) -> None:
    sitk = pytest.importorskip("SimpleITK")
    out = tmp_path / "labels.nii.gz"
    WRITERS["nifti"](parcel, out)
    header = nib.load(out).header
    assert header.get_data_dtype() == np.uint8
    assert header.get_xyzt_units()[0] == "mm"
    assert np.allclose(header.get_sform(), header.get_qform(), atol=1e-4)
    assert (int(header["sform_code"]), int(header["qform_code"])) == (1, 1)
    image = sitk.ReadImage(str(out))
    labels: npt.NDArray[np.uint8] = sitk.GetArrayFromImage(image)
    index = np.argwhere(np.ones_like(labels))[:, ::-1]
    direction = np.array(image.GetDirection()).reshape(3, 3)
    lps = np.array(image.GetOrigin()) + (index * np.array(image.GetSpacing())) @ direction.T
    points, flat = lps * [-1, -1, 1], labels.reshape(-1)
    for number, (entry, tip, diameter) in reversed(list(enumerate(tunnels_of(plan_file)))):
        depth = depth_in_cylinder(points, entry, tip, diameter)
        later = flat > 3 + number
        assert np.all(flat[(depth > PLACE_MM) & ~later] == 3 + number)
        assert not np.any(flat[depth < -PLACE_MM] == 3 + number)
    count = np.count_nonzero(flat == 3)
    entry, tip, diameter = tunnels_of(plan_file)[0]
    voxel = np.prod(image.GetSpacing())
    assert count * voxel == pytest.approx(np.pi * diameter**2 / 4 * np.linalg.norm(tip - entry), rel=0.01)


def test_nifti_names_its_labels_and_says_what_it_is(parcel: ExportContext, tmp_path: Path) -> None:
    WRITERS["nifti"](parcel, tmp_path / "l.nii")
    header = nib.load(tmp_path / "l.nii").header
    texts = [extension.get_content() for extension in header.extensions]
    texts = [text.decode() if isinstance(text, bytes) else text for text in texts]
    assert "not a medical device" in texts[0]
    assert "case ph 1; LEFT" in texts[0]
    for key, name in ((1, "femur"), (2, "lesion"), (3, "tunnel_1"), (4, "tunnel_2")):
        assert f'Key="{key}"' in texts[1]
        assert f"<![CDATA[{name}]]>" in texts[1]


def test_csv_holds_every_figure_to_the_last_digit(plan_file: Path, parcel: ExportContext, tmp_path: Path) -> None:
    WRITERS["csv"](parcel, tmp_path / "p.csv")
    with (tmp_path / "p.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    plan = json.loads(plan_file.read_text())
    assert [row["row"] for row in rows] == ["tunnel 1", "tunnel 2", "together"]
    assert {row["side"] for row in rows} == {"LEFT"}
    assert all("not a medical device" in row["notice"] for row in rows)
    for row, part in zip(rows, [*plan["tunnels"], plan["totals"]], strict=True):
        numbers = {key: value for key, value in part.items() if isinstance(value, float)}
        assert len(numbers) > 8
        assert all(float(row[key]) == value for key, value in numbers.items())
    for k, axis in enumerate("ras"):
        assert float(rows[0][f"entry_{axis}_mm"]) == plan["tunnels"][0]["entry"][k]
        assert float(rows[1][f"tip_{axis}_mm"]) == plan["tunnels"][1]["tip"][k]
    risk = plan["tunnels"][1]["risk"]["fluoroscopy"]["cortex_breach_probability"]
    assert float(rows[1]["risk_fluoroscopy_cortex_breach_probability"]) == risk


def test_shares_of_three_foci_are_no_place() -> None:
    told = dict(_flat({"foci_removed_fraction": [0.25, 0.5, 1.0], "entry": [1.0, 2.0, 3.0]}))
    assert [told[f"foci_removed_fraction_{number}"] for number in (1, 2, 3)] == ["0.25", "0.5", "1.0"]
    assert told["entry_s_mm"] == "3.0"
    assert not {key for key in told if key.startswith("foci") and key.endswith("_mm")}


def test_density_along_the_axis_is_a_number_a_cell() -> None:
    part = PathBonePart(
        density=DensityPart(
            mean_hu=310.0,
            least_hu=90.0,
            greatest_hu=1200.0,
            stretches=[
                DensityStretchPart(0.0, 5.0, 800.0, 90.0, 1200.0),
                DensityStretchPart(5.0, 8.5, 120.0, 95.0, 150.0),
            ],
        ),
        entry_cortex_mm=3.5,
        entry_cortex_from="ct",
    )
    told = dict(_flat(content_of(part), "path_bone_"))
    assert told["path_bone_density_mean_hu"] == "310.0"
    assert told["path_bone_density_stretches_2_to_mm"] == "8.5"
    assert told["path_bone_density_stretches_1_greatest_hu"] == "1200.0"
    assert all(name.endswith(("_mm", "_hu", "_from")) for name in told)
    assert len(told) == 3 + 2 * 5 + 2
    without = dict(_flat(content_of(PathBonePart(density=None, entry_cortex_mm=None, entry_cortex_from="none"))))
    assert without == {"entry_cortex_mm": "", "entry_cortex_from": "none"}


def test_every_part_that_may_be_null_is_known_to_the_csv() -> None:
    nulls = set()
    queue: list[Any] = [PlannedTunnelPart, TotalsPart]
    seen: list[Any] = []
    while queue:
        owner = queue.pop()
        seen.append(owner)
        for name, hint in get_type_hints(owner).items():
            # Lists and tables by name hold parts too, which are never null themselves.
            inner = [hint, *get_args(hint)]
            held = [one for one in inner if isinstance(one, type) and issubclass(one, Part)]
            if held and type(None) in inner and name not in LEFT_OUT:
                nulls.add(name)
            held += [one for some in inner for one in get_args(some) if isinstance(one, type) and issubclass(one, Part)]
            queue += [one for one in held if one not in seen]
    assert nulls == set(MAY_BE_NULL)


def test_every_number_of_the_csv_says_its_unit(parcel: ExportContext, tmp_path: Path) -> None:
    WRITERS["csv"](parcel, tmp_path / "p.csv")
    with (tmp_path / "p.csv").open(newline="", encoding="utf-8") as file:
        columns = next(csv.reader(file))
    units = ("_mm", "_deg", "_ml", "_mm2", "_hu", "_fraction", "_probability", "_share", "_gap", "_share_of_best")
    # Counts, texts, and shares whose name says of what.
    plain = (
        "row",
        "outline_outlines",
        "case_id",
        "side",
        "plan_hash",
        "notice",
        "kept",
        "stopped_by",
        "pattern",
        "holes",
        "imaging_date",
        "path_bone_entry_cortex_from",
    )
    for name in columns:
        bare = name.endswith("_poses") or "breach_places" in name or name.startswith("direction_")
        share = (
            "_fraction_" in name
            or "_probability_" in name
            or name.removeprefix("bone_left_") in (*plain, "neck_share_max")
        )
        assert name.endswith(units) or name in plain or bare or share, name


def test_a_case_named_like_a_formula_stays_a_text() -> None:
    assert _safe("=HYPERLINK(1)") == "'=HYPERLINK(1)"
    assert _safe("@x") == "'@x"
    assert _safe("-1.5") == "-1.5"
    assert _safe("hip-2") == "hip-2"


def every_format(out: Path, form: str) -> Path:
    return out / {"3mf": "p.3mf", "nifti": "p.nii.gz", "csv": "p.csv"}.get(form, form)


def test_a_path_that_breaks_limits_needs_a_reason(breaking: Path, tmp_path: Path) -> None:
    for reason in (None, " \n "):
        with pytest.raises(InputError, match=r"joint_margin_mm 5\.\d+ \(limit 8\); --accept-violations REASON"):
            export_plan(breaking, "stl", tmp_path / "o", accept_violations=reason)
    with pytest.raises(InputError, match="300 printable"):
        export_plan(breaking, "stl", tmp_path / "o", accept_violations="x" * 301)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("form", list(WRITERS))
def test_the_reason_is_printed_on_every_file(accepted: ExportContext, form: str, tmp_path: Path) -> None:
    out = every_format(tmp_path, form)
    paths = WRITERS[form](accepted, out)
    texts = b"".join(path.read_bytes() for path in paths)
    if form == "3mf":
        texts = zipfile.ZipFile(out).read("3D/3dmodel.model")
    if form == "nifti":
        texts = nib.load(out).header.extensions[0].get_content()
        texts = texts if isinstance(texts, bytes) else texts.encode()
    assert b"thin cartilage, agreed" in texts
    assert b"joint_margin_mm" in texts
    if form in ("stl", "slicer"):
        assert all(b"LIMITS EXCEEDED" in path.read_bytes()[:80] for path in paths if path.suffix == ".stl")


def test_a_broken_limit_that_was_struck_out_is_found_again(breaking: Path, tmp_path: Path) -> None:
    content = json.loads(breaking.read_text())
    content["violations"] = []
    content["seal"] = seal_of(content)
    hidden = breaking.parent / "hidden.json"
    hidden.write_text(json.dumps(content))
    with pytest.raises(InputError, match="exceeds a limit that it does not list: joint_margin_mm"):
        export_plan(hidden, "csv", tmp_path / "p.csv")


def edited(change: Callable[[dict[str, Any]], None]) -> Callable[[str], str]:
    def text(plan: str) -> str:
        content = json.loads(plan)
        change(content)
        return json.dumps(content)

    return text


@pytest.mark.parametrize(
    ("broken", "word"),
    [
        (lambda text: text[: len(text) // 2], "not JSON"),
        (lambda text: "[]", "an object"),
        (edited(lambda p: p["tunnels"][0].pop("tip")), "tunnels[0].tip is missing"),
        (edited(lambda p: p["case"].update(side="both")), "case.side"),
        (edited(lambda p: p["case"].update(id="another")), "edited"),
        (edited(lambda p: p["totals"].update(removed_fraction=0.5)), "edited"),
        (edited(lambda p: p["case"]["inputs"][0].update(sha256="0" * 64)), ""),
        (edited(lambda p: p.update(schema="corecore.plan/9")), "another version"),
    ],
)
def test_a_malformed_plan_ends_in_one_line(
    plan_file: Path, broken: Callable[[str], str], word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = plan_file.parent / "bad.json"
    bad.write_text(broken(plan_file.read_text()))
    assert main(["export", str(bad), "--to", "stl", "--out", str(tmp_path / "o")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert word in error
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_what_is_there_is_kept_unless_told_otherwise(plan_file: Path, breaking: Path, tmp_path: Path) -> None:
    out = tmp_path / "s"
    export_plan(plan_file, "stl", out)
    before = {p.name: p.read_bytes() for p in out.iterdir()}
    with pytest.raises(OutputError, match="--overwrite"):
        export_plan(breaking, "stl", out, accept_violations="a test")
    assert {p.name: p.read_bytes() for p in out.iterdir()} == before
    # The second tunnel of the earlier plan must not stay behind.
    export_plan(breaking, "stl", out, accept_violations="a test", overwrite=True)
    assert not (out / "tunnel_2.stl").exists()
    with pytest.raises(OutputError, match="holds a plan"):
        export_plan(plan_file, "stl", plan_file.parent, overwrite=True)
    with pytest.raises(OutputError, match="is a folder"):
        export_plan(plan_file, "csv", out, overwrite=True)


def test_the_same_plan_gives_the_same_bytes(parcel: ExportContext, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    for form, write in WRITERS.items():
        first, second = (write(parcel, every_format(tmp_path / name, form)) for name in ("a", "b"))
        assert len(first) == len(second) > 0
        assert all(a.read_bytes() == b.read_bytes() for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--to", "obj"], "slicer, dicom, stl"),
        (["--to", "csv", "--identity", "none"], "belongs to --to dicom"),
        (["--to", "nifti"], ".nii.gz"),
    ],
)
def test_wrong_wishes_end_in_one_line(
    plan_file: Path, options: list[str], word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(plan_file), *options, "--out", str(tmp_path / "o.x")]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert word in error
    assert not list(tmp_path.iterdir())


def test_a_long_name_gives_way_in_a_short_header_and_the_side_does_not() -> None:
    stamp = Provenance("n" * 90, "left", "0123abcd", None, (), None)
    assert len(stamp.header(60)) <= 60
    assert "LEFT plan 0123abcd" in stamp.header(60)
    assert "not a medical device" in stamp.header(60)
    alarm = Provenance("n" * 90, "left", "0123abcd", None, ("joint_margin_mm 2 (limit 5)",), "because " * 20)
    assert "LEFT plan 0123abcd" in alarm.header(64)
    assert "LIMITS EXCEEDED" in alarm.header(64)


@given(st.text(max_size=64), st.integers(60, 80), st.booleans())
def test_a_header_is_short_and_plain_and_keeps_side_and_plan(name: str, length: int, broken: bool) -> None:
    told = ("joint_margin_mm 2 (limit 5)",) if broken else ()
    header = Provenance(name, "right", "0123abcd", None, told, "a reason of some length" if broken else None).header(
        length
    )
    assert len(header) <= length
    assert header.isascii()
    assert "RIGHT plan 0123abcd; not a medical device" in header
    assert ("LIMITS EXCEEDED" in header) == broken or "LIMITS EXCEEDED" in name


def test_an_id_of_any_length_and_kind_is_one_line(world: phantom.World, tmp_path: Path) -> None:
    tunnel = phantom.on_bone(world.hip, world.ends[0], 10.0)
    named = replace(world.hip, case=replace(world.hip.case, id="a\nb\x07" + "c" * 99))
    phantom.write_by_hand(named, [tunnel], tmp_path / "p")
    stamp = ExportContext.of(tmp_path / "p" / "plan.json").stamp
    assert stamp.case_id.startswith("a?b?ccc")
    assert len(stamp.case_id) == 64


def test_a_missing_library_is_one_line_that_names_the_extra(
    plan_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "highdicom", None)
    monkeypatch.setitem(sys.modules, "manifold3d", None)
    dicom = ["export", str(plan_file), "--to", "dicom", "--identity", "none", "--series", str(tmp_path)]
    for words, extra in (
        ([*dicom, "--out", str(tmp_path / "o")], "dicom"), (["guide", str(plan_file), "--out", "g.stl"], "guide"),
    ):  # fmt: skip
        assert main(words) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        assert f"pip install 'corecore[{extra}]'" in error
    assert not list(tmp_path.iterdir())
