# SPDX-License-Identifier: Apache-2.0
"""The frame that strips are placed on: what becomes of their payloads, which rows are there, and what stands in for those that are not."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from plcv_ros import codecs
from plcv_ros.strips.errors import StripError
from plcv_ros.strips.tag import StripTag

Pixels = npt.NDArray[np.uint8]

GREY = 128
"""Stands in for missing rows where there is no previous frame."""


class Canvas:
    """A frame that takes shape. Memory of the frame: (H, W, 3) uint8, allocated once the first strip has told its width."""

    def __init__(self, tag: StripTag, codec: str, max_pixels: int, spare: list[Pixels]) -> None:
        self.tag = tag
        self.codec = codec
        self.placed = 0
        self.there = np.zeros(tag.count, bool)
        self._max_pixels = max_pixels
        self._spare = spare
        self.image: Pixels | None = None
        self._rows = np.zeros(tag.height, bool)

    def place(self, tag: StripTag, codec: str, payload: Any, colour: str | None = None) -> bool:
        """Decode a strip into its rows; False where it was there already. ``colour``: as for :func:`plcv_ros.codecs.decode`. Raises StripError
        or CodecError and changes nothing then."""
        if (tag.count, tag.height) != (self.tag.count, self.tag.height):
            raise StripError(f"strip of {tag.count} strips in {tag.height} rows, expected {self.tag.count} in {self.tag.height} like the first one")
        if codec != self.codec:
            raise StripError(f"strip of the {codec} codec, expected {self.codec} like the first one")
        if self.there[tag.index]:
            return False
        info = codecs.info(payload)
        if info["codec"] != codec:
            raise StripError(f"strip holds a payload of the {info['codec']} codec, expected {codec} as its format says")
        width, rows = int(info["width"]), int(info["height"])
        end = tag.first_row + rows
        covers = f"strip {tag.index + 1} of {tag.count} covers rows {tag.first_row} to {end - 1} of {tag.height}"
        if end > tag.height or (end == tag.height) != tag.last:
            raise StripError(f"{covers}, expected the last strip, and no other, to end there")
        if self._rows[tag.first_row : end].any():
            raise StripError(f"{covers}, expected rows that no other strip has brought")
        image = self._allocated(width)
        codecs.decode(payload, max_pixels=self._max_pixels, out=image[tag.first_row : end], colour=colour)
        self._rows[tag.first_row : end] = True
        self.there[tag.index] = True
        self.placed += 1
        return True

    def _allocated(self, width: int) -> Pixels:
        if self.image is None:
            if width * self.tag.height > self._max_pixels:
                raise StripError(f"frame of {width}x{self.tag.height} pixels, expected at most max_pixels = {self._max_pixels}")
            shape = (self.tag.height, width, 3)
            at = next((k for k, image in enumerate(self._spare) if image.shape == shape), None)
            self.image = np.empty(shape, np.uint8) if at is None else self._spare.pop(at)
        elif self.image.shape[1] != width:
            raise StripError(f"strip is {width} pixels wide, expected {self.image.shape[1]} like the first one")
        return self.image

    def conceal(self, previous: Pixels | None) -> npt.NDArray[np.bool_]:
        """Fill the missing rows from the previous frame (grey where there is none of this size); (H,) bool, True where a row is missing."""
        missing = ~self._rows
        if self.image is not None and missing.any():
            if previous is not None and previous.shape == self.image.shape:
                self.image[missing] = previous[missing]
            else:
                self.image[missing] = GREY
        return missing
