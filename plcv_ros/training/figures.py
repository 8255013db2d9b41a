# SPDX-License-Identifier: Apache-2.0
"""The figures of a report as PNG. Needs matplotlib."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

from plcv_ros.requirements import check, explain
from plcv_ros.training.degradations import ORIGINAL
from plcv_ros.training.report import SCORES, Results
from plcv_ros.training.results import TRAINING, Difference

BEFORE, AFTER = "#b3b3b3", "#1b9e77"

COLOURS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22", "#17becf")


def new_figure(width: float, height: float) -> Any:
    """A figure that needs no display; raises ImportError with the remedy without matplotlib."""
    try:
        import matplotlib as mpl
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        check(mpl, "matplotlib")
    except ImportError as error:
        raise type(error)(explain("a figure", error, "report"), name=error.name) from error
    figure = Figure(figsize=(width, height), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save_figure(figure: Any, path: Path) -> None:
    """Write a PNG, without the version of matplotlib in it, so that equal figures are equal files."""
    figure.savefig(str(path), metadata={"Software": None})


def draw_losses(results: Results, path: Path) -> bool:
    """Losses without and after retraining, with their intervals, for every configuration; False, and no file, where there are none."""
    control = results.table.control
    codecs = list(dict.fromkeys(test for _, test in results.counts if test != ORIGINAL))
    bars: list[tuple[str, Difference | None, Difference | None]] = [
        (codec, results.difference((control, ORIGINAL), (control, codec)), results.difference((control, ORIGINAL), (codec, codec)))
        for codec in codecs
    ]
    bars = [bar for bar in bars if bar[1] or bar[2]]
    if not bars:
        return False
    figure = new_figure(9, 1.4 + 0.45 * len(bars))
    axes = figure.subplots()
    for which, (colour, label, shift) in enumerate(((BEFORE, "without retraining", -0.2), (AFTER, "after retraining", 0.2)), 1):
        chosen = [(row + shift, bar[which]) for row, bar in enumerate(bars) if bar[which] is not None]
        if chosen:
            means = [d.mean for _, d in chosen]  # type: ignore[union-attr]
            spread = [[d.mean - d.low for _, d in chosen], [d.high - d.mean for _, d in chosen]]  # type: ignore[union-attr]
            axes.barh([y for y, _ in chosen], means, 0.38, xerr=spread, color=colour, label=label, error_kw={"elinewidth": 1, "capsize": 2})
    axes.set_yticks(range(len(bars)), [bar[0] for bar in bars])
    axes.invert_yaxis()
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set(xlabel=f"{SCORES[results.table.task]} lost to the control (percentage points)")
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)
    axes.legend(frameon=False)
    save_figure(figure, path)
    return True


def draw_rates(results: Results, path: Path) -> bool:
    """Score over bits per pixel, control and retrained; False, and no file, where no configuration has been tested.

    A point lies below the control's mean by its loss, which is paired by seed: means over different seeds would not compare.
    """
    control = results.table.control
    original = results.mean(control, ORIGINAL)
    rates = {test: float(row["bits_per_pixel"]) for (_, test), row in results.rows.items() if test != ORIGINAL}
    points: dict[str, dict[bool, float]] = {}
    for codec in rates:
        for retrained in (False, True):
            loss = results.difference((control, ORIGINAL), (codec if retrained else control, codec))
            if loss is not None and original is not None:
                points.setdefault(codec, {})[retrained] = 100 * original - loss.mean
    if not points or original is None:
        return False
    figure = new_figure(10, 6.5)
    axes = figure.subplots()
    families = {"astc": "o", "jpeg": "s", "jxs": "^"}
    for family, marker in families.items():
        for retrained, colour in ((False, BEFORE), (True, AFTER)):
            known = [(rates[codec], found[retrained]) for codec, found in points.items() if codec.startswith(family) and retrained in found]
            if known:
                label = f"{family}, {'after' if retrained else 'without'} retraining"
                axes.scatter(*zip(*known), marker=marker, color=colour, edgecolors="black", linewidths=0.5, s=60, label=label, zorder=3)
    axes.axhline(100 * original, color="black", linestyle="--", linewidth=1, label="control on originals")
    axes.margins(x=0.25)
    _label(axes, {codec: (rates[codec], found[max(found)]) for codec, found in points.items()})
    axes.set(xlabel="bits per pixel", ylabel=f"{SCORES[results.table.task]} (%), paired by seed with the control")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize=9, loc="lower right")
    save_figure(figure, path)
    return True


def _label(axes: Any, points: dict[str, tuple[float, float]]) -> None:
    """Name the points, to the right of each group of one rate, none over another."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    near, apart = 0.06 * (right - left), 0.03 * (top - bottom)
    below: list[tuple[float, float]] = []  # where the labels so far stand
    for name, (x, y) in sorted(points.items(), key=lambda item: -item[1][1]):
        lowest = min((height for place, height in below if abs(place - x) < near), default=top)
        height = min(y, lowest - apart)
        below.append((x, height))
        line = {"arrowstyle": "-", "color": "#999999", "linewidth": 0.5}
        axes.annotate(name, (x, y), (x + near / 2, height), va="center", fontsize=8, arrowprops=line)


def draw_training(results: Results, path: Path) -> bool:
    """Training loss over the epochs, a line a run, a colour for all its seeds; False, and no file, where no course of a training is kept."""
    curves: dict[str, list[list[tuple[int, float]]]] = {}
    for run in results.table.runs:
        file = results.table.results() / f"{run.name}{TRAINING}"
        if file.is_file():
            with file.open(newline="", encoding="utf-8") as opened:
                course = [(int(row["epoch"]), float(row["loss"])) for row in csv.DictReader(opened)]
            curves.setdefault(re.sub(r"_s\d+$", "", run.name), []).append(course)
    if not curves:
        return False
    figure = new_figure(11, 6)
    axes = figure.subplots()
    by_loss = sorted(curves, key=lambda name: -curves[name][0][-1][1])
    for number, name in enumerate(by_loss):
        style = {"color": COLOURS[number % len(COLOURS)], "linestyle": ("-", "--", ":")[number // len(COLOURS) % 3], "marker": "."}
        for seed, course in enumerate(curves[name]):
            label = f"{name}{f', {len(curves[name])} seeds' if len(curves[name]) > 1 else ''}" if seed == 0 else None
            axes.plot(*zip(*course), label=label, linewidth=1, **style)
    axes.set(xlabel="epoch", ylabel="training loss")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5), title="highest first", title_fontsize=8)
    save_figure(figure, path)
    return True
