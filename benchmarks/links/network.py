# SPDX-License-Identifier: Apache-2.0
"""Two computers and a link on one machine: network namespaces joined by an emulated link. Needs Linux, root, and the PROGRAMS below.

The emulator beside this file stands in for netem, which many kernels lack; it loses, delays and queues packets, not messages.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CAMERA_ADDRESS = "10.78.0.1"
REMOTE_ADDRESS = "10.78.0.2"

OFFLOADS_OFF = ("tso", "off", "gso", "off", "gro", "off", "tx", "off", "rx", "off")
"""For ethtool: segments that are larger than a packet would be lost as one."""


PROGRAMS = {"ip": "iproute2", "ethtool": "ethtool", "g++": "g++", "sysctl": "procps", "mount": "mount", "sh": "dash"}
"""What a network is made with, and the packages that bring it. Without ethtool the links are there, but no packet's checksum is right."""


@dataclass(frozen=True)
class Link:
    """``delay_ms`` one way, ``loss`` a packet (0.01 = 1 %), ``rate`` in Mbit/s (0 = no limit), a queue of ``queue_kb`` before packets are dropped."""

    rate: float
    delay_ms: float = 2.0
    loss: float = 0.0
    queue_kb: int = 1024

    @property
    def text(self) -> str:
        """A few words for tables."""
        return f"{self.rate:g} Mbit/s, {self.delay_ms:g} ms, {100 * self.loss:g} %"

    def transit_ms(self, size: float) -> float:
        """What ``size`` bytes take to cross the empty link: T = bytes * 8 / rate + delay."""
        return size * 8 / (self.rate * 1000) + self.delay_ms


def missing() -> str:
    """Why a network cannot be made here; empty where it can."""
    if os.name != "posix" or os.geteuid() != 0:
        return "network namespaces need root"
    lacking = [program for program in PROGRAMS if shutil.which(program) is None]
    if lacking:
        packages = " ".join(dict.fromkeys(PROGRAMS[program] for program in lacking))
        return f"{', '.join(lacking)} not found (Debian and Ubuntu: apt install {packages})"
    probe = subprocess.run(["ip", "netns", "list"], capture_output=True, check=False)
    return "" if probe.returncode == 0 else "this kernel has no network namespaces"


