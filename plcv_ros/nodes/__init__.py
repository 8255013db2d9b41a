# SPDX-License-Identifier: Apache-2.0
"""ROS 2 nodes: camera, encoder, decoder, segmentation, evaluation, latency, and what they share. The only room that imports rclpy.
No pixels are computed here: codecs, cameras and networks live in rooms of their own."""
