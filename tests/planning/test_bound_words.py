"""What is said of a proven bound: nothing, where it excludes nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from corecore.app.cli.tables import _bound
from corecore.document.spec import SpecPart
from corecore.document.totals import says_something
from corecore.planning.document import document
from corecore.planning.planner import Plan
from corecore.planning.proof.branch_and_bound import Proof
from corecore.report.report_content import _bound as report_bound


@pytest.mark.parametrize(("bound", "claims"), [(0.25, True), (0.9994, True), (0.9996, False), (1.0, False)])
def test_a_bound_of_all_is_no_claim(sample_plan: Plan, bound: float, claims: bool) -> None:
    content = document(replace(sample_plan, proof=Proof(bound, "time", 256)))
    assert content.totals.upper_bound_fraction == bound
    spec = content.spec
    assert isinstance(spec, SpecPart)
    text = _bound(content.totals, 1, spec)
    reported = report_bound(content.totals, 1)
    assert ("(proven)" in reported) == claims
    assert ("not proven" in reported) == (not claims)
    assert ("no tunnel removes more" in text) == claims
    assert ("(proven)" in text) == claims
    assert ("not proven" in text) == (not claims)
    assert says_something(bound) == claims
    shown = replace(sample_plan, proof=Proof(bound, "time", 256))._repr_html_()
    assert ("no plan removes more than" in shown) == claims


def test_no_bound_is_no_claim() -> None:
    assert not says_something(None)
