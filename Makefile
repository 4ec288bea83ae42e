# `make run` and `make test` install what is missing; nothing else is needed on a fresh machine.
.DEFAULT_GOAL := help
.PHONY: help env run test test-full bench screenshots crawl check format trace trace-map messages lock soak failover weigh fuzz audit sbom
PYTHON := .venv/bin/python
ARGS ?=
# where a container forbids it, each of the many processes would compile a thousand files at its start: 1.7 s
export PYTHONDONTWRITEBYTECODE =
# a file's tests stay together, with what they share; the longest files begin (tests/conftest.py)
SPREAD := -n 2 --dist loadfile --no-loadscope-reorder

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "%-12s %s\n", $$1, $$2}'

env: ## make .venv as the lock file says
	@sh scripts/env.sh

run: env ## serve portal, API, sockets and worker at http://127.0.0.1:8000 (PORT, MARSAD_BIND, MARSAD_DATA)
	@sh scripts/system.sh run
	@exec $(PYTHON) -m portal.config.supervise

test: env ## run the whole suite on its own PostgreSQL, browser tests included (ARGS="-k name")
	@sh scripts/system.sh test
	@exec $(PYTHON) -m pytest $(SPREAD) $(ARGS)

test-full: env ## the suite with ten times as many generated examples, and ten thousand samples pushed
	@sh scripts/system.sh test
	@HYPOTHESIS_PROFILE=full $(PYTHON) -m pytest $(SPREAD) $(ARGS)
	@exec $(PYTHON) scripts/fuzz.py --cases 20 --phases examples,coverage,fuzzing,stateful

fuzz: env ## generated requests to every operation of both APIs, as several roles (ARGS="--cases 50 --only /samples")
	@sh scripts/system.sh run
	@exec $(PYTHON) scripts/fuzz.py $(ARGS)

audit: env ## known vulnerabilities of the pinned packages, as far as the advisory services can be asked
	@exec $(PYTHON) scripts/audit.py

sbom: env ## every package of the program with its hashes, as CycloneDX: make sbom ARGS=marsad.cdx.json
	@$(PYTHON) scripts/sbom.py $(ARGS)

bench: env ## measure P1 to P14: a table, and var/bench/*.json (QUICK=1, ONLY=P3,P8, ARGS="--samples 100000")
	@sh scripts/system.sh run
	@exec $(PYTHON) scripts/bench.py $(if $(QUICK),--quick) $(if $(ONLY),--only $(ONLY)) $(ARGS)

soak: env ## mixed work while processes are killed; ends with 1 where anything is lost, doubled or wrong (ARGS="--minutes 60")
	@sh scripts/system.sh run
	@exec $(PYTHON) scripts/soak.py $(ARGS)

failover: env ## a replica is promoted under load, an older moment brought back (needs PgBouncer, PostgreSQL of the system)
	@sh scripts/system.sh run
	@exec $(PYTHON) scripts/failover.py $(ARGS)

screenshots: env ## pictures of the pages in docs/pictures, of the program on PORT or of one with the demo (ARGS="samples")
	@sh scripts/system.sh test
	@exec $(PYTHON) scripts/screenshots.py $(ARGS)

crawl: env ## walk the pages as every role in three languages, wide and narrow, with axe (ARGS="--roles viewer samples")
	@sh scripts/system.sh test
	@exec $(PYTHON) scripts/crawl.py $(ARGS)

weigh: env ## what the pages weigh over the wire, at first and afterwards, in Arabic and English (ARGS="--files home")
	@sh scripts/system.sh test
	@exec $(PYTHON) scripts/weigh.py $(ARGS)

check: env ## lint, format, types, import directions, migrations, templates, translations, traceability
	@sh scripts/system.sh run
	@sh scripts/check.sh

format: env ## lay out Python and templates as the checks want them
	@.venv/bin/ruff check --quiet --fix . ; .venv/bin/ruff format --quiet .
	@find templates -name '*.html' | xargs .venv/bin/djade --target-version 6.1 || true  # it fails where it changed something

trace: env ## what the source specifications ask for that has no test (ARGS=--missing lists them)
	@$(PYTHON) scripts/trace.py $(ARGS)

trace-map: env ## write docs/trace.md: each endpoint and requirement, its tests, their code
	@$(PYTHON) scripts/trace_map.py

messages: env ## collect the texts of the program into locale/ar and locale/fr
	@$(PYTHON) -c 'import sys; sys.path[:0] = ["scripts"]; import messages; messages.update()'

lock: env ## resolve the newest versions that pyproject.toml allows
	@sh scripts/lock.sh
