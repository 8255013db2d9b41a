# SPDX-License-Identifier: Apache-2.0
"""What the messages of a recording say: pictures, calibrations, stamps, rates; and that a bad one costs itself alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("cv2", reason="OpenCV is not installed")
pytest.importorskip("rosbags", reason="rosbags is not installed")

import bags

from plcv_ros.camera import SourceError, open_source
from plcv_ros.camera.bag import pace

JPEG = bags.coded(bags.picture(200))
DEPTH = bags.coded(np.full((bags.HEIGHT, bags.WIDTH), 1500, np.uint16), ".png")
WHOLE = bytes(bags.ROS2.serialize_cdr(bags.image(bags.stamp(9), 9), "sensor_msgs/msg/Image"))

BAD: dict[str, tuple[Any, str]] = {
    "no pixels": (bags.image(bags.stamp(9), width=0, height=0, step=0, data=np.zeros(0, np.uint8)), "has 0x0 pixels, expected at least 1x1"),
    "data too short": (bags.image(bags.stamp(9), data=np.zeros(100, np.uint8)), "100 bytes of data, expected at least 1536"),
    "step too short": (bags.image(bags.stamp(9), step=3), "a row step of 3 bytes, expected at least 96"),
    "unknown encoding": (bags.image(bags.stamp(9), encoding="32FC1"), "has the encoding '32FC1'; expected one of rgb8"),
    "16 bits": (bags.image(bags.stamp(9), encoding="mono16"), "has the encoding 'mono16'; expected one of rgb8"),
    "cut-off CDR": (WHOLE[:100], "100 bytes that are no sensor_msgs/msg/Image"),
    "half a header": (WHOLE[:7], "7 bytes that are no sensor_msgs/msg/Image"),
    "no bytes": (b"", "0 bytes that are no sensor_msgs/msg/Image"),
    "no CDR": (b"\xff" * 200, "200 bytes that are no sensor_msgs/msg/Image"),
    "damaged zstd": (b"\x28\xb5\x2f\xfd" + b"\xff" * 50, "54 bytes that are no sensor_msgs/msg/Image"),
}

BAD_COMPRESSED: dict[str, tuple[bytes, str, str]] = {
    "empty": (b"", "jpeg", "has the format 'jpeg': no picture: the file is empty"),
    "no picture": (b"no picture at all", "h264", "has the format 'h264': no picture"),
    "half a JPEG": (JPEG[: len(JPEG) // 2], "jpeg", "has the format 'jpeg': "),
    "half a PNG": (DEPTH[: len(DEPTH) // 2], "png", "has the format 'png': "),
    "16 bits": (DEPTH, "16UC1; png compressed ", "16 bits a sample"),
    "depth": (bytes(12) + DEPTH, "16UC1; compressedDepth png", "16 bits a sample"),
    "an own payload": (b"\x13\xab\xa1\x5c" + bytes(60), "rgb8; astc compressed rgb8 8x8", "ros2 bag play"),
    "another own payload": (b"\xff\x10" + bytes(60), "rgb8; jxs compressed rgb8", "ros2 bag play"),
}


def with_bad(bad: Any, at: int, count: int, topic: str, good: Any) -> list[tuple[Any, ...]]:
    return [(topic, bags.stamp(k), bad if k == at else good(k)) for k in range(count)]


@pytest.mark.parametrize("at", [0, 2, 4])
@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
@pytest.mark.parametrize("kind", BAD)
def test_a_bad_image_costs_itself_alone(tmp_path: Path, kind: str, storage: str, at: int) -> None:
    bad, reason = BAD[kind]
    messages = with_bad(bad, at, 5, bags.TOPIC, lambda k: bags.image(bags.stamp(k), k))
    source, frames = bags.play(bags.write(tmp_path / "bag", messages, storage))
    assert [int(frame.image[0, 0, 0]) for frame in frames] == [k for k in range(5) if k != at]
    assert [frame.index for frame in frames] == [0, 1, 2, 3]
    assert source.damaged == 1
    assert source.damage.startswith(f"a message on {bags.TOPIC} of {tmp_path / 'bag'} ")
    assert reason in source.damage
    assert "\n" not in source.damage


@pytest.mark.parametrize("kind", BAD_COMPRESSED)
def test_a_bad_compressed_image_costs_itself_alone(tmp_path: Path, kind: str) -> None:
    data, text, reason = BAD_COMPRESSED[kind]
    topic = f"{bags.TOPIC}/compressed"
    messages = with_bad(bags.compressed(bags.stamp(2), data, text), 2, 5, topic, lambda k: bags.compressed(bags.stamp(k), JPEG))
    source, frames = bags.play(bags.write(tmp_path / "bag", messages))
    assert (len(frames), source.damaged) == (4, 1)
    assert reason in source.damage


@pytest.mark.parametrize("kind", BAD)
def test_only_bad_images_are_an_error_that_says_why(tmp_path: Path, kind: str) -> None:
    bad, reason = BAD[kind]
    bag = bags.write(tmp_path / "bag", [(bags.TOPIC, bags.stamp(k), bad) for k in range(3)])
    with pytest.raises(SourceError) as caught:
        open_source(str(bag))
    assert f"none of the 3 images on topic {bags.TOPIC} of {bag} can be read" in str(caught.value)
    assert reason in str(caught.value)


def test_16_bit_png_is_refused_by_that_name(tmp_path: Path) -> None:
    topic = "/cam/depth/compressed"
    depth = bags.write(
        tmp_path / "depth", [(topic, bags.stamp(k), bags.compressed(bags.stamp(k), DEPTH, "16UC1; png compressed ")) for k in range(3)]
    )
    with pytest.raises(SourceError, match="16 bits a sample"):
        open_source(str(depth))
    mixed = bags.write(
        tmp_path / "mixed", with_bad(bags.compressed(bags.stamp(1), DEPTH), 1, 4, topic, lambda k: bags.compressed(bags.stamp(k), JPEG))
    )
    source, frames = bags.play(mixed)
    assert (len(frames), source.damaged) == (3, 1)
    assert "16 bits a sample" in source.damage


def test_damage_is_counted_in_every_pass(tmp_path: Path) -> None:
    bag = bags.write(tmp_path / "bag", with_bad(b"", 1, 3, bags.TOPIC, lambda k: bags.image(bags.stamp(k), k)))
    with open_source(str(bag), loop=True) as source:
        shown = [int(frame.image[0, 0, 0]) for frame in (source.read() for _ in range(6)) if frame is not None]
    assert shown == [0, 2, 0, 2, 0, 2]
    assert source.damaged in (3, 4)  # the next pass may have been begun


def test_a_picture_that_was_turned_has_no_camera_info(tmp_path: Path) -> None:
    """Nothing that describes the sensor as it was read out describes it."""
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
    turned = JPEG[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + JPEG[2:]
    messages = [(f"{bags.TOPIC}/compressed", bags.stamp(k), bags.compressed(bags.stamp(k), turned)) for k in range(2)]
    messages += [(bags.INFO_TOPIC, bags.stamp(k), bags.camera_info(bags.stamp(k))) for k in range(2)]
    source, frames = bags.play(bags.write(tmp_path / "bag", sorted(messages, key=lambda m: m[1])))
    assert [(frame.image.shape, frame.camera_info) for frame in frames] == 2 * [((bags.WIDTH, bags.HEIGHT, 3), None)]
    assert "Exif orientation 6" in source.description


# ---- camera_info


def test_camera_info_is_carried_as_recorded(tmp_path: Path) -> None:
    recorded = bags.camera_info(bags.stamp(0), 128, 96, roi=(32, 24, 2 * bags.WIDTH, 2 * bags.HEIGHT), binning=(2, 2))
    _, frames = bags.play(bags.write(tmp_path / "bag", [(bags.INFO_TOPIC, 5, recorded), (bags.TOPIC, bags.stamp(0), bags.image(bags.stamp(0)))]))
    info = frames[0].camera_info
    assert info is not None
    assert (info.width, info.height, info.binning_x, info.binning_y) == (128, 96, 2, 2)
    assert (info.roi.x_offset, info.roi.y_offset, info.roi.width, info.roi.height, info.roi.do_rectify) == (32, 24, 64, 32, True)
    assert (info.k[0], info.k[2]) == (100.0, 64.0)


@pytest.mark.parametrize("order", ["image first", "info first", "infos at the end"])
def test_camera_info_of_the_images_own_stamp(tmp_path: Path, order: str) -> None:
    """A region of interest that moves: each image with its own, whichever of the two was logged first."""
    messages: list[tuple[Any, ...]] = []
    for k in range(5):
        pair = [
            (bags.TOPIC, bags.stamp(k), bags.image(bags.stamp(k), k)),
            (bags.INFO_TOPIC, bags.stamp(k), bags.camera_info(bags.stamp(k), fx=100.0 + k)),
        ]
        messages += pair if order == "image first" else pair[::-1]
    if order == "infos at the end":
        messages = sorted(messages, key=lambda m: m[0], reverse=True)
    _, frames = bags.play(bags.write(tmp_path / "bag", [(topic, bags.stamp(n), message) for n, (topic, _, message) in enumerate(messages)]))
    found = [frame.camera_info.k[0] for frame in frames if frame.camera_info is not None]
    assert found == ([100.0, 100.0, 100.0, 100.0, 104.0] if order == "infos at the end" else [100.0, 101.0, 102.0, 103.0, 104.0])


def test_a_bad_camera_info_is_told(tmp_path: Path) -> None:
    good = bags.camera_info(bags.stamp(1))
    cut = bags.camera_info(bags.stamp(0))
    cut.d = np.zeros(0)
    bag = bags.write(
        tmp_path / "bag", [(bags.INFO_TOPIC, bags.stamp(1), good), *[(bags.TOPIC, bags.stamp(k), bags.image(bags.stamp(k), k)) for k in (2, 3)]]
    )
    source, frames = bags.play(bag)
    assert (source.damaged, len(frames)) == (0, 2)
    content = (
        bags.IMAGE_CHANNEL
        + bags.schema(2, "sensor_msgs/msg/CameraInfo", "ros2msg")
        + bags.channel(2, 2, bags.INFO_TOPIC, "cdr")
        + bags.mcap_message(2, bags.stamp(0), b"\0\1\0\0 cut")
        + bags.mcap_image(1)
        + bags.mcap_message(2, bags.stamp(2), bytes(bags.ROS2.serialize_cdr(good, "sensor_msgs/msg/CameraInfo")))
        + bags.mcap_image(3)
    )
    source, frames = bags.play(bags.mcap(tmp_path / "x.mcap", content))
    assert [frame.camera_info is not None for frame in frames] == [True, True]
    assert source.damaged == 1
    assert f"a message on {bags.INFO_TOPIC}" in source.damage


@pytest.mark.parametrize(
    ("image", "info", "belongs"),
    [
        ("/cam/image_raw/compressed", "/cam/camera_info", True),
        ("/cam/image/compressed", "/cam/image/camera_info", True),
        ("/cam/image", "/cam/camera_info", True),
        ("/image", "/camera_info", True),
        ("/image/compressed", "/camera_info", True),
        ("/cam/image/compressed", "/other/camera_info", False),
    ],
)
def test_which_camera_info_belongs_to_a_compressed_topic(tmp_path: Path, image: str, info: str, belongs: bool) -> None:
    messages = [(info, bags.stamp(0), bags.camera_info(bags.stamp(0))), (image, bags.stamp(1), bags.compressed(bags.stamp(1), JPEG))]
    _, frames = bags.play(bags.write(tmp_path / "bag", messages))
    assert (frames[0].camera_info is not None) == belongs


# ---- topics


def test_which_topic_is_played(tmp_path: Path) -> None:
    one, two, jpeg = "/front/image_raw", "/rear/image_raw", "/front/image_raw/compressed"
    images = {one: bags.image(bags.stamp(0), 1), two: bags.image(bags.stamp(0), 2), jpeg: bags.compressed(bags.stamp(0), JPEG)}

    def bag(name: str, *topics: str, empty: tuple[str, ...] = ()) -> Path:
        path = bags.write(tmp_path / name, [(topic, bags.stamp(0), images[topic]) for topic in topics] or [("/t", 1, bags.camera_info(1))])
        if empty:
            content = b"".join(bags.channel(10 + n, 1, topic, "cdr") for n, topic in enumerate(empty))
            return bags.mcap(tmp_path / f"{name}.mcap", bags.IMAGE_CHANNEL + content + bags.mcap_image(7))
        return path

    assert bags.values(bag("both forms", one, jpeg)) == [1]
    assert bags.values(bag("two", one, two), topic="rear/image_raw") == [2]
    assert bags.values(tmp_path / "two", topic="/rear/image_raw/") == [2]
    several = r"several image topics, name one with topic: /front/image_raw \(sensor_msgs/msg/Image, 1 messages\), /rear/image_raw \(sensor_msgs"
    with pytest.raises(SourceError, match=several):
        open_source(str(tmp_path / "two"))
    with pytest.raises(SourceError, match=r"no image topic '/side'; it holds /front/image_raw \(sensor_msgs/msg/Image, 1 messages\), /rear"):
        open_source(str(tmp_path / "two"), topic="/side")
    with pytest.raises(SourceError, match=r"no topic of type sensor_msgs/msg/Image or .*; it holds /t \(sensor_msgs/msg/CameraInfo, 1 messages\)"):
        open_source(str(bag("none")))
    # Nobody published on them while the bag was recorded.
    assert bags.values(bag("empty topics", one, empty=("/a", "/b"))) == [7]
    with pytest.raises(SourceError, match=r"topic /a of .* holds no messages"):
        open_source(str(tmp_path / "empty topics.mcap"), topic="/a")


def test_images_and_compressed_images_on_one_topic(tmp_path: Path) -> None:
    messages = [(bags.TOPIC, bags.stamp(0), bags.image(bags.stamp(0), 3)), (bags.TOPIC, bags.stamp(1), bags.compressed(bags.stamp(1), JPEG))]
    assert [value > 100 for value in bags.values(bags.write(tmp_path / "bag", messages))] == [False, True]


# ---- rates


def bunches(size: int, interval_ns: int, count: int = 90) -> list[int]:
    """Times of ``count`` messages at one each ``interval_ns`` that were written ``size`` at once."""
    return [bags.START_NS + k // size * size * interval_ns + k % size * 200_000 for k in range(count)]


EVEN = [bags.START_NS + k * 66_666_667 for k in range(90)]
PAUSED = [time + (k > 20) * 3_600_000_000_000 for k, time in enumerate(EVEN)]
JITTER = [time + int(j) for time, j in zip(EVEN, np.random.default_rng(1).integers(-20_000_000, 20_000_000, 90), strict=True)]


@pytest.mark.parametrize(
    ("stamps", "log_times", "expected"),
    [
        (EVEN, EVEN, 15.0),
        (EVEN, bunches(5, 66_666_667), 15.0),
        (EVEN, [1] * 90, 15.0),
        (EVEN[::-1], EVEN, 15.0),
        (EVEN, [10 * (time - EVEN[0]) for time in EVEN], 15.0),
        (PAUSED, PAUSED, 15.0),
        (JITTER, JITTER, 15.0),
        ([0] * 90, EVEN, 15.0),
        ([bags.START_NS] * 90, EVEN, 15.0),
        ([bags.START_NS + k for k in range(90)], EVEN, 15.0),  # a counter
        ([0 if k % 2 else time for k, time in enumerate(EVEN)], EVEN, 15.0),
        ([0, *EVEN[1:]], EVEN, 15.0),
        ([0] * 90, bunches(5, 66_666_667), 15.0),
        ([0] * 90, bunches(7, 66_666_667), 15.0),
        (bunches(4, 33_333_333), EVEN, 30.0),
        (EVEN[:2], EVEN[:2], 15.0),
        (EVEN[:1], EVEN[:1], None),
        ([], [], None),
        ([0] * 90, [5] * 90, None),
    ],
)
def test_rate_of_recorded_images(stamps: list[int], log_times: list[int], expected: float | None) -> None:
    found = pace.rate(stamps[: pace.SAMPLE], log_times[: pace.SAMPLE])
    assert found == (None if expected is None else pytest.approx(expected, rel=0.12))


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_the_header_stamps_set_the_pace(tmp_path: Path, storage: str) -> None:
    messages = [(bags.TOPIC, log, bags.image(EVEN[k], k)) for k, log in enumerate(bunches(5, 66_666_667, 30))]
    source, _ = bags.play(bags.write(tmp_path / "bag", messages, storage))
    assert source.rate == pytest.approx(15.0, rel=0.01)
    with open_source(str(tmp_path / "bag"), rate=4.0) as slow:
        assert slow.rate == 4.0


def test_without_any_times_there_is_a_rate(tmp_path: Path) -> None:
    source, frames = bags.play(bags.write(tmp_path / "bag", [(bags.TOPIC, 7, bags.image(0, k)) for k in range(4)]))
    assert (source.rate, [frame.stamp_ns for frame in frames]) == (15.0, [7, 7, 7, 7])
