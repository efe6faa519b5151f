# The one command for each thing. `make help` lists them.

CARGO ?= cargo
# The version is pinned so that a check fails because of us and not because of a new release.
CARGO_DENY_VERSION := 0.20.2
GRAPHIQL := web/graphiql
GRAPHIQL_PAGE := $(GRAPHIQL)/dist/index.html
CLIENTS := tests/clients
CLIENTS_VENV := target/clients-venv
# Node goes there where the system's is too old.
OWN_NODE := $(CURDIR)/target/node
export PATH := $(OWN_NODE)/node_modules/.bin:$(PATH)

.DEFAULT_GOAL := help
.PHONY: help run test check bench schema graphiql test-tools check-tools machine-paths

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: graphiql ## Build everything and start the demo
	$(CARGO) run --release --locked -- demo

# GraphiQL by a make of its own, since npm may not have been there when this one began.
test: test-tools ## Install what the tests need where it is missing, and run all of them
	$(MAKE) graphiql
	$(CARGO) test --workspace --locked

check: check-tools machine-paths ## Formatting, lints, documentation, licences and sources
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS=-Dwarnings $(CARGO) doc --workspace --no-deps --locked --document-private-items
	$(CARGO) deny --locked check licenses bans sources

# Two builds, so that what is measured is built as it ships, without what the benchmarks ask of shared crates.
# Of the tests' tools only those that the benchmarks need too.
bench: ## Measure, and write benches/RESULTS.md; PART="capture reading" for some parts
	@sh scripts/install-postgres
	@sh scripts/install-node $(OWN_NODE)
	@sh scripts/install-python
	@sh scripts/install-bench-peers
	$(MAKE) graphiql
	$(CARGO) build --release --locked --package afterimage
	ulimit -Sn 30000 2>/dev/null || true; $(CARGO) run --release --locked --package afterimage-benches -- $(PART)

# By way of files of their own: a failure leaves the old ones as they were.
schema: ## Write schema.graphql and openapi.json as the code has them
	$(CARGO) run --quiet --locked -- schema >schema.graphql.new
	mv schema.graphql.new schema.graphql
	$(CARGO) run --quiet --locked -- openapi >openapi.json.new
	mv openapi.json.new openapi.json

graphiql: ## Build GraphiQL for the server to serve, where npm is installed
ifeq ($(wildcard $(GRAPHIQL)/package.json),)
	@:
else ifeq ($(shell command -v npm),)
	@echo "npm is not installed: the server will serve a page that says how to get GraphiQL"
else
graphiql: $(GRAPHIQL_PAGE)

$(GRAPHIQL_PAGE): $(shell find $(GRAPHIQL) -type f -not -path '*/node_modules/*' -not -path '*/dist/*')
	cd $(GRAPHIQL) && npm ci --no-audit --no-fund && npm run build
	touch $@
endif

test-tools:
	@sh scripts/install-postgres
	@sh scripts/install-node $(OWN_NODE)
	@sh scripts/install-python
	@sh scripts/install-chromium
	@sh scripts/install-schemathesis
	@$(MAKE) --silent $(CLIENTS)/node_modules/.installed $(CLIENTS_VENV)/.installed

# Some packages of the code generator ask for a later Node than they need.
$(CLIENTS)/node_modules/.installed: $(CLIENTS)/package.json $(CLIENTS)/package-lock.json
	cd $(CLIENTS) && npm ci --no-audit --no-fund --loglevel error
	touch $@

$(CLIENTS_VENV)/.installed: $(CLIENTS)/requirements.txt
	rm -rf $(CLIENTS_VENV)
	python3 -m venv $(CLIENTS_VENV)
	$(CLIENTS_VENV)/bin/pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

# Unoptimised, because it builds in a minute so and runs in a second anyway.
check-tools:
	@$(CARGO) deny --version 2>/dev/null || \
		CARGO_PROFILE_DEV_DEBUG=0 $(CARGO) install --locked --debug cargo-deny@$(CARGO_DENY_VERSION)

# A path of someone's own machine helps nobody else.
machine-paths:
	@! git grep -nE '(/home|/Users|/root)/[A-Za-z0-9_.-]+' || \
		{ echo "tracked files hold paths of one machine" >&2; exit 1; }
