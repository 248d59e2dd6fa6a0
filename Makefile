# One command per job, the same here and in CI. Needs Python 3.11+ with pip, git and make; everything else goes into .venv.

DEMO_QUESTION ?= What is the population of the capital of Japan divided by the population of the capital of France?

# The first Python of these that is new enough. Another one: make PYTHON=/path/to/python3.12 demo
IS_NEW := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$p -c '$(IS_NEW)' >/dev/null 2>&1 && echo $$p && break; done)

VENV := .venv
BIN := $(VENV)/bin
# Wheels only: nothing here may need a compiler. pip says which package has no wheel for this machine.
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --only-binary :all:
# Pinned: docs/conformance.md has figures about this very data.
BERKELEY := 'bfcl-eval==2026.3.23' 'mpmath>=1.3,<2'
SOURCES := llmcompiler planners tools server

# Two pips in one environment get in each other's way.
.NOTPARALLEL:
.DELETE_ON_ERROR:

.PHONY: help
help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

.PHONY: demo
demo: $(VENV)/.run  ## set everything up and answer a question with the embedded model
	@$(BIN)/llmcompiler models pull
	@echo '$$ llmcompiler run "$(DEMO_QUESTION)"'
	@$(BIN)/llmcompiler run "$(DEMO_QUESTION)" --model local:

.PHONY: test
test: $(VENV)/.berkeley  ## every test; pass options with ARGS='-k words -x'
	@$(BIN)/llmcompiler models pull
	$(BIN)/python -m pytest $(ARGS)

.PHONY: lint
lint: $(VENV)/.lint  ## style, format, import contracts, file lengths
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache --no-logo
	$(BIN)/python scripts/check_files.py

.PHONY: format
format: $(VENV)/.lint  ## let ruff mend style and format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: types
types: $(VENV)/.test $(VENV)/.lint  ## mypy, strict, of the packages and of typical user code
	$(BIN)/mypy
	$(BIN)/mypy tests/typing/user_code.py

.PHONY: bench
bench: $(VENV)/.test  ## measure the runtime against plain asyncio; options with ARGS=
	$(BIN)/python -m benchmarks $(ARGS)

.PHONY: train
train: $(VENV)/.train  ## train the embedded planner's adapter into build/ (hours); options with ARGS=
	@$(BIN)/llmcompiler models pull
	mkdir -p build
	PYTHONPATH=planners $(BIN)/python -m training --out build/planner-lora.gguf $(ARGS)

.PHONY: docs
docs: $(VENV)/.docs  ## build the documentation into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	$(BIN)/python scripts/check_site.py site

.PHONY: generated-docs
generated-docs: $(VENV)/.run  ## write the generated parts of the documentation anew
	$(BIN)/python scripts/generated_docs.py

.PHONY: wheel-test
wheel-test: $(VENV)/.build  ## build wheel and sdist, install the wheel in a new venv, use it from an empty folder
	$(BIN)/python scripts/wheel_test.py

.PHONY: check
check: lint types docs wheel-test test  ## everything CI does

.PHONY: clean
clean:  ## remove what was built; .venv and the model's weights stay
	rm -rf build dist site htmlcov .coverage .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find $(SOURCES) tests benchmarks examples scripts -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

.PHONY: distclean
distclean: clean  ## remove .venv too
	rm -rf $(VENV)

# -- the environment: one stamp for each set of packages, older than pyproject.toml when it must be made again --

$(VENV)/.made:
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer found. Install one, or name it: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c '$(IS_NEW)' || { echo "$(PYTHON) is not Python 3.11 or newer. Name one that is: make PYTHON=/path/to/python3"; exit 1; }
	@echo "Making $(VENV) with $(PYTHON) ..."
	@# Debian's Python comes without ensurepip unless python3-venv is installed: then the pip at hand fills the venv.
	@$(BIN)/python -m pip --version >/dev/null 2>&1 \
		|| $(PYTHON) -m venv --clear $(VENV) >/dev/null 2>&1 \
		|| { $(PYTHON) -m venv --clear --without-pip $(VENV) \
			&& $(PYTHON) -m pip --python $(BIN)/python install --quiet pip; } \
		|| { rm -rf $(VENV); echo "Could not make a virtual environment. On Debian or Ubuntu: apt install python3-venv"; exit 1; }
	@$(PIP) --upgrade 'pip>=25.1'
	@touch $@

$(VENV)/.run: $(VENV)/.made pyproject.toml
	@echo "Installing the library, its tools and the engine of the embedded model ..."
	@$(PIP) -e '.[tools,local]'
	@touch $@

$(VENV)/.test: $(VENV)/.run
	@echo "Installing what the tests need ..."
	@$(PIP) -e '.[all]' --group test
	@touch $@

$(VENV)/.berkeley: $(VENV)/.test Makefile
	@echo "Installing the data of the conformance tests ..."
	@# Without its dependencies: the tests use its data and eight plain classes, one of which needs mpmath.
	@$(PIP) --no-deps $(BERKELEY)
	@touch $@

$(VENV)/.train: $(VENV)/.run
	@echo "Installing PyTorch ..."
	@$(PIP) -e '.[tools,local,train]'
	@touch $@

$(VENV)/.lint: $(VENV)/.run
	@echo "Installing linters and mypy ..."
	@$(PIP) --group lint
	@touch $@

$(VENV)/.docs: $(VENV)/.run
	@echo "Installing what the documentation needs ..."
	@$(PIP) --group docs
	@touch $@

$(VENV)/.build: $(VENV)/.made pyproject.toml
	@$(PIP) --group build
	@touch $@
