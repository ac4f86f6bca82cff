# make setup | demo | test | check | bench | faults | docs | site | dist
# Needs Python >= 3.11 with pip, git, a C compiler and a Rust toolchain; brings its own uv.

SHELL := /bin/bash -euo pipefail
.DEFAULT_GOAL := setup
.PHONY: setup demo test check bench faults docs dist

PYTHON ?= python3
UV := $(or $(shell command -v uv 2>/dev/null),.tools/bin/uv)
RUN := $(UV) run --frozen --no-sync
# One compute thread a process: the suite starts many, and results must not depend on core count.
TEST_ENV := OMP_NUM_THREADS=1
# A process a core, each with the tests of whole files: what a file's tests share is made once.
# Files in the order of tests/conftest.py, not by how many tests they have.
PARALLEL := -n logical --maxprocesses 8 --dist loadfile --no-loadscope-reorder

# TORCH=cpu takes torch's small build in place of PyPI's, which carries CUDA; later calls remember.
TORCH ?= $(or $(shell cat .tools/torch 2>/dev/null),cuda)
TORCH_CPU_INDEX ?= https://download.pytorch.org/whl/cpu
CUDA_PACKAGES := $(shell sed -n 's/^name = "\(torch\|triton\|cuda-.*\|nvidia-[^m].*\)"$$/\1/p' uv.lock)
TORCH_VERSION := $(shell sed -n '/^name = "torch"$$/{n;s/version = "\(.*\)"/\1/p}' uv.lock)
ifeq ($(TORCH),cpu)
SYNC := $(UV) sync --frozen $(CUDA_PACKAGES:%=--no-install-package %)
KEPT := --inexact
SYNC_TORCH := $(UV) pip install "torch==$(TORCH_VERSION)" --index-url $(TORCH_CPU_INDEX)
else
SYNC := $(UV) sync --frozen
SYNC_TORCH := true
endif

setup: .venv/.synced

.venv/.synced: .tools/torch pyproject.toml uv.lock Cargo.lock engine/pyproject.toml \
		engine/build.rs $(shell find engine/src engine/python -type f -not -name '*.so' 2>/dev/null) | rust $(UV)
	$(SYNC) $(KEPT)
	$(SYNC_TORCH)
	@touch $@

# Written only where the choice changes; the environment is made anew then.
.tools/torch: FORCE
	@mkdir -p .tools
	@[ "$$(cat $@ 2>/dev/null || echo cuda)" = "$(TORCH)" ] || rm -rf .venv
	@[ "$$(cat $@ 2>/dev/null)" = "$(TORCH)" ] || echo $(TORCH) > $@
.PHONY: FORCE

.PHONY: rust
rust:
	@command -v cargo >/dev/null || { \
	  echo "The engine is built from source: install Rust (https://rustup.rs), then run make again." >&2; \
	  exit 1; }

.tools/bin/uv:
	$(PYTHON) -m pip install --quiet --target .tools uv

demo: setup
	$(RUN) pawn-lab demo

test: setup node-checks browser slurm sshd
	cargo test --locked --package pawn-engine --package pawn-fuzz
	$(TEST_ENV) $(RUN) pytest -m "not slow" $(PARALLEL)

# The official checks of the protocol, and those of the page's modules, are Node programs; where they
# cannot be had, their tests are skipped and say so.
.PHONY: node-checks
node-checks:
	@for folder in tests/protocol tests/page; do \
	  [ $$folder/node_modules/.package-lock.json -nt $$folder/package-lock.json ] || \
	  npm ci --prefix $$folder --no-audit --no-fund --loglevel=error || \
	  echo "npm cannot install the checks of $$folder: skipped" >&2; \
	done

# Where there is no browser, and no right to install one, tests of pages are skipped and say so.
.PHONY: browser
browser:
	@command -v chromium >/dev/null || \
	  { [ $$(id -u) = 0 ] && apt-get update -qq && apt-get install -y -qq chromium; } || \
	  echo "no Chromium: tests of pages are skipped; as root: apt-get install chromium" >&2

# Where there is no Slurm, and no right to install one, tests of clusters are skipped and say so. Its
# daemons are not left running: tests start their own.
.PHONY: slurm
slurm:
	@{ command -v slurmctld && command -v sbatch; } >/dev/null || \
	  { [ $$(id -u) = 0 ] && apt-get update -qq && \
	    RUNLEVEL=1 apt-get install -y -qq slurm-wlm munge; } || \
	  echo "no Slurm: tests of clusters are skipped; as root: apt-get install slurm-wlm munge" >&2

# A pod is reached by ssh; no daemon is left running here either.
.PHONY: sshd
sshd:
	@command -v sshd >/dev/null || [ -x /usr/sbin/sshd ] || \
	  { [ $$(id -u) = 0 ] && apt-get update -qq && RUNLEVEL=1 apt-get install -y -qq openssh-server; } || \
	  echo "no sshd: the test of sessions is skipped; as root: apt-get install openssh-server" >&2

check: setup
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) pyrefly check
	$(RUN) lint-imports
	$(RUN) python scripts/versions.py
	$(RUN) zizmor --offline --no-progress .github/workflows
	$(RUN) check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(RUN) check-jsonschema --builtin-schema vendor.citation-file-format CITATION.cff
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings

docs: setup
	$(RUN) python scripts/make_docs.py

# The pages as a site, in site/; a link that leads nowhere stops it.
.PHONY: site
site: setup
	$(RUN) zensical build --strict

# What is released, built from source distributions of it; zig links the engine for any Linux.
dist: setup
	$(SYNC) --inexact --group dist
	$(RUN) python scripts/make_dist.py

bench: setup
	$(SYNC) --inexact --group bench
	$(RUN) python scripts/bench_engine.py
	$(RUN) python scripts/bench_replay.py
	$(RUN) python scripts/bench_pgn.py
	$(RUN) python scripts/bench_checkpoints.py
	$(RUN) python scripts/bench_training.py
	$(RUN) python scripts/bench_games.py
	$(RUN) python scripts/bench_adapters.py
	$(RUN) python scripts/bench_completions.py
	$(RUN) python scripts/bench_grpo.py
	$(RUN) python scripts/bench_gpu.py
	$(RUN) python scripts/bench_lab.py
	$(RUN) python scripts/bench_dashboard.py
	$(RUN) python scripts/bench_charts.py

# Seconds of fuzzing in all: an eighth each by damaged seeds, and by coverage for each target.
FUZZ_SECONDS ?= 600

faults: setup slurm
	$(SYNC) --inexact --group oracles
	FUZZ_SECONDS=$$(($(FUZZ_SECONDS) / 8)) cargo test --locked --package pawn-fuzz -- --ignored
	scripts/fuzz.sh $$(($(FUZZ_SECONDS) / 8))
	$(TEST_ENV) $(RUN) pytest -m slow
