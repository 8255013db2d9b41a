# SPDX-License-Identifier: Apache-2.0
"""What has arrived, told to the camera's side: one small message a frame on ``<image topic>/delivered``, while a sender listens.

A ``sensor_msgs/TimeReference``: ``header`` is the frame's, ``time_ref`` the stamp plus the frame's age when it was there, so that both are
times of the clock that stamped it; ``source`` is ``<node> <strips that arrived>/<strips> <round trip in us, 0 where unknown>``. A report counts
from a node that subscribes to the frames, and for that node alone, where rclpy tells who published a message.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from typing import Any

from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import TimeReference

from plcv_ros.nodes import compat, conversion
from plcv_ros.nodes.checks import checks_of
from plcv_ros.nodes.origin import LOOK_PERIOD_S, Publishers, gid_of, qualified

NAME = "delivered"

_SOURCE = re.compile(r"(\S+) (\d{1,5})/(\d{1,5}) (\d{1,9})", re.ASCII)

MAX_AGE_S = 60.0
MAX_SOURCE = 300
"""Characters: a name of ROS's 255 and the numbers."""


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
    """Calls ``on_report(node, stamp_ns, age_s, share, round_trip_s)`` for every report that can be; counts the others in ``malformed``, and those
    of nodes that receive no frames in ``refused``. ``topics``: those that frames are published on."""

    def __init__(self, node: Any, base: str, topics: Iterable[str], on_report: Callable[[str, int, float, float, float], None]) -> None:
        self.malformed = self.refused = 0
        self._node = node
        self._checks = checks_of(node)
        self._on_report = on_report
        self._topics = tuple(node.resolve_topic_name(topic) for topic in topics)
        self._topic = node.resolve_topic_name(f"{base}/{NAME}")
        self._publishers = Publishers(node, self._topic)
        self._looked = -LOOK_PERIOD_S
        self.reporters: frozenset[str] = frozenset()
        """Nodes that receive frames and tell of them, by discovery. Any thread may read it."""
        compat.create_timed_subscription(node, TimeReference, f"{base}/{NAME}", self._on_message, _qos())
        node.create_timer(LOOK_PERIOD_S, self.look, clock=compat.steady_clock())

    def look(self) -> None:
        """Ask discovery who receives frames and tells of them: a recorder receives them and tells nothing."""
        self._looked = time.monotonic()
        receiving = {qualified(e) for topic in self._topics for e in self._node.get_subscriptions_info_by_topic(topic)}
        telling = {qualified(e) for e in self._node.get_publishers_info_by_topic(self._topic)}
        self.reporters = frozenset(receiving & telling - {""})

    def _from_a_receiver(self, info: Any, claimed: str) -> bool:
        if claimed not in self.reporters and time.monotonic() - self._looked >= LOOK_PERIOD_S / 2:
            self.look()
        gid = gid_of(info)
        return claimed in self.reporters and (gid is None or self._publishers.name(gid) == claimed)

    def _on_message(self, message: TimeReference, info: Any) -> None:
        if not self._checks.accepts(self._topic, message) or len(message.source) > MAX_SOURCE:
            self.malformed += 1
            return
        stamp = conversion.to_ns(message.header.stamp)
        age_s = (conversion.to_ns(message.time_ref) - stamp) / 1e9
        match = _SOURCE.fullmatch(message.source)
        if match is None or not 0 <= age_s <= MAX_AGE_S or not 0 < int(match[2]) <= int(match[3]):
            self.malformed += 1
            return
        if not self._from_a_receiver(info, match[1].strip("/")):
            self.refused += 1
            return
        self._on_report(match[1], stamp, age_s, int(match[2]) / int(match[3]), int(match[4]) / 1e6)
