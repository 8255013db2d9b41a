# SPDX-License-Identifier: Apache-2.0
"""What the header fields of the formats mean, in a few words, for ``plcv info``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_ASTC = {
    "magic": "an .astc file",
    "block_x": "width of a block, texels",
    "block_y": "height of a block, texels",
    "block_z": "depth of a block, texels; 1 in two dimensions",
    "width": "texels",
    "height": "texels",
    "depth": "texels; 1 for a picture",
}

_JPEG = {
    "process": "how the samples are coded",
    "precision": "bits a sample",
    "height": "pixels",
    "width": "pixels",
    "components": "sampling factors: the largest is full resolution",
    "restart_interval": "coded units between restart markers; 0 none",
    "jfif_version": "JFIF",
    "density": "pixels",
    "exif_bytes": "size of the Exif segment",
    "orientation": "1 as stored; from 2 on decoding turns the picture, from 5 on width and height change places",
    "adobe_transform": "Adobe's colour transform: 0 none, 1 YCbCr, 2 YCCK",
    "comments": "comment segments",
}


_JPEGXS = {
    "cap": "capabilities that a decoder needs",
    "Lcod": "bytes of the codestream; 0 = not stated",
    "Ppih": "profile",
    "Plev": "level and sublevel",
    "Wf": "width, samples of the grid",
    "Hf": "height, samples of the grid",
    "Cw": "precinct width, units of 8 max(sx) 2^NLx samples; 0 = the picture's width",
    "Hsl": "slice height, precinct rows",
    "Nc": "components",
    "Ng": "coefficients of a code group",
    "Ss": "code groups of a significance group",
    "Bw": "bits of the wavelet's input",
    "Fq": "fractional bits of the coefficients; 0 where lossless coding is possible",
    "Br": "bits of a raw bit-plane count",
    "Fslc": "slice coding mode",
    "Ppoc": "progression order",
    "Cpih": "colour transform",
    "NLx": "horizontal decompositions",
    "NLy": "vertical decompositions",
    "Lh": "packet headers",
    "Rl": "raw switch",
    "Qpih": "quantizer",
    "Fs": "signs",
    "Rm": "run mode of significance flags",
    "B": "bits a sample of the components",
    "sx": "horizontal sampling factors of the components",
    "sy": "vertical sampling factors of the components",
    "G": "gains of the bands",
    "P": "priorities of the bands",
    "Tnlt": "non-linear output transform",
    "DCO": "its offset (type 1)",
    "T1": "its lower threshold (type 2)",
    "T2": "its upper threshold (type 2)",
    "E": "its slope (type 2)",
    "COM": "comments: 0 vendor, 1 copyright",
    "component_sizes": "samples; from Wf, Hf, sx, sy",
    "slices": "from Hf, Hsl, NLy",
    "precinct_rows": "from Hf, NLy",
    "precinct_columns": "from Wf, Cw",
    "header_bytes": "where the first slice starts",
}

_JPEGXS_VALUES: dict[str, dict[int, str]] = {
    "Ppih": {
        0x0000: "unrestricted",
        0x1500: "Light 422.10",
        0x1A00: "Light 444.12",
        0x2500: "Light-Subline 422.10",
        0x3240: "Main 420.12",
        0x3540: "Main 422.10",
        0x3A40: "Main 444.12",
        0x3E40: "Main 4444.12",
        0x4240: "High 420.12",
        0x4A40: "High 444.12",
        0x4E40: "High 4444.12",
        0x6EC0: "MLS.12, lossless",
        0x9300: "Light Bayer",
        0xB340: "Main Bayer",
        0xC340: "High Bayer",
    },
    "Cpih": {0: "none: components are coded as they are", 1: "reversible (RCT): components are R, G, B", 3: "Star-Tetrix (Bayer)"},
    "Tnlt": {0: "none", 1: "quadratic", 2: "extended"},
    "Lh": {0: "short where they suffice", 1: "always long"},
    "Rl": {0: "one for all packets of a precinct", 1: "one a packet"},
    "Qpih": {0: "deadzone", 1: "uniform"},
    "Fs": {0: "among the data", 1: "in sub-packets of their own"},
    "Rm": {0: "flagged groups keep their predicted bit-plane count", 1: "flagged groups have no bit planes"},
}
"""Field -> what its values mean (ISO/IEC 21122-1, Annex A, and the profiles of part 2)."""

_LEVELS = {
    0x00: "unrestricted",
    0x04: "1k-1",
    0x10: "2k-1",
    0x20: "4k-1",
    0x24: "4k-2",
    0x28: "4k-3",
    0x30: "8k-1",
    0x34: "8k-2",
    0x38: "8k-3",
    0x40: "10k-1",
}
_SUBLEVELS = {0x00: "unrestricted", 0x80: "full", 0x10: "12 bpp", 0x0C: "9 bpp", 0x08: "6 bpp", 0x06: "4 bpp", 0x04: "3 bpp", 0x03: "2 bpp"}


_CAPABILITIES = {
    0x4000: "Star-Tetrix",
    0x2000: "quadratic transform",
    0x1000: "extended transform",
    0x0800: "4:2:0",
    0x0400: "components without wavelet transform",
    0x0200: "lossless",
    0x0080: "raw switch a packet",
}
_NONLINEARITY = {"DCO": 1, "T1": 2, "T2": 2, "E": 2}
"""Field -> the type of non-linear transform that has it."""
_HEXADECIMAL = ("cap", "Ppih", "Plev")


def _jpegxs(name: str, value: Any) -> str:
    text = _JPEGXS.get(name, "")
    if name == "Plev":
        return f"level {_LEVELS.get(value >> 8, 'unknown')}, sublevel {_SUBLEVELS.get(value & 255, 'unknown')}"
    if name == "cap":
        return f"{text}: {', '.join(word for bit, word in _CAPABILITIES.items() if value & bit) or 'none'}"
    if name in _JPEGXS_VALUES:
        return f"{text}: {_JPEGXS_VALUES[name].get(value, 'unknown')}"
    return text


def meaning(codec: str, name: str, header: Mapping[str, Any]) -> str:
    """What field ``name`` of a ``codec`` header says; empty for one that explains itself. ``header`` holds all of its fields."""
    if codec == "jxs":
        return _jpegxs(name, header[name])
    if codec == "jpeg" and name.startswith("quantization_table_"):
        return "divisors in zig-zag order"
    return {"astc": _ASTC, "jpeg": _JPEG}.get(codec, {}).get(name, "")


def is_present(codec: str, name: str, header: Mapping[str, Any]) -> bool:
    """Whether the field is in this file at all: a JPEG XS transform has the numbers of its type alone."""
    wanted = _NONLINEARITY.get(name) if codec == "jxs" else None
    return wanted is None or wanted == header["Tnlt"]


def value_text(name: str, value: Any) -> str:
    """A field's value as a table shows it: lists in one cell, their objects one a line."""
    if name in _HEXADECIMAL:
        return f"{value:#06x}"
    if name == "component_sizes":
        return " ".join(f"{width}x{height}" for width, height in value)
    if isinstance(value, (list, tuple)):
        return "\n".join(value_text("", item) for item in value) if value and isinstance(value[0], dict) else " ".join(map(str, value))
    if isinstance(value, dict):
        return ", ".join(f"{key} {item}" for key, item in value.items())
    return str(value)
