# SPDX-License-Identifier: Apache-2.0
"""One camera's way through the segmentation node: its frames in, its labels, overlay and class table out, its clock, its counters."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from sensor_msgs.msg import Image
from std_msgs.msg import String

from plcv_ros.labels import IGNORE_INDEX
from plcv_ros.nodes import conversion, qos
from plcv_ros.nodes.checkpoint_changes import CheckpointChanges
from plcv_ros.nodes.clock import StampClock
from plcv_ros.nodes.node import FrameNode
from plcv_ros.nodes.receiver import Received
from plcv_ros.nodes.strip_receiver import make_receiver
from plcv_ros.perception.batching import ExpiredError

if TYPE_CHECKING:
    from plcv_ros.perception.by_codec import Networks

ALL_OLD_WARNING = 30
"""So many frames in a row that are all too old are no late frames but clocks that disagree."""

Predict = Callable[[npt.NDArray[np.uint8], str, float, float], npt.NDArray[np.uint8]]
"""(H, W, 3) uint8, name of the network, when it should be done, when it need not be begun any more (s on the monotonic clock) -> (H, W) uint8."""


@dataclass
class Counters:
    """Since the start, and of the latest frame."""

    segmented: int = 0
    failed: int = 0
    inference_ms: float = 0.0
    checkpoint: str = ""
    """The network that the latest frame had."""
    checkpoint_changes: int = 0


class SegmentationStream:
    """Receives, predicts and publishes for one camera. ``camera`` is its namespace, relative to the node's; empty for a node with one camera,
    whose topics are the node's own (``~/labels``), while those of several are ``<camera>/<node>/labels``."""

    def __init__(self, node: FrameNode, camera: str, networks: Networks, predict: Predict, changes: CheckpointChanges) -> None:
        self.camera = camera
        self.frame_id = ""
        """Of the latest frame."""
        self.counters = Counters()
        self.segmented_by: Counter[str] = Counter()
        """Name of a network -> frames that had it."""
        self._node = node
        self._networks = networks
        self._predict = predict
        self._changes = changes
        self._label_set = networks.label_set
        self._old_in_a_row = 0
        prefix = f"{camera}/{node.get_name()}/" if camera else "~/"
        base = f"{camera}/{node.text('image_topic')}" if camera else node.text("image_topic")
        self._labels = qos.create_publisher(node, Image, f"{prefix}labels", qos.frames_offered())
        self._overlay = qos.create_publisher(node, Image, f"{prefix}overlay", qos.frames_offered())
        self._publish_classes(prefix)
        # The receiver asks whoever owns it how old a frame is: this stream, which knows the camera's clock, and for all else is the node.
        self.receiver = make_receiver(
            self,  # type: ignore[arg-type]
            base,
            node.text("transport"),
            reliable=node.flag("reliable"),
            handle=self._segment,
            accept=self._young_enough,
        )
        self._stamp_clock = StampClock(node, self.receiver.topic, node.text("clock_sync"))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._node, name)

    def _publish_classes(self, prefix: str) -> None:
        self._classes = qos.create_publisher(self._node, String, f"{prefix}classes", qos.latched())
        self._classes.publish(String(data=self._label_set.to_json()))
        try:
            from vision_msgs.msg import LabelInfo, VisionClass
        except ImportError:  # not every ROS installation has vision_msgs; classes says the same
            return
        info = LabelInfo()
        info.header.stamp = self._node.get_clock().now().to_msg()
        info.class_map = [VisionClass(class_id=index, class_name=name) for index, name in enumerate(self._label_set.classes)]
        self._label_info = qos.create_publisher(self._node, LabelInfo, f"{prefix}label_info", qos.latched())
        self._label_info.publish(info)

    def age_ns(self, header: Any) -> int:
        """How old a frame is, the camera's clock taken into account."""
        return FrameNode.age_ns(self._node, header) + self._stamp_clock.offset_ns

    def round_trip_ns(self) -> int:
        """The smallest round trip to the camera's node and back; 0 where it is not known."""
        return self._stamp_clock.round_trip_ns

    def _young_enough(self, header: Any) -> bool:
        self.frame_id = header.frame_id
        limit_ms = self._node.number("max_age_ms")
        if not self.receiver.stamps.tells_age(header):
            return True
        age_ms = self.age_ns(header) / 1e6
        if limit_ms <= 0 or age_ms <= limit_ms:
            self._old_in_a_row = 0
            return True
        self._old_in_a_row += 1
        if self._old_in_a_row == ALL_OLD_WARNING:
            self._node.get_logger().warning(
                f"the last {ALL_OLD_WARNING} frames of {self.receiver.topic} were all dropped, older than max_age_ms = {limit_ms:g} (the latest: "
                f"{age_ms:.0f} ms): are the clocks of both computers synchronised, and use_sim_time set alike?"
            )
        return False

    def _limits(self, header: Any) -> tuple[float, float]:
        """When the frame should be done, and when it need not be begun any more, on the monotonic clock."""
        now, age_s = time.monotonic(), self.age_ns(header) / 1e9 if self.receiver.stamps.tells_age(header) else 0.0
        deadline_s, expires_s = self._node.number("deadline_ms") / 1000, self._node.number("max_age_ms") / 1000
        # A stamp of another age, a replayed bag's say, tells nothing of how urgent a frame is.
        deadline = now + min(max(deadline_s - age_s, 0.0), deadline_s)
        return deadline, now + max(expires_s - age_s, 0.0) if expires_s > 0 else math.inf

    def _network_for(self, received: Received) -> str:
        """Name of the network for a frame; a change is counted and told."""
        if len(self._networks) == 1:
            self.counters.checkpoint = self._networks.default
            return self._networks.default
        coding = received.coding()
        before, name = self.counters.checkpoint, self._networks.choose(coding)
        if name != before:
            self.counters.checkpoint = name
            self.counters.checkpoint_changes += bool(before)
            self._changes.tell(self.camera, before, name, coding)
        return name

    def _segment(self, header: Any, received: Received) -> None:
        image = received.image
        start = time.time_ns()
        network = self._network_for(received)
        try:
            labels = self._predict(image, network, *self._limits(header))
        except ExpiredError:
            self.receiver.counters.dropped_old += 1
            self.receiver.trouble = "older than max_age_ms before the network began"
            self._node.events.note(header, "dropped")
            return
        except (ValueError, RuntimeError) as error:
            # A picture too small for the network, or no memory for one too large, must not end the node: the next one may do.
            self.counters.failed += 1
            self.receiver.trouble = f"the network fails: {error}"
            self._node.events.note(header, "dropped")
            self._node.get_logger().error(
                f"no labels for a {image.shape[1]}x{image.shape[0]} frame: {error}; more of them are only counted", once=True
            )
            return
        end = time.time_ns()
        self.counters.inference_ms = (end - start) / 1e6
        self._node.events.note(header, "inference_end", end)
        if received.missing_rows is not None and self._node.flag("unlabel_concealed"):
            labels[received.missing_rows] = IGNORE_INDEX
        self._labels.publish(conversion.image_message(header, labels, "mono8"))
        self._node.events.note(header, "labels_published")
        self.counters.segmented += 1
        self.receiver.finished()
        self.segmented_by[network] += 1
        if self._overlay.get_subscription_count():
            overlay = self._label_set.overlay(image, labels, self._node.number("overlay_opacity"))
            self._overlay.publish(conversion.image_message(header, overlay, "rgb8"))
