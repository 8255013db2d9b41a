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
    "adobe_transform": "Adobe's colour transform: 0 none, 1 YCbCr, 2 YCCK",
    "comments": "comment segments",
}


def meaning(codec: str, name: str, header: Mapping[str, Any]) -> str:
    """What field ``name`` of a ``codec`` header says; empty for one that explains itself. ``header`` holds all of its fields."""
    if codec == "jpeg" and name.startswith("quantization_table_"):
        return "divisors in zig-zag order"
    return {"astc": _ASTC, "jpeg": _JPEG}.get(codec, {}).get(name, "")
