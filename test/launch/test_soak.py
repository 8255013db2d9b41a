# SPDX-License-Identifier: Apache-2.0
"""An hour at 30 fps over a link: memory stays bounded, nothing fails, and what became of every frame is known. Rates are printed."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")

from links.two_computers import LINK

if TYPE_CHECKING:
    from links.two_computers import TwoComputers

MAX_GROWTH_MB = 40.0
SOAK_RATE = 30.0
SAMPLES = 60
SOAK_S = float(os.environ.get("PLCV_SOAK_S", "3600"))
OUTCOMES = ("segmented", "dropped_camera", "lost", "dropped_remote", "in_flight")


def captured(computers: TwoComputers) -> dict[str, int]:
    """Frames so far by the camera's own count and by the latency node's, which goes by events."""
    return {name: int(computers.diagnostics(name)["captured"]) for name in ("camera", "latency")}


@pytest.mark.slow
@pytest.mark.timeout(SOAK_S + 900)
def test_an_hour_at_30_fps(make_computers: Callable[..., TwoComputers]) -> None:
    """PLCV_SOAK_S gives another length than an hour."""
    computers = make_computers(LINK, rate=SOAK_RATE)
    computers.flow()
    memory: list[dict[str, float]] = []
    before = captured(computers)
    cpu = {name: node.cpu_s() for name, node in computers.nodes.items()}
    start = time.monotonic()
    while (left := SOAK_S - (time.monotonic() - start)) > 0:
        time.sleep(min(SOAK_S / SAMPLES, left))
        computers.flow()
        memory.append({name: node.memory_mb() for name, node in computers.nodes.items()})
    after = captured(computers)
    seconds, third = time.monotonic() - start, len(memory) // 3
    print()
    for name, node in computers.nodes.items():
        sizes = ", ".join(f"{memory[k][name]:.0f}" for k in (0, third, -1))
        print(f"{name}: {(node.cpu_s() - cpu[name]) / seconds:.2f} cores; {sizes} MB at the start, after a third, at the end")
    # The latency node fills its table, and allocators settle, in the first third.
    growth = {name: memory[-1][name] - memory[third][name] for name in memory[0]}
    assert max(growth.values()) < MAX_GROWTH_MB, growth
    # The way of the frames, so that the last of them are in the report.
    for name in ("camera", "segmentation", "latency"):
        assert computers.nodes[name].end() == 0, computers.nodes[name].log.read_text()
    report = json.loads((computers.folder / "report" / "latency.json").read_text())
    print(f"{report['captured']} frames captured in {seconds:.0f} s: {', '.join(f'{report[name]} {name}' for name in OUTCOMES)}")
    assert report["captured"] == sum(report[name] for name in OUTCOMES)
    # What the latency node knows of is what the camera captured; both tell it once a second, each at its own time.
    camera, latency = (after[name] - before[name] for name in ("camera", "latency"))
    print(f"meanwhile {camera} frames by the camera's own count, {latency} by the latency node's")
    assert abs(camera - latency) <= 2 * SOAK_RATE
    logs = "".join(node.log.read_text() for node in computers.nodes.values())
    assert all(word not in logs for word in ("Traceback", "ERROR", "FATAL")), logs
