# SPDX-License-Identifier: Apache-2.0
"""The controller on simulated links: falling and rising rates, long delays, losses, silence, noise."""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from plcv_ros.adaptation import LADDER, Change, Controller, Reason, Rung

PIXELS = 1280 * 720
FPS = 30.0
TARGET_MS = 60.0


def p95(window: np.ndarray) -> float:
    """The smallest value that 95 % of ``window`` do not exceed. (np.percentile names this method differently before numpy 1.22.)"""
    return float(np.sort(window)[math.ceil(0.95 * (len(window) - 1))])


@dataclass
class Outcome:
    """What became of each frame: when it was captured, its latency in ms (inf where lost); and the changes of setting."""

    captured: np.ndarray
    latency: np.ndarray
    changes: list[Change]
    final: Rung

    def seconds_outside(self, target_ms: float = TARGET_MS) -> float:
        """Time during which the p95 over one second of frames (by when they are there or overdue) is above the target."""
        outside = 0.0
        for end in np.arange(1.0, self.captured[-1], 0.05):
            window = self.latency[(self.captured > end - 1) & (self.captured <= end)]
            outside += 0.05 * (window.size == 0 or p95(window) > target_ms)
        return outside


def simulate(
    rate: Callable[[float], float],
    seconds: float,
    *,
    delay: float = 0.002,
    loss: float = 0.0,
    overhead: float = 0.002,
    jitter: float = 0.0,
    queue_bits: float = 8 * 1024e3,
    ladder: tuple[Rung, ...] = LADDER,
    report_delay: float = 0.002,
    packet_loss: float = 0.0,
    short_queue_bits: float | None = None,
) -> Outcome:
    """Frames over a link of ``rate(t)`` bit/s with a queue of ``queue_bits`` (what does not fit is lost); reports come back.

    ``packet_loss``: of each packet of whole frames. ``short_queue_bits``: of a switch, which loses the strips that it has no room for while
    a frame comes in at 1 Gbit/s.
    """
    random = np.random.default_rng(1)
    controller = Controller(PIXELS, FPS, TARGET_MS, ladder)
    controller.set_delay(delay)
    free = 0.0
    captured, latency, changes = [], [], []
    reports: list[tuple[float, int, float, float]] = []
    for number in itertools.count():
        now = number / FPS
        if now >= seconds:
            break
        while reports and reports[0][0] <= now:
            known, stamp, age, share = heapq.heappop(reports)
            controller.arrived(stamp, age, known, share)
        change = controller.step(now)
        if change is not None:
            changes.append(change)
        if not controller.admit(now):
            continue
        bits = controller.rung.bits_per_frame(PIXELS)
        controller.sent(number, bits, now)
        captured.append(now)
        start = max(free, now + overhead / 2)
        share = 1.0 if short_queue_bits is None else min(1.0, short_queue_bits / bits + rate(now) / 1e9)
        if (start - now) * rate(now) > queue_bits or random.random() < max(loss, 1 - (1 - packet_loss) ** (bits / 8 / 1400)):
            latency.append(np.inf)
            continue
        # The rate may change while the frame is on its way: step through it.
        at, left = start, share * bits
        while left > 0:
            step = min(left, 1e-3 * rate(at))
            at += step / rate(at)
            left -= step
        free = at
        age = at + delay + overhead / 2 + random.exponential(jitter) - now if jitter else at + delay + overhead / 2 - now
        latency.append(1000 * age)
        heapq.heappush(reports, (now + age + report_delay, number, age, share))
    return Outcome(np.array(captured), np.array(latency), changes, controller.rung)


def test_a_fast_link_gets_the_best_setting_and_keeps_it() -> None:
    outcome = simulate(lambda _: 1e9, 20)
    assert outcome.final == LADDER[-1]
    assert [c.reason for c in outcome.changes] == [Reason.ROOM] * (len(outcome.changes))
    assert outcome.latency.max() < TARGET_MS


@pytest.mark.parametrize(("low", "limit_s"), [(20e6, 1.5), (30e6, 1.2), (40e6, 1.0), (50e6, 1.0), (60e6, 1.0), (80e6, 0.0), (200e6, 0.0)])
def test_a_rate_that_falls_and_recovers_costs_a_second_of_the_window(low: float, limit_s: float) -> None:
    """Two late frames in 30 are enough to lift the p95 of a second, so what is late for 0.1 s is outside for up to a second."""
    outcome = simulate(lambda t: low if 8 <= t < 20 else 1e9, 32)
    assert outcome.seconds_outside() <= limit_s + 0.01
    assert outcome.final == LADDER[-1]
    during = outcome.latency[(outcome.captured > 10) & (outcome.captured < 20)]
    assert np.percentile(during, 95) < TARGET_MS


def test_steady_links_are_filled_but_not_probed_again_and_again() -> None:
    for rate in (20e6, 30e6, 60e6, 110e6, 400e6):
        outcome = simulate(lambda _, rate=rate: rate, 60)
        late = outcome.changes and [c for c in outcome.changes if c.at > 10]
        assert len(late or []) <= 2, (rate, [str(c) for c in outcome.changes])
        assert outcome.final.bit_rate(PIXELS, FPS) < rate
        steady = outcome.latency[outcome.captured > 10]
        assert np.percentile(steady, 95) < TARGET_MS


