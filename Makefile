# make demo    plan on the shipped sample volume: pictures, report and plan.json in demo_out/
# make test    the fast tests          make lint, types    style, spelling, import contracts; mypy
# make docs    these pages as a site   make bench          figures of speed
# make web     the pages' scripts: types, tests, and the shipped bundles rebuilt and compared (Node 20.19 or newer)
# make slicer-env   a Python with 3D Slicer's core for the tests of the module (slicer/), apart from .venv
# make samples write sample_volumes/ anew
# make format  tidy the sources        make versions       unit tests on other Pythons and libraries
# make clean   remove what make made
#
# Every target makes its own .venv. PYTHON=python3.13 chooses the interpreter (3.11 or newer).
# Pictures need an off-screen OpenGL: on Debian `apt-get install libegl1 libgl1-mesa-dri` or
# `libosmesa6`. Without it the demo still runs and draws a plainer picture (docs/design/dependencies.md).

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed
NODE_ENOUGH := const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)

# Kept also where the environment forbids it: else each of hundreds of processes compiles every library it imports
# anew, 2 s apiece.
unexport PYTHONDONTWRITEBYTECODE
# Both workers of the tests have a core each: threads of linear algebra would only wait for one another.
OPENBLAS_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore

.DELETE_ON_ERROR:
.PHONY: demo installed slicer-env kernels test test-unit test-slow test-long lint format versions types web docs notebooks bench samples clean

installed: $(STAMP)

# Its VTK is another one than PyVista's. Where it cannot be had, or does not draw, the tests that need it skip.
SLICER_READY := .venv-slicer/bin/python tests/support/slicer_ready.py
slicer-env: $(STAMP)
	@[ -x .venv-slicer/bin/python ] && $(SLICER_READY) 2>/dev/null || { \
	  $(PYTHON) -m venv --clear .venv-slicer && \
	  { $(VENV)/bin/uv pip install -q --python .venv-slicer/bin/python -r slicer/requirements.txt || \
	    .venv-slicer/bin/python -m pip install -qq -r slicer/requirements.txt; } && $(SLICER_READY); } || \
	  { rm -rf .venv-slicer; echo "no slicer-core for this Python and system: its tests skip"; }

demo: $(STAMP)
	$(VENV)/bin/corecore demo --out demo_out --overwrite

# COVERAGE=1 prints how much of the package they run.
test: $(STAMP)
	$(PY) -m pytest $(if $(COVERAGE),--cov --cov-report=term) -q -n auto --dist worksteal -m "not slow and not browser and not long"

# Those that need no planned hip and no real data: under a minute.
test-unit: $(STAMP)
	$(PY) -m pytest -q -n auto --dist worksteal -m unit

# Browser tests skip where there is no Chromium. Exit code 5 says that nothing carries the mark: no failure here.
test-slow: $(STAMP)
	$(PY) -m pytest -q -n auto --dist worksteal -m "(slow or browser) and not long" --durations=15 || [ $$? -eq 5 ]

# Further cases of slow tests, some minutes each: an hour or more.
test-long: $(STAMP)
	$(PY) -m pytest -q -n auto --dist load -m long --durations=10

# Style, spelling, and what may import what.
lint: $(STAMP)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(VENV)/bin/codespell
	$(VENV)/bin/lint-imports

format: $(STAMP)
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

# The unit tests on other Pythons, on the oldest and on the newest libraries; skips what is not here.
versions: $(STAMP)
	$(VENV)/bin/nox

types: $(STAMP)
	$(PY) -m mypy

# Without Node nothing is checked, and said so: the bundles are committed.
web:
	@if command -v npm >/dev/null && node -e '$(NODE_ENOUGH)' 2>/dev/null; then \
	  cd web && npm ci --no-audit --no-fund --loglevel=error && npm run --silent verify; \
	else \
	  echo "skipped: the pages' scripts are checked with Node 20.19 or newer and npm, which are not here"; \
	fi

# Warnings are errors: a dead link or a page nobody links to fails.
docs: $(STAMP)
	$(PY) -m sphinx -q -W --keep-going -b html docs docs/_build

# Writes them with what they show; the tests run them without writing.
notebooks: $(STAMP)
	$(PY) docs/make_notebooks.py

# Compiles what plans, proofs and verification run, which else the first tests wait for.
kernels: $(STAMP)
	$(PY) tests/support/kernels.py

bench: $(STAMP)
	$(PY) benchmarks/plan_samples.py

samples: $(STAMP)
	$(PY) -m corecore.study.phantom.samples sample_volumes

clean:
	rm -rf $(VENV) .venv-slicer .nox docs/_build demo_out dist build .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find corecore tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: $(PYTHON) is not Python 3.11 or newer; choose another with: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 2; }
	@[ -x $(PY) ] && $(PY) -c '' 2>/dev/null || $(PYTHON) -m venv --clear $(VENV) || \
	  { echo "error: $(PYTHON) cannot make a virtual environment; on Debian: apt-get install python3-venv" >&2; exit 2; }
	@echo "installing corecore and its tools into $(VENV) (once)"
	@$(PY) -m pip install -qq uv && $(VENV)/bin/uv pip install -q --python $(PY) --editable '.[dev]' || \
	  $(PY) -m pip install -qq --editable '.[dev]'
	@touch $@
