# SPDX-License-Identifier: Apache-2.0
"""The pruned ASTC codec: one fixed block mode, constant rate, standard .astc files.

Method: Zadnik, Makitalo, Jaaskelainen, "Pruned Lightweight Encoders for Computer Vision", MMSP 2022 (preset ``paper``), better
endpoints and weights in the same block mode (presets ``fast`` and ``fine``), and another block mode of the same rate, from which a network
sees more (presets ``vision`` and ``vision_fine``). Format: Khronos Data Format Specification, ASTC.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _native
from .errors import CodecError
from .images import MAX_PIXELS, PIXEL_FORMATS, check_image, check_size
from .payloads import Payload, Strip, as_bytes_view, writable_view
from .targets import current_target
from .threads import check_threads

BLOCKS: tuple[tuple[int, int], ...] = tuple(_native.astc_blocks())
"""Footprints that can be encoded: (8, 8), 2.00 bit/px, and (12, 12), 0.889 bit/px."""

_WIDE, _NARROW = 8, 6
"""Columns of the weight grid, which name a footprint's block mode: 8x5 weights and colours of 32 levels, or 6x6 and 80."""

STAGES = {"fast": (_WIDE, 0), "fine": (_WIDE, 1), "paper": (_WIDE, 2), "vision": (_NARROW, 0), "vision_fine": (_NARROW, 1)}
"""Preset -> block mode, and the number of its stages in csrc/astc/preset.h."""

VISION_MODE = 264
"""The block mode of the presets ``vision`` and ``vision_fine``, by which its payloads are told from those of the others (102)."""

PRESETS: tuple[str, ...] = tuple(STAGES)
"""Presets of the encoder. The decoder is one."""

MAGIC = bytes.fromhex("13aba15c")

_HEADER_BYTES = 16
_BLOCK_BYTES = 16
_FORMAT_NUMBERS = {name: number for number, name in enumerate(PIXEL_FORMATS)}


