"""Page two's strip: CT density along a tunnel's axis from entry to tip, by stretches of 5 mm."""

from __future__ import annotations

from msgspec import Struct

from corecore.base.language import later, say
from corecore.document.fields import known
from corecore.document.tunnels import PathBonePart
from corecore.report import palette
from corecore.report.scene import Scene
from corecore.report.svg import Drawing

#: Size of the drawing, height of its bars, and size of its letters, units.
WIDTH, HEIGHT, BAR, LETTERS = 1400.0, 76.0, 34.0, 20.0
#: Density that is drawn black and white, HU: marrow to dense cortex (engineering choice).
BLACK_HU, WHITE_HU = -100.0, 1200.0
#: Where the cortex's thickness is read, in words.
CORTEX_WORDS = {
    "ct": "CT",
    "ct_at_most": later("CT, at most: thinner than its voxels show"),
    "mask": later("the mask's shell"),
}

NOT_KNOWN = later("not known")


class ShownDensity(Struct, frozen=True):
    """The strip as SVG text, and what is written under it."""

    svg: str
    caption: str


def cortex_words(part: PathBonePart) -> str | None:
    """Thickness of the cortex at an entry and where it is read; ``None`` where it cannot be read."""
    thickness, source = known(part.entry_cortex_mm), known(part.entry_cortex_from)
    return None if thickness is None else f"{thickness:.1f} mm ({say(CORTEX_WORDS.get(str(source), NOT_KNOWN))})"


def shown_density(scene: Scene, number: int) -> ShownDensity | None:
    """The strip of a tunnel, counted from 1; ``None`` where its plan has no CT."""
    part = known(scene.plan.tunnels[number - 1].path_bone)
    density = None if part is None else known(part.density)
    if part is None or density is None or not density.stretches:
        return None
    whole = [known(value) for value in (density.mean_hu, density.least_hu, density.greatest_hu)]
    ends = [(known(one.from_mm), known(one.to_mm), known(one.mean_hu)) for one in density.stretches]
    length = ends[-1][1]
    if length is None or length <= 0.0 or any(value is None for value in whole):
        return None
    drawing = Drawing(WIDTH, HEIGHT, say("CT density along the axis, from entry to tip"))
    for start, stop, mean in ends:
        if start is None or stop is None or mean is None:
            return None
        left, right = WIDTH * start / length, WIDTH * stop / length
        share = min(max((mean - BLACK_HU) / (WHITE_HU - BLACK_HU), 0.0), 1.0)
        grey = f"#{round(255 * share):02X}" + f"{round(255 * share):02X}" * 2
        drawing.path([[left, 0], [right, 0], [right, BAR], [left, BAR]], "#FFFFFF", 1.0, closed=True, fill=grey)
        ink = "#000000" if share > 0.45 else "#FFFFFF"
        if right - left > 2.2 * LETTERS:
            _text(drawing, 0.5 * (left + right), 0.5 * BAR + 0.36 * LETTERS, f"{mean:.0f}", ink, "middle")
        # The length stands at the end.
        if WIDTH - left > 5.0 * LETTERS:
            _text(drawing, left, BAR + 1.2 * LETTERS, f"{start:g}", palette.INK, "middle" if start > 0.0 else "start")
    _text(drawing, WIDTH, BAR + 1.2 * LETTERS, f"{length:.0f} mm", palette.INK, "end")
    mean_hu, least_hu, greatest_hu = whole
    caption = say(
        "CT density on the axis, mean HU of each 5 mm from the entry; overall {mean:.0f} ({least:.0f} to {most:.0f})"
        " HU",
        mean=mean_hu,
        least=least_hu,
        most=greatest_hu,
    )
    words = cortex_words(part)
    return ShownDensity(
        str(drawing),
        caption
        if words is None
        else say("{caption}. Cortex at the entry {thickness}", caption=caption, thickness=words),
    )


def _text(drawing: Drawing, x: float, y: float, words: str, color: str, anchor: str) -> None:
    drawing.text(x, y, words, size=LETTERS, color=color, halo=None, anchor=anchor)
