# SPDX-License-Identifier: Apache-2.0
"""decode, decode_planes, header and split: colours, depths, buffers, several codestreams, and what they refuse."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from vectors import FOLDER, VALID, payload

from plcv_ros.codecs import CodecError, jpegxs

RGB, RGB_RCT, GREY = "s03_rgb_64x48_default.jxs", "o04_rgb_rct_96x64.jxs", "o02_gray_64x40_default.jxs"
YUV422, YUV420 = "s14_yuv422_96x64_default.jxs", "s16_yuv420_96x64_h5v2.jxs"


def test_worked_example() -> None:
    """The picture of section 14 of the specification, sample by sample."""
    rows = """12 8 4 10 16 12 8 8 8 202 200 200 200 200 200 202 204 204
              9 12 15 14 12 13 14 15 16 196 198 202 206 202 198 193 188 191
              6 16 26 41 56 62 68 80 92 98 104 118 132 140 148 160 173 179
              254 255 255 255 255 254 252 255 255 255 255 254 252 252 252 255 255 255"""
    expected = np.array([row.split() for row in rows.splitlines()], np.uint8)
    (plane,) = jpegxs.decode_planes(payload("o01_gray_18x4_worked_example.jxs"))
    np.testing.assert_array_equal(plane, expected)


@pytest.mark.parametrize("name", [RGB, RGB_RCT])
def test_components_of_444_are_rgb(name: str) -> None:
    data = payload(name)
    image = jpegxs.decode(data)
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image, np.dstack(jpegxs.decode_planes(data)))
    np.testing.assert_array_equal(image, jpegxs.decode(data, colour="rgb"))


def test_grey_in_three_channels() -> None:
    (plane,) = jpegxs.decode_planes(payload(GREY))
    np.testing.assert_array_equal(jpegxs.decode(payload(GREY)), np.dstack([plane] * 3))
    np.testing.assert_array_equal(jpegxs.decode(payload(GREY), colour="bt601-full"), np.dstack([plane] * 3))
    limited = jpegxs.decode(payload(GREY), colour="bt601-limited").astype(float)
    np.testing.assert_allclose(limited[..., 1], np.clip((plane.astype(float) - 16) * 255 / 219, 0, 255), atol=0.51)


def bt601(planes: list[npt.NDArray[np.uint8]], limited: bool) -> npt.NDArray[np.float64]:
    """ITU-R BT.601 (and T.871) in floating point; a colour difference holds for all the pixels it covers."""
    height, width = planes[0].shape
    y, cb, cr = (p.astype(float).repeat(height // p.shape[0], 0).repeat(width // p.shape[1], 1) for p in planes)
    if limited:
        y, cb, cr = (y - 16) * 255 / 219, (cb - 128) * 255 / 224, (cr - 128) * 255 / 224
    else:
        cb, cr = cb - 128, cr - 128
    g = y - (0.114 * 1.772 * cb + 0.299 * 1.402 * cr) / 0.587
    return np.clip(np.dstack([y + 1.402 * cr, g, y + 1.772 * cb]), 0, 255)


@pytest.mark.parametrize("colour", [None, "bt601-full", "bt601-limited"])
@pytest.mark.parametrize("name", [YUV422, YUV420])
def test_subsampled_is_bt601(name: str, colour: str | None) -> None:
    expected = bt601(jpegxs.decode_planes(payload(name)), limited=colour == "bt601-limited")
    np.testing.assert_allclose(jpegxs.decode(payload(name), colour=colour), expected, atol=0.52)


def test_444_as_bt601_when_told() -> None:
    data = payload("s13_yuv444_128x65_h3v2_slice4.jxs")
    np.testing.assert_allclose(jpegxs.decode(data, colour="bt601-full"), bt601(jpegxs.decode_planes(data), False), atol=0.52)


@pytest.mark.parametrize("name", ["s23_rgb10_80x45.jxs", "o08_gray12_lossless_64x33_h3v2.jxs"])
def test_deeper_samples_are_rounded(name: str) -> None:
    planes = jpegxs.decode_planes(payload(name))
    shift = jpegxs.header(payload(name))["B"][0] - 8
    assert all(plane.dtype == np.uint16 for plane in planes)
    expected = np.dstack([np.minimum((plane.astype(int) + (1 << (shift - 1))) >> shift, 255) for plane in planes])
    np.testing.assert_array_equal(jpegxs.decode(payload(name)), np.broadcast_to(expected, (*expected.shape[:2], 3)))


def test_out() -> None:
    data = payload(RGB)
    expected = jpegxs.decode(data)
    frame = np.full((60, 80, 3), 7, np.uint8)
    part = frame[5:53, 9:73]
    assert jpegxs.decode(data, out=part) is part
    np.testing.assert_array_equal(part, expected)
    frame[5:53, 9:73] = 7
    assert (frame == 7).all()
    flipped = np.empty((48, 64, 3), np.uint8)
    jpegxs.decode(data, out=flipped[::-1])
    np.testing.assert_array_equal(flipped[::-1], expected)


@pytest.mark.parametrize(
    ("out", "message"),
    [
        (np.empty((48, 65, 3), np.uint8), r"shape \(48, 65, 3\), expected \(48, 64, 3\)"),
        (np.empty((48, 64, 3), np.uint16), "uint16, expected a uint8"),
        (np.empty((48, 128, 3), np.uint8)[:, ::2], "packed pixels"),
        (bytearray(9216), "bytearray, expected a uint8 numpy array"),
    ],
)
def test_bad_out(out: object, message: str) -> None:
    with pytest.raises(CodecError, match=message):
        jpegxs.decode(payload(RGB), out=out)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "colour", "message"),
    [
        (RGB, "yuv", "colour is 'yuv', expected None or one of rgb, bt601-full, bt601-limited"),
        (RGB, 3, "colour is 3"),
        (GREY, "rgb", "colour is 'rgb', expected None or BT.601: the codestream has one component"),
        (YUV422, "rgb", "colour is 'rgb', expected None or BT.601: the codestream's components are subsampled"),
        (RGB_RCT, "bt601-full", r"colour is 'bt601-full', expected None or 'rgb': .* \(Cpih is 1\)"),
    ],
)
def test_colours_that_do_not_fit(name: str, colour: str, message: str) -> None:
    with pytest.raises(CodecError, match=message):
        jpegxs.decode(payload(name), colour=colour)


def test_max_pixels() -> None:
    for call in (jpegxs.decode, jpegxs.decode_planes, jpegxs.header, jpegxs.split):
        with pytest.raises(CodecError, match=r"3072 pixels \(64x48\), expected at most max_pixels = 3071"):
            call(payload(RGB), max_pixels=3071)
    assert jpegxs.decode(payload(RGB), max_pixels=3072).shape == (48, 64, 3)


@pytest.mark.parametrize(
    "options, message",
    [({"threads": 0}, "threads is 0, expected 1 to 64"), ({"threads": -1}, "threads is -1"), ({"threads": 65}, "threads is 65"),
     ({"threads": 1.5}, "threads is 1.5"), ({"max_pixels": 0}, "max_pixels is 0"), ({"max_pixels": "all"}, "max_pixels is 'all'")],
)  # fmt: skip
def test_arguments_that_cannot_be(options: dict[str, object], message: str) -> None:
    """No thread would decode nothing, and leave in the output what was there."""
    for call in (jpegxs.decode, jpegxs.decode_planes, lambda data, **given: jpegxs.decode_strips([data], **given)):
        with pytest.raises(CodecError, match=message):
            call(payload(RGB), **options)


def test_several_codestreams() -> None:
    first, second = payload(RGB), payload("o11_yuv420_random_modes_rm1_98x54.jxs")
    assert jpegxs.header(second)["Lcod"] == 0
    together = second + first + second
    assert [bytes(c) for c in jpegxs.split(together)] == [second, first, second]
    np.testing.assert_array_equal(jpegxs.decode(together), jpegxs.decode(second))
    frames = jpegxs.split(payload("s29_rgb_two_frames.jxs"))
    assert (jpegxs.decode(frames[0]) != jpegxs.decode(frames[1])).any()
    with pytest.raises(CodecError, match=r"codestream 1: Lcod is 2304, expected at most the payload's 2303 bytes"):
        jpegxs.split(second + first[:-1])


@pytest.mark.parametrize("name", [RGB, "o11_yuv420_random_modes_rm1_98x54.jxs"])
def test_bytes_behind_the_codestream(name: str) -> None:
    data = payload(name)
    for call in (jpegxs.decode, jpegxs.decode_planes, jpegxs.split):
        with pytest.raises(CodecError, match=rf"2 bytes follow the codestream's {len(data)}, expected none or another codestream"):
            call(data + b"\0\0")


def test_comments() -> None:
    data = payload("o01_gray_18x4_worked_example.jxs")
    at = data.index(b"\xff\x20")
    longer = bytearray(data[:at] + b"\xff\x15\x00\x08\x80\x00abcd" + data[at:])
    longer[12:16] = len(longer).to_bytes(4, "big")
    assert jpegxs.header(longer)["COM"] == ((0x8000, b"abcd"),)
    np.testing.assert_array_equal(jpegxs.decode(longer), jpegxs.decode(data))


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, lambda b: np.frombuffer(b, np.uint8)])
def test_payload_types(kind: object) -> None:
    assert jpegxs.decode(kind(payload(RGB))).shape == (48, 64, 3)  # type: ignore[operator]


def test_every_vector_has_its_samples_where_they_are_given() -> None:
    given = [v for v in VALID if "decoded_file" in v]
    assert given
    for vector in given:
        samples = np.fromfile(FOLDER / vector["decoded_file"], np.uint8 if vector["bit_depth"] == 8 else "<u2")
        planes = jpegxs.decode_planes(payload(vector["file"]))
        np.testing.assert_array_equal(np.concatenate([plane.ravel() for plane in planes]), samples)
