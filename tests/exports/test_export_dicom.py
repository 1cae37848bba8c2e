"""DICOM exports, read back by highdicom and pydicom, on a series whose slices are oblique to world and masks."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace as replaced
from support import export_phantom as phantom
from support.ct_series import NAME, SPACING, make_series
from support.plan_factory import LESION_CENTER

from corecore.app.cli import main
from corecore.base.errors import InputError, OutputError
from corecore.base.grid import FloatArray
from corecore.base.spec import Spec
from corecore.document.content import content_of
from corecore.document.plan import OutputPart
from corecore.exports.dicom import export_dicom
from corecore.exports.export_context import ExportContext
from corecore.exports.formats import export_plan
from corecore.hip.case import fingerprint
from corecore.io.dicom.write import read_series
from corecore.io.stl import read_stl

pydicom = pytest.importorskip("pydicom")
highdicom = pytest.importorskip("highdicom")

PLACE_MM = 0.01
#: An odd number of bytes: DICOM pads it.
PDF = b"%PDF-1.7\nodd\n%%EOF\n"


@pytest.fixture(scope="module")
def parcel(tmp_path_factory: pytest.TempPathFactory) -> ExportContext:
    world = phantom.make_world()
    folder = tmp_path_factory.mktemp("plan")
    tunnels = [phantom.on_bone(world.hip, ends, d) for ends, d in zip(world.ends, (10.0, 3.2), strict=True)]
    phantom.write_by_hand(world.hip, tunnels, folder, spec=Spec(tunnels=2, entry_proximal_mm=26.0))
    return ExportContext.of(folder / "plan.json")


@pytest.fixture(scope="module")
def series(parcel: ExportContext, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_series(tmp_path_factory.mktemp("dicom") / "ct", parcel.hip)


@pytest.fixture(scope="module")
def kept(parcel: ExportContext, series: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out") / "keep"
    export_dicom(parcel, out, series=series, identity="keep")
    return out


def depth_in_cylinder(points: FloatArray, entry: FloatArray, tip: FloatArray, diameter: float) -> FloatArray:
    axis = (tip - entry) / np.linalg.norm(tip - entry)
    along = (points - entry) @ axis
    across = np.linalg.norm(points - entry - along[:, None] * axis, axis=1)
    ends = np.minimum(along, np.linalg.norm(tip - entry) - along)
    return np.asarray(np.minimum(diameter / 2 - across, ends))


def test_the_segmentation_holds_tunnels_and_lesion_where_the_plan_has_them(parcel: ExportContext, kept: Path) -> None:
    seg = highdicom.seg.segread(kept / "segmentation.dcm")
    assert seg.number_of_segments == 3
    content = content_of(parcel.plan.file.plan)
    for number, tunnel in enumerate(content["tunnels"], start=2):
        volume = seg.get_volume(segment_numbers=[number], combine_segments=False)
        voxels = volume.array[..., 0]
        index = np.argwhere(np.ones_like(voxels))
        points = (index @ volume.affine[:3, :3].T + volume.affine[:3, 3]) * [-1, -1, 1]
        depth = depth_in_cylinder(points, np.array(tunnel["entry"]), np.array(tunnel["tip"]), tunnel["diameter_mm"])
        flat = voxels.reshape(-1).astype(bool)
        # Frames without a voxel are left out of the file, so the volume may be shorter than the tunnel's box.
        assert np.all(flat[depth > PLACE_MM])
        assert not np.any(flat[depth < -PLACE_MM])
        expected = np.pi * tunnel["diameter_mm"] ** 2 / 4 * tunnel["length_mm"]
        # Voxels of a third of the thin tunnel's width count it to some per cent; each one's place is held above.
        assert flat.sum() * np.prod(SPACING) == pytest.approx(expected, rel=0.04)
    lesion = seg.get_volume(segment_numbers=[1], combine_segments=False)
    index = np.argwhere(lesion.array[..., 0])
    middle = (index @ lesion.affine[:3, :3].T + lesion.affine[:3, 3]).mean(axis=0) * [-1, -1, 1]
    truth = np.asarray(phantom.POSE.world(LESION_CENTER)) @ phantom.TURN.T
    assert np.linalg.norm(middle - truth) < 0.15
    assert len(index) * np.prod(SPACING) == pytest.approx(4 / 3 * np.pi * 9.0**3, rel=0.02)


def test_the_segments_say_what_they_are_and_of_which_side(kept: Path) -> None:
    seg = pydicom.dcmread(kept / "segmentation.dcm")
    names = [item.SegmentLabel for item in seg.SegmentSequence]
    assert names == ["necrosis", "tunnel 1", "tunnel 2"]
    assert seg.SegmentSequence[0].SegmentedPropertyTypeCodeSequence[0].CodeValue == "6574001"
    sides = {s.AnatomicRegionSequence[0].AnatomicRegionModifierSequence[0].CodeMeaning for s in seg.SegmentSequence}
    assert sides == {"Left"}
    assert "case ph 1; LEFT" in seg.ImageComments
    assert "not a medical device" in seg.ImageComments


def test_keep_ties_the_file_to_the_patients_study(series: Path, kept: Path) -> None:
    seg, source = pydicom.dcmread(kept / "segmentation.dcm"), pydicom.dcmread(series / "999.dcm")
    assert (str(seg.PatientName), seg.PatientID, seg.AccessionNumber) == (NAME, "HN-4711", "A1")
    assert seg.StudyInstanceUID == source.StudyInstanceUID
    assert seg.FrameOfReferenceUID == source.FrameOfReferenceUID
    assert seg.SeriesInstanceUID != source.SeriesInstanceUID
    named = {item.ReferencedSOPInstanceUID for item in seg.ReferencedSeriesSequence[0].ReferencedInstanceSequence}
    assert source.SOPInstanceUID in named


def test_none_tells_no_person_and_no_uid(parcel: ExportContext, series: Path, kept: Path, tmp_path: Path) -> None:
    stl = tmp_path / "guide.stl"
    stl.write_bytes((b"LPS mm".ljust(80) + (1).to_bytes(4, "little")) + np.zeros(12, "<f4").tobytes() + b"\0\0")
    export_dicom(parcel, tmp_path / "o", series=series, identity="none", guide=stl)
    told = [NAME, "Doe", "HN-4711", "19700101", "Clinic", "Roe", "20260102"]
    for path in series.glob("*.dcm"):
        image = pydicom.dcmread(path, stop_before_pixels=True)
        told += [str(image[name].value) for name in ("SOPInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID")]
    for name in ("segmentation.dcm", "guide.dcm"):
        data = (tmp_path / "o" / name).read_bytes()
        assert not [text for text in told if text.encode() in data]
        assert pydicom.dcmread(io.BytesIO(data)).PatientID == "ph 1"
    # The same search finds them where they were kept.
    data = (kept / "segmentation.dcm").read_bytes()
    assert all(text.encode() in data for text in (NAME, "HN-4711", "19700101", "20260102"))
    # Without the identity it lies in the same place.
    first, second = (highdicom.seg.segread(d / "segmentation.dcm").get_volume() for d in (tmp_path / "o", kept))
    assert np.allclose(first.affine, second.affine, atol=1e-6)
    assert np.array_equal(first.array, second.array)


def with_report(parcel: ExportContext, folder: Path, *, case: dict[str, object], pdf: bytes = PDF) -> ExportContext:
    """The same plan with a report beside it that it lists; ``case`` changes what it says of the case."""
    (folder / "report.pdf").write_bytes(pdf)
    file = parcel.plan.file
    outputs = [OutputPart(path="report.pdf", sha256=hashlib.sha256(PDF).hexdigest())]
    plan = replaced(file.plan, outputs=outputs, case=replaced(file.plan.case, **case))
    return replace(parcel, path=folder / "plan.json", plan=replace(parcel.plan, file=replace(file, plan=plan)))


@pytest.mark.parametrize(
    ("identity", "case", "burned_in"),
    [
        ("keep", {}, "YES"),
        ("none", {}, "YES"),
        ("none", {"id": "hash"}, "NO"),
        ("none", {"id": "hash", "surgeon": "A. Surgeon"}, "YES"),
        ("none", {"id": "hash", "operation_date": "2026-12-07"}, "YES"),
        ("none", {"id": "hash", "imaging_date": "2026-12-07"}, "YES"),
    ],
)
def test_the_report_is_packed_to_the_last_byte_and_says_whom_it_shows(
    parcel: ExportContext, series: Path, tmp_path: Path, identity: str, case: dict[str, object], burned_in: str
) -> None:
    if case.get("id") == "hash":
        case = {**case, "id": fingerprint(parcel.hip.case.femur, parcel.hip.case.lesion)}
    plan = with_report(parcel, tmp_path, case=case)
    names = [path.name for path in export_dicom(plan, tmp_path / "o", series=series, identity=identity)]
    assert names == ["segmentation.dcm", "report.dcm", "README.md"]
    made = pydicom.dcmread(tmp_path / "o" / "report.dcm")
    assert made.SOPClassUID.name == "Encapsulated PDF Storage"
    assert made.EncapsulatedDocument[: made.EncapsulatedDocumentLength] == PDF
    assert len(made.EncapsulatedDocument) % 2 == 0
    assert (made.MIMETypeOfEncapsulatedDocument, made.Modality) == ("application/pdf", "DOC")
    assert made.BurnedInAnnotation == burned_in
    assert made.ConceptNameCodeSequence[0].CodeMeaning == "Core decompression plan report"
    assert "not a medical device" in made.ImageComments
    source = pydicom.dcmread(series / "999.dcm")
    seg = pydicom.dcmread(tmp_path / "o" / "segmentation.dcm")
    assert (made.StudyInstanceUID == source.StudyInstanceUID) is (identity == "keep")
    for name in ("PatientName", "PatientID", "StudyInstanceUID"):
        assert getattr(made, name) == getattr(seg, name)
    if identity == "none":
        assert not str(made.PatientName)
        data = (tmp_path / "o" / "report.dcm").read_bytes()
        assert not [text for text in (NAME, "Doe", "HN-4711", "19700101") if text.encode() in data]


def test_a_report_that_is_not_the_plans_is_refused(parcel: ExportContext, series: Path, tmp_path: Path) -> None:
    plan = with_report(parcel, tmp_path, case={}, pdf=PDF + b"x")
    with pytest.raises(InputError, match="not the report that the plan lists"):
        export_dicom(plan, tmp_path / "o", series=series, identity="keep")
    assert not (tmp_path / "o").exists()


def test_a_guide_is_packed_to_the_last_byte(parcel: ExportContext, series: Path, tmp_path: Path) -> None:
    stl = tmp_path / "guide.stl"
    body = np.zeros(25, "<f4")
    body[3:12] = [-10, -20, 30, -11, -20, 30, -10, -21, 30]
    stl.write_bytes(b"LPS mm".ljust(80) + (1).to_bytes(4, "little") + body[:12].tobytes() + b"\0\0")
    export_dicom(parcel, tmp_path / "o", series=series, identity="keep", guide=stl)
    made = pydicom.dcmread(tmp_path / "o" / "guide.dcm")
    assert made.SOPClassUID == "1.2.840.10008.5.1.4.1.1.104.3"
    assert made.SOPClassUID.name == "Encapsulated STL Storage"
    data = made.EncapsulatedDocument[: made.EncapsulatedDocumentLength]
    assert data == stl.read_bytes()
    (tmp_path / "back.stl").write_bytes(data)
    assert np.allclose(read_stl(tmp_path / "back.stl").corners_mm[0, 0], [10, 20, 30])
    assert made.MIMETypeOfEncapsulatedDocument == "model/stl"
    assert made.MeasurementUnitsCodeSequence[0].CodeValue == "mm"
    assert made.FrameOfReferenceUID == pydicom.dcmread(series / "999.dcm").FrameOfReferenceUID


def test_a_stack_is_read_in_its_order_whatever_the_names(parcel: ExportContext, series: Path) -> None:
    """Against highdicom's own reading of the same files."""
    mine = read_series(series)
    images = [pydicom.dcmread(path) for path in series.glob("*.dcm")]
    theirs = highdicom.get_volume_from_series(images)
    flipped = np.diag([-1.0, -1.0, 1.0, 1.0]) @ theirs.affine
    assert mine.grid.shape == theirs.spatial_shape
    same = np.allclose(flipped, mine.grid.world_from_index, atol=1e-4)
    # A stack may be read from either end.
    assert same or np.allclose(-flipped[:3, 0], mine.grid.world_from_index[:3, 0], atol=1e-4)


