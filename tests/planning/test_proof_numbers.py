"""The proof's numbered inequalities: each one on the page is named in the code that rests on it, and no other is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("letter", "page", "rooms"),
    [
        ("P", "docs/design/search.md", ["corecore/planning/proof"]),
        ("S", "docs/design/sets.md", ["corecore/planning/sets"]),
    ],
)
def test_the_numbers_of_page_and_code_are_the_same(letter: str, page: str, rooms: list[str]) -> None:
    stated = re.findall(rf"^- \*\*\(({letter}\d+)\) ", (ROOT / page).read_text(), re.M)
    assert len(stated) == len(set(stated))
    assert set(stated) == {f"{letter}{number}" for number in range(1, len(stated) + 1)}
    sources = [path.read_text() for room in rooms for path in (ROOT / room).glob("*.py")]
    # Only what a comment or docstring names in brackets, alone or in a list.
    named = {
        number
        for text in sources
        for group in re.findall(r"\(([PS]\d+(?:[,:] [^()]*)?)\)", text)
        for number in re.findall(rf"\b{letter}\d+\b", group)
    }
    assert named == set(stated)
