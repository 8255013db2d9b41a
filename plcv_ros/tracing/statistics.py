# SPDX-License-Identifier: Apache-2.0
"""What a table of frames says in numbers: durations of the stages, percentiles, counts of what became of the frames."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

STAGES = {
    "queue": ("captured", "encode_start"),
    "encode": ("encode_start", "encode_end"),
    "publish": ("encode_end", "published"),
    "transport": ("published", "received"),
    "wait": ("received", "decode_start"),
    "decode": ("decode_start", "decode_end"),
    "inference": ("decode_end", "inference_end"),
    "labels": ("inference_end", "labels_published"),
    "total": ("captured", "labels_published"),
}
"""Stage -> (first event, last event). The stages before ``total`` follow one another without a gap, so they add up to it; it ends where the
run does (:data:`ENDS`)."""

_SUBSTITUTES = {
    # Raw images are not encoded; a node that never lets a frame wait sends no decode_start.
    "publish": ("encode_end", "captured"),
    "decode": ("decode_start", "received"),
}

ENDS = {"labels_published": "segmented", "decode_end": "decoded", "published": "sent"}
"""Last event of a frame that came to its end, by the nodes that take part -> the outcome of such a frame: with a segmentation node its labels,
else with a decoder its pixels; without either, all that can be told is that it was sent."""

OUTCOMES = (*ENDS.values(), "dropped_camera", "lost", "dropped_remote", "in_flight")
"""What became of a frame: it came to the end of the run (:data:`ENDS`); the camera side gave it up; published but never received (lost on the
link, or overwritten in the subscriber's queue by a newer one); the remote side gave it up; not settled yet."""


@dataclass(frozen=True)
class StageStatistics:
    """Durations of one stage, ms, over the ``count`` frames that have both of its events."""

    count: int
    mean: float
    p50: float
    p95: float
    p99: float
    maximum: float

    @classmethod
    def of(cls, milliseconds: npt.NDArray[np.float64]) -> StageStatistics | None:
        """Statistics of durations in ms, NaN = unknown; None where none is known."""
        known = milliseconds[~np.isnan(milliseconds)]
        if known.size == 0:
            return None
        p50, p95, p99 = (float(p) for p in np.percentile(known, (50, 95, 99)))
        return cls(int(known.size), float(known.mean()), p50, p95, p99, float(known.max()))


@dataclass(frozen=True)
class Summary:
    """Counts of frames since the start, and the durations of the frames still in the table.

    ``captured = published + dropped_camera`` and ``published = received + lost``, up to frames in flight and lost events; an event implies
    those before it, so that a lost event does not make a frame lost. ``end`` is one of :data:`ENDS`, ``rate`` is frames a second that come there.
    """

    captured: int
    published: int
    received: int
    segmented: int
    decoded: int
    sent: int
    dropped_camera: int
    lost: int
    dropped_remote: int
    in_flight: int
    end: str
    rate: float
    stages: dict[str, StageStatistics]
    camera_nodes: tuple[str, ...]
    remote_nodes: tuple[str, ...]
    duplicates: int
    unknown: int
    stamps_repeated: int = 0
    """Frames whose stamp and frame_id an earlier one had: told apart by time, their durations are the shortest that the times allow."""

    @property
    def finished(self) -> int:
        """Frames that came to the end of the run."""
        return self.segmented + self.decoded + self.sent

    @property
    def dropped(self) -> int:
        """Frames that were captured and came to nothing, wherever that was."""
        return self.dropped_camera + self.lost + self.dropped_remote

    def as_dict(self) -> dict[str, Any]:
        """For JSON: the fields, ``dropped`` included."""
        return {**asdict(self), "dropped": self.dropped}


def durations(times: dict[str, npt.NDArray[np.int64]], end: str) -> dict[str, npt.NDArray[np.float64]]:
    """Event -> (N,) times in ns (0 = no such event) to stage -> (N,) durations in ms, NaN = unknown; ``end``: where the total ends."""
    result = {}
    for stage, (first, last) in STAGES.items():
        begin = times[first]
        if stage in _SUBSTITUTES:
            begin = np.where(begin == 0, times[_SUBSTITUTES[stage][1]], begin)
        finish = times[end if stage == "total" else last]
        known = (begin != 0) & (finish != 0)
        result[stage] = np.where(known, (finish - begin) / 1e6, np.nan)
    return result


DAY_NS = 86_400_000_000_000


def plausible(when_ns: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """(N,) which frames belong to the run by their time: one of 1970, from a clock that was not set, would press all others into one pixel. Left
    out is what lies further from the median than a day and than ten times the spread of the middle half."""
    if when_ns.size == 0:
        return np.zeros(0, np.bool_)
    middle, low, high = (float(q) for q in np.percentile(when_ns, (50, 25, 75)))
    return np.abs(when_ns.astype(np.float64) - middle) <= max(float(DAY_NS), 10 * (high - low))


def column_width(seconds: npt.NDArray[np.float64]) -> float:
    """The width (s) at which columns of frames at these times stand side by side: the median pause over 32 frames each, since cameras in step
    deliver several frames at once."""
    times = np.sort(seconds)
    span = min(32, times.size - 1)
    width = float(np.median(times[span:] - times[:-span])) / span if span > 0 else 0.0
    return width if width > 0 else 0.05


def side_by_side(seconds: npt.NDArray[np.float64], width: float) -> npt.NDArray[np.float64]:
    """Where to draw columns of that width for frames at these times: to the right of the one before where both would overlap, by eight columns at
    most."""
    order = np.argsort(seconds, kind="stable")
    steps = np.arange(seconds.size) * width
    pushed = np.maximum.accumulate(seconds[order] - steps) + steps
    result = np.empty_like(seconds)
    result[order] = np.minimum(pushed, seconds[order] + 8 * width)
    return result
