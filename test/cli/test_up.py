# SPDX-License-Identifier: Apache-2.0
"""``plcv up``: wrong usage, listings, and graphs of real processes that end as they should."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from plcv_ros.cli.main import main
from plcv_ros.graph import GRAPHS

UP = [sys.executable, "-m", "plcv_ros.cli.main", "up"]
WAIT_FOR_LABELS = """
import os, sys
from plcv_ros.graph import build
os.environ.update(build("many_cameras", {{"cameras": "front,rear", "localhost_only": "true"}}).environment)
from plcv_ros.nodes.monitor import DiagnosticsMonitor
enough = lambda nodes: int(nodes.get("latency", {{}}).get("segmented", 0)) >= {frames}
with DiagnosticsMonitor("judge") as monitor:
    sys.exit(not monitor.wait_for(enough, {seconds}))
"""
QUIET = ["localhost_only:=true", "width:=160", "height:=96"]


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["up", "--list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(GRAPHS)


def test_show_args(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["up", "replay", "--show-args"]) == 0
    text = capsys.readouterr().out
    assert all(f"  {argument.name}\n" in text for argument in GRAPHS["replay"].arguments)
    assert "(required)" in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere"], "no graph 'nowhere'"),
        (["offload", "rate:=fast"], "expected a number"),
        (["offload", "rate=5"], "expected name:=value"),
        (["replay"], "replay needs source:="),
    ],
)
def test_wrong_usage(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["up", *words]) == 2
    assert message in capsys.readouterr().err


def test_print_shows_what_would_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["up", "edge", "peer:=10.0.0.2", "source:=0", "--print"]) == 0
    text = capsys.readouterr().out
    assert "export ROS_STATIC_PEERS=10.0.0.2" in text
    assert "-m plcv_ros.nodes camera --ros-args" in text
    assert "'source:=\"0\"'" in text, "the command can be pasted into a shell"


def test_a_parameter_file_for_nobody_is_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "my.yaml"
    path.write_text("/camera:\n  ros__parameters:\n    rate: 7.0\n")
    assert main(["up", "edge", f"params_file:={path}", "namespace:=robot", "--print"]) == 0
    shown = capsys.readouterr()
    assert shown.err.count("[WARN]") == shown.err.count("/camera matches no node of the graph") == 1
    assert "/robot/camera" in shown.err
    assert main(["up", "edge", f"params_file:={path}", "--print"]) == 0
    assert not capsys.readouterr().err


class Running:
    """``plcv up`` in a process of its own."""

    def __init__(self, words: list[str], domain: int, folder: Path) -> None:
        self.log = folder / "up.log"
        environment = {**os.environ, "ROS_DOMAIN_ID": str(domain), "ROS_LOG_DIR": str(folder)}
        with self.log.open("w") as file:
            self.process = subprocess.Popen([*UP, *words], env=environment, cwd=folder, stdout=file, stderr=subprocess.STDOUT)

    def wait_for(self, text: str, seconds: float = 100) -> None:
        end = time.monotonic() + seconds
        while text not in self.log.read_text():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < end, f"no {text!r} in\n{self.log.read_text()}"
            time.sleep(0.05)

    def end(self) -> int:
        try:
            return self.process.wait(100)
        finally:
            self.process.kill()


def processes_with(word: str) -> list[int]:
    """Ids of processes whose command line or environment holds ``word``."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):  # ended meanwhile
            if word.encode() in path.read_bytes():
                found.append(int(path.parent.name))
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_all_nodes_cleanly(number: signal.Signals, domain: int, tmp_path: Path) -> None:
    up = Running(["edge", "source:=scenes", "width:=160", "height:=96"], domain, tmp_path)
    up.wait_for("[camera] [INFO]")
    up.process.send_signal(number)
    assert up.end() == 0, up.log.read_text()
    assert not processes_with(str(tmp_path))


def test_one_failing_node_ends_the_graph(domain: int, tmp_path: Path) -> None:
    up = Running(["offload", *QUIET, f"checkpoint:={tmp_path / 'none.safetensors'}"], domain, tmp_path)
    assert up.end() == 1
    text = up.log.read_text()
    assert "none.safetensors" in text
    assert "failed: segmentation (exit status 1)" in text
    assert not processes_with(str(tmp_path))


def test_the_end_of_the_source_ends_nothing_else(domain: int, tmp_path: Path) -> None:
    up = Running(["edge", "source:=scenes", "width:=160", "height:=96", "frames:=2"], domain, tmp_path)
    assert up.end() == 0, "edge has one node: when it is done, so is the graph"
    assert "last of 2 frames" in up.log.read_text()


def test_two_cameras_and_one_network(domain: int, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    report = tmp_path / "report"
    words = ["many_cameras", "cameras:=front,rear", "rate:=4", "side:=both", f"output:={report}", *QUIET]
    up = Running(words, domain, tmp_path)
    up.wait_for("waiting for frames on /front/camera/image/astc, /rear/camera/image/astc")
    up.wait_for("[rear/camera")
    watch = [sys.executable, "-c", WAIT_FOR_LABELS.format(frames=6, seconds=100)]
    assert subprocess.run(watch, env={**os.environ, "ROS_DOMAIN_ID": str(domain)}, check=False).returncode == 0, up.log.read_text()
    up.process.send_signal(signal.SIGINT)
    assert up.end() == 0, up.log.read_text()
    latency = json.loads((report / "latency.json").read_text())
    assert set(latency["camera_nodes"]) == {"front/camera", "rear/camera"}
    assert latency["remote_nodes"] == ["segmentation"]
    assert latency["segmented"] > 5
    page = (report / "latency.html").read_text()
    assert "<td>front</td>" in page
    assert "<td>rear</td>" in page
    assert not processes_with(str(tmp_path))
