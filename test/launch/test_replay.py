# SPDX-License-Identifier: Apache-2.0
"""A recorded bag through the replay graph, in the bag's own time: the labels carry the recorded stamps."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plcv_ros.graph import build

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
pytest.importorskip("torch", reason="torch is not installed")
rosbag2 = pytest.importorskip("rosbags.rosbag2", reason="rosbags is not installed")

FRAMES = 20
START_NS = 1_600_000_000_123_456_789
PERIOD_NS = 100_000_000
WIDTH, HEIGHT = 160, 96


def write_bag(path: Path) -> list[int]:
    """A bag with sensor_msgs/Image at 10 Hz, recorded in 2020; returns the header stamps, which differ from the time of recording."""
    from rosbags.typesys import Stores, get_typestore

    store = get_typestore(Stores.ROS2_HUMBLE)
    image_type, header, stamp = (store.types[n] for n in ("sensor_msgs/msg/Image", "std_msgs/msg/Header", "builtin_interfaces/msg/Time"))
    rng = np.random.default_rng(5)
    stamps = []
    with rosbag2.Writer(path, version=9) as writer:
        connection = writer.add_connection("/front/image_raw", image_type.__msgtype__, typestore=store)
        for i in range(FRAMES):
            at = START_NS + i * PERIOD_NS
            pixels = rng.integers(0, 255, HEIGHT * WIDTH * 3, np.uint8)
            head = header(stamp=stamp(sec=at // 10**9, nanosec=at % 10**9), frame_id="front")
            message = image_type(header=head, height=HEIGHT, width=WIDTH, encoding="rgb8", is_bigendian=0, step=WIDTH * 3, data=pixels)
            writer.write(connection, at + 7_000_000, store.serialize_cdr(message, image_type.__msgtype__))
            stamps.append(at)
    return stamps


class Listener:
    """Labels and /clock, in this process."""

    def __init__(self, domain: int) -> None:
        import rclpy
        from rclpy.context import Context
        from rclpy.executors import SingleThreadedExecutor
        from rosgraph_msgs.msg import Clock
        from sensor_msgs.msg import Image

        self.labels: list[Any] = []
        self.clock: list[int] = []
        self.context = Context()
        rclpy.init(context=self.context, domain_id=domain)
        self.node = rclpy.create_node("listener", context=self.context)
        self.node.create_subscription(Image, "/robot/segmentation/labels", self.labels.append, 50)
        self.node.create_subscription(Clock, "/clock", lambda m: self.clock.append(m.clock.sec * 10**9 + m.clock.nanosec), 50)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)

    def close(self) -> None:
        import rclpy

        self.executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown(context=self.context)


def test_labels_carry_the_recorded_stamps(domain: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stamps = write_bag(tmp_path / "bag")
    given = {"source": str(tmp_path / "bag"), "namespace": "robot", "localhost_only": "true", "output": str(tmp_path / "report"), "rate": "10"}
    for name, value in build("replay", given).environment.items():
        monkeypatch.setenv(name, value)
    words = [f"{name}:={value}" for name, value in given.items()]
    environment = {**os.environ, "ROS_DOMAIN_ID": str(domain), "ROS_LOG_DIR": str(tmp_path), "OMP_NUM_THREADS": "1"}
    log = tmp_path / "up.log"
    with log.open("w") as file:
        up = subprocess.Popen(
            [sys.executable, "-m", "plcv_ros.cli.main", "up", "replay", *words], env=environment, stdout=file, stderr=subprocess.STDOUT
        )
    listener = Listener(domain)
    try:
        end = time.monotonic() + 150
        while time.monotonic() < end and up.poll() is None:
            listener.executor.spin_once(timeout_sec=0.1)
        assert up.poll() == 0, "the bag is over, so the graph ends, and that is no failure"
    finally:
        up.kill()
        up.wait()
        listener.close()
        print(log.read_text())
    seen = [m.header.stamp.sec * 10**9 + m.header.stamp.nanosec for m in listener.labels]
    # How many is a matter of how busy the machine is.
    assert seen
    assert set(seen) <= set(stamps), "labels carry other stamps than the bag's"
    assert seen == sorted(seen)
    assert {m.header.frame_id for m in listener.labels} == {"front"}
    assert {(m.height, m.width, m.encoding) for m in listener.labels} == {(HEIGHT, WIDTH, "mono8")}
    assert set(listener.clock) <= set(stamps)
    assert listener.clock, "nobody published /clock"
    report = json.loads((tmp_path / "report" / "latency.json").read_text())
    assert report["segmented"] >= 1
    # The bag is years old; how long a frame took is a matter of today's clock.
    assert 0 < report["stages"]["total"]["p50"] < 60_000
