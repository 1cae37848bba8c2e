"""The report: one page to decide by, one to drill by, and where it all comes from; as HTML and as PDF.

Both are settings of one content (``corecore.report.report_content``). The page is one file that needs no
network and runs no script; the print is set by typst with the typeface that matplotlib carries, so
that it looks the same on every machine.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy.typing as npt
from msgspec import Struct, to_builtins
from msgspec.structs import asdict, replace

from corecore.base.errors import OutputError
from corecore.base.language import language, later, say
from corecore.io.files import atomic_write_bytes, atomic_write_text
from corecore.report import captions
from corecore.report.density_strip import ShownDensity, shown_density
from corecore.report.fluoroscopy import Drr, fluoroscopy, others_on_film
from corecore.report.report_content import ReportContent, report_content
from corecore.report.scene import Scene
from corecore.report.slices import Slices, Strip, slices, strips
from corecore.report.svg import png
from corecore.report.tissue import CANCELLOUS_HU, CORTEX_HU, CORTEX_MM, Tissue
from corecore.report.tradeoff_curve import ShownCurve, shown_curve

#: The first letter of scripts that the report's own typeface lacks: Chinese, Japanese, Korean.
BEYOND = 0x2E80
#: Printed where the volumes are not available.
NO_VOLUMES = later("Not drawn: the plan's masks are not available")


@dataclass(frozen=True, eq=False)
class Views:
    """What is seen through the volumes; ``missing`` says why there is nothing."""

    films: list[Drr]
    slices: Slices | None
    note: str
    missing: str = ""
    strips: tuple[Strip, ...] = ()


def views_of(scene: Scene, tissue: Tissue | None, *, missing: str = NO_VOLUMES) -> Views:
    """Fluoroscopic views and slices of a plan; without volumes none, and why."""
    if tissue is None:
        return Views([], None, "", say(missing))
    if tissue.why_painted is None:
        note = say("Digitally reconstructed radiographs (DRR) of the CT, without soft tissue.")
    else:
        note = say(
            "Digitally reconstructed radiographs (DRR) of synthetic bone, nominal HU ({reason}): {thickness:g} mm of"
            " cortex of {cortex:g} HU, cancellous bone {cancellous:g} HU above soft tissue (engineering choice).",
            reason=say(tissue.why_painted),
            thickness=CORTEX_MM,
            cortex=CORTEX_HU,
            cancellous=CANCELLOUS_HU,
        )
    note += " " + say(
        "Seen from the detector towards the source, the patient's right on the left in AP; distances look larger nearer"
        " the source. Dotted orange: the necrosis, invisible on radiographs."
    )
    cut = slices(scene, tissue)
    return Views(
        fluoroscopy(scene, tissue), cut, note, strips=tuple(strips(scene, tissue, None if cut is None else cut.number))
    )


def write_report(scene: Scene, views: Views, picture: npt.NDArray[Any] | None, folder: Path) -> None:
    """Writes ``report.html`` and ``report.pdf`` into a folder, each whole or not at all.

    ``picture`` (h, w, 3) uint8 are the three-dimensional views. Raises ``OutputError`` where they cannot be written.
    """
    write_data(report_data(scene, views), picture, folder)


class ShownFilm(Struct, frozen=True):
    """A simulated fluoroscopic view: title, position of the C-arm, caption, and the drawing as SVG text."""

    title: str
    stance: str
    caption: list[str]
    svg: str


class ShownOther(Struct, frozen=True):
    """Another tunnel on the fluoroscopic views, as SVG text."""

    name: str
    drawings: list[str]


class ShownSlice(Struct, frozen=True):
    """A slice as SVG text; ``width`` is over its height."""

    svg: str
    caption: str
    width: float


class ShownSlices(Struct, frozen=True):
    """The slices along one tunnel, and what they are drawn on."""

    number: int
    ground: str
    drawings: list[ShownSlice]


class ShownStrip(Struct, frozen=True):
    """A strip of a tunnel's or a focus's own as SVG text; ``density``: CT along that tunnel."""

    name: str
    number: int
    color: str | None
    svg: str
    caption: str
    density: ShownDensity | None


class ReportData(Struct, frozen=True):
    """Words, figures and drawings of the report: what both settings are made of. ``picture`` is SVG text."""

    report: ReportContent
    picture: str | None
    curve: ShownCurve | None
    films: list[ShownFilm]
    others: list[ShownOther]
    drill_words: str
    film_note: str
    missing: str
    slices: ShownSlices | None
    density: ShownDensity | None
    strips: list[ShownStrip]


def write_data(data: ReportData, picture: npt.NDArray[Any] | None, folder: Path) -> None:
    """``write_report`` from ``report_data`` made beforehand, while the picture was drawn."""
    whole = replace(data, picture=None if picture is None else _as_svg(picture))
    atomic_write_text(folder / "report.html", report_html(whole))
    atomic_write_bytes(folder / "report.pdf", report_pdf(whole))


def report_data(scene: Scene, views: Views, picture: npt.NDArray[Any] | None = None) -> ReportData:
    """Words, figures and drawings (as SVG text) of the report as plain data."""
    cut = views.slices
    return ReportData(
        report=report_content(scene),
        picture=None if picture is None else _as_svg(picture),
        curve=shown_curve(scene.plan),
        films=[ShownFilm(film.arm.title, film.stance, film.caption, str(film.drawing)) for film in views.films],
        others=[
            ShownOther(name, [str(drawing) for drawing in drawings])
            for name, drawings in others_on_film(scene, views.films)
        ],
        drill_words=_drill_words(scene),
        film_note=views.note,
        missing=views.missing,
        slices=None if cut is None else ShownSlices(
            cut.number,
            cut.ground,
            [ShownSlice(str(drawing), caption, drawing.width / drawing.height) for drawing, caption in cut.drawings],
        ),
        density=None if cut is None else shown_density(scene, cut.number),
        strips=[_shown_strip(scene, one) for one in views.strips],
    )  # fmt: skip


def _drill_words(scene: Scene) -> str:
    """How the drill is drawn on the slices."""
    if len(scene.tunnels) > 1:
        return (
            say("Numbered, in each tunnel's colour: drill; red: exceeds a limit")
            if captions.violations(scene)
            else say("Numbered, in each tunnel's colour: drill")
        )
    return say("Red: drill") if captions.violations(scene) else say("Blue: drill")


def _shown_strip(scene: Scene, strip: Strip) -> ShownStrip:
    of_tunnel = strip.kind == "tunnel"
    return ShownStrip(
        say("Tunnel {number}", number=strip.number) if of_tunnel else say("Focus {number}", number=strip.number),
        strip.number,
        captions.color_of(scene, strip.number - 1) if of_tunnel else None,
        str(strip.drawing),
        strip.caption,
        shown_density(scene, strip.number) if of_tunnel else None,
    )


def report_html(data: ReportData) -> str:
    """The page of ``report_data`` as text: self-contained, no script, nothing loaded."""
    style = _static("report.css")
    digest = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode("ascii")
    words = asdict(data)
    return str(
        _template().render(
            r=words.pop("report"), say=say, language=language(), style=style, fingerprint=f"sha256-{digest}", **words
        )
    )


def report_pdf(data: ReportData) -> bytes:
    """The print of ``report_data``: two A4 pages and the provenance. Raises ``OutputError`` where typst refuses."""
    import typst

    texts = json.dumps({text: say(text) for text in _printed()}, ensure_ascii=False)
    content = json.dumps(to_builtins(data), ensure_ascii=False, allow_nan=False)
    try:
        made = typst.compile(
            _static("report.typ").encode("utf-8"),
            format="pdf",
            font_paths=_fonts(system=any(ord(letter) >= BEYOND for letter in content + texts)),
            sys_inputs={
                "data": content,
                "texts": texts,
                "language": language(),
            },
            timestamp=_timestamp(data.report.created),
        )
    except typst.TypstError as error:
        raise OutputError(f"report.pdf: typst refused ({str(error).splitlines()[0]})", code="report-failed") from error
    if not isinstance(made, bytes):
        raise OutputError("report.pdf: typst made no document", code="report-failed")
    return made


def _as_svg(picture: npt.NDArray[Any]) -> str:
    """A picture as an SVG that holds nothing else: typst takes data as text."""
    height, width = picture.shape[:2]
    data = base64.b64encode(png(picture)).decode("ascii")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">'
        f'<image width="{width}" height="{height}" href="data:image/png;base64,{data}"/></svg>'
    )


def _timestamp(created: str) -> datetime.datetime:
    """When the plan was made: the same plan gives the same file."""
    try:
        made = datetime.datetime.fromisoformat(created)
    except ValueError:
        made = datetime.datetime.fromtimestamp(0, datetime.UTC)
    return made if made.tzinfo is not None else made.replace(tzinfo=datetime.UTC)


@cache
def _printed() -> tuple[str, ...]:
    """Every text of the print itself."""
    return tuple(re.findall(r'say\("([^"]+)"', _static("report.typ")))


@cache
def _template() -> Any:
    import jinja2

    environment = jinja2.Environment(autoescape=True, trim_blocks=True, undefined=jinja2.StrictUndefined)
    return environment.from_string(_static("report.html.j2"))


@lru_cache(maxsize=2)
def _fonts(*, system: bool = False) -> Any:
    """The typefaces that matplotlib carries; the system's are left alone, but for scripts that those lack."""
    import typst

    # Found without loading matplotlib, which takes a second.
    spec = find_spec("matplotlib")
    folder = str(Path(str(spec and spec.origin)).parent / "mpl-data" / "fonts" / "ttf")
    return typst.Fonts(include_system_fonts=system, include_embedded_fonts=False, font_paths=[folder])


def load_early() -> None:
    """Load templates and typefaces: for a thread beside other work."""
    _template()
    _fonts(system=False)


def _static(name: str) -> str:
    return (files("corecore.report") / "static" / name).read_text(encoding="utf-8")
