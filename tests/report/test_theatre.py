"""Header, signature, instruments, leg and C-arm: what the theatre reads, held against closed forms."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pypdfium2
import pytest
from support.five_scenes import five_scenes
from support.report_plan import full_plan, full_scene
from support.view_phantom import HEAD, LESION_OFFSET, phantom_scene, phantom_tissue

from corecore.base.errors import InputError
from corecore.base.grid import FloatArray
from corecore.measures.signs.clinician_input import parse_theatre
from corecore.report import captions
from corecore.report.c_arm import c_arm, middle_of, stance
from corecore.report.report import Views, report_data, report_html, report_pdf
from corecore.report.scene import Scene
from corecore.report.slices import slices, strips
from corecore.report.svg import overlap
from corecore.report.theatre import BLANK, aims, header, instruments, leg_rotation_deg, signature

NO_VIEWS = Views([], None, "", "not drawn")
SIGNED = {"name": "A. Surgeon", "day": "2026-11-30", "side": "right"}
REVIEW = {"revision": 3, "plan": "ab" * 32, "record": "cd" * 32, "notes": "", "accepted": None, "signed": None}
TREPHINE = {
    "name": "trephine-8", "title": "hollow trephine of 8 mm over a 2.8 mm pin", "diameter_mm": 8.0, "tip": "flat",
    "tip_angle_deg": 0.0, "steps": [], "pin_diameter_mm": 2.8, "pin_overshoot_mm": 2.0, "pin_margin_mm": 3.0,
    "depth_stop": True, "cavity_diameter_mm": 0.0, "cavity_length_mm": 0.0, "objective": "lesion",
    "source": "unconfirmed", "unconfirmed": "",
}  # fmt: skip


def pages(pdf: bytes) -> list[str]:
    with pypdfium2.PdfDocument(pdf) as document:
        return [" ".join(page.get_textpage().get_text_range().split()) for page in document]


def turned_inward(scene: Scene, vector: FloatArray, angle_deg: float) -> FloatArray:
    """A vector of the femur after the leg was rotated inward about the shaft: the front goes to the medial side."""
    turn = np.radians(angle_deg)
    forward, out = vector @ scene.anterior, vector @ scene.lateral
    return np.asarray(
        (vector @ scene.proximal) * scene.proximal
        + forward * (np.cos(turn) * scene.anterior - np.sin(turn) * scene.lateral)
        + out * (np.cos(turn) * scene.lateral + np.sin(turn) * scene.anterior),
        dtype=np.float64,
    )


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("planted", [-35.0, -8.0, 0.0, 14.0, 60.0])
def test_the_leg_turned_so_lays_the_tunnel_level(side: str, planted: float) -> None:
    scene = full_scene(side)
    level = np.cos(np.radians(37.0)) * -scene.lateral + np.sin(np.radians(37.0)) * scene.proximal
    # A level tunnel in a leg that lies turned outward by the angle runs forward.
    direction = turned_inward(scene, level, -planted)
    angle = leg_rotation_deg(scene, direction)
    assert angle is not None
    assert angle == pytest.approx(planted, abs=1e-9)
    assert turned_inward(scene, direction, angle) @ scene.anterior == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("side", ["right", "left"])
def test_the_detector_turned_instead_sees_the_tunnel_square_on(side: str) -> None:
    scene = full_scene(side)
    direction = scene.tunnels[0].direction
    angle = leg_rotation_deg(scene, direction)
    assert angle is not None
    turn = np.radians(angle)
    beam = np.cos(turn) * scene.anterior + np.sin(turn) * scene.lateral
    assert beam @ direction == pytest.approx(0.0, abs=1e-12)
    assert stance(scene, c_arm("", middle_of(scene), beam, scene.proximal)) == pytest.approx((angle, 0.0), abs=1e-6)
    # The tunnel of the phantom runs forward: the leg inward, or the detector outward.
    told = aims(scene)[0]
    assert (told.leg, told.c_arm) == (f"{angle:.0f}° internal", f"{angle:.0f}° lateral")


def test_an_assumed_lateral_axis_and_a_short_shaft_leave_a_range() -> None:
    plan = full_plan()
    plan["anatomy"]["sources"] = {**plan["anatomy"].get("sources", {}), "x_axis": "neck"}
    scene = phantom_scene(**plan)
    angle = leg_rotation_deg(scene, scene.tunnels[0].direction)
    assert angle is not None
    ends = f"({abs(angle - 20.0):.0f}° external to {angle + 20.0:.0f}° internal)"
    assert aims(scene)[0].leg == f"{angle:.0f}° internal {ends}"
    plan["anatomy"]["shaft_range_deg"] = 5.0
    wider = aims(phantom_scene(**plan))[0].leg
    low, high = (int(value) for value in re.findall(r"\((\d+)° external to (\d+)°", wider)[0])
    assert low > round(20.0 - angle)
    assert high > round(20.0 + angle)


def test_a_tunnel_along_the_shaft_has_no_such_angle() -> None:
    scene = full_scene()
    assert leg_rotation_deg(scene, scene.proximal) is None


@pytest.mark.parametrize(
    ("review", "edited", "state", "words"),
    [
        (None, False, "unsigned", "UNSIGNED"),
        (REVIEW, False, "unsigned", "UNSIGNED"),
        ({**REVIEW, "signed": SIGNED}, False, "signed", "SIGNED by A. Surgeon, 2026-11-30"),
        ({**REVIEW, "lapsed": SIGNED}, False, "lapsed", "SIGNATURE LAPSED (A. Surgeon, 2026-11-30): the plan changed"),
        ({**REVIEW, "signed": SIGNED}, True, "lapsed", "SIGNATURE LAPSED (A. Surgeon, 2026-11-30): the file was"),
    ],
)
def test_the_signatures_state_stands_on_top_of_every_page(
    review: dict[str, Any] | None, edited: bool, state: str, words: str
) -> None:
    plan = full_plan(status="manual") if review is None else full_plan(status="manual", review=review)
    scene = replace(phantom_scene(**plan), edited=edited)
    assert signature(scene).state == state
    data = report_data(scene, NO_VIEWS)
    assert report_html(data).count(f'<p class="signature {state}">{words}') == 3
    for page in pages(report_pdf(data)):
        assert words.replace(" ", "") in page.replace(" ", "")


def test_surgeon_and_operation_date_are_given_or_to_be_filled_in() -> None:
    blank = header(full_scene())
    assert (blank.surgeon, blank.operation) == (BLANK, BLANK)
    plan = full_plan()
    plan["case"] |= {"surgeon": "A. Surgeon <b>", "operation_date": "2026-12-07"}
    data = report_data(phantom_scene(**plan), NO_VIEWS)
    assert "A. Surgeon &lt;b&gt;" in report_html(data)
    for page in pages(report_pdf(data)):
        assert "A. Surgeon <b>" in page
        assert "2026-12-07" in page


def test_the_longest_header_leaves_no_page() -> None:
    long = "Wolfeschlegelsteinhausenbergerdorff " * 2
    name = long[:64].strip()
    review = {**REVIEW, "lapsed": {**SIGNED, "name": name}}
    broken = [{"key": f"limit_{number}", "limit": 5.0, "value": 4.0} for number in range(12)]
    plan = full_plan(status="manual", review=review, violations=broken)
    plan["case"] |= {"surgeon": name, "operation_date": "2026-12-07", "id": "W" * 60}
    with pypdfium2.PdfDocument(report_pdf(report_data(phantom_scene(**plan), NO_VIEWS))) as document:
        for page in document:
            width, height = page.get_size()
            text = page.get_textpage()
            words = text.get_text_range()
            for told in ("W" * 60, name, "the plan changed since", "EXCEEDS 12 LIMITS", "2026-12-07"):
                assert told.replace(" ", "") in re.sub(r"\s", "", words), told
            for number in range(text.count_chars()):
                left, bottom, right, top = text.get_charbox(number)
                assert left >= 0
                assert bottom >= 0
                assert right <= width
                assert top <= height - 10


@pytest.mark.parametrize(("name", "day"), [("a" * 65, None), ("a\x07b", None), ("A", "7.12.2026"), ("A", "2026-02-30")])
def test_what_is_no_name_and_no_date_is_refused(name: str, day: str | None) -> None:
    with pytest.raises(InputError):
        parse_theatre(name, day)


def test_instruments_in_the_order_of_use() -> None:
    plan = full_plan()
    plan["spec"]["instrument"] = TREPHINE
    plan["tunnels"][0]["diameter_mm"] = 8.0
    scene = phantom_scene(**plan)
    length = scene.tunnels[0].length_mm
    (told,) = instruments(scene)
    assert told.steps == [
        ("Guide pin ⌀ 2.8 mm, 2 mm beyond the tip", f"{length + 2.0:.1f}\u00a0mm"),
        ("hollow trephine of 8 mm over a 2.8 mm pin ⌀ 8 mm", f"{length:.1f}\u00a0mm"),
        ("Depth stop", f"{length:.1f}\u00a0mm"),
    ]
    assert [what for what, _ in instruments(five_scenes()["cavity"])[0].steps] == [
        "Drill ⌀ 9 mm", "Expand to ⌀ 18 mm over the last 14 mm", "Stop (mark or measure)",
    ]  # fmt: skip


def fan(**changes: Any) -> Scene:
    return five_scenes()["fan"] if not changes else replace_plan(five_scenes()["fan"], **changes)


def replace_plan(scene: Scene, **changes: Any) -> Scene:
    from msgspec.structs import replace as changed

    return replace(scene, plan=changed(scene.plan, **changes))


def test_every_tunnel_and_every_focus_has_sections_of_its_own() -> None:
    plan = full_plan("left", tunnels=3)
    foci = [
        {"volume_ml": 0.6, "centroid": (HEAD + LESION_OFFSET).tolist()},
        {"volume_ml": 0.3, "centroid": HEAD.tolist()},
    ]
    plan["necrosis"]["components"] = foci
    scene = phantom_scene("left", **plan)
    tissue = phantom_tissue("left")
    shown = slices(scene, tissue)
    assert shown is not None
    made = strips(scene, tissue, shown.number)
    assert [(one.kind, one.number) for one in made] == [
        *(("tunnel", number) for number in (1, 2, 3) if number != shown.number), ("focus", 1), ("focus", 2),
    ]  # fmt: skip
    data = report_data(scene, Views([], shown, "", strips=tuple(made)))
    page = report_html(data)
    printed = pages(report_pdf(data))
    for one in made:
        assert f"{one.kind.capitalize()} {one.number}" in page
        assert any(f"{one.kind.capitalize()} {one.number}" in part for part in printed)
    assert [one.color for one in data.strips] == [
        *(captions.color_of(scene, n - 1) for n in (1, 2, 3) if n != shown.number), None, None,
    ]  # fmt: skip


def test_several_tunnels_differ_in_colour_and_only_the_broken_one_is_red() -> None:
    scene = fan()
    for color in (captions.color_of, captions.color_on_dark):
        assert len({color(scene, number) for number in range(5)}) == 5
    from corecore.document.plan import ViolationPart

    broken = fan(violations=[ViolationPart(key="joint_margin_mm", limit=5.0, value=4.0, tunnel=3)])
    assert captions.broken_tunnels(broken) == {2}
    nameless = fan(violations=[ViolationPart(key="bridge_min_mm", limit=3.0, value=2.0)])
    assert captions.broken_tunnels(nameless) == {0, 1, 2, 3, 4}
    reds = {captions.color_of(nameless, 0), captions.color_on_dark(nameless, 0)}
    assert not reds & {captions.color_of(scene, n) for n in range(16)}


def test_in_strips_no_label_covers_another() -> None:
    scene = full_scene("left", tunnels=3)
    for one in strips(scene, phantom_tissue("left"), 1):
        boxes = [box for _, box in one.drawing.labels]
        assert not any(overlap(a, b) for n, a in enumerate(boxes) for b in boxes[n + 1 :])
