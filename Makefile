# Seven words: demo, test, check, bench, docs, fuzz, build. Each sets up what it needs in .venv on its first run.
# Another Python: make test PYTHON=python3.12

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/ready

.PHONY: demo test check bench docs build fuzz

# A complete run on real handwritten digits: fit, compare with PCA, save, encode, report.
demo: $(READY)
	$(BIN)/isthmus demo

# Two workers with one thread each: torch's own threads would fight over the cores.
test: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(READY)
	for script in $(filter-out bench/peers.py,$(wildcard bench/*.py)); do echo "== $$script"; $(BIN)/python "$$script"; done

# The pages are Markdown, read as they are: write the generated ones and check every link.
docs: $(READY)
	$(BIN)/python docs/build.py

# Every target for a minute, guided by coverage where atheris has a build for this system, else by a mutator of our own.
fuzz: $(READY)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[fuzz]"
	for target in fuzz/fuzz_*.py; do echo "== $$target"; OMP_NUM_THREADS=1 $(BIN)/python "$$target" --seconds 60; done

# A release: wheel, source archive, and the list of every package (CycloneDX) that they were built and tested with.
build: $(READY)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[build]"
	$(BIN)/python -m build --no-isolation --outdir dist .
	$(BIN)/cyclonedx-py environment --pyproject pyproject.toml --mc-type library --output-reproducible -o dist/sbom.cdx.json $(BIN)/python

# torch first, by its exact version: left to itself pip may take a build that is gigabytes larger.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "isthmus needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Name another: make PYTHON=python3.12" >&2; exit 2; }
	@echo "Setting up $(VENV): this takes some minutes, once."
	[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet "$$(grep '^torch==' constraints.txt)" -c constraints.txt
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[dev]"
	touch $@
