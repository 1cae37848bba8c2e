"""Every figure is classified, and the rules between figures hold for a written plan and fail for an edited one."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from corecore.base.spec import preset
from corecore.document.content import content_of
from corecore.document.plan import PlanDocument
from corecore.document.read import parsed
from corecore.document.schema import DOCUMENTS, readers_schema
from corecore.tunnels.risk.methods import METHODS as PROGRAM
from corecore.verification.coverage import _tables, figures_of, leaves
from corecore.verification.derivation import METHOD_KEYS, METHODS, PRESETS
from corecore.verification.own_figures import own_checks
from corecore.verification.report import Check

Plan = dict[str, Any]


def fields(node: Plan, parts: Plan, path: str = "") -> list[str]:
    """The paths of a schema's values; each of a list is ``[]``, each name of a table ``*``."""
    node = parts[node["$ref"].split("/")[-1]] if "$ref" in node else node
    if "anyOf" in node:
        found = [one for option in node["anyOf"] for one in fields(option, parts, path)]
        return [one for one in found if one != path] or [path]
    if "properties" in node:
        items = node["properties"].items()
        return [one for key, value in items for one in fields(value, parts, f"{path}.{key}".lstrip("."))]
    if isinstance(node.get("additionalProperties"), dict):
        return fields(node["additionalProperties"], parts, f"{path}.*")
    inner = fields(node["items"], parts, f"{path}[]") if "items" in node else [path]
    return [path] if inner == [f"{path}[]"] else inner


def test_every_field_of_the_documents_is_classified() -> None:
    schema: Any = readers_schema("plan")
    found = fields(schema["$defs"][DOCUMENTS["plan"][1].__name__], schema["$defs"])
    assert len(found) > 400
    tables = [pattern for _, table in _tables() for pattern, _ in table]
    assert [path for path in found if not any(pattern.fullmatch(path) for pattern in tables)] == []
    # A field that nobody named is seen.
    assert not any(pattern.fullmatch("necrosis.novelty") for pattern in tables)
    # A measure stands in both documents, or is compared by the name it has in the plan.
    other: Any = readers_schema("measures")
    measures = set(other["$defs"]["MeasuresDocument"]["properties"])
    alone = {"schema", "created", "corecore_version", "coordinate_system", "units", "case", "warnings", "notice"}
    necrosis = set(schema["$defs"]["NecrosisPart"]["properties"])
    assert measures - necrosis == alone | {"head_center", "head_radius_mm", "sources"}


def test_a_figure_is_called_checked_only_where_a_check_bears_its_path() -> None:
    content = {"necrosis": {"volume_ml": 1.0, "steinberg": "A", "jic": {"type": None}}, "novelty": 1}
    checks = [
        Check("necrosis.volume_ml", 1.0, 1.0, 0.1, "ml", True),
        Check("necrosis.steinberg", "A", "A", 0.0, "", True, cross=True),
        Check("necrosis.components (sum)", 1.0, 1.0, 0.1, "ml", True, cross=True),
    ]
    told = {one.path: (one.state, one.reason) for one in figures_of(content, checks)}
    assert told["necrosis.volume_ml"][0] == "checked"
    assert told["necrosis.steinberg"][0] == "cross_checked"
    assert told["necrosis.jic.type"] == ("not_checked", "no check of it applies to this plan")
    assert told["novelty"][0] == "not_checked"
    assert list(leaves({"a": [{"b": [1, 2]}, {"b": []}], "c": None})) == ["a[0].b", "a[1].b", "c"]


def test_verification_knows_the_program_s_own_choices() -> None:
    known = {name: [getattr(one, key) for key in METHOD_KEYS] for name, one in PROGRAM.items()}
    assert known == next(iter(METHODS.values()))
    assert [preset(name).preset for name in PRESETS] == list(PRESETS)


@pytest.fixture(scope="module")
def plan() -> Plan:
    """A planned hip's document, shortened: its figures are the planner's."""
    documents = json.loads((Path(__file__).parents[1] / "document" / "data" / "documents.json").read_text())
    return content_of(parsed(documents["robust"], PlanDocument, "documents.json"))


def failing(plan: Plan) -> set[str]:
    return {check.name for check in checks(plan) if not check.ok}


def checks(plan: Plan) -> list[Check]:
    return own_checks(parsed(plan, PlanDocument, "plan.json"))


def put(path: str, value: Any) -> Callable[[Plan], None]:
    def edit(plan: Plan) -> None:
        node: Any = plan
        *way, last = path.split("/")
        for key in way:
            node = node[int(key) if isinstance(node, list) else key]
        node[int(last) if isinstance(node, list) else last] = value

    return edit


@pytest.mark.parametrize(
    ("path", "value", "name"),
    [
        ("necrosis/kerboul/combined_deg", 260.0, "necrosis.kerboul.combined_deg"),
        ("necrosis/kerboul/grade", 4, "necrosis.kerboul.grade"),
        ("necrosis/steinberg", "A", "necrosis.steinberg"),
        ("necrosis/jic/type", "A", "necrosis.jic.type"),
        ("necrosis/jic/basis", "pelvis", "necrosis.arco_type.basis"),
        ("necrosis/arco_type/type", 1, "necrosis.arco_type.type"),
        ("necrosis/lateral_pillar/type", "M", "necrosis.lateral_pillar.type"),
        ("necrosis/necrotic_index/original", 90.0, "necrosis.necrotic_index.original"),
        ("necrosis/signs/collapse/over_lesion_mm", 3.0, "necrosis.signs.collapse.found"),
        ("necrosis/signs/physis", "open", "warnings (open_physis)"),
        ("necrosis/centroid_in_head/latitude_deg", 5.0, "necrosis.centroid_in_head.latitude_deg"),
        ("totals/healthy_bone_removed_ml", 1.0, "totals.healthy_bone_removed_ml"),
        ("totals/discretisation_error_fraction", 0.1, "totals.discretisation_error_fraction"),
        ("risk_methods/guide/entry_mm", 0.1, "risk_methods.guide.entry_mm"),
        ("spec/preset", "core-12", "spec.preset"),
        ("robust/cost_removed_fraction", 0.5, "robust.cost_removed_fraction"),
    ],
)
def test_an_edit_shows_in_what_follows_from_it(path: str, value: Any, name: str, plan: Plan) -> None:
    edited = copy.deepcopy(plan)
    put(path, value)(edited)
    assert name not in failing(plan)
    assert name in failing(edited)


