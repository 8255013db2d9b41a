# SPDX-License-Identifier: Apache-2.0
"""The camera node: frames from a source, encoded in this process without a raw hop, published from a thread of its own.

The capture thread paces, stamps and encodes; see :mod:`plcv_ros.nodes.sender` for what happens next.
"""

from __future__ import annotations

import os
import sys
import time

from rosgraph_msgs.msg import Clock

from plcv_ros.camera import Frame, Source, SourceError, open_source
from plcv_ros.codecs import CodecError
from plcv_ros.nodes import conversion, qos, wire
from plcv_ros.nodes.diagnostics import ERROR, OK, WARN, Meter, Status
from plcv_ros.nodes.node import FrameNode
from plcv_ros.nodes.pacing import Pace
from plcv_ros.nodes.parameters import ParameterError, Value
from plcv_ros.nodes.runner import run
from plcv_ros.nodes.sender import FrameSender
from plcv_ros.nodes.source_watch import SourceWatch
from plcv_ros.texts import MAX_NAME_BYTES, is_name, shown

WAIT_PERIOD_S = 0.02

SETTLE_S = 1.5
"""A subscriber that this side has matched may not have matched this side yet, and those of the other topics come a little later: without a
pause the first frames of a run would be missing somewhere. So long without a newcomer, since what discovery loses it repeats late."""

SETTLE_LIMIT_S = 5.0

LATE_WARNING = 0.1
"""Share of frames left out above which ``/diagnostics`` warns."""


