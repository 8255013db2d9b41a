# SPDX-License-Identifier: Apache-2.0
"""Listening to ``/diagnostics`` from a program that is no node itself, the demo or a test, in a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions

from plcv_ros.texts import is_name

MAX_NODES = 256
"""Nodes that are listened to."""


class DiagnosticsMonitor:
    """Keeps the latest status of every node, by its name without namespace. Start it with the DDS environment of the nodes in ``os.environ``."""

    def __init__(self, name: str = "monitor") -> None:
        self._changed = threading.Condition()
        self._values: dict[str, dict[str, str]] = {}
        self._by_full_name: dict[str, dict[str, str]] = {}
        self._context = Context()
        rclpy.init(context=self._context, signal_handler_options=SignalHandlerOptions.NO, args=[])
        self._node = rclpy.create_node(name, context=self._context, enable_rosout=False, start_parameter_services=False)
        self._node.create_subscription(DiagnosticArray, "/diagnostics", self._on_message, 100)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._thread = threading.Thread(target=self._spin, name="diagnostics", daemon=True)
        self._thread.start()

    def _spin(self) -> None:
        try:
            self._executor.spin()
        except ExternalShutdownException:
            return

    def _on_message(self, message: Any) -> None:
        with self._changed:
            for status in message.status:
                name = status.name.partition(":")[0]
                if not is_name(name, empty=True) or (name not in self._by_full_name and len(self._by_full_name) >= MAX_NODES):
                    continue
                values = {pair.key: pair.value for pair in status.values}
                self._by_full_name[name] = {**values, "message": status.message, "level": str(ord(status.level))}
                self._values[name.rpartition("/")[2]] = self._by_full_name[name]
            self._changed.notify_all()

    def latest(self) -> dict[str, dict[str, str]]:
        """Node -> its latest key-value pairs, with ``message`` and ``level``."""
        with self._changed:
            return dict(self._values)

    def by_full_name(self) -> dict[str, dict[str, str]]:
        """As ``latest``, by the nodes' names with namespace: for graphs in which several nodes have the same name."""
        with self._changed:
            return dict(self._by_full_name)

    def wait_for(self, condition: Callable[[dict[str, dict[str, str]]], bool], timeout_s: float) -> bool:
        """Wait until ``condition(latest)`` holds; False when the time is over first."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while not condition(self._values):
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(left)
        return True

    def close(self) -> None:
        """Stop listening."""
        self._executor.shutdown(timeout_sec=2.0)
        self._node.destroy_node()
        rclpy.shutdown(context=self._context)
        self._thread.join(2.0)

    def __enter__(self) -> DiagnosticsMonitor:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
