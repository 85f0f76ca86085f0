# Set-up, demonstration, tests and checks of azid. `make help` lists the targets.
# Needs GNU make 3.81 or newer and Python 3.10 or newer; everything else is installed into ignored folders here.

ifeq ($(OS),Windows_NT)
PYTHON ?= python
PY := .venv/Scripts/python
else
PYTHON ?= python3
PY := .venv/bin/python
endif

INSTALL := $(PY) -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
PYTEST_ARGS ?=

.PHONY: help
help: ## List the targets
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## (.*)/\1	\2/' | while IFS='	' read -r name text; do printf '  %-16s %s\n' "$$name" "$$text"; done

.PHONY: demo
demo: .venv/.runtime ## Sign a person in through each credential, against an authority started for it
	@$(PY) -m azid demo

.PHONY: test
test: .venv/.development ## Run the tests; PYTEST_ARGS="tests/redirect -x" passes options on
	@$(PY) -m tools.parts
	@$(PY) -m pytest $(PYTEST_ARGS)

.PHONY: check
check: check-format check-lint check-types check-links ## Run every static check (make -k check: do not stop at the first)

.PHONY: check-format
check-format: .venv/.development ## Is every Python file formatted?
	$(PY) -m ruff format --check .

.PHONY: check-lint
check-lint: .venv/.development ## Lint
	$(PY) -m ruff check .

.PHONY: check-types
check-types: .venv/.development ## Type-check, strictly
	$(PY) -m mypy

.PHONY: check-links
check-links: .venv/.development ## Do the links and anchors of the documentation lead somewhere?
	$(PY) -m tools.links

.PHONY: docs
docs: .venv/.development ## Build the documentation's site in .artifacts/site
	@$(PY) -m tools.docs

.PHONY: format
format: .venv/.development ## Format the code and mend what the linter can mend
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

.PHONY: bench
bench: .venv/.development ## Measure azid beside azure-identity and write docs/benchmarks.md
	@$(PY) -m tools.parts
	@$(PY) -m benchmarks

.PHONY: recordings
recordings: .venv/.development ## Record the command in a terminal, for docs/recordings.md
	@$(PY) -m tools.recordings

.PHONY: screenshots
screenshots: .venv/.development ## Take the documentation's pictures anew
	@$(PY) -m tools.screenshots

.PHONY: constraints
constraints: .venv/.development ## Pin the newest versions of everything that development installs
	$(PY) -m pip install --quiet --disable-pip-version-check uv
	$(PY) -m uv pip compile --quiet --upgrade --universal --python-version 3.10 --no-header --no-annotate \
		--all-extras --group test --group check --group docs --group azure-identity --output-file constraints.txt pyproject.toml

.PHONY: clean
clean: ## Remove everything that is not part of the source
	rm -rf .venv .venvs .cache .artifacts .hypothesis .mypy_cache .pytest_cache .ruff_cache dist build
	find . -type d -name __pycache__ -prune -exec rm -rf {} +

# The stamps lie in what they vouch for, so that removing a folder is enough to have it made again.

.venv/.runtime: pyproject.toml constraints.txt tools/venv.py
	$(PYTHON) tools/venv.py .venv
	$(INSTALL) --editable '.[aio,emulator]'
	@touch $@

.venv/.development: .venv/.runtime drop-in/pyproject.toml
	$(INSTALL) --editable '.[aio,emulator]' --editable drop-in --group test --group check --group docs
	@touch $@
