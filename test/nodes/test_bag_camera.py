# SPDX-License-Identifier: Apache-2.0
"""A recording through the camera node: what it says of the picture is published beside it, and what is damaged is counted and said once."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
pytest.importorskip("cv2", reason="OpenCV is not installed")
pytest.importorskip("rosbags", reason="rosbags is not installed")

sys.path.insert(0, str(Path(__file__).parents[1] / "camera"))

import bags
from sensor_msgs.msg import CameraInfo, CompressedImage


def test_a_recording_with_damage_and_a_region_of_interest(spawn, probe, tmp_path):
    info = bags.camera_info(bags.stamp(0), 128, 96, roi=(32, 24, 2 * bags.WIDTH, 2 * bags.HEIGHT), binning=(2, 2))
    messages = [(bags.INFO_TOPIC, bags.stamp(0), info), *((bags.TOPIC, bags.stamp(k), bags.image(bags.stamp(k), k)) for k in range(12))]
    messages[4] = (bags.TOPIC, bags.stamp(3), bags.image(bags.stamp(3), width=0))
    messages[7] = (bags.TOPIC, bags.stamp(6), b"cut off")
    bag = bags.write(tmp_path / "bag", messages)
    frames = probe.listen(CompressedImage, "camera/image/astc")
    infos = probe.listen(CameraInfo, "camera/camera_info")
    status = probe.status_of("camera")
    node = spawn("camera", source=str(bag), start_when_subscribed=True, loop=False, exit_at_end=False, recorded_stamps=True)
    probe.wait_for(lambda: "the source ended" in node.log, "the end")
    assert "the source ended after 10 frames: 10 published, 0 dropped" in node.log
    assert ", 2 damaged" in node.log
    assert node.log.count("has 0x16 pixels") == 1
    assert f"a message on {bags.TOPIC} of {bag} has 0x16 pixels" in node.log
    probe.wait_for(lambda: status().get("damaged") == "2" and ", 2 damaged" in status()["message"], "the counter")
    assert status()["level"] == b"\x01"
    probe.wait_for(lambda: len(frames) == 10 and infos, "the frames")
    assert (infos[-1].width, infos[-1].height, infos[-1].binning_x, infos[-1].binning_y, infos[-1].k[0]) == (128, 96, 2, 2, 100.0)
    roi = infos[-1].roi
    assert (roi.x_offset, roi.y_offset, roi.width, roi.height, roi.do_rectify) == (32, 24, 64, 32, True)
    assert node.stop() == 0
