# SPDX-License-Identifier: Apache-2.0
"""What the segments of a JPEG file say, up to the entropy-coded data (ITU-T T.81, annex B; JFIF 1.02). For people, not for decoding."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .errors import CodecError

_PROCESSES = {
    0xC0: "baseline DCT",
    0xC1: "extended sequential DCT",
    0xC2: "progressive DCT",
    0xC3: "lossless",
    0xC5: "differential sequential DCT",
    0xC6: "differential progressive DCT",
    0xC7: "differential lossless",
    0xC9: "extended sequential DCT, arithmetic",
    0xCA: "progressive DCT, arithmetic",
    0xCB: "lossless, arithmetic",
    0xCD: "differential sequential DCT, arithmetic",
    0xCE: "differential progressive DCT, arithmetic",
    0xCF: "differential lossless, arithmetic",
}
_SOS, _DQT, _DRI, _APP0, _APP1, _APP14, _COM = 0xDA, 0xDB, 0xDD, 0xE0, 0xE1, 0xEE, 0xFE
_UNITS = {0: "aspect ratio", 1: "per inch", 2: "per cm"}


def _segments(view: memoryview) -> Iterator[tuple[int, bytes]]:
    """(marker code, body) of every segment after SOI, the scan header last."""
    at = 2
    while at + 4 <= len(view):
        if view[at] != 0xFF:
            raise CodecError(f"byte {at} of the JPEG file is {view[at]:#04x}, expected the marker 0xff")
        code = view[at + 1]
        if code == 0xFF:  # fill byte
            at += 1
            continue
        length = int.from_bytes(view[at + 2 : at + 4], "big")
        if length < 2 or at + 2 + length > len(view):
            raise CodecError(f"segment {code:#04x} at byte {at} has the length {length}, expected 2 to {len(view) - at - 2}")
        yield code, bytes(view[at + 4 : at + 2 + length])
        if code == _SOS:
            return
        at += 2 + length
    raise CodecError(f"the JPEG file of {len(view)} bytes ends before its first scan")


def fields(view: memoryview) -> dict[str, Any]:
    """The header's fields by name, in the file's order; CodecError where the segments do not add up to a header."""
    found: dict[str, Any] = {}
    comments: list[str] = []
    tables: dict[str, list[int]] = {}
    try:
        for code, body in _segments(view):
            if code in _PROCESSES:
                found |= _frame(code, body)
            elif code == _DQT:
                tables |= _quantization(body)
            elif code == _DRI:
                found["restart_interval"] = int.from_bytes(body[:2], "big")
            elif code == _APP0 and body[:5] == b"JFIF\0":
                found["jfif_version"] = f"{body[5]}.{body[6]:02d}"
                x, y = (int.from_bytes(body[i : i + 2], "big") for i in (8, 10))
                found["density"] = f"{x}x{y}, {_UNITS.get(body[7], body[7])}"
            elif code == _APP1 and body[:4] == b"Exif":
                found["exif_bytes"] = len(body)
            elif code == _APP14 and body[:5] == b"Adobe":
                found["adobe_transform"] = body[11]
            elif code == _COM:
                comments.append(body.decode("latin-1"))
    except IndexError:
        raise CodecError("a segment of the JPEG header is shorter than its fields") from None
    if "process" not in found:
        raise CodecError("the JPEG file has no frame header before its first scan")
    if comments:
        found["comments"] = comments
    return found | tables


def _frame(code: int, body: bytes) -> dict[str, Any]:
    components = [body[6 + 3 * i : 9 + 3 * i] for i in range(body[5])]
    return {
        "process": _PROCESSES[code],
        "precision": body[0],
        "height": int.from_bytes(body[1:3], "big"),
        "width": int.from_bytes(body[3:5], "big"),
        "components": [{"id": c[0], "horizontal": c[1] >> 4, "vertical": c[1] & 15, "quantization_table": c[2]} for c in components],
    }


def _quantization(body: bytes) -> dict[str, list[int]]:
    tables: dict[str, list[int]] = {}
    at = 0
    while at < len(body):
        size = 2 if body[at] >> 4 else 1
        values = [int.from_bytes(body[at + 1 + size * i : at + 1 + size * (i + 1)], "big") for i in range(64)]
        tables[f"quantization_table_{body[at] & 15}"] = values
        at += 1 + 64 * size
    return tables
