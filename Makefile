# Every target sets up what it needs in .venv; nothing is installed outside the checkout.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# KERBEROS=1 adds Kerberos for a machine that is not Windows (needs gcc and the system's krb5 headers).
# BENCH=1 adds Ansible, for the comparison in `make bench`.
LOCKS := constraints.txt $(if $(KERBEROS),constraints-kerberos.txt) $(if $(BENCH),constraints-bench.txt)
STAMP := $(VENV)/.installed$(if $(KERBEROS),-kerberos)$(if $(BENCH),-bench)

.PHONY: help demo test simulate lint bench bench-1000 bench-lab bench-grid lock sums clean

help: ## List the targets
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

$(STAMP): pyproject.toml $(LOCKS)
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes $(addprefix -r ,$(LOCKS))
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(STAMP) ## Run the main job on a practice fleet of this machine
	$(BIN)/easfix demo

lint: $(STAMP) ## Style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: $(STAMP) lint ## Style, types and every test
	$(BIN)/pytest -n 2

PLAYS ?= 5000
simulate: $(STAMP) ## Thousands of random fleets, faults, windows and deaths (PLAYS=5000)
	EASFIX_SIMULATION=$(PLAYS) $(BIN)/pytest --timeout 0 tests/simulation

bench: $(STAMP) ## Requests, CPU and memory of easfix itself, as ratios in one run
	$(BIN)/python -m tests.bench.agent

bench-1000: $(STAMP) ## A thousand practice servers changed by one process: time, memory, and its record
	$(BIN)/python -m tests.bench.thousand

bench-lab: $(STAMP) ## Memory and rounds a second of the practice lab
	$(BIN)/python -m tests.bench.lab

bench-grid: $(STAMP) ## Wall time of the grid 4 x 20 against its slowest answer and the sum of all
	$(BIN)/python -m tests.bench.grid

LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-annotate --no-header

lock: ## Write the lock files anew (needs uv)
	$(LOCK) --extra dev --extra lab --extra postgres pyproject.toml --no-emit-package easfix -o constraints.txt
	printf 'gssapi\nkrb5\n' | $(LOCK) - -c constraints.txt -o constraints-kerberos.txt
	printf 'ansible-core\n' | $(LOCK) - -c constraints.txt -o constraints-bench.txt

sums: $(STAMP) ## Write the hashes of the scripts anew, once each has passed the lint
	$(BIN)/python -c 'from agent import playbook; print(playbook.sums(), end="")' > $(VENV)/sums
	mv $(VENV)/sums playbooks/eas-require-ssl/SHA256SUMS
	$(BIN)/python -c 'from agent import playbook; print(playbook.seal(), end="")' > $(VENV)/released
	mv $(VENV)/released agent/released.py

clean: ## Remove the virtual environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis dist build
