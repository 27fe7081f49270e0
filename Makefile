# The commands of this repository, the same for people and for CI.
# Everything runs in .venv, made from Python 3.11 or newer and a package index.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
DATA ?= data
KILLS ?= 10

.PHONY: help demo study test test-browser test-slow faults lint format bench clean
.DEFAULT_GOAL := help

help: ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# One stamp a set of packages: it is made again when what it installs has changed.
.venv/run.stamp: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(PIP) install --quiet --constraint constraints.txt --editable .
	@touch $@

.venv/dev.stamp: .venv/run.stamp
	$(PIP) install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

.venv/bench.stamp: .venv/dev.stamp
	$(PIP) install --quiet --constraint constraints.txt --editable '.[dev,bench]'
	@touch $@

demo: .venv/run.stamp ## set up, then the main job with its report in about a minute, without any download of data
	$(BIN)/hpstudy run studies/lenet_digits.yaml
	$(BIN)/hpstudy report lenet_digits

study: .venv/run.stamp ## set up, obtain Fashion-MNIST, then 50 trials of LeNet-5 on it, their confirmation, and the report
	$(BIN)/hpstudy datasets fetch fashion_mnist --data $(DATA)
	$(BIN)/hpstudy run studies/lenet_fashion.yaml --trials 50 --workers auto --data $(DATA)
	$(BIN)/hpstudy report lenet_fashion

test: .venv/dev.stamp ## set up, then the fast tests (about three minutes)
	$(BIN)/python -m pytest -n 2 --dist worksteal

test-browser: .venv/dev.stamp ## the tests of the report and of optuna-dashboard in Chromium, which must be there
	HPSTUDY_REQUIRE_BROWSER=1 $(BIN)/python -m pytest -m browser

test-slow: .venv/dev.stamp ## the long tests
	$(BIN)/python -m pytest -m slow --timeout 3600

faults: .venv/dev.stamp ## kills runs at random instants (KILLS=100 SEED=7), and fills, locks and breaks their storage
	$(BIN)/python -m pytest -m 'faults and not slow' -n 2 --dist worksteal --timeout 600
	$(BIN)/python -m tests.faults.kill_loop --kills $(KILLS) $(if $(SEED),--seed $(SEED))

lint: .venv/dev.stamp ## ruff, mypy and the laws of the rooms
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/dev.stamp ## lets ruff write the code as it should look
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/bench.stamp ## the short benchmarks, on Fashion-MNIST
	$(BIN)/hpstudy datasets fetch fashion_mnist --data $(DATA)
	$(BIN)/python -m benchmarks.study --share 0.1 --epochs 6 --repeats 1 --data $(DATA)
	$(BIN)/python -m benchmarks.epoch --data $(DATA)
	$(BIN)/python -m benchmarks.checkpoints --architectures lenet5 --data $(DATA)
	$(BIN)/python -m benchmarks.growth
	$(BIN)/python -m benchmarks.search
	$(BIN)/python -m benchmarks.report

clean: ## removes the environment and caches, no data and no results
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache dist
