"""Draw the definitions of ``docs/measures.md``: ``python docs/draw_measures.py`` writes docs/images/*.svg."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Arc, Circle, Polygon, Wedge

FOLDER = Path(__file__).resolve().parent / "images"
INK, BONE, DEAD, LOAD, MARK = "#222222", "#E8DFCF", "#B5542B", "#1F6FB2", "#5A5A5A"


def main() -> None:
    """Write every picture."""
    plt.rcParams.update({"font.size": 9, "svg.hashsalt": "corecore", "font.family": "DejaVu Sans"})
    FOLDER.mkdir(exist_ok=True)
    for name, panels in {
        "head": [("sphere, and cuts 0.4, 0.5, 0.6 R from C", cuts), ("octants", octants)],
        "load": [
            ("weight-bearing zone, 55° about the pole", cap),
            ("necrotic share of the zone, least bone", cap_share),
        ],
        "angles": [("mid-coronal arc", coronal), ("mid-sagittal arc", sagittal)],
        "edges": [("anterior necrotic angle", anterior), ("preserved angles", preserved)],
        "place": [("JIC: thirds of the weight-bearing surface", jic), ("pillars, 30 : 40 : 30 of the width", pillars)],
        "turns": [("rotation and tilt: the cap stays, the head turns", turned), ("reamed dome", reamed)],
    }.items():
        draw(name, panels)


def draw(name: str, panels: list[tuple[str, Callable[[Axes], None]]]) -> None:
    """One picture of panels side by side."""
    figure, axes = plt.subplots(1, len(panels), figsize=(4.2 * len(panels), 3.9), layout="constrained")
    for ax, (title, paint) in zip(np.atleast_1d(axes), panels, strict=True):
        paint(ax)
        ax.set(xlim=(-1.75, 1.75), ylim=(-1.55, 1.5), aspect="equal", title=title)
        ax.axis("off")
    figure.savefig(FOLDER / f"{name}.svg", metadata={"Date": None})
    plt.close(figure)


def unit(degrees: float) -> np.ndarray:
    """Direction at an angle from straight up, positive to the right (lateral of a right hip seen from behind it)."""
    return np.array([np.sin(np.radians(degrees)), np.cos(np.radians(degrees))])


def head(ax: Axes, left: str = "medial", right: str = "lateral", *, neck: bool = True) -> None:
    """Head, centre and, lateral and down, a stub of neck."""
    if neck:
        ax.add_patch(Polygon([[0.15, -0.95], [1.15, -1.5], [1.6, -0.85], [0.9, 0.1]], color=BONE, ec="none"))
    ax.add_patch(Circle((0, 0), 1, fc=BONE, ec=INK, lw=1.2))
    ax.plot(0, 0, "k+", ms=7)
    ax.text(-0.04, -0.13, "C", ha="right")
    ax.text(-1.7, -1.5, left, color=MARK)
    ax.text(1.7, -1.5, right, color=MARK, ha="right")


def dead(ax: Axes, first: float, last: float, depth: float = 0.45) -> None:
    """A lesion under the surface between two angles from straight up."""
    ax.add_patch(Wedge((0, 0), 1, 90 - last, 90 - first, width=depth, fc=DEAD, ec="none", alpha=0.85))


def ray(ax: Axes, degrees: float, label: str = "", *, length: float = 1.2, color: str = INK) -> None:
    """A line from the centre, with a word at its end."""
    end = unit(degrees) * length
    ax.plot([0, end[0]], [0, end[1]], color=color, lw=1.1)
    if label:
        place = unit(degrees) * (length + 0.08)
        ax.text(*place, label, color=color, ha="center" if abs(place[0]) < 0.3 else "left" if place[0] > 0 else "right")


def angle(ax: Axes, first: float, last: float, label: str, *, size: float = 0.7, color: str = INK) -> None:
    """An angle about the centre."""
    ax.add_patch(Arc((0, 0), size, size, theta1=90 - last, theta2=90 - first, color=color, lw=1.1))
    ax.text(*(unit((first + last) / 2) * (size / 2 + 0.13)), label, ha="center", va="center", color=color)


def cuts(ax: Axes) -> None:
    """The three planes across the neck's axis."""
    head(ax)
    neck = unit(-53.0)
    across = np.array([neck[1], -neck[0]])
    for cut, style in ((0.4, ":"), (0.5, "-"), (0.6, "--")):
        middle = -cut * neck
        ends = np.array([middle - 1.15 * across, middle + 1.15 * across])
        ax.plot(*ends.T, style, color=LOAD, lw=1.3)
        ax.text(*(ends[1] + [0.02, (0.5 - cut) * 1.6 + 0.02]), f"{cut} R", color=LOAD, ha="left")
    ax.annotate("", xy=0.9 * neck, xytext=-1.3 * neck, arrowprops={"arrowstyle": "->", "color": MARK})
    ax.text(*(0.62 * neck + [0.1, 0.12]), "neck axis", color=MARK, ha="center")


