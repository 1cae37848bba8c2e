"""Ways to install it other than pip: they name what pyproject.toml names, and files that are there."""

from __future__ import annotations

import re
import shlex
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from corecore.app.cli.group import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
#: conda-forge's names where they differ.
CONDA = {"matplotlib": "matplotlib-base"}


def project() -> dict[str, Any]:
    content: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return content


def bounds(lines: list[str]) -> dict[str, str]:
    """Names and oldest versions of requirements."""
    found = (re.fullmatch(r"([\w-]+)>=([\d.]+)", line) for line in lines)
    return {one[1]: one[2] for one in found if one}


def test_the_conda_environment_names_the_same_libraries_and_versions() -> None:
    content = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    by_conda, (by_pip,) = (
        [one for one in content if isinstance(one, str)],
        [one["pip"] for one in content if isinstance(one, dict)],
    )
    asked = bounds([*by_conda, *by_pip])
    assert asked.pop("python") == project()["requires-python"].removeprefix(">=")
    wanted = bounds(project()["dependencies"])
    assert asked == {CONDA.get(name, name): oldest for name, oldest in wanted.items()}
    assert len(wanted) == len(project()["dependencies"]) > 10
    (own,) = [one for one in by_pip if one.startswith(".")]
    assert own[2:-1] in project()["optional-dependencies"]


def dockerfile() -> list[list[str]]:
    """The Dockerfile's instructions, each as words."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    return [shlex.split(line) for line in text.replace("\\\n", " ").splitlines() if line.strip()]


def test_the_image_runs_as_a_user_without_rights_and_plans_the_demo_when_it_is_built() -> None:
    lines = dockerfile()
    last = max(index for index, line in enumerate(lines) if line[0] == "FROM")
    kinds = [line[0] for line in lines[last:]]
    user, demo = (
        kinds.index("USER"),
        next(i for i, line in enumerate(lines[last:]) if line[:3] == ["RUN", "corecore", "demo"]),
    )
    assert lines[last + user][1] not in ("root", "0")
    assert user < demo
    assert kinds.index("HEALTHCHECK") > demo
    ran = [words[i + 1] for words in lines for i, word in enumerate(words) if word == "corecore" and words[i + 1 :]]
    assert {"demo", "verify"} <= set(ran)
    health = next(line for line in lines if line[0] == "HEALTHCHECK")
    assert set(re.findall(r"corecore,? (\w+)", " ".join(health))) <= set(COMMANDS)
    extras = re.search(r"/source\[([\w,]+)\]", " ".join(word for line in lines for word in line))
    assert extras is not None
    assert set(extras[1].split(",")) <= set(project()["optional-dependencies"])


def test_the_image_is_built_from_what_the_wheel_is_built_from() -> None:
    let_in = {
        line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line.startswith("!")
    }
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"]
    needed = {name.partition("/")[0] for name in wheel["wheel"]["only-include"]}
    assert let_in == needed | {"pyproject.toml", project()["readme"], *project()["license-files"]}
    assert all((ROOT / name).exists() for name in let_in)


@pytest.mark.parametrize("name", ["Dockerfile", ".dockerignore", "environment.yml", ".github/workflows/tests.yml"])
def test_no_host_is_named(name: str) -> None:
    assert not re.search(r"https?://|\.(io|org|com|net|dev)\b", (ROOT / name).read_text(encoding="utf-8"))


def test_the_recipe_for_three_systems_runs_what_is_there() -> None:
    recipe = yaml.safe_load((ROOT / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8"))
    job = recipe["jobs"]["tests"]
    assert job["strategy"]["matrix"]["os"] == ["ubuntu-latest", "macos-latest", "windows-latest"]
    said = {name.rpartition(" ")[2] for name in project()["classifiers"] if name.startswith("Programming Language :: ")}
    assert set(job["strategy"]["matrix"]["python"]) <= said
    runs = [step["run"] for step in job["steps"] if "run" in step]
    assert {words[1] for run in runs if (words := run.split())[0] == "corecore"} == {"doctor", "demo", "verify"}
    assert not [run for run in runs if "make" in run.split()]


def test_napari_finds_the_reader() -> None:
    module, _, file = project()["entry-points"]["napari.manifest"]["corecore"].partition(":")
    manifest = yaml.safe_load((ROOT / module / file).read_text(encoding="utf-8"))
    # napari takes no other name than the package's, for the plugin and before its commands' names.
    assert manifest["name"] == project()["name"] == "corecore"
    (command,), (reader,) = manifest["contributions"]["commands"], manifest["contributions"]["readers"]
    assert command["id"] == reader["command"]
    assert command["id"].startswith("corecore.")
    assert set(reader) == {"command", "filename_patterns", "accepts_directories"}
    place, _, name = command["python_name"].partition(":")
    assert callable(getattr(import_module(place), name))
