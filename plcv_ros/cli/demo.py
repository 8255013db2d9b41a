# SPDX-License-Identifier: Apache-2.0
"""``plcv demo``: camera -> codec -> DDS -> segmentation -> latency on this machine, as separate processes, for a bounded time, with a report.

The same graph as ``offload.launch.py``, on a DDS domain of its own that other machines do not see.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import shutil
import signal
import socket
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from plcv_ros.camera.address import is_device, scheme_of
from plcv_ros.camera.errors import SourceError
from plcv_ros.camera.opening import KINDS, open_source
from plcv_ros.cli import demo_report, outputs
from plcv_ros.cli.base_configuration import base_configuration
from plcv_ros.cli.idle import Needs
from plcv_ros.cli.processes import NodeProcess, stop
from plcv_ros.cli.progress import LineProgress, LiveProgress, Progress
from plcv_ros.graph import ArgumentError, Graph, NodeSpec, build, configurations, describe_exit
from plcv_ros.nodes.parameters import TABLES, ParameterError, Row

START_TIMEOUT_S = 120.0
"""torch may have to be read from a cold disk."""

FIRST_FRAME_TIMEOUT_S = 30.0
DRAIN_S = 1.0
REPORT_S = 60.0
"""For a node to write what it has measured: the report is what the run is for, and a busy computer draws slowly."""

RUNNING = ".running"
"""Folder below ``--out`` that the nodes write to. Its files take the place of an earlier report when frames have come."""

SCENES_SIZE = (640, 360)
MAX_WARNINGS = 10
"""Lines of each node that are shown while it runs."""

_WARNING = re.compile(r"\[(WARN|ERROR)\]")
"""What a node logs at these levels is shown: the log of a run that went well is not read."""

RECEIVERS = ("/segmentation", "/evaluation")
WAITING = ("segmentation", "latency", "evaluation")
"""They are there, and warm, before the camera starts, so that starting up costs no frame."""


class DemoError(RuntimeError):
    """The demo cannot go on; the message is for the person who started it."""


@dataclass(frozen=True)
class Settings:
    """What was asked for. ``width``, ``height`` and ``rate`` 0: the source's own; ``source_rate`` is that rate, 0 where it is not known yet."""

    source: str
    configuration: str
    width: int
    height: int
    rate: float
    seconds: float
    out: Path
    checkpoint: str
    threads: int
    seed: int
    source_rate: float = 0.0

    @property
    def frames(self) -> int:
        """How many frames the run has; 0: as many as come in its time."""
        rate = self.rate or self.source_rate
        return max(1, round(self.seconds * rate)) if rate else 0


NEEDS = (Needs("seed", 0, lambda args: args.source == "scenes", "with another --source than scenes"),)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("--source", default="scenes", help="scenes, an image folder, a video file, a device (/dev/video0 or 0), a URL or a ROS 2 bag")
    parser.add_argument("--codec", "--config", dest="config", default="astc_8x8", help=f"{', '.join(configurations())}, or a parameter file (.yaml)")
    parser.add_argument("--seconds", type=float, default=20.0, help="seconds of frames; a shorter source ends the run (default %(default)g)")
    parser.add_argument("--size", default="", metavar="WxH", help="size of the frames (default: the source's own; scenes: 640x360)")
    parser.add_argument("--rate", type=float, default=0.0, metavar="HZ", help="frames per second; 0 is the source's own (default; scenes: 15)")
    parser.add_argument("--out", type=Path, default=Path("out/demo"), help="folder for what is written (default %(default)s)")
    parser.add_argument(
        "--checkpoint", default="", help="network: a checkpoint's path, the name of a shipped one, or auto (default: the configuration's)"
    )
    parser.add_argument("--threads", type=int, default=0, help="CPU threads of the network; 0 takes half of the cores")
    parser.add_argument("--seed", type=int, default=0, help="seed of the generated scenes")


