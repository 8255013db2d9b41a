# SPDX-License-Identifier: Apache-2.0
"""Paced end-to-end runs on one machine: camera -> codec -> DDS -> receiver, with real nodes in processes of their own.

    python benchmarks/offload.py                       # every size and configuration, 30 Hz
    python benchmarks/offload.py --network             # the same with the segmentation node as the receiver, 640x360
    python benchmarks/offload.py --sizes 1280x720 --configurations jpeg,astc_8x8 --seconds 20

Latency is measured at the camera's rate, never with a full queue. Frames are generated scenes, made in advance and read as uncompressed
pictures in a loop, because making large ones takes longer than a frame's time; reading is done before a frame's stamp is taken, so it is
in the camera's CPU time and in no latency. ``total`` is from the stamp to the decoded picture in the receiver's memory (with --network: to
the published labels).
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from csv_tables import read_table, write_table

from plcv_ros import __version__
from plcv_ros.cli.demo_report import cpu_seconds
from plcv_ros.cli.processes import NodeProcess, stop
from plcv_ros.graph import Graph, NodeSpec, build, describe_exit
from plcv_ros.nodes import wire

REFERENCE = Path(__file__).parent / "reference" / "offload.csv"
SIZES = ("640x360", "1280x720", "1920x1080")
CONFIGURATIONS = ("raw", "jpeg", "jxs_high", "jxs_pruned", "astc_8x8", "astc_12x12")
PICTURES = 30
WARM_FRAMES = 30
"""Left out of the figures: discovery (of the frame events too), first allocations."""
START_TIMEOUT_S = 60.0

STAGES = {
    "encode": ("encode_start", "encode_end"),
    "transport": ("encode_end", "received"),
    "wait": ("received", "decode_start"),
    "decode": ("decode_start", "decode_end"),
    "inference": ("decode_end", "inference_end"),
}
"""Stage -> its first and last event. ``transport`` begins with the hand-over to the publishing thread, ``wait`` ends when the decoding
thread takes the frame."""


@dataclass(frozen=True)
class Row:
    """One run. Latencies in ms, CPU in cores (1 = one core all the time)."""

    receiver: str
    width: int
    height: int
    configuration: str
    rate: float
    frames: int
    delivered: int
    bits_per_pixel: float
    megabit_per_second: float
    encode_p50: float
    encode_p95: float
    encode_p99: float
    transport_p50: float
    transport_p95: float
    transport_p99: float
    wait_p50: float
    wait_p95: float
    wait_p99: float
    decode_p50: float
    decode_p95: float
    decode_p99: float
    inference_p50: float
    inference_p95: float
    inference_p99: float
    total_p50: float
    total_p95: float
    total_p99: float
    cpu_camera: float
    cpu_receiver: float


class ReceiverSpec(NodeSpec):
    """The node of benchmarks/receiver.py."""

    def command(self) -> list[str]:
        """Runs the file beside this one."""
        return [sys.executable, str(Path(__file__).with_name("receiver.py")), *self.ros_arguments()]


def main() -> int:
    """Run; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="", help=f"default: {','.join(SIZES)}; with --network {SIZES[0]}")
    parser.add_argument("--configurations", default=",".join(CONFIGURATIONS))
    parser.add_argument("--rate", type=float, default=30.0)
    parser.add_argument("--seconds", type=float, default=8.0, help="seconds of frames a run")
    parser.add_argument("--network", action="store_true", help="segment the frames too")
    parser.add_argument("--csv", type=Path, default=REFERENCE, help="rows of the same receiver, size and configuration are replaced")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path, help="PNG of all rows in the CSV file; needs matplotlib")
    parser.add_argument("--report", action="store_true", help="run nothing: print (and plot) what the CSV file holds")
    args = parser.parse_args()
    if args.report:
        rows = read_csv(args.csv)
        print(markdown(rows, machine()))
        if args.plot:
            plot(rows, args.plot)
        return 0
    os.environ.setdefault("ROS_DOMAIN_ID", str(1 + os.getpid() % 100))
    rows = []
    with tempfile.TemporaryDirectory(prefix="plcv_offload_") as folder:
        for size in (args.sizes or (SIZES[0] if args.network else ",".join(SIZES))).split(","):
            width, height = (int(v) for v in size.split("x"))
            pictures = Path(folder) / size
            write_pictures(pictures, width, height, args.rate)
            for configuration in args.configurations.split(","):
                rows.append(measure(pictures, configuration, args.rate, args.seconds, args.network, Path(folder)))
                r = rows[-1]
                print(f"{size} {configuration}: {r.delivered} of {r.frames} delivered, total {r.total_p50:.1f} ms", file=sys.stderr, flush=True)
    print(markdown(rows, machine()))
    merged = merge(read_csv(args.csv) if args.csv.exists() else [], rows)
    write_csv(merged, args.csv)
    if args.json:
        args.json.write_text(json.dumps({"machine": machine(), "rows": [dataclasses.asdict(r) for r in rows]}, indent=1) + "\n", encoding="utf-8")
    if args.plot:
        plot(merged, args.plot)
    return 0


