"""A drawn population has the spread of its sources, its scans what they promise, and any worker the same bytes."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from corecore.app.cli import main
from corecore.base.errors import InputError
from corecore.base.grid import FloatArray, Grid, transform
from corecore.io.nifti import read_volume
from corecore.study.phantom.femur import Femur
from corecore.study.phantom.files import truth_text
from corecore.study.phantom.hip import DRAWN_FRACTION, DRAWN_KINDS, HipRecipe, make_hip
from corecore.study.phantom.image import _averaged
from corecore.study.phantom.lesion import ANTEROSUPERIOR
from corecore.study.phantom.population import PIXEL_MM, SLICE_MM, TIMES, Population, write_drawn
from corecore.study.phantom.relief import Relief
from corecore.study.phantom.sampling import level_on_grid
from corecore.study.phantom.shape import FemurShape

PEOPLE = 1200
#: Least probability at which a drawn sample counts as of its distribution.
LEAST = 0.001
COARSE = HipRecipe(spacing_mm=(1.5, 1.5, 1.5), shaft_below_mm=40.0, seed=3)


@pytest.fixture(scope="module")
def people() -> list[HipRecipe]:
    population = Population(scan="drawn", images="both")
    return [population.recipe(seed) for seed in range(PEOPLE)]


def test_people_are_of_both_sexes_and_sides_in_the_size_of_their_sex(people: list[HipRecipe]) -> None:
    for name, value in (("sex", "male"), ("side", "left")):
        share = np.mean([getattr(one, name) == value for one in people])
        assert share == pytest.approx(0.5, abs=3.5 * 0.5 / np.sqrt(PEOPLE))
    # "Determination of sex from femora", 170 German femora; anteversion PMC4775021, 1070 femora.
    for sex, head, turn in (("male", 49.0, 12.1), ("female", 44.0, 16.4)):
        shapes = [one.shape for one in people if one.sex == sex]
        assert np.mean([s.head_diameter_mm for s in shapes]) == pytest.approx(head, abs=0.5)
        assert np.std([s.head_diameter_mm for s in shapes]) == pytest.approx(3.0, rel=0.13)
        assert np.mean([s.anteversion_deg for s in shapes]) == pytest.approx(turn, abs=1.2)
    # Carmona, 628 patients.
    assert np.mean([one.shape.neck_shaft_angle_deg for one in people]) == pytest.approx(124.7, abs=0.7)
    assert np.mean([one.shape.offset_mm for one in people]) == pytest.approx(42.9, abs=0.7)


def test_necroses_have_the_size_the_place_and_the_forms_they_should(people: list[HipRecipe]) -> None:
    shares = np.log([one.sphere_fraction for one in people])
    low, high = np.log(DRAWN_FRACTION)
    assert stats.kstest(shares, stats.uniform(low, high - low).cdf).pvalue > LEAST
    middle = np.mean([np.array(one.direction) / np.linalg.norm(one.direction) for one in people], axis=0)
    aim = np.array(ANTEROSUPERIOR) / np.linalg.norm(ANTEROSUPERIOR)
    assert np.degrees(np.arccos(middle @ aim / np.linalg.norm(middle))) < 2.0
    found = Counter(one.lesion for one in people)
    for kind, share in DRAWN_KINDS.items():
        # Large two-foci lesions that would meet are drawn as lenses.
        assert found[kind] / PEOPLE == pytest.approx(share, abs=0.05), kind


def test_scans_have_slices_of_every_thickness_and_half_are_oblique(people: list[HipRecipe]) -> None:
    for spacing, turn in (("spacing_mm", "grid_turn_deg"), ("mr_spacing_mm", "mr_turn_deg")):
        edges = np.array([getattr(one, spacing) for one in people])
        counts = np.array([[np.count_nonzero(row == value) for value in row] for row in edges])
        assert set(counts.ravel()) <= {1, 2}  # two edges within the slice are one
        thick = np.log(edges[counts == 1])
        low, high = np.log(SLICE_MM)
        assert stats.kstest(thick, stats.uniform(low, high - low).cdf).pvalue > LEAST
        pixels = edges[counts == 2]
        assert PIXEL_MM[0] <= pixels.min() < 0.5
        assert 0.9 < pixels.max() <= PIXEL_MM[1]
        turned = np.array([any(getattr(one, turn)) for one in people])
        assert turned.mean() == pytest.approx(0.5, abs=0.05)
    for name in ("noise", "blur"):
        values = [getattr(one, name) for one in people]
        assert TIMES[0] <= min(values) < 0.6
        assert 1.8 < max(values) <= TIMES[1]


def test_a_bone_is_the_same_however_it_is_scanned() -> None:
    plain = Population(relief_mm=0.0).recipe(7)
    assert plain == HipRecipe.drawn(7)
    drawn = Population(scan="drawn", images="both").recipe(7)
    assert (drawn.shape, drawn.lesion, drawn.direction, drawn.pose) == (
        plain.shape, plain.lesion, plain.direction, plain.pose,
    )  # fmt: skip
    assert drawn.relief == Population().recipe(7).relief
    assert drawn.spacing_mm != plain.spacing_mm
    assert Population(sex="female", side="left").recipe(7).sex == "female"
    assert Population(sex="female", side="left").recipe(7).side == "left"


def _surface_points(count: int) -> FloatArray:
    """Points all over the default femur's surface away from the head: along rays from a line within."""
    femur, rng = Femur(FemurShape()), np.random.default_rng(1)
    low, high = femur.shape.lesser_trochanter_height_mm - 70.0, femur.shape.lesser_trochanter_height_mm - 15.0
    inside = np.stack([np.full(count, c) for c in femur.shaft_point[:2]] + [rng.uniform(low, high, count)], axis=1)
    angle = rng.uniform(0.0, 2.0 * np.pi, count)
    ray = np.stack([np.cos(angle), np.sin(angle), np.zeros(count)], axis=1)
    near, far = np.zeros(count), np.full(count, 40.0)
    for _ in range(40):
        middle = 0.5 * (near + far)
        bone = femur.level_mm(inside + middle[:, None] * ray) > 0.0
        near, far = np.where(bone, middle, near), np.where(bone, far, middle)
    return np.asarray(inside + near[:, None] * ray)


