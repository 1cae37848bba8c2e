"""``tradeoff``: what more removed costs in perforations, from the safest tunnels to those that remove most."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from corecore.document.fields import MAY_BE_ABSENT, Fraction, Part, Vector


class TradeoffTunnelPart(Part, frozen=True):
    """One tunnel of a set on the curve; its size is the plan's, of an existing tunnel its own."""

    entry: Annotated[Vector, Meta(description="Entry, RAS mm")]
    tip: Annotated[Vector, Meta(description="Tip, RAS mm")]


class TradeoffPart(Part, frozen=True):
    """A point of the curve: tunnels that none on it both exceeds in removal and undercuts in perforation."""

    removed_fraction: Annotated[Fraction, Meta(description="Share of the lesion by the target of the search, 0 to 1")]
    perforation_probability: Annotated[
        Fraction, Meta(description="Cortex or joint perforated by the plan's guidance method, 0 to 1")
    ]
    entry: Annotated[Vector, Meta(description="Entry of the first tunnel, RAS mm")]
    tip: Annotated[Vector, Meta(description="Tip of the first tunnel, RAS mm")]
    clearance_p05_mm: Annotated[
        float | UnsetType, Meta(description="Clearance that 5 % of drillings stay under, mm"), MAY_BE_ABSENT
    ] = UNSET
    chosen: Annotated[bool, Meta(description="Whether it is the plan")] = False
    tunnels: Annotated[
        list[TradeoffTunnelPart] | UnsetType, Meta(description="Every tunnel of a set"), MAY_BE_ABSENT
    ] = UNSET
