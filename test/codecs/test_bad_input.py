# SPDX-License-Identifier: Apache-2.0
"""Every bad input raises CodecError, whose message names the value and what was expected."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plcv_ros.codecs import CodecError, decode, info, make_codec

GOOD = make_codec("astc").encode(np.zeros((20, 30, 3), np.uint8))


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("j2k", {}, "codec is 'j2k', expected one of astc, jxs, jpeg"),
        (None, {}, "codec is None"),
        ("astc", {"block": (8, 9)}, r"block is \(8, 9\), expected one of \(8, 8\), \(12, 12\)"),
        ("astc", {"block": "8x8"}, "block is '8x8'"),
        ("astc", {"preset": "best"}, "preset is 'best', expected one of fast, fine, paper"),
        ("astc", {"preset": ["fast"]}, "preset is"),
        ("astc", {"threads": 0}, "threads is 0, expected 1 to 64"),
        ("astc", {"threads": 1.5}, "threads is 1.5"),
        ("astc", {"quality": 90}, "options of the astc codec"),
        ("jpeg", {"quality": 101}, "quality is 101, expected an int from 1 to 100"),
        ("jpeg", {"quality": True}, "quality is True"),
        ("jpeg", {"subsampling": "410"}, "subsampling is '410'"),
    ],
)
def test_options(name: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(CodecError, match=message):
        make_codec(name, **options)


@pytest.mark.parametrize(
    ("image", "pixel_format", "message"),
    [
        (np.zeros((4, 4, 3), np.float32), "rgb8", "dtype float32, expected uint8"),
        (np.zeros((4, 4, 3), np.int8), "rgb8", "dtype int8"),
        (np.zeros((4, 4), np.uint8), "rgb8", r"shape \(4, 4\)"),
        (np.zeros((4, 4, 4), np.uint8), "rgb8", "expected 3 channels"),
        (np.zeros((4, 4, 3), np.uint8), "rgba8", "expected 4 channels"),
        (np.zeros((4, 4, 3), np.uint8), "mono8", "expected 1 channels"),
        (np.zeros((0, 4, 3), np.uint8), "rgb8", "height 0, expected 1 to 16384"),
        (np.zeros((4, 0, 3), np.uint8), "rgb8", "width 0"),
        (np.zeros((1, 16385, 3), np.uint8), "rgb8", "width 16385"),
        (np.zeros((16385, 1, 3), np.uint8), "rgb8", "height 16385"),
        (np.zeros((4, 8, 3), np.uint8)[:, ::2], "rgb8", "packed pixels"),
        (np.zeros((4, 8, 3), np.uint8)[:, :, ::-1], "rgb8", "packed pixels"),
        (np.zeros((8, 4, 3), np.uint8).transpose(1, 0, 2), "rgb8", "packed pixels"),
        (np.zeros((4, 8), np.uint8)[:, ::2], "mono8", "packed pixels"),
        ([[[0, 0, 0]]], "rgb8", "image is a list"),
        (None, "rgb8", "image is a NoneType"),
        (np.zeros((4, 4, 3), np.uint8), "yuv422", "pixel_format is 'yuv422', expected one of rgb8"),
        (np.zeros((4, 4, 3), np.uint8), None, "pixel_format is None"),
    ],
)
@pytest.mark.parametrize("name", ["astc", "jpeg"])
def test_images(name: str, image: object, pixel_format: str, message: str) -> None:
    with pytest.raises(CodecError, match=message):
        make_codec(name).encode(image, pixel_format=pixel_format)


@pytest.mark.parametrize(
    ("out", "message"),
    [
        (bytearray(10), "out has 10 bytes, expected at least 208"),
        (bytes(1000), "read-only"),
        (5, "out is a int"),
        (np.empty(2000, np.uint8)[::2], "expected a contiguous buffer"),
    ],
)
def test_out_buffers(out: object, message: str) -> None:
    with pytest.raises(CodecError, match=message):
        make_codec("astc").encode(np.zeros((20, 30, 3), np.uint8), out=out)


@pytest.mark.parametrize("size", [(0, 1), (1, 0), (-1, 5), (16385, 1), (1.5, 2), ("1", 2), (True, 2)])
def test_payload_size(size: tuple[object, object]) -> None:
    with pytest.raises(CodecError, match="expected"):
        make_codec("astc").payload_size(*size)


def _with(offset: int, *values: int) -> bytes:
    payload = bytearray(GOOD)
    payload[offset : offset + len(values)] = bytes(values)
    return bytes(payload)


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (b"", "payload of 0 bytes starts with nothing"),
        (b"\x89PNG", "expected 13aba15c"),
        (GOOD[:15], "expected at least the 16"),
        (GOOD[:-1], f"has {len(GOOD) - 1} bytes, expected {len(GOOD)}"),
        (GOOD + b"\0", f"has {len(GOOD) + 1} bytes, expected {len(GOOD)}"),
        (GOOD[:16], "has 16 bytes"),
        (_with(4, 7, 8), "block size is 7x8x1"),
        (_with(4, 0, 0), "block size is 0x0x1"),
        (_with(6, 2), "block size is 8x8x2"),
        (_with(7, 0, 0, 0), "image size is 0x20"),
        (_with(7, 255, 255, 255), "image size is 16777215x20, expected 1x1 to 16384x16384"),
        (_with(10, 0, 64, 0), "bytes, expected"),
        (_with(13, 2), "image depth is 2, expected 1"),
        (12, "payload is a int"),
        (np.zeros((4, 8), np.uint8)[:, ::2], "contiguous"),
    ],
)
def test_payloads(payload: object, message: str) -> None:
    for function in (decode, info):
        with pytest.raises(CodecError, match=message):
            function(payload)


def test_max_pixels() -> None:
    decode(GOOD, max_pixels=600)
    with pytest.raises(CodecError, match=r"600 pixels \(30x20\), expected at most max_pixels = 599"):
        decode(GOOD, max_pixels=599)
    for bad in (0, -1, 1.5, None, True):
        with pytest.raises(CodecError, match="max_pixels is"):
            decode(GOOD, max_pixels=bad)


@pytest.mark.parametrize(
    "out",
    [
        np.empty((20, 31, 3), np.uint8),
        np.empty((20, 30, 3), np.uint16),
        np.empty((20, 30, 4), np.uint8)[..., :3],
        np.empty((20, 30, 3), np.uint8)[:, :, ::-1],
        np.broadcast_to(np.empty((1, 30, 3), np.uint8), (20, 30, 3)),
        bytearray(1800),
    ],
)
def test_decode_into_bad_arrays(out: object) -> None:
    with pytest.raises(CodecError, match="out "):
        decode(GOOD, out=out)


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    for payload in (data, GOOD[:4] + data, GOOD[:16] + data, b"\xff\xd8\xff" + data):
        for function in (decode, info):
            with contextlib.suppress(CodecError):
                function(payload)


@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255), st.integers(0, len(GOOD) + 40))
@settings(max_examples=300)
def test_damaged_payloads(position: int, value: int, length: int) -> None:
    damaged = bytearray(GOOD)
    damaged[position] = value
    for payload in (bytes(damaged), bytes(damaged[:length])):
        try:
            image = decode(payload, max_pixels=100_000)
        except CodecError:
            continue
        assert image.dtype == np.uint8
        assert image.ndim == 3


@given(
    st.sampled_from([np.uint8, np.int16, np.float64, bool]),
    st.lists(st.integers(0, 40), min_size=0, max_size=4),
    st.sampled_from(["rgb8", "bgr8", "rgba8", "bgra8", "mono8", "rgb16", ""]),
    st.lists(st.sampled_from([1, 2, -1]), min_size=4, max_size=4),
    st.sampled_from([(8, 8), (12, 12)]),
)
@settings(max_examples=400)
def test_any_array(dtype: type, shape: list[int], pixel_format: str, steps: list[int], block: tuple[int, int]) -> None:
    image = np.zeros(shape, dtype)[tuple(slice(None, None, step) for step in steps[: len(shape)])]
    codec = make_codec("astc", block=block)
    try:
        payload = codec.encode(image, pixel_format=pixel_format)
    except CodecError as error:
        assert "expected" in str(error)
        return
    assert len(payload) == codec.payload_size(image.shape[1], image.shape[0])
    assert decode(payload).shape == (*image.shape[:2], 3)
