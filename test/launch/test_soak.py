# SPDX-License-Identifier: Apache-2.0
"""An hour at 30 fps over a link: memory stays bounded, and what became of every frame is known."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
pytest.importorskip("torch", reason="torch is not installed")

from two_computers import LINK, Network, TwoComputers, missing

MAX_GROWTH_MB = 40.0
SOAK_RATE = 30.0
SHARE = 0.1
"""Of the frames that must be labelled all the time, on a computer however busy."""

SOAK_S = float(os.environ.get("PLCV_SOAK_S", "3600"))


@pytest.mark.slow
@pytest.mark.timeout(SOAK_S + 300)
def test_an_hour_at_30_fps(tmp_path: Path) -> None:
    """PLCV_SOAK_S gives another length than an hour."""
    reason = missing()
    if reason:
        pytest.skip(reason)
    with Network(LINK) as network:
        computers = TwoComputers(network, tmp_path, SOAK_RATE)
        try:
            computers.healthy(SHARE)
            samples: list[dict[str, float]] = []
            end = time.monotonic() + SOAK_S
            while time.monotonic() < end:
                time.sleep(min(SOAK_S / 60, end - time.monotonic() + 0.01))
                computers.healthy(SHARE)
                samples.append({name: node.memory_mb() for name, node in computers.nodes.items()})
            # The latency node fills its table, and allocators settle, in the first third.
            for name in samples[0]:
                growth = samples[-1][name] - samples[len(samples) // 3][name]
                print(f"{name}: {samples[0][name]:.0f} MB, {samples[len(samples) // 3][name]:.0f} MB, {samples[-1][name]:.0f} MB")
                assert growth < MAX_GROWTH_MB, name
            computers.nodes["latency"].signal(signal.SIGINT)
            assert computers.nodes["latency"].process.wait(30) == 0
        finally:
            computers.close()
    content = json.loads((tmp_path / "report" / "latency.json").read_text())
    assert content["captured"] == sum(content[name] for name in ("segmented", "dropped_camera", "lost", "dropped_remote", "in_flight"))
    # A camera on a busy computer leaves frames out (and counts them as late) rather than fall behind.
    assert content["captured"] > 0.5 * SOAK_RATE * SOAK_S
    # On a busy computer the newest frame overwrites one that nobody has fetched yet; that is counted as lost, and must stay rare.
    assert content["lost"] <= 0.05 * content["captured"]
