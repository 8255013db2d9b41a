#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Which configuration for which link: 1920x1080 at 30 fps between two emulated computers, real nodes, real DDS, packets lost and delayed.

    python benchmarks/link.py                                  # the default set, under 20 minutes
    python benchmarks/link.py --all                            # every combination, hours
    python benchmarks/link.py --goals --repeat 3               # the combinations that goals are set for, medians of three runs
    python benchmarks/link.py --only astc_12x12                # combinations whose name contains the text
    python benchmarks/link.py --camvid DATA/camvid             # with the accuracy of a network on what arrived
    python benchmarks/link.py --all --only "reliable UDP"      # what DDS does about loss by itself
    python benchmarks/link.py --report                         # the table, the goals and the picture of what has been measured, into the docs too

T = bytes * 8 / rate + one-way delay is what the link itself takes; "added" is what is left of the latency from capture to decoded picture.
The accuracy comes from benchmarks/loss_accuracy.py, which reads the deliveries that a run records and may be run later. How often the
machine itself stops a thread that wants to run is printed first (benchmarks/links/stalls.py): where that hits one frame in a hundred, it
bounds the p99. A combination whose rate exceeds 90 % of the link's is reported by the frames a second that arrive. The nodes of this
benchmark should have the machine to themselves. Needs Linux, root, iproute2, ethtool and g++; H.264 needs PyAV (pip install av).
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from csv_tables import read_table, write_table
from links import accuracy, goals, plot, stalls
from links.combined import Combined
from links.network import Link, Network, missing
from measuring import REFERENCE, bits_per_pixel, jpeg_at, machine, read_rgb, say
from offload import write_pictures

from plcv_ros.cli.demo_report import cpu_seconds
from plcv_ros.graph import build
from plcv_ros.graph.transport import FASTDDS_LARGE_DATA, PROFILE_VARIABLES

WIDTH, HEIGHT, RATE = 1920, 1080, 30.0
WARM_FRAMES = 90
LINKS = Path(__file__).parent / "links"
CSV_FILE = REFERENCE / "link.csv"
ACCURACY_FILE = REFERENCE / "link_accuracy.csv"
PLOT_FILE = REFERENCE / "link.png"
DOCS = REFERENCE.parents[1] / "docs/networks.md"
BEGIN, END = "<!-- link begin -->\n", "<!-- link end -->\n"
DOMAIN = "41"
START_S = 25.0
REPAIR_MS = 100.0
THREADS = {"jxs": 2}
"""Of an encoder and a decoder, where more than one is faster; H.264 has two, too."""
SLOW_RATE = 62
"""Mbit/s that frames of 12x12 blocks just fit in, where H.264 at a seventh of the rate comes sooner."""
BUSY = 0.9
"""Share of a link's rate above which latencies are those of a queue that grows."""
BEST_EFFORT, RELIABLE = "best effort", "reliable"
RELIABLE_UDP, RELIABLE_UDP_SMALL = "reliable UDP", "reliable UDP, small messages"
"""What is done about lost packets. ``reliable``: TCP sends them again, and of strips receivers ask for those that are missing; the others leave
it to DDS, whose reliable writers send fragments again: of 64 KB, or in messages that fit in a packet."""
SMALL_MESSAGE = 1400
"""Bytes of a message below the MTU."""


@dataclass(frozen=True)
class Sender:
    """One way to code frames. ``bits`` a pixel: nominal; ``parameters`` of the camera node; ``bit_rate`` of H.264 in bit/s."""

    name: str
    transport: str
    bits: float
    parameters: dict[str, Any] = dataclasses.field(default_factory=dict)
    bit_rate: int = 0


def h264(name: str, bits_per_second: float) -> Sender:
    """H.264 at a constant bit rate."""
    return Sender(name, "h264", bits_per_second / (WIDTH * HEIGHT * RATE), bit_rate=round(bits_per_second))


