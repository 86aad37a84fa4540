# Moodlake. `make` lists the targets.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps
# Two processes, each with a Spark of its own: planning small queries is single-threaded work.
PARALLEL := -n 2 --dist worksteal
# A person's .env holds credentials: tests, bench and demo never read it.
UNENV := MOODLAKE_IGNORE_DOTENV=1

.PHONY: help setup setup-dev run sandbox test test-fast check lint types imports soak bench evaluate docs locks clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

$(VENV)/run.stamp: requirements.lock
	@echo "setting up the environment (once)"
	@$(PYTHON) -c 'import sys; sys.exit("Moodlake needs Python 3.11 or newer; set PYTHON=python3.x" if sys.version_info < (3, 11) else 0)'
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV) # half a one is made anew
	@$(PIP) -r requirements.lock
	@touch $@

$(VENV)/dev.stamp: requirements-dev.lock $(VENV)/run.stamp
	@echo "adding the development groups and Airflow (once)"
	@$(PIP) -r requirements-dev.lock
	@touch $@

# No stamp for the JARs: whether they are there and right is looked at each time, in a second.
setup: $(VENV)/run.stamp ## prepare what `make run` needs
	@$(BIN)/python -m jobs.runtime.jars

setup-dev: setup $(VENV)/dev.stamp ## add what tests need

# With credentials of yours in .env the night asks the real services, and says which; else the sandbox's.
run: setup ## a night: the sample world from local services, or yours where .env has credentials
	@if grep -qsE '^(SPOTIFY_CLIENT_ID|LASTFM_API_KEY|LISTENBRAINZ_TOKEN)=.+' .env; then \
	  $(BIN)/python run_ingestion.py run; \
	else \
	  $(UNENV) $(BIN)/python run_ingestion.py demo; \
	fi

sandbox: setup ## the services on loopback, made up and misbehaving on request (SANDBOX="--help")
	@$(BIN)/python -m sandbox.services $(SANDBOX)

check: setup-dev lint types imports ## what CI runs: lint, types, import rules, tests
	@$(UNENV) $(BIN)/python -m pytest $(PARALLEL) --durations=15

test: setup-dev ## all tests
	@$(UNENV) $(BIN)/python -m pytest $(PARALLEL)

test-fast: setup-dev ## the tests that need no JVM
	@$(UNENV) $(BIN)/python -m pytest $(PARALLEL) -m "not spark and not airflow"

lint: setup-dev ## ruff
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: setup-dev ## mypy
	@$(BIN)/mypy

imports: setup-dev ## the layer rules
	@$(BIN)/lint-imports

soak: setup-dev ## the long forms of the property, kill and night tests
	@$(UNENV) MOODLAKE_SEQUENCES=25 MOODLAKE_KILLS=15 MOODLAKE_NIGHTS=60 MOODLAKE_SERVICE_NIGHTS=200 \
	  $(BIN)/python -m pytest --durations=15 \
	  tests/jobs/test_increments.py tests/jobs/test_many_matches.py tests/jobs/test_kill.py tests/jobs/test_soak.py \
	  tests/jobs/test_service_nights.py

bench: setup-dev ## speed against bare Spark and DuckDB, writes docs/performance.md
	@$(UNENV) $(BIN)/python -m tests.benchmarks $(BENCH)

evaluate: setup-dev ## quality on the real data beside the checkout, writes docs/quality.md (EVALUATE="--help")
	@$(UNENV) $(BIN)/python -m tests.evaluation $(EVALUATE)

docs: setup ## write docs/dictionary.md from the contracts, .env.example from the settings
	@$(UNENV) $(BIN)/python run_ingestion.py docs

locks: setup-dev ## compile the locks from pyproject.toml
	@$(BIN)/uv pip compile -q --universal --generate-hashes --no-header --no-annotate --group dev --group airflow pyproject.toml -o requirements-dev.lock
	@$(BIN)/uv pip compile -q --universal --generate-hashes --no-header --no-annotate -c requirements-dev.lock pyproject.toml -o requirements.lock

clean: ## drop what was generated, but never the lake
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .bench data/sample
