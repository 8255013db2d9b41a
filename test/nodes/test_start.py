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

from plcv_ros.nodes import _deadline
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


HANGS = """
import ctypes, sys, threading, time
from plcv_ros.nodes import runner
def hang():
    ctypes.PyDLL(None).sleep(100)  # PyDLL keeps the interpreter's lock, as a publish() that the transport blocks does
with runner._signals([], "camera"):
    threading.Timer(0.3, hang).start()
    print("here", flush=True)
    time.sleep(100)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_node_ends_when_asked_to_while_the_middleware_keeps_the_interpreter(number: signal.Signals) -> None:
    process = subprocess.Popen([sys.executable, "-c", HANGS], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "here\n"
    time.sleep(1.0)
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "camera: it did not end in 4.5 s" in errors


def test_a_deadline_of_the_process() -> None:
    for call, value in ((_deadline.within, 0.0), (_deadline.extend, float("nan")), (_deadline.within, -1.0)):
        with pytest.raises(ValueError, match="expected more than 0"):
            call(value)
    start = "from plcv_ros.nodes import _deadline as d; import socket, time; a, b = socket.socketpair(); d.start(a.fileno(), b.fileno(), 9, 'late');"
    for calls, code in (("d.within(0.2); d.within(50)", 1), ("d.within(0.2); d.extend(50)", 0), ("d.within(0.2); d.cancel()", 0)):
        done = subprocess.run([sys.executable, "-c", f"{start} {calls}; time.sleep(0.7)"], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (code, "late" if code else ""), calls


def test_names() -> None:
    assert set(EXECUTABLES) == set(TABLES)
    done = subprocess.run([sys.executable, "-m", "plcv_ros.nodes", "camara"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "{camera,encoder," in done.stderr
    assert main([]) == 2
