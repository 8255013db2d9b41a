# SPDX-License-Identifier: Apache-2.0
"""The exchange of timestamps between real processes, one of which runs on a clock that is wrong."""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")

from shifted_clock import ShiftedClock

MS = 1_000_000


@pytest.fixture
def clocks(probe: Any) -> Any:
    """The clocks of other nodes as the probe, on the true clock, sees them."""
    from plcv_ros.nodes.clock import Clocks

    return Clocks(probe.node, ["robot/decoder"])


def wait_for_exchanges(probe: Any, clocks: Any, number: int) -> None:
    probe.wait_for(lambda: clocks.clock("robot/decoder").exchanges >= number, f"{number} exchanges")


def test_one_computer_has_one_clock(probe: Any, spawn: Callable[..., Any], clocks: Any) -> None:
    assert clocks.estimate("robot/decoder") is None
    spawn("decoder", namespace="/robot")
    wait_for_exchanges(probe, clocks, 10)
    estimate = clocks.estimate("robot/decoder")
    assert clocks.same_computer("robot/decoder")
    assert (estimate.offset_ns, estimate.uncertainty_ns) == (0, 0)
    measured = clocks.clock("robot/decoder").estimate(time.monotonic())
    assert abs(measured.offset_ns) <= measured.uncertainty_ns < 5 * MS


@pytest.mark.parametrize("offset_s", [-3600.0, 0.025, 3600.0])
def test_a_shifted_clock_is_measured(probe: Any, spawn: Callable[..., Any], clocks: Any, tmp_path: Path, offset_s: float) -> None:
    shifted = ShiftedClock(tmp_path, offset_s, drift_ppm=50.0)
    spawn("decoder", namespace="/robot", environment=shifted.environment)
    wait_for_exchanges(probe, clocks, 15)
    for _ in range(5):
        probe.spin(0.3)
        estimate = clocks.estimate("robot/decoder")
        error = abs(estimate.offset_ns - shifted.shift_ns())
        assert error <= estimate.uncertainty_ns
        assert error < 0.3 * MS
    assert estimate.uncertainty_ns < 3 * MS


def test_a_step_is_followed_within_a_second(probe: Any, spawn: Callable[..., Any], clocks: Any, tmp_path: Path) -> None:
    shifted = ShiftedClock(tmp_path)
    spawn("decoder", namespace="/robot", environment=shifted.environment)
    wait_for_exchanges(probe, clocks, 10)
    assert abs(clocks.estimate("robot/decoder").offset_ns) < MS
    for offset_s in (3600.0, 0.0):
        shifted.set(offset_s)
        probe.spin(1.0)
        assert abs(clocks.estimate("robot/decoder").offset_ns - offset_s * 1e9) < MS


@pytest.mark.parametrize("info", [None, {"source_timestamp": 0, "received_timestamp": 0}])
def test_middlewares_that_do_not_tell_their_times(
    probe: Any, spawn: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, info: dict[str, int] | None
) -> None:
    """Humble's rclpy passes no times on, Cyclone DDS knows no times of reception: those of the callbacks have to do."""
    from plcv_ros.nodes import compat
    from plcv_ros.nodes.clock import Clocks

    def without_times(node: Any, message_type: Any, topic: str, callback: Callable[[Any, Any], None], qos: Any) -> Any:
        return compat.create_subscription(node, message_type, topic, lambda message: callback(message, info), qos)

    monkeypatch.setattr(compat, "create_timed_subscription", without_times)
    shifted = ShiftedClock(tmp_path, 3600.0)
    clocks = Clocks(probe.node, ["robot/decoder"])
    spawn("decoder", namespace="/robot", environment=shifted.environment)
    wait_for_exchanges(probe, clocks, 30)
    estimate = clocks.estimate("robot/decoder")
    assert abs(estimate.offset_ns - shifted.shift_ns()) <= estimate.uncertainty_ns < 30 * MS


def test_odd_messages_are_ignored(probe: Any, spawn: Callable[..., Any], clocks: Any) -> None:
    from std_msgs.msg import Int64MultiArray

    spawn("decoder", namespace="/robot")
    wait_for_exchanges(probe, clocks, 3)
    requests = probe.node.create_publisher(Int64MultiArray, "/robot/decoder/clock/request", 10)
    replies = probe.node.create_publisher(Int64MultiArray, "/robot/decoder/clock/reply", 10)
    probe.wait_for(lambda: requests.get_subscription_count() and replies.get_subscription_count(), "the topics to be matched")
    limit = 2**63 - 1
    for data in ([], [1], [limit] * 3, [-limit] * 3, [0] * 7):
        requests.publish(Int64MultiArray(data=array("q", data)))
        replies.publish(Int64MultiArray(data=array("q", data)))
    client = clocks._client
    for data in ([client] * 6, [client, 10**9, 0, 0, 0, 0], [client, 1, limit, -limit, limit, 0], [client, 2**62, 0, 0, 0]):
        replies.publish(Int64MultiArray(data=array("q", data)))
    before = clocks.clock("robot/decoder").exchanges
    wait_for_exchanges(probe, clocks, before + 5)
    assert clocks.estimate("robot/decoder").offset_ns == 0
    assert clocks.clock("robot/decoder").steps == 0
