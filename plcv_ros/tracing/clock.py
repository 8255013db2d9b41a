# SPDX-License-Identifier: Apache-2.0
"""The offset between two computers' clocks, from exchanges of four timestamps (as in NTP, RFC 5905): no ROS, no clock of its own.

    t1  request leaves here       (local clock)        offset = ((t2 - t1) + (t3 - t4)) / 2     remote clock minus local clock
    t2  request arrives there     (remote clock)       delay  = (t4 - t1) - (t3 - t2)           round trip without the time spent there
    t3  reply leaves there        (remote clock)
    t4  reply arrives here        (local clock)

One exchange is wrong by half the difference of its two ways, so by no more than half its delay. Queues only ever add to a delay: of each
second the exchange with the smallest delay is kept, and a line (offset and drift) is fitted through the last half minute of them, or the
last minute where those leave too much open, each weighted by how far its delay lies above the smallest. What no exchange can show is how the
smallest round trip splits into its two ways, so half of it is always part of the uncertainty.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

SLOT_S = 1.0
WINDOW_S = 60.0
RECENT_S = 30.0
"""A line through more than this is off by over 0.3 ms after a drift has changed by 50 ppm."""

CERTAIN_NS = 50_000.0
"""Where the last RECENT_S leave more open than this (one standard deviation), all of WINDOW_S is used: queues on every exchange."""

MAX_ROUND_TRIP_NS = 5_000_000_000
"""An exchange that took longer says nothing useful."""

DRIFT_PRIOR = 100e-6
"""Quartz clocks differ by some 10 ppm, disciplined ones by up to 500 while they are corrected: what is assumed (one standard deviation)
until exchanges have shown more."""

WANDER = 2e-6
"""By how much a drift may change within a window: the uncertainty grows by it while no exchange succeeds."""

NOISE_NS = 20_000.0
"""Error of one exchange without any queue: timestamps are taken in software."""

STEP_NS = 250_000.0
"""A smaller jump than this is left to the fit."""

CONTRADICTIONS = 2
DEVIATIONS = 5
"""So many exchanges in a row that cannot belong to the clock estimated so far, or that all lie off to the same side, are a stepped clock."""


class ClockEstimate(NamedTuple):
    """What is known of a remote clock at one moment."""

    offset_ns: int
    """Remote clock minus local clock."""
    uncertainty_ns: int
    """The true offset lies within plus or minus this: half the smallest round trip, and what the fit leaves open."""
    drift_ppm: float
    """By how many microseconds a second the remote clock gains on the local one."""
    round_trip_ns: int
    """The smallest of the window."""


@dataclass(frozen=True)
class _Exchange:
    at: float  # s, local monotonic clock
    offset: int  # ns
    delay: int  # ns


class ClockOffset:
    """Estimates one remote clock. ``add`` every finished exchange; ``estimate`` at any time. Not thread-safe.

    ``now_s`` is a monotonic clock of this computer in seconds, which a step of the system clock does not move. Memory is bounded by
    ``window_s / slot_s`` exchanges. Exchanges may be lost or finish in any order.
    """

    def __init__(self, window_s: float = WINDOW_S, slot_s: float = SLOT_S) -> None:
        self.exchanges = 0
        """Exchanges used."""
        self.rejected = 0
        """Exchanges whose times cannot be: negative or endless round trips, or too old."""
        self.steps = 0
        """How often the clock jumped and the estimate began anew."""
        self._window_s = window_s
        self._slot_s = slot_s
        self._slots: deque[tuple[int, _Exchange]] = deque()
        self._suspects: list[_Exchange] = []
        self._fit: _Fit | None = None

    def add(self, t1: int, t2: int, t3: int, t4: int, now_s: float) -> bool:
        """One exchange (ns, see the module), finished at ``now_s``. False where it was not used."""
        delay = (t4 - t1) - (t3 - t2)
        if not (0 <= delay <= MAX_ROUND_TRIP_NS and t4 >= t1 and t3 >= t2):
            self.rejected += 1
            return False
        # The offset belongs to the middle of the exchange.
        exchange = _Exchange(now_s - (t4 - t1) / 2e9, ((t2 - t1) + (t3 - t4)) // 2, delay)
        if self._slots and exchange.at < self._slots[-1][1].at - self._window_s:
            self.rejected += 1
            return False
        fit = self._current()
        if fit is not None and self._stepped(fit, exchange):
            self.steps += 1
            kept, self._suspects = self._suspects, []
            self._slots.clear()
            for suspect in kept:
                self._keep(suspect)
            return True
        if self._suspects and self._contradicts(self._suspects[-1]):
            return False
        self._keep(exchange)
        return True

    def _keep(self, exchange: _Exchange) -> None:
        self.exchanges += 1
        slot = math.floor(exchange.at / self._slot_s)
        self._fit = None
        for i in range(len(self._slots) - 1, -1, -1):
            if self._slots[i][0] == slot:
                if exchange.delay < self._slots[i][1].delay:
                    self._slots[i] = (slot, exchange)
                return
            if self._slots[i][0] < slot:
                self._slots.insert(i + 1, (slot, exchange))
                break
        else:
            self._slots.appendleft((slot, exchange))
        while self._slots[-1][1].at - self._slots[0][1].at > self._window_s:
            self._slots.popleft()

    def _contradicts(self, exchange: _Exchange) -> bool:
        """Whether no split of the exchange's delay makes it agree with the estimate."""
        fit = self._current()
        if fit is None:
            return False
        return abs(exchange.offset - fit.offset(exchange.at)) > exchange.delay / 2 + fit.uncertainty(exchange.at) + STEP_NS

    def _stepped(self, fit: _Fit, exchange: _Exchange) -> bool:
        deviation = exchange.offset - fit.offset(exchange.at)
        # A queue of q on one way adds q to the delay and q/2 to the offset; what the fit rests on may have met one as well as this exchange.
        allowed = abs(exchange.delay - fit.round_trip) / 2 + 3 * fit.sigma(exchange.at) + STEP_NS
        if abs(deviation) <= allowed:
            self._suspects.clear()
            return False
        if self._suspects and (self._suspects[-1].offset - fit.offset(self._suspects[-1].at) > 0) != (deviation > 0):
            self._suspects.clear()
        self._suspects.append(exchange)
        if len(self._suspects) >= DEVIATIONS:
            return True
        return len(self._suspects) >= CONTRADICTIONS and all(self._contradicts(s) for s in self._suspects[-CONTRADICTIONS:])

    def _current(self) -> _Fit | None:
        if self._fit is None and self._slots:
            since = self._slots[-1][1].at - RECENT_S
            self._fit = _Fit([exchange for _, exchange in self._slots if exchange.at >= since])
            if self._fit.sigma(self._slots[-1][1].at) > CERTAIN_NS:
                self._fit = _Fit([exchange for _, exchange in self._slots])
        return self._fit

    @property
    def unsettled(self) -> bool:
        """Whether the latest exchange did not agree with the estimate: it may be about to begin anew."""
        return bool(self._suspects)

    def estimate(self, now_s: float) -> ClockEstimate | None:
        """The offset at ``now_s``, extrapolated where it lies after the last exchange; None before the first."""
        fit = self._current()
        if fit is None:
            return None
        return ClockEstimate(round(fit.offset(now_s)), math.ceil(fit.uncertainty(now_s)), fit.drift * 1e6, fit.round_trip)


