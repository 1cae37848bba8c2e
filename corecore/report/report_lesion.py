"""What the report says of the necrosis: its figures with their classes, and what became of such hips."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from corecore.document.json_reader import items, part, sentence, text_of
from corecore.document.text import one_line
from corecore.report.captions import percent, quantity
from corecore.report.limits import figure

#: Arguments of each kind on page one; the others are counted, and stand in measures.json.
MOST_ARGUMENTS = 4
QUESTIONS = {
    "stage": "Stage not given: from stage III on core decompression is not supported.",
    "physis": "Growth plate not stated: an open one must not be crossed.",
}
JIC_WORDS = (
    "A: ends in the medial third of the weight-bearing surface; B: in the middle third; C1: in the lateral third;"
    " C2: beyond the acetabular edge"
)

Row = dict[str, Any]


def necrosis_rows(plan: Mapping[str, Any]) -> list[Row]:
    """The lesion's figures, each with its class and that class's limits."""
    n = part(plan, "necrosis")
    rows: list[Row] = [{"what": "Volume", "value": quantity(n, "volume_ml", "{:.1f} ml"), "note": _spread(n)}]
    half = n.get("head_fraction_half_voxel")
    between = ""
    if isinstance(half, list) and len(half) == 2 and all(isinstance(v, (int, float)) for v in half):
        between = f"; {100 * half[0]:.0f} to {100 * half[1]:.0f} % when the outline moves by half a voxel"
    rows.append(
        {
            "what": "Share of the head",
            "value": percent(n, "head_fraction"),
            "note": f"Steinberg extent {text_of(n, 'steinberg')} (A under 15 %, B 15 to 30 %, C over 30 %; no stage)"
            + between,
        }
    )
    jic = part(n, "jic")
    basis = {
        "population": "; estimated, no acetabulum at hand",
        "pelvis": "; from the pelvis",
        "landmarks": "; from landmarks",
    }
    rows.append(
        {
            "what": "Place (JIC type)",
            "value": text_of(jic, "type_range") if jic.get("type_range") else text_of(jic, "type"),
            "note": JIC_WORDS + basis.get(str(jic.get("basis")), ""),
        }
    )
    kerboul = part(n, "kerboul")
    rows.append(
        {
            "what": "Combined necrotic angle",
            "value": quantity(kerboul, "combined_deg", "{:.0f}°"),
            "note": f"modified Kerboul grade {text_of(kerboul, 'grade')} (1 under 200°, 2 to 250°, 3 to 300°, 4 above)",
        }
    )
    loaded = part(n, "weight_bearing")
    rows.append(
        {
            "what": "Loaded surface involved",
            "value": quantity(loaded, "surface_fraction", "{:.0f} %", 100.0),
            "note": f"of the cap of {quantity(loaded, 'cap_half_angle_deg', '{:g}')}° about the load in gait;"
            f" least bone over the necrosis there {quantity(loaded, 'depth_mm', '{:.1f} mm')}",
        }
    )
    stage = part(n, "signs", "stage")
    label = stage.get("label") or part(n, "signs").get("stage")
    told = one_line(str(label), 40) if isinstance(label, str) else "not given"
    rows.append({"what": "Stage", "value": told, "note": "as the surgeon reads it; never derived from the masks"})
    return rows


def _spread(necrosis: Mapping[str, Any]) -> str:
    values = part(necrosis, "repeatability", "figures", "volume_ml").get("half_voxel")
    volume = figure(necrosis, "volume_ml")
    if volume is None or not isinstance(values, list) or not all(isinstance(v, (int, float)) for v in values):
        return ""
    ends = sorted(volume + v for v in values)
    return f"{ends[0]:.1f} to {ends[-1]:.1f} ml when the outline moves by half a voxel"


def arguments(plan: Mapping[str, Any]) -> list[Row]:
    """What became of such hips, what speaks against and for; each sentence with its source."""
    summary = part(plan, "necrosis", "summary")
    groups = []
    for key, title in (("speaks_against", "Against"), ("speaks_for", "For"), ("expected", "Course of such hips")):
        told = [
            {
                "text": sentence(one_line(str(item.get("text", "")), 300)),
                "source": one_line(f"{item.get('source', '')}; {item.get('cohort', '')}", 200),
            }
            for item in items(summary, key)
        ]
        if told:
            groups.append({"title": title, "items": told[:MOST_ARGUMENTS], "more": max(0, len(told) - MOST_ARGUMENTS)})
    return groups


def asked(plan: Mapping[str, Any]) -> list[str]:
    """What the surgeon has not answered."""
    asks = part(plan, "necrosis", "summary").get("asks")
    return [QUESTIONS[key] for key in asks if key in QUESTIONS] if isinstance(asks, list) else []
