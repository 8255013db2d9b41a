# SPDX-License-Identifier: Apache-2.0
"""Frame events leave their node off the frame's path, in bunches, and none is left behind."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("rclpy")

from std_msgs.msg import Header

from plcv_ros.nodes import compat, events, qos, qos_overrides
from plcv_ros.nodes.events import FrameEvents


class Publisher:
    """Keeps the sources of what is published."""

    def __init__(self, subscribers: int) -> None:
        self.subscribers = subscribers
        self.sent: list[str] = []
        self.asked = 0

    def get_subscription_count(self) -> int:
        self.asked += 1
        return self.subscribers

    def publish(self, message: Any) -> None:
        self.sent.append(getattr(message, "source", ""))


class Traced:
    """FrameEvents in their thread, with what they publish; nobody wants debug times, unless ``debug`` says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, debug: int = 0) -> None:
        self.topic, self.debug = Publisher(1), Publisher(debug)
        monkeypatch.setattr(qos, "create_publisher", lambda *_: self.topic)
        monkeypatch.setattr(compat, "create_publisher", lambda *_, **__: self.debug)
        monkeypatch.setattr(qos_overrides, "options", lambda *_: None)
        node = SimpleNamespace(get_fully_qualified_name=lambda: "/camera", get_logger=logging.getLogger)
        self.events = FrameEvents(node, "published", lambda _header: 0)
        self.thread = threading.Thread(target=self.events.run, daemon=True)
        self.thread.start()

    def end(self) -> None:
        self.events.close()
        self.thread.join(10)
        assert not self.thread.is_alive()
        self.events.send()


def wait_for(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, f"waited 10 s for {what}"
        time.sleep(0.001)


def wait_for_sent(publisher: Publisher, count: int) -> None:
    wait_for(lambda: len(publisher.sent) >= count, f"{count} messages")


def frames(traced: Traced, count: int) -> None:
    """Two events a frame."""
    for _ in range(count):
        for event in ("captured", "published"):
            traced.events.note(Header(), event)
        traced.events.flush()


FRAME = ["camera/captured", "camera/published"]


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> Iterator[Traced]:
    started = Traced(monkeypatch)
    yield started
    started.end()


def test_during_the_pause_nothing_is_sent_and_at_the_end_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "PAUSE_S", 3600.0)
    traced = Traced(monkeypatch)
    frames(traced, 1)
    wait_for_sent(traced.topic, 2)
    wait_for(lambda: traced.debug.asked == 4, "the pause")  # two debug topics, before sending and after it
    frames(traced, 10)
    traced.events.note(Header(), "dropped")
    time.sleep(5 * events.DELAY_S)
    assert traced.topic.sent == FRAME
    traced.end()
    assert traced.topic.sent == [*FRAME * 11, "camera/dropped"]


def test_the_last_frames_of_a_stream_are_told(traced: Traced) -> None:
    frames(traced, 1)
    wait_for_sent(traced.topic, 2)
    frames(traced, 2)  # during the pause, and none comes after it
    wait_for_sent(traced.topic, 6)
    assert traced.topic.sent == FRAME * 3


def test_a_drop_is_told_without_a_frame(traced: Traced) -> None:
    traced.events.note(Header(), "dropped")
    wait_for_sent(traced.topic, 1)


def test_where_nobody_listens_nothing_is_kept(traced: Traced) -> None:
    traced.topic.subscribers = 0
    frames(traced, 3)
    wait_for(lambda: not traced.events._queue, "the events to be forgotten")
    traced.topic.subscribers = 1
    traced.events.note(Header(), "dropped")
    wait_for_sent(traced.topic, 1)
    assert traced.topic.sent == ["camera/dropped"]


def test_debug_times_do_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "PAUSE_S", 3600.0)
    traced = Traced(monkeypatch, debug=1)
    for i in range(10):
        frames(traced, 1)
        wait_for_sent(traced.debug, 2 * (i + 1))  # processing and pipeline
    traced.end()


def test_processing_times_are_those_of_each_frame_where_headers_are_equal(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[float] = []
    monkeypatch.setattr(compat, "create_publisher", lambda *_, **__: SimpleNamespace(publish=lambda message: told.append(message.data)))
    monkeypatch.setattr(qos_overrides, "options", lambda *_: None)
    times = events.DebugTimes(SimpleNamespace(get_logger=logging.getLogger), "published", lambda _header: 0)
    one, other = Header(), Header()
    for header, event, ms in ((one, "encode_start", 1), (other, "encode_start", 5), (one, "published", 11), (other, "published", 25)):
        times.note(header, event, ms * 1_000_000)
    assert told[::2] == [10.0, 20.0]
