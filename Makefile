# Everything from a fresh machine on: Debian or Ubuntu, Python 3.11 or newer, make. `make help` lists the targets.
PYTHON ?= python3
BIN := .venv/bin
DEVCTL := $(BIN)/devctl
# What pytest is given besides: make test ARGS='-k switch'
ARGS ?=
# Which engines `make engines` tries, separated by commas; all of them by default
ENGINES ?=
# How many examples a property is tried on (tests/conftest.py).
PROFILE = fast
# How often a failed test runs again, up to five tests of a lane: for CI, where a second look must not cost the whole run.
RERUNS ?=
reruns = $(if $(RERUNS),--reruns $(RERUNS) --max-suite-reruns 5 --rerun-show-tracebacks)
# With ARGS, one of the two lanes may have no test of that name.
or_none = $(if $(ARGS),|| [ $$? -eq 5 ])
# Where Python may keep no bytecode, each of some thousand commands of the tests compiles all of devctl again: 0.4 s.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup machine demo test fast engines lint format docs bench chaos soak

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## make .venv with devctl and the tools of its development
	@PYTHON='$(PYTHON)' sh scripts/setup.sh

machine: setup ## engine, compose and base images, where one of them is missing
	@$(DEVCTL) doctor --fix --yes

demo: machine ## the product in a minute
	@$(DEVCTL) demo

test: PROFILE = full
test: machine fast ## every test, those on the real engine included
	@$(BIN)/python -m pytest -v -n 2 --dist=loadfile --durations=60 -m 'engine and not bench and not chaos' $(reruns) $(ARGS) $(or_none)

fast: setup ## the tests that need no engine
	@$(BIN)/python -m pytest -q -n 3 --dist=worksteal --hypothesis-profile=$(PROFILE) \
		-m 'not engine and not bench and not chaos' $(reruns) $(ARGS) $(or_none)

engines: machine ## the demo on other engines: ENGINES=podman,26 for some, ARGS=--check to leave the page
	@$(BIN)/python -m tests.engines $(ARGS) $(ENGINES)

lint: setup ## ruff and mypy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: setup ## let ruff lay out the code
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

docs: setup ## the documentation as a site, in build/docs; every link is checked
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build
	@echo build/docs/index.html

bench: machine ## the benchmarks, on the real engine
	@$(BIN)/python -m pytest -m bench -s $(ARGS)

# The faults from number FIRST on, of those that this seed means (tests/chaos/test_chaos.py).
chaos: N = 200
chaos: SEED = 7
chaos: FIRST = 0
chaos: machine ## faults at random moments, on the real engine
	@N=$(N) SEED=$(SEED) FIRST=$(FIRST) $(BIN)/python -m pytest -m chaos -s tests/chaos/test_chaos.py $(ARGS)

soak: RELOADS = 2000
soak: REBUILDS = 300
soak: SWITCHES = 300
soak: machine ## hours of use in one sitting: does anything grow?
	@RELOADS=$(RELOADS) REBUILDS=$(REBUILDS) SWITCHES=$(SWITCHES) $(BIN)/python -m pytest -m chaos -s tests/chaos/test_soak.py $(ARGS)