class AstcCodec:
    """Encoder of one footprint and preset; `decode` reads what it writes.

    Life cycle: make one, call `encode` for every frame. It holds no state between frames, so one codec serves several Python threads at
    once, and a frame's bytes depend on its pixels alone. The GIL is released while a frame is worked on.

    Memory: pixel (x, y), channel c of an image is the byte at ``address + y * strides[0] + x * channels + c``; strides[0] may be anything,
    negative included. Every buffer is checked for its size before it is touched; nothing is read or written beside the pixels and the
    payload. Pixels of three bytes are read in place; others pass through a small buffer.

    block: (8, 8) or (12, 12). preset: "fast", "fine" (better endpoints, at least a third of the speed), "vision" (for networks: a square
    grid of weights and more precise colours), "vision_fine" (the same with the stages of "fine") or "paper" (the paper's method).
    threads: how many bands of block rows are worked on at once, on threads that outlive the frame. The instruction set is the best that
    the machine has, or what PLCV_SIMD names when the codec is made (`target`). Raises CodecError.
    """

    name = "astc"
    pixel_formats = PIXEL_FORMATS

    def __init__(self, block: tuple[int, int] = (8, 8), preset: str = "fast", threads: int = 1) -> None:
        if not isinstance(block, (tuple, list)) or tuple(block) not in BLOCKS:
            raise CodecError(f"block is {block!r}, expected one of {', '.join(str(b) for b in BLOCKS)}")
        if preset not in PRESETS:
            raise CodecError(f"preset is {preset!r}, expected one of {', '.join(PRESETS)}")
        self.block: tuple[int, int] = (int(block[0]), int(block[1]))
        self.preset = preset
        self.threads = check_threads(threads)
        self.target = current_target()

    @property
    def detail(self) -> str:
        """The footprint as text, e.g. "8x8"."""
        return f"{self.block[0]}x{self.block[1]}"

    def __repr__(self) -> str:
        return f"AstcCodec(block={self.block}, preset={self.preset!r}, threads={self.threads})"

    def payload_size(self, width: int, height: int) -> int:
        """Bytes of every payload of this size, header included."""
        width, height = check_size(width, height)
        return _HEADER_BYTES + _BLOCK_BYTES * -(-width // self.block[0]) * -(-height // self.block[1])

    def encode(self, image: npt.NDArray[np.uint8], pixel_format: str = "rgb8", out: Any = None) -> Any:
        """Encode one frame to an .astc file: bytes, or, with `out`, a memoryview of the part of it that was written.

        image: (H, W, 3) uint8 for rgb8 and bgr8, (H, W, 4) for rgba8 and bgra8 (alpha is ignored), (H, W) or (H, W, 1) for mono8;
        1x1 to 16384x16384 pixels, any distance between rows. out: writable buffer of at least `payload_size` bytes, so that nothing is
        allocated; it must not overlap the image. Raises CodecError.
        """
        image, width, height = check_image(image, pixel_format)
        target = None if out is None else writable_view(out, self.payload_size(width, height))
        return _native.astc_encode(
            image, width, height, _FORMAT_NUMBERS[pixel_format], *self.block, *STAGES[self.preset], self.threads, self.target, target
        )

    def encode_strips(self, image: npt.NDArray[np.uint8], pixel_format: str = "rgb8", max_bytes: int = 5200) -> Iterator[Strip]:
        """Encode one frame as strips of whole block rows, each a complete .astc file of at most `max_bytes` bytes.

        A strip has at least one block row, also where that alone needs more than `max_bytes`. The strips' blocks are the frame's blocks.
        Raises CodecError.
        """
        image, width, height = check_image(image, pixel_format)
        if isinstance(max_bytes, bool) or not isinstance(max_bytes, (int, np.integer)) or max_bytes < 1:
            raise CodecError(f"max_bytes is {max_bytes!r}, expected a positive int")
        row_bytes = _BLOCK_BYTES * -(-width // self.block[0])
        rows = max((int(max_bytes) - _HEADER_BYTES) // row_bytes, 1) * self.block[1]
        return self._strips(image, pixel_format, rows, -(-height // rows))

    def _strips(self, image: npt.NDArray[np.uint8], pixel_format: str, rows: int, count: int) -> Iterator[Strip]:
        for index in range(count):
            first = index * rows
            yield Strip(index, count, first, self.encode(image[first : first + rows], pixel_format))


def header(payload: Payload, max_pixels: int = MAX_PIXELS) -> tuple[int, int, int, int]:
    """(block x, block y, width, height) of an .astc payload; CodecError where header and size do not agree."""
    view = as_bytes_view(payload)
    try:
        block_x, block_y, width, height = _native.astc_header(view, max_pixels)
    except ValueError as error:
        raise CodecError(str(error)) from None
    return block_x, block_y, width, height


def block_mode(payload: Payload) -> int:
    """The block mode, 11 bits, of the first block of a payload that :func:`header` accepts; those of a pruned frame are all alike."""
    view = as_bytes_view(payload)
    return int.from_bytes(view[_HEADER_BYTES : _HEADER_BYTES + 2], "little") & 0x7FF


def decode(payload: Payload, max_pixels: int = MAX_PIXELS, threads: int = 1, out: npt.NDArray[np.uint8] | None = None) -> npt.NDArray[np.uint8]:
    """Decode an .astc payload to (H, W, 3) uint8 rgb8.

    Blocks in other modes than the pruned one are decoded by `astc-encoder-py` where that is installed. Raises CodecError.
    """
    view = as_bytes_view(payload)
    block_x, block_y, width, height = header(view, max_pixels)
    image = np.empty((height, width, 3), np.uint8) if out is None else out
    foreign = _native.astc_decode(view, max_pixels, image, threads, current_target())
    if foreign >= 0:
        _decode_foreign(view, (block_x, block_y), image, foreign)
    return image


def _decode_foreign(view: memoryview, block: tuple[int, int], image: npt.NDArray[np.uint8], index: int) -> None:
    """Decode by Arm's library into `image` (Apache-2.0; github.com/K0lb3/astc-encoder-py)."""
    try:
        import astc_encoder
    except ImportError:
        raise CodecError(
            f"block {index} ({block[0]}x{block[1]}) is not in the pruned block mode: install astc-encoder-py to decode other ASTC files"
        ) from None
    height, width = image.shape[:2]
    config = astc_encoder.ASTCConfig(astc_encoder.ASTCProfile.LDR, *block, 1, 0, astc_encoder.ASTCConfigFlags.DECOMPRESS_ONLY)
    result = astc_encoder.ASTCImage(astc_encoder.ASTCType.U8, width, height, 1)
    swizzle = astc_encoder.ASTCSwizzle.from_str("RGBA")
    try:
        astc_encoder.ASTCContext(config).decompress(bytes(view[_HEADER_BYTES:]), result, swizzle)
    except Exception as error:
        raise CodecError(f"block {index} is not in the pruned block mode, and astc-encoder-py failed: {error}") from error
    image[...] = np.frombuffer(result.data, np.uint8).reshape(height, width, 4)[..., :3]
