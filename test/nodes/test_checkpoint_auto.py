# SPDX-License-Identifier: Apache-2.0
"""``checkpoint: auto`` in a real node over DDS: every frame has the network of its codec, whatever comes between, and changes are told."""

from __future__ import annotations

import itertools
import time
from array import array

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
pytest.importorskip("torch")
pytest.importorskip("safetensors")
pytest.importorskip("cv2")

from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import String

from plcv_ros import codecs
from plcv_ros.camera.opening import open_source
from plcv_ros.perception.choice import choose, specialists
from plcv_ros.perception.predictor import load_predictor
from plcv_ros.perception.shipped import DEFAULT, shipped
from plcv_ros.strips import StripTag, write_tag

LATCHED = QoSProfile(depth=100, durability=DurabilityPolicy.TRANSIENT_LOCAL)
ASTC_8, ASTC_12, JXS_3, JXS_12 = "astc:8x8:fast", "astc:12x12:fast", "jxs:main:3", "jxs:main:12"
OPTIONS = {
    ASTC_8: ("astc", {"block": (8, 8)}),
    ASTC_12: ("astc", {"block": (12, 12)}),
    JXS_3: ("jxs", {"preset": "main", "bpp": 3.0}),
    JXS_12: ("jxs", {"preset": "main", "bpp": 12.0}),
}


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    """(192, 320, 3) uint8: a picture on which networks differ."""
    return open_source("scenes", width=320, height=192, seed=5).read().image


@pytest.fixture(scope="module")
def expected(scene):
    """Codec -> (name of the network for it, its labels of the scene)."""
    trained_on = specialists(shipped())
    predictors = {name: load_predictor(name, device="cpu", threads=1) for name in {choose(c, trained_on, DEFAULT) for c in OPTIONS}}
    result = {}
    for codec, (kind, options) in OPTIONS.items():
        name = choose(codec, trained_on, DEFAULT)
        seen = codecs.decode(codecs.make_codec(kind, **options).encode(scene))
        result[codec] = name, predictors[name].predict(seen)
        for other, predictor in predictors.items():
            assert other == name or (predictor.predict(seen) != result[codec][1]).any(), "the labels tell which network it was"
    assert len({name for name, _ in result.values()}) >= 3
    assert result[JXS_12][0] == DEFAULT, "no network is for so high a rate"
    return result


class Sender:
    """Sends the scene through a codec, whole or in strips."""

    def __init__(self, probe, scene, base: str = "camera/image", strips: bool = False) -> None:
        self.probe, self.scene, self.strips = probe, scene, strips
        self.publishers = {
            codec: probe.node.create_publisher(CompressedImage, f"{base}/{codec}{'_strips' if strips else ''}", QoSProfile(depth=100))
            for codec in ("astc", "jxs")
        }

    def matched(self) -> bool:
        return all(publisher.get_subscription_count() for publisher in self.publishers.values())

    def send(self, codec: str, payload: bytes | None = None):
        """Returns the frame's header."""
        kind, options = OPTIONS[codec]
        encoder = codecs.make_codec(kind, **options)
        if payload is not None:
            parts = [(payload, "")]
        elif self.strips:
            height = self.scene.shape[0]
            strips = list(encoder.encode_strips(self.scene))
            assert len(strips) > 1
            parts = [(s.payload, f" {write_tag(StripTag(s.index, s.count, s.first_row, height))}") for s in strips]
        else:
            parts = [(encoder.encode(self.scene), "")]
        stamp = divmod(time.time_ns(), 1_000_000_000)
        for part, tag in parts:
            message = CompressedImage(format=f"rgb8; {kind} compressed rgb8 {encoder.detail}{tag}")
            message.header.frame_id = "front"
            message.header.stamp.sec, message.header.stamp.nanosec = stamp
            message.data = array("B", bytes(part))
            self.publishers[kind].publish(message)
        return message.header


def labels_of(header, messages, probe) -> np.ndarray:
    found = probe.wait_for(lambda: [m for m in messages if m.header == header], "the labels")[0]
    return np.frombuffer(found.data, np.uint8).reshape(found.height, found.width)


