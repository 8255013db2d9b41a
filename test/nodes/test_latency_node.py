# SPDX-License-Identifier: Apache-2.0
"""The latency node: frame events of every node become statistics on /diagnostics and a report at the end."""

from __future__ import annotations

import csv
import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from plcv_ros.tracing import CAMERA_EVENTS, REMOTE_EVENTS, join_source

START_NS = 1_700_000_000_000_000_000
MS = 1_000_000


class Events:
    """Publishes frame events as the nodes of a graph do: 3 ms between two events of a frame."""

    def __init__(self, probe: Any) -> None:
        from rclpy.qos import QoSProfile
        from sensor_msgs.msg import TimeReference

        self.message_type = TimeReference
        self.publishers = {
            node: probe.node.create_publisher(TimeReference, f"/robot/{node}/frame_events", QoSProfile(depth=1000))
            for node in ("camera", "segmentation")
        }
        probe.wait_for(lambda: all(p.get_subscription_count() for p in self.publishers.values()), "the latency node to subscribe")

    def publish(self, node: str, source: str, stamp_ns: int, time_ns: int) -> None:
        message = self.message_type(source=source)
        message.header.frame_id = "front"
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp_ns, 10**9)
        message.time_ref.sec, message.time_ref.nanosec = divmod(time_ns, 10**9)
        self.publishers[node].publish(message)

    def frame(self, index: int, last: str = "labels_published") -> None:
        stamp = START_NS + index * 100 * MS
        for step, event in enumerate((*CAMERA_EVENTS, *REMOTE_EVENTS)):
            node = "camera" if event in CAMERA_EVENTS else "segmentation"
            self.publish(node, join_source(f"/robot/{node}", event), stamp, stamp + step * 3 * MS)
            if event == last:
                break


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_report_at_the_end(probe: Any, spawn: Callable[..., Any], tmp_path: Path, number: signal.Signals) -> None:
    node = spawn("latency", namespace="/robot", output_directory=str(tmp_path / "report"), plot=number == signal.SIGINT)
    status = probe.status_of("robot/latency")
    events = Events(probe)
    for index in range(20):
        events.frame(index)
    events.frame(20, last="published")
    events.publish("camera", "nonsense", START_NS, START_NS)
    events.publish("camera", "robot/camera/sneezed", START_NS, START_NS)
    probe.wait_for(lambda: status().get("segmented") == "20", "20 frames on /diagnostics")
    probe.wait_for(lambda: status().get("odd_events") == "2", "the odd events to be counted")
    assert status()["captured"] == "21"
    assert float(status()["total_p50_ms"]) == 24.0
    assert float(status()["encode_p99_ms"]) == 3.0
    assert status()["message"].startswith("camera to labels 24.0 ms")
    assert node.stop(number) == 0
    assert node.log.count("further ones are counted only") == 1
    report = json.loads((tmp_path / "report" / "latency.json").read_text())
    assert (report["captured"], report["segmented"], report["lost"]) == (21, 20, 1)
    assert report["camera_nodes"] == ["robot/camera"]
    with (tmp_path / "report" / "frames.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 21
    assert (tmp_path / "report" / "latency.png").exists() == (number == signal.SIGINT)


def test_a_folder_that_cannot_be_written(probe: Any, spawn: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    node = spawn("latency", namespace="/robot", output_directory=str(tmp_path / "file" / "report"))
    status = probe.status_of("robot/latency")
    Events(probe).frame(0)
    probe.wait_for(lambda: status().get("segmented") == "1", "the frame")
    assert node.stop() == 1
    assert "the latency report could not be written" in node.log


def test_silence_is_stale(probe: Any, spawn: Callable[..., Any]) -> None:
    from diagnostic_msgs.msg import DiagnosticStatus

    spawn("latency", namespace="/robot", output_directory="")
    status = probe.status_of("robot/latency")
    probe.wait_for(lambda: status().get("message") == "no frame yet", "the first status")
    Events(probe).frame(0)
    probe.wait_for(lambda: status().get("level") == DiagnosticStatus.STALE, "STALE after the events stop")
    assert "no frame event for" in status()["message"]
