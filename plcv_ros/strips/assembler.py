# SPDX-License-Identifier: Apache-2.0
"""Puts the strips of frames together again, whatever is lost, late, doubled or malformed among them."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from plcv_ros.codecs import CodecError
from plcv_ros.strips.canvas import Canvas, make_canvas
from plcv_ros.strips.repair import SHORTEST_END_S, SHORTEST_S, FrameRepair, RequestBudget, RoundTrip, Silence
from plcv_ros.strips.shapes import Finished, Lane, Shape, differ
from plcv_ros.strips.sizes import Size, Sizes
from plcv_ros.strips.spares import Pixels, Spares
from plcv_ros.strips.tag import StripTag

REMEMBERED_FRAMES = 64
"""Frames that are finished and whose late strips are told from those of new frames."""

COMPARED_FRAMES = 8
"""Of these, as many keep their payloads (half a megabyte each at 1080p), which a strip that comes again is compared with."""

LEAST_SHARE = 0.25
"""Of a frame's rows: a frame of which less has come is dropped. Most of it would be the frame before, and its pixels cost more than what came."""

ASKED_AT_ONCE = 256
"""Strips in one request."""

SPARE_IMAGES = 4

MAX_LANES = 4
"""Sizes whose frames take shape at a time; of those that are not believed, the one that had no strip for longest gives way."""


@dataclass
class StripCounters:
    """Counts since the start. ``missing`` strips were concealed; ``late`` ones came for nothing, as did the second of ``doubled`` ones,
    the copy of every frame's last strip among them;
    ``requested`` ones were asked for again, each as often as it was; rows of ``partial`` frames are
    concealed. ``dropped`` frames are not handed on: of a size that is not believed yet, or with too few rows."""

    strips: int = 0
    missing: int = 0
    late: int = 0
    doubled: int = 0
    requested: int = 0
    frames: int = 0
    partial: int = 0
    dropped: int = 0


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


@dataclass(frozen=True)
class Dropped:
    """A frame that is not handed on: whatever `add` got with its first strip, how many of its strips came, when the latest, and why."""

    header: Any
    strips: int
    count: int
    latest: float
    why: str


