# SPDX-License-Identifier: Apache-2.0
"""What tracing costs: camera and receiver at 30 Hz on one machine, with and without a latency node that follows them.

    python benchmarks/tracing.py                        # 10 rounds of 6 s with and 6 s without: about 4 minutes
    python benchmarks/tracing.py --rounds 3 --seconds 3

The latency node is started and stopped again while frames flow; in between the same processes are measured with it and without it, in turn,
so that what changes on the machine meanwhile meets both. Latency is from the frame's stamp to the decoded picture, taken by the receiver
itself; CPU is the scheduler's account of each process in percent of a core. The median over the rounds of the differences is what tracing adds.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from offload import write_pictures

from plcv_ros.cli.processes import NodeProcess, stop
from plcv_ros.graph import Graph, NodeSpec, build, describe_exit

START_TIMEOUT_S = 60.0
SETTLE_S = 2.0
"""After the latency node has appeared or gone: discovery, and the first exchanges of timestamps, which are more frequent than the later ones."""

LIMITS = {"latency": 0.1, "camera": 2.0, "receiver": 2.0, "latency node": 5.0}
"""What tracing may add: ms to a frame's median latency, percent of a core in each node."""

TIMES_VARIABLE = "PLCV_BENCHMARK_TIMES"


class TimedReceiverSpec(NodeSpec):
    """This file, run as a node."""

    def command(self) -> list[str]:
        """Runs the receiver below."""
        return [sys.executable, str(Path(__file__)), "--receiver", *self.ros_arguments()]


