"""A drawing over a picture as SVG text: lines, outlines and labels that keep out of each other's way.

One format serves the page and the printed report; both scale it without loss, and its words stay words.
"""

from __future__ import annotations

import base64
import struct
import zlib
from html import escape

import numpy as np
import numpy.typing as npt

from corecore.base.grid import FloatArray

#: Typefaces in the order wanted; the first travels with matplotlib and is what the PDF uses.
FONTS = "DejaVu Sans, Verdana, Helvetica, Arial, sans-serif"
#: Widest mean width of a character, in font sizes (DejaVu Sans, plain and bold), for keeping labels apart.
CHARACTER_WIDTH, BOLD_CHARACTER_WIDTH = 0.61, 0.70

#: Where a label may stand about its point, tried in turn: right, left, above, below, and the corners.
PLACES = ((1, 0), (-1, 0), (0, -1), (0, 1), (1, -1), (-1, -1), (1, 1), (-1, 1))

Box = tuple[float, float, float, float]


def png(picture: npt.NDArray[np.uint8]) -> bytes:
    """A picture, (h, w) grey or (h, w, 3) red, green, blue, as PNG without any text in it."""
    height, width = picture.shape[:2]
    kind = 0 if picture.ndim == 2 else 2
    rows = np.ascontiguousarray(picture).reshape(height, -1)
    # Filter "up": a row as its difference from the one above; smooth pictures shrink by a third.
    change = np.concatenate([rows[:1], rows[1:] - rows[:-1]])
    lines = np.concatenate([np.full((height, 1), 2, dtype=np.uint8), change], axis=1)

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    body = zlib.compress(lines.tobytes(), 6)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


