# SPDX-License-Identifier: Apache-2.0
"""Puts the strips of frames together again, whatever is lost, late, doubled or malformed among them."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from plcv_ros.codecs import CodecError
from plcv_ros.strips.canvas import Canvas, make_canvas
from plcv_ros.strips.repair import SHORTEST_END_S, SHORTEST_S, FrameRepair, RoundTrip, Silence
from plcv_ros.strips.spares import Pixels, Spares
from plcv_ros.strips.tag import StripTag

REMEMBERED_FRAMES = 64
"""Frames that are finished and whose late strips are told from those of new frames."""

COMPARED_FRAMES = 8
"""Of these, as many keep their payloads (half a megabyte each at 1080p), which a strip that comes again is compared with."""

AGAIN_S = 1.0
"""No network brings a strip a second time so long after its frame was finished: it is one of another frame that has the same header."""

SPARE_IMAGES = 4


@dataclass
class StripCounters:
    """Counts since the start. ``missing`` strips were concealed; ``late`` ones came for nothing, as did the second of ``doubled`` ones,
    the copy of every frame's last strip among them;
    ``requested`` ones were asked for again, each as often as it was; rows of ``partial`` frames are
    concealed."""

    strips: int = 0
    missing: int = 0
    late: int = 0
    doubled: int = 0
    requested: int = 0
    frames: int = 0
    partial: int = 0


@dataclass(frozen=True)
class Assembled:
    """A finished frame: whatever `add` got with its first strip, its picture, and (H,) bool, True for rows that are concealed.

    ``latest``: the clock's time at which the last of its strips came; it may have waited for the frame before it since.
    ``error``: why all of them are where its strips, taken together, could not be decoded.
    ``image`` is (H, W, 3) uint8 rgb8; hand it back with :meth:`StripAssembler.release` when it is not needed any more.
    """

    header: Any
    image: Pixels
    missing_rows: npt.NDArray[np.bool_]
    strips: int
    count: int
    latest: float = 0.0
    error: CodecError | None = None

    @property
    def complete(self) -> bool:
        """Whether no row is concealed."""
        return not self.missing_rows.any()


@dataclass(frozen=True)
class Request:
    """Strips of a frame to ask its sender for: ``indices`` of ``count``; ``header`` is whatever `add` got with the frame's first strip.
    ``frame``: its number, where its sender gave it one."""

    header: Any
    indices: list[int]
    count: int
    frame: int | None = None


@dataclass
class _Shape:
    """A frame that takes shape; ``latest``: when a new strip of it came; ``payloads``: index -> that strip's."""

    key: Hashable
    header: Any
    canvas: Canvas
    repair: FrameRepair
    payloads: dict[int, Any]
    latest: float = 0.0


class _Finished:
    """A frame that is finished: which strips it had, and, as long as they are kept, their payloads."""

    def __init__(self, shape: _Shape, now: float) -> None:
        self.tag = shape.canvas.tag
        self.there = shape.canvas.there
        self.payloads: dict[int, Any] | None = shape.payloads
        self.at = now

    def had(self, tag: StripTag) -> bool:
        """Whether a strip of that index was there."""
        return tag.index < len(self.there) and bool(self.there[tag.index])

    def is_another_s(self, tag: StripTag, payload: Any, now: float) -> bool:
        """Whether a strip of this header is one of another frame: the sender has not numbered them, so their contents and the time must tell."""
        if tag.frame is not None:
            return False
        if (tag.count, tag.height) != (self.tag.count, self.tag.height):
            return True
        if not self.had(tag):
            return False
        return now - self.at > AGAIN_S or (self.payloads is not None and _differ(self.payloads[tag.index], payload))


