"""Files that cannot be read, or do not say what they must: a recipe for each message."""

from __future__ import annotations

import gzip
import os

import nibabel as nib
import numpy as np
import pytest

from corecore.base.errors import CorecoreError
from corecore.base.grid import Grid, Mask
from corecore.base.mesh import TriangleMesh
from support.message_kit import CT, SAMPLE, Kit, beyond, command, cube, sample


@command("file-missing")
def _(kit: Kit) -> list[str]:
    return kit.measure(f"{kit.folder / 'nothing.nii.gz'}:1")


@command("file-unreadable")
def _(kit: Kit) -> list[str]:
    os.mkfifo(kit.folder / "pipe.nii.gz")
    return kit.measure(f"{kit.folder / 'pipe.nii.gz'}:1")


@command("file-damaged")
def _(kit: Kit) -> list[str]:
    path = kit.folder / "torn.nii.gz"
    path.write_bytes(SAMPLE.read_bytes()[:4000])
    return kit.measure(f"{path}:1")


@command("file-kind")
def _(kit: Kit) -> list[str]:
    return kit.measure(kit.text("letter.nii", "Dear colleague, " * 40))


@command("file-too-large")
def _(kit: Kit) -> list[str]:
    header = nib.Nifti1Header()
    header.set_data_dtype(np.uint8)
    header.set_data_shape((30000, 30000, 30000))
    header.set_sform(np.eye(4), code=1)
    header["vox_offset"] = 352
    path = kit.folder / "huge.nii.gz"
    path.write_bytes(gzip.compress(header.binaryblock + bytes(4) + bytes(1000)))
    return kit.measure(f"{path}:1")


@command("folder-too-large")
def _(kit: Kit) -> list[str]:
    kit.patch.setattr("corecore.io.folder_search.MAX_FILES", 3)
    folder = kit.folder / "many"
    folder.mkdir()
    for number in range(4):
        (folder / f"{number}.nii.gz").touch()
    return kit.measure(folder)


@command("folder-unclear")
def _(kit: Kit) -> list[str]:
    (kit.folder / "empty").mkdir()
    return kit.measure(kit.folder / "empty")


@command("header-invalid")
def _(kit: Kit) -> list[str]:
    text = (
        "NRRD0004\ntype: uchar\ndimension: 3\nsizes: 2 2 2\nspace: left-posterior-superior\n"
        "space directions: (1,0,0) (0,1,0) (0,0,1)\nspace origin: (0,0,0)\nencoding: hex\n\n0101010101010101"
    )
    return kit.measure(f"{kit.text('hex.nrrd', text)}:1")


@command("volume-shape")
def _(kit: Kit) -> list[str]:
    return kit.measure(f"{kit.nifti('film.nii.gz', np.ones((4, 4, 4, 3), dtype=np.uint8))}:1")


@command("volume-truncated")
def _(kit: Kit) -> list[str]:
    path = kit.nifti("short.nii", cube())
    path.write_bytes(path.read_bytes()[:-100])
    return kit.measure(f"{path}:1")


@command("unit-not-mm")
def _(kit: Kit) -> list[str]:
    image = nib.Nifti1Image(cube(), np.eye(4))
    image.header.set_xyzt_units("meter")
    nib.save(image, kit.folder / "metres.nii.gz")
    return kit.measure(f"{kit.folder / 'metres.nii.gz'}:1")


@command("voxel-size")
def _(kit: Kit) -> list[str]:
    return kit.measure(f"{kit.nifti('fine.nii.gz', cube(), np.diag([1e-3, 1e-3, 1e-3, 1.0]))}:1")


@command("affine-invalid")
def _(kit: Kit) -> list[str]:
    image = nib.Nifti1Image(cube(), None)
    image.header.set_sform(None, code=0)
    image.header.set_qform(None, code=0)
    nib.save(image, kit.folder / "nowhere.nii.gz")
    return kit.measure(f"{kit.folder / 'nowhere.nii.gz'}:1")


@command("affine-sheared")
def _(kit: Kit) -> list[str]:
    affine = np.eye(4)
    affine[0, 1] = 0.3
    return kit.measure(f"{kit.nifti('slanted.nii.gz', cube(), affine)}:1")


@command("values-not-whole")
def _(kit: Kit) -> list[str]:
    return kit.measure(f"{kit.nifti('image.nii.gz', cube().astype(np.float32) / 2 - 0.25)}:1")


