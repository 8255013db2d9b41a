#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What each pruning of the JPEG XS encoder costs and gives, alone and combined: encode and decode time, PSNR, bit/px.

    python benchmarks/jpegxs_pruning.py                        # 3 bit/px; prints Markdown, writes the CSV and the PNG
    python benchmarks/jpegxs_pruning.py --rates 2 3 4 --rounds 30

Every setting starts from preset `high`. Times: benchmarks/measuring.py (one thread, 1920x1080, in turn with libjpeg-turbo 4:2:0 quality 90,
fast DCT, medians). PSNR: mean over the same frames, all three components. The groups: `preset`; `alone`, one change to `high`; `combined`;
`reference`, for comparison only. The paper's pruning is the one without significance flags; it reports 22 % less encoding time. `pruned` is
the fastest setting that stays within 1.5 dB of `high` at the same rate.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from measuring import (
    DATA,
    HEIGHT,
    REFERENCE,
    ROOT,
    WIDTH,
    Image,
    Jpeg,
    bits_per_pixel,
    machine,
    markdown,
    psnr,
    run_decode,
    run_encode,
    run_jpeg_decode,
    run_jpeg_encode,
    say,
    speed_frames,
    timed,
    write_csv,
)

from plcv_ros.codecs import decode, make_codec
from plcv_ros.codecs.targets import current_target

JPEG_QUALITY = 90
ALLOWED_LOSS_DB = 1.5


@dataclass(frozen=True)
class Setting:
    """A row: its name, what it is (``preset``, ``alone``, ``combined``, ``reference``), and its options of the codec."""

    name: str
    group: str
    options: dict[str, Any] = field(default_factory=dict)


SWITCHES: dict[str, dict[str, Any]] = {
    "no significance flags": {"significance": False},
    "no vertical prediction": {"vertical_prediction": False},
    "no raw counts": {"raw_counts": False},
    "deadzone quantizer": {"quantizer": "deadzone"},
    "signs inside": {"signs": "inline"},
    "5/1": {"levels": "5/1"},
    "5/0": {"levels": "5/0"},
    "18/6": {"precision": "18/6"},
    "8/0, 16 bits": {"precision": "B/0"},
    "full search": {"search": "full"},
    "no RCT": {"colour_transform": False},
}
"""One change to `high` each -> its options of the codec."""

COMBINED: tuple[tuple[str, ...], ...] = (
    ("no vertical prediction", "no raw counts"),
    ("no significance flags", "no vertical prediction"),
    ("no significance flags", "no vertical prediction", "no raw counts"),
    ("5/1", "no significance flags"),
    ("5/1", "no vertical prediction"),
    ("5/1", "no vertical prediction", "no raw counts"),
    ("5/1", "no significance flags", "no vertical prediction", "no raw counts"),
    ("5/1", "no vertical prediction", "no raw counts", "18/6"),
    ("5/1", "no vertical prediction", "no raw counts", "8/0, 16 bits"),
    ("5/1", "no significance flags", "no vertical prediction", "no raw counts", "8/0, 16 bits"),
    ("5/1", "no vertical prediction", "no raw counts", "signs inside"),
    ("5/1", "no vertical prediction", "no raw counts", "deadzone quantizer"),
    ("signs inside", "no vertical prediction"),
    ("signs inside", "no vertical prediction", "no raw counts"),
    ("signs inside", "no significance flags"),
    ("signs inside", "8/0, 16 bits"),
    ("signs inside", "8/0, 16 bits", "no vertical prediction", "no raw counts"),
    ("signs inside", "deadzone quantizer"),
    ("5/1", "signs inside"),
    ("5/0", "no vertical prediction", "no raw counts"),
    ("5/0", "no significance flags", "no vertical prediction", "no raw counts"),
    ("8/0, 16 bits", "no vertical prediction", "no raw counts"),
    ("8/0, 16 bits", "no significance flags", "no vertical prediction", "no raw counts"),
)


def together(names: tuple[str, ...]) -> Setting:
    """Several switches at once."""
    options: dict[str, Any] = {"preset": "high"}
    for name in names:
        options |= SWITCHES[name]
    return Setting(", ".join(names), "combined", options)


SETTINGS: tuple[Setting, ...] = (
    *(Setting(name, "preset", {"preset": name}) for name in ("high", "main", "pruned")),
    *(Setting(name, "alone", {"preset": "high", **options}) for name, options in SWITCHES.items()),
    *(together(names) for names in COMBINED),
    # What the best open encoder does: no colour transform, deadzone quantizer, signs among the data, no vertical prediction.
    Setting(
        "no RCT, deadzone, signs inside",
        "reference",
        {
            "preset": "high",
            "colour_transform": False,
            "quantizer": "deadzone",
            "signs": "inline",
            "vertical_prediction": False,
            "search": "full",
        },
    ),
)

