"""The body of an instrument against closed forms, counted points and its own outline."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from corecore.base.body import Body, body_of, plain_body
from corecore.base.grid import FloatArray
from corecore.base.instrument import Instrument, Step, library

LENGTH = 80.0
#: Each a shape of its own: its volume in a tunnel of 80 mm by the formulas of solid geometry.
SHAPES: dict[str, tuple[Instrument, float]] = {
    "cylinder": (Instrument("a", "a", 10.0), math.pi * 25 * 80),
    "cone of 118°": (
        Instrument("a", "a", 4.5, "cone", 118.0),
        math.pi * 2.25**2 * (80 - 2 / 3 * 2.25 / math.tan(math.radians(59))),
    ),
    "cone of 60°": (
        Instrument("a", "a", 10.0, "cone", 60.0), math.pi * 25 * (80 - 2 / 3 * 5 * math.sqrt(3)),
    ),
    "ball": (Instrument("a", "a", 10.0, "round"), math.pi * 25 * 75 + 2 / 3 * math.pi * 125),
    "steps": (
        Instrument("a", "a", 10.0, steps=(Step(10.0, 4.0), Step(25.0, 7.0))),
        math.pi * (4 * 10 + 3.5**2 * 15 + 25 * 55),
    ),
    "pointed step": (
        Instrument("a", "a", 9.0, "cone", 90.0, (Step(12.0, 6.0),)),
        math.pi * (9 * 3 / 3 + 9 * 9 + 4.5**2 * 68),
    ),
    "pin ahead of a flat end": (
        Instrument("a", "a", 10.0, pin_diameter_mm=3.2, pin_overshoot_mm=6.0),
        math.pi * (25 * 80 + 1.6**2 * 6),
    ),
    # The pin to where the cone is as wide, then the cone's rest.
    "pin ahead of a cone": (
        Instrument("a", "a", 10.0, "cone", 90.0, pin_diameter_mm=4.0, pin_overshoot_mm=3.0),
        math.pi * (4 * 5 + (125 - 8) / 3 + 25 * 75),
    ),
    # Likewise of a ball: its cap of height 1 is the pin's.
    "pin ahead of a ball": (
        Instrument("a", "a", 10.0, "round", pin_diameter_mm=6.0, pin_overshoot_mm=3.0),
        math.pi * (9 * 4 + (2 / 3 * 125 - (5 - 1 / 3)) + 25 * 75),
    ),
    "cavity": (
        Instrument("a", "a", 9.0, cavity_diameter_mm=21.0, cavity_length_mm=20.0),
        math.pi * (10.5**2 * 20 + 4.5**2 * 60),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SHAPES)
def test_volumes_are_those_of_solid_geometry(name: str) -> None:
    instrument, volume = SHAPES[name]
    assert body_of(instrument).volume_mm3(LENGTH) == pytest.approx(volume, rel=1e-9)


def counted_mm3(body: Body, length: float, spacing: float = 0.03) -> float:
    """Rings of a raster of the half-plane that the body contains by a place in each, anywhere in it; mm³."""
    back, across = np.arange(body.front_mm - 1.0, length + 1.0, spacing), np.arange(0.0, body.widest_mm + 1.0, spacing)
    a, b = (g.ravel() for g in np.meshgrid(back, across, indexing="ij"))
    anywhere = np.random.default_rng(1).uniform(0.0, spacing, (2, len(a)))
    a, b = a + anywhere[0], b + anywhere[1]
    inside = body.contains(a, b, length)
    return float((2 * np.pi * b[inside]).sum() * spacing**2)


@pytest.mark.parametrize("name", SHAPES)
def test_points_counted_inside_make_the_same_volume(name: str) -> None:
    """Half a percent is asked for; the raster gives a tenth."""
    instrument, volume = SHAPES[name]
    assert counted_mm3(body_of(instrument), LENGTH) == pytest.approx(volume, rel=0.001)


@pytest.mark.parametrize("name", SHAPES)
def test_the_outline_encloses_the_same_volume(name: str) -> None:
    instrument, volume = SHAPES[name]
    outline = body_of(instrument).meridian(LENGTH)
    back, radius = outline[:, 0], outline[:, 1]
    a, b = radius[:-1], radius[1:]
    enclosed = float(np.sum(np.pi * np.diff(back) * (a * a + a * b + b * b) / 3.0))
    assert enclosed == pytest.approx(volume, rel=0.005)
    assert radius[0] == 0.0
    assert np.hypot(np.diff(back), np.diff(radius)).max() <= 0.2 + 1e-9


def nearest(outline: FloatArray, back: FloatArray, across: FloatArray) -> FloatArray:
    away = np.hypot(back[:, None] - outline[None, :, 0], across[:, None] - outline[None, :, 1])
    return np.asarray(away.min(axis=1))


@pytest.mark.parametrize("name", SHAPES)
def test_distances_are_those_to_the_outline(name: str) -> None:
    """And none inside, up to what lies between two points of it."""
    body = body_of(SHAPES[name][0])
    rng = np.random.default_rng(3)
    back, across = rng.uniform(body.front_mm - 6.0, LENGTH - 1.0, 1500), rng.uniform(0.0, body.widest_mm + 6.0, 1500)
    found, inside = body.distance(back, across, LENGTH), body.contains(back, across, LENGTH)
    assert np.array_equal(found == 0.0, inside)
    away = nearest(body.meridian(LENGTH, 0.05), back[~inside], across[~inside])
    assert np.abs(found[~inside] - away).max() < 0.03


def test_a_cavity_longer_than_the_tunnel_ends_at_the_entry() -> None:
    body = plain_body(9.0, 21.0, 20.0)
    assert body.volume_mm3(12.0) == pytest.approx(math.pi * 10.5**2 * 12)
    assert body.volume_mm3(80.0) == pytest.approx(SHAPES["cavity"][1])


@pytest.mark.parametrize(
    ("head_diameter", "head_length", "access_diameter", "access_length"),
    [(21.0, 20.0, 9.0, 70.0), (15.0, 15.0, 9.0, 85.0), (18.0, 25.0, 10.0, 60.0)],
)
def test_an_expandable_reamer_takes_the_two_cylinders_of_the_graft_sheet(
    head_diameter: float, head_length: float, access_diameter: float, access_length: float
) -> None:
    """Bergemann 2025 (PMC11874654) takes the defect for two cylinders: of the opened reamer, and of the way to it."""
    sheet = math.pi / 4 * (head_diameter**2 * head_length + access_diameter**2 * access_length)
    reamer = Instrument(
        "a", "a", access_diameter, cavity_diameter_mm=head_diameter, cavity_length_mm=head_length
    )  # fmt: skip
    assert body_of(reamer).volume_mm3(head_length + access_length) == pytest.approx(sheet, rel=0.02)
    assert counted_mm3(body_of(reamer), head_length + access_length) == pytest.approx(sheet, rel=0.02)


def test_every_instrument_of_the_library_has_a_body_as_wide_as_it_says() -> None:
    for instrument in library().values():
        body = body_of(instrument)
        assert body.shaft_radius_mm == instrument.diameter_mm / 2
        assert body.widest_mm == max(instrument.diameter_mm, instrument.cavity_diameter_mm) / 2
        assert body.front_mm == -instrument.pin_overshoot_mm
        # Pieces join without a gap.
        for before, after in pairwise(body.pieces):
            assert before.back_mm == after.front_mm
