# Targets for people and CI. They need Python 3.11 or newer, make, a C compiler and package registries.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
RUN := $(BIN)/python
UV := $(BIN)/uv
# The version is in pyproject.toml, so that make and uv cannot disagree.
UV_REQUIREMENT := uv$(shell sed -n 's/^required-version = "\(.*\)"/\1/p' pyproject.toml)

.PHONY: help
help: ## List the main targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | while IFS=$$'\t' read -r target text; do printf '  make %-16s %s\n' "$$target" "$$text"; done

.PHONY: install
install: .venv/installed ## Create .venv with everything that uv.lock pins

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
demo: install ## Show the operator at work on real servers; NODE=1: in Pods; KEEP=1: leave it running
	@$(RUN) -m sandbox.demo $(if $(NODE),--node) $(if $(KEEP),--keep)

.PHONY: sandbox
sandbox: programs ## Run a Kubernetes API server and AWS AppConfig on this machine until Ctrl-C; NODE=1: with Pods
	@$(RUN) -m sandbox $(if $(NODE),--node)

.PHONY: test
test: programs ## Run all tests that need no node: unit, integration, e2e
	@$(RUN) tests/side_by_side.py $(PYTEST_ARGS)

.PHONY: test-unit
test-unit: install ## Run the unit tests
	@$(RUN) -m pytest tests/unit $(PYTEST_ARGS)

.PHONY: image
image: node-packages ## Build the operator's image with buildah; needs root
	@$(RUN) -m sandbox.image

.PHONY: test-node
test-node: node-packages node-programs image ## Run the tests that need a node (root, Debian or Ubuntu)
	@$(RUN) -m pytest tests/node $(PYTEST_ARGS)

.PHONY: measure-node
measure-node: node-packages node-programs ## Measure how long a node takes to start, and a changed ConfigMap to reach a file
	@$(RUN) -m sandbox.node.measure

.PHONY: node-packages
node-packages: install
	@$(RUN) -m sandbox.node

SECONDS_TO_FUZZ = $(or $(SECONDS),600)

.PHONY: fuzz
fuzz: install ## Render random configurations for 600 seconds; SECONDS=60: for 60
	@PYTHONPATH=operator:. $(RUN) tests/fuzz/fuzz_render.py $(SECONDS_TO_FUZZ)

.PHONY: bench
bench: programs ## Measure speed, cost and memory; ONLY=first-sync: only this figure
	@$(RUN) -m benchmarks $(if $(ONLY),--only $(ONLY))

.PHONY: aws-check
aws-check: install ## Show what AWS returns for APPLICATION, ENVIRONMENT and PROFILE, without values; FLAGS=1: symbol IDs
	@$(RUN) -m tools.aws_check $(if $(FLAGS),--flags)

.PHONY: lint-workflows
lint-workflows: install
	@"$$($(RUN) -m tools.program actionlint)" -shellcheck $(BIN)/shellcheck -pyflakes '' .github/workflows/*.yaml
	@echo "workflows: ok"

# Everything that a release publishes besides the image, in dist/: docs/releasing.md.
.PHONY: release-files
release-files: install
	@$(RUN) -m tools.release files --registry='$(or $(REGISTRY),$(error REGISTRY is missing: where the image will be published, such as ghcr.io/<owner>))'
	@echo "release files: dist/"

.PHONY: verify
verify: lint lint-image lint-workflows types contracts fresh verify-chart docs coverage ## Run every check that needs neither an e2e test nor a node

.PHONY: lint
lint: install
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@echo "lint: ok"

.PHONY: lint-image
lint-image: install ## Check the Dockerfile
	@$(BIN)/hadolint Dockerfile
	@echo "lint-image: ok"

.PHONY: types
types: install
	@$(BIN)/mypy

.PHONY: contracts
contracts: install
	@$(BIN)/lint-imports --no-cache | tail -n 8

.PHONY: fresh
fresh: install
	@$(UV) lock --check --quiet
	@echo "uv.lock: up to date"

.PHONY: chart
chart: check-programs ## Generate what the Helm chart takes from the CRD, the manifests and the documentation
	@$(RUN) -m tools.chart

.PHONY: verify-chart
verify-chart: check-programs programs ## Check that the Helm chart is up to date and correct
	@$(RUN) -m tools.chart --check
	@$(RUN) -m pytest --quiet tests/chart
	@echo "chart: up to date, and tested"

# This includes tests/integration, which applies the manifests, the CRD and the samples to the API server.
.PHONY: coverage
coverage: programs
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest --quiet tests/unit tests/integration
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report --fail-under=90
	@$(BIN)/coverage report --fail-under=100 --include='*/appconfig_operator/core/*' > /dev/null || { $(BIN)/coverage report --include='*/appconfig_operator/core/*'; exit 1; }
	@echo "coverage: core 100 %, all at least 90 %"

.venv/docs-installed: pyproject.toml uv.lock .venv/installed
	@$(UV) sync --frozen --inexact --quiet --group docs
	@touch $@

.PHONY: docs
docs: .venv/docs-installed ## Build the documentation site in build/site, and check it
	@$(RUN) -m tools.docsite

.PHONY: docs-serve
docs-serve: docs ## Serve the documentation site on this machine until Ctrl-C
	@cd build && exec ../$(BIN)/zensical serve --config-file=site.yml

.PHONY: format
format: install ## Format the code and fix what ruff can fix
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format --quiet .

.PHONY: clean
clean: ## Remove everything that make created here, except the cache of built programs
	@rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.* build dist
