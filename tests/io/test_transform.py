"""Transforms in every form: carried the way ITK carries points, and refused where they are not rigid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813  (its own custom)

from corecore.base.errors import InputError
from corecore.base.grid import FloatArray, Grid, transform
from corecore.io.transform import parse_kind, read_rigid, read_transform

POINTS = np.random.default_rng(2).uniform(-120, 120, (20, 3))
TURN = sitk.Euler3DTransform((1, 2, 3), 0.1, -0.2, 0.3, (4, 5, 6))


def affine() -> Any:
    result = sitk.AffineTransform(3)
    result.SetMatrix(TURN.GetMatrix())
    result.SetTranslation((-3, 8, 12))
    result.SetCenter((7, 8, 9))
    return result


def versor() -> Any:
    result = sitk.VersorRigid3DTransform()
    result.SetCenter((10, -20, 30))
    result.SetRotation((0.6, 0.0, 0.8), 0.4)
    result.SetTranslation((3, 2, 1))
    return result


def zyx() -> Any:
    result = sitk.Euler3DTransform(TURN)
    result.SetComputeZYX(True)
    return result


KINDS: dict[str, Any] = {
    "euler": lambda: TURN,
    "zyx": zyx,
    "affine": affine,
    "versor": versor,
    "shift": lambda: sitk.TranslationTransform(3, (1, -2, 30)),
    "composite": lambda: sitk.CompositeTransform([TURN, versor(), sitk.TranslationTransform(3, (1, -2, 30))]),
}


@pytest.mark.parametrize("ending", ["tfm", "txt", "mat"])
@pytest.mark.parametrize("kind", list(KINDS))
def test_points_go_back_the_way_itk_carries_them(tmp_path: Path, kind: str, ending: str) -> None:
    if kind == "composite" and ending == "mat":
        pytest.skip("ITK writes no composite in that form")
    itk = KINDS[kind]()
    path = tmp_path / f"t.{ending}"
    sitk.WriteTransform(itk, str(path))
    world_from_lesion = read_rigid(path)
    flip = np.array([-1.0, -1.0, 1.0])
    lesion = np.array([itk.TransformPoint((p * flip).tolist()) for p in POINTS]) * flip
    assert np.max(np.abs(transform(world_from_lesion, lesion) - POINTS)) < 1e-8


def test_hdf5_says_the_same(tmp_path: Path) -> None:
    for name in ("h5", "tfm"):
        sitk.WriteTransform(KINDS["composite"](), str(tmp_path / f"t.{name}"))
    assert np.allclose(read_rigid(tmp_path / "t.h5"), read_rigid(tmp_path / "t.tfm"), atol=1e-9)


@pytest.mark.parametrize("form", ["{}", "[{}]", "{} # no"])
def test_a_plain_matrix_leads_from_the_lesion_to_the_femur_in_ras(tmp_path: Path, form: str) -> None:
    matrix = np.eye(4)
    matrix[:3, :3] = np.array(TURN.GetMatrix()).reshape(3, 3)
    matrix[:3, 3] = [5, -6, 7]
    path = tmp_path / "m.txt"
    path.write_text(form.format("\n".join(", ".join(repr(float(v)) for v in row) for row in matrix)))
    if "#" in form:
        with pytest.raises(InputError, match="sixteen numbers"):
            read_rigid(path)
    else:
        assert np.allclose(read_rigid(path), matrix, atol=1e-12)


@pytest.mark.parametrize("femur_runs_left", [True, False])
@pytest.mark.parametrize("lesion_runs_left", [True, False])
def test_a_matrix_of_flirts_leads_voxels_to_voxels(
    tmp_path: Path, femur_runs_left: bool, lesion_runs_left: bool
) -> None:
    """By FSL's own words: a voxel times its size, counted from the array's other end where it runs left to right."""

    def grid(shape: tuple[int, int, int], sizes: list[float], runs_left: bool, turn: Any) -> Grid:
        matrix = np.diag([*sizes, 1.0])
        matrix[0, 0] *= -1.0 if runs_left else 1.0
        matrix[:3, :3] = np.array(turn.GetMatrix()).reshape(3, 3) @ matrix[:3, :3]
        matrix[:3, 3] = [12.0, -34.0, 56.0]
        return Grid(shape, matrix)

    def counted(index: FloatArray, of: Grid, runs_left: bool) -> FloatArray:
        i = index[:, 0] if runs_left else of.shape[0] - 1 - index[:, 0]
        return np.column_stack([i, index[:, 1], index[:, 2]]) * of.spacing_mm

    femur = grid((50, 40, 30), [0.8, 0.9, 1.5], femur_runs_left, TURN)
    lesion = grid((31, 44, 25), [1.0, 0.7, 3.0], lesion_runs_left, sitk.Euler3DTransform())
    flirt = np.eye(4)
    flirt[:3, :3] = np.array(TURN.GetMatrix()).reshape(3, 3)
    flirt[:3, 3] = [3.0, -2.0, 5.0]
    path = tmp_path / "flirt.mat"
    np.savetxt(path, flirt)
    # Pairs of voxels, by FLIRT's meaning of its matrix alone.
    into = np.random.default_rng(1).uniform(0, 25, (50, 3))
    reached = transform(flirt, counted(into, lesion, lesion_runs_left)) / femur.spacing_mm
    if not femur_runs_left:
        reached[:, 0] = femur.shape[0] - 1 - reached[:, 0]
    found = read_transform(path, "flirt", (femur, lesion))
    assert (found.kind, found.assumed) == ("flirt", False)
    carried = transform(found.world_from_lesion, transform(lesion.world_from_index, into))
    assert np.max(np.abs(carried - transform(femur.world_from_index, reached))) < 1e-9
    # Read as a matrix it says another thing.
    other = read_transform(path, "matrix").world_from_lesion
    assert np.max(np.abs(other - found.world_from_lesion)) > 1.0


def test_a_transform_says_what_it_is(tmp_path: Path) -> None:
    for name in ("m.txt", "m.mat"):
        np.savetxt(tmp_path / name, np.eye(4))
    sitk.WriteTransform(TURN, str(tmp_path / "t.tfm"))
    assert read_transform(tmp_path / "m.txt").assumed
    assert not read_transform(tmp_path / "m.txt", "matrix").assumed
    assert read_transform(tmp_path / "m.mat", "matrix").kind == "matrix"
    assert read_transform(tmp_path / "t.tfm").kind == read_transform(tmp_path / "t.tfm", "itk").kind == "itk"
    for name, kind, code in (
        ("m.mat", None, "transform-kind"), ("m.txt", "itk", "transform-kind"), ("t.tfm", "matrix", "transform-kind"),
        ("t.tfm", "flirt", "transform-kind"), ("m.mat", "flirt", "option-missing"),
    ):  # fmt: skip
        with pytest.raises(InputError) as caught:
            read_transform(tmp_path / name, kind)  # type: ignore[arg-type]
        assert caught.value.code == code
    with pytest.raises(InputError, match="itk, matrix or flirt"):
        parse_kind("ants")


def scaled() -> Any:
    result = sitk.AffineTransform(3)
    result.Scale(1.01)
    return result


def mirrored() -> Any:
    result = sitk.AffineTransform(3)
    result.Scale((-1.0, 1.0, 1.0))
    return result


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (scaled, "changes lengths or angles by 0.99 %"),
        (mirrored, "mirrors"),
        (lambda: sitk.ScaleTransform(3), "rigid transform in three dimensions"),
        (lambda: sitk.BSplineTransform(3), "rigid transform in three dimensions"),
        (lambda: sitk.Euler2DTransform(), "rigid transform in three dimensions"),
    ],
)
def test_what_is_not_rigid_is_refused(tmp_path: Path, make: Any, word: str) -> None:
    path = tmp_path / "t.tfm"
    sitk.WriteTransform(make(), str(path))
    with pytest.raises(InputError, match=word):
        read_rigid(path)


def test_mutated_transforms_end_in_one_line_or_are_rigid(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    path = tmp_path / "t"
    for ending in ("tfm", "mat"):
        sitk.WriteTransform(affine(), str(tmp_path / f"t.{ending}"))
        good = (tmp_path / f"t.{ending}").read_bytes()
        for _ in range(300):
            data = bytearray(good[: int(rng.integers(1, len(good) + 1))])
            for at in rng.integers(0, len(data), 3):
                data[at] ^= 1 << int(rng.integers(8))
            path.write_bytes(bytes(data))
            try:
                matrix = read_rigid(path)
            except InputError as error:
                told = str(error)
            else:
                told = ""
                assert np.allclose(matrix[:3, :3].T @ matrix[:3, :3], np.eye(3), atol=1e-9)
            assert "\n" not in told


def test_a_broken_hdf5_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.h5"
    sitk.WriteTransform(TURN, str(path))
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(InputError, match=r"not a transform|broke off"):
        read_rigid(path)
