# SPDX-License-Identifier: Apache-2.0
"""What nodes say where their inputs are published as something else, under another name, or later."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")

from diagnostic_msgs.msg import DiagnosticStatus
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, TimeReference
from std_msgs.msg import Bool, String

from plcv_ros.nodes.inputs import PATIENCE, Inputs, type_name


class StubNode:
    """Topics with the types of their publishers, and a log."""

    def __init__(self) -> None:
        self.types: dict[str, list[type]] = {}
        self.log: list[str] = []

    def resolve_topic_name(self, topic: str) -> str:
        return topic if topic.startswith("/") else f"/{topic}"

    def get_publishers_info_by_topic(self, topic: str) -> list[SimpleNamespace]:
        return [SimpleNamespace(topic_type=type_name(one)) for one in self.types.get(topic, [])]

    def count_publishers(self, topic: str) -> int:
        return len(self.types.get(topic, []))

    def get_logger(self) -> SimpleNamespace:
        return SimpleNamespace(warning=self.log.append)


def test_another_type_is_an_error_until_it_is_gone_and_logged_once():
    node = StubNode()
    inputs = Inputs(node)
    inputs.expect(Image, "cam/image", "give the raw topic")
    assert inputs.look() == ""
    node.types["/cam/image"] = [CompressedImage]
    text = "/cam/image is published as sensor_msgs/msg/CompressedImage, expected sensor_msgs/msg/Image: give the raw topic"
    assert [inputs.look(), inputs.look()] == [text, text]
    node.types["/cam/image"] = [CompressedImage, Image]
    assert inputs.look() == "", "images arrive"
    node.types["/cam/image"] = [Bool]
    assert "std_msgs/msg/Bool" in inputs.look()
    node.types["/cam/image"] = [Image]
    assert inputs.look() == ""
    assert len(node.log) == 2
    assert node.log[0] == text


def test_another_type_beside_the_right_one_is_logged():
    node = StubNode()
    inputs = Inputs(node)
    inputs.expect(Image, "/cam/image")
    node.types["/cam/image"] = [Image, String]
    assert inputs.look() == ""
    assert "std_msgs/msg/String" in node.log[0]


def test_two_subscriptions_of_one_topic_with_two_types():
    node = StubNode()
    inputs = Inputs(node)
    inputs.expect(Image, "/cam/image")
    inputs.expect(CompressedImage, "/cam/image")
    node.types["/cam/image"] = [Image]
    assert inputs.look() == ""
    assert not node.log


def test_frames_that_come_another_way_are_told_after_a_while():
    node = StubNode()
    inputs = Inputs(node)
    inputs.expect(CompressedImage, "/cam/image/astc", beside={"/cam/image/jxs": "set transport to jxs"})
    inputs.expect(CompressedImage, "/cam/image/astc")  # as a subscription made later does: it changes nothing
    node.types["/cam/image/jxs"] = [CompressedImage]
    looks = [inputs.look() for _ in range(PATIENCE + 1)]
    text = "nobody publishes /cam/image/astc, but somebody publishes /cam/image/jxs: set transport to jxs"
    assert looks == [""] * (PATIENCE - 1) + [text] * 2
    node.types["/cam/image/astc"] = [CompressedImage]
    assert inputs.look() == ""
    assert node.log == [text]


@pytest.mark.parametrize(
    ("executable", "parameters", "wrong", "remedies"),
    [
        (
            "encoder",
            {"input_topic": "/usb/image/compressed", "output_topic": "/far/image"},
            [("/usb/image/compressed", CompressedImage, Image), ("/usb/image/camera_info", Bool, CameraInfo)],
            ["decode others first"],
        ),
        (
            "decoder",
            {"input_topic": "/cam/image", "strips": True},
            [("/cam/image/astc_strips", Image, CompressedImage)],
            ["set transport to what the sender publishes"],
        ),
        (
            "evaluation",
            {"transport": "jxs"},
            [
                ("/camera/labels", CompressedImage, Image),
                ("/segmentation/labels", CompressedImage, Image),
                ("/segmentation/classes", Bool, String),
                ("/camera/image/jxs", Image, CompressedImage),
                ("/camera/image", Bool, Image),
            ],
            ["publish that type there"],
        ),
        ("latency", {"nodes": "camera"}, [("/camera/frame_events", String, TimeReference)], ["publish that type there"]),
    ],
)
def test_nodes_name_the_type_that_they_find(spawn, probe, tmp_path, executable, parameters, wrong, remedies):
    status = probe.status_of(executable)
    if executable in {"evaluation", "latency"}:
        parameters = {**parameters, "output_directory": str(tmp_path)}
    node = spawn(executable, **parameters)
    probe.wait_for(status, "the first diagnostics")
    assert "is published as" not in node.log
    # They come later than the node, as of a driver that is started anew with other parameters. Nobody need subscribe to what the node makes.
    publishers = [probe.node.create_publisher(found, topic, 5) for topic, found, _ in wrong]
    texts = [f"{topic} is published as {type_name(found)}, expected {type_name(expected)}" for topic, found, expected in wrong]
    for text in [*texts, *remedies]:
        probe.wait_for(lambda t=text: t in status()["message"], f"the status with {text!r}")
    assert status()["level"] == DiagnosticStatus.ERROR
    for publisher in publishers:
        probe.node.destroy_publisher(publisher)
    probe.wait_for(lambda: status()["level"] != DiagnosticStatus.ERROR, "the status without an error")
    assert node.stop() == 0
    assert [node.log.count(text) for text in texts] == [1] * len(texts)


def test_a_decoder_whose_frames_come_another_way(spawn, probe):
    status = probe.status_of("decoder")
    probe.node.create_publisher(CompressedImage, "/cam/image/astc", 5)
    node = spawn("decoder", input_topic="cam/image", strips=True)
    remedy = "set strips to false and transport to astc"
    probe.wait_for(lambda: remedy in status().get("message", ""), "the status with the remedy")
    assert f"but somebody publishes /cam/image/astc: {remedy}" in node.log
    assert node.stop() == 0


def test_the_segmentation_node_says_it_too(spawn, probe):
    pytest.importorskip("torch", reason="torch is not installed")
    status = probe.status_of("segmentation")
    probe.node.create_publisher(Image, "front/camera/image/astc", 5)
    node = spawn("segmentation", cameras="front,rear", threads=1)
    probe.wait_for(lambda: "sensor_msgs/msg/Image, expected sensor_msgs/msg/CompressedImage" in status().get("message", ""), "the status")
    assert "/front/camera/image/astc is published as sensor_msgs/msg/Image" in node.log
    assert node.stop() == 0
