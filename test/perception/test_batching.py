# SPDX-License-Identifier: Apache-2.0
"""Batches of pictures: how many are taken, deadlines, errors, threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import pytest

from plcv_ros.perception.batching import Batcher, ExpiredError, PassTimes, Pixels, choose


def times(**seconds: float) -> PassTimes:
    result = PassTimes()
    for number, value in seconds.items():
        result.note(int(number[1:]), value)
    return result


CPU = times(n1=0.04, n2=0.08, n4=0.16)
GPU = times(n1=0.005, n2=0.006, n4=0.008, n8=0.012)


def test_expected_times() -> None:
    learned = PassTimes()
    assert learned.expect(3) == 0.0
    learned.note(2, 0.1)
    assert learned.expect(2) == 0.1
    assert learned.expect(1) == 0.05
    assert learned.expect(6) == pytest.approx(0.3)
    for _ in range(100):
        learned.note(2, 0.2)
    assert learned.expect(2) == pytest.approx(0.2, rel=1e-3)


@pytest.mark.parametrize(
    ("deadlines", "known", "expected"),
    [
        ([], CPU, 0),
        ([0.1], CPU, 1),
        ([0.1, 0.1, 0.1], CPU, 2),  # three would take 0.12 s
        ([0.05, 0.5, 0.5, 0.5], CPU, 1),  # the first is in a hurry
        ([0.1] * 8, GPU, 8),
        ([0.1] * 20, GPU, 8),
        ([0.007] * 8, GPU, 2),
        ([-1.0] * 4, GPU, 4),  # late in any case: as fast as possible
        ([-1.0] * 4, CPU, 1),  # where a batch is no faster, one at a time
        ([0.1] * 5, PassTimes(), 5),
    ],
)
def test_how_many_are_taken(deadlines: list[float], known: PassTimes, expected: int) -> None:
    assert choose(deadlines, 0.0, known, 8) == expected


class Network:
    """Labels are the pictures' first channel; a pass takes some time, and records what it was given."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.batches: list[list[Pixels]] = []
        self.seconds = seconds
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, images: Sequence[Pixels]) -> list[Pixels]:
        self.batches.append(list(images))
        self.gate.wait(60)
        time.sleep(self.seconds)
        if any(image[0, 0, 0] == 99 for image in images):
            raise ValueError("no")
        return [image[..., 0].copy() for image in images]


def test_pictures_that_a_pass_cannot_take_are_not_made_late_by_it() -> None:
    known = times(n1=0.02, n2=0.04, n3=0.06)
    assert choose([0.1, 0.1, 0.1], 0.0, known, 8) == 3
    assert choose([0.1, 0.1, 0.1], 0.0, known, 8, leave_by=0.05) == 2
    assert choose([0.1, 0.1, 0.1], 0.0, known, 8, leave_by=0.01) == 3  # late in any case


def picture(value: int, height: int = 4) -> Pixels:
    return np.full((height, 6, 3), value, np.uint8)


def waiting(batcher: Batcher, number: int) -> None:
    end = time.monotonic() + 60
    while len(batcher._waiting) < number:
        assert time.monotonic() < end
        time.sleep(0.001)


def occupied(network: Network, batcher: Batcher, pool: ThreadPoolExecutor, deadline: float) -> Future[Pixels]:
    """A first picture, alone in a pass that goes on until ``network.gate`` is set."""
    network.gate.clear()
    first = pool.submit(batcher.predict, picture(0), deadline)
    while not network.batches:
        time.sleep(0.001)
    return first


def test_what_waits_goes_in_one_pass_and_everybody_gets_the_own_labels() -> None:
    network = Network()
    batcher = Batcher(network, max_batch=8)
    with ThreadPoolExecutor(6) as pool:
        first = occupied(network, batcher, pool, time.monotonic() + 900)
        rest = [pool.submit(batcher.predict, picture(i), time.monotonic() + 900) for i in range(1, 6)]
        waiting(batcher, 5)
        network.gate.set()
        assert [int(f.result(60)[0, 0]) for f in (first, *rest)] == [0, 1, 2, 3, 4, 5]
    assert [len(batch) for batch in network.batches] == [1, 5]
    assert (batcher.counters.passes, batcher.counters.pictures, batcher.counters.largest, batcher.counters.late) == (2, 6, 5, 0)
    batcher.close()


