# SPDX-License-Identifier: Apache-2.0
"""Arm's decoder (astc-encoder-py), the reference that payloads are checked against."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest


@cache
def _context(block: tuple[int, int]) -> object:
    astc_encoder = pytest.importorskip("astc_encoder", reason="astc-encoder-py is not installed")
    config = astc_encoder.ASTCConfig(astc_encoder.ASTCProfile.LDR, *block, 1, 60)
    return astc_encoder.ASTCContext(config)


def decode(payload: bytes, block: tuple[int, int], width: int, height: int) -> np.ndarray:
    """(H, W, 3) uint8 of the blocks behind the header."""
    astc_encoder = pytest.importorskip("astc_encoder", reason="astc-encoder-py is not installed")
    image = astc_encoder.ASTCImage(astc_encoder.ASTCType.U8, width, height, 1)
    _context(block).decompress(payload[16:], image, astc_encoder.ASTCSwizzle.from_str("RGBA"))
    return np.frombuffer(image.data, np.uint8).reshape(height, width, 4)[..., :3]


def encode(image: np.ndarray, block: tuple[int, int]) -> bytes:
    """An .astc file whose blocks are in whatever modes Arm's encoder likes."""
    astc_encoder = pytest.importorskip("astc_encoder", reason="astc-encoder-py is not installed")
    height, width = image.shape[:2]
    rgba = np.dstack([image, np.full((height, width), 255, np.uint8)])
    source = astc_encoder.ASTCImage(astc_encoder.ASTCType.U8, width, height, 1, rgba.tobytes())
    blocks = _context(block).compress(source, astc_encoder.ASTCSwizzle.from_str("RGBA"))
    sizes = b"".join(n.to_bytes(3, "little") for n in (width, height, 1))
    return bytes.fromhex("13aba15c") + bytes([*block, 1]) + sizes + blocks
