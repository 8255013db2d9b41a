# SPDX-License-Identifier: Apache-2.0
"""Topic names, format texts, the mailbox and the transport check. No ROS needed."""

from __future__ import annotations

import threading

import pytest

from plcv_ros.nodes import transport, wire
from plcv_ros.nodes.mailbox import Mailbox


def test_topics():
    assert wire.topic("camera/image", "astc") == "camera/image/astc"
    assert wire.topic("camera/image", wire.transport_of("jpeg")) == "camera/image/compressed"
    assert wire.topic("camera/image", wire.transport_of("jxs")) == "camera/image/jxs"
    assert wire.topic("/camera/image", "raw") == "/camera/image"
    assert wire.sibling("camera/image", "camera_info") == "camera/camera_info"
    assert wire.sibling("/image", "camera_info") == "/camera_info"
    assert wire.sibling("image", "labels") == "labels"


@pytest.mark.parametrize(
    ("original", "codec", "detail", "text"),
    [
        ("rgb8", "astc", "8x8", "rgb8; astc compressed rgb8 8x8"),
        ("bayer_rggb8", "astc", "12x12", "bayer_rggb8; astc compressed rgb8 12x12"),
        # Character by character what compressed_image_transport writes for these encodings.
        ("rgb8", "jpeg", "", "rgb8; jpeg compressed bgr8"),
        ("bgr8", "jpeg", "", "bgr8; jpeg compressed bgr8"),
        ("rgba8", "jpeg", "", "rgba8; jpeg compressed bgr8"),
        ("mono8", "jpeg", "", "mono8; jpeg compressed "),
        ("yuv422", "jpeg", "", "rgb8; jpeg compressed bgr8"),
        ("bgra8", "jpeg", "", "bgra8; jpeg compressed bgr8"),
        ("nv21", "jpeg", "", "rgb8; jpeg compressed bgr8"),
        # By the names whose channels and colours its subscribers know.
        ("8UC1", "jpeg", "", "mono8; jpeg compressed "),
        ("MONO8", "jpeg", "", "mono8; jpeg compressed "),
        ("8UC3", "jpeg", "", "bgr8; jpeg compressed bgr8"),
        ("8UC4", "jpeg", "", "bgra8; jpeg compressed bgr8"),
        ("BGR8", "jpeg", "", "bgr8; jpeg compressed bgr8"),
        ("RGBA8", "jpeg", "", "rgba8; jpeg compressed bgr8"),
    ],
)
def test_formats_are_written_exactly_and_read_back(original, codec, detail, text):
    assert wire.write_format(original, codec, detail) == text
    parsed = wire.parse_format(text)
    assert parsed.codec == codec
    assert parsed.original == text.split(";")[0]
    assert parsed.detail == detail


@pytest.mark.parametrize(
    ("original", "pixel_format", "text", "colour"),
    [
        ("rgb8", "rgb8", "rgb8; jxs compressed rgb8 3bpp", None),
        ("bgra8", "bgra8", "bgra8; jxs compressed rgb8 3bpp", None),
        ("bayer_rggb8", "rgb8", "bayer_rggb8; jxs compressed rgb8 3bpp", None),
        ("mono8", "mono8", "mono8; jxs compressed mono8 3bpp", None),
        # The camera's luma and colour as they are: whoever decodes must know that they are in limited range.
        ("yuv422", "yuv422", "yuv422; jxs compressed yuv422 3bpp", "bt601-limited"),
        ("uyvy", "yuv422", "uyvy; jxs compressed yuv422 3bpp", "bt601-limited"),
        ("yuv422_yuy2", "yuv422_yuy2", "yuv422_yuy2; jxs compressed yuv422 3bpp", "bt601-limited"),
    ],
)
def test_jpeg_xs_says_what_is_coded(original, pixel_format, text, colour):
    assert wire.write_format(original, "jxs", "3bpp", wire.coded_encoding("jxs", pixel_format)) == text
    assert wire.parse_format(text).colour == colour
    assert wire.parse_format(f"  {text.upper()}").colour == colour