def test_a_series_that_does_not_fit_is_refused(parcel: ExportContext, series: Path, tmp_path: Path) -> None:
    gap = make_series(tmp_path / "gap", parcel.hip, skip=40)
    with pytest.raises(InputError, match=r"1 slice\(s\) missing"):
        export_dicom(parcel, tmp_path / "o", series=gap, identity="keep")
    away = make_series(tmp_path / "away", parcel.hip, away_mm=300.0)
    with pytest.raises(InputError, match=r"shows 0\.00 of"):
        export_dicom(parcel, tmp_path / "o", series=away, identity="keep")
    for path in list(series.glob("99*.dcm"))[:3]:
        (away / f"other_{path.name}").write_bytes(path.read_bytes())
    with pytest.raises(InputError, match="2 series"):
        export_dicom(parcel, tmp_path / "o", series=away, identity="keep")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match="holds no CT or MR image"):
        export_dicom(parcel, tmp_path / "o", series=empty, identity="keep")
    with pytest.raises(InputError, match="STL"):
        export_dicom(parcel, tmp_path / "o", series=series, identity="keep", guide=series / "notes.txt")
    other = tmp_path / "other.stl"
    other.write_bytes(b"LPS mm, corecore x LEFT plan 00000000".ljust(80) + (1).to_bytes(4, "little") + bytes(50))
    with pytest.raises(InputError, match="the guide of another plan"):
        export_dicom(parcel, tmp_path / "o", series=series, identity="keep", guide=other)
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ([], "--identity None; keep"),
        (["--identity", "all"], "--identity all"),
        (["--identity", "keep"], "--series is missing"),
        (["--identity", "keep", "--series", "/nowhere"], "no folder"),
    ],
)
def test_identity_and_series_must_be_given(
    parcel: ExportContext, options: list[str], word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(parcel.path), "--to", "dicom", *options, "--out", str(tmp_path / "o")]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert word in error
    assert not list(tmp_path.iterdir())


def test_a_reason_goes_along(parcel: ExportContext, series: Path, tmp_path: Path) -> None:
    stamp = replace(parcel.stamp, violations=("joint_margin_mm 4 (limit 5)",), accepted="agreed with the team")
    export_dicom(replace(parcel, stamp=stamp), tmp_path / "o", series=series, identity="none")
    seg = pydicom.dcmread(tmp_path / "o" / "segmentation.dcm")
    assert "accepted because: agreed with the team" in seg.ImageComments
    with pytest.raises(OutputError, match="--overwrite"):
        export_plan(parcel.path, "dicom", tmp_path / "o", series=series, identity="none")