def write_pictures(folder: Path, width: int, height: int, rate: float) -> None:
    """:data:`PICTURES` frames of a generated drive, uncompressed."""
    import cv2

    from plcv_ros.scenes import SceneSequence

    folder.mkdir()
    sequence = SceneSequence(width, height, seed=4, rate=rate)
    for k in range(PICTURES):
        cv2.imwrite(str(folder / f"{k:03d}.ppm"), np.ascontiguousarray(sequence.frame(k)[0][..., ::-1]))


def graph_of(pictures: Path, configuration: str, rate: float, frames: int, network: bool, out: Path) -> Graph:
    """The offload graph; without ``network`` the receiver stands in for the segmentation node."""
    given = {"configuration": configuration, "source": str(pictures), "rate": str(rate), "loop": "true", "frames": str(frames)}
    graph = build("offload", {**given, "localhost_only": "true", "output": str(out)})
    receiver = graph.node("segmentation")
    if not network:
        # The configuration's transport is the decoder node's; this node has a name of its own.
        transport = wire.transport_of(configuration.partition("_")[0])
        receiver = ReceiverSpec("decoder", "receiver", parameters={"input_topic": "camera/image", "transport": transport})
    camera, latency = graph.node("camera"), graph.node("latency")
    nodes = (
        receiver,
        dataclasses.replace(latency, parameters={**latency.parameters, "nodes": f"camera,{receiver.name}", "plot": False}),
        dataclasses.replace(camera, parameters={**camera.parameters, "start_when_subscribed": True, "exit_at_end": False}),
    )
    return Graph(graph.name, nodes, graph.environment)


def measure(pictures: Path, configuration: str, rate: float, seconds: float, network: bool, folder: Path) -> Row:
    """One run. Raises RuntimeError, with the node's last words, where one of the nodes ends early."""
    from plcv_ros.nodes.monitor import DiagnosticsMonitor

    frames = WARM_FRAMES + round(rate * seconds)
    out = folder / "out"
    graph = graph_of(pictures, configuration, rate, frames, network, out)
    os.environ.update(graph.environment)
    running: dict[str, NodeProcess] = {}
    try:
        with DiagnosticsMonitor("benchmark") as monitor:
            for node in graph.nodes[:2]:
                running[node.name] = NodeProcess(node, graph.environment)
            _wait(monitor, running, lambda values: {n.name for n in graph.nodes[:2]} <= set(values), START_TIMEOUT_S)
            running["camera"] = NodeProcess(graph.nodes[2], graph.environment)
            _wait(monitor, running, lambda values: _captured(values) >= WARM_FRAMES, START_TIMEOUT_S)
            begin, before = time.monotonic(), _cpu(running)
            time.sleep(max(0.0, seconds - 1.5))  # before the last frame: an idle end would thin the figures out
            after, elapsed = _cpu(running), time.monotonic() - begin
            _wait(monitor, running, lambda values: _captured(values) >= frames, seconds + START_TIMEOUT_S)
            time.sleep(1.2)  # the last frames' events, and diagnostics that count them
            camera = monitor.latest()["camera"]
    finally:
        names = [name for name in (*[n.name for n in graph.nodes if n.name not in {"latency", "camera"}], "camera", "latency") if name in running]
        for name in names:
            stop([running[name]])
    times = _read_events(out / "frames.csv")
    width, height = int(camera["width"]), int(camera["height"])
    bits = 8 * int(camera["bytes"]) / max(1, int(camera["published"])) / (width * height)
    last = "labels_published" if network else "decode_end"
    total = _between(times, "captured", last)
    figures: dict[str, float] = {}
    for stage, (first, end) in STAGES.items():
        # raw images have no encoder: their way begins when they are captured
        begin_event = "captured" if configuration == "raw" and first == "encode_end" else first
        figures.update(_percentiles(stage, _between(times, begin_event, end)))
    figures.update(_percentiles("total", total))
    cpu = {name: (after[name] - before[name]) / elapsed for name in before if name in after}
    receiver = graph.nodes[0].name
    return Row(
        receiver="segmentation" if network else "decode only",
        width=width,
        height=height,
        configuration=configuration,
        rate=rate,
        frames=int(np.isfinite(times["captured"]).sum()),
        delivered=int(np.isfinite(total).sum()),
        bits_per_pixel=round(bits, 3),
        megabit_per_second=round(bits * width * height * rate / 1e6, 1),
        cpu_camera=round(cpu["camera"], 3),
        cpu_receiver=round(cpu[receiver], 3),
        **figures,
    )


