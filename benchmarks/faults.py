#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How soon labels flow again after a fault: kills, a pulled link, full queues, malformed payloads, clocks that jump.

    python benchmarks/faults.py                        # 3 rounds of 11 faults: about 6 minutes
    python benchmarks/faults.py --rounds 1 --json

Real nodes on two emulated computers (network namespaces, 1 Gbit/s, 1 ms), scenes of 160x96 at 15 Hz, one frame in 67 ms. Seconds are counted from
when the fault has gone (for a node that was killed: from when its successor says that it is ready) to the first labels of a frame stamped after that.
Needs root, iproute2 and a C++ compiler.
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

from links.faults import FAULTS
from links.network import Network, missing
from links.two_computers import LINK, TwoComputers
from measuring import REFERENCE, machine, markdown, say, write_csv

RATE = 15.0
GOAL_S = 1.0
FILE = REFERENCE / "faults.csv"


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
    parser.add_argument("--json", action="store_true", help="print JSON, with every measured value")
    parser.add_argument("--csv", type=Path, help=f"write the table as CSV (the reference: {FILE.relative_to(REFERENCE.parents[1])})")
    args = parser.parse_args()
    reason = missing()
    if reason:
        sys.exit(f"faults.py: {reason}")
    with tempfile.TemporaryDirectory(prefix="plcv_faults_") as folder:
        seconds = measure(args.rounds, Path(folder))
    table = rows(seconds)
    if args.json:
        print(json.dumps({"machine": machine(), "seconds": seconds}, indent=1))
    else:
        print(markdown(table, list(table[0])))
    if args.csv:
        write_csv(args.csv, table)
    late = [name for name, values in seconds.items() if max(values) > GOAL_S]
    if late:
        say(f"later than {GOAL_S:g} s: {', '.join(late)}")
    return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main())
