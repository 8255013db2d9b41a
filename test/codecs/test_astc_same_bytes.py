# SPDX-License-Identifier: Apache-2.0
"""The bytes depend on the pixels only: not on pixel format, stride, instruction set, threads, buffer or process."""

from __future__ import annotations

import itertools
import subprocess
import sys

import numpy as np
import pictures
import pytest

from plcv_ros.codecs import AstcCodec, CodecError, _native, decode, make_codec, simd_targets
from plcv_ros.codecs.astc import STAGES

BLOCKS = ((8, 8), (12, 12))
PRESETS = ("fast", "fine", "paper", "vision", "vision_fine")


@pytest.mark.parametrize("target", [t for t in simd_targets() if t != "scalar"])
def test_targets_equal_the_scalar_one(target: str, rng: np.random.Generator) -> None:
    for n in range(60):
        height, width = int(rng.integers(1, 60)), int(rng.integers(1, 300))
        image = pictures.KINDS[n % len(pictures.KINDS)](rng, height, width)
        for block in BLOCKS:
            for preset in PRESETS:
                payloads = [_native.astc_encode(image, width, height, 0, *block, *STAGES[preset], 1, t, None) for t in (target, "scalar")]
                assert payloads[0] == payloads[1], (n, block, preset, width, height)
                images = [np.empty_like(image) for _ in range(2)]
                for t, out in zip((target, "scalar"), images):
                    assert _native.astc_decode(payloads[0], 1 << 30, out, 1, t) == -1
                assert (images[0] == images[1]).all()


@pytest.mark.parametrize("target", simd_targets())
def test_environment_selects_the_target(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    image = pictures.street(40, 200)
    expected = make_codec("astc").encode(image)
    monkeypatch.setenv("PLCV_SIMD", target)
    codec = AstcCodec()
    assert codec.target == target
    assert codec.encode(image) == expected


def test_environment_with_an_unknown_target(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLCV_SIMD", "mmx")
    with pytest.raises(CodecError, match=r"PLCV_SIMD is 'mmx', expected one of .*scalar"):
        make_codec("astc")


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("preset", PRESETS)
def test_pixel_formats_and_strides(block: tuple[int, int], preset: str, rng: np.random.Generator) -> None:
    codec = make_codec("astc", block=block, preset=preset)
    for n in range(25):
        height, width = int(rng.integers(1, 50)), int(rng.integers(1, 420))
        rgb = pictures.KINDS[n % len(pictures.KINDS)](rng, height, width)
        expected = codec.encode(rgb)
        alpha = rng.integers(0, 256, (height, width, 1), dtype=np.uint8)
        bgr = np.ascontiguousarray(rgb[..., ::-1])
        assert codec.encode(bgr, pixel_format="bgr8") == expected
        assert codec.encode(np.concatenate([rgb, alpha], 2), pixel_format="rgba8") == expected
        assert codec.encode(np.concatenate([bgr, alpha], 2), pixel_format="bgra8") == expected
        padded = rng.integers(0, 256, (height, width + int(rng.integers(1, 9)), 3), dtype=np.uint8)
        padded[:, :width] = rgb
        assert codec.encode(padded[:, :width]) == expected
        upside_down = np.ascontiguousarray(rgb[::-1])
        assert codec.encode(upside_down[::-1]) == expected
        grey = rgb[..., 0]
        thrice = codec.encode(np.repeat(grey[..., None], 3, 2))
        assert codec.encode(np.ascontiguousarray(grey), pixel_format="mono8") == thrice
        assert codec.encode(np.ascontiguousarray(grey)[..., None], pixel_format="mono8") == thrice
        assert codec.encode(np.broadcast_to(rgb[:1], rgb.shape)) == codec.encode(np.ascontiguousarray(np.broadcast_to(rgb[:1], rgb.shape)))


@pytest.mark.parametrize("threads", [2, 3, 8])
def test_threads(threads: int, rng: np.random.Generator) -> None:
    for height, width in ((1, 1), (7, 9), (64, 64), (333, 555), (1080, 640)):
        image = pictures.noise(rng, height, width)
        for block, preset in itertools.product(BLOCKS, ("fast", "vision")):
            payload = make_codec("astc", block=block, preset=preset).encode(image)
            assert make_codec("astc", block=block, preset=preset, threads=threads).encode(image) == payload
            assert (decode(payload, threads=threads) == decode(payload)).all()


def test_calls_from_many_python_threads() -> None:
    from concurrent.futures import ThreadPoolExecutor

    image = pictures.street()
    codec = make_codec("astc", threads=2)
    expected = codec.encode(image)
    with ThreadPoolExecutor(8) as pool:
        for payload in pool.map(lambda _: codec.encode(image), range(200)):
            assert payload == expected


@pytest.mark.skipif(sys.platform != "linux", reason="fork")
def test_threads_after_fork() -> None:
    code = """
import os, numpy as np
from plcv_ros.codecs import make_codec
codec, image = make_codec("astc", threads=3), np.zeros((400, 400, 3), np.uint8)
expected = codec.encode(image)
child = os.fork()
if child == 0:
    os._exit(0 if codec.encode(image) == expected else 1)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0


def test_out_buffers(rng: np.random.Generator) -> None:
    image = pictures.noise(rng, 50, 70)
    codec = make_codec("astc")
    expected = codec.encode(image)
    for out in (bytearray(len(expected)), bytearray(5000), np.empty(5000, np.uint8), np.empty((2, 1000), np.uint16), memoryview(bytearray(9000))[3:]):
        view = codec.encode(image, out=out)
        assert isinstance(view, memoryview)
        assert view == expected
        assert bytes(memoryview(out).cast("B")[: len(expected)]) == expected


def test_decode_into_an_array(rng: np.random.Generator) -> None:
    payload = make_codec("astc").encode(pictures.noise(rng, 50, 70))
    canvas = np.full((60, 90, 3), 77, np.uint8)
    part = canvas[5:55, 10:80]
    assert decode(payload, out=part) is part
    assert (part == decode(payload)).all()
    canvas[5:55, 10:80] = 77
    assert (canvas == 77).all(), "wrote beside the image"


@pytest.mark.parametrize("block", BLOCKS)
def test_strips(block: tuple[int, int], rng: np.random.Generator) -> None:
    for height, width, max_bytes in ((1, 1, 32), (100, 70, 400), (360, 480, 5200), (361, 479, 3000), (40, 640, 100000)):
        image = pictures.noise(rng, height, width)
        codec = make_codec("astc", block=block)
        strips = list(codec.encode_strips(image, max_bytes=max_bytes))
        assert [s.index for s in strips] == list(range(len(strips)))
        assert {s.count for s in strips} == {len(strips)}
        assert all(len(s.payload) <= max_bytes for s in strips)
        assert b"".join(s.payload[16:] for s in strips) == codec.encode(image)[16:]
        parts = [decode(s.payload) for s in strips]
        assert [s.first_row for s in strips] == list(np.cumsum([0] + [len(p) for p in parts[:-1]]))
        assert (np.concatenate(parts) == decode(codec.encode(image))).all()


def test_a_strip_has_at_least_one_block_row() -> None:
    strips = list(make_codec("astc").encode_strips(np.zeros((20, 480, 3), np.uint8), max_bytes=100))
    assert [len(s.payload) for s in strips] == [16 + 60 * 16] * 3
    with pytest.raises(CodecError, match="max_bytes is 0, expected a positive int"):
        make_codec("astc").encode_strips(np.zeros((10, 480, 3), np.uint8), max_bytes=0)
