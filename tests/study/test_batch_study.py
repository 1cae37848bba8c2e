"""A study is every combination that can be planned, of one hip loaded once."""

from __future__ import annotations

from pathlib import Path

import pytest

from corecore.app.cli import main
from corecore.base.errors import InputError
from corecore.study.batch.manifest import Row
from corecore.study.batch.settings import Settings, Variant
from corecore.study.batch.study import read_study


def _study(folder: Path, text: str) -> Path:
    path = folder / "study.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_combination_is_a_variant_but_those_that_no_plan_can_have(tmp_path: Path) -> None:
    text = """
    population = "hips"
    gap = 0.02
    [sweep]
    preset = ["core-10", "multi-3.2"]
    tunnels = [1, 3]
    cortical_margin_mm = 2.5
    method = ["none", "fluoroscopy"]
    """
    study = read_study(_study(tmp_path, text))
    assert (study.population, study.gap) == (tmp_path / "hips", 0.02)
    found = {(v.preset, dict(v.values)["tunnels"], v.robust) for v in study.variants}
    # A robust plan is one of one tunnel.
    assert found == {
        (preset, tunnels, method)
        for preset in ("core-10", "multi-3.2")
        for tunnels, method in ((1, None), (1, "fluoroscopy"), (3, None))
    }
    assert {name for name, _ in study.left_out} == {
        f"preset={preset},tunnels=3,method=fluoroscopy" for preset in ("core-10", "multi-3.2")
    }
    names = [v.name for v in study.variants]
    assert names[0] == "preset=core-10,tunnels=1,method=none"
    assert len(set(names)) == len(names)
    for variant in study.variants:
        spec = variant.spec()
        assert (spec.preset, spec.tunnels, spec.cortical_margin_mm) == (
            variant.preset, dict(variant.values)["tunnels"], 2.5,
        )  # fmt: skip


def test_a_rows_own_parameters_come_on_top() -> None:
    variant = Variant("x", "core-10", (("tunnels", 2), ("diameter_mm", 6.0)))
    row = Row(0, "a", overrides=(("preset", "core-8"), ("tunnels", "1")))
    spec = variant.spec(row)
    assert (spec.preset, spec.tunnels, spec.diameter_mm) == ("core-8", 1, 6.0)
    with pytest.raises(InputError, match="overrides"):
        variant.spec(Row(0, "a", overrides=(("colour", "red"),)))


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "no table"),
        ("[sweep]", "no table"),
        ("sweep = 3", "no table"),
        ("[sweep]\npreset = []", "an empty list"),
        ("[sweep]\npreset = ['core-9']", "core-10, core-8"),
        ("[sweep]\nmethod = 'eye'", "none, fluoroscopy"),
        ("[sweep]\ncolour = 'red'", "unknown parameter"),
        ("[sweep]\ntunnels = 99", "tunnels: 99"),
        ("[sweep]\ntunnels = [1, 1]", "a value twice"),
        ("[sweep]\ntunnels = true", "numbers and single words"),
        ("[sweep]\npattern = '../x'", "numbers and single words"),
        ("[sweep]\nkeep = [[1, 2]]", "numbers and single words"),
        ("[sweep]\ntunnels = 2\nmethod = 'guide'", "no combination"),
        ("[sweep]\ncortical_margin_mm = [" + ",".join(f"{i / 100}" for i in range(1001)) + "]", "1001 combinations"),
        ("gap = 'much'\n[sweep]\ntunnels = 1", "gap"),
        ("gap = 7\n[sweep]\ntunnels = 1", "gap"),
        ("population = 3\n[sweep]\ntunnels = 1", "population"),
        ("hips = 'x'\n[sweep]\ntunnels = 1", "'hips' unknown"),
        ("[sweep", "not readable as TOML"),
    ],
)
def test_what_is_no_study_is_refused_in_one_line(tmp_path: Path, text: str, word: str) -> None:
    with pytest.raises(InputError) as caught:
        read_study(_study(tmp_path, text))
    assert word in str(caught.value)
    assert "\n" not in str(caught.value)


def test_one_hip_is_loaded_and_measured_once_for_all_variants(monkeypatch: pytest.MonkeyPatch) -> None:
    import corecore.study.batch.case as module
    from corecore.study.samples import sample

    calls: list[str] = []
    monkeypatch.setattr("corecore.exports.workflow.read_case", lambda *a, **k: calls.append("load"))
    monkeypatch.setattr("corecore.exports.workflow.build_hip", lambda case: _Hip())
    monkeypatch.setattr("corecore.measures.model.measure", lambda hip, spec: calls.append("measure"))
    monkeypatch.setattr(module, "_plan", lambda row, variant, settings, hip, measured, s: _planned(variant, measured))
    variants = tuple(
        Variant(f"{number}{tunnels}", values=(one, ("tunnels", tunnels)))
        for number, one in enumerate(
            [("cap_half_angle_deg", 50.0), ("cap_half_angle_deg", 55.0), ("outline_error_mm", 0.5)]
        )
        for tunnels in (1, 2)
    )
    row = Row(0, "a", str(sample()), str(sample()))
    entry = module.run_case(row, Settings(variants))
    # The cap decides the measures, and the outline's error their repeatability; the number of tunnels does not.
    assert calls == ["load", "measure", "measure", "measure"]
    assert [record["variant"] for record in entry.records] == [variant.name for variant in variants]


class _Hip:
    def __init__(self) -> None:
        self.timings: dict[str, float] = {}


def _planned(variant: Variant, measured: object) -> dict[str, object]:
    assert callable(measured)
    measured(variant.spec())
    return {"variant": variant.name}


def test_a_study_takes_no_parameters_beside_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = _study(tmp_path, "[sweep]\ntunnels = 1")
    for options, word in ((["--tunnels", "2"], "in the study's file"), ([], "no hips")):
        assert main(["batch", "--study", str(path), "--out", str(tmp_path / "out"), *options]) == 2
        assert word in capsys.readouterr().err
    assert main(["batch", "--out", str(tmp_path / "out")]) == 2
    assert "no hips" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
