"""What the page is told: a drag changes nothing, slices say where they lie, tables add up, a snap keeps every limit."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from support.review_case import ENTRY, TIP

from corecore.base.errors import InputError
from corecore.base.language import spoken
from corecore.document.headline import shown_headline, stated_headline
from corecore.planning.alternatives import breach_probability
from corecore.planning.search.single import spare_clearance_mm
from corecore.report.slices import DRAFT_PIXEL_MM, PIXEL_MM, slices
from corecore.review import model as desk_module
from corecore.review import record
from corecore.review.comparison import compared, ranked, row
from corecore.review.controller import ReviewController, typed_side
from corecore.review.model import ReviewModel
from corecore.review.optimise import best_move
from corecore.review.outcome import FOLDERS_MAX, free_folder
from corecore.review.payload import about, cuts, figures, space
from corecore.review.protocol import Asked, MoveStep, Preview
from corecore.review.session import Add, Line, Move, Note, Nudge, Resize, Session, SignOff, apply
from corecore.tunnels.figures import assess


def moved(desk: ReviewModel, **steps: float) -> Session:
    """The plan's tunnel with its tip elsewhere."""
    return apply(desk.session(), Nudge(0, "tip", **steps), rev=0)


def test_a_drag_shows_what_the_step_will_and_changes_nothing(table: ReviewController) -> None:
    before = table.session
    tip = [TIP[0] + 1.0, TIP[1], TIP[2] + 3.0]
    seen = table._preview(Preview(tunnel=0, entry=list(ENTRY), tip=tip, rev=0, seq=7))
    assert table.session is before
    assert not (table.folder / record.NAME).exists()
    assert (seen.rev, seen.seq, seen.preview) == (0, 7, True)
    done = table._do(MoveStep(tunnel=0, entry=list(ENTRY), tip=tip, rev=0))
    same = ("lines", "tunnels", "status", "limits", "violations", "transcription", "colors")
    assert [getattr(seen, key) for key in same] == [getattr(done, key) for key in same]
    assert seen.limits != table._figures(before, Asked()).limits
    with pytest.raises(InputError, match="made for step 0"):
        table._preview(Preview(tunnel=0, entry=list(ENTRY), tip=tip, rev=0))


def test_what_was_measured_lately_is_not_measured_again_and_is_the_same(
    desk: ReviewModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk_module, "KNOWN_MAX", 4)
    lines = moved(desk, up_mm=1.0).lines
    first = desk.measured(lines)[0]
    assert desk.measured(lines)[0] is first
    assert assess(desk.hip, first.tunnel, desk.spec) == first.figures
    for step in range(5):
        desk.measured(moved(desk, inward_mm=-0.05 * (step + 1)).lines)
    assert len(desk._known) == 4
    assert desk.measured(lines)[0] is not first, "what was not seen for long is forgotten"


def test_tunnels_together_remove_what_either_does(desk: ReviewModel) -> None:
    one, other = desk.session().lines[0], moved(desk, front_mm=4.0).lines[0]
    points = desk.hip.lesion.points_mm
    inside = [tunnel.contains(points) for tunnel, _ in desk.drilled([one, other])]
    assert desk.removed_fraction([one, other]) == float(np.mean(inside[0] | inside[1]))
    assert desk.removed_fraction([one]) == float(np.mean(inside[0]))


def test_an_untouched_plan_keeps_its_word_and_a_moved_one_is_set_by_hand(desk: ReviewModel) -> None:
    told = figures(desk, desk.session())
    assert told.status.word == "PLANNED"
    assert "no tunnel removes more than 34.8 %" in told.status.lines[2]
    told = figures(desk, moved(desk, inward_mm=-3.0))
    assert told.status.word == "SURGEON-MODIFIED"
    assert not any("proven" in line for line in told.status.lines)
    names = [limit.what for limit in told.limits]
    assert "Inferior hole margin above lesser trochanter" in names
    assert "Neck cross-section loss" in names


def test_the_neck_s_share_is_a_limit_where_it_is_asked_for_and_a_hundredth_too_much_is_no_rounding(
    desk: ReviewModel,
) -> None:
    lines = desk.session().lines
    drilled = desk.drilled(lines)
    share = drilled[0][1].neck_area_share
    for limit, broken in ((share - 0.01, True), (share - 1e-6, False), (share + 0.01, False)):
        asked = replace(desk, spec=replace(desk.spec, neck_area_share_max=limit))
        keys = [item.key for item in asked.broken(drilled)]
        assert ("neck_area_share_max" in keys) is broken
        spec = msgspec.structs.replace(desk.scene.plan.spec, neck_area_share_max=limit)
        scene = replace(desk.scene, plan=msgspec.structs.replace(desk.scene.plan, spec=spec))
        shown = figures(replace(asked, scene=scene), desk.session())
        (told,) = (row for row in shown.limits if row.what == "Neck cross-section loss")
        assert told.limit == f"at most {100 * limit:.3g} %"
        assert (told.verdict == "EXCEEDS LIMIT") is broken