@pytest.mark.parametrize(
    ("version", "name", "held"),
    [
        ("0.1.0", "freehand", True), ("0.2.0", "freehand", True), ("0.3.0", "freehand", False),
        ("0.2.0", "fluoroscopy", False), ("0.3.0", "fluoroscopy", True), ("unknown", "fluoroscopy", True),
    ],
)  # fmt: skip
def test_a_plan_is_held_to_the_error_models_of_its_own_version(version: str, name: str, held: bool, plan: Plan) -> None:
    """Of a name that was not built in then, a reader's own figures stand."""
    one = {**plan["risk_methods"]["guide"], "name": name, "entry_mm": 0.1}
    edited = {**plan, "corecore_version": version, "risk_methods": {name: one}}
    assert (f"risk_methods.{name}.entry_mm" in failing(edited)) == held


def test_a_signature_is_for_the_hip_s_own_side(plan: Plan) -> None:
    side = plan["case"]["side"]
    signed = {"name": "A. Surgeon", "day": "2026-01-05", "side": side}
    reviewed = {**plan, "review": {"revision": 3, "plan": "0" * 64, "signed": signed}}
    assert "review.signed.side" in {check.name for check in checks(reviewed) if check.ok}
    signed["side"] = "left" if side == "right" else "right"
    assert "review.signed.side" in failing(reviewed)
    assert not any(check.name.startswith("review.") for check in checks(plan))


def test_an_alternative_perforates_by_the_plan_s_guidance_as_its_own_risk_says(plan: Plan) -> None:
    def risk(of_guide: float) -> Plan:
        return {"guide": {"perforation_probability": of_guide}, "robot": {"perforation_probability": 0.4}}

    other = {
        "breach_method": "guide", "breach_probability": 0.05, "totals": {"risk": risk(0.05)},
        "against_plan": {"breach_probability": 0.03},
    }  # fmt: skip
    with_other = {
        **plan, "spec": {**plan["spec"], "guidance": "guide"}, "totals": {**plan["totals"], "risk": risk(0.02)},
        "alternatives": [other],
    }  # fmt: skip
    names = {f"alternatives[0].{key}" for key in ("breach_method", "breach_probability")}
    names.add("alternatives[0].against_plan.breach_probability")
    assert names <= {check.name for check in checks(with_other) if check.ok}
    for path, value, shown in (
        ("breach_method", "robot", {"alternatives[0].breach_method"}),
        ("breach_probability", 0.01, names - {"alternatives[0].breach_method"}),
        ("against_plan/breach_probability", -0.03, {"alternatives[0].against_plan.breach_probability"}),
        ("totals/risk/guide/perforation_probability", 0.01, {"alternatives[0].breach_probability"}),
    ):
        edited = copy.deepcopy(with_other)
        put(f"alternatives/0/{path}", value)(edited)
        assert failing(edited) & names == shown, path
    # Without its method's name the figure is still the guidance's.
    edited = copy.deepcopy(with_other)
    del edited["alternatives"][0]["breach_method"]
    put("alternatives/0/breach_probability", 0.01)(edited)
    assert "alternatives[0].breach_probability" in failing(edited)
    # Plans of earlier versions named no guidance.
    assert not names & {check.name for check in checks({**with_other, "spec": plan["spec"]})}


def test_a_cut_scan_has_no_class(plan: Plan) -> None:
    cut = copy.deepcopy(plan)
    cut["necrosis"]["lower_bound"] = True
    classes = {"necrosis.steinberg", "necrosis.jic.type", "necrosis.arco_type.type", "necrosis.kerboul.grade"}
    assert classes <= failing(cut)
    for path in ("steinberg", "jic/type", "arco_type/type", "kerboul/grade"):
        put(f"necrosis/{path}", None)(cut)
    assert not classes & failing(cut)


def test_a_rule_whose_figures_an_older_plan_has_not_does_not_apply(plan: Plan) -> None:
    older = copy.deepcopy(plan)
    del older["necrosis"]["repeatability"], older["necrosis"]["kerboul"], older["necrosis"]["jic"]
    assert failing(older) <= failing(plan)
    assert len(checks(older)) < len(checks(plan))


def test_figures_that_nothing_can_be_made_of_disagree(plan: Plan) -> None:
    odd = copy.deepcopy(plan)
    odd["necrosis"]["jic"].update(middle_deg=30.0, edge_deg=30.0, lesion_deg=31.0)
    odd["necrosis"]["signs"]["image_age"].update(imaging_date="yesterday", days=1)
    odd["necrosis"]["components"][0].update(octant="ASM", place="nowhere")
    assert {
        "necrosis.jic.covered_share", "necrosis.signs.image_age.days", "necrosis.components[0].place",
    } <= failing(odd)  # fmt: skip
