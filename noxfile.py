"""The unit tests on other Pythons, and on the oldest and the newest libraries: ``nox`` (or ``make versions``).

Interpreters are taken from the PATH and from pyenv's folder; one that is not here is skipped, and said.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nox

nox.options.default_venv_backend = "uv"
nox.options.error_on_missing_interpreters = False

#: (Python, libraries): the lowest that pyproject.toml allows, on the oldest Python; the newest on each.
CASES = [("3.11", "lowest-direct"), ("3.12", "highest"), ("3.13", "highest")]


def interpreter(version: str) -> str | None:
    """A Python of that version that runs, or ``None``."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = [shutil.which(f"python{version}"), *map(str, sorted(pyenv.glob(f"{version}.*/bin/python")))]
    for candidate in candidates:
        if candidate is None:
            continue
        run = subprocess.run([candidate, "-c", "import sys; print(sys.version)"], capture_output=True, text=True)
        if run.returncode == 0 and run.stdout.startswith(version):
            return candidate
    return None


@nox.session(python=False)
@nox.parametrize(("version", "libraries"), CASES, ids=[f"{version}-{libraries}" for version, libraries in CASES])
def unit(session: nox.Session, version: str, libraries: str) -> None:
    """Unit tests on one Python with one choice of libraries."""
    python = interpreter(version)
    if python is None:
        session.skip(f"no Python {version} on this machine")
    venv = Path(".nox") / f"unit-{version}-{libraries}"
    uv = shutil.which("uv") or str(Path(sys.executable).parent / "uv")
    session.run(uv, "venv", "--quiet", "--clear", "--python", python, str(venv), external=True)
    environment = {
        "VIRTUAL_ENV": str(venv.resolve()),
        # Other versions of numba must not renew each other's kernels.
        "NUMBA_CACHE_DIR": str((venv / "kernels").resolve()),
    }
    install = (uv, "pip", "install", "--quiet", "--resolution", libraries, "--editable", ".[dev]")
    session.run(*install, env=environment, external=True)
    tests = ("-m", "pytest", "-q", "-n", "auto", "-m", "unit", "-p", "no:cacheprovider")
    session.run(str(venv / "bin" / "python"), *tests, *session.posargs, env=environment, external=True)
