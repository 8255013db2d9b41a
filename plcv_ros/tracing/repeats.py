# SPDX-License-Identifier: Apache-2.0
"""Frames that share a header's stamp and frame_id, told apart by the times of their events.

A driver that does not set the stamp, or a bag that begins again, gives many frames one name. What is known then: each node notes an event once a
frame, and frames do not overtake. So the events of each node are put together to frames first. The frames of the leading node, which is on the
camera's side, are the rows of the table; each frame of another node belongs to the latest of them that was published before it, and in their
order. A node has no more frames than there are rows: frames are counted exactly, and their latencies are the shortest that the times allow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from plcv_ros.tracing.events import CAMERA_EVENTS, DROPPED, EVENTS

WINDOW = 128
"""The latest frames of one name that an event may belong to: seconds of frames, as late as events come."""

Times = dict[int, int]
"""Column (index into EVENTS) -> ns."""

_DROPPED, _PUBLISHED = EVENTS.index(DROPPED), EVENTS.index("published")
_ENDS = {_PUBLISHED, EVENTS.index("labels_published"), _DROPPED}


@dataclass(eq=False)
class Part:
    """What one node told of one frame; ``slot``: the frame's row in the table, below 0 where it has none yet."""

    node: str
    times: Times
    slot: int = -1

    @property
    def start(self) -> int:
        """When the first that is known of it happened."""
        return min(self.times.values())

    @property
    def sent(self) -> int | None:
        """The time before which no other node can have had the frame; None where it was given up."""
        return None if _DROPPED in self.times and _PUBLISHED not in self.times else self.times.get(_PUBLISHED, self.start)

    def takes(self, column: int, time: int) -> bool:
        """Whether an event may be one of this frame: there is none yet, and it is in its order on the frame's way."""
        if column in self.times:
            return False
        return all(when == time or (other < column) == (when < time) for other, when in self.times.items() if other != _DROPPED)


