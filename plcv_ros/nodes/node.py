# SPDX-License-Identifier: Apache-2.0
"""What every node of the package has: checked parameters, frame events, diagnostics, worker threads, and an end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from rclpy.node import Node

from plcv_ros.nodes import qos_overrides
from plcv_ros.nodes.checks import Checks
from plcv_ros.nodes.clock import ClockServer
from plcv_ros.nodes.declaration import declare
from plcv_ros.nodes.diagnostics import ERROR, OK, WARN, Diagnostics, Meter, Status
from plcv_ros.nodes.events import FrameEvents
from plcv_ros.nodes.inputs import Inputs
from plcv_ros.nodes.parameters import TABLES, Value

JOIN_TIMEOUT_S = 3.0
"""For all threads of a node together. The process has little more to end in, where a thread hangs (``runner.END_TIMEOUT_S``)."""


class NodeError(RuntimeError):
    """A node cannot go on; the message is one line for the person who started it."""


class FrameNode(Node):  # type: ignore[misc]  # rclpy is not seen by the type checker
    """Base of the nodes. A subclass creates its topics in ``__init__``, its threads in ``start``, and ends them in ``stop``.

    Callbacks run in the main thread (the executor of :mod:`plcv_ros.nodes.runner`); frames are worked on in threads of their own. ``end``
    may be called from any thread and ends the process after ``stop``.
    """

    result_event = "published"
    """The frame event that ends the node's work on a frame."""

    stop_limit_s = 0.0
    """For ``shut_down`` of a node that has more to do at its end than to join its threads; 0: what every node has (``runner.END_TIMEOUT_S``)."""

    def __init__(self, executable: str) -> None:
        super().__init__(executable)
        self.checks = Checks(self)
        self._refusals = Meter()
        self.inputs = Inputs(self)
        qos_overrides.check(self)
        self.values: dict[str, Value] = declare(self, TABLES[executable], self.apply)
        self.stopping = threading.Event()
        self.exit_code: int | None = None
        self._wake = self.create_guard_condition(lambda: None)
        self._threads: list[threading.Thread] = []
        self.events = FrameEvents(self, self.result_event, self.age_ns)
        self._clock_server = ClockServer(self)
        self._diagnostics = Diagnostics(self, self._whole_status)

    def text(self, name: str) -> str:
        """The value of a string parameter."""
        return str(self.values[name])

    def number(self, name: str) -> float:
        """The value of a double parameter."""
        return float(self.values[name])

    def integer(self, name: str) -> int:
        """The value of an integer parameter."""
        return int(self.values[name])

    def flag(self, name: str) -> bool:
        """The value of a bool parameter."""
        return bool(self.values[name])

    def apply(self, values: dict[str, Value]) -> None:
        """Act on a change at run time; ``values`` holds every parameter, the changed ones included. May raise ParameterError to refuse."""

    def status(self) -> Status:
        """What ``/diagnostics`` shall say now."""
        return Status()

    def _whole_status(self) -> Status:
        """The node's own status, and where its inputs are not what it takes, that."""
        status = self.status()
        status.values.update(self.checks.values())
        refused = self._refusals.rate("refused", self.checks.refused)
        if refused:
            status.level = WARN if status.level == OK else status.level
            status.text = f"{status.text}; {refused:.1f} messages/s are refused, see the log"
        complaint = self.inputs.look()
        return Status(ERROR, complaint, status.values) if complaint else status

    def start(self) -> None:
        """Start the threads."""

    def stop(self) -> None:
        """End the threads and write what must be written; called once, in the main thread, before the node is destroyed."""

    def thread(self, name: str, work: Callable[[], None]) -> threading.Thread:
        """Start ``work`` in a thread that ends the node, with one clear line, should it raise."""

        def guarded() -> None:
            try:
                work()
            except Exception as error:
                self.fail(error)

        thread = threading.Thread(target=guarded, name=name, daemon=True)
        self._threads = [one for one in self._threads if one.is_alive()]
        self._threads.append(thread)
        thread.start()
        return thread

    def fail(self, error: BaseException) -> None:
        """End the node because of ``error``: one line in the log, exit code 1."""
        from plcv_ros.nodes.runner import describe_error

        self.get_logger().fatal(describe_error(error))
        self.end(1)

    def end(self, code: int) -> None:
        """Ask the process to end; the first code counts."""
        if self.exit_code is None:
            self.exit_code = code
        self.stopping.set()
        self.wake()

    def wake(self) -> None:
        """Let the executor look around, from any thread."""
        self._wake.trigger()

    def begin(self) -> None:
        """Start all threads, those of the subclass included; called once the node is complete."""
        qos_overrides.warn_of_unused(self, self.inputs.topics)
        self.thread("events", self.events.run)
        self.start()

    def shut_down(self) -> None:
        """Stop, wait for the threads, and send the last frame events and diagnostics; the threads end also where ``stop`` raises."""
        self.stopping.set()
        try:
            self.stop()
        finally:
            self.events.close()
            until = time.monotonic() + max(JOIN_TIMEOUT_S, self.stop_limit_s / 2)
            for thread in self._threads:
                if thread is not threading.current_thread():
                    thread.join(max(0.0, until - time.monotonic()))
            self.events.send()  # nobody waits for their acknowledgement: Fast DDS asks readers for it every three seconds
            self._diagnostics.publish()

    def age_ns(self, header: Any) -> int:
        """How old a frame of that header is now. Nodes that know by how much the camera's clock differs from theirs take it into account."""
        return self.now_ns() - (int(header.stamp.sec) * 1_000_000_000 + int(header.stamp.nanosec))

    def round_trip_ns(self) -> int:
        """The smallest time that a message to the camera's node and its answer took; 0 where it is not known."""
        return 0

    def now_ns(self) -> int:
        """The node's clock in nanoseconds: simulated time where ``use_sim_time`` is set."""
        nanoseconds: Any = self.get_clock().now().nanoseconds
        return int(nanoseconds)
