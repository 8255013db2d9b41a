# SPDX-License-Identifier: Apache-2.0
"""The table that joins the events of all nodes to one row a frame, in bounded memory."""

from __future__ import annotations

import csv
import threading
from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from plcv_ros.texts import csv_cell, from_csv_cell
from plcv_ros.tracing.events import CAMERA_EVENTS, DROPPED, EVENTS, REMOTE_EVENTS, FrameEvent
from plcv_ros.tracing.repeats import WINDOW, Part, Repeats
from plcv_ros.tracing.statistics import ENDS, OUTCOMES, STAGES, StageStatistics, Summary, durations

Times = npt.NDArray[np.int64]

_COLUMN = {event: i for i, event in enumerate(EVENTS)}

_MAX_NODES = 64
"""Events of more nodes than this are ignored and counted: a stray publisher must not grow the table without bound."""


_UNANNOUNCED_SHARE = 0.1
_UNANNOUNCED_LEAST = 1000
"""Of the table's rows, so many (or this number, if it is more) may be of frames that no camera has told of, where one tells of its frames: the remote
side's events may come before the camera's, by half a minute where a link was down."""

_MAX_REPEATS = 64
"""Keys that several frames share, looked at without gathering their events from the table anew."""


class FrameTimes(NamedTuple):
    """The rows of a table in order of appearance, as arrays over N frames."""

    frame_ids: list[str]
    stamps: Times
    """(N,) header stamps, ns."""
    times: dict[str, Times]
    """Event -> (N,) ns since 1970, 0 = no such event. ``dropped`` is split into ``dropped_camera`` and ``dropped_remote``."""


COUNTS = ("captured", "published", "received", *OUTCOMES)
"""What a summary counts: how far frames came, and what became of them."""