def test_the_tunnels_lie_on_the_bone_where_the_planner_has_them(desk: ReviewModel) -> None:
    outside = np.subtract(ENTRY, TIP) * 1.2 + TIP
    session = apply(desk.session(), Move(0, tuple(outside), TIP), rev=0)
    (bore,) = figures(desk, session).tunnels
    ((tunnel, _),) = desk.drilled(session.lines)
    assert bore.entry == pytest.approx(desk.hip.to_world(tunnel.entry), abs=1e-6)
    assert abs(float(desk.hip.bone.distance(desk.hip.to_local(np.array(bore.entry))[None])[0])) < 1e-3
    assert np.linalg.norm(np.subtract(bore.entry, outside)) > 5.0


def test_a_slice_says_where_its_ends_are_drawn(desk: ReviewModel) -> None:
    drawn = cuts(desk, moved(desk, up_mm=0.5))
    assert [one.place is None for one in drawn] == [False, False, True]
    (bore,) = figures(desk, moved(desk, up_mm=0.5)).tunnels
    for one in drawn[:2]:
        place = one.place
        assert place is not None
        across, above = np.array(place.right), np.array(place.up)
        assert abs(across @ above) < 1e-6
        # From the entry's place on the drawing the tip's, by the way a pixel lies in the patient.
        way = np.subtract(bore.tip, bore.entry)
        expected = np.array(place.entry) + place.units_per_mm * np.array([way @ across, -way @ above])
        assert expected == pytest.approx(place.tip, abs=0.05)
        assert np.hypot(way @ across, way @ above) == pytest.approx(np.linalg.norm(way), abs=1e-3), "the axis is in it"


