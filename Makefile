# Everything a newcomer needs: `make demo` shows swarmlite at work, `make test` proves it. Both do their own set-up.

PYTHON ?= python3
# For who is not root: root's part of the work leaves no files of root's in the clone.
NO_FILES := PYTHONDONTWRITEBYTECODE=1 HYPOTHESIS_STORAGE_DIRECTORY=/var/cache/swarmlite-hypothesis
SUDO := $(if $(filter 0,$(shell id -u)),,sudo env $(NO_FILES))
BIN := .venv/bin
DEMO_LAB := SWARMLITE_LAB_DIR=/var/lib/swarmlite-demo

.PHONY: help demo demo-down test lint bench system clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/ready system  ## three Docker hosts on this machine, a stack on them, and a host killed before your eyes
	@$(SUDO) env $(DEMO_LAB) PATH="$(CURDIR)/$(BIN):$$PATH" sh compose_examples/demo.sh

demo-down: .venv/ready  ## clean up after the demo
	@$(SUDO) env $(DEMO_LAB) $(BIN)/swarmlite lab down

test: .venv/ready  ## unit tests, simulations, and the lab tests on real Docker Engines
	@sh tests/setup.sh tests
	$(SUDO) $(BIN)/python -m pytest $(if $(SUDO),-p no:cacheprovider)

lint: .venv/ready  ## style, types, and the order of the rooms
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/ready system  ## the figures, side by side with Docker Swarm; gates nothing
	$(SUDO) $(BIN)/python -m tests.bench

clean:  ## remove the virtual environment and caches
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.venv/ready: pyproject.toml
	@sh tests/setup.sh python "$(PYTHON)"
	@$(PYTHON) -m venv .venv
	@echo "installing from PyPI what pyproject.toml names"
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@$(BIN)/python -m compileall -q swarmlite
	@touch $@

system:
	@sh tests/setup.sh lab
