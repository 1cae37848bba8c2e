"""From a tunnel under the hand to the best one near it: the search's own climb, under every limit."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from corecore.base.errors import InputError
from corecore.planning.explain import space_beside
from corecore.planning.manual import NEAR_MM
from corecore.planning.search.local_search import best_near
from corecore.review.model import ReviewModel
from corecore.review.session import Line, Move, Session, after

#: Nearer than this to a tunnel that keeps every limit is no other place, mm (engineering choice: the climb's grain).
SAME_MM = 0.3


def best_move(desk: ReviewModel, session: Session, number: int) -> Move:
    """The move to the tunnel that removes most of those within ``NEAR_MM`` that keep every limit, the others standing.

    Raises ``InputError`` where there is none, or none better.
    """
    if not 0 <= number < len(session.lines):
        raise InputError(f"tunnel {number}; 0 to {len(session.lines) - 1} is accepted", code="review-refused")
    line, hip = session.lines[number], desk.hip
    tunnels = [tunnel for tunnel, _ in desk.drilled(session.lines)]
    path, others = tunnels[number], tunnels[:number] + tunnels[number + 1 :]
    spec = desk.spec.with_sizes(line.diameter_mm, line.cavity_diameter_mm, line.cavity_length_mm)
    rest = hip
    if others:
        # What the others take already is nothing gained.
        held = desk.taken(session.lines[:number] + session.lines[number + 1 :])
        if held.all():
            raise InputError(
                "the other tunnels remove all of the necrosis; nothing is left to gain",
                code="review-refused",
            )
        rest = replace(hip, lesion=hip.lesion.kept(~held))
    near = best_near(rest, spec, path, reach_mm=NEAR_MM, allowed=space_beside(hip, spec, path, others))
    none = f"no tunnel within {NEAR_MM:g} mm of this one is within every limit; nothing was moved"
    if near is None:
        raise InputError(none, code="review-refused")
    entry, tip = (np.round(hip.to_world(point), 4).tolist() for point in (near.tunnel.entry, near.tunnel.tip))
    move = Move(number, tuple(entry), tuple(tip))
    # Rounded as it is kept, and beside the others, it is judged like any other.
    if desk.broken(desk.drilled(after(session, move))):
        raise InputError(none, code="review-refused")
    keeps = not desk.broken(desk.drilled(session.lines))
    if keeps and max(math.dist(a, b) for a, b in zip(_ends(desk, line), (entry, tip), strict=True)) < SAME_MM:
        raise InputError(
            f"of those found within {NEAR_MM:g} mm this tunnel is already the best; nothing was moved",
            code="review-refused",
        )
    return move


def _ends(desk: ReviewModel, line: Line) -> list[list[float]]:
    ((tunnel, _),) = desk.drilled([line])
    return [desk.hip.to_world(point).tolist() for point in (tunnel.entry, tunnel.tip)]
