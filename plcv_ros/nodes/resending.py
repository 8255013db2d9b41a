# SPDX-License-Identifier: Apache-2.0
"""How many bytes may be sent again: a share of what the stream sends anyway, whatever is asked for."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

SHARE = 0.5
"""Of the bytes that were sent for the first time within a while, so many may be sent again within it."""

REPEATED_SHARE = 0.25
"""Where half of that is used up, strips that were sent again already wait: what was never answered is worth more."""

WINDOW_S = 1.0
"""That while, or as long as frames are kept, where that is more: a stream of a frame a second has its strips repaired too."""


class _Window:
    """Bytes of the last while."""

    def __init__(self) -> None:
        self.total = 0
        self._parts: deque[tuple[float, int]] = deque()

    def add(self, now: float, size: int) -> None:
        self._parts.append((now, size))
        self.total += size

    def forget(self, before: float) -> None:
        while self._parts and self._parts[0][0] < before:
            self.total -= self._parts.popleft()[1]


class ResendBudget:
    """Of one stream. For one thread at a time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sent, self._again = _Window(), _Window()

    def sent(self, size: int) -> None:
        """So many bytes were sent for the first time."""
        self._sent.add(self._clock(), size)

    def forget(self, kept_since: float) -> None:
        """What was sent before ``kept_since``, and longer ago than WINDOW_S, counts no more."""
        before = min(kept_since, self._clock() - WINDOW_S)
        self._sent.forget(before)
        self._again.forget(before)

    def take(self, size: int, repeated: bool = False) -> bool:
        """Whether so many bytes may be sent again now, ``repeated``: for another time; they are taken to be sent, then."""
        now = self._clock()
        if self._again.total + size > (REPEATED_SHARE if repeated else SHARE) * self._sent.total:
            return False
        self._again.add(now, size)
        return True
