# The commands of this project; each makes its own .venv first.
#   make demo   the tutorial, against the emulator on this machine
#   make test   everything that CI checks
#   make quick  what to run every day, one to two minutes
#   make soak   the tests that take minutes
#   make lowest the tests with the lowest versions that pyproject.toml allows
#   make dist   wheel and sdist in dist/, checked
#   make help   these lines
# To use another Python: make test PYTHON=python3.13

SHELL := /bin/bash -o pipefail
# The first Python that is new enough. What pyenv says of a version that is listed but not active is not shown.
NEW_ENOUGH := -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python $(NEW_ENOUGH) && echo $$python && break; done)
BIN := .venv/bin
# Where it is set, each of a hundred processes would compile smartdc anew, and pytest all tests in each part.
unexport PYTHONDONTWRITEBYTECODE

# Four jobs at a time on two cores, as some wait more than they work; each job's output in one piece where this
# make can do that (4.0 and later).
SIDE_BY_SIDE := --no-print-directory -j4 $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)
# To measure coverage takes 1.7 times as long, so it is measured where it tells something: for the emulator with all
# of its tests, for the client with the first case of each test. The other cases run without, and so do tests/meta
# and tests/docs, which mostly start other programs, and the tests marked stress, which have many examples.
EMULATOR_TESTS := tests/emulator tests/saving
CLOUD_TESTS := tests/api tests/machine tests/contract
NOT_CASES := $(EMULATOR_TESTS) tests/interop tests/fuzz tests/meta tests/docs
NOT_OTHER := $(CLOUD_TESTS) $(NOT_CASES)
OF_BUILT_DOCS := tests/docs/test_pages.py tests/docs/test_reference.py
# The longest first: the stress tests wait for half of their time. Then types, docs and lint: in a new checkout two
# parts would compile the same tests at the same time.
FIRST := stress-tests
PARTS := $(FIRST) emulator-tests interop-tests case-tests other-tests meta-tests cloud-tests fuzz-tests
# This -m replaces the one in pyproject.toml, so it repeats "not soak".
PLAIN := -m "not stress and not soak"
NOT_QUICK := $(NOT_CASES) tests/faults

.PHONY: demo test quick soak help lint types tests $(PARTS) quick-tests coverage docs lowest dist clean

demo: .venv/demo
	@$(BIN)/python examples/tutorial.py --emulated
	@$(BIN)/python examples/teardown_fleet.py --emulated
	@echo "make demo: both examples ran to their end, signed and over TLS, against the emulator on this machine."

test: .venv/dev
	$(BIN)/coverage erase
	@$(MAKE) $(SIDE_BY_SIDE) $(FIRST) types docs lint $(PARTS)
	@$(MAKE) --no-print-directory coverage
	@echo "make test: lint, format, types, tests with branch coverage, wheel and docs are all in order."

# No coverage, of each test the first case, and not all tests.
quick: .venv/dev
	@$(MAKE) $(SIDE_BY_SIDE) quick-tests lint types
	@echo "make quick: lint, format and types are in order, and the client's tests with the first case of each."
	@echo "Not tried: their other cases, $(NOT_QUICK:tests/%=%), stress and docs; make test has them."

quick-tests: .venv/dev
	$(BIN)/pytest tests $(NOT_QUICK:%=--ignore=%) $(PLAIN) --cases=first -n 4

soak: .venv/dev
	$(BIN)/pytest -m soak tests
	@$(MAKE) --no-print-directory mutants
	@echo "make soak: the tests that take minutes (those marked soak) passed; pytest's last line has their number."

# Small changes of the client, each of which a test has to notice: MUTANTS="--sample 8 smartdc/api" tries fewer.
.PHONY: mutants
mutants: .venv/dev
	$(BIN)/python -m tests.mutation $(MUTANTS)

help:
	@sed -n 's/^#   make/make/p' $(firstword $(MAKEFILE_LIST))

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/deptry --no-ansi .

types: .venv/dev
	$(BIN)/mypy

tests: .venv/dev
	$(BIN)/coverage erase
	@$(MAKE) $(SIDE_BY_SIDE) $(PARTS)
	@$(MAKE) --no-print-directory coverage

emulator-tests: .venv/dev
	$(BIN)/coverage run -m pytest $(EMULATOR_TESTS) $(PLAIN)

cloud-tests: .venv/dev
	$(BIN)/coverage run -m pytest $(CLOUD_TESTS) $(PLAIN) --cases=first

other-tests: .venv/dev
	$(BIN)/coverage run --omit='smartdc/emulator/*' -m pytest tests $(NOT_OTHER:%=--ignore=%) $(PLAIN) --cases=first

case-tests: .venv/dev
	$(BIN)/pytest tests $(NOT_CASES:%=--ignore=%) $(PLAIN) --cases=others

meta-tests: .venv/dev
	$(BIN)/pytest tests/meta tests/docs $(OF_BUILT_DOCS:%=--ignore=%) $(PLAIN)

stress-tests: .venv/dev
	$(BIN)/pytest tests --ignore=tests/fuzz --ignore=tests/interop -m "stress and not soak"

interop-tests: .venv/dev
	$(BIN)/pytest tests/interop

fuzz-tests: .venv/dev
	$(BIN)/pytest tests/fuzz

coverage:
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

docs: .venv/dev
	$(BIN)/sphinx-build -E -q -n -W --keep-going -b html docs docs/_build
	$(BIN)/pytest $(OF_BUILT_DOCS)

# The floors of what smartdc and its extras need, pinned, in an environment of their own. What is too new for this
# is left out: npm's programs (interop), and pytest's own features in the plugin's tests.
lowest: .venv/lowest
	.venv/lowest/bin/pytest tests --ignore=tests/interop --ignore=tests/meta $(OF_BUILT_DOCS:%=--ignore=%) $(PLAIN)
	@echo "make lowest: the tests passed with the lowest versions that pyproject.toml allows."

.venv/lowest: pyproject.toml tests/floors.py | $(BIN)/python
	rm -rf $@
	"$(PYTHON)" -m venv $@
	$(BIN)/python tests/floors.py > .venv/floors.txt
	$@/bin/python -m pip install --quiet --disable-pip-version-check --constraint .venv/floors.txt --editable ".[dev]"

dist: .venv/dev
	rm -rf build dist
	$(BIN)/python -m build --outdir dist .
	$(BIN)/twine check --strict dist/*
	@echo "make dist: wheel and sdist are in dist/, and their descriptions are in order."

# Each .venv/NAME marks that the extra NAME is installed as pyproject.toml now has it.
.venv/demo: EXTRA := emulator
.venv/dev: EXTRA := dev
.venv/demo .venv/dev: pyproject.toml | $(BIN)/python
	@echo "Installing smartdc[$(EXTRA)] into .venv ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[$(EXTRA)]"
	@touch $@

$(BIN)/python:
	$(if $(shell "$(PYTHON)" $(NEW_ENOUGH) && echo yes),,$(error smartdc needs Python 3.11 or later, \
	found $(or $(PYTHON),none): make $(or $(MAKECMDGOALS),demo) PYTHON=/path/to/python))
	@"$(PYTHON)" -m venv .venv || { rm -rf .venv; exit 1; }

clean:
	rm -rf .venv build dist *.egg-info docs/_build .coverage .coverage.* .*_cache
