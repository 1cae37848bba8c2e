"""The language of what a person reads: English stands in the code, every other language in one catalogue.

A catalogue is a gettext file, ``languages/CODE.po`` with its compiled twin ``CODE.mo``. A text that it lacks appears in
English. The language belongs to the running context (``contextvars``), so that two reports of two languages do not
meet; a thread or process that is started by hand is given it (``carried``). What a file keeps as a record is written in
English, whatever the language of its pictures.

Numbers have a decimal point and no separator of thousands in every language: one figure reads the same on every page,
and a comma never changes what is drilled.
"""

from __future__ import annotations

import contextlib
import contextvars
import gettext
import os
from collections.abc import Callable, Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import ParamSpec, TypeVar

from corecore.base.errors import InputError

P = ParamSpec("P")
R = TypeVar("R")

#: The language of the code and of every record.
ENGLISH = "en"
#: The language where no option names one.
VARIABLE = "CORECORE_LANGUAGE"
#: A folder of further catalogues, for whoever is translating.
FOLDER_VARIABLE = "CORECORE_LANGUAGE_FOLDER"
#: Translators of a catalogue that nobody has reviewed, as its header names them.
UNREVIEWED = ("", "machine translation")
#: Added to a page's notice while nobody has: in that language, and so.
NOT_REVIEWED = "machine translation, not reviewed"

_spoken: contextvars.ContextVar[str] = contextvars.ContextVar("corecore_language", default=ENGLISH)


def languages() -> list[str]:
    """Codes of the languages there is a catalogue of, English first."""
    return [ENGLISH, *sorted(code for code in _catalogues(os.environ.get(FOLDER_VARIABLE, "")) if code != ENGLISH)]


def language() -> str:
    """Code of the language that is spoken in this context."""
    return _spoken.get()


def chosen(code: str | None) -> str:
    """The language of an option; without one that of ``CORECORE_LANGUAGE``, else English.

    Raises
    ------
    InputError
        Where there is no catalogue of it.
    """
    asked = code or os.environ.get(VARIABLE) or ENGLISH
    if asked not in languages():
        raise InputError(f"language: {asked[:40]!r}; accepted: {', '.join(languages())}", code="option-value")
    return asked


@contextlib.contextmanager
def spoken(code: str) -> Iterator[None]:
    """Speak a language within a block; one without a catalogue is English."""
    before = _spoken.set(code)
    try:
        yield
    finally:
        _spoken.reset(before)


def carried(function: Callable[P, R]) -> Callable[P, R]:
    """A function that speaks the present language wherever it is called: for threads."""
    code = language()

    def speaking(*args: P.args, **options: P.kwargs) -> R:
        with spoken(code):
            return function(*args, **options)

    return speaking


def say(text: str, /, **figures: object) -> str:
    """A text in the language spoken, with its figures in place.

    Parameters
    ----------
    text : str
        The English text; a figure's place is ``{name}``, with a format where it is a number. Written out where it is
        said, or marked by ``later``: so is it found for the catalogues (``docs/list_texts.py``).
    **figures : object
        The figures by name.
    """
    return _filled(_catalogue().gettext(text), text, figures)


def say_plural(one: str, many: str, count: int, /, **figures: object) -> str:
    """A text by a number, which stands in it as ``{count}``: languages have one to six forms."""
    english = one if count == 1 else many
    return _filled(_catalogue().ngettext(one, many, count), english, {"count": count, **figures})


def later(text: str) -> str:
    """The text as it is: marks an entry of a table that is said where it is shown."""
    return text


def in_sentence(name: str) -> str:
    """A row's name within a sentence: English writes it small."""
    return name[:1].lower() + name[1:] if language() == ENGLISH else name


def as_recorded(text: str) -> str:
    """A text of the record, which is kept in English: in quotation marks among words of another language."""
    return text if language() == ENGLISH or not text else say("“{text}”", text=text)


def translation_note() -> str:
    """That nobody has reviewed the language spoken, in it and in English; empty where somebody has."""
    if language() == ENGLISH or _catalogue().info().get("last-translator", "").strip() not in UNREVIEWED:
        return ""
    return say("Machine translation, not reviewed") + f" ({NOT_REVIEWED})"


def _filled(text: str, english: str, figures: dict[str, object]) -> str:
    if not figures:
        return text
    try:
        return text.format(**figures)
    except (KeyError, IndexError, ValueError):
        # A slip of a translator; tests hold every catalogue in the house to the places of the English text.
        return english.format(**figures)


def _catalogue() -> gettext.NullTranslations:
    return _read(language(), os.environ.get(FOLDER_VARIABLE, ""))


@cache
def _read(code: str, folder: str) -> gettext.NullTranslations:
    found = _catalogues(folder).get(code)
    if found is None:
        return gettext.NullTranslations()
    with found.open("rb") as stream:
        return gettext.GNUTranslations(stream)


@cache
def _catalogues(folder: str) -> dict[str, Path]:
    own = Path(str(files("corecore.base") / "languages"))
    found = [*own.glob("*.mo"), *(Path(folder).glob("*.mo") if folder else [])]
    return {path.stem: path for path in found}
