# SPDX-License-Identifier: Apache-2.0
"""Bytes that are sent again: at most half of what the stream sends, whatever is asked."""

from __future__ import annotations

from array import array
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")

from sensor_msgs.msg import CompressedImage, TimeReference
from std_msgs.msg import Header

from plcv_ros.nodes import strip_requests
from plcv_ros.nodes.resending import SHARE, ResendBudget


@pytest.mark.parametrize(("strips", "rate"), [(1, 30), (1, 10), (45, 30), (135, 15)])
def test_whatever_is_asked_half_of_the_stream_is_sent_again(monkeypatch: pytest.MonkeyPatch, strips: int, rate: int) -> None:
    """Everything is asked for ten times, by ten receivers, for three seconds."""
    now = [1000.0]
    monkeypatch.setattr(strip_requests, "Intake", lambda *_, **__: None)
    monkeypatch.setattr(strip_requests.time, "monotonic", lambda: now[0])
    again: list[tuple[float, int]] = []

    class Publisher:
        def publish(self, message: CompressedImage) -> None:
            again.append((now[0], len(message.data)))

    sender = strip_requests.SentStrips(None, "image")
    sender._budget = ResendBudget(lambda: now[0])
    sent: list[tuple[float, int]] = []
    for number in range(3 * rate):
        header: Any = Header(frame_id="front")
        header.stamp.sec = number
        for index in range(strips):
            sender.keep(header, index, Publisher(), "format", array("B", bytes(1000)))
            sent.append((now[0], 1000))
        for turn in range(10):
            for asker in range(10):
                request = TimeReference(header=header, source=f"/receiver{asker} 1-{strips}/{strips}")
                request.time_ref.sec = turn
                sender._on_request(request)
            now[0] += 0.1 / rate
    for begin in (1000.0, 1001.0, 1002.0):
        within = [sum(size for at, size in events if begin <= at < begin + 1.0) for events in (sent, again)]
        assert 0.2 * within[0] < within[1] <= SHARE * within[0] + 1000
    assert sum(size for _, size in again) <= SHARE * sum(size for _, size in sent)
    assert sender.unanswered > 0 or strips > 32, "of larger frames half of the strips is the limit of each"


def test_strips_of_a_slow_stream_are_sent_again_too() -> None:
    now = [0.0]
    budget = ResendBudget(lambda: now[0])
    for second in range(6):
        now[0] = float(second)
        budget.sent(1000)
        budget.forget(0.0)
    assert [budget.take(1000) for _ in range(4)] == [True, True, True, False]
    assert not budget.take(100, repeated=True)
