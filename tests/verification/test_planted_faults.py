"""Faults planted in the sample's written folder, each alone and sealed again: caught, or listed as not checked.

Each is planted by one who seals the plan again, lists changed files again, edits ``measures.json`` along and puts the
plan's new name into every file that bears the old one, so that only figures can tell. The table of
``docs/validation.md`` is this one.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from corecore.base.mesh import TriangleMesh
from corecore.document.seal import plan_hash, seal_of, signature_of
from corecore.document.stated import read_stated
from corecore.io.files import sha256_of
from corecore.io.stl import read_stl, write_stl
from corecore.verification import recalculation
from corecore.verification.hip import Hip, load_hip
from corecore.verification.report import Verification

Plan = dict[str, Any]
KEY = b"sixteen bytes and more"
OTHER = "0123abcd"


@dataclass
class Folder:
    """A written plan under somebody's hands."""

    path: Path
    plan: Plan
    key: bytes | None = None
    kept_seal: bool = False
    renamed: bool = True
    dropped: list[str] = field(default_factory=list)
    name: str = ""

    def __post_init__(self) -> None:
        self.name = plan_hash(self.plan)

    def put(self, path: str, change: Any, *, measures: bool = True) -> None:
        """A value of the plan, and the same in ``measures.json`` where it is a measure."""
        _put(self.plan, path, change)
        if path.startswith("necrosis/") and measures:
            file = self.path / "measures.json"
            content = json.loads(file.read_text())
            _put(content, path.removeprefix("necrosis/"), change)
            file.write_text(json.dumps(content))

    def seal(self) -> None:
        """Names the plan anew in every file that it lists, lists them as they are now, and seals the plan."""
        if self.renamed:
            before, after = self.name.encode(), plan_hash(self.plan).encode()
            for one in self.plan["outputs"]:
                file = self.path / one["path"]
                if file.suffix != ".gz" and file.exists():
                    data = file.read_bytes()
                    file.write_bytes(data.replace(before, after).replace(before[:8], after[:8]))
        for one in self.plan.get("outputs", []):
            if (self.path / one["path"]).exists():
                one["sha256"] = sha256_of(self.path / one["path"])
        if not self.kept_seal:
            self.plan["seal"] = seal_of(self.plan)
        for key in self.dropped:
            self.plan.pop(key)
        (self.path / "plan.json").write_text(json.dumps(self.plan))


def _put(node: Any, path: str, change: Any) -> None:
    *way, last = (int(key) if key.isdigit() else key for key in path.split("/"))
    for key in way:
        node = node[key]
    node[last] = change(node[last]) if callable(change) else change


Fault = Callable[[Folder], object]


def put(path: str, change: Any) -> Fault:
    return lambda folder: folder.put(path, change)


def times(factor: float) -> Callable[[float], float]:
    return lambda value: value * factor


def plus(step: float) -> Callable[[float], float]:
    return lambda value: value + step


def risk_of_another(folder: Folder) -> None:
    for where in (folder.plan["tunnels"][0], folder.plan["totals"]):
        where["risk"]["guide"]["cortex_breach_probability"] = 0.3


def graft_and_healthy_bone(folder: Folder) -> None:
    for key in ("graft_volume_ml", "healthy_bone_removed_ml"):
        folder.put(f"totals/{key}", plus(2.0))


def removes_more(folder: Folder) -> None:
    folder.put("totals/removed_fraction", plus(0.05))
    folder.put("tunnels/0/removed_fraction", plus(0.05))


def errors_swapped(folder: Folder) -> None:
    models = folder.plan["risk_methods"]
    models["guide"], models["fluoroscopy"] = (
        {**models["fluoroscopy"], "name": "guide"}, {**models["guide"], "name": "fluoroscopy"},
    )  # fmt: skip


def _chosen(folder: Folder) -> int:
    return next(index for index, point in enumerate(folder.plan["tradeoff"]) if point["chosen"])


def perforates_more(folder: Folder) -> None:
    """The plan's own point, and those above it along, so that the curve still rises."""
    for point in folder.plan["tradeoff"][_chosen(folder) :]:
        point["perforation_probability"] = min(1.0, point["perforation_probability"] + 0.3)


