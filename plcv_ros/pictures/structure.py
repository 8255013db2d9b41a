# SPDX-License-Identifier: Apache-2.0
"""What the headers of PNG, WebP, TIFF and PNM files say that OpenCV's readers keep to themselves, or act on differently from version to version."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from plcv_ros.codecs import exif

_PNG = b"\x89PNG\r\n\x1a\n"
_EXIF = b"Exif\0\0"
_GREY, _PALETTE = 0, 3
_MOST_CHUNKS = 100_000
_PNM = re.compile(rb"P[2356](?:\s|#[^\n]*\n)+(\d+)(?:\s|#[^\n]*\n)+(\d+)(?:\s|#[^\n]*\n)+(\d+)\s")


@dataclass(frozen=True)
class Png:
    """The first chunk of a PNG file. ``depth``: bits a sample; ``colour``: type of colour, 0 grey, 3 palette."""

    width: int
    height: int
    depth: int
    colour: int


def png(data: memoryview) -> Png | None:
    """What a PNG file is; None for other files."""
    if bytes(data[:8]) != _PNG or bytes(data[12:16]) != b"IHDR" or len(data) < 26:
        return None
    return Png(*struct.unpack(">IIBB", data[16:26]))


def orientation(data: memoryview) -> int:
    """Exif orientation 1..8 of a PNG, WebP or TIFF file, 1 where it has none."""
    if bytes(data[:8]) == _PNG:
        return _of_block(next((body for kind, body in _png_chunks(data) if kind == b"eXIf"), data[:0]))
    if bytes(data[:4]) == b"RIFF" and bytes(data[8:12]) == b"WEBP":
        return _of_block(_webp_exif(data))
    return exif.orientation(data)[0]  # a TIFF file is such a block; nothing else is


def without_orientation(data: memoryview) -> memoryview:
    """The same file, of orientation 1 where it is a TIFF: OpenCV's reader turns those whatever its flags say."""
    value, at = exif.orientation(data)
    if at is None or value == 1:
        return data
    copy = bytearray(data)
    copy[at : at + 2] = struct.pack("<H" if copy[:2] == b"II" else ">H", 1)
    return memoryview(copy)


def pnm_maximum(data: memoryview) -> int | None:
    """The value of white in a PGM or PPM file; None for other files."""
    header = _PNM.match(bytes(data[:1024]))
    return int(header[3]) if header else None


def png_indices(data: memoryview) -> memoryview:
    """A PNG file of palette colours -> the grey PNG file of the same depth whose samples are the indices into the palette."""
    grey = bytearray(data[:33])
    grey[25] = _GREY
    grey[29:33] = struct.pack(">I", zlib.crc32(grey[12:29]))
    for kind, body in _png_chunks(data):
        if kind in (b"IDAT", b"IEND"):
            grey += struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(body, zlib.crc32(kind)))
    return memoryview(grey)


def is_palette(file: Png | None) -> bool:
    """Whether a file is a PNG of palette colours."""
    return file is not None and file.colour == _PALETTE


def _png_chunks(data: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    at = len(_PNG)
    for _ in range(_MOST_CHUNKS):
        if at + 8 > len(data):
            return
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        yield kind, data[at + 8 : at + 8 + length]
        at += 12 + length


def _of_block(block: memoryview) -> int:
    return exif.orientation(block[len(_EXIF) :] if bytes(block[: len(_EXIF)]) == _EXIF else block)[0]


def _webp_exif(data: memoryview) -> memoryview:
    at = 12
    for _ in range(_MOST_CHUNKS):
        if at + 8 > len(data):
            break
        kind, length = struct.unpack("<4sI", data[at : at + 8])
        if kind == b"EXIF":
            return data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2
    return data[:0]
