# SPDX-License-Identifier: Apache-2.0
"""Which of several receivers a sender follows."""

from __future__ import annotations

MAX_REPORTERS = 16
REPORTER_GONE_S = 1.0
"""A receiver that has reported nothing for so long is not asked any more."""
SMOOTHING = 0.1
"""Of the mean age of a receiver's frames, by which the slowest is told."""


class Slowest:
    """Which of several receivers a sender follows: the one whose frames are oldest when they arrive. Memory is bounded."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[float, float]] = {}  # receiver -> (latest report, mean age), s

    def is_followed(self, name: str, age_s: float, now: float) -> bool:
        """Note a report; whether it is one of the slowest receiver."""
        self._seen = {other: seen for other, seen in self._seen.items() if now - seen[0] < REPORTER_GONE_S}
        if name not in self._seen and len(self._seen) >= MAX_REPORTERS:
            return False
        before = self._seen[name][1] if name in self._seen else age_s
        self._seen[name] = (now, before + SMOOTHING * (age_s - before))
        return max(self._seen, key=lambda other: self._seen[other][1]) == name
