# Every target prepares the machine first (deploy/bootstrap): a moment where nothing has changed.
PYTHON := .venv/bin/python
COMPILE := .venv/bin/pip-compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links \
	--no-header --no-strip-extras --allow-unsafe

.PHONY: help bootstrap bootstrap-demo bootstrap-tests bootstrap-containers demo test chaos versions containers up down bench check sbom image lock clean
.DEFAULT_GOAL := help

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

bootstrap:
	@deploy/bootstrap

bootstrap-demo:
	@deploy/bootstrap demo

bootstrap-tests:
	@deploy/bootstrap tests

bootstrap-containers:
	@deploy/bootstrap containers

demo: bootstrap-demo ## 200 citizens ask for a PIN, before your eyes; with STAY=1 it stays up, for a browser
	@$(PYTHON) -m deploy.demo $(if $(TLS),--tls) $(if $(STAY),--stay)

test: bootstrap-tests ## all tests, on private servers of their own
	@$(PYTHON) -m pytest -n 2 --dist loadfile --no-loadscope-reorder

# All faults rewrite the table; some of them (FAULTS="leader_killed primary_killed") print one of their own.
chaos: bootstrap-tests ## break a cluster in every way, RUNS=5 times each: 45 minutes a time; wants root
	@$(PYTHON) -m tests.cluster $(FAULTS) --runs $(or $(RUNS),5) $(if $(FAULTS),,--into docs/reliability.md)

versions: ## all tests on Debian 13, with its Python, RabbitMQ and Postgres (as root; half an hour at first)
	@tests/on-debian trixie

up: bootstrap ## start the local stack and its pages in the background; with TLS=1 every server by TLS
	@$(PYTHON) -m deploy.local up $(if $(TLS),--tls)

down: bootstrap ## stop it; its data stays
	@$(PYTHON) -m deploy.local down

containers: bootstrap-containers ## the image in podman's pods, from the manifests; see docs/containers.md
	@PIN_TEST_CONTAINERS=1 BASE='$(BASE)' IMAGE='$(IMAGE)' $(PYTHON) -m pytest -p no:xdist tests/containers

bench: bootstrap ## measure, with every durability setting on, and write docs/benchmarks.md: 35 minutes
	@$(PYTHON) -m tests.bench --into docs/benchmarks.md

check: bootstrap ## lint, format, types, contract, settings, manifests, locks and licences
	@$(PYTHON) -m ruff check
	@$(PYTHON) -m ruff format --check
	@$(PYTHON) -m mypy
	@$(PYTHON) -m shared.contract.asyncapi --check
	@$(PYTHON) -m deploy.settings_document --check
	@$(PYTHON) -m deploy.broker.rights --check
	@$(PYTHON) -m deploy.monitoring --check
	@$(PYTHON) -m deploy.manifests
	@$(PYTHON) -m deploy.sbom --check
	@.venv/bin/hadolint deploy/container/Dockerfile

sbom: bootstrap ## write each image's bill of materials (CycloneDX): sbom.cdx.json, sbom-web.cdx.json
	@$(PYTHON) -m deploy.sbom
	@$(PYTHON) -m deploy.sbom --web

image: sbom ## build a release's two images; wants BASE=debian:trixie-slim@sha256:…
	@echo '$(BASE)' | grep -Eq '@sha256:[0-9a-f]{64}$$' || { echo 'A release names its base image by digest: \
	make image BASE=debian:trixie-slim@sha256:…, as `docker buildx imagetools inspect debian:trixie-slim` \
	shows it' >&2; exit 2; }
	@deploy/container/build '$(BASE)' '$(or $(TAG),pin-online)'
	@deploy/container/build '$(BASE)' '$(or $(WEB_TAG),pin-online-web)' web

lock: bootstrap ## resolve the requirements anew
	@$(COMPILE) --upgrade --output-file requirements.lock requirements.in
	@$(COMPILE) --upgrade --constraint requirements.lock --output-file requirements-web.lock requirements-web.in
	@$(COMPILE) --upgrade --constraint requirements-web.lock --output-file requirements-dev.lock requirements-dev.in
	@$(COMPILE) --upgrade --output-file requirements-bench.lock requirements-bench.in

clean: down ## remove the local stack's state
	@rm -rf .local
