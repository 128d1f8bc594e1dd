# Five words: demo, test, check, bench, docs. Each sets up what it needs in .venv on its first run.
# Another Python: make test PYTHON=python3.12

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/ready

.PHONY: demo test check bench docs

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

# torch first, by its exact version: left to itself pip may take a build that is gigabytes larger.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "isthmus needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Name another: make PYTHON=python3.12" >&2; exit 2; }
	@echo "Setting up $(VENV): this takes some minutes, once."
	[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet "$$(grep '^torch==' constraints.txt)" -c constraints.txt
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[dev]"
	touch $@
