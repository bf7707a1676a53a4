# `make` alone lists the targets.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
UV_COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
TASKS ?=
TEXTS ?=

.PHONY: help setup demo serve worker test check format bench kill-run screenshots states lock messages clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Jiebang needs Python 3.11 or newer")'
	$(PYTHON) -m venv .venv

# The stamp makes a second start a matter of seconds: nothing is installed again unless a lock has changed.
.venv/.installed: .venv/bin/python requirements/dev.txt pyproject.toml hatch_build.py package.json package-lock.json
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

setup: .venv/.installed ## Make .venv, install the locked dependencies, build the front-end assets

demo: setup ## Set everything up and run the product with demonstration data
	@exec $(BIN)/jiebang demo

serve: setup ## Run the web server alone (settings from the environment)
	@exec $(BIN)/jiebang serve

worker: setup ## Run a worker alone (settings from the environment)
	@exec $(BIN)/jiebang worker

test: setup ## Set everything up and run all tests
	$(BIN)/pytest --numprocesses 2

check: setup ## Lint, types, import rules, translations complete
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/djlint --check --quiet templates
	$(BIN)/djlint --lint --quiet templates
	$(BIN)/pyright
	$(BIN)/jiebang-messages check
	$(BIN)/pytest -q tests/unit/test_imports.py

format: setup ## Format code and templates
	$(BIN)/ruff check --fix --quiet . || true
	$(BIN)/ruff format .
	$(BIN)/djlint --reformat --quiet templates || true

messages: setup ## Extract the messages into the catalogues and say what lacks a translation
	$(BIN)/jiebang-messages update
	$(BIN)/jiebang-messages check

.venv/.bench: .venv/.installed requirements/bench.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bench.txt
	@touch $@

bench: .venv/.bench ## Run the benchmarks; TASKS="dir dir" names evaluation tasks, TEXTS a file for the tokenizer
	$(BIN)/python -m benchmarks $(TASKS) $(if $(TEXTS),--texts $(TEXTS))

kill-run: setup ## Kill web or worker at every act of a whole round and look whether anything is lost (SEED=1 to 5; some minutes)
	$(BIN)/python -m tests.resilience.kill_run --seed $(or $(SEED),1)

screenshots: setup ## Take pictures of every page, both languages, desktop and phone width
	$(BIN)/python -m tests.browser.screenshots

states: setup ## Write docs/states.md anew from the tables of states
	$(BIN)/python -m web.states_page > docs/states.md

lock: .venv/bin/python ## Lock the dependencies again with hashes, naming no host
	$(BIN)/python -m pip install --quiet uv
	$(UV_COMPILE) --output-file requirements/runtime.txt pyproject.toml
	$(UV_COMPILE) --extra dev --constraint requirements/runtime.txt --output-file requirements/dev.txt pyproject.toml
	$(UV_COMPILE) --extra bench --constraint requirements/dev.txt --output-file requirements/bench.txt pyproject.toml
	$(BIN)/python hatch_build.py lock

clean: ## Remove what was built; the data directory stays
	rm -rf .venv node_modules web/static/vendor core/fonts dist
