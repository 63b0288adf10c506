# SPDX-License-Identifier: GPL-2.0-only
# A thin front door: what is built and how is CMake's business (CMakePresets.json).
PRESET ?= release
PREFIX ?= /usr/local
DESTDIR ?=
B = build/$(PRESET)

.PHONY: help setup build run test dev asan install clean
.DEFAULT_GOAL := help

help:
	@echo 'make run        set up, build, and boot to a shell (Ctrl-A x quits)'
	@echo 'make test       set up, build, and run the whole suite'
	@echo 'make build      set up and build          -> build/release/ringside'
	@echo 'make dev, asan  the same for work on Ringside, and with sanitizers'
	@echo 'make setup      only install what is missing'
	@echo 'make install    into PREFIX (now $(PREFIX)), DESTDIR is honoured'
	@echo 'make clean      remove what was built, keep what was downloaded'
	@echo 'With PRESET=dev or PRESET=asan, run, build, test and install use that build.'

setup:
	@scripts/setup

# Configured once, and again when the presets change; ninja itself watches the CMakeLists.txt.
$(B)/build.ninja: CMakePresets.json | setup
	@cmake --preset $(PRESET) --log-level=NOTICE
	@touch $@

build: setup $(B)/build.ninja
	@cmake --build --preset $(PRESET)

run: build
	@$(B)/ringside run

test: build
	@ctest --preset $(PRESET)

dev asan:
	@$(MAKE) --no-print-directory build PRESET=$@

install:
	@test -x $(B)/ringside || { echo 'Nothing is built yet: run make build first, as yourself.' >&2; exit 1; }
	@DESTDIR='$(DESTDIR)' cmake --install $(B) --prefix '$(PREFIX)'

clean:
	@rm -rf build/release build/dev build/asan