def test_every_frame_has_the_network_of_its_codec(spawn, probe, scene, expected):
    labels = probe.listen(Image, "segmentation/labels")
    changes = probe.listen(String, "segmentation/checkpoint_changes", LATCHED)
    status = probe.status_of("segmentation")
    sender = Sender(probe, scene)
    node = spawn("segmentation", checkpoint="auto", transport="auto", device="cpu", threads=1)
    probe.wait_for(sender.matched, "the segmentation node to subscribe")
    for name in specialists(shipped()):
        assert name in node.log, "those that are ready are named"
    order = [ASTC_8, ASTC_8, ASTC_12, JXS_12, JXS_3, ASTC_8]
    whole = codecs.make_codec("astc").encode(scene)
    for codec in order:
        # What cannot be decoded is dropped, and changes no network.
        sender.send(ASTC_12, bytes(whole)[:-1])
        probe.spin(0.1)
        np.testing.assert_array_equal(labels_of(sender.send(codec), labels, probe), expected[codec][1])
    assert len(labels) == len(order)
    names = [expected[codec][0] for codec in order]
    told = [names[0], *(f"{a} -> {b}" for a, b in itertools.pairwise(names) if a != b)]
    probe.wait_for(lambda: status().get("segmented") == str(len(order)), "the counts")
    assert status()["checkpoint"] == names[-1]
    assert status()["checkpoint_changes"] == str(len(told) - 1)
    # Best effort, the newest alone: a bad frame may come before the subscription knows its publisher, or be displaced by the good one.
    assert 1 <= int(status()["malformed"]) + int(status()["dropped_newer"]) <= len(order)
    for name in set(names):
        assert status()[f"segmented_by_{name}"] == str(names.count(name))
    assert node.log.count("network: ") == len(told)
    assert [m.data.partition(" ")[2].partition(": ")[0] for m in changes] == told
    assert "frames are astc:12x12" in node.log
    assert node.stop() == 0
    assert "Traceback" not in node.log


def test_cameras_with_different_codecs_in_strips(spawn, probe, scene, expected):
    labels = {name: probe.listen(Image, f"{name}/segmentation/labels") for name in ("front", "rear")}
    status = probe.status_of("segmentation")
    senders = {name: Sender(probe, scene, f"{name}/camera/image", strips=True) for name in labels}
    node = spawn("segmentation", checkpoint="auto", transport="auto", device="cpu", threads=1, cameras="front,rear", strips=True)
    probe.wait_for(lambda: all(sender.matched() for sender in senders.values()), "the segmentation node to subscribe")
    for front, rear in ((ASTC_8, ASTC_12), (ASTC_8, JXS_3), (JXS_12, ASTC_8)):
        sent = {"front": (front, senders["front"].send(front)), "rear": (rear, senders["rear"].send(rear))}
        for name, (codec, header) in sent.items():
            np.testing.assert_array_equal(labels_of(header, labels[name], probe), expected[codec][1])
    probe.wait_for(lambda: status().get("segmented") == "6", "the counts")
    assert (status()["checkpoint_front"], status()["checkpoint_rear"]) == (expected[JXS_12][0], expected[ASTC_8][0])
    assert "network: rear: " in node.log
    assert node.stop() == 0
    assert "Traceback" not in node.log


def test_alternating_senders_do_not_fill_the_log(spawn, probe, scene):
    status = probe.status_of("segmentation")
    sender = Sender(probe, scene[:64, :64])
    node = spawn("segmentation", checkpoint="auto", transport="auto", device="cpu", threads=1)
    probe.wait_for(sender.matched, "the segmentation node to subscribe")

    def alternate() -> bool:
        for codec in (ASTC_8, ASTC_12):
            sender.send(codec)
            probe.spin(0.05)
        return int(status().get("checkpoint_changes", 0)) > 30

    probe.wait_for(alternate, "30 changes")
    assert node.log.count("network: ") <= 40
    assert "more changes are only counted" in node.log
    assert node.stop() == 0
