# SPDX-License-Identifier: Apache-2.0
"""The exchange of timestamps between real processes, one of which runs on a clock that is wrong."""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")

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

    def measured() -> bool:
        estimate = clocks.clock("robot/decoder").estimate(time.monotonic())
        assert abs(estimate.offset_ns) <= estimate.uncertainty_ns
        return estimate.uncertainty_ns < 5 * MS

    probe.wait_for(measured, "an uncertainty of less than 5 ms")


@pytest.mark.parametrize("offset_s", [-3600.0, 0.025, 3600.0])
def test_a_shifted_clock_is_measured(probe: Any, spawn: Callable[..., Any], clocks: Any, shifted_clock: Callable[..., Any], offset_s: float) -> None:
    shifted = shifted_clock(offset_s, drift_ppm=50.0)
    spawn("decoder", namespace="/robot", environment=shifted.environment)
    wait_for_exchanges(probe, clocks, 15)
    errors: list[float] = []

    def close() -> bool:
        probe.spin(0.3)
        estimate = clocks.estimate("robot/decoder")
        errors.append(abs(estimate.offset_ns - shifted.shift_ns()))
        assert errors[-1] <= estimate.uncertainty_ns
        return len(errors) >= 5 and max(errors[-5:]) < 0.3 * MS and estimate.uncertainty_ns < 3 * MS

    probe.wait_for(close, "five errors below 0.3 ms in a row")


def test_a_step_is_followed(probe: Any, spawn: Callable[..., Any], clocks: Any, shifted_clock: Callable[..., Any]) -> None:
    shifted = shifted_clock()
    spawn("decoder", namespace="/robot", environment=shifted.environment)
    wait_for_exchanges(probe, clocks, 10)
    for offset_s in (0.0, 3600.0, 0.0):
        shifted.set(offset_s)
        start = time.monotonic()
        probe.wait_for(lambda ahead=offset_s: abs(clocks.estimate("robot/decoder").offset_ns - ahead * 1e9) < MS, "the new offset")
        print(f"followed to {offset_s:g} s after {time.monotonic() - start:.2f} s")


@pytest.mark.parametrize("info", [None, {"source_timestamp": 0, "received_timestamp": 0}])
def test_middlewares_that_do_not_tell_their_times(
    probe: Any, spawn: Callable[..., Any], shifted_clock: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, info: dict[str, int] | None
) -> None:
    """Humble's rclpy passes no times on, Cyclone DDS knows no times of reception: those of the callbacks have to do."""
    from plcv_ros.nodes import compat
    from plcv_ros.nodes.clock import Clocks

    def without_times(node: Any, message_type: Any, topic: str, callback: Callable[[Any, Any], None], qos: Any) -> Any:
        return compat.create_subscription(node, message_type, topic, lambda message: callback(message, info), qos)

    monkeypatch.setattr(compat, "create_timed_subscription", without_times)
    shifted = shifted_clock(3600.0)
    clocks = Clocks(probe.node, ["robot/decoder"])
    spawn("decoder", namespace="/robot", environment=shifted.environment)
    wait_for_exchanges(probe, clocks, 30)
    estimate = clocks.estimate("robot/decoder")
    assert abs(estimate.offset_ns - shifted.shift_ns()) <= estimate.uncertainty_ns < 60_000 * MS


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


def test_a_clock_that_may_not_be_asked_for(probe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """SROS2 refuses topics that a node's permissions do not name: a publisher of frames that nobody foresaw must not end the receiver."""
    from sensor_msgs.msg import CompressedImage

    from plcv_ros.nodes import clock, compat

    asked: list[str] = []
    made, destroyed = compat.create_timed_subscription, []

    def refuse(node: Any, message_type: Any, topic: str, *rest: Any) -> Any:
        if topic.endswith("/clock/reply"):
            asked.append(topic)
            raise RuntimeError("Failed to create subscription: access denied")
        return made(node, message_type, topic, *rest)

    monkeypatch.setattr(compat, "create_timed_subscription", refuse)
    destroy = probe.node.destroy_publisher
    monkeypatch.setattr(probe.node, "destroy_publisher", lambda one: (destroyed.append(one.topic_name), destroy(one))[1])
    monkeypatch.setattr(clock, "LOOK_PERIOD_S", 0.05)
    probe.node.create_publisher(CompressedImage, "frames", 1)
    stamps = clock.StampClock(probe.node, "frames", "dds")
    probe.wait_for(lambda: asked, "the publisher's clock to be asked for")
    probe.spin(0.5)
    assert asked == ["/probe/clock/reply"], "it is tried once"
    assert destroyed == ["/probe/clock/request"], "nothing is left of the try"
    assert (stamps.offset_ns, stamps.round_trip_ns) == (0, 0)
