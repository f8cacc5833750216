# Atelier: `make run` starts the studio, `make test` runs every test. Both install what they need.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := run
.PHONY: run install install-dev tools sounds check lint docs test space bench clean

PYTHON ?= python3
PY := .venv/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --no-input -qq

# Debian's packages that play music; without them a plain synthesiser does.
SOUNDS := fluidsynth timgm6mb-soundfont

# The data sets of recipes, benchmarks and some tests, where they lie beside the checkout.
ifndef ATELIER_DATA
ifneq ($(wildcard ../shared/data/.),)
export ATELIER_DATA := $(abspath ../shared/data)
endif
endif

run: install  ## start the studio; it prints its address
	@exec $(PY) app.py

install: .venv/.installed  ## install what the studio needs into .venv

install-dev: .venv/.installed-dev  ## ... and what its tests need

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Atelier needs Python 3.11 or newer: make PYTHON=python3.11 run")'
	@$(PYTHON) -m venv .venv

.venv/.installed: requirements.txt | .venv/bin/python
	@echo "Installing requirements.txt into .venv; the first time this takes some minutes."
	@$(PIP) install -r requirements.txt
	@touch $@

.venv/.installed-dev: requirements-dev.txt requirements.txt | .venv/bin/python
	@echo "Installing requirements-dev.txt into .venv; the first time this takes some minutes."
	@$(PIP) install -r requirements-dev.txt
	@touch .venv/.installed $@

tools:  ## Debian's Chromium, nginx and FluidSynth, for the tests of pages, of a reverse proxy and of sound
	@missing=""; \
	command -v chromium >/dev/null || missing="chromium chromium-driver"; \
	PATH="$$PATH:/usr/sbin" command -v nginx >/dev/null || missing="$$missing nginx-light"; \
	command -v fluidsynth >/dev/null || missing="$$missing $(SOUNDS)"; \
	[ -n "$$missing" ] || exit 0; \
	root=""; [ "$$(id -u)" = 0 ] || root="sudo -n"; \
	if ! command -v apt-get >/dev/null || { [ -n "$$root" ] && ! $$root true 2>/dev/null; }; then \
		echo "Some tests need these packages: $$missing. Install them, then run make test again." >&2; exit 1; \
	fi; \
	echo "Installing for the tests: $$missing"; \
	$$root apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$root apt-get install -y -qq --no-install-recommends $$missing >/dev/null

sounds:  ## Debian's FluidSynth and a free sound font, for music
	@root=""; [ "$$(id -u)" = 0 ] || root="sudo -n"; \
	$$root apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$root apt-get install -y -qq --no-install-recommends $(SOUNDS) >/dev/null

lint: install-dev  ## format, style, types, who imports whom, generated pages
	@$(PY) -m ruff format --check --quiet . || { echo "Run: $(PY) -m ruff format ."; exit 1; }
	@$(PY) -m ruff check --quiet .
	@$(PY) -m mypy --no-error-summary
	@said=$$(.venv/bin/lint-imports --no-cache 2>&1) || { echo "$$said"; exit 1; }
	@$(PY) -m surfaces.docs --check

check: lint  ## lint, and the tests that need neither network nor browser
	@HF_HUB_OFFLINE=1 OMP_NUM_THREADS=1 $(PY) -m pytest -q -n auto --dist loadfile -m "not slow and not browser"

test: tools check  ## everything
	@HF_HUB_OFFLINE=1 $(PY) -m pytest -q -m "slow or browser"

docs: install-dev  ## write the reference pages from the declarations
	@$(PY) -m surfaces.docs

space:  ## lay out a Space in build/space: the tracked files, with the Space's front page and settings
	@rm -rf build/space && mkdir -p build/space
	@git ls-files -z | grep -zvE '^(\.ci|tests|bench|recipes|docs/pictures|deploy)/' | xargs -0 cp --parents -P -t build/space
	@cp deploy/space/README.md build/space/README.md
	@cat Dockerfile deploy/space/Dockerfile.end > build/space/Dockerfile
	@echo "build/space is ready to be pushed to a Space."

bench: install-dev  ## the figures that the README names
	@$(PY) -m bench.quality faces
	@$(PY) -m bench.speed

clean:  ## remove caches; .venv and downloaded weights stay
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	@find . -name __pycache__ -not -path "./.venv/*" -prune -exec rm -rf {} +
