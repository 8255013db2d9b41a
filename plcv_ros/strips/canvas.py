# SPDX-License-Identifier: Apache-2.0
"""The frame that strips are placed on: what becomes of their payloads, which rows are there, and what stands in for those that are not."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import numpy.typing as npt

from plcv_ros import codecs
from plcv_ros.codecs import CodecError, jpegxs
from plcv_ros.strips.errors import StripError
from plcv_ros.strips.spares import Pixels, Spares
from plcv_ros.strips.tag import StripTag

GREY = 128
"""Stands in for missing rows where there is no previous frame."""


class Canvas(ABC):
    """A frame that takes shape. Memory of the frame: (H, W, 3) uint8, allocated once the first strip has told its width.

    ``there``: (count,) bool, the strips that have come; ``rows``: (H,) bool, the rows that they cover, and ``row_count`` their number.
    ``error``: what `finish` found wrong with strips that had been taken in.
    """

    codec = ""

    def __init__(self, tag: StripTag, max_pixels: int, spares: Spares, threads: int, astc_modes: str = "all") -> None:
        self.tag = tag
        self.placed = 0
        self.image: Pixels | None = None
        self.error: CodecError | None = None
        self.there = np.zeros(tag.count, bool)
        self.rows = np.zeros(tag.height, bool)
        self.row_count = 0
        self._max_pixels = max_pixels
        self._spares = spares
        self._threads = threads
        self._astc_modes = astc_modes

    def place(self, tag: StripTag, codec: str, payload: Any, colour: str | None = None) -> bool:
        """Take a strip in; False where it was there already. ``colour``: as for :func:`plcv_ros.codecs.decode`. Raises StripError or CodecError
        and changes nothing then."""
        if (tag.count, tag.height) != (self.tag.count, self.tag.height):
            raise StripError(f"strip of {tag.count} strips in {tag.height} rows, expected {self.tag.count} in {self.tag.height} like the first one")
        if codec != self.codec:
            raise StripError(f"strip of the {codec} codec, expected {self.codec} like the first one")
        if self.there[tag.index]:
            return False
        self._place(tag, payload, colour)
        self.there[tag.index] = True
        self.placed += 1
        return True

    @abstractmethod
    def _place(self, tag: StripTag, payload: Any, colour: str | None) -> None:
        """Check and decode, or keep, a strip that is not there yet."""

    def finish(self, previous: Pixels | None) -> npt.NDArray[np.bool_]:
        """Complete the picture with rows of the previous frame (grey where there is none of this size); (H,) bool, True where they are."""
        missing = self._missing_rows()
        image = self.image
        if image is not None and missing.any():
            image[missing] = previous[missing] if previous is not None and previous.shape == image.shape else GREY
        return missing

    @abstractmethod
    def _missing_rows(self) -> npt.NDArray[np.bool_]:
        """(H,) bool, True for rows that the strips do not give; the others are in the picture when this returns."""

    def _allocate(self, width: int) -> Pixels:
        if self.image is None:
            if width * self.tag.height > self._max_pixels:
                raise StripError(f"frame of {width}x{self.tag.height} pixels, expected at most max_pixels = {self._max_pixels}")
            self.image = self._spares.picture((self.tag.height, width, 3))
        elif self.image.shape[1] != width:
            raise StripError(f"strip is {width} pixels wide, expected {self.image.shape[1]} like the first one")
        return self.image

    def _cover(self, tag: StripTag, end: int) -> None:
        self.rows[tag.first_row : end] = True
        self.row_count += end - tag.first_row

    def _covers(self, tag: StripTag, end: int) -> str:
        return f"strip {tag.index + 1} of {tag.count} covers rows {tag.first_row} to {end - 1} of {tag.height}"


class AstcCanvas(Canvas):
    """Each strip is an .astc file of its own: decoded as it arrives."""

    codec = "astc"

    def _place(self, tag: StripTag, payload: Any, colour: str | None) -> None:
        info = codecs.info(payload)
        if info["codec"] != self.codec:
            raise StripError(f"strip holds a payload of the {info['codec']} codec, expected {self.codec} as its format says")
        width, end = int(info["width"]), tag.first_row + int(info["height"])
        if end > tag.height or (end == tag.height) != tag.last:
            raise StripError(f"{self._covers(tag, end)}, expected the last strip, and no other, to end there")
        if self.rows[tag.first_row : end].any():
            raise StripError(f"{self._covers(tag, end)}, expected rows that no other strip has brought")
        image = self._allocate(width)
        codecs.decode(payload, max_pixels=self._max_pixels, out=image[tag.first_row : end], colour=colour, astc_modes=self._astc_modes)
        self._cover(tag, end)

    def _missing_rows(self) -> npt.NDArray[np.bool_]:
        return ~self.rows


class JxsCanvas(Canvas):
    """A strip holds slices of one codestream, whose wavelet reaches into its neighbours: kept as it arrives, decoded with the others."""

    codec = "jxs"

    def __init__(self, tag: StripTag, max_pixels: int, spares: Spares, threads: int, astc_modes: str = "all") -> None:
        super().__init__(tag, max_pixels, spares, threads, astc_modes)
        self._strips: dict[int, bytes] = {}
        self._slices: set[int] = set()
        self._headers = b""
        self._colour: str | None = None

    def _place(self, tag: StripTag, payload: Any, colour: str | None) -> None:
        fields, slices = jpegxs.strip_slices(payload, self._max_pixels)
        if fields["Hf"] != tag.height:
            raise StripError(f"strip is one of {fields['Hf']} rows, expected {tag.height} as its format says")
        rows = fields["Hsl"] << fields["NLy"]
        end = min(slices.stop * rows, tag.height)
        if slices.start * rows != tag.first_row or (slices.stop == fields["slices"]) != tag.last:
            held = f"slices {slices.start} to {slices.stop - 1} of {fields['slices']}, {rows} rows each"
            raise StripError(f"{self._covers(tag, end)}, expected those of its {held}")
        if self._slices.intersection(slices):
            raise StripError(f"{self._covers(tag, end)}, expected rows that no other strip has brought")
        strip = bytes(payload)
        headers = strip[: fields["header_bytes"]]
        if self._headers and headers != self._headers:
            raise StripError(f"strip {tag.index + 1} of {tag.count} has other header segments than the first one, expected those of one frame")
        self._allocate(int(fields["Wf"]))
        self._headers, self._colour = headers, colour
        self._slices.update(slices)
        self._cover(tag, end)
        self._strips[tag.index] = strip

    def _missing_rows(self) -> npt.NDArray[np.bool_]:
        try:
            _, damaged = jpegxs.decode_strips(list(self._strips.values()), self._max_pixels, self._threads, out=self.image, colour=self._colour)
        except CodecError as error:
            # Each strip's structure was checked as it came; what is wrong within shows only now, and spoils the frame.
            self.error = error
            return np.ones(self.tag.height, bool)
        return damaged


_KINDS: dict[str, type[Canvas]] = {kind.codec: kind for kind in (AstcCanvas, JxsCanvas)}


def make_canvas(tag: StripTag, codec: str, max_pixels: int, spares: Spares, threads: int, astc_modes: str = "all") -> Canvas:
    """The canvas for strips of this codec; raises StripError for a codec without strips."""
    kind = _KINDS.get(codec)
    if kind is None:
        raise StripError(f"strip of the {codec or 'unnamed'} codec, expected one of {', '.join(_KINDS)}")
    return kind(tag, max_pixels, spares, threads, astc_modes)
