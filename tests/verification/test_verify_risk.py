"""Risk by the second road: closed forms in a rod of bone, and a plan whose risk was exchanged is caught."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from support.plan_factory import write_plan
from support.shared import shared

from corecore.base.grid import Grid, Mask
from corecore.base.instrument import library
from corecore.base.spec import Spec
from corecore.document.seal import seal_of
from corecore.document.stated import Errors
from corecore.hip.hip import Hip
from corecore.planning.planner import plan_hip
from corecore.verification.cylinder import bore_of
from corecore.verification.mesh import mesh_of
from corecore.verification.recalculation import verify_plan
from corecore.verification.report import Verification
from corecore.verification.risk import _drawn, _drillings, _normals_about

POSES = 3000
NO_CAVITY = {"cavity_diameter_mm": None, "cavity_length_mm": None}
#: Four standard errors of a probability of a tenth, and a tenth of a millimetre between voxels and rod.
TOLERANCE = 0.03
ROD_MM, DRILL_MM, LENGTH_MM = 14.0, 10.0, 60.0


@pytest.fixture(scope="module")
def rod() -> Any:
    """A rod of bone along z, 0 to 100 mm, with the figures of a hip that the drillings ask for."""
    shape = (40, 40, 110)
    index = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), axis=-1)
    x, y, z = np.moveaxis(index - np.array([19.5, 19.5, 4.5]), -1, 0)
    affine = np.eye(4)
    affine[:3, 3] = -19.5, -19.5, -4.5
    mask = Mask(Grid(shape, affine), (np.hypot(x, y) <= ROD_MM) & (z >= 0.0) & (z <= 100.0))
    return SimpleNamespace(mesh=mesh_of(mask))


def drilled(rod: Any, errors: Errors, *, neck: float = 1.0, shifts: Any = None) -> Any:
    tunnel = SimpleNamespace(
        entry=np.zeros(3), tip=np.array([0.0, 0.0, LENGTH_MM]), diameter_mm=DRILL_MM, instrument=None
    )
    plan: Any = SimpleNamespace(tunnels=[tunnel], spec={"incidence_min_deg": 30.0})
    frame: Any = SimpleNamespace(center=np.array([0.0, 0.0, 500.0]), radius_mm=20.0, neck=np.array([0.0, 0.0, neck]))
    frame.proximal = lambda points: (points - frame.center) @ frame.neck >= -0.5 * frame.radius_mm
    lesion = np.array([[0.0, 0.0, LENGTH_MM - 0.5 * k] for k in range(40)])
    around = _normals_about(rod, tunnel.entry)
    still = np.zeros((POSES, 3)) if shifts is None else shifts
    return _drillings(plan, 0, errors, rod, frame, around, lesion, POSES, np.random.default_rng(3), still)


@pytest.mark.parametrize("name", [None, "drill-4.5-118", "reamer-9"])
def test_many_drillings_at_once_are_those_of_one_after_another(rod: Any, name: str | None) -> None:
    drill = None if name is None else library()[name]
    width = DRILL_MM if drill is None else drill.diameter_mm
    tip = np.array([0.0, 0.0, LENGTH_MM])
    tunnel = SimpleNamespace(entry=np.zeros(3), tip=tip, diameter_mm=width, instrument=drill)
    plan: Any = SimpleNamespace(tunnels=[tunnel], spec={"incidence_min_deg": 30.0})
    frame: Any = SimpleNamespace(proximal=lambda points: points[:, 2] >= 30.0)
    rng = np.random.default_rng(4)
    lesion, shifts = rng.uniform((-9.0, -9.0, 40.0), (9.0, 9.0, 66.0), (500, 3)), rng.normal(0.0, 1.0, (200, 3))
    errors = Errors(2.0, 4.0, 3.0, 0.0, 1.0)
    around = _normals_about(rod, tunnel.entry)
    found = _drillings(plan, 0, errors, rod, frame, around, lesion, 200, np.random.default_rng(3), shifts)
    entries, ways, lengths = _drawn(tunnel.entry, tip, width, errors, rod, 200, np.random.default_rng(3))
    for n, (entry, way, length) in enumerate(zip(entries, ways, lengths, strict=True)):
        deep = entry + length * way
        drilled_so: Any = SimpleNamespace(**{**vars(tunnel), "entry": entry, "tip": deep}, **NO_CAVITY)
        bore = bore_of(drilled_so)
        assert np.array_equal(found.removed[n], bore.contains(lesion + shifts[n]))
        # A rod's level is plain: what lies outside 14 mm, or ahead of its end, is out of the bone.
        if bore.head is None:
            end = np.concatenate([bore.tunnel.disc(length), bore.tunnel.wall(6.0, length)])
        else:
            end = np.concatenate([bore.head.surface((tip, ways[n]))[0], bore.tunnel.wall(6.0, bore.tunnel.length_mm)])
        least = ROD_MM - np.linalg.norm(end[:, :2], axis=1).max()
        # Where the wall passes the surface by less than its stairs, either is right.
        if abs(least) > 0.5 and abs(length * way[2] - 100.0) > 12.0:
            assert (found.cortex[n] | found.joint[n]) == (least < 0.0)
    assert 0.0 < (found.cortex | found.joint).mean() < 1.0


@pytest.mark.parametrize("entry_mm", [3.0, 5.0])
def test_a_tunnel_set_down_beside_leaves_the_rod_as_rayleigh_says(rod: Any, entry_mm: float) -> None:
    found = drilled(rod, Errors(entry_mm, 0.0, 0.0, 0.0, 1.0))
    room = ROD_MM - DRILL_MM / 2
    assert found.cortex.mean() == pytest.approx(np.exp(-(room**2) / (2 * entry_mm**2)), abs=TOLERANCE)
    assert not found.joint.any()
    # Beyond the plane across the neck the same breaches are the joint's.
    proximal = drilled(rod, Errors(entry_mm, 0.0, 0.0, 0.0, 1.0), neck=-1.0)
    # A drill that misses the rod altogether is past no plane.
    assert np.array_equal(proximal.joint | proximal.cortex, found.cortex)
    assert np.mean(proximal.joint) > 0.9 * np.mean(found.cortex)


@pytest.mark.parametrize("angle_deg", [3.0, 6.0])
def test_a_turned_tunnel_leaves_the_rod_where_its_end_does(rod: Any, angle_deg: float) -> None:
    found = drilled(rod, Errors(0.0, angle_deg, 0.0, 0.0, 1.0))
    turns = np.radians(np.linspace(0.0, 60.0, 6001))
    # Farthest from the axis lies the far rim of the flat end.
    reach = LENGTH_MM * np.sin(turns) + DRILL_MM / 2 * np.cos(turns)
    least = turns[np.argmax(reach > ROD_MM)]
    expected = np.exp(-(np.degrees(least) ** 2) / (2 * angle_deg**2))
    assert found.cortex.mean() == pytest.approx(expected, abs=TOLERANCE)


def test_depth_and_tail_follow_their_laws(rod: Any) -> None:
    found = drilled(rod, Errors(0.0, 0.0, 4.0, 0.0, 1.0))
    # The lesion is a row of points, half a millimetre each, that ends at the tip.
    assert found.removed.mean(axis=1).std() * 20.0 == pytest.approx(4.0 * np.sqrt(0.5 - 1 / (2 * np.pi)), rel=0.1)
    entry, tip = np.zeros(3), np.array([0.0, 0.0, LENGTH_MM])
    tail = Errors(1.0, 1.0, 1.0, 0.25, 4.0)
    entries, headings, lengths = _drawn(entry, tip, 3.2, tail, rod, 40_000, np.random.default_rng(5))
    grown = np.sqrt(0.75 + 0.25 * 16.0)
    assert entries[:, :2].std() == pytest.approx(grown, rel=0.03)
    assert lengths.std() == pytest.approx(grown, rel=0.03)
    angle = np.degrees(np.arctan2(headings[:, 0], headings[:, 2]))
    assert angle.std() == pytest.approx(grown * 5.7 / 3.2, rel=0.03)


@pytest.mark.slow
def test_a_lesion_that_lies_elsewhere_is_removed_as_a_rayleigh_says_and_breaks_nothing(rod: Any) -> None:
    still = drilled(rod, Errors(2.0, 1.0, 0.0, 0.0, 1.0))
    sd = 4.0
    shifts = sd * np.random.default_rng(6).standard_normal((POSES, 3)) * np.array([1.0, 1.0, 0.0])
    found = drilled(rod, Errors(0.0, 0.0, 0.0, 0.0, 1.0), shifts=shifts)
    # The row of points lies on the axis: it is held together, or not at all.
    assert found.removed[:, 5:].mean() == pytest.approx(1.0 - np.exp(-((DRILL_MM / 2 / sd) ** 2) / 2), abs=TOLERANCE)
    moved = drilled(rod, Errors(2.0, 1.0, 0.0, 0.0, 1.0), shifts=shifts)
    assert np.array_equal(moved.cortex, still.cortex)
    assert np.array_equal(moved.joint, still.joint)
    assert moved.removed.mean() < still.removed.mean()


@pytest.fixture(scope="module")
def sample_folder(sample_hip: Hip) -> Path:
    """A plan of the sample for the most: its methods differ by more than verification's drillings can tell."""
    from corecore.exports.plan_folder import write_plan as write_folder

    spec = Spec(objective="most")
    with shared.in_package():
        plan = shared.of_hip(
            "plan of the most", sample_hip, lambda: plan_hip(sample_hip, spec, shared.measure(sample_hip, spec))
        )
    return shared.written("sample plan of the most", lambda folder: write_folder(plan, folder, pictures=False))


def judged(sample_folder: Path, folder: Path, fault: Any) -> Verification:
    for name in sample_folder.glob("input_*"):
        shutil.copy(name, folder)
    plan = json.loads((sample_folder / "plan.json").read_text())
    fault(plan)
    plan["seal"] = seal_of(plan)
    return verify_plan(write_plan(folder, plan))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "other", "key"),
    [("guide", "navigated", "perforation_probability"), ("guide", "guide_best", "perforation_probability")],
)
def test_risks_exchanged_between_methods_are_caught(
    sample_folder: Path, tmp_path: Path, method: str, other: str, key: str
) -> None:
    def exchanged(plan: Any) -> None:
        for part in (plan["tunnels"][0]["risk"], plan["totals"]["risk"]):
            part[method], part[other] = copy.deepcopy(part[other]), part[method]

    names = {check.name for check in judged(sample_folder, tmp_path, exchanged).disagreements}
    assert f"tunnels[0].risk.{method}.{key}" in names
    assert f"totals.risk.{other}.{key}" in names
    # The files of the plan's list do not lie beside this copy: neither their fingerprints nor their content is found.
    beside = {name for name in names if name.startswith("outputs[") or name.endswith(" (content)")}
    assert all(".risk." in name for name in names - beside), names
