# SPDX-License-Identifier: Apache-2.0
"""Texts that nothing of ROS would write, at every input: refused, counted, said once a kind, and nothing grows."""

from __future__ import annotations

import json
import time
from array import array
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, TimeReference
from std_msgs.msg import Int64MultiArray, String

from plcv_ros import codecs
from plcv_ros.labels import CAMVID, LabelSet
from plcv_ros.nodes.checks import MAX_SOURCE, Checks
from plcv_ros.nodes.pairing import MAX_IDS, Pairing
from plcv_ros.nodes.strip_requests import read_source
from plcv_ros.tracing import FrameEvent, FrameTable
from plcv_ros.tracing.table import _UNANNOUNCED_LEAST

DEEP = QoSProfile(depth=1000)
LONG = "x" * 1_000_000


def headed(kind: Any, frame_id: str = "front", **fields: Any) -> Any:
    message = kind(**fields)
    message.header.frame_id = frame_id
    return message


BAD = [
    headed(Image, LONG),
    headed(Image, encoding="x" * 257),
    headed(CompressedImage, LONG),
    headed(CompressedImage, format=LONG),
    headed(CameraInfo, LONG),
    headed(CameraInfo, distortion_model=LONG),
    headed(CameraInfo, d=[0.0] * 1000),
    headed(TimeReference, "\x1b[2J"),
    headed(TimeReference, "two\nlines"),
    headed(TimeReference, "a" * 257),
    headed(TimeReference, source="x" * (MAX_SOURCE + 1)),
    String(data=LONG),
    DiagnosticArray(status=[DiagnosticStatus()] * 1001),
    Int64MultiArray(data=array("q", range(65))),
]
GOOD = [
    headed(Image, "", encoding="rgb8"),
    headed(Image, "x" * 100_000, encoding="rgb8"),
    headed(Image, "Kamera vorn, \u00fc", encoding="8UC3"),
    headed(CompressedImage, "a" * 256, format="rgb8; astc compressed rgb8 8x8"),
    headed(CameraInfo, distortion_model="plumb_bob", d=[0.0] * 14),
    headed(TimeReference, source="camera/captured"),
    String(data=CAMVID.to_json()),
    DiagnosticArray(status=[DiagnosticStatus(name="camera: frames")]),
    Int64MultiArray(data=array("q", (1, 2, 3))),
]


class Log:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def get_logger(self) -> Any:
        return SimpleNamespace(warning=self.lines.append)

    def resolve_topic_name(self, topic: str) -> str:
        return f"/{topic}"


def test_messages_with_texts_that_cannot_be_kept_are_refused_and_said_once_a_kind() -> None:
    log = Log()
    checks = Checks(log)
    assert all(checks.accepts("topic", message) for message in GOOD)
    assert checks.refused == 0
    for _ in range(100):
        assert not any(checks.accepts("topic", message) for message in BAD)
    assert checks.refused == 100 * len(BAD)
    kinds = {name.removeprefix("refused_") for name in checks.values()} - {"refused"}
    assert kinds == {"frame_id", "encoding", "format", "distortion", "source", "text", "diagnostics", "numbers"}
    assert len(log.lines) == len(kinds)
    assert all(len(line) < 300 and line.isprintable() for line in log.lines)


def test_a_request_of_a_megabyte_is_refused_by_its_length() -> None:
    start = time.perf_counter()
    for _ in range(1000):
        assert read_source("/decoder " + "1," * 1000 + LONG[:1] * MAX_SOURCE) is None
    assert read_source(f"/decoder {LONG}/45") is None
    print(f"{time.perf_counter() - start:.3f} s for 1000 requests of {MAX_SOURCE} characters and more")


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        json.dumps({"name": "x" * 300_000}),
        '{"name": "a", "classes": [{"id": 1e999, "name": "a", "colour": [0, 0, 0]}]}',
        '{"name": "a", "classes": [{"id": 0, "name": "a", "colour": [0, 0, 256]}]}',
        '{"name": "a", "classes": ["a"]}',
        "null",
    ],
)
def test_class_tables_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="not a class table"):
        LabelSet.from_json(text)


def test_cameras_that_are_told_apart_are_bounded() -> None:
    pairing = Pairing(4)
    for number in range(1000):
        pairing.add_truth(1, f"camera {number}", "truth")
        pairing.add_labels(number, f"labels {number}", "labels")
    assert max(len(names) for names in pairing._stamps.values()) <= MAX_IDS
    assert len(pairing._truth_ids) <= MAX_IDS + 1
    assert len(pairing._label_ids) <= MAX_IDS + 1


def test_frames_that_no_camera_has_told_of_have_a_bounded_part_of_the_table() -> None:
    table = FrameTable(max_frames=5000)
    for stamp in range(1, 1001):
        for event in ("captured", "published"):
            table.add(FrameEvent("front", stamp, "camera", event, stamp))
        table.add(FrameEvent("front", stamp, "segmentation", "labels_published", stamp + 1))
    for stamp in range(10_000, 20_000):
        table.add(FrameEvent("front", stamp, "segmentation", "labels_published", stamp))
    summary = table.summary()
    assert (len(table), summary.unknown) == (1000 + _UNANNOUNCED_LEAST, 10_000 - _UNANNOUNCED_LEAST)
    # The camera's own word, however late, makes room again.
    for stamp in range(10_000, 10_100):
        table.add(FrameEvent("front", stamp, "camera", "captured", stamp))
    table.add(FrameEvent("front", 30_000, "segmentation", "labels_published", 30_000))
    assert len(table) == 1001 + _UNANNOUNCED_LEAST