def another_point_chosen(folder: Folder) -> None:
    points = folder.plan["tradeoff"]
    points[_chosen(folder)]["chosen"] = False
    points[-1]["chosen"] = True


def point_out_of_the_bone(folder: Folder) -> None:
    point = folder.plan["tradeoff"][0]
    entry, tip = np.array(point["entry"]), np.array(point["tip"])
    point["tip"] = (tip + 40.0 * (tip - entry) / np.linalg.norm(tip - entry)).tolist()


def another_limit_holds(folder: Folder) -> None:
    limits = folder.plan["tunnels"][0]["explanation"]["limits"]
    clearance = folder.plan["tunnels"][0]["joint_clearance_mm"]
    told = {
        "key": "joint_margin_mm",
        "limit": 4.0,
        "value": clearance,
        "unit": "mm",
        "step": None,
        "gain_fraction": None,
    }
    limits.append(told)


def proof_invented(folder: Folder, *, nodes: int) -> None:
    removed = folder.plan["tradeoff"][-1]["removed_fraction"]
    folder.put("totals/upper_bound_fraction", removed * 1.005)
    folder.put("totals/optimality_gap", 0.005)
    folder.put("totals/stopped_by", "gap")
    folder.put("timings/boxes_bounded", nodes)


def cavity_hidden(folder: Folder) -> None:
    folder.put("spec/cavity_diameter_mm", 21.0)


def later_stage(folder: Folder) -> None:
    stage = {
        "label": "ARCO 2019 III", "system": "ARCO 2019", "number": 3, "letter": "", "system_named": True,
        "collapsed": True,
    }  # fmt: skip
    folder.put("necrosis/signs/stage", stage)
    for part in ("signs", "summary"):
        folder.put(f"necrosis/{part}/asks", ["physis"])


def comforted(folder: Folder) -> None:
    told = {"code": "survival_I", "text": "stage I", "source": "x", "cohort": "x"}
    folder.put("necrosis/summary/speaks_for", lambda items: [*items, told])


def interval_narrowed(folder: Folder) -> None:
    summary = folder.plan["necrosis"]["summary"]
    group, index = next(
        (group, index)
        for group in ("expected", "speaks_against", "speaks_for")
        for index, item in enumerate(summary[group])
        if "low" in item.get("effect", {}) and item["effect"]["low"] is not None
    )
    folder.put(f"necrosis/summary/{group}/{index}/effect/low", plus(0.1))


def seal_of_another(folder: Folder) -> None:
    folder.plan["seal"], folder.kept_seal = "ab" * 32, True


def edited_though_signed(folder: Folder) -> None:
    folder.plan["signature"], folder.key = signature_of(folder.plan["seal"], KEY), KEY
    folder.put("spec/length_max_mm", 125.0)


def not_renamed(folder: Folder) -> None:
    folder.put("tunnels/0/explanation/text", "far from every wall")
    folder.renamed = False


def another_report(folder: Folder) -> None:
    file = folder.path / "report.html"
    name = file.read_text().partition("report ")[2][:8]
    assert len(name) == 8
    file.write_text(file.read_text().replace(name, OTHER))


def report_edited(folder: Folder) -> None:
    file = folder.path / "report.html"
    file.write_text(file.read_text().replace("</body>", "<p>removes 90 % of the necrosis</p></body>"))


def report_lost(folder: Folder) -> None:
    (folder.path / "report.pdf").unlink()


def stray_report(folder: Folder) -> None:
    (folder.path / "report_old.html").write_text(f"<title>core decompression report {OTHER}</title>")


def stray_picture(folder: Folder) -> None:
    data = (folder.path / "preview.png").read_bytes()
    at = data.index(b"plan ") + 5
    (folder.path / "before.png").write_bytes(data[:at] + OTHER.encode() + data[at + 8 :])


def stray_body(folder: Folder) -> None:
    write_stl(read_stl(folder.path / "tunnel_1.stl"), folder.path / "tunnel_2.stl")


def stray_guide(folder: Folder) -> None:
    write_stl(read_stl(folder.path / "tunnel_1.stl"), folder.path / "guide.stl", note=f"x RIGHT plan {OTHER}")


