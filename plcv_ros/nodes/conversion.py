# SPDX-License-Identifier: Apache-2.0
"""sensor_msgs to numpy and back, headers and stamps included; nothing is copied that need not be.

Messages are filled through ``array.array``: assigning an ndarray or a memoryview to ``data`` is looked at byte by byte in Python
(hundreds of milliseconds for a full-HD frame), and so are bytes in Humble.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from builtin_interfaces.msg import Time
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

from plcv_ros import codecs
from plcv_ros.camera import CameraInfo as Calibration
from plcv_ros.camera.encodings import BYTES_PER_PIXEL, canonical, image_rows, to_rgb8
from plcv_ros.codecs import PIXEL_FORMATS, YUV422_FORMATS
from plcv_ros.nodes import wire
from plcv_ros.requirements import explain
from plcv_ros.texts import shown

CHANNELS = {encoding: BYTES_PER_PIXEL[encoding] for encoding in PIXEL_FORMATS}
"""Encodings that every codec takes as they are -> bytes per pixel."""

ENCODINGS = tuple(BYTES_PER_PIXEL)
"""Encodings that :func:`image_array` reads, in any letter case; :data:`plcv_ros.camera.encodings.ALIASES` are other names of them."""

MAX_SIDE = 16384

NANO = 1_000_000_000


class ImageError(ValueError):
    """An Image message that cannot be read; the message names the value and what is expected."""


class EncodingError(ImageError):
    """An Image message in an encoding that is not read here."""


def to_time(stamp_ns: int) -> Time:
    """Nanoseconds since 1970 -> builtin_interfaces/Time."""
    return Time(sec=stamp_ns // NANO, nanosec=stamp_ns % NANO)


def to_ns(stamp: Time) -> int:
    """builtin_interfaces/Time -> nanoseconds."""
    return int(stamp.sec) * NANO + int(stamp.nanosec)


def to_header(stamp_ns: int, frame_id: str) -> Header:
    """A header."""
    return Header(stamp=to_time(stamp_ns), frame_id=frame_id)


def to_bytes_array(image: npt.NDArray[np.uint8]) -> array[int]:
    """The image's bytes in row order, as messages take them."""
    data = array("B", bytes(0))
    data.frombytes(np.ascontiguousarray(image).reshape(-1).data)
    return data


def image_message(header: Header, image: npt.NDArray[np.uint8], encoding: str) -> Image:
    """sensor_msgs/Image of (H, W) or (H, W, C) uint8 pixels in ``encoding``."""
    message = Image()
    message.header = header
    message.height, message.width = image.shape[:2]
    message.encoding = encoding
    message.is_bigendian = 0
    message.step = int(image.shape[1]) * (1 if image.ndim == 2 else int(image.shape[2]))
    message.data = to_bytes_array(image)
    return message


def compressed_message(header: Header, payload: Any, format_text: str) -> CompressedImage:
    """sensor_msgs/CompressedImage of a bytes-like payload; an ``array('B')`` is taken over without a copy."""
    message = CompressedImage()
    message.header = header
    message.format = format_text
    if not isinstance(payload, array):
        data = array("B", bytes(0))
        data.frombytes(payload)
        payload = data
    message.data = payload
    return message


def payload_of(message: CompressedImage) -> npt.NDArray[np.uint8]:
    """The payload's bytes, (N,) uint8, a view of the message."""
    return np.frombuffer(message.data, np.uint8)


def decode_message(
    message: CompressedImage,
    *,
    max_pixels: int = codecs.MAX_PIXELS,
    threads: int = 1,
    out: npt.NDArray[np.uint8] | None = None,
    astc_modes: str = "all",
) -> npt.NDArray[np.uint8]:
    """(H, W, 3) rgb8 of an encoded frame; options as :func:`plcv_ros.codecs.decode`. Raises CodecError."""
    colour = wire.parse_format(message.format).colour
    return codecs.decode(payload_of(message), max_pixels=max_pixels, threads=threads, out=out, colour=colour, astc_modes=astc_modes)