class StripAssembler:
    """Takes strips in the order in which they arrive and returns the frames that are finished by them.

    A frame is finished when all its strips, its last strip, or a strip of another frame has arrived. `expire`, called once `deadline` has
    passed, finishes a frame whose tail was lost. Missing rows come from the previous frame.

    Strips are of one frame where their ``key`` and the number in their tags are equal. Frames that share a key and have no number (an older
    sender, one that was started again) are told apart where a strip that is there comes again with other contents.

    With ``repair_s`` above 0 lost strips are asked for (`requests`): a frame is finished when all its strips have arrived, when the next but one
    begins, or ``repair_s`` after its latest strip; the next one waits for it. At most two frames of a size take shape at a time, else one; of
    MAX_LANES sizes at most.

    What a strip claims costs no more than what came. A size of frames is believed once every row of it has come (:mod:`plcv_ros.strips.sizes`);
    until then its frames are dropped unless they are whole. Frames of different sizes neither end each other nor wait for one another. Frames
    with less than ``least_share`` of their rows are dropped. ``on_drop`` hears of each. ``believed``: sizes, (height, width), that are known
    beforehand.
    Requests have a budget of their own for sizes that are not believed.

    Memory is bounded by a few pictures of ``max_pixels``. For one thread, but `release` may be called from any.

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
        least_share: float = LEAST_SHARE,
        believed: Iterable[Size] = (),
        on_drop: Callable[[Dropped], None] = lambda _: None,
    ) -> None:
        self.counters = StripCounters()
        self._max_pixels = max_pixels
        self._clock = clock
        self._threads = threads
        self._repair_s = repair_s
        self._astc_modes = astc_modes
        self._least_share = least_share
        self._on_drop = on_drop
        self._silence = Silence(patience_s, SHORTEST_S if repair_s else SHORTEST_END_S)
        self._round_trip = RoundTrip()
        self._sizes = Sizes(believed)
        self._lanes: dict[Size, Lane] = {}
        self._budgets = {True: RequestBudget(), False: RequestBudget()}
        """Of sizes that are believed, and of those that are not."""
        self._finished: OrderedDict[Hashable, Finished] = OrderedDict()
        self._compared: deque[Finished] = deque()
        """The latest ones, whose payloads are kept."""
        self._given_up: tuple[Hashable, float] | None = None
        self._previous: Pixels | None = None
        self._previous_released = False
        self._spares = Spares(SPARE_IMAGES)
        self._lock = threading.Lock()

    @property
    def deadline(self) -> float | None:
        """When `requests` or `expire` shall be called, on the clock; None where no frame takes shape."""
        return min(map(self._deadline, self._lanes.values())) if self._lanes else None

    def _deadline(self, lane: Lane) -> float:
        end = self._end_of(lane.shapes[0], lane)
        return min(lane.next_request(), end) if self._repair_s else end

    def _end_of(self, shape: Shape, lane: Lane) -> float:
        """When a frame is given up."""
        return shape.latest + self._repair_s if self._repair_s else lane.latest + self._silence.length_s

    def add(self, key: Hashable, header: Any, tag: StripTag, codec: str, payload: Any, colour: str | None = None) -> list[Assembled]:
        """Take one strip of the frame ``key``; returns the frames that it finishes, oldest first. ``payload`` must not change afterwards.

        Raises StripError or CodecError where it is malformed; it is as if it had never come, then.
        """
        now = self._clock()
        key = (key, tag.frame)
        done: list[Assembled] = []
        lane, shape = self._find(key)
        if lane is None or shape is None:
            finished = self._finished.get(key)
            if finished is not None and not finished.is_another_s(tag, payload, now):
                self._came_for_nothing(key, finished, tag, now)
                return done
        if lane is None or shape is None or (tag.frame is None and tag.index in shape.payloads and differ(shape.payloads[tag.index], payload)):
            # A malformed strip of a new frame must not end the one that takes shape: place first.
            canvas = make_canvas(tag, codec, self._max_pixels, self._spares, self._threads, self._astc_modes)
            canvas.place(tag, codec, payload, colour)
            lane, shape = self._begin(key, header, canvas, done)
        elif not shape.canvas.place(tag, codec, payload, colour):
            self.counters.doubled += 1
            return done
        if shape.repair.came(tag.index, now) and shape.canvas.placed > 1:
            self._silence.note(now - lane.latest)
        lane.budget.came()
        shape.latest = lane.latest = now
        shape.payloads[tag.index] = payload
        self.counters.strips += 1
        if tag.last and not self._repair_s:
            done += self._finish(shape, lane)
        return done + self._finish_whole(lane)

    def _find(self, key: Hashable) -> tuple[Lane | None, Shape | None]:
        for lane in self._lanes.values():
            for shape in lane.shapes:
                if shape.key == key:
                    return lane, shape
        return None, None

    def _begin(self, key: Hashable, header: Any, canvas: Canvas, done: list[Assembled]) -> tuple[Lane, Shape]:
        """A frame begins on ``canvas``; those that it ends are added to ``done``."""
        assert canvas.image is not None, "placing a strip makes the picture"
        size = canvas.tag.height, canvas.image.shape[1]
        for other in list(self._lanes.values()):
            while any(one.key == key for one in other.shapes):
                done += self._finish(other.shapes[0], other) + self._finish_whole(other)
        lane = self._lanes.get(size) or Lane(self._budgets[self._sizes.believed(size)])
        while len(lane.shapes) > (1 if self._repair_s else 0):
            done += self._finish(lane.shapes[0], lane) + self._finish_whole(lane)
        while size not in self._lanes and len(self._lanes) >= MAX_LANES:
            given_up = min(self._lanes.values(), key=lambda one: (self._sizes.believed(one.shapes[0].size), one.latest))
            done += self._finish(given_up.shapes[0], given_up)
        self._lanes[size] = lane
        self._finished.pop(key, None)
        shape = Shape(key, header, canvas, size, FrameRepair(canvas.tag.count, self._silence, self._round_trip), {})
        lane.shapes.append(shape)
        return lane, shape

    def _came_for_nothing(self, key: Hashable, finished: Finished, tag: StripTag, now: float) -> None:
        if finished.had(tag):
            self.counters.doubled += 1
            return
        self.counters.late += 1
        if self._given_up is not None and key == self._given_up[0]:
            self._silence.note(now - self._given_up[1])

    def requests(self) -> list[Request]:
        """The strips to ask for now; call it after `add` and once `deadline` has passed. Always empty without ``repair_s``."""
        if not self._repair_s:
            return []
        now = self._clock()
        wanted = [
            Request(shape.header, indices, shape.canvas.tag.count, shape.canvas.tag.frame)
            for lane in self._lanes.values()
            for shape, indices in lane.wanted(now, ASKED_AT_ONCE)
        ]
        self.counters.requested += sum(len(request.indices) for request in wanted)
        return wanted

    def expire(self) -> list[Assembled]:
        """The frames that are given up now, oldest first."""
        now, done = self._clock(), list[Assembled]()
        for lane in list(self._lanes.values()):
            while lane.shapes and now >= self._end_of(lane.shapes[0], lane):
                self._given_up = lane.shapes[0].key, lane.shapes[0].latest
                done += self._finish(lane.shapes[0], lane) + self._finish_whole(lane)
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
        for lane in list(self._lanes.values()):
            while lane.shapes:
                done += self._finish(lane.shapes[0], lane)
        return done

    def _finish_whole(self, lane: Lane) -> list[Assembled]:
        done: list[Assembled] = []
        while lane.shapes and lane.shapes[0].whole:
            done += self._finish(lane.shapes[0], lane)
        return done

    def _remember(self, shape: Shape) -> None:
        finished = self._finished[shape.key] = Finished(shape, self._clock())
        self._compared.append(finished)
        if len(self._compared) > COMPARED_FRAMES:
            self._compared.popleft().payloads = None
        while len(self._finished) > REMEMBERED_FRAMES:
            self._finished.popitem(last=False)

    def _finish(self, shape: Shape, lane: Lane) -> list[Assembled]:
        lane.shapes.remove(shape)
        if not lane.shapes:
            self._lanes.pop(shape.size, None)
        canvas, counters = shape.canvas, self.counters
        counters.frames += 1
        self._remember(shape)
        why = self._why_dropped(shape)
        if why or canvas.image is None:
            counters.partial += 1
            counters.dropped += 1
            if canvas.image is not None and self._sizes.believed(shape.size):
                self._spares.keep(canvas.image)
            self._on_drop(Dropped(shape.header, canvas.placed, canvas.tag.count, shape.latest, why))
            return []
        missing = canvas.finish(self._previous)
        with self._lock:
            if self._previous is not None and self._previous_released:
                self._spares.keep(self._previous)
            self._previous, self._previous_released = canvas.image, False
        counters.missing += canvas.tag.count - canvas.placed
        counters.partial += bool(missing.any())
        return [Assembled(shape.header, canvas.image, missing, canvas.placed, canvas.tag.count, shape.latest, canvas.error)]

    def _why_dropped(self, shape: Shape) -> str:
        """Why a frame is not handed on; empty where it is."""
        canvas, (height, width) = shape.canvas, shape.size
        came = f"{canvas.row_count} of {height} rows of a frame of {width}x{height} pixels"
        if not self._sizes.note(shape.size, canvas.rows):
            return f"{came} came, expected all rows of one frame of that size before any is concealed"
        if canvas.row_count < self._least_share * height:
            return f"{came} came, expected at least {self._least_share:.0%}"
        return ""
