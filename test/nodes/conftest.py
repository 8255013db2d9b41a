# SPDX-License-Identifier: Apache-2.0
"""Real nodes over real DDS: a domain a test, processes with their logs caught, a probe node in the test's own process, patient waiting."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from links.shifted_clock import ClockError, ShiftedClock

TIMEOUT_S = 60.0
"""How long to wait for anything to happen at all: generous, since two busy cores start five Python processes."""


def wait_for(condition: Callable[[], Any], what: str, timeout_s: float = TIMEOUT_S, each: Callable[[], Any] | None = None) -> Any:
    """Wait until ``condition()`` is true and return its value; fails naming ``what``. ``each()`` runs between two looks."""
    end = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            pytest.fail(f"waited {timeout_s:g} s for {what}")
        if each is not None:
            each()
        time.sleep(0.01)


class NodeProcess:
    """A node executable as a process of its own; ``log`` holds what it has written so far."""

    def __init__(self, executable: str, arguments: list[str], environment: dict[str, str]) -> None:
        self.name = executable
        command = [sys.executable, "-m", "plcv_ros.nodes", executable, *arguments]
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True
        )
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self._lines.extend(self.process.stdout)

    @property
    def log(self) -> str:
        return "".join(self._lines)

    def wait_for_log(self, text: str, timeout_s: float = TIMEOUT_S) -> None:
        wait_for(lambda: text in self.log or self.process.poll() is not None, f"{text!r} in the log of {self.name}:\n{self.log}", timeout_s)
        self._reader.join(2.0) if self.process.poll() is not None else None
        assert text in self.log, f"{self.name} ended with {self.process.returncode} without saying {text!r}:\n{self.log}"

    def send(self, number: int) -> None:
        os.killpg(self.process.pid, number)

    def wait(self, timeout_s: float = TIMEOUT_S) -> int:
        code = self.process.wait(timeout_s)
        self._reader.join(5.0)
        return code

    def stop(self, number: int = signal.SIGINT) -> int:
        """Ask it to end, as Ctrl-C does; returns the exit status."""
        if self.process.poll() is None:
            self.send(number)
        return self.wait()

    def kill(self) -> None:
        if self.process.poll() is None:
            self.send(signal.SIGKILL)
        self.wait()


class Probe:
    """A node in the test's process that subscribes, publishes and counts."""

    def __init__(self, domain: int) -> None:
        import rclpy
        from rclpy.context import Context
        from rclpy.executors import SingleThreadedExecutor
        from rclpy.node import Node

        self.context = Context()
        rclpy.init(context=self.context, domain_id=domain)
        self.node: Any = Node("probe", context=self.context)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)

    def spin(self, seconds: float = 0.02) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.executor.spin_once(timeout_sec=left)

    def wait_for(self, condition: Callable[[], Any], what: str, timeout_s: float = TIMEOUT_S) -> Any:
        return wait_for(condition, what, timeout_s, each=self.spin)

    def listen(self, message_type: Any, topic: str, qos: Any = None) -> list[Any]:
        """Subscribe; the returned list grows."""
        messages: list[Any] = []
        from rclpy.qos import QoSProfile

        self.node.create_subscription(message_type, topic, messages.append, QoSProfile(depth=200) if qos is None else qos)
        return messages

    def status_of(self, node: str) -> Callable[[], dict[str, Any]]:
        """A function that returns the newest /diagnostics of ``node``: level, message, and the counters as text."""
        from diagnostic_msgs.msg import DiagnosticArray

        latest: dict[str, Any] = {}

        def hear(message: Any) -> None:
            for status in message.status:
                if status.name.split(":")[0] == node:
                    latest.clear()
                    latest.update(level=status.level, message=status.message, **{v.key: v.value for v in status.values})

        self.node.create_subscription(DiagnosticArray, "/diagnostics", hear, 50)
        return lambda: dict(latest)

    def set_parameter(self, node: str, name: str, value: Any) -> Any:
        """Set a parameter as ``ros2 param set`` does; returns the SetParametersResult."""
        from rcl_interfaces.srv import SetParameters
        from rclpy.parameter import Parameter

        client = self.node.create_client(SetParameters, f"{node}/set_parameters")
        self.wait_for(client.service_is_ready, f"the parameter service of {node}")
        future = client.call_async(SetParameters.Request(parameters=[Parameter(name, value=value).to_parameter_msg()]))
        self.wait_for(future.done, f"{node} to answer")
        self.node.destroy_client(client)
        return future.result().results[0]

    def close(self) -> None:
        import rclpy

        self.executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown(context=self.context)


@pytest.fixture
def probe(domain: int) -> Iterator[Probe]:
    probe = Probe(domain)
    yield probe
    probe.close()


@pytest.fixture
def shifted_clock(tmp_path: Path) -> Callable[..., ShiftedClock]:
    """``shifted_clock(offset_s, drift_ppm)``: a clock for processes of this test that is wrong by so much."""

    def make(offset_s: float = 0.0, drift_ppm: float = 0.0) -> ShiftedClock:
        try:
            return ShiftedClock(tmp_path, offset_s, drift_ppm)
        except ClockError as error:
            pytest.skip(str(error))

    return make


@pytest.fixture
def spawn(domain: int, tmp_path: Path) -> Iterator[Callable[..., NodeProcess]]:
    """``spawn("camera", "frames:=5", rate=10.0, namespace="/robot")`` starts a node; keyword arguments are parameters."""
    running: list[NodeProcess] = []

    def start(executable: str, *extra: str, namespace: str = "", environment: dict[str, str] | None = None, **parameters: Any) -> NodeProcess:
        words = ["--ros-args"]
        if namespace:
            words += ["-r", f"__ns:={namespace}"]
        for name, value in parameters.items():
            text = str(value).lower() if isinstance(value, bool) else f"'{value}'" if isinstance(value, str) else str(value)
            words += ["-p", f"{name}:={text}"]
        env = {**os.environ, "ROS_DOMAIN_ID": str(domain), "ROS_LOG_DIR": str(tmp_path / "log"), "OMP_NUM_THREADS": "1", **(environment or {})}
        node = NodeProcess(executable, [*words, *extra], env)
        running.append(node)
        return node

    yield start
    for node in running:
        if node.process.poll() is None:
            node.send(signal.SIGINT)
    for node in running:
        try:
            node.wait()
        except subprocess.TimeoutExpired:
            node.kill()
        print(f"---- log of {node.name} ({node.process.returncode})\n{node.log}")  # pytest shows it where the test has failed
