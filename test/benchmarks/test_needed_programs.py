# SPDX-License-Identifier: Apache-2.0
"""Programs that the benchmarks start are asked for before anything waits for what they should have done."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from links.network import PROGRAMS, Link, Network, missing


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_missing_program_is_named_at_once(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda name: None if name == program else f"/usr/bin/{name}")
    assert missing() == f"{program} not found (Debian and Ubuntu: apt install {PROGRAMS[program]})"
    with pytest.raises(RuntimeError, match=f"no emulated link: {re.escape(program)} not found"), Network(Link(10.0)):
        pass