class CameraNode(FrameNode):
    """Publishes ``<image_topic>/astc``, ``/jxs`` or ``/compressed``, the raw image on ``image_topic`` (lazily), camera_info and labels beside it."""

    def __init__(self) -> None:
        super().__init__("camera")
        self._source: Source = open_source(
            self.text("source"),
            width=self.integer("width") or None,
            height=self.integer("height") or None,
            rate=self.number("rate") or None,
            seed=self.integer("seed"),
            loop=self.flag("loop"),
            topic=self.text("topic") or None,
            pixel_format=self.text("pixel_format") or None,
            reconnect_s=self.number("reconnect_s"),
        )
        if not is_name(self.text("frame_id"), empty=True):
            raise ParameterError(
                "frame_id", shown(self.text("frame_id"), 40), f"a name of at most {MAX_NAME_BYTES} bytes, without control characters"
            )
        base = self.text("image_topic")
        self._sender = FrameSender(
            self,
            base,
            offer_raw=True,
            info_topic=wire.sibling(base, "camera_info"),
            labels_topic=None if self._source.label_set is None else wire.sibling(base, "labels"),
        )
        self._clock_publisher = qos.create_publisher(self, Clock, "/clock", qos.clock_offered()) if self.flag("publish_clock") else None
        self._pace = self._new_pace(self.number("rate"))
        self._watch = SourceWatch(self._source, self.get_logger())
        self._last_clock_ns = self._last_stamp_ns = 0
        self._started: float | None = None
        self._finished = ""
        self._failure = ""
        self._meter = Meter()
        size = self._sender.expected_bytes(self._source.width, self._source.height)
        if size is not None:
            self._sender.check_fit(size)
        self.get_logger().info(
            f"{self._source.description}: {self._source.width}x{self._source.height} at {self._pace_text()}, {self._codec_text()}, "
            f"on {self._sender.topic}"
        )

    def _new_pace(self, rate: float) -> Pace:
        return Pace(1.0 / (rate or self._source.rate), own_times=not rate, start_s=time.monotonic())

    def _pace_text(self) -> str:
        if self._source.live:
            return f"{self.number('rate'):g} Hz at most" if self.number("rate") else "its own rate"
        text = f"{1 / self._pace.period_s:g} Hz"
        if not self._source.timed:
            return text
        return f"its own times, {text} on average" if self._pace.own_times else f"{text} evenly, as rate asks, not at its own times"

    def _codec_text(self) -> str:
        codec = self._sender.codec
        return self.text("codec") if codec is None else f"{codec.name} {codec.detail}".rstrip()

    def apply(self, values: dict[str, Value]) -> None:
        """Take over ``rate`` and the codec's settings from the next frame on."""
        try:
            self._sender.set_codec(values)
        except CodecError as error:
            raise ParameterError("codec", values["codec"], f"settings that suit it: {error}") from error
        pace = self._new_pace(float(values["rate"]))
        if (pace.period_s, pace.own_times) != (self._pace.period_s, self._pace.own_times):
            self._pace = pace
            self._source.limit_rate(float(values["rate"]) or None)

    def start(self) -> None:
        """Start the capture and publishing threads."""
        self._warn_of_idle()
        self._sender.start()
        self.thread("capture", self._capture)

    def stop(self) -> None:
        """Publish what is encoded, end the threads, close the source."""
        self._source.interrupt()
        self._sender.stop()

    def shut_down(self) -> None:
        """As every node, and close the source once the capture thread has left it."""
        super().shut_down()
        self._source.close()

    def _capture(self) -> None:
        if self.flag("start_when_subscribed"):
            self.get_logger().info(f"waiting for a subscriber of {self._sender.topic}")
            while not self._sender.subscribers():
                if self.stopping.wait(WAIT_PERIOD_S):
                    return
            if not self._settled():
                return
        limit = self.integer("frames")
        self._started = time.monotonic()
        self._pace = self._new_pace(self.number("rate"))
        try:
            self._play(limit)
        except SourceError as error:
            self._failure = str(error)
            raise
        self._finish(limit)

    def _play(self, limit: int) -> None:
        counters = self._sender.counters
        while not self.stopping.is_set() and (not limit or counters.captured < limit):
            # A frame that is made or read from a file is ready before it is due; a device's arrives when it does.
            frame = self._source.read()
            self._watch.look()
            if frame is None:
                break
            if not self._source.live:
                self._wait_until_due(frame)
                if self.stopping.is_set():
                    return
            captured_ns = frame.arrived_ns or time.time_ns()
            counters.captured += 1
            self._send(frame, captured_ns)
            if not self._source.live:
                # Reading the next picture would compete with the sending of this one, where cores are few.
                self._sender.wait_sent(self._pace.period_s / 2)

    def _warn_of_idle(self) -> None:
        """Parameters of bags alone do nothing with other sources."""
        if self._source.recorded:
            return
        for name in ("topic", "recorded_stamps"):
            if self.values[name]:
                self.get_logger().warning(f"parameter {name} = {self.values[name]} does nothing: {self._source.description} is no bag")

    def _settled(self) -> bool:
        """Wait until nobody new has subscribed to anything of this node for a moment: who follows frames from the first one on (their events,
        their labels) may be discovered later than who subscribes to the frames. False where the node ends."""
        audience, since = -1, time.monotonic()
        deadline = since + SETTLE_LIMIT_S
        while time.monotonic() < min(since + SETTLE_S, deadline):
            if self.stopping.wait(WAIT_PERIOD_S):
                return False
            count = self._sender.audience() + self.events.subscribers()
            if count != audience:
                audience, since = count, time.monotonic()
        return True

    def _wait_until_due(self, frame: Frame) -> None:
        now = time.monotonic()
        due, missed = self._pace.due(frame.time_ns, now)
        self._sender.counters.late += missed
        if now < due:
            self.stopping.wait(due - now)

    def _frame_id(self, frame: Frame) -> str:
        """The parameter, or the source's own where it is a name that receivers take."""
        if self.text("frame_id"):
            return self.text("frame_id")
        if frame.frame_id and not is_name(frame.frame_id):
            self.get_logger().warning(
                f"the source's frame_id of {len(frame.frame_id)} characters is replaced by camera: receivers would refuse it, expected at most "
                f"{MAX_NAME_BYTES} bytes of text",
                once=True,
            )
            return "camera"
        return frame.frame_id or "camera"

    def _send(self, frame: Frame, captured_ns: int) -> None:
        if not self._sender.wanted() and self._clock_publisher is None:
            return
        header = conversion.to_header(self._stamp(frame), self._frame_id(frame))
        if self._clock_publisher is not None:
            self._clock_publisher.publish(Clock(clock=header.stamp))
        self._sender.send(header, frame.image, frame.pixel_format, captured_ns=captured_ns, labels=frame.labels, camera_info=frame.camera_info)

    def _stamp(self, frame: Frame) -> int:
        if self.flag("recorded_stamps") and frame.stamp_ns is not None:
            return int(frame.stamp_ns)
        # Simulated time may stand still between frames; a stamp is a frame's name, so no two may be equal. It may also jump back.
        # A live frame is as old as its arrival, also where it had to wait for this thread.
        now_ns = self.now_ns() if frame.arrived_ns is None or self.get_clock().ros_time_is_active else frame.arrived_ns
        stamp_ns = self._last_stamp_ns + 1 if self._last_clock_ns <= now_ns <= self._last_stamp_ns else now_ns
        self._last_clock_ns, self._last_stamp_ns = now_ns, stamp_ns
        return stamp_ns

    def _finish(self, limit: int) -> None:
        if self.stopping.is_set():
            return
        self._sender.drain()
        counters = self._sender.counters
        end = f"the last of {limit} frames is sent" if limit and counters.captured == limit else f"the source ended after {counters.captured} frames"
        self._finished = f"{end}: {counters.published} published, {counters.dropped} dropped, {counters.late} left out{self._watch.total()}"
        if self._source.damaged:
            self.get_logger().warning(self._finished)
        else:
            self.get_logger().info(self._finished)
        if self.flag("exit_at_end"):
            self.end(0)

    def status(self) -> Status:
        """Level and counters for ``/diagnostics``."""
        status = self._sender.status()
        self._watch.look()
        newly_damaged = self._watch.newly_damaged()
        status.values.update(self._watch.values())
        late = self._meter.rate("late", self._sender.counters.late)
        if self._failure:
            status.level, status.text = ERROR, self._failure
        elif self._finished:
            status.level, status.text = (WARN if self._source.damaged else OK), self._finished
        elif self._source.fault:
            status.level, status.text = ERROR, f"no frames: {self._source.fault}; connecting anew"
        elif self._started is None:
            status.text = f"waiting for a subscriber of {self._sender.topic}"
        elif late > LATE_WARNING / self._pace.period_s:
            status.level = WARN
            status.text += f", {late:.1f} fps left out: the source or the codec is slower than {1 / self._pace.period_s:g} Hz"
        elif newly_damaged:
            status.level = max(status.level, WARN)
            status.text += f", frames are damaged ({self._source.damaged} so far): {self._source.damage}"
        return status


def main() -> int:
    """Run the node; returns the exit status."""
    status = run("camera", CameraNode)
    live = sys.modules.get("plcv_ros.camera.live")
    if live is not None and live.held():
        # A camera that does not answer holds a thread for seconds yet. Everything is written and sent, and nobody should wait for that.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return status


if __name__ == "__main__":
    sys.exit(main())
