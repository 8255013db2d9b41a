# SPDX-License-Identifier: Apache-2.0
"""The clock offset estimator against simulated links and clocks whose truth is known."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from plcv_ros.tracing.clock import WINDOW_S, ClockOffset

MS = 1_000_000
HOUR = 3600 * 10**9
START_NS = 1_700_000_000 * 10**9


class Link:
    """A remote clock behind a link. ``there`` and ``back`` give one-way delays in ms at a time in s."""

    def __init__(self, there: Callable[[float], float], back: Callable[[float], float], offset_ns: int = 0, drift_ppm: float = 0.0) -> None:
        self.there, self.back = there, back
        self.offset_ns, self.drift_ppm = offset_ns, drift_ppm

    def truth(self, t: float) -> float:
        """Remote minus local clock, ns."""
        return self.offset_ns + self.drift_ppm * 1e3 * t

    def exchange(self, t: float) -> tuple[int, int, int, int, float]:
        """t1..t4 and the monotonic time at which it is over, of an exchange that begins at ``t``."""
        arrive = t + self.there(t) / 1e3
        answer = arrive + 0.0002
        end = answer + self.back(answer) / 1e3
        local = [START_NS + round(x * 1e9) for x in (t, arrive, answer, end)]
        return local[0], local[1] + round(self.truth(arrive)), local[2] + round(self.truth(answer)), local[3], end


def run(link: Link, seconds: float, estimator: ClockOffset | None = None, start: float = 0.0, rate: float = 5.0) -> ClockOffset:
    estimator = estimator or ClockOffset()
    for i in range(round(seconds * rate)):
        estimator.add(*link.exchange(start + i / rate))
    return estimator


def error_ms(link: Link, estimator: ClockOffset, t: float) -> float:
    estimate = estimator.estimate(t)
    assert estimate is not None
    return (estimate.offset_ns - link.truth(t)) / MS


def queue(rng: random.Random, base: float, share: float, worst: float) -> Callable[[float], float]:
    """A link with other traffic: ``share`` of the packets wait for up to ``worst`` ms."""
    return lambda _: base + rng.uniform(0, 0.03) + (rng.uniform(0, worst) if rng.random() < share else 0.0)


@pytest.mark.parametrize("offset_ns", [0, 7 * MS, -HOUR, HOUR, 40 * 365 * 24 * HOUR])
@pytest.mark.parametrize("drift_ppm", [0.0, 50.0, -50.0])
def test_symmetric_link(offset_ns: int, drift_ppm: float) -> None:
    rng = random.Random(1)
    link = Link(queue(rng, 2.0, 0.3, 20.0), queue(rng, 2.0, 0.3, 20.0), offset_ns, drift_ppm)
    estimator = ClockOffset()
    for t in range(0, 200, 2):
        run(link, 2.0, estimator, start=t)
        if t >= 4:
            assert abs(error_ms(link, estimator, t + 2.0)) < 0.3
    estimate = estimator.estimate(200.0)
    assert estimate is not None
    assert estimate.drift_ppm == pytest.approx(drift_ppm, abs=3)
    assert estimate.uncertainty_ns >= estimate.round_trip_ns / 2
    assert 4.0 * MS <= estimate.round_trip_ns < 4.2 * MS
    assert estimator.steps == 0


@pytest.mark.parametrize("begins_s", [25.0, 70.0])
@pytest.mark.parametrize("worst_ms", [0.0, 20.0])
def test_a_drift_that_begins_is_followed(begins_s: float, worst_ms: float) -> None:
    rng = random.Random(1)
    link = Link(queue(rng, 2.0, 0.3, worst_ms), queue(rng, 2.0, 0.3, worst_ms))
    link.truth = lambda t: 50e3 * max(0.0, t - begins_s)  # type: ignore[method-assign]
    estimator = ClockOffset()
    for t in range(0, 200, 2):
        run(link, 2.0, estimator, start=t)
        if t >= 4:
            assert abs(error_ms(link, estimator, t + 2.0)) < 0.3
    assert estimator.steps == 0


def test_a_link_busy_with_frames_one_way() -> None:
    # A frame of 20 ms every 33 ms: the reply waits behind it most of the time.
    rng = random.Random(2)

    def behind_frames(t: float) -> float:
        return 2.0 + max(0.0, 20.0 - (t * 1e3) % 33.3) + rng.uniform(0, 0.03)

    link = Link(lambda _: 2.0 + rng.uniform(0, 0.03), behind_frames, HOUR, 20.0)
    estimator = run(link, 60.0, rate=5.3)
    assert abs(error_ms(link, estimator, 60.0)) < 0.3


@pytest.mark.parametrize(("there", "back"), [(8.0, 2.0), (2.0, 8.0), (15.0, 0.1), (0.1, 0.1)])
def test_asymmetry_stays_inside_the_uncertainty(there: float, back: float) -> None:
    rng = random.Random(3)
    link = Link(queue(rng, there, 0.5, 5.0), queue(rng, back, 0.1, 5.0), -3 * MS, 30.0)
    estimator = ClockOffset()
    for t in range(0, 100, 2):
        run(link, 2.0, estimator, start=t)
        estimate = estimator.estimate(t + 2.0)
        assert estimate is not None
        assert abs(error_ms(link, estimator, t + 2.0)) * MS <= estimate.uncertainty_ns
        # Not so wide that it says nothing.
        assert estimate.uncertainty_ns <= (there + back) / 2 * MS + (1.5 * MS if t < 10 else 0.2 * MS)


def test_loss_and_any_order() -> None:
    rng = random.Random(4)
    link = Link(queue(rng, 5.0, 0.3, 10.0), queue(rng, 5.0, 0.3, 10.0), HOUR, 50.0)
    exchanges = [link.exchange(i / 5) for i in range(300)]
    kept = [e for e in exchanges if rng.random() < 0.1]
    in_order, shuffled = ClockOffset(), ClockOffset()
    for exchange in kept:
        in_order.add(*exchange)
    # Replies overtake each other within a few exchanges.
    for i in range(0, len(kept), 4):
        for exchange in rng.sample(kept[i : i + 4], len(kept[i : i + 4])):
            shuffled.add(*exchange)
    for estimator in (in_order, shuffled):
        assert abs(error_ms(link, estimator, 60.0)) < 0.3
        assert estimator.steps == 0
    assert in_order.estimate(60.0) == shuffled.estimate(60.0)


def test_a_break_in_the_link_widens_the_uncertainty_and_nothing_else() -> None:
    link = Link(lambda _: 1.0, lambda _: 1.0, 5 * MS, 50.0)
    estimator = run(link, 30.0)
    before, after = estimator.estimate(30.0), estimator.estimate(40.0)
    assert before is not None
    assert after is not None
    assert after.uncertainty_ns > before.uncertainty_ns
    assert abs(error_ms(link, estimator, 40.0)) < 0.3
    run(link, 5.0, estimator, start=40.0)
    assert estimator.steps == 0


@pytest.mark.parametrize("step_ns", [HOUR, -HOUR, 100 * MS, -3 * MS])
def test_a_stepped_clock_is_followed_within_a_second(step_ns: int) -> None:
    rng = random.Random(5)
    link = Link(queue(rng, 1.0, 0.2, 3.0), queue(rng, 1.0, 0.2, 3.0), 2 * MS, 10.0)
    estimator = run(link, 30.0)
    link.offset_ns += step_ns
    run(link, 1.0, estimator, start=30.0)
    assert estimator.steps == 1
    assert abs(error_ms(link, estimator, 31.0)) < 1.0
    run(link, 3.0, estimator, start=31.0)
    assert abs(error_ms(link, estimator, 34.0)) < 0.3
    assert estimator.steps == 1


def test_a_small_step_is_followed_too() -> None:
    link = Link(lambda _: 1.0, lambda _: 1.0, 0, 0.0)
    estimator = run(link, 30.0)
    link.offset_ns += MS
    run(link, 2.0, estimator, start=30.0)
    assert abs(error_ms(link, estimator, 32.0)) < 0.3


def test_a_slow_start_is_no_step() -> None:
    # A process that starts up answers all that has waited for it at once: every request has waited less than the one before.
    link = Link(lambda t: max(1500.0 - 1000.0 * t, 0.1), lambda _: 0.1, 0, 20.0)
    estimator = run(link, 6.0)
    assert estimator.steps == 0
    assert abs(error_ms(link, estimator, 6.0)) < 0.1


def test_a_busy_computer_is_no_step() -> None:
    rng = random.Random(6)
    busy = queue(rng, 0.1, 0.9, 40.0)
    link = Link(busy, busy, 0, 0.0)
    estimator = ClockOffset()
    for t in range(0, 300, 2):
        run(link, 2.0, estimator, start=t)
        estimate = estimator.estimate(t + 2.0)
        assert estimate is not None
        assert abs(error_ms(link, estimator, t + 2.0)) * MS <= estimate.uncertainty_ns
    assert estimator.steps == 0


def test_one_absurd_exchange_changes_nothing() -> None:
    link = Link(lambda _: 1.0, lambda _: 1.0, 5 * MS, 0.0)
    estimator = run(link, 10.0)
    before = estimator.estimate(10.0)
    t1, t2, t3, t4, now = link.exchange(10.0)
    assert not estimator.add(t1, t2 + HOUR, t3 + HOUR, t4, now)
    assert estimator.estimate(10.0) == before
    assert estimator.unsettled
    estimator.add(*link.exchange(10.2))
    assert not estimator.unsettled
    assert estimator.steps == 0


@pytest.mark.parametrize(
    "times",
    [(0, 0, 0, -1), (0, 5, 4, 10), (0, 0, 100, 50), (0, 0, 0, 6 * 10**9), (2**63 - 1, -(2**63), 2**63 - 1, -(2**63))],
)
def test_times_that_cannot_be_are_rejected(times: tuple[int, int, int, int]) -> None:
    estimator = ClockOffset()
    assert not estimator.add(*times, now_s=1.0)
    assert estimator.rejected == 1
    assert estimator.estimate(1.0) is None


def test_a_route_that_changes_is_no_step() -> None:
    link = Link(lambda _: 2.0, lambda _: 2.0, HOUR, 0.0)
    estimator = run(link, 30.0)
    link.there = lambda _: 9.0
    run(link, 100.0, estimator, start=30.0)
    estimate = estimator.estimate(130.0)
    assert estimate is not None
    assert estimator.steps == 0
    assert estimate.uncertainty_ns >= 5.5 * MS
    assert abs(error_ms(link, estimator, 130.0)) * MS <= estimate.uncertainty_ns


def test_memory_is_bounded() -> None:
    link = Link(lambda _: 1.0, lambda _: 1.0)
    estimator = run(link, 3600.0, rate=2.0)
    assert len(estimator._slots) <= WINDOW_S + 2
    assert estimator.estimate(3600.0) is not None
