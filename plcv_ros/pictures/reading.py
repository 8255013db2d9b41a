# SPDX-License-Identifier: Apache-2.0
"""Picture files to pixels: what is taken, what is refused, and what is said of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from plcv_ros.codecs import MAX_PIXELS, CodecError, exif, jpeg
from plcv_ros.pictures import structure
from plcv_ros.pictures.errors import PictureError


@dataclass(frozen=True)
class Picture:
    """A picture as it is shown.

    ``pixels``: (H, W, 3) or (H, W) uint8, ``pixel_format`` says which: ``bgr8`` or ``mono8``. ``note``: what was dropped or turned, a
    sentence for people, or empty. ``orientation``: the Exif orientation 1..8 of the file, which the pixels have been turned by.
    """

    pixels: npt.NDArray[np.uint8]
    pixel_format: str
    note: str = ""
    orientation: int = 1

    @property
    def bgr8(self) -> npt.NDArray[np.uint8]:
        """(H, W, 3) uint8, grey repeated."""
        return self.pixels if self.pixels.ndim == 3 else np.repeat(self.pixels[..., None], 3, 2)

    @property
    def rgb8(self) -> npt.NDArray[np.uint8]:
        """(H, W, 3) uint8, grey repeated; contiguous."""
        return np.ascontiguousarray(self.bgr8[..., ::-1])


def read_picture(path: Path) -> Picture:
    """The picture in a file. Raises PictureError, and OSError where the file cannot be opened."""
    return decode_picture(path.read_bytes(), str(path))


def decode_picture(data: Any, name: str) -> Picture:
    """The picture in the bytes of a file (bytes-like): JPEG, and what OpenCV reads (PNG, WebP, TIFF, BMP, PNM).

    ``name`` is what the error calls it. Taken are 8 bits a sample (fewer are scaled), grey or colour. The pixels are turned as the file's
    Exif orientation says, transparency is dropped, and ``note`` says so. Raises PictureError for anything else, and for a file of which a
    part is missing.
    """
    view = memoryview(data).cast("B")
    if bytes(view[:3]) == jpeg.MAGIC:
        return _decode_jpeg(view, name)
    stored = _full_range(decode_stored(view, name), view)
    orientation = structure.orientation(view)
    pixels, note = stored, ""
    if stored.ndim == 3 and stored.shape[2] == 4:
        pixels = np.ascontiguousarray(stored[..., :3])
        note = "" if bool((stored[..., 3] == 255).all()) else "its transparency is dropped"
    pixels = exif.upright(pixels, orientation)
    return Picture(pixels, "mono8" if pixels.ndim == 2 else "bgr8", _joined(note, _turned(orientation)), orientation)


def decode_stored(view: memoryview, name: str) -> npt.NDArray[np.uint8]:
    """(H, W), (H, W, 3) bgr8 or (H, W, 4) bgra8 of a file, neither turned nor stripped of transparency. Raises PictureError."""
    import cv2

    if not len(view):
        raise PictureError(f"{name}: no picture: the file is empty")
    file = structure.png(view)
    if file is not None and file.width * file.height > MAX_PIXELS:
        raise PictureError(f"{name}: {file.width}x{file.height} pixels, expected at most {MAX_PIXELS}")
    try:
        stored = cv2.imdecode(np.frombuffer(structure.without_orientation(view), np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise PictureError(f"{name}: no picture: {error}") from None
    if stored is None or not stored.size:
        raise PictureError(f"{name}: no picture: it is damaged, cut short, or of a format that this OpenCV was built without")
    if stored.dtype != np.uint8:
        raise PictureError(f"{name}: {_depth(stored)}, expected 8")
    return np.asarray(stored)


def _decode_jpeg(view: memoryview, name: str) -> Picture:
    try:
        grey = jpeg.components(view) == 1
        pixel_format = "mono8" if grey else "bgr8"
        pixels = jpeg.decode(view, MAX_PIXELS, fast_dct=False, pixel_format=pixel_format)
        orientation = jpeg.orientation(view)
    except CodecError as error:
        raise PictureError(f"{name}: {error}") from None
    return Picture(pixels, pixel_format, _turned(orientation), orientation)


def _full_range(stored: npt.NDArray[np.uint8], view: memoryview) -> npt.NDArray[np.uint8]:
    """PGM and PPM files say which value is white; OpenCV's reader ignores it."""
    white = structure.pnm_maximum(view)
    if not white or white >= 255:
        return stored
    scaled = (np.arange(256) * 255 + white // 2) // white
    return np.minimum(scaled, 255).astype(np.uint8)[stored]


def _depth(pixels: npt.NDArray[Any]) -> str:
    if pixels.dtype.kind in "ui":
        return f"{8 * pixels.dtype.itemsize} bits a sample"
    return f"samples of type {pixels.dtype}, {8 * pixels.dtype.itemsize} bits a sample"


def _turned(orientation: int) -> str:
    return "" if orientation == 1 else f"it is turned as its Exif orientation {orientation} says"


def _joined(*notes: str) -> str:
    return "; ".join(note for note in notes if note)
