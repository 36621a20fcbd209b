# make train: set up and run the main job; make env: set up only.
# make test: the tests to run at every commit; make test-all: with kills, fuzzing, clusters and full seeds.
# make lint: style and format; make types: the types of the package, as editors see them.
# EXTRAS=test,dask,mpi also installs what sweeps on those clusters need.
EXTRAS ?= test
PYTHON ?= python3
VENV := .venv

# The tests start hundreds of processes, which would each compile all sources else.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: env train test test-all lint types

env: $(VENV)/ready

$(VENV)/ready: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("spinrnn needs Python 3.11 or newer, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else 0'
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[$(EXTRAS)]'
	touch $@

train: env
	$(VENV)/bin/spinrnn train

test: env
	$(VENV)/bin/python -m pytest -n auto --dist worksteal -m "not slow"

test-all: env
	$(VENV)/bin/python -m pytest -n auto --dist worksteal

lint: env
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check

types: env
	$(VENV)/bin/python -m pyright --pythonpath $(VENV)/bin/python
