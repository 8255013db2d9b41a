# SPDX-License-Identifier: Apache-2.0
# `make demo` and `make test` on a bare machine: only Python (3.10 to 3.13), its headers and a C++ compiler are needed.

PYTHON ?= python3
VENV ?= .venv
TORCH_INDEX ?=
export TORCH_INDEX

# The demo (see `plcv demo --help`)
SOURCE ?= scenes
CODEC ?= astc_8x8
CONFIG ?= $(CODEC)
SECONDS ?= 20
OUT ?= out/demo
# For the shell as they are: a path may hold spaces and quotes.
export SOURCE OUT
ARGS ?=

# make lock: keep the locked versions where they do (empty), or take the newest (1)
UPGRADE ?=

# Test files that run side by side: most of them wait for processes most of the time.
JOBS ?= 2

# A variable that no target asked for reads is a slip of the pen, as is one that this file does not know.
OF_DEMO := SOURCE CODEC CONFIG SECONDS OUT ARGS
OF_TESTS := JOBS PYTEST
OF_LOCK := UPGRADE
given = $(filter command,$(origin $(1)))
for_nothing = $(foreach v,$(1),$(if $(call given,$(v)),$(warning $(v)=$($(v)) does nothing: it is for $(2))))
$(if $(filter demo,$(MAKECMDGOALS)),,$(call for_nothing,$(OF_DEMO),make demo))
$(if $(filter test%,$(MAKECMDGOALS)),,$(call for_nothing,$(OF_TESTS),make test))
$(if $(filter lock,$(MAKECMDGOALS)),,$(call for_nothing,$(OF_LOCK),make lock))
$(if $(and $(call given,CODEC),$(call given,CONFIG)),$(warning CODEC=$(CODEC) does nothing beside CONFIG=$(CONFIG)))
$(foreach v,$(filter-out $(OF_DEMO) $(OF_TESTS) $(OF_LOCK) PYTHON VENV TORCH_INDEX -%,$(.VARIABLES)),$(if $(call given,$(v)),\
  $(warning $(v)=$($(v)) is no variable of this Makefile: the commands have it in their environment, nothing else)))

BIN := $(VENV)/bin
NATIVE := $(shell find plcv_ros/codecs/csrc plcv_ros/nodes/csrc -name '*.cpp' -o -name '*.hpp' -o -name '*.h' -o -name '*.inc' 2>/dev/null)
SETUP := setup.py setup_native.py plcv_ros/requirements.py pyproject.toml tools/setup_environment.py tools/locked.py tools/requirements-locked.txt

# The environment holds a ROS 2 of its own: a sourced distribution must not leak into it.
unexport PYTHONPATH AMENT_PREFIX_PATH COLCON_PREFIX_PATH CMAKE_PREFIX_PATH LD_LIBRARY_PATH ROS_DISTRO ROS_VERSION ROS_PYTHON_VERSION

.PHONY: help env demo test test-lowest test-slow lint format lock clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

env: $(VENV)/.ready  ## make the environment and build the codecs

$(VENV)/.ready: $(SETUP) $(NATIVE)
	$(PYTHON) tools/setup_environment.py --venv $(VENV)
	@touch $@

$(VENV)/.ready-tests: $(SETUP) $(NATIVE)
	$(PYTHON) tools/setup_environment.py --venv $(VENV) --extras edge,remote,report,ros,tune,test
	@touch $(VENV)/.ready $@

demo: $(VENV)/.ready  ## camera -> codec -> DDS -> segmentation -> latency for SECONDS; SOURCE=folder, video, device or bag; CODEC=astc_12x12, jxs_pruned, jpeg, ...
	$(BIN)/plcv demo --source "$$SOURCE" --codec '$(CONFIG)' --seconds '$(SECONDS)' --out "$$OUT" $(ARGS)

test: $(VENV)/.ready-tests  ## the test suite, under 10 minutes on 2 cores (PYTEST='-k name' for a part, JOBS=1 for one file at a time)
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder $(PYTEST)

test-lowest: $(VENV)/.ready-tests  ## the tests that need no ROS, with the lowest versions that the package allows (tools/constraints-lowest.txt)
	$(BIN)/python tools/test_lowest.py --jobs $(JOBS)

test-slow: $(VENV)/.ready-tests  ## the tests that take minutes each
	$(BIN)/python -m pytest -m slow $(PYTEST)

lint: $(VENV)/.ready-tests  ## ruff, mypy and clang-format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/clang-format --dry-run --Werror $$(git ls-files '*.cpp' '*.hpp' '*.h' '*.inc')

format: $(VENV)/.ready-tests  ## let ruff and clang-format rewrite the sources
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $$(git ls-files '*.cpp' '*.hpp' '*.h' '*.inc')

lock:  ## write tools/requirements-locked.txt anew after a change of the requirements (UPGRADE=1: with the newest versions)
	$(PYTHON) tools/lock_requirements.py $(if $(filter-out 0,$(UPGRADE)),--upgrade)

clean:  ## remove the environment and everything built
	rm -rf $(VENV) .venv-lowest build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find plcv_ros -name '*.so' -delete
