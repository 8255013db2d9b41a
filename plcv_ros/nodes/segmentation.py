# SPDX-License-Identifier: Apache-2.0
"""The segmentation node: decodes frames in its own process, predicts, publishes labels, an overlay and the class table.

Two threads: the executor keeps the newest payload, a worker decodes and predicts (torch lets the other thread run meanwhile).
"""

from __future__ import annotations

import sys
import time
from typing import Any

from sensor_msgs.msg import Image
from std_msgs.msg import String

from plcv_ros.labels import IGNORE_INDEX, LabelSet
from plcv_ros.nodes import conversion, diagnostics, qos
from plcv_ros.nodes.clock import StampClock
from plcv_ros.nodes.node import FrameNode, NodeError
from plcv_ros.nodes.receiver import Received
from plcv_ros.nodes.runner import run
from plcv_ros.nodes.strip_receiver import make_receiver

WARMUP_SIZE = (360, 640)

ALL_OLD_WARNING = 30
"""So many frames in a row that are all too old are no late frames but clocks that disagree."""


class SegmentationNode(FrameNode):
    """Publishes ``~/labels`` (mono8 class ids, the frame's header), ``~/overlay`` while somebody looks, ``~/classes`` and ``~/label_info``."""

    result_event = "labels_published"

    def __init__(self) -> None:
        super().__init__("segmentation")
        self._predictor = self._load()
        self._label_set: LabelSet = self._predictor.label_set
        self._segmented = 0
        self._failed = 0
        self._inference_ms = 0.0
        self._old_in_a_row = 0
        self._meter = diagnostics.Meter()
        self._labels = qos.create_publisher(self, Image, "~/labels", qos.frames_offered())
        self._overlay = qos.create_publisher(self, Image, "~/overlay", qos.frames_offered())
        self._publish_classes()
        self._receiver = make_receiver(
            self,
            self.text("image_topic"),
            self.text("transport"),
            reliable=self.flag("reliable"),
            handle=self._segment,
            accept=self._young_enough,
        )
        self._stamp_clock = StampClock(self, self._receiver.topic, self.text("clock_sync"))
        start = time.monotonic()
        self._predictor.warmup(*WARMUP_SIZE)
        warmup_s = time.monotonic() - start
        self._receiver.subscribe()
        self.get_logger().info(
            f"{self.text('checkpoint')}: {len(self._label_set)} classes ({self._label_set.name}) on {self._predictor.device}, "
            f"warmed up in {warmup_s:.1f} s; waiting for frames on {self._receiver.topic}"
        )

    def _load(self) -> Any:
        try:
            from plcv_ros.perception import load_predictor

            return load_predictor(self.text("checkpoint"), device=self.text("device"), threads=self.integer("threads"))
        except ImportError as error:
            raise NodeError(f'the segmentation node needs {error.name or error}: pip install "plcv_ros[remote]"') from error
        except ValueError as error:
            raise NodeError(str(error)) from error

    def _publish_classes(self) -> None:
        self._classes = qos.create_publisher(self, String, "~/classes", qos.latched())
        self._classes.publish(String(data=self._label_set.to_json()))
        try:
            from vision_msgs.msg import LabelInfo, VisionClass
        except ImportError:  # not every ROS installation has vision_msgs; ~/classes says the same
            return
        info = LabelInfo()
        info.header.stamp = self.get_clock().now().to_msg()
        info.class_map = [VisionClass(class_id=index, class_name=name) for index, name in enumerate(self._label_set.classes)]
        self._label_info = qos.create_publisher(self, LabelInfo, "~/label_info", qos.latched())
        self._label_info.publish(info)

    def start(self) -> None:
        """Start the worker thread."""
        self._receiver.start()

    def stop(self) -> None:
        """End the worker thread after the frame that it works on."""
        self._receiver.stop()

    def age_ns(self, header: Any) -> int:
        """How old a frame is, the camera's clock taken into account."""
        return super().age_ns(header) + self._stamp_clock.offset_ns

    def round_trip_ns(self) -> int:
        """The smallest round trip to the camera's node and back; 0 where it is not known."""
        return self._stamp_clock.round_trip_ns

    def _young_enough(self, header: Any) -> bool:
        limit_ms = self.number("max_age_ms")
        age_ms = self.age_ns(header) / 1e6
        if limit_ms <= 0 or age_ms <= limit_ms:
            self._old_in_a_row = 0
            return True
        self._old_in_a_row += 1
        if self._old_in_a_row == ALL_OLD_WARNING:
            self.get_logger().warning(
                f"the last {ALL_OLD_WARNING} frames were all dropped, older than max_age_ms = {limit_ms:g} (the latest: {age_ms:.0f} ms): "
                "are the clocks of both computers synchronised, and use_sim_time set alike?"
            )
        return False

    def _segment(self, header: Any, received: Received) -> None:
        image = received.image
        start = time.time_ns()
        try:
            labels = self._predictor.predict(image)
        except (ValueError, RuntimeError) as error:
            # A picture too small for the network, or no memory for one too large, must not end the node: the next one may do.
            self._failed += 1
            self.events.note(header, "dropped")
            self.get_logger().error(f"no labels for a {image.shape[1]}x{image.shape[0]} frame: {error}; more of them are only counted", once=True)
            return
        end = time.time_ns()
        self._inference_ms = (end - start) / 1e6
        self.events.note(header, "inference_end", end)
        if received.missing_rows is not None and self.flag("unlabel_concealed"):
            labels[received.missing_rows] = IGNORE_INDEX
        self._labels.publish(conversion.image_message(header, labels, "mono8"))
        self.events.note(header, "labels_published")
        self._segmented += 1
        if self._overlay.get_subscription_count():
            overlay = self._label_set.overlay(image, labels, self.number("overlay_opacity"))
            self._overlay.publish(conversion.image_message(header, overlay, "rgb8"))

    def status(self) -> diagnostics.Status:
        """Level and counters for ``/diagnostics``."""
        counters = self._receiver.counters
        fps = self._meter.rate("segmented", self._segmented)
        bad = self._meter.rate("malformed", counters.malformed)
        failed = self._meter.rate("failed", self._failed)
        old = self._meter.rate("dropped_old", counters.dropped_old)
        values = {
            **self._receiver.values(),
            "segmented": self._segmented,
            "failed": self._failed,
            "fps": fps,
            "inference_ms": self._inference_ms,
            "topic": self._receiver.topic,
        }
        silence_s = self._receiver.seconds_since_arrival()
        if silence_s is None:
            return diagnostics.Status(diagnostics.STALE, f"no frame yet on {self._receiver.topic}: does the camera publish there?", values)
        if silence_s > self.number("stale_after_s"):
            return diagnostics.Status(diagnostics.STALE, f"no frame for {silence_s:.1f} s on {self._receiver.topic}", values)
        text = f"{fps:.1f} fps of {counters.width}x{counters.height}, {self._inference_ms:.0f} ms inference"
        if failed:
            return diagnostics.Status(diagnostics.ERROR, f"{text}; the network fails on {failed:.1f} fps, see the log", values)
        if bad:
            return diagnostics.Status(diagnostics.WARN, f"{text}; {bad:.1f} malformed messages/s", values)
        if old:
            return diagnostics.Status(diagnostics.WARN, f"{text}; {old:.1f} fps dropped: older than max_age_ms", values)
        return diagnostics.Status(diagnostics.OK, text, values)


def main() -> int:
    """Run the node; returns the exit status."""
    return run("segmentation", SegmentationNode)


if __name__ == "__main__":
    sys.exit(main())
