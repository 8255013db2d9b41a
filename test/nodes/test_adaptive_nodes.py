# SPDX-License-Identifier: Apache-2.0
"""codec: auto between real nodes: the sender moves along the ladder as frames are reported early, late or not at all; the receiver follows."""

from __future__ import annotations

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")

from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image, TimeReference
from std_msgs.msg import String

from plcv_ros.adaptation import LADDER

SIZE = {"width": 320, "height": 192}
LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
REPORTS = QoSProfile(depth=30, reliability=ReliabilityPolicy.BEST_EFFORT)


class Link:
    """Plays the other computer: reports every frame of both topics as ``age_ms`` old; None reports nothing."""

    def __init__(self, probe) -> None:
        self.age_ms: float | None = 3.0
        self.formats: list[str] = []
        self.name = probe.node.get_fully_qualified_name()
        self.publisher = probe.node.create_publisher(TimeReference, "camera/image/delivered", REPORTS)
        for codec in ("astc", "jxs"):
            probe.node.create_subscription(CompressedImage, f"camera/image/{codec}", self.hear, QoSProfile(depth=50))

    def hear(self, message: CompressedImage) -> None:
        self.formats.append(message.format)
        if self.age_ms is None:
            return
        report = TimeReference()
        report.header = message.header
        total = message.header.stamp.sec * 1_000_000_000 + message.header.stamp.nanosec + round(self.age_ms * 1e6)
        report.time_ref.sec, report.time_ref.nanosec = divmod(total, 1_000_000_000)
        report.source = f"{self.name} 1/1 400"
        self.publisher.publish(report)

    def latest(self) -> str:
        return self.formats[-1] if self.formats else ""


def test_the_sender_climbs_falls_and_says_so(spawn, probe):
    link = Link(probe)
    changes = probe.listen(String, "camera/codec_changes", LATCHED)
    status = probe.status_of("camera")
    node = spawn("camera", codec="auto", rate=20.0, **SIZE)
    probe.wait_for(lambda: "astc" in link.latest() and "12x12" in link.latest(), "the setting in the middle")
    probe.wait_for(lambda: "jxs" in link.latest() and "4bpp" in link.latest(), "the best setting on a fast link")
    probe.wait_for(lambda: status().get("setting") == LADDER[-1].name, "the diagnostics to say so")
    link.age_ms = 200.0
    probe.wait_for(lambda: "12x12" in link.latest(), "the lower settings on a slow link")
    link.age_ms = None
    probe.wait_for(lambda: status().get("setting") == LADDER[0].name, "the lowest setting while nothing arrives")
    assert int(status()["skipped"]) > 0
    link.publisher.publish(TimeReference(source="nonsense"))
    probe.wait_for(lambda: status().get("reports_malformed") == "1", "the malformed report to be counted")
    texts = [m.data.partition(" ")[2] for m in changes]
    assert any("the link bears more" in t for t in texts)
    assert any("frames are late" in t for t in texts)
    assert node.log.count("codec: ") >= len(texts)
    assert node.stop() == 0
    assert "Traceback" not in node.log


@pytest.mark.parametrize("strips", [False, True])
def test_the_receiver_follows_and_reports(spawn, probe, strips):
    decoded = probe.listen(Image, "camera/image/decoded", QoSProfile(depth=100))
    reports = probe.listen(TimeReference, "camera/image/delivered", REPORTS)
    receiver = spawn("decoder", transport="auto", strips=strips)
    camera = spawn("camera", codec="auto", rate=20.0, strips=strips, latency_target_ms=1000.0, **SIZE)  # on a busy machine too
    status = probe.status_of("camera")
    probe.wait_for(lambda: status().get("setting", "").startswith("jxs"), "the sender to choose JPEG XS")
    count = len(decoded)
    probe.wait_for(lambda: len(decoded) > count + 10 and len(reports) > 20, "frames and reports")
    stamps = {(m.header.stamp.sec, m.header.stamp.nanosec) for m in decoded}
    assert stamps & {(m.header.stamp.sec, m.header.stamp.nanosec) for m in reports}
    for report in reports:
        assert report.time_ref.sec * 10**9 + report.time_ref.nanosec >= report.header.stamp.sec * 10**9 + report.header.stamp.nanosec
        node, parts, _round_trip = report.source.split()
        assert node == "/decoder"
        arrived, _, total = parts.partition("/")
        assert 1 <= int(arrived) <= int(total)
    assert camera.stop() == 0
    assert receiver.stop() == 0
    assert "Traceback" not in camera.log + receiver.log
