# SPDX-License-Identifier: Apache-2.0
"""Pixels to bytes and back: pruned ASTC and JPEG XS (own, C++ and SIMD), JPEG (libjpeg-turbo). No ROS, no torch."""

from __future__ import annotations

from . import jpegxs
from .astc import AstcCodec
from .errors import CodecError
from .images import MAX_PIXELS, PIXEL_FORMATS, YUV422_FORMATS
from .jpeg import JpegCodec
from .jpegxs import JxsCodec
from .payloads import Encoded, Strip
from .registry import CODECS, SUFFIXES, Codec, codec_from, decode, header, info, make_codec
from .targets import simd_targets

__all__ = [
    "CODECS",
    "MAX_PIXELS",
    "PIXEL_FORMATS",
    "SUFFIXES",
    "YUV422_FORMATS",
    "AstcCodec",
    "Codec",
    "CodecError",
    "Encoded",
    "JpegCodec",
    "JxsCodec",
    "Strip",
    "codec_from",
    "decode",
    "header",
    "info",
    "jpegxs",
    "make_codec",
    "simd_targets",
]
