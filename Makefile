# Shorthands. Everything here also works without make: see ./test and .ci/run.

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo development)
LDFLAGS := -s -w -X usher/internal/buildinfo.version=$(VERSION)
TOOL    := go tool -modfile=tools/go.mod

# What `make run` and `make test` pass on, and how long `make fuzz` stays with
# each target.
ARGS     ?=
FUZZTIME ?= 30s

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: build
build: ## Build the static program bin/usher
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/usher .

.PHONY: run
run: ## Start the server from source (ARGS='--listen :9000')
	go run . serve $(ARGS)

.PHONY: test
test: ## Run all tests (ARGS='-run TestSuspend')
	./test $(ARGS)

.PHONY: check
check: ## Everything a change must pass: format, vet, lint, tests, known vulnerabilities
	.ci/run format vet lint tidy test vulnerabilities

.PHONY: lint
lint: ## Lint, and hold the walls between the rooms
	$(TOOL) golangci-lint run ./...

.PHONY: format
format: ## Format all Go code
	$(TOOL) gofumpt -w .

.PHONY: bench
bench: ## Measure requests a second beside a bare handler, and the decision itself
	go test -run '^$$' -bench . ./tests/bench/... ./internal/account

# How many users the databases of `make bench-large` have, and where they lie.
USERS ?= 1000,10000,100000,1000000
DIR   ?= $(or $(TMPDIR),/tmp)

.PHONY: bench-large
bench-large: ## Measure with up to a million users, and write docs/performance.md (USERS=1000,10000 DIR=/tmp)
	USHER_BENCH_USERS='$(USERS)' USHER_BENCH_DIR='$(DIR)' USHER_BENCH_PAGE='$(CURDIR)/docs/performance.md' \
		go test -count 1 -v -timeout 3h -run '^TestLarge$$' ./tests/bench

.PHONY: fuzz
fuzz: ## Fuzz every target for a while (FUZZTIME=30s each)
	@set -e; \
	targets=$$(go test -list '^Fuzz' ./... | awk '/^Fuzz/ { names[n++] = $$1 } \
		/^ok/ { for (i = 0; i < n; i++) print $$2 ":" names[i]; n = 0 }'); \
	test -n "$$targets" || { echo "there is nothing to fuzz"; exit 1; }; \
	for target in $$targets; do \
		echo "== $$target"; \
		go test -run '^$$' -fuzz "^$${target#*:}\$$" -fuzztime $(FUZZTIME) "$${target%%:*}"; \
	done

.PHONY: soak
soak: ## Run the tests of faults for much longer (ten minutes)
	USHER_TEST_LONG=1 go test -count 1 -v -timeout 2h ./tests/fault

.PHONY: clean
clean: ## Remove what the other targets made
	rm -rf bin dist coverage.*