def run(args: argparse.Namespace) -> int:
    """Run; returns 0, 1 where something failed, 2 for wrong usage, 130 after Ctrl-C."""
    try:
        settings = _settings(args)
        check_parameters(_graph(settings))
    except (ArgumentError, DemoError, FileNotFoundError) as error:
        print(f"plcv demo: {error}", file=sys.stderr)
        return 2
    if importlib.util.find_spec("rclpy") is None:
        print('plcv demo: rclpy is not installed: source a ROS 2 distribution, or pip install ".[ros]" (see `plcv doctor`)', file=sys.stderr)
        return 1
    # An interrupt by a supervisor must end the nodes as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        settings = replace(settings, source_rate=probe_source(settings))
        graph = _graph(settings)
        outputs.probe(args, folders=("out",))
    except (ArgumentError, DemoError, outputs.OutputError) as error:
        print(f"plcv demo: {error}", file=sys.stderr)
        return 1
    try:
        for text in graph.warnings:
            print(f"plcv demo: [WARN] {text}", file=sys.stderr)
        return Demo(settings, graph).run()
    except (DemoError, outputs.OutputError) as error:
        print(f"\nplcv demo: {error}", file=sys.stderr)
        return 1


def check_parameters(graph: Graph) -> None:
    """Raises ArgumentError where a node would refuse a value: the demo starts the camera last, when the network is warm."""
    for node in graph.nodes:
        rows = {row.name: row for row in TABLES[node.executable]}
        complaints = (_complaint(rows[name], value) for name, value in node.parameters.items() if name in rows)
        wrong = "; ".join(filter(None, complaints))
        if wrong:
            raise ArgumentError(f"the {node.executable} node: {wrong}")


def _complaint(row: Row, value: object) -> str:
    try:
        row.check(value)
    except ParameterError as error:
        return str(error)
    return ""


def probe_source(settings: Settings) -> float:
    """Open the source and close it again, before anything else is started; returns its frames a second, 0 where only the camera node can tell.

    Devices and URLs are not opened, since some cameras cannot be opened twice in a row, nor are pipes, whose frames would be lost.
    Raises DemoError.
    """
    name = settings.source
    path = Path(f"/dev/video{name}" if name.isdigit() else name)
    if scheme_of(name) or path.is_fifo():
        return 0.0
    if is_device(name):
        if not path.exists():
            raise DemoError(f"source {name!r}: there is no {path}")
        return 0.0
    try:
        source = open_source(name, width=settings.width or None, height=settings.height or None, rate=settings.rate or None, seed=settings.seed)
    except SourceError as error:
        raise DemoError(str(error)) from error
    try:
        return source.rate
    finally:
        source.close()


def _settings(args: argparse.Namespace) -> Settings:
    width = height = 0
    if args.size:
        match = re.fullmatch(r"(\d+)[xX](\d+)", args.size)
        if not match:
            raise ArgumentError(f"--size {args.size}: expected WIDTHxHEIGHT, for example 640x360")
        width, height = int(match[1]), int(match[2])
    elif args.source == "scenes":
        width, height = SCENES_SIZE
    if not args.source:
        raise ArgumentError(f"--source is empty: expected {KINDS}")
    # The nodes run in this folder too, but a path is the user's.
    source = args.source
    if Path(source).expanduser().exists() and not source.isdigit():
        source = str(Path(source).expanduser().resolve())
    return Settings(
        source=source,
        configuration=args.config,
        width=width,
        height=height,
        rate=args.rate,
        seconds=args.seconds,
        out=args.out.expanduser().resolve(),
        checkpoint=args.checkpoint,
        threads=args.threads,
        seed=args.seed,
    )


