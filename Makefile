# make demo   a portal with a simulated survey, at http://127.0.0.1:8000/ (STOA_PORT); data in .stoa
# make test   the whole suite, on SQLite and, where they are, on PostgreSQL and Redis
# make faults the long form of its faults: a thousand edits, a hundred kills, crashes of a database server of its own
# make lint   ruff and mypy
# make clean  forget the environment, the demo and all caches
#
# Each does its own set-up; Python 3.11 or later, make and git are all it takes.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
ENVIRONMENT := .venv
BIN := $(ENVIRONMENT)/bin
# Without compiling: twelve seconds for five thousand modules, of which a start imports one in five.
INSTALL := $(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check --no-input
STARTED := $(shell date +%s)

.PHONY: demo test faults lint clean

demo: $(ENVIRONMENT)/ready
	@STOA_HOME="$${STOA_HOME:-$(CURDIR)/.stoa}" exec $(BIN)/stoa demo --started-at $(STARTED)

test: $(ENVIRONMENT)/ready-dev
	$(BIN)/python tests/everywhere.py $(TESTS)

faults: $(ENVIRONMENT)/ready-dev
	STOA_FAULTS=long $(BIN)/python tests/everywhere.py tests/faults -n 0 --timeout 0

lint: $(ENVIRONMENT)/ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf $(ENVIRONMENT) .stoa build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(ENVIRONMENT)/bin/pip:
	@echo "Making an environment in $(ENVIRONMENT) ..."
	@$(PYTHON) -m venv $(ENVIRONMENT)

$(ENVIRONMENT)/ready: pyproject.toml | $(ENVIRONMENT)/bin/pip
	@echo "Installing Stoa and what it needs ..."
	@$(INSTALL) -e .
	@touch $@

$(ENVIRONMENT)/ready-dev: pyproject.toml | $(ENVIRONMENT)/bin/pip
	@echo "Installing Stoa, what it needs, and what its tests need ..."
	@$(INSTALL) -e ".[dev]"
	@touch $(ENVIRONMENT)/ready $@
