# SPDX-License-Identifier: Apache-2.0
"""JPEG XS (ISO/IEC 21122-1): codestreams to samples and back. Nothing of other formats."""

from __future__ import annotations

from .decoding import COLOURS, FILE_SIGNATURE, MAGIC, decode, decode_planes, header, split
from .encoding import JxsCodec
from .strips import decode_strips, strip_slices

__all__ = ["COLOURS", "FILE_SIGNATURE", "MAGIC", "JxsCodec", "decode", "decode_planes", "decode_strips", "header", "split", "strip_slices"]
