"""``corecore instruments``: what a tunnel may be drilled with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from corecore.app.cli import DONE
from corecore.app.cli.options import AsJson
from corecore.base.instrument import Instrument, find_instrument, library, read_instruments

HEAD = ("name", "mm", "end", "pin", "cavity, mm", "stop", "source")


def instruments(
    wanted: Annotated[
        str | None, typer.Argument(metavar="[NAME|FILE]", help="One of them, or a TOML file of your own.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """List the supplied instruments, or those of a TOML file, with their sizes and sources."""
    found = _found(wanted)
    if as_json:
        content = [one.as_dict() for one in found]
        typer.echo(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False))
        return DONE
    rows = [HEAD, *(_cells(one) for one in found)]
    widths = [max(len(row[k]) for row in rows) for k in range(len(HEAD))]
    for row in rows:
        typer.echo("  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())
    return DONE


def _found(wanted: str | None) -> list[Instrument]:
    if wanted is None:
        return list(library().values())
    if wanted.lower().endswith(".toml"):
        return list(read_instruments(Path(wanted)).values())
    return [find_instrument(wanted)]


def _cells(one: Instrument) -> tuple[str, ...]:
    shapes = {"cone": f"cone {one.tip_angle_deg:g}°", "round": "round", "flat": "flat"}
    diameters = [*(step.diameter_mm for step in one.steps), one.diameter_mm]
    pin = f"{one.pin_diameter_mm:g} mm, {one.pin_overshoot_mm:g} ahead" if one.pin_diameter_mm else "-"
    cavity = f"{one.cavity_diameter_mm:g} x {one.cavity_length_mm:g}" if one.cavity_diameter_mm else "-"
    source = one.source + (f"; unconfirmed: {one.unconfirmed}" if one.unconfirmed else "")
    sizes = "/".join(f"{diameter:g}" for diameter in diameters)
    return one.name, sizes, shapes[one.tip], pin, cavity, "yes" if one.depth_stop else "-", source
