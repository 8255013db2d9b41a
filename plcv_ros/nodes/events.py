# SPDX-License-Identifier: Apache-2.0
"""Publishing what happens to each frame on ``~/frame_events``, off the frame's path: noted in a queue, sent after the frame."""

from __future__ import annotations

import time
from collections import deque
from typing import Any

from builtin_interfaces.msg import Time
from sensor_msgs.msg import TimeReference

from plcv_ros.nodes import qos
from plcv_ros.tracing import join_source

TOPIC = "~/frame_events"


class FrameEvents:
    """The frame events of one node; ``note`` from any thread, ``flush`` from any thread once the frame is on its way."""

    def __init__(self, node: Any) -> None:
        self._publisher = qos.create_publisher(node, TimeReference, TOPIC, qos.events())
        self._node_name = node.get_fully_qualified_name()
        self._queue: deque[tuple[Any, str, int]] = deque(maxlen=10_000)

    def note(self, header: Any, event: str, time_ns: int | None = None) -> None:
        """Note that ``event`` happened to the frame of ``header`` at ``time_ns`` (system clock, now where None)."""
        self._queue.append((header, event, time.time_ns() if time_ns is None else time_ns))

    def subscribers(self) -> int:
        """How many follow the events."""
        return int(self._publisher.get_subscription_count())

    def flush(self) -> None:
        """Publish what was noted; forget it where nobody listens."""
        if self._queue and not self.subscribers():
            self._queue.clear()
            return
        while self._queue:
            try:
                header, event, time_ns = self._queue.popleft()
            except IndexError:  # another thread was faster
                return
            message = TimeReference()
            message.header = header
            message.time_ref = Time(sec=time_ns // 1_000_000_000, nanosec=time_ns % 1_000_000_000)
            message.source = join_source(self._node_name, event)
            self._publisher.publish(message)
