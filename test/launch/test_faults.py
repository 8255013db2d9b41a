# SPDX-License-Identifier: Apache-2.0
"""Whole frames over a link between two computers, and what goes wrong there: kills, a pulled plug, a full queue, floods, a clock that jumps.

Recovery is counted from when the cause has gone (for a node that was killed: from when its successor is ready) to the first labels of a new
frame. One pair of computers serves all tests of this file, so that what one fault leaves behind troubles the next.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
pytest.importorskip("torch", reason="torch is not installed")

from two_computers import LINK, Network, TwoComputers, missing

RATE = 15.0
RECOVERY_S = 1.0
MAX_GROWTH_MB = 40.0

FLOOD = """
import os, random, sys, time, rclpy
from array import array
from sensor_msgs.msg import CompressedImage
rclpy.init()
node = rclpy.create_node("flood")
publisher = node.create_publisher(CompressedImage, "camera/image/astc", 5)
end = time.monotonic() + 20
while not publisher.get_subscription_count() and time.monotonic() < end:
    time.sleep(0.05)
rng = random.Random(1)
header = bytes.fromhex("13aba15c080801")
end, sent = time.monotonic() + float(sys.argv[1]), 0
while time.monotonic() < end:
    payload = (header if rng.random() < 0.5 else b"") + rng.randbytes(rng.randrange(0, 4000))
    message = CompressedImage(format="rgb8; astc compressed rgb8 8x8", data=array("B", payload))
    message.header.stamp.sec = int(time.time())
    message.header.frame_id = "flood"
    publisher.publish(message)
    sent += 1
    time.sleep(0.002)
print(sent, time.monotonic_ns(), flush=True)
"""


def limit_s() -> float:
    """The time to recover, on a computer that has something else to do a little more."""
    cores = len(os.sched_getaffinity(0))
    return RECOVERY_S * max(1.0, os.getloadavg()[0] / cores)


@pytest.fixture(scope="module")
def computers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoComputers]:
    reason = missing()
    if reason:
        pytest.skip(reason)
    with Network(LINK) as network:
        both = TwoComputers(network, tmp_path_factory.mktemp("faults"), RATE)
        try:
            both.healthy()
            both.memory = {name: node.memory_mb() for name, node in both.nodes.items()}
            yield both
        finally:
            both.close()


def report(what: str, seconds: float) -> None:
    print(f"{what}: labels again after {seconds:.2f} s (may take {limit_s():.1f} s)")
    assert seconds <= limit_s(), what


@pytest.mark.timeout(150)
@pytest.mark.parametrize("name", ["camera", "segmentation"])
def test_a_node_is_killed_and_started_again(computers: TwoComputers, name: str) -> None:
    computers.healthy()
    computers.nodes[name].kill()
    time.sleep(2.0)
    assert computers.rate(1.0) == 0
    successor = computers.start(name)
    ready = computers.wait(successor.ready_ns, f"the new {name} node")
    report(f"{name} killed", computers.recovery_s(ready))


@pytest.mark.timeout(150)
def test_the_link_is_pulled_for_ten_seconds(computers: TwoComputers) -> None:
    computers.healthy()
    before = computers.diagnostics("latency")
    computers.network.cut()
    time.sleep(10.0)
    assert computers.rate(5.0) == 0
    gone = time.monotonic_ns()
    computers.network.change(LINK)
    report("link pulled for 10 s", computers.recovery_s(gone))
    computers.healthy()
    # The frames of the ten seconds are not forgotten: their events arrive late, and say that they were lost.
    after = computers.wait(
        lambda: lost_since(computers, before) >= 0.8 * 10 * RATE and computers.diagnostics("latency"), "the lost frames to be counted"
    )
    assert int(after["odd_events"]) == 0


def lost_since(computers: TwoComputers, before: dict[str, Any]) -> int:
    return int(computers.diagnostics("latency")["lost"]) - int(before["lost"])


@pytest.mark.timeout(150)
def test_a_node_that_stands_still_and_goes_on(computers: TwoComputers) -> None:
    """Queues on both sides fill up while the network's node does not run."""
    computers.healthy()
    computers.nodes["segmentation"].signal(signal.SIGSTOP)
    time.sleep(5.0)
    gone = time.monotonic_ns()
    computers.nodes["segmentation"].signal(signal.SIGCONT)
    report("queue full for 5 s", computers.recovery_s(gone))


@pytest.mark.timeout(150)
def test_a_flood_of_malformed_payloads(computers: TwoComputers) -> None:
    computers.healthy()
    before = int(computers.diagnostics("segmentation")["malformed"])
    flood = computers.run("camera", ["-c", FLOOD, "4"])
    out, _ = flood.communicate(timeout=60)
    sent, gone = (int(word) for word in out.split())
    assert sent > 200
    report(f"{sent} malformed payloads", computers.recovery_s(gone))
    computers.healthy()
    # Of a burst the newest wins: not every one is looked at, but each that is is counted.
    assert int(computers.diagnostics("segmentation")["malformed"]) > before


@pytest.mark.timeout(150)
@pytest.mark.parametrize("offset_s", [3600.0, -3600.0, 0.0])
def test_one_sides_clock_jumps_by_an_hour(computers: TwoComputers, offset_s: float) -> None:
    computers.healthy()
    gone = time.monotonic_ns()
    computers.clock.set(offset_s)
    report(f"clock at {offset_s:+.0f} s", computers.recovery_s(gone))
    computers.healthy()
    computers.wait(lambda: abs(float(computers.diagnostics("latency")["clock_camera_offset_ms"]) - offset_s * 1e3) < 50, "the offset on /diagnostics")
    latency = computers.diagnostics("latency")
    # One-way times are right again: neither an hour long nor less than nothing.
    assert -1 < float(latency["transport_p50_ms"]) < 500


@pytest.mark.timeout(150)
def test_memory_is_bounded_and_all_frames_are_accounted_for(computers: TwoComputers) -> None:
    computers.healthy()
    for name, node in computers.nodes.items():
        growth = node.memory_mb() - computers.memory[name]
        print(f"{name}: {growth:+.1f} MB")
        assert growth < MAX_GROWTH_MB, name
    for name in ("camera", "segmentation", "latency"):
        computers.nodes[name].signal(signal.SIGINT)
        assert computers.nodes[name].process.wait(20) == 0, computers.nodes[name].log.read_text()
    report_ = json.loads((computers.folder / "report" / "latency.json").read_text())
    parts = [report_[name] for name in ("segmented", "dropped_camera", "lost", "dropped_remote", "in_flight")]
    assert report_["captured"] == sum(parts)
    assert report_["lost"] > 0.8 * 10 * RATE
    assert report_["clocks"]["camera"]["steps"] >= 2
    assert "Traceback" not in "".join(node.log.read_text() for node in computers.nodes.values())