def octants(ax: Axes) -> None:
    """Quarters of the mid-coronal plane; each has an anterior and a posterior half."""
    head(ax)
    ax.plot([-1.15, 1.15], [0, 0], color=LOAD, lw=1)
    ax.plot([0, 0], [-1.15, 1.15], color=LOAD, lw=1)
    for x, m in ((-0.5, "M"), (0.5, "L")):
        for y, s in ((0.4, "S"), (-0.5, "I")):
            ax.text(x, y, f"A{s}{m}\nP{s}{m}", ha="center", va="center")


def cap(ax: Axes) -> None:
    """The cap about the gait pole."""
    head(ax)
    ax.add_patch(Wedge((0, 0), 1.0, 90 + 16 - 55, 90 + 16 + 55, width=0.06, fc=LOAD, ec="none"))
    for side in (-71.0, 39.0):
        ray(ax, side, color=LOAD, length=1.1)
    ray(ax, -15.7, color=LOAD)
    ax.text(-0.36, 1.22, "gait", color=LOAD, ha="center")
    ray(ax, -23.7, "rising", color=MARK, length=1.18)
    ray(ax, 0.0, length=1.35)
    ax.text(0.05, 1.25, "shaft axis")
    angle(ax, -15.7, 39.0, "55°", color=LOAD, size=0.9)


def cap_share(ax: Axes) -> None:
    """Rays of the cap that meet lesion within 5 mm of the surface."""
    head(ax)
    ax.add_patch(Wedge((0, 0), 1.0, 90 + 16 - 55, 90 + 16 + 55, width=0.06, fc=LOAD, ec="none"))
    ax.add_patch(Wedge((0, 0), 0.93, 60, 110, width=0.45, fc=DEAD, ec="none", alpha=0.85))
    ax.add_patch(Arc((0, 0), 1.58, 1.58, theta1=0, theta2=180, color=MARK, lw=0.8, ls=":"))
    ax.text(0.0, -0.45, "dotted: 5 mm below\nthe surface", color=MARK, fontsize=8, ha="center")
    for degrees in np.arange(-71, 40, 5):
        met = -20 <= degrees <= 30
        end = unit(degrees)
        ax.plot([0.79 * end[0], 1.06 * end[0]], [0.79 * end[1], 1.06 * end[1]], color=DEAD if met else LOAD, lw=1)
    ax.annotate("depth", xy=unit(5) * 0.93, xytext=(0.35, 1.25), arrowprops={"arrowstyle": "->"}, ha="left")


def coronal(ax: Axes) -> None:
    """Kerboul's coronal arc, A of the index."""
    head(ax)
    dead(ax, -30, 35)
    ray(ax, -30)
    ray(ax, 35)
    angle(ax, -30, 35, "A")


def sagittal(ax: Axes) -> None:
    """Kerboul's sagittal arc, B of the index."""
    head(ax, "posterior", "anterior", neck=False)
    dead(ax, -15, 70)
    ray(ax, -15)
    ray(ax, 70)
    angle(ax, -15, 70, "B")


