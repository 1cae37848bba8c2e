"""The curve on page one: its points, the plan marked, words for a reader; nothing where a plan has none."""

from __future__ import annotations

import re
from typing import Any

import pytest
from support.report_plan import SPEC, full_scene

from corecore.report.report import Views, report_data, report_html, report_pdf
from corecore.report.report_content import report_content
from corecore.report.tradeoff_curve import WIDTH, shown_curve

NO_VIEWS = Views([], None, "", "not drawn")
GUIDED = {**SPEC, "guidance": "navigated", "objective": "safest", "near_best_share": 0.95}


def curve(*figures: tuple[float, float], chosen: int) -> list[dict[str, Any]]:
    return [
        {"removed_fraction": share, "perforation_probability": risk, "entry": [60.0, 0.0, 0.0], "tip": [0.0, 0.0, 10.0],
         "chosen": index == chosen}
        for index, (share, risk) in enumerate(figures)
    ]  # fmt: skip


POINTS = ((0.10, 0.0), (0.20, 0.001), (0.30, 0.01), (0.33, 0.02), (0.345, 0.12))


def test_the_plan_and_the_most_are_named_with_both_figures() -> None:
    scene = full_scene(spec=GUIDED, tradeoff=curve(*POINTS, chosen=3))
    shown = shown_curve(scene.plan)
    assert shown is not None
    assert "this plan: 33.0 %, perforates 2.00 %" in shown.svg
    assert "most: 34.5 %, perforates 12 %" in shown.svg
    assert "navigation" in shown.caption
    assert "at least 95 % of the most" in shown.caption
    # A dot a point, the plan's larger.
    radii = [float(one) for one in re.findall(r'<circle [^>]*r="([\d.]+)"', shown.svg)]
    assert len(radii) == len(POINTS)
    assert sorted(radii)[-1] > 1.5 * sorted(radii)[-2]
    # More removed stands farther right, more perforations farther up.
    places = [tuple(map(float, one)) for one in re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)" r="3', shown.svg)]
    assert places == sorted(places, key=lambda place: (place[0], -place[1]))
    assert all(0.0 < x < WIDTH for x, _ in places)


@pytest.mark.parametrize("points", [((0.2, 0.0),), ((0.2, 0.0), (0.2001, 0.0)), ((0.0, 0.0), (1.0, 1.0))])
def test_any_curve_is_drawn(points: tuple[tuple[float, float], ...]) -> None:
    shown = shown_curve(full_scene(spec=GUIDED, tradeoff=curve(*points, chosen=0)).plan)
    assert shown is not None
    assert "this plan" in shown.svg
    assert "nan" not in shown.svg


@pytest.mark.parametrize("tunnels", [1, 3])
def test_page_one_names_guidance_share_of_the_most_and_perforation(tunnels: int) -> None:
    totals = full_scene(tunnels=tunnels).plan.totals
    scene = full_scene(tunnels=tunnels, spec={**GUIDED, "tunnels": tunnels}, tradeoff=curve(*POINTS, chosen=3))
    told = report_content(scene).status.lines
    assert "Guidance: navigation. It perforates cortex or joint in 2.00 % of simulated drillings" in told[1]
    assert "at least 95 % of that" in told[2]
    assert totals.removed_fraction == 0.345
    data = report_data(scene, NO_VIEWS)
    page = report_html(data)
    assert "Necrosis removed against the probability of perforation" in page
    assert page.index("this plan: ") < page.index("<h2>Necrosis</h2>")
    assert report_pdf(data).startswith(b"%PDF")


def test_a_plan_without_guidance_or_curve_says_nothing_of_either() -> None:
    scene = full_scene()
    assert shown_curve(scene.plan) is None
    assert not any("Guidance" in line for line in report_content(scene).status.lines)
    assert "probability of perforation" not in report_html(report_data(scene, NO_VIEWS))
