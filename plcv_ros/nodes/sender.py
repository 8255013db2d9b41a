# SPDX-License-Identifier: Apache-2.0
"""From pixels to topics: encode in the caller's thread, publish from a thread of its own, the newest frame wins.

publish() can block for tens of milliseconds on a slow link. A camera that waits for it would see old pictures; here it leaves its frame in
a one-slot mailbox and goes on, and the frame that was still waiting there is dropped and counted. While publishing is quick, the caller does
it itself: waking another thread would take a fifth of a millisecond.

In strip mode the publishing thread encodes too: each strip leaves as soon as it is coded.
"""

from __future__ import annotations

import itertools
import threading
import time
from array import array
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from rclpy.duration import Duration
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from plcv_ros.camera import CameraInfo as Calibration
from plcv_ros.codecs import PIXEL_FORMATS, Codec, CodecError, JxsCodec
from plcv_ros.nodes import conversion, diagnostics, qos, transport, wire
from plcv_ros.nodes.adaptive import CODECS as AUTO_CODECS
from plcv_ros.nodes.adaptive import AdaptiveCodec
from plcv_ros.nodes.codec_parameters import codec_from
from plcv_ros.nodes.mailbox import Mailbox
from plcv_ros.nodes.node import FrameNode
from plcv_ros.nodes.parameters import ParameterError, Value
from plcv_ros.nodes.stamps import StampWatch, first_number
from plcv_ros.nodes.strip_requests import SentStrips
from plcv_ros.strips import StripTag, write_tag

SPARE_BUFFERS = 3
"""One being encoded into, one in the mailbox, one being published."""

QUICK_S = 0.003
"""A frame whose predecessor was published within this time is published by the caller."""

ACKNOWLEDGE_TIMEOUT_S = 2.0
LINGER_S = 0.2
"""Best-effort subscribers acknowledge nothing: time for the last frame to leave the sockets before they are closed."""

DROP_WARNING = 0.1
"""Share of dropped frames above which ``/diagnostics`` warns."""


@dataclass(frozen=True)
class Pixels:
    """A picture that the publishing thread is to encode; ``original``: the encoding that it came in."""

    image: npt.NDArray[np.uint8]
    pixel_format: str
    original: str
    codec: Codec
    admitted_at: float
    """``time.monotonic()`` when the frame was taken."""


@dataclass
class Frame:
    """One frame on its way out: the messages to publish, and what has to be known when it is dropped."""

    header: Any
    publisher: Any = None
    compressed: CompressedImage | None = None
    pixels: Pixels | None = None
    raw: Image | None = None
    camera_info: CameraInfo | None = None
    labels: Image | None = None
    traced: bool = False
    number: int | None = None
    """Tells the frame from an earlier one of the same header, which receivers of strips cannot."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to publish."""
        return all(part is None for part in (self.compressed, self.pixels, self.raw, self.camera_info, self.labels))


@dataclass
class Counters:
    """Counts since the start, and sizes of the latest frame."""

    captured: int = 0
    encoded: int = 0
    published: int = 0
    dropped: int = 0
    failed: int = 0
    skipped: int = 0
    late: int = 0
    bytes: int = 0
    bytes_copied: int = 0
    pixels: int = 0
    """Of all frames that ``bytes`` counts: they may have several sizes."""
    bits_per_pixel: float = 0.0
    width: int = 0
    height: int = 0
    encode_ms: float = 0.0
    publish_ms: float = 0.0


