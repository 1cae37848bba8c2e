"""What people read uses the field's words, as ``docs/glossary.md`` defines them.

People read the pages, the README, help texts, the catalogue of messages, the strings of the package, the review page,
the notebooks' text, and docstrings. Identifiers, JSON keys, codes and blocks of code are no prose and are left out.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from corecore.app.cli.group import COMMANDS, load_command

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "corecore"

#: What no text says, as a pattern, and what it says instead.
STANDARD = {
    r"\b(second|another|other) roads?\b": "independent recalculation",
    r"\bloaded (surface|cap|cone|part|lesion|area|zone|bone|necrosis|sector|share)": "weight-bearing ...",
    r"\bportals?\b": "cortical entry hole",
    r"\bheld by\b|\bwhat holds\b|\bholds? (it|them|each tunnel|the tunnel) (there|where)": "limited by",
    r"\brooms? (beyond|over|to|under|above|left)\b|\b(most|least|more|less|no|its) room\b": "spare clearance",
    r"\bmid-?lines?\b": "mid-lateral line",
    r"\bwhat to (decide|do)\b|\bto decide by\b|\bto drill by\b": "plan summary, operative data",
    r"\bto transcribe\b": "intra-operative reference values",
    r"\bfilms?\b|\bray sums?\b": "fluoroscopic view, DRR",
    r"\bpainted with\b|\bstock densit": "synthetic, nominal HU",
    r"\bleft standing\b|\btaken and left\b": "residual bone stock",
    r"\bml stay\b": "ml residual",
    r"\bkeeps, just\b|(?-i:\bBREAKS\b)|\bnot told\b|\bbreak(s|ing)? (a|the|its|this|these|any|no|\d+) limits?\b": (
        "within, at, exceeds limit; not available"
    ),
    r"\bnothing near\b": "none within range",
    r"\bdrilled by\b": "guidance method",
    r"\bbreach(es|ed|ing)?\b": "cortical perforation, joint penetration",
    r"\berrors of drilling\b|\bdrilling's errors\b": "execution error, execution-error simulation",
    r"\bfree hand\b": "freehand",
    r"\b(class|types?) of place\b|\bplace \(JIC|\bplace and size\b": "lesion location",
    r"\bSteinberg extent\b|\bnot a stage\b|\bextent \(Steinberg": "lesion size grade",
    r"\bspeaks? (for|against)\b": "factors favouring, against decompression",
    r"\bsuch hips\b": "reported natural history; hips of this class",
    r"\bgrowth plate not\b": "physeal status not specified",
    r"\bat hand\b": "available; acetabulum not segmented",
    r"\blean of the (femoral )?shaft\b|\bshaft('s)? leans?\b": "femoral shaft inclination",
    r"\bmend(s|ed|ing)?\b": "fix, remedy",
    r"\b(dead|living) (bone|share|part)\b": "necrotic, viable bone",
    r"\bsnap(s|ped|ping)? to\b": "optimise locally",
    r"\bas it stands\b": "current plan",
    r"\bset by hand\b": "surgeon-modified",
    r"\bturned? (away )?from lateral\b|\bturn from lateral\b": "deviation from lateral",
    r"\bincidence\b": "drill-cortex angle",
    r"\bseen from the side\b": "sagittal angulation; in the lateral view",
    r"\blower edges?\b": "inferior margin of the entry hole",
    r"\btaken where it is most\b|\bneck's section taken\b": "maximum neck cross-section loss",
    r"\bwall's width taken\b|\bof the lateral wall's width\b": "lateral-wall defect",
    r"\bgraft to fill\b": "graft volume required",
    r"\bin profile\b": "tangential view",
    r"\bthigh turned\b": "hip flexion, abduction, external rotation",
    r"\bouter side\b": "lateral view",
    r"\boutline moves\b": "segmentation uncertainty",
    r"\b(nothing|none|no other) beats\b": "Pareto-optimal",
    r"\bgiv(e|es|en|ing) way\b|\bgave way\b": "be relaxed",
    r"\bremoves more is not proven\b": "optimality not proven",
    r"\bwhere (it|it all|everything|all of it) comes from\b": "provenance",
    r"\bdrawn hips?\b": "simulated hips",
    r"\bdirections apart\b": "angular difference",
    r"\bfor the theatre as it\b": "not approved: limits exceeded",
    r"\btunnels? that stands?\b|\bkept tunnels?\b": "existing tunnel",
    r"\bgrowth of the proof\b|(?<!dual )\bprices?\b": "branch-and-bound nodes, dual prices",
    r"\bjudg(e|es|ed|ing|ement|ements)\b": "evaluate, assess",
}
FORBIDDEN = [(re.compile(pattern, re.IGNORECASE), standard) for pattern, standard in STANDARD.items()]

#: Where a text is, and the text.
Texts = Iterator[tuple[str, str]]


def prose(markdown: str) -> str:
    """A page without blocks of code, without what is quoted as code, and without addresses of links."""
    plain = re.sub(r"^( *)(```|~~~).*?^\1\2", lambda found: "\n" * found[0].count("\n"), markdown, flags=re.S | re.M)
    return re.sub(r"\]\([^)\n]*\)", "]", re.sub(r"`[^`\n]*`", "CODE", plain))


def pages(*patterns: str) -> Texts:
    for path in sorted({path for pattern in patterns for path in ROOT.glob(pattern)}):
        for number, line in enumerate(prose(path.read_text(encoding="utf-8")).splitlines(), start=1):
            yield f"{path.relative_to(ROOT)}:{number}", line


def messages() -> Texts:
    tables = tomllib.loads((PACKAGE / "base" / "messages.toml").read_text(encoding="utf-8"))
    for table in ("errors", "warnings"):
        for code, message in tables[table].items():
            for text in message.values():
                yield f"messages.toml {code}", re.sub(r"`[^`\n]*`", "CODE", text)


def helps() -> Texts:
    for name in COMMANDS:
        command: Any = load_command(name)
        yield f"corecore {name}", command.help or ""
        for one in command.params:
            yield f"corecore {name} {one.name}", str(getattr(one, "help", None) or "")


def parsed(*folders: str) -> Iterator[tuple[str, ast.Module]]:
    for path in sorted({path for folder in folders for path in (PACKAGE / folder).rglob("*.py")}):
        yield str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8"))


def documented(tree: ast.AST) -> Iterator[tuple[ast.AST, ast.Constant]]:
    """Whatever has a docstring, with it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                yield node, first.value


