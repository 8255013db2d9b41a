# SPDX-License-Identifier: Apache-2.0
"""The encoder node as a process: every input encoding with every codec, stamps, refusals, size changes."""

from __future__ import annotations

from array import array

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")

from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from plcv_ros import codecs
from plcv_ros.nodes import conversion

WIDTH, HEIGHT = 96, 64

EXPECTED_FORMAT = {
    "astc": {encoding: f"{encoding}; astc compressed rgb8 8x8" for encoding in conversion.ENCODINGS},
    "jxs": {
        **{encoding: f"{encoding}; jxs compressed rgb8 6bpp" for encoding in conversion.ENCODINGS},
        "mono8": "mono8; jxs compressed mono8 6bpp",
        "yuv422": "yuv422; jxs compressed yuv422 6bpp",
        "yuv422_yuy2": "yuv422_yuy2; jxs compressed yuv422 6bpp",
    },
    "jpeg": {
        **dict.fromkeys(conversion.ENCODINGS, "rgb8; jpeg compressed bgr8"),
        "bgr8": "bgr8; jpeg compressed bgr8",
        "rgba8": "rgba8; jpeg compressed bgr8",
        "bgra8": "bgra8; jpeg compressed bgr8",
        "mono8": "mono8; jpeg compressed ",
    },
}


