# SPDX-License-Identifier: Apache-2.0
"""A camera with three receivers on computers of their own: one that must go on, one that is unplugged and one that is stopped.

A second receiver (a recorder, say) must not cost the first one its frames, whatever becomes of it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from links.network import Link, Network
from plcv_ros.graph import build
from plcv_ros.nodes import wire

DOMAIN = "33"
LINK = Link(rate=1000, delay_ms=1.0)
RATE = 15.0
SIZE = (1280, 720)
BEFORE_S = 5.0
"""Frames must flow that long before the fault begins."""

LAST_S = 5.0
START_S = 60.0
END_S = 60.0
UNPLUGGED, STOPPED = "unplugged", "stopped"

READER = """
import sys, time, rclpy
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage
rclpy.init()
node = rclpy.create_node("reader_" + sys.argv[1])
out = open(sys.argv[3], "a", buffering=1)
reliability = ReliabilityPolicy.RELIABLE if sys.argv[4] == "reliable" else ReliabilityPolicy.BEST_EFFORT
def on_frame(m):
    out.write(f"{time.monotonic_ns()} {m.header.stamp.sec}.{m.header.stamp.nanosec:09d}\\n")
node.create_subscription(CompressedImage, sys.argv[2], on_frame, QoSProfile(depth=5, reliability=reliability))
rclpy.spin(node)
"""


@dataclass(frozen=True)
class Outcome:
    """``before`` and ``during``: frames a second (whole or in part) that reached the receiver that goes on, ``last`` in the last 5 s of the fault:
    queues take some seconds to fill up. ``end_s``: from SIGINT, sent while the others still
    hang, until the camera's process had gone; ``status`` its exit status."""

    before: float
    during: float
    last: float
    end_s: float
    status: int

    @property
    def kept(self) -> float:
        """Share of its frames that the receiver kept during the fault."""
        return self.during / self.before if self.before else 0.0


def _arrivals(file: Path, since: float, until: float) -> float:
    """Frames a second in an interval of the monotonic clock."""
    pairs = (line.split() for line in file.read_text().splitlines() if line)
    return len({stamp for at, stamp in pairs if since <= int(at) / 1e9 < until}) / (until - since)


def measure(folder: Path, middleware: str, fault_s: float, strips: bool = False, reliability: str = "reliable") -> Outcome:
    """Run the fault for ``fault_s`` seconds. ``middleware`` is the launch argument of both sides; ``reliability`` is asked for by the receivers
    that fail. Raises RuntimeError where frames do not flow at all."""
    size = {"width": str(SIZE[0]), "height": str(SIZE[1])}
    edge = build("edge", {"middleware": middleware, "strips": str(strips).lower(), "rate": str(RATE), **size})
    topic = "/" + wire.topic("camera/image", "astc", strips)
    environment = {**os.environ, **edge.environment, "ROS_DOMAIN_ID": DOMAIN, "ROS_LOG_DIR": str(folder)}
    with ExitStack() as stack:
        network = stack.enter_context(Network(LINK))
        processes: list[subprocess.Popen[bytes]] = []

        def start(side: str, words: list[str]) -> subprocess.Popen[bytes]:
            log = stack.enter_context((folder / f"{side}.log").open("wb"))
            process = subprocess.Popen(network.command(side, words), env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
            processes.append(process)
            return process

        def end_all() -> None:
            for process in processes:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()

        stack.callback(end_all)
        files = {side: folder / f"{side}.frames" for side in ("remote", UNPLUGGED, STOPPED)}
        for name in (UNPLUGGED, STOPPED):
            network.attach(name)
        readers = {}
        for side, file in files.items():
            file.touch()
            asked = "best_effort" if side == "remote" else reliability
            readers[side] = start(side, [sys.executable, "-c", READER, side, topic, str(file), asked])
        camera = start("camera", edge.node("camera").command())
        _wait_for_flow(files, folder)
        time.sleep(BEFORE_S)
        begun = time.monotonic()
        network.unplug(UNPLUGGED)
        os.killpg(readers[STOPPED].pid, signal.SIGSTOP)
        time.sleep(fault_s)
        ended = time.monotonic()
        camera.send_signal(signal.SIGINT)
        try:
            status = camera.wait(END_S)
        except subprocess.TimeoutExpired:
            status = -signal.SIGKILL
        end_s = time.monotonic() - ended
        file = files["remote"]
        intervals = ((begun - BEFORE_S, begun), (begun, ended), (ended - LAST_S, ended))
        return Outcome(*(_arrivals(file, *interval) for interval in intervals), end_s=end_s, status=status)


def _wait_for_flow(files: dict[str, Path], folder: Path) -> None:
    end = time.monotonic() + START_S
    while any(file.stat().st_size == 0 for file in files.values()):
        if time.monotonic() > end:
            silent = [side for side, file in files.items() if file.stat().st_size == 0]
            raise RuntimeError(f"no frame reached {', '.join(silent)} in {START_S:g} s; the logs are in {folder}")
        time.sleep(0.1)
