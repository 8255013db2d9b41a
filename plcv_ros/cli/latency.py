# SPDX-License-Identifier: Apache-2.0
"""``plcv latency``: the figures of a running graph, live in a terminal, from the diagnostics of its nodes; or, with ``--report``, the HTML page
of a folder that a latency node has written."""

from __future__ import annotations

import argparse
import sys
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plcv_ros.cli.idle import Needs
from plcv_ros.texts import counted, number, shown
from plcv_ros.tracing.appearance import ENDS, STAGES, End
from plcv_ros.tracing.statistics import ENDS as OUTCOME_OF_END

REFRESH_S = 1.0
HISTORY = 60
FIRST_TIMEOUT_S = 10.0
BLOCKS = "▁▂▃▄▅▆▇█"
BAR_WIDTH = 32

NEEDS = (
    Needs("title", "", lambda args: args.report is not None, "without --report"),
    Needs("node", "latency", lambda args: args.report is None, "with --report"),
    Needs("once", False, lambda args: args.report is None, "with --report"),
    Needs("seconds", 0.0, lambda args: args.report is None and not args.once, "with --report or --once"),
)

Values = Mapping[str, Mapping[str, str]]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("--node", default="latency", help="name of the latency node, without namespace (default: latency)")
    parser.add_argument("--once", action="store_true", help="print the figures once and end; exit status 1 where no latency node is heard")
    parser.add_argument("--seconds", type=float, default=0.0, metavar="S", help="end after so many seconds; 0 runs until Ctrl-C")
    parser.add_argument("--report", type=Path, metavar="FOLDER", help="write FOLDER/latency.html anew from the CSV files there; needs no ROS")
    parser.add_argument("--title", default="", help="title of the report")


def run(args: argparse.Namespace) -> int:
    """Run; returns 0, or 1 where there is nothing to show."""
    if args.report is not None:
        return _write_report(args.report, args.title)
    try:
        from plcv_ros.nodes.monitor import DiagnosticsMonitor
    except ImportError as error:
        print(f"plcv latency: needs ROS 2 ({error}); see plcv doctor", file=sys.stderr)
        return 1
    from rich.console import Console

    console = Console()
    with DiagnosticsMonitor("latency_view") as monitor:
        if not monitor.wait_for(lambda values: args.node in values, FIRST_TIMEOUT_S):
            print(
                f"plcv latency: no diagnostics of a node called {args.node} within {FIRST_TIMEOUT_S:.0f} s: does one run, with the same "
                "ROS_DOMAIN_ID and the same DDS environment (plcv up <graph> --print shows it)?",
                file=sys.stderr,
            )
            return 1
        if args.once:
            console.print(view(monitor.by_full_name(), monitor.latest()[args.node], deque()))
            return 0
        _watch(monitor, args, console)
    return 0


def _watch(monitor: Any, args: argparse.Namespace, console: Any) -> None:
    from rich.live import Live

    history: deque[float] = deque(maxlen=HISTORY)
    end = time.monotonic() + args.seconds if args.seconds > 0 else float("inf")
    with Live(console=console, screen=console.is_terminal, auto_refresh=False) as live:
        while time.monotonic() < end:
            latency = monitor.latest()[args.node]
            total = _float(latency, "total_p50_ms")
            if total is not None:
                history.append(total)
            live.update(view(monitor.by_full_name(), latency, history), refresh=True)
            time.sleep(min(REFRESH_S, max(0.0, end - time.monotonic())))


def _write_report(folder: Path, title: str) -> int:
    from plcv_ros.tracing.run import Run

    try:
        run = Run.read(folder)
        run.title = title or run.title
        run.write_html(folder)
    except (OSError, ValueError) as error:
        print(f"plcv latency: {error}", file=sys.stderr)
        return 1
    print(f"{folder / 'latency.html'}: {counted(len(run.table), 'frame')}")
    return 0


def _float(values: Mapping[str, str], key: str) -> float | None:
    return number(values.get(key, ""))


def sparkline(values: Mapping[int, float] | list[float] | deque[float]) -> str:
    """Values as a row of blocks from 0 to their maximum."""
    numbers = list(values)
    top = max(numbers, default=0.0)
    return "".join(BLOCKS[min(len(BLOCKS) - 1, int(v / top * (len(BLOCKS) - 1) + 0.5))] if top > 0 else BLOCKS[0] for v in numbers)


