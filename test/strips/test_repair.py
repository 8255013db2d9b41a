# SPDX-License-Identifier: Apache-2.0
"""Which lost strips are asked for and when; a simulated link that loses strips, requests and answers brings every frame whole."""

from __future__ import annotations

import heapq
import random

import numpy as np
import pytest
from test_strips import Clock, assembler, decoded, picture, strips_of

from plcv_ros.strips import Request
from plcv_ros.strips.repair import FIRST_ROUND_TRIP_S, SHORTEST_END_S, SHORTEST_S, FrameRepair, RoundTrip, Silence


def repair(count: int = 8, limit_s: float = 0.008) -> FrameRepair:
    return FrameRepair(count, Silence(limit_s), RoundTrip())


def test_silence_is_learned_from_pauses_and_never_longer_than_the_limit() -> None:
    silence = Silence(0.008)
    assert silence.length_s == 0.008
    for _ in range(4000):
        silence.note(0.0004)
    assert silence.length_s == SHORTEST_S
    silence.note(0.002)
    assert silence.length_s == pytest.approx(0.004)
    silence.note(0.1)
    assert silence.length_s == 0.008
    for _ in range(1000):
        silence.note(0.0004)
    assert silence.length_s < 0.002  # a long stall is forgotten in some frames


def test_round_trip_is_that_of_quick_answers() -> None:
    trip = RoundTrip()
    assert (trip.quick_s, trip.length_s) == (0.0, FIRST_ROUND_TRIP_S)
    trip.note(0.0001)  # one that was on its way when it was asked for
    for _ in range(31):
        trip.note(0.02)  # behind other strips
    trip.note(0.005)
    assert trip.quick_s == 0.005
    assert 0.005 < trip.length_s < 0.008


def test_gaps_are_asked_for_at_once_and_the_tail_after_silence() -> None:
    frame = repair()
    for index in (0, 1, 4):
        frame.came(index, 1.0)
    assert frame.wanted(1.0, latest=1.0, passed=False) == [2, 3]
    assert frame.wanted(1.001, latest=1.0, passed=False) == []
    assert frame.next_time(1.0, False) == pytest.approx(1.008)
    assert frame.wanted(1.0081, latest=1.0, passed=False) == [5, 6, 7]
    # All are asked for: the next time is when an answer to the first request could be there.
    assert frame.next_time(1.0, False) == pytest.approx(1.0 + FIRST_ROUND_TRIP_S)
    assert frame.wanted(1.0101, latest=1.0, passed=False) == [2, 3]


def test_a_newer_frame_shows_that_the_tail_is_lost() -> None:
    frame = repair()
    for index in range(6):
        frame.came(index, 1.0)
    assert frame.next_time(1.001, True) <= 1.001
    assert frame.wanted(1.001, latest=1.001, passed=True) == [6, 7]


def test_what_was_on_its_way_does_not_count_as_answer() -> None:
    frame = repair()
    for _ in range(8):
        frame._round_trip.note(0.006)
    frame.came(1, 1.0)
    assert frame.wanted(1.0, 1.0, False) == [0]
    assert frame.came(0, 1.001)  # out of order, not an answer
    frame.came(3, 1.002)
    assert frame.wanted(1.002, 1.002, False) == [2]
    assert not frame.came(2, 1.008)


def test_a_round_trip_longer_than_thought_is_learned() -> None:
    trip, now, asked = RoundTrip(), 1.0, 0
    for _ in range(8):
        frame = FrameRepair(4, Silence(0.008), trip)
        for index in (0, 2, 3):
            frame.came(index, now)
        answer = now + 0.06
        while now < answer:
            asked += len(frame.wanted(now, latest=now, passed=True))
            now = min(answer, max(now, frame.next_time(now, True)))
        frame.came(1, now)
    assert trip.quick_s == pytest.approx(0.06)
    assert asked <= 4 + 7  # the first frame's strip in vain, the others' once


def test_a_strip_that_is_passed_over_for_ever_is_no_reason_to_fail() -> None:
    frame, now = repair(4000), 1.0
    frame.came(2, now)
    for odd in range(1, 3990, 2):
        frame.wanted(now, latest=now, passed=False)
        now += 0.02
        frame.came(odd, now)
        assert frame.wanted(now, latest=now, passed=False)[:1] == [0]  # as every answer shows anew
        frame.came(odd + 3, now)
    for _ in range(40):
        now = max(now + 1e-4, frame.next_time(now, True))
        frame.wanted(now, latest=now, passed=True)
    assert now < 1e6


def test_an_answer_shows_that_those_before_it_are_lost() -> None:
    frame = repair()
    frame.came(0, 1.0)
    frame.came(3, 1.0)
    assert frame.wanted(1.0, latest=1.0, passed=False) == [1, 2]
    frame.came(5, 1.001)
    assert frame.wanted(1.001, latest=1.001, passed=False) == [4]
    frame.came(2, 1.006)  # asked for with 1, and after it
    assert frame.wanted(1.006, latest=1.006, passed=False) == [1]
    frame.came(4, 1.007)  # asked for before the second request for 1
    assert frame.wanted(1.007, latest=1.007, passed=False) == []
    frame.came(6, 1.008)  # never asked for: shows nothing of answers
    assert frame.wanted(1.008, latest=1.008, passed=False) == []


def test_a_frame_is_ended_later_than_its_strips_would_be_asked_for() -> None:
    """Strips in close succession: a short silence has the tail asked for, only a longer one has it given up."""
    lengths = []
    for repair_s in (0.1, 0.0):
        clock = Clock()
        box = assembler(clock=clock, repair_s=repair_s)
        for number in range(200):
            for tag, payload in strips_of(picture(1)):
                clock.now += 0.0004
                box.add(number, None, tag, "astc", payload)
        tag, payload = strips_of(picture(1))[0]
        box.add("last", None, tag, "astc", payload)
        assert box.deadline is not None
        lengths.append(box.deadline - clock.now)
    assert lengths == pytest.approx([SHORTEST_S, SHORTEST_END_S])


