"""Every DOI, PMID and PMC number in code, pages and data is on the list of what was looked up, and nothing else is."""

from __future__ import annotations

import datetime
import re
import tomllib
from pathlib import Path

import pytest

from corecore.measures.evidence import statements

ROOT = Path(__file__).resolve().parents[2]
LIST = ROOT / "docs" / "sources.toml"
#: Where people read citations; files made from others, and other people's, are left out.
PLACES = ("corecore", "docs", "notebooks", "web/src", "README.md", "tests")
KINDS = {".py", ".md", ".toml", ".j2", ".typ", ".ts", ".js", ".ipynb", ".html"}
LEFT_OUT = (
    "/generated/",
    "node_modules",
    "THIRD_PARTY",
    "documents.json",
    "test_sources.py",
    "sources.toml",
    "/_build/",
)
CITED = re.compile(r"(?:PMID:?\s?|PMC\s?)(\d{5,})|\b(10\.\d{4,9}/[^\s,;\"'`\]}>|\\]+)")
#: What tests make up: no such registrant publishes.
INVENTED = re.compile(r"10\.1/")


def cited(text: str) -> set[str]:
    """Numbers cited in a text; a bracket that closes what no bracket in it opened is the sentence's."""
    found = set()
    for number, doi in CITED.findall(text):
        name = number or doi.rstrip(".*:")
        while name.endswith(")") and name.count("(") < name.count(")"):
            name = name[:-1].rstrip(".*:")
        found.add(name)
    return {name for name in found if not INVENTED.match(name)}


def listed() -> dict[str, dict[str, str]]:
    return {one["id"]: one for one in tomllib.loads(LIST.read_text(encoding="utf-8"))["source"]}


def everywhere() -> dict[str, Path]:
    found: dict[str, Path] = {}
    for place in PLACES:
        start = ROOT / place
        for path in [start] if start.is_file() else sorted(start.rglob("*")):
            if path.suffix in KINDS and path.is_file() and not any(part in str(path) for part in LEFT_OUT):
                found |= dict.fromkeys(cited(path.read_text(encoding="utf-8", errors="replace")), path)
    return found


@pytest.mark.unit
def test_every_citation_is_on_the_list() -> None:
    missing = {name: path.relative_to(ROOT) for name, path in everywhere().items() if name not in listed()}
    assert missing == {}


@pytest.mark.unit
def test_the_list_says_what_was_seen_and_when() -> None:
    for one in listed().values():
        assert set(one) <= {"id", "what", "seen", "date", "note"}
        assert one["seen"] in ("abstract", "title", "notes", "code")
        assert datetime.date.fromisoformat(one["date"]) <= datetime.date(2100, 1, 1)
        assert one["what"]


@pytest.mark.unit
def test_nothing_on_the_list_is_cited_nowhere() -> None:
    text = "\n".join(statement.source for statement in statements())
    unused = [name for name in listed() if name not in everywhere() and name not in text]
    assert unused == []


@pytest.mark.unit
def test_every_statement_s_paper_is_on_the_list() -> None:
    for statement in statements():
        names = cited(statement.source) or {statement.source}
        assert statement.source.startswith("measured here") or names <= set(listed()), statement.code


@pytest.mark.unit
def test_a_citation_is_found_however_it_stands() -> None:
    assert cited("see doi:10.1016/S0031-3203(98)00091-0).") == {"10.1016/S0031-3203(98)00091-0"}
    assert cited("(2001, doi:10.1007/s007760200108): the") == {"10.1007/s007760200108"}
    assert cited("PMID 7822393, PMC4775021, PMID: 15577477") == {"7822393", "4775021", "15577477"}
    assert cited("volume 10.5/3 ml of doi:10.1/x") == set()
