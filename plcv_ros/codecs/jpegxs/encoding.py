# SPDX-License-Identifier: Apache-2.0
"""The JPEG XS encoder (ISO/IEC 21122-1): constant rate to the byte, or lossless."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _native
from ..errors import CodecError
from ..images import PIXEL_FORMATS, YUV422_FORMATS, check_image, check_size
from ..payloads import Encoded, Strip, writable_view
from ..targets import current_target
from ..threads import check_threads
from .presets import PRECISIONS, QUANTIZERS, SEARCHES, SIGNS, Tools, profile_of, tools_of
from .weights import Weights, load_weights

RATE_CONTROLS: tuple[str, ...] = ("slice", "picture")

MAX_BPP = 64.0
"""Largest `bpp` accepted; what a picture can take is less where precincts would get longer than the format allows."""

_FORMATS: dict[str, int] = {**PIXEL_FORMATS, **YUV422_FORMATS}
_FORMAT_NUMBERS = {name: number for number, name in enumerate(_FORMATS)}


class JxsCodec:
    """JPEG XS encoder of one rate and choice of coding tools; `jpegxs.decode` and every conforming decoder read what it writes.

    Life cycle: make one, call `encode` for every frame. It holds no state between frames, so one codec serves several Python threads at
    once, and a frame's bytes depend on its pixels alone: not on the number of threads, the instruction set or earlier frames. The GIL is
    released while a frame is worked on.

    Memory: pixel (x, y), byte c of an image is at ``address + y * strides[0] + x * bytes_per_pixel + c``; strides[0] may be anything,
    negative included. Nothing is read or written beside the pixels and the payload.

    bpp: bits a pixel of the whole codestream, headers included. preset: "high" (5/2 wavelet levels), "main" (5/1) or "pruned" (see
    docs/jpegxs.md); the switches of `presets.Tools` override it one by one. rate_control: "slice" gives every slice (16 rows) exactly its
    share of the bytes, for the lowest latency; "picture" carries what a slice leaves over to the next one, and uses one thread.
    lossless: the exact pixels in as many bytes as they take; bpp is ignored. weights: gains and priorities of the bands, see
    `load_weights`. threads: how many groups of slices are worked on at once. Raises CodecError.
    """

    name = "jxs"
    pixel_formats: Mapping[str, int] = _FORMATS

    def __init__(
        self,
        bpp: float = 3.0,
        preset: str = "high",
        significance: bool | None = None,
        rate_control: str = "slice",
        lossless: bool = False,
        weights: str | Path | Mapping[str, Any] | None = None,
        threads: int = 1,
        vertical_prediction: bool | None = None,
        raw_counts: bool | None = None,
        quantizer: str | None = None,
        signs: str | None = None,
        levels: str | None = None,
        precision: str | None = None,
        search: str | None = None,
        colour_transform: bool | None = None,
    ) -> None:
        if isinstance(bpp, bool) or not isinstance(bpp, (int, float, np.integer, np.floating)) or not 0 < bpp <= MAX_BPP:
            raise CodecError(f"bpp is {bpp!r}, expected a number above 0 and at most {MAX_BPP:g}")
        if not isinstance(rate_control, str) or rate_control not in RATE_CONTROLS:
            raise CodecError(f"rate_control is {rate_control!r}, expected one of {', '.join(RATE_CONTROLS)}")
        if not isinstance(lossless, bool):
            raise CodecError(f"lossless is {lossless!r}, expected true or false")
        switches = {
            "significance": significance,
            "vertical_prediction": vertical_prediction,
            "raw_counts": raw_counts,
            "quantizer": quantizer,
            "signs": signs,
            "levels": levels,
            "precision": precision,
            "search": search,
            "colour_transform": colour_transform,
        }
        self.bpp = float(bpp)
        self.preset = preset
        self.tools: Tools = tools_of(preset, switches)
        self.rate_control = rate_control
        self.lossless = lossless
        self.weights: Weights | None = load_weights(weights)
        self.threads = check_threads(threads)
        self.target = current_target()

    @property
    def detail(self) -> str:
        """The rate as text, e.g. "3bpp", or "lossless"."""
        return "lossless" if self.lossless else f"{self.bpp:g}bpp"

    def __repr__(self) -> str:
        rate = "lossless=True" if self.lossless else f"bpp={self.bpp:g}"
        return f"JxsCodec({rate}, preset={self.preset!r}, {self.tools}, rate_control={self.rate_control!r}, threads={self.threads})"

    def payload_size(self, width: int, height: int) -> int | None:
        """Bytes of every payload of this size, or None in lossless mode."""
        width, height = check_size(width, height)
        return None if self.lossless else math.ceil(math.floor(width * height * self.bpp) / 8)

    def smallest_bpp(self, width: int, height: int, pixel_format: str = "rgb8") -> float:
        """The smallest `bpp` that pictures of this size can have with these tools, whatever is in them. Raises CodecError."""
        width, height = check_size(width, height)
        if not isinstance(pixel_format, str) or pixel_format not in _FORMATS:
            raise CodecError(f"pixel_format is {pixel_format!r}, expected one of {', '.join(_FORMATS)}")
        try:
            smallest = _native.jpegxs_smallest(width, height, _FORMAT_NUMBERS[pixel_format], self._options(pixel_format))
        except ValueError as error:
            raise CodecError(str(error)) from None
        return 8 * smallest / (width * height)

    def encode(self, image: npt.NDArray[np.uint8], pixel_format: str = "rgb8", out: Any = None) -> Encoded:
        """Encode one frame to a JPEG XS codestream: bytes, or, with `out`, a memoryview of the part of it that was written.

        image: (H, W, 3) uint8 for rgb8 and bgr8, (H, W, 4) for rgba8 and bgra8 (alpha is ignored), (H, W) or (H, W, 1) for mono8, coded as
        one component, (H, W, 2) with even W for yuv422 (UYVY) and yuv422_yuy2 (YUYV), coded as 4:2:2 without going through RGB. At least
        2 pixels wide (4 for 4:2:2), at most 16384x16384. out: writable buffer of at least `payload_size` bytes; it must not overlap the
        image. Raises CodecError, also where `bpp` is too small for pictures of this size; the error names the smallest possible one.
        """
        image, width, height = check_image(image, pixel_format, _FORMATS)
        size = self.payload_size(width, height)
        target = None if out is None or size is None else writable_view(out, size)
        try:
            payload: Encoded = _native.jpegxs_encode(
                image, width, height, _FORMAT_NUMBERS[pixel_format], self._options(pixel_format), size or 0, self.threads, self.target, target
            )
        except ValueError as error:
            raise CodecError(str(error)) from None
        if out is None or size is not None:
            return payload
        target = writable_view(out, len(payload))
        target[:] = payload
        return target

    def encode_strips(self, image: npt.NDArray[np.uint8], pixel_format: str = "rgb8", max_bytes: int = 5200) -> Iterator[Strip]:
        """Encode one frame as strips of whole slices, each as soon as it is asked for; `decode_strips` puts them together.

        A strip is the frame's header segments, one or more of its slices, and EOC: at most `max_bytes` bytes, but at least one slice (16
        rows). Its slices are those of the frame's codestream. Raises CodecError, also with rate_control "picture" and in lossless mode,
        whose slices have no size of their own.
        """
        image, width, height = check_image(image, pixel_format, _FORMATS)
        if isinstance(max_bytes, bool) or not isinstance(max_bytes, (int, np.integer)) or max_bytes < 1:
            raise CodecError(f"max_bytes is {max_bytes!r}, expected a positive int")
        size = self.payload_size(width, height)
        if size is None or self.rate_control != "slice":
            raise CodecError("strips need slices of a constant size, expected rate_control 'slice' and no lossless mode")
        options, number = self._options(pixel_format), _FORMAT_NUMBERS[pixel_format]
        try:
            slices, rows, one, further = _native.jpegxs_slicing(width, height, number, options, size)
        except ValueError as error:
            raise CodecError(str(error)) from None
        each = 1 + max(0, (int(max_bytes) - one) // further) if further else 1
        count = -(-slices // each)

        def coded(index: int) -> bytes:
            last = min((index + 1) * each, slices)
            return _native.jpegxs_encode_strip(image, width, height, number, options, size, index * each, last, self.target)

        return (Strip(index, count, index * each * rows, coded(index)) for index in range(count))

    def _options(self, pixel_format: str) -> dict[str, Any]:
        tools = self.tools
        levels_x, levels_y = (int(n) for n in tools.levels.split("/"))
        is_rgb = pixel_format not in YUV422_FORMATS and pixel_format != "mono8"
        return {
            "lossless": self.lossless,
            "rate_control": RATE_CONTROLS.index(self.rate_control),
            "search": SEARCHES.index(tools.search),
            "precision": PRECISIONS.index(tools.precision),
            "levels_x": levels_x,
            "levels_y": levels_y,
            "colour_transform": tools.colour_transform,
            "significance": tools.significance,
            "vertical_prediction": tools.vertical_prediction,
            "raw_counts": tools.raw_counts,
            "uniform_quantizer": QUANTIZERS.index(tools.quantizer),
            "separate_signs": SIGNS.index(tools.signs),
            "profile": profile_of(tools, self.lossless, is_rgb),
            "gains": [] if self.weights is None else list(self.weights.gains),
            "priorities": [] if self.weights is None else list(self.weights.priorities),
        }
