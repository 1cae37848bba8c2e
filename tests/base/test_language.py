"""Catalogues of texts: complete, fresh, with every figure in its place; two languages in one process keep apart."""

from __future__ import annotations

import ast
import runpy
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import corecore
from corecore.base import language
from corecore.base.errors import InputError
from corecore.base.language import as_recorded, carried, chosen, languages, later, say, say_plural, spoken
from corecore.base.notice import NOTICE_CAPTION, notice_caption

ROOT = Path(__file__).resolve().parents[2]
LIST: Any = SimpleNamespace(**runpy.run_path(str(ROOT / "docs" / "list_texts.py")))


def forms(string: str | tuple[str, ...]) -> tuple[str, ...]:
    return (string,) if isinstance(string, str) else tuple(string)


def messages(code: str) -> list[Any]:
    return [message for message in LIST.read(LIST.LANGUAGES / f"{code}.po") if message.id]


def test_catalogues_are_what_the_code_says() -> None:
    """Every text of the code is in each catalogue, no other is, and what the program reads is made of it."""
    stale = [path.name for path, content in LIST.wanted([]).items() if path.read_bytes() != content]
    assert not stale, "python docs/list_texts.py"


@pytest.mark.parametrize("code", [code for code in languages() if code != language.ENGLISH])
def test_every_text_is_translated_with_its_figures(code: str) -> None:
    assert len(messages(code)) == len(LIST.texts())
    for message in messages(code):
        english = forms(message.id)
        assert not message.fuzzy, message.id
        for text in forms(message.string):
            assert text.strip(), f"{code}: {message.id!r} is not translated"
            assert LIST.placeholders(text) in [LIST.placeholders(given) for given in english], message.id
            # A text that is joined to another begins and ends as its translation does.
            assert text[:1].isspace() == english[0][:1].isspace(), message.id
            assert text[-1:].isspace() == english[0][-1:].isspace(), message.id


@pytest.mark.parametrize("code", [code for code in languages() if code != language.ENGLISH])
def test_figures_written_out_in_a_text_stay(code: str) -> None:
    """A wrong number is worse than none: limits, shares and sources are those of the English text."""
    for message in messages(code):
        english, told = LIST.numbers(forms(message.id)[0]), LIST.numbers(forms(message.string)[0])
        assert told == english, message.id


def test_a_language_holds_for_its_block_and_its_threads() -> None:
    def both() -> tuple[str, str]:
        return say("bone"), say_plural("EXCEEDS {count} LIMIT", "EXCEEDS {count} LIMITS", 2)

    english, german = ("bone", "EXCEEDS 2 LIMITS"), ("Knochen", "ÜBERSCHREITET 2 GRENZWERTE")
    with ThreadPoolExecutor(4) as pool:
        with spoken("de"):
            assert both() == german
            asked = [pool.submit(carried(both)) for _ in range(20)]
            # Not carried, a thread speaks its own.
            other = pool.submit(both)
        also = [pool.submit(both) for _ in range(20)]
    assert [one.result() for one in asked] == [german] * 20
    assert [one.result() for one in also] == [english] * 20
    assert other.result() == english
    assert both() == english


def test_a_language_without_a_catalogue_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert languages()[0] == "en"
    assert "de" in languages()
    monkeypatch.delenv(language.VARIABLE, raising=False)
    assert chosen(None) == "en"
    monkeypatch.setenv(language.VARIABLE, "de")
    assert chosen(None) == "de"
    assert chosen("en") == "en"
    with pytest.raises(InputError, match="accepted: en, de"):
        chosen("xx")


def test_a_text_that_a_catalogue_lacks_or_spoils_is_english(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = LIST.Plain(locale="tr")
    made.add("tunnel", "tünel")
    made.add("at least {limit}", "en az {sinir}")
    (tmp_path / "tr.mo").write_bytes(LIST.as_mo(made))
    monkeypatch.setenv(language.FOLDER_VARIABLE, str(tmp_path))
    with spoken("tr"):
        assert say("tunnel") == "tünel"
        assert say("bone") == "bone"
        assert say("at least {limit}", limit=3) == "at least 3"
    with spoken("nowhere"):
        assert say("tunnel") == "tunnel"


def test_pages_say_that_nobody_has_reviewed_their_language() -> None:
    assert notice_caption() == NOTICE_CAPTION
    with spoken("de"):
        assert "Maschinelle Übersetzung, nicht geprüft (machine translation, not reviewed)" in notice_caption()


def test_what_is_recorded_stays_english() -> None:
    assert later("bone") == "bone"
    assert as_recorded("as it was") == "as it was"
    with spoken("de"):
        assert later("bone") == "bone"
        assert as_recorded("as it was") == "„as it was“"


def test_no_text_is_kept_in_the_language_that_asked_first() -> None:
    spoken = {"say", "say_plural", "as_recorded", "say_recorded", "translation_note"}
    kept = [
        f"{path.name} {one.name}"
        for path in Path(corecore.__file__).parent.rglob("*.py")
        for one in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(one, ast.FunctionDef) and any("cache" in ast.unparse(mark) for mark in one.decorator_list)
        for call in ast.walk(one)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in spoken
    ]
    assert not kept
