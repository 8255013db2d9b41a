# SPDX-License-Identifier: Apache-2.0
"""The latency plot is written for every kind of run, empty ones too."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from plcv_ros.tracing import FrameEvent, FrameTable

pytest.importorskip("matplotlib")

MS = 1_000_000


def run(frames: int) -> FrameTable:
    table = FrameTable()
    rng = random.Random(3)
    for i in range(frames):
        time = 1_700_000_000_000_000_000 + i * 66 * MS
        stamp = time
        steps = [("camera", "captured", 0.0), ("camera", "encode_start", 0.2), ("camera", "encode_end", 0.4), ("camera", "published", 0.3)]
        if i % 11:
            steps += [("segmentation", "received", rng.uniform(0.8, 3)), ("segmentation", "decode_end", 0.6)]
            steps += [("segmentation", "inference_end", rng.gauss(60, 6)), ("segmentation", "labels_published", 0.4)]
        elif i % 2:
            steps = [steps[0], ("camera", "dropped", 1)]
        for node, event, ms in steps:
            time += round(ms * MS)
            table.add(FrameEvent("cam", stamp, node, event, time))
    return table


@pytest.mark.parametrize("frames", [0, 1, 300, 2000])
def test_plot_is_a_png(frames: int, tmp_path: Path) -> None:
    from plcv_ros.tracing.plots import plot_latency

    path = tmp_path / "latency.png"
    plot_latency(run(frames), path, title="a test")
    data = path.read_bytes()
    assert data.startswith(b"\x89PNG")
    assert (int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")) == (1400, 620)
