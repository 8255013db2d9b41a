# SPDX-License-Identifier: Apache-2.0
"""The decoder node as a process: every codec to rgb8 with the header untouched, colours as the format text says, bad messages survived."""

from __future__ import annotations

from array import array

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")

from sensor_msgs.msg import CameraInfo, CompressedImage, Image, RegionOfInterest

from plcv_ros import codecs

WIDTH, HEIGHT = 96, 64


def picture() -> np.ndarray:
    image = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    image[..., 0] = np.linspace(30, 220, WIDTH)[None, :]
    image[..., 1] = np.linspace(40, 200, HEIGHT)[:, None]
    return image


def message(payload, text: str, stamp: int) -> CompressedImage:
    result = CompressedImage()
    result.header.stamp.sec, result.header.frame_id, result.format = stamp, "front", text
    result.data = array("B", bytes(payload))
    return result


def uyvy(luma: int, cb: int, cr: int) -> np.ndarray:
    image = np.empty((HEIGHT, WIDTH, 2), np.uint8)
    image[..., 1] = luma
    image[:, 0::2, 0] = cb
    image[:, 1::2, 0] = cr
    return image


@pytest.mark.parametrize(
    ("transport", "codec", "options"), [("astc", "astc", {}), ("jxs", "jxs", {"bpp": 6.0, "preset": "pruned"}), ("compressed", "jpeg", {})]
)
def test_frames_become_images(spawn, probe, transport, codec, options):
    images = probe.listen(Image, "cam/image/decoded")
    publisher = probe.node.create_publisher(CompressedImage, f"cam/image/{transport}", 5)
    status = probe.status_of("decoder")
    node = spawn("decoder", input_topic="cam/image", transport=transport, reliable=True, decode_threads=2)
    probe.wait_for(lambda: publisher.get_subscription_count() == 1, "the decoder to subscribe")
    payload = codecs.make_codec(codec, **options).encode(picture())
    publisher.publish(message(payload, f"rgb8; {codec} compressed rgb8", 7))
    probe.wait_for(lambda: images, "the image")
    got = images[0]
    assert (got.header.stamp.sec, got.header.frame_id) == (7, "front")
    assert (got.encoding, got.width, got.height, got.step) == ("rgb8", WIDTH, HEIGHT, 3 * WIDTH)
    assert bytes(got.data) == codecs.decode(payload).tobytes()

    # What is no frame is counted and said once; the next good one passes.
    for number in range(3):
        publisher.publish(message(bytes(payload)[: 40 + number], "rgb8", 100 + number))
        probe.wait_for(lambda n=number: int(status().get("malformed", 0)) == n + 1, "the malformed message to be counted")
    assert node.log.count("is dropped") == 1
    publisher.publish(message(payload, "rgb8", 8))
    probe.wait_for(lambda: len(images) == 2, "a good frame after the bad ones")
    assert node.stop() == 0
    assert "Traceback" not in node.log


LDR_VOID_EXTENT = bytes.fromhex("fcfdffffffffffff") + bytes.fromhex("0080004000c0ffff")
HDR_VOID_EXTENT = bytes.fromhex("fcffffffffffffff") + bytes.fromhex("003c0038003c003c")


def with_block(payload, index: int, block: bytes) -> bytes:
    payload = bytes(payload)
    return payload[: 16 + 16 * index] + block + payload[32 + 16 * index :]


def test_astc_blocks_in_other_modes_are_malformed(spawn, probe):
    images = probe.listen(Image, "cam/image/decoded")
    publisher = probe.node.create_publisher(CompressedImage, "cam/image/astc", 5)
    status = probe.status_of("decoder")
    node = spawn("decoder", input_topic="cam/image", reliable=True)
    probe.wait_for(lambda: publisher.get_subscription_count() == 1, "the decoder to subscribe")
    payload = codecs.make_codec("astc").encode(picture())
    for number, block in enumerate([HDR_VOID_EXTENT, LDR_VOID_EXTENT, bytes(16)], 1):
        publisher.publish(message(with_block(payload, 13, block), "rgb8; astc compressed rgb8 8x8", number))
        probe.wait_for(lambda n=number: int(status().get("malformed", 0)) == n, "the malformed message to be counted")
    publisher.publish(message(payload, "rgb8; astc compressed rgb8 8x8", 9))
    probe.wait_for(lambda: images, "a good frame after the bad ones")
    assert [image.header.stamp.sec for image in images] == [9]
    assert node.log.count("is dropped") == 1
    assert "block 13 (8x8, at pixel 8, 8) is an HDR block" in node.log


