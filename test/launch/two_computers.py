# SPDX-License-Identifier: Apache-2.0
"""Two computers with an emulated link between them: network namespaces, real nodes of the graphs ``edge`` and ``remote``, and a watch on the remote
side that notes when labels arrive. The camera runs on a clock that a test can shift."""

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
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "benchmarks"), str(ROOT / "test" / "nodes")]

from links.network import Link, Network, missing  # noqa: E402
from shifted_clock import ShiftedClock  # noqa: E402

from plcv_ros.graph import NodeSpec, build  # noqa: E402

DOMAIN = "32"
SIZE = (160, 96)
LINK = Link(rate=1000, delay_ms=1.0)
TIMEOUT_S = 60.0

__all__ = ["LINK", "Link", "Network", "Node", "TwoComputers", "missing"]

WATCH = """
import sys, time, rclpy
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image
rclpy.init()
node = rclpy.create_node("watch")
log = open(sys.argv[1], "a", buffering=1)
def on_labels(m):
    log.write(f"{time.monotonic_ns()} {m.header.stamp.sec * 10**9 + m.header.stamp.nanosec}\\n")
node.create_subscription(Image, "segmentation/labels", on_labels, QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT))
rclpy.spin(node)
"""


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

    def memory_mb(self) -> float:
        """Resident memory of the process. `ip netns exec` and `sh` are replaced by the node itself."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


class TwoComputers:
    """Camera on one side, segmentation, latency and watch on the other."""

    def __init__(self, network: Network, folder: Path, rate: float, size: tuple[int, int] = SIZE) -> None:
        self.network, self.folder, self.frame_rate = network, folder, rate
        self.memory: dict[str, float] = {}
        self.clock = ShiftedClock(folder)
        self.labels_file = folder / "labels"
        self.labels_file.touch()
        self.edge = build("edge", {"middleware": "profile", "rate": str(rate), "width": str(size[0]), "height": str(size[1])})
        remote = {"middleware": "profile", "output": str(folder / "report")}
        self.remote = build("remote", remote)
        self.nodes: dict[str, Node] = {}
        self.others: list[subprocess.Popen[str]] = []
        self.start("segmentation")
        self.start("latency")
        self.others.append(self.run("remote", ["-c", WATCH, str(self.labels_file)]))
        self.start("camera")

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
        end = time.monotonic() + seconds
        while True:
            value = condition()
            if value:
                return value
            for name, node in self.nodes.items():
                code = node.process.poll()
                assert code is None or code == -signal.SIGKILL, f"{name} ended with {code}:\n{node.log.read_text()}"
            assert time.monotonic() < end, f"waited {seconds:g} s for {what}"
            time.sleep(0.02)

    def healthy(self, share: float = 0.6) -> None:
        """Wait until labels of at least ``share`` of the frames flow."""
        self.wait(lambda: self.rate(2.0) > share * self.frame_rate, "labels to flow")

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
        """The latest ``/diagnostics`` of a node, heard anew."""
        code = (
            "import json, sys\nfrom plcv_ros.nodes.monitor import DiagnosticsMonitor\n"
            f"with DiagnosticsMonitor() as m:\n    m.wait_for(lambda v: {name!r} in v, 20)\n    print(json.dumps(m.latest().get({name!r}, {{}})))"
        )
        process = self.run("remote", ["-c", code])
        out, _ = process.communicate(timeout=60)
        return dict(json.loads(out.strip().splitlines()[-1]))

    def close(self) -> None:
        for node in self.nodes.values():
            if node.process.poll() is None:
                node.signal(signal.SIGCONT)
                node.signal(signal.SIGINT)
        for name, node in self.nodes.items():
            try:
                node.process.wait(20)
            except subprocess.TimeoutExpired:
                node.kill()
            print(f"---- {name} ({node.process.returncode})\n{node.log.read_text()}")
        for process in self.others:
            process.kill()
            process.wait()