class Network:
    """Namespaces ``camera`` and ``remote`` (their names end in this process's number), joined by a link; a context manager.

    `command` wraps a command line so that it runs on one of the two computers.
    """

    def __init__(self, link: Link) -> None:
        number = os.getpid()
        self.camera, self.remote, self._middle = (f"plcv{number}{side}" for side in "crm")
        self._link = link
        self._attached: dict[str, str] = {}
        self._folder = tempfile.TemporaryDirectory(prefix="plcv_link_")
        self._emulator: subprocess.Popen[str] | None = None

    def __enter__(self) -> Network:
        try:
            self._build()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def attach(self, name: str) -> None:
        """Another computer, ``name`` for `command` and `unplug`, on a wire of its own to the camera's. The two reach each other alone."""
        number = len(self._attached) + 1
        namespace = self._attached[name] = f"{self.camera[:-1]}{number}"
        _run("ip", "netns", "add", namespace)
        _run("ip", "-n", namespace, "link", "set", "lo", "up")
        _run("ip", "-n", self.camera, "link", "add", name, "type", "veth", "peer", "name", "wire", "netns", namespace)
        for computer, interface, host in ((self.camera, name, 1), (namespace, "wire", 2)):
            _run("ip", "-n", computer, "addr", "add", f"10.79.{number}.{host}/24", "dev", interface)
            _run("ip", "-n", computer, "link", "set", interface, "up")

    def unplug(self, name: str) -> None:
        """Take the carrier of an attached computer's wire away, as pulling its plug does."""
        _run("ip", "-n", self._attached[name], "link", "set", "wire", "down")

    def plug(self, name: str) -> None:
        """Put the wire of an attached computer back."""
        _run("ip", "-n", self._attached[name], "link", "set", "wire", "up")

    def command(self, side: str, words: list[str]) -> list[str]:
        """The command line that runs ``words`` on ``camera``, ``remote`` or an attached computer; each has a /dev/shm of its own."""
        memory = Path(self._folder.name) / f"shm_{side}"
        memory.mkdir(exist_ok=True)
        return _in(self._attached.get(side) or getattr(self, side), "sh", "-c", 'mount --bind "$0" /dev/shm && exec "$@"', str(memory), *words)

    def change(self, link: Link) -> dict[str, Any]:
        """Give the link other properties (all but its queue) from now on; returns the counters of packets so far."""
        self._link = link
        return self._ask(f"{round(link.delay_ms * 1000)} {round(link.loss * 1e6)} {round(link.rate)}")

    def cut(self) -> dict[str, Any]:
        """Pull the plug; `change` puts it back."""
        return self._ask(f"{round(self._link.delay_ms * 1000)} 1000000 {round(self._link.rate)}")

    def counters(self) -> dict[str, Any]:
        """``{"forth": {"packets", "bytes", "lost", "overflowed"}, "back": {...}}`` since the start; forth is camera to remote."""
        return self._ask("")

    def close(self) -> None:
        """Take everything down."""
        if self._emulator is not None:
            self._emulator.kill()
            self._emulator.wait()
            for pipe in (self._emulator.stdin, self._emulator.stdout):
                if pipe is not None:
                    with suppress(OSError):
                        pipe.close()
            self._emulator = None
        if shutil.which("ip"):
            for name in (self.camera, self.remote, self._middle, *self._attached.values()):
                subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
        self._folder.cleanup()

    def _ask(self, line: str) -> dict[str, Any]:
        emulator = self._emulator
        if emulator is None or emulator.stdin is None or emulator.stdout is None:
            raise RuntimeError("the network is not up")
        emulator.stdin.write(line + "\n")
        emulator.stdin.flush()
        answer = emulator.stdout.readline()
        if not answer:
            raise RuntimeError(f"the link emulator ended with status {emulator.wait()}")
        counters: dict[str, Any] = json.loads(answer)
        return counters

    def _build(self) -> None:
        reason = missing()
        if reason:
            raise RuntimeError(f"no emulated link: {reason}")
        program = str(Path(self._folder.name) / "emulator")
        _run("g++", "-std=c++17", "-O2", "-pthread", str(Path(__file__).with_name("emulator.cpp")), "-o", program)
        for name in (self.camera, self.remote, self._middle):
            _run("ip", "netns", "add", name)
            _run("ip", "-n", name, "link", "set", "lo", "up")
        ends = ((self.camera, "camera0", "link0", CAMERA_ADDRESS), (self.remote, "remote0", "link1", REMOTE_ADDRESS))
        for name, interface, peer, address in ends:
            _run("ip", "-n", name, "link", "add", interface, "type", "veth", "peer", "name", peer, "netns", self._middle)
            _run("ip", "-n", name, "addr", "add", f"{address}/24", "dev", interface)
            _run("ip", "-n", name, "link", "set", interface, "up")
            _run("ip", "-n", self._middle, "link", "set", peer, "up")
            # Half-reassembled datagrams clog the receiver for 30 s by default.
            _settings(name, {"net.ipv4.ipfrag_time": "2", "net.ipv4.ipfrag_high_thresh": "134217728"})
            for namespace, device in ((name, interface), (self._middle, peer)):
                subprocess.run(_in(namespace, "ethtool", "-K", device, *OFFLOADS_OFF), capture_output=True, check=False)
        _settings(self._middle, {"net.ipv6.conf.all.disable_ipv6": "1"})
        link = self._link
        numbers = [str(round(v)) for v in (link.delay_ms * 1000, link.loss * 1e6, link.rate, link.queue_kb)]
        self._emulator = subprocess.Popen(
            _in(self._middle, program, "link0", "link1", *numbers), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self.counters()


def _in(namespace: str, *words: str) -> list[str]:
    return ["ip", "netns", "exec", namespace, *words]


def _settings(namespace: str, values: dict[str, str]) -> None:
    for name, value in values.items():
        subprocess.run(_in(namespace, "sysctl", "-qw", f"{name}={value}"), capture_output=True, check=False)


def _run(*words: str) -> None:
    result = subprocess.run(words, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: {result.stderr.strip() or f'status {result.returncode}'}")
