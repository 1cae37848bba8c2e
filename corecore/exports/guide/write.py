"""A plan's guide as files: STL and 3MF for the printer, a page for whoever uses it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from corecore.base.errors import InputError, OutputError
from corecore.document.stamp import Provenance
from corecore.exports.guide.design import Design
from corecore.exports.guide.make import Guide, make_guide
from corecore.exports.guide.solids import library
from corecore.exports.opened import open_for_export
from corecore.io.files import atomic_write_text, staged_folder
from corecore.io.stl import NOTE_LENGTH, read_stl, write_stl
from corecore.io.threemf import Body, write_3mf


def guide_plan(
    plan_file: Path,
    out: Path,
    *,
    accept_violations: str | None = None,
    tunnels: Sequence[int] | None = None,
    sizes: Mapping[str, float | str] | None = None,
    overwrite: bool = False,
) -> tuple[Guide, Provenance, list[Path]]:
    """Make a plan's guide and write ``out`` (.stl) with a .3mf and a .txt beside it, all or none.

    ``tunnels`` (1 and up) are those that get a sleeve, by default all; ``sizes`` replace those of ``Design``.
    Returns guide, identity and paths. Raises ``InputError`` as ``corecore.exports.opened.open_for_export`` and
    ``make_guide``, and for a tunnel that the plan has not; ``OutputError`` for what is there already.
    """
    if out.suffix.lower() != ".stl":
        raise InputError(f"{out}: a name ending in .stl is accepted for a guide", code="output-name")
    paths = [out, out.with_suffix(".3mf"), out.with_suffix(".txt")]
    there = [path for path in paths if path.exists()]
    if there and (not overwrite or any(path.is_dir() for path in there)):
        raise OutputError(
            f"{there[0]}: is there already; choose another name, or give --overwrite", code="output-exists"
        )
    design = Design().with_values(sizes or {})
    # Told before the hip is built again, which takes seconds.
    library()
    plan, stamp = open_for_export(plan_file, accept_violations)
    count = len(plan.tunnels)
    wanted = sorted(set(tunnels or range(1, count + 1)))
    strange = [number for number in wanted if not 1 <= number <= count]
    if strange:
        raise InputError(
            f"--tunnel {strange[0]}: the plan has {count}; 1 to {count} is accepted", code="tunnel-unknown"
        )
    guide = make_guide(plan.hip, [plan.tunnels[number - 1][0] for number in wanted], stamp, design, numbers=wanted)
    text = page(guide, stamp, design)
    with staged_folder(out.parent) as stage:
        write_stl(guide.mesh, stage / out.name, note=stamp.header(NOTE_LENGTH))
        if not read_stl(stage / out.name).is_closed:
            raise InputError(
                "the guide as written is not watertight; another guided_mm or plate_mm may be", code="guide-unbuildable"
            )
        title = f"Drill guide, {stamp.who}"
        write_3mf([Body("drill guide", guide.mesh)], stage / paths[1].name, title=title, description=_one_line(text))
        atomic_write_text(stage / paths[2].name, text)
    return guide, stamp, paths


def page(guide: Guide, stamp: Provenance, design: Design) -> str:
    """What goes with a guide: whose it is, how deep to drill, what was measured."""
    lines = [f"DRILL GUIDE: {stamp.text()}", ""]
    for sleeve in guide.sleeves:
        lines += [
            f"Tunnel {sleeve.tunnel}: drill of {sleeve.drill_mm:g} mm, stop at {sleeve.stop_mm:.1f} mm of drill from"
            f" the sleeve's top to the tip: sleeve {sleeve.sleeve_mm:.1f} mm + tunnel {sleeve.tunnel_mm:.1f} mm.",
            f"  bore {sleeve.bore_mm:.2f} mm, guided over {sleeve.guided_mm:.1f} mm: a drill can lean"
            f" {sleeve.play_deg:.2f}° in it; axis {sleeve.axis_off_mm:.3f} mm and {sleeve.axis_off_deg:.3f}° off the"
            " tunnel, measured on the mesh.",
        ]
    slip = f"{guide.slip_mm:.1f} mm" + (f" ({guide.slip_deg:.1f}°)" if guide.slip_deg > 0.0 else "")
    lines += [
        "",
        f"Seat: touches {guide.contact_mm2:.0f} mm² of bone with a gap of {design.clearance_mm:g} mm. It holds least"
        f" against {guide.hold.weakest}: 1 mm of it opens the seat by {guide.hold.stability:.2f} mm,"
        f" and {slip} of it use up the gap.",
        f"Thinnest wall {guide.wall_mm:.2f} mm; "
        + (
            f"nearest to the bone {-guide.bone_mm:.2f} mm."
            if guide.bone_mm <= 0
            else f"reaches {guide.bone_mm:.2f} mm into the bone."
        ),
        "The bare bone must be as it was imaged: soft tissue and bony spurs under the seat lift the guide.",
        "Check the seat and the drill's way by fluoroscopy before drilling. Not validated clinically.",
        "",
    ]
    return "\n".join(lines)


def _one_line(text: str) -> str:
    return "Frame: LPS, mm. " + " ".join(text.split())
