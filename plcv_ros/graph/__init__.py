# SPDX-License-Identifier: Apache-2.0
"""The node graphs as plain data: which nodes, with which parameters and names, in which DDS environment. ``launch/*.launch.py`` turn them
into launch_ros actions, ``plcv up`` and ``plcv demo`` into processes. No ROS here but for ``launching.py``, which needs launch_ros.

    graph = build("offload", {"configuration": "jpeg", "source": "/dev/video0"})
    for node in graph.nodes: node.command(), graph.environment
"""

from plcv_ros.graph.arguments import Argument, ArgumentError
from plcv_ros.graph.graphs import GRAPHS, Graph, GraphKind, NodeSpec, build
from plcv_ros.graph.locations import configurations, share_directory
from plcv_ros.graph.supervision import describe_exit

__all__ = [
    "GRAPHS",
    "Argument",
    "ArgumentError",
    "Graph",
    "GraphKind",
    "NodeSpec",
    "build",
    "configurations",
    "describe_exit",
    "share_directory",
]
