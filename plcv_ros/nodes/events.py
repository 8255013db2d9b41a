# SPDX-License-Identifier: Apache-2.0
"""Publishing what happens to each frame, off the frame's path: noted in a queue, sent after the frame.

``~/frame_events`` for the latency node; ``~/debug/processing_time_ms`` and ``~/debug/pipeline_latency_ms`` as Autoware's tools plot them, the
latter two while somebody subscribes.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any

from sensor_msgs.msg import TimeReference

from plcv_ros.nodes import compat, qos, qos_overrides
from plcv_ros.tracing import CAMERA_EVENTS, DROPPED, REMOTE_EVENTS, join_source

TOPIC = "~/frame_events"

WORK_EVENTS = ("encode_start", "decode_start")
"""A node's work on a frame begins here; before it the frame has waited. Raw images have no such event: there it begins with the first one."""

MAX_OPEN = 64
"""Frames whose end has not been noted yet; older ones were given up without a word."""

QUEUE = 10_000

DELAY_S = 0.01
"""Events are sent so long after a frame: on one computer their sending would otherwise compete with the decoding of the frame they tell of."""

PAUSE_S = 0.19
"""So long after events were sent, none are sent again: what was noted meanwhile goes together. Most frames then meet a computer on which nothing
has happened since the frame before; sent after each of them, events cost a frame half a millisecond where cores had gone to sleep."""


class FrameEvents:
    """The frame events of one node; ``note`` from any thread, ``flush`` from any thread once the frame is on its way. ``run`` is the body of a
    thread that sends them in bunches, until ``close``.

    ``result``: the event that ends this node's work on a frame. ``age_ns(header)``: how old a frame is now.
    """

    def __init__(self, node: Any, result: str, age_ns: Callable[[Any], int]) -> None:
        self._publisher = qos.create_publisher(node, TimeReference, TOPIC, qos.events())
        name = node.get_fully_qualified_name()
        self._sources = {event: join_source(name, event) for event in (*CAMERA_EVENTS, *REMOTE_EVENTS, DROPPED)}
        self._debug = DebugTimes(node, result, age_ns)
        self._queue: deque[tuple[Any, str, int]] = deque(maxlen=QUEUE)
        self._message = TimeReference()  # one for all: publish() has serialised it when it returns
        self._wanted = threading.Event()
        self._closed = threading.Event()

    def note(self, header: Any, event: str, time_ns: int | None = None) -> None:
        """Note that ``event`` happened to the frame of ``header`` at ``time_ns`` (system clock, now where None)."""
        self._queue.append((header, event, time.time_ns() if time_ns is None else time_ns))

    def subscribers(self) -> int:
        """How many follow the events."""
        return int(self._publisher.get_subscription_count())

    def flush(self) -> None:
        """The frame is on its way: what was noted may be sent, or forgotten where nobody listens."""
        self._wanted.set()

    def run(self) -> None:
        """Send until ``close``; what is noted after that is for a last ``send``."""
        while not self._closed.is_set():
            # With the next frame, or without one for what was noted since: a frame's drop, or the last one's events.
            self._wanted.wait(PAUSE_S)
            self._closed.wait(DELAY_S)
            self._wanted.clear()
            self.send()
            if not self._debug.wanted():  # times without a stamp are plotted when they arrive, so those go frame by frame
                self._closed.wait(PAUSE_S)
                self._wanted.clear()

    def close(self) -> None:
        """End ``run``."""
        self._closed.set()
        self._wanted.set()

    def send(self) -> None:
        """Send now; for one thread at a time."""
        listened = bool(self.subscribers())
        debugged = self._debug.wanted()
        if not listened and not debugged:
            self._queue.clear()
            return
        message = self._message
        while self._queue:
            header, event, time_ns = self._queue.popleft()
            if debugged:
                self._debug.note(header, event, time_ns)
            if listened:
                message.header = header
                message.time_ref.sec, message.time_ref.nanosec = divmod(time_ns, 1_000_000_000)
                message.source = self._sources[event]
                self._publisher.publish(message)


class DebugTimes:
    """``~/debug/processing_time_ms``: from when the node began to work on a frame to its result; ``~/debug/pipeline_latency_ms``: from the frame's
    stamp to the node's result."""

    def __init__(self, node: Any, result: str, age_ns: Callable[[Any], int]) -> None:
        self._result = result
        self._age_ns = age_ns
        self._make = compat.DebugFloat(node)
        message_type = self._make.message_type
        self._processing, self._pipeline = (
            compat.create_publisher(node, message_type, topic, 10, overrides=qos_overrides.options(node, topic, qos_overrides.PUBLISHER))
            for topic in ("~/debug/processing_time_ms", "~/debug/pipeline_latency_ms")
        )
        self._begun: OrderedDict[int, tuple[Any, int]] = OrderedDict()
        """By the header object, which a node passes on as it is: what is in it may be in another frame's too."""

    def wanted(self) -> bool:
        """Whether anybody subscribes to one of the two."""
        return bool(self._processing.get_subscription_count() or self._pipeline.get_subscription_count())

    def note(self, header: Any, event: str, time_ns: int) -> None:
        """An event of a frame, in the order of the frame's way."""
        key = id(header)
        if event in WORK_EVENTS or key not in self._begun:
            self._begun[key] = header, time_ns
            while len(self._begun) > MAX_OPEN:
                self._begun.popitem(last=False)
        if event in {self._result, DROPPED}:
            _, begun = self._begun.pop(key)
            if event == self._result:
                self._processing.publish(self._make(time_ns, (time_ns - begun) / 1e6))
                # The stamp was compared with now; the result is a little older.
                age = self._age_ns(header) - (time.time_ns() - time_ns)
                self._pipeline.publish(self._make(time_ns, age / 1e6))
