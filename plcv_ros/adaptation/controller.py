# SPDX-License-Identifier: Apache-2.0
"""Moves along the ladder so that frames stay below a latency target: down at once where a queue grows, up where the link has shown that it can.

What is known of the link comes from frames alone: when each was sent, how many bits it had, how long publishing it blocked, and, some time
later, how old it was when it was there and how much of it was. Two estimates follow.

- A frame's way takes ``bits / rate + delay`` and whatever it waits behind others, so ``bits / (age - delay)`` is a lower bound of the link's rate.
- While a queue grows, frames arrive one after the other as fast as the link carries them: the bits of a frame divided by the time since the one
  before it are the link's rate itself.

A frame that has not arrived is at least as old as the time since it was sent: a link that has become slow is seen before anything arrives.
Frames that would only lengthen the queue then are left out (`admit`), so that few are late and the first one after the step down is new. Where
frames were lost instead, the next one is there as quickly as ever, which none could be behind a queue: the step is taken back.

Where much of the frames is lost although none is late (a short queue on the way that overflows, packets lost at random), fewer bits a frame
lose less: a short queue holds them, and they are fewer packets.
"""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from plcv_ros.adaptation.ladder import LADDER, Rung

ALARM = 0.6
"""A frame older than this share of the target is the beginning of a queue: waiting for the target itself would be too late."""

CALM = 0.5
"""All frames of the last `HOLD_S` younger than this share of the target: there may be room for more."""

PREDICTED = 0.55
"""A higher setting is tried only where its frames would be younger than this share of the target."""

LOAD = 0.75
"""Largest share of the link's estimated rate that a setting may use."""

HOLD_S = 1.0
"""A setting is kept at least so long before a higher one is tried, and `PENALTY` times longer after each one that failed."""

PENALTY = 2.0
MAX_HOLD_S = 30.0

FAILED_S = 3.0
"""A higher setting that raises the alarm within this time has failed."""

SILENCE_S = 0.5
"""No news for so long: nothing arrives at all."""

OVERDUE_FRAMES = 3
"""So many frames in a row that have not arrived are not lost one by one: something holds them back. More where frames get lost one by one all the
time: as many as are lost in a row once in `1 / CHANCE` cases."""
CHANCE = 0.01
MAX_OVERDUE_FRAMES = 8
LOSS_SMOOTHING = 0.05
"""Of the share of frames that are lost."""

DAMAGED = 0.8
"""Less than this share of what was sent within `SHARES_S` has arrived: too many bits a frame."""

WHOLE = 0.9
"""A higher setting is tried only where at least this share arrives."""

SHARES_S = 3.0
JUDGED_FRAMES = 8
"""Shares of fewer frames say nothing."""
DEVIATIONS = 1.5
"""By so many standard deviations, of frames that arrive whole or not at all, `DAMAGED` must be missed: frames are few."""

MAX_REFUSED = 3
"""So many frames in a row are left out while those before are overdue; then one is sent to see."""

MAX_IN_FLIGHT = 256


class Reason(Enum):
    """Why a setting was left."""

    QUEUE = "frames are late"
    SILENCE = "no frame arrives"
    LOSS = "much of the frames is lost"
    FALSE_ALARM = "frames were lost, none is late"
    ROOM = "the link bears more"


@dataclass(frozen=True)
class Change:
    """A step along the ladder. ``rate``: estimated rate of the link in bit/s, 0 where unknown; ``age_ms``: of the frame that decided."""

    at: float
    before: Rung
    after: Rung
    reason: Reason
    age_ms: float
    rate: float

    def __str__(self) -> str:
        rate = f", link estimated at {self.rate / 1e6:.0f} Mbit/s" if self.rate else ""
        return f"{self.before.name} -> {self.after.name}: {self.reason.value} ({self.age_ms:.0f} ms{rate})"


@dataclass(frozen=True)
class _Sent:
    at: float
    bits: float
    epoch: int


@dataclass(frozen=True)
class _Alarm:
    """Frames did not arrive in time, so that this setting, held for so long, was left."""

    index: int
    hold: float


