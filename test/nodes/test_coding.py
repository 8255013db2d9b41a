# SPDX-License-Identifier: Apache-2.0
"""The name of a frame's codec, from its payload and from the parameters that it was encoded with."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("plcv_ros.codecs._native")

from plcv_ros import codecs
from plcv_ros.nodes.codec_parameters import codec_from, coding_from
from plcv_ros.nodes.coding import coding_of
from plcv_ros.nodes.parameters import CODEC_ROWS
from plcv_ros.perception.choice import distance

IMAGE = np.random.default_rng(1).integers(0, 256, (96, 160, 3), np.uint8)
DEFAULTS = {row.name: row.default for row in CODEC_ROWS}


@pytest.mark.parametrize(
    ("changes", "named", "told"),
    [
        ({}, "astc:8x8:fast", "astc:8x8"),
        ({"astc_block": "12x12", "astc_preset": "paper"}, "astc:12x12:paper", "astc:12x12"),
        ({"astc_block": "12x12", "astc_preset": "vision"}, "astc:12x12:vision", "astc:12x12:vision"),
        ({"codec": "jxs", "jxs_preset": "main"}, "jxs:main:3", "jxs:main:3"),
        ({"codec": "jxs", "jxs_preset": "main", "jxs_significance": "never"}, "jxs:main:3:nosig", "jxs:main:3:nosig"),
        ({"codec": "jxs", "jxs_bpp": 2.5}, "jxs:high:2.5", "jxs:high:2.5"),
        ({"codec": "jxs", "jxs_preset": "pruned", "jxs_bpp": 4.0}, "jxs:pruned:4", "jxs:pruned:4"),
        ({"codec": "jpeg"}, "jpeg:90", "jpeg"),
        ({"codec": "raw"}, "original", None),
        ({"codec": "auto"}, "", None),
    ],
)
def test_names(changes, named, told):
    values = {**DEFAULTS, **changes}
    assert coding_from(values) == named
    if told is None:
        return
    codec = codec_from(values)
    assert codec is not None
    assert coding_of(codec.encode(IMAGE)) == told
    assert distance(told, named) is not None
    if values["codec"] in {"astc", "jxs"}:
        for strip in codec.encode_strips(IMAGE, max_bytes=2000):
            assert coding_of(strip.payload, strip=True) == told


def test_what_is_no_payload_has_no_name():
    good = [bytes(codecs.make_codec(name).encode(IMAGE)) for name in codecs.CODECS]
    for payload in [b"", b"\xff\x10\xff\x50", *(p[:20] for p in good), b"?" + good[0]]:
        assert coding_of(payload) == ""
        assert coding_of(np.frombuffer(payload, np.uint8), strip=True) == ""
