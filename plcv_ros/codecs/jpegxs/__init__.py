# SPDX-License-Identifier: Apache-2.0
"""JPEG XS (ISO/IEC 21122-1): codestreams to samples and back. Nothing of other formats."""

from __future__ import annotations

from .decoding import COLOURS, MAGIC, decode, decode_planes, header, split
from .encoding import JxsCodec

__all__ = ["COLOURS", "MAGIC", "JxsCodec", "decode", "decode_planes", "header", "split"]
