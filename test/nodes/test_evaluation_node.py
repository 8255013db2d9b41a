# SPDX-License-Identifier: Apache-2.0
"""The evaluation node as a process: scores by equal stamp, the picture, the summary."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")

from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import String

from plcv_ros import codecs
from plcv_ros.labels import CAMVID
from plcv_ros.nodes import conversion

WIDTH, HEIGHT = 64, 48


def test_scores_and_picture(spawn, probe, tmp_path):
    cv2 = pytest.importorskip("cv2")
    out = tmp_path / "new" / "folder"
    classes = probe.node.create_publisher(String, "segmentation/classes", QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL))
    classes.publish(String(data=CAMVID.to_json()))
    labels = probe.node.create_publisher(Image, "segmentation/labels", 5)
    truth = probe.node.create_publisher(Image, "camera/labels", 5)
    raw = probe.node.create_publisher(Image, "camera/image", 5)
    frames = probe.node.create_publisher(CompressedImage, "camera/image/astc", 5)
    status = probe.status_of("evaluation")
    node = spawn("evaluation", output_directory=str(out), overlay_after=3)
    probe.wait_for(lambda: labels.get_subscription_count() and truth.get_subscription_count() and classes.get_subscription_count(), "the node")

    # Half of the road is called car; a quarter of the truth is unlabelled. Frame 4 has no truth, frame 5 another size: neither counts.
    road, car = CAMVID.index("road"), CAMVID.index("car")
    true = np.full((HEIGHT, WIDTH), road, np.uint8)
    true[: HEIGHT // 4] = 255
    predicted = np.full((HEIGHT, WIDTH), road, np.uint8)
    predicted[:, : WIDTH // 2] = car
    image = np.full((HEIGHT, WIDTH, 3), (200, 30, 30), np.uint8)
    codec = codecs.make_codec("astc")
    seen_demand = False
    for number in range(1, 400):
        header = conversion.to_header(number * 1_000_000_000 + 5, "front")
        seen_demand = seen_demand or raw.get_subscription_count() > 0
        if raw.get_subscription_count():
            raw.publish(conversion.image_message(header, image, "rgb8"))
            frames.publish(conversion.compressed_message(header, codec.encode(image), "rgb8; astc compressed rgb8 8x8"))
        if number != 4:
            truth.publish(conversion.image_message(header, true[:10] if number == 5 else true, "mono8"))
        probe.spin(0.02)
        labels.publish(conversion.image_message(header, predicted, "mono8"))
        probe.spin(0.1)
        if status().get("overlay") and not raw.get_subscription_count():
            break
    assert seen_demand
    assert raw.get_subscription_count() == 0, "the raw image is subscribed to for the picture alone"
    probe.wait_for(lambda: "mIoU" in status().get("message", ""), "the score on /diagnostics")
    assert node.stop() == 0

    summary = json.loads((out / "evaluation.json").read_text())
    # All of them, unless the machine is so busy that the newest five push others out.
    assert 3 <= summary["labels"] <= number
    assert 3 <= summary["truth"] <= number - 1
    assert 3 <= summary["scored"] <= number - 2
    assert summary["iou"]["road"] == pytest.approx(0.5)
    assert summary["iou"]["car"] == 0.0
    assert summary["iou"]["sky"] is None
    assert summary["miou"] == pytest.approx(0.25)
    assert summary["label_set"] == "camvid"
    picture = cv2.imread(summary["overlay"])[..., ::-1]
    assert picture.shape[1] == 3 * WIDTH + 2 * 4
    assert np.abs(picture[24 + 10, 10].astype(int) - (200, 30, 30)).max() <= 1
    assert "mIoU 25.0 %" in node.log


def test_a_frame_that_cannot_be_shown_is_counted_and_the_next_one_taken(spawn, probe, tmp_path):
    pytest.importorskip("cv2")
    classes = probe.node.create_publisher(String, "segmentation/classes", QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL))
    classes.publish(String(data=CAMVID.to_json()))
    labels = probe.node.create_publisher(Image, "segmentation/labels", 5)
    raw = probe.node.create_publisher(Image, "camera/image", 5)
    frames = probe.node.create_publisher(CompressedImage, "camera/image/astc", 5)
    status = probe.status_of("evaluation")
    node = spawn("evaluation", output_directory=str(tmp_path), overlay_after=1)
    probe.wait_for(lambda: labels.get_subscription_count() and classes.get_subscription_count(), "the node")
    image = np.full((HEIGHT, WIDTH, 3), (200, 30, 30), np.uint8)
    good = bytes(codecs.make_codec("astc").encode(image))
    bad = good[:16] + bytes.fromhex("fcffffffffffffff003c0038003c003c") + good[32:]
    for number in range(1, 400):
        header = conversion.to_header(number * 1_000_000_000, "front")
        malformed = int(status().get("malformed", 0))
        raw.publish(conversion.image_message(header, image, "rgb8"))
        frames.publish(conversion.compressed_message(header, good if malformed >= 2 else bad, "rgb8; astc compressed rgb8 8x8"))
        probe.spin(0.02)
        labels.publish(conversion.image_message(header, np.zeros((HEIGHT, WIDTH), np.uint8), "mono8"))
        probe.spin(0.1)
        if status().get("overlay"):
            break
    assert status().get("overlay")
    assert node.stop() == 0
    assert json.loads((tmp_path / "evaluation.json").read_text())["malformed"] >= 2
    assert node.log.count("is an HDR block") == 1
    assert "Traceback" not in node.log


def publish_pairs(probe, pairs, header_ns):
    """Labels and truth of each pair under one stamp of its own."""
    labels = probe.node.create_publisher(Image, "segmentation/labels", 5)
    truth = probe.node.create_publisher(Image, "camera/labels", 5)
    probe.wait_for(lambda: labels.get_subscription_count() and truth.get_subscription_count(), "the node")
    for number, (true, true_encoding, predicted, encoding) in enumerate(pairs, 1):
        header = conversion.to_header(header_ns + number, "front")
        for publisher, pixels, name in ((truth, true, true_encoding), (labels, predicted, encoding)):
            message = conversion.image_message(header, np.ascontiguousarray(pixels).view(np.uint8).reshape(HEIGHT, -1), name)
            message.width = WIDTH
            publisher.publish(message)
        probe.spin(0.1)


def classes_of(probe):
    publisher = probe.node.create_publisher(String, "segmentation/classes", QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL))
    publisher.publish(String(data=CAMVID.to_json()))


def test_truth_of_other_encodings_is_scored_where_it_says_one_thing(spawn, probe, tmp_path):
    classes_of(probe)
    status = probe.status_of("evaluation")
    node = spawn("evaluation", output_directory=str(tmp_path))
    ids = (np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH) // 300 % 11).astype(np.uint8)
    none, full = np.zeros_like(ids), np.full_like(ids, 255)
    pairs = [
        (np.dstack([ids, ids, ids]), "rgb8", ids, "mono8"),
        (np.dstack([none, none, ids, full]), "bgra8", ids, "mono8"),
        (ids.astype("<u2"), "mono16", ids, "8UC1"),
        (CAMVID.colourise(ids), "RGB8", CAMVID.colourise(ids)[..., ::-1], "bgr8"),
    ]
    publish_pairs(probe, pairs, 10**18)
    probe.wait_for(lambda: status().get("scored") == "4", "four scored frames")
    assert "WARN" not in node.log
    # What cannot be scored is named once, with what is expected, and counted.
    bad = [(np.dstack([ids + 60, ids, none]), "rgb8", ids, "mono8")] * 2 + [(ids.astype("<f4"), "32FC1", ids, "mono8")] * 2
    publish_pairs(probe, bad, 2 * 10**18)
    probe.wait_for(lambda: status().get("unscored") == "2" and status().get("unreadable") == "2", "the counts of what is not scored")
    assert node.stop() == 0
    summary = json.loads((tmp_path / "evaluation.json").read_text())
    assert (summary["scored"], summary["miou"]) == (4, 1.0)
    assert node.log.count("a frame is not scored: a colour picture that shows no class ids of label set 'camvid'") == 1
    assert node.log.count("labels on /camera/labels are dropped: label image with the encoding '32FC1', expected class ids as mono8") == 1


def test_a_run_without_a_score_says_why(spawn, probe, tmp_path):
    status = probe.status_of("evaluation")
    node = spawn("evaluation", output_directory=str(tmp_path))
    probe.wait_for(lambda: "nothing on /segmentation/labels" in status().get("message", ""), "the status without labels")
    ids = np.full((HEIGHT, WIDTH), 3, np.uint8)
    publish_pairs(probe, [(ids, "mono8", ids, "mono8")], 10**18)
    probe.wait_for(lambda: "no class table on /segmentation/classes" in status()["message"], "the status without classes")
    classes_of(probe)
    void = np.full((HEIGHT, WIDTH), 255, np.uint8)
    probe.wait_for(lambda: status()["scored"] == "1", "the frame that came before the classes")
    assert node.stop() == 0
    assert "mIoU 100.0 % over 1 frames" in node.log
    node = spawn("evaluation", output_directory=str(tmp_path))
    publish_pairs(probe, [(void, "mono8", ids, "mono8")], 3 * 10**18)
    probe.wait_for(lambda: "every pixel of the truth of 1 frames is unlabelled" in status()["message"], "the status of void truth")
    assert node.stop() == 0
    assert "no mIoU: every pixel of the truth of 1 frames is unlabelled" in node.log
    assert "nan" not in node.log


def test_a_folder_that_cannot_be_is_one_clear_line(spawn, tmp_path):
    (tmp_path / "file").write_text("")
    node = spawn("evaluation", output_directory=str(tmp_path / "file" / "out"))
    assert node.wait() == 1
    assert "parameter output_directory is" in node.log
    assert "Traceback" not in node.log
