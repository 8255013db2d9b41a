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
from dataclasses import replace
from pathlib import Path

import pytest

from plcv_ros.cli import demo
from plcv_ros.cli.demo_report import FILES, Report, adopt, collect, headline
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


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--source", "no_such_folder"], 1, "source 'no_such_folder' does not exist; expected scenes"),
        (["--source", "/dev/video97"], 1, "there is no /dev/video97"),
        (["--source", "97"], 1, "there is no /dev/video97"),
        (["--source", "empty"], 1, "empty"),
        (["--source", "text.mp4"], 1, "text.mp4"),
        (["--source", ""], 2, "--source is empty: expected scenes"),
        (["--size", "99999x64"], 2, "parameter width is 99999, expected an integer from 0 to 16384"),
        (["--rate", "0.01"], 2, "parameter rate is 0.01, expected"),
        (["--threads", "-2"], 2, "--threads -2: expected at least 0"),
        (["--seed", "-1"], 2, "--seed -1: expected at least 0"),
    ],
)
def test_what_is_wrong_is_found_before_anything_starts_and_the_last_report_stays(
    words: list[str], code: int, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("cv2", reason="OpenCV is not installed")
    pytest.importorskip("rclpy", reason="rclpy is not installed")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.mp4").write_text("no video")
    (tmp_path / "out").mkdir()
    reports = [tmp_path / "out" / name for name in FILES]
    for path in reports:
        path.write_text("of the last run")
    monkeypatch.setattr(demo, "NodeProcess", lambda *_, **__: pytest.fail("a node was started"))
    assert main(["demo", "--out", "out", *words]) == code
    assert message in capsys.readouterr().err
    assert all(path.read_text() == "of the last run" for path in reports)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(FILES)


def test_the_source_s_own_rate_is_the_default(tmp_path: Path) -> None:
    np, av = pytest.importorskip("numpy"), pytest.importorskip("av", reason="PyAV is not installed")
    with av.open(str(tmp_path / "clip.mp4"), "w") as file:
        stream = file.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(30):
            file.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8))))
        file.mux(stream.encode())
    parser = argparse.ArgumentParser()
    demo.configure(parser)
    for words, rate, frames in (([], 25, 50), (["--rate", "0"], 25, 50), (["--rate", "10"], 10, 20)):
        settings = demo._settings(parser.parse_args(["--source", str(tmp_path / "clip.mp4"), "--seconds", "2", *words]))
        settings = replace(settings, source_rate=demo.probe_source(settings))
        assert settings.source_rate == pytest.approx(rate)
        assert settings.frames == frames
        assert demo._graph(settings).node("camera").parameters["rate"] == settings.rate


def test_an_earlier_report_is_replaced_whole(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "frames.csv").write_text("new")
    for name in FILES:
        (tmp_path / name).write_text("old")
    adopt(tmp_path / "new", tmp_path)
    assert (tmp_path / "frames.csv").read_text() == "new"
    assert not [name for name in FILES if name != "frames.csv" and (tmp_path / name).exists()]


def report(folder: Path, camera: dict[str, str], asked: float, captured_ms: list[int]) -> Report:
    (folder / "frames.csv").write_text("frame_id,captured_ns\n" + "".join(f"camera,{t * 1_000_000}\n" for t in captured_ms))
    settings = argparse.Namespace(source="x", configuration="jpeg", rate=asked, source_rate=0.0)
    return collect(folder, settings, camera, {})


def test_bits_per_pixel_of_mixed_sizes(tmp_path: Path) -> None:
    camera = {"width": "64", "height": "48", "encoded": "2", "bytes": str(80_000 + 800), "pixels": str(640 * 480 + 64 * 48)}
    found = report(tmp_path, camera, 10.0, [1000, 1100, 1200])
    assert found.bits_per_pixel == pytest.approx(8 * 80_800 / 310_272)
    assert found.megabit_per_second == pytest.approx(8 * 40_400 * 10 / 1e6)


def test_the_headline_says_the_rate_that_was_achieved(tmp_path: Path) -> None:
    camera = {"width": "64", "height": "48"}
    assert "64x48 at 30 Hz, jpeg" in headline(report(tmp_path, camera, 30.0, [1000 + round(100 * i / 3) for i in range(30)]))
    assert "64x48 at 20.0 Hz (30 asked for), jpeg" in headline(report(tmp_path, camera, 30.0, [1000 + 50 * i for i in range(30)]))
    assert "64x48 at 20 Hz, jpeg" in headline(report(tmp_path, camera, 0.0, [1000 + 50 * i for i in range(30)]))


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
    early = {"latency": {"published": "1", "received": "1", "segmented": "0"}, "evaluation": {"miou": "0.587"}}
    assert describe(early) == "sent 1, received 1, segmented 0", "nothing is scored before it is segmented"
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