def markups_exchanged(folder: Folder) -> None:
    file = folder.path / "tunnels.mrk.json"
    content = json.loads(file.read_text())
    points = content["markups"][0]["controlPoints"]
    points[1]["position"] = [value + 2.0 for value in points[1]["position"]]
    file.write_text(json.dumps(content))


def body_exchanged(folder: Folder) -> None:
    file = folder.path / "tunnel_1.stl"
    mesh = read_stl(file)
    write_stl(TriangleMesh(mesh.points_mm + np.array([0.0, 1.0, 0.0]), mesh.triangles), file)


def body_in_another_form(folder: Folder) -> None:
    """A mesh of text, which Slicer reads, of another place."""
    corners = "".join(f"vertex {x} 0 {y}\n" for x, y in ((0, 0), (9, 0), (0, 9)))
    text = f"solid t\nfacet normal 0 1 0\nouter loop\n{corners}endloop\nendfacet\nendsolid t\n"
    (folder.path / "tunnel_1.stl").write_text(text)


def markups_in_inches(folder: Folder) -> None:
    file = folder.path / "tunnels.mrk.json"
    file.write_text(file.read_text().replace('"coordinateUnits": "mm"', '"coordinateUnits": "in"'))


def curve_beside_the_lines(folder: Folder) -> None:
    file = folder.path / "tunnels.mrk.json"
    content = json.loads(file.read_text())
    points = [{"label": f"C-{x}", "position": [x, 0, 0]} for x in (1, 90)]
    content["markups"].append({"type": "Curve", "name": "tunnel", "controlPoints": points})
    file.write_text(json.dumps(content))


def measures_damaged(folder: Folder) -> None:
    file = folder.path / "measures.json"
    file.write_text(file.read_text()[:-9])


def unlisted(folder: Folder, *, name: str) -> None:
    folder.plan["outputs"] = [one for one in folder.plan["outputs"] if one["path"] != name]
    (folder.path / name).unlink()


def bone_exchanged(folder: Folder) -> None:
    shutil.copy(folder.path / "lesion.stl", folder.path / "femur.stl")


def measures_edited(folder: Folder) -> None:
    file = folder.path / "measures.json"
    content = json.loads(file.read_text())
    content["kerboul"]["coronal_union_deg"] += 10.0
    file.write_text(json.dumps(content))


def mask_exchanged(folder: Folder) -> None:
    with (folder.path / "input_labels.nii.gz").open("ab") as stream:
        stream.write(b"\0")


