# Two commands for people: `make demo` and `make test`. Everything they need goes into .venv/.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUNNER := python -m
SECONDS := 60
PEERS := .bench/redact-venv
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet

.DEFAULT_GOAL := help
.PHONY: help demo test lint check coverage bench bench-redact lab fuzz lock clean

help:
	@echo "make demo   set up and do the main job on this machine, in a throwaway folder"
	@echo "make test   set up and pass all tests"
	@echo "make check  formatting, lint, types, import directions and the tests: what CI runs"
	@echo "make coverage  the tests, measured by branch; fails under the floor"
	@echo "make bench  how fast flags, deliveries, scans and readers of formats are, beside others (RULES=DIR: a large rule set)"
	@echo "make bench-redact  our redaction beside detect-secrets and scrubadub, which it installs into a folder of their own"
	@echo "make lab    1,000 kills, calls that fail, power cuts; then the accounts (LAB='--kills 20 --injections 1': fewer)"
	@echo "make fuzz   every fuzz target for SECONDS=60 each; fails on a finding"
	@echo "make lock   pin the requirement files anew"

$(VENV)/.run: requirements/run.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Sampler needs Python 3.11 or newer, this is " + sys.version) if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) --require-hashes -r requirements/run.txt
	$(PIP) --no-build-isolation --no-deps -e .
	@touch $@

$(VENV)/.test: requirements/test.txt $(VENV)/.run
	$(PIP) --require-hashes -r requirements/test.txt
	@touch $@

demo: $(VENV)/.run
	$(BIN)/sampler demo

test: $(VENV)/.test
	$(BIN)/$(RUNNER) pytest -n 2 --dist worksteal

lint: $(VENV)/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test

# The floor only ever rises. Tracing every line doubles the time of the tests, so it is a target of its own.
coverage: lint
	$(BIN)/coverage erase
	$(MAKE) test RUNNER="coverage run -m"
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --fail-under=95

# RULES names a folder of 5,000 rules or more; without it, the rows that need one are left out.
bench: $(VENV)/.test
	$(BIN)/python benchmarks/path.py
	$(BIN)/python -m benchmarks.scan.corpus
	$(BIN)/python -m benchmarks.scan.run $(if $(RULES),--rules $(RULES))
	$(BIN)/python -m benchmarks.extract.run
	$(BIN)/python -m benchmarks.delivery
	$(BIN)/python -m benchmarks.delivery --memory
	$(BIN)/python -m benchmarks.small_submissions
	$(BIN)/python -m benchmarks.many_agents
	$(BIN)/python benchmarks/lookup.py
	$(BIN)/python benchmarks/queue_tasks.py
	$(BIN)/python benchmarks/queue_search.py --objects 1000000
	if test -x $(PEERS)/bin/python; then $(BIN)/python -m benchmarks.redact.run; fi

$(PEERS)/.peers: requirements/redact.txt
	test -x $(PEERS)/bin/python || $(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes -r requirements/redact.txt
	@touch $@

bench-redact: $(VENV)/.test $(PEERS)/.peers
	$(BIN)/python -m benchmarks.redact.run

lab: $(VENV)/.test
	$(BIN)/python -m lab.run $(LAB)

$(VENV)/.fuzz: requirements/fuzz.txt $(VENV)/.run
	$(PIP) --require-hashes -r requirements/fuzz.txt
	@touch $@

fuzz: $(VENV)/.fuzz
	$(BIN)/python -m fuzz.run --seconds $(SECONDS)

lock: $(VENV)/.test
	$(PIP) pip-tools
	cd requirements && CUSTOM_COMPILE_COMMAND="make lock" ../$(BIN)/pip-compile --quiet --strip-extras --generate-hashes --allow-unsafe \
	    --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --output-file run.txt run.in ../pyproject.toml
	cd requirements && CUSTOM_COMPILE_COMMAND="make lock" ../$(BIN)/pip-compile --quiet --strip-extras --generate-hashes --allow-unsafe \
	    --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --constraint run.txt --output-file test.txt test.in
	cd requirements && CUSTOM_COMPILE_COMMAND="make lock" ../$(BIN)/pip-compile --quiet --strip-extras --generate-hashes --allow-unsafe \
	    --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --constraint run.txt --output-file fuzz.txt fuzz.in
	cd requirements && CUSTOM_COMPILE_COMMAND="make lock" ../$(BIN)/pip-compile --quiet --strip-extras --generate-hashes --allow-unsafe \
	    --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --output-file redact.txt redact.in

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache htmlcov .coverage*
