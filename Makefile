# Bodega. `make help` lists the targets; README.md leads to the documentation.

.DEFAULT_GOAL := help
SHELL := /bin/bash
PORT ?= 3000
SAM_PORT ?= 3001
ENV ?= dev
LIMIT ?= 10
BASE ?= main
# fast, or plain: the libraries as they were published (docs/cold-starts.md).
export LAYER ?= fast

# `sam build` runs make too, which must not take over the flags of this one.
unexport MAKEFLAGS MFLAGS MAKELEVEL

PYTHON := .venv/bin/python
CHECKED := functions layers/shared/shared layers/faults/faults tools bench tests
# The tests of shared and of each service, on fakes and on moto.
UNIT := tests/shared $(patsubst functions/%/__init__.py,tests/%,$(wildcard functions/*/__init__.py))

.PHONY: help setup browser screenshots client service run stop deploy-local mail sam-local sam-invoke drill-deploy check fix test test-unit affected budgets bench bill rush \
	tables mutants torture bootstrap deploy release destroy admin migrate smoke dlq order request fault reconcile restore drill-restore api sbom requirements clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | \
		awk -F ':.*## ' '{ printf "  make %-14s %s\n", $$1, $$2 }'

# --- environments --------------------------------------------------------------------------------

APP := .venv/.made
SAM := .tools/sam/.made
EMULATOR := .tools/emulator/.made
LOCALSTRIPE := .tools/localstripe/.made
CHECKOV := .tools/checkov/.made
AUDIT := .tools/audit/.made
MUTANTS := .tools/mutants/.made
RUNTIME := .tools/runtime/.made
CLIENT := .tools/client/.made
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

setup: $(APP) $(SAM) $(EMULATOR) $(LOCALSTRIPE) $(CHECKOV) $(AUDIT) $(RUNTIME) $(CLIENT) $(NODE)  ## make the environments (every other target makes those it needs)

$(APP): requirements/dev.txt requirements/uv.txt
	@$(call environment,app)
$(SAM): requirements/sam.txt requirements/uv.txt
	@$(call environment,sam)
$(EMULATOR): requirements/emulator.txt requirements/uv.txt
	@$(call environment,emulator)
$(LOCALSTRIPE): requirements/localstripe.txt requirements/uv.txt
	@$(call environment,localstripe)
$(CHECKOV): requirements/checkov.txt requirements/uv.txt
	@$(call environment,checkov)
$(AUDIT): requirements/audit.txt requirements/uv.txt
	@$(call environment,audit)
$(MUTANTS): requirements/mutants.txt requirements/uv.txt
	@$(call environment,mutants)
$(RUNTIME): requirements/runtime.txt requirements/uv.txt
	@$(call environment,runtime)
$(CLIENT): requirements/client.txt requirements/uv.txt
	@$(call environment,client)
$(NODE): requirements/node.txt requirements/node/package.json requirements/node/package-lock.json requirements/uv.txt
	@$(call environment,node)

screenshots: $(APP) $(SAM) $(EMULATOR) $(NODE)  ## take the README's two pictures anew
	@.venv/bin/pytest --quiet tests/browser/test_readme.py
	@cp .cache/screenshots/storefront.png .cache/screenshots/console.png docs/

browser: $(APP)  ## a browser for tests/browser, where root and apt-get may install one
	@$(PYTHON) -m tools.browser

# --- a new service -------------------------------------------------------------------------------

service: $(APP)  ## add a service in the shape of the others; NAME=reviews, SINGULAR= where it is irregular
	@PYTHONPATH=functions:layers/shared $(PYTHON) -m tools.new_service "$(NAME)" --singular "$(SINGULAR)"
	@$(MAKE) --no-print-directory tables budgets

# --- the shop on this machine --------------------------------------------------------------------

# STRIPE_KEY goes through the environment, as it stands in a command of make or in the shell.
run: $(APP) $(SAM) $(EMULATOR) $(if $(filter stripe,$(PAYMENTS)),$(LOCALSTRIPE))  ## open the shop on this machine; PORT=3000, DETACH=1 to return, LIMITS=on for those of prod, LAYER=plain, PAYMENTS=stripe (STRIPE_KEY=sk_test_…)
	@$(PYTHON) -m tools.local run --port $(PORT) $(if $(DETACH),--detach) $(if $(filter on,$(LIMITS)),--limits) \
		--payments "$(or $(PAYMENTS),sandbox)"

stop: $(APP)  ## end the shop that DETACH=1 left open
	@$(PYTHON) -m tools.local stop --port $(PORT)

deploy-local: $(APP) $(SAM)  ## bring changed code into the open shop
	@$(PYTHON) -m tools.local redeploy --port $(PORT)

mail: $(APP)  ## the e-mails that the open shop has sent; TO=alice@example.com for one address
	@$(PYTHON) -m tools.local mail --port $(PORT) --to "$(TO)"

sam-local: $(APP) $(SAM)  ## the API in Lambda's containers, on the open shop's AWS; SAM_PORT=3001
	@$(PYTHON) -m tools.local sam-local --port $(PORT) --sam-port $(SAM_PORT) -- $(ARGS)

sam-invoke: $(APP) $(SAM)  ## one function in its container; FUNCTION=OrdersCheckout EVENT=events/….json
	@$(PYTHON) -m tools.local sam-invoke --port $(PORT) "$(FUNCTION)" "$(EVENT)" -- $(ARGS)

drill-deploy: $(APP) $(SAM) $(EMULATOR)  ## a deployment that goes wrong, and goes back by itself; STEPS=Canary10Percent5Minutes
	@$(PYTHON) -m tools.drill_deploy --deployments "$(or $(STEPS),Canary10Percent5Minutes)"

# --- checks --------------------------------------------------------------------------------------

check: $(APP) $(SAM) $(CHECKOV) $(AUDIT) $(NODE)  ## style, types, boundaries, templates, known vulnerabilities; OFFLINE=1 in CI without a network
	@$(PYTHON) -m tools.check

fix: $(APP)  ## format, and correct what ruff can correct
	@.venv/bin/ruff check --quiet --fix $(CHECKED) || true
	@.venv/bin/ruff format $(CHECKED)

test: $(APP) $(SAM) $(EMULATOR) $(LOCALSTRIPE) $(CLIENT) $(NODE)  ## all tests; ARGS= for pytest, for example ARGS="-k cancel -x"
	@$(if $(ARGS),.venv/bin/pytest $(ARGS),$(PYTHON) -m tools.run_tests)

test-unit: $(APP)  ## the tests of shared and of each service, in half a minute
	@.venv/bin/pytest --quiet --numprocesses=2 --dist=loadfile $(UNIT) $(ARGS)

affected: $(APP)  ## the tests that import what differs from BASE=main
	@$(PYTHON) -m tools.affected --base "$(BASE)" $(if $(ARGS),-- $(ARGS))

budgets: $(APP)  ## measure modules, calls and log lines anew, and show what changed
	@PYTHONPATH=functions:layers/shared $(PYTHON) -m tests.budget.measure
	@git diff --unified=0 -- tests/budget/budgets.toml

# Run it on a quiet machine.
bench: $(APP) $(SAM) $(EMULATOR) $(LOCALSTRIPE) $(RUNTIME)  ## cold starts, requests, memory, e-mails, calls and prices; ONLY=cold,warm, BEFORE=another checkout to compare with
	@PYTHONPATH=functions:layers/shared $(PYTHON) -m $(if $(BEFORE),bench.compare "$(BEFORE)",bench --only "$(ONLY)")
	@$(if $(ONLY)$(BEFORE),,PYTHONPATH=functions:layers/shared $(PYTHON) -m tests.costs)

rush: $(APP)  ## a simulated rush; ARGS="--rate 1000 --shards 8 --flash", ARGS=ceilings for keys and quotas
	@PYTHONPATH=functions:layers/shared $(PYTHON) -m tests.rush $(ARGS)

bill: $(APP)  ## what a shop costs a month; ORDERS="5000 20,000", PROFILE=a copy of tests/costs/profile.toml
	@PYTHONPATH=functions:layers/shared $(PYTHON) -m tests.costs.bill --orders="$(ORDERS)" --profile="$(PROFILE)"

tables: $(APP) api  ## write what docs/ has of the code anew: api/, access.md, waits.md
	@PYTHONPATH=functions:layers/shared $(PYTHON) -m tools.openapi.access
	@PYTHONPATH=functions:layers/shared $(PYTHON) -m tests.budget.waits

mutants: $(APP) $(if $(MODULE),$(MUTANTS))  ## break the design on purpose, and see a test fail each time; ONLY=outbox, JOBS=1; MODULE=orders.saga for small faults
	@$(PYTHON) -m tools.mutants --only "$(ONLY)" $(if $(JOBS),--jobs $(JOBS)) --module "$(MODULE)" --tests "$(TESTS)"

# Without captured logs: ten thousand histories would fill the memory.
torture: $(APP) $(SAM) $(EMULATOR) $(LOCALSTRIPE)  ## the long forms of the proofs of docs/reliability.md; hours
	@echo "▸ pytest -m torture"; .venv/bin/pytest -m torture -p no:logging --show-capture=no $(ARGS)
	@echo "▸ histories"; .venv/bin/pytest --hypothesis-profile=torture --timeout=14400 -p no:logging \
		--show-capture=no tests/histories

# --- the cloud, and housekeeping -----------------------------------------------------------------

# Region and stack are those of samconfig.toml, whatever the shell says. STACK= is for a shop beside that of ENV.
bootstrap: $(APP)  ## prepare an AWS account for its first shop; ENV=dev SENDER=an address or a domain
	@$(PYTHON) -m tools.local bootstrap "$(ENV)" --sender "$(SENDER)" --parameters "$(PARAMETERS)"

deploy: $(APP) $(SAM)  ## into the AWS account that you are logged in to; ENV=dev or prod, YES=1 without a confirmation
	@$(PYTHON) -m tools.local deploy "$(ENV)" --stack "$(STACK)" --parameters "$(PARAMETERS)" $(if $(YES),--yes)

release: $(APP)  ## an entry in the changelog, and a tag that GitHub deploys; VERSION=1.4.0 for another one
	@$(PYTHON) -m tools.release --version "$(VERSION)"

destroy: $(APP) $(SAM)  ## delete a deployed shop; its tables and signing keys stay without DATA=delete
	@$(PYTHON) -m tools.local destroy "$(ENV)" --stack "$(STACK)" $(if $(YES),--yes) \
		$(if $(filter delete,$(DATA)),--with-data)

admin: $(APP)  ## make a registered user an admin of a deployed shop; ENV=dev EMAIL=you@example.com
	@$(PYTHON) -m tools.first_admin --env "$(ENV)" --stack "$(STACK)" --email "$(EMAIL)" \
		$(if $(YES),--yes)

# The positions of a run that was stopped are in .local/migrations.
migrate: $(APP)  ## set attributes of items that exist; NAME=a module of tools/migrations, WRITE=1, RATE=200, ENV=dev if deployed
	@PYTHONPATH=functions:layers/shared $(PYTHON) -m tools.migrate \
		$(if $(findstring command,$(origin ENV)),--env "$(ENV)" --stack "$(STACK)",--port "$(PORT)") \
		--name "$(NAME)" --rate "$(or $(RATE),200)" $(if $(filter 1,$(WRITE)),--write)

# Through the open shop, unless URL is given here: a variable of the shell must not lead into the cloud.
# The admin's password comes from the environment, so that no list of processes shows it.
smoke: $(APP)  ## walk through a whole shop in a minute; URL=https://…/live (ADMIN_EMAIL, ADMIN_PASSWORD in the environment)
	@$(PYTHON) -m tools.smoke --port "$(PORT)" \
		$(if $(findstring command,$(origin URL) $(origin ENV) $(origin STACK)),--deployed) \
		--url "$(if $(findstring command,$(origin URL)),$(URL))"

dlq: $(APP)  ## what workers gave up; ACTION=show, redrive or purge, QUEUE=checkout, ENV=dev if deployed
	@$(PYTHON) -m tools.dlq \
		$(if $(findstring command,$(origin ENV)),--env "$(ENV)" --stack "$(STACK)",--port "$(PORT)") \
		--action "$(ACTION)" --queue "$(QUEUE)" --id "$(ID)" --limit "$(LIMIT)" $(if $(YES),--yes)

order: $(APP)  ## what has happened to an order, from tables, logs and traces; ID=…, SHOW=personal, ENV=dev if deployed
	@$(PYTHON) -m tools.timeline order \
		$(if $(findstring command,$(origin ENV)),--env "$(ENV)" --stack "$(STACK)",--port "$(PORT)") \
		--id "$(ID)" --show "$(SHOW)"

request: $(APP)  ## the same of a request and all that it caused; ID=its X-Request-ID
	@$(PYTHON) -m tools.timeline request \
		$(if $(findstring command,$(origin ENV)),--env "$(ENV)" --stack "$(STACK)",--port "$(PORT)") \
		--id "$(ID)" --show "$(SHOW)"

fault: $(APP)  ## calls that are slow or fail, on purpose: TARGET=inventory KIND=latency, error, throttle or hang, RATE=0.5 FOR=60; STOP=1; ENV=dev if deployed
	@PYTHONPATH=layers/faults $(PYTHON) -m tools.fault \
		$(if $(findstring command,$(origin ENV)),--env "$(ENV)" --stack "$(STACK)",--port "$(PORT)") \
		--target "$(TARGET)" --kind "$(KIND)" --rate "$(RATE)" --for "$(FOR)" $(if $(filter 1,$(STOP)),--stop)

reconcile: $(APP)  ## compare orders, stock, payments, notifications and totals; MEND= what it printed, or all, ENV=dev if deployed
	@PYTHONPATH=functions:layers/shared $(PYTHON) -m tools.reconcile \
		$(if $(findstring command,$(origin ENV)),--env "$(ENV)" --stack "$(STACK)",--port "$(PORT)") --mend "$(MEND)"

restore: $(APP)  ## bring tables back to a moment: AT=2026-11-22T10:00:00Z TABLES="orders products" STEP=beside, … (docs/runbook.md), ENV=dev if deployed
	@PYTHONPATH=functions:layers/shared $(PYTHON) -m tools.restore \
		$(if $(findstring command,$(origin ENV)),--env "$(ENV)" --stack "$(STACK)",--port "$(PORT)") \
		--at "$(AT)" --tables "$(TABLES)" --step "$(STEP)"

drill-restore: $(APP) $(SAM) $(EMULATOR)  ## rehearse a restore: a separate shop is damaged, brought back and reconciled
	@PYTHONPATH=functions:layers/shared $(PYTHON) -m tools.drill_restore

# What breaks clients is written for a reason only, which docs/api/incompatible.md keeps.
api: $(APP)  ## write the documents of API and events, docs/api; REASON="why clients may break"
	@PYTHONPATH=functions:layers/shared $(PYTHON) -m tools.openapi.contract --reason "$(REASON)"

client: $(APP) $(CLIENT) $(NODE)  ## write clients of the API in Python and TypeScript, into .cache/clients
	@$(PYTHON) -m tools.clients

sbom: $(APP) $(AUDIT)  ## the bill of materials of what is deployed (CycloneDX), in .cache/sbom.json
	@PYTHONPATH=functions:layers/shared $(PYTHON) -m tools.sbom

requirements: $(APP)  ## pin the newest versions that fit, with their hashes
	@$(PYTHON) -m tools.environments --pin

clean:  ## remove what builds and tests have made; the environments stay
	@rm -rf .aws-sam .cache .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find functions layers tools bench tests -name __pycache__ -type d -prune -exec rm -rf {} +
