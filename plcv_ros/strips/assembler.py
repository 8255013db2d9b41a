# SPDX-License-Identifier: Apache-2.0
"""Puts the strips of frames together again, whatever is lost, late, doubled or malformed among them."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from plcv_ros.codecs import CodecError
from plcv_ros.strips.canvas import Canvas, Pixels, make_canvas
from plcv_ros.strips.tag import StripTag

REMEMBERED_FRAMES = 64
"""Frames that are finished and whose late strips are told from those of new frames."""

SPARE_IMAGES = 4


@dataclass
class StripCounters:
    """Counts since the start. ``missing`` strips were concealed; ``late`` and ``doubled`` ones came for nothing; rows of ``partial`` frames are
    concealed."""

    strips: int = 0
    missing: int = 0
    late: int = 0
    doubled: int = 0
    frames: int = 0
    partial: int = 0


@dataclass(frozen=True)
class Assembled:
    """A finished frame: whatever `add` got with its first strip, its picture, and (H,) bool, True for rows that are concealed.

    ``error``: why all of them are where its strips, taken together, could not be decoded.
    ``image`` is (H, W, 3) uint8 rgb8; hand it back with :meth:`StripAssembler.release` when it is not needed any more.
    """

    header: Any
    image: Pixels
    missing_rows: npt.NDArray[np.bool_]
    strips: int
    count: int
    error: CodecError | None = None

    @property
    def complete(self) -> bool:
        """Whether no row is concealed."""
        return not self.missing_rows.any()


class StripAssembler:
    """Takes strips in the order in which they arrive and returns the frames that are finished by them.

    A frame is finished when all its strips, its last strip, or a strip of another frame has arrived. `expire`, called once `deadline` has
    passed, finishes a frame whose tail was lost. Missing rows come from the previous frame. At most one frame takes shape at a time: memory is
    bounded by a few pictures of ``max_pixels``. For one thread, but `release` may be called from any.

    patience_s: seconds of silence after which the rest of a frame is taken for lost. threads: for decoding the strips of a frame at once
    (JPEG XS; an ASTC strip is decoded as it arrives).
    """

    def __init__(self, max_pixels: int, patience_s: float = 0.008, clock: Callable[[], float] = time.monotonic, threads: int = 1) -> None:
        self.counters = StripCounters()
        self._max_pixels = max_pixels
        self._patience_s = patience_s
        self._clock = clock
        self._threads = threads
        self._key: Hashable = None
        self._header: Any = None
        self._canvas: Canvas | None = None
        self._latest = 0.0
        self._finished: deque[Hashable] = deque(maxlen=REMEMBERED_FRAMES)
        self._previous: Pixels | None = None
        self._previous_released = False
        self._spare: list[Pixels] = []
        self._lock = threading.Lock()

    @property
    def deadline(self) -> float | None:
        """When `expire` finishes the frame that takes shape, on the clock; None where there is none."""
        return None if self._canvas is None else self._latest + self._patience_s

    def add(self, key: Hashable, header: Any, tag: StripTag, codec: str, payload: Any, colour: str | None = None) -> list[Assembled]:
        """Take one strip of the frame ``key``; returns the frames that it finishes, oldest first.

        Raises StripError or CodecError where it is malformed; it is as if it had never come, then.
        """
        if key in self._finished:
            self.counters.late += 1
            return []
        done: list[Assembled] = []
        canvas = self._canvas
        if canvas is None or key != self._key:
            # A malformed strip of a new frame must not end the one that takes shape: place first.
            canvas = make_canvas(tag, codec, self._max_pixels, self._spare, self._threads)
            canvas.place(tag, codec, payload, colour)
            done = self.finish()
            self._canvas, self._key, self._header = canvas, key, header
        elif not canvas.place(tag, codec, payload, colour):
            self.counters.doubled += 1
            return done
        self._latest = self._clock()
        self.counters.strips += 1
        if tag.last or canvas.placed == canvas.tag.count:
            done += self.finish()
        return done

    def expire(self) -> list[Assembled]:
        """The frame whose deadline has passed, if there is one."""
        deadline = self.deadline
        return self.finish() if deadline is not None and self._clock() >= deadline else []

    def release(self, image: Pixels) -> None:
        """Hand a picture back; its memory is used again once it is no longer needed for concealment."""
        with self._lock:
            if image is self._previous:
                self._previous_released = True
            else:
                self._keep(image)

    def _keep(self, image: Pixels) -> None:
        if len(self._spare) < SPARE_IMAGES:
            self._spare.append(image)

    def finish(self) -> list[Assembled]:
        """The frame that takes shape, as it is: no more strips of it will be waited for. Empty where there is none."""
        canvas, self._canvas = self._canvas, None
        if canvas is None or canvas.image is None:
            return []
        missing = canvas.finish(self._previous)
        self._finished.append(self._key)
        with self._lock:
            if self._previous is not None and self._previous_released:
                self._keep(self._previous)
            self._previous, self._previous_released = canvas.image, False
        counters = self.counters
        counters.frames += 1
        counters.missing += canvas.tag.count - canvas.placed
        counters.partial += bool(missing.any())
        return [Assembled(self._header, canvas.image, missing, canvas.placed, canvas.tag.count, canvas.error)]
