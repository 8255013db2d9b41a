# SPDX-License-Identifier: Apache-2.0
"""The decoder node: republishes encoded frames as sensor_msgs/Image, with their camera_info, for rviz, bags and other stacks, while somebody
subscribes."""

from __future__ import annotations

import sys
from typing import Any

from sensor_msgs.msg import Image

from plcv_ros.nodes import conversion, diagnostics, qos
from plcv_ros.nodes.camera_info import CameraInfoRelay
from plcv_ros.nodes.clock import StampClock
from plcv_ros.nodes.node import FrameNode
from plcv_ros.nodes.receiver import Received
from plcv_ros.nodes.runner import run
from plcv_ros.nodes.strip_receiver import make_receiver


class DecoderNode(FrameNode):
    """``<input_topic>/<transport>`` in, rgb8 on ``<input_topic>/decoded`` out, header untouched, and the camera's camera_info beside each of them."""

    result_event = "decode_end"

    def __init__(self) -> None:
        super().__init__("decoder")
        base = self.text("input_topic")
        self._published = 0
        self._meter = diagnostics.Meter()
        self._receiver = make_receiver(
            self, base, self.text("transport"), reliable=self.flag("reliable"), handle=self._publish_image, accept=lambda _: True
        )
        self._stamp_clock = StampClock(self, self._receiver.topic, self.text("clock_sync"))
        self._publisher = qos.create_publisher(self, Image, f"{base}/decoded", qos.frames_offered(), self._on_demand)
        self._infos = CameraInfoRelay(self, base, f"{base}/decoded", reliable=self.flag("reliable"))
        self.get_logger().info(f"{self._receiver.topic} -> {self.resolve_topic_name(f'{base}/decoded')}, while somebody subscribes")

    def start(self) -> None:
        """Start the worker thread."""
        self._receiver.start()

    def stop(self) -> None:
        """End the worker thread after the frame that it works on."""
        self._receiver.stop()

    def _on_demand(self, subscribers: int) -> None:
        # In the executor's thread. What nobody looks at is not even received.
        if subscribers:
            self._receiver.subscribe()
        else:
            self._receiver.unsubscribe()

    def age_ns(self, header: Any) -> int:
        """How old a frame is, the camera's clock taken into account."""
        return super().age_ns(header) + self._stamp_clock.offset_ns

    def round_trip_ns(self) -> int:
        """The smallest round trip to the camera's node and back; 0 where it is not known."""
        return self._stamp_clock.round_trip_ns

    def _publish_image(self, header: Any, received: Received) -> None:
        self._publisher.publish(conversion.image_message(header, received.image, "rgb8"))
        self._published += 1
        self._receiver.finished()

    def status(self) -> diagnostics.Status:
        """Level and counters for ``/diagnostics``."""
        counters = self._receiver.counters
        fps = self._meter.rate("published", self._published)
        bad = self._meter.rate("malformed", counters.malformed)
        repeated = self._meter.rate("stamps_repeated", self._receiver.stamps.repeated)
        values = {**self._receiver.values(), "published": self._published, "fps": fps, "topic": self._receiver.topic}
        values["camera_infos"] = self._infos.forwarded
        if not self._publisher.get_subscription_count():
            return diagnostics.Status(diagnostics.OK, "nobody subscribes; nothing is decoded", values)
        idle = self._receiver.why_idle()
        if idle:
            return diagnostics.Status(diagnostics.WARN, idle, values)
        if bad:
            return diagnostics.Status(diagnostics.WARN, f"{fps:.1f} fps; {bad:.1f} malformed messages/s on {self._receiver.topic}", values)
        if fps == 0:
            return diagnostics.Status(diagnostics.STALE, f"no frames on {self._receiver.topic}", values)
        text = f"{fps:.1f} fps of {counters.width}x{counters.height}"
        if repeated:
            return diagnostics.Status(diagnostics.WARN, f"{text}; {repeated:.1f} fps with the stamp of an earlier frame, see the log", values)
        return diagnostics.Status(diagnostics.OK, text, values)


def main() -> int:
    """Run the node; returns the exit status."""
    return run("decoder", DecoderNode)


if __name__ == "__main__":
    sys.exit(main())