def test_the_setting_grows_with_the_link() -> None:
    finals = [simulate(lambda _, rate=rate: rate, 30).final for rate in (5e6, 10e6, 20e6, 45e6, 120e6, 250e6, 1e9)]
    positions = [LADDER.index(rung) for rung in finals]
    assert positions == sorted(positions)
    assert positions[0] == 0
    assert positions[-1] == len(LADDER) - 1


def test_a_long_delay_is_not_taken_for_a_slow_link() -> None:
    assert simulate(lambda _: 1e9, 20, delay=0.02).final == LADDER[-1]


def test_lost_frames_are_not_taken_for_a_queue() -> None:
    outcome = simulate(lambda _: 1e9, 30, loss=0.02)
    assert outcome.final == LADDER[-1]
    assert not [c for c in outcome.changes if c.reason is not Reason.ROOM]


@pytest.mark.parametrize(("packet_loss", "sent"), [(0.001, 0.8), (0.003, 0.8), (0.01, 0.5)])
def test_packets_lost_at_random_do_not_lead_to_the_bottom(packet_loss: float, sent: float) -> None:
    """Whole frames of many bits seldom come through then, those of few more often; leaving frames out would help none of them."""
    outcome = simulate(lambda _: 1e9, 60, packet_loss=packet_loss)
    later = outcome.captured > 10
    assert later.sum() > sent * 50 * FPS
    whole = np.isfinite(outcome.latency[later]).mean()
    assert whole > 0.85 * (1 - packet_loss) ** (LADDER[2].bits_per_frame(PIXELS) / 8 / 1400)
    # An alarm is taken back as soon as a frame is there, which takes its time where every second one is lost.
    alarms = [c.at for c in outcome.changes if c.reason in {Reason.QUEUE, Reason.SILENCE}]
    assert sum(any(0 < c.at - at < 1.5 and c.reason is Reason.FALSE_ALARM for c in outcome.changes) for at in alarms) >= 0.4 * len(alarms)


def test_a_short_queue_that_overflows_is_seen_by_what_is_missing() -> None:
    outcome = simulate(lambda _: 100e6, 40, short_queue_bits=8 * 128e3)
    assert outcome.final == LADDER[2]
    assert Reason.LOSS in {c.reason for c in outcome.changes}
    assert len([c for c in outcome.changes if c.at > 20]) <= 4


def test_publishing_that_blocks_is_a_queue() -> None:
    controller = Controller(PIXELS, FPS, TARGET_MS, start=len(LADDER) - 1)
    for number in range(20):
        now = number / FPS
        controller.sent(number, 1e6, now)
        controller.arrived(number, 0.005, now + 0.006)
        assert controller.step(now + 0.01) is None
    controller.blocked(0.045, now + 0.02)
    change = controller.step(now + 0.03)
    assert change is not None
    assert change.reason is Reason.QUEUE
    assert change.age_ms == pytest.approx(45)


def test_jitter_below_the_alarm_changes_nothing() -> None:
    outcome = simulate(lambda _: 1e9, 30, jitter=0.003)
    assert outcome.final == LADDER[-1]
    assert len(outcome.changes) <= len(LADDER) + 2


def test_silence_goes_to_the_bottom_and_news_up_again() -> None:
    controller = Controller(PIXELS, FPS, TARGET_MS)
    changes = []
    for number in range(60):
        now = number / FPS
        controller.sent(number, 1e6, now)
        change = controller.step(now)
        changes += [change] if change else []
    assert controller.rung == LADDER[0]
    assert changes[-1].reason in {Reason.SILENCE, Reason.QUEUE}
    for number in range(60, 60 + 300):
        now = number / FPS
        controller.sent(number, 1e6, now)
        controller.arrived(number, 0.005, now + 0.006)
        controller.step(now + 0.01)
    assert LADDER.index(controller.rung) >= 2


def test_reports_of_unknown_frames_do_nothing_and_memory_is_bounded() -> None:
    controller = Controller(PIXELS, FPS, TARGET_MS)
    controller.arrived(5, 10.0, 0.0)
    assert controller.step(0.0) is None
    for number in range(10_000):
        controller.sent(number, 1e6, 0.0)
    assert len(controller._in_flight) <= 256
    with pytest.raises(ValueError, match="empty"):
        Controller(PIXELS, FPS, TARGET_MS, ladder=())


def test_changes_read_like_a_log_line() -> None:
    text = str(Change(1.0, LADDER[3], LADDER[2], Reason.QUEUE, 41.3, 5.1e7))
    assert text == "8x8 -> 12x12: frames are late (41 ms, link estimated at 51 Mbit/s)"


@pytest.mark.parametrize("back_s", [0, 3600])
def test_stamps_that_run_back_leave_no_frame_on_its_way_for_ever(back_s: int) -> None:
    """A clock set back by an hour, a bag that begins again: what was lost just before is older, although its stamp is later."""
    controller = Controller(PIXELS, FPS, TARGET_MS)
    reports: list[tuple[float, int]] = []
    refused = 0
    for number in range(1200):
        now = number / FPS
        stamp = round(1e9 * (10_000 + now - (back_s if number >= 300 else 0)))
        while reports and reports[0][0] <= now:
            known, arrived = reports.pop(0)
            controller.arrived(arrived, 0.012, known)
        controller.step(now)
        if not controller.admit(now):
            refused += 1
            continue
        controller.sent(stamp, controller.rung.bits_per_frame(PIXELS), now)
        if number not in {297, 298, 299}:
            reports.append((now + 0.02, stamp))
    assert refused < 10