def test_relief_moves_the_surface_by_as_much_as_it_says_and_smoothly() -> None:
    points = _surface_points(200)
    moves = np.array([Femur(FemurShape(), Relief(0.5, 16.0, seed)).level_mm(points) for seed in range(200)])
    assert moves.std() == pytest.approx(0.5, rel=0.1)
    assert abs(moves.mean()) < 0.05
    # Over a grain the field is exp(-1/2) like itself; over a tenth of one it is the same.
    one = [Relief(0.5, 16.0, seed) for seed in range(200)]
    at = np.zeros((3, 3))
    at[1, 0], at[2, 0] = 1.6, 16.0
    values = np.array([relief.level_mm(at) for relief in one])
    correlation = np.corrcoef(values.T)[0]
    assert correlation[1] > 0.98
    assert correlation[2] == pytest.approx(np.exp(-0.5), abs=0.15)


def test_relief_leaves_the_head_and_the_tips_where_they_are() -> None:
    shape = FemurShape()
    plain, rough = Femur(shape), Femur(shape, Relief(1.0, 12.0, 5))
    unit: FloatArray = np.random.default_rng(2).standard_normal((500, 3))
    sphere: FloatArray = shape.head_radius_mm * unit / np.linalg.norm(unit, axis=1, keepdims=True)
    assert np.allclose(plain.level_mm(sphere), rough.level_mm(sphere), rtol=0.0, atol=1e-9)
    wider: FloatArray = np.multiply(1.15, sphere)
    outside = wider[plain.level_mm(wider) > -5.0]
    assert np.abs(plain.level_mm(outside) - rough.level_mm(outside)).max() > 0.1
    for tip in (plain.lesser_trochanter_tip, plain.greater_trochanter_tip):
        assert rough.level_mm(tip[None])[0] == plain.level_mm(tip[None])[0]


@pytest.mark.parametrize("seed", range(3))
def test_blocks_skipped_whole_hide_no_relief(seed: int) -> None:
    femur = Femur(FemurShape(), Relief(0.8, 12.0, seed))
    matrix = np.diag([1.6, 1.6, 1.6, 1.0])
    matrix[:3, 3] = (-45.0, -40.0, -90.0)
    shape = (72, 50, 75)
    points = transform(matrix, np.indices(shape).reshape(3, -1).T)
    dense = femur.level_mm(points).reshape(shape) > 0.0
    assert np.array_equal(level_on_grid(femur.level_mm, matrix, shape) > 0.0, dense)


