# SPDX-License-Identifier: Apache-2.0
"""Strips of a frame back to pixels, whichever of them have arrived."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _native
from ..errors import CodecError
from ..images import MAX_PIXELS, check_max_pixels, check_out
from ..payloads import Payload, as_bytes_view
from ..targets import current_target
from ..threads import check_threads
from .decoding import colour_number

_EOC = b"\xff\x11"

REACH: dict[int, tuple[int, int]] = {0: (0, 0), 1: (1, 2), 2: (3, 4)}
"""Vertical wavelet levels -> rows above and below a lost slice that the synthesis makes of it (clause 7 of the inverse transform)."""


def strip_slices(payload: Payload, max_pixels: int = MAX_PIXELS) -> tuple[dict[str, Any], range]:
    """(header fields of the frame, the slices that a strip holds). Raises CodecError where the payload is no strip."""
    view = as_bytes_view(payload)
    max_pixels = check_max_pixels(max_pixels)
    try:
        fields = _native.jpegxs_header(view, max_pixels, True)
        present = _native.jpegxs_slices(view, max_pixels)
    except ValueError as error:
        raise CodecError(str(error)) from None
    there = np.flatnonzero(present)
    if there.size == 0 or there[-1] - there[0] + 1 != there.size:
        raise CodecError(f"strip holds slices {there.tolist()}, expected one or more that follow one another")
    return fields, range(int(there[0]), int(there[-1]) + 1)


def decode_strips(
    strips: Sequence[Payload],
    max_pixels: int = MAX_PIXELS,
    threads: int = 1,
    out: npt.NDArray[np.uint8] | None = None,
    colour: str | None = None,
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]:
    """Decode the strips of one frame that have arrived, in any order: (H, W, 3) uint8 rgb8, and (H,) bool, True for damaged rows.

    Damaged rows are those of missing slices and the rows beside them that the wavelet reaches; their pixels are unspecified. With all
    strips the pixels are those that `decode` makes of the frame's codestream. max_pixels, threads, out, colour: as for `decode`.
    Raises CodecError, also where the strips have different headers or hold a slice twice.
    """
    if not strips:
        raise CodecError("strips are empty, expected at least one")
    max_pixels, threads = check_max_pixels(max_pixels), check_threads(threads)
    views = [as_bytes_view(strip) for strip in strips]
    fields, first = strip_slices(views[0], max_pixels)
    at = fields["header_bytes"]
    head = views[0][:at]
    pieces = {first.start: (first, views[0][at:-2])}
    for view in views[1:]:
        if view[:at] != head:
            raise CodecError(f"strip of {len(view)} bytes has other header segments than the first one, expected strips of one frame")
        _, slices = strip_slices(view, max_pixels)
        pieces[slices.start] = (slices, view[at:-2])
    ordered = [pieces[start] for start in sorted(pieces)]
    held = [index for slices, _ in ordered for index in slices]
    if len(ordered) != len(views) or len(set(held)) != len(held):
        raise CodecError("strips hold a slice twice, expected each once")
    stream = memoryview(b"".join([head, *(piece for _, piece in ordered), _EOC]))
    width, height = fields["Wf"], fields["Hf"]
    if out is None:
        out = np.empty((height, width, 3), np.uint8)
    else:
        check_out(out, width, height)
    try:
        # What follows a strip's EOC would end the frame there.
        if np.flatnonzero(_native.jpegxs_slices(stream, max_pixels)).tolist() != sorted(held):
            raise CodecError(f"strips hold slices {sorted(held)}, expected nothing behind the EOC of each")
        _native.jpegxs_decode_pixels(stream, max_pixels, out, colour_number(fields, colour), threads, current_target(), True)
    except CodecError:
        raise
    except ValueError as error:
        raise CodecError(str(error)) from None
    return out, _damaged(fields, set(held))


def _damaged(fields: dict[str, Any], present: set[int]) -> npt.NDArray[np.bool_]:
    rows = fields["Hsl"] << fields["NLy"]
    above, below = REACH[fields["NLy"]]
    damaged = np.zeros(fields["Hf"], bool)
    for index in range(fields["slices"]):
        if index not in present:
            damaged[max(0, index * rows - above) : (index + 1) * rows + below] = True
    return damaged
