# SPDX-License-Identifier: Apache-2.0
"""Decoding of JPEG XS codestreams (ISO/IEC 21122-1): 1 or 3 components of 8 to 16 bits, 4:4:4, 4:2:2 and 4:2:0, all coding tools but
Star-Tetrix, components without wavelet transform, and temporal differential coding. Clauses are the standard's."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _native
from ..errors import CodecError
from ..images import MAX_PIXELS, check_max_pixels, check_out
from ..payloads import Payload, as_bytes_view
from ..targets import current_target
from ..threads import check_threads

MAGIC = bytes.fromhex("ff10ff50")
"""How every codestream starts: the markers SOC and CAP."""

FILE_SIGNATURE = bytes.fromhex("0000000c4a5853200d0a870a")
"""How a JPEG XS file with boxes starts (ISO/IEC 21122-3). Only codestreams are decoded; the error for such a file says so."""

COLOURS: tuple[str, ...] = ("rgb", "bt601-full", "bt601-limited")
"""What the components of a codestream can be: R, G, B, or Y, Cb, Cr of ITU-R BT.601 with samples in full or limited range."""

_GREY, _GREY_LIMITED, _RGB, _YCBCR, _YCBCR_LIMITED = range(5)  # enum Colour of csrc/jpegxs/decode/output.h
_COM = 0xFF15


def header(payload: Payload, max_pixels: int = MAX_PIXELS) -> dict[str, Any]:
    """Every header field of the first codestream, by the standard's names (Annex A): ints, and tuples of one a component or band.

    ``cap`` holds the capability bits, the first one as 0x8000; ``B``, ``sx``, ``sy`` are depths in bits and sampling factors of the
    components; ``G`` and ``P`` gains and priorities of the bands; ``Tnlt`` with ``DCO``, ``T1``, ``T2``, ``E`` the non-linear transform
    (0: none); ``COM`` pairs of Tcom and bytes. What follows from them: ``component_sizes`` (width, height), ``slices``,
    ``precinct_rows``, ``precinct_columns``, and ``header_bytes``, where the first slice starts. Raises CodecError.
    """
    view = as_bytes_view(payload)
    try:
        fields = _native.jpegxs_header(view, check_max_pixels(max_pixels))
    except ValueError as error:
        raise CodecError(str(error)) from None
    return fields | {"COM": _comments(view[: fields["header_bytes"]])}


def _comments(segments: memoryview) -> tuple[tuple[int, bytes], ...]:
    found = []
    at = 2
    while at < len(segments):
        code, length = (int.from_bytes(segments[i : i + 2], "big") for i in (at, at + 2))
        if code == _COM:
            found.append((int.from_bytes(segments[at + 4 : at + 6], "big"), bytes(segments[at + 6 : at + 2 + length])))
        at += 2 + length
    return tuple(found)


def split(payload: Payload, max_pixels: int = MAX_PIXELS) -> list[memoryview]:
    """The codestreams (frames) of a file that holds one after the other, as views of the payload; codestreams are not decoded.

    Raises CodecError where one of them has no valid structure (headers, lengths, EOC).
    """
    view = as_bytes_view(payload)
    max_pixels = check_max_pixels(max_pixels)
    codestreams: list[memoryview] = []
    while len(view) or not codestreams:
        try:
            length = _native.jpegxs_length(view, max_pixels)
        except ValueError as error:
            raise CodecError(f"codestream {len(codestreams)}: {error}") from None
        codestreams.append(view[:length])
        view = view[length:]
    return codestreams


def decode_planes(payload: Payload, max_pixels: int = MAX_PIXELS, threads: int = 1) -> list[npt.NDArray[Any]]:
    """Decode the first codestream to its components as they are: one (Hc, Wc) array each, uint8 for 8 bits a sample, else uint16.

    With Cpih = 1 these are R, G, B, behind the inverse colour transform. max_pixels bounds Wf * Hf before anything is allocated;
    `split` gives the other codestreams of the payload. Raises CodecError.
    """
    view = as_bytes_view(payload)
    max_pixels, threads = check_max_pixels(max_pixels), check_threads(threads)
    fields = header(view, max_pixels)
    sizes = zip(fields["component_sizes"], fields["B"])
    planes: list[npt.NDArray[Any]] = [np.empty((height, width), np.uint8 if depth == 8 else np.uint16) for (width, height), depth in sizes]
    try:
        _native.jpegxs_decode_planes(view, max_pixels, planes, threads, current_target())
    except ValueError as error:
        raise CodecError(str(error)) from None
    return planes


def decode(
    payload: Payload,
    max_pixels: int = MAX_PIXELS,
    threads: int = 1,
    out: npt.NDArray[np.uint8] | None = None,
    colour: str | None = None,
) -> npt.NDArray[np.uint8]:
    """Decode the first codestream to (H, W, 3) uint8 rgb8.

    A codestream does not say what its components are. colour: one of COLOURS, or None: three components are R, G, B in 4:4:4 and full
    range BT.601 where they are subsampled; one component is grey, in limited range where "bt601-limited" says so. Samples of B > 8 bits
    become min((s + 2^(B-9)) >> (B-8), 255); a subsampled colour difference holds for all the pixels it covers.

    threads: how many groups of slices are decoded at once; the pixels do not depend on it, nor on the instruction set. out: (H, W, 3)
    uint8 array to decode into, rows any distance apart, returned; unspecified after an error. Raises CodecError.
    """
    view = as_bytes_view(payload)
    max_pixels, threads = check_max_pixels(max_pixels), check_threads(threads)
    try:
        fields = _native.jpegxs_header(view, max_pixels)
        width, height = fields["Wf"], fields["Hf"]
        kind = colour_number(fields, colour)
        if out is None:
            out = np.empty((height, width, 3), np.uint8)
        else:
            check_out(out, width, height)
        _native.jpegxs_decode_pixels(view, max_pixels, out, kind, threads, current_target())
    except CodecError:
        raise
    except ValueError as error:
        raise CodecError(str(error)) from None
    return out


def colour_number(fields: dict[str, Any], colour: str | None) -> int:
    """The native decoder's number of what the components are taken for. Raises CodecError where they cannot be that."""
    if colour is not None and (not isinstance(colour, str) or colour not in COLOURS):
        raise CodecError(f"colour is {colour!r}, expected None or one of {', '.join(COLOURS)}")
    if fields["Nc"] == 1:
        if colour == "rgb":
            raise CodecError("colour is 'rgb', expected None or BT.601: the codestream has one component")
        return _GREY_LIMITED if colour == "bt601-limited" else _GREY
    subsampled = fields["sx"][1] > 1
    if colour == "rgb" and subsampled:
        raise CodecError("colour is 'rgb', expected None or BT.601: the codestream's components are subsampled")
    if fields["Cpih"] == 1 and colour not in {None, "rgb"}:
        raise CodecError(f"colour is {colour!r}, expected None or 'rgb': the codestream's components are R, G, B (Cpih is 1)")
    if colour is None:
        colour = "bt601-full" if subsampled else "rgb"
    return {"rgb": _RGB, "bt601-full": _YCBCR, "bt601-limited": _YCBCR_LIMITED}[colour]
