# SPDX-License-Identifier: Apache-2.0
"""Events of nodes with clocks of their own, brought onto one clock."""

from __future__ import annotations

from plcv_ros.tracing import alignment
from plcv_ros.tracing.alignment import HOLD_NS, Aligner
from plcv_ros.tracing.clock import ClockEstimate
from plcv_ros.tracing.events import FrameEvent

MS = 1_000_000
SECOND = 1_000_000_000
HOUR = 3600 * SECOND
NOW = 1_700_000_000 * SECOND


class StubClocks:
    def __init__(self, **offsets: int) -> None:
        self.offsets = offsets
        self.jumps = 0
        self.is_settled = True

    def estimate(self, name: str) -> ClockEstimate | None:
        offset = self.offsets.get(name)
        return None if offset is None else ClockEstimate(offset, MS, 0.0, 2 * MS)

    def steps(self, name: str) -> int:
        return self.jumps

    def settled(self, name: str) -> bool:
        return self.is_settled


class Bench:
    """Events that happen now (or ``age_ns`` ago) on a node's clock, and what becomes of them."""

    def __init__(self, clocks: StubClocks, correct: bool = True) -> None:
        self.passed: list[FrameEvent] = []
        self.aligner = Aligner(lambda event, _: self.passed.append(event), clocks, correct)
        self.monotonic = 0

    def event(self, node: str, offset_ns: int = 0, age_ns: int = 5 * MS) -> None:
        happened = NOW + self.monotonic - age_ns
        self.aligner.add(FrameEvent("cam", happened, node, "captured", happened + offset_ns), NOW + self.monotonic, self.monotonic)

    def wait(self, nanoseconds: int) -> None:
        self.monotonic += nanoseconds
        self.aligner.release(self.monotonic)

    def errors(self) -> list[int]:
        """What is wrong with the times that were passed on, ns (the stamp is the true time)."""
        return [event.time_ns - event.stamp_ns for event in self.passed]


def test_times_are_moved_to_the_local_clock() -> None:
    bench = Bench(StubClocks(camera=HOUR, segmentation=-7 * MS, same=0))
    bench.event("camera", HOUR)
    bench.event("segmentation", -7 * MS)
    bench.event("same")
    assert bench.errors() == [0, 0, 0]


def test_external_clocks_are_trusted() -> None:
    bench = Bench(StubClocks(camera=HOUR), correct=False)
    bench.event("camera", 3 * MS)
    assert bench.errors() == [3 * MS]


def test_events_before_the_first_exchange_wait_for_it() -> None:
    clocks = StubClocks()
    bench = Bench(clocks)
    bench.event("camera", HOUR)
    bench.wait(SECOND)
    assert not bench.passed
    clocks.offsets["camera"] = HOUR
    bench.wait(SECOND // 10)
    assert bench.errors() == [0]
    assert len(bench.aligner) == 0


def test_a_node_that_never_answers_passes_uncorrected() -> None:
    bench = Bench(StubClocks())
    bench.event("camera", 0)
    bench.wait(HOLD_NS)
    bench.event("camera", 0)
    assert bench.errors() == [0, 0]
    assert bench.aligner.uncorrected == 2


def test_a_step_of_an_hour() -> None:
    clocks = StubClocks(camera=0)
    bench = Bench(clocks)
    bench.event("camera", 0)
    bench.event("camera", HOUR)  # the clock has stepped, the exchanges do not know yet
    bench.wait(SECOND // 2)
    assert len(bench.passed) == 1
    clocks.offsets["camera"], clocks.jumps = HOUR, 1
    bench.wait(SECOND // 10)
    bench.event("camera", 0)  # stamped before the step, late
    bench.event("camera", HOUR)
    assert bench.errors() == [0, 0, 0, 0]
    assert bench.aligner.dropped == 0


def test_what_fits_no_clock_is_dropped_and_counted() -> None:
    clocks = StubClocks(camera=0)
    bench = Bench(clocks)
    bench.event("camera", HOUR)
    bench.wait(HOLD_NS)
    assert not bench.passed
    assert bench.aligner.dropped == 1


def test_an_event_that_was_held_up_is_believed_once_the_clock_is_confirmed() -> None:
    clocks = StubClocks(camera=HOUR)
    bench = Bench(clocks)
    bench.event("camera", HOUR, age_ns=60 * SECOND)
    assert not bench.passed
    bench.wait(HOLD_NS)
    assert bench.errors() == [0]
    clocks.is_settled = False
    bench.event("camera", HOUR, age_ns=60 * SECOND)
    bench.wait(HOLD_NS)
    assert len(bench.passed) == 1
    assert bench.aligner.dropped == 1


def test_memory_is_bounded(monkeypatch) -> None:
    monkeypatch.setattr(alignment, "MAX_HELD", 100)
    bench = Bench(StubClocks())
    for _ in range(1000):
        bench.event("camera")
    assert len(bench.aligner) == 100
    assert bench.aligner.dropped == 900


def test_the_end_of_a_run_passes_on_what_is_held() -> None:
    bench = Bench(StubClocks(segmentation=0))
    bench.event("camera")
    bench.event("segmentation", HOUR)
    bench.aligner.flush()
    assert bench.errors() == [0]
    assert bench.aligner.dropped == 1
    assert len(bench.aligner) == 0
