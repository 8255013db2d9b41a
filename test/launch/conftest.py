# SPDX-License-Identifier: Apache-2.0
"""Two computers for the tests of whole graphs: the same emulated link and helpers that the benchmarks use."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

if TYPE_CHECKING:
    from links.network import Link
    from links.two_computers import TwoComputers


@pytest.fixture(scope="module")
def make_computers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., TwoComputers]]:
    """``make_computers(link, rate=15.0, size=(160, 96), strips=False)``: two computers with their nodes running, taken down after
    the module's last test."""
    pytest.importorskip("rclpy", reason="ROS 2 is not installed")
    pytest.importorskip("torch", reason="torch is not installed")
    from links.network import Network, missing
    from links.shifted_clock import ClockError
    from links.two_computers import TwoComputers

    reason = missing()
    if reason:
        pytest.skip(reason)
    with ExitStack() as stack:

        def make(link: Link, **options: object) -> TwoComputers:
            network = stack.enter_context(Network(link))
            try:
                return stack.enter_context(TwoComputers(network, tmp_path_factory.mktemp("computers"), **options))
            except ClockError as error:
                pytest.skip(str(error))

        yield make
