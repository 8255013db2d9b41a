# SPDX-License-Identifier: Apache-2.0
"""``plcv demo``: a short run of real processes, and every failure ends in bounded time with a clear message."""

from __future__ import annotations

import argparse
import contextlib
import csv
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from plcv_ros.cli import demo
from plcv_ros.cli.main import main
from plcv_ros.cli.progress import describe

DEMO = [sys.executable, "-m", "plcv_ros.cli.main", "demo", "--size", "160x96", "--threads", "1"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--size", "huge"], "--size huge: expected WIDTHxHEIGHT"),
        (["--seconds", "0"], "--seconds 0: expected more than 0"),
        (["--rate", "-1"], "--rate -1: expected more than 0"),
        (["--config", "gif"], "expected one of astc_12x12"),
    ],
)
def test_wrong_usage(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", *words]) == 2
    assert message in capsys.readouterr().err


def test_the_network_is_the_configuration_s_unless_named() -> None:
    parser = argparse.ArgumentParser()
    demo.configure(parser)
    for words, expected in ([[], None], [["--checkpoint", "default"], "default"]):
        settings = demo._settings(parser.parse_args(["--config", "astc_12x12", *words]))
        assert demo._graph(settings).node("segmentation").parameters.get("checkpoint") == expected


def test_a_domain_that_nobody_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ROS_DOMAIN_ID", raising=False)
    first = demo._free_domain()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("", 7400 + 250 * first + 10))
        assert demo._free_domain() not in {0, first}
    monkeypatch.setenv("ROS_DOMAIN_ID", "7")
    assert demo._free_domain() == 7


def test_progress_line() -> None:
    values = {
        "camera": {"published": "33", "bits_per_pixel": "2.000"},
        "latency": {"published": "30", "received": "29", "segmented": "28", "total_p50_ms": "61.234"},
        "evaluation": {"miou": "0.587"},
    }
    assert describe(values) == "sent 30, received 29, segmented 28 · latency 61 ms · 2.00 bit/px · mIoU 58.7 %"
    assert describe({"evaluation": {"miou": "nan"}}) == "sent 0, received 0, segmented 0"


@pytest.fixture
def own_domain(domain: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ROS domain for the demo, on a machine with all that it needs."""
    for module, reason in (("torch", "torch is not installed"), ("cv2", "OpenCV is not installed")):
        pytest.importorskip(module, reason=reason)
    monkeypatch.setenv("ROS_DOMAIN_ID", str(domain))


@pytest.mark.usefixtures("own_domain")
def test_a_short_run(tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = subprocess.run([*DEMO, "--seconds", "4", "--rate", "10", "--out", str(out)], capture_output=True, text=True, timeout=250, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for word in ("frames sent", "received", "segmented", "dropped", "bits per pixel", "mIoU", "encode", "transport", "decode", "inference", "total"):
        assert word in done.stdout
    summary = json.loads((out / "summary.json").read_text())
    assert summary["sent"] == 40
    assert 1 <= summary["segmented"] <= summary["received"] <= 40
    assert summary["captured"] == summary["segmented"] + summary["dropped_camera"] + summary["lost"] + summary["dropped_remote"]
    assert summary["bits_per_pixel"] == pytest.approx(2.0, abs=0.02), "ASTC 8x8, and a header"
    assert 0 < summary["miou"] <= 1
    assert summary["scored"] >= 1
    assert set(summary["cpu"]) == {"camera", "segmentation", "latency", "evaluation"}
    p50 = {name: stage["p50"] for name, stage in summary["stages"].items()}
    assert all(value >= 0 for value in p50.values())
    assert p50["total"] > p50["inference"]
    with (out / "frames.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 40
    for name in ("overlay.png", "latency.png"):
        assert (out / name).read_bytes().startswith(b"\x89PNG")
        assert name in done.stdout
    assert "| frames sent | 40 |" in (out / "summary.md").read_text()
    assert (out / "logs" / "camera.log").read_text()


@pytest.mark.usefixtures("own_domain")
@pytest.mark.parametrize(
    ("words", "messages"),
    [
        (["--source", "no_such_folder"], ["the camera node ended (exit status 1); its last words:", "no_such_folder"]),
        (["--checkpoint", "no_such.safetensors"], ["the segmentation node ended (exit status 1)", "no_such.safetensors"]),
    ],
)
def test_a_node_that_does_not_start(words: list[str], messages: list[str], tmp_path: Path) -> None:
    done = subprocess.run([*DEMO, *words, "--out", str(tmp_path / "out")], capture_output=True, text=True, timeout=250, check=False)
    assert done.returncode == 1
    for message in messages:
        assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.usefixtures("own_domain")
def test_a_node_that_dies_in_the_run(tmp_path: Path) -> None:
    out = tmp_path / "out"
    demo = subprocess.Popen([*DEMO, "--seconds", "60", "--out", str(out)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        end = time.monotonic() + 150
        while not (out / "logs/camera.log").exists() or not (out / "logs/camera.log").read_text():
            assert demo.poll() is None
            assert time.monotonic() < end
            time.sleep(0.05)
        os.kill(child_of(demo.pid, "plcv_ros.nodes\0segmentation\0"), signal.SIGKILL)
        output, errors = demo.communicate(timeout=100)
    finally:
        demo.send_signal(signal.SIGINT)
        try:
            demo.wait(60)
        finally:
            demo.kill()
    assert demo.returncode == 1, output
    assert "the segmentation node ended (killed by SIGKILL); its last words:" in errors
    assert not (out / "summary.md").exists()


def child_of(parent: int, word: str) -> int:
    """The process id of ``parent``'s child whose command line holds ``word``."""
    children = []
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):  # ended meanwhile
            if int((path / "stat").read_text().rpartition(")")[2].split()[1]) == parent and word in (path / "cmdline").read_text():
                children.append(int(path.name))
    (child,) = children
    return child
