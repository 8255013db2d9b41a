# SPDX-License-Identifier: Apache-2.0
"""From a topic to pixels: the executor keeps the newest message alone, a worker thread decodes it and hands the picture on.

A message that cannot be decoded is counted and, the first time, logged; the stream goes on.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sensor_msgs.msg import CompressedImage, Image

from plcv_ros import codecs
from plcv_ros.nodes import conversion, qos, transport, wire
from plcv_ros.nodes.checks import checks_of
from plcv_ros.nodes.coding import ORIGINAL, coding_of
from plcv_ros.nodes.delivery import DeliveryReports
from plcv_ros.nodes.intake import Intake
from plcv_ros.nodes.mailbox import Mailbox
from plcv_ros.nodes.node import FrameNode
from plcv_ros.nodes.stamps import StampWatch

IDLE_S = 2.0
"""Messages that arrive for so long without a frame being finished are worth a warning."""

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Received:
    """A picture: (H, W, 3) uint8 rgb8, and, where strips of it were lost, (H,) bool, True for rows that are concealed.

    ``payload``: what it was decoded from, of a frame in strips the first one that came; None for raw frames.
    """

    image: Pixels
    missing_rows: npt.NDArray[np.bool_] | None = None
    payload: npt.NDArray[np.uint8] | None = None
    strip: bool = False

    def coding(self) -> str:
        """The frame's codec, as far as its payload tells (:func:`plcv_ros.nodes.coding.coding_of`)."""
        return ORIGINAL if self.payload is None else coding_of(self.payload, strip=self.strip)


@dataclass
class Counters:
    """Counts since the start, and facts of the latest frame."""

    received: int = 0
    decoded: int = 0
    dropped_newer: int = 0
    dropped_old: int = 0
    malformed: int = 0
    bytes: int = 0
    width: int = 0
    height: int = 0
    decode_ms: float = 0.0


