"""Error models: what a user's TOML may say, and what it may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from corecore.base.errors import InputError
from corecore.tunnels.risk.methods import METHODS, Method, drift_factor, read_methods

GOOD = "[methods.mine]\nentry_mm = 0.5\nangle_deg = 1\ndepth_mm = 2.5\n"


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "methods.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_users_method_stands_beside_the_built_in_ones(tmp_path: Path) -> None:
    methods = read_methods(written(tmp_path, GOOD + "tail_share = 0.1\ntail_factor = 3\n"))
    assert methods["mine"] == Method("mine", 0.5, 1, 2.5, 0.1, 3)
    assert {name: methods[name] for name in METHODS} == METHODS


def test_a_built_in_name_means_the_built_in_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="guide is built in"):
        read_methods(written(tmp_path, GOOD.replace("mine", "guide")))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x = 1\n",
        "methods = 3\n",
        "[methods]\n",
        "[methods]\nmine = 3\n",
        "[methods.mine\n",
        b"\xff\xfe\x00",
        GOOD.replace("depth_mm = 2.5\n", ""),
        GOOD + "speed = 3\n",
        GOOD + "name = 'other'\n",
        GOOD.replace("0.5", "-0.1"),
        GOOD.replace("0.5", "21"),
        GOOD.replace("0.5", "nan"),
        GOOD.replace("0.5", "inf"),
        GOOD.replace("0.5", "true"),
        GOOD.replace("0.5", "'0.5'"),
        GOOD.replace("0.5", "[0.5]"),
        GOOD + "tail_share = 1.1\n",
        GOOD + "tail_factor = 0.9\n",
        GOOD + "tail_factor = 1e300\n",
        GOOD.replace("0.5", str(10**400)),
        GOOD.replace("0.5", "9" * 5000),
        GOOD.replace("0.5", "[" * 5000),
        GOOD.replace("mine", '"a\\nb"'),
        GOOD.replace("mine", "m" * 41),
        GOOD + '"a\\nb" = 1\n',
    ],
)
def test_a_bad_table_is_one_clear_line(tmp_path: Path, text: str | bytes) -> None:
    with pytest.raises(InputError) as caught:
        read_methods(written(tmp_path, text))
    assert "\n" not in str(caught.value)
    assert 10 < len(str(caught.value)) < 400


def test_no_file_is_one_clear_line(tmp_path: Path) -> None:
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(InputError) as caught:
            read_methods(path)
        assert str(path) in str(caught.value)


def test_thin_drills_drift_as_measured() -> None:
    assert drift_factor(10.0) == drift_factor(5.0) == 1.0
    assert drift_factor(3.2) == pytest.approx(5.7 / 3.2)
    assert drift_factor(2.0) == drift_factor(2.5) == pytest.approx(9.3 / 3.2)
    sizes = [2.5, 2.6, 2.9, 3.5, 4.5, 5.0]
    factors = [drift_factor(size) for size in sizes]
    assert factors == sorted(factors, reverse=True)
