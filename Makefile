# The words of daily work. Each is one command that also runs by hand; `make` lists them.
.DEFAULT_GOAL := help
.PHONY: help run test all lint types contract access format bench reference demo profiles definitions lock clean

PY := .venv/bin/python

help: ## list the words
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | sort

run: ## start the demo on loopback
	./run

demo: ## play the story once
	./run demo --once

test: ## everything a change has to pass
	./run test

all: ## the same with the slow tests
	./run test --all

lint: ## ruff
	.venv/bin/ruff check && .venv/bin/ruff format --check

types: ## mypy, strict
	.venv/bin/mypy

contract: ## which room may import which
	.venv/bin/lint-imports

format: ## let ruff write
	.venv/bin/ruff check --fix && .venv/bin/ruff format

access: ## no way around the gate
	$(PY) tools/lint_access.py

bench: ## CPU per operation of the hot paths, at 10,000 and 100,000 resources
	$(PY) benchmarks/run.py

reference: ## docs/reference from the code
	$(PY) tools/build_reference.py

profiles: ## profiles/generated from profiles/fsh; needs node and npm
	$(PY) tools/build_profiles.py

definitions: ## the R4 definitions, from the pinned package
	$(PY) tools/build_definitions.py

lock: ## pin what pyproject.toml asks for
	uv lock && uv export --quiet --no-dev --no-emit-project -o requirements.lock \
	  && uv export --quiet --no-emit-project -o requirements-dev.lock

clean: ## remove what tools left, never data
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis
