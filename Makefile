# Every target makes .venv and installs what it needs, so a fresh clone needs only git, make and Python >= 3.11.
# Another Python: make test PYTHON=python3.13

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOWEST := .venv-lowest
DOCS := .venv-docs
PIP := $(BIN)/python -m pip --disable-pip-version-check
# Stamps: written when an installation is complete, so that the second time costs nothing.
RUN_STAMP := $(VENV)/.installed-run
DEV_STAMP := $(VENV)/.installed-dev
DOCS_STAMP := $(DOCS)/.installed
# More than there are cores: end-to-end tests mostly wait.
PYTEST_WORKERS ?= 4
# A worker that has nothing left takes over what another one has not begun.
PYTEST_WAY := -n $(PYTEST_WORKERS) --dist worksteal
# How many schedules `make simulate` plays, and the number of the first one.
SEEDS ?= 10000
FIRST ?= 0
# The tests of the core, under coverage; measuring the others as well would add little and take minutes.
MEASURED := tests/core tests/app

# Another Python's settings must not leak into .venv.
unexport PYTHONHOME PYTHONPATH
# Nor may it keep Python from writing what it compiled: every worker of pytest would compile all tests anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo test lowest simulate lint format docs bench clean

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-12s %s\n", $$1, $$2}'

demo: $(RUN_STAMP) ## see the whole loop on an embedded platform: plan, apply, edit, replace, revert
	@$(BIN)/reconcile demo

test: $(DEV_STAMP) ## run the tests, with coverage and its floor on reconciler/core
	$(BIN)/python -m pytest $(PYTEST_WAY) $(MEASURED) --cov --cov-report=term --cov-report=json
	@$(BIN)/python -m coverage report --include='reconciler/core/*' --fail-under=95
	@$(BIN)/python .ci/core_floor.py coverage.json
	$(BIN)/python -m pytest $(PYTEST_WAY) $(MEASURED:%=--ignore=%)

lowest: ## run the tests with the lowest releases that pyproject.toml allows, in an environment of its own
	@"$(PYTHON)" -m venv --clear $(LOWEST)
	@"$(PYTHON)" tools/lowest.py >$(LOWEST)/requirements.txt
	@$(LOWEST)/bin/python -m pip --disable-pip-version-check install --quiet --requirement $(LOWEST)/requirements.txt \
	    --editable '.[github-app,keyring,postgres,sources]'
	$(LOWEST)/bin/python -m pytest $(PYTEST_WAY)

simulate: $(DEV_STAMP) ## play SEEDS=10000 schedules of many actors, from FIRST=0, on all cores
	@$(BIN)/python -m tests.simulation $(SEEDS) $(FIRST)

lint: $(DEV_STAMP) ## check style, types, layers, workflows and the committed schema
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy --strict
	$(BIN)/lint-imports
	$(BIN)/zizmor --offline --no-progress --quiet --pedantic .github action.yml docs/ci/github-projects-*.yml
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml docs/ci/github-projects-*.yml
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-actions action.yml
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.gitlab-ci docs/ci/gitlab-ci.yml docs/ci/gitlab-projects.yml
	$(BIN)/reconcile schema --check

format: $(DEV_STAMP) ## put the code into shape
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: $(DEV_STAMP) $(DOCS_STAMP) ## build the documentation as a site in build/site, and check it
	@rm -rf build/reference
	$(BIN)/python tools/site/reference.py build/reference
	NO_MKDOCS_2_WARNING=1 $(DOCS)/bin/python -m mkdocs build --strict --quiet
	$(BIN)/python tools/site/check.py build/site

bench: $(DEV_STAMP) ## measure, and compare with the targets
	@$(BIN)/python -m benchmarks

clean: ## remove .venv and everything that was made here
	rm -rf $(VENV) $(LOWEST) $(DOCS) build dist .coverage .coverage.* coverage.json .pytest_cache .mypy_cache .ruff_cache \
	    .import_linter_cache .hypothesis
	find reconciler tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

# What .venv was made for. In another folder (a moved clone) or with another PYTHON it is looked at again.
PLACE := $(CURDIR) $(PYTHON)
ifneq ($(shell cat $(VENV)/.place 2>/dev/null),$(PLACE))
.PHONY: $(RUN_STAMP)
endif

$(RUN_STAMP): pyproject.toml constraints.txt
	@command -v "$(PYTHON)" >/dev/null 2>&1 || { \
	    echo "make: '$(PYTHON)' was not found; Python 3.11 or newer is needed: make … PYTHON=/path/to/python3" >&2; \
	    exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "make: '$(PYTHON)' is $$("$(PYTHON)" --version 2>&1); Python 3.11 or newer is needed:" \
	         "make … PYTHON=/path/to/python3" >&2; \
	    exit 1; }
	@what='import sys; print(sys.argv[1] or sys.prefix, sys.version)'; \
	test "$$($(BIN)/python -c "$$what" '' 2>/dev/null)" = "$$("$(PYTHON)" -c "$$what" "$$(pwd -P)/$(VENV)")" \
	    || "$(PYTHON)" -m venv --clear $(VENV) \
	    || { echo "make: '$(PYTHON)' cannot make virtual environments; on Debian: apt install python3-venv" >&2; exit 1; }
	@echo "Installing into $(VENV); this happens once …" >&2
	@$(PIP) install --quiet --constraint constraints.txt hatchling editables
	@$(PIP) install --quiet --constraint constraints.txt --no-build-isolation --editable .
	@echo "$(PLACE)" >$(VENV)/.place
	@touch $@

$(DOCS_STAMP): requirements/docs.txt
	@"$(PYTHON)" -m venv --clear $(DOCS)
	@$(DOCS)/bin/python -I -m pip --disable-pip-version-check install --quiet --require-hashes --only-binary :all: --requirement requirements/docs.txt
	@touch $@

$(DEV_STAMP): $(RUN_STAMP)
	@$(PIP) install --quiet --constraint constraints.txt --no-build-isolation --editable '.[github-app,keyring,metrics,postgres,sources,dev]'
	@touch $@
