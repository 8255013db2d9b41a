# SPDX-License-Identifier: Apache-2.0
"""Drivers that leave the stamp at zero or use it twice: every frame arrives, is counted once, and the person who runs the robot is told once."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")

from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import CompressedImage, Image, TimeReference
from std_msgs.msg import String

from plcv_ros import codecs
from plcv_ros.labels import CAMVID
from plcv_ros.nodes import conversion
from plcv_ros.strips import read_tag
from plcv_ros.tracing.statistics import OUTCOMES

WIDTH, HEIGHT = 160, 96
DEEP = QoSProfile(depth=1000)
FRAMES = 6
SERIES = {"good": lambda i: 10**9 * (i + 1), "zero": lambda _: 0, "twice": lambda i: 2 * 10**18 + i // 2, "jumping back": lambda i: 10**18 + i % 3}


def picture(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (12, 20, 3), np.uint8).repeat(8, 0).repeat(8, 1)


def decoded(image: np.ndarray) -> np.ndarray:
    return codecs.decode(codecs.make_codec("astc").encode(image))


def pixels(message: Image) -> np.ndarray:
    return np.frombuffer(message.data, np.uint8).reshape(message.height, message.width, 3)


def feed(probe, publisher, frames: list[tuple[int, int]], after=lambda _: None) -> None:
    """Publishes (seed, stamp) one by one; ``after(number)`` waits for whatever has to come of it."""
    for number, (seed, stamp) in enumerate(frames, 1):
        publisher.publish(conversion.image_message(conversion.to_header(stamp, "front"), picture(seed), "rgb8"))
        after(number)
        probe.spin(0.03)


@pytest.mark.parametrize("strips", [True, False])
def test_every_frame_is_decoded_counted_and_followed(spawn, probe, tmp_path, strips):
    shown = probe.listen(Image, "cam/decoded", DEEP)
    sent, status, followed = probe.status_of("encoder"), probe.status_of("decoder"), probe.status_of("latency")
    publisher = probe.node.create_publisher(Image, "cam", DEEP)
    latency = spawn("latency", nodes="encoder,decoder", output_directory=str(tmp_path / "report"))
    latency.wait_for_log("following the frames")
    encoder = spawn("encoder", input_topic="cam", reliable=True, strips=strips, strip_bytes=700)
    decoder = spawn("decoder", input_topic="cam", reliable=True, strips=strips)
    probe.wait_for(publisher.get_subscription_count, "the encoder to subscribe")
    probe.wait_for(lambda: followed().get("clock_decoder_exchanges") and followed().get("clock_encoder_exchanges"), "the clocks")
    frames = [(seed, stamp(i)) for seed, (stamp, i) in enumerate((stamp, i) for stamp in SERIES.values() for i in range(FRAMES))]
    feed(probe, publisher, frames, lambda number: probe.wait_for(lambda: len(shown) == number, f"frame {number}"))
    for (seed, stamp), message in zip(frames, shown):
        assert conversion.to_ns(message.header.stamp) == stamp
        np.testing.assert_array_equal(pixels(message), decoded(picture(seed)))

    total = str(len(frames))
    counted = {"received": total, "decoded": total, "malformed": "0", "dropped_newer": "0", "dropped_old": "0", "stamps_repeated": "11"}
    probe.wait_for(lambda: counted.items() <= status().items(), f"the counters to be {counted}")
    probe.wait_for(lambda: sent()["published"] == total and sent()["stamps_repeated"] == "11", "the sender's counters")
    for node in (encoder, decoder):
        assert node.log.count("Let the camera driver set header.stamp") == 1
    probe.wait_for(lambda: followed()["received"] == total, "the events")
    assert encoder.stop() == decoder.stop() == latency.stop() == 0
    report = json.loads((tmp_path / "report" / "latency.json").read_text())
    assert {name: report[name] for name in ("captured", "published", "received", "stamps_repeated")} == {
        "captured": len(frames), "published": len(frames), "received": len(frames), "stamps_repeated": 11
    }  # fmt: skip
    assert report["captured"] == sum(report[name] for name in OUTCOMES)
    assert 0 < report["stages"]["transport"]["maximum"] < 5000
    assert latency.log.count("Let the camera driver set header.stamp") == 1


def test_lost_strips_of_frames_without_a_stamp_are_asked_for_again(spawn, probe):
    """Half of the strips of every frame are kept from the decoder at first."""
    shown = probe.listen(Image, "away/cam/decoded", DEEP)
    status = probe.status_of("decoder")
    publisher = probe.node.create_publisher(Image, "cam", DEEP)
    forward = probe.node.create_publisher(CompressedImage, "away/cam/astc_strips", DEEP)
    back = probe.node.create_publisher(TimeReference, "cam/missing", DEEP)
    seen: set[str] = set()

    def pass_on(message: CompressedImage) -> None:
        if message.format in seen or read_tag(message.format).index % 2 == 0:
            forward.publish(message)
        seen.add(message.format)

    probe.node.create_subscription(CompressedImage, "cam/astc_strips", pass_on, DEEP)
    probe.node.create_subscription(TimeReference, "away/cam/missing", back.publish, DEEP)
    spawn("decoder", input_topic="away/cam", strips=True, reliable=True, strip_repair_ms=5000.0)
    spawn("encoder", input_topic="cam", reliable=True, strips=True, strip_bytes=700)
    probe.wait_for(lambda: publisher.get_subscription_count() and forward.get_subscription_count(), "the nodes to subscribe")
    feed(probe, publisher, [(seed, 0) for seed in range(4)], lambda number: probe.wait_for(lambda: len(shown) == number, f"frame {number}"))
    for seed, message in enumerate(shown):
        np.testing.assert_array_equal(pixels(message), decoded(picture(seed)))
    probe.wait_for(lambda: status().get("strips") == "24", "the counters")
    assert (status()["strips_missing"], status()["frames_partial"]) == ("0", "0")
    assert int(status()["strips_requested"]) >= 8


def test_lost_strips_cost_no_frame(spawn, probe):
    """The first strips of every other frame and the last ones of the others never arrive; all of them have one stamp."""
    shown = probe.listen(Image, "away/cam/decoded", DEEP)
    status = probe.status_of("decoder")
    publisher = probe.node.create_publisher(Image, "cam", DEEP)
    forward = probe.node.create_publisher(CompressedImage, "away/cam/astc_strips", DEEP)
    strips = probe.listen(CompressedImage, "cam/astc_strips", DEEP)
    spawn("decoder", input_topic="away/cam", strips=True, reliable=True)
    spawn("encoder", input_topic="cam", reliable=True, strips=True, strip_bytes=700)
    probe.wait_for(lambda: publisher.get_subscription_count() and forward.get_subscription_count(), "the nodes to subscribe")

    def pass_on(number: int) -> None:
        probe.wait_for(lambda: len(strips) == 7 * number, "the strips")
        # The first one is whole: a size is believed after that.
        kept = range(6) if number == 1 else range(3, 6) if number % 2 else range(3)
        for message in strips[-7:]:
            if read_tag(message.format).index in kept:
                forward.publish(message)
        probe.wait_for(lambda: len(shown) == number, f"frame {number}")

    feed(probe, publisher, [(seed, 7) for seed in range(6)], pass_on)
    counted = {"received": "6", "decoded": "6", "strips": "21", "strips_missing": "15", "frames_partial": "5", "malformed": "0"}
    probe.wait_for(lambda: counted.items() <= status().items(), f"the counters to be {counted}")


def test_labels_are_scored_with_their_own_truth_or_counted(spawn, probe, tmp_path):
    classes = probe.node.create_publisher(String, "segmentation/classes", QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL))
    classes.publish(String(data=CAMVID.to_json()))
    labels = probe.node.create_publisher(Image, "segmentation/labels", 5)
    truth = probe.node.create_publisher(Image, "camera/labels", 5)
    status = probe.status_of("evaluation")
    node = spawn("evaluation", output_directory=str(tmp_path), overlay_after=1000)
    probe.wait_for(lambda: labels.get_subscription_count() and truth.get_subscription_count() and classes.get_subscription_count(), "the node")

    def send(publisher, number: int, stamp: int, count: str, total: int) -> None:
        publisher.publish(conversion.image_message(conversion.to_header(stamp, "front"), np.full((8, 8), number % 11, np.uint8), "mono8"))
        probe.wait_for(lambda: status().get(count) == str(total), f"{count} = {total}")

    for number in range(4):
        send(truth, number, 0, "truth", number + 1)
        send(labels, number, 0, "labels", number + 1)
    send(truth, 4, 0, "truth", 5)  # the network has dropped this one
    for number in range(5, 8):
        send(truth, number, 0, "truth", number + 1)
        send(labels, number, 0, "labels", number)
    assert node.stop() == 0
    summary = json.loads((tmp_path / "evaluation.json").read_text())
    assert (summary["labels"], summary["scored"], summary["unscored"], summary["pixel_accuracy"]) == (7, 4, 3, 1.0)
    assert node.log.count("Let the camera driver set header.stamp") == 1


def test_strips_are_numbered_only_where_the_header_does_not_tell(spawn, probe):
    strips = probe.listen(CompressedImage, "cam/astc_strips", DEEP)
    publisher = probe.node.create_publisher(Image, "cam", DEEP)
    spawn("encoder", input_topic="cam", reliable=True, strips=True, strip_bytes=700)
    probe.wait_for(publisher.get_subscription_count, "the encoder to subscribe")
    stamps = iter(range(10**18, 2 * 10**18))

    def tags(stamp: int) -> set[int | None]:
        strips.clear()
        feed(probe, publisher, [(1, stamp)], lambda _: probe.wait_for(lambda: len(strips) == 7, "the strips"))
        return {read_tag(message.format).frame for message in strips}

    assert [tags(next(stamps)) for _ in range(3)] == [{None}] * 3
    (first,), (second,) = (tags(10**18) for _ in range(2))
    assert second == first + 1
    assert tags(next(stamps)) == {None}
    probe.node.create_publisher(CompressedImage, "cam/astc_strips", DEEP)  # a second camera, whose frames may have the same headers
    probe.wait_for(lambda: tags(next(stamps)) != {None}, "numbers")
