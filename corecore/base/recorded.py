"""Sentences of a record in the language spoken, with the figures they were written with.

A record is written in English. ``languages/records.json`` holds the English text of each code of published evidence,
and those of reasons, which have no code; ``docs/list_texts.py`` makes it from the code that writes them. The figures
stand in a sentence at its text's places. A sentence that is not such a text, of an earlier version or by another hand,
is given as it was written, in quotation marks.
"""

from __future__ import annotations

import json
import re
import string
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from corecore.base.language import ENGLISH, as_recorded, language, later, say
from corecore.base.limits import LIMITS

#: How figures are written that have words in them.
PHRASES = (
    later("{events} of {n} ({share} %, 95 % interval {low} to {high} %)"),
    later("{ratio} times (95 % interval {low} to {high})"),
    later("{share} % (95 % interval no narrower than {low} to {high} %)"),
    later("{value} ({low} to {high})"),
)
#: Added where a class of the hip is a range, and what the classes are called there.
MAY_BE = later("{text} ({name} may be {worst} to {best})")
CLASSES = (later("JIC type"), later("modified Kerboul grade"))
PLANES = (later("coronal"), later("sagittal"))
#: A number as it is written; anything; and what stands in brackets, which may hold a range in brackets of its own.
NUMBER, ANYTHING, BRACKETED = r"-?\d+(?:\.\d+)?", r".+?", r"[^()]+(?: \([^()]*\))?"


class Texts(NamedTuple):
    """Texts of published evidence by their code: claim, patients, source; and of reasons, the wordiest first."""

    claims: dict[str, list[str]]
    sentences: list[str]


def say_recorded(code: str, sentence: str) -> str:
    """A recorded sentence in the language spoken.

    Parameters
    ----------
    code : str
        Its stable code; empty where the record gives it none, as of reasons.
    sentence : str
        The sentence as it was recorded.

    Returns
    -------
    str
        In English the sentence itself.
    """
    if language() == ENGLISH or not sentence:
        return sentence
    for text in _texts().claims.get(code, []) if code else _texts().sentences:
        told = _said(text, sentence)
        if told is not None:
            return told
        for name in CLASSES if code else ():
            ranged = _read(MAY_BE.replace("{name}", name), sentence)
            within = None if ranged is None else _said(text, str(ranged["text"]))
            if ranged is not None and within is not None:
                return say(MAY_BE, **{**ranged, "text": within, "name": say(name)})
    return as_recorded(sentence)


def _said(text: str, sentence: str) -> str | None:
    """A text with the figures of a sentence, in the language spoken; ``None`` where the sentence is another."""
    found = _read(text, sentence)
    return None if found is None else say(text, **{name: _figure(value) for name, value in found.items()})


def _figure(value: str | float) -> str | float:
    """What stands at a place of a text, in the language spoken."""
    if isinstance(value, float):
        return value
    if value in PLANES or value in _names_of_limits():
        return say(value)
    parts = value.split("; ")
    if len(parts) > 1:
        return "; ".join(str(_figure(part)) for part in parts)
    for phrase in PHRASES:
        found = _read(phrase, value)
        if found is not None and all(re.fullmatch(r"[-\d.]+[ °%ml]*", str(figure)) for figure in found.values()):
            return say(phrase, **found)
    for text in _texts().sentences:
        told = _said(text, value)
        if told is not None:
            return told
    return _papers(value)


@cache
def _names_of_limits() -> frozenset[str]:
    return frozenset(limit.figure_name for limit in LIMITS.values())


def _papers(value: str) -> str:
    """Papers, each with the beginning of what it claims in brackets."""
    for claim, *_ in _texts().claims.values():
        own = say(claim).partition(":")[0]

        def replaced(found: re.Match[str], own: str = own) -> str:
            return f"({own.format(**{name: _figure(figure) for name, figure in found.groupdict().items()})})"

        value = re.sub(rf"\({_expression(claim.partition(':')[0], BRACKETED)}\)", replaced, value)
    return value


def _read(text: str, sentence: str) -> dict[str, str | float] | None:
    """The figures of a sentence by their names; numbers where the text gives them a format."""
    found = re.fullmatch(_expression(text, ANYTHING), sentence)
    if found is None:
        return None
    numbers = {name for _, name, form, _ in string.Formatter().parse(text) if form}
    return {name: float(value) if name in numbers else value for name, value in found.groupdict().items()}


@cache
def _expression(text: str, place: str) -> str:
    return "".join(
        re.escape(words) + ("" if name is None else f"(?P<{name}>{NUMBER if form else place})")
        for words, name, form, _ in string.Formatter().parse(text)
    )


@cache
def _texts() -> Texts:
    told = json.loads((files("corecore.base") / "languages" / "records.json").read_text(encoding="utf-8"))
    return Texts(told["claims"], told["sentences"])
