# SPDX-License-Identifier: Apache-2.0
"""Strips that were lost, asked for and sent again: ``<image topic>/missing``, from a receiver with ``strip_repair_ms`` to the sender.

A ``sensor_msgs/TimeReference``: ``header`` is the frame's, ``time_ref`` when it was asked, ``source`` is ``<node> <strips>/<count>``, strips counted
from 1 as in the strips' own ``format``: ``/decoder 3,7-9/45``, and the frame's number after it where its strips have one,
``/decoder 3,7-9/45 frame 7``. Received best effort: whoever misses an answer asks again.

Requests go out twice: a lost one costs a round trip, and they are small. So do answers to a receiver that asks for a strip again: these are few, and
the next would come behind the frame after. Of a frame at most half as many strips are sent again as it has, or 16 where that is more, and over a
second at most half of the bytes that the stream sends in it (:mod:`plcv_ros.nodes.resending`), whoever asks and however often.
"""

from __future__ import annotations

import re
import threading
import time
from array import array
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any

from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, TimeReference

from plcv_ros.nodes import conversion
from plcv_ros.nodes.checks import MAX_SOURCE, checks_of
from plcv_ros.nodes.intake import Intake
from plcv_ros.nodes.resending import ResendBudget
from plcv_ros.nodes.stamps import Key, key_of

NAME = "missing"

FRAMES_KEPT = 6
"""A fifth of a second at 30 Hz: what is asked for later would come too late."""

COPIES = 2
"""Of a request."""

FEWEST_ANSWERS = 16
"""That many strips of a frame are sent again if need be, however few it has."""

SAME_REQUEST_S = 0.001
"""A strip that another receiver asks for so soon after the first is on its way to both."""

MAX_REQUESTS = 256
"""Of a frame: more of them are not looked at."""

MAX_ASKERS = 8
"""Receivers that are told from one another."""

_SOURCE = re.compile(r"\S{1,255} (\d{1,5}(?:-\d{1,5})?(?:,\d{1,5}(?:-\d{1,5})?)*)/(\d{1,5})(?: frame (\d{1,10}))?", re.ASCII)


def _qos(reliability: ReliabilityPolicy) -> QoSProfile:
    return QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=100, reliability=reliability)


def write_numbers(indices: Sequence[int]) -> str:
    """Ascending indices from 0 -> numbers from 1 as text: [2, 6, 7, 8] -> ``3,7-9``."""
    runs: list[list[int]] = []
    for index in indices:
        if runs and index == runs[-1][1] + 1:
            runs[-1][1] = index
        else:
            runs.append([index, index])
    return ",".join(f"{first + 1}" if first == last else f"{first + 1}-{last + 1}" for first, last in runs)


def read_source(source: str) -> list[int] | None:
    """The ascending indices from 0 that a request asks for; None where the text is none of a request, a number not of ``count``, or not above
    those before it (which would let one message ask for the same strips a million times)."""
    # A long text is none, and looking for numbers in it would take as long as it is.
    match = None if len(source) > MAX_SOURCE else _SOURCE.fullmatch(source)
    if match is None:
        return None
    count, wanted = int(match.group(2)), list[int]()
    for part in match.group(1).split(","):
        first, _, last = part.partition("-")
        low, high = int(first), int(last or first)
        if not (wanted[-1] + 1 if wanted else 0) < low <= high <= count:
            return None
        wanted.extend(range(low - 1, high))
    return wanted


def read_frame(source: str) -> int | None:
    """The number of the frame that a request is for; None where it has none."""
    match = None if len(source) > MAX_SOURCE else _SOURCE.fullmatch(source)
    return None if match is None or match.group(3) is None else int(match.group(3))


class StripRequests:
    """Publishes the requests of one receiver."""

    def __init__(self, node: Any, base: str) -> None:
        self._publisher = node.create_publisher(TimeReference, f"{base}/{NAME}", _qos(ReliabilityPolicy.RELIABLE))
        self._name = node.get_fully_qualified_name()
        self._message = TimeReference()

    def ask(self, header: Any, indices: Sequence[int], count: int, frame: int | None = None) -> None:
        """Ask for the strips ``indices`` (ascending, from 0) of the ``count`` strips of the frame of ``header``, numbered ``frame``."""
        message = self._message
        message.header = header
        message.time_ref = conversion.to_time(time.time_ns())
        message.source = f"{self._name} {write_numbers(indices)}/{count}" + ("" if frame is None else f" frame {frame}")
        for _ in range(COPIES):
            self._publisher.publish(message)