def test_other_codecs_code_rgb():
    assert wire.coded_encoding("astc", "mono8") == "rgb8"
    assert wire.parse_format("yuv422; astc compressed yuv422").colour is None
    assert wire.parse_format("").colour is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", wire.Format("", "", "", "")),
        ("jpeg", wire.Format("", "jpeg", "", "")),
        ("JPG", wire.Format("", "jpeg", "", "")),
        ("rgb8;jpeg compressed bgr8", wire.Format("rgb8", "jpeg", "bgr8", "")),
        (" RGB8 ;  ASTC  compressed  rgb8  8x8 ", wire.Format("rgb8", "astc", "rgb8", "8x8")),
        ("compressed", wire.Format("", "", "", "")),
        (";;;", wire.Format("", "", "", "")),
        ("rgb8; jxs compressed rgb8 3bpp high", wire.Format("rgb8", "jxs", "rgb8", "3bpp high")),
    ],
)
def test_formats_are_read_leniently(text, expected):
    assert wire.parse_format(text) == expected


def test_mailbox_keeps_the_newest():
    box: Mailbox[int] = Mailbox()
    assert box.put(1) is None
    assert box.put(2) == 1
    assert box.get() == 2
    threading.Timer(0.05, box.put, [3]).start()
    assert box.get() == 3
    box.put(4)
    box.close()
    assert box.get() == 4  # what was left before the end is not lost
    assert box.get() is None
    assert box.put(5) == 5


def test_transport_of_the_environment(tmp_path):
    def active(rmw="rmw_fastrtps_cpp", **environment):
        return transport.active(environment, rmw=rmw, folder=tmp_path)

    assert active().limit_bytes == 250_000
    assert "FASTDDS_DEFAULT_PROFILES_FILE to config/fastdds.xml" in active().remedy
    assert "killed" in active().hazard
    assert active(FASTDDS_BUILTIN_TRANSPORTS="UDPv4").limit_bytes == 250_000
    large_data = active(FASTDDS_BUILTIN_TRANSPORTS="LARGE_DATA?max_msg_size=1MB")
    assert large_data.limit_bytes is None
    assert "stops the frames of all others" in large_data.hazard
    assert active(FASTRTPS_DEFAULT_PROFILES_FILE="/x.xml") == transport.Transport(
        "Fast DDS, profiles of /x.xml (FASTRTPS_DEFAULT_PROFILES_FILE)", None
    )
    assert active(rmw="rmw_cyclonedds_cpp").limit_bytes is None
    # Humble's Fast DDS does not know the variable: the XML profile is the remedy there.
    humble = active(ROS_DISTRO="humble", FASTDDS_BUILTIN_TRANSPORTS="LARGE_DATA")
    assert humble.limit_bytes == 250_000
    assert "FASTRTPS_DEFAULT_PROFILES_FILE" in humble.remedy
    (tmp_path / "DEFAULT_FASTRTPS_PROFILES.xml").write_text("")
    assert active().limit_bytes is None


def test_transport_warnings_name_the_setting_once():
    stock = transport.TransportWarnings(transport.active({}, rmw="rmw_fastrtps_cpp"))
    (hazard,) = stock.check(57_616)
    assert "does not keep receivers apart" in hazard
    assert "FASTDDS_DEFAULT_PROFILES_FILE" in hazard
    assert stock.check(57_616) == []
    (large,) = stock.check(518_416)
    assert "0.52 MB" in large
    assert "FASTDDS_DEFAULT_PROFILES_FILE" in large
    assert stock.check(518_416) == []
    tcp = transport.TransportWarnings(transport.active({"FASTDDS_BUILTIN_TRANSPORTS": "LARGE_DATA"}, rmw="rmw_fastrtps_cpp"))
    (text,) = tcp.check(518_416)
    assert "stopped or unplugged" in text
    for fine in (transport.active({}, rmw="rmw_cyclonedds_cpp"), transport.active({"FASTDDS_DEFAULT_PROFILES_FILE": "x"}, rmw="rmw_fastrtps_cpp")):
        assert transport.TransportWarnings(fine).check(518_416) == []


def test_mailbox_of_some_depth_keeps_the_newest_in_order():
    box: Mailbox[int] = Mailbox(3)
    assert [box.put(number) for number in range(1, 6)] == [None, None, None, 1, 2]
    assert [box.get(), box.get()] == [3, 4]
    box.close()
    assert [box.get(), box.get(), box.get()] == [5, None, None]
