# SPDX-License-Identifier: Apache-2.0
"""Decoded pixels to picture files, through OpenCV."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from plcv_ros.pictures import PictureError

LOSSLESS_SUFFIXES = (".png", ".ppm", ".bmp", ".tif", ".tiff")
"""Files that hold decoded pictures as they are."""

PLANE_SUFFIXES = (".png", ".tif", ".tiff")
"""Those that also hold a grey plane of 16 bits."""


def picture_file(suffix: str, pixels: npt.NDArray[np.uint8] | npt.NDArray[np.uint16]) -> bytes:
    """The bytes of a picture file of (H, W, 3) rgb8 or an (H, W) plane of 8 or 16 bits; raises PictureError where OpenCV cannot.

    In memory first: OpenCV's own writing of files does not tell a full disk.
    """
    import cv2

    try:
        done, data = cv2.imencode(suffix, cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR) if pixels.ndim == 3 else pixels)
    except cv2.error as error:
        raise PictureError(f"{suffix} cannot be made: {error}") from None
    if not done:
        raise PictureError(f"{suffix} cannot be made by OpenCV")
    return bytes(data)
