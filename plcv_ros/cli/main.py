# SPDX-License-Identifier: Apache-2.0
"""Entry point of ``plcv``: the list of subcommands. A subcommand's module is imported only when it is asked for, so that
``plcv doctor`` runs where torch, OpenCV or ROS are missing."""

from __future__ import annotations

import argparse
import errno
import importlib
import sys
from collections.abc import Sequence

from plcv_ros import __version__
from plcv_ros.cli import ranges
from plcv_ros.cli.idle import complaint
from plcv_ros.cli.streams import abandon_output
from plcv_ros.requirements import explain, extra_of

COMMANDS = {
    "demo": "camera -> codec -> DDS -> segmentation -> latency on this machine, for a bounded time, with a report",
    "up": "run the node graph of a launch file as processes, without the launch package",
    "encode": "picture files to .astc, .jxs and .jpg files",
    "decode": ".astc, .jxs and .jpg files to pictures",
    "info": "print every header field of .astc, .jxs and .jpg files",
    "latency": "show the latencies of a running graph, or make the report of a recorded one anew",
    "doctor": "check this machine (DDS transports, buffers, clocks, torch, weights) and print remedies",
    "train": "train a network",
    "tune": "search the JPEG XS gains and priorities by which a network loses least",
    "eval": "score a checkpoint on a data set",
    "report": "make the tables and figures of docs/results from the scores that runs left",
    "scenes": "write or show generated driving scenes",
    "params": "print the parameter tables of the nodes",
    "policy": "print the SROS2 policy of a node graph: what each of its nodes may publish, subscribe to and call",
}
"""Subcommand -> one-line help. Each is the module ``plcv_ros.cli.<name>`` with ``configure(parser)`` and ``run(args) -> int``;
``args.arguments`` are the words after ``plcv`` as they were given. A module's ``NEEDS`` lists options that do nothing without others."""


BROKEN_PIPE = 141
"""Exit status of a command whose reader has gone: 128 + SIGPIPE, as shells report it."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``plcv``; returns the exit status (0 success, 1 failure, 2 wrong usage, 130 Ctrl-C, 141 closed pipe)."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    command = " ".join(["plcv", *(a for a in arguments[:1] if a in COMMANDS)])
    try:
        try:
            return _run(arguments)
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        abandon_output()
        return BROKEN_PIPE
    except OSError as error:
        if error.errno != errno.ENOSPC or error.filename is not None:
            raise
        # A file's error names the file: without a name it is standard output.
        abandon_output()
        print(f"{command}: standard output cannot be written: {error.strerror}", file=sys.stderr)
        return 1
    except ImportError as error:
        extra = extra_of(error)
        if extra is None:
            raise
        print(explain(command, error, extra), file=sys.stderr)
        return 1


def _run(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="plcv", description="Camera frames to a remote network at the lowest latency: tools of plcv_ros.")
    parser.add_argument("--version", action="version", version=f"plcv_ros {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="command", required=True)
    chosen = next((a for a in arguments if not a.startswith("-")), None)
    for name, text in COMMANDS.items():
        if name == chosen:
            module = importlib.import_module(f"plcv_ros.cli.{name}")
            sub = subparsers.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
            module.configure(sub)
            sub.set_defaults(run=module.run)
        else:
            subparsers.add_parser(name, help=text, add_help=False)
    args = parser.parse_args(arguments, argparse.Namespace(arguments=arguments))
    needs = getattr(importlib.import_module(f"plcv_ros.cli.{args.command}"), "NEEDS", ())
    wrong = ranges.complaint(args) or complaint(args, needs)
    if wrong:
        print(f"plcv {args.command}: {wrong}", file=sys.stderr)
        return 2
    return int(args.run(args))


if __name__ == "__main__":
    sys.exit(main())
