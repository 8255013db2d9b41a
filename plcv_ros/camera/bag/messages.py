# SPDX-License-Identifier: Apache-2.0
"""From the bytes of a recorded message to a picture or a calibration."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from plcv_ros import pictures
from plcv_ros.camera.bag import compression
from plcv_ros.camera.bag.storage import Message
from plcv_ros.camera.encodings import BYTES_PER_PIXEL, canonical, image_rows, to_rgb8
from plcv_ros.camera.errors import SourceError
from plcv_ros.camera.frame import CameraInfo, RegionOfInterest

IMAGE = "sensor_msgs/msg/Image"
COMPRESSED = "sensor_msgs/msg/CompressedImage"
INFO = "sensor_msgs/msg/CameraInfo"
ENCODINGS = ("cdr", "ros1")
"""Of messages, that are read here."""

_OWN_CODECS = ("astc", "jxs")
"""Of payloads on topics of this package, as their format text names them."""

_NANO = 1_000_000_000


class MessageError(ValueError):
    """A message that cannot be read; the text continues a sentence about the message."""


@dataclass(frozen=True)
class Picture:
    """What an image message says; ``stamp_ns`` is 0 where it has none.

    ``note``: what was dropped or turned, or empty. ``turned``: by the orientation in its Exif data, which no camera_info knows of.
    """

    pixels: npt.NDArray[np.uint8]
    pixel_format: str
    stamp_ns: int
    frame_id: str
    note: str = ""
    turned: bool = False


@dataclass(frozen=True)
class Calibration:
    """What a camera_info message says."""

    info: CameraInfo
    stamp_ns: int


def stamp_of(message: Message) -> int:
    """The header's stamp, nanoseconds, without reading the rest; 0 where it cannot be read."""
    try:
        data = _unpacked(message)
        if message.channel.encoding == "ros1":  # a sequence number first, then unsigned seconds
            seconds, nanoseconds = struct.unpack_from("<II", data, 4)
        else:  # behind the CDR's four bytes, whose second one is the order of bytes
            seconds, nanoseconds = struct.unpack_from("<iI" if data[1] & 1 else ">iI", data, 4)
    except Exception:  # damaged, told where the message is read
        return 0
    return int(seconds) * _NANO + int(nanoseconds)


class MessageReader:
    """Reads messages by the standard definitions, which have not changed since the first ROS 2: not every recording holds its own."""

    def __init__(self) -> None:
        try:
            from rosbags.typesys import Stores, get_typestore
        except ImportError as error:
            raise SourceError('reading a bag needs rosbags: pip install ".[edge]"') from error
        self._ros1: Any = get_typestore(Stores.ROS1_NOETIC)
        self._ros2: Any = get_typestore(Stores.ROS2_HUMBLE)

    def picture(self, message: Message) -> Picture:
        """The picture of an Image or a CompressedImage. Raises MessageError."""
        fields = self._fields(message)
        stamp_ns, frame_id = _stamp(fields), str(fields.header.frame_id)
        if message.channel.msgtype == IMAGE:
            return Picture(*_raw(fields), stamp_ns, frame_id)
        found = _compressed(fields)
        return Picture(found.bgr8, "bgr8", stamp_ns, frame_id, found.note, found.orientation != 1)

    def calibration(self, message: Message) -> Calibration:
        """What a CameraInfo says. Raises MessageError."""
        m = self._fields(message)
        # ROS 1 writes their names in capitals.
        k, d, r, p = (tuple(map(float, getattr(m, name if hasattr(m, name) else name.upper()))) for name in "kdrp")
        roi = RegionOfInterest(int(m.roi.x_offset), int(m.roi.y_offset), int(m.roi.height), int(m.roi.width), bool(m.roi.do_rectify))
        info = CameraInfo(
            int(m.width),
            int(m.height),
            k=k,
            d=d,
            r=r,
            p=p,
            distortion_model=str(m.distortion_model),
            binning_x=int(m.binning_x),
            binning_y=int(m.binning_y),
            roi=roi,
        )
        return Calibration(info, _stamp(m))

    def _fields(self, message: Message) -> Any:
        msgtype = message.channel.msgtype
        try:
            data = _unpacked(message)
            return self._ros1.deserialize_ros1(data, msgtype) if message.channel.encoding == "ros1" else self._ros2.deserialize_cdr(data, msgtype)
        except Exception as error:  # assertions and errors of struct and numpy among them, in some releases of rosbags
            raise MessageError(f"has {len(message.data)} bytes that are no {msgtype} ({str(error) or type(error).__name__})") from error


def _unpacked(message: Message) -> bytes:
    """rosbag2 may have compressed every message, which its metadata.yaml alone says; no CDR begins like that."""
    if message.channel.encoding == "cdr" and message.data.startswith(compression.ZSTD_MAGIC):
        return compression.zstd(message.data)
    return message.data


def _stamp(fields: Any) -> int:
    return int(fields.header.stamp.sec) * _NANO + int(fields.header.stamp.nanosec)


def _raw(message: Any) -> tuple[npt.NDArray[np.uint8], str]:
    encoding = canonical(str(message.encoding))
    if encoding not in BYTES_PER_PIXEL:
        raise MessageError(f"has the encoding {message.encoding!r}; expected one of {', '.join(BYTES_PER_PIXEL)}")
    width, height, step = int(message.width), int(message.height), int(message.step)
    if min(width, height) < 1:
        raise MessageError(f"has {width}x{height} pixels, expected at least 1x1")
    try:
        rows = image_rows(np.asarray(message.data, np.uint8), width, height, step, encoding)
        if encoding in ("rgb8", "bgr8"):
            return rows.reshape(height, width, 3), encoding
        return to_rgb8(rows, encoding), "rgb8"
    except ValueError as error:
        raise MessageError(f"is damaged: {error}") from error


def _compressed(message: Any) -> pictures.Picture:
    text = str(message.format)
    if "compressedDepth" in text:
        raise MessageError(f"has the format {text!r}: depth in 16 bits a sample or more, expected a picture of 8")
    if any(f" {codec} " in f"{text} " for codec in _OWN_CODECS):
        raise MessageError(f"has the format {text!r}: this package has encoded it; `ros2 bag play` plays such a topic into its nodes")
    try:
        return pictures.decode_picture(np.asarray(message.data, np.uint8), f"has the format {text!r}")
    except pictures.PictureError as error:
        raise MessageError(str(error)) from error
