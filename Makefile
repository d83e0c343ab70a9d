# Each target first makes .venv from the pinned requirements and remakes it when they change.
YEAR ?= 2011
AREA ?= hangzhou
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: help report pdf check lab test coverage cluster million wheel soak lint refresh pins clean

help: ## list the targets
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 10

$(READY): requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "hzso_analysis needs Python 3.11 or newer; set PYTHON=python3.12, for instance")'
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $(READY)

report: $(READY) ## make the report of YEAR and AREA in reports/AREA/YEAR
	$(BIN)/hzso report --area $(AREA) --year $(YEAR)

pdf: $(READY) ## the same with the whole report as one PDF; needs Chromium
	$(BIN)/hzso report --area $(AREA) --year $(YEAR) --pdf

check: $(READY) ## check the figures of AREA
	$(BIN)/hzso check --area $(AREA)

lab: $(READY) ## open the notebooks in JupyterLab
	$(BIN)/jupyter lab notebooks

test: $(READY) ## run the whole test suite
	$(BIN)/python -m pytest -n auto --dist loadscope --no-loadscope-reorder

coverage: $(READY) ## run the test suite and say what of the library it does not reach; takes twice the time
	rm -f .coverage*
	$(BIN)/coverage run -m pytest -n auto --dist loadscope --no-loadscope-reorder hzso_analysis tests notebooks tests/cluster.py
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --skip-covered --show-missing --fail-under 95

cluster: $(READY) ## make reports on a Dask cluster: the same pages, the same errors
	$(BIN)/python -m pytest tests/cluster.py

million: $(READY) ## add up a million executions in DuckDB, Spark and pandas, to the report; needs Java
	$(BIN)/python -m pytest tests/million.py

wheel: $(READY) ## build the wheel and make a report with it in an empty environment; takes a minute or two
	$(BIN)/python -m pytest tests/wheel.py

soak: $(READY) ## make 120 reports in one process and see that nothing grows; takes some minutes
	$(BIN)/python tests/soak.py --reports 120

lint: $(READY) ## check style of code and notebooks, and the types of the library
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

refresh: $(READY) ## execute the committed notebooks again, in place; read the diff before you commit it
	$(BIN)/python -m hzso_analysis.report

pins: ## resolve requirements.txt again from pyproject.toml (needs uv)
	uv pip compile --universal --python-version 3.11 --extra dev --no-emit-index-url --quiet -o requirements.txt pyproject.toml
	echo '-e .' >> requirements.txt

clean: ## remove what the targets made
	rm -rf .venv reports .pytest_cache .ruff_cache .mypy_cache .coverage*