class StripAssembler:
    """Takes strips in the order in which they arrive and returns the frames that are finished by them.

    A frame is finished when all its strips, its last strip, or a strip of another frame has arrived. `expire`, called once `deadline` has
    passed, finishes a frame whose tail was lost. Missing rows come from the previous frame.

    Strips are of one frame where their ``key`` and the number in their tags are equal. Frames that share a key and have no number (an older
    sender, one that was started again) are told apart where a strip that is there comes again with other contents.

    With ``repair_s`` above 0 lost strips are asked for (`requests`): a frame is finished when all its strips have arrived, when the next but one
    begins, or ``repair_s`` after its latest strip; the next one waits for it. At most two frames take shape at a time, else one: memory is
    bounded by a few pictures of ``max_pixels``. For one thread, but `release` may be called from any.

    patience_s: the longest silence after which the rest of a frame is taken for lost; a shorter one where strips come in closer succession.
    threads: for decoding the strips of a frame at once (JPEG XS; an ASTC strip is decoded as it arrives). astc_modes: which of its block
    modes are accepted, as :func:`plcv_ros.codecs.decode` has it.
    """

    def __init__(
        self,
        max_pixels: int,
        patience_s: float = 0.008,
        clock: Callable[[], float] = time.monotonic,
        threads: int = 1,
        repair_s: float = 0.0,
        astc_modes: str = "all",
    ) -> None:
        self.counters = StripCounters()
        self._max_pixels = max_pixels
        self._clock = clock
        self._threads = threads
        self._repair_s = repair_s
        self._astc_modes = astc_modes
        self._silence = Silence(patience_s, SHORTEST_S if repair_s else SHORTEST_END_S)
        self._round_trip = RoundTrip()
        self._open: list[_Shape] = []
        self._latest = 0.0
        self._finished: OrderedDict[Hashable, _Finished] = OrderedDict()
        self._compared: deque[_Finished] = deque()
        """The latest ones, whose payloads are kept."""
        self._given_up: tuple[Hashable, float] | None = None
        self._previous: Pixels | None = None
        self._previous_released = False
        self._spares = Spares(SPARE_IMAGES)
        self._lock = threading.Lock()

    @property
    def deadline(self) -> float | None:
        """When `requests` or `expire` shall be called, on the clock; None where no frame takes shape."""
        if not self._open:
            return None
        if not self._repair_s:
            return self._latest + self._silence.length_s
        newest = self._open[-1]
        asking = min(shape.repair.next_time(self._latest, shape is not newest) for shape in self._open)
        return min(asking, self._open[0].latest + self._repair_s)

    def add(self, key: Hashable, header: Any, tag: StripTag, codec: str, payload: Any, colour: str | None = None) -> list[Assembled]:
        """Take one strip of the frame ``key``; returns the frames that it finishes, oldest first. ``payload`` must not change afterwards.

        Raises StripError or CodecError where it is malformed; it is as if it had never come, then.
        """
        now = self._clock()
        key = (key, tag.frame)
        done: list[Assembled] = []
        shape = next((one for one in self._open if one.key == key), None) if self._open else None
        if shape is None:
            finished = self._finished.get(key)
            if finished is not None and not finished.is_another_s(tag, payload, now):
                self._came_for_nothing(key, finished, tag, now)
                return done
        if shape is None or (tag.frame is None and tag.index in shape.payloads and _differ(shape.payloads[tag.index], payload)):
            # A malformed strip of a new frame must not end the one that takes shape: place first.
            canvas = make_canvas(tag, codec, self._max_pixels, self._spares, self._threads, self._astc_modes)
            canvas.place(tag, codec, payload, colour)
            while len(self._open) > (1 if self._repair_s else 0) or any(one.key == key for one in self._open):
                done += self._finish(self._open[0]) + self._finish_whole()
            self._finished.pop(key, None)
            shape = _Shape(key, header, canvas, FrameRepair(tag.count, self._silence, self._round_trip), {})
            self._open.append(shape)
        elif not shape.canvas.place(tag, codec, payload, colour):
            self.counters.doubled += 1
            return done
        if shape.repair.came(tag.index, now) and shape.canvas.placed > 1:
            self._silence.note(now - self._latest)
        shape.latest = self._latest = now
        shape.payloads[tag.index] = payload
        self.counters.strips += 1
        if tag.last and not self._repair_s:
            done += self._finish(shape)
        return done + self._finish_whole()

    def _came_for_nothing(self, key: Hashable, finished: _Finished, tag: StripTag, now: float) -> None:
        if finished.had(tag):
            self.counters.doubled += 1
            return
        self.counters.late += 1
        if self._given_up is not None and key == self._given_up[0]:
            self._silence.note(now - self._given_up[1])

    def requests(self) -> list[Request]:
        """The strips to ask for now; call it after `add` and once `deadline` has passed. Always empty without ``repair_s``."""
        if not self._repair_s or not self._open:
            return []
        now, newest = self._clock(), self._open[-1]
        wanted = [Request(s.header, s.repair.wanted(now, self._latest, s is not newest), s.canvas.tag.count, s.canvas.tag.frame) for s in self._open]
        self.counters.requested += sum(len(request.indices) for request in wanted)
        return [request for request in wanted if request.indices]

    def expire(self) -> list[Assembled]:
        """The frames that are given up now, oldest first."""
        now, done = self._clock(), []
        while self._open:
            shape = self._open[0]
            if now < (shape.latest + self._repair_s if self._repair_s else self._latest + self._silence.length_s):
                break
            self._given_up = shape.key, shape.latest
            done += self._finish(shape) + self._finish_whole()
        return done

    def release(self, image: Pixels) -> None:
        """Hand a picture back; its memory is used again once it is no longer needed for concealment."""
        with self._lock:
            if image is self._previous:
                self._previous_released = True
            else:
                self._spares.keep(image)

    def finish(self) -> list[Assembled]:
        """The frames that take shape, as they are: no more strips of them will be waited for. Empty where there is none."""
        done: list[Assembled] = []
        while self._open:
            done += self._finish(self._open[0])
        return done

    def _finish_whole(self) -> list[Assembled]:
        done: list[Assembled] = []
        while self._open and self._open[0].canvas.placed == self._open[0].canvas.tag.count:
            done += self._finish(self._open[0])
        return done

    def _remember(self, shape: _Shape) -> None:
        finished = self._finished[shape.key] = _Finished(shape, self._clock())
        self._compared.append(finished)
        if len(self._compared) > COMPARED_FRAMES:
            self._compared.popleft().payloads = None
        while len(self._finished) > REMEMBERED_FRAMES:
            self._finished.popitem(last=False)

    def _finish(self, shape: _Shape) -> list[Assembled]:
        self._open.remove(shape)
        canvas = shape.canvas
        if canvas.image is None:
            return []
        missing = canvas.finish(self._previous)
        self._remember(shape)
        with self._lock:
            if self._previous is not None and self._previous_released:
                self._spares.keep(self._previous)
            self._previous, self._previous_released = canvas.image, False
        counters = self.counters
        counters.frames += 1
        counters.missing += canvas.tag.count - canvas.placed
        counters.partial += bool(missing.any())
        return [Assembled(shape.header, canvas.image, missing, canvas.placed, canvas.tag.count, shape.latest, canvas.error)]


def _differ(one: Any, other: Any) -> bool:
    """Whether two payloads hold other bytes."""
    return memoryview(one) != memoryview(other)
