# SPDX-License-Identifier: Apache-2.0
"""Every encoding to rgb8, against pictures whose colours are known."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from plcv_ros.camera.encodings import ALIASES, BYTES_PER_PIXEL, canonical, image_rows, to_rgb8

cv2 = pytest.importorskip("cv2")

RED, GREEN, BLUE = (200, 40, 30), (20, 180, 60), (30, 50, 210)


def bars(height: int = 24, width: int = 48) -> npt.NDArray[np.uint8]:
    """Three vertical bars of flat colour, wide enough that interpolation leaves their middles alone."""
    image = np.empty((height, width, 3), np.uint8)
    third = width // 3
    for k, colour in enumerate((RED, GREEN, BLUE)):
        image[:, k * third : (k + 1) * third] = colour
    return image


def mosaic(image: npt.NDArray[np.uint8], pattern: str) -> npt.NDArray[np.uint8]:
    """Sample an rgb8 image through a colour filter; ``pattern`` names the first two rows' first two pixels, as ROS does."""
    raw = np.empty(image.shape[:2], np.uint8)
    for k, letter in enumerate(pattern):
        y, x = divmod(k, 2)
        raw[y::2, x::2] = image[y::2, x::2, "rgb".index(letter)]
    return raw


@pytest.mark.parametrize("pattern", ["rggb", "bggr", "gbrg", "grbg"])
def test_bayer_patterns_are_named_as_ros_names_them(pattern: str) -> None:
    decoded = to_rgb8(mosaic(bars(), pattern), f"bayer_{pattern}8")
    for k, colour in enumerate((RED, GREEN, BLUE)):
        assert decoded[12, 8 + 16 * k].tolist() == list(colour)


@pytest.mark.parametrize("size", [(2, 2), (2, 7), (3, 3), (5, 2), (4, 4), (3, 8)])
@pytest.mark.parametrize("pattern", ["rggb", "bggr", "gbrg", "grbg"])
def test_small_bayer_pictures_keep_their_colour(pattern: str, size: tuple[int, int]) -> None:
    flat = np.full((*size, 3), GREEN, np.uint8)
    assert (to_rgb8(mosaic(flat, pattern), f"bayer_{pattern}8") == flat).all()


@pytest.mark.parametrize(("encoding", "order"), [("yuv422", (1, 0, 3, 2)), ("yuv422_yuy2", (0, 1, 2, 3))])
def test_both_orders_of_yuv422(encoding: str, order: tuple[int, ...]) -> None:
    image = bars()
    # BT.601, limited range, two pixels share U and V
    r, g, b = (image[..., k].astype(float) for k in range(3))
    y = 16 + 0.257 * r + 0.504 * g + 0.098 * b
    u = 128 - 0.148 * r - 0.291 * g + 0.439 * b
    v = 128 + 0.439 * r - 0.368 * g - 0.071 * b
    yuyv = np.stack([y[:, 0::2], u[:, 0::2], y[:, 1::2], v[:, 0::2]], axis=2)
    rows = np.rint(yuyv[..., order]).astype(np.uint8).reshape(image.shape[0], -1)
    assert np.abs(to_rgb8(rows, encoding).astype(int) - image)[:, 4:12].max() <= 4
    assert np.abs(to_rgb8(rows, encoding).astype(int) - image)[:, 36:44].max() <= 4


@pytest.mark.parametrize("encoding", ["rgb8", "bgr8", "rgba8", "bgra8"])
def test_channel_orders_with_a_row_step(encoding: str) -> None:
    image = bars(6, 9)
    channels = encoding.removesuffix("8")
    packed = np.stack([image[..., "rgb".index(c)] if c in "rgb" else np.full((6, 9), 7, np.uint8) for c in channels], axis=2)
    padded = np.full((6, 9 * len(channels) + 5), 99, np.uint8)
    padded[:, : 9 * len(channels)] = packed.reshape(6, -1)
    assert (to_rgb8(padded[:, : 9 * len(channels)], encoding) == image).all()


def test_grey_has_three_equal_channels() -> None:
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert (to_rgb8(grey, "mono8") == grey[..., None]).all()


