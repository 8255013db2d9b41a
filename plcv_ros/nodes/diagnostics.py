# SPDX-License-Identifier: Apache-2.0
"""``/diagnostics`` of a node, once a second: a level, a sentence for the person who runs the robot, and the counters."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

from plcv_ros.nodes import compat, qos_overrides

OK: bytes = DiagnosticStatus.OK
WARN: bytes = DiagnosticStatus.WARN
ERROR: bytes = DiagnosticStatus.ERROR
STALE: bytes = DiagnosticStatus.STALE

PERIOD_S = 1.0

TOPIC = "/diagnostics"


@dataclass
class Status:
    """What a node says of itself: ``level`` one of OK, WARN, ERROR, STALE; ``text`` a sentence; ``values`` counters and settings."""

    level: bytes = OK
    text: str = ""
    values: dict[str, object] = field(default_factory=dict)


class Meter:
    """Rates of counters between two looks at them."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[float, int]] = {}

    def rate(self, name: str, count: int) -> float:
        """Counts per second since the last call for ``name``; 0 the first time."""
        now = time.monotonic()
        before, counted = self._last.get(name, (now, count))
        self._last[name] = (now, count)
        return (count - counted) / (now - before) if now > before else 0.0


class Diagnostics:
    """Publishes ``status()`` once a second on the steady clock, so that paused simulation time does not silence it."""

    def __init__(self, node: Any, status: Callable[[], Status]) -> None:
        self._node = node
        self._status = status
        self._name = node.get_fully_qualified_name().lstrip("/")
        self._publisher = compat.create_publisher(
            node, DiagnosticArray, TOPIC, 10, overrides=qos_overrides.options(node, TOPIC, qos_overrides.PUBLISHER)
        )
        node.create_timer(PERIOD_S, self.publish, clock=compat.steady_clock())

    def publish(self) -> None:
        """Publish the status now."""
        status = self._status()
        message = DiagnosticArray()
        message.header.stamp = self._node.get_clock().now().to_msg()
        values = [KeyValue(key=key, value=_text(value)) for key, value in status.values.items()]
        message.status = [DiagnosticStatus(level=status.level, name=f"{self._name}: frames", message=status.text, hardware_id="", values=values)]
        self._publisher.publish(message)


def _text(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
