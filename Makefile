# Two commands for a newcomer: `make lab` and `make test`. `make` alone lists them all.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help setup lab test test-all test-models test-oldest test-newest lint book serve bench release soak clean

help:  ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY)  ## make .venv with everything in it (does nothing when nothing changed)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "The OLYMPUS kit needs Python 3.11 or newer; $(PYTHON) is %d.%d. Try: make PYTHON=python3.11 setup" % sys.version_info[:2])'
	@echo "Setting up $(VENV): about two minutes the first time."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[lab,book,dev]'
	@touch $@

lab: setup  ## open the course in JupyterLab
	@$(BIN)/olympus lab

test: setup lint  ## run the tests (those for a browser where one is found)
	@$(BIN)/python -m pytest -q -n auto --dist worksteal -m "not sweep and not mutants"

test-all: setup lint  ## run every test, those that sweep at length or judge mutants, too
	@$(BIN)/python -m pytest -q -n auto --dist worksteal

lint: setup
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/deno lint --quiet
	@$(BIN)/deno fmt --quiet --check
	@$(BIN)/codespell
	@$(BIN)/python .ci/links.py
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.citation-file-format CITATION.cff
	@$(BIN)/olympus release --check

test-models: setup  ## test the trace on models of equinox, flax, optax, diffrax and numpyro
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[models]'
	@$(BIN)/python -m pytest -q tests/laws/test_models.py

test-oldest:  ## test library, lessons and book on the oldest supported JAX
	@$(PYTHON) .ci/end.py oldest

test-newest:  ## the same on the newest JAX (where a Python 3.12 or newer is found)
	@$(PYTHON) .ci/end.py newest

book: setup  ## build the static site into _build/html
	@$(BIN)/python theme/build.py

serve: setup  ## show the site in a browser, and what is edited as soon as it is saved
	@$(BIN)/python theme/serve.py

bench: setup  ## print speed ratios (BENCH="import graph" for some of them)
	@$(BIN)/python -m benchmarks $(BENCH)

release: setup  ## write exercises/ from solutions/
	@$(BIN)/olympus release

soak: setup  ## judge 200 hostile answers to each question, grade each lesson, build the book cold ten times
	@OLYMPUS_SOAK=1 $(BIN)/python -m pytest -q -n auto tests/course/test_lessons.py -k hostile
	@OLYMPUS_SOAK=1 $(BIN)/python -m pytest -q tests/course/test_grade_lessons.py
	@for i in 1 2 3 4 5 6 7 8 9 10; do echo "cold build $$i of 10"; $(BIN)/python theme/build.py --cold || exit 1; done

clean:  ## remove what was built (no environment)
	@rm -rf _build build dist .mypy_cache .pytest_cache .ruff_cache
