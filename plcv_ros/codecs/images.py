# SPDX-License-Identifier: Apache-2.0
"""What counts as an image: shape, dtype and memory layout of each pixel format, checked before anything touches the pixels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import CodecError

PIXEL_FORMATS: dict[str, int] = {"rgb8": 3, "bgr8": 3, "rgba8": 4, "bgra8": 4, "mono8": 1}
"""Pixel formats that every codec takes, and their bytes a pixel. Alpha is ignored: what is coded is opaque."""

YUV422_FORMATS: dict[str, int] = {"yuv422": 2, "yuv422_yuy2": 2}
"""Pixel formats that JPEG XS takes too, under ROS's names: ``yuv422`` has the bytes Cb Y Cr Y (UYVY), ``yuv422_yuy2`` Y Cb Y Cr (YUYV).
Two pixels share their colour, so the width is even."""

MAX_SIDE = 16384
"""Largest width and height, in pixels."""

MAX_PIXELS = MAX_SIDE * MAX_SIDE
"""Default limit of `decode`: a payload's header alone never makes it allocate more than this many pixels."""


def check_size(width: int, height: int) -> tuple[int, int]:
    """Return (width, height) as ints; CodecError unless both are 1..16384."""
    for name, value in (("width", width), ("height", height)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
            raise CodecError(f"{name} is {value!r}, expected an int")
        if not 1 <= value <= MAX_SIDE:
            raise CodecError(f"{name} is {value}, expected 1 to {MAX_SIDE} pixels")
    return int(width), int(height)


def check_image(image: Any, pixel_format: str, formats: Mapping[str, int] = PIXEL_FORMATS) -> tuple[npt.NDArray[np.uint8], int, int]:
    """Return (image, width, height) of an image as `encode` takes it.

    image: (H, W, C) uint8 array, C = 2, 3 or 4 as `pixel_format` says, or (H, W) or (H, W, 1) for mono8. Rows may lie any distance
    apart (crops, padded buffers, flipped views); pixels within a row are packed. formats: the pixel formats that the codec takes and
    their bytes a pixel. Raises CodecError.
    """
    if not isinstance(pixel_format, str) or pixel_format not in formats:
        raise CodecError(f"pixel_format is {pixel_format!r}, expected one of {', '.join(formats)}")
    if not isinstance(image, np.ndarray):
        raise CodecError(f"image is a {type(image).__name__}, expected a numpy array")
    if image.dtype != np.uint8:
        raise CodecError(f"image has dtype {image.dtype}, expected uint8")
    channels = formats[pixel_format]
    if image.ndim != 3 and not (channels == 1 and image.ndim == 2):
        raise CodecError(f"image has shape {image.shape}, expected (height, width{'' if channels == 1 else f', {channels}'}) for {pixel_format}")
    if image.ndim == 3 and image.shape[2] != channels:
        raise CodecError(f"image has shape {image.shape}, expected {channels} channels for {pixel_format}")
    height, width = image.shape[:2]
    for name, value in (("width", width), ("height", height)):
        if not 1 <= value <= MAX_SIDE:
            raise CodecError(f"image has {name} {value}, expected 1 to {MAX_SIDE} pixels")
    if pixel_format in YUV422_FORMATS and width % 2:
        raise CodecError(f"image has width {width}, expected an even one for {pixel_format}: two pixels share their colour")
    packed = (width == 1 or image.strides[1] == channels) and (image.ndim == 2 or channels == 1 or image.strides[2] == 1)
    if not packed:
        raise CodecError(
            f"image has strides {image.strides}, expected packed pixels (only the row stride is free): numpy.ascontiguousarray makes such a copy"
        )
    return image, width, height


def check_max_pixels(max_pixels: Any) -> int:
    """Return `max_pixels` as an int of at most MAX_PIXELS; CodecError unless it is a positive int."""
    if isinstance(max_pixels, bool) or not isinstance(max_pixels, (int, np.integer)) or max_pixels < 1:
        raise CodecError(f"max_pixels is {max_pixels!r}, expected a positive int")
    return int(min(max_pixels, MAX_PIXELS))


def check_out(out: Any, width: int, height: int) -> None:
    """CodecError unless `out` is a writable (height, width, 3) uint8 array to decode into: packed pixels, rows any distance apart."""
    if not isinstance(out, np.ndarray) or out.dtype != np.uint8:
        raise CodecError(f"out is {getattr(out, 'dtype', type(out).__name__)}, expected a uint8 numpy array")
    if out.shape != (height, width, 3):
        raise CodecError(f"out has shape {out.shape}, expected {(height, width, 3)}")
    if not out.flags.writeable:
        raise CodecError("out is read-only, expected a writable array")
    if (width > 1 and out.strides[1] != 3) or out.strides[2] != 1 or (height > 1 and abs(out.strides[0]) < 3 * width):
        raise CodecError(f"out has strides {out.strides}, expected packed pixels in rows that do not overlap")
