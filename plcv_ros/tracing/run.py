# SPDX-License-Identifier: Apache-2.0
"""Everything that is known of one run: the frames, the clocks, the use of the link; and the folder that a report of it fills."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from plcv_ros.texts import number
from plcv_ros.tracing.clock import ClockEstimate
from plcv_ros.tracing.history import Histories
from plcv_ros.tracing.table import COUNTS, FrameTable
from plcv_ros.writing import replacing

CLOCK_COLUMNS = ("offset_ms", "uncertainty_ms", "drift_ppm", "round_trip_ms")
LINK_COLUMNS = ("megabit_per_second", "frames_per_second")

FILES = {
    "latency.html": "the report for people: open it in a browser",
    "latency.json": "counts, percentiles, clocks",
    "frames.csv": "every frame: events, stages, what became of it",
    "clocks.csv": "offset and uncertainty of every node's clock over time",
    "links.csv": "what every node sent or received over time",
}


@dataclass(frozen=True)
class ClockState:
    """One node's clock against that of the computer where the events are joined; ms, drift in us a second."""

    offset_ms: float
    """What times were corrected by: 0 on one computer."""
    uncertainty_ms: float
    measured_offset_ms: float
    """What the exchange measured."""
    measured_uncertainty_ms: float
    drift_ppm: float
    round_trip_ms: float
    same_computer: bool
    steps: int
    exchanges: int

    @classmethod
    def of(cls, used: ClockEstimate, measured: ClockEstimate, *, same_computer: bool, steps: int, exchanges: int) -> ClockState:
        """From estimates in ns."""
        return cls(
            offset_ms=used.offset_ns / 1e6,
            uncertainty_ms=used.uncertainty_ns / 1e6,
            measured_offset_ms=measured.offset_ns / 1e6,
            measured_uncertainty_ms=measured.uncertainty_ns / 1e6,
            drift_ppm=used.drift_ppm,
            round_trip_ms=measured.round_trip_ns / 1e6,
            same_computer=same_computer,
            steps=steps,
            exchanges=exchanges,
        )

    def as_dict(self) -> dict[str, Any]:
        """For JSON and /diagnostics."""
        return asdict(self)


MAX_CHANGES = 1000


class CodecChange(NamedTuple):
    """A node's codec has another setting, or its frames another network, from ``time_ns`` on (the clock of the frames' times); ``text`` says which,
    and why."""

    time_ns: int
    node: str
    text: str


