# Two commands do everything: `make refresh` and `make test`. The rest is for people at work here.
# Bare machine: Python 3.11 to 3.13, make and a package index. uv is used when it is there.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Tests run in as many processes; the tests of one file stay together, they share what they set up.
JOBS ?= auto
# The environment is made again only when the lock changed.
STAMP := $(VENV)/.made-from-$(shell cksum < requirements.lock | cut -d' ' -f1)
SPARK_VENV := .venv-spark
SPARK_STAMP := $(SPARK_VENV)/.made-from-$(shell cksum < requirements-spark.lock | cut -d' ' -f1)
export DAGSTER_HOME := $(if $(METROCIRCLE_DAGSTER_POSTGRES),$(CURDIR)/deploy/postgres,$(CURDIR))
export METROCIRCLE_DAGSTER_STORAGE := $(CURDIR)/warehouse/dagster
export DAGSTER_DISABLE_TELEMETRY := 1

.PHONY: help setup spark refresh dashboard site test bench dev lint format lock clean

help:
	@echo "make refresh   set up the environment, run the whole pipeline, publish a release"
	@echo "make dashboard build the dashboard and serve it on http://127.0.0.1:8700 (needs npm)"
	@echo "make test      run the tests"
	@echo "make bench     time it against its peers, write the tables (ARGS=--quick: minutes, none written)"
	@echo "make dev       Dagster UI on http://127.0.0.1:3000, with the daemon"
	@echo "make lint      ruff, mypy, sqlfluff, contract"
	@echo "make clean     remove what was produced, releases and archive excepted"

setup: $(STAMP)

$(STAMP): requirements.lock
	@rm -f $(VENV)/.made-from-*
	@if command -v uv >/dev/null 2>&1; then \
	  echo "setting up $(VENV) with uv"; \
	  { [ -x $(BIN)/python ] || uv venv -q -p $(PYTHON) $(VENV); } && \
	  uv pip sync -q --python $(BIN)/python --require-hashes --compile-bytecode requirements.lock && \
	  uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e . ; \
	else \
	  echo "setting up $(VENV) with pip (about two minutes; uv would take half a minute)"; \
	  { [ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV); } && \
	  $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock && \
	  $(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e . ; \
	fi
	@touch $@

# The engine for more than one machine: dbt-spark and pyspark, 0.8 GB; needs Java 17.
spark: $(SPARK_STAMP)

$(SPARK_STAMP): requirements-spark.lock
	@rm -f $(SPARK_VENV)/.made-from-*
	@if command -v uv >/dev/null 2>&1; then \
	  { [ -x $(SPARK_VENV)/bin/python ] || uv venv -q -p $(PYTHON) $(SPARK_VENV); } && \
	  uv pip sync -q --python $(SPARK_VENV)/bin/python --require-hashes --compile-bytecode requirements-spark.lock; \
	else \
	  { [ -x $(SPARK_VENV)/bin/python ] || $(PYTHON) -m venv $(SPARK_VENV); } && \
	  $(SPARK_VENV)/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-spark.lock; \
	fi
	@touch $@

refresh: setup
	@$(BIN)/metrocircle refresh $(ARGS)

# The page is built from dashboard/ alone: it finds the release in use when it is opened.
NODE_STAMP := dashboard/node_modules/.made-from-$(shell cksum < dashboard/package-lock.json | cut -d' ' -f1)
SITE_FILES := dashboard/build.mjs dashboard/index.html $(shell find dashboard/src -type f)

$(NODE_STAMP): dashboard/package-lock.json dashboard/package.json
	@command -v npm >/dev/null || { echo "the dashboard is built with npm, which is not installed"; exit 1; }
	@cd dashboard && npm ci --loglevel=error
	@touch $@

dashboard/dist/index.html: $(NODE_STAMP) $(SITE_FILES)
	@cd dashboard && node build.mjs

site: dashboard/dist/index.html

dashboard: setup site
	@[ -e warehouse/current ] || $(BIN)/metrocircle refresh
	@$(BIN)/metrocircle dashboard --port $${PORT:-8700} $(ARGS)

test: setup
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder $(ARGS)

bench: setup
	@for script in benchmarks/bench_*.py; do echo "$$script"; $(BIN)/python $$script --write $(ARGS) || exit 1; done

dev: setup
	@mkdir -p $(METROCIRCLE_DAGSTER_STORAGE)
	@$(BIN)/dagster dev -w workspace.yaml -h 127.0.0.1 -p $${PORT:-3000}

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/sqlfluff lint -q dbt_project/models dbt_project/tests dbt_project/analyses
	$(BIN)/metrocircle contract
	@! grep -n '://' requirements.lock requirements-spark.lock

format: setup
	$(BIN)/ruff check --fix -q .
	$(BIN)/ruff format -q .

# Byte-identical when made again; names no host.
lock:
	uv pip compile pyproject.toml --group dev --universal --python-version 3.11 \
	  --generate-hashes --no-strip-extras --no-header --no-annotate -q -o requirements.lock
	uv pip compile requirements-spark.in --universal --python-version 3.11 \
	  --generate-hashes --no-strip-extras --no-header --no-annotate -q -o requirements-spark.lock

clean:
	rm -rf warehouse/build warehouse/lake warehouse/dagster .pytest_cache .mypy_cache .ruff_cache
	find pipelines expectations tests -name __pycache__ -type d -prune -exec rm -rf {} +
