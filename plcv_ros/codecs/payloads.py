# SPDX-License-Identifier: Apache-2.0
"""Bytes in and bytes out: payload arguments as flat buffers, `out` buffers, and the strips of a frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .errors import CodecError

Payload = Any
"""Anything with a contiguous buffer: bytes, bytearray, memoryview, array.array, a uint8 numpy array."""

Encoded = bytes | memoryview
"""What an encoder returns: bytes, or with ``out`` a memoryview of the part of it that was written."""


@dataclass(frozen=True)
class Strip:
    """A horizontal part of a frame. ASTC: its payload decodes alone; JPEG XS: with the others that there are, by `jpegxs.decode_strips`.

    index: 0 .. count-1 from the top; count: strips of the frame; first_row: the image row at which it starts; payload: bytes-like.
    """

    index: int
    count: int
    first_row: int
    payload: Any


def as_bytes_view(payload: Payload) -> memoryview:
    """A flat read-only view of the payload's bytes; CodecError unless it has a contiguous buffer."""
    try:
        view = memoryview(payload)
    except TypeError:
        raise CodecError(f"payload is a {type(payload).__name__}, expected a bytes-like object") from None
    if not view.contiguous:
        raise CodecError(f"payload has strides {view.strides}, expected a contiguous buffer")
    if view.format == "B" and view.ndim == 1:
        return view.toreadonly()
    if 0 in (view.shape or ()):
        return memoryview(b"")
    return view.cast("B").toreadonly()


def writable_view(out: Any, size: int) -> memoryview:
    """The first `size` bytes of the buffer `out`, writable; CodecError where it is read-only, strided or too small."""
    try:
        view = memoryview(out)
    except TypeError:
        raise CodecError(f"out is a {type(out).__name__}, expected a writable buffer") from None
    if view.readonly:
        raise CodecError(f"out is a read-only {type(out).__name__}, expected a writable buffer")
    if not view.contiguous:
        raise CodecError(f"out has strides {view.strides}, expected a contiguous buffer")
    if view.nbytes < size:
        raise CodecError(f"out has {view.nbytes} bytes, expected at least {size}")
    if view.format != "B" or view.ndim != 1:
        view = view.cast("B")
    return view[:size]