def test_a_rough_bone_is_told_and_another() -> None:
    plain, rough = make_hip(COARSE), make_hip(replace(COARSE, relief=Relief(0.8)))
    recipes = [json.loads(truth_text(hip))["recipe"] for hip in (plain, rough)]
    assert "relief" not in recipes[0]
    assert recipes[1]["relief"] == {"sd_mm": 0.8, "grain_mm": 16.0, "seed": 0}
    for key in ("head_center", "lesser_trochanter_tip", "greater_trochanter_tip", "lesion"):
        assert getattr(plain.truth, key) == getattr(rough.truth, key)
    assert plain.truth.smallest_neck_section != rough.truth.smallest_neck_section
    assert rough.femur.volume_ml == pytest.approx(plain.femur.volume_ml, rel=0.05)
    assert rough.femur.volume_ml != plain.femur.volume_ml


def test_a_thick_slice_is_the_mean_across_it() -> None:
    matrix = np.diag([0.7, 4.0, 1.0, 1.0])
    matrix[:3, 3] = (5.0, -3.0, 2.0)
    grid = Grid((4, 5, 6), matrix)

    def bowl(fine: Grid) -> FloatArray:
        points = transform(fine.world_from_index, np.indices(fine.shape).reshape(3, -1).T)
        return np.asarray((points[:, 0] + points[:, 1] ** 2).reshape(fine.shape))

    # Three slices of 4/3 mm in each of 4 mm: the square's mean is higher by their variance.
    assert _averaged(bowl, grid) == pytest.approx(bowl(grid) + (4.0 / 3.0) ** 2 * 2.0 / 3.0)
    thin = Grid((4, 5, 6), np.diag([0.7, 1.5, 1.0, 1.0]))
    assert np.array_equal(_averaged(bowl, thin), bowl(thin))


def test_noise_and_blur_do_what_they_say() -> None:
    plain = replace(COARSE, spacing_mm=(2.5, 2.5, 2.5), ct=True)
    times = ((0.0, 1.0), (2.0, 1.0), (0.0, 3.0))
    sharp, noisy, soft = (make_hip(replace(plain, noise=noise, blur=blur)).ct for noise, blur in times)
    assert sharp is not None
    assert noisy is not None
    assert soft is not None
    assert (noisy.values - sharp.values).std() == pytest.approx(28.0, rel=0.02)
    assert np.abs(np.diff(soft.values, axis=0)).max() < 0.8 * np.abs(np.diff(sharp.values, axis=0)).max()


@pytest.mark.slow
def test_any_number_of_workers_writes_the_same_bytes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    population = Population(scan="drawn")
    for seed in (64, 65):  # of thick slices, and quick
        write_drawn(population, tmp_path / "alone", seed)
    options = ["--scan", "drawn", "--n", "2", "--seed", "64", "--workers", "2"]
    assert main(["synth", "--out", str(tmp_path / "two"), *options, "--json"]) == 0
    written = [Path(path) for path in json.loads(capsys.readouterr().out)["written"]]
    assert len(written) == 4
    for path in written:
        assert path.read_bytes() == (tmp_path / "alone" / path.name).read_bytes()
    _, grid = read_volume(tmp_path / "two" / "hip_000064.nii.gz")
    truth = json.loads((tmp_path / "two" / "hip_000064_truth.json").read_text())
    assert grid.spacing_mm == pytest.approx(truth["recipe"]["spacing_mm"], rel=1e-5)


def test_what_cannot_be_drawn_is_refused() -> None:
    for options, word in (
        ({"scan": "coarse"}, "scan"), ({"images": "pet"}, "images"), ({"sex": "x"}, "sex"), ({"side": "both"}, "side"),
        ({"relief_mm": 9.0}, "relief"), ({"relief_mm": float("nan")}, "relief"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=word):
            replace(Population(), **options)
    for relief in (dict[str, Any](sd_mm=0.0), dict[str, Any](grain_mm=1.0)):
        with pytest.raises(InputError, match="relief"):
            replace(Relief(), **relief)
    with pytest.raises(InputError, match="noise"):
        HipRecipe(noise=-1.0)