class FrameTable:
    """One row a frame, keyed by the header's frame_id and stamp; frames that share them are told apart by time (:mod:`plcv_ros.tracing.repeats`).
    Thread-safe.

    Holds the newest ``max_frames`` frames; older ones leave their statistics but stay counted. Events may be lost, doubled (the first
    counts) or come in any order. Where a camera tells of its frames, those that only remote nodes tell of have a bounded part of the table; more of
    their events are ignored and counted. With several remote nodes on one camera the table follows one of them: ``remote``, or the node that
    published most labels. ``nodes``: those that take part in the run, where that is known; where a frame's way ends (:attr:`end`) follows from what
    they do, unless ``end`` says it.
    """

    def __init__(self, max_frames: int = 20_000, remote: str | None = None, nodes: Sequence[str] = (), end: str | None = None) -> None:
        if max_frames < 1:
            raise ValueError(f"max_frames is {max_frames}, expected at least 1")
        self._max_frames = max_frames
        self._remote = remote
        self._taking_part = tuple(nodes)
        self._known_end = end
        self._lock = threading.Lock()
        self._keys: list[tuple[str, int]] = []  # by slot; once full, the slots are a ring
        self._slots: dict[tuple[str, int], int] = {}
        """Of the latest frame of each key."""
        self._shared: dict[tuple[str, int], deque[int]] = {}
        """All of them, of the keys that several frames have."""
        self._repeats: OrderedDict[tuple[str, int], Repeats] = OrderedDict()
        """Of those of them that events came for of late."""
        self._repeated = 0
        self._seen = 0
        self._arrivals = np.zeros(max_frames, np.int64)  # of the latest event of each slot
        self._nodes: dict[str, Times] = {}  # node -> (max_frames, events) ns
        self._counts: dict[str, list[int]] = {}  # node -> events by kind, since the start
        self._forgotten = dict.fromkeys(COUNTS, 0)
        self._unannounced: set[int] = set()
        """Slots of frames that no camera has told of."""
        self._announces = False
        self._duplicates = 0
        self._unknown = 0
        self._ends_ns = dict.fromkeys(ENDS, (0, 0, 0))  # event -> arrival of the first and the last, number

    def __len__(self) -> int:
        return len(self._keys)

    @property
    def repeated(self) -> int:
        """Frames whose stamp and frame_id an earlier frame had."""
        return self._repeated

    def has(self, event: FrameEvent) -> bool:
        """Whether the frame of an event is in the table."""
        with self._lock:
            slot, column = self._slots.get((event.frame_id, event.stamp_ns)), _COLUMN.get(event.event)
            if slot is None or column is None:
                return slot is not None
            cells = self._nodes.get(event.node)
            key = (event.frame_id, event.stamp_ns)
            if key not in self._shared and (cells is None or cells[slot, column] in (0, event.time_ns)):
                return True
            return self._repeats_of(key, slot).has_frame(event.node, column, event.time_ns)

    def add(self, event: FrameEvent, arrival_ns: int | None = None) -> None:
        """Enter one event. ``arrival_ns``: when it arrived, by a clock that never jumps (the event's own time where None): by it frames are
        told to be on their way or recent. An odd event (unknown name, no time, a 65th node) never raises: the summary's ``unknown`` counts it."""
        with self._lock:
            column = _COLUMN.get(event.event)
            if column is None or event.time_ns <= 0 or (event.node not in self._nodes and len(self._nodes) >= _MAX_NODES):
                self._unknown += 1
                return
            if event.node not in self._nodes:
                self._nodes[event.node] = np.zeros((self._max_frames, len(EVENTS)), np.int64)
                self._counts[event.node] = [0] * len(EVENTS)
            if self._is_unheard_of(event):
                self._unknown += 1
                return
            slot = self._slot_of(event, column)
            if slot is None:
                self._duplicates += 1
                return
            self._enter(slot, event, column, event.time_ns if arrival_ns is None else arrival_ns)

    def _is_unheard_of(self, event: FrameEvent) -> bool:
        """Whether an event is of a frame that no camera has told of, and there are too many of those already."""
        if event.event in CAMERA_EVENTS or (event.frame_id, event.stamp_ns) in self._slots:
            return False
        most = max(_UNANNOUNCED_LEAST, round(_UNANNOUNCED_SHARE * self._max_frames))
        return self._announces and len(self._unannounced) >= most

    def _enter(self, slot: int, event: FrameEvent, column: int, arrival: int) -> None:
        self._nodes[event.node][slot, column] = event.time_ns
        self._arrivals[slot] = max(self._arrivals[slot], arrival)
        self._counts[event.node][column] += 1
        if event.event in CAMERA_EVENTS:
            self._announces = True
            self._unannounced.discard(slot)
        if event.event in ENDS and not any(other[slot, column] for node, other in self._nodes.items() if node != event.node):
            first, last, number = self._ends_ns[event.event]
            self._ends_ns[event.event] = (min(first or arrival, arrival), max(last, arrival), number + 1)

    def _slot_of(self, event: FrameEvent, column: int) -> int | None:
        """The slot of an event's frame; None where the event has been entered before."""
        key, cells = (event.frame_id, event.stamp_ns), self._nodes[event.node]
        slot = self._slots.get(key)
        if slot is None:
            return self._new_slot(key)
        if key not in self._shared and cells[slot, column] in (0, event.time_ns):
            return None if cells[slot, column] else slot
        return self._slot_of_repeated(self._repeats_of(key, slot), key, event, column)

    def _repeats_of(self, key: tuple[str, int], slot: int) -> Repeats:
        """What tells the frames of a key apart; ``slot``: of the latest of them."""
        repeats = self._repeats.get(key)
        if repeats is None:
            slots = self._shared.setdefault(key, deque([slot]))
            repeats = self._repeats[key] = Repeats({one: self._told(one) for one in list(slots)[-WINDOW:]})
            if len(self._repeats) > _MAX_REPEATS:
                self._repeats.popitem(last=False)
        else:
            self._repeats.move_to_end(key)
        return repeats

    def _slot_of_repeated(self, repeats: Repeats, key: tuple[str, int], event: FrameEvent, column: int) -> int | None:
        if repeats.knows(event.node, column, event.time_ns):
            return None
        part, new = repeats.own(event.node, column, event.time_ns)
        if new:
            slot = None
            if repeats.needs_slot(part):
                slot = self._new_slot(key)
                self._shared.setdefault(key, deque()).append(slot)
                self._repeats[key] = repeats
                self._repeated += 1
            repeats.place(part, slot)
        dropped = repeats.given_up_instead(part)
        if dropped is not None:
            cells, at = self._nodes[event.node], _COLUMN[DROPPED]
            cells[dropped.slot, at], cells[part.slot, at] = cells[part.slot, at], 0
        if new or event.event in {"published", DROPPED}:
            self._move(repeats.settle())
        return part.slot

    def _move(self, changed: list[tuple[Part, int]]) -> None:
        """Frames of nodes turn out to be in other rows than before."""
        for part, before in changed:
            if before >= 0:
                self._nodes[part.node][before] = 0
        for part, before in changed:
            if before >= 0:
                for column, time in part.times.items():
                    self._nodes[part.node][part.slot, column] = time
                self._arrivals[part.slot] = max(self._arrivals[part.slot], self._arrivals[before])

    def _told(self, slot: int) -> list[tuple[str, dict[int, int]]]:
        """What each node has told of the frame in a slot."""
        told = [(node, {int(column): int(cells[slot, column]) for column in np.flatnonzero(cells[slot])}) for node, cells in self._nodes.items()]
        return [(node, times) for node, times in told if times]

    def _new_slot(self, key: tuple[str, int]) -> int:
        """The slot of a new frame, that of the oldest once the table is full."""
        slot = self._seen % self._max_frames
        self._seen += 1
        if len(self._keys) < self._max_frames:
            self._keys.append(key)
        else:
            gone = self._times(np.array([slot]))
            for name, number in _count(gone, _outcomes(gone, self._end())).items():
                self._forgotten[name] += number
            self._arrivals[slot] = 0
            self._forget(self._keys[slot], slot)
            self._keys[slot] = key
            for cells in self._nodes.values():
                cells[slot] = 0
        self._slots[key] = slot
        self._unannounced.add(slot)
        return slot

    def _forget(self, key: tuple[str, int], slot: int) -> None:
        repeats = self._repeats.get(key)
        if repeats is not None:
            repeats.forget(slot)
        slots = self._shared.get(key)
        if slots is not None:
            slots.remove(slot)  # the oldest
            if not slots:
                del self._shared[key]
                self._repeats.pop(key, None)
        if self._slots.get(key) == slot:
            del self._slots[key]

    def _side(self, events: tuple[str, ...]) -> tuple[str, ...]:
        """Nodes of a side, the busiest first: those that ever sent one of its events."""
        number = {node: sum(counts[_COLUMN[e]] for e in events) for node, counts in self._counts.items()}
        return tuple(sorted((n for n in number if number[n]), key=lambda n: -number[n]))

    def _remote_nodes(self) -> tuple[str, ...]:
        nodes = self._side(REMOTE_EVENTS)
        if self._remote is not None:
            return tuple(n for n in nodes if n == self._remote)
        return tuple(sorted(nodes, key=lambda n: -self._counts[n][_COLUMN["labels_published"]]))

    @property
    def end(self) -> str:
        """The last event of a frame that came to its end, one of :data:`~plcv_ros.tracing.statistics.ENDS`."""
        with self._lock:
            return self._end()

    def _end(self) -> str:
        if self._known_end is not None:
            return self._known_end
        remote = self._remote_nodes()[:1]
        if remote:
            counts = self._counts[remote[0]]
            return "labels_published" if counts[_COLUMN["inference_end"]] or counts[_COLUMN["labels_published"]] else "decode_end"
        # A node that takes part and was never heard may be the one that never received anything.
        return "published" if self._taking_part and all(node in self._counts for node in self._taking_part) else "labels_published"

    def _times(self, slots: npt.NDArray[np.intp]) -> dict[str, Times]:
        """Event -> (N,) times of the rows in ``slots``."""

        def earliest(nodes: tuple[str, ...], event: str) -> Times:
            best = np.zeros(slots.size, np.int64)
            for node in nodes:
                column = self._nodes[node][slots, _COLUMN[event]]
                best = np.where((best == 0) | ((column != 0) & (column < best)), column, best)
            return best

        camera = self._side(CAMERA_EVENTS)
        remote = self._remote_nodes()[:1]
        times = {event: earliest(camera, event) for event in CAMERA_EVENTS}
        # The encoder of an existing camera publishes what another node captured; raw and encoded topics may both be published. The stage
        # that leads to the remote side starts at the last of these.
        for node in camera:
            times["published"] = np.maximum(times["published"], self._nodes[node][slots, _COLUMN["published"]])
        times.update({event: earliest(remote, event) for event in REMOTE_EVENTS})
        times["dropped_camera"] = earliest(camera, DROPPED)
        times["dropped_remote"] = earliest(remote, DROPPED)
        return times

    def times(self) -> FrameTimes:
        """The frames in the table, oldest first."""
        with self._lock:
            return self._ordered()

    def _in_order(self) -> npt.NDArray[np.intp]:
        """Slots, the oldest frame first."""
        size = len(self._keys)
        return (np.arange(size) + (self._seen if size == self._max_frames else 0)) % max(size, 1)

    def _ordered(self) -> FrameTimes:
        slots = self._in_order()
        keys = [self._keys[i] for i in slots]
        return FrameTimes([k[0] for k in keys], np.array([k[1] for k in keys], np.int64), self._times(slots))

    def summary(self, settle_s: float = 0.0, recent_s: float = 0.0, now_ns: int | None = None) -> Summary:
        """Numbers of the run so far. Frames not finished whose last event arrived less than ``settle_s`` before ``now_ns`` (default: the
        newest arrival) count as in flight rather than lost: give about 1 while frames flow, 0 at the end. ``recent_s`` > 0 limits the
        durations (not the counts) to the frames of the last so many seconds."""
        with self._lock:
            slots = self._in_order()
            times, arrivals, end = self._times(slots), self._arrivals[slots], self._end()
            now = int(arrivals.max(initial=0)) if now_ns is None else now_ns
            counts = _count(times, _outcomes(times, end, arrivals > now - round(settle_s * 1e9) if settle_s > 0 else None))
            for name, number in self._forgotten.items():
                counts[name] += number
            first, last, finished = self._ends_ns[end]
            if recent_s > 0:
                recent = arrivals >= now - round(recent_s * 1e9)
                times = {event: column[recent] for event, column in times.items()}
            stages = {stage: StageStatistics.of(values) for stage, values in durations(times, end).items()}
            return Summary(
                **counts,
                end=end,
                rate=(finished - 1) / ((last - first) / 1e9) if last > first else 0.0,
                stages={stage: statistics for stage, statistics in stages.items() if statistics is not None},
                camera_nodes=self._side(CAMERA_EVENTS),
                remote_nodes=self._remote_nodes(),
                duplicates=self._duplicates,
                stamps_repeated=self._repeated,
                unknown=self._unknown,
            )

    def account_for(self, counts: Mapping[str, int]) -> None:
        """Make :meth:`summary` count ``counts`` frames in all (name of :data:`COUNTS` -> number): those of them that are not in
        the table were there once, and their places were taken by later ones."""
        with self._lock:
            times = self._times(self._in_order())
            for name, number in _count(times, _outcomes(times, self._end())).items():
                self._forgotten[name] = max(counts.get(name, 0) - number, 0)

    def outcomes(self) -> list[str]:
        """What became of each frame of :meth:`times`, should no more events come: one of ``statistics.OUTCOMES``."""
        return [OUTCOMES[i] for i in _outcomes(self.times().times, self.end)]

    def write_csv(self, path: str | Path) -> None:
        """One line a frame, oldest first: frame_id, stamp_ns, outcome, the time of every event (ns, empty = none), the stages (ms)."""
        rows, end = self.times(), self.end
        outcomes = _outcomes(rows.times, end)
        stages = durations(rows.times, end)
        with Path(path).open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["frame_id", "stamp_ns", "outcome", *(f"{e}_ns" for e in rows.times), *(f"{s}_ms" for s in STAGES)])
            for i, (frame_id, stamp) in enumerate(zip(rows.frame_ids, rows.stamps)):
                events = [int(column[i]) or "" for column in rows.times.values()]
                values = ["" if np.isnan(stages[s][i]) else f"{stages[s][i]:.4f}" for s in STAGES]
                writer.writerow([csv_cell(frame_id), int(stamp), OUTCOMES[outcomes[i]], *events, *values])

    @classmethod
    def read_csv(
        cls,
        path: str | Path,
        camera_nodes: Sequence[str] = ("camera",),
        remote_nodes: Sequence[str] = ("segmentation",),
        end: str | None = None,
    ) -> FrameTable:
        """The table that :meth:`write_csv` wrote. A file does not say which node sent an event: those of a side are given to its first node.
        Raises ValueError naming the file where it is something else."""
        camera, remote = (nodes[0] if nodes else name for nodes, name in ((camera_nodes, "camera"), (remote_nodes, "segmentation")))
        with Path(path).open(newline="", encoding="utf-8") as file:
            lines = csv.DictReader(file)
            if not {"frame_id", "stamp_ns", "captured_ns"} <= set(lines.fieldnames or ()):
                raise ValueError(f"{path}: expected the columns frame_id, stamp_ns, captured_ns, ... of a latency report")
            rows = list(lines)
        table = cls(max_frames=max(len(rows), 1), end=end)
        seen: set[tuple[str, int]] = set()
        columns = {**{e: (camera, e) for e in (*CAMERA_EVENTS,)}, **{e: (remote, e) for e in REMOTE_EVENTS}}
        columns |= {"dropped_camera": (camera, DROPPED), "dropped_remote": (remote, DROPPED)}
        for number, row in enumerate(rows, 2):
            try:
                key = from_csv_cell(row["frame_id"]), int(row["stamp_ns"])
                told = [FrameEvent(*key, node, event, int(row[f"{c}_ns"])) for c, (node, event) in columns.items() if row.get(f"{c}_ns")]
            except ValueError as error:
                raise ValueError(f"{path}, line {number}: {error}") from error
            table._add_frame(key, told)
            table._repeated += key in seen
            seen.add(key)
        return table

    def _add_frame(self, key: tuple[str, int], told: Sequence[FrameEvent]) -> None:
        """A frame of its own, with all that is known of it."""
        told = [event for event in told if event.time_ns > 0]
        slot = self._new_slot(key) if told else 0
        for event in told:
            self._nodes.setdefault(event.node, np.zeros((self._max_frames, len(EVENTS)), np.int64))
            self._counts.setdefault(event.node, [0] * len(EVENTS))
            self._enter(slot, event, _COLUMN[event.event], event.time_ns)


