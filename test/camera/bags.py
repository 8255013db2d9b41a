# SPDX-License-Identifier: Apache-2.0
"""Small recordings for tests: through rosbags' writers, and MCAP files by hand where no recorder would write them like that."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from rosbags.interfaces import Qos, QosDurability, QosHistory, QosLiveliness, QosReliability, QosTime
from rosbags.rosbag1 import Writer as Writer1
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from plcv_ros.camera import Frame, open_source
from plcv_ros.camera.source import Source

START_NS = 1_700_000_000_000_000_000
PERIOD_NS = 100_000_000
TOPIC = "/cam/image_raw"
INFO_TOPIC = "/cam/camera_info"
WIDTH, HEIGHT = 32, 16

ROS2 = get_typestore(Stores.ROS2_HUMBLE)
ROS1 = get_typestore(Stores.ROS1_NOETIC)


def stamp(k: int) -> int:
    return START_NS + k * PERIOD_NS


def picture(value: int) -> npt.NDArray[np.uint8]:
    return np.full((HEIGHT, WIDTH, 3), value, np.uint8)


def _header(ns: int, store: Any, frame_id: str = "cam") -> Any:
    time = store.types["builtin_interfaces/msg/Time"](sec=ns // 10**9, nanosec=ns % 10**9)
    fields = {"seq": 0} if store is ROS1 else {}
    return store.types["std_msgs/msg/Header"](**fields, stamp=time, frame_id=frame_id)


def image(ns: int, value: int = 0, *, store: Any = ROS2, encoding: str = "bgr8", **fields: Any) -> Any:
    """An Image all of whose bytes are ``value``, so that a frame can be told."""
    given = {"height": HEIGHT, "width": WIDTH, "step": 3 * WIDTH, "data": picture(value).reshape(-1), **fields}
    return store.types["sensor_msgs/msg/Image"](header=_header(ns, store), encoding=encoding, is_bigendian=0, **given)


def compressed(ns: int, data: bytes, text: str = "jpeg") -> Any:
    return ROS2.types["sensor_msgs/msg/CompressedImage"](header=_header(ns, ROS2), format=text, data=np.frombuffer(data, np.uint8))


def coded(pixels: npt.NDArray[Any], suffix: str = ".jpg") -> bytes:
    return bytes(cv2.imencode(suffix, pixels)[1].tobytes())


def camera_info(ns: int, width: int = WIDTH, height: int = HEIGHT, fx: float = 100.0, *, store: Any = ROS2, **fields: Any) -> Any:
    """``roi``: (x_offset, y_offset, width, height); ``binning``: (x, y)."""
    x, y, w, h = fields.get("roi", (0, 0, 0, 0))
    binning = fields.get("binning", (0, 0))
    roi = store.types["sensor_msgs/msg/RegionOfInterest"](x_offset=x, y_offset=y, height=h, width=w, do_rectify=bool(w))
    matrices = {
        "d": np.zeros(5),
        "k": np.array([fx, 0, width / 2, 0, fx, height / 2, 0, 0, 1.0]),
        "r": np.eye(3).reshape(-1),
        "p": np.array([fx, 0, width / 2, 0, 0, fx, height / 2, 0, 0, 0, 1.0, 0]),
    }
    if store is ROS1:
        matrices = {name.upper(): value for name, value in matrices.items()}
    return store.types["sensor_msgs/msg/CameraInfo"](
        header=_header(ns, store),
        height=height,
        width=width,
        distortion_model="plumb_bob",
        binning_x=binning[0],
        binning_y=binning[1],
        roi=roi,
        **matrices,
    )


def qos(reliability: Any, depth: int = 5) -> list[Any]:
    none = QosTime(0, 0)
    return [Qos(QosHistory.KEEP_LAST, depth, reliability, QosDurability.VOLATILE, none, none, QosLiveliness.AUTOMATIC, none, False)]


RELIABLE, BEST_EFFORT = QosReliability.RELIABLE, QosReliability.BEST_EFFORT


def write(
    path: Path, messages: Iterable[tuple[Any, ...]], storage: str = "mcap", compression: str = "", connections: dict[Any, Any] | None = None
) -> Path:
    """A bag in the folder ``path``. ``messages``: (topic, log time, message or its bytes[, name of a connection]); ``compression``: file, message
    or storage; ``connections``: QoS by name. Bytes are those of an Image."""
    writer = Writer(path, version=9, storage_plugin=StoragePlugin[storage.upper()])
    if compression:
        writer.set_compression(CompressionMode[compression.upper()], CompressionFormat.ZSTD)
    open_connections: dict[Any, Any] = {}
    with writer:
        for topic, time_ns, message, *name in messages:
            msgtype = getattr(message, "__msgtype__", "sensor_msgs/msg/Image")
            key = (topic, msgtype, *name)
            if key not in open_connections:
                more = {"offered_qos_profiles": connections[name[0]]} if name and connections else {}
                open_connections[key] = writer.add_connection(topic, msgtype, typestore=ROS2, **more)
            writer.write(open_connections[key], time_ns, message if isinstance(message, bytes) else ROS2.serialize_cdr(message, msgtype))
    return path


def write_images(path: Path, values: Iterable[int], storage: str = "mcap", compression: str = "") -> Path:
    """One image for each value, whose stamp and log time are ``stamp(value)``."""
    return write(path, [(TOPIC, stamp(k), image(stamp(k), k)) for k in values], storage, compression)


def write_ros1(path: Path, values: Iterable[int]) -> Path:
    """A ROS 1 bag of images, with a camera_info before each."""
    with Writer1(path) as writer:
        info = writer.add_connection(INFO_TOPIC, "sensor_msgs/msg/CameraInfo", typestore=ROS1)
        raw = writer.add_connection(TOPIC, "sensor_msgs/msg/Image", typestore=ROS1)
        for k in values:
            writer.write(info, stamp(k), ROS1.serialize_ros1(camera_info(stamp(k), store=ROS1), info.msgtype))
            writer.write(raw, stamp(k), ROS1.serialize_ros1(image(stamp(k), k, store=ROS1), raw.msgtype))
    return path


def storage_file(bag: Path) -> Path:
    """The only file beside metadata.yaml."""
    (file,) = (file for file in bag.iterdir() if file.name != "metadata.yaml")
    return file


def play(path: Path | str, **options: Any) -> tuple[Source, list[Frame]]:
    """The source, closed, and all of its frames."""
    with open_source(str(path), **options) as source:
        frames = []
        while (frame := source.read()) is not None:
            frames.append(frame)
    return source, frames


def values(path: Path | str, **options: Any) -> list[int]:
    """What the frames were written with."""
    return [int(frame.image[HEIGHT // 2, WIDTH // 2, 0]) for frame in play(path, **options)[1]]


# ---- MCAP by hand


def _text(text: str | bytes) -> bytes:
    data = text.encode() if isinstance(text, str) else text
    return struct.pack("<I", len(data)) + data


def record(opcode: int, content: bytes) -> bytes:
    return struct.pack("<BQ", opcode, len(content)) + content


def schema(key: int, name: str, encoding: str, data: bytes = b"") -> bytes:
    return record(3, struct.pack("<H", key) + _text(name) + _text(encoding) + _text(data))


def channel(key: int, schema_key: int, topic: str, encoding: str) -> bytes:
    return record(4, struct.pack("<HH", key, schema_key) + _text(topic) + _text(encoding) + _text(b""))


def mcap_message(channel_key: int, log_ns: int, data: bytes) -> bytes:
    return record(5, struct.pack("<HIQQ", channel_key, 0, log_ns, log_ns) + data)


def mcap_image(k: int, log_ns: int | None = None) -> bytes:
    data = bytes(ROS2.serialize_cdr(image(stamp(k), k), "sensor_msgs/msg/Image"))
    return mcap_message(1, stamp(k) if log_ns is None else log_ns, data)


IMAGE_CHANNEL = schema(1, "sensor_msgs/msg/Image", "ros2msg") + channel(1, 1, TOPIC, "cdr")


def chunk(content: bytes, first_ns: int, last_ns: int) -> bytes:
    return record(
        6, struct.pack("<QQQI", first_ns, last_ns, len(content), zlib.crc32(content)) + _text("") + struct.pack("<Q", len(content)) + content
    )


def mcap(path: Path, *data: bytes, profile: str = "ros2", end: bool = True) -> Path:
    """A file without a summary; without ``end`` as a recorder leaves it that was killed."""
    tail = record(15, struct.pack("<I", 0)) + record(2, struct.pack("<QQI", 0, 0, 0)) + b"\x89MCAP0\r\n"
    path.write_bytes(b"\x89MCAP0\r\n" + record(1, _text(profile) + _text("test")) + b"".join(data) + (tail if end else b""))
    return path
