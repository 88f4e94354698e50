# Waybill's front door. Each target sets up what it needs on a machine with Python 3.11 or newer.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ENGINES := $(BIN)/python -m ops.engines --
SOURCES := eventstore backend_services webapp ops tests e2e

.DEFAULT_GOAL := help
.PHONY: help demo run test lint types unit journey e2e screenshots soak bench basemap engines up-local requirements clean

help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.run ## Start Waybill with a demo day in Helsinki (PORT, default 8000)
	@exec $(BIN)/python -m webapp.demo

run: $(VENV)/.run ## Start Waybill without demo data
	@WAYBILL_DEVELOPMENT="$${WAYBILL_DEVELOPMENT:-on}" exec $(BIN)/python -m webapp

test: $(VENV)/.dev chromium java ## Lint, types and every test in both modes: what CI runs
	@$(MAKE) --no-print-directory lint types
	$(ENGINES) $(BIN)/python -m pytest -n 2 --dist loadgroup --no-loadscope-reorder tests e2e

lint: $(VENV)/.dev ## Style, formatting and the direction of imports
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/lint-imports

types: $(VENV)/.dev ## Types (strict in eventstore and backend_services)
	$(BIN)/mypy

unit: $(VENV)/.dev ## The tests that need neither engines, server nor browser
	$(BIN)/python -m pytest -n 2 tests --ignore tests/journey --ignore tests/cluster --ignore tests/webapp/demo

journey: $(VENV)/.dev java ## The API journey in both modes, and the demo, against the running program
	$(ENGINES) $(BIN)/python -m pytest -n 2 --dist loadgroup --no-loadscope-reorder tests/journey tests/cluster tests/webapp/demo

e2e: $(VENV)/.dev chromium java ## The browser tests in both modes
	$(ENGINES) $(BIN)/python -m pytest e2e

screenshots: $(VENV)/.dev chromium ## The demo's pages at three sizes, light and dark, as pictures in var/screenshots
	$(BIN)/python -m e2e.screenshots

soak: $(VENV)/.dev java ## Races, kill -9 storms and outages of every engine, large
	$(BIN)/python -m tests.eventstore.race --seconds 120 --workers 8
	$(ENGINES) $(BIN)/python -m tests.cluster.kill_storm --commands 5000
	$(BIN)/python -m tests.cluster.outage_storm

bench: $(VENV)/.dev java ## Figures of both modes on this machine
	$(ENGINES) $(BIN)/python -m tests.bench

basemap: $(VENV)/.dev ## Build the offline map and the streets of the demo city anew from OpenStreetMap
	$(BIN)/python -m ops.basemap
	$(BIN)/python -m ops.streets

requirements: ## Compile the pinned requirements anew
	$(PYTHON) -m venv $(VENV)/compile && $(VENV)/compile/bin/pip -q install uv
	for name in requirements requirements-dev; do \
	  $(VENV)/compile/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --no-header $$name.in -o $$name.txt || exit 1; done

engines: $(VENV)/.dev java ## Real MongoDB, Kafka, Redis and PostgreSQL on loopback; prints their URLs, Ctrl-C stops them
	@exec $(BIN)/python -m ops.engines

up-local: $(VENV)/.dev java ## The engines and every role on this machine (ports 8001 and 8002); Ctrl-C stops all
	@exec $(BIN)/python -m ops.up_local

clean: ## Remove the virtual environment and caches, never data
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Waybill needs Python 3.11 or newer; set PYTHON to one."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.txt | $(VENV)/bin/python
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.run
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

.PHONY: chromium
chromium: # A real browser for the browser tests: CHROMIUM, one on the PATH, or Debian's package
	@command -v "$${CHROMIUM:-chromium}" >/dev/null || \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium fonts-dejavu-core >/dev/null; \
	  else echo "The browser tests need Chromium: install your system's package, or set CHROMIUM to its path."; exit 1; fi

.PHONY: java
java: # Apache Kafka for the tests comes by Maven; without it a substitute broker stands in, except in CI
	@command -v java >/dev/null && command -v mvn >/dev/null || \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq default-jre-headless maven >/dev/null; \
	  else echo "Without Java 17 and Maven a substitute for Apache Kafka is used (Debian: default-jre-headless, maven)."; fi