EXHAUSTIVE = Setting("exhaustive (Q, R)", "reference", {"preset": "high", "search": "exhaustive"})
"""The least squared error of every (Q, R) that fits, precinct by precinct: what the search could reach. Takes seconds a frame."""


def measure(frames: list[Image], bpp: float, rounds: int, exhaustive: bool, busy: bool) -> list[dict[str, Any]]:
    """A row for every setting at one rate; ``exhaustive`` adds the one that takes seconds a frame, timed once a frame."""
    jpeg = Jpeg(JPEG_QUALITY)
    image = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    target = current_target()
    cases: dict[str, Callable[[int], Any]] = {
        "jpeg encode": partial(run_jpeg_encode, jpeg, frames),
        "jpeg decode": partial(run_jpeg_decode, jpeg, [jpeg.encode(f) for f in frames]),
    }
    quality, once = {}, {}
    settings = (*SETTINGS, EXHAUSTIVE) if exhaustive else SETTINGS
    for setting in settings:
        codec = make_codec("jxs", bpp=bpp, **setting.options)
        start = time.perf_counter()
        payloads = [bytes(codec.encode(f)) for f in frames]
        once[f"encode {setting.name}"] = 1e3 * (time.perf_counter() - start) / len(frames)
        quality[setting.name] = statistics.mean(psnr(f, decode(p)) for f, p in zip(frames, payloads)), bits_per_pixel(payloads)
        say(f"  {setting.name}: {quality[setting.name][0]:.2f} dB")
        if setting is not EXHAUSTIVE:
            cases[f"encode {setting.name}"] = partial(run_encode, codec, frames, bytearray(len(payloads[0])))
        cases[f"decode {setting.name}"] = partial(run_decode, target, payloads, 1, image)
    result = once | timed(cases, rounds, busy, time.thread_time if busy else time.perf_counter)
    high_ms, high_db = result["encode high"], quality["high"][0]
    rows = []
    for number, setting in enumerate(settings, 1):
        encode_ms, decode_ms = result[f"encode {setting.name}"], result[f"decode {setting.name}"]
        decibel, rate = quality[setting.name]
        rows.append(
            {
                "number": number,
                "setting": setting.name,
                "group": setting.group,
                "bpp": bpp,
                "bit_per_px": round(rate, 3),
                "encode_ms": round(encode_ms, 3),
                "encode_to_jpeg": round(encode_ms / result["jpeg encode"], 3),
                "saved_percent": round(100 * (1 - encode_ms / high_ms), 1) if setting is not EXHAUSTIVE else "",
                "decode_ms": round(decode_ms, 3),
                "decode_to_jpeg": round(decode_ms / result["jpeg decode"], 3),
                "psnr_db": round(decibel, 3),
                "to_high_db": round(decibel - high_db, 3),
                "options": " ".join(f"{k}={v}" for k, v in setting.options.items()),
            }
        )
    return rows


