"""How text of a plan is shown: one printable line."""

from __future__ import annotations

from msgspec import UnsetType

from corecore.base.errors import CorecoreError
from corecore.base.language import ENGLISH, as_recorded, language, later, say
from corecore.base.messages import catalogue
from corecore.document.fields import known

#: Written where a plan does not tell a figure.
UNKNOWN = "–"
#: Guidance methods in words; one of your own is called as it is.
GUIDANCE = {
    "fluoroscopy": later("fluoroscopy"),
    "guide": later("drill guide"),
    "guide_best": later("drill guide, best reported"),
    "navigated": later("navigation"),
    "robot": later("robot"),
}


def one_line(text: str, limit: int) -> str:
    """One line of printable characters, at most ``limit`` of them."""
    line = "".join(c if c.isprintable() else " " for c in text)
    return line if len(line) <= limit else line[: limit - 1] + "…"


def text_of(value: str | int | UnsetType | None) -> str:
    """A word or number of a plan as text; an en dash where there is none."""
    return UNKNOWN if value is None or isinstance(value, UnsetType) else one_line(str(value), 40)


def quantity(value: float | UnsetType | None, form: str = "{:.1f}", factor: float = 1.0) -> str:
    """A figure of the plan as text; an en dash where there is none."""
    figure = known(value)
    return UNKNOWN if figure is None else form.format(figure * factor)


def percent(value: float | UnsetType | None) -> str:
    """A fraction as per cent."""
    return quantity(value, "{:.1f} %", 100.0)


def sentence(text: str) -> str:
    """With a capital, unless it begins with the name of a parameter, and a full stop."""
    start = text if "_" in text.partition(" ")[0] else text[:1].upper() + text[1:]
    return start + ("" if text.endswith((".", "!", "?")) else ".")


def guidance_text(name: str) -> str:
    """A guidance method in words."""
    return say(GUIDANCE[name]) if name in GUIDANCE else one_line(name, 40)


def chance(value: float | None, poses: int | None) -> str:
    """A probability by so many drillings: none in those is not never."""
    if value is None:
        return UNKNOWN
    if poses and value < 0.5 / poses:
        return say("under {share}", share=f"{300.0 / poses:.2f} %")
    return f"{100 * value:.2f} %" if value < 0.1 else f"{100 * value:.0f} %"


def error_text(error: CorecoreError) -> str:
    """A refusal; in another language than English what its code means, and its own words."""
    return warning_text(error.code, str(error))


def warning_meaning(code: str, text: str | None) -> str:
    """What a warning of a plan says: in English its own words, else what its code means; of other codes its words."""
    own = text or code
    if language() == ENGLISH:
        return own
    message = catalogue().get(code)
    return as_recorded(own) if message is None else say(message.cause).rstrip(".")


def warning_text(code: str, text: str | None) -> str:
    """A warning in full: in another language than English what its code means, and the record's own words."""
    own = text or code
    if language() == ENGLISH:
        return own
    if code not in catalogue():
        return as_recorded(own)
    return f"{warning_meaning(code, own)} ({as_recorded(own)})"
