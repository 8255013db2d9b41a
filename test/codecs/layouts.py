# SPDX-License-Identifier: Apache-2.0
"""Frames of random layouts, and digests of what the codecs make of them: `python layouts.py SEED COUNT` prints one for every layout, each
from a process in which no frame was coded before."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pictures

from plcv_ros.codecs import CodecError, astc, jpegxs, simd_targets
from plcv_ros.codecs.astc import AstcCodec
from plcv_ros.codecs.jpegxs import JxsCodec
from plcv_ros.codecs.jpegxs.presets import PRESETS

CHANNELS = {"rgb8": 3, "bgr8": 3, "rgba8": 4, "bgra8": 4, "mono8": 1, "yuv422": 2, "yuv422_yuy2": 2}


@dataclass(frozen=True)
class Layout:
    """One frame: a codec's options, and the seed of its pixels."""

    codec: str
    options: dict[str, Any]
    pixel_format: str
    width: int
    height: int
    max_bytes: int
    seed: int

    def image(self) -> np.ndarray:
        rng = np.random.default_rng(self.seed)
        return pictures.KINDS[self.seed % len(pictures.KINDS)](rng, self.height, self.width, CHANNELS[self.pixel_format])


def layouts(seed: int, count: int) -> Iterator[Layout]:
    """Sizes: small, any, and those whose lines have about a multiple of 64 code groups."""
    rng = np.random.default_rng(seed)
    for n in range(count):
        codec = "astc" if n % 3 == 2 else "jxs"
        formats = [name for name in CHANNELS if codec == "jxs" or "yuv" not in name]
        pixel_format = formats[rng.integers(len(formats))]
        halved = "yuv" in pixel_format
        widths = [rng.integers(4, 64), rng.integers(4, 1500), 512 * 2 ** rng.integers(0, 3) * (1 + halved) + rng.integers(-24, 8)]
        width = int(widths[n % 5 % 3])
        width -= width % 2 if halved else 0
        height = int(rng.integers(1, 50 if width < 1500 else 20))
        if codec == "astc":
            options = {"block": astc.BLOCKS[rng.integers(len(astc.BLOCKS))], "preset": astc.PRESETS[rng.integers(len(astc.PRESETS))]}
        else:
            options = {"preset": list(PRESETS)[rng.integers(len(PRESETS))], "bpp": float(rng.choice([0.5, 2, 4, 8, 12, 16])), "lossless": n % 8 == 0}
            if rng.integers(3) == 0:
                options |= {
                    "significance": bool(rng.integers(2)),
                    "raw_counts": bool(rng.integers(2)),
                    "signs": str(rng.choice(["inline", "separate"])),
                }
        yield Layout(codec, options, pixel_format, width, height, int(rng.integers(400, 8000)), int(rng.integers(1 << 30)))


def outputs(layout: Layout, target: str) -> list[bytes]:
    """The payload, what it decodes to, and the strips with one lost and the rows that they decode to."""
    image = layout.image()
    if layout.codec == "astc":
        pruned = AstcCodec(**layout.options)
        pruned.target = target
        payload = pruned.encode(image, layout.pixel_format)
        strips = [strip.payload for strip in pruned.encode_strips(image, layout.pixel_format, layout.max_bytes)]
        return [payload, astc.decode(payload).tobytes(), *strips, *(astc.decode(strip).tobytes() for strip in strips)]
    codec = JxsCodec(**layout.options)
    codec.target = target
    if not codec.lossless:
        # Beside the rate that was asked for, pictures of few pixels need room for headers.
        codec.bpp = min(codec.smallest_bpp(layout.width, layout.height, layout.pixel_format) + codec.bpp, 64)
        try:
            codec.encode(image, layout.pixel_format)
        except CodecError:
            codec = JxsCodec(**(layout.options | {"lossless": True}))
            codec.target = target
    payload = codec.encode(image, layout.pixel_format)
    found = [payload, jpegxs.decode(payload).tobytes(), *(plane.tobytes() for plane in jpegxs.decode_planes(payload))]
    if not codec.lossless:
        strips = [strip.payload for strip in codec.encode_strips(image, layout.pixel_format, layout.max_bytes)]
        came = [strip for k, strip in enumerate(strips) if k != layout.seed % len(strips)] or strips
        pixels, damaged = jpegxs.decode_strips(came)
        found += [*strips, pixels[~damaged].tobytes(), damaged.tobytes()]
    return found


def digest(layout: Layout, target: str) -> str:
    """Of the outputs; PLCV_SIMD says which instruction set decodes."""
    os.environ["PLCV_SIMD"] = target
    try:
        parts = outputs(layout, target)
    finally:
        del os.environ["PLCV_SIMD"]
    total = hashlib.sha256()
    for part in parts:
        total.update(len(part).to_bytes(8, "little") + part)
    return total.hexdigest()


def digest_in_new_process(layout: Layout, target: str) -> str:
    """The digest from a fork of this process, in which nothing was coded yet."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, digest(layout, target).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        found = pipe.read()
    _, status = os.waitpid(child, 0)
    assert status == 0 and found, layout
    return found


if __name__ == "__main__":
    print(json.dumps([digest_in_new_process(layout, simd_targets()[0]) for layout in layouts(int(sys.argv[1]), int(sys.argv[2]))]))
