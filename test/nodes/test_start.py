# SPDX-License-Identifier: Apache-2.0
"""Nodes by their names, and signals that come before a node is there."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from plcv_ros.nodes.__main__ import EXECUTABLES, main
from plcv_ros.nodes.parameters import TABLES


def answers(pid: int, number: int) -> bool:
    """Whether the process has a handler of its own for a signal."""
    caught = re.search(r"^SigCgt:\s*(\w+)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return caught is not None and bool(int(caught[1], 16) >> (number - 1) & 1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("executable", ["camera", "segmentation"])
def test_a_signal_during_the_start_ends_it_cleanly(spawn: Callable[..., Any], executable: str, number: signal.Signals) -> None:
    node = spawn(executable)
    # Python itself answers SIGINT from its first moment on: SIGTERM tells that the package's handlers are there. rclpy is being imported then.
    while not answers(node.process.pid, signal.SIGTERM):
        assert node.process.poll() is None
        time.sleep(0.005)
    assert node.stop(number) == 0
    assert "Traceback" not in node.log


def test_names() -> None:
    assert set(EXECUTABLES) == set(TABLES)
    done = subprocess.run([sys.executable, "-m", "plcv_ros.nodes", "camara"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "{camera,encoder," in done.stderr
    assert main([]) == 2