def _captured(values: dict[str, dict[str, str]]) -> int:
    return int(values.get("camera", {}).get("captured", 0))


def _cpu(running: dict[str, NodeProcess]) -> dict[str, float]:
    used = {name: cpu_seconds(process.pid) for name, process in running.items()}
    return {name: value for name, value in used.items() if value is not None}


def _wait(monitor: Any, running: dict[str, NodeProcess], condition: Any, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while not monitor.wait_for(condition, 0.1):
        for name, process in running.items():
            code = process.poll()
            if code is not None:
                process.close()
                raise RuntimeError(f"the {name} node ended ({describe_exit(code)}):\n" + "\n".join(process.tail))
        if time.monotonic() > deadline:
            raise RuntimeError(f"nothing happened for {timeout_s:.0f} s; latest: {monitor.latest()}")


def _read_events(path: Path) -> dict[str, np.ndarray[Any, np.dtype[np.float64]]]:
    """Event -> times in ns of the frames after the warm ones; NaN where it did not happen."""
    with path.open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))[WARM_FRAMES:]
    names = [name.removesuffix("_ns") for name in lines[0] if name.endswith("_ns") and name != "stamp_ns"]
    # nanoseconds since 1970 do not fit a double's mantissa: count from the first stamp
    start = int(lines[0]["stamp_ns"])
    return {name: np.array([int(line[f"{name}_ns"]) - start if line[f"{name}_ns"] else np.nan for line in lines]) for name in names}


def _between(times: dict[str, Any], first: str, last: str) -> Any:
    return (times[last] - times[first]) / 1e6


def _percentiles(stage: str, milliseconds: Any) -> dict[str, float]:
    known = milliseconds[np.isfinite(milliseconds)]
    values = np.percentile(known, (50, 95, 99)) if known.size else [float("nan")] * 3
    return {f"{stage}_{name}": round(float(v), 3) for name, v in zip(("p50", "p95", "p99"), values)}


def machine() -> dict[str, str]:
    """What the figures were measured on."""
    from importlib.metadata import PackageNotFoundError, version

    from plcv_ros.codecs.targets import current_target

    def installed(name: str) -> str:
        try:
            return version(name)
        except PackageNotFoundError:
            return "from the ROS distribution"

    model = platform.processor()
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if Path("/proc/cpuinfo").exists() else ():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return {
        "processor": f"{model}, {len(os.sched_getaffinity(0))} cores",
        "python": platform.python_version(),
        "plcv_ros": __version__,
        "instruction set": current_target(),
        "rclpy": installed("ros-rclpy"),
        "rmw": os.environ.get("RMW_IMPLEMENTATION", "default (Fast DDS)"),
        "simplejpeg": installed("simplejpeg"),
        "numpy": np.__version__,
        "system": platform.platform(),
    }


