# SPDX-License-Identifier: Apache-2.0
"""Bringing the events of all nodes onto one clock: that of the computer where they are joined."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from plcv_ros.tracing.clock import ClockEstimate
from plcv_ros.tracing.events import FrameEvent

HOLD_NS = 1_500_000_000
"""How long an event waits for its node's clock: exchanges are a fraction of a second apart, a stepped clock is known after two."""

LATE_NS = 2_000_000_000
"""Nodes send their events within half a second: one that seems older on arrival was stamped by a clock that has stepped, or was held up."""

EARLY_NS = 50_000_000
"""An event cannot arrive before it happened, but the timestamps of software scatter."""

PREVIOUS_NS = 10_000_000_000
"""How long after a step events that were stamped before it may still arrive."""

MAX_HELD = 20_000


class Clocks(Protocol):
    """What is known of the nodes' clocks, by their fully qualified names."""

    def estimate(self, name: str) -> ClockEstimate | None:
        """The node's clock minus the local one; None where the node has not answered."""

    def steps(self, name: str) -> int:
        """How often that clock has jumped."""

    def settled(self, name: str) -> bool:
        """Whether the latest exchange agreed with the estimate."""


class _Held(NamedTuple):
    event: FrameEvent
    wall_ns: int
    arrival_ns: int


@dataclass
class _Offset:
    now: int
    steps: int
    previous: int | None = None
    stepped_ns: int = 0


class Aligner:
    """Passes events on to ``sink(event, arrival_ns)`` with their time moved to the local clock, by the offset of their node's clock.

    Without ``correct`` times pass as they are (another service keeps the clocks together). Nodes that never answer the exchange pass
    uncorrected, after a moment of waiting. Events that no known offset explains are held back until the next exchanges have shown
    whether the clock has stepped; what is still in the future then is dropped and counted. Memory is bounded. Not thread-safe.
    """

    def __init__(self, sink: Callable[[FrameEvent, int], None], clocks: Clocks, correct: bool = True) -> None:
        self.uncorrected = 0
        """Events of nodes whose clock is not known."""
        self.dropped = 0
        """Events whose times fit no clock that their node can have had, or for which there was no room."""
        self._sink = sink
        self._clocks = clocks
        self._correct = correct
        self._held: deque[_Held] = deque()
        self._offsets: dict[str, _Offset] = {}
        self._silent: set[str] = set()

    def __len__(self) -> int:
        """How many events are held back."""
        return len(self._held)

    def add(self, event: FrameEvent, wall_ns: int, arrival_ns: int) -> None:
        """An event that arrived at ``wall_ns`` on the local system clock, ``arrival_ns`` on the local monotonic one."""
        if not self._correct:
            self._sink(event, arrival_ns)
            return
        if not self._pass(event, wall_ns, arrival_ns, arrival_ns):
            if len(self._held) >= MAX_HELD:
                self._held.popleft()
                self.dropped += 1
            self._held.append(_Held(event, wall_ns, arrival_ns))

    def release(self, now_ns: int) -> None:
        """Look again at what is held back; call it a few times a second. ``now_ns``: local monotonic clock."""
        for _ in range(len(self._held)):
            held = self._held.popleft()
            if not self._pass(*held, now_ns):
                self._held.append(held)

    def flush(self) -> None:
        """Pass on or drop everything held back: the run is over."""
        while self._held:
            held = self._held.popleft()
            self._pass(*held, held.arrival_ns + HOLD_NS)

    def _pass(self, event: FrameEvent, wall_ns: int, arrival_ns: int, now_ns: int) -> bool:
        """True where the event needs no more attention."""
        waited = now_ns - arrival_ns >= HOLD_NS
        estimate = self._clocks.estimate(event.node)
        if estimate is None:
            if not waited and event.node not in self._silent:
                return False
            self._silent.add(event.node)
            self.uncorrected += 1
            self._sink(event, arrival_ns)
            return True
        self._silent.discard(event.node)
        offset = self._offset(event.node, estimate, now_ns)
        early = EARLY_NS + estimate.uncertainty_ns
        for candidate in (offset.now, offset.previous):
            if candidate is not None and -early <= wall_ns - (event.time_ns - candidate) <= LATE_NS + early:
                self._sink(_at(event, event.time_ns - candidate), arrival_ns)
                return True
        if not waited:
            return False
        time_ns = event.time_ns - offset.now
        if time_ns <= wall_ns + early and offset.previous is None and self._clocks.settled(event.node):
            self._sink(_at(event, time_ns), arrival_ns)  # exchanges since then agree with the clock: the event was held up on its way
        else:
            self.dropped += 1
        return True

    def _offset(self, node: str, estimate: ClockEstimate, now_ns: int) -> _Offset:
        steps = self._clocks.steps(node)
        known = self._offsets.setdefault(node, _Offset(estimate.offset_ns, steps))
        if steps != known.steps:
            known.previous, known.stepped_ns, known.steps = known.now, now_ns, steps
        known.now = estimate.offset_ns
        if known.previous is not None and now_ns - known.stepped_ns > PREVIOUS_NS:
            known.previous = None
        return known


def _at(event: FrameEvent, time_ns: int) -> FrameEvent:
    return event if time_ns == event.time_ns else FrameEvent(event.frame_id, event.stamp_ns, event.node, event.event, time_ns)
