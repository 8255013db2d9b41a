# SPDX-License-Identifier: Apache-2.0
"""Label files: a class id for every pixel of a picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from plcv_ros.codecs import exif
from plcv_ros.pictures import structure
from plcv_ros.pictures.errors import PictureError
from plcv_ros.pictures.reading import Picture, decode_stored

EXPECTED = "expected an 8-bit grey PNG of class ids, or one of palette colours whose indices are class ids"


def read_labels(path: Path, picture: Picture) -> npt.NDArray[np.uint8]:
    """(H, W) uint8 ids that lie on ``picture``, of its size.

    The file is a PNG of one channel: grey values, or indices into a palette, are the ids as they are stored. Where the picture was turned
    by its Exif orientation and the labels have the size that the picture is stored in, they are turned with it; labels with an orientation
    of their own are turned by that. Raises PictureError for labels of another size or kind, and OSError.
    """
    view = memoryview(path.read_bytes())
    ids = _stored_ids(view, str(path))
    own = structure.orientation(view)
    shown = picture.pixels.shape[:2]
    stored = shown[::-1] if exif.swaps_sides(picture.orientation) else shown
    if own != 1:
        ids = exif.upright(ids, own)
    elif ids.shape == stored:
        ids = exif.upright(ids, picture.orientation)
    if ids.shape != shown:
        raise PictureError(f"{path}: labels of the shape {ids.shape} (height, width), expected the picture's, {shown}")
    return ids


def _stored_ids(view: memoryview, name: str) -> npt.NDArray[np.uint8]:
    """(H, W) ids, not turned."""
    file = structure.png(view)
    if file is None:
        raise PictureError(f"{name}: no PNG, {EXPECTED}")
    ids = decode_stored(structure.png_indices(view) if structure.is_palette(file) else view, name)
    if ids.ndim != 2:
        raise PictureError(f"{name}: shape {ids.shape}, {EXPECTED}")
    if file.depth < 8:
        # Readers scale grey of fewer bits to 0..255; ids are not shades.
        ids = np.asarray(ids // (255 // ((1 << file.depth) - 1)), np.uint8)
    return ids
