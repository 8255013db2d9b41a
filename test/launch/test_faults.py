# SPDX-License-Identifier: Apache-2.0
"""Whole frames over a link between two computers, and what goes wrong there: kills, a pulled plug, a full queue, floods, a clock that jumps.

After each fault labels of new frames flow again, and what became of every frame is known. How soon is printed here, and measured by
benchmarks/faults.py. One pair of computers serves all tests of this file, so that what one fault leaves behind troubles the next.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")

from links import faults
from links.two_computers import LINK

if TYPE_CHECKING:
    from links.two_computers import TwoComputers

RATE = 15.0
MAX_GROWTH_MB = 40.0
LOST_AT_LEAST = 20
"""Of the 150 frames that are due while the link is pulled for ten seconds, where a busy camera leaves most of them out."""

pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def computers(make_computers: Callable[..., TwoComputers]) -> TwoComputers:
    both = make_computers(LINK, rate=RATE)
    both.flow()
    return both


@pytest.fixture(scope="module")
def memory(computers: TwoComputers) -> dict[str, float]:
    """Resident memory of each node before any fault, MB."""
    return {name: node.memory_mb() for name, node in computers.nodes.items()}


def recovers(computers: TwoComputers, what: str, gone_ns: int) -> None:
    print(f"{what}: labels again after {computers.recovery_s(gone_ns):.2f} s")
    computers.flow()


@pytest.mark.parametrize("name", ["camera", "segmentation"])
def test_a_node_is_killed_and_started_again(computers: TwoComputers, memory: dict[str, float], name: str) -> None:
    computers.flow()
    recovers(computers, f"{name} killed", faults.kill(computers, name))


def test_the_link_is_pulled_for_ten_seconds(computers: TwoComputers) -> None:
    computers.flow()
    before = computers.diagnostics("latency")
    recovers(computers, "link pulled", faults.pull_link(computers))
    # The frames of the ten seconds are not forgotten: their events arrive late, and say that they were lost.
    computers.wait(lambda: lost_since(computers, before) >= LOST_AT_LEAST, "the lost frames to be counted")
    assert int(computers.diagnostics("latency")["odd_events"]) == 0


def lost_since(computers: TwoComputers, before: dict[str, Any]) -> int:
    return int(computers.diagnostics("latency")["lost"]) - int(before["lost"])


def test_a_node_that_stands_still_and_goes_on(computers: TwoComputers) -> None:
    computers.flow()
    recovers(computers, "queues full", faults.stand_still(computers))


def test_a_flood_of_malformed_payloads(computers: TwoComputers) -> None:
    computers.flow()
    before = int(computers.diagnostics("segmentation")["malformed"])
    recovers(computers, "flood", faults.flood(computers))
    # Of a burst the newest wins: not every one is looked at, but each that is is counted.
    computers.wait(lambda: int(computers.diagnostics("segmentation")["malformed"]) > before, "the malformed payloads to be counted")


@pytest.mark.parametrize("offset_s", [3600.0, -3600.0, 0.0])
def test_one_sides_clock_jumps_by_an_hour(computers: TwoComputers, offset_s: float) -> None:
    computers.flow()
    recovers(computers, f"clock at {offset_s:+.0f} s", faults.set_clock(computers, offset_s))
    computers.wait(lambda: abs(float(computers.diagnostics("latency")["clock_camera_offset_ms"]) - offset_s * 1e3) < 50, "the offset on /diagnostics")
    # One-way times are right again: neither an hour long nor less than nothing.
    computers.wait(lambda: -50 < float(computers.diagnostics("latency")["transport_p50_ms"]) < 60_000, "transport times of frames")


def test_no_frame_is_missing_from_the_latency_nodes_count(computers: TwoComputers) -> None:
    """The camera counts what it captures; the latency node counts frames by their events, and must come to the same number."""
    computers.flow()
    counts = []
    for _ in range(2):
        counts.append([int(computers.diagnostics(name)["captured"]) for name in ("camera", "latency")])
        computers.flow()
        computers.flow()
    camera, latency = (after - before for before, after in zip(*counts))
    # Both speak once a second, each at its own time.
    assert abs(camera - latency) <= 2 * RATE, counts
    assert camera > 0


def test_memory_is_bounded_and_all_frames_are_accounted_for(computers: TwoComputers, memory: dict[str, float]) -> None:
    computers.flow()
    for name, node in computers.nodes.items():
        growth = node.memory_mb() - memory[name]
        print(f"{name}: {growth:+.1f} MB")
        assert growth < MAX_GROWTH_MB, name
    for name in ("camera", "segmentation", "latency"):
        assert computers.nodes[name].end() == 0, computers.nodes[name].log.read_text()
    report = json.loads((computers.folder / "report" / "latency.json").read_text())
    assert report["captured"] == sum(report[name] for name in ("segmented", "dropped_camera", "lost", "dropped_remote", "in_flight"))
    assert report["lost"] >= LOST_AT_LEAST
    assert report["clocks"]["camera"]["steps"] >= 2
    assert "Traceback" not in "".join(node.log.read_text() for node in computers.nodes.values())
