# SPDX-License-Identifier: Apache-2.0
"""camera_info beside a topic that a node makes of another: the camera's own messages, untouched, while somebody subscribes."""

from __future__ import annotations

from typing import Any

from sensor_msgs.msg import CameraInfo

from plcv_ros.nodes import qos, wire


class CameraInfoRelay:
    """Forwards the camera_info beside ``source``, a base image topic, to the one beside ``target``; nothing where the two are the same.

    The calibration describes the pixels, which the node hands on as many and as large as they came: every field holds for its images too, and
    the stamp, by which image_transport's subscribers join the two, is that of the image.
    """

    def __init__(self, node: Any, source: str, target: str, *, reliable: bool) -> None:
        self.forwarded = 0
        """Messages so far."""
        self._node = node
        self._source = wire.sibling(source, "camera_info")
        self._profile = qos.infos_requested(reliable)
        self._subscription: Any = None
        self._publisher: Any = None
        topic = wire.sibling(target, "camera_info")
        # Beside the same base topic there is a camera_info already: the camera driver's.
        if node.resolve_topic_name(self._source) != node.resolve_topic_name(topic):
            node.inputs.expect(CameraInfo, self._source)
            self._publisher = qos.create_publisher(node, CameraInfo, topic, qos.infos_offered(), self._on_demand)

    def _on_demand(self, subscribers: int) -> None:
        if subscribers and self._subscription is None:
            self._subscription = qos.create_subscription(self._node, CameraInfo, self._source, self._forward, self._profile)
        elif not subscribers and self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
            self._subscription = None

    def _forward(self, message: CameraInfo) -> None:
        self._publisher.publish(message)
        self.forwarded += 1
