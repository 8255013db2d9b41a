# SPDX-License-Identifier: Apache-2.0
"""The clock offset between two computers, over a link that frames keep busy two thirds of the time in one direction."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")

from links.network import Link

if TYPE_CHECKING:
    from links.two_computers import TwoComputers

RATE = 15.0
SIZE = (640, 360)
FRAME_BITS = 640 * 360 * 2
LINK = Link(rate=10.0, delay_ms=3.0)
"""A frame of ASTC 8x8 (2 bit/px) takes 46 of the 67 ms from one to the next."""


@pytest.mark.timeout(400)
def test_offset_drift_and_uncertainty(make_computers: Callable[..., TwoComputers]) -> None:
    computers = make_computers(LINK, rate=RATE, size=SIZE)
    computers.clock.set(-1800.0, drift_ppm=50.0)
    computers.wait(lambda: "clock_camera_offset_ms" in computers.diagnostics("latency"), "the first exchanges")

    def settled() -> bool:
        status = computers.diagnostics("latency")
        truth_ms = computers.clock.shift_ns() / 1e6
        error_ms = float(status["clock_camera_offset_ms"]) - truth_ms
        uncertainty_ms, drift = float(status["clock_camera_uncertainty_ms"]), float(status["clock_camera_drift_ppm"])
        print(f"offset {truth_ms:.3f} ms, error {error_ms:+.3f}, uncertainty {uncertainty_ms:.3f}, drift {drift} ppm")
        # What is on /diagnostics is up to a second old, in which the clock has gained 0.05 ms. No exchange is faster than the link.
        return abs(error_ms) < 0.3 + 0.1 and LINK.delay_ms <= uncertainty_ms < 8.0 and abs(drift - 50) < 30

    for _ in range(2):
        computers.wait(settled, "offset, uncertainty and drift to be right")
    # The wire alone takes 49 ms; less cannot be, and the clocks' error is no more than what is said of it.
    latest = computers.wait(lambda: (status := computers.diagnostics("latency")).get("transport_p50_ms") and status, "transport times")
    assert float(latest["transport_p50_ms"]) > LINK.transit_ms(FRAME_BITS / 8) - float(latest["clock_camera_uncertainty_ms"])
    assert computers.nodes["latency"].end() == 0
    report = json.loads((computers.folder / "report" / "latency.json").read_text())
    assert report["clocks"]["camera"]["steps"] <= 1, "the one of this test, where the first exchanges came before it"
    assert re.search(r"-1(800.0|799.9)\d\d s", (computers.folder / "report" / "latency.html").read_text())
