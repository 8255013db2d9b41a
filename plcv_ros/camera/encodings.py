# SPDX-License-Identifier: Apache-2.0
"""The 8-bit encodings of sensor_msgs/Image (sensor_msgs/image_encodings.hpp) to rgb8: the one table of their names, compared without case."""

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
    "nv12": 1,
    "nv21": 1,
    "nv24": 1,
    "bayer_rggb8": 1,
    "bayer_bggr8": 1,
    "bayer_gbrg8": 1,
    "bayer_grbg8": 1,
}
"""Encoding -> bytes of a pixel in a row. ``yuv422`` is the UYVY order, ``yuv422_yuy2`` is YUYV; nv12, nv21 and nv24 have the rows of a plane
of luma, then those of a plane of colour (Cb Cr; nv21: Cr Cb), which nv12 and nv21 have at half the width and height."""

ALIASES = {"8UC1": "mono8", "8UC3": "bgr8", "8UC4": "bgra8", "uyvy": "yuv422", "yuyv": "yuv422_yuy2", "yuy2": "yuv422_yuy2"}
"""Other names for the same layouts; OpenCV's untyped ones carry no colour order, and BGR is what OpenCV means by them."""

_BY_FOLDED_NAME = {**{name: name for name in BYTES_PER_PIXEL}, **{alias.lower(): name for alias, name in ALIASES.items()}}

_ROWS_IN_HALVES = {"nv12": 3, "nv21": 3, "nv24": 6}
"""Rows of bytes, for every two rows of pixels, of encodings that have more than one for each."""

_OPENCV_ORDER = {"bgr8": "COLOR_BGR2RGB", "rgba8": "COLOR_RGBA2RGB", "bgra8": "COLOR_BGRA2RGB", "mono8": "COLOR_GRAY2RGB"}


def canonical(name: str) -> str:
    """The name in :data:`BYTES_PER_PIXEL` of an encoding in any letter case or by another of its names; of an unknown one, the name itself."""
    return _BY_FOLDED_NAME.get(name.strip().lower(), name)


# ROS names a Bayer pattern by its first two rows' first two pixels, OpenCV by the second row's second and third pixel.
_OPENCV_BAYER = {
    "bayer_rggb8": "COLOR_BayerBG2RGB",
    "bayer_bggr8": "COLOR_BayerRG2RGB",
    "bayer_gbrg8": "COLOR_BayerGR2RGB",
    "bayer_grbg8": "COLOR_BayerGB2RGB",
}
_BT601_LIMITED = np.array(
    [
        [255 / 219, 0, 1.402 * 255 / 224, -16 * 255 / 219 - 128 * 1.402 * 255 / 224],
        [255 / 219, -0.344136 * 255 / 224, -0.714136 * 255 / 224, -16 * 255 / 219 + 128 * (0.344136 + 0.714136) * 255 / 224],
        [255 / 219, 1.772 * 255 / 224, 0, -16 * 255 / 219 - 128 * 1.772 * 255 / 224],
    ]
)
"""(Y', Cb, Cr, 1), 8 bits in limited range -> (R', G', B')."""

_BAYER_SMALLEST = 4
"""OpenCV's demosaicing leaves pictures with a shorter side black."""


def image_rows(data: npt.NDArray[np.uint8], width: int, height: int, step: int, encoding: str) -> npt.NDArray[np.uint8]:
    """(rows, W * bytes a pixel) uint8 view of an image's flat ``data`` whose rows begin ``step`` bytes apart; ``encoding`` is a known one.

    There are as many rows as the image is high, in nv12 and nv21 half of that more, in nv24 three times as many.
    Raises ValueError where step and data do not hold ``width`` x ``height`` (at least 1x1) pixels, or the encoding cannot have that size.
    """
    row = width * BYTES_PER_PIXEL[encoding]
    if step < row:
        raise ValueError(f"image with a row step of {step} bytes, expected at least {row} for {width} pixels of {encoding}")
    if encoding in ("nv12", "nv21") and (width % 2 or height % 2):
        raise ValueError(f"{encoding} image of {width}x{height} pixels, expected an even width and height: four pixels share their colour")
    if encoding == "nv24" and step != row:
        raise ValueError(f"{encoding} image with a row step of {step} bytes, expected {row} for {width} pixels: padded rows are not read")
    rows = height * _ROWS_IN_HALVES.get(encoding, 2) // 2
    needed = step * (rows - 1) + row
    if data.size < needed:
        raise ValueError(f"image with {data.size} bytes of data, expected at least {needed} for {width}x{height} {encoding}")
    return np.lib.stride_tricks.as_strided(data, (rows, row), (step, 1), writeable=False)


def to_rgb8(rows: npt.NDArray[np.uint8], encoding: str) -> npt.NDArray[np.uint8]:
    """(rows, W * bytes a pixel) uint8 in ``encoding``, as :func:`image_rows` has them -> (H, W, 3) uint8 rgb8; rows may be strided, the result
    is contiguous or a view.

    YUV is ITU-R BT.601 in limited range, Bayer patterns are interpolated bilinearly: what OpenCV, and with it cv_bridge, makes of them.
    Raises ValueError for other encodings and for sizes that an encoding cannot have.
    """
    encoding = canonical(encoding)
    if encoding not in BYTES_PER_PIXEL:
        raise ValueError(f"image encoding {encoding!r} is not supported; expected one of {', '.join(BYTES_PER_PIXEL)}")
    per_pixel = BYTES_PER_PIXEL[encoding]
    if rows.ndim != 2 or rows.dtype != np.uint8 or rows.shape[1] % per_pixel:
        raise ValueError(f"rows of shape {rows.shape} and type {rows.dtype}, expected (height, width * {per_pixel}) uint8 for {encoding}")
    if encoding in _ROWS_IN_HALVES:
        return _from_two_planes(rows, encoding)
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


def _from_two_planes(rows: npt.NDArray[np.uint8], encoding: str) -> npt.NDArray[np.uint8]:
    lines, width = rows.shape
    height, rest = divmod(2 * lines, _ROWS_IN_HALVES[encoding])
    if rest or (encoding != "nv24" and (width % 2 or height % 2)):
        raise ValueError(f"{lines} rows of {width} bytes, expected those of a plane of luma and a plane of colour in {encoding}")
    import cv2

    packed = np.ascontiguousarray(rows)
    if encoding != "nv24":
        image: npt.NDArray[np.uint8] = cv2.cvtColor(packed, cv2.COLOR_YUV2RGB_NV12 if encoding == "nv12" else cv2.COLOR_YUV2RGB_NV21)
        return image
    # OpenCV has no conversion of it: ITU-R BT.601 in limited range, rounded and clipped by transform().
    planes = cv2.merge([packed[:height], *cv2.split(packed[height:].reshape(height, width, 2))])
    return np.asarray(cv2.transform(planes, _BT601_LIMITED), np.uint8)


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