def test_a_draft_shows_the_same_in_coarser_pixels(desk: ReviewModel) -> None:
    session = moved(desk, up_mm=0.5)
    full, draft = cuts(desk, session), cuts(desk, session, draft=True)
    assert [one.place for one in full] == [one.place for one in draft]
    boxes = [[re.search(r'viewBox="[^"]*"', one.svg) for one in drawn] for drawn in (full, draft)]
    assert [box and box[0] for box in boxes[0]] == [box and box[0] for box in boxes[1]]
    scene = desk.shown(session.lines)
    fine, coarse = (slices(scene, desk.tissue, 0, pixel_mm=mm) for mm in (PIXEL_MM, DRAFT_PIXEL_MM))
    assert fine is not None
    assert coarse is not None
    for a, b in zip(fine.planes, coarse.planes, strict=True):
        # Blocks of four fine pixels cover a coarse one, but for the half pixel at the far edges.
        depth, rough = a.cut(desk.tissue.depth, 0.0), b.cut(desk.tissue.depth, 0.0)
        rows, columns = (min(n // 2, m) for n, m in zip(depth.shape, rough.shape, strict=True))
        mean = depth[: 2 * rows, : 2 * columns].reshape(rows, 2, columns, 2).mean(axis=(1, 3))
        inside = np.abs(mean) < 8.0
        assert np.median(np.abs(mean - rough[:rows, :columns])[inside]) < 0.3


def test_the_ranked_table_is_of_the_planners_figures(desk: ReviewModel) -> None:
    rows = ranked(desk)
    assert [(one.which, one.name) for one in rows] == [(0, "the plan"), (1, "other 1")]
    for one in rows:
        ((tunnel, measured),) = desk.drilled(desk.sets[one.which][1])
        assert one.removes == f"{100 * measured.removed_fraction:.1f} %"
        assert one.room == f"{spare_clearance_mm(measured, desk.spec):.1f} mm"
        assert one.risk == f"{100 * breach_probability(desk.hip, tunnel, desk.spec, desk.guidance):.1f} %"
        assert one.keeps
    broken = row(desk, "x", moved(desk, inward_mm=3.0).lines)
    assert not broken.keeps
    assert broken.held.startswith("exceeds: joint")
    assert rows[0].held == "cortex, postero-superior neck and 1 more"
    assert rows[1].held == "nearest: joint"


def test_columns_of_a_comparison_add_up(desk: ReviewModel) -> None:
    here, there = moved(desk, inward_mm=2.0, up_mm=1.0).lines, desk.sets[1][1]
    rows = compared(desk, here, there)
    told = {cells[0]: cells for cells in rows[1:]}
    for cells in rows:
        numbers = [re.match(r"[-+]?\d+(\.\d+)?", words) for words in cells[1:]]
        if all(numbers):
            a, b, less = (float(found[0]) for found in numbers if found)
            assert a - b == pytest.approx(less, abs=1e-9), cells
    pairs = [desk.drilled(lines)[0][1] for lines in (here, there)]
    assert told["Tip and wall to the joint"][1:3] == [f"{f.joint_clearance_mm:.1f} mm" for f in pairs]
    assert told["Drill–cortex angle"][1:3] == [f"{f.incidence_deg:.0f}°" for f in pairs]
    same = compared(desk, here, here)
    assert all(re.fullmatch(r"[+-]?0(\.0+)?( %| ml| mm|°)?|0\.0 mm, 0\.0 mm", cells[3]) for cells in same)
    content = figures(desk, moved(desk, inward_mm=2.0, up_mm=1.0), against=1)
    assert content.against is not None
    assert content.against.rows == rows
    assert content.against.tunnels[0].diameter_mm == 8.0


@pytest.mark.slow
def test_a_snap_goes_to_a_tunnel_that_keeps_every_limit(desk: ReviewModel) -> None:
    session = moved(desk, inward_mm=3.0, up_mm=2.0)
    assert desk.broken(desk.drilled(session.lines))
    move = best_move(desk, session, 0)
    after = apply(session, move, rev=1)
    assert desk.broken(desk.drilled(after.lines)) == []
    assert desk.removed_fraction(after.lines) > 0.1
    with pytest.raises(InputError, match="already the best"):
        best_move(desk, after, 0)
    with pytest.raises(InputError, match="0 to 0 is accepted"):
        best_move(desk, after, 1)


@pytest.mark.slow
def test_a_snap_keeps_clear_of_the_other_tunnels(desk: ReviewModel) -> None:
    session = apply(desk.session(), Resize(0, 3.2), rev=0)
    first = session.lines[0]
    beside = Line(tuple(np.add(first.entry, [0.0, 0.0, 1.5])), tuple(np.add(first.tip, [0.0, 0.0, 1.5])), 3.2)
    session = apply(session, Add(beside), rev=1)
    assert {item.key for item in desk.broken(desk.drilled(session.lines))} & {"bridge_min_mm", "overlap"}
    after = apply(session, best_move(desk, session, 1), rev=2)
    assert desk.broken(desk.drilled(after.lines)) == []
    assert after.lines[0] == session.lines[0]


@pytest.mark.slow
def test_where_no_tunnel_keeps_the_limits_a_snap_says_so(desk: ReviewModel) -> None:
    strict = replace(desk, spec=replace(desk.spec, joint_margin_mm=24.0), _known={})
    with pytest.raises(InputError, match="no tunnel within 10 mm of this one is within every limit"):
        best_move(strict, desk.session(), 0)


def test_notes_are_kept_as_written_and_end_a_signature(desk: ReviewModel) -> None:
    session = apply(desk.session(), SignOff("A", "right", "2026-11-22", broken=False), rev=0)
    noted = apply(session, Note("  <b>first</b>\r\n\tthen\x00 this \n\n"), rev=1)
    assert noted.notes == "<b>first</b>\n then  this"
    assert noted.signed is None
    assert noted.lines == session.lines
    with pytest.raises(InputError, match="up to 2000"):
        apply(session, Note("x" * 2001), rev=1)


def test_the_scene_to_turn_holds_no_tunnel_and_looks_where_they_are(desk: ReviewModel) -> None:
    data = space(desk)
    assert {body.part for body in data.bodies} == {"bone", "lesion"}
    assert not data.markers
    assert not data.labels
    assert [view.key for view in data.views] == ["front", "side", "top", "along"]
    assert np.allclose(data.origin, desk.scene.head_center)
    assert about(desk).sets == ["the plan", "other 1"]


def test_a_reviewed_plan_replaces_none(tmp_path: Path) -> None:
    assert free_folder(tmp_path).name == "reviewed"
    (tmp_path / "reviewed").mkdir()
    assert free_folder(tmp_path).name == "reviewed-2"
    for count in range(2, FOLDERS_MAX + 1):
        (tmp_path / f"reviewed-{count}").mkdir()
    with pytest.raises(InputError, match="99 reviewed plans"):
        free_folder(tmp_path)


def test_the_record_is_english_whatever_the_page_speaks(desk: ReviewModel) -> None:
    """Of tunnels that were moved the page says the headline in its language; what is saved states it in English."""
    line = desk.own[0]
    other = replace(line, diameter_mm=line.diameter_mm - 1.0)
    english = desk.shown((other,)).plan
    with spoken("de"):
        plan = desk.shown((other,)).plan
        told = shown_headline(plan)
    assert plan.headline == english.headline
    assert told.sentence != stated_headline(plan).sentence
    assert [row.color for row in told.rows] == [row.color for row in stated_headline(plan).rows]


@pytest.mark.parametrize(
    ("code", "typed", "side"),
    [
        ("en", "right", "right"),
        ("de", "Rechts", "right"),
        ("de", " links ", "left"),
        ("de", "left", "left"),
        ("en", "rechts", "rechts"),
    ],
)
def test_a_side_is_typed_in_the_page_s_words(code: str, typed: str, side: str) -> None:
    with spoken(code):
        assert typed_side(typed) == side
