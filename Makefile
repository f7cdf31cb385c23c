# Targets for people and CI. Needed: Python 3.11 or newer, make, a C compiler, package registries.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
RUN := $(BIN)/python
UV := $(BIN)/uv
# The version stands in pyproject.toml, so that make and uv cannot disagree.
UV_REQUIREMENT := uv$(shell sed -n 's/^required-version = "\(.*\)"/\1/p' pyproject.toml)

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | while IFS=$$'\t' read -r target text; do printf '  make %-12s %s\n' "$$target" "$$text"; done

.PHONY: install
install: .venv/installed ## Make .venv with all that is needed, as uv.lock pins it

.venv/installed: pyproject.toml uv.lock
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@test -x $(UV) || $(BIN)/python -m pip install --quiet --disable-pip-version-check '$(UV_REQUIREMENT)'
	@$(UV) sync --frozen --inexact --quiet
	@touch $@

.PHONY: programs
programs: install ## Build etcd and the Kubernetes control plane, once
	@$(RUN) -m sandbox build > /dev/null

.PHONY: node-programs
node-programs: programs
	@$(RUN) -m sandbox build --for=node > /dev/null

.PHONY: check-programs
check-programs: install
	@$(RUN) -m sandbox build --for=checks > /dev/null

.PHONY: demo
demo: install ## Show the operator at work, on real servers; NODE=1 in Pods, KEEP=1 leaves it running
	@$(RUN) -m sandbox.demo $(if $(NODE),--node) $(if $(KEEP),--keep)

.PHONY: sandbox
sandbox: programs ## Run a Kubernetes API server and AWS AppConfig here, until Ctrl-C
	@$(RUN) -m sandbox

.PHONY: test
test: programs ## Run all tests: unit, integration, e2e
	@$(RUN) tests/side_by_side.py $(PYTEST_ARGS)

.PHONY: test-unit
test-unit: install ## Run the unit tests
	@$(RUN) -m pytest tests/unit $(PYTEST_ARGS)

.PHONY: test-node
test-node: node-programs node-packages ## Run the tests that need a node (root, Debian or Ubuntu)
	@$(RUN) -m pytest tests/node $(PYTEST_ARGS)

.PHONY: node-packages
node-packages: install
	@$(RUN) -m sandbox.node.packages

SECONDS_TO_FUZZ = $(or $(SECONDS),600)

.PHONY: fuzz
fuzz: install ## Render random configurations for SECONDS=600
	@PYTHONPATH=operator:. $(RUN) tests/fuzz/fuzz_render.py $(SECONDS_TO_FUZZ)

.PHONY: bench
bench: programs ## Measure speed, cost and memory; ONLY=first-sync chooses one
	@$(RUN) -m benchmarks $(if $(ONLY),--only $(ONLY))

.PHONY: verify
verify: lint types contracts fresh coverage ## Check all that needs no e2e test

.PHONY: lint
lint: install
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@echo "lint: ok"

.PHONY: types
types: install
	@$(BIN)/mypy

.PHONY: contracts
contracts: install
	@$(BIN)/lint-imports --no-cache | tail -n 8

.PHONY: fresh
fresh: install
	@$(UV) lock --check --quiet
	@echo "uv.lock: fresh"

# The CRD and the samples are put to the API server by tests/integration/test_crd.py, which runs here.
.PHONY: coverage
coverage: programs
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest --quiet tests/unit tests/integration
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report --fail-under=90
	@$(BIN)/coverage report --fail-under=100 --include='*/appconfig_operator/core/*' > /dev/null || { $(BIN)/coverage report --include='*/appconfig_operator/core/*'; exit 1; }
	@echo "coverage: core 100 %, all at least 90 %"

.PHONY: format
format: install ## Format the code, and mend what ruff can
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format --quiet .

.PHONY: clean
clean: ## Remove what make made here (not the cache of built programs)
	@rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.* dist