def _graph(settings: Settings) -> Graph:
    own = Path(settings.configuration).expanduser() if settings.configuration.endswith((".yaml", ".yml")) else None
    if own is not None and not own.is_file():
        raise ArgumentError(f"--config {settings.configuration}: no such file")
    graph = build(
        "offload",
        {
            "configuration": settings.configuration if own is None else base_configuration(own, "--config", "/camera", RECEIVERS),
            "params_file": "" if own is None else str(own),
            "source": settings.source,
            "width": str(settings.width),
            "height": str(settings.height),
            "rate": str(settings.rate),
            "frames": str(settings.frames),
            "loop": "false",
            "localhost_only": "true",
            "checkpoint": settings.checkpoint,
            "output": str(settings.out / RUNNING),
            "evaluation": "true",
            "evaluation_output": str(settings.out / RUNNING),
        },
    )
    extra: dict[str, dict[str, Any]] = {
        "camera": {"start_when_subscribed": True, "exit_at_end": True, "seed": settings.seed},
        "segmentation": {"threads": settings.threads},
        # A folder may hold a dozen frames.
        "evaluation": {"overlay_after": 3},
        "latency": {
            "title": demo_report.title(settings.source, settings.configuration, settings.rate or settings.source_rate),
            "max_frames": max(1000, 2 * settings.frames or 100_000),
        },
    }
    nodes = tuple(NodeSpec(**{**n.__dict__, "parameters": {**n.parameters, **extra.get(n.executable, {})}}) for n in graph.nodes)
    environment = {**graph.environment, "ROS_DOMAIN_ID": str(_free_domain())}
    warnings = tuple(text.replace("argument params_file:=", "--config ") for text in graph.warnings)
    return Graph(graph.name, nodes, environment, warnings=warnings)


def _free_domain() -> int:
    """A DDS domain that no process of this machine seems to use: the ports of its first participant are free."""
    asked = os.environ.get("ROS_DOMAIN_ID", "")
    if asked:
        return int(asked) if asked.isdigit() else 0
    first = os.getpid() % 100
    for offset in range(100):
        domain = 1 + (first + offset) % 100
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                probe.bind(("", 7400 + 250 * domain + 10))
        except OSError:
            continue
        return domain
    return 1 + first


