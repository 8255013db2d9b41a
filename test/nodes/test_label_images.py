# SPDX-License-Identifier: Apache-2.0
"""Label images in every encoding that others publish them in, and in those that nobody can read."""

from __future__ import annotations

from array import array

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")

from sensor_msgs.msg import Image

from plcv_ros.labels import CAMVID
from plcv_ros.nodes import conversion, label_images

IDS = np.random.default_rng(3).integers(0, len(CAMVID), (6, 9))
IDS[2, 3:5] = 255
ALPHA = np.full(IDS.shape, 255)


def message(pixels: np.ndarray, encoding: str, padding: int = 0, big: bool = False) -> Image:
    rows = np.ascontiguousarray(pixels).view(np.uint8).reshape(len(pixels), -1)
    rows = np.pad(rows, ((0, 0), (0, padding)))
    image = Image(height=pixels.shape[0], width=pixels.shape[1], encoding=encoding, step=rows.shape[1], is_bigendian=int(big))
    image.data = array("B", rows.tobytes())
    return image


def wide(kind: str, void: int) -> np.ndarray:
    return np.where(IDS == 255, void, IDS).astype(kind)


@pytest.mark.parametrize(
    ("pixels", "encoding", "big"),
    [
        (IDS.astype(np.uint8), "mono8", False),
        (IDS.astype(np.uint8), "8UC1", False),
        (wide("<u2", 65535), "mono16", False),
        (wide("<u2", 255), "16UC1", False),
        (wide(">u2", 65535), "MONO16", True),
        (wide("<i2", -1), "16SC1", False),
        (wide("<i4", -1), "32SC1", False),
        (wide(">i4", 255), "32SC1", True),
        (np.dstack([IDS, IDS, IDS]).astype(np.uint8), "rgb8", False),
        (np.dstack([0 * IDS, 0 * IDS, IDS, ALPHA]).astype(np.uint8), "bgra8", False),
        (np.dstack([IDS, 0 * IDS, 0 * IDS, ALPHA]).astype(np.uint8), "rgba8", False),
        (CAMVID.colourise(IDS.astype(np.uint8))[..., ::-1], "bgr8", False),
        (CAMVID.colourise(IDS.astype(np.uint8))[..., ::-1], "8UC3", False),
    ],
)
@pytest.mark.parametrize("padding", [0, 4])
def test_ids_come_out_of_every_encoding(pixels: np.ndarray, encoding: str, big: bool, padding: int) -> None:
    ids = label_images.class_ids(label_images.read(message(pixels, encoding, padding, big)), CAMVID)
    assert ids.dtype == np.uint8
    assert np.array_equal(ids, IDS)


@pytest.mark.parametrize("encoding", ["32FC1", "yuv422", "bayer_rggb8", "16UC3", "", "ids"])
def test_other_encodings_are_named_with_those_that_are_expected(encoding: str) -> None:
    with pytest.raises(
        conversion.EncodingError, match=rf"encoding '{encoding}', expected class ids as mono8, mono16, .* or a picture of them as rgb8"
    ):
        label_images.read(message(IDS.astype(np.uint8), encoding))


@pytest.mark.parametrize("kind", ["mono16", "32SC1"])
def test_messages_that_lie_about_their_size(kind: str) -> None:
    good = wide("<u2" if kind == "mono16" else "<i4", 255)
    for name, value in (("width", 0), ("height", 2**32 - 1), ("step", 17), ("width", 12), ("height", 7), ("data", array("B", b""))):
        bad = message(good, kind)
        setattr(bad, name, value)
        with pytest.raises(conversion.ImageError):
            label_images.read(bad)


@pytest.mark.parametrize(("value", "text"), [(11, "from 0 to 11"), (-2, "from -2 to 10"), (256, "from 0 to 256")])
def test_ids_that_are_no_classes_are_named(value: int, text: str) -> None:
    ids = np.arange(12).reshape(3, 4) % 11
    ids[1, 1] = value
    with pytest.raises(ValueError, match=f"class ids {text}: label set 'camvid' has ids 0 to 10"):
        label_images.class_ids(ids.astype(np.int32), CAMVID)
