# Bodega. `make help` lists what there is; docs are in README.md.

.DEFAULT_GOAL := help
SHELL := /bin/bash
PORT ?= 3000
SAM_PORT ?= 3001
ENV ?= dev
LIMIT ?= 10
ARGS ?=

# When a recipe fails, make exits with 2 and adds a line of its own to the sentence that the tool has
# printed. In question mode it exits with 1 and says nothing, and lines that start with + run as ever.
ifeq (,$(findstring n,$(firstword -$(MAKEFLAGS))))
MAKEFLAGS += --question
DO := +@
else
DO := @
endif
# What a recipe starts must not take this make's flags for its own: sam build runs make too.
unexport MAKEFLAGS MFLAGS MAKELEVEL

PYTHON := .venv/bin/python
CHECKED := functions layers/shared/shared tools bench tests

.PHONY: help setup run stop deploy-local build test bench power-table tables mutants check fix torture sbom requirements sam-local sam-invoke bootstrap deploy destroy admin smoke dlq api clean

help:  ## this list
	$(DO)grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | \
		awk -F ':.*## ' '{ printf "  make %-14s %s\n", $$1, $$2 }'

# --- environments --------------------------------------------------------------------------------

APP := .venv/.made
SAM := .tools/sam/.made
EMULATOR := .tools/emulator/.made
CHECKOV := .tools/checkov/.made
AUDIT := .tools/audit/.made
BENCH := .tools/bench/.made
MUTANTS := .tools/mutants/.made
RUNTIME := .tools/runtime/.made
NODE := .tools/node/.made

# pyenv's python3 refuses to start when the version of .python-version is not installed: try others.
define environment
for python in python3.13 python3 /usr/bin/python3; do \
	if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null; then \
		exec "$$python" -m tools.environments $(1); \
	fi; \
done; \
echo "python3 (3.9 or newer) is missing or does not start: install it, then try again." >&2; exit 1
endef

setup: $(APP) $(SAM) $(EMULATOR) $(CHECKOV) $(AUDIT) $(BENCH) $(RUNTIME) $(NODE)  ## make the environments (every other target makes those it needs)

$(APP): requirements/dev.txt requirements/uv.txt
	$(DO)$(call environment,app)
$(SAM): requirements/sam.txt requirements/uv.txt
	$(DO)$(call environment,sam)
$(EMULATOR): requirements/emulator.txt requirements/uv.txt
	$(DO)$(call environment,emulator)
$(CHECKOV): requirements/checkov.txt requirements/uv.txt
	$(DO)$(call environment,checkov)
$(AUDIT): requirements/audit.txt requirements/uv.txt
	$(DO)$(call environment,audit)
$(BENCH): requirements/bench.txt requirements/uv.txt
	$(DO)$(call environment,bench)
$(MUTANTS): requirements/mutants.txt requirements/uv.txt
	$(DO)$(call environment,mutants)
$(RUNTIME): requirements/runtime.txt requirements/uv.txt
	$(DO)$(call environment,runtime)
$(NODE): requirements/node.txt requirements/node/package.json requirements/node/package-lock.json requirements/uv.txt
	$(DO)$(call environment,node)

# --- the shop on this machine --------------------------------------------------------------------

run: $(APP) $(SAM) $(EMULATOR)  ## open the shop on this machine; PORT=3000, DETACH=1 to return
	$(DO)$(PYTHON) -m tools.local run --port $(PORT) $(if $(DETACH),--detach)

stop: $(APP)  ## end the shop that DETACH=1 left open
	$(DO)$(PYTHON) -m tools.local stop --port $(PORT)

deploy-local: $(APP) $(SAM)  ## bring changed code into the open shop
	$(DO)$(PYTHON) -m tools.local redeploy --port $(PORT)

sam-local: $(APP) $(SAM)  ## the API in Lambda's containers, on the open shop's AWS; SAM_PORT=3001
	$(DO)$(PYTHON) -m tools.local sam-local --port $(PORT) --sam-port $(SAM_PORT) -- $(ARGS)

sam-invoke: $(APP) $(SAM)  ## one function in its container; FUNCTION=OrdersCheckout EVENT=events/….json
	$(DO)$(PYTHON) -m tools.local sam-invoke --port $(PORT) "$(FUNCTION)" "$(EVENT)" -- $(ARGS)

# --- checks --------------------------------------------------------------------------------------

check: $(APP) $(SAM) $(CHECKOV) $(AUDIT) $(NODE)  ## what reads the code: style, types, boundaries, templates, known vulnerabilities
	$(DO)$(PYTHON) -m tools.check

fix: $(APP)  ## format, and put right what can be put right by itself
	$(DO).venv/bin/ruff check --quiet --fix $(CHECKED) || true
	$(DO).venv/bin/ruff format $(CHECKED)

test: $(APP) $(SAM) $(EMULATOR) $(NODE)  ## all tests; ARGS= for pytest, for example ARGS="-k cancel -x"
	$(DO)$(if $(ARGS),echo "▸ pytest $(ARGS)"; .venv/bin/pytest $(ARGS),$(PYTHON) -m tools.run_tests)