@dataclass
class _SentStrip:
    format: str
    payload: array[int]
    answered_at: float = -inf
    asked_by: set[str] = field(default_factory=set)


class _SentFrame:
    def __init__(self, header: Any, publisher: Any) -> None:
        self.header = header
        self.publisher = publisher
        self.at = time.monotonic()
        self.strips: dict[int, _SentStrip] = {}
        self.answers = 0
        self.requests: set[tuple[str, int, int]] = set()
        """Source and time of those that were answered: the other copy is not."""


class SentStrips:
    """The strips of the latest frames, sent again where a receiver asks for them. ``keep`` from any thread; requests have one of their own.

    ``resent`` strips since the start; ``unanswered`` ones that were asked for and for which there was no room in the budget; ``malformed`` requests.
    Requests for frames that are no longer kept are not answered.
    """

    def __init__(self, node: Any, base: str) -> None:
        self.resent = self.unanswered = 0
        self.malformed = 0
        self._budget = ResendBudget()
        self._checks = checks_of(node)
        self._topic = f"{base}/{NAME}"
        self._frames: OrderedDict[tuple[Key, int | None], _SentFrame] = OrderedDict()
        self._lock = threading.Lock()
        self._intake = Intake(node, TimeReference, [f"{base}/{NAME}"], self._on_request, _qos(ReliabilityPolicy.BEST_EFFORT))

    def keep(self, header: Any, index: int, publisher: Any, format_text: str, payload: array[int], number: int | None = None) -> None:
        """Strip ``index`` of the frame of ``header``, numbered ``number``, was sent by ``publisher``; ``payload`` must not change any more."""
        key = (key_of(header), number)
        with self._lock:
            frame = self._frames.get(key)
            if frame is None:
                frame = self._frames[key] = _SentFrame(header, publisher)
                while len(self._frames) > FRAMES_KEPT:
                    self._frames.popitem(last=False)
                self._forget()
            frame.strips[index] = _SentStrip(format_text, payload)
            self._budget.sent(len(payload))

    def _forget(self) -> None:
        self._budget.forget(min((frame.at for frame in self._frames.values()), default=inf))

    def close(self) -> None:
        """Answer no more."""
        self._intake.close()

    def _on_request(self, request: TimeReference) -> None:
        wanted = read_source(request.source) if self._checks.accepts(self._topic, request) else None
        if wanted is None:
            self.malformed += 1
            return
        header = request.header
        with self._lock:
            frame = self._frames.get((key_of(header), read_frame(request.source)))
            if frame is None:
                return
            name = request.source, request.time_ref.sec, request.time_ref.nanosec
            left = max(FEWEST_ANSWERS, len(frame.strips) // 2) - frame.answers
            if left <= 0 or name in frame.requests or len(frame.requests) >= MAX_REQUESTS:
                return
            frame.requests.add(name)
            self._forget()
            now, asker = time.monotonic(), request.source.partition(" ")[0]
            asked = [frame.strips[index] for index in wanted if index in frame.strips]
            chosen = [strip for strip in asked if now - strip.answered_at > SAME_REQUEST_S][:left]
            again = [strip for strip in chosen if asker in strip.asked_by][: left - len(chosen)]
            asked_for = len(chosen) + len(again)
            chosen = [strip for strip in chosen if self._budget.take(len(strip.payload), strip.answered_at > -inf)]
            again = [strip for strip in again if self._budget.take(len(strip.payload), True)]
            self.unanswered += asked_for - len(chosen) - len(again)
            frame.answers += len(chosen) + len(again)
            for strip in chosen:
                strip.answered_at = now
            for strip in asked:
                if len(strip.asked_by) < MAX_ASKERS:
                    strip.asked_by.add(asker)
        message = CompressedImage()
        message.header = frame.header
        for strip in (*chosen, *again):
            message.format, message.data = strip.format, strip.payload
            frame.publisher.publish(message)
            self.resent += 1
