# SPDX-License-Identifier: Apache-2.0
"""When silence means loss, and which strips to ask the sender for again. No ROS, no clock of its own: times are given, in seconds.

Strips of one sender arrive in the order in which they were sent, as packets on one way through a network mostly do. So a strip that is missing
when a later one is there was lost. At the end of a burst there is nothing later: there silence tells.
"""

from __future__ import annotations

from collections import deque

SHORTEST_S = 0.0015
"""Silence below this is none: threads and Wi-Fi take turns of that length."""

SHORTEST_END_S = 0.004
"""As long as silence must be at least to end a frame: what is asked for in vain comes twice, what is given up in vain is lost."""

FADE = 0.998
"""What a strip leaves of the longest pause before it: a quarter of a second at 1350 strips a second halves it."""

FIRST_ROUND_TRIP_S = 0.01
ROUND_TRIPS = 64


class Silence:
    """How long nothing has to come until no more will: twice the longest pause of late between two strips of a frame, from ``shortest_s`` to
    ``limit_s``."""

    def __init__(self, limit_s: float, shortest_s: float = SHORTEST_S) -> None:
        self._limit_s = limit_s
        self._shortest_s = shortest_s
        # Nothing is known at first: the limit, which fades.
        self._longest = limit_s / 2

    def note(self, pause_s: float) -> None:
        """Strips of one frame were ``pause_s`` apart."""
        # One long stall counts no more than what makes the silence as long as it may be, or it would count for seconds.
        self._longest = max(min(pause_s, self._limit_s / 2), self._longest * FADE)

    @property
    def length_s(self) -> float:
        """The silence that counts."""
        return min(self._limit_s, max(self._shortest_s, 2 * self._longest))


class RoundTrip:
    """How long the quickest answers to requests took of late: those that waited behind no other strips on the link."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=ROUND_TRIPS)
        self._quick: float | None = None

    def note(self, time_s: float) -> None:
        """A strip came ``time_s`` after it was asked for."""
        self._times.append(time_s)
        # Not the shortest of all: what was on its way when it was asked for looks like an answer.
        self._quick = sorted(self._times)[len(self._times) // 32]

    @property
    def quick_s(self) -> float:
        """The time of a quick answer; 0 before the first."""
        return self._quick or 0.0

    @property
    def length_s(self) -> float:
        """How long to wait at least until a request or its answer is taken for lost."""
        return FIRST_ROUND_TRIP_S if self._quick is None else self._quick + SHORTEST_S


class FrameRepair:
    """The requests for the strips of one frame of ``count`` strips."""

    def __init__(self, count: int, silence: Silence, round_trip: RoundTrip) -> None:
        self._missing = set(range(count))
        self._silence = silence
        self._round_trip = round_trip
        self._highest = -1
        self._asked: dict[int, tuple[float, int]] = {}
        """Strip -> when it was last asked for, and how often."""

    def came(self, index: int, now: float) -> bool:
        """A strip is there; returns whether it came unasked, or too soon to be an answer."""
        self._missing.discard(index)
        self._highest = max(self._highest, index)
        asked = self._asked.pop(index, None)
        if asked is None:
            return True
        since = now - asked[0]
        unasked = since < self._round_trip.quick_s / 2
        self._round_trip.note(since)
        return unasked

    def wanted(self, now: float, latest: float, passed: bool) -> list[int]:
        """The strips to ask for now, which are taken to be asked for. ``latest``: when a strip of any frame came; ``passed``: whether one of
        a newer frame has come, after which no strip of this one can come unasked."""
        over = passed or now >= latest + self._silence.length_s
        wanted = [
            index
            for index in sorted(self._missing)
            if (over or index < self._highest if index not in self._asked else over and now >= self._due(index))
        ]
        for index in wanted:
            self._asked[index] = now, self._asked[index][1] + 1 if index in self._asked else 1
        return wanted

    def _due(self, index: int) -> float:
        """When a strip is asked for once more: from the third time on later each time, or answers would fill a link that is slower than thought."""
        when, times = self._asked[index]
        return when + self._round_trip.length_s * (1 << max(0, times - 2))

    def next_time(self, latest: float, passed: bool) -> float:
        """When `wanted` may have something, should nothing come; infinity where nothing is missing."""
        if not self._missing:
            return float("inf")
        silent = 0.0 if passed else latest + self._silence.length_s
        if len(self._asked) < len(self._missing):
            return silent
        return max(silent, min(map(self._due, self._asked)))
