# Two commands for a person: `make demo` and `make test`. Everything needed is set up on first use, into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test lint types docs clean

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --editable . --group dev
	touch $(STAMP)

demo: $(STAMP)  ## generate a retail project, run it, say where the report is
	rm -rf demo
	$(BIN)/sevenstep init retail demo
	$(BIN)/sevenstep run demo || test $$? -eq 1
	@echo "The demo's report: $(CURDIR)/demo/.sevenstep/report.html"

test: $(STAMP)  ## the suite a person runs: within 10 minutes on two cores, which its two workers share
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow" tests

lint: $(STAMP)
	$(BIN)/ruff check src tests bench docs
	$(BIN)/ruff format --check src tests bench docs

types: $(STAMP)
	$(BIN)/mypy

docs: $(STAMP)  ## write the parts of the docs that come from the code
	$(BIN)/python docs/build.py

clean:
	rm -rf $(VENV) demo
