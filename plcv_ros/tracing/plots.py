# SPDX-License-Identifier: Apache-2.0
"""The latency plot: where the time of every frame went, what was dropped, and how the latencies are distributed. Needs matplotlib."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from plcv_ros.requirements import check, explain
from plcv_ros.texts import plot_text
from plcv_ros.tracing.appearance import ENDS, MARKERS, UNKNOWN, End
from plcv_ros.tracing.appearance import OUTCOMES as OUTCOME_LOOKS
from plcv_ros.tracing.appearance import STAGES as STAGE_LOOKS
from plcv_ros.tracing.statistics import OUTCOMES, column_width, durations, plausible, side_by_side
from plcv_ros.tracing.table import FrameTable
from plcv_ros.writing import replacing

_MAX_BARS = 600
"""More frames than this are drawn as medians over equal groups: bars thinner than a pixel show nothing."""


def plot_latency(table: FrameTable, path: str | Path, title: str = "") -> None:
    """Write a PNG (1400 x 620 pixels) of the frames in ``table``; raises ImportError with the remedy without matplotlib."""
    try:
        import matplotlib as mpl
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        check(mpl, "matplotlib")
    except ImportError as error:
        raise type(error)(explain("the latency plot", error, "report"), name=error.name) from error
    rows = table.times()
    end = ENDS[table.end]
    stages = durations(rows.times, table.end)
    outcomes = np.array([OUTCOMES.index(o) for o in table.outcomes()], np.intp)[: len(rows.frame_ids)]
    # Seconds since the first event; the header's stamp may be a recorded one, so the time of capture is the time of the frame.
    known = [column for column in rows.times.values() if column.size]
    when = np.min([np.where(c == 0, np.iinfo(np.int64).max, c) for c in known], axis=0) if known else np.zeros(0, np.int64)
    kept = plausible(when)
    when, outcomes, stages = when[kept], outcomes[kept], {name: values[kept] for name, values in stages.items()}
    seconds = (when - when.min()) / 1e9 if when.size else np.zeros(0)

    figure = Figure(figsize=(14, 6.2), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    over_time, distribution = figure.subplots(1, 2, gridspec_kw={"width_ratios": (2.1, 1)})
    if title:
        figure.suptitle(plot_text(title))
    _draw_stages(over_time, seconds, stages, end)
    _draw_drops(over_time, seconds, outcomes)
    over_time.set(xlabel="time of capture (s)", ylabel="latency of the frame (ms)", title="Where the time of each frame went")
    over_time.grid(axis="y", alpha=0.3)
    over_time.set_axisbelow(True)
    handles, labels = over_time.get_legend_handles_labels()
    if handles:
        # Stages first, then what was dropped, in the order of a frame's way.
        order = [look.name for look in (*STAGE_LOOKS.values(), UNKNOWN)]
        handles, labels = zip(*sorted(zip(handles, labels), key=lambda pair: order.index(pair[1]) if pair[1] in order else len(order)))
        # Below the axes: a legend inside hides frames.
        over_time.legend(handles, labels, loc="upper center", bbox_to_anchor=(0.5, -0.12), ncol=4, fontsize=9, frameon=False)
    _draw_distribution(distribution, stages, end)
    with replacing(Path(path)) as beside:
        figure.savefig(str(beside))


def _draw_stages(axes: Any, seconds: npt.NDArray[np.float64], stages: dict[str, npt.NDArray[np.float64]], end: End) -> None:
    done = ~np.isnan(stages["total"])
    x, total = seconds[done], stages["total"][done]
    parts = {name: np.nan_to_num(stages[name][done]) for name in STAGE_LOOKS}
    if x.size == 0:
        axes.text(0.5, 0.5, f"no frame was {end.done}", ha="center", va="center", transform=axes.transAxes)
        return
    grouped = x.size > _MAX_BARS
    if grouped:
        groups = np.array_split(np.arange(x.size), _MAX_BARS)
        x = np.array([x[g].mean() for g in groups])
        parts = {name: np.array([np.median(values[g]) for g in groups]) for name, values in parts.items()}
        total = np.array([np.median(total[g]) for g in groups])
    width = column_width(x)
    x = side_by_side(x, width)
    bottom = np.zeros(x.size)
    for name, look in STAGE_LOOKS.items():
        if not parts[name].any():
            continue
        # Events of a stage that ended before it began (clock steps) would draw bars into each other.
        height = np.maximum(parts[name], 0)
        _bars(axes, x, bottom, height, width, look.colour, look.name)
        bottom = bottom + height
    rest = np.maximum(total - bottom, 0)
    # The medians of the stages need not add up to the median of the total.
    if not grouped and rest.max() > 0.02 * total.max():
        _bars(axes, x, bottom, rest, width, UNKNOWN.colour, UNKNOWN.name)
    # One slow frame, a first inference say, must not press all others to the floor.
    ceiling = max(float(np.percentile(total, 99)) * 1.4, float(np.median(total)) * 1.5)
    axes.set_xlim(x.min() - width, x.max() + width)
    axes.set_ylim(0, min(ceiling, 1.05 * float(total.max())))
    if total.max() > ceiling:
        for i in np.flatnonzero(total > ceiling)[:5]:
            axes.annotate(f"{total[i]:.0f} ms", (x[i] + width / 2, ceiling), xytext=(2, -3), textcoords="offset points", va="top", fontsize=8)


def _bars(
    axes: Any,
    x: npt.NDArray[np.float64],
    bottom: npt.NDArray[np.float64],
    height: npt.NDArray[np.float64],
    width: float,
    colour: str,
    label: str,
) -> None:
    """Bars as one collection: ``axes.bar`` makes an object of each, and thousands of them take seconds."""
    from matplotlib.collections import PolyCollection

    left, right, top = x - width / 2, x + width / 2, bottom + height
    corners = np.stack([left, bottom, left, top, right, top, right, bottom], axis=1).reshape(-1, 4, 2)
    axes.add_collection(PolyCollection(list(corners), facecolors=colour, linewidths=0, label=label))


def _draw_drops(axes: Any, seconds: npt.NDArray[np.float64], outcomes: npt.NDArray[np.intp]) -> None:
    """Marks in a band below zero, one row a kind, so that they hide no bar."""
    top = axes.get_ylim()[1]
    band = 0.035 * top
    depth = 0.0
    for name, marker in MARKERS.items():
        look = OUTCOME_LOOKS[name]
        x = seconds[outcomes == OUTCOMES.index(name)]
        if x.size:
            depth += band
            axes.plot(x, np.full(x.size, -depth), marker, color=look.colour, markersize=6, linestyle="none", label=f"{look.name}: {x.size}")
    axes.set_ylim(-(depth + band) if depth else 0, top)
    if seconds.size:
        left, right = axes.get_xlim()
        axes.set_xlim(min(left, float(seconds.min()) - 0.1), max(right, float(seconds.max()) + 0.1))


def _draw_distribution(axes: Any, stages: dict[str, npt.NDArray[np.float64]], end: End) -> None:
    curves = {"total": end.total, **{n: STAGE_LOOKS[n] for n in ("encode", "transport", "decode", "inference")}}
    for name, look in curves.items():
        values = np.sort(stages[name][~np.isnan(stages[name])])
        if values.size == 0:
            continue
        share = np.arange(1, values.size + 1) / values.size * 100
        median = float(np.median(values))
        axes.step(
            np.maximum(values, 1e-3),
            share,
            where="post",
            color=look.colour,
            linewidth=2.2 if name == "total" else 1.4,
            label=f"{look.name}: {median:.{1 if median >= 10 else 2}f} ms",
        )
    axes.set(xscale="log", xlabel="ms (logarithmic)", ylabel="share of frames (%)", ylim=(0, 101), title="Distribution (legend: medians)")
    for level in (50, 95, 99):
        axes.axhline(level, color="#999999", linewidth=0.7, linestyle=":")
        axes.annotate(f"p{level}", (1, level), xycoords=("axes fraction", "data"), xytext=(3, -3), textcoords="offset points", fontsize=8)
    axes.grid(alpha=0.25)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncol=2, fontsize=9, frameon=False)
