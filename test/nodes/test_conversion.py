# SPDX-License-Identifier: Apache-2.0
"""Messages and arrays: no copy where none is needed, messages that lie about their size, and cv_bridge as the judge where it is installed."""

from __future__ import annotations

from array import array

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")

from hypothesis import given, settings
from hypothesis import strategies as st
from sensor_msgs.msg import Image

from plcv_ros.camera.encodings import ALIASES, canonical
from plcv_ros.codecs import PIXEL_FORMATS, YUV422_FORMATS
from plcv_ros.nodes import conversion

RANDOM = np.random.default_rng(5)


def image_message(encoding: str, height: int = 6, width: int = 8, padding: int = 0) -> Image:
    per_pixel = conversion.CHANNELS.get(encoding, 2 if encoding.startswith("yuv") else 1)
    message = Image()
    message.height, message.width, message.encoding = height, width, encoding
    message.step = width * per_pixel + padding
    rows = {"nv12": height * 3 // 2, "nv21": height * 3 // 2, "nv24": height * 3}.get(encoding, height)
    message.data = array("B", RANDOM.integers(0, 256, message.step * rows, np.uint8).tobytes())
    return message


@pytest.mark.parametrize("encoding", conversion.CHANNELS)
@pytest.mark.parametrize("padding", [0, 3])
def test_native_layouts_are_views(encoding, padding):
    message = image_message(encoding, padding=padding)
    pixels, pixel_format = conversion.image_array(message)
    assert pixel_format == encoding
    assert np.shares_memory(pixels, np.frombuffer(message.data, np.uint8))
    data = np.frombuffer(message.data, np.uint8).reshape(6, message.step)
    assert np.array_equal(pixels.reshape(6, -1), data[:, : 8 * conversion.CHANNELS[encoding]])
    rgb = conversion.image_rgb(message)
    assert rgb.shape == (6, 8, 3)
    order = {"b": (2, 1, 0), "r": (0, 1, 2), "m": (0, 0, 0)}[encoding[0]]
    assert np.array_equal(rgb, np.atleast_3d(pixels)[..., order])


@pytest.mark.parametrize(
    ("encoding", "name"),
    [("yuv422", "yuv422"), ("uyvy", "yuv422"), ("yuv422_yuy2", "yuv422_yuy2"), ("yuyv", "yuv422_yuy2"), ("YUYV", "yuv422_yuy2"), ("UYVY", "yuv422")],
)
def test_yuv422_is_a_view_for_codecs_that_take_it(encoding, name):
    message = image_message("yuv422", padding=3)
    message.encoding = encoding
    pixels, pixel_format = conversion.image_array(message, {**PIXEL_FORMATS, **YUV422_FORMATS})
    assert pixel_format == name
    assert np.shares_memory(pixels, np.frombuffer(message.data, np.uint8))
    assert np.array_equal(pixels.reshape(6, 16), np.frombuffer(message.data, np.uint8).reshape(6, 19)[:, :16])
    assert conversion.image_array(message)[1] == "rgb8"
    message.width = 7
    with pytest.raises(conversion.ImageError, match=r"yuv422.* image of 7x6 pixels, expected an even width"):
        conversion.image_array(message, YUV422_FORMATS)


def test_there_and_back():
    image = RANDOM.integers(0, 256, (5, 7, 3), np.uint8)
    header = conversion.to_header(1_234_567_890_123_456_789, "front")
    message = conversion.image_message(header, image[:, ::-1], "rgb8")
    assert (message.height, message.width, message.step, message.header.frame_id) == (5, 7, 21, "front")
    assert conversion.to_ns(message.header.stamp) == 1_234_567_890_123_456_789
    assert np.array_equal(conversion.image_array(message)[0], image[:, ::-1])
    assert isinstance(message.data, array)


def test_a_last_row_without_padding_is_enough():
    message = image_message("rgb8", padding=5)
    message.data = message.data[: message.step * 5 + 24]
    assert conversion.image_array(message)[0].shape == (6, 8, 3)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"encoding": "mono16"}, "image encoding 'mono16' is not read; expected one of rgb8, bgr8"),
        ({"encoding": ""}, "image encoding '' is not read"),
        ({"width": 0}, "image of 0x6 pixels, expected 1x1 to 16384x16384"),
        ({"height": 2**32 - 1}, "expected 1x1 to 16384x16384"),
        ({"step": 23}, "row step of 23 bytes, expected at least 24 for 8 pixels of rgb8"),
        ({"step": 2**32 - 1}, "image with 144 bytes of data, expected at least"),
        ({"encoding": "yuv422", "width": 7}, "yuv422 image of 7x6 pixels, expected an even width"),
        ({"encoding": "bayer_rggb8", "height": 1}, "bayer_rggb8 image of 8x1 pixels, expected at least 2x2"),
        ({"data": array("B", b"")}, "image with 0 bytes of data, expected at least 144"),
    ],
)
def test_messages_that_lie(change, complaint):
    message = image_message("rgb8")
    for name, value in change.items():
        setattr(message, name, value)
    with pytest.raises(conversion.ImageError, match=complaint.replace("(", r"\(")):
        conversion.image_array(message)


@given(
    height=st.integers(0, 2**32 - 1),
    width=st.integers(0, 2**32 - 1),
    step=st.integers(0, 2**32 - 1),
    size=st.integers(0, 300),
    encoding=st.sampled_from([*conversion.ENCODINGS, "8UC1", "mono16", "x"]),
)
@settings(max_examples=300, deadline=None)
def test_any_message_is_read_or_refused(height, width, step, size, encoding):
    message = Image()
    message.height, message.width, message.step, message.encoding = height, width, step, encoding
    message.data = array("B", bytes(size))
    try:
        pixels = conversion.image_rgb(message)
    except conversion.ImageError:
        return
    assert pixels.shape == (height, width, 3)


@pytest.mark.parametrize("encoding", [*conversion.ENCODINGS, *ALIASES])
def test_letter_case_changes_nothing(encoding):
    message = image_message(canonical(encoding))
    expected, name = conversion.image_array(message)
    for spelled in (encoding, encoding.upper(), encoding.lower()):
        message.encoding = spelled
        pixels, pixel_format = conversion.image_array(message)
        assert pixel_format == name
        assert np.array_equal(pixels, expected)


@pytest.mark.parametrize("encoding", [name for name in conversion.ENCODINGS if not name.startswith("nv")])
def test_against_cv_bridge(encoding):
    bridge = pytest.importorskip("cv_bridge", reason="cv_bridge comes with a ROS distribution")
    smooth = np.add.outer(np.arange(48), np.arange(64)).astype(np.uint8)
    message = image_message(encoding, 48, 64)
    message.data = array("B", np.resize(smooth, message.step * 48).tobytes())
    expected = bridge.CvBridge().imgmsg_to_cv2(message, "rgb8")
    ours = conversion.image_rgb(message)
    assert np.abs(ours.astype(int) - expected)[2:-2, 2:-2].max() <= 1
