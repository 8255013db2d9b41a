# SPDX-License-Identifier: Apache-2.0
"""Frames of strips that take shape, side by side, and what is remembered of those that are finished."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

from plcv_ros.strips.canvas import Canvas
from plcv_ros.strips.repair import FrameRepair, RequestBudget
from plcv_ros.strips.sizes import Size
from plcv_ros.strips.tag import StripTag

AGAIN_S = 1.0
"""No network brings a strip a second time so long after its frame was finished: it is one of another frame that has the same header."""


@dataclass
class Shape:
    """A frame that takes shape; ``latest``: when a new strip of it came; ``payloads``: index -> that strip's."""

    key: Hashable
    header: Any
    canvas: Canvas
    size: Size
    repair: FrameRepair
    payloads: dict[int, Any]
    latest: float = 0.0

    @property
    def whole(self) -> bool:
        """Whether all strips are there."""
        return self.canvas.placed == self.canvas.tag.count


@dataclass
class Lane:
    """The frames of one size that take shape, oldest first; frames of another lane neither end them nor wait for them."""

    budget: RequestBudget
    shapes: list[Shape] = field(default_factory=list)
    latest: float = 0.0
    """When a new strip of any of them came."""

    def wanted(self, now: float, limit: int) -> list[tuple[Shape, list[int]]]:
        """The strips to ask for now, at most ``limit`` of a frame in one go, and of all as many as the budget has; they are taken to be asked for."""
        found = []
        for shape in self.shapes:
            most = min(limit, self.budget.left, shape.repair.left)
            indices = shape.repair.wanted(now, self.latest, shape is not self.shapes[-1], most) if most > 0 else []
            if indices:
                self.budget.left -= len(indices)
                found.append((shape, indices))
        return found

    def next_request(self) -> float:
        """When `wanted` may have something, should nothing come; infinity where nothing may be asked for."""
        if self.budget.left <= 0:
            return float("inf")
        newest = self.shapes[-1] if self.shapes else None
        times = (shape.repair.next_time(self.latest, shape is not newest) for shape in self.shapes if shape.repair.left > 0)
        return min(times, default=float("inf"))


class Finished:
    """A frame that is finished: which strips it had, and, as long as they are kept, their payloads."""

    def __init__(self, shape: Shape, now: float) -> None:
        self.tag = shape.canvas.tag
        self.there = shape.canvas.there
        self.payloads: dict[int, Any] | None = shape.payloads
        self.at = now

    def had(self, tag: StripTag) -> bool:
        """Whether a strip of that index was there."""
        return tag.index < len(self.there) and bool(self.there[tag.index])

    def is_another_s(self, tag: StripTag, payload: Any, now: float) -> bool:
        """Whether a strip of this header is one of another frame: the sender has not numbered them, so their contents and the time must tell."""
        if tag.frame is not None:
            return False
        if (tag.count, tag.height) != (self.tag.count, self.tag.height):
            return True
        if not self.had(tag):
            return False
        return now - self.at > AGAIN_S or (self.payloads is not None and differ(self.payloads[tag.index], payload))


def differ(one: Any, other: Any) -> bool:
    """Whether two payloads hold other bytes."""
    return memoryview(one) != memoryview(other)