def camera_info_message(info: Calibration, header: Header) -> CameraInfo:
    """sensor_msgs/CameraInfo of a camera's calibration, under ``header``."""
    message = CameraInfo()
    message.header = header
    for name in ("height", "width", "binning_x", "binning_y"):
        setattr(message, name, int(getattr(info, name)))
    message.distortion_model = str(info.distortion_model)
    for name in ("d", "k", "r", "p"):
        setattr(message, name, [float(value) for value in getattr(info, name)])
    for name in ("x_offset", "y_offset", "height", "width", "do_rectify"):
        setattr(message.roi, name, getattr(info.roi, name))
    return message


def image_array(message: Image, formats: Collection[str] = PIXEL_FORMATS) -> tuple[npt.NDArray[np.uint8], str]:
    """(pixels, pixel format) of an Image: a view where its encoding is one of ``formats``, else rgb8 converted from it.

    Pixels are (H, W, C) uint8, or (H, W) for mono8; C is 2 for the yuv422 formats. Conversions are cv_bridge's where that is installed, else those of
    :mod:`plcv_ros.camera.encodings`. Raises EncodingError for other encodings and ImageError for sizes that do not fit the data.
    """
    encoding = canonical(message.encoding)
    if encoding not in ENCODINGS:
        raise EncodingError(f"image encoding {shown(message.encoding)!r} is not read; expected one of {', '.join(ENCODINGS)}")
    height, width, step = int(message.height), int(message.width), int(message.step)
    per_pixel = BYTES_PER_PIXEL[encoding]
    if not (1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE):
        raise ImageError(f"image of {width}x{height} pixels, expected 1x1 to {MAX_SIDE}x{MAX_SIDE}")
    try:
        rows = image_rows(np.frombuffer(message.data, np.uint8), width, height, step, encoding)
    except ValueError as error:
        raise ImageError(str(error)) from error
    if encoding == "mono8":
        return rows, "mono8"
    if encoding in formats:
        if encoding in YUV422_FORMATS and width % 2:
            raise ImageError(f"{encoding} image of {width}x{height} pixels, expected an even width: two pixels share their colour")
        return rows.reshape(height, width, per_pixel), encoding
    return _convert(rows, encoding, message), "rgb8"


def image_rgb(message: Image) -> npt.NDArray[np.uint8]:
    """(H, W, 3) uint8 rgb8 of an Image; raises as :func:`image_array`."""
    pixels, pixel_format = image_array(message)
    return pixels if pixel_format == "rgb8" else to_rgb(pixels, pixel_format)


def to_rgb(pixels: npt.NDArray[np.uint8], pixel_format: str) -> npt.NDArray[np.uint8]:
    """(H, W, 3) rgb8 of pixels in one of the codecs' formats."""
    if pixel_format == "mono8":
        return np.repeat(pixels.reshape(*pixels.shape[:2], 1), 3, axis=2)
    if pixel_format in ("bgr8", "bgra8"):
        return np.ascontiguousarray(pixels[..., 2::-1])
    return np.ascontiguousarray(pixels[..., :3])


@lru_cache(maxsize=1)
def _bridge() -> Any:
    try:
        from cv_bridge import CvBridge

        return CvBridge()
    except Exception:  # absent, or built for another numpy or another ROS: ours does the same
        return None


def _convert(rows: npt.NDArray[np.uint8], encoding: str, message: Image) -> npt.NDArray[np.uint8]:
    bridge = _bridge()
    # Its releases differ in what they make of planes.
    if bridge is not None and message.encoding == encoding and not encoding.startswith("nv"):
        image: npt.NDArray[np.uint8] = bridge.imgmsg_to_cv2(message, "rgb8")
        return image
    try:
        return to_rgb8(rows, encoding)
    except ImportError as error:
        raise EncodingError(explain(f"image encoding {encoding!r}", error, "edge")) from error
    except ValueError as error:
        raise ImageError(str(error)) from error