def test_other_sizes_go_in_another_pass_and_the_urgent_one_first() -> None:
    network = Network()
    batcher = Batcher(network)
    now = time.monotonic()
    with ThreadPoolExecutor(6) as pool:
        futures = [occupied(network, batcher, pool, now + 900)]
        futures += [pool.submit(batcher.predict, picture(i, height), now + due) for i, height, due in ((1, 4, 8), (2, 5, 7), (3, 4, 6), (4, 5, 9))]
        waiting(batcher, 4)
        network.gate.set()
        for future in futures:
            future.result(60)
    assert [[int(image[0, 0, 0]) for image in batch] for batch in network.batches] == [[0], [3, 1], [2, 4]]
    batcher.close()


def test_other_networks_have_passes_of_their_own() -> None:
    network, other = Network(), Network()
    batcher = Batcher(network)
    now = time.monotonic()
    with ThreadPoolExecutor(6) as pool:
        futures = [occupied(network, batcher, pool, now + 900)]
        futures += [
            pool.submit(batcher.predict, picture(i), now + due, network=which)
            for i, which, due in ((1, other, 600), (2, None, 700), (3, other, 800), (4, network, 900))
        ]
        waiting(batcher, 4)
        network.gate.set()
        for future in futures:
            future.result(60)
    assert [[int(image[0, 0, 0]) for image in batch] for batch in network.batches] == [[0], [2, 4]]
    assert [[int(image[0, 0, 0]) for image in batch] for batch in other.batches] == [[1, 3]]
    batcher.close()


def test_errors_reach_their_callers_and_the_next_pass_runs() -> None:
    batcher = Batcher(Network())
    with pytest.raises(ValueError, match="no"):
        batcher.predict(picture(99), time.monotonic() + 1)
    assert batcher.predict(picture(7), time.monotonic() + 1)[0, 0] == 7
    batcher.close()
    with pytest.raises(RuntimeError, match="closed"):
        batcher.predict(picture(7), time.monotonic() + 1)


def test_a_lone_picture_does_not_wait() -> None:
    batcher = Batcher(Network(0.01))
    start = time.monotonic()
    batcher.predict(picture(1), start + 900)
    assert time.monotonic() - start < 60
    batcher.close()


def test_whoever_waits_at_the_end_is_told() -> None:
    network = Network()
    batcher = Batcher(network)
    with ThreadPoolExecutor(3) as pool:
        first = occupied(network, batcher, pool, time.monotonic() + 900)
        second = pool.submit(batcher.predict, picture(1), time.monotonic() + 900)
        waiting(batcher, 1)
        closing = pool.submit(batcher.close)
        network.gate.set()
        assert first.result(60)[0, 0] == 0
        # It was either in time for a last pass or is told.
        assert second.exception(60) is None or "closed" in str(second.exception(60))
        closing.result(60)


def test_what_has_expired_is_not_predicted() -> None:
    network = Network()
    batcher = Batcher(network)
    with ThreadPoolExecutor(4) as pool:
        now = time.monotonic()
        first = occupied(network, batcher, pool, now + 900)
        old = pool.submit(batcher.predict, picture(1), now + 900, now + 0.01)
        young = pool.submit(batcher.predict, picture(2), now + 900, now + 900)
        waiting(batcher, 2)
        time.sleep(0.02)
        network.gate.set()
        with pytest.raises(ExpiredError, match="ms too late"):
            old.result(60)
        assert (first.result(60)[0, 0], young.result(60)[0, 0]) == (0, 2)
    assert [len(batch) for batch in network.batches] == [1, 1]
    with pytest.raises(ExpiredError):
        batcher.predict(picture(3), now, now)
    batcher.close()


def test_late_pictures_are_counted() -> None:
    batcher = Batcher(Network(0.02))
    batcher.predict(picture(1), time.monotonic() + 0.001)
    batcher.predict(picture(1), time.monotonic() + 900)
    assert batcher.counters.late == 1
    batcher.close()


def test_warm_up_learns_the_times() -> None:
    network = Network(0.005)
    batcher = Batcher(network, max_batch=6)
    batcher.warmup(4, 6)
    assert [len(batch) for batch in network.batches] == [1, 1, 2, 2, 4, 4]
    assert batcher.times((4, 6, 3)).expect(4) >= 0.005
    assert batcher.times((8, 6, 3)).expect(4) == 0.0
    batcher.close()


def test_max_batch_is_checked() -> None:
    with pytest.raises(ValueError, match="max_batch is 0"):
        Batcher(Network(), max_batch=0)
