# SPDX-License-Identifier: Apache-2.0
"""When silence means loss, and which strips to ask the sender for again. No ROS, no clock of its own: times are given, in seconds.

Strips of one sender arrive in the order in which they were sent, as packets on one way through a network mostly do. So a strip that is missing
when a later one is there was lost, and so was an answer when one to a later request is there. At the end of a burst there is nothing later: there
silence tells, and the last strips are asked for, since they show whether those before them were sent.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain, islice

SHORTEST_S = 0.0015
"""Silence below this is none: threads and Wi-Fi take turns of that length."""

SHORTEST_END_S = 0.004
"""As long as silence must be at least to end a frame: what is asked for in vain comes twice, what is given up in vain is lost."""

STRIPS_AFTER_SILENCE = 3
"""As many of a frame's last strips are asked for when none has come for long."""

FADE = 0.998
"""What a strip leaves of the longest pause before it: a quarter of a second at 1350 strips a second halves it."""

MAX_DOUBLINGS = 10
"""Of the time until a strip is asked for once more."""

FIRST_ROUND_TRIP_S = 0.01
ROUND_TRIPS = 64

FEWEST_ASKED = 16
ASKED_PER_STRIP = 2
"""Of a frame so many strips are asked for, repetitions included, as have come of it, times this, or FEWEST_ASKED where that is more: a single strip
may claim to be one of 16384."""

BUDGET = 256
"""Strips that may be asked for beside one for every strip that comes."""


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


@dataclass
class _Asked:
    """A strip that was asked for: when for the first and the latest time, and how often."""

    first: float
    latest: float
    times: int


class RequestBudget:
    """How many strips may still be asked for: one for each that has come, and up to ``most`` ahead of that."""

    def __init__(self, most: int = BUDGET) -> None:
        self._most = most
        self.left = most

    def came(self) -> None:
        """A strip has come."""
        if self.left < self._most:
            self.left += 1


class FrameRepair:
    """The requests for the strips of one frame of ``count`` strips. Work and memory follow the strips that came, not ``count``."""

    def __init__(self, count: int, silence: Silence, round_trip: RoundTrip) -> None:
        self._there: set[int] = set()
        self._count = count
        self._silence = silence
        self._round_trip = round_trip
        self._highest = -1
        self._last = count - 1
        self._last_came: float | None = None
        self._asked: dict[int, _Asked] = {}
        self._passed_over: set[int] = set()
        """Those whose answer was lost: one to a later request is there."""
        self._requests = 0

    @property
    def left(self) -> int:
        """How many strips may still be asked for."""
        return max(FEWEST_ASKED, ASKED_PER_STRIP * len(self._there)) - self._requests

    def came(self, index: int, now: float) -> bool:
        """A strip is there; returns whether it came unasked, or too soon to be an answer."""
        self._there.add(index)
        self._passed_over.discard(index)
        self._highest = max(self._highest, index)
        if index == self._last:
            self._last_came = now
        asked = self._asked.pop(index, None)
        if asked is None:
            return True
        # From the first request, even where there were more: on a link slower than thought its answer comes after the second was sent, and
        # would look too quick from there. One that was lost makes the time too long, which the quickest of many do not show.
        since = now - asked.first
        unasked = asked.times == 1 and since < self._round_trip.quick_s / 2
        self._round_trip.note(since)
        if unasked:
            return True
        # Answers come in the order of the requests, and of the strips in a request.
        self._passed_over.update(other for other, o in self._asked.items() if (o.latest, other) < (asked.first, index))
        return False

    def wanted(self, now: float, latest: float, passed: bool, limit: int = BUDGET) -> list[int]:
        """The strips to ask for now, at most ``limit``, which are taken to be asked for. ``latest``: when a strip of any frame came; ``passed``:
        whether one of a newer frame has come, after which no strip of this one can come unasked."""
        over = now >= self._over(latest, passed)
        again, there = self._passed_over, self._there

        def is_wanted(index: int) -> bool:
            if index in there or index in again:
                return index not in there
            return self._is_lost(index, over, passed) if index not in self._asked else over and now >= self._due(self._asked[index])

        candidates = filter(is_wanted, self._told(passed))
        wanted = list(islice(candidates, limit))
        for index in wanted:
            asked = self._asked.setdefault(index, _Asked(now, now, 0))
            asked.latest = now
            # An answer that is known to be lost says nothing against the link: no later next time.
            asked.times += index not in again
        self._passed_over = again.difference(wanted)
        self._requests += len(wanted)
        return wanted

    def _told(self, passed: bool) -> Iterable[int]:
        """Ascending indices of the strips that may be lost, as far as what has come tells."""
        if passed:
            return range(self._count)
        gaps = range(self._highest if self._highest >= len(self._there) else 0)
        return chain(gaps, range(max(self._highest, self._last - STRIPS_AFTER_SILENCE + 1, 0), self._count))

    def _is_lost(self, index: int, over: bool, passed: bool) -> bool:
        """Whether to ask for a strip for the first time."""
        # Silence may be the sender's, who has yet to send the rest: its last strips show whether those before them were sent.
        return index < self._highest or (over and (passed or index > self._last - STRIPS_AFTER_SILENCE))

    def _over(self, latest: float, passed: bool) -> float:
        """When nothing more will come unasked. What was asked for before the last strip was there comes right after it."""
        if passed:
            return 0.0
        silent = latest + self._silence.length_s
        return silent if self._last_came is None else min(silent, self._last_came + SHORTEST_S)

    def _due(self, asked: _Asked) -> float:
        """When a strip is asked for once more: from the third time on later each time, or answers would fill a link that is slower than thought."""
        return asked.latest + self._round_trip.length_s * (1 << min(MAX_DOUBLINGS, max(0, asked.times - 2)))

    def next_time(self, latest: float, passed: bool) -> float:
        """When `wanted` may have something, should nothing come; infinity where nothing is missing."""
        missing = self._count - len(self._there)
        if not missing:
            return float("inf")
        over = self._over(latest, passed)
        # Gaps have been asked for; what silence tells of has not.
        if passed:
            unasked = missing > len(self._asked)
        else:
            told = range(max(0, self._last - STRIPS_AFTER_SILENCE + 1), self._last + 1)
            unasked = any(index not in self._there and index not in self._asked for index in told)
        if unasked:
            return over
        return max(over, min(map(self._due, self._asked.values()), default=float("inf")))