class Repeats:
    """The latest frames of one name: ``told``, slot -> what each node has told of the frame there, and those that are added to it. An event is
    entered by `own`; a frame that it begins gets a slot by `needs_slot` and `place`; `settle` says which frames of nodes are in other rows then."""

    def __init__(self, told: Mapping[int, Iterable[tuple[str, Times]]]) -> None:
        self._parts: dict[str, list[Part]] = {}
        for slot, nodes in told.items():
            for node, times in nodes:
                self._parts.setdefault(node, []).append(Part(node, times, slot))
        for parts in self._parts.values():
            parts.sort(key=lambda part: part.start)
        self._known = {(part.node, column, time) for parts in self._parts.values() for part in parts for column, time in part.times.items()}
        self._alone: list[int] = []
        """Slots of frames that the leading node has not told of."""
        self._lead = ""
        self._choose_lead()

    def _choose_lead(self) -> None:
        if self._lead not in self._parts:
            self._lead = ""
        camera = [node for node, parts in self._parts.items() if any(column < len(CAMERA_EVENTS) for part in parts for column in part.times)]
        lead = min(camera or self._parts, key=lambda node: self._parts[node][0].start)
        if lead != self._lead and (not self._lead or (camera and self._lead not in camera)):
            self._alone = sorted({part.slot for parts in self._parts.values() for part in parts} - {part.slot for part in self._parts[lead]})
            self._lead = lead

    def knows(self, node: str, column: int, time: int) -> bool:
        """Whether this very event has been added."""
        return (node, column, time) in self._known

    def has_frame(self, node: str, column: int, time: int) -> bool:
        """Whether the frame of an event has been told of."""
        if self.knows(node, column, time) or self._own(node, column, time) is not None:
            return True
        if node == self._lead:
            return False
        taken = {part.slot for part in self._parts.get(node, ())}
        leading = self._parts[self._lead]
        later = max((k for k, part in enumerate(leading, 1) if part.slot in taken), default=0)
        return any(part.start <= time for part in leading[later:])

    def own(self, node: str, column: int, time: int) -> tuple[Part, bool]:
        """The node's frame that an event belongs to, entered there, and whether it is a new one, which `place` has to find a slot for."""
        self._known.add((node, column, time))
        part = self._own(node, column, time)
        if part is not None:
            part.times[column] = time
            return part, False
        part = Part(node, {column: time})
        parts = self._parts.setdefault(node, [])
        at = len(parts)
        while at and parts[at - 1].start > time:
            at -= 1
        parts.insert(at, part)
        return part, True

    def given_up_instead(self, part: Part) -> Part | None:
        """The frame that a ``dropped`` of this one belongs to, which was sent after all; it is moved there."""
        if _DROPPED not in part.times or not _ENDS & (part.times.keys() - {_DROPPED}):
            return None
        other = self._open(part.node, part.times[_DROPPED])
        if other is not None:
            other.times[_DROPPED] = part.times.pop(_DROPPED)
        return other

    def needs_slot(self, part: Part) -> bool:
        """Whether a new frame of a node is one more than there are rows."""
        self._choose_lead()
        if part.node == self._lead:
            return not self._alone
        return len(self._parts[part.node]) > len(self._parts[self._lead]) + len(self._alone)

    def place(self, part: Part, slot: int | None) -> None:
        """Give a new frame of a node its row: ``slot``, where it needs one."""
        if part.node == self._lead:
            part.slot = self._alone.pop(0) if slot is None else slot
        elif slot is not None:
            self._alone.append(slot)

    def settle(self) -> list[tuple[Part, int]]:
        """Match the frames of the other nodes with the rows; returns those whose slot has changed, with the slot before."""
        leading = self._parts[self._lead]
        changed = []
        for node, parts in self._parts.items():
            if node != self._lead:
                for part, slot in zip(parts, _match(parts, leading, self._alone)):
                    if part.slot != slot:
                        changed.append((part, part.slot))
                        part.slot = slot
        while len(leading) > WINDOW:
            self.forget(leading[0].slot)
        while len(self._alone) > WINDOW:
            self.forget(self._alone[0])
        return changed

    def forget(self, slot: int) -> None:
        """The frame in this slot takes no more events."""
        for parts in self._parts.values():
            for part in [part for part in parts if part.slot == slot]:
                parts.remove(part)
                self._known.difference_update((part.node, column, time) for column, time in part.times.items())
        self._parts = {node: parts for node, parts in self._parts.items() if parts}
        if slot in self._alone:
            self._alone.remove(slot)

    def _own(self, node: str, column: int, time: int) -> Part | None:
        if column == _DROPPED:
            return self._open(node, time)
        # The one that has just come to the step before; else the latest, and one that is said to be dropped last.
        best, least = None, 4
        for part in reversed(self._parts.get(node, ())):
            if part.takes(column, time):
                rank = 2 * (column - 1 not in part.times) + (_DROPPED in part.times)
                if rank == 0:
                    return part
                if rank < least:
                    best, least = part, rank
        return best

    def _open(self, node: str, time: int) -> Part | None:
        """The node's frame that was given up at ``time``: where two are on their way, the newer one took the place of the other."""
        found: list[Part] = []
        for part in reversed(self._parts.get(node, ())):
            if not _ENDS & part.times.keys() and max(part.times.values()) <= time:
                found.append(part)
                if len(found) == 2:
                    break
        return found[-1] if found else None


def _match(parts: list[Part], leading: list[Part], alone: list[int]) -> list[int]:
    """A slot for each of a node's frames, in their order: of the latest row that was sent before it, of any where there is none, else one of
    ``alone``."""
    slots = [-1] * len(parts)
    free = len(leading)
    for k in range(len(parts) - 1, -1, -1):
        # Those before it need rows too, as far as there are any.
        at = free - 1
        while at >= 0 and ((sent := leading[at].sent) is None or sent > parts[k].start):
            at -= 1
        if at < 0:
            break
        slots[k], free = leading[at].slot, at
    taken = set(slots)
    left = [part.slot for part in leading if part.slot not in taken] + alone
    without = [k for k, slot in enumerate(slots) if slot < 0]
    for k, slot in zip(without, left):
        slots[k] = slot
    return slots
