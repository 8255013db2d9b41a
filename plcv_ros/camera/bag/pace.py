# SPDX-License-Identifier: Apache-2.0
"""The rate of recorded images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

SAMPLE = 60
"""So many of the first images are looked at."""

_NANO = 1_000_000_000
_HIGHEST = 1000.0
"""No camera is faster: stamps that say so are counters or of a clock that stood still."""

_STAMPED = 0.9
"""Where fewer images have a stamp, the stamps say nothing of the rate."""


def rate(stamps_ns: Sequence[int], log_times_ns: Sequence[int]) -> float | None:
    """Images a second, of the header stamps and log times of the first images; None where neither says it.

    The stamps say when the pictures were taken; a recorder may have logged them in bunches, late, or all at once.
    """
    stamps = [stamp for stamp in stamps_ns if stamp]
    by_stamps = _rate(stamps) if len(stamps) >= _STAMPED * len(stamps_ns) else None
    return by_stamps or _rate(log_times_ns)


def _rate(times_ns: Sequence[int]) -> float | None:
    """Over spans of a third of the sample, since single intervals are far from the mean where images come in bunches. Of those spans the lower
    quartile: a pause of the recording makes many of them longer, nothing makes many of them shorter."""
    times = np.sort(np.asarray(times_ns, np.int64))
    frames = max(1, len(times) // 3)
    spans = np.sort(times[frames:] - times[:-frames])
    span = float(spans[round(0.25 * (spans.size - 1))]) if spans.size else 0.0
    found = _NANO * frames / span if span > 0 else 0.0
    return found if 0 < found <= _HIGHEST else None