def best(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The fastest row within :data:`ALLOWED_LOSS_DB` of `high`; rows of the group ``reference`` are no candidates."""
    candidates = [row for row in rows if row["group"] != "reference" and row["to_high_db"] >= -ALLOWED_LOSS_DB]
    return min(candidates, key=lambda row: row["encode_ms"])


COLUMNS = {
    "number": "",
    "setting": "setting",
    "encode_ms": "encode ms",
    "encode_to_jpeg": "in libjpeg-turbo's time",
    "saved_percent": "saved %",
    "decode_ms": "decode ms",
    "decode_to_jpeg": "in libjpeg-turbo's time ",
    "psnr_db": "PSNR dB",
    "to_high_db": "to high dB",
    "bit_per_px": "bit/px",
}


def table(rows: list[dict[str, Any]]) -> str:
    """Markdown of one rate's rows, the best one bold."""
    chosen = best(rows)["setting"]
    shown = []
    for row in rows:
        line = {title: row[key] for key, title in COLUMNS.items()}
        if row["setting"] == chosen:
            line = {title: f"**{value}**" for title, value in line.items()}
        shown.append(line)
    return markdown(shown, list(COLUMNS.values()))


def section(rows: list[dict[str, Any]]) -> str:
    """One rate: heading, table, and the choice in a sentence."""
    chosen = best(rows)
    sentence = (
        f"Fastest within {ALLOWED_LOSS_DB:g} dB of `high`: {chosen['setting']}, {chosen['saved_percent']:g} % less encoding time, "
        f"{chosen['to_high_db']:+.2f} dB."
    )
    return f"\n### {rows[0]['bpp']:g} bit/px\n\n{table(rows)}\n\n{sentence}"


def read_csv(path: Path) -> list[dict[str, Any]]:
    """The rows of a file that an earlier run wrote."""
    texts = {"setting", "group", "options"}
    with path.open(newline="") as file:
        return [
            {name: value if name in texts or not value else int(value) if name == "number" else float(value) for name, value in row.items()}
            for row in csv.DictReader(file)
        ]


def front_of(rows: list[dict[str, Any]]) -> list[tuple[float, float]]:
    """The Pareto front: (encode time in libjpeg-turbo's, PSNR) of the rows that no other one beats in both, from fast to good."""
    front: list[tuple[float, float]] = []
    for row in sorted(rows, key=lambda r: (r["encode_to_jpeg"], -r["psnr_db"])):
        if not front or row["psnr_db"] > front[-1][1]:
            front.append((row["encode_to_jpeg"], row["psnr_db"]))
    return front


def plot(rows: list[dict[str, Any]], path: Path) -> None:
    """PSNR over encode time, one panel a rate, with the line of the allowed loss and the Pareto front; points carry the table's numbers."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # The exhaustive search would push all others into a corner.
    shown = [row for row in rows if row["setting"] != EXHAUSTIVE.name]
    rates = sorted({row["bpp"] for row in shown})
    figure = Figure(figsize=(7.0 * len(rates) + 4.5, 6.5), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    colours = {"preset": "#d95f02", "alone": "#377eb8", "combined": "#1b9e77", "reference": "#777777"}
    panels = figure.subplots(1, len(rates) + 1, squeeze=False, gridspec_kw={"width_ratios": [*[7.0] * len(rates), 4.5]})[0]
    for axes, rate in zip(panels, rates):
        mine = [row for row in shown if row["bpp"] == rate]
        for group, colour in colours.items():
            points = [(row["encode_to_jpeg"], row["psnr_db"]) for row in mine if row["group"] == group]
            axes.scatter(*(zip(*points) if points else ([], [])), color=colour, label=group, s=16, zorder=3)
        for row in mine:
            at = (row["encode_to_jpeg"], row["psnr_db"])
            axes.annotate(str(row["number"]), at, xytext=(3, 2), textcoords="offset points", fontsize=8, color=colours[row["group"]])
        axes.step(*zip(*front_of(mine)), where="post", color="#bbbbbb", linewidth=1, zorder=1)
        limit = next(row["psnr_db"] for row in mine if row["setting"] == "high") - ALLOWED_LOSS_DB
        axes.axhline(limit, color="#e7298a", linestyle="--", linewidth=1)
        axes.annotate(f"high - {ALLOWED_LOSS_DB:g} dB", (1, limit), xycoords=("axes fraction", "data"), ha="right", va="bottom", fontsize=8)
        axes.set_title(f"{rate:g} bit/px")
        axes.set_xlabel("encode time, in libjpeg-turbo's (4:2:0, quality 90, fast DCT)")
        axes.set_ylabel("PSNR, dB")
        axes.grid(alpha=0.3)
        axes.set_axisbelow(True)
    panels[0].legend(loc="lower right", fontsize=8)
    panels[-1].axis("off")
    names = {row["number"]: row for row in shown}
    for line, (number, row) in enumerate(names.items()):
        y = 1 - (line + 0.5) / len(names)
        panels[-1].text(0, y, f"{number}  {row['setting']}", color=colours[row["group"]], fontsize=8, va="center", transform=panels[-1].transAxes)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(str(path))
    say(f"wrote {path}")


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA if DATA.exists() else None, help="data folder with kitti_2011_09_26_seq/")
    parser.add_argument("--rates", type=float, nargs="+", default=[3.0], help="bit/px (default 3)")
    parser.add_argument("--rounds", type=int, default=20, help="times that every case goes through its frames (default 20)")
    parser.add_argument("--busy", action="store_true", help="minima of the CPU time in place of medians of the time, for a machine that is not idle")
    parser.add_argument("--no-exhaustive", action="store_true", help="leave out the exhaustive search, which takes minutes")
    parser.add_argument("--csv", type=Path, default=REFERENCE / "jpegxs_pruning.csv")
    parser.add_argument("--plot", type=Path, default=ROOT / "docs/images/jpegxs_pruning.png")
    parser.add_argument("--report", action="store_true", help="measure nothing: print and plot what the CSV file holds")
    arguments = parser.parse_args()
    if arguments.report:
        rows = read_csv(arguments.csv)
        for bpp in sorted({row["bpp"] for row in rows}):
            print(section([row for row in rows if row["bpp"] == bpp]))
        plot(rows, arguments.plot)
        return
    frames, source = speed_frames(arguments.data)
    print("; ".join(f"{name}: {value}" for name, value in machine().items()))
    times = "minimum CPU" if arguments.busy else "median"
    print(f"\n{WIDTH}x{HEIGHT}, {source}, one thread, {current_target()}; {times} times in ms and in libjpeg-turbo's.")
    rows = []
    for bpp in arguments.rates:
        say(f"{bpp:g} bit/px")
        mine = measure(frames, bpp, arguments.rounds, not arguments.no_exhaustive, arguments.busy)
        rows += mine
        print(section(mine), flush=True)
    write_csv(arguments.csv, rows)
    plot(rows, arguments.plot)


if __name__ == "__main__":
    main()
