# SPDX-License-Identifier: Apache-2.0
"""``checkpoint: auto``: which network the frames of a camera have is logged and published when it changes.

A line of text on ``~/checkpoint_changes`` (std_msgs/String, latched), for reports, as :mod:`plcv_ros.nodes.adaptive` has one of the codec.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Any

from std_msgs.msg import String

from plcv_ros.nodes import qos

MOST, WITHIN_S = 20, 10.0
"""So many changes are told in so much time: senders that alternate must not fill the log."""


class CheckpointChanges:
    """Of all cameras of a node; any thread may tell."""

    def __init__(self, node: Any) -> None:
        self._node = node
        self._told: deque[float] = deque(maxlen=MOST)
        self._lock = threading.Lock()
        self._publisher = qos.create_publisher(node, String, "~/checkpoint_changes", qos.latched(keep=qos.KEPT_CHANGES))

    def tell(self, camera: str, before: str, after: str, coding: str) -> None:
        """The network ``before`` (empty: none yet) gives way to ``after``, since the frames are of the codec ``coding``."""
        now = time.monotonic()
        with self._lock:
            if len(self._told) == MOST and now - self._told[0] < WITHIN_S:
                return
            self._told.append(now)
            last = len(self._told) == MOST and now - self._told[0] < WITHIN_S
        change = f"{f'{camera}: ' if camera else ''}{f'{before} -> ' if before else ''}{after}: frames are {coding or 'of no known codec'}"
        self._node.get_logger().info(f"network: {change}{'; for some seconds more changes are only counted' if last else ''}")
        self._publisher.publish(String(data=f"{time.time_ns()} {change}"))
