"""What published series say about lesions like this one: a rule each, from what is measured to sentences.

A rule returns nothing where its figure is absent. The figures are those of the papers' own abstracts;
what another paper measured otherwise than here (radiographs, slices) is said in the sentence.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from corecore.document.fields import known
from corecore.document.necrosis import NecrosisPart
from corecore.document.signs import ArgumentPart
from corecore.measures.signs.stage import Stage

KURODA = "Kuroda 2019, doi:10.1302/2046-3758.810.BJR-2019-0022.R1"
HA = "Ha 2006, doi:10.2106/JBJS.F.00535"
HEAD_SHARE = "J Rheumatol 1995;22:1929, PMID 8991993"
KUBO = "Kubo 2018, Int Orthop"
MIN = "Min 2008, doi:10.1007/s11999-008-0191-x"
MONT_III = "Mont, Jones, Pacheco, Hungerford, Radiographic predictors … stage III"
YOON = "Yoon 2020, doi:10.1016/j.arth.2019.11.029"
CORE_1537 = "doi:10.1186/s12891-023-06321-0"
MATCHED = "doi:10.1186/s12891-021-04418-y"

#: Collapse at two and at five years by type, per cent of 212 hips that had not collapsed.
JIC_COLLAPSE = {"A": (0.0, 0.0), "B": (7.9, 7.9), "C1": (23.2, 36.6), "C2": (57.8, 84.8)}
#: Collapsed of all hips by grade of the modified Kerboul angle.
KERBOUL_COLLAPSE = {1: (0, 5), 2: (6, 9), 3: (16, 16), 4: (7, 7)}
#: Combined angle up to which none of 4 and from which all of 25 collapsed, degrees.
KERBOUL_LOW_DEG, KERBOUL_HIGH_DEG = 190.0, 240.0
#: Share of the head that parted good from poor outcomes of core decompression.
HEAD_SHARE_LIMIT = 0.21
#: Anterior necrotic angle of the red flag, degrees.
ANTERIOR_DEG = 79.0
#: A lesion reaches the surface when less bone than this covers it, mm (engineering choice: a voxel).
BREACH_MM = 1.0


@dataclass(frozen=True)
class Item:
    """One sentence of published evidence.

    Parameters
    ----------
    code : str
        Stable code of the sentence.
    text : str
        The sentence.
    source : str
        The paper, with DOI or PMID where it has one.
    cohort : str
        How many patients or hips it rests on.
    """

    code: str
    text: str
    source: str
    cohort: str

    def part(self) -> ArgumentPart:
        """As in ``measures.json``."""
        return ArgumentPart(**vars(self))


Rule = Callable[[NecrosisPart], list[Item]]


def _course_jic(measures: NecrosisPart) -> list[Item]:
    kind = known(measures.jic.type)
    if kind is None:
        return []
    two, five = JIC_COLLAPSE[kind]
    text = f"of hips of JIC type {kind}, {two:g} % had collapsed at 2 and {five:g} % at 5 years"
    return [Item("jic_course", text, KURODA, "212 hips, all types")]


def _course_kerboul(measures: NecrosisPart) -> list[Item]:
    grade = known(measures.kerboul.grade)
    if grade is None:
        return []
    fell, of = KERBOUL_COLLAPSE[grade]
    text = f"of hips of modified Kerboul grade {grade}, {fell} of {of} collapsed"
    angle = known(measures.kerboul.combined_deg)
    if angle is not None and angle <= KERBOUL_LOW_DEG:
        text += f"; at {KERBOUL_LOW_DEG:g}° or less, 0 of 4"
    elif angle is not None and angle >= KERBOUL_HIGH_DEG:
        text += f"; at {KERBOUL_HIGH_DEG:g}° or more, 25 of 25"
    return [Item("kerboul_course", text, HA, "37 hips, with and without core decompression")]


def _against_share(measures: NecrosisPart) -> list[Item]:
    share = known(measures.head_fraction)
    if share is None or share <= HEAD_SHARE_LIMIT:
        return []
    text = f"{100.0 * share:.0f} % of the head is dead: the 16 hips that did poorly once decompressed all had over 21 %"
    return [Item("large_lesion", text, HEAD_SHARE, "31 heads, shares summed over MRI slices")]


def _against_lateral(measures: NecrosisPart) -> list[Item]:
    if known(measures.jic.type) != "C2":
        return []
    text = "the lesion reaches beyond the acetabular edge (JIC C2): hazard of collapse 6.35 times that of other places"
    return [Item("lateral_extent", text, MIN, "81 untreated hips without symptoms")]


def _against_angle(measures: NecrosisPart) -> list[Item]:
    angle = known(measures.kerboul.combined_deg)
    if angle is None or angle < KERBOUL_HIGH_DEG:
        return []
    text = f"combined necrotic angle {angle:.0f}°: each degree raised the hazard of failed core decompression by 2.5 %"
    return [Item("necrotic_angle", text, CORE_1537, "1,537 hips, ARCO I and II")]


def _against_anterior(measures: NecrosisPart) -> list[Item]:
    angle = known(measures.anterior_necrotic_angle_deg)
    if angle is None or angle < ANTERIOR_DEG:
        return []
    text = (
        f"anterior necrotic angle {angle:.0f}°: from {ANTERIOR_DEG:g}° on 5 of 5 hips with the lateral edge in the"
        " middle third collapsed, below it 1 of 27"
    )
    return [Item("anterior_extent", text, KUBO, "113 hips")]


def _against_breach(measures: NecrosisPart) -> list[Item]:
    depth = known(measures.weight_bearing.depth_mm)
    if depth is None or depth >= BREACH_MM:
        return []
    text = f"the lesion comes within {depth:.1f} mm of the bone's surface in the loaded cap"
    return [Item("subchondral_breach", text, "measured; limit 1 mm an engineering choice", "no cohort")]


def _for_share(measures: NecrosisPart) -> list[Item]:
    share = known(measures.head_fraction)
    if share is None or share >= HEAD_SHARE_LIMIT:
        return []
    text = f"{100.0 * share:.0f} % of the head is dead: of 15 hips that did well once decompressed 14 had under 21 %"
    return [Item("small_lesion", text, HEAD_SHARE, "31 heads, shares summed over MRI slices")]


def _for_angle(measures: NecrosisPart) -> list[Item]:
    angle = known(measures.kerboul.combined_deg)
    if angle is None or angle > KERBOUL_LOW_DEG:
        return []
    text = f"combined necrotic angle {angle:.0f}°, at most {KERBOUL_LOW_DEG:g}°: none of 4 such hips collapsed"
    return [Item("small_angle", text, HA, "37 hips")]


def late(stage: Stage | None, *, collapse: bool) -> list[Item]:
    """What a stage of III and above, and a head seen collapsed, say against core decompression."""
    found = []
    if stage is not None and stage.collapsed:
        text = f"stage {stage.label}: of 68 hips decompressed in stage III, 20 did well (mean follow-up 12 years)"
        found.append(Item("late_stage", text, MONT_III, "68 hips, Ficat and Arlet III"))
    if collapse:
        text = "the head's outline lies below its sphere over the lesion; where it is a depression, ARCO stage III"
        found.append(Item("collapse", text, YOON, "consensus of 29 experts"))
    return found


def early(stage: Stage | None) -> list[Item]:
    """What a stage before III says for, and at once against, core decompression."""
    if stage is None or stage.collapsed:
        return []
    text = f"stage {stage.label}, before collapse; of hips decompressed in ARCO I and II 48 % did not fail, 52 % did"
    return [Item("early_stage", text, CORE_1537, "1,537 hips, ARCO I and II")]


def _against_any(measures: NecrosisPart) -> list[Item]:
    """Due with every lesion: drilling did not part from the natural course in the one matched comparison."""
    if known(measures.head_fraction) is None:
        return []
    text = "hips without arthroplasty at 5 years: 75.6 % after multiple drilling, 72.2 % without (P = 0.19)"
    return [Item("natural_course", text, MATCHED, "159 matched pairs")]


def said(rules: tuple[Rule, ...], measures: NecrosisPart) -> list[Item]:
    """The sentences of rules; where the edge of the scan cuts head or lesion, only those that rest on no figure."""
    cut = known(measures.lower_bound) is True
    return [item for rule in rules if not cut or rule is _against_any for item in rule(measures)]


COURSE: tuple[Rule, ...] = (_course_jic, _course_kerboul)
AGAINST: tuple[Rule, ...] = (
    _against_share, _against_lateral, _against_angle, _against_anterior, _against_breach, _against_any,
)  # fmt: skip
FOR: tuple[Rule, ...] = (_for_share, _for_angle)
