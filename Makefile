# make train: set up and run the main job; make test: set up and run the tests; make env: set up only.
# EXTRAS=test,dask,mpi also installs what sweeps on those clusters need.
EXTRAS ?= test
PYTHON ?= python3
VENV := .venv

.PHONY: env train test lint

env: $(VENV)/ready

$(VENV)/ready: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("spinrnn needs Python 3.11 or newer, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else 0'
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[$(EXTRAS)]'
	touch $@

train: env
	$(VENV)/bin/spinrnn train

test: env
	$(VENV)/bin/python -m pytest

lint: env
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