def anterior(ax: Axes) -> None:
    """The plane of the neck's axis, seen from above."""
    head(ax, "posterior", "anterior", neck=False)
    ax.add_patch(Polygon([[-0.55, -0.85], [0.55, -0.85], [0.5, -1.5], [-0.5, -1.5]], color=BONE, ec="none"))
    dead(ax, -5, 62)
    ray(ax, 0, "neck axis prolonged")
    ax.plot([0, 0], [0, -1.5], color=MARK, ls=":")
    ray(ax, 62, "front edge")
    angle(ax, 0, 62, "angle", size=0.95)


def preserved(ax: Axes) -> None:
    """From the lesion's edge to where the head ends."""
    head(ax)
    dead(ax, -30, 30)
    ray(ax, 30, "edge")
    ray(ax, 83, "head ends\n(0.5 R plane)", length=1.05)
    angle(ax, 30, 83, "LPA", size=0.95)


def jic(ax: Axes) -> None:
    """Edge E, teardrop T, bisector, P and the thirds."""
    head(ax)
    edge, middle, radius = 36.0, -39.0, 1.14
    ax.add_patch(Arc((0, 0), 2 * radius, 2 * radius, theta1=90 - edge, theta2=190, color=INK, lw=2.2))
    e, t = unit(edge) * radius, np.array([-0.93, -0.72])
    ax.plot(*e, "o", color=INK, ms=4)
    ax.text(e[0] + 0.06, e[1], "E")
    ax.plot(*t, "o", color=INK, ms=4)
    ax.text(t[0] - 0.08, t[1] - 0.12, "T", ha="right")
    ax.plot([e[0], t[0]], [e[1], t[1]], color=MARK, lw=0.9)
    p = unit(middle) * radius
    ax.plot([(e[0] + t[0]) / 2, p[0] * 1.15], [(e[1] + t[1]) / 2, p[1] * 1.15], color=MARK, ls=":")
    ax.text(p[0] * 1.2, p[1] * 1.22, "P", ha="right")
    for degrees in (middle, -14.0, 11.0, edge):
        ray(ax, degrees, length=1.08, color=LOAD)
    for degrees, text in ((-26.5, "A"), (-1.5, "B"), (23.5, "C1"), (52.0, "C2")):
        ax.text(*(unit(degrees) * 0.82), text, ha="center", va="center", color=LOAD, weight="bold")


def pillars(ax: Axes) -> None:
    """Three strips of the head's width in the mid-coronal plane."""
    head(ax)
    for x in (-0.4, 0.4):
        ax.plot([x, x], [-1.1, 1.1], color=LOAD)
    for x, text in ((-0.69, "medial"), (0.0, "central"), (0.69, "lateral")):
        ax.text(x, 0.3, text, ha="center", color=LOAD, fontsize=8)


def turned(ax: Axes) -> None:
    """A varus tilt."""
    head(ax)
    ax.add_patch(Wedge((0, 0), 1.12, 90 + 16 - 55, 90 + 16 + 55, width=0.06, fc=LOAD, ec="none"))
    dead(ax, -20, 40)
    ax.add_patch(Wedge((0, 0), 1, 90 + 5, 90 + 65, width=0.45, fill=False, ec=DEAD, ls="--", lw=1.2))
    ax.annotate(
        "varus +", xy=unit(-45) * 1.33, xytext=unit(20) * 1.33,
        arrowprops={"arrowstyle": "->", "connectionstyle": "arc3,rad=0.3"}, ha="left",
    )  # fmt: skip


def reamed(ax: Axes) -> None:
    """The dome after reaming, with its necrotic part."""
    head(ax)
    ax.add_patch(Circle((0, 0), 0.79, fill=False, ec=LOAD, lw=1.6))
    dead(ax, -20, 35, 0.5)
    neck = unit(-53.0)
    across = np.array([neck[1], -neck[0]])
    ax.plot(*np.array([-1.1 * across, 1.1 * across]).T, color=LOAD, ls=":")
    ax.text(*(neck * 0.35), "dome", color=LOAD, ha="center")
    ax.annotate("", xy=unit(-90) * 0.79, xytext=unit(-90), arrowprops={"arrowstyle": "<->"})
    ax.text(-1.05, 0.05, "reaming", ha="right", fontsize=8)


if __name__ == "__main__":
    main()