def markdown(rows: Iterable[Row], about: dict[str, str]) -> str:
    """The table of the rows."""
    lines = [
        "; ".join(f"{name}: {value}" for name, value in about.items()),
        "",
        "Latency in ms, p50 / p95 / p99; camera, receiver: CPU of the process in cores.",
        "",
        "| receiver | size | frames | bit/px | Mbit/s | delivered | encode | transport | wait | decode | inference | total | camera | receiver |",
        "|" + " --- |" * 14,
    ]
    for r in rows:
        stages = " | ".join(_three(r, stage) for stage in ("encode", "transport", "wait", "decode", "inference", "total"))
        lines.append(
            f"| {r.receiver} | {r.width}x{r.height} at {r.rate:g} Hz | {r.configuration} | {r.bits_per_pixel:.2f} | {r.megabit_per_second:.0f} | "
            f"{r.delivered} of {r.frames} | {stages} | {r.cpu_camera:.2f} | {r.cpu_receiver:.2f} |"
        )
    return "\n".join(lines)


def _three(row: Row, stage: str) -> str:
    values = [getattr(row, f"{stage}_{name}") for name in ("p50", "p95", "p99")]
    if np.isnan(values[0]):
        return "-"
    return " / ".join(f"{v:.1f}" if v >= 10 else f"{v:.2f}" for v in values)


def read_csv(path: Path) -> list[Row]:
    """The rows of a CSV file that :func:`write_csv` wrote."""
    return read_table(path, Row)


def merge(old: Iterable[Row], new: Iterable[Row]) -> list[Row]:
    """``old`` with the rows of the same receiver, size and configuration replaced, in the order of the tables."""
    table = {(r.receiver, r.width, r.height, r.configuration): r for r in (*old, *new)}
    order = {name: k for k, name in enumerate(CONFIGURATIONS)}
    return sorted(table.values(), key=lambda r: (r.receiver, r.width, order.get(r.configuration, 9)))


def write_csv(rows: Iterable[Row], path: Path) -> None:
    """One line a run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_table(path, Row, rows)


def plot(rows: list[Row], path: Path) -> None:
    """Medians of the stages as bars, p99 of the total as a mark; one panel a receiver and size."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    panels = sorted({(r.receiver, r.width, r.height) for r in rows})
    figure = Figure(figsize=(3.6 * len(panels) + 0.6, 4.4), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    colours = {"encode": "#1b9e77", "transport": "#377eb8", "wait": "#bbbbbb", "decode": "#984ea3", "inference": "#ff7f00"}
    for axes, (receiver, width, height) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels):
        mine = [r for r in rows if (r.receiver, r.width, r.height) == (receiver, width, height)]
        bottom = np.zeros(len(mine))
        for stage, colour in colours.items():
            values = np.nan_to_num(np.array([getattr(r, f"{stage}_p50") for r in mine]))
            if values.any():
                axes.bar(range(len(mine)), values, bottom=bottom, color=colour, label=stage)
                bottom += values
        axes.plot(range(len(mine)), [r.total_p99 for r in mine], "k_", markersize=18, label="total, p99")
        axes.plot(range(len(mine)), [r.total_p50 for r in mine], "k.", label="total, median")
        axes.set_xticks(
            range(len(mine)), [f"{r.configuration}\n{r.megabit_per_second:.0f} Mbit/s\n{r.delivered}/{r.frames}" for r in mine], fontsize=8
        )
        axes.set_title(f"{width}x{height}, {mine[0].rate:g} Hz, {receiver}", fontsize=10)
        axes.set_ylim(bottom=0)
        axes.grid(axis="y", alpha=0.3)
        axes.set_axisbelow(True)
    figure.axes[0].set_ylabel("ms after capture")
    handles = {label: handle for axes in figure.axes for handle, label in zip(*axes.get_legend_handles_labels())}
    order = [*colours, "total, median", "total, p99"]
    figure.legend([handles[n] for n in order if n in handles], [n for n in order if n in handles], loc="outside lower center", ncol=7, fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(str(path))


if __name__ == "__main__":
    sys.exit(main())