@command("mask-not-binary")
def _(kit: Kit) -> list[str]:
    return kit.measure(f"{kit.nifti('soft.nii.gz', cube().astype(np.float32) / 2)}:1")


@command("values-not-finite")
def _(kit: Kit) -> list[str]:
    values = cube().astype(np.float32)
    values[0, 0, 0] = np.nan
    return kit.measure(f"{kit.nifti('nan.nii.gz', values)}:1")


@command("mask-empty")
def _(kit: Kit) -> list[str]:
    return kit.measure(kit.nifti("none.nii.gz", np.zeros((8, 8, 8), dtype=np.uint8)))


@command("label-needed")
def _(kit: Kit) -> list[str]:
    return kit.measure(SAMPLE)


@command("label-unknown")
def _(kit: Kit) -> list[str]:
    return kit.measure(f"{SAMPLE}:7")


@command("same-mask")
def _(kit: Kit) -> list[str]:
    return kit.measure(f"{SAMPLE}:2")


@command("lesion-too-small")
def _(kit: Kit) -> list[str]:
    values, affine = sample()
    specks = np.zeros_like(values)
    specks[tuple(np.argwhere(values == 2)[0])] = 1
    return kit.measure(f"{SAMPLE}:1", kit.nifti("specks.nii.gz", specks, affine))


@command("slices-missing")
def _(kit: Kit) -> list[str]:
    values, affine = sample()
    thinned = (values == 2).astype(np.uint8)
    thinned[:, 1::2] = 0
    return kit.measure(f"{SAMPLE}:1", kit.nifti("thinned.nii.gz", thinned, affine))


@command("series-not-single")
def _(kit: Kit) -> list[str]:
    files = pytest.importorskip("support.format_files")
    files.dicom_series(kit.folder / "ct", np.zeros((8, 8, 4), dtype=np.int16), np.eye(4))
    return kit.of_sample("--image", next((kit.folder / "ct").iterdir()))


def _series_spoilt(kit: Kit, **changed: object) -> list[str]:
    """A series on the sample's grid, each slice changed."""
    files = pytest.importorskip("support.format_files")
    for dataset in files.dicom_series(kit.folder / "ct", np.zeros((8, 8, 4), dtype=np.int16), np.eye(4)):
        for name, value in changed.items():
            setattr(dataset, name, value)
        path = next(p for p in (kit.folder / "ct").iterdir() if dataset.SOPInstanceUID.encode() in p.read_bytes())
        dataset.save_as(path, enforce_file_format=True)
    return kit.of_sample("--image", kit.folder / "ct")


@command("slices-uneven")
def _(kit: Kit) -> list[str]:
    arguments = _series_spoilt(kit)
    # Slices 0 and 1 stay, and 3.
    (kit.folder / "ct" / f"IM{2 * 7919 % 10007:05d}").unlink()
    return arguments


@command("dicom-invalid")
def _(kit: Kit) -> list[str]:
    return _series_spoilt(kit, ImageOrientationPatient=["1", "0", "0", "1", "0", "0"])


@command("dicom-packing")
def _(kit: Kit) -> list[str]:
    return _series_spoilt(kit, PhotometricInterpretation="PALETTE COLOR")


@command("segmenter-failed")
def _(kit: Kit) -> list[str]:
    files = pytest.importorskip("support.format_files")
    files.dicom_series(kit.folder / "ct", np.zeros((8, 8, 4), dtype=np.int16), np.eye(4))
    program = kit.text("TotalSegmentator", "#!/bin/sh\nexit 3\n")
    program.chmod(0o755)
    kit.patch.setenv("PATH", f"{kit.folder}{os.pathsep}/bin")
    return ["prepare", str(kit.folder / "ct"), "--out", str(kit.folder / "case")]


@command("contours-unusable")
def _(kit: Kit) -> list[str]:
    files = pytest.importorskip("support.format_files")
    series = files.dicom_series(kit.folder / "ct", np.zeros((8, 8, 4), dtype=np.int16), np.eye(4))
    line = np.array([[1.0, 1.0, 0.0], [4.0, 1.0, 0.0], [4.0, 4.0, 0.0]])
    path = files.rtstruct_of(kit.folder / "ct" / "rt.dcm", {"femur": [line]}, series, "OPEN_PLANAR")
    return kit.measure(f"{path}:femur")