NO = "not checked: "
#: By name: how it is planted, and what says so; or ``NO`` and the path that is listed as not checked.
FAULTS: dict[str, tuple[Fault, str]] = {
    "lesion's volume": (put("necrosis/volume_ml", times(1.1)), "necrosis.volume_ml"),
    "Steinberg size grade": (put("necrosis/steinberg", "A"), "necrosis.steinberg"),
    "outline's half voxel": (put("necrosis/head_fraction_half_voxel", [0.1, 0.2]), "necrosis.head_fraction_half_voxel"),
    "Kerboul sum": (put("necrosis/kerboul/combined_deg", 190.0), "necrosis.kerboul.combined_deg"),
    "Kerboul grade": (put("necrosis/kerboul/grade", 3), "necrosis.kerboul.grade"),
    "necrotic index": (put("necrosis/necrotic_index/original", 60.0), "necrosis.necrotic_index.original"),
    "preserved angle": (put("necrosis/preserved_angle/combined_deg", 130.0), "necrosis.preserved_angle.combined_deg"),
    "JIC type": (put("necrosis/jic/type", "B"), "necrosis.jic.type"),
    "JIC range": (put("necrosis/jic/type_range", "A"), "necrosis.jic.type_range"),
    "JIC types that it may be": (put("necrosis/classes/jic.type/range", ["A"]), "necrosis.classes.jic.type.range"),
    "plane that shows the focus": (put("necrosis/plane_shares/coronal", times(0.5)), "necrosis.plane_shares.coronal"),
    "evidence taken away": (put("necrosis/summary/speaks_against", []), "necrosis.summary (natural_course)"),
    "comfort that does not apply": (comforted, "necrosis.summary (survival_I)"),
    "interval of a statement": (interval_narrowed, "effect.low"),
    "ARCO type": (put("necrosis/arco_type/type", 1), "necrosis.arco_type.type"),
    "pillar type": (put("necrosis/lateral_pillar/type", "M"), "necrosis.lateral_pillar.type"),
    "octant's share": (put("necrosis/octants/ASM", plus(0.1)), "necrosis.octants (sum)"),
    "focus's place": (put("necrosis/components/0/place", "posterior-superior-medial"), "necrosis.components[0].place"),
    "focus's weight-bearing share": (
        put("necrosis/components/0/surface_fraction", 0.2),
        "necrosis.components (surface_fraction, sum)",
    ),
    "centre of mass": (put("necrosis/centroid_in_head/latitude_deg", 40.0), "necrosis.centroid_in_head.latitude_deg"),
    "weight-bearing share": (
        put("necrosis/weight_bearing/surface_fraction", 0.3),
        "necrosis.weight_bearing.surface_fraction",
    ),
    "best rotation": (put("necrosis/osteotomy/rotation/best_deg", -90.0), "necrosis.osteotomy.rotation.best_deg"),
    "resurfacing": (
        put("necrosis/resurfacing/headline_supported_fraction", 0.95),
        "necrosis.resurfacing.headline_supported_fraction",
    ),
    "depression of the head, without its warning": (
        put("necrosis/signs/collapse/over_lesion_mm", 3.0),
        "warnings (collapse)",
    ),
    "a late stage, without its warning": (later_stage, "warnings (late_stage)"),
    "open physis, without its warning": (put("necrosis/signs/physis", "open"), "warnings (open_physis)"),
    "warnings removed": (put("warnings", []), "warnings (frame_uncertain)"),
    "pelvis as the types' basis": (put("necrosis/jic/basis", "pelvis"), "necrosis.jic.basis"),
    "landmark said to be given": (
        put("anatomy/sources/lesser_trochanter", "given"),
        "anatomy.sources.lesser_trochanter",
    ),
    "removed fraction": (removes_more, "totals.removed_fraction"),
    "fraction of a focus": (put("totals/foci_removed_fraction", [0.5]), "totals.foci_removed_fraction[0]"),
    "necrosis left": (put("totals/necrosis_left_ml", 1.0), "totals.necrosis_left_ml"),
    "graft, viable bone along": (graft_and_healthy_bone, "totals.graft_volume_ml"),
    "discretisation error": (put("totals/discretisation_error_fraction", 0.02), "totals.discretisation_error_fraction"),
    "share of the most": (put("totals/removed_share_of_best", times(0.97)), "totals.removed_share_of_best"),
    "curve taken away": (lambda folder: folder.plan.pop("tradeoff"), "tradeoff (of a safest plan)"),
    "a point of the curve removes more": (
        put("tradeoff/0/removed_fraction", plus(0.02)),
        "tradeoff[0].removed_fraction",
    ),
    "a point of the curve outside the bone": (point_out_of_the_bone, "tradeoff[0] limits"),
    "a point of the curve that another surpasses": (
        put("tradeoff/0/perforation_probability", 1.0),
        "tradeoff (perforation, in order)",
    ),
    "another point is the plan": (another_point_chosen, ".chosen (the plan's tunnels)"),
    "perforation at the plan's point": (perforates_more, "].perforation_probability"),
    "perforation at another point": (
        put("tradeoff/0/perforation_probability", 0.0),
        f"{NO}tradeoff[0].perforation_probability",
    ),
    "guidance by no method of the plan": (put("spec/guidance", "by-eye"), "spec.guidance (of the methods)"),
    "proof invented": (partial(proof_invented, nodes=0), "totals.upper_bound_fraction (nodes"),
    "proof invented, nodes along": (partial(proof_invented, nodes=54_321), f"{NO}totals.upper_bound_fraction"),
    "clearance to the joint": (put("tunnels/0/joint_clearance_mm", plus(1.0)), "tunnels[0].joint_clearance_mm"),
    "tip to the joint on the axis": (put("tunnels/0/end_to_joint_mm", plus(1.5)), "tunnels[0].end_to_joint_mm"),
    "size of an instrument of the library": (
        put("spec/instrument/pin_diameter_mm", 3.0),
        "spec.instrument.pin_diameter_mm",
    ),
    "angle in the AP view": (put("tunnels/0/ap_angle_deg", plus(3.0)), "tunnels[0].ap_angle_deg"),
    "share removed on average": (
        put("totals/outline/expected_removed_fraction", 0.16),
        "totals.outline.expected_removed_fraction",
    ),
    "risk of another plan": (risk_of_another, "totals.risk.guide.cortex_breach_probability"),
    "risk of all lowered": (
        put("totals/risk/guide/perforation_probability", 0.0),
        "totals.risk.guide.perforation_probability",
    ),
    "perforations by location": (
        put("tunnels/0/risk/fluoroscopy/breach_places/joint", 0.0),
        "tunnels[0].risk.fluoroscopy.breach_places (sum)",
    ),
    "error models swapped": (errors_swapped, "risk_methods.guide.entry_mm"),
    "error model without its tail": (
        put("risk_methods/fluoroscopy/tail_share", 0.0),
        "risk_methods.fluoroscopy.tail_share",
    ),
    "preset of another name": (put("spec/preset", "core-12"), "spec.preset"),
    "limiting margin": (another_limit_holds, "tunnels[0].explanation.limits["),
    "limit not reached": (put("spec/length_max_mm", 125.0), f"{NO}spec.length_max_mm"),
    "a cavity, without its warnings": (cavity_hidden, "warnings (risk_without_cavity)"),
    "words of the explanation": (
        put("tunnels/0/explanation/text", "far from every wall"),
        f"{NO}tunnels[0].explanation.text",
    ),
    "necrotic share of a pillar, beyond its range": (
        put("necrosis/lateral_pillar/central_share", 0.3),
        "necrosis.frame_range.lateral_pillar.central_share",
    ),
    "outline moved by 1 mm": (
        put("necrosis/repeatability/figures/volume_ml/one_mm", [-0.1, 0.1]),
        f"{NO}necrosis.repeatability.figures.volume_ml.one_mm",
    ),
    "words, the files beside it left as they are": (not_renamed, "beside the plan: report.pdf"),
    "seal removed": (lambda folder: folder.dropped.append("seal"), "plan.json (seal)"),
    "seal of another plan": (seal_of_another, "plan.json (seal)"),
    "list of files removed": (lambda folder: folder.dropped.append("outputs"), "plan.json (outputs)"),
    "back-dated": (put("created", "2020-01-01T00:00:00+00:00"), "created (that of measures.json)"),
    "edited though signed": (edited_though_signed, "plan.json (signature)"),
    "report of another plan in its place": (another_report, "beside the plan: report.html"),
    "cortex at the entry": (
        put("tunnels/0/path_bone/entry_cortex_mm", 4.0),
        "tunnels[0].path_bone.entry_cortex_mm",
    ),
    "where the cortex is read": (
        put("tunnels/0/path_bone/entry_cortex_from", "mask"),
        "tunnels[0].path_bone.entry_cortex_from",
    ),
    "lateral wall's share": (put("totals/bone_left/lateral_wall_share", 0.6), "totals.bone_left.lateral_wall_share"),
    "figures of the report": (report_edited, f"{NO}report.html"),
    "report lost": (report_lost, "(report.pdf)"),
    "stray report": (stray_report, "beside the plan: report_old.html"),
    "stray picture": (stray_picture, "beside the plan: before.png"),
    "stray STL": (stray_body, "beside the plan: tunnel_2.stl"),
    "another plan's guide": (stray_guide, "beside the plan: guide.stl"),
    "markups exchanged": (markups_exchanged, "tunnels.mrk.json: lines"),
    "tunnel's body exchanged": (body_exchanged, "tunnel_1.stl: wall"),
    "tunnel's body in another form": (body_in_another_form, "tunnel_1.stl (content)"),
    "tunnel's body taken off the list": (partial(unlisted, name="tunnel_1.stl"), "outputs (tunnel_1.stl)"),
    "markups in inches": (markups_in_inches, "tunnels.mrk.json (content)"),
    "a curve beside the lines": (curve_beside_the_lines, "tunnels.mrk.json: points"),
    "measures damaged": (measures_damaged, "measures.json (content)"),
    "measures taken off the list": (partial(unlisted, name="measures.json"), "outputs (measures.json)"),
    "a picture taken off the list": (partial(unlisted, name="report.html"), "outputs (report.html)"),
    "bone's body exchanged": (bone_exchanged, NO + "femur.stl"),
    "status": (put("status", "manual"), "status"),
    "measures edited": (measures_edited, "measures.json: kerboul"),
    "mask exchanged": (mask_exchanged, "case.inputs[0].sha256 (femur)"),
}
#: Recalculations that take seconds, and those that each fault is judged by; what is left out cannot see it.
STEPS = (
    "tradeoff_checks",
    "landmark_checks",
    "necrosis_checks",
    "ray_checks",
    "total_checks",
    "outline_checks",
    "standing_checks",
    "risk_checks",
)
AGAIN: dict[str, tuple[str, ...]] = {
    "lesion's volume": ("necrosis_checks",), "weight-bearing share": ("ray_checks",),
    "removed fraction": ("total_checks",), "fraction of a focus": ("total_checks",),
    "graft, viable bone along": ("total_checks",), "proof invented": ("total_checks",),
    "proof invented, nodes along": ("total_checks",),
    "share removed on average": ("outline_checks",), "plane that shows the focus": ("total_checks",),
    "a point of the curve removes more": ("tradeoff_checks",),
    "a point of the curve outside the bone": ("tradeoff_checks",),
    "perforation at the plan's point": ("risk_checks",),
    "clearance to the joint": (), "tip to the joint on the axis": (), "angle in the AP view": (),
    "risk of another plan": ("risk_checks",),
    "limit not reached": STEPS[:-1],
    "cortex at the entry": (), "where the cortex is read": (), "lateral wall's share": ("standing_checks",),
}  # fmt: skip


