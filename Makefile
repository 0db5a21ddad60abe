# The two commands of this project; each makes its own .venv first.
#   make demo   the tutorial, against the emulator on this machine
#   make test   everything that CI checks
# To use another Python: make test PYTHON=python3.13

SHELL := /bin/bash -o pipefail
PYTHON ?= $(firstword $(foreach python,python3 python3.14 python3.13 python3.12 python3.11,$(shell \
	command -v $(python) >/dev/null && $(python) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	&& echo $(python))))
BIN := .venv/bin

# Three jobs at a time on two cores, as some wait more than they work; each job's output in one piece where this
# make can do that (4.0 and later).
SIDE_BY_SIDE := --no-print-directory -j3 $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)
# The tests are split in parts, the longest first; what is named here is not in the other part.
CLOUD_TESTS := tests/api tests/machine tests/contract tests/emulator
NOT_OTHER := $(CLOUD_TESTS) tests/interop tests/fuzz
PARTS := cloud-tests other-tests stress-tests interop-tests fuzz-tests

.PHONY: demo test lint types tests $(PARTS) coverage docs clean

demo: .venv/demo
	@$(BIN)/python examples/tutorial.py --emulated
	@$(BIN)/python examples/teardown_fleet.py --emulated
	@echo "make demo: both examples ran to their end, signed and over TLS, against the emulator on this machine."

test: .venv/dev
	$(BIN)/coverage erase
	@$(MAKE) $(SIDE_BY_SIDE) $(PARTS) lint types docs
	@$(MAKE) --no-print-directory coverage
	@echo "make test: lint, format, types, tests with branch coverage, wheel and docs are all in order."

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/dev
	$(BIN)/mypy

tests: .venv/dev
	$(BIN)/coverage erase
	@$(MAKE) $(SIDE_BY_SIDE) $(PARTS)
	@$(MAKE) --no-print-directory coverage

# Not pytest-cov: our own pytest plugin is imported before it would start to measure.
cloud-tests: .venv/dev
	$(BIN)/coverage run -m pytest $(CLOUD_TESTS)

other-tests: .venv/dev
	$(BIN)/coverage run --omit='smartdc/emulator/*' -m pytest tests $(NOT_OTHER:%=--ignore=%) -m "not stress"

# What these cover is covered by the others, and to measure it would take as long again.
stress-tests: .venv/dev
	$(BIN)/pytest tests/faults tests/http -m stress

interop-tests: .venv/dev
	$(BIN)/pytest tests/interop

fuzz-tests: .venv/dev
	$(BIN)/pytest tests/fuzz

coverage:
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

docs: .venv/dev
	$(BIN)/sphinx-build -q -n -W --keep-going -b html docs docs/_build

# Each .venv/NAME marks that the extra NAME is installed as pyproject.toml now has it.
.venv/demo: EXTRA := emulator
.venv/dev: EXTRA := dev
.venv/demo .venv/dev: pyproject.toml
	@test -n "$(PYTHON)" || { echo "smartdc needs Python 3.11 or later: make $(MAKECMDGOALS) PYTHON=/path/to/python"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing smartdc[$(EXTRA)] into .venv ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[$(EXTRA)]"
	@touch $@

clean:
	rm -rf .venv build dist *.egg-info docs/_build .coverage .coverage.* .*_cache
