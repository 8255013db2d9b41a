# SPDX-License-Identifier: Apache-2.0
"""The picture of benchmarks/link.py: for each link its configurations, with latency, accuracy and rate side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

COLOURS = {"raw": "#7f7f7f", "jpeg": "#d98200", "astc": "#1f6fb4", "jxs": "#2a9d5c", "h264": "#b03060"}
HOW = {
    ("whole", "best effort"): ("UDP", "whole"),
    ("whole", "reliable"): ("TCP", "whole, TCP"),
    ("strips", "best effort"): ("as they come", "strips"),
    ("strips", "reliable"): ("asked for again", "strips, repaired"),
}
"""(mode, QoS) -> what is done about lost packets, and what the picture calls both, for people."""

MARKS = {"camvid": ("o", "CamVid"), "scenes": ("s", "scenes")}


def draw(path: Path, rows: Sequence[Any], scores: Sequence[Any], busy: float) -> None:
    """Write the picture. ``rows``: Row of link.py; ``scores``: Accuracy; ``busy``: share of a link's rate above which latencies mean nothing."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    # What DDS does about loss by itself is in the table: nobody should choose it, and its latencies leave the others no room.
    rows = [row for row in rows if (row.mode, row.qos) in HOW]
    links = sorted({(r.rate, r.delay_ms, r.loss) for r in rows})
    groups = [sorted((r for r in rows if (r.rate, r.delay_ms, r.loss) == link), key=_latency(busy)) for link in links]
    figure, axes = plt.subplots(
        len(groups),
        3,
        figsize=(15, 1.6 * len(groups) + 0.33 * len(rows)),
        gridspec_kw={"height_ratios": [len(g) + 1.2 for g in groups], "width_ratios": [5, 3, 3]},
        squeeze=False,
        layout="constrained",
    )
    for group, line in zip(groups, axes):
        _latencies(line[0], group, busy)
        _accuracies(line[1], group, scores)
        _rates(line[2], group)
    figure.suptitle("1920x1080 at 30 fps over an emulated link: which configuration for which link (lower in a group is slower)", fontsize=12)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _latency(busy: float) -> Any:
    return lambda r: (r.megabit > busy * r.rate, r.p50 if r.p50 == r.p50 else float("inf"))


def _colour(row: Any) -> str:
    return COLOURS[row.sender.partition("_")[0]]


def _name(row: Any) -> str:
    return f"{row.sender}, {HOW[row.mode, row.qos][1]}"


def _rows_axis(axis: Any, group: Sequence[Any], names: bool) -> None:
    axis.set_ylim(len(group) - 0.4, -0.6)
    axis.set_yticks(range(len(group)), [_name(r) for r in group] if names else [], fontsize=9)
    axis.grid(axis="x", alpha=0.3)
    axis.set_axisbelow(True)


def _latencies(axis: Any, group: Sequence[Any], busy: float) -> None:
    first = group[0]
    _rows_axis(axis, group, names=True)
    axis.set_title(
        f"{first.rate:g} Mbit/s, {first.delay_ms:g} ms one way, {100 * first.loss:g} % of packets lost", loc="left", fontsize=10, weight="bold"
    )
    shown = [r for r in group if r.megabit <= busy * r.rate]
    # Some tails are ten times as long as what tells configurations apart: they are cut off and said in figures.
    longest = 2 * max((r.p50 for r in shown), default=0.5)
    limit = 1.25 * max((min(r.p99, longest) for r in shown), default=1.0)
    for k, row in enumerate(group):
        if row not in shown:
            axis.text(0.01 * limit, k, f"more than the link carries: {row.fps:.1f} fps arrive", va="center", fontsize=8, color="#7f7f7f")
            continue
        end = min(row.p99, limit)
        axis.barh(k, row.transit_ms, color=_colour(row), alpha=0.18, height=0.7)
        axis.plot([row.p50, end], [k, k], color=_colour(row), lw=2)
        axis.plot(row.p50, k, "o", color=_colour(row), ms=6)
        axis.plot(end, k, ">" if row.p99 > limit else "|", color=_colour(row), ms=10)
        beyond = f" ... {row.p99:.0f}" if row.p99 > limit else ""
        axis.text(end + 0.01 * limit, k, f" {row.p50:.1f}{beyond or f' / {row.p99:.1f}'}", va="center", fontsize=8)
    axis.set_xlim(0, limit * 1.12)
    axis.set_xlabel("capture to decoded picture, ms: p50 (dot) to p99 (bar); shaded: what the link itself takes", fontsize=8)


def _accuracies(axis: Any, group: Sequence[Any], scores: Sequence[Any]) -> None:
    _rows_axis(axis, group, names=False)
    axis.set_title("accuracy of the network", loc="left", fontsize=9)
    for k, row in enumerate(group):
        for shift, (data, (mark, _)) in zip((-0.15, 0.15), MARKS.items()):
            score = accuracy_of(row, data, scores)
            if score is None:
                continue
            clean, delivered = score
            axis.plot([100 * clean, 100 * delivered], [k + shift] * 2, color=_colour(row), lw=1)
            axis.plot(100 * clean, k + shift, mark, mfc="white", mec=_colour(row), ms=5)
            axis.plot(100 * delivered, k + shift, mark, color=_colour(row), ms=5)
    text = ", ".join(f"{'round' if mark == 'o' else 'square'}: {name}" for mark, name in MARKS.values())
    axis.set_xlabel(f"mIoU, %; hollow: without loss; {text}", fontsize=8)


def accuracy_of(row: Any, data: str, scores: Sequence[Any]) -> tuple[float, float] | None:
    """(mIoU without loss, as delivered) of a row; where all frames arrive that of the codec itself; None where it is not known."""
    mine = [s for s in scores if s.data == data and s.sender == row.sender]
    exact = [s for s in mine if s.key == row.key]
    if exact:
        return exact[0].miou_clean, exact[0].miou_delivered
    return (mine[0].miou_clean, mine[0].miou_clean) if mine and (row.loss == 0 or row.whole == row.frames) else None


def _rates(axis: Any, group: Sequence[Any]) -> None:
    _rows_axis(axis, group, names=False)
    axis.set_title("rate and what arrives", loc="left", fontsize=9)
    limit = group[0].rate
    for k, row in enumerate(group):
        axis.barh(k, row.megabit, color=_colour(row), alpha=0.6, height=0.6)
        what = "damaged" if row.sender.startswith("h264") else "in part"
        partial = f", {100 * row.partial / row.frames:.2g} % {what}" if row.partial else ""
        end = min(row.megabit, 1.1 * limit)
        axis.text(end, k, f" {row.megabit:.0f} Mbit/s; {100 * row.whole / row.frames:.3g} % whole{partial}", va="center", fontsize=8)
    axis.set_xlim(0, 3.2 * max(min(r.megabit, 1.1 * limit) for r in group))
    axis.set_xlabel("Mbit/s of frames; share of frames that arrive", fontsize=8)
