# SPDX-License-Identifier: Apache-2.0
"""``plcv policy <graph> enclaves:=PATH name:=value ...``: the SROS2 policy of a graph with its own names, for ``ros2 security``. Needs no ROS."""

from __future__ import annotations

import argparse
import sys

from plcv_ros.cli.up import USAGE, parse
from plcv_ros.graph import GRAPHS, ArgumentError
from plcv_ros.graph.policies import policy


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("graph", choices=sorted(GRAPHS), help="the graph of a launch file")
    parser.add_argument("words", nargs="*", metavar="name:=value", help="as the graph is started: enclaves:=PATH, namespace:=..., cameras:=...")


def run(args: argparse.Namespace) -> int:
    """Print the policy; returns 0, or 2 for wrong usage."""
    try:
        print(policy(args.graph, parse(args.words)), end="")
    except (ArgumentError, FileNotFoundError) as error:
        print(f"plcv policy: {error}", file=sys.stderr)
        return USAGE
    return 0