class Drawing:
    """An SVG of ``width`` by ``height`` units; y runs down. What is drawn later lies on top."""

    def __init__(self, width: float, height: float, title: str) -> None:
        self.width, self.height, self.title = width, height, title
        self.labels: list[tuple[str, Box]] = []
        self._parts: list[str] = []
        self._kept_free: list[Box] = []

    def picture(self, pixels: npt.NDArray[np.uint8], box: Box) -> None:
        """A raster in a box (left, top, right, bottom)."""
        left, top, right, bottom = box
        data = base64.b64encode(png(pixels)).decode("ascii")
        self._parts.append(
            f'<image x="{left:.2f}" y="{top:.2f}" width="{right - left:.2f}" height="{bottom - top:.2f}" '
            f'preserveAspectRatio="none" href="data:image/png;base64,{data}"/>'
        )

    def path(
        self,
        points: npt.ArrayLike,
        color: str,
        width: float,
        *,
        dash: tuple[float, ...] = (),
        closed: bool = False,
        fill: str = "none",
        opacity: float = 1.0,
        halo: str | None = None,
    ) -> None:
        """A polyline through points (N, 2); ``halo`` is a wider line of that colour beneath it."""
        places = np.asarray(points, dtype=np.float64)
        if len(places) < 2 or not np.all(np.isfinite(places)):
            return
        # One format for all points at once: outlines of slices have thousands.
        data = "M" + "L".join(["%.2f %.2f"] * len(places)) % tuple(places.ravel().tolist()) + ("Z" if closed else "")
        if halo is not None:
            self._parts.append(
                f'<path d="{data}" fill="none" stroke="{halo}" stroke-width="{width + 1.6:.2f}" stroke-opacity="0.55"/>'
            )
        dashes = f' stroke-dasharray="{" ".join(f"{d:g}" for d in dash)}"' if dash else ""
        self._parts.append(
            f'<path d="{data}" fill="{fill}" fill-opacity="{opacity:g}" stroke="{color}" stroke-width="{width:.2f}"'
            f' stroke-linejoin="round"{dashes}/>'
        )

    def dot(self, at: FloatArray, radius: float, fill: str, edge: str) -> None:
        """A filled circle with an edge."""
        self._parts.append(
            f'<circle cx="{at[0]:.2f}" cy="{at[1]:.2f}" r="{radius:.2f}" fill="{fill}" stroke="{edge}"'
            f' stroke-width="1.6"/>'
        )

    def keep_free(self, box: Box) -> None:
        """Labels placed later keep out of this box."""
        self._kept_free.append(box)

    def text(
        self,
        x: float,
        y: float,
        words: str,
        *,
        size: float = 11.0,
        color: str = "#FFFFFF",
        halo: str | None = "#000000",
        bold: bool = False,
        anchor: str = "start",
    ) -> None:
        """Words with their baseline at y; ``anchor`` start, middle or end at x."""
        box = text_box(x, y, words, size, bold=bold, anchor=anchor)
        self.labels.append((words, box))
        self._kept_free.append(box)
        weight = ' font-weight="bold"' if bold else ""
        style = (
            f' paint-order="stroke" stroke="{halo}" stroke-width="{0.16 * size:.2f}" stroke-linejoin="round"'
            if halo
            else ""
        )
        self._parts.append(
            f'<text x="{x:.2f}" y="{y:.2f}" font-family="{FONTS}" font-size="{size:g}"{weight} fill="{color}"'
            f' text-anchor="{anchor}"{style}>{escape(words)}</text>'
        )

    def label(
        self,
        at: FloatArray,
        words: str,
        *,
        gap: float = 8.0,
        size: float = 11.0,
        toward: FloatArray | None = None,
        **style: object,
    ) -> None:
        """Words beside a point, where they cover no other label and stay in the drawing; a thin line leads there.

        ``toward`` (2,) is the side that is tried first; else the right one.
        """
        places: tuple[tuple[int, int], ...] = PLACES
        if toward is not None:
            places = tuple(sorted(PLACES, key=lambda p: -float(np.dot(p, toward)) / float(np.hypot(*p))))
        bold = bool(style.get("bold", False))
        width = len(words) * size * (BOLD_CHARACTER_WIDTH if bold else CHARACTER_WIDTH)
        for reach in (1.0, 2.0, 3.5, 5.5, 8.0):
            for right, down in places:
                x = float(at[0]) + right * gap * reach
                y = float(at[1]) + down * (gap * reach + 0.3 * size) + 0.36 * size
                anchor = "start" if right > 0 else "end" if right < 0 else "middle"
                if self._free(text_box(x, y, words, size, bold=bold, anchor=anchor)):
                    if reach > 1.0:
                        end = np.array([x, y - 0.36 * size])
                        self.path([at, end], str(style.get("color", "#FFFFFF")), 0.8)
                    self.text(x, y, words, size=size, anchor=anchor, **style)  # type: ignore[arg-type]
                    return
        # Nowhere free: at the point, kept inside, rather than lost.
        x = min(max(float(at[0]), 0.5 * width + 2), self.width - 0.5 * width - 2)
        self.text(x, min(max(float(at[1]), size), self.height - 4), words, size=size, anchor="middle", **style)  # type: ignore[arg-type]

    def _free(self, box: Box) -> bool:
        if box[0] < 2 or box[1] < 2 or box[2] > self.width - 2 or box[3] > self.height - 2:
            return False
        return not any(overlap(box, other) for other in self._kept_free)

    def __str__(self) -> str:
        body = "\n".join(self._parts)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width:g} {self.height:g}" role="img">'
            f"<title>{escape(self.title)}</title>\n{body}\n</svg>"
        )


def text_box(x: float, y: float, words: str, size: float, *, bold: bool = False, anchor: str = "start") -> Box:
    """Left, top, right and bottom of a line of text at most."""
    width = len(words) * size * (BOLD_CHARACTER_WIDTH if bold else CHARACTER_WIDTH)
    left = x - {"start": 0.0, "middle": 0.5, "end": 1.0}[anchor] * width
    return left, y - 0.8 * size, left + width, y + 0.25 * size


def overlap(a: Box, b: Box) -> bool:
    """Whether two boxes share an area."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
