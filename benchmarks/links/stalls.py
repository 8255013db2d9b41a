# SPDX-License-Identifier: Apache-2.0
"""How often and how long the machine itself stops a thread that wants to run.

Where that hits more than one frame in a hundred, it bounds the p99 of latencies.

python benchmarks/links/stalls.py
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise

LIMITS_MS = (1.0, 2.0, 5.0)


def count(times_ns: Iterable[int]) -> tuple[list[int], int]:
    """Of the times at which a thread ran: the pauses longer than each of LIMITS_MS, and how long those of the shortest limit took together (ns)."""
    found, total = [0] * len(LIMITS_MS), 0
    for before, after in pairwise(times_ns):
        pause = after - before
        if pause > LIMITS_MS[0] * 1e6:
            total += pause
            found = [n + (pause > limit * 1e6) for n, limit in zip(found, LIMITS_MS)]
    return found, total


def _spin(core: int, seconds: float) -> tuple[int, list[int], int]:
    os.sched_setaffinity(0, {core})
    gc.disable()
    end = time.perf_counter_ns() + int(seconds * 1e9)
    return core, *count(_clock(end))


def _clock(end: int) -> Iterable[int]:
    while (now := time.perf_counter_ns()) < end:
        yield now


def measure(seconds: float = 5.0) -> list[str]:
    """A sentence for each core; keeps all of them busy for so long."""
    cores = sorted(os.sched_getaffinity(0))
    with ProcessPoolExecutor(len(cores)) as pool:
        results = list(pool.map(_spin, cores, [seconds] * len(cores)))
    limits = " / ".join(f"{limit:g}" for limit in LIMITS_MS)
    sentences = []
    for core, found, total in results:
        rates = " / ".join(f"{n / seconds:.1f}" for n in found)
        share = total / seconds / 1e9
        sentences.append(f"core {core}: stopped for more than {limits} ms {rates} times a second, {share:.2%} of the time")
    return sentences


if __name__ == "__main__":
    print("\n".join(measure(15.0)))
