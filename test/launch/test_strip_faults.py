# SPDX-License-Identifier: Apache-2.0
"""Frames in strips over a link between two computers, and malformed strips among them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")

from links import faults
from links.two_computers import LINK

if TYPE_CHECKING:
    from links.two_computers import TwoComputers

RATE = 15.0
MAX_GROWTH_MB = 40.0

pytestmark = pytest.mark.timeout(400)


def test_a_flood_of_malformed_strips(make_computers: Callable[..., TwoComputers]) -> None:
    """Among them strips of pictures that are too large, and such as look right, of frames that never come."""
    both = make_computers(LINK, rate=RATE, strips=True)
    both.flow()
    before, size = both.diagnostics("segmentation"), both.nodes["segmentation"].memory_mb()
    print(f"labels again after {both.recovery_s(faults.flood(both)):.2f} s")
    both.flow()
    both.wait(lambda: int(both.diagnostics("segmentation")["malformed"]) > int(before["malformed"]), "the malformed strips to be counted")
    assert both.nodes["segmentation"].memory_mb() < size + MAX_GROWTH_MB
    assert both.nodes["segmentation"].end() == 0
    assert "Traceback" not in both.nodes["segmentation"].log.read_text()
