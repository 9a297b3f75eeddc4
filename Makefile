# Two commands matter: `make run` starts Thaw, `make test` checks it. Each sets up what it needs first.

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
PYTEST_WORKERS ?= 2

.PHONY: run test lint setup setup-dev bench lock

# An empty workspace instead of the demo: make run DEMO=0. Another port: make run PORT=8001.
run: setup
	@$(BIN)/python manage.py serve $(if $(filter 0 no false,$(DEMO)),--first-admin,--demo)

# Everything runs even where something failed, so that one round shows all there is to repair.
test: setup-dev
	@status=0; \
	$(MAKE) --no-print-directory lint || status=1; \
	$(BIN)/python -m pytest -n $(PYTEST_WORKERS) || status=1; \
	$(BIN)/python -m pytest -n $(PYTEST_WORKERS) --postgres || status=1; \
	exit $$status

lint: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	find templates -name '*.html' -exec $(BIN)/djade --target-version 5.2 --check {} +
	dir=$$(mktemp -d) && THAW_DIR=$$dir $(BIN)/python manage.py makemigrations --check --dry-run; \
	status=$$?; rm -rf "$$dir"; exit $$status

# Tables and bench-results/*.json, beside SQLite and beside PostgreSQL: make bench BENCH_LEADS=100000
bench: setup-dev
	$(BIN)/python -m pytest tests/benchmarks -s --show-capture=no -o faulthandler_timeout=0
	$(BIN)/python -m pytest tests/benchmarks -s --show-capture=no -o faulthandler_timeout=0 --postgres

# What is installed is what the lock says, every file by its hash. A lock that is already installed costs
# nothing; the development lock contains all of the other one.
sha256 = (sha256sum 2>/dev/null || shasum -a 256) | cut -d' ' -f1
running = run $$(cat requirements.lock | $(sha256))
developing = dev $$(cat requirements.lock requirements-dev.lock | $(sha256))

# Syncing takes out what no lock names, uv itself included.
uv_at_hand = test -x $(BIN)/uv || { $(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install --quiet uv; }

define install
	@echo "Setting up $(VENV) from $(1) …"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Thaw needs Python 3.11 or later.")'
	@rm -f $(VENV)/.locks
	@$(uv_at_hand)
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes $(1)
endef

setup:
	@grep -qxs "$(running)" $(VENV)/.locks || $(MAKE) --no-print-directory $(VENV)/run

setup-dev:
	@grep -qxs "$(developing)" $(VENV)/.locks || $(MAKE) --no-print-directory $(VENV)/dev

.PHONY: $(VENV)/run $(VENV)/dev
$(VENV)/run:
	$(call install,requirements.lock)
	@echo "$(running)" > $(VENV)/.locks

$(VENV)/dev:
	$(call install,requirements-dev.lock)
	@printf '%s\n' "$(running)" "$(developing)" > $(VENV)/.locks

# After a change of the dependencies in pyproject.toml. The locks name no index, so that they work with any.
compile = $(BIN)/uv pip compile --quiet pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-annotate --no-header
lock: setup-dev
	@$(uv_at_hand)
	$(compile) --output-file requirements.lock
	$(compile) --group dev --output-file requirements-dev.lock