def view(values: Values, latency: Mapping[str, str], history: deque[float]) -> Any:
    """What the terminal shows of the latest diagnostics, of all nodes and of the latency node: stages, what became of the frames, clocks, every
    node's own words."""
    from rich.console import Group
    from rich.text import Text

    total = _float(latency, "total_p50_ms")
    head = Text()
    head.append(f"camera to {_end(latency).place.removeprefix('the ')}  ", "bold")
    head.append(f"no {_end(latency).place.removeprefix('the ')} yet" if total is None else f"{total:.1f} ms", "bold")
    if total is not None:
        head.append(f"   p95 {shown(latency.get('total_p95_ms', '-'))}   p99 {shown(latency.get('total_p99_ms', '-'))} ms", "dim")
    if history:
        head.append(f"   {sparkline(history)}", "cyan")
        head.append(f" last {len(history)} s, up to {max(history):.0f} ms", "dim")
    parts = [head, Text(""), _stages(latency), Text(""), _frames(latency), Text(""), _clocks(latency), _nodes(values)]
    return Group(*parts)


def _stages(latency: Mapping[str, str]) -> Any:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, title="last seconds, ms", title_justify="left", title_style="bold")
    table.add_column("step")
    for name in ("p50", "p95", "p99"):
        table.add_column(name, justify="right")
    table.add_column("share of the median frame")
    medians = {stage: max(_float(latency, f"{stage}_p50_ms") or 0.0, 0.0) for stage in STAGES}
    whole = sum(medians.values()) or 1.0
    for stage, look in (*STAGES.items(), ("total", _end(latency).total)):
        figures = [_float(latency, f"{stage}_{p}_ms") for p in ("p50", "p95", "p99")]
        if figures[0] is None:
            continue
        texts = ["-" if f is None else f"{f:.1f}" if abs(f) >= 10 else f"{f:.2f}" for f in figures]
        length = 0 if stage == "total" else round(medians[stage] / whole * BAR_WIDTH)
        bar = Text("█" * length, "" if stage == "total" else look.colour)
        table.add_row(Text(look.name, "bold" if stage == "total" else ""), *texts, bar)
    return table


def _end(latency: Mapping[str, str]) -> End:
    """The words for the end of a frame's way in this run."""
    return ENDS.get(latency.get("end", ""), ENDS["labels_published"])


def _frames(latency: Mapping[str, str]) -> Any:
    from rich.text import Text

    def count(key: str) -> str:
        return shown(latency.get(key, "0"), 20)

    text = Text("frames  ", "bold")
    done = count(OUTCOME_OF_END.get(latency.get("end", ""), "segmented"))
    rate = _float(latency, "finished_per_second") or _float(latency, "segmented_per_second") or 0.0
    text.append(f"{done} of {count('captured')} {_end(latency).done}, {rate:.1f} a second; {count('in_flight')} on their way", "")
    drops = {"dropped before publishing": count("dropped_camera"), "lost": count("lost"), "dropped after arrival": count("dropped_remote")}
    for name, many in drops.items():
        text.append("   ")
        text.append(f"{name} {many}", "red" if many != "0" else "dim")
    return text


def _clocks(latency: Mapping[str, str]) -> Any:
    from rich.text import Text

    text = Text("clocks  ", "bold")
    names = [key.removeprefix("clock_").removesuffix("_offset_ms") for key in latency if key.startswith("clock_") and key.endswith("_offset_ms")]
    names = [name for name in names if not name.endswith("_measured")]
    if not names:
        return text.append("no answers yet: times are taken as they are", "dim")
    for i, name in enumerate(names):
        text.append(", " if i else "")
        if latency.get(f"clock_{name}_same_computer") == "True" and _float(latency, f"clock_{name}_offset_ms") == 0:
            text.append(f"{shown(name)} on this computer")
            continue
        offset, uncertainty = _float(latency, f"clock_{name}_offset_ms") or 0.0, _float(latency, f"clock_{name}_uncertainty_ms") or 0.0
        ahead = f"{offset / 1000:+.3f} s" if abs(offset) >= 1000 else f"{offset:+.3f} ms"
        text.append(f"{shown(name)} {ahead} ± {uncertainty:.3f} ms")
    return text


def _nodes(values: Values) -> Any:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    colours = {"0": "green", "1": "yellow", "2": "red", "3": "magenta"}
    table = Table(box=box.SIMPLE, show_header=False)
    table.add_column("node", style="bold")
    table.add_column("state")
    for name in sorted(values):
        table.add_row(Text(shown(name)), Text(shown(values[name].get("message", ""))), style=colours.get(values[name].get("level", "0"), ""))
    return table
