# SPDX-License-Identifier: Apache-2.0
"""Picture files to pixels as the codecs take them, and back, through OpenCV."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

LOSSLESS_SUFFIXES = (".png", ".ppm", ".bmp", ".tif", ".tiff")
"""Files that hold decoded pictures as they are."""

PLANE_SUFFIXES = (".png", ".tif", ".tiff")
"""Those that also hold a grey plane of 16 bits."""

_NO_ALPHA = (".jpg", ".jpeg", ".ppm", ".pgm", ".bmp")


class PictureError(ValueError):
    """A file that is no picture, or one that the codecs do not take; the message says what is expected."""


def read_picture(path: Path) -> tuple[npt.NDArray[np.uint8], str, str]:
    """(pixels, pixel format, note) of a picture file: (H, W, 3) bgr8 or (H, W) mono8.

    ``note`` is a sentence about what was dropped (transparency), or empty. Raises PictureError and OSError.
    """
    import cv2

    path.open("rb").close()  # OpenCV does not say why it read nothing
    # UNCHANGED keeps transparency, so that its loss can be told; without it a JPEG's orientation is obeyed.
    flags = cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH if path.suffix.lower() in _NO_ALPHA else cv2.IMREAD_UNCHANGED
    pixels = cv2.imread(str(path), flags)
    if pixels is None:
        raise PictureError("no picture: it is damaged, or of a format that this OpenCV was built without")
    if pixels.dtype != np.uint8:
        raise PictureError(f"samples of type {pixels.dtype}, expected 8 bits a sample")
    if pixels.ndim == 2:
        return pixels, "mono8", ""
    if pixels.shape[2] == 4:
        opaque = bool((pixels[..., 3] == 255).all())
        return np.ascontiguousarray(pixels[..., :3]), "bgr8", "" if opaque else "its transparency is dropped"
    return pixels, "bgr8", ""


def write_picture(path: Path, pixels: npt.NDArray[np.uint8] | npt.NDArray[np.uint16]) -> None:
    """Write (H, W, 3) rgb8 or an (H, W) plane of 8 or 16 bits; raises PictureError where OpenCV cannot."""
    import cv2

    try:
        done = cv2.imwrite(str(path), cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR) if pixels.ndim == 3 else pixels)
    except cv2.error as error:
        raise PictureError(f"{path} cannot be written: {error}") from None
    if not done:
        raise PictureError(f"{path} cannot be written by OpenCV")
