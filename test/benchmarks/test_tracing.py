# SPDX-License-Identifier: Apache-2.0
"""The benchmarks of tracing and of several cameras: their tables, and a short run of each."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

pytest.importorskip("rclpy", reason="ROS 2 is not installed")

import tracing  # noqa: E402


def measurement(median: float, **cpu: float) -> tracing.Measurement:
    return tracing.Measurement(np.array([median - 0.1, median, median + 0.1]), {name.replace("_", " "): value for name, value in cpu.items()})


def test_limits_decide(capsys: pytest.CaptureFixture[str]) -> None:
    args = argparse.Namespace(size="640x360", rate=30.0, configuration="astc_8x8", rounds=2, seconds=1.0)
    without = [measurement(2.0, camera=5.0, receiver=4.0), measurement(3.0, camera=5.0, receiver=4.0)]
    good = [measurement(2.05, camera=6.0, receiver=5.0, latency_node=4.0), measurement(3.05, camera=6.0, receiver=5.0, latency_node=4.0)]
    assert tracing.report(good, without, args) == 0
    assert "+0.050 ms" in capsys.readouterr().out
    slow = [measurement(2.3, camera=8.0, receiver=5.0, latency_node=4.0)] * 2
    assert tracing.report(slow, [without[0]] * 2, args) == 1
    assert "more than allowed: latency, camera" in capsys.readouterr().out


def test_cpu_time_of_threads_grows() -> None:
    before = tracing.cpu_ns(os.getpid())
    end = time.process_time() + 0.05
    while time.process_time() < end:
        pass
    assert 0.03e9 < tracing.cpu_ns(os.getpid()) - before < 10e9


def test_cameras_runs(domain: int) -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    command = [sys.executable, str(BENCHMARKS / "cameras.py"), "--cameras", "2", "--rate", "4", "--seconds", "5", "--size", "160x96", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=250, env={**os.environ, "ROS_DOMAIN_ID": str(domain)})
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)
    assert (row["cameras"], row["rate_each"]) == (2, 2.0)
    assert row["frames"] >= row["labelled"] > 0
    assert 0 < row["p50"] <= row["p95"] <= row["p99"]
    assert row["batch"] >= 1