class FrameSender:
    """Publishes the frames of one base topic.

    ``offer_raw``: sensor_msgs/Image on the base topic too, filled only while somebody subscribes. ``labels_topic``: ground truth.
    ``info_topic``: camera_info with the frame's own header.
    """

    def __init__(
        self, node: FrameNode, base: str, *, offer_raw: bool, info_topic: str | None, labels_topic: str | None = None, on_demand: Any = None
    ) -> None:
        self.counters = Counters()
        self._node = node
        self._adaptive = AdaptiveCodec(node, base, node.values) if node.values["codec"] == "auto" else None
        self._codec = None if self._adaptive else codec_from(node.values)
        self._strip_bytes = int(node.values["strip_bytes"]) if node.values["strips"] else 0
        self._last_copies = int(node.values["strip_last_copies"])
        codecs = AUTO_CODECS if self._adaptive else () if self._codec is None else (self._codec.name,)
        if self._strip_bytes and not (codecs and set(codecs) <= set(wire.CODECS_WITH_STRIPS)):
            have = ", ".join(wire.CODECS_WITH_STRIPS)
            raise ParameterError("strips", True, f"false with codec {node.values['codec']}: only {have} have strips")
        profile = qos.strips_offered() if self._strip_bytes else qos.frames_offered()
        topics = {name: wire.topic(base, wire.transport_of(name), bool(self._strip_bytes)) for name in codecs}
        # With codec auto, receivers subscribe to every topic, so the demand for one is the demand for all.
        self._compressed: dict[str, Any] = {
            name: qos.create_publisher(node, CompressedImage, topic, profile, on_demand if name == codecs[0] else None)
            for name, topic in topics.items()
        }
        self._sent_strips = SentStrips(node, base) if self._strip_bytes else None
        self._raw: Any = None
        if offer_raw or not codecs:
            self._raw = qos.create_publisher(node, Image, base, qos.frames_offered(), None if codecs else on_demand)
        self._info: Any = None if info_topic is None else qos.create_publisher(node, CameraInfo, info_topic, qos.frames_offered())
        self._labels: Any = None if labels_topic is None else qos.create_publisher(node, Image, labels_topic, qos.frames_offered())
        self.topic = " and ".join(node.resolve_topic_name(topic) for topic in topics.values()) or node.resolve_topic_name(base)
        self._mailbox: Mailbox[Frame] = Mailbox()
        self._quick = False
        self._handed_over = 0
        """Frames that the publishing thread has still to do with."""
        self._count_lock = threading.Lock()
        self._idle = threading.Event()
        self._idle.set()
        self._thread: threading.Thread | None = None
        self._spare: deque[array[int]] = deque(maxlen=SPARE_BUFFERS)
        self._warnings = transport.TransportWarnings(transport.active(rmw=transport.rmw_in_use()))
        self._latest: tuple[int, int, str] | None = None
        self._stamps = StampWatch(node, self.topic)
        self._numbers = itertools.count(first_number())
        self._shared = False
        self._look_again = 0.0
        self._meter = diagnostics.Meter()

    def start(self) -> None:
        """Start the publishing thread."""
        self._thread = self._node.thread("publish", self._publish_frames)

    def set_codec(self, values: dict[str, Value]) -> None:
        """Take over changed codec parameters from the next frame on. Raises CodecError, also where the frames' size does not suit them."""
        if self._adaptive is not None:
            self._adaptive.update(values)
            return
        codec = codec_from(values)
        if isinstance(codec, JxsCodec) and self._latest is not None:
            smallest = codec.smallest_bpp(*self._latest)
            if codec.bpp < smallest:
                raise CodecError(f"bpp is {codec.bpp:g}, expected at least {smallest:.3g} for {self._latest[0]}x{self._latest[1]} pixels")
        self._codec = codec

    @property
    def codec(self) -> Codec | None:
        """The codec in use; None for raw, and for auto before the first frame."""
        return self._codec

    @property
    def pixel_formats(self) -> Collection[str]:
        """Formats of pixels that `send` takes: with codec auto those that every codec takes."""
        if self._adaptive is not None:
            return self._adaptive.pixel_formats
        return PIXEL_FORMATS if self._codec is None else self._codec.pixel_formats

    def subscribers(self) -> int:
        """How many subscribe to the frames themselves."""
        return max(_listeners(publisher) for publisher in (list(self._compressed.values()) or [self._raw]))

    def wanted(self) -> bool:
        """Whether anybody subscribes to anything that a frame is needed for."""
        return any(_listeners(publisher) for publisher in self._publishers())

    def audience(self) -> int:
        """How many subscriptions there are to frames, raw images, camera_info and labels together."""
        return sum(_listeners(publisher) for publisher in self._publishers())

    def _publishers(self) -> list[Any]:
        return [*self._compressed.values(), self._raw, self._info, self._labels]

    def check_fit(self, frame_bytes: int) -> None:
        """Warn, once, where frames of this size would be lost in the active DDS configuration, or one receiver can stop the others."""
        for text in self._warnings.check(frame_bytes):
            self._node.get_logger().warning(text)

    def status(self) -> diagnostics.Status:
        """Level, sentence and counters for ``/diagnostics``."""
        counters = self.counters
        subscribers = self.subscribers()
        fps = self._meter.rate("published", counters.published)
        dropping = self._meter.rate("dropped", counters.dropped)
        failing = self._meter.rate("failed", counters.failed)
        repeated = self._meter.rate("stamps_repeated", self._stamps.repeated)
        values = {**vars(counters), "fps": fps, "subscribers": subscribers, "topic": self.topic, "stamps_repeated": self._stamps.repeated}
        if self._adaptive is not None:
            values.update(self._adaptive.status())
        if self._sent_strips is not None:
            sent = self._sent_strips
            values.update(strips_resent=sent.resent, strips_unanswered=sent.unanswered, requests_malformed=sent.malformed)
        if not subscribers:
            return diagnostics.Status(diagnostics.OK, f"nobody subscribes to {self.topic}; nothing is encoded", values)
        text = f"{fps:.1f} fps of {counters.width}x{counters.height} at {counters.bits_per_pixel:.2f} bit/px"
        if failing:
            return diagnostics.Status(diagnostics.ERROR, f"{text}; the codec refuses {failing:.1f} fps, see the log", values)
        if dropping > max(1.0, DROP_WARNING * fps):
            text += f", {dropping:.1f} fps dropped because publishing takes too long: the network is slower than the frames"
            return diagnostics.Status(diagnostics.WARN, text, values)
        if repeated:
            return diagnostics.Status(diagnostics.WARN, f"{text}; {repeated:.1f} fps with the stamp of an earlier frame, see the log", values)
        return diagnostics.Status(diagnostics.OK, text, values)

    def expected_bytes(self, width: int, height: int) -> int | None:
        """Bytes of a frame of this size, where they are known beforehand."""
        if self._codec is not None:
            return self._codec.payload_size(width, height)
        return None if self._compressed else width * height * 3

    def send(
        self,
        header: Any,
        image: npt.NDArray[np.uint8],
        pixel_format: str,
        *,
        original: str = "",
        captured_ns: int | None = None,
        labels: npt.NDArray[np.uint8] | None = None,
        camera_info: Calibration | None = None,
    ) -> None:
        """Encode what is subscribed to and leave it for the publishing thread.

        image: pixels in one of the codecs' formats; ``original``: the encoding that they came in, where it was another. ``captured_ns``:
        when the source handed the frame over (system clock). A frame that the codec refuses (a size that its rate does not fit) is counted
        and, the first time, logged.
        """
        frame = Frame(header)
        if self._stamps.note(header) or self._topic_is_shared():
            frame.number = next(self._numbers)
        if self.subscribers():  # a frame that nobody waits for has no life to follow
            self._node.events.note(header, "captured", captured_ns)
        height, width = image.shape[:2]
        self.counters.width, self.counters.height = int(width), int(height)
        self._latest = (int(width), int(height), pixel_format)
        admitted_at = time.monotonic()
        if self._adaptive is not None and self.subscribers():
            self._codec = self._adaptive.choose(int(width), int(height))
            if self._codec is None:
                self.counters.skipped += 1
                self._node.events.note(header, "dropped")
        frame.publisher = None if self._codec is None else self._compressed[self._codec.name]
        if self._codec is not None and _listeners(frame.publisher):
            pixels = Pixels(image, pixel_format, original or pixel_format, self._codec, admitted_at)
            if self._strip_bytes:
                frame.pixels = pixels
            else:
                try:
                    frame.compressed = self._encode(header, pixels)
                except CodecError as error:
                    self._refused(header, error)
        if _listeners(self._raw):
            frame.raw = conversion.image_message(header, image, pixel_format)
            if not self._compressed:
                self._count_bytes(len(frame.raw.data), width * height)
        if labels is not None and _listeners(self._labels):
            frame.labels = conversion.image_message(header, labels, "mono8")
        if camera_info is not None and _listeners(self._info):
            frame.camera_info = conversion.camera_info_message(camera_info, header)
        if frame.compressed is not None or frame.pixels is not None or (not self._compressed and frame.raw is not None):
            frame.traced = True
        if frame.empty:
            return
        # Strips are coded as they are published, which takes the thread's time in any case.
        if self._quick and frame.pixels is None and self._idle.is_set():
            self._publish(frame)
            return
        with self._count_lock:
            self._handed_over += 1
            self._idle.clear()
        displaced = self._mailbox.put(frame)
        if displaced is not None:
            self.counters.dropped += 1
            if displaced.traced:
                self._node.events.note(displaced.header, "dropped")
            self._recycle(displaced)
            self._done()

    def _topic_is_shared(self) -> bool:
        """Whether another node publishes strips on the same topic, whose frames may have the same headers; looked at once a second."""
        now = time.monotonic()
        if self._strip_bytes and now >= self._look_again:
            self._look_again = now + 1.0
            self._shared = any(self._node.count_publishers(publisher.topic_name) > 1 for publisher in self._compressed.values())
        return self._shared

    def _done(self) -> None:
        with self._count_lock:
            self._handed_over -= 1
            if not self._handed_over:
                self._idle.set()

    def _encode(self, header: Any, pixels: Pixels) -> CompressedImage:
        codec, image, pixel_format = pixels.codec, pixels.image, pixels.pixel_format
        height, width = image.shape[:2]
        start = time.time_ns()
        size = codec.payload_size(int(width), int(height))
        payload: Any
        if size is None:
            payload = codec.encode(image, pixel_format=pixel_format)
        else:
            payload = self._buffer(size)
            codec.encode(image, pixel_format=pixel_format, out=payload)
        end = time.time_ns()
        self._node.events.note(header, "encode_start", start)
        self._node.events.note(header, "encode_end", end)
        self.counters.encoded += 1
        self.counters.encode_ms = (end - start) / 1e6
        self._count_bytes(len(payload), int(width) * int(height))
        self._sent(header, len(payload), pixels)
        text = wire.write_format(pixels.original, codec.name, codec.detail, wire.coded_encoding(codec.name, pixel_format))
        return conversion.compressed_message(header, payload, text)

    def _publish_strips(self, frame: Frame, pixels: Pixels) -> int:
        """Encode and publish strip by strip. Returns when the last one was handed over (ns), 0 where the codec refuses the frame.

        The events tell of the last strip, which the frame is complete with: what is spent on publishing those before is part of encoding.
        """
        codec, header, publisher = pixels.codec, frame.header, frame.publisher
        height, width = pixels.image.shape[:2]
        text = wire.write_format(pixels.original, codec.name, codec.detail, wire.coded_encoding(codec.name, pixels.pixel_format))
        # Filled anew for each strip: making a message takes longer than coding one.
        message = CompressedImage()
        message.header = header
        start = handed_over_ns = time.time_ns()
        size, publishing_ns = 0, 0
        try:
            for strip in codec.encode_strips(pixels.image, pixels.pixel_format, max_bytes=self._strip_bytes):
                message.format = f"{text} {write_tag(StripTag(strip.index, strip.count, strip.first_row, int(height), frame.number))}"
                data = array("B")
                data.frombytes(strip.payload)
                message.data = data
                size += len(data)
                if strip.index + 1 == strip.count:
                    self._sent(header, size + (self._last_copies - 1) * len(data), pixels)  # a report may be here before publish() returns
                handed_over_ns = time.time_ns()
                publisher.publish(message)
                publishing_ns += time.time_ns() - handed_over_ns
                if self._sent_strips is not None:
                    self._sent_strips.keep(header, strip.index, publisher, message.format, data, frame.number)
        except CodecError as error:
            self._refused(header, error)
            return 0
        copying = time.time_ns()
        for _ in range(self._last_copies - 1):
            publisher.publish(message)
        publishing_ns += time.time_ns() - copying
        copied = (self._last_copies - 1) * len(data)
        self._node.events.note(header, "encode_start", start)
        self._node.events.note(header, "encode_end", handed_over_ns)
        self.counters.encoded += 1
        self.counters.publish_ms = publishing_ns / 1e6
        self.counters.encode_ms = (time.time_ns() - start - publishing_ns) / 1e6
        self._count_bytes(size, int(width) * int(height), copied)
        return handed_over_ns

    def _refused(self, header: Any, error: CodecError) -> None:
        self.counters.failed += 1
        self._node.events.note(header, "dropped")
        if self.counters.failed == 1:
            self._node.get_logger().error(f"a frame is dropped: {error}; more of them are only counted (failed on /diagnostics)")

    def _sent(self, header: Any, size: int, pixels: Pixels) -> None:
        if self._adaptive is not None:
            self._adaptive.sent(conversion.to_ns(header.stamp), size, pixels.admitted_at)

    def _count_bytes(self, size: int, pixels: int, copied: int = 0) -> None:
        self.counters.bytes += size + copied
        self.counters.bytes_copied += copied
        self.counters.pixels += pixels
        self.counters.bits_per_pixel = 8 * size / pixels
        self.check_fit(size + copied)

    def _buffer(self, size: int) -> array[int]:
        while self._spare:
            try:
                buffer = self._spare.popleft()
            except IndexError:
                break
            if len(buffer) == size:
                return buffer
        return array("B", bytes(size))

    def _recycle(self, frame: Frame) -> None:
        if frame.compressed is not None:
            self._spare.append(frame.compressed.data)

    def _publish_frames(self) -> None:
        while True:
            frame = self._mailbox.get()
            if frame is None:
                return
            self._publish(frame)
            self._done()

    def _publish(self, frame: Frame) -> None:
        # Noted as it is handed over: on one machine a subscriber may have the frame before publish() returns.
        start_ns = handed_over_ns = time.time_ns()
        if frame.pixels is not None:
            handed_over_ns = self._publish_strips(frame, frame.pixels)
        if frame.compressed is not None:
            frame.publisher.publish(frame.compressed)
            self.counters.publish_ms = (time.time_ns() - handed_over_ns) / 1e6
        if self._adaptive is not None and handed_over_ns and (frame.compressed is not None or frame.pixels is not None):
            self._adaptive.blocked(self.counters.publish_ms / 1e3)
        if frame.raw is not None:
            self._raw.publish(frame.raw)
        if frame.traced and handed_over_ns:
            self._node.events.note(frame.header, "published", handed_over_ns)
        if frame.camera_info is not None:
            self._info.publish(frame.camera_info)
        if frame.labels is not None:
            self._labels.publish(frame.labels)
        # None of those that the codec has refused strip by strip, nor labels and camera_info of a frame that was left out.
        self.counters.published += bool(handed_over_ns and (frame.traced or frame.raw is not None))
        self._recycle(frame)
        self._node.events.flush()
        self._quick = time.time_ns() - start_ns < 1e9 * QUICK_S

    def wait_sent(self, timeout_s: float) -> None:
        """Wait until the latest frame is published, at most ``timeout_s``."""
        self._idle.wait(timeout_s)

    def drain(self) -> None:
        """Wait until the last frame is published and reliable subscribers have acknowledged it, for a bounded time."""
        self._mailbox.close()
        if self._thread is not None:
            self._thread.join(ACKNOWLEDGE_TIMEOUT_S)
        for publisher in (*self._compressed.values(), self._raw, self._labels):
            if _listeners(publisher):
                publisher.wait_for_all_acked(Duration(seconds=ACKNOWLEDGE_TIMEOUT_S))
        time.sleep(LINGER_S)

    def stop(self) -> None:
        """End the publishing thread once it has published what is waiting."""
        self._mailbox.close()
        if self._sent_strips is not None:
            self._sent_strips.close()


def _listeners(publisher: Any) -> int:
    return 0 if publisher is None else int(publisher.get_subscription_count())
