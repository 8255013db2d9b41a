# SPDX-License-Identifier: Apache-2.0
"""``plcv doctor``: what on this machine would keep frames from arriving, and what to do about it."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from dataclasses import asdict

from plcv_ros.cli import shared_memory
from plcv_ros.cli.checks import Finding, findings
from plcv_ros.texts import counted

STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("--json", action="store_true", help="print the findings as a JSON list")
    parser.add_argument(
        "--clear-shared-memory",
        action="store_true",
        help="remove what killed processes have left in /dev/shm (Fast DDS), and end",
    )


def run(args: argparse.Namespace) -> int:
    """Print the findings; returns 1 where one of them is fail, else 0."""
    if args.clear_shared_memory:
        return _clear()
    if args.json:
        found = list(findings())
        print(json.dumps([asdict(finding) for finding in found], indent=1))
    else:
        found = _print()
    return int(any(finding.status == "fail" for finding in found))


def _clear() -> int:
    try:
        paths = shared_memory.left_behind()
    except OSError as error:
        print(f"plcv doctor: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    size = shared_memory.megabytes(paths)
    removed = shared_memory.remove(paths)
    print(
        f"{counted(removed, 'file')} of {size:.0f} MB removed from {shared_memory.SHM}" if removed else f"nothing to remove from {shared_memory.SHM}"
    )
    if removed < len(paths):
        print(f"plcv doctor: {counted(len(paths) - removed, 'file')} could not be removed: not yours?", file=sys.stderr)
    return int(removed < len(paths))


def _print() -> list[Finding]:
    from rich.console import Console
    from rich.text import Text

    # Not cut to 80 columns where the output is a file: remedies are commands to copy.
    console = Console(soft_wrap=True)
    found = []
    for finding in findings():
        found.append(finding)
        line = Text.assemble((f"{finding.status:5}", STYLES[finding.status]), (f"{finding.name}: ", "bold"), finding.text)
        console.print(line, highlight=False)
        if finding.remedy:
            console.print(Text(f"     -> {finding.remedy}", style=STYLES[finding.status]), highlight=False)
    count = Counter(finding.status for finding in found)
    console.print(f"\n{count['ok']} ok, {count['warn']} to look at, {count['fail']} broken")
    return found
