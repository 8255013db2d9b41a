# SPDX-License-Identifier: Apache-2.0
"""The segmentation and decoder nodes as processes: bad messages, late joiners, restarts, old frames, silence."""

from __future__ import annotations

import json
import signal
import struct
import time
from array import array
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")

from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image, TimeReference
from std_msgs.msg import String

from plcv_ros import codecs
from plcv_ros.labels import CAMVID, LabelSet
from plcv_ros.nodes import conversion

LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
SIZE = {"width": 160, "height": 96}


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory) -> Path:
    """An untrained network: its labels mean nothing, their way through the node does."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("safetensors")
    from plcv_ros.perception.checkpoint import Checkpoint, save_checkpoint
    from plcv_ros.perception.networks import build_network

    torch.manual_seed(1)
    path = tmp_path_factory.mktemp("weights") / "untrained.safetensors"
    save_checkpoint(path, Checkpoint("espnetv2_fpn", {}, CAMVID, dict(build_network("espnetv2_fpn", len(CAMVID), {}).state_dict())))
    return path


def test_raw_images_are_segmented_without_a_warning(spawn, probe, checkpoint):
    labels = probe.listen(Image, "segmentation/labels")
    publisher = probe.node.create_publisher(Image, "camera/image", 5)
    node = spawn("segmentation", checkpoint=str(checkpoint), device="cpu", transport="raw", reliable=True)
    probe.wait_for(lambda: publisher.get_subscription_count() and probe.node.count_publishers("segmentation/labels"), "the node")
    image = np.random.default_rng(3).integers(0, 255, (96, 160, 3), np.uint8)
    publisher.publish(conversion.image_message(conversion.to_header(time.time_ns(), "front"), image, "rgb8"))
    probe.wait_for(lambda: labels, "the labels")
    assert node.stop() == 0
    assert "Warning" not in node.log
    assert "warn" not in node.log


class Feed:
    """Publishes frames from the test, on demand or as a stream."""

    def __init__(self, probe, base: str = "camera/image") -> None:
        self.probe = probe
        self.codec = codecs.make_codec("astc")
        self.publisher = probe.node.create_publisher(CompressedImage, f"{base}/astc", 5)
        self.image = np.random.default_rng(3).integers(0, 255, (96, 160, 3), np.uint8)

    def send(self, payload=None, age_s: float = 0.0, image=None, frame_id="front"):
        message = CompressedImage()
        stamp = time.time_ns() - int(age_s * 1e9)
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp, 1_000_000_000)
        message.header.frame_id = frame_id
        message.format = "rgb8; astc compressed rgb8 8x8"
        message.data = array("B", bytes(self.codec.encode(self.image if image is None else image) if payload is None else payload))
        self.publisher.publish(message)
        return message

    def until(self, condition, what: str, **options) -> None:
        """Send a frame every 50 ms until ``condition()``."""

        def once():
            message = self.send(**options)
            self.probe.spin(0.05)
            return message

        self.probe.wait_for(lambda: once() and condition(), what)


def bad_payloads() -> list[bytes]:
    good = bytes(codecs.make_codec("astc").encode(np.zeros((96, 160, 3), np.uint8)))
    huge = good[:4] + bytes((8, 8, 1)) + struct.pack("<I", 0xFFFFFF)[:3] * 2 + b"\1\0\0" + good[16:]
    jpeg = bytearray(codecs.make_codec("jpeg").encode(np.zeros((96, 160, 3), np.uint8)))
    start_of_frame = jpeg.index(b"\xff\xc0")
    jpeg[start_of_frame + 5 : start_of_frame + 9] = struct.pack(">HH", 60_000, 60_000)
    return [bytes(jpeg), b"", b"\x13", good[:10], good[:-1], good + b"x", b"PNG!" + good[4:], huge, b"\xff\xd8\xff" + b"\0" * 50, bytes(5000)]


def judged(status: dict[str, str]) -> int:
    """Messages that were found malformed, or gave way to a newer one before anybody looked at them."""
    return int(status["malformed"]) + int(status["dropped_newer"])


def test_labels_classes_overlay_and_bad_messages(spawn, probe, checkpoint):
    labels = probe.listen(Image, "segmentation/labels")
    events = probe.listen(TimeReference, "segmentation/frame_events", QoSProfile(depth=1000))
    status = probe.status_of("segmentation")
    feed = Feed(probe)
    node = spawn("segmentation", checkpoint=str(checkpoint), device="cpu", stale_after_s=1.0)
    probe.wait_for(feed.publisher.get_subscription_count, "the segmentation node to subscribe")
    probe.wait_for(lambda: "no frame yet on /camera/image/astc" in status().get("message", ""), "STALE before the first frame")
    assert status()["level"] == b"\x03"

    message = feed.send()
    probe.wait_for(lambda: labels, "the labels")
    assert labels[0].header == message.header
    assert (labels[0].encoding, labels[0].width, labels[0].height, labels[0].step) == ("mono8", 160, 96, 160)
    assert max(labels[0].data) < len(CAMVID)
    probe.wait_for(lambda: len(events) == 5, "the frame's events")
    assert [e.source for e in events] == [
        f"segmentation/{name}" for name in ("received", "decode_start", "decode_end", "inference_end", "labels_published")
    ]
    assert {(e.header.stamp.sec, e.header.stamp.nanosec) for e in events} == {(message.header.stamp.sec, message.header.stamp.nanosec)}

    # The class table waits for whoever comes late.
    tables = probe.listen(String, "segmentation/classes", LATCHED)
    probe.wait_for(lambda: tables, "the latched class table")
    assert LabelSet.from_json(tables[0].data).classes == CAMVID.classes
    assert json.loads(tables[0].data)["ignore_index"] == 255

    # The overlay is made for whoever looks.
    overlays = probe.listen(Image, "segmentation/overlay")
    feed.until(lambda: overlays, "an overlay")
    assert overlays[0].encoding == "rgb8"
    probe.wait_for(lambda: labels[-1].header.stamp.sec >= overlays[0].header.stamp.sec, "its labels")

    # Messages that are no frames: counted, said once, survived.
    bad = bad_payloads()
    before = judged(status())
    for payload in bad:
        feed.send(payload)
        probe.spin(0.15)  # each on its own, if the machine is not too busy: of two in a row the newer wins, the other is counted as dropped
    probe.wait_for(lambda: judged(status()) - before >= len(bad), f"{len(bad)} bad messages to be counted")
    assert int(status()["malformed"]) > 0
    assert node.log.count("more of them are only counted") == 1
    labels.clear()
    # Another size right after them.
    feed.send(image=np.zeros((50, 70, 3), np.uint8))
    probe.wait_for(lambda: labels, "labels after the bad messages")
    assert (labels[-1].width, labels[-1].height) == (70, 50)

    # Old frames: dropped and counted, until the limit is lifted.
    before = int(status()["dropped_old"])
    feed.until(lambda: int(status()["dropped_old"]) >= before + 3, "old frames to be counted", age_s=5.0)
    assert probe.set_parameter("segmentation", "max_age_ms", 0.0).successful
    labels.clear()
    old = feed.send(age_s=5.0)
    probe.wait_for(lambda: any(m.header == old.header for m in labels), "labels of an old frame")

    # Silence.
    probe.wait_for(lambda: status()["level"] == b"\x03", "STALE after the last frame")
    assert "s on /camera/image/astc" in status()["message"]
    assert node.stop(signal.SIGTERM) == 0
    assert "Traceback" not in node.log


def test_either_side_is_killed_and_comes_back(spawn, probe, checkpoint):
    labels = probe.listen(Image, "segmentation/labels")
    status = probe.status_of("segmentation")
    camera = spawn("camera", rate=20.0, frame_id="first", **SIZE)
    segmentation = spawn("segmentation", checkpoint=str(checkpoint), device="cpu", stale_after_s=0.5)
    probe.wait_for(lambda: len(labels) > 3, "labels")

    camera.kill()
    probe.wait_for(lambda: status().get("level") == b"\x03", "STALE without a camera")
    labels.clear()
    spawn("camera", rate=20.0, frame_id="second", width=96, height=64)
    probe.wait_for(lambda: len(labels) > 3 and labels[-1].header.frame_id == "second", "labels of the new camera's frames")
    assert (labels[-1].width, labels[-1].height) == (96, 64)
    probe.wait_for(lambda: status().get("level") == b"\x00", "OK again")

    segmentation.kill()
    labels.clear()
    again = spawn("segmentation", checkpoint=str(checkpoint), device="cpu")
    probe.wait_for(lambda: len(labels) > 3, "labels of the new segmentation node")
    assert again.stop() == 0


def test_several_cameras_in_one_node(spawn, probe, checkpoint):
    names = ("front", "rear", "left")
    labels = {name: probe.listen(Image, f"robot/{name}/segmentation/labels") for name in names}
    status = probe.status_of("robot/segmentation")
    feeds = {name: Feed(probe, f"robot/{name}/camera/image") for name in names}
    node = spawn(
        "segmentation", namespace="/robot", checkpoint=str(checkpoint), device="cpu", cameras="front, rear,left", max_batch=3, stale_after_s=1.0
    )
    probe.wait_for(lambda: all(feed.publisher.get_subscription_count() for feed in feeds.values()), "the node to subscribe to every camera")
    probe.wait_for(lambda: "no frame yet" in status().get("message", ""), "STALE before the first frame")
    sizes = {"front": (96, 160), "rear": (96, 160), "left": (50, 70)}
    sent = {name: [] for name in names}

    def round_of_frames():
        for name, feed in feeds.items():
            message = feed.send(image=np.full((*sizes[name], 3), 40 * len(sent[name]) % 250, np.uint8), frame_id=name)
            sent[name].append(message.header)
        probe.spin(0.1)
        return all(len(messages) >= 10 for messages in labels.values())

    probe.wait_for(round_of_frames, "labels of every camera")
    for name in names:
        assert {(m.height, m.width) for m in labels[name]} == {sizes[name]}
        assert all(m.header in sent[name] for m in labels[name])
    probe.wait_for(lambda: int(status().get("segmented", 0)) >= 30, "the counts")
    assert int(status()["passes"]) <= int(status()["segmented"])
    # One camera falls silent: the others go on, and it is named.
    del feeds["left"]
    probe.wait_for(lambda: round_of_frames() and "on /robot/left/camera/image/astc" in status()["message"], "the silent camera to be named")
    assert status()["level"] == b"\x01"
    tables = probe.listen(String, "robot/rear/segmentation/classes", LATCHED)
    probe.wait_for(lambda: tables, "the class table of a camera")
    assert node.stop() == 0
    assert "Traceback" not in node.log
    assert "ERROR" not in node.log


def test_cameras_must_differ(spawn, checkpoint):
    node = spawn("segmentation", checkpoint=str(checkpoint), cameras="front,/front/")
    assert node.wait() == 1
    assert "parameter cameras is 'front,/front/', expected different namespaces" in node.log


def test_a_camera_on_a_clock_of_its_own(spawn, probe, checkpoint, shifted_clock):
    """Frames of a camera whose clock is an hour behind are not too old, and stay so when it jumps."""
    shifted = shifted_clock(-3600.0)
    labels = probe.listen(Image, "segmentation/labels")
    status = probe.status_of("segmentation")
    spawn("segmentation", checkpoint=str(checkpoint), device="cpu", max_age_ms=1000.0)
    spawn("camera", environment=shifted.environment, rate=10.0, **SIZE)
    probe.wait_for(lambda: len(labels) > 10, "labels")
    for offset_s in (3600.0, -3600.0):
        shifted.set(offset_s)
        labels.clear()
        start = time.monotonic()

        def on_the_new_clock(offset_s=offset_s):
            return labels and abs(labels[-1].header.stamp.sec - (time.time() + offset_s)) < 60

        probe.wait_for(on_the_new_clock, "labels on the new clock")
        print(f"labels on the new clock after {time.monotonic() - start:.2f} s")
        dropped, since = status()["dropped_old"], len(labels)

        def none_is_too_old():
            nonlocal dropped, since
            if status()["dropped_old"] != dropped:  # until the jump is noticed, or where the machine stood still
                dropped, since = status()["dropped_old"], len(labels)
            return len(labels) > since + 20

        probe.wait_for(none_is_too_old, "20 labels in a row without a frame dropped for its age")


def test_a_checkpoint_that_is_none_is_one_clear_line(spawn, tmp_path):
    pytest.importorskip("torch")
    path = tmp_path / "weights.safetensors"
    path.write_bytes(b"\0" * 100)
    node = spawn("segmentation", checkpoint=str(path))
    assert node.wait() == 1
    assert str(path) in node.log
    assert node.log.count("[FATAL]") == len(node.log.strip().splitlines()) == 1


def test_decoder_republishes_and_survives(spawn, probe):
    status = probe.status_of("decoder")
    feed = Feed(probe)
    node = spawn("decoder", reliable=True, max_pixels=160 * 96)
    probe.wait_for(lambda: status().get("message") == "nobody subscribes; nothing is decoded", "the decoder")
    assert feed.publisher.get_subscription_count() == 0
    images = probe.listen(Image, "camera/image/decoded")
    probe.wait_for(feed.publisher.get_subscription_count, "the decoder to subscribe on demand")
    message = feed.send()
    probe.wait_for(lambda: images, "the decoded image")
    assert images[0].header == message.header
    assert images[0].encoding == "rgb8"
    decoded = np.frombuffer(images[0].data, np.uint8).reshape(96, 160, 3)
    assert np.array_equal(decoded, codecs.decode(message.data))
    too_large = bytes(feed.codec.encode(np.zeros((97, 160, 3), np.uint8)))
    feed.send(too_large)
    node.wait_for_log("expected at most max_pixels = 15360")
    for payload in bad_payloads():
        feed.send(payload)
        probe.spin(0.1)
    last = feed.send(image=np.zeros((33, 17, 3), np.uint8))
    probe.wait_for(lambda: images[-1].header == last.header, "an image after the bad messages")
    assert (images[-1].width, images[-1].height) == (17, 33)
    assert node.log.count("more of them are only counted") == 1
    assert len(images) == 2
    assert node.stop() == 0


def test_incompatible_qos_is_logged_with_the_remedy(spawn, probe):
    best_effort = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
    probe.node.create_publisher(CompressedImage, "camera/image/astc", best_effort)
    probe.listen(Image, "camera/image/decoded")
    node = spawn("decoder", reliable=True)
    node.wait_for_log(
        "a publisher of /camera/image/astc does not offer the reliability that is asked for; nothing arrives from it; set the parameter"
    )
    assert node.stop() == 0


@pytest.mark.parametrize(("stamp_ns", "too_old"), [(0, 0), (1_700_000_000_000_000_000, 2)])
def test_a_stamp_that_is_not_set_tells_no_age(spawn, probe, checkpoint, stamp_ns, too_old):
    """Zero, or the same again and again: two frames of an old stamp may be old, a third one shows that nobody sets it."""
    labels = probe.listen(Image, "segmentation/labels")
    status = probe.status_of("segmentation")
    feed = Feed(probe)
    node = spawn("segmentation", checkpoint=str(checkpoint), device="cpu", reliable=True)
    probe.wait_for(feed.publisher.get_subscription_count, "the segmentation node to subscribe")
    for number in range(1, 6):
        payload = array("B", bytes(feed.codec.encode(feed.image)))
        feed.publisher.publish(conversion.compressed_message(conversion.to_header(stamp_ns, "front"), payload, "astc"))
        probe.wait_for(lambda n=number: status().get("received") == str(n) and (n <= too_old or len(labels) == n - too_old), f"frame {number}")
    assert all(conversion.to_ns(message.header.stamp) == stamp_ns for message in labels)
    counted = {"segmented": str(5 - too_old), "dropped_old": str(too_old), "dropped_newer": "0", "stamps_repeated": "4"}
    probe.wait_for(lambda: counted.items() <= status().items(), f"the counters to be {counted}")
    assert node.log.count("Let the camera driver set header.stamp") == 1