@dataclass
class Run:
    """Filled while frames flow; ``write`` makes the report."""

    table: FrameTable
    clock_sync: str = "dds"
    """``dds``: times are corrected by measured offsets; ``external``: they are taken as they are."""
    title: str = ""
    clocks: dict[str, ClockState] = field(default_factory=dict)
    clock_history: Histories = field(default_factory=lambda: Histories(CLOCK_COLUMNS))
    links: Histories = field(default_factory=lambda: Histories(LINK_COLUMNS))
    changes: deque[CodecChange] = field(default_factory=lambda: deque(maxlen=MAX_CHANGES))
    """The newest ones, oldest first."""
    odd_events: int = 0
    """Messages that are no frame events."""
    uncorrected_events: int = 0
    dropped_events: int = 0

    def note_clock(self, node: str, time_ns: int, state: ClockState) -> None:
        """How a node's clock stands now."""
        self.clocks[node] = state
        self.clock_history.add(node, time_ns, state.measured_offset_ms, state.measured_uncertainty_ms, state.drift_ppm, state.round_trip_ms)

    def one_way_uncertainty_ms(self, senders: tuple[str, ...], receivers: tuple[str, ...]) -> float:
        """By how much times that begin at one of ``senders`` and end at one of ``receivers`` may be wrong because of the clocks."""
        return sum(max((self._uncertainty_ms(name) for name in names), default=0.0) for names in (senders, receivers))

    def _uncertainty_ms(self, node: str) -> float:
        state = self.clocks.get(node)
        if state is None:
            return 0.0
        if self.clock_sync == "dds":
            return state.uncertainty_ms
        # An offset that was not corrected is an error as far as it was measured.
        return abs(state.offset_ms) + state.uncertainty_ms

    def clock_complaint(self) -> str:
        """What a person should know of the clocks; empty where all is well."""
        if self.clock_sync != "external":
            return ""
        wrong = {name: c for name, c in self.clocks.items() if abs(c.offset_ms) > c.uncertainty_ms}
        return ", ".join(
            f"the clock of {name} is off by {c.offset_ms:+.3g} ms (+- {c.uncertainty_ms:.2g}) though clock_sync is external"
            for name, c in wrong.items()
        )

    def as_dict(self) -> dict[str, Any]:
        """What ``latency.json`` holds."""
        summary = self.table.summary()
        return {
            "title": self.title,
            **summary.as_dict(),
            "odd_events": self.odd_events,
            "uncorrected_events": self.uncorrected_events,
            "dropped_events": self.dropped_events,
            "codec_changes": [change._asdict() for change in self.changes],
            "clock_sync": self.clock_sync,
            "clocks": {name: state.as_dict() for name, state in self.clocks.items()},
            "transport_uncertainty_ms": self.one_way_uncertainty_ms(summary.camera_nodes, summary.remote_nodes[:1]),
        }

    def write(self, folder: Path) -> tuple[str, ...]:
        """Write all files into ``folder``, which is made where it is missing; returns their names. Raises OSError."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, write in (("frames.csv", self.table.write_csv), ("clocks.csv", self.clock_history.write_csv), ("links.csv", self.links.write_csv)):
            with replacing(folder / name) as path:
                write(path)
        with replacing(folder / "latency.json") as path:
            path.write_text(json.dumps(self.as_dict(), indent=1) + "\n", encoding="utf-8")
        self.write_html(folder)
        return tuple(FILES)

    def write_html(self, folder: Path) -> None:
        """Write ``latency.html`` alone. Raises OSError."""
        from plcv_ros.tracing.report import html_report

        with replacing(folder / "latency.html") as path:
            path.write_text(html_report(self), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Run:
        """The run that :meth:`write` has left in ``folder``. Raises OSError, and ValueError naming a file that is something else."""
        path = folder / "latency.json"
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            run = cls(
                FrameTable.read_csv(folder / "frames.csv", content["camera_nodes"], content["remote_nodes"], content.get("end")),
                clock_sync=content["clock_sync"],
                title=content.get("title", ""),
                clocks={name: ClockState(**state) for name, state in content["clocks"].items()},
                clock_history=Histories.read_csv(folder / "clocks.csv"),
                links=Histories.read_csv(folder / "links.csv"),
                changes=deque((CodecChange(**change) for change in content.get("codec_changes", ())), maxlen=MAX_CHANGES),
                odd_events=content["odd_events"],
                uncorrected_events=content["uncorrected_events"],
                dropped_events=content["dropped_events"],
            )
            # Reports of version 0.1 had one end of a run alone.
            counts = {"decoded": 0, "sent": 0, **content}
            run.table.account_for({name: int(counts[name]) for name in COUNTS})
        except (KeyError, TypeError, json.JSONDecodeError) as error:
            raise ValueError(f"{path}: not a latency report ({type(error).__name__}: {error})") from error
        return run


class LinkMeter:
    """Rates of what nodes send and receive, from the counters that they publish once a second."""

    def __init__(self, links: Histories) -> None:
        self._links = links
        self._last: dict[str, tuple[float, float, float]] = {}

    def add(self, node: str, time_ns: int, now_s: float, values: Mapping[str, str]) -> None:
        """The counters of a node at ``now_s`` (monotonic): ``bytes``, and ``published`` or ``received`` frames. Others are ignored."""
        # A sender counts the bytes of what it encoded, of which it may have dropped a part unsent.
        sends = "published" in values and "encoded" in values
        total = number(values.get("bytes", ""), low=0.0)
        frames = number(values.get("published" if sends else "received", ""), low=0.0)
        encoded = number(values.get("encoded", 0), low=0.0)
        if total is None or frames is None or encoded is None:
            return
        if encoded:
            total *= min(1.0, frames / encoded)
        last = self._last.get(node)
        self._last[node] = (now_s, total, frames)
        if last is not None and now_s - last[0] > 0.2 and frames >= last[2]:
            elapsed = now_s - last[0]
            self._links.add(node, time_ns, 8 * max(total - last[1], 0.0) / 1e6 / elapsed, (frames - last[2]) / elapsed)
