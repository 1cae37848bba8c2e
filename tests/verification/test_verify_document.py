"""A hand-edited or broken plan.json is refused in one line that says where."""

from __future__ import annotations

import contextlib
import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.plan_factory import Pose, plan_of, write_plan

from corecore.base.errors import InputError
from corecore.document import stated as plan_file
from corecore.verification.recalculation import verify_plan

INPUTS = [
    {"role": "femur", "path": "seg.nii.gz", "sha256": "0" * 64, "label": 1},
    {"role": "lesion", "path": "seg.nii.gz", "sha256": "0" * 64, "label": 2},
]


@pytest.fixture(scope="module")
def plan() -> dict[str, Any]:
    return plan_of(INPUTS, Pose())


def refusal(folder: Path, content: dict[str, Any]) -> str:
    with pytest.raises(InputError) as caught:
        plan_file.read_stated(write_plan(folder, content))
    return str(caught.value)


def put(*keys: Any, value: Any) -> Callable[[dict[str, Any]], None]:
    def edit(content: dict[str, Any]) -> None:
        for key in keys[:-1]:
            content = content[key]
        content[keys[-1]] = value

    return edit


def drop(*keys: Any) -> Callable[[dict[str, Any]], None]:
    def edit(content: dict[str, Any]) -> None:
        for key in keys[:-1]:
            content = content[key]
        del content[keys[-1]]

    return edit


@pytest.mark.parametrize(
    ("edit", "path"),
    [
        (put("schema", value="corecore.plan/2"), "schema"),
        (put("coordinate_system", value="LPS"), "coordinate_system"),
        (put("status", value="approved"), "status"),
        (drop("anatomy", "shaft_point"), "anatomy.shaft_point"),
        (put("anatomy", "head_center", value=[1.0, 2.0]), "anatomy.head_center"),
        (put("anatomy", "head_center", value=[1.0, 2.0, "3"]), "anatomy.head_center[2]"),
        (put("anatomy", "head_radius_mm", value=-24.0), "anatomy.head_radius_mm"),
        (put("anatomy", "shaft_axis", value=[0.0, 0.0, 2.0]), "anatomy.shaft_axis"),
        (put("anatomy", "sources", value=[]), "anatomy.sources"),
        (put("tunnels", 0, "tip", value=None), "tunnels[0].tip"),
        (put("tunnels", 0, "diameter_mm", value=True), "tunnels[0].diameter_mm"),
        (put("tunnels", 0, "direction", value=[0.0, 0.0, 0.0]), "tunnels[0].direction"),
        (put("tunnels", 0, "cavity_diameter_mm", value=21.0), "tunnels[0]"),
        (drop("tunnels", 0, "joint_clearance_mm"), "tunnels[0].joint_clearance_mm"),
        (drop("tunnels", 0, "removed_fraction"), "tunnels[0].removed_fraction"),
        (put("tunnels", value={}), "tunnels"),
        (put("tunnels", value=[]), "tunnels"),
        (drop("totals", "graft_volume_ml"), "totals.graft_volume_ml"),
        (drop("spec", "joint_margin_mm"), "spec.joint_margin_mm"),
        (put("spec", "length_max_mm", value="130"), "spec.length_max_mm"),
        (drop("necrosis", "volume_ml"), "necrosis.volume_ml"),
        (put("case", "side", value="both"), "case.side"),
        (put("case", "inputs", 0, "label", value=1.5), "case.inputs[0].label"),
        (put("case", "inputs", 0, "role", value="tibia"), "case.inputs"),
        (drop("case", "inputs", 1, "sha256"), "case.inputs[1].sha256"),
        (put("violations", value=[{}]), "violations[0].key"),
    ],
)
def test_what_is_wrong_is_named_in_one_line(
    edit: Callable[[dict[str, Any]], None], path: str, plan: dict[str, Any], tmp_path: Path
) -> None:
    content = copy.deepcopy(plan)
    edit(content)
    message = refusal(tmp_path, content)
    assert f": {path} " in message
    assert "\n" not in message
    assert "accepted" in message or "missing" in message


def test_the_plan_itself_is_read(plan: dict[str, Any], tmp_path: Path) -> None:
    read = plan_file.read_stated(write_plan(tmp_path, plan))
    assert read.tunnels[0].diameter_mm == 10.0
    assert read.inputs[0].path == tmp_path / "seg.nii.gz"


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_are_none_are_refused(constant: str, plan: dict[str, Any], tmp_path: Path) -> None:
    text = json.dumps(plan).replace('"head_radius_mm": 24.0', f'"head_radius_mm": {constant}')
    path = tmp_path / "plan.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=constant.lstrip("-")):
        verify_plan(path)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_plan_is_refused(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"plan\.json") as caught:
        verify_plan(path)
    assert "\n" not in str(caught.value)


def test_a_folder_or_nothing_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.json"):
        with pytest.raises(InputError):
            verify_plan(path)


@given(data=st.data())
def test_no_edit_ends_in_anything_but_a_plan_or_an_input_error(
    data: st.DataObject, plan: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = copy.deepcopy(plan)
    node: Any = content
    while True:
        key = data.draw(st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node))))
        if not isinstance(node[key], dict | list) or not node[key] or data.draw(st.booleans()):
            break
        node = node[key]
    odd: list[st.SearchStrategy[Any]] = [
        st.none(),
        st.booleans(),
        st.integers(),
        st.text(max_size=5),
        st.just([]),
        st.just({}),
    ]
    node[key] = data.draw(st.one_of(odd))
    with contextlib.suppress(InputError):
        plan_file.read_stated(write_plan(tmp_path_factory.mktemp("edit"), content))
