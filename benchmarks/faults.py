#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How soon labels flow again after a fault: kills, a pulled link, full queues, malformed payloads, clocks that jump; and what one receiver keeps
while two others are unplugged and stopped.

    python benchmarks/faults.py                        # 3 rounds of 11 faults, stalled receivers: about 18 minutes
    python benchmarks/faults.py --rounds 1 --json
    python benchmarks/faults.py --only stalled         # or recovery

Real nodes on two emulated computers (network namespaces, 1 Gbit/s, 1 ms), scenes of 160x96 at 15 Hz, one frame in 67 ms. Seconds are counted from
when the fault has gone (for a node that was killed: from when its successor says that it is ready) to the first labels of a frame stamped after that.
Stalled receivers: 1280x720 at 15 Hz, a computer for the camera and for each receiver; one is unplugged and one stopped (SIGSTOP) for 60 s, then the
camera is asked to end (SIGINT) while they still hang. Needs root, iproute2, ethtool and g++.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from links import stalled_receivers
from links.faults import FAULTS
from links.network import Network, missing
from links.two_computers import LINK, TwoComputers
from measuring import REFERENCE, machine, markdown, say, write_csv

RATE = 15.0
GOAL_S = 1.0
FILE = REFERENCE / "faults.csv"
STALLED_FILE = REFERENCE / "stalled_receivers.csv"
STALLED = (("profile", False), ("profile", True), ("large_data", False))
"""Launch argument ``middleware`` and whether in strips; TCP to show what it costs."""

STALL_S = 60.0
KEPT_GOAL, END_GOAL_S = 0.95, 5.0


def measure(rounds: int, folder: Path) -> dict[str, list[float]]:
    """Seconds of recovery of every fault, one a round."""
    seconds: dict[str, list[float]] = {fault.name: [] for fault in FAULTS}
    for strips in (False, True):
        own = folder / ("strips" if strips else "whole")
        own.mkdir()
        with Network(LINK) as network, redirect_stdout(sys.stderr), TwoComputers(network, own, RATE, strips=strips) as computers:
            for number in range(1, rounds + 1):
                for fault in (one for one in FAULTS if one.strips == strips):
                    computers.flow()
                    recovery = computers.recovery_s(fault.cause(computers))
                    seconds[fault.name].append(recovery)
                    say(f"  round {number} of {rounds}, {fault.name}: {recovery:.2f} s")
    return seconds


def measure_stalled(rounds: int, folder: Path) -> list[dict[str, Any]]:
    """A row a transport: the worst of ``rounds``."""
    table = []
    for middleware, strips in STALLED:
        outcomes = []
        for number in range(1, rounds + 1):
            own = folder / f"{middleware}_{strips}_{number}"
            own.mkdir()
            outcomes.append(stalled_receivers.measure(own, middleware, STALL_S, strips))
            say(f"  round {number} of {rounds}, {middleware}{', strips' if strips else ''}: {outcomes[-1]}")
        table.append(
            {
                "middleware": middleware,
                "frames": "strips" if strips else "whole",
                "rounds": rounds,
                "before_fps": f"{min(one.before for one in outcomes):.1f}",
                "during_fps": f"{min(one.during for one in outcomes):.1f}",
                "kept_percent": f"{100 * min(one.kept for one in outcomes):.1f}",
                "end_s": f"{max(one.end_s for one in outcomes):.2f}",
            }
        )
    return table


def missed(table: list[dict[str, Any]]) -> list[str]:
    """What of the stalled receivers' goals is not met; that TCP loses frames is expected."""
    return [
        f"{row['middleware']}, {row['frames']}"
        for row in table
        if float(row["end_s"]) > END_GOAL_S or (row["middleware"] == "profile" and float(row["kept_percent"]) < 100 * KEPT_GOAL)
    ]


def rows(seconds: dict[str, list[float]]) -> list[dict[str, Any]]:
    """A row a fault: median, least and most seconds."""
    return [
        {
            "fault": name,
            "rounds": len(values),
            "recovery_s": f"{statistics.median(values):.2f}",
            "least_s": f"{min(values):.2f}",
            "most_s": f"{max(values):.2f}",
        }
        for name, values in seconds.items()
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="how often each fault is caused")
    parser.add_argument("--only", choices=("recovery", "stalled"), help="one of the two tables")
    parser.add_argument("--json", action="store_true", help="print JSON, with every measured value")
    parser.add_argument("--csv", type=Path, help=f"folder for both tables as CSV (the reference: {REFERENCE.relative_to(REFERENCE.parents[1])})")
    args = parser.parse_args()
    reason = missing()
    if reason:
        sys.exit(f"faults.py: {reason}")
    with tempfile.TemporaryDirectory(prefix="plcv_faults_") as folder:
        seconds = {} if args.only == "stalled" else measure(args.rounds, Path(folder))
        stalled = [] if args.only == "recovery" else measure_stalled(args.rounds, Path(folder))
    tables = [(FILE, rows(seconds)), (STALLED_FILE, stalled)]
    if args.json:
        print(json.dumps({"machine": machine(), "seconds": seconds, "stalled": stalled}, indent=1))
    for file, table in tables:
        if table and not args.json:
            print(markdown(table, list(table[0])), end="\n\n")
        if table and args.csv:
            write_csv(args.csv / file.name, table)
    late = [name for name, values in seconds.items() if max(values) > GOAL_S]
    if late:
        say(f"later than {GOAL_S:g} s: {', '.join(late)}")
    if missed(stalled):
        say(f"less than {KEPT_GOAL:.0%} of the frames, or an end later than {END_GOAL_S:g} s: {'; '.join(missed(stalled))}")
    return 1 if late or missed(stalled) else 0


if __name__ == "__main__":
    sys.exit(main())
