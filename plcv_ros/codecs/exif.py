# SPDX-License-Identifier: Apache-2.0
"""Orientation of a picture: where Exif keeps it (CIPA DC-008, tag 0x0112; TIFF 6.0), and how pixels are turned by it."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

Pixels = TypeVar("Pixels", bound=npt.NDArray[Any])

_TAG = 0x0112
_SHORT = 3
_MOST_ENTRIES = 512


def orientation(block: bytes | memoryview) -> tuple[int, int | None]:
    """(1..8, byte offset of the value or None) of a TIFF-structured block: the body of an Exif segment after ``Exif\\0\\0``, or a TIFF file.

    1 (as stored) where the block holds no orientation, or none that the standard knows: viewers show such a picture as it is stored.
    """
    order = {b"II": "little", b"MM": "big"}.get(bytes(block[:2]))
    if order is None or len(block) < 8:
        return 1, None

    def number(at: int, size: int) -> int:
        return int.from_bytes(block[at : at + size], "little" if order == "little" else "big")

    if number(2, 2) != 42:
        return 1, None
    first = number(4, 4)
    if first + 2 > len(block):
        return 1, None
    for entry in range(first + 2, first + 2 + 12 * min(number(first, 2), _MOST_ENTRIES), 12):
        if entry + 12 > len(block):
            break
        if number(entry, 2) == _TAG:
            value = number(entry + 8, 2)
            known = number(entry + 2, 2) == _SHORT and 1 <= value <= 8
            return (value, entry + 8) if known else (1, entry + 8)
    return 1, None


def swaps_sides(orientation: int) -> bool:
    """Whether a picture of this orientation (1..8) is shown with width and height exchanged."""
    return orientation >= 5


def upright(pixels: Pixels, orientation: int) -> Pixels:
    """(H, W) or (H, W, C) pixels as stored -> as they are shown, (W, H) for orientations 5 to 8; contiguous. The array itself for 1."""
    if orientation == 1:
        return pixels
    turned = pixels.swapaxes(0, 1) if swaps_sides(orientation) else pixels
    if orientation in (3, 4, 7, 8):
        turned = turned[::-1]
    if orientation in (2, 3, 6, 7):
        turned = turned[:, ::-1]
    return np.ascontiguousarray(turned)  # type: ignore[return-value]