# Its figures need the machine for themselves.
bench: $(APP) $(SAM) $(EMULATOR) $(BENCH) $(RUNTIME)  ## cold starts, calls and prices beside three baselines, into docs/benchmarks.md; ONLY=cold,warm
	$(DO)PYTHONPATH=functions:layers/shared $(PYTHON) -m bench --only "$(ONLY)"

power-table: $(APP) $(SAM) $(BENCH) $(RUNTIME)  ## what each function would take and cost at each memory size
	$(DO)PYTHONPATH=functions:layers/shared $(PYTHON) -m bench.power

tables: $(APP)  ## write the generated tables of docs/ anew: access.md, differences.md, waits.md
	$(DO)PYTHONPATH=functions:layers/shared $(PYTHON) -m tools.openapi.access
	$(DO)PYTHONPATH=functions:layers/shared $(PYTHON) -m tests.budget.waits
	$(DO)PYTHONPATH=functions:layers/shared $(PYTHON) -m tests.simulation.differences

mutants: $(APP) $(if $(MODULE),$(MUTANTS))  ## break the design on purpose, and see a test fail each time; ONLY=outbox, JOBS=1; MODULE=orders.saga for small faults
	$(DO)$(PYTHON) -m tools.mutants --only "$(ONLY)" --jobs "$(JOBS)" --module "$(MODULE)" --tests "$(TESTS)"

# Quiet, and without logs in memory: ten thousand histories say more than anybody reads.
torture: $(APP) $(SAM) $(EMULATOR)  ## the long forms of the proofs of docs/reliability.md; hours
	$(DO)echo "▸ pytest -m torture"; .venv/bin/pytest -m torture -p no:logging --show-capture=no $(ARGS)
	$(DO)echo "▸ histories"; .venv/bin/pytest --hypothesis-profile=torture --timeout=14400 -p no:logging \
		--show-capture=no tests/histories tests/shared/test_breaker_histories.py

# --- the cloud, and housekeeping -----------------------------------------------------------------

# Region and stack are those of samconfig.toml, whatever the shell says. STACK= is for a shop beside that of ENV.
bootstrap: $(APP)  ## prepare an AWS account for its first shop; ENV=dev SENDER=an address or a domain
	$(DO)$(PYTHON) -m tools.local bootstrap "$(ENV)" --sender "$(SENDER)" --parameters "$(PARAMETERS)"

deploy: $(APP) $(SAM)  ## into the AWS account that you are logged in to; ENV=dev or prod
	$(DO)$(PYTHON) -m tools.local deploy "$(ENV)" --stack "$(STACK)" --parameters "$(PARAMETERS)"

destroy: $(APP) $(SAM)  ## delete a deployed shop; its tables and signing keys stay without DATA=delete
	$(DO)$(PYTHON) -m tools.local destroy "$(ENV)" --stack "$(STACK)" $(if $(YES),--yes) \
		$(if $(filter delete,$(DATA)),--with-data)

admin: $(APP)  ## make a registered user an admin of a deployed shop; ENV=dev EMAIL=you@example.com
	$(DO)$(PYTHON) -m tools.first_admin --env "$(ENV)" --stack "$(STACK)" --email "$(EMAIL)"

# Through the open shop, unless URL is given here: a variable of the shell must not lead into the cloud.
# The admin's password comes from the environment, so that no list of processes shows it.
smoke: $(APP)  ## walk through a whole shop in a minute; URL=https://…/live (ADMIN_EMAIL, ADMIN_PASSWORD in the environment)
	$(DO)$(PYTHON) -m tools.smoke --port "$(PORT)" \
		$(if $(findstring command,$(origin URL) $(origin ENV) $(origin STACK)),--deployed) \
		--url "$(if $(findstring command,$(origin URL)),$(URL))"

dlq: $(APP)  ## what workers gave up; ACTION=show, redrive or purge, QUEUE=checkout, ENV=dev if deployed
	$(DO)$(PYTHON) -m tools.dlq \
		$(if $(findstring command,$(origin ENV)),--env "$(ENV)" --stack "$(STACK)",--port "$(PORT)") \
		--action "$(ACTION)" --queue "$(QUEUE)" --id "$(ID)" --limit "$(LIMIT)" $(if $(YES),--yes)

# Before a release. What breaks a client of the last one is kept for a reason only, in docs/api/incompatible.md.
api: $(APP)  ## keep the documents of API and events for the next release's check; REASON="why a client may break"
	$(DO)PYTHONPATH=functions:layers/shared $(PYTHON) -m tools.openapi.release --keep --reason "$(REASON)"

sbom: $(APP) $(AUDIT)  ## the bill of materials of what is deployed (CycloneDX), in .cache/sbom.json
	$(DO)PYTHONPATH=functions:layers/shared $(PYTHON) -m tools.sbom

requirements: $(APP)  ## pin the newest versions that fit, with their hashes
	$(DO)$(PYTHON) -m tools.environments --pin

clean:  ## remove what builds and tests have made; the environments stay
	$(DO)rm -rf .aws-sam .cache .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	$(DO)find functions layers tools bench tests -name __pycache__ -type d -prune -exec rm -rf {} +
