# SPDX-License-Identifier: Apache-2.0
"""What has arrived, told to the camera's side: one small message a frame on ``<image topic>/delivered``, while a sender listens.

A ``sensor_msgs/TimeReference``: ``header`` is the frame's, ``time_ref`` the stamp plus the frame's age when it was there, so that both are
times of the clock that stamped it; ``source`` is ``<node> <strips that arrived>/<strips> <round trip in us, 0 where unknown>``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import TimeReference

from plcv_ros.nodes import conversion

NAME = "delivered"

_SOURCE = re.compile(r"(\S+) (\d{1,5})/(\d{1,5}) (\d{1,9})", re.ASCII)

MAX_AGE_S = 60.0


def _qos() -> QoSProfile:
    return QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=30, reliability=ReliabilityPolicy.BEST_EFFORT)


class DeliveryReports:
    """Publishes the reports of one receiver."""

    def __init__(self, node: Any, base: str) -> None:
        self._publisher = node.create_publisher(TimeReference, f"{base}/{NAME}", _qos())
        self._name = node.get_fully_qualified_name()

    def report(self, header: Any, age_ns: int, strips: int, count: int, round_trip_ns: int) -> None:
        """A frame, or what has arrived of it, is here ``age_ns`` after its stamp."""
        if not self._publisher.get_subscription_count():
            return
        message = TimeReference()
        message.header = header
        message.time_ref = conversion.to_time(conversion.to_ns(header.stamp) + max(0, age_ns))
        message.source = f"{self._name} {strips}/{count} {max(0, round_trip_ns) // 1000}"
        self._publisher.publish(message)


class DeliveryListener:
    """Calls ``on_report(node, stamp_ns, age_s, share, round_trip_s)`` for every report that can be; counts the others in ``malformed``."""

    def __init__(self, node: Any, base: str, on_report: Callable[[str, int, float, float, float], None]) -> None:
        self.malformed = 0
        self._on_report = on_report
        node.create_subscription(TimeReference, f"{base}/{NAME}", self._on_message, _qos())

    def _on_message(self, message: TimeReference) -> None:
        stamp = conversion.to_ns(message.header.stamp)
        age_s = (conversion.to_ns(message.time_ref) - stamp) / 1e9
        match = _SOURCE.fullmatch(message.source)
        if match is None or not 0 <= age_s <= MAX_AGE_S or not 0 < int(match[2]) <= int(match[3]):
            self.malformed += 1
            return
        self._on_report(match[1], stamp, age_s, int(match[2]) / int(match[3]), int(match[4]) / 1e6)