def receiver() -> int:
    """A node that decodes frames and notes in a file when it had the picture: two int64 a frame, stamp and time, ns. It has all events of the
    segmentation node, those of its network right after the picture."""
    from plcv_ros.nodes.diagnostics import Status
    from plcv_ros.nodes.node import FrameNode
    from plcv_ros.nodes.runner import run
    from plcv_ros.nodes.strip_receiver import make_receiver

    class Receiver(FrameNode):
        result_event = "labels_published"

        def __init__(self) -> None:
            super().__init__("decoder")
            self._times = os.open(os.environ[TIMES_VARIABLE], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            self._frames = make_receiver(
                self,
                self.text("input_topic"),
                self.text("transport"),
                reliable=self.flag("reliable"),
                handle=self._note,
                accept=lambda _header: True,
            )
            self._frames.subscribe()

        def _note(self, header: Any, _: Any) -> None:
            stamp = header.stamp.sec * 1_000_000_000 + header.stamp.nanosec
            os.write(self._times, np.array([stamp, time.time_ns()], np.int64).tobytes())
            for event in ("inference_end", "labels_published"):
                self.events.note(header, event)

        def start(self) -> None:
            self._frames.start()

        def stop(self) -> None:
            self._frames.stop()

        def status(self) -> Status:
            return Status(values=dict(vars(self._frames.counters)))

    return run("decoder", Receiver, sys.argv[2:])


def cpu_ns(pid: int) -> int:
    """Time that the threads of a process have run, ns (the clock ticks of /proc/<pid>/stat are 10 ms long)."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):  # a thread that has just ended
            total += int((task / "schedstat").read_text().split()[0])
    return total


@dataclasses.dataclass(frozen=True)
class Measurement:
    """One span of time: latencies in ms, CPU in percent of a core by process."""

    latencies: np.ndarray[Any, np.dtype[np.float64]]
    cpu: dict[str, float]

    @property
    def median(self) -> float:
        return float(np.median(self.latencies))


def measure(processes: dict[str, NodeProcess], times: Path, seconds: float) -> Measurement:
    """Watch for ``seconds``. Raises RuntimeError where a node has ended or no frame came."""
    begin, before = time.monotonic(), {name: cpu_ns(p.pid) for name, p in processes.items()}
    rows = times.stat().st_size // 16
    time.sleep(seconds)
    elapsed = time.monotonic() - begin
    after = {name: cpu_ns(p.pid) for name, p in processes.items()}
    for name, process in processes.items():
        code = process.poll()
        if code is not None:
            process.close()
            raise RuntimeError(f"the {name} node ended ({describe_exit(code)}):\n" + "\n".join(process.tail))
    data = np.fromfile(times, np.int64)
    noted = data[: data.size // 2 * 2].reshape(-1, 2)[rows:]
    if len(noted) < 10:
        raise RuntimeError(f"{len(noted)} frames in {seconds:g} s")
    return Measurement((noted[:, 1] - noted[:, 0]) / 1e6, {name: (after[name] - before[name]) / 1e7 / elapsed for name in after})


@contextmanager
def running(node: NodeSpec, graph: Graph) -> Iterator[NodeProcess]:
    """A node as a process, ended at the end."""
    process = NodeProcess(node, graph.environment)
    try:
        yield process
    finally:
        stop([process])


def wait_for(monitor: Any, process: NodeProcess, name: str) -> None:
    """Wait for the first diagnostics of a node."""
    if not monitor.wait_for(lambda values: name in values, START_TIMEOUT_S):
        process.close()
        raise RuntimeError(f"the {name} node says nothing:\n" + "\n".join(process.tail))


def main() -> int:
    """Run; returns 1 where tracing adds more than it may."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=6.0, help="seconds with and seconds without, each round")
    parser.add_argument("--rate", type=float, default=30.0)
    parser.add_argument("--size", default="640x360")
    parser.add_argument("--configuration", default="astc_8x8")
    args = parser.parse_args()
    os.environ.setdefault("ROS_DOMAIN_ID", str(1 + os.getpid() % 100))
    width, height = args.size.split("x")
    with tempfile.TemporaryDirectory(prefix="plcv_tracing_") as folder:
        traced, untraced = compare(args, width, height, Path(folder))
    return report(traced, untraced, args)


def compare(args: argparse.Namespace, width: str, height: str, folder: Path) -> tuple[list[Measurement], list[Measurement]]:
    """The measurements of every round, with and without the latency node."""
    from plcv_ros.nodes.monitor import DiagnosticsMonitor

    # Read from files: generating scenes costs more than everything that is measured here.
    pictures = folder / "pictures"
    write_pictures(pictures, int(width), int(height), args.rate)
    given = {"configuration": args.configuration, "source": str(pictures), "loop": "true", "rate": str(args.rate), "localhost_only": "true"}
    graph = build("offload", given)
    latency, camera = graph.node("latency"), graph.node("camera")
    latency = dataclasses.replace(latency, parameters={**latency.parameters, "nodes": "camera,receiver", "output_directory": ""})
    transport = {"jpeg": "compressed", "raw": "raw"}.get(args.configuration, "jxs" if args.configuration.startswith("jxs") else "astc")
    take = TimedReceiverSpec("decoder", "receiver", parameters={"input_topic": "camera/image", "transport": transport})
    os.environ.update(graph.environment)
    times = folder / "times"
    os.environ[TIMES_VARIABLE] = str(times)
    traced, untraced = [], []
    with DiagnosticsMonitor("benchmark") as monitor, running(take, graph) as r, running(camera, graph) as c:
        wait_for(monitor, r, "receiver")
        wait_for(monitor, c, "camera")
        time.sleep(SETTLE_S)
        for i in range(args.rounds):
            with running(latency, graph) as tracer:
                time.sleep(0.5)
                wait_for(monitor, tracer, "latency")
                time.sleep(SETTLE_S + 3)
                traced.append(measure({"camera": c, "receiver": r, "latency node": tracer}, times, args.seconds))
            time.sleep(SETTLE_S)
            untraced.append(measure({"camera": c, "receiver": r}, times, args.seconds))
            print(f"round {i + 1}: {traced[-1].median:.3f} ms with, {untraced[-1].median:.3f} ms without", file=sys.stderr, flush=True)
    return traced, untraced


def report(traced: list[Measurement], untraced: list[Measurement], args: argparse.Namespace) -> int:
    """Print the table; 1 where a limit is exceeded."""

    def row(name: str, limit: float, unit: str, with_: list[float], without: list[float]) -> float:
        added = statistics.median(a - b for a, b in zip(with_, without))
        spread = [a - b for a, b in zip(with_, without)]
        print(
            f"| {name} | {statistics.median(with_):.2f} {unit} | {statistics.median(without):.2f} {unit} | {added:+.3f} {unit} "
            f"({min(spread):+.2f} .. {max(spread):+.2f}) | {limit:g} {unit} |"
        )
        return added

    frames = sum(m.latencies.size for m in traced + untraced)
    print(f"{args.size} at {args.rate:g} Hz, {args.configuration}; {args.rounds} rounds of {args.seconds:g} s with and without, {frames} frames\n")
    print("| | with | without | added: median (least .. most) | may add |\n| --- | --- | --- | --- | --- |")
    added = {"latency": row("frame latency, median", LIMITS["latency"], "ms", [m.median for m in traced], [m.median for m in untraced])}
    for name in ("camera", "receiver", "latency node"):
        without = [m.cpu.get(name, 0.0) for m in untraced]
        added[name] = row(f"CPU, {name}", LIMITS[name], "%", [m.cpu[name] for m in traced], without)
    exceeded = [name for name, value in added.items() if value > LIMITS[name]]
    print(f"\nmore than allowed: {', '.join(exceeded)}" if exceeded else "\nwithin the limits")
    return 1 if exceeded else 0


if __name__ == "__main__":
    sys.exit(receiver() if sys.argv[1:2] == ["--receiver"] else main())
