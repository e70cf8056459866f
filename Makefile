# The developer's loop. `make run` and `make test` do all their own set-up.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# What everything rests on, and what is cheap to test in full: every line, every branch.
COVERED := --cov=louro.audio --cov=louro.protocol --cov=louro.session --cov-branch --cov-fail-under=100 \
	--cov-report=term-missing:skip-covered
STAMP := $(VENV)/.installed
CONSOLE := console
PAGE := src/louro/http/console/index.html
# Built where there is Node.js; without it all else works, and the page at / says what to do.
NPM := $(shell command -v npm)

.PHONY: run test check lint covered bench demo install models page console console-build console-test clean

run: install models $(if $(NPM),page)  ## serve on the embedded models
	$(BIN)/louro serve

test: install models $(if $(NPM),page)  ## every test, on the real models
	$(BIN)/python -m pytest

check: lint covered  ## format, lint, types, import contracts, unit tests
	$(BIN)/python -m pytest -q -m "not models and not sound and not slow and not postgres" tests/pipeline tests/engines tests/client tests/relay tests/store tests/transports

lint: install  ## format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

covered: install  ## what everything rests on, by its own tests, in full
	$(BIN)/python -m pytest -q -m "not models" tests/audio tests/protocol tests/session $(COVERED)

bench: install models  ## time to first audio, and right function calls
	$(BIN)/python benchmarks/turns.py
	$(BIN)/python benchmarks/function_calling.py

demo: install models  ## one spoken question, answered
	$(BIN)/louro ask --embedded --audio tests/speech/capital.flac --save answer.wav

install: $(STAMP)

$(STAMP): pyproject.toml requirements/lock.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements/lock.txt -e '.[dev]'
	touch $(STAMP)

models: install
	$(BIN)/louro models get --default

console: $(CONSOLE)/node_modules  ## the console with hot reload, against a server that runs (LOURO_URL)
	npm --prefix $(CONSOLE) run dev

console-build: $(PAGE)  ## the console that `louro serve` serves; needs Node.js

page:  # a Node.js that is too old is no reason not to serve
	-@$(MAKE) --no-print-directory console-build

$(PAGE): $(CONSOLE)/node_modules $(shell find $(CONSOLE)/src $(CONSOLE)/public $(CONSOLE)/*.html $(CONSOLE)/*.ts $(CONSOLE)/*.json -type f 2>/dev/null)
	npm --prefix $(CONSOLE) run build

console-test: install $(CONSOLE)/node_modules  ## types, lint and tests of the console
	npm --prefix $(CONSOLE) run check
	npm --prefix $(CONSOLE) test

$(CONSOLE)/node_modules: $(CONSOLE)/package-lock.json
	npm --prefix $(CONSOLE) install --no-save --no-audit --no-fund
	touch $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis dist