def _outcomes(times: dict[str, Times], end: str, moving: npt.NDArray[np.bool_] | None = None) -> npt.NDArray[np.intp]:
    """(N,) index into OUTCOMES for every row; ``end``: the event that ends a frame's way; ``moving``: (N,) rows that may still get events."""
    finished = times[end] != 0
    received = np.any([times[e] != 0 for e in (*REMOTE_EVENTS, "dropped_remote")], axis=0)
    dropped_camera = times["dropped_camera"] != 0
    moving = np.zeros(finished.size, bool) if moving is None else moving
    published = times["published"] != 0
    return np.select(
        [
            finished & (end != "published"),
            times["dropped_remote"] != 0,
            ~received & dropped_camera,
            finished,
            moving,
            received,  # arrived, and then nothing: its node ended or was restarted
            published,
        ],
        [
            OUTCOMES.index(ENDS[end]),
            OUTCOMES.index("dropped_remote"),
            OUTCOMES.index("dropped_camera"),
            OUTCOMES.index(ENDS[end]),
            OUTCOMES.index("in_flight"),
            OUTCOMES.index("dropped_remote"),
            OUTCOMES.index("lost"),
        ],
        OUTCOMES.index("dropped_camera"),
    )


def _count(times: dict[str, Times], outcomes: npt.NDArray[np.intp]) -> dict[str, int]:
    """How many rows came how far; later events imply earlier ones."""
    received = np.any([times[e] != 0 for e in (*REMOTE_EVENTS, "dropped_remote")], axis=0)
    published = received | (times["published"] != 0)
    counts = {"captured": int(outcomes.size), "published": int(published.sum()), "received": int(received.sum())}
    counts.update({name: int(np.sum(outcomes == i)) for i, name in enumerate(OUTCOMES)})
    return counts