def picture(width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """A smooth picture: red grows to the right, green downwards, blue is in the middle of the range."""
    image = np.full((height, width, 3), 90, np.uint8)
    image[..., 0] = np.linspace(30, 220, width)[None, :]
    image[..., 1] = np.linspace(40, 200, height)[:, None]
    return image


def encode_as(image: np.ndarray, encoding: str) -> np.ndarray:
    """rgb8 -> rows of bytes in ``encoding``, written down independently of the package."""
    height, width = image.shape[:2]
    r, g, b = (image[..., c].astype(np.float64) for c in range(3))
    y = 0.299 * r + 0.587 * g + 0.114 * b
    if encoding == "mono8":
        return np.round(y).astype(np.uint8)
    if encoding in ("rgb8", "bgr8"):
        return image[..., :: 1 if encoding == "rgb8" else -1].reshape(height, -1)
    if encoding in ("rgba8", "bgra8"):
        pixels = np.full((height, width, 4), 7, np.uint8)
        pixels[..., :3] = image[..., :: 1 if encoding == "rgba8" else -1]
        return pixels.reshape(height, -1)
    if encoding.startswith("nv"):
        luma = 16 + 219 / 255 * y
        colour = np.stack([128 + 224 / 255 * (b - y) / 1.772, 128 + 224 / 255 * (r - y) / 1.402], axis=2)
        colour = colour if encoding == "nv24" else colour.reshape(height // 2, 2, width // 2, 2, 2).mean((1, 3))
        colour = colour[..., ::-1] if encoding == "nv21" else colour
        return np.round(np.concatenate([luma.reshape(-1), colour.reshape(-1)])).astype(np.uint8).reshape(-1, width)
    if encoding.startswith("yuv422"):
        # BT.601, limited range: what cameras send and what OpenCV's conversion expects.
        luma = 16 + 219 / 255 * y
        u = 128 + 224 / 255 * (b - y) / 1.772
        v = 128 + 224 / 255 * (r - y) / 1.402
        rows = np.empty((height, width * 2))
        first, second = (1, 0) if encoding == "yuv422" else (0, 1)
        rows[:, first::2] = luma
        rows[:, second::4] = (u[:, 0::2] + u[:, 1::2]) / 2
        rows[:, second + 2 :: 4] = (v[:, 0::2] + v[:, 1::2]) / 2
        return np.round(rows).astype(np.uint8)
    mosaic = np.empty((height, width), np.uint8)
    for index, letter in enumerate(encoding.split("_")[1][:4]):
        row, column = divmod(index, 2)
        mosaic[row::2, column::2] = image[row::2, column::2, "rgb".index(letter)]
    return mosaic


def message(rows: np.ndarray, encoding: str, width: int, stamp: int, padding: int = 0, height: int | None = None) -> Image:
    image = Image()
    image.header.stamp.sec = stamp
    image.header.stamp.nanosec = 123456789
    image.header.frame_id = "front"
    image.height, image.width = height or rows.shape[0], width
    image.encoding = encoding
    padded = np.pad(rows, ((0, 0), (0, padding)))
    image.step = padded.shape[1]
    image.data = array("B", padded.tobytes())
    return image


@pytest.mark.parametrize("codec", ["astc", "jxs", "jpeg", "raw"])
def test_every_encoding(spawn, probe, codec):
    topic = {"astc": "cam/image_raw/astc", "jxs": "cam/image_raw/jxs", "jpeg": "cam/image_raw/compressed", "raw": "out/image"}[codec]
    received = probe.listen(Image if codec == "raw" else CompressedImage, topic)
    publisher = probe.node.create_publisher(Image, "cam/image_raw", 5)
    spawn("encoder", codec=codec, input_topic="cam/image_raw", output_topic="out/image" if codec == "raw" else "", reliable=True, jxs_bpp=6.0)
    probe.wait_for(lambda: publisher.get_subscription_count() == 1, "the encoder to subscribe")
    image = picture()
    for number, encoding in enumerate(conversion.ENCODINGS, 1):
        rows = encode_as(image, encoding)
        publisher.publish(message(rows, encoding, WIDTH, number, padding=0 if encoding == "nv24" else 5, height=HEIGHT))
        probe.wait_for(lambda n=number: len(received) == n, f"the {encoding} frame")
        got = received[-1]
        assert (got.header.stamp.sec, got.header.stamp.nanosec, got.header.frame_id) == (number, 123456789, "front")
        if codec == "raw":
            assert got.encoding == (encoding if encoding in conversion.CHANNELS else "rgb8")
            decoded = conversion.image_rgb(got).astype(int)
        else:
            assert got.format == EXPECTED_FORMAT[codec][encoding]
            decoded = conversion.decode_message(got).astype(int)
            if codec == "jxs" and encoding.startswith("yuv422"):
                assert codecs.header(got.data)["sx"] == (1, 2, 2), "no detour through RGB"
        expected = np.repeat(encode_as(image, "mono8")[..., None], 3, 2) if encoding == "mono8" else image
        inner = (slice(4, -4), slice(4, -4))  # demosaicing guesses at the border
        assert np.abs(decoded - expected)[inner].mean() < 4, encoding


def test_refusals_sizes_and_camera_info(spawn, probe):
    frames = probe.listen(CompressedImage, "far/image/astc")
    infos = probe.listen(CameraInfo, "far/camera_info")
    publisher = probe.node.create_publisher(Image, "near/image", 5)
    info_publisher = probe.node.create_publisher(CameraInfo, "near/camera_info", 5)
    status = probe.status_of("encoder")
    node = spawn("encoder", input_topic="near/image", output_topic="far/image", reliable=True)
    probe.wait_for(lambda: publisher.get_subscription_count() and info_publisher.get_subscription_count(), "the encoder to subscribe")

    # A size that changes mid-stream, and the camera_info of each frame with the identical stamp.
    for number, (width, height) in enumerate([(96, 64), (33, 17), (1, 1), (160, 120)], 1):
        sent = message(picture(width, height).reshape(height, -1), "rgb8", width, number)
        publisher.publish(sent)
        info = CameraInfo(header=sent.header, width=width, height=height, distortion_model="plumb_bob")
        info.k[0] = float(number)
        info_publisher.publish(info)
        probe.wait_for(lambda n=number: len(frames) == n and len(infos) == n, f"frame {number}")
        assert frames[-1].header == infos[-1].header == sent.header
        assert infos[-1].k[0] == number
        assert codecs.info(frames[-1].data)["width"] == width

    def refused(number):
        # Each on its own: of two in a row the newer would win.
        probe.wait_for(lambda: int(status().get("unreadable", 0)) == number, f"{number} unreadable images to be counted")

    # An encoding that nobody reads here, and messages that contradict themselves: refused, said once, counted, survived.
    for number in range(3):
        publisher.publish(message(np.zeros((8, 16), np.uint8), "mono16", 8, 100 + number))
        refused(number + 1)
    short = message(np.zeros((8, 24), np.uint8), "rgb8", 8, 200)
    short.height = 60_000
    publisher.publish(short)
    refused(4)
    narrow = message(np.zeros((8, 24), np.uint8), "rgb8", 8, 201)
    narrow.step = 3
    publisher.publish(narrow)
    refused(5)
    assert node.log.count("'mono16' is not read; expected one of rgb8, bgr8") == 1
    assert node.log.count("16384x16384") == 1
    publisher.publish(message(picture(8, 8).reshape(8, -1), "rgb8", 8, 300))
    probe.wait_for(lambda: frames[-1].header.stamp.sec == 300, "a good frame after the bad ones")
    assert node.stop() == 0
    assert "Traceback" not in node.log


def test_nothing_is_received_without_a_subscriber(spawn, probe):
    publisher = probe.node.create_publisher(Image, "image_raw", 5)
    status = probe.status_of("encoder")
    node = spawn("encoder")
    probe.wait_for(lambda: status().get("message", "").startswith("nobody subscribes"), "the encoder's diagnostics")
    publisher.publish(message(picture().reshape(HEIGHT, -1), "rgb8", WIDTH, 1))
    assert publisher.get_subscription_count() == 0
    probe.spin(1.2)
    assert status()["received"] == status()["encoded"] == "0"
    frames = probe.listen(CompressedImage, "image_raw/astc")
    probe.wait_for(lambda: publisher.get_subscription_count() == 1, "the encoder to subscribe on demand")
    publisher.publish(message(picture().reshape(HEIGHT, -1), "rgb8", WIDTH, 2))
    probe.wait_for(lambda: frames, "the frame")
    assert frames[0].header.stamp.sec == 2
    assert node.stop() == 0


def test_raw_onto_itself_is_refused(spawn):
    node = spawn("encoder", codec="raw")
    assert node.wait() == 1
    assert "parameter codec is 'raw', expected astc, jxs or jpeg, or an output_topic other than image_raw" in node.log
    assert "Traceback" not in node.log