class _Fit:
    """Weighted least squares of offset = a + b (t - t0), with a prior on the drift b."""

    def __init__(self, exchanges: list[_Exchange]) -> None:
        self.round_trip = min(e.delay for e in exchanges)
        best = min(exchanges, key=lambda e: e.delay)
        # Relative to one exchange: hours in nanoseconds squared would leave a double no room.
        self._origin = best.offset
        at = np.array([e.at for e in exchanges])
        offsets = np.array([e.offset - self._origin for e in exchanges], np.float64)
        errors = NOISE_NS + np.array([e.delay - self.round_trip for e in exchanges], np.float64) / 2
        weights = 1 / errors**2
        total = float(weights.sum())
        self._at = float(weights @ at) / total
        t = at - self._at
        self._mean = float(weights @ offsets) / total
        information = float(weights @ t**2) + 1 / (DRIFT_PRIOR * 1e9) ** 2
        slope = float(weights @ (t * (offsets - self._mean))) / information  # ns a second
        self.drift = slope / 1e9
        residuals = offsets - self._mean - slope * t
        # Where the line does not describe the exchanges, their scatter says more than their weights.
        scatter = max(1.0, float(weights @ residuals**2) / max(len(exchanges) - 2, 1))
        self._variance = scatter / total
        self._slope_variance = scatter / information
        self._last = float(at.max())

    def offset(self, at: float) -> float:
        return self._origin + self._mean + self.drift * 1e9 * (at - self._at)

    def sigma(self, at: float) -> float:
        return math.sqrt(self._variance + self._slope_variance * (at - self._at) ** 2) + WANDER * 1e9 * max(at - self._last, 0.0)

    def uncertainty(self, at: float) -> float:
        return self.round_trip / 2 + 2 * self.sigma(at)