def test_astc_blocks_of_other_encoders_where_asked_for(spawn, probe):
    images = probe.listen(Image, "cam/image/decoded")
    publisher = probe.node.create_publisher(CompressedImage, "cam/image/astc", 5)
    status = probe.status_of("decoder")
    spawn("decoder", input_topic="cam/image", reliable=True, astc_modes="all")
    probe.wait_for(lambda: publisher.get_subscription_count() == 1, "the decoder to subscribe")
    payload = codecs.make_codec("astc").encode(picture())
    publisher.publish(message(with_block(payload, 13, HDR_VOID_EXTENT), "rgb8; astc compressed rgb8 8x8", 1))
    publisher.publish(message(with_block(payload, 13, LDR_VOID_EXTENT), "rgb8; astc compressed rgb8 8x8", 2))
    probe.wait_for(lambda: images and int(status().get("malformed", 0)) == 1, "the frame, and the HDR one to be counted")
    expected = codecs.decode(payload).copy()
    expected[8:16, 8:16] = (0x80, 0x40, 0xC0)
    assert images[0].header.stamp.sec == 2
    assert bytes(images[0].data) == expected.tobytes()


def test_the_format_says_what_the_components_are(spawn, probe):
    images = probe.listen(Image, "cam/image/decoded")
    publisher = probe.node.create_publisher(CompressedImage, "cam/image/jxs", 5)
    spawn("decoder", input_topic="cam/image", transport="jxs", reliable=True)
    probe.wait_for(lambda: publisher.get_subscription_count() == 1, "the decoder to subscribe")
    payload = codecs.make_codec("jxs", bpp=6.0).encode(uyvy(235, 128, 128), "yuv422")
    # A camera's white is 235; a codestream of unknown origin is in full range.
    for number, (text, white) in enumerate([("yuv422; jxs compressed yuv422 6bpp", 255), ("jxs", 235)], 1):
        publisher.publish(message(payload, text, number))
        probe.wait_for(lambda n=number: len(images) == n, f"image {number}")
        pixels = np.frombuffer(images[-1].data, np.uint8)
        assert np.abs(pixels.astype(int) - white).max() <= 2


def calibration(header) -> CameraInfo:
    """Every field away from its default, as of a cropped picture of a binned sensor (REP 104)."""
    info = CameraInfo(header=header, width=1920, height=1200, distortion_model="rational_polynomial", binning_x=2, binning_y=2)
    info.d, info.k, info.r, info.p = (
        [0.1 * n for n in range(8)],
        [1.5 + n for n in range(9)],
        [2.5 + n for n in range(9)],
        [3.5 + n for n in range(12)],
    )
    info.roi = RegionOfInterest(x_offset=32, y_offset=24, width=2 * WIDTH, height=2 * HEIGHT, do_rectify=True)
    return info


@pytest.mark.parametrize("reliable", [True, False])
def test_every_decoded_image_has_the_cameras_own_camera_info_beside_it(spawn, probe, reliable):
    images = probe.listen(Image, "cam/image/decoded")
    publisher = probe.node.create_publisher(CompressedImage, "cam/image/astc", 5)
    info_publisher = probe.node.create_publisher(CameraInfo, "cam/camera_info", 5)
    status = probe.status_of("decoder")
    spawn("decoder", input_topic="cam/image", reliable=reliable)
    probe.wait_for(lambda: publisher.get_subscription_count() == 1, "the decoder to subscribe")
    assert info_publisher.get_subscription_count() == 0, "nobody has asked for it"
    # Where image_transport looks for that of cam/image/decoded.
    infos = probe.listen(CameraInfo, "cam/image/camera_info")
    probe.wait_for(lambda: info_publisher.get_subscription_count() == 1, "the decoder to subscribe to camera_info")
    payload = codecs.make_codec("astc").encode(picture())
    sent = []
    for number in range(1, 6):
        frame = message(payload, "rgb8; astc compressed rgb8 8x8", number)
        frame.header.stamp.nanosec = 999_999_999 - number
        sent.append(calibration(frame.header))
        publisher.publish(frame)
        info_publisher.publish(sent[-1])
        probe.wait_for(lambda n=number: len(images) == n and len(infos) == n, f"frame {number} and its camera_info")
        assert images[-1].header == infos[-1].header == frame.header
    assert infos == sent
    probe.wait_for(lambda: status().get("camera_infos") == "5", "the count on /diagnostics")