def test_every_encoding_gives_the_size_it_was_given() -> None:
    for encoding, per_pixel in BYTES_PER_PIXEL.items():
        rows = image_rows(np.zeros(3 * 6 * 8 * per_pixel, np.uint8), 8, 6, 8 * per_pixel, encoding)
        assert to_rgb8(rows, encoding).shape == (6, 8, 3)


@pytest.mark.parametrize("encoding", ["nv12", "nv21", "nv24"])
@pytest.mark.parametrize("step", [48, 56])
def test_planes_of_luma_and_colour(encoding: str, step: int) -> None:
    image = bars()
    # BT.601, limited range; Cb before Cr, in nv21 after it
    r, g, b = (image[..., k].astype(float) for k in range(3))
    y = 16 + 0.257 * r + 0.504 * g + 0.098 * b
    colour = np.stack([128 - 0.148 * r - 0.291 * g + 0.439 * b, 128 + 0.439 * r - 0.368 * g - 0.071 * b], axis=2)
    if encoding != "nv24":
        colour = colour[::2, ::2]
    if encoding == "nv21":
        colour = colour[..., ::-1]
    rows = np.rint(np.concatenate([y.reshape(-1), colour.reshape(-1)]).reshape(-1, 48)).astype(np.uint8)
    data = np.pad(rows, ((0, 0), (0, step - 48))).reshape(-1)
    if encoding == "nv24" and step != 48:
        with pytest.raises(ValueError, match="padded rows are not read"):
            image_rows(data, 48, 24, step, encoding)
        return
    decoded = to_rgb8(image_rows(data, 48, 24, step, encoding), encoding)
    assert decoded.shape == image.shape
    for columns in (slice(4, 12), slice(20, 28), slice(36, 44)):
        assert np.abs(decoded.astype(int) - image)[:, columns].max() <= 4
    with pytest.raises(ValueError, match="bytes of data, expected at least"):
        image_rows(data[:-9], 48, 24, step, encoding)


@pytest.mark.parametrize("encoding", ["nv12", "nv21"])
def test_odd_sizes_that_cannot_be(encoding: str) -> None:
    for width, height in ((7, 6), (8, 5)):
        with pytest.raises(ValueError, match=f"{encoding} image of {width}x{height} pixels, expected an even width and height"):
            image_rows(np.zeros(100, np.uint8), width, height, width, encoding)


@pytest.mark.parametrize("name", [*BYTES_PER_PIXEL, *ALIASES])
def test_names_are_compared_without_case(name: str) -> None:
    assert canonical(name) == canonical(name.upper()) == canonical(name.lower()) == canonical(name.title())
    assert canonical(name) in BYTES_PER_PIXEL


def test_names_that_ros_has_and_unknown_ones() -> None:
    assert canonical("YUYV") == "yuv422_yuy2"
    assert canonical("UYVY") == "yuv422"
    assert [canonical(f"8UC{n}") for n in (1, 3, 4)] == ["mono8", "bgr8", "bgra8"]
    assert canonical("Mono16") == "Mono16", "an unknown name stays as it was, for the error that names it"


def test_wrong_input_is_named() -> None:
    with pytest.raises(ValueError, match=r"'rgb16'.*expected one of rgb8"):
        to_rgb8(np.zeros((2, 6), np.uint8), "rgb16")
    with pytest.raises(ValueError, match="even width"):
        to_rgb8(np.zeros((2, 6), np.uint8), "yuv422")
    with pytest.raises(ValueError, match=r"\(2, 7\)"):
        to_rgb8(np.zeros((2, 7), np.uint8), "rgb8")
    with pytest.raises(ValueError, match="1x5 pixels"):
        to_rgb8(np.zeros((5, 1), np.uint8), "bayer_rggb8")


def test_rows_that_do_not_fit_are_named() -> None:
    data = np.arange(20, dtype=np.uint8)
    assert image_rows(data, 2, 2, 8, "rgb8").tolist() == [[0, 1, 2, 3, 4, 5], [8, 9, 10, 11, 12, 13]]
    with pytest.raises(ValueError, match="row step of 5 bytes, expected at least 6"):
        image_rows(data, 2, 2, 5, "rgb8")
    with pytest.raises(ValueError, match="20 bytes of data, expected at least 22"):
        image_rows(data, 2, 3, 8, "rgb8")
