# SPDX-License-Identifier: Apache-2.0
"""The emulated link delays, loses, queues and cuts as it is told. Needs root; skipped elsewhere."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from links.network import REMOTE_ADDRESS, Link, Network, missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=f"no emulated link: {missing()}")

ECHO = """
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("0.0.0.0", 9000))
print("ready", flush=True)
while True:
    data, address = s.recvfrom(65536)
    s.sendto(data[:8], address)
"""

PROBE = """
import socket, statistics, sys, time
address, count, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(float(sys.argv[4]))
times = []
for k in range(count):
    start = time.perf_counter()
    s.sendto(k.to_bytes(8, "little") + bytes(size - 8), (address, 9000))
    try:
        while int.from_bytes(s.recv(64), "little") != k:
            pass
        times.append(time.perf_counter() - start)
    except TimeoutError:
        pass
print(len(times), 1000 * statistics.median(times) if times else -1)
"""


def probe(network: Network, count: int, size: int, patience_s: float = 30.0) -> tuple[int, float]:
    """(answers, median round trip in ms) of ``count`` datagrams of ``size`` bytes, answered by 8 bytes each, within ``patience_s`` each."""
    done = subprocess.run(
        network.command("camera", [sys.executable, "-c", PROBE, REMOTE_ADDRESS, str(count), str(size), str(patience_s)]),
        capture_output=True,
        text=True,
        timeout=200,
        check=True,
    )
    answers, median = done.stdout.split()
    return int(answers), float(median)


def test_link_does_what_it_is_told() -> None:
    with Network(Link(rate=100, delay_ms=3)) as network:
        echo = subprocess.Popen(network.command("remote", [sys.executable, "-c", ECHO]), stdout=subprocess.PIPE, text=True)
        try:
            assert echo.stdout is not None
            assert echo.stdout.readline() == "ready\n"
            answers, quick = probe(network, 20, 8)
            assert answers == 20
            assert quick >= 6.0  # never faster than twice the delay; slower on a busy machine
            network.change(Link(rate=1, delay_ms=3))
            answers, slow = probe(network, 10, 1400)
            assert answers == 10
            assert slow >= 6.0 + 1400 * 8 / 1000
            network.change(Link(rate=100, delay_ms=0, loss=0.3))
            before = network.counters()["forth"]
            answers, _ = probe(network, 40, 8, 0.3)
            after = network.counters()["forth"]
            lost = after["lost"] - before["lost"]
            assert 2 <= lost <= 30
            assert 1 <= answers <= 40 - lost
            network.cut()
            assert probe(network, 2, 8, 0.3)[0] == 0
            network.change(Link(rate=100, delay_ms=0))
            assert probe(network, 5, 8)[0] == 5
        finally:
            echo.kill()
            echo.wait()
            if echo.stdout is not None:
                echo.stdout.close()
    left = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    assert not any(name in left for name in (network.camera, network.remote))
