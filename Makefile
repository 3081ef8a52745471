# What one can do here. `make` alone lists it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo test test-faults check bench clean postgres

help: ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

demo: $(VENV)/run ## Set up, index the invented sample notes, search them, say what to type next
	@$(BIN)/notekin demo --store notekin-demo

test: $(VENV)/dev postgres browser ## Run the tests
	$(BIN)/pytest -n 2

test-faults: $(VENV)/dev postgres ## Inject a fault at every step of every write: some thousands, half an hour
	NOTEKIN_FAULTS=all NOTEKIN_LONG_TESTS=1 $(BIN)/pytest -n 2 tests/fault

# The tests start a PostgreSQL server of their own; its programs have to be here.
postgres:
	@if ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 && ! command -v initdb >/dev/null; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql >/dev/null; \
	  else echo "The tests need PostgreSQL's server: apt-get install postgresql"; exit 1; fi; fi

# A cohort's report is opened in a real browser; without one, those tests say so and are left out.
browser:
	@if ! command -v chromium >/dev/null && ! command -v chromium-browser >/dev/null && ! command -v google-chrome >/dev/null; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null || echo "No Chromium could be installed: the report's page is not tried."; \
	  else echo "To try the report's page, too: apt-get install chromium"; fi; fi

check: $(VENV)/dev ## Lint, format, types and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/lint-imports

# make bench NOTES=notes.parquet TASKS=DIR also measures the real mix of lengths, and fidelity.
bench: $(VENV)/dev ## Measure encoding on this machine, with a plot
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev,bench]'
	@mkdir -p benchmarks/results
	$(BIN)/python benchmarks/encode.py --plot benchmarks/results/encode.png $(if $(NOTES),--notes $(NOTES))
	$(if $(NOTES)$(TASKS),$(BIN)/python benchmarks/fidelity.py $(if $(NOTES),--notes $(NOTES)) $(if $(TASKS),--tasks $(TASKS)))

clean: ## Remove the environment, the demonstration's store and what tools left
	rm -rf $(VENV) notekin-demo build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .import_linter_cache

# torch goes first, at the version of constraints.txt: asked for by another package, it
# would come as the newest build with gigabytes of CUDA.
$(VENV)/run: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Notekin needs Python 3.11 or newer: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "Python has no venv here: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet $$(grep '^torch==' constraints.txt)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e .
	@touch $@

$(VENV)/dev: $(VENV)/run
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	@touch $@
