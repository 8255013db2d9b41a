# SPDX-License-Identifier: Apache-2.0
"""What the segments of a JPEG file say, up to the entropy-coded data (ITU-T T.81, annex B; JFIF 1.02). For people, not for decoding."""

from __future__ import annotations

from typing import Any

from . import exif
from .errors import CodecError
from .jpeg_frame import segments

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
_DQT, _DRI, _APP0, _APP1, _APP14, _COM = 0xDB, 0xDD, 0xE0, 0xE1, 0xEE, 0xFE
_UNITS = {0: "aspect ratio", 1: "per inch", 2: "per cm"}


def fields(view: memoryview) -> dict[str, Any]:
    """The header's fields by name, in the file's order; CodecError where the segments do not add up to a header."""
    found: dict[str, Any] = {}
    comments: list[str] = []
    tables: dict[str, list[int]] = {}
    try:
        for code, start, end in segments(view):
            body = bytes(view[start:end])
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
                found["orientation"] = exif.orientation(body[6:])[0]
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