SMALL, LARGE = 8 / 9, 2.0
ASTC_PRESET, JXS_PRESET = "vision", "pruned"
"""Those of config/astc_8x8.yaml, config/astc_12x12.yaml and config/jxs_pruned.yaml; a test compares."""
SENDERS = {
    s.name: s
    for s in (
        Sender("raw", "raw", 24.0, {"codec": "raw"}),
        Sender("jpeg_2.0", "compressed", LARGE, {"codec": "jpeg"}),
        Sender("jpeg_0.89", "compressed", SMALL, {"codec": "jpeg"}),
        Sender("astc_8x8", "astc", LARGE, {"codec": "astc", "astc_block": "8x8", "astc_preset": ASTC_PRESET}),
        Sender("astc_12x12", "astc", SMALL, {"codec": "astc", "astc_block": "12x12", "astc_preset": ASTC_PRESET}),
        Sender("jxs_2.0", "jxs", LARGE, {"codec": "jxs", "jxs_preset": JXS_PRESET, "jxs_bpp": LARGE}),
        Sender("jxs_0.89", "jxs", SMALL, {"codec": "jxs", "jxs_preset": JXS_PRESET, "jxs_bpp": SMALL}),
        h264("h264_2.0", LARGE * WIDTH * HEIGHT * RATE),
        h264("h264_0.89", SMALL * WIDTH * HEIGHT * RATE),
        h264("h264_8M", 8e6),
    )
}


@dataclass(frozen=True)
class Combination:
    """One run: a sender, whole frames or strips, what is done about lost packets, a link."""

    sender: str
    strips: bool
    qos: str
    link: Link

    @property
    def name(self) -> str:
        """Short text that ``--only`` looks into."""
        return f"{self.sender} {'strips' if self.strips else 'whole'} {self.qos}, {self.link.text}"

    @property
    def repaired(self) -> bool:
        """Whether the receiver asks for strips that are missing."""
        return self.strips and self.qos == RELIABLE

    @property
    def tcp(self) -> bool:
        """Whether frames go by TCP."""
        return not self.strips and self.qos == RELIABLE

    @property
    def key(self) -> tuple[Any, ...]:
        """What names it in the results: sender, mode, QoS, rate, delay, loss."""
        return (self.sender, "strips" if self.strips else "whole", self.qos, self.link.rate, self.link.delay_ms, self.link.loss)


def combinations(everything: bool) -> list[Combination]:
    """The default set, or every combination that makes sense."""
    if everything:
        return [
            Combination(sender.name, strips, qos, Link(rate, delay, loss))
            for rate in (SLOW_RATE, 100, 1000)
            for delay in (2, 5)
            for loss in (0.0, 0.001, 0.01)
            for sender in SENDERS.values()
            for strips in ((False, True) if sender.transport in {"astc", "jxs"} else (False,))
            for qos in (BEST_EFFORT, RELIABLE, *((RELIABLE_UDP, RELIABLE_UDP_SMALL) if sender.name == "astc_12x12" else ()))
            if sender.bits * WIDTH * HEIGHT * RATE < rate * 1.2e6 or sender.name == "raw"
        ]
    slow, lossy, fast, fast_lossy = Link(100), Link(100, loss=0.01), Link(1000), Link(1000, loss=0.001)
    chosen = [
        *((name, False, BEST_EFFORT, slow) for name in ("astc_12x12", "jxs_0.89", "jpeg_0.89", "h264_0.89", "h264_8M")),
        ("astc_12x12", True, BEST_EFFORT, slow),
        *((name, False, BEST_EFFORT, lossy) for name in ("astc_12x12", "jpeg_0.89", "h264_8M")),
        ("astc_12x12", True, BEST_EFFORT, lossy),
        ("astc_12x12", False, RELIABLE, lossy),
        ("astc_12x12", True, RELIABLE, lossy),
        ("jxs_0.89", True, BEST_EFFORT, lossy),
        ("jxs_0.89", False, RELIABLE, lossy),
        ("h264_8M", False, RELIABLE, lossy),
        *((name, False, BEST_EFFORT, fast) for name in ("raw", "astc_8x8", "jxs_2.0", "jpeg_2.0", "h264_2.0")),
        ("astc_8x8", True, BEST_EFFORT, fast),
        ("astc_8x8", False, BEST_EFFORT, fast_lossy),
        ("astc_8x8", True, BEST_EFFORT, fast_lossy),
        ("astc_8x8", False, RELIABLE, fast_lossy),
    ]
    return [Combination(*words) for words in chosen]


