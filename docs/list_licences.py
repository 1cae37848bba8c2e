"""Write ``docs/design/licences.md`` from what is installed here: ``python docs/list_licences.py``."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "design" / "licences.md"
#: Extras for those who work on it; nothing of theirs travels with corecore.
OWN = ("dev", "bench", "docs")
#: Names that metadata give, as SPDX has them.
SPDX = {
    "Apache": "Apache-2.0", "Apache 2.0": "Apache-2.0", "Apache License 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0", "BSD 3-Clause": "BSD-3-Clause", "ISC License": "ISC",
    "ISC License (ISCL)": "ISC", "MIT License": "MIT", "Python Software Foundation License": "PSF-2.0",
}  # fmt: skip
HEAD = """# Licences

Every distribution that an installation of corecore brings along, its own requirements included, with the licence that its metadata state. Made by `python docs/list_licences.py`; a test compares it with what is installed. Why each of the direct ones is here: [dependencies](dependencies.md). None is under the GPL alone; what comes under the LGPL or MPL is used unchanged, as a library of its own.

| distribution | licence | comes with |
|---|---|---|
"""  # noqa: E501


def main() -> None:
    """Write the page."""
    PAGE.write_text(HEAD + "".join(f"| {' | '.join(row)} |\n" for row in rows()), encoding="utf-8")


def rows() -> list[tuple[str, str, str]]:
    """Name, licence, and with which extra it comes (none: every installation), by name."""
    found: dict[str, list[str]] = {}
    for extra, needs in asked_for().items():
        for name in reached(needs):
            found.setdefault(name, []).append(extra)
    return [
        (name, licence(name), "every installation" if "" in extras else ", ".join(f"`{one}`" for one in extras))
        for name, extras in sorted(found.items())
    ]


def asked_for() -> dict[str, list[str]]:
    """What pyproject.toml asks for: of every installation (named ''), and by extra for users."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = {name: needs for name, needs in project["optional-dependencies"].items() if name not in OWN}
    return {"": project["dependencies"], **extras}


def reached(needs: list[str]) -> set[str]:
    """Names of the distributions that these requirements bring here, and theirs in turn.

    Raises ``PackageNotFoundError`` for one that is not installed.
    """
    seen: set[tuple[str, str]] = set()
    left = [(need, "") for need in needs]
    while left:
        text, asking = left.pop()
        need = Requirement(text)
        if need.marker is not None and not need.marker.evaluate({"extra": asking}):
            continue
        name = normal(need.name)
        for extra in ("", *need.extras):
            if (name, extra) not in seen:
                seen.add((name, extra))
                left += [(one, extra) for one in metadata.requires(name) or []]
    return {name for name, _ in seen}


def normal(name: str) -> str:
    """A distribution's name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def licence(name: str) -> str:
    """What a distribution's metadata say of its licence: an SPDX expression, else its classifier, else its text."""
    told = metadata.metadata(name)
    if told.get("License-Expression"):
        return str(told["License-Expression"])
    classes = [line.split(" :: ")[-1] for line in told.get_all("Classifier") or [] if line.startswith("License :: ")]
    classes = [SPDX.get(one, one) for one in classes if one != "OSI Approved"]
    text = (told.get("License") or "").strip()
    stated = SPDX.get(text, text) if text and "\n" not in text and len(text) <= 40 else ", ".join(classes)
    return _clauses(name) if stated in ("BSD", "BSD License") else stated or "not stated"


def _clauses(name: str) -> str:
    """Which BSD licence a distribution's own licence file is: the third clause is that of names in advertising."""
    own = re.compile(r"(licen[cs]e|copying|copyright)(\.(txt|md|rst))?", re.IGNORECASE)
    texts = [path.read_text(encoding="utf-8") for path in metadata.files(name) or [] if own.fullmatch(path.name)]
    if not texts:
        return "BSD"
    third = re.compile(r"neither\s+(the\s+)?name", re.IGNORECASE)
    return "BSD-3-Clause" if any(third.search(text) for text in texts) else "BSD-2-Clause"


if __name__ == "__main__":
    main()