class Demo:
    """One run."""

    def __init__(self, settings: Settings, graph: Graph) -> None:
        self._settings = settings
        self._graph = graph
        self._running: dict[str, NodeProcess] = {}
        self._monitor: Any = None
        self._camera_status: dict[str, str] = {}
        self._cpu_s: dict[str, float] = {}

    def run(self) -> int:
        """Start, follow, end, report. Every wait has an end."""
        out = self._settings.out
        logs, running = out / "logs", out / RUNNING
        outputs.probe_folder("--out", logs)
        # Of a run that was killed.
        shutil.rmtree(running, ignore_errors=True)
        outputs.probe_folder("--out", running)
        interrupted = False
        os.environ.update(self._graph.environment)
        from plcv_ros.nodes.monitor import DiagnosticsMonitor

        progress: Progress = LiveProgress() if sys.stdout.isatty() else LineProgress()
        try:
            with DiagnosticsMonitor("demo") as monitor, progress:
                self._monitor = monitor
                progress.say(f"starting {', '.join(n.name for n in self._graph.nodes)} (DDS domain {self._graph.environment['ROS_DOMAIN_ID']})")
                begin = time.monotonic()
                for name in WAITING:
                    self._start(name, logs, progress)
                self._wait_ready()
                progress.say(f"the network is warm after {time.monotonic() - begin:.1f} s; the camera starts")
                self._note_cpu()
                cpu_before = dict(self._cpu_s)
                self._start("camera", logs, progress)
                camera_start = time.monotonic()
                try:
                    seconds = self._follow(progress)
                except KeyboardInterrupt:
                    interrupted = True
                    progress.say("interrupted: what has been sent by now is the run")
                    self._running["camera"].signal(signal.SIGINT)
                    self._running["camera"].wait(10.0)
                    seconds = max(time.monotonic() - camera_start, 1e-3)
                cpu = {name: self._cpu_s[name] - cpu_before.get(name, 0.0) for name in self._cpu_s}
                self._end(progress)
        finally:
            for name in stop(list(self._running.values())):
                print(f"plcv demo: {name} did not end and was killed", file=sys.stderr)
            if int(self._camera_status.get("captured", 0)) > 0:
                demo_report.adopt(running, out)
            shutil.rmtree(running, ignore_errors=True)
        report = demo_report.collect(out, self._settings, self._camera_status, {name: used / seconds for name, used in cpu.items()})
        try:
            demo_report.write(report, out)
        except OSError as error:
            raise DemoError(f"{error.filename or out} cannot be written: {error.strerror}") from error
        demo_report.show(report, out)
        if not report.segmented:
            raise DemoError("no frame was segmented; the logs are in " + str(logs))
        return 130 if interrupted else 0

    def _start(self, name: str, logs: Path, progress: Progress) -> None:
        warned = 0

        def show(node: str, line: str) -> None:
            nonlocal warned
            if _WARNING.search(line) and warned <= MAX_WARNINGS:
                warned += 1
                progress.say(f"{node}: {line}" if warned <= MAX_WARNINGS else f"{node}: more such lines are in {logs / name}.log")

        self._running[name] = NodeProcess(self._graph.node(name), self._graph.environment, log=logs / f"{name}.log", on_line=show)

    def _note_cpu(self) -> None:
        """Note the CPU time of every node while it runs: that of an ended process is gone."""
        for name, process in self._running.items():
            used = demo_report.cpu_seconds(process.pid) if process.poll() is None else None
            if used is not None:
                self._cpu_s[name] = used

    def _check(self, *may_end: str) -> None:
        """Raise DemoError where a node has ended that should run; ``may_end`` may end without an error."""
        for name, process in self._running.items():
            code = process.poll()
            if code is None or (code == 0 and name in may_end):
                continue
            process.close()
            tail = "\n".join(f"    {line}" for line in list(process.tail)[-15:]) or "    (no output)"
            raise DemoError(f"the {name} node ended ({describe_exit(code)}); its last words:\n{tail}")

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._monitor.wait_for(lambda values: set(WAITING) <= set(values), 0.2):
            self._check()
            if time.monotonic() > deadline:
                missing = sorted(set(WAITING) - set(self._monitor.latest()))
                raise DemoError(
                    f"{', '.join(missing)} not ready within {START_TIMEOUT_S:.0f} s; logs in {self._settings.out / 'logs'}; try `plcv doctor`"
                )

    def _follow(self, progress: Progress) -> float:
        """Until the camera has ended; returns the seconds that took."""
        begin = time.monotonic()
        limit = self._settings.seconds * 1.5 + FIRST_FRAME_TIMEOUT_S
        first: float | None = None
        while True:
            self._note_cpu()
            self._check("camera")
            values = self._monitor.latest()
            camera = values.get("camera", {})
            self._camera_status = camera or self._camera_status
            elapsed = time.monotonic() - begin
            if first is None and int(camera.get("captured", 0)) > 0:
                first = elapsed
            progress.update(values, self._settings.frames)
            if self._running["camera"].poll() is not None:
                return elapsed
            if first is None and elapsed > FIRST_FRAME_TIMEOUT_S:
                tail = "\n".join(f"    {line}" for line in list(self._running["camera"].tail)[-8:])
                raise DemoError(f"the camera sent no frame within {FIRST_FRAME_TIMEOUT_S:.0f} s:\n{tail}")
            if not self._settings.frames and first is not None and elapsed - first >= self._settings.seconds:
                limit = elapsed
            if elapsed >= limit:
                # A source slower than its rate: what has been sent by now is the run.
                self._running["camera"].signal(signal.SIGINT)
                self._running["camera"].wait(10.0)
                return elapsed
            self._running["camera"].wait(0.2)

    def _end(self, progress: Progress) -> None:
        """Let the last frames through, then end the nodes in the order of the frames' way, so that the report misses nothing."""
        time.sleep(DRAIN_S)
        values = self._monitor.latest()
        self._camera_status = values.get("camera", self._camera_status)
        self._check("camera")
        progress.update(values, self._settings.frames)
        progress.say("writing the report")
        for name in ("segmentation", "evaluation", "latency"):
            process = self._running[name]
            stop([process], REPORT_S)
            code = process.poll()
            if code:
                process.close()
                tail = "\n".join(f"    {line}" for line in list(process.tail)[-15:])
                raise DemoError(f"the {name} node ended badly ({describe_exit(code)}):\n{tail}")
