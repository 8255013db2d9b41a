# SPDX-License-Identifier: Apache-2.0
"""Writes the stamps (ns) of the frames that a node has published, a line each, until it is ended.

python published.py NODE FILE
"""

from __future__ import annotations

import sys
from pathlib import Path

import rclpy
from rclpy.executors import ExternalShutdownException
from sensor_msgs.msg import TimeReference

from plcv_ros.nodes import qos
from plcv_ros.nodes.conversion import to_ns
from plcv_ros.tracing import split_source


def main() -> None:
    """Run for ever."""
    name, path = sys.argv[1], Path(sys.argv[2])
    rclpy.init()
    node = rclpy.create_node("published")
    with path.open("w", encoding="utf-8", buffering=1) as file:

        def note(message: TimeReference) -> None:
            if split_source(message.source)[1] == "published":
                file.write(f"{to_ns(message.header.stamp)}\n")

        node.create_subscription(TimeReference, f"{name}/frame_events", note, qos.events())
        try:
            rclpy.spin(node)
        except (KeyboardInterrupt, ExternalShutdownException):
            return


if __name__ == "__main__":
    main()
