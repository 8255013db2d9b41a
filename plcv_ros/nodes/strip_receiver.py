# SPDX-License-Identifier: Apache-2.0
"""From strips to pictures: an ASTC strip is decoded by the thread that takes it, JPEG XS strips together; frames go to a worker thread.

So decoding overlaps with sending, and a lost packet costs a strip, which is concealed from the frame before, instead of a frame.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from sensor_msgs.msg import CompressedImage

from plcv_ros.codecs import CodecError
from plcv_ros.nodes import conversion, qos, wire
from plcv_ros.nodes.intake import Intake
from plcv_ros.nodes.mailbox import Mailbox
from plcv_ros.nodes.node import FrameNode
from plcv_ros.nodes.parameters import ParameterError
from plcv_ros.nodes.receiver import FrameReceiver, Received
from plcv_ros.nodes.stamps import key_of
from plcv_ros.nodes.strip_requests import StripRequests
from plcv_ros.strips import Assembled, Dropped, StripAssembler, StripError, read_tag


def make_receiver(
    node: FrameNode, base: str, transport_name: str, *, reliable: bool, handle: Callable[[Any, Received], None], accept: Callable[[Any], bool]
) -> FrameReceiver:
    """A receiver of whole frames, or of strips where the node's parameter ``strips`` says so. Raises ParameterError."""
    if not node.flag("strips"):
        return FrameReceiver(node, base, transport_name, reliable=reliable, handle=handle, accept=accept)
    if not set(wire.transports_of(transport_name)) <= set(wire.CODECS_WITH_STRIPS):
        raise ParameterError("strips", True, f"false with transport {transport_name}: only {', '.join(wire.CODECS_WITH_STRIPS)} have strips")
    return StripReceiver(node, base, transport_name, reliable=reliable, handle=handle, accept=accept)


class StripReceiver(FrameReceiver):
    """A FrameReceiver of ``<base topic>/<transport>_strips``."""

    strips = True

    def prepare(self) -> None:
        """Make the place where strips come together."""
        repair_s = self._node.number("strip_repair_ms") / 1000
        patience_s = self._node.number("strip_patience_ms") / 1000
        self._assembler = StripAssembler(
            self._max_pixels, patience_s, threads=self._threads, repair_s=repair_s, astc_modes=self._astc_modes, on_drop=self._on_drop
        )
        if repair_s:
            # A frame that was repaired may be whole at the same time as the one after it, and none shall be lost.
            self._mailbox = Mailbox(qos.RELIABLE_DEPTH)
        self._requests = StripRequests(self._node, self._base) if repair_s else None

    def profile(self, reliable: bool) -> Any:
        """Some frames of strips wait to be taken."""
        return qos.strips_requested(reliable)

    def make_intake(self, message_type: Any, topics: list[str]) -> Intake:
        """As of whole frames, and give up waiting for what is lost."""
        return Intake(
            self._node,
            message_type,
            topics,
            self._on_message,
            self._profile,
            deadline=lambda: self._assembler.deadline,
            on_deadline=self._on_silence,
        )

    def values(self) -> dict[str, Any]:
        """Counters for ``/diagnostics``."""
        counters = self._assembler.counters
        return {
            **super().values(),
            "strips": counters.strips,
            "strips_missing": counters.missing,
            "strips_late": counters.late,
            "strips_doubled": counters.doubled,
            "strips_requested": counters.requested,
            "frames_partial": counters.partial,
            "frames_dropped": counters.dropped,
        }

    def _on_message(self, message: CompressedImage) -> None:
        if not self._is_fit(message):
            return
        try:
            tag = read_tag(message.format)
            described = wire.parse_format(message.format)
            payload = conversion.payload_of(message)
            done = self._assembler.add(key_of(message.header), message, tag, described.codec, payload, described.colour)
        except (StripError, CodecError) as error:
            self.counters.malformed += 1
            self._complain(error)
            return
        for frame in done:
            self._offer(frame)
        self._ask()

    def _on_silence(self) -> None:
        for frame in self._assembler.expire():
            self._offer(frame)
        self._ask()

    def _ask(self) -> None:
        if self._requests is not None:
            for request in self._assembler.requests():
                self._requests.ask(request.header.header, request.indices, request.count, request.frame)

    def _on_drop(self, frame: Dropped) -> None:
        header = frame.header.header
        waited_ns = self._received(header, frame.latest)
        self._node.events.note(header, "dropped")
        self.trouble = frame.why
        self._report(header, frame.strips, frame.count, waited_ns)

    def _received(self, header: Any, latest: float) -> int:
        """A frame is here, or what came of it; returns for how many ns it has been."""
        # It arrived with the latest of its own strips, whatever it waited for since.
        waited_ns = round((time.monotonic() - latest) * 1e9)
        self.counters.received += 1
        self.stamps.note(header)
        self._node.events.note(header, "received", time.time_ns() - waited_ns)
        return waited_ns

    def _offer(self, frame: Assembled) -> None:
        header = frame.header.header  # what came with the frame's first strip is that message
        waited_ns = self._received(header, frame.latest)
        if frame.error is not None:
            self.counters.malformed += 1
            self._complain(frame.error)
        displaced = self._mailbox.put((header, frame))
        if displaced is not None:
            self.counters.dropped_newer += 1
            self._node.events.note(displaced[0], "dropped")
            self._assembler.release(displaced[1].image)
        self._report(header, frame.strips, frame.count, waited_ns)

    def _picture(self, content: Assembled) -> Received:
        missing = None if content.complete else content.missing_rows
        return Received(content.image, missing, conversion.payload_of(content.header), strip=True)

    def _recycle(self, content: Assembled) -> None:
        self._assembler.release(content.image)
