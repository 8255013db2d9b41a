# SPDX-License-Identifier: Apache-2.0
"""Two computers with an emulated link between them: network namespaces, real nodes of the graphs ``edge`` and ``remote``, and a watch on the
remote side that notes when labels arrive and what the nodes say of themselves. The camera runs on a clock that can be shifted."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from links.network import Link, Network
from links.shifted_clock import ShiftedClock
from plcv_ros.graph import NodeSpec, build

DOMAIN = "32"
SIZE = (160, 96)
LINK = Link(rate=1000, delay_ms=1.0)
TIMEOUT_S = 120.0
"""For anything to happen at all, on a computer however busy."""

END_S = 60.0
FLOWING = 10
"""So many labels of new frames in a row are a flow."""

WATCH = """
import json, sys, time, rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image
rclpy.init()
node = rclpy.create_node("watch")
labels, diagnostics = (open(path, "a", buffering=1) for path in sys.argv[1:])
def on_labels(m):
    labels.write(f"{time.monotonic_ns()} {m.header.stamp.sec * 10**9 + m.header.stamp.nanosec}\\n")
def on_diagnostics(m):
    for status in m.status:
        name = status.name.partition(":")[0].rpartition("/")[2]
        diagnostics.write(json.dumps([name, {pair.key: pair.value for pair in status.values}]) + "\\n")