class FrameReceiver:
    """Receives the frames of one base topic over one transport and calls ``handle(header, received)`` in a thread of its own.

    The picture is only valid during the call: its memory is used again for the next frame. ``accept(header)`` may refuse a frame before it
    is decoded; it is then counted as too old.
    """

    strips = False
    """Whether frames come in strips, on a topic of their own."""

    def __init__(
        self,
        node: FrameNode,
        base: str,
        transport_name: str,
        *,
        reliable: bool,
        handle: Callable[[Any, Received], None],
        accept: Callable[[Any], bool],
    ) -> None:
        self.counters = Counters()
        self.last_arrival: float | None = None
        self._node = node
        self._base = base
        self._handle = handle
        self._accept = accept
        self._max_pixels = node.integer("max_pixels")
        self._threads = node.integer("decode_threads")
        self._astc_modes = node.text("astc_modes")
        self._raw = transport_name == "raw"
        self._mailbox: Mailbox[tuple[Any, Any]] = Mailbox()
        self._buffer: Pixels | None = None
        self._complaints: set[str] = set()
        self._checks = checks_of(node)
        self._unused_since: float | None = None
        """When the first message came since the latest frame of which something has come."""
        self.trouble = ""
        """Why the latest frame or message that was given up was."""
        self._warnings = transport.TransportWarnings(transport.active(rmw=transport.rmw_in_use()))
        self._topics = [wire.topic(base, name, self.strips) for name in wire.transports_of(transport_name)]
        self.topic = node.resolve_topic_name(self._topics[0])
        """Where frames come from; with transport auto the first of the topics."""
        self.stamps = StampWatch(node, self.topic)
        self._expect()
        self._profile = self.profile(reliable)
        self._intake: Intake | None = None
        self._reports = DeliveryReports(node, base)
        self.prepare()

    def prepare(self) -> None:
        """What a kind of receiver needs beside the above."""

    def profile(self, reliable: bool) -> Any:
        """Quality of service of the subscription."""
        return qos.frames_requested(reliable)

    def _expect(self) -> None:
        """Tell the node what will be subscribed to, and where the frames may be instead."""
        base, inputs = self._base, self._node.inputs
        hint = "set transport to what the sender publishes: raw is sensor_msgs/Image on the base topic, others are on <base topic>/<transport>"
        beside = {wire.topic(base, name): f"set transport to {name}" for name in wire.TRANSPORTS}
        beside |= {wire.topic(base, name, True): f"set transport to {name} and strips to true" for name in wire.CODECS_WITH_STRIPS}
        if self.strips:
            beside |= {wire.topic(base, name): f"set strips to false and transport to {name}" for name in wire.TRANSPORTS}
        beside[base] += ", or start an encoder of it"
        others = {topic: remedy for topic, remedy in beside.items() if topic not in self._topics}
        for topic in self._topics:
            inputs.expect(Image if self._raw else CompressedImage, topic, hint, {} if len(self._topics) > 1 else others)

    def make_intake(self, message_type: Any, topics: list[str]) -> Intake:
        """The thread that takes messages."""
        return Intake(self._node, message_type, topics, self._on_message, self._profile)

    def subscribe(self) -> None:
        """Start to receive; nothing where it already does."""
        if self._intake is None:
            self._intake = self.make_intake(Image if self._raw else CompressedImage, self._topics)

    def unsubscribe(self) -> None:
        """Stop to receive, in the executor's thread."""
        if self._intake is not None:
            self._intake.close()
            self._intake = None

    def start(self) -> None:
        """Start the worker thread."""
        self._node.thread("decode", self._work)

    def stop(self) -> None:
        """End the threads."""
        self.unsubscribe()
        self._mailbox.close()

    def values(self) -> dict[str, Any]:
        """Counters for ``/diagnostics``."""
        return {**vars(self.counters), "stamps_repeated": self.stamps.repeated}

    def seconds_since_arrival(self) -> float | None:
        """Seconds since the last message; None before the first."""
        return None if self.last_arrival is None else time.monotonic() - self.last_arrival

    def idle_s(self) -> float:
        """For how many seconds messages have been arriving without a picture made of them; 0 where none arrive, or pictures are made."""
        arrival, since = self.last_arrival, self._unused_since
        return 0.0 if arrival is None or since is None or time.monotonic() - arrival > IDLE_S else time.monotonic() - since

    def why_idle(self) -> str:
        """What a person should know where messages arrive and nothing comes of them; empty where all is well."""
        idle_s = self.idle_s()
        if idle_s < IDLE_S:
            return ""
        reason = self.trouble or "the frame that is worked on takes so long"
        return f"messages arrive on {self.topic}, and no frame is finished for {idle_s:.0f} s: {reason}"

    def finished(self) -> None:
        """Something has come of a frame."""
        self._unused_since, self.trouble = None, ""

    def _on_message(self, message: Any) -> None:
        arrival_ns = time.time_ns()
        counters = self.counters
        if not self._is_fit(message):
            return
        counters.received += 1
        self.stamps.note(message.header)
        self._node.events.note(message.header, "received", arrival_ns)
        displaced = self._mailbox.put((message.header, message))
        if displaced is not None:
            counters.dropped_newer += 1
            self._node.events.note(displaced[0], "dropped")
        self._report(message.header, 1, 1)
        for text in self._warnings.check(len(message.data)):
            self._node.get_logger().warning(text)

    def _is_fit(self, message: Any) -> bool:
        """A message has arrived: whether its texts can be kept."""
        before, self.last_arrival = self.last_arrival, time.monotonic()
        if self._unused_since is None or before is None or self.last_arrival - before > IDLE_S:
            self._unused_since = self.last_arrival
        self.counters.bytes += len(message.data)
        if self._checks.accepts(self.topic, message):
            return True
        self.counters.malformed += 1
        self.trouble = "a text in the message is too long or no text, see the log"
        return False

    def _report(self, header: Any, strips: int, count: int, waited_ns: int = 0) -> None:
        if self.stamps.tells_age(header):  # else whoever follows the link by it would be led astray
            self._reports.report(header, self._node.age_ns(header) - waited_ns, strips, count, self._node.round_trip_ns())

    def _work(self) -> None:
        while True:
            item = self._mailbox.get()
            if item is None:
                return
            header, content = item
            if not self._accept(header):
                self.counters.dropped_old += 1
                self.trouble = "older than max_age_ms"
                self._node.events.note(header, "dropped")
                self._recycle(content)
                continue
            start = time.time_ns()
            self._node.events.note(header, "decode_start", start)
            try:
                received = self._picture(content)
            except (codecs.CodecError, conversion.ImageError) as error:
                self.counters.malformed += 1
                self._node.events.note(header, "dropped")
                self._complain(error)
                continue
            end = time.time_ns()
            self._node.events.note(header, "decode_end", end)
            self.counters.decoded += 1
            self.counters.decode_ms = (end - start) / 1e6
            self.counters.height, self.counters.width = int(received.image.shape[0]), int(received.image.shape[1])
            self._handle(header, received)
            self._recycle(content)
            self._node.events.flush()

    def _picture(self, content: Any) -> Received:
        if self._raw:
            return Received(self._read(content))
        return Received(self._decode(content), payload=conversion.payload_of(content))

    def _recycle(self, content: Any) -> None:
        """The content of a mailbox item is not needed any more."""

    def _decode(self, message: Any) -> Pixels:
        info = codecs.info(conversion.payload_of(message))
        if self._buffer is not None and self._buffer.shape[:2] == (info["height"], info["width"]):
            return conversion.decode_message(message, threads=self._threads, out=self._buffer, astc_modes=self._astc_modes)
        self._buffer = conversion.decode_message(message, max_pixels=self._max_pixels, threads=self._threads, astc_modes=self._astc_modes)
        return self._buffer

    def _read(self, message: Any) -> Pixels:
        if message.width * message.height > self._max_pixels:
            raise conversion.ImageError(f"image of {message.width}x{message.height} pixels, expected at most max_pixels = {self._max_pixels}")
        return conversion.image_rgb(message)

    def _complain(self, error: Exception) -> None:
        # Once for each kind of trouble: what differs between frames (sizes, numbers) does not make it a new kind.
        kind, self.trouble = type(error).__name__, str(error)
        if kind not in self._complaints:
            self._complaints.add(kind)
            self._node.get_logger().warning(
                f"a message on {self.topic} is dropped: {error}; more of them are only counted (malformed on /diagnostics)"
            )
