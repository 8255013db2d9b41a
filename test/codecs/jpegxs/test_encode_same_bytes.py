# SPDX-License-Identifier: Apache-2.0
"""The same bytes on every instruction set, for any number of threads, pixel format and distance between rows."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from pictures import KINDS, noise, street

from plcv_ros.codecs import simd_targets
from plcv_ros.codecs.jpegxs import JxsCodec
from plcv_ros.codecs.jpegxs.presets import PRESETS

SIZES = [(64, 48), (131, 77), (257, 33), (1000, 20), (2, 2)]
CODECS = [
    {},
    {"preset": "main", "bpp": 1.5},
    {"preset": "pruned", "bpp": 6},
    {"significance": False, "raw_counts": False},
    {"signs": "inline", "quantizer": "deadzone", "colour_transform": False},
    {"levels": "5/0", "precision": "B/0", "bpp": 12},
    {"lossless": True},
    {"lossless": True, "signs": "inline"},
]


@pytest.mark.parametrize("options", CODECS, ids=lambda o: " ".join(f"{k}={v}" for k, v in o.items()) or "high")
@pytest.mark.parametrize("target", [t for t in simd_targets() if t != "scalar"])
def test_targets(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch, target: str, options: dict[str, object]) -> None:
    for width, height in SIZES:
        for kind in KINDS:
            image = kind(rng, height, width)
            codec = JxsCodec(**options)
            if not codec.lossless:
                codec.bpp = max(codec.bpp, codec.smallest_bpp(width, height) + 0.5)
            payloads = []
            for name in ("scalar", target):
                codec.target = name
                payloads.append(codec.encode(image))
            assert payloads[0] == payloads[1]
    monkeypatch.setenv("PLCV_SIMD", target)
    assert JxsCodec(**options).target == target


@pytest.mark.parametrize("options", CODECS, ids=lambda o: " ".join(f"{k}={v}" for k, v in o.items()) or "high")
def test_threads(options: dict[str, object]) -> None:
    image = street(210, 160)
    expected = JxsCodec(**options).encode(image)
    for threads in (2, 3, 8, 64):
        assert JxsCodec(**options, threads=threads).encode(image) == expected


def test_no_state_between_frames(rng: np.random.Generator) -> None:
    codec = JxsCodec(3)
    image = street(64, 96)
    expected = codec.encode(image)
    codec.encode(noise(rng, 33, 500))
    codec.encode(noise(rng, 70, 64, 2), "yuv422")
    assert codec.encode(image) == expected


def test_pixel_formats_and_strides() -> None:
    image = street(66, 130)
    codec = JxsCodec(3)
    expected = codec.encode(image)
    alpha = np.arange(66 * 130, dtype=np.uint8).reshape(66, 130)
    assert codec.encode(np.ascontiguousarray(image[..., ::-1]), "bgr8") == expected
    assert codec.encode(np.dstack([image, alpha]), "rgba8") == expected
    assert codec.encode(np.dstack([image[..., ::-1], alpha]), "bgra8") == expected
    padded = np.zeros((66, 150, 3), np.uint8)
    padded[:, :130] = image
    assert codec.encode(padded[:, :130]) == expected
    assert codec.encode(np.ascontiguousarray(image[::-1])[::-1]) == expected
    grey = np.ascontiguousarray(image[..., 1])
    assert codec.encode(grey, "mono8") == codec.encode(grey[..., None], "mono8")
    uyvy = np.ascontiguousarray(image[..., :2])
    assert codec.encode(uyvy, "yuv422") == codec.encode(np.ascontiguousarray(uyvy[..., ::-1]), "yuv422_yuy2")


def test_golden() -> None:
    """The bytes of record: a change of them is a change of the encoder's decisions."""
    image = street(96, 160)
    digests = {preset: hashlib.sha256(JxsCodec(3, preset).encode(image)).hexdigest()[:16] for preset in PRESETS}
    assert digests == {"high": "216e01aa43f9841f", "main": "58dd9b8795ae7732", "pruned": "dc530856307a4551"}
