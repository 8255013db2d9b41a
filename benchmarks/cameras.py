# SPDX-License-Identifier: Apache-2.0
"""Several cameras and one network: latency and CPU for 1, 2, 4 and 8 cameras, real nodes in processes of their own on one machine.

    python benchmarks/cameras.py                          # 640x360, 5 Hz in all cameras together, ASTC 8x8, 30 s each: about 4 minutes
    python benchmarks/cameras.py --threads 2              # the network on both of two cores
    python benchmarks/cameras.py --rate 30 --each         # 30 Hz each camera, where a GPU is present
    python benchmarks/cameras.py --cameras 4 --seconds 60

The graph is that of many_cameras.launch.py; frames are generated scenes read from files. Latency is from the camera to the published labels.
``late`` are frames whose labels came after the deadline (100 ms unless given), ``batch`` is the mean number of frames in a pass of the network.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import dataclasses
import json
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from csv_tables import write_table
from offload import write_pictures
from tracing import cpu_ns

from plcv_ros.cli.processes import NodeProcess, stop
from plcv_ros.graph import build, describe_exit

REFERENCE = Path(__file__).parent / "reference" / "cameras.csv"
START_TIMEOUT_S = 120.0
WARM_S = 4.0
"""Left out: discovery, first allocations."""


@dataclass(frozen=True)
class Row:
    """One number of cameras. Latencies in ms, CPU in cores."""

    cameras: int
    threads: int
    rate_each: float
    frames: int
    labelled: int
    p50: float
    p95: float
    p99: float
    inference_p50: float
    late: int
    batch: float
    largest_batch: int
    cpu_cameras: float
    cpu_segmentation: float
    cpu_latency: float


def measure(number: int, args: argparse.Namespace, pictures: Path, folder: Path) -> Row:
    """Run ``number`` cameras for ``args.seconds``. Raises RuntimeError, with the node's last words, where a node ends early."""
    from plcv_ros.nodes.monitor import DiagnosticsMonitor

    rate = args.rate if args.each else args.rate / number
    out = folder / f"out{number}"
    given = {
        "cameras": str(number),
        "sources": str(pictures),
        "rate": f"{rate:.6g}",
        "configuration": args.configuration,
        "deadline_ms": str(args.deadline),
        "localhost_only": "true",
        "output": str(out),
        "device": args.device,
    }
    graph = build("many_cameras", given)
    changes: dict[str, dict[str, Any]] = {"latency": {"plot": False}, "segmentation": {"threads": args.threads}}
    nodes = [dataclasses.replace(n, parameters={**n.parameters, **changes.get(n.executable, {})}) for n in graph.nodes]
    # One after the other by name: the network first, since its warm-up would steal the cameras' time.
    nodes.sort(key=lambda node: ("segmentation", "latency", "camera").index(node.executable))
    os.environ.update(graph.environment)
    running: dict[str, NodeProcess] = {}
    try:
        with DiagnosticsMonitor("benchmark") as monitor:
            for node in nodes:
                running[node.qualified_name] = NodeProcess(node, graph.environment)
                if node.executable == "segmentation":
                    _wait(monitor, running, {node.qualified_name})
            _wait(monitor, running, {node.qualified_name for node in nodes})
            time.sleep(WARM_S)
            begin, before = time.time_ns(), {name: cpu_ns(p.pid) for name, p in running.items()}
            counted = dict(monitor.by_full_name()["segmentation"])
            time.sleep(args.seconds)
            end, after = time.time_ns(), {name: cpu_ns(p.pid) for name, p in running.items()}
            passes = {k: int(v) - int(counted.get(k, 0)) for k, v in monitor.by_full_name()["segmentation"].items() if k in {"passes", "segmented"}}
            largest = int(monitor.by_full_name()["segmentation"].get("largest_batch", 1))
            _check(running)
    finally:
        # The latency node last: it writes down what the others still send.
        for name in sorted(running, key=lambda name: name.endswith("latency")):
            stop([running[name]])
    elapsed = (end - begin) / 1e9
    cpu = {name: (after[name] - before[name]) / 1e9 / elapsed for name in before}
    with (out / "frames.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["captured_ns"] and begin <= int(row["captured_ns"]) < end - 1_000_000_000]
    total = np.array([float(row["total_ms"]) for row in rows if row["total_ms"]])
    inference = np.array([float(row["inference_ms"]) for row in rows if row["inference_ms"]])
    if not total.size:
        raise RuntimeError(f"no frame of {number} cameras was labelled")
    p50, p95, p99 = (round(float(p), 2) for p in np.percentile(total, (50, 95, 99)))
    return Row(
        cameras=number,
        threads=args.threads,
        rate_each=round(rate, 3),
        frames=len(rows),
        labelled=total.size,
        p50=p50,
        p95=p95,
        p99=p99,
        inference_p50=round(float(np.median(inference)), 2),
        late=int(np.sum(total > args.deadline)),
        batch=round(passes["segmented"] / max(passes["passes"], 1), 2),
        largest_batch=largest,
        cpu_cameras=round(sum(v for name, v in cpu.items() if name.endswith("/camera")), 3),
        cpu_segmentation=round(cpu["segmentation"], 3),
        cpu_latency=round(cpu["latency"], 3),
    )


def _wait(monitor: Any, running: dict[str, NodeProcess], names: set[str]) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while not names <= set(monitor.by_full_name()):
        _check(running)
        if time.monotonic() > deadline:
            raise RuntimeError(f"nothing was heard of {', '.join(sorted(names - set(monitor.by_full_name())))} for {START_TIMEOUT_S:.0f} s")
        time.sleep(0.1)


def _check(running: dict[str, NodeProcess]) -> None:
    for name, process in running.items():
        code = process.poll()
        if code is not None:
            process.close()
            raise RuntimeError(f"{name} ended ({describe_exit(code)}):\n" + "\n".join(process.tail))


def markdown(rows: list[Row]) -> str:
    """The table."""
    lines = [
        "| cameras | Hz each | labelled | p50 / p95 / p99 ms | inference ms | late | frames a pass (most) | CPU: cameras | network | latency node |",
        "|" + " --- |" * 10,
    ]
    lines += [
        f"| {r.cameras} | {r.rate_each:g} | {r.labelled} of {r.frames} | {r.p50:.1f} / {r.p95:.1f} / {r.p99:.1f} | {r.inference_p50:.1f} | "
        f"{r.late} | {r.batch:.2f} ({r.largest_batch}) | {r.cpu_cameras:.2f} | {r.cpu_segmentation:.2f} | {r.cpu_latency:.2f} |"
        for r in rows
    ]
    return "\n".join(lines)


def main() -> int:
    """Run; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cameras", default="1,2,4,8")
    parser.add_argument("--rate", type=float, default=5.0, help="frames a second, of all cameras together")
    parser.add_argument("--each", action="store_true", help="--rate is that of each camera")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--size", default="640x360")
    parser.add_argument("--configuration", default="astc_8x8")
    parser.add_argument("--deadline", type=float, default=100.0, help="ms")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=0, help="of the network's pass; 0 = half of the cores, as the node's default")
    parser.add_argument("--csv", type=Path, help=f"write the rows there, for example {REFERENCE.relative_to(Path(__file__).parents[1])}")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    args = parser.parse_args()
    os.environ.setdefault("ROS_DOMAIN_ID", str(1 + os.getpid() % 100))
    width, height = (int(v) for v in args.size.split("x"))
    rows = []
    with tempfile.TemporaryDirectory(prefix="plcv_cameras_") as folder, contextlib.suppress(KeyboardInterrupt):
        pictures = Path(folder) / "pictures"
        write_pictures(pictures, width, height, args.rate)
        for number in (int(n) for n in args.cameras.split(",")):
            rows.append(measure(number, args, pictures, Path(folder)))
            print(f"{number} cameras: {rows[-1].p50:.1f} ms, {rows[-1].labelled} of {rows[-1].frames} labelled", file=sys.stderr, flush=True)
    print(json.dumps([dataclasses.asdict(r) for r in rows], indent=1) if args.json else markdown(rows))
    if args.csv:
        write_table(args.csv, Row, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
