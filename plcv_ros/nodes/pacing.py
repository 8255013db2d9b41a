# SPDX-License-Identifier: Apache-2.0
"""When the next frame of a source that does not come by itself is due: at even intervals, or at the recording's own times. No ROS here."""

from __future__ import annotations


class Pace:
    """The times of frames that are played. ``period_s``: between two frames, or their mean; ``own_times``: go by the frames' ``time_ns``."""

    def __init__(self, period_s: float, own_times: bool, start_s: float) -> None:
        self.period_s = period_s
        self.own_times = own_times
        self._due_s = start_s
        self._time_ns: int | None = None
        self._first = True

    def due(self, time_ns: int | None, now_s: float) -> tuple[float, int]:
        """When the frame is due, on the clock of ``now_s`` (seconds), and how many periods are left out because it is later than that.

        Those are left out for good, so that the frames after a stall do not come in a bunch and the rate does not drift.
        """
        if not self._first:
            own = self.own_times and time_ns is not None and self._time_ns is not None
            self._due_s += (time_ns - self._time_ns) / 1e9 if own else self.period_s  # type: ignore[operator]  # not None where own
        self._first = False
        self._time_ns = time_ns
        missed = int(max(0.0, now_s - self._due_s) / self.period_s)
        self._due_s += missed * self.period_s
        return self._due_s, missed
