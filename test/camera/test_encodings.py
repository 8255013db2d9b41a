# SPDX-License-Identifier: Apache-2.0
"""Every encoding to rgb8, against pictures whose colours are known."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from plcv_ros.camera.encodings import BYTES_PER_PIXEL, image_rows, to_rgb8

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
        assert to_rgb8(np.zeros((6, 8 * per_pixel), np.uint8), encoding).shape == (6, 8, 3)


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
