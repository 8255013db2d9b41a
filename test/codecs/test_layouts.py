# SPDX-License-Identifier: Apache-2.0
"""Frames of random layouts one after the other on one thread: what an earlier frame left behind must not reach a later one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import layouts
import numpy as np
import pytest

from plcv_ros.codecs import jpegxs, make_codec, simd_targets

COUNT = 240


def test_a_row_of_frames_equals_fresh_processes() -> None:
    script = [sys.executable, layouts.__file__, "1", str(COUNT)]
    run = subprocess.run(script, cwd=Path(layouts.__file__).parent, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr
    fresh = json.loads(run.stdout)
    for layout, expected in zip(layouts.layouts(1, COUNT), fresh, strict=True):
        found = {target: layouts.digest(layout, target) for target in simd_targets()}
        assert found == dict.fromkeys(found, expected), layout


@pytest.mark.parametrize("target", simd_targets())
def test_the_line_of_an_earlier_frame_does_not_follow_raw_counts(target: str) -> None:
    """Lines of a multiple of 64 code groups that begin at the second one, behind a frame whose lines were longer."""
    rng = np.random.default_rng(0)
    before = rng.integers(0, 256, (16, 1500, 2), dtype=np.uint8)
    for width in (1012, 2028, 3058, 4056):
        image = rng.integers(0, 256, (16, width, 2), dtype=np.uint8)
        payloads = []
        for name in ("scalar", target):
            codec = make_codec("jxs", bpp=12.0, preset="high")
            codec.target = name
            codec.encode(before, pixel_format="yuv422")
            payloads.append(bytes(codec.encode(image, pixel_format="yuv422")))
        assert payloads[0] == payloads[1]
        assert len(jpegxs.decode_planes(payloads[1])) == 3
