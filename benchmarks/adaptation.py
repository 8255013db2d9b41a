#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""``codec: auto`` on a link whose rate falls and recovers: 1280x720 at 30 fps, target 60 ms, 1 Gbit/s, 50 Mbit/s and 1 Gbit/s again.

    python benchmarks/adaptation.py                    # 3 runs, 2 minutes: table of seconds, changes of setting, plot of the last
    python benchmarks/adaptation.py --low 30 --strips --json out.json

Real nodes between two emulated computers. "Late" frames took longer than the target, or were sent and never came; "outside" is how long the p95
over the second before was above the target (two late frames in thirty are enough, so a frame's time of trouble counts for up to a second). Frames
in strips that came in part count by when they were done. The exit status is 1 where the median of the runs is outside for more than a second.
Needs root, iproute2, ethtool and g++.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import re
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from link import DOMAIN, LINKS, START_S, Process, _parameters, python_path
from links.network import Link, Network, missing
from measuring import REFERENCE, machine, markdown, say, write_csv
from offload import write_pictures

from plcv_ros.graph import build

WIDTH, HEIGHT, RATE, TARGET_MS = 1280, 720, 30.0, 60.0
BEFORE_S, LOW_S, AFTER_S = 10.0, 12.0, 12.0
HIGH_MBIT = 1000
GOAL_S = 1.0
FILE = REFERENCE / "adaptation.csv"
PLOT_FILE = REFERENCE.parents[1] / "docs/images/adaptation.png"


@dataclass
class Result:
    """What a run showed; times in s from the moment the rate fell, latencies in ms, None for frames that never came."""

    low_mbit: float
    frames: int
    never: int
    late: int
    seconds_late: float
    seconds_outside: float
    p95_low: float
    changes: list[str]
    captured: list[float]
    latency: list[float | None]


def run(low_mbit: float, folder: Path, reliable: bool, strips: bool) -> Result:
    """One run of 34 s."""
    pictures = folder / "pictures"
    write_pictures(pictures, WIDTH, HEIGHT, RATE)
    record, published, total = folder / "record.csv", folder / "published", round((BEFORE_S + LOW_S + AFTER_S) * RATE)
    environment = {"ROS_DOMAIN_ID": DOMAIN, "OMP_NUM_THREADS": "1", "PYTHONPATH": python_path(), "PLCV_RECORD": str(record)}
    environment |= build("edge", {"middleware": "large_data" if reliable else "profile"}).environment
    moments: dict[str, float] = {}
    with Network(Link(HIGH_MBIT)) as network:
        asked = _parameters(transport="auto", reliable=reliable, strips=strips)
        receiver = Process(network, "remote", [str(LINKS / "recorder.py"), *asked], environment, folder / "receiver.log")
        watch = Process(network, "camera", [str(LINKS / "published.py"), "camera", str(published)], environment, folder / "watch.log")
        parameters = {"source": str(pictures), "rate": RATE, "frames": total, "start_when_subscribed": True, "strips": strips}
        words = ["-m", "plcv_ros.nodes.camera", *_parameters(**parameters, codec="auto", jxs_preset="pruned", latency_target_ms=TARGET_MS)]
        camera = Process(network, "camera", words, environment, folder / "camera.log")

        def weather() -> None:
            # The camera begins when the receiver is there; its first line on the wire tells when.
            while network.counters()["forth"]["bytes"] < 500_000:
                time.sleep(0.02)
            time.sleep(BEFORE_S)
            network.change(Link(low_mbit))
            moments["fell"] = time.time()
            time.sleep(LOW_S)
            network.change(Link(HIGH_MBIT))
            moments["rose"] = time.time()

        thread = threading.Thread(target=weather, daemon=True)
        thread.start()
        try:
            camera.wait(START_S + 2 * total / RATE)
            thread.join(1.0)
        finally:
            for process in (receiver, camera, watch):
                process.end()
        changes = [
            f"{float(m.group(1)) - moments['fell']:+.2f} s: {m.group(2)}"
            for m in re.finditer(r"\[(\d+\.\d+)\] \[camera\]: codec: (.*)", camera.log.read_text(encoding="utf-8"))
        ]
    return _result(low_mbit, record, published, moments, changes)


def p95(window: np.ndarray) -> float:
    """The smallest value that 95 % of ``window`` do not exceed. (np.percentile names this method differently before numpy 1.22.)"""
    return float(np.sort(window)[math.ceil(0.95 * (len(window) - 1))])


def _result(low_mbit: float, record: Path, published: Path, moments: dict[str, float], changes: list[str]) -> Result:
    with record.open(newline="", encoding="utf-8") as file:
        decoded = {int(line["stamp_ns"]): int(line["decoded_ns"]) for line in csv.DictReader(file)}
    # Not of frames that the sender left out: it knew better.
    sent = sorted({*map(int, published.read_text(encoding="utf-8").split()), *decoded})
    captured = np.array(sent) / 1e9 - moments["fell"]
    latency = np.array([(decoded[stamp] - stamp) / 1e6 if stamp in decoded else np.inf for stamp in sent])
    judged = captured > -BEFORE_S / 2  # what happened while everything started is no matter of the link
    captured, latency = captured[judged], latency[judged]
    outside = 0.0
    for end in np.arange(captured[0] + 1, captured[-1], 0.01):
        window = latency[(captured > end - 1) & (captured <= end)]
        outside += 0.01 * (window.size == 0 or p95(window) > TARGET_MS)
    late = captured[latency > TARGET_MS]
    low = latency[(captured > 2) & (captured < LOW_S)]
    return Result(
        low_mbit=low_mbit,
        frames=len(latency),
        never=int(np.isinf(latency).sum()),
        late=len(late),
        seconds_late=round(float(late[-1] - late[0]) + 1 / RATE, 3) if len(late) else 0.0,
        seconds_outside=round(outside, 2),
        p95_low=round(p95(low), 1) if len(low) else float("nan"),
        changes=changes,
        captured=[round(float(v), 4) for v in captured],
        latency=[round(float(v), 2) if np.isfinite(v) else None for v in latency],
    )


def plot(result: Result, path: Path) -> None:
    """Latency of every frame over time, and where the setting changed."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.6), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.axvspan(0, LOW_S, color="#f2dede", label=f"link at {result.low_mbit:g} Mbit/s")
    axes.axhline(TARGET_MS, color="#a94442", linewidth=1, linestyle="--", label=f"target, {TARGET_MS:g} ms")
    came = [(at, value) for at, value in zip(result.captured, result.latency) if value is not None]
    axes.plot([at for at, _ in came], [value for _, value in came], ".", markersize=4, color="#1f4e79", label="a frame")
    top = max(1.25 * TARGET_MS, max(value for _, value in came) * 1.1)
    never = [at for at, value in zip(result.captured, result.latency) if value is None]
    if never:
        axes.plot(never, [0.98 * top] * len(never), "x", markersize=5, color="#a94442", label="a frame that never came")
    for change in result.changes:
        when, _, text = change.partition(" s: ")
        if result.captured[0] <= float(when) <= result.captured[-1]:
            axes.axvline(float(when), color="#888888", linewidth=0.8)
            axes.annotate(text.partition(":")[0].partition("-> ")[2], (float(when), top), rotation=90, fontsize=8, va="top", ha="right")
    axes.set(xlabel="s after the rate fell", ylabel="capture to decoded picture (ms)", ylim=(0, top), title="codec: auto, 1280x720 at 30 fps")
    axes.legend(loc="upper right", fontsize=8)
    axes.grid(alpha=0.3)
    figure.savefig(str(path))


def main() -> int:
    """Run; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--low", type=float, default=50.0, help="rate that the link falls to, Mbit/s")
    parser.add_argument("--reliable", action="store_true", help="over TCP, instead of best effort over UDP")
    parser.add_argument("--strips", action="store_true")
    parser.add_argument("--repeat", type=int, default=3, help="runs (default %(default)s)")
    parser.add_argument("--json", type=Path, help="write every frame of every run")
    parser.add_argument("--csv", type=Path, help=f"write a row a run (the reference: {FILE.relative_to(REFERENCE.parents[1])})")
    parser.add_argument("--plot", type=Path, default=PLOT_FILE, help="picture of the last run (default %(default)s)")
    args = parser.parse_args()
    reason = missing()
    if reason:
        say(f"no emulated link: {reason}")
        return 1
    results = []
    for number in range(1, args.repeat + 1):
        with tempfile.TemporaryDirectory(prefix="plcv_adaptation_") as folder:
            results.append(run(args.low, Path(folder), args.reliable, args.strips))
        say(f"run {number} of {args.repeat}: outside for {results[-1].seconds_outside:.2f} s")
    about: dict[str, Any] = machine()
    print("; ".join(f"{name}: {value}" for name, value in about.items()))
    print(f"\nlink {HIGH_MBIT} -> {args.low:g} -> {HIGH_MBIT} Mbit/s, {'strips' if args.strips else 'whole frames'}\n")
    rows = [{name: value for name, value in asdict(result).items() if not isinstance(value, list)} for result in results]
    print(markdown(rows, list(rows[0])))
    for number, result in enumerate(results, 1):
        print("\n".join([f"\nrun {number}, s after the rate fell:", *result.changes]))
    outside = statistics.median(result.seconds_outside for result in results)
    print(f"\nmedian: p95 over a second above {TARGET_MS:g} ms for {outside:.2f} s, at most {GOAL_S:g} wanted")
    if args.csv:
        write_csv(args.csv, rows)
    if args.json:
        args.json.write_text(json.dumps({"machine": about, "runs": [asdict(result) for result in results]}) + "\n", encoding="utf-8")
    plot(results[-1], args.plot)
    return 1 if outside > GOAL_S else 0


if __name__ == "__main__":
    sys.exit(main())
