# SPDX-License-Identifier: Apache-2.0
"""The latency node: joins the frame events of the graph's nodes, reports on ``/diagnostics``, and writes CSV, plot and summary at its end.

Runs anywhere in the graph; the times in the events are those of the computers that sent them, so on two computers the figures are as good
as their clocks agree (``plcv doctor``).
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from sensor_msgs.msg import TimeReference

from plcv_ros.nodes import qos
from plcv_ros.nodes.diagnostics import OK, STALE, Status
from plcv_ros.nodes.node import FrameNode, NodeError
from plcv_ros.nodes.runner import run
from plcv_ros.tracing import FrameEvent, FrameTable, split_source

SETTLE_S = 1.0
"""A frame without news for so long is not on its way any more."""

STALE_AFTER_S = 3.0


class LatencyNode(FrameNode):
    """Subscribes ``<node>/frame_events`` of the nodes in its parameter ``nodes``."""

    def __init__(self) -> None:
        super().__init__("latency")
        self.table = FrameTable(max_frames=self.integer("max_frames"))
        self._last_event = 0.0
        self._odd = 0
        names = [name.strip() for name in self.text("nodes").split(",") if name.strip()]
        for name in names:
            qos.create_subscription(self, TimeReference, f"{name}/frame_events", self._on_event, qos.events())
        self.get_logger().info(f"following the frames of {', '.join(names) or 'no node'}")

    def _on_event(self, message: Any) -> None:
        try:
            node, event = split_source(message.source)
        except ValueError as error:
            if not self._odd:
                self.get_logger().warning(f"{error}; further ones are counted only")
            self._odd += 1
            return
        self._last_event = time.monotonic()
        stamp, when = message.header.stamp, message.time_ref
        self.table.add(
            FrameEvent(
                frame_id=message.header.frame_id,
                stamp_ns=stamp.sec * 1_000_000_000 + stamp.nanosec,
                node=node,
                event=event,
                time_ns=when.sec * 1_000_000_000 + when.nanosec,
            )
        )

    def status(self) -> Status:
        """Counts since the start, and percentiles over the last ``window_s`` seconds."""
        summary = self.table.summary(settle_s=SETTLE_S, recent_s=self.number("window_s"))
        values: dict[str, object] = {
            "captured": summary.captured,
            "published": summary.published,
            "received": summary.received,
            "segmented": summary.segmented,
            "dropped_camera": summary.dropped_camera,
            "lost": summary.lost,
            "dropped_remote": summary.dropped_remote,
            "in_flight": summary.in_flight,
            "segmented_per_second": summary.rate,
            "odd_events": self._odd + summary.unknown,
        }
        for stage, statistics in summary.stages.items():
            for name in ("p50", "p95", "p99"):
                values[f"{stage}_{name}_ms"] = float(getattr(statistics, name))
        if not self._last_event:
            return Status(OK, "no frame yet", values)
        silent = time.monotonic() - self._last_event
        if silent > STALE_AFTER_S:
            return Status(STALE, f"no frame event for {silent:.0f} s", values)
        total = summary.stages.get("total")
        return Status(OK, f"camera to labels {total.p50:.1f} ms (median)" if total else "frames, but no labels yet", values)

    def stop(self) -> None:
        """Write ``frames.csv``, ``latency.json`` and ``latency.png`` into ``output_directory``. Raises NodeError where that cannot be done."""
        folder = self.text("output_directory")
        if not folder or not len(self.table):
            self.get_logger().info("nothing to report" if folder else "no report asked for")
            return
        target = Path(folder).expanduser().resolve()
        try:
            target.mkdir(parents=True, exist_ok=True)
            self.table.write_csv(target / "frames.csv")
            text = json.dumps({**self.table.summary().as_dict(), "odd_events": self._odd}, indent=1)
            (target / "latency.json").write_text(text + "\n", encoding="utf-8")
            written = "frames.csv, latency.json"
            if self.flag("plot"):
                written += self._plot(target / "latency.png")
        except OSError as error:
            raise NodeError(f"the latency report could not be written: {error}") from error
        self.get_logger().info(f"latency report in {target}: {written}")

    def _plot(self, path: Path) -> str:
        from plcv_ros.tracing.plots import plot_latency

        try:
            plot_latency(self.table, path, title=self.text("title"))
        except ModuleNotFoundError as error:
            self.get_logger().warning(str(error))
            return ""
        return f", {path.name}"


def main() -> int:
    """Run the node; returns the exit status."""
    return run("latency", LatencyNode)


if __name__ == "__main__":
    sys.exit(main())
