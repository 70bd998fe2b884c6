# Each target does its own set-up: it needs only Python (3.11 or newer), make and the package index.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# What is started hundreds of times (the tests, the demonstration) is compiled once.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo run test check compiled bench torture clean help

help:                 ## what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; say make PYTHON=/path/to/python3.11"; exit 2; }
	@echo "Setting up $(VENV) (once) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --upgrade pip
	@$(BIN)/python -m pip install --quiet -e '.[dev]'
	@touch $@

demo: $(READY)        ## set up, start the servers on loopback, move files, prove it; ends by itself
	@$(BIN)/python -m demo

run: $(READY)         ## the same, but leaves it running for you to drop files
	@$(BIN)/python -m demo --stay

test: $(READY)        ## everything: the static checks, then all tests
	@$(MAKE) --no-print-directory -j 2 check compiled
	$(BIN)/pytest -n 4 --dist loadfile --no-loadscope-reorder

compiled: $(READY)    # the tests, once for all who run them; they say what can't be
	@$(BIN)/pytest --collect-only --quiet >/dev/null || true

check: $(READY)       ## the static checks alone: lint, format, types, floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY)       ## measure side by side with the peers that are installed
	@$(BIN)/python -m bench

KILLS ?= 1000
SEED ?= 1
LANES ?= 4
HISTORIES ?= 10000
HISTORY_TESTS := tests/transfer/test_histories.py tests/transfer/test_resume_histories.py tests/channels/test_event_histories.py

torture: $(READY)     ## the long proofs: KILLS=1000 kills in LANES=4 gateways, HISTORIES=10000 random ones of each kind; SEED=1
	KILLS=$(KILLS) SEED=$(SEED) LANES=$(LANES) $(BIN)/pytest tests/acceptance/test_kill.py -k killed_at_random --timeout 0 -s
	SEED=$(SEED) GATEWAY_HISTORIES=$(HISTORIES) $(BIN)/pytest -n 2 $(HISTORY_TESTS) --timeout 0 --durations 20

clean:                ## remove what set-up and tests made
	rm -rf $(VENV) var .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
