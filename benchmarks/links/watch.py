# SPDX-License-Identifier: Apache-2.0
"""Writes what a node says of itself on /diagnostics, one JSON line a second, until it is ended.

python watch.py NODE FILE
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from plcv_ros.nodes.monitor import DiagnosticsMonitor


def main() -> None:
    """Run for ever."""
    node, path = sys.argv[1], Path(sys.argv[2])
    with DiagnosticsMonitor("watch") as monitor, path.open("w", encoding="utf-8") as file:
        while True:
            time.sleep(1.0)
            values = monitor.latest().get(node)
            if values is not None:
                file.write(json.dumps(values) + "\n")
                file.flush()


if __name__ == "__main__":
    main()
