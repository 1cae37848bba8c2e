"""The review's session: N moves and N undos end where they began; what is said of tunnels lapses when they move."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corecore.base.errors import InputError
from corecore.review.session import (
    LENGTH_MM,
    TUNNELS_MAX,
    Accept,
    Add,
    Line,
    Move,
    Nudge,
    Redo,
    Remove,
    Resize,
    Room,
    Select,
    Session,
    SignOff,
    Take,
    Undo,
    after,
    apply,
    axes,
)

ROOM = Room((-150.0, -150.0, -150.0), (150.0, 150.0, 150.0), "left", (0.0, 0.0, 1.0), (0.0, 1.0, 0.0))
FIRST = Line((60.0, 0.0, -40.0), (0.0, 5.0, 5.0), 10.0)
START = Session(ROOM, (FIRST, Line((62.0, 3.0, -30.0), (2.0, 0.0, 8.0), 3.2)))
SIGN = SignOff("A. Surgeon", "left", "2026-11-22", broken=False)

near = st.floats(-140, 140, allow_nan=False)
points = st.tuples(near, near, near)
numbers = st.integers(0, 2)
steps = st.floats(-8, 8, allow_nan=False)
moves = st.one_of(
    st.builds(Move, numbers, points, points),
    st.builds(Nudge, numbers, st.sampled_from(["entry", "tip", "both"]), steps, steps, steps),
    st.builds(Resize, numbers, st.floats(0.5, 25)),
    st.builds(lambda e, t: Add(Line(e, t, 3.2)), points, points),
    st.builds(Remove, numbers),
    st.builds(lambda e, t: Take((Line(e, t, 3.2), FIRST)), points, points),
)


def played(commands: list[object]) -> list[Session]:
    """Every session on the way; commands that cannot be leave it as it was."""
    sessions = [START]
    for command in commands:
        session = sessions[-1]
        try:
            sessions.append(apply(session, command, rev=session.rev))  # type: ignore[arg-type]
        except InputError:
            continue
    return sessions


@given(commands=st.lists(moves, max_size=12))
def test_as_many_undos_as_moves_end_where_they_began(commands: list[object]) -> None:
    sessions = played(commands)
    session = sessions[-1]
    for before in reversed(sessions[:-1]):
        session = apply(session, Undo(), rev=session.rev)
        assert session.lines == before.lines
    assert session.lines == START.lines
    with pytest.raises(InputError, match="nothing to undo"):
        apply(session, Undo(), rev=session.rev)
    for later in sessions[1:]:
        session = apply(session, Redo(), rev=session.rev)
        assert session.lines == later.lines
    with pytest.raises(InputError, match="nothing to redo"):
        apply(session, Redo(), rev=session.rev)


@given(commands=st.lists(st.one_of(moves, st.just(Undo()), st.just(Redo()), st.just(SIGN), st.builds(Select, numbers))))
def test_the_step_only_rises_and_a_signature_is_of_what_stands(commands: list[object]) -> None:
    sessions = played(commands)
    for before, now in pairwise(sessions):
        assert now.rev == before.rev + 1 or (now.rev == before.rev and now.lines == before.lines)
        if now.lines != before.lines:
            assert now.signed is None
            assert now.accepted is None
        if now.signed is not None:
            assert now.signed.rev == now.rev
        for line in now.lines:
            assert LENGTH_MM[0] <= math.dist(line.entry, line.tip) <= LENGTH_MM[1]
            assert 1.0 <= line.diameter_mm <= 20.0
        assert len(now.lines) <= TUNNELS_MAX
        assert now.selected is None or now.selected < len(now.lines)


def test_a_command_made_for_an_older_step_is_refused() -> None:
    now = apply(START, Resize(0, 8.0), rev=0)
    with pytest.raises(InputError, match="step 0 of the session, which is at 1"):
        apply(now, Resize(0, 9.0), rev=0)
    with pytest.raises(InputError, match="look again"):
        apply(now, SIGN, rev=0)


def test_a_drag_shows_and_does_not_commit() -> None:
    shown = after(START, Move(0, (61.0, 0, -40), (1.0, 5, 5)))
    assert shown[0].entry == (61.0, 0.0, -40.0)
    assert START.lines[0] == FIRST
    assert apply(START, Move(0, (61.0, 0, -40), (1.0, 5, 5)), rev=0).lines == shown


@given(inward=steps, up=steps, front=steps, end=st.sampled_from(["entry", "tip", "both"]))
def test_a_nudge_goes_along_the_tunnels_own_axes(inward: float, up: float, front: float, end: str) -> None:
    line = after(START, Nudge(0, end, inward, up, front))[0]  # type: ignore[arg-type]
    basis = np.stack(axes(ROOM, FIRST))
    assert basis @ basis.T == pytest.approx(np.eye(3), abs=1e-12)
    assert basis[1][2] > 0
    assert basis[2][1] > 0
    for name in ("entry", "tip"):
        moved = basis @ np.subtract(getattr(line, name), getattr(FIRST, name))
        wanted = [inward, up, front] if end in (name, "both") else [0, 0, 0]
        assert moved == pytest.approx(wanted, abs=2e-4)


def test_sign_off_needs_the_side_the_name_and_an_acceptance_of_what_is_broken() -> None:
    signed = apply(START, SIGN, rev=0)
    assert signed.signed is not None
    assert signed.signed.name == "A. Surgeon"
    for wrong in ("right", "", "l", "LEFT HIP"):
        with pytest.raises(InputError, match="LEFT hip"):
            apply(START, replace(SIGN, side_typed=wrong), rev=0)
    assert apply(START, replace(SIGN, side_typed=" LEFT "), rev=0).signed is not None
    with pytest.raises(InputError, match="1 to 80"):
        apply(START, replace(SIGN, name=" \n"), rev=0)
    with pytest.raises(InputError, match="a limit is exceeded"):
        apply(START, replace(SIGN, broken=True), rev=0)
    accepted = apply(START, Accept("two surgeons agreed"), rev=0)
    signed = apply(accepted, replace(SIGN, broken=True), rev=1)
    assert signed.signed is not None
    moved = apply(signed, Nudge(0, "tip", 0.1), rev=2)
    assert (moved.signed, moved.accepted) == (None, None)
    back = apply(moved, Undo(), rev=3)
    assert back.lines == signed.lines
    assert (back.signed, back.accepted) == (None, None), "undo does not sign"
    with pytest.raises(InputError, match="a limit is exceeded"):
        apply(back, replace(SIGN, broken=True), rev=4)
    # To look is not to move.
    assert apply(signed, Select(1), rev=2).signed == signed.signed


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (Move(2, (0, 0, 0), (50, 0, 0)), "tunnel 2"),
        (Move(0, (math.nan, 0, 0), (50, 0, 0)), "finite"),
        (Move(0, (0, 0), (50, 0, 0)), "three finite"),  # type: ignore[arg-type]
        (Move(0, (0, 0, 1e9), (50, 0, 0)), "outside the volume"),
        (Move(0, (0, 0, 0), (0.5, 0, 0)), "0.5 mm"),
        (Nudge(0, "both", math.inf), "nudge"),
        (Nudge(0, "left", 1.0), "entry, tip or both"),  # type: ignore[arg-type]
        (Resize(0, 0.0), "diameter_mm"),
        (Resize(0, True), "diameter_mm"),
        (Add(replace(FIRST, cavity_diameter_mm=-1.0)), "cavity_diameter_mm"),
        (Remove(-1), "tunnel -1"),
        (Take((FIRST,) * 17), "17 tunnels"),
        (Take((replace(FIRST, tip=FIRST.entry),)), "0.0 mm"),
        (Select(9), "tunnel 9"),
        (Accept(""), "the reason"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(command: object, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        apply(START, command, rev=0)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_there_is_an_end_to_adding() -> None:
    session = START
    for _ in range(TUNNELS_MAX - 2):
        session = apply(session, Add(FIRST), rev=session.rev)
    with pytest.raises(InputError, match="up to 16"):
        apply(session, Add(FIRST), rev=session.rev)
