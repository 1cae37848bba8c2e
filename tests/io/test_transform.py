"""Transforms in every form: carried the way ITK carries points, and refused where they are not rigid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813  (its own custom)

from corecore.base.errors import InputError
from corecore.base.grid import transform
from corecore.io.transform import read_rigid

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
