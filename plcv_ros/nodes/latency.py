# SPDX-License-Identifier: Apache-2.0
"""The latency node: joins the frame events of the graph's nodes, reports on ``/diagnostics``, and writes the report at its end.

Runs anywhere in the graph. It measures by how much the clocks of the other computers differ from its own and moves all times to its own;
:mod:`plcv_ros.tracing` does the computing.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from sensor_msgs.msg import TimeReference
from std_msgs.msg import String

from plcv_ros.nodes import compat, qos
from plcv_ros.nodes.checks import MAX_VALUES
from plcv_ros.nodes.clock import Clocks
from plcv_ros.nodes.diagnostics import OK, STALE, WARN, Status
from plcv_ros.nodes.node import FrameNode, NodeError
from plcv_ros.nodes.origin import Owner, Publishers, gid_of
from plcv_ros.nodes.polled import PolledSubscription
from plcv_ros.nodes.runner import run
from plcv_ros.texts import shown
from plcv_ros.tracing import FrameEvent, FrameTable, split_source
from plcv_ros.tracing.alignment import Aligner
from plcv_ros.tracing.appearance import ENDS
from plcv_ros.tracing.run import MAX_CHANGES, ClockState, CodecChange, LinkMeter, Run
from plcv_ros.writing import probe

SETTLE_S = 1.0
"""A frame without news for so long is not on its way any more."""

STALE_AFTER_S = 3.0

POLL_PERIOD_S = 0.2

POLL_LIMIT = 2000
"""Events taken of one node at a time: a flood must not keep the node from everything else."""

SAMPLE_PERIOD_S = 1.0

LINGER_S = 2.5
"""At the end, nodes that end at the same moment still tell of their last frames: until they are gone, but no longer than this."""


MAX_CHANGE = 1000
"""Characters of the text of a change of codec or network."""


class _OwnedInbox:
    """The messages of a topic that its owner has sent; others are counted and said once."""

    def __init__(self, node: FrameNode, message_type: Any, topic: str, profile: Any, owner: str) -> None:
        self._node, self._topic, self._name = node, topic, owner
        self._subscription = PolledSubscription(node, message_type, topic, profile)
        self._owner = Owner(Publishers(node, node.resolve_topic_name(topic)), owner)

    def take(self, limit: int) -> Iterator[Any]:
        """Those that lie ready, at most ``limit``."""
        for message, info in self._subscription.take(limit):
            if self._owner.accepts(info):
                yield message
            else:
                self._node.checks.refuse("stranger", self._topic, f"it comes from {shown(self._owner.stranger)}, expected {self._name}")


class LatencyNode(FrameNode):
    """Subscribes ``<node>/frame_events`` of the nodes in its parameter ``nodes``."""

    stop_limit_s = 120.0
    """A report of a long run, with its picture, takes that long on a small computer."""

    def __init__(self) -> None:
        super().__init__("latency")
        if self.text("output_directory"):
            # Found now, not after an hour of frames.
            try:
                probe(Path(self.text("output_directory")).expanduser())
            except OSError as error:
                raise NodeError(f"parameter output_directory: {error.filename}: {error.strerror}") from error
        self._last_event = 0.0
        self._odd = 0
        self._repeated_told = False
        self._unsettled: deque[CodecChange] = deque(maxlen=MAX_CHANGES)
        names = [name.strip() for name in self.text("nodes").split(",") if name.strip()]
        self._topics = tuple(self.resolve_topic_name(f"{name}/frame_events") for name in names)
        self._followed = tuple(topic.removesuffix("/frame_events").strip("/") for topic in self._topics)
        self.table = FrameTable(max_frames=self.integer("max_frames"), nodes=self._followed)
        self._run = Run(self.table, clock_sync=self.text("clock_sync"))
        self._clocks = Clocks(self, self._followed)
        self._aligner = Aligner(self._enter, self._clocks, correct=self.text("clock_sync") == "dds")
        self._end_ns: int | None = None
        self._of_later_frames: list[tuple[FrameEvent, int]] = []
        self._meter = LinkMeter(self._run.links)
        self._inboxes = [
            (_OwnedInbox(self, TimeReference, f"{name}/frame_events", qos.events(), owner), owner) for name, owner in zip(names, self._followed)
        ]
        self._diagnosed_by = Publishers(self, "/diagnostics")
        self._diagnostics_inbox = PolledSubscription(self, DiagnosticArray, "/diagnostics", 100)
        self._changes_inboxes = [
            (name, _OwnedInbox(self, String, f"/{name}/{what}_changes", qos.latched(keep=qos.KEPT_CHANGES), name))
            for name in self._followed
            for what in ("codec", "checkpoint")
        ]
        self.create_timer(POLL_PERIOD_S, self._poll, clock=compat.steady_clock())
        self.create_timer(SAMPLE_PERIOD_S, self._sample, clock=compat.steady_clock())
        self.get_logger().info(f"following the frames of {', '.join(names) or 'no node'}")

    def _poll(self) -> None:
        for inbox, owner in self._inboxes:
            for message in inbox.take(POLL_LIMIT):
                self._on_event(message, owner)
        for message, info in self._diagnostics_inbox.take(POLL_LIMIT):
            self._on_diagnostics(message, info)
        for name, inbox in self._changes_inboxes:
            for message in inbox.take(POLL_LIMIT):
                self._on_change(name, message.data)
        self._aligner.release(time.monotonic_ns())

    def _on_event(self, message: Any, owner: str) -> None:
        wall_ns, arrival_ns = time.time_ns(), time.monotonic_ns()
        try:
            node, event = split_source(message.source)
            if node != owner:
                raise ValueError(f"frame event of {shown(node)} on the topic of {owner}")
        except ValueError as error:
            if not self._odd:
                self.get_logger().warning(f"{error}; further ones are counted only")
            self._odd += 1
            return
        self._last_event = arrival_ns / 1e9
        header, when = message.header, message.time_ref
        stamp = header.stamp
        stamp_ns = stamp.sec * 1_000_000_000 + stamp.nanosec
        self._aligner.add(FrameEvent(header.frame_id, stamp_ns, node, event, when.sec * 1_000_000_000 + when.nanosec), wall_ns, arrival_ns)

    def _enter(self, event: FrameEvent, arrival_ns: int) -> None:
        """Into the table; once the node is to end, frames that began before that alone."""
        if self._end_ns is not None and event.time_ns > self._end_ns and not self.table.has(event):
            self._of_later_frames.append((event, arrival_ns))
            return
        self.table.add(event, arrival_ns)
        if self.table.repeated and not self._repeated_told:
            self._repeated_told = True
            self.get_logger().warning(
                f"frames have the stamp ({event.stamp_ns / 1e9:.9f}) and frame_id ({event.frame_id!r}) of earlier ones: they are told apart by time, "
                "and their latencies are the shortest that the times allow. Let the camera driver set header.stamp to the time of each capture; "
                "more of them are only counted (stamps_repeated)"
            )

    def _linger(self) -> None:
        """Take what the nodes have still to tell of frames that have begun."""
        self._end_ns = time.time_ns()
        self.get_logger().info("waiting for the last events")
        deadline = time.monotonic() + LINGER_S
        while time.monotonic() < deadline and any(self.count_publishers(topic) for topic in self._topics):
            time.sleep(POLL_PERIOD_S / 4)
            self._poll()
        self._poll()
        self._aligner.flush()
        # The remote side may have told of a frame before the camera said that it had begun.
        for event, arrival_ns in self._of_later_frames:
            if self.table.has(event):
                self.table.add(event, arrival_ns)

    def _on_diagnostics(self, message: Any, info: Any) -> None:
        gid = gid_of(info)
        for status in message.status:
            node = status.name.partition(":")[0]
            if node not in self._followed:
                continue
            if (gid is not None and self._diagnosed_by.name(gid) != node) or len(status.values) > MAX_VALUES:
                self.checks.refuse("stranger", "/diagnostics", f"status of {node} that another node has sent")
            else:
                self._meter.add(node, time.time_ns(), time.monotonic(), {pair.key: pair.value for pair in status.values})

    def _on_change(self, name: str, text: str) -> None:
        """``<time in ns, by the node's clock> <what>``."""
        when, _, what = text.partition(" ")
        if len(text) > MAX_CHANGE or not when.isdecimal() or len(when) > 19 or not what:
            self._odd += 1
            return
        self._unsettled.append(CodecChange(int(when), name, what))
        self._settle_changes()

    def _settle_changes(self, last: bool = False) -> None:
        """Move changes to the local clock as soon as that of their node is known; those of before (latched) may come first. ``last``: as they are."""
        dds = self.text("clock_sync") == "dds"
        for _ in range(len(self._unsettled)):
            change = self._unsettled.popleft()
            estimate = self._clocks.estimate(change.node) if dds else None
            if estimate is None and dds and not last:
                self._unsettled.append(change)
            else:
                self._run.changes.append(change._replace(time_ns=change.time_ns - (0 if estimate is None else estimate.offset_ns)))

    def _sample(self) -> None:
        """Note how the clocks stand."""
        self._settle_changes()
        now = time.monotonic()
        for name in self._followed:
            clock = self._clocks.clock(name)
            measured = None if clock is None else clock.estimate(now)
            if clock is None or measured is None:
                continue
            used = self._clocks.estimate(name) or measured
            state = ClockState.of(used, measured, same_computer=self._clocks.same_computer(name), steps=clock.steps, exchanges=clock.exchanges)
            self._run.note_clock(name, time.time_ns(), state)

    def status(self) -> Status:
        """Counts since the start, and percentiles over the last ``window_s`` seconds."""
        now_ns = time.monotonic_ns()
        summary = self.table.summary(settle_s=SETTLE_S, recent_s=self.number("window_s"), now_ns=now_ns)
        values: dict[str, object] = {
            "captured": summary.captured,
            "published": summary.published,
            "received": summary.received,
            "segmented": summary.segmented,
            "decoded": summary.decoded,
            "sent": summary.sent,
            "dropped_camera": summary.dropped_camera,
            "lost": summary.lost,
            "dropped_remote": summary.dropped_remote,
            "in_flight": summary.in_flight,
            "segmented_per_second": summary.rate if summary.end == "labels_published" else 0.0,
            "end": summary.end,
            "finished_per_second": summary.rate,
            "stamps_repeated": summary.stamps_repeated,
            "odd_events": self._odd + summary.unknown,
            "uncorrected_events": self._aligner.uncorrected,
            "dropped_events": self._aligner.dropped,
        }
        for stage, statistics in summary.stages.items():
            for name in ("p50", "p95", "p99"):
                values[f"{stage}_{name}_ms"] = float(getattr(statistics, name))
        for name in self._followed:
            state = self._run.clocks.get(name)
            if state is not None:
                values.update({f"clock_{name}_{key}": value for key, value in state.as_dict().items()})
        values["transport_uncertainty_ms"] = self._run.one_way_uncertainty_ms(summary.camera_nodes, summary.remote_nodes[:1])
        if not self._last_event:
            return Status(OK, "no frame yet", values)
        silent = now_ns / 1e9 - self._last_event
        if silent > STALE_AFTER_S:
            return Status(STALE, f"no frame event for {silent:.0f} s", values)
        total = summary.stages.get("total")
        words = ENDS[summary.end]
        place = words.place.removeprefix("the ")
        text = f"camera to {place} {total.p50:.1f} ms (median)" if total else f"frames, but none {words.done} yet"
        complaint = self._run.clock_complaint()
        return Status(WARN, f"{text}; {complaint}", values) if complaint else Status(OK, text, values)

    def stop(self) -> None:
        """Write the report into ``output_directory``. Raises NodeError where that cannot be done."""
        folder = self.text("output_directory")
        if folder:
            self._linger()
        self._settle_changes(last=True)
        if not folder or not len(self.table):
            self.get_logger().info("nothing to report" if folder else "no report asked for")
            return
        self._sample()
        self._run.title = self.text("title")
        self._run.odd_events = self._odd
        self._run.uncorrected_events, self._run.dropped_events = self._aligner.uncorrected, self._aligner.dropped
        target = Path(folder).expanduser().resolve()
        try:
            written = self._run.write(target)
            if self.flag("plot"):
                written += self._plot(target / "latency.png")
        except OSError as error:
            raise NodeError(f"the latency report could not be written: {error}") from error
        self.get_logger().info(f"latency report in {target}: {', '.join(written)}")

    def _plot(self, path: Path) -> tuple[str, ...]:
        from plcv_ros.tracing.plots import plot_latency

        try:
            plot_latency(self.table, path, title=self.text("title"))
        except ImportError as error:
            self.get_logger().warning(str(error))
            return ()
        return (path.name,)


def main() -> int:
    """Run the node; returns the exit status."""
    return run("latency", LatencyNode)


if __name__ == "__main__":
    sys.exit(main())
