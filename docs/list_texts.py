"""Write the catalogues of texts anew: what a person reads on report and pages, for the translators.

Run as ``python docs/list_texts.py``. It finds every text in the code (``say``, ``say_plural`` and ``later``, the names
of the limits, messages and published evidence), brings each ``corecore/base/languages/*.po`` up to date, keeping what
is translated, and compiles it to the ``.mo`` that the program reads. With ``--check`` it writes nothing and exits with
1 where a file is not what it would write. ``python docs/list_texts.py ja`` begins a catalogue of another language.
"""

from __future__ import annotations

import argparse
import ast
import io
import json
import re
import string
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
PACKAGE, WEB = ROOT / "corecore", ROOT / "web" / "src"
LANGUAGES = PACKAGE / "base" / "languages"
#: Texts of the review page's own script.
SCRIPT = PACKAGE / "review" / "static" / "texts.json"
#: Texts that a record holds, by which its sentences are said in other languages; and who writes them.
RECORDS = LANGUAGES / "records.json"
RECORDING = ("corecore/hip/", "corecore/measures/", "corecore/planning/")
#: A text said in a template or a script.
SAID = re.compile(r'\b(?:say|later)\(\s*"((?:[^"\\]|\\.)+)"')
#: Of a limit, what pages show.
OF_LIMITS = ("short", "figure_name")
HEADER = """\
# {name}: texts of corecore's report and pages.
# How to translate: docs/translating.md. Places in braces stay as they are; so do numbers and their decimal point.
"""


#: Who has translated what nobody has reviewed; whoever reviews a catalogue puts their own name there.
MACHINE = "machine translation"
CHANGING = ("POT-Creation-Date", "PO-Revision-Date", "Generated-By")


class Text(NamedTuple):
    """A text, its form for several where it has one, and the file it stands in."""

    one: str
    many: str | None
    place: str

    @property
    def msgid(self) -> str | tuple[str, str]:
        """As a catalogue calls it."""
        return self.one if self.many is None else (self.one, self.many)


class Plain(Catalog):
    """A catalogue without the times and versions that would change it with every run."""

    mime_headers = property(
        lambda self: [header for header in Catalog.mime_headers.fget(self) if header[0] not in CHANGING],
        Catalog.mime_headers.fset,
    )


def texts() -> list[Text]:
    """Every text that is said, in the order of files and lines, each once."""
    found = [*_of_python(), *_of_templates(), *_of_script(), *_of_messages(), *_of_evidence()]
    first: dict[str, Text] = {}
    for text in found:
        before = first.setdefault(text.one, text)
        if before.many is None and text.many is not None:
            first[text.one] = text
    return list(first.values())


def _of_python() -> Iterator[Text]:
    for path in sorted(PACKAGE.rglob("*.py")):
        place = path.relative_to(ROOT).as_posix()
        tree = ast.parse(path.read_text(encoding="utf-8"))
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        for call in sorted(calls, key=lambda node: (node.lineno, node.col_offset)):
            name = getattr(call.func, "id", getattr(call.func, "attr", ""))
            given = [node.value for node in call.args if isinstance(node, ast.Constant) and isinstance(node.value, str)]
            if name in ("say", "later") and given:
                yield Text(given[0], None, place)
            elif name == "say_plural" and len(given) >= 2:
                yield Text(given[0], given[1], place)
            elif name == "Limit":
                for item in call.keywords:
                    if item.arg in OF_LIMITS and isinstance(item.value, ast.Constant):
                        yield Text(str(item.value.value), None, place)


def _of_templates() -> Iterator[Text]:
    for path in sorted([*PACKAGE.rglob("*.j2"), *PACKAGE.rglob("*.typ")]):
        for found in SAID.findall(path.read_text(encoding="utf-8")):
            yield Text(found, None, path.relative_to(ROOT).as_posix())


def _of_script() -> Iterator[Text]:
    for path in sorted(WEB.rglob("*.ts")):
        for found in SAID.findall(path.read_text(encoding="utf-8")):
            yield Text(json.loads(f'"{found}"'), None, path.relative_to(ROOT).as_posix())


def _of_messages() -> Iterator[Text]:
    path = PACKAGE / "base" / "messages.toml"
    for table in tomllib.loads(path.read_text(encoding="utf-8")).values():
        for message in table.values():
            yield Text(message["cause"], None, path.relative_to(ROOT).as_posix())


