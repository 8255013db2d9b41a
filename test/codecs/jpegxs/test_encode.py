# SPDX-License-Identifier: Apache-2.0
"""The JPEG XS encoder: rate to the byte, lossless round trips, every switch, errors."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import KINDS, noise, psnr, street

from plcv_ros.codecs import CodecError, jpegxs
from plcv_ros.codecs.jpegxs import JxsCodec
from plcv_ros.codecs.jpegxs.presets import LEVELS, PRECISIONS, PRESETS, QUANTIZERS, SEARCHES, SIGNS
from plcv_ros.codecs.jpegxs.weights import load_weights

CHANNELS = {"rgb8": 3, "bgr8": 3, "rgba8": 4, "bgra8": 4, "mono8": 1, "yuv422": 2, "yuv422_yuy2": 2}


def planes_of(image: np.ndarray, pixel_format: str) -> list[np.ndarray]:
    """The components that a lossless codestream holds."""
    if pixel_format == "mono8":
        return [image[..., 0]]
    if pixel_format in ("yuv422", "yuv422_yuy2"):
        luma = 1 if pixel_format == "yuv422" else 0
        return [image[..., luma], image[:, 0::2, 1 - luma], image[:, 1::2, 1 - luma]]
    order = (2, 1, 0) if pixel_format.startswith("bgr") else (0, 1, 2)
    return [image[..., c] for c in order]


switches = st.fixed_dictionaries(
    {},
    optional={
        "significance": st.booleans(),
        "vertical_prediction": st.booleans(),
        "raw_counts": st.booleans(),
        "quantizer": st.sampled_from(QUANTIZERS),
        "signs": st.sampled_from(SIGNS),
        "levels": st.sampled_from(LEVELS),
        "precision": st.sampled_from(PRECISIONS),
        "search": st.sampled_from(SEARCHES[:2]),
        "colour_transform": st.booleans(),
        "rate_control": st.sampled_from(("slice", "picture")),
        "threads": st.integers(1, 3),
    },
)


@st.composite
def pictures(draw: st.DrawFn) -> tuple[np.ndarray, str]:
    pixel_format = draw(st.sampled_from(list(CHANNELS)))
    width, height = draw(st.integers(2, 150)), draw(st.integers(1, 70))
    if CHANNELS[pixel_format] == 2:
        width = max(width & ~1, 4)
    kind = draw(st.sampled_from(KINDS))
    return kind(np.random.default_rng(draw(st.integers(0, 99))), height, width, CHANNELS[pixel_format]), pixel_format


@settings(max_examples=120, deadline=None)
@given(pictures(), switches, st.sampled_from(tuple(PRESETS)))
def test_lossless(picture: tuple[np.ndarray, str], options: dict[str, Any], preset: str) -> None:
    image, pixel_format = picture
    codec = JxsCodec(preset=preset, lossless=True, **options)
    payload = codec.encode(image, pixel_format)
    assert codec.payload_size(image.shape[1], image.shape[0]) is None
    assert jpegxs.header(payload)["Lcod"] == len(payload)
    expected = planes_of(image, pixel_format)
    for plane, samples in zip(jpegxs.decode_planes(payload), expected, strict=True):
        np.testing.assert_array_equal(plane, samples)


@settings(max_examples=200, deadline=None)
@given(pictures(), switches, st.sampled_from(tuple(PRESETS)), st.floats(0, 12))
def test_constant_rate(picture: tuple[np.ndarray, str], options: dict[str, Any], preset: str, more: float) -> None:
    image, pixel_format = picture
    height, width = image.shape[:2]
    smallest = JxsCodec(bpp=1, preset=preset, **options).smallest_bpp(width, height, pixel_format)
    bpp = smallest + more
    if bpp > 64:
        return
    codec = JxsCodec(bpp=bpp, preset=preset, **options)
    # The smallest rate is a number of bytes: as a number of bits a pixel it may be rounded below it.
    size = codec.payload_size(width, height)
    if size is not None and size < smallest * width * height / 8 - 1e-6:
        codec = JxsCodec(bpp=bpp * (1 + 1e-9), preset=preset, **options)
    payload = codec.encode(image, pixel_format)
    assert len(payload) == codec.payload_size(width, height) == jpegxs.header(payload)["Lcod"]
    planes = jpegxs.decode_planes(payload)
    assert [plane.shape for plane in planes] == [plane.shape for plane in planes_of(image, pixel_format)]


@pytest.mark.parametrize("pixel_format", ["rgb8", "mono8", "yuv422"])
@pytest.mark.parametrize("levels", LEVELS)
def test_levels_are_at_most_the_logarithm_of_the_side(rng: np.random.Generator, pixel_format: str, levels: str) -> None:
    """Of the most subsampled component; the payload has the size that it is said to have."""
    halved = pixel_format == "yuv422"
    for width in (*range(2 + 2 * halved, 72, 1 + halved), 127 + halved, 128):
        for height in (1, 2, 3, 4, 5, 7, 8, 17):
            image = noise(rng, height, width, {"rgb8": 3, "mono8": 1, "yuv422": 2}[pixel_format])
            codec = JxsCodec(levels=levels)
            codec.bpp = codec.smallest_bpp(width, height, pixel_format) + 8
            payload = codec.encode(image, pixel_format)
            fields = jpegxs.header(payload)
            assert fields["NLx"] == min(5, int(math.log2(width // (1 + halved)))), (width, height)
            assert fields["NLy"] == min(int(levels[-1]), fields["NLx"], int(math.log2(height))), (width, height)
            assert len(payload) == codec.payload_size(width, height) == fields["Lcod"]
            planes = jpegxs.decode_planes(payload)
            assert [plane.shape for plane in planes] == [plane.shape for plane in planes_of(image, pixel_format)]


@pytest.mark.parametrize("size", [(16, 8), (17, 9), (2, 1), (2, 2), (3, 3), (5, 70), (70, 5), (1, 1), (1, 9)])
@pytest.mark.parametrize("levels", LEVELS)
def test_small_pictures_have_fewer_levels(rng: np.random.Generator, size: tuple[int, int], levels: str) -> None:
    width, height = size
    image = noise(rng, height, width)
    codec = JxsCodec(lossless=True, levels=levels)
    if width < 2:
        with pytest.raises(CodecError, match="picture has width 1, expected at least 2"):
            codec.encode(image)
        return
    payload = codec.encode(image)
    np.testing.assert_array_equal(jpegxs.decode(payload), image)
    fields = jpegxs.header(payload)
    assert fields["NLx"] <= 5
    assert fields["NLy"] <= int(levels[-1])
    assert fields["Hsl"] <= -(-height // 2 ** fields["NLy"])


@pytest.mark.parametrize(
    ("preset", "pixel_format", "profile"),
    [("high", "rgb8", 0x4A40), ("high", "yuv422", 0x4A40), ("main", "rgb8", 0x3A40), ("main", "yuv422", 0x3540), ("main", "mono8", 0x3540)],
)
def test_profiles(rng: np.random.Generator, preset: str, pixel_format: str, profile: int) -> None:
    fields = jpegxs.header(JxsCodec(3, preset).encode(noise(rng, 48, 64, CHANNELS[pixel_format]), pixel_format))
    assert fields["Ppih"] == profile
    assert (fields["NLx"], fields["NLy"], fields["Hsl"]) == ((5, 2, 4) if preset == "high" else (5, 1, 8))
    assert fields["Cpih"] == (1 if pixel_format == "rgb8" else 0)
    assert JxsCodec(3, preset, precision="B/0").tools.precision == "B/0"
    assert jpegxs.header(JxsCodec(3, preset, precision="B/0").encode(noise(rng, 48, 64)))["Ppih"] == 0
    assert jpegxs.header(JxsCodec(preset=preset, lossless=True).encode(noise(rng, 48, 64)))["Ppih"] == 0x6EC0


@pytest.mark.parametrize(("height", "profile"), [(2, 0), (9, 0), (12, 0), (13, 0x4A40), (16, 0x4A40), (17, 0x4A40)])
def test_slices_of_less_than_16_lines_are_of_no_profile(rng: np.random.Generator, height: int, profile: int) -> None:
    fields = jpegxs.header(JxsCodec(12.0).encode(noise(rng, height, 64)))
    assert fields["Ppih"] == profile
    assert (fields["Hsl"] << fields["NLy"] == 16) == (profile != 0)


@pytest.mark.parametrize(
    ("switch", "field", "values"),
    [
        ("quantizer", "Qpih", {"uniform": 1, "deadzone": 0}),
        ("signs", "Fs", {"separate": 1, "inline": 0}),
        ("raw_counts", "Rl", {True: 1, False: 0}),
        ("colour_transform", "Cpih", {True: 1, False: 0}),
        ("precision", "Bw", {"20/8": 20, "18/6": 18, "B/0": 8}),
        ("levels", "NLy", {"5/2": 2, "5/1": 1, "5/0": 0}),
    ],
)
def test_switches_reach_the_header(switch: str, field: str, values: dict[Any, int]) -> None:
    image = street(96, 160)
    for value, number in values.items():
        payload = JxsCodec(4, **{switch: value}).encode(image)
        assert jpegxs.header(payload)[field] == number
        assert psnr(jpegxs.decode(payload), image) > 27


def precinct_modes(payload: bytes) -> set[int]:
    """The modes D of all bands in the precincts of the first slice of a 5/2 picture of three components."""
    at = payload.index(b"\xff\x20\x00\x04\x00\x00") + 6
    modes = set()
    for _ in range(4):
        flags = int.from_bytes(payload[at + 5 : at + 13], "big")
        modes |= {flags >> (62 - 2 * b) & 3 for b in range(30)}
        at += 13 + int.from_bytes(payload[at : at + 3], "big")
    return modes


def test_flags_and_prediction_are_only_used_where_they_are_on() -> None:
    image = street(96, 320)
    assert precinct_modes(JxsCodec(3).encode(image)) == {0, 1, 2, 3}
    assert precinct_modes(JxsCodec(3, significance=False).encode(image)) == {0, 1}
    assert precinct_modes(JxsCodec(3, vertical_prediction=False).encode(image)) == {0, 2}
    assert precinct_modes(JxsCodec(3, vertical_prediction=False, significance=False).encode(image)) == {0}


def test_too_small_a_rate_is_refused_with_the_smallest_possible_one() -> None:
    image = street(64, 96)
    with pytest.raises(CodecError, match=r"bpp gives 77 bytes, too few for 96x64 pixels: the smallest possible bpp is (\d\.\d+)") as error:
        JxsCodec(0.1).encode(image)
    named = float(str(error.value).rsplit(" ", 1)[1])
    assert named == pytest.approx(JxsCodec(1).smallest_bpp(96, 64), abs=1e-3)
    assert len(JxsCodec(named).encode(image)) == JxsCodec(named).payload_size(96, 64)
    with pytest.raises(CodecError, match="too few"):
        JxsCodec(named - 0.002).encode(image)


def test_quality_rises_with_the_rate_until_nothing_is_lost(rng: np.random.Generator) -> None:
    image = street(128, 192)
    scores = [psnr(jpegxs.decode(JxsCodec(bpp).encode(image)), image) for bpp in (1, 2, 3, 4, 6, 8, 12)]
    assert scores == sorted(scores)
    assert scores[-1] > 48
    high_rate = JxsCodec(28, precision="B/0").encode(image)
    np.testing.assert_array_equal(jpegxs.decode(high_rate), image)


def test_slices_have_their_shares() -> None:
    """With rate_control="slice", what the rest of the picture looks like does not move a slice."""
    image = street(128, 192)
    other = image.copy()
    other[80:] = 0
    first, second = (JxsCodec(3).encode(i) for i in (image, other))
    starts = [first.index(b"\xff\x20\x00\x04\x00" + bytes([s])) for s in range(5)]
    assert starts == [second.index(b"\xff\x20\x00\x04\x00" + bytes([s])) for s in range(5)]
    assert first[: starts[4]] == second[: starts[4]]


def test_carrying_over_is_better_for_uneven_pictures() -> None:
    image = street(128, 192)
    image[:64] = 90
    by_slice, by_picture = (psnr(jpegxs.decode(JxsCodec(2, rate_control=r).encode(image)), image) for r in ("slice", "picture"))
    assert by_picture > by_slice + 1


def test_output_buffer() -> None:
    image = street(64, 96)
    codec = JxsCodec(3)
    size = codec.payload_size(96, 64)
    assert size is not None
    buffer = bytearray(b"\xa5" * (size + 100))
    view = codec.encode(image, out=buffer)
    assert bytes(view) == codec.encode(image) == bytes(buffer[:size])
    assert bytes(buffer[size:]) == b"\xa5" * 100
    with pytest.raises(CodecError, match=f"out has {size - 1} bytes, expected at least {size}"):
        codec.encode(image, out=bytearray(size - 1))
    lossless = JxsCodec(lossless=True)
    payload = lossless.encode(image)
    assert bytes(lossless.encode(image, out=bytearray(len(payload) + 5))) == payload
    with pytest.raises(CodecError, match=f"out has 10 bytes, expected at least {len(payload)}"):
        lossless.encode(image, out=bytearray(10))


def test_detail_and_size() -> None:
    assert (JxsCodec(3.0).name, JxsCodec(3.0).detail, JxsCodec(2.5).detail) == ("jxs", "3bpp", "2.5bpp")
    assert JxsCodec(lossless=True).detail == "lossless"
    assert JxsCodec(3).payload_size(1920, 1080) == 777600
    assert JxsCodec(3).payload_size(33, 17) == -(-33 * 17 * 3 // 8)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bpp": 0}, "bpp is 0, expected a number above 0 and at most 64"),
        ({"bpp": "3"}, "bpp is '3', expected a number"),
        ({"bpp": float("nan")}, "bpp is nan, expected a number"),
        ({"preset": "fast"}, "preset is 'fast', expected one of high, main, pruned"),
        ({"rate_control": "frame"}, "rate_control is 'frame', expected one of slice, picture"),
        ({"lossless": 1}, "lossless is 1, expected true or false"),
        ({"significance": "no"}, "significance is 'no', expected true or false"),
        ({"quantizer": "fine"}, "quantizer is 'fine', expected one of deadzone, uniform"),
        ({"levels": "3/1"}, "levels is '3/1', expected one of 5/2, 5/1, 5/0"),
        ({"threads": 0}, "threads is 0, expected 1 to 64"),
        ({"weights": 3}, "weights holds a int, expected an object"),
        ({"weights": {"gains": [1], "priorities": []}}, "weights has 1 gains and 0 priorities"),
        ({"weights": {"gains": [99], "priorities": [0]}}, "gains has 99, expected integers from 0 to 15"),
        ({"weights": {"gains": [1]}}, "priorities is None, expected a list"),
        ({"weights": "/nonexistent.json"}, "weights file /nonexistent.json cannot be read"),
    ],
)
def test_bad_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(CodecError, match=message):
        JxsCodec(**options)


def test_bad_images() -> None:
    codec = JxsCodec(3)
    with pytest.raises(CodecError, match="pixel_format is 'rgb16'"):
        codec.encode(np.zeros((8, 8, 3), np.uint8), "rgb16")
    with pytest.raises(CodecError, match="image has width 5, expected an even one for yuv422"):
        codec.encode(np.zeros((8, 5, 2), np.uint8), "yuv422")
    with pytest.raises(CodecError, match="picture has width 2, expected at least 4"):
        codec.encode(np.zeros((8, 2, 2), np.uint8), "yuv422")


def test_a_weights_file_is_regular_and_small(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(b"[" * 2_000_000)
    for name, expected in (
        (tmp_path / "pipe", "no regular file"),
        ("/dev/zero", "no regular file"),
        (tmp_path / "large", "2000000 bytes, expected at most"),
    ):
        with pytest.raises(CodecError, match=expected):
            load_weights(str(name))


def test_weights_file(tmp_path: Path) -> None:
    image = street(96, 160)
    gains, priorities = [4] + [0] * 29, list(range(30))
    path = tmp_path / "weights.json"
    path.write_text(json.dumps({"gains": gains, "priorities": priorities, "made by": "nobody"}))
    payload = JxsCodec(3, weights=path).encode(image)
    fields = jpegxs.header(payload)
    assert list(fields["G"]) == gains
    assert list(fields["P"]) == priorities
    assert payload == JxsCodec(3, weights={"gains": gains, "priorities": priorities}).encode(image)
    assert psnr(jpegxs.decode(payload), image) < psnr(jpegxs.decode(JxsCodec(3).encode(image)), image)
    with pytest.raises(CodecError, match="weights have 30 bands, expected 24 for 5/1 levels of 3 components"):
        JxsCodec(3, "main", weights=path).encode(image)
    path.write_text("{")
    with pytest.raises(CodecError, match="is not JSON"):
        JxsCodec(3, weights=path)
