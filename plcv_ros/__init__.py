# SPDX-License-Identifier: Apache-2.0
"""Offload a robot's camera to a remote neural network at the lowest latency the link allows.

Rooms: ``codecs`` (pixels <-> bytes), ``labels``, ``scenes``, ``camera`` (where frames come from), ``perception`` (networks),
``training``, ``tracing`` (latency of every frame), ``graph`` (node graphs), ``nodes`` (the only room that imports rclpy), ``cli``.
"""

__version__ = "0.1.0"