node.create_subscription(DiagnosticArray, "/diagnostics", on_diagnostics, 100)
node.create_subscription(Image, "segmentation/labels", on_labels, QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT))
rclpy.spin(node)
"""


class TwoComputersError(RuntimeError):
    """Something that must happen did not, or a node ended; the text says what."""


class Node:
    """A node process on one of the two computers."""

    def __init__(self, spec: NodeSpec, computer: TwoComputers, side: str, environment: dict[str, str]) -> None:
        self.spec, self.side, self.environment = spec, side, environment
        self.log = computer.folder / f"{spec.name}.{time.monotonic_ns()}.log"
        with self.log.open("w") as file:
            self.process = subprocess.Popen(
                computer.network.command(side, spec.command()),
                env={**os.environ, "ROS_DOMAIN_ID": DOMAIN, "ROS_LOG_DIR": str(computer.folder), **environment},
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def ready_ns(self) -> int | None:
        """When the node said its first words (monotonic clock), None before."""
        match = re.search(r"\[INFO\] \[(\d+)\.(\d{9})\]", self.log.read_text())
        if match is None:
            return None
        return int(match.group(1)) * 10**9 + int(match.group(2)) - time.time_ns() + time.monotonic_ns()

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def signal(self, number: int) -> None:
        os.killpg(self.process.pid, number)

    def end(self) -> int:
        """Ask the node to end and wait for it; returns its exit status."""
        self.signal(signal.SIGINT)
        return self.process.wait(END_S)

    def memory_mb(self) -> float:
        """Resident memory of the process. `ip netns exec` and `sh` are replaced by the node itself."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

    def cpu_s(self) -> float:
        """CPU time of the process so far, s."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class TwoComputers:
    """Camera on one side, segmentation, latency and watch on the other; a context manager. ``rate`` in frames a second, ``size`` (width, height).
    ``strips``: frames are sent in strips."""

    def __init__(self, network: Network, folder: Path, rate: float, size: tuple[int, int] = SIZE, strips: bool = False) -> None:
        self.network, self.folder, self.frame_rate, self.strips = network, folder, rate, strips
        self.clock = ShiftedClock(folder)
        self.labels_file, self.diagnostics_file = folder / "labels", folder / "diagnostics"
        self.labels_file.touch()
        self.diagnostics_file.touch()
        both = {"middleware": "profile", "strips": str(strips).lower()}
        self.edge = build("edge", {**both, "rate": str(rate), "width": str(size[0]), "height": str(size[1])})
        self.remote = build("remote", {**both, "output": str(folder / "report")})
        self.nodes: dict[str, Node] = {}
        self.others: list[subprocess.Popen[str]] = []
        self.start("segmentation")
        self.start("latency")
        self.others.append(self.run("remote", ["-c", WATCH, str(self.labels_file), str(self.diagnostics_file)]))
        self.start("camera")

    def __enter__(self) -> TwoComputers:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    def start(self, name: str) -> Node:
        """Start a node, or its successor."""
        graph, side = (self.edge, "camera") if name == "camera" else (self.remote, "remote")
        environment = dict(graph.environment)
        if name == "camera":
            # The other clock needs its own transports: see shifted_clock.py. The namespaces share no memory in any case.
            environment |= {key: value for key, value in self.clock.environment.items() if key != "FASTDDS_BUILTIN_TRANSPORTS"}
        self.nodes[name] = Node(graph.node(name), self, side, environment)
        return self.nodes[name]

    def run(self, side: str, words: list[str]) -> subprocess.Popen[str]:
        """Python with ``words`` on one of the computers."""
        environment = {**os.environ, **self.remote.environment, "ROS_DOMAIN_ID": DOMAIN, "ROS_LOG_DIR": str(self.folder)}
        command = self.network.command(side, [sys.executable, *words])
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True)

    def labels(self) -> list[tuple[int, int]]:
        """(arrival on the monotonic clock, stamp) of every label image so far, ns."""
        return [(int(a), int(s)) for a, s in (line.split() for line in self.labels_file.read_text().splitlines())]

    def wait(self, condition: Callable[[], Any], what: str, seconds: float = TIMEOUT_S) -> Any:
        """Wait until ``condition()`` is true and return its value. Raises TwoComputersError when it does not become so, or a node ends."""
        end = time.monotonic() + seconds
        while True:
            value = condition()
            if value:
                return value
            for name, node in self.nodes.items():
                code = node.process.poll()
                if code is not None and code != -signal.SIGKILL:
                    raise TwoComputersError(f"{name} ended with {code}:\n{node.log.read_text()}")
            if time.monotonic() > end:
                raise TwoComputersError(f"waited {seconds:g} s for {what}")
            time.sleep(0.02)

    def flow(self) -> None:
        """Wait until labels of new frames flow."""
        since = time.monotonic_ns()
        self.wait(lambda: sum(arrival > since for arrival, _ in self.labels()) >= FLOWING, "labels to flow")

    def silence(self, seconds: float = 1.0) -> None:
        """Wait until no labels have come for ``seconds``."""
        self.wait(lambda: self.rate(seconds) == 0, "labels to stop")

    def rate(self, seconds: float) -> float:
        """Labels a second in the last ``seconds``."""
        since = time.monotonic_ns() - seconds * 1e9
        return sum(arrival > since for arrival, _ in self.labels()) / seconds

    def recovery_s(self, gone_ns: int) -> float:
        """From ``gone_ns`` to the first labels of a frame that was stamped no earlier than that (by the camera's clock)."""
        stamp_from = gone_ns + time.time_ns() - time.monotonic_ns() + self.clock.shift_ns() - 50_000_000
        stamps = (stamp_from, stamp_from + TIMEOUT_S * 1e9)

        def first() -> int | None:
            return next((arrival for arrival, stamp in self.labels() if arrival > gone_ns and stamps[0] <= stamp < stamps[1]), None)

        return float(self.wait(first, "labels of a new frame") - gone_ns) / 1e9

    def diagnostics(self, name: str) -> dict[str, Any]:
        """The ``/diagnostics`` of a node, the first that are heard from now on: what they say is up to a second old."""
        start = self.diagnostics_file.stat().st_size

        def heard() -> dict[str, Any] | None:
            with self.diagnostics_file.open() as file:
                file.seek(start)
                statuses = [json.loads(line) for line in file if line.endswith("\n")]
            return next((values for speaker, values in statuses if speaker == name), None)

        return dict(self.wait(heard, f"the diagnostics of {name}"))

    def close(self) -> None:
        """End everything; the nodes' logs are printed."""
        for node in self.nodes.values():
            if node.process.poll() is None:
                node.signal(signal.SIGCONT)
                node.signal(signal.SIGINT)
        for name, node in self.nodes.items():
            try:
                node.process.wait(END_S)
            except subprocess.TimeoutExpired:
                node.kill()
            print(f"---- {name} ({node.process.returncode})\n{node.log.read_text()}")
        for process in self.others:
            process.kill()
            process.wait()
