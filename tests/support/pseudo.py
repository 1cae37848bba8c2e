"""A language for tests: every text in white brackets, so that what nobody can translate stands outside of them."""

from __future__ import annotations

import html
import re
import runpy
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from corecore.base.spec import Spec

LIST: Any = SimpleNamespace(**runpy.run_path(str(Path(__file__).resolve().parents[2] / "docs" / "list_texts.py")))
CODE = "qps"
#: Sides of the patient at the edges of a picture.
SIDES = re.compile("[RLAPSI]{1,2}")
#: Kept in every language: units, names of classes, of standards and of parameters.
KEPT = frozenset(
    {
        *("RAS", "AP", "mm", "ml", "cm", "HU", "MB", "JIC", "ARCO", "Ficat", "Steinberg", "Kerboul", "PMID", "doi"),
        *("CT", "MR", "DRR", "SHA", "corecore", "Slicer", *(field.name for field in fields(Spec))),
    }
)


def write_catalogue(folder: Path) -> None:
    """The language's catalogue, made from every text that there is."""
    made = LIST.Plain(locale="en")
    for text in LIST.texts():
        one = f"⟦{text.one}⟧"
        made.add(text.msgid, one if text.many is None else (one, f"⟦{text.many}⟧"))
    (folder / f"{CODE}.mo").write_bytes(LIST.as_mo(made))


def outside(text: str) -> str:
    """What of a text stands outside all brackets; a figure within brackets is within."""
    found, depth = [], 0
    for character in text:
        depth += character == "⟦"
        if depth == 0:
            found.append(character)
        depth -= character == "⟧"
    assert depth == 0, text
    return "".join(found)


def shown(page: str) -> list[str]:
    """What a page of HTML shows: texts between tags, titles, labels and placeholders."""
    page = re.sub(r"<(style|script)\b.*?</\1>", "", page, flags=re.S)
    attributes = re.findall(r'(?:aria-label|placeholder|title|alt)="([^"]*)"', page)
    # A drawing's words lie in several elements of one sentence only where they are one text.
    return [html.unescape(text) for text in [*re.split(r"<[^>]*>", page), *attributes] if text.strip()]


def words_outside(texts: list[str], *names: str) -> list[str]:
    """Words that no catalogue holds: not numbers, units, names of parameters or ``names``."""
    found = []
    for text in texts:
        left = outside(text)
        for name in names:
            left = left.replace(name, " ")
        # Names of parameters, files and fingerprints, and times.
        left = re.sub(r"\b\w*_\w+\b|\b[\w-]+\.(?:json|png|html|pdf)\b|\b[0-9a-f]{8,}\b|\d{4}-\d\d-\d\d\S*", " ", left)
        found += [
            f"{word!r} in {text!r}"
            for word in re.findall(r"[^\W\d_]{2,}", left)
            if word not in KEPT and not SIDES.fullmatch(word)
        ]
    return found
