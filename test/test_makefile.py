# SPDX-License-Identifier: Apache-2.0
"""Variables given to make that no target reads are said; the others are taken in silence."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@pytest.mark.parametrize(
    ("words", "warning"),
    [
        (["demo", "SORCE=x"], "SORCE=x is no variable of this Makefile"),
        (["test", "SOURCE=x"], "SOURCE=x does nothing: it is for make demo"),
        (["demo", "JOBS=3"], "JOBS=3 does nothing: it is for make test"),
        (["env", "UPGRADE=1"], "UPGRADE=1 does nothing: it is for make lock"),
        (["lock", "UPGRADE=1"], ""),
        (["demo", "CODEC=jpeg", "CONFIG=my.yaml"], "CODEC=jpeg does nothing beside CONFIG=my.yaml"),
        (["demo", "SOURCE=x", "CODEC=jpeg", "SECONDS=3", "OUT=o", "ARGS=--seed 3", "VENV=v", "PYTHON=p", "TORCH_INDEX=t"], ""),
        (["test", "JOBS=1", "PYTEST=-k x"], ""),
        (["test-slow", "PYTEST=-k x"], ""),
    ],
)
def test_variables_without_effect(words: list[str], warning: str) -> None:
    done = subprocess.run(["make", "-n", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert warning in done.stderr
    assert ("does nothing" in done.stderr or "no variable" in done.stderr) == bool(warning)