def judged(combination: Combination) -> bool:
    """Whether a goal is measured by it (links/goals.py): three runs of it make its figures."""
    kind = (combination.strips, combination.qos, combination.link.loss)
    compared = {name for names in goals.EQUAL_RATE.get(combination.link.rate, ()) for name in names}
    if kind == (False, BEST_EFFORT, 0.0) and combination.link.delay_ms == 2.0 and combination.sender in compared:
        return True
    return combination.sender == "astc_12x12" and kind in {
        (False, BEST_EFFORT, 0.0),
        (True, BEST_EFFORT, 0.0),
        (False, RELIABLE, 0.01),
        (True, BEST_EFFORT, 0.01),
        (True, RELIABLE, 0.01),
    }


@dataclass(frozen=True)
class Row(Combined):
    """What one combination gave; medians over repeated runs. Times in ms, CPU in cores, rates in Mbit/s and bit/px, shares from 0 to 1."""

    runs: int
    frames: int
    whole: int
    partial: int
    strips_share: float
    fps: float
    bits_per_pixel: float
    megabit: float
    transit_ms: float
    p50: float
    p95: float
    p99: float
    added_p50: float
    added_p95: float
    added_p99: float
    encode_ms: float
    publish_ms: float
    cpu_camera: float
    cpu_receiver: float
    packets_lost: float