@command("contours-cross")
def _(kit: Kit) -> list[str]:
    files = pytest.importorskip("support.format_files")
    series = files.dicom_series(kit.folder / "ct", np.zeros((8, 8, 4), dtype=np.int16), np.eye(4))
    line = np.array([[-0.5, -0.5, 0.0], [-6.5, -6.5, 0.0], [-6.5, -0.5, 0.0], [-0.5, -6.5, 0.0]])
    return kit.measure(f"{files.rtstruct_of(kit.folder / 'ct' / 'rt.dcm', {'femur': [line]}, series)}:femur")


@command("contours-without-series")
def _(kit: Kit) -> list[str]:
    files = pytest.importorskip("support.format_files")
    series = files.dicom_series(kit.folder / "ct", np.zeros((8, 8, 4), dtype=np.int16), np.eye(4))
    (kit.folder / "alone").mkdir()
    line = np.array([[1.0, 1.0, 0.0], [4.0, 1.0, 0.0], [4.0, 4.0, 0.0]])
    path = files.rtstruct_of(kit.folder / "alone" / "rt.dcm", {"femur": [line]}, series)
    return kit.measure(f"{path}:femur")


@command("series-mismatch")
def _(kit: Kit) -> list[str]:
    files = pytest.importorskip("support.format_files")
    files.dicom_series(kit.folder / "ct", np.zeros((8, 8, 4), dtype=np.int16), np.eye(4))
    more = ["--series", str(kit.folder / "ct"), "--identity", "none"]
    return ["export", str(kit.plan()), "--to", "dicom", "--out", str(kit.folder / "dicom"), *more]


@command("transform-unreadable")
def _(kit: Kit) -> list[str]:
    return _moved(kit, "carry it a little to the left")


@command("transform-not-rigid")
def _(kit: Kit) -> list[str]:
    return _moved(kit, "2 0 0 0\n0 2 0 0\n0 0 2 0\n0 0 0 1\n")


@command("transform-kind")
def _(kit: Kit) -> list[str]:
    return _moved(kit, "1 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 1\n", name="flirt.mat")


@command("transform-in-doubt")
def _(kit: Kit) -> list[str]:
    return _moved(kit, "1 0 0 0\n0 1 0 0\n0 0 1 -1\n0 0 0 1\n")


@command("transform-direction")
def _(kit: Kit) -> list[str]:
    # The lesion's world lies 60 mm higher; this carries it up once more.
    return _moved(kit, "1 0 0 0\n0 1 0 0\n0 0 1 60\n0 0 0 1\n", up_mm=60.0)


def _moved(kit: Kit, text: str, up_mm: float = 0.0, name: str = "t.txt") -> list[str]:
    values, affine = sample()
    affine = affine.copy()
    affine[2, 3] += up_mm
    lesion = kit.nifti("lesion.nii.gz", (values == 2).astype(np.uint8), affine)
    femur = kit.nifti("femur.nii.gz", (values > 0).astype(np.uint8), sample()[1])
    return kit.measure(femur, lesion, "--lesion-transform", kit.text(name, text))


@command("registration-failed")
def _(kit: Kit) -> list[str]:
    values, affine = sample()
    lesion = kit.nifti("lesion.nii.gz", (values == 2).astype(np.uint8), affine)
    away = np.asarray(affine).copy()
    away[:3, 3] += 900.0
    other = kit.nifti("mr.nii.gz", np.zeros((20, 20, 20), dtype=np.int16), away)
    return kit.measure(f"{SAMPLE}:1", lesion, "--image", CT, "--lesion-image", other, "--register")


@command("image-misses-femur", slow=True)
def _(kit: Kit) -> list[str]:
    away = np.eye(4)
    away[:3, 3] = 2000.0
    image = kit.nifti("ct.nii.gz", np.zeros((20, 20, 20), dtype=np.int16), away)
    return kit.assess("--image", image)


@beyond("grid-mismatch")
def _(kit: Kit) -> str:
    with pytest.raises(CorecoreError) as caught:
        Mask(Grid((3, 3, 3), np.eye(4)), np.zeros((2, 2, 2), dtype=bool))
    return caught.value.code


@beyond("geometry-invalid")
def _(kit: Kit) -> str:
    with pytest.raises(CorecoreError) as caught:
        TriangleMesh(np.full((3, 3), np.nan), np.array([[0, 1, 2]]))
    return caught.value.code
