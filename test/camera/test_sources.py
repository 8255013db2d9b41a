# SPDX-License-Identifier: Apache-2.0
"""Sources on small real files made here: folders, videos, bags; and what they say when something is wrong."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from plcv_ros.camera import CameraInfo, SourceError, open_source
from plcv_ros.camera.folder import natural_key
from plcv_ros.labels import CAMVID, IGNORE_INDEX

cv2 = pytest.importorskip("cv2")

SHARED = Path(__file__).parents[2].parent / "shared"


def picture(value: int, height: int = 32, width: int = 48) -> npt.NDArray[np.uint8]:
    """bgr8, flat but for a corner, so that up and left can be told."""
    image = np.full((height, width, 3), (value, 2 * value % 256, 255 - value), np.uint8)
    image[:4, :6] = 255
    return image


def camvid_like(root: Path, count: int = 3) -> Path:
    for kind in ("images", "labels"):
        (root / kind / "val").mkdir(parents=True)
    for k in range(count):
        name = f"f{k + 8}"  # f8, f9, f10: natural order is not the order of the letters
        cv2.imwrite(str(root / "images" / "val" / f"{name}.png"), picture(10 * k))
        labels = np.full((32, 48), 3, np.uint8)
        labels[:16] = 11
        cv2.imwrite(str(root / "labels" / "val" / f"{name}.png"), labels)
    return root / "images" / "val"


def test_natural_order() -> None:
    assert sorted(["f10.png", "f9.png", "a.png", "F11.png"], key=natural_key) == ["a.png", "f9.png", "f10.png", "F11.png"]


def test_folder_with_labels_beside_it(tmp_path: Path) -> None:
    with open_source(str(camvid_like(tmp_path))) as source:
        assert (source.width, source.height, source.live, source.label_set) == (48, 32, False, CAMVID)
        frames = [source.read() for _ in range(4)]
    assert frames[3] is None
    assert [f.image[20, 20, 0] for f in frames[:3] if f] == [0, 10, 20]
    assert frames[0] is not None
    assert frames[0].labels is not None
    assert (frames[0].labels[0, 0], frames[0].labels[31, 0]) == (IGNORE_INDEX, 3)


def test_folder_resized_and_looped(tmp_path: Path) -> None:
    with open_source(str(camvid_like(tmp_path)), width=24, loop=True) as source:
        assert (source.width, source.height) == (24, 16)
        frames = [source.read() for _ in range(5)]
    assert all(f is not None and f.image.shape == (16, 24, 3) and f.labels is not None and f.labels.shape == (16, 24) for f in frames)
    assert [f.index for f in frames if f] == [0, 1, 2, 3, 4]


def test_folder_whose_pictures_differ_in_size(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "1.png"), picture(1))
    cv2.imwrite(str(tmp_path / "2.png"), picture(2, 20, 10))
    with open_source(str(tmp_path)) as source:
        sizes = [frame.image.shape for frame in (source.read(), source.read()) if frame]
    assert sizes == [(32, 48, 3), (20, 10, 3)]


def test_damaged_files_are_named(tmp_path: Path) -> None:
    images = camvid_like(tmp_path)
    (images / "f9.png").write_bytes(b"not a picture")
    with open_source(str(images)) as source:
        frames = [source.read() for _ in range(3)]
        assert [f.image[20, 20, 0] for f in frames if f] == [0, 20]
        assert source.damaged == 1
        assert re.search(r"f9\.png: no picture", source.damage)
    (images / "f9.png").unlink()
    cv2.imwrite(str(tmp_path / "labels" / "val" / "f8.png"), picture(0))
    with open_source(str(images)) as source:
        assert re.search(r"f8\.png.*8-bit grey", source.damage)


def test_scenes_begin_again_the_same() -> None:
    with open_source("scenes:5", width=160, height=96, rate=15.0) as one, open_source("scenes", width=160, height=96, rate=15.0, seed=5) as two:
        a, b = one.read(), two.read()
    assert a is not None
    assert b is not None
    assert a.camera_info is not None
    assert (a.image == b.image).all()
    assert (a.labels == b.labels).all()
    assert a.camera_info.k[0] > 0


def test_video_file(tmp_path: Path) -> None:
    file = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter_fourcc(*"MJPG"), 12.0, (48, 32))
    for k in range(5):
        writer.write(picture(40 * k))
    writer.release()
    with open_source(str(file)) as source:
        assert (source.width, source.height, source.rate) == (48, 32, 12.0)
        frames = [source.read() for _ in range(6)]
        assert frames[5] is None
    assert [abs(int(f.image[20, 30, 0]) - 40 * k) < 8 for k, f in enumerate(frames[:5]) if f] == [True] * 5
    with open_source(str(file), loop=True) as source:
        assert all(source.read() is not None for _ in range(12))


def message_fields(store: Any, image: npt.NDArray[np.uint8], encoding: str, stamp_ns: int, step: int) -> Any:
    types = store.types
    stamp = types["builtin_interfaces/msg/Time"](sec=stamp_ns // 10**9, nanosec=stamp_ns % 10**9)
    header = types["std_msgs/msg/Header"](stamp=stamp, frame_id="front")
    height, width = image.shape[:2]
    padded = np.zeros((height, step), np.uint8)
    padded[:, : image[0].size] = image.reshape(height, -1)
    return types["sensor_msgs/msg/Image"](header, height, width, encoding, 0, step, padded.reshape(-1))


def write_bag(path: Path, storage: str, encoding: str = "rgb8", compressed: bool = False) -> list[npt.NDArray[np.uint8]]:
    """Three images on /front/image_raw (rgb8) with camera_info; with ``compressed`` also as JPEG. Returns the images, rgb."""
    from rosbags.rosbag2 import StoragePlugin, Writer
    from rosbags.typesys import Stores, get_typestore

    store = get_typestore(Stores.ROS2_JAZZY)
    types = store.types
    images = []
    with Writer(path, version=9, storage_plugin=StoragePlugin[storage.upper()]) as writer:
        raw = writer.add_connection("/front/image_raw", "sensor_msgs/msg/Image", typestore=store)
        info = writer.add_connection("/front/camera_info", "sensor_msgs/msg/CameraInfo", typestore=store)
        text = writer.add_connection("/chatter", "std_msgs/msg/String", typestore=store)
        jpeg = writer.add_connection("/front/image_raw/compressed", "sensor_msgs/msg/CompressedImage", typestore=store) if compressed else None
        writer.write(text, 1, store.serialize_cdr(types["std_msgs/msg/String"]("hello"), "std_msgs/msg/String"))
        for k in range(3):
            image = picture(20 * k)[..., ::-1]
            images.append(image)
            stamp_ns = 1_700_000_000_000_000_000 + k * 100_000_000
            message = message_fields(store, image, encoding, stamp_ns, 48 * 3 + 7)
            writer.write(raw, stamp_ns + 5, store.serialize_cdr(message, raw.msgtype))
            roi = types["sensor_msgs/msg/RegionOfInterest"](0, 0, 0, 0, False)
            eye, projection = np.eye(3).reshape(-1), np.arange(12, dtype=np.float64)
            calibration = types["sensor_msgs/msg/CameraInfo"](
                message.header, 32, 48, "plumb_bob", np.full(5, 0.1), eye * 50, eye, projection, 0, 0, roi
            )
            writer.write(info, stamp_ns + 6, store.serialize_cdr(calibration, info.msgtype))
            if jpeg is not None:
                data = cv2.imencode(".jpg", np.ascontiguousarray(image[..., ::-1]))[1].reshape(-1)
                writer.write(
                    jpeg,
                    stamp_ns + 7,
                    store.serialize_cdr(types["sensor_msgs/msg/CompressedImage"](message.header, "rgb8; jpeg", data), jpeg.msgtype),
                )
    return images


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_bag_keeps_stamps_and_calibration(tmp_path: Path, storage: str) -> None:
    pytest.importorskip("rosbags")
    images = write_bag(tmp_path / "bag", storage)
    with open_source(str(tmp_path / "bag")) as source:
        assert (source.width, source.height) == (48, 32)
        assert source.rate == pytest.approx(10.0, rel=0.01)
        frames = [source.read() for _ in range(4)]
    assert frames[3] is None
    for k, frame in enumerate(frames[:3]):
        assert frame is not None
        assert frame.camera_info is not None
        assert frame.pixel_format == "rgb8"
        assert (frame.image == images[k]).all()
        assert (frame.stamp_ns, frame.frame_id) == (1_700_000_000_000_000_000 + k * 100_000_000, "front")
        assert (frame.camera_info.k[0], frame.camera_info.width) == (50.0, 48)
    file = next((tmp_path / "bag").glob("*.mcap" if storage == "mcap" else "*.db3"))
    with open_source(str(file), width=24, loop=True) as source:
        looped = [source.read() for _ in range(5)]
    assert all(f is not None and f.image.shape == (16, 24, 3) and f.camera_info is not None and f.camera_info.k[0] == 25.0 for f in looped)
    # A stamp is a frame's name: it does not come back with the next pass.
    assert [f.stamp_ns - 1_700_000_000_000_000_000 for f in looped if f is not None and f.stamp_ns] == [k * 100_000_000 for k in range(5)]


def test_bag_topics(tmp_path: Path) -> None:
    pytest.importorskip("rosbags")
    write_bag(tmp_path / "bag", "mcap", compressed=True)
    with open_source(str(tmp_path / "bag"), topic="front/image_raw/compressed") as source:
        frame = source.read()
    assert frame is not None
    assert frame.camera_info is not None
    assert (frame.pixel_format, abs(int(frame.image[20, 30, 2]) - 255) < 8) == ("bgr8", True)
    with pytest.raises(SourceError, match=r"no image topic 'rear'.*/chatter \(std_msgs/msg/String, 1 messages\)"):
        open_source(str(tmp_path / "bag"), topic="rear")


def test_bag_with_an_unknown_encoding(tmp_path: Path) -> None:
    pytest.importorskip("rosbags")
    write_bag(tmp_path / "bag", "mcap", encoding="32FC3")
    with pytest.raises(SourceError, match=r"/front/image_raw.*'32FC3'; expected one of rgb8"):
        open_source(str(tmp_path / "bag"))


@pytest.mark.parametrize("name", ["pictures ", " pictures", "scenes ", "0 "])
def test_spaces_around_a_path_are_a_part_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError, match="does not exist"):
        open_source(name)
    for place, value in ((Path(name), 50), (Path(name.strip()), 200)):
        place.mkdir()
        cv2.imwrite(str(place / "1.png"), picture(value))
    for path in (name, str(tmp_path / name)):
        with open_source(path) as source:
            frame = source.read()
            assert frame is not None
            assert frame.image[20, 20, 0] == 50
    assert write_bag(tmp_path / "bag ", "mcap")
    with open_source(str(tmp_path / "bag ")) as source:
        assert source.read() is not None


def test_what_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"does not exist; expected scenes"):
        open_source(str(tmp_path / "nothing"))
    with pytest.raises(SourceError, match="holds no pictures"):
        open_source(str(tmp_path))
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(SourceError, match=r"text\.mp4 cannot be opened as a video"):
        open_source(str(tmp_path / "text.mp4"))
    (tmp_path / "torn.mcap").write_bytes(b"\x89MCAP0\r\n garbage")
    with pytest.raises(SourceError, match=r"torn\.mcap cannot be read as a ROS 2 bag"):
        open_source(str(tmp_path / "torn.mcap"))
    with pytest.raises(SourceError, match="camera /dev/video97 cannot be opened"):
        open_source("/dev/video97")
    with pytest.raises(SourceError, match="width -3"):
        open_source("scenes", width=-3)


def test_calibration_follows_the_size() -> None:
    info = CameraInfo.pinhole(640, 360, 500.0, 510.0, 320.0, 180.0).scaled(320, 90)
    assert (info.width, info.height, info.k[0], info.k[2], info.k[4], info.k[5]) == (320, 90, 250.0, 160.0, 127.5, 45.0)
    assert (info.p[0], info.p[5]) == (250.0, 127.5)


def test_real_data() -> None:
    folder, clip = SHARED / "data/camvid/images/val", SHARED / "data/driving_clips/solidWhiteRight.mp4"
    if not folder.is_dir() or not clip.is_file():
        pytest.skip(f"no CamVid and driving clips in {SHARED}")
    with open_source(str(folder)) as source:
        frame = source.read()
        assert frame is not None
        assert frame.labels is not None
        assert (source.width, source.height, set(np.unique(frame.labels)) <= {*range(11), IGNORE_INDEX}) == (480, 360, True)
    with open_source(str(clip), width=640, height=360) as source:
        assert source.rate == 25.0
        frame = source.read()
        assert frame is not None
        assert frame.image.shape == (360, 640, 3)
