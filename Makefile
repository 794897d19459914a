# Everything from a machine with nothing but Python 3.11 to 3.13:
#   make demo    see it at work
#   make test    all checks and tests
# Another interpreter: make test PYTHON=python3.12

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help demo test lint install system clean
.NOTPARALLEL:

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: install ## the plugin at work on a bundled image; without a window where there is no display
	$(BIN)/napari-fclick demo

test: lint ## all checks, then the tests
	scripts/with_display.sh $(BIN)/python -m pytest -n 2 --dist loadgroup

lint: install ## style, types, import directions, the plugin's manifest
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/npe2 validate --imports napari-fclick

install: system $(INSTALLED) ## the virtual environment with the tested versions of everything

system: ## Qt's and X's libraries, on Debian and Ubuntu
	@scripts/install_system_packages.sh

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; \
	    (3, 11) <= v <= (3, 13) or sys.exit("$(PYTHON) is Python %d.%d; 3.11 to 3.13 are needed: make PYTHON=python3.12 ..." % v)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -c constraints.txt -e ".[all,dev]"
	@touch $@

clean: ## remove the virtual environment and what the tools left behind
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
