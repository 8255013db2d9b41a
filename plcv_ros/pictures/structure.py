# SPDX-License-Identifier: Apache-2.0
"""Orientation tags of PNG, WebP and TIFF files. OpenCV obeys them for some formats, some flags and some versions; here they are found, and disarmed."""

from __future__ import annotations

import struct

from plcv_ros.codecs import exif

PNG = b"\x89PNG\r\n\x1a\n"
_EXIF = b"Exif\0\0"
_MOST_CHUNKS = 100_000


def orientation(data: memoryview) -> int:
    """Exif orientation 1..8 of a PNG, WebP or TIFF file, 1 where it has none."""
    start = bytes(data[:12])
    if start.startswith(PNG):
        return _of_block(_png_exif(data))
    if start[:4] == b"RIFF" and start[8:] == b"WEBP":
        return _of_block(_webp_exif(data))
    return exif.orientation(data)[0]  # a TIFF file is such a block; nothing else is


def without_orientation(data: memoryview) -> memoryview:
    """The same file, of orientation 1 where it is a TIFF: OpenCV's reader turns those whatever its flags say."""
    at = exif.orientation(data)[1]
    if at is None:
        return data
    copy = bytearray(data)
    copy[at : at + 2] = struct.pack("<H" if copy[:2] == b"II" else ">H", 1)
    return memoryview(copy)


def _of_block(block: memoryview) -> int:
    return exif.orientation(block[len(_EXIF) :] if bytes(block[: len(_EXIF)]) == _EXIF else block)[0]


def _png_exif(data: memoryview) -> memoryview:
    at = len(PNG)
    for _ in range(_MOST_CHUNKS):
        if at + 8 > len(data):
            break
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        if kind == b"eXIf":
            return data[at + 8 : at + 8 + length]
        at += 12 + length
    return data[:0]


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
