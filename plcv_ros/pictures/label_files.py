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


def read_labels(path: Path, picture: Picture) -> npt.NDArray[np.uint8]:
    """(H, W) uint8 ids that lie on ``picture``, of its size.

    The file has one 8-bit channel. Where the picture was turned by its Exif orientation and the labels have the size that the picture is
    stored in, they are turned with it; labels with an orientation of their own are turned by that. Raises PictureError for labels of
    another size or kind, and OSError.
    """
    view = memoryview(path.read_bytes())
    ids = decode_stored(view, str(path))
    if ids.ndim != 2:
        raise PictureError(f"{path}: shape {ids.shape}, expected one 8-bit channel of class ids")
    own = structure.orientation(view)
    shown = picture.pixels.shape[:2]
    stored = shown[::-1] if exif.swaps_sides(picture.orientation) else shown
    if own != 1:
        ids = exif.upright(ids, own)
    elif ids.shape == stored:
        ids = exif.upright(ids, picture.orientation)
    if ids.shape != shown:
        raise PictureError(f"{path}: labels of {ids.shape[1]}x{ids.shape[0]} pixels, expected the picture's {shown[1]}x{shown[0]}")
    return ids
