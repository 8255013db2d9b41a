# SPDX-License-Identifier: Apache-2.0
"""``python -m plcv_ros.nodes camera --ros-args ...``: run a node by its name, as the graphs and the installed executables do."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Sequence

EXECUTABLES = ("camera", "encoder", "decoder", "segmentation", "evaluation", "latency")
USAGE = 2


def main(words: Sequence[str]) -> int:
    """Run the node ``words[0]`` with the arguments in ``sys.argv``; returns the exit status.

    A node asked to end (SIGINT, SIGTERM) while rclpy is being imported has nothing to close yet: it ends at once, without a traceback.
    From its start on, :mod:`plcv_ros.nodes.runner` answers these signals.
    """
    if not words or words[0] not in EXECUTABLES:
        print(f"usage: python -m plcv_ros.nodes {{{','.join(EXECUTABLES)}}} [--ros-args ...]", file=sys.stderr)
        return USAGE
    _end_on_signals(0)
    status = int(importlib.import_module(f"plcv_ros.nodes.{words[0]}").main())
    _end_on_signals(status)
    return status


def _end_on_signals(status: int) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(status))


if __name__ == "__main__":
    name = sys.argv[1:2]
    # The node finds its own arguments where it looks for them.
    del sys.argv[1:2]
    sys.exit(main(name))
