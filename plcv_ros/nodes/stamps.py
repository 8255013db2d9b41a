# SPDX-License-Identifier: Apache-2.0
"""Frames whose header an earlier frame had too: drivers that leave the stamp at zero or stop setting it, bags that begin again.

A header is copied untouched, so it cannot be mended here: it is noticed, counted, and said once with the remedy.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Any

from plcv_ros.strips.assembler import REMEMBERED_FRAMES
from plcv_ros.texts import shown

WATCHED_FRAMES = 4 * REMEMBERED_FRAMES
"""A header that comes again after so many others meets nobody who remembers it."""

STUCK_FRAMES = 3
"""So many frames in a row of one stamp: the driver does not set it any more."""

Key = tuple[int, int, str]


def key_of(header: Any) -> Key:
    """What a header tells of its frame: seconds, nanoseconds, frame_id."""
    return header.stamp.sec, header.stamp.nanosec, header.frame_id


def first_number() -> int:
    """Where a sender begins to number frames: elsewhere than one before it, or beside it, did."""
    return time.time_ns() // 1_000_000 % 1_000_000_000


class StampWatch:
    """Notices, in the frames of ``topic``, headers that do not tell frames from one another. For one thread."""

    def __init__(self, node: Any, topic: str) -> None:
        self.repeated = 0
        """Frames whose header an earlier one had."""
        self._node = node
        self._topic = topic
        self._seen: OrderedDict[Key, None] = OrderedDict()
        self._latest: Key | None = None
        self._in_a_row = 0

    def note(self, header: Any) -> bool:
        """The next frame has this header; returns whether one of the frames before it had it too."""
        key = key_of(header)
        self._in_a_row = self._in_a_row + 1 if key == self._latest else 1
        self._latest = key
        if key not in self._seen:
            self._seen[key] = None
            if len(self._seen) > WATCHED_FRAMES:
                self._seen.popitem(last=False)
            return False
        self._seen.move_to_end(key)
        self.repeated += 1
        if self.repeated == 1:
            self._node.get_logger().warning(complaint(self._topic, key))
        return True

    def tells_age(self, header: Any) -> bool:
        """Whether the stamp of a frame says when it was taken: not where it is zero, or the same as that of the frames before."""
        stamp = header.stamp
        return bool(stamp.sec or stamp.nanosec) and not (self._in_a_row >= STUCK_FRAMES and key_of(header) == self._latest)


def complaint(topic: str, key: Key) -> str:
    """What to tell the person who runs the robot."""
    seconds, nanoseconds, frame_id = key
    what = f"have equal stamps ({seconds}.{nanoseconds:09d})" if seconds or nanoseconds else "have no header.stamp (it is zero)"
    return (
        f"frames on {topic} {what} and frame_id '{shown(frame_id, 40)}': they are counted one by one, but their age is not known, their latencies "
        "are not exact, and labels can be matched with them by their order only. Let the camera driver set header.stamp to the time of each "
        "capture, and give every camera a frame_id of its own. More of them are only counted (stamps_repeated on /diagnostics)"
    )