def test_where_no_camera_is_followed_all_frames_count() -> None:
    table = FrameTable(max_frames=5000)
    for stamp in range(1, 4001):
        table.add(FrameEvent("front", stamp, "segmentation", "labels_published", stamp))
    assert (len(table), table.summary().unknown) == (4000, 0)


def picture(seed: int) -> CompressedImage:
    image = np.full((96, 160, 3), seed, np.uint8)
    message = headed(CompressedImage, format="rgb8; astc compressed rgb8 8x8")
    message.header.stamp.sec, message.header.stamp.nanosec = divmod(time.time_ns(), 10**9)
    message.data = array("B", codecs.make_codec("astc").encode(image))
    return message


def test_a_decoder_and_an_encoder_survive_texts(probe, spawn):
    decoder, status = spawn("decoder", reliable=True), probe.status_of("decoder")
    encoder, encoded_status = spawn("encoder", reliable=True, input_topic="raw"), probe.status_of("encoder")
    shown = probe.listen(Image, "camera/image/decoded")
    probe.listen(CompressedImage, "raw/astc")
    frames = probe.node.create_publisher(CompressedImage, "camera/image/astc", DEEP)
    images = probe.node.create_publisher(Image, "raw", DEEP)
    probe.wait_for(lambda: frames.get_subscription_count() and images.get_subscription_count(), "the subscriptions")
    for number in range(5):
        bad = picture(number)
        bad.header.frame_id = LONG[: 200_000 + number]
        frames.publish(bad)
        bad = picture(number)
        bad.format += LONG[:200_000]
        frames.publish(bad)
    for number in range(60):
        images.publish(headed(Image, height=2, width=2, step=6, encoding=f"mine{number}", data=array("B", bytes(12))))
        images.publish(headed(Image, height=2, width=2, step=6, encoding=LONG[:100_000], data=array("B", bytes(12))))
        probe.spin(0.01)
    probe.wait_for(lambda: int(status().get("refused", 0)) >= 2 and int(status()["malformed"]) >= 2, "the refused frames to be counted")
    probe.wait_for(lambda: int(encoded_status().get("refused_encoding", 0)) > 5, "the encodings to be counted")
    frames.publish(picture(7))
    probe.wait_for(lambda: shown, "a frame after all that")
    assert decoder.log.count("is refused") == 2
    assert encoder.log.count("is refused") == 1
    assert encoder.log.count("are refused") == 1, "one line, however many encodings"
    assert max(map(len, (decoder.log + encoder.log).splitlines())) < 1000


def test_a_stranger_s_events_and_diagnostics_do_not_count(probe, spawn, tmp_path):
    """400 invented events on the camera's topic, in its name, in a second node's and in their own; and counters of the link."""
    spawn("latency", nodes="camera", output_directory=str(tmp_path), plot=False, clock_sync="external")
    status = probe.status_of("latency")
    camera = Node("camera", context=probe.context)
    own, other = (n.create_publisher(TimeReference, "/camera/frame_events", DEEP) for n in (camera, probe.node))
    latched = QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    change = probe.node.create_publisher(String, "/camera/codec_changes", latched)
    diagnostics = probe.node.create_publisher(DiagnosticArray, "/diagnostics", DEEP)
    probe.wait_for(lambda: own.get_subscription_count() and other.get_subscription_count(), "the latency node")

    def tell(publisher: Any, stamp: int, source: str = "camera/captured") -> None:
        message = headed(TimeReference, source=source)
        message.header.stamp.sec = message.time_ref.sec = stamp
        publisher.publish(message)

    for stamp in range(1, 11):
        tell(own, stamp)
    probe.wait_for(lambda: status().get("captured") == "10", "the camera's frames")
    for stamp in range(100, 500):
        tell(other, stamp)
    tell(own, 50, "elsewhere/captured")
    change.publish(String(data="5 a -> b: nobody knows"))
    for count in range(3):
        values = [KeyValue(key=key, value=str(1000 * count)) for key in ("bytes", "published", "encoded")]
        diagnostics.publish(DiagnosticArray(status=[DiagnosticStatus(name="camera: frames", values=values)]))
        probe.spin(0.3)
    probe.wait_for(lambda: int(status().get("refused_stranger", 0)) >= 400 and status()["odd_events"] == "1", "the invented events to be counted")
    assert status()["captured"] == "10"
    camera.destroy_node()


def test_messages_that_arrive_without_a_frame_are_a_warning(probe, spawn):
    node, status = spawn("decoder", strips=True, reliable=True), probe.status_of("decoder")
    probe.listen(Image, "camera/image/decoded")
    strips = probe.node.create_publisher(CompressedImage, "camera/image/astc_strips", DEEP)
    probe.wait_for(strips.get_subscription_count, "the decoder to subscribe")

    def claim() -> bool:
        message = picture(1)
        message.data = array("B", codecs.make_codec("astc").encode(np.zeros((8, 160, 3), np.uint8)))
        message.format += " strip 1/2048 row 0/16384"
        strips.publish(message)
        probe.spin(0.05)
        return status().get("level") == DiagnosticStatus.WARN and "no frame is finished" in status()["message"]

    probe.wait_for(claim, "a warning")
    assert "8 of 16384 rows of a frame of 160x16384 pixels came" in status()["message"]
    assert int(status()["frames_dropped"]) > 10
    assert node.stop() == 0
