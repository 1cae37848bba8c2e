"""No false alarm: real hips and the sample volumes show no tunnel, no collapse and no metal."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from support.real_hips import NAMES, QUICK, built
from support.shared import shared

from corecore.base.grid import Image
from corecore.hip.case import load_case
from corecore.hip.hip import Hip
from corecore.io.nifti import read_image
from corecore.measures.signs.clinician_input import ClinicianInput
from corecore.measures.signs.detect_signs import detect_signs
from corecore.measures.signs.stage import parse_stage
from corecore.study.samples import sample

TODAY = date(2026, 6, 1)


def with_image(hip: Hip, image: Image | None) -> Hip:
    return replace(hip, case=replace(hip.case, image=image))


@pytest.mark.parametrize("name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in NAMES])
def test_a_real_hip_shows_no_sign(real_hips: Path, name: str) -> None:
    ct = real_hips / f"{name}_CT.nii.gz"
    image = read_image(ct) if ct.is_file() else None
    found = detect_signs(with_image(built(real_hips, name), image), ClinicianInput(today=TODAY))
    assert found.warnings == ()
    assert found.asks == ("stage", "physis")
    assert found.collapse.over_lesion_mm is not None
    looked = not any("not looked for" in note for note in found.notes)
    assert looked == (image is not None)


def test_the_sample_with_its_ct_shows_no_sign(sample_hip: Hip) -> None:
    image = read_image(sample("right_medium_ct.nii.gz"))
    hip = with_image(sample_hip, image)
    found = detect_signs(hip, ClinicianInput(imaging_date=TODAY, today=TODAY, stage=parse_stage("II"), physis="closed"))
    assert found.warnings == ()
    assert found.asks == ()
    # The drawn head has no fovea.
    assert found.notes == ("fovea not visible on the head's surface: assumed at its usual position",)
    assert found.part().image_age.days == 0


def test_an_mr_image_is_not_searched_for_metal_and_says_so() -> None:
    femur, lesion = sample("left_large_femur.nii.gz"), sample("left_large_lesion.nii.gz")
    image = read_image(sample("left_large_mr.nii.gz"))
    hip = shared.build_hip(load_case(str(femur), str(lesion)))
    found = detect_signs(with_image(hip, image), ClinicianInput(imaging_date=TODAY, today=TODAY, physis="open"))
    assert [warning.code for warning in found.warnings] == ["open_physis"]
    assert any("not a CT" in note for note in found.notes)
