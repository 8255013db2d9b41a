# SPDX-License-Identifier: Apache-2.0
"""The figures of a report as PNG. Needs matplotlib."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from plcv_ros.training.degradations import ORIGINAL
from plcv_ros.training.report import SCORES, Results
from plcv_ros.training.results import TRAINING, Difference

BEFORE, AFTER = "#b3b3b3", "#1b9e77"


def new_figure(width: float, height: float) -> Any:
    """A figure that needs no display; raises ModuleNotFoundError naming the extra without matplotlib."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError('the figures need matplotlib: pip install "plcv_ros[report]"', name=error.name) from error
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
    """Score over bits per pixel, control and retrained; False, and no file, where no configuration has been tested."""
    control = results.table.control
    rates = {
        test: float(row["bits_per_pixel"])
        for (_, test), row in results.rows.items()
        if test != ORIGINAL and (results.runs(control, test) or results.runs(test, test))
    }
    if not rates:
        return False
    figure = new_figure(9, 5.5)
    axes = figure.subplots()
    families = {"astc": "o", "jpeg": "s", "jxs": "^"}
    for family, marker in families.items():
        for retrained, colour in ((False, BEFORE), (True, AFTER)):
            points = [(rate, results.mean(codec if retrained else control, codec)) for codec, rate in rates.items() if codec.startswith(family)]
            known = [(x, 100 * y) for x, y in points if y is not None]
            if known:
                label = f"{family}, {'after' if retrained else 'without'} retraining"
                axes.scatter(*zip(*known), marker=marker, color=colour, edgecolors="black", linewidths=0.5, s=60, label=label, zorder=3)
    for codec, rate in rates.items():
        score = results.mean(codec, codec) or results.mean(control, codec)
        if score is not None:
            axes.annotate(codec.partition(":")[2], (rate, 100 * score), textcoords="offset points", xytext=(6, 4), fontsize=8)
    original = results.mean(control, ORIGINAL)
    if original is not None:
        axes.axhline(100 * original, color="black", linestyle="--", linewidth=1, label="control on originals")
    axes.margins(x=0.12)
    axes.set(xlabel="bits per pixel", ylabel=f"{SCORES[results.table.task]} (%)")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize=9)
    save_figure(figure, path)
    return True


def draw_training(results: Results, path: Path) -> bool:
    """Training loss over the epochs of every run; False, and no file, where no course of a training is kept."""
    curves = []
    for run in results.table.runs:
        file = results.table.results() / f"{run.name}{TRAINING}"
        if file.is_file():
            with file.open(newline="", encoding="utf-8") as opened:
                curves.append((run.name, [(int(row["epoch"]), float(row["loss"])) for row in csv.DictReader(opened)]))
    if not curves:
        return False
    figure = new_figure(9, 5)
    axes = figure.subplots()
    for name, points in curves:
        axes.plot(*zip(*points), marker=".", label=name)
    axes.set(xlabel="epoch", ylabel="training loss")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize=8, ncols=2)
    save_figure(figure, path)
    return True
