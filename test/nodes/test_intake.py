# SPDX-License-Identifier: Apache-2.0
"""Messages that a thread of their own takes: all topics, in order, until the end; a publisher that does not match is logged."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")

from rclpy.qos import QoSProfile, ReliabilityPolicy
from std_msgs.msg import String

from plcv_ros.nodes import intake, polled

DEEP = QoSProfile(depth=100)


class Threads:
    """The part of FrameNode that an intake needs, around the test's node."""

    def __init__(self, node) -> None:
        self._node = node
        self.inputs = SimpleNamespace(expect=lambda *_: None)

    def __getattr__(self, name):
        return getattr(self._node, name)

    def thread(self, name, work):
        thread = threading.Thread(target=work, name=name, daemon=True)
        thread.start()
        return thread


def test_messages_of_all_topics_arrive_in_one_thread_of_their_own(probe):
    got: list[tuple[str, str]] = []
    names = ["one", "two"]
    taken = intake.Intake(Threads(probe.node), String, names, lambda m: got.append((m.data, threading.current_thread().name)), DEEP)
    publishers = [probe.node.create_publisher(String, name, DEEP) for name in names]
    probe.wait_for(lambda: all(p.get_subscription_count() for p in publishers), "the subscriptions")
    for k in range(20):
        publishers[k % 2].publish(String(data=f"{names[k % 2]} {k}"))
    probe.wait_for(lambda: len(got) == 20, "the messages")
    assert {thread for _, thread in got} == {"intake"}
    for name in names:
        numbers = [int(text.split()[1]) for text, _ in got if text.startswith(name)]
        assert numbers == sorted(numbers)
    assert all(h.callback_group is polled.NEVER_EXECUTED for s in taken._subscriptions for h in s.event_handlers)
    taken.close()
    taken.close()
    probe.wait_for(lambda: not any(p.get_subscription_count() for p in publishers), "the end of the subscriptions")
    publishers[0].publish(String(data="late 20"))
    assert len(got) == 20


def test_a_publisher_that_does_not_match_is_logged(spawn, probe):
    best_effort = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
    from sensor_msgs.msg import CompressedImage, Image

    probe.listen(Image, "camera/image/decoded")
    node = spawn("decoder", reliable=True)
    probe.node.create_publisher(CompressedImage, "camera/image/astc", best_effort)
    probe.wait_for(lambda: "does not offer the reliability that is asked for" in node.log, "the log")


def test_the_deadline_passes_in_the_same_thread_though_nothing_comes(probe):
    passed: list[tuple[float, str]] = []
    start = time.monotonic()
    deadlines = [start + 0.2, start + 0.3]

    def on_deadline() -> None:
        passed.append((time.monotonic(), threading.current_thread().name))
        deadlines.pop(0)

    taken = intake.Intake(
        Threads(probe.node), String, ["one"], lambda _m: None, DEEP, deadline=lambda: deadlines[0] if deadlines else None, on_deadline=on_deadline
    )
    probe.wait_for(lambda: len(passed) == 2, "the deadlines")
    taken.close()
    assert passed[0][0] >= start + 0.2
    assert passed[1][0] >= start + 0.3
    assert {name for _, name in passed} == {"intake"}
