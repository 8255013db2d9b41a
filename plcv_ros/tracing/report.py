# SPDX-License-Identifier: Apache-2.0
"""The report of a run as one HTML page: everything in it, nothing loaded, readable by somebody who knows nothing of the package."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timezone
from html import escape
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from plcv_ros.texts import shown
from plcv_ros.tracing.appearance import ENDS as END_WORDS
from plcv_ros.tracing.appearance import OUTCOMES as OUTCOME_LOOKS
from plcv_ros.tracing.appearance import STAGES as STAGE_LOOKS
from plcv_ros.tracing.appearance import UNKNOWN
from plcv_ros.tracing.chart import Chart, legend
from plcv_ros.tracing.statistics import ENDS, OUTCOMES, StageStatistics, Summary, column_width, durations, plausible, side_by_side
from plcv_ros.tracing.table import FrameTimes

if TYPE_CHECKING:
    from plcv_ros.tracing.run import ClockState, Run

Values: TypeAlias = "npt.NDArray[np.floating[Any]]"  # a text: numpy before 1.22 has no np.floating[...] at run time

MAX_COLUMNS = 520
"""A longer run is drawn as means over equal spans of time: columns thinner than two pixels show nothing."""

NODE_COLOURS = ("#377eb8", "#e6550d", "#1b9e77", "#984ea3", "#a65628", "#e7298a", "#66a61e", "#666666")

STYLE = """
:root { --text: #1c1f23; --soft: #5c6570; --line: #dde1e6; --page: #f6f7f9; --card: #ffffff; --total: #111111; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e8eaed; --soft: #a0a8b3; --line: #3a4048; --page: #16191d; --card: #1f2328; --total: #ffffff; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 15px/1.5 system-ui, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 28px 20px 60px; }
h1 { font-size: 25px; line-height: 1.25; margin: 0 0 2px; }
h2 { font-size: 18px; margin: 0 0 2px; }
p { margin: 0 0 10px; }
.soft, figcaption { color: var(--soft); }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 18px 20px 14px; margin-top: 18px; }
.answer { font-size: 18px; margin: 12px 0 0; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin-top: 18px; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 12px 16px; }
.tile b { display: block; font-size: 25px; line-height: 1.25; font-weight: 650; font-variant-numeric: tabular-nums; }
.tile b small { font-size: 14px; font-weight: 500; color: var(--soft); }
.tile span { color: var(--soft); font-size: 13px; }
.tile.bad b { color: #d62728; }
svg { width: 100%; height: auto; display: block; margin-top: 6px; overflow: visible; }
svg text { fill: var(--text); font-family: inherit; }
svg .tick, svg .note { font-size: 12px; fill: var(--soft); }
svg .label { font-size: 13px; fill: var(--soft); }
svg .inbar { font-size: 13px; font-weight: 600; fill: #10141a; }
svg .grid { stroke: var(--line); stroke-width: 1; }
svg .axis { stroke: var(--soft); stroke-width: 1; }
svg .level { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 2 4; }
svg .event { stroke: #d62728; stroke-width: 1.4; stroke-dasharray: 5 3; }
svg .hint { fill: transparent; }
svg .hint:hover { fill: var(--text); fill-opacity: 0.12; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 4px 0 2px; font-size: 13.5px; }
.legend i { display: inline-block; width: 12px; height: 12px; border-radius: 3px; margin-right: 6px; vertical-align: -1px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: 14px; }
th, td { padding: 6px 10px; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { color: var(--soft); font-weight: 500; }
th:first-child, td:first-child, .words { text-align: left; }
td.words, tr.sum td.words { white-space: normal; color: var(--soft); min-width: 240px; font-weight: 400; }
tr.sum td { font-weight: 650; }
tr:last-child td { border-bottom: 0; }
td i { display: inline-block; width: 11px; height: 11px; border-radius: 3px; margin-right: 8px; vertical-align: -1px; }
"""


def html_report(run: Run) -> str:
    """The page."""
    view = _View(run)
    sections = [
        _part("Latency report", view.headline),
        _part("In short", view.tiles),
        _section("A typical frame", lambda: "The medians of the steps, in the order of a frame's way.", view.waterfall),
        _section("Where the time went", view.over_time_caption, view.over_time),
        _section("How the times are distributed", view.distribution_caption, view.distribution),
        _section("What became of the frames", str, view.outcomes),
        _section("Use of the link", view.links_caption, view.links),
        _section(
            "Changes of codec and network",
            lambda: "The codec follows what the link delivers, the network the codec that it sees. Dashed red lines above show when.",
            view.changes,
        ),
        _section("Clocks", view.clocks_caption, view.clocks),
        _section("All figures", lambda: "Milliseconds, over the frames that have the step.", view.stage_table),
    ]
    title = escape(run.title or "plcv_ros latency report")
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{STYLE}</style></head>\n<body><main>\n" + "\n".join(s for s in sections if s) + "\n</main></body></html>\n"
    )


def _part(title: str, make: Callable[[], str]) -> str:
    """What ``make`` returns, or a sentence that says why it did not: figures that make no sense in one part must not cost the page."""
    try:
        return make()
    except Exception as error:
        return f'<p class="soft">{escape(title)}: this part could not be drawn ({escape(shown(f"{type(error).__name__}: {error}"))}).</p>'


def _section(title: str, caption: Callable[[], str], body: Callable[[], str]) -> str:
    content = _part(title, body)
    if not content:
        return ""
    words = _part(title, caption)
    return f"<section><h2>{escape(title)}</h2>{f'<p class=soft>{words}</p>' if words else ''}{content}</section>"


def _ms(value: float) -> str:
    if not math.isfinite(value):
        return "-"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}".replace(",", " ")


def _signed(value: float) -> str:
    """An offset in ms as people read it: seconds where it is large."""
    return f"{value / 1000:+.3f} s" if abs(value) >= 1000 else f"{value:+.3f} ms"


class _View:
    """One run, prepared for drawing."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.rows: FrameTimes = run.table.times()
        self.summary: Summary = run.table.summary()
        self.end = END_WORDS[self.summary.end]
        self.stages = durations(self.rows.times, self.summary.end)
        codes = run.table.outcomes()[: len(self.rows.frame_ids)]
        self.outcome = np.array([OUTCOMES.index(o) for o in codes], np.intp)
        # The header's stamp may be a recorded one; the first event is when the frame was there.
        columns = [c for c in self.rows.times.values() if c.size]
        huge = np.iinfo(np.int64).max
        when = np.min([np.where(c == 0, huge, c) for c in columns], axis=0) if columns else np.zeros(0, np.int64)
        kept = plausible(when)
        self.left_out = int(np.sum(~kept))
        if self.left_out:
            when, self.outcome = when[kept], self.outcome[kept]
            self.stages = {name: values[kept] for name, values in self.stages.items()}
            self.rows = FrameTimes(
                [frame_id for frame_id, keep in zip(self.rows.frame_ids, kept) if keep],
                self.rows.stamps[kept],
                {name: values[kept] for name, values in self.rows.times.items()},
            )
        self.start_ns = int(when.min()) if when.size else 0
        self.seconds: Values = (when - self.start_ns) / 1e9
        self.length = float(self.seconds.max()) if when.size else 0.0
        self.unit, self.per_unit = ("min", 60.0) if self.length > 600 else ("s", 1.0)

    # ---- words

    def headline(self) -> str:
        s, total = self.summary, self.summary.stages.get("total")
        start = datetime.fromtimestamp(self.start_ns / 1e9, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC") if self.start_ns else ""
        about = [_count(s.captured, "frame"), start, ", ".join((*s.camera_nodes, *s.remote_nodes))]
        if total is None:
            answer = f"No frame was {self.end.done}."
        else:
            answer = f"From the camera to {self.end.place} a frame takes <b>{_ms(total.p50)} ms</b> (median);"
            answer += f" 99 of 100 take no more than {_ms(total.p99)} ms."
            # The longest of the steps is what to work on first.
            medians = {name: s.stages[name].p50 for name in STAGE_LOOKS if name in s.stages}
            longest = max(medians, key=lambda name: medians[name]) if medians else ""
            if longest:
                answer += f" Most of it is {STAGE_LOOKS[longest].name} ({_ms(medians[longest])} ms)."
        known = len(self.rows.frame_ids) + self.left_out
        if s.captured > known:
            answer += f" Counts are of the whole run, times and plots of its last {_count(known, 'frame')}."
        if self.left_out:
            left_out = _count(self.left_out, "frame")
            answer += f" Not in the charts: {left_out} whose times are more than a day away from the others (a clock that is not set)."
        if s.stamps_repeated:
            answer += (
                f" {_count(s.stamps_repeated, 'frame')} had the stamp and frame_id of an earlier one: they are told apart by time, and their"
                " latencies are the shortest that the times allow. Let the camera driver set header.stamp to the time of each capture."
            )
        name = escape(self.run.title or "Latency report")
        return f'<h1>{name}</h1><p class="soft">{escape(" · ".join(a for a in about if a))}</p><p class="answer">{answer}</p>'

    def tiles(self) -> str:
        s, total = self.summary, self.summary.stages.get("total")
        tiles = []
        if total is not None:
            tiles += [(f"{_ms(total.p50)} <small>ms</small>", f"median latency, camera to {self.end.place}", False)]
            tiles += [(f"{_ms(total.p95)} <small>ms</small>", "95 of 100 frames are faster", False)]
            tiles += [(f"{_ms(total.p99)} <small>ms</small>", "99 of 100 frames are faster", False)]
        share = s.finished / s.captured * 100 if s.captured else 0.0
        tiles.append((f"{s.rate:.1f} <small>/s</small>", f"frames {self.end.done}, {share:.1f} % of all", share < 50))
        tiles.append((f"{s.dropped}", "frames that came to nothing", s.dropped > 0.05 * max(s.captured, 1)))
        rates = [(series.column("megabit_per_second"), node) for node, series in self.run.links.series().items() if node in s.camera_nodes]
        if rates:
            mean = sum(float(np.mean(values)) for values, _ in rates if values.size)
            tiles.append((f"{mean:.1f} <small>Mbit/s</small>", "sent by the camera side, mean", False))
        cells = "".join(f'<div class="tile{" bad" if bad else ""}"><b>{value}</b><span>{escape(text)}</span></div>' for value, text, bad in tiles)
        return f'<div class="tiles">{cells}</div>'

    # ---- a typical frame

    def waterfall(self) -> str:
        stages = {name: self.summary.stages[name].p50 for name in STAGE_LOOKS if name in self.summary.stages}
        stages = {name: max(value, 0.0) for name, value in stages.items()}
        whole = sum(stages.values())
        if whole <= 0:
            return ""
        width, x, parts = 1040.0, 0.0, []
        for name, value in stages.items():
            look, w = STAGE_LOOKS[name], value / whole * width
            parts.append(
                f'<rect x="{x:.1f}" y="6" width="{max(w, 0.5):.1f}" height="44" fill="{look.colour}">'
                f"<title>{escape(look.name)}: {_ms(value)} ms (median). {escape(look.meaning)}</title></rect>"
            )
            text = f"{look.name} {_ms(value)}"
            if w > 7.6 * len(text):
                parts.append(f'<text class="inbar" x="{x + w / 2:.1f}" y="33" text-anchor="middle">{escape(text)}</text>')
            x += w
        entries = [(STAGE_LOOKS[name].colour, f"{STAGE_LOOKS[name].name} {_ms(value)} ms") for name, value in stages.items()]
        return f'<svg viewBox="0 0 1040 56" role="img" aria-label="a typical frame">{"".join(parts)}</svg>{legend(entries)}'

    # ---- over time

    def over_time_caption(self) -> str:
        if self._grouped():
            what = "Each column is the mean of the frames in its span of time, the dark line the slowest of them."
        else:
            what = "Each column is a frame: how long it took, and with what."
        return f"{what} Marks below the axis are frames that came to nothing. Rest the pointer on a column for its figures."

    def _grouped(self) -> bool:
        return int(np.sum(~np.isnan(self.stages["total"]))) > MAX_COLUMNS

    def over_time(self) -> str:
        done = ~np.isnan(self.stages["total"])
        x: Values = self.seconds[done]
        total: Values = self.stages["total"][done]
        if x.size == 0:
            return f'<p class="soft">No frame was {self.end.done}.</p>' if self.rows.frame_ids else ""
        parts = {name: np.maximum(np.nan_to_num(self.stages[name][done]), 0.0) for name in STAGE_LOOKS}
        counts: Values = np.ones(x.size)
        slowest: Values = total
        if self._grouped():
            column = np.minimum((x / max(self.length, 1e-9) * MAX_COLUMNS).astype(np.intp), MAX_COLUMNS - 1)
            counts = np.bincount(column, minlength=MAX_COLUMNS).astype(np.float64)
            used = counts > 0
            parts = {name: (np.bincount(column, values, MAX_COLUMNS) / np.maximum(counts, 1))[used] for name, values in parts.items()}
            highest = np.full(MAX_COLUMNS, -np.inf)
            np.maximum.at(highest, column, total)
            slowest = highest[used]
            total = (np.bincount(column, total, MAX_COLUMNS) / np.maximum(counts, 1))[used]
            width = self.length / MAX_COLUMNS
            x, counts = np.flatnonzero(used) * width, counts[used]
        else:
            width = min(column_width(x.astype(np.float64)), max(self.length / 20, 0.02))
            x = side_by_side(x.astype(np.float64), width)
        # One slow frame, a first inference say, must not press all others to the floor.
        ceiling = max(float(np.percentile(slowest, 99)) * 1.25, float(np.median(total)) * 1.5)
        top = min(ceiling, 1.05 * float(slowest.max()))
        drops = [name for name in ("dropped_camera", "lost", "dropped_remote") if np.any(self.outcome == OUTCOMES.index(name))]
        chart = Chart(
            (0.0, max(self.length + width, width) / self.per_unit),
            (0.0, top),
            height=330 + 11 * len(drops),
            below=11 * len(drops) + (4 if drops else 0),
            x_label=f"time since the first frame shown ({self.unit})",
            y_label="latency of the frame (ms)",
            name="over-time",
        )
        at, wide = x / self.per_unit, width / self.per_unit
        bottom: Values = np.zeros(x.size)
        for name, look in STAGE_LOOKS.items():
            chart.bars(at, wide, bottom, bottom + parts[name], look.colour)
            bottom = bottom + parts[name]
        rest = np.maximum(total - bottom, 0.0)
        unknown = bool(rest.max() > 0.02 * total.max())
        if unknown:
            chart.bars(at, wide, bottom, bottom + rest, UNKNOWN.colour)
        if self._grouped():
            chart.line(at + wide / 2, slowest, "var(--total)", width=1.0)
        for i in np.argsort(-slowest)[:6]:
            if slowest[i] > top:
                chart.text(float(at[i] + wide / 2), top, f"{_ms(float(slowest[i]))} ms", css="note")
        for row, name in enumerate(drops):
            chart.marks(self.seconds[self.outcome == OUTCOMES.index(name)] / self.per_unit, row, OUTCOME_LOOKS[name].colour)
        self._mark_changes(chart)
        chart.hints(at, wide, [self._hint(parts, total, counts, x, i) for i in range(x.size)])
        entries = [(look.colour, look.name) for name, look in STAGE_LOOKS.items() if parts[name].any()]
        entries += [(UNKNOWN.colour, UNKNOWN.name)] if unknown else []
        entries += [(OUTCOME_LOOKS[n].colour, f"{OUTCOME_LOOKS[n].name}: {int(np.sum(self.outcome == OUTCOMES.index(n)))}") for n in drops]
        return chart.svg() + legend(entries)

    def _hint(self, parts: dict[str, Values], total: Values, counts: Values, x: Values, i: int) -> str:
        steps = "\n".join(f"{look.name}: {_ms(float(parts[name][i]))} ms" for name, look in STAGE_LOOKS.items() if parts[name].any())
        many = f" (mean of {counts[i]:.0f} frames)" if counts[i] > 1 else ""
        return f"at {x[i]:.2f} s{many}\ntotal: {_ms(float(total[i]))} ms\n{steps}"

    # ---- distribution

    def distribution_caption(self) -> str:
        return "Each curve shows the share of frames (upwards) that took no longer than a time (to the right, logarithmic). Steep is steady."

    def distribution(self) -> str:
        known = {name: np.sort(values[~np.isnan(values)]) for name, values in self.stages.items()}
        known = {name: values for name, values in known.items() if values.size}
        if not known:
            return ""
        drawn = [name for name in STAGE_LOOKS if name in known and float(np.percentile(known[name], 99)) >= 0.01]
        drawn += ["total"] if "total" in known else []
        if not drawn:
            return ""
        everything = np.concatenate([known[name] for name in drawn])
        positive = everything[everything > 0]
        low = 10 ** math.floor(math.log10(max(float(np.percentile(positive, 1)), 0.01))) if positive.size else 0.01
        high = max(float(everything.max()) * 1.1, low * 10)
        chart = Chart((low, high), (0.0, 102.0), x_label="milliseconds (logarithmic)", y_label="share of frames (%)", log_x=True, name="distribution")
        for share in (50, 90, 99):
            chart.level(share, f"{share} %")
        entries = []
        for name in drawn:
            look, values = (self.end.total if name == "total" else STAGE_LOOKS[name]), known[name]
            colour = "var(--total)" if name == "total" else look.colour
            # Some hundred points draw the same curve as a hundred thousand.
            index = np.unique(np.linspace(0, values.size - 1, min(values.size, 400)).astype(np.intp))
            x = np.concatenate([[low], np.maximum(values[index], low)])
            y = np.concatenate([[0.0], (index + 1) / values.size * 100])
            chart.line(x, y, colour, width=2.6 if name == "total" else 1.7, steps=values.size < 400)
            entries.append((colour, f"{look.name}: {_ms(float(np.median(values)))} ms median, {_ms(float(np.percentile(values, 99)))} at 99 %"))
        return chart.svg() + legend(entries)

    # ---- outcomes

    def outcomes(self) -> str:
        s = self.summary
        rows = ""
        for name, look in OUTCOME_LOOKS.items():
            number = int(getattr(s, name))
            if number or name == ENDS[s.end]:
                share = number / s.captured * 100 if s.captured else 0.0
                rows += (
                    f'<tr><td><i style="background:{look.colour}"></i>{escape(look.name)}</td><td>{number}</td><td>{share:.2f} %</td>'
                    f'<td class="words">{escape(look.meaning)}</td></tr>'
                )
        rows += f'<tr class="sum"><td>captured</td><td>{s.captured}</td><td></td><td class="words"></td></tr>'
        table = f'<div class="scroll"><table><tr><th></th><th>frames</th><th>share</th><th class="words"></th></tr>{rows}</table></div>'
        return table + self._drops_over_time() + self._cameras()

    def _drops_over_time(self) -> str:
        names = [n for n in ("dropped_camera", "lost", "dropped_remote") if np.any(self.outcome == OUTCOMES.index(n))]
        if not names or self.length < 2:
            return ""
        spans = int(min(120, max(8, self.length)))
        width = self.length / spans
        bottom: Values = np.zeros(spans)
        stacks = []
        for name in names:
            at = self.seconds[self.outcome == OUTCOMES.index(name)]
            count: Values = np.bincount(np.minimum((at / width).astype(np.intp), spans - 1), minlength=spans) / width
            stacks.append((name, bottom, bottom + count))
            bottom = bottom + count
        chart = Chart(
            (0.0, self.length / self.per_unit),
            (0.0, float(bottom.max()) * 1.08),
            height=180,
            x_label=f"time since the first frame shown ({self.unit})",
            y_label="frames a second",
            name="drops",
        )
        x = np.arange(spans) * width / self.per_unit
        for name, low, high in stacks:
            chart.bars(x, width / self.per_unit, low, high, OUTCOME_LOOKS[name].colour)
        return chart.svg() + legend((OUTCOME_LOOKS[n].colour, OUTCOME_LOOKS[n].name) for n in names)

    def _cameras(self) -> str:
        """A line a camera, where there are several (told apart by the frames' frame_id)."""
        ids = np.array(self.rows.frame_ids)
        cameras = sorted(set(self.rows.frame_ids))
        if not 1 < len(cameras) <= 32:
            return ""
        lines = ""
        for camera in cameras:
            mine = ids == camera
            total = StageStatistics.of(self.stages["total"][mine])
            done = int(np.sum(self.outcome[mine] == OUTCOMES.index(ENDS[self.summary.end])))
            times = "".join(f"<td>{_ms(v)}</td>" for v in ((total.p50, total.p95, total.p99) if total else (math.nan,) * 3))
            lines += f"<tr><td>{escape(camera)}</td><td>{int(mine.sum())}</td><td>{done}</td>{times}</tr>"
        head = f"<tr><th>camera (frame_id)</th><th>frames</th><th>{self.end.done}</th><th>p50 ms</th><th>p95 ms</th><th>p99 ms</th></tr>"
        return f'<div class="scroll"><table>{head}{lines}</table></div>'

    # ---- link

    def links_caption(self) -> str:
        return "Payload of the frames, without the headers of the middleware, as each node counted it."

    def links(self) -> str:
        series = {node: s for node, s in self.run.links.series().items() if len(s) > 1}
        if not series:
            return ""
        top = max(float(s.column("megabit_per_second").max()) for s in series.values())
        span = max(self.length, *(float((s.times() - self.start_ns).max()) / 1e9 for s in series.values()))
        chart = Chart(
            (0.0, span / self.per_unit),
            (0.0, max(top * 1.1, 0.1)),
            height=220,
            x_label=f"time since the first frame shown ({self.unit})",
            y_label="Mbit/s",
            name="links",
        )
        self._mark_changes(chart)
        entries = []
        for i, (node, s) in enumerate(series.items()):
            colour = NODE_COLOURS[i % len(NODE_COLOURS)]
            rate = s.column("megabit_per_second")
            verb = "sent by" if node in self.summary.camera_nodes else "received by"
            chart.line((s.times() - self.start_ns) / 1e9 / self.per_unit, rate, colour, width=2.0, dashed=verb == "received by")
            frames = float(np.mean(s.column("frames_per_second")))
            entries.append((colour, f"{verb} {node}: {np.mean(rate):.1f} Mbit/s, {frames:.1f} frames a second (means)"))
        return chart.svg() + legend(entries)

    # ---- codec

    def _mark_changes(self, chart: Chart) -> None:
        for change in self.run.changes:
            chart.event((change.time_ns - self.start_ns) / 1e9 / self.per_unit, f"{change.node}: {change.text}")

    def changes(self) -> str:
        if not self.run.changes:
            return ""
        lines = ""
        for change in self.run.changes:
            when = (change.time_ns - self.start_ns) / 1e9
            lines += f'<tr><td>{when:.1f} s</td><td class="words">{escape(change.node)}</td><td class="words">{escape(change.text)}</td></tr>'
        return f'<div class="scroll"><table><tr><th>when</th><th class="words">node</th><th class="words">what</th></tr>{lines}</table></div>'

    # ---- clocks

    def clocks_caption(self) -> str:
        states = self.run.clocks
        if not states:
            return "No node answered the exchange of timestamps: their clocks are taken to agree."
        if self.run.clock_sync == "external":
            text = "The clocks are kept together by another service (PTP, chrony); times were not corrected. What the exchange of timestamps saw:"
            return text + (f" <b>{escape(self.run.clock_complaint())}.</b>" if self.run.clock_complaint() else "")
        if all(c.same_computer and c.offset_ms == 0 for c in states.values()):
            return "All nodes ran on one computer, on one clock: there is nothing to correct, and no uncertainty."
        return (
            "By how much each node's clock was ahead of the clock that all times here are given in, measured by exchanging timestamps, and how far "
            "off that may be: at least half the round trip, since it cannot be seen how that divides into its two ways. Times were corrected by "
            f"it, so a transport time may be wrong by up to <b>{self.run.as_dict()['transport_uncertainty_ms']:.2f} ms</b>, a total as well."
        )

    def clocks(self) -> str:
        states = self.run.clocks
        if not states:
            return " "
        other = {node: c for node, c in states.items() if not (c.same_computer and c.offset_ms == 0)}
        return self._clock_table(states) + "".join(self._clock_chart(node, c, i) for i, (node, c) in enumerate(other.items()))

    def _clock_table(self, states: dict[str, ClockState]) -> str:
        lines = ""
        for node, c in states.items():
            where = "this computer" if c.same_computer and c.offset_ms == 0 else "another clock"
            lines += (
                f"<tr><td>{escape(node)}</td><td>{where}</td><td>{_signed(c.offset_ms)}</td><td>&plusmn;{c.uncertainty_ms:.3f} ms</td>"
                f"<td>{c.drift_ppm:+.1f} ppm</td><td>{c.round_trip_ms:.3f} ms</td><td>{c.steps}</td></tr>"
            )
        head = "<th>node</th><th>runs on</th><th>ahead by</th><th>uncertainty</th><th>drift</th><th>smallest round trip</th><th>jumps</th>"
        return f'<div class="scroll"><table><tr>{head}</tr>{lines}</table></div>'

    def _clock_chart(self, node: str, state: ClockState, i: int) -> str:
        series = self.run.clock_history.series().get(node)
        if series is None or len(series) < 3:
            return ""
        seconds = (series.times() - self.start_ns) / 1e9
        offset, uncertainty = series.column("offset_ms"), series.column("uncertainty_ms")
        # Hours of offset and microseconds of change do not fit one axis: what is drawn is the change.
        base = float(np.median(offset))
        y = offset - base
        low, high = float(np.min(y - uncertainty)), float(np.max(y + uncertainty))
        if state.steps:
            low, high = float(np.min(y)), float(np.max(y))
        pad = max(0.06 * (high - low), 0.01)
        chart = Chart(
            (min(0.0, float(seconds.min())) / self.per_unit, max(self.length, float(seconds.max())) / self.per_unit),
            (low - pad, high + pad),
            height=220,
            x_label=f"time since the first frame shown ({self.unit})",
            y_label="change of the offset (ms)",
            name=f"clock-{i}",
        )
        colour = NODE_COLOURS[i % len(NODE_COLOURS)]
        chart.band(seconds / self.per_unit, y - uncertainty, y + uncertainty, colour)
        chart.line(seconds / self.per_unit, y, colour, width=2.0)
        return chart.svg() + legend([(colour, f"{node}, relative to {_signed(base)}; the band is the uncertainty")])

    # ---- figures

    def stage_table(self) -> str:
        lines = ""
        for name in (*STAGE_LOOKS, "total"):
            statistics = self.summary.stages.get(name)
            if statistics is None:
                continue
            look = self.end.total if name == "total" else STAGE_LOOKS[name]
            colour = "var(--total)" if name == "total" else look.colour
            figures = (statistics.p50, statistics.p95, statistics.p99, statistics.maximum, statistics.mean)
            cells = "".join(f"<td>{_ms(v)}</td>" for v in figures)
            lines += (
                f'<tr{" class=sum" if name == "total" else ""}><td><i style="background:{colour}"></i>{escape(look.name)}</td>{cells}'
                f'<td>{statistics.count}</td><td class="words">{escape(look.meaning)}</td></tr>'
            )
        if not lines:
            return ""
        head = "<th>step</th><th>p50</th><th>p95</th><th>p99</th><th>max</th><th>mean</th><th>frames</th><th class=words>what it is</th>"
        notes = []
        s, run = self.summary, self.run
        early = int(np.sum(self.stages["transport"] < 0))
        if early:
            notes.append(f"{_count(early, 'frame')} seem to have arrived before they were sent: that is the error of the clocks.")
        if run.dropped_events or run.odd_events or s.unknown:
            notes.append(f"{_count(run.dropped_events + run.odd_events + s.unknown, 'frame event')} could not be used.")
        notes.append("p95 means: 95 of 100 frames took no longer. The same for every frame, with the time of every event: frames.csv.")
        return f'<div class="scroll"><table><tr>{head}</tr>{lines}</table></div><p class="soft" style="margin-top:10px">{escape(" ".join(notes))}</p>'
