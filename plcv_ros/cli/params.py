# SPDX-License-Identifier: Apache-2.0
"""``plcv params``: print the parameter tables of the nodes as Markdown, the ones in the README. Needs no ROS."""

from __future__ import annotations

import argparse

from plcv_ros.nodes.parameters import TABLES, markdown


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``plcv params``."""
    parser.add_argument("node", nargs="?", choices=sorted(TABLES), help="print this node's table alone")


def run(args: argparse.Namespace) -> int:
    """Print the tables; returns the exit status."""
    if args.node:
        print(markdown(args.node))
        return 0
    print("\n\n".join(f"#### {node}\n\n{markdown(node)}" for node in TABLES))
    return 0
