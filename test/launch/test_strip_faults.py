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
    before = both.diagnostics("segmentation")
    # Some of them begin pictures of 16384 rows, which are concealed and segmented: what those take stays taken, but another flood takes no more.
    sizes = []
    for _ in range(2):
        print(f"labels again after {both.recovery_s(faults.flood(both)):.2f} s")
        both.flow()
        sizes.append(both.nodes["segmentation"].memory_mb())
    both.wait(lambda: int(both.diagnostics("segmentation")["malformed"]) > int(before["malformed"]), "the malformed strips to be counted")
    assert sizes[1] < sizes[0] + MAX_GROWTH_MB, sizes
    assert both.nodes["segmentation"].end() == 0
    assert "Traceback" not in both.nodes["segmentation"].log.read_text()
