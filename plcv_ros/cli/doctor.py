# SPDX-License-Identifier: Apache-2.0
"""``plcv doctor``: what on this machine would keep frames from arriving, and what to do about it."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from dataclasses import asdict

from plcv_ros.cli.checks import Finding, findings

STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("--json", action="store_true", help="print the findings as a JSON list")


def run(args: argparse.Namespace) -> int:
    """Print the findings; returns 1 where one of them is fail, else 0."""
    if args.json:
        found = list(findings())
        print(json.dumps([asdict(finding) for finding in found], indent=1))
    else:
        found = _print()
    return int(any(finding.status == "fail" for finding in found))


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
