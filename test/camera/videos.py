# SPDX-License-Identifier: Apache-2.0
"""Small videos made here, and what is done to them."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

WIDTH, HEIGHT, RATE = 64, 48, 30


def base() -> npt.NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 255, (12, 16, 3), np.uint8).repeat(4, 0).repeat(4, 1)


def shown(k: int) -> npt.NDArray[np.uint8]:
    """Frame k, rgb: the same picture, moved on."""
    return np.roll(base(), k, 1)


def make(
    path: Path,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    count: int = 60,
    times: Iterable[float] | None = None,
    audio: bool = False,
    container_options: dict[str, str] | None = None,
    container_format: str | None = None,
    **options: str,
) -> Path:
    """``count`` frames at 30 Hz, or at ``times`` (s)."""
    import av

    if codec == "libx264":
        options = {"g": "10", "bf": "0", **options}
    with av.open(str(path), "w", format=container_format, container_options=container_options or {}) as container:
        stream: Any = container.add_stream(codec, rate=RATE, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, pixels
        at = [k / RATE for k in range(count)] if times is None else list(times)
        if times is not None:
            stream.codec_context.time_base = stream.time_base = Fraction(1, 90_000)
        sound: Any = container.add_stream("aac", rate=8000, layout="mono") if audio else None
        for k, seconds in enumerate(at):
            frame: Any = av.VideoFrame.from_ndarray(shown(k), format="rgb24")
            frame.pts, frame.time_base = (k, Fraction(1, RATE)) if times is None else (round(seconds * 90_000), Fraction(1, 90_000))
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if sound is not None:
            write_sound(container, sound)
    return path


def write_sound(container: Any, stream: Any) -> None:
    import av

    for k in range(24):
        frame: Any = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 8000, 1024 * k
        container.mux(stream.encode(frame))
    container.mux(stream.encode())


def packets(path: Path) -> list[tuple[int, int]]:
    """(position, size) of every packet in the file."""
    import av

    with av.open(str(path)) as container:
        return [(packet.pos, packet.size) for packet in container.demux(container.streams.video[0]) if packet.size]


def damage(path: Path, numbers: Iterable[int]) -> Path:
    """Overwrite the packets ``numbers``."""
    where = packets(path)
    data = bytearray(path.read_bytes())
    for number in numbers:
        position, size = where[number]
        data[position : position + size] = b"\x55" * size
    path.write_bytes(data)
    return path


def cut(path: Path, number: int) -> Path:
    """End the file within packet ``number``."""
    position, size = packets(path)[number]
    path.write_bytes(path.read_bytes()[: position + size // 2])
    return path


def turn(path: Path, matrix: tuple[int, int, int, int]) -> Path:
    """Write the display matrix's a, b, c, d into an mp4's track header, as phones do."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40
    a, b, c, d = (value << 16 for value in matrix)
    data[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    return path
