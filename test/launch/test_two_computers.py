# SPDX-License-Identifier: Apache-2.0
"""Edge and remote on two hosts of a network that passes no multicast: network namespaces with a router between them, real processes."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
pytest.importorskip("torch", reason="torch is not installed")

EDGE, REMOTE = "10.78.1.1", "10.78.2.1"
DOMAIN = "31"
FRAMES_WANTED = 10

LISTEN = """
import socket, struct
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    s.bind(("", 17400))
    s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, struct.pack("4s4s", socket.inet_aton("239.255.0.1"), socket.inet_aton("{own}")))
    s.settimeout({seconds})
    print("ready", flush=True)
    try:
        s.recvfrom(16)
        print("heard")
    except OSError:
        print("nothing")
"""
SEND = """
import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("{own}"))
    s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 8)
    s.sendto(b"multicast", ("{to}", 17400))
"""
WAIT_FOR_LABELS = """
import os, sys
from plcv_ros.graph import build
os.environ.update(build("remote", {{"peer": "{peer}"}}).environment)
from plcv_ros.nodes.monitor import DiagnosticsMonitor
with DiagnosticsMonitor("judge") as monitor:
    sys.exit(not monitor.wait_for(lambda nodes: int(nodes.get("segmentation", {{}}).get("segmented", 0)) >= {frames}, {seconds}))
"""


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


@pytest.fixture
def hosts() -> Iterator[dict[str, str]]:
    """Three namespaces, edge - router - remote: a router forwards no multicast. Removed in any case."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    if shutil.which("ip") is None:
        pytest.skip("network namespaces need iproute2 (apt install iproute2)")
    names = {role: f"plcv{os.getpid() % 10000}{role[0]}" for role in ("edge", "remote", "hop")}
    try:
        try:
            for name in names.values():
                ip("netns", "add", name)
                ip("-n", name, "link", "set", "lo", "up")
            for role, address, gateway in (("edge", EDGE, "10.78.1.254"), ("remote", REMOTE, "10.78.2.254")):
                host, port = f"v{role[0]}", f"r{role[0]}"
                ip("link", "add", host, "netns", names[role], "type", "veth", "peer", "name", port, "netns", names["hop"])
                ip("-n", names[role], "addr", "add", f"{address}/24", "dev", host)
                ip("-n", names["hop"], "addr", "add", f"{gateway}/24", "dev", port)
                ip("-n", names[role], "link", "set", host, "up")
                ip("-n", names["hop"], "link", "set", port, "up")
                ip("-n", names[role], "route", "add", "default", "via", gateway)
            forward = "from pathlib import Path; Path('/proc/sys/net/ipv4/ip_forward').write_text('1')"
            subprocess.run(["ip", "netns", "exec", names["hop"], sys.executable, "-c", forward], check=True, capture_output=True)
        except subprocess.CalledProcessError as error:
            pytest.skip(f"network namespaces cannot be made here: {(error.stderr or b'').strip()!r}")
        yield names
    finally:
        for name in names.values():
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


@pytest.fixture
def run_on(hosts: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """``run_on("edge", [words])`` starts a Python process on that host; each host has a /dev/shm of its own, as two computers have."""
    running: list[tuple[str, subprocess.Popen[str], Path]] = []

    def start(role: str, words: list[str]) -> subprocess.Popen[str]:
        log = tmp_path / f"{role}{len(running)}.log"
        memory = tmp_path / f"shm_{role}"
        memory.mkdir(exist_ok=True)
        private = ["sh", "-c", 'mount --bind "$0" /dev/shm && exec "$@"', str(memory)]
        environment = {**os.environ, "ROS_DOMAIN_ID": DOMAIN, "ROS_LOG_DIR": str(tmp_path), "OMP_NUM_THREADS": "1"}
        with log.open("w") as file:
            process = subprocess.Popen(
                ["ip", "netns", "exec", hosts[role], *private, sys.executable, *words],
                env=environment,
                stdout=file,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        running.append((role, process, log))
        return process

    yield start
    for _, process, _ in running:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
    for role, process, log in running:
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(5)
        print(f"---- {role} ({process.returncode})\n{log.read_text()}")


def multicast_heard(hosts: dict[str, str], to: str) -> bool:
    """Whether a packet from the edge to the address ``to`` reaches the remote."""
    listener = subprocess.Popen(
        ["ip", "netns", "exec", hosts["remote"], sys.executable, "-c", LISTEN.format(own=REMOTE, seconds=2.0)], stdout=subprocess.PIPE, text=True
    )
    assert listener.stdout is not None
    assert listener.stdout.readline().strip() == "ready"
    subprocess.run(["ip", "netns", "exec", hosts["edge"], sys.executable, "-c", SEND.format(own=EDGE, to=to)], check=True, capture_output=True)
    return listener.communicate(timeout=60)[0].strip() == "heard"


@pytest.mark.timeout(400)
def test_frames_arrive_without_multicast(hosts: dict[str, str], run_on: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    assert multicast_heard(hosts, to=REMOTE), "the two hosts do not reach each other"
    assert not multicast_heard(hosts, to="239.255.0.1"), "multicast passes: this test would prove nothing"

    report = tmp_path / "report"
    up = ["-m", "plcv_ros.cli.main", "up"]
    # Raw frames of 0.69 MB: with the defaults of Fast DDS, most of them would get lost.
    remote = run_on("remote", [*up, "remote", f"peer:={EDGE}", "configuration:=raw", f"output:={report}"])
    edge = run_on("edge", [*up, "edge", f"peer:={REMOTE}", "configuration:=raw", "width:=640", "height:=360", "rate:=5"])
    judge = run_on("remote", ["-c", WAIT_FOR_LABELS.format(peer=EDGE, frames=FRAMES_WANTED, seconds=200)])
    while judge.poll() is None:
        assert edge.poll() is None, "the edge ended"
        assert remote.poll() is None, "the remote ended"
        time.sleep(0.1)
    assert judge.returncode == 0, "no labels within the time"

    edge.send_signal(signal.SIGINT)
    assert edge.wait(60) == 0
    remote.send_signal(signal.SIGINT)
    assert remote.wait(60) == 0
    latency = json.loads((report / "latency.json").read_text())
    assert latency["segmented"] >= FRAMES_WANTED
    assert latency["camera_nodes"] == ["camera"], "events of both hosts are in the report"
    assert latency["remote_nodes"] == ["segmentation"]
    assert latency["stages"]["total"]["p50"] > 0