def _of_evidence() -> Iterator[Text]:
    for claim in claims().values():
        for text in claim:
            yield Text(text, None, "corecore/measures/evidence.toml")


def claims() -> dict[str, list[str]]:
    """Texts of published evidence by code: claim, patients, and the source where it has no DOI or PMID."""
    table = tomllib.loads((PACKAGE / "measures" / "evidence.toml").read_text(encoding="utf-8"))
    found = {}
    for statement in table["statement"]:
        source = table["sources"][statement["source"]]
        own = [] if {"doi", "pmid"} & set(source) else [source["cite"]]
        found[statement["code"]] = [statement["text"], statement["cohort"], *own]
    return found


def sentences() -> list[str]:
    """Texts that are written into a record, the wordiest first."""
    found = {text.one for text in _of_python() if text.place.startswith(RECORDING)}
    return sorted(found, key=lambda text: (-len(re.sub(r"\{[^}]*\}", "", text)), text))


def placeholders(text: str) -> set[tuple[str, str]]:
    """Names and formats of a text's figures."""
    return {(name, form or "") for _, name, form, _ in string.Formatter().parse(text) if name is not None}


def numbers(text: str) -> list[str]:
    """Numbers written out in a text, in order of size; a sign for a unit or a class is none."""
    return sorted(re.findall(r"\d+(?:[.,]\d+)*", re.sub(r"\{[^}]*\}", "", text)))


def brought_up_to_date(old: Catalog | None, code: str) -> Catalog:
    """A catalogue with exactly the texts of the code, and their translations where there are any."""
    new = Plain(
        locale=code,
        project="corecore",
        version="1",
        msgid_bugs_address="see README.md",
        last_translator=MACHINE if old is None else old.last_translator,
        language_team=code,
        fuzzy=False,
        header_comment=HEADER.format(name=code) if old is None else old.header_comment,
    )
    for text in texts():
        before = None if old is None else old.get(text.one)
        said = None if before is None or isinstance(before.id, tuple) != (text.many is not None) else before.string
        flags = set() if before is None else {flag for flag in before.flags if flag == "fuzzy"}
        comments = [] if before is None else before.user_comments
        new.add(text.msgid, said, [(text.place, None)], flags, user_comments=comments)
    return new


def as_po(catalogue: Catalog) -> bytes:
    """A catalogue as text, the same each time."""
    stream = io.BytesIO()
    write_po(stream, catalogue, width=120, include_lineno=False)
    return stream.getvalue()


def as_mo(catalogue: Catalog) -> bytes:
    """A catalogue as the program reads it."""
    stream = io.BytesIO()
    write_mo(stream, catalogue)
    return stream.getvalue()


def read(path: Path) -> Catalog:
    """A catalogue of translators."""
    with path.open("rb") as stream:
        return read_po(stream, locale=path.stem)


def wanted(more: list[str]) -> dict[Path, bytes]:
    """Every file that is made, with what it holds."""
    script = sorted({text.one for text in _of_script()})
    files = {
        path: (json.dumps(told, indent=1, ensure_ascii=False) + "\n").encode("utf-8")
        for path, told in ((SCRIPT, script), (RECORDS, {"claims": claims(), "sentences": sentences()}))
    }
    for path in sorted({*LANGUAGES.glob("*.po"), *(LANGUAGES / f"{code}.po" for code in more)}):
        catalogue = brought_up_to_date(read(path) if path.exists() else None, path.stem)
        files[path] = as_po(catalogue)
        files[path.with_suffix(".mo")] = as_mo(catalogue)
    return files


def main() -> None:
    """Write the catalogues, or say which are not fresh."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where a file would change")
    parser.add_argument("codes", nargs="*", help="languages to begin: ja, zh, ko, tr")
    asked = parser.parse_args()
    stale = [path for path, content in wanted(asked.codes).items() if not path.exists() or path.read_bytes() != content]
    if asked.check and stale:
        sys.exit("not fresh: " + ", ".join(path.relative_to(ROOT).as_posix() for path in stale))
    for path, content in wanted(asked.codes).items() if not asked.check else ():
        path.write_bytes(content)
    for path in sorted(LANGUAGES.glob("*.po")):
        catalogue = read(path)
        done = sum(bool(all(m.string) if isinstance(m.string, tuple) else m.string) for m in catalogue if m.id)
        sys.stdout.write(f"{path.stem}: {done} of {len(catalogue)} texts translated\n")


if __name__ == "__main__":
    main()
