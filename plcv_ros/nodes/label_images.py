# SPDX-License-Identifier: Apache-2.0
"""Label images as others publish them: class ids in one channel of 8, 16 or 32 bits, or in a colour picture as simulators have them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sensor_msgs.msg import Image

from plcv_ros.camera.encodings import canonical
from plcv_ros.labels import IGNORE_INDEX, LabelSet
from plcv_ros.nodes import conversion
from plcv_ros.texts import shown

_WIDE = {"mono16": "u2", "16uc1": "u2", "16sc1": "i2", "32sc1": "i4"}
"""Encodings of one channel with more than 8 bits -> their numpy type, without byte order."""

_COLOURS = ("rgb8", "bgr8", "rgba8", "bgra8")

EXPECTED = "expected class ids as mono8, mono16, 16UC1, 16SC1 or 32SC1, or a picture of them as rgb8, bgr8, rgba8 or bgra8"


def read(message: Image) -> npt.NDArray[Any]:
    """(H, W) ids of any integer type, or (H, W, 3) uint8 rgb8, of a label image. Raises ImageError naming the encoding or size."""
    encoding = canonical(message.encoding)
    if encoding.lower() in _WIDE:
        return _wide(message, np.dtype(_WIDE[encoding.lower()]).newbyteorder(">" if message.is_bigendian else "<"))
    if encoding != "mono8" and encoding not in _COLOURS:
        raise conversion.EncodingError(f"label image with the encoding {shown(message.encoding)!r}, {EXPECTED}")
    pixels, pixel_format = conversion.image_array(message)
    return pixels if pixel_format == "mono8" else conversion.to_rgb(pixels, pixel_format)


def class_ids(pixels: npt.NDArray[Any], label_set: LabelSet) -> npt.NDArray[np.uint8]:
    """(H, W) uint8 class ids of what :func:`read` returns. Raises ValueError where it does not show ids of ``label_set`` in one way alone."""
    if pixels.ndim == 3:
        return label_set.from_picture(pixels)
    if pixels.dtype == np.uint8:
        return pixels
    # Unlabelled: 255 here, the largest id or -1 elsewhere.
    void = (pixels == IGNORE_INDEX) | (pixels == (-1 if pixels.dtype.kind == "i" else np.iinfo(pixels.dtype).max))
    known = pixels[~void]
    low, high = (int(known.min()), int(known.max())) if known.size else (0, 0)
    if low < 0 or high >= len(label_set):
        raise ValueError(f"class ids from {low} to {high}: label set {label_set.name!r} has ids 0 to {len(label_set) - 1}")
    return np.where(void, IGNORE_INDEX, pixels).astype(np.uint8)


def _wide(message: Image, kind: np.dtype[Any]) -> npt.NDArray[Any]:
    height, width, step, size = int(message.height), int(message.width), int(message.step), kind.itemsize
    if not (1 <= width <= conversion.MAX_SIDE and 1 <= height <= conversion.MAX_SIDE):
        raise conversion.ImageError(f"image of {width}x{height} pixels, expected 1x1 to {conversion.MAX_SIDE}x{conversion.MAX_SIDE}")
    data = np.frombuffer(message.data, np.uint8)
    if step < width * size or data.size < step * (height - 1) + width * size:
        raise conversion.ImageError(f"image with a row step of {step} and {data.size} bytes of data, expected more for {width}x{height} pixels")
    rows = np.lib.stride_tricks.as_strided(data, (height, width * size), (step, 1), writeable=False)
    return np.ascontiguousarray(rows).view(kind)
