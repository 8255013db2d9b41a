# SPDX-License-Identifier: Apache-2.0
"""What the coding tools are worth: the presets against each other, a configuration without them, and an exhaustive search."""

from __future__ import annotations

import numpy as np
import pytest
from pictures import SHARED, psnr, street

from plcv_ros.codecs import jpegxs
from plcv_ros.codecs.jpegxs import JxsCodec

UNTRANSFORMED = {"colour_transform": False, "quantizer": "deadzone", "signs": "inline", "vertical_prediction": False}
"""The common open configuration: 5/2 without colour transform and with its own gains, deadzone quantizer, signs in the data."""


def photograph() -> np.ndarray:
    paths = sorted((SHARED / "kitti_2011_09_26_seq/image_02").glob("*.webp"))
    if not paths:
        pytest.skip("the shared data folder is not there")
    cv2 = pytest.importorskip("cv2")
    return cv2.cvtColor(cv2.imread(str(paths[0])), cv2.COLOR_BGR2RGB)


def score(codec: JxsCodec, image: np.ndarray) -> float:
    return psnr(jpegxs.decode(codec.encode(image)), image)


@pytest.mark.parametrize("bpp", [2, 3, 4])
def test_photograph(bpp: float) -> None:
    image = photograph()
    high = score(JxsCodec(bpp), image)
    assert high > score(JxsCodec(bpp, **UNTRANSFORMED), image) + 1.8
    assert high > {2: 35.8, 3: 39.3, 4: 41.9}[bpp]
    assert high > score(JxsCodec(bpp, "main"), image)
    assert high - 1.5 < score(JxsCodec(bpp, "pruned"), image) < high
    assert score(JxsCodec(bpp, rate_control="picture"), image) > high - 0.02


@pytest.mark.parametrize("bpp", [2, 3, 4])
@pytest.mark.parametrize("preset", ["high", "pruned"])
def test_the_search_is_as_good_as_an_exhaustive_one(bpp: float, preset: str) -> None:
    image = street(192, 320)
    exhaustive = score(JxsCodec(bpp, preset, search="exhaustive"), image)
    assert score(JxsCodec(bpp, preset, search="full"), image) > exhaustive - 0.1
    assert score(JxsCodec(bpp, preset), image) > exhaustive - 0.1


@pytest.mark.parametrize(
    "switches",
    [
        {"significance": False},
        {"quantizer": "deadzone"},
        {"signs": "inline"},
        {"levels": "5/0"},
        {"colour_transform": False},
        {"vertical_prediction": False},
    ],
    ids=lambda s: next(iter(s)),
)
def test_every_tool_gains(switches: dict[str, object]) -> None:
    image = street(192, 320)
    assert score(JxsCodec(3, **switches), image) < score(JxsCodec(3), image)


def test_narrow_arithmetic_costs_little() -> None:
    image = street(192, 320)
    high = score(JxsCodec(3), image)
    assert abs(score(JxsCodec(3, precision="18/6"), image) - high) < 0.05
    assert high - 0.7 < score(JxsCodec(3, precision="B/0"), image) < high
