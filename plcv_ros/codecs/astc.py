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
from .payloads import Encoded, Payload, Strip, as_bytes_view, writable_view
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

MODES: tuple[str, ...] = ("pruned", "all")
"""Which block modes `decode` accepts: the pruned ones alone, or all of the LDR profile."""

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

    def encode(self, image: npt.NDArray[np.uint8], pixel_format: str = "rgb8", out: Any = None) -> Encoded:
        """Encode one frame to an .astc file: bytes, or, with `out`, a memoryview of the part of it that was written.

        image: (H, W, 3) uint8 for rgb8 and bgr8, (H, W, 4) for rgba8 and bgra8 (alpha is ignored), (H, W) or (H, W, 1) for mono8;
        1x1 to 16384x16384 pixels, any distance between rows. out: writable buffer of at least `payload_size` bytes, so that nothing is
        allocated; it must not overlap the image. Raises CodecError.
        """
        image, width, height = check_image(image, pixel_format)
        target = None if out is None else writable_view(out, self.payload_size(width, height))
        payload: Encoded = _native.astc_encode(
            image, width, height, _FORMAT_NUMBERS[pixel_format], *self.block, *STAGES[self.preset], self.threads, self.target, target
        )
        return payload

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


def survey(payload: Payload, max_pixels: int = MAX_PIXELS) -> dict[str, int]:
    """How many blocks of a payload are of which kind: ``pruned`` (modes with kernels of their own), ``general`` (others of the LDR profile),
    ``hdr`` (of the HDR profile) and ``error`` (reserved or impossible). Nothing is decoded. Raises CodecError.
    """
    view = as_bytes_view(payload)
    header(view, max_pixels)
    found = _native.astc_survey(view, max_pixels)
    return {kind: found[kind] for kind in ("pruned", "general", "hdr", "error")}


def decode(
    payload: Payload, max_pixels: int = MAX_PIXELS, threads: int = 1, out: npt.NDArray[np.uint8] | None = None, modes: str = "all"
) -> npt.NDArray[np.uint8]:
    """Decode an .astc payload to (H, W, 3) uint8 rgb8.

    modes: which block modes are accepted, one of `MODES`. With "all", blocks in other modes than the pruned one are decoded by the general
    decoder, each once and those blocks alone: the time is linear in their number, some 60 times that of pruned ones. With "pruned" they are
    an error. HDR blocks and error blocks are an error in either case. Raises CodecError.
    """
    if modes not in MODES:
        raise CodecError(f"astc_modes is {modes!r}, expected one of {', '.join(MODES)}")
    view = as_bytes_view(payload)
    _, _, width, height = header(view, max_pixels)
    image = np.empty((height, width, 3), np.uint8) if out is None else out
    if _native.astc_decode(view, max_pixels, image, threads, current_target()) < 0:
        return image
    if modes == "all" and _native.astc_decode_general(view, max_pixels, image, threads, current_target()) >= 0:
        return image
    raise CodecError(_refusal(view, max_pixels))


def _refusal(view: memoryview, max_pixels: int) -> str:
    """Why a payload whose blocks are not all pruned is not decoded."""
    block_x, block_y, width, height = header(view, max_pixels)
    columns, rows = -(-width // block_x), -(-height // block_y)
    found = _native.astc_survey(view, max_pixels)
    index = found["first_other"] if found["first_refused"] < 0 else found["first_refused"]
    block = f"block {index} ({block_x}x{block_y}, at pixel {index % columns * block_x}, {index // columns * block_y})"
    if found["first_refused"] < 0:
        return f"{block} is not in the pruned block mode of the frame, expected no other with astc_modes pruned; astc_modes all decodes it"
    kind = "HDR" if found["refused_is_hdr"] else "error"
    counts = f"{found['hdr']} HDR blocks and {found['error']} error blocks among its {columns * rows}"
    return f"{block} is an {kind} block ({found['reason']}), expected one of the LDR profile; the payload has {counts}"
