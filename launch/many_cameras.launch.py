# SPDX-License-Identifier: Apache-2.0
"""ros2 launch plcv_ros many_cameras.launch.py: see `plcv_ros/graph` for the graph, `--show-args` for the arguments."""

from __future__ import annotations

from launch import LaunchDescription

from plcv_ros.graph.launching import launch_description


def generate_launch_description() -> LaunchDescription:
    """Called by launch."""
    return launch_description("many_cameras")