class Controller:
    """Call `sent` and `arrived` for every frame, `step` as often as convenient (a frame's time); all times in seconds on one clock.

    pixels: of a frame. frames_per_second: the camera's. target_ms: latency from capture to decoded picture to stay below.
    """

    def __init__(self, pixels: int, frames_per_second: float, target_ms: float, ladder: Sequence[Rung] = LADDER, start: int | None = None) -> None:
        if not ladder:
            raise ValueError("the ladder is empty, expected at least one setting")
        self._ladder = tuple(ladder)
        self._pixels = pixels
        self._fps = frames_per_second
        self._target = target_ms / 1000
        self._index = min(2, len(self._ladder) - 1) if start is None else start
        self._in_flight: OrderedDict[int, _Sent] = OrderedDict()
        self._ages: deque[tuple[float, float]] = deque()
        self._bounds: deque[tuple[float, float]] = deque()
        self._shares: deque[tuple[float, float]] = deque()
        self._blocked = (-1e9, 0.0)
        self._lost = 0.0
        self._alarm: _Alarm | None = None
        self._false_alarm = False
        self._late_rates: deque[float] = deque(maxlen=5)
        self._captured = 0
        self._refused = 0
        self._delay = 0.0
        self._epoch = 0
        self._changed = -1e9
        self._rose = -1e9
        self._hold = HOLD_S
        self._last_arrival: float | None = None
        self._settling = False

    @property
    def rung(self) -> Rung:
        """The setting in force."""
        return self._ladder[self._index]

    def set_frames_per_second(self, frames_per_second: float) -> None:
        """The camera's rate, where it is not what the controller was made with."""
        self._fps = frames_per_second

    def set_delay(self, seconds: float) -> None:
        """What a packet takes one way on an idle link (half of the smallest round trip)."""
        self._delay = max(0.0, seconds)

    def admit(self, now: float) -> bool:
        """Whether the frame captured now is to be sent; call it once for every frame."""
        self._captured += 1
        if self._captured % self.rung.divider:
            return False
        overdue = len(self._in_flight) >= self._overdue_frames() - 1 and self._waiting(now) > ALARM * self._target
        if overdue and self._refused < MAX_REFUSED:
            self._refused += 1
            return False
        self._refused = 0
        return True

    def _waiting(self, now: float) -> float:
        oldest = next(iter(self._in_flight.values()), None)
        return 0.0 if oldest is None else now - oldest.at

    def blocked(self, seconds: float, now: float) -> None:
        """Publishing a frame took so long, and was over at ``now``."""
        self._blocked = (now, seconds)

    def sent(self, stamp: int, bits: float, now: float) -> None:
        """A frame was captured at ``now`` and is on its way."""
        self._in_flight.pop(stamp, None)  # a bag that begins again has stamps that were there before
        self._in_flight[stamp] = _Sent(now, bits, self._epoch)
        while len(self._in_flight) > MAX_IN_FLIGHT:
            self._in_flight.popitem(last=False)

    def arrived(self, stamp: int, age_s: float, now: float, share: float = 1.0) -> None:
        """The other side has decoded the frame, or that ``share`` of it that came, ``age_s`` after it was captured; known here at ``now``."""
        frame = self._in_flight.pop(stamp, None)
        if frame is None:
            return
        # What was sent before it and is not known to have arrived is lost (best effort), not on its way. Stamps do not tell: they may run back.
        while self._in_flight and next(iter(self._in_flight.values())).at < frame.at:
            _, lost = self._in_flight.popitem(last=False)
            self._lost += LOSS_SMOOTHING * (1 - self._lost)
            if lost.epoch == self._epoch:
                self._shares.append((now, 0.0))
            elif self._alarm is not None and now - self._changed < HOLD_S and age_s < CALM * self._target:
                self._false_alarm = True
        self._lost -= LOSS_SMOOTHING * self._lost
        if frame.epoch == self._epoch:
            self._shares.append((now, share))
        there = frame.at + age_s
        self._refused = 0
        if frame.epoch == self._epoch:
            self._settling = False
        came = frame.bits * share
        bound = came / max(age_s - self._delay, 1e-4)
        if age_s > CALM * self._target:
            between = there - self._last_arrival if self._last_arrival is not None else 0.0
            self._late_rates.append(max(bound, came / between if between > 1e-4 else 0.0))
        self._last_arrival = there
        self._ages.append((now, age_s))
        self._bounds.append((now, bound))
        for history, kept_s in ((self._ages, HOLD_S), (self._bounds, HOLD_S), (self._shares, SHARES_S)):
            while history and history[0][0] < now - kept_s:
                history.popleft()

    def step(self, now: float) -> Change | None:
        """Decide; the change of setting, where there is one."""
        if self._false_alarm and self._alarm is not None:
            self._hold = self._alarm.hold
            return self._change(now, self._alarm.index, Reason.FALSE_ALARM, 0.0, 0.0)
        if not self._in_flight and not self._ages:
            return None
        waiting = self._waiting(now) if len(self._in_flight) >= self._overdue_frames() else 0.0
        latest = self._ages[-1][1] if self._ages and self._ages[-1][0] > self._changed else 0.0
        blocked = self._blocked[1] if self._blocked[0] > self._changed else 0.0
        age = max(waiting, latest, blocked)
        if age > ALARM * self._target:
            return self._down(now, age, waiting)
        if self._damaged():
            return self._lighter(now)
        return self._up(now)

    def _share(self) -> float:
        return sum(share for _, share in self._shares) / len(self._shares) if self._shares else 1.0

    def _damaged(self) -> bool:
        count, share = len(self._shares), self._share()
        return count >= JUDGED_FRAMES and share + DEVIATIONS * math.sqrt(share * (1 - share) / count) < DAMAGED

    def _overdue_frames(self) -> int:
        lost = min(max(self._lost, 0.001), 0.9)
        return min(max(OVERDUE_FRAMES, math.ceil(math.log(CHANCE) / math.log(lost))), MAX_OVERDUE_FRAMES)

    def _note_failure(self, now: float) -> None:
        """A step up that is taken back soon has failed: the next one waits longer."""
        if now - self._rose < FAILED_S:
            self._hold = min(self._hold * PENALTY, MAX_HOLD_S)

    def _lighter(self, now: float) -> Change | None:
        """Down to fewer bits a frame; leaving frames out would lose no less of the others."""
        after = self._index - 1
        if after < 0 or self._ladder[after].bits_per_pixel >= self.rung.bits_per_pixel:
            return None
        self._note_failure(now)
        return self._change(now, after, Reason.LOSS, max(age for _, age in self._ages) if self._ages else 0.0, 0.0)

    def _down(self, now: float, age: float, waiting: float) -> Change | None:
        if self._index == 0:
            return None
        silent = waiting > SILENCE_S
        # Frames of the setting before are still in the queue: what they tell has been acted on.
        if self._settling and not silent:
            if now - self._changed < 2 * self._target:
                return None
        elif now - self._changed < self._target / 2:
            return None
        oldest = next(iter(self._in_flight.values()), None)
        rate = self._late_rate()
        if not rate and oldest is not None and waiting > self._delay:
            rate = oldest.bits / (waiting - self._delay)  # it would have arrived over a faster link
        after = self._index - 1
        if silent:
            after = 0
        elif rate:
            while after > 0 and self._ladder[after].bit_rate(self._pixels, self._fps) > LOAD * rate:
                after -= 1
        alarm = self._alarm if self._alarm is not None and now - self._changed < HOLD_S else _Alarm(self._index, self._hold)
        self._note_failure(now)
        change = self._change(now, after, Reason.SILENCE if silent else Reason.QUEUE, age, rate)
        if age == waiting:
            self._alarm = alarm
        return change

    def _up(self, now: float) -> Change | None:
        after = self._index + 1
        if after >= len(self._ladder) or now - self._changed < self._hold or len(self._ages) < 3:
            return None
        worst = max(age for _, age in self._ages)
        if worst > CALM * self._target:
            return None
        # With frames left out, the others are no larger: what is lost of them does not speak against sending all.
        if self._share() < WHOLE and self._ladder[after].bits_per_pixel > self.rung.bits_per_pixel:
            return None
        if now - self._rose > 4 * self._hold:
            self._hold = max(HOLD_S, self._hold / PENALTY)
        rate = sorted(bound for _, bound in self._bounds)[len(self._bounds) // 2]
        rung = self._ladder[after]
        more = rung.bits_per_frame(self._pixels) - self.rung.bits_per_frame(self._pixels)
        if rung.bit_rate(self._pixels, self._fps) > LOAD * rate or worst + more / rate > PREDICTED * self._target:
            return None
        self._rose = now
        return self._change(now, after, Reason.ROOM, worst, rate)

    def _late_rate(self) -> float:
        return sorted(self._late_rates)[len(self._late_rates) // 2] if self._late_rates else 0.0

    def _change(self, now: float, index: int, reason: Reason, age: float, rate: float) -> Change:
        change = Change(now, self.rung, self._ladder[index], reason, 1000 * age, rate)
        self._index = index
        self._alarm, self._false_alarm = None, False
        self._changed = now
        self._epoch += 1
        self._settling = True
        self._ages.clear()
        self._bounds.clear()
        self._shares.clear()
        self._late_rates.clear()
        return change