@dataclass(frozen=True)
class Sample:
    folder: Path
    hip: Hip
    honest: Verification


@pytest.fixture(scope="module")
def sample(written_plan: Path) -> Sample:
    plan = read_stated(written_plan / "plan.json")
    hip = load_hip(plan)
    return Sample(written_plan, hip, recalculation.judge(plan, hip))


def verified(name: str, sample: Sample, out: Path, monkeypatch: pytest.MonkeyPatch) -> Verification:
    """The verification of a copy of the folder with one fault; what the fault cannot touch is not done anew."""
    shutil.copytree(sample.folder, out)
    folder = Folder(out, json.loads((out / "plan.json").read_text()))
    FAULTS[name][0](folder)
    folder.seal()
    monkeypatch.setattr(recalculation, "load_hip", lambda plan: sample.hip)
    if name not in AGAIN:
        monkeypatch.setattr(recalculation, "judge", lambda plan, hip: sample.honest)
    for step in set(STEPS) - set(AGAIN.get(name, STEPS)):
        monkeypatch.setattr(recalculation, step, lambda *given: [])
    return recalculation.verify_plan(out / "plan.json", key=folder.key)


@pytest.mark.slow
def test_the_folder_is_sound_before_any_fault(sample: Sample) -> None:
    result = recalculation.verify_plan(sample.folder / "plan.json")
    assert result.agrees, result.disagreements
    assert not result.messages
    assert {one.path for one in result.figures if "does not know" in one.reason} == set()
    assert min(result.totals.values()) > 100


@pytest.mark.slow
@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_caught_or_listed_as_not_checked(
    name: str, sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = verified(name, sample, tmp_path / "plan", monkeypatch)
    expected = FAULTS[name][1]
    if expected.startswith(NO):
        assert result.agrees, result.disagreements
        told = {one.path: one for one in result.figures}[expected.removeprefix(NO)]
        assert told.state == "not_checked"
    else:
        assert any(expected in check.name for check in result.disagreements), result.disagreements


def table() -> str:
    """The rows of ``docs/validation.md``."""
    rows = ["| planted, each alone | what says so in `verify` |", "|---|---|"]
    for name, (_, told) in FAULTS.items():
        path = told.removeprefix(NO)
        rows.append(f"| {name} | {'nothing but the seal; listed as not checked: ' if path != told else ''}`{path}` |")
    return "\n".join(rows) + "\n"


def test_the_table_of_the_page_is_this_one() -> None:
    assert len(FAULTS) >= 40
    assert table() in (Path(__file__).parents[2] / "docs" / "validation.md").read_text(encoding="utf-8")
