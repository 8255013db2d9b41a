# SPDX-License-Identifier: Apache-2.0
"""What all tests share: no verdict by the clock, and ROS domains of their own for tests that run side by side."""

from __future__ import annotations

import contextlib
import itertools
import os

import pytest

with contextlib.suppress(ImportError):
    from hypothesis import settings

    # On a busy computer an example may take any time.
    settings.register_profile("plcv", deadline=None)
    settings.load_profile("plcv")

DOMAINS = 100
"""Fast DDS takes the UDP ports of domains above 101 from those that Linux gives to other programs."""

_numbers = itertools.count(os.getpid())


@pytest.fixture
def domain() -> int:
    """A ROS domain that no other test uses at the same time; skips where there is no ROS."""
    pytest.importorskip("rclpy", reason="ROS 2 is not installed")
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    share = max(1, DOMAINS // workers)
    return 1 + (worker * share + next(_numbers) % share) % DOMAINS
