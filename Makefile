# What a newcomer types. Every target sets up what it needs first; only python3 (3.11 or later) and make must be there.
#
#   make test DATABASE_URL=postgresql://…     on a server of your own instead of the embedded PostgreSQL
#   make test PYTEST_ARGS="tests/jobs -x"     a part of the suite
#   make setup PYTHON=python3.13              with another Python

SHELL := /bin/sh
# Modules are compiled when they are first imported, and kept: every command and every worker that a test starts would
# compile them anew.
unexport PYTHONDONTWRITEBYTECODE
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# Parts of the tree that ruff reads; those with no content yet are left out.
CODE := src tests $(wildcard scripts benchmarks examples)

.DEFAULT_GOAL := help
.PHONY: help setup demo test check format torture bench serve lock contract parity providers settings changelog

help:  ## Say what each target does
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  make \1|\2/p' Makefile | while IFS='|' read -r name text; do \
		printf '%-18s %s\n' "$$name" "$$text"; done

setup: $(READY)  ## Make .venv and install the locked packages into it

$(READY): requirements.lock pyproject.toml scripts/set_up.py
	@command -v $(PYTHON) >/dev/null || { echo "Repoint needs Python 3.11 or later, and there is no $(PYTHON) here." \
		"Install it, or name another one: make setup PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) scripts/set_up.py $(VENV)
	@touch $@

demo: $(READY)  ## Run the main job end to end over HTTP and show it
	@$(BIN)/python examples/demo.py

# Much of it waits for processes and clocks: three at a time keep two cores busy. Whoever is done takes from the others,
# as the longest tests stand together.
test: $(READY)  ## Run every test but the torture runs
	@$(BIN)/python -m pytest -n 3 --dist worksteal $(PYTEST_ARGS)

check: $(READY)  ## Lint, types, layers: what must be green on every commit
	@$(BIN)/ruff check $(CODE)
	@$(BIN)/ruff format --check $(CODE)
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(READY)  ## Let ruff lay out the code and repair what it can
	@$(BIN)/ruff check --fix $(CODE)
	@$(BIN)/ruff format $(CODE)

torture: $(READY)  ## Kill processes again and again, and look for what is lost
	@$(BIN)/python -m pytest -m torture --timeout 1800 $(PYTEST_ARGS)

bench: $(READY)  ## Measure every figure against its bound; exit 1 when one misses
	@$(BIN)/python scripts/run_benchmarks.py $(BENCH)

serve: $(READY)  ## Start the server with its own database in ./repoint-data
	@$(BIN)/repoint serve

lock: $(READY)  ## Renew requirements.lock (LOCK_ARGS=--upgrade takes newer versions)
	@$(BIN)/python scripts/lock.py $(LOCK_ARGS)

contract: $(READY)  ## Make the contract's model and shapes anew from botocore's service model
	@$(BIN)/python scripts/make_contract.py

parity: $(READY)  ## Write docs/parity.md from the registry of operations
	@$(BIN)/python scripts/write_parity.py

providers: $(READY)  ## Write docs/providers.md from the kinds of providers
	@$(BIN)/python scripts/write_providers.py

settings: $(READY)  ## Write the table of settings into docs/operations.md
	@$(BIN)/python scripts/write_settings.py

changelog: $(READY)  ## Gather changelog.d into CHANGELOG.md (VERSION=0.2.0)
	@$(BIN)/python scripts/gather_changelog.py $(VERSION)