def strings(*folders: str) -> Texts:
    """The texts of the package: strings of more than one word. Keys, codes and units are one."""
    for name, tree in parsed(*folders):
        docstrings = {id(text) for _, text in documented(tree)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
                yield f"{name}:{node.lineno}", node.value if re.search(r"\w\s+\S|\S\s+\w", node.value) else ""


def docstrings() -> Texts:
    """The docstrings that the pages show, and all public ones of command line, Python API and exports."""
    shown = re.findall(r"^\.\. auto\w+:: ([\w.]+)", (ROOT / "docs" / "api.md").read_text(encoding="utf-8"), re.M)
    for name, tree in parsed("."):
        module = name.removesuffix(".py").replace("/", ".")
        whole = module in shown or name.startswith(("corecore/app/", "corecore/exports/"))
        classes = [node for node in tree.body if f"{module}.{getattr(node, 'name', '')}" in shown]
        for node, text in documented(tree) if whole else (pair for one in classes for pair in documented(one)):
            if not getattr(node, "name", "").startswith("_"):
                for number, line in enumerate(re.sub(r"``?[^`]*``?", "CODE", str(text.value)).splitlines()):
                    yield f"{name}:{text.lineno + number}", line


class Shown(HTMLParser):
    """What a page shows and what it says to a reader of screens."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.texts += [value or "" for name, value in attrs if name in ("aria-label", "title", "placeholder", "alt")]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def web() -> Texts:
    for name in ("review.html.j2", "open.html.j2"):
        page = Shown()
        page.feed((PACKAGE / "review" / "static" / name).read_text(encoding="utf-8"))
        yield from ((name, text) for text in page.texts)
    for path in sorted((ROOT / "web" / "src").rglob("*.ts")):
        if "generated" not in path.parts:
            source = path.read_text(encoding="utf-8")
            source = re.sub(r"^(import|export) [^;]*? from .*$|(?<!:)//.*$|/\*[\s\S]*?\*/", "", source, flags=re.M)
            for found in re.finditer(r"\"[^\"\n]*\"|`[^`]*`", source):
                # Addresses, selectors and classes are no text.
                if not re.fullmatch(r".(/\S*|[\w.#]*\[[\w-]+\]|\w+-\w+).", found[0]):
                    yield str(path.relative_to(ROOT)), found[0]


def templates() -> Texts:
    """The report's page without its tags, and its print without the lines of code."""
    static = PACKAGE / "report" / "static"
    page = Shown()
    page.feed(re.sub(r"\{[{%#].*?[}%#]\}", " ", (static / "report.html.j2").read_text(encoding="utf-8"), flags=re.S))
    yield from (("report.html.j2", text) for text in page.texts)
    for number, line in enumerate((static / "report.typ").read_text(encoding="utf-8").splitlines(), start=1):
        plain = re.sub(r"\b[a-z]+(\.[a-z_]+)+", " ", line.partition("//")[0])
        yield from ((f"report.typ:{number}", text) for text in re.findall(r"\"[^\"]*\"|\[[^\]]*\]|^ *=+ .*", plain))


def notebooks() -> Texts:
    for path in sorted((ROOT / "notebooks").glob("*.py")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if line.startswith("# "):
                yield f"{path.relative_to(ROOT)}:{number}", re.sub(r"`[^`]*`", "CODE", line)


PLACES: dict[str, Callable[[], Texts]] = {
    "strings": lambda: strings("."),
    "report templates": templates,
    "README and pages": lambda: pages("README.md", "CONTRIBUTING.md", "docs/*.md"),
    "design notes": lambda: pages("docs/design/*.md"),
    "docstrings": docstrings,
    "notebooks": notebooks,
    "messages": messages,
    "help": helps,
    "review page": web,
}


def faults(texts: Texts) -> list[str]:
    """Each word that is not the field's: where, which, and the standard one."""
    return [
        f"{where}: {found[0]!r} in {text.strip()[:100]!r}; say: {standard}"
        for where, text in texts
        for pattern, standard in FORBIDDEN
        for found in pattern.finditer(text)
    ]


@pytest.mark.parametrize("place", PLACES)
def test_what_people_read_uses_the_words_of_the_field(place: str) -> None:
    texts = list(PLACES[place]())
    assert len(texts) > 50, "nothing was read"
    found = faults(iter(texts))
    # The page of terms says which words the keys have.
    found = [one for one in found if not one.startswith("docs/glossary.md:3:")]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "text",
    [
        "checked by a second road", "share of the Loaded cap", "through one portal", "Held by the joint margin",
        "the film shows", "BREAKS LIMITS", "a path that breaks a limit", "how often it breaches the cortex",
        "at least one would have to give way", "a path set by hand", "Judge it", "dead bone", "3.1 ml stay",
        "what mends it", "the prices of a round",
    ],
)  # fmt: skip
def test_a_word_that_is_not_the_fields_is_found(text: str) -> None:
    assert faults(iter([("here", text)]))


@pytest.mark.parametrize(
    "text",
    ["weight-bearing area", "dual prices", "the file breaks off", "no CODE is broken", "a room of the house",
     "recommended"],
)  # fmt: skip
def test_a_word_of_the_field_is_not(text: str) -> None:
    assert not faults(iter([("here", text)]))


def test_code_is_no_prose() -> None:
    page = "Its key is `portal_length_mm`.\n```text\nportal 3\n```\nSee [there](portal.md)."
    assert not faults(iter([("page", line) for line in prose(page).splitlines()]))


def test_every_standard_word_is_defined() -> None:
    """The terms of the field that the texts use have a line in the glossary."""
    page = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    for word in (
        "cortical entry hole", "weight-bearing zone", "spare clearance", "limited by", "mid-lateral line",
        "independent recalculation", "execution-error simulation", "drill–cortex angle", "provenance",
    ):  # fmt: skip
        assert re.search(rf"^\| [^|]*{re.escape(word)}", page, re.M), word
