# SPDX-License-Identifier: Apache-2.0
"""The 8-bit encodings of sensor_msgs/Image (sensor_msgs/image_encodings.hpp) to rgb8."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

BYTES_PER_PIXEL = {
    "rgb8": 3,
    "bgr8": 3,
    "rgba8": 4,
    "bgra8": 4,
    "mono8": 1,
    "yuv422": 2,
    "yuv422_yuy2": 2,
    "bayer_rggb8": 1,
    "bayer_bggr8": 1,
    "bayer_gbrg8": 1,
    "bayer_grbg8": 1,
}
"""Encoding -> bytes of a pixel in a row. ``yuv422`` is the UYVY order, ``yuv422_yuy2`` is YUYV."""

_OPENCV_ORDER = {"bgr8": "COLOR_BGR2RGB", "rgba8": "COLOR_RGBA2RGB", "bgra8": "COLOR_BGRA2RGB", "mono8": "COLOR_GRAY2RGB"}

ALIASES = {"8UC1": "mono8", "8UC3": "bgr8", "8UC4": "bgra8", "uyvy": "yuv422", "yuyv": "yuv422_yuy2"}
"""Other names for the same layouts; OpenCV's untyped ones carry no colour order, and BGR is what OpenCV means by them."""

# ROS names a Bayer pattern by its first two rows' first two pixels, OpenCV by the second row's second and third pixel.
_OPENCV_BAYER = {
    "bayer_rggb8": "COLOR_BayerBG2RGB",
    "bayer_bggr8": "COLOR_BayerRG2RGB",
    "bayer_gbrg8": "COLOR_BayerGR2RGB",
    "bayer_grbg8": "COLOR_BayerGB2RGB",
}
_BAYER_SMALLEST = 4
"""OpenCV's demosaicing leaves pictures with a shorter side black."""


def image_rows(data: npt.NDArray[np.uint8], width: int, height: int, step: int, encoding: str) -> npt.NDArray[np.uint8]:
    """(H, W * bytes a pixel) uint8 view of an image's flat ``data`` whose rows begin ``step`` bytes apart; ``encoding`` is a known one.

    Raises ValueError where step and data do not hold ``width`` x ``height`` (at least 1x1) pixels.
    """
    row = width * BYTES_PER_PIXEL[encoding]
    if step < row:
        raise ValueError(f"image with a row step of {step} bytes, expected at least {row} for {width} pixels of {encoding}")
    needed = step * (height - 1) + row
    if data.size < needed:
        raise ValueError(f"image with {data.size} bytes of data, expected at least {needed} for {width}x{height} {encoding}")
    return np.lib.stride_tricks.as_strided(data, (height, row), (step, 1), writeable=False)


def to_rgb8(rows: npt.NDArray[np.uint8], encoding: str) -> npt.NDArray[np.uint8]:
    """(H, W * bytes a pixel) uint8 rows in ``encoding`` -> (H, W, 3) uint8 rgb8; rows may be strided, the result is contiguous or a view.

    YUV is ITU-R BT.601 in limited range, Bayer patterns are interpolated bilinearly: what OpenCV, and with it cv_bridge, makes of them.
    Raises ValueError for other encodings and for sizes that an encoding cannot have.
    """
    if encoding not in BYTES_PER_PIXEL:
        raise ValueError(f"image encoding {encoding!r} is not supported; expected one of {', '.join(BYTES_PER_PIXEL)}")
    per_pixel = BYTES_PER_PIXEL[encoding]
    if rows.ndim != 2 or rows.dtype != np.uint8 or rows.shape[1] % per_pixel:
        raise ValueError(f"rows of shape {rows.shape} and type {rows.dtype}, expected (height, width * {per_pixel}) uint8 for {encoding}")
    height, width = rows.shape[0], rows.shape[1] // per_pixel
    if encoding == "rgb8":
        return rows.reshape(height, width, 3)
    if encoding in _OPENCV_ORDER:
        return _reordered(rows.reshape(height, width, per_pixel), encoding)
    if encoding.startswith("yuv422"):
        return _from_yuv422(rows, height, width, encoding)
    return _from_bayer(rows, encoding)


def _reordered(pixels: npt.NDArray[np.uint8], encoding: str) -> npt.NDArray[np.uint8]:
    if not pixels.size:
        return np.zeros((*pixels.shape[:2], 3), np.uint8)
    import cv2

    # numpy's reversed copy takes ten times as long: 8 ms of a 1920x1080 frame's latency
    image: npt.NDArray[np.uint8] = cv2.cvtColor(pixels, getattr(cv2, _OPENCV_ORDER[encoding]))
    return image


def _from_yuv422(rows: npt.NDArray[np.uint8], height: int, width: int, encoding: str) -> npt.NDArray[np.uint8]:
    if width % 2:
        raise ValueError(f"{encoding} image of {width}x{height} pixels, expected an even width: two pixels share their colour")
    import cv2

    code = cv2.COLOR_YUV2RGB_UYVY if encoding == "yuv422" else cv2.COLOR_YUV2RGB_YUY2
    image: npt.NDArray[np.uint8] = cv2.cvtColor(np.ascontiguousarray(rows).reshape(height, width, 2), code)
    return image


def _from_bayer(rows: npt.NDArray[np.uint8], encoding: str) -> npt.NDArray[np.uint8]:
    height, width = rows.shape
    if min(height, width) < 2:
        raise ValueError(f"{encoding} image of {width}x{height} pixels, expected at least 2x2: one cell of the pattern")
    import cv2

    code = getattr(cv2, _OPENCV_BAYER[encoding])
    mosaic = np.ascontiguousarray(rows)
    border = 0
    if min(height, width) < _BAYER_SMALLEST:
        # An even border whose content repeats with the pattern's period keeps every pixel's colour where it was.
        border = 2
        mosaic = _pad_periodic(mosaic, border)
    image: npt.NDArray[np.uint8] = cv2.cvtColor(mosaic, code)
    return np.ascontiguousarray(image[border : border + height, border : border + width])


def _pad_periodic(mosaic: npt.NDArray[np.uint8], border: int) -> npt.NDArray[np.uint8]:
    """Repeat the outermost cells of the 2x2 pattern ``border`` (2) pixels outwards."""
    height, width = mosaic.shape
    rows = np.arange(-border, height + border)
    columns = np.arange(-border, width + border)
    rows = np.where(rows < 0, rows + 2, np.where(rows >= height, rows - 2, rows))
    columns = np.where(columns < 0, columns + 2, np.where(columns >= width, columns - 2, columns))
    padded: npt.NDArray[np.uint8] = mosaic[np.ix_(rows, columns)]
    return padded
