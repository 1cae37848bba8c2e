"""The stage of a necrosis as surgeons write it, in four systems.

ARCO 2019 I, II, IIIA, IIIB, IV (Yoon 2020, J Arthroplasty, doi:10.1016/j.arth.2019.11.029); Steinberg
0 to VI with an extent A, B or C (Steinberg, Hayken, Steinberg 1995, PMID 7822393); Ficat 0 to IV;
Japanese Investigation Committee 1, 2, 3A, 3B, 4 (Kuroda 2019, doi:10.1302/2046-3758.810.BJR-2019-0022.R1).
In all four the head has given way from stage 3 on: a crescent, a fracture or a flattening.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from corecore.base.errors import InputError
from corecore.document.signs import StagePart

#: First stage, in every system, at which the subchondral bone has fractured.
COLLAPSED_FROM = 3
ROMAN = ("0", "I", "II", "III", "IV", "V", "VI")
#: Name as printed, and the stages each system has: number -> letters that may follow (empty: none may).
SYSTEMS: dict[str, tuple[str, dict[int, str]]] = {
    "arco": ("ARCO 2019", {1: "", 2: "", 3: "AB", 4: ""}),
    "steinberg": ("Steinberg", {0: "", 1: "ABC", 2: "ABC", 3: "ABC", 4: "ABC", 5: "ABC", 6: ""}),
    "ficat": ("Ficat", {0: "", 1: "", 2: "AB", 3: "", 4: ""}),
    "jic": ("JIC", {1: "", 2: "", 3: "AB", 4: ""}),
}
#: The Japanese committee and its readers write figures, the others Roman numerals.
FIGURES = {"jic"}
ACCEPTED = (
    "I, II, IIIA, IIIB, IV (read as ARCO 2019), or with the system named: ARCO I to IV, Steinberg 0 to VI with A, B"
    " or C, Ficat 0 to IV, JIC 1 to 4; figures or Roman numerals"
)
_PATTERN = re.compile(
    r"(?:(?P<system>arco|steinberg|upenn|university of pennsylvania|ficat(?: (?:and |& ?)?arlet)?|jic)\s*)?"
    r"(?:2019\s*)?(?:stage\s*)?(?P<number>[0-6]|iii|ii|iv|vi|v|i)\s*(?P<letter>[abc])?",
)


@dataclass(frozen=True)
class Stage:
    """A stage of the necrosis as the surgeon gave it.

    Parameters
    ----------
    system : {"arco", "steinberg", "ficat", "jic"}
        Staging system; ARCO is that of 2019 [1].
    number : int
        Stage, 0 to 6; not every system has all.
    letter : str
        A letter that follows (``"A"``), or ``""``.
    system_named : bool
        Whether the system was named, or ARCO was assumed.

    References
    ----------
    1. Yoon 2020, doi:10.1016/j.arth.2019.11.029. Steinberg: PMID 7822393.
       JIC: doi:10.1302/2046-3758.810.BJR-2019-0022.R1.

    Examples
    --------
    >>> stage = parse_stage("ARCO 3a")
    >>> stage.label, stage.collapsed
    ('ARCO 2019 IIIA', True)
    """

    system: str
    number: int
    letter: str
    system_named: bool

    @property
    def label(self) -> str:
        """The stage as it is printed: ``ARCO 2019 IIIA``, ``JIC 3A``."""
        number = str(self.number) if self.system in FIGURES else ROMAN[self.number]
        return f"{SYSTEMS[self.system][0]} {number}{self.letter}"

    @property
    def collapsed(self) -> bool:
        """Whether the subchondral bone has fractured or the head has flattened at this stage."""
        return self.number >= COLLAPSED_FROM

    def part(self) -> StagePart:
        """For ``measures.json``."""
        return StagePart(
            label=self.label, system=SYSTEMS[self.system][0], number=self.number,
            letter=self.letter, system_named=self.system_named, collapsed=self.collapsed,
        )  # fmt: skip


def parse_stage(text: str) -> Stage:
    """The stage that a text such as ``II``, ``ARCO 3A``, ``Steinberg IIC``, ``JIC 2`` or ``Ficat 2`` names.

    A stage without a system is read as ARCO 2019. Raises ``InputError`` that lists what is
    accepted, also for a stage that the named system does not have.
    """
    words = re.sub(r"(?<=\w)[\s,:;_()/-]+(?=\w)", " ", text.strip()).lower()
    found = _PATTERN.fullmatch(words)
    if found is None:
        raise InputError(f"stage {text[:60]!r}; accepted are {ACCEPTED}", code="stage-unknown")
    named = found["system"]
    system = "arco" if named is None else "steinberg" if named[:2] == "un" or named == "upenn" else named.split()[0]
    spelled = found["number"].upper()
    number = ROMAN.index(spelled) if spelled in ROMAN else int(spelled)
    letter = (found["letter"] or "").upper()
    title, stages = SYSTEMS[system]
    if number not in stages or (letter and letter not in stages[number]):
        raise InputError(
            f"stage {text[:60]!r}: {title} has no such stage; accepted are {ACCEPTED}", code="stage-unknown"
        )
    return Stage(system, number, letter, named is not None)
