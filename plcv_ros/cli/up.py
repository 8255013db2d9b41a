# SPDX-License-Identifier: Apache-2.0
"""``plcv up <graph> name:=value ...``: the graph of a launch file as processes, where the launch package is not installed."""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
import threading

from plcv_ros.cli.running import RunningGraph
from plcv_ros.graph import GRAPHS, ArgumentError, Graph, GraphKind, build

USAGE = 2
POLL_S = 0.1


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("graph", nargs="?", help=f"one of {', '.join(GRAPHS)}")
    parser.add_argument("arguments", nargs="*", metavar="name:=value", help="as `ros2 launch` takes them")
    parser.add_argument("--list", action="store_true", help="list the graphs")
    parser.add_argument("-s", "--show-args", "--show-arguments", action="store_true", help="list the arguments of the graph")
    parser.add_argument("-p", "--print", dest="print_only", action="store_true", help="print environment and commands, run nothing")
    parser.add_argument("--keep-going", action="store_true", help="when a node that the graph needs fails, leave the others running")
    parser.add_argument("--grace", type=float, default=30.0, metavar="SECONDS", help="time that nodes get to end before they are killed")


def run(args: argparse.Namespace) -> int:
    """Run; returns 0, or 1 where a node failed, or 2 for wrong usage."""
    if args.list or not args.graph:
        width = max(map(len, GRAPHS))
        for kind in GRAPHS.values():
            print(f"{kind.name:{width}}  {kind.description}")
        return 0 if args.list else USAGE
    try:
        if args.graph in GRAPHS and args.show_args:
            _show(GRAPHS[args.graph])
            return 0
        graph = build(args.graph, parse(args.arguments))
    except (ArgumentError, FileNotFoundError) as error:
        print(f"plcv up: {error}", file=sys.stderr)
        return USAGE
    for text in graph.warnings:
        print(f"plcv up: [WARN] {text}", file=sys.stderr, flush=True)
    if args.print_only:
        for key, value in graph.environment.items():
            print(f"export {key}={shlex.quote(value)}")
        for node in graph.nodes:
            print(" ".join(map(shlex.quote, node.command())))
        return 0
    return _run(graph, args)


def _run(graph: Graph, args: argparse.Namespace) -> int:
    interrupted = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: interrupted.set())
    running = RunningGraph(graph, keep_going=args.keep_going)
    try:
        running.start()
        while not running.over and not interrupted.wait(POLL_S):
            running.look()
    finally:
        stragglers = running.stop(args.grace)
    for name in stragglers:
        print(f"plcv up: {name} did not end within {args.grace:g} s and was killed", file=sys.stderr)
    if running.supervisor.failures:
        print(f"plcv up: failed: {running.supervisor.summary}", file=sys.stderr)
    return 1 if running.supervisor.failures else 0


def parse(words: list[str]) -> dict[str, str]:
    """Words ``name:=value`` as launch arguments; raises ArgumentError for others."""
    given = {}
    for word in words:
        name, separator, value = word.partition(":=")
        if not separator or not name:
            raise ArgumentError(f"{word!r}: expected name:=value")
        given[name] = value
    return given


def _show(kind: GraphKind) -> None:
    print(f"{kind.name}: {kind.description}\n")
    for argument in kind.arguments:
        default = "required" if argument.required else f"default {argument.default!r}" if argument.default else "default: as the configuration says"
        choices = f"; one of {', '.join(argument.choices)}" if argument.choices else ""
        print(f"  {argument.name}\n      {argument.description}\n      ({default}{choices})")