def test_without_repair_nothing_is_asked_for() -> None:
    box = assembler()
    strips = strips_of(picture(1))
    box.add(1, None, strips[2][0], "astc", strips[2][1])
    assert box.requests() == []
    assert box.counters.requested == 0


def test_a_frame_waits_for_its_lost_strips_while_the_next_one_comes() -> None:
    clock = Clock()
    box = assembler(clock=clock, repair_s=0.1)
    first, second, third = (strips_of(picture(k)) for k in range(3))
    for tag, payload in first[:3] + first[4:]:
        assert box.add("a", "A", tag, "astc", payload) == []
    assert box.requests() == [Request("A", [3], 8)]
    clock.now += 0.01
    assert box.add("b", "B", second[0][0], "astc", second[0][1]) == []
    assert box.requests() == [Request("A", [3], 8)]  # the answer would have come before it
    (frame,) = box.add("a", "A", first[3][0], "astc", first[3][1])
    assert (frame.header, frame.complete) == ("A", True)
    np.testing.assert_array_equal(frame.image, decoded(picture(0)))
    # A frame that is whole waits for the one before it, so that they come in order; a third one ends the oldest of two.
    assert [f for tag, payload in third for f in box.add("c", "C", tag, "astc", payload)] == []
    assert box.deadline is not None
    done = box.add("d", "D", first[0][0], "astc", first[0][1])
    assert [(f.header, f.complete) for f in done] == [("B", False), ("C", True)]
    assert box.finish()[0].header == "D"
    # So does giving up.
    for key, strips in (("e", second[:3]), ("f", third)):
        assert [f for tag, payload in strips for f in box.add(key, key, tag, "astc", payload)] == []
    clock.now += 0.1
    assert [(f.header, f.complete) for f in box.expire()] == [("e", False), ("f", True)]
    assert box.deadline is None


def test_after_silence_the_last_strips_show_what_was_sent() -> None:
    frame = repair(40)
    frame.came(0, 1.0)
    assert frame.wanted(1.009, latest=1.0, passed=False) == [37, 38, 39]
    assert frame.next_time(1.0, False) > 1.009  # nothing else to ask for: no busy loop
    frame.came(39, 1.016)
    assert frame.wanted(1.016, latest=1.016, passed=False) == [*range(1, 39)]


def test_a_frame_is_given_up_where_no_answer_comes() -> None:
    clock = Clock()
    box = assembler(clock=clock, repair_s=0.05)
    for tag, payload in strips_of(picture(1))[:-1]:
        box.add(1, None, tag, "astc", payload)
    start, asked = clock.now, 0
    while not (done := box.expire()):
        assert box.deadline is not None
        assert box.deadline > clock.now or box.requests()
        asked = box.counters.requested
        clock.now = max(clock.now + 1e-4, box.deadline or 0.0)
        box.requests()
    assert clock.now - start == pytest.approx(0.05, abs=0.001)
    assert 2 <= asked <= 5  # again, but more and more seldom
    assert [(f.strips, f.complete) for f in done] == [(7, False)]


@pytest.mark.parametrize("loss", [0.0, 0.04, 0.3])
def test_a_link_that_loses_strips_requests_and_answers_brings_every_frame(loss: float) -> None:
    """2 ms each way, a strip every 0.4 ms in the order of sending; 30 frames a second."""
    clock, chance = Clock(), random.Random(5)
    box = assembler(clock=clock, repair_s=0.2)
    frames = [strips_of(picture(k)) for k in range(3)]
    number = iter(range(1_000_000))
    arrivals: list[tuple[float, int, int, int]] = []
    requests: list[tuple[float, int, int, list[int]]] = []
    link_free, begin, count, period = 0.0, clock.now, 60, 1 / 30

    def send(now: float, key: int, index: int) -> None:
        nonlocal link_free
        link_free = max(link_free, now) + 0.0004
        if chance.random() >= loss:
            heapq.heappush(arrivals, (link_free + 0.002, next(number), key, index))

    done, sent, latest = [], 0, []
    while len(done) < count:
        times = [begin + sent * period if sent < count else float("inf"), box.deadline or float("inf")]
        times += [arrivals[0][0] if arrivals else float("inf"), requests[0][0] if requests else float("inf")]
        clock.now = max(clock.now, min(times))
        assert clock.now < begin + 10
        if sent < count and clock.now >= begin + sent * period:
            for index in range(8):
                send(clock.now, sent, index)
            sent += 1
        while requests and requests[0][0] <= clock.now:
            _, _, key, wanted = heapq.heappop(requests)
            for index in wanted:
                send(clock.now, key, index)
        while arrivals and arrivals[0][0] <= clock.now:
            _, _, key, index = heapq.heappop(arrivals)
            tag, payload = frames[key % 3][index]
            finished = box.add(key, key, tag, "astc", payload)
            latest += [clock.now - begin - frame.header * period for frame in finished]
            done += finished
        done += box.expire()
        for request in box.requests():
            if chance.random() >= loss:
                heapq.heappush(requests, (clock.now + 0.002, next(number), request.header, request.indices))
    assert [frame.header for frame in done] == list(range(count))
    if loss <= 0.04:
        assert all(frame.complete for frame in done)
        assert max(latest) < 0.0052 + 3 * 0.012
    if loss == 0.0:
        assert box.counters.requested == box.counters.doubled == 0
    else:
        # What is sent for nothing stays small beside what had to be.
        assert box.counters.doubled + box.counters.late < 0.3 * box.counters.requested
