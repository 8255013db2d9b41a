# SPDX-License-Identifier: Apache-2.0
"""The encoder node: encodes an existing sensor_msgs/Image topic, while somebody subscribes to the encoded one."""

from __future__ import annotations

import sys
import time
from typing import Any

from sensor_msgs.msg import Image

from plcv_ros.codecs import CodecError
from plcv_ros.nodes import conversion, diagnostics, qos
from plcv_ros.nodes.camera_info import CameraInfoRelay
from plcv_ros.nodes.mailbox import Mailbox
from plcv_ros.nodes.node import FrameNode
from plcv_ros.nodes.parameters import ParameterError, Value
from plcv_ros.nodes.runner import run
from plcv_ros.nodes.sender import FrameSender


class EncoderNode(FrameNode):
    """``input_topic`` in, ``<output_topic>/astc``, ``/jxs`` or ``/compressed`` out; camera_info too where the output has a base topic of its own."""

    def __init__(self) -> None:
        super().__init__("encoder")
        base = self.text("input_topic")
        output = self.text("output_topic") or base
        if self.text("codec") == "raw" and output == base:
            raise ParameterError("codec", "raw", f"astc, jxs or jpeg, or an output_topic other than {base}: the node would listen to itself")
        self._received = 0
        self._unreadable = 0
        self._dropped_newer = 0
        self._complaints: set[str] = set()
        self._inputs: list[Any] = []
        self._mailbox: Mailbox[tuple[Image, int]] = Mailbox()
        self._meter = diagnostics.Meter()
        self._base = base
        self.inputs.expect(Image, base, "input_topic is to name the topic of raw images; decode others first: ros2 run image_transport republish")
        self._infos = CameraInfoRelay(self, base, output, reliable=self.flag("reliable"))
        self._sender = FrameSender(self, output, offer_raw=False, info_topic=None, on_demand=self._on_demand)
        self.get_logger().info(f"{self.resolve_topic_name(base)} -> {self._sender.topic}, while somebody subscribes")

    def apply(self, values: dict[str, Value]) -> None:
        """Take over the codec's settings from the next frame on."""
        try:
            self._sender.set_codec(values)
        except CodecError as error:
            raise ParameterError("codec", values["codec"], f"settings that suit it: {error}") from error

    def start(self) -> None:
        """Start the encoding and publishing threads."""
        self._sender.start()
        self.thread("encode", self._work)

    def stop(self) -> None:
        """End the threads after what is encoded is published."""
        self._mailbox.close()
        self._sender.stop()

    def _on_demand(self, subscribers: int) -> None:
        # In the executor's thread. What nobody looks at is not even received.
        if subscribers and not self._inputs:
            profile = qos.frames_requested(self.flag("reliable"))
            self._inputs.append(qos.create_subscription(self, Image, self._base, self._on_image, profile))
        elif not subscribers:
            while self._inputs:
                self.destroy_subscription(self._inputs.pop())

    def _on_image(self, message: Image) -> None:
        self._received += 1
        displaced = self._mailbox.put((message, time.time_ns()))
        if displaced is None:
            return
        self._dropped_newer += 1
        if self._sender.subscribers():
            header, arrival_ns = displaced[0].header, displaced[1]
            self.events.note(header, "captured", arrival_ns)
            self.events.note(header, "dropped")

    def _work(self) -> None:
        while True:
            item = self._mailbox.get()
            if item is None:
                return
            message, arrival_ns = item
            self._sender.counters.captured += 1
            try:
                image, pixel_format = conversion.image_array(message, self._sender.pixel_formats)
            except conversion.ImageError as error:
                self._unreadable += 1
                self._complain(message, error)
                continue
            self._sender.send(message.header, image, pixel_format, original=message.encoding, captured_ns=arrival_ns)

    def _complain(self, message: Image, error: conversion.ImageError) -> None:
        # Not one for each encoding: a stranger can invent as many as it likes.
        kind = "encoding" if isinstance(error, conversion.EncodingError) else "malformed"
        if kind not in self._complaints:
            self._complaints.add(kind)
            topic = self.resolve_topic_name(self._base)
            self.get_logger().error(f"images on {topic} are refused: {error}; more of them are only counted (unreadable on /diagnostics)")

    def status(self) -> diagnostics.Status:
        """Level and counters for ``/diagnostics``."""
        status = self._sender.status()
        status.values.update(
            received=self._received, dropped_newer=self._dropped_newer, unreadable=self._unreadable, camera_infos=self._infos.forwarded
        )
        received = self._meter.rate("received", self._received)
        if self._meter.rate("unreadable", self._unreadable):
            return diagnostics.Status(
                diagnostics.ERROR, f"images on {self.resolve_topic_name(self._base)} cannot be read; see the log", status.values
            )
        if self._sender.subscribers() and not received:
            return diagnostics.Status(diagnostics.STALE, f"no images on {self.resolve_topic_name(self._base)}", status.values)
        return status


def main() -> int:
    """Run the node; returns the exit status."""
    return run("encoder", EncoderNode)


if __name__ == "__main__":
    sys.exit(main())
