# SPDX-License-Identifier: Apache-2.0
"""Pictures of several cameras in one pass of a network, none of which is kept longer than its deadline allows. No ROS."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]

MAX_SIZES = 16
"""Picture sizes whose times are remembered."""

NEW = 0.2
"""Weight of the latest pass in the time that a batch of its size is expected to take."""


class ExpiredError(Exception):
    """A picture's turn came too late for its labels to be of use."""


class BatchPredict(Protocol):
    """Pictures of one size -> their labels, in one pass."""

    def __call__(self, images: Sequence[Pixels], /) -> list[Pixels]:
        """(H, W, 3) uint8 each -> (H, W) uint8 each."""


class PassTimes:
    """How long a pass over n pictures of one size takes, learned from passes; seconds."""

    def __init__(self) -> None:
        self._seconds: dict[int, float] = {}

    def note(self, number: int, seconds: float) -> None:
        """A pass over ``number`` pictures took so long."""
        known = self._seconds.get(number)
        self._seconds[number] = seconds if known is None else known + NEW * (seconds - known)

    def expect(self, number: int) -> float:
        """How long a pass over ``number`` pictures will take: as measured, else in proportion to the nearest size that was; 0 at first."""
        if number in self._seconds:
            return self._seconds[number]
        if not self._seconds:
            return 0.0
        nearest = min(self._seconds, key=lambda n: abs(n - number))
        return self._seconds[nearest] * number / nearest


def choose(deadlines: Sequence[float], now: float, times: PassTimes, max_batch: int, leave_by: float = math.inf) -> int:
    """How many of the waiting pictures the next pass takes. ``deadlines``: when each must be done, the most urgent first; same clock as ``now``.
    ``leave_by``: when pictures that it cannot take need the network at the latest.

    As many as still finish before the most urgent deadline, and do not make others late that one picture alone would not. Where even one
    alone would be late, as many as are done fastest per picture: nothing is gained by making the others late too.
    """
    limit = min(len(deadlines), max_batch)
    if limit < 1:
        return 0
    if now + times.expect(1) > deadlines[0]:
        return min(range(1, limit + 1), key=lambda n: (times.expect(n) / n, n))
    end = min(deadlines[0], leave_by) if now + times.expect(1) <= leave_by else deadlines[0]
    number = 1
    while number < limit and now + times.expect(number + 1) <= end:
        number += 1
    return number


@dataclass
class Counters:
    """Since the start."""

    passes: int = 0
    pictures: int = 0
    late: int = 0
    """Pictures that were done after their deadline."""
    largest: int = 0


@dataclass(eq=False)
class _Waiting:
    image: Pixels
    network: BatchPredict
    deadline: float
    expires: float
    done: threading.Event = field(default_factory=threading.Event)
    labels: Pixels | None = None
    error: Exception | None = None


class Batcher:
    """``predict`` may be called by many threads at once, one a camera; a thread of its own runs the network on what is waiting.

    Pictures may ask for other networks than the batcher's own: a pass has pictures of one size, for one network. All networks should take
    about the same time for a size, which is learned for all of them together.

    No picture waits for others to come: a pass begins as soon as the one before has ended, with what is there. So batches form by
    themselves where the network is the bottleneck, and a lone picture is not delayed.
    """

    def __init__(self, predict: BatchPredict, max_batch: int = 8, clock: Callable[[], float] = time.monotonic) -> None:
        if max_batch < 1:
            raise ValueError(f"max_batch is {max_batch}, expected at least 1")
        self.counters = Counters()
        self._times: OrderedDict[tuple[int, ...], PassTimes] = OrderedDict()
        self._predict = predict
        self._max_batch = max_batch
        self._clock = clock
        self._condition = threading.Condition()
        self._waiting: list[_Waiting] = []
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="batches", daemon=True)
        self._thread.start()

    def times(self, shape: tuple[int, ...]) -> PassTimes:
        """What passes over pictures of that shape take."""
        known = self._times.setdefault(shape, PassTimes())
        self._times.move_to_end(shape)
        while len(self._times) > MAX_SIZES:
            self._times.popitem(last=False)
        return known

    def warmup(self, height: int, width: int) -> None:
        """Run every batch size of 1, 2, 4, ... black pictures, so that none is slow the first time and all times are known."""
        number = 1
        while number <= self._max_batch:
            images = [np.zeros((height, width, 3), np.uint8)] * number
            self._predict(images)
            start = self._clock()
            self._predict(images)
            self.times(images[0].shape).note(number, self._clock() - start)
            number *= 2

    def predict(self, image: Pixels, deadline: float, expires: float = math.inf, network: BatchPredict | None = None) -> Pixels:
        """(H, W, 3) uint8 -> (H, W) uint8, in one pass with what else is waiting. ``deadline``: when it should be done, ``expires``: when it need
        not be begun any more, both by ``clock``. ``network``: another one than the batcher's own. Raises what the network raises for this
        picture, ExpiredError, and RuntimeError after ``close``.
        """
        item = _Waiting(image, network or self._predict, deadline, expires)
        with self._condition:
            if self._closed:
                raise RuntimeError("the batcher is closed")
            self._waiting.append(item)
            self._condition.notify()
        item.done.wait()
        if item.error is not None:
            raise item.error
        assert item.labels is not None
        return item.labels

    def _work(self) -> None:
        while True:
            with self._condition:
                while not self._waiting and not self._closed:
                    self._condition.wait()
                if self._closed:
                    for item in self._waiting:
                        item.error = RuntimeError("the batcher is closed")
                        item.done.set()
                    return
                batch = self._take()
            if batch:
                self._run(batch)

    def _take(self) -> list[_Waiting]:
        """The most urgent picture, and others of its size and for its network; empty where all had expired."""
        now = self._clock()
        for item in self._waiting:
            if item.expires < now:
                item.error = ExpiredError(f"its turn came {1000 * (now - item.expires):.0f} ms too late")
                item.done.set()
        self._waiting = sorted((item for item in self._waiting if item.error is None), key=lambda item: item.deadline)
        if not self._waiting:
            return []
        first = self._waiting[0]
        same = [item for item in self._waiting if item.image.shape == first.image.shape and item.network == first.network]
        others = (item for item in self._waiting if item not in same)
        leave_by = min((item.deadline - self.times(item.image.shape).expect(1) for item in others), default=math.inf)
        times = self.times(first.image.shape)
        batch = same[: choose([item.deadline for item in same], now, times, self._max_batch, leave_by)]
        taken = set(map(id, batch))
        self._waiting = [item for item in self._waiting if id(item) not in taken]
        return batch

    def _run(self, batch: list[_Waiting]) -> None:
        start = self._clock()
        try:
            for item, labels in zip(batch, batch[0].network([item.image for item in batch])):
                item.labels = labels
        except Exception as error:  # its callers shall have it: this thread must go on
            for item in batch:
                item.error = error
        end = self._clock()
        counters = self.counters
        if batch[0].error is None:
            self.times(batch[0].image.shape).note(len(batch), end - start)
        counters.passes += 1
        counters.pictures += len(batch)
        counters.largest = max(counters.largest, len(batch))
        counters.late += sum(end > item.deadline for item in batch)
        for item in batch:
            item.done.set()

    def close(self) -> None:
        """End the thread after the pass that runs; whoever still waits gets a RuntimeError."""
        with self._condition:
            self._closed = True
            self._condition.notify()
        self._thread.join()