class Process:
    """One process on one of the computers, its output kept in a file."""

    def __init__(self, network: Network, side: str, words: list[str], environment: dict[str, str], log: Path) -> None:
        self.log = log
        self._asked = False
        with log.open("w", encoding="utf-8") as file:
            self._process = subprocess.Popen(
                network.command(side, [sys.executable, *words]), env={**os.environ, **environment}, stdout=file, stderr=subprocess.STDOUT
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait(self, timeout_s: float) -> None:
        """Wait for its end. Raises RuntimeError with its last words where it fails or does not end."""
        try:
            code = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            code = -1
        if code != 0:
            self._process.kill()
            tail = "\n".join(self.log.read_text(encoding="utf-8").splitlines()[-15:])
            raise RuntimeError(f"{self.log.stem} ended with {code}:\n{tail}")

    def ask_to_end(self) -> None:
        """Once, as Ctrl-C does: a second one would end it on the spot."""
        if not self._asked and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        self._asked = True

    def end(self) -> None:
        """Ask it to end, and see to it."""
        self.ask_to_end()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def python_path() -> str:
    """Of the processes of a run: the benchmarks, and what this one has (a sourced ROS 2)."""
    return os.pathsep.join(filter(None, (str(LINKS.parent), os.environ.get("PYTHONPATH"))))


def run_once(combination: Combination, pictures: Path, frames: int, quality: int, folder: Path, record: Path) -> dict[str, Any]:
    """One run; the figures of a Row. ``record``: where the deliveries are kept, for the accuracy under loss."""
    sender, total = SENDERS[combination.sender], WARM_FRAMES + frames
    environment = {"ROS_DOMAIN_ID": DOMAIN, "OMP_NUM_THREADS": "1", "PYTHONPATH": python_path(), "PLCV_RECORD": str(record)}
    environment |= build("edge", {"middleware": "large_data" if combination.tcp else "profile"}).environment
    assert not combination.tcp or environment.get("FASTDDS_BUILTIN_TRANSPORTS") == FASTDDS_LARGE_DATA
    if combination.qos == RELIABLE_UDP_SMALL:
        environment |= small_messages(environment, folder)
    report, record_time = folder / "camera.json", total / RATE
    with Network(combination.link) as network:

        def start(side: str, name: str, words: list[str]) -> Process:
            return Process(network, side, words, environment, folder / f"{name}.log")

        if sender.transport == "h264":
            receiver = start("remote", "receiver", [str(LINKS / "h264.py"), "receiver", str(int(combination.qos != BEST_EFFORT)), str(record)])
            camera_words = [str(LINKS / "h264.py"), "camera", str(pictures), str(RATE), str(total), str(sender.bit_rate), str(report)]
            watch = None
        else:
            receiver = start(
                "remote",
                "receiver",
                [str(LINKS / "recorder.py"), *_parameters(**receiver_parameters(combination))],
            )
            parameters = {
                **sender.parameters,
                "source": str(pictures),
                "rate": RATE,
                "frames": total,
                "start_when_subscribed": True,
                "strips": combination.strips,
                "threads": THREADS.get(sender.transport, 1),
            }
            if sender.transport == "compressed":
                parameters["jpeg_quality"] = quality
            camera_words = ["-m", "plcv_ros.nodes.camera", *_parameters(**parameters)]
            watch = start("camera", "watch", [str(LINKS / "watch.py"), "camera", str(report)])
        camera = start("camera", "camera", camera_words)
        try:
            cpu = _cpu_share(camera, receiver, record_time)
            camera.wait(START_S + 2 * record_time)
            time.sleep(0.5)
            counters = network.counters()["forth"]
        finally:
            running = [process for process in (receiver, watch, camera) if process is not None]
            for process in running:
                process.ask_to_end()
            for process in running:
                process.end()
    return _figures(combination, frames, record, _camera_values(report, sender), cpu, counters)


def small_messages(environment: dict[str, str], folder: Path) -> dict[str, str]:
    """Variables for the profile of ``environment`` with messages of at most SMALL_MESSAGE bytes, which is written to ``folder``."""
    names = [name for name in PROFILE_VARIABLES if name in environment]
    if not names:
        raise RuntimeError("no Fast DDS profile to change: unset FASTDDS_BUILTIN_TRANSPORTS and profiles of your own")
    text, place = Path(environment[names[0]]).read_text(encoding="utf-8"), "<type>UDPv4</type>"
    if text.count(place) != 1:
        raise RuntimeError(f"{environment[names[0]]}: expected one {place}")
    path = folder / "small_messages.xml"
    path.write_text(text.replace(place, f"{place}<maxMessageSize>{SMALL_MESSAGE}</maxMessageSize>"), encoding="utf-8")
    return dict.fromkeys(names, str(path))


def receiver_parameters(combination: Combination) -> dict[str, Any]:
    """Parameters of the receiving node."""
    return {
        "transport": SENDERS[combination.sender].transport,
        "reliable": combination.qos != BEST_EFFORT and not combination.repaired,
        "strips": combination.strips,
        "strip_repair_ms": REPAIR_MS if combination.repaired else 0.0,
        "decode_threads": THREADS.get(SENDERS[combination.sender].transport, 1),
    }


def _parameters(**values: Any) -> list[str]:
    words = ["--ros-args"]
    for name, value in values.items():
        words += ["-p", f"{name}:={json.dumps(value)}"]
    return words


def _cpu_share(camera: Process, receiver: Process, seconds: float) -> tuple[float, float]:
    """Cores that both use in the middle of the run."""
    time.sleep(START_S / 3 + seconds / 3)
    before, begin = [cpu_seconds(p.pid) for p in (camera, receiver)], time.monotonic()
    time.sleep(seconds / 3)
    after, elapsed = [cpu_seconds(p.pid) for p in (camera, receiver)], time.monotonic() - begin
    shares = [(b - a) / elapsed if a is not None and b is not None else float("nan") for a, b in zip(before, after)]
    return shares[0], shares[1]


def _camera_values(path: Path, sender: Sender) -> dict[str, float]:
    if sender.transport == "h264":
        values = json.loads(path.read_text(encoding="utf-8"))
        return {
            "late": 0,
            "bytes": values["bytes"],
            "megabit": 8 * values["bytes"] * RATE / 1e6,
            "encode_ms": statistics.median(values["encode_ms"]),
            "publish_ms": statistics.median(values["publish_ms"]),
        }
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    lines = [line for line in lines if int(line["published"]) > 0]
    if not lines:
        raise RuntimeError(f"the camera published nothing; see {path}")
    sent = int(lines[-1]["encoded"] if sender.transport != "raw" else lines[-1]["published"])
    # Frames left out in the warm-up are none of those measured, told to a second.
    warm = [int(line["late"]) for line in lines if int(line["captured"]) <= WARM_FRAMES]
    copied = int(lines[-1]["bytes_copied"])  # of last strips: the link carries them, no frame waits for them
    return {
        "late": int(lines[-1]["late"]) - (warm[-1] if warm else 0),
        "bytes": (int(lines[-1]["bytes"]) - copied) / sent,
        "megabit": 8 * int(lines[-1]["bytes"]) / sent * RATE / 1e6,
        "encode_ms": statistics.median(float(line["encode_ms"]) for line in lines),
        "publish_ms": statistics.median(float(line["publish_ms"]) for line in lines),
    }


def rows_missing(text: str) -> int:
    """How many rows the text of recorder.py names."""
    return sum(int(last) - int(first) + 1 for first, last in (part.split("-") for part in text.split()))


def _figures(
    combination: Combination, frames: int, record: Path, camera: dict[str, float], cpu: tuple[float, float], counters: dict[str, int]
) -> dict[str, Any]:
    with record.open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    stamps = np.array([int(line["stamp_ns"]) for line in lines], np.int64)
    # The camera's frames are a frame's time apart: those measured are the last ones. The first may get lost before both sides know each other.
    measured = stamps > stamps.max() - round((frames - 0.5) / RATE * 1e9) if stamps.size else np.zeros(0, bool)
    # A machine that is busy with other things may leave the camera no time for a frame, which then was never sent.
    frames = max(int(measured.sum()), frames - int(camera["late"]))
    kept = [line for line, use in zip(lines, measured) if use]
    latency = np.array([(int(line["decoded_ns"]) - int(line["stamp_ns"])) / 1e6 for line in kept])
    lost_rows = np.array([rows_missing(line["missing_rows"]) for line in kept])
    gone = max(0, frames - len(kept)) * HEIGHT
    transit = combination.link.transit_ms(camera["bytes"])
    percentiles = np.percentile(latency, (50, 95, 99)) if kept else np.full(3, np.nan)
    return {
        "frames": frames,
        "whole": int((lost_rows == 0).sum()),
        "partial": int((lost_rows > 0).sum()),
        "strips_share": 1 - (float(lost_rows.sum()) + gone) / (frames * HEIGHT),
        "fps": len(kept) / frames * RATE,
        "bits_per_pixel": 8 * camera["bytes"] / (WIDTH * HEIGHT),
        "megabit": camera["megabit"],
        "transit_ms": transit,
        **{name: float(value) for name, value in zip(("p50", "p95", "p99"), percentiles)},
        **{f"added_{name}": float(value) - transit for name, value in zip(("p50", "p95", "p99"), percentiles)},
        "encode_ms": camera["encode_ms"],
        "publish_ms": camera["publish_ms"],
        "cpu_camera": cpu[0],
        "cpu_receiver": cpu[1],
        "packets_lost": counters["lost"] / max(1, counters["packets"]),
    }


def record_path(records: Path, combination: Combination, number: int) -> Path:
    """Where the deliveries of a run are kept."""
    return records / f"{combination.name.replace(' ', '_').replace(',', '').replace('/', '')}_{number}.csv"


def measure(combination: Combination, pictures: Path, frames: int, repeat: int, quality: int, records: Path) -> Row:
    """Median figures of ``repeat`` runs."""
    with tempfile.TemporaryDirectory(prefix="plcv_link_") as folder:
        runs = [run_once(combination, pictures, frames, quality, Path(folder), record_path(records, combination, k)) for k in range(repeat)]
    values = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    for name in ("frames", "whole", "partial"):
        values[name] = round(values[name])
    return Row(
        *combination.key,
        repeat,
        **{name: value if isinstance(value, int) else round(value, 4) for name, value in values.items()},
    )


def read_rows() -> list[Row]:
    """What has been measured so far."""
    return read_table(CSV_FILE, Row) if CSV_FILE.exists() else []


def order(row: Row) -> tuple[Any, ...]:
    """Links, then senders."""
    return row.rate, row.delay_ms, row.loss, list(SENDERS).index(row.sender), row.mode != "whole", row.qos


def write_rows(rows: list[Row]) -> None:
    """All rows, in the order of links and senders."""
    write_table(CSV_FILE, Row, sorted(rows, key=order))


def read_accuracy() -> list[accuracy.Accuracy]:
    """What loss_accuracy.py has measured so far."""
    return read_table(ACCURACY_FILE, accuracy.Accuracy) if ACCURACY_FILE.exists() else []


def write_accuracy(scores: list[accuracy.Accuracy]) -> None:
    """For loss_accuracy.py."""
    write_table(ACCURACY_FILE, accuracy.Accuracy, sorted(scores, key=lambda score: score.place))


def markdown(rows: list[Row], scores: list[accuracy.Accuracy]) -> str:
    """One table; latencies only where the link is not overfull, mIoU as delivered and what loss took of it where it is known."""
    lines = [
        "| link | frames | lost packets | runs | bit/px | Mbit/s | whole / in part of | rows arrived | fps | latency p50 / p95 / p99 ms | T "
        "| added p50 / p95 / p99 ms | encode / publish ms | CPU camera / receiver, cores | mIoU scenes, CamVid (lost) |",
        "|" + " --- |" * 15,
    ]
    for r in rows:
        full = r.megabit > BUSY * r.rate
        latency = "-" if full else f"{r.p50:.1f} / {r.p95:.1f} / {r.p99:.1f}"
        added = "-" if full else f"{r.added_p50:.1f} / {r.added_p95:.1f} / {r.added_p99:.1f}"
        lines.append(
            f"| {Link(r.rate, r.delay_ms, r.loss).text} | {r.sender}, {r.mode} | {plot.HOW.get((r.mode, r.qos), (r.qos,))[0]} | {r.runs} | "
            f"{r.bits_per_pixel:.2f} | {r.megabit:.0f} | "
            f"{r.whole} / {r.partial} of {r.frames} | {100 * r.strips_share:.1f} % | {r.fps:.1f} | {latency} | {r.transit_ms:.1f} | {added} | "
            f"{r.encode_ms:.2f} / {r.publish_ms:.2f} | {r.cpu_camera:.2f} / {r.cpu_receiver:.2f} | "
            f"{_miou(r, 'scenes', scores)}, {_miou(r, 'camvid', scores)} |"
        )
    return "\n".join(lines)


def write_docs(rows: list[Row], scores: list[accuracy.Accuracy]) -> None:
    """Put the table and the goals between the markers of docs/networks.md; raises ValueError where those are missing."""
    text = DOCS.read_text(encoding="utf-8")
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{DOCS}: expected the lines {BEGIN.strip()} and {END.strip()}")
    lines = [line.partition(": ") for line in goals.verdicts(rows, scores)]
    judged = [f"| {what.rpartition(': ')[0]} | {what.rpartition(': ')[2]} | {verdict.lower()} |" for verdict, _, what in lines]
    table = "\n".join(["| goal | measured | |", "| --- | --- | --- |", *judged])
    picture = f"![Latency, accuracy and rate of each configuration on each link](../{PLOT_FILE.relative_to(DOCS.parents[1]).as_posix()})"
    DOCS.write_text(f"{head}{begin}{markdown(rows, scores)}\n\n{picture}\n\n{table}\n{end}{tail}", encoding="utf-8")


def _miou(row: Row, data: str, scores: list[accuracy.Accuracy]) -> str:
    score = plot.accuracy_of(row, data, scores)
    return "-" if score is None else f"{100 * score[1]:.1f} ({100 * (score[0] - score[1]):.1f})"


def main() -> int:
    """Run; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="every combination")
    parser.add_argument("--only", default="", help="combinations whose name contains this")
    parser.add_argument("--goals", action="store_true", help="the combinations that goals are set for; give --repeat 3")
    parser.add_argument("--missing", action="store_true", help="combinations that benchmarks/reference/link.csv does not have yet")
    parser.add_argument("--list", action="store_true", help="name the combinations and end")
    parser.add_argument("--frames", type=int, default=1000, help="frames a run, after 3 s of warm-up")
    parser.add_argument("--repeat", type=int, default=1, help="runs a combination; medians are reported")
    parser.add_argument("--records", type=Path, default=Path("link_records"), help="folder for what arrived, frame by frame")
    parser.add_argument(
        "--camvid",
        type=Path,
        metavar="DIR",
        help="score what arrived as well, on generated scenes and on this CamVid: minutes a combination, needs torch",
    )
    parser.add_argument(
        "--report",
        action="store_true",
        help="run nothing: print the table, draw the picture of what has been measured, and put both into docs/networks.md",
    )
    args = parser.parse_args()
    rows = {row.key: row for row in read_rows()}
    chosen = [
        c for c in combinations(args.all) if args.only in c.name and not (args.goals and not judged(c)) and not (args.missing and c.key in rows)
    ]
    if args.list:
        print("\n".join(c.name for c in chosen))
        return 0
    if not args.report:
        reason = missing()
        if reason:
            say(f"no emulated link: {reason}")
            return 1
        args.records.mkdir(parents=True, exist_ok=True)
        for sentence in stalls.measure():
            say(sentence)
        with tempfile.TemporaryDirectory(prefix="plcv_pictures_") as folder:
            pictures = Path(folder) / "pictures"
            write_pictures(pictures, WIDTH, HEIGHT, RATE)
            qualities = _qualities(pictures) if any(c.sender.startswith("jpeg") for c in chosen) else {}
            begun = time.monotonic()
            for number, combination in enumerate(chosen, 1):
                if SENDERS[combination.sender].transport == "h264" and find_spec("av") is None:
                    say(f"{combination.name}: left out, PyAV is not installed")
                    continue
                row = measure(combination, pictures, args.frames, args.repeat, qualities.get(combination.sender, 90), args.records)
                rows[row.key] = row
                write_rows(list(rows.values()))
                result = f"{row.whole} of {row.frames} whole, p50 {row.p50:.1f} ms, added {row.added_p50:.1f} ms"
                say(f"{number} of {len(chosen)}: {combination.name}: {result}")
            say(f"{len(chosen)} combinations in {(time.monotonic() - begun) / 60:.1f} minutes")
        if args.camvid:
            words = ["--records", str(args.records.resolve()), "--camvid", str(args.camvid.resolve()), "--only", args.only]
            subprocess.run([sys.executable, str(Path(__file__).with_name("loss_accuracy.py")), *words], check=True, stdout=sys.stderr)
    measured, scores = read_rows(), read_accuracy()
    print("; ".join(f"{name}: {value}" for name, value in machine().items()))
    print()
    print(markdown(measured, scores))
    print()
    print("\n".join(goals.verdicts(measured, scores)))
    if find_spec("matplotlib") is None:
        say(f"{PLOT_FILE} is not drawn: matplotlib is not installed (pip install plcv_ros[report])")
    else:
        plot.draw(PLOT_FILE, measured, scores, BUSY)
        say(f"wrote {PLOT_FILE}")
    if args.report:
        write_docs(measured, scores)
        say(f"wrote {DOCS}")
    return 0


def _qualities(pictures: Path) -> dict[str, int]:
    """Sender -> the JPEG quality whose rate on these pictures is nearest to the sender's."""
    frames = [read_rgb(path) for path in sorted(pictures.iterdir())[::6]]
    result = {}
    for sender in SENDERS.values():
        if sender.transport == "compressed":
            jpeg, rate = jpeg_at(frames, sender.bits)
            result[sender.name] = jpeg.quality
            say(f"{sender.name}: quality {jpeg.quality}, {rate:.2f} bit/px ({bits_per_pixel([jpeg.encode(frames[0])]):.2f} in the first picture)")
    return result


if __name__ == "__main__":
    sys.exit(main())
